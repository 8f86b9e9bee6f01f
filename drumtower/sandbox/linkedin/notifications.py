"""What a page is told: kept for 60 days, given when asked for, and pushed to its webhook."""

import re
from datetime import datetime, timedelta

from drumtower.sandbox.linkedin.posts import UNTOUCHED
from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.linkedin.wire import Call, invalid, ms, page
from drumtower.sandbox.store import Record

KEPT = timedelta(days=60)
_RANGE = re.compile(r"\(start:(\d{1,15}),end:(\d{1,15})\)")


def commented(state: State, row: Record, post: Record) -> Record:
    """Somebody commented; the page's own words are told too, as an admin's."""
    action = "ADMIN_COMMENT" if row["actor"] == post["account"] else "COMMENT"
    said = {"entity": row["id"], "owner": row["actor"], "object": row["activity"], "text": row["text"]}
    # A nested answer is told with the comment above it as its object (UNVERIFIED).
    said |= {"object": row["in_reply_to"]} if row["in_reply_to"] else {}
    short = f"urn:li:comment:({row['activity'].removeprefix('urn:li:')},{row['number']})"
    return tell(state, post, action, short, {"comment": said})


def mentioned(state: State, account: str, author: str, text: str) -> Record:
    """Somebody's post names the page."""
    urns = {"id": f"urn:li:share:{state.number()}", "activity": f"urn:li:activity:{state.number()}"}
    state.store.put("mentions", urns["id"], urns | UNTOUCHED | {"account": author, "text": text})
    said = {"entity": urns["id"], "owner": author, "text": text}
    return tell(
        state, urns | {"account": account, "text": text}, "SHARE_MENTION", urns["id"], {"share": said}
    )


def tell(state: State, post: Record, action: str, generated: str, activity: Record | None = None) -> Record:
    number = state.store.next_number("notification", 5_600_000_001)
    row: Record = {
        "notificationId": number,
        "organizationalEntity": post["account"],
        "action": action,
        "sourcePost": post["activity"],
        "decoratedSourcePost": {"entity": post["id"], "owner": post["account"], "text": post["text"]},
        "generatedActivity": generated,
        "lastModifiedAt": ms(state.now()),
        "subscriber": state.account(post["account"])["member"],
        **({"decoratedGeneratedActivity": activity} if activity else {}),
    }
    state.store.put("notifications", str(number), row)
    return row


async def by_criteria(state: State, call: Call) -> Record:
    """Newest first, of the asked actions in the asked time."""
    call.finder("criteria")
    page_urn = call.text("organizationalEntity")
    state.may_read(call.token, "rw_organization_admin", owner=page_urn)
    first, last = _range(state, call)
    actions = set(call.listed("actions"))
    rows = [
        row
        for row in reversed(state.store.all("notifications"))
        if row["organizationalEntity"] == page_urn
        and first <= row["lastModifiedAt"] <= last
        and (not actions or row["action"] in actions)
    ]
    return page(call, rows)


def _range(state: State, call: Call) -> tuple[int, int]:
    oldest = ms(state.now() - KEPT)
    if "timeRange" not in call.query:
        return oldest, ms(datetime.max.replace(tzinfo=state.now().tzinfo))
    match = _RANGE.fullmatch(call.query["timeRange"])
    if match is None:
        raise invalid("timeRange is (start:ms,end:ms)")
    return max(oldest, int(match[1])), int(match[2])
