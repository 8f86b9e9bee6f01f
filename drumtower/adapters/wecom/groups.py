"""Customer groups: a mass message is a task in its owner's client, who must confirm it; until then nothing is out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from drumtower.adapters.wecom.declaration import IMAGES, WeComOptions
from drumtower.adapters.wecom.robot import File, card
from drumtower.domain.content import Kind
from drumtower.domain.samples import Metric
from drumtower.platforms import Absent, Accepted, Api, Finding, Media, Published, PublishRequest, Reading
from drumtower.platforms.answers import Answer, Count, Id, listed, read_each
from drumtower.platforms.lookups import SLACK
from drumtower.platforms.media import read_file, rejected, upload_each
from drumtower.platforms.moments import BEIJING, epoch, next_midnight
from drumtower.platforms.readings import reading

_AT_ONCE, _LISTED = 1000, 100
_SENT, _DELIVERED = 2, 1
_ASK_AGAIN = timedelta(minutes=5)


class Task(Answer):
    """A mass message that waits for its sender."""

    msgid: Id


class Step(Answer):
    """What one member has done with a task, or whether one group got it."""

    userid: Id
    status: int
    send_time: int | None = None


class Content(Answer):
    """A text."""

    content: str = ""


class Listed(Answer):
    """A task in the list of all."""

    msgid: Id
    text: Content = Content()
    attachments: list[dict[str, Any]] = Field(default_factory=list)


class Owned(Answer):
    """Figures of one owner's groups."""

    member_total: Count = None


async def prepare(api: Api, request: PublishRequest) -> list[str]:
    async def upload(media: Media) -> str:
        files = {"media": (media.file_name, await read_file(media, IMAGES), media.content_type)}
        return (await api.send("POST", "media/upload", File, params={"type": "image"}, files=files)).media_id

    return await upload_each(request, dict(request.checkpoint), upload)


async def publish(api: Api, owner: str, request: PublishRequest, options: WeComOptions) -> Accepted:
    """Put the task into the owner's client."""
    message = request.message
    attachments: list[dict[str, Any]] = [
        {"msgtype": "image", "image": {"media_id": one}} for one in await prepare(api, request)
    ]
    if message.kind is Kind.ARTICLE and message.links:
        attachments.append({"msgtype": "link", "link": card(message, "desc")})
    body: dict[str, Any] = {"chat_type": "group", "sender": owner, "text": {"content": message.text}}
    body |= {"attachments": attachments} if attachments else {}
    body |= {"chat_id_list": options.chat_ids} if options.chat_ids else {}
    task = await api.post("externalcontact/add_msg_template", Task, body, once=True)
    return _waiting(task.msgid, owner)


def _waiting(msgid: str, owner: str) -> Accepted:
    detail = f"{owner} must confirm the mass message in WeCom"
    return Accepted(handle={"msgid": msgid}, poll_after=_ASK_AGAIN, detail=detail)


async def confirm(api: Api, owner: str, msgid: str) -> Published | Accepted:
    """Published once its owner has sent it and a group got it; refused where no group took it."""
    steps = [step async for step in _steps(api, "get_groupmsg_task", "task_list", {"msgid": msgid})]
    mine = next((step for step in steps if step.userid == owner), None)
    if mine is None or mine.status != _SENT:
        return _waiting(msgid, owner)
    asked = {"msgid": msgid, "userid": owner}
    results = [step async for step in _steps(api, "get_groupmsg_send_result", "send_list", asked)]
    if results and not any(step.status == _DELIVERED for step in results):
        raise rejected("no group took it: each takes a few mass messages a month, and theirs are used up")
    return Published(external_id=msgid, published_at=epoch(mine.send_time))


async def find(api: Api, owner: str, request: PublishRequest, since: datetime) -> Finding:
    """Look for the text among the tasks since then; their list does not say whose they are, each task does."""
    until = datetime.now(UTC) + SLACK
    asked = {
        "chat_type": "group",
        "start_time": int((since - SLACK).timestamp()),
        "end_time": int(until.timestamp()),
    }
    async for row in _rows(api, "get_groupmsg_list_v2", "group_msg_list", asked, _LISTED):
        for task in read_each(Listed, [row]):
            same = task.text.content == request.message.text
            if (
                same
                and len(task.attachments) == _attached(request)
                and await _is_mine(api, owner, task.msgid)
            ):
                return _waiting(task.msgid, owner)
    return Absent()


def _attached(request: PublishRequest) -> int:
    message = request.message
    return len(message.media) + int(message.kind is Kind.ARTICLE and bool(message.links))


async def _is_mine(api: Api, owner: str, msgid: str) -> bool:
    return any(
        [
            step.userid == owner
            async for step in _steps(api, "get_groupmsg_task", "task_list", {"msgid": msgid})
        ]
    )


async def members(api: Api, owner: str, now: datetime) -> Reading:
    """Return how many people the owner's groups held yesterday; the day's own figures come after midnight."""
    yesterday = next_midnight(now, BEIJING) - timedelta(days=2)
    body = {
        "day_begin_time": int(yesterday.timestamp()),
        "owner_filter": {"userid_list": [owner]},
        "limit": 1,
    }
    found = await api.post("externalcontact/groupchat/statistic", dict[str, Any], body)
    rows = read_each(Owned, [item.get("data") for item in found.get("items", []) if isinstance(item, dict)])
    return reading({Metric.FOLLOWERS: rows[0].member_total if rows else None})


async def _steps(api: Api, call: str, field: str, asked: dict[str, Any]) -> AsyncIterator[Step]:
    async for row in _rows(api, call, field, asked, _AT_ONCE):
        for step in read_each(Step, [row]):
            yield step


async def _rows(
    api: Api, call: str, field: str, asked: dict[str, Any], limit: int
) -> AsyncIterator[dict[str, Any]]:
    """Walk down a list by its cursor."""
    cursor = ""
    while True:
        body = {**asked, "limit": limit, "cursor": cursor}
        page = await api.post(f"externalcontact/{call}", dict[str, Any], body)
        for row in listed(page, field):
            yield row
        cursor = str(page.get("next_cursor") or "")
        if not cursor:
            return
