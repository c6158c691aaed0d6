# Copyright (c) 2026, the pg_cmig developers

# Tests the expansion, by the owner of a schema who is not a superuser, of tables that need objects in the schema of
# another role: what brings no code of that role is no obstacle, and what does is refused, and not called.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('expand_others');
my $db = 'd0';
my $alice = 'SET SESSION AUTHORIZATION alice; ';

sql('postgres', 'CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE member LOGIN; GRANT member TO alice');

# subject(TABLES, CHANGE): a database where alice has these tables, which need objects of bob, and a revision
sub subject
{
	my ($tables, $change) = @_;

	$db++;
	new_database($node, $db);
	sql($db, "GRANT CREATE ON DATABASE $db TO alice; CREATE SCHEMA app AUTHORIZATION alice; CREATE SCHEMA priv AUTHORIZATION bob;
		CREATE SCHEMA common; GRANT USAGE ON SCHEMA common TO PUBLIC;
		CREATE FUNCTION common.seven() RETURNS int LANGUAGE sql AS 'SELECT 7';
		DO \$\$BEGIN PERFORM cmig.grant_access('alice', 'migrator'), cmig.grant_access('alice', 'author'); END\$\$");
	sql($db, q{SET SESSION AUTHORIZATION bob; CREATE TABLE priv.parent (id int PRIMARY KEY, a int); INSERT INTO priv.parent VALUES (1), (2), (3);
		CREATE SEQUENCE priv.s; CREATE TYPE priv.e AS ENUM ('x', 'y'); CREATE TYPE priv.c AS (a int);
		CREATE FUNCTION priv.f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'called as %', current_user; RETURN $1; END$$;
		CREATE FUNCTION priv.tf() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'called as %', current_user; RETURN NEW; END$$;
		CREATE FUNCTION priv.lt(int, int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 < $2';
		CREATE OPERATOR priv.<<< (FUNCTION = priv.lt, LEFTARG = int, RIGHTARG = int);
		CREATE DOMAIN priv.d AS int CHECK (priv.f(VALUE) > 0);
		GRANT USAGE ON SCHEMA priv TO alice; GRANT ALL ON priv.parent TO alice; GRANT ALL ON SEQUENCE priv.s TO alice});
	sql($db, "$alice $tables");
	sql($db, "$alice SELECT cmig.create_revision('n', \$c\$$change\$c\$, NULL, revision => '1', expand => true)");
}

# schema(): what pg_dump shows of alice's schema, sorted, because a column that is replaced becomes the last one
sub schema
{
	my ($out) = run_command([ 'pg_dump', '-s', '-n', 'app', $node->connstr($db) ]);

	return join "\n", sort map { s/,$//r } grep { !/^--|^$|restrict/ } split /\n/, $out;
}

# Each line has a table of alice, and a change of it.
my @harmless = (
	[ 'a foreign key', 'CREATE TABLE app.t (id int PRIMARY KEY, p int REFERENCES priv.parent, n int)', 'ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'a foreign key whose column is altered', 'CREATE TABLE app.t (id int PRIMARY KEY, p int REFERENCES priv.parent ON DELETE CASCADE, n int)', 'ALTER TABLE app.t ALTER p TYPE bigint' ],
	[ 'a new foreign key', 'CREATE TABLE app.t (id int PRIMARY KEY, p int, n int)', 'ALTER TABLE app.t ADD q int REFERENCES priv.parent, ALTER n TYPE bigint' ],
	[ 'a foreign key of two columns, to itself and to another', 'CREATE TABLE app.t (id int PRIMARY KEY, p int REFERENCES priv.parent, n int REFERENCES app.t)', 'ALTER TABLE app.t RENAME n TO m' ],
	[ 'the default of a column', q{CREATE TABLE app.t (id int PRIMARY KEY, p bigint DEFAULT nextval('priv.s'), n int)}, 'ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'the default of an altered column', q{CREATE TABLE app.t (id int PRIMARY KEY, p int, n int DEFAULT nextval('priv.s'))}, 'ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'an enum', 'CREATE TABLE app.t (id int PRIMARY KEY, p int, n int, e priv.e)', 'ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'an array of an enum', 'CREATE TABLE app.t (id int PRIMARY KEY, p int, n int, e priv.e[])', 'ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'a renamed column of an enum', 'CREATE TABLE app.t (id int PRIMARY KEY, p int, n int, e priv.e)', 'ALTER TABLE app.t RENAME e TO f; ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'a function of a superuser', 'CREATE TABLE app.t (id int PRIMARY KEY, p int, n int DEFAULT common.seven())', 'ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'a key to which a table of another role refers', 'CREATE TABLE app.t (id int PRIMARY KEY, p int, n int); GRANT USAGE ON SCHEMA app TO bob; GRANT REFERENCES ON app.t TO bob;
		SET SESSION AUTHORIZATION bob; CREATE TABLE priv.child (t int REFERENCES app.t); SET SESSION AUTHORIZATION alice', 'ALTER TABLE app.t ALTER n TYPE bigint' ],
	[ 'a partitioned table', q{CREATE TABLE app.t (id int PRIMARY KEY, p int REFERENCES priv.parent, n int) PARTITION BY RANGE (id);
		CREATE TABLE app.t1 PARTITION OF app.t FOR VALUES FROM (0) TO (2); CREATE TABLE app.t2 PARTITION OF app.t DEFAULT}, 'ALTER TABLE app.t ALTER n TYPE bigint' ]);

foreach my $case (@harmless)
{
	my ($what, $tables, $change) = @$case;
	my ($column) = $change =~ /RENAME n TO (m)/ ? 'm' : 'n';

	$tables .= '; INSERT INTO app.t (id, p, n) VALUES (1, 1, 1), (2, 2, 2)';
	subject($tables, $change);
	sql($db, "$alice SELECT FROM cmig.upgrade('1')");
	my $upgraded = schema();
	subject($tables, $change);
	my $before = schema();
	like(tried($db, "$alice CALL cmig.expand()"), qr/revision "1" is expanded/, "$what is no obstacle");
	sql($db, "$alice INSERT INTO app.t (id, p, n) VALUES (3, 3, 2)");
	sql($db, "$alice INSERT INTO app_1.t (id, p, $column) VALUES (4, 3, 2)");
	if ($tables =~ /REFERENCES priv/)
	{
		like(tried($db, "$alice INSERT INTO $_ (id, p) VALUES (9, 9)"), qr/violates foreign key constraint/, "a key of $_ that does not exist") for 'app.t', 'app_1.t';
	}
	like(tried($db, "$alice CALL cmig.abandon()"), qr/^\s*(?:\S*NOTICE.*\s*)*$/m, 'abandoned');
	is(schema(), $before, 'then the schema is as before');
	sql($db, "$alice CALL cmig.expand()");
	sql($db, "$alice CALL cmig.contract()");
	is(schema(), $upgraded, 'contracted: the schema is as after an upgrade');
	is(sql($db, "SELECT string_agg(concat_ws(' ', id, $column), ', ' ORDER BY id) FROM app.t"), '1 1, 2 2, 3 2, 4 2', 'with all rows');
}

# Each of these has code of bob, which would run as whoever writes, or tries the revision.
my $change = 'ALTER TABLE app.t ALTER n TYPE bigint';
my @code = (
	[ 'default app.t.n: it needs function priv.f(integer)', 'CREATE TABLE app.t (id int PRIMARY KEY, n int DEFAULT priv.f(1))' ],
	[ 'default app.t.id: it needs function priv.f(integer)', q{CREATE TABLE app.t (id int PRIMARY KEY DEFAULT priv.f(nextval('priv.s')::int), n int)} ],
	[ 'column app.t.g: it needs function priv.f(integer)', 'CREATE TABLE app.t (id int PRIMARY KEY, n int, g int GENERATED ALWAYS AS (priv.f(id)) STORED)' ],
	[ 'constraint t_id_check on app.t: it needs function priv.f(integer)', 'CREATE TABLE app.t (id int PRIMARY KEY CHECK (priv.f(id) > 0), n int)' ],
	[ 'constraint t_id_check on app.t: it needs operator priv.<<< (integer, integer)', 'CREATE TABLE app.t (id int PRIMARY KEY CHECK (0 OPERATOR(priv.<<<) id), n int)' ],
	[ 'index app.t_f: it needs function priv.f(integer)', 'CREATE TABLE app.t (id int PRIMARY KEY, n int); CREATE INDEX t_f ON app.t (priv.f(id))' ],
	[ 'index app.t_f: function priv.f(integer) is not called', 'CREATE TABLE app.t (id int PRIMARY KEY, n int); CREATE INDEX t_f ON app.t (id) WHERE priv.f(id) > 0' ],
	[ 'trigger w on app.t: it needs function priv.tf()', 'CREATE TABLE app.t (id int PRIMARY KEY, n int); CREATE TRIGGER w BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION priv.tf()' ],
	[ 'policy p on app.t: it needs function priv.f(integer)', 'CREATE TABLE app.t (id int PRIMARY KEY, n int); CREATE POLICY p ON app.t USING (priv.f(id) > 0)' ],
	[ 'policy p on app.t: it needs table priv.parent', 'CREATE TABLE app.t (id int PRIMARY KEY, n int); CREATE POLICY p ON app.t USING (EXISTS (SELECT FROM priv.parent))' ],
	[ 'column app.t.d: it needs domain priv.d', 'CREATE TABLE app.t (id int PRIMARY KEY, n int, d priv.d)' ],
	[ 'column app.t.d: it needs domain priv.d', 'CREATE TABLE app.t (id int PRIMARY KEY, n int, d priv.d[])' ],
	[ 'column app.t.d: it needs composite type priv.c', 'CREATE TABLE app.t (id int PRIMARY KEY, n int, d priv.c)' ],
	[ 'column app.t.d: it needs table priv.parent', 'CREATE TABLE app.t (id int PRIMARY KEY, n int, d priv.parent)' ],
	[ 'view app.v: it needs table priv.parent', 'CREATE TABLE app.t (id int PRIMARY KEY, n int); CREATE VIEW app.v AS SELECT n, a FROM app.t, priv.parent', 'ALTER TABLE app.t RENAME n TO m' ]);

foreach my $case (@code)
{
	my ($reason, $tables, $other) = @$case;

	subject("$tables; INSERT INTO app.t (id, n) VALUES (1, 1)", $other // $change);
	my $shown = tried($db, "$alice CALL cmig.expand()");
	like($shown, qr/ERROR:  \w+ app\.[tv] cannot be expanded\nDETAIL:  .*\Q$reason\E(?: of role "bob"|, because other roles own it)/, $reason);
	unlike($shown, qr/called as/, 'it is not called');
	is(sql($db, 'SELECT count(*) FROM cmig.expansion_run'), 0, 'nothing is left');
}

# what the role needs to create the copies
foreach my $case ([ 'USAGE ON SCHEMA priv', 'alice', 'USAGE ON SCHEMA priv' ], [ 'ALL ON priv.parent', 'alice', 'REFERENCES ON TABLE priv.parent' ], [ 'USAGE ON TYPE priv.e', 'PUBLIC', 'USAGE ON TYPE priv.e' ])
{
	my ($revoked, $from, $granted) = @$case;

	subject('CREATE TABLE app.t (id int PRIMARY KEY, p int REFERENCES priv.parent, e priv.e, f priv.e[], n int)', $change);
	sql($db, "SET SESSION AUTHORIZATION bob; REVOKE $revoked FROM $from");
	like(tried($db, "$alice CALL cmig.expand()"), qr/ERROR:  revision "1" cannot be tried on copies.*^HINT:  GRANT \Q$granted\E TO alice$/ms, "without $granted");
	sql($db, "SET SESSION AUTHORIZATION bob; GRANT $granted TO alice");
	like(tried($db, "$alice CALL cmig.expand()"), qr/revision "1" is expanded/, 'with it');
}

# another name of what the foreign key of a replaced column refers to
subject('CREATE TABLE app.t (id int PRIMARY KEY, p int REFERENCES priv.parent)', 'ALTER TABLE app.t ALTER p TYPE bigint');
sql($db, "$alice CALL cmig.expand()");
sql($db, 'SET SESSION AUTHORIZATION bob; ALTER TABLE priv.parent RENAME TO other');
like(tried($db, "$alice CALL cmig.contract()"), qr/ERROR:  changes of columns that revision "1" replaces would be lost\nDETAIL:  .*\ntable constraint t_p_fkey on app.t was changed$/m, 'another name is a change');
sql($db, 'SET SESSION AUTHORIZATION bob; ALTER TABLE priv.other RENAME TO parent');
like(tried($db, "$alice CALL cmig.contract()"), qr/revision "1" is contracted/, 'until it is undone');

# of a role that the caller is a member of, it is code of the caller
subject('CREATE TABLE app.t (id int PRIMARY KEY, n int)', $change);
sql($db, q{CREATE SCHEMA other AUTHORIZATION bob; GRANT USAGE, CREATE ON SCHEMA other TO member, alice; SET SESSION AUTHORIZATION member;
	CREATE FUNCTION other.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'});
sql($db, "$alice ALTER TABLE app.t ADD CHECK (other.f(id) > 0)");
like(tried($db, "$alice CALL cmig.expand()"), qr/revision "1" is expanded/, 'the function of a role that the caller can become');

# Who may use the schema of a type or function can change while the table is expanded: as with a view, what was recorded
# is used.
subject('CREATE TABLE app.t (id int PRIMARY KEY, e priv.e, n int)', "-- cmig:down app.t.e = CASE e WHEN 'x'::priv.e THEN 'y'::priv.e ELSE 'x'::priv.e END
-- cmig:down app.t.n = n - common.seven()
ALTER TABLE app.t ALTER n TYPE bigint USING common.seven() + n, ALTER e TYPE priv.e USING CASE e WHEN 'x'::priv.e THEN 'y'::priv.e ELSE 'x'::priv.e END");
sql($db, "CREATE ROLE writer_$db; SET SESSION AUTHORIZATION alice; GRANT USAGE ON SCHEMA app TO writer_$db; GRANT ALL ON app.t TO writer_$db");
like(tried($db, "$alice CALL cmig.expand()"), qr/revision "1" is expanded/, 'an expression with types and functions of other roles');
sql($db, 'REVOKE USAGE ON SCHEMA common FROM PUBLIC; SET SESSION AUTHORIZATION bob; REVOKE USAGE ON SCHEMA priv FROM alice');
sql($db, "SET SESSION AUTHORIZATION $_->[0]; INSERT INTO $_->[1].t (id, n) VALUES ($_->[2], 10)") for [ "writer_$db", 'app', 1 ], [ 'alice', 'app', 2 ], [ 'alice', 'app_1', 3 ];
is(sql($db, "SELECT string_agg(concat_ws(' ', id, n, cmig_new_n), ', ' ORDER BY id) FROM app.t"), '1 10 17, 2 10 17, 3 3 10', 'it is used without USAGE of their schemas');

done_testing();
