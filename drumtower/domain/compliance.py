"""Findings in posts that were checked before the rules changed: one for each place, until somebody deals with it."""

from enum import StrEnum


class FindingState(StrEnum):
    """Where a finding stands; only a person dismisses one."""

    OPEN = "open"
    RESOLVED = "resolved"  # the post or the rules changed
    DISMISSED = "dismissed"
