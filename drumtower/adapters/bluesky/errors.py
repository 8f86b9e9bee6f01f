"""What a PDS's error names ask of us; source: bluesky-social/atproto and the answers of PDS 0.4.217."""

from collections.abc import Mapping

from drumtower.platforms import ErrorRule, Meaning

RECORD_NOT_FOUND = "RecordNotFound"
INVALID_SWAP = "InvalidSwap"
BLOB_NOT_FOUND = "BlobNotFound"


def _rule(meaning: Meaning, detail: str) -> ErrorRule:
    return ErrorRule(meaning=meaning, detail=detail)


# Names that come with a 4xx: the server looked at the request and did nothing.
REFUSALS: Mapping[str, ErrorRule] = {
    "ExpiredToken": _rule(Meaning.AUTH_EXPIRED, "the session has ended"),
    "InvalidToken": _rule(Meaning.AUTH_EXPIRED, "the server does not take this token"),
    "AuthMissing": _rule(Meaning.AUTH_EXPIRED, "the server asks for a session"),
    "AuthenticationRequired": _rule(Meaning.AUTH_EXPIRED, "the server does not take these credentials"),
    "AuthFactorTokenRequired": _rule(
        Meaning.AUTH_EXPIRED, "the account wants an e-mail code: use an app password"
    ),
    "AccountTakedown": _rule(Meaning.NOT_PERMITTED, "the account was taken down"),
    "AccountDeactivated": _rule(
        Meaning.NOT_PERMITTED, "the account is deactivated"
    ),  # [pds] read, not seen live
    "AccountNotFound": _rule(Meaning.DISCONNECTED, "the account is not on this server any more"),
    "Forbidden": _rule(Meaning.NOT_PERMITTED, "the session may not do this"),
    "ScopeMissingError": _rule(Meaning.NOT_PERMITTED, "the session may not do this"),
    "XRPCNotSupported": _rule(Meaning.NOT_PERMITTED, "the server does not know this method"),
    "InvalidRequest": _rule(Meaning.CONTENT_REJECTED, "the server refuses the record"),
    "InvalidMimeType": _rule(Meaning.CONTENT_REJECTED, "the server refuses the type of a file"),
    "InvalidSize": _rule(Meaning.CONTENT_REJECTED, "the server refuses the size of a file"),
    "PayloadTooLarge": _rule(Meaning.CONTENT_REJECTED, "a file is too large for this server"),
    "PayloadTooLargeError": _rule(Meaning.CONTENT_REJECTED, "the record is too large"),
    BLOB_NOT_FOUND: _rule(Meaning.TRANSIENT, "the server has dropped an uploaded file; it is uploaded again"),
    RECORD_NOT_FOUND: _rule(Meaning.CONTENT_REJECTED, "there is no such record"),
    # Our key holds another content: an earlier attempt got through. The adapter looks; this is for when it can't.
    INVALID_SWAP: _rule(Meaning.BUSY, "something is already published under this key"),
    "RateLimitExceeded": _rule(Meaning.RATE_LIMITED, "over the server's rate limit"),
}

# Names that come with a 5xx: proof of nothing, but for a method that the server does not have.
BREAKDOWNS: Mapping[str, ErrorRule] = {
    "InternalServerError": _rule(Meaning.BUSY, "the server failed"),
    "UpstreamFailure": _rule(Meaning.BUSY, "the AppView is away"),
    "UpstreamTimeout": _rule(Meaning.BUSY, "the AppView did not answer in time"),
    "NotEnoughResources": _rule(Meaning.BUSY, "the server is overloaded"),
    "MethodNotImplemented": _rule(Meaning.NOT_PERMITTED, "the server does not know this method"),
}

RULES: Mapping[str, ErrorRule] = {**REFUSALS, **BREAKDOWNS}

# Where a session is bought with the app password, a refusal means that a person must give a new one.
SESSION_RULES: Mapping[str, ErrorRule] = {
    **RULES,
    "AuthenticationRequired": _rule(
        Meaning.DISCONNECTED, "the server does not take this identifier and app password"
    ),
    "AuthFactorTokenRequired": _rule(
        Meaning.DISCONNECTED, "the account wants an e-mail code: connect it with an app password"
    ),
    "InvalidRequest": _rule(
        Meaning.DISCONNECTED, "the server does not take this identifier and app password"
    ),
}
