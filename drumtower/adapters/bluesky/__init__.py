"""Bluesky (AT protocol): posts under keys chosen here, app passwords, notifications as feedback."""
