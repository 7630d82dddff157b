"""Alembic's way in: our own connection, whose transaction and lock are already there (see `langflix.database`)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
context.run_migrations()
