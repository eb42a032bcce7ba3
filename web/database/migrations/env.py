"""Run by Alembic: on the connection that `web.database.migrating` opened."""

from alembic import context

from web.database.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,  # for the names of constraints
    render_as_batch=True,  # SQLite cannot change a column in place
)
with context.begin_transaction():
    context.run_migrations()
