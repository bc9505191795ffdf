"""Run the migrations on the connection that `workers.migrate` gives."""

from alembic import context
from sqlalchemy import Connection

from models.tables import metadata


def _run(connection: Connection) -> None:
    """Migrate in one transaction, waiting briefly for locks rather than stalling the desk behind them."""
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
    with context.begin_transaction():
        context.execute("SET LOCAL lock_timeout = '10s'")
        context.run_migrations()


_run(context.config.attributes["connection"])
