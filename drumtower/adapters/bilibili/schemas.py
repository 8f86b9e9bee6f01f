"""What is read of Bilibili's answers. Ids are BV ids; moments are epoch seconds, 0 where there is none."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field

from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Count, Id
from drumtower.platforms.moments import epoch

T = TypeVar("T")


class In(Answer, Generic[T]):
    """What was asked for stands in `data`."""

    data: T


class Person(Answer):
    openid: Id
    name: str


class Scopes(Answer):
    scopes: list[str]


class Begun(Answer):
    upload_token: Id


class Cover(Answer):
    url: Annotated[str, Field(min_length=1, max_length=2000)]


class Made(Answer):
    resource_id: Id


class Review(Answer):
    """`state`: 0 open, -2 returned; all others are still in review, and `state_desc` says how."""

    state: int
    state_desc: str = ""
    reject_reason: str = ""


def _moment(value: Any) -> Any:
    return epoch(value) if value else None


class Info(Answer):
    share_url: str = ""


class Archive(Answer):
    """One of our submissions."""

    resource_id: Id
    title: str = ""
    desc: str = ""
    ctime: Annotated[datetime, BeforeValidator(_moment)]
    ptime: Annotated[datetime | None, BeforeValidator(_moment)] = None
    addit_info: Review
    video_info: Info | None = None


class Page(Answer):
    total: int


class Archives(Answer):
    """Our submissions, newest first."""

    rows: Annotated[list[Archive], Field(alias="list")]
    page: Page


class Stat(Answer):
    view: Count = None
    like: Count = None
    reply: Count = None
    share: Count = None
    favorite: Count = None

    def given(self) -> dict[Metric, int | None]:
        return {
            Metric.EXPOSURE: self.view,
            Metric.LIKES: self.like,
            Metric.COMMENTS: self.reply,
            Metric.SHARES: self.share,
            Metric.SAVES: self.favorite,
        }


class Followers(Answer):
    follower: Count = None
