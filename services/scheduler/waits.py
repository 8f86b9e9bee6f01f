"""Why a delivery that could leave must wait all the same."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Until when, and why in words: a stable code, and a sentence for people."""

    until: datetime
    code: str
    detail: str
