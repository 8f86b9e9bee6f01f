"""Originality over HTTP."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.api.posts.schemas import Link
from services.api.schemas import Answer, Body, Moment, Name

Text = Annotated[str, StringConstraints(min_length=1, max_length=50_000)]


class OriginalityVerdict(StrEnum):
    """What a text is."""

    ORIGINAL = "original"
    ALIKE = "alike"


class SourceKind(StrEnum):
    """What a text is like: a post of ours, or a text that was imported."""

    POST = "post"
    REFERENCE = "reference"


class OriginalityCheck(Body):
    """Either a text or a post of ours; a post is not compared with itself."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"text": "办公室里也能喝到一杯好茶，只要三分钟和一个杯子。"}}
    }

    text: Text | None = None
    post_id: UUID | None = None
    threshold: Annotated[
        float | None, Field(gt=0, le=1, description="Without it: the workspace's policy.")
    ] = None


class PassageRead(Answer):
    """Equal text. Spans count code points of the texts as written, ends exclusive."""

    text: str
    start: int
    end: int
    source_start: int
    source_end: int


class MatchRead(Answer):
    """A text that is like the one asked about. `similarity`: how much of the one asked about stands in it."""

    kind: SourceKind
    id: UUID
    title: str
    url: str | None
    similarity: float
    used_at: Annotated[Moment | None, Field(description="When a post of ours went out, or is to.")]
    passages: list[PassageRead]


class UseRead(Answer):
    """A post that shows a picture."""

    post_id: UUID
    title: str
    used_at: Annotated[Moment | None, Field(description="When it last went out, or is to.")]


class LookalikeRead(Answer):
    """Another file that shows what one of the post's files shows: another size, codec or slight edit of it."""

    of: Annotated[UUID, Field(description="The post's own asset.")]
    asset_id: Annotated[UUID, Field(description="The other one.")]
    file_name: str
    distance: Annotated[int, Field(description="In how many of 64 bits their perceptual hashes differ.")]
    uses: Annotated[list[UseRead], Field(description="Other posts that show the other one.")]


class OriginalityRead(Answer):
    """What was found, the most like first. What says the same in other words is not found.

    `verdict` and `similarity` speak of the text; `images` of the pictures, up to the policy's `image_distance`.
    """

    verdict: OriginalityVerdict
    threshold: float
    similarity: Annotated[float, Field(description="Of the most like.")]
    matches: list[MatchRead]
    images: Annotated[list[LookalikeRead], Field(description="Of a post, the nearest first.")]
    variant_diversity: Annotated[
        float | None, Field(description="Of a post with variants: 0 all alike, 1 nothing shared.")
    ]


class ReferenceBody(Body):
    """One text to compare with."""

    title: Name
    text: Text
    url: Link | None = None


class ReferencesImport(Body):
    """Texts to compare with: what others have written, or our own from before."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "references": [
                    {
                        "title": "某品牌秋茶文案",
                        "text": "一叶知秋，一盏入魂。",
                        "url": "https://example.com/1",
                    }
                ]
            }
        }
    }

    references: Annotated[list[ReferenceBody], Field(min_length=1, max_length=200)]


class ReferenceRead(Answer):
    """An imported text."""

    id: UUID
    title: str
    text: str
    url: str | None
    created_by: UUID
    created_at: Moment


class Imported(Answer):
    """What was imported, in the order given."""

    data: list[ReferenceRead]
