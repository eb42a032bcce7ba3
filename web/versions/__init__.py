"""Model versions over time: what was decided on each, who approved it, and which was in production when."""
