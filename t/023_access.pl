# Copyright (c) 2026, the pg_cmig developers

# Tests access levels from end to end: a database owner who is not a superuser, roles
# that write, run, and read revisions, and the privileges that a dump preserves.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('access', 'max_locks_per_transaction = 256');
$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE ROLE regress_owner LOGIN CREATEDB;
CREATE ROLE regress_author LOGIN;
CREATE ROLE regress_migrator LOGIN;
CREATE ROLE regress_reader LOGIN;
END_SQL

sub run_ok
{
	my ($name, @command) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($ok && $err eq '', $name) or diag($err);
}

my @connection = ('-h', $node->host, '-p', $node->port);
my @chain = chain_files('second_brain');

# the owner creates the extension and grants access levels
run_ok('createdb by a role that is not a superuser', 'createdb', @connection, '-U', 'regress_owner', 'shop');
query($node, 'shop', 'CREATE EXTENSION pg_cmig', 'regress_owner');
query($node, 'shop', 'GRANT CREATE ON SCHEMA public TO regress_migrator', 'regress_owner');
query($node, 'shop', "SELECT cmig.grant_access('regress_$_', '$_')", 'regress_owner') for qw(author migrator reader);

# the author writes revisions, the migrator runs them, and the reader reads them
is(load_files($node, 'shop', 'regress_author', @chain),
	join("\n", map { /([^\/]*)\.sql$/ && "$1|added" } @chain), 'the author loads files');
fails_with($node, 'shop', 'SELECT cmig.upgrade()', '42501', 'permission denied for function upgrade',
	'but does not run', 'regress_author');
is(query($node, 'shop', 'SELECT count(*), min(created_by), max(created_by) FROM cmig.plan($$upgrade$$, $$head$$)', 'regress_migrator'),
	'5|regress_author|regress_author', 'the migrator sees who wrote each revision');
is(query($node, 'shop', 'SELECT count(*) FROM cmig.upgrade()', 'regress_migrator'), 5, 'the migrator runs the revision');
is(query($node, 'shop', 'SELECT DISTINCT role, session_role FROM cmig.journal', 'regress_reader'),
	'regress_migrator|regress_migrator', 'the reader sees who ran the revision');
is(query($node, 'shop', 'CALL cmig.downgrade_stepwise($$-1$$); CALL cmig.upgrade_stepwise(); SELECT revision FROM cmig.current()', 'regress_migrator'),
	'005_create_spaced_rep_cards_table', 'the migrator runs stepwise');

# a reader can dump what belongs to pg_cmig; the owner can dump everything
my $current = query($node, 'shop', 'SELECT * FROM cmig.current()', 'regress_owner');
run_ok('pg_dump by the reader', 'pg_dump', @connection, '-U', 'regress_reader', '-t', 'cmig.*', '-f', "$dir/reader.sql", 'shop');
query($node, 'shop', 'GRANT regress_migrator TO regress_owner');
run_ok('pg_dump by the owner', 'pg_dump', @connection, '-U', 'regress_owner', '-f', "$dir/owner.sql", 'shop');
run_ok('createdb', 'createdb', @connection, '-U', 'regress_owner', 'copy');
# A dump sets the owners of tables before it grants the privileges that these roles need
# to own them.
query($node, 'copy', 'GRANT CREATE ON SCHEMA public TO regress_migrator', 'regress_owner');
run_ok('restore by the owner', 'psql', '-Xqo', '/dev/null', '-v', 'ON_ERROR_STOP=1', @connection, '-U', 'regress_owner',
	'-d', 'copy', '-f', "$dir/owner.sql");
is(query($node, 'copy', 'SELECT * FROM cmig.current()', 'regress_owner'), $current, 'the copy is at the revision of the original');
is(query($node, 'copy', 'SELECT count(*) FROM cmig.downgrade(-1)', 'regress_migrator'), 1, 'the copy has the levels: the migrator upgrades');
is(query($node, 'copy', 'SELECT revision FROM cmig.current()', 'regress_reader'), '004_add_email_verified_column_to_users', 'the reader reads the copy');
fails_with($node, 'copy', 'SELECT cmig.upgrade()', '42501', 'permission denied for function upgrade',
	'the author does not run', 'regress_author');
run_ok('createdb', 'createdb', @connection, '-U', 'regress_owner', 'rows');
query($node, 'rows', 'CREATE EXTENSION pg_cmig', 'regress_owner');
run_ok("restore of the reader's dump", 'psql', '-Xqo', '/dev/null', '-v', 'ON_ERROR_STOP=1', @connection, '-U', 'regress_owner',
	'-d', 'rows', '-f', "$dir/reader.sql");
is(query($node, 'rows', 'SELECT * FROM cmig.current()', 'regress_owner'), $current, 'the copy has the same rows');

# privileges are revoked
query($node, 'shop', "SELECT cmig.revoke_access('regress_$_')", 'regress_owner') for qw(author migrator reader);
fails_with($node, 'shop', 'SELECT * FROM cmig.current()', '42501', 'permission denied for schema cmig', "revoked: the $_", "regress_$_")
  for qw(author migrator reader);

# A role with some privileges sees revisions without what scopes have applied, and so does everybody if the
# graph has defects.
query($node, 'postgres', 'CREATE DATABASE partly; CREATE ROLE regress_some');
query($node, 'partly', <<'END_SQL');
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('a', 'SELECT 1', 'SELECT 1', revision => '001'), cmig.create_revision('b', 'SELECT 1', 'SELECT 1', revision => '002');
CREATE SCHEMA tenant;
SET cmig.scope = 'tenant';
SELECT * FROM cmig.upgrade('001');
RESET cmig.scope;
GRANT USAGE ON SCHEMA cmig TO regress_some;
GRANT EXECUTE ON FUNCTION cmig.history(text) TO regress_some;
GRANT SELECT ON cmig.revision, cmig.version, cmig.journal TO regress_some;
END_SQL
my $history = 'SELECT revision, down_revision, applied FROM cmig.history()';
is(query($node, 'partly', "SET ROLE regress_some; $history"), "002|{001}|f\n001|{}|f", 'the history for a role that may not read the rows of scopes');
query($node, 'partly', q{ALTER TABLE cmig.revision DISABLE TRIGGER ALL; UPDATE cmig.revision SET down_revision = '{nosuch}' WHERE revision = '001'});
is(query($node, 'partly', $history), "002|{001}|f\n001|{nosuch}|f", 'and with a defect of the graph');

$node->stop;
done_testing();
