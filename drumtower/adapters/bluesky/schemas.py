"""Per-post settings, and what of the server's answers is read."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.alias_generators import to_camel

from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Secret
from drumtower.platforms.options import Thread, labelled

# Counts are stored as 64-bit integers.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Identifier = Annotated[str, Field(min_length=1, max_length=2048)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class BlueskyOptions(Thread):
    """What an author may set for one Bluesky post."""

    model_config = ConfigDict(extra="forbid")

    languages: list[Language] = Field(
        **labelled("语言", "Languages"),
        default=[],
        max_length=3,
        description="Languages of the text; none: the post's own.",
    )
    warning: Literal["sexual", "nudity", "porn", "graphic-media"] | None = Field(
        **labelled("内容警告", "Content warning"),
        default=None,
        description="The warning that covers the pictures.",
    )


class Wire(Answer):
    """Names as the server writes them."""

    model_config = ConfigDict(alias_generator=to_camel)


class Account(Wire):
    """getSession."""

    did: Identifier
    handle: Identifier
    active: bool = True
    status: str | None = None


class Tokens(Wire):
    """createSession and refreshSession."""

    access_jwt: Secret
    refresh_jwt: Secret


class Reference(Wire):
    """A record, and the content it had (putRecord answers with it)."""

    uri: Identifier
    cid: Identifier


class Found(Reference):
    """getRecord."""

    value: dict[str, Any]


class Uploaded(Wire):
    """uploadBlob; the reference goes into the record as it is."""

    blob: dict[str, Any]


class Reply(Wire):
    """What a post answers: the first post of the thread, and the one above."""

    root: Reference
    parent: Reference


class PostRecord(Wire):
    """app.bsky.feed.post, as others wrote it."""

    text: str = ""
    reply: Reply | None = None


class Person(Wire):
    """Who wrote it."""

    did: Identifier
    handle: str = ""
    display_name: str | None = None


class Notification(Reference):
    """One entry of listNotifications."""

    author: Person
    reason: str
    reason_subject: str | None = None
    record: PostRecord
    indexed_at: AwareDatetime


class Notifications(Wire):
    """listNotifications; its entries are read one by one, so that an odd one blocks no other."""

    notifications: list[dict[str, Any]]
    cursor: str | None = None


class PostView(Wire):
    """One entry of getPosts."""

    uri: Identifier
    like_count: Count | None = None
    reply_count: Count | None = None
    repost_count: Count | None = None
    quote_count: Count | None = None
    bookmark_count: Count | None = None

    def given(self) -> dict[Metric, int | None]:
        shared = None if self.repost_count is None else self.repost_count + (self.quote_count or 0)
        return {
            Metric.LIKES: self.like_count,
            Metric.COMMENTS: self.reply_count,
            Metric.SHARES: shared,
            Metric.SAVES: self.bookmark_count,
        }


class PostViews(Wire):
    """getPosts; its entries are read one by one."""

    posts: list[dict[str, Any]]


class Profile(Wire):
    """getProfile."""

    followers_count: Count | None = None
