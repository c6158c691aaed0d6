# Copyright (c) 2026, the pg_cmig developers

# Tests that the same files result in the same revisions, however they are loaded:
# with their names (awk or tail), with cat, from a directory, or one by one.  A file
# that ends inside a quote or comment, or that has no header, is rejected by name.
# CMIG_SEED is the seed of the random files, and CMIG_SETS is the number of sets.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $AWK = q{'FNR == 1 { print "==> " FILENAME " <==" } { print }'};

my $seed = $ENV{CMIG_SEED} // 20260103;
my $sets = $ENV{CMIG_SETS} // 15;
srand($seed);
note "seed $seed";

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('file_forms');
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE forms TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'");
query($node, 'forms', 'CREATE EXTENSION pg_cmig');

sub pick { return $_[ rand @_ ]; }

#
# Files
#

# What a string, a dollar quote, or a comment can contain.  Markers in these have no
# effect, and lines that would begin a file are indented.
sub lines
{
	my $text = join "\n", '',
	  map {
		pick(' ==> m/002.sql <==', "\t==> m/a b.sql <==", ' -- revision: 009', '==> x', '-- revision: a b', '-- cmig:downgrade', '-- down_revision: 1', 'text', '',
			' indented', 'é', "\t", '-- x.sql', 'SELECT 1;', '-- cmig:upgrade')
	  } 0 .. rand 6;

	return $text;
}

sub string
{
	my $text = lines();

	return pick(
		sub { "'$text" . pick('', "it''s", '$$', '"', '/*', '--', '\\') . "'" },
		sub { "E'$text" . pick('', "it\\'s", "''", '$a$', '*/') . "\n'" },
		sub { "\$\$$text" . pick('', "it's", '"', '/*') . "\n\$\$" },
		sub { "\$q\$$text" . pick('', '$$', "'", '$1') . "\$q\$" })->();
}

sub statement
{
	return pick(
		sub { 'SELECT 1;' },
		sub { 'INSERT INTO doc VALUES (' . string() . ', ' . string() . ');' },
		sub { 'SELECT ' . string() . ' AS "' . pick('x', "a\nb", "\n ==> x.sql <==\n", "it's") . '";' },
		sub { 'DO ' . string() . ';' },
		sub { '-- ' . pick('a comment', "it's", '$$', '/*', '==> x.sql <==') },
		sub { '/*' . lines() . pick('', "it's", '/* nested */', '$$', '"') . "\n*/" })->();
}

sub script
{
	return join "\n", map { statement() } 0 .. rand 4;
}

# Returns a file with a revision that follows the previous one.
sub revision
{
	my ($id, $parent) = @_;
	my $text = "-- revision: $id\n-- down_revision: $parent\n-- message: " . pick('one', "it's another", 'é') . "\n";

	$text .= "--\n-- described\n--   in two lines\n" if rand() < 0.3;
	$text .= "\n-- cmig:upgrade\n" . script() . "\n" if rand() < 0.9;
	$text .= "\n-- cmig:downgrade\n" . (rand() < 0.8 ? script() . "\n" : '') if rand() < 0.7;
	$text .= "-- cmig:verify\nSELECT true;\n" if rand() < 0.2;
	return $text;
}

# Returns the text with the line ends and byte order mark of a random editor.
sub written
{
	my ($text) = @_;

	$text = "\n\n$text" if rand() < 0.1;
	$text =~ s/\n\z// if rand() < 0.3;
	$text =~ s/\n/\r\n/g if rand() < 0.3;
	$text = "\xEF\xBB\xBF$text" if rand() < 0.3;
	return $text;
}

sub write_file
{
	my ($name, $text) = @_;

	utf8::encode($text) if utf8::is_utf8($text);
	unlink $name;
	append_to_file($name, $text);
}

# Writes a set of files, and returns their folder and their names in order.
my $number = 0;
sub new_set
{
	my $folder = "$dir/set" . ++$number;
	my $parent = '';
	my @names;

	mkdir $folder or die;
	for my $i (1 .. 2 + int rand 7)
	{
		my $name = sprintf '%03d%s.sql', $i, pick('', '_add', ' a b', " it's");

		write_file("$folder/$name", written(revision("r$i", $parent) . (rand() < 0.1 ? "\n" . revision("s$i", "r$i") : '')));
		$parent = "r$i";
		push @names, $name;
	}
	return ($folder, @names);
}

#
# Ways to load them
#

my @awks = grep { system("command -v $_ >/dev/null 2>&1") == 0 } qw(gawk mawk original-awk);
push @awks, 'busybox awk' if system('command -v busybox >/dev/null 2>&1') == 0;
my $tail = `tail --version 2>/dev/null` =~ /GNU/;
my %forms = ('awk' => "awk $AWK", map { $_ => "$_ $AWK" } @awks);
$forms{tail} = 'tail -vn +1' if $tail;

# Returns the statements that load a folder in one of the ways.
sub folder_sql
{
	my ($form, $folder, @names) = @_;

	return "SELECT cmig.load_directory('$folder');" if $form eq 'directory';
	return join "\n", map { "SELECT cmig.load(pg_read_file('" . ("$folder/$_" =~ s/'/''/gr) . "'));" } @names
	  if $form eq 'one by one';
	my $command = $form eq 'cat' ? 'cat' : $forms{$form};
	system("cd '$folder' && $command *.sql >'$dir/all.txt'") == 0 or die;
	return "SELECT cmig.load(pg_read_file('$dir/all.txt'));";
}

# load(...): loads a folder, and returns everything that was stored, or the error
sub load
{
	my $sql = folder_sql(@_);
	my ($out, $err);

	$node->psql('forms', <<"END_SQL", stdout => \$out, stderr => \$err, extra_params => ['-q'], on_error_stop => 1);
SET client_encoding = 'UTF8';
\\o /dev/null
BEGIN;
DELETE FROM cmig.revision;
$sql
\\o
SELECT revision, down_revision, message, description, transactional, upgrade_sql, downgrade_sql, verify_sql
FROM cmig.revision ORDER BY 1;
ROLLBACK;
END_SQL
	return $err ne '' ? $err : $out;
}

for my $i (1 .. $sets)
{
	my ($folder, @names) = new_set();
	my $expected = load('one by one', $folder, @names);

	unlike($expected, qr/ERROR/, "set $i: loads one by one") or next;
	is(load($_, $folder, @names), $expected, "set $i: the same by $_") foreach 'directory', 'cat', sort keys %forms;
	# a file that is loaded alone has its name, too
	is(load('awk', "$dir/one", '001.sql'), load('one by one', "$dir/one", '001.sql'), "set $i: one file")
	  if mkdir("$dir/one") && system("cp '$folder/$names[0]' '$dir/one/001.sql'") == 0;
}

#
# Files that are refused, by name
#
my @broken = (
	"INSERT INTO doc VALUES ('x);", "INSERT INTO doc VALUES ('it's');", "SELECT E'it\\'s\n;", "DO \$\$ BEGIN END;",
	"SELECT \$q\$x;", "SELECT 1 AS \"x;", '/* x', '/* /* x */', "SELECT 1; -- '\nSELECT 'x;");

for my $i (1 .. $sets)
{
	my ($folder, @names) = new_set();
	my $name = pick(@names);
	my $text = slurp_file("$folder/$name");

	# a file that ends in an open quote or a comment may contain the marker of
	# the next file
	$text =~ s/\s*\z/\n/;
	$text .= "-- cmig:upgrade\n" unless $text =~ /-- cmig:/;
	write_file("$folder/$name", $text . pick(@broken) . pick("\n", '', "\n\n"));
	like(load($_, $folder, @names), qr/unterminated .* of file "\Q$name\E"/, "set $i: \"$name\" does not end, by $_")
	  foreach 'directory', sort keys %forms;
}

my @others = (
	"INSERT INTO doc VALUES (1);", "-- Seed\nINSERT INTO doc VALUES (1);", "-- cmig:upgrade\nSELECT 1;", "\\copy doc FROM x.csv",
	"-- Revision: 5\n-- cmig:upgrade\nSELECT 1;", "/* x */", "-- x", "\n", '');

for my $i (1 .. $sets)
{
	my ($folder, @names) = new_set();
	my $name = pick('000.sql', '001_x.sql', '999 seed.sql');
	my $other = pick(@others);

	write_file("$folder/$name", written($other));
	foreach my $form ('directory', sort keys %forms)
	{
		# awk prints nothing for an empty file
		next if $form =~ /awk/ && -z "$folder/$name";
		like(load($form, $folder, @names), qr/file "\Q$name\E"/, "set $i: \"$name\" has no header, by $form");
	}
}

$node->stop;
done_testing();
