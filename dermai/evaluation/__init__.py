"""What a model gets right and wrong on the test patients, with intervals."""
