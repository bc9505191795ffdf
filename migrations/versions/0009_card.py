"""Tickets that move between departments, senders that are blocked, and the first answer's author."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CARD = sa.text("purpose = 'card'")
_RENEWAL = sa.text("purpose = 'card_update' AND status = 'pending'")


def upgrade() -> None:
    op.add_column(
        "department_settings", sa.Column("assign_first_answer", sa.Boolean(), server_default="true", nullable=False)
    )
    op.add_column("ticket_external_ids", sa.Column("signs", sa.String(length=255), server_default="", nullable=False))
    op.drop_index("deliveries_card_key", table_name="deliveries")
    op.create_index(
        "deliveries_card_key", "deliveries", ["ticket_id", "recipient"], unique=True, postgresql_where=_CARD
    )
    op.drop_index("deliveries_card_update_key", table_name="deliveries")
    op.create_index(
        "deliveries_card_update_key", "deliveries", ["ticket_id", "recipient"], unique=True, postgresql_where=_RENEWAL
    )
    op.create_table(
        "blocks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.String(length=50), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("blocks_ticket_id_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("blocks_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("blocks_pkey")),
        sa.UniqueConstraint("type", "value", name=op.f("blocks_type_value_key")),
    )
    op.create_index(op.f("blocks_ticket_id_idx"), "blocks", ["ticket_id"], unique=False)


def downgrade() -> None:
    op.drop_table("blocks")
    _one_card_a_ticket()
    op.drop_index("deliveries_card_key", table_name="deliveries")
    op.create_index("deliveries_card_key", "deliveries", ["ticket_id"], unique=True, postgresql_where=_CARD)
    op.drop_index("deliveries_card_update_key", table_name="deliveries")
    op.create_index("deliveries_card_update_key", "deliveries", ["ticket_id"], unique=True, postgresql_where=_RENEWAL)
    op.drop_column("ticket_external_ids", "signs")
    op.drop_column("department_settings", "assign_first_answer")


def _one_card_a_ticket() -> None:
    """Keep the newest card and renewal of each ticket as such; the others become renewals that are over."""
    op.execute(
        """
        UPDATE deliveries old SET status = 'canceled'
        WHERE purpose = 'card_update' AND status = 'pending' AND EXISTS (
            SELECT 1 FROM deliveries newer WHERE newer.ticket_id = old.ticket_id AND newer.id > old.id
            AND newer.purpose = 'card_update' AND newer.status = 'pending')
        """
    )
    op.execute(
        """
        UPDATE deliveries old SET purpose = 'card_update', status = 'canceled'
        WHERE purpose = 'card' AND EXISTS (
            SELECT 1 FROM deliveries newer WHERE newer.ticket_id = old.ticket_id AND newer.id > old.id
            AND newer.purpose = 'card')
        """
    )
