"""How a channel proves who it is: data. The core asks for the fields, keeps them encrypted, and runs the flow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from drumtower.domain.capabilities import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One value the channel's owner gives."""

    name: str
    label: Label
    secret: bool = True
    required: bool = True


def credential(
    name: str, zh_cn: str, en: str, *, secret: bool = True, required: bool = True
) -> CredentialField:
    """One value to ask for; what is no secret is shown while it is typed."""
    return CredentialField(name=name, label=Label(zh_cn=zh_cn, en=en), secret=secret, required=required)


# Where only a token's own answer names the account, one made by hand needs it said; and an app may have few scopes.
OPEN_ID = credential(
    "open_id",
    "授权令牌的 open_id（手工填写令牌时需要）",
    "open_id of a token given by hand",
    secret=False,
    required=False,
)
SCOPES = credential(
    "scopes",
    "应用已获得的 scope（留空则全部申请）",
    "Scopes that the app has (empty: ask for all)",
    secret=False,
    required=False,
)


class Refresh(StrEnum):
    """What renewing an access token does to the refresh token."""

    NONE = "none"  # there is none: a person authorises again before the token ends
    KEPT = "kept"  # it stays, and so does its own end: at that end a person authorises again
    ROTATED = "rotated"  # each use spends it and gives the next; with it comes a new end


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a platform calls the standard's parameters."""

    client_id: str = "client_id"
    client_secret: str = "client_secret"  # noqa: S105 - a name
    redirect_uri: str = "redirect_uri"
    scope: str = "scope"
    separator: str = " "  # between scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """Where a token answer's values stand; paths have dots. `expires_in` above 10^9 is an epoch second.

    `account`: whose token it is, for platforms that say so nowhere else.
    """

    access: str = "access_token"
    expires_in: str = "expires_in"
    refresh: str = "refresh_token"
    refresh_expires_in: str = "refresh_expires_in"
    scope: str = "scope"
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A call that gives a new refresh token with a new end, so many times; after that a person authorises again."""

    url: str
    times: int
    answer: TokenAnswer  # `refresh` and `refresh_expires_in` are read


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """A user's access token from the platform's OAuth 2 flow, which the core runs from this data.

    `fields` are what the owner enters; `app_id` and `app_secret` name those that the flow needs. A field called
    `access_token` is for a token made by hand, and is not asked for where the flow is run. `optional_scopes` are asked
    for too, and a grant without them is a grant; a field called `scopes` replaces them for apps that have fewer.
    """

    fields: tuple[CredentialField, ...]
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()
    pkce: bool = False  # S256, where the platform offers it
    app_id: str = "app_key"
    app_secret: str = "app_secret"  # noqa: S105 - the name of a field
    authorize_parameters: Mapping[str, str] = field(default_factory=dict)  # sent besides the standard's
    parameters: Parameters = Parameters()
    answer: TokenAnswer = TokenAnswer()
    refresh: Refresh = Refresh.NONE
    refresh_url: str | None = None  # where it is not the token_url
    extension: Extension | None = None
    asks_by_get: bool = False  # tokens are asked for in a query instead of a form
    renew_before: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSecret:
    """An app id and secret that buy short-lived tokens (the adapter is a `TokenSource`)."""

    fields: tuple[CredentialField, ...]
    renew_before: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPassword:
    """An identifier and an app password that buy a session (the adapter is a `TokenSource`)."""

    fields: tuple[CredentialField, ...]
    renew_before: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedToken:
    """A key that stays valid until somebody takes it back: an API key, an application password, a robot's address."""

    fields: tuple[CredentialField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """A mail server and a login: not HTTP, so the adapter speaks to it with a mail library."""

    fields: tuple[CredentialField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLogin:
    """Nothing to prove: a person publishes, and the channel is who is responsible (handoff by nature)."""

    fields: tuple[CredentialField, ...] = ()


Auth = OAuth2 | AppSecret | AppPassword | FixedToken | Smtp | NoLogin
