"""Assets: pictures, videos, sound and documents, cleaned before anything else sees them."""
