"""podman-compose as it is, but quicker: run as `python tests/deployment/compose_parser.py OPTIONS… config`."""

from __future__ import annotations

import podman_compose

_interpolate = podman_compose.var_interpolate


def _interpolate_variables(value: str, env: dict[str, str]) -> str:
    """Look for variables where there can be one: the original makes several classes for every text of the file."""
    found: str = _interpolate(value, env) if "$" in value else value
    return found


if __name__ == "__main__":
    podman_compose.var_interpolate = _interpolate_variables
    podman_compose.main()
