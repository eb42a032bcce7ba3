"""Alembic's folder: how a migration is run, and the migrations in their order."""
