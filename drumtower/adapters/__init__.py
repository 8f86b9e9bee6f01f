"""Our platform adapters, one folder each; reached through the registry only."""
