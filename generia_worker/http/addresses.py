"""Where a program listens."""

from __future__ import annotations

import ipaddress
import re


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


def is_address(host: str) -> bool:
    """True for an IP address, or this machine's own name, with or without a port: no domain can be registered under
    these."""
    name = host.rpartition(":")[0] if re.search(r":\d*$", host) and not host.endswith("]") else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name == "localhost"
    return True
