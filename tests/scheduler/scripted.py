"""A platform that says what a test wants it to say; to the core it is an adapter like any other."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from drumtower.domain.capabilities import Capabilities, Label, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Adapter,
    AppSecret,
    CredentialField,
    Credentials,
    FeedbackPage,
    FeedbackSource,
    PostReference,
    Published,
    PublishRequest,
    RemoteAccount,
    Token,
    TokenSource,
)

Script = Callable[[dict[str, object]], FeedbackPage | Exception | float]


class ScriptedAdapter(Adapter, TokenSource, FeedbackSource):
    """`scripts` by account: a page, an error to raise, or seconds to hang. `asked` are the cursors it was shown."""

    slug = "scripted"
    name = Label(zh_cn="剧本", en="Scripted")
    default_base_url = "http://127.0.0.1:9"
    capabilities = Capabilities(kinds=(Kind.IMAGE_TEXT,), body=TextRule(maximum=100, unit=Unit.CHARACTER))
    auth = AppSecret(fields=(CredentialField(name="secret", label=Label(zh_cn="密钥", en="Secret")),))
    scripts: ClassVar[dict[str, Script]] = {}
    asked: ClassVar[list[tuple[str, dict[str, object], list[str]]]] = []
    tokens: ClassVar[list[str]] = []

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        return RemoteAccount(id=credentials.account_id, name="scripted")

    async def publish(self, request: PublishRequest) -> Published:
        return Published(external_id=request.idempotency_key)

    async def token(self, credentials: Credentials) -> Token:
        self.tokens.append(credentials.account_id)
        return Token(access=f"token-{len(self.tokens)}")

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        self.asked.append((credentials.account_id, dict(cursor), [post.external_id for post in posts]))
        said: Any = self.scripts[credentials.account_id](cursor)
        if isinstance(said, float):
            await asyncio.sleep(said)
            return FeedbackPage(events=(), cursor={})
        if isinstance(said, Exception):
            raise said
        return FeedbackPage(events=said.events, cursor=said.cursor, more=said.more)


class OtherAdapter(ScriptedAdapter):
    """A second platform, with slots of its own."""

    slug = "other"
