"""The workflows call only what runs here too, with the least rights; and what they call does what it says."""

import importlib.util
import json
import os
import re
import stat
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
JOBS = {(flow, name): job for flow, text in FLOWS.items() for name, job in text["jobs"].items()}
STEPS = [(flow, name, step) for (flow, name), job in JOBS.items() for step in job.get("steps", [])]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))

# What a job may do beyond reading the source. Nothing else in any workflow may write.
RIGHTS = {
    ("security", "code"): {"security-events": "write"},
    ("release", "images"): {"packages": "write", "id-token": "write", "attestations": "write"},
    ("release", "pypi"): {"id-token": "write", "attestations": "write"},
    ("release", "github"): {"contents": "write"},
}


def named(job):
    return "/".join(job) if isinstance(job, tuple) else None


def module(name):
    "A program of .ci as a module."
    found = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / ".ci" / f"{name}.py")
    made = importlib.util.module_from_spec(found)
    found.loader.exec_module(made)
    return made


def call(*command, cwd=ROOT, **env):
    "Run a program with more in its environment."
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "GITHUB_OUTPUT")}
    return subprocess.run([str(word) for word in command], cwd=cwd, env={**clean, **env}, capture_output=True, text=True)


def test_there_is_a_workflow_for_each_purpose():
    assert set(FLOWS) == {"ci", "episode", "release", "security"}


@pytest.mark.parametrize(("flow", "job", "step"), [one for one in STEPS if "run" in one[2]])
def test_a_step_runs_one_target_that_runs_here_too(flow, job, step):
    words = step["run"].split("#")[0].split()
    assert step["run"].count("\n") == 0
    assert words == [".ci/run"] or (len(words) == 2 and words[0] == "make" and words[1] in TARGETS)


@pytest.mark.parametrize("flow", FLOWS)
def test_nothing_from_outside_becomes_part_of_a_script_or_of_an_actions_name(flow):
    for job in FLOWS[flow]["jobs"].values():
        for step in job.get("steps", []):
            assert "${{" not in step.get("run", "") + step.get("uses", "") + step.get("shell", "")
            inputs = json.dumps({name: value for name, value in step.items() if name != "env"})
            assert not re.search(r"github\.(event\.|head_ref|event_name)|inputs\.|secrets\.", inputs)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_workflow_may_do_nothing_and_each_job_only_what_it_needs(flow):
    assert FLOWS[flow]["permissions"] == {}
    assert FLOWS[flow]["concurrency"]["group"]
    for name, job in FLOWS[flow]["jobs"].items():
        allowed = dict(job["permissions"])
        if "contents" in allowed and "contents" not in RIGHTS.get((flow, name), {}):
            assert allowed.pop("contents") == "read"
        assert allowed == RIGHTS.get((flow, name), {})


@pytest.mark.parametrize("job", JOBS, ids=named)
def test_a_job_ends_in_time(job):
    assert "uses" in JOBS[job] or 0 < JOBS[job]["timeout-minutes"] <= 180


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_action_is_pinned_to_a_commit_and_says_of_which_version(path):
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        assert action.startswith("./") or (re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) and re.fullmatch(r" # v\d+\.\d+\.\d+", comment))


def test_an_action_has_one_version_everywhere():
    pins = set(re.findall(r"uses: ([\w.-]+/[\w.-]+)[^@]*@(.+)", "\n".join(path.read_text() for path in FILES)))
    assert len({action for action, _ in pins}) == len(pins)


def test_a_checkout_leaves_no_token_behind():
    checkouts = [step for _, _, step in STEPS if "checkout@" in step.get("uses", "")]
    assert len(checkouts) >= 10
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_ci_covers_the_versions_that_the_package_names():
    config = ConfigParser(delimiters=["="])
    config.read(ROOT / "settings.ini")
    (minors,) = re.findall(r"for minor in \(([\d, ]+)\)", (ROOT / "setup.py").read_text())
    named = [f"3.{minor}" for minor in minors.split(", ")]
    assert FLOWS["ci"]["jobs"]["check"]["strategy"]["matrix"]["python"] == named == ["3.11", "3.12", "3.13"]
    assert config["DEFAULT"]["min_python"] == named[0]


def test_containers_are_tested_once_and_not_on_each_python():
    (step,) = [step for flow, job, step in STEPS if step.get("run") == ".ci/run"]
    assert step["env"] == {"CONTAINERS": "elsewhere"}
    assert [(flow, job) for flow, job, step in STEPS if step.get("run") == "make docker-test"] == [("ci", "docker")]


def test_a_secret_reaches_only_the_step_that_asks_gemini_and_only_when_someone_wants_that():
    text = "\n".join(path.read_text() for path in FILES)
    assert re.findall(r"secrets\.(\w+)", text) == ["GEMINI_API_KEY"]
    (step,) = [step for _, _, step in STEPS if "secrets." in json.dumps(step)]
    assert step["run"] == "make episode"
    assert "workflow_dispatch" in step["env"]["GEMINI_API_KEY"]
    assert step["env"]["EPISODE_WITHIN"] == "."


def test_what_is_published_was_checked_first_and_is_built_without_a_cache_or_a_right_to_publish():
    jobs = FLOWS["release"]["jobs"]
    assert jobs["agree"]["outputs"] == {"version": "${{ steps.check.outputs.version }}"}
    assert jobs["ci"] | {"name": ""} == {"name": "", "needs": "agree", "permissions": {"contents": "read"}, "uses": "./.github/workflows/ci.yml"}
    assert [jobs[name]["needs"] for name in ("wheel", "images", "pypi", "github")] == ["ci", ["agree", "ci"], ["wheel", "images"], "pypi"]
    assert not [step for _, job, step in STEPS if _ == "release" and "cache" in step.get("with", {})]
    assert not [step for _, job, step in STEPS if (_, job) == ("release", "pypi") and "run" in step]


def test_the_images_are_those_of_the_dockerfile():
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    scanned = [step["with"]["image-ref"] for _, _, step in STEPS if "trivy-action" in step.get("uses", "")]
    assert set(JOBS["release", "images"]["strategy"]["matrix"]["target"]) == {"cli", "api", "dashboard", "lab"} <= stages
    assert sorted(scanned) == ["langflix:api", "langflix:cli", "langflix:dashboard", "langflix:lab"]


# What the workflows call.


@pytest.fixture
def project(tmp_path):
    "A project of two versions."
    (tmp_path / "settings.ini").write_text("[DEFAULT]\nversion = 1.2.0\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\nNewest first.\n\n## 1.2.0 (2026-05-01)\n\n- New.\n- Newer.\n\n## 1.1.0 (2026-04-01)\n\n- Old.\n\n## 1.0.0\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "truenas.yaml").write_text("services:\n  api:\n    image: ghcr.io/langflix/langflix:1.2.0-api\n  redis:\n    image: redis:7-bookworm\n")
    return tmp_path


def test_release_notes_are_the_section_of_a_version_and_nothing_else(project):
    release = module("release")
    assert release.section("1.2.0", project) == ("2026-05-01", "- New.\n- Newer.")
    assert release.section("1.1.0", project) == ("2026-04-01", "- Old.")
    assert release.check("v1.2.0", project) == "v1.2.0: settings.ini, CHANGELOG.md and docs/truenas.yaml agree."


@pytest.mark.parametrize(("wanted", "says"), [("1.3.0", "has no section for '1.3.0'; it has 1.2.0, 1.1.0, 1.0.0"), ("1.0.0", "says nothing about 1.0.0"), ("1.2", "no section")])
def test_release_notes_that_are_not_there_are_refused(project, wanted, says):
    with pytest.raises(SystemExit, match=says):
        module("release").section(wanted, project)


@pytest.mark.parametrize(("tag", "says"), [("v1.1.0", "settings.ini says version = 1.2.0"), ("1.2.0", "no tag"), ("v1.2.0; id", "no tag"), ("v1.2", "no tag"), ("", "no tag")])
def test_a_tag_that_the_project_does_not_agree_with_is_refused(project, tag, says):
    with pytest.raises(SystemExit, match=says):
        module("release").check(tag, project)


def test_a_version_without_a_day_is_not_released(project):
    (project / "CHANGELOG.md").write_text("## 1.2.0 (unreleased)\n\n- New.\n")
    with pytest.raises(SystemExit, match=r"CHANGELOG\.md says 1\.2\.0 \(unreleased\): write the day"):
        module("release").check("v1.2.0", project)


def test_a_release_is_what_truenas_installs(project):
    release = module("release")
    assert set(release.published()) == {release.version()}
    (project / "docs" / "truenas.yaml").write_text("services:\n  api:\n    image: ghcr.io/langflix/langflix:1.1.0-api\n")
    with pytest.raises(SystemExit, match=r"docs/truenas\.yaml installs 1\.1\.0"):
        release.check("v1.2.0", project)


def test_make_prints_the_notes_of_this_version():
    version = module("release").version()
    done = call("make", "--silent", "release-notes", VERSION=version)
    assert (done.returncode, done.stdout.strip()) == (0, module("release").section(version)[1])
    missing = call("make", "--silent", "release-notes", VERSION="99.0.0")
    assert missing.returncode != 0
    assert "CHANGELOG.md has no section for '99.0.0'" in missing.stderr


@pytest.mark.parametrize(("target", "name"), [("release-notes", "VERSION"), ("release-check", "TAG"), ("image-push", "TARGET"), ("image-push", "VERSION"), ("github-release", "TAG")])
@pytest.mark.parametrize("given", ["$(shell touch {})", "$(touch {})", "`touch {}`", "v1.0.0; touch {}", "'; touch {}; '", "\n\ttouch {}"])
def test_a_name_from_outside_is_never_run(tmp_path, target, name, given):
    trap = tmp_path / "trap"
    done = call("make", target, PATH=f"{fake(tmp_path, 'docker', 'gh')}:{os.environ['PATH']}", **{"REGISTRY": "ghcr.io/a/b", "TARGET": "api", name: given.format(trap)})
    assert done.returncode != 0
    assert not trap.exists()
    assert not (tmp_path / "said").exists()


def fake(folder, *names):
    "Programs that write down how they were called."
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    for name in names:
        (place / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/said"\nfor word; do\n  [ "$last" = --metadata-file ] && echo \'{{"containerimage.digest": "sha256:{"a" * 64}"}}\' > "$word"\n  last=$word\ndone\nexit 0\n')
        (place / name).chmod(0o755)
    return place


@pytest.fixture
def copy(tmp_path):
    "A copy of the repository's programs and facts, so that what they write is not in the checkout."
    here = tmp_path / "copy"
    (here / ".ci" / "locks").mkdir(parents=True)
    for name in ("publish", "sbom", "audit", "release.py"):
        (here / ".ci" / name).write_bytes((ROOT / ".ci" / name).read_bytes())
        (here / ".ci" / name).chmod((ROOT / ".ci" / name).stat().st_mode)
    (here / "CHANGELOG.md").write_text("## 1.2.0 (2026-05-01)\n\n- New.\n")
    (here / "settings.ini").write_text("[DEFAULT]\nversion = 1.2.0\n")
    subprocess.run("git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m begin", shell=True, cwd=here, check=True)
    return here


@pytest.mark.parametrize(("version", "tags"), [("1.2.0", ["1.2.0-api", "api"]), ("1.2.0rc1", ["1.2.0rc1-api"])])
def test_an_image_is_pushed_by_version_with_provenance_and_contents_and_its_digest_is_told(copy, tmp_path, version, tags):
    told = tmp_path / "output"
    path = f"{fake(tmp_path, 'docker')}:{os.environ['PATH']}"
    done = call(copy / ".ci/publish", "image", cwd=copy, PATH=path, REGISTRY="ghcr.io/a/langflix", TARGET="api", VERSION=version, GITHUB_OUTPUT=str(told))
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "said").read_text()
    assert re.findall(r"--tag ghcr.io/a/langflix:(\S+)", said) == tags
    assert "--provenance=mode=max --sbom=true" in said
    assert told.read_text() == f"digest=sha256:{'a' * 64}\n"


@pytest.mark.parametrize("wrong", [{"REGISTRY": "ghcr.io/A/b"}, {"REGISTRY": "--push"}, {"TARGET": "../x"}, {"VERSION": "latest"}, {"VERSION": ""}])
def test_an_image_with_a_name_that_cannot_be_is_not_built(copy, tmp_path, wrong):
    path = f"{fake(tmp_path, 'docker')}:{os.environ['PATH']}"
    done = call(copy / ".ci/publish", "image", cwd=copy, **{"PATH": path, "REGISTRY": "ghcr.io/a/b", "TARGET": "api", "VERSION": "1.2.0"} | wrong)
    assert (done.returncode, (tmp_path / "said").exists()) == (2, False)
    assert "cannot be used here" in done.stderr


def test_a_release_on_github_has_the_changelogs_section_and_all_that_was_built(copy, tmp_path):
    (copy / "dist").mkdir()
    for name in ("langflix-1.2.0-py3-none-any.whl", "langflix.spdx.json"):
        (copy / "dist" / name).touch()
    done = call(copy / ".ci/publish", "release", cwd=copy, PATH=f"{fake(tmp_path, 'gh')}:{os.environ['PATH']}", TAG="v1.2.0")
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "said").read_text()
    assert said.startswith("gh release create v1.2.0 --verify-tag --title LangFlix 1.2.0 --notes-file ")
    assert said.strip().endswith("dist/langflix-1.2.0-py3-none-any.whl dist/langflix.spdx.json")
    assert "--prerelease" not in said


@pytest.mark.parametrize(("database", "status"), [("blind", 2), ("broken", 2), ("fine", 0), ("weak", 1)])
def test_an_audit_that_could_not_look_does_not_say_that_all_is_well(copy, tmp_path, database, status):
    program = tmp_path / "tools" / "bin" / "pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f"""#!/bin/sh
for word; do file=$word; done
case {database} in
  blind) exit 0 ;;
  broken) echo no network >&2; exit 1 ;;
esac
if grep -q '^urllib3==1.24.1$' "$file"; then echo "urllib3 1.24.1 CVE-2019-11324"; exit 1; fi
[ {database} = fine ]
""")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (copy / ".ci/locks/cli.txt").write_text("pydantic==2.9.0\n")
    done = call(copy / ".ci/audit", tmp_path / "tools", cwd=copy)
    assert done.returncode == status
    assert ("Nothing was audited" in done.stderr) == (status == 2)


def test_a_list_of_contents_needs_something_to_list(copy, tmp_path):
    assert call(copy / ".ci/sbom", tmp_path, cwd=copy).returncode == 2
    assert "no name of an image" in call(copy / ".ci/sbom", tmp_path, cwd=copy, IMAGE="-x; id").stderr


def test_an_exception_that_ruff_reads_counts_for_bandit_too(tmp_path):
    weak = module("weaknesses")
    (tmp_path / "a.py").write_text("x = 1\ncall(\n    f'{x}')  # noqa: S608  (names are ours)\ncall()  # noqa: S104\n")
    finding = {"filename": str(tmp_path / "a.py"), "test_id": "B608", "line_range": [2, 3]}
    assert weak.excepted(finding)
    assert not weak.excepted(finding | {"line_range": [1]})
    assert not weak.excepted(finding | {"line_range": [4]})


# An episode of the workflow.


def test_an_episode_is_the_sample_unless_a_file_is_named():
    episode = module("episode")
    assert episode.parameters({}) == {"video": "sample", "out": "lessons"}
    given = {"VIDEO": str(ROOT / "langflix/data/sample/sample.mp4"), "LEVEL": "B1", "MAX_EXPRESSIONS": "3", "MAX_COST": "0.5", "MODE": "", "OUT": "made", "UNKNOWN": "1"}
    assert episode.parameters(given) == {"video": given["VIDEO"], "out": "made", "level": "B1", "max_expressions": 3, "max_cost": 0.5}


@pytest.mark.parametrize("video", ["/etc/passwd", "../outside.mkv", "link.mkv", "shows/../../outside.mkv", "in\nside.mkv"])
def test_an_episode_of_a_workflow_is_below_the_checkout(tmp_path, video, monkeypatch):
    root = tmp_path / "checkout"
    root.mkdir()
    (tmp_path / "outside.mkv").touch()
    (root / "link.mkv").symlink_to(tmp_path / "outside.mkv")
    (root / "in\nside.mkv").touch()
    monkeypatch.chdir(root)
    with pytest.raises(SystemExit, match="name a file of the repository"):
        module("episode").parameters({"VIDEO": video, "EPISODE_WITHIN": "."})


@pytest.mark.parametrize("given", [{"VIDEO": "nothing.mkv"}, {"MAX_EXPRESSIONS": "many"}, {"VIDEO": "$(id)"}, {"VIDEO": "-p"}])
def test_an_episode_that_cannot_be_made_is_refused_before_anything_is_loaded(given):
    with pytest.raises(SystemExit, match="is not a"):
        module("episode").parameters(given)


@pytest.mark.media
def test_an_episode_leaves_its_executed_notebook_and_its_lessons(tmp_path):
    more = {"MAX_EXPRESSIONS": "1", "OUT": str(tmp_path / "lessons"), "LANGFLIX_LESSONS__PRESET": "ultrafast", "LANGFLIX_PATHS__CACHE": str(tmp_path / "cache")}
    done = call(sys.executable, ROOT / ".ci" / "episode.py", cwd=tmp_path, **more)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "lessons/sample/run.ipynb").read_text())
    assert record["metadata"]["papermill"]["parameters"]["max_expressions"] == 1
    assert all(cell["execution_count"] for cell in record["cells"] if cell["cell_type"] == "code")
    assert len(list((tmp_path / "lessons/sample/lessons/long").glob("*.mp4"))) == 1


@pytest.mark.media
def test_an_episode_with_a_wrong_value_ends_with_the_status_of_wrong_input(tmp_path):
    done = call(sys.executable, ROOT / ".ci" / "episode.py", cwd=tmp_path, LEVEL="Z9", OUT=str(tmp_path))
    assert (done.returncode, "level: input should be" in done.stderr) == (2, True)
