"""Who may do what: one table. Roles are named permission sets; docs/reference/permissions.md is made from it."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing a member or an API key may do."""

    WORKSPACE_READ = "workspace.read"
    BRANDS_WRITE = "brands.write"
    CHANNELS_WRITE = "channels.write"
    ASSETS_WRITE = "assets.write"
    POSTS_WRITE = "posts.write"
    POSTS_REVIEW = "posts.review"
    POSTS_PUBLISH = "posts.publish"
    INTERACTIONS_WRITE = "interactions.write"
    LINKS_WRITE = "links.write"
    CONVERSIONS_WRITE = "conversions.write"
    METRICS_READ = "metrics.read"
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
    Role.ANALYST: _READ | {_P.LINKS_WRITE, _P.CONVERSIONS_WRITE},
    Role.VIEWER: _READ,
}
