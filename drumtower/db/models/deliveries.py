"""Deliveries and their attempts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId
from drumtower.domain.deliveries import LIVE, Action, State


def _in(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


_WAITING = "state IN ('planned', 'retrying')"
_FLYING = "action = 'publish' AND state IN ('claimed', 'sending')"


class Delivery(Base):
    """One outbound action on one channel. `state` moves through domain/deliveries.py only."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(_in("state", [state.value for state in State]), name="state"),
        CheckConstraint(_in("action", [action.value for action in Action]), name="action"),
        CheckConstraint(
            "state <> 'published' OR external_id IS NOT NULL OR external_url IS NOT NULL", name="truth"
        ),
        CheckConstraint(
            f"NOT ({_in('state', sorted(state.value for state in LIVE))}) OR next_at IS NOT NULL",
            name="next_step",
        ),
        Index("ix_deliveries_next", "state", "next_at", postgresql_where="next_at IS NOT NULL"),
        # For the claim: what is due, each channel's next row in its order, and the publish that a channel is at.
        Index("ix_deliveries_waiting", "next_at", postgresql_where=_WAITING),
        Index(
            "ix_deliveries_lanes",
            "channel_id",
            "action",
            "next_at",
            "due_at",
            "id",
            postgresql_where=_WAITING,
        ),
        Index("ix_deliveries_flying", "channel_id", postgresql_where=_FLYING),
        # The second lock against publishing twice: one live delivery of a post per channel.
        Index(
            "uq_deliveries_live",
            "post_id",
            "channel_id",
            unique=True,
            postgresql_where=(
                "post_id IS NOT NULL AND action = 'publish' AND state NOT IN ('cancelled', 'failed', 'missed')"
            ),
        ),
        # A slot (or a best hour) takes one delivery, whoever books it at the same moment.
        Index(
            "uq_deliveries_slot",
            "channel_id",
            "slot_at",
            unique=True,
            postgresql_where="slot_at IS NOT NULL AND state NOT IN ('cancelled', 'failed', 'missed')",
        ),
        # Nothing is followed twice: the second lock against saying a part of a thread again.
        Index("uq_deliveries_follows", "follows_id", unique=True, postgresql_where="follows_id IS NOT NULL"),
        Index("ix_deliveries_list", "workspace_id", "id"),
        Index("ix_deliveries_due", "workspace_id", "due_at"),
        Index("ix_deliveries_post", "post_id"),
        Index("ix_deliveries_channel", "channel_id", "published_at"),
        Index("ix_deliveries_channel_due", "channel_id", "due_at"),
        Index(
            "ix_deliveries_external", "channel_id", "external_id", postgresql_where="external_id IS NOT NULL"
        ),
        # The work list of people.
        Index("ix_deliveries_needs_check", "workspace_id", "id", postgresql_where="needs_check"),
        Index("ix_deliveries_handle", "channel_id", postgresql_where="state IN ('accepted', 'unknown')"),
        # Work lists of people: whose handoffs, and which were late. Both are few.
        Index("ix_deliveries_owner", "owner_id", "id", postgresql_where="owner_id IS NOT NULL"),
        Index("ix_deliveries_late", "workspace_id", "id", postgresql_where="late_at IS NOT NULL"),
        Index("ix_deliveries_handoff", "deadline", postgresql_where="state = 'handoff'"),
        Index(
            "ix_deliveries_frozen", "freeze_id", postgresql_where="state = 'held' AND freeze_id IS NOT NULL"
        ),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"))
    platform: Mapped[Word]
    post_id: Mapped[UUID | None] = mapped_column(ForeignKey("posts.id"))
    post_version: Mapped[int | None]
    content_hash: Mapped[Word | None]
    interaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("interactions.id"), index=True)
    # Of a thread's part or a first comment: the delivery after which it comes.
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("deliveries.id"))
    action: Mapped[Word]
    # What leaves: the channel's content for a publish, {"text"} for a reply or message (repositories/follow_ups.py adds more).
    payload: Mapped[dict[str, Any]]
    state: Mapped[Word]
    due_at: Mapped[datetime]
    local_time: Mapped[str | None]  # the wall-clock time as planned, where one was given
    timezone: Mapped[Word | None]
    slot_at: Mapped[datetime | None]  # the opening it books; a new time gives it back
    not_before: Mapped[datetime | None]
    late_by_seconds: Mapped[int | None]
    # When the engine must look at this row next; what it does then follows from the state.
    next_at: Mapped[datetime | None]
    attempts: Mapped[int]
    fence: Mapped[int]  # grows with every lease; a holder of an older one writes nothing
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]  # when the first attempt that may have been seen started
    lookups: Mapped[int]
    checkpoint: Mapped[dict[str, Any]]
    prepared: Mapped[bool]
    prepared_at: Mapped[datetime | None]  # since when; a platform keeps some of it for a while only
    handle: Mapped[dict[str, Any] | None]
    external_id: Mapped[str | None]
    external_url: Mapped[str | None]
    context: Mapped[dict[str, Any]]
    published_at: Mapped[datetime | None]
    lateness_ms: Mapped[int | None]
    error: Mapped[dict[str, Any] | None]
    # The freeze that holds it, or last held it: held rows are released when that freeze is over.
    freeze_id: Mapped[UUID | None] = mapped_column(ForeignKey("freezes.id"))
    needs_check: Mapped[bool]  # unknown, and only a person can tell
    # Of a handoff, kept when it is closed: who publishes it by hand, until when, and the deadline that was missed.
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))
    deadline: Mapped[datetime | None]
    late_at: Mapped[datetime | None]
    revision: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def purpose(self) -> Action:
        """What people decide about by it: what follows a post is part of publishing it, and no answer to anybody."""
        return Action.PUBLISH if self.follows_id else Action(self.action)


class Leftover(Base):
    """What a preparation put on a platform for a delivery that no longer wants it: a clean-up the engine owes."""

    __tablename__ = "leftovers"
    __table_args__ = (
        Index("ix_leftovers_next", "next_at", postgresql_where="next_at IS NOT NULL"),
        CheckConstraint("(next_at IS NULL) = (outcome IS NOT NULL)", name="next_step"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    checkpoint: Mapped[dict[str, Any]]
    next_at: Mapped[datetime | None]
    attempts: Mapped[int]
    outcome: Mapped[Word | None]  # discarded | kept | given_up
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Attempt(Base):
    """One try at a delivery, or one look at its outcome: written before the call, completed after it."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "fence"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    number: Mapped[int]
    fence: Mapped[int]
    step: Mapped[Word]  # send | confirm | reconcile | proof | reap
    outcome: Mapped[Word | None]
    detail: Mapped[str | None]
    platform_code: Mapped[Word | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
