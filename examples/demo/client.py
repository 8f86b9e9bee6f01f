"""A small client that does not give up: a request is repeated with the same Idempotency-Key until it is answered."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx

Json = dict[str, Any]
AGAIN = {429, 502, 503}
PATIENCE = 180.0


class Refused(Exception):
    """The API said no, and why."""


class Client:
    """Speaks to one API with one key. `away` is called while nobody answers."""

    def __init__(self, base_url: str, key: str, away: Callable[[], None] = lambda: None) -> None:
        self._http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=15,
            trust_env=False,
        )
        self._away = away

    def get(self, path: str, **params: Any) -> Json:
        return self._call("GET", path, params=params)

    def post(self, path: str, body: Any = None, **more: Any) -> Json:
        """POST once, however often it takes: a repeat with the same key replays the first answer."""
        return self._call("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())}, **more)

    def upload(self, path: str, name: str, content: bytes, **form: str) -> Json:
        files = {"file": (name, content, "image/png")}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._call("POST", path, files=files, data=form, headers=headers)

    def patch(self, path: str, body: Any, etag: str) -> Json:
        return self._call("PATCH", path, json=body, headers={"If-Match": etag})

    def every(self, path: str, **params: Any) -> list[Json]:
        """Return a whole list, page by page."""
        rows: list[Json] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            rows += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return rows

    def visit(self, url: str) -> str:
        """Follow a tracked link as a person's browser would, and return where it leads."""
        browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Authorization": ""}
        return self._answer("GET", url, headers=browser).headers["location"]

    def _call(self, method: str, path: str, **request: Any) -> Json:
        response = self._answer(method, path, **request)
        if response.is_error:
            raise Refused(_reason(response))
        answer: Json = response.json() if response.content else {}
        if "etag" in response.headers:
            answer["etag"] = response.headers["etag"]
        return answer

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                response = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                response = None
                reason = type(error).__name__
            if response is not None and response.status_code not in AGAIN:
                return response
            if time.monotonic() > until:
                raise Refused(_reason(response) if response is not None else reason)
            self._away()
            time.sleep(0.5)


def _reason(response: httpx.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    lines = [f"{e['pointer']}: {e['detail']} {e['hint']}" for e in problem.get("errors", [])]
    return "\n  ".join(
        [f"{problem.get('code', response.status_code)}: {problem.get('detail', problem)}", *lines]
    )
