# Copyright (c) 2026, the pg_cmig developers

# Tests bin/cmig with files, settings, and surroundings that are wrong or hostile: each
# causes an error that names the problem, and nothing else happens.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('cmig_wrong');
my $has_terminal = need_tool('IO::Pty', 'perl', '-MIO::Pty', '-e', '1');

$node->start;
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL PAGER LESS)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
chdir $dir or die;
gives(0, 'database wrong is at base', '', 'init', '--create-database', '-d', 'wrong');
$ENV{PGDATABASE} = 'wrong';

sub write_file
{
	my ($file, $text) = @_;

	unlink $file;
	append_to_file($file, $text);
}

sub state { return query($node, 'wrong', q{SELECT coalesce(string_agg(revision, ','), 'base') FROM cmig.version}) }

# refused(FILE, TEXT, MESSAGE): a revision file that no verb accepts
sub refused
{
	my ($file, $text, $message) = @_;
	my $before = state();

	write_file("migrations/$file", $text);
	gives($message =~ /^ERROR/ ? 3 : 2, '', "^$message", $_) foreach qw(upgrade load);
	is(state(), $before, 'nothing was changed');
	unlink "migrations/$file";
}

# Services often run programs with SIGPIPE ignored; no broken pipe must be reported.
$SIG{PIPE} = 'IGNORE';
# A background job of a script ignores SIGINT, which the terminal's Ctrl-C sends.
$SIG{$_} = 'DEFAULT' foreach qw(INT TERM HUP);

# --- files -------------------------------------------------------------------

write_file('migrations/1.sql', "\xef\xbb\xbf-- revision: 1\n-- cmig:upgrade\nCREATE TABLE t1 (x bigint);\n-- cmig:downgrade\nDROP TABLE t1;\n");
write_file('migrations/2.sql', "-- revision: 2\r\n-- down_revision: 1\r\n-- message: CRLF\r\n-- cmig:upgrade\r\nCREATE TABLE t2 (x bigint);\r\n-- cmig:downgrade\r\nDROP TABLE t2;\r\n");
gives(0, 'is at 2', 'added: 1, 2', 'upgrade');
is(query($node, 'wrong', q{SELECT string_agg(message, ',') FROM cmig.revision}), ',CRLF', 'a byte order mark and CRLF are no part of the text');
refused('3.sql', "-- revision: 3\n-- down_revision: 2\n-- message: caf\xe9\n-- cmig:upgrade\n", 'cmig: migrations/3.sql is not valid UTF-8\nTo convert it');
# as PowerShell writes it
refused('3.sql', "\xff\xfe" . join('', map { "$_\0" } split //, "-- revision: 3\r\n"), 'cmig: migrations/3.sql is not valid UTF-8\nTo convert it, for example: iconv -f UTF-16 -t UTF-8');
refused("3\xe9.sql", "-- revision: 3\n-- down_revision: 2\n-- cmig:upgrade\n", 'cmig: the name of the file \S+ is not valid UTF-8');
refused('3.sql', "SELECT 1;\n", 'ERROR:  text before the first revision.s header on line 1 of file "migrations/3.sql"\nHINT:');
refused('3.sql', "-- revision: 2\n", 'ERROR:  revision "2" occurs twice\nDETAIL:  .*2\.sql.*3\.sql');
refused('3.sql', "-- revision: 3\n-- down_revision: nosuch\n-- cmig:upgrade\n", 'ERROR:  the revision graph is broken\nDETAIL:  Revision "3": its down_revision "nosuch"');
refused('3.sql', "-- revision: 3\n-- down_revision: 2\n-- cmig:upgrade\nSELECT 'a\n", 'ERROR:  unterminated quoted string in revision 3, line 4 of file "migrations/3.sql"');
gives(2, '', '^cmig: the command line is not valid UTF-8\n$', 'revision', '-m', "caf\xe9");
gives(0, '^migrations/4_caf\xc3\xa9\.sql\n', '', 'revision', '-m', "caf\xc3\xa9", '--rev-id', '4');
unlink glob('migrations/4*');
gives(2, '', '^cmig: a revision requires a message\n', 'revision', '-m', '');
gives(3, '', '^ERROR:  the message must be one line\n', 'revision', '-m', "two\nlines");
mkdir 'flyway' or die;
write_file('flyway/V1__x.sql', "SELECT '\xe9';\n");
gives(2, '^$', '^cmig: flyway/V1__x.sql is not valid UTF-8\n', 'import', 'flyway', 'flyway');

# psql's commands in a file are not run
write_file('migrations/3.sql', "-- revision: 3\n-- down_revision: 2\n-- cmig:upgrade\n\\! touch pwned\nSELECT :'x' \\gexec\n\\q\n-- cmig:downgrade\n");
gives(3, '', 'ERROR:  psql meta-command ', 'upgrade');
unlink 'migrations/3.sql';
is(query($node, 'wrong', q{SELECT string_agg(revision, ',' ORDER BY revision) FROM cmig.revision}), '1,2', 'a file that fails is not stored');

SKIP:
{
	skip 'root can write everywhere', 2 if $> == 0;
	chmod 0555, 'migrations';
	gives(2, '^$', '^cmig: migrations/\w+_x\.sql cannot be written\n$', 'revision', '-m', 'x');
	chmod 0, 'migrations';
	gives(2, '^$', '^cmig: the folder migrations cannot be read\n$', 'upgrade');
	chmod 0755, 'migrations';
}
gives(2, '^$', '^cmig: nosuch/a/\w+_x\.sql cannot be written\n$', 'revision', '-m', 'x', '--version-path', 'nosuch/a') if !mkdir('nosuch', 0) || $> != 0;

# --- settings ----------------------------------------------------------------

# with(LINES, STATUS, ERRORS, ARGUMENT...): with this cmig.conf
sub with
{
	my ($lines, $status, $errors, @arguments) = @_;

	write_file('wrong.conf', "$lines\n");
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	gives($status, '', $errors, '-c', 'wrong.conf', @arguments);
}

with('folder', 2, '^cmig: wrong.conf: "folder" is not "key = value"\n', 'current');
with('folder =', 2, '^cmig: wrong.conf: folder has no value\n', 'current');
with('x[$(touch pwned)] = 1', 2, '^cmig: wrong.conf: unknown key', 'current');
with('jobs = a[$(touch pwned)]', 2, '--jobs must be a number', 'current', '--databases', 'wrong');
with('file_template = ../%(rev)s', 3, 'could lead outside the folder', 'revision', '-m', 'x');
with('file_template = %(rev)s' . "'); DROP TABLE t1; --", 0, '', 'revision', '-m', 'x', '--sql');
with('target = $(touch pwned)', 2, 'there is no file or command for the target: \$\(touch pwned\)', 'diff');
with('target = cat nosuch.sql; touch pwned', 2, 'target command failed', 'diff');
with("target = $_", 2, "^cmig: there is no file or command for the target: \Q$_\E\n\$", 'diff') foreach '.', 'eval touch pwned', 'fail 1';
with("target = printf SELECT$_", 2, '^cmig: the target schema is not valid UTF-8: [^\n]*\n$', 'diff') foreach '\\0', '\\377';
write_file('zero.sql', "SELECT\0 1;");
with('target = zero.sql', 2, '^cmig: (\./)?zero.sql contains a zero byte\n$', 'diff');
unlink 'zero.sql';
with("schemas = x'; DROP TABLE t1; --\ntarget = /dev/null", 0, 'schema "x\'; DROP TABLE t1; --" exists neither', 'diff');
# PostgreSQL 19 does not allow the setting to be off
{
	local $ENV{PGOPTIONS} = '-c standard_conforming_strings=' . (string_styles($node))[-1];
	with("schemas = news , sales\ntarget = /dev/null", 0, '^(?!.*nonstandard)(?s:.*)schema "news" exists neither', 'diff');
}
with("[prod]\njobs = 2", 2, '^cmig: wrong.conf has no line \[pord\]\n$', '-n', 'pord', 'current');
with("[prod]\njobs = 2", 0, '^$', '-n', 'prod', 'current');
gives(2, '^$', '^cmig: cmig.conf has no line \[prod\]\n$', '-n', 'prod', 'upgrade');
is(query($node, 'wrong', q{SELECT to_regclass('t1')}), 't1', 'no setting was run as SQL');
mkdir 'sub' or die;
write_file('sub/schema.sql', 'CREATE TABLE t1 (x bigint); CREATE TABLE t2 (x bigint);');
write_file('sub/cmig.conf', "target = schema.sql\nfolder = ../migrations\n");
gives(0, '', '^$', '-c', 'sub/cmig.conf', 'diff');

# .env and the environment
write_file('.env', join("\n", 'PGDATABASE=\'wrong\'', 'LD_PRELOAD=/nosuch.so', 'PATH=/nosuch', 'BASH_ENV=pwned', 'PSQLRC=$(touch pwned)', 'CMIG_PSQL=touch pwned',
	'a[$(touch pwned)]=1', 'PGPASSWORD=`touch pwned`', ''));
{
	delete local $ENV{PGDATABASE};
	gives(0, '2', '^$', 'current', '--env');
	# as editors of Windows write it
	write_file('marked.env', "\xef\xbb\xbfPGDATABASE=wrong\r\n");
	gives(0, '2', '^$', 'current', '--env=marked.env');
	write_file('wide.env', "\xff\xfe" . join('', map { "$_\0" } split(//, "\nPGDATABASE=wrong\n")));
	gives(2, '^$', '^cmig: wide.env contains a zero byte\n$', 'current', '--env=wide.env');
}
# psql is asked for its version only after it has failed
mkdir 'old';
write_file('old/psql', "#!/bin/sh\n[ \"\$1\" != --version ] || { echo 'psql (PostgreSQL) 10.23'; exit; }\nexit 3\n");
chmod 0755, 'old/psql';
{
	local $ENV{PATH} = "$dir/old:$ENV{PATH}";
	gives(4, '', '^cmig: psql 11 or newer is required; this is psql \(PostgreSQL\) 10', 'current');
}

write_file('.psqlrc', "\\! touch pwned\n");
{
	local $ENV{HOME} = $dir;
	local $ENV{PSQLRC} = "$dir/.psqlrc";
	local $ENV{PGOPTIONS} = '-c search_path=nosuch,pg_catalog';
	local $ENV{PGCLIENTENCODING} = 'LATIN1';
	local $ENV{PAGER} = 'touch pwned';
	local $ENV{POSIXLY_CORRECT} = 1;
	local $ENV{TERM} = '';
	gives(0, '2', '^$', 'current');
	gives(0, 'nothing to upgrade|^$', '', 'upgrade');
}
ok(!-e 'pwned', 'no command was run');
# a folder in CDPATH that has the name of the folder of cmig
mkdir $_ foreach 'cdpath', 'cdpath/bin';
IPC::Run::run([ 'bash', '-c', 'cd "${1%/*}/.." && CDPATH=$2 bash bin/cmig --version', 'cdpath', $cmig, "$dir/cdpath" ], '>', \my $cdpath, '2>&1');
like($cdpath, qr/^cmig \(pg_cmig\) [0-9.]+$/, 'CDPATH has no effect');
gives(3, '^$', 'invalid value for parameter "cmig.scope": "public"', 'downgrade', 'base', '-y', '-x', 'cmig.scope=public');
gives(3, '^$', 'invalid configuration parameter name "cmig.nosuch"', 'upgrade', '-x', 'cmig.nosuch=1');
gives(3, '^$', 'invalid configuration parameter name "cmig_var\.a.b"', 'upgrade', '-x', "a'b=1");

# --- words -------------------------------------------------------------------

gives(0, '^usage: cmig ', '^$', '--help');
gives(0, '^usage: cmig upgrade', '^$', 'upgrade', '--help');
gives(3, "", "HINT:.*\ncmig: unknown verb \"upgarde\"\nDid you mean upgrade\\? cmig help upgrade shows it; cmig help lists the verbs\n\$", "help", "upgarde");
gives(3, "", "\nDid you mean revision --autogenerate\\? cmig help revision shows it; ", "help", "makemigrations");
is(join("\n", grep { length > 100 } split /\n/, (cmig($_, 'help'))[1]), '', 'the help fits 100 columns') foreach '--no-pager';
{
	delete local $ENV{PGDATABASE};
	local $ENV{DATABASE_URL} = 'postgresql:///wrong';
	gives(5, '', 'revert all revisions of the database wrong, losing', 'reset');
	delete $ENV{DATABASE_URL};
	local $ENV{PGSERVICEFILE} = "$dir/services";
	local $ENV{PGSERVICE} = 'shop';
	write_file('services', "[shop]\ndbname=wrong\n");
	gives(5, '', 'revert all revisions of the database wrong, losing', 'reset');
	# a service is not what was chosen
	gives(0, 'at base', '', 'init', '--create-database', '-d', 'chosen');
	gives(5, '', 'revert all revisions of the database chosen, losing', 'reset', '-d', 'chosen');
	gives(0, '(?s)^== wrong ==\ndatabase +wrong\n.*== chosen ==\ndatabase +chosen\n', '', 'status', '--databases', 'wrong,chosen');
}

# Long messages, and many files that are gone
write_file('migrations/3.sql', "-- revision: 3\n-- down_revision: 2\n-- message: " . 'long ' x 60 . "\n-- cmig:upgrade\nSELECT 1;\n-- cmig:downgrade\nSELECT 1;\n");
gives(0, '^o 3 [^\n]*\.\.\.\n', '^$', 'graph');
gives(0, 'is at 3', '', 'upgrade');
gives(5, '', '^  3, (long ){13}lo\.\.\.\n', 'downgrade', '2');
my $long = 'i' x 128;
write_file('migrations/4.sql', revision_file($long, '3', 'SELECT 1;', 'SELECT 1;'));
gives(0, "is at $long", '', 'upgrade');
foreach my $arguments (['graph'], ['history'], ['current'], ['log'], ['plan'], ['heads'])
{
	is(join("\n", grep { length > 100 } split /\n/, (cmig(@$arguments))[1]), '', "100 columns: @$arguments");
}
gives(0, 'i{60}', '', 'history', '-v');
gives(0, 'is at 2', '', 'downgrade', '2', '-y');
unlink 'migrations/3.sql', 'migrations/4.sql';
gives(0, '3 +\| removed', '', 'load', '--prune');

# --- a terminal --------------------------------------------------------------

SKIP:
{
	skip 'IO::Pty is not installed', 6 unless $has_terminal;
	# Ctrl-C several times, because it could come before the shell waited for an answer
	foreach my $answer (("\003") x 5, "\004", "\n", "maybe\n")
	{
		my ($in, $shown) = ('', '');
		my $run = IPC::Run::start([ $cmig, 'downgrade', 'base' ], '<pty<', \$in, '>pty>', \$shown, '2>&1', IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
		$run->pump until $shown =~ /\[y\/N\]/ || !$run->pumpable;
		$in = $answer;
		$run->finish;
		my $status = $? >> 8;
		my $name = join ' ', map { sprintf '%02x', ord } split //, $answer;
		is($status, $answer eq "\003" ? 130 : 5, "not confirmed: $name") or diag($shown);
		is(state(), '2', 'nothing was changed');
	}
	# the question for a password, which comes again after each Ctrl-C
	foreach my $answer (("\003") x 5, "\004", "secret\n")
	{
		my ($in, $shown) = ('', '');
		my $run = IPC::Run::start([ $cmig, 'current', '--password' ], '<pty<', \$in, '>pty>', \$shown, '2>&1', IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
		$run->pump until $shown =~ /Password: / || !$run->pumpable;
		$in = $answer;
		$run->finish;
		is($? >> 8, $answer eq "\003" ? 130 : $answer eq "\004" ? 2 : 0, 'password: ' . ($answer =~ /\w/ ? 'typed' : sprintf '%02x', ord $answer)) or diag($shown);
		unlike($shown, qr/secret/, 'the password is not shown');
	}
	write_file('pager', "#!/bin/sh\n[ \"\$1\" = -x ] && sed 's/^/paged /'\n");
	chmod 0755, 'pager';
	local $ENV{PAGER} = './pager -x';
	like((on_terminal('', 'history'))[1], qr/^paged  revision/m, 'a pager with an option');
}

# Interrupted in several databases: those that are under way are canceled, and no
# others begin
SKIP:
{
	skip 'IO::Pty is not installed', 3 unless $has_terminal;
	query($node, 'postgres', "CREATE DATABASE several_$_ TEMPLATE wrong") foreach 1 .. 3;
	mkdir 'slow' or die;
	append_to_file('slow/3.sql', revision_file('3', '2', 'SELECT pg_sleep(600);', 'SELECT 1;'));
	my ($in, $shown) = ('', '');
	my $run = IPC::Run::start([ $cmig, 'upgrade', '3', '--folder', 'slow', '--databases', 'several_1,several_2,several_3', '--jobs', '2' ],
		'<pty<', \$in, '>pty>', \$shown, '2>&1', IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname LIKE 'several%'}) or die $shown;
	$in = "\003";
	$run->pump until $in eq '' || !$run->pumpable;
	$run->finish;
	is($? >> 8, 130, 'interrupted') or diag($shown);
	is(join(' ', $shown =~ /^(several_\d +(?:failed \(130\)|not run))/mg) =~ s/ +/ /gr, 'several_1 failed (130) several_2 failed (130) several_3 not run', 'the table') or diag($shown);
	is(query($node, "several_$_", q{SELECT string_agg(revision, ',') FROM cmig.version}), '2', "several_$_: nothing was changed") foreach 1 .. 3;
}

# A statement that somebody else cancels stops only its own database
{
	query($node, 'postgres', "CREATE DATABASE canceled_$_ TEMPLATE wrong") foreach 1, 2;
	mkdir 'canceled' or die;
	append_to_file('canceled/3.sql', revision_file('3', '2', q{SELECT pg_sleep(600) WHERE current_database() = 'canceled_1';}, 'SELECT 1;'));
	my $shown = '';
	my $run = IPC::Run::start([ $cmig, 'upgrade', '3', '--folder', 'canceled', '--databases', 'canceled_1,canceled_2', '--jobs', '1' ],
		'<', \undef, '>', \$shown, '2>&1', IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$node->poll_query_until('postgres', q{SELECT count(pg_cancel_backend(pid)) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = 'canceled_1'}) or die $shown;
	$run->finish;
	like($shown, qr/^canceled_1 +failed \(3\).*\ncanceled_2 +done$/m, 'a statement is canceled in one database, and the others are upgraded');
}

# SIGTERM or SIGHUP, sent to cmig alone or to all its processes: the statement is canceled
write_file('slow/3.sql', revision_file('3', '2', 'SELECT pg_sleep(600);', 'SELECT 1;')) if -d 'slow' || mkdir 'slow';
foreach my $case ([ 'TERM', 143 ], [ 'HUP', 129 ], [ '-TERM', 143 ], [ 'TERM', 143, '--databases', 'wrong' ], [ '-TERM', 143, '--databases', 'wrong' ])
{
	my ($signal, $expected, @options) = @$case;
	my ($out, $err) = ('', '');
	# in a process group of its own
	my $run = IPC::Run::start([ 'perl', '-e', 'setpgrp; exec @ARGV or die', $cmig, 'upgrade', '3', '--folder', 'slow', @options ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	my $pid = ($run->{KIDS}[0] // {})->{PID} or die;
	my $sleeps = q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = 'wrong'};
	$node->poll_query_until('postgres', $sleeps, '1') or die $err;
	# verbs that only show something do not wait for the run, and status does not even try
	gives(0, '\nrunning +upgrade of 3, statement 1', '^$', 'status', '--folder', 'slow') if $signal eq 'HUP';
	gives(3, '', 'the files could not be loaded; this is what the database has\n', 'history', '--folder', 'slow') if $signal eq 'HUP';
	kill $signal, $pid;
	$run->finish;
	is($? >> 8, $expected, "$signal @options") or diag("$out$err");
	like($out, qr/\ndatabase +status\nwrong +failed \(130\)/, "$signal @options: the results") if @options;
	is(query($node, 'postgres', $sleeps), '0', 'the statement was canceled');
	is(state(), '2', 'nothing was changed');
}
query($node, 'wrong', q{DELETE FROM cmig.revision WHERE revision = '3'});

# Files of many applied revisions are gone
{
	query($node, 'postgres', 'CREATE DATABASE gone TEMPLATE wrong');
	foreach my $number (10 .. 25)
	{
		query($node, 'gone', "SELECT cmig.create_revision('m', 'SELECT 1', 'SELECT 1', revision => 'r$number')");
	}
	query($node, 'gone', 'SELECT cmig.upgrade()');
	gives(0, '', 'WARNING:  revision "r10" is applied, but there is no file for it\n.*WARNING:  6 more revisions are stored, but there are no files for them\n', 'upgrade', '-d', 'gone');
}

# A name with a line break is not two names
SKIP:
{
	skip 'PostgreSQL 19 has no such names of databases', 2 if $node->pg_version->major >= 19;
	query($node, 'postgres', qq{CREATE DATABASE "tenant\nwrong" TEMPLATE wrong});
	gives(0, '^== tenant\?wrong ==\n[^=]*\n\ndatabase +status\ntenant\?wrong +done\n$', '', 'downgrade', 'base', '-y', '--databases', q{SELECT datname FROM pg_database WHERE datname LIKE 'tenant%'});
	is(state(), '2', 'the other database is left alone');
}
gives(4, '^== nosuch ==\n', '', 'current', '--databases', 'nosuch');
like((cmig('current', '--databases', 'nosuch'))[1], qr/HINT:  To create it: cmig init --create-database -d nosuch\n/, 'the hint names the database');

gives(2, '^$', '^cmig: --databases requires names of databases, or a query\ncmig current --databases a,b,c\n', 'current', '--databases', $_) foreach '', ' , ';
gives(0, '^$', '^cmig: the query returns no database\n$', 'current', '--databases', 'SELECT 1 WHERE false');
is(system("$cmig upgrade 2 >&- 2>&-") >> 8, 0, 'closed output');

# --- several at once ---------------------------------------------------------

write_file('migrations/3.sql', revision_file('3', '2', 'CREATE TABLE t3 (x bigint); SELECT pg_sleep(1);', 'DROP TABLE t3;'));
my @runs = map { start_cmig() } 1 .. 3;

sub start_cmig
{
	my %run = (out => '', err => '');

	$run{handle} = IPC::Run::start([ $cmig, 'upgrade' ], '<', \undef, '>', \$run{out}, '2>', \$run{err});
	return \%run;
}
foreach my $run (@runs) { $run->{handle}->finish }
is(join(' ', map { $_->{handle}->full_results } @runs), '0 0 0', 'three shells at once') or diag(map { $_->{err} } @runs);
is(scalar(grep { $_->{err} =~ /upgrade 2 -> 3/ } @runs), 1, 'one of them upgrades');
is(state(), '3', 'the revision is applied');

# The part of a line that arrives before read's second is over is not lost
my $read = 'terminated="" psql_pid=""; eval "$(sed -n "/^read_line()/,/^}/p" "$0")"; read_line line < <(printf ab; sleep 1.5; echo cd); echo "$line"';
open(my $bash, '-|', 'bash', '-c', $read, "$CmigNode::top/share/cmig/connection.bash") or die $!;
is(<$bash>, "abcd\n", 'a line that arrives in two parts');

done_testing();
