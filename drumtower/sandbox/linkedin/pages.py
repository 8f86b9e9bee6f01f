"""Who is who and how much: userinfo, roles, pages, statistics and followers of the LinkedIn sandbox."""

from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.linkedin.wire import Call, denied, invalid, not_found, page
from drumtower.sandbox.store import Record

_COUNTED = ("impressions", "likes", "comments", "shares")


async def userinfo(state: State, call: Call) -> Record:
    if "profile" not in call.token["scopes"]:
        raise denied()
    account = state.account(call.token["account"])
    sub = account["member"].rpartition(":")[2]
    return {"sub": sub, "name": account["name"], "given_name": account["name"], "locale": "zh_CN"}


async def roles(state: State, call: Call) -> Record:
    """The pages on which the token's member has a role."""
    call.finder("roleAssignee")
    if "rw_organization_admin" not in call.token["scopes"]:
        raise denied()
    account = state.account(call.token["account"])
    row = {
        "organization": account["id"],
        "role": account["role"],
        "roleAssignee": account["member"],
        "state": "APPROVED",
    }
    asked = {name: call.query[name] for name in ("role", "state") if name in call.query}
    fits = account["kind"] == "organization" and all(row[name] == value for name, value in asked.items())
    return page(call, [row] if fits else [])


async def organization(state: State, call: Call) -> Record:
    account = state.account(f"urn:li:organization:{call.urn}")
    return {
        "id": int(call.urn),
        "localizedName": account["name"],
        "vanityName": f"gulou-{call.urn}",
        "$URN": account["id"],
    }


async def share_statistics(state: State, call: Call) -> Record:
    """Totals of the page, or by post; a post without any activity has no row."""
    call.finder("organizationalEntity")
    owner = call.text("organizationalEntity")
    state.may_read(call.token, "r_organization_social", owner=owner)
    asked = [("share", urn) for urn in call.listed("shares")] + [
        ("ugcPost", urn) for urn in call.listed("ugcPosts")
    ]
    rows = [_row(state, owner, name, urn) for name, urn in asked]
    return page(call, [row for row in rows if row], total=False) | {
        "elements": [row for row in rows if row] if asked else [_total(state, owner)]
    }


def _row(state: State, owner: str, name: str, urn: str) -> Record | None:
    post = state.store.get("posts", urn)
    if post is None or post["account"] != owner or post["deleted"]:
        if state.settings()["foreign_statistics"] == "refuse":
            raise denied(f"{urn} is not a post of {owner}")
        return None
    if not any(post[counter] for counter in _COUNTED):
        return None
    return {name: urn, "organizationalEntity": owner, "totalShareStatistics": _counts([post])}


def _total(state: State, owner: str) -> Record:
    posts = [post for post in state.store.all("posts") if post["account"] == owner and not post["deleted"]]
    return {"organizationalEntity": owner, "totalShareStatistics": _counts(posts)}


def _counts(posts: list[Record]) -> Record:
    sums = {counter: sum(post[counter] for post in posts) for counter in _COUNTED}
    engaged = sums["likes"] + sums["comments"] + sums["shares"]
    return {
        "impressionCount": sums["impressions"],
        "uniqueImpressionsCount": sums["impressions"],
        "clickCount": 0,
        "likeCount": sums["likes"],
        "commentCount": sums["comments"],
        "shareCount": sums["shares"],
        "engagement": engaged / sums["impressions"] if sums["impressions"] else 0.0,
    }


# In per mille of the followers.
_FACETS = {
    "Geo": ("geo", {"urn:li:geo:102890883": 610, "urn:li:geo:102454443": 120}),
    "GeoCountry": ("geo", {"urn:li:geo:102890883": 640, "urn:li:geo:102454443": 130}),
    "Industry": ("industry", {"urn:li:industry:34": 310, "urn:li:industry:4": 205, "urn:li:industry:96": 2}),
    "Function": ("function", {"urn:li:function:15": 240, "urn:li:function:25": 180}),
    "Seniority": (
        "seniority",
        {"urn:li:seniority:4": 420, "urn:li:seniority:6": 90, "urn:li:seniority:8": 35},
    ),
    "StaffCountRange": ("staffCountRange", {"SIZE_2_TO_10": 150, "SIZE_51_TO_200": 330}),
    "AssociationType": ("associationType", {"EMPLOYEE": 12}),
}
SMALLEST = 5  # a smaller group is left out; LinkedIn does not say where it draws the line


async def follower_statistics(state: State, call: Call) -> Record:
    """Lifetime statistics by facet; organic and paid are added up in the first."""
    call.finder("organizationalEntity")
    if "timeIntervals" in call.query:
        raise invalid("Gains by interval are not here", "QUERY_PARAM_NOT_ALLOWED")
    owner = call.text("organizationalEntity")
    state.may_read(call.token, "rw_organization_admin", owner=owner)
    account = state.account(owner)
    if account["role"] != "ADMINISTRATOR":
        raise denied()
    told = {
        f"followerCountsBy{name}": _facet(field, parts, account["followers"])
        for name, (field, parts) in _FACETS.items()
    }
    return page(call, [{"organizationalEntity": owner, **told}], total=False)


def _facet(field: str, parts: dict[str, int], followers: int) -> list[Record]:
    counts = {value: followers * part // 1000 for value, part in parts.items()}
    return [
        {field: value, "followerCounts": {"organicFollowerCount": count, "paidFollowerCount": 0}}
        for value, count in counts.items()
        if count >= SMALLEST
    ]


async def network_size(state: State, call: Call) -> Record:
    if call.query.get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER":
        raise invalid("edgeType is COMPANY_FOLLOWED_BY_MEMBER")
    account = state.account(call.urn)
    if account["kind"] != "organization":
        raise not_found(call.urn)
    return {"firstDegreeSize": account["followers"]}
