"""The languages of pages and documents: sentences that are written in English and said in the reader's language."""
