"""add_card_completion_is_positive

Revision ID: 882a637ec342
Revises: 4957533a9ab9
Create Date: 2025-01-17 12:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "882a637ec342"
down_revision = "4957533a9ab9"
branch_labels = None
depends_on = None


from sqlalchemy.orm import Session


def upgrade() -> None:
    op.add_column("cards", sa.Column("is_positive", sa.Boolean()))
    session = Session(bind=op.get_bind())
    try:
        for card in session.execute(sa.text("SELECT id FROM cards")):
            session.execute(sa.text("UPDATE cards SET is_positive = true WHERE id = :id"), {"id": card.id})
    except Exception:
        print("no cards")


def downgrade() -> None:
    op.drop_column("cards", "is_positive")
