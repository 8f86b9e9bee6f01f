"""Assets over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import StringConstraints

from services.api.schemas import Answer, Body, Line, Moment

AltText = Annotated[str, StringConstraints(max_length=2_000)]


class AssetFields(Body):
    """What is sent along with a file; `expires_at` is when the right to show it ends."""

    alt_text: AltText = ""
    credit: Line = ""
    licence: Line = ""
    expires_at: Moment | None = None


class AssetUpdate(Body):
    """A merge patch: a field that is absent stays as it is; null takes `expires_at` away."""

    alt_text: AltText | None = None
    credit: Line | None = None
    licence: Line | None = None
    expires_at: Moment | None = None


class AssetRead(Answer):
    """A picture as it is stored. `size` is in bytes, `width` and `height` in pixels; `sha256` is the content's."""

    id: UUID
    file_name: str
    content_type: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    alt_text: str
    credit: str
    licence: str
    expires_at: Moment | None
    created_by: UUID
    created_at: Moment


def upload_body() -> dict[str, Any]:
    """Describe the multipart form for the OpenAPI document."""
    schema = AssetFields.model_json_schema()
    schema["title"] = "AssetUpload"
    schema["description"] = "A picture (JPEG, PNG, GIF or WebP), and what is to be known about it."
    file = {"type": "string", "format": "binary", "description": "The picture, with a file name."}
    # A form has no null: a field is sent or it is not.
    schema["properties"]["expires_at"] = {"type": "string", "format": "date-time", "title": "Expires At"}
    schema["properties"] = {"file": file, **schema["properties"]}
    schema["required"] = ["file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
