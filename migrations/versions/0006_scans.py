"""What a virus scanner says of each file."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachments", sa.Column("scan", sa.String(length=50), server_default="unscanned", nullable=False))
    op.add_column("attachments", sa.Column("finding", sa.String(length=255), server_default="", nullable=False))
    op.create_check_constraint(
        op.f("attachments_scan_check"), "attachments", "scan IN ('unscanned', 'clean', 'infected')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("attachments_scan_check"), "attachments")
    op.drop_column("attachments", "finding")
    op.drop_column("attachments", "scan")
