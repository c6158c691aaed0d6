-- revision: 4957533a9ab9
-- down_revision: abc123def456
-- message: create_wellness_metrics_table
-- create_date: 2025-01-17 11:00:00+00
--
-- One row for each user and day. Some databases got this table by hand before
-- the revision was written; they are stamped with it.

-- cmig:upgrade
CREATE TABLE daily_wellness_metrics (
    id             serial PRIMARY KEY,
    user_id        integer NOT NULL REFERENCES "User" (id) ON DELETE CASCADE,
    metric_date    date NOT NULL,
    mood_score     smallint CHECK (mood_score BETWEEN 1 AND 10),
    stress_score   smallint CHECK (stress_score BETWEEN 1 AND 10),
    sleep_hours    numeric(4, 2) CHECK (sleep_hours BETWEEN 0 AND 24),
    cards_done     integer NOT NULL DEFAULT 0 CHECK (cards_done >= 0),
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_daily_wellness_metrics_user_date UNIQUE (user_id, metric_date)
);
CREATE INDEX ix_daily_wellness_metrics_metric_date ON daily_wellness_metrics (metric_date);

-- cmig:downgrade
DROP TABLE daily_wellness_metrics;
