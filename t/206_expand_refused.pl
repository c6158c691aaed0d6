# Copyright (c) 2026, the pg_cmig developers

# cmig.check() says before a contraction what cmig.contract() refuses: what was put in the
# place of the objects of an expansion, or altered.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_refused');
my $db = 'd0';
my $problems = q{SELECT string_agg(concat_ws(' | ', severity, object, problem, fix), chr(10) ORDER BY object)
	FROM cmig.check() WHERE severity <> 'notice'};

sql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE next; GRANT next TO own; CREATE ROLE reader LOGIN; CREATE DATABASE original');
sql('original', q{CREATE EXTENSION pg_cmig; SELECT FROM cmig.grant_access('reader', 'reader');
	CREATE SCHEMA s AUTHORIZATION own;
	SET ROLE own; CREATE TABLE s.r (id int PRIMARY KEY);
	INSERT INTO s.r VALUES (1), (2);
	CREATE FUNCTION s.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE TABLE s.t (id int PRIMARY KEY, a text, d int DEFAULT 1, e int DEFAULT s.g(),
		v varchar(9) DEFAULT NULL); INSERT INTO s.t VALUES (1, '1');
	CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; RESET ROLE;
	SELECT cmig.create_revision('a', 'SELECT 1', revision => '1'); SELECT FROM cmig.upgrade();
	SELECT cmig.create_revision('b', 'ALTER TABLE s.t ALTER a TYPE int USING a::int;
		ALTER TABLE s.t ADD CONSTRAINT c CHECK (a > 0);
		ALTER TABLE s.t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES s.r;
		ALTER TABLE s.t ALTER d SET DEFAULT 2;
		CREATE OR REPLACE FUNCTION s.g() RETURNS int LANGUAGE sql AS ''SELECT 2''',
		revision => '2', expand => true); CALL cmig.expand()});

# subject(SQL): a copy of the expanded database, in which its owner changes something
sub subject
{
	my ($change) = @_;

	$db++;
	sql('postgres', "CREATE DATABASE $db TEMPLATE original");
	# in a copy, what was done to a trigger is not known
	sql($db, q{CALL cmig.abandon(); CALL cmig.expand('2')});
	query($node, $db, "SET client_min_messages = error; $change", 'own');
}

# says(SQL, CHECK, CONTRACT): after the change, cmig.check() and cmig.contract() say this
sub says
{
	my ($change, $check, $error) = @_;

	subject($change);
	like(sql($db, $problems), qr/^$check/, "cmig.check(): $change");
	like(query($node, $db, $problems, 'reader'), qr/^$check/, 'for a reader, too') unless $check =~ /constraint/;
	like(tried($db, 'CALL cmig.contract()'), qr/ERROR:  $error/, "cmig.contract(): $change");
}

my $fails = 'error \| expansion \| cmig\.contract\(\) would fail: ';

foreach my $case (
	[ 'CREATE OR REPLACE TRIGGER "!cmig_begin" BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f();
		ALTER TABLE s.t ENABLE ALWAYS TRIGGER "!cmig_begin"',
		'trigger "!cmig_begin" of table s\.t was dropped, disabled, or altered' ],
	[ 'ALTER TABLE s.t DISABLE TRIGGER "~cmig_write"; ALTER TABLE s.t ENABLE ALWAYS TRIGGER "~cmig_write"',
		'trigger "~cmig_write" of table s\.t was dropped, disabled, or altered' ],
	[ 'ALTER TABLE s.t ALTER cmig_new_a SET DEFAULT 5',
		'default of column cmig_new_a of table s\.t was dropped, disabled, or altered' ],
	[ 'CREATE TABLE s.child () INHERITS (s.t)',
		'table s\.child inherits from table s\.t, which revision "2" expands' ],
	[ 'ALTER TABLE s.t DROP CONSTRAINT cmig_new_k; ALTER TABLE s.t ADD CONSTRAINT cmig_new_k CHECK (id > 0)',
		'constraint "cmig_new_k" of table s\.t is not the one that the expansion of revision "2" adds' ],
	[ 'ALTER TABLE s.r RENAME TO r_old; CREATE TABLE s.r (id int PRIMARY KEY)',
		'constraint "cmig_new_k" of table s\.t is not the one that the expansion of revision "2" adds' ])
{
	says($case->[0], $fails . $case->[1], $case->[1]);
}
says('DROP VIEW s_2.t; CREATE VIEW s_2.t AS SELECT id, a FROM s.t',
	'^error \| view s_2\.t \| it was replaced, and does not tell for which version a write is \| CALL cmig\.abandon\(\), and',
	'column a of table s\.t would be missing after the contraction');
says('DROP VIEW s_2.t; CREATE TABLE s_2.t ()', "${fails}s_2\\.t is not a view", '"t" is not a view');

# the fix does what it says
sql($db, 'CREATE SCHEMA aside; ALTER TABLE s_2.t SET SCHEMA aside; CALL cmig.abandon()');
says('ALTER TABLE s.t DROP cmig_state CASCADE',
	'error \| column cmig_state of table s\.t \| it was dropped or altered, so it is not known which rows are filled \| CALL',
	'column "cmig_state" of table "t" was dropped or altered');
sql($db, 'CALL cmig.abandon()');

# What is pending is read as if the expansion had ended, because nothing else applies it; a revision
# of another branch meets what the expansion has created.
my $errors = q{SELECT string_agg(revision || ': ' || message, chr(10) ORDER BY revision) FROM cmig.lint('%s') WHERE severity = 'error'};
subject('');
sql($db, q{SELECT cmig.create_revision('c', 'ALTER TABLE s.t ALTER a TYPE bigint; CREATE VIEW s.v AS TABLE s.t', revision => '3');
	SELECT cmig.create_revision('d', 'ALTER TABLE s.t ALTER a TYPE varchar', revision => '4', head => '1', splice => true)});
is(sql($db, sprintf $errors, '3'), '', 'lint of an expanded revision and of the next one');
like(sql($db, sprintf $errors, '4'), qr/^4: changing the type of column a fails, because it is used by .*~cmig_write/, 'lint of another branch');
like(sql($db, q{SELECT string_agg(value, ' ') FROM cmig.screen('plan', (SELECT jsonb_agg(p) FROM cmig.plan('upgrade', '3') p))}),
	qr/^b, is expanded IRREVERSIBLE, c$/, 'a plan says that a revision is expanded');
sql($db, 'CALL cmig.abandon()');

# of a schema that gets another owner, the version's follows
subject('');
is(sql($db, $problems), '', 'nothing was changed');
is(query($node, $db, $problems, 'reader'), '', 'nor does a reader see anything');
sql($db, 'ALTER SCHEMA s OWNER TO next');
is(sql($db, $problems),
	'warning | schema s_2 | it belongs to role own, but schema s, whose version it is, to role next | ALTER SCHEMA s_2 OWNER TO next',
	'a schema that gets another owner');
sql($db, 'ALTER SCHEMA s_2 OWNER TO next');
is(sql($db, $problems), '', 'the fix is all');
sql($db, 'CALL cmig.abandon()');
is(sql($db, q{SELECT to_regnamespace('s_2')}), '', 'it can be abandoned');

# A default that a column of both versions gets meanwhile is not that of the view.
subject('ALTER TABLE s.t ALTER id SET DEFAULT 7');
my $default = q{warning | column id of view s_2.t | it no longer has the default of the table, which was changed while a revision is expanded | };
is(sql($db, $problems), $default . 'ALTER VIEW s_2.t ALTER id SET DEFAULT 7', 'a default');
is(query($node, $db, $problems, 'reader'), $default . 'ALTER VIEW s_2.t ALTER id SET DEFAULT 7', 'for a reader, too');
sql($db, 'ALTER VIEW s_2.t ALTER id SET DEFAULT 7');
is(sql($db, $problems), '', 'the fix is all');
is(sql($db, 'INSERT INTO s_2.t (a) VALUES (1) RETURNING id'), '7', 'the new build has it');
sql($db, 'ALTER TABLE s.t ALTER id DROP DEFAULT, ALTER e DROP DEFAULT, ALTER e SET DEFAULT s.g()');
is(sql($db, $problems), $default . 'ALTER VIEW s_2.t ALTER id DROP DEFAULT', 'and is dropped');
sql($db, 'CALL cmig.contract()');
is(sql($db, 'SELECT string_agg(concat_ws(' . q{' ', adnum, pg_get_expr(adbin, adrelid)), ',' ORDER BY adnum) FROM pg_attrdef WHERE adrelid = 's.t'::regclass}),
	'3 2,4 s.g(),5 NULL::character varying', 'a contraction keeps what the table has');

# What the contraction would build again is said, too.
subject('ALTER TABLE s.t DROP CONSTRAINT cmig_new_k');
is(sql($db, $problems),
	q{warning | expansion | constraint cmig_new_k of table s.t does not exist, and revision "2" needs it | CALL cmig.expand('2')},
	'a constraint that was dropped');
sql($db, q{CALL cmig.expand('2')});
is(sql($db, $problems), '', 'it is built again');

# A published column is dropped in an order in which no subscriber is left behind.
subject('');
sql($db, 'CREATE PUBLICATION p FOR TABLE s.t (id, a); CREATE PUBLICATION "P 2" FOR TABLE s.t (id, a)');
my $found = sql($db, $problems);
foreach my $publication ('p', 'P 2')
{
	like($found, qr/^warning \| publication relation s\.t in publication $publication \| .* drops \| In this order: here, ALTER PUBLICATION "P 2" DROP TABLE s\.t; ALTER PUBLICATION p DROP TABLE s\.t; SELECT cmig\.wait_for_replicas.*ALTER PUBLICATION "P 2" ADD.*ALTER PUBLICATION p ADD/m,
		"the whole order for publication $publication, which is that for both");
}
sql($db, 'DROP PUBLICATION p, "P 2"; CALL cmig.abandon()');

# Some output functions depend on settings, although they are declared as immutable: what is
# not said would be rounded or not, depending on the session that writes.
my $version = 2;
foreach my $type ('double precision', 'real', 'bytea', 'point', 'box')
{
	$version++;
	sql($db, qq{CREATE TABLE c$version (id int PRIMARY KEY, v text);
		SELECT cmig.create_revision('c', 'ALTER TABLE c$version ALTER v TYPE $type USING v::$type',
			revision => '$version', head => '1', splice => true, expand => true)});
	like(tried($db, "CALL cmig.expand('$version')"),
		qr/ERROR:  the conversion to type text depends on settings of the session\n.*\nHINT:  .*: -- cmig:down c$version\.v = v::text/, "from $type to text");
}

# What is computed for rows of foreign tables is not known before an upgrade.
sql($db, q{CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
	CREATE TABLE parts (id int, v int) PARTITION BY RANGE (id);
	CREATE FOREIGN TABLE distant PARTITION OF parts FOR VALUES FROM (1) TO (2) SERVER far;
	SELECT cmig.create_revision('d', E'ALTER TABLE parts ADD w int;\n-- cmig:up parts.w = v + 1',
		revision => 'parts', head => '1', splice => true, expand => true)});
like(tried($db, q{CALL cmig.expand('parts')}),
	qr/ERROR:  revision "parts" cannot be expanded\nDETAIL:  It updates foreign table distant as part of table parts, .*\nHINT:  SELECT \* FROM cmig\.upgrade\('parts'\)\n/, 'a foreign partition');

done_testing();
