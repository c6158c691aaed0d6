--
-- The argument exclude: objects that belong to other programs are neither created,
-- changed, nor dropped
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
CREATE INDEX customer_name_dba ON customer (name);
CREATE TABLE event (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE event_default PARTITION OF event DEFAULT;
-- a job queue, and what pg_partman creates
CREATE TYPE job_state AS ENUM ('new', 'done');
CREATE TABLE job (id bigserial PRIMARY KEY, customer_id bigint REFERENCES customer, state job_state);
CREATE INDEX job_state_idx ON job (state);
CREATE TRIGGER skip BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE event_p2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE SCHEMA partman;
CREATE TABLE partman.part_config (parent_table text PRIMARY KEY);
CREATE FUNCTION partman.run_maintenance() RETURNS int LANGUAGE sql AS 'SELECT 1';
\set target 'CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); CREATE TABLE event (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE event_default PARTITION OF event DEFAULT;'
\set ECHO all
-- without exclude, all of it would be dropped
SELECT action, kind, object, hazard FROM cmig.diff(:'target');
\set VERBOSITY sqlstate
SELECT cmig.require_schema(:'target');
\set VERBOSITY default
-- with it, a table goes with its indexes, triggers, keys, and sequences, and a schema with its content
SELECT action, kind, object, hazard FROM cmig.diff(:'target', exclude => '{public.job*,public.event_p*,partman.*,index:public.*_dba}');
SELECT cmig.require_schema(:'target', exclude => '{public.job*,public.event_p*,schema:partman,index:public.*_dba}') IS NOT NULL AS same;
-- names can be quoted, and a kind without a name is all of its objects
CREATE TABLE "Job Log" (id int);
SELECT action, kind, object FROM cmig.diff(:'target', exclude => '{public.job*,public.event_p*,partman.*,index:*,"public.\"Job Log\""}');
SELECT action, kind, object FROM cmig.diff(:'target', exclude => '{public.job*,public.event_p*,partman.*,index:*,"public.Job*"}');
DROP TABLE "Job Log";
-- "type" is all kinds of types, "procedure" and "function" are the same; parts of a table are named with it
SELECT action, kind, object FROM cmig.diff(:'target', exclude => '{table:*,type:*,procedure:partman.run_maintenance,index:*}');
ALTER TABLE customer ADD extra int, ADD CONSTRAINT positive CHECK (id > 0);
SELECT action, kind, object FROM cmig.diff(:'target', exclude => '{public.job*,public.event_p*,partman.*,index:*}');
SELECT action, kind, object FROM cmig.diff(:'target', exclude => '{public.job*,public.event_p*,partman.*,index:*,column:public.customer.ex*,constraint:*.positive}');
ALTER TABLE customer DROP extra, DROP CONSTRAINT positive;
-- patterns are case-sensitive, and one that matches nothing is no error
SELECT action, kind, object FROM cmig.diff(:'target', exclude => '{PUBLIC.*,public.Job*,nowhere.*}');

-- an excluded object of the target is not created or changed; what refers to it is
\set target_job :target 'CREATE TABLE job (id int PRIMARY KEY); CREATE TABLE job_archive (id int); CREATE TABLE note (id int, job int REFERENCES job);'
SELECT kind, object, upgrade_sql FROM cmig.diff(:'target_job', exclude => '{public.job*,public.event_p*,partman.*,index:public.*_dba}');
-- without the schema itself, the schema stays because of what is excluded in it
SELECT kind, object, upgrade_sql FROM cmig.diff(:'target', exclude => '{public.job*,public.event_p*,partman.part_config,index:public.*_dba}');
SELECT kind, object, upgrade_sql FROM cmig.diff(:'target' || 'CREATE SCHEMA queue; CREATE TABLE queue.item (id int);', exclude => '{public.job*,public.event_p*,partman.*,queue.i*,index:*}');
-- a change that an excluded object prevents
SELECT action, kind, object, hazard FROM cmig.diff('-- nothing', exclude => '{public.job,public.event_p*,partman.*}');
CREATE VIEW names AS SELECT name FROM customer;
SELECT action, kind, object, hazard FROM cmig.diff(replace(:'target', 'name text', 'name varchar(20)'), exclude => '{view:*,public.job*,public.event_p*,partman.*,index:*}');
DROP VIEW names;
-- rows without an object
SELECT action, kind, object FROM cmig.diff(:'target' || 'CREATE POLICY p ON job TO regress_nobody; CREATE POLICY q ON customer TO regress_nobody; CREATE TABLE job (id int)', exclude => '{public.job*,public.event_p*,partman.*,index:*}');
-- extensions
CREATE EXTENSION citext;
SELECT action, kind, object FROM cmig.diff(:'target', exclude => '{extension:*,public.job*,public.event_p*,partman.*,index:*}');
DROP EXTENSION citext;

-- drift compares the rest with the revisions, and says what it did not compare
SELECT cmig.create_revision('first', :'target', 'DROP TABLE event, customer', revision => '001');
SELECT * FROM cmig.stamp('001');
SELECT count(*) FROM cmig.drift();
SELECT count(*) FROM cmig.drift(exclude => '{public.job*,public.event_p*,partman.*,index:public.*_dba}');
SELECT count(*) FROM cmig.drift('public', exclude => '{public.job*,public.event_p*,index:public.*_dba}');
SELECT message FROM cmig.journal WHERE direction = 'drift' ORDER BY id;
-- so does autogenerate
SELECT file_name FROM cmig.autogenerate('none', :'target', '002', exclude => '{public.job*,public.event_p*,partman.*,index:public.*_dba}');
SELECT substring(content FROM '-- cmig:upgrade.*') AS content FROM cmig.autogenerate('Notes', :'target' || 'CREATE TABLE note (id int)', '002', source => 'replay', exclude => '{public.c*}');
-- a captured revision is recorded as applied with the same patterns
ALTER TABLE customer ADD email text;
SELECT content FROM cmig.capture('Email', '002', exclude => '{public.job*,public.event_p*,partman.*,index:public.*_dba}') \gset
SELECT substring(:'content' FROM '-- cmig:upgrade.*') AS content;
SELECT * FROM cmig.load(:'content');
SELECT * FROM cmig.current();
-- an audited table of another program
SELECT count(*) FROM cmig.enable_audit('job');
SELECT action, kind, object FROM cmig.drift(exclude => '{index:*,public.event_p*,partman.*,type:*,sequence:*,public.nothing*,table:public.job}');

-- wrong patterns
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.diff('', exclude => '{the''job}');
SELECT cmig.diff('', exclude => '{table:the''job}');
SELECT cmig.diff('', exclude => '{tabel:*.job}');
SELECT cmig.diff('', exclude => '{table:}');
SELECT cmig.diff('', exclude => '{NULL}');
$calls$);
\set ECHO all

SELECT count(*) FROM cmig.disable_audit('job');
-- a dot in the name of a schema does not end it
CREATE SCHEMA "kept.apart";
CREATE TABLE "kept.apart".t ();
SELECT kind, object FROM cmig.diff('', '{kept.apart}', exclude => '{kept.*}') ORDER BY 1;
SELECT kind, object FROM cmig.diff('', '{kept.apart}', exclude => '{schema:kept.apart}') ORDER BY 1;
DROP SCHEMA "kept.apart" CASCADE;
DROP EXTENSION pg_cmig;
DROP SCHEMA cmig_audit, partman CASCADE;
DROP TABLE event, job, customer;
DROP TYPE job_state;
