# Copyright (c) 2026, the pg_cmig developers

# Tests the new library with SQL objects that were made for another one, as they are
# between the update of the package and ALTER EXTENSION pg_cmig UPDATE: every function
# of 1.0 and 1.1 is called with several sets of arguments.  Each call returns a result,
# or an error about its arguments or the state of the database, or says that the
# extension must be updated.  No call ends the server or advises to drop the extension.
#
# Then every function of the current version is declared with fewer arguments, and with
# one column more and one less than the library returns.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('old_sql', 'autovacuum = off', 'max_prepared_transactions = 2');
use_old_script($node);
$node->start;

# outcomes(DATABASE, STATEMENT...): runs each statement, and returns a hash of each
# statement's output, with the SQLSTATEs of errors
sub outcomes
{
	my ($db, @statements) = @_;
	my $sql = "\\set VERBOSITY verbose\nSET client_min_messages = error;\nSET statement_timeout = '20s';\nSET lock_timeout = '2s';\n" .
		join '', map { "\\echo \@\@ $_->[0]\n$_->[1]\n" } @statements;
	my $out = '';
	my %outcome;

	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr($db) ], '<', \$sql, '>&', \$out);
	unlike($out, qr/server closed the connection|terminating connection/, "$db: the server still runs");
	while ($out =~ /^\@\@ (.*)\n((?:(?!\@\@ ).*\n)*)/mg)
	{
		$outcome{$1} .= $2;
	}
	return %outcome;
}

# The text of an argument of a type, for each set of arguments; the others are null.
my %samples = (
	text => [ "'x'", "'head'", "'item'" ], 'text[]' => [ "'{x}'", "'{public}'", "'{}'" ], regclass => [ "'item'", "'item'", "'word'" ],
	name => [ "'ann'", "'ann'", "'x'" ], boolean => [ 'true', 'false', 'true' ], integer => [ 1, 0, -1 ], bigint => [ 1, 0, -1 ],
	'"any"' => [ "'x'::text", "'1'::text", '1' ], anyelement => [ 'NULL::item', 'NULL::item', "'x'::text" ], jsonb => [ "'{}'", "'{}'", "'[]'" ],
	interval => [ "'1s'", "'0'", "'-1s'" ], 'timestamp with time zone' => [ 'now()', "'2020-01-01'", "'infinity'" ], 'oid[]' => [ "'{2200}'", "'{}'", "'{0}'" ]);

# calls(DATABASE): returns statements that call each function in several ways
sub calls
{
	my ($db) = @_;
	my @calls;

	foreach my $row (split /\n/, query($node, $db, q{
SELECT p.prokind, p.proname, p.pronargdefaults, coalesce((SELECT string_agg(format_type(t, NULL), ';' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u(t, n)), '')
FROM pg_proc p WHERE p.pronamespace = 'cmig'::regnamespace AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
ORDER BY p.prokind DESC, p.proname COLLATE "C", p.oid}))
	{
		my ($kind, $name, $defaults, $list) = split /\|/, $row;
		my @types = split /;/, $list // '';
		my %lists;

		foreach my $set (-1 .. 2)
		{
			my @values = map { $set < 0 ? 'NULL::' . (/any/ ? 'text' : $_) : $samples{$_} ? "$samples{$_}[$set]" . (/any/ ? '' : "::$_") : "NULL::$_" } @types;

			$lists{join ', ', @values} = 1;
			# those that have defaults are left out
			$lists{join ', ', @values[ 0 .. $#types - $defaults ]} = 1;
		}
		foreach my $arguments (sort keys %lists)
		{
			push @calls, $kind eq 'p' ? "CALL cmig.$name($arguments);" : "SELECT * FROM cmig.$name($arguments);";
		}
	}
	return map { [ $_, /^CALL/ ? $_ : "BEGIN;\n$_\nROLLBACK;" ] } @calls;
}

# Does an error say that something of pg_cmig does not exist or has another type, or is
# it an internal one?  An error about the test's arguments is neither.
sub is_wrong
{
	my ($text) = @_;

	return 1 if $text =~ /^ERROR:  XX|DROP EXTENSION|CREATE EXTENSION/m;
	return $text =~ /^ERROR:  42(?:P01|703|883|804|P13|809)/m && $text =~ /^(?:ERROR|QUERY):.*\bcmig[._]/m;
}

$node->safe_psql('postgres', 'CREATE ROLE ann LOGIN; CREATE DATABASE old10; CREATE DATABASE old11; CREATE DATABASE new12');
foreach my $version ('1.0', '1.1')
{
	my $db = 'old' . $version =~ s/\.//r;

	query($node, $db, qq{
CREATE EXTENSION pg_cmig VERSION '$version';
CREATE TABLE item (id int PRIMARY KEY, tenant_id text, user_id text, n int);
INSERT INTO item VALUES (1, 'a', 'b', 1);
CREATE TABLE word (word text);
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql) VALUES
('001', '{}', 'CREATE TABLE first (n int)', 'DROP TABLE first'), ('002', '{001}', 'CREATE TABLE second (n int)', 'DROP TABLE second');
INSERT INTO cmig.version VALUES ('001');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role) VALUES (1, '001', 'upgrade', 'done', '2026-01-01', '1s', 'ann')});
	my %outcome = outcomes($db, calls($db));
	my ($results, $updates, @wrong) = (0, 0);

	foreach my $call (sort keys %outcome)
	{
		my $text = $outcome{$call};

		if ($text !~ /^ERROR:/m) { $results++ }
		elsif ($text =~ /^HINT:  ALTER EXTENSION pg_cmig UPDATE$/m && $text =~ /pg_cmig has version \Q$version\E in this database, but this session has loaded the library of version 1\.\d+/) { $updates++ }
		elsif (is_wrong($text)) { push @wrong, "$call\n$text" }
	}
	is(join('', @wrong[ 0 .. ($#wrong > 9 ? 9 : $#wrong) ]), '', "$version: no other error about what the library needs");
	cmp_ok(scalar(keys %outcome), '>', 300, "$version: all functions were called");
	cmp_ok($results, '>', $version eq '1.0' ? 40 : 60, "$version: some work");
	cmp_ok($updates, '>', 30, "$version: some ask for the update");
}

# A C function is declared in the same way in all versions: one that changes gets
# another name.  Three functions have had variants with text for an argument that can be
# of any type.
query($node, 'new12', 'CREATE EXTENSION pg_cmig');
my $declarations = q{SELECT p.prosrc, concat_ws(' ', p.proname, p.proargtypes::regtype[], p.prorettype::regtype, p.proretset, p.proisstrict, p.prokind,
	(SELECT string_agg(concat(a.mode, a.name, ' ', a.type::regtype), ', ' ORDER BY n) FROM unnest(p.proallargtypes, p.proargmodes, p.proargnames) WITH ORDINALITY a(type, mode, name, n) WHERE a.mode <> 'i'))
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'cmig'::regnamespace AND l.lanname = 'c' AND concat(p.prosrc, p.proargtypes::regtype[]) !~ '^cmig_audit_(diff|history|transaction).*\m(regclass,text|xid8)'};
my (%now, %symbol);
foreach (split /\n/, query($node, 'new12', $declarations))
{
	$now{$_} = 1;
	$symbol{ (split /\|/)[0] } = 1;
}
foreach my $db ('old10', 'old11')
{
	is(join("\n", grep { $symbol{ (split /\|/)[0] } && !$now{$_} } split /\n/, query($node, $db, $declarations)), '', "$db: the same declarations");
}

# Declarations that do not fit
my @bad;
foreach my $row (split /\n/, query($node, 'new12', q{
SELECT p.prosrc, p.probin, CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, format_type(p.prorettype, NULL), p.proretset, p.pronargs,
	coalesce((SELECT string_agg(quote_ident(a.name) || ' ' || format_type(a.type, NULL), ', ' ORDER BY n) FROM unnest(p.proallargtypes, p.proargmodes, p.proargnames) WITH ORDINALITY a(type, mode, name, n) WHERE a.mode <> 'i'), '')
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'cmig'::regnamespace AND l.lanname = 'c' AND p.prorettype <> 'trigger'::regtype ORDER BY p.prosrc COLLATE "C", p.oid}))
{
	my ($symbol, $library, $kind, $type, $set, $arguments, $columns) = split /\|/, $row;
	my ($call, $as) = ($kind eq 'PROCEDURE' ? 'CALL bad();' : 'SELECT * FROM bad();', "AS '$library', '$symbol' LANGUAGE C; ");
	my @columns = split /, /, $columns // '';

	$set = $set eq 't' ? 'SETOF ' : '';
	$type = 'text' if $type eq 'anyelement';
	push @bad, [ "$symbol, no arguments", "CREATE $kind bad() " . ($kind eq 'PROCEDURE' ? '' : @columns ? "RETURNS " . ($set ? 'TABLE (' . join(', ', @columns) . ')' : 'record') . ' ' : "RETURNS $set$type ") . $as . (@columns && !$set ? 'SELECT bad();' : $call) . " DROP $kind bad;" ] if $arguments > 0 && !(@columns == 1 && !$set);
	next if @columns < 2 || $set eq '';
	push @bad, [ "$symbol, a column less", "CREATE FUNCTION bad() RETURNS TABLE (" . join(', ', @columns[ 0 .. $#columns - 1 ]) . ") $as $call DROP FUNCTION bad;" ];
	push @bad, [ "$symbol, a column of another type", "CREATE FUNCTION bad() RETURNS TABLE (" . join(', ', map { s/ text$/ integer/r } @columns) . ") $as $call DROP FUNCTION bad;" ];
	push @bad, [ "$symbol, a column more", "CREATE FUNCTION bad() RETURNS TABLE (" . join(', ', @columns, 'more text') . ") $as $call DROP FUNCTION bad;" ];
}
query($node, 'new12', 'CREATE TABLE item (n int)');
my %bad = outcomes('new12', @bad);
# cmig.check() reads its argument only if there are problems
my @mute = grep { /no arguments/ && !/^cmig_check,/ && $bad{$_} !~ /ERROR/ } sort keys %bad;
cmp_ok(scalar(keys %bad), '>', 150, 'functions that are declared otherwise');
like($bad{'cmig_heads, a column more'} // $bad{'cmig_branches, a column more'} // '', qr/declared otherwise|^$/, 'a column more');
like($bad{'cmig_status, a column of another type'}, qr/ERROR:  42883: the function is declared otherwise/, 'a column of another type');
like($bad{'cmig_draft_1_2, no arguments'}, qr/ERROR:  42883: the function is declared otherwise than by version 1\.\d+ of pg_cmig\nHINT:  ALTER EXTENSION pg_cmig UPDATE/, 'arguments that are not declared');
is(join(', ', @mute), '', 'each function reads its arguments');

done_testing();
