"""Proxies on the wires that leave the workers: requests that arrive and answers that do not, and the other way round."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc

from generia_worker.cli import programs
from generia_worker.embedded.ports import free_port
from generia_worker.embedded.stack import Program, Stack
from generia_worker.settings import Settings
from tests.faults.harness import Faults, scaled_settings
from tests.fork_server import fork_server
from tests.listener import Listener


class CuttingProxy(Listener):
    """A TCP proxy that can lose an answer: what matches is passed on, and the connection cut before the reply is.

    Or it answers by itself, and what matches is never passed on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.address = f"127.0.0.1:{self.port}"
        self._target = ("", 0)
        #: What is still to be treated: the words, the answer in place of passing it on, and how often.
        self._orders: list[tuple[tuple[bytes, ...], bytes | None, int]] = []
        self._lock = threading.Lock()
        #: How many requests were treated since `mend`.
        self.hits = 0

    def lead_to(self, target: str) -> None:
        """Take connections, and pass on to this address what arrives."""
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self.start()

    def lose(self, *words: bytes, times: int = 1) -> None:
        """Lose the answers to the next `times` requests that hold all of these words."""
        with self._lock:
            self._orders.append((words, None, times))

    def answer(self, reply: bytes, *words: bytes, times: int = 1) -> None:
        """Answer the next `times` requests that hold all of these words with this, and do not pass them on."""
        with self._lock:
            self._orders.append((words, reply, times))

    def mend(self) -> None:
        """Let everything pass."""
        with self._lock:
            self._orders, self.hits = [], 0

    def serve(self, client: socket.socket) -> None:
        """Pass on what a client says, and treat what is to be treated."""
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        doomed = threading.Event()
        threading.Thread(target=self._replies, args=(server, client, doomed), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(1 << 20):
                hit, reply = self._is_hit(data)
                if hit and reply is not None:
                    self._reply(client, reply)
                    break
                if hit:
                    doomed.set()
                server.sendall(data)
        _shut(server, client)

    def _is_hit(self, data: bytes) -> tuple[bool, bytes | None]:
        with self._lock:
            for place, (words, reply, left) in enumerate(self._orders):
                if left and all(word in data for word in words):
                    self._orders[place] = (words, reply, left - 1)
                    self.hits += 1
                    return True, reply
        return False, None

    def _reply(self, client: socket.socket, reply: bytes) -> None:
        """Answer, and take what still comes: closing at once would reset the connection before it is read."""
        client.sendall(reply)
        client.settimeout(0.5)
        with suppress(OSError):
            while client.recv(1 << 20):
                pass

    def _replies(self, server: socket.socket, client: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 20):
                if doomed.is_set():
                    break
                client.sendall(data)
            else:
                return
        _shut(server, client)


def _shut(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


class GrpcProxy:
    """A gRPC proxy that forwards every call and then answers late, or not at all, or does not forward.

    `rule` is called with the method's name (`CreateCharacter`) and returns what to do with this call: `pass`, `refuse`
    (UNAVAILABLE, not forwarded), `slow` (answered after `slow_s`), `late` (forwarded; the answer is held back until the
    caller's deadline has passed), `lose` (forwarded; answered with UNAVAILABLE), or the name of a status code, with which it
    is answered without being forwarded.
    """

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.rule: Callable[[str], str] = lambda _: "pass"
        self.slow_s = 1.0
        #: As a service that knows nothing of idempotency keys.
        self.forgets_keys = False
        #: (method, what was done)
        self.calls: list[tuple[str, str]] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(64))
        self._server.add_generic_rpc_handlers((_Forward(self._call),))
        self._server.add_insecure_port(self.address)

    def lead_to(self, target: str) -> None:
        """Take calls, and pass them on to this address."""
        self._channel = grpc.insecure_channel(target, options=[("grpc.enable_retries", 0)])
        self._server.start()

    def did(self, what: str) -> int:
        """Return how many calls were treated so."""
        return sum(done == what for _, done in self.calls)

    def _call(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        what = self.rule(method.rpartition("/")[2])
        self.calls.append((method.rpartition("/")[2], what))
        if what == "refuse":
            context.abort(
                grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; the proxy is down"
            )
        if what in grpc.StatusCode.__members__:
            context.abort(grpc.StatusCode[what], f"rpc error: code = Unavailable desc = {method}")
        kept = ("generia-token",) if self.forgets_keys else ("generia-token", "idempotency-key")
        metadata = tuple((key, value) for key, value in context.invocation_metadata() if key in kept)
        forward = self._channel.unary_unary(method, _as_it_is, _as_it_is)
        try:
            answer: bytes = forward(request, timeout=30, metadata=metadata)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details() or "")
        if what == "lose":
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        if what == "late":
            gone = threading.Event()
            if context.add_callback(gone.set):
                gone.wait(60)
        if what == "slow":
            time.sleep(self.slow_s)
        return answer

    def close(self) -> None:
        """Stop at once."""
        self._server.stop(None)
        self._channel.close()


def _as_it_is(message: bytes) -> bytes:
    return message


class _Forward(grpc.GenericRpcHandler):
    def __init__(self, call: Callable[[str, bytes, grpc.ServicerContext], bytes]) -> None:
        self._call = call

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Handle any unary call as bytes."""
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._call(details.method, request, context)
        )


class Later(Mapping[str, str]):
    """A mapping that is made when it is read."""

    def __init__(self, make: Callable[[], Mapping[str, str]]) -> None:
        self._make = make

    def __getitem__(self, key: str) -> str:
        return self._make()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())


class Wires:
    """A proxy on every wire that leaves the workers, but for Redis and the providers."""

    def __init__(self) -> None:
        self.mongo = CuttingProxy()
        self.s3 = CuttingProxy()
        self.services = {name: GrpcProxy() for name in ("world", "character", "post", "media")}

    def lead_to(self, settings: Settings) -> None:
        """Pass on to these servers and services."""
        self._login, _, server = settings.mongo_uri.get_secret_value().partition("/?")[0].rpartition("@")
        self.mongo.lead_to(server)
        self.s3.lead_to(settings.s3_endpoint)
        for name, proxy in self.services.items():
            proxy.lead_to(getattr(settings, f"{name}_service"))

    def mend(self) -> None:
        """Let everything pass again."""
        self.mongo.mend()
        self.s3.mend()
        for proxy in self.services.values():
            proxy.rule, proxy.forgets_keys = (lambda _: "pass"), False
            proxy.calls.clear()

    def of_workers(self) -> dict[str, str]:
        """Return the variables that lead the workers through the proxies."""
        services = {f"GENERIA_{name.upper()}_SERVICE": proxy.address for name, proxy in self.services.items()}
        return services | {"GENERIA_MONGO_URI": f"{self._login}@{self.mongo.address}/?directConnection=true"}

    def of_services(self) -> dict[str, str]:
        """Return the variables that lead everything that goes to the media store through a proxy."""
        return {"GENERIA_S3_ENDPOINT": self.s3.address}

    def close(self) -> None:
        """Take all proxies away."""
        self.mongo.close()
        self.s3.close()
        for proxy in self.services.values():
            proxy.close()


def start_wired(folder: Path, scale: float, **changed: Any) -> tuple[Faults, Wires]:
    """Start a stack with proxies on its wires."""
    asked = scaled_settings(scale, **changed)
    wires, led, lock = Wires(), threading.Event(), threading.Lock()

    def rewired(program: Program) -> Program:
        real = program.argv

        def argv(settings: Settings) -> list[str]:
            # Programs are asked for once the servers run: now it is known where.
            with lock:
                if not led.is_set():
                    wires.lead_to(settings)
                    led.set()
            return real(settings)

        if program.name == "services":
            return replace(program, argv=argv, env=Later(lambda: {**program.env, **wires.of_services()}))
        if program.name.startswith("worker-"):
            return replace(program, argv=argv, env=Later(lambda: {**program.env, **wires.of_workers()}))
        return program

    parts = [rewired(part) for part in programs.programs(asked)]
    stack = Stack(programs.with_addresses(asked), folder, parts, fork_server=fork_server())
    stack.start()
    return Faults(stack, scale, folder / "doom"), wires
