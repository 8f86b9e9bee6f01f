"""One site: application passwords, posts under slugs, the media library, terms, comments.

As a real WordPress 6.1.9 does it (`tests/real`): a slug that is taken becomes `slug-2`, who is unknown is answered as
anybody, categories that are not there are left out, a comment said twice is a 409.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from drumtower.sandbox.wordpress.wire import (
    API,
    HOST,
    Refused,
    json_of,
    login_of,
    page_of,
    route,
    shown_comment,
    shown_media,
    shown_post,
    text_of,
)

LARGEST_FILE, LONGEST_COMMENT, LONGEST_TITLE = 8 * 1024 * 1024, 65_525, 65_535
_STATUSES = ("publish", "private", "pending", "draft", "future")
_SIGNATURES = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
_NAME = re.compile(r'filename="([^"]+)\.([a-z]+)"')
_ROLES = {
    "editor": ("publish_posts", "upload_files", "delete_posts", "delete_published_posts", "edit_posts"),
    "contributor": ("edit_posts", "delete_posts"),
}


class WordPressSandbox(SandboxPlatform):
    """Ours and others' comments are `comments`; posts in the bin are `posts` that are deleted."""

    slug: ClassVar[str] = "wordpress"

    def routes(self) -> list[BaseRoute]:
        return [
            route("users/me", self._me),
            route("posts", self._posts),
            route("posts", self._publish, "POST"),
            route("posts/{id}", self._post),
            route("posts/{id}", self._change, "POST"),
            route("posts/{id}", self._trash, "DELETE"),
            route("media", self._library),
            route("media", self._upload, "POST"),
            route("media/{id}", self._file),
            route("media/{id}", self._remove, "DELETE"),
            route("categories", self._categories),
            route("tags", self._tags),
            route("tags", self._add_tag, "POST"),
            route("comments", self._comments),
            route("comments", self._answer, "POST"),
            route("comments/{id}", self._said),
        ]

    def control_routes(self) -> list[BaseRoute]:
        acts = {"comment": self._say}
        return [self._control(name, act) for name, act in acts.items()]

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        """Open an account (name, role: editor or contributor) with an application password."""
        number = self.store.next_number("user")
        name = f"gulou{number}"
        password = " ".join(secrets.token_hex(2) for _ in range(6))
        role = account.get("role") or "editor"
        record = {"id": number, "username": name, "name": account.get("name") or "鼓楼茶", "role": role}
        self.store.put("accounts", name, record | {"password": password.replace(" ", "")})
        self.store.put("_terms", "1", {"id": 1, "name": "Uncategorized", "taxonomy": "category"})
        return {"id": f"{API}/users/{number}", "username": name, "app_password": password}

    def _user(self, request: Request, otherwise: str = "rest_not_logged_in") -> Record:
        name, password = login_of(request)
        user = self.store.get("accounts", name)
        if user is None or user["password"] != password:
            raise Refused(401, otherwise)
        return user

    def _author(self, request: Request, needs: str, code: str) -> Record:
        user = self._user(request, code)
        if needs not in _ROLES[user["role"]]:
            raise Refused(403, code, "Sorry, you are not allowed to do that.")
        return user

    async def _me(self, request: Request) -> Record:
        user = self._user(request)
        address = f"{API}/users/{user['id']}"
        return {
            "id": user["id"],
            "name": user["name"],
            "link": f"{HOST}/author/{user['username']}/",
            "roles": [user["role"]],
            "capabilities": dict.fromkeys(_ROLES[user["role"]], True),
            "_links": {"self": [{"href": address}]},
        }

    async def _posts(self, request: Request) -> list[Record]:
        self._user(request, "rest_forbidden_context")
        slugs = request.query_params.get("slug", "").split(",")
        statuses = request.query_params.get("status", "publish").split(",")
        rows = [row for row in self.store.all("posts") if row["slug"] in slugs and row["status"] in statuses]
        return [shown_post(row) for row in page_of(rows, request, "post")]

    async def _post(self, request: Request) -> Record:
        self._user(request, "rest_forbidden_context")
        return shown_post(self._one("posts", request))

    async def _change(self, request: Request) -> Record:
        """Give a post another status; more is not needed here."""
        self._author(request, "publish_posts", "rest_cannot_edit")
        changed = self._one("posts", request) | {"status": (await json_of(request))["status"]}
        self.store.put("posts", changed["id"], changed)
        return shown_post(changed)

    async def _file(self, request: Request) -> Record:
        return shown_media(self._one("media", request))

    async def _said(self, request: Request) -> Record:
        return shown_comment(self._one("comments", request))

    def _one(self, collection: str, request: Request) -> Record:
        found = self.store.get(collection, request.path_params["id"])
        if found is None:
            raise Refused(404, "rest_post_invalid_id", "Invalid post ID.")
        return found

    async def _publish(self, request: Request) -> Record:
        user = self._author(request, "edit_posts", "rest_cannot_create")
        body = await json_of(request)
        status, title, content = (
            body.get(name) or default
            for name, default in (("status", "draft"), ("title", ""), ("content", ""))
        )
        if status not in _STATUSES:
            raise Refused(400, "rest_invalid_param", "Invalid parameter(s): status")
        if status in ("publish", "private") and "publish_posts" not in _ROLES[user["role"]]:
            raise Refused(403, "rest_cannot_publish")
        if not (title or content):
            raise Refused(400, "empty_content", "Content, title, and excerpt are empty.")
        if len(title.encode()) > LONGEST_TITLE:
            raise Refused(500, "db_insert_error", "Could not insert post into the database.")
        number = str(self.store.next_number("post", 101))
        record = {"id": number, "author": user["id"], "status": status, "title": title, "content": content}
        record |= {"slug": self._free_slug(body.get("slug") or f"post-{number}"), "text": text_of(content)}
        record |= {"tags": body.get("tags") or [], "categories": self._known(body.get("categories"))}
        record |= {"featured_media": body.get("featured_media") or 0, "created_at": self.now().isoformat()}
        self.store.put("posts", number, record | {"deleted": False})
        return shown_post(record)

    def _free_slug(self, wanted: str) -> str:
        taken = {row["slug"] for row in self.store.all("posts")}
        numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
        return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)

    def _known(self, categories: list[int] | None) -> list[int]:
        return [one for one in categories or [1] if self.store.get("_terms", str(one))]

    async def _trash(self, request: Request) -> Record:
        self._author(request, "delete_published_posts", "rest_cannot_delete")
        post = self._one("posts", request)
        if post["status"] == "trash":
            raise Refused(410, "rest_already_trashed", "The post has already been deleted.")
        gone = post | {"status": "trash", "slug": f"{post['slug']}__trashed", "deleted": True}
        self.store.put("posts", post["id"], gone)
        return shown_post(gone)

    async def _upload(self, request: Request) -> Record:
        self._author(request, "upload_files", "rest_cannot_create")
        named = _NAME.search(request.headers.get("content-disposition", ""))
        data, kind = await request.body(), request.headers.get("content-type", "")
        if named is None:
            raise Refused(400, "rest_upload_no_content_disposition")
        if len(data) > LARGEST_FILE:
            raise Refused(413, "rest_upload_file_too_big")
        if not data.startswith(_SIGNATURES.get(kind, b"\x00none")):
            raise Refused(500, "rest_upload_sideload_error", "Sorry, you may not upload this file type.")
        number = str(self.store.next_number("post", 101))
        title = request.query_params.get("title") or named[1]
        record = {"id": number, "slug": title, "title": title, "file": f"{named[1]}.{named[2]}"}
        record |= {"alt_text": request.query_params.get("alt_text", "")}
        self.store.put("media", number, record)
        return shown_media(record)

    async def _library(self, request: Request) -> list[Record]:
        self._user(request, "rest_forbidden_context")
        wanted = request.query_params.get("search", "")
        rows = [row for row in self.store.all("media") if wanted in row["title"]]
        return [shown_media(row) for row in page_of(rows, request, "post")]

    async def _remove(self, request: Request) -> Record:
        self._author(request, "delete_posts", "rest_cannot_delete")
        media = self._one("media", request)
        if request.query_params.get("force") != "true":
            raise Refused(501, "rest_trash_not_supported")
        self.store.delete("media", media["id"])
        return {"deleted": True, "previous": shown_media(media)}

    async def _categories(self, request: Request) -> list[Record]:
        wanted = request.query_params.get("include", "").split(",")
        rows = [row for row in self.store.all("_terms") if row["taxonomy"] == "category"]
        return [row for row in rows if str(row["id"]) in wanted]

    async def _tags(self, request: Request) -> list[Record]:
        wanted = request.query_params.get("search", "").casefold()
        rows = [row for row in self.store.all("_terms") if row["taxonomy"] == "post_tag"]
        return page_of([row for row in rows if wanted in row["name"].casefold()], request, "term")

    async def _add_tag(self, request: Request) -> Record:
        self._author(request, "edit_posts", "rest_cannot_create")
        name = str((await json_of(request)).get("name") or "")
        same = (row["id"] for row in self.store.all("_terms") if row["name"].casefold() == name.casefold())
        known = next(same, None)
        if known is not None:
            raise Refused(400, "term_exists", "A term with the name provided already exists.", term_id=known)
        number = self.store.next_number("term", 2)
        self.store.put("_terms", str(number), {"id": number, "name": name, "taxonomy": "post_tag"})
        return {"id": number, "name": name}

    async def _comments(self, request: Request) -> list[Record]:
        parent = request.query_params.get("parent")
        rows = [row for row in self.store.all("comments") if parent in (None, row["in_reply_to"])]
        newest = sorted(rows, key=lambda row: (row["created_at"][:19], int(row["id"])), reverse=True)
        return [shown_comment(row) for row in page_of(newest, request, "comment")]

    async def _answer(self, request: Request) -> Record:
        user = self._user(request, "rest_comment_login_required")
        body = await json_of(request)
        content = str(body.get("content") or "")
        post = self.store.get("posts", str(body.get("post")))
        if post is None or post["deleted"]:
            raise Refused(403, "rest_comment_invalid_post_id")
        if not content.strip():
            raise Refused(400, "rest_comment_content_invalid")
        if len(content.encode()) > LONGEST_COMMENT:
            raise Refused(400, "comment_content_column_length")
        said = [row for row in self.store.all("comments") if row["author"] == user["id"]]
        if any((row["content"], row["in_reply_to"]) == (content, str(body.get("parent"))) for row in said):
            raise Refused(409, "comment_duplicate", "Duplicate comment detected.")
        author = {"author": user["id"], "author_name": user["name"]}
        return shown_comment(self._comment(author, post["id"], content, str(body.get("parent") or "")))

    def _comment(self, author: Record, post: str, content: str, parent: str) -> Record:
        number = str(self.store.next_number("comment"))
        record = {"id": number, "post": post, "content": content, "text": text_of(content), **author}
        record |= {"in_reply_to": parent or None, "created_at": self.now().isoformat()}
        self.store.put("comments", number, record)
        return record

    def _control(self, name: str, act: Callable[[Record], Record]) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            return JSONResponse(act(await request.json()))

        return Route(f"/control/public/{name}", endpoint, methods=["POST"])

    def _say(self, body: Record) -> Record:
        """A visitor without an account comments."""
        author = {"author": 0, "author_name": body["author"]["name"]}
        return {"id": self._comment(author, body["post"], body["text"], str(body.get("parent") or ""))["id"]}
