"""Look for weaknesses in code with bandit, which knows more of them than ruff, and honour the marks that ruff reads.

A line with `# noqa: S608  (why)` is excepted from bandit's B608 too, so that a reason is written once.
"""

import json
import re
import subprocess
import sys
from pathlib import Path


def findings(folders: list[str]) -> list[dict]:
    "What bandit finds in some folders."
    command = [sys.executable, "-m", "bandit", "--configfile", "pyproject.toml", "--recursive", "--format", "json", "--quiet", *folders]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"bandit could not look:\n{done.stderr}")
    if told["errors"] or not told["metrics"]["_totals"]["loc"]:
        sys.exit(f"bandit could not look at everything: {told['errors'] or 'there was no code'}")
    return told["results"]


def excepted(finding: dict) -> bool:
    "Whether one of the finding's lines has ruff's mark for the same rule."
    lines = Path(finding["filename"]).read_text(encoding="utf-8").splitlines()
    begin, end = min(finding["line_range"]), max(finding["line_range"])
    return any(re.search(rf"# noqa: [^(]*\bS{finding['test_id'][1:]}\b", line) for line in lines[begin - 1 : end])


def main(folders: list[str]) -> int:
    "Print what is not excepted."
    left = [finding for finding in findings(folders) if not excepted(finding)]
    for finding in left:
        print(f"{finding['filename']}:{finding['line_number']}: {finding['test_id']} {finding['issue_text']}")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
