-- revision: 005_create_spaced_rep_cards_table
-- down_revision: 004_add_email_verified_column_to_users
-- message: create spaced_rep_cards table
-- create_date: 2025-02-03 09:00:00+00
--
-- Cards for spaced repetition (SM-2): ease, interval and the day of the next
-- review.

-- cmig:upgrade
CREATE TYPE card_state AS ENUM ('new', 'learning', 'review', 'suspended');

CREATE TABLE spaced_rep_cards (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id        uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    note_id        uuid REFERENCES notes (id) ON DELETE SET NULL,
    question       text NOT NULL,
    answer         text NOT NULL,
    state          card_state NOT NULL DEFAULT 'new',
    ease_factor    numeric(4, 2) NOT NULL DEFAULT 2.50 CHECK (ease_factor >= 1.30),
    interval_days  integer NOT NULL DEFAULT 0 CHECK (interval_days >= 0),
    repetitions    integer NOT NULL DEFAULT 0 CHECK (repetitions >= 0),
    due_on         date NOT NULL DEFAULT CURRENT_DATE,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_spaced_rep_cards_user_due ON spaced_rep_cards (user_id, due_on)
    WHERE state <> 'suspended';
CREATE INDEX ix_spaced_rep_cards_note_id ON spaced_rep_cards (note_id);

-- cmig:downgrade
DROP TABLE spaced_rep_cards;
DROP TYPE card_state;
