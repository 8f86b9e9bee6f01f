"""Bilibili's wire format, runnable: signed calls, uploads in parts, submissions that are reviewed, their numbers."""

from drumtower.sandbox.bilibili.server import BilibiliSandbox

__all__ = ["BilibiliSandbox"]
