r"""Little text: how a post's commentary is written, where a bare `(` cuts the rest off without any error.

Source: learn.microsoft.com, "little Text Format". Every reserved character gets a backslash, inside links too; a
hashtag is written as its template, so that it can be clicked whatever stands around it. Comments are plain text: a
backslash would be seen there (gitroomhq/postiz-app#1847).
"""

import regex

_RESERVED = regex.compile(r"[\\|{}@\[\]()<>#*_~]")
# "#1" and "a#b" are no hashtags, nor is a link's fragment.
_HASHTAG = regex.compile(
    r"(?<![\p{L}\p{M}\p{N}_&/#＃\\])[#＃]((?!\p{N}+(?![\p{L}\p{M}\p{N}_]))[\p{L}\p{M}\p{N}_]+)"
)
_LINK = regex.compile(r"https?://[!-~]+")
_TOKEN = regex.compile(
    r"\\(?P<literal>.)"
    r"|\{hashtag\|\\?[#＃]\|(?P<tag>(?:\\.|[^}\\])*)\}"
    r"|@\[(?P<name>(?:\\.|[^\]\\])*)\]\([^)]*\)",
    regex.DOTALL,
)


def escape(text: str) -> str:
    """Write a text so that LinkedIn shows it as it is, with its hashtags."""
    links = [match.span() for match in _LINK.finditer(text)]
    written, end = [], 0
    for tag in _HASHTAG.finditer(text):
        if any(start <= tag.start() < stop for start, stop in links):
            continue
        written += [_literal(text[end : tag.start()]), f"{{hashtag|\\#|{_literal(tag[1])}}}"]
        end = tag.end()
    return "".join([*written, _literal(text[end:])])


def _literal(text: str) -> str:
    return _RESERVED.sub(r"\\\g<0>", text)


def plain(commentary: str) -> str:
    """Read a commentary back as the text that is shown."""

    def shown(match: regex.Match[str]) -> str:
        if match["literal"] is not None:
            return match["literal"]
        return f"#{plain(match['tag'])}" if match["tag"] is not None else plain(match["name"])

    return _TOKEN.sub(shown, commentary)
