"""What waits together at a provider, and which turn a send was given."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "throttles",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel", sa.String(length=50), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("turns_until", sa.DateTime(), nullable=True),
        sa.Column("paused_until", sa.DateTime(), nullable=True),
        sa.Column("stopped_since", sa.DateTime(), nullable=True),
        sa.Column("stopped_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="throttles_pkey"),
        sa.UniqueConstraint("channel", "key", name="throttles_channel_key_key"),
    )
    op.add_column("deliveries", sa.Column("turn_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("deliveries", "turn_at")
    op.drop_table("throttles")
