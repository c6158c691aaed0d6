# Copyright (c) 2026, the pg_cmig developers

# Tests bin/cmig-import-alembic with Alembic itself.  The projects in t/data/alembic are
# converted to revision files.  Migrations that need a connection must be completed by
# hand.  Both tools must create the same schema in both directions.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my $script = "$CmigNode::top/bin/cmig-import-alembic";
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
my $values = new_project(<<'X', <<'X');
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
my @texts;
foreach my $run (1, 2)
{
	my $folder = PostgreSQL::Test::Utils::tempdir() . '/files';
	local $ENV{PYTHONHASHSEED} = $run;
	my ($status, $out, $err) = run_import($values, $folder);

	is($status, 3, 'what needs a secret is written by hand') or diag($err);
	push @texts, $out . join '', map { slurp_file($_) } sort glob "$folder/*.sql";
	load_ok($folder) if $run == 1;
}
is($texts[1], $texts[0], 'two imports of the same sources write the same files');
like($texts[0], qr/^    line 11: SCHEMA = os.environ.get\('CMIG_TEST_SCHEMA', 'public'\), 'public' in the environment of the import$/m, 'a value of the environment is noted');
like($texts[0], qr/^    line 12: MADE = uuid.uuid4\(\) became a fixed value, '[0-9a-f-]{36}'$/m, 'a value of the module');
like($texts[0], qr/^    upgrade, line 14: uuid.uuid4\(\) became gen_random_uuid\(\)$/m, 'the line of a helper function');
like($texts[0], qr/^    its Create Date is left out, because it is not a date: 2024-13-45 10:00:00$/m, 'a wrong date is dropped');
like($texts[0], qr/^    upgrade, line 10: uses secrets.token_hex\(\)\n    downgrade, line 10: uses secrets.token_hex\(\)$/m, 'secrets');
like($texts[0], qr/VALUES \(gen_random_uuid\(\), now\(\), 'made at 2000-01-01 [^']*'\);/, 'functions of the server, where a value is all of a string');
like($texts[0], qr/VALUES \('([0-9a-f-]{36})', \(now\(\) AT TIME ZONE 'UTC'\), lower\('[0-9a-f-]{36}'\)\);.*WHERE id = '\1'/s, 'and a fixed value where it is used twice or in a call');
like($texts[0], qr/SET made = '2000-01-02 00:00:00.987652'/, 'and in a calculation');

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
