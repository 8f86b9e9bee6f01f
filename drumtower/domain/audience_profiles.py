"""Who follows a channel, as its platform counted them: people by value, in the platform's own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# How a plan's error begins that concerns the audience alone: the numbers came.
ERROR = "audience: "


class Dimension(StrEnum):
    """A side of an audience."""

    AGE = "age"
    GENDER = "gender"
    REGION = "region"
    INTEREST = "interest"
    ACTIVE_HOURS = "active_hours"
    ACTIVE_DAYS = "active_days"
    DEVICE = "device"
    INDUSTRY = "industry"
    JOB_FUNCTION = "job_function"
    SENIORITY = "seniority"
    COMPANY_SIZE = "company_size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """An audience at a moment. A dimension that was not given is absent, and no dimension is ever empty.

    `people`: how many there are by dimension and value. `total`: all of them, where the platform says so. `as_of`: when
    it was counted; None: the platform does not say.
    """

    people: Mapping[Dimension, Mapping[str, int]]
    total: int | None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """One dimension in shares of the whole. `unknown`: of whom the platform told nothing; None: the whole is unknown."""

    values: Mapping[str, float]
    unknown: float | None


def shares(people: Mapping[str, int], total: int | None) -> Shares:
    """Return the values' shares, the largest first; together with the unknown share never more than 1.

    Where the values add up to more than the total (platforms count the two at different times), they are the whole.
    Interests and devices may count a person twice; then too.
    """
    told = sum(people.values())
    whole = max(told, total or 0)
    ordered = sorted(people.items(), key=lambda item: (-item[1], item[0]))
    # Rounded down, so that they never add up to more than 1.
    found = {value: count * 10_000 // whole / 10_000 if whole else 0.0 for value, count in ordered}
    unknown = None if total is None or not whole else (whole - told) * 10_000 // whole / 10_000
    return Shares(values=found, unknown=unknown)
