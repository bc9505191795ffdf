"""Sends that are held until the client writes, approved templates, and reminders that a window ends."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOW = sa.text("timezone('utc', now())")
_KNOWN = ("pending", "sending", "unclear", "unconfirmed", "sent", "delivered", "read", "failed", "canceled")


def _one_of(statuses: tuple[str, ...]) -> str:
    return f"status IN ({', '.join(map(repr, statuses))})"


def upgrade() -> None:
    op.drop_constraint(op.f("deliveries_status_check"), "deliveries", type_="check")
    op.create_check_constraint(
        op.f("deliveries_status_check"), "deliveries", _one_of((*_KNOWN[:3], "held", *_KNOWN[3:]))
    )
    op.create_index(
        "deliveries_held_idx", "deliveries", ["lane"], unique=False, postgresql_where=sa.text("status = 'held'")
    )
    op.create_index("message_sources_sender_idx", "message_sources", ["channel", "sender", "recipient"], unique=False)
    op.create_table(
        "templates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel", sa.String(length=50), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=50), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("blanks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("listed_at", sa.DateTime(), server_default=_NOW, nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("templates_pkey")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("templates_channel_external_id_key")),
    )
    op.create_table(
        "template_uses",
        sa.Column("message_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("filled", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("template_uses_message_id_fkey")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("template_uses_pkey")),
    )
    op.create_table(
        "window_reminders",
        sa.Column("message_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("window_reminders_message_id_fkey")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("window_reminders_pkey")),
    )


def downgrade() -> None:
    op.drop_table("window_reminders")
    op.drop_table("template_uses")
    op.drop_table("templates")
    op.drop_index("message_sources_sender_idx", table_name="message_sources")
    op.execute("UPDATE deliveries SET status = 'failed' WHERE status = 'held'")
    op.drop_index("deliveries_held_idx", table_name="deliveries")
    op.drop_constraint(op.f("deliveries_status_check"), "deliveries", type_="check")
    op.create_check_constraint(op.f("deliveries_status_check"), "deliveries", _one_of(_KNOWN))
