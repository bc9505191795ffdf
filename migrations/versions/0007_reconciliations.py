"""Up to when places were asked what they had said."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("type", sa.String(length=50), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("complete_until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("type", "value", name="reconciliations_pkey"),
    )


def downgrade() -> None:
    op.drop_table("reconciliations")
