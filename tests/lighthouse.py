"""What Lighthouse says of the page of a world: `python -m tests.lighthouse`, with Chromium and npm on PATH.

Accessibility, best practices and SEO must be at least `LEAST`. So must performance, but that is a measurement of the machine
too: it is judged where the machine has nothing else to do, and told where it has. What makes a page slow on every machine is
judged always: how much it loads, what it waits for, and whether it jumps.
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
#: A machine of which less than one process a core wants something, and that is as fast as Lighthouse expects a laptop to be.
QUIET_LOAD, QUIET_INDEX = 1.0, 1000
#: What the page itself may take, as it is sent: HTML, scripts, styles and texts, and answers of the API.
PAGE_KIB = 100
#: Milliseconds that requests may hold back the first picture on Lighthouse's laptop, and how far things may move (CLS).
BLOCKING_MS, SHIFT = 100, 0.1
_PROMPT = "A lighthouse whose keepers are all retired pirates"
_INSTALL_S, _MAKE_S, _AUDIT_S = 300, 120, 180


def main() -> int:
    """Print what was found; returns 1 where something is not as it must be."""
    with tempfile.TemporaryDirectory() as folder:
        program = _installed(Path(folder))
        if program is None:
            print("skipped: Lighthouse cannot be had from here")
            return 0
        load = _load()
        report = _report(program, Path(folder))
        load = max(load, _load())
    scores = {name: report["categories"][name]["score"] for name in ("performance", *JUDGED)}
    index = report["environment"]["benchmarkIndex"]
    quiet = load < QUIET_LOAD and index >= QUIET_INDEX
    for name, score in scores.items():
        print(f"{name}: {round(100 * score)}")
    judged = "judged" if quiet else "told, not judged"
    print(f"performance is {judged}: a load of {load:.1f} a core, benchmark index {index:.0f}")
    wrong = [f"{name}: less than {LEAST}" for name in JUDGED if scores[name] < LEAST]
    if quiet and scores["performance"] < LEAST:
        wrong.append(f"performance: less than {LEAST}")
    wrong += slow_everywhere(report["audits"])
    print(*wrong, sep="\n")
    return int(bool(wrong))


def slow_everywhere(audits: dict[str, Any]) -> list[str]:
    """Return what of a report's audits makes a page slow on every machine."""
    wrong = []
    requests_ = audits["network-requests"]["details"]["items"]
    page = [one for one in requests_ if one["resourceType"] != "Image"]
    kib = sum(one["transferSize"] for one in page) / 1024
    print(f"the page itself: {kib:.0f} KiB in {len(page)} requests")
    if kib > PAGE_KIB:
        wrong.append(f"the page itself: more than {PAGE_KIB} KiB")
    if not audits["document-latency-insight"]["details"]["items"]["usesCompression"]["value"]:
        wrong.append("the page is not compressed")
    blocking = audits["render-blocking-insight"].get("metricSavings", {}).get("FCP", 0)
    print(f"requests hold back the first picture by {blocking:.0f} ms")
    if blocking > BLOCKING_MS:
        wrong.append(f"requests hold back the first picture: more than {BLOCKING_MS} ms")
    shift = audits["cumulative-layout-shift"]["numericValue"]
    print(f"layout shift: {shift:.3f}")
    if shift > SHIFT:
        wrong.append(f"layout shift: more than {SHIFT}")
    return wrong


def _load() -> float:
    """Return how many processes a core wanted to run in the last minute."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


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


def _report(program: Path, folder: Path) -> dict[str, Any]:
    """Make a small world and return Lighthouse's report of its page."""
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
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


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
