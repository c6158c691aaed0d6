# Copyright (c) 2026, the pg_cmig developers

# Tests that the documents are complete and that their examples print what they show.
#
# The test runs every example in README.md, in the README.md of each chain, and in
# the documents in doc/.  (doc/production.md, doc/pytest.md, and doc/frameworks have their own tests,
# because their examples need drivers or frameworks.)  DocExamples.pm describes what is run, and how.  If the output of an
# example was changed on purpose, the test leaves a copy of the document with the new
# output in tmp_check.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CmigNode;
use DocExamples;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/..";
my $node = new_node('readme');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN CREATEDB');

my @documents = @ARGV ? @ARGV
  : ("$top/README.md", glob("$top/migrations/*/README.md"), grep { !/production|pytest/ } glob("$top/doc/*.md $top/doc/reference/*.md"));
foreach my $path (map { Cwd::abs_path($_) } @documents)
{
	my $mode = $path =~ m{reference/|migrations|tutorial|tenants} ? 'whole' : 'sections';

	DocExamples->new($node, $path, $mode)->run;
}

# Every object has a comment, and the reference mentions everything that users
# can see.
my $index = slurp_file("$top/doc/reference.md");
my $reference = join "\n", map { slurp_file($_) } glob("$top/doc/reference/*.md");
my $unnamed = sub { join ', ', grep { $reference !~ /(?<![\w.])\Q$_\E(?!\w)/ } @_ };
my $list = sub { split /\n/, $node->safe_psql('complete', $_[0]) };
my $tables = "pg_class c WHERE relnamespace = 'cmig'::regnamespace AND relkind IN ('r', 'v')";
my $columns = "pg_attribute a, $tables AND attrelid = c.oid AND attnum > 0 AND NOT attisdropped";

$node->safe_psql('postgres', 'CREATE DATABASE complete');
$node->safe_psql('complete', 'CREATE EXTENSION pg_cmig');

is(join(', ', $list->("SELECT oid::regprocedure FROM pg_proc
	WHERE pronamespace = 'cmig'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL ORDER BY 1")),
	'', 'every function has a comment');
is(join(', ', $list->("SELECT relname FROM $tables AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY 1")),
	'', 'every table and view has a comment');
is($unnamed->($list->("LOAD 'pg_cmig'; SELECT name FROM pg_settings WHERE name LIKE 'cmig.%' ORDER BY 1")),
	'', 'the reference names every setting');
is($unnamed->(map { join '', /'(\w)'/g } slurp_file("$top/src/base/errors.h") =~ /MAKE_SQLSTATE\(([^)]*)\)/g),
	'', 'the reference names every error code');

# Everything that the documents mention, even in tables and sentences, exists, or the
# document says that it does not exist yet.
my %known = map { $_ => 1 } $list->("LOAD 'pg_cmig';
	SELECT proname FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace
	UNION SELECT relname FROM pg_class WHERE relnamespace = 'cmig'::regnamespace
	UNION SELECT substr(name, 6) FROM pg_settings WHERE name LIKE 'cmig.%'");
$known{conf} = 1;	# cmig.conf of the command line
foreach my $path (@documents, glob("$top/doc/frameworks/*.md"), map { "$top/$_" } qw(doc/production.md doc/pytest.md CONTRIBUTING.md SECURITY.md CHANGELOG.md))
{
	my %unknown;

	foreach my $line (grep { !/not there yet/ } split /\n/, slurp_file($path))
	{
		$unknown{$_} = 1 foreach grep { !$known{$_} } $line =~ /\bcmig\.(\w+)(?!\w|\*|…)/g;
	}
	is(join(', ', sort keys %unknown), '', ($path =~ s{.*?([^/]+/[^/]+)$}{$1}r) . ' names nothing that is not there');
}

is(join(', ', $list->("SELECT relname || '.' || attname FROM $columns
	AND col_description(c.oid, attnum) IS NULL ORDER BY 1")),
	'', 'every column has a comment');
is($unnamed->($list->("SELECT DISTINCT 'cmig.' || proname FROM pg_proc
	WHERE pronamespace = 'cmig'::regnamespace ORDER BY 1")),
	'', 'the reference names every function');
is(join(', ', grep { $index !~ /^\| .*`\Q$_\E`.*\]\(reference/m } $list->("SELECT DISTINCT 'cmig.' || proname FROM pg_proc
	WHERE pronamespace = 'cmig'::regnamespace UNION SELECT 'cmig.' || relname FROM $tables ORDER BY 1")),
	'', 'the index of the reference leads to every function and table');
is($unnamed->($list->("SELECT 'cmig.' || relname FROM $tables ORDER BY 1")),
	'', 'the reference names every table and view');
is($unnamed->($list->("SELECT DISTINCT attname FROM $columns ORDER BY 1")),
	'', 'the reference names every column');
is($unnamed->($list->("SELECT DISTINCT n FROM pg_proc, unnest(proargnames) n
	WHERE pronamespace = 'cmig'::regnamespace AND n <> '' ORDER BY 1")),
	'', 'the reference names every argument and result column');

my $examples = join "\n", $reference =~ /^(?:=>|\$) (.*(?:\n(?![ =\w-]|```).*)*)/mg;
is(join(', ', grep { $examples !~ /\b\Q$_\E\(/ && !/^cmig\.((audit|journal|ddl)_trigger|ddl_event|expansion_(begin|write|mark|unset|view|key))$/ }
	$list->("SELECT DISTINCT 'cmig.' || proname FROM pg_proc
	WHERE pronamespace = 'cmig'::regnamespace ORDER BY 1")),
	'', 'the reference has an example of every function');

done_testing();
