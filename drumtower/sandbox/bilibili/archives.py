"""Videos: uploads in parts at the upload host, covers, submissions, lists, numbers."""

import hashlib
import secrets
from datetime import datetime
from typing import Any

from drumtower.sandbox.bilibili.state import OPEN, WAITING, Refused, State
from drumtower.sandbox.store import Record

MOST_PARTS, LARGEST_COVER = 512, 5 * 1024 * 1024
LONGEST = {"title": (80, 123030), "desc": (250, 123014), "tag": (200, 123012)}


def begin(state: State, account: Record, asked: Record) -> Record:
    name = str(asked.get("name", ""))
    if "." not in name or asked.get("utype") not in ("0", "1"):
        raise Refused(4000, "name")
    token = secrets.token_hex(12)
    upload: Record = {
        "token": token,
        "account": account["id"],
        "parts": {},
        "digest": None,
        "resource_id": None,
    }
    state.store.put("_uploads", token, upload)
    return {"upload_token": token}


def take_part(state: State, token: str, number: str, data: bytes) -> Record:
    upload = _upload(state, token)
    if not number.isdecimal() or not 1 <= int(number) <= MOST_PARTS or not data:
        raise Refused(4000, "part_number")
    digest = hashlib.sha256(data).hexdigest()
    part = {"size": len(data), "sha256": digest, "head": data[:16].hex()}
    state.store.put("_uploads", token, upload | {"parts": upload["parts"] | {number: part}})
    return {"etag": digest[:32]}


def complete(state: State, account: Record, token: str) -> None:
    upload = _upload(state, token, account)
    parts = [upload["parts"].get(str(number + 1)) for number in range(len(upload["parts"]))]
    if not parts or None in parts:
        raise Refused(123006, "parts")
    head = bytes.fromhex(parts[0]["head"])
    if head[4:8] != b"ftyp" and not head.startswith(b"FLV"):
        raise Refused(123006, "video")
    digest = hashlib.sha256("".join(part["sha256"] for part in parts).encode()).hexdigest()
    state.store.put("_uploads", token, upload | {"digest": digest})


def _upload(state: State, token: str, account: Record | None = None) -> Record:
    found = state.store.get("_uploads", token)
    if found is None or (account is not None and found["account"] != account["id"]):
        raise Refused(127022, "upload_token")
    return found


def take_cover(data: bytes) -> Record:
    if data.startswith(b"GIF8"):
        raise Refused(123038, "gif")
    if not data.startswith((b"\xff\xd8\xff", b"\x89PNG")) or len(data) > LARGEST_COVER:
        raise Refused(4000, "file")
    return {"url": f"https://archive.biliimg.example/{hashlib.sha256(data).hexdigest()[:32]}.jpg"}


def submit(state: State, account: Record, token: str, asked: Record) -> Record:
    """Take a submission; its review follows. An upload gives one only (UNVERIFIED: the code of a second)."""
    upload = _upload(state, token, account)
    _check(asked)
    if upload["digest"] is None or upload["resource_id"] is not None:
        raise Refused(123015 if upload["resource_id"] else 123006, "upload_token")
    _check_pace(state, account)
    number = state.store.next_number("archive")
    resource_id = f"BV1{_base58(number)}"
    row: Record = {
        "id": resource_id,
        "account": account["id"],
        "title": asked["title"],
        "text": asked.get("desc", ""),
        "created_at": state.now().isoformat(),
        "opened_at": None,
        "state": WAITING,
        "reason": "",
        "digest": upload["digest"],
        "deleted": False,
        **{name: asked.get(name) for name in ("tid", "tag", "copyright", "source", "no_reprint", "cover")},
    }
    state.store.put("_archives", resource_id, row)
    state.store.put("_uploads", token, upload | {"resource_id": resource_id})
    return {"resource_id": resource_id}


def _base58(number: int) -> str:
    letters, text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", ""
    number += 58**8
    while number:
        number, rest = divmod(number, 58)
        text = letters[rest] + text
    return text


def _check(asked: Record) -> None:
    if not isinstance(asked.get("title"), str) or not asked["title"].strip():
        raise Refused(123013, "title")
    for name, (most, code) in LONGEST.items():
        if len(str(asked.get(name) or "")) > most:
            raise Refused(code, name)
    if not asked.get("tag"):
        raise Refused(123012, "tag")
    if not isinstance(asked.get("tid"), int):
        raise Refused(123003, "tid")
    if asked.get("copyright") not in (1, 2) or (asked["copyright"] == 2 and not asked.get("source")):
        raise Refused(123016, "source")


def _check_pace(state: State, account: Record) -> None:
    settings, rows = state.settings(), state.own(account["id"])
    times = [datetime.fromisoformat(row["created_at"]) for row in rows]
    if times and (state.now() - max(times)).total_seconds() < settings["seconds_between"]:
        raise Refused(123026)
    today = [at for at in times if at.date() == state.now().date()]
    if settings["submissions_a_day"] and len(today) >= settings["submissions_a_day"]:
        raise Refused(123036)


def shown(row: Record) -> Record:
    """One submission as its owner sees it."""

    def seconds(at: str | None) -> int:
        return int(datetime.fromisoformat(at).timestamp()) if at else 0

    said = {OPEN: "开放浏览", WAITING: "待审"}.get(row["state"], "已退回")
    address = f"https://www.bilibili.com/video/{row['id']}"
    return {
        **{name: row[name] for name in ("title", "tid", "tag", "copyright", "no_reprint", "cover")},
        "resource_id": row["id"],
        "desc": row["text"],
        "ctime": seconds(row["created_at"]),
        "ptime": seconds(row["opened_at"]),
        "addit_info": {"state": row["state"], "state_desc": said, "reject_reason": row["reason"]},
        "video_info": {"cid": 1, "filename": row["digest"][:16], "duration": 15, "share_url": address},
    }


def listed(state: State, account: Record, page: int, size: int) -> dict[str, Any]:
    if not 1 <= size <= 50 or page < 1:
        raise Refused(4000, "ps")
    rows = state.own(account["id"])
    start = (page - 1) * size
    some = [shown(row) for row in rows[start : start + size]]
    return {"list": some, "page": {"pn": page, "ps": size, "total": len(rows)}}


def stat(state: State, account: Record, resource_id: str) -> Record:
    row = state.archive(account["id"], resource_id)
    post = state.store.get("posts", row["id"]) or {}
    counts = {"view": "reads", "reply": "comments", "favorite": "saves", "share": "shares", "like": "likes"}
    numbers = {name: post.get(ours, 0) for name, ours in counts.items()}
    return {"title": row["title"], "ptime": shown(row)["ptime"], **numbers, "danmaku": 0, "coin": 0}


def delete(state: State, account: Record, resource_id: str) -> None:
    row = state.archive(account["id"], resource_id)
    state.store.put("_archives", row["id"], row | {"deleted": True})
    if (post := state.store.get("posts", row["id"])) is not None:
        state.store.put("posts", row["id"], post | {"deleted": True})
