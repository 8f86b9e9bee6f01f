"""Writes the OpenAPI document, or says whether the committed one has drifted: `python -m services.api.document`."""

import difflib
import json
import sys
from pathlib import Path

from drumtower.crypto import new_key
from drumtower.settings import Settings
from services.api.main import create_app

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def make() -> str:
    """Return the document as it is committed."""
    nowhere = {
        "DRUMTOWER_DATABASE_URL": "postgresql://nowhere/x",
        "DRUMTOWER_REDIS_URL": "redis://nowhere",
        "secret_keys": new_key(),
    }
    app = create_app(Settings.model_validate(nowhere))
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(words: list[str]) -> int:
    """Write, or with --check compare; return the exit code."""
    made = make()
    committed = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    if "--check" not in words:
        DOCUMENT.write_text(made, encoding="utf-8")
        return 0
    drift = difflib.unified_diff(
        committed.splitlines(), made.splitlines(), "docs/openapi.json", "the code", lineterm="", n=1
    )
    lines = list(drift)[:60]
    sys.stdout.write("\n".join([*lines, "Run: python -m services.api.document", ""]) if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
