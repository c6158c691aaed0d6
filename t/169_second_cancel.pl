# Copyright (c) 2026, the pg_cmig developers

# A cancel at any place, also a second one while the first is handled (the server signals a session twice
# for a client's cancel request), leaves nothing behind in the session, which may be that of a pool: no lock,
# role, setting, or scope of the run.  A library cancels at the first, second, ... place until there is none left.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('second_cancel', 'cmig.log_runs = on', 'max_prepared_transactions = 5');
my $library = build_library('cancel_at');

$node->start;
query($node, 'postgres', 'CREATE ROLE script_owner; CREATE ROLE other');
$node->safe_psql('postgres', 'CREATE DATABASE base');
query($node, 'base', <<"SQL");
CREATE EXTENSION pg_cmig;
CREATE FUNCTION cancel_at(int, boolean, int DEFAULT 1) RETURNS void LANGUAGE c AS '$library';
CREATE FUNCTION cancel_seen() RETURNS boolean LANGUAGE c AS '$library';
GRANT ALL ON SCHEMA public TO script_owner;
ALTER DATABASE base SET cmig.lock_retries = 0;
SQL

my $locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = database"
  . " WHERE locktype = 'advisory' AND datname = 'tried'";

# what a run changes in its session
my $state = <<'SQL';
SELECT 'state', current_user, session_user,
	(SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()
		AND (locktype = 'advisory' OR locktype = 'object' AND classid = 'pg_extension'::regclass)),
	(SELECT md5(string_agg(name || setting, ',' ORDER BY name)) FROM pg_settings),
	(SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors WHERE name <> ''),
	(SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema());
SELECT 'idle', count(*) FROM cmig.heads();
SQL

# sweep(NAME, SETUP, CALL, REPAIR, AFTER_ERROR, EACH): cancels CALL at each place or, if the database is large,
# at each EACHth, and REPAIRs what the call has done.
sub sweep
{
	my ($name, $setup, $call, $repair, $after, $each) = @_;
	my ($canceled, $n, $began, @bad) = (0, 1, time);
	my $first = "\\set VERBOSITY terse\nSET client_min_messages = error;\n"
	  . "SELECT cancel_seen();\n$call;\n$repair;\n$state";

	$name .= $after ? ', after an error' : ', from the start';
	$node->safe_psql('postgres', 'CREATE DATABASE tried TEMPLATE base');
	query($node, 'tried', $setup);
  PLACES: while ($n < 5000)
	{
		my @places = map { $n + $_ * ($each // 1) } 0 .. 9;
		my ($out, $err) = ('', '');

		my $tries = join '', map { <<"SQL" } @places;
SELECT cancel_at($_, ${after}::boolean);
$call;
SELECT 'seen', cancel_seen();
${state}SELECT 'journal', outcome FROM cmig.journal ORDER BY id DESC LIMIT 1;
$repair;
SQL
		$node->psql('tried', $first . $tries, stdout => \$out, stderr => \$err, on_error_stop => 0);
		my @states = $out =~ /^(state\|.*\nidle\|.*)$/mg;
		my @seen = $out =~ /^seen\|([tf])$/mg;
		my @journal = $out =~ /^journal\|(.*)$/mg;
		for my $i (0 .. $#places)
		{
			my $place = "place $places[$i]: ";

			push @bad, "$place$err" unless defined $seen[$i];
			last PLACES if @bad || $seen[$i] eq 'f';
			push @bad, "$place$states[$i + 1] instead of $states[0]" if ($states[ $i + 1 ] // 'nothing') ne $states[0];
			push @bad, "$place$journal[$i] in the journal" if $after && $name =~ /revision/ && $journal[$i] ne 'failed';
			$canceled++;
		}
		$n = $places[-1] + ($each // 1);
	}
	is(query($node, 'tried', $locks), 0, "$name: no lock remains");
	is(join("\n", @bad[ 0 .. ($#bad < 3 ? $#bad : 3) ]), '', "$name: nothing remains");
	cmp_ok($canceled, '>', 0, "$name: was canceled");
	note(sprintf "%s: %d places of about %d, %d s", $name, $canceled, $n, time - $began);
	query($node, 'postgres', 'DROP DATABASE tried');
	return;
}

sub nontransactional { return revision_file(@_) =~ s/(-- message)/-- transactional: false\n$1/r }

my $one = revision_file('001', '', <<'SQL', 'DROP TABLE t');
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t VALUES (1, 0), (2, 1), (3, 2);
SQL
my $to_one = "SELECT cmig.upgrade('001')";
my $back = "SELECT cmig.stamp('001')";
my $script = <<'SQL';
SET search_path = public, pg_temp;
SET work_mem = '8MB';
CREATE TEMP TABLE tt (x int);
CREATE INDEX CONCURRENTLY ON t (b);
SQL
my $as_owner = 'ALTER TABLE t OWNER TO script_owner; ALTER DATABASE tried SET cmig.role = script_owner;'
  . ' GRANT USAGE ON SCHEMA cmig TO script_owner; GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA cmig TO script_owner';
my $failing = load_sql($one, nontransactional('002', '001', "$script; SELECT 1/0", 'SELECT 1'));
my $tenants = join '; ', map { "CREATE SCHEMA t$_; SET cmig.scope = 't$_'; $to_one" } 1 .. 2;
my $backfill = q{CALL cmig.backfill('t', 'b = 2 / (b - 2)', batch_size => 2)};
my $unfilled = 'UPDATE t SET b = a - 1; DELETE FROM cmig.backfill_run';

for my $after (1, 0)
{
	sweep('a transactional revision',
		load_sql($one, revision_file('002', '001', 'CREATE TABLE u (x int); SELECT 1/0')) . $to_one,
		'CALL cmig.upgrade_stepwise()', $back, $after);
	sweep('a nontransactional revision', "$failing; $to_one; $as_owner",
		'CALL cmig.upgrade_stepwise()', "$back; DROP INDEX IF EXISTS t_b_idx", $after);
	sweep('a backfill in a nontransactional revision',
		load_sql($one, nontransactional('002', '001', "$script; $backfill")) . "$to_one; $as_owner",
		'CALL cmig.upgrade_stepwise()', "$back; DROP INDEX IF EXISTS t_b_idx; $unfilled", $after, $after ? 1 : 4);
	sweep('a backfill', load_sql($one) . $to_one, $backfill, $unfilled, $after);
	sweep('cmig.abandon_partial',
		load_sql($one, nontransactional('002', '001',
				'CREATE TABLE u (x int PRIMARY KEY); ALTER TABLE t ADD c int; SELECT 1/0',
				'ALTER TABLE t DROP c; DROP TABLE u'))
		  . $to_one,
		"CALL cmig.abandon_partial('002', confirm => '002, losing data')", <<"SQL", $after, $after ? 1 : 29);
$back;
DROP TABLE IF EXISTS u CASCADE;
ALTER TABLE t DROP IF EXISTS c CASCADE;
CALL cmig.upgrade_stepwise();
ALTER TABLE t ADD d int REFERENCES u;
SQL
	sweep('scopes, stepwise', $failing . $tenants, "CALL cmig.upgrade_scopes('t%', 'head', max_failures => 5)",
		"$back; DROP INDEX IF EXISTS t1.t_b_idx, t2.t_b_idx", $after, $after ? 7 : 11);
}

# If it is canceled again and again, what could not be restored ends the session.
$node->safe_psql('postgres', 'CREATE DATABASE tried TEMPLATE base');
query($node, 'tried', "$failing; $to_one; $as_owner");
my ($ended, $kept) = (0, 0);
for my $place (1 .. 12)
{
	my ($out, $err) = ('', '');

	$node->psql('tried', <<"SQL", stdout => \$out, stderr => \$err, on_error_stop => 0);
SELECT cancel_seen();
CALL cmig.upgrade_stepwise();
$back;
DROP INDEX IF EXISTS t_b_idx;
$state
SELECT cancel_at($place, true, 12);
CALL cmig.upgrade_stepwise();
SELECT cancel_seen();
$state
SQL
	my @states = $out =~ /^(state\|.*\nidle\|.*)$/mg;
	$ended++ if $err =~ /WARNING:  the session ends, because(?s:.*)FATAL:  57P01|FATAL:  terminating/;
	$kept++ if @states == 2 && $states[0] eq $states[1];
	is(query($node, 'tried', $locks), 0, "canceled again and again from place $place: no lock remains");
	query($node, 'tried', "$back; DROP INDEX IF EXISTS t_b_idx");
}
cmp_ok($ended, '>', 0, 'a session that could not be restored has ended');
is($ended + $kept, 12, 'the others were restored') or diag("$ended ended, $kept kept");
query($node, 'postgres', 'DROP DATABASE tried');

# two versions of a table
my $two = revision_file('002', '001', <<'SQL', 'ALTER TABLE t DROP c') =~ s/(-- message)/-- expand: true\n$1/r;
ALTER TABLE t ADD c int NOT NULL;
-- cmig:up t.c = 6 / (b + 1)
CREATE INDEX ON t (c);
SQL
my $expandable = load_sql($one, $two) . $to_one;

sweep('cmig.expand', "$expandable; UPDATE t SET b = -1 WHERE a = 3", 'CALL cmig.expand()', 'CALL cmig.abandon()', 1, 5);
sweep('cmig.expand', $expandable, 'CALL cmig.expand()', 'CALL cmig.abandon()', 0, 43);
sweep('cmig.abandon', $expandable, 'CALL cmig.abandon()', 'CALL cmig.abandon(); CALL cmig.expand()', 0, 19);
sweep('cmig.contract', $expandable, 'CALL cmig.contract()', <<'SQL', 0, 19);
CALL cmig.contract();
SELECT cmig.downgrade('001');
CALL cmig.expand();
SQL
sweep('cmig.expand of scopes', load_sql($one, $two) . $tenants, "CALL cmig.expand(scopes => 't%')",
	"CALL cmig.abandon(scopes => 't%')", 0, 401);

$node->stop;
done_testing();
