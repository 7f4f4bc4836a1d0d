"""Where a program listens."""

from __future__ import annotations

import ipaddress
import re
import socket

from generia_worker.errors import ConfigurationError


def split(bind: str) -> tuple[str, int]:
    """Return host (without brackets) and port of `host:port`."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)


def listening(setting: str, bind: str) -> list[socket.socket]:
    """Return sockets that listen at `host:port`: one for each address of a name such as localhost.

    Raises:
        ConfigurationError: another program listens there, or the address is none of this machine's; names the setting.
    """
    host, port = split(bind)
    found: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            try:
                # With a port 0 all of them get the one that the first has got.
                at = (address[0], found[0].getsockname()[1] if found else port, *address[2:])
                found.append(socket.create_server(at, family=family, backlog=2048))
                # Connections inherit it. Without it, what is written after the headers waits for an acknowledgement, which
                # may take 40 ms; asyncio sets it only for sockets that were made with the protocol's number.
                found[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                if (
                    family == socket.AF_INET6 and found
                ):  # a name may have such an address where the kernel has none
                    continue
                raise
    except OSError as error:
        for one in found:
            one.close()
        raise cannot_listen(setting, bind, error) from None
    return found


def cannot_listen(setting: str, bind: str, error: OSError) -> ConfigurationError:
    """Say which setting leads to an address that cannot be listened on."""
    reason = error.strerror or type(error).__name__
    return ConfigurationError(
        f"{setting}: cannot listen on {bind} ({reason}). End what runs there, or set another address."
    )


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
