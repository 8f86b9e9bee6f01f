"""What every sandbox's own `State` stands on: the store, the platform's clock, its switches, and how it says no."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from drumtower.sandbox.store import Record, Store


class Refusal(Exception):
    """The platform says no; a platform's own `Refused` adds what its envelope needs."""


class SandboxState:
    """The store, and what is looked up in it. `defaults` are the platform's switches as they stand at first."""

    defaults: ClassVar[Record] = {}

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self.store = store
        self.now = now

    def settings(self) -> Record:
        return self.defaults | (self.store.get("_settings", "all") or {})

    def set(self, **settings: Any) -> None:
        unknown = settings.keys() - self.defaults.keys()
        if unknown:
            raise ValueError(f"no such settings: {sorted(unknown)}")
        self.store.put("_settings", "all", self.settings() | settings)

    def account(self, account: str) -> Record:
        return self.found("accounts", account)

    def post(self, post: str) -> Record:
        return self.found("posts", post)

    def found(self, collection: str, key: str) -> Record:
        """Return what is there and not deleted; platforms override `account` and `post` to refuse in their words."""
        row = self.store.get(collection, key)
        if row is None or row.get("deleted"):
            raise Refusal(f"nothing under {key} in {collection}")
        return row
