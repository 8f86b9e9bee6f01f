"""Weibo's error codes and what each asks of us.

Source: the error table of open.weibo.com/wiki (10xxx to 21321 verified; 21322 to 21331 UNVERIFIED, kept
here as data). No code is TRANSIENT: "busy" and "try again" kinds do not say that nothing was published.
20032 (accepted, shown in a minute or two) is no failure, and 20017, 20019 and 20111 may be our own lost first
attempt: the adapter looks before it believes them.
"""

from datetime import timedelta

from drumtower.platforms import Meaning, error_table

_HOUR = timedelta(hours=1)
_SOON = timedelta(minutes=10)

_WORDS: dict[Meaning, dict[str, str]] = {
    Meaning.BUSY: {
        "10001": "Weibo had a system error",
        "10002": "Weibo's service is unavailable",
        "10003": "a service behind Weibo failed",
        "10009": "Weibo has too many pending tasks",
        "10010": "the task expired at Weibo",
        "10011": "a call inside Weibo failed",
        "20014": "Weibo could not read a parameter and asks to try again",
        "21331": "Weibo's authorisation is unavailable for a moment",
    },
    Meaning.NOT_PERMITTED: {
        "10005": "this call needs a higher app level",
        "10014": "the app lacks the permission for this call",
        "20015": "Weibo holds the account, the address or the app for illegal",
        "20031": "Weibo wants a captcha: a person must act",
        "20102": "it is not this account's status",
        "20203": "it is not this account's comment",
        "20301": "this person can't be messaged now",
        "21321": "the unaudited app is above its limit of users, or the user took the authorisation back",
        "21326": "the app may not use this kind of authorisation",
        "21330": "the user refused the authorisation",
    },
    Meaning.AUTH_EXPIRED: {
        "21301": "the authentication failed",
        "21314": "the token was used already",
        "21315": "the token has expired",
        "21316": "the token was revoked",
        "21317": "the token was rejected",
        "21319": "the user took the authorisation back",
        "21325": "the authorisation code is used or expired",
        "21327": "the token has expired",
        "21332": "the token is invalid",
    },
    Meaning.CONTENT_REJECTED: {
        "10006": "the app key is missing",
        "10007": "the media type is not supported",
        "10008": "a parameter is wrong",
        "10012": "the request is illegal",
        "10013": "the user is no valid Weibo user",
        "10016": "a required parameter is missing",
        "10017": "a parameter is invalid, or the text has no link under the app's security domain",
        "10018": "the request is too long",
        "10020": "there is no such endpoint",
        "10021": "the endpoint does not take this method",
        "20003": "the user does not exist",
        "20005": "the picture's type is not supported",
        "20006": "the picture is too large",
        "20007": "a picture must come as multipart",
        "20008": "the text is empty",
        "20012": "the text is over 140 characters",
        "20013": "the text is over 300 characters",
        "20017": "the text is too similar to an earlier one",
        "20018": "the text holds a forbidden link",
        "20019": "the same text was published just now",
        "20020": "the text reads as advertising",
        "20021": "the text holds forbidden content",
        "20049": "the long text is too long",
        "20101": "the status does not exist",
        "20104": "the status was taken down",
        "20111": "the same text was published just now",
        "20201": "the comment does not exist",
        "20202": "the comment was taken down",
        "20306": "the same message was sent just now",
        "21322": "the redirect address is not the registered one",
        "21323": "the authorisation request is invalid",
        "21324": "the app key or secret is wrong",
        "21328": "the grant type is not supported",
        "21329": "the response type is not supported",
        "21602": "the text holds sensitive words",
    },
    Meaning.RATE_LIMITED: {
        "10023": "the account is over its budget",
        "10024": "the account is over its budget for this call",
        "20016": "the account posts too often",
    },
    Meaning.APP_RATE_LIMITED: {
        "10004": "this address is over its hourly budget",
        "10022": "this address is over its hourly budget",
        "20022": "this address behaves unusually",
    },
}

# Weibo names no reset: hourly budgets open within the hour, the 100-a-day one is asked again each hour.
_AFTER = dict.fromkeys(("10004", "10022", "10023", "10024"), _HOUR) | dict.fromkeys(("20016", "20022"), _SOON)
ERRORS = error_table(_WORDS, after=_AFTER)
REPEATED = frozenset({"20017", "20019", "20111"})
PENDING = "20032"
GONE = frozenset({"20101", "20104"})
