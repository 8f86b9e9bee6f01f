"""The world of the short runs: the suite's servers, and one nursery a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Servers
from tests.faults.crew import Nursery
from tests.faults.world import World


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The process that forks schedulers."""
    with Nursery() as started:
        yield started


@pytest.fixture
def world(servers: Servers, template: str, nursery: Nursery, tmp_path: Path) -> World:
    """Where fields are laid out; a short run waits for nobody's lease for long."""
    return World(servers=servers, template=template, nursery=nursery, directory=tmp_path, lease=5.0)
