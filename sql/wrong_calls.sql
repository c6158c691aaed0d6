--
-- Calls that people are likely to try first: each works or says what to type
--
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT cmig.create_revision('first', 'CREATE TABLE first ()', '', revision => '001');
SELECT cmig.create_revision('second', 'CREATE TABLE second ()', '', revision => '002');

-- what is meant is clear
SELECT step, revision FROM cmig.plan();
SELECT step, revision FROM cmig.plan('upgrade');
SELECT step, revision FROM cmig.plan(target => '001');
SELECT cmig.create_revision('empty for now', revision => '003');
SELECT upgrade_sql = '', downgrade_sql IS NULL FROM cmig.revision WHERE revision = '003';
SELECT cmig.remove_revision('003');

-- the direction is missing
SELECT * FROM cmig.plan('head');
SELECT * FROM cmig.plan('o''brien');
SELECT * FROM cmig.plan('-1');
SELECT * FROM cmig.plan('base');
SELECT * FROM cmig.plan('up');
SELECT * FROM cmig.plan('down');
SELECT * FROM cmig.plan('');
SELECT cmig.script('head');
SELECT cmig.script('-1');
SELECT cmig.script();

-- the target is missing
SELECT * FROM cmig.plan('downgrade');
SELECT cmig.script('upgrade');
SELECT cmig.script('downgrade');
SELECT * FROM cmig.downgrade();
SELECT * FROM cmig.show();
SELECT cmig.stamp();
SELECT cmig.stamp(purge => true);
SELECT cmig.merge();
SELECT cmig.merge('001', '002');
SELECT * FROM cmig.resolve();
SELECT cmig.repair();
SELECT cmig.remove_revision();
SELECT * FROM cmig.load();
SELECT * FROM cmig.load_directory();
SELECT * FROM cmig.draft();
SELECT cmig.grant_access();
SELECT cmig.grant_access('nobody');
SELECT cmig.revoke_access();

-- options of Alembic's command line
SELECT * FROM cmig.history('-r 001:002');
SELECT * FROM cmig.history('-r001');
SELECT * FROM cmig.history('--rev-range=001:');
SELECT * FROM cmig.upgrade('--sql');
SELECT cmig.stamp('--purge');

DROP EXTENSION pg_cmig;
