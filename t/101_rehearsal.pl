# Copyright (c) 2026, the pg_cmig developers

# However a rehearsal of cmig.lint or of an upgrade ends, nothing is left: it is killed,
# canceled, or needs more locks than the server has.  What it shows takes the place of
# what the text seems to break.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rehearsal', 'restart_after_crash = on', 'max_connections = 20', 'max_locks_per_transaction = 100',
	'autovacuum = off');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
CREATE TABLE shop.item (id serial PRIMARY KEY, name text);
INSERT INTO shop.item (name) VALUES ('x');
SELECT cmig.create_revision('One', 'ALTER TABLE shop.item ADD COLUMN a text; DO $x$ BEGIN PERFORM pg_advisory_xact_lock(1); END $x$', '-- nothing', revision => 'r1');
SQL

# rows of the catalogs that a rehearsal changes
sub catalogs
{
	return $node->safe_psql('postgres', join(' UNION ALL ', map { "SELECT '$_', count(*), md5(string_agg(x::text, ',' ORDER BY x::text)) FROM $_ x" }
			qw(pg_namespace pg_class pg_attribute pg_type pg_constraint pg_depend pg_shdepend pg_publication pg_event_trigger pg_default_acl pg_extension)) . ' ORDER BY 1');
}

my $lint = 'SELECT statement, rule, message FROM cmig.lint(rehearse => true) WHERE rule IN ($$statement-fails$$, $$not-rehearsed$$)';
my $before = catalogs();

# ended in the middle, while the script waits for a lock
for my $end ('kill -9', 'pg_terminate_backend', 'pg_cancel_backend')
{
	for my $call ('SELECT count(*) FROM cmig.lint(rehearse => true)', 'SELECT count(*) FROM cmig.upgrade()')
	{
		my $holder = $node->background_psql('postgres', on_error_stop => 0);

		$holder->query_safe('SELECT pg_advisory_lock(1)');
		my $session = start_psql($node, 'postgres', "SET cmig.dry_run_timeout = 0; SET cmig.lint_policy = error;\n$call;");
		my $pid = wait_until_blocked($node);
		is(query($node, 'postgres', 'SELECT count(*) FROM shop.item'), 1, 'the live table can be read');
		if ($end eq 'kill -9') { kill_backend($pid); }
		else { query($node, 'postgres', "SELECT $end($pid)"); }
		isnt(finish_psql($session), 0, "$end: $call fails");
		eval { $holder->quit };
		wait_for_recovery($node);
		is(catalogs(), $before, 'nothing is left');
	}
}

# a limit of its own: the upgrade then runs
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE shop.item ADD COLUMN b text'");
is($node->safe_psql('postgres', $lint), '', 'a rehearsal');
is(catalogs(), $before, 'nothing is left');

# the script itself uses up the locks
$node->safe_psql('postgres', 'UPDATE cmig.revision SET upgrade_sql = $u$CREATE TABLE made (); DO $x$ BEGIN FOR i IN 1..20000 LOOP EXECUTE format(\'CREATE TABLE made_%s (a text)\', i); END LOOP; END $x$$u$');
like($node->safe_psql('postgres', $lint), qr/^\|not-rehearsed\|the statements were not rehearsed: out of shared memory$/m, 'out of locks');
is(catalogs(), $before, 'nothing is left');

# copies of many tables: with a DO block, all of them
$node->safe_psql('postgres', 'DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format($x$CREATE TABLE shop.t%s (id bigint PRIMARY KEY, parent bigint REFERENCES shop.item, name text)$x$, i); IF i % 50 = 0 THEN COMMIT; END IF; END LOOP; END $$');
$node->safe_psql('postgres', 'UPDATE cmig.revision SET upgrade_sql = $u$DO $x$ BEGIN ALTER TABLE shop.item ADD COLUMN c text; END $x$$u$');
$before = catalogs();
like($node->safe_psql('postgres', $lint), qr/^\|not-rehearsed\|the statements were not rehearsed: the copies need about \d+ locks; increase max_locks_per_transaction$/, 'too many tables');
is(catalogs(), $before, 'nothing is left');
is($node->safe_psql('postgres', 'SET cmig.lint_policy = error; BEGIN; SELECT revision FROM cmig.upgrade(); ROLLBACK'), 'r1', 'the upgrade runs');

$node->adjust_conf('postgresql.conf', 'max_locks_per_transaction', 400);
$node->restart;
$node->safe_psql('postgres', 'UPDATE cmig.revision SET upgrade_sql = $u$DO $x$ BEGIN ALTER TABLE shop.item ADD COLUMN c text; ALTER TABLE shop.t7 DROP COLUMN name; END $x$$u$');
is($node->safe_psql('postgres', 'SELECT rule, message FROM cmig.lint(rehearse => true) WHERE severity = $$error$$'), 'ban-drop-column|column shop.t7.name is dropped', 'with more locks');
is(catalogs(), $before, 'nothing is left');

# what the text seems to break, and what breaks
$node->safe_psql('postgres', 'CREATE TABLE shop.counted (id serial); CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;'
	  . ' CREATE TRIGGER g AFTER INSERT ON shop.counted EXECUTE FUNCTION shop.f(); CREATE TABLE shop.other (id int DEFAULT nextval($$shop.counted_id_seq$$))');
sub failures
{
	my ($script) = @_;

	$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = \$u\$$script\$u\$");
	return $node->safe_psql('postgres', 'SELECT statement, message FROM cmig.lint(rehearse => true) WHERE message ~ $$ fails$$');
}
is(failures('ALTER TABLE shop.counted ALTER id DROP DEFAULT; ALTER TABLE shop.other ALTER id DROP DEFAULT; DROP SEQUENCE shop.counted_id_seq'), '', 'the default is dropped first');
is(failures('DO $x$ BEGIN DROP TRIGGER g ON shop.counted; END $x$; DROP FUNCTION shop.f()'), '', 'the trigger is dropped by code');
is(failures('ALTER TABLE shop.counted ALTER id DROP DEFAULT; DROP SEQUENCE shop.counted_id_seq'),
	'2|dropping shop.counted_id_seq fails, because it is used by default value for column id of table shop.counted, default value for column id of table shop.other', 'a default is left');

# what others create while the statements of a difference are rehearsed is no difference that these lack
{
	my $created = "CREATE SCHEMA s; CREATE TYPE s.y AS (x int); CREATE FUNCTION s.f() RETURNS int STABLE LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM pg_advisory_lock_shared(2), pg_advisory_unlock_shared(2); RETURN 1; END \$f\$";

	$node->safe_psql('postgres', 'CREATE DATABASE compared');
	$node->safe_psql('compared', "CREATE EXTENSION pg_cmig; $created; CREATE TABLE s.t (a int)");
	my $other = $node->background_psql('compared');
	$other->query_safe('SELECT pg_advisory_lock(2)');
	# ADD COLUMN calls the function
	my $run = start_psql($node, 'compared', "SELECT action, kind, object FROM cmig.diff(\$d\$$created; CREATE TABLE s.t (a int, x int DEFAULT s.f())\$d\$)", 'compares');
	wait_until_blocked($node, 'compares');
	$other->query_safe('CREATE CAST (s.y AS xml) WITH INOUT; CREATE SCHEMA other; SELECT pg_advisory_unlock(2)');
	is(finish_psql($run), 0, 'the difference is found') or diag $run->{err};
	like($run->{out}, qr/^create\|column\|s\.t\.x$/m, 'the difference');
	unlike($run->{out}, qr/other|xml/, 'without what was created meanwhile');
	$other->quit;
}

# nor is a schema that others create while revisions are replayed one of theirs
{
	$node->safe_psql('postgres', 'CREATE DATABASE replayed');
	$node->safe_psql('replayed', q{CREATE EXTENSION pg_cmig; SELECT cmig.create_revision('s', $r$CREATE SCHEMA s; CREATE TABLE s.t (a int);
		CREATE FUNCTION s.f() RETURNS int STABLE LANGUAGE plpgsql AS $f$ BEGIN PERFORM pg_advisory_lock_shared(2), pg_advisory_unlock_shared(2); RETURN 1; END $f$;
		ALTER TABLE s.t ADD x int DEFAULT s.f()$r$, NULL, revision => '1'); SELECT cmig.upgrade()});
	my $other = $node->background_psql('replayed');
	foreach my $call ('SELECT action, kind, object FROM cmig.drift()', q{SELECT revision, content ~ 'other' FROM cmig.baseline('b', schemas => '{public}')}, 'SELECT cmig.round_trip()')
	{
		$other->query_safe('SET client_min_messages = error; DROP SCHEMA IF EXISTS other; SELECT pg_advisory_lock(2)');
		my $run = start_psql($node, 'replayed', "$call;", 'replays');
		wait_until_blocked($node, 'replays');
		$other->query_safe('CREATE SCHEMA other; SELECT pg_advisory_unlock(2)');
		is(finish_psql($run), 0, $call) or diag $run->{err};
		unlike("$run->{out} $run->{err}", qr/other|t$/, 'without what was created meanwhile');
	}
	$other->quit;
}

# the statements share subtransactions, the end of which takes time for each relation that was created
{
	$node->safe_psql('postgres', 'CREATE DATABASE many');
	$node->safe_psql('many', q{CREATE EXTENSION pg_cmig; CREATE SCHEMA s;
SELECT format('CREATE TABLE s.t%s (a int); COMMENT ON TABLE s.t%1$s IS $c$table$c$', i) FROM generate_series(1, 50) i \gexec});
	my $next = 'SELECT pg_snapshot_xmax(pg_current_snapshot())::text';
	my ($begin, $changes, $end) = split /\n/, $node->safe_psql('many', "$next;
SELECT count(*), count(downgrade_sql) FROM cmig.diff((SELECT replace(cmig.schema_sql(), 'a integer', 'a bigint, b integer'))); $next");
	is($changes, '100|100', 'changes of many tables');
	cmp_ok($end - $begin, '<', 100, 'which share subtransactions');
}

$node->stop;
done_testing();
