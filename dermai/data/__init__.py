"""The case table: its rows, the patients' splits, the pseudonyms."""
