"""Run the migrations on a connection that `workers.db.migrate` gives, or on `DATABASE_URL`."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine

from models.tables import metadata


def _run(connection: Connection) -> None:
    """Migrate in one transaction, waiting briefly for locks rather than stalling the desk behind them."""
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
    with context.begin_transaction():
        context.execute("SET LOCAL lock_timeout = '10s'")
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with create_engine(os.environ["DATABASE_URL"]).connect() as opened:
        _run(opened)
        opened.commit()
