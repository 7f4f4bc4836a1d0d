"""The simulator as an ASGI program: both APIs and the control calls under `/_sim/`."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from generia_worker.simulator.behaviour import Behaviour
from generia_worker.simulator.chat import ChatApi
from generia_worker.simulator.http import BadBody, read_json
from generia_worker.simulator.imaging import ImageApi
from generia_worker.simulator.state import Simulator
from generia_worker.simulator.vocabulary import vocabularies


class Control:
    """What tests and the demo use to look behind the APIs."""

    def __init__(self, simulator: Simulator, images: ImageApi) -> None:
        self._simulator = simulator
        self._images = images

    async def health(self, _request: Request) -> Response:
        """Say that the simulator is there."""
        return JSONResponse({"status": "ok", "seed": self._simulator.seed})

    async def ledger(self, request: Request) -> Response:
        """Show the provider's books; of its entries those whose request begins with `?request=…` only."""
        return JSONResponse(self._simulator.ledger.as_document(request.query_params.get("request", "")))

    async def behaviour(self, request: Request) -> Response:
        """Show the behaviours, replace them (PUT) or change some (PATCH); with `?world=…` those towards one world."""
        world_id = request.query_params.get("world", "")[:200]
        behaviour = self._simulator.profile_of(world_id).behaviour
        if request.method == "GET":
            return JSONResponse(behaviour.model_dump(mode="json"))
        try:
            wanted: Any = await read_json(request)
            if request.method == "PATCH" and isinstance(wanted, dict):
                wanted = behaviour.model_dump() | wanted
            behaviour = Behaviour.model_validate(wanted)
        except BadBody as error:
            return JSONResponse({"detail": str(error)}, error.status)
        except ValidationError as error:
            return JSONResponse({"detail": error.errors(include_url=False, include_context=False)}, 422)
        self._simulator.behave(behaviour, world_id)
        return JSONResponse(behaviour.model_dump(mode="json"))

    async def reset(self, _request: Request) -> Response:
        """Forget all calls and pictures; the behaviours are those of the start again."""
        self._simulator.reset()
        self._images.reset()
        return JSONResponse({"status": "ok"})


def create_app(seed: int, behaviour: dict[str, Any] | None = None) -> Starlette:
    """Make the simulator. The same seed and the same requests give the same answers.

    Raises:
        pydantic.ValidationError: `behaviour` holds an unknown switch or a value out of bounds.
        ConfigurationError: a file of the vocabulary is malformed.
    """
    vocabularies()  # read now, so that no request waits for it and a malformed file shows at once
    simulator = Simulator(seed, Behaviour.model_validate(behaviour or {}))
    chat, images = ChatApi(simulator), ImageApi(simulator)
    control = Control(simulator, images)
    return Starlette(
        routes=[
            Route("/api/v1/chat/completions", chat.complete, methods=["POST"]),
            Route("/api/v1/generation", chat.generation, methods=["GET"]),
            Route("/v1", images.run, methods=["POST"]),
            Route("/images/{name}", images.serve, methods=["GET"]),
            Route("/_sim/health", control.health, methods=["GET"]),
            Route("/_sim/ledger", control.ledger, methods=["GET"]),
            Route("/_sim/behaviour", control.behaviour, methods=["GET", "PUT", "PATCH"]),
            Route("/_sim/reset", control.reset, methods=["POST"]),
        ]
    )
