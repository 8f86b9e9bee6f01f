"""Samples, when the next ones are due, and the daily rollups made of them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class SamplePlan(Base):
    """When a delivery, or (without one) a channel, is sampled next."""

    __tablename__ = "sample_plans"
    __table_args__ = (
        UniqueConstraint("channel_id", "delivery_id", postgresql_nulls_not_distinct=True),
        Index("ix_sample_plans_next", "next_at", postgresql_where="next_at IS NOT NULL"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    delivery_id: Mapped[UUID | None] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    next_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    failures: Mapped[int]


class Sample(Base):
    """One metric reading: a total, as the platform gave it. Monthly partitions. A missing number has no row."""

    __tablename__ = "samples"
    __table_args__ = (
        PrimaryKeyConstraint("id", "taken_at"),
        Index("ix_samples_subject", "channel_id", "delivery_id", "metric", "taken_at"),
        {"postgresql_partition_by": "RANGE (taken_at)"},
    )

    id: Mapped[UUID]
    taken_at: Mapped[datetime]
    workspace_id: Mapped[UUID]
    channel_id: Mapped[UUID]
    delivery_id: Mapped[UUID | None]
    metric: Mapped[Word]
    value: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[Word]  # pull | import
    final: Mapped[bool]


class DirtyDay(Base):
    """A day whose rollup is to be made again, written with the samples that made it so."""

    __tablename__ = "dirty_days"
    __table_args__ = (
        UniqueConstraint("channel_id", "delivery_id", "day", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[Id]
    workspace_id: Mapped[UUID]
    channel_id: Mapped[UUID]
    delivery_id: Mapped[UUID | None]
    day: Mapped[date]


class Rollup(Base):
    """One metric of one subject on one day of the workspace's zone: the total at its end, and what the day added.

    `exposed`: the post's exposure is known, so that its gains count in a rate.
    """

    __tablename__ = "rollups"
    __table_args__ = (
        UniqueConstraint("channel_id", "delivery_id", "metric", "day", postgresql_nulls_not_distinct=True),
        Index(
            "ix_rollups_own", "workspace_id", "metric", "day", postgresql_where=text("delivery_id IS NULL")
        ),
        Index("ix_rollups_posts", "channel_id", "day", postgresql_where=text("delivery_id IS NOT NULL")),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    delivery_id: Mapped[UUID | None] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    metric: Mapped[Word]
    day: Mapped[date]
    total: Mapped[int] = mapped_column(BigInteger)
    gain: Mapped[int] = mapped_column(BigInteger)
    exposed: Mapped[bool]
    sampled_at: Mapped[datetime]


class ChannelRollup(Base):
    """What one channel's posts gained together on one day: what KPIs are answered from, however many posts there are.

    `exposed_gain` counts only the posts whose exposure is known, so that a rate never divides by others' exposure.
    """

    __tablename__ = "channel_rollups"
    __table_args__ = (
        PrimaryKeyConstraint("channel_id", "metric", "day"),
        Index("ix_channel_rollups_day", "workspace_id", "metric", "day"),
    )

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    metric: Mapped[Word]
    day: Mapped[date]
    workspace_id: Mapped[WorkspaceId]
    gain: Mapped[int] = mapped_column(BigInteger)
    exposed_gain: Mapped[int] = mapped_column(BigInteger)
    posts: Mapped[int]
    sampled_at: Mapped[datetime]
