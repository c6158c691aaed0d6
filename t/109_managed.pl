# Copyright (c) 2026, the pg_cmig developers

# Databases without the extension, as managed services have them: an engine on another
# server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $cache = PostgreSQL::Test::Utils::tempdir_short();
my $node = new_node('managed');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN; CREATE ROLE regress_other LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE shop OWNER regress_owner');
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', 'shop', $cache);
chdir $dir or die;
mkdir 'migrations';
append_to_file('cmig.conf', "folder = migrations\n");

sub file
{
	my ($id, $parent, $header, $upgrade, $downgrade) = @_;
	unlink "migrations/$id.sql";
	append_to_file("migrations/$id.sql", "-- revision: $id\n-- down_revision: $parent\n$header\n-- cmig:upgrade\n$upgrade\n-- cmig:downgrade\n$downgrade\n");
}
sub rows { my ($sql, $database) = @_; return $node->safe_psql($database // 'shop', $sql); }

file('001', '', '', 'CREATE TABLE person (id int PRIMARY KEY);', 'DROP TABLE person;');
file('002', '001', '-- transactional: false', 'CREATE INDEX CONCURRENTLY person_again ON person (id);', 'DROP INDEX CONCURRENTLY person_again;');

# The engine is another server: one that is there only for this, with passwords.
{
	my $data = PostgreSQL::Test::Utils::tempdir_short();
	my $url = "postgresql://cmig_engine:o%27d@/postgres?host=$data&port=5433";

	append_to_file("$data/password", "o'd\n");
	system_or_bail('initdb', '-D', "$data/data", '-U', 'cmig_engine', '-A', 'scram-sha-256', '--pwfile', "$data/password", '-N', '-E', 'UTF8', '--no-locale');
	system_or_bail('pg_ctl', '-s', '-w', '-D', "$data/data", '-l', "$data/log", '-o', "-p 5433 -k $data -c listen_addresses=''", 'start');
	gives(0, 'base', '^$', 'current', '--engine', $url);
	gives(0, 'at 002', '', 'upgrade', '-y', '--engine', $url);
	gives(0, 'at 001', '', 'downgrade', '001', '-y', '--engine', $url);
	gives(0, 'no drift', '^$', 'drift', '--engine', $url);
	gives(0, 'at 002', '', 'upgrade', '-y', '--engine', $url);
	{
		local $ENV{PGPASSWORD} = "o'd";
		my @engine = ('psql', '-XAt', '-h', $data, '-p', 5433, '-U', 'cmig_engine', '-d', 'postgres', '-c');
		my $run = sub { my $out; IPC::Run::run([ @engine, $_[0] ], '>', \$out); return $out; };
		is($run->("SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '^cmig' AND NOT datistemplate"), "\n", 'no copy remains');
		$run->('DROP ROLE regress_other');
		$run->('CREATE ROLE regress_other');
		gives(2, '', 'ERROR:  roles that the database has exist in the engine for another purpose: regress_other\n.*initdb -U cmig_engine', 'drift', '--engine', $url);
		$run->('CREATE ROLE weak LOGIN PASSWORD $$x$$');
	}
	gives(2, '', '^cmig: the role of the engine is not a superuser\n', 'current', '--engine', $url =~ s/cmig_engine:o%27d/weak:x/r);
	gives(4, '', 'password authentication failed.*cmig: the engine cannot be reached', 'current', '--engine', $url =~ s/o%27d/wrong/r);
	gives(2, '', 'percent sign', 'current', '--engine', $url =~ s/o%27d/o%2/r);
	system_or_bail('pg_ctl', '-s', '-w', '-D', "$data/data", '-m', 'immediate', 'stop');
}

done_testing();
