"""Edits and deletions, found by the message that they change."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "inbound_events_changes_idx",
        "inbound_events",
        [sa.text("(facts ->> 'changes')")],
        postgresql_where=sa.text("(facts ->> 'changes') IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("inbound_events_changes_idx", table_name="inbound_events")
