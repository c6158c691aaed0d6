# Copyright (c) 2026, the pg_cmig developers

# Tests bin/cmig with and without a terminal: every verb, invalid input, the exit
# statuses, and that nothing that users type becomes part of a statement.

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
my $node = new_node('cmig');

$node->start;
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
chdir $dir or die;

# A database name with special characters, percent-encoded
$ENV{DATABASE_URL} = 'postgresql+asyncpg:///o%27d%20%22d';
gives(4, '', 'does not exist', 'current');
gives(0, 'cmig\.conf\ndatabase o\'d "d is at base', '^$', 'init', '--create-database');
gives(0, 'base', '', 'init');
gives(0, '^migrations/001_create_people\.sql$', '^$', 'revision', '-m', 'Create people', '--rev-id', '001');
edit('migrations/001_create_people.sql', "CREATE TABLE people (name text DEFAULT 'o''\\n');", 'DROP TABLE people;');
gives(0, '^-- revision: 002\n', '^$', 'revision', '-m', "It's \\ \$(touch x) `touch x`; DROP", '--rev-id', '002', '--sql');
gives(0, '^migrations/002_', '^$', 'revision', '-m', "It's \\ \$(touch x); DROP", '--rev-id', '002', '--no-transaction');
ok(!-e 'x', 'no input was run');
gives(0, "precondition: SELECT count\\(\\*\\) = 0 FROM people WHERE name = 'x'\n", '^$', 'revision', '-m', 'Guarded', '--precondition', "SELECT count(*) = 0 FROM people WHERE name = 'x'", '--sql');
gives(0, "expand: true\n", '^$', 'revision', '-m', 'Side by side', '--expand', '--sql');
gives(2, '', 'cannot be used with --autogenerate', 'revision', '-m', 'Guarded', '--precondition', 'SELECT true', '--autogenerate');
edit(glob('migrations/002_*'), 'CREATE INDEX CONCURRENTLY people_name ON people (name);', 'DROP INDEX people_name;');
gives(2, '', 'requires a message', 'revision');
gives(0, '001.*002', '^$', 'plan');
gives(0, 'CREATE TABLE', 'plan_checksum', 'dry-run', 'upgrade', '001');
gives(0, 'CREATE TABLE', 'plan_checksum', 'upgrade', '001', '--dry-run');
gives(0, 'CREATE TABLE people', '^$', 'upgrade', '001', '--sql');
gives(0, 'CREATE TABLE people', '^$', 'script', 'upgrade', '001');
is(query($node, q(o'd "d), 'SELECT count(*) FROM cmig.revision'), '0', 'what looks stores nothing');

# Options in Alembic's forms: names with underscores, attached values, several letters
# in one word, abbreviations, and -x without a value
gives(0, 'is at base', '^$', 'ensure_version');
gives(0, '^CREATE EXTENSION IF NOT EXISTS pg_cmig;\n$', '^$', 'ensure_version', '--sql');
gives(0, '%\(rev\)s', '^$', 'list_templates');
gives(0, 'is at base', 'have no effect', 'init', 'migrations', '-t', 'async', '--package');
gives(0, '-- revision: 003\n.*-- message: attached\n', '^$', 'revision', '-mattached', '--rev-id=003', '--sql');
gives(2, '', '--compare requires --autogenerate', 'revision', '-mx', '--compare', 'tables');
gives(0, 'is_head', 'SELECT \* FROM cmig.history', 'history', '-vi');
gives(0, '^ revision [^\n]*\n[^\n]*\n 001 [^\n]*\n\n$', '^$', 'history', '-rbase:001');
gives(0, '001', '^$', 'history', '--rev', ':001', '--indicate');
gives(0, '001', "set_config\\('cmig_var.flag', '', false\\)", 'plan', '-x', 'flag', '-v');

# Verbs that upgrade and downgrade
gives(0, 'is at 001', "SELECT \\* FROM cmig\\.upgrade\\('001'\\);", 'upgrade', '001', '-v');
gives(0, 'is at 002', "CALL cmig\\.upgrade_stepwise\\('head'\\);", 'upgrade', '-v');
gives(0, '^$', 'nothing to upgrade', 'upgrade', 'head');
gives(5, '', 'not confirmed: downgrade 1 revision?', 'downgrade', '-1');
gives(0, 'is at 001', '', 'downgrade', '-1', '-y');
gives(0, '', 'nothing to upgrade', 'upgrade', '001');
gives(3, '', "can't locate revision identified by \"nosuch\"\nHINT:  cmig history lists the revisions that are loaded\\.\n", 'upgrade', 'nosuch');
gives(3, '', "can't locate revision", 'upgrade', "'; DROP TABLE people; --");
gives(0, 'is at 002', '', 'upgrade', '+1');
gives(2, '', '^cmig: downgrade requires REV\nTo revert the last revision: cmig downgrade -1\. .*\nusage: cmig downgrade REV ', 'downgrade');
gives(5, '', 'not confirmed', 'reset');
gives(0, 'is at 002', '', 'reset', '-y');

# Verbs that only read
gives(0, '002 +\| head', '^$', 'current');
gives(0, '002', 'cmig\.require', 'current', '--check-heads', '-v');
# a head that was never loaded
append_to_file('migrations/003_new.sql', revision_file('003', '002', 'SELECT 1', 'SELECT 1'));
gives(3, '', 'not up to date(.|\n)*cmig upgrade', 'current', '--check-heads');
unlink('migrations/003_new.sql');
gives(0, '002', '^$', 'current', '--check-heads');
gives(0, '002 .*current, head(.|\n)*001 .*applied', '^$', 'history');
gives(0, '^@ 002 .*\n\* 001 .*\n$', '^$', 'graph');
gives(0, '^@ 002 .*\n$', '^$', 'graph', '002');
gives(0, '^flowchart BT\n', '^$', 'graph', '--format', 'mermaid');
gives(0, ' at .* what .* revision .* elapsed', '^$', 'log');
gives(0, '<!DOCTYPE html>(.|\n)*</html>\n$', '^$', 'report');
gives(0, '^$', '^$', 'report', 'report.html');
like(slurp_file('report.html'), qr/<!DOCTYPE html>(.|\n)*<\/html>\n$/, 'the report is in the file');
gives(2, '^$', '^cmig: nosuch/report\.html cannot be written\n$', 'report', 'nosuch/report.html');
gives(0, 'CALL cmig\.backfill\(', '^$', 'help', 'backfill');
gives(3, '', 'no function, table, or setting "nosuch"', 'help', 'nosuch');
gives(0, '^ revision [^\n]*\n[^\n]*\n 002 [^\n]*\n\n$', '^$', 'history', '-r', '002:');
gives(0, '002', '^$', 'heads');
gives(0, '002', 'WHERE is_effective', 'heads', '--resolve-dependencies', '-v');
gives(0, '^no branches\n$', '^$', 'branches');
gives(0, 'upgrade_sql', '^$', 'show', 'current');
gives(0, '^database +o\'d "d\n(.*\n)?head +002\n', '^$', 'status');
gives(0, '^notice +pg_dump: [^\n]*\n( +[^\n]*\n)* +-> ', '^$', 'check');
gives(0, '^no findings\n$', '', 'lint');
gives(0, '', '', 'verify');
gives(0, '^no problems\n$', '^$', 'round-trip');
gives(0, '^== check ==\nnotice +pg_dump(.|\n)*\n== lint ==\nno findings\n== round-trip ==\nno problems\n$', '^$', 'check', '--ci');
# a revision that is not applied is removed with its file; one step after the other says what is wrong with it
append_to_file('migrations/003_rejected.sql', revision_file('003', '002', 'CREATE TABLE gone (id bigint)', 'SELECT 1'));
gives(1, '^== check ==\n(.|\n)*\n== lint ==\nno findings\n== round-trip ==\n003 +left behind: table public\.gone\n', '^$', 'check', '--ci');
append_to_file('migrations/bad.sql', 'no header');
gives(3, '^== check ==\n((?!==).)*$', "^ERROR:  text before[^\n]*\n((?!text before).)*\$", 'check', '--ci');
unlink 'migrations/bad.sql';
append_to_file('migrations/004_child.sql', revision_file('004', '003', 'SELECT 1', 'SELECT 1'));
gives(3, '', 'revision "003" cannot be removed because', 'remove', '003', '-y');
gives(5, '', '^cmig: not confirmed: delete migrations/004_child.sql\?\n', 'remove', 'head');
gives(0, '^$', '^removed 004\n$', 'remove', 'head', '-y');
gives(0, '^$', '^removed 003\n$', 'remove', '003', '-y');
ok(!-e 'migrations/003_rejected.sql' && !-e 'migrations/004_child.sql', 'the files are removed');
gives(3, '', 'revision "002" cannot be removed because it is applied', 'remove', '002', '-y');
gives(3, '', "can't locate revision", 'remove', 'nosuch', '-y');
gives(0, '', '^$', 'require');
gives(0, '^migrations\n$', '^$', 'folders');
gives(0, '^no drift\n$', '^$', 'drift');
gives(0, '^002 +no differences\n +-> [^\n]*already says so\n', '', 'locate');
gives(0, '', '', 'wait', 'head');
gives(2, '^$', '^cmig: --timeout must be a number of seconds\n$', 'wait', '--timeout', 'later');
gives(0, '', '^$', 'wait', '--timeout', '08');
gives(2, '', '--timeout must be a number', 'wait', '--timeout', 'VERBS[$(touch timeout)]');
ok(!-e 'timeout', 'no command was run');
foreach my $line (map { split /\n/ } (cmig('status'))[1], (cmig('history'))[1])
{
	fail("100 columns: $line") if length $line > 100;
}

# Branches and merges
gives(0, '^migrations/003a_', '^$', 'revision', '-m', 'a', '--rev-id', '003a');
gives(0, '^migrations/003b_', '^$', 'revision', '-m', 'b', '--rev-id', '003b', '--head', '002', '--splice');
gives(3, '', 'ultiple head.*HINT:  [^\n]*cmig merge heads -m "<message>"\n', 'upgrade');
gives(0, '-> cmig merge heads -m "<message>"\n', '^$', 'status');
gives(0, '^migrations/004_join', '^$', 'merge', '-m', 'join', '--rev-id', '004', '003a', '003b');
gives(0, 'is at 004', 'added: ', 'upgrade', 'head');
gives(0, 'is at 002', '', 'stamp', '002');
gives(0, 'INSERT INTO', '', 'stamp', '--sql', 'head');
gives(0, 'is at 004', '', 'stamp', 'head', '--purge');
unlink glob('migrations/004_*');
gives(3, '', 'ultiple head|WARNING:  revision "004" is applied, but there is no file', 'upgrade', '003a', '003b', '003zz');
gives(0, '^$', 'WARNING:  revision "004" is applied, but there is no file for it', 'upgrade', 'heads');
gives(0, '^migrations/004_join.sql$', '', 'export', '004');
# a pending revision whose file was deleted
gives(0, '^migrations/left_', '^$', 'revision', '-m', 'left', '--rev-id', 'left', '--head', '004');
gives(0, 'left +\| added', '', 'load');
unlink glob('migrations/left_*');
gives(0, '', 'WARNING:  revision "left" is pending, but there is no file for it\nHINT:  [^\n]*: cmig remove left\n', 'upgrade', '004');
gives(0, 'left +\| removed', '', 'load', '--prune');
# several notes about one file
mkdir 'notes';
append_to_file('notes/V1__one.sql', 'CREATE INDEX CONCURRENTLY one ON people (name);');
append_to_file('notes/U1__one.sql', 'DROP;');
append_to_file('notes/V2__two.java', 'class V2__two {}');
gives(3, '^noted/1_one.sql\nnoted/2_two.sql$', '^1_one.sql: transactional: false, [^\n?]*; to be written: its downgrade script cannot run: [^\n]*\n2_two.sql: to be written: it is written in Java, in file "V2__two.java"\ncmig: to be written by hand: 2 of the files; ', 'import', 'flyway', 'notes', '--to', 'noted');
gives(0, 'out/001_create_people.sql', '', 'export', '--to', 'out');
gives(0, '^$', '^$', 'export', '--to', 'out');
append_to_file('out/001_create_people.sql', 'x');
gives(2, '', 'already exists', 'export', '--to', 'out');
gives(0, 'out/001', '', 'export', '--to', 'out', '--force');
# cmig does not follow a symbolic link
unlink('out/001_create_people.sql');
symlink('../outside', 'out/001_create_people.sql');
gives(2, '', 'is a symbolic link', 'export', '--to', 'out', '--force');
ok(! -e 'outside', 'no file is written elsewhere');
unlink('out/001_create_people.sql');
# a folder name that looks like an option
gives(0, '^\./-delete$', '', 'folders', '--folder', '-delete');
gives(0, 'unchanged', '', 'load');
gives(0, 'unchanged', '', 'load', 'migrations/001_create_people.sql');
$ENV{VISUAL} = 'ls -1';
gives(0, '001_create_people', '', 'edit', '001');
{
	# the command is read by the shell, and an error names it
	append_to_file('my editor', "#!/bin/sh\nprintf '%s\\n' \"\$@\"\n");
	chmod 0755, 'my editor';
	local $ENV{VISUAL} = "'./my editor' -w";
	gives(0, '^-w\n[^\n]*001_create_people[^\n]*\n$', '^$', 'edit', '001');
	$ENV{VISUAL} = 'no_such_editor';
	gives(2, '^$', 'cmig: the editor no_such_editor has failed with exit status 127\nTo use another one, for example: export VISUAL=vi\n$', 'edit', '001');
	unlink 'my editor';
}

# A schema as the target
append_to_file('schema.sql', 'CREATE TABLE people (name text, born date);');
gives(1, 'people', '', 'diff', '--target', 'schema.sql');
gives(1, 'ADD COLUMN', '', 'diff', '--target', 'cat schema.sql', '--sql');
gives(1, '', 'ERROR', 'check', '--target', 'schema.sql');
gives(0, '^migrations/005_', '', 'revision', '--autogenerate', '-m', 'born', '--target', 'schema.sql', '--rev-id', '005', '--head', '004');
gives(2, '', 'target command failed', 'diff', '--target', 'false');
query($node, q(o'd "d), 'CREATE TABLE by_hand (id int)');
my $drifts = q{SELECT count(*) FROM cmig.journal WHERE direction = 'drift'};
my $before = query($node, q(o'd "d), $drifts);
gives(1, 'by_hand', '', 'drift');
is(query($node, q(o'd "d), $drifts), $before + 1, 'one run of cmig.drift');
gives(0, 'is at 005', '', 'upgrade', 'heads');
gives(0, '^migrations/006_', '', 'capture', '-m', 'by hand', '--rev-id', '006');
gives(0, '^$', 'revision "006" is recorded as applied.*is at 006', 'upgrade');

# Verbs that write files
mkdir 'it\'s "odd"' or die;
append_to_file('it\'s "odd"/1 \'a\' $(x).sql', revision_file('odd', '', 'SELECT 1;', 'SELECT 2;'));
gives(0, 'odd +\| added', '', 'load', '--folder', 'it\'s "odd"');
append_to_file('it\'s "odd"/2.sql', "SELECT 1;\n");
gives(3, '', '2\.sql', 'load', '--folder', 'it\'s "odd"');
unlink 'it\'s "odd"/2.sql';
append_to_file('it\'s "odd"/2.sql', "-- revision: 2\n\0\n");
gives(2, '', '2.sql contains a zero byte', 'load', '--folder', 'it\'s "odd"');
unlink 'it\'s "odd"/2.sql';
append_to_file("it's \"odd\"/2\n.sql", "SELECT 1;\n");
gives(2, '', 'control character', 'load', '--folder', 'it\'s "odd"');
gives(2, '', 'the folder nosuch does not exist', 'upgrade', '--folder', 'nosuch');

# Invalid input
gives(2, '', '^usage: cmig');
gives(2, '', 'unknown verb "nosuch"\ncmig help lists the verbs\n$', 'nosuch');
gives(2, '', 'unknown verb "upgarde"\nDid you mean upgrade\? cmig help lists the verbs\n$', 'upgarde');
gives(2, '', "unknown verb \"$_->[0]\"\nDid you mean $_->[1]\\? cmig help lists the verbs\n\$", $_->[0]) foreach [ 'autogenerate', 'revision --autogenerate' ],
	[ 'migrate', 'upgrade' ], [ 'rollback', 'downgrade -1' ], [ 'db:migrate:status', 'status' ];
gives(2, '', 'upgrade has no option --autogenerate\ncmig help upgrade lists its options\n$', 'upgrade', '--autogenerate');
gives(2, '', 'upgrade has no option --stepwize\nDid you mean --stepwise\? ', 'upgrade', '--stepwize');
gives(2, '', 'option --re is ambiguous: --rev-range --replace|option --r is ambiguous: ', 'history', '--r');
gives(2, '', 'upgrade has no option --nosuch', 'upgrade', '--nosuch');
gives(2, '', 'option -m requires a value', 'revision', '-m');
gives(3, '', 'must not be empty', $_, '') for qw(require verify lint history graph show upgrade);
gives(2, '', 'nosuch.conf does not exist', 'current', '-c', 'nosuch.conf');
gives(3, '', 'does not have the extension pg_cmig\nHINT:  cmig init creates it there;', 'current', '-d', 'postgres');
# after a restore by a superuser, the database's owner has no privileges
query($node, 'postgres', 'CREATE ROLE regress_owner LOGIN; CREATE ROLE regress_other LOGIN; CREATE DATABASE restored OWNER regress_owner');
query($node, 'restored', 'CREATE EXTENSION pg_cmig');
my $superuser = query($node, 'postgres', 'SELECT quote_ident(current_user)');
my $hint = "ERROR:  permission denied for schema cmig\nHINT:  [^\n]*role \Q$superuser\E, as after a restore by that role\\. [^\n]*: SELECT \\* FROM cmig\\.grant_access\\('regress_owner', 'owner'\\)\n\$";
gives(3, '^$', "^$hint", $_, '-d', 'restored', '-U', 'regress_owner') foreach qw(current status upgrade);
gives(3, '^$', q{HINT:  As role [^\n]*: SELECT \* FROM cmig\.grant_access\('regress_other', 'reader'\) -- or author, or migrator\n$}, 'current', '-d', 'restored', '-U', 'regress_other');
query($node, 'restored', q{SELECT cmig.grant_access('regress_owner', 'owner')});
gives(0, '^at base\n$', '^$', 'current', '-d', 'restored', '-U', 'regress_owner');
gives(4, '', 'cmig: ', 'current', '--port', '1');
gives(4, '', 'database "nosuch" does not exist\nHINT:  To create it: cmig init --create-database -d nosuch\n$', 'current', '-d', 'nosuch');
gives(4, '', '--create-database -d postgresql:///nosuch\n$', 'current', '-d', 'postgresql:///nosuch');

gives(0, 'usage: cmig upgrade \[REV\.\.\.\] \[OPTION\.\.\.\]\n.*\n  --stepwise  +commits', '', 'help', 'upgrade');
gives(0, '  --database NAME ', '^$', 'help', 'options');
gives(0, 'round-trip', '', 'help');
gives(0, 'complete -o default -F _cmig cmig', '', 'completion');
my ($version) = (cmig('--version'))[1] =~ /^cmig \(pg_cmig\) (\S+)\n$/;
gives(0, qq{^\\.TH CMIG 1 "" "pg_cmig $version"(.|\n)*\\.SH EXIT STATUS\n\\.nf\n0  done(.|\n)*\n129, 130, 143 }, '^$', 'manual');
SKIP:
{
	skip 'groff is not installed', 1 unless need_tool('groff', 'groff', '--version');
	my $warnings = '';
	IPC::Run::run([ $cmig, 'manual' ], '|', [ 'groff', '-man', '-Tutf8', '-ww', '-z' ], '2>', \$warnings);
	is($warnings, '', 'groff accepts the manual page');
}

# No message contains a password
{
	local $ENV{DATABASE_URL} = 'postgres://u:s%C3%A9cr%40t@/x?host=/nosuch';
	my @result = cmig('current', '-v');
	is($result[0], 4, 'no server');
	unlike("$result[1]$result[2]", qr/s%C3|cr%40|cr\@t/, 'the password is not shown');
}

# Several databases, with the settings of .env
delete $ENV{DATABASE_URL};
append_to_file('.env', "DATABASE_URL=\"postgresql:///one\" # comment\nOTHER=\$(touch x)\n");
foreach my $db (qw(one two))
{
	query($node, 'postgres', "CREATE DATABASE $db");
	query($node, $db, 'CREATE EXTENSION pg_cmig') if $db eq 'one';
}
gives(0, 'database one is at 001', '', 'upgrade', '001', '--env');
gives(0, "^of_two.conf\n(.|\n)*one +done\ntwo +done\n", '', 'init', '--databases', 'one,two', '-c', 'of_two.conf');
like(slurp_file('of_two.conf'), qr/^databases = one,two$/m, 'the databases are in cmig.conf');
gives(0, "one +done\ntwo +done\n", '', 'current', '-c', 'of_two.conf');
gives(2, '', '--create-database requires the name of the database', 'init', '--create-database', '-c', 'not.conf');
ok(!-e 'not.conf', 'a wrong command writes nothing');
gives(0, "one +done\nthree +done\n", '', 'init', '--create-database', '--databases', 'one,three', '-c', 'of_two.conf');
# one of those in cmig.conf, and not the others
append_to_file('of_four.conf', "databases = one,four\n");
gives(4, '^$', 'HINT:  To create it: cmig init --create-database -d four\n', 'current', '-d', 'four', '-c', 'of_four.conf');
gives(0, '^database four is at base\n$', '', 'init', '--create-database', '-d', 'four', '-c', 'of_four.conf');
gives(0, "one +done\ntwo +done\n", '', 'upgrade', '001', '--databases', 'one,two');
gives(0, "one +done\ntwo +done\n", '', 'current', '--databases', "SELECT datname FROM pg_database WHERE datname IN ('one', 'two') ORDER BY 1", '-d', 'one');
gives(4, "one +done\nnosuch +failed \\(4\\): database \"nosuch\" does not exist\n", '', 'current', '--databases', 'one,nosuch');
# a query cannot contain psql commands
gives(3, '', 'syntax error', 'current', '--databases', "SELECT 'one' \\! touch pwned", '-d', 'one');
ok(! -e 'pwned', 'no command is run');
gives(3, "one +failed \\(3\\): can't locate revision [^\n]*\n", '', 'upgrade', 'nosuch', '--databases', 'one');
gives(4, "nosuch +failed \\(4\\): database \"nosuch\" does not exist\n", '', 'upgrade', '--databases', 'nosuch');
gives(5, "one +failed \\(5\\)[^\n]*\n", '', 'downgrade', 'base', '--databases', 'one');
gives(2, '', 'works with only one database\nrun it for each database: cmig revision -d NAME\n', 'revision', '-m', 'x', '--databases', 'one');
ok(!-e 'x', 'no file was run');

# In a read-only session
{
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=on';
	gives(0, '001', '^$', 'current', '-d', 'one');
	gives(0, '001', '^$', 'history', '-d', 'one');
	gives(3, '', 'read-only', 'upgrade', '-d', 'one');
}

# Importing another tool's files and state
mkdir 'flyway' or die;
append_to_file('flyway/V1__one.sql', 'CREATE TABLE ${schema}.one (id int);');
append_to_file('flyway/U1__one.sql', 'DROP TABLE one;');
query($node, 'postgres', 'CREATE DATABASE flyway');
query($node, 'flyway', 'CREATE EXTENSION pg_cmig');
gives(3, '', 'placeholder "schema" has no value\n.*HINT:  Pass its value: -x schema=<value>\n', 'import', 'flyway', 'flyway', '-d', 'flyway', '--to', 'converted');
gives(0, '^converted/1_one.sql$', '', 'import', 'flyway', 'flyway', '-d', 'flyway', '--to', 'converted', '-x', 'schema=public');
gives(0, 'is at 1', '', 'upgrade', '-d', 'flyway', '--folder', 'converted');
gives(3, '', 'table "flyway_schema_history" does not exist', 'import', 'flyway', '--state', '-d', 'flyway', '--folder', 'converted');

# Control characters in a message, which could hide other lines on a terminal
gives(0, '', '', 'init', 'hidden', '--create-database', '-d', 'hidden');
append_to_file('hidden/1.sql', "-- revision: 1\n-- message: one\e[2K\e[1A\n-- cmig:upgrade\nSELECT 1;\n-- cmig:downgrade\nSELECT 1;\n");
gives(0, 'is at 1', 'one\?\[2K\?\[1A$', 'upgrade', '-d', 'hidden', '--folder', 'hidden');
gives(5, '', '  1, one\?\[2K\?\[1A\n', 'downgrade', 'base', '-d', 'hidden', '--folder', 'hidden');

# Hints name options of cmig instead of arguments
append_to_file('hidden/1.sql', "SELECT 2;\n");
gives(0, '', 'replaced: 1', 'upgrade', '-d', 'hidden', '--folder', 'hidden');
unlink 'hidden/1.sql';
append_to_file('hidden/1.sql', "-- revision: 1\n-- cmig:upgrade\nSELECT 'other';\n");
gives(3, '', 'HINT:  [^\n]* load with --accept-changes, which is recorded in the journal\.\n$', 'upgrade', '-d', 'hidden', '--folder', 'hidden');

# On a terminal
SKIP:
{
	skip 'IO::Pty is not installed', 2 unless eval { require IO::Pty; 1 };

	foreach my $answer ('n', 'y')
	{
		my $pty = '';
		my $in = "$answer\n";
		my $run = IPC::Run::start([ $cmig, 'downgrade', 'base', '-d', 'flyway', '--folder', 'converted' ],
			'<pty<', \$in, '>pty>', \$pty, '2>&1', IPC::Run::timeout(60));

		$run->finish;
		my $status = $? >> 8;
		ok( $pty =~ /  1, one\r?\n(.|\n)*downgrade 1 revision\? \[y\/N\]/
			  && ($answer eq 'n' ? $status == 5 && $pty =~ /nothing was changed/ : $status == 0 && $pty =~ /is at base/),
			"a terminal asks: $answer")
		  or diag("$status $pty");
	}
}

# The commands in the documents are accepted.  --help, which comes last, reads the
# command line and does nothing else.
foreach my $document (qw(README.md doc/command-line.md doc/docker.md doc/github-actions.md doc/gitlab-ci.md))
{
	my $text = slurp_file("$CmigNode::top/$document");
	my @commands = ($text =~ /`cmig ([^`\n]+)`/g, $text =~ /^ *(?:- )?cmig ([^#&\n']+)/mg, $text =~ /&& cmig ([^#&\n]+)/g);
	my @refused = grep { (cmig(Text::ParseWords::shellwords(s/\\\|/|/gr), '--help'))[0] != 0 } grep { !/^import alembic/ } @commands;

	ok(@commands > 2, "$document has commands");
	is(join("\n", @refused), '', "the commands in $document are accepted");
}

# If cmig is interrupted, the exit status is 130, nothing is changed, and no process
# title contains the password
SKIP:
{
	# a background job of a script ignores SIGINT
	local $SIG{INT} = 'DEFAULT';

	skip 'IO::Pty is not installed', 3 unless eval { require IO::Pty; 1 };
	mkdir 'slow' or die;
	append_to_file('slow/1.sql', revision_file('slow', '', 'SELECT pg_sleep(600);', 'SELECT 1;'));
	local $ENV{DATABASE_URL} = 'postgresql+psycopg2://' . getpwuid($>) . ':s%65cret%3A1@/two';

	my ($in, $pty) = ('', '');
	my $run = IPC::Run::start([ $cmig, 'upgrade', 'slow', '--folder', 'slow' ],
		'<pty<', \$in, '>pty>', \$pty, '2>&1', IPC::Run::timeout(120));
	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = 'two'") or die $pty;
	my @titles = map { open my $file, '<', $_; local $/; defined $file ? scalar <$file> // '' : '' } glob('/proc/[0-9]*/cmdline');
	unlike(join("\n", @titles), qr/secret|s%65cret/, 'no process shows the password');
	$in = "\003";
	$run->pump until $in eq '' || !$run->pumpable;
	$run->finish;
	is($? >> 8, 130, 'interrupted') or diag($pty);
	is(query($node, 'two', 'SELECT count(*) FROM cmig.version WHERE revision = $$slow$$'), '0', 'nothing was changed');
}

# Operators and functions of others in search_path are not called.
$node->safe_psql('postgres', 'CREATE DATABASE hostile');
$node->safe_psql('hostile', <<'SQL');
CREATE SCHEMA hostile;
DO $$
DECLARE
	types CONSTANT text[] := '{text,name,text[],name[],integer,bigint,boolean,oid,"char",jsonb}';
	o record;
BEGIN
	FOR o IN SELECT DISTINCT p.oprname, l.name AS l, r.name AS r, p.oprresult::regtype AS result, 'hostile.o' || dense_rank() OVER (ORDER BY oprname, l.name, r.name) AS function
		FROM pg_operator p
		JOIN unnest(types) l (name) ON l.name = p.oprleft::regtype::text OR (p.oprleft::regtype::text ~ '^any.*array' AND l.name ~ ']')
		JOIN unnest(types) r (name) ON r.name = p.oprright::regtype::text OR (p.oprright::regtype::text ~ '^any.*array' AND r.name ~ ']')
		WHERE p.oprresult::regtype::text !~ '^any'
	LOOP
		EXECUTE format('CREATE FUNCTION %s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$BEGIN RAISE ''hostile %s''; END$f$',
			o.function, o.l, o.r, o.result, replace(o.oprname, '%', '%%'));
		EXECUTE format('CREATE OPERATOR hostile.%s (FUNCTION = %s, LEFTARG = %s, RIGHTARG = %s)', o.oprname, o.function, o.l, o.r);
	END LOOP;
	FOR o IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS result
		FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.prorettype::regtype::text = ANY (types)
		AND p.proargtypes::regtype[]::text[] <@ types
	LOOP
		EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$BEGIN RAISE ''hostile %s''; END$f$',
			o.proname, o.arguments, o.result, o.proname);
	END LOOP;
END
$$;
ALTER DATABASE hostile SET search_path = public, hostile, pg_catalog;
SQL
{
	local $ENV{DATABASE_URL} = 'postgresql:///hostile';
	local $ENV{CMIG_CONFIG} = 'hostile.conf';
	append_to_file('hostile.conf', "folder = hostile\nschemas = public\n");
	append_to_file('hostile.sql', "CREATE TABLE t (id int);\nCREATE INDEX ON t (id);\n");
	gives(0, 'is at base', '', 'init', 'hostile');
	gives(0, '^hostile/', '', 'revision', '--autogenerate', '--target', 'hostile.sql', '-m', 't', '--rev-id', 't');
	gives(0, 'CREATE TABLE', '^plan_checksum', 'dry-run');
	gives(0, 'is at t', '', 'upgrade', '-y');
	gives(0, '.', '^$', @$_) foreach
	  map { [ split ] } 'diff --target hostile.sql', 'drift', 'locate', 'preflight', 'status', 'check', 'check --target hostile.sql', 'plan downgrade base', 'current', 'current --check-heads', 'history', 'graph', 'graph --format dot',
	  'log', 'expansion', 'report', 'heads', 'heads --resolve-dependencies', 'branches', 'show t', 'script downgrade base', 'round-trip', 'scopes', 'scope-drift', 'help upgrade';
	gives(0, '', '', @$_) foreach
	  map { [ split ] } 'diff --sql --target hostile.sql', 'require', 'load', 'export', 'lint', 'verify', 'stamp t --sql', 'upgrade --stepwise', 'reset -y', 'downgrade -1 -y', 'reset --stepwise -y', 'downgrade base -y', 'stamp t', 'wait t';
	unlike(slurp_file("$CmigNode::top/share/cmig/looks.bash"), qr/NULLIF|DISTINCT FROM/, 'no operator that search_path would find');
	gives(3, '', 'nothing to merge', 'merge');
	gives(3, '', 'fewer than two', 'squash', 'base:head');
	gives(0, '.', '', 'create-scope', 's');
	gives(0, '', 'scope "s" is at t', '--scope', 's', 'upgrade');
	gives(0, '', '', 'upgrade', '--scopes', 's%', '-y');
	gives(0, '', '', 'drop-scope', 's', '-y');
	gives(3, '', 'does not exist', 'import', 'alembic', '--state', '--version-table', 'drop');
}

# An Alembic project
SKIP:
{
	skip 'Alembic is not installed', 2 unless need_tool('alembic', 'python3', '-c', 'import alembic, sqlalchemy');
	local $ENV{PYTHONDONTWRITEBYTECODE} = 1;
	gives(0, '5 files in al', '', '--folder', 'al', 'import', 'alembic', '-c', "$CmigNode::top/t/data/alembic/mindbridge/alembic.ini");
	gives(0, '5 files in to', '', 'import', 'alembic', '-c', "$CmigNode::top/t/data/alembic/mindbridge/alembic.ini", '--to', 'to');
}

# The Make targets of the examples
SKIP:
{
	skip 'make is not installed', 5 unless need_tool('make', 'make', '--version');
	local $ENV{DATABASE_URL} = 'postgresql:///flyway';
	my ($out, $err);
	foreach my $target ([ 'db-create', "MESSAGE=It's \"a\" message" ], ['db-current'])
	{
		IPC::Run::run([ 'make', '-s', '-f', "$CmigNode::top/examples/Makefile", "CMIG=$cmig --folder converted", @$target ],
			'<', \undef, '>', \$out, '2>', \$err);
		ok($? == 0, "make $target->[0]") or diag("$out$err");
	}
	# links that lead to what make install has installed
	IPC::Run::run([ 'make', '-s', '-C', $CmigNode::top, "LINKS=$dir/links", 'install-links' ], '<', \undef, '>', \$out, '2>', \$err)
	  or diag("$out$err");
	is(qx($dir/links/bin/cmig --version 2>&1), "cmig (pg_cmig) $version\n", 'cmig runs through a link');
	like(slurp_file("$dir/links/share/man/man1/cmig.1"), qr/"pg_cmig $version"/, 'the manual page has the same version');
	ok(-s "$dir/links/share/bash-completion/completions/cmig", 'the completion is installed');
}

# Calls of pg_cmig's functions have one path, which gives them the session's search_path.
foreach my $case ([ 'SELECT cmig.history()', 70 ], [ "SELECT 'x' FROM a.b, cmig.heads() WHERE c = 'd'", 70 ], [ "SELECT 'SELECT cmig.history()', cmig.revision FROM cmig.revision", 0 ])
{
	is(system('bash', '-c', '. "$1"; source_parts; add "$2" 2>/dev/null', 'bash', $cmig, $case->[0]) >> 8, $case->[1], "add '$case->[0]'");
}

SKIP:
{
	skip 'shellcheck is not installed', 1 unless need_tool('shellcheck', 'shellcheck', '--version');
	my ($out, $err) = ('', '');
	ok(IPC::Run::run([ 'shellcheck', $cmig, glob("$CmigNode::top/share/cmig/*.bash") ], '>', \$out, '2>', \$err), 'shellcheck') or diag($out);
}

done_testing();
