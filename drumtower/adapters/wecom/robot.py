"""The robot of an internal group: a post is one message or several, and none of them can be looked up again."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from drumtower.adapters.wecom.declaration import IMAGES, LONGEST_DESCRIPTION, WeComOptions
from drumtower.domain.content import Kind
from drumtower.domain.failures import OutcomeUnknown
from drumtower.platforms import Api, Message, PlatformError, Published, PublishRequest
from drumtower.platforms.answers import Answer, Id
from drumtower.platforms.media import read_file

Part = dict[str, Any]


class File(Answer):
    """An uploaded file; it is gone after three days."""

    media_id: Id


async def identify(api: Api, key: str) -> None:
    """Prove the key by a file that nobody gets to see: WeCom keeps it for three days."""
    files = {"media": ("drumtower.txt", b"drumtower", "text/plain")}
    await api.send("POST", "webhook/upload_media", File, params={"key": key, "type": "file"}, files=files)


async def publish(api: Api, key: str, request: PublishRequest, options: WeComOptions) -> Published:
    """Send the messages in order; what was sent is saved, so that going on after a failure repeats none."""
    parts = await _parts(request.message, options)
    for number in range(int(request.checkpoint.get("sent", 0)), len(parts)):
        answer = await api.post("webhook/send", dict[str, Any], parts[number], once=True, key=key)
        if answer.get("errcode") != 0:
            raise PlatformError(OutcomeUnknown(detail="the answer has no errcode"))
        await request.save({"sent": number + 1, "of": len(parts)})
    return published(request)


def published(request: PublishRequest) -> Published:
    """WeCom gives a robot's message no id; ours is the delivery's key."""
    return Published(external_id=f"robot_{request.idempotency_key}")


async def _parts(message: Message, options: WeComOptions) -> Sequence[Part]:
    """Make every message before the first one leaves, so that a bad file stops them all."""
    said: Part = {"content": message.text}
    if options.mention_all and options.form == "text":
        said["mentioned_list"] = ["@all"]
    parts: list[Part] = [{"msgtype": options.form, options.form: said}]
    if message.kind is Kind.ARTICLE and message.links:
        parts.append({"msgtype": "news", "news": {"articles": [card(message, "description")]}})
    for media in message.media:
        data = await read_file(media, IMAGES)
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        parts.append(
            {"msgtype": "image", "image": {"base64": base64.b64encode(data).decode(), "md5": digest}}
        )
    return parts


def card(message: Message, description: str) -> Part:
    """Return a link's card; `description` is what WeCom calls the text under the title here."""
    cut = message.body.encode()[:LONGEST_DESCRIPTION].decode(errors="ignore")
    return {"title": message.title or message.links[0][:128], description: cut, "url": message.links[0]}
