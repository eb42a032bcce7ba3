"""The worklist to work from, the pages on which a case is read and signed, and a practice's own cases."""
