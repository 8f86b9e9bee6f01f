"""The calendar: what a workspace says about days itself."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class CalendarDay(Base):
    """A mark of one kind on one day, in place of what is shipped; not `observed`: there is none."""

    __tablename__ = "calendar_days"
    __table_args__ = (
        UniqueConstraint("workspace_id", "day", "kind"),
        CheckConstraint("(severity IS NOT NULL) = (kind = 'quiet_day' AND observed)", name="severity"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    day: Mapped[date]
    kind: Mapped[Word]
    observed: Mapped[bool]
    name: Mapped[str]
    note: Mapped[str]
    severity: Mapped[Word | None]
    updated_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    updated_at: Mapped[datetime]
