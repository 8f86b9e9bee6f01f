"""The three deployables: api, scheduler, metrics."""
