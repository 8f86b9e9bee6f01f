"""Assets: pictures, cleaned before anything else sees them."""
