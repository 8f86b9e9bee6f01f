"""How LinkedIn shows little text: up to the first reserved character that stands bare, and nothing after it."""

import re

RESERVED = "\\|{}@[]()<>#*_~"
_HASHTAG = re.compile(r"\{hashtag\|\\#\|((?:\\.|\w)+)\}")
_PLAIN_TAG = re.compile(r"#\w+")
_MENTION = re.compile(r"@\[((?:\\.|[^\]\\])+)\]\(urn:li:(?:person|organization):[\w-]+\)")


def shown(commentary: str) -> str:
    """Return what readers see; a post whose text is cut is published all the same."""
    text, place = "", 0
    while place < len(commentary):
        here = commentary[place]
        if here == "\\" and commentary[place + 1 : place + 2] in RESERVED and place + 1 < len(commentary):
            text, place = text + commentary[place + 1], place + 2
        elif here not in RESERVED:
            text, place = text + here, place + 1
        else:
            piece, length = _piece(commentary, place)
            if not length:
                break
            text, place = text + piece, place + length
    return text


def _piece(commentary: str, place: int) -> tuple[str, int]:
    for pattern, form in ((_HASHTAG, "#{}"), (_MENTION, "{}")):
        match = pattern.match(commentary, place)
        if match:
            return form.format(re.sub(r"\\(.)", r"\1", match[1])), len(match[0])
    match = _PLAIN_TAG.match(commentary, place)
    return (match[0], len(match[0])) if match else ("", 0)
