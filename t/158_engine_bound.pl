# Copyright (c) 2026, the pg_cmig developers

# While the script of cmig.script runs as a superuser, in several transactions, another role puts code on a
# table of the state, between any two messages of the script: a role with the privilege TRIGGER creates a
# trigger, or the owner of the database puts a schema with tables of his own in the place of that of the state.
# The code never runs, and what has run is recorded in the tables in which the script has found the state.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('engine_bound', 'autovacuum = off');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();
local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);

$node->safe_psql('postgres', $_)
	for 'CREATE ROLE ann LOGIN', 'CREATE ROLE eve LOGIN', 'CREATE ROLE app LOGIN', 'CREATE DATABASE author',
	'CREATE DATABASE shop OWNER ann';
query($node, 'author', 'CREATE EXTENSION pg_cmig;' . load_sql(
		revision_file('001', '', 'CREATE TABLE t1 (id int);', 'DROP TABLE t1;'),
		revision_file('002', '001', 'CREATE TABLE t2 (id int);', 'DROP TABLE t2;'),
		revision_file('003', '002', "CREATE TABLE t3 (id int);\nCREATE INDEX CONCURRENTLY ON t3 (id);\n" .
				"SET SESSION AUTHORIZATION ann;\nSELECT 1;", 'DROP TABLE t3;')
			=~ s/^(-- down_revision: 002)$/$1\n-- transactional: false/mr));
query($node, 'shop', 'GRANT CREATE ON SCHEMA public TO app, ann; CREATE SCHEMA eve AUTHORIZATION eve');
query($node, 'shop', 'GRANT USAGE ON SCHEMA eve TO PUBLIC; CREATE FUNCTION eve.f() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN RAISE WARNING \'code of eve runs as %\', current_user; RETURN coalesce(NEW, OLD); END $$', 'eve');

sub script
{
	my ($range, $table, $role) = @_;

	return query($node, 'author', ($role ? "SET cmig.role = $role; " : '') .
			"SELECT cmig.script('upgrade', '$range', version_table => '$table', transaction_per_revision => true)");
}

# run(TEXT, USER): returns psql's exit status and its messages
sub run
{
	my ($text, $user) = @_;

	unlink "$dir/run.sql";
	append_to_file("$dir/run.sql", $text);
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'work', '-U', $user, '-f', "$dir/run.sql" ],
		'>', '/dev/null', '2>', \my $err);
	return ($? >> 8, $err);
}

my $superuser = getpwuid($<);
foreach my $case (
	[ 'cmig_engine.version', undef, 'version', 'journal', 'progress' ],
	[ 'cmig_engine.version', 'app', 'version', 'journal', 'progress' ],
	[ 'public.cmig_version', undef, 'cmig_version' ])
{
	my ($table, $role, @tables) = @$case;
	my ($schema) = split /\./, $table;
	my $name = $table . ($role ? ' with cmig.role' : '');
	# as the owner can, also for the sessions of superusers
	my @set = $schema eq 'cmig_engine' && !$role ? 'ALTER DATABASE work SET role = ann' : ();
	my $trigger = 'CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION eve.f();';

	# the state belongs to the owner of the database
	$node->safe_psql('postgres', $_) for 'DROP DATABASE IF EXISTS base', 'CREATE DATABASE base TEMPLATE shop OWNER ann',
		'DROP DATABASE IF EXISTS work', 'CREATE DATABASE work TEMPLATE base OWNER ann';
	my @result = run(script('base:001', $table), 'ann');
	is($result[0], 0, "$name: the state") or diag($result[1]);
	$node->safe_psql('work', "GRANT USAGE ON SCHEMA $schema TO eve; ALTER TABLE t1 OWNER TO ann; " .
			join('', map { "GRANT TRIGGER ON $schema.$_ TO eve; " } @tables));
	$node->safe_psql('postgres', $_) for 'DROP DATABASE base', 'ALTER DATABASE work RENAME TO base';

	my $script = script('001:003', $table, $role);
	# between the messages of psql
	my $first = qr/(?:BEGIN ISO|COMMIT|SET|RESET|SELECT|DO|INSERT|DELETE|UPDATE|CREATE|\\if|\\endif)/;
	my @parts = split /(?<=[^\\];\n|gset\n)(?=$first)/, $script;
	cmp_ok(scalar @parts, '>', 20, "$name: there are many messages");

	my %evil = (
		trigger => [ 'eve', map { sprintf($trigger, "$schema.$_") } @tables ],
		rename => [ 'ann', "BEGIN; ALTER SCHEMA $schema RENAME TO hidden; CREATE SCHEMA $schema;",
			(map { ("CREATE TABLE $schema.$_ (LIKE hidden.$_ INCLUDING INDEXES);",
				"INSERT INTO $schema.$_ SELECT * FROM hidden.$_;", sprintf($trigger, "$schema.$_")) } @tables),
			($schema eq 'cmig_engine' ? 'CREATE TABLE cmig_engine.format AS TABLE hidden.format;' : ''), 'COMMIT;' ]);
	foreach my $kind (sort keys %evil)
	{
		my ($who, @sql) = @{ $evil{$kind} };
		my $call = "\\! psql -X -q -v ON_ERROR_STOP=1 -d work -U $who -f $dir/evil.sql >>$dir/evil.log 2>&1\n";
		my (@ran, @lost, @refused);

		unlink "$dir/evil.sql";
		append_to_file("$dir/evil.sql", join("\n", "SET lock_timeout = '50ms';", @sql, ''));
		foreach my $number (1 .. $#parts)
		{
			$node->safe_psql('postgres', $_)
				for 'DROP DATABASE IF EXISTS work', 'CREATE DATABASE work TEMPLATE base OWNER ann', @set;
			my $real = $node->safe_psql('work', "SELECT '$table'::regclass::oid");
			my ($status, $err) =
				run(join('', @parts[ 0 .. $number - 1 ], $call, @parts[ $number .. $#parts ]), $superuser);
			my $found = $node->safe_psql('work',
				"SELECT query_to_xml(format('SELECT * FROM %s', $real\::regclass), true, true, '')");

			push @ran, $parts[$number] . $err if $err =~ /runs as/;
			push @refused, $number if $status != 0;
			push @lost, $parts[$number] . $err if $status == 0 && $found !~ /003/;
		}
		is("@ran", '', "$name, $kind: no code runs");
		is("@lost", '', "$name, $kind: and the state is recorded");
		cmp_ok(scalar @refused, '>', 0, "$name, $kind: where the other role could do it, the script is refused");
		cmp_ok(scalar @refused, '<', scalar @parts, 'elsewhere, it could not');
	}
}

# A database whose sessions begin serializable transactions: the script that creates the tables of the state, as
# cmig stamp runs it, sees what was committed while it waited for a lock.
query($node, 'shop', script('base:001', 'cmig_engine.version') . "ALTER DATABASE shop SET default_transaction_isolation = serializable;
	CREATE FUNCTION eve.pure() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		\$\$ BEGIN RAISE WARNING 'code of eve runs as %', current_user; RETURN 1; END \$\$", undef);
my $tables = query($node, 'author', "SELECT cmig.script('downgrade', 'base:base', version_table => 'cmig_engine.version')");
my $evil = $node->background_psql('shop');
$evil->query_safe('SET client_min_messages = error; BEGIN; CREATE INDEX ON cmig_engine.format ((number + eve.pure()))');
my $run = start_psql($node, 'shop', $tables);
wait_until_blocked($node);
$evil->query_safe('COMMIT');
isnt(finish_psql($run), 0, 'serializable: an index that was created while the script waited is refused');
like($run->{err}, qr/ERROR:  42501: cmig_engine\.format has an index of an expression/, 'the message');
unlike($run->{err}, qr/runs as/, 'and its code does not run');
$evil->quit;

done_testing();
