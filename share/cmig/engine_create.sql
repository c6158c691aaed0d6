-- engine_create.sql: creates the database of a call of cmig in an engine.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: database; strategy, with which it is copied; version, of pg_cmig; role and copier, whose
-- passwords are printed at the end.
--
-- Only a superuser can read a role's password, so those of the two roles are made from that of a
-- role that cannot log in.  Code that ran as one of the two may have changed its password and
-- settings, for other databases.  The first of several processes creates the template.  Its name
-- contains a checksum of the extension's script, which may be another one of the same version.
\set home :DBNAME
SELECT format('%s/extension/pg_cmig--%s.sql', setting, :'version') AS file
FROM pg_config WHERE name = 'SHAREDIR' \gset
SELECT format('cmig_template_%s_%s', :'version', left(md5(pg_read_file(:'file', 0, 100000000, true)), 8))
	AS template \gset
SET client_min_messages = error \;
SET log_statement = none \;
BEGIN ISOLATION LEVEL READ COMMITTED \;
SELECT pg_advisory_xact_lock(hashtextextended('pg_cmig engine', 0)) AS locked \gset
SELECT format('CREATE ROLE cmig_engine_secret PASSWORD %L', gen_random_uuid())
WHERE to_regrole('cmig_engine_secret') IS NULL \gexec
CREATE TEMPORARY TABLE secret AS
SELECT r AS name, encode(sha256(convert_to(rolpassword || r, 'UTF8')), 'hex') AS password
FROM pg_authid, unnest(ARRAY[:'role', :'copier']) r
WHERE rolname = 'cmig_engine_secret';
SELECT format('%s ROLE %I LOGIN PASSWORD %L',
		CASE WHEN to_regrole(quote_ident(name)) IS NULL THEN 'CREATE' ELSE 'ALTER' END, name, password),
	format('ALTER ROLE %I RESET ALL', name)
FROM secret \gexec
ALTER ROLE :"copier" SET lc_messages = 'C';
-- what it runs can contain passwords, such as those of user mappings
ALTER ROLE :"copier" SET log_min_error_statement = panic;
ALTER ROLE :"copier" SET log_statement = none;
ALTER ROLE :"copier" SET log_min_duration_statement = -1;
ALTER ROLE :"copier" SET log_min_duration_sample = -1;
ALTER ROLE :"copier" SET temp_file_limit = '1GB';
-- see src/run/copied.c, which sees messages from this level on, and decides what is logged
ALTER ROLE :"copier" SET log_min_messages = debug1;
ALTER ROLE :"copier" SET session_preload_libraries = 'pg_cmig';
ALTER ROLE :"copier" SET cmig_client.copies = on;
SELECT string_agg(password, ' ' ORDER BY name = :'copier') AS passwords FROM secret \gset
COMMIT;
SELECT count(*) = 0 AS new FROM pg_database WHERE datname = :'template' \gset
\if :new
CREATE DATABASE :"database" OWNER :"role";
\connect :"database"
SET SESSION AUTHORIZATION :role;
CREATE EXTENSION pg_cmig VERSION :'version';
\connect :"home"
BEGIN ISOLATION LEVEL READ COMMITTED \;
SELECT pg_advisory_xact_lock(hashtextextended('pg_cmig engine', 0)) AS locked \gset
SELECT format('ALTER DATABASE %I RENAME TO %I', :'database', :'template'),
	format('ALTER DATABASE %I IS_TEMPLATE true', :'template')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'template') \gexec
COMMIT;
\endif
SELECT format('CREATE DATABASE %I TEMPLATE %I OWNER %I STRATEGY %I', :'database', :'template', :'role', :'strategy')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
\echo :passwords
