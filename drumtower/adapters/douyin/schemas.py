"""What is read of Douyin's answers. Counts and moments may be digits; times are seconds, `extra.now` is milliseconds."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Count, Id
from drumtower.platforms.moments import epoch

Moment = Annotated[datetime, BeforeValidator(epoch)]


class Extra(Answer):
    """Beside every answer."""

    now: Annotated[datetime | None, BeforeValidator(epoch)] = None


class Person(Answer):
    """An account."""

    class Data(Answer):
        open_id: Id
        nickname: str

    data: Data


class Image(Answer):
    """An uploaded picture."""

    class Data(Answer):
        class Named(Answer):
            image_id: Id

        image: Named

    data: Data


class Upload(Answer):
    """An upload in parts that was begun."""

    class Data(Answer):
        upload_id: Id

    data: Data


class Video(Answer):
    """An uploaded video."""

    class Data(Answer):
        class Named(Answer):
            video_id: Id

        video: Named

    data: Data


class Created(Answer):
    """A post that was taken; it is still to be reviewed."""

    class Data(Answer):
        item_id: Id
        video_id: Id | None = None

    data: Data
    extra: Extra = Extra()


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
    statistics: Counters | None = None


class Rows(Answer):
    """Our posts, newest first."""

    class Data(Answer):
        rows: Annotated[list[Row], Field(alias="list")]
        has_more: bool = False

    data: Data
    extra: Extra = Extra()


class Comment(Answer):
    """A comment, ours or another's."""

    comment_id: Id
    comment_user_id: Id
    content: str
    create_time: Moment
    nick_name: str = ""


class Comments(Answer):
    """One page of comments, as they came: an odd one must not hide the others."""

    class Data(Answer):
        rows: Annotated[list[dict[str, Any]], Field(alias="list")]
        cursor: Annotated[int, Field(ge=0)] = 0
        has_more: bool = False

    data: Data
    extra: Extra = Extra()


class Answered(Answer):
    """Our comment."""

    class Data(Answer):
        comment_id: Id

    data: Data


class Sent(Answer):
    """Our message."""

    msg_id: Id


class Days(Answer):
    """Followers by day."""

    class Data(Answer):
        class Day(Answer):
            date: str
            total_fans: Count = None

        result_list: list[Day]

    data: Data


class AppToken(Answer):
    """A token of the app itself, two hours long."""

    class Data(Answer):
        access_token: Id

    data: Data


class Events(Answer):
    """Which events the app is told. UNVERIFIED: this form."""

    class Data(Answer):
        class Event(Answer):
            event: str
            status: int

        rows: Annotated[list[Event], Field(alias="list")]

    data: Data
