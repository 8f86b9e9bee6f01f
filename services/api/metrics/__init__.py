"""Key figures and their dictionary."""
