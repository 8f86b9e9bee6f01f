"""File names from strangers, made harmless; and how to say them in a header."""

import unicodedata
from urllib.parse import quote

LONGEST = 150
EXTENSIONS = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov", ".qt"),
    "video/webm": (".webm",),
    "video/x-matroska": (".mkv",),
    "audio/mpeg": (".mp3",),
    "audio/mp4": (".m4a",),
    "audio/aac": (".aac",),
    "audio/wav": (".wav",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/flac": (".flac",),
    "audio/amr": (".amr",),
    "audio/webm": (".weba", ".webm"),
    "application/pdf": (".pdf",),
}
# Names that Windows keeps for devices, whatever follows their first dot.
_DEVICES = {
    "con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))
}  # fmt: skip
_FORBIDDEN = frozenset('<>:"|?*%')


def safe_name(given: str, content_type: str) -> str:
    """Return the last part of `given` without what hides, lies or breaks out; its extension tells the true type."""
    last = unicodedata.normalize("NFC", given.replace("\\", "/").rsplit("/", maxsplit=1)[-1])
    # Categories C*: controls, formats (right-to-left overrides, zero-width), surrogates, unassigned.
    shown = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in _FORBIDDEN)
    stem, dot, extension = shown.strip(" .").rpartition(".")
    allowed = EXTENSIONS[content_type]
    if not stem or f"{dot}{extension}".lower() not in allowed:
        stem, extension = f"{stem}{dot}{extension}", allowed[0].removeprefix(".")
    stem = stem[:LONGEST].strip(" .") or "file"
    if stem.split(".", maxsplit=1)[0].lower() in _DEVICES:
        stem = f"_{stem}"
    return f"{stem}.{extension.lower()}"


def attachment(file_name: str) -> str:
    """Return a Content-Disposition: a plain name for old clients, the true one after RFC 5987."""
    plain = "".join(c if c.isascii() and c not in '"\\' else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
