"""What clicks change: one database, SQLite in the workspace or PostgreSQL, and the migrations that make its tables.

Models, logs and signed records stay files. A room of `web/` that keeps something adds `tables.py`, a migration in
`web/database/migrations/versions/` whose `down_revision` is the newest one, and nothing here. Routes use it so:

    with service_of(request).database.writing() as session:
        session.add(Draft(...))
"""

from web.database.connection import Database, open_database
from web.database.migrating import migrate
from web.database.tables import Moment, Table

__all__ = ["Database", "Moment", "Table", "migrate", "open_database"]
