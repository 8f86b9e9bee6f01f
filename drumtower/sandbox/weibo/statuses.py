"""statuses/* and short_url/expand of the Weibo sandbox, for a normal audited app."""

import ipaddress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo.accounts import user_json, when
from drumtower.sandbox.weibo.state import State
from drumtower.sandbox.weibo.wire import URL, Call, Picture, Refused, length, page

PICTURE_LIMIT = 5 * 1024 * 1024
_MAGIC = (b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"\x89PNG\r\n\x1a\n")
_BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


async def share(state: State, call: Call) -> Any:
    """Publish one status; everything the documentation asks of the text and the picture is checked."""
    account = call.account["id"]
    text = call.params.get("status", "")
    _check_text(state, account, text)
    _check_address(call.need("rip"))
    _check_picture(call.picture)
    _check_repeats(state, account, text)
    if not state.spend(account, "posts", call.account["posts_per_hour"], f"{state.now():%Y%m%d%H}"):
        raise Refused(20016)
    pending = state.settings()["pending"]
    post = _store(state, account, text, call.picture, pending=bool(pending))
    if pending:
        state.set(pending=pending - 1)
        raise Refused(20032)
    return status_json(state, post)


def _check_text(state: State, account: str, text: str) -> None:
    if not text.strip():
        raise Refused(20008)
    if length(text) > 140:
        raise Refused(20012)
    domain = state.app(account)["security_domain"]
    if not any(_under(url, domain) for url in URL.findall(text)):
        raise Refused(10017, "(text not find domain!)")
    if any(word in text for word in state.settings()["banned"]):
        raise Refused(20021)


def _under(url: str, domain: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == domain or host.endswith(f".{domain}")


def _check_address(address: str) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise Refused(10008, "(rip)") from error


def _check_picture(picture: Picture | None) -> None:
    if picture is None:
        return
    if len(picture.data) >= PICTURE_LIMIT:
        raise Refused(20006)
    if not picture.data.startswith(_MAGIC):
        raise Refused(20005)


def _check_repeats(state: State, account: str, text: str) -> None:
    if state.repeats(account, "status", text):
        raise Refused(20019)
    if state.repeats(account, "bare", _bare(text)):
        raise Refused(20017)


def _bare(text: str) -> str:
    return "".join(URL.sub("", text).split())


def _store(state: State, account: str, text: str, picture: Picture | None, *, pending: bool) -> Record:
    now = state.now()
    hidden = timedelta(seconds=state.settings()["pending_seconds"] if pending else 0)
    post: Record = {
        "id": state.new_id(),
        "account": account,
        "text": text,
        "wire_text": URL.sub(lambda match: _shorten(state, match.group()), text),
        "created_at": now.isoformat(),
        "visible_at": (now + hidden).isoformat(),
        "picture": {"content_type": picture.content_type, "size": len(picture.data)} if picture else None,
        "likes": 0,
        "comments": 0,
        "shares": 0,
        "reads": None,  # Weibo gives a normal app no read counts
        "deleted": False,
    }
    state.add_post(post)
    state.remember(account, "status", text)
    state.remember(account, "bare", _bare(text))
    return post


def _shorten(state: State, url: str) -> str:
    number, code = state.store.next_number("short_url", 916_132_832), ""
    while number:
        number, digit = divmod(number, 62)
        code = _BASE62[digit] + code
    short = f"http://t.cn/{code}"
    state.store.put("_short_urls", short, {"url_long": url})
    return short


def status_json(state: State, post: Record) -> Record:
    """One status as Weibo writes it."""
    author = post.get("author") or state.account(post["account"])
    picture = "http://ww1.sinaimg.cn/thumbnail/gulou.jpg" if post.get("picture") else None
    return {
        "created_at": when(state, post),
        "id": int(post["id"]),
        "mid": post["id"],
        "idstr": post["id"],
        "text": post["wire_text"],
        "textLength": length(post["wire_text"]),
        "source": '<a href="http://app.weibo.com/t/feed/gulou" rel="nofollow">Drumtower</a>',
        "favorited": False,
        "truncated": False,
        "in_reply_to_status_id": "",
        "pic_urls": [{"thumbnail_pic": picture}] if picture else [],
        "geo": None,
        "user": user_json(state, author),
        "reposts_count": post["shares"],
        "comments_count": post["comments"],
        "attitudes_count": post["likes"],
        "visible": {"type": 0, "list_id": 0},
    }


async def user_timeline(state: State, call: Call) -> Any:
    """The authorised user only, and only the newest few; what is deleted makes the list shorter."""
    if call.params.get("uid", call.account["id"]) != call.account["id"]:
        raise Refused(10014)
    newest = state.settings()["timeline"]
    seen = [post for post in state.timeline(call.account["id"], newest + 20) if state.visible(post)]
    rows = [post for post in page(seen[:newest], call, limit=100) if not post["deleted"]]
    found = [status_json(state, post) for post in rows]
    total = state.post_count(call.account["id"])
    return {"statuses": found, "previous_cursor": 0, "next_cursor": 0, "total_number": total}


async def show(state: State, call: Call) -> Any:
    return status_json(state, state.post(call.need("id")))


async def count(state: State, call: Call) -> Any:
    """Counters of up to 100 statuses; ids that are not there are left out."""
    ids = call.need("ids").split(",")
    if len(ids) > 100:
        raise Refused(10008, "(ids)")
    posts = [post for post in (state.store.get("posts", post_id) for post_id in ids) if post]
    return [
        {
            "id": int(post["id"]),
            "comments": post["comments"],
            "reposts": post["shares"],
            "attitudes": post["likes"],
        }
        for post in posts
        if not post["deleted"] and state.visible(post)
    ]


async def destroy(state: State, call: Call) -> Any:
    """Closed to normal apps."""
    if call.account["level"] != "advanced":
        raise Refused(10014)
    post = state.post(call.need("id"))
    if post["account"] != call.account["id"]:
        raise Refused(20102)
    state.store.put("posts", post["id"], post | {"deleted": True})
    return status_json(state, post)


async def mentions(state: State, call: Call) -> Any:
    """Statuses of others that @ the account, newest first."""
    rows = [row for row in reversed(state.store.all("mentions")) if row["account"] == call.account["id"]]
    found = [status_json(state, row) for row in page(rows, call, limit=200)]
    return {"statuses": found, "previous_cursor": 0, "next_cursor": 0, "total_number": len(rows)}


async def expand(state: State, call: Call) -> Any:
    """Long forms of up to 20 short links."""
    if state.settings()["expand_closed"]:
        raise Refused(10014)
    shorts = call.params.getlist("url_short")
    if not shorts or len(shorts) > 20:
        raise Refused(10008, "(url_short)")
    found = [(short, state.store.get("_short_urls", short)) for short in shorts]
    urls = [
        {"result": bool(row), "url_short": short, "url_long": row["url_long"] if row else "", "type": 0}
        for short, row in found
    ]
    return {"urls": urls}
