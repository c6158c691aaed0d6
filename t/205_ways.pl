# Copyright (c) 2026, the pg_cmig developers

# All ways to the same revision end in the same schema.  cmig.autogenerate writes a chain of
# revisions for random schemas.  Then databases get them at once, in stepwise runs, up and down
# in random steps, as a script without pg_cmig, squashed, and with the last of them expanded.
# Also, what it leads to is what the target was, and a downgrade leads back.
#
# CMIG_ROUNDS is the number of chains, and CMIG_SEED is the seed of the first one.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemaGenerator;
use Test::More;

my $rounds = $ENV{CMIG_ROUNDS} || 5;
my $seed = $ENV{CMIG_SEED} // 20261129;
note("CMIG_SEED=$seed");

my $node = new_node('ways', 'client_min_messages = warning', 'fsync = off');
$node->start;
$node->safe_psql('postgres', qq{CREATE ROLE $_}) foreach 'regress_diff_a', 'regress_diff_b', '"regress diff ""c"""';

# try_sql(DATABASE, SQL): returns (error or '', output)
sub try_sql
{
	my ($db, $sql) = @_;
	my ($out, $err);
	my $status = $node->psql($db, $sql, stdout => \$out, stderr => \$err, on_error_stop => 1);

	return $status == 0 ? ('', $out) : ($err || "status $status", $out);
}

# in_db(DATABASE, SQL): returns the output, which must not fail
sub in_db
{
	my ($error, $out) = try_sql(@_);

	die "$_[1]\n$error" if $error ne '';
	return $out;
}

my $tag = '$schema$';
my $number = 0;
my $of_all = "ARRAY(SELECT n.nspname::text FROM pg_namespace n WHERE n.nspname !~ '^(pg_|information_schema|cmig)')";

# schema_of(DATABASE): the SQL of its schema; differences(DATABASE, SQL): what differs from it
sub schema_of { return in_db($_[0], "SELECT cmig.schema_sql(schemas => $of_all, owners => true)") }

sub differences
{
	my ($db, $schema) = @_;

	return in_db($db, "SELECT string_agg(upgrade_sql, '; ') FROM cmig.diff($tag$schema$tag, owners => true)");
}

sub empty_database
{
	my $db = 'w' . ++$number;

	in_db('postgres', "DROP DATABASE IF EXISTS w" . ($number - 1));
	new_database($node, $db);
	return $db;
}

# revisions_of(TARGET...): loads what leads from each schema to the next into the database "chain", and
# returns the schemas, and the revisions as SQL
sub revisions_of
{
	my @schemas;

	in_db('postgres', 'DROP DATABASE IF EXISTS chain');
	new_database($node, 'chain');
	push @schemas, schema_of('chain');
	foreach my $target (@_)
	{
		my $new = in_db('chain',
			"SELECT revision FROM cmig.autogenerate('next', $tag$target$tag, owners => true, store => true)");

		next if $new eq '';
		in_db('chain', q{SELECT cmig.upgrade('head')});
		push @schemas, schema_of('chain');
	}
	return (rows_of('chain'), @schemas);
}

# rows_of(DATABASE): the SQL that inserts its revisions elsewhere
sub rows_of
{
	return in_db($_[0], "SELECT format('INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql)"
		  . q{ VALUES (%L, %L, %L, %L);', revision, down_revision, upgrade_sql, downgrade_sql) FROM cmig.revision});
}

# Each way takes a database with the revisions, and the schemas after each of them; it returns the schema that
# there must be, or nothing if it is not possible.
my %ways = (
	'at once' => sub { in_db($_[0], q{SELECT cmig.upgrade('head')}); return $_[-1] },
	'stepwise' => sub { in_db($_[0], q{CALL cmig.upgrade_stepwise('head')}); return $_[-1] },
	'there and back' => sub {
		in_db($_[0], q{CALL cmig.upgrade_stepwise('head'); CALL cmig.downgrade_stepwise('base')});
		return $_[1];
	},
	'in random steps' => sub {
		my ($db, @schemas) = @_;
		my $at = 0;

		foreach my $to ((map { int(rand(@schemas)) } 1 .. 4), $#schemas)
		{
			next if $to == $at;
			in_db($db, $to > $at ? sprintf(q{SELECT cmig.upgrade('+%d')}, $to - $at) :
				  sprintf(q{SELECT cmig.downgrade('-%d')}, $at - $to));
			my $rest = differences($db, $schemas[$to]);
			return "-- from $at to $to: $rest" if $rest ne '';
			$at = $to;
		}
		return $schemas[$at];
	},
	'by a script' => sub {
		my ($db, @schemas) = @_;
		my $script = in_db($db, q{SELECT cmig.script('upgrade', 'head')});
		my $rows = rows_of($db);

		in_db($db, 'DROP EXTENSION pg_cmig CASCADE');
		in_db($db, $script);
		in_db($db, "DROP TABLE public.cmig_version; CREATE EXTENSION pg_cmig; $rows SELECT cmig.stamp('head')");
		return in_db($db, 'SELECT count(*) FROM cmig.drift()') eq '0' ? $schemas[-1] : '-- drift';
	},
	'squashed' => sub {
		my ($db, @schemas) = @_;
		my ($first) = in_db($db, 'SELECT revision FROM cmig.revision WHERE down_revision = $${}$$');
		return if @schemas < 3;
		my ($error) = try_sql($db,
			"WITH s AS (SELECT content FROM cmig.squash('$first:head', 'all', owners => true))"
			  . " SELECT cmig.load(content) FROM s; SELECT cmig.upgrade('head')");

		# who reads the file decides about statements that change rows, and owners may have lost what these need
		return if $error =~ /unresolved statement|permission denied/;
		return $error eq '' ? $schemas[-1] : "-- $error";
	},
	'round_trip' => sub {
		my $found = in_db($_[0],
			q{SELECT string_agg(concat_ws(' ', revision, problem, kind, object), '; ') FROM cmig.round_trip()});

		return $found eq '' ? $_[1] : "-- $found";
	},
	map {
		my $end = $_;
		"expanded and $end" => sub {
			my ($db, @schemas) = @_;

			in_db($db, q{UPDATE cmig.revision h SET expand = 'true'
				WHERE NOT EXISTS (SELECT FROM cmig.revision r WHERE h.revision = ANY (r.down_revision))});
			in_db($db, q{SELECT cmig.upgrade('+} . ($#schemas - 1) . q{')}) if $#schemas > 1;
			my ($refused) = try_sql($db, 'CALL cmig.expand()');
			return if $refused ne '';
			in_db($db, $end eq 'contracted' ? 'CALL cmig.contract()' : 'CALL cmig.abandon()');
			return '-- rows of cmig.expansion' if in_db($db, 'SELECT count(*) FROM cmig.expansion()') ne '0';
			return $schemas[ $end eq 'contracted' ? -1 : -2 ];
		}
	} 'contracted', 'abandoned');

my %done;
foreach my $this ($seed .. $seed + $rounds - 1)
{
	my @kinds = qw(table table key index check foreign_key view function trigger sequence enum);

	# the others are rarely expanded
	push @kinds, qw(matview domain policy composite rule statistics) if $this % 2;
	my @targets =
	  (SchemaGenerator::chain($this, 4, kinds => \@kinds, size => 12, changes => $this % 2 ? 4 : 2))[ 0 .. 3 ];
	my ($rows, @schemas) = revisions_of(@targets);
	next if @schemas < 2;
	foreach my $way (sort keys %ways)
	{
		my $db = empty_database();

		in_db($db, $rows);
		my $wanted = eval { $ways{$way}->($db, @schemas) } // ($@ ne '' ? "-- $@" : next);
		$done{$way}++;
		is($wanted =~ /^-- / ? $wanted : differences($db, $wanted), '', "seed $this, $way");
	}
}
is(join(', ', grep { !$done{$_} } sort keys %ways), '', 'each way was tried');

# A new partition of a table that foreign keys reference: a downgrade must detach it before it drops it
foreach my $new (map { ("$_", "$_ PARTITION BY LIST (a)") } 'PARTITION OF q FOR VALUES IN (1)', 'PARTITION OF p FOR VALUES IN (3)')
{
	my $db = empty_database();
	my $before = "CREATE TABLE p (a int PRIMARY KEY) PARTITION BY LIST (a);
		CREATE TABLE q PARTITION OF p FOR VALUES IN (1, 2) PARTITION BY LIST (a); CREATE TABLE o (n int REFERENCES p)";

	in_db($db, "$before; SELECT cmig.create_revision('a', '', '', revision => '1'); SELECT cmig.upgrade()");
	in_db($db, "SELECT FROM cmig.autogenerate('b', '$before; CREATE TABLE r $new', store => true)");
	in_db($db, 'SELECT cmig.upgrade()');
	is(differences($db, "$before; CREATE TABLE r $new"), '', $new);
	in_db($db, q{SELECT cmig.downgrade('-1')});
	is(differences($db, $before), '', 'and back');
}

done_testing();
