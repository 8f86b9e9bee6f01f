"""Documents: a PDF written anew, without what acts by itself and what tells who made it."""

import io
from typing import IO

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject, NameObject

from drumtower.media.files import MOST_PAGES, Measures, Refused

# Scripts, actions on opening, attached files and forms that run code hang on these, on the catalogue or on a page.
_ACTS = ("/OpenAction", "/AA", "/AcroForm", "/Collection", "/Metadata", "/PieceInfo", "/AF")
_NAMES = ("/JavaScript", "/EmbeddedFiles")
_PDF = "application/pdf"


def clean(source: IO[bytes]) -> tuple[Measures, bytes]:
    """Return the document without scripts, actions, attachments and authors; raise Refused."""
    try:
        reader = PdfReader(source, strict=False)
        if reader.is_encrypted:
            raise Refused("document_locked", "The document asks for a password.")
        pages = len(reader.pages)
        if pages == 0:
            raise Refused("document_broken", "The document has no pages.")
        if pages > MOST_PAGES:
            raise Refused("document_too_long", f"The document has more than {MOST_PAGES} pages.")
        return _measured(reader), _written(reader)
    except PyPdfError as error:
        raise Refused("document_broken", f"The document can't be read ({type(error).__name__}).") from error


def _measured(reader: PdfReader) -> Measures:
    # Points, 72 to an inch: the shape of the first page is what counts.
    box = reader.pages[0].mediabox
    return Measures(
        content_type=_PDF, width=round(abs(box.width)) or None, height=round(abs(box.height)) or None
    )


def _written(reader: PdfReader) -> bytes:
    writer = PdfWriter(clone_from=reader)
    catalogue = writer.root_object
    _without(catalogue, _ACTS)
    names = catalogue.get("/Names")
    if names is not None:
        _without(names.get_object(), _NAMES)
    for page in writer.pages:
        _without(page, _ACTS)
        for note in page.get("/Annots", ()):
            _without_scripts(note.get_object())
    # What nothing leads to any more goes with the second writing: only what the catalogue reaches is taken over.
    second = PdfWriter(clone_from=PdfReader(_bytes(writer)))
    second.metadata = None
    return _bytes(second).getvalue()


def _bytes(writer: PdfWriter) -> io.BytesIO:
    out = io.BytesIO()
    writer.write(out)
    return out


def _without(one: DictionaryObject, names: tuple[str, ...]) -> None:
    for name in names:
        one.pop(NameObject(name), None)


def _without_scripts(note: DictionaryObject) -> None:
    """Leave a link that leads somewhere; take away what starts something."""
    action = note.get("/A")
    if action is not None and action.get_object().get("/S") not in ("/URI", "/GoTo"):
        _without(note, ("/A",))
    _without(note, ("/AA",))
