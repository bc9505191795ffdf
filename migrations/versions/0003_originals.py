"""What is known of a message's sender, and what was left out of its text."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "message_sources", sa.Column("authenticated", sa.String(length=50), server_default="", nullable=False)
    )
    op.add_column("message_sources", sa.Column("reply_to", sa.String(length=255), server_default="", nullable=False))
    op.add_column("message_sources", sa.Column("cut_by", sa.String(length=255), server_default="", nullable=False))


def downgrade() -> None:
    for column in ("cut_by", "reply_to", "authenticated"):
        op.drop_column("message_sources", column)
