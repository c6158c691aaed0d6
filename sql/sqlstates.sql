--
-- The SQLSTATE of each error that a client may want to tell apart
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
\set ECHO none
SET client_min_messages = warning;
-- the code of a command's error, the beginning of its message, and whether it has a hint
CREATE FUNCTION try(command text, OUT code text, OUT message text, OUT hint boolean) LANGUAGE plpgsql AS $$
DECLARE
	its_hint text;
BEGIN
	EXECUTE command;
	code := '00000';
EXCEPTION WHEN OTHERS OR query_canceled THEN
	GET STACKED DIAGNOSTICS its_hint = PG_EXCEPTION_HINT;
	code := SQLSTATE;
	message := left(replace(SQLERRM, current_database(), '<database>'), 60);
	hint := its_hint <> '';
END
$$;
CREATE TABLE command (id int PRIMARY KEY, command text);
INSERT INTO cmig.revision (revision, down_revision, branch_labels, upgrade_sql, downgrade_sql) VALUES
('001_users', '{}', '{}', 'SELECT 1', ''),
('002_orders', '{001_users}', '{}', '', NULL),
('003_api', '{002_orders}', '{api}', '', ''),
('003_web', '{002_orders}', '{web}', '', ''),
('004_api', '{003_api}', '{}', '', '');
SELECT count(*) FROM cmig.upgrade('003_api');

-- MG001: no such revision
INSERT INTO command VALUES
(101, 'SELECT cmig.upgrade(''005'')'),
(102, 'SELECT cmig.downgrade(''005'')'),
(103, 'SELECT cmig.stamp(''005'')'),
(104, 'SELECT cmig.plan(''upgrade'', ''005'')'),
(105, 'SELECT cmig.history(''005:'')'),
(106, 'SELECT cmig.show(''005'')'),
(107, 'SELECT cmig.resolve(''005'')'),
(108, 'SELECT cmig.require(''005'')'),
(109, 'SELECT cmig.create_revision(''x'', '''', head => ''005'')'),
(110, 'SELECT cmig.merge(ARRAY[''005'', ''006''])'),
(111, 'SELECT cmig.upgrade(''wep@head'')'),
(112, 'SELECT cmig.stamp(''+1'')'),
-- MG002: several revisions
(201, 'SELECT cmig.upgrade(''00'')'),
(202, 'SELECT cmig.downgrade(''00'')'),
(203, 'SELECT cmig.stamp(''00'')'),
(204, 'SELECT cmig.show(''003'')'),
(205, 'SELECT cmig.require(''003_'')'),
(206, 'SELECT cmig.history(''003:'')'),
-- MG003: several heads
(301, 'SELECT cmig.upgrade()'),
(302, 'SELECT cmig.stamp(''head'')'),
(303, 'SELECT cmig.show(''head'')'),
(304, 'SELECT cmig.require(''head'')'),
(305, 'SELECT cmig.create_revision(''x'', '''')'),
-- MG004: not reachable from here
(401, 'SELECT cmig.downgrade(''003_web'')'),
(402, 'SELECT cmig.downgrade(''-9'')'),
(403, 'SELECT cmig.downgrade(''+1'')'),
(404, 'SELECT cmig.upgrade(''-1'')'),
(405, 'SELECT cmig.upgrade(''+9'')'),
(406, 'SELECT cmig.upgrade(''002_orders+1'')'),
(407, 'SELECT cmig.upgrade(ARRAY[''001_users'', ''003_web''])'),
(408, 'SELECT cmig.stamp(ARRAY[''001_users'', ''003_web''])'),
(409, 'SELECT cmig.upgrade(ARRAY[''+1'', ''003_web''])'),
(410, 'SELECT cmig.downgrade(''web@004_api'')'),
(411, 'SELECT cmig.merge(ARRAY[''001_users'', ''003_web''])'),
-- MG006: no downgrade script
(601, 'SELECT cmig.downgrade(''base'')'),
(602, 'SELECT cmig.reset(current_database())'),
-- MG010: pending revisions
(1001, 'SELECT cmig.require()'),
(1002, 'SELECT cmig.require(''web'')'),
-- 22023: invalid arguments
(2001, 'SELECT cmig.upgrade(NULL::text)'),
(2002, 'SELECT cmig.upgrade('''')'),
(2003, 'SELECT cmig.upgrade(0)'),
(2004, 'SELECT cmig.upgrade('':'')'),
(2005, 'SELECT cmig.upgrade(''a:b:c'')'),
(2006, 'SELECT cmig.upgrade(NULL::text[])'),
(2007, 'SELECT cmig.downgrade()'),
(2008, 'SELECT cmig.downgrade(''previous'')'),
(2009, 'SELECT cmig.downgrade(5)'),
(2010, 'SELECT cmig.stamp(NULL::text)'),
(2011, 'SELECT cmig.plan(''up'', ''head'')'),
(2012, 'SELECT cmig.plan(''upgrade'', NULL::text)'),
(2013, 'SELECT cmig.history(NULL)'),
(2014, 'SELECT cmig.history(''a:b:c'')'),
(2015, 'SELECT cmig.show(NULL)'),
(2016, 'SELECT cmig.resolve('''')'),
(2017, 'SELECT cmig.require(NULL)'),
(2018, 'SELECT cmig.reset(''nowhere'')'),
(2019, 'SELECT cmig.load(NULL)'),
(2020, 'SELECT cmig.load_directory(NULL)'),
(2021, 'SELECT cmig.create_revision(NULL, '''')'),
(2022, 'SELECT cmig.create_revision(''x'', '''', head => ''api@head'', revision => ''head'')'),
(2023, 'SELECT cmig.create_revision(''x'', '''', head => ''api@head'', revision => repeat(''x'', 200))'),
(2024, 'SELECT cmig.merge(NULL::text)'),
(2025, 'SELECT cmig.merge(ARRAY[''003_web''])'),
-- 22004
(2101, 'SELECT cmig.upgrade(ARRAY[''003_web'', NULL])'),
-- 23505: duplicates
(2201, 'SELECT cmig.create_revision(''x'', '''', head => ''api@head'', revision => ''001_users'')'),
(2202, 'SELECT cmig.create_revision(''x'', '''', head => ''api@head'', branch_label => ''web'')'),
-- MG016: another plan
(1601, 'SELECT cmig.upgrade(''heads'', plan_checksum => repeat(''0'', 32) || ''-'')'),
-- MG013: files
(1301, 'SELECT cmig.load('''')'),
(1302, 'SELECT cmig.load(''CREATE TABLE t ()'')'),
(1303, E'SELECT cmig.load(E''-- revision: a\\n-- revision: a'')'),
-- MG014, MG015: replay
(1401, 'DO $$BEGIN UPDATE cmig.revision SET upgrade_sql = ''SELECT 1/0'' WHERE revision = ''001_users''; PERFORM * FROM cmig.drift(); END$$'),
(1501, 'SELECT cmig.round_trip(''002_orders'', raise => true)'),
-- MG005: a file that would break the graph
(501, E'SELECT cmig.load(E''-- revision: a\\n-- down_revision: b'')'),
-- MG008: an applied revision has changed
(801, E'SELECT cmig.load(E''-- revision: 001_users\\n-- cmig:upgrade\\nSELECT 2;\\n-- cmig:downgrade\\n'')'),
-- settings
(2301, 'SET cmig.protect = sometimes'),
(2302, 'SET cmig.running_revision = x'),
(2303, 'SET cmig.nothing = 1');
SELECT id, (try(command)).* FROM command ORDER BY id;

-- scripts: the server's own codes are kept; pg_cmig's are used if it has none
CREATE FUNCTION try_script(script text, verification text DEFAULT NULL, is_transactional boolean DEFAULT true,
	OUT code text, OUT message text, OUT hint boolean) LANGUAGE sql AS $$
UPDATE cmig.revision SET upgrade_sql = script, verify_sql = verification, transactional = is_transactional
WHERE revision = '004_api';
SELECT * FROM try('SELECT cmig.upgrade(''004_api'')');
$$;
\set ECHO all
SELECT * FROM try_script('SELEC 1');
SELECT * FROM try_script('SELECT nix');
SELECT * FROM try_script('SELECT 1/0');
SELECT * FROM try_script('CREATE TABLE command ()');
SELECT * FROM try_script('BEGIN');
SELECT * FROM try_script('COPY command FROM STDIN');
SELECT * FROM try_script('DISCARD ALL');
SELECT * FROM try_script('\i x.sql');
SELECT * FROM try_script('VACUUM');
SELECT * FROM try_script('CREATE INDEX CONCURRENTLY ON command (id)');
SELECT * FROM try_script('SELECT 1', is_transactional => false);
SELECT * FROM try_script('DO $x$ BEGIN COMMIT; END $x$');
SELECT * FROM try_script('SELECT cmig.upgrade(''003_web'')');
SELECT * FROM try_script('DROP EXTENSION pg_cmig CASCADE');
SELECT * FROM try_script('DELETE FROM cmig.version');
SELECT * FROM try_script('SET LOCAL statement_timeout = 20; SELECT pg_sleep(60)');
SELECT * FROM try_script('', 'SELECT false');
SELECT revision FROM cmig.current();

-- impossible version rows
BEGIN;
INSERT INTO cmig.version VALUES ('feed0000beef');
SELECT * FROM try('SELECT cmig.upgrade(''003_web'')');
SELECT * FROM try('SELECT cmig.downgrade(''002_orders'')');
SELECT * FROM try('SELECT cmig.stamp(''003_web'')');
SELECT * FROM try('SELECT cmig.require()');
ROLLBACK;
BEGIN;
INSERT INTO cmig.version VALUES ('001_users');
SELECT * FROM try('SELECT cmig.upgrade(''003_web'')');
ROLLBACK;

-- a broken graph
BEGIN;
UPDATE cmig.revision SET down_revision = '{nix}' WHERE revision = '003_web';
SELECT * FROM try('SELECT cmig.upgrade(''003_web'')');
SELECT * FROM try('SELECT cmig.downgrade(''base'')');
SELECT * FROM try('SELECT cmig.stamp(''003_web'')');
SELECT * FROM try('SELECT cmig.plan(''upgrade'', ''heads'')');
SELECT * FROM try('SELECT cmig.require()');
SELECT * FROM try('SELECT cmig.resolve(''003_web'')');
SELECT * FROM try('SELECT cmig.create_revision(''x'', '''')');
SELECT * FROM try('SELECT cmig.merge(''heads'')');
SELECT * FROM try('SELECT cmig.check(raise => true)');
SELECT * FROM try('SELECT cmig.check()');
ROLLBACK;

-- protected
UPDATE cmig.revision SET downgrade_sql = '' WHERE revision = '002_orders';
SET cmig.protect = on;
SELECT * FROM try('SELECT cmig.downgrade(''-1'')');
SELECT * FROM try('SELECT cmig.downgrade(''base'')');
SELECT * FROM try('SELECT cmig.reset(current_database())');
SELECT * FROM try('SELECT cmig.stamp(''002_orders'', purge => true)');
SELECT * FROM try(E'SELECT cmig.load(E''-- revision: 001_users\\n-- cmig:upgrade\\nSELECT 1\\n-- cmig:downgrade\\n'', prune => true)');
RESET cmig.protect;

-- read-only, and without privileges
BEGIN READ ONLY;
SELECT * FROM try('SELECT cmig.upgrade(''003_web'')');
SELECT * FROM try('SELECT cmig.downgrade(''base'')');
SELECT * FROM try('SELECT cmig.reset(current_database())');
SELECT * FROM try('SELECT cmig.stamp(''003_web'')');
SELECT * FROM try('SELECT cmig.load(''-- revision: a'')');
SELECT * FROM try('SELECT cmig.create_revision(''x'', '''', head => ''web@head'')');
SELECT * FROM try('SELECT cmig.merge(''heads'')');
SELECT * FROM try('SELECT cmig.plan(''upgrade'', ''heads'')');
ROLLBACK;
CREATE ROLE regress_cmig_nobody;
SET ROLE regress_cmig_nobody;
SELECT * FROM try('SELECT cmig.upgrade(''003_web'')');
SELECT * FROM try('SELECT cmig.current()');
SELECT * FROM try('TABLE cmig.revision');
\set ECHO none
RESET ROLE;
DROP ROLE regress_cmig_nobody;

DROP TABLE command;
DROP FUNCTION try, try_script;
DROP EXTENSION pg_cmig;
