"""Text as HTML, and HTML as the text it was written as."""

import html
import re

from drumtower.platforms.outcomes import Media

_BREAK, _PARAGRAPH, _TAG = re.compile(r"<br\s*/?>\n?"), re.compile(r"</p>\s*<p[^>]*>"), re.compile(r"<[^>]*>")
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
# A link ends at the first character outside ASCII; punctuation at its end belongs to the sentence.
_LINK = re.compile(r"(https?://[!-~]*[A-Za-z0-9/_=&%#~+$@*-])")
# HTML and XML know no such characters, whatever form they are written in.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def as_text(markup: str) -> str:
    """Return the text without markup; line breaks stay, links keep what is shown of them."""
    return html.unescape(_TAG.sub("", _PARAGRAPH.sub("\n\n", _BREAK.sub("\n", markup))))


def paragraphs(text: str) -> list[str]:
    """Return the inside of each paragraph as HTML: blank lines part them, links are marked."""
    written = _BLANK.split(printable(text).replace("\r\n", "\n").strip())
    return [_linked(one).replace("\n", "<br />\n") for one in written if one]


def printable(text: str) -> str:
    """Return `text` without the control characters that no HTML can hold."""
    return _CONTROL.sub("", text)


def _linked(text: str) -> str:
    parts = [html.escape(part) for part in _LINK.split(text)]
    return "".join(f'<a href="{part}">{part}</a>' if i % 2 else part for i, part in enumerate(parts))


def address_in_preview(media: Media) -> str:
    """Return what stands for a picture's address before it is uploaded."""
    return f"asset:{media.asset_id}"
