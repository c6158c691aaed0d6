--
-- Two versions at once in scopes
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_expand_tenant;
SELECT format('CREATE SCHEMA tenant_%s', n) FROM generate_series(1, 4) n \gexec
\set ECHO none
CREATE SCHEMA "Tenant-5";
SELECT * FROM cmig.load($c$
-- revision: s01
-- branch_labels: shared
-- message: Currencies
-- cmig:upgrade
CREATE TABLE public.currency (code text PRIMARY KEY, name text);
CREATE TABLE public.seen (scope name);
-- cmig:downgrade
DROP TABLE public.currency, public.seen;

-- revision: 041
-- branch_labels: tenant
-- depends_on: s01
-- message: People
-- cmig:upgrade
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'glad', cur text REFERENCES currency);
CREATE FUNCTION part(text, int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT split_part($1, '' '', $2)';
CREATE VIEW names AS SELECT name FROM person;
INSERT INTO seen VALUES (current_schema());
-- cmig:downgrade
DROP VIEW names; DROP FUNCTION part; DROP TABLE person; DROP TYPE mood;
$c$);
\set VERBOSITY terse
\set ECHO all
SELECT revision FROM cmig.upgrade('shared@head');
\set VERBOSITY sqlstate
CALL cmig.upgrade_scopes('tenant\__', 'tenant@head');
SET cmig.scope = 'Tenant-5';
\set VERBOSITY terse
SELECT revision FROM cmig.upgrade('041');
\set ECHO none
RESET cmig.scope;
INSERT INTO tenant_1.person VALUES (1, 'Ada Lovelace'), (2, 'Alan Turing');
INSERT INTO tenant_2.person VALUES (1, 'Grace Hopper'), (2, 'Barbara Liskov');
INSERT INTO "Tenant-5".person VALUES (1, 'Edgar Codd');
SELECT * FROM cmig.load($c$
-- revision: 042
-- down_revision: 041
-- message: First and last names
-- expand: true
-- cmig:upgrade
DROP VIEW names;
ALTER TABLE person ADD COLUMN first_name text NOT NULL UNIQUE;
-- cmig:up person.first_name = part(name, 1)
ALTER TABLE person ADD COLUMN last_name text NOT NULL;
-- cmig:up person.last_name = part(name, 2)
ALTER TABLE person DROP COLUMN name;
-- cmig:down person.name = first_name || ' ' || last_name
ALTER TABLE person RENAME COLUMN cur TO currency;
CREATE VIEW names AS SELECT first_name FROM person;
$c$);

-- one scope is expanded, the others are not
SET cmig.scope = 'tenant_1';
\set ECHO all
CALL cmig.contract();
CALL cmig.expand('042');
SELECT relation, version, old_column, new_column, rows_filled, rows_left, state FROM cmig.expansion();
SELECT item, value, hint FROM cmig.status() WHERE item ~ 'expan';
\set ECHO none
INSERT INTO tenant_1.person VALUES (3, 'Tony Hoare');
SET search_path = tenant_1_042, tenant_1, public;
INSERT INTO person (id, first_name, last_name) VALUES (4, 'Edsger', 'Dijkstra');
UPDATE person SET last_name = 'King' WHERE id = 1;
\t
\set ECHO all
TABLE person ORDER BY id;
TABLE names ORDER BY 1;
\t
RESET search_path;
SELECT id, name FROM tenant_1.person ORDER BY id;
RESET cmig.scope;
SELECT * FROM cmig.expansion();
SELECT item, value, hint FROM cmig.status() WHERE item ~ 'expan';

-- the guards are those of the scope
SELECT cmig.create_revision('Next', 'CREATE TABLE next ()', 'DROP TABLE next', revision => '043', head => '042');
SET cmig.scope = 'tenant_1';
\set VERBOSITY default
SELECT * FROM cmig.upgrade('042');
SELECT cmig.require('042');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('tenant@head');
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.stamp('042');
$calls$);
\set ECHO all
CALL cmig.upgrade_stepwise('tenant@head');
CALL cmig.expand('043');
RESET cmig.scope;
SELECT cmig.remove_revision('043');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.remove_revision('042');
SELECT * FROM cmig.create_scope('tenant_9', '041', copy_of => 'tenant_1');
SELECT cmig.drop_scope('tenant_1', confirm => 'tenant_1');
$calls$);
\set ECHO all
BEGIN;
\set VERBOSITY sqlstate
CALL cmig.expand('042', scopes => 'tenant\__');
ROLLBACK;
CALL cmig.upgrade_scopes('tenant\_1%', '042');
SET cmig.scope = 'tenant_2';
\set VERBOSITY terse
SELECT revision FROM cmig.upgrade('042');
\set VERBOSITY sqlstate
SELECT revision FROM cmig.downgrade('-1');
\set VERBOSITY terse
RESET cmig.scope;
SELECT relname FROM pg_class WHERE relnamespace = 'tenant_2'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1;
SELECT attname FROM pg_attribute WHERE attrelid = 'tenant_2.person'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT id, name FROM tenant_2.person ORDER BY id;

-- the scopes' schemas are equal but for what is expanded, and what is not
SELECT scope, object FROM cmig.scope_drift();
CREATE INDEX hand ON tenant_3.person (cur);
SELECT scope, object FROM cmig.scope_drift();

-- all scopes, one after another: one is not as its revisions create it, another has two rows with the same name
\set ECHO none
ALTER TABLE tenant_4.person RENAME COLUMN cur TO hand;
DROP INDEX tenant_3.hand;
INSERT INTO tenant_3.person VALUES (1, 'Ada Lovelace'), (2, 'Ada Byron');
\set VERBOSITY default
\set ECHO all
CALL cmig.expand('042', scopes => 'no such %');
CALL cmig.expand('042', 'tenant\__');
CALL cmig.expand('042', scopes => '%', max_failures => 9);
SELECT scope, revision, state FROM cmig.expansion_run ORDER BY scope COLLATE "C";
-- they are recorded as failed
SELECT scope, failed FROM cmig.scopes() WHERE failed IS NOT NULL;
SELECT scope, revision, direction, outcome, sqlstate FROM cmig.journal WHERE outcome = 'failed' ORDER BY scope, id;
SELECT item, value, hint FROM cmig.status() WHERE item ~ 'scopes';
SELECT value FROM cmig.metrics WHERE name = 'pg_cmig_scopes_failed';
SET cmig.scope = 'tenant_4';
SELECT item, value, hint FROM cmig.status() WHERE item IN ('failed', 'expanded');
SET cmig.scope = 'tenant_3';
SELECT item, value, hint FROM cmig.status() WHERE item IN ('failed', 'expanded');
RESET cmig.scope;
ALTER TABLE tenant_4.person RENAME COLUMN hand TO cur;
UPDATE tenant_3.person SET name = 'Augusta Byron' WHERE id = 2;
CALL cmig.expand('042', scopes => '%');
INSERT INTO "Tenant-5_042".person (id, first_name, last_name) VALUES (2, 'Jim', 'Gray');
SELECT id, name FROM "Tenant-5".person ORDER BY id;
SELECT item, value, hint FROM cmig.status() WHERE item ~ 'expan';

-- the database is expanded beside its scopes
SELECT cmig.create_revision('Full names', 'ALTER TABLE public.currency RENAME COLUMN name TO full_name', NULL, revision => 's02', head => 's01', expand => true);
\set VERBOSITY terse
\set VERBOSITY sqlstate
CALL cmig.expand('s02');
\set VERBOSITY terse
SELECT relation, version, new_column FROM cmig.expansion();
CALL cmig.contract();
SELECT relation FROM cmig.expansion();

-- a schema that was dropped by hand
DROP SCHEMA tenant_4 CASCADE;
\set VERBOSITY sqlstate
CALL cmig.abandon(scopes => 'tenant_4');
\set VERBOSITY default
SELECT cmig.drop_scope('tenant_4', confirm => 'tenant_4');
SELECT count(*) FROM cmig.expansion_step WHERE scope = 'tenant_4';
DROP SEQUENCE tenant_4_042.cmig_old_person; DROP SCHEMA tenant_4_042;

-- abandon one, contract the others
\set VERBOSITY terse
CALL cmig.abandon(scopes => 'tenant_3');
SELECT nspname FROM pg_namespace WHERE nspname ~ '042' ORDER BY nspname COLLATE "C";
\set VERBOSITY sqlstate
UPDATE tenant_1.person SET name = NULL WHERE id = 2;
\set VERBOSITY terse
CALL cmig.contract(scopes => '%');
SELECT scope, current, pending, failed FROM cmig.scopes();
SELECT scope, revision FROM cmig.expansion_run;
SELECT nspname FROM pg_namespace WHERE nspname ~ '042' ORDER BY nspname COLLATE "C";
SET cmig.scope = 'tenant_3';
SELECT revision FROM cmig.upgrade('042');
SELECT scope, object FROM cmig.scope_drift();
SELECT id, first_name, last_name FROM tenant_1.person ORDER BY id;
SELECT journal.scope, revision, outcome, message FROM cmig.journal WHERE revision = '042' AND direction = 'upgrade' AND message = 'contracted' ORDER BY id;
SELECT scope FROM seen ORDER BY 1;

-- refused before anything runs
SELECT cmig.create_revision('Elsewhere', 'ALTER TABLE public.currency ADD COLUMN sign text', NULL, revision => '043', head => '042', expand => true);
\set VERBOSITY default
CALL cmig.expand('043');
GRANT CREATE ON SCHEMA tenant_3 TO regress_expand_tenant;
\set VERBOSITY sqlstate
CALL cmig.expand('043');
SELECT scope FROM cmig.expansion_run;
REVOKE CREATE ON SCHEMA tenant_3 FROM regress_expand_tenant;
\set VERBOSITY default
SELECT revision FROM cmig.upgrade('043');
SELECT * FROM cmig.downgrade('042');
SELECT cmig.version_schema('042', repeat('a', 60) || '_1') <> cmig.version_schema('042', repeat('a', 60) || '_2');
\set ECHO none
DROP ROLE regress_expand_tenant;
RESET cmig.scope;
SET client_min_messages = warning;
DROP SCHEMA tenant_1, tenant_2, tenant_3, "Tenant-5" CASCADE;
DROP TABLE currency, seen;
DROP EXTENSION pg_cmig;
