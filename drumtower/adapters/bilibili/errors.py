"""Bilibili's error codes, and what each asks of us. Errors come with HTTP 200, as `code`; texts vary.

Sources: openhome.bilibili.com as quoted by masterAventador/automation-tool, and AiToEarn's bilibili.exception.ts. UNVERIFIED:
which code a spent upload token gets; where a day of a quota ends (Beijing's midnight here).
"""

from collections.abc import Iterable
from datetime import timedelta

from drumtower.platforms import Envelope, Meaning, error_table
from drumtower.platforms.moments import BEIJING

GONE = frozenset({"123004", "123005", "123040", "123041"})
ENVELOPE = Envelope(code=("code",), said=("message",))


def _each(codes: Iterable[int], said: str) -> dict[str, str]:
    return {str(code): said for code in codes}


ERRORS = error_table(
    {
        Meaning.BUSY: {
            **_each((-500, 4010, 4011), "Bilibili has a fault"),
            **_each((122009, 122010, 123002, 123023, 123028, 123039, 123044), "Bilibili is busy"),
            **_each((129020, 129021, 130004, 130005, 130006, 131001), "Bilibili is busy"),
            **_each((141002, 141003, 141005), "Bilibili is busy"),
            "4004": "the nonce was seen before: the first call may have counted",
            "123015": "the same title was submitted a moment ago: it may be our own",
        },
        Meaning.TRANSIENT: {"4003": "the clocks differ by more than ten minutes"},
        Meaning.AUTH_EXPIRED: {
            "122002": "the code is missing or spent",
            "122007": "the refresh token is not valid",
            "122008": "the token is another app's",
            **_each((127000, 127001), "the access token is not valid"),
            **_each((127002, 127003, 127004, 127008), "the app's signature or id was not taken"),
        },
        Meaning.DISCONNECTED: {
            **_each((122000, 122001), "client_id or app secret is wrong"),
            "4002": "the signature is wrong: the app secret may be",
        },
        Meaning.NOT_PERMITTED: {
            **_each((127005, 127006), "the organisation or the app is not certified"),
            "127007": "the app lacks this API",
            **_each((127010, 127011), "the person has not granted this"),
            **_each((127304, 127305, 130001), "there is no right to this"),
            "123001": "the account may not submit",
            "123037": "the account's level is too low",
            "123029": "the account's total of submissions is used up",
            **_each((123050, 123051), "Bilibili asks for a captcha: a person must submit"),
            "123052": "the community's rules have not been accepted: a person must",
        },
        Meaning.RATE_LIMITED: {
            "123026": "less than 30 s after the last submission",
            "123036": "the day's submissions of an account without full membership are used up",
            "127306": "too many calls",
            **_each((129009, 129012, 129018), "the day's articles are used up"),
        },
        Meaning.APP_RATE_LIMITED: {"127009": "the app's quota is used up"},
        Meaning.CONTENT_REJECTED: {
            **_each((4000, 4001, 4005, 4006, 4007, 4008, 4009, 4012), "the request's form is wrong"),
            **_each((127022, 127023), "the upload is not valid any more"),
            **_each((123003, 123009), "the partition or the type is wrong"),
            **_each((123012, 123022), "a tag is not allowed"),
            **_each((123013, 123030, 123033), "the title is not allowed"),
            **_each((123014, *range(123017, 123022)), "the description is not allowed"),
            "123016": "a reprint needs its source",
            "123024": "sensitive words",
            "123038": "the cover is a GIF",
            "123006": "the video is broken",
            "123007": "the video is locked",
            **_each((123004, 123005, 123040, 123041, 129001, 130002, 141004), "it is not there"),
            **_each((123010, 123011, *range(123046, 123050), *range(123053, 123057)), "a field is wrong"),
            **_each((123027, 123034, 123035, 123042, 123043, 123045), "it can't be done in this state"),
            **_each((*range(129002, 129007), 129010, 130003, 123008), "a parameter is wrong"),
        },
    },
    after={"123026": timedelta(seconds=30), "127306": timedelta(minutes=1), "4003": timedelta(seconds=5)},
    midnight=dict.fromkeys(("123036", "127009", "129009", "129012", "129018"), BEIJING),
)
