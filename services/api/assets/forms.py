"""Reads an upload: the file goes to a temporary file while it arrives, and nothing in the form is believed."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from drumtower.domain.errors import Invalid, TooLarge, UnsupportedMedia, Violation
from drumtower.media.forms import HEAD, Form, form_of
from drumtower.settings import Settings
from services.api import strict
from services.api.assets.schemas import AssetFields

MOST_FIELDS = 20
LARGEST_FIELD = 16 * 1024
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file on disk and its fields. `fingerprint` is equal for equal uploads, whatever boundary a client draws."""

    file: BinaryIO
    form: Form
    file_name: str
    fields: AssetFields
    fingerprint: bytes


@asynccontextmanager
async def read_upload(request: Request, settings: Settings) -> AsyncIterator[Upload]:
    """Read the form; raise UnsupportedMedia, TooLarge or Invalid. Temporary files end with the block."""
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    if media.strip().lower() != "multipart/form-data" or "charset" in parameters.lower():
        raise UnsupportedMedia("content_type", "Send multipart/form-data; its texts are UTF-8.")
    async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=LARGEST_FIELD) as form:
        yield await _upload(form, settings)


async def _upload(form: FormData, settings: Settings) -> Upload:
    fields = _fields(form)
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid.at("/file", "field_missing", "There is no file.", "Send `file` with a file name.")
    seems = form_of(await file.read(HEAD))
    largest = _largest(settings, seems)
    if (file.size or 0) > largest:
        raise TooLarge("file_too_large", f"The file is over {largest} bytes.")
    if not file.size:
        raise Invalid.at("/file", "file_empty", "The file is empty.")
    name = file.filename or ""
    texts = json.dumps([name, fields.model_dump(mode="json")], sort_keys=True)
    digest = await asyncio.to_thread(digest_of, file.file)
    fingerprint = hashlib.sha256(digest + texts.encode()).digest()
    return Upload(file=file.file, form=seems, file_name=name, fields=fields, fingerprint=fingerprint)


def _largest(settings: Settings, form: Form) -> int:
    return {Form.IMAGE: settings.largest_asset, Form.PDF: settings.largest_document}.get(
        form, settings.largest_recording
    )


def digest_of(file: BinaryIO) -> bytes:
    """Return the SHA-256 of a whole file."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.digest()


def _fields(form: FormData) -> AssetFields:
    items = [(name, value) for name, value in form.multi_items() if name != "file"]
    names = [name for name, _ in form.multi_items()]
    strict.check([names, [value for _, value in items if isinstance(value, str)]])
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Invalid.of([_twice(name) for name in twice])
    given: dict[str, Any] = dict(items)
    try:
        return AssetFields.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from error


def _twice(name: str) -> Violation:
    return Violation(pointer=f"/{name}", code="duplicate_key", detail="The same field stands twice.")
