"""ETags of things that people edit: the revision, quoted."""

from fastapi import Response

from drumtower.domain.errors import PreconditionFailed, PreconditionRequired


def etag(revision: int) -> str:
    return f'"{revision}"'


def set_etag(response: Response, revision: int) -> None:
    response.headers["ETag"] = etag(revision)


def check_match(if_match: str | None, revision: int, *, required: bool = False) -> None:
    """Raise where the caller edits an older revision than the present one, or had to name one and did not."""
    if if_match is None:
        if required:
            raise PreconditionRequired(
                "if_match_required",
                "Send If-Match with the ETag you have read, so that nobody's edit is lost.",
            )
        return
    tags = [tag.strip().removeprefix("W/") for tag in if_match.split(",")[:100]]
    if "*" not in tags and etag(revision) not in tags:
        raise PreconditionFailed(
            "edited_meanwhile", f"Somebody edited it: it is at revision {revision}. Read it again."
        )
