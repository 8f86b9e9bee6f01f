"""Answers in public, and how ours are found again. Comments are plain text, not little text."""

from datetime import datetime

from drumtower.adapters.linkedin.posts import unless_closed
from drumtower.adapters.linkedin.schemas import Comment, Comments, encoded
from drumtower.platforms import Absent, Api, Finding, PlatformError, Published, ReplyRequest, Undecidable
from drumtower.platforms.lookups import bare, recent
from drumtower.platforms.media import rejected

PAGE = 100
_SHALLOW = f"More than {PAGE} answers stand there: LinkedIn's list may not show ours."
_SEVERAL = "The same answer stands there more than once, and LinkedIn does not say which is this one."


async def comment(api: Api, request: ReplyRequest) -> Published:
    """Answer a comment, or a post that mentions the page."""
    place, parent = _place(request)
    body = {
        "actor": request.credentials.account_id,
        "object": request.context.get("object") or request.post_external_id or place,
        "message": {"text": request.text},
    }
    body |= {"parentComment": parent} if parent else {}
    made = await api.post(f"socialActions/{encoded(place)}/comments", Comment, body, once=True)
    return _published(made)


def _place(request: ReplyRequest) -> tuple[str, str | None]:
    """Where the answer stands, and the comment it hangs on. LinkedIn nests one level only: `parent` is a top one."""
    parent = request.context.get("parent")
    place = parent or request.context.get("object") or request.post_external_id
    if not place:
        raise rejected("It is not known under which post this stands.")
    return str(place), parent


def _published(made: Comment) -> Published:
    return Published(external_id=made.name(), published_at=made.created.time)


async def find(api: Api, request: ReplyRequest, since: datetime) -> Finding:
    """Look among the answers in the same place: by actor, text and time."""
    place, _ = _place(request)
    query = f"socialActions/{encoded(place)}/comments?start=0&count={PAGE}"
    try:
        listed = (await api.get(query, Comments)).elements
    except PlatformError as error:
        return unless_closed(error)
    # In which order they come is not documented, so only a list that is whole proves anything.
    whole = len(listed) < PAGE
    seen = recent(listed, since, lambda row: row.created.time)
    actor, text = request.credentials.account_id, bare(request.text)
    mine = [row for row in seen.rows if row.actor == actor and bare(row.message.text) == text]
    if len(mine) > 1:
        return Undecidable(reason=_SEVERAL)
    if mine:
        return _published(mine[0])
    return Absent() if whole else Undecidable(reason=_SHALLOW)
