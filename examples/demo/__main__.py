"""`python3 dev.py demo [STATE] [--port N]`."""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console

from examples.demo.client import Client
from examples.demo.public import Public
from examples.demo.stage import ROOT, Stage
from examples.demo.story import PLATFORMS, Story
from examples.demo.tables import show


def main(words: list[str]) -> int:
    """Play the demo; return 0 when every figure of ours equals the platform's."""
    asked = _parser().parse_args(words)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    began = time.monotonic()
    with Stage(asked.state, asked.port) as stage:
        where = stage.where
        author = Client(where["api"], where["api_key"], stage.revive)
        reviewer = Client(where["api"], where["reviewer_api_key"], stage.revive)
        channels = {c["platform"]: c for c in author.every("/v1/channels") if c["platform"] in PLATFORMS}
        public = {p: Public(where["sandbox"][p], str(c["account_id"])) for p, c in channels.items()}
        story = Story(author=author, reviewer=reviewer, public=public, channels=channels, say=console.print)
        story.play()
        equal = show(story, console)
    told = (
        "Every figure equals the platforms' own record."
        if equal
        else "Something did not go out, or a figure differs."
    )
    console.print(f"{told} ({time.monotonic() - began:.0f} s)")
    return 0 if equal else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description="Play the whole loop, from a draft to KPIs.")
    parser.add_argument(
        "state", nargs="?", type=Path, default=ROOT / ".state", help="where `up` keeps its state"
    )
    parser.add_argument("--port", type=int, default=8000, help="of the `up` to start where none runs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
