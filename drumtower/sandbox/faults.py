"""Faults on demand: before the platform acts, or after it did, so that the answer lies or never comes."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Behaviour(StrEnum):
    """How a faulty answer looks."""

    STATUS = "status"  # the given status and body
    HANG = "hang"  # no answer for `seconds`
    RESET = "reset"  # the connection breaks off
    HALF = "half"  # headers, and half of the body
    DELAY = "delay"  # the right answer, `seconds` late


class Fault(BaseModel):
    """One fault to inject: on requests whose path contains `path`, the next `times` times."""

    model_config = ConfigDict(extra="forbid")

    path: str = ""
    behaviour: Behaviour = Behaviour.STATUS
    acts: bool = False  # True: the platform does what was asked, and only the answer is wrong
    status: int = 500
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = {}
    seconds: float = 30.0
    times: int = 1
    skip: int = 0  # let this many matching requests pass first


class ConnectionBroken(Exception):
    """Raised into the server so that it drops the connection without an answer."""


@dataclass(slots=True)
class Faults:
    """An ASGI wrapper that plays faults; `fired` counts them, because a fault that did not fire proves nothing."""

    app: ASGIApp
    waiting: list[Fault] = field(default_factory=list)
    fired: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        fault = self.take(path) if path and "/control" not in path else None
        if fault is None:
            await self.app(scope, receive, send)
            return
        if fault.acts or fault.behaviour is Behaviour.DELAY:
            answer = await self._act(scope, receive)
        else:
            answer = [_start(fault), {"type": "http.response.body", "body": fault.body.encode()}]
        await _distort(fault, answer, send)

    def take(self, path: str) -> Fault | None:
        """Return the fault that is to be played on a request for `path`, which counts as fired then."""
        for fault in self.waiting:
            if fault.path not in path:
                continue
            if fault.skip:
                fault.skip -= 1
                return None
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            self.fired += 1
            return fault
        return None

    async def _act(self, scope: Scope, receive: Receive) -> list[Message]:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        return answer


def _start(fault: Fault) -> Message:
    headers = {"content-type": fault.content_type, **fault.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": fault.status, "headers": raw}


async def _distort(fault: Fault, answer: list[Message], send: Send) -> None:
    match fault.behaviour:
        case Behaviour.STATUS:
            await send(_start(fault))
            await send({"type": "http.response.body", "body": fault.body.encode()})
        case Behaviour.HANG:
            await asyncio.sleep(fault.seconds)
            raise ConnectionBroken
        case Behaviour.RESET:
            raise ConnectionBroken
        case Behaviour.HALF:
            await _half(answer, send)
        case Behaviour.DELAY:
            await asyncio.sleep(fault.seconds)
            for message in answer:
                await send(message)


async def _half(answer: list[Message], send: Send) -> None:
    body = b"".join(message.get("body", b"") for message in answer[1:]) or b'{"half": '
    start = answer[0]
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    length = (b"content-length", str(len(body) + 16).encode())
    await send({**start, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    raise ConnectionBroken
