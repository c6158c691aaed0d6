--
-- Functions that only read: current, heads, branches, history, show, status, require
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
-- an empty catalog
SELECT * FROM cmig.current();
SELECT * FROM cmig.heads();
SELECT * FROM cmig.history();
SELECT * FROM cmig.status() WHERE item <> 'database';
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.require();
 SELECT cmig.require('001');
$calls$);
\set ECHO all
SELECT cmig.require('base');
SELECT * FROM cmig.upgrade();
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('001');
\set VERBOSITY default
SELECT * FROM cmig.show('head');
SELECT object, problem FROM cmig.check() WHERE severity <> 'notice';

\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels, message, description, upgrade_sql, downgrade_sql, created_at) VALUES
('001', '{}', '{}', '{}', 'first', 'All of it.', 'SELECT 1', '', '2026-01-01 00:00+00'),
('002', '{001}', '{}', '{}', 'second', '', '', '', '2026-01-02 00:00+00'),
('003_api', '{002}', '{}', '{api}', 'an api', '', '', '', '2026-01-03 00:00+00'),
('003_web', '{002}', '{}', '{web}', 'a web page', '', '', NULL, '2026-01-03 00:00+00'),
('004_api', '{003_api}', '{}', '{}', 'more api', '', '', '', '2026-01-04 00:00+00'),
('004_web', '{003_web}', '{api}', '{}', 'it needs the api', '', '', '', '2026-01-05 00:00+00'),
('tools1', '{}', '{}', '{tools}', 'a tree of its own', '', '', '', '2026-01-06 00:00+00');
UPDATE cmig.revision SET created_by = 'regress_cmig_author';
\set ECHO all

SELECT * FROM cmig.heads();
SELECT * FROM cmig.branches();
SELECT * FROM cmig.history();
SELECT * FROM cmig.current();
SELECT * FROM cmig.status() WHERE item <> 'database';
SELECT cmig.require();

-- between base and head
SET client_min_messages = warning;
SELECT count(*) FROM cmig.upgrade('004_web');
RESET client_min_messages;
SELECT * FROM cmig.current();
SELECT * FROM cmig.heads();
SELECT revision, is_head, is_current, applied FROM cmig.history();
SELECT * FROM cmig.status() WHERE item <> 'database';
SELECT cmig.require();
SELECT cmig.require('web@head');
SELECT cmig.require('003_api');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.require('tools');
 SELECT cmig.require('nosuch');
SELECT cmig.require(NULL);
$calls$);
\set ECHO all

-- ranges of history, both ends inclusive
SELECT string_agg(revision, ' ') FROM cmig.history('002:');
SELECT string_agg(revision, ' ') FROM cmig.history(':002');
SELECT string_agg(revision, ' ') FROM cmig.history(':');
SELECT string_agg(revision, ' ') FROM cmig.history('003_api:api@head');
SELECT string_agg(revision, ' ') FROM cmig.history('002:004_web');
SELECT string_agg(revision, ' ') FROM cmig.history('current:');
SELECT string_agg(revision, ' ') FROM cmig.history(':current');
SELECT string_agg(revision, ' ') FROM cmig.history('-2:current');
SELECT string_agg(revision, ' ') FROM cmig.history('-99:');
SELECT string_agg(revision, ' ') FROM cmig.history('001:+5');
SELECT string_agg(revision, ' ') FROM cmig.history('api@base:api@heads');
SELECT string_agg(revision, ' ') FROM cmig.history('003_web');
SELECT string_agg(revision, ' ') FROM cmig.history('heads');
SELECT string_agg(revision, ' ') FROM cmig.history('base');
SELECT string_agg(revision, ' ') FROM cmig.history('base:base');
-- in the wrong direction
SELECT string_agg(revision, ' ') FROM cmig.history('current:base');
SELECT string_agg(revision, ' ') FROM cmig.history('001:base');
SELECT string_agg(revision, ' ') FROM cmig.history('heads:base');
SELECT string_agg(revision, ' ') FROM cmig.history('004_api:001');
SELECT string_agg(revision, ' ') FROM cmig.history('tools:004_api');
SELECT string_agg(revision, ' ') FROM cmig.history('a:b:c');
\set VERBOSITY sqlstate
SELECT string_agg(revision, ' ') FROM cmig.history('nosuch:');
\set VERBOSITY default
SELECT string_agg(revision, ' ') FROM cmig.history('base:head');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT string_agg(revision, ' ') FROM cmig.history('');
SELECT string_agg(revision, ' ') FROM cmig.history(NULL);
$calls$);
\set ECHO all

-- one revision
SET timezone = 'UTC';
SELECT * FROM cmig.show('001');
SELECT * FROM cmig.show('004_w') WHERE field NOT LIKE '%sql' AND field NOT LIKE 'created%';
SELECT value FROM cmig.show('current') WHERE field = 'revision';
SELECT value FROM cmig.show('heads') WHERE field = 'revision';
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.show('-1');
SELECT * FROM cmig.show(NULL);
SELECT * FROM cmig.show('');
$calls$);
\set ECHO all

-- a merge point
INSERT INTO cmig.revision (revision, down_revision, message) VALUES ('005', '{004_api,004_web}', 'merge');
SELECT revision, down_revision, branch_labels, is_head, is_branchpoint, is_mergepoint FROM cmig.history('004_api:');
SELECT object, problem, fix FROM cmig.check() WHERE severity = 'warning';
SELECT object, problem, fix FROM cmig.check() WHERE severity = 'notice';
SELECT * FROM cmig.check(raise => true) WHERE severity = 'error';

-- texts that cannot run, before anybody runs them
-- from PostgreSQL 19 on, it is always on
\set ECHO none
SELECT current_setting('server_version_num')::int < 190000 AS can_be_off \gset
\if :can_be_off
SET standard_conforming_strings = off;
\endif
SELECT current_setting('standard_conforming_strings') AS strings \gset
INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql, verify_sql) VALUES
('t1', E'SELECT 1;\n\nCREATE TABEL x ();', 'DROP TABEL x;', ''),
('t2', E'SELECT 1;\n-- why\nCREATE INDEX CONCURRENTLY ON x (y)', E'SELECT 1;\nCOMMIT; VACUUM', 'SELECT true AND'),
('t3', 'COPY x FROM STDIN', E'SELECT 1;\n\n  \\d x', NULL),
('t4', $$SELECT '\'; -- a backslash ends no string$$, 'DISCARD ALL', $$SELECT 'x$$),
('t5', $$SET standard_conforming_strings = off; SELECT '\'';$$, '', NULL);
\set ECHO all
SELECT severity, object, problem, fix FROM cmig.check() WHERE object ~ '^t[0-9]$';
SELECT * FROM cmig.check(raise => true);
-- outside of transactions some can; applied revisions are not checked
UPDATE cmig.revision SET transactional = false WHERE revision = 't2';
SELECT cmig.stamp(ARRAY['t1', 't3', 't4']);
SELECT severity, object, problem FROM cmig.check() WHERE object ~ '^t[0-9]$';
SELECT current_setting('standard_conforming_strings') = :'strings' AS unchanged;
RESET standard_conforming_strings;
DELETE FROM cmig.version WHERE revision ~ '^t[0-9]$';
DELETE FROM cmig.revision WHERE revision ~ '^t[0-9]$';

-- a name that a hand-written row contains twice is counted once
INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels) VALUES ('006', '{005,005}', '{tools,002,tools}', '{x,x}');
SELECT severity, object, problem, fix FROM cmig.check() WHERE object = '006';
SELECT revision, is_mergepoint FROM cmig.history('006');
-- messages of the parser about a text are raised when the text is run, once, not when it is read
SET client_min_messages = notice;
SELECT cmig.stamp('base', purge => true);
\set ECHO none
DELETE FROM cmig.revision;
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
('001', '{}', true, 'CREATE TABLE ' || repeat('x', 70) || ' (id int)', 'DROP TABLE ' || repeat('x', 70)),
('002', '{001}', false, 'CREATE TABLE ' || repeat('y', 70) || ' (id int); VACUUM ' || repeat('y', 70), 'DROP TABLE ' || repeat('y', 70));
\set ECHO all
SELECT object, problem FROM cmig.check() WHERE severity <> 'notice';
CALL cmig.upgrade_stepwise();
SELECT object, problem FROM cmig.check() WHERE severity <> 'notice';
CALL cmig.downgrade_stepwise('base');
-- an empty downgrade section reverts nothing, unless a comment says that this is intended
DELETE FROM cmig.revision;
SELECT cmig.create_revision('empty', 'CREATE TABLE forgotten (id int)', E' \n', revision => '001');
SELECT cmig.create_revision('intended', 'UPDATE forgotten SET id = 1', '-- there is nothing to revert', revision => '002');
SELECT cmig.create_revision('irreversible', 'DELETE FROM forgotten', revision => '003');
SELECT cmig.create_revision('a merge', '', '', revision => '004');
SELECT severity, object, problem, fix FROM cmig.check() WHERE severity <> 'notice';
SELECT revision, irreversible FROM cmig.plan();
SELECT revision, rule, severity, message, safe_rewrite FROM cmig.lint() WHERE severity <> 'notice';
SET cmig.lint_ignore = 'empty-downgrade';
SELECT revision, rule FROM cmig.lint() WHERE severity <> 'notice';
RESET cmig.lint_ignore;
SELECT count(*) FROM cmig.upgrade('002');
SELECT revision, irreversible FROM cmig.plan('downgrade', 'base');
SELECT count(*) FROM cmig.downgrade('base');
SELECT count(*) FROM cmig.upgrade('002');
-- lines for cmig
SELECT * FROM cmig.screen('lint', '[{"revision": "001", "line": 3, "severity": "error", "message": "m", "rule": "r"}]');
SELECT count(*) FROM cmig.screen('nothing', '[{}]');
SELECT hint FROM cmig.screen('expansion state', '[{"scope": "it''s", "revision": "001", "state": "expanding"}]');
SELECT hint FROM cmig.screen('import', '[{"tool": "liquibase", "converts": true, "reads_state": true, "found_file": "$(id) it''s.xml"}]');
\set VERBOSITY sqlstate
SELECT cmig.screen('show', '{}');
SELECT cmig.screen('show', '[1]');
SELECT cmig.screen('lint', '[{"line": "x"}]');
DROP TABLE forgotten;
DROP EXTENSION pg_cmig CASCADE;
