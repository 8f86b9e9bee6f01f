"""Statistics by Beijing days: a day can be asked for from 08:00 of the next; six old calls are off line."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.routing import BaseRoute

from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.ground import BEIJING, Ground, Refused

READY_AT = time(8)
FIRST_DAY = date(2025, 11, 1)
LONGEST = 30  # days of numbers per article
FEWEST_READS = 3  # articles with fewer are left out
_OFFLINE = (
    "getarticlesummary",
    "getarticletotal",
    "getuserread",
    "getuserreadhour",
    "getusershare",
    "getusersharehour",
)
_WIRE = {
    "reads": "read_user",
    "shares": "share_user",
    "likes": "like_user",
    "comments": "comment_count",
    "saves": "collection_user",
}


class DataCube:
    """Counts what the public does by day, and tells it when the platform's clock allows."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.store = ground.store

    def routes(self) -> list[BaseRoute]:
        offline = [self.ground.call(f"/datacube/{name}", _offline, verified=True) for name in _OFFLINE]
        detail = self.ground.call("/datacube/getarticletotaldetail", self._detail, verified=True)
        return [detail, *offline]

    def count(self, post: Record, what: str, number: int) -> None:
        """Add to an article's numbers of today."""
        today = self.ground.today().date().isoformat()
        of_day = post["daily"].get(today, {})
        daily = {**post["daily"], today: {**of_day, what: of_day.get(what, 0) + number}}
        self.store.put("posts", post["id"], {**post, what: post[what] + number, "daily": daily})

    def _detail(self, account: Record, body: Record) -> Mapping[str, Any]:
        begin, end = _day(body, "begin_date"), _day(body, "end_date")
        now = self.ground.today()
        yesterday = now.date() - timedelta(days=1)
        if begin != end or begin < FIRST_DAY or end > yesterday:
            raise Refused(61501, "date range error")
        if end == yesterday and now.time() < READY_AT:
            raise Refused(61503, "data not ready")
        posts = [post for post in self.store.all("posts") if post["account"] == account["id"]]
        rows = [self._row(post, begin, yesterday) for post in posts if _published_on(post) == begin]
        return {"list": [row for row in rows if row], "is_delay": self.ground.setting("is_delay")}

    def _row(self, post: Record, day: date, yesterday: date) -> Record | None:
        last = min(yesterday, day + timedelta(days=LONGEST - 1))
        days = [day + timedelta(days=n) for n in range((last - day).days + 1)]
        details = [self._until(post, one) for one in days]
        if details[-1]["read_user"] < FEWEST_READS:
            return None
        return {
            "ref_date": day.isoformat(),
            "msgid": f"{post['msg_data_id']}_1",
            "publish_type": 1,
            "title": post["title"],
            "content_url": post["url"],
            "detail_list": details,
        }

    def _until(self, post: Record, day: date) -> Record:
        totals = dict.fromkeys(_WIRE, 0)
        for on, numbers in post["daily"].items():
            if date.fromisoformat(on) <= day:
                for what, number in numbers.items():
                    totals[what] += number
        said = [
            one for one in self.store.all("comments") if one["post"] == post["id"] and not one["in_reply_to"]
        ]
        totals["comments"] = sum(_beijing_day(one["created_at"]) <= day for one in said)
        told = {wire: totals[what] for what, wire in _WIRE.items()}
        sources = [{"user_count": totals["reads"], "scene_desc": "全部"}]
        return {
            "stat_date": day.isoformat(),
            **told,
            "read_user_source": sources,
            "zaikan_user": 0,
            "praise_money": 0,
        }


def _offline(_: Record, __: Record) -> Mapping[str, Any]:
    raise Refused(47009, "this api is offline, please use the new api")


def _day(body: Record, name: str) -> date:
    try:
        return date.fromisoformat(str(body.get(name)))
    except ValueError as error:
        raise Refused(61500, "date format error") from error


def _published_on(post: Record) -> date:
    return _beijing_day(post["created_at"])


def _beijing_day(at: str) -> date:
    return datetime.fromisoformat(at).astimezone(BEIJING).date()
