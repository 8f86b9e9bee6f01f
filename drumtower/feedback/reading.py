"""Reads an adapter's events before anything is stored: what PostgreSQL could not hold is told apart here."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, is_dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

from drumtower.domain.interactions import InteractionKind

# An index entry holds 2,700 bytes; four for each character, and the channel's id.
LONGEST_ID = 512
LONGEST_TEXT = 100_000
LARGEST_CONTEXT = 64 * 1024

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def readable(text: Any) -> Any:
    """Replace what no database takes (NUL, half a surrogate pair): a comment is not lost for one character."""
    return _UNSTORABLE.sub("\ufffd", text) if isinstance(text, str) else text


def storable(value: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object as it will be read back; raise ValueError where there is no such thing."""
    plain = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(plain.encode()) > LARGEST_CONTEXT:
        raise ValueError(f"over {LARGEST_CONTEXT} bytes of JSON")
    if "\\u0000" in plain:
        raise ValueError("a NUL in JSON")
    return value


Key = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00]+$")]
Text = Annotated[str, BeforeValidator(readable), StringConstraints(max_length=LONGEST_TEXT)]
Json = Annotated[dict[str, Any], AfterValidator(storable)]


class Heard(BaseModel):
    """An interaction event that can be stored as it is."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    external_id: Key
    kind: InteractionKind
    author_id: Key
    text: Text
    occurred_at: AwareDatetime
    author_name: Text = ""
    post_external_id: Key | None = None
    in_reply_to: Key | None = None
    url: Text | None = None
    context: Json = {}


class Told(BaseModel):
    """The handle of an outcome event; an empty one would name every delivery."""

    handle: Annotated[Json, AfterValidator(lambda handle: handle or _refuse("an empty handle"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An entry that could not be taken, as JSON, and why."""

    reason: str
    entry: bytes


def fault_of(event: object, error: Exception) -> Fault:
    """Return the entry in a form that can be kept whatever is wrong with it."""
    shown = asdict(event) if is_dataclass(event) and not isinstance(event, type) else repr(event)
    entry = json.dumps(shown, default=repr).encode()
    return Fault(reason=_reason(error), entry=entry)


def read(events: Iterable[object]) -> tuple[list[Heard], list[Fault]]:
    """Tell the events that can be stored from those that can't; equal ids count once, the first."""
    heard: dict[str, Heard] = {}
    faults: list[Fault] = []
    for event in events:
        try:
            one = Heard.model_validate(event)
        except ValidationError as error:
            faults.append(fault_of(event, error))
        else:
            heard.setdefault(one.external_id, one)
    return list(heard.values()), faults


def _refuse(reason: str) -> Any:
    raise ValueError(reason)


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"{type(error).__name__}: {error}"[:500]
    items = error.errors(include_input=False, include_url=False, include_context=False)
    said = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in items)
    return said[:500]
