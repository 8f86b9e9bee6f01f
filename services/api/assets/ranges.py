"""Which bytes of a file a request asks for (RFC 9110, 14): one range; several at once get the whole file."""

import re

from drumtower.domain.errors import OutOfRange

_ONE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def asked(header: str | None, size: int) -> tuple[int, int] | None:
    """Return first byte and end; None where the whole is asked for. Raises OutOfRange outside the file."""
    match = _ONE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if last and first and int(last) < int(first):
        return None
    if start >= size or end <= start:
        raise OutOfRange("range_unsatisfiable", f"The file has {size} bytes.")
    return start, end
