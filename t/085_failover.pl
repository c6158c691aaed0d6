# Copyright (c) 2026, the pg_cmig developers

# Tests that the same CALL continues on the promoted standby if the primary is lost in
# the middle of a stepwise run, in each kind of step.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# nontransactional(ID, PARENT, SCRIPT): returns the file of a nontransactional revision
sub nontransactional
{
	my $file = revision_file(@_);

	$file =~ s/^-- create_date/-- transactional: false\n$&/m;
	return $file;
}

# each case: a description, the statement that is running when the primary is lost, the
# mode of another session's lock for which it waits, and a query that must be true after
# the run
my @cases = (
	[ 'a backfill', "CALL cmig.backfill('item', 'n = n + 1', batch_size => 100)", 'EXCLUSIVE', 'SELECT min(n) = 1 AND max(n) = 1 AND count(*) = 1000 FROM item' ],
	[ 'an index build', 'CREATE INDEX CONCURRENTLY item_name ON item (name)', 'ROW EXCLUSIVE', "SELECT count(*) = 1 FROM pg_index WHERE indexrelid = 'item_name'::regclass AND indisvalid" ],
	[ 'cmig.add_check', "CALL cmig.add_check('item', 'positive', 'n >= 0')", 'SHARE UPDATE EXCLUSIVE', "SELECT convalidated FROM pg_constraint WHERE conname = 'positive'" ],
	[ 'ALTER TABLE', 'ALTER TABLE item ADD COLUMN extra int', 'ACCESS SHARE', "SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname = 'extra'" ],
);

my $primary = new_node('primary0');
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION pg_cmig; CREATE TABLE item (id int PRIMARY KEY, name text, n int DEFAULT 0); INSERT INTO item SELECT i, i::text FROM generate_series(1, 1000) i');

my $parent = '';
my $i = 0;
foreach my $case (@cases)
{
	my ($what, $statement, $lock, $check) = @$case;
	my $revision = 'r' . ++$i;

	$primary->backup("base$i");
	my $standby = PostgreSQL::Test::Cluster->new("standby$i");
	$standby->init_from_backup($primary, "base$i", has_streaming => 1);
	$standby->start;
	$primary->safe_psql('postgres', load_sql(nontransactional($revision, $parent, "INSERT INTO item_log VALUES ('$revision');\n$statement;\nINSERT INTO item_log VALUES ('$revision end');")));
	$primary->safe_psql('postgres', 'CREATE TABLE IF NOT EXISTS item_log (entry text)');

	my $blocker = start_psql($primary, 'postgres', "BEGIN; LOCK TABLE item IN $lock MODE; SELECT pg_sleep(600)", 'blocker');
	$primary->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE application_name = 'blocker' AND relation = 'item'::regclass AND granted");
	my $run = start_psql($primary, 'postgres', 'CALL cmig.upgrade_stepwise()');
	ok($primary->poll_query_until('postgres', "SELECT count(*) > 0 FROM item_log WHERE entry = '$revision'"), "$what: the first statement is committed");
	$primary->wait_for_catchup($standby);

	$primary->stop('immediate');
	isnt(finish_psql($run), 0, "$what: the run ends with the primary");
	eval { finish_psql($blocker) };
	$standby->promote;
	$standby->safe_psql('postgres', 'CALL cmig.upgrade_stepwise()');
	is($standby->safe_psql('postgres', $check), 't', "$what: the new primary continues to the end");
	is($standby->safe_psql('postgres', "SELECT string_agg(entry, ',') FROM item_log WHERE entry LIKE '$revision%'"), "$revision,$revision end", 'each statement was run once');
	is($standby->safe_psql('postgres', 'SELECT revision FROM cmig.version'), $revision, 'and the revision is recorded');
	$parent = $revision;
	$primary = $standby;
}
$primary->stop;
done_testing();
