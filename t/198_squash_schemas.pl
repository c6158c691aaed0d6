# Copyright (c) 2026, the pg_cmig developers

# A schema that revisions need, but do not create, is not created by the revision that
# replaces them, and its downgrade does not drop it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('squash_schemas');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE reader');

# squashed(SETUP, RANGE, UPGRADE...): the sections of the file that replaces revisions, without
# empty lines, or its error
sub squashed
{
	my ($setup, $range, @scripts) = @_;
	my ($number, $files, $out, $err) = (0, '', '', '');

	foreach my $script (@scripts)
	{
		$files .= revision_file('r' . ($number + 1), $number ? "r$number" : '', $script, '-- nothing');
		$number++;
	}
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS given');
	$node->safe_psql('postgres', 'CREATE DATABASE given');
	$node->safe_psql('given', "CREATE EXTENSION pg_cmig; $setup; " . load_sql($files) . 'SELECT FROM cmig.upgrade();');
	$node->psql('given', "SELECT content FROM cmig.squash('$range', 'Squashed', 's')", stdout => \$out, stderr => \$err);
	return $err if $err =~ /ERROR/;
	$out =~ s/.*(?=^-- cmig:upgrade)//ms;
	return $out =~ s/\n+\s*/ /gr =~ s/ $//r;
}

my ($schema, $table, $other) = ('CREATE SCHEMA app', 'CREATE TABLE app.t (a int);', 'CREATE TABLE app.u (a int);');
my ($made, $others) = ('CREATE TABLE app.t ( a integer );', 'CREATE TABLE app.u ( a integer );');

is(squashed($schema, 'r1:r2', $table, $other), "-- cmig:upgrade $made $others -- cmig:downgrade DROP TABLE app.u; DROP TABLE app.t;", 'a schema that was there before');
is(squashed("$schema; CREATE SCHEMA empty", 'r1:r2', $table, 'GRANT USAGE ON SCHEMA app TO reader; COMMENT ON SCHEMA app IS $$x$$;'),
	"-- cmig:upgrade GRANT USAGE ON SCHEMA app TO reader; COMMENT ON SCHEMA app IS 'x'; $made -- cmig:downgrade DROP TABLE app.t; "
	  . 'COMMENT ON SCHEMA app IS NULL; REVOKE USAGE ON SCHEMA app FROM reader;', 'privileges and a comment are kept');
is(squashed('SELECT', 'r1:r2', "$schema; $table", $other), "-- cmig:upgrade $schema; $made $others -- cmig:downgrade DROP TABLE app.u; DROP TABLE app.t; DROP SCHEMA app;", 'one that a revision creates');
is(squashed($schema, 'r1:r2', "CREATE SCHEMA IF NOT EXISTS app; $table", $other), "-- cmig:upgrade $schema; $made $others -- cmig:downgrade DROP TABLE app.u; DROP TABLE app.t; DROP SCHEMA app;",
	'or would create');
is(squashed('SELECT', 'r2:r3', $schema, $table, $other), "-- cmig:upgrade $made $others -- cmig:downgrade DROP TABLE app.u; DROP TABLE app.t;", 'one of a revision before them');
is(squashed($schema, 'r2:r3', 'CREATE TABLE app.s (a int); GRANT USAGE ON SCHEMA app TO reader;', $table, $other), "-- cmig:upgrade $made $others -- cmig:downgrade DROP TABLE app.u; DROP TABLE app.t;",
	'one that a revision before them needs, too');
is(squashed($schema, 'r1:r2', $table, 'DROP SCHEMA app CASCADE; CREATE SCHEMA app; ' . $other), "-- cmig:upgrade $schema; $others -- cmig:downgrade DROP TABLE app.u; DROP SCHEMA app;", 'dropped and created again');
is(squashed($schema, 'r2:r3', $table, 'DROP TABLE app.t;', 'CREATE TABLE t (a int);') =~ s/-- [^;]*(?=DROP|CREATE)//gr,
	'DROP TABLE app.t; CREATE TABLE public.t ( a integer ); DROP TABLE public.t; ' . $made, 'emptied');

# the downgrade that is generated for a revision that was expanded
$node->safe_psql('postgres', 'CREATE DATABASE expanded');
$node->safe_psql('expanded', q{CREATE EXTENSION pg_cmig; CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO reader;
	SELECT cmig.create_revision('a', 'CREATE TABLE t (a int)', NULL, revision => '1'); SELECT FROM cmig.upgrade();
	SELECT cmig.create_revision('b', 'ALTER TABLE t ALTER a TYPE bigint; CREATE TABLE app.u (a int)', NULL, revision => '2', expand => true)});
$node->safe_psql('expanded', $_) foreach 'CALL cmig.expand()', 'CALL cmig.contract()', q{SELECT FROM cmig.downgrade('-1')}, 'SELECT FROM cmig.upgrade()';
is($node->safe_psql('expanded', q{SELECT has_schema_privilege('reader', 'app', 'USAGE')}), 't', 'a generated downgrade does not drop the schema');

$node->stop;
done_testing();
