"""The public, and the platforms' own record: the sandbox's control plane."""

import time
from datetime import UTC, datetime
from typing import Any

import httpx

Json = dict[str, Any]


class Public:
    """Acts on one sandbox platform, as its users do."""

    def __init__(self, base_url: str, account: str) -> None:
        self._base_url = base_url
        self._account = account

    def does(self, act: str, **what: Any) -> Json:
        """One act: comment, message, like, share, save, read, follow."""
        return self._control("POST", f"public/{act}", {"account": self._account, **what})

    def set_ahead(self, days: int) -> None:
        """Set the platform's clock so many days ahead of ours: some count a day only when it is over."""
        told = self._control("POST", "clock", {"seconds": 0})["now"]
        ahead = (datetime.fromisoformat(told) - datetime.now(UTC)).total_seconds()
        self._control("POST", "clock", {"seconds": round(days * 86_400 - ahead)})

    def posts(self) -> list[Json]:
        """Return what is on the account, by the platform's own record."""
        state = self._control("GET", "state")
        ours = [p for p in state.get("posts", []) if str(p["account"]) == self._account]
        return [post for post in ours if not post["deleted"]]

    def followers(self) -> int:
        state = self._control("GET", "state")
        return next(int(a["followers"]) for a in state["accounts"] if str(a["id"]) == self._account)

    def answers(self, text: str) -> int:
        """Count our answers with this text, in public and in private."""
        state = self._control("GET", "state")
        said = [*state.get("comments", []), *state.get("messages", [])]
        return sum(1 for row in said if row["text"].endswith(text) and row.get("direction", "out") == "out")

    def _control(self, method: str, path: str, body: Json | None = None) -> Json:
        for _ in range(240):
            try:
                response = httpx.request(
                    method, f"{self._base_url}/control/{path}", json=body, timeout=15, trust_env=False
                )
            except httpx.TransportError:
                time.sleep(0.5)  # it is being restarted; what it had answered, it remembers
                continue
            if response.is_error:
                raise RuntimeError(f"{path}: {response.status_code} {response.text[:300]}")
            answer: Json = response.json() if response.content else {}
            return answer
        raise RuntimeError(f"{self._base_url} is away")
