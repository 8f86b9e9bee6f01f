"""The screen of each workspace: its active rule packs, ready to be looked for in texts.

A version of a pack never changes, so what was read and built once is kept while the process runs.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from functools import cache, partial
from typing import Final
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.repositories.rule_packs import Active, active_of, rules_of
from drumtower.domain.rule_packs import Pack, Screen, digest, from_json
from drumtower.language.packs import shipped
from drumtower.language.terms import Terms

KEPT: Final = 64  # sets of packs; most workspaces have the shipped one alone, and share it
ELSEWHERE: Final = ""  # any platform that no rule names


class Screening:
    """One set of packs, for as long as a request or a batch lasts: equal texts are looked at once."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        hits = cache(terms.hits)
        self._screen = cache(lambda platform, industry: partial(hits, platform=platform, industry=industry))

    def on(self, platform: str | None = None, industry: str | None = None) -> Screen:
        """Return the screen for texts on a platform, of an industry; None rules nothing out. Equal ones are the same."""
        known = platform is None or platform in self._terms.platforms
        screen: Screen = self._screen(platform if known else ELSEWHERE, industry)
        return screen


async def screenings(tx: Tx, workspace_ids: Collection[UUID]) -> dict[UUID, Screening]:
    """Return each workspace's screening; one statement, and one more where a version was not met before."""
    chosen = await active_of(tx, workspace_ids)
    sets = {workspace_id: await _terms(tx, chosen[workspace_id]) for workspace_id in workspace_ids}
    return {workspace_id: Screening(terms) for workspace_id, terms in sets.items()}


async def screening(tx: Tx, workspace_id: UUID) -> Screening:
    """Return one workspace's screening."""
    return (await screenings(tx, [workspace_id]))[workspace_id]


def shipped_digest() -> str:
    """Name the versions that this release ships: another name, and what was checked is looked at again."""
    return digest([(one.pack.key, one.pack.version) for one in shipped()])


_built: OrderedDict[tuple[UUID | int, ...], Terms] = OrderedDict()


async def _terms(tx: Tx, active: Sequence[Active]) -> Terms:
    off = {one.pack_id for one in active if one.version is None}
    own = sorted((one for one in active if one.key and one.version is not None), key=lambda one: one.pack_id)
    ours = [one for one in shipped() if one.id not in off]
    name = (*(one.id for one in ours), *(part for one in own for part in (one.pack_id, one.version or 0)))
    if name not in _built:
        _built[name] = Terms([*(one.pack for one in ours), *await _own(tx, own)])
        while len(_built) > KEPT:
            _built.popitem(last=False)
    _built.move_to_end(name)
    return _built[name]


async def _own(tx: Tx, active: Sequence[Active]) -> list[Pack]:
    rules = await rules_of(tx, [(one.pack_id, one.version or 0) for one in active])
    return [
        Pack(key=one.key or "", version=one.version or 0, rules=from_json(rules[one.pack_id]))
        for one in active
    ]
