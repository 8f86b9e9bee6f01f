"""Douyin's error codes, and what each asks of us.

Sources: developer.open-douyin.com, "status-code" (28…), and the older lists of its SDKs. Errors come with HTTP 200, in
`extra.error_code` or `data.error_code` (numbers or digits) or in `err_no`. "Busy" proves nothing: the post may be out.
UNVERIFIED: the meanings of 10011, 2111002 and 2190016; where a day of a quota ends (Beijing's midnight here).
"""

from datetime import timedelta

from drumtower.platforms import Envelope, Meaning, error_table
from drumtower.platforms.moments import BEIJING

GONE = frozenset({"2190007", "2111004", "2111007"})
ENVELOPE = Envelope(
    code=("extra.error_code", "data.error_code", "err_no"),
    said=("extra.sub_description", "extra.description", "data.description", "err_msg"),
)
ERRORS = error_table(
    {
        Meaning.BUSY: {
            "10001": "Douyin has a fault",
            "2100004": "Douyin is busy",
            "2111006": "the comment failed",
            "2111007": "Douyin could not read the post",
            "28001005": "Douyin is busy",
            "28001006": "Douyin's network failed",
        },
        Meaning.AUTH_EXPIRED: {
            "10007": "the code is spent or over ten minutes old",
            "10008": "the token is not valid",
            "2190002": "the token is not valid",
            "2190008": "the token has ended",
            "28001003": "the token is not valid",
            "28001008": "the token has ended",
        },
        Meaning.DISCONNECTED: {
            "10003": "there is no such client_key",
            "10010": "the refresh token has ended",
            "10013": "client_key or client_secret is wrong",
            "10020": "the refresh token was renewed five times, and Douyin does no more",
            "28001045": "the person has closed the account",
        },
        Meaning.NOT_PERMITTED: {
            "10004": "the app lacks the permission",
            "10011": "the app's package does not match",
            "10012": "the app is still being audited",
            "10014": "the client_key is another app's",
            "10015": "the app is of another type",
            "2100007": "there is no permission",
            "2100009": "the account is banned",
            "2111002": "the account may not comment",
            "2112001": "the account is no enterprise account",
            "2190003": "the person has not granted this",
            "2190004": "the app lacks this capability",
            "2190015": "the token is another account's",
            "2190016": "the app is banned",
            "28001012": "the person has not granted this",
            "28001014": "the app lacks this capability",
            "28001015": "the token is another account's",
            "28001016": "the app is banned or off line",
            "28001018": "the app lacks this capability",
            "28001019": "the capability is banned",
            "28001020": "a test app: the account is not bound to it",
            "28001021": "a test app that has ended",
            "28001042": "the service provider's token lacks this",
            "28001046": "the account is banned",
            "28001047": "the account is private",
            "28001056": "Douyin has withdrawn this call",
        },
        Meaning.CONTENT_REJECTED: {
            "10002": "a parameter is wrong",
            "10005": "a parameter is missing",
            "10006": "the redirect address is not the registered one",
            "2100005": "a parameter is wrong",
            "2111001": "it holds words that Douyin does not take",
            "2111003": "the comment is not there",
            "2111004": "the comment stands under another post",
            "2113001": "the uploaded file is wrong",
            "2113002": "the uploaded file is wrong",
            "2190005": "the file is too large",
            "2190006": "the video is longer than 15 minutes",
            "2190007": "there is no such video",
            "28001007": "a parameter is wrong",
            "28001017": "Douyin knows no such call",
        },
        Meaning.RATE_LIMITED: {
            "2190001": "the quota of the day is used up",
            "28003017": "the quota of the day is used up",
            "28001052": "Douyin's risk control asks to slow down",
            "28003018": "too many calls in a short time",
            "28003070": "too many messages in a short time",
        },
    },
    after={
        "28001052": timedelta(minutes=30),
        "28003018": timedelta(minutes=1),
        "28003070": timedelta(minutes=10),
    },
    midnight={"2190001": BEIJING, "28003017": BEIJING},
)
