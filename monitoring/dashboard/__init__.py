"""What the team sees: a start page in plain language, beside Evidently's own dashboard."""
