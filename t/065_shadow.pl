# Copyright (c) 2026, the pg_cmig developers

# Runs the dump of a database as the target in a shadow of the same database.  The
# resulting schema must be equal to the live one, for a superuser and for a database
# owner, even if other roles have extensions, event triggers, publications, and default
# privileges.  However the shadow ends, nothing must be left.  A standby must refuse to
# create a shadow.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('shadow', 'wal_level = logical', 'restart_after_crash = on',
	'max_locks_per_transaction = 256');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN');
$node->safe_psql('postgres', 'CREATE ROLE regress_reader');
$node->safe_psql('postgres', 'CREATE DATABASE shop OWNER regress_owner');

my $library = build_library('shadow');
(my $helpers = slurp_file("$FindBin::RealBin/../sql/include/shadow.psql")) =~ s/^(?:SET |\\).*\n//mg;
$helpers =~ s/:'probes'/'$library'/g;
$node->safe_psql('shop', $helpers);
$node->safe_psql('shop', <<'SQL');
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION "uuid-ossp";
CREATE EXTENSION pgcrypto;
GRANT ALL ON fingerprint TO regress_owner;
ALTER TABLE fingerprint SET SCHEMA cmig;
ALTER FUNCTION fingerprint() SET SCHEMA cmig;
ALTER FUNCTION look() SET search_path = cmig;
ALTER FUNCTION changed() SET search_path = cmig;
ALTER FUNCTION look() SET SCHEMA cmig;
ALTER FUNCTION changed() SET SCHEMA cmig;
ALTER FUNCTION shadow_probe SET SCHEMA cmig;
ALTER FUNCTION shadow_probe_rename SET SCHEMA cmig;
GRANT USAGE ON SCHEMA cmig TO PUBLIC;
SQL

# the contents of the schemas that are compared, without members of extensions
my $image = <<'SQL';
SELECT x FROM (
	SELECT concat_ws(' ', c.relkind, n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relacl, c.relrowsecurity, c.reloptions,
		obj_description(c.oid, 'pg_class'), regexp_replace(pg_get_viewdef(CASE WHEN c.relkind IN ('v', 'm') THEN c.oid END), '\s+', ' ', 'g')) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind <> 't' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	UNION ALL SELECT concat_ws(' ', 'column', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
		a.attacl, pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 't'
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	UNION ALL SELECT concat_ws(' ', 'constraint', n.nspname, conrelid::regclass, conname, pg_get_constraintdef(o.oid)) FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
	UNION ALL SELECT concat_ws(' ', 'index', n.nspname, pg_get_indexdef(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'i'
	UNION ALL SELECT concat_ws(' ', 'function', n.nspname, p.oid::regprocedure, pg_get_userbyid(proowner), proacl, md5(pg_get_functiondef(p.oid)))
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE prokind <> 'a' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	UNION ALL SELECT concat_ws(' ', 'trigger', n.nspname, pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT tgisinternal
	UNION ALL SELECT concat_ws(' ', 'schema', nspname, nspname, pg_get_userbyid(nspowner), nspacl) FROM pg_namespace n
	UNION ALL SELECT concat_ws(' ', 'extension', extnamespace::regnamespace, extname, extversion) FROM pg_extension e
	UNION ALL SELECT concat_ws(' ', 'publication', 'public', pubname, puballtables) FROM pg_publication
	UNION ALL SELECT concat_ws(' ', 'event trigger', 'public', evtname, evtenabled) FROM pg_event_trigger WHERE evtname !~ '^cmig_'
) AS i(x) WHERE x ~ '^(event )?\w+ (public|app) ' ORDER BY 1
SQL

sub objects
{
	my ($user) = @_;

	query($node, 'shop', <<'SQL', $user);
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO regress_reader;
CREATE TYPE app.state AS ENUM ('open', 'it''s "closed"');
CREATE DOMAIN app.email AS public.citext CHECK (VALUE ~ '@');
CREATE TABLE app.person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email app.email UNIQUE,
	facts public.hstore DEFAULT '', key uuid DEFAULT public.uuid_generate_v4(), state app.state DEFAULT 'open',
	name text, folded text GENERATED ALWAYS AS (lower(name)) STORED);
CREATE INDEX ON app.person USING gin (name public.gin_trgm_ops);
CREATE INDEX ON app.person USING gin (facts);
CREATE TABLE public.invoice (id serial PRIMARY KEY, person bigint NOT NULL REFERENCES app.person ON DELETE CASCADE,
	amount numeric(12,2) CHECK (amount > 0), made date) PARTITION BY RANGE (id);
CREATE TABLE public.invoice_1 PARTITION OF public.invoice FOR VALUES FROM (1) TO (1000);
CREATE VIEW app.owing AS SELECT p.email, sum(i.amount) AS amount FROM app.person p JOIN public.invoice i ON i.person = p.id GROUP BY 1;
CREATE MATERIALIZED VIEW public.summary AS SELECT * FROM app.owing;
CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER note BEFORE INSERT ON app.person FOR EACH ROW EXECUTE FUNCTION app.note();
CREATE FUNCTION public.hash(text) RETURNS text LANGUAGE sql AS $$ SELECT encode(public.digest($1, 'md5'), 'hex') $$;
ALTER TABLE app.person ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.person TO regress_reader USING (email = current_user::public.citext);
GRANT SELECT (id, email) ON app.person TO regress_reader;
COMMENT ON TABLE app.person IS 'who';
CREATE PUBLICATION mine FOR TABLE app.person;
INSERT INTO app.person (email) SELECT 'a@' || i FROM generate_series(1, 50) i;
SQL
}

objects('regress_owner');
$node->safe_psql('shop', <<'SQL');
CREATE FUNCTION cmig.said() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'fired'; END $$;
CREATE EVENT TRIGGER said ON ddl_command_end EXECUTE FUNCTION cmig.said();
ALTER EVENT TRIGGER said ENABLE ALWAYS;
GRANT EXECUTE ON FUNCTION public.digest(text, text) TO regress_reader;
SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_owner GRANT SELECT ON TABLES TO regress_reader;
SQL
$node->safe_psql('postgres', 'ALTER SYSTEM SET autovacuum = off');
$node->reload;

my $dump = dump_schema();

sub dump_schema
{
	my ($out, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-d', $node->connstr('shop') ], '>', \$out, '2>', \$err) or die $err;
	return $out;
}

# probe(USER, TARGET, QUERY): calls shadow_probe, and returns its rows and messages
sub probe
{
	my ($user, $target, $query) = @_;
	my ($out, $err);

	$node->psql('shop', "SELECT * FROM cmig.shadow_probe(\$target\$$target\$target\$, \$query\$$query\$query\$);",
		stdout => \$out, stderr => \$err, extra_params => [ '-U', $user ]);
	return ($out // '', $err // '');
}

my $live_image = "SET search_path = pg_catalog, pg_temp; $image";
my $live = query($node, 'shop', $live_image);
# truncated files are removed at the next checkpoint
my $files = sub { return query($node, 'shop', "CHECKPOINT; SELECT count(*) FROM pg_ls_dir('base/' || (SELECT oid FROM pg_database WHERE datname = 'shop')) f WHERE f ~ '^[0-9]+\$'") };
query($node, 'shop', 'SELECT cmig.look()');
my $before = $files->();

# objects of other roles are not compared, and remain unchanged
my @others = ('event trigger public said', 'publication public everything');

foreach my $user (query($node, 'shop', 'SELECT current_user'), 'regress_owner')
{
	my ($out, $err) = probe($user, $dump, $image);
	my %expected = map { $_ => 1 } split /\n/, $live;
	my @notes = grep { /, line \d+: / } split /\n/, $out;
	my %found = map { $_ => 1 } grep { !/, line \d+: |^schema \w+(, of another role)?$/ } split /\n/, $out;

	if ($user eq 'regress_owner')
	{
		foreach my $line (keys %expected)
		{
			delete $expected{$line} if grep { index($line, $_) == 0 } @others;
		}
	}
	is(join("\n", sort grep { !$found{$_} } keys %expected), '', "$user: everything in the dump exists");
	is(join("\n", sort grep { !$expected{$_} } keys %found), '', "$user: nothing else is");
	unlike($err, qr/ERROR|WARNING/, "$user: no error, and no event trigger fires") or diag($err);
	if ($user eq 'regress_owner')
	{
		is_deeply([ sort map { s/, line .*//r } @notes ],
			[ 'default privileges FOR ROLE postgres', 'event trigger said', 'publication everything' ],
			'what belongs to others is noted') or diag(join "\n", @notes);
	}
	else
	{
		is_deeply(\@notes, [], "$user: there are no notes");
	}
	is(query($node, 'shop', 'SELECT cmig.changed()'), '', "$user: the catalogs are as before");
	is($files->(), $before, "$user: no file is left");
}

# many comparisons in one session, with targets that try to change objects elsewhere
my $traces = <<'SQL';
SELECT 'file', c.oid::regclass::text, pg_relation_filenode(c.oid)::text || ' ' || relpages || ' ' || reltuples FROM pg_class c WHERE pg_relation_filenode(c.oid) IS NOT NULL
	AND relnamespace IN ('app'::regnamespace, 'public'::regnamespace)
UNION ALL SELECT 'sequence', seqrelid::regclass::text, pg_sequence_last_value(seqrelid)::text FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
UNION ALL SELECT 'statistics', relid::regclass::text, concat_ws(' ', n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup, analyze_count) FROM pg_stat_user_tables
UNION ALL SELECT 'lock', locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' ORDER BY 1, 2
SQL
(my $noisy = $dump) =~ s/^(?:CREATE|ALTER) EVENT TRIGGER .*?;\n//msg;
$noisy .= <<'SQL';
NOTIFY traces, 'from the target';
-- the server keeps compiled PL/pgSQL functions and plans of foreign keys until the session ends
ALTER TABLE app.person DISABLE TRIGGER USER;
INSERT INTO app.person (email, name) SELECT 't@' || i, 'x' FROM generate_series(1, 100) i;
ANALYZE app.person;
REFRESH MATERIALIZED VIEW public.summary;
SELECT nextval('public.invoice_id_seq'), setval('app.person_id_seq', 4711), pg_advisory_lock(4711);
SELECT set_config('my.setting', 'left', false);
SQL
my $memory = 'SELECT sum(used_bytes) FROM pg_backend_memory_contexts';
my $call = "SELECT count(*) FROM cmig.diff(\$t\$$noisy\$t\$, owners => true);\n";
my $traced = query($node, 'shop', $traces);
my ($out, $err);
$node->psql('shop', "SET client_min_messages = warning;\nLISTEN traces;\n" . $call x 5 . "$memory;\n" . $call x 15 . "$memory;\nSELECT current_setting('my.setting', true);",
	stdout => \$out, stderr => \$err);
my @lines = split /\n/, $out;
is($err, '', 'twenty comparisons: no error, no warning');
unlike($out, qr/notification/, 'no notification is sent');
cmp_ok($lines[21] - $lines[5], '<', 512 * 1024, 'memory does not grow') or diag($out);
is($lines[22] // '', '', 'settings of the target end with it');
$node->safe_psql('shop', 'SELECT pg_stat_force_next_flush()');
is(query($node, 'shop', $traces), $traced, 'files, sequences, statistics, and locks are as before');
is(query($node, 'shop', "SELECT changed FROM cmig.changed() WHERE changed <> 'pg_statistic'"), '', 'the catalogs are as before');
is($files->(), $before, 'no file is left');

# sessions are canceled and terminated at random moments, while another session writes
my $many = join '', map { "CREATE TABLE app.t$_ (id serial PRIMARY KEY, email public.citext UNIQUE);\n" } 1 .. 150;
my $writer = start_psql($node, 'shop', 'DO $$ BEGIN LOOP INSERT INTO app.person (email) VALUES (\'w@\' || clock_timestamp());
	COMMIT; EXIT WHEN EXISTS (SELECT FROM public.invoice); END LOOP; END $$', 'writer');
my %ends;
srand(7);
foreach my $i (1 .. 30)
{
	my $how = $i % 3 ? 'pg_cancel_backend' : 'pg_terminate_backend';
	my $session = start_psql($node, 'shop',
		"SELECT pg_backend_pid(); SELECT count(*) FROM cmig.shadow_probe(\$t\$$many\$t\$, NULL)");

	# The session reports its process ID itself, because it may end before another
	# session could read the ID.
	$session->{handle}->pump until $session->{out} =~ /^(\d+)\n/;
	my $pid = $1;
	usleep(rand(250_000));
	$node->safe_psql('postgres', "SELECT $how($pid)");
	finish_psql($session);
	$ends{ $session->{err} =~ /57014|57P01/ ? 'cut off' : $session->{err} =~ /ERROR/ ? $session->{err} : 'in time' }++;
}
ok(($ends{'cut off'} // 0) >= 5, 'shadows were cut off') or diag(join ', ', map { "$_: $ends{$_}" } keys %ends);
is(join(' ', grep { $_ ne 'cut off' && $_ ne 'in time' } keys %ends), '', 'it failed in no other way');
is(query($node, 'shop', "SELECT changed FROM cmig.changed() WHERE changed <> 'pg_statistic'"), '', 'the catalogs are as before');
is($files->(), $before, 'no file is left');

# the writer never waited for long, and continues until it is asked to stop
query($node, 'shop', "INSERT INTO public.invoice (person, amount) SELECT min(id), 1 FROM app.person");
is(finish_psql($writer), 0, 'the other session has written all the time') or diag($writer->{err});

# the server is killed during a shadow
my $gate = start_psql($node, 'shop', 'SELECT pg_advisory_lock(1), pg_sleep(3600)', 'gate');
$node->poll_query_until('shop', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1");
my $held = start_psql($node, 'shop', "SELECT count(*) FROM cmig.shadow_probe(\$t\$$many SELECT pg_advisory_xact_lock(1)\$t\$, NULL)");
my $pid = wait_until_blocked($node);
query($node, 'shop', "INSERT INTO app.person (email) VALUES ('x\@y')");
is(query($node, 'shop', "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^cmig_away'"), '0', 'other sessions see nothing of it');
kill_backend($pid);
finish_psql($held);
finish_psql($gate);
wait_for_recovery($node);
is(query($node, 'shop', 'SELECT cmig.changed()'), '', 'after a crash, the catalogs are as before');
is(query($node, 'shop', $live_image), $live, 'after a crash, the schema is as before');

# the server is stopped in immediate mode at random moments
foreach my $i (1 .. 3)
{
	my $session = start_psql($node, 'shop', "SELECT count(*) FROM cmig.shadow_probe(\$t\$$many\$t\$, NULL)");

	usleep(100_000 + rand(200_000));
	$node->stop('immediate');
	eval { finish_psql($session) };
	$node->start;
}
is(query($node, 'shop', 'SELECT cmig.changed()'), '', 'after three more crashes, too');

# what a mapping's user alone sees is not written for others to read
$node->safe_psql('postgres', 'CREATE DATABASE mapped');
$node->safe_psql('mapped', q{CREATE EXTENSION pg_cmig; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR regress_owner SERVER s OPTIONS (password 'sekret', user 'u', "*/ x" 'sekret')});
my $mapping = query($node, 'mapped', q{SELECT downgrade_sql FROM cmig.diff('') WHERE kind = 'user mapping'});
is($mapping, q{CREATE USER MAPPING FOR regress_owner SERVER s OPTIONS ("user" 'u') /* without options that may be secret: another one, password */}, 'a user mapping without its secrets');
is(query($node, 'mapped', qq{SELECT count(*) FROM cmig.diff(\$t\$CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; $mapping\$t\$)}), '0', 'what is compared is what is written');

# Dead rows of replays in the catalogs do not make them large, for which nothing is planned once.
$node->safe_psql('postgres', 'CREATE DATABASE bloated');
$node->safe_psql('bloated', 'CREATE EXTENSION pg_cmig');
my $plans = q{SELECT count(*) FROM cmig.diff('CREATE SCHEMA a', schemas => '{a}'); SELECT count(*) > 5 FROM pg_backend_memory_contexts WHERE name = 'pg_cmig plan'};
is(query($node, 'bloated', $plans), "1\nt", 'plans last');
my $tables = q{DO 'BEGIN FOR i IN 1..1500 LOOP EXECUTE format($$CREATE TABLE t%s (id bigserial PRIMARY KEY, a text DEFAULT 1)$$, i); END LOOP; END'};
is(query($node, 'bloated', "BEGIN; $tables; ROLLBACK; SELECT pg_relation_size('pg_depend') > 8192 * 128"), 't', 'a large pg_depend, of dead rows');
is(query($node, 'bloated', $plans), "1\nt", 'plans last there, too');
query($node, 'bloated', $tables);
is(query($node, 'bloated', $plans), "1\nf", 'but not in a database with many tables');

# a standby
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
fails_with($standby, 'shop', "SELECT cmig.shadow_probe('CREATE TABLE t ()', NULL)", '25006',
	'cannot execute shadow_probe\(\) during recovery', 'not on a standby');
fails_with($node, 'shop', "BEGIN READ ONLY; SELECT cmig.shadow_probe('CREATE TABLE t ()', NULL)", '25006',
	'cannot execute shadow_probe\(\) in a read-only transaction', 'not in a read-only transaction');

done_testing();
