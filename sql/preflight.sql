-- cmig.preflight: what could stop an upgrade now, or make it stop others.
-- What other sessions and servers do is tested by t/049_preflight.pl.
\pset format unaligned \pset footer off
SET client_min_messages = error;
CREATE EXTENSION pg_cmig;
\set ECHO none
CREATE ROLE regress_preflight;
CREATE ROLE regress_preflight_owner;
-- the rows, without what depends on the server
CREATE FUNCTION flight(target text, OUT item text, OUT severity text, OUT value text, OUT hint text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT item, severity, regexp_replace(regexp_replace(regexp_replace(value, '(about |free: )[0-9.]+ (bytes|kB|MB|GB|TB|PB)', '\1some', 'g'),
		'wal_level is \w+', 'wal_level is …'), '[1-9]\d* (error|warning)s?', 'some \1s', 'g'), hint
	FROM cmig.preflight(target) WHERE item !~ '^(sessions?|slot|standby|wal_level|synchronous)'
$$;

-- what only takes time is an error for small tables, too
SET cmig.lint_small_table = 0;
-- without revisions
SELECT * FROM flight('head');

-- locks, rewrites, index builds, updates of whole tables, code that is not known
CREATE TABLE account (id int PRIMARY KEY, email text, note text);
INSERT INTO account SELECT i, 'a' || i, 'note' FROM generate_series(1, 1000) i;
ANALYZE account;
CREATE TABLE measure (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO measure SELECT '2026-02-01', i FROM generate_series(1, 1000) i;
\set ECHO all
SELECT cmig.create_revision('a', $$
	ALTER TABLE account ADD age int;
	CREATE INDEX account_email ON account (email);
	ALTER TABLE account ALTER id TYPE bigint;
	UPDATE account SET note = email;
	CREATE INDEX ON measure (n);
	CREATE TABLE fresh (id int);
	ALTER TABLE fresh ADD age int
$$, '', revision => '001');
SELECT cmig.create_revision('b', $$DO $do$BEGIN NULL; END$do$; ALTER TABLE elsewhere ADD x int; ALTER TABLE account ALTER note SET NOT NULL$$, '', revision => '002');
SELECT * FROM flight('head');
-- with limits, and lint as a policy; an ignored finding still takes time
SET cmig.lock_timeout = '5s';
SET cmig.lint_policy = error;
SELECT item, severity, value FROM flight('001') WHERE item IN ('lint', 'lock_timeout');
RESET cmig.lint_policy;
SET cmig.lint_ignore = 'changing-column-type, require-concurrent-index-creation, changing-all-rows';
SELECT item, value FROM flight('001') WHERE item IN ('lint', 'time');
RESET cmig.lint_ignore;
-- nothing is executed
SELECT count(*) FROM cmig.current();
\d account

-- statements that fail
SELECT cmig.create_revision('c', 'CREATE INDEX CONCURRENTLY ON measure (at)', '', revision => '003', transactional => false);
SELECT cmig.create_revision('d', 'ALTER TABL account', '', revision => '004', head => '001', splice => true);
SELECT item, severity, value FROM flight('003') WHERE item IN ('plan', 'script');
SELECT item, severity, value FROM flight('004') WHERE item IN ('plan', 'script');
SELECT cmig.remove_revision('004');
SELECT cmig.remove_revision('003');

-- published tables
CREATE PUBLICATION regress_preflight FOR TABLE account;
CREATE PUBLICATION regress_preflight_inserts FOR TABLE measure WITH (publish = 'insert');
SELECT item, value FROM flight('002') WHERE item ~ '^publication';
-- several changes of a kind
SELECT cmig.create_revision('c', format('ALTER TABLE account ADD %s int', string_agg('c' || i, ' int, ADD ' ORDER BY i)), '', revision => '003') FROM generate_series(1, 9) i;
SELECT item, value FROM flight('003') WHERE item ~ '^publication';
DELETE FROM cmig.revision;
SELECT cmig.create_revision('a', 'ALTER TABLE account DROP CONSTRAINT account_pkey', '', revision => '001');
SELECT * FROM flight('001') WHERE item ~ '^publication';
SELECT cmig.create_revision('b', 'ALTER TABLE account ADD PRIMARY KEY (email)', '', revision => '002');
SELECT * FROM flight('002') WHERE item ~ '^publication';
SELECT cmig.create_revision('c', $$
	ALTER TABLE account DROP id;
	ALTER TABLE account REPLICA IDENTITY NOTHING;
	ALTER TABLE account RENAME note TO remark;
	ALTER TABLE measure_1 ALTER n TYPE bigint;
	DROP TABLE account, measure
$$, '', revision => '003');
SELECT * FROM flight('003') WHERE item ~ '^publication';
DELETE FROM cmig.revision;
-- a key that is replaced within a transaction is not lost; a stepwise revision commits between two statements
SELECT cmig.create_revision('a', 'ALTER TABLE account ADD PRIMARY KEY (email), DROP CONSTRAINT account_pkey', '', revision => '001');
SELECT cmig.create_revision('b', 'ALTER TABLE account DROP CONSTRAINT account_pkey; ALTER TABLE account ADD PRIMARY KEY (id)', '', revision => '002');
SELECT item, value FROM flight('002') WHERE item ~ '^publication';
DELETE FROM cmig.revision;
SELECT cmig.create_revision('a', 'ALTER TABLE account DROP CONSTRAINT account_pkey; ALTER TABLE account ADD PRIMARY KEY (id)', '', revision => '003', transactional => false);
SELECT item, value FROM flight('003') WHERE item ~ '^publication';
\set ECHO none
DROP PUBLICATION regress_preflight, regress_preflight_inserts;
DELETE FROM cmig.revision;

-- what the caller may not do, or see
ALTER TABLE account OWNER TO regress_preflight_owner;
CREATE SCHEMA closed;
CREATE TYPE mood AS ENUM ('sad');
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION one OWNER TO regress_preflight_owner;
\set ECHO all
SELECT cmig.create_revision('a', $$
	ALTER TABLE account ADD x int;
	UPDATE measure SET n = 1 WHERE n = 2;
	ALTER TABLE measure ADD FOREIGN KEY (n) REFERENCES account (id);
	CREATE TABLE closed.t (id int);
	CREATE SCHEMA more;
	CREATE TABLE more.t (id int);
	ALTER TYPE mood ADD VALUE 'glad';
	DROP FUNCTION one();
	DROP TABLE measure_1;
	ALTER TABLE account OWNER TO pg_monitor;
	CREATE ROLE regress_preflight_new;
	CREATE EXTENSION plperlish;
	CREATE EXTENSION file_fdw;
	SET ROLE regress_preflight_owner;
	DROP TABLE measure
$$, '', revision => '001');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_preflight', 'reader');
GRANT EXECUTE ON FUNCTION flight TO regress_preflight;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SET ROLE regress_preflight;
SELECT * FROM flight('001');
RESET ROLE;
GRANT regress_preflight_owner, pg_read_all_stats TO regress_preflight;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_preflight', 'migrator');
SET ROLE regress_preflight;
SELECT item, severity, value FROM flight('001') WHERE item IN ('privilege', 'not visible');
RESET ROLE;

-- other statements, calls, and what pg_cmig's functions run
DELETE FROM cmig.revision;
SELECT cmig.create_revision('a', $$
	COMMENT ON COLUMN measure.n IS 'a number';
	GRANT SELECT ON measure TO PUBLIC;
	GRANT USAGE ON SCHEMA closed TO PUBLIC;
	CREATE TABLE copied AS SELECT * FROM measure;
	ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO PUBLIC;
	GRANT pg_monitor TO regress_preflight_owner;
	MERGE INTO measure USING account ON false WHEN NOT MATCHED THEN INSERT VALUES (NULL);
	CREATE TABLE referring (id int REFERENCES measure_1, LIKE measure);
	CREATE PUBLICATION p FOR TABLE measure;
	SELECT cmig.grant_access('regress_preflight', 'author');
	SELECT cmig.enable_rls('measure_1');
	CREATE TRIGGER t BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION closed.nothing();
	SET ROLE regress_preflight_new;
	DROP TABLE measure;
	RESET ROLE;
	DROP TABLE measure
$$, '', revision => '001');
SET ROLE regress_preflight;
SELECT item, severity, value, hint FROM flight('001') WHERE item = 'privilege' AND value !~ 'CREATE on schema public';
-- the role that scripts run as
SET cmig.role = regress_preflight_owner;
SELECT item, severity, value, hint FROM flight('001') WHERE item = 'privilege' AND value ~ 'statement [12]:';
\set ECHO none
RESET cmig.role;
RESET ROLE;
SET SESSION AUTHORIZATION regress_preflight;
SET cmig.role = postgres;
\set ECHO all
SELECT item, severity, value, hint FROM flight('001') WHERE item = 'privilege';
RESET cmig.role;
RESET SESSION AUTHORIZATION;
-- tables of the extension that belong to others
ALTER TABLE cmig.ddl_log OWNER TO regress_preflight;
SELECT * FROM flight('001') WHERE item ~ '^extension';
\set ECHO none
ALTER TABLE cmig.ddl_log OWNER TO CURRENT_USER;
-- nothing of others is executed, and found in search_path
DELETE FROM cmig.revision;
CREATE SCHEMA evil AUTHORIZATION regress_preflight;
SET ROLE regress_preflight;
CREATE FUNCTION evil.ran(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'evil runs as %', current_user; END$$;
CREATE FUNCTION evil.joined(text, text) RETURNS text LANGUAGE sql AS 'SELECT evil.ran($1)';
CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.joined);
CREATE FUNCTION evil.quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT evil.ran($1)';
CREATE VIEW evil.pg_locks AS SELECT evil.ran('') AS pid;
CREATE DOMAIN evil.d AS text CHECK (evil.ran(VALUE) IS NOT NULL);
CREATE TABLE evil.t (id int, a text DEFAULT evil.ran(''), d evil.d, CHECK (evil.ran(a) <> ''));
CREATE INDEX ON evil.t (evil.ran(a)) WHERE evil.ran(d) <> '';
CREATE VIEW evil.v AS SELECT evil.ran(a) FROM evil.t;
RESET ROLE;
\set ECHO all
SELECT cmig.create_revision('a', $$
	SET search_path = evil;
	ALTER TABLE t ADD x evil.d DEFAULT 'x', ALTER a TYPE varchar(5) USING evil.ran(a), ALTER d SET NOT NULL;
	CREATE INDEX ON t (evil.ran(a));
	UPDATE t SET a = evil.ran('a');
	SELECT * FROM v;
	SELECT cmig.enable_rls('evil.t');
	DROP FUNCTION ran CASCADE
$$, '', revision => '001');
SET search_path = evil, pg_catalog, public;
SELECT item, severity FROM cmig.preflight() WHERE item IN ('plan', 'script');
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA evil CASCADE;
-- backfills, and the time that past runs took
DELETE FROM cmig.revision;
SELECT cmig.create_revision('a', $$CALL cmig.backfill('public.account', 'note = email', 'note IS NULL')$$, '', revision => '001', transactional => false);
SELECT item, value FROM flight('001') WHERE item IN ('disk pg_default', 'time', 'backfill');
INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, passed, rows, started_at, updated_at, active)
VALUES ('public.account', 'note = email', 'running', 'ctid', 100, 50, 500, now(), now(), '5 s');
SELECT item, severity, value, hint FROM flight('001') WHERE item IN ('time', 'backfill');
SELECT cmig.create_revision('b', 'CREATE UNIQUE INDEX ON account (id)', 'SELECT 1', revision => '002');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role)
VALUES (1, '001', 'upgrade', 'done', now(), '00:00:12', current_user);
INSERT INTO cmig.version VALUES ('001');
SELECT item, value FROM flight('002') WHERE item ~ '^time';
SELECT cmig.create_revision('c', 'CREATE INDEX ON account (note)', '', revision => '003');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role)
VALUES (2, '002', 'upgrade', 'done', now(), '00:00:07', current_user);
SELECT item, value FROM flight('003') WHERE item ~ '^time of';

-- facts about a plan that would need more than the server has
\set ECHO none
CREATE FUNCTION facts(VARIADIC facts jsonb[]) RETURNS TABLE (item text, severity text, value text, hint text) LANGUAGE sql AS $$
	SELECT item, severity, regexp_replace(value, 'free: .*|wal_level is \w+|^\d+: .*', '…'), regexp_replace(hint, '= \d+', '= …')
	FROM cmig.preflight_rows(to_jsonb(facts), now()) WHERE item !~ '^(plan|sessions?|slot|standby|synchronous)'
$$;
SET statement_timeout = '1min';
SET maintenance_work_mem = '64MB';
SELECT * FROM facts('{"kind": "work", "revision": "005", "statement": 1, "detail": "index", "rows": 1e9, "columns": ["id"], "bytes": 100000000000, "indexes": 0}'::jsonb
	|| jsonb_build_object('object', 'account'::regclass::oid, 'class', (SELECT oid FROM pg_tablespace WHERE spcname = 'pg_default')),
	jsonb_build_object('kind', 'free', 'object', (SELECT oid FROM pg_tablespace WHERE spcname = 'pg_default'), 'bytes', 1000000), '{"kind": "free", "object": 0, "bytes": 1000000}');
RESET statement_timeout;
RESET maintenance_work_mem;
\set ECHO all
SELECT * FROM facts(VARIADIC (SELECT array_agg(jsonb_build_object('kind', 'lock', 'name', 'public.part_' || i, 'object', 4000000000 + i, 'mode', 8, 'bytes', 510, 'revision', '005'))
	FROM generate_series(1, current_setting('max_locks_per_transaction')::int * (current_setting('max_connections')::int + 100)) i));

\set VERBOSITY sqlstate
-- errors
SELECT * FROM cmig.preflight('nothing');
SELECT * FROM cmig.preflight('001:002');
SELECT count(*) > 0 AS head FROM cmig.preflight(NULL);

\set ECHO none
DROP EXTENSION pg_cmig;
DROP FUNCTION flight, facts;
GRANT CREATE ON SCHEMA public TO PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DROP TABLE account, measure;
DROP FUNCTION one;
DROP TYPE mood;
DROP SCHEMA closed;
DROP ROLE regress_preflight, regress_preflight_owner;
