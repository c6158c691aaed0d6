-- revision: 001
-- message: cards
-- create_date: 2026-01-05 09:00:00+00

-- cmig:upgrade
CREATE TABLE card (
	number text PRIMARY KEY,
	holder text NOT NULL
);

-- cmig:downgrade
DROP TABLE card;
