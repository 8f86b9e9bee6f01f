"""How a WordPress site answers: the envelope of its errors, its records as they are shown, who is asking."""

import base64
import binascii
import html
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drumtower.sandbox.store import Record

HOST = "https://gulou.example"
API = f"{HOST}/wp-json/wp/v2"
_COMMENT, _BREAK, _TAG = re.compile(r"<!--.*?-->\n?"), re.compile(r"<br\s*/?>\n?"), re.compile(r"<[^>]*>")
Endpoint = Callable[[Request], Awaitable[Any]]


class Refused(Exception):
    """The site answers with an error of its own."""

    def __init__(self, status: int, code: str, said: str = "", **data: Any) -> None:
        super().__init__(code)
        self.status = status
        self.answer = {"code": code, "message": said or code, "data": {"status": status, **data}}


def route(path: str, answer: Endpoint, method: str = "GET") -> Route:
    """Serve `answer`; what is made new is a 201, as on the site."""

    async def endpoint(request: Request) -> JSONResponse:
        try:
            made = await answer(request)
        except Refused as refused:
            return JSONResponse(refused.answer, status_code=refused.status)
        return JSONResponse(made, status_code=201 if method == "POST" else 200)

    return Route(f"/wp-json/wp/v2/{path}", endpoint, methods=[method])


def login_of(request: Request) -> tuple[str, str]:
    """Return the name and the password that came; spaces in the latter mean nothing."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (name, password.replace(" ", "")) if scheme == "Basic" else ("", "")


async def json_of(request: Request) -> Record:
    try:
        body = await request.json()
    except ValueError as error:
        raise Refused(400, "rest_invalid_json") from error
    return body if isinstance(body, dict) else {}


def text_of(content: str) -> str:
    """Return what a visitor reads of a post's content."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", _COMMENT.sub("", content))))


def gmt(moment: str) -> str:
    """Write an ISO moment as the site does: whole seconds, no zone."""
    return moment[:19]


def page_of(rows: Sequence[Record], request: Request, kind: str) -> list[Record]:
    """Cut a list to the page that was asked for; one past the end is an error."""
    size, page = int(request.query_params.get("per_page", 10)), int(request.query_params.get("page", 1))
    if not 1 <= size <= 100:
        raise Refused(400, "rest_invalid_param", "per_page must be between 1 and 100.")
    if page > 1 and (page - 1) * size >= len(rows):
        raise Refused(400, f"rest_{kind}_invalid_page_number")
    return list(rows[(page - 1) * size : page * size])


def shown_post(post: Record) -> Record:
    address = f"{HOST}/{post['slug']}/" if post["status"] == "publish" else f"{HOST}/?p={post['id']}"
    return {
        **{name: post[name] for name in ("slug", "status", "tags", "categories", "featured_media")},
        "id": int(post["id"]),
        "date_gmt": gmt(post["created_at"]),
        "link": address,
        "title": {"raw": post["title"], "rendered": post["title"]},
        "content": {"raw": post["content"], "rendered": post["content"]},
    }


def shown_media(media: Record) -> Record:
    return {
        "id": int(media["id"]),
        "slug": media["slug"],
        "title": {"rendered": media["title"]},
        "alt_text": media["alt_text"],
        "source_url": f"{HOST}/wp-content/uploads/{media['file']}",
    }


def shown_comment(comment: Record) -> Record:
    author = {"author": [{"href": f"{API}/users/{comment['author']}"}]} if comment["author"] else {}
    return {
        "id": int(comment["id"]),
        "post": int(comment["post"]),
        "parent": int(comment["in_reply_to"] or 0),
        "author": comment["author"],
        "author_name": comment["author_name"],
        "date_gmt": gmt(comment["created_at"]),
        "content": {"rendered": f"<p>{comment['content']}</p>\n"},
        "link": f"{HOST}/?p={comment['post']}#comment-{comment['id']}",
        "status": "approved",
        "_links": {"self": [{"href": f"{API}/comments/{comment['id']}"}], **author},
    }
