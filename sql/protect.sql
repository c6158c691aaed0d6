--
-- cmig.protect: a belt against taking back by mistake
--
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
INSERT INTO cmig.revision (revision, down_revision, downgrade_sql)
SELECT lpad(i::text, 3, '0'), CASE WHEN i > 1 THEN ARRAY[lpad((i - 1)::text, 3, '0')] ELSE '{}' END, '' FROM generate_series(1, 8) i;
SELECT count(*) FROM cmig.upgrade();
SHOW cmig.protect;

-- base: what would take back everything, or forget it
SET cmig.protect = base;
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.downgrade('001-1');
SELECT * FROM cmig.downgrade('-8');
SELECT * FROM cmig.reset(confirm => current_database());
SELECT * FROM cmig.stamp('005', purge => true);
SELECT revision FROM cmig.downgrade('-1');
SELECT revision FROM cmig.downgrade('006');
SELECT * FROM cmig.stamp('005');
-- looking and going up are free
SELECT count(*) FROM cmig.plan('downgrade', 'base');
SELECT revision FROM cmig.upgrade('006');

-- on: every downgrade
SET cmig.protect = on;
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.reset(confirm => current_database());
SELECT * FROM cmig.stamp('005', purge => true);
SELECT revision FROM cmig.upgrade('007');
-- nothing to take back is no loss
SELECT * FROM cmig.downgrade('007');
SELECT * FROM cmig.status() WHERE item = 'protected';
SELECT object, problem FROM cmig.check() WHERE object = 'cmig.protect';

-- once, in this transaction
BEGIN;
SET LOCAL cmig.protect = off;
SELECT revision FROM cmig.downgrade('-1');
COMMIT;
SELECT * FROM cmig.downgrade('-1');
SET cmig.protect = sometimes;
RESET cmig.protect;

-- for a database
SELECT format('ALTER DATABASE %I SET cmig.protect = base', current_database()) \gexec
\c -
SET client_min_messages = warning;
SHOW cmig.protect;
SELECT * FROM cmig.downgrade('base');
SELECT format('ALTER DATABASE %I RESET cmig.protect', current_database()) \gexec
RESET cmig.protect;
SET cmig.protect = off;
SELECT count(*) FROM cmig.downgrade('base');
DROP EXTENSION pg_cmig CASCADE;
