"""QQ: bots may only answer: in a group within 5 minutes, in private within an hour, five times a message."""

import zlib
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from drumtower.adapters.qq import webhook
from drumtower.adapters.qq.declaration import (
    AUTH,
    BY_HAND,
    CAPABILITIES,
    IN_REVIEW,
    REPEATED,
    TOKEN_URL,
    WIRE,
)
from drumtower.domain.capabilities import Label
from drumtower.platforms import (
    Adapter,
    Credentials,
    Handoff,
    Messenger,
    PlatformError,
    Published,
    PublishRequest,
    Received,
    RemoteAccount,
    Replier,
    ReplyRequest,
    Token,
    TokenSource,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.answers import Answer, Id, required
from drumtower.platforms.oauth import address
from drumtower.platforms.tokens import bought
from drumtower.platforms.wire import connect, text_at


class Bot(Answer):
    """The bot itself."""

    id: Id
    username: str = ""


class QQAdapter(Adapter, TokenSource, Replier, Messenger, WebhookReceiver):
    """What names the bot in a group is a mention, answered there; what is written to it alone is a message."""

    slug: ClassVar[str] = "qq"
    name: ClassVar[Label] = Label(zh_cn="QQ群", en="QQ group")
    default_base_url: ClassVar[str] = "https://api.sgroup.qq.com"
    console_url: ClassVar[str | None] = "https://q.qq.com/"
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE
    by_hand = BY_HAND

    async def token(self, credentials: Credentials) -> Token:
        place = urlsplit(address(self, TOKEN_URL))
        base, secret = f"{place.scheme}://{place.netloc}", credentials["app_secret"]
        api = connect(self.http, base, WIRE, secrets=(secret,))
        body = {"appId": credentials["app_id"], "clientSecret": secret}
        return await bought(api.post(place.path, dict[str, Any], body))

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """The bot is known by its AppID, which its pushes name."""
        bot = await self.api(credentials).get("/users/@me", Bot)
        return RemoteAccount(id=credentials["app_id"], name=bot.username or bot.id)

    async def publish(self, request: PublishRequest) -> Handoff:
        return Handoff(reason="QQ lets bots answer only; since 2025-04-21 none may speak first (40034102).")

    async def reply(self, request: ReplyRequest) -> Published:
        return await self._answer(
            f"/v2/groups/{quote(str(request.context['group_openid']), safe='')}", request
        )

    async def message(self, request: ReplyRequest) -> Published:
        return await self._answer(f"/v2/users/{quote(request.author_id, safe='')}", request)

    async def _answer(self, place: str, request: ReplyRequest) -> Published:
        """Answer once; QQ refuses the same `msg_seq` for the same message, so a repeat of ours is never a second one."""
        sequence = zlib.crc32(request.idempotency_key.encode()) % 1_000_000 + 1
        body = {"content": request.text, "msg_type": 0, "msg_id": request.external_id, "msg_seq": sequence}
        ours = f"answer_{request.idempotency_key}"
        try:
            sent = await self.api(request.credentials).post(
                f"{place}/messages", dict[str, Any], body, once=True
            )
        except PlatformError as error:
            if error.failure.platform_code == REPEATED:
                return Published(external_id=ours)
            raise
        if (text_at(sent, "err_code") or text_at(sent, "code")) in IN_REVIEW:
            return Published(external_id=ours)
        return Published(external_id=required(sent, "id", once=True))

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        raise WebhookRefused("body_malformed", "QQ checks an address by a push")

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.receive(request, credentials)
