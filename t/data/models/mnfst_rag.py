# Copyright (c) 2026, the pg_cmig developers

"""The models that belong to migrations/mnfst_rag."""

from sqlalchemy import (ARRAY, DDL, REAL, BigInteger, Boolean, CheckConstraint, Column, DateTime, Enum, ForeignKey,
                        ForeignKeyConstraint, Identity, Index, Integer, String, Text, UniqueConstraint, event, func,
                        text)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import declarative_base

Base = declarative_base()


def key():
    return Column(UUID, primary_key=True, server_default=func.gen_random_uuid())


def now(nullable=False):
    return Column(DateTime(timezone=True), nullable=nullable, server_default=func.now())


def in_tenant(column, table):
    return ForeignKeyConstraint(["tenant_id", column], [table + ".tenant_id", table + ".id"], ondelete="CASCADE")


class Tenant(Base):
    __tablename__ = "tenants"

    id = key()
    name = Column(String(255), nullable=False)
    slug = Column(String(100), nullable=False, unique=True)
    created_at = now()
    updated_at = now()


class User(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id = key()
    tenant_id = Column(ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False)
    email = Column(String(320), nullable=False)
    name = Column(String(255), nullable=False)
    password_hash = Column(Text, nullable=False)
    is_active = Column(Boolean, nullable=False, server_default=text("true"))
    created_at = now()
    updated_at = now()
    role = Column(Enum("superadmin", "tenant_admin", "user", name="user_role_new"), nullable=False, server_default="user")
    email_verified = Column(Boolean, nullable=False, server_default=text("false"))


Index("uq_users_tenant_email", User.tenant_id, func.lower(User.email), unique=True)


class Document(Base):
    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("size_bytes >= 0"),
        CheckConstraint("status IN ('uploaded', 'processing', 'processed', 'failed')"),
        Index("idx_documents_tenant_uploaded_by", "tenant_id", "uploaded_by"),
        Index("idx_documents_tenant_status_created", "tenant_id", "status", text("created_at DESC")),
    )

    id = key()
    tenant_id = Column(ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False)
    uploaded_by = Column(UUID)
    filename = Column(String(255), nullable=False)
    mime_type = Column(String(127), nullable=False)
    size_bytes = Column(BigInteger, nullable=False)
    storage_key = Column(Text, nullable=False)
    status = Column(String(20), nullable=False, server_default="uploaded")
    created_at = now()
    processed_at = Column(DateTime(timezone=True))


class DocumentChunk(Base):
    __tablename__ = "document_chunks"
    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        in_tenant("document_id", "documents"),
        CheckConstraint("position >= 0"),
        Index("idx_document_chunks_tenant_document", "tenant_id", "document_id"),
    )

    id = Column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id = Column(UUID, nullable=False)
    document_id = Column(UUID, nullable=False)
    position = Column(Integer, nullable=False)
    content = Column(Text, nullable=False)
    embedding = Column(ARRAY(REAL))


class Session(Base):
    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        in_tenant("user_id", "users"),
        Index("idx_sessions_user_updated", "user_id", text("updated_at DESC")),
        Index("idx_sessions_tenant_user", "tenant_id", "user_id"),
    )

    id = key()
    tenant_id = Column(UUID, nullable=False)
    user_id = Column(UUID, nullable=False)
    title = Column(String(255))
    created_at = now()
    updated_at = now()


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (
        in_tenant("session_id", "sessions"),
        CheckConstraint("author IN ('user', 'assistant')"),
        Index("idx_messages_session_created", "session_id", "created_at"),
        Index("idx_messages_tenant_session", "tenant_id", "session_id"),
    )

    id = Column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id = Column(UUID, nullable=False)
    session_id = Column(UUID, nullable=False)
    author = Column(String(10), nullable=False)
    content = Column(Text, nullable=False)
    sources = Column(JSONB, nullable=False, server_default="[]")
    created_at = now()


class UserPreferences(Base):
    __tablename__ = "user_preferences"
    __table_args__ = (Index("idx_user_preferences_user_id", "user_id"),)

    # the guide's model has no default here, with which every plain INSERT failed
    id = key()
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    theme = Column(String)
    language = Column(String)
    timezone = Column(String)
    created_at = now(nullable=True)
    updated_at = now(nullable=True)


class AuditLog(Base):
    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("idx_audit_logs_table_timestamp", "table_name", "timestamp"),
        Index("idx_audit_logs_user_timestamp", "user_id", "timestamp"),
    )

    id = key()
    table_name = Column(String, nullable=False)
    operation = Column(String, nullable=False)
    user_id = Column(UUID)
    tenant_id = Column(UUID)
    old_values = Column(JSONB)
    new_values = Column(JSONB)
    timestamp = now()


# SQLAlchemy has no word for the column of SET NULL
event.listen(Base.metadata, "after_create", DDL(
    "ALTER TABLE documents ADD FOREIGN KEY (tenant_id, uploaded_by) REFERENCES users (tenant_id, id)"
    " ON DELETE SET NULL (uploaded_by)"))
