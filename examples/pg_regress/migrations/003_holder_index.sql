-- revision: 003
-- down_revision: 002
-- message: find cards by holder
-- transactional: false
-- create_date: 2026-01-07 09:00:00+00
--
-- Built without blocking writers in production; the tests set
-- cmig.concurrent_ddl = off and build it in the transaction.

-- cmig:upgrade
CREATE INDEX CONCURRENTLY card_holder_idx ON card (lower(holder));

-- cmig:downgrade
DROP INDEX CONCURRENTLY card_holder_idx;
