"""What the README shows works as it stands there."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.e2e.places import ROOT, running

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


def test_the_five_calls() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    with tempfile.TemporaryDirectory(prefix="drumtower-e2e-") as name, running(Path(name) / ".state"):
        called = subprocess.run(
            [str(shutil.which("bash")), "-euo", "pipefail", "-c", blocks[0]],
            cwd=name,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert called.returncode == 0, called.stderr
    assert '"platform":"bluesky"' in called.stdout  # 1: the channels
    assert '"violations"' in called.stdout  # 3: the preflight
    assert '"code":"not_approved"' in called.stdout  # 4: refused, with its reason
    assert '"metric":"engagement_rate"' in called.stdout  # 5: the figures
