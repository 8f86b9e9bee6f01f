"""Free publishing: a task is accepted at once and ends later, by event and by freepublish/get."""

import asyncio
import base64
import hashlib
import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from drumtower.sandbox.sealed import cdata, element
from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.callbacks import Callbacks
from drumtower.sandbox.wechat.drafts import DraftBox, listed
from drumtower.sandbox.wechat.ground import Ground, Refused, opaque

SUCCESS, PUBLISHING, OWNER_DELETED, BANNED = 0, 1, 5, 6
_OUT = (SUCCESS, OWNER_DELETED, BANNED)
_TAKEN_DOWN = {OWNER_DELETED: "owner", BANNED: "system"}
_LOOK_AGAIN = 0.2  # seconds; the control plane may move the clock meanwhile


class Publishes:
    """Publish tasks and published articles. Every accepted task publishes: a submit made twice is visible twice."""

    def __init__(self, ground: Ground, box: DraftBox, callbacks: Callbacks) -> None:
        self.ground = ground
        self.store = ground.store
        self.box = box
        self.callbacks = callbacks
        unfinished = (task["id"] for task in self.store.all("publishes") if task["status"] == PUBLISHING)
        self._pending = dict.fromkeys(unfinished)  # in the order in which they were submitted

    def routes(self) -> list[BaseRoute]:
        return [
            self.ground.call("/cgi-bin/freepublish/submit", self._submit, verified=True),
            self.ground.call("/cgi-bin/freepublish/get", self._get, verified=True),
            self.ground.call("/cgi-bin/freepublish/delete", self._delete, verified=True),
            self.ground.call("/cgi-bin/freepublish/getarticle", self._article, verified=True),
            self.ground.call("/cgi-bin/freepublish/batchget", self._batchget, verified=True),
        ]

    def wake(self) -> None:
        """Finish what is due, and go on with what the store says is unfinished."""
        self.settle()
        for publish_id in list(self._pending):
            self._start(publish_id)

    def settle(self) -> None:
        """Finish what is due; every look at the platform sees its own clock."""
        for publish_id in list(self._pending):
            task = self.store.get("publishes", publish_id)
            if task and datetime.fromisoformat(task["due_at"]) <= self.ground.now():
                self._finish(task)

    def _start(self, publish_id: str) -> None:
        self.ground.timers.start(f"publish {publish_id}", lambda: self._wait(publish_id))

    async def _wait(self, publish_id: str) -> None:
        while publish_id in self._pending:
            task = self.store.get("publishes", publish_id)
            assert task is not None
            left = (datetime.fromisoformat(task["due_at"]) - self.ground.now()).total_seconds()
            await asyncio.sleep(min(max(left, 0.0), _LOOK_AGAIN))
            self.settle()

    def _submit(self, account: Record, body: Record) -> Mapping[str, Any]:
        draft = self.box.take(account, body.get("media_id"))
        number = self.store.next_number("publish", 100_000_001)
        publish_id, msg_data_id = str(number), str(self.store.next_number("msg_data_id", 2_247_483_650))
        due_at = self.ground.now() + timedelta(seconds=self.ground.setting("publish_delay"))
        task = {
            "id": publish_id,
            "account": account["id"],
            "media_id": draft["media_id"],
            "msg_data_id": msg_data_id,
            "article_id": opaque(43),
            "news_item": draft["news_item"],
            "verdict": self._verdict(account["id"]),
            "status": PUBLISHING,
            "due_at": due_at.isoformat(),
        }
        self.store.put("publishes", publish_id, task)
        self._pending[publish_id] = None
        self._start(publish_id)
        return {"errcode": 0, "errmsg": "ok", "publish_id": publish_id, "msg_data_id": msg_data_id}

    def _verdict(self, account: str) -> int:
        planned = self.store.get("_scenarios", account) or {"statuses": []}
        if not planned["statuses"]:
            return SUCCESS
        self.store.put("_scenarios", account, {"statuses": planned["statuses"][1:]})
        return int(planned["statuses"][0])

    def _finish(self, task: Record) -> None:
        # A crash between two of these lines makes the next start repeat them; each overwrites its own record.
        done = {**task, "status": task["verdict"]}
        if done["status"] in _OUT:
            self.store.put("posts", task["article_id"], self._post(done))
            self.store.put("_articles", task["msg_data_id"], {"id": task["article_id"]})
            self.store.delete("drafts", task["media_id"])
        self.callbacks.push(task["account"], f"publish-{task['id']}", _event(done, self.ground.now()))
        self.store.put("publishes", task["id"], done)
        self._pending.pop(task["id"], None)

    def _post(self, task: Record) -> Record:
        now = datetime.fromisoformat(task["due_at"])
        first = task["news_item"][0]
        return {
            "id": task["article_id"],
            "account": task["account"],
            "title": first["title"],
            "text": _plain(first["content"]),
            "created_at": now.astimezone(UTC).isoformat(),
            "likes": 0,
            "comments": 0,
            "shares": 0,
            "reads": 0,
            "saves": 0,
            "deleted": task["status"] in _TAKEN_DOWN,
            "url": address(task),
            "msg_data_id": task["msg_data_id"],
            "publish_id": task["id"],
            "article_id": task["article_id"],
            "update_time": int(now.timestamp()),
            "news_item": task["news_item"],
            "daily": {},
        }

    def _get(self, account: Record, body: Record) -> Mapping[str, Any]:
        self._count_poll(account["id"])
        task = self.store.get("publishes", str(body.get("publish_id")))
        if task is None or task["account"] != account["id"]:
            raise Refused(47003, "argument invalid! publish_id")
        post = self.store.get("posts", task["article_id"])
        status = OWNER_DELETED if task["status"] == SUCCESS and post and post["deleted"] else task["status"]
        answer = {"publish_id": task["id"], "publish_status": status, "fail_idx": _failed(task)}
        return {**answer, **_detail(task)} if status == SUCCESS else answer

    def _count_poll(self, account: str) -> None:
        key = f"{account} {self.ground.today().date()}"
        used = (self.store.get("_polls", key) or {"used": 0})["used"]
        if used >= self.ground.setting("poll_quota"):
            raise Refused(45009, "reach max api daily quota limit")
        self.store.put("_polls", key, {"used": used + 1})

    def _delete(self, account: Record, body: Record) -> Mapping[str, Any]:
        post = self._own(account, body)
        if body.get("index", 0) not in (0, 1):
            raise Refused(47003, "argument invalid! index")
        self.store.put("posts", post["id"], {**post, "deleted": True})
        return {"errcode": 0, "errmsg": "ok"}

    def _article(self, account: Record, body: Record) -> Mapping[str, Any]:
        return {"news_item": _news(self._own(account, body))}

    def _own(self, account: Record, body: Record) -> Record:
        post = self.store.get("posts", str(body.get("article_id")))
        if post is None or post["account"] != account["id"] or post["deleted"]:
            raise Refused(53600, "Article ID is invalid")
        return post

    def _batchget(self, account: Record, body: Record) -> Mapping[str, Any]:
        mine = [post for post in self.store.all("posts") if post["account"] == account["id"]]
        return listed(body, [{**post, "news_item": _news(post)} for post in mine[::-1]], "article_id")


def address(task: Record) -> str:
    """The article's permanent address; `mid` is its msg_data_id."""
    biz = base64.b64encode(task["account"].encode()).decode()
    sign = hashlib.md5(task["article_id"].encode(), usedforsecurity=False).hexdigest()
    return f"http://mp.weixin.qq.com/s?__biz={biz}&mid={task['msg_data_id']}&idx=1&sn={sign}#rd"


def _news(post: Record) -> list[Record]:
    return [{**item, "url": post["url"], "is_deleted": post["deleted"]} for item in post["news_item"]]


def _failed(task: Record) -> list[int]:
    return [1] if task["status"] in (2, 4) else []


def _detail(task: Record) -> Mapping[str, Any]:
    items = [{"idx": 1, "article_url": address(task)}]
    return {"article_id": task["article_id"], "article_detail": {"count": 1, "item": items}}


def _event(task: Record, now: datetime) -> str:
    info = [element("publish_id", task["id"]), element("publish_status", task["status"])]
    if task["status"] in _OUT:
        item = element("idx", 1) + cdata("article_url", address(task))
        info += [cdata("article_id", task["article_id"])]
        info += [f"<article_detail>{element('count', 1)}<item>{item}</item></article_detail>"]
    info += [element("fail_idx", index) for index in _failed(task)]
    return (
        f"<xml>{cdata('ToUserName', task['account'])}{cdata('FromUserName', 'oSystemPublishes0000000000001')}"
        f"{element('CreateTime', int(now.timestamp()))}{cdata('MsgType', 'event')}{cdata('Event', 'PUBLISHJOBFINISH')}"
        f"<PublishEventInfo>{''.join(info)}</PublishEventInfo></xml>"
    )


def _plain(content: str) -> str:
    lines = re.sub(r"</p>", "\n", content)
    return html.unescape(re.sub(r"<[^>]*>", "", lines)).strip()
