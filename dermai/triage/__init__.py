"""New referrals: quality check, probabilities, uncertainty, heat maps, and the worklist."""
