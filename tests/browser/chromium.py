"""Finds the system's Chromium, and installs it where that is possible.

Best is the one without any window, which Debian has as a package of its own: the same engine for half of the processor's
time, since there is no user interface that nobody sees.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_SHELL = "chromium-headless-shell"
NAMES = (_SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_HOW = "The browser tests need Chromium on PATH: on Debian, apt-get install chromium-headless-shell; on Ubuntu, chromium."
_INSTALL_S = 240
#: No sandbox as root, nothing that phones home, nothing that needs a screen.
ARGUMENTS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str:
    """Return the path of Chromium; without one, skip the test, or fail it where tests must not be skipped (CI)."""
    path = _on_path()
    # CI is run often: there it pays to install the one without windows beside the other.
    wanted = path is None or (bool(os.environ.get("CI")) and Path(path).name != _SHELL)
    if wanted and os.geteuid() == 0 and Path("/etc/debian_version").exists():
        _install()
        path = _on_path()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(_HOW)
        pytest.skip(_HOW)
    return path


def _on_path() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


def _install() -> None:
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "timeout": _INSTALL_S,
    }
    try:
        subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
        # Ubuntu has no package of the first name.
        for package in (_SHELL, "chromium"):
            installed = subprocess.run(
                ["apt-get", "install", "-y", "--no-install-recommends", package],
                check=False,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                **quiet,
            )
            if installed.returncode == 0:
                return
    except (OSError, subprocess.TimeoutExpired):
        return
