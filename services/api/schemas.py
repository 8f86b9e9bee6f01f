"""What every request and answer schema starts from."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Answer(BaseModel):
    """An answer, read from rows or made by a service."""

    model_config = ConfigDict(from_attributes=True)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


# RFC 3339 with an offset in, UTC out; a naive time is a 422.
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Line = Annotated[str, StringConstraints(max_length=500)]
Paragraph = Annotated[str, StringConstraints(max_length=5_000)]
