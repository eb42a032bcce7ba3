"""Who is in production: the rules of a move, the move as one transaction, the history that the records tell."""
