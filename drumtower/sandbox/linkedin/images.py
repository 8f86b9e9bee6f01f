"""/rest/images of the LinkedIn sandbox, and the address that takes the bytes."""

import secrets
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.linkedin.wire import Call, Refused, invalid, ms, not_found
from drumtower.sandbox.store import Record

_MAGIC = (b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"\x89PNG\r\n\x1a\n")


async def begin(state: State, call: Call) -> Record:
    """Name a new image and where to put its bytes."""
    if call.query.get("action") != "initializeUpload":
        raise invalid("No such action", "QUERY_PARAM_NOT_ALLOWED")
    asked = call.body.get("initializeUploadRequest") if isinstance(call.body, dict) else None
    if not isinstance(asked, dict) or not isinstance(asked.get("owner"), str):
        raise Refused(400, "MISSING_FIELD", "initializeUploadRequest/owner is required")
    state.may_write(call.token, asked["owner"])
    name = secrets.token_urlsafe(12)
    urn = f"urn:li:image:{name}"
    until = state.now() + timedelta(hours=24)
    image = {
        "id": urn,
        "owner": asked["owner"],
        "status": "WAITING_UPLOAD",
        "size": 0,
        "until": until.isoformat(),
    }
    state.store.put("images", urn, image)
    here = str(call.request.url).partition("/rest/images")[0]
    address = f"{here}/dms-uploads/{name}/0?ca=vector_feedshare&cn=uploads&sync=0"
    return {"value": {"uploadUrlExpiresAt": ms(until), "uploadUrl": address, "image": urn}}


async def put(state: State, request: Request) -> Response:
    """Take the bytes; what is no image is taken too, and fails later."""
    urn = f"urn:li:image:{request.path_params['name']}"
    image = state.store.get("images", urn)
    if image is None:
        raise not_found(urn)
    data = await request.body()
    if not data:
        raise Refused(411, None, "Length required")
    status = "AVAILABLE" if data.startswith(_MAGIC) else "PROCESSING_FAILED"
    state.store.put("images", urn, image | {"status": status, "size": len(data)})
    return Response(status_code=201)


async def read(state: State, call: Call) -> Record:
    """Pages read their images; a member can't read its own."""
    image = state.store.get("images", call.urn)
    if image is None:
        raise not_found(call.urn)
    state.may_read(call.token, owner=image["owner"])
    return {name: image[name] for name in ("id", "owner", "status")}
