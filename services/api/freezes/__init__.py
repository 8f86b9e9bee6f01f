"""Freezes: publishing stops."""
