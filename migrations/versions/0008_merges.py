"""Which tickets and clients were merged, and what moved."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("kept_id", sa.Integer(), nullable=False),
        sa.Column("merged_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("moved", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("states", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("timezone('utc', now())"), nullable=False),
        sa.CheckConstraint("kind IN ('ticket', 'client')", name=op.f("merges_kind_check")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="merges_user_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="merges_pkey"),
    )
    op.create_index(
        "merges_merged_key",
        "merges",
        ["kind", "merged_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index(
        "merges_kept_idx", "merges", ["kind", "kept_id"], unique=False, postgresql_where=sa.text("undone_at IS NULL")
    )
    op.create_index(
        "client_external_ids_value_idx",
        "client_external_ids",
        ["value"],
        unique=False,
        postgresql_ops={"value": "varchar_pattern_ops"},
    )


def downgrade() -> None:
    op.drop_index("client_external_ids_value_idx", table_name="client_external_ids")
    op.drop_table("merges")
