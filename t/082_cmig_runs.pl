# Copyright (c) 2026, the pg_cmig developers

# Tests how bin/cmig runs revisions: in one transaction or stepwise, and in one or all
# of several schemas.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('cmig_runs');

$node->start;
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

# project(NAME): a folder, which becomes the current one, and a database
sub project
{
	my ($name) = @_;

	mkdir "$dir/$name";
	chdir "$dir/$name" or die;
	gives(0, "database $name is at base", '', 'init', '--create-database', '-d', $name);
	$ENV{PGDATABASE} = $name;
}

sub write_revision
{
	my ($id, @rest) = @_;
	my $file = "migrations/$id.sql";

	unlink $file;
	append_to_file($file, revision_file($id, @rest));
	return $file;
}

sub ask { return query($node, $ENV{PGDATABASE}, $_[0]) }

# --- one transaction ---------------------------------------------------------

project('one');
write_revision('001', '', 'CREATE TABLE t1 (id bigint);', 'DROP TABLE t1;');
write_revision('002', '001', 'CREATE TABLE t2 (id bigint);', 'DROP TABLE t2;');
write_revision('003', '002', 'CREATE TABLE t1 (id bigint);', 'DROP TABLE t3;');
my $state = q{SELECT coalesce(string_agg(revision, ','), 'base'), to_regclass('t1'), to_regclass('t2'), (SELECT count(*) FROM cmig.journal WHERE outcome = 'done') FROM cmig.version};

gives(3, '^$', 'ERROR:  relation "t1" already exists', 'upgrade', '--one-transaction');
is(ask($state), 'base|||0', 'a failure leaves nothing');
gives(3, '^$', 'ERROR:  relation "t1" already exists', 'upgrade', '--stepwise');
is(ask($state), '002|t1|t2|2', 'a stepwise run leaves what was done before');
gives(0, 'is at base', '', 'downgrade', '-y', '--one-transaction', 'base');
gives(0, '^database one is at 002$', "SELECT \\* FROM cmig\\.upgrade\\('002'\\);", 'upgrade', '--one-transaction', '002', '-v');
is(ask(q{SELECT count(DISTINCT transaction_id), count(*) FROM (SELECT * FROM cmig.journal ORDER BY id DESC LIMIT 2) j}), '1|2', 'one transaction for two revisions');
gives(3, '^$', 'ERROR:  relation "t1" already exists', 'reset', '-y', '--one-transaction');
is(ask($state =~ s/, \(SELECT.*\)//r), '002|t1|t2', 'a reset that fails leaves everything');
write_revision('003', '002', 'CREATE TABLE t3 (id bigint);', 'DROP TABLE t3; DROP TABLE nosuch;');
gives(0, 'is at 003', '', 'upgrade', '--one-transaction');
gives(3, '^$', 'table "nosuch" does not exist', 'downgrade', '-y', '--one-transaction', '001');
is(ask('SELECT revision, to_regclass($$t3$$) FROM cmig.version'), '003|t3', 'a downgrade that fails leaves everything');

# a dry run that finds an error has exit status 1
gives(1, '42P01: table', 'plan_checksum is', 'downgrade', '--dry-run', '001');
gives(1, 'table "nosuch" does not exist', "SELECT \\* FROM cmig\\.dry_run\\('downgrade', '001'\\);", 'dry-run', 'downgrade', '001', '-v');
is(ask('SELECT revision, to_regclass($$t3$$) FROM cmig.version'), '003|t3', 'a dry run changes nothing');

# what cannot run in a transaction is refused, before anything is run
write_revision('004', '003', 'CREATE TABLE t4 (id bigint);', 'DROP TABLE t4;');
append_to_file('migrations/005.sql',
	"-- revision: 005\n-- down_revision: 004\n-- transactional: false\n-- cmig:upgrade\nCREATE INDEX CONCURRENTLY t4_id ON t4 (id);\n-- cmig:downgrade\nDROP INDEX t4_id;\n");
gives(0, 'not tried', 'plan_checksum is', 'upgrade', '--dry-run');
gives(3, '^$', 'ERROR:  revision "005" is not transactional\n.*\nHINT:  Use cmig upgrade --stepwise head instead', 'upgrade', '--one-transaction');
is(ask('SELECT revision, to_regclass($$t4$$) FROM cmig.version'), '003|', 'nothing was run');
gives(0, 'is at 005', "CALL cmig\\.upgrade_stepwise\\('head'\\);", 'upgrade', '-v');
gives(3, '^$', 'ERROR:  revision "005" is not transactional', 'downgrade', '-y', '--one-transaction', '003');
gives(3, '^$', 'ERROR:  revision "005" is not transactional', 'reset', '-y', '--one-transaction');
gives(0, 'is at 003', "CALL cmig\\.downgrade_stepwise\\('003'\\);", 'downgrade', '-y', '-v', '003');
gives(0, 'is at 005', '', 'upgrade', '--one-transaction', '-x', 'cmig.concurrent_ddl=off');
is(ask('SELECT to_regclass($$t4_id$$)'), 't4_id', 'in tests, even this runs in the transaction');
foreach my $verb ([ 'upgrade' ], [ 'downgrade', 'base' ], ['reset'])
{
	gives(2, '^$', '^cmig: --one-transaction cannot be used with --stepwise\n$', @$verb, '-y', '--one-transaction', '--stepwise');
}
gives(2, '^$', '^cmig: --in-doubt requires --stepwise\n$', 'upgrade', '--one-transaction', '--in-doubt', 'done');
gives(2, '^$', '^cmig: --sql cannot be used with --dry-run\n$', 'upgrade', '--sql', '--dry-run');
gives(2, '^$', 'current has no option --one-transaction', 'current', '--one-transaction');

# --- a schema for each tenant ------------------------------------------------

project('tenants');
ask("CREATE SCHEMA tenant_$_; CREATE SCHEMA other_$_") foreach 1 .. 3;
write_revision('001', '', 'CREATE TABLE invoice (id bigint PRIMARY KEY);', 'DROP TABLE invoice;');
my $scopes = q{SELECT string_agg(scope || ' ' || revision, ', ' ORDER BY scope) FROM cmig.scope_version};

gives(0, '^$', "^SELECT \\* FROM cmig.load\\(:'files'\\);\n.*added: 001\nCALL cmig.upgrade_scopes\\('tenant\\\\_%', 'head'\\);\n.*scopes: 3 upgraded, 0 already", 'upgrade', '--scopes', 'tenant\_%', '-v');
is(ask($scopes), 'tenant_1 001, tenant_2 001, tenant_3 001', 'the schemas that match are upgraded');
is(ask('SELECT count(*) FROM cmig.version'), '0', 'the database is not');
gives(0, '^$', 'scopes: 0 upgraded, 3 already up to date', 'upgrade', '--scopes', 'tenant\_%');
gives(0, '^$', 'no schema that can be a scope matches "nosuch"\nHINT:', 'upgrade', '--scopes', 'nosuch');
gives(0, "^ +scope +\\| current \\| pending \\| failed \n.*tenant_1 \\| 001 ", '^$', 'scopes');

# one of them
gives(0, '001', "^SET cmig.scope = 'tenant_2';\nSELECT \\* FROM cmig.current\\(\\);\n\$", 'current', '--scope', 'tenant_2', '-v');
write_revision('002', '001', 'ALTER TABLE invoice ADD CHECK (id > 0);', 'ALTER TABLE invoice DROP CONSTRAINT invoice_id_check;');
gives(0, '^database tenants, scope tenant_2 is at 002$', 'added: 002', 'upgrade', '--scope', 'tenant_2');
gives(0, 'scope +tenant_2\n +-> leave out --scope\n', '^$', 'status', '--scope', 'tenant_2');
gives(0, '^@ 002', '^$', 'graph', '--scope', 'tenant_2');
gives(0, '^o 002[^\n]*\n@ 001', '^$', 'graph', '--scope', 'tenant_1');
gives(0, 'upgrade .*002', '^$', 'log', '--scope', 'tenant_2');
gives(5, '^$', '  002, make 002\n.*not confirmed: downgrade 1 revision', 'downgrade', '-1', '--scope', 'tenant_2');
gives(0, 'scope tenant_2 is at base', '', 'downgrade', 'base', '-y', '--scope=tenant_2');
gives(0, 'scope tenant_2 is at 001', '', 'upgrade', '001', '--scope', 'tenant_2');
is(ask($scopes), 'tenant_1 001, tenant_2 001, tenant_3 001', 'the others stay where they are');
gives(3, '^$', 'schema "nosuch" does not exist\n.*HINT:  To see the scopes: cmig scopes\n$', 'upgrade', '--scope', 'nosuch');
# a name that cannot be a scope never means the database
foreach my $name (qw(public pg_catalog cmig))
{
	gives(3, '^$', "invalid value for parameter \"cmig.scope\": \"$name\"", 'upgrade', '--scope', $name);
}
gives(2, '^$', '^cmig: --scope requires the name of a schema\n$', 'upgrade', '--scope', '');
is(ask('SELECT count(*) FROM cmig.version'), '0', 'the database is still at base');
gives(3, '^$', "does not work in a scope\n.*HINT:  Leave out --scope", 'baseline', '--scope', 'tenant_1');

# a failure, and going on after it
ask('INSERT INTO tenant_2.invoice VALUES (-1)');
gives(3, '^$', 'ERROR:  check constraint .* is violated(.|\n)*repeat the command\. .* use --max-failures\.', 'upgrade', '--scopes', 'tenant\_%');
is(ask($scopes), 'tenant_1 002, tenant_2 001, tenant_3 001', 'the first failure ends the run');
gives(0, 'failed +upgrade of 002, statement 1: .*Fix the cause, then cmig upgrade [^\n]*--scope tenant_2\n', '^$', 'status', '--scope', 'tenant_2');
gives(1, '^$', 'WARNING:  upgrade of scope "tenant_2" failed[^\n]*\nDETAIL:  pg_cmig: upgrade of 002, statement 1, line 1\n.*1 upgraded, 1 already up to date, 1 failed.*\nHINT:  cmig scopes\n', 'upgrade', '--scopes', 'tenant\_%', '--max-failures', '10', '-y');
is(ask($scopes), 'tenant_1 002, tenant_2 001, tenant_3 002', 'the other schemas are upgraded');
gives(0, 'tenant_2 \| 001 +\| +1 \| 23514: check constraint', '^$', 'scopes');
ask('DELETE FROM tenant_2.invoice');
gives(0, '^$', '1 upgraded, 2 already up to date, 0 failed', 'upgrade', '--scopes', 'tenant\_%', '--max-failures', '10', '-y');

# data that would be lost
write_revision('003', '002', 'DROP TABLE invoice;', 'CREATE TABLE invoice (id bigint PRIMARY KEY);');
gives(5, '^$', 'HAZARD:  003: DROP TABLE deletes the data of tenant_1.invoice.*not confirmed: upgrade all schemas like tenant\\\\_%, with 1 hazard\?', 'upgrade', '--scopes', 'tenant\_%');
is(ask($scopes), 'tenant_1 002, tenant_2 002, tenant_3 002', 'nothing was run');
gives(0, '^$', '3 upgraded', 'upgrade', '--scopes', 'tenant\_%', '-y');

# a revision that cannot run in a transaction
append_to_file('migrations/004.sql',
	"-- revision: 004\n-- down_revision: 003\n-- transactional: false\n-- cmig:upgrade\nCREATE TABLE invoice (id bigint);\nCREATE INDEX CONCURRENTLY ON invoice (id);\n-- cmig:downgrade\nDROP TABLE invoice;\n");
gives(3, '^$', 'HINT:  cmig upgrade --stepwise head --scope tenant_1\n', 'upgrade', '--scopes', 'tenant\_%');
gives(0, 'scope tenant_1 is at 004', '', 'upgrade', '--stepwise', 'head', '--scope', 'tenant_1');

# create, compare, and drop
gives(0, ' 004 ', '', 'create-scope', 'tenant_4', '-x', 'cmig.concurrent_ddl=off');
gives(3, '^$', "schema \"tenant_1\" already exists\nHINT:  To upgrade it: cmig upgrade head --scope tenant_1\n", 'create-scope', 'tenant_1');
gives(0, ' 001 ', '', 'create_scope', q(o'd "x), '001');
gives(0, '^ *revision.*', '', 'create-scope', 'tenant_5', '004', '--copy-of', 'tenant_1');
is(ask("SELECT count(*) FROM cmig.diff_schemas('tenant_1', 'tenant_5')"), '0', 'the copy is equal');
gives(3, '^$', 'schema "tenant_0" does not exist', 'create-scope', 'tenant_6', '--copy-of', 'tenant_0');
gives(3, '^$', 'HINT:  Copy another scope, or leave out --copy-of\.', 'create-scope', 'tenant_6', '--copy-of', 'public_2') if ask('CREATE SCHEMA public_2') eq '';
ask('DROP SCHEMA public_2');
gives(0, '', '', 'drop-scope', 'tenant_5', '-y');
gives(0, 'upgrade_sql', '^$', 'scope-drift');
ask('CREATE TABLE tenant_3.by_hand (id int)');
gives(1, 'tenant_3 \| tenant_2 +\| tenant_3.by_hand \| DROP TABLE tenant_3.by_hand', '^$', 'scope-drift');
gives(5, '^$', q(not confirmed: drop the schema o'd "x), 'drop-scope', q(o'd "x));
gives(0, '^$', q{^SELECT cmig\.drop_scope\('o''d "x', confirm => 'o''d "x'\);\n}, 'drop-scope', q(o'd "x), '-y', '-v');
is(ask(q{SELECT count(*) FROM pg_namespace WHERE nspname = 'o''d "x'}), '0', 'the schema is gone');
gives(3, '^$', 'schema "public" cannot be a scope|is not a scope', 'drop-scope', 'public', '-y');

# wrong
gives(2, '^$', "^cmig: --$_ cannot be used with --scopes\n\$", 'upgrade', '--scopes', 't%', "--$_") foreach qw(sql dry-run stepwise one-transaction);
gives(2, '^$', '^cmig: --scope cannot be used with --scopes\n$', 'upgrade', '--scopes', 't%', '--scope', 'tenant_1');
gives(2, '^$', '^cmig: --max-failures requires --scopes\n$', 'upgrade', '--max-failures', '1');
gives(2, '^$', '^cmig: --max-failures must be a number\n$', 'upgrade', '--scopes', 't%', '--max-failures', 'x');
gives(2, '^$', '^cmig: scopes can have only one target\n$', 'upgrade', 'a', 'b', '--scopes', 't%');
gives(2, '^$', 'downgrade has no option --scopes', 'downgrade', 'base', '--scopes', 't%');
gives(2, '^$', '^usage: cmig drop-scope SCHEMA', 'drop-scope');

done_testing();
