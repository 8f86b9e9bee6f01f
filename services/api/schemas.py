"""What every request and answer schema starts from."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from drumtower.domain.errors import Invalid, Violation


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Patch(Body):
    """A merge patch (RFC 7396): what is absent stays; null clears what is `nullable`, and is refused elsewhere."""

    nullable: ClassVar[frozenset[str]] = frozenset()

    def nulls(self) -> list[Violation]:
        """Say which fields were sent as null and have to have a value."""
        return [
            Violation(
                pointer=f"/{name}",
                code="null_not_allowed",
                detail=f"{name} can't be null.",
                hint="Leave it out, or send a value.",
            )
            for name in sorted(self.model_fields_set - self.nullable)
            if getattr(self, name) is None
        ]

    def changes(self) -> dict[str, Any]:
        """Return what was sent; raise Invalid where something can't be null."""
        if nulls := self.nulls():
            raise Invalid.of(nulls)
        return self.model_dump(exclude_unset=True)


class Answer(BaseModel):
    """An answer, read from rows or made by a service."""

    model_config = ConfigDict(from_attributes=True)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the first or the last day there is, with an offset
        raise ValueError("must be within the years 1 to 9999 in UTC") from error


def _no_number(value: Any) -> Any:
    """Refuse epoch numbers: pydantic would take 1700000000 for a time, and nobody meant it."""
    if isinstance(value, int | float) or (isinstance(value, str) and not _MOMENT.match(value)):
        hint = {"hint": "Use RFC 3339, such as 2026-12-01T09:30:00+08:00."}
        raise PydanticCustomError("datetime_form", "This is no RFC 3339 time.", hint)
    return value


def _day(value: Any) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and not _DAY.match(value)):
        raise PydanticCustomError("date_form", "This is no date.", {"hint": "Use YYYY-MM-DD."})
    return value


_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt ]", re.ASCII)
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$", re.ASCII)
# RFC 3339 with an offset in, UTC out; a naive time is a 422.
Moment = Annotated[AwareDatetime, AfterValidator(_utc), BeforeValidator(_no_number)]
Day = Annotated[date, BeforeValidator(_day)]
Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=50, strip_whitespace=True, pattern=r"^[^,]*$")
]
Tags = Annotated[list[Tag], Field(max_length=30), AfterValidator(lambda tags: list(dict.fromkeys(tags)))]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Line = Annotated[str, StringConstraints(max_length=500)]
Paragraph = Annotated[str, StringConstraints(max_length=5_000)]
