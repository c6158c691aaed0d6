# Copyright (c) 2026, the pg_cmig developers

# What the owner of a table does to it between two batches of a backfill is seen before the next batch.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('owner_between', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_own;
CREATE TABLE evil (who name); GRANT INSERT ON evil TO PUBLIC;
GRANT CREATE ON DATABASE postgres TO regress_own;
});

# between(CALL, DONE): the call waits in its second batch for a row; what the owner has done is there in the third
sub between
{
	my ($call, $done) = @_;

	$node->safe_psql('postgres', q{SET client_min_messages = warning; DROP SCHEMA IF EXISTS s, s_1 CASCADE; DELETE FROM cmig.expansion_run; DELETE FROM cmig.backfill_run; DELETE FROM cmig.revision; TRUNCATE evil; SET ROLE regress_own; CREATE SCHEMA s;
		CREATE FUNCTION s.evil() RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.evil VALUES (current_user); RETURN true; END';
		CREATE TABLE s.t (id int PRIMARY KEY, n int); INSERT INTO s.t SELECT g, 1 FROM generate_series(1, 200000) g; RESET ROLE;
		SELECT cmig.create_revision('x', revision => '1', expand => true, upgrade_sql => 'ALTER TABLE s.t ADD m int;
-- cmig:up s.t.m = n * 2
-- cmig:down s.t.n = m / 2
ALTER TABLE s.t DROP n')});
	my $holder = start_psql($node, 'postgres', 'BEGIN; SELECT FROM s.t WHERE id = 25000 FOR UPDATE; SELECT pg_sleep(600)', 'holder');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}) or die 'no lock';
	my $run = start_psql($node, 'postgres', "SET cmig.lock_timeout = 0; $call", 'run');
	wait_until_blocked($node, 'run');
	my $next = start_psql($node, 'postgres', "SET ROLE regress_own; $done", 'next');
	wait_until_blocked($node, 'next');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	finish_psql($_) for ($holder, $next, $run);
	return $run->{err};
}

my $by_key = q{CALL cmig.backfill('s.t', 'n = n + 1', batch_size => 20000)};
my $by_block = q{CALL cmig.backfill('s.t', 'n = 2', 'n = 1', batch_size => 20000)};
my $expand = q{CALL cmig.expand('head')};

foreach my $call ($by_key, $by_block, $expand)
{
	like(between($call, 'CREATE RULE r AS ON UPDATE TO s.t WHERE s.evil() DO INSTEAD NOTHING'),
		qr/ERROR:  0A000: cannot backfill table s\.t, which has rule "r" ON UPDATE\n/, "$call: rule");
	is(query($node, 'postgres', 'SELECT count(*) FROM evil'), '0', "$call: is not evaluated");
	is(query($node, 'postgres', q{SELECT state FROM cmig.backfill_progress WHERE state = 'done'}), '', "$call: and nothing recorded as done");
}
foreach my $call ($by_block, $expand)
{
	like(between($call, 'CREATE RULE r AS ON UPDATE TO s.t WHERE s.evil() DO ALSO INSERT INTO public.evil VALUES (current_user)'),
		qr/ERROR:  0A000: cannot backfill table s\.t, which has rule "r" ON UPDATE\n/, "$call: rule that does something else, too");
	is(query($node, 'postgres', 'SELECT count(*) FROM evil'), '0', "$call: is not evaluated");
}
$node->stop;
done_testing();
