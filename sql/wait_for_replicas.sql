--
-- wait_for_replicas on a server without replicas; t/043_lag.pl tests it with replicas
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
SELECT cmig.wait_for_replicas();
SELECT cmig.wait_for_replicas('10 s', '1 h');
SELECT cmig.wait_for_replicas(NULL, NULL);
SELECT cmig.wait_for_replicas(timeout => '0');

\set VERBOSITY sqlstate
-- wrong arguments
SELECT cmig.wait_for_replicas('-1 s');
SELECT cmig.wait_for_replicas(timeout => '2 days');
SELECT cmig.wait_for_replicas('10 bytes');
\set VERBOSITY default

-- a role that cannot see the state of the replicas
CREATE ROLE "regress Reader";
GRANT CREATE ON SCHEMA public TO "regress Reader";
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress Reader', 'reader');
SET ROLE "regress Reader";
SELECT cmig.wait_for_replicas();
RESET ROLE;
GRANT pg_monitor TO "regress Reader";
SET ROLE "regress Reader";
SELECT cmig.wait_for_replicas();
RESET ROLE;

-- as the precondition of a revision, and in a script
\set ECHO none
SELECT * FROM cmig.load($$
-- revision: 001
-- message: Add a column
-- cmig:upgrade
CREATE TABLE item (id int PRIMARY KEY, old int);
-- cmig:downgrade
DROP TABLE item;
-- revision: 002
-- down_revision: 001
-- message: Drop a column
-- precondition: SELECT cmig.wait_for_replicas(timeout => '10 min')
-- cmig:upgrade
SELECT cmig.wait_for_replicas();
ALTER TABLE item DROP old;
-- cmig:downgrade
ALTER TABLE item ADD old int;
$$);
\set ECHO all
SELECT revision FROM cmig.plan('upgrade', 'head');
CALL cmig.upgrade_stepwise();
SELECT count(*) FROM cmig.drift();

\set ECHO none
DROP TABLE item;
DROP EXTENSION pg_cmig;
DROP OWNED BY "regress Reader";
DROP ROLE "regress Reader";
