"""What platforms tell us, pushed or pulled, becomes interactions and settled deliveries here, and only here."""

from drumtower.feedback.ingest import Ingested, ingest, transact
from drumtower.feedback.reading import Fault, Heard, storable

__all__ = ["Fault", "Heard", "Ingested", "ingest", "storable", "transact"]
