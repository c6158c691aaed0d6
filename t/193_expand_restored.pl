# Copyright (c) 2026, the pg_cmig developers

# Tests what is said of an expansion whose objects were restored for another owner, or in
# part, or were dropped, disabled, or renamed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_restored');
my $file = $node->basedir . '/dump';
my $problems = q{SELECT string_agg(concat_ws(' | ', severity, object, problem, fix), chr(10) ORDER BY object) FROM cmig.check() WHERE severity <> 'notice'};

sql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE other LOGIN; CREATE ROLE r1; CREATE ROLE r2; CREATE ROLE r3');

# as_role(DATABASE, ROLE, SQL...): runs each text as the role
sub as_role
{
	my ($db, $role, @texts) = @_;
	return join "\n", map { query($node, $db, $_, $role) } @texts;
}

# nobody(DATABASE, ROLE, WHY, HINT): cmig.check() and cmig.status() say that no session can contract or abandon, and the fix, which ROLE runs, is that of the error
sub nobody
{
	my ($db, $role, $why, $hint) = @_;
	my $fix = "${hint}If the statements are right, as after a restore with another owner";
	my $updates = q{UPDATE cmig.expansion_step SET role = %1$s WHERE scope = ''; UPDATE cmig.expansion_run SET role = %1$s WHERE scope = ''};

	is(sql($db, $problems), qq{error | expansion | nobody can contract or abandon revision "2": its statements were stored by role "own", which $why | $fix: } . sprintf($updates, 'DEFAULT'), 'cmig.check() says that nobody can end the expansion');
	like(sql($db, 'SELECT * FROM cmig.status()'), qr/^error\|expansion: .*\Q$why\E/m, 'cmig.status() says it, too');
	like(as_role($db, $role, $problems), qr/\| \Q$fix\E, or if the role was renamed, the extension's owner runs: (.*)/, 'for another role, the fix says who runs it');
	foreach my $call ('contract', 'abandon')
	{
		like(tried($db, "CALL cmig.$call()"), qr/ERROR:  .*were stored by role "own", which does not have your privileges\n.*\nHINT:  \Q$fix: @{[sprintf($updates, 'DEFAULT')]}\E\n/, "the error of cmig.$call() has the same hint");
	}
	my ($updated) = as_role($db, $role, $problems) =~ /runs: (.*)/;
	as_role($db, $role, $updated);
}

# Privileges come in another order out of a dump, and, without owners, all belongs to the
# role that restores it.
sql('postgres', 'CREATE DATABASE original OWNER own');
as_role('original', 'own', 'CREATE EXTENSION pg_cmig', q{SELECT cmig.create_revision('a', $c$CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE kind AS ENUM ('small', 'big'); CREATE FUNCTION twice(int) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT 2::bigint * $1';
	CREATE TABLE m (id int PRIMARY KEY, m mood, x int, y int); CREATE STATISTICS s ON x, y FROM m;
	CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(x) FROM m; END$c$, NULL, revision => '1')}, 'SELECT FROM cmig.upgrade()',
	q{GRANT USAGE ON TYPE mood TO r2, r1 WITH GRANT OPTION; GRANT USAGE ON TYPE mood TO r3; REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO PUBLIC;
	INSERT INTO m VALUES (1, 'a', 2, 3); SELECT cmig.create_revision('b', $c$ALTER TYPE mood RENAME VALUE 'a' TO 'A'; DROP FUNCTION f;
	ALTER TABLE m ALTER x TYPE bigint USING twice(x);
-- cmig:down m.x = x / 2
ALTER TABLE m ADD k kind;
-- cmig:up m.k = CASE WHEN x > 5 THEN 'big'::kind ELSE 'small' END
CREATE FUNCTION f() RETURNS numeric LANGUAGE sql BEGIN ATOMIC SELECT sum(x) FROM m; END$c$, NULL, revision => '2', expand => true)});
as_role('original', 'own', 'CALL cmig.expand()');
is(as_role('original', 'own', $problems), '', 'nothing was changed');
$node->command_ok([ 'pg_dump', '-Fc', '-U', 'own', '-f', $file, $node->connstr('original') ], 'dump');
foreach my $role ('own', 'other')
{
	my $db = "restored_$role";

	sql('postgres', "CREATE DATABASE $db OWNER $role");
	$node->command_ok([ 'pg_restore', '-U', $role, '-d', $node->connstr($db), ($role eq 'own' ? () : '--no-owner'), $file ], "restored by $role");
	# whoever calls the procedures would have other privileges than the role that has stored the statements
	nobody($db, $role, 'does not have the privileges of a role that can', '') if $role ne 'own';
	is(as_role($db, $role, $problems), '', 'it was restored, and not changed');
	foreach my $change ('GRANT USAGE ON TYPE mood TO own, other WITH GRANT OPTION', 'REVOKE USAGE ON TYPE mood FROM PUBLIC', 'REVOKE USAGE ON TYPE mood FROM CURRENT_USER', 'ALTER TYPE mood OWNER TO r1', 'ALTER FUNCTION f OWNER TO r1')
	{
		sql('postgres', "CREATE DATABASE changed TEMPLATE $db");
		sql('changed', $change =~ s/CURRENT_USER/$role/r);
		like(sql('changed', $problems), qr/it was changed since revision "2"/, $change);
		sql('postgres', 'DROP DATABASE changed');
	}
	as_role($db, $role, 'INSERT INTO m (id, x) VALUES (2, 3)');
	like(as_role($db, $role, 'CALL cmig.contract(); SELECT id, m, x, k FROM m ORDER BY id'), qr/^1\|A\|4\|small\n2\|\|6\|big$/m, 'written with functions and types of the owner, and contracted');
}

# where that role is no more
{
	my $db = 'restored_dropped';

	sql('postgres', "CREATE DATABASE $db OWNER other");
	$node->command_ok([ 'pg_restore', '-U', 'other', '-d', $node->connstr($db), '--no-owner', $file ], 'restored by other');
	sql('postgres', 'ALTER ROLE own RENAME TO renamed');
	nobody($db, 'other', 'does not exist', 'There is no such role. ');
	is(as_role($db, 'other', $problems), '', 'after the fix, nothing was changed');
	as_role($db, 'other', 'CALL cmig.abandon()');
	# a role that can call the procedures, and had stored the statements
	sql('original', q{ALTER ROLE renamed RENAME TO own; CREATE ROLE high SUPERUSER LOGIN});
	$db = 'restored_high';
	sql('postgres', "CREATE DATABASE $db");
	$node->command_ok([ 'pg_restore', '-U', 'high', '-d', $node->connstr($db), '--no-owner', $file ], 'restored by a superuser');
	sql($db, q{UPDATE cmig.expansion_step SET role = 'high'; UPDATE cmig.expansion_run SET role = 'other'});
	like(sql($db, $problems), qr/^error \| expansion \| .* stored by role "other", which/, 'one role of two');
	sql($db, q{UPDATE cmig.expansion_run SET role = 'high'});
	is(sql($db, $problems), '', 'who had stored them can contract');
}

# What is missing, or has another name
my $db = 'missing';
new_database($node, $db);
sql($db, q{SELECT cmig.create_revision('a', 'CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE p (id int, v int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE TABLE k (a int)',
	NULL, revision => '1'); SELECT FROM cmig.upgrade(); SELECT cmig.create_revision('b', 'ALTER TABLE t ALTER v TYPE bigint; ALTER TABLE p ALTER v TYPE bigint; ALTER TABLE k RENAME a TO b', NULL, revision => '2', expand => true)});
sql($db, 'CALL cmig.expand()');
is(sql($db, $problems), '', 'nothing is missing');
my $differ = 'it was dropped or disabled, so the two versions of a row can differ';
my $again = q{CALL cmig.expand('2')};
foreach my $case (
	[ 'DROP TRIGGER "~cmig_write" ON t', qq{error | trigger "~cmig_write" on public.t | $differ | $again} ],
	[ 'ALTER TABLE p1 DISABLE TRIGGER ALL; ALTER TABLE p1 ENABLE TRIGGER ALL', qq{error | trigger "!cmig_begin" on public.p1 | $differ | $again\nerror | trigger "~cmig_write" on public.p1 | $differ | $again} ],
	[ 'DROP VIEW public_2.k', 'error | view public_2.k | it was dropped or renamed, so the new build finds another table | CALL cmig.abandon(), and expand it again' ],
	[ 'ALTER VIEW public_2.t RESET (check_option)', 'error | view public_2.t | it has lost its check option, which tells for which version an INSERT is | ALTER VIEW public_2.t SET (check_option = local)' ],
	[ 'DROP TABLE t CASCADE', 'error | table public.t | it is expanded, and has been dropped since then | CALL cmig.abandon()' ],
	[ 'ALTER TABLE t RENAME TO u', 'error | table public.t | it is expanded, and is now public.u | ALTER TABLE public.u RENAME TO t' ],
	[ 'ALTER TRIGGER "~cmig_write" ON p RENAME TO w', 'error | trigger of table public.p | it is expanded, and is now w | ALTER TRIGGER w ON public.p RENAME TO "~cmig_write"',
		'error | expansion | cmig.contract() would fail: trigger "~cmig_write" of table public.p was dropped, disabled, or altered' ],
	[ 'ALTER SCHEMA public_2 RENAME TO u', 'error | schema public_2 | it is expanded, and is now u | ALTER SCHEMA u RENAME TO public_2' ])
{
	my ($change, $expected, $then) = @$case;

	sql('postgres', "CREATE DATABASE changed TEMPLATE $db");
	sql('changed', $change);
	is(sql('changed', $problems), $expected, $change);
	my ($fix) = $expected =~ /.* \| (.*)/;
	my ($status) = $expected =~ /error \| (.*?) \| /;
	like(sql('changed', 'SELECT * FROM cmig.status()'), qr/^error\|\Q$status\E/m, 'cmig.status says it, too');
	sql('changed', $fix =~ s/,.*//r);
	if ($then)
	{
		like(sql('changed', $problems), qr/^\Q$then\E/, 'a trigger that was renamed was altered');
		sql('changed', $again);
	}
	is(sql('changed', $problems), '', 'the fix fixes it');
	sql('postgres', 'DROP DATABASE changed');
}

# What belongs to a role whose privileges the one that has expanded does not have
$db = 'owned';
sql('postgres', "ALTER ROLE own RENAME TO former; CREATE ROLE owner LOGIN; CREATE DATABASE $db OWNER owner");
as_role($db, 'owner', 'CREATE EXTENSION pg_cmig', q{SELECT cmig.create_revision('a', $c$CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE s (id serial); CREATE TABLE k (a int);
	CREATE TABLE p (id int, v int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE MATERIALIZED VIEW m AS SELECT v FROM t$c$, NULL, revision => '1'); SELECT FROM cmig.upgrade()});
sql($db, 'CREATE TABLE referred (id int PRIMARY KEY); ALTER TABLE referred OWNER TO r1; GRANT REFERENCES, SELECT ON referred TO owner');
as_role($db, 'owner', q{SELECT cmig.create_revision('b', $c$DROP MATERIALIZED VIEW m; ALTER TABLE t ALTER v TYPE bigint; ALTER TABLE s ALTER id TYPE bigint; ALTER TABLE p ALTER v TYPE bigint; ALTER TABLE k RENAME a TO b;
	CREATE MATERIALIZED VIEW m AS SELECT v FROM t; CREATE TABLE n (a int REFERENCES referred)$c$, NULL, revision => '2', expand => true)}, 'CALL cmig.expand()');
is(as_role($db, 'owner', $problems), '', 'nothing was changed');
sql($db, 'ALTER TABLE referred OWNER TO r2');
is(as_role($db, 'owner', $problems), '', 'what is only referred to can get another owner');
my $foreign = q{it belongs to role other, whose privileges role owner, which expanded revision "2", does not have: it can neither be contracted nor abandoned};
foreach my $object ('table public.t', 'table public.p1', 'view public_2.t', 'sequence public_2.cmig_old_p')
{
	sql('postgres', "CREATE DATABASE changed TEMPLATE $db OWNER owner");
	sql('changed', "ALTER $object OWNER TO other");
	my ($found) = sql('changed', $problems) =~ s/ALTER \S+/\L$&/r;
	is($found, "error | $object | $foreign | alter $object OWNER TO owner", "$object of another role");
	sql('changed', ($found =~ /.* \| (.*)/)[0]);
	is(sql('changed', $problems), '', 'which nothing reports then');
	as_role('changed', 'owner', 'CALL cmig.' . ($object =~ /view|seq/ ? 'abandon()' : 'contract()'));
	sql('postgres', 'DROP DATABASE changed');
}
sql('postgres', "CREATE DATABASE changed TEMPLATE $db OWNER owner");
sql('changed', q{REASSIGN OWNED BY owner TO other});
like(join(', ', map { (split / \| /)[1] } split /\n/, sql('changed', $problems)), qr/table public\.p, .*table public\.s, table public\.t, view public_2\.k, view public_2\.p/, 'all that the expansion needs');
sql('changed', $_) foreach split /\n/, sql('changed', q{SELECT fix FROM cmig.check() WHERE severity <> 'notice'});
sql('changed', q{ALTER DATABASE changed OWNER TO owner; SELECT FROM cmig.grant_access('owner', 'owner')});
is(sql('changed', $problems), '', 'after all fixes, nothing is reported');
as_role('changed', 'owner', 'CALL cmig.contract()');
is(sql('changed', q{SELECT pg_typeof(v) FROM t UNION ALL SELECT format_type(atttypid, NULL)::regtype FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'v'}), 'bigint', 'and the role contracts it');

# Later minor releases store an option of their own for each column
$db = 'option';
new_database($node, $db);
sql($db, q{SELECT cmig.create_revision('a', 'CREATE TABLE p (id int, v int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)', NULL, revision => '1');
	SELECT FROM cmig.upgrade(); SELECT cmig.create_revision('b', 'ALTER TABLE p ALTER v TYPE bigint', NULL, revision => '2', expand => true)});
my $store = q{UPDATE pg_attribute SET attoptions = ARRAY['pg_attver=' || attrelid] WHERE attname = 'v' AND attrelid IN (SELECT relid FROM pg_partition_tree('p'))};
sql($db, "$store; CALL cmig.expand(); CREATE TABLE p2 PARTITION OF p DEFAULT; $store");
is(sql($db, $problems), '', 'an option of the server is no change');
sql($db, 'CALL cmig.contract()');
is(sql($db, 'SELECT count(*) FROM cmig.diff(cmig.schema_sql())'), '0', 'nor a difference');

done_testing();
