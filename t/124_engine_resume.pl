# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database, a statement that cannot run in a transaction is
# interrupted: the connection, cmig, or the server is killed.  The next call looks at what
# is there, and completes it: what has completed does not run again.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('resume');

my $superuser = $node->safe_psql('postgres', 'SELECT rolname FROM pg_roles WHERE oid = 10');

sub rows { return $node->safe_psql('shop', $_[0]); }
sub as_superuser { return $node->safe_psql('shop', $_[0], extra_params => [ '-U', $superuser ]); }

write_revision('001', '', '', <<'END_SQL', 'DROP TABLE item, parted, part;');
CREATE TABLE item (id int PRIMARY KEY, a int, b int);
CREATE INDEX item_b ON item (b);
CREATE INDEX item_ccold ON item (b);
CREATE TABLE parted (k int) PARTITION BY LIST (k);
CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
END_SQL
gives(0, 'at 001', '', 'upgrade', '-y');

# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# a session that holds a lock until it ends
sub holder
{
	my $holder = $node->background_psql('shop', extra_params => [ '-U', $superuser ]);
	$holder->query_safe("BEGIN; $_[0]");
	return $holder;
}

# interrupt(WHAT, LOCK, LATE): starts an upgrade whose statement waits for LOCK, and kills
# WHAT; if LATE, when the statement has completed, but is not yet recorded
sub interrupt
{
	my ($what, $lock, $late) = @_;
	my $holder = holder($lock);
	my $waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'cmig' AND wait_event_type = 'Lock'";
	my $pid = fork // die;

	if ($pid == 0)
	{
		setpgrp(0, 0);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/out";
		open STDERR, '>&', \*STDOUT;
		exec $cmig, 'upgrade', '-y';
	}
	$node->poll_query_until('shop', $waits) or die slurp_file("$dir/out");
	if ($late)
	{
		my $first = $holder;
		$holder = holder('LOCK TABLE cmig_engine.progress IN SHARE MODE');
		$first->query_safe('COMMIT');
		$first->quit;
		$node->poll_query_until('shop', "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'cmig_engine.progress'::regclass AND NOT granted") or die;
	}
	kill 'KILL', -$pid if $what eq 'cmig';
	# what waits for a lock does not notice that its client is gone
	rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cmig' AND datname = 'shop'") if $what eq 'connection' || ($what eq 'cmig' && $late);
	$node->stop('immediate') if $what eq 'server';
	waitpid $pid, 0;
	$node->start if $what eq 'server';
	if ($what ne 'server') { $holder->query_safe('COMMIT'); $holder->quit; }
	else { eval { $holder->quit; }; }
	$node->poll_query_until('shop', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'cmig'") or die;
	is(rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version'), '001', "$what: interrupted");
}

my $indexes = "SELECT string_agg(concat(relname, CASE WHEN NOT indisvalid THEN ' invalid' END), ' ' ORDER BY relname) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'item'::regclass";
my $writer = 'LOCK TABLE item IN ROW EXCLUSIVE MODE';
my $reader = 'LOCK TABLE item IN ACCESS SHARE MODE';
my $all = 'item_b item_ccold item_pkey';
my $parts = 'SELECT (SELECT count(*) FROM pg_inherits), (SELECT count(*) FROM pg_inherits WHERE inhdetachpending), count(*) FROM part';
for my $case (
	# the statement, the lock, what is left, what is there after the next call, and the way back
	[ 'CREATE INDEX CONCURRENTLY ON item (a, (b + 1)) INCLUDE (b) WHERE a > 0', $writer, $indexes, 'item_a_expr_b_idx invalid item_b item_ccold item_pkey', 'item_a_expr_b_idx item_b item_ccold item_pkey', 'DROP INDEX item_a_expr_b_idx' ],
	[ 'CREATE UNIQUE INDEX CONCURRENTLY "My index" ON public.item (b)', $writer, $indexes, "My index invalid $all", "My index $all", 'DROP INDEX "My index"' ],
	[ 'DROP INDEX CONCURRENTLY item_b', $reader, $indexes, 'item_b invalid item_ccold item_pkey', 'item_ccold item_pkey', 'CREATE INDEX item_b ON item (b)' ],
	[ 'ALTER TABLE parted DETACH PARTITION part CONCURRENTLY', 'SELECT FROM parted', $parts, '1|1|0', '0|0|0', 'ALTER TABLE part DROP CONSTRAINT IF EXISTS part_k_check; ALTER TABLE parted ATTACH PARTITION part FOR VALUES IN (1)' ],
	[ 'REINDEX TABLE CONCURRENTLY item', $writer, $indexes, 'item_b item_b_ccnew invalid item_ccold item_ccold_ccnew invalid item_pkey item_pkey_ccnew invalid', $all, '' ],
	[ 'REINDEX INDEX CONCURRENTLY item_b', $writer, $indexes, 'item_b item_b_ccnew invalid item_ccold item_pkey', $all, '' ])
{
	my ($sql, $lock, $query, $left, $after, $back) = @$case;

	for my $kill ([ 'connection', 0 ], [ 'server', 0 ], [ 'connection', 1 ], [ 'cmig', 1 ], [ 'cmig', 0 ])
	{
		my ($what, $late) = @$kill;

		next if $what ne 'connection' && $sql !~ /DETACH|UNIQUE/;
		note("$sql: $what", $late ? ', late' : '');
		write_revision('002', '001', '-- transactional: false', "CREATE TABLE twice ();\n$sql;\nCREATE TABLE thrice ();", "DROP TABLE twice, thrice;\n$back;");
		interrupt($what, $lock, $late);
		# after a kill of cmig, the server completes the statement
		is(rows($query), $late || $what eq 'cmig' ? $after : $left, 'what is left');
		gives(0, 'at 002', '', 'upgrade', '-y');
		is(rows($query), $after, $sql);
		is(rows('SELECT count(*) FROM cmig_engine.progress'), '0', 'nothing is in progress');
		gives(0, 'at 001', '', 'downgrade', '001', '-y');
	}
}

# What the role may rebuild, but not drop, is left: the index of a TOAST table, and that of
# another role's table in its database.
as_superuser('CREATE TABLE long (a int PRIMARY KEY, t text); ALTER TABLE long OWNER TO regress_owner; CREATE ROLE regress_theirs;
	CREATE SCHEMA theirs AUTHORIZATION regress_theirs; CREATE TABLE theirs.t (a int CONSTRAINT "a key" PRIMARY KEY); ALTER TABLE theirs.t OWNER TO regress_theirs');
my $invalid = "SELECT string_agg(regexp_replace(indexrelid::regclass::text, '\\d+', 'N'), ' ' ORDER BY 1) FROM pg_index WHERE NOT indisvalid";
for my $case (
	[ 'REINDEX TABLE CONCURRENTLY long', 'long', 'long_pkey_ccnew ', 'pg_toast.pg_toast_N_index_ccnew', 'pg_toast\.pg_toast_\d+_index_ccnew', 'A superuser can\.' ],
	[ 'REINDEX DATABASE CONCURRENTLY shop', 'theirs.t', '', 'theirs."a key_ccnew"', 'theirs\."a key_ccnew"', 'Its owner, role "regress_theirs", can, and so can a superuser\.' ])
{
	my ($sql, $table, $ours, $index, $name, $who) = @$case;

	write_revision('002', '001', '-- transactional: false', "$sql;", 'SELECT 1;');
	interrupt('connection', "LOCK TABLE $table IN ROW EXCLUSIVE MODE");
	is(rows($invalid), "$ours$index", "$sql: what is left");
	gives(0, 'at 002', "role \"regress_owner\" cannot\\s+drop\\s+index\\s+$name,\\s+which\\s+an\\s+interrupted\\s+statement\\s+left\\s+invalid\n.*$who\n.*HINT:  DROP INDEX CONCURRENTLY $name\n", 'upgrade', '-y');
	is(rows($invalid), $index, 'what the role can drop is dropped');
	as_superuser("DROP INDEX CONCURRENTLY $_") foreach split /\n/, rows('SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid');
	gives(0, 'at 001', '', 'downgrade', '001', '-y');

	# nor is it in the way of another statement
	interrupt('connection', "LOCK TABLE $table IN ROW EXCLUSIVE MODE");
	rows('DROP INDEX long_pkey_ccnew') if $ours;
	write_revision('002', '001', '-- transactional: false', 'SELECT 1;', 'SELECT 1;');
	gives(0, 'at 002', '', 'upgrade', '-y');
	as_superuser("DROP INDEX CONCURRENTLY $_") foreach split /\n/, rows('SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid');
	gives(0, 'at 001', '', 'downgrade', '001', '-y');
}
as_superuser('DROP TABLE long; DROP SCHEMA theirs CASCADE');

# What another session has left invalid is not dropped, and nothing that a statement could not
# do counts as done: not even at the second call.
rows('INSERT INTO item (id, a) VALUES (1, 1), (2, 1)');
$node->psql('shop', 'CREATE UNIQUE INDEX CONCURRENTLY theirs ON item (a)', extra_params => [ '-U', $superuser ]);
rows('DELETE FROM item');
for my $case ([ 'CREATE INDEX CONCURRENTLY item_b ON item (b)', '"item_b" already exists' ], [ 'CREATE INDEX CONCURRENTLY theirs ON item (a)', '"theirs" already exists' ],
	[ 'CREATE UNIQUE INDEX CONCURRENTLY theirs ON item (a)', '"theirs" already exists' ], [ 'DROP INDEX CONCURRENTLY nothing', '"nothing" does not exist' ],
	[ 'ALTER TABLE item DETACH PARTITION part CONCURRENTLY', 'not partitioned|is not a partition|DETACH PARTITION cannot be performed' ])
{
	my ($sql, $error) = @$case;

	write_revision('002', '001', '-- transactional: false', "$sql;", '');
	gives(3, '', $error, 'upgrade', '-y') for 1 .. 2;
	is(rows($indexes), "$all theirs invalid", 'nothing was changed');
	rows('DELETE FROM cmig_engine.progress');
}

# A statement that failed and was then corrected must not take what it has left for what it creates.
foreach my $corrected ('CREATE INDEX CONCURRENTLY IF NOT EXISTS item_a ON item (a)', 'CREATE UNIQUE INDEX CONCURRENTLY item_ab ON item (a, b)')
{
	rows('INSERT INTO item VALUES (1, 1, 1), (2, 1, 2)');
	write_revision('002', '001', '-- transactional: false', 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS item_a ON item (a);', 'DROP INDEX IF EXISTS item_a, item_ab;');
	gives(3, '', 'could not create unique index "item_a"', 'upgrade', '-y');
	# indexes of other tables that became invalid meanwhile
	rows('CREATE TABLE far (a int); INSERT INTO far VALUES (1), (1); CREATE TABLE parts (a int) PARTITION BY LIST (a); CREATE INDEX ON ONLY parts (a)');
	$node->psql('shop', 'CREATE UNIQUE INDEX CONCURRENTLY ON far (a)');
	write_revision('002', '001', '-- transactional: false', "$corrected;", 'DROP INDEX IF EXISTS item_a, item_ab;');
	gives(3, '', 'the statement of revision "002" that was interrupted has changed\n.*invalid index.*HINT:  DROP INDEX CONCURRENTLY public\.item_a\n', 'upgrade', '-y');
	rows('DROP INDEX CONCURRENTLY public.item_a');
	gives(0, 'at 002', '', 'upgrade', '-y');
	my ($name) = $corrected =~ /(item_ab?)/;
	is(rows($indexes), "$name $all theirs invalid", $corrected);
	rows('DROP TABLE far, parts');
	gives(0, 'at 001', '', 'downgrade', '001', '-y');
	rows('DELETE FROM item');
}

# Likewise for what REINDEX has left.
rows('CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT $1 $$; CREATE INDEX item_f ON item (f(a));
	INSERT INTO item VALUES (1, 1, 1); CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / ($1 - 1); END $$');
foreach my $reindex ('REINDEX INDEX CONCURRENTLY item_f', 'REINDEX SCHEMA CONCURRENTLY public')
{
	write_revision('002', '001', '-- transactional: false', "$reindex;", 'SELECT 1;');
	gives(3, '', 'division by zero', 'upgrade', '-y');
	write_revision('002', '001', '-- transactional: false', 'SELECT 1;', 'SELECT 1;');
	my ($hint) = (cmig('upgrade', '-y'))[2] =~ /has changed\n.*invalid index[^\n]*\nHINT:  ([^\n]*public\.item_f_ccnew\b[^\n]*)/s;
	rows($_) foreach split /; /, $hint;
	gives(0, 'at 002', '', 'upgrade', '-y');
	is(rows($indexes), 'item_b item_ccold item_f item_pkey theirs invalid', $reindex);
	gives(0, 'at 001', '', 'downgrade', '001', '-y');
}
rows('DROP INDEX item_f; DELETE FROM item');

# What a SELECT of set_config() has set in the session is set again, as with SET.
rows('CREATE SCHEMA app');
write_revision('002', '001', '-- transactional: false', "SELECT pg_catalog.set_config('search_path', 'app', false);\nCREATE TABLE first ();\nSELECT 1 / count(*) FROM public.go;\nCREATE TABLE second ();", 'DROP TABLE app.first, app.second;');
gives(3, '', 'relation "public.go" does not exist', 'upgrade', '-y');
rows('CREATE TABLE public.go AS SELECT 1');
gives(0, 'at 002', '', 'upgrade', '-y');
is(rows(q{SELECT string_agg(oid::regclass::text, ' ' ORDER BY 1) FROM pg_class WHERE relname IN ('first', 'second')}), 'app.first app.second', 'set_config() in a run that is continued');
gives(0, 'at 001', '', 'downgrade', '001', '-y');

# What has completed does not run again, whatever later statements have made of it.
write_revision('002', '001', '-- transactional: false', <<'END_SQL', 'DROP INDEX item_b; DROP TABLE late; ALTER INDEX kept RENAME TO item_b;');
ALTER INDEX item_b RENAME TO kept;
CREATE INDEX CONCURRENTLY item_new ON item (b);
ALTER INDEX item_new RENAME TO item_b;
CREATE INDEX CONCURRENTLY item_gone ON item (b);
DROP INDEX CONCURRENTLY item_gone;
REINDEX INDEX CONCURRENTLY item_b;
ALTER TABLE parted DETACH PARTITION part CONCURRENTLY;
ALTER TABLE parted ATTACH PARTITION part FOR VALUES IN (1);
CREATE INDEX CONCURRENTLY item_late ON late (b);
END_SQL
gives(3, '', 'relation "late" does not exist', 'upgrade', '-y');
my $complete = rows("SELECT 'item_b'::regclass::oid");
rows('CREATE TABLE late (b int)');
gives(0, 'at 002', '', 'upgrade', '-y');
is(rows($indexes), 'item_b item_ccold item_pkey kept theirs invalid', 'no index is created again');
is(rows("SELECT 'item_b'::regclass::oid"), $complete, 'nor reindexed');
is(rows($parts), '1|0|0', 'nor is a partition detached again');
gives(0, 'at 001', '', 'downgrade', '001', '-y');

# A DO that commits cannot be judged.  The table is that of an older version of cmig.
rows('ALTER TABLE cmig_engine.progress DROP objects; DROP TABLE cmig_engine.format;
ALTER TABLE cmig_engine.journal DROP elapsed, DROP sqlstate, DROP message, DROP statement, DROP file');
write_revision('002', '001', '-- transactional: false', 'DO $$BEGIN FOR n IN 1 .. 3 LOOP INSERT INTO item VALUES (n); COMMIT; END LOOP; END$$;', 'DELETE FROM item;');
gives(0, 'at 002', '', 'upgrade', '-y');
gives(0, 'at 001', '', 'downgrade', '001', '-y');
write_revision('002', '001', '-- transactional: false', 'DO $$BEGIN FOR n IN 1 .. 3 LOOP INSERT INTO item VALUES (n); COMMIT; LOCK TABLE part; COMMIT; END LOOP; END$$;', '');
interrupt('connection', 'SELECT FROM part');
gives(3, '', 'statement 1 of revision "002" was interrupted, and may have completed\n.*HINT:  If it has completed: UPDATE cmig_engine\.progress SET done = true', 'upgrade', '-y');
is(rows('SELECT string_agg(id::text, $$ $$) FROM item'), '1', 'it has committed once');
rows('INSERT INTO item VALUES (2), (3); UPDATE cmig_engine.progress SET done = true WHERE NOT done');
gives(0, 'at 002', '', 'upgrade', '-y');

# Each statement looks whether the connection still has the lock of the run, which a script, or a pool, can lose
write_revision('003', '002', '-- transactional: false', 'CREATE TABLE unlocked (a int); SELECT pg_advisory_unlock_all(); CREATE INDEX CONCURRENTLY unlocked_a ON unlocked (a);', '');
gives(3, '', 'the connection does not have the lock of this run\n.*statement 3', 'upgrade', '-y');
is(rows(q{SELECT to_regclass('unlocked'), to_regclass('unlocked_a')}), 'unlocked|', 'a statement without the lock is not run');
gives(0, 'at 003', '', 'upgrade', '-y');
is(rows(q{SELECT to_regclass('unlocked_a')}), 'unlocked_a', 'but the next time');

done_testing();
