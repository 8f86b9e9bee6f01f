"""Imports over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints

from drumtower.domain.imports import MOST_ROWS, ImportState, RowState
from services.api.importing import Rows
from services.api.problems import ProblemViolation
from services.api.schemas import Answer, Body, Moment


class PostsImport(Rows):
    """Rows that become drafts of one brand, as JSON or as CSV; a row may name another brand.

    A row has the fields of a new post. In a CSV, lists are words apart by commas, semicolons or spaces.
    """

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "brand_id": "0199c5c0-0000-7000-8000-000000000000",
                "csv": "标题,正文,kind,nature,日期,话题\n秋茶上新,一杯好茶。,image_text,editorial,2026-12-01,秋茶 茶馆\n",
                "dry_run": True,
            }
        }
    }

    brand_id: UUID
    rows: Annotated[list[dict[str, JsonValue]] | None, Field(min_length=1, max_length=MOST_ROWS)] = None
    csv: Annotated[str | None, StringConstraints(min_length=1)] = None


class ImportProgress(Answer):
    """An import and how far it is: what is neither created nor refused waits. A dry run creates nothing."""

    id: UUID
    kind: str
    state: ImportState
    dry_run: bool
    count: int
    created: int
    refused: int
    ignored_columns: list[str]
    created_by: UUID
    created_at: Moment
    ended_at: Moment | None


class ImportRowRead(Answer):
    """One row's verdict; pointers lead into the row. `number` counts from 1, without the header of a CSV."""

    number: int
    state: RowState
    post_id: UUID | None
    errors: list[ProblemViolation]
    raw: dict[str, Any]
