"""The image API: Runware's array of tasks. Pictures are described at once and drawn when somebody wants the bytes."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from generia_worker.simulator.dice import Dice, digest
from generia_worker.simulator.gallery import Gallery, PictureOrder
from generia_worker.simulator.http import (
    HTML_502,
    OUTAGES,
    Answer,
    BadBody,
    NoAnswer,
    client_leaves,
    has_key,
    read_json,
    retry_after,
)
from generia_worker.simulator.ledger import Entry
from generia_worker.simulator.state import Recent, Simulator

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
PRICE_OF_MEGAPIXEL = 0.0006
_MAX_TASKS = 50
_REMEMBERED = 50_000
_CODES = {
    400: "invalidRequest",
    401: "invalidApiKey",
    402: "insufficientCredits",
    403: "contentFlagged",
    404: "modelNotFound",
    413: "requestTooLarge",
    429: "tooManyRequests",
    500: "internalError",
    503: "providerOverloaded",
    504: "timeoutProvider",
}


class _Task(BaseModel):
    """`imageInference` as far as it is needed here; other parameters are taken and ignored."""

    model_config = ConfigDict(extra="allow")
    taskUUID: str  # noqa: N815 - the provider's names
    model: str = Field(min_length=1, max_length=200)
    positivePrompt: str = Field(min_length=2, max_length=3000)  # noqa: N815
    width: int = Field(ge=128, le=2048, multiple_of=64, strict=True)
    height: int = Field(ge=128, le=2048, multiple_of=64, strict=True)
    numberResults: int = Field(default=1, ge=1, le=20, strict=True)  # noqa: N815
    outputType: Literal["URL", "base64Data", "dataURI"] = "URL"  # noqa: N815
    outputFormat: Literal["PNG", "JPG", "WEBP"] = "JPG"  # noqa: N815
    includeCost: bool = False  # noqa: N815
    deliveryMethod: Literal["sync", "async"] = "sync"  # noqa: N815
    seed: int | None = None

    @field_validator("model")
    @classmethod
    def _is_air(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+:[\w.-]+@[\w.-]+", value):
            message = "must be a model identifier such as runware:100@1"
            raise ValueError(message)
        return value


@dataclass(frozen=True)
class _Result:
    """What a taskUUID was used for; its pictures can be had from `ready_at` on."""

    task: _Task
    image_uuids: tuple[str, ...]
    cost_usd: float
    ready_at: float
    request: str


def image_cost_usd(width: int, height: int) -> float:
    """Return the price of one picture: by its pixels."""
    return round(PRICE_OF_MEGAPIXEL * width * height / (1024 * 1024), 9)


def _problem(code: str, message: str, task_uuid: str = "", parameter: str = "") -> dict[str, Any]:
    problem = {"code": code, "message": message}
    if parameter:
        problem["parameter"] = parameter
    if task_uuid:
        problem |= {"taskUUID": task_uuid, "taskType": "imageInference"}
    return problem


class ImageApi:
    """`POST /v1` and `GET /images/{imageUUID}.{ext}`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.reset()

    def reset(self) -> None:
        """Forget every task."""
        self._results: Recent[_Result] = Recent(_REMEMBERED)
        self._gallery = Gallery(self._simulator)

    async def run(self, request: Request) -> Response:
        """Answer one array of tasks."""
        name = request.headers.get("x-generia-request", "")[:200]
        if not has_key(request):
            return self._refuse_all(401, name, [], "Invalid API key")
        try:
            body = await read_json(request)
        except BadBody as error:
            return self._refuse_all(error.status, name, [], str(error))
        if not isinstance(body, list) or not body or not all(isinstance(task, dict) for task in body):
            return self._refuse_all(400, name, [], "The body must be an array of task objects")
        if len(body) > _MAX_TASKS:
            return self._refuse_all(400, name, body, f"At most {_MAX_TASKS} tasks are taken at a time")
        return await self._run(request, body, name)

    async def _run(self, request: Request, tasks: list[dict[str, Any]], name: str) -> Response:
        simulator = self._simulator
        simulator.serve(self._whose(tasks, name))
        behaviour = simulator.behaviour
        dice = simulator.arrive("images", digest(*(sorted(map(str, task.items())) for task in tasks)))
        if any(task.get("taskType") == "imageInference" for task in tasks):
            text = "\n".join(str(task.get("positivePrompt", "")) for task in tasks)
            status = simulator.refusal("images", dice, text)
            if status is not None:
                return self._refuse_all(status, name, tasks, OUTAGES.get(status) or "")
        wait_s = None if dice.hit("hang", behaviour.hang.images) else simulator.latency_s("images", dice)
        fetch_only = all(task.get("taskType") == "getResponse" for task in tasks)
        ready_at = monotonic() + (0 if wait_s is None else wait_s)
        done: list[tuple[_Result, Entry]] = []
        problems: list[dict[str, Any]] = []
        for index, task in enumerate(tasks):
            self._one(
                task,
                name,
                Dice(dice.random("task").random(), index, active=dice.active),
                ready_at,
                done,
                problems,
            )
        if not fetch_only and done and await client_leaves(request, wait_s):
            return NoAnswer()
        data = [item for result, _ in done for item in await self._data(request, result)]
        if behaviour.reorder_data:
            data.reverse()
        return Answer(
            ({"data": data} if data else {}) | ({"errors": problems} if problems else {}),
            200 if done else 400,
            entries=tuple(entry for _, entry in done),
            padding_s=behaviour.padding_s if dice.hit("padding", behaviour.padding.images) else 0,
            breaks=dice.hit("reset", behaviour.reset.images),
        )

    def _whose(self, tasks: list[dict[str, Any]], name: str) -> str:
        """Return the request that these tasks belong to: fetching a picture says no more than its taskUUID."""
        found = self._results.get(str(tasks[0].get("taskUUID")))
        return name if found is None else found.request

    def _one(
        self,
        raw: dict[str, Any],
        name: str,
        dice: Dice,
        ready_at: float,
        done: list[tuple[_Result, Entry]],
        problems: list[dict[str, Any]],
    ) -> None:
        """Do one task: what came of it is added to `done` or to `problems`."""
        uuid = str(raw.get("taskUUID", ""))[:100]
        label, kind, ledger = name or uuid, str(raw.get("taskType"))[:40], self._simulator.ledger
        if not UUID4.fullmatch(uuid):
            ledger.refuse("images", label, kind, 400)
            problems.append(_problem("invalidTaskUUID", "taskUUID must be a UUID v4", uuid, "taskUUID"))
            return
        if kind == "getResponse":
            found = self._results.get(uuid)
            entry = ledger.refuse("images", label, "getResponse", 200 if found else 400)
            if found:
                done.append((found, entry))
            else:
                problems.append(
                    _problem("taskUUIDNotFound", "No task with this taskUUID was found", uuid, "taskUUID")
                )
            return
        problem = self._invalid(raw, uuid, dice)
        if problem is not None:
            ledger.refuse("images", label, "image", 400)
            problems.append(problem)
            return
        self._infer(_Task.model_validate(raw), uuid, label, dice, ready_at, done, problems)

    def _invalid(self, raw: dict[str, Any], uuid: str, dice: Dice) -> dict[str, Any] | None:
        if raw.get("taskType") != "imageInference":
            return _problem(
                "invalidTaskType", "taskType must be imageInference or getResponse", uuid, "taskType"
            )
        try:
            _Task.model_validate(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            parameter = str(first["loc"][0])
            return _problem(f"invalid{parameter[:1].upper()}{parameter[1:]}", first["msg"], uuid, parameter)
        if self._results.get(uuid) is not None:
            return _conflict(uuid)
        if dice.hit("failure", self._simulator.behaviour.image_failure):
            return _problem("inferenceFailed", "The inference of this task failed", uuid)
        return None

    def _infer(
        self,
        task: _Task,
        uuid: str,
        label: str,
        dice: Dice,
        ready_at: float,
        done: list[tuple[_Result, Entry]],
        problems: list[dict[str, Any]],
    ) -> None:
        behaviour = self._simulator.behaviour
        cost = image_cost_usd(task.width, task.height) * behaviour.image_price_factor
        images = []
        for index in range(task.numberResults):
            order = PictureOrder(
                prompt=task.positivePrompt,
                key=digest(self._simulator.seed, task.seed, uuid, index),
                width=task.width,
                height=task.height,
                format=task.outputFormat,
                corrupt=dice.hit(f"corrupt {index}", behaviour.corrupt_images),
                mislabelled=dice.hit(f"mislabelled {index}", behaviour.wrong_content_type),
            )
            images.append(self._gallery.add(order, label))
        charged = 0.0 if behaviour.cost.images == "zero" else round(cost * task.numberResults, 9)
        result = _Result(task, tuple(images), cost, ready_at, label)
        self._results.put(uuid, result)
        entry = self._simulator.bill("images", label, "image", charged)
        if dice.hit("conflict", behaviour.conflict):
            entry.status = 400
            problems.append(_conflict(uuid))
        else:
            done.append((result, entry))

    async def _data(self, request: Request, result: _Result) -> list[dict[str, Any]]:
        """Return the entries of `data` for one task."""
        task = result.task
        if monotonic() < result.ready_at:
            return [{"taskType": "imageInference", "taskUUID": task.taskUUID, "status": "processing"}]
        return [await self._item(request, result, image_uuid) for image_uuid in result.image_uuids]

    async def _item(self, request: Request, result: _Result, image_uuid: str) -> dict[str, Any]:
        task, behaviour = result.task, self._simulator.behaviour
        item: dict[str, Any] = {
            "taskType": "imageInference",
            "taskUUID": task.taskUUID,
            "imageUUID": image_uuid,
            "seed": task.seed if task.seed is not None else int(digest(image_uuid)[:8], 16),
            "status": "success",
        }
        if task.outputType == "URL":
            self._gallery.renew(image_uuid)
            item["imageURL"] = str(
                request.base_url.replace(path=f"/images/{image_uuid}.{task.outputFormat.lower()}")
            )
        else:
            picture = await self._gallery.picture(image_uuid)
            encoded = base64.b64encode(picture.data if picture else b"").decode()
            if task.outputType == "base64Data":
                item["imageBase64Data"] = encoded
            else:
                item["imageDataURI"] = (
                    f"data:{picture.content_type if picture else 'image/jpeg'};base64,{encoded}"
                )
        if task.includeCost and behaviour.cost.images != "missing":
            item["cost"] = {"normal": result.cost_usd, "null": None, "zero": 0}[behaviour.cost.images]
        return item

    def _refuse_all(self, status: int, name: str, tasks: list[dict[str, Any]], message: str) -> Response:
        uuids = [str(task.get("taskUUID", ""))[:100] for task in tasks] or [""]
        for uuid in uuids:
            self._simulator.ledger.refuse("images", name or uuid, "image", status)
        if status == 502:
            return HTMLResponse(HTML_502, 502)
        code = _CODES.get(status, "providerError")
        headers = retry_after(self._simulator.behaviour) if status in (429, 503) else {}
        return Answer(
            {"errors": [_problem(code, message or code, uuid) for uuid in uuids]}, status, headers=headers
        )

    async def serve(self, request: Request) -> Response:
        """Serve a picture by its address."""
        image_uuid, _, _ = str(request.path_params["name"]).partition(".")
        picture = await self._gallery.picture(image_uuid)
        if picture is None:
            return Response("Not Found", 404)
        return Response(
            picture.data, media_type=picture.content_type, headers={"Cache-Control": "max-age=600"}
        )


def _conflict(uuid: str) -> dict[str, Any]:
    return _problem("conflictTaskUUID", "A task with this taskUUID was already submitted", uuid, "taskUUID")
