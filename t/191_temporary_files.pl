# Copyright (c) 2026, the pg_cmig developers

# A cmig that a signal ends, other than SIGKILL, leaves nothing in the folder of temporary files: each call is
# ended when it starts its first, second, ... psql, until there are no more.

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

my ($node, $dir, $cache) = engine_project('temporary_files');
my $superuser = getpwuid($<);
my $temporary = "$dir/temporary";

sub rows { return $node->safe_psql($_[1] // 'shop', $_[0], extra_params => [ '-U', $superuser ]); }

engine_stays();
mkdir $temporary or die $!;
write_revision('001', '', '', 'CREATE TABLE account (id bigint PRIMARY KEY);', 'DROP TABLE account;');
append_to_file("$dir/psql", <<'END');
#!/bin/bash
printf . >>"$COUNTED"
[ "$(wc -c <"$COUNTED")" -ne "$AT" ] || { kill -"$SIGNAL" "$CMIG"; sleep 0.2; }
exec psql "$@"
END
chmod 0755, "$dir/psql";

# swept(BEFORE, ARGUMENT...): ends cmig at each place, after the SQL BEFORE has run
sub swept
{
	my ($before, @arguments) = @_;
	my ($ended, $at, @left) = (0);

	for (my $n = 0; $n < 99; $n++)
	{
		my ($out, $err) = ('', '');

		$at = 1 + int($n / 3);

		rows("SET client_min_messages = error; $before");
		unlink "$dir/counted";
		local @ENV{qw(TMPDIR CMIG_PSQL COUNTED AT SIGNAL)} = ($temporary, "$dir/psql", "$dir/counted", $at, (qw(TERM HUP INT))[$n % 3]);
		IPC::Run::run([ 'bash', '-c', 'export CMIG=$$; exec "$@"', 'bash', $cmig, @arguments ], '<', \undef, '>', \$out, '2>', \$err);
		my $status = $?;
		my $counted = -e "$dir/counted" ? -s "$dir/counted" : 0;

		# what watches a run ends a little later
		for (1 .. 50) { last unless glob("$temporary/*"); select undef, undef, undef, 0.1; }
		push @left, "$ENV{SIGNAL} $at (status $status): " . join(' ', map { -d ? "$_/ " . join(' ', glob("$_/*")) : $_ } glob("$temporary/*")) . "\n$out$err" if glob("$temporary/*");
		system('rm', '-rf', $temporary) == 0 && mkdir $temporary or die;
		last if $counted < $at;
		$ended++ if $status;
	}
	cmp_ok($ended, '>', 0, "cmig @arguments is ended, at $ended of " . ($at - 1) . ' places');
	is_deeply(\@left, [], "cmig @arguments leaves nothing");
}

my $reset = 'DROP SCHEMA IF EXISTS cmig_engine CASCADE; DROP TABLE IF EXISTS account';

swept($reset, 'upgrade', '-y');
swept('', 'status');
swept('', 'stamp', '001');
swept("$reset; CREATE TABLE account (id bigint)", 'capture', '-m', 'x', '--rev-id', '002', '--version-path', 'migrations');

# with the extension, in many databases
unlink 'cmig.conf';
append_to_file('cmig.conf', "folder = migrations\n");
rows('DROP SCHEMA IF EXISTS cmig_engine CASCADE; CREATE EXTENSION pg_cmig');
rows('CREATE DATABASE other TEMPLATE shop', 'postgres');
swept('', '-U', $superuser, '--databases', 'shop,other', 'status');
swept('', '-U', $superuser, '--databases', q{SELECT datname FROM pg_database WHERE datname IN ('shop', 'other')}, 'upgrade', '-y');

done_testing();
