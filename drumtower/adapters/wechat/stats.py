"""Numbers: articles from datacube, by the day they were published in Beijing; followers from the user list.

"Not ready" is the platform's answer, not our clock's. Articles with fewer than three reads are not in its answer.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from drumtower.adapters.wechat.errors import NOT_READY
from drumtower.adapters.wechat.schemas import Body
from drumtower.domain.samples import Metric
from drumtower.platforms import Api, PlatformError, PostReference, Reading
from drumtower.platforms.answers import count, listed, objects
from drumtower.platforms.moments import BEIJING
from drumtower.platforms.readings import reading

_LEARNT_LATE, _CLOCKS_APART = timedelta(hours=1), timedelta(minutes=5)
_FIELDS = {
    Metric.EXPOSURE: "read_user",
    Metric.LIKES: "like_user",
    Metric.COMMENTS: "comment_count",
    Metric.SHARES: "share_user",
    Metric.SAVES: "collection_user",
}


async def post_stats(api: Api, posts: Sequence[PostReference]) -> dict[str, Reading]:
    """Ask once for each day on which some of the posts were published."""
    days: dict[date, dict[str, PostReference]] = defaultdict(dict)
    for post in posts:
        for day in _days(post) if (mid := post.context.get("msg_data_id")) else ():
            days[day][f"{mid}_1"] = post
    readings: dict[str, Reading] = {}
    for day, wanted in days.items():
        body = await _day(api, day)
        for row in listed(body, "list"):
            post_of_row = wanted.get(str(row.get("msgid")))
            reading = _reading(row, delayed=body.get("is_delay") is True) if post_of_row else None
            if post_of_row and reading:
                readings[post_of_row.external_id] = reading
    return readings


async def channel_stats(api: Api) -> Reading:
    """Return the followers; the list's first page carries their total."""
    body = await api.get("/cgi-bin/user/get", Body, next_openid="")
    return reading({Metric.FOLLOWERS: count(body.get("total"))})


def _days(post: PostReference) -> set[date]:
    """The day it was published; near midnight two, because we may have learnt of it up to an hour later."""
    at = post.published_at.astimezone(BEIJING)
    return {(at - _LEARNT_LATE).date(), at.date(), (at + _CLOCKS_APART).date()}


async def _day(api: Api, day: date) -> dict[str, Any]:
    span = {"begin_date": day.isoformat(), "end_date": day.isoformat()}
    try:
        return await api.post("/datacube/getarticletotaldetail", Body, span)
    except PlatformError as error:
        if error.failure.platform_code in NOT_READY:
            return {"list": []}
        raise


def _reading(row: dict[str, Any], *, delayed: bool) -> Reading | None:
    details = [one for one in objects(row.get("detail_list")) if _end_of(one.get("stat_date"))]
    newest = max(details, key=lambda one: str(one["stat_date"]), default=None)
    if newest is None:
        return None
    given = reading({metric: count(newest.get(name)) for metric, name in _FIELDS.items()})
    as_of = _end_of(newest["stat_date"])
    return replace(given, as_of=as_of, final=not delayed) if given.values and as_of else None


def _end_of(stat_date: Any) -> datetime | None:
    """Return when the day that a row counts up to was over; rows are totals since the publish."""
    try:
        day = date.fromisoformat(str(stat_date))
    except ValueError:
        return None
    return datetime.combine(day + timedelta(days=1), time(), BEIJING).astimezone(UTC)
