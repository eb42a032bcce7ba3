"""What leaves: everything of a patient who takes consent back, shown by a search, and what was kept long enough."""
