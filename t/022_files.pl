# Copyright (c) 2026, the pg_cmig developers

# Tests that revision files survive a round trip: exported from one database with psql
# and loaded into another one, they have the same names and contents.  CMIG_SEED is
# the seed of the random texts, and CMIG_TEXTS is their number.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('files');
$node->start;

my $next = 0;
sub new_db
{
	my ($encoding) = @_;
	my $db = 'db' . ++$next;

	$node->safe_psql('postgres',
		"CREATE DATABASE $db TEMPLATE template0 LOCALE 'C' ENCODING '" . ($encoding // 'UTF8') . "'");
	query($node, $db, 'CREATE EXTENSION pg_cmig');
	return $db;
}

# export_to(FOLDER, DATABASE, TEMPLATE): exports revisions as the reference
# shows it.  Returns the names of the files.
sub export_to
{
	my ($folder, $db, $template) = @_;
	my ($out, $err) = ('', '');

	mkdir $folder or die;
	IPC::Run::run(
		[
			'bash', '-c', <<'END_SH', 'bash', $folder, $node->connstr($db), $template ], '<', \undef, '>', \$out, '2>', \$err) or die $err;
set -e -o pipefail
cd "$1"
psql -XAt -z -0 -d "$2" -v ON_ERROR_STOP=1 -v template="$3" -f <(echo "SELECT file_name, content FROM cmig.export(file_template => :'template')") |
while IFS= read -r -d '' name && IFS= read -r -d '' content
do
	mkdir -p "$(dirname "$name")"
	printf '%s' "$content" >"$name"
done
END_SH
	return sort map { substr $_, length($folder) + 1 } split /\0/, `find $folder -type f -print0`;
}

# load_folder(DATABASE, FILE...): loads files, and returns the number of revisions for
# each action
sub load_folder
{
	my ($db, @files) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run(
		[ 'bash', '-c', <<'END_SH', 'bash', $node->connstr($db), @files ], '<', \undef, '>', \$out, '2>', \$err) or die $err;
db=$1
shift
{ echo 'SELECT action, count(*) FROM cmig.load($cmig_load$'; cat "$@"; echo '$cmig_load$) GROUP BY 1;'; } |
	psql -XAt -d "$db" -v ON_ERROR_STOP=1
END_SH
	chomp $out;
	return $out;
}

#
# The example chains, named as their teams name them
#
my %template = (
	conjoinai => '%(year)d%(month).2d%(day).2d_%(hour).2d%(minute).2d%(second).2d_%(slug)s',
	contextiq => '%(year)d%(month).2d%(day).2d_%(hour).2d%(minute).2d_%(rev)s_%(slug)s',
	mindbridge => '%(rev)s',
	mnfst_rag => '%(rev)s',
	second_brain => '%(rev)s');

for my $chain (sort keys %template)
{
	my $one = new_db();
	my $other = new_db();
	my @files = chain_files($chain);
	my @names = map { s{.*/}{}r } @files;

	# the team that wrote this chain gave some files names that differ from the ids of
	# their revisions
	@names = map { s/^(00[345])_.*/$1.sql/r } @names if $chain eq 'mindbridge';

	load_folder($one, @files);
	$node->safe_psql($one, "ALTER DATABASE $one SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE $one SET DateStyle = 'German'");
	is_deeply([ export_to("$dir/$chain", $one, $template{$chain}) ], [@names],
		"$chain: the files' own names");
	is(load_folder($one, map { "$dir/$chain/$_" } @names), 'unchanged|' . @names, "$chain: exported files are unchanged in the same database");
	is(load_folder($other, map { "$dir/$chain/$_" } @names), 'added|' . @names, "$chain: exported files can be loaded into another database");
	is(load_folder($other, @files), 'unchanged|' . @names, "$chain: the original files are unchanged there");
	is_deeply([ export_to("$dir/$chain.2", $other, $template{$chain}) ], [@names], "$chain: the same names there");
	is(`diff -r $dir/$chain $dir/$chain.2`, '', "$chain: the same files there");
	# files that are loaded one at a time, with the newline that psql appends
	my $id = query($node, $one, 'SELECT revision FROM cmig.revision ORDER BY 1 LIMIT 1');
	system(qq{psql -XAt -d '}
		  . $node->connstr($one)
		  . qq{' -c "SELECT content FROM cmig.export('$id')" >$dir/$chain.sql}) == 0
	  or die;
	is(load_folder($other, "$dir/$chain.sql"), 'unchanged|1', "$chain: a single file through psql -XAt");
}

# a template with folders
{
	my $db = new_db();

	load_folder($db, chain_files('contextiq'));
	my @names = export_to("$dir/folders", $db, '%(year)d/%(month).2d/%(rev)s');
	is($names[0], '2024/12/2c86f1d7ea30.sql', 'folders of the template');
}

#
# Random texts
#
my $seed = $ENV{CMIG_SEED} // 20260102;
my $texts = $ENV{CMIG_TEXTS} // 400;
srand($seed);
note "seed $seed";

my @tame = (
	'SELECT 1;', 'SELECT 1', ';', ' ', "\t", "\n", "\n\n", "\r\n", "\r", "\f", "\x{b}", '--', '-- x', '---', '$1', "\\", ':x',
	'é', 'ß', '漢字', "\x{1F600}", "\x{A0}", "\x{2028}", 'x' x 5000, "''", "E'\\''", "'\\'", '$$$$', '/* /* */ */',
	"\$\$\n-- cmig:downgrade\n\$\$", "/*\n -- revision: 003\n*/", "'\n-- cmig:verify\n'", "\"\n-- cmig:upgrade\n\"",
	'SELECT 1 -- cmig:downgrade', '-- cmig:ignore x', 'COMMIT;', 'END', '-- message: y',
	"'\n ==> x.sql <==\n'", "\$a\$\n ==> x y.sql <==\n\t-- revision: 003\n\$a\$", "/*\n ==> x.sql <==\n*/", '-- ==> x.sql <==', ' ==> x.sql <==', '-- x.sql');
my @wild = (
	'-- cmig:upgrade', '-- cmig:downgrade', '-- cmig:verify', '--cmig:downgrade', '-- CMIG:UPGRADE', '-- cmig:ignore x',
	'-- cmig:', '-- revision: x', '-- revision:', '-- down_revision: x', '-- revison: x', "\n==> x.sql <==\n", "'\n==> x.sql <==\n'", '==> x.sql <==', "\n-- x.sql\n", '-- message: y', '--', '-- ', '---',
	"'", "''", '"', "E'\\''", "'\\'", "U&'\\0041'", '$$', '$a$', '$cmig_load$', '$1', '/*', '*/', '/* /* */',
	'BEGIN;', 'COMMIT;', 'begin', 'END', 'BEGIN ATOMIC', 'SET standard_conforming_strings = off;',
	"\\q", "\\", ':x', '@', 'é', 'ß', '漢字', "\x{1F600}", "\x{FEFF}", "\x{A0}", "\x{2028}", 'x' x 5000,
	"\$\$\n-- cmig:downgrade\n\$\$", "/*\n-- revision: 003\n*/", "'\n-- cmig:verify\n'", "\"\n-- cmig:upgrade\n\"",
	"'a'\n-- cmig:downgrade\n'b'");

sub random_text
{
	my $text = '';

	$text .= (rand() < 0.95 ? $tame[ rand @tame ] : $wild[ rand @wild ]) . (rand() < 0.4 ? "\n" : '') for 1 .. int(rand 12);
	return $text;
}

sub literal
{
	my ($text) = @_;

	return 'NULL' unless defined $text;
	$text =~ s/\\/\\\\/g;
	$text =~ s/'/''/g;
	utf8::encode($text);
	return " E'$text'";
}

{
	my $one = new_db();
	my $other = new_db();
	my $sql = "SET standard_conforming_strings = on; SET client_encoding = 'UTF8';\n";

	for my $i (1 .. $texts)
	{
		my $big = $i == $texts;

		$sql .= sprintf
		  "INSERT INTO cmig.revision (revision, message, description, upgrade_sql, downgrade_sql, verify_sql) VALUES ('r%d', %s, %s, %s, %s, %s);\n",
		  $i, literal(!$big && rand() < 0.1 ? random_text() : 'm'), literal(!$big && rand() < 0.2 ? random_text() : ''),
		  literal($big ? "SELECT 1;\n" . ("\$\$\n-- cmig:downgrade\n\$\$ é\n" x 40000) : random_text()),
		  literal($big || rand() < 0.3 ? undef : random_text()), literal($big || rand() < 0.6 ? undef : random_text());
	}
	# texts that could not be read back are refused; all others make the round
	# trip
	query($node, $one, $sql . <<'END_SQL');
CREATE TABLE refused (revision text, state text, message text);
DO $$
DECLARE
	id text;
BEGIN
	FOR id IN SELECT revision FROM cmig.revision LOOP
		BEGIN
			PERFORM cmig.export(id);
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO refused VALUES (id, SQLSTATE, SQLERRM);
		END;
	END LOOP;
END
$$;
DELETE FROM cmig.revision WHERE revision IN (SELECT revision FROM refused);
END_SQL
	is(query($node, $one, q{SELECT DISTINCT state FROM refused}), 'MG013', 'a text that cannot be a file is refused');
	my $left = query($node, $one, 'SELECT count(*) FROM cmig.revision');
	cmp_ok($left, '>', $texts / 5, "many others can be files ($left of $texts)");
	is(query($node, $one, "SELECT length(upgrade_sql) > 1000000 FROM cmig.revision WHERE revision = 'r$texts'"), 't',
		'one of them has a megabyte');

	my @names = export_to("$dir/texts", $one, '%(rev)s');
	is(scalar @names, $left, 'each revision has its file');
	# a dollar quote around the texts is not possible, because they contain all
	# kinds of dollar quotes
	my $all = "$dir/all.sql";
	system("cat $dir/texts/*.sql >$all; chmod 644 $all") == 0 or die;
	my $load = "SELECT action, count(*) FROM cmig.load(pg_read_file('$all')) GROUP BY 1";
	is(query($node, $one, $load), "unchanged|$left", 'all in one text: unchanged in the same database');
	is(query($node, $other, $load), "added|$left", 'the text can be loaded into another database');
	export_to("$dir/texts.2", $other, '%(rev)s');
	is(`diff -r $dir/texts $dir/texts.2`, '', 'the other database exports the same files');
}

# CRLF and no newline at the end
{
	my $db = new_db();

	load_folder($db, chain_files('mindbridge'));
	for my $file (chain_files('mindbridge'))
	{
		my $text = slurp_file($file);

		$text =~ s/\n/\r\n/g;
		append_to_file("$dir/crlf_" . ($file =~ s{.*/}{}r), $text);
		$text =~ s/\s+\z//;
		append_to_file("$dir/cut_" . ($file =~ s{.*/}{}r), $text);
	}
	is(load_folder($db, glob "$dir/crlf_*.sql"), 'unchanged|5', 'CRLF line ends: unchanged');
	is(load_folder($db, glob "$dir/cut_*.sql"), 'unchanged|5', 'no newline at the end: unchanged');
}

# a file of more than 100 MB
{
	my $db = new_db();

	query($node, $db, q{INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql)
		SELECT 'big', string_agg(format('INSERT INTO t VALUES (%s, %L);', i, repeat('é', 5000)), E'\n'), ''
		FROM generate_series(1, 11000) i});
	system(q{psql -XAt -d '} . $node->connstr($db) . qq{' -c "SELECT content FROM cmig.export('big')" >$dir/big.sql}) == 0 or die;
	cmp_ok(-s "$dir/big.sql", '>', 100 * 1024 * 1024, 'a file of more than 100 MB');
	is(load_folder($db, "$dir/big.sql"), 'unchanged|1', 'the large file is exported and loaded unchanged');
	unlink "$dir/big.sql";
}

# different encodings in the database and the client
{
	my $utf8 = new_db();
	my $latin = new_db('LATIN1');
	my ($out, $err);

	query($node, $utf8, qq{SET client_encoding = 'UTF8'; SELECT cmig.create_revision('Ünïcode', E'COMMENT ON SCHEMA public IS ''\\u00e9''', revision => 'ü')});
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	my @names = export_to("$dir/utf8", $utf8, '%(rev)s_%(slug)s');
	is("@names", 'ü_ünïcode.sql', 'a name beyond ASCII');
	load_folder($latin, "$dir/utf8/$names[0]");
	export_to("$dir/latin1", $latin, '%(rev)s_%(slug)s');
	is(`diff -r $dir/utf8 $dir/latin1`, '', 'the name is the same in a database with another encoding');
	is(query($node, $utf8, q{SET client_encoding = 'UTF8'; SELECT string_agg(chr(n), '' ORDER BY n)
		FROM generate_series(160, 255) n, cmig.draft('a' || chr(n) || 'b') WHERE file_name !~ '_a_?b\.sql$'}),
		'ª²³µ¹º¼½¾ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ', 'letters and numbers are kept, other characters are not');
}

$node->stop;
done_testing();
