# Copyright (c) 2026, the pg_cmig developers

"""The models that belong to migrations/second_brain."""

from sqlalchemy import (Boolean, CheckConstraint, Column, Computed, Date, DateTime, Enum, ForeignKey, Index, Integer,
                        Numeric, String, Text, UniqueConstraint, func, text)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, UUID
from sqlalchemy.orm import declarative_base

Base = declarative_base()


def key():
    return Column(UUID, primary_key=True, server_default=func.gen_random_uuid())


class User(Base):
    __tablename__ = "users"

    id = key()
    email = Column(String(255), nullable=False, unique=True)
    hashed_password = Column(String(255), nullable=False)
    first_name = Column(String(100))
    last_name = Column(String(100))
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    full_name = Column(String(255))
    email_verified = Column(Boolean, nullable=False, server_default=text("false"))


class Note(Base):
    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_search", "search", postgresql_using="gin"),)

    id = key()
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    title = Column(String(255), nullable=False)
    content = Column(Text, nullable=False, server_default="")
    search = Column(TSVECTOR, Computed("to_tsvector('simple'::regconfig, title || ' ' || content)", persisted=True))
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())


class Tag(Base):
    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    name = Column(String(50), nullable=False)


class NoteTag(Base):
    __tablename__ = "note_tags"

    note_id = Column(ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True)
    tag_id = Column(ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True, index=True)


class NoteLink(Base):
    __tablename__ = "note_links"
    __table_args__ = (CheckConstraint("source_id <> target_id"),)

    source_id = Column(ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True)
    target_id = Column(ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True, index=True)


class UserPreferences(Base):
    __tablename__ = "user_preferences"
    __table_args__ = (CheckConstraint("theme IN ('light', 'dark', 'system')"),)

    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    theme = Column(String(20), nullable=False, server_default="system")
    language = Column(String(10), nullable=False, server_default="en")
    daily_review = Column(Boolean, nullable=False, server_default=text("true"))
    settings = Column(JSONB, nullable=False, server_default="{}")
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())


class SpacedRepCard(Base):
    __tablename__ = "spaced_rep_cards"
    __table_args__ = (
        CheckConstraint("ease_factor >= 1.30"),
        CheckConstraint("interval_days >= 0"),
        CheckConstraint("repetitions >= 0"),
        Index("ix_spaced_rep_cards_user_due", "user_id", "due_on", postgresql_where=text("state <> 'suspended'")),
    )

    id = key()
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    note_id = Column(ForeignKey("notes.id", ondelete="SET NULL"), index=True)
    question = Column(Text, nullable=False)
    answer = Column(Text, nullable=False)
    state = Column(Enum("new", "learning", "review", "suspended", name="card_state"), nullable=False, server_default="new")
    ease_factor = Column(Numeric(4, 2), nullable=False, server_default=text("2.50"))
    interval_days = Column(Integer, nullable=False, server_default="0")
    repetitions = Column(Integer, nullable=False, server_default="0")
    due_on = Column(Date, nullable=False, server_default=func.current_date())
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
