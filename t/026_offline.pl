# Copyright (c) 2026, the pg_cmig developers

# Tests that running the result of cmig.script with psql, in a database without
# pg_cmig, has the same effect as cmig.upgrade and cmig.downgrade, and that Alembic can
# read the resulting version table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @chains = qw(conjoinai contextiq mindbridge mnfst_rag second_brain);
my $dir = PostgreSQL::Test::Utils::tempdir();
my $files = 0;
my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my $has_alembic =
  need_tool('Alembic', $python, '-c', 'import alembic, psycopg2, sqlalchemy');

my $node = new_node('offline');
$node->start;

# Writes the result of cmig.script to a file, as psql would.
sub script_file
{
	my ($db, $arguments) = @_;
	my $file = "$dir/" . ++$files . '.sql';
	my ($out, $err);

	$node->psql($db, "SELECT cmig.script($arguments)", stdout => \$out, stderr => \$err,
		on_error_die => 1);
	append_to_file($file, "$out\n");
	return $file;
}

# Runs the file, and returns psql's exit status, which must be 0 if no name is given.
sub run_file
{
	my ($db, $file, @options) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-Xq', @options, '-d', $node->connstr($db), '-f', $file ],
		'<', \undef, '>', \$out, '2>', \$err);
	my $status = $? >> 8;
	return wantarray ? ($status, $err) : $status == 0 && $err eq '' ? '' : "$status: $err";
}

# Returns a dump of the schema, without the objects that only one of the two databases
# has.
sub schema_of
{
	my ($db) = @_;
	my ($out, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-T', '*_version', $node->connstr($db) ],
		'<', \undef, '>', \$out, '2>', \$err)
	  or die $err;
	return join '', map { "$_\n" }
	  grep { !/^(--|$|\\(un)?restrict)/ && !/EXTENSION (IF NOT EXISTS )?pg_cmig/ } split /\n/, $out;
}

sub rows_of
{
	my ($db, $column, $table) = @_;

	return query($node, $db, qq{SELECT $column FROM $table ORDER BY $column COLLATE "C"});
}

# Returns the current revisions of a database according to Alembic, given the graph of
# the chain.
sub alembic_current
{
	my ($chain, $db) = @_;
	my $home = "$dir/alembic_$chain";
	my ($out, $err);

	if (!-d $home)
	{
		mkdir $_ or die for ($home, "$home/versions");
		append_to_file("$home/alembic.ini", "[alembic]\nscript_location = $home\n");
		append_to_file("$home/env.py", <<'END_PY');
import os, psycopg2, sqlalchemy
from alembic import context
engine = sqlalchemy.create_engine("postgresql://", creator=lambda: psycopg2.connect(os.environ["CMIG_DSN"]))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
END_PY
		my $history = query($node, "author_$chain", <<'END_SQL');
SELECT format(E'%s|revision = %s;down_revision = %s;depends_on = %s;branch_labels = %s',
	row_number() OVER (), to_json(revision),
	CASE WHEN down_revision = '{}' THEN 'None' ELSE 'tuple(' || to_json(down_revision) || ')' END,
	CASE WHEN depends_on = '{}' THEN 'None' ELSE 'tuple(' || to_json(depends_on) || ')' END,
	CASE WHEN branch_labels = '{}' THEN 'None' ELSE 'tuple(' || to_json(branch_labels) || ')' END)
FROM cmig.revision
END_SQL
		for my $line (split /\n/, $history)
		{
			my ($number, $text) = split /\|/, $line;

			append_to_file("$home/versions/r$number.py", join("\n", split /;/, $text) . "\n");
		}
	}
	local $ENV{CMIG_DSN} = $node->connstr($db);
	IPC::Run::run([ $python, '-m', 'alembic', '-c', "$home/alembic.ini", 'current' ],
		'<', \undef, '>', \$out, '2>', \$err)
	  or die "$out$err";
	return join "\n", sort map { /^(\S+)/ } split /\n/, $out;
}

for my $chain (@chains)
{
	my $author = "author_$chain";
	my %plain;

	$node->safe_psql('postgres', "CREATE DATABASE $author");
	query($node, $author, 'CREATE EXTENSION pg_cmig');
	load_files($node, $author, undef, chain_files($chain));

	my %texts = (
		one => script_file($author, q{'upgrade', 'heads'}),
		each => script_file($author,
			q{'upgrade', 'base:heads', 'alembic_version', transaction_per_revision => true}));

	query($node, $author, q{SET cmig.concurrent_ddl = off; SELECT count(*) FROM cmig.upgrade('heads')});
	for my $kind (sort keys %texts)
	{
		$plain{$kind} = "${kind}_$chain";
		$node->safe_psql('postgres', "CREATE DATABASE $plain{$kind}");
		is(run_file($plain{$kind}, $texts{$kind}, '-v', 'ON_ERROR_STOP=1'), '',
			"$chain, $kind: the text runs without pg_cmig");
		is(schema_of($plain{$kind}), schema_of($author), "$chain, $kind: the same schema as cmig.upgrade");
		my $table = $kind eq 'one' ? 'public.cmig_version' : 'alembic_version';
		is(rows_of($plain{$kind}, 'version_num', $table),
			rows_of($author, 'revision', 'cmig.version'), "$chain, $kind: the same rows");

		my ($status, $err) = run_file($plain{$kind}, $texts{$kind}, '-v', 'ON_ERROR_STOP=1');
		ok($status == 3 && $err =~ /this script starts from base, but the database is in a different state/,
			"$chain, $kind: a second time is refused")
		  or diag $err;
		is(schema_of($plain{$kind}), schema_of($author), "$chain, $kind: cmig.script has changed nothing");
	}

	if ($has_alembic)
	{
		is(alembic_current($chain, $plain{each}), rows_of($author, 'revision', 'cmig.version'),
			"$chain: Alembic shows the same current revision");
	}

	# test the downgrade, too
	my %down = (
		one => script_file($author, q{'downgrade', 'base'}),
		each => script_file($author,
			q{'downgrade', 'heads:base', 'alembic_version', transaction_per_revision => true}));
	query($node, $author, q{SET cmig.concurrent_ddl = off; SELECT count(*) FROM cmig.downgrade('base')});
	for my $kind (sort keys %down)
	{
		is(run_file($plain{$kind}, $down{$kind}, '-v', 'ON_ERROR_STOP=1'), '',
			"$chain, $kind: the downgrade runs");
		is(schema_of($plain{$kind}), schema_of($author), "$chain, $kind: the same schema as cmig.downgrade");
		is(rows_of($plain{$kind}, 'version_num', $kind eq 'one' ? 'public.cmig_version' : 'alembic_version'),
			'', "$chain, $kind: no rows");
	}
	is(alembic_current($chain, $plain{each}), '', "$chain: Alembic shows base") if $has_alembic;
}

# The script's own statements call no operator that the session's search_path finds.
{
	query($node, 'postgres', "CREATE DATABASE $_") foreach qw(path_author path_hostile);
	query($node, 'path_author', q{CREATE EXTENSION pg_cmig});
	query($node, 'path_author', <<~'SQL');
		SELECT cmig.create_revision(r, 'CREATE TABLE public.t' || r || ' (id integer UNIQUE DEFERRABLE)', 'DROP TABLE public.t' || r, revision => r,
			precondition_sql => 'SELECT true', verify_sql => 'SELECT NULL::integer, true') FROM unnest('{1,2}'::text[]) r
		SQL
	query($node, 'path_hostile', <<~'SQL');
		CREATE SCHEMA hostile;
		DO $$
		DECLARE o record;
		BEGIN
			-- with arrays and texts where pg_catalog has an operator for any type
			FOR o IN
				SELECT DISTINCT ON (p.oprname, l.type, r.type) p.oprname AS name, l.type AS l, r.type AS r, p.oprresult::regtype AS result, p.oid
				FROM pg_operator p,
					LATERAL (SELECT coalesce((SELECT t FROM (VALUES ('anyarray'::regtype, 'text[]'::regtype), ('anynonarray', 'text')) a (any_type, t) WHERE any_type = oprleft), oprleft) AS type) l,
					LATERAL (SELECT coalesce((SELECT t FROM (VALUES ('anyarray'::regtype, 'text[]'::regtype), ('anynonarray', 'text')) a (any_type, t) WHERE any_type = oprright), oprright) AS type) r
				WHERE p.oprname IN ('=', '<>', '<', '>', '+', '-', '||', '~', '!~') AND p.oprkind = 'b'
					AND concat_ws(' ', l.type, r.type, p.oprresult::regtype) !~ '\many'
			LOOP
				EXECUTE format('CREATE FUNCTION hostile.f%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN RAISE ''an operator of another schema was called''; END $f$', o.oid, o.l, o.r, o.result);
				EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.f%s)', o.name, o.l, o.r, o.oid);
			END LOOP;
		END $$;
		CREATE DOMAIN hostile.text AS pg_catalog.int4;
		CREATE DOMAIN hostile.regtype AS pg_catalog.int4;
		ALTER DATABASE path_hostile SET search_path = hostile, pg_catalog;
		SQL
	for my $arguments (q{'upgrade', 'head'}, q{'downgrade', 'head:base'},
		q{'upgrade', 'head', transaction_per_revision => true})
	{
		my ($status, $err) = run_file('path_hostile', script_file('path_author', $arguments), '-v', 'ON_ERROR_STOP=1');

		is("$status$err", '0', "a hostile search_path: $arguments");
	}
	is(query($node, 'path_hostile', q{SET search_path = public; SELECT string_agg(version_num, ' ') FROM cmig_version}), '2',
		'... the version rows');
}

$node->stop;
done_testing();
