"""How a person does on a platform what its API does not, and which links prove it: data, and the one rule over it."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from drumtower.domain.capabilities import Feature, Label


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What a person needs to know here.

    `features`: what only a person can do, on every account. `hosts`: where posts are seen, subdomains too; none: on
    the account's own server. `post` finds the post's id (group `id`) in a link's path, and `address` is its link
    without what only tells who shared it; on `short_hosts` a link is as good, but its path tells nothing. `steps` are
    the platform's own part of the checklist; `compose_url` is where a post is written.
    """

    features: frozenset[Feature] = frozenset()
    hosts: tuple[str, ...] = ()
    post: str | None = None
    address: str = "{url}"
    short_hosts: tuple[str, ...] = ()
    steps: tuple[Label, ...] = ()
    compose_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A link under which a post is seen; its id where the link tells it."""

    url: str
    post_id: str | None = None


class NoProof(Exception):
    """The link shows no post of this platform. `hint`: what does."""

    def __init__(self, detail: str, hint: str) -> None:
        super().__init__(detail)
        self.hint = hint


def host_of(url: str | None) -> str | None:
    """Return the host name of an address, in the one form that is compared; None where it has none."""
    try:
        name = urlsplit(url or "").hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def read_proof(by_hand: ByHand, url: str, own: Collection[str | None]) -> Proof:
    """Read a link as proof; raise NoProof where it leads elsewhere. `own`: addresses of the account and its server.

    A platform that names no hosts, and an account without an address, leave nothing to compare with.
    """
    host = host_of(url)
    allowed = {*by_hand.hosts, *by_hand.short_hosts} | {name for name in map(host_of, own) if name}
    if host is None or (allowed and not _under(host, allowed)):
        raise NoProof(
            f"{host or 'This'} is not where its posts are seen.", f"Known: {', '.join(sorted(allowed))}."
        )
    if by_hand.post is None or not _under(host, by_hand.hosts):
        return Proof(url=url)
    found = re.fullmatch(by_hand.post, urlsplit(url).path)
    if found is None:
        raise NoProof(
            "This is no link of a post.", f"It looks like {by_hand.address.format(id='…', url='…')}"
        )
    post_id = found["id"]
    return Proof(url=by_hand.address.format(id=post_id, url=url), post_id=post_id)


def _under(host: str, names: Collection[str]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)
