--
-- upgrade, downgrade, stamp, reset, and plan on a graph with branches
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels, message, downgrade_sql) VALUES
('a1', '{}', '{}', '{}', 'first', ''),
('a2', '{a1}', '{}', '{}', 'second', ''),
('b1', '{a2}', '{}', '{api}', 'fork: api', ''),
('b2', '{b1}', '{}', '{}', 'api goes on', ''),
('c1', '{a2}', '{}', '{web}', 'fork: web', ''),
('c2', '{c1}', '{b1}', '{}', 'web needs api', ''),
('m1', '{b2,c2}', '{}', '{}', 'merge', ''),
('t1', '{}', '{}', '{tools}', 'a tree of its own', ''),
('t2', '{t1}', '{}', '{}', 'its second', '');
\set ECHO all

-- upgrade
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
 SELECT * FROM cmig.upgrade('0');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('+1');
$calls$);
\set ECHO all
\set VERBOSITY default
SELECT * FROM cmig.upgrade('a1');
-- a dependency that is not applied comes first
SELECT step, revision, down_revision, transactional, message FROM cmig.plan('upgrade', 'c2');
SELECT * FROM cmig.upgrade('c2');
SELECT * FROM cmig.current();
-- c2 implies b1, which therefore has no row; the head of api is one step away
SELECT * FROM cmig.upgrade('api@+1');
SELECT * FROM cmig.version ORDER BY 1;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('+1');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.upgrade();
$calls$);
\set ECHO all
\set VERBOSITY default
SELECT * FROM cmig.upgrade('heads');
SELECT * FROM cmig.upgrade('heads');
SELECT * FROM cmig.version ORDER BY 1;

-- downgrade
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('tools@-1');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.downgrade('m1@-1');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.downgrade('web@head');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.downgrade('api@c1');
$calls$);
\set ECHO all
SELECT * FROM cmig.downgrade('tools@base');
SELECT * FROM cmig.version;
-- -1 from a merge, which has two parents
SELECT * FROM cmig.downgrade('-1');
-- to one side of the merge: the merge and the other side are reverted
SELECT * FROM cmig.downgrade('b2');
SELECT * FROM cmig.version ORDER BY 1;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.downgrade('m1');
SELECT * FROM cmig.downgrade('t2');
$calls$);
\set ECHO all
-- reverting web keeps the dependency; reverting api also reverts the revision that needs it
SELECT * FROM cmig.downgrade('web@a2');
SELECT * FROM cmig.version ORDER BY 1;
SELECT * FROM cmig.upgrade('c2');
SELECT * FROM cmig.downgrade('api@a2');
SELECT * FROM cmig.version ORDER BY 1;
SELECT * FROM cmig.downgrade('c1-1');
SELECT * FROM cmig.downgrade('a1');
SELECT * FROM cmig.downgrade('-2');
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.version;

\set VERBOSITY sqlstate
-- numbers of steps as integers
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade(1);
SELECT * FROM cmig.downgrade(-1);
SELECT * FROM cmig.upgrade(0);
SELECT * FROM cmig.upgrade(-1);
SELECT * FROM cmig.downgrade(1);
SELECT * FROM cmig.upgrade(NULL::integer);
SELECT * FROM cmig.downgrade(NULL::integer);
SELECT * FROM cmig.upgrade(2147483647);
$calls$);
\set ECHO all
\set VERBOSITY default

-- several targets
SELECT revision FROM cmig.plan('upgrade', ARRAY['t1', 'a2']);
SELECT revision FROM cmig.upgrade(ARRAY['t1', 'a2']);
SELECT revision FROM cmig.upgrade('{b2,c1,b2}');
SELECT * FROM cmig.version ORDER BY 1;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.upgrade(ARRAY['b1', 'm1']);
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.upgrade(ARRAY['t2', '+1']);
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.upgrade(ARRAY['t2', NULL]);
SELECT revision FROM cmig.upgrade(ARRAY[]::text[]);
SELECT revision FROM cmig.upgrade(ARRAY[['t2', 'm1']]);
SELECT revision FROM cmig.upgrade('{t2');
SELECT revision FROM cmig.plan('downgrade', ARRAY['a1', 't1']);
$calls$);
\set ECHO all
SELECT revision FROM cmig.plan('downgrade', ARRAY['a1']);

\set VERBOSITY sqlstate
-- no target, or an ambiguous one
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade(NULL::text);
SELECT * FROM cmig.upgrade('');
SELECT * FROM cmig.upgrade(NULL::text[]);
SELECT * FROM cmig.downgrade();
SELECT * FROM cmig.downgrade('');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.downgrade('previous');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.downgrade('head~1');
SELECT * FROM cmig.plan('upgrade', NULL::text);
SELECT * FROM cmig.plan('up', 'head');
SELECT * FROM cmig.plan(NULL, 'head');
SELECT * FROM cmig.upgrade('wep@head');
$calls$);
\set ECHO all
SELECT * FROM cmig.upgrade('a1:b1');
-- nothing of this was recorded
SELECT * FROM cmig.version ORDER BY 1;

-- stamp
SELECT * FROM cmig.stamp('base');
SELECT * FROM cmig.stamp('b2');
\set VERBOSITY default
SELECT * FROM cmig.stamp('b2');
SELECT * FROM cmig.stamp('t1');
SELECT * FROM cmig.stamp('a2');
SELECT * FROM cmig.stamp('heads');
SELECT * FROM cmig.stamp('tools@base');
SELECT * FROM cmig.stamp(ARRAY['b2', 'c2', 't2']);
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.stamp(ARRAY['a1', 'b2']);
 SELECT * FROM cmig.stamp('+1');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.stamp('head');
$calls$);
\set ECHO all
SELECT * FROM cmig.stamp('web@head');
SELECT * FROM cmig.stamp(NULL::text);
SELECT * FROM cmig.stamp('');
-- purge: the version rows of all branches are removed first
SELECT * FROM cmig.stamp('a2', purge => true);
SELECT * FROM cmig.stamp('base', purge => true);
-- each revision has a row, also one that is no longer applied
SELECT revision, direction, outcome, message FROM cmig.journal WHERE direction = 'stamp' ORDER BY id LIMIT 14;

\set VERBOSITY default
-- reset
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.reset(NULL);
$calls$);
\set VERBOSITY terse
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.reset('');
SELECT * FROM cmig.reset('yes');
$calls$);
\set ECHO all
SET client_min_messages = warning;
SELECT count(*) FROM cmig.upgrade('c1');
SELECT direction, string_agg(revision, ' ' ORDER BY step) FROM cmig.reset(confirm => current_database()) GROUP BY 1 ORDER BY 1;
RESET client_min_messages;

-- irreversible: the error comes before anything is changed
UPDATE cmig.revision SET downgrade_sql = NULL WHERE revision = 'b1';
\set VERBOSITY default
SELECT * FROM cmig.downgrade('a1');
SELECT revision, irreversible FROM cmig.plan('downgrade', 'a1');
SELECT * FROM cmig.version ORDER BY 1;

-- in a read-only transaction
BEGIN READ ONLY;
SELECT count(*) FROM cmig.plan('downgrade', 'a1');
SELECT cmig.require();
SELECT * FROM cmig.downgrade('b2');
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM cmig.stamp('a1');
ROLLBACK;
BEGIN READ ONLY;
SELECT cmig.create_revision('x', '');
ROLLBACK;

-- LIMIT does not cut a run short, and a rollback undoes all of it
BEGIN;
SELECT revision FROM cmig.downgrade('b1') LIMIT 1;
SELECT * FROM cmig.version ORDER BY 1;
ROLLBACK;
SELECT * FROM cmig.version ORDER BY 1;

-- privileges: none without a grant
CREATE ROLE regress_cmig_nobody;
SET ROLE regress_cmig_nobody;
\set VERBOSITY terse
SELECT * FROM cmig.upgrade();
RESET ROLE;
GRANT USAGE ON SCHEMA cmig TO regress_cmig_nobody;
SET ROLE regress_cmig_nobody;
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.current();
RESET ROLE;
GRANT EXECUTE ON FUNCTION cmig.upgrade(text), cmig.current() TO regress_cmig_nobody;
SET ROLE regress_cmig_nobody;
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.current();
RESET ROLE;
GRANT SELECT ON cmig.revision, cmig.version TO regress_cmig_nobody;
SET ROLE regress_cmig_nobody;
SELECT revision FROM cmig.current();
\set ECHO none
RESET ROLE;
DROP OWNED BY regress_cmig_nobody;
DROP ROLE regress_cmig_nobody;
DROP EXTENSION pg_cmig CASCADE;
