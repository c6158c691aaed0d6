# Copyright (c) 2026, the pg_cmig developers

# Tests what a foreign key cascades while a revision is expanded: it is a write of the version through which the
# referenced row is written.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_cascades');
my $wider = 'ALTER TABLE parent ALTER id TYPE bigint; ALTER TABLE child ALTER parent TYPE bigint;';

foreach my $case ([ 'kept', '', '' ], [ 'replaced', $wider, '' ], [ 'partitioned', '', 'PARTITION BY RANGE (id)' ])
{
	my ($db, $changes, $partitions) = @$case;
	my $child = q{SELECT string_agg(concat_ws(' ', id, coalesce(parent::text, '-'), coalesce(z::text, '-')), ', ' ORDER BY id) FROM public_2.child};
	my $old = q{SELECT string_agg(concat_ws(' ', id, coalesce(parent::text, '-'), name), ', ' ORDER BY id) FROM child};

	new_database($node, $db);
	sql($db, "CREATE TABLE parent (id int PRIMARY KEY, y int) $partitions;
		CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON UPDATE CASCADE ON DELETE SET NULL, name text)");
	sql($db, 'CREATE TABLE parent_1 PARTITION OF parent DEFAULT') if $partitions;
	sql($db, "INSERT INTO parent SELECT i, i FROM generate_series(1, 7) i; SELECT FROM cmig.create_revision('two', \$c\$$changes
ALTER TABLE child ADD z int;
-- cmig:up child.z = parent * 2
ALTER TABLE child DROP name;
-- cmig:down child.name = 'n' || coalesce(parent, 0)
ALTER TABLE parent ADD w int;
-- cmig:up parent.w = y + 1
\$c\$, NULL, revision => '2', expand => true)");
	sql($db, 'CALL cmig.expand()');
	sql($db, 'INSERT INTO public_2.child (id, parent, z) SELECT i, i, 5 FROM generate_series(1, 7) i');
	sql($db, 'UPDATE public_2.child SET parent = 4 WHERE id = 5; UPDATE public_2.parent SET id = 102 WHERE id = 2; UPDATE parent SET id = 103 WHERE id = 3; DELETE FROM public_2.parent WHERE id = 1');
	sql($db, 'DELETE FROM parent WHERE id = 6; WITH moved AS (UPDATE public_2.parent SET id = 107 WHERE id = 7 RETURNING id) SELECT FROM moved');
	is(sql($db, $child), '1 - 5, 2 102 5, 3 103 206, 4 4 5, 5 4 5, 6 - -, 7 107 5', "$db: what the new build has stored is kept, unless the old build writes");
	is(sql($db, $old), '1 - n0, 2 102 n102, 3 103 n3, 4 4 n4, 5 4 n4, 6 - n6, 7 107 n107', 'and the other way round');
	# a function that the new build calls writes the table itself
	sql($db, q{CREATE FUNCTION rename_4() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE parent SET id = 104 WHERE id = 4; RETURN NULL; END$$;
		CREATE TABLE other (a int); CREATE TRIGGER t AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION rename_4(); INSERT INTO other VALUES (1)});
	like(sql($db, $child), qr/4 104 208, 5 104 208/, 'a trigger of another table');
	is(sql($db, q{SELECT count(*) FROM cmig.check() WHERE severity = 'error'}), '0', 'without a problem');
	sql($db, 'CALL cmig.contract()');
	is(sql($db, $child =~ s/public_2\.//r), '1 - 5, 2 102 5, 3 103 206, 4 104 208, 5 104 208, 6 - -, 7 107 5', 'contracted');
}

done_testing();
