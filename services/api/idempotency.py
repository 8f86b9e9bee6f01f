"""`Idempotency-Key`: the same key and body replays the first answer, which commits together with what it made."""

import hashlib
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import func, select

from drumtower.crypto import Box
from drumtower.db.engine import Tx
from drumtower.db.models import IdempotencyKey
from drumtower.domain.errors import Conflict, Invalid
from services.api.deps import ClockDep, PrincipalDep, ServicesDep, TxDep
from services.api.principals import Principal

LONGEST_KEY = 255
KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", description="A key of your own; a repeat with it replays the first answer."
    ),
]


class Replayed(Exception):
    """This request was answered before; here is the first answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__("replayed")
        self.answer = answer


class Idempotency:
    """One keyed request. Without a key it does nothing."""

    def __init__(self, tx: Tx, box: Box, row: IdempotencyKey | None) -> None:
        self._tx = tx
        self._box = box
        self._row = row

    async def remember(self, status: int, body: Any, response: Response | None) -> None:
        """Keep the answer, sealed (it may hold a secret shown once), in the transaction that made it true."""
        if self._row is None:
            return
        self._row.status = response.status_code or status if response is not None else status
        self._row.body = self._box.seal(body)
        if response is not None:
            self._row.location = response.headers.get("location")
            self._row.etag = response.headers.get("etag")
        self._tx.add(self._row)
        # The insert happens now, so that a twin that slipped through fails this transaction and not the answer.
        await self._tx.flush()


async def begin(
    tx: Tx,
    box: Box,
    principal: Principal,
    request: Request,
    key: str | None,
    now: datetime,
    fingerprint: bytes | None = None,
) -> Idempotency:
    """Start a keyed request: raise Replayed for a repeat, Conflict while its twin runs, Invalid for another body.

    A body is told by its bytes, unless the caller read it as a form and gives the `fingerprint` of what was in it.
    """
    if key is None:
        return Idempotency(tx, box, None)
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable() or not key.isascii():
        raise Invalid.at(
            "header idempotency-key", "idempotency_key", "The key is 1 to 255 printable ASCII characters."
        )
    route = f"{request.method} {request.url.path}"
    lock = f"{principal.workspace_id}:{principal.id}:{route}:{key}"
    if not await tx.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(lock, 0)))):
        raise Conflict("request_in_flight", "The same request is still running. Wait for its answer.")
    if fingerprint is None:
        fingerprint = hashlib.sha256(await request.body()).digest()
    same = IdempotencyKey.workspace_id == principal.workspace_id, IdempotencyKey.principal_id == principal.id
    row = await tx.scalar(
        select(IdempotencyKey).where(*same, IdempotencyKey.route == route, IdempotencyKey.key == key)
    )
    if row is not None:
        raise _repeat(row, fingerprint, box)
    fresh = IdempotencyKey(
        workspace_id=principal.workspace_id,
        principal_id=principal.id,
        route=route,
        key=key,
        fingerprint=fingerprint,
        status=0,
        created_at=now,
    )
    return Idempotency(tx, box, fresh)


def _repeat(row: IdempotencyKey, fingerprint: bytes, box: Box) -> Exception:
    if row.fingerprint != fingerprint:
        return Invalid.at(
            "header idempotency-key",
            "idempotency_key_reused",
            "This key was used with another body.",
            "Make a new key for a new request.",
        )
    headers = {"Idempotent-Replayed": "true"}
    headers |= {"Location": row.location} if row.location else {}
    headers |= {"ETag": row.etag} if row.etag else {}
    body = box.open(row.body) if row.body is not None else None
    return Replayed(JSONResponse(body, row.status, headers))


async def _begin(
    request: Request,
    tx: TxDep,
    principal: PrincipalDep,
    services: ServicesDep,
    clock: ClockDep,
    idempotency_key: KeyHeader = None,
) -> Idempotency:
    return await begin(tx, services.box, principal, request, idempotency_key, clock.now())


IdempotencyDep = Annotated[Idempotency, Depends(_begin)]


async def _replay(_: Request, error: Exception) -> Response:
    assert isinstance(error, Replayed)
    return error.answer


def install(app: FastAPI) -> None:
    """Let a repeat answer with what was stored."""
    app.add_exception_handler(Replayed, _replay)
