# Copyright (c) 2026, the pg_cmig developers

# Tests moving from other migration tools, with the tools themselves.  A tool runs half
# of its migrations; then bin/cmig imports the tool's files and state, and runs the
# rest.  The schema must be the same as in a database in which the tool ran everything.
#
# Debian has some of the tools, and npm others: scripts/check installs these in the
# folder PG_CMIG_NPM, without which they are skipped.  In place of the tools that
# neither has, SQL creates the tables that they would create.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path remove_tree);
use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $npm = $ENV{PG_CMIG_NPM};
$ENV{PATH} = "$npm/node_modules/.bin:$npm/node_modules/liquibase/dist/liquibase:$ENV{PATH}" if $npm;
# the tools must not connect to any server except the test's
@ENV{qw(CHECKPOINT_DISABLE LIQUIBASE_ANALYTICS_ENABLED)} = (1, 'false');
# Java starts in half of the processor time
$ENV{JAVA_OPTS} = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};

# For each tool: how its program is found, how it runs all files of the current folder,
# its files, the files that only the second half has or that differ there, and the
# folder to import.  The names of the database and of the folder are replaced.
my $index = "CREATE INDEX CONCURRENTLY users_name_idx ON users (name);\n";
# django_migration(NAME, DEPENDENCIES, OPERATIONS, ATTRIBUTE): a file and its text
sub django_migration
{
	my ($name, $dependencies, $operations, $attribute) = @_;

	return ("shop/migrations/$name.py" => "from django.contrib.postgres.operations import AddIndexConcurrently\nfrom django.db import migrations, models\n\n"
		  . "class Migration(migrations.Migration):\n    dependencies = [$dependencies]\n    operations = [$operations]\n    " . ($attribute // '') . "\n");
}

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
	# the squashed migration stands for two that are applied
	'django' => {
		found => [ 'python3', '-c', 'import django, psycopg2' ],
		needed => 1,
		run => [ 'python3', '-B', 'manage.py', 'migrate' ],
		files => {
			'manage.py' => "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
			'settings.py' => "import os\nprint('settings are read')\nSECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS = ['shop', 'django.contrib.contenttypes']\nDEFAULT_AUTO_FIELD = 'django.db.models.AutoField'\n"
			  . "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'DB', 'HOST': os.environ['PGHOST'], 'PORT': os.environ['PGPORT']}}\n",
			'shop/__init__.py' => '',
			'shop/migrations/__init__.py' => '',
			django_migration('0001_initial', q{('contenttypes', '0001_initial')}, q{
	migrations.CreateModel('User', [('id', models.AutoField(primary_key=True)), ('name', models.CharField(max_length=9, unique=True, default="50%'s"))])}),
			django_migration('0002_email', q{('shop', '0001_initial')}, q{migrations.AddField('User', 'email', models.TextField(null=True))}),
			# the name of the constraint is known only in a database
			django_migration('0003_name', q{('shop', '0002_email')}, q{migrations.AlterField('User', 'name', models.CharField(max_length=9)),
	migrations.RunSQL("INSERT INTO shop_user (name) VALUES ('100%')", migrations.RunSQL.noop)}),
		},
		later => {
			django_migration('0002_squashed_0003', q{('shop', '0001_initial')}, q{migrations.AddField('User', 'email', models.TextField(null=True)),
	migrations.AlterField('User', 'name', models.CharField(max_length=9))}, q{replaces = [('shop', '0002_email'), ('shop', '0003_name')]}),
			django_migration('0004_index', q{('shop', '0003_name')}, q{AddIndexConcurrently('User', models.Index(fields=['name'], name='user_name'))}, 'atomic = False'),
			django_migration('0005_type', q{('shop', '0004_index'), ('contenttypes', '0002_remove_content_type_name')}, q{
	migrations.AddField('User', 'type', models.ForeignKey('contenttypes.ContentType', models.CASCADE, null=True)), migrations.RunPython(migrations.RunPython.noop)}),
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
		files => {
			# -x APP_USER=app is not needed
			'.gmrc' => '{"connectionString": "URL", "placeholders": {":APP_USER": "app"}, "migrationsFolder": "FOLDER"}',
			'committed/000001.sql' => "--! Previous: -\n--! Hash: sha1:0000000000000000000000000000000000000001\n--! AllowInvalidHash\n\nCREATE TABLE users (id int PRIMARY KEY, name text);\nGRANT SELECT ON users TO :APP_USER;\n",
		},
		later => {
			'committed/000002-index.sql' => "--! Previous: sha1:0000000000000000000000000000000000000001\n--! Hash: sha1:0000000000000000000000000000000000000002\n--! AllowInvalidHash\n--! Message: index\n\n--! no-transaction\n$index",
			'committed/000003.sql' => "--! Previous: sha1:0000000000000000000000000000000000000002\n--! Hash: sha1:0000000000000000000000000000000000000003\n--! AllowInvalidHash\n\nALTER TABLE users ADD email text;\n",
		},
	},
	'liquibase' => {
		found => [ 'liquibase', '--version' ],
		runs_in => 'java',
		run => [ 'liquibase', '--changeLogFile=changelog.sql', '--url=JDBC', '--username=' . getpwuid($>), 'update' ],
		files => { 'changelog.sql' => "--liquibase formatted sql\n\n--changeset ann:users\n--comment: Users\nCREATE TABLE users (id int PRIMARY KEY, name text);\n--rollback DROP TABLE users;\n" },
		later => {
			'changelog.sql' => "--liquibase formatted sql\n\n--changeset ann:users\n--comment: Users\nCREATE TABLE users (id int PRIMARY KEY, name text);\n--rollback DROP TABLE users;\n\n"
			  . "--changeset ann:index runInTransaction:false\n$index--rollback DROP INDEX users_name_idx;\n\n"
			  . "--changeset bob:function splitStatements:false\nCREATE FUNCTION f() RETURNS text LANGUAGE sql AS \$\$SELECT ';'\$\$;\n--rollback DROP FUNCTION f;\n",
		},
	},
	'node-pg-migrate' => {
		found => [ 'node-pg-migrate', '--version' ],
		run => [ 'node-pg-migrate', 'up', '-m', 'migrations' ],
		under => 'migrations',
		files => {
			'migrations/1700000000000_users.sql' => "-- Up Migration\nCREATE TABLE users (id int PRIMARY KEY, name text);\n-- Down Migration\nDROP TABLE users;\n",
			'migrations/1700000000001_more-users.sql' => "ALTER TABLE users ADD more text;\n",
		},
		later => {
			'migrations/1700000000002_email.sql' => "-- Up Migration\nALTER TABLE users ADD email text;\n-- Down Migration\nALTER TABLE users DROP email;\n",
			# the tool's dry run prints what these send, and stops at a downgrade that there is not
			'migrations/1700000000003_index.js' => "exports.up = (pgm) => { pgm.noTransaction(); pgm.createIndex('users', 'name', { concurrently: true }); };\nexports.down = false;\n",
			'migrations/1700000000004_posts.js' => "exports.up = (pgm) => { pgm.createTable('posts', { id: 'id', title: { type: 'text', default: \"it's\" } }); };\n",
		},
	},
	# Prisma uses its engine in JavaScript, because the engine that is a separate
	# program cannot be installed from npm.  The adapter does not support the type name.
	'prisma' => {
		found => [ 'node', '-e', "require(process.env.PG_CMIG_NPM + '/node_modules/\@prisma/adapter-pg')" ],
		run => [ 'prisma', 'migrate', 'deploy' ],
		under => 'migrations',
		files => {
			'prisma.config.js' => "const { PrismaPg } = require('\@prisma/adapter-pg');\nconst Result = require('pg/lib/result');\nconst add = Result.prototype.addFields;\n"
			  . "Result.prototype.addFields = function (fields) {\n  fields.forEach((field) => { if (field.dataTypeID === 19) field.dataTypeID = 25; });\n  return add.call(this, fields);\n};\n"
			  . "module.exports = { schema: 'schema.prisma', engine: 'js', experimental: { adapter: true }, migrations: { path: 'migrations' },\n"
			  . "  adapter: async () => new PrismaPg({ connectionString: 'URL' }) };\n",
			'schema.prisma' => qq(datasource db {\n  provider = "postgresql"\n  url = "postgresql://unused"\n}\n),
			'engine' => '',
			'migrations/migration_lock.toml' => qq(provider = "postgresql"\n),
			'migrations/20240101000000_users/migration.sql' => "-- CreateTable\nCREATE TABLE \"users\" (\"id\" SERIAL NOT NULL, \"name\" TEXT, CONSTRAINT \"users_pkey\" PRIMARY KEY (\"id\"));\n",
		},
		later => { 'migrations/20240102000000_email/migration.sql' => "-- AlterTable\nALTER TABLE \"users\" ADD COLUMN \"email\" TEXT;\n\n-- CreateIndex\nCREATE UNIQUE INDEX \"users_email_key\" ON \"users\"(\"email\");\n" },
	},
	'sqitch' => {
		found => [ 'sqitch', '--version' ],
		run => [ 'sqitch', 'deploy', '--set', 'name=text', 'db:pg:DB' ],
		placeholders => ['name=text'],
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
		needed => 1,
		run => [ 'yoyo', 'apply', '--batch', '--no-config-file', '--database', 'YOYO', '.' ],
		files => {
			'0001.users.sql' => "-- Users\n-- depends:\nCREATE TABLE users (id int PRIMARY KEY, name text);\n",
			'0001.users.rollback.sql' => "DROP TABLE users;\n",
		},
		later => { '0002.email.sql' => "-- depends: 0001.users\nALTER TABLE users ADD email text;\n", '0002.email.rollback.sql' => "ALTER TABLE users DROP email;\n" },
	},
);

# Tools that are not run.  Only the table in which they record applied migrations is
# created.
my %written = (
	'diesel' => {
		applied => q{CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now()); INSERT INTO __diesel_schema_migrations VALUES ('00000000000000'), ('20240101000000')},
		files => {
			'00000000000000_diesel_initial_setup/up.sql' => "SELECT 1;\n",
			'00000000000000_diesel_initial_setup/down.sql' => "SELECT 1;\n",
			'2024-01-01-000000_users/up.sql' => 'USERS',
			'2024-01-01-000000_users/down.sql' => 'NO USERS',
			'2024-01-02-000000_email/up.sql' => 'EMAIL',
			'2024-01-02-000000_email/down.sql' => 'NO EMAIL',
			'2024-01-03-000000_index/up.sql' => 'INDEX',
			'2024-01-03-000000_index/down.sql' => 'NO INDEX',
			'2024-01-03-000000_index/metadata.toml' => "run_in_transaction = false\n",
		},
	},
	'flyway' => {
		applied => q{CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL,
			checksum int, installed_by varchar(100) NOT NULL DEFAULT current_user, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL DEFAULT 1, success boolean NOT NULL);
			INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, checksum, success) VALUES (1, '1', 'users', 'SQL', 'V1__users.sql', 1, true)},
		placeholders => ['table=users'],
		files => {
			'V1__users.sql' => 'CREATE TABLE ${table} (id int PRIMARY KEY, name text);',
			'U1__users.sql' => 'DROP TABLE ${table};',
			'V1.1__email.sql' => 'EMAIL',
			'U1.1__email.sql' => 'NO EMAIL',
			'V1_2__index.sql' => 'INDEX',
			'V1_2__index.sql.conf' => 'executeInTransaction=false',
			'U1_2__index.sql' => 'NO INDEX',
		},
	},
	'golang-migrate' => {
		applied => 'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (2, false)',
		files => {
			'1_schema.up.sql' => 'SELECT 1;',
			'1_schema.down.sql' => 'SELECT 1;',
			'2_users.up.sql' => "BEGIN;\nUSERS\nCOMMIT;",
			'2_users.down.sql' => 'NO USERS',
			'010_email.up.sql' => 'EMAIL',
			'010_email.down.sql' => 'NO EMAIL',
			'011_index.up.sql' => 'INDEX',
			'011_index.down.sql' => 'NO INDEX',
		},
	},
	'goose' => {
		applied => q{CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now()); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true)},
		files => {
			'00001_users.sql' => "-- +goose Up\n-- +goose StatementBegin\nUSERS\n-- +goose StatementEnd\n-- +goose Down\nNO USERS\n",
			'00002_email.sql' => "-- +goose Up\nEMAIL\n-- +goose Down\nNO EMAIL\n",
			'00003_index.sql' => "-- +goose NO TRANSACTION\n-- +goose Up\nINDEX\n-- +goose Down\nNO INDEX\n",
		},
	},
	'rails' => {
		applied => q{CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY); CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES ('20240101000000'), ('20240102000000')},
		files => {
			'structure.sql' => "SET search_path TO public;\nUSERS\n\nSET search_path TO \"\$user\", public;\n\nINSERT INTO \"schema_migrations\" (version) VALUES\n('20240102000000'),\n('20240101000000');\n",
		},
		whole => 1,
	},
	'refinery' => {
		applied => q{CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255)); INSERT INTO refinery_schema_history VALUES (1, 'users')},
		files => { 'V1__users.sql' => 'USERS', 'V2__email.sql' => 'EMAIL', 'V3__index.sql' => 'INDEX' },
		one_way => 1,
	},
	'sqlx' => {
		applied => q{CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL); INSERT INTO _sqlx_migrations VALUES (20240101000000, 'users', DEFAULT, true, '', 1)},
		files => {
			'20240101000000_users.up.sql' => 'USERS',
			'20240101000000_users.down.sql' => 'NO USERS',
			'20240102000000_email.up.sql' => 'EMAIL',
			'20240102000000_email.down.sql' => 'NO EMAIL',
			'20240103000000_index.up.sql' => "-- no-transaction\nINDEX",
			'20240103000000_index.down.sql' => "-- no-transaction\nNO INDEX",
		},
	},
	'supabase' => {
		applied => q{CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text); INSERT INTO supabase_migrations.schema_migrations VALUES ('20240101000000', '{}', 'users')},
		files => { '20240101000000_users.sql' => 'USERS', '20240102000000_email.sql' => 'EMAIL', '20240103000000_index.sql' => 'INDEX' },
		one_way => 1,
	},
);
my $users = 'CREATE TABLE users (id int PRIMARY KEY, name text);';
my $email = 'ALTER TABLE users ADD email text;';
my %steps = ('NO USERS' => 'DROP TABLE users;', USERS => $users, 'NO EMAIL' => 'ALTER TABLE users DROP email;', EMAIL => $email, 'NO INDEX' => 'DROP INDEX users_name_idx;', INDEX => $index);

my $node = new_node('tools');
# Java does not support Unix sockets
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE app');
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

sub is_found
{
	my ($tool) = @_;

	return 0 if $tool->{runs_in} && !eval { IPC::Run::run([ $tool->{runs_in}, '-version' ], '<', \undef, '>&', \my $version) };
	return need_tool($tool->{found}[0], @{ $tool->{found} }) if $npm || $tool->{needed};
	return eval { IPC::Run::run($tool->{found}, '<', \undef, '>&', \my $output) };
}

# Returns the command or file with the names of the database and folder filled in.
sub with_names
{
	my ($text, $db, $folder) = @_;
	my $host = $node->host;
	my $url = "postgres://postgres\@localhost:" . $node->port . "/$db?host=$host&socket=$host&sslmode=disable";
	my $yoyo = "postgresql://postgres\@/$db?host=$host&port=" . $node->port;

	$url =~ s/&socket=.*// if $text ne 'URL';
	my $jdbc = 'jdbc:postgresql://127.0.0.1:' . $node->port . "/$db";
	return $text =~ s/JDBC/$jdbc/r =~ s/YOYO/$yoyo/r =~ s/FOLDER/$folder/r =~ s/URL/$url/r =~ s/\bDB\b/$db/r;
}

# Returns a new folder that contains the files.
sub new_folder
{
	my ($db, %files) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();

	foreach my $name (keys %files)
	{
		make_path("$folder/$1") if $name =~ m{(.*)/};
		append_to_file("$folder/$name", with_names($files{$name}, $db, $folder));
	}
	symlink("$npm/node_modules", "$folder/node_modules") if $npm && $db =~ /^(drizzle|prisma)/;
	return $folder;
}

sub run_tool
{
	my ($name, $tool, $db, $folder) = @_;
	my @command = map { with_names($_, $db, $folder) } @{ $tool->{run} };
	my $output;
	local $ENV{DATABASE_URL} = with_names('URL', $db, $folder);
	local $ENV{PGDATABASE} = $db;
	local $ENV{PRISMA_QUERY_ENGINE_LIBRARY} = "$folder/engine";

	my $done = IPC::Run::run(\@command, '<', \undef, '>&', \$output, init => sub { chdir $folder or die });
	ok($done, "$name runs in $db") or diag($output);
	return $done;
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

		$node->safe_psql('postgres', "CREATE DATABASE ${db}_$_") foreach qw(only both);
		run_tool($name, $tool, "${db}_only", new_folder("${db}_only", %all)) or last SKIP;
		run_tool($name, $tool, "${db}_both", new_folder("${db}_both", %{ $tool->{files} })) or last SKIP;

		my $folder = new_folder("${db}_both", %all);
		my @placeholders = map { ('-x', $_) } @{ $tool->{placeholders} // [] };
		chdir $folder or die;
		gives(0, 'is at base', '', 'init', 'cmig', '-d', "${db}_both");
		gives(0, '^cmig/\S+\.sql\n', '', 'import', $name, $tool->{under} // '.', '--to', 'cmig', @placeholders, '-d', "${db}_both");
		gives(0, 'applied', 'added: ', 'import', $name, '--state', '-d', "${db}_both");
		my $state = query($node, "${db}_both", "SELECT count(*), count(revision), count(note) FROM cmig.import_state('$name')");
		like($state, qr/^([1-9])\|\1\|0$/, "$name: its state is known") or diag(query($node, "${db}_both", "SELECT * FROM cmig.import_state('$name')"));
		cmp_ok(query($node, "${db}_both", "SELECT count(*) FROM cmig.plan('upgrade', 'head')"), '>', 0, "$name: some are pending");
		is(query($node, "${db}_both", "SELECT severity FROM cmig.check() WHERE problem ~ 'another migration tool'"), 'notice', "$name: both agree");
		gives(0, 'is at ', '', 'upgrade', '-y', '-d', "${db}_both");
		is(dump_of("${db}_both"), dump_of("${db}_only"), "$name: pg_cmig runs the rest");
		is(query($node, "${db}_both", 'SELECT count(*) FROM cmig.verify() WHERE NOT ok'), '0', "$name: verified") if $name eq 'sqitch';
		is(query($node, 'postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'cmig\_import%'}), '0', "$name: nothing is left");
		is(query($node, "${db}_both", 'SELECT string_agg(revision, $$,$$ ORDER BY revision) FROM cmig.revision WHERE downgrade_sql IS NULL'), '1700000000001_more-users,1700000000003_index', 'what has no downgrade') if $name eq 'node-pg-migrate';
	}
}
note("$ran tools were there");

foreach my $name (sort keys %written)
{
	my $tool = $written{$name};
	(my $db = $name) =~ s/-/_/g;
	my $folder = new_folder($db, map { my $text = $tool->{files}{$_}; ($_ => $text =~ s/\b((?:NO )?(?:USERS|EMAIL|INDEX))\b/$steps{$1}/gr) } keys %{ $tool->{files} });
	my @placeholders = map { ('-x', $_) } @{ $tool->{placeholders} // [] };

	$node->safe_psql('postgres', "CREATE DATABASE ${db}_$_") foreach qw(only both);
	$node->safe_psql("${db}_$_", "$users; $tool->{applied}") foreach qw(only both);
	$node->safe_psql("${db}_only", $_) foreach $tool->{whole} ? () : ($email, $index);
	chdir $folder or die;
	gives(0, 'is at base', '', 'init', 'cmig', '-d', "${db}_both");
	gives(0, '^cmig/\S+\.sql\n', '', 'import', $name, '.', '--to', 'cmig', @placeholders, '-d', "${db}_both");
	gives(0, 'applied', 'added: ', 'import', $name, '--state', '-d', "${db}_both");
	is(query($node, "${db}_both", "SELECT string_agg(revision, ',') FROM cmig.plan('upgrade', 'head')") =~ tr/,//, $tool->{whole} ? 0 : 1, "$name: two are pending");
	gives(0, $tool->{whole} ? '' : 'is at ', '', 'upgrade', '-y', '-d', "${db}_both");
	is(dump_of("${db}_both"), dump_of("${db}_only"), "$name: pg_cmig runs the rest");
	next if $tool->{whole} || $tool->{one_way};
	gives(0, 'is at base', '', 'downgrade', '-y', 'base', '-d', "${db}_both");
	is(query($node, "${db}_both", q{SELECT to_regclass('users')}), '', "$name: and back");
	gives(0, 'is at ', '', 'upgrade', '-y', '-d', "${db}_both");
	is(dump_of("${db}_both"), dump_of("${db}_only"), "$name: and all from the beginning");
}

# Python of Django's migrations has to be written by hand
SKIP:
{
	my $tool = $tools{django};

	skip 'Django is not installed', 1 unless is_found($tool);
	chdir new_folder('django_only', %{ $tool->{files} }, django_migration('0004_fill', q{('shop', '0003_name')}, q{
	migrations.RunPython(lambda apps, editor: apps.get_model('shop', 'User').objects.update(name='x'), migrations.RunPython.noop),
	type('Own', (migrations.RunSQL,), {'reduces_to_sql': False})('SELECT 1', 'SELECT 2'), migrations.RunSQL('SELECT 3', 'SELECT 4')})) or die;
	gives(3, 'cmig/shop.0004_fill.sql\n$', 'shop.0004_fill.sql: to be written: the upgrade calls Python: RunPython <lambda>, Own; .*the downgrade calls Python: Own', 'import', 'django', '--to', 'cmig', '-d', 'django_only');
	like(slurp_file('cmig/shop.0004_fill.sql'), qr/has not been written.*^-- here: RunPython <lambda>\n-- here: Own\nSELECT 3;\n(?!.*SELECT [12]).*has not been written/ms, 'and the rest is there');
	gives(2, '^$', 'x/manage.py does not exist\ncmig import django FOLDER', 'import', 'django', 'x', '--to', 'cmig');

	# Django has the constraints in sets, whose order depends on the hash seed
	append_to_file('shop/migrations/0005_sets.py', { django_migration('', q{('shop', '0004_fill')}, q{migrations.AlterUniqueTogether('User', {('name', 'email'), ('email', 'id'), ('id', 'name'), ('email', 'name')})}) }->{'shop/migrations/.py'});
	my %texts = map {
		local $ENV{PYTHONHASHSEED} = $_;
		gives(3, "cmig$_/shop.0005_sets.sql\n\$", 'shop.0004_fill.sql: to be written', 'import', 'django', '--to', "cmig$_", '-d', 'django_only');
		(slurp_file("cmig$_/shop.0005_sets.sql") => 1)
	} 1, 2, 4711;
	is(join("\nor\n", keys %texts), (keys %texts)[0], 'the files do not depend on the hash seed');
	append_to_file('settings.py', "DATABASES['default']['HOST'] = '/nowhere'\n");
	gives(2, '^$', 'no database can be created: .*cannot be converted', 'import', 'django', '--to', 'cmig');
}

# What has to be written by hand is a revision that fails, and exit status 3
$node->safe_psql('postgres', 'CREATE DATABASE by_hand');
chdir new_folder('by_hand', '00001_users.sql' => "-- +goose Up\n$users\n", '00002_email.go' => "package main\n") or die;
gives(0, 'is at base', '', 'init', 'cmig', '-d', 'by_hand');
gives(3, '^cmig/00001_users.sql\ncmig/00002_email.sql\n', '00002_email.sql: to be written: it is written in Go', 'import', 'goose', '.', '--to', 'cmig', '-d', 'by_hand');
gives(3, '', 'the upgrade of revision 00002 has not been written as SQL', 'upgrade', '-y', '-d', 'by_hand');
gives(1, '^error +00002: its upgrade section has not been written\n', '', 'check', '-d', 'by_hand');
# where it has run, what is written then is accepted
gives(0, '', '', 'stamp', '00002', '-d', 'by_hand');
gives(0, '^warning +00002: its upgrade section has not been written\n.*; then\s+load\s+the\s+files\s+with\s+--accept-changes\n', '', 'check', '-d', 'by_hand');
gives(0, '', '', 'stamp', 'base', '-d', 'by_hand');

# A new import keeps what was written by hand, and adds what is new
my $stub = slurp_file('cmig/00002_email.sql');
my @again = ('import', 'goose', '.', '--to', 'cmig', '--force', '-d', 'by_hand');
sub replace_file { unlink $_[0]; append_to_file(@_) }

# also if the statement that fails is still beside it
replace_file('cmig/00002_email.sql', my $begun = $stub =~ s/^(DO .cmig)/ALTER TABLE users ADD begun text;\n$1/mr);
gives(3, '', '00002_email.sql: to be written: ', @again);
is(slurp_file('cmig/00002_email.sql'), $begun, 'what was begun is kept');
replace_file('cmig/00002_email.sql', $begun = $stub =~ s/^(BEGIN)/$1\n\tALTER TABLE users ADD begun text;/mr);
gives(3, '', '', @again);
is(slurp_file('cmig/00002_email.sql'), $begun, 'also within the statement');
replace_file('cmig/00002_email.sql', $stub =~ s/written in Go/something else/gr);
gives(3, '', '', @again);
is(slurp_file('cmig/00002_email.sql'), $stub, 'the statement alone is replaced');
edit('cmig/00002_email.sql', $email, 'SELECT 1;');
my $written = slurp_file('cmig/00002_email.sql') =~ s/^DO \$cmig\$.*?^\$cmig\$;\n//msgr;
unlink 'cmig/00002_email.sql';
append_to_file('cmig/00002_email.sql', $written);
append_to_file('00003_more.sql', "-- +goose Up\nALTER TABLE users ADD more text;\n");
gives(0, '^cmig/00003_more.sql\n$', '^$', 'import', 'goose', '.', '--to', 'cmig', '-d', 'by_hand');
append_to_file('cmig/00003_more.sql', "\n-- cmig:downgrade\nALTER TABLE users DROP more;\n");
gives(0, '^cmig/0.*3_more.sql\n$', '^$', @again);
is(slurp_file('cmig/00002_email.sql'), $written, 'with --force, too');
like(slurp_file('cmig/00003_more.sql'), qr/DROP more;\n$/, 'and what the tool does not have');
append_to_file('00003_more.sql', "ALTER TABLE users ADD still text;\n");
gives(2, '^$', 'cmig/00003_more.sql already exists', 'import', 'goose', '.', '--to', 'cmig', '-d', 'by_hand');
gives(0, 'is at 00003', '', 'upgrade', '-y', '-d', 'by_hand');

# Without a tool, import says which ones were used
gives(2, '', '^cmig: import --state requires TOOL\ncmig import shows', 'import', '--state', '-d', 'by_hand');
gives(3, '', '^ERROR:  migrations of knex cannot be converted\nHINT:  In a database in which they have run: cmig baseline.*cmig stamp head', 'import', 'knex', '--state', '-d', 'by_hand');
chdir new_folder('by_hand', 'db/migrations/00001_users.sql' => "-- +goose Up\n$users\n", 'node_modules/x/1_x.up.sql' => 'x', 'a folder/V1__a.sql' => 'x', 'a folder/atlas.sum' => 'x', "latin1.sql" => "-- \xe9\n",
	'app/migrations/0001_initial.py' => "class Migration(migrations.Migration):\n") or die;
$node->safe_psql('by_hand', "CREATE TABLE goose_db_version (id serial, version_id bigint, is_applied boolean); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true);
	CREATE TABLE knex_migrations (batch int); CREATE VIEW _sqlx_migrations AS SELECT 1 AS version, 2 AS success, 3 AS checksum");
gives(0, '^' . quotemeta("goose: files such as db/migrations/00001_users.sql; table goose_db_version, with 1 applied
  cmig import goose db/migrations    # writes a revision file for each migration into migrations
  cmig import goose --state    # then records the 1 that are applied, and runs nothing
knex: table knex_migrations
  cmig baseline    # writes one revision with the schema of the database; its files cannot be converted
sqlx: table _sqlx_migrations, which cannot be read: It is not an ordinary table.
  cmig import sqlx FOLDER    # writes a revision file for each migration into migrations
django: files such as app/migrations/0001_initial.py
  cmig import django    # writes a revision file for each migration into migrations
flyway: files such as a folder/V1__a.sql, as flyway and refinery name them
  cmig import flyway 'a folder'    # writes a revision file for each migration into migrations
refinery: files such as a folder/V1__a.sql, as flyway and refinery name them
  cmig import refinery 'a folder'    # writes a revision file for each migration into migrations
") . '$', '^$', 'import', '-d', 'by_hand');
chdir new_folder('by_hand', 'migrations/001_a.sql' => "-- migrate:up\n", 'other/migrations/001_a.sql' => "-- revision: 001\n") or die;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');
gives(0, '^dbmate: files such as migrations/001_a.sql\n  cmig import dbmate migrations --folder cmig    # writes a revision file for each migration into cmig\n$', '^$', 'import', '-d', 'postgres');
unlink 'migrations/001_a.sql';
# each folder is named, if no other one contains it
make_path('one', 'two/in', 'three/01_a');
append_to_file($_, 'SELECT 1;') for 'one/1_a.up.sql', 'two/2_b.up.sql', 'two/in/3_c.up.sql', 'three/01_a/up.sql';
gives(0, '^' . join('', map { "$_->[0]: files such as $_->[1]\n  cmig import $_->[0] $_->[2] [^\n]*\n" } [ 'diesel', 'three/01_a/up.sql', 'three' ], [ 'golang-migrate', 'one/1_a.up.sql', 'one' ], [ 'golang-migrate', 'two/2_b.up.sql', 'two' ]) . '$', '^$', 'import', '-d', 'postgres');
remove_tree('one', 'two', 'three');
make_path('back/app/migrations');
append_to_file('back/app/migrations/0001_x.py', "class Migration(migrations.Migration):\n");
append_to_file('back/manage.py', '');
gives(0, '^django: files such as back/app/migrations/0001_x.py\n  cmig import django back    #', '^$', 'import', '-d', 'postgres');
unlink 'back/app/migrations/0001_x.py';
my $deep = 'server/module/src/main/resources/com/example/app/db/migration';
make_path($deep);
append_to_file("$deep/V1__a.sql", 'x');
gives(0, "^flyway: files such as $deep/V1__a.sql, as flyway and refinery name them\n", '^$', 'import', '-d', 'postgres');
unlink "$deep/V1__a.sql";
gives(0, '^no files and no table', '^$', 'import', '-d', 'postgres');

# A table says which tool it was; and Flyway reads several folders, unless they are of several databases
my ($java, $main) = map { "app/src/$_" } 'main/java/db/migration', 'main/resources/db';
chdir new_folder('by_hand', 'db/migrations/1_a.up.sql' => $users, 'db/migrations/1_a.down.sql' => 'DROP TABLE users', 'sqlx/migrations/1_a.sql' => $users,
	"$java/V3__c.java" => 'x', "$main/migration/V1__a.sql" => $users, "$main/migration/R__v.sql" => 'CREATE VIEW v AS SELECT 1;', "$main/postgresql/V2__b.sql" => $email, 'app/src/test/resources/db/migration/V9__x.sql' => $email) or die;
$node->safe_psql('postgres', 'CREATE DATABASE tells');
$node->safe_psql('tells', "CREATE EXTENSION pg_cmig; CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (1, false); $written{flyway}{applied}");
gives(0, '^' . quotemeta("flyway: files such as $java/V3__c.java; table flyway_schema_history, with 1 applied; also looks like refinery
  cmig import flyway app/src/main    # writes a revision file for each migration into migrations
  cmig import flyway --state    # then records the 1 that are applied, and runs nothing
golang-migrate: files such as db/migrations/1_a.up.sql; table schema_migrations, with 1 applied; also looks like sqlx
  cmig import golang-migrate db/migrations    # writes a revision file for each migration into migrations
  cmig import golang-migrate --state    # then records the 1 that are applied, and runs nothing
sqlx: files such as sqlx/migrations/1_a.sql
  cmig import sqlx sqlx/migrations    # writes a revision file for each migration into migrations
") . '$', '^$', 'import', '-d', 'tells');
gives(3, '^cmig/1_a.sql\ncmig/2_b.sql\ncmig/3_c.sql\ncmig/R_v.sql\n$', '3_c.sql: to be written', 'import', 'flyway', 'app', '--to', 'cmig', '-d', 'tells');
append_to_file("app/src/test/resources/db/migration/$_", $email) foreach 'V8__notes.txt', 'A8__other.sql';
gives(0, '^cmig/9_x.sql\n$', '^\S+/A8__other.sql: left out, because it is not a flyway file\n$', 'import', 'flyway', 'app/src/test', '--to', 'cmig', '-d', 'tells');
my $by_hand = getcwd();
# each database has its folder, for scripts and for classes
chdir new_folder('databases', map { ("$java/$_/com/V2__c.java" => 'x', "$main/migration/$_/com/V1_1__a.sql" => $users) } 'my', 'pg') or die;
gives(0, '^' . join('', map {"flyway: files such as $main/migration/$_/com/V1_1__a.sql\n  cmig import flyway $main/migration/$_/com    # [^\n]*\n"} 'my', 'pg') . '$', '^$', 'import', '-d', 'postgres');
gives(3, '^cmig/1.1_a.sql\ncmig/2_c.sql\n$', qq(^2_c.sql: to be written: it is written in Java, in file "$java/pg/com/V2__c.java"\n), 'import', 'flyway', "$main/migration/pg", '--to', 'cmig', '-d', 'postgres');
# classes that only a setting of Flyway or a framework names are not left out without a word
make_path('app/src/main/kotlin/com/example');
append_to_file('app/src/main/kotlin/com/example/V3__d.kt', 'x');
append_to_file('app/src/main/kotlin/com/example/V2__c.java', 'x');
gives(3, '^$', '^' . quotemeta("cmig: migrations in other folders are left out: app/src/main/kotlin/com/example/V3__d.kt
HINT:  If Flyway runs them in this database, repeat the import with --force after: cp app/src/main/kotlin/com/example/V3__d.kt $main/migration/pg
2_c.sql: to be written: "), 'import', 'flyway', "$main/migration/pg", '--to', 'cmig', '-d', 'postgres');
append_to_file("$main/migration/pg/V3__d.kt", 'x');
gives(3, 'cmig/3_d.sql\n$', '^2_c.sql: [^\n]*\n3_d.sql: to be written: it is written in Kotlin', 'import', 'flyway', "$main/migration/pg", '--to', 'cmig', '--force', '-d', 'postgres');
# the place of a class does not depend on where the folder is named from
chdir 'app/src/main' or die;
gives(3, '^cmig/1.1_a.sql\ncmig/2_c.sql\ncmig/3_d.sql\n$', 'it is written in Java', 'import', 'flyway', 'resources/db/migration/pg', '--to', 'cmig', '-d', 'postgres');
chdir $by_hand or die;
make_path('more/sql');
append_to_file('more/sql/V2__other.sql', 'x');
gives(0, join('.*', map { "  cmig import flyway $_ " } "$main/migration", "$main/postgresql", 'more/sql'), '^$', 'import', '-d', 'tells');

# a change log in SQL can be a file
make_path('log');
append_to_file("log/$_.sql", "--liquibase formatted sql\n--changeset ann:$_\nSELECT 1;\n") for 'a', 'b';
gives(0, '^made/ann.b.sql\n$', '^$', 'import', 'liquibase', 'log/b.sql', '--to', 'made', '-d', 'postgres');
chdir 'log';
gives(0, '^made/ann.a.sql\n$', '^$', 'import', 'liquibase', 'a.sql', '--to', 'made', '-d', 'postgres');
chdir '..';

# Liquibase itself writes the SQL of a change log that is not SQL
SKIP:
{
	my $log = qq(<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-latest.xsd">
 <changeSet id="users" author="ann"><comment>Users</comment><createTable tableName="users"><column name="id" type="int"/></createTable></changeSet>
 <include file="more.yaml"/></databaseChangeLog>\n);
	# ids are only unique in a file
	my $again = "databaseChangeLog:\n- changeSet:\n    id: 2\n    author: bob smith\n    changes:\n    - sql: { sql: 'COMMENT ON TABLE users IS ''\${it}''' }\n    rollback: SELECT 1\n";
	my $more = "databaseChangeLog:\n- include: { file: again.yaml }\n- changeSet:\n    id: 2\n    author: bob smith\n    changes:\n    - addColumn:\n        tableName: users\n        columns:\n        - column: {name: email, type: text}\n";

	chdir new_folder('liquibase_xml', 'db.xml' => $log, 'more.yaml' => $more, 'again.yaml' => $again) or die;
	$node->safe_psql('postgres', 'CREATE DATABASE liquibase_xml');
	$node->safe_psql('liquibase_xml', 'CREATE EXTENSION pg_cmig');
	{
		local $ENV{PATH} = '/usr/bin:/bin';
		gives(2, '^$', '^cmig: db.xml is not SQL, and Liquibase.*: liquibase --changeLogFile=db.xml ', 'import', 'liquibase', 'db.xml', '-d', 'postgres') unless -x '/usr/bin/liquibase';
	}
	skip 'Liquibase is not installed', 1 unless is_found($tools{liquibase});
	gives(0, '^liquibase: files such as db.xml\n  cmig import liquibase db.xml ', '^$', 'import', '-d', 'postgres');
	gives(0, '^cmig/ann.users.sql\ncmig/again.bob_smith.2.sql\ncmig/more.bob_smith.2.sql\n$', 'not replaced \$\{it\}, .*generated by Liquibase', 'import', 'liquibase', 'db.xml', '--to', 'cmig', '-d', 'postgres');
	gives(0, '^cmig/ann', 'generated by', 'import', 'liquibase', 'db.xml', '--to', 'cmig', '-d', 'postgres', '--force', '-x', 'it=Bob');
	ok(slurp_file('cmig/again.bob_smith.2.sql') =~ /IS 'Bob'.*SELECT 1/s, 'a parameter, and the rollback of the right change set');
	gives(0, 'is at more.bob_smith.2', '', 'upgrade', '-y', '--folder', 'cmig', '-d', 'liquibase_xml', 'more.bob_smith.2');
	is(query($node, 'liquibase_xml', q{SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.users'::regclass AND attnum > 0}), 'id,email', 'XML and YAML');
	gives(0, 'is at base', '', 'downgrade', '-y', '--folder', 'cmig', 'base', '-d', 'liquibase_xml');
	unlink 'more.yaml';
	append_to_file('bad.xml', '<databaseChangeLog>');
	gives(2, '^$', 'Liquibase cannot convert bad.xml', 'import', 'liquibase', 'bad.xml', '--to', 'cmig', '-d', 'postgres');

	# A change log names others by their place below a folder above it.  Preconditions are not tested, not
	# all changes are printed, and what follows the last change that has no rollback has one.
	make_path('root/res/db/parts');
	append_to_file('root/res/db/main.yml', "databaseChangeLog:\n" . join('', map {"- include: { file: db/parts/$_ }\n"} 'one.yml', 'x.xml', 'two.yml'));
	append_to_file('root/res/db/parts/rows.csv', "id\n1\n");
	append_to_file('root/res/db/parts/one.yml', "databaseChangeLog:\n- changeSet:\n    id: 1\n    author: ann\n    preConditions: [{ onFail: MARK_RAN }, { dbms: { type: mysql } }]\n    changes:\n"
		  . "    - createTable: { tableName: t, columns: [{ column: { name: id, type: int } }] }\n"
		  . "    - loadData: { tableName: t, file: db/parts/rows.csv, usePreparedStatements: true }\n");
	append_to_file('root/res/db/parts/x.xml', qq(<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-latest.xsd">
 <changeSet id="1" author="bob smith"><sql>SELECT 1</sql><rollback/></changeSet>
 <changeSet author='bob smith'\n  id = "2.0"><preConditions onFail="MARK_RAN"><dbms type="mysql"/></preConditions><sql>SELECT 2</sql><rollback/></changeSet>
 <changeSet id="3" author="bob smith"><sql>SELECT 3</sql><rollback/></changeSet></databaseChangeLog>\n));
	append_to_file('root/res/db/parts/two.yml', "databaseChangeLog:\n- changeSet:\n    id: 2\n    author: ann\n    changes:\n    - addColumn: { tableName: t, columns: [{ column: { name: a, type: text } }] }\n");
	chdir 'root' or die;
	gives(0, '^below/ann.1.sql\nbelow/bob_smith.1.sql\nbelow/bob_smith.2.0.sql\nbelow/bob_smith.3.sql\nbelow/ann.2.sql\n$',
		'^cmig: no downgrade sections for db/parts/one.yml::1::ann and the change sets before it: .*No inverse.*'
		  . '\ncmig: preconditions were not tested; delete what they exclude in the revisions of\n  db/parts/one.yml: ann.1\n  db/parts/x.xml: bob smith.2.0\n'
		  . 'ann.1.sql: some of its changes may be missing,',
		'import', 'liquibase', 'res/db/main.yml', '--to', 'below', '-d', 'postgres');
	like(slurp_file('below/ann.1.sql'), qr/^-- message:\n(?!.*^-- cmig:downgrade).*^-- cmig:upgrade\nCREATE TABLE t \(id INT.*?\);\n/ms, 'no downgrade section');
	like(slurp_file('below/ann.2.sql'), qr/^-- cmig:downgrade\nALTER TABLE t DROP COLUMN a;\n$/m, 'the downgrade section of a change set after it');
}

# One table of tools: the completion and the manual name what is in it
my $completion = (cmig('completion'))[1];
foreach my $which (q{_cmig_tools='%s'converts OR tool IN ('alembic', 'django')}, q{candidates+=' %s'reads_state AND NOT converts AND tool NOT IN ('alembic', 'django')})
{
	my ($before, $condition) = $which =~ /(.*%s')(.*)/;
	my $names = query($node, 'by_hand', qq{SELECT string_agg(tool, ' ' ORDER BY tool COLLATE "C") FROM cmig.import_tools() WHERE $condition});
	isnt(index($completion, sprintf $before, $names), -1, "the completion has the tools: $names");
}
my $page = slurp_file("$CmigNode::top/doc/reference/adopting.md");
unlike($page, qr/\A(?!.*^\| `$_` \|)/ms, "$_ is in the manual") foreach split /,/, query($node, 'by_hand', 'SELECT string_agg(tool, $$,$$) FROM cmig.import_tools() WHERE converts');

# Ruby is not converted, and graphile-migrate's placeholders can be in the environment
chdir new_folder('by_hand', 'db/migrate/1_users.rb' => 'class', 'gm/committed/000001.sql' => "SELECT ':ONE', ':TWO';\n",
	'.gmrc' => qq({\n  // ":TWO": "3",\n  "placeholders": {":ONE": "1", ":TWO": "!ENV"},\n})) or die;
gives(0, '^graphile-migrate: .*rails: files such as db/migrate/1_users.rb\n  cmig import rails db ', '^$', 'import', '-d', 'postgres');
gives(2, '^$', 'no structure.sql in db\nFirst set config.active_record.schema_format = :sql .*bin/rails db:schema:dump', 'import', 'rails', 'db', '-d', 'postgres');
gives(2, '^$', 'the placeholder :TWO in [^ ]*\.gmrc is the variable TWO .*, which is not set\n.*-x TWO=<value>\n$', 'import', 'graphile-migrate', 'gm', '--to', 'cmig', '-d', 'postgres');
{
	local $ENV{TWO} = '2';
	gives(0, 'cmig/000001.sql', '^$', 'import', 'graphile-migrate', 'gm', '--to', 'cmig', '-d', 'postgres');
}
like(slurp_file('cmig/000001.sql'), qr/SELECT '1', '2';/, 'the placeholders of .gmrc');

# The import of a Django project calls no function of RunPython, and reaches no other database of its settings
SKIP:
{
	skip 'Django is not installed', 1 unless is_found($tools{django});
	my %files = %{ $tools{django}{files} };

	$node->safe_psql('postgres', 'CREATE DATABASE archive');
	$node->safe_psql('archive', 'CREATE TABLE event (id int); INSERT INTO event VALUES (1)');
	$files{'settings.py'} .= "DATABASES['archive'] = {**DATABASES['default'], 'NAME': 'archive'}\n";
	my ($file, $text) = django_migration('0004_move', q{('shop', '0003_name')}, q{migrations.RunPython(forwards, backwards)});
	$files{$file} = $text =~ s/^class/<<'END_PYTHON' . 'class'/mer;
def forwards(apps, schema_editor):
    open('called', 'w')

def backwards(apps, schema_editor):
    from django.db import connections
    with connections['archive'].cursor() as cursor:
        cursor.execute("DELETE FROM event")

END_PYTHON
	chdir new_folder('by_hand', %files) or die;
	gives(3, 'shop.0004_move.sql', 'to be written: the upgrade calls Python: RunPython forwards', 'import', 'django', '.', '--to', 'cmig', '-d', 'by_hand');
	is($node->safe_psql('archive', 'SELECT count(*) FROM event'), '1', 'no row of another database is lost');
	ok(!-e 'called', 'no function is called');
	($file, $text) = django_migration('0005_own', q{('shop', '0004_move')}, 'Own()');
	append_to_file($file, $text =~ s/^class/<<'END_PYTHON' . 'class'/mer);
class Own(migrations.operations.base.Operation):
    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        from django.db import connections
        with connections['archive'].cursor() as cursor:
            cursor.execute("DELETE FROM event")

END_PYTHON
	gives(2, '', 'shop.0005_own fails in an empty database: settings.DATABASES is improperly configured.*\nPython is not called, not even RunPython forwards in shop.0004_move', 'import', 'django', '.', '--to', 'cmig2', '-d', 'by_hand');
	is($node->safe_psql('archive', 'SELECT count(*) FROM event'), '1', 'nor by an operation of the project');
}

# A folder in which nothing is a migration of the tool
chdir new_folder('by_hand', '1_users.sql' => $users, '2_code.xml' => '<x/>') or die;
gives(1, '^$', '1_users.sql: left out, because it does not begin with --liquibase formatted sql\n.*cmig: nothing was converted: none of these is a migration of liquibase\n$', 'import', 'liquibase', '.', '--to', 'cmig', '-d', 'by_hand');
# golang-migrate takes files with any suffix
mkdir 'suffix';
append_to_file("suffix/1_a.up.$_", 'SELECT 1;') for 'pgsql', 'SQL';
gives(3, '^$', 'two revisions have the id "1"\nDETAIL:  They are in the files "1_a.up.SQL" and "1_a.up.pgsql"', 'import', 'golang-migrate', 'suffix', '--to', 'cmig', '-d', 'by_hand');
ok(!-e 'cmig', 'no folder is created');

done_testing();
