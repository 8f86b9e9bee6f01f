"""When deliveries leave, and why one that could leave must wait all the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

# By delivery id and the database's clock: now, or the instant for which one is claimed a moment ahead.
Leaves = Mapping[UUID, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Until when, and why in words: a stable code, and a sentence for people."""

    until: datetime
    code: str
    detail: str
