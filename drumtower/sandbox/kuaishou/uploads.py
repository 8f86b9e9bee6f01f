"""The upload host: a video whole (below 10 M) or in fragments; nothing but the upload token is asked for."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.kuaishou.state import Refused, State
from drumtower.sandbox.store import Record

LARGEST = 10 * 1024 * 1024


class Uploads:
    """Each method answers one call; an upload is `_uploads` by its token."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[BaseRoute]:
        calls = {"": self._whole, "/fragment": self._fragment, "/complete": self._complete}
        posts = [
            Route(f"/api/upload{name}", self._endpoint(call), methods=["POST"])
            for name, call in calls.items()
        ]
        return [Route("/api/upload/resume", self._endpoint(self._resume)), *posts]

    def begin(self, account: str) -> str:
        token = secrets.token_hex(8)
        upload: Record = {"token": token, "account": account, "fragments": {}, "digest": None, "used": False}
        self._state.store.put("_uploads", token, upload)
        return token

    def take(self, token: str, account: str) -> Record:
        """Return a whole upload and use it up."""
        upload = self._upload(token)
        if upload["account"] != account or upload["digest"] is None or upload["used"]:
            raise Refused(100120002)
        self._put(upload | {"used": True})
        return upload

    def _upload(self, token: str) -> Record:
        found = self._state.store.get("_uploads", token)
        if found is None:
            raise Refused(100100400, "upload_token")
        return found

    def _put(self, upload: Record) -> None:
        self._state.store.put("_uploads", upload["token"], upload)

    def _endpoint(
        self, call: Callable[[Record, Request, bytes], Record]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            try:
                upload = self._upload(request.query_params.get("upload_token", ""))
                if len(body) > LARGEST:
                    raise Refused(100100400, "size")
                return JSONResponse({"result": 1, **call(upload, request, body)})
            except Refused as refused:
                return refused.answer()

        return endpoint

    def _whole(self, upload: Record, _: Request, body: bytes) -> Record:
        if body[4:8] != b"ftyp":
            raise Refused(100100400, "video")
        self._put(upload | {"digest": hashlib.sha256(hashlib.sha256(body).digest()).hexdigest()})
        return {}

    def _fragment(self, upload: Record, request: Request, body: bytes) -> Record:
        number, checksum = int(request.query_params["fragment_id"]), hashlib.sha256(body).hexdigest()
        if number == 0 and body[4:8] != b"ftyp":
            raise Refused(100100400, "video")
        fragment = {"checksum": checksum, "size": len(body)}
        self._put(upload | {"fragments": upload["fragments"] | {str(number): fragment}})
        return fragment

    def _resume(self, upload: Record, _: Request, __: bytes) -> Record:
        fragments, run = upload["fragments"], -1
        while str(run + 1) in fragments:
            run += 1
        size = sum(fragments[str(number)]["size"] for number in range(run + 1))
        listed = sorted(fragments, key=int)
        return {
            "existed": False,
            "fragment_index": run,
            "fragment_list": listed,
            "fragment_index_bytes": size,
        }

    def _complete(self, upload: Record, request: Request, _: bytes) -> Record:
        """Take what there is; that a fragment is missing shows when the video is published."""
        count, fragments = int(request.query_params["fragment_count"]), upload["fragments"]
        if set(fragments) == {str(number) for number in range(count)}:
            parts = b"".join(bytes.fromhex(fragments[str(number)]["checksum"]) for number in range(count))
            self._put(upload | {"digest": hashlib.sha256(parts).hexdigest()})
        return {}
