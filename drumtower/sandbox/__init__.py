"""Local servers that speak each platform's documented wire format, with fault injection and a public that answers."""
