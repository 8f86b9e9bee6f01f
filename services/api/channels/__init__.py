"""Channels: connected social accounts."""
