"""What is read of Kuaishou's answers. Counts and moments may be digits; times are milliseconds (some clients saw seconds)."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Count, Id
from drumtower.platforms.moments import epoch


class Person(Answer):
    """An account; its id stands in the token's answer only."""

    name: str
    fan: Count = None


class PersonIn(Answer):
    user_info: Person


class Begun(Answer):
    """An upload that was begun: its token, and the host that takes it, without a scheme."""

    upload_token: Id
    endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[a-z/]{1,64})?$")]


class Video(Answer):
    """One of our videos. `pending`: it is still processed or reviewed, and nobody sees it."""

    photo_id: Id
    caption: str = ""
    create_time: Annotated[datetime, BeforeValidator(epoch)]
    pending: bool = False
    view_count: Count = None
    like_count: Count = None
    comment_count: Count = None

    def given(self) -> dict[Metric, int | None]:
        return {
            Metric.EXPOSURE: self.view_count,
            Metric.LIKES: self.like_count,
            Metric.COMMENTS: self.comment_count,
        }


class VideoIn(Answer):
    video_info: Video


class Videos(Answer):
    """Our videos, newest first."""

    video_list: list[Video]


class Done(Answer):
    """It worked."""

    result: int
