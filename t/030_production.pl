# Copyright (c) 2026, the pg_cmig developers

# Runs every example in doc/production.md, and tests that it prints what the page
# shows; see DocExamples.pm.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use DocExamples;
use PostgreSQL::Test::Utils;
use Test::More;

my @missing = grep { defined } (
	need_tool('python3-psycopg', 'python3', '-c', 'import psycopg') ? undef : 'psycopg',
	need_tool('python3-sqlalchemy', 'python3', '-c', 'import psycopg2, sqlalchemy') ? undef : 'SQLAlchemy',
	need_tool('pgbouncer', 'pgbouncer', '--version') ? undef : 'PgBouncer',
	need_tool('node-pg', 'node', '-e', 'require("pg")') ? undef : 'node-pg');
plan skip_all => "not installed: @missing" if @missing;

my $node = new_node('production', 'max_connections = 40');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN');
DocExamples->new($node, "$CmigNode::top/doc/production.md")->run;

$node->stop;
done_testing();
