"""How a channel proves who it is: data. The core asks for the fields, keeps them encrypted, and runs the flow."""

from dataclasses import dataclass
from datetime import timedelta

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """A user's access token from the platform's OAuth 2 flow, given by the owner. `renewable`: it has a refresh token."""

    fields: tuple[CredentialField, ...]
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()
    renewable: bool = False


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


Auth = OAuth2 | AppSecret | AppPassword
