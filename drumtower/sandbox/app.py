"""Every sandbox platform under one address: http://host:port/{platform}/…"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router

from drumtower.sandbox.bilibili import BilibiliSandbox
from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.sandbox.discourse import DiscourseSandbox
from drumtower.sandbox.douyin import DouyinSandbox
from drumtower.sandbox.email import EmailSandbox
from drumtower.sandbox.kuaishou import KuaishouSandbox
from drumtower.sandbox.linkedin import LinkedInSandbox
from drumtower.sandbox.mastodon import MastodonSandbox
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.qq import QQSandbox
from drumtower.sandbox.wechat import WeChatSandbox
from drumtower.sandbox.wecom import WeComSandbox
from drumtower.sandbox.weibo import WeiboSandbox
from drumtower.sandbox.wordpress import WordPressSandbox

PLATFORMS: tuple[type[SandboxPlatform], ...] = (
    WeiboSandbox,
    WeChatSandbox,
    BlueskySandbox,
    MastodonSandbox,
    DiscourseSandbox,
    LinkedInSandbox,
    DouyinSandbox,
    BilibiliSandbox,
    KuaishouSandbox,
    WordPressSandbox,
    WeComSandbox,
    QQSandbox,
    EmailSandbox,
)


def create_app(state: Path | None = None, mail_port: int = 0) -> Router:
    """Make the app; with a `state` directory every platform survives a restart. Mail is taken on `mail_port` (0: any)."""
    made = [platform(state / f"{platform.slug}.jsonl" if state else None) for platform in PLATFORMS]

    async def index(_: Request) -> JSONResponse:
        return JSONResponse({"platforms": [platform.slug for platform in made]})

    @asynccontextmanager
    async def lifespan(_: Router) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for platform in made:
                await stack.enter_async_context(platform.running(mail_port))
            yield

    # A bare router: an application's error middleware would turn a broken connection into a 500.
    return Router(
        routes=[Route("/", index), *(Mount(f"/{platform.slug}", app=platform.app) for platform in made)],
        lifespan=lifespan,
    )
