# Copyright (c) 2026, the pg_cmig developers

# ALTER EXTENSION pg_cmig UPDATE from 1.0 and 1.1 to the current version in a database with event
# triggers and a DDL policy: what the update grants is nobody's DDL, and no trigger sees objects that
# no longer exist.  The names in rows are those of tables, whatever the settings of the session are.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('update_seen', 'autovacuum = off');
use_old_script($node);
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE ann LOGIN');

foreach my $version ('1.0', '1.1')
{
	my $old = 'old' . $version =~ s/\.//r;

	$node->safe_psql('postgres', "CREATE DATABASE $old OWNER ann");
	query($node, $old, qq{
CREATE EXTENSION pg_cmig VERSION '$version';
CREATE TABLE item (n int);
CREATE TABLE "It""em" (n int);
INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, started_at, updated_at)
	SELECT target, 'n = 1', 'running', 'key', 1, now(), now() FROM (VALUES ('public.item'), ('public."It""em"'), ('public.gone')) v (target)}, 'ann');
	foreach my $policy (qw(allow log deny))
	{
		my $db = "${old}_$policy";

		# a superuser's own triggers, which see the commands of an update, too
		$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE $old OWNER ann; ALTER DATABASE $db SET cmig.ddl_policy = $policy; ALTER DATABASE $db SET quote_all_identifiers = on");
		$node->safe_psql($db, q{
CREATE TABLE seen (tag text, command text, object text);
GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_EVENT = 'sql_drop' THEN INSERT INTO public.seen SELECT TG_TAG, 'drop', object_identity FROM pg_event_trigger_dropped_objects();
	ELSE INSERT INTO public.seen SELECT TG_TAG, command_tag, object_identity FROM pg_event_trigger_ddl_commands() WHERE NOT in_extension;
	END IF;
END$$;
CREATE EVENT TRIGGER see_commands ON ddl_command_end EXECUTE FUNCTION see();
ALTER EVENT TRIGGER see_commands ENABLE ALWAYS;
CREATE EVENT TRIGGER see_drops ON sql_drop EXECUTE FUNCTION see();
ALTER EVENT TRIGGER see_drops ENABLE REPLICA;
TRUNCATE seen, cmig.ddl_log}) if $policy ne 'deny';
		query($node, $db, 'ALTER EXTENSION pg_cmig UPDATE', 'ann');
		is(query($node, $db, q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cmig'}), '1.2', "$db: updated");
		is(query($node, $db, q{SELECT command FROM cmig.ddl_log}), '', "$db: no command of the update is logged");
		is(query($node, $db, 'SELECT DISTINCT tag, command, object FROM seen'), 'ALTER EXTENSION|ALTER EXTENSION|"pg_cmig"', "$db: nor seen by other triggers") if $policy ne 'deny';
		is(query($node, $db, q{SET quote_all_identifiers = off; SELECT target, split_part(target_id, '/', 3)::oid::regclass FROM cmig.backfill_run ORDER BY id}),
			qq{public.item|item\npublic."It""em"|"It""em"\npublic.gone|}, "$db: rows of backfills have the ids of their tables");
		fails_with($node, $db, 'DROP TABLE item', 'MG022', '', "$db: the policy holds", 'ann') if $policy eq 'deny';
	}
}

# a grant within a command
$node->safe_psql('postgres', 'CREATE ROLE reader; CREATE DATABASE granted OWNER ann');
query($node, 'granted', 'CREATE EXTENSION pg_cmig', 'ann');
query($node, 'granted', q{SELECT cmig.set_ddl_policy('log')}, 'ann');
query($node, 'granted', q{CREATE TABLE made AS SELECT count(*) FROM cmig.grant_access('reader', 'reader')}, 'ann');
is(query($node, 'granted', 'SELECT command, object FROM cmig.ddl_log'), 'CREATE TABLE AS|public.made', 'only the command is logged');

$node->stop;
done_testing();
