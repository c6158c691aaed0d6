# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: what cmig status shows of a run that is in progress,
# or that a signal has ended, and what can be run after that.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use POSIX ':sys_wait_h';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('engine_running');

sub rows { return $node->safe_psql('shop', $_[0]); }

# start(NAME, ARGUMENT...): starts an upgrade in a process group of its own, with its output in the file NAME
sub start { my $name = shift; return start_verb($name, 'upgrade', '-y', @_); }

# start_verb(NAME, VERB...): the same for another verb
sub start_verb
{
	my ($name, @arguments) = @_;
	my $pid = fork // die;

	return $pid if $pid;
	setpgrp(0, 0);
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$dir/$name";
	open STDERR, '>&', \*STDOUT;
	exec $cmig, @arguments;
}

sub poll { $node->poll_query_until('shop', $_[0]) or die "not met: $_[0]"; }

my $filling = "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name LIKE 'cmig: % rows, %, backfill of public.item'";
my $ended = "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'cmig%' AND datname = 'shop'";

write_revision('001', '', '', <<'END_SQL', 'DROP TABLE item;');
CREATE TABLE item (id int PRIMARY KEY, a int, b int) WITH (fillfactor = 50);
INSERT INTO item SELECT i, i FROM generate_series(1, 20000) i;
END_SQL
write_revision('002', '001', "-- transactional: false\n", <<'END_SQL', 'ALTER TABLE item ALTER b DROP NOT NULL;');
SELECT 1;
CALL cmig.backfill('item', 'b = a', 'b IS NULL', batch_size => 200, pause => '200ms');
CALL cmig.add_not_null('item', 'b');
END_SQL
gives(0, 'at 001', '', 'upgrade', '-y', '001');
# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# a backfill in progress
my $running = 'running +upgrade of 002, by process (\d+)\n +-> SELECT \* FROM pg_stat_activity WHERE pid = \1\n'
  . 'statement +2: backfill of public.item\nrunning since +2[^\n]+, this statement for 00:0\d:\d\d\n'
  . '(?:waits for +[^\n]+\n)?backfill +public.item: \d+ rows, \d+ % of this pass\n';
my $partial = 'partially applied +upgrade of 002: statement 2 is unfinished; no later statement is complete\n';
foreach my $signal ('TERM', 'INT')
{
	my $pid = start('out');

	poll($filling);
	gives(0, $running, '^$', 'status');
	unlike((cmig('status'))[1], qr/partially applied|failed|interrupted/, 'what is running was not interrupted');
	kill $signal, -$pid;
	waitpid $pid, 0;
	is($? >> 8, $signal eq 'TERM' ? 143 : 130, "SIG$signal ends cmig");
	like(slurp_file("$dir/out"), qr/canceling statement due to user request/, 'and the statement');
	poll($ended);
	gives(0, "(?s)failed +upgrade of 002, statement 2: canceling statement due to user request\n.*$partial", '^$', 'status');
}
like(slurp_file("$dir/out"), qr/HINT:  What is complete remains. After fixing the cause, repeat the command: it continues with this statement.$/, 'a hint says what to do');
gives(3, '', 'the upgrade of revision "002" is partially applied\n.*cmig upgrade --stepwise 002 finishes the upgrade', 'downgrade', '-y', '-1');
is(rows('SELECT count(*) FROM item'), '20000', 'nothing was reverted');

# psql is killed, but not the server's process
my $pid = start('out');
poll($filling);
kill 'KILL', split ' ', `pgrep -g $pid -x psql`;
waitpid $pid, 0;
is($? >> 8, 4, 'psql was killed');
gives(0, $running, '^$', 'status');
rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'cmig: %'");
poll($ended);
gives(0, $partial, '^$', 'status');
gives(0, 'at 002', "upgrade 001 -> 002\nbackfill of public.item updated \\d+ rows\n", 'upgrade', '-y');
is(rows('SELECT count(*) FROM item WHERE b = a'), '20000', 'all rows are filled');
is(rows("SELECT application_name FROM cmig_engine.journal WHERE revision = '002' ORDER BY id DESC LIMIT 1"), 'cmig', 'the application has its name again');

# a run in one transaction
write_revision('003', '002', '', 'ALTER TABLE item ADD c int;', 'ALTER TABLE item DROP c;');
my $holder = $node->background_psql('shop');
$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
$pid = start('out');
poll("SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'item'::regclass");
my $blocker = rows("SELECT pid FROM pg_locks WHERE granted AND relation = 'item'::regclass AND mode = 'AccessShareLock'");
gives(0, "running +ALTER TABLE item ADD c int.*, by process \\d+\n.*waits for +process $blocker \\(Lock: relation\\)\n", '^$', 'status');
my $second = start('second', '+1');
foreach (1 .. $PostgreSQL::Test::Utils::timeout_default)
{
	last if -e "$dir/second" && slurp_file("$dir/second") =~ /in progress/;
	sleep 1;
}
sleep 3;
unlike(slurp_file("$dir/second"), qr/ERROR/, 'another one waits as long, although it cannot be repeated');
$holder->query_safe('COMMIT');
waitpid $pid, 0;
waitpid $second, 0;
like(slurp_file("$dir/second"), qr/waiting until it has ended\n.*ERROR:  another run has changed the state/s, 'and then fails');
gives(0, '\A(?!.*(running|failed|partially))', '^$', 'status');

# The session that asks who blocks the run begins again after somebody has ended it.
write_revision('004', '003', '', 'ALTER TABLE item ADD d int;', 'ALTER TABLE item DROP d;');
$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
$pid = start('blocked', '-x', 'cmig.lock_timeout=5s', '-x', 'cmig.lock_retries=0');
my $watches = "FROM pg_stat_activity WHERE query ~ 'Blocked by process' AND state = 'idle in transaction'";
poll("SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'item'::regclass");
poll("SELECT count(pg_terminate_backend(pid)) = 1 $watches");
waitpid $pid, 0;
like(slurp_file("$dir/blocked"), qr/lock timeout\nDETAIL:  Blocked by process $blocker of role/, 'who has blocked it is known');
$holder->query_safe('ROLLBACK');

# Another session changes tables while the run does something else, in an earlier transaction or in the one of the
# recorded statements: these do not run, and are recorded again.
$node->safe_psql('shop', 'CREATE ROLE regress_group; GRANT regress_group TO regress_owner', extra_params => [ '-U', scalar(getpwuid($<)) ]);
rows(q{CREATE SCHEMA app; GRANT CREATE ON SCHEMA app TO regress_group; CREATE TABLE app.account (id int PRIMARY KEY, tenant text, kind varchar CHECK (kind IN ('a', 'b')));
	CREATE TABLE app.person (id int, tenant text, account int); CREATE TABLE app.checked (tenant text, CONSTRAINT c CHECK (tenant <> ''));
	CREATE TABLE app.owned (tenant text); CREATE TABLE app.told (tenant text); CREATE TABLE app.uses (tenant text);
	CREATE POLICY p ON app.told TO public USING (true); CREATE POLICY p ON app.uses USING (true); INSERT INTO app.account VALUES (1);
	CREATE SCHEMA former; CREATE TABLE former.kept ()});
my $waiting = "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7";
my $enable = "SELECT cmig.enable_rls_schema('app', tenant_column => 'tenant', roles => '{public}', force => false);";
my $wait = 'SELECT pg_advisory_xact_lock(7);';
my $changed = "\nERROR:  the schema of the database has changed since it was copied into the engine\nCONTEXT: [^\n]*\nDETAIL: [^\n]* Changed:";
my $open = "SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity";
write_revision('005', '004', "-- transactional: false\n", "CREATE INDEX CONCURRENTLY ON app.account (tenant);\n$wait", 'SELECT 1;');
write_revision('006', '005', '', "SELECT 1;\n$enable", 'SELECT 1;');
write_revision('007', '006', '', "SELECT cmig.disable_rls('app.late');\n$wait\n$enable", 'SELECT 1;');
write_revision('008', '007', "-- transactional: false\n", "$wait\nCALL cmig.add_not_null('app.person', 'account');", 'SELECT 1;');
foreach my $run (
	[ '006', 'app.human, app.late', 'CREATE TABLE app.late (id int, tenant text)', 'ALTER TABLE app.person RENAME TO human',
		'CREATE TABLE app.person (id int, tenant text, account int)' ],
	[ '007', 'app.checked, app.later, app.owned, app.told, app.uses', 'CREATE TABLE app.later (id int, tenant text)',
		q{ALTER TABLE app.checked DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (tenant <> 'x')}, 'ALTER TABLE app.owned OWNER TO regress_group',
		'ALTER POLICY p ON app.told TO regress_group', 'ALTER POLICY p ON app.uses USING (false)' ],
	[ '008', 'app.person', 'ALTER TABLE app.person ALTER account SET NOT NULL' ])
{
	my ($target, $names, @statements) = @$run;

	$holder->query_safe('SELECT pg_advisory_lock(7)');
	$pid = start('out', '--stepwise', $target);
	poll($waiting);
	rows("$_;") foreach @statements;
	$holder->query_safe('SELECT pg_advisory_unlock(7)');
	waitpid $pid, 0;
	is($?, 0, "$target runs");
	like(slurp_file("$dir/out"), qr/$changed \Q$names\E\n.*attempt 1 of .*at $target\n/s, 'after what has changed was copied again');
	is(rows($open), '', 'no table is left out');
}

# While another run is in the middle of a revision, what it has completed is nothing to be reverted by hand: a downgrade
# waits, and then runs, unless its target is relative to what the other run has changed.
write_revision('008a', '008', "-- transactional: false\n", "SELECT 1;\n$wait", 'SELECT 1;');
$holder->query_safe('SELECT pg_advisory_lock(7)');
$pid = start('out', '008a');
poll($waiting);
my %downgrade = map { ($_ => start_verb("to$_", 'downgrade', '-y', $_)) } '007', '-1';
foreach my $target ('007', '-1')
{
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if -e "$dir/to$target" && slurp_file("$dir/to$target") =~ /until it has ended|ERROR/ || waitpid($downgrade{$target}, WNOHANG);
		select undef, undef, undef, 0.1;
	}
}
# the state is read again meanwhile
sleep 2;
foreach my $target ('007', '-1') { is(waitpid($downgrade{$target}, WNOHANG), 0, "the downgrade to $target waits"); }
$holder->query_safe('SELECT pg_advisory_unlock(7)');
waitpid $pid, 0;
is($?, 0, 'the other run completes');
waitpid $downgrade{'007'}, 0;
is($?, 0, 'the downgrade runs after it');
like(slurp_file("$dir/to007"), qr/^another run is in progress.*until it has ended\n.*downgrade 008a -> 008\n.*at 007\n/s, 'and says so');
unlike(slurp_file("$dir/to007"), qr/ERROR|manually|partially/, 'nothing is to be reverted by hand');
waitpid $downgrade{'-1'}, 0;
is($? >> 8, 3, 'a relative target means something else then');
like(slurp_file("$dir/to-1"), qr/until it has ended\n.*ERROR:  another run has changed the state of the database\nHINT:  Repeat the command.\n$/s, 'as an error says');
is(rows('SELECT version_num FROM cmig_engine.version'), '007', 'it has run nothing');
unlink glob 'migrations/008a*' or die;

# Tables that get the names of those that are locked, while one of them is waited for, are not taken for these.
my $pair = 'CREATE TABLE twice.a (tenant text); CREATE TABLE twice.b (tenant text)';
rows("CREATE SCHEMA twice; $pair");
write_revision('0085', '008', '', $enable =~ s/app/twice/r, 'SELECT 1;');
$holder->query_safe('SELECT pg_advisory_lock(7)');
$pid = start('out', '--stepwise', '0085');
poll($waiting);
$holder->query_safe('BEGIN; LOCK TABLE twice.b; SELECT pg_advisory_unlock(7)');
poll("SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'twice.b'::regclass");
rows("ALTER SCHEMA twice RENAME TO once; CREATE SCHEMA twice; $pair");
$holder->query_safe('COMMIT');
waitpid $pid, 0;
is($?, 0, 'tables with the names of others are altered');
like(slurp_file("$dir/out"), qr/$changed twice.a\n.*attempt 1 of .*at 0085\n/s, 'after they were read');
$holder->quit;

# what the run itself changes, or a copy lacks, is no reason to begin again
rows('CREATE TABLE app.theirs (id int); ALTER TABLE app.theirs ENABLE ROW LEVEL SECURITY');
my @admin = (extra_params => [ '-U', scalar(getpwuid($<)) ]);
$node->safe_psql('shop', 'CREATE ROLE regress_other; ALTER TABLE app.theirs OWNER TO regress_other', @admin);
write_revision('009', '0085', '', 'CREATE TABLE app.short (id int);', 'SELECT 1;');
write_revision('010', '009', "-- transactional: false\n", <<'END_SQL', 'SELECT 1;');
CREATE INDEX CONCURRENTLY ON app.account (tenant);
ALTER TABLE app.short RENAME TO brief;
GRANT SELECT ON app.brief TO PUBLIC;
ALTER SCHEMA former RENAME TO older;
DO $$ BEGIN CREATE TABLE app.other AS SELECT 'a' AS tenant; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
VACUUM FULL app.account;
SET search_path = app;
CALL cmig.add_foreign_key('person', 'account', 'account');
CALL cmig.add_unique('person', 'id');
CALL cmig.backfill('person', 'tenant = ''a''', 'tenant IS NULL');
TRUNCATE app.person;
DROP TABLE app.brief;
REINDEX TABLE CONCURRENTLY app.account;
END_SQL
write_revision('011', '010', '', <<END_SQL, 'SELECT 1;');
ALTER TABLE app.account ADD more int DEFAULT 7, ADD UNIQUE (more);
SELECT cmig.disable_rls('app.account');
DROP TABLE app.later;
CREATE TABLE app.part (id int, tenant text) PARTITION BY LIST (id);
CREATE TABLE app.part1 PARTITION OF app.part FOR VALUES IN (1);
$enable
SELECT cmig.disable_rls('app.part');
SELECT cmig.enable_rls('app.part', tenant_column => 'tenant', roles => '{public}', force => false);
END_SQL
gives(0, 'at 011', '^(?!.*since it was copied)', 'upgrade', '-y', '--stepwise');
is(rows($open), '', 'all of it has run');

# A table that is created because of rows is not in the copy.
write_revision('012', '011', '', <<'END_SQL', 'SELECT 1;');
DO $$ BEGIN EXECUTE coalesce((SELECT format('CREATE TABLE app.of_%s (id int, tenant text)', min(id)) FROM app.account
	HAVING count(*) > 0), 'SELECT 1'); END $$;
END_SQL
write_revision('013', '012', '', $enable, 'SELECT 1;');
gives(3, '', "upgrade 011 -> 012[^\n]*\nupgrade 012 -> 013[^\n]*\n"
	. 'ERROR:  the schema is not as in the engine, because this transaction has changed it\nCONTEXT: [^\n]*\nDETAIL: [^\n]* Changed: app.of_1\n'
	. 'HINT:  Call the function in a revision of its own, and: cmig upgrade --stepwise\n', 'upgrade', '-y');
is(rows('SELECT version_num FROM cmig_engine.version'), '011', 'nothing has run');
gives(0, 'at 013', "$changed app.of_1\n", 'upgrade', '-y', '--stepwise');
is(rows($open), '', 'the hint helps');

# A table that cannot be copied is not left out.
$node->safe_psql('shop', 'ALTER TABLE app.theirs ADD tenant text', @admin);
write_revision('014', '013', '', $enable, 'SELECT 1;');
my ($hint) = (cmig('upgrade', '-y'))[2] =~ /^ERROR:  a function of pg_cmig reads tables that were not copied into the engine\n(?:CONTEXT: .*\n)?DETAIL:  Not copied: app.theirs\nHINT:  As the owner: (.*)$/m;
$node->safe_psql('shop', $hint, @admin);
gives(3, '', 'ERROR:  row-level security cannot be enabled on 1 table in schema "app"\n', 'upgrade', '-y');

# What changes between the copy and the first statement is seen, also in a table that no function reads.
unlink 'migrations/014.sql';
write_revision('015', '013', '', "SELECT cmig.disable_rls('app.part');", 'SELECT 1;');
{
	my ($psql) = grep { -x } map { "$_/psql" } split /:/, $ENV{PATH};

	mkdir "$dir/bin";
	append_to_file("$dir/bin/psql", <<"END_BASH");
#!/bin/bash
[[ "\$*" != */script ]] || ! mkdir '$dir/changed' 2>/dev/null || '$psql' -X -q -d shop -c 'ALTER TABLE app.account ADD seen int'
exec '$psql' "\$@"
END_BASH
	chmod 0755, "$dir/bin/psql";
	local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
	gives(0, 'at 015', '(?s)since it was copied into the engine\n(?:CONTEXT: [^\n]*\n)?DETAIL: [^\n]* Changed: app\.account\n.*attempt 1 of', 'upgrade', '-y');
}

# a database that is only read
rows('ALTER DATABASE shop SET default_transaction_read_only = on');
{
	my $failed = (cmig('stamp', '013'))[2];
	my ($set) = $failed =~ /in a read-only transaction\n.*export PGOPTIONS='(.*)'$/m or diag($failed);
	local $ENV{PGOPTIONS} = $set;
	gives(0, 'at 013', '', 'stamp', '013');
}

close $users;
done_testing();
