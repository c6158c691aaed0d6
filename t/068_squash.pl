# Copyright (c) 2026, the pg_cmig developers

# Squashes ranges of the example chains and of random graphs.  A new database, one in
# which the whole range is applied, and one in which a part of it is applied must end
# with the same schema and the same version rows.  CMIG_SEED is the seed, and
# CMIG_ROUNDS is the number of graphs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{CMIG_SEED} // 1;
my $rounds = $ENV{CMIG_ROUNDS} // 12;
srand($seed);

my $node = new_node('squash', 'max_locks_per_transaction = 256');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE mindbridge_maintenance; CREATE ROLE mnfst_maintenance; CREATE ROLE mnfst_app; CREATE ROLE owner LOGIN');

my $next = 0;
sub new_db
{
	my $db = 'db' . ++$next;

	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER owner");
	query($node, $db, 'CREATE EXTENSION pg_cmig', 'owner');
	return $db;
}

# Returns the schema, without objects that contain ids and without the order of columns,
# which differs if a column was dropped and added again.
sub dump_of
{
	my ($db) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-N', 'cmig', '-N', 'cmig_audit', '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err)
	  or die $err;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	$dump =~ s{^(CREATE TABLE [^\n]*\()\n(.*?)^(\).*?;)}{"$1\n" . join('', sort map { s/,$//r . "\n" } split /\n/, $2) . $3}msge;
	$dump =~ s/^-- Name: (?:EXTENSION|COMMENT).*\n//mg;
	return join "\n\n", sort split /\n\n+/, $dump;
}

sub rows_of
{
	my ($db) = @_;

	return query($node, $db, 'SELECT string_agg(revision, $$ $$ ORDER BY revision) FROM cmig.version');
}

sub upgrade
{
	my ($db, $target) = @_;

	query($node, $db, "SET cmig.concurrent_ddl = off; SELECT count(*) FROM cmig.upgrade('$target')", 'owner');
}

# resolved(FILE): returns the file without the unresolved statements that change rows,
# because the tables are empty.  Calls of pg_cmig's functions remain if their effect is
# not visible in a schema.
sub resolved
{
	my ($file) = @_;

	return $file =~ s/\n-- cmig:resolve\n-- [^\n]*\n.*?;\n(?=\n-- cmig:(?:resolve|downgrade)\n)//gsr;
}

# check(NAME, FILES, RANGE, TARGETS, PARTS): tests one range.  For each revision in
# PARTS, there is a database in which the range is applied up to this revision.
sub check
{
	my ($name, $files, $range, @parts) = @_;
	my $old = new_db();

	query($node, $old, load_sql($files), 'owner');
	upgrade($old, 'heads');
	my $wanted = dump_of($old);
	my ($file, $err);
	my $status = $node->psql($old, "SELECT content FROM cmig.squash('$range', 'Squashed', 'squashed')", stdout => \$file, stderr => \$err,
		extra_params => [ '-U', 'owner' ]);
	if ($status != 0)
	{
		# a range that a single revision cannot replace
		like($err, qr/ERROR: .*(?:ends with several|inside the range|fewer than two|not an ancestor)/, "$name: refused");
		return 0;
	}
	$file = resolved($file);

	query($node, $old, load_sql($file), 'owner');
	is(query($node, $old, "SELECT string_agg(revision, ' ') FROM cmig.plan('upgrade', 'heads')"), '', "$name: nothing to run where all are applied");
	is(dump_of($old), $wanted, "$name: and nothing was run");
	my $rows = rows_of($old);

	my $new = new_db();
	query($node, $new, load_sql($files, $file), 'owner');
	upgrade($new, 'heads');
	is(dump_of($new), $wanted, "$name: a new database has the same schema");
	is(rows_of($new), $rows, "$name: and version rows");
	is(query($node, $new, "SELECT count(*) FROM cmig.journal j, cmig.revision s WHERE s.revision = 'squashed' AND j.revision = ANY (s.replaces)"),
		0, "$name: none of those replaced has run");
	query($node, $new, "SET cmig.concurrent_ddl = off; SELECT cmig.downgrade('base')", 'owner');
	is(dump_of($new), dump_of(new_db()), "$name: and goes back to base") if $files !~ /enable_audit|EXTENSION/;

	foreach my $part (@parts)
	{
		my $db = new_db();

		query($node, $db, load_sql($files), 'owner');
		upgrade($db, $part);
		query($node, $db, load_sql($file), 'owner');
		upgrade($db, 'heads');
		is(dump_of($db), $wanted, "$name: a database at $part has the same schema");
		is(rows_of($db), $rows, "$name: and version rows");
	}

	# after that, the old files are not needed
	query($node, $old, 'SELECT * FROM cmig.load((SELECT string_agg(content, $$$$) FROM cmig.export() WHERE content !~ ($$-- revision: ($$ ||'
		. " (SELECT array_to_string(replaces, '|') FROM cmig.revision WHERE revision = 'squashed') || E')\\n')), prune => true)", 'owner');
	is(rows_of($old), $rows, "$name: the old files are gone");
	is(query($node, $old, "SELECT count(*) FROM cmig.check() WHERE severity = 'error'"), '0', "$name: nothing is wrong");
	return 1;
}

# The chains
foreach my $chain (qw(conjoinai contextiq mindbridge second_brain mnfst_rag))
{
	my $files = join '', map { slurp_file($_) } chain_files($chain);
	my $db = new_db();

	query($node, $db, load_sql($files), 'owner');
	my @ids = split /\n/, query($node, $db, "SELECT revision FROM cmig.plan('upgrade', 'heads') ORDER BY step");
	my $last = 1 + int rand @ids - 1;
	my $first = int rand $last;

	check("$chain, all", $files, 'base:heads', $ids[ int rand $#ids ]);
	check("$chain, $ids[$first]:$ids[$last]", $files, "$ids[$first]:$ids[$last]", $ids[$first]);
}

# Random graphs, in which each revision creates a table and changes the table of a
# parent
my $squashed = 0;
foreach my $round (1 .. $rounds)
{
	my (@parents, $files);
	my $count = 4 + int rand 6;

	foreach my $i (0 .. $count - 1)
	{
		my @below = $i == 0 ? () : rand() < 0.6 ? ($i - 1) : (int rand $i);
		push @below, grep { $_ != $below[0] } int rand $i if $i > 2 && rand() < 0.25;
		# a parent must not be an ancestor of another parent
		my %above;
		foreach my $parent (@below)
		{
			my @walk = @{ $parents[$parent] };
			while (@walk) { my $n = shift @walk; next if $above{$n}++; push @walk, @{ $parents[$n] } }
		}
		@below = grep { !$above{$_} } @below;
		push @parents, \@below;
		my @alter = map { ("ALTER TABLE t$_ ADD c$i int;", "ALTER TABLE t$_ DROP c$i;") } @below;
		$files .= revision_file("r$i", join(', ', map { "r$_" } @below),
			join("\n", "CREATE TABLE t$i (id int PRIMARY KEY);", grep { / ADD / } @alter),
			join("\n", (grep { / DROP / } @alter), "DROP TABLE t$i;"));
	}
	my $first = int rand $count - 1;
	my $last = $first + 1 + int rand $count - $first - 1;
	my $graph = join ' ', map { "r$_(" . join(',', @{ $parents[$_] }) . ')' } 0 .. $count - 1;
	note($graph);
	$squashed += check("seed $seed, round $round, r$first:r$last", $files, "r$first:r$last", "r$first", 'r' . int rand $count);
}
cmp_ok($squashed, '>', 0, 'some of the random ranges could be squashed');

$node->stop;
done_testing();
