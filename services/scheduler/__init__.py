"""Delivery: one file a step."""
