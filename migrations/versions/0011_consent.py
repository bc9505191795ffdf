"""To which of our addresses an opt-out applies."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("suppressions", sa.Column("sender", sa.String(length=255), server_default="", nullable=False))
    op.drop_constraint("suppressions_type_value_key", "suppressions")
    op.create_unique_constraint("suppressions_type_value_sender_key", "suppressions", ["type", "value", "sender"])


def downgrade() -> None:
    op.drop_constraint("suppressions_type_value_sender_key", "suppressions")
    # The earliest reason stays, as it did when an address could have one only.
    op.execute(
        "DELETE FROM suppressions later USING suppressions first "
        "WHERE later.type = first.type AND later.value = first.value AND later.id > first.id"
    )
    op.create_unique_constraint("suppressions_type_value_key", "suppressions", ["type", "value"])
    op.drop_column("suppressions", "sender")
