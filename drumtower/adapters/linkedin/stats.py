"""Share statistics of a page's posts.

LinkedIn refuses a whole call for one post that is gone or not the page's, so a refused list is halved until that one
is alone. A post that is left out had no activity yet or is gone; either way it has no reading, which is not 0.
"""

from collections.abc import Sequence

from drumtower.adapters.linkedin.schemas import Counted, Statistics, encoded, urns
from drumtower.domain.failures import NotPermitted
from drumtower.platforms import Api, PlatformError
from drumtower.platforms.readings import batches

COUNTED_AT_ONCE = 50
_LISTS = {"shares": "urn:li:share:", "ugcPosts": "urn:li:ugcPost:"}


async def counted(api: Api, owner: str, ids: Sequence[str]) -> list[Counted]:
    """Ask for the totals of posts."""
    rows: list[Counted] = []
    for name, kind in _LISTS.items():
        for batch in batches([urn for urn in ids if urn.startswith(kind)], COUNTED_AT_ONCE):
            rows += await _ask(api, owner, name, batch)
    return rows


async def _ask(api: Api, owner: str, name: str, ids: Sequence[str]) -> list[Counted]:
    query = f"q=organizationalEntity&organizationalEntity={encoded(owner)}&{name}={urns(ids)}"
    try:
        return (await api.get(f"organizationalEntityShareStatistics?{query}", Statistics)).elements
    except PlatformError as error:
        if not isinstance(error.failure, NotPermitted) or len(ids) == 1:
            raise
        middle = len(ids) // 2
        return await _halves(api, owner, name, (ids[:middle], ids[middle:]))


async def _halves(api: Api, owner: str, name: str, halves: Sequence[Sequence[str]]) -> list[Counted]:
    rows, refusals = list[Counted](), list[PlatformError]()
    for half in halves:
        try:
            rows += await _ask(api, owner, name, half)
        except PlatformError as error:
            if not isinstance(error.failure, NotPermitted):
                raise
            refusals.append(error)
    if len(refusals) == len(halves):
        raise refusals[0]
    return rows
