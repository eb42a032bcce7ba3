"""What the models answered in daily practice, the diagnoses that came back, the photographs to take again."""
