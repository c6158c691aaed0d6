# Copyright (c) 2026, the pg_cmig developers

# Tests that rows have the same values after cmig.expand and cmig.contract as after cmig.upgrade, or
# that the revision is refused: names, changes of types, and defaults that change within a revision,
# and statements that are no definitions.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('expand_computed');
$node->start;

my $tables = q{CREATE SCHEMA s; CREATE SCHEMA s2; CREATE FUNCTION s2.f(int) RETURNS int IMMUTABLE LANGUAGE sql RETURN $1 + 1000; CREATE TABLE s.t (id int PRIMARY KEY, v int, w text); CREATE TABLE s2.t (id int PRIMARY KEY, v int, w text);
CREATE TABLE s.x (id int PRIMARY KEY, v int); CREATE TABLE s.r (id int PRIMARY KEY, x s.x); CREATE SEQUENCE s.q; CREATE TABLE s.tm (id int PRIMARY KEY, at timestamp, d date); CREATE TABLE s.i (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
INSERT INTO s.t VALUES (1, 10, 'AA'), (2, NULL, NULL); INSERT INTO s2.t SELECT * FROM s.t; INSERT INTO s.x VALUES (1, 10); CREATE MATERIALIZED VIEW s.mv AS SELECT id FROM s.t; CREATE TYPE s.e AS ENUM ('a', 'z'); CREATE TABLE s.en (id int PRIMARY KEY, c s.e); INSERT INTO s.en VALUES (1, 'a'), (2, 'z'); INSERT INTO s.t VALUES (3, 30, 'CC')};
my $values = q{SELECT (SELECT jsonb_agg(to_jsonb(a) - 'cmig_state' ORDER BY id) FROM s.t a), (SELECT jsonb_agg(b ORDER BY id) FROM s2.t b), (SELECT jsonb_agg(to_jsonb(e) - 'cmig_state' ORDER BY id) FROM s.en e), nextval('s.q'), (SELECT count(*) FROM s.mv)};
my $db = 'd0';

# The values after a revision, by one of two ways, or the error.
sub values_of
{
	my ($change, $run) = @_;

	$db++;
	new_database($node, $db);
	$node->safe_psql($db, "$tables; SELECT FROM cmig.create_revision('n', \$c\$$change\$c\$, NULL, revision => '2', expand => true)");
	my ($status, undef, $err) = $node->psql($db, $run);
	return $status == 0 ? $node->safe_psql($db, $values) : $err;
}

$node->safe_psql('postgres', 'CREATE ROLE regress_owner SUPERUSER');
my $upgrade = q{SELECT cmig.upgrade()};
my $both = 'CALL cmig.expand(); CALL cmig.contract()';

# what is computed
foreach my $change (
	'ALTER TABLE s.t ALTER v TYPE bigint USING v + 1; ALTER TABLE s2.t ALTER v TYPE bigint USING v + 1000',
	'ALTER TABLE s2.t ALTER v TYPE bigint USING v + 1000; ALTER TABLE s.t ALTER v TYPE bigint',
	'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2, ALTER w TYPE varchar(9) USING lower(w)',
	q{ALTER TABLE s.t ALTER v TYPE bigint USING v * 2; ALTER TABLE s.t RENAME v TO z},
	q{ALTER TABLE s.t RENAME v TO z; ALTER TABLE s.t ALTER z TYPE bigint USING z * 2},
	'ALTER TABLE s.t DROP w; ALTER TABLE s.t ADD w int DEFAULT 5',
	"ALTER TABLE s.t ADD n int DEFAULT 3; ALTER TABLE s.t ALTER n DROP DEFAULT;\n-- cmig:up s.t.n = 3\n",
	"ALTER TABLE s.t ADD n int; ALTER TABLE s.t ALTER n SET DEFAULT 5;\n-- cmig:up s.t.n = NULL\n",
	"ALTER TABLE s.t ADD n int, ADD m int; ALTER TABLE s.t ALTER m SET DEFAULT 5;\n-- cmig:up s.t.m = NULL\n",
	"ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = v + 1\nALTER TABLE s.t ALTER v TYPE bigint USING v * 2",
	'ALTER TABLE s.t ALTER w TYPE text USING w::text; ALTER TABLE s.t ALTER v TYPE bigint',

	# names, as they are when the statement runs
	'ALTER TABLE s.t RENAME v TO z; ALTER TABLE s.t RENAME w TO v; ALTER TABLE s.t ALTER v TYPE varchar(9) USING lower(v)',
	"ALTER TABLE s.t RENAME v TO z; ALTER TABLE s.t RENAME w TO v; ALTER TABLE s.t ADD n text;\n-- cmig:up s.t.n = v\n",
	'ALTER TABLE s.t ALTER v TYPE bigint USING s.t.v + t.v; ALTER TABLE s.t RENAME v TO k; ALTER TABLE s.t RENAME w TO v',
	'ALTER TABLE s.t RENAME v TO z; ALTER TABLE s.t ALTER z TYPE bigint USING z * 2; ALTER TABLE s.t RENAME z TO y',
	'ALTER TABLE s.t RENAME TO y; ALTER TABLE s.y ALTER v TYPE bigint USING v + 7; ALTER TABLE s.y RENAME TO t',
	'SET search_path = s2; ALTER TABLE s.t ALTER v TYPE bigint USING f(v); ALTER TABLE t ADD n int',
	"SET search_path = s2; ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = f(v)\n",
	'ALTER TABLE IF EXISTS s.none ALTER v TYPE bigint USING v + 7; ALTER TABLE s.t ADD n int',

	# an enum that becomes text, also if a label is renamed after that
	'ALTER TABLE s.en ALTER c TYPE text', 'ALTER TABLE s.en ALTER c TYPE varchar(1)',
	q{ALTER TABLE s.en ALTER c TYPE text; ALTER TYPE s.e RENAME VALUE 'a' TO 'b'},

	# labels of an enum, before and after they get other names
	map({ "$_->[0]ALTER TABLE s.en ADD n text;\n-- cmig:up s.en.n = c::text\n$_->[1]" } [ "ALTER TYPE s.e RENAME VALUE 'a' TO 'b'; ", '' ], [ '', "ALTER TYPE s.e RENAME VALUE 'a' TO 'b'" ],
		[ "ALTER TYPE s.e RENAME VALUE 'a' TO 'b'; ALTER TYPE s.e RENAME VALUE 'z' TO 'a'; ", '' ]),

	# the collation of what is read
	map({ "$_ ALTER TABLE s.t ADD m boolean;\n-- cmig:up s.t.m = n < 'a'\n" } 'ALTER TABLE s.t ADD n text COLLATE "en-x-icu" DEFAULT \'B\';',
		qq{ALTER TABLE s.t ADD n text COLLATE "en-x-icu";\n-- cmig:up s.t.n = w\n}, qq{ALTER TABLE s.t ADD n text;\n-- cmig:up s.t.n = w COLLATE "en-x-icu"\n}),
	qq{ALTER TABLE s.t ALTER w TYPE text COLLATE "en-x-icu"; ALTER TABLE s.t ADD m boolean;\n-- cmig:up s.t.m = w < 'a'\n},

	# a column that the script drops again
	'ALTER TABLE s.t ADD n int DEFAULT 3; ALTER TABLE s.t DROP n; ALTER TABLE s.t ADD n int DEFAULT 4',

	# columns that are computed from others that the revision has computed before
	'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2; ALTER TABLE s.t ALTER w TYPE varchar(20) USING w || v',
	'ALTER TABLE s.t ALTER v TYPE numeric(5,0); ALTER TABLE s.t ALTER w TYPE varchar(30) USING (v / 4)::text',
	"ALTER TABLE s.t ALTER v TYPE numeric(5,0); ALTER TABLE s.t ADD n numeric;\n-- cmig:up s.t.n = v / 4\n",
	"ALTER TABLE s.t ALTER v TYPE bigint USING v * 2; ALTER TABLE s.t ADD n bigint;\n-- cmig:up s.t.n = v + 1\n",
	"ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.v = v * 2\nALTER TABLE s.t ADD o int;\n-- cmig:up s.t.n = v\n",
	"ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = v\n-- cmig:up s.t.v = v + 1\nALTER TABLE s.t ADD m int;\n-- cmig:up s.t.m = n\n",
	"ALTER TABLE s.t ADD n int DEFAULT 3, ADD k int; ALTER TABLE s.t ADD m int;\n-- cmig:up s.t.m = coalesce(k, n) + v\n",

	# a column whose type remains, or that is new
	'ALTER TABLE s.t ALTER w TYPE text USING lower(w)',
	'ALTER TABLE s.t ALTER w TYPE text USING w::varchar(1)',
	"-- cmig:replay skip\nALTER TABLE s.t ALTER w TYPE text USING lower(w); ALTER TABLE s.t ADD m int",
	'ALTER TABLE s.t ADD n text; ALTER TABLE s.t ALTER n TYPE int USING 7',
	"ALTER TABLE s.t ADD n int DEFAULT 3, ALTER n SET DEFAULT 5;\n-- cmig:up s.t.n = 3\n",
	"ALTER TABLE s.x RENAME v TO z; ALTER TABLE s.r ADD n int;\n-- cmig:up s.r.n = (x).id\n",
	'ALTER TABLE s.t ADD n int; ALTER TABLE s.t ALTER n TYPE bigint',
	"SET search_path = s2; SET LOCAL lock_timeout = '9s'; ALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = f(v::int)\nALTER TABLE s2.t ADD n int",

	# another role, without functions
	'SET ROLE regress_owner; ALTER TABLE s.t ALTER v TYPE bigint USING v * 2; RESET ROLE; ALTER TABLE s.t ADD n int DEFAULT 3',

	# an enum that has another name meanwhile
	"CREATE TYPE s.f AS ENUM ('a', 'b'); ALTER TYPE s.e RENAME TO g; ALTER TYPE s.f RENAME TO e; ALTER TABLE s.en ALTER c TYPE s.e USING (CASE c WHEN 'a'::s.g THEN 'b' ELSE 'a' END)::s.e; DROP TYPE s.g")
{
	is(values_of($change, $both), values_of($change, $upgrade), $change);
}

# functions in lines are those that the script finds where the line stands
like(values_of("SET search_path = s2; ALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = f(v::int)\nRESET search_path", 'CALL cmig.expand()'), qr/30/, 'a line cmig:down');
like($node->safe_psql($db, "SELECT encode(tgargs, 'escape') FROM pg_trigger WHERE tgname = '~cmig_write'"), qr/s2\.f\(/, 'calls the function that the script names');

# what is not certain
foreach my $case (
	[ 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2; ALTER TABLE s.t ALTER v TYPE numeric USING v + 1', 'column t.v (line 1) in revision "2" cannot be expanded.*computes the column more than once' ],
	[ 'ALTER TABLE s.t ALTER w TYPE varchar(1) USING w::varchar(1); ALTER TABLE s.t ALTER w TYPE text', 'computes the column more than once' ],
	[ "ALTER TABLE s.t ADD n varchar DEFAULT 'abc'; ALTER TABLE s.t ALTER n TYPE text USING n::varchar(2)", 'computes the column more than once' ],
	[ "ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.v = v * 2\nALTER TABLE s.t ADD o int;\n-- cmig:up s.t.n = v\nALTER TABLE s.t ALTER v TYPE bigint USING 3", 'It reads column v, whose value is neither that before' ],
	[ "ALTER TABLE s.t ADD g int GENERATED ALWAYS AS (v + 1) STORED; ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.v = v * 2\nALTER TABLE s.t ADD o int;\n-- cmig:up s.t.n = g\n", 'generated' ],
	map({ [ $_, 'the expression calls function s2.f(integer), and the script has set another role' ] } 'SET ROLE pg_monitor; RESET ROLE; SET ROLE regress_owner; ALTER TABLE s.t ALTER v TYPE bigint USING s2.f(v)',
		'SET ROLE regress_owner; ALTER TABLE s.t ADD n int DEFAULT s2.f(1)', "SET ROLE regress_owner; ALTER TABLE s.t ADD n int;
-- cmig:up s.t.n = s2.f(v)
RESET ROLE"),
	# functions that change after they were called
	map({ [ "CREATE FUNCTION s.g(int) RETURNS int LANGUAGE sql AS 'SELECT 5'; $_", 'Function s.g(pg_catalog.int4), with which it is computed, changes afterward' ] }
		(map { "ALTER TABLE s.t ADD n int DEFAULT s.g(1); $_" } "CREATE OR REPLACE FUNCTION s.g(int4) RETURNS int LANGUAGE sql AS 'SELECT 6'", "CREATE OR REPLACE FUNCTION s.g(int, OUT int) LANGUAGE sql AS 'SELECT 6'", 'ALTER FUNCTION s.g STRICT'),
		'ALTER TABLE s.t ALTER v TYPE bigint USING s.g(v); DROP FUNCTION s.g',
		"CREATE DOMAIN s.d AS int DEFAULT s.g(1); ALTER TABLE s.t ADD n s.d; CREATE OR REPLACE FUNCTION s.g(int) RETURNS int LANGUAGE sql AS 'SELECT 6'",
		"ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = s.g(v)\nALTER FUNCTION s.g SET work_mem = 64"),
	map({ [ "CREATE FUNCTION s2.g(bigint) RETURNS int LANGUAGE sql AS 'SELECT 5'; $_", 'The revision calls s.g(pg_catalog.int4); the expansion would call s2.g(pg_catalog.int8)' ] }
		"SET search_path = s, s2; CREATE FUNCTION s.g(int) RETURNS int RETURN 6; ALTER TABLE s.t ALTER v TYPE bigint USING g(v)"),
	[ "ALTER TYPE s.e RENAME VALUE 'a' TO 'b'; ALTER TABLE s.en ALTER c TYPE text USING c::text;\n-- cmig:down s.en.c = c::s.e\n", 'computes the column more than once' ],
	[ "ALTER TYPE s.e RENAME VALUE 'a' TO 'b'; ALTER TABLE s.en ALTER c TYPE text;\n-- cmig:down s.en.c = c::s.e\n", 'computes the column more than once' ],
	[ "ALTER TYPE s.e RENAME VALUE 'a' TO 'b'; ALTER TABLE s.en ADD n text;\n-- cmig:up s.en.n = c::text\nALTER TYPE s.e RENAME VALUE 'b' TO 'c'", 'It reads column c, whose value is neither that before' ],
	[ "ALTER TABLE s.en ADD n s.e;\n-- cmig:up s.en.n = 'a'::s.e\nALTER TYPE s.e RENAME VALUE 'a' TO 'b'", 'It names an enum whose labels the revision renames below' ],
	[ 'ALTER TABLE s.tm ALTER at TYPE timestamptz', "HINT:  -- cmig:up tm.at = at AT TIME ZONE 'UTC'" ],
	[ "ALTER TABLE s.tm ALTER at TYPE timestamptz;\n-- cmig:up tm.at = at AT TIME ZONE 'UTC'", "HINT:  -- cmig:down tm.at = at AT TIME ZONE 'UTC'" ],
	[ 'ALTER TABLE s.tm ALTER d TYPE text', 'HINT:  If all sessions have the same settings: -- cmig:up tm.d = d::text' ],
	[ "ALTER TABLE s.x RENAME v TO z; ALTER TABLE s.r ADD n jsonb;\n-- cmig:up s.r.n = to_jsonb(x)\n", 'the expression reads a row of table s.x, which the revision changes' ],
	[ 'ALTER TABLE s.t ADD n int; DROP EXTENSION pg_trgm', 'statement 2 (line 1) of revision "2" cannot be expanded.*this statement does something else' ],
	[ 'ALTER TABLE s.t DROP w, ADD w int; ALTER TABLE s.t ALTER w SET DEFAULT 3', 'Its default changes after it is added' ],
	[ 'ALTER TABLE s.t ADD n int DEFAULT 3, ALTER n SET DEFAULT 5', 'column t.n needs a line "-- cmig:up".*Its default changes after it is added' ],
	[ 'ALTER TABLE s.t ADD n int DEFAULT 3; ALTER TABLE s.t ALTER n DROP DEFAULT', 'column t.n needs a line "-- cmig:up".*HINT:  -- cmig:up s.t.n = <expression>' ],
	map({ [ "CREATE DOMAIN s.d AS int DEFAULT 7; CREATE DOMAIN s.d2 AS s.d; ALTER TABLE s.t $_", 'Its type is a domain with a default' ] }
		'ADD n s.d', 'ADD n s.d DEFAULT 8', "ADD n s.d2;\n-- cmig:up s.t.n = 7\n", 'ALTER v TYPE s.d2'),
	[ 'CREATE DOMAIN s.d AS int DEFAULT 7; ALTER TABLE s.t ADD n s.d; ALTER DOMAIN s.d SET DEFAULT 8', 'column t.n needs a line "-- cmig:up"' ],
	[ 'CREATE DOMAIN s.d AS int DEFAULT 7; ALTER TABLE s.t ADD n s.d; ALTER TABLE s.t ALTER n TYPE int', 'column t.n needs a line "-- cmig:up"' ],
	[ 'ALTER TABLE s.t ADD n int DEFAULT 3; ALTER TABLE s.t ALTER n DROP DEFAULT; ALTER TABLE s.t RENAME n TO m', 'column t.m needs a line "-- cmig:up"' ],
	[ "SET search_path = s, s2; ALTER TABLE t ALTER v TYPE bigint; ALTER TABLE s2.t ALTER v TYPE bigint;\n-- cmig:down t.v = v + 5\n", 'There are several tables with this name' ],
	[ "SET DateStyle = 'SQL, DMY'; ALTER TABLE s.t ADD n text DEFAULT '2020-01-02'::text::date::text", 'statement 1 (line 1) of revision "2" cannot be expanded.*may depend on the setting' ],
	[ 'ALTER TABLE s.t ADD n int; ALTER TABLE s.t ALTER n SET DEFAULT 5', 'column t.n needs a line "-- cmig:up"' ],
	[ 'CREATE TABLE s.b AS SELECT id, w FROM s.t; ALTER TABLE s.t DROP w', 'statement 1 (line 1) of revision "2" cannot be expanded.*this statement may change rows' ],
	map { [ "$_; ALTER TABLE s.t ALTER v TYPE bigint", 'statement 1 (line 1) of revision "2" cannot be expanded.*this statement does something else' ] }
	('ALTER SEQUENCE s.q RESTART 1000', 'ALTER TABLE s.i ALTER id RESTART WITH 7', 'REFRESH MATERIALIZED VIEW s.mv', 'CLUSTER s.t USING t_pkey', 'ANALYZE s.t', 'NOTIFY x',
		'CREATE ROLE regress_n', 'GRANT pg_monitor TO CURRENT_USER', 'ALTER ROLE CURRENT_USER SET work_mem = 64', "COMMENT ON ROLE postgres IS ''", "COMMENT ON DATABASE postgres IS ''",
		'ALTER DATABASE postgres CONNECTION LIMIT 7', 'GRANT CONNECT ON DATABASE postgres TO PUBLIC', 'EXPLAIN ANALYZE CREATE TABLE s.c AS SELECT 1', 'ALTER FUNCTION s2.f DEPENDS ON EXTENSION pg_cmig',
		"SECURITY LABEL ON TABLE s.t IS NULL", 'ALTER PUBLICATION p ADD TABLE s.t'))
{
	my ($change, $error) = @$case;

	$error = quotemeta $error;
	$error =~ s/\\\.\\\*/.*/g;
	like(values_of($change, $both), qr/$error/s, $change);
}

done_testing();
