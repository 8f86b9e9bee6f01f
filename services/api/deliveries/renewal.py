"""A delivery that has not left takes over what the post says now."""

from typing import Any

from drumtower.db.models import Delivery, Post
from drumtower.db.repositories.deliveries import payload_of
from drumtower.domain.content import for_channel, from_json


def renewal(delivery: Delivery, post: Post) -> dict[str, Any]:
    """Return the changes that bring the delivery to the post's present content; none where it has it already.

    What was prepared was the old content's. The fence grows, so that whoever still prepares that writes nothing.
    """
    if delivery.content_hash == post.content_hash:
        return {}
    content = for_channel(from_json(post.content), delivery.channel_id)
    return {
        "payload": payload_of(content),
        "content_hash": post.content_hash,
        "post_version": post.version,
        "checkpoint": {},
        "prepared": False,
        "prepared_at": None,
        "fence": delivery.fence + 1,
    }
