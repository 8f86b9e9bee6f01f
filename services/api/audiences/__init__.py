"""Audiences: who follows a channel."""
