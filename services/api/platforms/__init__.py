"""Platforms: all a client needs to draw a composer."""
