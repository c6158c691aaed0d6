# Copyright (c) 2026, the pg_cmig developers

# Tests bin/cmig-import-alembic with Alembic itself.  The projects in t/data/alembic are
# converted to revision files.  Migrations that need a connection must be completed by
# hand.  Both tools must create the same schema in both directions.

use strict;
use warnings;

use Cwd 'getcwd';
use File::Basename;
use File::Copy;
use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
our $script = "$CmigNode::top/bin/cmig-import-alembic";
my $projects = "$CmigNode::top/t/data/alembic";

plan skip_all => 'Alembic or psycopg2 is not installed'
  unless need_tool('alembic', $python, '-c', 'import alembic, sqlalchemy, psycopg2');

my $node = new_node('alembic');
$node->start;
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
delete $ENV{PGDATABASE};

# import_project(PROJECT, FOLDER, OPTION...): converts a project, and returns the exit
# status, the output, and the errors
sub import_project
{
	my ($project, $folder, @options) = @_;
	my ($out, $err);
	my @command = ($python, $script, '-c', "$projects/$project/alembic.ini", '-o', $folder, @options);

	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out =~ s/\Q$folder\E/FOLDER/gr, $err);
}

# The report
my %reports = (
	second_brain => [ 0, <<'X' ],
5 files in FOLDER
automatic:       5
to be reviewed:  0
to be written:   0
X
	mindbridge => [ 0, <<'X' ],
5 files in FOLDER
automatic:       5
to be reviewed:  0
to be written:   0
X
	contextiq => [ 0, <<'X' ],
5 files in FOLDER
automatic:       3
to be reviewed:  1
  2c86f1d7ea30
    it does not run in one transaction, so it was divided into the revisions 2c86f1d7ea30_1, 2c86f1d7ea30
    upgrade, COMMIT in the migration: the statements after it are outside of the transaction
    its downgrade is divided differently; revert all of these revisions or none of them
to be written:   0
X
	mnfst_rag => [ 3, <<'X' ],
10 files in FOLDER
automatic:       6
to be reviewed:  1
  003_add_indexes
    it does not run in one transaction, so it was divided into the revisions 003_add_indexes_1, 003_add_indexes_2, 003_add_indexes
to be written:   1
  006_migrate_user_roles
    upgrade, line 39: uses the result of a statement
X
	conjoinai => [ 3, undef ],
);
my %folders;

foreach my $project (sort keys %reports)
{
	$folders{$project} = PostgreSQL::Test::Utils::tempdir() . "/$project";
	my ($status, $out, $err) = import_project($project, $folders{$project});

	is($status, $reports{$project}[0], "$project: exit status") or diag($err);
	is($out, $reports{$project}[1], "$project: the report") if defined $reports{$project}[1];
	$node->safe_psql('postgres', "CREATE DATABASE $project");
	query($node, $project, 'CREATE EXTENSION pg_cmig; CREATE EXTENSION "uuid-ossp"');
	like(load_files($node, $project, undef, sort glob "$folders{$project}/*.sql"), qr/^(\w+\|added\n?)+$/, "$project: the files load");
	my ($again, $text) = import_project($project, $folders{$project});
	is($again, $status, "$project: a second time nothing changes");
}

# Statements in migrations that need a connection are not run
fails_with($node, 'mnfst_rag', "CALL cmig.upgrade_stepwise('heads')", '0A000',
	'the upgrade of revision 006_migrate_user_roles has not been written as SQL.*line 39: uses the result of a statement',
	'what has to be written fails and says so');
is(query($node, 'mnfst_rag', 'SELECT string_agg(revision, \' \' ORDER BY revision) FROM cmig.current()'), '006_merge',
	'the others ran');
is(query($node, 'mnfst_rag', "SELECT to_regtype('user_role_new') IS NULL"), 't', 'nothing of it was run');
is(query($node, 'mnfst_rag', q{SELECT depends_on, branch_labels FROM cmig.revision WHERE revision = 'reports_001'}),
	'{004_add_user_preferences}|{reports}', 'dependencies and labels');
is(query($node, 'mnfst_rag', q{SELECT down_revision FROM cmig.revision WHERE revision = '006_merge'}),
	'{005_add_audit_trail,004_add_user_preferences}', 'a merge, with the branch first that Alembic runs first');
is(query($node, 'second_brain', q{SELECT message, created_at AT TIME ZONE 'UTC' FROM cmig.revision WHERE revision = '003'}),
	'Add full_name to users|2025-02-01 06:00:00', 'message and date');

fails_with($node, 'conjoinai', "SELECT cmig.upgrade('heads')", '0A000', 'upgrade of revision 4957533a9ab9 has not been written',
	'inspect() needs a connection');
unlike(slurp_file("$folders{conjoinai}/20250117_090000_baseline_current_schema.sql"), qr/cmig:downgrade/, 'irreversible');
like(slurp_file("$folders{conjoinai}/20250117_120000_add_card_completion_is_positive.sql"),
	qr/cmig:upgrade\n\/\*\nline \d+: .*except Exception:.*\*\/\nDO /s, 'an error that the code catches is found');

# Values are read back as rows of the server
query($node, 'second_brain', 'CALL cmig.upgrade_stepwise()');
is(query($node, 'second_brain', 'SELECT * FROM decks ORDER BY id'), <<'X' =~ s/\n\z//r, 'literals');
00000000-0000-0000-0000-000000000001|it's 100% \ "quoted" :not_a_parameter
	tab|-2.50|2025-03-01|2025-03-01 12:00:00+00|{"label": "o'clock", "steps": [1, 10]}|\x00ff27|{1,10,1440}|1 day 00:02:00|t
00000000-0000-0000-0000-000000000002|||||null||{}||t
X

# Both tools create the same schema
foreach my $project (qw(second_brain mindbridge contextiq))
{
	my $setup = PostgreSQL::Test::Utils::tempdir() . '/setup.sql';
	append_to_file($setup, 'CREATE EXTENSION "uuid-ossp";');
	my ($status, $out, $err) = import_project($project, $folders{$project}, '--verify', '--setup', $setup);

	is($out, "upgrade to the heads: the schemas are the same\ndowngrade to base: the schemas are the same\n", "$project: both directions")
	  or diag($err);
	is($status, 0, "$project: verified");
}

# A migration that is converted by hand is verified, too
my $file = "$folders{mnfst_rag}/006_migrate_user_roles.sql";
my $text = slurp_file($file);
$text =~ s{^/\*.*?^\$cmig\$;$}{CREATE TYPE user_role_new AS ENUM ('superadmin', 'tenant_admin', 'user');
ALTER TABLE users ADD role_new user_role_new;
ALTER TABLE users DROP role;
ALTER TABLE users RENAME role_new TO role;}ms or die;
unlink $file;
append_to_file($file, $text);
my ($status, $out, $err) = import_project('mnfst_rag', $folders{mnfst_rag}, '--verify');
is($out, "upgrade to the heads: the schemas are the same\ndowngrade to base: the schemas are the same\n", 'written by hand');
($status, $out, $err) = import_project('mnfst_rag', $folders{mnfst_rag});
is($status, 1, 'a file that was changed is not overwritten');
like($err, qr/006_migrate_user_roles\.sql already exists with different content\nHINT: /, 'the error names it');
# nothing is written through a link, not even with --force
{
	my $links = PostgreSQL::Test::Utils::tempdir();
	my $elsewhere = PostgreSQL::Test::Utils::tempdir() . '/elsewhere.sql';

	symlink $elsewhere, "$links/006_migrate_user_roles.sql" or die;
	foreach my $force ([], ['--force'])
	{
		($status, undef, $err) = import_project('mnfst_rag', $links, @$force);
		is($status, 1, 'a link in the place of a file');
		like($err, qr/006_migrate_user_roles\.sql is a symbolic link\nHINT: Remove it\./, 'the error names it');
		is_deeply([ -e $elsewhere, glob "$links/*" ], [ undef, "$links/006_migrate_user_roles.sql" ], 'nothing is written');
	}
}

# new_project(NAME, BODY...): writes a project whose revisions r1, r2, ... have these bodies,
# each one after the previous one unless it says otherwise, and returns the path of its
# alembic.ini
sub new_project
{
	my @bodies = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $number = 0;

	mkdir "$folder/$_" or die foreach qw(alembic alembic/versions);
	append_to_file("$folder/alembic.ini", "[alembic]\nscript_location = $folder/alembic\n");
	append_to_file("$folder/alembic/env.py", "from alembic import context\ncontext.configure(dialect_name='postgresql')\ncontext.run_migrations()\n");
	foreach my $body (@bodies)
	{
		my $before = $number++ ? "'r" . ($number - 1) . "'" : 'None';
		my $date = $body =~ s/^date: (.*)\n// ? $1 : '2024-01-02 03:04:05';

		$body = "down_revision = $before\n$body" if $body !~ /^down_revision/m;
		append_to_file("$folder/alembic/versions/r$number.py", qq("""Number $number\n\nCreate Date: $date\n"""\nfrom alembic import op\nimport sqlalchemy as sa\nrevision = 'r$number'\n$body));
	}
	return "$folder/alembic.ini";
}

# run_import(INI, FOLDER, OPTION...): as import_project
sub run_import
{
	my ($ini, $folder, @options) = @_;
	my ($out, $err);

	IPC::Run::run([ $python, $script, '-c', $ini, '-o', $folder, @options ], '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out =~ s/\Q$folder\E/FOLDER/gr, $err);
}

# Values from outside, the clock, UUIDs, and the order of a set: the same files every time
my $values = new_project(<<'X', <<'X', <<'X');
date: 2024-13-45 10:00:00
import datetime, os, uuid
from uuid import uuid4
SCHEMA = os.environ.get('CMIG_TEST_SCHEMA', 'public')
MADE = uuid4()
def new_id():
    return uuid.uuid4()
def upgrade():
    for name in {'one', 'two', 'three', 'four', 'five'}:
        op.create_table(name, sa.Column('id', sa.Uuid() if hasattr(sa, 'Uuid') else sa.dialects.postgresql.UUID(as_uuid=True)), sa.Column('made', sa.DateTime(timezone=True)), sa.Column('note', sa.Text), schema=SCHEMA)
    now = datetime.datetime.now(datetime.timezone.utc)
    op.execute(f"INSERT INTO one VALUES ('{new_id()}', '{now}', 'made at {now}')")
    twice = uuid4()
    op.execute(f"INSERT INTO one VALUES ('{twice}', '{datetime.datetime.utcnow()}', lower('{uuid4()}'))")
    op.execute(f"UPDATE one SET made = '{datetime.datetime.now() + datetime.timedelta(1)}' WHERE id = '{twice}'")
    op.execute(f"INSERT INTO two (id) VALUES ('{MADE}')")
def downgrade():
    for name in {'one', 'two', 'three', 'four', 'five'}:
        op.drop_table(name)
X
import secrets
TOKEN = secrets.token_hex(8)
def upgrade():
    op.execute(f"INSERT INTO three (note) VALUES ('{TOKEN}')")
def downgrade():
    op.execute("DELETE FROM three")
X
import os, time
class Item:
    pass
def upgrade():
    table = sa.Table('indexed', sa.MetaData(), *[sa.Column(f'c{i}', sa.Integer, index=True) for i in range(12)])
    table.create(op.get_bind())
    for index in table.indexes:
        op.execute(f"COMMENT ON INDEX {index.name} IS '{time.strftime('%Y')}'")
    if 'CMIG_TEST' in os.environ or os.path.isfile('gone'):
        op.drop_table('indexed')
def downgrade():
    op.execute(f"COMMENT ON TABLE indexed IS '{Item()}'")
X
my @texts;
foreach my $run (1, 2, 4711)
{
	my $folder = PostgreSQL::Test::Utils::tempdir() . '/files';
	local $ENV{PYTHONHASHSEED} = $run;
	my ($status, $out, $err) = run_import($values, $folder);

	is($status, 3, 'what needs a secret is written by hand') or diag($err);
	like($out, qr/^    downgrade, its statements differ from one run to the next\n.*^    downgrade, a statement contains "'<[^>]*Item object at 0x\w+>'" in one run, and "'<[^>]*>'" in another$/ms, 'an address is not a value');
	push @texts, ($out =~ s/0x\w+/ADDRESS/gr) . join '', map { slurp_file($_) } sort glob "$folder/*.sql";
	load_ok($folder) if $run == 1;
}
is($texts[1], $texts[0], 'two imports of the same sources write the same files');
is($texts[2], $texts[0], 'whatever the hash seed is');
like($texts[0], qr/^(CREATE INDEX ix_indexed_c\d+ ON indexed \(c\d+\);\n+){12}(COMMENT ON INDEX ix_indexed_c\d+ IS '2024';\n+){12}/m, 'indexes, and the year of the migration');
like($texts[0], qr/^    line 11: SCHEMA = os.environ.get\('CMIG_TEST_SCHEMA', 'public'\), 'public' in the environment of the import$/m, 'a value of the environment is noted');
like($texts[0], qr/^    upgrade, line (\d+): 'CMIG_TEST' in os.environ, False in the environment of the import\n    upgrade, line \1: os.path.isfile\('gone'\), read from a file by the import$/m, 'what a condition asks');
like($texts[0], qr/^    line 12: MADE = uuid.uuid4\(\) became a fixed value, '[0-9a-f-]{36}'$/m, 'a value of the module');
like($texts[0], qr/^    upgrade, line 14: uuid.uuid4\(\) became gen_random_uuid\(\)$/m, 'the line of a helper function');
like($texts[0], qr/^    its Create Date is left out, because it is not a date: 2024-13-45 10:00:00$/m, 'a wrong date is dropped');
like($texts[0], qr/^    upgrade, line 10: uses secrets.token_hex\(\)\n    downgrade, line 10: uses secrets.token_hex\(\)$/m, 'secrets');
like($texts[0], qr/VALUES \(gen_random_uuid\(\), now\(\), 'made at 2000-01-01 [^']*'\);/, 'functions of the server, where a value is all of a string');
like($texts[0], qr/VALUES \('([0-9a-f-]{36})', \(now\(\) AT TIME ZONE 'UTC'\), lower\('[0-9a-f-]{36}'\)\);.*WHERE id = '\1'/s, 'and a fixed value where it is used twice or in a call');
like($texts[0], qr/SET made = '2000-01-02 00:00:00.987652'/, 'and in a calculation');

# Whatever the project's modules are called, they are not those of the command, which
# runs through a link and writes no bytecode.
my @modules = map { basename($_, '.py') } grep { !/__init__/ } glob "$CmigNode::top/share/cmig/import_alembic/*.py";
my $names = join ', ', @modules, 'import_alembic', 'cmig_import_alembic';
my $same_names = new_project("import $names\ndef upgrade():\n    for module in ($names):\n        op.execute(f\"SELECT '{module.NAME}'\")\ndef downgrade():\n    pass\n");
my $same_folder = dirname($same_names);
append_to_file($same_names, "prepend_sys_path = $same_folder\n");
append_to_file("$same_folder/$_.py", "NAME = 'the $_ of the project'\n") foreach split /, /, $names;
{
	local $ENV{PYTHONDONTWRITEBYTECODE};
	local $script = "$same_folder/link";
	symlink("$CmigNode::top/bin/cmig-import-alembic", "$same_folder/link to it") && symlink('link to it', $script) or die $!;
	my $before = getcwd();
	chdir $same_folder or die $!;
	($status, $out, $err) = run_import($same_names, "$same_folder/files");
	chdir $before or die $!;
	is($status, 0, 'modules with the same names') or diag($err);
	is_deeply([ slurp_file("$same_folder/files/r1.sql") =~ /^SELECT 'the (\w+) of the project';$/mg ], [ split /, /, $names ], 'are those of the project');
	is(qx(find '$CmigNode::top/bin' '$CmigNode::top/share' '$same_folder' -name __pycache__), '', 'no bytecode is written');
	$script = "$same_folder/moved";
	copy("$CmigNode::top/bin/cmig-import-alembic", $script) or die $!;
	(undef, undef, $err) = run_import($same_names, "$same_folder/files");
	like($err, qr{share/cmig/import_alembic/__init__.py does not exist\nHINT: The folder share/cmig must be next to the folder of cmig-import-alembic.$}, 'without its package');
}

# The same with what make install has installed, through a link
SKIP:
{
	skip 'make is not installed', 1 unless need_tool('make', 'make', '--version');
	IPC::Run::run([ 'make', '-s', '-C', $CmigNode::top, "LINKS=$same_folder/links", 'install-links' ], '<', \undef, '>', \$out, '2>', \$err)
	  or diag("$out$err");
	local $script = "$same_folder/links/bin/cmig-import-alembic";
	($status, undef, $err) = run_import($same_names, "$same_folder/files");
	is($status, 0, 'installed') or diag($err);
}

# load_ok(FOLDER): loads the files
sub load_ok
{
	my ($folder) = @_;

	$node->safe_psql('postgres', 'CREATE DATABASE loaded');
	query($node, 'loaded', 'CREATE EXTENSION pg_cmig');
	like(load_files($node, 'loaded', undef, sort glob "$folder/*.sql"), qr/^(\w+\|added\n?)+$/, 'the files load');
}

# Code that Alembic has to run, and downgrades that fail; the second branch has the first id
my $code = new_project(<<'X', <<'X', <<'X', <<'X', <<'X', <<'X');
def upgrade():
    op.create_table('t', sa.Column('id', sa.Integer, primary_key=True))
    with op.get_bind().begin_nested():
        op.execute("COMMENT ON TABLE t IS 'commented'")
def downgrade():
    op.drop_table('t')
X
down_revision = 'r1'
def upgrade():
    op.add_column('t', sa.Column('a', sa.Integer))
def downgrade():
    op.drop_column('t', 'a')
X
down_revision = 'r1'
def upgrade():
    op.add_column('t', sa.Column('b', sa.Integer))
def downgrade():
    op.drop_column('t', 'b')
X
down_revision = ('r3', 'r2')
def upgrade():
    for statement in ("ALTER TABLE missing ADD a int", "ALTER TABLE t ADD c int"):
        try:
            with op.get_bind().begin_nested():
                op.execute(statement)
        except sa.exc.ProgrammingError:
            pass
def downgrade():
    op.drop_column('t', 'c')
X
def upgrade():
    if 't' in sa.inspect(op.get_bind()).get_table_names():
        op.add_column('t', sa.Column('d', sa.Integer))
    with op.get_context().autocommit_block():
        op.execute('CREATE INDEX CONCURRENTLY t_d ON t (d)')
def downgrade():
    op.drop_constraint(None, 't', type_='unique')
X
def upgrade():
    op.add_column('t', sa.Column('e', sa.Integer))
def downgrade():
    op.drop_column('t', 'wrong')
X
my $by_hand = PostgreSQL::Test::Utils::tempdir() . '/files';
($status, $out, $err) = run_import($code, $by_hand);
is("$status\n$out", <<'X', 'the report');
3
6 files in FOLDER
automatic:       4
to be reviewed:  0
to be written:   2
  r4
    upgrade, line 12: catches the errors of a savepoint
  r5
    upgrade, line 10: uses the result of a statement
    downgrade, it is irreversible, because it fails in Alembic: line 15: CompileError: Can't emit DROP CONSTRAINT for constraint UniqueConstraint(); it has no name
X
like(slurp_file("$by_hand/r5.sql"), qr/^-- transactional: false$/m, 'what needs an autocommit block stays in one part, outside of a transaction');
unlike(slurp_file("$by_hand/r5.sql"), qr/cmig:downgrade/, 'irreversible');
$node->safe_psql('postgres', 'CREATE DATABASE recorded');
my $recorded = PostgreSQL::Test::Utils::tempdir() . '/files';
($status, $out, $err) = run_import($code, $recorded, '--record', '-d', 'recorded');
is($status, 0, 'everything is recorded') or diag($err);
like($out, qr/^to be written:   0\n/m, 'nothing is to be written');
like($out, qr/^    upgrade, recorded on an empty database \(line 12: catches the errors of a savepoint\)$/m, 'what was recorded is to be reviewed');
like($out, qr/^    downgrade, it is irreversible, because it fails in Alembic: .*column "wrong" of relation "t" does not exist/m, 'a downgrade that fails in Alembic');
like(slurp_file("$recorded/r4.sql"), qr/^-- recorded on an empty database.*^ALTER TABLE t ADD c int;$/ms, 'what Alembic sent');
unlike(slurp_file("$recorded/r4.sql"), qr/^(ALTER TABLE missing.*|SAVEPOINT.*);$/m, 'and did not roll back');
unlike(slurp_file("$recorded/r6.sql"), qr/cmig:downgrade/, 'irreversible');
like($out, qr/r5_1, r5/, 'a recorded revision is divided');
($status, $out, $err) = run_import($code, $recorded, '--verify', '-d', 'recorded');
is($status, 0, 'the recorded files create the same schema') or diag($out . $err);
like($out, qr/^upgrade to the heads: the schemas are the same\ndowngrade: Alembic fails in r6: .*wrong.*\ndowngrade to r6: the schemas are the same\n\z/s, 'compared as far as Alembic gets');

# Connections that the code of a migration opens reach nothing
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(victim record);
$node->safe_psql('victim', 'CREATE TABLE kept AS SELECT 1 AS a');
my $delete = 'DELETE FROM kept';
my @own = (
	[ "sa.create_engine('postgresql:///victim').connect().execute(sa.text('$delete'))", 'opens a connection of its own' ],
	[ "sa.inspect(sa.create_engine('postgresql://', creator=lambda: __import__('psycopg2').connect('dbname=victim')))", 'opens a connection of its own' ],
	[ "psycopg2.connect(dbname='victim').cursor().execute('$delete')", 'opens a connection of its own' ],
	[ "psycopg2.extensions.connection('dbname=victim').cursor().execute('$delete')", 'opens a connection of its own' ],
	[ "psycopg2.extras.LoggingConnection('dbname=victim')", 'opens a connection of its own' ],
	[ "socket.create_connection(('127.0.0.1', $ENV{PGPORT}))", 'opens a connection of its own' ],
	[ "urllib.request.urlopen('http://localhost:$ENV{PGPORT}')", 'opens a connection of its own' ],
	[ "subprocess.run(['psql', '-d', 'victim', '-c', '$delete'])", 'starts a program (psql)' ],
	[ qq(os.system('psql -d victim -c "$delete"')), 'starts a program (psql)' ],
	[ "os.posix_spawnp('psql', ['psql', '-d', 'victim', '-c', '$delete'], os.environ)", 'starts a program (psql)' ],
	[ 'os.fork() or os._exit(0)', 'starts a process' ],
	[ "multiprocessing.util.spawnv_passfds(b'/bin/true', ['true'], [])", 'starts a program' ],
);
my $imports = "import multiprocessing.util, os, psycopg2, psycopg2.extras, socket, subprocess, urllib.request\n";
my $caught = sub { "    try:\n        $_[0]\n    except:\n        pass\n    op.execute('SELECT 1')\n" };
my $own = new_project((map { "${imports}def upgrade():\n    $_->[0]\ndef downgrade():\n" . $caught->($_->[0]) } @own),
	"${imports}LOADED = $own[2][0]\ndef upgrade():\n    op.execute('SELECT 1')\ndef downgrade():\n    pass\n");
my $own_files = PostgreSQL::Test::Utils::tempdir() . '/files';
($status, $out, $err) = run_import($own, $own_files);
is($status, 3, 'connections of their own: to be written') or diag($err);
my $number = 0;
is($out, join('', scalar(@own) + 1 . " files in FOLDER\nautomatic:       0\nto be reviewed:  0\nto be written:   " . (@own + 1) . "\n",
		(map { $number++; "  r$number\n    upgrade, line 11: $_->[1]\n    downgrade, line 14: $_->[1]\n" } @own),
		'  r' . (@own + 1) . "\n    upgrade, line 10: opens a connection of its own\n    downgrade, line 10: opens a connection of its own\n"),
	'each way to connect, also if the error is caught, or while the module is loaded');
is(query($node, 'victim', 'SELECT count(*) FROM kept'), '1', 'nothing was deleted');
# a library in C is refused by the kernel
my $touched = PostgreSQL::Test::Utils::tempdir() . '/touched';
my $library = new_project(<<"X", <<"X");
import ctypes
LIBPQ = ctypes.CDLL('libpq.so.5')
LIBPQ.PQconnectdb.restype = ctypes.c_void_p
def upgrade():
    connection = ctypes.c_void_p(LIBPQ.PQconnectdb(b'dbname=victim'))
    LIBPQ.PQexec(connection, b'$delete')
    op.execute(f'SELECT {LIBPQ.PQstatus(connection)}')
def downgrade():
    pass
X
import ctypes
LIBC = ctypes.CDLL(None)
def upgrade():
    LIBC.system(b'touch $touched')
    op.execute('SELECT 1')
def downgrade():
    pass
X
SKIP:
{
	skip 'no libpq.so.5 for Python, or no Linux', 4 unless $^O eq 'linux' && `uname -m` =~ /^(x86_64|aarch64)$/ && need_tool('libpq', $python, '-c', "import ctypes; ctypes.CDLL('libpq.so.5')");
	my $library_files = PostgreSQL::Test::Utils::tempdir() . '/files';
	($status, $out, $err) = run_import($library, $library_files);
	is($status, 3, 'a library in C: to be written') or diag($err);
	is($out, "2 files in FOLDER\nautomatic:       0\nto be reviewed:  0\nto be written:   2\n" .
		"  r1\n    upgrade, line 11: calls a library in C\n    downgrade, line 11: calls a library in C\n  r2\n    upgrade, line 12: calls a library in C\n", 'whatever it does');
	ok(!-e $touched, 'no program was started');
	is(query($node, 'victim', 'SELECT count(*) FROM kept'), '1', 'nothing was deleted');
}

# also connections of psycopg 3, with cursors as SQLAlchemy opens them
SKIP:
{
	skip 'no psycopg 3', 2 unless need_tool('psycopg 3', $python, '-c', 'import psycopg');
	my $modern = new_project(<<'X');
import psycopg
def upgrade():
    with psycopg.connect('dbname=victim') as own:
        own.cursor(binary=True).execute("SELECT 1").fetchone()
        own.execute("CREATE TABLE t (a int)", binary=True)
def downgrade():
    op.execute("DROP TABLE t")
X
	my $modern_files = PostgreSQL::Test::Utils::tempdir() . '/files';
	($status, $out, $err) = run_import($modern, $modern_files, '--record', '-d', 'record');
	is($status, 0, 'psycopg 3') or diag($err);
	like(slurp_file("$modern_files/r1.sql"), qr/^CREATE TABLE t \(a int\);$/m, 'is recorded');
}

# With --record, they are pointed at the empty database; what belongs to which connection,
# what is only read, and what differs between two databases
my $sent = new_project(<<'X', <<'X', <<'X', <<'X', <<'X');
import psycopg2, psycopg2.extras
def upgrade():
    op.execute("CREATE TABLE t (id serial PRIMARY KEY, name text)")
    op.execute("CREATE FUNCTION note(text) RETURNS int LANGUAGE sql AS 'INSERT INTO t (name) VALUES ($1) RETURNING id'")
    op.get_bind().execute(sa.text("SELECT count(*) FROM t")).scalar()
    own = psycopg2.connect('dbname=victim')
    with own, own.cursor(cursor_factory=psycopg2.extras.DictCursor) as cursor:
        cursor.execute("CREATE TABLE own (a int)")
    own.cursor().execute("CREATE TABLE rolled_back ()")
    own.close()
    op.execute("COMMENT ON TABLE t IS 'after it was closed'")
def downgrade():
    op.execute("DROP FUNCTION note; DROP TABLE t, own")
X
def upgrade():
    run = lambda sql: op.get_bind().exec_driver_sql(sql)
    run("CREATE VIEW noted AS SELECT note(name) AS n FROM t")
    run("SELECT setval('t_id_seq', 5)").scalar()
    run("SELECT note(name) FROM t").fetchall()
    run("SELECT n FROM noted").fetchall()
    run("SELECT 1; ALTER TABLE t ADD b int")
    run("SELECT id, lower(name) AS id FROM t -- only read").fetchall()
    run("WITH u AS (UPDATE t SET b = 1 RETURNING id) SELECT id FROM u").fetchall()
    run("SELECT relname FROM pg_class WHERE pg_table_is_visible(oid)").fetchall()
def downgrade():
    raise_if = op.get_bind().dialect.server_version_info
    if raise_if is None:
        raise RuntimeError('not connected')
    op.execute("DROP VIEW noted; ALTER TABLE t DROP b")
X
def upgrade():
    oid = op.get_bind().execute(sa.text("SELECT 't'::regclass::oid")).scalar()
    op.execute(f"COMMENT ON TABLE t IS '{oid}'")
def downgrade():
    name = op.get_bind().execute(sa.text("SELECT current_database()")).scalar()
    op.execute(f"ALTER DATABASE {name} SET work_mem = 1000")
X
def upgrade():
    month = op.get_bind().execute(sa.text("SELECT to_char(now(), 'YYYYMM')")).scalar()
    op.execute(f"CREATE TABLE log_{month} ()")
def downgrade():
    op.execute("DO 'BEGIN EXECUTE (SELECT format(''DROP TABLE %I'', tablename) FROM pg_tables WHERE tablename ~ ''^log_''); END'")
X
def upgrade():
    bind = op.get_bind()
    with bind.begin_nested():
        op.execute("CREATE TABLE kept_1 ()")
    try:
        with bind.begin_nested():
            op.execute("CREATE TABLE gone ()")
            raise ValueError
    except ValueError:
        op.execute("CREATE TABLE kept_2 ()")
def downgrade():
    op.execute("DROP TABLE kept_1")
    op.execute("ROLLBACK")
    op.execute("BEGIN")
    op.execute("DROP TABLE kept_1, kept_2")
X
my $sent_files = PostgreSQL::Test::Utils::tempdir() . '/files';
($status, $out, $err) = run_import($sent, $sent_files, '--record', '-d', 'record');
is($status, 3, 'what differs is to be written') or diag($err);
is($out =~ s/'\d+'/'OID'/gr =~ s/record_\d+/record_PID/gr, <<'X', 'the report');
5 files in FOLDER
automatic:       0
to be reviewed:  3
  r1
    upgrade, recorded on an empty database (line 13: uses the result of a statement)
    upgrade, its own connection was pointed at the empty database
  r2
    upgrade, recorded on an empty database (line 12: uses the result of a statement)
    downgrade, recorded on an empty database (line 20: asks for the version of the server)
  r5
    upgrade, recorded on an empty database (line 14: catches the errors of a savepoint)
    downgrade, recorded on an empty database (line 21: rolls back its transaction)
to be written:   2
  r3
    upgrade, line 10: uses the result of a statement; its statements differ from one run to the next
    downgrade, line 13: uses the result of a statement; its statements differ from one run to the next
    upgrade, a statement contains "'OID'" in one run, and "'OID'" in another
    downgrade, a statement contains 'cmig_record_PID_0_one' in one run, and 'cmig_record_PID_0_other' in another
  r4
    upgrade, line 10: uses the result of a statement; line 10: asks the server for now
X
like(slurp_file("$sent_files/r1.sql"), qr/^\*\/\nCREATE TABLE t .*;\n\nCREATE FUNCTION .*;\n\nCREATE TABLE own \(a int\);\n\nCOMMENT ON TABLE t IS 'after it was closed';\n\n-- cmig:downgrade\n/m, 'a rollback belongs to its connection');
like(slurp_file("$sent_files/r2.sql"), qr/^\*\/\nCREATE VIEW .*;\n\nSELECT setval\('t_id_seq', 5\);\n\nSELECT note\(name\) FROM t;\n\nSELECT n FROM noted;\n\nSELECT 1; ALTER TABLE t ADD b int;\n\nWITH u .*;\n\n-- cmig:downgrade\n/m,
	'what a query calls decides whether it is kept');
like(slurp_file("$sent_files/r2.sql"), qr/^\*\/\nDROP VIEW noted; ALTER TABLE t DROP b;\n\z/m, 'a recorded run is better than a guess');
like(slurp_file("$sent_files/r5.sql"), qr/^\*\/\nCREATE TABLE kept_1 \(\);\n\nCREATE TABLE kept_2 \(\);\n.*^\*\/\nDROP TABLE kept_1, kept_2;\n\z/ms, 'savepoints, and a rollback as text');
is(query($node, 'victim', q{SELECT count(*) FROM kept WHERE to_regclass('own') IS NULL}), '1', 'the database that they name is not changed');

# What follows a commit is one more transaction, not one for each statement
my $committed = new_project(<<'X');
def upgrade():
    run = lambda sql: op.get_bind().exec_driver_sql(sql)
    run("CREATE TABLE a ()")
    run("SELECT 1").scalar()
    run("COMMIT")
    run("CREATE TABLE b ()")
    run("CREATE TABLE c ()")
def downgrade():
    op.execute("DROP TABLE a, b, c")
X
my $committed_files = PostgreSQL::Test::Utils::tempdir() . '/files';
($status, $out, $err) = run_import($committed, $committed_files, '--record', '-d', 'record');
is(join(' ', sort map { basename($_) } glob("$committed_files/*.sql")), 'r1.sql r1_1.sql', 'two transactions') or diag($out, $err);
like(slurp_file("$committed_files/r1.sql"), qr/^CREATE TABLE b \(\);\n\nCREATE TABLE c \(\);$/m, 'with the statements of each');

# A chain that begins with a schema that something else has created
my $based = new_project(<<'X');
def upgrade():
    if sa.inspect(op.get_bind()).has_table('orders'):
        op.add_column('orders', sa.Column('a', sa.Integer))
    op.get_bind().execute(sa.text('SELECT * FROM customers')).fetchall()
def downgrade():
    op.drop_column('orders', 'a')
X
my $base = PostgreSQL::Test::Utils::tempdir() . '/base.sql';
append_to_file($base, 'CREATE TABLE orders (); CREATE TABLE customers ();');
($status, $out, $err) = run_import($based, PostgreSQL::Test::Utils::tempdir() . '/files', '--record', '-d', 'record');
is($status, 3, 'without the schema');
like($out, qr/^warning: Alembic's upgrade failed in r1 .*"customers" does not exist.* \(if the migrations expect a schema that they do not create, pass SQL that creates it with --setup FILE\)$/m, 'the message names --setup');
($status, $out, $err) = run_import($based, PostgreSQL::Test::Utils::tempdir() . '/files', '--record', '--setup', $base, '-d', 'record');
is($status, 0, 'with it') or diag($out . $err);

# A live database: Alembic has applied some of the migrations, and pg_cmig applies the
# rest
sub alembic
{
	my ($db, $project, @arguments) = @_;
	my $output;
	local $ENV{PGDATABASE} = $db;

	ok(IPC::Run::run([ $python, '-m', 'alembic.config', '-c', "$projects/$project/alembic.ini", @arguments ], '<', \undef, '>&', \$output),
		"alembic @arguments in $db") or diag($output);
}

sub dump_of
{
	my ($db) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-N', 'cmig', '-T', 'alembic_version*', '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err) or die $err;
	return join "\n", grep { !/^(--|$|\\(un)?restrict)|EXTENSION .*pg_cmig/ } split /\n/, $dump;
}

$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(live whole quick copied);
alembic('live', 'mnfst_rag', 'upgrade', '004_add_user_preferences');
alembic('whole', 'mnfst_rag', 'upgrade', 'heads');
query($node, 'live', 'CREATE EXTENSION pg_cmig');
my @live = ('--url', 'postgresql:///live?host=' . $node->host);
(undef, undef, $err) = import_project('mnfst_rag', $folders{mnfst_rag}, '--take-over', @live);
like($err, qr/names "004_add_user_preferences": not stamped: no such revision is loaded\nHINT: /, 'the files must be loaded');
load_files($node, 'live', undef, sort glob "$folders{mnfst_rag}/*.sql");
($status, $out, $err) = import_project('mnfst_rag', $folders{mnfst_rag}, '--take-over', '--version-table', 'rename', @live);
is("$status $out", "0 current: 004_add_user_preferences\n", 'the state is taken over') or diag($err);
is(query($node, 'live', "SELECT to_regclass('alembic_version') IS NULL, (SELECT count(*) FROM alembic_version_old)"), 't|1', 'its table is renamed');
is(query($node, 'live', "SELECT count(*) FROM cmig.journal WHERE direction = 'stamp'"), '6', 'every revision is recorded, and those that one became');
query($node, 'live', "CALL cmig.upgrade_stepwise('heads')");
is(dump_of('live'), dump_of('whole'), 'pg_cmig runs the rest');
is(query($node, 'live', "SELECT count(*) FROM cmig.check() WHERE severity = 'error' OR object ~ 'alembic'"), '0', 'there is nothing to do');

# The same with four commands in the shell
SKIP:
{
	skip 'python3 has no Alembic', 5 unless need_tool('alembic', 'python3', '-c', 'import alembic, sqlalchemy');
	$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(shell shell_whole);
	alembic('shell', 'second_brain', 'upgrade', '003');
	alembic('shell_whole', 'second_brain', 'upgrade', 'head');
	chdir PostgreSQL::Test::Utils::tempdir() or die;
	local $ENV{PGDATABASE} = 'shell';
	gives(0, 'database shell is at base', '', 'init');
	gives(0, '^5 files in migrations\nautomatic: +5\n', '', 'import', 'alembic', '-c', "$projects/second_brain/alembic.ini");
	gives(0, '003', 'added: ', 'import', 'alembic', '--state', '--version-table', 'rename');
	gives(0, 'database shell is at 005', '', 'upgrade', '-y');
	query($node, 'shell', 'DROP TABLE alembic_version_old');
	query($node, 'shell_whole', 'DROP TABLE alembic_version');
	is(dump_of('shell'), dump_of('shell_whole'), 'cmig runs the rest');
}

# The quicker way: one baseline revision replaces all migrations
alembic('quick', 'second_brain', 'upgrade', 'head');
query($node, 'quick', 'CREATE EXTENSION pg_cmig');
my $baseline = query($node, 'quick', "SELECT content FROM cmig.baseline('The schema so far', '001')");
is(query($node, 'quick', 'SELECT revision FROM cmig.current()'), '001', 'the baseline is applied');
unlike($baseline, qr/alembic_version/, 'without its table');
is(query($node, 'quick', "SELECT problem FROM cmig.check() WHERE object ~ 'alembic'"),
	'another migration tool is still in use: it has applied "005", but pg_cmig has not', 'check reminds of the table');
query($node, 'quick', 'DROP TABLE alembic_version');
query($node, 'quick', "SELECT cmig.create_revision('More', 'ALTER TABLE decks ADD more text', 'ALTER TABLE decks DROP more', revision => '002'); SELECT cmig.upgrade()");
query($node, 'copied', 'CREATE EXTENSION pg_cmig; ' . load_sql($baseline) . 'SELECT cmig.upgrade()');
query($node, 'quick', "SELECT cmig.downgrade('-1')");
is(dump_of('copied'), dump_of('quick'), 'a new database gets the same schema');

# If the schemas differ, the difference is shown
$text =~ s/DROP role;/DROP role; CREATE TABLE more ();/ or die;
unlink $file;
append_to_file($file, $text);
($status, $out, $err) = import_project('mnfst_rag', $folders{mnfst_rag}, '--verify');
is($status, 1, 'a difference');
like($out, qr/upgrade to the heads: the schemas differ\n.*\+CREATE TABLE public\.more/s, 'the difference');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_database WHERE datname LIKE 'cmig%'"), '0', 'no database is left');

done_testing();
