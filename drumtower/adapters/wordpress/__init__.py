"""WordPress, the official website: posts found by their slug, pictures, comments."""
