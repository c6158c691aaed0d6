# Copyright (c) 2026, the pg_cmig developers

# As t/179, for scripts of cmig.script: one transaction of psql adds a constraint, and a later one validates it.
# The owner of the table, between any two of them, or while one runs, puts another one in its place, which would be
# evaluated by a superuser.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('engine_added', 'autovacuum = off');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();
local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
$node->safe_psql('postgres', $_) for 'CREATE ROLE own LOGIN', 'CREATE DATABASE author', 'CREATE DATABASE base';
query($node, 'author', 'CREATE EXTENSION pg_cmig');
my $base = q{
CREATE TABLE evil (who name); GRANT INSERT ON evil TO PUBLIC;
SET ROLE own; CREATE SCHEMA s; CREATE SCHEMA e; CREATE FUNCTION e.evil(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.evil VALUES (current_user); RETURN true; END';
CREATE FUNCTION e.evil(bigint) RETURNS bool LANGUAGE sql AS 'SELECT e.evil($1::int)'; CREATE TABLE s.r (id int PRIMARY KEY);
CREATE TABLE s.t (id int, b int, n int, v text, CONSTRAINT valid CHECK (id > 0)); INSERT INTO s.r VALUES (1); INSERT INTO s.t VALUES (1, 1, 2, 'a');
ALTER TABLE s.t ADD CONSTRAINT old CHECK (n > 0) NOT VALID; CREATE DOMAIN s.d AS int; CREATE TABLE s.v (d s.d); INSERT INTO s.v VALUES (1);
CREATE FUNCTION e.same(text, text) RETURNS bool LANGUAGE sql AS 'SELECT NOT e.evil(1)'; CREATE OPERATOR e.= (LEFTARG = text, RIGHTARG = text, FUNCTION = e.same)};
query($node, 'base', "GRANT CREATE ON DATABASE base TO own; $base");

# parts(TABLE, SCRIPT): the script for psql, divided where another session can come in between
sub parts
{
	my ($table, $script) = @_;

	# in one revision, or one that commits once for each of them, divided by "next"
	my ($number, @revisions) = (0, split /; next; /, $script);
	my $transactional = @revisions > 1 ? 'true' : 'false';
	query($node, 'author', join('', 'DELETE FROM cmig.revision; ', map { "SELECT cmig.create_revision('x', revision => '" . ++$number . "', transactional => $transactional, upgrade_sql => \$s\$$_\$s\$); " } @revisions));
	my $text = query($node, 'author', "SELECT cmig.script('upgrade', 'head', version_table => '$table', transaction_per_revision => $transactional)");
	return split /(?<=\nCOMMIT;\n)|(?<=DO :'cmig_require';\n)|(?<=\nEND\n\$\$;\n)(?=[^\\])/, $text;
}

# run(PARTS): runs it in a new database, and returns the exit status and messages
sub run
{
	unlink "$dir/run.sql";
	append_to_file("$dir/run.sql", join('', @_));
	$node->safe_psql('postgres', $_) for 'DROP DATABASE IF EXISTS work', 'CREATE DATABASE work TEMPLATE base', 'GRANT CREATE ON DATABASE work TO own';
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'work', '-f', "$dir/run.sql" ], '>', '/dev/null', '2>', \my $err);
	return ($? >> 8, $err);
}

sub swap
{
	my ($script, $swap, $what) = @_;

	foreach my $table ('cmig_engine.version', 'public.cmig_version')
	{
		my @parts = parts($table, $script);
		my (@ran, @refused);

		unlink "$dir/evil.sql";
		append_to_file("$dir/evil.sql", "SET lock_timeout = '50ms'; BEGIN; LOCK TABLE s.t; $swap; COMMIT;\n");
		my ($first) = grep { $parts[$_] =~ /^(?:ALTER TABLE|ALTER DOMAIN|DO).* ADD /m } 0 .. $#parts;
		foreach my $number ($first + 1 .. $#parts)
		{
			my ($status, $err) = run(@parts[ 0 .. $number - 1 ], "\n\\! psql -X -q -v ON_ERROR_STOP=1 -d work -U own -f $dir/evil.sql >>$dir/evil.log 2>&1\n", @parts[ $number .. $#parts ]);

			push @ran, $number if $node->safe_psql('work', q{SELECT count(*) FROM evil WHERE who <> 'own'}) ne '0';
			push @refused, $number if $err =~ /ERROR:  (?:55000: )?\Q$what\E/;
		}
		is("@ran", '', "$table, $script: nothing of the owner is evaluated");
		cmp_ok(scalar @refused, '>', 0, 'after it was added, it is refused') or diag($#parts);
	}
	return;
}

sub evil { return "ALTER TABLE s.t DROP CONSTRAINT IF EXISTS $_[0]; ALTER TABLE s.t ADD CONSTRAINT $_[0] CHECK (e.evil(id)) NOT VALID" }
sub replaced { return qq{constraint "$_[0]" of } . ($_[1] // 'table s.t') . ' was replaced or dropped during the run' }
my $table = 'ALTER TABLE s.t RENAME TO y; CREATE TABLE s.t (id int, CONSTRAINT valid CHECK (id > 0)); INSERT INTO s.t VALUES (1); ';
my $add = 'ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID';

foreach my $case (
	[ 'ALTER TABLE s.t ADD CHECK (n > 1) NOT VALID; ALTER TABLE s.t VALIDATE CONSTRAINT t_n_check', evil('t_n_check'), 't_n_check' ],
	[ 'ALTER TABLE s.t ADD FOREIGN KEY (b) REFERENCES s.r NOT VALID; ALTER TABLE s.t VALIDATE CONSTRAINT t_b_fkey', evil('t_b_fkey'), 't_b_fkey' ],
	[ "DO \$\$BEGIN $add; EXCEPTION WHEN division_by_zero THEN NULL; END\$\$; ALTER TABLE s.t VALIDATE CONSTRAINT c", evil('c'), 'c' ],
	[ "$add; next; ALTER TABLE s.t VALIDATE CONSTRAINT c", evil('c'), 'c' ],
	[ "SET ROLE own; $add; DO \$\$BEGIN RESET ROLE; ALTER TABLE s.t VALIDATE CONSTRAINT c; END\$\$", evil('c'), 'c' ],
	[ "SET SESSION AUTHORIZATION own; $add; DO \$\$BEGIN RESET SESSION AUTHORIZATION; ALTER TABLE s.t VALIDATE CONSTRAINT c; END\$\$", evil('c'), 'c' ],
	[ "$add; ALTER TABLE s.t RENAME CONSTRAINT c TO d; ALTER TABLE s.t VALIDATE CONSTRAINT d", evil('c') . '; ' . evil('d'), 'd' ],
	[ "$add; SET search_path = s; SELECT 1; ALTER TABLE t VALIDATE CONSTRAINT c", $table . evil('c'), 'c' ],
	[ "$add; ALTER TABLE s.t VALIDATE CONSTRAINT c", 'ALTER SCHEMA s RENAME TO s2; CREATE SCHEMA s; CREATE TABLE s.t (id int); INSERT INTO s.t VALUES (1);
		ALTER TABLE s.t ADD CONSTRAINT c CHECK (e.evil(id)) NOT VALID', 'c' ],
	[ 'SET search_path = s4, s; ALTER TABLE t ADD CONSTRAINT c CHECK (n > 1) NOT VALID; SELECT 1; ALTER TABLE t VALIDATE CONSTRAINT c',
		'CREATE SCHEMA s4; CREATE TABLE s4.t (id int); INSERT INTO s4.t VALUES (1); ALTER TABLE s4.t ADD CONSTRAINT c CHECK (e.evil(id)) NOT VALID', 'c' ],
	[ "$add; SELECT 1; ALTER TABLE s.t ALTER n TYPE bigint, ALTER id TYPE bigint; ALTER TABLE s.t VALIDATE CONSTRAINT c",
		'ALTER TABLE s.t RENAME CONSTRAINT c TO d; ALTER TABLE s.t ADD CONSTRAINT c CHECK (e.evil(n)) NOT VALID', 'c' ],
	[ 'ALTER DOMAIN s.d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID; ALTER DOMAIN s.d VALIDATE CONSTRAINT c',
		'ALTER DOMAIN s.d RENAME CONSTRAINT c TO x; ALTER DOMAIN s.d ADD CONSTRAINT c CHECK (e.evil(VALUE)) NOT VALID', 'c', 'domain s.d' ])
{
	my ($script, $swap, $name, $on) = @$case;

	swap($script, $swap, replaced($name, $on));
}
# a table that inherits meanwhile has a constraint with the same text, but another operator
swap("ALTER TABLE s.t ADD CONSTRAINT c CHECK (v IS DISTINCT FROM 'x') NOT VALID; ALTER TABLE s.t VALIDATE CONSTRAINT c",
	"CREATE TABLE s.child (LIKE s.t INCLUDING CONSTRAINTS); ALTER TABLE s.child DROP CONSTRAINT c; INSERT INTO s.child VALUES (1, 1, 2, 'a'); SET search_path = e, pg_catalog;
	ALTER TABLE s.child ADD CONSTRAINT c CHECK (v IS DISTINCT FROM 'x') NOT VALID; ALTER TABLE s.child INHERIT s.t",
	'constraint "c" of table s.child has other operators, functions, or types');

# what the script itself has moved, dropped, or undone stands in the way of nothing
foreach my $script (
	"$add; ALTER TABLE s.t RENAME CONSTRAINT c TO d; ALTER TABLE s.t RENAME TO u; ALTER SCHEMA s RENAME TO s3; CREATE SCHEMA s4; ALTER TABLE s3.u SET SCHEMA s4; ALTER TABLE s4.u VALIDATE CONSTRAINT old, VALIDATE CONSTRAINT d",
	"$add; ALTER TABLE s.t DROP CONSTRAINT c; ALTER TABLE s.t VALIDATE CONSTRAINT old",
	"DO \$\$BEGIN $add; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END\$\$; ALTER TABLE s.t VALIDATE CONSTRAINT old",
	"$add; ALTER TABLE s.t ALTER n TYPE bigint; ALTER TABLE s.t VALIDATE CONSTRAINT old, VALIDATE CONSTRAINT c",
	"SET search_path = s; CREATE DOMAIN d2 AS int; ALTER DOMAIN d2 ADD CHECK (VALUE > 0) NOT VALID; ALTER DOMAIN d2 RENAME TO f; ALTER DOMAIN f VALIDATE CONSTRAINT d2_check; ALTER TABLE t VALIDATE CONSTRAINT old",
	"$add; CREATE SCHEMA s3; CREATE TABLE s3.t (n int); SET search_path = s3; ALTER TABLE t ADD CONSTRAINT c CHECK (n > 1) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; SET search_path = s; ALTER TABLE t VALIDATE CONSTRAINT c",
	"CREATE SCHEMA s3; CREATE TABLE s3.t (n int); SET search_path = s3, s; ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID; ALTER TABLE s3.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE s.t VALIDATE CONSTRAINT c",
	"$add; SET ROLE own; SELECT 1; CREATE TABLE s.own (n int); RESET ROLE; ALTER TABLE s.t VALIDATE CONSTRAINT c",
	"CREATE TABLE s.p (n int) PARTITION BY LIST (n); CREATE TABLE s.p1 PARTITION OF s.p DEFAULT; ALTER TABLE s.p ADD CONSTRAINT c CHECK (n > 1) NOT VALID; ALTER TABLE s.p1 VALIDATE CONSTRAINT c; ALTER TABLE s.p VALIDATE CONSTRAINT c")
{
	foreach my $table ('cmig_engine.version', 'public.cmig_version')
	{
		my @result = run(parts($table, $script));

		is($result[0], 0, "$table, $script") or diag($result[1]);
		is(query($node, 'work', q{SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND NOT convalidated AND conname <> 'old'}), '0', 'is validated');
	}
}

# procedures of pg_cmig that add and validate, with an engine.  The run waits for a lock in its first statement; what
# the owner does waits behind it.
$node->stop;
($node) = engine_project('engine_added_calls');
$ENV{PGUSER} = getpwuid($<);
query($node, 'postgres', 'CREATE ROLE own');
query($node, 'postgres', 'GRANT CREATE ON DATABASE shop TO own');
my $different = qr/ERROR:  (?:42710: )?constraint "(?:c|cmig_n_not_null)" of table s\.t already exists with a different definition/;
my $hidden = "SET search_path = e, pg_catalog; ALTER TABLE s.t DROP CONSTRAINT c; ALTER TABLE s.t ADD CONSTRAINT c CHECK (v IS DISTINCT FROM 'x') NOT VALID";
foreach my $case ([ "CALL cmig.add_check('s.t', 'c', 'n > 1')", evil('c'), $different ], [ "CALL cmig.add_not_null('s.t', 'n')", evil('cmig_n_not_null'), $different ],
	[ "CALL cmig.add_foreign_key('s.t', '{b}', 's.r', name => 'c')", evil('c'), $different ],
	# the same text with another operator
	[ "CALL cmig.add_check('s.t', 'c', \$\$v IS DISTINCT FROM 'x'\$\$)", $hidden, qr/ERROR:  (?:55000: )?constraint "c" of table s\.t was replaced or dropped during the run/ ])
{
	my ($script, $swap, $error) = @$case;

	query($node, 'shop', $_) for 'SET client_min_messages = error; DROP SCHEMA IF EXISTS s, e, cmig_engine CASCADE; DROP TABLE IF EXISTS evil', $base;
	write_revision('001', '', '-- transactional: false', "$script;", 'SELECT 1;');
	my $holder = start_psql($node, 'shop', 'SET ROLE own; BEGIN; LOCK TABLE s.t IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600)', 'holder');
	$node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass AND granted}) or die 'no lock';
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ $cmig, 'upgrade', '-y' ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass AND NOT granted}) or die 'not blocked';
	my $next = start_psql($node, 'shop', "SET ROLE own; BEGIN; LOCK TABLE s.t; " . "$swap; COMMIT", 'next');
	wait_until_blocked($node, 'next');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	finish_psql($_) for ($holder, $next);
	$run->finish;
	like($err, $error, "$script: error");
	is(query($node, 'shop', q{SELECT count(*) FROM evil WHERE who <> 'own'}), '0', "$script: evaluates nothing of the owner");
}

$node->stop;
done_testing();
