"""Content ids, record keys and DIDs.

A record's CID is the real one (CIDv1, DAG-CBOR, SHA-256), so that it equals what a PDS gives for the same content.
"""

import hashlib
import re
import secrets
from base64 import b32decode, b32encode
from typing import Any

_TID_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_RAW, _DAG_CBOR = 0x55, 0x71
_CID = re.compile(r"b[a-z2-7]{58}")

TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
RECORD_KEY = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9_~.:-]{1,512}")
DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
HANDLE = re.compile(
    r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
)
NSID = re.compile(
    r"[a-zA-Z]([a-zA-Z0-9-]{0,62})?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,62})?)+(\.[a-zA-Z][a-zA-Z0-9]{0,62})"
)
AT_URI = re.compile(
    rf"at://(?P<repo>{DID.pattern})/(?P<collection>{NSID.pattern})/(?P<rkey>{RECORD_KEY.pattern})"
)


def is_cid(value: str) -> bool:
    """Say whether `value` is a CIDv1 with a SHA-256 hash, the only kind that repositories hold."""
    return _CID.fullmatch(value) is not None


def tid(microseconds: int, clock: int | None = None) -> str:
    """Write a timestamp and a clock id (random where none is given) as a record key."""
    number = (microseconds << 10) | (secrets.randbelow(1024) if clock is None else clock)
    return "".join(_TID_DIGITS[(number >> shift) & 31] for shift in range(60, -1, -5))


def record_cid(record: Any) -> str:
    """Return the CID of a record given as lexicon JSON."""
    return _cid(_DAG_CBOR, _cbor(record))


def blob_cid(data: bytes) -> str:
    """Return the CID of a file."""
    return _cid(_RAW, data)


def made_up_did(seed: str) -> str:
    """Return the DID of an account or person, the same for the same seed."""
    return "did:plc:" + b32encode(hashlib.sha256(seed.encode()).digest()[:15]).decode().lower()


def _cid(codec: int, data: bytes) -> str:
    raw = bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(data).digest()
    return "b" + b32encode(raw).decode().lower().rstrip("=")


def _cbor(value: Any) -> bytes:
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case list():
            return _head(4, len(value)) + b"".join(_cbor(item) for item in value)
        case {"$link": str(link), **rest} if not rest:
            # Tag 42: a CID as bytes, after the zero that multibase uses for "binary".
            return b"\xd8\x2a" + _head(2, 37) + b"\x00" + b32decode(link[1:].upper() + "======")
        case dict():
            return _cbor_map(value)
    raise TypeError(f"no lexicon value: {type(value).__name__}")


def _cbor_map(value: dict[str, Any]) -> bytes:
    # DAG-CBOR sorts keys by the length of their bytes first.
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return _head(5, len(keys)) + b"".join(_cbor(key) + _cbor(value[key]) for key in keys)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([(major << 5) | number])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([(major << 5) | extra]) + number.to_bytes(size)
    raise ValueError("a lexicon integer has at most 64 bits")
