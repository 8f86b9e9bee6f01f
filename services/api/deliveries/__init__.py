"""Deliveries: what leaves, when, and how it went."""
