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

sub revise
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
revise('001', '', 'CREATE TABLE t1 (id bigint);', 'DROP TABLE t1;');
revise('002', '001', 'CREATE TABLE t2 (id bigint);', 'DROP TABLE t2;');
revise('003', '002', 'CREATE TABLE t1 (id bigint);', 'DROP TABLE t3;');
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
revise('003', '002', 'CREATE TABLE t3 (id bigint);', 'DROP TABLE t3; DROP TABLE nosuch;');
gives(0, 'is at 003', '', 'upgrade', '--one-transaction');
gives(3, '^$', 'table "nosuch" does not exist', 'downgrade', '-y', '--one-transaction', '001');
is(ask('SELECT revision, to_regclass($$t3$$) FROM cmig.version'), '003|t3', 'a downgrade that fails leaves everything');

# a dry run that finds an error has exit status 1
gives(1, '42P01: table', 'plan_checksum is', 'downgrade', '--dry-run', '001');
gives(1, 'table "nosuch" does not exist', "SELECT \\* FROM cmig\\.dry_run\\('downgrade', '001'\\);", 'dry-run', 'downgrade', '001', '-v');
is(ask('SELECT revision, to_regclass($$t3$$) FROM cmig.version'), '003|t3', 'a dry run changes nothing');

# an upgrade without a limit for lock waits says so
revise('0031', '003', 'SELECT 1;', 'SELECT 1;');
my $limit = "no lock_timeout is set: [^\n]*\nHINT:  To set a limit: cmig upgrade -x cmig\\.lock_timeout=5s, or, for all runs:\n       SELECT cmig\\.set_option\\('cmig.lock_timeout', '5s'\\)\n";
gives(0, 'is at 0031', $limit, 'upgrade');
foreach my $set ([ '-x', 'cmig.lock_timeout=5s' ], ['-q'], [])
{
	gives(0, 'is at 003|^$', '', 'downgrade', '-y', '-1', '-q');
	local $ENV{PGOPTIONS} = @$set ? '' : '-c lock_timeout=5s';
	unlike((cmig('upgrade', @$set))[2], qr/lock_timeout/, "a limit, or quiet: @$set");
}
gives(0, '^$', '^nothing to upgrade[^\n]*\n$', 'upgrade');
gives(0, 'is at 003', '', 'downgrade', '-y', '-1');
unlink 'migrations/0031.sql';
ask(q{SELECT cmig.remove_revision('0031')});

# what cannot run in a transaction is refused, before anything is run
revise('004', '003', 'CREATE TABLE t4 (id bigint);', 'DROP TABLE t4;');
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
gives(2, '^$', '^cmig: --in-doubt cannot be used with --one-transaction\n$', 'upgrade', '--one-transaction', '--in-doubt', 'done');
gives(2, '^$', '^cmig: --sql cannot be used with --dry-run\n$', 'upgrade', '--sql', '--dry-run');
gives(2, '^$', 'current has no option --one-transaction', 'current', '--one-transaction');

# a stepwise run that stops is reverted
project('stops');
append_to_file('migrations/001.sql', "-- revision: 001\n-- transactional: false\n-- cmig:upgrade\nCREATE TABLE t1 (id int);\nINSERT INTO t1 VALUES (1);\nSELECT 1 / 0;\n-- cmig:downgrade\nDROP TABLE t1;\n");
gives(3, '^$', 'division by zero', 'upgrade');
gives(3, '^$', 'HINT:  cmig upgrade --stepwise 001 finishes the upgrade\. cmig abandon-partial 001 lists the statements that revert it\.\n', 'upgrade', '--one-transaction');
gives(0, '^$', "^changes of rows are not reverted\n[^\n]*\nHINT:  cmig show 001\nthe upgrade of revision \"001\" would be reverted by 1 statement\nDETAIL:  The statements, in this order:\n-- data loss: [^\n]*\nDROP TABLE public\\.t1;\nHINT:  cmig abandon-partial 001 --yes --lose-data\n\$", 'abandon-partial', '001');
gives(3, '^$', 'would lose data\n[^\n]*\nHINT:  If the data is not needed: cmig abandon-partial 001 --yes --lose-data\n', 'abandon-partial', '001', '-y');
gives(2, '^$', '^cmig: --lose-data requires --yes\n$', 'abandon-partial', '001', '--lose-data');
gives(2, '^$', '\nusage: cmig abandon-partial REV', 'abandon-partial');
gives(0, 'is at base', 'was reverted by 1 statement\n', 'abandon-partial', '001', '--yes', '--lose-data');
gives(3, '^$', 'is not partially applied', 'abandon-partial', '001');

# --- files are authoritative --------------------------------------------------

# a revision that the user did not accept is not stored, and its file can be replaced
project('files');
revise('001', '', 'CREATE TABLE person (name text, phone text);', 'DROP TABLE person;');
gives(0, 'is at 001', 'added: 001', 'upgrade');
ask("INSERT INTO person VALUES ('Ada', '1')");
append_to_file('drops.sql', "CREATE TABLE person (name text);\n");
append_to_file('keeps.sql', "CREATE TABLE person (name text, phone text, mail text);\n");
my @drop = ('revision', '--autogenerate', '-m', 'drop', '--rev-id', 'd1', '--target', 'drops.sql');
my @keep = ('revision', '--autogenerate', '-m', 'keep', '--rev-id', 'e1', '--target', 'keeps.sql');
my $stored = q{SELECT string_agg(revision, ',' ORDER BY revision) FROM cmig.revision};

gives(0, '^migrations/d1_drop\.sql\n$', '', @drop);
gives(5, '^$', "HAZARD:  d1: DROP COLUMN.*not confirmed", 'upgrade');
is(ask($stored), '001', 'without a terminal, nothing is stored');
SKIP:
{
	skip 'IO::Pty is not installed', 6 unless eval { require IO::Pty; 1 };
	local $SIG{INT} = 'DEFAULT';
	foreach my $answer ("n\n", "\004", "\003")
	{
		my ($in, $shown) = ('', '');
		my $run = IPC::Run::start([ $cmig, 'upgrade' ], '<pty<', \$in, '>pty>', \$shown, '2>&1', IPC::Run::timeout(120));

		$run->pump until $shown =~ /upgrade 1 revision, with 1 hazard\? \[y\/N\]/ || !$run->pumpable;
		$in = $answer;
		$run->pump until $in eq '' || !$run->pumpable;
		$run->finish;
		ok($? >> 8 == ($answer eq "\003" ? 130 : 5) && $shown !~ /added/, 'not confirmed') or diag("$? $shown");
		is(ask($stored), '001', 'nothing is stored');
	}
}
unlink 'migrations/d1_drop.sql';
gives(0, '^migrations/e1_keep\.sql\n$', '', @keep);
gives(0, 'is at e1$', 'added: e1\n', 'upgrade', '-y');
is(ask('SELECT name, phone, mail FROM person'), 'Ada|1|', 'the column survives');
gives(0, 'is at 001$', '', 'downgrade', '-1', '-y');
unlink 'migrations/e1_keep.sql';

# a pending revision without a file: every verb that would run or record it, or write a
# file that follows it, names it
my $no_file = q{ERROR:  revision "e1" is pending, but there is no file for it\nHINT:  [^\n]*: cmig remove e1\n$};

gives(3, '^$', $no_file, @$_) foreach ['upgrade'], [ 'upgrade', 'heads', '-y' ], [ 'upgrade', 'e1', '--stepwise' ], [ 'upgrade', '+1' ], [ 'upgrade', '--sql' ],
  [ 'upgrade', '--dry-run' ], [ 'script', '001:e1' ], ['dry-run'], [ 'reset', '-y' ], [ 'stamp', 'heads' ], [ 'stamp', '--sql', 'e1' ], [ 'merge', '-m', 'm' ], [ 'revision', '-m', 'r' ],
  [ @drop, '--rev-id', 'f1' ], [ 'create-scope', 'tenant' ];
is(ask($stored), '001,e1', 'it is still stored');
is(ask(q{SELECT to_regnamespace('tenant') IS NULL, (SELECT string_agg(revision, ',') FROM cmig.version)}), 't|001', 'nothing was run');
gives(0, q{no file +revision "e1" is pending, but there is no file for it\n +-> Restore the file, .*cmig remove e1\n}, '^$', 'status');
unlike((cmig('status'))[1], qr/-> cmig upgrade/, 'status does not propose to upgrade');
gives(0, q{warning +revision "e1" is pending, but there is no file for it\n}, '', 'check');
gives(0, 'e1', q{WARNING:  revision "e1" is pending, but there is no file for it\nHINT:  [^\n]*: cmig remove e1\n}, $_) foreach qw(heads history plan lint graph);
gives(0, '^$', 'nothing to upgrade', 'upgrade', '001');
unlink glob('migrations/*');
gives(3, '^$', $no_file, 'upgrade', '-y');
gives(0, 'no file +revision "e1"', '', 'status');
gives(0, 'is at e1$', '', 'upgrade', '--no-load');
gives(0, 'is at 001$', '', 'downgrade', '--no-load', '-1', '-y');
gives(0, '001_make_001.sql', '', 'export', '001');
gives(0, '', 'removed e1', 'remove', 'e1', '-y');
gives(0, '^$', 'nothing to upgrade', 'upgrade');

# two of them: the hint removes the newer one first
revise('002', '001', 'SELECT 2;', 'SELECT 2;');
revise('003', '002', 'SELECT 3;', 'SELECT 3;');
gives(0, 'added', '^$', 'load');
unlink 'migrations/002.sql', 'migrations/003.sql';
gives(3, '^$', q{ERROR:  revisions "003", "002" are pending, but there are no files for them\nHINT:  [^\n]*: (cmig remove 003; cmig remove 002)\n$}, 'upgrade');
ask(q{SELECT cmig.remove_revision('003'); SELECT cmig.remove_revision('002')});

# a repeatable one: every upgrade to the heads would run it, but no new file follows it
my $no_repeatable = q{revision "often" is pending, but there is no file for it\n[^\n]*cmig remove often\n};
ask(q{SELECT * FROM cmig.load(E'-- revision: often\n-- repeatable: true\n-- cmig:upgrade\nCREATE TABLE often ();')});
gives(3, '^$', "ERROR:  $no_repeatable", 'upgrade');
gives(0, q{no file +revision "often" is pending, but there is no file for it\n}, '^$', 'status');
gives(0, '^migrations/004_next\.sql\n$', '^$', 'revision', '-m', 'next', '--rev-id', '004');
unlink 'migrations/004_next.sql';
gives(0, '', 'removed often', 'remove', 'often', '-y');

# a failed run leaves nothing behind; a stepwise run stores the files that were accepted
revise('002', '001', 'CREATE TABLE person ();', 'SELECT 2;');
gives(3, '^$', 'relation "person" already exists', 'upgrade');
is(ask($stored), '001', 'a failed upgrade stores nothing');
gives(3, '^$', 'relation "person" already exists', 'upgrade', '--stepwise');
is(ask($stored), '001,002', 'a stepwise run stores the files');
unlink 'migrations/002.sql';
gives(3, '^$', q{ERROR:  revision "002" is pending, but there is no file for it}, 'upgrade', '--stepwise');

# revisions of another application are not reported, but do not run either
revise('other', '', 'CREATE TABLE other ();', 'DROP TABLE other;');
mkdir 'app';
rename 'migrations/other.sql', 'app/other.sql' or die;
ask(q{SELECT cmig.remove_revision('002')});
gives(0, 'other', '', 'load', '--folder', 'app');
gives(0, '^$', '^nothing to upgrade', 'upgrade', '001');
gives(3, '^$', q{ERROR:  revision "other" is pending, but there is no file for it\nHINT:  Restore the file, or add its folder with --folder\.}, 'upgrade', 'heads');
unlike((cmig('status'))[1], qr/-> cmig upgrade/, 'status does not propose an upgrade that is refused');
gives(0, q{no file +revision "other" is pending, but there is no file for it\n}, '^$', 'status');
gives(0, 'pending +1: other\n +-> cmig plan upgrade heads .*cmig upgrade heads\n', '^$', 'status', '--folder', 'migrations', '--folder', 'app');
gives(0, 'is at 001, other$', '', 'upgrade', 'heads', '--folder', 'migrations', '--folder', 'app');

# a reset would run applied revisions again, also the repeatable one
ask(q{SELECT * FROM cmig.load(E'-- revision: often\n-- repeatable: true\n-- cmig:upgrade\nCREATE TABLE IF NOT EXISTS often ();'); SELECT * FROM cmig.upgrade('heads')});
gives(3, '^$', q{ERROR:  revisions "often", "other" are to be run again, but there are no files for them\nHINT:  Restore the file, or add its folder with --folder\. To run what is stored: cmig reset --no-load\n$}, 'reset', '-y', @$_)
  foreach [], ['--stepwise'];
ask(q{SELECT cmig.remove_revision('often')});
gives(3, '^$', q{ERROR:  revision "other" is to be run again, but there is no file for it\n}, 'reset', '-y');
gives(0, 'is at 001, other$', '', 'reset', '-y', '--no-load');
gives(0, 'is at 001, other$', '', 'reset', '-y', '--folder', 'migrations', '--folder', 'app');

# --- killed at the question, and terminated after the answer ------------------

project('killed');
revise('001', '', 'CREATE TABLE person (name text, phone text);', 'DROP TABLE person;');
gives(0, 'is at 001', 'added: 001', 'upgrade');
revise('002', '001', 'ALTER TABLE person DROP phone; SELECT pg_sleep(600);', 'ALTER TABLE person ADD phone text;');
SKIP:
{
	skip 'IO::Pty is not installed', 6 unless eval { require IO::Pty; 1 };
	my $others = q{FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()};
	my $left = "SELECT (SELECT string_agg(revision, ',') FROM cmig.revision), (SELECT string_agg(revision, ',') FROM cmig.version),"
	  . " (SELECT count(*) FROM information_schema.columns WHERE table_name = 'person')";

	foreach my $killed (1, 0)
	{
		my ($in, $shown) = ('', '');
		my $run = IPC::Run::start([ $cmig, 'upgrade' ], '<pty<', \$in, '>pty>', \$shown, '2>&1', IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));

		$run->pump until $shown =~ /upgrade 1 revision, with 1 hazard\? \[y\/N\]/ || !$run->pumpable;
		# the session that has asked may be ending
		ok($node->poll_query_until('killed', "SELECT count(*) = 0 $others AND datname = 'killed'"), 'no session waits for the answer');
		if ($killed)
		{
			kill 'KILL', $run->{KIDS}[0]{PID};
		}
		else
		{
			$in = "y\n";
			$run->pump until $in eq '' || !$run->pumpable;
			$node->poll_query_until('killed', "SELECT count(*) = 1 $others AND wait_event = 'PgSleep'") or die $shown;
			ask("SELECT pg_terminate_backend(pid) $others AND wait_event = 'PgSleep'");
		}
		$run->finish;
		isnt($?, 0, $killed ? 'killed' : 'terminated') or diag($shown);
		# also the session that has polled before may be ending
		$node->poll_query_until('killed', "SELECT count(*) = 0 $others AND datname = 'killed'") or die;
		is(ask($left), '001|001|2', 'nothing is stored, and nothing was run');
	}
}
revise('002', '001', 'ALTER TABLE person DROP phone;', 'ALTER TABLE person ADD phone text;');
gives(0, 'is at 002$', 'added: 002\n', 'upgrade', '-y');

# --- a schema for each tenant ------------------------------------------------

project('tenants');
ask("CREATE SCHEMA tenant_$_; CREATE SCHEMA other_$_") foreach 1 .. 3;
revise('001', '', 'CREATE TABLE invoice (id bigint PRIMARY KEY);', 'DROP TABLE invoice;');
my $scopes = q{SELECT string_agg(scope || ' ' || revision, ', ' ORDER BY scope) FROM cmig.scope_version};

gives(0, '', "^SELECT \\* FROM cmig.load\\(:'files'\\);\n.*added: 001\nCALL cmig.upgrade_scopes\\('tenant\\\\_%', 'head'\\);\n.*scopes: 3 upgraded, 0 already", 'upgrade', '--scopes', 'tenant\_%', '-v');
is(ask($scopes), 'tenant_1 001, tenant_2 001, tenant_3 001', 'the schemas that match are upgraded');
is(ask('SELECT count(*) FROM cmig.version'), '0', 'the database is not');
gives(0, '', 'scopes: 0 upgraded, 3 already up to date', 'upgrade', '--scopes', 'tenant\_%');
gives(3, '^$', "ERROR:  no schema that can be a scope matches \"$_\"\nHINT:  Specify a LIKE pattern, such as tenant\\\\_%\\.\n\$", 'upgrade', '--scopes', $_) foreach qw(nosuch public);
gives(0, "^ +scope +\\| current \\| pending \\| failed \n.*tenant_1 \\| 001 ", '^$', 'scopes');

# one of them
gives(0, '001', "^SET cmig.scope = 'tenant_2';\nSELECT \\* FROM cmig.current\\(\\);\n\$", 'current', '--scope', 'tenant_2', '-v');
revise('002', '001', 'ALTER TABLE invoice ADD CHECK (id > 0);', 'ALTER TABLE invoice DROP CONSTRAINT invoice_id_check;');
gives(0, '^database tenants, scope tenant_2 is at 002$', 'added: 002', 'upgrade', '--scope', 'tenant_2');
gives(0, 'scope +tenant_2\n +-> Leave out --scope\n', '^$', 'status', '--scope', 'tenant_2');
gives(0, '^@ 002', '^$', 'graph', '--scope', 'tenant_2');
gives(0, '^o 002[^\n]*\n@ 001', '^$', 'graph', '--scope', 'tenant_1');
gives(0, 'upgrade .*002', '^$', 'log', '--scope', 'tenant_2');
gives(0, 'no drift', '^$', 'drift', '--scope', 'tenant_2');
ask('CREATE TABLE tenant_2.by_hand (id int)');
gives(1, '^table +tenant_2\.by_hand: was created.*\n +DROP TABLE tenant_2\.by_hand', '^$', 'drift', '--scope', 'tenant_2');
ask('DROP TABLE tenant_2.by_hand');
is(ask("SELECT to_regnamespace('cmig_reference')"), '', 'no schema remains');
gives(2, '^$', 'drift --scope has no other options', 'drift', '--scope', 'tenant_2', '--sql');
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

# in waves, and back
gives(2, '^$', '^cmig: --first must be a number from 1 on\n$', 'upgrade', '--scopes', 'tenant\_%', '--first', '0');
gives(2, '^$', '^cmig: --first requires --scopes\n$', 'upgrade', '--first', '1');
gives(0, '', 'scopes: 1 upgraded, 0 already up to date, 0 failed, 0 left to other sessions, 2 left to the next\scall', 'upgrade', '--scopes', 'tenant\_%', '--first', '1');
is(ask($scopes), 'tenant_1 002, tenant_2 001, tenant_3 001', 'the first one');
gives(5, '^$', '^cmig: not confirmed: downgrade the schemas like tenant\\\\_% of the database tenants to 001\?\n', 'downgrade', '001', '--scopes', 'tenant\_%');
gives(0, '', "CALL cmig.downgrade_scopes\\('tenant\\\\_%', '001'\\);\n(.|\n)*scopes: 1 downgraded, 2 already at the target", 'downgrade', '001', '--scopes', 'tenant\_%', '-y', '-v');
is(ask($scopes), 'tenant_1 001, tenant_2 001, tenant_3 001', 'it is back');
gives(3, '', "can't locate revision", 'downgrade', 'nosuch', '--scopes', 'tenant\_%', '-y');

# an order of one's own: a list, or a query
gives(0, '', 'upgraded scope "tenant_3".*2 left to the next\scall', 'upgrade', '--scopes', 'tenant\_%', '--first', '1', '--begin-with', 'tenant_3, tenant_1');
is(ask($scopes), 'tenant_1 001, tenant_2 001, tenant_3 002', 'the chosen one');
gives(0, '', '', 'downgrade', '001', '--scopes', 'tenant\_%', '-y');
gives(0, '^upgraded scope "tenant_2": 1 revision\n\nscopes: 1 upgraded, 0 already up to date, 0 failed, 2 left to the next call\nupgraded: tenant_2\nleft: tenant_3, tenant_1\n$', '', 'upgrade', '--scopes', 'tenant\_%', '--first', '1', '--jobs', '1', '--begin-with', "SELECT 'tenant_' || n FROM generate_series(2, 3) n");
is(ask($scopes), 'tenant_1 001, tenant_2 002, tenant_3 001', 'the first one of a query');
gives(0, '', '', 'downgrade', '001', '--scopes', 'tenant\_%', '-y', '--begin-with', 'tenant_2');
gives(3, '', 'begin_with contains "tenant_9", which is not one of the scopes', 'upgrade', '--scopes', 'tenant\_%', '--begin-with', 'tenant_9', '--stepwise');
gives(3, '', 'begin_with contains "tenant_9", which is not one of the scopes', 'upgrade', '--scopes', 'tenant\_%', '--begin-with', 'tenant_9');
gives(2, '^$', '--begin-with requires names of schemas', 'upgrade', '--scopes', 'tenant\_%', '--begin-with', 'SELECT 1 WHERE false');

# a failure, and going on after it
ask('INSERT INTO tenant_2.invoice VALUES (-1)');
gives(3, '', 'DETAIL:  upgraded: tenant_1\nfailed: tenant_2: check constraint [^\n]* is violated by some row\nleft: tenant_3\nHINT:  cmig scopes\n.*ERROR:  check constraint .* is violated(.|\n)*repeat the command\. .* use --max-failures\.', 'upgrade', '--scopes', 'tenant\_%');
is(ask($scopes), 'tenant_1 002, tenant_2 001, tenant_3 001', 'the first failure ends the run');
gives(0, 'failed +upgrade of 002, statement 1: .*Fix the cause, then cmig upgrade [^\n]*--scope tenant_2\n', '^$', 'status', '--scope', 'tenant_2');
gives(1, '', 'WARNING:  upgrade of scope "tenant_2" failed[^\n]*\nDETAIL:  pg_cmig: upgrade of 002, statement 1, line 7 of file [^\n]*\n.*1 upgraded, 1 already up to date, 1 failed.*\nHINT:  cmig scopes\n', 'upgrade', '--scopes', 'tenant\_%', '--max-failures', '10', '-y');
is(ask($scopes), 'tenant_1 002, tenant_2 001, tenant_3 002', 'the other schemas are upgraded');
gives(0, 'tenant_2 \| 001 +\| +1 \| 23514: check constraint', '^$', 'scopes');
ask('DELETE FROM tenant_2.invoice');
gives(0, '', '1 upgraded, 2 already up to date, 0 failed', 'upgrade', '--scopes', 'tenant\_%', '--max-failures', '10', '-y');

# the page at the end says what this call has done: whatever the target is, and for schemas at base
gives(0, '^$', 'scopes: 0 upgraded, 3 already up to date, 0 failed, 0 left to other sessions\n$', 'upgrade', '--scopes', 'tenant\_%', '-y');
gives(0, '^$', '1 downgraded, 0 already (.|\n)*call\nDETAIL:  downgraded: tenant_1\nleft: tenant_2, tenant_3\n$', 'downgrade', 'base', '--scopes', 'tenant\_%', '-y', '--first', '1');
gives(0, '^$', '2 downgraded, 1 already at the target, 0 failed, 0 left to other sessions\n$', 'downgrade', '-1', '--scopes', 'tenant\_%', '-y');
ask('CREATE TABLE tenant_1.invoice ()');
gives(1, '^$', '1 upgraded, 0 already (.|\n)*call\nDETAIL:  upgraded: tenant_2\nfailed: tenant_1: relation "invoice" already exists\nleft: tenant_3\nHINT:  cmig scopes\n$', 'upgrade', '--scopes', 'tenant\_%', '-y', '--max-failures', '2', '--first', '2');
ask('DROP TABLE tenant_1.invoice');
gives(0, '^$', '1 upgraded, 2 already up to date, 0 failed, 0 left to other sessions\n$', 'upgrade', '001', '--scopes', 'tenant\_%', '-y');
# as does that of a run of each schema on its own, in which the hint about locks is shown once
gives(0, "^== tenant_1 ==\nupgrade 001 -> 002, make 002\n== tenant_3 ==\nupgrade 001 -> 002, make 002\n\nscopes: 2 upgraded, 1 already up to date, 0 failed\n\$", '^no lock_timeout is set((?!lock_timeout is set).|\n)*$', 'upgrade', '--scopes', 'tenant\_%', '-y', '--stepwise');
gives(0, '\nscopes: 1 downgraded, 0 already at the target, 0 failed, 2 left to the next call\ndowngraded: tenant_1\nleft: tenant_2, tenant_3\n$', '^$', 'downgrade', '001', '--scopes', 'tenant\_%', '-y', '--stepwise', '--first', '1');
gives(0, '^== tenant_2 ==\n(.|\n)*\ndowngraded: tenant_2\nleft: tenant_3\n$', '^$', 'downgrade', '001', '--scopes', 'tenant\_%', '-y', '--stepwise', '--first', '1');
gives(2, '^$', '^cmig: --first cannot be used with the relative target -1\n', 'downgrade', '-1', '--scopes', 'tenant\_%', '-y', '--stepwise', '--first', '1');
gives(2, '^$', '^cmig: scopes can have only one target\n', 'upgrade', '001', '002', '--scopes', 'tenant\_%', '-y', '--stepwise');
gives(3, '^$', "can't locate revision", 'upgrade', 'nosuch', '--scopes', 'tenant\_%', '--stepwise', '-y');
# with many schemas, it stays short
ask('CREATE SCHEMA many_' . $_) foreach 1 .. 25;
gives(0, '^$', "DETAIL:  upgraded: many_1, (many_1\\d,\\s){8}many_18 and 2 more\nleft: (many_2\\d, ){6}many_3, many_4, many_5, many_6 and 3 more\n\$", 'upgrade', '001', '--scopes', 'many\_%', '-y', '--first', '12');
gives(0, '\nscopes: 12 upgraded, 12 already up to date, 0 failed, 1 left to the next call\nupgraded: (many_\d+,\s){9}many_\d+ and 2 more\nleft: many_9\n$', '', 'upgrade', '001', '--scopes', 'many\_%', '-y', '--first', '12', '-j', '2');
gives(0, '', '1 upgraded, 24 already', 'upgrade', '001', '--scopes', 'many\_%', '-y');
ask("SELECT cmig.drop_scope('many_$_', 'many_$_')") foreach 1 .. 24;
gives(0, '^== many_25 ==\nno drift\n\nscopes: 1 done, 0 failed\n$', '^$', 'drift', '--scopes', 'many%');
gives(0, '', '', 'downgrade', 'base', '--scopes', 'many%', '-y');
# at base, a schema must be empty
gives(0, '^no drift\n$', '^$', 'drift', '--scope', 'many_25');
ask('CREATE TABLE many_25.by_hand ()');
gives(1, '^table +many_25\.by_hand: was created', '^$', 'drift', '--scope', 'many_25');
ask("SELECT cmig.drop_scope('many_25', 'many_25')");
gives(0, '', '2 upgraded', 'upgrade', '--scopes', 'tenant\_%', '-y');

# what else works in scopes
ask('CREATE TABLE tenant_3.by_hand ()');
gives(1, 'scopes: 2 done, 1 with findings, 0 failed\ndone: tenant_1, tenant_2\nwith findings: tenant_3\n$', '^$', 'drift', '--scopes', 'tenant\_%');
ask('DROP TABLE tenant_3.by_hand');
revise('0021', '002', "ALTER TABLE invoice ADD n int;\n-- cmig:verify\nSELECT count(*) = 0 FROM invoice WHERE n < 0;", 'ALTER TABLE invoice DROP n;');
for my $case ([ 0, '002.*ALTER TABLE', 'dry-run' ], [ 0, 'plan +notice: 1 revision', 'preflight' ], [ 0, '0021', 'lint' ], [ 0, '1 0021', 'plan' ], [ 0, 'nothing to verify', 'verify' ])
{
	gives($case->[0], "^== tenant_1 ==\n.*$case->[1].*\nscopes: 3 done, 0 failed\n\$", '', $case->[2], '--scopes', 'tenant\_%');
	gives($case->[0], $case->[1], '', $case->[2], '--scope', 'tenant_2');
}
# each scope shows what the verb shows for it alone, in at most two sessions, besides the one that finds
# the scopes, and one after each error
append_to_file("$dir/psql", qq{#!/bin/sh\necho >>"$dir/started"\nexec psql "\$@"\n});
chmod 0755, "$dir/psql";
revise('0022', '0021', 'SELECT 1 / count(*) FROM invoice; DROP TABLE invoice;', 'CREATE TABLE invoice (id int);');
ask('INSERT INTO tenant_1.invoice VALUES (1)');
foreach my $case ([ 0, 2, 'plan' ], [ 0, 2, 'plan', '-v' ], [ 0, 2, 'plan', 'downgrade', '-1' ], [ 3, 4, 'plan', 'nosuch' ], [ 1, 2, 'lint' ], [ 0, 2, 'lint', '-v', '--no-load', '002' ],
	[ 0, 2, 'preflight', '-x', "cmig.lock_timeout=5s" ], [ 1, 2, 'dry-run' ], [ 1, 2, 'dry-run', '-v' ], [ 0, 2, 'verify' ], [ 0, 2, 'drift' ], [ 1, 3, 'drift', '-v' ], [ 2, 2, 'plan', 'a', 'b' ])
{
	my ($most, $sessions, @verb) = @$case;
	my ($expected, %failed) = ('');

	if ("@verb" eq 'drift -v') { ask('CREATE TABLE tenant_2.by_hand ()') }
	foreach my $scope (qw(tenant_1 tenant_2 tenant_3))
	{
		my @one = cmig(@verb, '--scope', $scope);
		$expected .= "== $scope ==\n$one[2]$one[1]";
	}
	unlink "$dir/started";
	local $ENV{CMIG_PSQL} = "$dir/psql";
	my ($status, $out, $err) = cmig(@verb, '--scopes', 'tenant\_%', '-j', '2');
	foreach ($out, $expected) { s/[\d.:]+/N/g; s/  +/ /g; s/--+/-/g; s/cmig_referenceN/cmig_reference/g }
	# on a slow machine, one of the two sessions may say that it waits for the other
	$out =~ s/^waiting for another run of pg_cmig.*?(?=^(?:lint|plan|==) )//msg;
	ok($status == $most && $err eq '' && $out =~ /^\Q$expected\E\nscopes/, "@verb in all scopes") or diag("$status\n$err$out\n--- expected\n$expected");
	my $started = -s "$dir/started";
	cmp_ok($started, '<=', $sessions + 1, 'sessions');
	ask('DROP TABLE IF EXISTS tenant_2.by_hand');
}
ask('DELETE FROM tenant_1.invoice');
unlink 'migrations/0022.sql';

# two heads
revise('002b', '001', 'CREATE TABLE b ();', 'DROP TABLE b;');
gives(0, '', '', 'upgrade', '002b', '--scope', 'tenant_2');
gives(0, '^no drift\n$', '^$', 'drift', '--scope', 'tenant_2');
ask('DROP TABLE tenant_2.b');
gives(1, '^table +tenant_2\.b: was dropped', '^$', 'drift', '--scope', 'tenant_2');
gives(0, '', '', 'stamp', '002', '--purge', '--scope', 'tenant_2');
unlink 'migrations/002b.sql';
ask(q{SELECT cmig.remove_revision('002b')});
gives(0, 'scope tenant_2 is at 0021', '', 'stamp', '0021', '--scope', 'tenant_2');
gives(0, '', '', 'stamp', '002', '--scopes', 'tenant\_%');
is(ask($scopes), 'tenant_1 002, tenant_2 002, tenant_3 002', 'stamped');
unlink 'migrations/0021.sql';
ask(q{SELECT cmig.remove_revision('0021')});

# data that would be lost
revise('003', '002', 'DROP TABLE invoice;', 'CREATE TABLE invoice (id bigint PRIMARY KEY);');
gives(5, '^$', 'HAZARD:  003: DROP TABLE deletes the data of tenant_1.invoice.*not confirmed: upgrade all schemas like tenant\\\\_%, with 1 hazard\?', 'upgrade', '--scopes', 'tenant\_%');
is(ask($scopes), 'tenant_1 002, tenant_2 002, tenant_3 002', 'nothing was run');
gives(0, '', '3 upgraded', 'upgrade', '--scopes', 'tenant\_%', '-y');

# a revision that cannot run in a transaction
append_to_file('migrations/004.sql',
	"-- revision: 004\n-- down_revision: 003\n-- transactional: false\n-- cmig:upgrade\nCREATE TABLE invoice (id bigint);\nCREATE INDEX CONCURRENTLY ON invoice (id);\n-- cmig:downgrade\nDROP TABLE invoice;\n");
gives(0, '', 'scopes: 3 upgraded', 'upgrade', '--scopes', 'tenant\_%', '-y');
gives(0, '', 'scopes: 3 downgraded', 'downgrade', '003', '--scopes', 'tenant\_%', '-y');
# each scope on its own: a failure ends the run, and another call continues
ask('CREATE TABLE tenant_2.invoice ()');
gives(3, '^== tenant_1 ==\n(.|\n)*\n== tenant_2 ==\n(.|\n)*\n\nscopes: 1 upgraded, 0 already up to date, 1 failed, 1 left to the next call\nupgraded: tenant_1\nfailed: tenant_2 \(3\): relation "invoice" already exists\nleft: tenant_3\n$', '^no lock_timeout', 'upgrade', '--scopes', 'tenant\_%', '--stepwise', '-y', '-j', '1');
is(ask($scopes), 'tenant_1 004, tenant_2 003, tenant_3 003', 'the first failure ends the run');
gives(1, '\nupgraded: tenant_3\nfailed: tenant_2 \(3\)[^\n]*\n$', '^no lock_timeout', 'upgrade', '--scopes', 'tenant\_%', '--stepwise', '-y', '--max-failures', '1');
ask('DROP TABLE tenant_2.invoice');
gives(0, '^== tenant_2 ==\n(.|\n)*\nscopes: 1 upgraded, 2 already up to date, 0 failed\n$', '^no lock_timeout', 'upgrade', '--scopes', 'tenant\_%', '--stepwise', '-y');
gives(0, '^$', '^nothing to upgrade\n$', 'upgrade', '--scopes', 'tenant\_%', '--stepwise', '-y');
gives(0, '\ndowngraded: tenant_1, tenant_2\nleft: tenant_3\n$', '^$', 'downgrade', '003', '--scopes', 'tenant\_%', '--stepwise', '-y', '--first', '2');
is(ask($scopes), 'tenant_1 003, tenant_2 003, tenant_3 004', 'the first two');
gives(0, '^== tenant_1 ==\n[^=]*004[^=]*\nscopes: 1 done, 0 failed, 2 not looked at\ndone: tenant_1\nnot looked at: tenant_2, tenant_3\n$', '^$', 'plan', '--scopes', 'tenant\_%', '--first', '1');
gives(0, '\nscopes: 3 done, 0 failed\n$', '^$', 'lint', '--scopes', 'tenant\_%');
gives(3, '^$', 'ERROR:  no schema that can be a scope matches "nosuch"', 'lint', '--scopes', 'nosuch');
gives(2, '^$', '^cmig: --scopes cannot be used with --scope or --databases\n$', 'lint', '--scopes', 't%', '--databases', 'tenants');
gives(0, '\nscopes: 2 upgraded, 1 already up to date, 0 failed\n$', '^no lock_timeout', 'upgrade', '--scopes', 'tenant\_%', '-y', '--jobs', '2', '--stepwise');
gives(0, '', '', 'downgrade', '003', '--scopes', 'tenant\_%', '--stepwise', '-y');
gives(0, 'scope tenant_1 is at 004', '', 'upgrade', '--stepwise', 'head', '--scope', 'tenant_1');

# a revision without a file, which one scope has not applied
revise('005', '004', 'CREATE TABLE late ();', 'DROP TABLE late;');
gives(0, 'scope tenant_1 is at 005', '', 'upgrade', '--scope', 'tenant_1');
rename 'migrations/005.sql', '005.sql' or die;
gives(3, '^$', '^ERROR:  revision "005" is pending, but there is no file for it\nHINT:', 'upgrade', '--scopes', 'tenant\_%', '-y');
gives(3, '^$', 'ERROR:  revision "005" is pending, but there is no file for it\nHINT:', 'create-scope', 'tenant_4', '-x', 'cmig.concurrent_ddl=off');
is(ask(q{SELECT to_regnamespace('tenant_4')}), '', 'the schema was not created');
gives(0, '', '0 upgraded, 1 already up to date', 'upgrade', '--scopes', 'tenant\_1', '-y');
gives(0, 'scope tenant_1 is at 004', '', 'downgrade', '004', '-y', '--scope', 'tenant_1');
ask(q{SELECT cmig.remove_revision('005')});

# a repeatable revision that was changed and whose file was deleted
append_to_file('migrations/often.sql', "-- revision: often\n-- repeatable: true\n-- cmig:upgrade\nSELECT 1;\n");
gives(0, '', '1 upgraded', 'upgrade', '--scopes', 'tenant\_1', '-y');
append_to_file('migrations/often.sql', 'CREATE TABLE gone ();');
gives(0, 'replaced', '^$', 'load');
unlink 'migrations/often.sql';
gives(3, '^$', "ERROR:  $no_repeatable", 'upgrade', '--scopes', 'tenant\_1', '-y');
is(ask(q{SELECT count(*) FROM pg_class WHERE relname = 'gone'}), '0', 'it was not run');
ask(q{SELECT cmig.remove_revision('often')});

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
gives(0, '^no drift\n$', '^$', 'scope-drift');
ask('CREATE TABLE tenant_3.by_hand (id int)');
gives(1, '^tenant_3 +tenant_3.by_hand, unlike in tenant_2\n +-> DROP TABLE tenant_3.by_hand\n', '^$', 'scope-drift');
gives(2, '^$', '^cmig: drop-scope requires the name of a schema\n$', 'drop-scope', '');
gives(5, '^$', q(not confirmed: drop the schema o'd "x), 'drop-scope', q(o'd "x));
gives(0, '^$', q{^SELECT cmig\.drop_scope\('o''d "x', confirm => 'o''d "x'\);\n}, 'drop-scope', q(o'd "x), '-y', '-v');
is(ask(q{SELECT count(*) FROM pg_namespace WHERE nspname = 'o''d "x'}), '0', 'the schema is gone');
gives(3, '^$', 'schema "public" cannot be a scope|is not a scope', 'drop-scope', 'public', '-y');
gives(0, '^$', '^$', 'rename-scope', 'tenant_3', 'Tenant "3"');
is(ask($scopes) =~ /Tenant "3" 00\d/, 1, 'what is applied is recorded under the new name');
# and the journal, also if the new name already has one: repeatable revisions do not run again
append_to_file('migrations/shown.sql', "-- revision: shown\n-- repeatable: true\n-- cmig:upgrade\nCREATE OR REPLACE VIEW shown AS SELECT 1 AS one;\n");
gives(0, '', 'repeatable shown', 'upgrade', '--scope', 'Tenant "3"');
my $journal = ask(q{SELECT string_agg(format('%s %s %s', revision, direction, started_at), ',' ORDER BY id) FROM cmig.journal WHERE scope = 'Tenant "3"'});
gives(0, '^$', '^$', 'rename-scope', 'Tenant "3"', 'tenant_3');
is(ask(q{SELECT string_agg(format('%s %s %s', revision, direction, started_at), ',' ORDER BY id) FROM cmig.journal WHERE scope = 'tenant_3' AND revision <> 'base'}), $journal, 'the journal');
gives(0, '^$', '^nothing to upgrade: scope "tenant_3" is at 004\n$', 'upgrade', '--scope', 'tenant_3');
gives(0, 'repeatable shown|shown', '^$', 'log', '--scope', 'tenant_3');
gives(0, '^$', '^$', 'rename-scope', 'tenant_3', 'Tenant "3"');
gives(3, '^$', 'schema "tenant_3" does not exist\n.*HINT:  To see the scopes: cmig scopes\n$', 'rename-scope', 'tenant_3', 'tenant_4');
gives(2, '^$', 'requires SCHEMA NAME', 'rename-scope', 'tenant_3');

# several sessions share the schemas; each of them begins once
project('shared');
ask("CREATE SCHEMA tenant_$_") foreach 1 .. 12;
ask('CREATE TABLE session (pid int, scope text)');
my $sessions = q{SELECT count(DISTINCT pid) <= 2, count(DISTINCT scope), count(*) FROM session};
revise('001', '', 'CREATE TABLE invoice (id bigint); INSERT INTO public.session SELECT pg_backend_pid(), current_schema;', 'DROP TABLE invoice;');
gives(0, '^(upgraded scope "tenant_\d+": 1 revision\n){12}\nscopes: 12 upgraded, 0 already up to date, 0 failed\n$', '', 'upgrade', '--scopes', 'tenant\_%', '-j', '2', '-y');
is(ask($sessions), 't|12|12', '12 schemas in 2 sessions');
gives(0, '^$', 'nothing to downgrade', 'downgrade', '001', '--scopes', 'tenant\_%', '-j', '2', '-y');
gives(0, '\nscopes: 12 downgraded, 0 already at the target, 0 failed\n$', '', 'downgrade', '-1', '--scopes', 'tenant\_%', '-j', '2', '-y', '-q');
gives(0, '^$', 'nothing to downgrade', 'downgrade', '-1', '--scopes', 'tenant\_%', '-j', '2', '-y');
ask('DELETE FROM session');
# a failure in one of them; those that were begun go on
ask('CREATE TABLE tenant_2.invoice (); INSERT INTO session SELECT 0');
gives(1, '(^|\n)ERROR:  relation "invoice" already exists\n.*CONTEXT: .*scope "tenant_2"\n(.|\n)*\nscopes: 11 upgraded, 0 already up to date, 1 failed\n(.|\n)*\nfailed: tenant_2 \(3\): relation "invoice" already exists\n$', '', 'upgrade', '--scopes', 'tenant\_%', '-j', '2', '-y', '--max-failures', '1');
gives(0, 'tenant_2 [^\n]*42P07: relation "invoice" already exists', '', 'scopes');
ask('DROP TABLE tenant_2.invoice');
# one in which another session runs
{
	my $other = start_psql($node, 'shared', q{SET cmig.scope = 'tenant_2'; BEGIN; SELECT cmig.upgrade(); SELECT pg_sleep(600)});
	$node->poll_query_until('shared', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'}) or die;
	gives(0, '^\nscopes: 0 upgraded, 11 already up to date, 0 failed, 1 left to the next call\nleft: tenant_2\n$', '', 'upgrade', '--scopes', 'tenant\_%', '-j', '2', '-y', @$_) foreach [], ['-q'];
	ask(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
	finish_psql($other);
}
gives(0, '\nscopes: 1 upgraded, 11 already', '', 'upgrade', '--scopes', 'tenant\_%', '-j', '2', '-y');
# what deletes data is asked once, for all
revise('002', '001', 'DROP TABLE invoice;', 'CREATE TABLE invoice (id bigint);');
gives(5, '^$', 'HAZARD:  002: DROP TABLE deletes the data of tenant_1.invoice.*not confirmed: upgrade all schemas like tenant\\\\_%, with 1 hazard\?', 'upgrade', '--scopes', 'tenant\_%', @$_) foreach [ '-j', '2' ], ['--stepwise'];
gives(5, '^$', '^cmig: not confirmed: downgrade the schemas like', 'downgrade', 'base', '--scopes', 'tenant\_%', '-j', '2');
# revisions that cannot run in a transaction
append_to_file('migrations/003.sql',
	"-- revision: 003\n-- down_revision: 002\n-- transactional: false\n-- cmig:upgrade\nINSERT INTO public.session SELECT pg_backend_pid(), current_schema;\nCREATE TABLE note (id bigint);\nCREATE INDEX CONCURRENTLY ON note (id);\n-- cmig:downgrade\nDROP INDEX CONCURRENTLY note_id_idx;\nDROP TABLE note;\n");
ask('DELETE FROM session; CREATE SCHEMA tenant_13');
gives(0, '^(== tenant_\d+ ==\n(upgrade base -> 001, make 001\n)?upgrade 001 -> 002, make 002\nupgrade 002 -> 003\n){13}\nscopes: 13 upgraded', '', 'upgrade', '--scopes', 'tenant\_%', '-j', '2', '-y');
is(ask($sessions), 't|13|14', '13 schemas in 2 sessions');
gives(0, '^(== tenant_\d+ ==\ndowngrade 003 -> 002\n){13}\nscopes: 13 downgraded', '', 'downgrade', '002', '--scopes', 'tenant\_%', '-j', '2', '-y');
gives(0, '\nscopes: 13 upgraded', '', 'upgrade', '--scopes', 'tenant\_%', '-j', '2', '--stepwise', '-y');
# canceled: what runs ends, and nothing else begins; and a session that is ended
revise('004', '003', q{SELECT pg_sleep(CASE WHEN current_schema ~ '_(2|3)$' THEN 600 ELSE 0 END);}, '');
foreach my $case ([ 'cancel', 143, 130 ], [ 'terminate', 4, '4' ])
{
	my ($how, $expected, $failed) = @$case;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ $cmig, 'upgrade', '--scopes', 'tenant\_%', '-j', '2', '--begin-with', 'tenant_1,tenant_2,tenant_3', '-y' ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	my $sleeps = q{FROM pg_stat_activity WHERE wait_event = 'PgSleep'};

	$node->poll_query_until('shared', "SELECT count(*) = 2 $sleeps") or die $err;
	if ($how eq 'cancel') { kill 'TERM', $run->{KIDS}[0]{PID} }
	else { ask("SELECT pg_terminate_backend(pid) $sleeps") }
	$run->finish;
	is($? >> 8, $expected, $how) or diag("$out$err");
	like($out, qr/\nfailed: tenant_2 \($failed\).*\nfailed: tenant_3 \($failed\).*\nleft: tenant_\d+, /, 'the page') or diag($err);
	is(ask("SELECT count(*) $sleeps"), '0', 'nothing runs');
}

# wrong
gives(2, '^$', "^cmig: --$_ cannot be used with --scopes\n\$", 'upgrade', '--scopes', 't%', "--$_") foreach qw(sql dry-run one-transaction);
gives(2, '^$', '^cmig: --scope cannot be used with --scopes\n$', 'upgrade', '--scopes', 't%', '--scope', 'tenant_1');
gives(2, '^$', '^cmig: --max-failures requires --scopes\n$', 'upgrade', '--max-failures', '1');
gives(2, '^$', '^cmig: --max-failures must be a number\n$', 'upgrade', '--scopes', 't%', '--max-failures', 'x');
gives(2, '^$', '^cmig: scopes can have only one target\n$', 'upgrade', 'a', 'b', '--scopes', 't%');
gives(2, '^$', 'expand has no option --first', 'expand', '--scopes', 't%', '--first', '1');
gives(2, '^$', '\nusage: cmig drop-scope SCHEMA', 'drop-scope');

done_testing();
