# Copyright (c) 2026, the pg_cmig developers

# Tests row-level security with dumps: after enabling and disabling it, the output of
# pg_dump -s is the same as before; a dump contains the policies; only some roles can
# make a dump.  Also runs the applications in doc/row-level-security.md.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rls');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE shop LOGIN;
CREATE ROLE app LOGIN;
CREATE ROLE maintenance LOGIN;
CREATE ROLE backup LOGIN BYPASSRLS;
GRANT pg_read_all_data TO backup;
GRANT maintenance TO shop;
CREATE DATABASE shop OWNER shop;
SQL

# Runs pg_dump as a user.  Returns its output without the parts that differ each time,
# and its errors.
sub dump_as
{
	my ($user, @options) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-U', $user, @options, 'shop' ],
		'<', \undef, '>', \$out, '2>', \$err);
	$out =~ s/^\\(un)?restrict .*\n//mg;
	return ($out, $err);
}

sub sql
{
	my ($user, $sql) = @_;
	return query($node, 'shop', $sql, $user);
}

#
# Enabling and disabling
#
sql('shop', <<'SQL');
CREATE EXTENSION pg_cmig;
CREATE SCHEMA "Sh""op";
CREATE TABLE "Sh""op".invoice (id bigint PRIMARY KEY, tenant_id uuid DEFAULT '00000000-0000-0000-0000-000000000000', user_id integer);
CREATE TABLE note (id bigint PRIMARY KEY, user_id text DEFAULT E'it''s ]\n[ 100%', body text);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON note USING (body <> 'secret');
COMMENT ON POLICY mine ON note IS 'written by hand';
CREATE TABLE event (tenant_id integer, day date, PRIMARY KEY (day, tenant_id)) PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE event_2 PARTITION OF event DEFAULT;
CREATE TABLE member (tenant_id uuid, user_id integer, PRIMARY KEY (tenant_id, user_id));
GRANT SELECT ON member TO app;
SQL
my ($before) = dump_as('shop', '-s');
my @options = (
	q(roles => '{app}'),
	q(roles => '{app}', bypass_roles => '{maintenance}', column_default => true),
	q(roles => '{app}', shared => true, commands => '{SELECT,INSERT}'),
	q(roles => '{app}', public_read => true, force => false),
	q(roles => '{app}', require_context => true));
foreach my $options (@options)
{
	foreach my $table ('"Sh""op".invoice', 'note', 'event')
	{
		sql('shop', "SET client_min_messages = error; SELECT cmig.enable_rls('$table', $options)");
	}
}
my ($enabled) = dump_as('shop', '-s');
isnt($enabled, $before, 'enable_rls changes the schema');
like($enabled, qr/COMMENT ON POLICY tenant_floor/, 'the policies are in the dump');
sql('shop', "SET client_min_messages = error; SELECT cmig.disable_rls('$_')") foreach '"Sh""op".invoice', 'note', 'event';
my ($after) = dump_as('shop', '-s');
is($after, $before, 'disable_rls restores the schema');

sql('shop', q(SET client_min_messages = error; SELECT cmig.enable_rls('"Sh""op".invoice', roles => '{app}', via => 'member', tenant_column => 'tenant_id')));
sql('shop', q(SELECT cmig.disable_rls('"Sh""op".invoice')));
($after) = dump_as('shop', '-s');
is($after, $before, 'the same with a membership table');

sql('shop', q(SET client_min_messages = error; SELECT cmig.enable_rls_schema('public', roles => '{app}', column_default => true)));
sql('shop', 'DROP EXTENSION pg_cmig; CREATE EXTENSION pg_cmig');
sql('shop', "SELECT cmig.disable_rls('$_')") foreach 'note', 'event', 'member';
($after) = dump_as('shop', '-s');
is($after, $before, 'the same with pg_cmig dropped and created again in between');

#
# disable_rls also reverts what a script of rls_script has done
#
my $script = sql('shop', q(SELECT cmig.rls_script('note', roles => '{app}', column_default => true)));
sql('shop', "DROP EXTENSION pg_cmig");
sql('shop', $script);
sql('shop', 'CREATE EXTENSION pg_cmig');
is(sql('shop', q(SET client_min_messages = error; SELECT count(*) FROM cmig.enable_rls('note', roles => '{app}', column_default => true))),
	'0', 'the script has the same effect as enable_rls');
sql('shop', "SELECT cmig.disable_rls('note')");
($after) = dump_as('shop', '-s');
is($after, $before, 'the effects of a script are reverted too');

#
# After a restore, the policies work and still contain what disable_rls has to
# restore
#
sql('shop', <<'SQL');
CREATE TABLE invoice (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL, amount numeric);
INSERT INTO invoice (tenant_id, amount)
	SELECT ('00000000-0000-0000-0000-00000000000' || i % 2)::uuid, i FROM generate_series(1, 10) i;
GRANT ALL ON invoice TO app, maintenance;
SELECT cmig.enable_rls('invoice', roles => '{app}', bypass_roles => '{maintenance}', column_default => true);
SELECT cmig.grant_access('app', 'application');
SELECT cmig.grant_access('maintenance', 'reader');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO maintenance;
SQL

# which roles can dump the tables
my ($out, $err) = dump_as('shop');
like($err, qr/query would be affected by row-level security policy/, 'the owner, under FORCE, cannot dump');
($out, $err) = dump_as('shop', '--enable-row-security', '-t', 'public.invoice');
is($err, '', 'as a member of a bypass role it can, with --enable-row-security');
is(() = $out =~ /^\d+\t00000000-/mg, 10, 'the dump of the bypass role has every row');
sql('shop', 'GRANT SELECT ON SEQUENCE invoice_id_seq TO app');
($out, $err) = dump_as('app', '--enable-row-security', '-t', 'public.invoice');
is($err, '', 'a role to which policies apply can dump, too');
is(() = $out =~ /^\d+\t00000000-/mg, 0, 'its dump has only the rows that it sees, which are none');
($out, $err) = dump_as('backup');
is($err, '', 'a role with BYPASSRLS can dump');
is(() = $out =~ /^\d+\t00000000-/mg, 10, 'its dump has every row');

my $copy = "$dir/backup.sql";
open(my $file, '>', $copy) or die $!;
print $file $out;
close $file;
$node->safe_psql('postgres', 'CREATE DATABASE copy OWNER shop');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $copy ],
	'the dump is restored');
is(query($node, 'copy', q(BEGIN; SELECT cmig.set_context(NULL, '00000000-0000-0000-0000-000000000001'); SELECT count(*) FROM invoice;), 'app') =~ s/\A\n*//r,
	'5', 'the policies apply in the restored database');
is($node->safe_psql('copy', q(SELECT count(*) FROM cmig.disable_rls('invoice'))), '6', 'disable_rls finds the policies of enable_rls');
is($node->safe_psql('copy', q(SELECT count(*) FROM pg_policies WHERE tablename = 'invoice')), '0', 'no policy is left');

# a data migration by the owner, and a dump after it
sql('shop', q(SELECT cmig.create_revision('round', 'UPDATE invoice SET amount = amount + 100', '', revision => '001')));
my ($rc, $stdout, $stderr) = $node->psql('shop', q(SELECT cmig.upgrade()), extra_params => [ '-U', 'shop' ]);
like($stderr, qr/query would be affected by row-level security policy/, 'a data migration that would miss rows is an error');
sql('shop', q(UPDATE cmig.revision SET upgrade_sql = 'SET row_security = on; ' || upgrade_sql));
sql('shop', 'SELECT cmig.upgrade()');
($out, $err) = dump_as('backup');
is(() = $out =~ /^\d+\t00000000-\S+\t1\d\d$/mg, 10, 'with row_security on, it reaches every row of every tenant');

#
# The output of rls_script is part of a revision, and cmig.script transfers it to a
# database without pg_cmig
#
sql('shop', 'CREATE TABLE plain (id bigint PRIMARY KEY, tenant_id integer); GRANT ALL ON plain TO app');
my $text = sql('shop', q(SELECT cmig.rls_script('plain', roles => '{app}', force => false)));
sql('shop', "SELECT cmig.create_revision('protect', \$r\$$text\$r\$, '', revision => '002')");
my $offline = $node->safe_psql('shop', q(SELECT cmig.script('upgrade', '001:002')));
$node->safe_psql('postgres', 'CREATE DATABASE bare OWNER shop');
$node->safe_psql('bare', <<'SQL', extra_params => [ '-U', 'shop' ]);
CREATE TABLE public.plain (id bigint PRIMARY KEY, tenant_id integer);
INSERT INTO public.plain SELECT i, i % 2 FROM generate_series(1, 10) i;
GRANT ALL ON public.plain TO app;
CREATE TABLE public.cmig_version (version_num text PRIMARY KEY);
INSERT INTO public.cmig_version VALUES ('001');
SQL
$node->safe_psql('bare', $offline);
is($node->safe_psql('bare', q(SELECT count(*) FROM public.plain), extra_params => [ '-U', 'app' ]), '0', 'offline: no rows without a context');
is($node->safe_psql('bare', q(SET app.current_tenant_id = 1; SELECT count(*) FROM public.plain), extra_params => [ '-U', 'app' ]), '5',
	'offline: the policies work without pg_cmig');

#
# The example chains: a dump after their data migrations
#
foreach my $chain ('mnfst', 'mindbridge')
{
	$node->safe_psql('postgres', <<"SQL");
CREATE ROLE ${chain}_owner LOGIN @{[ $chain eq 'mindbridge' ? 'NOINHERIT' : '' ]};
CREATE ROLE ${chain}_app LOGIN;
CREATE ROLE ${chain}_maintenance;
GRANT ${chain}_maintenance TO ${chain}_owner;
CREATE DATABASE $chain OWNER ${chain}_owner;
SQL
	# a role that does not inherit the privileges of the database's owner does
	# not own schema public
	$node->safe_psql($chain, "GRANT CREATE ON SCHEMA public TO ${chain}_owner");
	my $folder = $chain eq 'mnfst' ? 'mnfst_rag_helpers' : 'mindbridge_helpers';
	my $as = sub { query($node, $chain, "SET client_min_messages = error;\n$_[0]", "${chain}_owner") };

	$as->('CREATE EXTENSION pg_cmig');
	$as->(load_sql(map { slurp_file($_) } chain_files($folder)));
	if ($chain eq 'mnfst')
	{
		$as->(q(SELECT cmig.upgrade('005_add_audit_trail')));
		$as->(q(INSERT INTO tenants (id, name, slug) SELECT ('00000000-0000-0000-0000-00000000000' || i)::uuid, 't' || i, 't' || i FROM generate_series(1, 2) i;
			INSERT INTO users (tenant_id, email, name, password_hash, role) SELECT id, 'ann@' || slug, 'Ann', 'x', 'admin' FROM tenants));
		$as->(q(SET cmig.concurrent_ddl = off; SELECT cmig.upgrade('head')));
	}
	else
	{
		$as->(q(SELECT cmig.upgrade('002_add_encrypted_models')));
		$as->(q(INSERT INTO users (email, password_hash) VALUES ('ann@x', 'x'), ('bob@x', 'x'); INSERT INTO moods (user_id, score) SELECT id, 5 FROM users));
		$as->(q(SELECT cmig.create_revision('scores', 'SET ROLE mindbridge_maintenance; SET row_security = on; UPDATE moods SET score = score + 1', '', revision => '006')));
		$as->(q(SELECT cmig.upgrade('head')));
	}
	is($as->('SELECT count(*) FROM users'), $chain eq 'mnfst' ? '2' : '0',
		$chain eq 'mnfst' ? "$chain: the owner bypasses" : "$chain: the owner is bound");
	my ($dump, $complaint) = ('', '');
	IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-U', 'backup', $chain ],
		'<', \undef, '>', \$dump, '2>', \$complaint);
	my $migrated = $chain eq 'mnfst' ? qr/\ttenant_admin\b/ : qr/^\S+\t\S+\t6\t/m;
	is(() = $dump =~ /$migrated/g, 2, "$chain: the dump has every migrated row") or diag($complaint);
}

#
# The example applications in doc/row-level-security.md
#
my $document = slurp_file("$CmigNode::top/doc/row-level-security.md");
sub example
{
	my ($name) = @_;

	$document =~ /^```\w+ file=\Q$name\E\n(.*?)^```$/ms or die "no $name in the document";
	open(my $handle, '>', "$dir/$name") or die $!;
	print $handle $1;
	close $handle;
	return "$dir/$name";
}

my $connection = 'host=' . $node->host . ' port=' . $node->port . ' user=app dbname=shop';
my @tenants = map { "00000000-0000-0000-0000-00000000000$_" } 0, 1, 7;
my $expected = "$tenants[0] 5\n$tenants[1] 5\n$tenants[2] 0\nnone 0\n";
$ENV{NODE_PATH} = join ':', grep { defined } $ENV{NODE_PATH}, '/usr/share/nodejs';
SKIP:
{
	skip 'psycopg is not installed', 1 unless need_tool('python3-psycopg', 'python3', '-c', 'import psycopg');
	my $said = '';
	IPC::Run::run([ 'python3', example('rls_app.py'), $connection, @tenants ], '>', \$said, '2>&1');
	is($said, $expected, 'psycopg');
}
SKIP:
{
	skip 'node-pg is not installed', 1 unless need_tool('node-pg', 'node', '-e', 'require("pg")');
	my $said = '';
	# older releases of node-pg read the port only from this variable
	local $ENV{PGPORT} = $node->port;
	my $url = 'postgres://app@/shop?host=' . $node->host;
	IPC::Run::run([ 'node', example('rls_app.js'), $url, @tenants ], '>', \$said, '2>&1');
	is($said, $expected, 'node-pg');
}

#
# PgBouncer in transaction mode: two clients on one connection of the server
#
SKIP:
{
	skip 'pgbouncer is not installed', 1 unless need_tool('pgbouncer', 'pgbouncer', '--version');
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	open(my $ini, '>', "$dir/pgbouncer.ini") or die $!;
	print $ini "[databases]\nshop = host=" . $node->host . ' port=' . $node->port . " dbname=shop\n"
	  . "[pgbouncer]\nlisten_addr =\nlisten_port = $port\nunix_socket_dir = $dir\nauth_type = trust\nauth_file = $dir/users.txt\n"
	  . "pool_mode = transaction\nmax_client_conn = 10\ndefault_pool_size = 1\nlogfile = $dir/pgbouncer.log\n";
	close $ini;
	append_to_file("$dir/users.txt", "\"app\" \"\"\n");
	sub through
	{
		my ($sql) = @_;
		my ($o, $e) = ('', '');
		IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-h', $dir, '-p', $port, '-U', 'app', 'shop' ], '<', \$sql, '>', \$o, '2>', \$e);
		return "$o$e";
	}
	my $bouncer = IPC::Run::start([ 'pgbouncer', "$dir/pgbouncer.ini" ], '<', \undef, '>', "$dir/pgbouncer.out", '2>&1');
	for (1 .. 100) { last if -S "$dir/.s.PGSQL.$port"; select(undef, undef, undef, 0.1); }
	is(through("BEGIN;\nSELECT cmig.set_context(NULL, '$tenants[0]') \\g /dev/null\nSELECT count(*) FROM invoice;\nCOMMIT;\n"),
		"5\n", 'PgBouncer: a transaction with a context');
	is(through("SELECT count(*) FROM invoice;\n"), "0\n", 'PgBouncer: the next client has no context');
	$bouncer->signal('INT');
	$bouncer->finish;
}

#
# An attempt that no policy rejects, only a constraint, is a leak
#
sql('shop', <<'SQL');
CREATE TABLE person (tenant_id integer PRIMARY KEY);
CREATE TABLE people (tenant_id integer PRIMARY KEY) PARTITION BY RANGE (tenant_id);
CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (1) TO (3);
CREATE TABLE alone (tenant_id integer) PARTITION BY LIST (tenant_id);
CREATE TABLE alone_1 PARTITION OF alone FOR VALUES IN (1);
INSERT INTO person VALUES (1), (2);
INSERT INTO people VALUES (1), (2);
INSERT INTO alone VALUES (1);
GRANT SELECT, INSERT, UPDATE ON person, people, alone, alone_1 TO app;
SQL
foreach my $table ('person', 'people')
{
	like(query($node, 'shop', "SELECT test, verdict, detail FROM cmig.rls_test('$table', 'app', NULL, '1') WHERE test ~ 'another'", $ENV{USER} // getpwuid($<)),
		qr/^INSERT for another tenant\|LEAK\|Only a constraint prevented the command: duplicate key value [^\n]*\.\nmove to another tenant\|LEAK\|Only a constraint/, "a constraint of $table is no protection");
}
is(query($node, 'shop', "SELECT DISTINCT verdict FROM cmig.rls_test('$_', 'app', NULL, '1') WHERE test ~ 'another'", $ENV{USER} // getpwuid($<)),
	'not tested', "nor is a partition that is missing, $_") foreach 'alone', 'alone_1';

#
# A number keeps its value in a type with more digits only
#
sql('shop', <<'SQL');
CREATE TABLE narrow (tenant_id smallint);
CREATE TABLE wide (tenant_id bigint);
CREATE POLICY p ON narrow USING (tenant_id::int = cmig.current_tenant_id()::int);
CREATE POLICY p ON wide USING (tenant_id::smallint = cmig.current_tenant_id()::smallint);
ALTER TABLE narrow ENABLE ROW LEVEL SECURITY;
ALTER TABLE wide ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON narrow, wide TO app;
SQL
is(sql('shop', "SELECT object FROM cmig.rls_check() WHERE rule = 'not_judged' AND object ~ '(narrow|wide)'"), 'policy p on public.wide', 'casts of numbers');

#
# A sub-select without FROM is what it computes, also if it must be false
#
sql('shop', join ';', map { my ($table, $using) = @$_;
	"CREATE TABLE $table (id int, tenant_id int, gone bool); ALTER TABLE $table ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON $table USING ($using); GRANT SELECT ON $table TO app" }
	[ 'sub_a', 'NOT (SELECT tenant_id IS DISTINCT FROM cmig.current_tenant_id()::int)' ],
	[ 'sub_b', 'NOT (SELECT sub_a.gone FROM sub_a WHERE sub_a.id = sub_b.id)' ],
	[ 'sub_c', 'NOT coalesce((SELECT tenant_id <> cmig.current_tenant_id()::int), true)' ],
	[ 'sub_d', 'NOT coalesce((SELECT tenant_id <> cmig.current_tenant_id()::int UNION SELECT true LIMIT 1), true)' ],
	[ 'sub_e', 'NOT coalesce((WITH c AS (SELECT 1) SELECT tenant_id <> cmig.current_tenant_id()::int), true)' ],
	[ 'sub_f', 'coalesce(tenant_id, id) IS NULL' ],
	[ 'sub_g', '(tenant_id + id) IS NOT NULL' ],
	[ 'sub_h', '(CASE WHEN gone THEN tenant_id ELSE 1 END) IS NULL' ]);
is(sql('shop', "SELECT object, problem FROM cmig.rls_check() WHERE rule IN ('foreign_rows', 'not_judged') AND object ~ 'sub_' ORDER BY 1"), <<'END' =~ s/\n$//r, 'sub-selects that must be false, and nulls');
policy p on public.sub_a|USING: rows that belong to others are let through: those where tenant_id IS NULL AND cmig.current_tenant_id() IS NULL
policy p on public.sub_b|USING: rows that belong to others are let through: those where NOT (SELECT sub_a.gone FROM sub_a WHERE (sub_a.id = sub_b.id))
policy p on public.sub_d|USING is not proved to let through only rows that belong to the context: it is true if NOT (SELECT (sub_d.tenant_id <> (cmig.current_tenant_id())::integer) UNION SELECT true LIMIT 1)
policy p on public.sub_e|USING is not proved to let through only rows that belong to the context: it is true if NOT (WITH c AS (SELECT 1 AS "?column?") SELECT (sub_e.tenant_id <> (cmig.current_tenant_id())::integer))
policy p on public.sub_f|USING: rows that belong to nobody are let through: those where tenant_id IS NULL AND id IS NULL
policy p on public.sub_g|USING: rows that belong to others are let through: those where (tenant_id + id) IS NOT NULL
policy p on public.sub_h|USING: rows that belong to nobody are let through and can be changed: those where gone AND tenant_id IS NULL
END

$node->stop;
done_testing();
