"""Errors a client can act on. Only `services/api/problems.py` knows their HTTP status.

DrumtowerError
 +-- Invalid              what was asked breaks rules; every violation at once
 +-- Unauthenticated      no valid credential
 +-- Forbidden            the credential may not do this
 +-- NotFound             no such thing in this workspace
 +-- Conflict             the thing's present state forbids it
 +-- PreconditionFailed   somebody else changed it first
 +-- PreconditionRequired an If-Match header is needed
 +-- TooLarge             the body is over the limit
 +-- UnsupportedMedia     the content type is not taken here
 +-- OutOfRange           the file has no such bytes
 +-- Limited              too many requests; `retry_after` says when
 +-- Unavailable          something we depend on is away; try again
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a violation is: `block` stops the post, `warn` asks for a look, `info` explains."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found: `start` and `end` count code points of the text at the pointer, end exclusive.

    `rule` names the rule of a rule pack and `basis` what it rests on, where there is one.
    """

    quote: str
    start: int | None = None
    end: int | None = None
    rule: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule: where (JSON pointer), which (stable code), what, and how to mend it.

    `fix` stands for the quoted evidence or, where nothing is quoted, is added to the list at the pointer.
    """

    pointer: str
    code: str
    detail: str
    hint: str = ""
    severity: Severity = Severity.BLOCK
    evidence: Evidence | None = None
    fix: str | None = None

    @classmethod
    def unknown(cls, noun: str, pointer: str | None = None) -> "Violation":
        """Say that an id in a request names nothing of this workspace; its field is `{noun}_id` unless said."""
        return cls(
            pointer=pointer or f"/{noun}_id",
            code=f"unknown_{noun}",
            detail=f"There is no such {noun} in this workspace.",
            hint="Check the id.",
        )


class DrumtowerError(Exception):
    """A refusal with a stable `code`, a sentence for people and, where they apply, violations."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        violations: tuple[Violation, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.violations = violations
        self.retry_after = retry_after


class Invalid(DrumtowerError):
    """What was asked breaks rules."""

    @classmethod
    def of(cls, violations: list[Violation] | tuple[Violation, ...]) -> "Invalid":
        """Gather violations into one refusal; the code is the violation's where there is one only."""
        code = violations[0].code if len(violations) == 1 else "invalid_request"
        return cls(code, violations[0].detail, violations=tuple(violations))

    @classmethod
    def at(cls, pointer: str, code: str, detail: str, hint: str = "") -> "Invalid":
        return cls.of([Violation(pointer=pointer, code=code, detail=detail, hint=hint)])


class Unauthenticated(DrumtowerError):
    """No valid credential."""


class Forbidden(DrumtowerError):
    """The credential may not do this."""


class NotFound(DrumtowerError):
    """No such thing in this workspace."""

    @classmethod
    def thing(cls, noun: str) -> "NotFound":
        return cls("not_found", f"There is no such {noun} in this workspace.")


class Conflict(DrumtowerError):
    """The thing's present state forbids it."""


class PreconditionFailed(DrumtowerError):
    """Somebody else changed it first."""


class PreconditionRequired(DrumtowerError):
    """An If-Match header is needed."""


class TooLarge(DrumtowerError):
    """The body is over the limit."""


class UnsupportedMedia(DrumtowerError):
    """The content type is not taken here."""


class OutOfRange(DrumtowerError):
    """The file has no such bytes."""


class Limited(DrumtowerError):
    """Too many requests; `retry_after` says in how many seconds to come again."""


class Unavailable(DrumtowerError):
    """Something we depend on is away; nothing was done; try again."""
