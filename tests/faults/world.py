"""Where fields are laid out: servers, a migrated template, and the nursery of schedulers."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from drumtower import http
from drumtower.connections import Connections
from drumtower.crypto import Box, new_key
from drumtower.db.engine import Database
from drumtower.domain.ids import new_id
from drumtower.settings import Settings
from drumtower.storage import LocalStorage
from drumtower.testkit.serving import serve
from tests.databases import Servers, execute
from tests.factories import make_image, make_team
from tests.faults.crew import Crew, Nursery
from tests.faults.field import Field, Pace
from tests.faults.platforms import Platforms, make_platforms
from tests.faults.weather import Weather
from tests.faults.worker import load_with_blind


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where fields are laid out: servers, a migrated template database, and the nursery of schedulers.

    `lease`: of runs that ask for no other, in seconds.
    """

    servers: Servers
    template: str
    nursery: Nursery
    directory: Path
    lease: float = 8.0

    @asynccontextmanager
    async def field(
        self,
        accounts: Mapping[str, int],
        *,
        pace: Pace | None = None,
        weather: Weather | None = None,
        redis_url: str | None = None,
        twins: Mapping[str, str] | None = None,
        seed: int = 1,
    ) -> AsyncIterator[Field]:
        """Lay out a field with a database of its own; everything of it is gone afterwards, its logs excepted.

        `twins` names further servers, each of a platform: `{"weibo refuses": "weibo"}`.
        """
        name = f"faults_{new_id().hex}"
        await execute(self.servers.database_url, f"CREATE DATABASE {name} TEMPLATE {self.template}")
        try:
            given = _settings(
                self.servers.database(name),
                redis_url or self.servers.redis_url,
                self.directory / name,
                pace or Pace(lease=self.lease),
            )
            platforms = make_platforms(weather or Weather(), twins or {})
            async with self._open(given, platforms, seed) as opened:
                await opened.connect(accounts)
                yield opened
        finally:
            await execute(self.servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def _open(self, settings: Settings, platforms: Platforms, seed: int) -> AsyncIterator[Field]:
        db = Database(settings.database_url, application="faults")
        crew = Crew(nursery=self.nursery, environment=environment(settings), logs=settings.storage_dir.parent)
        try:
            async with serve(platforms.app()) as base_url, http.client(allow_private=True) as client:
                box = Box(settings.secret_keys.get_secret_value())
                team = await make_team(db)
                yield Field(
                    db=db,
                    settings=settings,
                    team=team,
                    platforms=platforms,
                    base_url=base_url,
                    crew=crew,
                    connections=Connections(db=db, http=client, box=box, registry=load_with_blind()),
                    draw=random.Random(seed),
                    cover=await make_image(db, LocalStorage(settings.storage_dir), team),
                )
                for worker in crew.living:
                    await worker.end()
                platforms.weather.ended.set()
        finally:
            for worker in crew.living:
                await worker.end()
            await db.close()


def _settings(database_url: str, redis_url: str, directory: Path, pace: Pace) -> Settings:
    return Settings.model_validate(
        {
            "environment": "local",
            "DRUMTOWER_DATABASE_URL": database_url,
            "DRUMTOWER_REDIS_URL": redis_url,
            "secret_keys": new_key(),
            "storage_dir": directory / "assets",
            "allow_private_addresses": True,
            "requests_per_minute": 100_000,
            "lease": timedelta(seconds=pace.lease),
            "reconcile_grace": timedelta(seconds=pace.grace),
            "platform_concurrency": pace.concurrency,
            "feedback_every": timedelta(hours=1),
            "documented_limits": False,
            "breaker_rest": timedelta(),
        }
    )


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a scheduler process reads them."""
    return {
        "DRUMTOWER_ENVIRONMENT": settings.environment,
        "DRUMTOWER_DATABASE_URL": settings.database_url,
        "DRUMTOWER_REDIS_URL": settings.redis_url,
        "DRUMTOWER_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "DRUMTOWER_STORAGE_DIR": str(settings.storage_dir),
        "DRUMTOWER_ALLOW_PRIVATE_ADDRESSES": "true",
        # Fault runs break platforms on purpose, and send a day's worth in a minute.
        "DRUMTOWER_DOCUMENTED_LIMITS": str(settings.documented_limits).lower(),
        "DRUMTOWER_BREAKER_REST": f"PT{settings.breaker_rest.total_seconds()}S",
        "DRUMTOWER_LEASE": f"PT{settings.lease.total_seconds()}S",
        "DRUMTOWER_RECONCILE_GRACE": f"PT{settings.reconcile_grace.total_seconds()}S",
        "DRUMTOWER_PLATFORM_CONCURRENCY": str(settings.platform_concurrency),
        "DRUMTOWER_FEEDBACK_EVERY": f"PT{settings.feedback_every.total_seconds()}S",
        "FAULTS_READ_LAG": "0",
        "FAULTS_POLL_AFTER": "0.5",
    }
