"""When something is due: instants, wall clocks, and the hours that do not exist or exist twice."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.errors import Invalid
from drumtower.domain.schedules import FURTHEST, GRACE, check_future, resolve, zone

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def refused(code: str) -> pytest.RaisesExc[Invalid]:
    return pytest.RaisesExc(Invalid, match=f"^{code}:")


def test_a_wall_clock_time_in_shanghai() -> None:
    assert resolve(datetime(2026, 12, 1, 9, 30), "Asia/Shanghai") == datetime(2026, 12, 1, 1, 30, tzinfo=UTC)  # noqa: DTZ001


@pytest.mark.parametrize(
    "name", ["Shanghai", "GMT+8", "+08:00", "", "asia/shanghai", "../etc/passwd", "UTC\n"]
)
def test_zones_have_iana_names(name: str) -> None:
    with refused("unknown_timezone"):
        zone(name)


@pytest.mark.parametrize(
    ("local", "name", "code"),
    [
        (datetime(2027, 3, 28, 2, 30), "Europe/Berlin", "time_skipped"),  # noqa: DTZ001
        (datetime(2027, 10, 31, 2, 30), "Europe/Berlin", "time_doubled"),  # noqa: DTZ001
        (datetime(2027, 3, 14, 2, 0), "America/New_York", "time_skipped"),  # noqa: DTZ001
        (datetime(2026, 12, 1, 9, tzinfo=UTC), "Asia/Shanghai", "offset_not_wanted"),
    ],
)
def test_what_the_clocks_make_unclear_is_refused_with_both_readings(
    local: datetime, name: str, code: str
) -> None:
    with refused(code) as caught:
        resolve(local, name)
    [violation] = caught.value.violations
    assert violation.pointer == "/local"
    if code != "offset_not_wanted":
        assert violation.hint.count("T") >= 2


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2035, 1, 1)))  # noqa: DTZ001
def test_every_time_reads_back_or_is_unclear(local: datetime) -> None:
    where = zone("Europe/Berlin")
    first, second = (local.replace(tzinfo=where, fold=fold).utcoffset() for fold in (0, 1))
    if first != second:  # the clocks change around it
        with pytest.raises(Invalid, match=r"^time_(skipped|doubled):"):
            resolve(local, "Europe/Berlin")
        return
    assert resolve(local, "Europe/Berlin").astimezone(where).replace(tzinfo=None) == local


def test_the_past_and_the_far_future_are_refused() -> None:
    check_future(NOW - GRACE, NOW)
    check_future(NOW + FURTHEST, NOW)
    with refused("time_in_past"):
        check_future(NOW - GRACE - timedelta(milliseconds=1), NOW)
    with refused("time_too_far"):
        check_future(NOW + FURTHEST + timedelta(seconds=1), NOW)
