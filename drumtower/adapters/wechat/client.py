"""Calls to api.weixin.qq.com: the token in the query, JSON without \\u escapes, errors in HTTP 200 answers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import httpx

from drumtower.adapters.wechat.errors import DAILY, RULES
from drumtower.domain import failures
from drumtower.platforms import Media, PlatformCalls, PlatformError, RemoteError
from drumtower.platforms.calls import ErrorReader, HttpClient
from drumtower.platforms.errors import lost

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
# "Already done": a mass send with this clientmsgid (45065), a reply to this comment (88005).
DONE = frozenset({"45065", "88005"})
LONGEST_ID = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One account's calls. `token` is empty only for the call that buys one."""

    calls: PlatformCalls
    token: str = field(default="", repr=False)

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        return await self._call("GET", path, once=False, query=query)

    async def post(self, path: str, body: Mapping[str, Any], *, once: bool = False) -> dict[str, Any]:
        """Post JSON. `once`: a repeat would be visible in public."""
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return await self._call("POST", path, once=once, content=content, headers=headers)

    async def upload(self, path: str, media: Media, name: str, **query: str) -> dict[str, Any]:
        """Send a file under `name`; a second upload of it is a harmless duplicate."""
        files = {"media": (name, await media.read(), media.content_type)}
        return await self._call("POST", path, once=False, query=query, files=files)

    async def _call(
        self, method: str, path: str, *, once: bool, query: Mapping[str, str] | None = None, **request: Any
    ) -> dict[str, Any]:
        params = {"access_token": self.token} if self.token else {}
        try:
            body = await self.calls.call(
                method, path, once=once, params={**params, **(query or {})}, **request
            )
        except PlatformError as error:
            if error.failure.platform_code == DAILY:
                raise PlatformError(daily_limit(error.failure, datetime.now(UTC))) from error
            raise
        if isinstance(body, dict):
            return body
        raise PlatformError(lost("the answer is no JSON object", once=once))


def connect(http: HttpClient, base_url: str, *, token: str = "", secrets: Iterable[str] = ()) -> Client:
    """Make a client; `token` and `secrets` are cut out of whatever the platform says about an error."""
    reader = _reader(tuple(sorted({token, *secrets} - {""}, key=len, reverse=True)))
    return Client(
        calls=PlatformCalls(http=http, base_url=base_url, read_error=reader, rules=RULES), token=token
    )


def _reader(secrets: tuple[str, ...]) -> ErrorReader:
    def read(_: httpx.Response, body: Any) -> RemoteError | None:
        code = str(body.get("errcode") or "0") if isinstance(body, dict) else "0"
        if code == "0" or code in DONE:
            return None
        said = str(body.get("errmsg") or "")
        for secret in secrets:
            said = said.replace(secret, "***")
        return RemoteError(code=code[:32], said=said)

    return read


def daily_limit(failure: failures.Failure, now: datetime) -> failures.Failure:
    """Date a used-up daily quota: it opens at the next midnight in Beijing."""
    if not isinstance(failure, failures.RateLimited) or failure.until is not None:
        return failure
    tomorrow = now.astimezone(BEIJING).date() + timedelta(days=1)
    return replace(failure, until=datetime.combine(tomorrow, time(), BEIJING).astimezone(UTC))


def required(body: Mapping[str, Any], name: str, *, once: bool = False) -> str:
    """Return an id from an answer; an answer without it proves nothing."""
    value = body.get(name)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and 0 < len(text) <= LONGEST_ID:
        return text
    raise PlatformError(lost(f"the answer has no usable {name}", once=once))


def listed(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a list that must be there: an answer without it says nothing."""
    if isinstance(body.get(name), list):
        return objects(body[name])
    raise PlatformError(lost(f"the answer has no list {name}", once=False))


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; anything else reads as none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value: Any) -> int | None:
    """Return a count from an answer; what is no count is not given."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and value >= 0 else None


def instant(value: Any) -> datetime:
    """Return the moment of an epoch second; nonsense reads as the epoch."""
    seconds = count(value) or 0
    return datetime.fromtimestamp(seconds if seconds < 2**32 else 0, UTC)
