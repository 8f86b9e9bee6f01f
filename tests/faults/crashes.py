"""The named points at which a scheduler of the rig ends itself, as kill -9 would there and nowhere else."""

import asyncio
import functools
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from aiohttp import ClientResponse

from drumtower.jobs import ArqQueue
from services.scheduler import claim, confirm, dispatch, outcomes, reap, reconcile, requests
from services.scheduler.dispatch import Dispatcher
from services.scheduler.send import Sender
from tests.faults.weather import PUBLISHING

Die = Callable[[], None]
AsyncFunction = Callable[..., Awaitable[Any]]

# What loopback needs to carry a request that has been written.
CARRIED = 0.3


def arm_crash(point: str, skip: int, fired: Path | None) -> None:
    """Let this process end at `point`, having passed it `skip` times; `fired` gets a line before that."""
    left = skip

    def die() -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            return
        if fired is not None:
            with fired.open("a") as report:
                report.write(f"{point}\n")
        os.kill(os.getpid(), signal.SIGKILL)

    POINTS[point](die)


def _before(
    owner: ModuleType | type, name: str, die: Die, when: Callable[..., bool] = lambda *_, **__: True
) -> None:
    function: AsyncFunction = vars(owner)[name]

    @functools.wraps(function)
    async def doomed(*given: Any, **named: Any) -> Any:
        if when(*given, **named):
            die()
        return await function(*given, **named)

    setattr(owner, name, doomed)


def _after(
    owner: ModuleType | type, name: str, die: Die, when: Callable[[Any], bool] = lambda _: True
) -> None:
    function: AsyncFunction = vars(owner)[name]

    @functools.wraps(function)
    async def doomed(*given: Any, **named: Any) -> Any:
        result = await function(*given, **named)
        if when(result):
            die()
        return result

    setattr(owner, name, doomed)


def _on_launch(die: Die) -> None:
    launch = Dispatcher._launch

    def doomed(self: Dispatcher, claimed: Sequence[Any], *more: Any) -> None:
        if claimed:
            die()
        launch(self, claimed, *more)

    setattr(Dispatcher, launch.__name__, doomed)


def _on_bytes(die: Die) -> None:
    start = ClientResponse.start

    async def doomed(self: ClientResponse, connection: Any) -> Any:
        if any(path in str(self.url) for path in PUBLISHING):
            await asyncio.sleep(CARRIED)
            die()
        return await start(self, connection)

    ClientResponse.start = doomed  # type: ignore[method-assign]


def _on_save(die: Die, name: str, *, kept: bool) -> None:
    """Around the commit of a checkpoint that holds `name`: a remote write was made, and is (not yet) known here."""
    saver = vars(requests)["saver"]

    def doomed_saver(*given: Any) -> AsyncFunction:
        save: AsyncFunction = saver(*given)

        async def doomed(checkpoint: dict[str, Any]) -> None:
            if name in checkpoint and not kept:
                die()
            await save(checkpoint)
            if name in checkpoint and kept:
                die()

        return doomed

    vars(requests)["saver"] = doomed_saver


POINTS: dict[str, Callable[[Die], None]] = {
    "claim before commit": lambda die: _after(dispatch, "claim_due", die, lambda found: bool(found.flights)),
    "claim after commit": _on_launch,
    "draft before save": lambda die: _on_save(die, "media_id", kept=False),
    "draft after save": lambda die: _on_save(die, "media_id", kept=True),
    "intent before commit": lambda die: _after(claim, "intend", die),
    "intent after commit": lambda die: _before(Sender, "_leave", die),
    "bytes left": _on_bytes,
    "handle before save": lambda die: _on_save(die, "publish_id", kept=False),
    "answer before record": lambda die: _before(Sender, "_record", die, lambda *_, **named: named["started"]),
    "record before commit": lambda die: _after(outcomes, "write_reports", die),
    "record after commit": lambda die: _after(outcomes, "persistently", die),
    "relay before ring": lambda die: _before(ArqQueue, "ring", die),
    "confirm after look": lambda die: _after(confirm, "_look", die),
    "confirm before commit": lambda die: _after(confirm, "settle", die),
    "reap before commit": lambda die: _after(reap, "move", die),
    "reconcile after look": lambda die: _after(reconcile, "_look", die),
    "reconcile before commit": lambda die: _after(reconcile, "_apply", die),
}
