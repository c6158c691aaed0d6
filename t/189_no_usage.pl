# Copyright (c) 2026, the pg_cmig developers

# Tests that roles of a level read the state of tables in schemas on which they have no USAGE: another role's
# interrupted backfill, or expansion, there must not keep them from reading what else there is.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('no_usage', 'autovacuum = off');

$node->start;
$node->safe_psql('postgres', $_) for 'CREATE EXTENSION pg_cmig', q{
CREATE ROLE own; CREATE ROLE other; CREATE ROLE reads LOGIN; CREATE ROLE moves LOGIN;
SELECT cmig.grant_access('reads', 'reader'), cmig.grant_access('moves', 'migrator');
CREATE SCHEMA s AUTHORIZATION own; CREATE SCHEMA o AUTHORIZATION moves;
CREATE TABLE s.t (id int PRIMARY KEY, n int); INSERT INTO s.t VALUES (1, 0); ALTER TABLE s.t OWNER TO own;
CREATE TABLE s.w (id int PRIMARY KEY, n int CHECK (n < 5)); INSERT INTO s.w VALUES (1, 0), (2, 4);
CREATE TABLE o.t (id int PRIMARY KEY, n int); ALTER TABLE o.t OWNER TO moves};

# everyone_reads(NAME): calls what shows the state
sub everyone_reads
{
	my ($name) = @_;

	foreach my $role ('reads', 'moves')
	{
		foreach my $call ('TABLE cmig.backfill_progress', 'TABLE cmig.metrics', map { "SELECT * FROM cmig.$_" } 'status()', 'check()', 'preflight()', 'expansion()', 'report()', 'lint()', q{schema_sql('o')},
			$role eq 'moves' ? q{diff('CREATE TABLE o.t (id int)', schemas => '{o}')} : ())
		{
			my ($status, undef, $err) = $node->psql('postgres', "SET client_min_messages = error; $call", extra_params => [ '-U', $role ]);

			is("$status $err", '0 ', "$name, $role: $call");
		}
	}
	return;
}

# a backfill that was interrupted, while another one waits for a row
isnt($node->psql('postgres', q{CALL cmig.backfill('s.w', 'n = n + 1', batch_size => 1)}), 0, 'interrupted');
my $holder = start_psql($node, 'postgres', 'BEGIN; UPDATE s.t SET n = 1; SELECT pg_sleep(600)', 'holder');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}) or die 'no row';
my $backfill = start_psql($node, 'postgres', q{CALL cmig.backfill('s.t', 'n = n + 1')}, 'backfill');
wait_until_blocked($node, 'backfill');
my $states = q{SELECT string_agg(concat_ws(' ', target, state), ', ' ORDER BY id) FROM cmig.backfill_progress};
is($node->safe_psql('postgres', $states, extra_params => [ '-U', 'reads' ]), 's.w interrupted, s.t running', 'a reader sees which one runs');
everyone_reads('backfills');
$node->safe_psql('postgres', 'ALTER SCHEMA s RENAME TO z; ALTER TABLE z.w RENAME TO "w "');
is($node->safe_psql('postgres', $states), 's.w interrupted, s.t running', 'also if the names have changed');
$node->safe_psql('postgres', 'ALTER SCHEMA z RENAME TO s');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
finish_psql($_) for ($holder, $backfill);
# the level "owner" can write any text
$node->safe_psql('postgres', q{UPDATE cmig.backfill_run SET target = 'no name' WHERE state = 'running'});
everyone_reads('not a name');

# the owner of another schema expands a table there
query($node, 'postgres', q{SELECT cmig.create_revision('o', 'ALTER TABLE o.t ALTER COLUMN n TYPE bigint', revision => '000', expand => true)});
$node->safe_psql('postgres', 'GRANT CREATE ON DATABASE postgres TO moves');
foreach my $call ('expand', 'abandon', 'expand', 'contract')
{
	my ($status, undef, $err) = $node->psql('postgres', "SET client_min_messages = error; CALL cmig.$call()", extra_params => [ '-U', 'moves' ]);

	is("$status $err", '0 ', "$call in a schema of one's own");
}

# a table of one's own, with columns of types there, which are compared with others
$node->safe_psql('postgres', q{CREATE DOMAIN s."Mail [](1)" AS text; CREATE TYPE s.mood AS ENUM ('ok');
CREATE TABLE o.w (m s."Mail [](1)"); CREATE TABLE o.x (n s.mood); INSERT INTO o.w VALUES (1); INSERT INTO o.x VALUES ('ok'); ALTER TABLE o.w OWNER TO moves; ALTER TABLE o.x OWNER TO moves});
my ($status, $out, $err) = $node->psql('postgres', q{SET client_min_messages = error; SELECT object, hazard FROM
	cmig.diff('CREATE TABLE o.w (m text); CREATE TABLE o.x (n text)', schemas => '{o}') WHERE hazard IS NOT NULL AND object ~ '^o.[wx]'}, extra_params => [ '-U', 'moves' ]);
is("$status $err", '0 ', 'types are compared');
like($out, qr/^o\.x\.n\|table rewrite[^\n]*$/, 'and which change rewrites its table');

# such a table is expanded only with the privilege, which its copy needs
$node->safe_psql('postgres', q{DROP TABLE o.w, o.x; CREATE SCHEMA lib; CREATE DOMAIN lib.id AS int; CREATE TYPE lib.mood AS ENUM ('ok');
CREATE SCHEMA v AUTHORIZATION moves; GRANT USAGE ON SCHEMA lib TO moves});
$node->safe_psql('postgres', q{CREATE TABLE v.typed (id lib.id PRIMARY KEY, n int); CREATE TABLE v.moods (m lib.mood[], n int); CREATE TABLE v.other (n int)}, extra_params => [ '-U', 'moves' ]);
$node->safe_psql('postgres', 'REVOKE USAGE ON SCHEMA lib FROM moves');
foreach my $table ('moods', 'typed')
{
	my @moves = (extra_params => [ '-U', 'moves' ]);

	query($node, 'postgres', qq{SELECT cmig.create_revision('v', 'ALTER TABLE v.$table ALTER COLUMN n TYPE bigint', revision => '000_$table', expand => true)});
	($status, $out, $err) = $node->psql('postgres', 'CALL cmig.expand()', @moves);
	like($err, qr/cannot be tried on copies of the live objects\nDETAIL: .*\ntable v.$table: permission denied for schema lib\n.*HINT:  GRANT USAGE ON SCHEMA lib TO moves\n/s, "$table: what is missing");
	my ($grant) = $err =~ /HINT:  (.*)/;
	$node->safe_psql('postgres', $grant);
	is($node->psql('postgres', $_, @moves), 0, "$table: $_") for 'CALL cmig.expand()', 'CALL cmig.contract()';
	$node->safe_psql('postgres', 'REVOKE USAGE ON SCHEMA lib FROM moves');
}
query($node, 'postgres', q{SELECT cmig.create_revision('v', 'ALTER TABLE v.other ALTER COLUMN n TYPE bigint', revision => '000_other', expand => true)});
is($node->psql('postgres', $_, extra_params => [ '-U', 'moves' ]), 0, "another table: $_") for 'CALL cmig.expand()', 'CALL cmig.contract()';

# a table that is expanded
query($node, 'postgres', q{SELECT cmig.create_revision('m', 'ALTER TABLE s.t RENAME COLUMN n TO m', revision => '001', expand => true)});
$node->safe_psql('postgres', 'CALL cmig.expand()');
everyone_reads('expanded');
$node->safe_psql('postgres', 'CALL cmig.contract()');

$node->stop;
done_testing();
