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
# what is needed for a page
my %needed = (
	sqlalchemy => [ 'python3', '-c', 'import sqlalchemy' ],
	django => [ 'python3', '-c', 'import django, psycopg2' ],
	prisma => [ 'node', '-e', "require('$npm/node_modules/\@prisma/adapter-pg')" ],
	drizzle => [ 'node', '-e', "require('$npm/node_modules/drizzle-orm')" ],
	rails => [ 'ruby', '-e', 'require "rails"; require "active_record/railtie"; require "pg"' ]);
# what is needed for a program in a page.  scripts/check installs neither a JDK nor, without
# "all", Go.
my @jars = map { jar($_) } (map { "spring3-$_" } qw(aop beans context core expression jdbc transaction)), 'commons-logging', 'postgresql';
my %programs = (
	sqlalchemy => [ 'fastapi', 1, 'python3', '-c', 'import fastapi, httpx, psycopg2' ],
	go => [ 'go', 0, 'sh', '-c', 'command -v go && test -d "${GOPATH:-/usr/share/gocode}/src/github.com/lib/pq"' ],
	spring => [ 'spring', 0, 'sh', '-c', 'command -v javac && for jar; do test -e "$jar" || exit; done', 'sh', @jars ]);
my $node = new_node('frameworks', q{listen_addresses = '127.0.0.1'});

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN CREATEDB');
# the pages do not say how the programs are installed
@ENV{qw(PYTHONDONTWRITEBYTECODE NPM_CONFIG_UPDATE_NOTIFIER CHECKPOINT_DISABLE)} = (1, 'false', 1);
# nor what newer versions of libraries say about each other
$ENV{PYTHONWARNINGS} = 'ignore';
@ENV{qw(GO111MODULE GOPATH GOCACHE)} = ('off', $ENV{GOPATH} // '/usr/share/gocode', PostgreSQL::Test::Utils::tempdir());
@ENV{qw(CLASSPATH SPRING_DATASOURCE_URL)} = (join(':', '.', @jars), 'jdbc:postgresql://127.0.0.1:' . $node->port . '/shop?user=shop');
delete $ENV{DATABASE_URL};
foreach my $path (glob "$CmigNode::top/doc/frameworks/*.md")
{
	my ($name) = $path =~ m{([^/]+)\.md$};
	my $is_js = $name =~ /^(prisma|drizzle)$/;
	my @missing;

  SKIP:
	{
		my ($program, $is_installed, @command) = @{ $programs{$name} // [] };

		skip "$name is not installed", 1 if $is_js && !$npm || $needed{$name} && !need_tool($name, @{ $needed{$name} });
		if ($program)
		{
			local $ENV{PG_CMIG_TEST_NO_SKIP} = $is_installed ? $ENV{PG_CMIG_TEST_NO_SKIP} : 0;
			push @missing, $program unless need_tool($program, @command);
		}
		my $page = DocExamples->new($node, $path, 'whole', @missing);
		$page->prepare("ln -s '$npm/node_modules' node_modules") if $is_js;
		$page->prepare("cp -R '$CmigNode::top/t/data/rails/.' .") if $name eq 'rails';
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
  SKIP:
	{
		skip "the program in doc/frameworks/$name.md: $missing[0] is not installed", 1 if @missing;
	}
}

$node->stop;
done_testing();
