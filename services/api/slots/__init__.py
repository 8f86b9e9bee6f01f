"""Slots: a channel's regular publishing times."""
