"""Tracked links, their QR codes, and the redirect that counts who follows them."""
