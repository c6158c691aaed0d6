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
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $npm = $ENV{PG_CMIG_NPM};
my %needed = (
	sqlalchemy => [ 'python3', '-c', 'import sqlalchemy' ],
	django => [ 'python3', '-c', 'import django, psycopg2' ],
	prisma => [ 'node', '-e', "require('$npm/node_modules/\@prisma/adapter-pg')" ],
	drizzle => [ 'node', '-e', "require('$npm/node_modules/drizzle-orm')" ]);
# programs that read what the revisions of a page have created, where Debian has the framework:
# what must be installed, and the program
my %programs = (
	go => [ [ 'sh', '-c', 'command -v go && test -d "${GOPATH:-/usr/share/gocode}/src/github.com/lib/pq"' ], 'main.go', ['go', 'run', 'main.go'], <<'END' ],
package main

import (
	"database/sql"
	"fmt"
	_ "github.com/lib/pq"
)

func main() {
	db, err := sql.Open("postgres", "sslmode=disable")
	if err == nil {
		_, err = db.Exec("SELECT cmig.require('head')")
	}
	if err == nil {
		_, err = db.Exec("INSERT INTO account (id, email, name) VALUES ($1, $2, $3)", 7, "a@b", "A")
	}
	var name string
	if err == nil {
		err = db.QueryRow("SELECT name FROM account WHERE id = $1", 7).Scan(&name)
	}
	fmt.Println(name, err)
}
END
	rails => [ [ 'ruby', '-e', 'require "active_record"; require "pg"' ], 'account.rb', [ 'ruby', 'account.rb' ], <<'END' ]);
require "active_record"
ActiveRecord::Base.establish_connection(adapter: "postgresql", database: "shop", host: ENV["PGHOST"], port: ENV["PGPORT"], username: "shop")
class Account < ActiveRecord::Base; end
ActiveRecord::Base.connection.execute("SELECT cmig.require('head')")
Account.create!(id: 7)
puts "#{Account.find(7).id} #{Account.column_names.first}"
END
my %prints = (go => "A <nil>\n", rails => "7 id\n");
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

  SKIP:
	{
		my ($needed, $file, $command, $text) = @{ $programs{$name} // next };
		my ($output, $errors) = ('', '');

		skip "$name is not installed", 1 if !IPC::Run::run($needed, '<', \undef, '>&', \$output);
		my $folder = PostgreSQL::Test::Utils::tempdir();
		append_to_file("$folder/$file", $text);
		local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE GO111MODULE GOPATH GOCACHE HOME)} =
		  ($node->host, $node->port, 'shop', 'shop', 'off', $ENV{GOPATH} // '/usr/share/gocode', $folder, $folder);
		IPC::Run::run($command, '<', \undef, '>', \$output, '2>', \$errors, 'init', sub { chdir $folder or die });
		is($output, $prints{$name}, "$name reads and writes the table") or diag($errors);
	}
}

$node->stop;
done_testing();
