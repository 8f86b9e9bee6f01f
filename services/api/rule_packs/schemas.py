"""Rule packs over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.errors import Severity
from drumtower.domain.rule_packs import LONGEST_TERM, MOST_RULES, MOST_TERMS, Rule
from services.api.schemas import Answer, Body, Line, Moment, Name

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.]{0,63}$")]
Term = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TERM, strip_whitespace=True)]
Words = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=64)]], Field(max_length=50)]
Terms = Annotated[list[Term], Field(max_length=MOST_TERMS)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class RuleBody(Body):
    """Terms under one code. A term `@mobile_number`, `@qq_number` or `@wechat_id` is a detector."""

    code: Code
    severity: Severity
    terms: Annotated[Terms, Field(min_length=1)]
    exceptions: Annotated[
        Terms,
        Field(
            description="Phrases that hold a term where it is harmless; `X…` stands before it in the same clause,"
            " `…X` after it, `X……` within a few clauses of it."
        ),
    ] = []
    basis: Annotated[Line, Field(description="What it rests on: the article of a law, a contract.")] = ""
    suggestion: Line = ""
    industries: Annotated[Words, Field(description="Where it holds; empty: everywhere.")] = []
    platforms: Annotated[Words, Field(description="Where it holds; empty: everywhere.")] = []

    def rule(self) -> Rule:
        """Return it as the rules know it."""
        return Rule(
            code=self.code,
            severity=self.severity,
            terms=tuple(self.terms),
            exceptions=tuple(self.exceptions),
            basis=self.basis,
            suggestion=self.suggestion,
            industries=tuple(self.industries),
            platforms=tuple(self.platforms),
        )


EXAMPLE: dict[str, Any] = {
    "rules": [
        {
            "code": "rival.names",
            "severity": "block",
            "terms": ["山川茶业"],
            "exceptions": ["山川茶业博物馆"],
            "basis": "与对方的和解协议第三条",
            "suggestion": "不提对方的名字",
        }
    ],
    "note": "法务要求",
}


class VersionCreate(Body):
    """The rules of a version; once written they never change."""

    model_config = Body.model_config | {"json_schema_extra": {"example": EXAMPLE}}

    rules: Annotated[list[RuleBody], Field(min_length=1, max_length=MOST_RULES)]
    note: Line = ""


class RulePackCreate(VersionCreate):
    """A pack of the workspace's own, with its first version. It holds once it is activated."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": EXAMPLE | {"key": "legal", "name": "法务词库"}}
    }

    key: Annotated[Key, Field(description="Names the pack in findings: `key/code`.")]
    name: Name
    description: Line = ""


class Activate(Body):
    """Which version is to hold."""

    version: Annotated[Number | None, Field(description="Without it: the latest.")] = None


class RulePackRead(Answer):
    """A rule pack. `shipped`: it comes with Drumtower, and is on unless it was switched off."""

    id: UUID
    key: str
    name: str
    description: str
    shipped: bool
    latest_version: int
    active_version: int | None
    created_by: UUID | None
    created_at: Moment | None


class VersionRead(Answer):
    """One version of a pack."""

    version: int
    rule_count: int
    term_count: int
    note: str
    created_by: UUID | None
    created_at: Moment | None


class RuleRead(Answer):
    """One rule."""

    code: str
    severity: Severity
    terms: list[str]
    exceptions: list[str]
    basis: str
    suggestion: str
    industries: list[str]
    platforms: list[str]


class VersionDetail(VersionRead):
    """One version of a pack with its rules."""

    rules: list[RuleRead]
