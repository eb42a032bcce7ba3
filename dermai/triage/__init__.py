"""New referrals: quality at the door, probabilities, uncertainty, heat maps, and the worklist."""
