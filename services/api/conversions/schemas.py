"""Conversions over HTTP."""

import json
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, WrapValidator, model_validator

from services.api.problems import ProblemViolation
from services.api.schemas import Answer, Body, Moment

MOST = 500
LARGEST_ATTRIBUTES = 8_192


def _small(attributes: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(json.dumps(attributes, ensure_ascii=False).encode()) > LARGEST_ATTRIBUTES:
        raise ValueError(f"attributes may take {LARGEST_ATTRIBUTES} bytes at most")
    return attributes


class ConversionCreate(Body):
    """One conversion. `click_id` is the `dt_click` that the landing page received; `link_code` does where it is lost."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "external_id": "order-20261111-0001",
                "event": "purchase",
                "click_id": "019a71c2-2f80-7c3e-9d55-7d3c0f6f2a11",
                "value": "128.00",
                "currency": "CNY",
                "occurred_at": "2026-11-11T20:15:00+08:00",
            }
        }
    }

    external_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    event: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    click_id: UUID | None = None
    link_code: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    value: Annotated[Decimal, Field(max_digits=18, decimal_places=4)] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    occurred_at: Moment
    attributes: Annotated[dict[str, JsonValue], AfterValidator(_small)] = {}

    @model_validator(mode="after")
    def _worth(self) -> "ConversionCreate":
        if (self.value is None) != (self.currency is None):
            raise ValueError("value and currency come together or not at all")
        return self


class ConversionBatch(Body):
    """Up to 500 conversions; each gets a verdict of its own."""

    conversions: Annotated[list[ConversionCreate], Field(min_length=1, max_length=MOST)]


def _one_or_many(value: Any, _: Any) -> ConversionCreate | ConversionBatch:
    # Chosen by what was sent, so that errors point into the body and not into a list of alternatives.
    many = isinstance(value, dict) and "conversions" in value
    return (ConversionBatch if many else ConversionCreate).model_validate(value)


OneOrMany: TypeAlias = Annotated[ConversionCreate | ConversionBatch, WrapValidator(_one_or_many)]


class ConversionRead(Answer):
    """A conversion, and the link and channel it is attributed to; both null where no link led to it."""

    id: UUID
    external_id: str
    event: str
    click_id: UUID | None
    link_id: UUID | None
    channel_id: UUID | None
    value: Decimal | None
    currency: str | None
    attributes: dict[str, JsonValue]
    occurred_at: Moment
    created_at: Moment


class Verdict(StrEnum):
    """What became of one conversion of a batch."""

    CREATED = "created"
    DUPLICATE = "duplicate"  # this external id was told before; the first telling stands
    REFUSED = "refused"


class ConversionResult(Answer):
    """One conversion's verdict, in the order of the request."""

    index: int
    external_id: str
    verdict: Verdict
    conversion: ConversionRead | None
    error: ProblemViolation | None


class ConversionBatchRead(Answer):
    """Every verdict of a batch, and how many there are of each."""

    data: list[ConversionResult]
    created: int
    duplicate: int
    refused: int
