"""What is read of Douyin's answers. Counts and moments may be digits; times are seconds, `extra.now` is milliseconds."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field

from drumtower.domain.audience_profiles import Dimension
from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Count, Id
from drumtower.platforms.moments import epoch

T = TypeVar("T")
Moment = Annotated[datetime, BeforeValidator(epoch)]


class Extra(Answer):
    """Beside every answer: Douyin's own clock."""

    now: Annotated[datetime | None, BeforeValidator(epoch)] = None


class In(Answer, Generic[T]):
    """The envelope."""

    data: T
    extra: Extra = Extra()


class Person(Answer):
    """An account."""

    open_id: Id
    nickname: str


class Image(Answer):
    image_id: Id


class ImageIn(Answer):
    """An uploaded picture."""

    image: Image


class Upload(Answer):
    """An upload in parts that was begun."""

    upload_id: Id


class Video(Answer):
    video_id: Id


class VideoIn(Answer):
    """An uploaded video."""

    video: Video


class Created(Answer):
    """A post that was taken; it is still to be reviewed."""

    item_id: Id
    video_id: Id | None = None


class Counters(Answer):
    """Totals of a post."""

    digg_count: Count = None
    comment_count: Count = None
    share_count: Count = None
    play_count: Count = None

    def given(self) -> dict[Metric, int | None]:
        return {
            Metric.EXPOSURE: self.play_count,
            Metric.LIKES: self.digg_count,
            Metric.COMMENTS: self.comment_count,
            Metric.SHARES: self.share_count,
        }


class Row(Answer):
    """One of our posts."""

    item_id: Id
    create_time: Moment
    title: str = ""
    video_id: Id | None = None
    media_type: int | None = None
    statistics: Counters = Counters()


class Rows(Answer):
    """Our posts, newest first."""

    rows: Annotated[list[Row], Field(alias="list")]
    has_more: bool = False


class Comment(Answer):
    """A comment, ours or another's."""

    comment_id: Id
    comment_user_id: Id
    content: str
    create_time: Moment
    nick_name: str = ""


class Comments(Answer):
    """One page of comments, as they came: an odd one must not hide the others."""

    rows: Annotated[list[dict[str, Any]], Field(alias="list")]
    cursor: Annotated[int, Field(ge=0)] = 0
    has_more: bool = False


class Answered(Answer):
    """Our comment."""

    comment_id: Id


class Sent(Answer):
    """Our message; it is told beside the envelope."""

    msg_id: Id


class Day(Answer):
    """The followers at a day's end."""

    date: str
    total_fans: Count = None


class Days(Answer):
    result_list: list[Day]


class Part(Answer):
    item: str
    value: Count = None


Parts = Annotated[list[Part], Field(default_factory=list)]
# Which field tells which dimension.
DISTRIBUTIONS = {
    "gender_distributions": Dimension.GENDER,
    "age_distributions": Dimension.AGE,
    "geographical_distributions": Dimension.REGION,
    "active_days_distributions": Dimension.ACTIVE_DAYS,
    "device_distributions": Dimension.DEVICE,
    "interest_distributions": Dimension.INTEREST,
}
GENDERS = {"1": "male", "2": "female"}  # UNVERIFIED


class Fans(Answer):
    """Who follows, in people. Douyin tells it of accounts with more than 100 followers, from the second day on."""

    all_fans_num: Count = None
    gender_distributions: Parts
    age_distributions: Parts
    geographical_distributions: Parts
    active_days_distributions: Parts
    device_distributions: Parts
    interest_distributions: Parts

    def people(self) -> dict[Dimension, dict[str, int]]:
        found = {
            dimension: {
                GENDERS.get(part.item, part.item) if dimension is Dimension.GENDER else part.item: part.value
                for part in getattr(self, name)
                if part.value is not None
            }
            for name, dimension in DISTRIBUTIONS.items()
        }
        return {dimension: values for dimension, values in found.items() if values}


class FansData(Answer):
    fans_data: Fans


class AppToken(Answer):
    """A token of the app itself, two hours long."""

    access_token: Id


class Event(Answer):
    event: str
    status: int


class Events(Answer):
    """Which events the app is told. UNVERIFIED: this form."""

    rows: Annotated[list[Event], Field(alias="list")]
