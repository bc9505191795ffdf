"""Mailboxes that are fetched from by IMAP."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=50), server_default="connecting", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("fetched_at", sa.DateTime(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token_origin", sa.String(length=64), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.CheckConstraint("state IN ('connecting', 'watching', 'failing')", name=op.f("mailboxes_state_check")),
        sa.PrimaryKeyConstraint("id", name="mailboxes_pkey"),
        sa.UniqueConstraint("name", name="mailboxes_name_key"),
    )


def downgrade() -> None:
    op.drop_table("mailboxes")
