"""Audit entries made by a principal."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.repositories import audit
from services.api.principals import Principal


def record(tx: Tx, principal: Principal, verb: str, subject_id: UUID, now: datetime, **detail: Any) -> None:
    """Say that `principal` did `verb` ("post.approved") to the subject."""
    audit.record(
        tx,
        workspace_id=principal.workspace_id,
        actor_id=principal.member_id,
        api_key_id=principal.api_key_id,
        verb=verb,
        subject_id=subject_id,
        now=now,
        **detail,
    )
