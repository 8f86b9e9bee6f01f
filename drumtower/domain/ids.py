"""UUIDv7 identifiers made in the application (RFC 9562, section 5.7)."""

import secrets
import time
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


def new_id() -> UUID:
    """Return a time-ordered id: 48 bits of Unix milliseconds, then 74 random bits. Not a secret."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(milliseconds << 80) | _VERSION_7 | (high << 64) | _VARIANT | low)


def next_id(last: UUID | None) -> UUID:
    """Return an id after `last`, where the order counts and clocks may stand, differ or go back (section 6.2 there)."""
    made = new_id()
    return made if last is None or made > last else UUID(int=last.int + 1)
