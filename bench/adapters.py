"""Measures what an adapter itself costs for each publish and each webhook: composing, signing, reading; no network.

Run from the repository root: `python -m bench.adapters [--rounds 5] [--out FILE]`. Each adapter publishes the message of
its conformance class once to its sandbox, in this process, and the answers are kept; then it publishes again and again
while those answers come back at once. "httpx alone" is the same calls made bare, nothing read. Times are processor time of this process, of
the best round: other work on the machine only adds. The first-come upload is in it, at the kit's small files.
Mail is no HTTP: its sandbox speaks SMTP in this process, and what that costs is in the number. What a person publishes by
hand calls nobody.
"""

import argparse
import asyncio
import importlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from starlette.routing import BaseRoute

from drumtower.platforms import Credentials, TokenSource, WebhookReceiver
from drumtower.platforms.registry import load
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.testkit.conformance_by_hand import ByHandConformance
from drumtower.testkit.conformance_declaration import DeclarationRules
from drumtower.testkit.conformance_stage import Hooks, Stage

ROOT = Path(__file__).parents[1]
URL = "http://sandbox"
PUBLISHES, WEBHOOKS = 50, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Microseconds; None: there is no such thing on this platform, or it is not HTTP."""

    platform: str
    calls: int
    publish: float | None
    bare: float | None
    webhook: float | None

    @property
    def own(self) -> float | None:
        return None if self.publish is None or self.bare is None else self.publish - self.bare


@dataclass(slots=True)
class Tape(httpx.AsyncBaseTransport):
    """Records what the sandbox answers; once `playing`, gives the same answers again, in order."""

    sandbox: httpx.ASGITransport
    playing: bool = False
    at: int = 0
    requests: list[httpx.Request] = field(default_factory=list)
    answers: list[tuple[int, list[tuple[bytes, bytes]], bytes]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.playing:
            await self._record(request)
        status, headers, body = self.answers[self.at % len(self.answers)]
        self.at += 1
        return httpx.Response(status, headers=headers, content=body)

    async def _record(self, request: httpx.Request) -> None:
        await request.aread()
        answer = await self.sandbox.handle_async_request(request)
        body = await answer.aread()
        self.requests.append(request)
        self.answers.append((answer.status_code, answer.headers.raw, body))

    def rewind(self) -> None:
        self.at = 0

    def forget(self) -> None:
        """Drop what came before the publish: a session, a token."""
        self.requests.clear()
        self.answers.clear()
        self.at = 0


class Nobody(SandboxPlatform):
    """Where a person publishes: nothing is asked."""

    slug = "nobody"

    def routes(self) -> list[BaseRoute]:
        return []

    def control_routes(self) -> list[BaseRoute]:
        return []

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return {"id": ""}


def suites() -> Iterator[type[Hooks]]:
    """Return a conformance class of each adapter: it knows a message and a push that its platform takes."""
    for file in sorted((ROOT / "tests" / "adapters").glob("test_*.py")):
        importlib.import_module(f"tests.adapters.{file.stem}")
    found: dict[str, type[Hooks]] = {}
    for suite in _below(DeclarationRules):
        if suite.__module__.startswith("tests.adapters."):
            found.setdefault(suite.adapter.slug, suite)
    return (found[slug] for slug in sorted(load().adapters))


def _below(suite: type[Any]) -> Iterator[type[Any]]:
    for below in suite.__subclasses__():
        yield below
        yield from _below(below)


async def _fastest(rounds: int, times: int, work: Callable[[], Awaitable[object]]) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            await work()
        best = min(best, (time.process_time() - start) / times)
    return best * 1e6


async def measure(suite: Hooks, rounds: int) -> Cost:
    sandbox = Nobody() if isinstance(suite, ByHandConformance) else suite.sandbox()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sandbox.running())
        account = sandbox.add_account(**suite.account_options)
        tape = Tape(httpx.ASGITransport(sandbox.app))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=tape))
        stage = Stage(
            adapter=suite.speaking(sandbox, http, URL),
            impatient=suite.speaking(sandbox, http, URL),
            sandbox=sandbox,
            base_url=URL,
            http=http,
            account=str(account["id"]),
            credentials=_credentials(suite, account),
        )
        if isinstance(stage.adapter, TokenSource):
            token = await stage.adapter.token(stage.credentials)
            stage = replace(stage, credentials=replace(stage.credentials, token=token))
        tape.forget()
        return await _measured(suite, stage, tape, rounds)


def _credentials(suite: Hooks, account: Mapping[str, Any]) -> Credentials:
    if isinstance(suite, ByHandConformance):
        return Credentials(values=suite.values)
    return suite.credentials_of(account)


async def _measured(suite: Hooks, stage: Stage, tape: Tape, rounds: int) -> Cost:
    request = stage.request(suite.message("晨钟暮鼓，准点发声。#鼓楼 https://gulou.example/tea"))
    await stage.publish(request)
    tape.playing = True

    async def publish() -> None:
        tape.rewind()
        await stage.publish(request)

    async def bare() -> None:
        for sent in tape.requests:
            await stage.http.request(sent.method, sent.url, content=sent.content, headers=sent.headers)

    cost = await _fastest(rounds, PUBLISHES, publish)
    alone = await _fastest(rounds, PUBLISHES, bare) if tape.requests else None
    pushed = await _fastest(rounds, WEBHOOKS, push) if (push := _webhook(suite, stage)) else None
    return Cost(
        platform=suite.adapter.slug, calls=len(tape.requests), publish=cost, bare=alone, webhook=pushed
    )


def _webhook(suite: Hooks, stage: Stage) -> Callable[[], Awaitable[object]] | None:
    adapter = stage.adapter
    if not isinstance(adapter, WebhookReceiver):
        return None
    now = datetime.now(UTC).replace(microsecond=0)
    request = replace(suite.webhook(stage.credentials, now, text="茶叶收到了，很香"), received_at=now)

    async def push() -> object:
        return adapter.receive(request, stage.credentials)

    return push


def _table(costs: Sequence[Cost]) -> Table:
    table = Table(title="Adapters: processor time, µs", title_justify="left")
    for name in ("platform", "calls", "publish", "httpx alone", "adapter's own", "webhook"):
        table.add_column(name, justify="left" if name == "platform" else "right")
    for cost in costs:
        numbers = (cost.publish, cost.bare, cost.own, cost.webhook)
        shown = ["–" if value is None else f"{value:,.0f}" for value in numbers]
        table.add_row(cost.platform, str(cost.calls), *shown)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="What adapters cost, without the network.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="append JSON lines here")
    options = parser.parse_args()
    for name in ("httpx", "mail.log"):
        logging.getLogger(name).setLevel(logging.ERROR)
    costs = [asyncio.run(measure(suite(), options.rounds)) for suite in suites()]
    Console().print(_table(costs))
    if options.out:
        with options.out.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(asdict(cost) | {"own": cost.own}) + "\n" for cost in costs)


if __name__ == "__main__":
    main()
