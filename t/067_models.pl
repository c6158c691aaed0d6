# Copyright (c) 2026, the pg_cmig developers

# Tests revisions that are generated from models.  The programs in doc/schema-diff.md
# print the schema of each model.  In an empty database, a revision is generated from
# this schema, loaded, and run in both directions.  The models that belong to the
# example chains must not differ from the schemas that the chains create.
#
# CMIG_TEST_SQLALCHEMY can name a folder with versions of SQLAlchemy and Alembic other
# than the installed ones.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my $node = new_node('models');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN');

my %recipes = slurp_file("$CmigNode::top/doc/schema-diff.md") =~ /^```python recipe=(\w+)\n(.*?)^```$/msg;
is(join(' ', sort keys %recipes), 'alembic django sqlalchemy', 'the recipes of the document');

my $next = 0;
sub new_db
{
	my $db = 'db' . ++$next;

	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER owner");
	query($node, $db, 'CREATE EXTENSION pg_cmig', 'owner');
	return $db;
}

sub dump_of
{
	my ($db, @options) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', @options, '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err) or die $err;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return $dump;
}

# project(FILE => TEXT...): creates a folder with these files
sub project
{
	my (%files) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();

	foreach my $name (keys %files)
	{
		make_path("$dir/$1") if $name =~ m{(.*)/};
		append_to_file("$dir/$name", $files{$name});
	}
	return $dir;
}

# printed(FOLDER, COMMAND...): returns what the command prints
sub printed
{
	my ($dir, @command) = @_;
	my ($out, $err);
	local $ENV{PYTHONPATH} = join(':', $dir, $ENV{CMIG_TEST_SQLALCHEMY} // ());
	local $ENV{PYTHONDONTWRITEBYTECODE} = 1;

	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err, init => sub { chdir $dir or die }) or die "@command: $err";
	return $out;
}

sub dollar_quoted
{
	return '$models$' . $_[0] . '$models$';
}

# generate(DATABASE, TARGET, ARGUMENTS): returns the generated file as psql prints it
sub generate
{
	my ($db, $target, $arguments) = @_;

	return query($node, $db, 'SELECT content FROM cmig.autogenerate(' . "'Generated', " . dollar_quoted($target) . "$arguments)", 'owner');
}

# makes(NAME, TARGET, ARGUMENTS): tests that the generated revision creates the target's
# schema in an empty database, and that its downgrade drops it
sub makes
{
	my ($name, $target, $arguments) = @_;
	my $db = new_db();
	my $empty = dump_of($db);
	my $again = $arguments . ", source => 'replay'";
	my $file = generate($db, $target, $arguments);

	is(query($node, $db, load_sql($file) . "SELECT count(*) FROM cmig.upgrade()", 'owner') =~ s/^\w+(?=\|added)/ID/r, "ID|added\n1",
		"$name: the file loads and runs");
	is(generate($db, $target, $arguments), '', "$name: there is no second one");
	is(generate($db, $target, $again), '', "$name: nor one after a replay");
	my $made = dump_of($db);
	query($node, $db, "SELECT cmig.downgrade('base')", 'owner');
	is(dump_of($db), $empty, "$name: nothing is left after the downgrade");
	query($node, $db, 'SELECT cmig.upgrade()', 'owner');
	is(dump_of($db), $made, "$name: the second upgrade makes the same");
	return $db;
}

# The models of the example chains
SKIP:
{
	skip 'SQLAlchemy is not installed', 1 unless need_tool('python3-sqlalchemy', $python, '-c', 'import sqlalchemy');

	foreach my $chain (qw(conjoinai contextiq mindbridge mnfst_rag second_brain))
	{
		my $dir = project('app/__init__.py' => '', 'app/models.py' => slurp_file("$CmigNode::top/t/data/models/$chain.py"),
			'schema.py' => $recipes{sqlalchemy});
		my $target = printed($dir, $python, 'schema.py');
		my $db = new_db();

		load_files($node, $db, 'owner', chain_files($chain));
		query($node, $db, "SET cmig.concurrent_ddl = off; SELECT count(*) FROM cmig.upgrade('heads')", 'owner');
		is(query($node, $db, "SELECT coalesce(upgrade_sql, object || hazard) FROM cmig.diff(" . dollar_quoted($target) . ", compare => 'models')", 'owner'),
			'', "$chain: its models are what its revisions make");
		query($node, $db, 'SELECT cmig.require_schema(' . dollar_quoted($target) . ", compare => 'models', source => 'replay')", 'owner');

		$target = qq{CREATE EXTENSION IF NOT EXISTS "uuid-ossp"; CREATE EXTENSION IF NOT EXISTS pgcrypto;\n$target} if $chain eq 'contextiq';
		makes($chain, $target, '');
	}
}

# A project that was managed with Alembic
SKIP:
{
	skip 'Alembic is not installed', 1 unless need_tool('alembic', $python, '-c', 'import alembic');

	my $models = slurp_file("$CmigNode::top/t/data/models/second_brain.py");
	my $dir = project('app/__init__.py' => '', 'app/models.py' => $models, 'schema.py' => $recipes{alembic});

	printed($dir, 'alembic', 'init', 'alembic');
	append_to_file("$dir/alembic/env.py.new",
		slurp_file("$dir/alembic/env.py") =~ s/^target_metadata = None/from app.models import Base\ntarget_metadata = Base.metadata/mr);
	rename "$dir/alembic/env.py.new", "$dir/alembic/env.py" or die;
	append_to_file("$dir/alembic.ini.new",
		slurp_file("$dir/alembic.ini") =~ s{^sqlalchemy.url = .*}{sqlalchemy.url = postgresql://nobody\@nowhere/nothing}mr);
	rename "$dir/alembic.ini.new", "$dir/alembic.ini" or die;
	my $db = makes('env.py', printed($dir, $python, 'schema.py'), ", compare => 'models'");

	# the models change
	append_to_file("$dir/app/more.py", "from sqlalchemy import Column, Text\nfrom app.models import User\n\nUser.phone = Column(Text)\n");
	append_to_file("$dir/alembic/env.py.new", "import app.more\n" . slurp_file("$dir/alembic/env.py"));
	rename "$dir/alembic/env.py.new", "$dir/alembic/env.py" or die;
	like(generate($db, printed($dir, $python, 'schema.py'), ", compare => 'models'"),
		qr/cmig:upgrade\nALTER TABLE public.users ADD COLUMN phone text;\n\n-- cmig:downgrade\nALTER TABLE public.users DROP COLUMN phone;\n*\z/,
		'a new column');
}

SKIP:
{
	skip 'Django is not installed', 1 unless need_tool('python3-django', $python, '-c', 'import django, psycopg2');

	my $dir = project(
		'schema.py' => $recipes{django},
		'settings.py' => <<'END', 'shop/__init__.py' => '', 'shop/models.py' => <<'END2');
INSTALLED_APPS = ["shop", "django.contrib.contenttypes", "django.contrib.auth"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "nothing", "HOST": "nowhere"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
END
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100, db_index=True)
    tags = ArrayField(models.TextField())

    class Meta:
        indexes = [GinIndex(fields=["tags"], name="author_tags")]


class Book(models.Model):
    title = models.CharField(max_length=200, unique=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    readers = models.ManyToManyField(Author, related_name="reads")
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)

    class Meta:
        constraints = [models.CheckConstraint(check=models.Q(price__gt=0), name="price_positive")]
END2
	local $ENV{DJANGO_SETTINGS_MODULE} = 'settings';
	makes('Django', printed($dir, $python, 'schema.py'), ", compare => 'models'");
}

# scripts/check installs drizzle-orm and drizzle-kit in the folder PG_CMIG_NPM
SKIP:
{
	my $dir = $ENV{PG_CMIG_NPM};

	skip 'PG_CMIG_NPM is not set', 1 unless $dir;
	my $models = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$models/schema.ts", <<'END');
import { sql } from "drizzle-orm";
import { bigint, check, index, integer, pgEnum, pgTable, serial, text, timestamp, varchar } from "drizzle-orm/pg-core";

export const status = pgEnum("status", ["open", "done"]);

export const person = pgTable("person", {
  id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  email: varchar({ length: 255 }).notNull().unique(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});

export const task = pgTable("task", {
  id: serial().primaryKey(),
  personId: bigint("person_id", { mode: "number" }).notNull().references(() => person.id, { onDelete: "cascade" }),
  title: text().notNull().default("it's"),
  status: status().notNull().default("open"),
  rank: integer(),
}, (t) => [index("task_person_idx").on(t.personId), check("rank_positive", sql`${t.rank} > 0`)]);
END
	# the program finds its library next to the models
	symlink "$dir/node_modules", "$models/node_modules" or die;
	makes('Drizzle', printed($models, "$dir/node_modules/.bin/drizzle-kit", 'export', '--dialect', 'postgresql', '--schema', 'schema.ts'),
		", compare => 'models'");
}

# Another database as the source of the models
{
	my $staging = new_db();

	query($node, $staging, <<'END', 'owner');
CREATE EXTENSION citext;
CREATE SCHEMA shop;
CREATE TABLE shop.person (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext UNIQUE);
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE ON shop.person FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE VIEW shop.people AS SELECT email FROM shop.person;
ALTER TABLE shop.person ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.person USING (true);
COMMENT ON VIEW shop.people IS 'E-mail';
END
	my $db = makes('pg_dump', dump_of($staging, '-O', '-x', '-N', 'cmig'), '');
	is(dump_of($db, '-N', 'cmig'), dump_of($staging, '-N', 'cmig'), 'pg_dump: the schema of the other database');
}

$node->stop;
done_testing();
