--
-- cmig.protect and cmig.set_protect: nothing is reverted or removed by mistake
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
INSERT INTO cmig.revision (revision, down_revision, downgrade_sql)
SELECT lpad(i::text, 3, '0'), CASE WHEN i > 1 THEN ARRAY[lpad((i - 1)::text, 3, '0')] ELSE '{}' END, '' FROM generate_series(1, 8) i;
\set ECHO all
SELECT count(*) FROM cmig.upgrade();
SHOW cmig.protect;

-- base: refuses moves that would revert everything, or stamp it away
SET cmig.protect = base;
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.downgrade('001-1');
SELECT * FROM cmig.downgrade('-8');
SELECT * FROM cmig.reset(confirm => current_database());
SELECT * FROM cmig.stamp('005', purge => true);
SELECT revision FROM cmig.downgrade('-1');
SELECT revision FROM cmig.downgrade('006');
SELECT * FROM cmig.stamp('005');
-- reading and upgrading are allowed
SELECT count(*) FROM cmig.plan('downgrade', 'base');
SELECT revision FROM cmig.upgrade('006');

-- on: refuses every downgrade
SET cmig.protect = on;
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.reset(confirm => current_database());
SELECT * FROM cmig.stamp('005', purge => true);
SELECT revision FROM cmig.upgrade('007');
-- a downgrade that reverts nothing is allowed
SELECT * FROM cmig.downgrade('007');
SELECT * FROM cmig.status() WHERE item = 'protected';

-- lowered once, in this transaction
BEGIN;
SET LOCAL cmig.protect = off;
SELECT revision FROM cmig.downgrade('-1');
COMMIT;
SELECT * FROM cmig.downgrade('-1');
\set VERBOSITY sqlstate
SET cmig.protect = sometimes;
RESET cmig.protect;

-- for a database
SELECT format('ALTER DATABASE %I SET cmig.protect = base', current_database()) \gexec
\c -
SET client_min_messages = warning;
SHOW cmig.protect;
\set VERBOSITY default
SELECT * FROM cmig.downgrade('base');
SELECT format('ALTER DATABASE %I RESET cmig.protect', current_database()) \gexec
RESET cmig.protect;
SET cmig.protect = off;
SELECT count(*) FROM cmig.downgrade('base');

-- set_protect: by the owner of the database, in a session that has not used pg_cmig
CREATE ROLE regress_protect_owner;
CREATE ROLE regress_protect_migrator;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_protect_owner', 'migrator');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_protect_migrator', 'migrator');
SELECT current_user AS me, format('ALTER DATABASE %I OWNER TO regress_protect_owner', current_database()) AS give,
	format('ALTER DATABASE %I OWNER TO %I', current_database(), current_user) AS take \gset
:give;
SELECT count(*) FROM cmig.upgrade('003');
\c -
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_protect_owner;
SELECT cmig.set_protect('base');
-- it takes effect at once
SELECT * FROM cmig.downgrade('base');
SELECT cmig.set_protect('on');
SELECT * FROM cmig.downgrade('-1');
SELECT item, value, hint FROM cmig.status() WHERE item = 'protected';
BEGIN;
SET LOCAL cmig.protect = off;
SELECT revision FROM cmig.downgrade('-1');
ROLLBACK;
SELECT * FROM cmig.downgrade('-1');
\set VERBOSITY sqlstate
-- invalid values, and roles that may not call it
SELECT cmig.set_protect('sometimes');
SELECT cmig.set_protect('');
BEGIN READ ONLY;
\set VERBOSITY default
SELECT cmig.set_protect('off');
ROLLBACK;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_protect_migrator;
SELECT cmig.set_protect('off');
SELECT cmig.set_protect(NULL);
SET cmig.protect = off;
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.stamp('001', purge => true);
SELECT item, value, hint FROM cmig.status() WHERE item = 'protected';
RESET SESSION AUTHORIZATION;
RESET cmig.protect;
-- a failed transaction does not change it
SET SESSION AUTHORIZATION regress_protect_owner;
BEGIN;
SELECT cmig.set_protect('off');
SELECT revision FROM cmig.downgrade('-1');
ROLLBACK;
SELECT * FROM cmig.downgrade('-1');
-- off, and unset
SELECT cmig.set_protect('off');
SELECT revision FROM cmig.downgrade('-1');
SELECT cmig.set_protect('base');
SELECT cmig.set_protect(NULL);
SELECT count(*) FROM pg_db_role_setting s, unnest(setconfig) c WHERE c LIKE 'cmig.%';
SELECT count(*) FROM cmig.downgrade('base');
\set ECHO none
RESET SESSION AUTHORIZATION;
:take;
DROP OWNED BY regress_protect_owner, regress_protect_migrator;
DROP ROLE regress_protect_owner, regress_protect_migrator;
DROP EXTENSION pg_cmig CASCADE;
