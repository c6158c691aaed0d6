--
-- A rehearsal reads and copies only what the statements concern: the findings are those of a plan
-- with a DO block, for which everything is read and copied
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET cmig.lint_ignore = 'require-lock-timeout, require-statement-timeout';
CREATE FUNCTION public.differences(script text) RETURNS TABLE (findings bigint, found_by text, statement integer, rule text, message text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cmig.create_revision('Rehearsed', script, revision => 'r1');
	CREATE TEMP TABLE part ON COMMIT DROP AS SELECT l.statement, l.rule, l.severity, l.message FROM cmig.lint(rehearse => true) l;
	PERFORM cmig.create_revision('Whole', 'DO $x$ BEGIN END $x$', revision => 'r2');
	CREATE TEMP TABLE whole ON COMMIT DROP AS SELECT l.statement, l.rule, l.severity, l.message FROM cmig.lint(rehearse => true) l WHERE l.revision IS DISTINCT FROM 'r2';
	DELETE FROM cmig.revision;
	RETURN QUERY SELECT c.n, d.* FROM (SELECT count(*) AS n FROM part) c LEFT JOIN (SELECT 'part', p.statement, p.rule, p.message FROM (TABLE part EXCEPT ALL TABLE whole) p
		UNION ALL SELECT 'whole', w.statement, w.rule, w.message FROM (TABLE whole EXCEPT ALL TABLE part) w) d ON true;
	DROP TABLE part, whole;
END $$;
CREATE ROLE regress_part_app;
CREATE SCHEMA shop;
CREATE SCHEMA other;
CREATE TABLE shop.item (id serial PRIMARY KEY, name text NOT NULL, state text);
CREATE TABLE shop.line (id integer PRIMARY KEY, item integer REFERENCES shop.item);
CREATE VIEW shop.names AS SELECT name FROM shop.item;
ALTER TABLE shop.item ENABLE ROW LEVEL SECURITY;
CREATE POLICY positive ON shop.item TO regress_part_app USING (id > 5);
GRANT SELECT ON shop.item TO regress_part_app;
CREATE TYPE shop.address AS (street text, city text);
CREATE TABLE shop.homes OF shop.address;
CREATE TABLE shop."My Items" (id integer PRIMARY KEY, "The Name" text CHECK ("The Name" <> ''));
CREATE INDEX "My Index" ON shop."My Items" ("The Name");
CREATE TABLE other.kind (id integer PRIMARY KEY, code text UNIQUE);
CREATE TABLE shop.event (id integer, day date, kind integer REFERENCES other.kind, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.event_1 PARTITION OF shop.event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.event_2 PARTITION OF shop.event FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE shop.event_note (event integer, day date, FOREIGN KEY (event, day) REFERENCES shop.event);
CREATE TABLE shop.parent (a integer, b text);
CREATE TABLE shop.child (c integer) INHERITS (shop.parent);
CREATE DOMAIN shop.code AS text CHECK (value ~ '^[a-z]+$');
CREATE TABLE shop.coded (code shop.code, codes shop.code[]);
CREATE TYPE shop.state AS ENUM ('new', 'done');
CREATE TABLE shop.task (state shop.state DEFAULT 'new', at timestamptz, EXCLUDE (at WITH =) WHERE (state = 'new'));
CREATE FUNCTION shop.open_tasks() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM shop.task WHERE state = ''new''';
CREATE VIEW other.open AS SELECT shop.open_tasks() AS n;
CREATE FUNCTION shop.log_coded() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO shop."My Items" VALUES (1, new.code); RETURN new; END';
CREATE TRIGGER log BEFORE INSERT ON shop.coded FOR EACH ROW EXECUTE FUNCTION shop.log_coded();
CREATE FUNCTION shop.same(shop.address, shop.address) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.city = $2.city';
CREATE OPERATOR shop.=== (FUNCTION = shop.same, LEFTARG = shop.address, RIGHTARG = shop.address);
CREATE STATISTICS other.stats ON a, b FROM shop.parent;
SET client_min_messages = error;
CREATE PUBLICATION regress_part FOR TABLE other.kind;
RESET client_min_messages;
CREATE MATERIALIZED VIEW shop.totals AS SELECT kind, count(*) AS n FROM shop.event GROUP BY kind;
CREATE UNIQUE INDEX ON shop.totals (kind);
SELECT script, d.* FROM unnest(ARRAY[
	'ALTER TABLE other.kind ADD COLUMN note text',
	'ALTER TABLE other.kind DROP COLUMN code',
	'ALTER TABLE other.kind DROP COLUMN id CASCADE',
	'ALTER TABLE other.kind ALTER id TYPE bigint',
	'DROP TABLE other.kind CASCADE',
	'DROP TABLE other.kind',
	'ALTER TYPE shop.address ADD ATTRIBUTE zip text',
	'ALTER TYPE shop.address ADD ATTRIBUTE zip text CASCADE',
	'DROP TYPE shop.address CASCADE',
	'DROP INDEX shop."My Index"',
	'ALTER TABLE shop."My Items" DROP COLUMN "The Name"',
	'CREATE TABLE shop."My Index" (a integer)',
	'CREATE TABLE shop.homes (a integer)',
	'CREATE INDEX totals_kind_idx ON shop.coded (code)',
	'CREATE TYPE shop.task AS (a integer)',
	'ALTER TABLE shop.event ADD COLUMN note text',
	'ALTER TABLE shop.event DROP CONSTRAINT event_pkey',
	'ALTER TABLE shop.event_1 ALTER kind SET NOT NULL; ALTER TABLE shop.event DETACH PARTITION shop.event_1; DROP TABLE shop.event_1',
	'CREATE TABLE shop.event_3 PARTITION OF shop.event FOR VALUES FROM (''2026-02-15'') TO (''2026-03-15'')',
	'ALTER TABLE shop.parent DROP COLUMN b',
	'ALTER TABLE shop.parent ADD COLUMN c text',
	'ALTER TABLE ONLY shop.parent ADD CHECK (a > 0)',
	'DROP TABLE shop.parent',
	'ALTER DOMAIN shop.code DROP CONSTRAINT code_check',
	'DROP DOMAIN shop.code CASCADE',
	'INSERT INTO shop.coded VALUES (''a'')',
	'ALTER TABLE shop.coded ADD COLUMN more shop.state, ADD CHECK (more <> ''done'')',
	'DROP FUNCTION shop.open_tasks',
	'DROP FUNCTION shop.open_tasks CASCADE; DROP FUNCTION shop.log_coded() CASCADE',
	'CREATE FUNCTION shop.open_tasks(integer DEFAULT 1) RETURNS bigint LANGUAGE sql AS ''SELECT 1::bigint''; CREATE VIEW shop.v AS SELECT shop.open_tasks()',
	'CREATE OR REPLACE FUNCTION shop.open_tasks() RETURNS integer LANGUAGE sql AS ''SELECT 1''',
	'ALTER TABLE shop.task ADD COLUMN home shop.address; ALTER TABLE shop.task ADD CHECK (home OPERATOR(shop.===) home)',
	'ALTER TYPE shop.state ADD VALUE ''gone''; ALTER TYPE shop.state RENAME VALUE ''new'' TO ''fresh''',
	'ALTER TABLE shop.task RENAME TO job; ALTER TABLE shop.job DROP COLUMN at',
	'CREATE OR REPLACE VIEW other.open AS SELECT 1 AS m',
	'CREATE TABLE IF NOT EXISTS shop.item (a integer); ALTER TABLE shop.line ADD FOREIGN KEY (id) REFERENCES shop.item (state)',
	'DROP SEQUENCE shop.item_id_seq',
	'ALTER SEQUENCE shop.item_id_seq RENAME TO item_seq; ALTER TABLE shop.item DROP COLUMN name CASCADE',
	'REVOKE ALL ON shop.item FROM regress_part_app; DROP POLICY positive ON shop.item',
	'DROP MATERIALIZED VIEW shop.totals; DROP VIEW shop.names',
	'CREATE SCHEMA third; CREATE TABLE third.a (b shop.code REFERENCES other.kind (code))',
	'ALTER TABLE other.kind RENAME TO sort; DROP TABLE other.sort CASCADE',
	'ALTER FUNCTION shop.open_tasks() RENAME TO tasks; DROP FUNCTION shop.tasks() CASCADE',
	'ALTER SEQUENCE shop.item_id_seq RENAME TO item_seq; DROP SEQUENCE shop.item_seq CASCADE',
	'ALTER TYPE shop.state RENAME TO condition; DROP TYPE shop.condition CASCADE',
	'ALTER DOMAIN shop.code RENAME TO word; DROP DOMAIN shop.word CASCADE'
]) WITH ORDINALITY u (script, n), public.differences(script) d ORDER BY n;
\set ECHO all

-- the statements whose names, or those in functions that they run, have a quote are rehearsed with all objects
CREATE TABLE shop."a""b" (id integer PRIMARY KEY);
SELECT d.* FROM public.differences('ALTER TABLE shop."a""b" DROP COLUMN id') d;
\set ECHO none
SET client_min_messages = warning;
DROP PUBLICATION regress_part;
DROP SCHEMA shop, other CASCADE;
DROP ROLE regress_part_app;
DROP FUNCTION public.differences(text);
DROP EXTENSION pg_cmig;
