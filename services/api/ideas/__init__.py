"""Ideas: from a thought to a post."""
