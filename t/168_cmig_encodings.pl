# Copyright (c) 2026, the pg_cmig developers

# The command line where the database or the shell does not have the encoding UTF8.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('encodings');
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->start;
chdir $dir or die;
delete @ENV{qw(PGAPPNAME DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'latin');
$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
$node->safe_psql('latin', 'CREATE EXTENSION pg_cmig');
mkdir $_ for 'migrations', 'flyway';

# a byte order mark is no character that the encoding must have: of a revision, of a target schema, or of a migration
my $mark = "\xef\xbb\xbf";
append_to_file('migrations/001.sql', "$mark-- revision: 001\r\n-- message: gr\xc3\xb6\xc3\x9fe\r\n-- cmig:upgrade\r\nCREATE TABLE \"gr\xc3\xb6\xc3\x9fe\" (id int);\r\n");
append_to_file('target.sql', "${mark}CREATE TABLE \"gr\xc3\xb6\xc3\x9fe\" (id int);\n");
append_to_file('flyway/V2__two.sql', "${mark}CREATE TABLE two (id int);\n");
gives(0, 'at 001', "base -> 001, gr\xc3\xb6\xc3\x9fe", 'upgrade', '-y');
gives(0, 'no differences', '^$', 'diff', '--target', 'target.sql');
gives(0, 'imported/2_two\.sql', '', 'import', 'flyway', 'flyway', '--to', 'imported');

# what the encoding does not have
append_to_file('migrations/002.sql', "-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT 'a';\nSELECT '\xe2\x82\xac';\n");
gives(3, '^$', "has no equivalent in encoding \"LATIN1\"\nHINT:  The encoding of the database does not have the character \xe2\x82\xac, which is in line 5 of \"migrations/002.sql\"\\. Replace it", 'upgrade', '-y');
unlink 'migrations/002.sql';

# a terminal takes U+009B for the beginning of a command, also where cmig sees two bytes
$node->safe_psql('postgres', "CREATE DATABASE shop ENCODING 'UTF8' TEMPLATE template0");
$node->safe_psql('shop', "CREATE EXTENSION pg_cmig; CREATE TABLE \"a\xc2\x9b2Jb\" ()");
{
	local @ENV{qw(PGDATABASE LC_ALL)} = ('shop', 'C');
	gives(1, '^(?!.*\xc2\x9b).*"a\?2Jb"', '^(?!.*\xc2\x9b)', 'drift', '--no-load');
	$node->safe_psql('shop', "SELECT FROM cmig.create_revision('c\xc2\x9b2Jd', '', revision => '1')");
	gives(0, '^o 1 [-0-9]+ c 2Jd$', '^$', 'graph', '--no-load');
	$node->safe_psql('shop', q{SELECT FROM cmig.remove_revision('1')});
}

# a file with a long line, for which some versions of awk take minutes, is read as the others are, and not by awk
{
	my $awk = (grep { -x } map { "$_/awk" } split /:/, $ENV{PATH})[0];
	my $long = 'x' x 2_100_000;
	my @texts = ("-- revision: b\n-- cmig:upgrade\nSELECT 'it''s \\', E'\\'';\r\n", "-- revision: c\n-- down_revision: b\n-- cmig:upgrade\nSELECT '${mark}LONG';\n",
		"$mark-- revision: d\n-- down_revision: c\n-- cmig:upgrade\nSELECT 'LONG', 'it''s \\', E'\\\\n\\'';\r\n\nSELECT 'no end'", "-- revision: e\n-- down_revision: d\n-- cmig:upgrade\nSELECT ':a';\n");
	my @stored;

	mkdir $_ for 'long', 'bin';
	append_to_file('bin/awk', qq{#!/bin/sh\nfor file; do [ ! -f "\$file" ] || [ "\$(wc -c <"\$file")" -lt 2000000 ] || exit 1; done\nexec $awk "\$@"\n});
	chmod 0755, 'bin/awk';
	local @ENV{qw(PGDATABASE PATH)} = ('shop', "$dir/bin:$ENV{PATH}");
	foreach my $filled ('x', $long)
	{
		unlink glob('long/*');
		append_to_file("long/$_.sql", $texts[$_] =~ s/LONG/$filled/r) for 0 .. $#texts;
		gives(0, ' e +\| added', '^$', '--folder', 'long', 'load');
		push @stored, $node->safe_psql('shop', "SELECT string_agg(replace(r::text, '$filled', ''), '') FROM (SELECT revision, down_revision, upgrade_sql FROM cmig.revision ORDER BY 1) r");
		$node->safe_psql('shop', 'DELETE FROM cmig.revision');
	}
	is($stored[1], $stored[0], 'a long line');
	chmod 0, 'long/3.sql';
	gives(2, '', 'long/3.sql cannot be read', '--folder', 'long', 'load') if $> != 0;
}

# a tool that does not exist, in a folder that does not
gives(3, '^$', 'unknown format "flywy"', 'import', 'flywy', 'nowhere');
gives(2, '^$', "is in alembic\\.ini: app\nFor .*: cmig import alembic -c app/alembic\\.ini\n\$", 'import', 'alembic', 'app');
gives(2, '^$', 'the folder nowhere does not exist', 'import', 'flyway', 'nowhere');

done_testing();
