--
-- Privileges on pg_cmig that cmig.grant_access did not grant
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE ROLE regress_own;
CREATE ROLE regress_reads;
CREATE ROLE "regress App";
CREATE ROLE regress_other;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_own;
SET ROLE regress_own;
CREATE EXTENSION pg_cmig;
RESET ROLE;
GRANT CREATE ON SCHEMA public TO regress_own;
CREATE VIEW findings AS SELECT severity, object, problem, fix FROM cmig.check() WHERE object <> 'pg_dump';
CREATE VIEW mentioned AS SELECT * FROM cmig.status() WHERE item = 'access';
\set ECHO all
-- only levels, each alone and all together
SELECT * FROM findings;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_reads', 'reader');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress App', 'author');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress App', 'migrator');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_other', 'application');
SELECT * FROM findings;
SELECT * FROM mentioned;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_other', 'owner');
SELECT * FROM findings;
SELECT count(*) FROM cmig.revoke_access('regress_other');
-- the database belongs to a role that cannot use pg_cmig, as after a restore by a superuser
SELECT format('ALTER DATABASE %I OWNER TO "regress App"', :'DBNAME') AS give, format('ALTER DATABASE %I OWNER TO %I', :'DBNAME', current_user) AS take \gset
:give;
SELECT * FROM findings;
SELECT * FROM mentioned;
\set ECHO none
SELECT fix FROM findings \gset
:take;
ALTER ROLE "regress App" SUPERUSER;
:give;
\set ECHO all
SELECT * FROM findings;
ALTER ROLE "regress App" NOSUPERUSER;
GRANT regress_own TO "regress App";
SELECT * FROM findings;
REVOKE regress_own FROM "regress App";
SELECT count(*) > 0 AS fixed FROM (:fix) f;
SELECT * FROM findings;
:take;
SELECT count(*) > 0 AS revoked FROM cmig.revoke_access('regress App');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress App', 'author');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress App', 'migrator');
-- more than a level
\set ECHO none
\x
GRANT UPDATE (created_by, message), TRUNCATE ON cmig.revision TO "regress App";
GRANT SELECT ON cmig.secret TO "regress App" WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION cmig.disable_audit(regclass), cmig.disable_rls(regclass), cmig.load(text,boolean,boolean), cmig.merge(text[],text,text,boolean,text),
	cmig.repair(text), cmig.reset(text), cmig.set_protect(text), cmig.stamp(text,boolean) TO regress_reads;
\set ECHO all
SELECT * FROM findings;
SELECT * FROM mentioned;
\x
-- the fixes, as they stand there
\o /dev/null
SELECT fix FROM findings ORDER BY fix \gexec
\o
SELECT * FROM findings;
SELECT * FROM mentioned;
-- a level that another role has granted, as a restored dump does that the owner has loaded
\set ECHO none
CREATE ROLE regress_restored;
SET ROLE regress_own;
DO $$
DECLARE
	held record;
BEGIN
	FOR held IN SELECT o.* FROM (
		SELECT a.privilege_type, 'SCHEMA cmig', a.grantee FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'cmig'
		UNION ALL SELECT a.privilege_type, CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || c.oid::regclass, a.grantee
			FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'cmig'::regnamespace
		UNION ALL SELECT a.privilege_type, 'ROUTINE ' || p.oid::regprocedure, a.grantee
			FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = 'cmig'::regnamespace) o (privilege, object, grantee)
		WHERE o.grantee = 'regress_reads'::regrole
	LOOP
		EXECUTE format('GRANT %s ON %s TO regress_restored', held.privilege, held.object);
	END LOOP;
END $$;
RESET ROLE;
\set ECHO all
SELECT count(*) FROM findings WHERE object ~ 'restored';
GRANT INSERT ON cmig.version TO regress_restored;
SELECT problem, fix FROM findings WHERE object ~ 'restored';
SELECT count(*) > 0 AS revoked FROM cmig.revoke_access('regress_restored');
\set ECHO none
DROP ROLE regress_restored;
-- less than a level, another grantor, and everybody
\x
GRANT USAGE ON SCHEMA cmig TO regress_other;
SET ROLE regress_own;
GRANT SELECT ON cmig.revision TO regress_reads;
RESET ROLE;
GRANT SELECT ON cmig.version, cmig.journal TO PUBLIC;
GRANT UPDATE ON SEQUENCE cmig.backfill_run_id_seq TO PUBLIC;
\set ECHO all
SELECT * FROM findings;
\o /dev/null
SELECT fix FROM findings ORDER BY fix \gexec
\o
SELECT * FROM findings;
-- the audit log
SET ROLE regress_own;
CREATE TABLE audited (id int PRIMARY KEY);
SELECT count(*) > 0 AS made FROM cmig.enable_audit('audited');
\set ECHO none
RESET ROLE;
SELECT * FROM findings;
SET ROLE regress_own;
GRANT USAGE ON SCHEMA cmig_audit TO regress_reads;
GRANT SELECT ON cmig_audit.log, cmig_audit.layout TO regress_reads;
RESET ROLE;
SELECT * FROM mentioned;
SET ROLE regress_own;
GRANT SELECT, DELETE ON cmig_audit.log_default TO "regress App";
GRANT UPDATE (reason) ON cmig_audit.log TO "regress App";
GRANT SELECT ON cmig_audit.log TO PUBLIC;
CREATE TABLE public.elsewhere PARTITION OF cmig_audit.log FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
GRANT INSERT ON public.elsewhere TO regress_other;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO regress_other;
ALTER DEFAULT PRIVILEGES IN SCHEMA cmig_audit GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC;
RESET ROLE;
\set ECHO all
SELECT * FROM findings;
SELECT * FROM mentioned;
-- a reader sees it too
SET SESSION AUTHORIZATION regress_reads;
SELECT count(*) FROM cmig.check() WHERE object ~ '^role |^PUBLIC|^default';
RESET SESSION AUTHORIZATION;
\o /dev/null
SELECT fix FROM findings ORDER BY fix \gexec
\o
SELECT * FROM findings;
SELECT * FROM mentioned;
\x
DROP EXTENSION pg_cmig CASCADE;
\set ECHO none
DROP OWNED BY regress_own CASCADE;
DROP OWNED BY regress_reads, "regress App", regress_other;
DROP ROLE regress_own, regress_reads, "regress App", regress_other;
