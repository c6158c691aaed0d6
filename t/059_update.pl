# Copyright (c) 2026, the pg_cmig developers

# Tests ALTER EXTENSION pg_cmig UPDATE from 1.2 to a version 1.3 that exists only in
# this test.  Its script, t/data/update/pg_cmig--1.2--1.3.sql, makes each kind of change
# that a later version can make.  The database's owner, who is not a superuser, updates
# a database with revisions, a journal, an unfinished run and backfill, an audit log, a
# DDL policy, access levels, and settings.  All of these must be the same as before,
# and new objects must have the privileges of their access levels and no others.
#
# During the test, the script is in the folder of the extension's scripts.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('update', 'autovacuum = off');
my $folder = script_folder($node);
my $script = "$folder/pg_cmig--1.2--1.3.sql";

$node->start;

sub steps_file
{
	my $text = revision_file(@_);

	$text =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;
	return $text;
}

# as_owner(SQL): runs SQL as the database's owner
sub as_owner { return query($node, 'shop', $_[0], 'ann') }

# same(IS, WAS, NAME): tests that the lines are the same, and shows those that differ
sub same
{
	my ($is, $was, $name) = @_;
	my %was = map { $_ => 1 } split /\n/, $was;
	my %is = map { $_ => 1 } split /\n/, $is;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($is eq $was, $name)
	  or diag(map { "$_\n" } (map { "- $_" } grep { !$is{$_} } sort keys %was), (map { "+ $_" } grep { !$was{$_} } sort keys %is));
}

# Returns what users have stored, without the columns that only 1.3 has.
sub contents
{
	my ($db) = @_;

	return query($node, $db, q{
SELECT to_jsonb(r) - 'reviewed' FROM cmig.revision r ORDER BY revision COLLATE "C";
SELECT * FROM cmig.version;
SELECT to_jsonb(j) - 'ticket' FROM cmig.journal j ORDER BY id;
SELECT p::text FROM cmig.progress p ORDER BY statement;
SELECT to_jsonb(b) - 'target_id' FROM cmig.backfill_run b ORDER BY id;
SELECT l::text FROM cmig.ddl_log l ORDER BY l::text COLLATE "C";
SELECT l::text FROM cmig_audit.log l ORDER BY id;
SELECT l::text FROM cmig_audit.layout l ORDER BY 1;
SELECT item, value, hint FROM cmig.status() WHERE item NOT IN ('database', 'server', 'pg_cmig', 'version of pg_cmig');
SELECT severity, object, problem, fix FROM cmig.check() ORDER BY 1, 2, 3;
SELECT * FROM cmig.rls_status('public') ORDER BY 1;
SELECT file_name, content FROM cmig.export() ORDER BY 1;
SELECT last_value, is_called FROM cmig.backfill_run_id_seq});
}

# Returns what the catalogs contain about the extension's objects, except those that
# are new in 1.3.
sub objects
{
	my ($db) = @_;

	return query($node, $db, q{
SELECT p.oid::regprocedure, p.proowner::regrole, p.proacl, md5(pg_get_functiondef(p.oid)), obj_description(p.oid, 'pg_proc')
FROM pg_proc p WHERE pronamespace = 'cmig'::regnamespace AND p.oid <> coalesce(to_regprocedure('cmig.heads(text)'), 0) ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.oid::regclass, c.relowner::regrole, c.relacl, obj_description(c.oid, 'pg_class'),
	(SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attacl::text), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND attname NOT IN ('reviewed', 'ticket'))
FROM pg_class c WHERE relnamespace = 'cmig'::regnamespace AND relkind <> 'i' AND relname <> 'review' ORDER BY relname COLLATE "C";
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'cmig'::regnamespace AND contype <> 'n' AND conrelid IS DISTINCT FROM to_regclass('cmig.review') ORDER BY conname COLLATE "C", 1;
SELECT evtname, evtowner::regrole, evtenabled, evttags FROM pg_event_trigger ORDER BY 1;
SELECT nspowner::regrole, nspacl FROM pg_namespace WHERE nspname = 'cmig';
SELECT extowner::regrole FROM pg_extension WHERE extname = 'pg_cmig';
SELECT setdatabase <> 0, setrole, unnest(setconfig) AS setting FROM pg_db_role_setting WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) ORDER BY 3});
}

$node->safe_psql('postgres', q{
CREATE ROLE ann LOGIN;
CREATE ROLE app LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE author LOGIN;
CREATE ROLE migrator LOGIN;
CREATE ROLE stranger LOGIN;
CREATE DATABASE shop OWNER ann});
$node->safe_psql('shop', q{ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO stranger; ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO stranger});
as_owner(q{
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO stranger;
CREATE EXTENSION pg_cmig;} . load_sql(
		revision_file('001', '', q{
CREATE TABLE gate (n int);
CREATE TABLE item (id int PRIMARY KEY, name text, n int);
INSERT INTO item SELECT g, 'name ' || g FROM generate_series(1, 300) g;
CREATE TABLE account (id int PRIMARY KEY, tenant_id text NOT NULL, owner text, card text);
GRANT SELECT, INSERT, UPDATE ON account TO app;}, 'DROP TABLE account, item, gate;'),
		steps_file('002', '001', q{
CREATE INDEX CONCURRENTLY item_name ON item (name);
CALL cmig.backfill('item', 'n = CASE WHEN id > 120 THEN id / (SELECT count(*) FROM gate) ELSE id END', batch_size => 50);}, 'DROP INDEX CONCURRENTLY item_name; UPDATE item SET n = NULL;'),
		revision_file('003', '002', 'ALTER TABLE item ADD extra text;', 'ALTER TABLE item DROP extra;')) . q{
SELECT cmig.upgrade('001');
SELECT cmig.grant_access('reader', 'reader');
SELECT cmig.grant_access('author', 'author');
SELECT cmig.grant_access('migrator', 'migrator');
SELECT cmig.grant_access('app', 'application');
SELECT cmig.enable_audit('account', redact => '{card}');
INSERT INTO account VALUES (1, 'a', 'Ann', 'secret'), (2, 'b', 'Bob', 'secret');
UPDATE account SET owner = 'Anna' WHERE id = 1;
SELECT cmig.enable_rls('account', roles => '{app}');
SELECT cmig.set_protect('base');
SELECT cmig.set_ddl_policy('log');
CREATE TABLE by_hand (n int);
SELECT cmig.set_ddl_policy('deny')});
fails_with($node, 'shop', 'CALL cmig.upgrade_stepwise()', '22012', 'division by zero', 'a stepwise run fails', 'ann');

my $contents = contents('shop');
my $objects = objects('shop');
like($contents, qr/by_hand/, 'the log of DDL has a row');
unlike($contents =~ s/^warning\|002\|its upgrade is partially applied.*//mr, qr/^(error|warning)\|/m, 'check finds nothing else before the update');

copy_file($FindBin::RealBin . '/data/update/pg_cmig--1.2--1.3.sql', $script);
END { unlink $script if defined $script && -w $folder }

sub copy_file
{
	my ($from, $to) = @_;

	unlink $to;
	append_to_file($to, slurp_file($from));
}

fails_with($node, 'shop', 'ALTER EXTENSION pg_cmig UPDATE TO \'1.3\'', '42501', 'must be owner of extension', 'another role cannot update', 'migrator');

# an update that fails changes nothing
append_to_file($script, "SELECT 1 / 0;\n");
fails_with($node, 'shop', "ALTER EXTENSION pg_cmig UPDATE TO '1.3'", '22012', 'division by zero', 'an update that fails', 'ann');
same(contents('shop'), $contents, 'it has not changed the rows');
same(objects('shop'), $objects, 'it has not changed the objects');
copy_file($FindBin::RealBin . '/data/update/pg_cmig--1.2--1.3.sql', $script);

as_owner("ALTER EXTENSION pg_cmig UPDATE TO '1.3'");
is(query($node, 'shop', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cmig'}), '1.3', "the owner of the database updates, although cmig.ddl_policy is deny");
same(contents('shop'), $contents, 'rows, status, check, and files are as before');
same(objects('shop'), $objects, 'objects, privileges, comments, and settings are as before');

sub privileges
{
	my ($db) = @_;

	return query($node, $db, q{
SELECT r.rolname, has_function_privilege(r.oid, 'cmig.heads(text)', 'EXECUTE'), has_table_privilege(r.oid, 'cmig.review', 'SELECT'), has_column_privilege(r.oid, 'cmig.journal', 'ticket', 'SELECT'), has_column_privilege(r.oid, 'cmig.revision', 'reviewed', 'INSERT')
FROM pg_roles r WHERE r.rolname IN ('ann', 'app', 'reader', 'author', 'migrator', 'stranger') ORDER BY 1});
}

is(privileges('shop'), "ann|t|t|t|t\napp|f|f|f|f\nauthor|t|f|t|f\nmigrator|t|f|t|f\nreader|t|f|t|f\nstranger|f|f|f|f", 'privileges on what is new');
is(query($node, 'shop', q{SELECT DISTINCT owner FROM (SELECT proowner FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = 'cmig'::regnamespace) o (owner)}),
	'10', 'what is new belongs to the bootstrap superuser');
is(query($node, 'shop', q{INSERT INTO cmig.review (revision) VALUES ('001'); UPDATE cmig.journal SET ticket = 'T-1' WHERE id = 1; SELECT reviewer FROM cmig.review}, 'ann'), 'ann', 'the owner uses what is new');

# a database in which 1.3 was installed from the start has the same objects
query($node, 'postgres', 'CREATE DATABASE fresh OWNER ann');
query($node, 'fresh', q{CREATE EXTENSION pg_cmig VERSION '1.3'}, 'ann');
my $names = q{SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_cmig') AND deptype = 'e' ORDER BY 1};
is(query($node, 'shop', $names), query($node, 'fresh', $names), 'the members of the extension are those of a new installation');

# a dump is restored into a database in which version 1.3 is installed
my $dump = PostgreSQL::Test::Utils::tempdir() . '/shop.dump';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('shop') ], 'pg_dump');
query($node, 'postgres', q{CREATE DATABASE restored OWNER ann;});
query($node, 'restored', q{CREATE EXTENSION pg_cmig VERSION '1.3'}, 'ann');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'restore');
query($node, 'restored', q{ALTER DATABASE restored SET cmig.protect = 'base'; ALTER DATABASE restored SET cmig.ddl_policy = 'deny'});
same(contents('restored'), $contents, 'the restored database has the same rows');
same(objects('restored'), $objects, 'the same objects, privileges, and settings');
is(privileges('restored'), privileges('shop'), 'the same privileges on what is new');
is(query($node, 'restored', 'SELECT reviewer FROM cmig.review UNION ALL SELECT ticket FROM cmig.journal WHERE id = 1'), "ann\nT-1", 'and the rows that are new in 1.3');

# the run that failed before the update continues to its end
fails_with($node, 'shop', 'CALL cmig.upgrade_stepwise()', '22012', 'division by zero', 'the run still fails where it failed', 'ann');
as_owner('INSERT INTO gate VALUES (1); CALL cmig.upgrade_stepwise()');
is(as_owner(q{SELECT revision FROM cmig.version; SELECT count(*) FROM cmig.progress; SELECT count(*) FROM item WHERE n = id}), "003\n0\n300", 'the run continues to its end');
is(query($node, 'shop', q{BEGIN; SELECT cmig.set_context('u', 'a'); SELECT owner FROM account; UPDATE account SET owner = 'Ada'; COMMIT}, 'app'), "\nAnna", 'policies apply');
is(as_owner(q{SELECT operation, role, new_row->>'owner', new_row->>'card' FROM cmig_audit.log ORDER BY id DESC LIMIT 1}), 'UPDATE|app|Ada|[redacted]', 'changes are logged');
fails_with($node, 'shop', 'DROP TABLE by_hand', 'MG022', '', 'the DDL policy applies', 'ann');
is(as_owner(q{CALL cmig.downgrade_stepwise('001'); CALL cmig.upgrade_stepwise(); SELECT revision FROM cmig.version}), '003', 'downgrade and upgrade');

done_testing();
