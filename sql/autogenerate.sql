--
-- cmig.autogenerate and cmig.require_schema
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
-- the file, without its date
CREATE FUNCTION pg_temp.undated(content text) RETURNS text LANGUAGE sql
AS $$SELECT regexp_replace(content, '-- create_date: [^\n]*', '-- create_date:')$$;
-- the same in brief: the header in one line, and no empty lines
CREATE FUNCTION pg_temp.brief(content text) RETURNS text LANGUAGE sql
AS $$SELECT replace(split_part(c, E'\n\\echo', 1), E'\n-- ', '; ') || regexp_replace(regexp_replace(c, '^.*?\\quit', ''), '\n\n+', E'\n', 'g') FROM pg_temp.undated(content) c$$;
\set ECHO all
\pset tuples_only on

-- the first revision of an empty database
\set models 'CREATE TYPE mood AS ENUM (\'sad\', \'happy\');CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, mood mood DEFAULT \'happy\');CREATE INDEX ON person (name);CREATE TABLE note (id int PRIMARY KEY, person_id bigint NOT NULL REFERENCES person, body text);CREATE INDEX ON note (person_id);COMMENT ON TABLE note IS \'Notes\';'
SELECT revision, file_name, pg_temp.undated(content), hazards FROM cmig.autogenerate('Create people', :'models', revision => '001');
-- nothing was stored so far; now the revision is stored, as cmig.load does it
SELECT count(*) FROM cmig.history();
SELECT revision, hazards FROM cmig.autogenerate('Create people', :'models', revision => '001', store => true);
-- refused while revisions are pending
\set VERBOSITY sqlstate
SELECT * FROM cmig.autogenerate('More', :'models');
SELECT cmig.require_schema(:'models');
\set VERBOSITY default
SELECT revision FROM cmig.upgrade();
\set VERBOSITY sqlstate
-- the second time there is no difference
SELECT * FROM cmig.autogenerate('More', :'models');
SELECT cmig.require_schema(:'models');

-- changes, with hazards, also for an empty table, because the file is for other databases, too
\set ECHO none
SELECT cmig.schema_sql() AS before \gset
INSERT INTO person (name) VALUES ('Ann');
\set models 'CREATE TYPE mood AS ENUM (\'sad\', \'happy\');CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(50) NOT NULL, email text UNIQUE);CREATE INDEX ON person (name);CREATE TABLE note (id int PRIMARY KEY, person_id bigint NOT NULL REFERENCES person ON DELETE CASCADE, body text NOT NULL);COMMENT ON TABLE note IS \'Notes\';CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n\tRETURN NEW;\nEND$$;CREATE TRIGGER touch BEFORE UPDATE ON note FOR EACH ROW EXECUTE FUNCTION touch();'
\set VERBOSITY default
\set ECHO all
SELECT cmig.require_schema(:'models');
SELECT revision, pg_temp.brief(content), hazards FROM cmig.autogenerate('Change people', :'models', revision => '002', store => true);
SELECT revision FROM cmig.upgrade();
SELECT cmig.require_schema(:'models');
SELECT revision FROM cmig.downgrade('-1');
SELECT cmig.schema_sql() = :'before' AS as_before;
SELECT revision FROM cmig.upgrade();

-- hazards of the downgrade
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Wider', 'CREATE TYPE mood AS ENUM (''sad'', ''happy'');CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text);CREATE TABLE note (id bigint PRIMARY KEY, person_id bigint NOT NULL)', revision => '003', schemas => '{public}');

-- for a stepwise run: the header says so, but only if a statement needs it
SELECT revision, content ~ '\n-- transactional: true' AS transactional FROM cmig.autogenerate('New', :'models' || 'CREATE TABLE other (id int PRIMARY KEY); CREATE INDEX ON other (id)', revision => '003', concurrently => true);
SELECT pg_temp.brief(content), hazards FROM cmig.autogenerate('Stepwise', :'models' || 'CREATE INDEX ON note (body)', revision => '003', concurrently => true, store => true);
CALL cmig.upgrade_stepwise();
\set VERBOSITY sqlstate
SELECT * FROM cmig.autogenerate('More', :'models' || 'CREATE INDEX ON note (body)');
\set VERBOSITY default
CALL cmig.downgrade_stepwise('-1');
SELECT cmig.remove_revision('003');
-- also if only the downgrade needs it
ALTER TABLE note ADD CONSTRAINT note_once UNIQUE (body);
SELECT pg_temp.brief(content) FROM cmig.autogenerate('No constraint', :'models', revision => '003', concurrently => true, store => true);
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('-1');
SELECT count(*) FROM pg_constraint WHERE conname = 'note_once';
SELECT cmig.remove_revision('003');
ALTER TABLE note DROP CONSTRAINT note_once;

-- the file can be loaded again, whatever the names are
\set models 'CREATE TABLE "a-- revision: 009" (x int, "b\n-- cmig:downgrade" int, c text DEFAULT E\'\\n-- cmig:verify\\n;\\\\\'); CREATE TABLE "; DROP TABLE x; --" (); CREATE FUNCTION "f\'\"\"" () RETURNS text LANGUAGE sql AS $$SELECT \'\n -- revision: 010\n\'; -- cmig:downgrade\n$$; CREATE INDEX "--\n-- cmig:upgrade" ON "a-- revision: 009" ("b\n-- cmig:downgrade")'
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Hostile', :'models', schemas => '{public}', revision => '003');
SELECT content FROM cmig.autogenerate('Hostile', :'models', schemas => '{public}', revision => '003') \gset
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.upgrade();
SELECT cmig.require_schema(:'models');
SELECT revision FROM cmig.downgrade('-1');
SELECT revision FROM cmig.upgrade();
SELECT cmig.require_schema(:'models');
\set VERBOSITY sqlstate
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Back', '-- nothing', revision => '004', store => true);
\set VERBOSITY default
SELECT revision FROM cmig.upgrade();
SELECT cmig.require_schema('-- nothing');
SELECT revision FROM cmig.downgrade('-1');
\set VERBOSITY sqlstate
SELECT cmig.require_schema(:'models');
SELECT revision FROM cmig.upgrade();
\set VERBOSITY default

-- unsupported changes are in the file, as hazards, and in a warning
CREATE FOREIGN DATA WRAPPER regress_fdw;
CREATE ROLE regress_autogenerate_role;
SELECT pg_temp.brief(content), hazards FROM cmig.autogenerate('Roles', 'CREATE FOREIGN DATA WRAPPER regress_fdw; CREATE TABLE t (x int); CREATE ROLE regress_autogenerate_none; GRANT SELECT ON t TO regress_autogenerate_role', revision => '005');
SELECT content, hazards FROM cmig.autogenerate('Roles', 'CREATE FOREIGN DATA WRAPPER regress_fdw; CREATE ROLE regress_autogenerate_none', revision => '005', store => true) \gset
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.upgrade();
SELECT cmig.require_schema('CREATE FOREIGN DATA WRAPPER regress_fdw; CREATE ROLE regress_autogenerate_none');
DROP FOREIGN DATA WRAPPER regress_fdw;
DROP ROLE regress_autogenerate_role;

-- the options of draft
SELECT revision, file_name, content ~ '-- down_revision: 004\n-- depends_on: 002\n-- branch_labels: side' AS header
FROM cmig.autogenerate('A branch', 'CREATE TABLE t ()', 'side1', head => '004', splice => true, branch_label => 'side', depends_on => '{002}', file_template => '%(slug)s', store => true);
\set VERBOSITY sqlstate
SELECT * FROM cmig.autogenerate('Again', 'CREATE TABLE t ()', source => 'live');
\set VERBOSITY default
SELECT revision FROM cmig.upgrade('heads');
\set VERBOSITY sqlstate
SELECT * FROM cmig.autogenerate('Again', 'CREATE TABLE t (); CREATE TABLE u ()');
SELECT revision, hazards FROM cmig.autogenerate('Again', 'CREATE TABLE t (); CREATE TABLE u ()', 'u', head => 'side@head');

-- the options of diff
SELECT revision, hazards FROM cmig.autogenerate('Schemas', 'CREATE TABLE app.t ()', 'v', head => 'side@head', schemas => '{app}');
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Renames', 'CREATE TABLE t2 ()', 'v', head => 'side@head', renames => '{"table public.t -> t2"}');

-- objects that ORMs cannot define are ignored
\set ECHO none
CREATE TABLE m (id int PRIMARY KEY, note text) WITH (fillfactor = 50);
ALTER TABLE m ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, REPLICA IDENTITY FULL, ALTER note SET STORAGE EXTERNAL, ALTER note SET STATISTICS 7;
CREATE POLICY p ON m USING (true);
CREATE VIEW v AS SELECT note FROM m, t;
GRANT SELECT ON m TO PUBLIC;
\set ECHO all
SELECT cmig.require_schema('CREATE TABLE t (); CREATE TABLE m (id int PRIMARY KEY, note text)', compare => 'models');
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Models', 'CREATE TABLE t (); CREATE TABLE m (id int PRIMARY KEY, note varchar(9), more int) WITH (fillfactor = 60)', 'v', head => 'side@head', compare => 'models', store => true);
\set VERBOSITY default
SELECT revision FROM cmig.upgrade('v');
SELECT revision FROM cmig.downgrade('v-1');
SELECT * FROM cmig.diff('CREATE TABLE t (); CREATE TABLE m (id int PRIMARY KEY, note text)', compare => 'models');
SELECT cmig.remove_revision('v');
-- and is dropped with its table; dependents of an object that is dropped are reported
SELECT pg_temp.brief(content), hazards FROM cmig.autogenerate('Models', 'CREATE TABLE t (); CREATE TABLE m (id int PRIMARY KEY)', 'v', head => 'side@head', compare => 'models');
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Models', 'CREATE TABLE t ()', 'v', head => 'side@head', compare => 'models');
DROP TABLE m CASCADE;

\set VERBOSITY sqlstate
-- invalid calls
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.autogenerate(NULL, '');
SELECT * FROM cmig.autogenerate('a', NULL, head => '005');
SELECT * FROM cmig.autogenerate('a', 'CREATE TABL x', head => '005');
SELECT * FROM cmig.autogenerate('a', '--', '001');
SELECT * FROM cmig.autogenerate('a', '--', head => 'nothing');
SELECT * FROM cmig.autogenerate('a', '--', head => '004');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.autogenerate('a', '--', head => '005', file_template => NULL);
SELECT * FROM cmig.autogenerate('a', '--', head => '005', source => 'dead');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.autogenerate('a', '--', head => '005', compare => 'some');
SELECT * FROM cmig.autogenerate('a', '--', head => '005', schemas => '{}');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.require_schema(NULL);
SELECT cmig.require_schema('--', source => 'dead');
$calls$);
\set ECHO all
SELECT cmig.require_schema(E' \n');
\set VERBOSITY sqlstate
SELECT cmig.require_schema('--', schemas => '{nowhere}');
-- by a role that owns no schema, nothing would be compared
BEGIN;
CREATE ROLE regress_autogenerate_ci;
SELECT count(*) > 0 FROM cmig.grant_access('regress_autogenerate_ci', 'author');
SET ROLE regress_autogenerate_ci;
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE other ()');
SELECT cmig.require_schema('CREATE TABLE t (); CREATE TABLE other ()');
ROLLBACK;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.require_schema('--', schemas => '{nowhere}', source => 'replay');
SELECT cmig.require_schema('--', schemas => '{{a,b},{c,d}}');
SELECT cmig.require_schema('--', schemas => '{nowhere}', renames => '{{a,b},{c,d}}');
SELECT cmig.require_schema('--', renames => '{NULL}');
$calls$);
\set ECHO all
SELECT cmig.require_schema('CREATE TABLE t ()', renames => NULL, compare => NULL, source => NULL);
BEGIN READ ONLY;
SELECT cmig.require_schema('--');
ROLLBACK;
DROP TABLE t;
DROP EXTENSION pg_cmig;

--
-- source => 'replay': from the schema that the revisions create, in a database that is not up to date
--
CREATE EXTENSION pg_cmig;
CREATE TABLE by_hand (x int);
SELECT cmig.create_revision('One', 'CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY, old text); INSERT INTO app.a VALUES (1, ''x'')', 'DROP SCHEMA app CASCADE', revision => '001');
SELECT cmig.create_revision('Two', 'ALTER TABLE app.a ADD note text; CREATE INDEX ON app.a (note)', 'ALTER TABLE app.a DROP note', revision => '002');
\set models 'CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY, name text, note text); CREATE INDEX ON app.a (note); CREATE TABLE app.b ()'
SELECT cmig.require_schema(:'models');
\set VERBOSITY default
SELECT cmig.require_schema(:'models', source => 'replay');
SELECT pg_temp.brief(content), hazards FROM cmig.autogenerate('Three', :'models', revision => '003', source => 'replay', store => true, renames => '{"column app.a.old -> name"}');
SELECT cmig.require_schema(:'models', source => 'replay');
\set VERBOSITY sqlstate
SELECT * FROM cmig.autogenerate('Four', :'models', schemas => '{app}', source => 'replay');
-- the database was not touched, and has the schema after the upgrade
SELECT to_regnamespace('app');
\set VERBOSITY default
SELECT revision FROM cmig.upgrade();
SELECT cmig.require_schema(:'models', schemas => '{app}');
SELECT cmig.require_schema(:'models', source => 'replay');
SELECT revision FROM cmig.downgrade('base');
-- a new schema, and one that is dropped
SELECT pg_temp.brief(content), hazards FROM cmig.autogenerate('Four', 'CREATE SCHEMA other; CREATE TABLE other.x ()', revision => '004', source => 'replay');
\set VERBOSITY sqlstate
-- a rename of an object that does not exist, and a revision that cannot be replayed
SELECT * FROM cmig.autogenerate('Four', :'models', source => 'replay', renames => '{"column app.a.gone -> name"}');
SELECT cmig.create_revision('Rows', 'DO $$BEGIN ASSERT (SELECT count(*) FROM app.a) = 5; END$$', revision => '004');
SELECT cmig.require_schema(:'models', source => 'replay');
DROP TABLE by_hand;
DROP EXTENSION pg_cmig;

-- serial, unless the sequence is not the one that it makes
CREATE EXTENSION pg_cmig;
SELECT cmig.schema_sql() AS before \gset
\set models 'CREATE TABLE a (id serial PRIMARY KEY, b bigserial, s smallserial, n int); CREATE TABLE "Odd ""na\'me" ("x.\'y" serial); CREATE UNLOGGED TABLE u (id serial); CREATE TABLE twin (id bigserial, other bigint DEFAULT nextval(\'a_id_seq\')); CREATE TABLE c (id serial, t serial, r serial, st serial, g serial, nu serial, w serial); COMMENT ON SEQUENCE c_t_seq IS \'own\'; ALTER SEQUENCE c_r_seq RENAME TO renamed; ALTER SEQUENCE c_st_seq START 5; GRANT USAGE ON SEQUENCE c_g_seq TO PUBLIC; ALTER TABLE c ALTER nu DROP NOT NULL; ALTER SEQUENCE c_w_seq OWNED BY NONE; CREATE TABLE child () INHERITS (a); CREATE TABLE p (id serial) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT;'
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Serial', :'models', '001', store => true);
\set VERBOSITY default
SELECT revision FROM cmig.upgrade();
SELECT cmig.require_schema(:'models');
SELECT count(*) FROM cmig.drift();
SELECT count(*) FROM cmig.round_trip();
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Less', 'CREATE TABLE a (id serial PRIMARY KEY, n int)', '002');
SELECT revision FROM cmig.downgrade('-1');
SELECT cmig.schema_sql() = :'before';
-- a relation that is dropped has the sequence's name
CREATE TABLE a_id_seq ();
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE a (id serial)');
DROP TABLE a_id_seq;
DROP EXTENSION pg_cmig;

-- forced row security would hide rows from the check of a foreign key
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE q (id int PRIMARY KEY, p_id int);
ALTER TABLE q ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT cmig.schema_sql() AS before \gset
\set ECHO all
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Keys', 'CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE q (id int PRIMARY KEY, p_id int REFERENCES p); ALTER TABLE q ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE TABLE r (q_id int REFERENCES q); ALTER TABLE r FORCE ROW LEVEL SECURITY', '001', store => true);
SELECT revision FROM cmig.upgrade();
SELECT relname, relforcerowsecurity FROM pg_class WHERE relname IN ('p', 'q', 'r') ORDER BY 1;
SELECT revision FROM cmig.downgrade('-1');
SELECT cmig.schema_sql() = :'before';
DROP TABLE p, q;
DROP EXTENSION pg_cmig;

-- the same for a sequence that continues after a column's values; but a
-- materialized view contains only the rows that its owner may see
CREATE ROLE regress_autogenerate_owner;
CREATE SCHEMA guarded AUTHORIZATION regress_autogenerate_owner;
CREATE EXTENSION pg_cmig;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_autogenerate_owner', 'migrator');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_autogenerate_owner', 'author');
SET search_path = guarded;
SET ROLE regress_autogenerate_owner;
\set ECHO none
CREATE TABLE secret (id int NOT NULL, note int);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY low ON secret USING (id < 5);
INSERT INTO secret VALUES (1, 1), (100, 100);
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
\set models 'CREATE TABLE secret (id int NOT NULL, note int); ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY low ON secret USING (id < 5); CREATE VIEW between AS SELECT id FROM secret; CREATE MATERIALIZED VIEW m AS TABLE between; CREATE MATERIALIZED VIEW n AS TABLE between WITH NO DATA'
\set ECHO all
SELECT regexp_replace(substring(content FROM '-- cmig:upgrade.*'), E'\n [^\n]*', '', 'g') FROM cmig.autogenerate('Views', :'models', '001', schemas => '{guarded}', store => true);
SELECT revision FROM cmig.upgrade();
TABLE m;
\set VERBOSITY sqlstate
SELECT count(*) FROM cmig.autogenerate('Views', :'models', '002', schemas => '{guarded}');
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Numbers', replace(replace(:'models', 'id int NOT NULL', 'id int GENERATED ALWAYS AS IDENTITY'), 'note int', 'note serial'), '002', schemas => '{guarded}', store => true);
\set VERBOSITY default
SELECT revision FROM cmig.upgrade();
SELECT nextval(pg_get_serial_sequence('guarded.secret', 'id')), nextval(pg_get_serial_sequence('guarded.secret', 'note'));
SELECT revision FROM cmig.downgrade('001');
DROP TABLE secret CASCADE;
RESET ROLE;
RESET search_path;
SELECT cmig.remove_revision('002');
-- a new column without a value in existing rows is added in stages; a downgrade, too
\set ECHO none
CREATE SCHEMA staged;
CREATE TABLE staged.filled (id int, gone int NOT NULL);
INSERT INTO staged.filled VALUES (1, 1);
CREATE TABLE staged.empty (id int);
\set target 'CREATE TABLE staged.filled (id int, note text NOT NULL); CREATE TABLE staged.empty (id int, note text NOT NULL)'
\set ECHO all
SELECT upgrade_sql, hazard FROM cmig.diff(:'target', '{staged}');
SELECT pg_temp.brief(content), hazards FROM cmig.autogenerate('Note', :'target', '002', schemas => '{staged}');
SELECT pg_temp.brief(content) FROM cmig.autogenerate('Note', :'target', '002', schemas => '{staged}', concurrently => true);
-- a name does not end the comment
SELECT substring(content FROM '-- fails on.*-- cmig:d') FROM cmig.autogenerate('Note', replace(:'target', 'note', U&'"a\000Ab"'), '002', schemas => '{staged}');
-- the file fails until the statement is completed
SELECT content FROM cmig.autogenerate('Note', :'target', '002', schemas => '{staged}') \gset
SELECT action FROM cmig.load(:'content');
SELECT revision FROM cmig.upgrade();
SELECT cmig.remove_revision('002');
SELECT action FROM cmig.load(replace(:'content', '-- UPDATE staged.filled SET note = ...', 'UPDATE staged.filled SET note = ''x'''));
SELECT revision FROM cmig.upgrade();
TABLE staged.filled;
SELECT count(*) FROM cmig.diff(:'target', '{staged}');
DROP SCHEMA staged CASCADE;
DROP EXTENSION pg_cmig;
DROP OWNED BY regress_autogenerate_owner;
DROP ROLE regress_autogenerate_owner;

--
-- stages: expand, fill, contract
--
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE account (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, fax text NOT NULL, mood mood, CONSTRAINT short CHECK (length(name) < 9));
CREATE INDEX ON account (fax);
CREATE TABLE note (id int PRIMARY KEY, account_id bigint, body text, CONSTRAINT seen CHECK (id > 0) NOT VALID);
CREATE TABLE log (line text);
CREATE VIEW faxes AS SELECT account.id, account.fax FROM account LEFT JOIN pg_am ON false;
CREATE TABLE legacy (id serial PRIMARY KEY);
INSERT INTO account (name, fax) SELECT 'n' || i, 'f' FROM generate_series(1, 9) i;
INSERT INTO note SELECT i, i FROM generate_series(1, 9) i;
INSERT INTO log VALUES ('x');
SELECT cmig.schema_sql() AS before \gset
\set ECHO all
SELECT cmig.create_revision('Before', :'before', revision => '007');
SELECT * FROM cmig.stamp('007');
\set models 'CREATE TABLE account (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Full name" text NOT NULL, token uuid NOT NULL DEFAULT gen_random_uuid(), state text NOT NULL DEFAULT \'new\', region int NOT NULL CHECK (region > 0), CONSTRAINT short CHECK (length("Full name") < 20)); CREATE INDEX ON account ("Full name"); CREATE TABLE note (id int PRIMARY KEY, account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE, text text, CONSTRAINT seen CHECK (id > 0)); CREATE TABLE log (line text, at timestamptz DEFAULT clock_timestamp()); CREATE TABLE tag (note int REFERENCES note); CREATE TABLE legacy (id int, key text PRIMARY KEY);'
SELECT revision, file_name, regexp_replace(pg_temp.brief(content), '^-- revision.*-- message', '-- message') AS content, hazards FROM cmig.autogenerate('Better', :'models', '008', stages => true);
-- the files can be loaded and run, one after the other, while old and new rows are inserted
CREATE FUNCTION pg_temp.filled(content text) RETURNS text LANGUAGE sql
AS $$SELECT replace(replace(replace(replace(regexp_replace(content, '-- (CALL|UPDATE)', '\1', 'g'), 'region = ...', 'region = 7'), '"Full name" = ...', '"Full name" = name'), 'account_id = ...', 'account_id = id'), 'key = ...', 'key = id::text')$$;
SELECT string_agg('==> ' || file_name || E' <==\n' || pg_temp.filled(content), '') AS files FROM cmig.autogenerate('Better', :'models', '008', stages => true) \gset
SELECT * FROM cmig.load(:'files');
CALL cmig.upgrade_stepwise('008');
INSERT INTO account ("Full name") VALUES ('new');
INSERT INTO account (name, fax) VALUES ('old', 'f');
CALL cmig.upgrade_stepwise('009');
CALL cmig.upgrade_stepwise('010');
SELECT cmig.require_schema(:'models');
SELECT count(*), count("Full name"), count(DISTINCT token), min(region) FROM account;
SELECT count(at) FROM log;
SELECT count(*) FROM cmig.drift();
CALL cmig.downgrade_stepwise('008');
SELECT count(*) FROM cmig.drift();
UPDATE account SET name = 'x', fax = 'x', mood = 'sad';
CALL cmig.downgrade_stepwise('007');
SELECT cmig.remove_revision('010');
SELECT cmig.remove_revision('009');
SELECT cmig.remove_revision('008');
-- only the stages that are needed, and generated ids; no difference
SELECT count(*), count(DISTINCT revision), string_agg(hazards, E'\n') FROM cmig.autogenerate('Less', replace(:'before', 'public.log', 'public.log2'), stages => true, renames => '{"table public.log -> log2"}');
SELECT file_name, content ~ 'down_revision: x-1' AS follows FROM cmig.autogenerate('Less', 'CREATE TABLE other ()', 'x-1', stages => true, store => true);
SELECT cmig.remove_revision('x-1_2');
SELECT cmig.remove_revision('x-1');
\set VERBOSITY sqlstate
SELECT * FROM cmig.autogenerate('Less', :'before', 'y', stages => true);
-- a label of an enum that is no longer used is dropped in the last stage; what the first one rewrites
\set ECHO none
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TABLE paint (id int PRIMARY KEY, color color DEFAULT 'green', other color);
INSERT INTO paint SELECT i, 'red' FROM generate_series(1, 9) i;
SELECT replace(replace(cmig.schema_sql(), '''red''', '''black'''), 'other public.color', 'amount integer') AS colors \gset
\set VERBOSITY default
\set ECHO all
SELECT file_name, regexp_replace(pg_temp.brief(content), '^-- revision.*-- message|-- cmig:downgrade.*', '', 'g') AS content FROM cmig.autogenerate('Colors', :'colors', '008', stages => true);
SELECT string_agg('==> ' || file_name || E' <==\n' || content, '') AS files FROM cmig.autogenerate('Colors', :'colors', '008', stages => true) \gset
SELECT * FROM cmig.load(:'files');
CALL cmig.upgrade_stepwise('008');
UPDATE paint SET color = CASE WHEN id % 2 = 0 THEN 'green'::color ELSE 'blue' END;
CALL cmig.upgrade_stepwise('head');
SELECT cmig.require_schema(:'colors');
CALL cmig.downgrade_stepwise('007');
SELECT cmig.remove_revision('009');
SELECT cmig.remove_revision('008');
SELECT content ~ 'First read the comments' AS warns FROM cmig.autogenerate('Wider', replace(cmig.schema_sql(), E'paint (\n\tid integer', E'paint (\n\tid bigint'), '008', stages => true);
\set ECHO none
DROP TABLE paint;
DROP TYPE color;
-- tables that get other parents, and all of their descendants, change in the first stage
CREATE TABLE kin (n int);
CREATE TABLE kin_3 (n int);
CREATE TABLE kin_2 () INHERITS (kin_3);
CREATE TABLE kin_1 (old int) INHERITS (kin_2);
SELECT replace(replace(cmig.schema_sql(), E'old integer\n', E'new integer\n'), E'kin_3 (\n\tn integer\n)', 'kin_3 () INHERITS (public.kin)') AS kin \gset
\set ECHO all
SELECT file_name, substring(content FROM '-- cmig:upgrade\n(.*)-- cmig:downgrade') AS upgrade FROM cmig.autogenerate('Kin', :'kin', '008', stages => true);
DROP TABLE kin, kin_1, kin_2, kin_3;
-- an id that is taken
SELECT cmig.create_revision('Nine', 'SELECT 1', revision => '009');
SELECT * FROM cmig.stamp('009');
SELECT * FROM cmig.autogenerate('Better', :'models', '008', stages => true);
\set ECHO none
DROP EXTENSION pg_cmig;
DROP VIEW faxes;
DROP TABLE account, note, log, legacy;
DROP TYPE mood;
