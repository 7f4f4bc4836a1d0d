"""What Lighthouse says of the page of a world: `python -m tests.lighthouse`, with Chromium and npm on PATH.

Accessibility, best practices and SEO must be at least `LEAST`. Speed is told and not judged: this machine has other work.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests

from generia_worker.cli import programs
from generia_worker.embedded.stack import Stack
from generia_worker.gateway.auth import COOKIE
from generia_worker.gateway.tokens import local_login_token
from generia_worker.settings import Settings
from tests.browser import chromium

PACKAGE = "lighthouse@13.5.0"
LEAST = 0.95
JUDGED = ("accessibility", "best-practices", "seo")
_PROMPT = "A lighthouse whose keepers are all retired pirates"
_INSTALL_S, _MAKE_S, _AUDIT_S = 300, 120, 180


def main() -> int:
    """Print the scores; returns 1 where one is too low."""
    with tempfile.TemporaryDirectory() as folder:
        program = _installed(Path(folder))
        if program is None:
            print("skipped: Lighthouse cannot be had from here")
            return 0
        scores = _scores(program, Path(folder))
    for name, score in scores.items():
        print(f"{name}: {round(100 * score)}")
    return int(any(scores[name] < LEAST for name in JUDGED))


def _installed(folder: Path) -> Path | None:
    """Install Lighthouse; None where npm, a browser or the package is not to be had."""
    if shutil.which("npm") is None or not any(map(shutil.which, chromium.NAMES)):
        return None
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), PACKAGE]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return folder / "node_modules" / ".bin" / "lighthouse"


def _scores(program: Path, folder: Path) -> dict[str, float]:
    asked = Settings(_env_file=None)
    parts = programs.programs(asked)
    with Stack(programs.with_addresses(asked), folder / "data", parts) as stack:
        url = stack.settings.gateway_url
        with requests.Session() as session:
            token = {"token": local_login_token(stack.settings)}
            session.post(f"{url}/api/v1/auth/local", json=token, timeout=30).raise_for_status()
            address = f"{url}/worlds/{_made(session, url)}"
            cookie = f"{COOKIE}={session.cookies[COOKIE]}"
        report = folder / "report.json"
        flags = " ".join(["--headless=new", *chromium.ARGUMENTS])
        command = [
            *(str(program), address, "--quiet", "--output=json", f"--output-path={report}"),
            *(
                "--preset=desktop",
                f"--chrome-flags={flags}",
                f"--extra-headers={json.dumps({'Cookie': cookie})}",
            ),
        ]
        environment = {**os.environ, "CHROME_PATH": chromium.find()}
        subprocess.run(command, check=True, timeout=_AUDIT_S, env=environment)
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["categories"]
    return {name: float(found[name]["score"]) for name in ("performance", *JUDGED)}


def _made(session: requests.Session, url: str) -> str:
    """Make a small world; returns its id once it is finished."""
    body = {"prompt": _PROMPT, "characters_count": 2, "posts_count": 4}
    headers = {"Origin": url}
    made = session.post(f"{url}/api/v1/worlds", json=body, headers=headers, timeout=30)
    made.raise_for_status()
    world_id = str(made.json()["id"])
    with session.get(f"{url}/api/v1/worlds/{world_id}/status/stream", stream=True, timeout=_MAKE_S) as stream:
        for line in stream.iter_lines():
            if line == b"event: done":
                break
    return world_id


if __name__ == "__main__":
    sys.exit(main())
