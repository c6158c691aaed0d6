--
-- scope_drift: scopes whose schema differs from that of most others
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql) VALUES
	('001', '{}', 'CREATE TABLE invoice (id int PRIMARY KEY, total numeric); CREATE VIEW large AS SELECT * FROM invoice WHERE total > 1000;
		CREATE FUNCTION count_large() RETURNS bigint LANGUAGE sql AS ''SELECT count(*) FROM large''', ''),
	('002', '{001}', 'CREATE TABLE payment (id int PRIMARY KEY, invoice int REFERENCES invoice)', 'DROP TABLE payment');
\set ECHO all
SELECT * FROM cmig.scope_drift();
SELECT count(*) FROM unnest(ARRAY['t_1', 't_2', 't_3', 'T 4"''\', 't_5']) s, cmig.create_scope(s, '002');
SELECT * FROM cmig.scope_drift();

-- changes by hand in two scopes, and one that is behind
CREATE INDEX ON t_2.invoice (total);
ALTER TABLE "T 4""'\".payment ADD note text DEFAULT 'T 4"''\';
SET cmig.scope = 't_5';
SELECT revision FROM cmig.downgrade('001');
RESET cmig.scope;
SELECT scope, reference, step, kind, object, upgrade_sql FROM cmig.scope_drift();
SELECT upgrade_sql FROM cmig.scope_drift() WHERE upgrade_sql IS NOT NULL \gexec
SELECT * FROM cmig.scope_drift();

-- comments and privileges
COMMENT ON TABLE t_1.invoice IS 'Invoices';
GRANT SELECT ON t_3.invoice TO PUBLIC;
SELECT scope, reference, upgrade_sql FROM cmig.scope_drift();
SELECT scope, reference, upgrade_sql FROM cmig.scope_drift(privileges => false);
SELECT scope, reference, upgrade_sql FROM cmig.scope_drift(comments => false);
SELECT count(*) FROM cmig.scope_drift(NULL, false, false);
-- the majority is right
COMMENT ON TABLE t_2.invoice IS 'Invoices';
COMMENT ON TABLE t_3.invoice IS 'Invoices';
SELECT scope, reference, upgrade_sql FROM cmig.scope_drift(privileges => false);

\set ECHO none
DROP EXTENSION pg_cmig;
DROP SCHEMA t_1, t_2, t_3, "T 4""'\", t_5 CASCADE;

-- each kind of change by hand in one of three equal scopes is found, and its statement reverts it
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_scope_drift;
INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', 'CREATE TYPE mood AS ENUM (''a'', ''b''); CREATE DOMAIN amount AS numeric; CREATE TYPE pair AS (x int, y int);
	CREATE SEQUENCE counter; CREATE TABLE item (id int PRIMARY KEY, n int, m mood); CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN new; END'';
	CREATE VIEW items AS SELECT id FROM item; CREATE TABLE part (id int) PARTITION BY RANGE (id); CREATE TABLE note (t text DEFAULT ''x'')');
\set ECHO all
SELECT count(*) FROM unnest(ARRAY['k_1', 'k_2', 'k_3']) s, cmig.create_scope(s);
\set ECHO none
CREATE FUNCTION found(change text, OUT kinds text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE change;
	SELECT string_agg(scope || ' ' || kind, ', ' ORDER BY step) INTO kinds FROM cmig.scope_drift(owners => true);
	RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
END $$;
SELECT change, found(change) FROM (VALUES
	('ALTER TYPE k_2.mood RENAME VALUE ''b'' TO ''c'''), ('ALTER DOMAIN k_2.amount ADD CHECK (value > 0)'), ('ALTER TYPE k_2.pair ADD ATTRIBUTE z int'),
	('ALTER SEQUENCE k_2.counter INCREMENT 5'), ('ALTER TABLE k_2.item ALTER n SET DEFAULT 1'),
	('ALTER TABLE k_2.item ADD CHECK (n > 0)'), ('ALTER TABLE k_2.item SET (fillfactor = 50)'), ('ALTER TABLE k_2.item SET UNLOGGED'),
	('ALTER TABLE k_2.item ENABLE ROW LEVEL SECURITY'), ('CREATE POLICY p ON k_2.item USING (true)'), ('CREATE TRIGGER t BEFORE INSERT ON k_2.item FOR EACH ROW EXECUTE FUNCTION k_2.fill()'),
	('CREATE RULE r AS ON DELETE TO k_2.item DO INSTEAD NOTHING'), ('CREATE STATISTICS k_2.s ON id, n FROM k_2.item'), ('CREATE INDEX ON k_2.item (n)'),
	('CREATE OR REPLACE FUNCTION k_2.fill() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN old; END'''), ('ALTER FUNCTION k_2.fill() SECURITY DEFINER'),
	('CREATE OR REPLACE VIEW k_2.items AS SELECT id FROM k_2.item WHERE n > 0'), ('CREATE TABLE k_2.part_1 PARTITION OF k_2.part FOR VALUES FROM (1) TO (2)'),
	('CREATE AGGREGATE k_2.total(int) (SFUNC = int4pl, STYPE = int)'), ('CREATE OPERATOR k_2.### (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int)'),
	('CREATE COLLATION k_2.c FROM "C"'), ('CREATE MATERIALIZED VIEW k_2.mv AS SELECT 1 AS one'), ('CREATE TEXT SEARCH CONFIGURATION k_2.ts (COPY = simple)'),
	('CREATE TYPE k_2.span AS RANGE (SUBTYPE = int)'), ('COMMENT ON COLUMN k_2.item.n IS ''x'''), ('GRANT SELECT (n) ON k_2.item TO PUBLIC'), ('GRANT USAGE ON SCHEMA k_2 TO PUBLIC'),
	('ALTER TABLE k_2.item REPLICA IDENTITY FULL'), ('CLUSTER k_2.item USING item_pkey'),
	('ALTER TABLE k_2.item ALTER n SET STATISTICS 50'), ('ALTER TABLE k_2.note ALTER t SET STORAGE EXTERNAL'), ('ALTER TABLE k_2.note SET (toast.autovacuum_enabled = false)'),
	('ALTER TABLE k_2.note ALTER t SET DEFAULT ''y'''), ('ALTER TABLE k_2.note ALTER t SET NOT NULL'), ('ALTER TABLE k_2.note RENAME t TO u'),
	('ALTER SEQUENCE k_2.counter OWNED BY k_2.item.id'), ('ALTER INDEX k_2.item_pkey SET (fillfactor = 50)'), ('ALTER VIEW k_2.items SET (security_barrier)'),
	('ALTER DOMAIN k_2.amount SET DEFAULT 1'), ('ALTER TABLE k_2.item ALTER m SET DEFAULT ''a'''), ('ALTER TYPE k_2.mood ADD VALUE ''c'' BEFORE ''b'''),
	('ALTER FUNCTION k_2.fill() SET search_path = k_2'), ('ALTER TABLE k_2.part ADD PRIMARY KEY (id)'), ('CREATE TABLE k_2.child () INHERITS (k_2.note)'),
	('COMMENT ON SCHEMA k_2 IS ''x'''), ('COMMENT ON CONSTRAINT item_pkey ON k_2.item IS ''x'''), ('COMMENT ON INDEX k_2.item_pkey IS ''x'''), ('COMMENT ON TYPE k_2.mood IS ''x'''),
	('COMMENT ON FUNCTION k_2.fill IS ''x'''), ('REVOKE EXECUTE ON FUNCTION k_2.fill FROM PUBLIC'), ('CREATE FUNCTION k_2.fill(int) RETURNS int LANGUAGE sql AS ''SELECT 1'''),
	('ALTER TABLE k_2.item OWNER TO regress_scope_drift')) c (change);
DROP FUNCTION found;
DROP EXTENSION pg_cmig;
DROP SCHEMA k_1, k_2, k_3 CASCADE;
DROP ROLE regress_scope_drift;
\set ECHO all

-- names, texts, and settings that would look the same if their ends or the schema's name were marked by ordinary characters
CREATE EXTENSION pg_cmig;
INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', 'CREATE TABLE item (id int)');
SELECT count(*) FROM unnest(ARRAY['c_1', 'c_2']) s, cmig.create_scope(s);
\set ECHO none
CREATE FUNCTION found_between(first text, second text, OUT drift text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE replace(replace(first, 'OID-4', ('c_1.item'::regclass::oid::int - 4)::text), 'OID', 'c_1.item'::regclass::oid::text);
	EXECUTE replace(replace(second, 'OID-4', ('c_2.item'::regclass::oid::int - 4)::text), 'OID', 'c_2.item'::regclass::oid::text);
	SELECT string_agg(DISTINCT scope || ' ' || kind, ', ') INTO drift FROM cmig.scope_drift();
	RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
END $$;
\set ECHO all
SELECT what, found_between(first, second) FROM (VALUES
	('a comment', 'COMMENT ON TABLE c_1.item IS ''of c_1''', 'COMMENT ON TABLE c_2.item IS E''of \x02'''),
	('settings', 'CREATE FUNCTION c_1.f() RETURNS int LANGUAGE sql SET a.b = E''1\x03c.d=2'' AS ''SELECT 1''', 'CREATE FUNCTION c_2.f() RETURNS int LANGUAGE sql SET a.b = ''1'' SET c.d = ''2'' AS ''SELECT 1'''),
	('a position in a name', 'CREATE VIEW c_1.v AS SELECT count(*) FROM (SELECT 1 AS "a]:location]5]b") s', 'CREATE VIEW c_2.v AS SELECT count(*) FROM (SELECT 1 AS "a]:location]6]b") s'),
	('an OID in brackets in a name', 'CREATE VIEW c_1.v AS SELECT count(*) FROM (SELECT 1 AS "a]OID]b") s', 'CREATE VIEW c_2.v AS SELECT count(*) FROM (SELECT 1 AS "a]OID]b") s'),
	('an OID after a space in a name', 'CREATE VIEW c_1.v AS SELECT count(*) FROM pg_class AS "a OID"', 'CREATE VIEW c_2.v AS SELECT count(*) FROM pg_class AS "a OID"'),
	('a modulus', 'CREATE TABLE c_1.p (id int) PARTITION BY HASH (id); CREATE TABLE c_1.q PARTITION OF c_1.p FOR VALUES WITH (MODULUS OID, REMAINDER 0)',
		'CREATE TABLE c_2.p (id int) PARTITION BY HASH (id); CREATE TABLE c_2.q PARTITION OF c_2.p FOR VALUES WITH (MODULUS OID, REMAINDER 0)'),
	('a type modifier', 'CREATE VIEW c_1.v AS SELECT count(*) FROM json_to_record(''{}'') AS r (a varchar(OID-4))', 'CREATE VIEW c_2.v AS SELECT count(*) FROM json_to_record(''{}'') AS r (a varchar(OID-4))'),
	('a member of an extension', 'ALTER EXTENSION plpgsql ADD TABLE c_1.item', 'SELECT'),
	('a cast that is a call', 'ALTER TABLE c_1.item ADD CHECK (id > 1.5)', 'ALTER TABLE c_2.item ADD CHECK ("numeric"(id) > 1.5)'),
	('another cast', 'ALTER TABLE c_1.item ADD CHECK (id::bigint > 1)', 'ALTER TABLE c_2.item ADD CHECK (id::smallint > 1)'),
	('nothing: an explicit cast', 'ALTER TABLE c_1.item ADD CHECK (id > 1.5)', 'ALTER TABLE c_2.item ADD CHECK (id::numeric > 1.5)'),
	('nothing: the same with braces', 'CREATE VIEW c_1.v AS SELECT id > 1.5 AS "}}{OPEXPR \" FROM c_1.item', 'CREATE VIEW c_2.v AS SELECT id::numeric > 1.5 AS "}}{OPEXPR \" FROM c_2.item'),
	('nothing', 'COMMENT ON TABLE c_1.item IS ''of c_1''', 'COMMENT ON TABLE c_2.item IS ''of c_2''')) c (what, first, second);
\set ECHO none
DROP FUNCTION found_between;
DROP EXTENSION pg_cmig;
DROP SCHEMA c_1, c_2 CASCADE;
