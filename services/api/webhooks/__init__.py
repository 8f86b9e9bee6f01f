"""Webhooks: what platforms push to us."""
