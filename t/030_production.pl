# Copyright (c) 2026, the pg_cmig developers

# Runs every example in doc/production.md and doc/pytest.md, and tests that it prints
# what the page shows; see DocExamples.pm.  Also runs the commands in the files for CI.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use DocExamples;
use PostgreSQL::Test::Utils;
use Test::More;

my %tools = (
	'python3-psycopg' => [ 'python3', '-c', 'import psycopg' ],
	'python3-pytest' => [ 'python3', '-m', 'pytest', '--version' ],
	'python3-sqlalchemy' => [ 'python3', '-c', 'import psycopg2, sqlalchemy' ],
	'pgbouncer' => [ 'pgbouncer', '--version' ],
	'node-pg' => [ 'node', '-e', 'require("pg")' ]);
my %needed = (
	production => [qw(python3-psycopg python3-sqlalchemy pgbouncer node-pg)],
	pytest => [qw(python3-psycopg python3-pytest)]);
my $node = new_node('production', 'max_connections = 40');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN CREATEDB');
foreach my $page (sort keys %needed)
{
  SKIP:
	{
		my @missing = grep { !need_tool($_, @{ $tools{$_} }) } @{ $needed{$page} };
		skip "not installed: @missing", 1 if @missing;
		ok(DocExamples->new($node, "$CmigNode::top/doc/$page.md", $page eq 'pytest' ? 'whole' : 'sections')->run, "doc/$page.md");
	}
}

foreach my $page (qw(github-actions gitlab-ci))
{
	my $project = PostgreSQL::Test::Utils::tempdir();
	my ($commands) = slurp_file("$CmigNode::top/doc/$page.md") =~ /pg_virtualenv bash -e.*\n(?: +run:.*\n)?((?: +cmig .*\n)+)/ or die;

	system_or_bail('cp', '-R', "$CmigNode::top/migrations/mnfst_rag", "$project/migrations");
	$node->safe_psql('postgres', "CREATE DATABASE \"$page\"");
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, $page);
	command_ok([ 'bash', '-ec', "cd '$project'\n" . $commands =~ s/'$//mr ], "doc/$page.md: the commands of the job");
}

$node->stop;
done_testing();
