"""The Xiaohongshu adapter: all data. It makes no call, because no official one exists for notes, comments or counters.

docs/reference/xiaohongshu.md says where each number comes from, and which are unverified.
"""

import re
from datetime import timedelta
from typing import ClassVar

from drumtower.adapters.xiaohongshu.audience import CHARACTER
from drumtower.domain.capabilities import Capabilities, Feature, HashtagRule, Label, MediaRule, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.failures import ContentRejected
from drumtower.domain.samples import ENGAGEMENTS, Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Adapter,
    ByHand,
    Credentials,
    Handoff,
    NoLogin,
    PlatformError,
    PublishRequest,
    RemoteAccount,
    credential,
)
from drumtower.platforms.by_hand import NoProof, read_proof

MEGABYTE, GIGABYTE = 1024**2, 1024**3
NOTE = r"/(?:explore|discovery/item|user/profile/[0-9a-f]{24})/(?P<id>[0-9a-f]{24})/?"
PROFILE = ByHand(
    hosts=("xiaohongshu.com",),
    post=r"/user/profile/(?P<id>[0-9a-f]{24})/?",
    address="https://www.xiaohongshu.com/user/profile/{id}",
)


class XiaohongshuAdapter(Adapter):
    """Publishing and answering are handoffs on every account; comments and numbers come by import."""

    slug: ClassVar[str] = "xiaohongshu"
    name: ClassVar[Label] = Label(zh_cn="小红书", en="Xiaohongshu")
    default_base_url: ClassVar[str] = "https://www.xiaohongshu.com"
    console_url: ClassVar[str | None] = "https://creator.xiaohongshu.com"
    auth = NoLogin(
        fields=(
            credential("red_id", "小红书号", "RedNote id", secret=False),
            credential("nickname", "昵称", "Nickname", secret=False),
            credential("profile_url", "主页链接", "Profile link", secret=False, required=False),
        )
    )
    by_hand = ByHand(
        features=frozenset({Feature.PUBLISH, Feature.REPLY, Feature.FEEDBACK, Feature.STATISTICS}),
        hosts=("xiaohongshu.com",),
        short_hosts=("xhslink.com",),
        post=NOTE,
        # Without xsec_token, which tells who shared the link.
        address="https://www.xiaohongshu.com/explore/{id}",
        compose_url="https://creator.xiaohongshu.com/publish/publish",
        steps=(
            Label(
                zh_cn="笔记只能是图片或一个视频;第一张图是封面。",
                en="A note is pictures or one video, not both; the first picture is the cover.",
            ),
            Label(
                zh_cn="话题要在发布框里逐个选中,粘贴的 # 文字不会变成话题;最多 5 个。",
                en="Pick each topic in the form: a pasted # stays plain text. Five at most.",
            ),
        ),
    )
    capabilities = Capabilities(
        kinds=(Kind.IMAGE_TEXT, Kind.VIDEO),
        title=TextRule(maximum=20, unit=Unit.CHARACTER, required=True),
        body=TextRule(maximum=1000, unit=Unit.CHARACTER),
        # UNVERIFIED: 18 in the app, 9 in [aito].
        media_required=True,
        images_with_video=0,
        hashtags=HashtagRule(maximum_count=5),  # UNVERIFIED: 5 in [aito], more in the app
        image=MediaRule(
            types=("image/jpeg", "image/png", "image/webp"), maximum_count=18, maximum_bytes=20 * MEGABYTE
        ),
        video=MediaRule(
            types=("video/mp4", "video/quicktime"),
            maximum_count=1,
            maximum_bytes=GIGABYTE,
            duration=(timedelta(), timedelta(hours=1)),
        ),
        reply=TextRule(maximum=300, unit=Unit.CHARACTER),  # UNVERIFIED
        metrics=(Metric.EXPOSURE, *ENGAGEMENTS),
        audience_closed=Label(
            zh_cn="小红书没有这样的接口，只在创作服务平台向本人显示",
            en="Xiaohongshu has no API for it; its creator centre shows it to the account's owner",
        ),
        channel_metrics=(Metric.FOLLOWERS,),
        metrics_delay=timedelta(days=1),
        audience=Label(
            zh_cn="以年轻女性为主,看重真实体验和可照做的图文;消费决策前来搜索。",
            en="Mostly young women; they trust first-hand experience and picture guides, and search before they buy.",
        ),
        character=CHARACTER,
    )

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Take the owner's word: nobody can be asked. The profile link is held to the platform's form."""
        values = {name: value.strip() for name, value in credentials.values.items()}
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", values["red_id"]):
            raise PlatformError(
                ContentRejected(detail="a RedNote id is letters, digits, dots, dashes and underscores")
            )
        link = values.get("profile_url")
        try:
            url = read_proof(PROFILE, link, ()).url if link else None
        except NoProof as error:
            raise PlatformError(ContentRejected(detail=f"profile_url: {error}")) from None
        return RemoteAccount(id=values["red_id"], name=values["nickname"], url=url)

    async def publish(self, request: PublishRequest) -> Handoff:
        """Hand it over: nothing leaves."""
        return Handoff(reason="Xiaohongshu has no API to publish notes with")
