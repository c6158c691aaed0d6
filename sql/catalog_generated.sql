--
-- Every column of every table of pg_cmig is altered in many ways, and every function that reads or
-- writes the column is called: the outcome is a result or a clean error
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = error;
CREATE TYPE pair AS (a text, b int);
CREATE TYPE mood AS ENUM ('done', 'running');
CREATE DOMAIN nothing AS text CHECK (VALUE IS NULL);
CREATE DOMAIN required AS text NOT NULL;
CREATE TABLE account (id int PRIMARY KEY, email text);

-- The result of ALTER COLUMN TYPE for a column, and the value that its rows then have
CREATE TABLE shape (type text, value text);
INSERT INTO shape VALUES
	('name', '''001'''), ('varchar(2)', '''00'''), ('bytea', '''\x001122'''), ('boolean', 'true'), ('"char"', '''x'''),
	('smallint', '1'), ('integer', '2147483647'), ('bigint', '-9223372036854775808'), ('oid', '4294967295'),
	('numeric', '''NaN'''), ('real', '''Infinity'''), ('double precision', '''NaN'''), ('timestamptz', '''infinity'''),
	('timestamp', '''-infinity'''), ('interval', '''1000 years'''), ('jsonb', '''[null, {"checksum": 1}]'''),
	('json', '''null'''), ('inet', '''::1'''), ('point', '''(1,2)'''), ('int4range', '''[1,5)'''), ('bit(8)', 'B''10101010'''),
	('pair', '''(001,1)'''), ('pair[]', '''{"(001,1)"}'''), ('mood', '''done'''), ('nothing', 'NULL'), ('required', ''''''),
	('regclass', '''pg_class'''), ('xid8', '''1'''), ('uuid', 'gen_random_uuid()'), ('tsvector', '''a'''),
	('text', 'NULL'), ('text', ''''''), ('text', 'repeat(''x'', 100000)'), ('text', 'E''\n;\''"{}'''),
	('text[]', 'NULL'), ('text[]', '''{}'''), ('text[]', '''{NULL}'''), ('text[]', '''{{a,b},{c,d}}'''),
	('text[]', '''[-5:-4]={001,002}'''), ('text[]', 'array_fill(''1''::text, ''{2000}'')'), ('integer[]', '''{1,2}'''),
	('name[]', '''{001}'''), ('bytea[]', '''{"\\x00"}'''), ('integer', 'NULL'), ('boolean', 'NULL'), ('bigint', 'NULL'),
	('double precision', 'NULL'), ('timestamptz', 'NULL'), ('interval', 'NULL'), ('jsonb', 'NULL'), ('bytea', 'NULL');

-- One statement for each way to alter a column
CREATE VIEW alteration AS
SELECT c.relname, a.attname, w.how, w.command
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
LATERAL (
	SELECT format('%s = %s', s.type, left(s.value, 30)),
		format('ALTER TABLE cmig.%I ALTER %I TYPE %s USING (%s)::%3$s', c.relname, a.attname, s.type, s.value)
	FROM shape s
	UNION ALL VALUES
		('dropped', format('ALTER TABLE cmig.%I DROP %I CASCADE', c.relname, a.attname)),
		('renamed', format('ALTER TABLE cmig.%I RENAME %I TO other', c.relname, a.attname)),
		('default', format('ALTER TABLE cmig.%I ALTER %I SET DEFAULT %L', c.relname, a.attname, NULL)),
		('check', format('ALTER TABLE cmig.%I ADD CHECK (%I IS NULL) NOT VALID', c.relname, a.attname)),
		('generated', format('ALTER TABLE cmig.%I DROP %I CASCADE, ADD %2$I %s GENERATED ALWAYS AS (NULL) STORED',
			c.relname, a.attname, format_type(a.atttypid, a.atttypmod)))
) w(how, command)
WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind = 'r'
	AND (a.attidentity = '' OR w.how LIKE '%=%');

CREATE TABLE call (command text, relnames text);
INSERT INTO call (command) VALUES
	('SELECT count(*) FROM cmig.upgrade(''heads'')'), ('SELECT count(*) FROM cmig.downgrade(''-1'')'),
	('SELECT count(*) FROM cmig.stamp(''002'')'), ('SELECT count(*) FROM cmig.stamp(''001'', purge => true)'),
	('SELECT count(*) FROM cmig.plan(''upgrade'', ''heads'')'), ('SELECT count(c.*::text) FROM cmig.current() c'),
	('SELECT count(h.*::text) FROM cmig.heads() h'), ('SELECT count(*) FROM cmig.branches()'),
	('SELECT count(h.*::text) FROM cmig.history() h'), ('SELECT count(*) FROM cmig.graph()'), ('SELECT count(s.*::text) FROM cmig.show(''002'') s'),
	('SELECT count(s.*::text) FROM cmig.status() s'), ('SELECT cmig.require(''001'')'), ('SELECT count(c.*::text) FROM cmig.check() c'),
	('SELECT cmig.create_revision(''x'', '''')'), ('SELECT cmig.merge(''{001,003}'')'), ('SELECT cmig.draft(''x'')'),
	('SELECT count(e.*::text) FROM cmig.export() e'), ('SELECT length(cmig.script(''upgrade'', ''heads''))'),
	('SELECT cmig.repair(''001'')'), ('SELECT cmig.remove_revision(''003'')'),
	('SELECT count(*) FROM cmig.load(E''-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT 2;\n-- revision: 004\n-- down_revision: 002\n-- cmig:upgrade\nSELECT 1;\n'')'),
	('SET LOCAL cmig.scope = expanded; SELECT count(e.*::text) FROM cmig.expansion() e'), ('SET LOCAL cmig.scope = expanded; SELECT count(s.*::text) FROM cmig.status() s'),
	('SET LOCAL cmig.concurrent_ddl = off; CALL cmig.backfill(''account'', ''email = NULL'')'),
	('SET LOCAL cmig.ddl_policy = log; CREATE TABLE by_hand (); DROP TABLE by_hand; SELECT count(s.*::text) FROM cmig.status() s'),
	('SET LOCAL cmig.scope = tenant; SELECT count(*) FROM cmig.upgrade(''heads'')'),
	('SET LOCAL cmig.scope = tenant; SELECT count(*) FROM cmig.downgrade(''base'')'),
	('SET LOCAL cmig.scope = tenant; SELECT count(*) FROM cmig.stamp(''002'')'),
	('SET LOCAL cmig.scope = tenant; SELECT count(s.*::text) FROM cmig.status() s'),
	('SELECT cmig.remove_revision(''002'')'),
	('SELECT count(l.*::text) FROM cmig.lint(''heads'') l'), ('SELECT count(d.*::text) FROM cmig.dry_run(''upgrade'', ''heads'') d'),
	('SELECT count(d.*::text) FROM cmig.dry_run(''downgrade'', ''base'') d'), ('SELECT count(v.*::text) FROM cmig.verify() v'),
	('SELECT cmig.pause(''all'')'), ('SELECT cmig.throttle(''account'', 5)'), ('SELECT cmig.resume_run(''all'')'),
	('SELECT count(*) FROM cmig.plan(''downgrade'', ''base'')'), ('SELECT count(l.*::text) FROM cmig.log() l'),
	('SELECT count(s.*::text) FROM cmig.scopes() s'), ('SELECT count(s.*::text) FROM cmig.scope_drift() s'),
	('SELECT count(*) FROM cmig.create_scope(''other_tenant'', ''002'')'),
	('SELECT count(*) FROM cmig.create_scope(''other_tenant'', ''001'', ''tenant'')'), ('SELECT cmig.drop_scope(''tenant'', ''tenant'')'),
	('SELECT count(w.*::text) FROM cmig.workload_check(''001'', workload => ''all'') w'),
	('SELECT count(m.*::text) FROM cmig.metrics m'), ('SELECT count(c.*::text) FROM cmig.rls_check(''tenant'') c'),
	-- these read the whole schema
	('SELECT length(cmig.report())'), ('SELECT count(d.*::text) FROM cmig.drift(''tenant'') d'),
	('SELECT count(s.*::text) FROM cmig.squash(''002'', ''one'', schemas => ''{public}'') s'), ('SELECT count(r.*::text) FROM cmig.round_trip() r'),
	('SELECT cmig.require_schema(''CREATE SCHEMA tenant'', ''{tenant}'', source => ''replay'')'),
	('SELECT count(*) FROM cmig.enable_audit(''account'', hash => ''{email}''); INSERT INTO account VALUES (1, ''x'')');

-- which functions to call after which change; with psql -v full=1, all functions and all changes
UPDATE call SET relnames = CASE
	WHEN command ~ 'expanded' THEN 'expansion_run expansion_step'
	WHEN command ~ 'report|drift\(''|squash|round_trip|require_schema' THEN ''
	WHEN command ~ 'lint|dry_run|verify|plan|graph' THEN 'revision version journal progress'
	WHEN command ~ 'metrics|rls_check' THEN 'measured'
	WHEN command ~ 'workload' THEN 'workload'
	WHEN command ~ 'check|scopes|_scope\(|scope_drift' THEN 'scope_version expansion_run'
	WHEN command ~ 'cmig.log' THEN 'journal'
	WHEN command ~ 'ddl_policy' THEN 'ddl_log'
	WHEN command ~ 'cmig.scope|002...$' AND command !~ 'stamp' THEN 'scope_version'
	WHEN command ~ 'cmig.scope' THEN 'scope_version journal progress'
	WHEN command ~ 'enable_audit' THEN 'secret'
	WHEN command ~ 'pause|throttle|resume' THEN 'run_control'
	WHEN command ~ 'backfill' THEN 'backfill_run run_control'
	WHEN command ~ 'upgrade\(' THEN 'revision version journal progress'
	WHEN command ~ '001..., purge' THEN 'version journal progress backfill_run'
	WHEN command ~ 'status' THEN 'revision version journal progress expansion_run'
	WHEN command ~ 'downgrade|current' THEN 'version'
	WHEN command ~ 'export|load' THEN 'revision'
	ELSE '' END;
\if :{?full}
UPDATE call SET relnames = 'revision version journal progress backfill_run run_control expansion_run expansion_step secret ddl_log scope_version measured workload';
\else
DELETE FROM shape WHERE (type, value) NOT IN (VALUES ('name', '''001'''), ('bytea', '''\x001122'''), ('integer', '2147483647'),
	('bigint', '-9223372036854775808'), ('timestamptz', '''infinity'''), ('jsonb', '''[null, {"checksum": 1}]'''),
	('nothing', 'NULL'), ('text', 'NULL'), ('text[]', '''{NULL}'''), ('text[]', '''{{a,b},{c,d}}'''));
DELETE FROM call WHERE relnames = '';
\endif

INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql, verify_sql)
VALUES ('001', '{}', 'SELECT 1', '', NULL), ('002', '{001}', 'ALTER TABLE account ADD n int', '', 'SELECT true'), ('003', '{001}', '', '', NULL);
\set ECHO all
SELECT count(*) FROM cmig.upgrade('001');
\set ECHO none
CREATE SCHEMA tenant;
INSERT INTO cmig.scope_version VALUES ('tenant', '001');
INSERT INTO cmig.secret VALUES ('audit', 'key');
CREATE SCHEMA expanded;
INSERT INTO cmig.expansion_run (scope, revision, revisions, schemas, columns) VALUES ('expanded', '002', '{002}', '{expanded}', '[["expanded.t", "expanded.n", "created", "n", null, "n", null, null, null]]');
INSERT INTO cmig.expansion_step (scope, position, phase, relation, statement) VALUES ('expanded', 1, 'fill', 'expanded.t', 'SELECT 1');
INSERT INTO cmig.run_control VALUES ('all', 'all', false, 1000000);
INSERT INTO cmig.measured VALUES ('lock_retries', '{}', 1), ('rls_findings', '{"schema": "", "severity": "error"}', 1);
INSERT INTO cmig.workload VALUES ('all', 1, 1, 1, 'postgres', 'SELECT 1', now(), now());

-- All calls after one alteration, each rolled back: the result of each
CREATE TABLE outcome (relname name, attname name, how text, call text, sqlstate text, message text, hint text);
CREATE FUNCTION call_all(relname name, attname name, how text) RETURNS SETOF outcome LANGUAGE plpgsql AS $$
DECLARE
	one outcome;
BEGIN
	one.relname = relname;
	one.attname = attname;
	one.how = how;
	FOR one.call IN SELECT command FROM call WHERE string_to_array(call.relnames, ' ') @> ARRAY[relname::text] LOOP
		BEGIN
			EXECUTE one.call;
			RAISE 'fine' USING ERRCODE = 'TT000';
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS one.sqlstate = RETURNED_SQLSTATE, one.message = MESSAGE_TEXT, one.hint = PG_EXCEPTION_HINT;
		END;
		RETURN NEXT one;
	END LOOP;
END
$$;
CREATE FUNCTION alter_and_call(relname name, attname name, how text, command text) RETURNS SETOF outcome LANGUAGE plpgsql AS $$
DECLARE
	outcomes outcome[];
	one outcome;
	reader regclass;
	constr name;
BEGIN
	BEGIN
		-- an unfinished step and a backfill, whose rows are read
		IF relname IN ('progress', 'backfill_run') THEN
			INSERT INTO cmig.progress VALUES ('002', 'upgrade', 1, 'running', '{"checksum": "x"}');
			INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, rows, started_at, updated_at)
			VALUES ('public.account', 'email = NULL', 'running', 'key', 1, 1, now(), now());
		END IF;
		FOR reader IN SELECT DISTINCT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
			WHERE d.refobjid = format('cmig.%I', relname)::regclass LOOP
			EXECUTE format('ALTER EXTENSION pg_cmig DROP VIEW %s', reader);
			EXECUTE format('DROP VIEW %s', reader);
		END LOOP;
		IF attname = 'id' AND relname = 'backfill_run' THEN
			EXECUTE format('ALTER EXTENSION pg_cmig DROP SEQUENCE cmig.%s_id_seq', relname);
		END IF;
		-- only changes of the type may fail
		IF how LIKE '%=%' THEN
			EXECUTE format('ALTER TABLE cmig.%I DROP CONSTRAINT IF EXISTS %1$I_pkey, ALTER %I DROP IDENTITY IF EXISTS', relname, attname);
			EXECUTE format('ALTER TABLE cmig.%I ALTER %I DROP DEFAULT, ALTER %2$I DROP NOT NULL', relname, attname);
			FOR constr IN SELECT conname FROM pg_constraint c WHERE c.conrelid = format('cmig.%I', relname)::regclass AND c.contype = 'c' LOOP
				EXECUTE format('ALTER TABLE cmig.%I DROP CONSTRAINT %I', relname, constr);
			END LOOP;
		END IF;
		EXECUTE command;
		outcomes = ARRAY(SELECT o FROM call_all(relname, attname, how) o);
		RAISE 'undo' USING ERRCODE = 'TT001';
	EXCEPTION
		WHEN SQLSTATE 'TT001' THEN
			NULL;
		WHEN OTHERS THEN
			one = (relname, attname, how, NULL, 'TT002', SQLERRM, NULL);
			outcomes = ARRAY[one];
	END;
	RETURN QUERY SELECT * FROM unnest(outcomes);
END
$$;
SELECT format('INSERT INTO outcome SELECT * FROM alter_and_call(%L, %L, %L, %L)', relname, attname, how, command)
FROM alteration ORDER BY relname, attname, how \gexec
\set ECHO all
-- all of them succeeded
SELECT relname, attname, how, message FROM outcome WHERE call IS NULL ORDER BY relname, attname, how;
-- every table was altered
SELECT relname AS not_altered FROM pg_class c WHERE relnamespace = 'cmig'::regnamespace AND relkind IN ('r', 'p')
	AND NOT EXISTS (SELECT FROM outcome o WHERE o.relname = c.relname AND o.call IS NOT NULL) ORDER BY 1;
-- none of them raised an internal error
SELECT relname, attname, how, call, sqlstate, message FROM outcome WHERE sqlstate ~ '^XX' ORDER BY relname, attname, how, call;
SELECT relname, count(*) > 10 AS called, bool_or(sqlstate = 'TT000') AS some_fine,
	bool_or(hint LIKE 'The tables of pg_cmig were dropped or altered.%') AS some_hinted
FROM outcome GROUP BY 1 ORDER BY 1;
-- the other errors that occurred
SELECT sqlstate, string_agg(DISTINCT relname, ' ' ORDER BY relname) AS tables FROM outcome
WHERE sqlstate <> 'TT000' AND hint NOT LIKE 'The tables of pg_cmig were dropped or altered.%'
GROUP BY 1 ORDER BY 1;
\set ECHO none
DROP EXTENSION pg_cmig CASCADE;
DROP SCHEMA tenant, expanded CASCADE;
DROP TABLE outcome, call, shape, account CASCADE;
DROP TYPE pair, mood, nothing, required;
