# Copyright (c) 2026, the pg_cmig developers

# Tests the functions that read the catalogs while other sessions change them.  The
# server must not crash, and a function may only raise 40001 (the schema was changed
# while it was read), an error about a lock or an object that no longer exists, or an
# error that the reference lists for it.
#
# First, for each kind of object in src/kinds/kinds.c: a transaction in REPEATABLE READ
# takes its snapshot, another session drops or creates the object, and the functions
# are called.  Then four sessions call the functions at random, in READ COMMITTED and
# REPEATABLE READ, while three other sessions create, change, and drop the objects.
#
# CMIG_SECONDS is how long the second part takes (12).  The number of calls and errors
# is printed for each function.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $seconds = $ENV{CMIG_SECONDS} || 12;
my $node = new_node('races', 'autovacuum = off', 'jit = off', 'restart_after_crash = on',
	'deadlock_timeout = 100ms', 'lock_timeout = 2s', 'cmig.dry_run_timeout = 0', 'max_locks_per_transaction = 256');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

# REINDEX CONCURRENTLY leaves an index if it fails, which the next one would reindex, too.
my $leftovers = q{DO $$DECLARE i regclass;BEGIN FOR i IN SELECT indexrelid FROM pg_index WHERE indrelid = 'S.fixed'::regclass AND indexrelid::regclass::text LIKE '%\_cc%' LOOP EXECUTE 'DROP INDEX ' || i;END LOOP;END$$};

# For each kind: how an object is created, how it is dropped, and other changes.  S is
# the name of a schema; names of objects without a schema start with it.
my $function = q{FUNCTION S.%s RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1'};
my %change = (
	schema => [ 'CREATE SCHEMA S_schema', 'DROP SCHEMA S_schema', 'ALTER SCHEMA S_schema RENAME TO S_schema2; ALTER SCHEMA S_schema2 RENAME TO S_schema' ],
	extension => [ 'CREATE EXTENSION IF NOT EXISTS citext SCHEMA S', 'DROP EXTENSION citext', 'ALTER EXTENSION citext SET SCHEMA S' ],
	access_method => [ 'CREATE ACCESS METHOD S_am TYPE TABLE HANDLER heap_tableam_handler', 'DROP ACCESS METHOD S_am' ],
	language => [ 'CREATE LANGUAGE S_language HANDLER plpgsql_call_handler', 'DROP LANGUAGE S_language' ],
	foreign_data_wrapper => [ 'CREATE FOREIGN DATA WRAPPER S_wrapper', 'DROP FOREIGN DATA WRAPPER S_wrapper', 'ALTER FOREIGN DATA WRAPPER S_wrapper RENAME TO S_wrapper2; ALTER FOREIGN DATA WRAPPER S_wrapper2 RENAME TO S_wrapper' ],
	server => [ 'CREATE SERVER S_server FOREIGN DATA WRAPPER fixed', 'DROP SERVER S_server' ],
	user_mapping => [ 'CREATE USER MAPPING FOR PUBLIC SERVER fixed_S', 'DROP USER MAPPING FOR PUBLIC SERVER fixed_S' ],
	collation => [ q{CREATE COLLATION S.coll (locale = 'C')}, 'DROP COLLATION S.coll', 'ALTER COLLATION S.coll RENAME TO coll2; ALTER COLLATION S.coll2 RENAME TO coll' ],
	base_type => [ 'CREATE TYPE S.shell', 'DROP TYPE S.shell' ],
	base_definition => [ 'CREATE TYPE S.base; CREATE FUNCTION S.base_in(cstring) RETURNS S.base LANGUAGE internal IMMUTABLE STRICT AS $$textin$$; CREATE FUNCTION S.base_out(S.base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS $$textout$$; CREATE TYPE S.base (INPUT = S.base_in, OUTPUT = S.base_out)', 'DROP TYPE S.base CASCADE' ],
	enum => [ q{CREATE TYPE S.enum AS ENUM ('a', 'b'); CREATE TABLE S.of_enum (a S.enum DEFAULT 'a')}, 'DROP TYPE S.enum CASCADE; DROP TABLE S.of_enum', q{ALTER TYPE S.enum ADD VALUE 'c'}, 'ALTER TYPE S.enum RENAME TO enum2; ALTER TYPE S.enum2 RENAME TO enum' ],
	domain => [ 'CREATE DOMAIN S.domain AS integer DEFAULT 1', 'DROP DOMAIN S.domain', 'ALTER DOMAIN S.domain DROP DEFAULT' ],
	domain_constraint => [ 'CREATE DOMAIN S.checked AS integer; ALTER DOMAIN S.checked ADD CONSTRAINT c CHECK (VALUE > 0)', 'ALTER DOMAIN S.checked DROP CONSTRAINT c; DROP DOMAIN S.checked' ],
	composite => [ 'CREATE TYPE S.composite AS (a integer)', 'DROP TYPE S.composite', 'ALTER TYPE S.composite ADD ATTRIBUTE x text; ALTER TYPE S.composite DROP ATTRIBUTE x' ],
	attribute => [ 'ALTER TYPE S.fixed_type ADD ATTRIBUTE b S.fixed_enum', 'ALTER TYPE S.fixed_type DROP ATTRIBUTE b' ],
	range => [ 'CREATE TYPE S.range AS RANGE (SUBTYPE = integer)', 'DROP TYPE S.range' ],
	sequence => [ 'CREATE SEQUENCE S.sequence', 'DROP SEQUENCE S.sequence', 'ALTER SEQUENCE S.sequence INCREMENT 2' ],
	table => [ 'CREATE TABLE S.made (id integer PRIMARY KEY, tenant_id integer NOT NULL, b text DEFAULT 1); ALTER TABLE S.made ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON S.made USING (id > 0)', 'DROP TABLE S.made', 'ALTER TABLE S.made RENAME TO made2; ALTER TABLE S.made2 RENAME TO made', 'ALTER TABLE S.made ADD c integer; ALTER TABLE S.made DROP c' ],
	column => [ 'ALTER TABLE S.fixed ADD col S.fixed_enum', 'ALTER TABLE S.fixed DROP col', 'ALTER TABLE S.fixed RENAME col TO col2; ALTER TABLE S.fixed RENAME col2 TO col', 'ALTER TABLE S.fixed ALTER col TYPE text; ALTER TABLE S.fixed ALTER col TYPE S.fixed_enum USING NULL' ],
	foreign_table => [ 'CREATE FOREIGN TABLE S.foreign_table (a integer) SERVER fixed_S', 'DROP FOREIGN TABLE S.foreign_table' ],
	foreign_column => [ 'ALTER FOREIGN TABLE S.fixed_foreign ADD b integer', 'ALTER FOREIGN TABLE S.fixed_foreign DROP b' ],
	view => [ 'CREATE VIEW S.view AS SELECT id FROM S.fixed', 'DROP VIEW S.view', 'DROP VIEW S.view; CREATE VIEW S.view AS SELECT id, tenant_id FROM S.fixed' ],
	materialized_view => [ 'CREATE MATERIALIZED VIEW S.stored AS SELECT id FROM S.fixed', 'DROP MATERIALIZED VIEW S.stored', 'REFRESH MATERIALIZED VIEW S.stored' ],
	view_column => [ 'CREATE MATERIALIZED VIEW S.stored_column AS SELECT id FROM S.fixed; ALTER MATERIALIZED VIEW S.stored_column ALTER id SET STATISTICS 10', 'DROP MATERIALIZED VIEW S.stored_column' ],
	toast => [ 'CREATE TABLE S.toast (a text) WITH (toast.autovacuum_enabled = off)', 'DROP TABLE S.toast', 'ALTER TABLE S.toast RESET (toast.autovacuum_enabled); ALTER TABLE S.toast SET (toast.autovacuum_enabled = off)' ],
	default => [ 'ALTER TABLE S.fixed ALTER id SET DEFAULT 7', 'ALTER TABLE S.fixed ALTER id DROP DEFAULT' ],
	sequence_owner => [ 'CREATE SEQUENCE S.owned OWNED BY S.fixed.id', 'DROP SEQUENCE S.owned' ],
	constraint => [ 'ALTER TABLE S.fixed ADD CONSTRAINT positive CHECK (tenant_id > 0)', 'ALTER TABLE S.fixed DROP CONSTRAINT positive', 'ALTER TABLE S.fixed RENAME CONSTRAINT positive TO positive2; ALTER TABLE S.fixed RENAME CONSTRAINT positive2 TO positive' ],
	index => [ 'CREATE INDEX made_index ON S.fixed (tenant_id)', "$leftovers; DROP INDEX S.made_index", 'REINDEX INDEX CONCURRENTLY S.made_index', 'REINDEX TABLE CONCURRENTLY S.fixed', 'ALTER INDEX S.made_index RENAME TO made_index2; ALTER INDEX S.made_index2 RENAME TO made_index' ],
	partition => [ 'CREATE TABLE S.part PARTITION OF S.parted FOR VALUES FROM (1) TO (2)', 'DROP TABLE S.part', 'ALTER TABLE S.parted DETACH PARTITION S.part; ALTER TABLE S.parted ATTACH PARTITION S.part FOR VALUES FROM (1) TO (2)', 'ALTER TABLE S.parted DETACH PARTITION S.part CONCURRENTLY', 'ALTER TABLE S.parted ATTACH PARTITION S.part FOR VALUES FROM (1) TO (2)' ],
	replica_identity => [ 'ALTER TABLE S.fixed REPLICA IDENTITY FULL', 'ALTER TABLE S.fixed REPLICA IDENTITY DEFAULT', 'ALTER TABLE S.fixed REPLICA IDENTITY NOTHING' ],
	foreign_key => [ 'ALTER TABLE S.other ADD CONSTRAINT other_fixed FOREIGN KEY (id) REFERENCES S.fixed', 'ALTER TABLE S.other DROP CONSTRAINT other_fixed' ],
	function => [ 'CREATE ' . sprintf($function, 'f(S.fixed_enum)') . '; CREATE TABLE S.calls (a integer DEFAULT S.f(NULL))', 'DROP TABLE S.calls; DROP FUNCTION S.f(S.fixed_enum)', 'CREATE OR REPLACE ' . sprintf($function, 'f(S.fixed_enum)'), 'CREATE ' . sprintf($function, 'f()') . '; DROP FUNCTION S.f()' ],
	rule => [ 'CREATE RULE made_rule AS ON DELETE TO S.fixed DO INSTEAD NOTHING', 'DROP RULE made_rule ON S.fixed' ],
	policy => [ 'CREATE POLICY made_policy ON S.fixed USING (tenant_id = 1)', 'DROP POLICY made_policy ON S.fixed', 'ALTER POLICY made_policy ON S.fixed USING (tenant_id = 2)' ],
	trigger => [ 'CREATE TRIGGER made_trigger BEFORE UPDATE ON S.fixed FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'DROP TRIGGER made_trigger ON S.fixed' ],
	partition_trigger => [ 'CREATE TRIGGER t BEFORE UPDATE ON S.parted FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); ALTER TABLE S.kept_part DISABLE TRIGGER t', 'DROP TRIGGER t ON S.parted' ],
	statistics => [ 'CREATE STATISTICS S.statistics ON id, tenant_id FROM S.fixed', 'DROP STATISTICS S.statistics' ],
	aggregate => [ 'CREATE FUNCTION S.step(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT $1 + $2$$; CREATE AGGREGATE S.aggregate(integer) (SFUNC = S.step, STYPE = integer)', 'DROP AGGREGATE S.aggregate(integer); DROP FUNCTION S.step' ],
	operator => [ 'CREATE FUNCTION S.same(integer, integer) RETURNS boolean LANGUAGE internal IMMUTABLE AS $$int4eq$$; CREATE OPERATOR S.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = S.same)', 'DROP FUNCTION S.same CASCADE' ],
	operator_family => [ 'CREATE OPERATOR FAMILY S.family USING btree', 'DROP OPERATOR FAMILY S.family USING btree' ],
	operator_family_member => [ 'CREATE OPERATOR FAMILY S.of_members USING btree; ALTER OPERATOR FAMILY S.of_members USING btree ADD FUNCTION 1 (int4, int8) btint48cmp(int4, int8)', 'ALTER OPERATOR FAMILY S.of_members USING btree DROP FUNCTION 1 (int4, int8); DROP OPERATOR FAMILY S.of_members USING btree' ],
	operator_class => [ 'CREATE OPERATOR CLASS S.class FOR TYPE integer USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int4, int4)', 'DROP OPERATOR FAMILY S.class USING btree' ],
	cast => [ 'CREATE CAST (S.fixed_type AS text) WITH INOUT', 'DROP CAST (S.fixed_type AS text)' ],
	transform => [ 'CREATE FUNCTION S.from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS $$prsd_lextype$$; CREATE TRANSFORM FOR S.fixed_type LANGUAGE sql (FROM SQL WITH FUNCTION S.from_sql(internal))', 'DROP FUNCTION S.from_sql CASCADE' ],
	conversion => [ q{CREATE CONVERSION S.conversion FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8}, 'DROP CONVERSION S.conversion' ],
	ts_parser => [ 'CREATE TEXT SEARCH PARSER S.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)', 'DROP TEXT SEARCH PARSER S.parser' ],
	ts_template => [ 'CREATE TEXT SEARCH TEMPLATE S.template (LEXIZE = dsimple_lexize)', 'DROP TEXT SEARCH TEMPLATE S.template' ],
	ts_dictionary => [ 'CREATE TEXT SEARCH DICTIONARY S.dictionary (TEMPLATE = simple)', 'DROP TEXT SEARCH DICTIONARY S.dictionary' ],
	ts_configuration => [ 'CREATE TEXT SEARCH CONFIGURATION S.configuration (PARSER = default)', 'DROP TEXT SEARCH CONFIGURATION S.configuration' ],
	ts_mapping => [ 'CREATE TEXT SEARCH CONFIGURATION S.mapped (PARSER = default); ALTER TEXT SEARCH CONFIGURATION S.mapped ADD MAPPING FOR word WITH simple', 'ALTER TEXT SEARCH CONFIGURATION S.mapped DROP MAPPING FOR word; DROP TEXT SEARCH CONFIGURATION S.mapped' ],
	publication => [ 'CREATE PUBLICATION S_publication', 'DROP PUBLICATION S_publication', 'ALTER PUBLICATION S_publication RENAME TO S_publication2; ALTER PUBLICATION S_publication2 RENAME TO S_publication' ],
	publication_table => [ 'CREATE PUBLICATION S_tables FOR TABLE S.fixed WHERE (id > 0)', 'DROP PUBLICATION S_tables' ],
	publication_schema => [ 'CREATE PUBLICATION S_schemas FOR TABLES IN SCHEMA S', 'DROP PUBLICATION S_schemas' ],
	event_trigger => [ 'CREATE FUNCTION S.event() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$; CREATE EVENT TRIGGER S_event ON ddl_command_end WHEN TAG IN ($$CREATE CAST$$) EXECUTE FUNCTION S.event()', 'DROP FUNCTION S.event CASCADE' ],
	member_privilege => [ 'GRANT EXECUTE ON FUNCTION hstore_in TO fixed_role', 'REVOKE EXECUTE ON FUNCTION hstore_in FROM fixed_role' ],
	default_privileges => [ 'ALTER DEFAULT PRIVILEGES IN SCHEMA S GRANT SELECT ON TABLES TO PUBLIC', 'ALTER DEFAULT PRIVILEGES IN SCHEMA S REVOKE SELECT ON TABLES FROM PUBLIC' ],
);
my %no_case = (distribution => 'only with Citus');

# each kind has a case
my $kinds = slurp_file("$FindBin::RealBin/../src/kinds/kinds.c");
my @kinds = $kinds =~ /^static CmigKind \*const all\[\] = \{(.*?)\}/ms ? $1 =~ /&cmig_kind_(\w+)/g : ();
is(join(' ', grep { !$change{$_} && !$no_case{$_} } @kinds), '', 'each kind in src/kinds/kinds.c has a case');

# The functions, and the errors that the reference lists for them and that are possible
# here.
my $target = q{'CREATE TABLE a.fixed (id integer PRIMARY KEY, tenant_id integer); CREATE TABLE a.more (id integer)'};
my %call = (
	schema_sql => ['SELECT length(cmig.schema_sql(owners => true))'],
	diff => ["SELECT count(*) FROM cmig.diff($target, schemas => '{a}')"],
	diff_schemas => [q{SELECT count(*) FROM cmig.diff_schemas('a', 'b')}],
	drift => ['SELECT count(*) FROM cmig.drift()'],
	locate => ['SELECT count(*) FROM cmig.locate()'],
	baseline => [q{SELECT length(content) FROM cmig.baseline('all', schemas => '{d}')}],
	autogenerate => ["SELECT count(*) FROM cmig.autogenerate('next', $target, schemas => '{a}')"],
	squash => [q{SELECT count(*) FROM cmig.squash('001:002', 'both')}],
	round_trip => [q{SELECT count(*) FROM cmig.round_trip('002')}],
	capture => [q{SELECT count(*) FROM cmig.capture('manual')}],
	require_schema => ["SELECT cmig.require_schema($target, schemas => '{a}')", 'MG010'],
	lint => [q{SELECT count(*) FROM cmig.lint('003')}],
	preflight => [q{SELECT count(*) FROM cmig.preflight('003')}],
	dry_run => [q{SELECT count(*) FROM cmig.dry_run('downgrade', '001')}],
	plan => [q{SELECT count(*) FROM cmig.plan('downgrade', '001')}],
	rls_check => ['SELECT count(*) FROM cmig.rls_check()'],
	rls_status => ['SELECT count(*) FROM cmig.rls_status()'],
	enable_rls_schema => [q{SELECT count(*) FROM cmig.enable_rls_schema('a', tenant_column => 'tenant_id', roles => '{fixed_role}')}],
	enable_audit_schema => [q{SELECT count(*) FROM cmig.enable_audit_schema('a')}],
	audit_status => ['SELECT count(*) FROM cmig.audit_status()'],
	check => ['SELECT count(*) FROM cmig.check()'],
	status => ['SELECT count(*) FROM cmig.status()'],
	report => ['SELECT length(cmig.report())'],
	scope_drift => ['SELECT count(*) FROM cmig.scope_drift()'],
);
my @allowed = qw(00000 40001 40P01 42P01 42883 42704 55P03);

# sql(STATEMENT, SCHEMA): the statement for the schema's objects
sub sql
{
	my ($sql, $schema) = @_;

	return "$sql;" =~ s/\bS(?=[._])/$schema/gr =~ s/SCHEMA S\b/SCHEMA $schema/gr =~ s/_S\b/_$schema/gr =~ s/; /;\n/gr;
}

# --- the database ----------------------------------------------------------

# In "postgres", the objects are in the schemas a, b, and c, which a revision has made,
# and in d.  In "scopes", they are in two scopes.
my $base = q{CREATE TYPE S.fixed_enum AS ENUM ('x'); CREATE TYPE S.fixed_type AS (a integer); CREATE TABLE S.fixed (id integer PRIMARY KEY, tenant_id integer, note text DEFAULT 'n'); CREATE TABLE S.other (id integer PRIMARY KEY); ALTER TABLE S.fixed ENABLE ROW LEVEL SECURITY; CREATE TABLE S.parted (id integer, tenant_id integer) PARTITION BY RANGE (id); CREATE TABLE S.kept_part PARTITION OF S.parted FOR VALUES FROM (5) TO (6); CREATE INDEX ON S.parted (id)};
my $foreign = 'CREATE SERVER fixed_S FOREIGN DATA WRAPPER fixed; CREATE FOREIGN TABLE S.fixed_foreign (a integer) SERVER fixed_S';
my %schemas = (postgres => [qw(a b c d)], scopes => [qw(t_1 t_2)]);
query($node, 'postgres', 'CREATE EXTENSION pg_cmig; CREATE EXTENSION hstore; CREATE ROLE fixed_role; CREATE DATABASE scopes;' . load_sql(
	revision_file('000', '', join("\n", 'CREATE FOREIGN DATA WRAPPER fixed;', map { sql("CREATE SCHEMA $_; $base; $foreign", $_) } qw(a b c)), 'DROP SCHEMA a, b, c CASCADE; DROP FOREIGN DATA WRAPPER fixed CASCADE;'),
	revision_file('001', '000', 'CREATE SCHEMA s; CREATE TABLE s.one (id integer PRIMARY KEY);', 'DROP SCHEMA s CASCADE;'),
	revision_file('002', '001', 'ALTER TABLE s.one ADD a text; CREATE INDEX ON s.one (a);', 'ALTER TABLE s.one DROP a;'),
	revision_file('003', '002', 'CREATE INDEX later ON a.fixed (note); ALTER TABLE a.fixed ALTER note SET NOT NULL; ALTER TABLE a.other ADD x integer REFERENCES a.fixed;', 'DROP INDEX a.later;')) . q{
SELECT count(*) FROM cmig.upgrade();
SELECT cmig.enable_audit('c.other');
SELECT cmig.enable_rls('b.fixed', tenant_column => 'tenant_id', roles => '{fixed_role}');} . sql("CREATE SCHEMA d; $base; $foreign", 'd'));
query($node, 'scopes', 'CREATE EXTENSION pg_cmig;' . load_sql(revision_file('001', '', $base =~ s/S\.//gr . ';'))
	. q{SELECT cmig.create_scope('t_1'); SELECT cmig.create_scope('t_2');});

# --- an old snapshot ---------------------------------------------------------

my (%count, @wrong);

# judge(FUNCTION, SQLSTATE, MESSAGE, WHERE): counts a call, and records a wrong error
sub judge
{
	my ($name, $state, $message, $where) = @_;

	$count{$name}{$state}++;
	push @wrong, "$name, $where: $state $message" unless grep { $_ eq $state } @allowed, @{ $call{$name} }[ 1 .. $#{ $call{$name} } ];
}

# calls(FUNCTION...): psql commands that call the functions, each in a subtransaction
sub calls
{
	return map { "SAVEPOINT s;\n\\echo call $_\n$call{$_}[0];\n\\echo state :SQLSTATE :LAST_ERROR_MESSAGE\nROLLBACK TO s;\n" } @_;
}

# judge_output(OUTPUT, WHERE)
sub judge_output
{
	my ($out, $where) = @_;

	while ($out =~ /^call (\w+)\n(?:(?!call ).*\n)*?state (\w+)(.*)$/mg)
	{
		judge($1, $2, $3, $where);
	}
}

# Runs a script in a transaction with an old snapshot, in which other sessions change
# the objects with the commands of @steps, each followed by calls.
sub old_snapshot
{
	my ($where, $change, @functions) = @_;
	my $file = "$dir/old.sql";
	my $other = "$dir/other.sql";
	my ($out, $err) = ('', '');

	unlink $file, $other;
	append_to_file($other, join("\n", 'SET client_min_messages = error;', @$change, ''));
	append_to_file($file, join("\n", 'SET client_min_messages = error;', 'BEGIN ISOLATION LEVEL REPEATABLE READ;', 'SELECT 1 FROM pg_class LIMIT 1;',
		"\\! psql -XAtq -v ON_ERROR_STOP=1 -f $other || echo not changed", calls(@functions), 'COMMIT;', ''));
	my $status = IPC::Run::run([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres'), '-f', $file ], '<', \undef, '>', \$out, '2>', \$err,
		init => sub { $ENV{$_->[0]} = $_->[1] for [ PGHOST => $node->host ], [ PGPORT => $node->port ], [ PGDATABASE => 'postgres' ] });
	push @wrong, "$where: not changed: $err" if $out =~ /not changed/;
	judge_output($out, $where);
	return if $status;
	push @wrong, "$where: the connection was lost";
	wait_for_recovery($node);
}

@kinds = grep { $change{$_} } @kinds;
foreach my $kind (@kinds)
{
	old_snapshot("$kind, created", [ sql($change{$kind}[0], 'a') ], 'schema_sql');
	old_snapshot("$kind, dropped", [ sql($change{$kind}[1], 'a') ], 'schema_sql');
}
old_snapshot('all, created', [ map { sql($change{$_}[0], 'a') } @kinds ], sort keys %call);
old_snapshot('all, dropped', [ map { sql($change{$_}[1], 'a') } reverse @kinds ], sort keys %call);
is(join("\n", splice @wrong), '', 'with an old snapshot: only the expected errors');

# --- an extension that is dropped between two queries of an image ---------------

# The first session takes its snapshot, and waits for a lock that the second session
# holds until it has dropped the extension, which the first one then describes.
query($node, 'postgres', 'CREATE DATABASE dropped');
query($node, 'dropped', 'CREATE EXTENSION pg_cmig');
sub wait_for_lock { return "DO 'BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation = \$\$pg_transform\$\$::regclass AND $_[0]) LOOP PERFORM pg_sleep(0.01); END LOOP; END';" }
my $reader = start_psql($node, 'dropped', wait_for_lock("granted AND mode = \$\$AccessExclusiveLock\$\$") . 'SELECT cmig.schema_sql()', 'reader');
my $dropper = start_psql($node, 'dropped', "BEGIN; LOCK TABLE pg_transform;\n" . wait_for_lock('NOT granted') . 'DROP EXTENSION pg_cmig; COMMIT;', 'dropper');
is(finish_psql($dropper), 0, 'an extension is dropped while an image is read');
is(finish_psql($reader), 3, '... and the reader does not crash');
like($reader->{err}, qr/40001: the schema was changed while it was read/, '... but fails');

# --- concurrent changes --------------------------------------------------------

# start(DATABASE, NAME, SQL...): starts psql with a script
sub start
{
	my ($db, $name, @sql) = @_;
	my $session = { db => $db, name => $name, out => '', err => '' };
	my $file = "$dir/$name.sql";

	unlink $file;
	append_to_file($file, join("\n", 'SET client_min_messages = error;', @sql, ''));
	$session->{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr($db), '-f', $file ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

sub one_of { return $_[ int(rand(@_)) ] }

# a_change(DATABASE): a random change of a random kind of object
sub a_change
{
	my ($db) = @_;
	my $kind = one_of(@kinds);

	return map { sql($_, one_of(@{ $schemas{$db} })) } $change{$kind}[0], ($change{$kind}[2] ? one_of(@{ $change{$kind} }[ 2 .. $#{ $change{$kind} } ]) : ()), $change{$kind}[1];
}

# a_call(DATABASE): a call of a random function
sub a_call
{
	my ($db) = @_;
	my $name = $db eq 'scopes' ? one_of(qw(scope_drift scope_drift check status schema_sql)) : one_of(sort keys %call);
	my @begin = rand() < 0.5 ? ('BEGIN;') : ('BEGIN ISOLATION LEVEL REPEATABLE READ;', 'SELECT 1 FROM pg_class LIMIT 1 \g /dev/null', sprintf('SELECT pg_sleep(%.3f) \g /dev/null', rand(0.1)));

	return (@begin, "\\echo call $name", "$call{$name}[0];", '\echo state :SQLSTATE :LAST_ERROR_MESSAGE', 'ROLLBACK;');
}

my $end = time() + $seconds;
my @running;
my @slots = ((map { [ 'postgres', 'call' ] } 1 .. 3), [ 'scopes', 'call' ], (map { [ 'postgres', 'change' ] } 1 .. 2), [ 'scopes', 'change' ]);
while (time() < $end || grep { defined } @running)
{
	foreach my $i (0 .. $#slots)
	{
		my ($db, $what) = @{ $slots[$i] };
		my $session = $running[$i];

		if (defined $session)
		{
			IPC::Run::pump_nb($session->{handle}) if $session->{handle}->pumpable;
			next if $session->{handle}->pumpable;
			eval { IPC::Run::finish($session->{handle}) };
			push @wrong, "$session->{name}: the connection was lost: $session->{err}" if $session->{handle}->full_result(0) >> 8 == 2;
			judge_output($session->{out}, 'concurrent changes') if $what eq 'call';
			while ($what eq 'change' && $session->{err} =~ /ERROR:  (\w+)/g) { $count{'(changes)'}{$1}++ }
			$running[$i] = undef;
		}
		last if @wrong > 50;
		$running[$i] = start($db, "$what$i", map { $what eq 'call' ? a_call($db) : a_change($db) } 1 .. ($what eq 'call' ? 10 : 40)) if time() < $end;
	}
	last if @wrong > 50;
	usleep(20_000);
}
$_->{handle}->kill_kill foreach grep { defined } @running;
is(join("\n", @wrong), '', 'with concurrent changes: only the expected errors');
is($node->psql('postgres', 'SELECT 1'), 0, 'the server is running');
unlike(slurp_file($node->logfile), qr/was terminated by signal|TRAP:|PANIC/, 'no process has crashed');

foreach my $name (sort keys %count)
{
	note(sprintf('%-20s %s', $name, join(', ', map { "$_: $count{$name}{$_}" } sort keys %{ $count{$name} })));
}
$node->stop;
done_testing();
