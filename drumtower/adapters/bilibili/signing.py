"""The signature on every call: HMAC-SHA256 over six headers. Source: the official C# and .NET samples."""

import hashlib
import hmac
import time
from uuid import uuid4

from drumtower.platforms.wire import Signer

METHOD, VERSION = "HMAC-SHA256", "2.0"


def signature(secret: str, headers: dict[str, str]) -> str:
    """Sign the `x-bili-` headers: sorted by name, one a line, no line end after the last."""
    lines = (f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-bili-"))
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def signed(client_id: str, secret: str, body: bytes, *, nonce: str, at: int) -> dict[str, str]:
    """Return the headers of one call; `at` in epoch seconds. The body of a form with files counts as empty."""
    headers = {
        "x-bili-accesskeyid": client_id,
        "x-bili-content-md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "x-bili-signature-method": METHOD,
        "x-bili-signature-nonce": nonce,
        "x-bili-signature-version": VERSION,
        "x-bili-timestamp": str(at),
    }
    return {**headers, "Authorization": signature(secret, headers)}


def signer(client_id: str, secret: str) -> Signer:
    """Return what signs an app's calls, each with a time and a nonce of its own."""

    def sign(body: bytes | None) -> dict[str, str]:
        about = signed(client_id, secret, body or b"", nonce=str(uuid4()), at=int(time.time()))
        return about if body is None else {**about, "Content-Type": "application/json"}

    return sign
