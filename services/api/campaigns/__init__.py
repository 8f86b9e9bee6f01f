"""Campaigns: what posts of one brand are for, together and for a while."""
