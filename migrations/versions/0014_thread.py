"""Offers below messages, clients who may be one, and corrections of what was sent."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offers",
        sa.Column("message_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('undo_merge', 'same_client', 'correction')", name=op.f("offers_kind_check")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("offers_message_id_fkey")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("offers_pkey")),
    )
    op.create_table(
        "newcomers",
        sa.Column("client_id", sa.Integer(), autoincrement=False, nullable=False),
        _now("created_at"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("newcomers_client_id_fkey")),
        sa.PrimaryKeyConstraint("client_id", name=op.f("newcomers_pkey")),
    )
    op.create_table(
        "resemblances",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("distinct_since", sa.DateTime(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        _now("created_at"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("resemblances_client_id_fkey")),
        sa.ForeignKeyConstraint(["other_id"], ["clients.id"], name=op.f("resemblances_other_id_fkey")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("resemblances_ticket_id_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("resemblances_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("resemblances_pkey")),
        sa.UniqueConstraint("client_id", "other_id", name=op.f("resemblances_client_id_other_id_key")),
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        _now("created_at"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("corrections_message_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("corrections_pkey")),
    )
    op.create_index(op.f("corrections_message_id_idx"), "corrections", ["message_id"], unique=False)


def downgrade() -> None:
    for table in ("corrections", "resemblances", "newcomers", "offers"):
        op.drop_table(table)


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False)
