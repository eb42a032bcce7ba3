"""One pipeline a file: only the order of the steps."""
