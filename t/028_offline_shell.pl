# Copyright (c) 2026, the pg_cmig developers

# Tests that in the result of cmig.script, no text in a revision can make psql run a
# shell command, expand a variable, or read a string differently from the server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('shell');
my $files = 0;

$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE author');
$node->safe_psql('postgres', 'CREATE DATABASE target');
query($node, 'author', 'CREATE EXTENSION pg_cmig');
query($node, 'author', q{SELECT cmig.create_revision('attack', '', revision => 'a1')});
query($node, 'author', q{SELECT cmig.create_revision('next', 'SELECT 1', revision => 'a2')});
query($node, 'author', <<'END_SQL');
CREATE FUNCTION make(revision_text text, each boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE cmig.revision SET upgrade_sql = revision_text WHERE revision = 'a1';
	RETURN encode(convert_to(cmig.script('upgrade', 'heads', transaction_per_revision => each), 'UTF8'), 'hex');
EXCEPTION
	WHEN syntax_error OR feature_not_supported OR sqlstate 'MG007' THEN RETURN NULL;
END
$$
END_SQL

# reset the session before each text, because the previous text may have changed it
append_to_file("$dir/clean.sql",
	"\nROLLBACK;\nRESET ALL;\nSET client_min_messages = error;\nDROP TABLE IF EXISTS cmig_version, t CASCADE;\nDROP FUNCTION IF EXISTS change;\nRESET ALL;\n");

# A command that psql runs in a shell if it does not recognize that the text is
# quoted; %d is the number of the text.
my $command = "\n\\! echo ran >> $dir/ran_%d\n";

# make_files(EACH, TEXT...): creates a file for each text, and returns the files, with
# undef for a text that is rejected
sub make_files
{
	my ($each, @texts) = @_;
	my $sql = "SET client_min_messages = error;\n";
	my @made;

	for my $text (@texts)
	{
		my $number = ++$files;

		(my $numbered = $text) =~ s/ran_%d/ran_$number/g;
		$sql .= "SELECT $number, make(\$attack_text\$$numbered\$attack_text\$, $each);\n";
	}
	append_to_file("$dir/make$files.sql", $sql);
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	my ($out, $err);
	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('author'), '-f', "$dir/make$files.sql" ],
		'<', \undef, '>', \$out, '2>', \$err);
	die $err if $err ne '';
	for my $line (split /\n/, $out)
	{
		my ($number, $text) = split /\|/, $line;
		my $file = $text ? "$dir/$number.sql" : undef;

		append_to_file($file, pack('H*', $text)) if $file;
		push @made, $file;
	}
	return @made;
}

# Runs files with each setting, without any precautions.  Returns the numbers of the
# texts whose shell command was run.
sub run_files
{
	my ($files, @options) = @_;
	my @ran;

	for my $strings (string_styles($node))
	{
		local $ENV{PGOPTIONS} = "-c standard_conforming_strings=$strings";
		my ($out, $err);
		IPC::Run::run([ 'psql', '-X', @options, '-d', $node->connstr('target'),
				map { ('-f', "$dir/clean.sql", '-f', $_) } @$files ],
			'<', \undef, '>', \$out, '2>', \$err);
	}
	for my $file (glob "$dir/ran_*")
	{
		push @ran, $file =~ /ran_(\d+)/;
		unlink $file;
	}
	return @ran;
}

# Writes the result of cmig.script with these arguments to a file.  Returns the file,
# and the message if the call fails.
sub make
{
	my ($encoding, $arguments) = @_;
	my $file = "$dir/" . ++$files . '.sql';
	my ($out, $err);

	local $ENV{PGCLIENTENCODING} = $encoding;
	$node->psql('author', "SET client_min_messages = error; SELECT cmig.script($arguments)",
		stdout => \$out, stderr => \$err);
	return (undef, $err) if $err ne '';
	append_to_file($file, "$out\n");
	return ($file, '');
}

# store(TEXT): stores the text as a revision, as an author would
sub store
{
	my ($text) = @_;

	query($node, 'author', "UPDATE cmig.revision SET upgrade_sql = \$attack_text\$$text\$attack_text\$ WHERE revision = 'a1'");
}

# run(FILE, OPTION...): runs a file, tests that no shell command was run, and returns
# psql's messages
sub run
{
	my ($file, @options) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-Xq', '-d', $node->connstr('target'), '-f', "$dir/clean.sql" ], '>', \$out, '2>', \$err);
	IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @options, '-d', $node->connstr('target'), '-f', $file ],
		'<', \undef, '>', \$out, '2>', \$err);
	return $err;
}

# Returns whether psql runs a shell command in any of the ways in which the script can
# be run, with and without a transaction for each revision.
sub holds
{
	my (@cases) = @_;
	my (%name, @files);

	for my $each ('false', 'true')
	{
		my @made = make_files($each, map { $_->[1] } @cases);

		for my $number (0 .. $#cases)
		{
			my ($name, $text, $refused) = @{ $cases[$number] };

			is(defined $made[$number] ? 'made' : 'refused', $refused ? 'refused' : 'made', "$name, $each");
			next if !defined $made[$number];
			push @files, $made[$number];
			$made[$number] =~ /(\d+)\.sql$/;
			$name{$1} = "$name, $each";
		}
	}
	is_deeply([ map { $name{$_} } run_files(\@files) ], [], 'no shell command was run');
	is_deeply([ map { $name{$_} } run_files(\@files, '-S') ], [], 'no shell command was run, line by line');
}

# commands that can change a setting whose name does not occur in the text
my $hidden = q{SELECT set_config('standard_' || 'conforming_strings', 'off', false)};
my $encoding = q{SELECT set_config('client_' || 'encoding', 'SJIS', false)};

my @attacks = (
	['a string that ends early in the new style', "$hidden; SELECT 'a\\', '$command', 'b'"],
	['a string that ends early in the old style', "SET standard_conforming_strings = off; SELECT 1/0; SELECT 'a\\'; $command '", 1],
	['the same by another name', "SET SESSION \"standard_conforming_strings\" TO off; SELECT 1/0; SELECT 'a\\'; $command '", 1],
	['the old style set by RESET', "RESET ALL; SELECT 'a\\', '$command', 'b'"],
	['the old style inside a block', "DO 'BEGIN SET standard_conforming_strings = off; END'; SELECT 'a\\', '$command'"],
	['all on one line', "$hidden; SELECT 'a\\', ' \\! echo ran >> $dir/ran_%d'"],
	['a string of national characters', "$hidden; SELECT N'a\\', '$command', n'b'"],
	['a string behind a word', "$hidden; SELECT text'a\\', '$command', n'b'"],
	['an E string that continues', "SELECT E'a'\n'b\\', $command '"],
	['an E string that continues behind comments', "SELECT E'a' -- '\n -- b\n'b\\', $command '"],
	['an E string that continues behind a carriage return', "SELECT E'a'\r'b\\', $command '"],
	['a plain string that continues', "$hidden; SELECT 'a'\n'\\', '$command'"],
	['a statement that is parsed', "CALL f(); $hidden; SELECT 'a\\', '$command', E'b'\n'b\\', $command '"],
	['an E string behind a parameter', "SELECT \$1E'a\\', $command '", 1],
	['an E string behind a longer parameter', "SELECT \$1xE'a\\', '$command'", 1],
	['an E string behind a number', "SELECT 1E'a\\', '$command'", 1],
	['behind a number and a letter', "SELECT 1xE'a\\', '$command'", 1],
	['behind a hexadecimal number', "SELECT 0xE'a\\', '$command'", 1],
	['behind a fraction', "SELECT 1.5eE'a\\', '$command'", 1],
	['a dollar quote behind a number', "SELECT 1a\$\$$command\$\$", 1],
	['a dollar quote behind a parameter', "SELECT \$1a\$\$ '$command' \$\$", 1],
	['a character that takes in the quote', "$encoding; SELECT 'À', '$command', 'b'"],
	['all on one line with it', "$encoding; SELECT 'À'; SELECT 'À', ' \\! echo ran >> $dir/ran_%d', ''"],
	['one behind a comment', "$encoding; /* À*/ SELECT '$command' /* */"],
	['one in an identifier', "$encoding; SELECT 1 AS \"À\", '$command', 2 AS \"b\""],
	['one in the tag of a dollar quote', "$encoding; SELECT \$À\$a\$À\$, '$command'"],
	['one before the end of a dollar quote', "$encoding; SELECT \$\$À\$\$, '$command', \$\$a\$\$"],
	['one in a comment at the end', "$encoding; /* À*/"],
	['one in a comment behind', "$encoding; SELECT 1; -- À\nSELECT 'À', '$command', 'b'"],
	['one after an error', "$encoding; SELECT 1/0; SELECT 'À', '$command', 'b'"],
	['one behind a statement that is parsed', "CALL f(); $encoding; SELECT 'À', '$command', 'b'"],
	['a quote in a U& string', "SELECT U&'a\\', $command ', U&'' UESCAPE '\\'", 1],
	['a U& string', "SELECT U&'a\\', '$command', U&'' UESCAPE '\\'", 1],
	['a U& string with another escape', "SELECT U&'a\\' UESCAPE '!', '$command'"],
	['a comment in a comment', "SELECT /* /* */ '$command */ */ 1, '$command'"],
	['a carriage return ends a comment', "-- '\rSELECT '$command'"],
	['data of COPY', "SELECT 1;\nCOPY pg_class FROM stdin;\n\\.\n", 1],
	['a command of psql', "SELECT 1$command;", 1],
	['a command behind a semicolon', "SELECT 1;$command", 1],
	['after a body that psql counts', "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS \"end\"; SELECT length('$command') AS end; END; SELECT 'a'"],
	['redirections', "SELECT 1 \\g |sh\n", 1],
	['redirections in quotes', "$hidden; SELECT 'a\\', '\n\\o |touch $dir/ran_%d\n'"],
	['a semicolon for psql', "SELECT '\\', '\\; \\! echo ran >> $dir/ran_%d'"],
);

holds(@attacks);

# A trigger on the version table, and one that fires at commit: both run between
# statements that pg_cmig itself writes.
store(<<"END_SQL");
CREATE TABLE t (x int);
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''client_encoding'', ''SJIS'', false); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION change();
CREATE TRIGGER c AFTER INSERT OR DELETE ON cmig_version FOR EACH ROW EXECUTE FUNCTION change();
INSERT INTO t VALUES (1)
END_SQL
query($node, 'author', q{SELECT cmig.create_revision('À', $$INSERT INTO t VALUES (1); SELECT 'À'$$, revision => 'x\À')});
query($node, 'author', "SELECT cmig.create_revision('last À', 'INSERT INTO t VALUES (2); SELECT ''\n\\! echo ran >> $dir/ran_0\n''', revision => 'a4')");
for my $each ('false', 'true')
{
	my ($file) = make('UTF8', "'upgrade', 'head', transaction_per_revision => $each");

	# a later transaction does not use a version table with a trigger
	like(run($file), $each eq 'true' ? qr/ERROR:  public.cmig_version has the trigger c/ : qr/^\z/, "triggers between revisions, $each");
	is(query($node, 'target', 'SELECT version_num FROM cmig_version'), $each eq 'true' ? 'a1' : 'a4', "the text runs to its end, $each");
	is_deeply([ run_files([$file]) ], [], 'no shell command was run');
}
query($node, 'author', q{SELECT cmig.remove_revision(r) FROM unnest('{a4,x\\\\À}'::text[]) r});

# texts that cmig.script writes into comments
query($node, 'author', "UPDATE cmig.revision SET message = E'two\\r\\n\\\\! echo ran >> $dir/ran_0\\n\\x0b\\x0c\\u0085\\u2028x' WHERE revision = 'a2'");
store('SELECT 1');
my ($commented) = make('UTF8', q{'upgrade', 'head'});
is(run($commented), '', 'a message of several lines');
is_deeply([ run_files([$commented]) ], [], 'the message becomes one line');
query($node, 'author', "INSERT INTO cmig.revision (revision, down_revision) VALUES (E'x\\n\\\\! echo ran >> $dir/ran_0', '{a2}')");
like((make('UTF8', q{'upgrade', 'head'}))[1], qr/ERROR/, 'an id of several lines is refused');
query($node, 'author', q{DELETE FROM cmig.revision WHERE revision ~ '^x'});

# psql variables
store(q{CREATE TABLE v AS SELECT ':x' AS a, (ARRAY[1,2])[1:x] AS b, (ARRAY[1,2])[1:"x"] AS c, (ARRAY[1,2])[1:'2'] AS d, E':x' AS e, $$:'HOST'$$ AS f, 1::text AS g, N':x' AS h, U&':x' AS i FROM (SELECT 2 AS x) s /* :x */});
my ($variables) = make('UTF8', q{'upgrade', 'head'});
is(run($variables, '-v', 'x=evil', '-v', 'HOST=evil', '-v', '2=evil'), '', 'text that looks like variables');
is(query($node, 'target', 'SELECT * FROM v'), ":x|{1,2}|{1,2}|{1,2}|:x|:'HOST'|1|:x|:x", 'text that looks like variables is not replaced');

query($node, 'author', q{UPDATE cmig.revision SET message = 'next' WHERE revision = 'a2'});

# encodings in which psql could mistake part of a character for a backslash
store(q{SELECT '表'});
for my $name (qw(SJIS BIG5 GBK UHC GB18030))
{
	store(q{SELECT '表'});
	my ($file, $err) = make($name, q{'upgrade', 'head'});

	like($err, qr/ERROR:  cannot generate a script with non-ASCII characters in encoding $name.*HINT:  SET client_encoding = 'UTF8'$/s,
		"$name is refused");
	store('SELECT 1');
	($file, $err) = make($name, q{'upgrade', 'head'});
	is($err, '', "$name is fine for ASCII");
}
store(q{SELECT '表'});

# the bytes are valid in the database's encoding, and the file contains the name of that
# encoding
my ($bytes) = make('SQL_ASCII', q{'upgrade', 'head'});
like(slurp_file($bytes), qr/^SET client_encoding = 'UTF8';/m, 'SQL_ASCII names the encoding of the database');
{
	local $ENV{PGCLIENTENCODING} = 'SJIS';
	is(run($bytes), '', 'the encoding is that of the database wherever the text runs');
}

#
# Random texts made of dangerous parts.  If a text is not refused, psql must treat
# everything that is inside quotes as quoted.
#
my @pieces = ("'", "''", '\\', "\\'", "\\\\", 'E', 'e', 'U&', 'N', 'B', 'x', '$', '$$', '$a$', '$1', '1', '0x', '.', '1e', '"', '""',
	"\n", "\n", "\r", ' ', ' ', '--', '/*', '*/', ';', ':', '::', 'À', '表', 'É', '(', ')', 'SELECT', ',', 'AS', 'UESCAPE', '+', '-', '\\;',
	$command, $command, "\f", "\x0b", '_', 'begin', 'CREATE FUNCTION f()', 'end', 'N', "\n'", "'\n'",
	"$hidden;", "$encoding;", "SET standard_conforming_strings = off;");
my $seed = $ENV{CMIG_SEED} // 20261120;
my $wanted = $ENV{CMIG_TEXTS} // 120;
my (%text, @made);

# Returns a list of quoted parts, each with dangerous pieces inside.  The parser rejects
# most texts that are made of the pieces alone, and then no file is made.
sub quoted_parts
{
	my @parts;

	for (0 .. int rand 4)
	{
		my $inside = join('', map { $pieces[ int rand @pieces ] } 1 .. 1 + int rand 6);
		my $open = ("'", "E'", "N'", "e'", '$a$', '$$', '"', '/*', '--')[ int rand 9 ];
		my $close = $open =~ /'/ ? "'" : $open eq '/*' ? '*/ 1' : $open eq '--' ? "\n1" : $open;

		$inside =~ s/'/''/g if $open =~ /'/ && rand() < 0.8;
		push @parts, ($open eq '"' ? '1 AS ' : '') . $open . $inside . $close;
	}
	return 'SELECT ' . join((', ', "\n, ", ";\nSELECT ")[ int rand 3 ], @parts);
}

srand $seed;
for (my $round = 0; $round < 50 && @made < $wanted; $round++)
{
	my @texts;

	while (@texts < 1000)
	{
		my $text = rand() < 0.5 ? quoted_parts() :
		  join('', map { $pieces[ int rand @pieces ] } 1 .. 3 + int rand 20);

		push @texts, $text if $text =~ /ran_/;
	}
	my $first = $files + 1;
	my @files = make_files('false', @texts);
	for my $number (0 .. $#texts)
	{
		next if !defined $files[$number];
		push @made, $files[$number];
		$text{ $first + $number } = $texts[$number];
	}
}
ok(@made >= $wanted, 'random texts') or diag scalar @made;
is_deeply([ map { $text{$_} } run_files(\@made) ], [], "no shell command was run, seed $seed");

$node->stop;
done_testing();
