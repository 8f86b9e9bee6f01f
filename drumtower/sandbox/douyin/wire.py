"""Douyin's wire format: both error envelopes, and one call as an endpoint sees it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.responses import JSONResponse

from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record

BEIJING = timezone(timedelta(hours=8))
SAID = {
    10002: "参数错误",
    10003: "client_key错误",
    10007: "授权码过期",
    10008: "access_token无效",
    10010: "refresh_token过期",
    10013: "client_key或者client_secret报错",
    10020: "refresh_token刷新次数上限",
    2100005: "参数不合法",
    2111001: "评论内容包含敏感词",
    2111003: "评论id无效",
    2190001: "quota已用完",
    2190002: "access_token无效",
    2190003: "用户未授权该api",
    2190004: "应用未获得该能力",
    2190005: "视频文件太大了",
    2190006: "视频时长不能超过15分钟",
    2190007: "无效的视频文件id",
    2190008: "access_token过期,请刷新或重新授权",
    2190015: "请求参数access_token openid不匹配",
    28001007: "参数不合法",
    28001012: "用户未授权该api",
    28003070: "发送消息频率过快",
}


class Refused(Refusal):
    """Douyin says no: an error code, with HTTP 200."""

    def __init__(self, code: int, more: str = "") -> None:
        super().__init__(f"{SAID[code]} {more}".strip())
        self.code = code


def log_id() -> str:
    return secrets.token_hex(16).upper()


def signing(data: Record, code: int = 0, said: str = "") -> JSONResponse:
    """Answer as the sign-in endpoints do."""
    body = {
        **data,
        "error_code": code,
        "description": said,
        "captcha": "",
        "desc_url": "",
        "log_id": log_id(),
    }
    return JSONResponse({"data": body, "message": "error" if code else "success"})


def answer(data: Record, now: datetime, settings: Record, *, code: int = 0, said: str = "") -> JSONResponse:
    """Answer as all others do; `top` in `data` stands beside it, where Douyin puts it."""
    top = data.pop("top", {})
    shown: int | str = str(code) if settings["numbers_as_strings"] else code
    extra: Record = {"logid": log_id(), "now": int(now.timestamp() * 1000)}
    if not settings["bare_extra"]:
        extra |= {"error_code": shown, "description": said, "sub_error_code": 0, "sub_description": ""}
    return JSONResponse({"data": {**data, "error_code": shown, "description": said}, "extra": extra, **top})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised call."""

    account: Record
    query: Mapping[str, str]
    body: Mapping[str, Any]
    file: tuple[str, bytes] | None = field(
        default=None, repr=False
    )  # content type and bytes of the multipart field

    def need(self, name: str) -> str:
        value = self.query.get(name) or self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Refused(2100005, name)
        return value

    def number(self, name: str, default: int, most: int) -> int:
        value = self.query.get(name, str(default))
        if not value.isdecimal() or int(value) > most:
            raise Refused(2100005, name)
        return int(value)
