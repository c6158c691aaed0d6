# Copyright (c) 2026, the pg_cmig developers

# Tests revisions that are applied in the database and in scopes, too, and tables of one name in both.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('same_revisions');
my $chain = q{SELECT cmig.create_revision('one', 'CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL)', 'DROP TABLE person', revision => '001')};
my %second = (
	renamed => 'ALTER TABLE person RENAME COLUMN name TO full_name; ALTER TABLE person ADD COLUMN age int',
	computed => "ALTER TABLE person ADD COLUMN first text;\n-- cmig:up person.first = split_part(name, ' ', 1)\nALTER TABLE person DROP COLUMN name;\n-- cmig:down person.name = first\n");
my $columns = q{SELECT string_agg(concat_ws(' ', attrelid::regclass, attname, attnotnull), ', ' ORDER BY attrelid::regclass::text, attnum) FROM pg_attribute WHERE attrelid IN ('public.person'::regclass, 's1.person'::regclass) AND attnum > 1 AND NOT attisdropped};

# A generated downgrade in a scope is that of the scope, whatever is applied in the database.
foreach my $kind (sort keys %second)
{
	foreach my $in_database ('base', '001', '002')
	{
		my $db = "${kind}_$in_database";

		new_database($node, $db);
		sql($db, "$chain; SELECT cmig.create_revision('two', \$c\$$second{$kind}\$c\$, revision => '002', expand => true)");
		sql($db, 'CREATE TABLE person (name text NOT NULL)') if $in_database eq 'base';
		sql($db, "SELECT FROM cmig.upgrade('$in_database')") if $in_database ne 'base';
		sql($db, q{SELECT FROM cmig.create_scope('s1'); INSERT INTO s1.person VALUES (1, 'a b')});
		sql($db, "CALL cmig.downgrade_scopes('s%', '001')");
		like(sql($db, $columns), qr/s1\.person name t$/, "$db: downgraded in the scope");
		is(sql($db, q{SELECT name FROM s1.person}), 'a b', 'with its rows');
		sql($db, "CALL cmig.upgrade_scopes('s%'); SET cmig.scope = 's1'; CALL cmig.downgrade_stepwise('001')");
		like(sql($db, $columns), qr/s1\.person name t$/, 'and again, in steps');
		is(sql($db, 'SELECT current FROM cmig.scopes()'), '{001}', 'which is recorded');
	}
}

# A line without a schema is about the table that the revision changes, not about one of a scope.
{
	my $db = 'lines';

	new_database($node, $db);
	sql($db, "$chain; SELECT FROM cmig.upgrade(); SELECT FROM cmig.create_scope('s1', '001'); INSERT INTO person VALUES (1, 'a b'); INSERT INTO s1.person VALUES (2, 'c d')");
	sql($db, "SELECT cmig.create_revision('two', \$c\$$second{computed}\$c\$, revision => '002', expand => true)");
	sql($db, 'CALL cmig.expand()');
	sql($db, q{INSERT INTO public_002.person (id, first) VALUES (3, 'x')});
	is(sql($db, 'SELECT id, name FROM person ORDER BY id'), "1|a b\n3|x", 'expanded in the database');
	is(sql($db, $columns), 'person name t, person cmig_state f, person cmig_new_first f, s1.person name t', 'and only there');
	is(sql($db, q{SELECT count(*) FROM cmig.check() WHERE severity = 'error'}), '0', 'without a problem');
	sql($db, q{CALL cmig.expand(scopes => 's1'); CALL cmig.contract(scopes => 's1'); CALL cmig.contract()});
	is(sql($db, $columns), 'person first f, s1.person first f', 'then in the scope');
	is(sql($db, 'SELECT first FROM s1.person'), 'c', 'with its rows');
}

done_testing();
