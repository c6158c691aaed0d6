--
-- The trigger of cmig.audit_script() runs with the rights of whoever made it, so
-- nothing that an owner of types has made may run in it.
--
\set VERBOSITY default
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_audit_types;
CREATE SCHEMA types AUTHORIZATION regress_audit_types;
SET SESSION AUTHORIZATION regress_audit_types;
CREATE TYPE types.mood AS ENUM ('ok', 'bad');
CREATE FUNCTION types.mood_to_json(types.mood) RETURNS json LANGUAGE plpgsql
AS $$ BEGIN RAISE WARNING 'this must not run here'; RETURN '1'; END $$;
CREATE CAST (types.mood AS json) WITH FUNCTION types.mood_to_json(types.mood);
CREATE TABLE types.feeling (id int PRIMARY KEY, moods types.mood[]);
CREATE TABLE types.plain (id int PRIMARY KEY, n int);
RESET SESSION AUTHORIZATION;

SELECT cmig.audit_script('types.feeling') AS feeling, cmig.audit_script('types.plain') AS plain \gset
DROP EXTENSION pg_cmig CASCADE;
:feeling
:plain
SET SESSION AUTHORIZATION regress_audit_types;
INSERT INTO types.plain VALUES (1, 1);
\set VERBOSITY sqlstate
INSERT INTO types.feeling VALUES (1, '{ok}');
\set VERBOSITY default
DROP CAST (types.mood AS json);
INSERT INTO types.feeling VALUES (1, '{ok}');
RESET SESSION AUTHORIZATION;
SELECT operation, table_name, new_row FROM cmig_audit.log ORDER BY id;

DROP SCHEMA cmig_audit, types CASCADE;
DROP ROLE regress_audit_types;
