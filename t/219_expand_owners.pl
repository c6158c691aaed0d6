# Copyright (c) 2026, the pg_cmig developers

# Expanding a schema whose objects belong to several roles, of which none has the privileges
# of the others: a superuser, or a member of all of them, expands, contracts, and abandons, and
# each object keeps its owner.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_owners');
my $number = 0;
my $owners = q{SELECT string_agg(x, ' ' ORDER BY x) FROM (SELECT relname || ':' || pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'w'::regnamespace AND relkind IN ('r', 'v', 'm')
	UNION ALL SELECT proname || ':' || pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'w'::regnamespace
	UNION ALL SELECT typname || ':' || pg_get_userbyid(typowner) FROM pg_type WHERE typnamespace = 'w'::regnamespace AND typtype = 'e') o (x)};

sql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE other LOGIN; CREATE ROLE member LOGIN IN ROLE own, other');
foreach my $case (
	[ 'a view', 'CREATE OR REPLACE VIEW w.v AS SELECT id, n, o FROM w.t' ],
	[ 'a view and its table', 'ALTER TABLE w.t ALTER code TYPE int USING code::int; CREATE OR REPLACE VIEW w.v AS SELECT id, n, o FROM w.t' ],
	[ 'a view of a view', 'CREATE OR REPLACE VIEW w.vv AS SELECT id, n FROM w.v' ],
	[ 'a view that is created again', 'DROP VIEW w.vv; CREATE VIEW w.vv AS SELECT n FROM w.t; ALTER VIEW w.vv OWNER TO other' ],
	[ 'a function', q{CREATE OR REPLACE FUNCTION w.f() RETURNS int LANGUAGE sql AS 'SELECT 2'} ],
	[ 'a function that reads a view', 'CREATE OR REPLACE VIEW w.v AS SELECT id, n, o FROM w.t; CREATE OR REPLACE FUNCTION w.g() RETURNS bigint BEGIN ATOMIC SELECT count(o) FROM w.v; END' ],
	[ 'an enum', q{ALTER TYPE w.e RENAME VALUE 'a' TO 'c'} ],
	[ 'a materialized view', 'DROP MATERIALIZED VIEW w.m; CREATE MATERIALIZED VIEW w.m AS SELECT id, o FROM w.t; ALTER MATERIALIZED VIEW w.m OWNER TO other' ])
{
	my ($what, $script) = @$case;

	foreach my $who ('postgres', 'member')
	{
		my $db = 'd' . ++$number;

		sql('postgres', $_) foreach ("CREATE DATABASE $db", "GRANT CREATE ON DATABASE $db TO member");
		sql($db, q{CREATE EXTENSION pg_cmig; SELECT FROM cmig.grant_access('member', 'migrator'); CREATE SCHEMA w AUTHORIZATION own; GRANT USAGE, CREATE ON SCHEMA w TO other;
			SET ROLE own; CREATE TABLE w.t (id int PRIMARY KEY, n text, o int, code text); GRANT SELECT ON w.t TO other; INSERT INTO w.t VALUES (1, 'n', 1, '1'); RESET ROLE;
			SET ROLE other; CREATE TYPE w.e AS ENUM ('a', 'b'); CREATE VIEW w.v AS SELECT id, n FROM w.t; CREATE VIEW w.vv AS SELECT id FROM w.v; CREATE MATERIALIZED VIEW w.m AS SELECT id FROM w.t;
			CREATE FUNCTION w.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION w.g() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM w.v; END; RESET ROLE;
			ALTER TABLE w.t ADD mood w.e DEFAULT 'a';} . "SELECT FROM cmig.create_revision('n', \$c\$$script\$c\$, NULL, revision => 'r1', expand => true)");
		my $before = sql($db, $owners);
		query($node, $db, "CALL cmig.expand('r1', confirm => true)", $who);
		is(sql($db, q{SELECT string_agg(state, '') FROM cmig.expansion_run}), 'expanded', "$what, by $who: expanded");
		query($node, $db, 'CALL cmig.abandon()', $who);
		is(sql($db, $owners), $before, "$what, by $who: abandoned");
		query($node, $db, "CALL cmig.$_", $who) foreach (q{expand('r1', confirm => true)}, 'contract()');
		is(sql($db, $owners), $before, "$what, by $who: contracted");
	}
}

# who owns nothing of it
sql('postgres', 'CREATE ROLE stranger LOGIN');
sql('d1', q{SELECT FROM cmig.grant_access('stranger', 'migrator'); DELETE FROM cmig.version; DELETE FROM cmig.revision;
	SELECT FROM cmig.create_revision('n', 'ALTER TABLE w.t ALTER code TYPE int USING code::int', NULL, revision => 'r2', expand => true)});
fails_with($node, 'd1', 'CALL cmig.expand()', 'MG014', 'permission denied for schema w\..*HINT:  Repeat the CALL as a role that is allowed to do this\. It must own', 'a stranger: the hint', 'stranger');

$node->stop;
done_testing();
