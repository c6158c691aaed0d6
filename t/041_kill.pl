# Copyright (c) 2026, the pg_cmig developers

# Interrupts operations at random moments, with SIGTERM or kill -9 of their backends, or
# with kill -9 of the whole server.
#
# A fifth of the kills interrupt stepwise upgrades and downgrades.  The journal, the
# version rows, cmig.progress, cmig.backfill_run, and cmig.status() must then agree with
# the objects and rows that exist.  Repeating the call must result in the same schema and
# data as an undisturbed run.  Only a DO or CALL that commits by itself may prevent this,
# with MG012.
#
# The others interrupt upgrade, downgrade, backfill, enable_audit, create_scope,
# drop_scope, and upgrade_scopes, and two upgrades at once beside a backfill.  Each must
# be applied either completely or not at all, or up to what the catalog says.
#
# CMIG_KILL_POINTS is the number of kills (20; 1,000 in scripts/soak), and CMIG_SEED is
# the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $points = $ENV{CMIG_KILL_POINTS} || 20;
my $seed = $ENV{CMIG_SEED} // 20260101;
srand($seed);
note("CMIG_SEED=$seed");

my $node = new_node('kill', 'max_connections = 20', 'restart_after_crash = on',
	'autovacuum = off', 'max_wal_size = 2GB', 'allow_in_place_tablespaces = on');
$node->start;

# --- stepwise runs ----------------------------------------------------------------

sub steps_file
{
	my $text = revision_file(@_);

	$text =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;
	return $text;
}

my @files = (
	revision_file('001', '', q{
CREATE TABLE item (id int PRIMARY KEY, name text, n int NOT NULL DEFAULT 0, m int, owner int);
INSERT INTO item SELECT g, 'name ' || g FROM generate_series(1, 20000) g;
CREATE TABLE owner (id int PRIMARY KEY);
INSERT INTO owner SELECT generate_series(1, 100);
CREATE TABLE trace (what text);
CREATE TABLE part (k int, v int) PARTITION BY RANGE (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (1000);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (1000) TO (5000);
INSERT INTO part SELECT g, g FROM generate_series(0, 4999) g;
CREATE MATERIALIZED VIEW names AS SELECT name FROM item;
CREATE UNIQUE INDEX names_name ON names (name);
CREATE TYPE mood AS ENUM ('sad');}, ''),
	steps_file('002', '001', q{
CREATE INDEX CONCURRENTLY ON item (name);
INSERT INTO trace VALUES ('002 a');
CREATE UNIQUE INDEX CONCURRENTLY item_lower ON item (lower(name), id) WHERE id > 5;
SET search_path = public;
REINDEX TABLE CONCURRENTLY item;
INSERT INTO trace VALUES ('002 b');
VACUUM item;
DROP INDEX CONCURRENTLY item_name_idx;}, q{
CREATE INDEX CONCURRENTLY item_name_idx ON item (name);
INSERT INTO trace VALUES ('down 002 a');
REINDEX INDEX CONCURRENTLY item_lower;
DROP INDEX CONCURRENTLY item_lower;
DROP INDEX CONCURRENTLY item_name_idx;
INSERT INTO trace VALUES ('down 002 b');}),
	steps_file('003', '002', q{
ALTER TYPE mood ADD VALUE 'happy';
INSERT INTO trace VALUES ('003 ' || 'happy'::mood);
ALTER TABLE part DETACH PARTITION part_2 CONCURRENTLY;
DO $$ BEGIN
	FOR i IN 1..4 LOOP
		UPDATE item SET m = i WHERE id > (i - 1) * 5000 AND id <= i * 5000;
		COMMIT;
	END LOOP;
END $$;
INSERT INTO trace VALUES ('003 b');
DO $$ BEGIN INSERT INTO trace VALUES ('003 c'); END $$;
REFRESH MATERIALIZED VIEW CONCURRENTLY names;
CLUSTER item USING item_pkey;
ANALYZE item;}, q{
REFRESH MATERIALIZED VIEW CONCURRENTLY names;
DO $$ BEGIN
	FOR i IN 1..4 LOOP
		UPDATE item SET m = NULL WHERE id > (i - 1) * 5000 AND id <= i * 5000;
		COMMIT;
	END LOOP;
END $$;
INSERT INTO trace VALUES ('down 003 a');
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (1000) TO (5000);
VACUUM (ANALYZE) item;
DO $$ BEGIN INSERT INTO trace VALUES ('down 003 b'); END $$;}),
	revision_file('004', '003', q{ALTER TABLE item ADD COLUMN extra text; INSERT INTO trace VALUES ('004');},
		q{ALTER TABLE item DROP COLUMN extra; INSERT INTO trace VALUES ('down 004');}),
	steps_file('005', '004', q{
CALL cmig.backfill('item', 'n = n + 1', batch_size => 1500);
CALL cmig.backfill('item', 'extra = upper(name)', 'extra IS NULL', 1500);
CALL cmig.backfill('item', 'n = n + 1', batch_size => 2500);
UPDATE item SET owner = 1 + id % 100;
CALL cmig.add_not_null('item', 'extra');
CALL cmig.add_check('item', 'item_n', 'n > 0');
CALL cmig.add_foreign_key('item', '{owner}', 'owner');
CALL cmig.add_unique('item', '{extra}');
INSERT INTO trace VALUES ('005');}, q{
INSERT INTO trace VALUES ('down 005 a');
ALTER TABLE item DROP CONSTRAINT item_extra_key;
ALTER TABLE item DROP CONSTRAINT item_owner_fkey;
ALTER TABLE item DROP CONSTRAINT item_n, ALTER extra DROP NOT NULL;
CALL cmig.backfill('item', 'n = n - 1', batch_size => 1500);
CALL cmig.backfill('item', 'extra = NULL', 'extra IS NOT NULL', 1500);
CALL cmig.backfill('item', 'n = n - 1', batch_size => 2500);
INSERT INTO trace VALUES ('down 005 b');}),
	revision_file('006', '005', q{CREATE INDEX item_m ON item (m); INSERT INTO trace VALUES ('006');},
		q{DROP INDEX item_m; INSERT INTO trace VALUES ('down 006');}),
	steps_file('007', '006', q{
VACUUM (FULL, ANALYZE) owner;
REINDEX SCHEMA CONCURRENTLY public;
CREATE DATABASE kill_made;
INSERT INTO trace VALUES ('007 a');
DROP DATABASE kill_made;
ALTER SYSTEM SET cmig.lock_retries = 9;
ALTER SYSTEM RESET cmig.lock_retries;
CREATE TABLESPACE kill_space LOCATION '';
DROP TABLESPACE kill_space;
INSERT INTO trace VALUES ('007 b');}, q{INSERT INTO trace VALUES ('down 007');}));
$files[4] =~ s/(-- cmig:downgrade)/-- cmig:verify\nSELECT count(*) = 20000 FROM item WHERE n = 2 AND extra = upper(name);\n$1/;

$node->safe_psql('postgres', 'CREATE DATABASE base');
$node->safe_psql('base', 'CREATE EXTENSION pg_cmig');
query($node, 'base', load_sql(@files));

# The traces that statements leave: direction, revision, statement (0: the whole
# script, which is one transaction), text of the trace.
my $marks = join ', ', map { "('$_->[0]', '$_->[1]', $_->[2], '$_->[3]')" } (
	[ 'upgrade', '002', 2, '002 a' ], [ 'upgrade', '002', 6, '002 b' ], [ 'upgrade', '003', 2, '003 happy' ],
	[ 'upgrade', '003', 5, '003 b' ], [ 'upgrade', '003', 6, '003 c' ], [ 'upgrade', '004', 0, '004' ],
	[ 'upgrade', '005', 9, '005' ], [ 'upgrade', '006', 0, '006' ], [ 'upgrade', '007', 4, '007 a' ],
	[ 'upgrade', '007', 10, '007 b' ], [ 'downgrade', '007', 1, 'down 007' ], [ 'downgrade', '006', 0, 'down 006' ],
	[ 'downgrade', '005', 1, 'down 005 a' ], [ 'downgrade', '005', 8, 'down 005 b' ], [ 'downgrade', '004', 0, 'down 004' ],
	[ 'downgrade', '003', 3, 'down 003 a' ], [ 'downgrade', '003', 6, 'down 003 b' ], [ 'downgrade', '002', 2, 'down 002 a' ],
	[ 'downgrade', '002', 6, 'down 002 b' ]);

# Returns the rows of pg_cmig's tables that do not agree with the traces of an
# interrupted run.
sub untrue
{
	my ($db) = @_;
	my $made = query($node, $db, q{SELECT to_regclass('trace') IS NOT NULL});
	my $wrong = query($node, $db, q{
WITH last AS (SELECT revision, direction FROM cmig.journal WHERE outcome = 'done' ORDER BY id DESC LIMIT 1),
place AS (SELECT CASE WHEN direction = 'upgrade' THEN l.revision ELSE down_revision[1] END AS revision
	FROM last l JOIN cmig.revision r USING (revision)),
said AS (SELECT item FROM cmig.status() WHERE item IN ('running', 'interrupted', 'failed', 'partially applied')),
undone AS (SELECT outcome FROM cmig.journal j WHERE outcome <> 'done'
	AND id = (SELECT max(id) FROM cmig.journal))
SELECT 'version rows' WHERE (SELECT string_agg(revision, ' ') FROM cmig.version) IS DISTINCT FROM (SELECT revision FROM place)
UNION ALL SELECT 'two running' WHERE (SELECT count(*) > 1 FROM cmig.journal WHERE outcome = 'running')
UNION ALL SELECT 'status: ' || item FROM said WHERE item = 'running'
UNION ALL SELECT 'status: interrupted' WHERE EXISTS (SELECT FROM said WHERE item = 'interrupted') <> EXISTS (SELECT FROM undone WHERE outcome = 'running')
UNION ALL SELECT 'status: failed' WHERE EXISTS (SELECT FROM said WHERE item = 'failed') <> EXISTS (SELECT FROM undone WHERE outcome = 'failed')
UNION ALL SELECT 'status: partially applied' WHERE EXISTS (SELECT FROM said WHERE item = 'partially applied') <> EXISTS (SELECT FROM cmig.progress)
UNION ALL SELECT 'locks' WHERE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')});

	if ($made eq 't')
	{
		$wrong .= query($node, $db, qq{
SELECT 'progress: ' || what FROM (VALUES $marks) m(direction, revision, statement, what)
WHERE (SELECT count(*) FROM trace t WHERE t.what = m.what) <> (
	EXISTS (SELECT FROM cmig.progress p WHERE p.revision = m.revision AND p.direction = m.direction
		AND p.statement = m.statement AND state = 'done')
	OR EXISTS (SELECT FROM cmig.journal j WHERE j.revision = m.revision AND j.direction = m.direction AND outcome = 'done'))::int
UNION ALL SELECT 'rows of backfills' WHERE (SELECT sum(n) FROM item) <> (SELECT coalesce(sum(CASE set_sql WHEN 'n = n + 1' THEN rows
	WHEN 'n = n - 1' THEN -rows END), 0) FROM cmig.backfill_run)});
	}
	$wrong .= query($node, $db, q{SELECT '001 left something' WHERE (to_regclass('item') IS NOT NULL)
		<> EXISTS (SELECT FROM cmig.journal WHERE revision = '001' AND outcome = 'done')});
	return $wrong;
}

# Returns everything that a run has created, as text.
sub picture
{
	my ($db) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-n', 'public', '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err)
	  or die $err;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return $dump . query($node, $db, q{
SELECT what FROM trace ORDER BY what;
SELECT md5(string_agg(i::text, ',' ORDER BY id)) FROM item i;
SELECT count(*) FROM names;
SELECT relname, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid OR relname ~ '_cc(new|old)';
SELECT inhrelid::regclass FROM pg_inherits WHERE inhdetachpending;
SELECT revision FROM cmig.version;
SELECT revision, state FROM cmig.progress;
SELECT revision, outcome FROM cmig.journal WHERE outcome IN ('running', 'done') ORDER BY id;
SELECT set_sql, state, rows FROM cmig.backfill_run ORDER BY id;
SELECT severity, problem FROM cmig.check() WHERE severity <> 'notice';
SELECT item, value FROM cmig.status() WHERE item IN ('error', 'warning', 'running', 'interrupted', 'failed', 'partially applied');
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'});
}

# An undisturbed run in each direction: how long it takes, and its result.
my $start;
my %way = (
	up => { from => 'base', call => 'cmig.upgrade_stepwise(', doubt => 4 },
	down => { from => 'quiet_up', call => "cmig.downgrade_stepwise('001'", doubt => 2 });
foreach my $name (qw(up down))
{
	my $way = $way{$name};

	$node->safe_psql('postgres', "CREATE DATABASE quiet_$name TEMPLATE $way->{from} STRATEGY file_copy");
	$start = time();
	query($node, "quiet_$name", "CALL $way->{call})");
	$way->{duration} = time() - $start;
	$way->{quiet} = picture("quiet_$name");
	is(untrue("quiet_$name"), '', "$name: the catalog is correct");
}
like($way{up}{quiet}, qr/^003 happy$/m, 'an undisturbed run reaches head');
like($way{down}{quiet}, qr/^down 002 b$/m, 'another one reaches 001');

# begin(DATABASE, SQL, NAME): starts a session that runs SQL
sub begin
{
	my ($db, $sql, $name) = @_;
	my $run = start_psql($node, $db, "SET client_min_messages = warning;\nSELECT pg_backend_pid();\n$sql;", $name);

	while ($run->{out} !~ /^\d+\n/) { (eval { IPC::Run::pump($run->{handle}) }) or die "$sql: $run->{out}$run->{err}" }
	($run->{pid}) = $run->{out} =~ /^(\d+)/;
	return $run;
}

# cut_off(HOW, SESSION...): ends the sessions with SIGTERM or kill -9, or the whole
# server with kill -9.  The sessions' processes have ended when it returns.
sub cut_off
{
	my ($how, @runs) = @_;
	my @pids = map { $_->{pid} } @runs;

	if ($how eq 'server')
	{
		# all processes at once, as when a machine fails
		kill 'STOP', $node->{_pid};
		push @pids, split(' ', slurp_file("/proc/$node->{_pid}/task/$node->{_pid}/children")), $node->{_pid};
		kill 'KILL', @pids;
		$node->{_pid} = undef;
	}
	else
	{
		kill $how eq 'kill' ? 'KILL' : 'TERM', @pids;
	}
	foreach (1 .. 100 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last unless kill 0, @pids;
		usleep(10_000);
	}
	return if $how ne 'server';
	$node->start;
}

my %stepwise = (runs => 0, terminate => 0, kill => 0, server => 0, late => 0, doubt => 0);
for (my $i = 1; $stepwise{terminate} + $stepwise{kill} + $stepwise{server} < $points / 5; $i++)
{
	my $name = (qw(up down))[ $i % 3 == 0 ];
	my $way = $way{$name};
	my $db = "kill_$i";
	my @story;
	my $reached = 0;
	my $untrue = '';

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS kill_made');
	# With the strategy wal_log, CREATE DATABASE copies the sequence in such a way that
	# it returns to the template's value if the server crashes before the next
	# checkpoint.
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE $way->{from} STRATEGY file_copy");
	my $call = "CALL $way->{call})";
	for my $attempt (1 .. 12)
	{
		my $killing = $attempt == 1 || ($attempt < 6 && rand() < 0.5);
		my $run = begin($db, $call, 'victim');
		$stepwise{runs}++;
		if ($killing)
		{
			my $how = (qw(terminate kill server))[ int(rand(3)) ];

			usleep(1e6 * rand($way->{duration} * ($attempt == 1 ? 1.05 : 0.6)));
			cut_off($how, $run);
			eval { finish_psql($run) };
			my $late = $run->{err} !~ /57P01|closed the connection/;
			$stepwise{ $late ? 'late' : $how }++;
			wait_for_recovery($node) if $how ne 'terminate';
			push @story, $late ? 'too late' : $how;
			$untrue .= untrue($db);
			next;
		}
		my $status = eval { finish_psql($run) };
		if (defined $status && $status == 0)
		{
			$reached = 1;
			last;
		}
		push @story, $run->{err};
		if ($run->{err} =~ /ERROR:  MG012: statement $way->{doubt} of revision "003"/)
		{
			$stepwise{doubt}++;
			$call = "CALL $way->{call}" . ($name eq 'down' ? ', ' : '') . "in_doubt => 'again')";
			next;
		}
		last;
	}
	my $picture = $reached ? picture($db) : '';
	# $untrue compares pg_cmig's tables with the traces, and $picture shows the result
	# of the whole run
	is($untrue, '', "kill point $i: what the catalog says is true") or diag("seed $seed, story: @story");
	ok($reached && $picture eq $way->{quiet}, "kill point $i, $name: the same as undisturbed")
	  or do
	{
		my %was = map { $_ => 1 } split /\n/, $way->{quiet};
		my %is = map { $_ => 1 } split /\n/, $picture;
		diag("seed $seed, story: @story");
		diag("- $_") for grep { !$is{$_} } sort keys %was;
		diag("+ $_") for grep { !$was{$_} } sort keys %is;
	};
	$node->safe_psql('postgres', "DROP DATABASE $db");
}
note(sprintf('stepwise: undisturbed %.2f s up, %.2f s down; %s', $way{up}{duration}, $way{down}{duration}, join ', ', map { "$_ $stepwise{$_}" } sort keys %stepwise));

# tests that wrong rows would be found
query($node, 'quiet_up', q{INSERT INTO trace VALUES ('004'); UPDATE item SET n = n + 1 WHERE id = 7; DELETE FROM cmig.version;
INSERT INTO cmig.progress VALUES ('002', 'downgrade', 2, 'done')});
is(join(', ', split /\n/, untrue('quiet_up') =~ s/version rows/version rows\n/r), 'version rows, progress: 004, progress: down 002 a, rows of backfills', 'a wrong catalog is detected');

# --- other operations ----------------------------------------------------------

# The database "plain" has a chain of revisions, two tables for backfills, and two to be
# audited; "tenants" has scopes.  A unit is a scope, the schema public, or the audit log
# with the audited tables.  After a kill, each unit must be in a state in which an
# undisturbed call has left it.
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->safe_psql('postgres', 'CREATE DATABASE tenants');
my @chain = (
	[ q{CREATE TABLE one (id int PRIMARY KEY, a text NOT NULL); INSERT INTO one SELECT g, 'a' || g FROM generate_series(1, 200) g;
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE SEQUENCE numbers;}, 'DROP TABLE one; DROP TYPE mood; DROP SEQUENCE numbers;' ],
	[ q{ALTER TABLE one ADD b mood DEFAULT 'ok', ADD c int; UPDATE one SET c = id * 2; CREATE INDEX one_c ON one (c);
CREATE VIEW many AS SELECT id, c FROM one WHERE c > 10; COMMENT ON VIEW many IS 'many';}, 'DROP VIEW many; ALTER TABLE one DROP b, DROP c;' ],
	[ q{CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2'; ALTER TABLE one ADD CONSTRAINT doubled CHECK (c = twice(id));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE ON one FOR EACH ROW EXECUTE FUNCTION touch();}, 'ALTER TABLE one DROP CONSTRAINT doubled; DROP FUNCTION touch CASCADE; DROP FUNCTION twice;' ],
	[ q{ALTER TABLE one ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON one USING (id > 0); GRANT SELECT ON one TO PUBLIC;
ALTER TABLE one ALTER a TYPE char(5); DELETE FROM one WHERE id > 150;}, q{ALTER TABLE one ALTER a TYPE text; REVOKE SELECT ON one FROM PUBLIC;
DROP POLICY p ON one; ALTER TABLE one DISABLE ROW LEVEL SECURITY; INSERT INTO one (id, a, c) SELECT g, 'a' || g, g * 2 FROM generate_series(151, 200) g;} ],
	[ q{CREATE TABLE two (id int REFERENCES one, k int) PARTITION BY LIST (k); CREATE TABLE two_1 PARTITION OF two FOR VALUES IN (1);
INSERT INTO two SELECT id, 1 FROM one; CREATE MATERIALIZED VIEW stored AS SELECT count(*) FROM two;}, 'DROP TABLE two CASCADE;' ]);
sub chain { my $before = ''; my $i = 0; return map { my $id = sprintf 'r%d', ++$i; my $text = revision_file($id, $before, @$_); $before = $id; $text } @_ }
query($node, 'plain', 'CREATE EXTENSION pg_cmig; CREATE SCHEMA audited; CREATE SCHEMA fill;' . load_sql(chain(@chain)) . q{
CREATE TABLE audited.a (id int PRIMARY KEY, v text); CREATE TABLE audited.b (id int PRIMARY KEY, v text); INSERT INTO audited.a VALUES (1);
CREATE TABLE fill.item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO fill.item SELECT generate_series(1, 6000);
CREATE TABLE fill.part (id int, m int NOT NULL DEFAULT 0, extra text) PARTITION BY RANGE (id);} . join '', map { sprintf 'CREATE TABLE fill.part_%d PARTITION OF fill.part FOR VALUES FROM (%d) TO (%d);', $_, $_ * 2000, $_ * 2000 + 2000 } 0 .. 2);
query($node, 'plain', 'INSERT INTO fill.part SELECT generate_series(0, 5999); VACUUM ANALYZE;');
query($node, 'tenants', 'CREATE EXTENSION pg_cmig;' . load_sql(chain(map { [ map { s/;\s*CREATE FUNCTION.*/;/rs } @$_ ] } grep { $_->[0] !~ /twice/ } @chain)));

# Reads a line for each unit (its name, its revisions, and a hash of its objects and
# rows) into $look{DATABASE}.  Returns what an interrupted operation has left behind, and
# what pg_cmig's tables say that is not true.
my %look;
sub look
{
	my ($db) = @_;
	# after a crash, a sequence can skip numbers, so the ids of audited tables can differ
	my $unit = q{CASE WHEN n.nspname IN ('audited', 'cmig_audit') THEN 'audit' ELSE n.nspname END};
	my $objects = q{
SELECT relnamespace AS n, concat_ws(' ', 'relation', relname, relkind, relpersistence, relrowsecurity, reloptions, nullif(relacl::text, acldefault('r', relowner)::text), obj_description(oid, 'pg_class')) AS o FROM pg_class WHERE relkind <> 'i'
UNION ALL SELECT relnamespace, concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum))
	FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'i'
UNION ALL SELECT relnamespace, concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid) FROM pg_index JOIN pg_class c ON c.oid = indrelid
UNION ALL SELECT connamespace, concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated) FROM pg_constraint
UNION ALL SELECT relnamespace, concat_ws(' ', 'trigger', regexp_replace(pg_get_triggerdef(t.oid), 'audit_trigger.''[0-9]+''', 'audit_trigger'), tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal
UNION ALL SELECT relnamespace, concat_ws(' ', 'policy', relname, polname, pg_get_expr(polqual, polrelid)) FROM pg_policy JOIN pg_class c ON c.oid = polrelid
UNION ALL SELECT relnamespace, concat_ws(' ', 'view', relname, pg_get_viewdef(oid)) FROM pg_class WHERE relkind IN ('v', 'm')
UNION ALL SELECT pronamespace, concat_ws(' ', 'function', proname, prosrc, proacl) FROM pg_proc
UNION ALL SELECT typnamespace, concat_ws(' ', 'type', typname, (SELECT string_agg(enumlabel, ' ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)) FROM pg_type t
UNION ALL SELECT relnamespace, concat_ws(' ', 'rows', relname, query_to_xml(format('SELECT t::text FROM %s t ORDER BY 1', c.oid::regclass), false, false, ''))
	FROM pg_class c WHERE relkind IN ('r', 'm') AND relnamespace::regnamespace::text NOT IN ('fill', 'cmig_audit', 'cmig', 'pg_catalog', 'information_schema', 'pg_toast')};

	my $read = query($node, $db, qq{
WITH at AS (SELECT 'public' AS scope, revision FROM cmig.version UNION ALL SELECT scope, revision FROM cmig.scope_version),
units AS (SELECT $unit AS unit, md5(string_agg(o, E'\\n' ORDER BY o COLLATE "C")) AS hash, count(*) FROM pg_namespace n LEFT JOIN ($objects) all_objects ON n.oid = n
	WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('cmig', 'fill', 'information_schema') GROUP BY 1)
SELECT unit, coalesce((SELECT string_agg(revision, ',' ORDER BY revision) FROM at WHERE scope = unit), '-'), count, hash FROM units
UNION ALL SELECT scope, revision, 0, 'without a schema' FROM at WHERE scope NOT IN (SELECT unit FROM units) ORDER BY 1, 2;
\\echo --
WITH last AS (SELECT DISTINCT ON (scope) scope, revision, direction FROM cmig.journal WHERE outcome = 'done' ORDER BY scope, id DESC),
said AS (SELECT l.scope, CASE direction WHEN 'upgrade' THEN l.revision ELSE r.down_revision[1] END AS revision, direction
	FROM last l JOIN cmig.revision r USING (revision)),
at AS (SELECT '' AS scope, revision FROM cmig.version UNION ALL SELECT scope, revision FROM cmig.scope_version)
SELECT concat_ws(' ', 'journal of', coalesce(said.scope, at.scope), 'says', said.revision, 'and not', at.revision) FROM said FULL JOIN at USING (scope)
	WHERE said.revision IS DISTINCT FROM at.revision AND coalesce(direction, '') IN ('upgrade', 'downgrade', '')
UNION ALL SELECT 'journal: ' || revision || ' ' || outcome FROM cmig.journal WHERE outcome <> 'done'
UNION ALL SELECT 'progress: ' || revision FROM cmig.progress
UNION ALL SELECT 'lock: ' || l::text FROM pg_locks l WHERE pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'prepared: ' || gid FROM pg_prepared_xacts
UNION ALL SELECT 'invalid: ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
UNION ALL SELECT 'temporary: ' || oid::regclass FROM pg_class WHERE relpersistence = 't'
UNION ALL SELECT concat_ws(' ', 'check:', severity, object, problem) FROM cmig.check() WHERE severity <> 'notice'
UNION ALL SELECT concat_ws(' ', 'status:', item, value) FROM cmig.status() WHERE item IN ('error', 'warning', 'running', 'waits for', 'waiting', 'interrupted', 'failed', 'partially applied')
} . ($db eq 'tenants' ? '' : qq{
UNION ALL SELECT concat_ws(' ', 'backfill:', set_sql, 'has updated', real, 'rows and says', said) FROM (VALUES
	('n = n + 1', (SELECT sum(n) FROM fill.item)), ('extra = id, m = m + 1', (SELECT sum(m) FROM fill.part))) r(set_sql, real)
	CROSS JOIN LATERAL (SELECT coalesce(sum(rows), 0) FROM cmig.backfill_run b WHERE b.set_sql = r.set_sql) s(said) WHERE real <> said
UNION ALL SELECT 'backfills: ' || count(*) FROM cmig.backfill_progress WHERE state <> 'done' HAVING count(*) > 1
UNION ALL SELECT 'backfill: ' || state FROM cmig.backfill_progress WHERE state NOT IN ('done', 'interrupted');
BEGIN; INSERT INTO audited.a SELECT 2 WHERE to_regclass('cmig_audit.log') IS NOT NULL;
SELECT 'audit: the change was not logged' WHERE CASE WHEN to_regclass('cmig_audit.log') IS NOT NULL THEN query_to_xml('SELECT FROM cmig_audit.log', true, false, '')::text NOT LIKE '%row%' END; ROLLBACK}));
	my $left;
	($look{$db}, $left) = $read =~ /(.*?)^--\n?(.*)/ms;
	return $left;
}

# Operations for the state that look() has found.  Each function returns a name, the
# revisions that can then be applied (undef: any), and one script for each session.
my @fills = (q{'fill.item', 'n = n + 1', batch_size => 300}, q{'fill.part', 'extra = id, m = m + 1', 'extra IS NULL', 300}, q{'fill.part', 'extra = NULL', 'extra IS NOT NULL', 1000});
my $fill = 0;
sub upgrade
{
	my ($at) = $look{plain} =~ /^public\|(.*?)\|/m;
	my $up = $at ne 'r5' && ($at eq '-' || rand() < 0.5);
	my $goal = $up ? 'r5' : '-';

	return rand() < 0.5 ? ($up ? 'steps up' : 'steps down', undef, ($up ? "SELECT cmig.upgrade('+1');\n" : "SELECT cmig.downgrade('-1');\n") x ($up ? 5 - ($at =~ /(\d)/ ? $1 : 0) : substr($at, 1)))
	  : ($up ? 'up' : 'down', [ $at, $goal ], $up ? "SELECT count(*) FROM cmig.upgrade('head')" : "SELECT count(*) FROM cmig.downgrade('base')");
}
sub backfill
{
	# one that was interrupted is continued
	$fill = ($fill + 1) % @fills if query($node, 'plain', q{SELECT count(*) FROM cmig.backfill_run WHERE state <> 'done'}) eq '0';
	return ("fill $fill", undef, "CALL cmig.backfill($fills[$fill])");
}
sub together
{
	my @backfill = backfill();
	my @first = upgrade();

	return ("two $first[0]", $first[1], $first[2], $first[2], $backfill[2]);
}
sub audit
{
	return ('reset', undef, q{BEGIN; SELECT cmig.disable_audit('audited.a'); SELECT cmig.disable_audit('audited.b'); DROP SCHEMA cmig_audit CASCADE; COMMIT}) if query($node, 'plain', q{SELECT count(DISTINCT tgrelid) FROM pg_trigger WHERE tgname LIKE 'cmig\_audit%'}) == 2;
	return ('schema', undef, q{SELECT count(*) FROM cmig.enable_audit_schema('audited')}) if rand() < 0.5;
	return ('tables', undef, q{SELECT cmig.enable_audit('audited.a'); SELECT cmig.enable_audit('audited.b')});
}
sub create_scope
{
	return ('drop', undef, q{SELECT cmig.drop_scope('new', confirm => 'new')}) if $look{tenants} =~ /^new\|/m;
	return rand() < 0.6 ? ('create', undef, q{SELECT cmig.create_scope('new')}) : ('copy', undef, q{SELECT cmig.create_scope('new', copy_of => 't_1')});
}
sub upgrade_scopes
{
	return ('down', undef, join "\n", map { "SET cmig.scope = 't_$_'; SELECT cmig.downgrade('r1');" } 1 .. 6) if (() = $look{tenants} =~ /^t_\d\|r4/mg) == 6;
	return ('up', undef, q{CALL cmig.upgrade_scopes('t\_%')});
}

# The states in which undisturbed calls leave the units.
my %known;
sub learn
{
	is(look($_[0]), '', "$_[0], $_[1]: nothing is left behind");
	$known{$_} = 1 foreach split /\n/, $look{$_[0]};
}
learn('plain', 'base');
foreach my $call ((map { q{SELECT cmig.upgrade('+1')} } @chain), (map { "SELECT cmig.enable_audit('audited.$_')" } 'a', 'b'), q{SELECT cmig.downgrade('base')})
{
	query($node, 'plain', $call);
	learn('plain', $call);
}
query($node, 'tenants', join ' ', map { "SELECT cmig.create_scope('t_$_', 'r1');" } 1 .. 6);
learn('tenants', 'r1');
foreach my $call (q{CALL cmig.upgrade_scopes('t\_%')}, q{SELECT cmig.create_scope('new')}, q{SELECT cmig.drop_scope('new', confirm => 'new')}, q{SELECT cmig.create_scope('new', copy_of => 't_1')})
{
	query($node, 'tenants', $call);
	learn('tenants', $call);
}

my %operation = (upgrade => \&upgrade, backfill => \&backfill, together => \&together, audit => \&audit, create_scope => \&create_scope, upgrade_scopes => \&upgrade_scopes);
my (%took, %count);
for (my ($i, $killed) = (1, 0); $killed < $points * 4 / 5; $i++)
{
	my $kind = (sort keys %operation)[ $i % keys %operation ];
	my $db = $kind =~ /scope/ ? 'tenants' : 'plain';
	my $how = (qw(terminate kill server))[ int(rand(3)) ];
	my ($name, $revisions, @scripts) = $operation{$kind}->();
	my @runs = map { begin($db, $scripts[$_], "victim$_") } 0 .. $#scripts;

	# The time of an operation depends on the machine's load, and is estimated so that
	# about one of six operations ends before it is interrupted.
	my $wait = rand($took{$name} //= 0.3);
	usleep(1e6 * $wait);
	# of three sessions, kill -9 ends both upgrades; the server ends the backfill
	cut_off($how, @runs > 1 && $how eq 'kill' ? @runs[ 0, 1 ] : @runs);
	eval { finish_psql($_) } foreach @runs;
	my $late = !grep { $_->{err} =~ /57P01|closed the connection/ } @runs;
	$took{$name} *= $late ? 0.85 : 1.03;
	$killed += !$late;
	$count{$kind}{ $late ? 'late' : $how }++;
	wait_for_recovery($node) if $how ne 'terminate';

	my $left = look($db);
	my @wrong = grep { !$known{$_} || ($revisions && /^public\|(.*?)\|/ && !grep { $_ eq $1 } @$revisions) } split /\n/, $look{$db};
	is(join("\n", @wrong, split /\n/, $left), '', "$i: $kind, $name, $how" . ($late ? ' (too late)' : ''))
	  or diag("seed $seed, after $wait s: ", join "\n", map { $_->{err} } @runs);
}

# what was interrupted can be continued, and all rows have been updated equally often
query($node, 'plain', (backfill())[2]);
query($node, 'plain', "CALL cmig.backfill($fills[$_])") foreach (1, 2);
is(query($node, 'plain', 'SELECT min(n) = max(n), min(n) = (SELECT count(*) FROM cmig.backfill_run WHERE set_sql ~ $$^n$$) FROM fill.item'), 't|t', 'each row was updated once by each backfill');
is(query($node, 'plain', 'SELECT min(m) = max(m), count(*) FILTER (WHERE extra IS NOT NULL) FROM fill.part'), 't|0', 'also those of partitions');
foreach my $kind (sort keys %count)
{
	note(sprintf('%-14s %s', $kind, join ', ', map { "$_ $count{$kind}{$_}" } sort keys %{ $count{$kind} }));
}

# tests that a partial result would be found
query($node, 'plain', q{ALTER TABLE fill.item ADD x int; UPDATE fill.item SET n = n + 1 WHERE id = 7; SELECT cmig.upgrade('r2'); DROP INDEX one_c;
SELECT cmig.enable_audit('audited.a'); SELECT cmig.disable_audit('audited.b'); ALTER TABLE audited.a DISABLE TRIGGER ALL; INSERT INTO cmig.progress VALUES ('r2', 'upgrade', 1, 'done')});
my $partial = join "\n", look('plain'), map { s/\|.*//r } grep { !$known{$_} } split /\n/, $look{plain};
like($partial, qr/^progress: r2\n.*^backfill: n = n \+ 1 has updated.*^audit: the change was not logged\naudit\npublic\z/ms, 'a partial result is detected');

$node->stop;
done_testing();
