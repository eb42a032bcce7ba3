"""One training: from a plan and a parent to a candidate's package, resumable at any point."""
