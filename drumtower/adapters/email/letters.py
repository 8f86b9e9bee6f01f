"""A letter: text and HTML of the same words, pictures inside, the signature block; byte for byte the same on a repeat.

All recipients get the same letter, addressed to its sender, so that none sees another. So its unsubscribe link can't tell
who follows it, and one-click unsubscribing (RFC 8058) is not offered.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import cast
from uuid import UUID

from drumtower.adapters.email.declaration import LONGEST_UNSUBSCRIBE, MOST_RECIPIENTS, EmailOptions
from drumtower.domain.failures import NotPermitted
from drumtower.mail import MailServer
from drumtower.platforms import Credentials, PlatformError, PublishRequest, Rendering
from drumtower.platforms.markup import address_in_preview, paragraphs, printable

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_UNSUBSCRIBE = re.compile(r"https://[!-;=?-~]+")
_BETWEEN = re.compile(r"[,;\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsletter:
    """A channel's configuration, checked."""

    server: MailServer
    sender: str
    name: str
    reply_to: str
    recipients: tuple[str, ...]
    unsubscribe: str
    signature: str

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]

    @classmethod
    def of(cls, credentials: Credentials) -> "Newsletter":
        """Read the channel's credentials; raise NotPermitted with what is wrong with them."""
        given = {name: value.strip() for name, value in credentials.values.items()}
        recipients = tuple(dict.fromkeys(one for one in _BETWEEN.split(given["recipients"]) if one))
        wrong = _wrong(given, recipients)
        if wrong:
            raise PlatformError(NotPermitted(detail=" ".join(wrong)))
        unsubscribe = given["unsubscribe"]
        return cls(
            server=MailServer(
                host=given["host"],
                port=int(given["port"]),
                username=given["username"],
                password=credentials["password"],
            ),
            sender=given["from_address"],
            name=_line(given["from_name"]),
            reply_to=given.get("reply_to", ""),
            recipients=recipients,
            unsubscribe=unsubscribe if "://" in unsubscribe else f"mailto:{unsubscribe}",
            signature=printable(given.get("signature", "")),
        )


def _wrong(given: Mapping[str, str], recipients: tuple[str, ...]) -> list[str]:
    """Say what can't be used, all at once. Addresses are ASCII: few servers take others (SMTPUTF8)."""
    port = given["port"]
    unsubscribe = given["unsubscribe"]
    leads = bool(_UNSUBSCRIBE.fullmatch(unsubscribe) or _ADDRESS.fullmatch(unsubscribe))
    addresses = [given["from_address"], given.get("reply_to", ""), *recipients]
    bad = [one for one in addresses if one and not _ADDRESS.fullmatch(one)]
    found = {
        "host must be the server's name.": bool(_HOST.fullmatch(given["host"])),
        "port must be a number from 1 to 65535.": port.isascii()
        and port.isdigit()
        and 0 < int(port[:9]) < 65536,
        f"These are no mail addresses: {', '.join(bad[:5])}.": not bad,
        f"recipients must be 1 to {MOST_RECIPIENTS} addresses; for more, give a mailing list's.": 0
        < len(recipients)
        <= MOST_RECIPIENTS,
        f"unsubscribe must be an https:// or mail address of at most {LONGEST_UNSUBSCRIBE} characters.": leads
        and len(unsubscribe) <= LONGEST_UNSUBSCRIBE,
    }
    return [words for words, fine in found.items() if not fine]


def _line(text: str) -> str:
    """Return text for a header: one line, whatever was written."""
    return " ".join(printable(text).split())


def message_id(request: PublishRequest, newsletter: Newsletter) -> str:
    """Return the letter's name, fixed by the delivery's key."""
    return f"<{request.idempotency_key}@{newsletter.domain}>"


def render(
    request: PublishRequest, newsletter: Newsletter, addresses: Mapping[UUID, str] | None = None
) -> Rendering:
    """Return subject and both parts; `addresses` are those of the pictures (by default as previews show them)."""
    message = request.message
    shown = addresses or {media.asset_id: address_in_preview(media) for media in message.media}
    signature = f"-- \n{newsletter.signature}" if newsletter.signature else ""
    text = "\n\n".join(part for part in (printable(message.text), signature) if part)
    pictures = [
        f'<p><img src="{html.escape(shown[media.asset_id])}" alt="{html.escape(media.alt_text)}" style="max-width:100%" /></p>'
        for media in message.media
    ]
    preheader = _line(cast("EmailOptions", request.options).preheader)
    hidden = f'<div style="display:none">{html.escape(preheader)}</div>' if preheader else ""
    signed = "".join(f"<hr /><p>{one}</p>" for one in paragraphs(newsletter.signature)[:1])
    signed += "".join(f"<p>{one}</p>" for one in paragraphs(newsletter.signature)[1:])
    words = [f"<p>{one}</p>" for one in paragraphs(message.text)]
    body = "\n".join([hidden, *words, *pictures, signed]).strip()
    title = _line(message.title)
    page = (
        f'<!DOCTYPE html>\n<html lang="{html.escape(message.language)}"><head><meta charset="utf-8" />'
        f"<title>{html.escape(title)}</title></head>\n<body>\n{body}\n</body></html>\n"
    )
    return Rendering(text=text, title=title, html=page)


async def letter(
    request: PublishRequest, newsletter: Newsletter, date: datetime, files: Mapping[UUID, bytes]
) -> bytes:
    """Return the letter as it goes over the wire."""
    names = {media.asset_id: f"{media.asset_id.hex}@{newsletter.domain}" for media in request.message.media}
    made = render(request, newsletter, {asset: f"cid:{name}" for asset, name in names.items()})
    out = EmailMessage(policy=SMTP)
    own = Address(display_name=newsletter.name, addr_spec=newsletter.sender)
    out["From"] = own
    out["To"] = own
    if newsletter.reply_to:
        out["Reply-To"] = newsletter.reply_to
    out["Subject"] = made.title
    out["Date"] = format_datetime(date)
    out["Message-ID"] = message_id(request, newsletter)
    out["List-Id"] = f"<newsletter.{newsletter.domain}>"
    out["List-Unsubscribe"] = f"<{newsletter.unsubscribe}>"
    out.set_content(made.text, cte="base64")
    out.add_alternative(made.html, subtype="html", cte="base64")
    page = cast("list[EmailMessage]", out.get_payload())[1]
    for media in request.message.media:
        kind, _, subtype = media.content_type.partition("/")
        page.add_related(
            files[media.asset_id], kind, subtype, cid=f"<{names[media.asset_id]}>", disposition="inline"
        )
    for number, part in enumerate(one for one in out.walk() if one.is_multipart()):
        part.set_boundary(f"=_{request.idempotency_key}_{number}")
    return out.as_bytes()
