# Copyright (c) 2026, the pg_cmig developers

"""The models that belong to migrations/mindbridge."""

from sqlalchemy import (ARRAY, DDL, BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, Enum, ForeignKey,
                        ForeignKeyConstraint, Identity, Index, Integer, LargeBinary, SmallInteger, String, Text,
                        UniqueConstraint, event, func, text)
from sqlalchemy.dialects.postgresql import INET, JSONB, UUID
from sqlalchemy.orm import declarative_base

Base = declarative_base()


def key():
    return Column(UUID, primary_key=True, server_default=func.gen_random_uuid())


def user():
    return Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


def now(nullable=False):
    return Column(DateTime(timezone=True), nullable=nullable, server_default=func.now())


class User(Base):
    __tablename__ = "users"

    id = key()
    email = Column(String(320), nullable=False)
    password_hash = Column(Text, nullable=False)
    display_name = Column(String(100))
    timezone = Column(String(64), nullable=False, server_default="UTC")
    is_active = Column(Boolean, nullable=False, server_default=text("true"))
    created_at = now()
    updated_at = now()


Index("uq_users_email", func.lower(User.email), unique=True)


class Mood(Base):
    __tablename__ = "moods"
    __table_args__ = (
        UniqueConstraint("user_id", "id"),
        CheckConstraint("score BETWEEN 1 AND 10"),
        Index("idx_moods_user_felt_at", "user_id", text("felt_at DESC")),
    )

    id = key()
    user_id = user()
    score = Column(SmallInteger, nullable=False)
    emotions = Column(ARRAY(Text), nullable=False, server_default="{}")
    note = Column(Text)
    felt_at = now()


class Dream(Base):
    __tablename__ = "dreams"
    __table_args__ = (
        UniqueConstraint("user_id", "id"),
        CheckConstraint("is_encrypted = (content IS NULL)", name="dreams_content_or_encrypted"),
        Index("idx_dreams_user_dreamt_on", "user_id", text("dreamt_on DESC")),
        Index("idx_dreams_user_mood", "user_id", "mood_id"),
    )

    id = key()
    user_id = user()
    mood_id = Column(UUID)
    title = Column(String(255))
    content = Column(Text)
    is_lucid = Column(Boolean, nullable=False, server_default=text("false"))
    dreamt_on = Column(Date, nullable=False, server_default=func.current_date())
    created_at = now()
    is_encrypted = Column(Boolean, nullable=False, server_default=text("false"))


class JournalEntry(Base):
    __tablename__ = "journal_entries"
    __table_args__ = (
        UniqueConstraint("user_id", "id"),
        CheckConstraint("is_encrypted = (content IS NULL)", name="journal_entries_content_or_encrypted"),
        Index("idx_journal_entries_user_created_at", "user_id", text("created_at DESC")),
        Index("idx_journal_entries_user_mood", "user_id", "mood_id"),
    )

    id = key()
    user_id = user()
    mood_id = Column(UUID)
    title = Column(String(255))
    content = Column(Text)
    created_at = now()
    updated_at = now()
    is_encrypted = Column(Boolean, nullable=False, server_default=text("false"))


class Goal(Base):
    __tablename__ = "goals"
    __table_args__ = (
        CheckConstraint("(status = 'open') = (closed_at IS NULL)"),
        Index("idx_goals_user_status", "user_id", "status"),
    )

    id = key()
    user_id = user()
    title = Column(String(255), nullable=False)
    status = Column(Enum("open", "reached", "given_up", name="goal_status"), nullable=False, server_default="open")
    due_on = Column(Date)
    created_at = now()
    closed_at = Column(DateTime(timezone=True))


class EncryptionKey(Base):
    __tablename__ = "encryption_keys"
    __table_args__ = (
        UniqueConstraint("user_id", "id"),
        UniqueConstraint("user_id", "version"),
        CheckConstraint("version > 0"),
        Index("uq_encryption_keys_active", "user_id", unique=True, postgresql_where=text("retired_at IS NULL")),
    )

    id = key()
    user_id = user()
    version = Column(Integer, nullable=False)
    algorithm = Column(String(30), nullable=False, server_default="AES-256-GCM")
    wrapped_key = Column(LargeBinary, nullable=False)
    created_at = now()
    retired_at = Column(DateTime(timezone=True))


class EncryptedField(Base):
    __tablename__ = "encrypted_fields"
    __table_args__ = (
        UniqueConstraint("table_name", "row_id", "field_name"),
        UniqueConstraint("key_id", "nonce"),
        CheckConstraint("octet_length(nonce) = 12"),
        ForeignKeyConstraint(["user_id", "key_id"], ["encryption_keys.user_id", "encryption_keys.id"], ondelete="CASCADE"),
        Index("idx_encrypted_fields_user_key", "user_id", "key_id"),
    )

    id = key()
    user_id = Column(UUID, nullable=False)
    key_id = Column(UUID, nullable=False)
    table_name = Column(String(63), nullable=False)
    row_id = Column(UUID, nullable=False)
    field_name = Column(String(63), nullable=False)
    nonce = Column(LargeBinary, nullable=False)
    ciphertext = Column(LargeBinary, nullable=False)
    created_at = now()


class AuditLog(Base):
    __tablename__ = "audit_logs"
    __table_args__ = (
        CheckConstraint("operation IN ('INSERT', 'UPDATE', 'DELETE')"),
        Index("idx_audit_logs_owner_logged_at", "owner_id", text("logged_at DESC")),
        Index("idx_audit_logs_table_row", "table_name", "row_id"),
    )

    id = Column(BigInteger, Identity(always=True), primary_key=True)
    table_name = Column(String(63), nullable=False)
    row_id = Column(UUID, nullable=False)
    operation = Column(String(6), nullable=False)
    owner_id = Column(UUID)
    acting_user_id = Column(UUID)
    changed_columns = Column(ARRAY(Text), nullable=False, server_default="{}")
    logged_at = now()


class SecurityEvent(Base):
    __tablename__ = "security_events"
    __table_args__ = (Index("idx_security_events_user_occurred_at", "user_id", text("occurred_at DESC")),)

    id = Column(BigInteger, Identity(always=True), primary_key=True)
    user_id = user()
    event = Column(String(40), nullable=False)
    ip_address = Column(INET)
    details = Column(JSONB, nullable=False, server_default="{}")
    occurred_at = now()


# SQLAlchemy has no word for the column of SET NULL
for name in "dreams", "journal_entries":
    event.listen(Base.metadata, "after_create", DDL(
        "ALTER TABLE " + name + " ADD FOREIGN KEY (user_id, mood_id) REFERENCES moods (user_id, id)"
        " ON DELETE SET NULL (mood_id)"))
