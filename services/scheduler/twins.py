"""One remote post belongs to one delivery: an answer with the id of another's post is not believed."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.plain import fetch, transposed
from drumtower.domain import failures
from drumtower.platforms import Published

Told = TypeVar("Told")

NOT_ITS_OWN = "the platform answered with the id of another delivery's post"

# A deletion carries its post's id, and what answers somebody is no post: publishes only.
_TAKEN = """
SELECT DISTINCT e.delivery_id
FROM unnest($1::uuid[], $2::text[]) AS e (delivery_id, external_id)
JOIN deliveries AS d ON d.id = e.delivery_id AND d.action = 'publish'
JOIN deliveries AS other ON other.channel_id = d.channel_id AND other.external_id = e.external_id
    AND other.id <> d.id AND other.action = 'publish' AND other.state = 'published'
"""


async def disbelieve(tx: Tx, results: Sequence[tuple[UUID, Told]]) -> list[Told | failures.OutcomeUnknown]:
    """Return the results in their order; where a delivery got the id of another's post, its outcome is unknown.

    No two of them are publishes of one channel: those leave one by one.
    """
    told = [(one, found.external_id) for one, found in results if isinstance(found, Published)]
    if not told:
        return [found for _, found in results]
    doubtful = {row["delivery_id"] for row in await fetch(tx, _TAKEN, *transposed(told))}
    unknown = failures.OutcomeUnknown(detail=NOT_ITS_OWN)
    return [unknown if one in doubtful else found for one, found in results]
