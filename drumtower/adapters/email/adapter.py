"""A newsletter over SMTP: one letter to all recipients of the channel, with an honest account of each.

A recipient is taken or refused before the letter leaves. Who is refused for good is written down, who is refused for now
(greylisting) is tried again alone; who has it is never sent to again. That the server has a letter does not mean that it
is delivered: bounces come back to the sender's mailbox, which is not read here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel

from drumtower.adapters.email import letters
from drumtower.adapters.email.declaration import (
    AUTH,
    CAPABILITIES,
    IMAGE,
    ROUND_GAP,
    ROUNDS,
    WIRE,
    EmailOptions,
)
from drumtower.adapters.email.letters import Newsletter
from drumtower.domain.capabilities import Label
from drumtower.domain.failures import Transient
from drumtower.mail import Reply
from drumtower.platforms import (
    Adapter,
    Checkpoint,
    Credentials,
    PlatformError,
    Published,
    PublishRequest,
    RemoteAccount,
    Rendering,
)
from drumtower.platforms.limits import check_message
from drumtower.platforms.mail import posted
from drumtower.platforms.media import read_file, rejected

ACCEPTED = "accepted"


class EmailAdapter(Adapter):
    """Numbers are those of our own links."""

    slug: ClassVar[str] = "email"
    name: ClassVar[Label] = Label(zh_cn="电子邮件", en="E-mail newsletter")
    default_base_url: ClassVar[str] = "https://mail.invalid"  # SMTP: the server stands in the credentials
    options: ClassVar[type[BaseModel]] = EmailOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Log in, and ask whether this login may send under the address."""
        newsletter = Newsletter.of(credentials)
        await posted(self.mail.check(newsletter.server, newsletter.sender), newsletter.server.password)
        return RemoteAccount(id=newsletter.sender, name=newsletter.name or newsletter.sender)

    def render(self, request: PublishRequest) -> Rendering:
        return letters.render(request, Newsletter.of(request.credentials))

    async def publish(self, request: PublishRequest) -> Published:
        check_message(request.message, self.capabilities, self.name.en)
        newsletter, progress = Newsletter.of(request.credentials), dict(request.checkpoint)
        files = {media.asset_id: await read_file(media, IMAGE) for media in request.message.media}
        if "date" not in progress:  # a repeat is the same letter, byte for byte
            progress["date"] = datetime.now(UTC).replace(microsecond=0).isoformat()
            await request.save(dict(progress))
        date = datetime.fromisoformat(progress["date"])
        letter = await letters.letter(request, newsletter, date, files)
        known: dict[str, str] = dict(progress.get("recipients", {}))
        left = [one for one in newsletter.recipients if one not in known]
        if left:
            sending = self.mail.send(newsletter.server, newsletter.sender, left, letter)
            refused = await posted(sending, newsletter.server.password)
            known |= await self._note(request, progress, left, refused)
        return _outcome(known, letters.message_id(request, newsletter), date)

    async def _note(
        self, request: PublishRequest, progress: Checkpoint, asked: list[str], refused: Mapping[str, Reply]
    ) -> dict[str, str]:
        """Write down what became of each; raise Transient while some are to be tried again."""
        rounds = int(progress.get("rounds", 0)) + 1
        later = [one for one, reply in refused.items() if reply.is_for_now] if rounds < ROUNDS else []
        found = {
            one: f"{refused[one].code} {refused[one].text}"[:300] if one in refused else ACCEPTED
            for one in asked
        }
        settled = {one: said for one, said in found.items() if one not in later}
        recipients = {**progress.get("recipients", {}), **settled}
        await request.save({**progress, "recipients": recipients, "rounds": rounds})
        if later:
            have = sum(said == ACCEPTED for said in recipients.values())
            detail = f"{have} have it; the server wants {len(later)} later: {found[later[0]]}"
            raise PlatformError(Transient(detail=detail, after=ROUND_GAP))
        return settled


def _outcome(known: Mapping[str, str], name: str, date: datetime) -> Published:
    """Say whom it reached; raise ContentRejected where it reached nobody."""
    refused = {one: said for one, said in known.items() if said != ACCEPTED}
    if len(refused) == len(known):
        first = next(iter(refused.values()))
        raise rejected(f"No recipient was taken: {first}", first.partition(" ")[0])
    context = {"accepted": len(known) - len(refused), "refused": refused}
    return Published(external_id=name, published_at=date, context=context)
