"""A1 in small: generated requests for every operation, over a socket; answers must be what the document says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.settings import Settings
from services.api.main import create_app
from tests.api.world import NOWHERE, build
from tests.factories import Team

pytestmark = pytest.mark.long

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# How many requests of each kind an operation gets.
GOOD, BAD = 3, 2
# These report the state of this very system: 503 is a true answer of theirs.
TRUTHFUL = {"health_ready"}


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve the app in a thread and a loop of its own, and give its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                thread.join(0.05)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
async def ids(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> dict[str, str]:
    return await build(client, reviewer, db, team, box)


def _fuzz(
    operation: Any, mode: GenerationMode, examples: int, send: Callable[[Any], Any], **fixed: Any
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,  # a failure here is to be had again, by whoever reads of it
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, **fixed))
    def run(case: Any) -> None:
        answer = send(case)
        case.validate_response(answer, checks=CHECKS)
        # A platform that is down is the only failure there is here, and only where the document says so.
        assert answer.status_code < 500 or answer.status_code == 502, answer.text

    with suppress(Unsatisfiable):  # an operation without parameters has nothing to get wrong
        run()


@pytest.mark.timeout(300)
async def test_answers_are_what_the_document_says(
    app: FastAPI, settings: Settings, team: Team, ids: dict[str, str]
) -> None:
    schema = schemathesis.openapi.from_dict(app.openapi())
    with served(create_app(settings)) as address:

        def send(case: Any) -> Any:
            if (
                isinstance(case.body, dict)
                and case.operation.definition.raw["operationId"] == "channels_create"
            ):
                case.body["base_url"] = NOWHERE  # a test talks to nobody
            headers = {"Authorization": f"Bearer {team.owner_key}"}
            return case.call(base_url=address, headers=headers, allow_redirects=False)

        failures: dict[str, str] = {}
        for found in schema.get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]  # an operation that can't be read fails here
            if operation.definition.raw["operationId"] in TRUTHFUL:
                continue
            names = [parameter.name for parameter in operation.path_parameters]
            real = {name: ids[name] for name in names if name in ids}
            try:
                _fuzz(operation, GenerationMode.POSITIVE, GOOD, send, path_parameters=real)
                _fuzz(operation, GenerationMode.NEGATIVE, BAD, send, path_parameters=real)
                if real:
                    _fuzz(operation, GenerationMode.POSITIVE, 1, send)
            except FailureGroup as failure:
                failures[operation.label] = str(failure)
    assert not failures, "\n\n".join(failures.values())
