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
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('engine_running');

sub rows { return $node->safe_psql('shop', $_[0]); }

# start(NAME, ARGUMENT...): starts an upgrade in a process group of its own, with its output in the file NAME
sub start
{
	my ($name, @arguments) = @_;
	my $pid = fork // die;

	return $pid if $pid;
	setpgrp(0, 0);
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$dir/$name";
	open STDERR, '>&', \*STDOUT;
	exec $cmig, 'upgrade', '-y', @arguments;
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
  . 'backfill +public.item: \d+ rows, \d+ % of this pass\n';
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
gives(0, '(?!.*(running|failed|partially))', '^$', 'status');

# The session that asks who blocks the run begins again after somebody has ended it.
write_revision('004', '003', '', 'ALTER TABLE item ADD d int;', 'ALTER TABLE item DROP d;');
$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
$pid = start('blocked', '-x', 'cmig.lock_timeout=5s', '-x', 'cmig.lock_retries=0');
my $watches = "FROM pg_stat_activity WHERE query ~ 'Blocked by process' AND state = 'idle in transaction'";
poll("SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'item'::regclass");
poll("SELECT count(pg_terminate_backend(pid)) = 1 $watches");
waitpid $pid, 0;
like(slurp_file("$dir/blocked"), qr/lock timeout\nDETAIL:  Blocked by process $blocker of role/, 'who has blocked it is known');
$holder->quit;

close $users;
done_testing();
