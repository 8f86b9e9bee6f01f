"""The scheduler process: `python -m services.scheduler.main`. Run as many as you like."""

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
from drumtower.health.listener import listener
from drumtower.health.readiness import Own
from drumtower.jobs import ArqQueue, Role, listen
from drumtower.mail import mailer
from drumtower.media.studio import Studio
from drumtower.platforms import registry
from drumtower.settings import Settings
from drumtower.stalls import watched
from drumtower.storage import storage_of
from drumtower.ticks import Ticker, run_all
from services.scheduler.authorisations import warn
from services.scheduler.clean import clean
from services.scheduler.confirm import confirm
from services.scheduler.dispatch import Dispatcher
from services.scheduler.fingerprints import Fingerprints
from services.scheduler.gate import Gate
from services.scheduler.handoffs import remind
from services.scheduler.licences import warn_of_licences
from services.scheduler.links import look_at_links, renew_links
from services.scheduler.listen import listen as listen_to_channels
from services.scheduler.outcomes import Outcomes
from services.scheduler.pictures import Pictures
from services.scheduler.prepare import prepare
from services.scheduler.reap import reap
from services.scheduler.reconcile import reconcile
from services.scheduler.relay import relay
from services.scheduler.release import release
from services.scheduler.renditions import make_renditions
from services.scheduler.reviews import remind_reviewers
from services.scheduler.scan import scan
from services.scheduler.send import Sender
from services.scheduler.series import plan_series

log = structlog.get_logger(__name__)

EVERY_SECOND = timedelta(seconds=1)
EVERY_FEW_SECONDS = timedelta(seconds=5)
EVERY_MINUTE = timedelta(minutes=1)
# How long SIGTERM waits for sends in flight; orchestrators kill after 30 s.
PATIENCE = timedelta(seconds=25)


async def run(settings: Settings) -> None:
    """Run every step until SIGTERM or SIGINT; then claim no more, let what flies land, and end."""
    db = Database(settings.database_url, application="drumtower-scheduler", pool=20, patience=30)
    # What is due waits for no other step's connection.
    due = Database(settings.database_url, application="drumtower-dispatch", patience=30, plan_once=True)
    client = http.client(allow_private=settings.allow_private_addresses)
    web = http.client()  # for addresses that authors write: never a private one, whatever the settings say
    queue = ArqQueue(settings.redis_url)
    box = Box(settings.secret_keys.get_secret_value())
    connections = Connections(
        db=db,
        http=client,
        box=box,
        registry=registry.load(),
        mail=mailer(settings),
    )
    storage = storage_of(settings)
    outcomes = Outcomes(due, Gate.of(connections.registry, settings))
    sender = Sender(db=due, connections=connections, storage=storage, settings=settings, outcomes=outcomes)
    dispatcher = Dispatcher(db=due, sender=sender, settings=settings)
    own = Own(role=Role.SCHEDULER, replica=f"{socket.gethostname()}:{os.getpid()}"[-64:])
    beat = Heartbeats(db, role=own.role.value, replica=own.replica).beat
    dispatch = Ticker("dispatch", dispatcher.step, settings.dispatch_every, beat)
    tickers = [
        dispatch,
        Ticker("prepare", partial(prepare, db, connections, storage, settings), EVERY_SECOND, beat),
        Ticker("confirm", partial(confirm, db, connections), EVERY_SECOND, beat),
        Ticker("reconcile", partial(reconcile, db, connections, storage, settings), EVERY_SECOND, beat),
        Ticker("reap", partial(reap, db), EVERY_SECOND, beat),
        Ticker("series", partial(plan_series, db, settings, outcomes.gate.limits), EVERY_SECOND, beat),
        Ticker("release", partial(release, db, settings), EVERY_SECOND, beat),
        Ticker("renditions", partial(make_renditions, db, storage, Studio(workers=1)), EVERY_SECOND, beat),
        Ticker("clean", partial(clean, db, connections), EVERY_FEW_SECONDS, beat),
        Ticker("scan", partial(scan, db), EVERY_FEW_SECONDS, beat),
        Ticker("fingerprints", Fingerprints(db).step, EVERY_FEW_SECONDS, beat),
        Ticker("pictures", Pictures(db, storage).step, EVERY_FEW_SECONDS, beat),
        Ticker("reviews", partial(remind_reviewers, db), EVERY_FEW_SECONDS, beat),
        Ticker("remind", partial(remind, db), EVERY_SECOND, beat),
        Ticker("warn", partial(warn, db), EVERY_MINUTE, beat),
        Ticker("links", partial(look_at_links, db, web), EVERY_FEW_SECONDS, beat),
        Ticker("renew_links", partial(renew_links, db), EVERY_MINUTE, beat),
        Ticker("licences", partial(warn_of_licences, db), EVERY_MINUTE, beat),
        Ticker("relay", partial(relay, db, queue), EVERY_SECOND, beat),
        Ticker("listen", partial(listen_to_channels, db, connections, settings), EVERY_SECOND, beat),
    ]
    work = asyncio.create_task(run_all(tickers, listen(settings.redis_url, Role.SCHEDULER, dispatch.wake)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    log.info("scheduler.started")
    async with listener(settings, db, own):
        with watched(), suppress(asyncio.CancelledError):
            await work
    landing = asyncio.create_task(dispatcher.drain(PATIENCE))
    for number in (signal.SIGTERM, signal.SIGINT):  # whoever asks twice does not want to wait
        asyncio.get_running_loop().add_signal_handler(number, landing.cancel)
    with suppress(asyncio.CancelledError):
        await landing
    await queue.close()
    await client.aclose()
    await web.aclose()
    await due.close()
    await db.close()
    log.info("scheduler.stopped")


def main() -> None:
    """Start the process."""
    telemetry.configure(service="scheduler")
    uvloop.run(run(Settings()))


if __name__ == "__main__":
    main()
