"""What agents look for and open themselves: words to search by, whom a ticket was opened for, digests."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NOW = sa.text("timezone('utc', now())")


def upgrade() -> None:
    op.create_table(
        "ticket_addresses",
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=50), nullable=False),
        sa.Column("sender", sa.String(length=255), nullable=False),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("ticket_addresses_ticket_id_fkey")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("ticket_addresses_pkey")),
    )
    op.create_table(
        "digests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("idempotency_key", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("attempted_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("digests_department_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("digests_pkey")),
        sa.UniqueConstraint("department_id", "day", name=op.f("digests_department_id_day_key")),
    )
    op.add_column("department_settings", sa.Column("digest", sa.Boolean(), server_default="true", nullable=False))
    _words("messages", "body", "left(body, 20000)")
    _words("tickets", "title", "title")
    _words("clients", "name", "name")
    op.create_index("ticket_assignments_user_id_idx", "ticket_assignments", ["user_id"])


def _words(table: str, column: str, searched: str) -> None:
    words = sa.text(f"to_tsvector('simple', {searched})")
    op.create_index(f"{table}_{column}_words_idx", table, [words], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ticket_assignments_user_id_idx", table_name="ticket_assignments")
    op.drop_index("clients_name_words_idx", table_name="clients")
    op.drop_index("tickets_title_words_idx", table_name="tickets")
    op.drop_index("messages_body_words_idx", table_name="messages")
    op.drop_column("department_settings", "digest")
    op.drop_table("digests")
    op.drop_table("ticket_addresses")
