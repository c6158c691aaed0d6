# Copyright (c) 2026, the pg_cmig developers

"""The models that belong to migrations/conjoinai."""

from sqlalchemy import (Boolean, CheckConstraint, Column, Date, DateTime, ForeignKey, Index, Integer, Numeric,
                        SmallInteger, String, Text, UniqueConstraint, func, text)
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "User"
    __table_args__ = (Index("ix_user_email_verified", "email_verified"),)

    id = Column(Integer, primary_key=True)
    email = Column(String(255), nullable=False, unique=True)
    password_hash = Column(String(255), nullable=False)
    full_name = Column(String(255))
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    email_verified = Column(Boolean, nullable=False, server_default="false")


class Card(Base):
    __tablename__ = "card"

    id = Column(Integer, primary_key=True)
    title = Column(String(255), nullable=False)
    body = Column(Text, nullable=False)
    category = Column(String(50), nullable=False)
    is_active = Column(Boolean, nullable=False, server_default=text("true"))
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())


class CardCompletion(Base):
    __tablename__ = "card_completion"
    __table_args__ = (Index("ix_card_completion_user_completed", "user_id", "completed_at"),)

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("User.id", ondelete="CASCADE"), nullable=False)
    card_id = Column(ForeignKey("card.id", ondelete="CASCADE"), nullable=False, index=True)
    completed_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    note = Column(Text)
    is_positive = Column(Boolean)


class DailyWellnessMetrics(Base):
    __tablename__ = "daily_wellness_metrics"
    __table_args__ = (
        UniqueConstraint("user_id", "metric_date", name="uq_daily_wellness_metrics_user_date"),
        CheckConstraint("mood_score BETWEEN 1 AND 10"),
        CheckConstraint("stress_score BETWEEN 1 AND 10"),
        CheckConstraint("sleep_hours BETWEEN 0 AND 24"),
        CheckConstraint("cards_done >= 0"),
    )

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("User.id", ondelete="CASCADE"), nullable=False)
    metric_date = Column(Date, nullable=False, index=True)
    mood_score = Column(SmallInteger)
    stress_score = Column(SmallInteger)
    sleep_hours = Column(Numeric(4, 2))
    cards_done = Column(Integer, nullable=False, server_default="0")
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
