# Copyright (c) 2026, the pg_cmig developers

# What cmig says if the folder is not the one that was meant, if a file exists or cannot be written,
# if a project begins twice, and about files that an import does not know or does not convert.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use File::Path qw(make_path);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('folders_and_files');

$node->start;
delete @ENV{qw(PGAPPNAME DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);

# file(PATH, CONTENT): writes a file, and its folder
sub file
{
	my ($path, $content) = @_;

	make_path($path =~ s/[^\/]*$//r) if $path =~ /\//;
	unlink $path;
	append_to_file($path, $content);
}

# project(NAME): makes a database, and changes to a new folder
sub project
{
	$ENV{PGDATABASE} = $_[0];
	chdir PostgreSQL::Test::Utils::tempdir() or die $!;
	gives(0, 'is at base', '', 'init', '--create-database', '-d', $_[0]);
	return;
}

# change(PATH, OLD, NEW): replaces a text in a file
sub change { return file($_[0], text($_[0]) =~ s/\Q$_[1]\E/$_[2]/r) }

sub text { return -e $_[0] ? slurp_file($_[0]) : 'none' }

# --- the folder -----------------------------------------------------------------

# the files of Diesel are in the folder that cmig init has written, so the import writes into another one
project('folders');
file('migrations/2024-01-01-000000_one/up.sql', 'CREATE TABLE one (id int);');
file('migrations/2024-01-01-000000_one/down.sql', 'DROP TABLE one;');
my $empty = 'cmig: no revision files in migrations, but SQL files in subfolders\nHINT:  ';
gives(2, '^$', "^${empty}cmig import shows[^\n]*\n\$", 'upgrade');
gives(0, 'base', "^${empty}cmig import shows", 'status');
gives(0, '^cmig/20240101000000_one\.sql\n$', '^$', 'import', 'diesel', 'migrations', '--folder', 'cmig');
# those of other programs are not proposed
file("$_/1_x.sql", "-- revision: x\n") for '.a', 'a/node_modules';
foreach my $verb ('upgrade', 'load')
{
	gives(2, '^$', "^${empty}Revision files are in cmig: --folder cmig or, in cmig\\.conf: folder = cmig\n\$", $verb);
}
# as the hint says
gives(0, 'is at 20240101000000', '', 'upgrade', '--folder', 'cmig');
change('cmig.conf', 'folder = migrations', 'folder = cmig');
gives(0, '^$', 'is at 20240101000000\n$', 'upgrade');
change('cmig.conf', 'folder = cmig', 'folder = migrations');

# a folder for each year, without the setting that searches it
unlink 'cmig.conf';
rename 'migrations', 'diesel' or die;
make_path('migrations');
rename 'cmig', 'migrations/2024' or die;
gives(2, '^$', "^${empty}To read migrations/2024, too, in cmig\\.conf: file_template = (\\S+)\n\$", 'upgrade');
file('cmig.conf', 'file_template = %(year)d/%(rev)s_%(slug)s');
gives(0, '20240101000000', '^$', 'heads');

# an empty folder is no error
mkdir 'empty' or die;
unlink 'cmig.conf';
gives(0, '', '^cmig: no revision files in empty\nHINT:  Revision files are in migrations/2024: ', 'upgrade', '--folder', 'empty');

# a folder that was typed, and does not exist, is an error of all verbs that do not create it
gives(2, '^$', '^cmig: the folder nowhere does not exist\n', @$_, '--folder', 'nowhere')
  foreach [ 'current' ], [ 'log' ], [ 'scopes' ], [ 'report' ], [ 'drift' ], [ 'expansion' ], [ 'status' ], [ 'pause', 'all' ];
gives(0, '20240101000000', '^$', 'current', '--folder', 'nowhere', '--no-load');
gives(0, 'diesel', '^$', 'import', '--folder', 'nowhere');

# --- a file exists --------------------------------------------------------------

file('plain/1_a.sql', "CREATE TABLE a (id int);\n");
gives(0, '^to/1_a\.sql\n$', '^$', 'import', 'sqlx', 'plain', '--to', 'to');
change('to/1_a.sql', 'CREATE TABLE a', 'CREATE TABLE b');
gives(2, '^$', '^cmig: to/1_a\.sql already exists\nHINT:  --force overwrites files, except for sections that were to be written by hand\.\n$', 'import', 'sqlx', 'plain', '--to', 'to');
gives(0, '^to/1_a\.sql\n$', '^$', 'import', 'sqlx', 'plain', '--to', 'to', '--force');
like(text('to/1_a.sql'), qr/^CREATE TABLE a \(id int\);$/m, 'the file is overwritten');

# the section that was written by hand remains
file('code/1_a.up.go', 'package main');
file('code/2_b.up.sql', 'SELECT 2;');
gives(3, 'by_hand/1_a\.sql\n', 'to be written', 'import', 'golang-migrate', 'code', '--to', 'by_hand');
file('by_hand/1_a.sql', text('by_hand/1_a.sql') =~ s/^(-- cmig:upgrade\n).*?(?=^-- cmig:|\z)/$1SELECT 'by hand';\n\n/msr);
file('by_hand/2_b.sql', text('by_hand/2_b.sql') =~ s/SELECT 2/SELECT 3/r);
gives(2, '^$', 'by_hand/2_b\.sql already exists\nHINT:  --force', 'import', 'golang-migrate', 'code', '--to', 'by_hand');
gives(0, 'by_hand/2_b\.sql\n', '', 'import', 'golang-migrate', 'code', '--to', 'by_hand', '--force');
like(text('by_hand/1_a.sql'), qr/^SELECT 'by hand';$/m, 'the section remains');
like(text('by_hand/2_b.sql'), qr/^SELECT 2;$/m, 'the other file is overwritten');

gives(0, '^out/20240101000000_one\.sql\n$', '^$', 'export', '--to', 'out');
change('out/20240101000000_one.sql', 'CREATE TABLE one', 'CREATE TABLE two');
gives(2, '^$', '^cmig: out/20240101000000_one\.sql already exists\nHINT:  --force overwrites files\.\n$', 'export', '--to', 'out');

# --- a baseline before the first one is stamped ---------------------------------

project('started');
query($node, 'started', 'CREATE TABLE old (id int)');
gives(0, '^migrations/b1_baseline\.sql\n$', '^HINT:  [^\n]*: cmig stamp head\n$', 'baseline', '--rev-id', 'b1');
gives(3, '^$', '^ERROR:  there is already a first revision: "b1"\nHINT:  To record it as applied in a database that has its schema: cmig stamp b1\. ', 'baseline');
is(join(' ', glob('migrations/*')), 'migrations/b1_baseline.sql', 'no second file');
file('cmig.conf', "folder = migrations\nschemas = public\n");
gives(3, '^$', 'there is already a first revision: "b1"', 'baseline');
# of another application
query($node, 'started', 'CREATE SCHEMA billing CREATE TABLE invoice (id int)');
gives(0, '^migrations/b2_baseline\.sql\n$', '', 'baseline', '--rev-id', 'b2', '--schemas', 'billing');
unlink 'migrations/b2_baseline.sql';
gives(0, 'is at b1', '', 'stamp', 'b1');
gives(3, '^$', 'applied', 'baseline');
# what is only stored does not count, as when a project starts again
rename 'migrations', 'before' or die;
mkdir 'migrations' or die;
gives(0, '', '', 'stamp', 'base', '--purge', '--no-load');
gives(0, '^migrations/b3_baseline\.sql\n$', '', 'baseline', '--rev-id', 'b3');

# --- a full disk ----------------------------------------------------------------

project('full');
my @limited = ('bash', '-c', q{trap '' XFSZ; ulimit -f 2; exec "$0" "$@"}, $cmig);
command_checks_all([ @limited, 'report', 'new.html' ], 2, [qr/^$/], [qr/^cmig: new\.html cannot be written\n$/], 'a new page');
ok(!-e 'new.html', 'no part of it is left');
file('old.html', "old\n");
symlink 'old.html', 'link.html' or die;
foreach my $name ('old.html', 'link.html')
{
	command_checks_all([ @limited, 'report', $name ], 2, [qr/^$/], [qr/^cmig: \Q$name\E cannot be written\n$/], $name);
	is(text($name), "old\n", "$name is as it was");
}
is(join(' ', grep { /^\.cmig|html/ } split /\n/, `ls -A`), 'link.html old.html', 'nothing else is left');
gives(0, '^$', '^$', 'report', 'link.html');
ok(-l 'link.html' && text('old.html') =~ /<\/html>\n$/, 'a link leads to the page');
gives(0, '^<!DOCTYPE.*</html>\n$', '^$', 'report', '/dev/stdout');
gives(2, '^$', '^cmig: migrations cannot be written\n$', 'report', 'migrations');
my $long = 'x' x 3000;
file('plain/1_a.sql', "SELECT '$long';\n");
command_checks_all([ @limited, 'import', 'sqlx', 'plain', '--to', 'to' ], 2, [qr/^$/], [qr/cannot be written/], 'an import');
ok(!-e 'to/1_a.sql', 'no part of a revision is left');

# the files of an import from Alembic, without the programs that it needs
SKIP:
{
	skip 'there is no python3', 3 if system('python3 -c "" 2>/dev/null') != 0;
	file('write.py', <<'END');
import sys
from unittest.mock import MagicMock
for name in "alembic sqlalchemy import_alembic.render import_alembic.source import_alembic.text".split():
    sys.modules[name] = MagicMock(__version__="2.0")
sys.path.insert(0, sys.argv[1])
from import_alembic.files import write_files
write_files("alembic", [("1.sql", "new\n"), ("2.sql", "x" * 5000)], True)
END
	file('alembic/2.sql', "old\n");
	my @python = ('bash', '-c', q{trap '' XFSZ; ulimit -f 2; PYTHONDONTWRITEBYTECODE=1 exec python3 write.py "$0"}, "$CmigNode::top/share/cmig");
	command_checks_all([@python], 1, [qr/^$/], [qr/alembic\/2\.sql cannot be written: File too large\n$/], 'Alembic');
	is(text('alembic/1.sql') . text('alembic/2.sql'), "new\nold\n", 'the file is as it was');
	is(`ls -A alembic`, "1.sql\n2.sql\n", 'nothing else is left');
}

# --- tools that are not converted -----------------------------------------------

my $formats = 'The formats are: dbmate, [^\n]*, yoyo\. sqlx is also for plain SQL in files such as 1_name\.sql\.';
my $baseline = 'cmig baseline -m Start, and cmig stamp head';
gives(3, '^$', "^ERROR:  migrations of $_ cannot be converted\nHINT:  In a database in which they have run: $baseline\\. $formats\n\$", 'import', $_, 'plain') foreach 'knex', 'atlas';
gives(3, '^$', "^ERROR:  unknown format \"typeorm\"\nHINT:  $formats For others, in a database in which their migrations have run: $baseline\n\$", 'import', 'typeorm', 'plain');
gives(3, '^$', "ERROR:  unknown tool \"typeorm\"\nHINT:  The tools are: alembic, [^\n]*, yoyo\\. For others, [^\n]*: $baseline\n\$", 'import', 'typeorm', '--state');
fails_with($node, 'full', "SELECT cmig.import_files('typeorm', '{}', '{}')", '22023', q{SELECT \* FROM cmig\.baseline\(message => 'Start'\), and SELECT \* FROM cmig\.stamp\('head'\)}, 'the hint in SQL');

# --- Liquibase: what is before the first change set -----------------------------

is( query($node, 'full', <<'END'),
SELECT string_agg(concat_ws(' ', file_name, note, substring(content FROM 'SELECT .*?;')), E'\n') FROM (VALUES
	(E'--liquibase formatted sql\n/* a\n comment */\n\nSET x = 1;\n--changeset ann:1\nSELECT 1;\n'),
	(E'--liquibase formatted sql\n--ignoreLines:1\nSET x = 1;\nSET y = 2;\n--changeset ann:2\nSELECT 2;\n'),
	(E'--liquibase formatted sql\n--ignoreLines:start\nSET x = 1;\n--ignoreLines:end\n-- SET x = 3;\n/* liquibase rollback\nSELECT 7;\n*/\n--changeset ann:3\nSELECT 3;\n'),
	(E'--liquibase formatted sql\n-- changeset ann:4 ignore:true\nSET x = 1;\n--changeset ann:5\nSELECT 5;\n'),
	(E'--liquibase formatted sql\n-changeset ann:6\nSELECT 6;\n')
) AS v (text), cmig.import_files('liquibase', '{a.sql}', ARRAY[text])
END
	join("\n", 'ann.1.sql SELECT 1;', 'a.sql left out from line 5 on, because Liquibase does not run what is before the first change set',
		'ann.2.sql SELECT 2;', 'a.sql left out: --ignoreLines:1', 'a.sql left out from line 4 on, because Liquibase does not run what is before the first change set',
		'ann.3.sql SELECT 3;', 'a.sql left out: --ignoreLines:start', 'a.sql left out: --ignoreLines:end',
		'ann.5.sql SELECT 5;', 'a.sql change set ann.4 is left out, because Liquibase does not run it: ignore:true',
		'a.sql left out from line 2 on, because Liquibase does not run what is before the first change set'),
	'statements before the first change set');

# --- a file that is replaced ------------------------------------------------------

gives(0, '', '', 'report', 'report.html');
chmod 0640, 'report.html';
gives(0, '', '', 'report', 'report.html');
is(sprintf('%o', (stat 'report.html')[2] & 07777), '640', 'it keeps its mode');
cmp_ok(-s 'report.html', '>', 1000, 'and is written again');

# --- a byte order mark ----------------------------------------------------------

my $mark = "\xef\xbb\xbf";
file('one.env', "${mark}PGDATABASE=full\n${mark}PGUSER=nobody\n");
{
	delete local @ENV{qw(PGDATABASE PGUSER)};
	gives(0, '^no scopes\n$', '^$', 'scopes', '--env=one.env');
}
file('cmig.conf', "${mark}folder = migrations\n");
gives(0, 'migrations', '^$', 'folders');
file('cmig.conf', "folder = migrations\n${mark}jobs = 3\n");
gives(2, '^$', 'unknown key', 'folders');

$node->stop;
done_testing();
