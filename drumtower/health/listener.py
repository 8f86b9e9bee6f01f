"""The door of processes that serve nobody else: /health/live, /health/ready and /metrics on a port of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from drumtower import jobs
from drumtower.db.engine import Database
from drumtower.domain.health import Status
from drumtower.health.figures import exposition
from drumtower.health.readiness import Own, readiness
from drumtower.settings import Settings

log = structlog.get_logger(__name__)


@asynccontextmanager
async def listener(settings: Settings, db: Database, own: Own) -> AsyncIterator[None]:
    """Answer while the block runs, where an address is set. A door that can't be opened stops no work."""
    runner: web.AppRunner | None = None
    if settings.probe_address is not None:
        runner = web.AppRunner(_app(settings, db, own), access_log=None, handle_signals=False)
        host, _, port = settings.probe_address.rpartition(":")
        await runner.setup()
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
            log.info("probes.listening", address=settings.probe_address)
        except OSError as error:
            log.error("probes.unavailable", address=settings.probe_address, error=str(error))
    try:
        yield
    finally:
        if runner is not None:
            await runner.cleanup()


def _app(settings: Settings, db: Database, own: Own) -> web.Application:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": Status.PASS.value})

    async def ready(_: web.Request) -> web.Response:
        found = await readiness(db, jobs.is_up(settings.redis_url), own)
        status = 503 if found.status is Status.FAIL else 200
        return web.Response(text=found.model_dump_json(), status=status, content_type="application/json")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await exposition(db), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", metrics)
    return app
