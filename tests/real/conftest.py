"""The real servers, one of each a worker; tests that ask for one that was not built here are skipped."""

from collections.abc import Iterator

import pytest

from tests.real import pds as real_pds
from tests.real import wordpress


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[real_pds.Pds]:
    """Start the PDS, or skip."""
    reason = real_pds.missing()
    if reason:
        pytest.skip(reason)
    with real_pds.running(tmp_path_factory.mktemp("pds")) as server:
        yield server


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wordpress.Site]:
    """Start the WordPress site, or skip."""
    reason = wordpress.missing()
    if reason:
        pytest.skip(reason)
    with wordpress.running(tmp_path_factory.mktemp("site")) as server:
        yield server
