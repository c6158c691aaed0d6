# Copyright (c) 2026, the pg_cmig developers

# How texts of other tools, and of the database, are read: Drizzle's journal, verify scripts of
# Sqitch, authors of Liquibase, a comment that resembles a header, and long scripts that cmig shows.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('read_texts');

$node->start;
chdir PostgreSQL::Test::Utils::tempdir() or die $!;
delete @ENV{qw(PGAPPNAME DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');

query($node, 'postgres', 'CREATE EXTENSION IF NOT EXISTS pg_cmig');

# the journal is JSON: escapes, braces in strings, nested objects, and members in any order
my $journal = sub {
	my ($text, $files) = @_;

	$files //= q{ARRAY['0_a"b.sql', '1_{x}.sql']};
	return "SELECT string_agg(concat_ws(' ', file_name, substring(content FROM 'create_date: [^\\n]*'), note), E'\\n')"
	  . " FROM cmig.import_files('drizzle', $files || 'meta/_journal.json'::text, array_fill('SELECT 1'::text, ARRAY[cardinality($files)]) || '$text'::text)";
};
is( query($node, 'postgres', $journal->(
			q({"entries": [{"meta": {"tag": "x", "when": 5}, "when": 1704067200123, "tag": "0_a\"b"}, {"breakpoints": "}", "tag": "1_\u007bx\u007d", "when": 5.5}], "dialect": "\u0070ostgresql"}))),
	qq(0_a_b.sql create_date: 2024-01-01 00:00:00.123000+00\n1__x_.sql create_date: 1970-01-01 00:00:00.005000+00),
	'a journal with escapes');
is( query($node, 'postgres', $journal->($_, "ARRAY['0_a.sql']")),
	'0_a.sql left out, because drizzle-kit runs only what meta/_journal.json names', "a journal without entries: $_")
  foreach '{"entries": []}', '{"entries": 7}', '[]', '{}';
fails_with($node, 'postgres', $journal->('{"entries": [{"tag": "0_a"},}', "ARRAY['0_a.sql']"), '22P02', 'invalid input syntax for type json.*file "meta/_journal.json"', 'a journal that is not JSON');

# the ROLLBACK at the end of a verify script
my %verify = (
	"SELECT 1;\nROLLBACK;" => 'SELECT 1;',
	"BEGIN;\nSELECT 1;\nROLLBACK;" => 'SELECT 1;',
	"begin work;\nSELECT 1;\nrollback transaction ; -- done" => 'SELECT 1;',
	"SELECT 1;\nROLLBACK" => 'SELECT 1;',
	"SELECT 1 AS\nROLLBACK;" => "SELECT 1 AS\nROLLBACK;",
	"SELECT 1;\nROLLBACK AND CHAIN;" => 'to be written: its verify script cannot run: statement 2, line 2: ROLLBACK is not allowed',
	"BEGIN;\nSELECT 1;\nROLLBACK;\nSELECT 2;\nROLLBACK;" => 'to be written: its verify script cannot run: statement 1, line 1: BEGIN is not allowed');
foreach my $script (sort keys %verify)
{
	like( query($node, 'postgres', "SELECT coalesce(note, '') || substring(content FROM '-- cmig:verify.*') FROM cmig.import_files('sqitch', '{sqitch.plan,deploy/a.sql,verify/a.sql}', "
			  . "ARRAY[E'%project=x\\na 2024-01-01T10:00:00Z Ann <a\@b>\\n', 'CREATE TABLE a ();', '$script'])"),
		$verify{$script} =~ /^to be/ ? qr/^\Q$verify{$script}\E/ : qr/^-- cmig:verify\n\Q$verify{$script}\E$/,
		"verify script: $script");
}

# the author of a change set of Liquibase can contain spaces and, in quotes, colons
is( query($node, 'postgres', <<'END'),
SELECT string_agg(concat_ws(' ', substring(content FROM 'revision: ([^\n]*)'), note), E'\n')
FROM cmig.import_files('liquibase', '{a.sql}', ARRAY[E'--liquibase formatted sql\n--changeset John Doe:1\nSELECT 1;\n--changeset John Doe:2 labels:x\nSELECT 2;
--changeset "J: D":"3 4"\nSELECT 3;\n--changeset ann : 5\nSELECT 5;\n'])
END
	"John_Doe.1\nJohn_Doe.2 the attribute labels:x is ignored\nJ__D.3_4\nann.5", 'authors of change sets');

# a comment in the first line of another tool's file does not make it a revision of pg_cmig
mkdir 'sql';
append_to_file('sql/V1__a.sql', "-- revision: 3 by Ann\nSELECT 1;\n");
append_to_file('sql/V2__b.sql', "-- revision: 2\n-- cmig:upgrade\nSELECT 2;\n");
append_to_file('sql/V3__c.sql', "SELECT 3;\n");
gives(0, 'to/1_a.sql\nto/3_c.sql\n', '^$', 'import', 'flyway', 'sql', '--to', 'to');
like(slurp_file('to/1_a.sql'), qr/^-- cmig:upgrade\n-- \| revision: 3 by Ann\nSELECT 1;$/m, 'the comment is kept');

# A long script is not read byte by byte.
SKIP:
{
	skip '/proc/self/io is not readable', 1 unless -r '/proc/self/io';
	my $text = "SELECT '" . 'x' x 90 . "';\n";

	append_to_file('migrations/1_long.sql', "-- revision: 1\n-- message: Long\n\n-- cmig:upgrade\n" . $text x 10000) if mkdir 'migrations';
	command_like([ 'cmig', 'load' ], qr/1 +. added/, 'a long script is loaded');
	# the numbers of a process include those of its children
	my $reads = `bash -c 'cmig show 1 >show.out && sed -n "s/^syscr: //p" /proc/\$\$/io'`;
	is(slurp_file('show.out') =~ s/^ +SELECT 'x+';\n//mgr =~ tr/x//, 0, 'the script is shown');
	cmp_ok($reads, '<', 200_000, 'reads');
	command_checks_all([ 'bash', '-c', 'trap "" XFSZ; ulimit -f 100; cmig show 1' ], 2, [qr/^$/], [qr/^cmig: [^\n]* cannot be written\n$/], 'the file is too large');
	local $ENV{TMPDIR} = '/nonexistent';
	command_ok([ 'bash', '-c', 'cmig show 1 | cmp - show.out' ], 'without a temporary file');
}

$node->stop;
done_testing();
