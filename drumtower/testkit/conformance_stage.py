"""What the rules stand on: a platform's hooks, and a stage with a sandbox, an account and the adapter."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from drumtower.domain.capabilities import Reconcile, family
from drumtower.domain.content import ChannelContent, Kind, Nature
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.failures import Failure
from drumtower.http import client
from drumtower.messages import compose_text
from drumtower.platforms import (
    Absent,
    Accepted,
    Adapter,
    Checkpoint,
    Confirmable,
    Credentials,
    ErrorRule,
    Finder,
    Finding,
    Media,
    Message,
    Outcome,
    PlatformError,
    Preparable,
    Published,
    PublishRequest,
    TokenSource,
    WebhookRequest,
)
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from drumtower.testkit.files import file_of
from drumtower.testkit.serving import serve

MAGIC = {
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "video/mp4": b"\x00\x00\x00\x18ftypisom",
    "video/quicktime": b"\x00\x00\x00\x14ftypqt  ",
    "video/webm": b"\x1aE\xdf\xa3",
    "video/x-matroska": b"\x1aE\xdf\xa3",
    "audio/mpeg": b"ID3\x04",
    "audio/mp4": b"\x00\x00\x00\x18ftypM4A ",
    "audio/aac": b"\xff\xf1",
    "audio/wav": b"RIFF\x00\x00\x00\x00WAVE",
    "audio/ogg": b"OggS",
    "audio/flac": b"fLaC",
    "audio/amr": b"#!AMR\n",
    "application/pdf": b"%PDF-1.7\n",
}
IMPATIENCE = httpx.Timeout(5.0, read=0.4)


class Crashed(BaseException):
    """The process died here; nothing in the adapter may catch it."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """Keeps what an adapter saves, as the database does: as JSON. Dies right after save number `crash_at`."""

    checkpoint: Checkpoint = field(default_factory=dict)
    crash_at: int = 0
    saves: int = 0

    async def save(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = json.loads(json.dumps(checkpoint))
        self.saves += 1
        if self.saves == self.crash_at:
            raise Crashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One served sandbox with one account, and the adapter that speaks to it as the core would."""

    adapter: Adapter
    impatient: Adapter  # the same with a short read time-out
    sandbox: SandboxPlatform
    base_url: str
    http: httpx.AsyncClient
    account: str
    credentials: Credentials

    def break_with(self, *faults: Fault) -> None:
        self.sandbox.faults.waiting += faults

    def mend(self) -> None:
        self.sandbox.faults.waiting.clear()

    async def public(self, what: str, **body: Any) -> httpx.Response:
        """Let the public do something: `comment`, `like`, `message`, …"""
        return await self.http.post(f"{self.base_url}/control/public/{what}", json=body)

    def pass_time(self, time: timedelta) -> None:
        """Move the platform's own clock ahead."""
        ahead = (self.sandbox.store.get("_clock", "ahead") or {"seconds": 0})["seconds"]
        self.sandbox.store.put("_clock", "ahead", {"seconds": ahead + time.total_seconds()})

    def request(self, message: Message, progress: Progress | None = None) -> PublishRequest:
        """A delivery's request: its key and its time never change."""
        progress = progress or Progress()
        return PublishRequest(
            credentials=self.credentials,
            message=message,
            options=self.adapter.options(),
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
            checkpoint=dict(progress.checkpoint),
            save=progress.save,
        )

    async def publish(
        self, request: PublishRequest, progress: Progress | None = None, adapter: Adapter | None = None
    ) -> Outcome:
        """One attempt as the core makes it: prepare, then publish from what was saved."""
        adapter = adapter or self.adapter
        progress = progress or Progress(checkpoint=dict(request.checkpoint))
        request = replace(request, checkpoint=dict(progress.checkpoint), save=progress.save)
        if isinstance(adapter, Preparable):
            await adapter.prepare(request)
        return await adapter.publish(replace(request, checkpoint=dict(progress.checkpoint)))

    async def attempt(
        self, request: PublishRequest, progress: Progress | None = None, adapter: Adapter | None = None
    ) -> Outcome | Failure:
        """As `publish`, and a failure is a value like any other."""
        try:
            return await self.publish(request, progress, adapter)
        except PlatformError as error:
            return error.failure

    async def settle(self, outcome: Outcome | Finding) -> Outcome | Finding:
        """Poll what is accepted until the platform has decided."""
        for _ in range(50):
            if not isinstance(outcome, Accepted):
                return outcome
            assert isinstance(self.adapter, Confirmable), "Accepted needs a Confirmable adapter"
            handle = json.loads(json.dumps(outcome.handle))
            self.pass_time(outcome.poll_after)
            outcome = await self.adapter.confirm(self.credentials, handle)
        raise AssertionError(f"still accepted after 50 polls: {outcome}")

    async def out(self, message: Message) -> Published:
        """Publish and see it through."""
        outcome = await self.settle(await self.publish(self.request(message)))
        assert isinstance(outcome, Published), f"not published: {outcome}"
        return outcome

    async def find(self, request: PublishRequest) -> Finding:
        """Look once the platform's own read can't miss it any more."""
        assert isinstance(self.adapter, Finder)
        self.pass_time(self.adapter.capabilities.read_lag)
        found = await self.settle(await self.adapter.find(request, request.created_at))
        assert not isinstance(found, Accepted)
        return found  # type: ignore[return-value]

    async def recover(self, request: PublishRequest, progress: Progress) -> Outcome | Finding:
        """Settle an unknown outcome as the core does: look, and send again only what is proved absent."""
        if isinstance(self.adapter, Finder):
            found = await self.find(replace(request, checkpoint=dict(progress.checkpoint)))
            if not isinstance(found, Absent):
                return found
        elif self.adapter.capabilities.reconcile is not Reconcile.KEY:
            pytest.skip(f"{type(self.adapter).__name__} can't look and has no key: a person decides")
        return await self.settle(await self.publish(request, progress))


class Hooks:
    """What a platform tells the suite about itself; `drumtower.testkit.conformance` explains each."""

    adapter: ClassVar[type[Adapter]]
    sandbox: ClassVar[type[SandboxPlatform]]
    errors: ClassVar[Mapping[str, ErrorRule]]
    publish_path: ClassVar[str]
    reply_path: ClassVar[str] = ""
    message_path: ClassVar[str] = ""
    message_context: ClassVar[Mapping[str, Any]] = {}
    account_options: ClassVar[Mapping[str, Any]] = {}
    deleting_options: ClassVar[Mapping[str, Any] | None] = None
    links: ClassVar[tuple[str, ...]] = ()
    tail: ClassVar[str] = ""
    names_posts: ClassVar[bool] = True
    own_server: ClassVar[bool] = False
    outcomes: ClassVar[Mapping[str, type]] = {}
    proven_statuses: ClassVar[Mapping[int, type]] = {}
    statuses: ClassVar[Sequence[int]] = range(400, 600)
    signature_parameter: ClassVar[str] = "signature"
    challenge_parameter: ClassVar[str] = ""
    signed_parameters: ClassVar[tuple[str, ...]] = ("timestamp", "nonce")
    body_is_signed: ClassVar[bool] = False
    echoes: ClassVar[tuple[str, ...]] = ("5938472839402", "<script>alert(1)</script>", "a&b=c d")
    challenge_is_signed: ClassVar[bool] = True
    names_account: ClassVar[bool] = True
    signs_time: ClassVar[bool] = True
    has_challenge: ClassVar[bool] = True
    tells_words: ClassVar[bool] = True
    malformed: ClassVar[tuple[bytes, ...]] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """The cases of some rules are the platform's data."""
        for name, cases in (("listed_code", "errors"), ("lost_answer", "lost")):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, sorted(getattr(self, cases)))

    def error(self, code: str, said: str = "") -> Fault:
        """The platform's error `code` in its own envelope, with `said` as its text."""
        raise NotImplementedError

    def message(self, text: str, *, title: str = "鼓楼", media: tuple[Media, ...] | None = None) -> Message:
        """A message that the platform takes; `media` None means: what the rules require, no more."""
        capabilities = self.adapter.capabilities
        if media is None:
            rules = (capabilities.image, capabilities.video, capabilities.audio, capabilities.document)
            needed = [rule for rule in rules if rule for _ in range(rule.required)]
            media = tuple(self.file(rule.types[0], 2048) for rule in needed)
        whole = text + self.tail
        return Message(
            title=title, text=whole, body=text, kind=self.kind(media), links=self.links, media=media
        )

    def disclosing(self, message: Message) -> Message:
        """The message as the core composes it where everything must be disclosed."""
        told = tuple(Disclosure)
        content = ChannelContent(
            title=message.title,
            body=message.text,
            kind=message.kind,
            nature=Nature.PROMOTIONAL,
            language=message.language,
            links=(),
            hashtags=(),
            asset_ids=(),
            disclosures=told,
            options={},
        )
        return replace(message, text=compose_text(self.adapter, content), disclosures=told)

    def kind(self, media: tuple[Media, ...]) -> Kind:
        """The kind of post that these files make: a video's own, where the platform knows it."""
        kinds = self.adapter.capabilities.kinds
        families = {family(one.content_type) for one in media}
        return next((kind for kind in kinds if kind.value in families), kinds[0])

    def media(self, content_type: str, size: int) -> bytes:
        """Bytes of that size which pass for that type."""
        return MAGIC.get(content_type, b"\x00").ljust(size, b"\x00")[:size]

    def file(self, content_type: str, size: int) -> Media:
        """One file as the core hands it over."""
        return file_of(self.media(content_type, size), content_type, self.adapter.capabilities)

    def files(self, content_type: str, count: int) -> tuple[Media, ...]:
        """So many files of one type, after what a post with them needs besides: a video's cover."""
        takes = self.adapter.capabilities
        rules = (takes.image, takes.video, takes.audio, takes.document)
        others = [rule for rule in rules if rule and content_type not in rule.types]
        needed = [rule.types[0] for rule in others for _ in range(rule.required)]
        return tuple(self.file(one, 4096) for one in [*needed, *[content_type] * count])

    def published(self, sandbox: SandboxPlatform) -> list[Record]:
        """What is public on the platform now."""
        return [post for post in sandbox.store.all("posts") if not post.get("deleted")]

    def marked(self, post: Record) -> set[Disclosure]:
        """What of a post of the sandbox the platform's own fields disclose."""
        return set()

    def prepared(self, sandbox: SandboxPlatform) -> list[Record]:
        """What a preparation has left on the platform, of all accounts."""
        raise NotImplementedError

    def credentials_of(self, account: Mapping[str, Any]) -> Credentials:
        """What the owner of `account` (the sandbox's answer) would type in."""
        values = {name: str(value) for name, value in account.items() if name != "id"}
        return Credentials(values=values, account_id=str(account["id"]))

    def stats_unknown(self, post_id: str) -> Fault:
        """An answer to the statistics call that leaves out every number."""
        raise NotImplementedError

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        """A message from a follower, signed at `at`; `body` replaces what is inside, properly signed too."""
        raise NotImplementedError

    def signed_places(self, body: bytes) -> Iterable[int]:
        """Where in a push's body a changed byte must be noticed; by default anywhere (64 are tried)."""
        return range(0, len(body), max(1, len(body) // 64))

    def challenge(self, credentials: Credentials, at: datetime, echo: str) -> WebhookRequest:
        """The platform's address check, signed at `at`."""
        raise NotImplementedError

    def echoed(self, credentials: Credentials, echo: str) -> tuple[str, str]:
        """The body and the content type that answer `challenge`."""
        return echo, "text/plain"

    def speaking(self, sandbox: SandboxPlatform, http: httpx.AsyncClient, base_url: str) -> Adapter:
        """The adapter that speaks to this sandbox, as patient as `http` is."""
        return self.adapter(http, base_url)

    def nobody(self, stage: Stage) -> Stage:
        """The same account where nothing answers."""
        return replace(stage, adapter=self.adapter(stage.http, "http://127.0.0.1:1"))

    @pytest.fixture
    async def stage(self) -> AsyncIterator[Stage]:
        async with AsyncExitStack() as stack:
            yield await self._set(stack, self.account_options)

    async def _set(self, stack: AsyncExitStack, options: Mapping[str, Any]) -> Stage:
        sandbox = self.sandbox()
        http = await stack.enter_async_context(client(allow_private=True))
        impatient = await stack.enter_async_context(client(allow_private=True))
        impatient.timeout = IMPATIENCE
        base_url = await stack.enter_async_context(serve(sandbox.app))
        await stack.enter_async_context(sandbox.running())
        account = sandbox.add_account(**options)
        stage = Stage(
            adapter=self.speaking(sandbox, http, base_url),
            impatient=self.speaking(sandbox, impatient, base_url),
            sandbox=sandbox,
            base_url=base_url,
            http=http,
            account=str(account["id"]),
            credentials=self.credentials_of(account),
        )
        if isinstance(stage.adapter, TokenSource):
            token = await stage.adapter.token(stage.credentials)
            stage = replace(stage, credentials=replace(stage.credentials, token=token))
        return stage
