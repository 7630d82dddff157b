# LangFlix: `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
EXTRAS := media,notebook,api,dashboard,genai,parquet,postgres,dev
OUT    ?= lessons

export PYTHONUNBUFFERED = 1

.PHONY: help setup demo browser services test lint export clean notebooks bench bench-service bench-season sample
.DEFAULT_GOAL := help

help: ## Say what each target does
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment is made again when the project's facts change.
$(STAMP): settings.ini setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "LangFlix needs Python 3.11 or newer; $(PYTHON) is older. Run: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@touch $@

setup: $(STAMP) ## Make the environment in .venv

demo: $(STAMP) ## Make lessons from the sample episode: no key, no network
	$(BIN)/langflix demo --out $(OUT)

browser: $(STAMP) # tests look at pages in a real Chromium
	$(BIN)/python tests/browser.py

services: $(STAMP) # tests use a real Redis and a real PostgreSQL, which they start themselves
	$(BIN)/python tests/servers.py

test: $(STAMP) browser services ## Run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMP) ## Check style and types of the package and the tests
	$(BIN)/ruff check langflix tests benchmarks nbs/sample setup.py
	$(BIN)/mypy

export: $(STAMP) ## Write the package from the notebooks, and clean the notebooks
	$(BIN)/nbdev_clean
	$(BIN)/nbdev_export
	cp nbs/apps/*.ipynb langflix/data/apps/

# Those of nbs/apps hold a .notest for nbdev: papermill executes them, as users do.
notebooks: $(STAMP) ## Execute every notebook from top to bottom
	$(BIN)/nbdev_test --n_workers 2 --do_print
	made=$$(mktemp -d); for app in nbs/apps/*.ipynb; do echo "- $$app"; LANGFLIX_LESSONS__MAX_EXPRESSIONS=3 LANGFLIX_PATHS__OUTPUT=$$made \
	  $(BIN)/papermill "$$app" "$$made/run.ipynb" --cwd "$$made" --no-progress-bar || exit 1; done; rm -rf "$$made"

bench: $(STAMP) ## Measure: print figures of one run as JSON
	$(BIN)/python benchmarks/scale.py

bench-service: $(STAMP) # clients by the hundred while a job renders, and long lists
	$(BIN)/python benchmarks/service.py

bench-season: $(STAMP) # twelve synthetic episodes beside what must be asked and encoded, and memory from 2 to 40
	$(BIN)/python benchmarks/season.py

sample: $(STAMP) ## Draw and speak the sample episode again (needs espeak-ng)
	$(BIN)/python nbs/sample/make_sample.py --out langflix/data/sample --ffmpeg "$$($(BIN)/python -c "from langflix.media import find_tools; print(find_tools().ffmpeg)")"

clean: ## Remove what was built; keep lessons and the environment
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis _proc _docs
	find langflix tests nbs -name __pycache__ -type d -prune -exec rm -rf {} +
