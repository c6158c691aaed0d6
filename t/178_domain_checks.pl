# Copyright (c) 2026, the pg_cmig developers

# The owner of a domain that an expression of an expansion uses adds a check to it, whose function
# is then called by whoever fills the rows.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('domain_checks');
my $db = 'd0';

sql('postgres', 'CREATE ROLE mallory; CREATE ROLE own');

# subject(EXPRESSION): a table whose column a revision computes
sub subject
{
	my ($expression) = @_;

	$db++;
	new_database($node, $db);
	sql($db, "CREATE TABLE evil (who text); GRANT INSERT ON evil TO PUBLIC; CREATE SCHEMA d AUTHORIZATION mallory; GRANT USAGE ON SCHEMA d TO PUBLIC; SET ROLE mallory;
		CREATE DOMAIN d.dom AS text; CREATE DOMAIN d.over AS d.dom; CREATE TYPE d.mood AS ENUM ('1', '2'); CREATE TYPE d.comp AS (v text);
		CREATE FUNCTION d.evil(text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.evil VALUES (current_user); RETURN true; END';
		CREATE FUNCTION d.own(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';
		RESET ROLE; CREATE SCHEMA o AUTHORIZATION own; SET ROLE own; CREATE DOMAIN o.over AS d.dom; CREATE TYPE o.range AS RANGE (SUBTYPE = d.dom);
		CREATE FUNCTION o.made(text) RETURNS d.dom LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';
		CREATE FUNCTION o.two(text, OUT a d.dom, OUT b int) LANGUAGE plpgsql IMMUTABLE AS 'BEGIN a := \$1; END'; RESET ROLE;
		CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t OWNER TO own; INSERT INTO t SELECT i, i FROM generate_series(1, 2) i;
		SELECT cmig.create_revision('n', \$c\$ALTER TABLE t ALTER v TYPE int USING $expression;\n-- cmig:down t.v = v::text\$c\$, NULL, revision => '2', expand => true)");
}

foreach my $case (
	[ 'v::d.dom::text::int', 'd.dom' ], [ 'length(v::d.over)', 'd.over' ], [ q{length(('{a}'::d.dom[])[1])}, 'd.dom' ],
	[ 'length((ROW(v)::d.comp).v)', 'd.comp' ], [ 'length(v::o.over)', 'd.dom' ], [ q{length(lower(('[' || v || ']')::o.range))}, 'd.dom' ], [ 'length(o.made(v))', 'd.dom' ], [ 'length((o.two(v)).a)', 'd.dom' ],
	[ q{length((jsonb_populate_record(NULL::d.comp, '{"v": "a"}')).v)}, 'd.comp' ])
{
	my ($expression, $type) = @$case;

	subject($expression);
	fails_with($node, $db, 'CALL cmig.expand()', '0A000', "the expression uses type $type of another role.*HINT:  Write .* As a superuser: ALTER TYPE $type OWNER TO own", $expression);
	is(sql($db, 'SELECT count(*) FROM cmig.expansion_run'), '0', 'before anything runs');
	sql($db, "ALTER TYPE $type OWNER TO own; ALTER TYPE d.dom OWNER TO own");
	sql($db, 'CALL cmig.expand()');
	is(sql($db, 'SELECT state FROM cmig.expansion_run'), 'expanded', 'the hint helps');
}

# a check that is there before is no reason to trust its owner
subject('v::d.dom::text::int');
sql($db, 'SET ROLE mallory; ALTER DOMAIN d.dom ADD CHECK (d.evil(value))');
fails_with($node, $db, 'CALL cmig.expand()', '0A000', 'the expression uses type d.dom of another role', 'a check before');
is(sql($db, 'SELECT count(*) FROM evil'), '0', 'which is not called');

# nothing can be added to an enum, and whose function is called anyway is trusted
foreach my $expression ('v::d.mood::text::int', 'd.own(v::d.dom)::int')
{
	subject($expression);
	sql($db, 'CALL cmig.expand()');
	is(sql($db, 'SELECT state FROM cmig.expansion_run'), 'expanded', $expression);
}

$node->stop;
done_testing();
