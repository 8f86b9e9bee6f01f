"""Checks of what is claimed: figures without a source, dates that can't be, links that lead nowhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import regex

from drumtower.domain.content import Texts
from drumtower.domain.errors import Evidence, Severity, Violation
from drumtower.domain.link_looks import LinkState, Look, urls_said

_FIGURE = regex.compile(
    r"\d[\d.,]{0,12}\s?[%％](?!\s?(?:棉|羊毛|桑蚕丝|果汁|亚麻|off))"
    r"|\d[\d.,]{0,12}\s?倍|\d[\d.,]{0,12}\s?[万亿](?=\S{0,3}(?:用户|人|家|台|件|次|粉丝|销量))"
)
_SOURCE = regex.compile(
    r"来源|出处|数据(?:由|来自)|根据|据\S{1,20}(?:统计|报告|数据|显示|测算)|报告|调查|白皮书|检测|https?://"
    r"|(?i:\b(?:source|according to|report|survey)\b)"
)
_OFFERS = regex.compile(r"折|减|优惠|返|满|(?i:off)")  # a discount is no statistic
_NEAR = 40

_WEEKDAYS = "一二三四五六日"
_CHINESE_DATE = regex.compile(
    r"(?:(?P<year>20\d\d)\s?年\s?)?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?[日号]"
    r"(?:\s?[（(]?\s?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天末])\s?[)）]?)?"
)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
           "october", "november", "december")  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ENGLISH_DATE = regex.compile(
    rf"(?i)\b(?P<weekday>{'|'.join(_DAYS)}),?\s(?P<month>{'|'.join(_MONTHS)})\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?"
    r"(?:,?\s(?P<year>20\d\d))?\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrong:
    """What is wrong with a date."""

    code: str
    detail: str
    fix: str | None = None


def figures(body: str) -> Iterator[Violation]:
    """Ask for the source of a share, a multiple or a great number that has none near it."""
    for match in _FIGURE.finditer(body):
        around = body[max(0, match.start() - _NEAR) : match.end() + _NEAR]
        if _SOURCE.search(around) or _OFFERS.search(body[match.end() : match.end() + 6]):
            continue
        yield Violation(
            pointer="/body",
            code="figure_without_source",
            detail=f"{match.group()!r} stands without a source.",
            hint="Say where it comes from and of when it is.",
            severity=Severity.WARN,
            evidence=Evidence(quote=match.group(), start=match.start(), end=match.end()),
        )


def dates(texts: Texts, today: date) -> Iterator[Violation]:
    """Say which dates do not exist, and which are another weekday than the text says."""
    for pointer, text in texts:
        for match in (*_CHINESE_DATE.finditer(text), *_ENGLISH_DATE.finditer(text)):
            wrong = _wrong_date(match, today)
            if wrong is not None:
                yield Violation(
                    pointer=pointer,
                    code=wrong.code,
                    detail=wrong.detail,
                    hint="Check the day.",
                    severity=Severity.WARN,
                    evidence=Evidence(quote=match.group(), start=match.start(), end=match.end()),
                    fix=wrong.fix,
                )


def _wrong_date(match: regex.Match[str], today: date) -> _Wrong | None:
    month, day, weekday = _month(match["month"]), int(match["day"]), _weekday(match["weekday"])
    years = [int(match["year"])] if match["year"] else _years(today)
    days = [found for year in years if (found := _date(year, month, day)) is not None]
    if not days:
        return _Wrong(code="date_impossible", detail=f"There is no day {match.group()!r}.")
    if weekday is None or any(found.weekday() == weekday for found in days):
        return None
    right = min(days, key=lambda found: abs(found - today))
    told = match["weekday"]
    if told in _WEEKDAYS + "天":
        fix = match.group().replace(told, _WEEKDAYS[right.weekday()])
    else:
        fix = match.group().replace(told, _DAYS[right.weekday()].capitalize())
    detail = f"{right.isoformat()} is a {_DAYS[right.weekday()].capitalize()}."
    return _Wrong(code="weekday_wrong", detail=detail, fix=fix)


def _years(today: date) -> list[int]:
    """Return the years that a date without one may mean: half a year to either side."""
    half = timedelta(days=183)
    return sorted({(today - half).year, today.year, (today + half).year})


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(told: str) -> int:
    return int(told) if told.isdigit() else _MONTHS.index(told.lower()) + 1


def _weekday(told: str | None) -> int | None:
    if not told or told == "末":
        return None
    if told == "天":
        return 6
    return _WEEKDAYS.index(told) if told in _WEEKDAYS else _DAYS.index(told.lower())


def links(named: Sequence[str], body: str, looks: Sequence[Look]) -> Iterator[Violation]:
    """Say which of the links that are named, or stand in the body, were found to lead nowhere."""
    found = {look.url: look for look in looks}
    for index, url in enumerate(named):
        if url in found:
            yield from _looked_at(f"/links/{index}", found[url], None)
    for url in dict.fromkeys(urls_said(body)) if found else ():
        if url in found and url not in named:
            yield from _looked_at("/body", found[url], body.index(url))


def _looked_at(pointer: str, look: Look, start: int | None) -> Iterator[Violation]:
    url = look.url
    end = None if start is None else start + len(url)
    evidence = Evidence(quote=url, start=start, end=end)
    seen = f"({look.detail}, {look.looked_at:%Y-%m-%d %H:%M} UTC)"
    if look.state is LinkState.DEAD:
        yield Violation(
            pointer=pointer,
            code="link_dead",
            detail=f"Nothing is there: {url} {seen}.",
            hint="Mend the link, or take it out.",
            severity=Severity.WARN,
            evidence=evidence,
        )
    elif look.state is LinkState.REFUSED:
        yield Violation(
            pointer=pointer,
            code="link_not_public",
            detail=f"{url} is no address of the public web {seen}.",
            hint="Use the address that readers have.",
            severity=Severity.WARN,
            evidence=evidence,
        )
    elif look.state is LinkState.UNREACHABLE:
        yield Violation(
            pointer=pointer,
            code="link_unreachable",
            detail=f"Nobody answered under {url} {seen}.",
            hint="Look at it yourself; it is tried again before the post leaves.",
            severity=Severity.INFO,
            evidence=evidence,
        )
