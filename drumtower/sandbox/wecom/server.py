"""The WeCom sandbox's endpoints. Not here: customers one by one, tags, the paid archive, cards, voice, video."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from drumtower.sandbox.wecom.control import Callbacks, Control
from drumtower.sandbox.wecom.state import Refused, State

Endpoint = Callable[[Record, Record], Record]
_LONGEST = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}
LONGEST_MASS, MOST_ATTACHED, LARGEST_IMAGE = 4000, 9, 2 * 1024 * 1024
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


class WeComSandbox(SandboxPlatform):
    """A corp with one owner of customer groups, or a robot; switches: `POST control/settings` (State.defaults)."""

    slug: ClassVar[str] = "wecom"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher = Callbacks(self.state)
        contact: dict[str, Endpoint] = {
            "add_msg_template": self._add,
            "get_groupmsg_list_v2": self._list,
            "get_groupmsg_task": self._task,
            "get_groupmsg_send_result": self._result,
            "groupchat/list": self._groups,
            "groupchat/statistic": self._statistic,
        }
        return [
            _route("gettoken", self._sell),
            _route("webhook/send", self._robot),
            _route("webhook/upload_media", self._robot_file),
            _route("media/upload", self._upload),
            _route("message/send", self._with_token(self._send)),
            *(
                _route(f"externalcontact/{name}", self._with_token(act, contact=True))
                for name, act in contact.items()
            ),
        ]

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return self.state.open_account(account)

    def _with_token(self, act: Endpoint, *, contact: bool = False) -> Callable[[Request], Awaitable[Record]]:
        async def answer(request: Request) -> Record:
            account = self.state.authorised(request.query_params.get("access_token"))
            if contact and not self.state.settings()["customer_contact"]:
                raise Refused(48002)
            return act(account, await _json(request))

        return answer

    async def _sell(self, request: Request) -> Record:
        query = request.query_params
        return self.state.sell(query.get("corpid", ""), query.get("corpsecret", ""))

    async def _robot(self, request: Request) -> Record:
        account = self.state.robot(request.query_params.get("key"), spend=True)
        body = await _json(request)
        kind = body.get("msgtype")
        said = body.get(kind) if isinstance(kind, str) else None
        if not isinstance(said, dict):
            raise Refused(40058, "msgtype")
        text = _robot_text(kind or "", said)
        self.state.add_post(account["id"], text, kind=kind)
        return {}

    async def _robot_file(self, request: Request) -> Record:
        account = self.state.robot(request.query_params.get("key"), spend=False)
        return await self._kept(request, account["id"])

    async def _upload(self, request: Request) -> Record:
        account = self.state.authorised(request.query_params.get("access_token"))
        return await self._kept(request, account["id"])

    async def _kept(self, request: Request, account: str) -> Record:
        kind = request.query_params.get("type", "")
        async with request.form() as form:
            file = form.get("media")
            data = await file.read() if isinstance(file, UploadFile) else b""
        if len(data) <= 5 or (kind == "image" and not _is_picture(data)):
            raise Refused(40058, "media")
        return {"type": kind, "media_id": self.state.keep_file(account)}

    def _add(self, account: Record, body: Record) -> Record:
        if body.get("sender") != account["owner"] or body.get("chat_type") != "group":
            raise Refused(40003, "sender")
        text, attachments = str((body.get("text") or {}).get("content") or ""), body.get("attachments") or []
        if not text and not attachments:
            raise Refused(44004)
        if len(text.encode()) > LONGEST_MASS or len(attachments) > MOST_ATTACHED:
            raise Refused(45002)
        for one in attachments:
            if one.get("msgtype") == "image":
                self.state.check_file(one["image"].get("media_id"), account["id"])
        post = self.state.add_post(account["id"], text, attachments=attachments, kind="mass")
        return {"fail_list": [], "msgid": post["id"]}

    def _mass(self, account: Record) -> list[Record]:
        rows = self.store.all("posts")
        return [row for row in rows if row["account"] == account["id"] and row["kind"] == "mass"]

    def _one(self, account: Record, body: Record) -> Record:
        found = next((row for row in self._mass(account) if row["id"] == body.get("msgid")), None)
        if found is None:
            raise Refused(40058, "msgid")
        return found

    def _list(self, account: Record, body: Record) -> Record:
        first, last = float(body["start_time"]), float(body["end_time"])
        rows = [row for row in self._mass(account) if first <= _seconds(row["created_at"]) <= last]
        start, limit = int(body.get("cursor") or 0), min(int(body.get("limit", 100)), 100)
        page = [
            {"msgid": row["id"], "create_time": int(_seconds(row["created_at"])), "create_type": 0}
            | {"text": {"content": row["text"]}, "attachments": row["attachments"]}
            for row in rows[start : start + limit]
        ]
        return {
            "group_msg_list": page,
            "next_cursor": str(start + limit) if start + limit < len(rows) else "",
        }

    def _task(self, account: Record, body: Record) -> Record:
        at = self.state.confirmed_at(self._one(account, body))
        task = {"userid": account["owner"], "status": 2 if at else 0}
        return {"task_list": [task | ({"send_time": int(at.timestamp())} if at else {})], "next_cursor": ""}

    def _result(self, account: Record, body: Record) -> Record:
        at = self.state.confirmed_at(self._one(account, body))
        status = 0 if at is None else 3 if self.state.settings()["groups_full"] else 1
        rows = [{"chat_id": f"wr{number}", "userid": account["owner"], "status": status} for number in (1, 2)]
        return {"send_list": rows, "next_cursor": ""}

    def _groups(self, account: Record, body: Record) -> Record:
        return {"group_chat_list": [{"chat_id": f"wr{number}", "status": 0} for number in (1, 2)]}

    def _statistic(self, account: Record, body: Record) -> Record:
        if body["owner_filter"]["userid_list"] != [account["owner"]]:
            raise Refused(40003)
        data = {"chat_total": 2, "member_total": account["followers"], "msg_total": 0}
        return {"total": 1, "next_offset": 1, "items": [{"owner": account["owner"], "data": data}]}

    def _send(self, account: Record, body: Record) -> Record:
        text, to = str((body.get("text") or {}).get("content") or ""), str(body.get("touser"))
        if str(body.get("agentid")) != account["agent_id"] or body.get("msgtype") != "text":
            raise Refused(40058, "agentid")
        if not text:
            raise Refused(44004)
        if not self.state.writers(account["id"])[to]:
            raise Refused(81013)
        number = f"out{self.store.next_number('out')}"
        row = {"id": number, "account": account["id"], "to": to, "text": text, "direction": "out"}
        self.store.put("messages", number, row | {"created_at": self.now().isoformat()})
        return {"msgid": number, "invaliduser": ""}


def _robot_text(kind: str, said: Record) -> str:
    if kind in _LONGEST:
        text = str(said.get("content") or "")
        if not text:
            raise Refused(44004)
        if len(text.encode()) > _LONGEST[kind]:
            raise Refused(45002)
        return text
    if kind == "news":
        articles = said.get("articles") or []
        if not 1 <= len(articles) <= 8 or not all(one.get("title") and one.get("url") for one in articles):
            raise Refused(40058, "articles")
        return str(articles[0]["title"])
    if kind == "image":
        data = base64.b64decode(str(said.get("base64")))
        if not _is_picture(data) or hashlib.md5(data, usedforsecurity=False).hexdigest() != said.get("md5"):
            raise Refused(40058, "image")
        return "[image]"
    raise Refused(40058, "msgtype")


def _is_picture(data: bytes) -> bool:
    return len(data) <= LARGEST_IMAGE and data.startswith(_PICTURES)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def _json(request: Request) -> Record:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(40058)
    return body


def _route(path: str, answer: Callable[[Request], Awaitable[Record]]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"errcode": 0, "errmsg": "ok", **await answer(request)})
        except Refused as refused:
            return JSONResponse({"errcode": refused.code, "errmsg": str(refused)})

    return Route(f"/cgi-bin/{path}", endpoint, methods=["GET", "POST"])
