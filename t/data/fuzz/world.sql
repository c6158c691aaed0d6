-- The database that fuzz.py works on: objects of each kind and shape, helpers
-- that are on, revisions of which some are applied. Run by the bootstrap
-- superuser in an empty database, once; then copied as a template.

SET client_min_messages = error;
CREATE EXTENSION pg_cmig;
GRANT CREATE ON DATABASE :"database" TO regress_fuzz_migrator;
SELECT count(*) FROM cmig.grant_access('regress_fuzz_migrator', 'migrator');
SELECT count(*) FROM cmig.grant_access('regress_fuzz_migrator', 'author');
SELECT count(*) FROM cmig.grant_access('regress_fuzz_migrator', 'application');
-- who may call everything, and has no right to anything
GRANT USAGE ON SCHEMA cmig TO regress_fuzz_nobody;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA cmig TO regress_fuzz_nobody;

CREATE SCHEMA fuzz;
CREATE SCHEMA app AUTHORIZATION regress_fuzz_migrator;
CREATE SCHEMA "Odd ""schema'" AUTHORIZATION regress_fuzz_migrator;
GRANT USAGE ON SCHEMA fuzz, app TO PUBLIC;

-- oids that no name leads to
CREATE TABLE fuzz.odd (name text PRIMARY KEY, oid oid);
GRANT SELECT ON fuzz.odd TO PUBLIC;

-- What an error must not change of a session. The caller's own eyes.
CREATE FUNCTION fuzz.session_state() RETURNS text LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(' ', session_user, current_user, current_setting('role'),
		(SELECT sum(hashtextextended(name || '=' || coalesce(setting, '?'), 0)) FROM pg_settings WHERE name <> 'search_path'),
		(SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_prepared_statements))
$$;

-- The locks that a run keeps until its transaction ends.
CREATE FUNCTION fuzz.held() RETURNS text LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
	SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
$$;

-- What an error must not change in the database: which versions of which rows
-- are there. That is stricter than what they hold, and cheaper.
CREATE FUNCTION fuzz.database_state() RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	state text;
BEGIN
	SELECT string_agg(format('SELECT count(*) || ''/'' || coalesce(sum(hashtid(ctid)::bigint # (xmin::text::bigint * 7919)), 0) FROM ONLY %I.%I%s',
			nspname, relname, CASE WHEN relname IN ('pg_class', 'pg_constraint', 'pg_trigger', 'pg_proc') THEN ' WHERE oid >= 16384'
				WHEN relname = 'pg_attribute' THEN ' WHERE attrelid >= 16384' WHEN relname = 'pg_depend' THEN ' WHERE objid >= 16384'
				WHEN relname = 'pg_description' THEN ' WHERE objoid >= 16384' ELSE '' END), ' UNION ALL ' ORDER BY nspname, relname)
		INTO state
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind = 'r' AND (nspname IN ('app', 'cmig', 'cmig_audit', 'public') OR nspname = 'pg_catalog' AND relname IN (
			'pg_class', 'pg_attribute', 'pg_constraint', 'pg_policy', 'pg_attrdef', 'pg_trigger', 'pg_proc', 'pg_description', 'pg_depend',
			'pg_db_role_setting', 'pg_namespace', 'pg_auth_members', 'pg_default_acl', 'pg_rewrite', 'pg_inherits'));
	EXECUTE 'SELECT string_agg(x, '' '') FROM (' || state || ') y (x)' INTO state;
	RETURN ' ' || state;
END
$$;

-- Functions and operators that are found before the built-in ones if the path
-- says so, and that nobody has written.
CREATE SCHEMA trap AUTHORIZATION regress_fuzz_nobody;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
SET SESSION AUTHORIZATION regress_fuzz_nobody;
CREATE FUNCTION trap.sprung() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE 'FZ001' USING MESSAGE = 'hijacked'; END $$;
DO $$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT proname, pg_get_function_identity_arguments(oid) AS arguments, prorettype::regtype AS result
		FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND NOT proretset AND provariadic = 0
			AND proargmodes IS NULL AND NOT 'internal'::regtype = ANY (proargtypes) AND NOT 'cstring'::regtype = ANY (proargtypes)
			AND prorettype NOT IN (SELECT oid FROM pg_type WHERE typtype = 'p')
			AND proname IN ('now', 'lower', 'upper', 'length', 'strpos', 'quote_ident', 'quote_literal', 'array_length', 'cardinality',
				'current_setting', 'set_config', 'pg_get_expr', 'pg_get_constraintdef', 'format_type', 'obj_description', 'has_table_privilege',
				'has_schema_privilege', 'pg_has_role', 'has_column_privilege', 'pg_table_is_visible', 'md5', 'encode', 'replace', 'to_char',
				'clock_timestamp', 'split_part', 'starts_with', 'regexp_replace', 'array_position', 'array_to_string', 'string_to_array')
	LOOP
		EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.proname, f.arguments, f.result,
			'BEGIN PERFORM trap.sprung(); RETURN NULL; END');
	END LOOP;
	FOR f IN SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result, oid FROM pg_operator
		WHERE oprname IN ('=', '<>', '<', '>', '||', '~', '~~', '+', '-', '->>', '->', '@>')
			AND oprleft IN (SELECT oid FROM pg_type WHERE typname IN ('text', 'name', 'oid', 'int4', 'int8', 'int2', 'bool', 'jsonb', 'timestamptz', 'xid8', 'char'))
			AND oprright IN (SELECT oid FROM pg_type WHERE typname IN ('text', 'name', 'oid', 'int4', 'int8', 'int2', 'bool', 'jsonb', 'timestamptz', 'xid8', 'char'))
	LOOP
		EXECUTE format('CREATE FUNCTION trap.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'op_' || f.oid, f.l, f.r, f.result,
			'BEGIN PERFORM trap.sprung(); RETURN NULL; END');
		EXECUTE format('CREATE OPERATOR trap.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = trap.%I)', f.oprname, f.l, f.r, 'op_' || f.oid);
	END LOOP;
END $$;
CREATE TABLE trap.pg_class (oid int);
CREATE TABLE trap.pg_proc (oid int);
CREATE TABLE trap.revision (revision int);
CREATE TABLE trap.version (revision int);
CREATE TABLE trap.log (id int);

SET SESSION AUTHORIZATION regress_fuzz_migrator;
SET search_path = app;
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE TYPE app.pair AS (a int, b text);
CREATE DOMAIN app.short AS text CHECK (length(VALUE) < 20);
CREATE TABLE plain (id int PRIMARY KEY, user_id text, tenant_id text, name text, amount numeric, at timestamptz);
INSERT INTO plain SELECT i, 'u' || i % 3, 't' || i % 2, 'name ' || i, i, '2026-01-01' FROM generate_series(1, 30) i;
CREATE TABLE shapes (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(), gone int, user_id uuid, doc jsonb, list int[], grid text[], pair app.pair,
	mood app.mood, short app.short, span int4range, spans int4multirange, bits bit(3), raw bytea, xml_text text, point point,
	inet inet, during interval, clock timetz, money money, ratio float8, twice int GENERATED ALWAYS AS (length(short)) STORED);
ALTER TABLE shapes DROP gone;
INSERT INTO shapes (doc, list, grid, pair, mood, short, span, raw, ratio, during) VALUES
	('{"a": [1]}', '{1,NULL}', '{{a,b},{c,d}}', '(1,x)', 'good', 's', '[1,2)', '\x00ff', 'NaN', '1 day'),
	('null', '{}', '[0:1]={a,b}', NULL, 'bad', NULL, 'empty', '', 'infinity', NULL);
CREATE TABLE no_key (user_id text, value text);
INSERT INTO no_key VALUES ('u1', 'a'), ('u1', 'a'), (NULL, NULL);
CREATE TABLE no_columns ();
CREATE TABLE "Odd ""table'; --" ("Odd ""column'" int PRIMARY KEY, "user_id" text, "a.b" text, "user id" text);
INSERT INTO "Odd ""table'; --" VALUES (1, 'u1', 'x'), (2, NULL, NULL);
CREATE TABLE two_keys (a int, b text, user_id text, PRIMARY KEY (b, a));
INSERT INTO two_keys SELECT i, 'b' || i, 'u' || i % 3 FROM generate_series(1, 10) i;
CREATE TABLE child (id bigint PRIMARY KEY, plain_id int REFERENCES plain, user_id text, note text);
INSERT INTO child SELECT i, i % 30 + 1, 'u1', NULL FROM generate_series(1, 10) i;
CREATE TABLE parted (id int, user_id text, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 (v text, gone int, id int NOT NULL, user_id text);
ALTER TABLE parted_2 DROP gone;
ALTER TABLE parted ATTACH PARTITION parted_2 DEFAULT;
INSERT INTO parted SELECT i, 'u1', 'v' FROM generate_series(1, 20) i;
CREATE TABLE parent (id int, user_id text);
CREATE TABLE heir (more text) INHERITS (parent);
INSERT INTO heir VALUES (1, 'u1', 'm');
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, user_id text);
CREATE TABLE typed OF app.pair;
CREATE VIEW seen AS SELECT id, user_id, name FROM plain;
CREATE MATERIALIZED VIEW stored AS SELECT * FROM plain;
CREATE SEQUENCE counter;
CREATE INDEX plain_name ON plain (name);
CREATE TABLE big (id int PRIMARY KEY, user_id text, doc text);
INSERT INTO big VALUES (1, 'u1', repeat('x', 3000000)), (2, 'u2', '');
CREATE TABLE audited (id int PRIMARY KEY, user_id text, secret text, v int);
CREATE TABLE audited_shapes (LIKE shapes INCLUDING ALL);
CREATE TABLE guarded (id int PRIMARY KEY, user_id text, tenant_id text, v text);
INSERT INTO guarded SELECT i, 'u' || i % 3, 't' || i % 2, 'v' FROM generate_series(1, 12) i;
CREATE TABLE old_log (id int, table_name text, op text, row_data jsonb, changed_at timestamptz, old jsonb, new jsonb);
INSERT INTO old_log VALUES (1, 'app.plain', 'UPDATE', '{"id": 1}', now(), '{"id": 1, "v": 1}', '{"id": 1, "v": 2}'),
	(2, 'plain', 'I', NULL, NULL, NULL, '{}'), (3, NULL, NULL, '[]', 'infinity', 'null', '3');
GRANT SELECT ON ALL TABLES IN SCHEMA app TO regress_fuzz_nobody;
GRANT INSERT, UPDATE, DELETE ON guarded, audited TO regress_fuzz_nobody;
RESET SESSION AUTHORIZATION;

CREATE TABLE app.alembic_version (version_num varchar(32));
INSERT INTO app.alembic_version VALUES ('002');
CREATE SCHEMA small AUTHORIZATION regress_fuzz_migrator;
CREATE TABLE small.item (id bigint PRIMARY KEY, name text NOT NULL);
CREATE INDEX item_name ON small.item (name);
CREATE SCHEMA smaller AUTHORIZATION regress_fuzz_migrator;
CREATE TABLE smaller.item (id bigint PRIMARY KEY);
SET search_path = pg_catalog;
CREATE FOREIGN DATA WRAPPER fuzz_wrapper;
CREATE SERVER fuzz_server FOREIGN DATA WRAPPER fuzz_wrapper;
CREATE FOREIGN TABLE app.far (id int, user_id text) SERVER fuzz_server;
CREATE TABLE app.of_superuser (id int PRIMARY KEY, user_id text);
CREATE TABLE app.dropped (id int);
INSERT INTO fuzz.odd
	SELECT 'dropped', 'app.dropped'::regclass::oid
	UNION ALL SELECT 'toast', reltoastrelid FROM pg_class WHERE oid = 'app.big'::regclass
	UNION ALL SELECT 'toast_index', indexrelid FROM pg_index JOIN pg_class c ON indrelid = reltoastrelid
		WHERE c.oid = 'app.big'::regclass
	UNION ALL SELECT 'other_temp', 0;
DROP TABLE app.dropped;

SELECT count(*) FROM cmig.enable_rls('app.guarded', 'user_id', 'tenant_id', roles => '{regress_fuzz_nobody}');
SELECT count(*) FROM cmig.enable_audit('app.audited', redact => '{secret}');
SELECT count(*) FROM cmig.enable_audit('app.audited_shapes', hash => '{short}');
SELECT count(*) FROM cmig.enable_audit('app.parted');
INSERT INTO app.audited SELECT i, 'u1', 's', i FROM generate_series(1, 5) i;
UPDATE app.audited SET v = v + 1;
DELETE FROM app.audited WHERE id = 5;
INSERT INTO app.audited_shapes (id, doc, list, grid, pair, mood, short) SELECT id, doc, list, grid, pair, mood, short FROM app.shapes;
UPDATE app.audited_shapes SET ratio = 'NaN', span = '[1,5)', xml_text = NULL;
UPDATE app.parted SET v = 'w' WHERE id < 4;

INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels, message, upgrade_sql, downgrade_sql,
	verify_sql, transactional) VALUES
('001', '{}', '{}', '{}', 'Create accounts', 'CREATE TABLE app.account (id int PRIMARY KEY, name text)', 'DROP TABLE app.account', NULL, true),
('002', '{001}', '{}', '{}', 'Fill', E'INSERT INTO app.account SELECT i, ''n'' FROM generate_series(1, 9) i;\n', 'DELETE FROM app.account', 'SELECT count(*) = 9 FROM app.account', true),
('003_invoices', '{002}', '{}', '{billing}', 'Create invoices', 'CREATE TABLE app.invoice (id int)', 'DROP TABLE app.invoice', NULL, true),
('003_search', '{002}', '{}', '{}', 'Index', 'CREATE INDEX CONCURRENTLY account_name ON app.account (name); CALL cmig.backfill(''app.account'', ''name = 2'')', 'DROP INDEX app.account_name', NULL, false),
('004_totals', '{003_invoices}', '{}', '{}', 'Add totals', 'ALTER TABLE app.invoice ADD total numeric', NULL, NULL, true),
('005_bad', '{003_search}', '{}', '{}', 'Fails', 'SELECT 1; SELECT 1 / 0', 'SELECT 1 / 0', 'SELECT false', true),
('tools', '{}', '{002}', '{}', 'Create tools', 'CREATE TABLE app.tool (id int)', 'DROP TABLE app.tool', NULL, true);
SELECT count(*) FROM cmig.upgrade('003_invoices');
CALL cmig.upgrade_stepwise('003_search');
GRANT USAGE ON SCHEMA cmig_audit TO regress_fuzz_migrator;
GRANT SELECT ON ALL TABLES IN SCHEMA app, cmig_audit TO regress_fuzz_migrator;
-- two scopes at the same revision, whose schemas differ
CREATE SCHEMA tenant_a;
CREATE SCHEMA tenant_b;
CREATE TABLE tenant_a.item (id bigint PRIMARY KEY, name text);
CREATE TABLE tenant_b.item (id bigint PRIMARY KEY);
INSERT INTO cmig.scope_version VALUES ('tenant_a', '002'), ('tenant_b', '002');
