"""What is known of a day in China without asking anybody: holidays, solar terms, lunar dates, festivals, quiet days."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from chinese_calendar.constants import Holiday, holidays, workdays
from lunar_python import LunarYear
from lunar_python.util import LunarUtil

from drumtower.domain.calendar import Announced, Mark, MarkKind
from drumtower.domain.errors import Severity

_FIRST, _LAST = min(holidays).year, max(holidays).year

# (month, day): name. Dates of the Gregorian calendar, every year.
FESTIVALS = {
    (3, 8): "38 女神节",
    (5, 20): "520",
    (6, 18): "618",
    (9, 9): "99 大促",
    (11, 11): "双11",
    (12, 12): "双12",
}
# (lunar month, day): name. Leap months have negative numbers, and no festivals.
LUNAR_FESTIVALS = {(7, 7): "七夕"}

# (month, day): name, why, how strongly it speaks against posting, and the first year in which it is kept.
QUIET_DAYS = {
    (5, 12): ("全国防灾减灾日", "汶川地震纪念日", Severity.INFO, 2009),
    (7, 7): ("七七事变纪念日", "全民族抗战爆发纪念日", Severity.INFO, 1938),
    (9, 18): ("九一八事变纪念日", "多地鸣响防空警报", Severity.WARN, 1932),
    (9, 30): ("烈士纪念日", "全国人大常委会 2014-08-31 决定", Severity.WARN, 2014),
    (12, 13): ("南京大屠杀死难者国家公祭日", "全国人大常委会 2014-02-27 决定", Severity.WARN, 2014),
}
QUIET_TERMS = {"清明": ("清明节", "祭扫先人的日子，忌娱乐化和促销", Severity.WARN)}

_TERMS = (
    *("大雪", "冬至", "小寒", "大寒", "立春", "雨水", "惊蛰", "春分", "清明", "谷雨", "立夏", "小满"),
    *("芒种", "夏至", "小暑", "大暑", "立秋", "处暑", "白露", "秋分", "寒露", "霜降", "立冬", "小雪"),
)
_JULIAN = 1_721_425  # the Julian day at noon of the day before 0001-01-01


@dataclass(frozen=True, slots=True)
class _LunarMonth:
    first: date
    number: int  # negative: a leap month


@dataclass(frozen=True, slots=True)
class _Year:
    months: tuple[_LunarMonth, ...]
    terms: dict[date, str]


@lru_cache(maxsize=64)
def _year(number: int) -> _Year:
    """Return a year's lunar months and solar terms: 6 ms, once; a day by itself would be 1.4 ms each time."""
    year = LunarYear(number)
    months = (_LunarMonth(_day(month.getFirstJulianDay()), month.getMonth()) for month in year.getMonths())
    # The instants are in Beijing time, from the 大雪 of the year before on.
    terms = {_day(at + 0.5): _TERMS[i % len(_TERMS)] for i, at in enumerate(year.getJieQiJulianDays())}
    return _Year(tuple(months), terms)


def _day(julian: float) -> date:
    return date.fromordinal(int(julian) - _JULIAN)


def announced(year: int) -> Announced:
    """Say whether the year's statutory holidays are known here."""
    if year > _LAST:
        return Announced.NOT_YET
    return Announced.NEVER if year < _FIRST else Announced.YES


def lunar(day: date) -> tuple[int, int]:
    """Return the lunar month and day; a leap month is negative."""
    months = _year(day.year).months
    month = months[bisect_right(months, day, key=lambda one: one.first) - 1]
    return month.number, (day - month.first).days + 1


def lunar_name(day: date) -> str:
    """Return the lunar date as people write it: 正月初一, 闰六月初八."""
    month, number = lunar(day)
    return f"{'闰' if month < 0 else ''}{LunarUtil.MONTH[abs(month)]}月{LunarUtil.DAY[number]}"


def shipped(first: date, last: date) -> list[Mark]:
    """Return what is shipped for the days from first to last."""
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [mark for day in days for mark in _of(day)]


def _of(day: date) -> Iterator[Mark]:
    if name := holidays.get(day):
        yield Mark(day=day, kind=MarkKind.STATUTORY_HOLIDAY, name=Holiday(name).chinese)
    if name := workdays.get(day):
        note = f"{Holiday(name).chinese}调休"
        yield Mark(day=day, kind=MarkKind.WORKDAY, name="补班", note=note)
    term = _year(day.year).terms.get(day)
    if term is not None:
        yield Mark(day=day, kind=MarkKind.SOLAR_TERM, name=term)
    festival = FESTIVALS.get((day.month, day.day)) or LUNAR_FESTIVALS.get(lunar(day))
    if festival is not None:
        yield Mark(day=day, kind=MarkKind.SHOPPING_FESTIVAL, name=festival)
    yield from quiet_days(day)


def quiet_days(day: date) -> Iterator[Mark]:
    """Return the quiet days that are shipped for this day."""
    since = QUIET_DAYS.get((day.month, day.day))
    if since is not None and day.year >= since[3]:
        name, note, severity, _ = since
        yield Mark(day=day, kind=MarkKind.QUIET_DAY, name=name, note=note, severity=severity)
    by_term = QUIET_TERMS.get(_year(day.year).terms.get(day, ""))
    if by_term is not None:
        name, note, severity = by_term
        yield Mark(day=day, kind=MarkKind.QUIET_DAY, name=name, note=note, severity=severity)
