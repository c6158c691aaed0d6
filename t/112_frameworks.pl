# Copyright (c) 2026, the pg_cmig developers

# Runs the pages in doc/frameworks, and tests that they print what they show; see
# DocExamples.pm.  Pages whose framework is not installed are skipped.  scripts/check
# installs Prisma and Drizzle in the folder PG_CMIG_NPM.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use DocExamples;
use PostgreSQL::Test::Utils;
use Test::More;

my $npm = $ENV{PG_CMIG_NPM};
my %needed = (
	sqlalchemy => [ 'python3', '-c', 'import sqlalchemy' ],
	django => [ 'python3', '-c', 'import django, psycopg2' ],
	prisma => [ 'node', '-e', "require('$npm/node_modules/\@prisma/adapter-pg')" ],
	drizzle => [ 'node', '-e', "require('$npm/node_modules/drizzle-orm')" ]);
my $node = new_node('frameworks');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN CREATEDB');
# the pages do not say how the programs are installed
@ENV{qw(PYTHONDONTWRITEBYTECODE NPM_CONFIG_UPDATE_NOTIFIER CHECKPOINT_DISABLE)} = (1, 'false', 1);
delete $ENV{DATABASE_URL};
foreach my $path (glob "$CmigNode::top/doc/frameworks/*.md")
{
	my ($name) = $path =~ m{([^/]+)\.md$};
	my $is_js = $name =~ /^(prisma|drizzle)$/;

  SKIP:
	{
		skip "$name is not installed", 1 if $is_js && !$npm || $needed{$name} && !need_tool($name, @{ $needed{$name} });
		my $page = DocExamples->new($node, $path, 'whole');
		$page->prepare("ln -s '$npm/node_modules' node_modules") if $is_js;
		# the engine that is a program cannot be installed from npm; what Prisma prints about this is "..." in the page
		$page->prepare(<<'END') if $name eq 'prisma';
cat >prisma.config.js <<'CONFIG'
const { PrismaPg } = require('@prisma/adapter-pg');
module.exports = { schema: 'schema.prisma', engine: 'js', experimental: { adapter: true }, adapter: async () => new PrismaPg({ connectionString: 'postgresql:///shop' }) };
CONFIG
touch engine
END
		local @ENV{qw(PRISMA_QUERY_ENGINE_LIBRARY DATABASE_URL)} = ('engine', 'postgresql:///shop') if $name eq 'prisma';
		ok($page->run, "doc/frameworks/$name.md");
	}
}

$node->stop;
done_testing();
