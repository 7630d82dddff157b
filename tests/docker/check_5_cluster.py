"""A season on a cluster whose machines have nothing but the image."""

import json
import os
from contextlib import ExitStack

from engine import MOON, SEA, USER, docker, films, give, say

NAME = f"lftest-cluster-{os.getpid()}"
LOCKED = [*USER, "--network", NAME, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]


def test_workers_in_containers_make_a_season(images, tmp_path):
    "The manual's scheduler and worker, and a season that they make."
    shelf = films(tmp_path / "films" / "Harbour Lights", MOON, SEA)
    lessons, own = give(tmp_path / "data", 568), give(tmp_path / "worker", 568)
    seen = ["-v", f"{shelf.parent}:/media/library:ro"]
    with ExitStack() as after:
        docker("network", "create", NAME)
        after.callback(docker, "network", "rm", NAME, check=False)
        for role, mounts, command in (
            ("scheduler", [], ["scheduler", "--port", "8786", "--no-dashboard"]),
            ("worker", [*seen, "-v", f"{own}:/data"], ["worker", "tcp://scheduler:8786", "--no-dashboard"]),
        ):
            docker("run", "--detach", "--init", "--name", f"{NAME}-{role}", "--network-alias", role, *LOCKED, *mounts, "--entrypoint", "dask", images["cli"], *command)
            after.callback(docker, "rm", "--force", f"{NAME}-{role}", check=False)
        season = ["season", "/media/library/Harbour Lights", "--scheduler", "tcp://scheduler:8786", "--analyzer", "embedded", "--max-expressions", "1", "--json"]
        made = json.loads(docker("run", "--rm", *LOCKED, *seen, "-v", f"{lessons}:/data", images["cli"], *season, timeout=600))
    say(f"\nseason by a worker in a container: {made['exit_status']}, {len(list(lessons.rglob('lessons/long/*.mp4')))} long lessons at the coordinator")
    assert made["exit_status"] == 0
    assert len(list(lessons.rglob("manifest.json"))) >= 2
    assert list(lessons.rglob("*.mp4"))
