"""Self-contained HTML pages for people who do not write code."""
