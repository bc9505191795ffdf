"""How a department's mail looks, and the acknowledgements it may send."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PURPOSES = ("message", "files", "card", "card_update", "receipt")


def _check(purposes: tuple[str, ...]) -> None:
    """Hold `purpose` to these words, which are those of before and more."""
    op.drop_constraint(op.f("deliveries_purpose_check"), "deliveries")
    words = ", ".join(f"'{each}'" for each in purposes)
    op.create_check_constraint(op.f("deliveries_purpose_check"), "deliveries", f"purpose IN ({words})")


def upgrade() -> None:
    op.add_column(
        "department_settings", sa.Column("from_name", sa.String(length=255), server_default="", nullable=False)
    )
    op.add_column("department_settings", sa.Column("signature", sa.Text(), server_default="", nullable=False))
    op.add_column("department_settings", sa.Column("acknowledge", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("department_settings", sa.Column("acknowledgement", sa.Text(), server_default="", nullable=False))
    _check((*_PURPOSES, "acknowledgement"))
    op.create_index(
        "deliveries_acknowledgement_key",
        "deliveries",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("purpose = 'acknowledgement'"),
    )
    op.create_index(
        "deliveries_acknowledged_at_idx",
        "deliveries",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("purpose = 'acknowledgement'"),
    )


def downgrade() -> None:
    op.drop_index("deliveries_acknowledged_at_idx", table_name="deliveries")
    op.drop_index("deliveries_acknowledgement_key", table_name="deliveries")
    op.execute("UPDATE deliveries SET purpose = 'message' WHERE purpose = 'acknowledgement'")
    _check(_PURPOSES)
    for column in ("acknowledgement", "acknowledge", "signature", "from_name"):
        op.drop_column("department_settings", column)
