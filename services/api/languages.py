"""The language of sentences that people read: zh-CN or en, by Accept-Language (RFC 9110, 12.5.4)."""

from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Header, Response

from drumtower.domain.capabilities import Label


class Language(StrEnum):
    """What we speak."""

    ZH_CN = "zh-CN"
    EN = "en"

    def of(self, label: Label) -> str:
        """Return the label in this language."""
        return label.zh_cn if self is Language.ZH_CN else label.en


def choose(accepted: str) -> Language:
    """Return the language wanted most; English where neither is named."""
    wanted = [(_weight(item), -place, _known(item)) for place, item in enumerate(accepted.split(",")[:20])]
    named = [one for one in wanted if one[2] is not None and one[0] > 0]
    return max(named)[2] or Language.EN if named else Language.EN


def _known(item: str) -> Language | None:
    primary = item.split(";")[0].strip().lower().split("-")[0]
    return {"zh": Language.ZH_CN, "en": Language.EN}.get(primary)


def _weight(item: str) -> float:
    _, _, quality = item.partition(";q=")
    try:
        return min(1.0, max(0.0, float(quality or 1)))
    except ValueError:
        return 0.0


def get_language(
    response: Response,
    accept_language: Annotated[
        str | None, Header(max_length=1_000, description="`zh-CN` or `en` for sentences that people read.")
    ] = None,
) -> Language:
    chosen = choose(accept_language or "")
    response.headers["Content-Language"] = chosen.value
    response.headers["Vary"] = "Accept-Language"
    return chosen


LanguageDep = Annotated[Language, Depends(get_language)]
