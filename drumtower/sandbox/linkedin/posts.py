"""/rest/posts of the LinkedIn sandbox."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from drumtower.sandbox.linkedin.little import shown
from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.linkedin.wire import Call, Refused, invalid, ms, page
from drumtower.sandbox.store import Record

LONGEST, LONGEST_TITLE = 3000, 400
REQUIRED = ("author", "commentary", "visibility", "distribution", "lifecycleState")
_KNOWN = {*REQUIRED, "content", "isReshareDisabledByAuthor", "reshareContext"}
UNTOUCHED: Record = {"impressions": 0, "likes": 0, "comments": 0, "shares": 0, "deleted": False}
_FORMS = {"media", "multiImage", "article"}


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


async def create(state: State, call: Call) -> Response:
    """Publish at once; the answer has no body, the id stands in its header."""
    body = _checked(call.body)
    state.may_write(call.token, body["author"])
    text = shown(body["commentary"])
    if utf16(text) > LONGEST:
        raise Refused(400, "FIELD_LENGTH_TOO_LONG", f"commentary exceeds {LONGEST} characters")
    content = body.get("content") or {}
    _check_content(state, body["author"], content)
    if not body["commentary"].strip() and not content:
        raise Refused(422, None, "ERROR :: /commentary :: a post needs text or content\n")
    _check_repeats(state, body)
    post = _store(state, body, text, content)
    return Response(status_code=201, headers={"x-restli-id": post["id"], "x-linkedin-id": post["id"]})


def _checked(body: Any) -> Record:
    if not isinstance(body, dict):
        raise invalid("Request body could not be converted to data map", "ILLEGAL_ARGUMENT")
    missing = [name for name in REQUIRED if name not in body]
    wrong = [f"/{name} :: unrecognized field found but not allowed" for name in body if name not in _KNOWN]
    wrong += [f"/{name} :: field is required but not found and has no default value" for name in missing]
    if not wrong and not isinstance(body["commentary"], str):
        wrong = ["/commentary :: is no string"]
    if not wrong and body["visibility"] not in ("PUBLIC", "LOGGED_IN", "CONNECTIONS"):
        wrong = ["/visibility :: is not an enum symbol"]
    if not wrong and body["visibility"] == "CONNECTIONS" and ":organization:" in str(body["author"]):
        wrong = ["/visibility :: pages have no connections"]
    if wrong:
        raise Refused(422, None, "".join(f"ERROR :: {one}\n" for one in wrong))
    return body


def _check_content(state: State, author: str, content: Record) -> None:
    if content and (len(content) != 1 or not set(content) <= _FORMS):
        raise invalid(f"content is one of {sorted(_FORMS)}", "FIELD_INVALID")
    images = list(content.get("multiImage", {}).get("images", []))
    if "multiImage" in content and not 2 <= len(images) <= 20:
        raise invalid("multiImage has 2 to 20 images", "FIELD_INVALID")
    images += [content["media"]] if "media" in content else []
    article = content.get("article")
    if article is not None:
        _check_article(article)
        images += [{"id": article["thumbnail"]}] if "thumbnail" in article else []
    for image in images:
        _check_image(state, author, image)


def _check_article(article: Record) -> None:
    if not str(article.get("source", "")).startswith(("http://", "https://")):
        raise invalid("article/source is no address", "FIELD_INVALID")
    if utf16(str(article.get("title", ""))) > LONGEST_TITLE:
        raise Refused(400, "FIELD_LENGTH_TOO_LONG", f"article/title exceeds {LONGEST_TITLE} characters")


def _check_image(state: State, author: str, image: Record) -> None:
    found = state.store.get("images", str(image.get("id")))
    if found is None or found["owner"] != author:
        raise invalid(f"{image.get('id')} is no image of the author", "INVALID_URN_TYPE")
    if found["status"] != "AVAILABLE":
        raise invalid(f"{image['id']} is {found['status']}", "INVALID_VALUE_FOR_FIELD")
    if utf16(str(image.get("altText", ""))) > 4086:
        raise Refused(400, "FIELD_LENGTH_TOO_LONG", "altText exceeds 4086 characters")


def _key(body: Record) -> str:
    same = json.dumps([body["author"], body["commentary"], body.get("content")], sort_keys=True)
    return hashlib.sha256(same.encode("utf-8", "surrogatepass")).hexdigest()


def _check_repeats(state: State, body: Record) -> None:
    first = state.store.get("_contents", _key(body))
    window = timedelta(hours=state.settings()["duplicate_hours"])
    if first is None or datetime.fromisoformat(first["at"]) <= state.now() - window:
        return
    # The first one is named though it may be gone by now.
    said = (
        "com.linkedin.content.common.exception.BadRequestResponseException: "
        f"Content is a duplicate of {first['post']}"
    )
    error = {"description": "Duplicate post is detected", "input": {}, "code": "DUPLICATE_POST"}
    raise Refused(422, None, said, inputs=[error])


def _store(state: State, body: Record, text: str, content: Record) -> Record:
    now, number = state.now(), state.number()
    kind = "ugcPost" if "multiImage" in content else "share"
    post: Record = {
        "id": f"urn:li:{kind}:{number}",
        "activity": f"urn:li:activity:{state.number()}",
        "account": body["author"],
        "text": text,
        "commentary": body["commentary"],
        "content": content,
        "visibility": body["visibility"],
        "resharing": not body.get("isReshareDisabledByAuthor", False),
        "created_at": now.isoformat(),
        "listed_at": (now + timedelta(seconds=state.settings()["list_lag_seconds"])).isoformat(),
    } | UNTOUCHED
    state.store.put("posts", post["id"], post)
    state.store.put("_activities", post["activity"], {"post": post["id"]})
    state.store.put("_contents", _key(body), {"post": post["id"], "at": now.isoformat()})
    return post


def post_json(post: Record) -> Record:
    """One post as its author reads it."""
    at = ms(post["created_at"])
    return {
        "id": post["id"],
        "author": post["account"],
        "commentary": post["commentary"],
        "visibility": post["visibility"],
        "lifecycleState": "PUBLISHED",
        "lifecycleStateInfo": {"isEditedByAuthor": False},
        "isReshareDisabledByAuthor": not post["resharing"],
        "createdAt": at,
        "publishedAt": at,
        "lastModifiedAt": at,
        **({"content": post["content"]} if post["content"] else {}),
    }


async def by_author(state: State, call: Call) -> Record:
    """The newest first; a post that was written just now is not listed yet."""
    call.finder("author")
    author = call.text("author")
    state.may_read(call.token, owner=author)
    rows = [
        post_json(post)
        for post in reversed(state.store.all("posts"))
        if post["account"] == author
        and not post["deleted"]
        and datetime.fromisoformat(post["listed_at"]) <= state.now()
    ]
    return page(call, rows, total=False)


async def read(state: State, call: Call) -> Record:
    state.may_read(call.token)
    post = state.post(call.urn)
    state.may_read(call.token, owner=post["account"])
    return post_json(post)


async def delete(state: State, call: Call) -> Response:
    """Take it down; once more is fine."""
    if call.request.headers.get("x-restli-method") != "DELETE":
        raise invalid("X-RestLi-Method must be DELETE", "ILLEGAL_ARGUMENT")
    post = state.store.get("posts", call.urn)
    if post is not None:
        state.may_write(call.token, post["account"])
        state.store.put("posts", post["id"], post | {"deleted": True})
    return Response(status_code=204)
