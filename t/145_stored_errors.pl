# Copyright (c) 2026, the pg_cmig developers

# Tests that errors leave no values of rows and no queries of other roles where a role with
# the level reader sees them.  Every value and every query here has the same mark.  The one
# who calls sees it; then the reader reads everything that he can.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('stored', "shared_preload_libraries = 'pg_cmig'", 'autovacuum = off');
my $mark = 'sEcReT';
my $n = 0;

$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE ROLE reader LOGIN;
SELECT FROM cmig.grant_access('reader', 'reader');
CREATE TABLE pay (id int PRIMARY KEY, ssn text, n text);
INSERT INTO pay VALUES (1, 'sEcReT-1', '5'), (2, 'sEcReT-1', 'sEcReT-n');
CREATE FUNCTION seen(mark text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	source text;
BEGIN
	FOR source IN SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace = 'cmig'::regnamespace AND relkind IN ('r', 'v')
			AND has_table_privilege(c.oid, 'SELECT')
		UNION ALL SELECT unnest(ARRAY['cmig.status()', 'cmig.log()', 'cmig.history()', 'cmig.scopes()', 'cmig.check()',
			'cmig.report()', 'cmig.expansion()'])
	LOOP
		RETURN QUERY EXECUTE format('SELECT %L || r::text FROM %s AS r WHERE strpos(replace(r::text, ''""'', ''"''), $1) > 0', source || ': ', source) USING mark;
	END LOOP;
END
$$;
END_SQL

# stored(NAME, SQL, SQLSTATE, TEXT): the SQL fails and tells the caller the mark, the reader does not
# see it, but sees the text
sub stored
{
	my ($name, $sql, $code, $text) = @_;
	my (undef, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");

	like($err, qr/(?:ERROR|WARNING): +$code.*$mark/s, "$name: the caller sees the value");
	is($node->safe_psql('postgres', "SELECT seen('$mark')", extra_params => [ '-U', 'reader' ]), '', "$name: the reader does not");
	like($node->safe_psql('postgres', qq{SELECT seen(\$\$$text\$\$)}, extra_params => [ '-U', 'reader' ]), qr/cmig/, "$name: but what happened");
}

# revision(SQL, MORE): a new revision, which is the only one that is not applied
sub revision
{
	my ($sql, $more) = @_;

	$n++;
	return "SELECT cmig.create_revision('u', \$s\$$sql\$s\$, NULL, revision => '$n'" . ($more || '') . ");\n";
}

my $gone = "SELECT cmig.stamp('heads');\n";

stored('duplicate key', revision('CREATE UNIQUE INDEX pay_ssn ON pay (ssn)') . "CALL cmig.upgrade_stepwise('head');", 23505, 'could not create unique index "pay_ssn"');
stored('data exception', $gone . revision('UPDATE pay SET id = n::int') . "CALL cmig.upgrade_stepwise('head');", '22P02', 'invalid input syntax for type ...: "..."');
stored('in one transaction', $gone . revision('UPDATE pay SET id = n::int') . "SELECT * FROM cmig.upgrade('head');", '22P02', '22P02: invalid input syntax for type ...: "..."');
stored('verification', $gone . revision('SELECT 1', ", verify_sql => 'SELECT true; SELECT id > 1, ssn FROM pay'") . "CALL cmig.upgrade_stepwise('head');", 'MG009', 'statement 2 of verify_sql: revision "4" failed its verification');
stored('syntax of a value', $gone . revision('UPDATE pay SET id = length((ssn || $$ & &$$)::tsquery::text) WHERE ssn ~ $$sEc$$') . "CALL cmig.upgrade_stepwise('head');", '42601', 'syntax error in tsquery: "..."');
stored('backfill', "CALL cmig.backfill('pay', 'ssn = n::int', batch_size => 1);", '22P02', '22P02: invalid input syntax for type ...: "..."');

# names(NAME, SQL, SQLSTATE, TEXT): the SQL fails, and the reader sees the text, which has only names
sub names
{
	my ($name, $sql, $code, $text) = @_;
	my (undef, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");

	like($err, qr/(?:ERROR|WARNING): +$code/, "$name: the error");
	like($node->safe_psql('postgres', qq{SELECT seen(\$\$$text\$\$)}, extra_params => [ '-U', 'reader' ]), qr/cmig/, "$name: the reader sees the names");
}

$node->safe_psql('postgres', 'CREATE ROLE lister; CREATE VIEW paid AS SELECT ssn FROM pay; CREATE TABLE list (a int, b int) PARTITION BY LIST (a);
ALTER TABLE list OWNER TO lister');
my $up = "CALL cmig.upgrade_stepwise('head');";
names('dependent object', $gone . revision('ALTER TABLE pay DROP COLUMN ssn') . $up, '2BP01',
	'other objects depend on it: view paid depends on column ssn of table pay');
names('in one transaction', $gone . revision('DROP TABLE pay') . "SELECT cmig.upgrade('head');", '2BP01',
	'other objects depend on it: view paid depends on table pay');
names('type of a column', $gone . revision('ALTER TABLE pay ALTER ssn TYPE varchar(9)') . $up, '0A000',
	'used by a view or rule: rule _RETURN on view paid depends on column "ssn"');
names('foreign key', $gone . revision('CREATE TABLE f (ssn text REFERENCES pay)') . $up, 42804, 'are of incompatible types: text and integer.');
names('partition key', $gone . revision('CREATE UNIQUE INDEX ON list (b)') . $up, '0A000', 'lacks column "a" which is part of the partition key.');
names('role', $gone . revision('DROP ROLE lister') . $up, '2BP01', 'some objects depend on it: owner of table list');
names('limit', $gone . revision('SELECT pg_sleep(20)') . "SET cmig.run_timeout = '300ms'; $up", 57014,
	'due to cmig.run_timeout: The run has taken more than 300 ms.');
$node->safe_psql('postgres', 'DROP VIEW paid; DROP TABLE list');

# code of users can have the SQLSTATE of such an error, and the name of what raises it
$node->safe_psql('postgres', <<'END_SQL');
CREATE FUNCTION "reportDependentObjects"(code text, ssn text) RETURNS void LANGUAGE plpgsql AS
	'BEGIN RAISE EXCEPTION ''forged'' USING ERRCODE = code, DETAIL = ssn; END';
END_SQL
$up = "SET cmig.lock_retries = 0; $up";
foreach my $code ('2BP01', '0A000', '42804', '57014', '55P03', 'MG014')
{
	stored("forged $code", $gone . revision(qq{SELECT "reportDependentObjects"('$code', ssn) FROM pay}) . $up, $code, 'forged');
}

# where a backfill in the order of a key is, is a value, too
$node->safe_psql('postgres', "CREATE TABLE keyed (ssn text PRIMARY KEY, n int); INSERT INTO keyed VALUES ('$mark')");
$node->safe_psql('postgres', "CALL cmig.backfill('keyed', 'n = 1')");
is($node->safe_psql('postgres', "SELECT seen('$mark')", extra_params => [ '-U', 'reader' ]), '', 'a backfill that is done leaves no key');

# what a lock is waited for, and who has it, but not his query
my $holder = start_psql($node, 'postgres', "BEGIN; LOCK TABLE pay; SELECT '$mark', pg_sleep(180)", 'holder');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'") or die;
stored('lock', $gone . revision('ALTER TABLE pay ADD x int') . "SET cmig.lock_timeout = '200ms'; SET cmig.lock_retries = 0; CALL cmig.upgrade_stepwise('head');",
	'55P03', 'relation public.pay.' . "\n" . 'Blocked by process');
like($node->safe_psql('postgres', 'SELECT message FROM cmig.journal ORDER BY id DESC LIMIT 1'), qr/Blocked by process \d+ of role "\w+" \(application "holder"\)\.$/, 'lock: who has it');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
finish_psql($holder);

# scopes
my ($tree, $second, $third) = map { $n + $_ } 1 .. 3;
$node->safe_psql('postgres', $gone . revision('CREATE TABLE t (x text)', ", head => 'base'") . "SELECT cmig.create_scope('tenant', '$tree'); INSERT INTO tenant.t VALUES ('$mark'), ('$mark');");
stored('scope', revision('CREATE UNIQUE INDEX t_x ON t (x)', ", head => '$tree'") . "SET client_min_messages = warning; CALL cmig.upgrade_scopes('tenant', '$second');", 23505, 'could not create unique index "t_x"');
$node->safe_psql('postgres', "SELECT cmig.create_scope('other', '$tree'); INSERT INTO other.t VALUES ('$mark')");
stored('contraction', revision('ALTER TABLE t ALTER x TYPE int USING x::int', ", head => '$tree', splice => true, expand => true")
	. "SET client_min_messages = warning; CALL cmig.expand('$third', scopes => 'other', confirm => true); CALL cmig.contract(scopes => 'other', max_failures => 1);",
	55000, '1 row of table other.t could not be transformed: The first reason is: x');
my $rows = "SET cmig.scope = 'other'; SELECT DISTINCT rows_left, rows_failed, failure FROM cmig.expansion()";
like($node->safe_psql('postgres', $rows), qr/^0\|1\|.*$mark/, 'who may read the table is told why a row could not be transformed');
$node->safe_psql('postgres', "GRANT USAGE ON SCHEMA other, other_$third TO reader");
unlike($node->safe_psql('postgres', $rows, extra_params => [ '-U', 'reader' ]), qr/^\d|$mark/, 'a reader of the state is not');
$node->safe_psql('postgres', 'GRANT SELECT ON other.t TO reader; ALTER TABLE other.t ENABLE ROW LEVEL SECURITY');
unlike($node->safe_psql('postgres', $rows, extra_params => [ '-U', 'reader' ]), qr/^\d|$mark/, 'nor is one from whom policies hide its rows');
$node->safe_psql('postgres', 'REVOKE SELECT ON other.t FROM reader; ALTER TABLE other.t DISABLE ROW LEVEL SECURITY');

# what is replayed
$node->safe_psql('postgres', "SELECT cmig.create_scope('third', '$tree')");
my $expand = sub { my ($sql) = @_; return revision($sql, ", head => '$tree', splice => true, expand => true") . "CALL cmig.expand('$n', scopes => 'third', confirm => true);" };
names('replay', $expand->('ALTER TABLE t RENAME COLUMN nope TO y'), 'MG014', 'cannot be replayed: column "nope" does not exist.');
$node->safe_psql('postgres', q{
CREATE FUNCTION public.read(code text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF code IS NULL THEN
		RETURN n::int FROM public.pay WHERE id = 2;
	END IF;
	PERFORM public."reportDependentObjects"(code, ssn) FROM public.pay;
END $$});
my $bound = 'CREATE TABLE z (a int) PARTITION BY LIST (a); CREATE TABLE z1 PARTITION OF z FOR VALUES IN (public.read(%s))';
stored('value in a replay', $expand->(sprintf($bound, 'NULL')), 'MG014', 'cannot be replayed: invalid input syntax for type ...: "..."');
stored('forged in a replay', $expand->(sprintf($bound, q{'MG014'})), 'MG014', 'forged');
stored('forged in a replay', $expand->(sprintf($bound, q{'2BP01'})), 'MG014', 'cannot be replayed: forged.');

$node->stop;
done_testing();
