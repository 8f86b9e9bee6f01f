"""The dispatcher in a process of its own, as the scheduler runs it, with one platform that the stub plays."""

import asyncio
import cProfile
import multiprocessing
import pstats
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import uvloop

from drumtower import http, telemetry
from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.domain.capabilities import Capabilities, Label, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Adapter,
    CredentialField,
    Credentials,
    OAuth2,
    PlatformCalls,
    Published,
    PublishRequest,
    RemoteAccount,
)
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from drumtower.storage import LocalStorage
from drumtower.ticks import Ticker
from services.scheduler.dispatch import Dispatcher
from services.scheduler.gate import Gate
from services.scheduler.outcomes import Outcomes
from services.scheduler.send import Sender


class BenchAdapter(Adapter):
    """One POST a publish, and nothing else: what is measured is the engine."""

    slug: ClassVar[str] = "bench"
    name: ClassVar[Label] = Label(zh_cn="测量", en="Bench")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,), body=TextRule(maximum=1000, unit=Unit.CHARACTER)
    )
    auth = OAuth2(
        fields=(CredentialField(name="access_token", label=Label(zh_cn="令牌", en="Token")),),
        authorize_url="http://127.0.0.1/",
        token_url="http://127.0.0.1/",
    )
    default_base_url: ClassVar[str] = "http://127.0.0.1"

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        return RemoteAccount(id="bench", name="bench")

    async def publish(self, request: PublishRequest) -> Published:
        calls = PlatformCalls(http=self.http, base_url=self.base_url, read_error=lambda *_: None, rules={})
        post = {"text": request.message.text, "due": request.created_at.timestamp()}
        answer = await calls.call("POST", "/posts", once=True, json=post)
        return Published(external_id=f"{answer['id']}-{request.idempotency_key}")


@contextmanager
def engines(count: int, settings: Mapping[str, Any], profile: Path | None = None) -> Iterator[list[int]]:
    """Run that many engines; give their process ids. The first one's profile goes to `profile` at its end."""
    context = multiprocessing.get_context("spawn")  # nothing of this process is in theirs
    ready = context.Semaphore(0)
    started = [
        context.Process(target=_serve, args=(dict(settings), ready, None if number else profile))
        for number in range(count)
    ]
    for process in started:
        process.start()
    try:
        for _ in started:
            ready.acquire()
        yield [process.pid for process in started if process.pid is not None]
    finally:
        for process in started:
            process.terminate()
            process.join()


def _serve(settings: dict[str, Any], ready: Any, profile: Path | None) -> None:
    telemetry.configure(service="bench")
    uvloop.run(_run(Settings.model_validate(settings), ready, profile))


async def _run(settings: Settings, ready: Any, profile: Path | None) -> None:
    db = Database(settings.database_url, application="bench", patience=30, plan_once=True)
    profiler = cProfile.Profile(time.process_time)
    async with http.client(allow_private=True) as web:
        registry = Registry(adapters={"bench": BenchAdapter}, refused={})
        box = Box(settings.secret_keys.get_secret_value())
        sender = Sender(
            db=db,
            connections=Connections(db=db, http=web, box=box, registry=registry),
            storage=LocalStorage(settings.storage_dir),
            settings=settings,
            outcomes=Outcomes(db, Gate.of(registry, settings)),
        )
        dispatcher = Dispatcher(db=db, sender=sender, settings=settings)
        work = asyncio.create_task(Ticker("dispatch", dispatcher.step, settings.dispatch_every).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        if profile:
            profiler.enable()
        ready.release()
        await asyncio.wait([work])
        profiler.disable()
        await dispatcher.drain(timedelta(seconds=60))
    await db.close()
    if profile:
        pstats.Stats(profiler).dump_stats(profile)
