"""Where a program listens."""

from __future__ import annotations

import ipaddress


def split(bind: str) -> tuple[str, int]:
    """Return host (without brackets) and port of `host:port`."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """True when only programs on this machine can reach the host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
