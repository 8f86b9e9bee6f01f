"""ETags: of things that people edit the revision, of files their hash; quoted."""

import hashlib
import json

from fastapi import Response

from drumtower.domain.errors import PreconditionFailed, PreconditionRequired


def etag(revision: int | str) -> str:
    return f'"{revision}"'


def revision_of(edited: object) -> str:
    """Return a word that changes with what people edit, for what counts no revisions of its own."""
    return hashlib.sha256(json.dumps(edited, sort_keys=True).encode()).hexdigest()[:16]


def set_etag(response: Response, revision: int | str) -> None:
    response.headers["ETag"] = etag(revision)


def check_match(if_match: str | None, revision: int | str, *, required: bool = False) -> None:
    """Raise where the caller edits an older revision than the present one, or had to name one and did not."""
    if if_match is None:
        if required:
            raise PreconditionRequired(
                "if_match_required",
                "Send If-Match with the ETag you have read, so that nobody's edit is lost.",
            )
        return
    if not _names(if_match, etag(revision)):
        raise PreconditionFailed(
            "edited_meanwhile", f"Somebody edited it: it is at revision {revision}. Read it again."
        )


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Say whether the caller has what `tag` names, so that 304 is answer enough."""
    return if_none_match is not None and _names(if_none_match, tag)


def _names(header: str, tag: str) -> bool:
    tags = [given.strip().removeprefix("W/") for given in header.split(",")[:100]]
    return "*" in tags or tag in tags
