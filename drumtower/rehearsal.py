"""`up`: the whole of Drumtower on one machine, with embedded servers and sandbox platforms, under one supervisor."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from drumtower import seed
from drumtower.crypto import new_key
from drumtower.db import migrate
from drumtower.embedded.instance import instance_lock, require_free
from drumtower.embedded.layout import Layout, layout_at
from drumtower.embedded.postgres import database_url
from drumtower.embedded.processes import Child
from drumtower.embedded.readiness import http_ready
from drumtower.embedded.servers import server_children
from drumtower.embedded.supervisor import Supervisor
from drumtower.embedded.upfile import UpFile, read_up_file, write_up_file
from drumtower.embedded.valkey import redis_url
from drumtower.sandbox.app import PLATFORMS
from drumtower.sandbox.email.certificate import certificate_at
from drumtower.seed import DemoAccess

Say = Callable[[str], None]


class Outside(BaseSettings):
    """Servers the operator names; none of ours is started then."""

    given_database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    given_redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")
    path: str = Field(default="/usr/bin:/bin", validation_alias="PATH")
    home: str = Field(default="/", validation_alias="HOME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where everything of one instance is."""

    root: Path
    layout: Layout
    port: int
    outside: Outside

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox(self) -> dict[str, str]:
        return {p.slug: f"http://127.0.0.1:{self.port + 1}/{p.slug}" for p in PLATFORMS}

    @property
    def sandbox_state(self) -> Path:
        return self.layout.state / "sandbox"

    @property
    def database_url(self) -> str:
        return self.outside.given_database_url or database_url(self.layout)

    @property
    def redis_url(self) -> str:
        return self.outside.given_redis_url or redis_url(self.layout)


def up(root: Path, state: Path, port: int, say: Say) -> None:
    """Start everything and keep it running until somebody stops us. Raises AlreadyRunning, PortTaken, ChildFailed."""
    place = Place(root=root, layout=layout_at(state), port=port, outside=Outside())
    with instance_lock(place.layout):
        for taken in range(port, port + 3):
            require_free(taken)
        with Supervisor(place.layout, say) as supervisor:
            supervisor.start(*_servers(place))
            supervisor.run(lambda: migrate.upgrade(place.database_url))
            known = _known(place)
            access = supervisor.run(lambda: asyncio.run(seed.seed_members(place.database_url, known)))
            supervisor.start(_sandbox(place), *_services(place))
            supervisor.run(lambda: seed.seed_channels(place.api, access.api_key, place.sandbox))
            write_up_file(place.layout.up_file, _up_file(place, access))
            _welcome(place, access, say)
            supervisor.watch()


def _servers(place: Place) -> list[Child]:
    return server_children(
        place.layout,
        postgres=place.outside.given_database_url is None,
        valkey=place.outside.given_redis_url is None,
    )


def _environment(place: Place) -> Mapping[str, str]:
    return {
        "PATH": place.outside.path,
        "HOME": place.outside.home,
        "LANG": "C.UTF-8",
        "DRUMTOWER_ENVIRONMENT": "local",
        "DRUMTOWER_DATABASE_URL": place.database_url,
        "DRUMTOWER_REDIS_URL": place.redis_url,
        "DRUMTOWER_SECRET_KEYS": seed.secret_keys(place.layout.state / "secret.keys", new_key()),
        "DRUMTOWER_PUBLIC_URL": place.api,
        "DRUMTOWER_STORAGE_DIR": str(place.layout.state / "assets"),
        "DRUMTOWER_ALLOW_PRIVATE_ADDRESSES": "true",
        "DRUMTOWER_MAIL_AUTHORITY": str(certificate_at(place.sandbox_state).public),
        # A rehearsal shows in seconds what takes minutes and days in earnest.
        "DRUMTOWER_LEASE": "PT20S",
        "DRUMTOWER_RECONCILE_GRACE": "PT5S",
        "DRUMTOWER_FEEDBACK_EVERY": "PT1S",
        "DRUMTOWER_SAMPLING_REHEARSAL": "PT2S",
    }


def _child(place: Place, name: str, *words: str, ready: Callable[[], bool] | None = None) -> Child:
    return Child(
        name=name,
        argv=[sys.executable, "-m", *words],
        env=_environment(place),
        cwd=place.root,
        tier=2,
        ready=ready,
    )


def _sandbox(place: Place) -> Child:
    port = place.port + 1
    words = ["drumtower.cli", "sandbox", "--port", str(port), "--state", str(place.sandbox_state)]
    return _child(place, "sandbox", *words, ready=http_ready(f"http://127.0.0.1:{port}/"))


def _services(place: Place) -> list[Child]:
    serve = ["services.api.main", "--port", str(place.port)]
    return [
        _child(place, "api", *serve, ready=http_ready(f"{place.api}/health/live")),
        _child(place, "scheduler", "services.scheduler.main"),
        _child(place, "metrics", "services.metrics.main"),
    ]


def _known(place: Place) -> DemoAccess | None:
    last = read_up_file(place.layout.up_file)
    if last is None:
        return None
    return DemoAccess(
        api_key=last.api_key,
        reviewer_api_key=last.reviewer_api_key,
        email=last.email,
        password=last.password,
    )


def _up_file(place: Place, access: DemoAccess) -> UpFile:
    return UpFile(
        api=place.api,
        api_key=access.api_key,
        reviewer_api_key=access.reviewer_api_key,
        email=access.email,
        password=access.password,
        sandbox=place.sandbox,
    )


def _welcome(place: Place, access: DemoAccess, say: Say) -> None:
    say(f"Drumtower is up.   API docs  {place.api}/docs")
    say(f"                   Log-in    {access.email}   {access.password}")
    say(f"                   API key   {access.api_key}")
    say(f"                   All of it {place.layout.up_file}")
    say("Next: python3 dev.py demo   (Ctrl-C here stops everything)")
