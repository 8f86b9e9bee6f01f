"""What a post looks like on its channels, over HTTP."""

from uuid import UUID

from services.api.posts.review_schemas import LengthRead
from services.api.problems import ProblemViolation
from services.api.schemas import Answer


class MediaPreview(Answer):
    """One file that goes along, in order; `alt_text_lengths` is empty where the platform takes no such text."""

    asset_id: UUID
    file_name: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    alt_text: str
    alt_text_lengths: list[LengthRead]


class FollowUpPreview(Answer):
    """A part of the thread, or the first comment, as it follows."""

    text: str
    lengths: list[LengthRead]


class RenderingRead(Answer):
    """The very words. `title` where the platform has one (an e-mail's subject), `html` where it gets a page (too).

    Pictures stand in `html` as `asset:<id>`. `lengths` has one entry a limit; what is over is an error in preflight.
    """

    title: str | None
    title_lengths: list[LengthRead]
    text: str
    lengths: list[LengthRead]
    html: str | None
    media: list[MediaPreview]
    follow_ups: list[FollowUpPreview]


class ChannelPreview(Answer):
    """One channel. `rendering` is null where the post can't take form there, and `violations` say why."""

    channel_id: UUID
    platform: str
    rendering: RenderingRead | None
    violations: list[ProblemViolation]


class PreviewRead(Answer):
    """A version of a post as it would leave."""

    version: int
    data: list[ChannelPreview]
