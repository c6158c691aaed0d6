# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database, cmig, the engine, or the connection is killed at
# random moments, while others write: what has run has run once, and the next call continues.  CMIG_KILLS sets
# how often (default: 6), and CMIG_SEED repeats a run.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(usleep time);

my ($node, $dir, $cache) = engine_project('kills');
my $kills = $ENV{CMIG_KILLS} // 6;
my $seed = $ENV{CMIG_SEED} // time;

srand($seed);
note("CMIG_SEED=$seed");

sub rows { return $node->safe_psql('shop', $_[0]); }

write_revision('001', '', '', "CREATE TABLE ran (n int);\nCREATE TABLE item (id int PRIMARY KEY, a int, b int);\nINSERT INTO item SELECT n FROM generate_series(1, 20000) n;", 'DROP TABLE ran, item;');
write_revision('002', '001', '-- transactional: false', join("\n", map { "INSERT INTO ran VALUES ($_);\nCREATE INDEX CONCURRENTLY ran_$_ ON ran ((n + $_));" } 1 .. 3),
	join("\n", map { "DROP INDEX CONCURRENTLY ran_$_;" } 1 .. 3) . "\nDELETE FROM ran WHERE n < 10;");
write_revision('003', '002', '', "INSERT INTO ran SELECT 10 FROM pg_sleep(0.1);\nALTER TABLE item ADD c int;", "ALTER TABLE item DROP c;\nDELETE FROM ran WHERE n = 10;");
write_revision('004', '003', '-- transactional: false', <<'END_UP', <<'END_DOWN');
INSERT INTO ran VALUES (11);
CALL cmig.backfill('item', 'a = id', 'a IS NULL', batch_size => 2000, pause => '10ms');
CALL cmig.add_not_null('item', 'a');
CALL cmig.add_check('item', 'positive', 'a > 0');
CALL cmig.add_unique('item', 'a');
INSERT INTO ran VALUES (12);
END_UP
ALTER TABLE item DROP CONSTRAINT item_a_key, DROP CONSTRAINT positive, ALTER a DROP NOT NULL;
UPDATE item SET a = NULL;
DELETE FROM ran WHERE n > 10;
END_DOWN
write_revision('005', '004', '', 'INSERT INTO ran VALUES (20);', 'DELETE FROM ran WHERE n = 20;');

# whole(WHAT): tests that each statement up to the current revision has run once
my %ran = (base => '', '001' => '', '002' => '1,2,3', '003' => '1,2,3,10', '004' => '1,2,3,10,11,12', '005' => '1,2,3,10,11,12,20');
sub whole
{
	my $at = rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version') || 'base';
	my $partial = rows('SELECT count(*) FROM cmig_engine.progress') ne '0';
	my $ran = $at eq 'base' ? '' : rows('SELECT string_agg(n::text, $$,$$ ORDER BY n) FROM ran');
	my $twice = $at eq 'base' ? 0 : rows('SELECT count(*) - count(DISTINCT n) FROM ran');

	return $twice == 0 && ($partial || $ran eq $ran{$at});
}
sub engine_pid { my $file = "$cache/cmig/engine-" . $node->pg_version->major . '/data/postmaster.pid'; return -f $file && slurp_file($file) =~ /^(\d+)/ ? $1 : undef; }

my $terminated = 0;

# terminate(PID): terminates the connection of the cmig PID to the database at a random statement
# of the run, which has an advisory lock.  Returns cmig's status if it has ended before.
sub terminate
{
	my ($pid) = @_;
	my $statement = int rand 8;
	my ($seen, $last) = (0, '');
	my $watch = $node->background_psql('shop', extra_params => [ '-U', 'postgres' ]);

	# it may have ended by itself
	$watch->query_safe('SET client_min_messages = error');
	while (waitpid($pid, WNOHANG) == 0)
	{
		my $now = $watch->query_safe("SELECT concat(a.pid, ' ', a.query_start) FROM pg_stat_activity a WHERE EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted) AND a.pid <> pg_backend_pid() LIMIT 1");

		usleep(2_000);
		next if $now eq $last || $now eq '';
		$last = $now;
		next if $seen++ < $statement;
		my ($backend) = split / /, $now;
		$terminated++ if $watch->query_safe("SELECT pg_terminate_backend($backend)") eq 't';
		$watch->quit;
		return;
	}
	my $status = $?;
	$watch->quit;
	return $status;
}

cmig('stamp', 'base');

# others write at the same time
my $writer = fork // die;
if ($writer == 0)
{
	setpgrp(0, 0);
	open STDOUT, '>', '/dev/null';
	open STDERR, '>&', \*STDOUT;
	exec 'sh', '-c', 'while sleep 0.05; do psql -qX -c "UPDATE item SET b = coalesce(b, 0) + 1 WHERE id % 500 = extract(milliseconds FROM now())::int % 500"; done';
}
my ($lasts, $failed, %done) = (2, 0);
for my $kill (1 .. $kills)
{
	my $at = rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version');
	my $begun = rows('SELECT direction FROM cmig_engine.progress LIMIT 1');
	my $up = $begun ? $begun eq 'upgrade' : $at eq '005' ? 0 : $at eq '' ? 1 : int rand 3;
	my @verb = (!$begun && $at ne '' && rand() < 0.2 ? 'reset' : $up ? 'upgrade' : ('downgrade', $begun ? '-1' : 'base'), '-y', rand() < 0.3 ? '--stepwise' : ());
	my $what = (qw(cmig engine connection))[ rand 3 ];
	my $started = time;
	my $pid = fork // die;

	if ($pid == 0)
	{
		setpgrp(0, 0);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/out";
		open STDERR, '>&', \*STDOUT;
		exec $cmig, @verb;
	}
	usleep(rand() * $lasts * 1_000_000) if $what ne 'connection';
	if ($what eq 'cmig') { kill 'KILL', -$pid; }
	elsif ($what eq 'engine') { my $engine = engine_pid(); kill 'KILL', $engine if $engine; }
	my $status = $what eq 'connection' ? terminate($pid) : undef;
	if (!defined $status) { waitpid $pid, 0; $status = $?; }
	$lasts = 0.8 * $lasts + 0.2 * (time - $started + 1) if $what ne 'cmig';
	$done{"$what: " . ($status == 0 ? 'completed' : 'ended')}++;
	$node->poll_query_until('shop', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'cmig'") or die;
	next if whole();
	$failed++;
	fail("kill $kill, of $what, in @verb");
	diag(slurp_file("$dir/out"));
}
ok($terminated > 0 || !grep({ /^connection/ } keys %done), "$terminated connections were terminated in a statement of a run");
is($failed, 0, "$kills kills: " . join ', ', map { "$_ $done{$_}" } sort keys %done);

kill 'KILL', -$writer;
waitpid $writer, 0;

# the last call completes what was begun
if (rows('SELECT direction FROM cmig_engine.progress LIMIT 1') eq 'downgrade') { gives(0, '', '', 'downgrade', '-1', '-y'); }
gives(0, '', '', 'upgrade', '-y');
ok(whole(), 'each statement has run once');
is(rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version'), '005', 'the version');
is(rows('SELECT count(*) FROM item WHERE a = id'), '20000', 'the backfill');
is(rows('SELECT count(*) FROM pg_index WHERE NOT indisvalid'), '0', 'no index is invalid');
is(rows("SELECT count(*) FROM pg_constraint WHERE conrelid = 'item'::regclass AND convalidated AND contype <> 'n'"), '3', 'the constraints are valid');
gives(0, 'no drift', '^$', 'drift');

# Only the shells are killed, and psql goes on with what it has: that is never the beginning of a statement, which
# would be a statement, too.
write_revision('006', '005', '-- transactional: false',
	"SELECT pg_sleep(3);\nCREATE INDEX CONCURRENTLY part ON item (a) WHERE a = 0\n" . (' ' x 99 . "\n") x 3000 . 'OR a = 1;', 'DROP INDEX part;');
my $pid = fork // die;
if ($pid == 0)
{
	POSIX::setsid();
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$dir/out";
	open STDERR, '>&', \*STDOUT;
	exec $cmig, 'upgrade', '-y';
}
$node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'}) or die;
kill 'KILL', map { /^ *(\d+) +(\d+) +bash/ && $2 == $pid ? $1 : () } `ps -eo pid,sid,comm`;
waitpid $pid, 0;
$node->poll_query_until('shop', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'cmig' OR query ~ '^SELECT pg_sleep'") or die;
is(rows("SELECT count(*) FROM pg_indexes WHERE indexname = 'part' AND indexdef !~ 'a = 1'"), '0', 'no part of a statement has run');
gives(0, '', '', 'upgrade', '-y');
like(rows("SELECT indexdef FROM pg_indexes WHERE indexname = 'part'"), qr/a = 1/, 'all of it has run');

done_testing();
