# Copyright (c) 2026, the pg_cmig developers

# Views of users that give an expanded table the alias that it has in the view of the version:
# what is written through them is for the old version, and what is written through the view
# of the version is for the new one, whatever else the statement reads and writes.

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
	[ 'through such a view', 'INSERT INTO same (id, v) VALUES (ID, $1)', 'old' ],
	[ 'through a view above that of the version', 'INSERT INTO above VALUES (ID, $1)', 'new' ],
	[ 'while such a view is read', 'INSERT INTO public_1.d SELECT ID, $1 FROM (SELECT count(*) FROM same) s', 'new' ],
	[ 'while one of another table is read', 'INSERT INTO public_1.d SELECT ID, $1 FROM (SELECT count(*) FROM other) s', 'new' ],
	[ 'while one of another table is written',
		'WITH w AS (INSERT INTO other VALUES (ID, $1, $1) RETURNING v) INSERT INTO public_1.d SELECT ID, v FROM w', 'new' ],
	[ 'beside an update through one', 'INSERT INTO public_1.d VALUES (ID, $1); UPDATE same SET v = $1 WHERE id = ID', 'old', 'xa' ],
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
is(sql($db, 'TABLE e'), '5|a|a|', 'what is written through one of another table is for the old version');

$node->stop;
done_testing();
