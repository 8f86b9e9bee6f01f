"""What a sandbox platform remembers: state in memory, every change in an append-only log that survives a crash."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Store:
    """Collections of JSON records by key. With a log file, a restart reads everything back.

    The log is also what checkers compare our own rows with: it shows what the platform really did, in order.
    """

    def __init__(self, log: Path | None = None) -> None:
        self._collections: dict[str, dict[str, Record]] = {}
        self._log: list[Record] = []
        self._file = None
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            self._replay(log)
            self._file = log.open("a", encoding="utf-8")

    def _replay(self, log: Path) -> None:
        if not log.exists():
            return
        lines = log.read_bytes().split(b"\n")
        whole = [line for line in lines[:-1] if line]
        # A crash can leave half a last line; what was not written whole was not answered either.
        log.write_bytes(b"".join(line + b"\n" for line in whole))
        for line in whole:
            self._apply(json.loads(line))

    def _apply(self, entry: Record) -> None:
        self._log.append(entry)
        collection = self._collections.setdefault(entry["collection"], {})
        if entry["value"] is None:
            collection.pop(entry["key"], None)
        else:
            collection[entry["key"]] = entry["value"]

    def _write(self, collection: str, key: str, value: Record | None) -> None:
        entry = {"collection": collection, "key": key, "value": deepcopy(value)}
        self._apply(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self._file.flush()

    def put(self, collection: str, key: str, value: Record) -> None:
        """Store a record under `key`; the newest wins."""
        self._write(collection, key, value)

    def delete(self, collection: str, key: str) -> None:
        self._write(collection, key, None)

    def get(self, collection: str, key: str) -> Record | None:
        """Return a copy of the record: change it and `put` it back."""
        return deepcopy(self._collections.get(collection, {}).get(key))

    def all(self, collection: str) -> list[Record]:
        """Return copies of all records, oldest first."""
        return deepcopy(list(self._collections.get(collection, {}).values()))

    def count(self, collection: str) -> int:
        return len(self._collections.get(collection, {}))

    def next_number(self, name: str, start: int = 1) -> int:
        """Return a number that is never given twice, across restarts too."""
        number = (self.get("_numbers", name) or {"value": start - 1})["value"] + 1
        self.put("_numbers", name, {"value": number})
        return int(number)

    def log(self) -> Iterator[Record]:
        """Every change in order."""
        return iter(deepcopy(self._log))

    def dump(self) -> dict[str, list[Record]]:
        """Every collection but the private ones."""
        return {name: self.all(name) for name in self._collections if not name.startswith("_")}

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
