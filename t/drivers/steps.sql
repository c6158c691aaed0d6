-- revision: 001
-- message: items
-- create_date: 2026-01-01 00:00:00+00

-- cmig:upgrade
CREATE TABLE item (id int, name text);

-- cmig:downgrade
DROP TABLE item;
-- revision: 002
-- down_revision: 001
-- message: fill and index, where another session can hold it up
-- transactional: false
-- create_date: 2026-01-01 00:00:00+00

-- cmig:upgrade
INSERT INTO item SELECT g, 'Name ' || g FROM generate_series(1, 1000) g;
SELECT pg_advisory_xact_lock(42);
CREATE INDEX CONCURRENTLY item_id ON item (id);
CALL cmig.backfill('item', 'name = lower(name)', 'name <> lower(name)', batch_size => 100);

-- cmig:downgrade
DROP INDEX CONCURRENTLY item_id;
DELETE FROM item;
-- revision: 003
-- down_revision: 002
-- message: one more column
-- create_date: 2026-01-01 00:00:00+00

-- cmig:upgrade
ALTER TABLE item ADD COLUMN more int;

-- cmig:downgrade
ALTER TABLE item DROP COLUMN more;
