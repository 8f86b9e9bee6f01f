"""Health by progress: not "a process is up", but "the oldest due delivery is this old"."""

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from drumtower.domain.health import Status
from drumtower.health.figures import exposition
from drumtower.health.readiness import Readiness, readiness
from services.api.deps import ServicesDep

router = APIRouter(tags=["operations"])


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["pass"] = "pass"


@router.get("/health/live", operation_id="health_live", summary="Is the process up?")
async def live() -> Liveness:
    return Liveness()


@router.get(
    "/health/ready",
    operation_id="health_ready",
    summary="Does the system make progress?",
    responses={503: {"model": Readiness, "description": "Something that publishing needs is away."}},
)
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """Name each dependency, and each role with the age of its steps' last good run. Redis away is only a warning."""
    found = await readiness(services.db, services.limiter.is_redis_up())
    response.status_code = 503 if found.status is Status.FAIL else 200
    return found


@router.get("/metrics", include_in_schema=False)
async def metrics(services: ServicesDep) -> Response:
    return Response(await exposition(services.db), media_type=CONTENT_TYPE_LATEST)
