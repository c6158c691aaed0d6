--
-- Down and up again: the downgrades really reverse the upgrades
--
SELECT revision FROM cmig.downgrade('base');
SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'public';
SELECT revision FROM cmig.upgrade('head');
SELECT cmig.require();

-- the next developer's file: what is there is not loaded again
\set files `awk 'FNR == 1 { print "==> " FILENAME " <==" } { print }' "$PG_ABS_SRCDIR"/migrations/*.sql`
SELECT * FROM cmig.load(:'files');
SELECT item, value FROM cmig.status() WHERE item <> 'database';

-- without the setting, the revision with CONCURRENTLY is refused here
SET cmig.concurrent_ddl = on;
SELECT cmig.downgrade('-1');
RESET cmig.concurrent_ddl;
SELECT revision FROM cmig.downgrade('-1');
