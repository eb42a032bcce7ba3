"""What every attempt to change the model leaves behind."""
