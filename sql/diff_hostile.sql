--
-- A superuser compares schemas in which another role has put code.  If such code
-- runs as a superuser, it raises a warning.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_hostile;
CREATE SCHEMA hostile AUTHORIZATION regress_hostile;
CREATE SCHEMA hostile_new AUTHORIZATION regress_hostile;
SET SESSION AUTHORIZATION regress_hostile;
CREATE FUNCTION hostile.note(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
		RAISE WARNING '% runs as a superuser', what;
	END IF;
	RETURN true;
END $$;
CREATE DOMAIN hostile.checked AS text CHECK (hostile.note('the check of a domain'));
CREATE TYPE hostile.pair AS (a hostile.checked, b integer);
CREATE TABLE hostile.t (id integer);
CREATE DOMAIN hostile_new.checked AS text CHECK (hostile.note('the check of a domain'));
CREATE TYPE hostile_new.pair AS (a hostile_new.checked, b integer);

-- the body of a function is analyzed, and so are its constants
CREATE FUNCTION hostile_new.f() RETURNS text LANGUAGE sql AS $$ SELECT ('(x,1)'::hostile.pair)::text $$;
CREATE FUNCTION hostile_new.g() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN ('(x,1)'::hostile.pair)::text; END $$;
-- and a default
CREATE TABLE hostile_new.t (id integer, p hostile_new.pair DEFAULT '(x,1)', q text DEFAULT ('(x,1)'::hostile_new.pair)::text);
RESET SESSION AUTHORIZATION;

-- the body of a function in a language with a validator that is not in C
CREATE FUNCTION hostile.validate(oid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.note('a validator'); END $$;
CREATE TRUSTED LANGUAGE regress_hostile_language HANDLER plpgsql_call_handler VALIDATOR hostile.validate;
ALTER FUNCTION hostile.validate(oid) OWNER TO regress_hostile;
SET SESSION AUTHORIZATION regress_hostile;
CREATE FUNCTION hostile_new.h() RETURNS integer LANGUAGE regress_hostile_language AS $$ BEGIN RETURN 1; END $$;
RESET SESSION AUTHORIZATION;
\set ECHO all

SELECT action, kind, object, hazard FROM cmig.diff_schemas('hostile', 'hostile_new');
SELECT action, kind, object, hazard FROM cmig.diff_schemas('hostile_new', 'hostile');
SELECT action, kind, object, hazard FROM cmig.diff($$
CREATE SCHEMA hostile_new;
CREATE FUNCTION hostile_new.f() RETURNS text LANGUAGE sql AS 'SELECT ''y''::text';
CREATE FUNCTION hostile_new.g() RETURNS text LANGUAGE sql AS 'SELECT ''y''::text';
$$, '{hostile_new}');
SELECT length(sql) > 0 AS written FROM cmig.schema_sql('{hostile_new}') sql;
INSERT INTO cmig.scope_version VALUES ('hostile', '001'), ('hostile_new', '001');
SELECT scope, reference, kind, object, hazard FROM cmig.scope_drift() ORDER BY step;
\set ECHO none
DELETE FROM cmig.scope_version;

-- functions of a superuser in the role's schema: neither the role nor a superuser who
-- compares them runs the code of types as a superuser
SET check_function_bodies = off;
CREATE FUNCTION hostile.own() RETURNS text LANGUAGE sql AS $$ SELECT ('(x,1)'::hostile.pair)::text $$;
CREATE FUNCTION hostile.own_array() RETURNS text LANGUAGE sql AS $$ SELECT 'x'::text; EXPLAIN SELECT '{x}'::hostile.checked[] $$;
CREATE FUNCTION hostile.own_range() RETURNS text LANGUAGE sql AS $$ SELECT ('[a,b]'::hostile.checked_range)::text $$;
CREATE FUNCTION hostile.tags() RETURNS text[] LANGUAGE sql AS $$ SELECT '{a}'::text[] $$;
RESET check_function_bodies;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_hostile', 'reader');
\set ECHO none
SET SESSION AUTHORIZATION regress_hostile;
CREATE TYPE hostile.checked_range AS RANGE (subtype = hostile.checked);
CREATE DOMAIN hostile.text AS pg_catalog.text CHECK (hostile.note('the check of a domain with the name of a type'));
SET search_path = hostile, pg_catalog;
\set ECHO all
\set VERBOSITY sqlstate
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA hostile', '{hostile}') WHERE kind = 'function';
\set VERBOSITY default
SELECT count(*) > 0 AS differ FROM cmig.diff_schemas('hostile', 'hostile_new');
DROP DOMAIN hostile.text;
RESET SESSION AUTHORIZATION;
RESET search_path;
\set VERBOSITY sqlstate
SELECT object, downgrade_sql ~ '^SET check_function_bodies' AS unchecked
	FROM cmig.diff('CREATE SCHEMA hostile', '{hostile}') WHERE kind = 'function' ORDER BY object COLLATE "C";
\set VERBOSITY default

-- lint analyzes defaults
SELECT rule, severity FROM cmig.lint_sql($$
CREATE TABLE hostile.u (id integer);
ALTER TABLE hostile.t ADD COLUMN p hostile.pair DEFAULT '(x,1)'::hostile.pair, ADD COLUMN q text DEFAULT ('(x,1)'::hostile.pair)::text;
ALTER TABLE hostile.t ALTER COLUMN id TYPE text USING ('(x,1)'::hostile.pair)::text;
$$) ORDER BY 1, 2;

-- a materialized view that is created again is filled with its owner's privileges, and
-- with the rows that its owner may see
\set ECHO none
CREATE SCHEMA hostile_view AUTHORIZATION regress_hostile;
CREATE TABLE public.secret (id integer, tenant text);
INSERT INTO public.secret VALUES (1, 'regress_hostile'), (2, 'other');
ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.secret USING (tenant = current_user);
GRANT SELECT ON public.secret TO regress_hostile;
SET SESSION AUTHORIZATION regress_hostile;
CREATE MATERIALIZED VIEW hostile_view.seen AS SELECT id, hostile.note('a materialized view') AS noted FROM public.secret;
RESET SESSION AUTHORIZATION;
SELECT replace(cmig.schema_sql('{public,hostile_view}', owners => true), 'id integer', 'id bigint') AS target \gset
\set ECHO all
SELECT action, regexp_replace(upgrade_sql, '\ysecret\.id', 'id') AS upgrade_sql FROM cmig.diff(:'target', '{public,hostile_view}') WHERE object = 'hostile_view.seen';
SELECT line FROM cmig.autogenerate('Wider ids', :'target', '001', schemas => '{public,hostile_view}', store => true),
	regexp_split_to_table(content, E'\n') WITH ORDINALITY AS l (line, n)
	WHERE line ~ 'MATERIALIZED|NO DATA|row_security|cmig:' ORDER BY n;
SELECT revision FROM cmig.upgrade();
SELECT id FROM hostile_view.seen;
SELECT revision FROM cmig.downgrade('base');
SELECT id FROM hostile_view.seen;
SELECT cmig.remove_revision('001');
DROP TABLE public.secret CASCADE;

-- it stays empty if its owner could not own the new view, because then REFRESH would run
-- with the caller's privileges if the script goes on after the error
CREATE ROLE regress_hostile_admin;
GRANT regress_hostile TO regress_hostile_admin;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_hostile_admin', 'migrator');
\set ECHO none
CREATE SCHEMA hostile_admin AUTHORIZATION regress_hostile_admin;
GRANT USAGE, CREATE ON SCHEMA hostile_admin TO regress_hostile;
SET SESSION AUTHORIZATION regress_hostile_admin;
CREATE TABLE hostile_admin.t (id integer);
GRANT SELECT ON hostile_admin.t TO regress_hostile;
SET SESSION AUTHORIZATION regress_hostile;
CREATE MATERIALIZED VIEW hostile_admin.seen AS SELECT id FROM hostile_admin.t;
SET SESSION AUTHORIZATION regress_hostile_admin;
SELECT replace(cmig.schema_sql('{hostile_admin}'), 'id integer', 'id bigint') AS target \gset
\set ECHO all
SELECT regexp_replace(upgrade_sql, '\yt\.id', 'id') AS upgrade_sql FROM cmig.diff(:'target', '{hostile_admin}', privileges => false) WHERE object = 'hostile_admin.seen';
REVOKE CREATE ON SCHEMA hostile_admin FROM regress_hostile;
SELECT regexp_replace(upgrade_sql, '\yt\.id', 'id') AS upgrade_sql, hazard FROM cmig.diff(:'target', '{hostile_admin}', privileges => false) WHERE object = 'hostile_admin.seen';
RESET SESSION AUTHORIZATION;
DROP SCHEMA hostile_admin CASCADE;
\set ECHO none
DROP OWNED BY regress_hostile_admin;
DROP ROLE regress_hostile_admin;

SET client_min_messages = error;
DROP LANGUAGE regress_hostile_language CASCADE;
DROP SCHEMA hostile, hostile_new, hostile_view CASCADE;
DROP OWNED BY regress_hostile;
DROP ROLE regress_hostile;
DROP EXTENSION pg_cmig;
