# Copyright (c) 2026, the pg_cmig developers

"""The models that belong to migrations/contextiq."""

from sqlalchemy import (JSON, CheckConstraint, Column, Computed, DateTime, Enum, ForeignKey, Index, LargeBinary,
                        REAL, String, Text, UniqueConstraint, func, text)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import declarative_base

Base = declarative_base()


def key():
    return Column(UUID, primary_key=True, server_default=text("uuid_generate_v4()"))


class User(Base):
    __tablename__ = "users"

    id = key()
    email = Column(String(255), nullable=False, unique=True)
    display_name = Column(String(100))
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    bio = Column(Text)
    avatar_url = Column(String(255))
    status = Column(Enum("active", "inactive", name="status_enum"), nullable=False, server_default="active")


class Session(Base):
    __tablename__ = "sessions"
    __table_args__ = (Index("idx_sessions_user_id", "user_id"),)

    id = key()
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    status = Column(String(50), nullable=False, server_default="new_status")
    started_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    ended_at = Column(DateTime(timezone=True))
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    # metadata is a word of declarative classes
    details = Column("metadata", JSON)


class Memory(Base):
    __tablename__ = "memories"
    __table_args__ = (
        CheckConstraint("importance BETWEEN 0 AND 1"),
        UniqueConstraint("user_id", "content_hash"),
        Index("idx_memories_session_id", "session_id"),
    )

    id = key()
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    session_id = Column(ForeignKey("sessions.id", name="fk_memories_session_id", ondelete="CASCADE"))
    content = Column(Text, nullable=False)
    content_hash = Column(LargeBinary, Computed("digest(content, 'sha256')", persisted=True), nullable=False)
    importance = Column(REAL, nullable=False, server_default=text("0.5"))
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
