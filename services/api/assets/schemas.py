"""Assets over HTTP."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from services.api.schemas import Answer, Body, Line, Moment, Patch, Tags

AssetKind = Literal["image", "video", "audio", "document"]
AltText = Annotated[str, StringConstraints(max_length=2_000)]


def _split(given: Any) -> Any:
    """A form has no lists: tags come in one field, with commas between them."""
    return [tag.strip() for tag in given.split(",") if tag.strip()] if isinstance(given, str) else given


Folder = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class AssetFields(Body):
    """What is sent along with a file; `expires_at` is when the right to show it ends."""

    alt_text: AltText = ""
    credit: Line = ""
    licence: Line = ""
    ai_generated: bool = False
    expires_at: Moment | None = None
    folder: Folder = ""
    tags: Annotated[Tags, BeforeValidator(_split)] = []


class AssetUpdate(Patch):
    """A merge patch: a field that is absent stays as it is; null takes `expires_at` away."""

    nullable: ClassVar[frozenset[str]] = frozenset({"expires_at"})

    alt_text: AltText | None = None
    credit: Line | None = None
    licence: Line | None = None
    ai_generated: bool | None = None
    expires_at: Moment | None = None
    folder: Folder | None = None
    tags: Tags | None = None


class AssetRead(Answer):
    """A file as it is stored. `size` is in bytes; `sha256` is the content's.

    `width` and `height` are pixels as people see them (of a document: points of its first page); `duration_ms` and
    `codecs` (FFmpeg's names) are known of video and audio.
    """

    id: UUID
    kind: AssetKind
    file_name: str
    content_type: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    duration_ms: int | None
    codecs: list[str]
    alt_text: str
    credit: str
    licence: str
    ai_generated: Annotated[bool, Field(description="Made by AI; readers must be told.")]
    expires_at: Moment | None
    folder: str
    tags: list[str]
    created_by: UUID
    created_at: Moment


class RenditionCreate(Body):
    """Which platform's form it shall have."""

    platform: Annotated[str, StringConstraints(max_length=64)]


class TargetRead(Answer):
    """The form: `ratio` is width by height, narrowest and widest; null: as it is."""

    content_type: str
    maximum_bytes: int
    maximum_pixels: int | None
    ratio: tuple[float, float] | None


class RenditionError(Answer):
    """Why it could not be made."""

    code: str
    detail: str


class RenditionRead(Answer):
    """A form of an asset; `made_id` is the asset that holds it, once it is made."""

    id: UUID
    asset_id: UUID
    target: TargetRead
    state: Literal["pending", "made", "failed"]
    made_id: UUID | None
    error: RenditionError | None
    created_at: Moment


class AssetUrl(Answer):
    """An address that gives the file to whoever has it, until it expires."""

    url: str
    expires_at: Moment


def upload_body() -> dict[str, Any]:
    """Describe the multipart form for the OpenAPI document."""
    schema = AssetFields.model_json_schema()
    schema["title"] = "AssetUpload"
    schema["description"] = "A picture, video, sound or PDF, and what is to be known about it."
    file = {"type": "string", "format": "binary", "description": "The file, with its name."}
    # A form has no null: a field is sent or it is not.
    schema["properties"]["expires_at"] = {"type": "string", "format": "date-time", "title": "Expires At"}
    schema["properties"]["tags"] = {
        "type": "string",
        "title": "Tags",
        "description": "With commas between them.",
    }
    schema["properties"] = {"file": file, **schema["properties"]}
    schema["required"] = ["file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
