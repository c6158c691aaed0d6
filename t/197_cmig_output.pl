# Copyright (c) 2026, the pg_cmig developers

# What cmig prints and reads does not depend on how the session reads strings; and output
# that cannot be written is one error, with its exit status.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('cmig_output');
$node->start;
chdir PostgreSQL::Test::Utils::tempdir() or die;
delete @ENV{qw(DATABASE_URL CMIG_CONFIG CMIG_PSQL PAGER LESS)};
@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'shop');
gives(0, '', '', 'init', '--create-database');
append_to_file("migrations/$_.sql", revision_file("r$_", $_ > 1 ? 'r' . ($_ - 1) : '', "CREATE TABLE t$_ (a int)", "DROP TABLE t$_")) foreach 1, 2;
gives(0, 'is at r2', '', 'upgrade', '-y');

# a revision without a file is not followed, however the session reads strings
rename 'migrations/2.sql', 'kept' or die;
foreach my $strings (string_styles($node))
{
	local $ENV{PGOPTIONS} = "-c standard_conforming_strings=$strings";

	gives(3, '^$', '^ERROR:  revision "r2" is to be followed, but there is no file for it\n[^\n]*cmig export r2\n$', 'revision', '-m', "Strings $strings");
}
rename 'kept', 'migrations/2.sql' or die;
is_deeply([ glob 'migrations/*' ], [ 'migrations/1.sql', 'migrations/2.sql' ], 'no file was written');

# the encoding of the client is UTF8, whatever the environment says
{
	local $ENV{PGDATABASE} = 'euc';
	local $ENV{PGCLIENTENCODING} = 'LATIN1';

	query($node, 'postgres', "CREATE DATABASE euc TEMPLATE template0 ENCODING 'EUC_JP' LOCALE 'C'; ALTER DATABASE euc SET client_encoding = 'SJIS'");
	gives(0, 'database euc is at base', '^$', 'init');
	gives(0, 'is at r2', 'added: r1, r2', 'upgrade', '-y');
	append_to_file('target.sql', "CREATE TABLE \"\xe4\" ();\n");
	gives(2, '^$', '^cmig: the target schema is not valid UTF-8: target.sql\n[^\n]*iconv -f LATIN1 -t UTF-8', 'diff', '--target', 'target.sql');
}

# a note about a file is not longer than ten lines, except with -v
append_to_file('migrations/3.sql', revision_file('r3', 'r2', join(' ', map { "INSERT INTO t1 VALUES ($_);" } 1 .. 12), 'DELETE FROM t1'));
mkdir 'squashed' or die;
gives(0, 'squashed/s3_squashed.sql', '(?:; unresolved: [^;\n]*){9}; and 2 more\n$', 'squash', 'r2:r3', '-m', 'Squashed', '--rev-id', 's3', '--version-path', 'squashed');
gives(0, 'squashed/s4_squashed.sql', '(?:; unresolved: [^;\n]*){11}\n$', 'squash', 'r2:r3', '-m', 'Squashed', '--rev-id', 's4', '--version-path', 'squashed', '-v');
unlink 'migrations/3.sql';
# a lost connection says how to see what was done
append_to_file('migrations/4.sql', revision_file('r4', 'r2', 'SELECT pg_terminate_backend(pg_backend_pid())', '-- nothing'));
gives(4, '', 'connection to server was lost\nHINT:  cmig status\n$', 'upgrade', '-y');
unlink 'migrations/4.sql';
# a folder that cmig.conf does not name is not used without a word; and there is no part of cmig.conf
gives(0, 'is at r2', '^cmig.conf has another folder than other\nHINT:  In cmig.conf: folder = other\n$', 'init', 'other');
gives(0, 'is at r2', '^$', 'init', 'migrations/');
is(system("ulimit -f 0; trap '' XFSZ; exec $cmig -c new.conf init 2>errors") >> 8, 2, 'no file can be written');
ok(!-e 'new.conf', 'there is no new.conf');

# an earlier report is not lost if the new one cannot be written
gives(0, '^$', '^$', 'report', 'report.html') foreach 1, 2;
my $page = slurp_file('report.html');
like($page, qr/make r2/, 'the report');
is(system("ulimit -f 2; trap '' XFSZ; exec $cmig report report.html 2>errors") >> 8, 2, 'a limit of the size of files');
is(slurp_file('errors'), "cmig: report.html cannot be written\n", 'the message');
is(slurp_file('report.html'), $page, 'the report is still there');

# to_full(STATUS, MESSAGES, ARGUMENT...): calls cmig, with an output that cannot be written
sub to_full
{
	my ($status, $messages, @arguments) = @_;
	my $errors = '';

	IPC::Run::run([ $cmig, @arguments ], '<', '/dev/null', '>', '/dev/full', '2>', \$errors);
	is($? >> 8, $status, "@arguments");
	like($errors, qr/$messages/, 'its messages');
	unlike($errors, qr/: line \d|write error/, 'not of bash or another program');
}

SKIP:
{
	my $lost = 'cmig: the output cannot be written\n$';

	skip 'there is no /dev/full', 1 unless -c '/dev/full';
	to_full(2, "^$lost", @$_) foreach map { [ split ' ' ] } '--version', '--help', 'help', 'help options', 'upgrade --help', 'completion', 'manual', 'folders', 'list-templates',
	  'current', 'status', 'history', 'log', 'report', 'script upgrade base:r1', 'show r1', 'load', 'revision -m one --rev-id w1', 'revision -m two --sql';
	ok(-e 'migrations/w1_one.sql', 'the file is there');
	unlink 'migrations/w1_one.sql';
	to_full(2, "^downgrade r2 -> r1, make r2\n$lost", 'downgrade', 'r1', '-y');
	to_full(2, "upgrade r1 -> r2, make r2\n$lost", 'upgrade', '-y', '--stepwise');
	is(query($node, 'shop', 'SELECT revision FROM cmig.version'), 'r2', 'the run is complete');
	to_full(2, "^$lost", 'current', '--databases', 'shop,shop');
	to_full(4, $lost, 'current', '--databases', 'shop,nosuch');
}

$node->stop;
done_testing();
