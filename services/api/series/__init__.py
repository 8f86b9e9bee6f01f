"""Series: recurring plans."""
