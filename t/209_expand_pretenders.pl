# Copyright (c) 2026, the pg_cmig developers

# Views of users that give an expanded table the alias that it has in the view of the version:
# what is written through them is for the old version, or an error if they are copies of that
# view, and what is written through the view of the version is for the new one, whatever else
# the statement reads and writes.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_pretenders');
my $db = 'postgres';

sql($db, $_) foreach ('CREATE EXTENSION IF NOT EXISTS pg_cmig',
	'CREATE TABLE d (id int PRIMARY KEY, c text, v text); CREATE TABLE e (id int PRIMARY KEY, c text, v text)',
	q{SELECT cmig.create_revision('a', $c$ALTER TABLE d DROP c;
-- cmig:down d.c = 'x' || v
ALTER TABLE e DROP c;
-- cmig:down e.c = 'x' || v$c$, NULL, revision => '1', expand => true)}, 'CALL cmig.expand()',
	'CREATE VIEW same AS SELECT id, c, v FROM d cmig_version WHERE cmig.expansion_view() WITH LOCAL CHECK OPTION',
	'CREATE VIEW other AS SELECT id, c, v FROM e cmig_version',
	'CREATE VIEW above AS SELECT * FROM public_1.d cmig_version');

my $id = 0;
foreach my $case (
	[ 'through a view above that of the version', 'INSERT INTO above VALUES (ID, $1)', 'new' ],
	[ 'while such a view is read', 'INSERT INTO public_1.d SELECT ID, $1 FROM (SELECT count(*) FROM same) s', 'new' ],
	[ 'while one of another table is read', 'INSERT INTO public_1.d SELECT ID, $1 FROM (SELECT count(*) FROM other) s', 'new' ],
	[ 'while one of another table is written',
		'WITH w AS (INSERT INTO other VALUES (ID, $1, $1) RETURNING v) INSERT INTO public_1.d SELECT ID, v FROM w', 'new' ],
	[ 'beside an update that reads one',
		'INSERT INTO d VALUES (ID, NULL, NULL); UPDATE public_1.d SET v = $1 FROM same WHERE same.id = ID AND d.id = ID', 'new' ])
{
	my ($what, $sql, $version, $value) = @$case;

	$id++;
	$sql =~ s/\bID\b/$id/g;
	$sql =~ s/\$1/'a'/g;
	sql($db, $sql);
	is(sql($db, "SELECT coalesce(c, 'none') FROM d WHERE id = $id"), $value // ($version eq 'new' ? 'xa' : 'none'), "$what: the $version version");
}
is(sql($db, 'TABLE e'), '4|a|a|', 'what is written through one of another table is for the old version');

# What looks like the view of the version, but is not in its schema.  The hint ends in what undoes it.
sub refused
{
	my ($view, $sql, $hint) = @_;
	my $errors = tried($db, $sql);

	like($errors, qr/ERROR:  view \Q$view\E is not in schema public_1, which has the new version of table public\.d\n/, $sql);
	like($errors, qr/^HINT:  \Q$hint\E$/m, 'its hint');
	return $hint =~ s/^.*: //r;
}

refused('public.same', $_, 'Write through the view in schema public_1, or through one that reads it.')
	foreach q{INSERT INTO same (id, v) VALUES (9, 'a')}, q{UPDATE same SET v = 'b'};
sql($db, 'ALTER SCHEMA public_1 RENAME TO renamed');
my $undo = sql($db, q{SELECT fix FROM cmig.check() WHERE severity = 'error' AND object = 'schema public_1'});
like($undo, qr/^ALTER SCHEMA renamed RENAME TO public_1/, 'the fix');
sql($db, refused('renamed.d', "INSERT INTO renamed.d VALUES (9, 'a')", 'As its owner: ALTER SCHEMA renamed RENAME TO public_1'));
sql($db, 'CREATE SCHEMA aside; ALTER VIEW public_1.d SET SCHEMA aside');
sql($db, refused('aside.d', "INSERT INTO aside.d VALUES (9, 'a')", 'As its owner: ALTER VIEW aside.d SET SCHEMA public_1'));
is(sql($db, "INSERT INTO public_1.d VALUES (9, 'a'); SELECT c FROM d WHERE id = 9"), 'xa', 'and back');

$node->stop;
done_testing();
