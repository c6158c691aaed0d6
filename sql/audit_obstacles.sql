--
-- What prevents auditing is reported, with a fix
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;

-- another relation has the name of a part of the log
CREATE SCHEMA cmig_audit;
CREATE VIEW cmig_audit.audit_logs AS SELECT 1 AS id;
CREATE TABLE t (id integer PRIMARY KEY, v text, w text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t');
ALTER VIEW cmig_audit.audit_logs RENAME TO older_logs;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t');

-- another relation has the name of a month's partition, which is given another name
\set ECHO none
SELECT 'log_y' || to_char(now() AT TIME ZONE 'UTC' + interval '2 months', 'YYYY"m"MM') AS month,
	'log_y' || to_char(now() AT TIME ZONE 'UTC' + interval '2 months', 'YYYY"m"MM') || '_notes' AS month_notes \gset
DROP TABLE cmig_audit.:month;
CREATE TABLE cmig_audit.:month (note text);
\setenv PGDATABASE :DBNAME
\set ECHO all
\! psql -Xq -c "SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t', redact => '{w}')" 2>&1 | sed -E 's/y[0-9]{4}m[0-9]{2}/y<month>/'
\! psql -Xq -c "CALL cmig.audit_retain(NULL)" 2>&1 | sed -E 's/y[0-9]{4}m[0-9]{2}/y<month>/'
SELECT note FROM cmig_audit.:month;
-- tables with longer names are not confused with it
ALTER TABLE cmig_audit.:month RENAME TO :month_notes;
\! psql -Xq -c "CALL cmig.audit_retain(NULL)" 2>&1 | sed -E 's/y[0-9]{4}m[0-9]{2}/y<month>/'
SELECT count(*) FROM pg_inherits WHERE inhrelid = ('cmig_audit.' || :'month' || 'x2')::regclass;
\set ECHO none
SELECT count(*) FROM pg_inherits WHERE inhparent = 'cmig_audit.log'::regclass;

-- values that a column no longer accepts
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN regexp_replace(concat_ws(E'\n', SQLSTATE || ': ' || m, d, h), 'As of [^,]*,', 'As of <time>,');
END $$;
INSERT INTO t VALUES (1, 'abc', 'x'), (2, '7', 'y');
SELECT clock_timestamp() AS then \gset
UPDATE t SET v = '1';
ALTER TABLE t ALTER v TYPE integer USING v::integer;
\set as_of 'SELECT * FROM cmig.audit_as_of(NULL::t, ' :'then' ')'
\set QUIET on
\set ECHO all
\pset tuples_only on
SELECT answer(:'as_of');
SELECT * FROM cmig.audit_as_of(NULL::t, :'then', 2);
SELECT * FROM cmig.audit_as_of(NULL::t, now()) ORDER BY id;
-- the hint's statement
SELECT operation, old_row, new_row FROM cmig.audit_history('public.t', '{"id": 1}');
-- with images of changes; a check of a domain; a length
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t', image => 'changes');
\set ECHO none
CREATE DOMAIN small AS integer CHECK (VALUE < 10);
UPDATE t SET v = 70 WHERE id = 2;
SELECT clock_timestamp() AS then \gset
UPDATE t SET v = 7;
ALTER TABLE t ALTER v TYPE small;
\set as_of 'SELECT * FROM cmig.audit_as_of(NULL::t, ' :'then' ')'
\set ECHO all
SELECT answer(:'as_of');
CREATE TABLE keyless (v text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('keyless');
\set ECHO none
INSERT INTO keyless VALUES (repeat('long', 30));
SELECT clock_timestamp() AS then \gset
DELETE FROM keyless;
ALTER TABLE keyless ALTER v TYPE varchar(9);
\set as_of 'SELECT * FROM cmig.audit_as_of(NULL::keyless, ' :'then' ')'
\set ECHO all
SELECT answer(:'as_of');

-- the log cannot be its own source
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.audit_import(NULL);
SELECT cmig.audit_import('cmig_audit.log');
SELECT cmig.audit_import('cmig_audit.log_default');
SELECT cmig.audit_import('cmig_audit.audit_logs');
$calls$);
\set ECHO all
CREATE VIEW shown AS SELECT * FROM cmig_audit.audit_logs;
SELECT cmig.audit_import('shown');
-- other tables can be joined with it
CREATE TABLE older (table_name text, operation text, clock_at timestamptz, new_row jsonb);
INSERT INTO older VALUES ('t', 'INSERT', '2020-01-01', '{"id": 9}');
CREATE VIEW still_missing AS SELECT * FROM older o WHERE NOT EXISTS (SELECT FROM cmig_audit.log l WHERE l.clock_at = o.clock_at);
SELECT cmig.audit_import('still_missing');
SELECT cmig.audit_import('still_missing');

-- hidden columns that have become part of the key, by their present names
ALTER TABLE t RENAME w TO "card ""w";
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t', hash => '{v}');
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.t';
ALTER TABLE t ALTER v SET NOT NULL, DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (v, id) INCLUDE ("card ""w");
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.t';
ALTER TABLE t DROP CONSTRAINT t_pkey;
CREATE UNIQUE INDEX t_identity ON t ("card ""w");
ALTER TABLE t ALTER "card ""w" SET NOT NULL, REPLICA IDENTITY USING INDEX t_identity;
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.t';
-- arguments that somebody else wrote are not an error
CREATE TABLE other (id integer PRIMARY KEY);
CREATE TRIGGER o AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('1', '{"redact": {"id": 99999, "hash": {"id": 1}');
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.other';

-- a script that drops the function that runs it
SELECT cmig.create_revision('drop', 'ALTER EXTENSION pg_cmig DROP FUNCTION cmig.upgrade(text); DROP FUNCTION cmig.upgrade(text)', '', revision => '001');
SELECT * FROM cmig.upgrade('head');

\set ECHO none
SET client_min_messages = error;
DROP VIEW shown, still_missing;
DROP TABLE t, keyless, older, other;
DROP DOMAIN small;
DROP FUNCTION answer(text);
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
