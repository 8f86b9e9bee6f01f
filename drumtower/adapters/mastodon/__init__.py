"""Mastodon, and servers that speak its API: statuses under an idempotency key, mentions as feedback."""
