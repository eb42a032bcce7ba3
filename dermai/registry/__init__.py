"""Model versions in MLflow, stored as plain files and checked by hash when they are fetched."""
