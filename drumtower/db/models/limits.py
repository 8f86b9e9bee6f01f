"""What holds deliveries back: rate budgets with the platform's own resets, and circuit breakers. Not a tenant's own:
an app's budget binds every workspace that uses it."""

from datetime import datetime
from typing import Annotated

from sqlalchemy import String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Instant

Key = Annotated[str, mapped_column(String(600), primary_key=True)]


class RateBudget(Base):
    """One budget's bucket, and until when the platform closed it. Keys: domain/budgets.py."""

    __tablename__ = "rate_budgets"

    key: Mapped[Key]
    tat: Mapped[datetime | None]  # the theoretical arrival time: when the bucket is full again
    promised_until: Mapped[datetime | None]  # the last instant at which somebody was told to come again
    closed_until: Mapped[datetime | None]  # told by the platform: no call leaves before
    closed_by: Mapped[str | None]  # in the platform's words


class Breaker(Base):
    """A breaker that has seen faults since the last answer; domain/breakers.py says what each column means."""

    __tablename__ = "breakers"

    key: Mapped[Key]
    faults: Mapped[list[datetime]] = mapped_column(ARRAY(Instant()))
    opened_at: Mapped[datetime | None]
    probed_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    rests: Mapped[int]
    firsts: Mapped[int]
    retries: Mapped[int]
