# Copyright (c) 2026, the pg_cmig developers

# Tests ALTER EXTENSION pg_cmig UPDATE from 1.0 to 1.1, which added scopes,
# and from there to the current version.  A database
# that was migrated with 1.0 keeps its version rows, journal, unfinished step, backfill,
# and privileges, and has the same objects as a new installation after the update.  The
# rows of 1.0 are inserted by hand, as a dump would insert them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('update', 'autovacuum = off');
use_old_script($node);
$node->start;

sub as_owner { return query($node, 'shop', $_[0], 'ann') }

$node->safe_psql('postgres', q{
CREATE ROLE ann LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE migrator LOGIN;
CREATE ROLE stranger LOGIN;
CREATE DATABASE shop OWNER ann;
CREATE DATABASE fresh OWNER ann});
$node->safe_psql('shop', 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO stranger; ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO stranger');
as_owner(q{CREATE EXTENSION pg_cmig VERSION '1.0'});
is(query($node, 'shop', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cmig'}), '1.0', 'version 1.0');
fails_with($node, 'shop', 'SELECT * FROM cmig.log()', '42703', 'ALTER EXTENSION pg_cmig UPDATE', 'functions of 1.1 need its tables', 'ann');
fails_with($node, 'shop', q{SELECT * FROM cmig.grant_access('reader', 'reader')}, '42P01', 'ALTER EXTENSION pg_cmig UPDATE', 'access to objects of 1.1 cannot be granted before', 'ann');

# What 1.0 has stored: two applied revisions, a third one that stopped after its first
# statement, and a backfill.
as_owner(q{
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql, transactional) VALUES
('001', '{}', 'CREATE TABLE item (id int PRIMARY KEY, n int)', 'DROP TABLE item', true),
('002', '{001}', 'ALTER TABLE item ADD name text', 'ALTER TABLE item DROP name', true),
('003', '{002}', 'CREATE TABLE first (n int); CREATE TABLE second (n int)', 'DROP TABLE first, second', false);
CREATE TABLE item (id int PRIMARY KEY, n int, name text);
CREATE TABLE first (n int);
INSERT INTO cmig.version VALUES ('002');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role) VALUES
(1, '001', 'upgrade', 'done', '2026-01-01', '1s', 'ann'),
(2, '002', 'upgrade', 'done', '2026-01-02', '1s', 'ann'),
(3, '003', 'upgrade', 'failed', '2026-01-03', '1s', 'ann'),
(4, NULL, 'drift', 'done', '2026-01-03', '1s', 'ann');
INSERT INTO cmig.progress (revision, direction, statement, state, detail) VALUES ('003', 'upgrade', 1, 'done', '{"checksum": "41c53da0a2eefc706e664365cd0192c0fa8aa843a823598021faf9f7f85c0597"}');
INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, started_at, updated_at) VALUES ('public.item', 'n = 1', 'done', 'key', 1, '2026-01-01', '2026-01-01');
GRANT USAGE ON SCHEMA cmig TO reader, migrator;
GRANT SELECT ON cmig.revision, cmig.version, cmig.journal, cmig.progress, cmig.backfill_run TO reader, migrator;
GRANT INSERT, UPDATE, DELETE ON cmig.version, cmig.progress, cmig.backfill_run TO migrator;
GRANT INSERT (id, revision, direction, outcome, started_at, elapsed, role, application_name, transaction_id, checksum, search_path, sqlstate, message, statement),
	UPDATE (outcome, elapsed, transaction_id, checksum, sqlstate, message, statement) ON cmig.journal TO migrator;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO migrator;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA cmig TO migrator;
GRANT EXECUTE ON FUNCTION cmig.current(), cmig.heads() TO reader;
GRANT ALL ON SCHEMA public TO migrator});
query($node, 'shop', 'ALTER TABLE item OWNER TO migrator; ALTER TABLE first OWNER TO migrator');

# Returns the rows, without the columns that 1.1 adds, and the privileges on the objects
# of 1.0.
sub contents
{
	my ($db) = @_;

	return query($node, $db, q{
SELECT to_jsonb(r) FROM cmig.revision r ORDER BY revision;
SELECT * FROM cmig.version;
SELECT to_jsonb(j) - 'scope' FROM cmig.journal j ORDER BY id;
SELECT to_jsonb(p) - 'scope' FROM cmig.progress p;
SELECT to_jsonb(b) - 'scope' FROM cmig.backfill_run b;
SELECT relname, relowner::regrole, relacl FROM pg_class WHERE relnamespace = 'cmig'::regnamespace AND relkind <> 'i' AND relname <> 'scope_version' ORDER BY relname;
SELECT attrelid::regclass, attname, attacl FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid::regclass::text LIKE 'cmig.%' AND attname <> 'scope' ORDER BY 1, attnum});
}

my $contents = contents('shop');

fails_with($node, 'shop', 'ALTER EXTENSION pg_cmig UPDATE', '42501', 'must be owner of extension', 'another role cannot update', 'migrator');
as_owner(q{ALTER EXTENSION pg_cmig UPDATE TO '1.1'});
is(query($node, 'shop', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cmig'}), '1.1', 'version 1.1');
is(contents('shop'), $contents, 'rows and privileges are as before');
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGUSER} = 'ann';
	local $ENV{PGDATABASE} = 'shop';
	gives(0, 'field +revision\nvalue +001\n', 'HINT:  .*: ALTER EXTENSION pg_cmig UPDATE', '--no-load', 'show', '001');
}

# In 1.1, a role has each level; after the update, it has the privileges that it would
# have in a new installation.  The levels of 1.1 are those that the library grants
# there.
my @levels = qw(application reader author migrator owner);
$node->safe_psql('postgres', join ';', map { "CREATE ROLE level_$_" } @levels, 'monitor');
as_owner(join ';', map { "SELECT cmig.grant_access('level_$_', '$_')" } @levels);
query($node, 'shop', 'REVOKE EXECUTE ON FUNCTION cmig.reset(text) FROM level_migrator; REVOKE SELECT ON cmig.progress FROM level_reader');
# one function is not a level
$node->safe_psql('postgres', 'CREATE ROLE one_function');
as_owner("GRANT EXECUTE ON FUNCTION $_ TO one_function WITH GRANT OPTION") for 'cmig.repair(text)', 'cmig.heads()';
# a view of the owner's that uses a function which changes blocks the update
as_owner('CREATE VIEW differences AS SELECT * FROM cmig.diff()');
fails_with($node, 'shop', 'ALTER EXTENSION pg_cmig UPDATE', '2BP01', 'cannot drop function cmig.diff(?s:.*)view public.differences depends on function cmig.diff',
	'the update names the view that it would drop', 'ann');
as_owner('DROP VIEW differences');
as_owner('ALTER EXTENSION pg_cmig UPDATE');
is(query($node, 'shop', q{SELECT array_agg(DISTINCT p.proname::text ORDER BY p.proname::text) FROM pg_proc p, aclexplode(proacl) WHERE grantee = 'one_function'::regrole}),
	'{heads,repair}', 'the update gives nothing to a role that has no level');
is(query($node, 'shop', q{SELECT has_table_privilege('one_function', 'cmig.secret', 'SELECT')}), 'f', 'nor tables');
as_owner("REVOKE EXECUTE ON FUNCTION $_ FROM one_function") for 'cmig.repair(text)', 'cmig.heads()';
is(query($node, 'shop', q{SELECT has_function_privilege('level_migrator', 'cmig.reset(text)', 'EXECUTE'), has_table_privilege('level_reader', 'cmig.progress', 'SELECT')}), 'f|f', 'the update does not grant again what was revoked');
query($node, 'shop', 'GRANT EXECUTE ON FUNCTION cmig.reset(text) TO level_migrator; GRANT SELECT ON cmig.progress TO level_reader');
is(query($node, 'shop', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cmig'}), '1.2', 'version 1.2');
is(query($node, 'shop', q{SELECT target_id = concat(system_identifier, '/', 'cmig.expansion_run'::regclass::oid, '/', 'item'::regclass::oid)
FROM cmig.backfill_run, pg_control_system()}), 't', 'a row of a backfill has the id of its table');

sub privileges
{
	my ($db) = @_;

	return query($node, $db, q{
SELECT r.rolname, has_table_privilege(r.oid, 'cmig.scope_version', 'SELECT'), has_table_privilege(r.oid, 'cmig.scope_version', 'INSERT'), has_column_privilege(r.oid, 'cmig.journal', 'scope', 'INSERT')
FROM pg_roles r WHERE r.rolname IN ('ann', 'reader', 'migrator', 'stranger') ORDER BY 1;
SELECT p.proname, r.rolname FROM pg_proc p, pg_roles r WHERE p.pronamespace = 'cmig'::regnamespace AND p.proname ~ 'scope' AND r.rolname IN ('ann', 'reader', 'migrator', 'stranger') AND has_function_privilege(r.oid, p.oid, 'EXECUTE') ORDER BY 1, 2});
}

like(privileges('shop'), qr/^ann\|t\|t\|t\nmigrator\|t\|t\|t\nreader\|t\|f\|f\nstranger\|f\|f\|f$/m, 'each level has its privileges on what is new');
unlike(privileges('shop'), qr/scope\w*\|stranger/, 'default privileges give nothing');

query($node, 'fresh', 'CREATE EXTENSION pg_cmig', 'ann');
for my $what (
	q{SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_cmig') AND deptype = 'e' ORDER BY 1},
	q{SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'cmig'::regnamespace ORDER BY conrelid::regclass::text, 2},
	q{SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text LIKE 'cmig.%' ORDER BY 1},
	q{SELECT p.oid::regprocedure, pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc') FROM pg_proc p WHERE pronamespace = 'cmig'::regnamespace ORDER BY p.oid::regprocedure::text},
	q{SELECT attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid::regclass::text LIKE 'cmig.%' AND attnum > 0 ORDER BY attrelid::regclass::text, 2},
	q{SELECT DISTINCT o.owner FROM (SELECT proowner FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = 'cmig'::regnamespace) o (owner)})
{
	is(query($node, 'shop', $what), query($node, 'fresh', $what), 'objects are those of a new installation');
}

query($node, 'fresh', join(';', map { "SELECT cmig.grant_access('level_$_', '$_')" } @levels, 'monitor'), 'ann');
query($node, 'shop', q{SELECT cmig.grant_access('level_monitor', 'monitor')}, 'ann');
my $granted = q{SELECT object, column_name, initial, coalesce(grantee::regrole::text, ''), privilege_type, is_grantable FROM (
	SELECT oid::regclass::text AS object, NULL::name AS column_name, false AS initial, relacl AS acl FROM pg_class WHERE relnamespace = 'cmig'::regnamespace
	UNION ALL SELECT attrelid::regclass::text, attname, false, attacl FROM pg_attribute WHERE attrelid::regclass::text LIKE 'cmig.%'
	UNION ALL SELECT oid::regprocedure::text, NULL, false, proacl FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace
	UNION ALL SELECT 'cmig', NULL, false, nspacl FROM pg_namespace WHERE nspname = 'cmig'
	UNION ALL SELECT pg_describe_object(classoid, objoid, objsubid), NULL, true, initprivs FROM pg_init_privs WHERE pg_describe_object(classoid, objoid, 0) LIKE '%cmig%') o, aclexplode(o.acl)
	WHERE grantee NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ('reader', 'migrator')) ORDER BY 1, 2, 3, 4, 5, 6};
my %fresh = map { $_ => 1 } split /\n/, query($node, 'fresh', $granted);
my %updated = map { $_ => 1 } split /\n/, query($node, 'shop', $granted);
cmp_ok(scalar(grep { /expansion_step\|\w+\|f\|level_migrator/ } keys %fresh), '>', 5, 'columns are compared, too');
is(join("\n", grep { !$updated{$_} } sort keys %fresh), '', 'no privilege is missing after the update');
is(join("\n", grep { !$fresh{$_} } sort keys %updated), '', 'and there is none that a new installation does not have');

# the migrator of 1.0 finishes the step that stopped, and upgrades a scope
is(query($node, 'shop', 'CALL cmig.upgrade_stepwise(); SELECT revision FROM cmig.version; SELECT count(*) FROM cmig.progress', 'migrator'), "003\n0", 'the unfinished step is resumed');
is(query($node, 'shop', q{SELECT id, revision, outcome, scope = '' FROM cmig.journal ORDER BY id}), "1|001|done|t\n2|002|done|t\n3|003|failed|t\n4||done|t\n5|003|done|t", 'the journal continues');
as_owner('CREATE SCHEMA tenant_1; GRANT ALL ON SCHEMA tenant_1 TO migrator');
is(query($node, 'shop', q{SET cmig.scope = 'tenant_1'; SELECT revision FROM cmig.upgrade('002'); SELECT to_regclass('tenant_1.item') IS NOT NULL; SELECT * FROM cmig.scope_version; SELECT revision FROM cmig.version}, 'migrator'),
	"001\n002\nt\ntenant_1|002\n003", 'the migrator migrates a scope');

# a dump contains the rows of scopes
my $dump = PostgreSQL::Test::Utils::tempdir() . '/shop.dump';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('shop') ], 'pg_dump');
query($node, 'postgres', 'CREATE DATABASE restored OWNER ann');
query($node, 'restored', 'CREATE EXTENSION pg_cmig', 'ann');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'restore');
my $rows = 'SELECT * FROM cmig.scope_version; SELECT j::text FROM cmig.journal j ORDER BY scope, id';
is(query($node, 'restored', $rows), query($node, 'shop', $rows), 'the rows of scopes are restored');
is(privileges('restored'), privileges('shop'), 'and the privileges');

done_testing();
