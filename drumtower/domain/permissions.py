"""Who may do what: one table. Roles are named permission sets; docs/reference/permissions.md is made from it."""

from enum import StrEnum

from drumtower.domain.deliveries import Action


class Permission(StrEnum):
    """One thing a member or an API key may do."""

    WORKSPACE_READ = "workspace.read"
    WORKSPACE_WRITE = "workspace.write"
    MEMBERS_WRITE = "members.write"
    BRANDS_WRITE = "brands.write"
    CHANNELS_WRITE = "channels.write"
    ASSETS_WRITE = "assets.write"
    POSTS_WRITE = "posts.write"
    POSTS_REVIEW = "posts.review"
    POSTS_PUBLISH = "posts.publish"
    RULES_WRITE = "rules.write"
    INTERACTIONS_WRITE = "interactions.write"
    LINKS_WRITE = "links.write"
    CONVERSIONS_WRITE = "conversions.write"
    METRICS_READ = "metrics.read"
    METRICS_WRITE = "metrics.write"
    API_KEYS_WRITE = "api_keys.write"


class Role(StrEnum):
    """A named permission set."""

    OWNER = "owner"
    ADMIN = "admin"
    PLANNER = "planner"
    CREATOR = "creator"
    REVIEWER = "reviewer"
    PUBLISHER = "publisher"
    AGENT = "agent"
    ANALYST = "analyst"
    VIEWER = "viewer"


_P = Permission
_READ = frozenset({_P.WORKSPACE_READ, _P.METRICS_READ})
_ALL = frozenset(Permission)

ROLES: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _ALL,
    Role.ADMIN: _ALL,
    Role.PLANNER: _READ | {_P.ASSETS_WRITE, _P.POSTS_WRITE, _P.POSTS_PUBLISH, _P.LINKS_WRITE},
    Role.CREATOR: _READ | {_P.ASSETS_WRITE, _P.POSTS_WRITE, _P.LINKS_WRITE},
    Role.REVIEWER: _READ | {_P.POSTS_REVIEW},
    Role.PUBLISHER: _READ | {_P.POSTS_PUBLISH},
    Role.AGENT: _READ | {_P.INTERACTIONS_WRITE},
    Role.ANALYST: _READ | {_P.LINKS_WRITE, _P.CONVERSIONS_WRITE, _P.METRICS_WRITE},
    Role.VIEWER: _READ,
}

# An agency never approves and never publishes, whatever its role says.
NEVER_EXTERNAL = frozenset({_P.POSTS_REVIEW, _P.POSTS_PUBLISH})

# What acting on a delivery needs, any one of these: whoever may answer people sees the answer through.
_PUBLISHING, _ANSWERING = (_P.POSTS_PUBLISH,), (_P.POSTS_PUBLISH, _P.INTERACTIONS_WRITE)
ACTING: dict[Action, tuple[Permission, ...]] = {
    Action.PUBLISH: _PUBLISHING,
    Action.DELETE: _PUBLISHING,
    Action.REPLY: _ANSWERING,
    Action.MESSAGE: _ANSWERING,
}
ACTS = _ANSWERING  # without one of these, nobody acts on any

MEANINGS: dict[Permission, str] = {
    _P.WORKSPACE_READ: "read brands, channels, assets, posts, deliveries, interactions, links and conversions",
    _P.WORKSPACE_WRITE: "change the workspace's settings and policies",
    _P.MEMBERS_WRITE: "invite members, change what they are, and end their access",
    _P.BRANDS_WRITE: "create and change brands",
    _P.CHANNELS_WRITE: "connect, change and disconnect channels",
    _P.ASSETS_WRITE: "upload assets and change what is known about them",
    _P.POSTS_WRITE: "write, change, submit, duplicate and archive posts",
    _P.POSTS_REVIEW: "judge posts of others",
    _P.POSTS_PUBLISH: "schedule posts, act on their deliveries, set slots, plan series and campaigns, keep the calendar, and make and lift freezes",
    _P.RULES_WRITE: "write rule packs, and switch packs on and off",
    _P.INTERACTIONS_WRITE: "assign, judge and answer interactions, and act on the deliveries of answers",
    _P.LINKS_WRITE: "create and rename tracked links",
    _P.CONVERSIONS_WRITE: "tell conversions",
    _P.METRICS_READ: "read key figures",
    _P.METRICS_WRITE: "import figures that no API gives",
    _P.API_KEYS_WRITE: "make and revoke API keys",
}


def granted(role: Role, *, external: bool) -> frozenset[Permission]:
    """Return what a member may do: an agency never approves and never publishes, whatever its role says."""
    return ROLES[role] - NEVER_EXTERNAL if external else ROLES[role]


def reference() -> str:
    """Write docs/reference/permissions.md: who may do what, as Markdown."""
    head = " | ".join(role.value for role in Role)
    rows = [
        f"| `{permission}` | " + " | ".join("✓" if permission in ROLES[role] else "" for role in Role) + " |"
        for permission in Permission
    ]
    meanings = [f"- `{permission}`: {MEANINGS[permission]}" for permission in Permission]
    return "\n".join(
        [
            "# Permissions",
            "",
            "Made from `drumtower/domain/permissions.py`. A role is a named set of permissions; a member has one role.",
            "",
            f"| permission | {head} |",
            "|---" * (len(Role) + 1) + "|",
            *rows,
            "",
            *meanings,
            "",
            "A member who is `external` (an agency) never has `posts.review` and `posts.publish`, whatever the role says,",
            "and loses all access on the day that is set. Nobody judges a post that they wrote or submitted.",
            "An API key acts as the member who made it, within its `scopes`; a key makes no key that is wider than itself.",
            "",
        ]
    )
