"""What the server writes down of a letter: the whole of it, and what its reader sees."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256

from drumtower.sandbox.store import Record


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.SMTP)


def taken(raw: bytes, sender: str, recipients: list[str]) -> Record:
    """Return a letter's record; `sha256` is that of its bytes, so that a repeat shows as the same or not."""
    letter = parsed(raw)
    return {
        "id": str(letter["Message-ID"] or ""),
        "sender": sender,
        "recipients": recipients,
        "subject": str(letter["Subject"] or ""),
        "text": _part(letter, "plain").rstrip("\n"),
        "html": _part(letter, "html"),
        "files": [one.get_content_type() for one in letter.walk() if one.get_filename() or one["Content-ID"]],
        "sha256": sha256(raw).hexdigest(),
        "raw": raw.decode("ascii", "replace"),
    }


def _part(letter: EmailMessage, subtype: str) -> str:
    part = letter.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
