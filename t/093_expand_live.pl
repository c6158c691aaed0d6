# Copyright (c) 2026, the pg_cmig developers

# Tests that cmig.expand and cmig.contract continue after kill -9 at any time, that only
# one of them runs at a time, and that pgbench has no errors through either version
# during cmig.expand, cmig.contract, and cmig.abandon.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $kills = $ENV{CMIG_KILLS} // 12;
my $node = new_node('expand_live', 'autovacuum = off', 'restart_after_crash = on', 'max_connections = 40', "cmig.lock_timeout = '200ms'");
$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
SELECT FROM cmig.load($c$
-- revision: 001
-- message: start
-- cmig:upgrade
CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL, n int NOT NULL DEFAULT 0);
CREATE TABLE item (id int PRIMARY KEY, person int NOT NULL REFERENCES person);
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- message: change
-- expand: true
-- cmig:upgrade
ALTER TABLE person ADD first_name text NOT NULL;
-- cmig:up person.first_name = split_part(name, ' ', 1)
ALTER TABLE person ADD last_name text NOT NULL;
-- cmig:up person.last_name = split_part(name, ' ', 2)
ALTER TABLE person DROP name;
-- cmig:down person.name = first_name || ' ' || last_name
ALTER TABLE person ALTER id TYPE bigint;
ALTER TABLE item ALTER person TYPE bigint;
ALTER TABLE person ADD CHECK (length(first_name) < 50);
CREATE INDEX ON person (last_name, first_name);
-- cmig:downgrade
$c$);
SELECT FROM cmig.upgrade('001');
INSERT INTO person (name) SELECT 'A' || g || ' B' || g FROM generate_series(1, 20000) g;
INSERT INTO item SELECT g, g FROM generate_series(1, 5000) g;
END_SQL

sub sql { return $node->safe_psql('postgres', $_[0]) }
sub state { return sql('SELECT state FROM cmig.expansion_run') }

# Calls the procedure, and kills it after a random time, until it succeeds or there were
# enough kills; then calls it once more.
sub call_with_kills
{
	my ($call, $most, $longest) = @_;

	foreach (1 .. $most)
	{
		my $run = start_psql($node, 'postgres', $call);
		my $wait = rand $longest;

		select undef, undef, undef, $wait;
		my ($pid) = sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'run'}) =~ /(\d+)/;
		kill_backend($pid) if defined $pid;
		finish_psql($run);
		wait_for_recovery($node) if defined $pid;
	}
	my ($ret, $out, $err) = $node->psql('postgres', $call);
	return $err;
}

sub consistent
{
	my ($what) = @_;

	is(sql(q{SELECT count(*) FROM person WHERE name <> cmig_new_first_name || ' ' || cmig_new_last_name OR id <> cmig_new_id OR cmig_state IS NOT NULL
		OR cmig_new_id IS NULL OR cmig_new_first_name IS NULL}), '0', "$what: both versions are the same");
}

my $before = sql('SELECT count(*), min(name), max(name) FROM person');

# kills, then abandoned, also with kills
like(call_with_kills('CALL cmig.expand()', $kills, 1.5), qr/is expanded|already expanded/, 'expanded after kills');
consistent('expanded after kills');
like(call_with_kills('CALL cmig.abandon()', 2, 0.3), qr/is abandoned|no revision is expanded/, 'abandoned after kills');
is(sql('SELECT count(*), min(name), max(name) FROM person'), $before, 'the rows are as before');
is(sql('SELECT count(*) FROM cmig.drift()'), '0', 'the schema is as before');
is(sql(q{SELECT count(*) FROM cmig.backfill_run WHERE state <> 'done'}), '0', 'no backfill is unfinished');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname ~ 'cmig_(new|state)' AND relnamespace = 'public'::regnamespace}), '0', 'nothing is left');

# two at once: the second one waits, or is refused
my $run = start_psql($node, 'postgres', 'CALL cmig.expand()');
my ($ret, $out, $err) = $node->psql('postgres', 'CALL cmig.expand()');
my $status = finish_psql($run);
like($err, qr/already expanded|is expanded|in progress/, 'a second CALL');
ok($status == 0 || $run->{err} =~ /in progress/, 'the first CALL') or diag($run->{err});
is(state(), 'expanded', 'one of them has done it');
fails_with($node, 'postgres', "SELECT cmig.baseline('start')", '55000', 'HINT:  ', 'no baseline of both versions');
consistent('two at once');
sql('CALL cmig.abandon()');

# pgbench through both versions
my $folder = PostgreSQL::Test::Utils::tempdir();
my %scripts = (
	old => q{\set id random(1, 20000)
UPDATE person SET name = 'Old' || :id || ' Last' || :id, n = n + 1 WHERE id = :id;
INSERT INTO person (name) VALUES ('New' || :id || ' Old');
SELECT name FROM person WHERE id = :id;
},
	new => q{\set id random(1, 20000)
UPDATE person SET first_name = 'new' || :id, n = n + 1 WHERE id = :id;
INSERT INTO person (first_name, last_name) VALUES ('new' || :id, 'bynew');
SELECT * FROM person WHERE id = :id;
});
append_to_file("$folder/$_.sql", $scripts{$_}) foreach keys %scripts;

sub pgbench
{
	my ($version, $protocol) = @_;
	my $session = { out => '' };
	local $ENV{PGOPTIONS} = $version eq 'new' ? '-c search_path=public_042,public' : '';

	$session->{handle} = IPC::Run::start([ 'pgbench', '-n', '-c', 2, '-T', 300, '-R', 200, '-M', $protocol, '-f', "$folder/$version.sql", '-d', $node->connstr('postgres') ],
		'<', \undef, '>&', \$session->{out}, IPC::Run::timeout(2 * $PostgreSQL::Test::Utils::timeout_default));
	return $session;
}

sub stop_pgbench
{
	my ($what, @sessions) = @_;

	foreach my $session (@sessions)
	{
		$session->{handle}->pump_nb;
		$session->{handle}->signal('INT');
		IPC::Run::finish($session->{handle});
		unlike($session->{out}, qr/ERROR|FATAL|aborted/, $what) or diag($session->{out});
	}
}

my @old = map { pgbench('old', $_) } qw(simple prepared);
sql('SELECT pg_sleep(1)');
sql('CALL cmig.expand()');
sql('SELECT pg_sleep(1)');
consistent('while the old build writes');
my @new = map { pgbench('new', $_) } qw(simple prepared);
sql('SELECT pg_sleep(3)');
stop_pgbench('the new build while both write', @new);
consistent('while both builds write');
sql('CALL cmig.abandon()');
sql('SELECT pg_sleep(1)');
sql('CALL cmig.expand()');
sql('SELECT pg_sleep(1)');
stop_pgbench('the old build during expand, abandon, and expand', @old);
@new = map { pgbench('new', $_) } qw(simple prepared);
sql('SELECT pg_sleep(1)');
consistent('before the contraction');
sql('CALL cmig.contract()');
sql('SELECT pg_sleep(1)');
stop_pgbench('the new build during contract', @new);
is(sql('SELECT count(*) FROM cmig.drift()'), '0', 'the schema is that of an upgrade');
is(sql(q{SELECT count(*) FROM person WHERE first_name = '' OR last_name = ''}), '0', 'the rows are complete');

done_testing();
