"""What a platform sends to an address of ours: in the background, signed anew for each try, and each try written down."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx

from drumtower.http import client
from drumtower.sandbox.state import SandboxState
from drumtower.sandbox.store import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What proves a push."""

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A body, where it goes, how it is signed, and what is written beside each of its tries."""

    url: str
    body: bytes
    sign: Callable[[bytes], Signed]
    about: Record = field(default_factory=dict)
    content_type: str = "application/json"


class Pusher:
    """Each try is a record in `pushes`: url, body, try, status (None: no answer) or error."""

    patience: ClassVar[float] = 5.0
    tries: ClassVar[int] = 3
    pause: ClassVar[float] = 0.2  # platforms wait longer

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self._running: set[asyncio.Task[None]] = set()

    async def check(self, account: str, url: str) -> bool:
        """Check an address before it is taken; a platform without a check takes any."""
        return True

    def taken(self, answer: httpx.Response) -> bool:
        """Say whether an answer ends the tries."""
        return answer.is_success

    def heard(self, push: Push, answer: httpx.Response) -> None:
        """Do what the answer that was taken asks for; here nothing."""

    def start(self, push: Push) -> None:
        task = asyncio.create_task(self._deliver(push))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drained(self) -> None:
        """Wait until every push has ended."""
        await asyncio.gather(*self._running)

    async def ask(self, url: str, query: Mapping[str, str]) -> httpx.Response | None:
        """Ask an address; None where nothing answers in time."""
        async with client(allow_private=True) as http:
            try:
                return await http.get(url, params=dict(query), timeout=self.patience)
            except httpx.HTTPError:
                return None

    async def _deliver(self, push: Push) -> None:
        async with client(allow_private=True) as http:
            for attempt in range(1, self.tries + 1):
                answer = await self._try(http, push, attempt)
                if answer is not None and self.taken(answer):
                    self.heard(push, answer)
                    return
                await asyncio.sleep(self.pause if attempt < self.tries else 0)

    async def _try(self, http: httpx.AsyncClient, push: Push, attempt: int) -> httpx.Response | None:
        signed = push.sign(push.body)
        headers = {"content-type": push.content_type, **signed.headers}
        ended: dict[str, Any] = {**push.about, "url": push.url, "try": attempt, "body": push.body.decode()}
        answer = None
        try:
            async with asyncio.timeout(self.patience):
                answer = await http.post(
                    push.url, params=dict(signed.query) or None, content=push.body, headers=headers
                )
            ended["status"] = answer.status_code
        except (httpx.HTTPError, TimeoutError) as error:
            ended |= {"status": None, "error": type(error).__name__}
        number = str(self.state.store.next_number("push"))
        at = self.state.now().isoformat()
        self.state.store.put("pushes", number, {"id": number, **ended, "at": at})
        return answer
