"""WeChat's error codes and what each asks of us. Errors come with HTTP 200, so a listed code is the only proof.

Sources: the code tables of several SDKs and the official pages; 45106, 47003, 53500 and 53502 partly from memory.
45065 and 88005 say "already done": they are no errors, see DONE.
"""

from datetime import timedelta

from drumtower.platforms import Meaning, error_table
from drumtower.platforms.moments import BEIJING

# "Already done": a mass send with this clientmsgid (45065), a reply to this comment (88005).
DONE = frozenset({"45065", "88005"})
# The quota of the day; it opens again at midnight in Beijing.
DAILY = "45009"
BAD_MEDIA_ID = "40007"
NO_SUCH_ARTICLE = "53600"
NOT_READY = frozenset({"61501", "61503"})
# One article can't be listed; the others can.
ARTICLE_GONE = frozenset({"88001", "88002", "88011"})

_BUSY = {
    "-1": "the system is busy",
    # Of a draft: it may have left the box because it is published. Of a cover: it may not be known yet.
    "40007": "the media_id is gone, or not known yet",
    "61450": "the system failed",
    "268487001": "the system is busy (blacklist)",
    "268487002": "the system is busy (follower list)",
    # It goes out as soon as the administrator agrees, so it is no proof.
    "89503": "the administrator must confirm this call",
    "89504": "the administrator must confirm this call",
    "89505": "the administrator's confirmation is pending",
}
_EXPIRED = {
    "40001": "the token is invalid or not the newest",
    "40014": "the token is invalid",
    "42001": "the token has expired",
    "42007": "the owner changed the password, so the token is void",
}
_DISCONNECTED = {
    "40013": "there is no such AppID",
    "40125": "the AppSecret is wrong",
    "40243": "the AppSecret is frozen; unfreeze it on the platform",
}
_NOT_PERMITTED = {
    "40164": "our address is not on the account's IP whitelist; the operator must add it",
    "43004": "the receiver must follow the account",
    "43019": "the receiver is on the blacklist",
    "45015": "the reply window is closed until the user writes again",
    "45047": "no customer message is left until the user writes again",
    "45106": "the old news-material API is closed",
    "47009": "this API is off line",
    "48001": "this API is not granted to the account",
    "48002": "the follower refuses messages",
    "48004": "this API is banned for the account",
    "48008": "this message type is not granted to the account",
    "48021": "the system saved this draft last; save it by hand first",
    "48022": "a video uploaded by API may not be sent by API",
    "50001": "the account is not authorised for this API",
    "50002": "the user is limited",
    "50005": "the user does not follow the account",
    "53404": "the account's commerce is limited",
    "53405": "the product is wrong",
    "53406": "commerce is not opened",
    "53500": "publishing is banned for the account",
    "53504": "this draft must be used on the official site",
    "53505": "save the draft by hand, then publish it",
    "88000": "the account has no comment privilege",
    "89506": "the administrator refused our address for 24 hours",
    "89507": "the administrator refused our address for an hour",
}
_RATE_LIMITED = {
    "45009": "the day's quota is used up",
    "45011": "too often; again in a minute",
    "45028": "no mass send is left in this period",
    "48006": "no quota reset is left this month",
    "53501": "publishing too often",
}
_TRANSIENT = {
    "45066": "the same clientmsgid too fast",
    "61503": "the data of that day are not ready",
}
_AFTER = {"45011": timedelta(minutes=1), "45066": timedelta(minutes=1)}
_REJECTED = {
    "40002": "the grant_type is wrong",
    "40003": "there is no such openid",
    "40004": "this media type is not taken",
    "40005": "this file type is not taken",
    "40006": "the file's size is not taken",
    "40008": "this message type does not exist",
    "40009": "the image is too large",
    "40010": "the voice file is too large",
    "40011": "the video is too large",
    "40012": "the thumbnail is too large",
    "40029": "the OAuth code is invalid",
    "40032": "the openid list has a wrong size",
    "40033": "the body holds \\u escapes",
    "40035": "a parameter is wrong",
    "40038": "the request has a wrong form",
    "40114": "the draft has no article of that index",
    "40130": "the openid list is too small",
    "40152": "there is no such tag",
    "40163": "the OAuth code was used already",
    "40215": "too many pictures",
    "41039": "the content_source_url is not taken",
    "41040": "the rules of the original declaration are not met",
    "43001": "the call must be a GET",
    "43002": "the call must be a POST",
    "43003": "the call must use HTTPS",
    "44001": "the media file is empty",
    "44002": "the body is empty",
    "44003": "the article is empty",
    "44004": "the text is empty",
    "45001": "the media file is too large",
    "45002": "the content is too long",
    "45003": "the title is too long",
    "45004": "the digest is too long",
    "45005": "a link is too long",
    "45008": "too many articles",
    "45067": "the clientmsgid is too long",
    "45072": "the typing command is wrong",
    "45080": "no contact within 30 seconds",
    "45081": "typing was already announced",
    "45113": "cards are no longer supported",
    "45166": "the content is illegal",
    "46001": "the media does not exist",
    "46004": "the user does not exist",
    "47001": "the body can't be parsed",
    "47003": "an argument is wrong",
    "53502": "the draft is wrong",
    "53503": "the draft did not pass the publish check",
    "53600": "there is no such article",
    "61451": "a parameter is wrong",
    "61500": "the date has a wrong form",
    "61501": "the date range is not served",
    "76001": "the rid is wrong",
    "76002": "the rid is not found",
    "76003": "the rid is not the account's",
    "76004": "the rid has expired",
    "76021": "there is no such cgi_path",
    "76022": "the cgi_path is not the account's",
    "87009": "the signature is wrong",
    "88001": "the article does not exist",
    "88002": "the article is limited for safety",
    "88003": "no more comments can be elected",
    "88004": "the author deleted the comment",
    "88007": "the reply is empty or too long",
    "88008": "the comment does not exist",
    "88009": "the reply does not exist",
    "88010": "the count is out of range",
    "88011": "the article is limited for safety",
    **{str(code): "a parameter is missing" for code in range(41001, 41010)},
    **{str(code): "the customer-service account is wrong" for code in range(65400, 65418)},
}

_TABLE = {
    Meaning.BUSY: _BUSY,
    Meaning.AUTH_EXPIRED: _EXPIRED,
    Meaning.DISCONNECTED: _DISCONNECTED,
    Meaning.NOT_PERMITTED: _NOT_PERMITTED,
    Meaning.RATE_LIMITED: _RATE_LIMITED,
    Meaning.TRANSIENT: _TRANSIENT,
    Meaning.CONTENT_REJECTED: _REJECTED,
}
RULES = error_table(_TABLE, after=_AFTER, midnight={DAILY: BEIJING})
