"""The sign-in of the Weibo sandbox (oauth2/*) and the user pages."""

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo.state import State
from drumtower.sandbox.weibo.wire import Call, Refused, stamp


def open_account(state: State, options: Record) -> Record:
    """Open an account with an app of its own; limits that are not named do not bind.

    Options: id, name, security_domain, level (normal | advanced), fan_service, followers, posts_per_hour,
    calls_per_day.
    """
    number = state.store.next_number("account", 1_900_000_001)
    account = str(options.get("id") or number)
    record = {
        "id": account,
        "name": options.get("name") or f"鼓楼文创{number % 1000}",
        "followers": options.get("followers", 1204),
        "level": options.get("level", "normal"),
        "fan_service": options.get("fan_service", True),
        "posts_per_hour": options.get("posts_per_hour"),
        "calls_per_day": options.get("calls_per_day"),
    }
    app = {
        "account": account,
        "app_key": str(2_500_000_000 + number % 1_000_000),
        "app_secret": secrets.token_hex(16),
        "security_domain": options.get("security_domain", "gulou.example"),
    }
    state.store.put("accounts", account, record)
    state.store.put("_apps", account, app)
    values = {name: app[name] for name in ("app_key", "app_secret", "security_domain")}
    tokens = {"access_token": state.issue(account), "fan_service_token": state.issue(account)}
    return {"id": account, **values, **tokens, "rip": "203.0.113.7"}


def user_json(state: State, who: Record) -> Record:
    """One user as every answer embeds it; `who` is an account or a member of the public."""
    account = state.store.get("accounts", who["id"])
    name = who["name"]
    user = {
        "id": int(who["id"]),
        "idstr": who["id"],
        "screen_name": name,
        "name": name,
        "verified": account is not None,
    }
    counts = {"followers_count": account["followers"] if account else 12, "friends_count": 447}
    return user | counts | {"statuses_count": state.post_count(who["id"]) if account else 3, "gender": "n"}


async def users_show(state: State, call: Call) -> Any:
    uid = call.need("uid")
    if uid != call.account["id"]:
        raise Refused(20003)
    return user_json(state, call.account) | {
        "favourites_count": 0,
        "bi_followers_count": 88,
        "location": "北京",
    }


async def rate_limit_status(state: State, call: Call) -> Any:
    limit = call.account["posts_per_hour"] or 30
    api = {"api": "/statuses/share", "limit": limit, "limit_time_unit": "HOURS", "remaining_hits": limit}
    head = {"ip_limit": 15000, "limit_time_unit": "HOURS", "remaining_ip_hits": 15000, "user_limit": 150}
    reset = {"reset_time": f"{state.now():%Y-%m-%d %H:00:00}", "reset_time_in_seconds": 2415}
    return head | reset | {"remaining_user_hits": 150, "api_rate_limits": [api]}


async def token_info(state: State, call: Call) -> Any:
    token = state.store.get("_tokens", call.need("access_token")) or {}
    left = int((datetime.fromisoformat(token["expires_at"]) - state.now()).total_seconds())
    app_key = state.app(call.account["id"])["app_key"]
    created = int(state.now().timestamp()) - 60
    # The remaining life comes as a string here and as a number from oauth2/access_token.
    head = {"uid": int(call.account["id"]), "appkey": app_key, "scope": None}
    return head | {"create_at": created, "expire_in": str(left)}


async def revoke(state: State, call: Call) -> Any:
    token = call.need("access_token")
    state.store.put("_tokens", token, (state.store.get("_tokens", token) or {}) | {"revoked": True})
    return {"result": "true"}


def consent(state: State, params: Record) -> str:
    """The owner of the app agrees at once; return where the browser goes next."""
    app = _app(state, params.get("client_id", ""))
    code = secrets.token_hex(16)
    state.store.put(
        "_codes", code, {"account": app["account"], "redirect_uri": params.get("redirect_uri", "")}
    )
    return f"{params.get('redirect_uri', '')}?{urlencode({'state': params.get('state', ''), 'code': code})}"


def exchange(state: State, params: Record) -> Record:
    """Turn a code into a token, once."""
    app = _app(state, params.get("client_id", ""))
    if params.get("client_secret") != app["app_secret"]:
        raise Refused(21324)
    code = state.store.get("_codes", params.get("code", ""))
    if (
        code is None
        or code["account"] != app["account"]
        or code["redirect_uri"] != params.get("redirect_uri")
    ):
        raise Refused(21325, f"invalid authorization code:{params.get('code', '')}")
    state.store.delete("_codes", params["code"])
    life = 2_591_999
    token = state.issue(app["account"])
    lives = {"remind_in": str(life), "expires_in": life}
    return {"access_token": token, **lives, "uid": app["account"], "isRealName": "true"}


def _app(state: State, app_key: str) -> Record:
    for app in state.store.all("_apps"):
        if app["app_key"] == app_key:
            return app
    raise Refused(21324)


def when(state: State, record: Record) -> str:
    """A record's time on the wire."""
    return stamp(datetime.fromisoformat(record["created_at"]))
