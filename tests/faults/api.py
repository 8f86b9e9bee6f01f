"""The API as clients meet it: over sockets, on a field's database, or on a way to it that is hurt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from drumtower.settings import Settings
from drumtower.testkit.serving import serve
from services.api.main import create_app
from tests.faults.field import Field
from tests.faults.proxy import Proxy, proxy_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A served API; `client` is its owner's."""

    app: FastAPI
    address: str
    client: httpx.AsyncClient


@asynccontextmanager
async def serving(field: Field, database_url: str | None = None) -> AsyncIterator[Api]:
    """Serve the API on the field's database, or on another way to it."""
    settings = field.settings.model_copy(update={"database_url": database_url or field.settings.database_url})
    app = create_app(Settings.model_validate(settings))
    key = {"Authorization": f"Bearer {field.team.owner_key}"}
    async with (
        LifespanManager(app),
        serve(app) as address,
        httpx.AsyncClient(
            base_url=address, headers=key, timeout=30, limits=httpx.Limits(max_connections=300)
        ) as client,
    ):
        yield Api(app=app, address=address, client=client)


@asynccontextmanager
async def way_to(database_url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before PostgreSQL's socket, and the database's address through it."""
    socket = f"{parse_qs(urlsplit(database_url).query)['host'][0]}/.s.PGSQL.5432"
    async with proxy_to(lambda: asyncio.open_unix_connection(socket)) as proxy:
        url = make_url(database_url).set(host="127.0.0.1", port=proxy.port, query={})
        yield proxy, url.render_as_string(hide_password=False)
