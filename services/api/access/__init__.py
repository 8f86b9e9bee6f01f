"""Logging in, who I am, and API keys."""
