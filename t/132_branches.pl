# Copyright (c) 2026, the pg_cmig developers

# Tests small branches that the tests of their subjects reach without noticing what they do:
# those that scripts/mutate has found.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('branches', 'max_connections = 20', 'autovacuum = off', 'cmig.log_runs = on');
$node->start;

# A database with the extension for each subject; gives(SQL) returns what the SQL prints,
# and says(SQL) the messages.
my $db;

sub subject
{
	$db = shift;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION pg_cmig');
}

sub gives
{
	return query($node, $db, shift);
}

sub says
{
	my ($out, $err);

	$node->psql($db, shift, stdout => \$out, stderr => \$err);
	return $err;
}

sub fails
{
	my ($sql, $sqlstate, $pattern, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fails_with($node, $db, $sql, $sqlstate, $pattern, $name);
}

#
# What is about the whole database is refused in a scope
#
subject('scope');
gives('CREATE SCHEMA tenant; ' . load_sql(revision_file('001', '', '')));
foreach my $call ('SELECT * FROM cmig.locate()', 'SELECT * FROM cmig.drift()', q{SELECT cmig.baseline('x')}, 'SELECT * FROM cmig.round_trip()', q{CALL cmig.abandon_partial('001')})
{
	my ($function) = $call =~ /(cmig\.\w+)/;

	fails("SET cmig.scope = 'tenant'; $call", '0A000', "\Q$function\E\\(\\).*tenant", "$function in a scope");
}

#
# Runs in the log
#
subject('log');
gives(load_sql(revision_file('001', '', ''), revision_file('002', '001', ''), revision_file('003', '002', '')) . q{SELECT cmig.upgrade('+1'); SELECT cmig.upgrade()});
my $log = slurp_file($node->logfile);
like($log, qr/pg_cmig: upgrade of 001 started/, 'a run of one revision');
like($log, qr/pg_cmig: upgrade of 002 to 003 \(2 revisions\) started/, 'a run of two revisions');

#
# What a script sets is put back, whoever it has become
#
subject('session');
gives('CREATE ROLE regress_runner; CREATE ROLE regress_app; ' . q{SELECT cmig.grant_access('regress_runner', 'migrator');}
	  . load_sql(revision_file('001', '', 'SET SESSION AUTHORIZATION regress_app; SET work_mem = 77', '')));
is(gives(q{SET ROLE regress_runner; CALL cmig.upgrade_stepwise(); SELECT session_user, current_user}) =~ s/.*\n//sr, 'postgres|regress_runner', 'role and session_authorization');

#
# Renames that may have been meant
#
subject('renames');
gives('CREATE SCHEMA a; CREATE SCHEMA b; CREATE FUNCTION a.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$');
my $target = q{CREATE SCHEMA a; CREATE SCHEMA b; CREATE FUNCTION b.f() RETURNS int LANGUAGE sql AS};
like(says(qq{SELECT 1 FROM cmig.diff('$target \$\$SELECT 1\$\$')}), qr/this may be a rename: function a\.f/, 'the same function in another schema');
unlike(says(qq{SELECT 1 FROM cmig.diff('$target \$\$SELECT 2\$\$')}), qr/may be a rename/, 'another function in another schema');

#
# Differences of what schemas seldom have: the schema of a database is made from SQL, then
# that of the target by diff, and the first one again
#
sub between
{
	my ($name, $from, $to) = @_;
	my $read = q{SELECT string_agg(concat_ws(' ', relname, relpersistence, relacl), ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S');};
	my %seen;

	foreach my $sql ($to, $from)
	{
		subject($name . keys %seen);
		$seen{$sql} = gives("$sql; $read");
	}
	is(gives("CREATE TEMP TABLE went AS SELECT step, upgrade_sql, downgrade_sql FROM cmig.diff(\$target\$$to\$target\$);
			SELECT upgrade_sql FROM went ORDER BY step \\gexec\n$read SELECT downgrade_sql FROM went ORDER BY step DESC \\gexec\n$read"),
		"$seen{$to}\n$seen{$from}", $name);
	return;
}

between('grants', 'CREATE TABLE item (a int); GRANT SELECT ON item TO PUBLIC', 'CREATE TABLE item (a int); GRANT SELECT ON item TO regress_app');
between('persistence', 'CREATE TABLE item (a int GENERATED ALWAYS AS IDENTITY); ALTER SEQUENCE item_a_seq SET UNLOGGED', 'CREATE UNLOGGED TABLE item (a int GENERATED ALWAYS AS IDENTITY)');

# a text that is equal to a new label is not a use of it, for which the type would be created again
subject('label');
gives(q{CREATE TYPE mood AS ENUM ('a'); CREATE TABLE item (m mood)});
is(gives(q{SELECT upgrade_sql FROM cmig.diff($$CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE item (m mood, t text DEFAULT 'b')$$) WHERE kind = 'type' OR upgrade_sql ~ 'TYPE'}),
	q{ALTER TYPE public.mood ADD VALUE 'b' AFTER 'a'}, 'a default of another type');

#
# Only triggers of pg_cmig say what they audit
#
subject('audit');
gives(q{CREATE TABLE public.item (id int PRIMARY KEY, a int); CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	SELECT cmig.enable_audit('item'); CREATE TRIGGER zz BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION other('77', 'x'); INSERT INTO item VALUES (1, 1)});
is(gives(q{SELECT count(*) FROM cmig.audit_history('item', 1)}), '1', 'a trigger with two arguments');

#
# A comparison of the whole row is not one of a key
#
subject('rls');
gives(q{CREATE TABLE public.item (id int, tenant int); ALTER TABLE item ENABLE ROW LEVEL SECURITY; ALTER TABLE item FORCE ROW LEVEL SECURITY;
	CREATE POLICY rows ON item USING (item = current_setting('app.item')::item)});
is(gives(q{SELECT count(*) FROM cmig.rls_check() WHERE problem ~ 'column' OR problem ~ 'index'}), '0', 'a policy that compares rows');

# a default that was set afterwards stays
gives(q{CREATE TABLE kept (id int, tenant_id int); SELECT cmig.enable_rls('kept', tenant_column => 'tenant_id', roles => '{regress_app}', column_default => true);
	ALTER TABLE kept ALTER tenant_id SET DEFAULT 7; SELECT cmig.disable_rls('kept')});
is(gives(q{SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'kept'::regclass}), '7', 'the default of a key column');

#
# What would commit is refused before it has done anything
#
subject('policy');
gives(q{CREATE TABLE part (id int) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1); SELECT cmig.set_ddl_policy('deny')});
fails('ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY', '42501', 'ddl_policy|part', 'DETACH CONCURRENTLY');
is(gives('SELECT inhdetachpending FROM pg_inherits'), 'f', 'the partition is attached');

#
# cmig.status
#
subject('status');
my ($first, $second) = map { s/^(?=-- create_date)/-- expand: true\n/mr } revision_file('001', '', '', ''), revision_file('002', '001', '', '');
my $expandable = q{SELECT count(*) FROM cmig.status() WHERE item = 'can be expanded'};
gives(load_sql($first, $second));
is(gives($expandable), '0', 'what can be expanded, in an empty database');
is(gives("SELECT cmig.upgrade('001'); $expandable") =~ s/.*\n//sr, '1', 'and in another one');

$node->stop;
done_testing();
