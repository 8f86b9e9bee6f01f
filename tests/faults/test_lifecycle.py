"""R19, small: invented lives keep their promises, and the machine finds the double that a missing guard makes."""

import pytest

from tests.faults.lifecycle import Unguarded, live

pytestmark = pytest.mark.long


def test_invented_lives_keep_their_promises() -> None:
    live(60)


def test_a_missing_guard_is_found() -> None:
    with pytest.raises(AssertionError):
        live(2000, Unguarded)
