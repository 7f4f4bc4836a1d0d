"""Makes paid calls over HTTP, as many at a time as there are slots: the work itself, the same for every other system."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp

from tests.benchmarks.peers.calls import Call
from tests.benchmarks.peers.workers.job import Job

#: As long as a prompt of Generia's, and what an answer is cut to before an engine stores it.
_PROMPT = "Write one sentence about a town by the sea. " * 57
_KEPT = 1_000
_SIDE_PIXELS = 128


class Payer:
    """One client of both providers, for the event loop in which it is first used. Its slots are those of one process."""

    def __init__(self, job: Job) -> None:
        self._simulator = job.simulator
        self._slots = {provider: asyncio.Semaphore(number) for provider, number in job.slots.items()}
        self._session: aiohttp.ClientSession | None = None

    async def pay(self, call: Call) -> dict[str, Any]:
        """Make a call once a slot is free; return the part of the answer that is worth keeping, some 1 kB for a text.

        Raises aiohttp.ClientError where there is no answer, or a refusal.
        """
        async with self._slots[call.provider]:
            return await (self._text(call) if call.provider == "llm" else self._picture(call))

    async def _text(self, call: Call) -> dict[str, Any]:
        messages = [{"role": "system", "content": _PROMPT}, {"role": "user", "content": call.name}]
        body = {"model": "google/gemini-2.5-flash", "messages": messages, "max_tokens": 1_000}
        answer = await self._post("/api/v1/chat/completions", call, body)
        content = answer["choices"][0]["message"]["content"]
        return {"content": content[:_KEPT], "cost_usd": answer["usage"]["cost"]}

    async def _picture(self, call: Call) -> dict[str, Any]:
        """Ask for a picture under a number of its own: one that is asked for again is drawn and paid again."""
        task = {
            "taskType": "imageInference",
            "taskUUID": str(uuid4()),
            "model": "runware:100@1",
            "positivePrompt": _PROMPT[:500],
            "width": _SIDE_PIXELS,
            "height": _SIDE_PIXELS,
            "includeCost": True,
        }
        answer = await self._post("/v1", call, [task])
        drawn = answer["data"][0]
        return {"url": drawn["imageURL"], "cost_usd": drawn["cost"]}

    async def _post(self, path: str, call: Call, body: Any) -> Any:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(60), raise_for_status=True
            )
        headers = {"Authorization": "Bearer sim-local", "X-Generia-Request": call.name}
        async with self._session.post(f"{self._simulator}{path}", json=body, headers=headers) as reply:
            return await reply.json()
