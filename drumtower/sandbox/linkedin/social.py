"""/rest/socialActions of the LinkedIn sandbox: comments, one level of answers deep."""

from typing import Any

from starlette.responses import JSONResponse, Response

from drumtower.sandbox.linkedin import notifications
from drumtower.sandbox.linkedin.posts import utf16
from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.linkedin.wire import Call, Refused, comment_parts, denied, invalid, ms, page
from drumtower.sandbox.store import Record

LONGEST = 1250


def comment_json(row: Record) -> Record:
    stamp = {"actor": row["actor"], "time": ms(row["created_at"])}
    return {
        "id": row["number"],
        "commentUrn": row["id"],
        "actor": row["actor"],
        "object": row["activity"],
        "message": {"attributes": [], "text": row["text"]},
        "created": stamp,
        "lastModified": stamp,
        "likesSummary": {"totalLikes": 0, "aggregatedTotalLikes": 0},
        "commentsSummary": {"totalFirstLevelComments": 0, "aggregatedTotalComments": 0},
        **({"parentComment": row["in_reply_to"]} if row["in_reply_to"] else {}),
    }


def _place(state: State, urn: str) -> tuple[Record, Record | None]:
    """The post, and the comment on it that the URN names."""
    if comment_parts(urn) is None:
        return state.post(urn), None
    comment = state.comment(urn)
    return state.post(comment["post"]), comment


async def listed(state: State, call: Call) -> Record:
    post, above = _place(state, call.urn)
    state.may_read(call.token, owner=post["account"])
    rows = state.comments(post=post["id"], in_reply_to=above["id"] if above else None)
    return page(call, [comment_json(row) for row in rows])


async def create(state: State, call: Call) -> Response:
    """Comment; the id stands in the header, the comment in the body."""
    body = _checked(call.body)
    state.may_write(call.token, body["actor"])
    post, above = _place(state, call.urn)
    if state.post(body["object"])["id"] != post["id"]:
        raise invalid("object is another post", "FIELD_INVALID")
    parent = body.get("parentComment")
    if above is not None and (above["in_reply_to"] or parent not in (None, above["id"])):
        raise invalid("Answers hang on a comment of the first level", "FIELD_INVALID")
    row = state.add_comment(post, body["actor"], body["message"]["text"], above)
    if post["account"] == state.account(call.token["account"])["id"]:
        notifications.commented(state, row, post)
    return JSONResponse(comment_json(row), status_code=201, headers={"x-restli-id": row["number"]})


def _checked(body: Any) -> Record:
    if not isinstance(body, dict):
        raise invalid("Request body could not be converted to data map", "ILLEGAL_ARGUMENT")
    for name in ("actor", "object", "message"):
        if name not in body:
            raise Refused(400, "MISSING_FIELD", f"{name} is required")
    if "content" in body:
        raise denied("Unpermitted fields present in REQUEST_BODY: [/content]")
    text = body["message"].get("text") if isinstance(body["message"], dict) else None
    if not isinstance(text, str) or not text.strip():
        raise Refused(400, "MISSING_FIELD", "message/text is required")
    if utf16(text) > LONGEST:
        raise Refused(400, "FIELD_LENGTH_TOO_LONG", f"message/text exceeds {LONGEST} characters")
    return body
