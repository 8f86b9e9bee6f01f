"""Adapters come in by entry point, ours and others' through the same door."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import structlog

from drumtower.domain.errors import NotFound
from drumtower.platforms.base import CONTRACT, Adapter

GROUP = "drumtower.platforms"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The adapters that may be used, by slug, and why others may not."""

    adapters: dict[str, type[Adapter]]
    refused: dict[str, str]

    def get(self, platform: str) -> type[Adapter]:
        """Return the adapter class; raise NotFound for a platform nobody speaks."""
        adapter = self.adapters.get(platform)
        if adapter is None:
            raise NotFound("not_found", f"There is no platform {platform!r}.")
        return adapter


def load(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every adapter; a broken one is reported in `refused` and stops nothing else."""
    adapters: dict[str, type[Adapter]] = {}
    refused: dict[str, str] = {}
    for point in sorted(points if points is not None else entry_points(group=GROUP), key=lambda p: p.name):
        reason = _admit(point, adapters)
        if reason:
            refused[point.name] = reason
            log.error("adapter.refused", platform=point.name, reason=reason)
    return Registry(adapters=adapters, refused=refused)


def _admit(point: EntryPoint, adapters: dict[str, type[Adapter]]) -> str | None:
    try:
        loaded = point.load()
    except Exception as error:  # noqa: BLE001 - a plugin may fail in any way, and must not stop the others
        return f"{type(error).__name__}: {error}"
    if not (isinstance(loaded, type) and issubclass(loaded, Adapter)):
        return f"{point.value} is no Adapter"
    if loaded.contract != CONTRACT:
        return f"it speaks contract {loaded.contract}; this Drumtower speaks {CONTRACT}"
    if loaded.slug != point.name or loaded.slug in adapters:
        return f"its slug {loaded.slug!r} is taken or not its entry point's name"
    adapters[loaded.slug] = loaded
    return None
