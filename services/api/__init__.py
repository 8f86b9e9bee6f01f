"""HTTP only, one folder a feature."""
