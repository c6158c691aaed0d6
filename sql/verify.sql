--
-- verify_sql: the result of a revision is checked before the revision counts as applied
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE account (id int, email text);
INSERT INTO account VALUES (1, 'a@example.com'), (2, NULL);
INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql) VALUES
('001', 'UPDATE account SET email = ''none'' WHERE id = 3', '');
\set ECHO all
-- true, in the first boolean column, in every row
UPDATE cmig.revision SET verify_sql = $$SELECT count(*), count(*) = 2 AS two_rows, false AS not_looked_at FROM account;
SELECT id, id > 0 FROM account$$;
SELECT count(*) FROM cmig.upgrade();
SELECT count(*) FROM cmig.downgrade('base');
-- without rows it passes, and also without a boolean column
UPDATE cmig.revision SET verify_sql = 'SELECT false WHERE false; SELECT 1, NULL, ''f''; -- nothing more';
SELECT count(*) FROM cmig.upgrade();
SELECT count(*) FROM cmig.downgrade('base');
UPDATE cmig.revision SET verify_sql = '';
SELECT count(*) FROM cmig.upgrade();
SELECT count(*) FROM cmig.downgrade('base');
-- false
UPDATE cmig.revision SET verify_sql = $$SELECT true;
SELECT count(*) AS without_email, count(*) = 0 AS ok FROM account WHERE email IS NULL$$;
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.current();
-- false in any row
UPDATE cmig.revision SET verify_sql = 'SELECT id, email IS NOT NULL AS has_email, repeat(''x'', 100) AS long FROM account ORDER BY id';
SELECT * FROM cmig.upgrade();
-- NULL
UPDATE cmig.revision SET verify_sql = 'SELECT max(email) > ''z'' AND NULL, bool_and(NULL) AS ok FROM account WHERE id > 5';
SELECT * FROM cmig.upgrade();
-- through EXECUTE, RETURNING and a function
UPDATE cmig.revision SET verify_sql = 'PREPARE look AS SELECT false AS ok; EXECUTE look';
SELECT * FROM cmig.upgrade();
SELECT name FROM pg_prepared_statements;
UPDATE cmig.revision SET verify_sql = 'DELETE FROM account WHERE email IS NULL RETURNING id, false AS ok';
SELECT * FROM cmig.upgrade();
-- an error, which keeps its code
UPDATE cmig.revision SET verify_sql = E'SELECT true;\nSELECT emial FROM account';
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET verify_sql = 'DO $$ BEGIN ASSERT false, ''two accounts are not enough''; END $$';
SELECT * FROM cmig.upgrade();
-- it cannot do what a script cannot do
UPDATE cmig.revision SET verify_sql = 'SELECT true; COMMIT';
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
-- it has none of the script's settings, and its own are reset afterwards
UPDATE cmig.revision SET upgrade_sql = 'SET work_mem = ''5MB''; CREATE TEMP TABLE scratch (x int)',
	verify_sql = 'SET work_mem = ''6MB''; SELECT to_regclass(''scratch'') IS NULL';
\set VERBOSITY default
SELECT count(*) FROM cmig.upgrade();
SHOW work_mem;
-- downgrades are not verified
UPDATE cmig.revision SET verify_sql = 'SELECT false';
SELECT count(*) FROM cmig.downgrade('base');
\t
SELECT * FROM account ORDER BY id;
\t

-- cmig.verify: the sections of what is applied, again
SET client_min_messages = notice;
DELETE FROM cmig.revision;
SELECT cmig.verify();
SELECT cmig.create_revision('first', '', revision => '001');
SELECT cmig.verify();
SELECT cmig.create_revision('second', '', revision => '002');
SELECT cmig.create_revision('third', '', revision => '003');
SELECT cmig.create_revision('fourth', '', revision => '004');
UPDATE cmig.revision SET verify_sql = 'SELECT count(*) = 2 AS two FROM account' WHERE revision = '001';
UPDATE cmig.revision SET verify_sql = E'INSERT INTO account VALUES (3, \'c@example.com\');\nSELECT current_setting(\'cmig.running_revision\') = \'003\';' WHERE revision = '003';
UPDATE cmig.revision SET verify_sql = 'SELECT false' WHERE revision = '004';
SELECT count(*) FROM cmig.upgrade('003');
SELECT * FROM cmig.verify();
SELECT count(*) FROM account;
SELECT * FROM cmig.verify('001');
\set VERBOSITY sqlstate
SELECT * FROM cmig.verify('003-1');
\set VERBOSITY default
SELECT * FROM cmig.verify(raise => true);
-- what failed does not keep the others from running
DELETE FROM account WHERE id = 2;
UPDATE cmig.revision SET verify_sql = E'SELECT true;\nSELECT emial FROM account' WHERE revision = '002';
SELECT * FROM cmig.verify();
SELECT * FROM cmig.verify(raise => true);
SHOW cmig.running_revision;
BEGIN READ ONLY;
SELECT * FROM cmig.verify('001');
ROLLBACK;
\set VERBOSITY sqlstate
-- refused
SELECT * FROM cmig.verify('004');
SELECT * FROM cmig.verify('005');
UPDATE cmig.revision SET verify_sql = 'SELECT * FROM cmig.verify()' WHERE revision = '002';
SELECT * FROM cmig.verify('002');
INSERT INTO cmig.version VALUES ('gone');
SELECT * FROM cmig.verify();

DROP EXTENSION pg_cmig;
DROP TABLE account;
