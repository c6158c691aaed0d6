# Copyright (c) 2026, the pg_cmig developers

# What cmig init and cmig import do in the folders of other tools: which folders these read, and
# settings and headers that decide how a script runs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use File::Path qw(make_path);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('import_folders');

$node->start;
chdir PostgreSQL::Test::Utils::tempdir() or die $!;
delete @ENV{qw(PGAPPNAME DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');

# file(PATH, CONTENT): writes a file, and its folder
sub file
{
	my ($path, $content) = @_;

	make_path($path =~ s/[^\/]*$//r);
	append_to_file($path, $content);
}

# imported(TOOL, FOLDER, ERROR): imports the folder, and returns the ids of the revisions
sub imported
{
	my ($tool, $folder, $error, $status, @options) = @_;
	my $to = "to_" . ($folder =~ tr/\//_/r) . "_$tool";

	gives($status // 0, $status ? '^$' : "$to/", $error, 'import', $tool, $folder, '--to', $to, @options);
	return join(' ', sort map { s/.*\/(\d+).*/$1/r } glob("$to/*.sql"));
}

# the newcomer's first word, in a folder that has migrations
file('db/20240101_one.sql', "-- migrate:up\nCREATE TABLE one (id int);\n-- migrate:down\nDROP TABLE one;\n");
gives(0, "cmig.conf\ndatabase postgres is at base\n", "^cmig: files or a table like those of other migration tools were found: 'dbmate'\nHINT:  cmig import shows", 'init');
gives(0, '^database postgres is at base\n', '^$', 'init');

# A tool that reads one folder does not read those below it, and folders of two projects are not mixed
my $not_read = 'archive/15_[a-z.]+: left out, because TOOL does not read subfolders';
my %texts = (dbmate => "-- migrate:up\nSELECT 1;\n-- migrate:down\n", goose => "-- +goose Up\nSELECT 1;\n");
foreach my $tool ('dbmate', 'golang-migrate', 'goose', 'sqlx', 'supabase', 'node-pg-migrate', 'yoyo')
{
	my @ends = $tool eq 'golang-migrate' ? ('up.sql', 'down.sql') : 'sql';
	my $text = $texts{$tool} // "SELECT 1;\n";

	file("$tool/m/1$_.$ends[0]", $text) foreach '0_a', '1_b';
	file("$tool/m/archive/15_old.$_", $text) foreach @ends;
	is(imported($tool, "$tool/m", $not_read =~ s/TOOL/$tool/r), '10 11', "$tool does not read subfolders");
	file("$tool/other/12_c.$ends[0]", $text);
	is( imported($tool, $tool, "there are $tool files in several folders\nDETAIL:  They are in \"m\" and \"other\", and $tool reads one folder", 3),
		'', "$tool reads one folder");
}

# nor those that have a folder for each migration
my %each = (prisma => [ '1N_x/migration.sql', 'migration_lock.toml', 'provider = "postgresql"' ], diesel => [ '1N_x/up.sql', '1N_x/down.sql', '' ],
	drizzle => [ '1N_x.sql', 'meta/_journal.json', '{"entries": [{"tag": "1N_x"}]}' ]);
foreach my $tool (sort keys %each)
{
	my ($script, $beside, $text) = @{ $each{$tool} };
	my %numbers = ("each/$tool/m" => 0, "each/$tool/m/archive" => 1, "each/$tool/other" => 2);

	foreach my $folder (sort keys %numbers)
	{
		file("$folder/" . ($script =~ s/N/$numbers{$folder}/r), 'SELECT 1;');
		file("$folder/" . ($beside =~ s/N/$numbers{$folder}/r), $text =~ s/N/$numbers{$folder}/r);
	}
	is(imported($tool, "each/$tool/m", "archive/[^\n]*: left out, because $tool does not read subfolders"), '10', "$tool does not read subfolders");
	is( imported($tool, "each/$tool", "there are $tool files in several folders\nDETAIL:  They are in \"m\" and \"other\", and $tool reads one folder", 3),
		'', "$tool reads one folder");
}

# a script that runs without a transaction takes the other one along, which is said
is( query($node, 'postgres', <<'END'),
SELECT string_agg(concat_ws(': ', format, note, substring(content FROM 'transactional: \w+')), E'\n') FROM (VALUES
	('dbmate', '{1.sql}'::text[], ARRAY[E'-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;']),
	('dbmate', '{1.sql}', ARRAY[E'-- migrate:up strict:1 transaction:false\nSELECT 1;\n-- migrate:down\n']),
	('dbmate', '{1.sql}', ARRAY[E'-- migrate:up transaction:true\nSELECT 1;\n-- migrate:down transaction:falsehood\nSELECT 2;']),
	('sqlx', '{1_a.up.sql,1_a.down.sql}', ARRAY[E'-- no-transaction\nSELECT 1', 'SELECT 2'])
) AS v (format, names, texts), cmig.import_files(format, names, texts)
END
	"dbmate: transactional: false, also for its upgrade script, which dbmate runs in a transaction: transactional: false\n"
	  . "dbmate: unknown option \"strict:1\" of migrate:up: transactional: false\n"
	  . "dbmate: unknown option \"transaction:falsehood\" of migrate:down: transactional: true\n"
	  . 'sqlx: transactional: false, also for its downgrade script, which sqlx runs in a transaction: transactional: false',
	'transactions of one direction');

# what a script leaves in the session, and the tool keeps for those that follow, but not what it resets
is( query($node, 'postgres', <<'END'),
SELECT string_agg(concat_ws(' ', format, file_name, substring(note FROM 'what (.* script leaves .*) ends with')), E'\n')
FROM (VALUES ('dbmate', '{1.sql,2.sql}'::text[], ARRAY[E'-- migrate:up\nSET search_path TO a, b; SET ROLE x;
	SET LOCAL lock_timeout = 3; CREATE TEMP TABLE t (id int); CREATE TEMP TABLE u ON COMMIT DROP AS SELECT 1;\n-- migrate:down\nSET ROLE x;',
	E'-- migrate:up\nSET TimeZone TO x;\n-- migrate:down\nSELECT set_config(''a.b'', ''x'', ''false''), set_config(''a.c'', ''x'', true)']),
	('goose', '{1.sql,2.sql}', ARRAY[E'-- +goose Up\nSET ROLE x; RESET ROLE; SET ROLE y; SET ROLE NONE; SET a.b TO 1; RESET a.b;
	CREATE TEMP TABLE t (id int); DROP TABLE t; CREATE FUNCTION pg_temp.g() RETURNS int LANGUAGE sql AS ''SELECT 1''; DROP FUNCTION pg_temp.g();
	CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS ''SELECT 1''; CREATE TEMP VIEW v AS SELECT 1; CREATE TYPE pg_temp.e AS ENUM (''a'');', E'-- +goose Up\n']),
	('golang-migrate', '{1_a.up.sql,2_b.up.sql}', ARRAY['SET ROLE x; SET a.b TO 1; RESET ALL; BEGIN; SET SCHEMA ''a''; COMMIT', 'SELECT 1']),
	('drizzle', '{1.sql,2.sql,meta/_journal.json}', ARRAY['SET LOCAL a.b TO 1', '', '{"entries":[{"tag":"1"},{"tag":"2"}]}']),
	('flyway', '{V1__a.sql,V2__b.sql}', ARRAY['SET ROLE x; SET a.b TO 1', '']),
	('supabase', '{1_a.sql,2_b.sql}', ARRAY['SET ROLE x; SET a.b TO 1', '']),
	('sqitch', '{sqitch.plan,deploy/a.sql,deploy/b.sql}', ARRAY[E'%project=p\na 2024-01-01T00:00:00Z A <a@b>\nb 2024-01-01T00:00:00Z A <a@b>', 'SET a.b TO 1', ''])
) AS v (format, names, texts), cmig.import_files(format, names, texts) WHERE content IS NOT NULL
END
	"dbmate 1.sql its upgrade script leaves in the session (search_path, role, temporary table t)\n"
	  . "dbmate 2.sql its downgrade script leaves in the session (a.b)\ngoose 1.sql its upgrade script leaves in the session (temporary function f, temporary view v, temporary type e)\ngoose 2.sql\n"
	  . "golang-migrate 1_a.sql its upgrade script leaves in the session (role, search_path)\ngolang-migrate 2_b.sql\n"
	  . "drizzle 1.sql its upgrade script leaves in the session (a.b)\ndrizzle 2.sql\n"
	  . "flyway 1_a.sql its upgrade script leaves in the session (a.b)\nflyway 2_b.sql\n"
	  . "supabase 1_a.sql its upgrade script leaves in the session (role)\nsupabase 2_b.sql\nsqitch a.sql\nsqitch b.sql",
	'what ends with the session');

# Alembic and Django
SKIP:
{
	skip 'Alembic is not installed', 1 unless need_tool('Alembic', 'python3', '-c', 'import alembic, sqlalchemy');
	my %up = (a => [ 'SET search_path TO "A b", public; SET LOCAL lock_timeout = 3', "SELECT set_config('a.b', 'x, (y)', false), set_config('a.c', 'x', true)" ],
		b => [ 'CREATE TEMP TABLE "T 1" (id int); CREATE TEMP TABLE u ON COMMIT DROP AS SELECT 1', "SELECT 1 AS one INTO TEMP v", 'DROP TABLE IF EXISTS pg_temp.v, w', 'SET ROLE x; RESET ROLE; SET TIME ZONE LOCAL; SET TIME ZONE 3' ],
		c => [ 'SET a.b = 1; RESET ALL; SET SESSION AUTHORIZATION x; SET SESSION AUTHORIZATION DEFAULT; SET TRANSACTION READ WRITE; UPDATE t SET x = 1; /* SET ROLE x */',
			'DO $$BEGIN END$$' ],
		d => [ 'SET ROLE x' ]);
	my $before = 'None';

	file('alembic/alembic.ini', "[alembic]\nscript_location = %(here)s\n");
	file('alembic/env.py', "from alembic import context\ncontext.configure(dialect_name='postgresql', transaction_per_migration='each' in context.get_x_argument())\ncontext.run_migrations()\n");
	foreach my $id (sort keys %up)
	{
		file("alembic/versions/$id.py", "from alembic import op\nrevision = '$id'\ndown_revision = $before\ndef upgrade():\n"
			  . join('', map { "    op.execute('''$_''')\n" } @{ $up{$id} }) . "def downgrade():\n    op.execute('SET SCHEMA \\'$id\\'')\n");
		$before = "'$id'";
	}
	my $left = 'what its %s script leaves in the session (%s) ends with the revision; in alembic, it can hold for the migrations that follow in the same run';
	my $report = sub {
		join("\n", '^4 files in .*', 'automatic: +0', 'to be reviewed:  4', (map { ref $_ ? '    ' . quotemeta(sprintf($left, @$_)) : "  $_" } @_), 'to be written:   0');
	};
	gives(0, $report->('a', [ 'upgrade', 'search_path, lock_timeout, a.b, a.c' ], 'b', [ 'upgrade', 'timezone, temporary table T 1' ], [ 'downgrade', 'search_path' ],
			'c', [ 'downgrade', 'search_path' ], 'd', [ 'downgrade', 'search_path' ]), '^$', 'import', 'alembic', '-c', 'alembic/alembic.ini', '--to', 'to_alembic');
	gives(0, $report->('a', [ 'upgrade', 'search_path, a.b' ], 'b', [ 'upgrade', 'timezone, temporary table T 1' ], [ 'downgrade', 'search_path' ],
			'c', [ 'downgrade', 'search_path' ], 'd', [ 'downgrade', 'search_path' ]), '^$', 'import', 'alembic', '-c', 'alembic/alembic.ini', '--to', 'to_alembic', '-x', 'each');
}
SKIP:
{
	skip 'Django is not installed', 1 unless need_tool('Django', 'python3', '-c', 'import django, psycopg2');
	file('django/manage.py', "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n");
	file('django/settings.py', "import os\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\n"
		  . "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'DB', 'HOST': os.environ['PGHOST'], 'PORT': os.environ['PGPORT']}}\n");
	file("django/shop/$_", '') foreach '__init__.py', 'migrations/__init__.py';
	file("django/shop/migrations/000$_->[0].py", "from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [$_->[1]]\n"
		  . "    operations = [migrations.RunSQL('$_->[2]', 'DROP TABLE IF EXISTS t; SET a.b TO 1')]\n")
	  foreach [ 1, '', 'SET search_path TO a, public; SET LOCAL a.c TO 2; CREATE TEMP TABLE t (id int)' ], [ 2, '("shop", "0001")', 'SET a.b TO 1' ];
	my $left = 'what its %s script leaves in the session (%s) ends with the revision; in django, it can hold for the migrations that follow in the same run';
	gives(0, 'to_django/shop.0001.sql\nto_django/shop.0002.sql\n', '^' . quotemeta('shop.0001.sql: ' . sprintf($left, 'upgrade', 'search_path, temporary table t') . "\n"
			. 'shop.0002.sql: ' . sprintf($left, 'downgrade', 'a.b') . "\n") . '$', 'import', 'django', 'django', '--to', 'to_django');

	# the schema in which the tables of the project are
	append_to_file('django/settings.py', q{DATABASES['default']['OPTIONS'] = {'options': '-c search_path="A\\\\ b",o\'hara'}} . "\n");
	file('django/shop/migrations/0003.py', q{from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("shop", "0002")]
    operations = [migrations.RunSQL("RESET search_path"), migrations.CreateModel("User", [("id", models.AutoField(primary_key=True))])]
});
	gives(0, 'to_path/shop.0003.sql\n', '^' . quotemeta(<<'END'), 'import', 'django', 'django', '--to', 'to_path');
cmig: the search_path of Django's connection is left out: "A b",o'hara
HINT:  For all runs: SELECT cmig.set_option('cmig.search_path', '"A b",o''hara')
END
}

# golang-migrate runs what has a direction, whatever follows that; dbmate and goose refuse the downgrade before the
# upgrade
is( query($node, 'postgres', <<'END'),
SELECT string_agg(concat_ws(' ', file_name, substring(content FROM 'upgrade\s+(SELECT.*)\n\n-- cmig:down'), note), E'\n') FROM cmig.import_files('golang-migrate',
	'{1_a.up.pgsql,1_a.down.SQL,2_b.down.up.txt,3.x_c.up.sql,4_d.sql,1_e.upsql}', ARRAY['SELECT 1', 'SELECT 2', 'SELECT 3', 'x', 'y', 'z'])
END
	"1_a.sql SELECT 1\n2_b_down.sql\n1_e.upsql left out, because it is not a golang-migrate file\n"
	  . "3.x_c.up.sql left out, because it is not a golang-migrate file\n4_d.sql left out, because it is not a golang-migrate file",
	'files of golang-migrate');
foreach ([ 'dbmate', '-- migrate:down\nSELECT 1;\n-- migrate:up\n', 'The marker of the downgrade is before "-- migrate:up"' ],
	[ 'goose', '-- +goose Down\nSELECT 1;\n-- +goose Up\n', 'The marker of the downgrade is before "-- \+goose Up"' ])
{
	my ($tool, $text, $detail) = @$_;
	my (undef, undef, $error) = $node->psql('postgres', "SELECT cmig.import_files('$tool', '{1_a.sql}', ARRAY[E'$text'])");

	like($error, qr/cannot convert file "1_a\.sql" to a revision\nDETAIL:  $detail/, "$tool: the order of the directions");
}

# yoyo: several lines with dependencies, after empty and indented lines; without any, the order of the names
is( query($node, 'postgres', <<'END'),
SELECT string_agg(concat_ws(' ', file_name, substring(content FROM 'down_revision: *([^\n]*)'), substring(content FROM 'message: ([^\n]+)'),
	substring(content FROM 'transactional: f'), substring(note FROM 'run the file|left out')), E'\n')
FROM cmig.import_files('yoyo', '{1.sql,2.sql,3.sql,4.py,5.py,6.sql,7.sql,post-apply-x.sql,8.rollback.sql}', ARRAY['SELECT 1',
	E'-- Title\n\n  -- depends: 1\n -- transactional :False\nSELECT 1', E'-- depends: 2 1\n-- depends: 1\n-- Depends: 9\nSELECT 1',
	E'__depends__ = ["2",\n"3"]', '__depends__ = "3"', E'SELECT 1;\n-- depends: 9\n', E'-- depends: 6\nSELECT 1\n-- depends: 9\n', '', ''])
END
	"1.sql \n2.sql 1 Title transactional: f\n3.sql 2, 1 Depends: 9\n4.sql 2, 3\n5.sql 3\n6.sql 5\n7.sql 6\n"
	  . "post-apply-x.sql run the file\n8.rollback.sql left out",
	'yoyo');

is( query($node, 'postgres', "SELECT file_name FROM cmig.import_files('yoyo', '{post-apply.sql}', '{SELECT 1}')"), 'post-apply.sql',
	'a folder of yoyo without a migration');

# graphile-migrate: only the first lines are a header, and included files are there already
file('graphile/migrations/committed/000001.sql', <<'END');
--! Previous: -
--! Hash: sha1:01
--! Message: One
--! Wanted: x

--! split: 1-a.sql
CREATE TABLE one (id int);
--! Included one.sql
GRANT SELECT ON one TO :VISITOR;
--! EndIncluded one.sql
--! no-transaction
END
file('graphile/migrations/committed/000002.sql', "--! Previous: sha1:01\n--! Hash: sha1:02\n\n\n--! no-transaction\nVACUUM one;\n");
file('graphile/.gmrc', <<'END');
/* ":OLD": "!ENV" */
{
	"connectionString": "postgres://host/db", // "pgSettings": { "a": "b" },
	"pgSettings": { "search_path": "\"App\",o'hara,public", "role": "x" },
	"placeholders": { ":VISITOR": "visitor" },
	"afterReset": [ /* "none.sql" */ ],
	'afterAllMigrations': [ "after.sql" ]
}
END
is(imported('graphile-migrate', 'graphile/migrations', '^' . quotemeta(<<'END')), '000001 000002', 'graphile-migrate');
cmig: pgSettings in graphile/migrations/../.gmrc is left out: { "search_path": "\"App\",o'hara,public", "role": "x" }
HINT:  For all runs: SELECT cmig.set_option('cmig.search_path', '"App",o''hara,public')
cmig: afterAllMigrations in graphile/migrations/../.gmrc is left out; run what it names by other means
000001_one.sql: unknown header "--! Wanted: x"
END
my $text = slurp_file('to_graphile_migrations_graphile-migrate/000001_one.sql');
like($text, qr/transactional: true\n.*\n-- cmig:upgrade\n--! split: 1-a.sql\nCREATE TABLE one \(id int\);\n--! Included one.sql\nGRANT SELECT ON one TO visitor;\n--! EndIncluded one.sql\n--! no-transaction/s, 'its comments');
like(slurp_file('to_graphile_migrations_graphile-migrate/000002.sql'), qr/transactional: false\n.*\n-- cmig:upgrade\nVACUUM one;/s, 'its setting');
query($node, 'postgres', "SELECT cmig.set_option('cmig.search_path', '\"App\",o''hara,public')");
is(query($node, 'postgres', 'SHOW cmig.search_path'), q("App",o'hara,public), 'the hint can be pasted');
rename('graphile/.gmrc', 'graphile/.gmrc.js') or die $!;
imported('graphile-migrate', 'graphile/migrations', '^cmig: graphile/migrations/../.gmrc.js is left out, because it is JavaScript\n', 0, '-x', 'VISITOR=v', '--force');

# Rails takes 001 for 1
is( query($node, 'postgres', <<'END'),
SELECT string_agg(file_name, ' ') FROM cmig.import_files('rails', '{structure.sql,migrate/001_a.rb,migrate/010_b.rb,migrate/100_c.rb}',
	ARRAY[E'SELECT 1;\nINSERT INTO "schema_migrations" (version) VALUES\n(\'10\'),\n(\'1\');', 'a', 'b', 'c'])
END
	'10_schema_of_structure_sql.sql migrate/100_c.rb', 'numbers of Rails');

# a variable that the script itself sets, which psql does, needs no value
like( query($node, 'postgres', <<'END'),
SELECT content, note FROM cmig.import_files('sqitch', '{sqitch.plan,deploy/a.sql}', ARRAY[E'%project=p\na 2024-01-01T00:00:00Z A <a@b>', E'\\set v 7\nSELECT :v, :''w'';'])
END
	qr/^SELECT :v, :'w';.*\|to be written: its upgrade script cannot run: .*"\\set" cannot run/ms, 'a variable that a script sets');
fails_with($node, 'postgres', q{SELECT FROM cmig.import_files('sqitch', '{sqitch.plan,deploy/a.sql}', ARRAY[E'%project=p\na 2024-01-01T00:00:00Z A <a@b>', 'SELECT :v'])},
	'MG013', 'placeholder "v" has no value', 'and one that it does not set');

# what a killed call has left is removed, but not what another one is writing
append_to_file("db/.cmig-$_", '') foreach '1-2', '3-4', 'x';
utime(time - 600, time - 600, "db/.cmig-$_") foreach '1-2', 'x';
gives(0, 'db/', '', 'revision', '-m', 'one', '--version-path', 'db', '--no-load');
is(join(' ', sort glob('db/.cmig-*')), 'db/.cmig-3-4 db/.cmig-x', 'files of a killed call');

# A link is what it points to, and a file or a folder that cannot be read is an error: its migration would be missing
make_path('forms/real', 'forms/linked');
append_to_file("forms/real/0000$_.sql", "-- +goose Up\nCREATE TABLE t$_ (id int);\n") for 1, 2;
symlink("../real/0000$_.sql", "forms/linked/0000$_.sql") or die $! for 1, 2;
symlink('real', 'forms/folder') or die $!;
chdir 'forms' or die $!;
gives(0, '^to/00001.sql\nto/00002.sql\n$', '^$', 'import', 'goose', $_, '--to', 'to', '--force') for 'linked', 'folder';
# without arguments, too, if it is not in the folder itself, or around it
{
	make_path('project/db', 'project/in');
	chdir 'project' or die $!;
	symlink('../../real', 'db/migrations') or die $!;
	gives(0, 'goose: files such as db/migrations/00001.sql', '^$', 'import');
	symlink($_->[0], $_->[1]) or die $! for [ '/', 'in/root' ], [ '../..', 'in/around' ], [ '../db', 'in/beside' ], [ '.', 'in/itself' ], [ 'nowhere', 'in/nothing' ];
	gives(0, 'goose: files such as db/migrations/00001.sql', '^$', 'import');
	symlink('..', '../real/up') or die $!;
	my @result = cmig('import');
	unlike($result[1], qr{in/|up/}, 'links to what is found anyway, and those in linked folders');
	unlink '../real/up';
	unlink 'db/migrations';
	symlink("../../real/0000$_.sql", "db/0000$_.sql") or die $! for 1, 2;
	gives(0, 'cmig import goose db ', '^$', 'import');
	chdir '..' or die $!;
}
unlink 'real/00002.sql';
gives(2, '^$', '^cmig: linked/00002.sql cannot be read\n$', 'import', 'goose', 'linked', '--to', 'to');
mkfifo('real/00002.sql', 0644) or die $!;
gives(2, '^$', '^cmig: real/00002.sql cannot be read\n$', 'import', 'goose', 'real', '--to', 'to');
unlink 'real/00002.sql';
append_to_file('real/00002.sql', "-- +goose Up\nSELECT 1;\0\n");
gives(2, '^$', '^cmig: real/00002.sql contains a zero byte\n$', 'import', 'goose', 'real', '--to', 'to');
rename('real/00002.sql', "real/00002_a\nb.sql") or die $!;
gives(2, '^$', '^cmig: the name of the file \S+ contains a control character\n$', 'import', 'goose', 'real', '--to', 'to');
unlink "real/00002_a\nb.sql";
SKIP:
{
	skip 'root can read everything', 3 if $> == 0;
	chmod 0, 'real/00001.sql';
	gives(2, '^$', '^cmig: real/00001.sql cannot be read\n$', 'import', 'goose', 'real', '--to', 'to');
	chmod 0644, 'real/00001.sql';
	make_path('real/more');
	chmod 0, 'real/more';
	gives(2, '^$', '^cmig: the folder real/more cannot be read\n$', 'import', 'goose', 'real', '--to', 'to');
	append_to_file('real/log.sql', "--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n");
	gives(0, '^to/ann.1.sql\n$', '^$', 'import', 'liquibase', 'real/log.sql', '--to', 'to');
	chmod 0755, 'real/more';
}
chdir '..' or die $!;

done_testing();
