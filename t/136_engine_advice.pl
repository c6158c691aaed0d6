# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: nothing counts on what only the extension has, or
# sends a user to it, and hints say what can be typed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('engine_advice');

sub rows { return $node->safe_psql('shop', $_[0]); }

write_revision('001', '', '', 'CREATE TABLE account (id bigint PRIMARY KEY, gone text, note text);', 'DROP TABLE account;');
gives(0, 'at 001', '', 'upgrade', '-y');

# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# a database that does not exist
gives(4, '^$', '^cmig: [^\n]*FATAL:  database "nosuch" does not exist\nHINT:  To create it: cmig init --create-database -d nosuch\n$', $_, '-d', 'nosuch') for 'upgrade', 'current';
gives(4, '^$', 'HINT:  To create it: cmig init --create-database -d nosuch --engine local\n$', 'current', '-d', 'nosuch', '--engine', 'local');

# round trips to the database: its connections and the messages of its sessions, but for the one that
# looks now and then, beside the run, who blocks it
sub trips
{
	my $offset = -s $node->logfile;
	my ($status, undef, $err) = cmig('-d', 'trips', '--folder', 'trips', @_);

	is($status, 0, "trips: @_") or diag($err);
	my @lines = split /\n/, slurp_file($node->logfile, $offset);
	my %beside = map { /\[(\d+)\].* LOG:  statement: SELECT pg_catalog\.pg_stat_clear_snapshot/ ? ($1 => 1) : () } @lines;
	my @sessions = grep { !$beside{$_} } map { /\[(\d+)\].* LOG:  statement: / ? $1 : () } @lines;
	return @sessions + keys %{ { map { $_ => 1 } @sessions } };
}
{
	my $revision = sub { append_to_file("trips/$_[0].sql", "-- revision: $_[0]\n-- down_revision: $_[1]\n$_[2]\n-- cmig:upgrade\n$_[3]\n\n-- cmig:downgrade\n") };
	my $next = sub { $revision->($_[0], $_[0] - 1, '', "CREATE TABLE t$_[0] (id int);") };

	$node->safe_psql('postgres', 'CREATE DATABASE trips OWNER regress_owner', extra_params => [ '-U', scalar getpwuid($>) ]);
	$node->safe_psql('trips', "ALTER DATABASE trips SET log_statement = 'all'; ALTER DATABASE trips SET cmig_var.name = 'id'; ALTER DATABASE trips SET cmig_var.other = 'id'", extra_params => [ '-U', scalar getpwuid($>) ]);
	mkdir 'trips';
	$revision->(100, '', "-- placeholders: name\n-- precondition: SELECT true\n", "CREATE TABLE first (\${name} int);\n-- cmig:verify\nSELECT true;");
	trips('upgrade', '-y');
	is(query($node, 'trips', "SELECT attname FROM pg_attribute WHERE attrelid = 'first'::regclass AND attnum > 0"), 'id', 'the value of the database');
	$next->(101);
	my $one = trips('upgrade', '-y');
	$next->($_) for 102 .. 111;
	is(trips('upgrade', '-y') - $one, 9, 'each revision of one statement takes one round trip');
	$revision->('b', 100, "-- placeholders: other\n", "CREATE TABLE b (\${other} int);");
	append_to_file('trips/b.sql', "ALTER TABLE b DROP \${other};\n");
	trips('upgrade', '-y', 'heads');
	cmp_ok(trips($_), '<=', 4, "$_: round trips") for 'status', 'current', 'history', 'heads', 'log', 'check';
	# what has run, but has no file, can have placeholders, too
	unlink 'trips/b.sql';
	gives(0, 'at 100', '', '-d', 'trips', '--folder', 'trips', 'downgrade', '-y', '100', '--no-load');
}

# files are loaded by each verb, so cmig load is no advice
mkdir 'none';
gives($_->[0], '^(?!.*cmig load)', '^(?!.*cmig load)', '-d', 'postgres', '--folder', 'none', @{ $_->[1] }) for [ 0, ['status'] ], [ 0, ['upgrade'] ], [ 3, [ 'show', 'nosuch' ] ], [ 3, ['require'] ];
gives(3, '', 'HINT:  cmig history lists the revisions that are loaded\.\n', 'show', 'nosuch');

# the header expand: an upgrade is all that can run the revision
rows("INSERT INTO account SELECT i, 'x' FROM generate_series(1, 20000) i; ANALYZE account");
write_revision('002', '001', "-- expand: true\n", "ALTER TABLE account DROP gone;\nALTER TABLE account ADD first text NOT NULL;\n-- cmig:up account.first = coalesce(note, '')", 'ALTER TABLE account DROP first, ADD gone text;');
gives(5, '^$', 'HAZARD:  002: DROP COLUMN gone deletes data of account.*not confirmed: upgrade 1 revision, with \d hazards?\?', 'upgrade');
gives(1, '^(?!.*prefer-expand).*002[.]sql:6: error: DROP COLUMN gone', '^$', 'lint');
gives(0, '^warning +002: it cannot be expanded: cmig.expand requires the extension in the\s+database\n +-> cmig lint # shows', '^$', 'check');
gives(0, '^(?!.*expand)', '^$', $_) for 'status', 'plan', 'preflight';
gives(0, 'at 002', '', 'upgrade', '-y');
is(rows('SELECT count(first) FROM account'), '20000', 'its lines fill columns');
gives(0, 'at 001', '', 'downgrade', '001', '-y');
# without it, lint does not propose it
unlink 'migrations/002.sql';
write_revision('002', '001', '', 'ALTER TABLE account RENAME gone TO kept;', 'ALTER TABLE account RENAME kept TO gone;');
gives(0, '^(?!.*prefer-expand).*renaming-column', '^$', 'lint');

# a placeholder without a value
write_revision('003', '002', "-- placeholders: who\n", 'ALTER TABLE account ADD ${who} text;', 'ALTER TABLE account DROP ${who};');
gives(3, '', 'placeholder "who" of revision "003" has no value\nDETAIL: .*\nHINT:  Add -x who=<value>\n', $_) for 'plan', 'upgrade', 'lint';
gives(0, 'warning +003: placeholder "who" [^\n]*\n( +[^\n]*\n)? +-> Add -x who=<value>\n', '', 'check');
gives(0, 'public.account', '', 'plan', '-x', 'who=x');

# an option with a wrong value is what is wrong, and not the files
gives(3, '^$', '^ERROR:  invalid value for parameter "cmig.lock_timeout": "abc"\n$', @$_, '-x', 'cmig.lock_timeout=abc') for [ 'upgrade' ], [ 'status', '--no-load' ];

# the copy has no rows: what asks for them is for the database
unlink 'migrations/003.sql';
write_revision('003', '002', '-- precondition: SELECT count(*) > 0 FROM account', "ALTER TABLE account ADD six int;\n-- cmig:verify\nSELECT count(*) > 0 FROM account;", 'ALTER TABLE account DROP six;');
gives(0, '003 +precondition\n +not tried: the copy of the schema has no rows\n +verify\n +not tried: the copy of the schema has no rows\n +line \d+: ALTER TABLE', '', 'dry-run', '003');
gives(0, 'at 003', '', 'upgrade', '-y');
is(rows('SELECT count(*) FROM account'), '20000', 'there, it runs');

# a file that cannot be loaded can be edited
write_revision('004', '003', '', 'CREATE TABLE (;', "DO \$\$ x");
$ENV{EDITOR} = 'cat';
gives(0, '^-- revision: 004\n.*CREATE TABLE \(;', '^$', 'edit', '004');
gives(3, '^$', 'unterminated dollar-quoted string in revision 004', 'edit', 'head');
unlink 'migrations/004.sql';

# somebody else has upgraded the database: what ran there is known
my $told = 'the database is at a revision that has no file in migrations: 003, applied by regress_owner at [^\n]*\n(HINT:  )?Get the newest files, for example with git pull. If the file is lost: cmig export 003\n$';
rename 'migrations/003.sql', '003.sql' or die;
gives(0, 'revisions +3, 3 applied\n.*pending +none\n.*no file +revision "003" is applied, but there is no file', "^WARNING:  $told", 'status');
gives(0, '003 +\| current, head.*002 +\| applied', "^WARNING:  $told", 'history');
gives(0, '^warning +revision "003" is applied, but there is no file', "^WARNING:  $told", 'check');
gives(0, 'nothing|no findings', "^WARNING:  $told", 'lint');
gives(3, '^$', "^cmig: $told", 'upgrade');
gives(0, '^migrations/003_[^\n]*\n$', '^$', 'export', '003');
gives(0, '^$', 'nothing to upgrade', 'upgrade');
# a file of another name is its file, too
rename glob('migrations/003_*'), 'migrations/mine.sql' or die;
gives(0, '^$', '^$', 'export', @$_) for [], ['--no-load'];
gives(0, '^$', '^cmig: there is already a file for revision 003\n$', 'export', '003');
unlink glob 'migrations/*.sql';
gives(0, '3 applied', "^cmig: no revision files in migrations\nHINT:  Revision files are in trips: [^\n]*\nWARNING: ", 'status');
gives(0, '^(migrations/\S+\n){3}$', '^cmig: no revision files in migrations\nHINT:  [^\n]*\n$', 'export');
# a revision of which nothing is known
rows("INSERT INTO cmig_engine.version VALUES ('elsewhere')");
gives(3, '^$', 'no file in migrations: elsewhere.*cmig stamp <revision> --purge\n$', $_) for 'upgrade', 'lint';
rows("DELETE FROM cmig_engine.version WHERE version_num = 'elsewhere'");

# an engine records what it captures
rows('CREATE TABLE by_hand (id int)');
gives(0, 'at 005', '^the database already contains the changes of revision "005"\n(?!DETAIL)(?!HINT)', 'capture', '-m', 'By hand', '--rev-id', '005');
# and a file that has changed is compared with its journal
unlink glob 'migrations/005*';
write_revision('005', '003', '', 'CREATE TABLE other ();', 'DROP TABLE other;');
gives(3, '', 'accept-changes, which is recorded in the journal\.', 'upgrade');
unlink 'migrations/005.sql';
gives(0, '', '', 'stamp', '003');

# a limit in cmig.conf counts wherever the waits are judged
write_revision('004', '003', '-- transactional: false', "CREATE INDEX CONCURRENTLY account_note ON account (note);\nSELECT pg_sleep(20);", 'DROP INDEX account_note;');
write_revision('005', '004', '', 'ALTER TABLE account ADD late int;', 'ALTER TABLE account DROP late;');
gives(0, 'lock_timeout +warning: not set', '', 'preflight');
gives(0, 'require-lock-timeout', '', 'lint');
append_to_file('cmig.conf', "$1$2") if (cmig('preflight'))[1] =~ /-> (# for all runs, in cmig.conf:\n) +-> ([^\n]*\n)/;
gives(0, '^(?!.*lock_timeout)', '', 'preflight');
gives(0, '^(?!.*require-lock-timeout)', '', 'lint');

# a run waits for another one, also if that one commits more than once
my ($out, $err) = ('', '');
my $first = IPC::Run::start([ $cmig, 'upgrade', '-y' ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'}) or die;
gives(0, '^(?!.*(partially applied|interrupted))', '^$', 'status');
gives(0, '^database shop is at 005\n$', '^another run is in progress in this database; waiting until it has ended\nDETAIL:  Process \d+ of role regress_owner, connected since [^\n,]*, has the lock of runs. To end it: SELECT pg_terminate_backend\(\d+\)\n(another run has changed the state of the database; trying again\n)?nothing to upgrade: database "shop" is at 005\n$', 'upgrade', '-y');
$first->finish;
like($out, qr/is at 005/, 'the other run') or diag($err);

# who has the lock is told, also if it is no run, and of a role about which little can be read
{
	my @superuser = (extra_params => [ '-U', scalar getpwuid($>) ]);
	my $sleeps = q{FROM pg_stat_activity WHERE wait_event = 'PgSleep'};

	$node->safe_psql('shop', 'CREATE ROLE regress_outsider LOGIN', @superuser);
	local $ENV{PGUSER} = 'regress_outsider';
	my $outsider = start_psql($node, 'shop', q{SELECT pg_advisory_lock(hashtextextended('pg_cmig cmig_engine.version', 0)); SELECT pg_sleep(600)});
	$ENV{PGUSER} = 'regress_owner';
	for (1 .. 1000) { last if $node->safe_psql('shop', "SELECT count(*) $sleeps", @superuser); select undef, undef, undef, 0.1 }
	gives(3, '^$', 'ERROR:  another session is running a generated script in this database\nDETAIL:  Process \d+ of role regress_outsider has the lock of runs. To end it: SELECT pg_terminate_backend\(\d+\)\nHINT:  Wait until', 'stamp', '004');
	$node->safe_psql('shop', "SELECT pg_terminate_backend(pid) $sleeps", @superuser);
	finish_psql($outsider);
}

# a block that cmig has written is no place that anybody could look at; one of a file is
for ([ 'the precondition of', '-- precondition: SELECT false', '' ], [ 'failed its verification', '', 'SELECT false' ], [ 'mine', '', "DO \$\$ BEGIN RAISE 'mine'; END \$\$" ])
{
	my ($message, $header, $verify) = @$_;

	write_revision('006', '005', $header, "SELECT 1;\n-- cmig:verify\n$verify;", '');
	gives(3, '', $message eq 'mine' ? 'inline_code_block line 1 at RAISE' : "^(?!.*inline_code_block).*ERROR:[^\n]*$message", 'upgrade', '-y');
}

# what only the extension has is not proposed
write_revision('006', '005', '', "CALL cmig.add_not_null('account', 'note');", '');
gives(3, '^$', 'CALL cmig.add_not_null cannot run inside a transaction\n((?!concurrent_ddl).)*$', 'upgrade', '-y');

# a revision that is partially applied does not begin again
write_revision('006', '005', '-- transactional: false', "CREATE TABLE p1 ();\nSELECT 1 / 0;", 'SELECT 1;');
gives(3, '', 'division by zero', 'upgrade', '-y');
write_revision('006', '005', '', "CREATE TABLE p2 ();", 'SELECT 1;');
gives(3, '', 'ERROR:  revision "006" is partially applied, and would run again from its first statement\nHINT:  Restore the header "transactional: false"', @$_) for [ 'upgrade', '-y' ], [ 'upgrade', '--sql' ];
is(rows("SELECT to_regclass('p2') IS NULL, count(*) FROM cmig_engine.progress"), 't|1', 'nothing was run');
# nor if the run that began it had the lock when the state was read, and is gone when this one begins
{
	my @superuser = (extra_params => [ '-U', scalar getpwuid($>) ]);
	my $sleeps = q{FROM pg_stat_activity WHERE wait_event = 'PgSleep'};
	my $other = start_psql($node, 'shop', q{SELECT pg_advisory_lock(hashtextextended('pg_cmig cmig_engine.version', 0)); SELECT pg_sleep(600)});

	for (1 .. 1000) { last if $node->safe_psql('shop', "SELECT count(*) $sleeps", @superuser); select undef, undef, undef, 0.1 }
	append_to_file('other.conf', "folder = migrations\nengine = local\n");
	append_to_file('psql2', "#!/bin/sh\nif [ -e read ]; then psql -qAt -c \"SELECT pg_terminate_backend(pid, 60000) $sleeps\" >>killed; fi\n: >read\nexec psql \"\$@\"\n");
	chmod 0755, 'psql2';
	local @ENV{qw(CMIG_PSQL CMIG_CONFIG)} = ('./psql2', 'other.conf');
	gives(3, '', 'ERROR:  revision "006" is partially applied, and would run again from its first statement', 'upgrade', '-y');
	is(slurp_file('killed') =~ tr/t//, 1, 'the other run was there');
	finish_psql($other);
}
is(rows("SELECT to_regclass('p2') IS NULL, count(*) FROM cmig_engine.progress"), 't|1', 'again, nothing was run');
rows('DROP TABLE p1');
gives(0, 'at 005', 'discarding the progress', 'stamp', '005');
gives(0, 'at 006', '', 'upgrade', '-y');

# how long it took is told once, also if it does several things
write_revision('007', '006', '', "ALTER TABLE account ALTER id TYPE numeric;\nCREATE INDEX account_kept ON account (kept);", 'DROP INDEX account_kept; ALTER TABLE account ALTER id TYPE bigint;');
gives(0, 'at 007', '', 'upgrade', '-y');
gives(0, 'at 006', '', 'downgrade', '006', '-y');
gives(0, '^(?!.*past runs.*past runs).*past runs +notice: 007: it took up to [^\n]*1\s+run', '', 'preflight');

done_testing();
