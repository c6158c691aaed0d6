# Copyright (c) 2026, the pg_cmig developers

# Tests that no function that reads users' tables evaluates what another role has put in
# the place of one.  A superuser calls each of these functions, and while it runs, before
# each of its queries is prepared and again before it is executed, the owner of the
# schema replaces the whole schema: the tables, which belong to another role, become views,
# foreign tables, partitioned tables, or sequences.  No lock prevents this.  The function
# may succeed, or raise an error, but code of the schema's owner may run only as that role,
# and a function that changes a table changes the one that was named.
#
# Then tests that the functions that count rows stop after a time.
#
# The library in t/data/replacer makes the race sure; it needs a C compiler.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('replaced', 'autovacuum = off', 'jit = off', 'cmig.dry_run_timeout = 0',
	"shared_preload_libraries = 'pg_stat_statements'");
my $library = build_library('replacer');
$node->start;

$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE ROLE mallory LOGIN;
CREATE ROLE owner LOGIN;
CREATE ROLE app;
GRANT CREATE ON DATABASE postgres TO mallory;
GRANT mallory, owner TO postgres;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nothing FOREIGN DATA WRAPPER nothing;
GRANT USAGE ON FOREIGN SERVER nothing TO mallory;
CREATE SCHEMA shop;
SELECT FROM cmig.load($c$
-- revision: 001
-- cmig:upgrade
CREATE TABLE shop.person (id serial PRIMARY KEY, n text);
CREATE TABLE shop.numbered (id int GENERATED ALWAYS AS IDENTITY, n text);
CREATE TABLE shop.item (id int PRIMARY KEY, person int, n int, name text, tenant_id int);
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- expand: true
-- cmig:upgrade
ALTER TABLE shop.person ALTER id TYPE bigint;
ALTER TABLE shop.numbered ALTER id TYPE bigint;
-- cmig:downgrade
-- revision: 043
-- down_revision: 042
-- cmig:upgrade
ALTER TABLE shop.plain ALTER name SET NOT NULL, ADD UNIQUE (n), ADD FOREIGN KEY (person) REFERENCES shop.person;
-- cmig:downgrade
$c$);
SELECT FROM cmig.upgrade('001');
INSERT INTO shop.person SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO shop.item SELECT g, g, g, 'x', 1 FROM generate_series(1, 10) g;
CREATE TABLE shop.plain AS SELECT * FROM shop.item;
ALTER TABLE shop.plain OWNER TO owner;
CREATE TABLE shop.trail AS SELECT 'item'::text AS table_name, 'INSERT'::text AS operation, '2020-01-01'::timestamptz AS clock_at, '{"id": 1}'::jsonb AS new_row;
CREATE TABLE shop.alembic_version (version_num text);
INSERT INTO shop.alembic_version VALUES ('001');
ALTER TABLE shop.person OWNER TO owner;
ALTER TABLE shop.numbered OWNER TO owner;
ALTER TABLE shop.item OWNER TO owner;
ALTER TABLE shop.trail OWNER TO owner;
ALTER TABLE shop.alembic_version OWNER TO owner;
GRANT USAGE ON SCHEMA shop TO app, owner;
GRANT ALL ON shop.item TO app;
SELECT FROM cmig.enable_rls('shop.item', roles => '{app}', tenant_column => 'tenant_id');
SELECT FROM cmig.enable_audit('shop.item');
CALL cmig.expand('042');
GRANT ALL ON ALL TABLES IN SCHEMA shop TO mallory;
GRANT ALL ON ALL SEQUENCES IN SCHEMA shop TO mallory;
ALTER SCHEMA shop OWNER TO mallory;

SET ROLE mallory;
CREATE SCHEMA lair;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
CREATE FUNCTION lair.run(what text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'evaluated as %', current_user; RETURN true; END$$;
CREATE DOMAIN lair.checked AS text;
CREATE TYPE lair.mood AS ENUM ('sad');
CREATE FUNCTION lair.run_again() RETURNS bool VOLATILE LANGUAGE sql AS $$SELECT lair.run(random()::text)$$;
-- makes the schema "evil", which has the relations of shop as another kind
CREATE FUNCTION lair.make(kind text) RETURNS void LANGUAGE plpgsql AS $x$
DECLARE
	r record;
BEGIN
	SET LOCAL client_min_messages = error;
	DROP SCHEMA IF EXISTS evil CASCADE;
	CREATE SCHEMA evil;
	GRANT USAGE ON SCHEMA evil TO PUBLIC;
	FOR r IN SELECT relname, relkind, (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
		(SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1) AS first FROM pg_class c
		WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'S') LOOP
		CASE WHEN kind = 'view' OR r.relkind = 'S' THEN
			EXECUTE format('CREATE VIEW evil.%1$I AS SELECT * FROM shop.%1$I WHERE lair.run_again()', r.relname);
		WHEN kind = 'foreign table' THEN
			EXECUTE format('CREATE FOREIGN TABLE evil.%I (%s) SERVER nothing', r.relname, r.columns);
		WHEN kind = 'sequence' THEN
			EXECUTE format('CREATE SEQUENCE evil.%I', r.relname);
		WHEN kind = 'partitioned table' THEN
			EXECUTE format('CREATE TABLE evil.%I (%s) PARTITION BY LIST ((lair.run(''key'')::text || %I::text))', r.relname, r.columns, r.first);
			EXECUTE format('CREATE TABLE evil.%I PARTITION OF evil.%I DEFAULT', r.relname || '_part', r.relname);
			EXECUTE format('CREATE INDEX ON evil.%I ((1)) WHERE lair.run(%L)', r.relname || '_part', r.relname);
		END CASE;
		EXECUTE format('GRANT ALL ON evil.%I TO PUBLIC', r.relname);
	END LOOP;
END $x$;
END_SQL

my $psql = "psql -X -q -h " . $node->host . ' -p ' . $node->port . " -d postgres";
my $replace = "PGOPTIONS='-c lock_timeout=100ms' $psql -v ON_ERROR_STOP=1 -U mallory -c 'ALTER SCHEMA shop RENAME TO away' -c 'ALTER SCHEMA evil RENAME TO shop' >/dev/null";

# If the schema was replaced, puts it back.
my $put_back = q{DO $$BEGIN IF to_regnamespace('away') IS NOT NULL THEN ALTER SCHEMA shop RENAME TO evil; ALTER SCHEMA away RENAME TO shop; END IF; END$$};

# Calls the function, and runs the command at the given point, after some milliseconds.
# Returns the output, and the number of points.
sub call
{
	my ($call, $matches, $point, $command, $sleep) = @_;
	my ($output) = calls($call, $matches, [$point], $command, $sleep);

	return ($output, $output =~ /^calls: (\d+)$/m ? $1 : 0);
}

# The same for several points, each in a session of its own.  Returns the outputs.
sub calls
{
	my ($call, $matches, $points, $command, $sleep) = @_;
	my $sleeps = $sleep // 0;
	my ($out, $err);

	$node->psql('postgres', join("\\c -\n", map { "LOAD 'pg_cmig'; LOAD '$library';\nSET replacer.matches = '$matches';\n"
		. "SET replacer.command = \$\$$command\$\$; SET replacer.sleep = $sleeps; SET replacer.calls = 0; SET replacer.point = $_;\n$call;\n$put_back;\n"
		. "SELECT 'calls: ' || current_setting('replacer.calls');\n\\echo [ended]\n\\warn [ended]\n" } @$points),
		stdout => \$out, stderr => \$err, on_error_stop => 0);
	my ($outs, $errs) = map { [ split /\[ended\]\n?/, $_, -1 ] } $out, $err;
	return map { ($outs->[$_] // '') . "\n" . ($errs->[$_] // 'server closed') } 0 .. $#$points;
}

# the functions, the text that is common to the queries before which the schema is
# replaced, and whether a query names a table, so that it must have been refused
my @readers = (
	[ 'SELECT * FROM cmig.expansion()', '', 0 ],
	[ q{SELECT * FROM cmig.status() WHERE item = 'expanded'}, 'expansion', 0 ],
	[ q{SELECT * FROM cmig.lint(probe => true, max_table_size => 100000) WHERE rule = 'violated-by-rows'}, 'shop.', 1 ],
	[ q{SELECT cmig.audit_import('shop.trail')}, '', 1 ],
	[ q{SELECT count(*) FROM cmig.audit_as_of(NULL::shop.item, now())}, '', 1 ],
	[ q{SELECT * FROM cmig.import_state('alembic', 'shop.alembic_version')}, 'shop.', 1 ],
	[ q{SELECT * FROM cmig.rls_test('shop.item', 'app', NULL, '1')}, 'shop.', 1 ],
	[ q{SET cmig.concurrent_ddl = off; CALL cmig.backfill('shop.item', 'n = n + 0', 'n < 20')}, 'shop.', 1 ],
	[ q{CALL cmig.backfill('shop.item', 'n = n + 0')}, 'shop.', 1 ]);

# the functions that change a table, and whether the named one was not changed
my @writers = map { [ "BEGIN; SELECT 'shop.plain'::regclass::oid AS plain \\gset\n$_->[0];\nSELECT 'missed' FROM pg_class WHERE oid = :plain AND $_->[1]; ROLLBACK", 'shop.plain', 0 ] }
  ([ q{SELECT count(*) FROM cmig.enable_rls('shop.plain', roles => '{app}', tenant_column => 'tenant_id', column_default => true)}, 'NOT relrowsecurity' ],
	[ q{SELECT count(*) FROM cmig.enable_rls('shop.plain', roles => '{app}', via => 'shop.item', via_key => 'id', via_user => 'name', key_column => 'id')},
		q{NOT EXISTS (SELECT FROM pg_depend d JOIN pg_policy p ON d.objid = p.oid WHERE p.polrelid = :plain AND d.refobjid IN (SELECT inhrelid FROM pg_inherits UNION SELECT conrelid FROM pg_constraint WHERE conname = 'item_pkey'))} ],
	[ q{SELECT count(*) FROM cmig.enable_rls('shop.plain', roles => '{app}', tenant_column => 'tenant_id'); SELECT count(*) FROM cmig.disable_rls('shop.plain')}, 'relrowsecurity' ],
	[ q{SELECT count(*) FROM cmig.enable_audit('shop.plain')}, q{NOT relhastriggers} ],
	[ q{SELECT count(*) FROM cmig.enable_audit('shop.plain'); SELECT count(*) FROM cmig.disable_audit('shop.plain')}, q{EXISTS (SELECT FROM pg_trigger WHERE tgrelid = :plain)} ]);
# a procedure commits in between, and repeats what met a change
push @writers, [ "SET cmig.lock_retries = 1; SELECT 'shop.plain'::regclass::oid AS plain \\gset\nALTER TABLE shop.plain DROP CONSTRAINT IF EXISTS added;\n"
	. "CALL cmig.add_check('shop.plain', 'added', 'n > 0');\nSELECT 'missed' FROM pg_constraint WHERE conname = 'added' AND conrelid <> :plain", 'pg_constraint', 0 ];

foreach my $kind ('view', 'foreign table', 'partitioned table', 'sequence')
{
	foreach my $reader (@readers, $kind eq 'partitioned table' ? @writers : ())
	{
		my ($call, $matches, $names_table) = @$reader;
		my ($first, $points) = call($call, $matches, 0, 'true');
		my ($refused, $bad) = (0, '');

		query($node, 'postgres', "SET ROLE mallory; SELECT lair.make('$kind')");
		my $point = 0;
		foreach my $output (calls($call, $matches, [ 1 .. $points ], $replace))
		{
			$point++;
			$refused++ if $output =~ /replaced while it was being read/;
			$bad .= "point $point: $output" if $output =~ /evaluated as (?!mallory)|has no handler|server closed|^missed/m;
		}
		ok($points > 0 && $bad eq '', "$kind: $call evaluates nothing in $points points")
			or diag("$first\n$bad");
		ok($refused > 0, "$kind: $call is refused at $refused points")
			if $names_table && $kind ne 'sequence';
	}
}

query($node, 'postgres', 'DROP SCHEMA IF EXISTS evil CASCADE');
my ($output) = call(q{SELECT item, value FROM cmig.status() WHERE item = 'expanded'}, 'pg_sequence_last_value', 1, 'true', 500);
like($output, qr/042, expanded, not all rows counted/, 'status counts for a limited time');
($output) = call(q{SELECT rows_filled, failure FROM cmig.expansion()}, 'pg_sequence_last_value', 1, 'true', 5500);
is(scalar(() = $output =~ /^\|rows cannot be counted in a short time: SELECT cmig_state, count\(\*\) FROM shop.(?:person|numbered) GROUP BY 1$/mg), 2, 'expansion counts for a limited time');
($output) = call(q{SELECT rows_filled, rows_left, rows_failed, failure FROM cmig.expansion()}, '', 0, 'true');
like($output, qr/^10\|0\|0\|$/m, 'expansion counts');

# the code of a third role, in what belongs to the owner, does not run as the owner
my $lint = q{SELECT message FROM cmig.lint(probe => true, max_table_size => 100000) WHERE rule = 'violated-by-rows'};
query($node, 'postgres', 'GRANT CREATE ON SCHEMA shop TO owner');
query($node, 'postgres', <<'END_SQL', 'owner');
CREATE INDEX ON shop.plain (n) WHERE lair.run('index');
CREATE INDEX ON shop.alembic_version (version_num) WHERE lair.run('index');
END_SQL
query($node, 'postgres', <<'END_SQL');
CREATE VIEW shop.seen AS SELECT * FROM shop.trail WHERE lair.run('view');
ALTER VIEW shop.seen OWNER TO owner;
CREATE VIEW shop.nested AS SELECT * FROM shop.seen;
CREATE VIEW lair.theirs AS SELECT * FROM shop.trail;
ALTER VIEW lair.theirs OWNER TO mallory;
CREATE VIEW shop.of_theirs AS SELECT * FROM lair.theirs;
ALTER VIEW shop.nested OWNER TO owner;
ALTER VIEW shop.of_theirs OWNER TO owner;
CREATE SCHEMA typed AUTHORIZATION owner;
END_SQL
# mallory adds code to types that owner uses: a check, which is read when an index is planned, or a cast
query($node, 'postgres', <<'END_SQL', 'mallory');
CREATE FUNCTION lair.note(lair.mood) RETURNS json LANGUAGE sql AS $$SELECT to_json(lair.run('cast'))$$;
CREATE CAST (lair.mood AS json) WITH FUNCTION lair.note(lair.mood);
END_SQL
query($node, 'postgres', <<'END_SQL', 'owner');
CREATE TABLE typed.alembic_version AS SELECT '001'::text AS version_num;
CREATE INDEX ON typed.alembic_version (((version_num::lair.checked)::text));
CREATE TABLE typed.parts (table_name text, operation text, clock_at timestamptz, new_row jsonb) PARTITION BY LIST (((table_name::lair.checked)::text));
CREATE TABLE typed.feeling AS SELECT 'sad'::lair.mood AS m;
CREATE VIEW typed.cast AS SELECT table_name, operation, clock_at, to_jsonb(m) AS new_row FROM shop.trail, typed.feeling;
CREATE VIEW typed.row AS SELECT table_name, operation, clock_at, to_jsonb(f.*) AS new_row FROM shop.trail, typed.feeling f;
CREATE VIEW typed.domain AS SELECT (table_name::lair.checked)::text AS table_name, operation, clock_at FROM shop.trail;
CREATE VIEW typed.record AS SELECT table_name, operation, clock_at FROM shop.trail, json_to_record('{"a": 1}') AS r (a lair.checked);
CREATE VIEW typed.xml AS SELECT table_name, operation, clock_at FROM shop.trail, XMLTABLE('/r' PASSING '<r/>' COLUMNS a lair.checked) x;
CREATE VIEW typed.own AS SELECT table_name, operation, clock_at, to_jsonb(t.*) AS new_row FROM shop.trail t;
END_SQL
query($node, 'postgres', q{ALTER DOMAIN lair.checked ADD CHECK (lair.run('check'))}, 'mallory');
foreach my $test ([ $lint, 'role "owner" would run code of another role: lair.run\(text\)' ],
	[ q{SELECT * FROM cmig.import_state('alembic', 'shop.alembic_version')}, 'role "owner" would run code of another role: lair.run\(text\)' ],
	[ q{SELECT cmig.audit_import('shop.seen')}, 'role "owner" would run code of another role: lair.run\(text\)' ],
	[ q{SELECT cmig.audit_import('shop.nested')}, 'role "owner" would run code of another role: lair.run\(text\)' ],
	[ q{SELECT cmig.audit_import('shop.of_theirs')}, 'The owner of view lair.theirs could run code as role "owner"' ],
	[ q{SELECT * FROM cmig.import_state('alembic', 'typed.alembic_version')}, 'run code of another role: type lair.checked' ],
	[ q{SELECT cmig.audit_import('typed.parts')}, 'run code of another role: type lair.checked' ],
	[ q{SELECT cmig.audit_import('typed.cast')}, 'run code of another role: type lair.mood' ],
	[ q{SELECT cmig.audit_import('typed.row')}, 'run code of another role: type typed.feeling' ],
	[ q{SELECT cmig.audit_import('typed.domain')}, 'run code of another role: type lair.checked' ],
	[ q{SELECT cmig.audit_import('typed.record')}, 'run code of another role: type lair.checked' ],
	[ q{SELECT cmig.audit_import('typed.xml')}, 'run code of another role: type lair.checked' ],
	[ q{SELECT cmig.audit_import('typed.own')}, '^1$' ])
{
	($output) = call($test->[0], '', 0, 'true');
	ok($output =~ /$test->[1]/m && $output !~ /evaluated/, "$test->[0] runs no code of a third role") or diag($output);
}

# a statement that the contraction has stored reads the sequence of the column, and nothing under
# its name; with a newer cast of somebody else, nothing would run at all
query($node, 'postgres', 'DROP CAST (lair.mood AS json)', 'mallory');
query($node, 'postgres', <<'END_SQL', 'owner');
ALTER SEQUENCE shop.numbered_id_seq RENAME TO other;
CREATE VIEW shop.numbered_id_seq AS SELECT 1::bigint AS last_value, lair.run(random()::text) AS is_called;
END_SQL
query($node, 'postgres', 'DROP INDEX shop.plain_n_idx', 'owner');
($output) = call('CALL cmig.contract()', '', 0, 'true');
ok($output =~ /is contracted and applied/ && $output !~ /evaluated/, 'contract reads no view in place of a sequence') or diag($output);
query($node, 'postgres', 'DROP VIEW shop.numbered_id_seq', 'owner');
is(query($node, 'postgres', q{SELECT pg_sequence_last_value(pg_get_serial_sequence('shop.numbered', 'id')) IS NULL, state FROM (SELECT NULL) n LEFT JOIN cmig.expansion_run ON true}),
	't|', 'contract completes') or diag($output);

# The function of pg_stat_statements, which a query calls by its name
query($node, 'postgres', <<'END_SQL');
CREATE SCHEMA stats AUTHORIZATION mallory;
CREATE EXTENSION pg_stat_statements SCHEMA stats;
SELECT cmig.create_revision('Next', 'ALTER TABLE shop.item ALTER name TYPE varchar(9)', revision => '044', expand => true);
END_SQL
query($node, 'postgres', <<'END_SQL', 'mallory');
CREATE SCHEMA instead;
CREATE FUNCTION instead.pg_stat_statements(showtext bool) RETURNS TABLE (query text, dbid oid) LANGUAGE plpgsql AS $$BEGIN PERFORM lair.run('statements'); END$$;
GRANT USAGE ON SCHEMA instead, stats TO PUBLIC;
END_SQL
my (undef, $points) = call('SELECT * FROM cmig.preflight()', 'pg_stat_statements', 0, 'true');
my ($refused, $evaluated) = (0, 0);
s/\bshop\b/stats/g, s/\bevil\b/instead/g foreach $replace, $put_back;
foreach my $output (calls('SELECT * FROM cmig.preflight()', 'pg_stat_statements', [ 1 .. $points ], $replace))
{
	$refused += $output =~ /a function was replaced while it was being called/;
	$evaluated += $output =~ /evaluated/;
}
ok($refused > 0 && !$evaluated, "preflight calls no function in place of pg_stat_statements ($refused of $points points are refused)");

# The statements of a contraction are stored with names.  The owner of the schema waits for the
# lock, and then puts a schema in its place whose table has a condition that would be evaluated.
$node->safe_psql('postgres', 'CREATE DATABASE contracted');
query($node, 'contracted', <<'END_SQL');
CREATE EXTENSION pg_cmig;
GRANT CREATE ON DATABASE contracted TO mallory;
CREATE SCHEMA m AUTHORIZATION mallory;
CREATE TABLE m.t (id int PRIMARY KEY, w int NOT NULL);
INSERT INTO m.t VALUES (1, 1);
SELECT cmig.create_revision('two', 'ALTER TABLE m.t ALTER w TYPE bigint', revision => '2', expand => true);
CALL cmig.expand();
CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.3); END$$;
CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slow();
END_SQL
query($node, 'contracted', <<'END_SQL', 'mallory');
CREATE SCHEMA lair;
CREATE FUNCTION lair.run(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE WARNING 'evaluated as %', current_user; RETURN $1; END$$;
CREATE SCHEMA instead;
CREATE TABLE instead.t (id int PRIMARY KEY, w int NOT NULL, cmig_state text, cmig_new_w bigint, CHECK (lair.run(1) = 1 AND w IS NOT NULL AND cmig_new_w IS NOT NULL));
ALTER TABLE instead.t ADD CONSTRAINT cmig_new_w_not_null CHECK (cmig_new_w IS NOT NULL);
GRANT USAGE ON SCHEMA instead, lair TO PUBLIC;
END_SQL
# only the last transaction locks the view, and then the table
my $view = $node->safe_psql('contracted', "SELECT 'm_2.t'::regclass::oid");
my $table = $node->safe_psql('contracted', "SELECT 'm.t'::regclass::oid");
my $swap = start_psql($node, 'contracted', <<"END_SQL", 'swap');
SET SESSION AUTHORIZATION mallory;
DO \$\$BEGIN
	WHILE (SELECT count(DISTINCT relation) FROM pg_locks WHERE relation IN ($view, $table) AND mode = 'AccessExclusiveLock' AND granted) < 2 LOOP PERFORM pg_sleep(0.01); END LOOP;
	PERFORM pg_sleep(0.2);
	ALTER SCHEMA m RENAME TO before; ALTER SCHEMA instead RENAME TO m;
END\$\$;
END_SQL
$node->poll_query_until('postgres', "SELECT true FROM pg_stat_activity WHERE application_name = 'swap' AND query ~ '^DO'");
my (undef, undef, $contract) = $node->psql('contracted', 'CALL cmig.contract()');
finish_psql($swap);
unlike($contract, qr/evaluated|ERROR/, 'a schema cannot be replaced during a contraction');
is($node->safe_psql('contracted', "SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'before.t'::regclass AND attname = 'w'"), 'bigint', 'contracted');

# What is stored is what was verified, and the table that is filled is the one that was
# expanded.  Each CALL fails in the end, so that the next one does the same.
$node->safe_psql('postgres', 'CREATE DATABASE stored');
query($node, 'stored', <<'END_SQL');
CREATE EXTENSION pg_cmig;
SELECT FROM cmig.grant_access('mallory', 'migrator');
GRANT CREATE ON DATABASE stored TO mallory;
CREATE SCHEMA shop AUTHORIZATION mallory;
CREATE TABLE shop.t (id int PRIMARY KEY, w int NOT NULL);
INSERT INTO shop.t VALUES (1, 1);
CREATE FUNCTION stop(n int) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN IF current_setting('regress.stop', true) = 'on' THEN RAISE SQLSTATE '57014'; END IF; RETURN n; END$$;
CREATE FUNCTION stop_last() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE SQLSTATE '57014'; END$$;
SELECT cmig.create_revision('two', 'ALTER TABLE shop.t ALTER w TYPE bigint USING stop(w)', revision => '2', expand => true);
END_SQL
(undef, undef, my $stopped) = $node->psql('stored', 'SET regress.stop = on; CALL cmig.expand()');
like($stopped, qr/ERROR:  57014/, 'filling rows fails');
my $definition = $node->safe_psql('stored', "SELECT replace(pg_get_triggerdef(oid), 'shop.t ', 'evil.t ') FROM pg_trigger WHERE tgname = '~cmig_write'");
query($node, 'stored', <<"END_SQL", 'mallory');
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE TABLE evil.t (id int PRIMARY KEY, w int NOT NULL, cmig_state text DEFAULT 'todo', cmig_new_w bigint DEFAULT cmig.expansion_mark(NULL::bigint));
INSERT INTO evil.t VALUES (1, 1);
CREATE SCHEMA lair;
CREATE FUNCTION lair.run() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN RAISE WARNING 'evaluated as %', current_user; RETURN NEW; END\$\$;
$definition;
CREATE TRIGGER always BEFORE UPDATE ON evil.t FOR EACH ROW EXECUTE FUNCTION lair.run();
ALTER TABLE evil.t ENABLE ALWAYS TRIGGER always, ENABLE ALWAYS TRIGGER "~cmig_write";
END_SQL

# Calls the procedure with the command at each point.  Returns how often its error matches,
# and the outputs of calls that have evaluated something.
sub attack
{
	my ($call, $before, $command, $refusal) = @_;
	my ($count, $evaluated) = (0, '');

	foreach my $n (0 .. 40)
	{
		my $err;

		$node->psql('stored', "SET SESSION AUTHORIZATION mallory; $before;\nRESET SESSION AUTHORIZATION; LOAD 'pg_cmig'; LOAD '$library';\nSET replacer.matches = ''; SET replacer.command = \$\$$command\$\$;"
			. " SET replacer.calls = 0; SET replacer.point = $n; SET regress.stop = on; SET cmig.lock_retries = 0;\n$call;\n$put_back", stderr => \$err, on_error_stop => 0);
		$count++ if $err =~ $refusal;
		$evaluated .= "point $n: $err" if $err =~ /evaluated|server closed/;
	}
	return ($count, $evaluated);
}

s/-d postgres/-d stored/, s/\bstats\b/shop/g, s/\binstead\b/evil/g foreach $replace, $put_back;
my ($count, $bad) = attack('CALL cmig.expand()', '', $replace, qr/was replaced|of the expansion is now/);
ok($count > 0 && $bad eq '', "no other table is filled ($count points are refused)") or diag($bad);
# who may only replace the trigger
$definition =~ s/evil.t/shop.t/;
$definition =~ s/CREATE TRIGGER/CREATE OR REPLACE TRIGGER/;
$definition =~ s/(public\.)?stop\(w\)/lair.stop(w)/ or die $definition;
query($node, 'stored', 'GRANT TRIGGER ON shop.t TO mallory');
query($node, 'stored', q{CREATE FUNCTION lair.stop(n int) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'evaluated as %', current_user; RETURN n; END$$; GRANT USAGE ON SCHEMA lair TO PUBLIC}, 'mallory');
append_to_file($node->basedir . '/replace.sql', $definition);
($count, $bad) = attack('CALL cmig.expand()', '', $replace =~ s/-c 'ALTER.*'/-f @{[ $node->basedir ]}\/replace.sql/r, qr/was dropped, disabled, or replaced/);
ok($count > 0 && $bad eq '', "no row is filled by another trigger ($count points are refused)") or diag($bad);
query($node, 'stored', q{CALL cmig.expand(); CREATE EVENT TRIGGER stop_last ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION stop_last()});
($count, $bad) = attack('CALL cmig.contract()', q{INSERT INTO cmig.expansion_step (position, phase, relation, statement) VALUES (0, 'contract', '', $$DO 'BEGIN RAISE WARNING ''evaluated as %'', current_user; END'$$) ON CONFLICT DO NOTHING},
	"$psql -U mallory -c 'DELETE FROM cmig.expansion_step WHERE position = 0'" =~ s/-d postgres/-d stored/r, qr/were stored by role "mallory"/);
ok($count > 0 && $bad eq '', "a statement that goes before it is verified does not run ($count points are refused)") or diag($bad);

done_testing();
