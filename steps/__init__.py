"""One step a file: read the inputs, call the domain, return named artifacts."""
