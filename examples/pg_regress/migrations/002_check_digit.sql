-- revision: 002
-- down_revision: 001
-- message: cards have a check digit
-- create_date: 2026-01-06 09:00:00+00
--
-- Cards that were mistyped before go to a table of their own.

-- cmig:upgrade
CREATE TABLE card_rejected AS
	SELECT number, holder FROM card WHERE NOT luhn_valid(number);
DELETE FROM card USING card_rejected r WHERE card.number = r.number;
ALTER TABLE card ADD CONSTRAINT card_number_check CHECK (luhn_valid(number));

-- cmig:downgrade
ALTER TABLE card DROP CONSTRAINT card_number_check;
INSERT INTO card SELECT number, holder FROM card_rejected;
DROP TABLE card_rejected;

-- cmig:verify
SELECT bool_and(luhn_valid(number)) IS NOT FALSE FROM card;
