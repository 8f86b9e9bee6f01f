"""Errors as application/problem+json (RFC 9457). The only place that knows HTTP status codes of errors."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from drumtower.domain import errors
from drumtower.platforms import PlatformError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
DOCS = "/errors#"  # relative to this API, which serves the page itself

STATUS: dict[type[errors.DrumtowerError], int] = {
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.OutOfRange: 416,
    errors.PreconditionRequired: 428,
    errors.Limited: 429,
    errors.Unavailable: 503,
}
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Precondition failed",
    413: "Body too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    422: "Invalid request",
    428: "Precondition required",
    429: "Too many requests",
    500: "Internal error",
    502: "Platform error",
    503: "Unavailable",
}


class EvidenceRead(BaseModel):
    """What was found: `start` and `end` count code points of the text at the pointer, end exclusive."""

    model_config = ConfigDict(from_attributes=True)

    quote: str
    start: int | None
    end: int | None
    rule: str
    basis: str


class ProblemViolation(BaseModel):
    """One broken rule. `fix` stands for the quoted evidence, or is added to the list at the pointer."""

    pointer: str
    code: str
    detail: str
    hint: str
    severity: errors.Severity = errors.Severity.BLOCK
    evidence: EvidenceRead | None = None
    fix: str | None = None


class Problem(BaseModel):
    """What went wrong, every violation at once. `code` is stable; `instance` is the request's id."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[ProblemViolation]


def violations_read(violations: Sequence[errors.Violation]) -> list[ProblemViolation]:
    """Return violations as clients see them."""
    return [
        ProblemViolation(
            pointer=v.pointer,
            code=v.code,
            detail=v.detail,
            hint=v.hint,
            severity=v.severity,
            evidence=None if v.evidence is None else EvidenceRead.model_validate(v.evidence),
            fix=v.fix,
        )
        for v in violations
    ]


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    violations: Sequence[errors.Violation] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Make a problem answer."""
    body = Problem(
        type=DOCS + code,
        title=TITLES.get(status, "Error"),
        status=status,
        detail=detail,
        instance=f"urn:request:{request.scope.get('request_id', 'unknown')}",
        code=code,
        errors=violations_read(violations),
    )
    return JSONResponse(body.model_dump(mode="json"), status, headers, media_type=MEDIA_TYPE)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.DrumtowerError)
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="drumtower"'
    return problem(request, status, error.code, error.detail, violations=error.violations, headers=headers)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    violations = [_violation(item) for item in error.errors()]
    detail = f"{len(violations)} field(s) are not as they should be."
    return problem(request, 422, "invalid_request", detail, violations=violations)


_HINTS = {
    "extra_forbidden": "Remove it, or check its spelling.",
    "missing": "Add it.",
    "timezone_aware": "Add an offset, such as +08:00 or Z.",
}


_CODES = {
    "extra_forbidden": "unknown_field",
    "missing": "field_missing",
    "timezone_aware": "naive_time",
    "greater": "out_of_range",
    "less": "out_of_range",
    "multiple": "out_of_range",
    "finite": "out_of_range",
    "too": "invalid_length",
    "literal": "invalid_choice",
    "enum": "invalid_choice",
    "union": "invalid_choice",
    "dict": "invalid_object",
    "model": "invalid_object",
    "list": "invalid_list",
    "tuple": "invalid_list",
    "string": "invalid_string",
    "int": "invalid_number",
    "float": "invalid_number",
    "decimal": "invalid_decimal",
    "bool": "invalid_bool",
    "uuid": "invalid_uuid",
    "date": "invalid_date",
    "datetime": "invalid_datetime",
    "link": "invalid_link",
    "hashtag": "invalid_hashtag",
    "language": "invalid_language",
    "duration": "invalid_duration",
}


def _code(kind: str) -> str:
    """Return our stable code for pydantic's type of error: by its full name, else by its first word."""
    return _CODES.get(kind) or _CODES.get(kind.split("_", maxsplit=1)[0], "invalid_value")


def _violation(item: dict[str, Any]) -> errors.Violation:
    where, *path = [str(part) for part in item["loc"]]
    pointer = "/".join(["", *(part.replace("~", "~0").replace("/", "~1") for part in path)])
    prefix = {"query": "?", "path": "path ", "header": "header "}.get(where)
    kind = str(item["type"])
    return errors.Violation(
        pointer=f"{prefix}{'.'.join(path)}" if prefix else pointer,
        code=_code(kind),
        detail=str(item["msg"]).encode("utf-8", "replace").decode(),
        hint=_HINTS.get(kind) or str(item.get("ctx", {}).get("hint", "")),
    )


def row_violations(error: ValidationError, *path: str | int) -> list[errors.Violation]:
    """Return what is wrong with one row of a body, which stands at `path` in it."""
    items = error.errors(include_url=False, include_input=False)
    return [_violation({**item, "loc": ("body", *path, *item["loc"])}) for item in items]


def refusals(error: ValidationError | errors.DrumtowerError) -> list[ProblemViolation]:
    """Return why one of many was refused."""
    if isinstance(error, ValidationError):
        return violations_read(row_violations(error))
    alone = (errors.Violation(pointer="", code=error.code, detail=error.detail),)
    return violations_read(error.violations or alone)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 400: "bad_request"}
    code = codes.get(error.status_code, "http_error")
    headers = dict(error.headers) if error.headers else None
    return problem(request, error.status_code, code, str(error.detail), headers=headers)


async def _database(request: Request, error: Exception) -> Response:
    log.warning("database.unavailable", error=type(error).__name__)
    return problem(
        request,
        503,
        "database_unavailable",
        "The database is away for a moment; nothing was changed.",
        headers={"Retry-After": "2"},
    )


async def _integrity(request: Request, error: Exception) -> Response:
    log.info("database.conflict", error=str(getattr(error, "orig", error))[:300])
    return problem(
        request, 409, "conflict", "Somebody else changed the same thing at the same moment. Try again."
    )


async def _dbapi(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    # Lost connections, shutdowns and cancelled statements come as plain DBAPIErrors from asyncpg.
    if error.connection_invalidated or _sqlstate(error)[:2] in {"08", "53", "57", "55", "40"}:
        return await _database(request, error)
    log.error("database.error", error=str(error.orig)[:500])
    return _internal(request)


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


async def _platform(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlatformError)
    return problem(
        request, 502, "platform_error", f"The platform refused or did not answer: {error.failure.detail}"
    )


def _internal(request: Request) -> Response:
    return problem(
        request, 500, "internal_error", "Something is broken on our side; the request id finds it."
    )


async def unexpected(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw, and write it down."""
    log.error("request.failed", exc_info=error, path=request.url.path)
    return _internal(request)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(errors.DrumtowerError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(PlatformError, _platform)
    app.add_exception_handler(IntegrityError, _integrity)
    # asyncpg says TimeoutError, bare, where a connection takes too long to make.
    for away in (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError):
        app.add_exception_handler(away, _database)
    app.add_exception_handler(DBAPIError, _dbapi)
    app.add_exception_handler(Exception, unexpected)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the problems an operation may answer with, for the OpenAPI document."""
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
