--
-- The extension itself
--
SELECT luhn_sum('79927398713'), luhn_valid('79927398713') AS right, luhn_valid('79927398710') AS wrong,
	luhn_valid('7992-7398') AS not_digits, luhn_valid('') AS empty;
INSERT INTO card VALUES ('79927398711', 'Dee');

-- a test's own changes go with its transaction, a migration included
BEGIN;
SELECT cmig.downgrade('001');
INSERT INTO card VALUES ('79927398711', 'Dee');
ROLLBACK;
SELECT revision FROM cmig.current();
SELECT count(*) FROM card;
