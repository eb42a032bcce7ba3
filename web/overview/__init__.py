"""The first pages: where each role begins, and the team's overview."""
