--
-- Tables whose rows are stored elsewhere: foreign tables as partitions or children, other access
-- methods, and tables that Citus has distributed
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_elsewhere_app;
CREATE FOREIGN DATA WRAPPER regress_elsewhere_fdw;
CREATE SERVER regress_elsewhere_server FOREIGN DATA WRAPPER regress_elsewhere_fdw;

-- a partition on another server
CREATE TABLE parted (tenant_id integer, v integer) PARTITION BY LIST (tenant_id);
CREATE TABLE parted_here PARTITION OF parted FOR VALUES IN (1);
CREATE FOREIGN TABLE parted_far PARTITION OF parted FOR VALUES IN (2) SERVER regress_elsewhere_server;
INSERT INTO parted VALUES (1, NULL), (1, 2);
\set ECHO all
CALL cmig.backfill('parted', 'v = 1', 'v IS NULL');
CALL cmig.add_not_null('parted', 'v');
CALL cmig.add_check('parted', 'positive', 'v > 0');
CALL cmig.add_unique('parted', '{tenant_id}');
CREATE TABLE child (v integer);
CALL cmig.add_foreign_key('child', '{v}', 'parted', '{v}');
SELECT * FROM cmig.enable_audit('parted');
\set VERBOSITY sqlstate
SELECT * FROM cmig.enable_rls('parted', roles => '{regress_elsewhere_app}');
\set VERBOSITY default
-- the partition that is here
CALL cmig.backfill('parted_here', 'v = 1', 'v IS NULL');
CALL cmig.add_not_null('parted_here', 'v');
CALL cmig.backfill('parted_far', 'v = 1', 'v IS NULL');
CALL cmig.add_not_null('parted_far', 'v');
SELECT * FROM cmig.enable_audit('parted_far');
\set VERBOSITY sqlstate
SELECT * FROM cmig.enable_rls('parted_far', roles => '{regress_elsewhere_app}');
-- a child on another server
CREATE TABLE parent (id integer PRIMARY KEY, v integer);
CREATE FOREIGN TABLE child_far () INHERITS (parent) SERVER regress_elsewhere_server;
\set VERBOSITY default
CALL cmig.backfill('parent', 'v = 1', 'v IS NULL');
CALL cmig.add_check('parent', 'positive', 'v > 0');
DROP FOREIGN TABLE child_far;
CALL cmig.backfill('parent', 'v = 1', 'v IS NULL');
DROP TABLE parent, parted, child;

-- rows stored by another access method: they cannot be read by block
CREATE ACCESS METHOD regress_elsewhere_am TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE other_method (id integer PRIMARY KEY, v integer) USING regress_elsewhere_am;
INSERT INTO other_method VALUES (1), (2);
CALL cmig.backfill('other_method', 'v = 1', 'v IS NULL');
CALL cmig.backfill('other_method', 'v = id');
SELECT * FROM other_method ORDER BY id;
DROP TABLE other_method;
DROP ACCESS METHOD regress_elsewhere_am;

-- a table that Citus has distributed, according to a fake catalog; Citus is not installed
CREATE TABLE far (tenant_id integer PRIMARY KEY, v integer);
CREATE TABLE near (tenant_id integer PRIMARY KEY, v integer);
SELECT count(*) > 0 AS enabled FROM cmig.enable_rls('far', roles => '{regress_elsewhere_app}');
\set ECHO none
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass NOT NULL, partmethod "char" NOT NULL);
INSERT INTO pg_catalog.pg_dist_partition VALUES ('far', 'h');
INSERT INTO pg_catalog.pg_extension SELECT 99999, 'citus', extowner, extnamespace, false, '13.0' FROM pg_extension WHERE extname = 'plpgsql';
RESET allow_system_table_mods;
\set ECHO all
SELECT * FROM cmig.enable_audit('far');
SELECT * FROM cmig.enable_audit_schema('public');
SELECT * FROM cmig.enable_rls('far', roles => '{regress_elsewhere_app}');
SELECT * FROM cmig.enable_rls_schema('public', roles => '{regress_elsewhere_app}');
SELECT * FROM cmig.rls_test('far', 'regress_elsewhere_app', tenant_id => '1');
-- objects that were created before it was distributed can be removed
SELECT count(*) > 0 AS disabled FROM cmig.disable_rls('far');
-- tables that Citus does not manage
INSERT INTO near VALUES (1);
CALL cmig.backfill('near', 'v = 1', 'v IS NULL');
CALL cmig.add_not_null('near', 'v');
\set ECHO none
SET allow_system_table_mods = on;
DELETE FROM pg_catalog.pg_extension WHERE extname = 'citus';
DROP TABLE pg_catalog.pg_dist_partition;
RESET allow_system_table_mods;
\set ECHO all
CALL cmig.add_unique('far', '{v}');

DROP TABLE far, near;
DROP FOREIGN DATA WRAPPER regress_elsewhere_fdw CASCADE;
DROP EXTENSION pg_cmig;
DROP ROLE regress_elsewhere_app;
