"""Reads what a platform answers: strictly where we depend on it, tolerantly elsewhere.

An answer that does not fit proves nothing: unknown for a call made once, transient for a harmless one. Its content
never shows up in an error's text.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from drumtower.platforms.errors import PlatformError, lost

T = TypeVar("T")
LONGEST_ID = 512
# Counts are stored as 64-bit integers; no platform counts that far.
_LONGEST_COUNT, _LARGEST_COUNT = 15, 10**15


def id_text(value: Any) -> Any:
    """Return an id that came as a number as text; anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def count(value: Any) -> int | None:
    """Return a count; what is no count is not given (None, never 0)."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < _LARGEST_COUNT else None


def count_or_digits(value: Any) -> int | None:
    """Return a count of a platform that writes some of them as text."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_COUNT
    return count(int(value) if digits else value)


Id = Annotated[str, BeforeValidator(id_text), Field(min_length=1, max_length=LONGEST_ID)]
NumberId = Annotated[str, BeforeValidator(id_text), Field(pattern=r"^[0-9]{1,20}$")]
Count = Annotated[int | None, BeforeValidator(count_or_digits)]
Secret = Annotated[str, Field(min_length=1, max_length=8192, repr=False)]


class Answer(BaseModel):
    """What of an answer is read; fields that are not declared are left alone."""

    model_config = ConfigDict(hide_input_in_errors=True)


def read(shape: type[T], answer: Any, *, once: bool = False) -> T:
    """Read an answer as `shape`, a model or a list of one."""
    try:
        fitting: T = _reader(cast("Any", shape)).validate_python(answer)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "the answer"
        raise PlatformError(lost(f"an answer we can't read: {where}", once=once)) from None
    return fitting


@lru_cache(maxsize=512)
def _reader(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def read_each(shape: type[T], entries: Iterable[Any]) -> list[T]:
    """Read what can be read of a list, so that an odd entry blocks no other."""
    found: list[T] = []
    for entry in entries:
        try:
            found.append(_reader(cast("Any", shape)).validate_python(entry))
        except ValidationError:
            continue
    return found


# For answers whose form varies too much for a shape:


def required(body: Mapping[str, Any], name: str, *, once: bool = False) -> str:
    """Return an id from an answer that must have it."""
    text = id_text(body.get(name))
    if isinstance(text, str) and 0 < len(text) <= LONGEST_ID:
        return text
    raise PlatformError(lost(f"the answer has no usable {name}", once=once))


def listed(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a list that must be there: an answer without it says nothing."""
    if isinstance(body.get(name), list):
        return objects(body[name])
    raise PlatformError(lost(f"the answer has no list {name}", once=False))


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; anything else reads as none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
