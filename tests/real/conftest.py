"""The real PDS, one a worker; tests that ask for it are skipped where it was not built."""

from collections.abc import Iterator

import pytest

from tests.real.pds import Pds, missing, running


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    """Start the server, or skip."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with running(tmp_path_factory.mktemp("pds")) as server:
        yield server
