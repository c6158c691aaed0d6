"""Create spaced_rep_cards table

Revision ID: 005
Revises: 004
Create Date: 2025-03-01 12:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None


import datetime
import decimal
import uuid


def upgrade():
    decks = op.create_table(
        "decks",
        sa.Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ease", sa.Numeric(4, 2)),
        sa.Column("due", sa.Date()),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("options", postgresql.JSONB()),
        sa.Column("cover", sa.LargeBinary()),
        sa.Column("steps", postgresql.ARRAY(sa.Integer())),
        sa.Column("pause", sa.Interval()),
        sa.Column("active", sa.Boolean(), default=True),
    )
    op.bulk_insert(decks, [
        {
            "id": uuid.UUID(int=1), "name": "it's 100% \\ \"quoted\" :not_a_parameter\n\ttab", "ease": decimal.Decimal("-2.50"),
            "due": datetime.date(2025, 3, 1), "seen_at": datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.timezone.utc),
            "options": {"steps": [1, 10], "label": "o'clock"}, "cover": b"\x00\xff'", "steps": [1, 10, 1440],
            "pause": datetime.timedelta(days=1, minutes=2),
        },
        {
            "id": uuid.UUID(int=2), "name": "", "ease": None, "due": None, "seen_at": None, "options": None,
            "cover": None, "steps": [], "pause": None,
        },
    ])
    op.execute(sa.text("UPDATE decks SET ease = :ease WHERE name = ANY(:names)").bindparams(ease=2.5, names=["a", "b'"]))
    op.execute("-- a comment at the end\nUPDATE decks SET ease = 3 WHERE name LIKE '50%' -- no end")


def downgrade():
    op.drop_table("decks")
