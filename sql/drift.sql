--
-- Drift: the live schema compared with what the applied revisions create
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_drift_owner;
CREATE ROLE regress_drift_reader;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_drift_owner;
GRANT ALL ON SCHEMA public TO regress_drift_owner;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_drift_owner', 'migrator');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_drift_owner', 'author');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_drift_reader', 'reader');
\set ago 'SELECT item, regexp_replace(value, \'^[0-9]+ seconds? ago\', \'just now\') AS value, hint FROM cmig.status() WHERE item = \'drift\''

-- nothing is loaded
SELECT * FROM cmig.drift();
SELECT revision, direction, outcome, message FROM cmig.journal;
SELECT cmig.create_revision('accounts', E'CREATE TABLE account (id integer PRIMARY KEY, note text);\nINSERT INTO account VALUES (1)', 'DROP TABLE account', revision => '001');
SELECT cmig.create_revision('invoices', 'CREATE SCHEMA app; CREATE TABLE app.invoice (id integer PRIMARY KEY, account integer REFERENCES account)', 'DROP SCHEMA app CASCADE', revision => '002');
SELECT * FROM cmig.upgrade('001');
:ago;
SELECT * FROM cmig.drift();
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.drift();
:ago;

-- changes by hand, and their repair
ALTER TABLE account DROP note, ADD byhand integer;
CREATE INDEX byhand ON app.invoice (account);
SELECT step, action, kind, object, upgrade_sql, downgrade_sql, hazard FROM cmig.drift();
SELECT object FROM cmig.drift('{app}');
SELECT object FROM cmig.drift('{public}', privileges => false);
SELECT object FROM cmig.drift(compare => 'models', renames => '{column public.account.byhand -> note}');
:ago;
SELECT severity, object, regexp_replace(problem, '[0-9]+ seconds? ago', 'just now') AS problem, fix FROM cmig.check() WHERE object = 'schema';
SELECT revision, direction, outcome, message FROM cmig.journal WHERE direction = 'drift' ORDER BY id;
SELECT upgrade_sql FROM cmig.drift() ORDER BY step \gexec
SELECT * FROM cmig.drift();
SELECT severity, object, problem, fix FROM cmig.check() WHERE object = 'schema';

-- what is dropped and created again on the way is not a difference
BEGIN;
SELECT cmig.create_revision('moods', 'CREATE TYPE app.mood AS ENUM (''sad''); ALTER TABLE app.invoice ADD mood app.mood DEFAULT ''sad''; CREATE VIEW app.moods AS SELECT mood FROM app.invoice', revision => '003');
SELECT count(*) FROM cmig.upgrade();
ALTER TYPE app.mood ADD VALUE 'ok';
ALTER TABLE account ALTER note TYPE varchar(9), ALTER note SET DEFAULT 'x', ALTER note SET STATISTICS 5;
SELECT step, action, kind, object FROM cmig.drift();
:ago;
ROLLBACK;

-- what a revision needs to be replayed
SELECT cmig.create_revision('rows', E'SELECT 1 / count(*) FROM account;\nUPDATE account SET note = ''x''', '', revision => '003');
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.drift();
SELECT * FROM cmig.downgrade('002');
SELECT cmig.remove_revision('003');
SELECT cmig.create_revision('needs', E'CREATE VIEW v AS SELECT 1 AS a;\n\nSELECT 1 / count(*) FROM app.invoice', 'DROP VIEW v', revision => '003');
INSERT INTO app.invoice VALUES (1, 1);
SELECT * FROM cmig.upgrade();
\set VERBOSITY sqlstate
SELECT * FROM cmig.drift();
SELECT * FROM cmig.drift(raise => false);
:ago;
UPDATE cmig.revision SET upgrade_sql = E'CREATE VIEW v AS SELECT 1 AS a;\n\n-- cmig:replay skip\nSELECT 1 / count(*) FROM app.invoice' WHERE revision = '003';
SELECT * FROM cmig.drift();
SELECT severity, object, problem FROM cmig.check() WHERE object = '003';

-- extensions: part of the database, unless revisions have created and dropped them
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
SELECT cmig.create_revision('uses', 'ALTER TABLE account ADD email citext /* CREATE EXTENSION hstore */', 'ALTER TABLE account DROP email', revision => '004');
\set VERBOSITY default
SELECT * FROM cmig.upgrade();
\set VERBOSITY sqlstate
SELECT * FROM cmig.drift();
SELECT kind, object, upgrade_sql FROM cmig.diff('CREATE EXTENSION citext') WHERE kind = 'extension';
-- capture writes an extension that a captured object needs
BEGIN;
ALTER TABLE account ADD more hstore;
SELECT substring(content FROM '-- cmig:upgrade.*') AS content FROM cmig.capture('more', revision => '005');
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET upgrade_sql = upgrade_sql || E'\nDO $$ BEGIN IF true THEN CREATE EXTENSION IF NOT EXISTS "hstore"; END IF; END $$; DROP EXTENSION hstore' WHERE revision = '004';
SELECT * FROM cmig.drift();
SELECT kind, object, upgrade_sql FROM cmig.diff('CREATE EXTENSION citext') WHERE kind = 'extension';
ROLLBACK;
-- an extension is kept together with its schema
DROP EXTENSION hstore;
CREATE SCHEMA extensions;
CREATE EXTENSION hstore SCHEMA extensions;
SELECT kind, object, upgrade_sql FROM cmig.diff('CREATE EXTENSION citext') WHERE kind IN ('extension', 'schema');
DROP SCHEMA extensions CASCADE;
\set VERBOSITY default

-- capture
SELECT * FROM cmig.capture('nothing');
ALTER TABLE account RENAME note TO remark;
CREATE TABLE app.byhand (a integer);
COMMENT ON TABLE app.byhand IS 'by hand';
SELECT regexp_replace(content, 'create_date: [^\n]*', 'create_date: ...') AS content FROM cmig.capture('By hand', revision => '005', renames => '{column public.account.note -> remark}');
SELECT revision FROM cmig.current();
SELECT revision, file_name, hazards FROM cmig.capture('By hand', revision => '005', renames => '{column public.account.note -> remark}', store => true);
SELECT revision FROM cmig.current();
SELECT revision, direction, outcome, message FROM cmig.journal ORDER BY id DESC LIMIT 1;
SELECT * FROM cmig.drift();
SELECT * FROM cmig.downgrade('004');
SELECT * FROM cmig.drift();
\set VERBOSITY sqlstate
SELECT * FROM cmig.capture('pending');
\set VERBOSITY default
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.drift();
-- loaded by hand
ALTER TABLE account ADD more integer;
SELECT content FROM cmig.capture('More', revision => '006') \gset
SELECT direction, revision, outcome, message FROM cmig.journal ORDER BY id DESC LIMIT 1;
-- the schema has changed since
BEGIN;
ALTER TABLE account DROP more;
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.current();
ROLLBACK;
-- the file has changed since
BEGIN;
SELECT * FROM cmig.load(replace(:'content', 'more integer', 'more integer DEFAULT 1'));
SELECT revision FROM cmig.current();
ROLLBACK;
-- something cannot be replayed
BEGIN;
UPDATE cmig.revision SET upgrade_sql = upgrade_sql || '; SELECT 1 / 0' WHERE revision = '004';
\set VERBOSITY sqlstate
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.current();
ROLLBACK;
-- loaded by another role
BEGIN;
CREATE ROLE regress_drift_other SUPERUSER;
SET ROLE regress_drift_other;
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.current();
ROLLBACK;
-- as cmig.role
\set ECHO none
BEGIN;
DELETE FROM cmig.journal WHERE direction = 'drift';
CREATE ROLE regress_drift_other SUPERUSER;
SET LOCAL cmig.role = 'regress_drift_other';
\set VERBOSITY default
\set ECHO all
SELECT revision FROM cmig.capture('More', revision => '006');
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.current();
ROLLBACK;
-- below a revision that is not applied, and with one above it
BEGIN;
SELECT cmig.create_revision('Before', 'SELECT 1', revision => '005b');
SELECT * FROM cmig.load(replace(:'content', 'down_revision: 005', 'down_revision: 005b'));
SELECT revision FROM cmig.current();
ROLLBACK;
BEGIN;
SELECT * FROM cmig.load(:'content' || E'\n-- revision: 007\n-- down_revision: 006\n-- cmig:upgrade\nSELECT 1;\n');
SELECT revision FROM cmig.current();
ROLLBACK;
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.current();
SELECT direction, revision, outcome, message FROM cmig.journal ORDER BY id DESC LIMIT 1;
SELECT * FROM cmig.drift();
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.capture('');
SELECT * FROM cmig.capture(NULL);
\set VERBOSITY sqlstate

-- names as people do not write them
BEGIN;
CREATE TABLE app."T"" '--
x" ("select" integer);
SELECT revision FROM cmig.capture('Names', revision => 'n1', store => true);
\set ECHO none
ALTER TABLE app."T"" '--
x" RENAME "select" TO "fr""om";
ALTER TABLE app."T"" '--
x" RENAME TO "->";
-- a body that needs the new names
CREATE FUNCTION app.values() RETURNS SETOF integer LANGUAGE sql AS 'SELECT "fr""om" FROM app."->"';
\set ECHO all
SELECT regexp_replace(content, 'create_date: [^\n]*', 'create_date: ...') AS content
FROM cmig.capture('Names', revision => 'n2', store => true, renames => ARRAY[$$table app."T"" '--
x" -> "->"$$, $$column app."T"" '--
x"."select" -> "fr""om"$$]);
SELECT * FROM cmig.drift();
ROLLBACK;
SELECT * FROM cmig.capture('x', renames => '{"table app.a"}');
SELECT * FROM cmig.capture('x', renames => '{"table app.a -> b"}');
-- the audit log: revisions create one of their own in a replay
SELECT cmig.create_revision('audit', 'SELECT cmig.enable_audit(''account''); SELECT cmig.enable_audit(''app.invoice''); INSERT INTO account VALUES (7); CREATE VIEW changes AS SELECT * FROM cmig_audit.log; GRANT SELECT ON cmig_audit.log, changes TO regress_drift_reader', revision => '007');
\set VERBOSITY default
SELECT count(*) FROM cmig.upgrade();
SELECT * FROM cmig.drift();
SELECT count(*) FROM cmig_audit.log;
SELECT count(*) FROM cmig.disable_audit('account');
SELECT count(*) FROM cmig.enable_audit('app.byhand');
ALTER TABLE app.invoice DISABLE TRIGGER cmig_audit_insert;
SELECT action, kind, object, hazard FROM cmig.drift();
SELECT count(*) FROM cmig.drift(compare => 'models');
DROP VIEW changes;
SELECT count(*) FROM cmig.disable_audit('app.byhand');
SELECT count(*) FROM cmig.disable_audit('app.invoice');
DELETE FROM cmig.version;
INSERT INTO cmig.version VALUES ('006');
SELECT cmig.remove_revision('007');
-- hidden columns that were dropped by hand: names, not column numbers
SELECT cmig.create_revision('redacted', 'CREATE TABLE secret (id integer PRIMARY KEY, pin text, note text); SELECT cmig.enable_audit(''secret'', exclude => ''{note}'', redact => ''{pin}'')', 'DROP TABLE secret', revision => '007');
SELECT count(*) FROM cmig.upgrade();
ALTER TABLE secret DROP note;
SELECT action, kind, object, hazard FROM cmig.drift();
ALTER TABLE secret DROP pin;
SELECT action, kind, object, hazard FROM cmig.drift();
SELECT count(*) FROM cmig.downgrade('-1');
SELECT cmig.remove_revision('007');
DROP SCHEMA cmig_audit CASCADE;

\set VERBOSITY sqlstate
-- refused
SELECT * FROM cmig.drift('{}');
SELECT * FROM cmig.drift('{cmig}');
SELECT * FROM cmig.drift(ARRAY[NULL]);
SELECT * FROM cmig.drift('{nowhere}');
SELECT * FROM cmig.drift(compare => 'some');
\set VERBOSITY default
SELECT * FROM cmig.drift(renames => '{x}');
BEGIN READ ONLY;
SELECT * FROM cmig.drift();
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM cmig.capture('x');
ROLLBACK;
BEGIN;
SELECT cmig.create_revision('calls', 'SELECT * FROM cmig.drift()', revision => 'calls');
\set VERBOSITY sqlstate
SELECT cmig.upgrade();
\set VERBOSITY default
\set ECHO none
ROLLBACK;
BEGIN;
DELETE FROM cmig.revision WHERE revision = '006';
\set VERBOSITY sqlstate
\set ECHO all
SELECT * FROM cmig.drift();
ROLLBACK;
INSERT INTO cmig.journal (id, direction, outcome, started_at, role) VALUES (1000, 'upgrade', 'done', now(), current_user);
SET ROLE regress_drift_reader;
\set VERBOSITY default
SELECT * FROM cmig.drift();
RESET ROLE;
-- without owning the schemas
SET ROLE regress_drift_owner;
SELECT * FROM cmig.drift('{app}');
SELECT * FROM cmig.drift(comments => false);
RESET ROLE;
-- a schema of another role that no revision names: what is not compared is told
CREATE SCHEMA apart CREATE TABLE x ();
CREATE SCHEMA own AUTHORIZATION regress_drift_owner;
SET ROLE regress_drift_owner;
SELECT object, hazard FROM cmig.drift();
\set ECHO none
RESET ROLE;
DROP SCHEMA own;
BEGIN;
DELETE FROM cmig.version;
SET ROLE regress_drift_owner;
\set ECHO all
SELECT * FROM cmig.drift();
SELECT message FROM cmig.journal ORDER BY id DESC LIMIT 1;
SELECT regexp_replace(value, '^.*ago: ', '') FROM cmig.status() WHERE item = 'drift';
ROLLBACK;
DROP SCHEMA apart CASCADE;

-- revisions are replayed with the search_path with which they have run, and as "$user" of the role that ran them
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
\set ECHO none
SELECT cmig.create_revision('here', 'CREATE TABLE here (a int)', 'DROP TABLE here', revision => '101') \gset
SELECT cmig.create_revision('of the role', 'CREATE TABLE mine (a int)', 'DROP TABLE mine', revision => '102') \gset
CREATE SCHEMA "odd, ""name";
CREATE SCHEMA regress_drift_owner AUTHORIZATION regress_drift_owner;
SELECT cmig.grant_access('regress_drift_owner', 'migrator') \g /dev/null
SET search_path = "odd, ""name", public;
\set ECHO all
SELECT revision FROM cmig.upgrade('101');
RESET search_path;
SET ROLE regress_drift_owner;
SELECT revision FROM cmig.upgrade();
RESET ROLE;
SELECT revision, search_path, role <> current_user AS other FROM cmig.journal WHERE revision ~ '^10' ORDER BY id;
SELECT object, hazard FROM cmig.drift(ARRAY['odd, "name', 'regress_drift_owner']);
SET search_path = pg_catalog;
SELECT object, hazard FROM cmig.drift(ARRAY['odd, "name', 'regress_drift_owner']);
RESET search_path;
-- one that has not run here starts with the caller's
SELECT cmig.create_revision('not yet', 'CREATE TABLE notyet (a int)', 'DROP TABLE notyet', revision => '103') \gset
\set VERBOSITY sqlstate
SELECT content FROM cmig.autogenerate('x', 'CREATE TABLE public.notyet (a int); CREATE SCHEMA "odd, ""name" CREATE TABLE here (a int); CREATE SCHEMA regress_drift_owner CREATE TABLE mine (a int)', source => 'replay');
DROP SCHEMA "odd, ""name", regress_drift_owner CASCADE;
\set VERBOSITY default

DROP EXTENSION pg_cmig CASCADE;
DROP SCHEMA app CASCADE;
-- partitions made by hand, of a table whose partitions no revision creates
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('Measure', 'CREATE TABLE measure (at date) PARTITION BY RANGE (at)', 'DROP TABLE measure', revision => 'measure');
SELECT revision FROM cmig.upgrade();
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE INDEX ON measure_1 (at);
\set VERBOSITY sqlstate
SELECT object, upgrade_sql FROM cmig.drift(raise => false) WHERE object ~ 'measure';
SET quote_all_identifiers = on;
SELECT object, upgrade_sql FROM cmig.drift('{public}', raise => false) WHERE object ~ 'measure';
RESET quote_all_identifiers;
SELECT content ~ 'measure_1' AS captured FROM cmig.capture('Nothing about it', 'none');
\set ECHO none
DROP TABLE measure;
DROP EXTENSION pg_cmig;
DROP VIEW v;
DROP TABLE account;
DROP EXTENSION citext;
DROP OWNED BY regress_drift_owner, regress_drift_reader;
DROP ROLE regress_drift_owner, regress_drift_reader;
