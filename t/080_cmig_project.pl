# Copyright (c) 2026, the pg_cmig developers

# Tests bin/cmig in projects.  doc/command-line.md lists commands that can replace a
# team's scripts; each of these is run, and its effect is checked.  Other tests cover
# completion in bash, the pager and colors, several databases, a standby server,
# baseline, squash, the import of another tool's state, and docker compose.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Text::ParseWords ();

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('cmig_project');
my $has_terminal = need_tool('IO::Pty', 'perl', '-MIO::Pty', '-e', '1');

$node->start;
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL PAGER LESS NO_COLOR)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{TERM} = 'xterm';

query($node, 'postgres', 'CREATE DATABASE template_cmig');
query($node, 'template_cmig', 'CREATE EXTENSION pg_cmig');

# project(NAME): creates a folder, which becomes the current one, and a database with
# the extension.  The folder contains the revisions 001 to 004, which create the table
# account and add columns to it; they are not loaded.
sub project
{
	my ($name) = @_;

	query($node, 'postgres', qq{CREATE DATABASE "$name" TEMPLATE template_cmig});
	mkdir "$dir/$name";
	chdir "$dir/$name" or die;
	$ENV{PGDATABASE} = $name;
	gives(0, '', '', 'init');
	add_file('001', '', 'CREATE TABLE account (id int PRIMARY KEY);', 'DROP TABLE account;');
	foreach my $number (2 .. 4)
	{
		add_file("00$number", '00' . ($number - 1), "ALTER TABLE account ADD c$number int;", "ALTER TABLE account DROP c$number;");
	}
}

sub add_file
{
	my ($id, @rest) = @_;

	append_to_file("migrations/$id.sql", revision_file($id, @rest));
}

# Returns the applied revision and the columns of account in the project's database.
sub state { return query($node, $ENV{PGDATABASE}, q{SELECT coalesce(string_agg(revision, ','), 'base') FROM cmig.version}) }

sub columns
{
	return query($node, $ENV{PGDATABASE}, q{SELECT coalesce(string_agg(attname, ' ' ORDER BY attnum), 'none') FROM pg_attribute WHERE attrelid = to_regclass('account') AND attnum > 0 AND NOT attisdropped});
}

# --- in place of scripts -----------------------------------------------------

# Each command, with the revision that is applied before, and a function that takes the
# exit status and the output and returns what is wrong.
my $shows_004 = sub { $_[1] =~ /\b004\b/ ? '' : 'it does not show 004' };
my $at = sub { my ($revision, $columns) = @_; return sub { state() eq $revision && columns() eq $columns ? '' : state() . ': ' . columns() } };
my $all = 'id c2 c3 c4';
my $new_file = sub {
	my ($slug, $pattern) = @_;
	return sub {
		my ($file) = $_[1] =~ /^(migrations\/\S+_$slug\.sql)$/m or return 'it does not print a path';
		my $text = slurp_file($file);
		$text =~ /^-- down_revision: 004$/m or return "the parent of $file is wrong";
		$text =~ $pattern or return "$file is wrong: $text";
		unlink $file;
		return '';
	};
};
my %commands = (
	'cmig init' => [ '004', sub { -e 'cmig.conf' && -d 'migrations' ? '' : 'no files' } ],
	'cmig init --create-database -d shop' => [ '004', sub { query($node, 'shop', q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_cmig'}) eq '1' ? '' : 'no extension' } ],
	'cmig revision -m "Add a field"' => [ '004', $new_file->('add_a_field', qr/^-- cmig:upgrade\n\s*-- cmig:downgrade/m) ],
	'cmig revision -m "Move data"' => [ '004', $new_file->('move_data', qr/^-- cmig:upgrade\n\s*-- cmig:downgrade/m) ],
	'cmig revision --autogenerate -m "Add a field"' => [ '004', $new_file->('add_a_field', qr/ADD COLUMN field text(.|\n)*DROP COLUMN field/) ],
	'cmig upgrade' => [ '002', $at->('004', $all) ],
	'cmig upgrade -y' => [ '002', $at->('004', $all) ],
	'cmig upgrade 004' => [ 'base', $at->('004', $all) ],
	'cmig upgrade abc123' => [ '004', $at->('abc123', "$all c5") ],
	'cmig downgrade -1' => [ '004', $at->('003', 'id c2 c3'), 'y' ],
	'cmig downgrade 003' => [ '004', $at->('003', 'id c2 c3'), 'y' ],
	'cmig downgrade base' => [ '004', $at->('base', 'none'), 'y' ],
	'cmig reset' => [ '004', sub { query($node, $ENV{PGDATABASE}, q{SELECT count(*) FROM cmig.journal WHERE direction = 'downgrade'}) eq '4' ? $at->('004', $all)->() : 'no downgrades' }, 'y' ],
	'cmig stamp head' => [ 'base', $at->('004', 'none') ],
	'cmig status' => [ '004', $shows_004 ],
	'cmig current' => [ '004', $shows_004 ],
	'cmig heads' => [ '002', $shows_004 ],
	'cmig history' => [ '002', sub { $_[1] =~ /004.*003.*002.*current.*001/s ? '' : 'not all revisions' } ],
	'cmig history --verbose' => [ '002', sub { $_[1] =~ /irreversible/ ? '' : 'no details' } ],
	'cmig check' => [ '004', sub { $_[1] =~ /^notice +pg_dump/m ? '' : 'no lines' } ],
);

my ($section) = slurp_file("$CmigNode::top/doc/command-line.md") =~ /^## In place of scripts\n(.*?)^## /ms or die;
my @rows = grep { !/^\|(?:---| \|)/ } $section =~ /^(\|.*\|)$/mg;
my $number = 0;
foreach my $row (@rows)
{
	my ($typed, @cells) = $row =~ /^\| (.*?) \| (.*) \|$/;
	foreach my $command (($cells[0] // '') =~ /`(cmig [^`]+)`/g)
	{
		my $case = $commands{$command};
		ok($case, "$typed: there is a test for $command") or next;
		my ($before, $judge, $answer) = @$case;
		SKIP:
		{
			skip 'IO::Pty is not installed', 1 if $answer && !$has_terminal;
			query($node, 'postgres', 'DROP DATABASE IF EXISTS shop');
			project('team' . ++$number);
			append_to_file('schema.sql', "CREATE TABLE account (id int PRIMARY KEY, c2 int, c3 int, c4 int, field text);\n");
			append_to_file('cmig.conf', "target = schema.sql\n");
			cmig('upgrade', $before) if $before ne 'base';
			if ($before eq 'base') { cmig('load') }
			add_file('abc123', '004', 'ALTER TABLE account ADD c5 int;', 'ALTER TABLE account DROP c5;') if $command =~ /abc123/;
			if ($command eq 'cmig check')
			{
				unlink 'schema.sql';
				append_to_file('schema.sql', "CREATE TABLE account (id int PRIMARY KEY, c2 int, c3 int, c4 int);\n");
			}
			my (undef, @arguments) = Text::ParseWords::shellwords($command);
			my ($status, $output, $errors) = $answer ? on_terminal("$answer\n", @arguments) : cmig(@arguments);
			my $wrong = $status == 0 ? $judge->($status, $output) : "exit status $status";
			is($wrong, '', "$typed: $command") or diag($output, $errors // '');
		}
	}
}
ok(@rows > 15, 'the tables have rows');

# --- objects of other programs ------------------------------------------------

project('others');
append_to_file('schema.sql', "CREATE TABLE account (id int PRIMARY KEY, c2 int, c3 int, c4 int);\n");
append_to_file('cmig.conf', "target = schema.sql\n");
gives(0, '', '', 'upgrade', '-q');
query($node, 'others', 'CREATE TABLE job (id bigserial PRIMARY KEY, account int REFERENCES account); CREATE SCHEMA partman; CREATE TABLE partman.part_config (); CREATE VIEW v AS SELECT');
gives(1, '', 'drop table public.job', 'check');
append_to_file('cmig.conf', "exclude = public.job*, partman.*\n");
gives(1, '', '(?s)^(?!.*(job|partman)).*drop view public.v', 'check');
gives(1, '', 'drop table public.job', 'check', '--exclude', 'view:*');
append_to_file('cmig.conf', "compare = models\n");
gives(0, '', '', 'check');
gives(0, '', '', 'diff');
gives(1, '^view +public.v: was created\n +DROP VIEW public.v', '', 'drift', '--compare', 'all');
gives(0, '', '', 'drift');
gives(3, '', 'unknown kind of object "tabel"', 'diff', '--exclude', 'tabel:*.job');
add_file('005', '004', 'DROP TABLE account;', 'CREATE TABLE account ();');
gives(1, 'SET statement_timeout', '', 'lint');
append_to_file('cmig.conf', "lint_ignore = require-statement-timeout\n");
gives(1, '(?s)^(?!.*SET statement_timeout).*dependent-objects', '', 'lint');
gives(1, 'SET statement_timeout', '', '-x', 'cmig.lint_ignore=', 'lint');
gives(1, '(?s)ban-drop-table.*were not read.*dependent-objects', '', 'lint', '--no-facts');
add_file('007', '004', 'ALTER TABLE account RENAME COLUMN id TO number;', 'SELECT 1;');
gives(0, '007\S*[.]sql: notice: old and new builds', '', 'lint', '--no-facts', '007');
unlink glob '*/*007*.sql';
add_file('008', '004', 'DO $$ BEGIN DROP TABLE job; END $$;', 'SELECT 1;');
gives(0, '(?s)^(?!.*is dropped)', '', 'lint', '008');
gives(1, '008\S*[.]sql:[0-9]+: error: table public.job is dropped', '', 'lint', '--rehearse', '008');
gives(3, '', 'cannot be rehearsed without the tables', 'lint', '--rehearse', '--no-facts');
gives(1, '(?sm)^notice +lint: cmig.lint finds 2 errors.*cmig lint heads --rehearse', '', 'check', '--rehearse');
unlink glob '*/*008*.sql';
query($node, 'others', 'INSERT INTO job DEFAULT VALUES');
add_file('006', '005', 'ALTER TABLE job ALTER account SET NOT NULL;', 'ALTER TABLE job ALTER account DROP NOT NULL;');
gives(1, '006.sql:[0-9]+: error: SET NOT NULL fails, because\s+rows\s+of\s+job\s+have\s+NULL\s+in', '', 'lint', '--probe');
gives(1, '(?s)^(?!.*violated-by-rows)', '', 'lint');
gives(3, '', 'cannot be read without the tables', 'lint', '--probe', '--no-facts');
my $locker = $node->background_psql('others');
$locker->query_safe('BEGIN; LOCK job');
gives(1, '', '', 'lint');
gives(1, 'notice: rows of job were not read: canceling\s+statement', '', 'lint', '--probe');
$locker->quit;

# --- revisions without a file, and what was captured ---------------------------

# revisions that were only stamped are replayed with the session's search_path
project('captured');
query($node, 'captured', 'CREATE TABLE account (id int PRIMARY KEY, c2 int, c3 int, c4 int)');
gives(0, 'is at 004', '', 'stamp', '004');
query($node, 'captured', 'ALTER TABLE account ADD c5 int');
gives(0, '^migrations/005_five.sql\n$', '', 'capture', '-m', 'five', '--rev-id', '005');
gives(0, '', 'revision "005" is recorded as applied, because it was captured', 'upgrade');
is(state(), '005', 'what was captured counts as applied');

# a new file does not follow an applied revision without a file
project('gone');
gives(0, 'is at 004', '', 'upgrade');
rename 'migrations/004.sql', '004.sql' or die;
append_to_file('schema.sql', "CREATE TABLE account (id int PRIMARY KEY, c2 int, c3 int, c4 int, c5 int);\n");
my $followed = 'revision "004" is to be followed, but there is no file for it\nHINT:  [^\n]*: cmig export 004\n';
gives(3, '', $followed, 'revision', '-m', 'five');
gives(3, '', $followed, 'revision', '-m', 'five', '--autogenerate', '--target', 'schema.sql');
gives(3, '', $followed, 'revision', '-m', 'five', '--head', '003', '--splice', '--depends-on', '004');
gives(0, '^-- revision: 005\n-- down_revision: 003\n', '', 'revision', '-m', 'five', '--rev-id', '005', '--head', '003', '--splice', '--sql');
gives(0, '^-- revision: 005\n-- down_revision: 004\n', '', 'revision', '-m', 'five', '--rev-id', '005', '--sql', '--no-load');
my $nofile = 'revision "004" is applied, but there is no file for it\n +-> [^\n]*\s+database: cmig export 004\n';
gives(0, "no file +$nofile", '', 'status');
gives(0, "warning +$nofile", '', 'check');
add_file('005', '003', 'SELECT 1;', 'SELECT 1;');
gives(3, '', $followed, 'merge', 'heads', '-m', 'merge');
ok(join(' ', glob('migrations/*')) !~ /five|merge/, 'nothing was written');
unlink glob 'migrations/*';
gives(3, '', $followed, 'revision', '-m', 'five');
gives(0, '^migrations/001\S*\n(.*\n)*migrations/004\S*\n$', '', 'export');
gives(0, '^migrations/005_five.sql\n$', '', 'revision', '-m', 'five', '--rev-id', '005');

# the log tells recording from removing, and cuts nothing with -v
gives(0, 'is at 003', '', 'stamp', '003');
gives(0, ' stamp +\| 003 .*\n[^\n]* stamp removed +\| 004 ', '', 'log');
query($node, 'gone', "INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role, sqlstate, message) VALUES (100, '004', 'upgrade', 'failed', now(), '1 s', current_user, 'XX000', repeat('long ', 200) || E'end\\nlast')");
gives(0, '(?s)^(?!.*last)', '', 'log');
my (undef, $log) = cmig('-v', 'log', '--limit', '1');
like($log =~ s/[^\w]//gr, qr/(?:long){200}endlast/, 'cmig log -v shows the whole message');

# --- stages -------------------------------------------------------------------

project('stages');
append_to_file('schema.sql', "CREATE TABLE account (id int PRIMARY KEY, c2 int, c3 int, name text NOT NULL);\n");
append_to_file('cmig.conf', "target = schema.sql\n");
gives(0, '', '', 'upgrade', '-q');
gives(2, '', '--stages requires --autogenerate', 'revision', '-m', 'Names', '--stages');
gives(0, '(?s)migrations/005_names_expand.sql.*006_names_fill.sql.*007_names_contract.sql', 'data loss: column public.account.c4', 'revision', '--autogenerate', '-m', 'Names', '--rev-id', '005', '--stages');
gives(1, 'data loss: column public.account.c4', '', 'diff');
query($node, 'stages', 'INSERT INTO account VALUES (1)');
gives(0, '', '', 'upgrade', '--stepwise', '-q', '005');
gives(3, '', 'check constraint "cmig_name_not_null" .* is violated', 'upgrade', '--stepwise', '-y', '-q', '006');
query($node, 'stages', q{UPDATE account SET name = 'Ann'});
gives(0, 'is at 007', '006 -> 007', 'upgrade', '--stepwise', '-y');
gives(0, 'pg_dump', '', 'check');
is(columns(), 'id c2 c3 name', 'the chain ends at the target');

# --- two versions at once -----------------------------------------------------

project('sides');
append_to_file('schema.sql', "CREATE TABLE account (id bigint PRIMARY KEY, c2 int, c3 int, c4 int, name text NOT NULL);\nCREATE TABLE more ();\n");
append_to_file('cmig.conf', "target = schema.sql\n");
gives(0, '', '', 'upgrade', '-q');
gives(2, '', 'cannot be used with --stages', 'revision', '--autogenerate', '-m', 'Names', '--expand', '--stages');
gives(0, '^migrations/005_names.sql\n$', 'table rewrite.*; header expand: cmig expand asks for', 'revision', '--autogenerate', '-m', 'Names', '--rev-id', '005', '--expand');
gives(3, '', 'no lock_timeout is set: .*HINT:  To set a limit: cmig expand -x cmig\.lock_timeout=5s,.*column account.name needs a line "-- cmig:up"', 'expand', '--confirm');
my $sides = slurp_file('migrations/005_names.sql');
unlink 'migrations/005_names.sql';
append_to_file('migrations/005_names.sql', $sides =~ s/(ADD COLUMN name text NOT NULL;\n)/$1-- cmig:up account.name = 'x' || id\n/r);
# a limit for locks in cmig.conf
append_to_file('cmig.conf', "lock_timeout = 100ms\n");
{
	my $blocker = $node->background_psql('sides');
	local $ENV{PGOPTIONS} = '-c statement_timeout=10s';
	$blocker->query_safe('BEGIN; SELECT count(*) FROM account');
	gives(3, '', 'canceling statement due to cmig\.lock_timeout', 'expand', '--confirm', '-x', 'cmig.lock_retries=0');
	$blocker->quit;
}
gives(0, '', 'revision "005" is expanded', 'expand', '--confirm');
gives(0, '', '', 'contract', '-y');
gives(0, 'pg_dump', '', 'check');
append_to_file('schema.sql', "CREATE TABLE most ();\n");
gives(0, '^migrations/006_most.sql\n$', '006_most.sql: no header expand', 'revision', '--autogenerate', '-m', 'Most', '--rev-id', '006', '--expand');
unlike(slurp_file('migrations/006_most.sql'), qr/expand/, 'a new table breaks no build');

# --- completion --------------------------------------------------------------

# completed(WORD...): returns bash's completions of the last word
sub completed
{
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'bash', '--norc', '-c', 'source <("$0" completion); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cmig; printf "%s\n" "${COMPREPLY[@]}"', $cmig, $cmig, @_ ],
		'<', \undef, '>', \$out, '2>', \$err);
	return join ' ', sort split /\n/, $out . $err;
}

project('completion');
add_file("it's", '004', '', '');
is(completed('up'), 'upgrade', 'a verb');
is(completed('st'), 'stamp stats-export status', 'two verbs');
is(completed('-d', 'shop', 'ro'), 'round-trip', 'a verb after an option with a value');
is(completed('upgrade', '--ste'), '--stepwise', 'an option of the verb');
is(completed('upgrade', '--dat'), '--database --databases', 'options of all verbs');
is(completed('current', '--st'), '', 'no option of another verb');
is(completed('upgrade', '00'), '001 002 003 004', 'revisions');
is(completed('upgrade', 'hea'), 'head heads', 'words for revisions');
is(completed('upgrade', '--scop'), '--scope --scopes', 'options for scopes');
is(completed('sco'), 'scope-drift scopes', 'verbs for scopes');
is(completed('--scope', 'shop', 'dro'), 'drop-scope', 'a verb after a scope');
is(completed('create-scope', 'tenant_1', '00'), '001 002 003 004', 'revisions for a new scope');
is(completed('revision', '00'), '', 'no revisions where none is expected');
is(completed('revision', '--head', '00'), '001 002 003 004', 'revisions for an option');
is(completed('script', 'down'), 'downgrade', 'a direction');
is(completed('import', 'fl'), 'flyway', 'a tool');
is(completed('help', 'squ'), 'squash', 'a verb for help');
is(completed('upgrade', '--color', ''), 'always auto never', 'the values of an option');
rename 'migrations', 'elsewhere';
append_to_file('cmig.conf', "folder = elsewhere\n");
unlink 'cmig.conf';
append_to_file('cmig.conf', "folder = elsewhere\n");
is(completed('show', '00'), '001 002 003 004', 'revisions in the folder of cmig.conf');
rename 'elsewhere', 'migrations';

# --- files -------------------------------------------------------------------

project('files');
append_to_file('migrations/005_empty.sql', '');
foreach my $verb (['upgrade'], [ 'load', 'migrations/005_empty.sql' ], ['history'])
{
	gives(3, '', '^ERROR:  file "migrations/005_empty.sql" contains no revision', @$verb);
}
is(state(), 'base', 'nothing was changed');
unlink 'migrations/005_empty.sql';

# --- a terminal --------------------------------------------------------------

SKIP:
{
	skip 'IO::Pty is not installed', 8 unless $has_terminal;
	append_to_file('pager', "#!/bin/sh\nsed 's/^/paged /'\n");
	chmod 0755, 'pager';
	local $ENV{PAGER} = './pager';
	local $ENV{LC_ALL} = 'C';
	my ($status, $shown) = on_terminal('', 'history');
	like($shown, qr/^paged  revision/m, 'a pager on a terminal');
	unlike((cmig('history'))[1], qr/paged/, 'no pager without a terminal');
	($status, $shown) = on_terminal('', 'history', '--no-pager');
	unlike($shown, qr/paged/, '--no-pager');
	($status, $shown) = on_terminal('', 'show', 'nosuch');
	like($shown, qr/\e\[31mERROR:/, 'an error has a color on a terminal');
	is($status, 3, 'its exit status');
	unlike((cmig('show', 'nosuch'))[2], qr/\e/, 'no color without a terminal');
	like((cmig('show', 'nosuch', '--color', 'always'))[2], qr/\e\[31mERROR:/, '--color always');
	{
		local $ENV{NO_COLOR} = 1;
		unlike((on_terminal('', 'show', 'nosuch'))[1], qr/\e/, 'NO_COLOR');
	}
	{
		local $ENV{TERM} = 'dumb';
		unlike((on_terminal('', 'show', 'nosuch'))[1], qr/\e/, 'a terminal without colors');
	}
	unlike((on_terminal('', 'show', 'nosuch', '--color', 'never'))[1], qr/\e/, '--color never');
}

# --- the database in cmig.conf -----------------------------------------------

project('named');
mkdir 'sub';
chdir 'sub' or die;
{
	delete local $ENV{PGDATABASE};
	gives(0, '^cmig.conf\ndatabase named is at base\n$', '', 'init', '-d', 'named');
	like(slurp_file('cmig.conf'), qr{^database_url = postgresql:///named$}m, 'init -d writes the database');
	append_to_file('migrations/x.sql', revision_file('x', '', 'SELECT 1;', 'SELECT 2;'));
	gives(0, 'database named is at x', '', 'upgrade');
	local $ENV{PGDATABASE} = 'nosuch';
	gives(4, '', 'database "nosuch" does not exist\nHINT:  To create it: cmig init --create-database\n$', 'current');
}
gives(3, '', 'table "alembic_version" does not exist\nHINT:  [^\n]*cmig import --state alembic --history-table', 'import', 'alembic', '--state', '-d', 'named');

{
	local $ENV{PGDATABASE} = 'named';
	query($node, 'named', q{CREATE TABLE "Odd table" (version_num text); INSERT INTO "Odd table" VALUES ('nosuch')});
	my @import = ('import', 'alembic', '--state');
	my $tables = q{SELECT string_agg(relname, ',') FROM pg_class WHERE relname ~ 'Odd'};
	gives(2, '', '^cmig: --version-table must be keep, rename, or drop\nTo name the table of Alembic, use --history-table\.\n$', @import, '--version-table', 'odd');
	gives(2, '', '^cmig: --version-table cannot be used with flyway\n', 'import', 'flyway', '--state', '--version-table', 'drop');
	gives(2, '', '^cmig: --version-table requires --state\n$', 'import', 'flyway', '--version-table', 'drop');
	gives(3, '', 'table "alembic_version" does not exist\n', @import, '--version-table', 'drop');
	# the forms that the hint shows
	gives(1, 'nosuch +\| +\| not stamped: no such revision is loaded', '^$', 'import', '--state', 'alembic', '--history-table', '"Odd table"');
	gives(1, 'not stamped', '^cmig: nothing was recorded, and the table was left as it is\n$', @import, '--history-table', '"Odd table"', '--version-table', 'drop');
	query($node, 'named', q{UPDATE "Odd table" SET version_num = 'x'});
	gives(0, 'x +\| x ', '', @import, '--history-table', '"Odd table"');
	is(query($node, 'named', $tables), 'Odd table', 'the table is kept');
	gives(0, 'x +\| x ', '', @import, '--history-table', '"Odd table"', '--version-table', 'rename');
	is(query($node, 'named', $tables), 'Odd table_old', 'the table is renamed');
	gives(0, 'x +\| x ', '', @import, '--history-table', '"Odd table_old"', '--version-table=drop');
	is(query($node, 'named', $tables), '', 'the table is gone');
	is(query($node, 'named', 'SELECT revision FROM cmig.version'), 'x', 'the state');
}

# --- several databases -------------------------------------------------------

project('several');
foreach my $tenant (1 .. 5)
{
	query($node, 'postgres', "CREATE DATABASE tenant_$tenant TEMPLATE template_cmig");
}
query($node, 'tenant_2', 'CREATE TABLE account (other int)');
query($node, 'postgres', 'CREATE DATABASE tenant_6');	# without the extension
query($node, 'postgres', 'ALTER DATABASE tenant_3 CONNECTION LIMIT 0; ALTER DATABASE tenant_3 ALLOW_CONNECTIONS false');
my $holder = start_psql($node, 'tenant_4', q{BEGIN; SELECT * FROM cmig.stamp('base'); SELECT pg_sleep(600)}, 'holder');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}) or die;
my @several = ('--databases', q{SELECT datname FROM pg_database WHERE datname LIKE 'tenant%' ORDER BY 1});
$ENV{PGOPTIONS} = '-c lock_timeout=100ms';
my ($status, $output, $errors) = cmig('upgrade', '-y', @several, '-d', 'postgres', '--jobs', '2');
delete $ENV{PGOPTIONS};
is($status, 4, 'the exit status is the highest one') or diag("$output$errors");
is($output =~ s/.*\n\n(?=database)//sr =~ s/ +/ /gr =~ s/failed \(\d\)\K: [^\n]+//gr,
	"database status\ntenant_1 done\ntenant_2 failed (3)\ntenant_3 failed (4)\ntenant_4 failed (3)\ntenant_5 done\ntenant_6 failed (3)\n",
	'the table at the end') or diag("$output$errors");
like($output, qr/^== tenant_2 ==\n[^=]*ERROR:  relation "account" already exists/m, 'a revision that fails');
like($output, qr/^== tenant_3 ==\n[^=]*not currently accepting connections/m, 'a database that accepts no connections');
like($output, qr/^== tenant_4 ==\n[^=]*lock/m, 'a database in which another run is under way');
like($output, qr/^== tenant_5 ==\n[^=]*database tenant_5 is at 004/m, 'one of those that are upgraded');
like($output, qr/^== tenant_6 ==\n[^=]*does not have the extension/m, 'a database without the extension');
is(query($node, "tenant_$_", q{SELECT string_agg(revision, ',') FROM cmig.version}), '004', "tenant_$_ is upgraded") foreach 1, 5;
query($node, 'postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
eval { finish_psql($holder) };
gives(0, 'tenant_1 +done\ntenant_5 +done\n$', '^$', 'current', '--databases', ' tenant_1 , tenant_5 ,');
gives(0, '^$', '^cmig: the query returns no database$', 'current', '--databases', 'SELECT datname FROM pg_database WHERE false');
gives(3, '', 'ERROR', 'current', '--databases', 'SELECT nosuch');
gives(2, '', 'must be a number from 1', 'current', '--databases', 'tenant_1', '--jobs', 'many');

# --- a standby server --------------------------------------------------------

project('standby');
gives(0, 'is at 003', '', 'upgrade', '003');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('cmig_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
{
	local $ENV{PGPORT} = $standby->port;
	local $ENV{PGHOST} = $standby->host;
	gives(0, '003', '^$', 'current');
	gives(0, '003.*current', '^$', 'history', '--no-load');
	gives(0, '003.*current', '^$', 'history');
	gives(0, '003', '^$', 'status');
	gives(0, '^notice ', '^$', 'check');
	gives(0, '', '^$', 'lint');
	gives(0, '', '', 'plan');
	gives(3, '', 'not (executed|upgraded)|004', 'require', 'head');
	foreach my $verb ([ 'upgrade', '-y' ], [ 'downgrade', '-1', '-y' ], [ 'stamp', 'head' ], ['load'], [ 'reset', '-y' ], ['drift'], ['dry-run'], ['round-trip'], [ 'revision', '-m', 'x' ])
	{
		gives(3, '^$', '^ERROR:  cannot execute cmig\.\w+\(\) during recovery\nHINT:  This server is a standby[^\n]*\n$', @$verb);
	}
}

# --- baseline, squash, the state of another tool -----------------------------

project('squash');
gives(0, 'is at 004', '', 'upgrade');
gives(0, '^migrations/\S+_one_file\.sql\n$', '', 'squash', '001:003', '-m', 'One file', '--rev-id', '003s');
like(slurp_file((glob 'migrations/*one_file.sql')[0]), qr/^-- replaces: .*001.*002.*003(.|\n)*CREATE TABLE/m, 'the file replaces three');
gives(0, '', '', 'upgrade');
is(state(), '004', 'a database that has them stays where it is');
gives(2, '', '^cmig: squash requires RANGE\nusage: cmig squash RANGE ', 'squash');
gives(3, '', "can't locate revision", 'squash', '001:nosuch');

project('baseline');
unlink glob('migrations/*');
query($node, 'baseline', 'CREATE TABLE account (id int PRIMARY KEY); CREATE INDEX account_id ON account (id)');
gives(0, '^migrations/b1_start\.sql\n$', 'HINT:  [^\n]*: cmig stamp head\n', 'baseline', '-m', 'Start', '--rev-id', 'b1');
like(slurp_file('migrations/b1_start.sql'), qr/CREATE TABLE (public\.)?account(.|\n)*CREATE INDEX/, 'the file has the schema');
gives(0, 'is at b1', 'added: b1', 'stamp', 'head');
gives(0, '', '', 'drift');

project('flyway');
unlink glob('migrations/*');
mkdir 'sql';
append_to_file("sql/V$_.sql", "CREATE TABLE t$_ (id int);\n") foreach '1__one', '2__two', '3__three';
append_to_file("sql/U$_.sql", "DROP TABLE t$_;\n") foreach '1__one', '2__two', '3__three';
gives(0, '^migrations/1_one\.sql\nmigrations/2_two\.sql\nmigrations/3_three\.sql\n$', '', 'import', 'flyway', 'sql', '--to', 'migrations');
query($node, 'flyway', q{
CREATE TABLE t1__one (id int); CREATE TABLE t2__two (id int);
CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version text, description text, type text, script text, checksum int, installed_by text, installed_on timestamp DEFAULT now(), execution_time int, success boolean);
INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, success) VALUES (1, '1', 'one', 'SQL', 'V1__one.sql', true), (2, '2', 'two', 'SQL', 'V2__two.sql', true)});
gives(0, '2', 'added: ', 'import', 'flyway', '--state');
is(state(), '2', 'the state of Flyway was taken over');
gives(0, 'is at 3', '', 'upgrade');

# --- docker compose ----------------------------------------------------------

# A program that behaves like docker: the containers do not have the environment of the
# caller
project('compose');
my $bin = $node->config_data('--bindir');
append_to_file('docker', qq{#!/bin/bash\n[ "\$*" = "compose exec -T db psql -U \${*:7}" ] || exit 99\nexec env -i PGHOST='$ENV{PGHOST}' PGPORT=$ENV{PGPORT} '$bin/psql' "\${\@:6}"\n});
chmod 0755, 'docker';
{
	local $ENV{CMIG_PSQL} = './docker compose exec -T db psql -U ' . getpwuid($>);
	delete local $ENV{PGDATABASE};
	gives(0, 'database compose is at 004', 'added: ', 'upgrade', '-d', 'compose');
	gives(0, '004', '^$', 'current', '-d', 'compose');
	gives(4, '', 'does not exist', 'current', '-d', 'it\'s \\ "x"');
}

# The messages of the server precede what cmig writes about the files
append_to_file('late', qq{#!/bin/bash\ncat >/dev/null\nprintf 'a.sql\\0SELECT 1;\\n\\0data loss\\0'\nsleep 0.5\nprintf 'NOTICE:  %s\\nHINT:  %s\\n' first second >&2\n});
chmod 0755, 'late';
{
	local $ENV{CMIG_PSQL} = './late';
	like(`'$cmig' merge -m both 2>&1`, qr{^first\nHINT:  second\na.sql: data loss\n\S*/a.sql\n$}, 'messages before files');
}

done_testing();
