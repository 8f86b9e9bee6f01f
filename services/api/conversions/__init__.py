"""Conversions: what clicks led to, told server to server."""
