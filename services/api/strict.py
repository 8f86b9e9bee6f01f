"""Strict reading of requests: what stock JSON parsing lets through is refused here, all of it as a 4xx."""

import json
import math
import re
from typing import Any, NoReturn

from fastapi.dependencies.models import Dependant

from drumtower.domain.errors import Invalid, UnsupportedMedia, Violation

DEEPEST = 64
MOST_KEYS = 10_000
LARGEST_INTEGER = 2**63 - 1
_BRACKETS = re.compile(r"[\[\]{}]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def parse(body: bytes, content_type: str) -> Any:
    """Return the JSON value in `body`; refuse everything that PostgreSQL or JSON itself could not hold.

    Refused: another content type, invalid UTF-8, a byte order mark, NaN and infinities, numbers beyond 64 bits,
    NUL and lone surrogates in strings, equal keys, nesting over 64 levels.
    """
    media, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").lower()
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise UnsupportedMedia("content_type", "Send application/json in UTF-8.")
    try:
        text = body.decode("utf-8")
        _check_depth(text)
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise Invalid.at("", "not_utf8", f"The body is no UTF-8 (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise Invalid.at(
            "", "not_json", f"The body is no JSON: {error.msg} (character {error.pos})."
        ) from error
    except ValueError as error:  # an integer of thousands of digits
        raise Invalid.at("", "number_too_large", "The body holds a number beyond 64 bits.") from error
    check(value)
    return value


def check(value: Any) -> None:
    """Raise Invalid for text and numbers in `value` that could not be stored."""
    violations: list[Violation] = []
    _walk(value, "", violations)
    if violations:
        raise Invalid.of(violations)


def _check_depth(text: str) -> None:
    depth = deepest = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "[{":
            depth += 1
            deepest = max(depth, deepest)
        else:
            depth -= 1
    # Brackets inside strings count too; a text with 64 open brackets more than closed ones is not a post.
    if deepest > DEEPEST:
        raise Invalid.at("", "too_deep", f"The body nests deeper than {DEEPEST} levels.")


def _refuse_constant(name: str) -> NoReturn:
    raise Invalid.at("", "not_json", f"{name} is no JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_KEYS:
        raise Invalid.at("", "too_many_keys", f"An object has more than {MOST_KEYS} keys.")
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Invalid.at(f"/{twice}", "duplicate_key", "The same key stands twice in one object.")
    return made


def _walk(value: Any, pointer: str, violations: list[Violation]) -> None:
    match value:
        case dict():
            for key, inner in value.items():
                _check_text(key, pointer, violations)
                _walk(inner, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", violations)
        case list():
            for index, inner in enumerate(value):
                _walk(inner, f"{pointer}/{index}", violations)
        case str():
            _check_text(value, pointer, violations)
        case bool() | None:
            pass
        case int() if abs(value) > LARGEST_INTEGER:
            violations.append(_violation(pointer, "number_too_large", "The number is beyond 64 bits."))
        case float() if not math.isfinite(value):
            violations.append(_violation(pointer, "number_too_large", "The number is beyond a double."))


def _check_text(text: str, pointer: str, violations: list[Violation]) -> None:
    if "\x00" in text:
        violations.append(_violation(pointer, "nul_character", "Text may not hold U+0000."))
    if _SURROGATES.search(text):
        violations.append(_violation(pointer, "lone_surrogate", "Text may not hold half a surrogate pair."))


def _violation(pointer: str, code: str, detail: str) -> Violation:
    # A surrogate in a key must not come back in our answer.
    safe = pointer.encode("utf-8", "replace").decode()
    return Violation(pointer=safe, code=code, detail=detail, hint="Remove it and send again.")


def query_names(dependant: Dependant) -> dict[str, bool]:
    """Return the query parameters a route declares: name to whether it may be repeated."""
    names = {
        field.alias: str(field.field_info.annotation).startswith(("list[", "typing.Annotated[list", "tuple["))
        for field in dependant.query_params
    }
    for inner in dependant.dependencies:
        names |= query_names(inner)
    return names


def check_query(given: list[tuple[str, str]], known: dict[str, bool]) -> None:
    """Refuse unknown parameters, and repeated ones where one is expected."""
    names = [name for name, _ in given]
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1 and not known.get(name, True)]
    violations = [
        Violation(
            pointer=f"?{name}",
            code="unknown_parameter",
            detail=f"There is no parameter {name!r} here.",
            hint=f"Known: {', '.join(sorted(known)) or 'none'}.",
        )
        for name in unknown
    ] + [
        Violation(pointer=f"?{name}", code="repeated_parameter", detail=f"{name!r} may stand once only.")
        for name in twice
    ]
    if any("\x00" in value for _, value in given):
        violations.append(Violation(pointer="?", code="nul_character", detail="A parameter holds U+0000."))
    if violations:
        raise Invalid.of(violations)
