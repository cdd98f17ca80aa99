"""Runs the migrations on the connection that it is handed (`database/migrating.py`)."""

from alembic import context

from flawgate_gateway.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
