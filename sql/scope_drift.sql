--
-- scope_drift: scopes whose schema differs from that of most others
--
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql) VALUES
	('001', '{}', 'CREATE TABLE invoice (id int PRIMARY KEY, total numeric); CREATE VIEW large AS SELECT * FROM invoice WHERE total > 1000;
		CREATE FUNCTION count_large() RETURNS bigint LANGUAGE sql AS ''SELECT count(*) FROM large''', ''),
	('002', '{001}', 'CREATE TABLE payment (id int PRIMARY KEY, invoice int REFERENCES invoice)', 'DROP TABLE payment');
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

DROP EXTENSION pg_cmig;
DROP SCHEMA t_1, t_2, t_3, "T 4""'\", t_5 CASCADE;
