# Copyright (c) 2026, the pg_cmig developers

# Tests the switches of role that no superuser would miss.  The extension, and with it the
# audit log, belongs to a role that is not a superuser; tables belong to a migrator, and an
# application writes them.  SECURITY.md lists all switches.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('roles', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE ROLE dba LOGIN;
CREATE ROLE migrator LOGIN;
CREATE ROLE app LOGIN;
CREATE DATABASE roles OWNER dba;
END_SQL
query($node, 'roles', <<'END_SQL', 'dba');
CREATE EXTENSION pg_cmig;
GRANT CREATE ON DATABASE roles TO migrator;
SELECT FROM cmig.grant_access('migrator', 'migrator');
SELECT FROM cmig.grant_access('app', 'application');
END_SQL
query($node, 'roles', <<'END_SQL', 'migrator');
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO app;
CREATE TABLE shop.item (id int PRIMARY KEY, name text);
GRANT INSERT ON shop.item TO app;
CREATE FUNCTION shop.note(what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
	IF current_user <> 'migrator' THEN RAISE '% as %', what, current_user; END IF; RETURN 1;
END$$;
CREATE TABLE shop.part (a int) PARTITION BY RANGE ((a + shop.note('partition key')));
CREATE TABLE shop.part_1 PARTITION OF shop.part DEFAULT;
END_SQL

# does(ROLE, SQL, NAME): the role can run the statements
sub does
{
	my ($role, $sql, $name) = @_;
	my (undef, undef, $err) = $node->psql('roles', $sql, extra_params => [ '-U', $role ]);

	is(join("\n", $err =~ /(?:ERROR|FATAL): .*/g), '', $name);
}

query($node, 'roles', 'GRANT migrator TO dba');
does('dba', q{SELECT FROM cmig.enable_audit('shop.part')}, 'the owner of the extension creates the log');

# a key for hashed values is created, and read, without privileges on it
does('migrator', q{SELECT FROM cmig.enable_audit('shop.item', hash => '{name}')}, 'a migrator creates the key for hashed values');
does('app', q{INSERT INTO shop.item VALUES (1, 'a')}, 'an application writes hashed values');
is(query($node, 'roles', q{SELECT new_row->>'name' ~ '^.redacted:[0-9a-f]{64}' FROM cmig_audit.log}, 'dba'), 't', 'a hash is logged');

# PostgreSQL reads the partition key when a trigger is enabled
does('migrator', q{SELECT FROM cmig.enable_audit('shop.part', replicated => true); ALTER TABLE shop.part ENABLE TRIGGER cmig_audit_partition_row}, 'the owner alters a trigger');
does('postgres', q{SELECT FROM cmig.enable_audit('shop.part', replicated => true)}, 'the partition key is evaluated by its owner');
is(query($node, 'roles', q{SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'shop.part'::regclass AND tgname = 'cmig_audit_partition_row'}), 'A', 'the trigger fires always');

# the journal of a scope that is renamed
query($node, 'roles', q{SELECT cmig.create_revision('one', 'CREATE TABLE t (id int)', 'DROP TABLE t', revision => '001')}, 'dba');
does('migrator', q{SELECT cmig.create_scope('tenant_1', '001'); SELECT cmig.rename_scope('tenant_1', 'tenant_2')}, 'a migrator renames a scope');
is(query($node, 'roles', q{SELECT DISTINCT scope FROM cmig.journal WHERE revision = '001'}), 'tenant_2', 'its journal has the new name');

# the ids of the log, as after a restore
query($node, 'roles', q{UPDATE cmig_audit.log SET id = 1000000; SELECT setval('cmig_audit.log_id_seq', 1)}, 'dba');
does('app', q{INSERT INTO shop.item VALUES (2, 'b')}, 'an application writes after a restore');
is(query($node, 'roles', 'SELECT max(id) FROM cmig_audit.log', 'dba'), '1000001', 'the ids continue');

# a partition key of the log is evaluated by the owner of the log, before it is refused
query($node, 'roles', <<'END_SQL', 'dba');
CREATE SCHEMA code;
GRANT USAGE ON SCHEMA code TO PUBLIC;
CREATE FUNCTION code.note() RETURNS interval IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
	IF current_user <> 'dba' THEN RAISE 'partition key of the log as %', current_user; END IF; RETURN '0';
END$$;
ALTER TABLE cmig_audit.log RENAME TO log_before;
CREATE TABLE cmig_audit.log (LIKE cmig_audit.log_before) PARTITION BY RANGE ((transaction_at AT TIME ZONE 'UTC' + code.note()));
END_SQL
like(($node->psql('roles', q{INSERT INTO shop.item VALUES (3, 'c')}, extra_params => [ '-U', 'app' ]))[2], qr/Relation "cmig_audit.log" was altered. It is not partitioned by range/, 'the owner of the log evaluates its partition key');

# Event triggers of a superuser, as many databases have them: one notes DDL in a table that it
# names without a schema, the other gives what is created to a group.
$node->safe_psql('postgres', 'CREATE ROLE crowd; CREATE DATABASE events');
query($node, 'events', <<'END_SQL');
CREATE EXTENSION pg_cmig;
SELECT FROM cmig.grant_access('migrator', 'migrator');
CREATE SCHEMA shop AUTHORIZATION migrator;
CREATE TABLE public.ddl_history (tag text);
GRANT INSERT ON public.ddl_history TO PUBLIC;
CREATE FUNCTION public.note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF to_regclass('ddl_history') IS NOT NULL THEN INSERT INTO ddl_history VALUES (tg_tag); END IF;
END $$;
CREATE FUNCTION public.give() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
	made record;
BEGIN
	FOR made IN SELECT * FROM pg_event_trigger_ddl_commands()
		WHERE command_tag IN ('CREATE TABLE', 'CREATE SCHEMA') AND object_type IN ('table', 'schema') LOOP
		EXECUTE format('ALTER %s %s OWNER TO crowd', made.object_type, made.object_identity);
	END LOOP;
END $$;
CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION public.note_ddl();
CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION public.note_ddl();
END_SQL
my (undef, undef, $stderr) = $node->psql('events', <<'END_SQL', extra_params => [ '-U', 'migrator' ]);
CREATE TABLE shop.item (id int PRIMARY KEY);
CREATE FUNCTION shop.become() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> 'migrator' THEN RAISE 'a temporary table of the migrator as %', current_user; END IF;
	RETURN new;
END $$;
CREATE TEMP TABLE ddl_history (tag text);
CREATE TRIGGER become BEFORE INSERT ON ddl_history FOR EACH ROW EXECUTE FUNCTION shop.become();
SELECT FROM cmig.enable_audit('shop.item');
DROP SCHEMA shop CASCADE;
END_SQL
is(join("\n", $stderr =~ /(?:ERROR|FATAL): .*/g), '', 'no event trigger fires for what creates the log as its owner');
query($node, 'events', <<'END_SQL');
DROP SCHEMA cmig_audit CASCADE;
CREATE EVENT TRIGGER give ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE SCHEMA') EXECUTE FUNCTION public.give();
CREATE TABLE public.item (id int PRIMARY KEY);
SELECT FROM cmig.enable_audit('public.item');
INSERT INTO public.item VALUES (1);
END_SQL
is(query($node, 'events', q{SELECT count(*) FROM cmig_audit.log}), '1', 'an event trigger does not give the log away');
query($node, 'events', <<'END_SQL');
ALTER TABLE cmig_audit.log DETACH PARTITION cmig_audit.log_default;
DROP TABLE cmig_audit.log_default;
CREATE TABLE cmig_audit.log_y2020m01 PARTITION OF cmig_audit.log FOR VALUES FROM ('2020-01-01 UTC') TO ('2020-02-01 UTC');
ALTER TABLE cmig_audit.log_y2020m01 OWNER TO postgres;
ALTER FUNCTION public.note_ddl() SET search_path = public;
TRUNCATE public.ddl_history;
CALL cmig.audit_retain('1 year');
END_SQL
is(query($node, 'events', q{SELECT string_agg(DISTINCT tag, ', ') FROM public.ddl_history}), 'DROP TABLE', 'an event trigger sees that a partition of the log is dropped');
is(query($node, 'events', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'cmig_audit'::regnamespace AND relowner <> 10}), '0', 'nor does it give a new partition away');

# a privilege to read a table is none without the use of its schema
query($node, 'roles', <<'END_SQL', 'dba');
CREATE SCHEMA hidden;
CREATE TABLE hidden.alembic_version (version_num varchar(32) PRIMARY KEY);
CREATE TABLE hidden.t (v int);
INSERT INTO hidden.t VALUES (NULL);
GRANT SELECT ON ALL TABLES IN SCHEMA hidden TO migrator;
SELECT FROM cmig.create_revision('x', 'ALTER TABLE hidden.t ALTER v SET NOT NULL', revision => 'x');
END_SQL
fails_with($node, 'roles', q{SELECT FROM cmig.import_state('alembic', (SELECT oid FROM pg_class WHERE relname = 'alembic_version')::regclass)}, '.{5}', 'You have no USAGE privilege on its schema', 'the state of another tool is not read', 'migrator');
is(query($node, 'roles', q{SELECT message ~ 'permission denied for schema hidden' FROM cmig.lint(probe => true) WHERE rule ~ 'violated'}, 'migrator'), 't', 'rows are not probed');
query($node, 'roles', 'GRANT USAGE ON SCHEMA hidden TO migrator; ALTER TABLE hidden.t ENABLE ROW LEVEL SECURITY', 'dba');
is(query($node, 'roles', q{SELECT message ~ 'row-level security policy for table "t"' FROM cmig.lint(probe => true) WHERE rule ~ 'violated'}, 'migrator'), 't', 'nor are rows that a policy hides from the caller');

# an older log is read as its owner, from whom policies can hide rows, directly and through a view
new_database($node, 'imported');
query($node, 'imported', <<'END_SQL');
CREATE TABLE item (id int PRIMARY KEY);
CREATE TABLE old_log AS SELECT 'public.item' AS table_name, 'INSERT' AS operation, now() AS clock_at, jsonb_build_object('id', i) AS new_row FROM generate_series(1, 5) i;
ALTER TABLE old_log OWNER TO migrator;
CREATE VIEW old_view AS SELECT * FROM old_log;
ALTER VIEW old_view OWNER TO migrator;
CREATE POLICY few ON old_log USING (new_row->>'id' < '3');
ALTER TABLE old_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
END_SQL
fails_with($node, 'imported', "SELECT cmig.audit_import('$_')", '42501', 'row-level security policy for table "old_log"', "no part of $_ is imported")
  foreach 'old_log', 'old_view';
is(query($node, 'imported', q{ALTER TABLE old_log NO FORCE ROW LEVEL SECURITY; SELECT cmig.audit_import('old_view')}), '5', 'all rows are imported');

done_testing();
