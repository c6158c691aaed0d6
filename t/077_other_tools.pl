# Copyright (c) 2026, the pg_cmig developers

# Moving from other migration tools, with the tools themselves.  A tool runs half
# of its migrations; its files and its state are imported, and pg_cmig runs the
# rest.  The schema is that of a database in which the tool ran everything.
#
# Tools are searched on the PATH and in the folder PG_CMIG_TOOLS, for example the
# node_modules/.bin of npm install dbmate drizzle-kit drizzle-orm graphile-migrate
# node-pg-migrate pg.  Those that are not there are skipped.

use strict;
use warnings;

use File::Path qw(make_path);
use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PATH} = "$ENV{PG_CMIG_TOOLS}:$ENV{PATH}" if $ENV{PG_CMIG_TOOLS};

# Each tool: how it is found, how it runs all files of the current folder, its
# files, and those that only the second half has or that are different in it.
# DB and FOLDER are replaced in the commands.
my $index = "CREATE INDEX CONCURRENTLY users_name_idx ON users (name);\n";
my %tools = (
	'dbmate' => {
		found => [ 'dbmate', '--version' ],
		run => [ 'dbmate', '--no-dump-schema', '--migrations-dir', '.', 'up' ],
		files => {
			'20240101000000_users.sql' => "-- migrate:up\nCREATE TABLE users (id int PRIMARY KEY, name text);\n-- migrate:down\nDROP TABLE users;\n",
			'20240102000000_function.sql' => "-- migrate:up\nCREATE FUNCTION f() RETURNS text LANGUAGE sql AS \$\$SELECT ';'\$\$;\n-- migrate:down\nDROP FUNCTION f;\n",
		},
		later => {
			'20240103000000_index.sql' => "-- migrate:up transaction:false\n$index-- migrate:down transaction:false\nDROP INDEX users_name_idx;\n",
			'20240104000000_email.sql' => "-- migrate:up\nALTER TABLE users ADD email text;\n-- migrate:down\nALTER TABLE users DROP email;\n",
		},
	},
	'drizzle' => {
		found => [ 'drizzle-kit', '--version' ],
		run => [ 'drizzle-kit', 'migrate', '--config', 'drizzle.config.js' ],
		files => {
			'drizzle.config.js' => "module.exports = { dialect: 'postgresql', out: '.', schema: './schema.js', dbCredentials: { url: 'URL' } };\n",
			'0000_users.sql' => "CREATE TABLE \"users\" (\"id\" serial PRIMARY KEY, \"name\" text);\n--> statement-breakpoint\nCREATE INDEX \"users_name\" ON \"users\" (\"name\");\n",
			'meta/_journal.json' => '{"version": "7", "dialect": "postgresql", "entries": [{"idx": 0, "version": "7", "when": 1704067200123, "tag": "0000_users", "breakpoints": true}]}',
		},
		later => {
			'0001_email.sql' => "ALTER TABLE \"users\" ADD COLUMN \"email\" text;\n",
			'meta/_journal.json' => '{"version": "7", "dialect": "postgresql", "entries": [{"idx": 0, "version": "7", "when": 1704067200123, "tag": "0000_users", "breakpoints": true},'
			  . '{"idx": 1, "version": "7", "when": 1704153600456, "tag": "0001_email", "breakpoints": true}]}',
		},
	},
	'graphile-migrate' => {
		found => [ 'graphile-migrate', '--version' ],
		run => [ 'graphile-migrate', 'migrate' ],
		placeholders => '{"APP_USER": "app"}',
		files => {
			'.gmrc' => '{"connectionString": "URL", "placeholders": {":APP_USER": "app"}, "migrationsFolder": "FOLDER"}',
			'committed/000001.sql' => "--! Previous: -\n--! Hash: sha1:0000000000000000000000000000000000000001\n--! AllowInvalidHash\n\nCREATE TABLE users (id int PRIMARY KEY, name text);\nGRANT SELECT ON users TO :APP_USER;\n",
		},
		later => {
			'committed/000002-index.sql' => "--! Previous: sha1:0000000000000000000000000000000000000001\n--! Hash: sha1:0000000000000000000000000000000000000002\n--! AllowInvalidHash\n--! Message: index\n\n--! no-transaction\n$index",
			'committed/000003.sql' => "--! Previous: sha1:0000000000000000000000000000000000000002\n--! Hash: sha1:0000000000000000000000000000000000000003\n--! AllowInvalidHash\n\nALTER TABLE users ADD email text;\n",
		},
	},
	'node-pg-migrate' => {
		found => [ 'node-pg-migrate', '--version' ],
		run => [ 'node-pg-migrate', 'up', '-m', '.', '--ignore-pattern', '.*\.js' ],
		files => {
			'1700000000000_users.sql' => "-- Up Migration\nCREATE TABLE users (id int PRIMARY KEY, name text);\n-- Down Migration\nDROP TABLE users;\n",
			'1700000000001_more-users.sql' => "ALTER TABLE users ADD more text;\n",
		},
		later => { '1700000000002_email.sql' => "-- Up Migration\nALTER TABLE users ADD email text;\n-- Down Migration\nALTER TABLE users DROP email;\n" },
	},
	'sqitch' => {
		found => [ 'sqitch', '--version' ],
		run => [ 'sqitch', 'deploy', '--set', 'name=text', 'db:pg:DB' ],
		placeholders => '{"name": "text"}',
		needed => 1,
		files => {
			'sqitch.conf' => "[core]\n\tengine = pg\n[user]\n\tname = Ann\n\temail = ann\@example.com\n",
			'sqitch.plan' => "%syntax-version=1.0.0\n%project=shop\n\n"
			  . "users 2024-01-01T10:00:00Z Ann <ann\@example.com> # Users\nfn [users] 2024-01-02T10:00:00Z Ann <ann\@example.com> # A function\n"
			  . "\@v1 2024-01-02T11:00:00Z Ann <ann\@example.com> # One\n",
			'deploy/users.sql' => "-- Deploy shop:users to pg\nBEGIN;\nCREATE TABLE users (id int PRIMARY KEY, name :name);\nCOMMIT;\n",
			'revert/users.sql' => "BEGIN;\nDROP TABLE users;\nCOMMIT;\n",
			'verify/users.sql' => "BEGIN;\nSELECT id, name FROM users WHERE false;\nROLLBACK;\n",
			'deploy/fn.sql' => "BEGIN;\nCREATE FUNCTION fn() RETURNS int LANGUAGE sql AS 'SELECT 1';\nCOMMIT;\n",
			'revert/fn.sql' => "BEGIN;\nDROP FUNCTION fn();\nCOMMIT;\n",
		},
		later => {
			'sqitch.plan' => "%syntax-version=1.0.0\n%project=shop\n\n"
			  . "users 2024-01-01T10:00:00Z Ann <ann\@example.com> # Users\nfn [users] 2024-01-02T10:00:00Z Ann <ann\@example.com> # A function\n"
			  . "\@v1 2024-01-02T11:00:00Z Ann <ann\@example.com> # One\n\n"
			  . "fn [fn\@v1] 2024-01-03T10:00:00Z Ann <ann\@example.com> # A better function\nindex [users] 2024-01-04T10:00:00Z Ann <ann\@example.com>\n",
			'deploy/fn@v1.sql' => "BEGIN;\nCREATE FUNCTION fn() RETURNS int LANGUAGE sql AS 'SELECT 1';\nCOMMIT;\n",
			'revert/fn@v1.sql' => "BEGIN;\nDROP FUNCTION fn();\nCOMMIT;\n",
			'deploy/fn.sql' => "BEGIN;\nCREATE OR REPLACE FUNCTION fn() RETURNS int LANGUAGE sql AS 'SELECT 2';\nCOMMIT;\n",
			'revert/fn.sql' => "BEGIN;\nCREATE OR REPLACE FUNCTION fn() RETURNS int LANGUAGE sql AS 'SELECT 1';\nCOMMIT;\n",
			'deploy/index.sql' => $index,
			'revert/index.sql' => "DROP INDEX CONCURRENTLY users_name_idx;\n",
		},
	},
	'yoyo' => {
		found => [ 'yoyo', '--help' ],
		run => [ 'yoyo', 'apply', '--batch', '--no-config-file', '--database', 'YOYO', '.' ],
		files => {
			'0001.users.sql' => "-- Users\n-- depends:\nCREATE TABLE users (id int PRIMARY KEY, name text);\n",
			'0001.users.rollback.sql' => "DROP TABLE users;\n",
		},
		later => { '0002.email.sql' => "-- depends: 0001.users\nALTER TABLE users ADD email text;\n", '0002.email.rollback.sql' => "ALTER TABLE users DROP email;\n" },
	},
);

my $node = new_node('tools');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE app');
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

sub is_found
{
	my ($tool) = @_;

	return need_tool($tool->{found}[0], @{ $tool->{found} }) if $tool->{needed};
	return eval { IPC::Run::run($tool->{found}, '<', \undef, '>&', \my $output) };
}

# The command or file with the database's names
sub with_names
{
	my ($text, $db, $folder) = @_;
	my $host = $node->host;
	my $url = "postgres://postgres\@localhost:" . $node->port . "/$db?host=$host&socket=$host&sslmode=disable";
	my $yoyo = "postgresql://postgres\@/$db?host=$host&port=" . $node->port;

	$url =~ s/&socket=.*// if $text ne 'URL';
	return $text =~ s/YOYO/$yoyo/r =~ s/FOLDER/$folder/r =~ s/URL/$url/r =~ s/\bDB\b/$db/r;
}

# A new database, and a folder with the files in it
sub new_project
{
	my ($db, %files) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	foreach my $name (keys %files)
	{
		make_path("$folder/$1") if $name =~ m{(.*)/};
		append_to_file("$folder/$name", with_names($files{$name}, $db, $folder));
	}
	symlink("$ENV{PG_CMIG_TOOLS}/..", "$folder/node_modules") if $ENV{PG_CMIG_TOOLS} && $db =~ /^drizzle/;
	return $folder;
}

sub run_tool
{
	my ($name, $tool, $db, $folder) = @_;
	my @command = map { with_names($_, $db, $folder) } @{ $tool->{run} };
	my $output;
	local $ENV{DATABASE_URL} = with_names('URL', $db, $folder);
	local $ENV{PGDATABASE} = $db;

	my $done = IPC::Run::run(\@command, '<', \undef, '>&', \$output, init => sub { chdir $folder or die });
	ok($done, "$name runs in $db") or diag($output);
	return $done;
}

# The files of a folder as the arguments of cmig.import_files
sub file_arguments
{
	my (%files) = @_;
	my @names = sort keys %files;
	my $quote = sub { "'" . ($_[0] =~ s/'/''/gr) . "'" };

	return 'ARRAY[' . join(', ', map { $quote->($_) } @names) . '], ARRAY[' . join(', ', map { $quote->($files{$_}) } @names) . ']';
}

sub dump_of
{
	my ($db) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-N', 'cmig', '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err) or die $err;
	return join "\n", grep { !/^(--|$|\\(un)?restrict)|EXTENSION .*pg_cmig/ } split /\n/, $dump;
}

my $ran = 0;
foreach my $name (sort keys %tools)
{
	my $tool = $tools{$name};
	my %all = (%{ $tool->{files} }, %{ $tool->{later} });
	(my $db = $name) =~ s/-/_/g;

SKIP:
	{
		skip "$name is not installed", 1 unless is_found($tool);
		$ran++;

		my $folder = new_project("${db}_only", %all);
		run_tool($name, $tool, "${db}_only", $folder) or last SKIP;
		$folder = new_project("${db}_both", %{ $tool->{files} });
		run_tool($name, $tool, "${db}_both", $folder) or last SKIP;

		my $arguments = file_arguments(%all) . (defined $tool->{placeholders} ? ", '$tool->{placeholders}'" : '');
		query($node, "${db}_both", "CREATE EXTENSION pg_cmig; SELECT cmig.load((SELECT string_agg(content, E'\\n') FROM cmig.import_files('$name', $arguments)))");
		my $state = query($node, "${db}_both", "SELECT count(*), count(revision), count(note) FROM cmig.import_state('$name')");
		like($state, qr/^([1-9])\|\1\|0$/, "$name: its state is known") or diag(query($node, "${db}_both", "SELECT * FROM cmig.import_state('$name')"));
		cmp_ok(query($node, "${db}_both", "SELECT count(*) FROM cmig.plan('upgrade', 'head')"), '>', 0, "$name: some are pending");
		is(query($node, "${db}_both", "SELECT severity FROM cmig.check() WHERE problem ~ 'another migration tool'"), 'notice', "$name: both agree");
		query($node, "${db}_both", "CALL cmig.upgrade_stepwise('head')");
		is(dump_of("${db}_both"), dump_of("${db}_only"), "$name: pg_cmig runs the rest");
		is(query($node, "${db}_both", 'SELECT count(*) FROM cmig.verify() WHERE NOT ok'), '0', "$name: verified") if $name eq 'sqitch';
	}
}
note("$ran tools were there");

done_testing();
