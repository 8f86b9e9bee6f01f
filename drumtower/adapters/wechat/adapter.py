"""WeChat Official Account: what it offers, and where each call is made."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from drumtower.adapters.wechat import articles, feedback, publishing, stats, webhook
from drumtower.adapters.wechat.errors import DONE, NO_SUCH_ARTICLE, RULES
from drumtower.adapters.wechat.schemas import CAPABILITIES, Body, WeChatOptions
from drumtower.domain.capabilities import Capabilities, Feature, Grant, Label
from drumtower.platforms import (
    Accepted,
    Adapter,
    AppSecret,
    Auth,
    ByHand,
    Checkpoint,
    Confirmable,
    Credentials,
    Deleter,
    Discarder,
    Envelope,
    FeedbackPage,
    FeedbackSource,
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
    Rendering,
    Replier,
    ReplyFinder,
    ReplyRequest,
    StatsSource,
    Token,
    TokenPlace,
    TokenSource,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRequest,
    Wire,
    credential,
)
from drumtower.platforms.answers import count
from drumtower.platforms.errors import lost
from drumtower.platforms.probes import asked, not_askable
from drumtower.platforms.sealed import aes_key
from drumtower.platforms.tokens import bought, disconnected


class WeChatAdapter(
    Adapter,
    TokenSource,
    Prober,
    Preparable,
    Discarder,
    Confirmable,
    Finder,
    Deleter,
    Replier,
    ReplyFinder,
    Messenger,
    WebhookReceiver,
    FeedbackSource,
    StatsSource,
):
    """Publishes articles (`news`) by draft and free publish; followers are not notified.

    Both kinds become an article: a picture post (`newspic`) carries no links, so it is left out. An account without
    the publish grant (personal, unverified) answers 48001, which is a handoff.
    """

    slug: ClassVar[str] = "wechat"
    name: ClassVar[Label] = Label(zh_cn="微信公众号", en="WeChat Official Account")
    default_base_url: ClassVar[str] = "https://api.weixin.qq.com"
    console_url: ClassVar[str | None] = "https://mp.weixin.qq.com/"
    options: ClassVar[type[WeChatOptions]] = WeChatOptions
    by_hand = ByHand(hosts=("mp.weixin.qq.com",))
    capabilities: ClassVar[Capabilities] = CAPABILITIES
    # The token goes into the query, and errors come with HTTP 200.
    wire: ClassVar[Wire] = Wire(
        token=TokenPlace(header=None),
        read_error=Envelope(code=("errcode",), said=("errmsg",), fine=frozenset({"0", *DONE})),
        errors=RULES,
    )
    auth: ClassVar[Auth] = AppSecret(
        fields=(
            credential("app_id", "开发者ID(AppID)", "AppID", secret=False),
            credential("app_secret", "开发者密码(AppSecret)", "AppSecret"),
            credential("token", "服务器配置的令牌(Token)", "Callback token"),
            credential(
                "encoding_aes_key", "消息加解密密钥(EncodingAESKey)", "EncodingAESKey", required=False
            ),
            credential("account", "原始ID(gh_…)", "Original id (gh_…)", secret=False),
        )
    )

    async def token(self, credentials: Credentials) -> Token:
        """Ask for the stable token in normal mode: it repeats, so that two askers never void each other's."""
        ask = {
            "grant_type": "client_credential",
            "appid": credentials["app_id"],
            "secret": credentials["app_secret"],
            "force_refresh": False,
        }
        return await bought(self.api(credentials, token="").post("/cgi-bin/stable_token", Body, ask))

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Prove the token with `draft/count`, which every account may call and which changes nothing.

        WeChat has no call that says whose token it is; the original id is the owner's word, and each callback's
        ToUserName must match it.
        """
        if key := credentials.values.get("encoding_aes_key"):
            try:
                aes_key(key)
            except ValueError as error:
                raise disconnected(str(error)) from error
        body = await self.api(credentials).get("/cgi-bin/draft/count", Body)
        if count(body.get("total_count")) is None:
            raise PlatformError(lost("the answer has no total_count", once=False))
        return RemoteAccount(id=credentials["account"], name=credentials["account"])

    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Ask what personal and unverified accounts are refused (48001): their posts become handoffs."""
        api = self.api(credentials)
        listing = {"offset": 0, "count": 1, "no_content": 1}
        return (
            await asked(Feature.PUBLISH, api.post("/cgi-bin/freepublish/batchget", Body, listing)),
            await asked(Feature.STATISTICS, api.get("/cgi-bin/user/get", Body, next_openid="")),
            not_askable(Feature.REPLY, "WeChat asks for an article with comments."),
        )

    def render(self, request: PublishRequest) -> Rendering:
        """The article's page; the text is what a reader sees of it."""
        return articles.render(request.message)

    async def prepare(self, request: PublishRequest) -> None:
        await publishing.ensure_draft(self.api(request.credentials), request)

    async def discard(self, credentials: Credentials, checkpoint: Checkpoint) -> None:
        await publishing.discard(self.api(credentials), checkpoint)

    async def publish(self, request: PublishRequest) -> Outcome:
        return await publishing.publish(self.api(request.credentials), request)

    async def confirm(self, credentials: Credentials, handle: dict[str, object]) -> Published | Accepted:
        return await publishing.confirm(self.api(credentials), handle)

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await publishing.find(self.api(request.credentials), request, since)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        """Delete the article for good; WeChat can't undo it."""
        # The index is 1-based here; 0 would delete every article of the post.
        body = {"article_id": post.external_id, "index": 1}
        try:
            await self.api(credentials).post("/cgi-bin/freepublish/delete", Body, body)
        except PlatformError as error:
            if error.failure.platform_code != NO_SUCH_ARTICLE:
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        return await feedback.reply(self.api(request.credentials), request)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        return await feedback.find_reply(self.api(request.credentials), request)

    async def message(self, request: ReplyRequest) -> Published:
        return await feedback.message(self.api(request.credentials), request)

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        return webhook.challenge(request, credentials)

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.receive(request, credentials)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        return await feedback.pull(self.api(credentials), cursor, posts)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        return await stats.post_stats(self.api(credentials), posts)

    async def channel_stats(self, credentials: Credentials) -> Reading:
        return await stats.channel_stats(self.api(credentials))
