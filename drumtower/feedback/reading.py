"""Reads an adapter's events before anything is stored: what PostgreSQL could not hold is told apart here."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Self, TypeGuard

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import AccountEvent, FeedbackEvent, InteractionEvent, OutcomeEvent

# An index entry holds 2,700 bytes; four for each character, and the channel's id.
LONGEST_ID = 512
LONGEST_TEXT = 100_000
LARGEST_CONTEXT = 64 * 1024

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def readable(text: Any) -> Any:
    """Replace what no database takes (NUL, half a surrogate pair): a comment is not lost for one character."""
    return _UNSTORABLE.sub("\ufffd", text) if isinstance(text, str) else text


def storable(value: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object where PostgreSQL can hold it; raise ValueError or TypeError where it can't."""
    plain = json.dumps(value, ensure_ascii=False, allow_nan=False)
    plain.encode()
    if "\\u0000" in plain:
        raise ValueError("a NUL in JSON")
    return value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(storable(value)))
    except TypeError as error:
        raise ValueError(str(error)) from error
    if size > LARGEST_CONTEXT:
        raise ValueError(f"over {LARGEST_CONTEXT} bytes of JSON")
    return value


# A driver reads PostgreSQL's -infinity for the first instants of its own calendar; nobody posted before 1970.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC))]
Key = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00]+$")]
Text = Annotated[str, BeforeValidator(readable), StringConstraints(max_length=LONGEST_TEXT)]
Json = Annotated[dict[str, Any], AfterValidator(_small)]


class Heard(BaseModel):
    """An interaction event that can be stored as it is."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    external_id: Key
    kind: InteractionKind
    author_id: Key
    text: Text
    occurred_at: Moment
    author_name: Text = ""
    post_external_id: Key | None = None
    in_reply_to: Key | None = None
    url: Text | None = None
    context: Json = {}


class Out(BaseModel):
    """A published post that can be stored as it is."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    external_id: Key
    url: Text | None = None
    published_at: Moment | None = None
    context: Json = {}


class Told(BaseModel):
    """An outcome event that names a handle and says what came of it."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    # An empty handle would name every delivery.
    handle: Annotated[Json, Field(min_length=1)]
    outcome: Out | None
    refusal: Text | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.outcome is None and self.refusal is None:
            raise ValueError("neither published nor refused")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An entry that could not be taken, as JSON, and why."""

    reason: str
    entry: bytes

    @property
    def digest(self) -> str:
        """Equal entries have equal digests, so that one which comes with every pull is kept once."""
        return hashlib.sha256(self.entry).hexdigest()


def fault_of(event: object, error: Exception) -> Fault:
    """Return the entry in a form that can be kept whatever is wrong with it."""
    shown = {field.name: getattr(event, field.name) for field in fields(event)} if _is_event(event) else event
    try:
        entry = json.dumps(shown, default=repr, skipkeys=True)
    except (ValueError, RecursionError):  # it holds itself
        entry = json.dumps(repr(event))
    return Fault(reason=_reason(error), entry=entry.encode())


def _is_event(event: object) -> TypeGuard[FeedbackEvent]:
    return isinstance(event, InteractionEvent | OutcomeEvent | AccountEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A batch of events: what was said, what was told, what could not be read, and why the authorisation is over."""

    heard: list[Heard]
    told: list[Told]
    faults: list[Fault]
    revoked: str = ""


def read(events: Iterable[object]) -> Read:
    """Tell the events that can be stored from those that can't; equal interactions count once, the first."""
    heard: dict[str, Heard] = {}
    told: list[Told] = []
    faults: list[Fault] = []
    revoked = ""
    for event in events:
        try:
            match event:
                case InteractionEvent():
                    one = Heard.model_validate(event)
                    heard.setdefault(one.external_id, one)
                case OutcomeEvent():
                    told.append(Told.model_validate(event))
                case AccountEvent():
                    revoked = revoked or readable(event.revoked)
                case _:
                    raise TypeError(f"{type(event).__name__} is no feedback event")
        except (ValidationError, TypeError) as error:
            faults.append(fault_of(event, error))
    return Read(heard=list(heard.values()), told=told, faults=faults, revoked=revoked)


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"{type(error).__name__}: {error}"[:500]
    items = error.errors(include_input=False, include_url=False, include_context=False)
    said = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in items)
    return said[:500]
