"""com.atproto.repo.*: records under keys, and the files they refer to."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from drumtower.sandbox.bluesky import identifiers
from drumtower.sandbox.bluesky.appview import AppView, instant
from drumtower.sandbox.bluesky.lexicon import POST, Mismatch, check_numbers, check_post, is_blob
from drumtower.sandbox.bluesky.sessions import CLOSED, Sessions
from drumtower.sandbox.bluesky.xrpc import Call, Refused, content_type, invalid
from drumtower.sandbox.store import Record, Store

LARGEST_BLOB = 5 * 1024 * 1024
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


class Repository:
    """All accounts' records. A CID is equal where the content is equal, so a repeated put changes nothing."""

    def __init__(
        self, store: Store, now: Callable[[], datetime], sessions: Sessions, appview: AppView
    ) -> None:
        self._store = store
        self._now = now
        self._sessions = sessions
        self._appview = appview

    async def put(self, call: Call) -> dict[str, Any]:
        """com.atproto.repo.putRecord; `swapRecord` null means: only if nothing else is there."""
        self._check_key(call, call.need("rkey"))
        swap = call.body.get("swapRecord", ...)
        if isinstance(swap, str) and not identifiers.is_cid(swap):
            raise invalid(f'Invalid CID string (got "{swap}") at $.swapRecord')
        call.draw((f"write:{call.did}", 2))
        self._check_owner(call)
        record = self._checked(call, call.need("rkey"))
        current = self._store.get("_records", record["uri"])
        if current and current["cid"] == record["cid"]:
            return _written(record, None)
        if swap is not ... and swap != (current["cid"] if current else None):
            raise invalid(f"Record was at {current['cid'] if current else 'null'}", "InvalidSwap")
        return _written(record, self._commit(record, current))

    async def create(self, call: Call) -> dict[str, Any]:
        """com.atproto.repo.createRecord: a key that is taken is an internal error, as on the real server."""
        rkey = call.body.get("rkey") or identifiers.tid(int(self._now().timestamp() * 1_000_000))
        self._check_key(call, rkey)
        call.draw((f"write:{call.did}", 3))
        self._check_owner(call)
        record = self._checked(call, rkey)
        if self._store.get("_records", record["uri"]):
            raise Refused(500, "InternalServerError", "Internal Server Error")
        return _written(record, self._commit(record, None))

    async def delete(self, call: Call) -> dict[str, Any]:
        """com.atproto.repo.deleteRecord; what is not there is deleted."""
        self._check_key(call, call.need("rkey"))
        call.draw((f"write:{call.did}", 1))
        self._check_owner(call)
        uri = f"at://{call.did}/{call.need('collection')}/{call.need('rkey')}"
        current = self._store.get("_records", uri)
        if current is None:
            return {}
        self._store.delete("_records", uri)
        self._drop_files(call.did, current, keep=())
        self._appview.gone(uri)
        return {"commit": self._revision(call.did)}

    async def get(self, call: Call) -> dict[str, Any]:
        """com.atproto.repo.getRecord, open to all. Repositories of other servers are not known here."""
        repo, collection, rkey = (call.parameter(name) for name in ("repo", "collection", "rkey"))
        account = self._sessions.account(repo)
        uri = f"at://{account['id'] if account else repo}/{collection}/{rkey}"
        record = self._store.get("_records", uri)
        if record is None or call.request.query_params.get("cid") not in (None, record["cid"]):
            raise invalid(f"Could not locate record: {uri}", "RecordNotFound")
        return {name: record[name] for name in ("uri", "cid", "value")}

    async def list(self, call: Call) -> dict[str, Any]:
        """com.atproto.repo.listRecords: newest key first, or `reverse`; the cursor is the last key."""
        repo, collection, limit = call.parameter("repo"), call.parameter("collection"), call.limit()
        account = self._sessions.account(repo)
        if account is None:
            raise invalid(f"Could not find repo: {repo}")
        forward = call.request.query_params.get("reverse") == "true"
        prefix = f"at://{account['id']}/{collection}/"
        found = [record for record in self._store.all("_records") if record["uri"].startswith(prefix)]
        found.sort(key=lambda record: record["uri"], reverse=not forward)
        cursor = call.request.query_params.get("cursor")
        if cursor:
            edge = prefix + cursor
            found = [one for one in found if (one["uri"] > edge if forward else one["uri"] < edge)]
        page = [{name: one[name] for name in ("uri", "cid", "value")} for one in found[:limit]]
        return {"records": page, **({"cursor": page[-1]["uri"].rpartition("/")[2]} if page else {})}

    async def upload(self, call: Call) -> dict[str, Any]:
        """com.atproto.repo.uploadBlob: what the bytes are counts for more than what the header says."""
        encoding = content_type(call.request)
        data = await call.request.body()
        if len(data) > LARGEST_BLOB:
            raise Refused(413, "PayloadTooLarge", "request entity too large")
        call.draw(("upload", 1))
        file = {
            "did": call.did,
            "cid": identifiers.blob_cid(data),
            "mimeType": _sniffed(data) or encoding,
            "size": len(data),
        }
        if self._store.get("_blobs", f"{call.did}/{file['cid']}") is None:
            self._store.put("_blobs", f"{call.did}/{file['cid']}", file)
        reference = {"$type": "blob", "ref": {"$link": file["cid"]}}
        return {"blob": {**reference, "mimeType": file["mimeType"], "size": file["size"]}}

    def forget_unused_files(self) -> int:
        """Drop the files no record refers to, as the server does after a while; return how many."""
        used = {
            f"{record['did']}/{cid}"
            for record in self._store.all("_records")
            for cid in (file["ref"]["$link"] for file in _files(record["value"]))
        }
        unused = [f"{file['did']}/{file['cid']}" for file in self._store.all("_blobs")]
        unused = [key for key in unused if key not in used]
        for key in unused:
            self._store.delete("_blobs", key)
        return len(unused)

    def _check_key(self, call: Call, rkey: Any) -> None:
        if not identifiers.NSID.fullmatch(call.need("collection")):
            raise invalid(f'Invalid NSID (got "{call.body["collection"]}") at $.collection')
        if not isinstance(rkey, str) or not identifiers.RECORD_KEY.fullmatch(rkey):
            raise invalid(f'Invalid record key (got "{rkey}") at $.rkey')

    def _check_owner(self, call: Call) -> None:
        account = self._sessions.account(call.need("repo"))
        if account is None:
            raise Refused(403, "AccountNotFound", "Account not found")
        if account["status"] in CLOSED:
            raise Refused(401, "AccountTakedown", "Account has been taken down")
        if account["status"] == "deactivated":
            raise Refused(401, "AccountDeactivated", "Account is deactivated")
        if account["id"] != call.did:
            raise Refused(401, "AuthenticationRequired", "Authentication Required")

    def _checked(self, call: Call, rkey: str) -> Record:
        collection, value = call.need("collection"), call.need("record", dict)
        try:
            check_numbers(value, "$.record")
        except Mismatch as mismatch:
            raise invalid(str(mismatch)) from mismatch
        value = {"$type": collection, **value}
        if value["$type"] != collection:
            raise invalid(f"Invalid $type: expected {collection}, got {value['$type']}")
        if collection == POST:
            _check_post(value, rkey)
        names = {"uri": f"at://{call.did}/{collection}/{rkey}", "did": call.did, "collection": collection}
        return {**names, "cid": identifiers.record_cid(value), "value": value}

    def _commit(self, record: Record, current: Record | None) -> dict[str, str]:
        self._check_files(record)
        if current:
            self._drop_files(record["did"], current, keep=_files(record["value"]))
        seen = current["indexed_at"] if current else instant(self._now())
        self._store.put("_records", record["uri"], {**record, "indexed_at": seen})
        if record["collection"] == POST:
            self._appview.appeared({**record, "indexed_at": seen})
        return self._revision(record["did"])

    def _check_files(self, record: Record) -> None:
        for claimed in _files(record["value"]):
            file = self._store.get("_blobs", f"{record['did']}/{claimed['ref']['$link']}")
            if file is None:
                raise invalid(f"Could not find blob: {claimed['ref']['$link']}", "BlobNotFound")
            for field, error in (("mimeType", "InvalidMimeType"), ("size", "InvalidSize")):
                if claimed[field] != file[field]:
                    said = f"Referenced {field.capitalize()} does not match stored blob."
                    raise invalid(f"{said} Expected: {file[field]}, Got: {claimed[field]}", error)

    def _drop_files(self, did: str, record: Record, *, keep: tuple[Record, ...]) -> None:
        if not _files(record["value"]):
            return
        kept = {file["ref"]["$link"] for file in keep}
        for other in self._store.all("_records"):
            if other["did"] == did and other["uri"] != record["uri"]:
                kept |= {file["ref"]["$link"] for file in _files(other["value"])}
        for file in _files(record["value"]):
            if file["ref"]["$link"] not in kept:
                self._store.delete("_blobs", f"{did}/{file['ref']['$link']}")

    def _revision(self, did: str) -> dict[str, str]:
        number = self._store.next_number(f"revision:{did}")
        rev = identifiers.tid(int(self._now().timestamp() * 1_000_000), clock=number % 1024)
        return {"cid": identifiers.record_cid({"did": did, "rev": rev}), "rev": rev}


def _check_post(value: Record, rkey: str) -> None:
    if not identifiers.TID.fullmatch(rkey):
        raise invalid(f'Invalid record key for {POST}: Invalid TID string (got "{rkey}") at $')
    try:
        check_post(value, "$.record")
    except Mismatch as mismatch:
        raise invalid(f"Invalid {POST} record: {mismatch}") from mismatch


def _written(record: Record, commit: dict[str, str] | None) -> dict[str, Any]:
    status = "valid" if record["collection"] == POST else "unknown"
    made = {"commit": commit} if commit else {}
    return {"uri": record["uri"], "cid": record["cid"], **made, "validationStatus": status}


def _files(value: Any) -> tuple[Record, ...]:
    if is_blob(value):
        return (value,)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return tuple(file for one in inside for file in _files(one))


def _sniffed(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), None)
