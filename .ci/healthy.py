#!/usr/bin/env python3
"""Say to the engine whether the server in this container answers, for the images' health checks.

    healthy api|dashboard|lab
"""

import os
import sys
from http.client import HTTPConnection


def place(image: str) -> tuple[int, str]:
    "The port and the page to ask, as the settings of an image have them."
    if image == "api":
        return int(os.environ.get("LANGFLIX_API__PORT", 8000)), "/health"
    if image == "dashboard":
        base = os.environ.get("LANGFLIX_DASHBOARD__BASE_URL", "/").rstrip("/")
        return int(os.environ.get("LANGFLIX_DASHBOARD__PORT", 8866)), f"{base}/health"
    return 8888, "/login"


def status(port: int, path: str) -> int:
    "The status of a page."
    asked = HTTPConnection("127.0.0.1", port, timeout=4)
    asked.request("GET", path)
    return asked.getresponse().status


if __name__ == "__main__":
    sys.exit(status(*place(sys.argv[1])) >= 400)
