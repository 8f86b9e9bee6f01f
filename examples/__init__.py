"""Clients of Drumtower's public API."""
