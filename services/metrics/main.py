"""The metrics process: `python -m services.metrics.main`. Run as many as you like."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog
import uvloop

from drumtower import http, telemetry
from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.heartbeats import Heartbeats
from drumtower.domain.clock import SystemClock
from drumtower.health.listener import listener
from drumtower.health.readiness import Own
from drumtower.jobs import Role, listen
from drumtower.mail import mailer
from drumtower.platforms import registry
from drumtower.settings import Settings
from drumtower.stalls import watched
from drumtower.ticks import Beat, Ticker, run_all
from services.metrics import plan, retention, rollup
from services.metrics.pull import Puller

log = structlog.get_logger(__name__)

EVERY_FEW_SECONDS = timedelta(seconds=5)
EVERY_SECOND = timedelta(seconds=1)
EVERY_HOUR = timedelta(hours=1)
# How long SIGTERM waits for calls under way; a reading that is cut off is asked for again.
PATIENCE = 2.0


async def run(settings: Settings) -> None:
    """Run every step until SIGTERM or SIGINT; then claim no more, let the calls under way end, and end."""
    db = Database(settings.database_url, application="drumtower-metrics", pool=10)
    client = http.client(allow_private=settings.allow_private_addresses)
    box = Box(settings.secret_keys.get_secret_value())
    adapters = registry.load()
    puller = Puller(
        db=db,
        connections=Connections(
            db=db,
            http=client,
            box=box,
            registry=adapters,
            mail=mailer(settings),
        ),
        clock=SystemClock(),
        platforms=plan.sources(adapters),
        rehearsal=settings.sampling_rehearsal,
        concurrency=settings.platform_concurrency,
    )
    own = Own(role=Role.METRICS, replica=f"{socket.gethostname()}:{os.getpid()}"[-64:])
    beat = Heartbeats(db, role=own.role.value, replica=own.replica).beat
    planning, tickers = _tickers(db, puller, beat)
    work = asyncio.create_task(run_all(tickers, listen(settings.redis_url, Role.METRICS, planning.wake)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    log.info("metrics.started", platforms=puller.platforms)
    async with listener(settings, db, own):
        with watched(), suppress(asyncio.CancelledError):
            await work
    await puller.settle(PATIENCE)
    await client.aclose()
    await db.close()
    log.info("metrics.stopped")


def _tickers(db: Database, puller: Puller, beat: Beat) -> tuple[Ticker, list[Ticker]]:
    """Make the steps, and the one the bell wakes. A new plan wakes the pull, and new samples the rollup."""
    pull = Ticker("pull", puller.step, EVERY_SECOND, beat)
    roll = Ticker("rollup", partial(rollup.step, db), EVERY_FEW_SECONDS, beat)
    puller.stored = roll.wake

    async def planned(back: timedelta) -> timedelta | None:
        rest = await plan.step(db, puller.platforms, puller.clock.now(), back)
        pull.wake()
        return rest

    planning = Ticker("plan", partial(planned, plan.RECENT), EVERY_FEW_SECONDS, beat)
    sweep = Ticker("plan.sweep", partial(planned, plan.SWEEP), EVERY_HOUR, beat)
    keep = Ticker("retention", partial(_retain, db, puller), EVERY_HOUR, beat)
    return planning, [planning, sweep, pull, roll, keep]


async def _retain(db: Database, puller: Puller) -> timedelta | None:
    return await retention.step(db, puller.clock.now(), retention.kept_feedback(puller.connections.registry))


def main() -> None:
    """Start the process."""
    telemetry.configure(service="metrics")
    uvloop.run(run(Settings()))


if __name__ == "__main__":
    main()
