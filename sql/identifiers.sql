--
-- Identifiers: what cmig.resolve and the moves accept as a revision
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
-- two trees: a line with a fork and a merge, and a separate one
\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels, downgrade_sql) VALUES
('001_users', '{}', '{}', '{}', ''),
('002_orders', '{001_users}', '{}', '{}', ''),
('003_billing', '{002_orders}', '{}', '{billing}', ''),
('004_billing_tax', '{003_billing}', '{}', '{}', ''),
('003_search', '{002_orders}', '{}', '{search,find}', ''),
('9f86d081884c', '{}', '{}', '{reports}', ''),
('9f86aaaa0000', '{9f86d081884c}', '{billing}', '{}', ''),
('x-1', '{9f86aaaa0000}', '{}', '{}', ''),
('abc', '{x-1}', '{}', '{}', '');
\set ECHO all

-- full ids, labels, and parts of either of any length
SELECT cmig.resolve('001_users');
SELECT cmig.resolve('billing');
SELECT cmig.resolve('find');
SELECT cmig.resolve('001');
SELECT cmig.resolve('se');
SELECT cmig.resolve('9f86d');
-- a part of an id of three characters or fewer does not count
SELECT cmig.resolve('abc');
SELECT cmig.resolve('ab');
-- an id with a minus is an id; next to it, a number of steps
SELECT cmig.resolve('x-1');
SELECT revision FROM cmig.plan('upgrade', 'x-1');
SELECT revision FROM cmig.plan('upgrade', 'x-1-1');
-- parts that match several revisions
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('00');
SELECT cmig.resolve('003_');
SELECT cmig.resolve('9f86');
$calls$);
\set ECHO all
-- but one in that branch
SELECT cmig.resolve('search@003_');
SELECT cmig.resolve('billing@00');
SELECT cmig.resolve('bill@004');
SELECT cmig.resolve('001_users@003_s');
SELECT cmig.resolve('reports@9f86d081884c');

-- symbols
SELECT cmig.resolve('heads');
SELECT cmig.resolve('head');
SELECT cmig.resolve('base');
SELECT cmig.resolve('billing@head');
SELECT cmig.resolve('003_search@head');
SELECT cmig.resolve('002_orders@heads');
SELECT cmig.resolve('002_orders@head');
SELECT cmig.resolve('reports@base');

-- similar names
SELECT cmig.resolve('002_order');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('003_biling');
SELECT cmig.resolve('users');
SELECT cmig.resolve('002_0rders');
SELECT cmig.resolve('Billing');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('no such thing');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('biling@head');
SELECT cmig.resolve('HEAD');
SELECT cmig.resolve('heds');
SELECT cmig.resolve('haed');
SELECT cmig.resolve('previous');
SELECT cmig.resolve('haeds');
SELECT cmig.resolve('bas');
SELECT cmig.resolve('latest');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('zero');
-- a number without its zeros, and a file's name
SELECT cmig.resolve('3');
SELECT cmig.resolve('0002');
SELECT cmig.resolve('7');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('001_users.sql');
SELECT cmig.resolve('3@head');
SELECT revision FROM cmig.plan('upgrade', '3+1');
SELECT cmig.stamp('2');
SELECT cmig.export('4');
SELECT cmig.remove_revision('1');
SELECT cmig.create_revision('m', '', head => '3');
SELECT cmig.resolve('00_users');
SELECT cmig.resolve('003-bi');
SELECT cmig.resolve('003_billing,003_search');
$calls$);
\set ECHO all
-- at most three suggestions
BEGIN;
INSERT INTO cmig.revision (revision) VALUES ('1_a'), ('01_b'), ('1_c'), ('1_d');
SELECT cmig.resolve('0001');
ROLLBACK;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('current');
SELECT cmig.resolve('search@004_billing_tax');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
-- invalid identifiers
SELECT cmig.resolve(NULL);
SELECT cmig.resolve('');
SELECT cmig.resolve(' ');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('@');
SELECT cmig.resolve('@head');
SELECT cmig.resolve('billing@');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('billing@search@head');
$calls$);
\set ECHO all
\set VERBOSITY default
SELECT cmig.resolve(':');
SELECT cmig.resolve('a:b:c');
SELECT cmig.resolve('001_users:003_search');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve('a..b');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.resolve(repeat('x', 200));
SELECT cmig.resolve('+1');
SELECT cmig.resolve('billing@head-1');
$calls$);
\set ECHO all

-- relative identifiers, for moves
SELECT revision FROM cmig.plan('upgrade', '001_users+1');
\set VERBOSITY default
SELECT revision FROM cmig.plan('upgrade', '001_users+2');
SELECT revision FROM cmig.plan('upgrade', 'search@001_users+2');
SELECT revision FROM cmig.plan('upgrade', '004-2');
SELECT revision FROM cmig.plan('upgrade', 'billing@head-1');
SELECT revision FROM cmig.plan('upgrade', 'reports@+1');
SELECT revision FROM cmig.plan('upgrade', 'reports@base+2');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.plan('upgrade', '+1');
SELECT revision FROM cmig.plan('upgrade', 'base+1');
SELECT revision FROM cmig.plan('upgrade', 'head-1');
$calls$);
\set ECHO all
SELECT revision FROM cmig.plan('upgrade', '002_orders+0');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.plan('upgrade', '+0');
SELECT revision FROM cmig.plan('upgrade', '-0');
SELECT revision FROM cmig.plan('downgrade', '-0');
SELECT revision FROM cmig.plan('downgrade', 'base+0');
SELECT revision FROM cmig.plan('upgrade', '-1');
SELECT revision FROM cmig.plan('downgrade', '+1');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.plan('upgrade', 'reports@+99');
SELECT revision FROM cmig.plan('upgrade', 'reports@+99999999999');
SELECT revision FROM cmig.plan('upgrade', '001_users-99999999999999999999');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.plan('upgrade', 'reports@head+1');
SELECT revision FROM cmig.plan('upgrade', '+1abc');
SELECT revision FROM cmig.plan('upgrade', '+');
SELECT revision FROM cmig.plan('upgrade', '1+');
SELECT revision FROM cmig.plan('upgrade', '+1+1');
SELECT revision FROM cmig.plan('upgrade', '+ 1');
-- no identifier is that long
SELECT cmig.resolve(repeat('x', 10000000));
SELECT revision FROM cmig.upgrade(ARRAY[repeat('x', 10000000)]);
SELECT cmig.create_revision('m', '', revision => repeat('x', 10000000), head => 'base');
SELECT cmig.create_revision('m', '', branch_label => repeat('x', 10000000), head => 'base');
$calls$);
\set ECHO all
SELECT revision FROM cmig.history('base:' || repeat('x', 10000000));

-- an exact id takes precedence over a part of an id and over the grammar
INSERT INTO cmig.revision (revision, down_revision) VALUES ('00', '{abc}'), ('abc-1', '{00}');
SELECT cmig.resolve('00');
SELECT cmig.resolve('abc-1');
DELETE FROM cmig.revision WHERE revision IN ('00', 'abc-1');

-- invalid ids and labels
INSERT INTO cmig.revision (revision) VALUES ('head');
SELECT cmig.resolve('head');
UPDATE cmig.revision SET revision = 'a@b' WHERE revision = 'head';
SELECT cmig.resolve('base');
UPDATE cmig.revision SET revision = repeat('y', 200) WHERE revision = 'a@b';
SELECT cmig.resolve('base');
UPDATE cmig.revision SET revision = 'ok', branch_labels = '{current,"a b",001_users}' WHERE revision ~ '^yy';
\set VERBOSITY sqlstate
SELECT cmig.resolve('base');
-- nor anything that would be read as a relative identifier
UPDATE cmig.revision SET revision = '-1', branch_labels = '{}' WHERE revision = 'ok';
\set VERBOSITY default
SELECT revision FROM cmig.plan('downgrade', '-1');
DELETE FROM cmig.revision WHERE revision = '-1';
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision('m', '', revision => '-2', head => 'abc');
SELECT cmig.create_revision('m', '', revision => '-x', head => 'abc');
SELECT cmig.create_revision('m', '', revision => 'head-2', head => 'abc');
SELECT cmig.create_revision('m', '', revision => 'n', head => 'abc', branch_label => 'current-1');
$calls$);
\set ECHO all
SELECT * FROM cmig.load('-- revision: -1
-- cmig:upgrade
SELECT 1;');
SELECT cmig.create_revision('m', '', revision => '2026-11-20', head => 'abc');
SELECT cmig.create_revision('m', '', revision => 'head-a', head => '2026-11-20');
DROP EXTENSION pg_cmig CASCADE;
