"""What the continuous-integration workflows decide and write; the workflow files only call it."""
