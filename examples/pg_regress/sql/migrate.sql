--
-- The schema that the tests work on, as the application's revisions make it
--
\set files `awk 'FNR == 1 { print "==> " FILENAME " <==" } { print }' "$PG_ABS_SRCDIR"/migrations/*.sql`
SELECT * FROM cmig.load(:'files');
SELECT step, revision, transactional, message FROM cmig.plan('upgrade', 'head');

-- data of the time before the check
SELECT revision FROM cmig.upgrade('001');
INSERT INTO card VALUES ('79927398713', 'Ada'), ('79927398710', 'Bob'), ('4539578763621486', 'Cy');

-- 003 builds its index in the transaction here
SHOW cmig.concurrent_ddl;
SELECT revision FROM cmig.upgrade('head');
SELECT number, holder FROM card ORDER BY holder;
SELECT number, holder FROM card_rejected;
\d card
