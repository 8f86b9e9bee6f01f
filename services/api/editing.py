"""How whatever has a revision is changed: who, when, in which transaction, and which revision they have seen."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Response

from drumtower.db.engine import Tx
from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, TxDep, allow
from services.api.etags import check_match, set_etag
from services.api.principals import Principal

T = TypeVar("T")
IfMatch = Annotated[str | None, Header(max_length=1_000, description="The ETag you have read.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change, as the caller asked for it and as the services carry it out."""

    principal: Principal
    tx: Tx
    now: datetime
    response: Response
    if_match: str | None

    def check(self, revision: int | str) -> None:
        """Raise PreconditionFailed where the caller has seen an older revision than this."""
        check_match(self.if_match, revision)

    def answer(self, revision: int | str, body: T) -> T:
        """Return `body` under the new revision's ETag."""
        set_etag(self.response, revision)
        return body


def edits(permission: Permission) -> Callable[..., Awaitable[Edit]]:
    """Make a dependency that gives an Edit by whoever has `permission`."""

    async def begin(
        principal: Annotated[Principal, Depends(allow(permission))],
        tx: TxDep,
        clock: ClockDep,
        response: Response,
        if_match: IfMatch = None,
    ) -> Edit:
        return Edit(principal=principal, tx=tx, now=clock.now(), response=response, if_match=if_match)

    return begin


Publishing = Annotated[Edit, Depends(edits(Permission.POSTS_PUBLISH))]
