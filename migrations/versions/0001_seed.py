"""The seed's eleven tables, and nothing else."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UTC_NOW = sa.text("timezone('utc', now())")


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(), server_default=UTC_NOW, nullable=False)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("type", sa.String(50), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.UniqueConstraint("email", name="users_email_key"),
        sa.CheckConstraint("type IN ('administrator', 'agent')", name=op.f("users_type_check")),
    )
    op.create_table(
        "user_oauth_accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("provider_user_id", sa.String(255), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="user_oauth_accounts_pkey"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="user_oauth_accounts_user_id_fkey"),
        sa.UniqueConstraint("provider", "provider_user_id", name="user_oauth_accounts_provider_provider_user_id_key"),
    )
    op.create_table(
        "clients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("data", postgresql.JSONB()),
        _time("created_at"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("id", name="clients_pkey"),
    )
    op.create_table(
        "client_external_ids",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(50), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="client_external_ids_pkey"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="client_external_ids_client_id_fkey"),
        sa.UniqueConstraint("type", "value", name="client_external_ids_type_value_key"),
    )
    op.create_table(
        "departments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="departments_pkey"),
        sa.UniqueConstraint("name", name="departments_name_key"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer()),
        sa.Column("status", sa.String(50), nullable=False),
        sa.Column("priority", sa.String(50), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB()),
        _time("created_at"),
        _time("updated_at"),
        sa.Column("closed_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("id", name="tickets_pkey"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="tickets_client_id_fkey"),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name="tickets_department_id_fkey"),
        sa.CheckConstraint(
            "status IN ('open', 'waiting_for_user', 'waiting_for_agent', 'closed', 'unresolved')",
            name=op.f("tickets_status_check"),
        ),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("client_id", sa.Integer()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_system_message", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="messages_pkey"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="messages_ticket_id_fkey"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="messages_user_id_fkey"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="messages_client_id_fkey"),
        sa.CheckConstraint(
            "user_id IS NOT NULL OR client_id IS NOT NULL OR is_system_message = true",
            name=op.f("messages_author_check"),
        ),
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="tags_pkey"),
        sa.UniqueConstraint("name", name="tags_name_key"),
    )
    _junction("ticket_assignments", "ticket", "user")
    _junction("ticket_tags", "ticket", "tag")
    _junction("user_departments", "user", "department")


def _junction(table: str, left: str, right: str) -> None:
    op.create_table(
        table,
        sa.Column(f"{left}_id", sa.Integer(), nullable=False),
        sa.Column(f"{right}_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(f"{left}_id", f"{right}_id", name=f"{table}_pkey"),
        sa.ForeignKeyConstraint([f"{left}_id"], [f"{left}s.id"], name=f"{table}_{left}_id_fkey"),
        sa.ForeignKeyConstraint([f"{right}_id"], [f"{right}s.id"], name=f"{table}_{right}_id_fkey"),
    )


def downgrade() -> None:
    for table in (
        "user_departments",
        "ticket_tags",
        "ticket_assignments",
        "tags",
        "messages",
        "tickets",
        "departments",
        "client_external_ids",
        "clients",
        "user_oauth_accounts",
        "users",
    ):
        op.drop_table(table)
