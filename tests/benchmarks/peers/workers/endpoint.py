"""How worlds are ordered from a worker that has no server of its own: `POST /worlds/NAME`, `GET /finished`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Set

from aiohttp import web


async def serve(port: int, order: Callable[[str], Awaitable[None]], finished: Set[str]) -> None:
    """Take orders until killed. `order` returns once the order cannot be lost; `finished` names the worlds that are."""

    async def take(request: web.Request) -> web.Response:
        await order(request.match_info["name"])
        return web.Response(status=202)

    async def show(_: web.Request) -> web.Response:
        return web.json_response(sorted(finished))

    app = web.Application()
    app.add_routes([web.post("/worlds/{name}", take), web.get("/finished", show)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()
