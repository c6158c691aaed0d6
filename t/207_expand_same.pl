# Copyright (c) 2026, the pg_cmig developers

# Sequences, attributes, and columns of foreign tables keep values, or find them by position,
# but an expansion knows them by name: a revision that gives them other names, or puts others
# in their place, is refused, because a contraction would not end as an upgrade does.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_same');
my $other = 'The revision replaces it by another one of that name';
my $renamed = 'The revision renames or moves it';
my $revision = 1;

sql('postgres', 'CREATE ROLE someone');
new_database($node, 'd');
sql('d', q{CREATE EXTENSION file_fdw; CREATE SERVER f FOREIGN DATA WRAPPER file_fdw;
	CREATE FOREIGN TABLE f (id int, a text, b text) SERVER f OPTIONS (filename '/dev/null', format 'csv');
	CREATE SEQUENCE q; CREATE SEQUENCE gone; CREATE TYPE y AS (a int, b text, c text); CREATE SCHEMA aside AUTHORIZATION someone;
	CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY);
	CREATE TABLE t (id int PRIMARY KEY, n text, y y); INSERT INTO t VALUES (1, '1', (1, 'b', 'c')); SELECT nextval('q')});

# expanded(SQL): what cmig.expand() says of a revision that also changes a column
sub expanded
{
	my ($change) = @_;

	$revision++;
	sql('d', "SELECT cmig.create_revision('c', \$r\$$change; ALTER TABLE t ALTER n TYPE int USING n::int\$r\$,
		revision => '$revision', head => '@{[$revision == 2 ? 'base' : '2']}', splice => true, expand => true)");
	return tried('d', "CALL cmig.expand('$revision')");
}

like(expanded(q{ALTER SEQUENCE q INCREMENT 5; DROP SEQUENCE gone; ALTER FOREIGN TABLE f ALTER a OPTIONS (ADD force_null 'true');
		COMMENT ON SEQUENCE q IS 'x'}),
	qr/is expanded: the new build/, 'other changes are made by the contraction');
# only COPY and replication write a hidden column, but no function
like(tried('d', "DO 'BEGIN UPDATE t SET cmig_new_n = 5; END'"), qr/column "cmig_new_n" of relation "t" can only be .* through the new version/, 'a hidden column');
sql('d', q{CALL cmig.contract()});
is(sql('d', q{SELECT nextval('q'), obj_description('q'::regclass)}), '6|x', 'which keeps the sequence');
sql('d', 'ALTER TABLE t ALTER n TYPE text');
foreach my $case (
	[ 'ALTER SEQUENCE q RENAME TO p', 'sequence public.q', $renamed ],
	[ 'ALTER SEQUENCE q SET SCHEMA aside', 'sequence public.q', $renamed ],
	[ 'DROP SEQUENCE q; CREATE SEQUENCE q INCREMENT 5', 'sequence public.q', $other ],
	[ 'ALTER TABLE i ALTER id DROP IDENTITY; ALTER TABLE i ALTER id ADD GENERATED ALWAYS AS IDENTITY', 'column public.i.id', 'It would have another sequence than after an upgrade' ],
	[ 'ALTER TYPE y RENAME ATTRIBUTE b TO z; ALTER TYPE y RENAME ATTRIBUTE c TO b; ALTER TYPE y RENAME ATTRIBUTE z TO c',
		'attribute public.y.b', $renamed ],
	[ 'ALTER TYPE y DROP ATTRIBUTE b; ALTER TYPE y ADD ATTRIBUTE b text', 'attribute public.y.b', $other ],
	[ 'ALTER FOREIGN TABLE f RENAME a TO z', 'column public.f.a', $renamed ],
	[ 'ALTER FOREIGN TABLE f DROP a; ALTER FOREIGN TABLE f ADD a text OPTIONS (force_null $$true$$)',
		'column public.f.a', $other ])
{
	like(expanded($case->[0]), qr/ERROR:  \Q$case->[1] cannot be expanded\E\nDETAIL:  \Q$case->[2].\E/, $case->[0]);
	is(sql('d', 'SELECT count(*) FROM cmig.expansion_run'), '0', 'nothing was done');
}

done_testing();
