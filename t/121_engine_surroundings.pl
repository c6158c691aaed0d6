# Copyright (c) 2026, the pg_cmig developers

# The engine, and what surrounds it: folders, locks of killed servers, roles that may do
# little, and how the database is named.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $cache = PostgreSQL::Test::Utils::tempdir_short();
my $node = new_node('surroundings');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN; CREATE ROLE regress_weak LOGIN');
for my $name ('shop', 'weak') { $node->safe_psql('postgres', "CREATE DATABASE $name OWNER regress_owner"); }
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', 'shop', $cache);
chdir $dir or die;
mkdir 'migrations';
append_to_file('cmig.conf', "folder = migrations\nengine = local\n");
write_revision('001', '', '', 'CREATE TABLE person (id int PRIMARY KEY);', 'DROP TABLE person;');

# the database
gives(0, 'at 001', '', 'upgrade', '-y');
append_to_file('service.conf', "[shop]\nhost=" . $node->host . "\nport=" . $node->port . "\ndbname=shop\nuser=regress_owner\n");
{
	local $ENV{PGSERVICEFILE} = "$dir/service.conf";
	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} = ('nohost.invalid', 1, 'nobody', 'nothing');
	gives(0, '001', '^$', 'current', '-d', 'service=shop');
	gives(0, '001', '^$', 'current', '-d', 'host=' . $node->host . ' port = ' . $node->port . " dbname='sho\\p' user=regress_owner");
	gives(2, '^$', 'the connection string is not valid', 'current', '-d', "host='x");
	# what is chosen takes precedence over the file of a service, as with psql, and that over the environment
	$ENV{PGSERVICE} = 'shop';
	gives(0, '001', '^$', 'current');
	gives(0, 'at base', '^$', 'current', '-d', $_) foreach 'weak', 'service=shop dbname=weak', 'postgresql:///weak';
	gives(0, '== weak ==\nat base\n', '^$', 'current', '--databases', 'shop,weak');
	gives(4, '^$', 'database "we\'ird\\\\ x" does not exist', 'current', '-d', "we'ird\\ x");
	gives(4, '^$', 'role "nobody" does not exist', 'current', '-U', 'nobody');
	gives(0, 'no drift', '', 'drift', '-d', 'weak');
	gives(2, '', 'the URL of an engine cannot name a service\n', 'current', '--engine', 'postgresql:///?service=shop');
	delete $ENV{PGSERVICE};
}

# somebody else has upgraded the database to a revision that is not here yet
mkdir 'other';
append_to_file('other/002.sql', "-- revision: 002\n-- down_revision: 001\n\n-- cmig:upgrade\nALTER TABLE person ADD name text;\n\n-- cmig:downgrade\nALTER TABLE person DROP name;\n");
gives(0, 'at 002', '', 'upgrade', '-y', '--folder', 'migrations', '--folder', 'other');
gives(3, '^$', 'cmig: the database is at a revision that has no file in migrations: 002, applied by regress_owner at .*\nGet the newest files', 'upgrade', '-y');
gives(0, '002', 'WARNING:  the database is at a revision that has no file in migrations: 002, .*HINT:  Get the newest files', 'current');

# functions of the database's roles that are better matches than those of PostgreSQL
$node->safe_psql('shop', q{GRANT CREATE ON SCHEMA public TO regress_owner}, extra_params => [ '-U', $superuser ]);
$node->safe_psql('shop', "CREATE FUNCTION public.concat(text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END'");
gives(3, '^$', '002, applied by regress_owner at ', 'drift');
$node->safe_psql('shop', 'DROP FUNCTION public.concat(text, text)');

# two upgrades at once: the second finds nothing to do
{
	my $first = $node->background_psql('shop', on_error_stop => 1);
	my ($out, $err) = ('', '');
	gives(0, 'at 001', '', 'downgrade', '-1', '-y', '--folder', 'migrations', '--folder', 'other');
	$first->query_safe('BEGIN; LOCK TABLE cmig_engine.version IN EXCLUSIVE MODE');
	my $second = IPC::Run::start([ $cmig, 'upgrade', '-y', '--folder', 'migrations', '--folder', 'other' ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('shop', 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted');
	$first->query_safe("ALTER TABLE person ADD name text; UPDATE cmig_engine.version SET version_num = '002'; COMMIT");
	$first->quit;
	$second->finish;
	ok($out . $err =~ /trying again.*nothing to upgrade/s, 'the second run finds nothing to do') or diag("$out\n$err");
}
gives(0, 'at 001', '', 'downgrade', '-1', '-y', '--folder', 'migrations', '--folder', 'other');

# the schema is older than the state, which somebody has dropped
$node->safe_psql('shop', 'DROP TABLE cmig_engine.version');
gives(0, 'base', '^WARNING:  the table cmig_engine.version is missing\nHINT:  cmig locate', 'current');
gives(3, '^$', '^cmig: the table cmig_engine.version is missing\n', @$_) for [ 'upgrade', '-y' ], [ 'reset', '-y' ], [ 'script' ];
$node->safe_psql('shop', 'DROP SCHEMA cmig_engine CASCADE');
gives(3, '', 'relation "person" already exists\n.*HINT:  If the version rows were lost, cmig locate .*cmig stamp 001', 'upgrade', '-y');
gives(0, 'at 001', '', 'stamp', '001');
$node->safe_psql('shop', 'DROP TABLE cmig_engine.version');
gives(0, 'at 001', '', 'stamp', '001');
gives(0, 'stamp .*stamp', '', 'log');

# a role that cannot create the schema, and one for which the owner has created it
{
	local @ENV{qw(PGUSER PGDATABASE)} = ('regress_weak', 'weak');
	gives(3, '', 'role regress_weak cannot create schema cmig_engine\nHINT:  As the owner of the database: CREATE SCHEMA cmig_engine AUTHORIZATION regress_weak', 'upgrade', '-y');
	$node->safe_psql('weak', 'CREATE SCHEMA cmig_engine AUTHORIZATION regress_weak; GRANT CREATE ON SCHEMA public TO regress_weak', extra_params => ['-U', $superuser]);
	gives(0, 'at 001', '', 'upgrade', '-y');
}

# a server that was an engine once has its roles
$node->safe_psql('postgres', 'CREATE ROLE cmig_engine_secret; CREATE ROLE cmig_engine_owner; CREATE ROLE cmig_engine_copier', extra_params => ['-U', $superuser]);
gives(0, 'no drift', '^$', 'drift');
$node->safe_psql('postgres', 'DROP ROLE cmig_engine_secret, cmig_engine_owner, cmig_engine_copier', extra_params => ['-U', $superuser]);

# where rows are is nothing that the engine has
$node->safe_psql('shop', "SET allow_in_place_tablespaces = true; CREATE TABLESPACE regress_space LOCATION ''", extra_params => ['-U', $superuser]);
$node->safe_psql('shop', q{SELECT format('ALTER TABLE %s SET TABLESPACE regress_space', oid::regclass) FROM pg_class
	WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LIMIT 1 \gexec}, extra_params => ['-U', $superuser]);
gives(0, 'no drift', '^$', 'drift');

# the folder of the engine
{
	local $ENV{XDG_CACHE_HOME} = PostgreSQL::Test::Utils::tempdir_short() . "/o'd x";
	mkdir $ENV{XDG_CACHE_HOME};
	gives(0, '001', '^$', 'current');
}
{
	# only bash itself complains
	local $ENV{LC_ALL} = 'xx_XX.UTF-8';
	unlike((cmig('current'))[2], qr/cmig: line/, 'a locale that is not installed');
}
{
	local @ENV{qw(XDG_CACHE_HOME HOME)} = ('relative', $cache);
	gives(0, '001', '^$', 'current');
	ok(!-e 'relative' && -e "$cache/.cache/cmig", 'a relative XDG_CACHE_HOME does not count');
}
{
	local $ENV{XDG_CACHE_HOME} = PostgreSQL::Test::Utils::tempdir_short();
	my ($folder) = glob "$cache/cmig/engine-*";
	my $copy = $ENV{XDG_CACHE_HOME} . '/cmig/' . ($folder =~ s/.*\///r);
	mkdir "$ENV{XDG_CACHE_HOME}/cmig";
	system_or_bail('cp', '-a', $folder, $copy);
	append_to_file("$copy/data/postgresql.conf", "nonsense = 1\n");
	gives(2, '^$', "the engine cannot be started: configuration file .*contains errors\nIts messages are in $copy/log\\. Nothing that lasts is there: rm -r $copy\n\$", 'current');
	unlink "$copy/data/global/pg_control";
	truncate "$copy/data/postgresql.conf", 0;
	gives(2, '^$', "the engine cannot be started: the folder $copy may be damaged\nIts messages .*: rm -r $copy\n\$", 'current');
	# as a full disk
	chmod 0500, $copy;
	gives(2, '^$', "the engine cannot be started: $copy cannot be written, or its disk is full\nFree space there, or set XDG_CACHE_HOME", 'current');
	chmod 0700, $copy;
	# initdb removes what it has written before the disk was full
	mkdir "$ENV{XDG_CACHE_HOME}/bin";
	append_to_file("$ENV{XDG_CACHE_HOME}/bin/df", "#!/bin/sh\nprintf '%s\\n' 'Filesystem 1024-blocks Used Available' 'tmpfs 30720 1024 29696'\n");
	chmod 0755, "$ENV{XDG_CACHE_HOME}/bin/df";
	{
		local $ENV{PATH} = "$ENV{XDG_CACHE_HOME}/bin:$ENV{PATH}";
		gives(2, '^$', "the engine cannot be started: $copy cannot be written, or its disk is full\nFree space there", 'current');
	}
	# what the hint says
	system_or_bail('rm', '-r', $copy);
	gives(0, '001', '^$', 'current');
}

# After a restart of the machine, another process can have the id of the server.
{
	my ($folder) = glob "$cache/cmig/engine-*";
	for (1 .. 100) { last unless -e "$folder/data/postmaster.pid"; sleep 1; }
	append_to_file("$folder/$_", "$$\n$folder/data\n1700000000\n5432\n..\n\n  5432001         1\nready   \n") for 'data/postmaster.pid', '.s.PGSQL.5432.lock';
	chmod 0600, "$folder/data/postmaster.pid", "$folder/.s.PGSQL.5432.lock";
	gives(0, '001', '^$', 'current');
}

# A cmig that was killed has left an initdb, whose server may seem to run, or a server that is about to start.
{
	local $ENV{XDG_CACHE_HOME} = PostgreSQL::Test::Utils::tempdir_short();
	my $folder = "$ENV{XDG_CACHE_HOME}/cmig/engine-" . $node->pg_version->major;
	mkdir $_, 0700 or die foreach ("$ENV{XDG_CACHE_HOME}/cmig", $folder, "$folder/data");
	append_to_file("$folder/data/PG_VERSION", $node->pg_version->major . "\n");
	append_to_file("$folder/data/postmaster.pid", "-$$\n$folder/data\n1700000000\n5432\n\n\n  5432001         1\n");
	gives(0, '001', '^$', 'current');

	open my $users, '>>', "$folder/users" or die;
	flock $users, LOCK_SH or die;
	gives(0, '001', '^$', 'current');
	my $ready = slurp_file("$folder/data/postmaster.pid");
	open my $starting, '>', "$folder/data/postmaster.pid" or die;
	print $starting $ready =~ s/ready/starting/r;
	close $starting;
	rename "$folder/.s.PGSQL.5432", "$folder/later" or die;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ $cmig, 'current' ], '<', \undef, '>', \$out, '2>', \$err);
	# it sleeps only while it waits for the server
	my $pid = $run->{KIDS}[0]{PID};
	my $waits = 0;
	for (1 .. 3000) { last if $waits = `ps -o args= --ppid $pid` =~ /^sleep 0[.]2$/m; select undef, undef, undef, 0.02 }
	ok($waits, 'cmig waits for the server');
	rename "$folder/later", "$folder/.s.PGSQL.5432" or die;
	open my $started, '>', "$folder/data/postmaster.pid" or die;
	print $started $ready;
	close $started;
	$run->finish;
	like($out, qr/001/, 'a server that starts is waited for') or diag($err);
}

# The environment of whoever calls cmig: options and variables of bash, and variables with the names that cmig has itself.
{
	my %names = map { $_ => 1 } map { slurp_file($_) =~ /\$\{?[#!]?([a-z_][a-z0-9_]*)/g } $cmig, glob "$CmigNode::top/share/cmig/*.bash";
	local @ENV{ map { s/_$/_yes/r } keys %names } = ("$dir/precious") x keys %names;

	ok(scalar(keys %names) > 200, 'the names that cmig has');
	mkdir 'precious';
	gives(0, '001', '^$', 'current', '--color', 'never');
	gives(0, 'no drift', '^$', 'drift', '--color', 'never');
	gives(0, '001', '^$', 'current');
	ok(-d 'precious', 'nothing was removed');
}
{
	local $ENV{SHELLOPTS} = 'allexport:errexit:keyword:noclobber:noglob';
	local $ENV{BASHOPTS} = 'compat31:dotglob:failglob:inherit_errexit:lastpipe:localvar_inherit:nocasematch:nullglob:xpg_echo';
	local @ENV{qw(FUNCNEST GLOBIGNORE)} = (3, '*.sql');
	gives(0, 'no drift', '^$', 'drift');
	gives(0, '001', '^$', 'current');
}

# A run does not end because nobody reads its messages, or because bash ends reads after some time; when a signal ends it,
# cmig removes only what it has made.
write_revision('002', '001', '-- transactional: false', 'SELECT pg_sleep(4);', 'SELECT 1;');
write_revision('003', '002', '', 'CREATE TABLE late (n int);', 'DROP TABLE late;');
{
	local $ENV{TMOUT} = 1;
	gives(0, 'at 003', 'upgrade 002 -> 003', 'upgrade', '-y');
}
gives(0, 'at 001', '', 'downgrade', '001', '-y');
{
	local $SIG{PIPE} = 'DEFAULT';
	my $statuses = `bash -c '"\$1" upgrade -y 2>&1 | grep -q -- "-> 002"; echo \${PIPESTATUS[*]}' - $cmig`;
	is($statuses, "0 0\n", 'nobody reads all messages');
	gives(0, '003', '^$', 'current');
}
gives(0, 'at 001', '', 'downgrade', '001', '-y');
{
	my ($out, $err) = ('', '');
	local $ENV{workers} = "$dir/precious";
	my $run = IPC::Run::start([ $cmig, 'upgrade', '-y' ], '<', \undef, '>', \$out, '2>', \$err);

	$node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'}) or die;
	kill 'TERM', $run->{KIDS}[0]{PID};
	$run->finish;
	ok(-d 'precious' && $err =~ /canceling statement/, 'cmig was ended') or diag("$out\n$err");
	gives(0, 'at 003', '', 'upgrade', '-y');
}

# what a URL says about whom to trust
gives(4, '^$', 'invalid "?ssl_min_protocol_version"? value', 'current', '-d', 'postgresql:///shop?ssl_min_protocol_version=TLSv9');
gives(4, '^$', 'invalid "?ssl_max_protocol_version"? value', 'current', '-d', 'ssl_max_protocol_version=TLSv9 dbname=shop');
gives(`psql --version` =~ /(\d+)/ && $1 < 16 ? (2, '^$', 'require_auth of the database URL requires psql 16') : (4, '^$', 'require_auth'),
	'current', '-d', 'postgresql:///shop?require_auth=nonsense');
{
	local @ENV{qw(PGSERVICEFILE PGSERVICE)} = ("$dir/service.conf", 'shop');
	gives(4, '^$', 'invalid "?ssl_min_protocol_version"? value', 'current', '-d', 'postgresql:///shop?ssl_min_protocol_version=TLSv9');
}

# what was captured, but could not be recorded
$node->safe_psql('shop', 'DROP TABLE late');
{
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=on';
	gives(3, '^$', '^(?!.*is recorded).*read-only transaction.*\nHINT:  Nothing was recorded, and no file was written\. Repeat the command\.\n$',
		'capture', '-m', 'By hand', '--rev-id', '004');
}
gives(0, 'at 004\nmigrations/004_by_hand\.sql\n$', '', 'capture', '-m', 'By hand', '--rev-id', '004');
gives(0, 'no drift', '^$', 'drift');
gives(0, '', 'nothing to upgrade: database "shop" is at 004', 'upgrade', '-y');

mkdir 'sub';
chdir 'sub' or die;
gives(2, '^$', 'the folder migrations does not exist\ncmig.conf is in .*: run cmig there', 'upgrade', '-y');

done_testing();
