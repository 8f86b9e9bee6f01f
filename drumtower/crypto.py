"""Secrets at rest: encryption with rotating keys, one-way hashes for tokens, argon2 for passwords."""

import base64
import hashlib
import json
import secrets
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_hasher = PasswordHasher()
# Verified for unknown e-mail addresses too, so that the answer's time tells nothing.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


class Undecryptable(Exception):
    """No configured key opens this secret."""


class Box:
    """Encrypts JSON values; the first key writes, every key reads, so keys can be rotated without a stop."""

    def __init__(self, keys: str) -> None:
        self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",")])

    def seal(self, value: Any) -> bytes:
        """Encrypt a JSON value."""
        return self._fernet.encrypt(json.dumps(value, ensure_ascii=False).encode())

    def open(self, sealed: bytes) -> Any:
        """Decrypt what `seal` made; raise Undecryptable where no key fits."""
        try:
            return json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise Undecryptable from error


def new_key() -> str:
    """Make a key for DRUMTOWER_SECRET_KEYS."""
    return Fernet.generate_key().decode()


def new_token(prefix: str) -> str:
    """Make a bearer token: a prefix that scanners know, and 256 random bits."""
    return f"{prefix}_{base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b'=').decode()}"


def token_hash(token: str) -> bytes:
    """Hash a token for storage. It has 256 bits of its own, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def password_hash(password: str) -> str:
    """Hash a password with argon2id."""
    return _hasher.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Check a password; takes as long for an unknown member (`stored` is None) as for a known one."""
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
