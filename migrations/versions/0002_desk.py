"""The desk's own tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbound_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel", sa.String(length=50), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("conversation", sa.String(length=255), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(length=50), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("postponements", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("tried_since", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("processed_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'processed', 'ignored', 'failed')",
            name=op.f("inbound_events_status_check"),
        ),
        sa.PrimaryKeyConstraint("id", name="inbound_events_pkey"),
        sa.UniqueConstraint("channel", "external_id", name="inbound_events_channel_external_id_key"),
    )
    # Stored as it came: a slice of an uncompressed payload is read without the rest.
    op.execute("ALTER TABLE inbound_events ALTER COLUMN payload SET STORAGE EXTERNAL")
    op.create_index(
        "inbound_events_due_idx",
        "inbound_events",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'processing')"),
    )
    op.create_index(
        "inbound_events_failed_idx",
        "inbound_events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_index(
        "inbound_events_open_idx",
        "inbound_events",
        ["conversation", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'processing')"),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.String(length=50), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=50), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.CheckConstraint("reason IN ('opted_out', 'bounced', 'invalid')", name=op.f("suppressions_reason_check")),
        sa.PrimaryKeyConstraint("id", name="suppressions_pkey"),
        sa.UniqueConstraint("type", "value", name="suppressions_type_value_key"),
    )
    op.create_table(
        "department_external_ids",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=50), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name="department_external_ids_department_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="department_external_ids_pkey"),
        sa.UniqueConstraint("type", "value", name="department_external_ids_type_value_key"),
    )
    op.create_index(
        "department_external_ids_department_id_idx", "department_external_ids", ["department_id"], unique=False
    )
    op.create_table(
        "department_settings",
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("reply_mode", sa.String(length=50), server_default="thread", nullable=False),
        sa.Column("set_aside_automatic", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("reply_mode IN ('thread', 'prefix')", name=op.f("department_settings_reply_mode_check")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name="department_settings_department_id_fkey"),
        sa.PrimaryKeyConstraint("department_id", name="department_settings_pkey"),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="notes_ticket_id_fkey"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="notes_user_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="notes_pkey"),
    )
    op.create_index("notes_ticket_id_idx", "notes", ["ticket_id"], unique=False)
    op.create_table(
        "ticket_external_ids",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=50), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="ticket_external_ids_ticket_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="ticket_external_ids_pkey"),
        sa.UniqueConstraint("type", "value", name="ticket_external_ids_type_value_key"),
    )
    op.create_index("ticket_external_ids_ticket_id_idx", "ticket_external_ids", ["ticket_id"], unique=False)
    op.create_table(
        "ticket_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("linked_ticket_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.ForeignKeyConstraint(["linked_ticket_id"], ["tickets.id"], name="ticket_links_linked_ticket_id_fkey"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="ticket_links_ticket_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="ticket_links_pkey"),
        sa.UniqueConstraint("ticket_id", "linked_ticket_id", name="ticket_links_ticket_id_linked_ticket_id_key"),
    )
    op.create_index("ticket_links_linked_ticket_id_idx", "ticket_links", ["linked_ticket_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("storage_key", sa.String(length=255), nullable=True),
        sa.Column("content_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="attachments_message_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="attachments_pkey"),
    )
    op.create_index("attachments_message_id_idx", "attachments", ["message_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("idempotency_key", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.String(length=50), nullable=False),
        sa.Column("part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("channel", sa.String(length=50), nullable=False),
        sa.Column("recipient_type", sa.String(length=50), nullable=False),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("sender", sa.String(length=255), server_default="", nullable=False),
        sa.Column("to_client", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("about_delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("lane", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=50), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lookups", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("tried_since", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.Column("attempted_at", sa.DateTime(), nullable=True),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("error_code", sa.String(length=255), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('message', 'files', 'card', 'card_update', 'receipt')", name=op.f("deliveries_purpose_check")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sending', 'unclear', 'unconfirmed', 'sent', 'delivered', 'read', 'failed', "
            "'canceled')",
            name=op.f("deliveries_status_check"),
        ),
        sa.ForeignKeyConstraint(["about_delivery_id"], ["deliveries.id"], name="deliveries_about_delivery_id_fkey"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="deliveries_message_id_fkey"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="deliveries_ticket_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="deliveries_pkey"),
        sa.UniqueConstraint("idempotency_key", name="deliveries_idempotency_key_key"),
    )
    op.create_index(
        "deliveries_card_key", "deliveries", ["ticket_id"], unique=True, postgresql_where=sa.text("purpose = 'card'")
    )
    op.create_index(
        "deliveries_card_update_key",
        "deliveries",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("purpose = 'card_update' AND status = 'pending'"),
    )
    op.create_index("deliveries_channel_external_id_idx", "deliveries", ["channel", "external_id"], unique=False)
    op.create_index(
        "deliveries_due_idx",
        "deliveries",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'sending', 'unclear')"),
    )
    op.create_index("deliveries_message_id_idx", "deliveries", ["message_id"], unique=False)
    op.create_index(
        "deliveries_open_idx",
        "deliveries",
        ["lane", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'sending', 'unclear')"),
    )
    op.create_index(
        "deliveries_receipt_key",
        "deliveries",
        ["message_id"],
        unique=True,
        postgresql_where=sa.text("purpose = 'receipt' AND status = 'pending'"),
    )
    op.create_index("deliveries_ticket_id_idx", "deliveries", ["ticket_id"], unique=False)
    op.create_table(
        "message_external_ids",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=50), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="message_external_ids_message_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="message_external_ids_pkey"),
        sa.UniqueConstraint("type", "value", name="message_external_ids_type_value_key"),
    )
    op.create_index("message_external_ids_message_id_idx", "message_external_ids", ["message_id"], unique=False)
    op.create_table(
        "message_sources",
        sa.Column("message_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("inbound_event_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=50), nullable=False),
        sa.Column("sender", sa.String(length=255), nullable=False),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("threaded_by", sa.String(length=50), nullable=False),
        sa.Column("automatic", sa.String(length=50), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["inbound_event_id"], ["inbound_events.id"], name="message_sources_inbound_event_id_fkey"
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="message_sources_message_id_fkey"),
        sa.PrimaryKeyConstraint("message_id", name="message_sources_pkey"),
    )
    op.create_index("message_sources_inbound_event_id_idx", "message_sources", ["inbound_event_id"], unique=False)
    op.create_index("client_external_ids_client_id_idx", "client_external_ids", ["client_id"], unique=False)
    op.create_index("messages_client_id_idx", "messages", ["client_id"], unique=False)
    op.create_index("messages_ticket_id_id_idx", "messages", ["ticket_id", "id"], unique=False)
    op.create_index("tickets_client_id_idx", "tickets", ["client_id"], unique=False)
    op.create_index("tickets_department_id_idx", "tickets", ["department_id"], unique=False)
    op.create_index("tickets_status_updated_at_idx", "tickets", ["status", "updated_at"], unique=False)


def downgrade() -> None:
    op.drop_index("tickets_status_updated_at_idx", table_name="tickets")
    op.drop_index("tickets_department_id_idx", table_name="tickets")
    op.drop_index("tickets_client_id_idx", table_name="tickets")
    op.drop_index("messages_ticket_id_id_idx", table_name="messages")
    op.drop_index("messages_client_id_idx", table_name="messages")
    op.drop_index("client_external_ids_client_id_idx", table_name="client_external_ids")
    op.drop_table("message_sources")
    op.drop_table("message_external_ids")
    op.drop_table("deliveries")
    op.drop_table("attachments")
    op.drop_table("ticket_links")
    op.drop_table("ticket_external_ids")
    op.drop_table("notes")
    op.drop_table("department_settings")
    op.drop_table("department_external_ids")
    op.drop_table("suppressions")
    op.drop_table("inbound_events")
