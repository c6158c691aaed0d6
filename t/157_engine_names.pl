# Copyright (c) 2026, the pg_cmig developers

# What a role can do to those who call cmig with names, and with code in an index: names that are not
# UTF-8, names that GitHub Actions takes for commands in a log, and code that does not end.

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

my ($node, $dir, $cache) = engine_project('engine_names');

sub rows { return $node->safe_psql($_[1] // 'shop', $_[0]); }

write_revision('001', '', '', 'CREATE TABLE item (id bigint);', 'DROP TABLE item;');
gives(0, 'at 001', '', 'upgrade', '-y');
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# code that does not end while the schema is copied
rows(q{
CREATE FUNCTION slow() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN IF current_database() ~ '^cmig_copy' THEN PERFORM pg_sleep(1000); END IF; RETURN true; END $$;
CREATE INDEX slow_index ON item (id) WHERE slow()});
gives(1, '', 'not copied into the engine: CREATE INDEX slow_index ON public\.item .*\(10s\)', 'drift');
# nor if it catches that it is canceled, or cannot be canceled at all
foreach my $case ([ 'LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP',
		'function public\.slow does not let itself be canceled' ],
	[ q{PERFORM xpath('count(//*[count(//*[count(//*)>0])>0])', xmlparse(document '<a>' || repeat('<b/>', 6000) || '</a>'))},
		'CREATE INDEX slow_index ON public\.item .*\(10s\)' ])
{
	my @result;

	rows("CREATE OR REPLACE FUNCTION slow() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS \$\$
BEGIN
	IF current_database() ~ '^cmig_copy' THEN
		$case->[0];
	END IF;
	RETURN true;
END \$\$");
	eval
	{
		local $SIG{ALRM} = sub { die "it does not end\n" };
		alarm 2 * $PostgreSQL::Test::Utils::timeout_default;
		@result = cmig('drift');
		alarm 0;
	};
	is($@, '', 'code that cannot be canceled ends');
	like($result[2], qr/not copied into the engine: $case->[1]\n.*ended before its end\nRepeat.*drop it first/s, 'and is named');
}
# what still runs does not keep calls for other databases from ending
$node->safe_psql('postgres', "CREATE DATABASE latin OWNER regress_owner ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
	extra_params => [ '-U', scalar(getpwuid($<)) ]);
eval
{
	local $SIG{ALRM} = sub { die "it does not end\n" };
	alarm 2 * $PostgreSQL::Test::Utils::timeout_default;
	gives(0, 'base', '', '-d', 'latin', 'status');
	alarm 0;
};
is($@, '', 'a call for another database ends');
# the engine does not wait for it
close $users;
my ($folder) = glob "$cache/cmig/engine-*";
for (1 .. 300) { last unless -e "$folder/data/postmaster.pid"; select undef, undef, undef, 0.2; }
open $users, '>>', "$folder/users" or die;
flock $users, LOCK_SH or die;
rows('DROP INDEX slow_index; DROP FUNCTION slow()');
gives(0, 'no drift', '', 'drift');

# a role that does nothing but lock a table of its own
{
	my @eve = (extra_params => [ '-U', 'regress_eve' ]);

	$node->safe_psql('shop', 'CREATE ROLE regress_eve LOGIN; CREATE SCHEMA regress_eve AUTHORIZATION regress_eve',
		extra_params => [ '-U', scalar(getpwuid($<)) ]);
	$node->safe_psql('shop', 'CREATE TABLE regress_eve.own ()', @eve);
	my $holder = $node->background_psql('shop', @eve);
	$holder->query_safe('BEGIN; LOCK TABLE regress_eve.own');
	my $pid = $holder->query_safe('SELECT pg_backend_pid()');
	foreach my $limit ([ '-x', 'cmig.lock_timeout=200ms' ], [])
	{
		my @result;

		eval
		{
			local $SIG{ALRM} = sub { die "it waits\n" };
			alarm 2 * $PostgreSQL::Test::Utils::timeout_default;
			@result = cmig('drift', @$limit);
			alarm 0;
		};
		is($@, '', "drift @$limit ends");
		is($result[0], 3, 'with an error');
		like($result[2], qr/cannot be read\nProcess $pid of role regress_eve locks regress_eve\.own\..*SELECT pg_terminate_backend\($pid\)$/,
			'that says who keeps it waiting');
	}
	# what only shows hazards leaves them out
	write_revision('002', '001', '', 'CREATE TABLE planned ();', 'DROP TABLE planned;');
	my $told = "WARNING:  hazards and sizes are not shown, because the schema of the database cannot be read\nHINT:  Process $pid of role";
	gives(0, '002', $told, 'plan', '-x', 'cmig.lock_timeout=200ms');
	gives(0, 'at 002', $told, 'upgrade', '-x', 'cmig.lock_timeout=200ms');
	gives(0, 'at 001', '', 'downgrade', '-y', '-1');
	unlink 'migrations/002.sql';
	$holder->query_safe('COMMIT');
	$holder->quit;
}

# a superuser who looks at the state locks catalogs meanwhile, so waits for nobody who locks a table of the state
{
	my $holder = $node->background_psql('shop');
	$holder->query_safe('BEGIN; LOCK TABLE cmig_engine.journal');
	my $pid = $holder->query_safe('SELECT pg_backend_pid()');
	my @result;

	eval
	{
		local $SIG{ALRM} = sub { die "it waits\n" };
		alarm 2 * $PostgreSQL::Test::Utils::timeout_default;
		@result = cmig('-U', scalar(getpwuid($<)), 'status');
		alarm 0;
	};
	is($@, '', 'status of a superuser ends');
	like($result[2], qr/another session locks a table of schema cmig_engine.*process $pid of role regress_owner: SELECT pg_terminate_backend\($pid\)/s,
		'with an error that says who keeps it waiting');
	$holder->query_safe('COMMIT');
	$holder->quit;
}

# who keeps it waiting has no role, such as autovacuum, or a session of a role that was dropped
{
	my @admin = (extra_params => [ '-U', scalar(getpwuid($<)) ]);
	my @as = ('-U', scalar(getpwuid($<)));

	# gives_while(STATEMENTS, STATUS, ERROR, ARGUMENT...): while a session of a dropped role has run the statements
	my $gives_while = sub
	{
		my ($statements, $status, $error, @arguments) = @_;

		$node->safe_psql('shop', 'CREATE ROLE regress_dropped SUPERUSER LOGIN', @admin);
		my $holder = $node->background_psql('shop', extra_params => [ '-U', 'regress_dropped' ]);
		my $pid = $holder->query_safe('SELECT pg_backend_pid()');
		$holder->query_safe("BEGIN READ WRITE; $statements");
		$node->safe_psql('shop', 'DROP ROLE regress_dropped', @admin);
		gives($status, '', $error =~ s/PID/$pid/gr, @arguments);
		$holder->query_safe('ROLLBACK');
		$holder->quit;
	};
	my $or = 'Or end process PID \(client backend\): SELECT pg_terminate_backend\(PID\)\n';

	foreach ([ status => 'status' ], [ stamp => 'stamp', '001' ])
	{
		my ($name, @arguments) = @$_;

		$gives_while->('ALTER SCHEMA cmig_engine RENAME TO c', 4, "renamed or dropped schema cmig_engine\nHINT:  Wait until it has ended. $or", @as, @arguments);
	}
	$gives_while->('LOCK TABLE cmig_engine.journal', 4, "locks a table of schema cmig_engine\nHINT:  Wait until it has ended. $or", @as, 'status');
	$gives_while->('LOCK TABLE pg_index IN ROW EXCLUSIVE MODE', 4, "is changing indexes, statistics, or schemas\nHINT:  Wait until it has ended. $or", @as, 'status');
	$gives_while->(q{SELECT pg_advisory_lock(hashtextextended('pg_cmig cmig_engine.version', 0))}, 3,
		'DETAIL:  Process PID has the lock of runs. To end it: SELECT pg_terminate_backend\(PID\)\n', 'stamp', '001');
	$gives_while->('LOCK TABLE public.item', 3, 'cannot be read\nProcess PID locks public\.item\. .*SELECT pg_terminate_backend\(PID\)$', 'drift', '-x', 'cmig.lock_timeout=200ms');
}

# a table that cannot be read is left out, and no other one; but then nothing is recorded as dropped
{
	my @admin = (extra_params => [ '-U', scalar(getpwuid($<)) ]);

	$node->safe_psql('shop', 'GRANT CREATE ON DATABASE shop TO regress_eve; CREATE TABLE public.theirs (id int); ALTER TABLE public.theirs OWNER TO regress_eve', @admin);
	$node->safe_psql('shop', qq{CREATE SCHEMA "publi\nc"; CREATE TABLE "publi\nc".item (id int); CREATE SCHEMA "pub\nic"; CREATE TABLE "pub\nic".item (id int); CREATE SCHEMA eve; CREATE TABLE eve."a\x1fb\nc" (id int)}, extra_params => [ '-U', 'regress_eve' ]);
	gives(0, 'no drift', 'not copied into the engine: "public"."theirs", which the role cannot read\n$', 'drift');
	gives(3, '', 'could not be copied into the engine as a whole', 'capture', '-m', 'x');
	gives(3, '^$', 'could not be copied into the engine as a whole\nWhat is missing there would be taken for not applied', 'locate');
	$node->safe_psql('shop', 'DROP TABLE public.theirs', @admin);

	# so many that their names are too long to be arguments of pg_dump: those in a schema that the role cannot use
	# need none, and others are named
	my @eve = (extra_params => [ '-U', 'regress_eve' ]);
	my $many = 's' x 63;
	my @few = ('sh', '-c', 'ulimit -s 512; exec "$0" drift', $cmig);
	$node->safe_psql('shop', "CREATE SCHEMA $many; DO \$\$ BEGIN FOR i IN 1 .. 1500 LOOP
		EXECUTE format('CREATE TABLE $many.%s ()', rpad('t' || i, 63, 'x')); END LOOP; END \$\$", @eve);
	is(join('', run_command(\@few)), 'no drift', 'a schema is left out as a whole');
	$node->safe_psql('shop', "GRANT USAGE ON SCHEMA $many TO PUBLIC", @eve);
	like(
		join('', run_command(\@few)),
		qr/^cmig: the role cannot read 1500 tables and sequences, too many .*: GRANT SELECT ON ALL TABLES IN SCHEMA "$many" TO regress_owner$/s,
		'or an error says what to do');
	$node->safe_psql('shop', q{SELECT 'DROP TABLE ' || oid::regclass FROM pg_class WHERE relname ~ '^t.*x$' \gexec}, @eve);
	$node->safe_psql('shop', 'DROP OWNED BY regress_eve CASCADE', @admin);
}

# lines that GitHub Actions would take for commands
rows(qq{CREATE TABLE "x\n::set-output name=approved::true\n ::stop-commands::pwn\n##[add-mask]x" (id int)});
{
	local $ENV{GITHUB_ACTIONS} = 'true';

	for my $verb ([ 'drift' ], [ 'check', '--ci' ], [ 'lint' ], [ 'status' ])
	{
		my @result = cmig(@$verb);
		unlike("$result[1]\n$result[2]", qr/^[^!-~]*::|##\[/m, "no command in the log of cmig @$verb");
	}
	my @drift = cmig('drift');
	like($drift[1], qr/set-output/, 'the name is shown');
}
rows('DROP TABLE public.' . rows(q{SELECT quote_ident(relname) FROM pg_class WHERE relname ~ '^x'}));

# The database has another encoding than the engine, so names have other bytes, and another order.
$node->safe_psql('postgres', 'CREATE ROLE regress_app', extra_params => [ '-U', scalar(getpwuid($<)) ]);
write_revision('001', '', '', q{CREATE TABLE item (tenant text, pré text CHECK (pré <> 'é'));}, 'DROP TABLE item;');
write_revision('002', '001', '', "SELECT cmig.enable_rls('item', tenant_column => 'tenant', roles => '{regress_app}');", "SELECT cmig.disable_rls('item');");
$node->safe_psql('postgres', "CREATE DATABASE eucjp OWNER regress_owner ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0",
	extra_params => [ '-U', scalar(getpwuid($<)) ]);
gives(0, 'at 002', '', '-d', 'latin', 'upgrade', '-y');
write_revision('001', '', '', 'CREATE TABLE item (tenant text, 阿 text, 哀 text);', 'DROP TABLE item;');
{
	# no connection of cmig has the encoding of the shell
	local $ENV{PGCLIENTENCODING} = 'BIG5';
	gives(0, 'at 002', '', '-d', 'eucjp', 'upgrade', '-y');
}
unlink glob "$dir/migrations/*";
write_revision('001', '', '', 'CREATE TABLE item (id bigint);', 'DROP TABLE item;');

# names that are not UTF-8
$node->safe_psql('postgres', "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0 OWNER regress_owner",
	extra_params => [ '-U', scalar(getpwuid($<)) ]);
$node->safe_psql('bytes', q{SET client_encoding = SQL_ASCII; DO $$ BEGIN
	EXECUTE convert_from(E'CREATE TABLE "a\\\\351" ("b\\\\352" int)', 'SQL_ASCII');
	EXECUTE convert_from(E'CREATE FUNCTION "c\\\\353"() RETURNS int LANGUAGE sql RETURN 1', 'SQL_ASCII');
END $$; CREATE TABLE "é" ()});
gives(0, 'at 001', '', '-d', 'bytes', 'upgrade', '-y');
my @failed = cmig('-d', 'bytes', 'drift');
like($failed[2], qr/the schema of the database cannot be read\nHINT:  These names are not UTF-8/, 'names that are not UTF-8 are named');
my @hints = $failed[2] =~ /^(DO .*?) -- [abc]\\35\d$/msg;
is(scalar(@hints), 3, 'with statements that rename them');
rows($_, 'bytes') for map { s/\n.*?(?=DO )//sr } @hints;
my @result = cmig('-d', 'bytes', 'drift');
like($result[1], qr/routine_\d/, 'then the schema is read');
unlike($result[2], qr/cannot be read/, 'as a whole');

done_testing();
