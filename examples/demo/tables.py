"""What happened, in tables."""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from examples.demo.story import Story

Json = dict[str, Any]


def show(story: Story, console: Console) -> bool:
    """Print what happened; say whether everything is out, and every figure of ours is the platform's."""
    console.print(_deliveries([*story.deliveries, *story.answers]))
    console.print(_interactions(story.interactions))
    console.print(_kpis(story.figures()))
    comparison = story.comparison()
    console.print(_comparison(comparison))
    remote = {platform: len(public.posts()) for platform, public in story.public.items()}
    console.print(f"Posts in the sandbox: {remote}")
    return story.is_whole and all(row["ours"] == row["theirs"] for row in comparison)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _deliveries(rows: list[Json]) -> Table:
    table = _table("Deliveries", "platform", "action", "state", "late by", "attempts", "where")
    for row in rows:
        late = "" if row["lateness_ms"] is None else f"{row['lateness_ms']} ms"
        where = row["external_url"] or row["external_id"] or (row["error"] or {}).get("detail", "")
        table.add_row(row["platform"], row["action"], row["state"], late, str(row["attempts"]), str(where))
    return table


def _interactions(rows: list[Json]) -> Table:
    table = _table("Interactions", "platform", "kind", "said", "sentiment", "intent", "answered after")
    for row in rows:
        mood = f"{row['sentiment']} ({row['sentiment_score']:+.2f})"
        table.add_row(row["platform"], row["kind"], row["text"], mood, row["intent"] or "", _answered(row))
    return table


def _answered(row: Json) -> str:
    if row["answered_at"] is None:
        return "not yet"
    waited = datetime.fromisoformat(row["answered_at"]) - datetime.fromisoformat(row["occurred_at"])
    return f"{waited.total_seconds():.1f} s"


def _kpis(rows: list[Json]) -> Table:
    table = _table("KPIs (all channels)", "KPI", "value", "formula", "basis")
    for row in rows:
        basis = row["basis"]
        numbers = {
            name: value
            for name, value in basis.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        value = "unknown" if row["value"] is None else f"{row['value']:.4g} {row['unit']}"
        shown = ", ".join(f"{name} {value:.6g}" for name, value in numbers.items())
        table.add_row(row["metric"], value, basis["formula"], shown or str(basis["reason"]))
    return table


def _comparison(rows: list[Json]) -> Table:
    table = _table("Our figures beside the platforms' own", "platform", "figure", "ours", "theirs", "")
    for row in rows:
        same = row["ours"] == row["theirs"]
        ours, theirs = ("unknown" if row[side] is None else str(row[side]) for side in ("ours", "theirs"))
        table.add_row(row["platform"], row["metric"], ours, theirs, "equal" if same else "DIFFERENT")
    return table
