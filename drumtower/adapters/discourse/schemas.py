"""Per-topic settings, and what of a forum's answers is read."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasPath, AwareDatetime, ConfigDict, Field

from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Count, NumberId
from drumtower.platforms.options import FirstComment, labelled

_LIKE = 2  # post_action_type_id
_TOPIC = re.compile(r"/t/(?:[^/]+/)?([0-9]{1,20})(?:\.json)?$")


MOST_TAGS, LONGEST_TAG = (
    5,
    20,
)  # max_tags_per_topic, max_tag_length: the forum cuts what is over, and says nothing
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]


class DiscourseOptions(FirstComment):
    """What an author may set for one topic."""

    model_config = ConfigDict(extra="forbid")

    category: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(
        **labelled("版块", "Category"),
        default=None,
        description="The category's number, as in /c/name/NUMBER; none: the forum's own choice.",
    )
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = Field(
        **labelled("标签", "Tags"),
        default=None,
        description="The topic's tags; none: the post's first hashtags that are short enough. A forum leaves out, "
        "without a word, what its rules give this user no right to.",
    )


def account_id(base_url: str, number: str) -> str:
    """Return the id of an account: every forum counts its users from 1."""
    return f"{base_url}/users/{number}"


def number_of(account: str) -> str:
    """Return the forum's own number of the account."""
    return account.rpartition("/")[2]


class User(Answer):
    """/u/{username}: `can_edit` only where the key acts as that user, or as staff."""

    id: NumberId
    username: str = Field(min_length=1, max_length=100)
    name: str | None = None
    can_edit: bool = False


class UserPage(Answer):
    user: User


class Uploaded(Answer):
    """/uploads: what stands in a text for the file."""

    short_url: str = Field(pattern=r"^upload://[\w.-]{1,100}$")
    width: Count = None
    height: Count = None


class Pending(Answer):
    """One of our texts that waits for the moderators."""

    id: NumberId
    title: str | None = None
    raw_text: str | None = None
    topic_id: NumberId | None = None


class PendingList(Answer):
    pending_posts: list[Pending]


class Created(Answer):
    """/posts: a post, or word that it waits for the moderators."""

    id: NumberId | None = None
    topic_id: NumberId | None = None
    topic_slug: str = ""
    post_number: int = 0
    created_at: AwareDatetime | None = None
    action: str = ""
    pending_post: Pending | None = None


class Act(Answer):
    id: int
    count: Count = None


class Post(Answer):
    """One post of a topic; number 1 is the topic's text."""

    id: NumberId
    topic_id: NumberId
    topic_slug: str = ""
    post_number: int
    post_type: int = 1
    created_at: AwareDatetime
    user_id: NumberId
    username: str
    name: str | None = None
    raw: str | None = None
    cooked: str = ""
    reply_to_post_number: int | None = None
    hidden: bool = False
    actions_summary: list[Act] | None = None

    @property
    def likes(self) -> int | None:
        """A summary without a row of likes says that there are none."""
        if self.actions_summary is None:
            return None
        rows = [act.count for act in self.actions_summary if act.id == _LIKE]
        return rows[0] if rows else 0


class Topic(Answer):
    """/t/{id}: the first posts, and the ids of all that can be seen."""

    id: NumberId
    title: str = ""
    slug: str = ""
    created_at: AwareDatetime
    user_id: NumberId | None = None
    external_id: str | None = None
    posts_count: Count = None
    highest_post_number: Count = None
    views: Count = None
    posts: list[Any] = Field(validation_alias=AliasPath("post_stream", "posts"))
    stream: list[NumberId] = Field(validation_alias=AliasPath("post_stream", "stream"))


class Counters(Answer):
    """The numbers of a topic; what is left out is unknown."""

    views: Count = None
    posts_count: Count = None
    posts: list[Post] = Field(default_factory=list, validation_alias=AliasPath("post_stream", "posts"))

    def given(self) -> Mapping[Metric, int | None]:
        """Comments are the posts but the first, our answers among them. Likes are the first post's, not those that answers got."""
        first = next((post for post in self.posts if post.post_number == 1), None)
        answers = self.posts_count - 1 if self.posts_count else None
        likes = first.likes if first else None
        return {Metric.EXPOSURE: self.views, Metric.LIKES: likes, Metric.COMMENTS: answers}


class Posts(Answer):
    """/t/{id}/posts."""

    posts: list[Any] = Field(validation_alias=AliasPath("post_stream", "posts"))


class Row(Answer):
    """One topic of a list."""

    id: NumberId
    title: str = ""
    created_at: AwareDatetime
    posts_count: Count = None
    highest_post_number: Count = None


class Rows(Answer):
    topics: list[Row] = Field(validation_alias=AliasPath("topic_list", "topics"))
    more: str | None = Field(default=None, validation_alias=AliasPath("topic_list", "more_topics_url"))


class Moved(Answer):
    """/t/external_id/{key}: where the topic is."""

    location: str = Field(pattern=r"/t/")

    @property
    def topic_id(self) -> str | None:
        found = _TOPIC.search(urlsplit(self.location).path)
        return found.group(1) if found else None


class About(Answer):
    version: str = Field(validation_alias=AliasPath("about", "version"))
