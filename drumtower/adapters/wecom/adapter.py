"""WeCom: a channel is either a group robot (its key) or the customer groups of one owner (corp, secret, owner)."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from pydantic import BaseModel

from drumtower.adapters.wecom import groups, robot, webhook
from drumtower.adapters.wecom.declaration import AUTH, CAPABILITIES, WIRE, WeComOptions
from drumtower.domain import failures
from drumtower.domain.capabilities import Feature, Grant, Label
from drumtower.platforms import (
    Accepted,
    Adapter,
    Confirmable,
    Credentials,
    Finder,
    Finding,
    Messenger,
    Outcome,
    PlatformError,
    PostReference,
    Preparable,
    Prober,
    Published,
    PublishRequest,
    Reading,
    Received,
    RemoteAccount,
    ReplyRequest,
    StatsSource,
    Token,
    TokenSource,
    Undecidable,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRequest,
)
from drumtower.platforms.answers import Answer, Id, listed
from drumtower.platforms.limits import check_message
from drumtower.platforms.probes import asked
from drumtower.platforms.readings import reading
from drumtower.platforms.tokens import bought, disconnected

_NEEDED = ("corp_id", "corp_secret", "owner")
_NO_LIST = "WeCom has no list of what a robot said: look into the group."


class Sent(Answer):
    """A message of the app to a member."""

    msgid: Id
    invaliduser: str = ""


class WeComAdapter(
    Adapter,
    TokenSource,
    Prober,
    Preparable,
    Confirmable,
    Finder,
    Messenger,
    WebhookReceiver,
    StatsSource,
):
    """A robot's message is out at once; a mass message waits for its owner's confirmation."""

    slug: ClassVar[str] = "wecom"
    name: ClassVar[Label] = Label(zh_cn="企业微信群", en="WeCom group")
    default_base_url: ClassVar[str] = "https://qyapi.weixin.qq.com"
    console_url: ClassVar[str | None] = "https://work.weixin.qq.com/wework_admin/"
    options: ClassVar[type[BaseModel]] = WeComOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    async def token(self, credentials: Credentials) -> Token:
        """Buy the app's token (the same one while it is good); a robot's key is its own."""
        if key := credentials.values.get("robot_key"):
            return Token(access=key)
        missing = [name for name in _NEEDED if not credentials.values.get(name)]
        if missing:
            raise disconnected(f"give a robot's key, or the corp's data: {', '.join(missing)} missing")
        asked_for = {"corpid": credentials["corp_id"], "corpsecret": credentials["corp_secret"]}
        return await bought(self.api(credentials, token="").get("gettoken", dict[str, Any], **asked_for))

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """A robot has no name that could be asked for; it is known by a digest of its key."""
        if key := credentials.values.get("robot_key"):
            await robot.identify(self.api(credentials, token=""), key)
            digest = hashlib.sha256(key.encode()).hexdigest()[:16]
            return RemoteAccount(id=f"robot_{digest}", name="群机器人")
        corp, owner = credentials["corp_id"], credentials["owner"]
        await self._groups(credentials)
        return RemoteAccount(id=f"{corp}/{owner}", name=owner)

    async def _groups(self, credentials: Credentials) -> list[dict[str, Any]]:
        body = {"owner_filter": {"userid_list": [credentials["owner"]]}, "limit": 1}
        found = await self.api(credentials).post("externalcontact/groupchat/list", dict[str, Any], body)
        return listed(found, "group_chat_list")

    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Mass messages need customer contact, which an administrator opens for the app."""
        if credentials.values.get("robot_key"):
            return (
                Grant(feature=Feature.PUBLISH, allowed=True),
                Grant(feature=Feature.MESSAGE, allowed=False, reason="A robot hears nobody."),
            )
        return (await asked(Feature.PUBLISH, self._groups(credentials)),)

    async def prepare(self, request: PublishRequest) -> None:
        check_message(request.message, CAPABILITIES, self.slug)
        if not request.credentials.values.get("robot_key"):
            await groups.prepare(self.api(request.credentials), request)

    async def publish(self, request: PublishRequest) -> Outcome:
        check_message(request.message, CAPABILITIES, self.slug)
        options, credentials = cast("WeComOptions", request.options), request.credentials
        if key := credentials.values.get("robot_key"):
            return await robot.publish(self.api(credentials, token=""), key, request, options)
        return await groups.publish(self.api(credentials), credentials["owner"], request, options)

    async def confirm(self, credentials: Credentials, handle: dict[str, object]) -> Published | Accepted:
        return await groups.confirm(self.api(credentials), credentials["owner"], str(handle["msgid"]))

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        credentials = request.credentials
        if not credentials.values.get("robot_key"):
            return await groups.find(self.api(credentials), credentials["owner"], request, since)
        sent, whole = request.checkpoint.get("sent", 0), request.checkpoint.get("of")
        return robot.published(request) if sent == whole else Undecidable(reason=_NO_LIST)

    async def message(self, request: ReplyRequest) -> Published:
        """Answer a member in the app's own conversation, once."""
        agent = request.context.get("agent_id") or request.credentials.values.get("agent_id")
        body = {
            "touser": request.author_id,
            "msgtype": "text",
            "agentid": agent,
            "text": {"content": request.text},
        }
        sent = await self.api(request.credentials).post("message/send", Sent, body, once=True)
        if sent.invaliduser:
            detail = f"the app can't write to {sent.invaliduser}"
            raise PlatformError(failures.NotPermitted(detail=detail, platform_code="81013"))
        return Published(external_id=sent.msgid)

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        return webhook.challenge(request, credentials)

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.receive(request, credentials)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        return {}  # WeCom says which group got a message, and not who read it

    async def channel_stats(self, credentials: Credentials) -> Reading:
        if credentials.values.get("robot_key"):
            return reading({})
        return await groups.members(self.api(credentials), credentials["owner"], datetime.now(UTC))
