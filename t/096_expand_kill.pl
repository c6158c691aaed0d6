# Copyright (c) 2026, the pg_cmig developers

# Kills the backend of cmig.expand, cmig.contract, and cmig.abandon at random moments,
# with kill -9, or stops the server immediately.  The same CALL, repeated, must end as an undisturbed run: with the same
# schema, rows, version rows, and journal, and nothing left behind.
#
# CMIG_KILL_POINTS is the number of kills, and CMIG_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $points = $ENV{CMIG_KILL_POINTS} || 6;
my $seed = $ENV{CMIG_SEED} // 20260130;
srand($seed);
note("CMIG_SEED=$seed");

my $node = new_node('expand_kill', 'autovacuum = off', 'restart_after_crash = on', 'max_connections = 20', 'max_wal_size = 2GB');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE base');
query($node, 'base', 'CREATE EXTENSION pg_cmig;' . load_sql(
		revision_file('001', '', <<'END_SQL', ''), revision_file('042', '001', <<'END_SQL', '') =~ s/(-- message)/-- expand: true\n$1/r));
CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL, n int NOT NULL DEFAULT 0, s text);
CREATE TABLE item (id int PRIMARY KEY, person int NOT NULL REFERENCES person, note text DEFAULT 'x' UNIQUE);
CREATE INDEX ON person (lower(name));
CREATE VIEW names AS SELECT id, n FROM person;
END_SQL
ALTER TABLE person ADD first text NOT NULL, ADD last text NOT NULL;
-- cmig:up person.first = split_part(name, ' ', 1)
-- cmig:up person.last = split_part(name, ' ', 2)
ALTER TABLE person DROP name;
-- cmig:down person.name = first || ' ' || last
ALTER TABLE item ALTER person TYPE bigint;
ALTER TABLE item RENAME note TO remark;
ALTER TABLE item ALTER remark TYPE varchar(40);
ALTER TABLE item RENAME TO piece;
ALTER TABLE person ADD CONSTRAINT short CHECK (length(first) < 30);
-- cmig:up person.s = coalesce(s, '-')
ALTER TABLE person ALTER s SET NOT NULL;
CREATE INDEX ON person (last, lower(first));
CREATE TABLE fresh (id int PRIMARY KEY, t text);
END_SQL
query($node, 'base', <<'END_SQL');
SELECT cmig.upgrade('001');
INSERT INTO person (name, s) SELECT 'A' || g || ' B' || g, nullif(g % 3, 0) FROM generate_series(1, 6000) g;
INSERT INTO item SELECT g, g, 'n' || g FROM generate_series(1, 3000) g;
END_SQL

sub dump_of
{
	my ($db, @more) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'pg_dump', '-d', $node->connstr($db), @more ], '>', \$out, '2>', \$err) or die $err;
	return $out =~ s/^\\(un)?restrict .*\n//gmr;
}

# Everything that must be the same; the backfill may have moved rows.
sub state_of
{
	my ($db, @tables) = @_;

	return join "\n", dump_of($db, '--schema-only', '--exclude-schema=cmig'),
	  map { query($node, $db, $_) } (map { "SELECT '$_', count(*), md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM $_ t" } @tables),
	  'SELECT * FROM cmig.version', "SELECT revision, direction, outcome, message FROM cmig.journal WHERE direction = 'upgrade' ORDER BY id",
	  'SELECT count(*) FROM cmig.expansion_run', 'SELECT count(*) FROM cmig.expansion_step', 'SELECT object FROM cmig.drift()';
}

sub expanded_state
{
	my ($db) = @_;

	return dump_of($db, '--schema-only', '--exclude-schema=cmig') . join "\n", map { query($node, $db, $_) }
	  'SELECT md5(string_agg(t::text, E\'\n\' ORDER BY id)) FROM public_042.person t', 'SELECT md5(string_agg(t::text, E\'\n\' ORDER BY id)) FROM public_042.piece t',
	  'SELECT relation, old_column, new_column, rows_left, rows_failed, failure, state FROM cmig.expansion() ORDER BY 1, 2, 3',
	  'SELECT phase, count(*), bool_and(done) FROM cmig.expansion_step GROUP BY 1 ORDER BY 1';
}

sub tables_of { return $_[0] eq 'contract' ? qw(person piece fresh) : qw(person item) }

# undisturbed runs, and how long each takes
my (%longest, %good);
foreach my $end (qw(contract abandon))
{
	$node->safe_psql('postgres', "CREATE DATABASE plain_$end TEMPLATE base");
	foreach my $call ('expand', $end)
	{
		my $start = time();

		query($node, "plain_$end", "CALL cmig.$call()");
		$longest{$call} = time() - $start;
		$good{expand} = expanded_state("plain_$end") if $call eq 'expand';
	}
	$good{$end} = state_of("plain_$end", tables_of($end));
}
is($good{abandon}, state_of('base', tables_of('abandon')), 'undisturbed: abandoned as before') or BAIL_OUT('abandon');

my ($kills, $round, %count) = (0, 0);

sub crash
{
	my ($pid, $what) = @_;

	if (rand() < 0.3)
	{
		$node->stop('immediate');
		$node->start;
		$what .= ' (server)';
	}
	else
	{
		kill_backend($pid);
	}
	$kills++;
	$count{$what}++;
	return;
}

# Repeats the CALL until it succeeds; kills it while kills are left for it.
sub call_killed
{
	my ($db, $procedure, $most) = @_;

	foreach (1 .. $most)
	{
		my $run = start_psql($node, $db, "CALL cmig.$procedure();");
		my $until = time() + 1;
		my $pid;

		# from here on, the CALL is running
		while (!$pid && time() < $until)
		{
			($pid) = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'run' AND query ~ '^CALL'") =~ /(\d+)/;
		}
		if ($pid)
		{
			usleep(1e6 * rand($longest{$procedure} * 1.1));
			crash($pid, $procedure) if kill 0, $pid;
		}
		my $status = eval { finish_psql($run) };
		wait_for_recovery($node);
		return if defined $status && $status == 0;
	}
	my ($ret, $out, $err) = $node->psql($db, "CALL cmig.$procedure()");
	return if $ret == 0 || $err =~ /no revision is expanded/;
	fail("round $round, seed $seed: $procedure") or diag($err);
}

while ($kills < $points && $round < 3 * $points + 3)
{
	my $db = 'killed_' . ++$round;
	my $end = $round % 2 ? 'contract' : 'abandon';
	# sometimes what is half expanded is abandoned
	my $half = $end eq 'abandon' && rand() < 0.5;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE base");
	if ($half)
	{
		my $run = start_psql($node, $db, 'CALL cmig.expand();');

		usleep(1e6 * rand $longest{expand});
		my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'run'");
		crash($pid, 'expand, then abandon') if $pid;
		eval { finish_psql($run) };
		wait_for_recovery($node);
	}
	else
	{
		call_killed($db, 'expand', 3);
		is(expanded_state($db), $good{expand}, "round $round: expanded");
	}
	call_killed($db, $end, 2);
	is(state_of($db, tables_of($end)), $good{$end}, "round $round: as after an undisturbed $end");
	$node->safe_psql('postgres', "DROP DATABASE $db");
}
note("$kills kills in $round rounds: ", join ', ', map { "$count{$_} $_" } sort keys %count);
$node->stop;
done_testing();
