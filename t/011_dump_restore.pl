# Copyright (c) 2026, the pg_cmig developers

# Tests what each form of pg_dump keeps and loses.  The dumps are made and restored by
# the database's owner, who is not a superuser.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump', 'max_locks_per_transaction = 256');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $owner = 'regress_owner';
my $other = 'regress_other';

$node->safe_psql('postgres', "CREATE ROLE $owner LOGIN CREATEDB; CREATE ROLE $other LOGIN CREATEDB");

# runs SQL as the owner, unless another user is named
sub sql
{
	my ($db, $sql, $user) = @_;
	return query($node, $db, $sql, $user // $owner);
}

sub make_db
{
	my ($db, $user) = @_;
	sql('postgres', "CREATE DATABASE $db", $user);
	return $db;
}

sub run_tool
{
	my ($name, @command) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($ok && $err eq '', $name) or diag($err);
}

# dump_db(NAME, DATABASE, OPTION...): dumps a database into a file, and returns the
# file's path
sub dump_db
{
	my ($name, $db, @options) = @_;
	my $file = "$dir/$name";

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	run_tool("pg_dump @options", 'pg_dump', '-h', $node->host, '-p', $node->port, '-U', $owner,
		'-f', $file, @options, $db);
	return $file;
}

sub restore_sql
{
	my ($name, $db, $file, $user) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	run_tool($name, 'psql', '-Xqo', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-h', $node->host,
		'-p', $node->port, '-U', $user // $owner, '-d', $db, '-f', $file);
}

sub pg_restore
{
	my ($name, $db, $file, @options) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	run_tool($name, 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', $db, '--exit-on-error', @options,
		$file);
}

# Returns a dump without the parts that differ each time.  The server prints a CHECK
# constraint that compares a varchar column with a list differently after the printed
# form has been read once.
sub text_of
{
	my ($file) = @_;
	# target_id of cmig.backfill_run: the database, and the OID of a table
	return join '', map { s{\t\d+/\d+/\d+(?: [\d:]+)?$}{\tid}r } grep { !/^\\(un)?restrict |user_preferences_theme_check/ } split /^/m,
	  slurp_file($file);
}

# Tests that two dumps are equal.  If they are not, shows only the lines that differ.
sub is_text
{
	my ($got, $expected, $name) = @_;
	my ($out, @files) = ('');

	foreach my $file ($got, $expected)
	{
		append_to_file("$file.cmp", text_of($file));
		push @files, "$file.cmp";
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(IPC::Run::run([ 'diff', @files ], '>', \$out), $name) or diag($out);
}

# Returns everything that a database contains about its revisions.
my $state = q{
SELECT 'current ' || c::text FROM cmig.current() c
UNION ALL SELECT 'history ' || h::text FROM cmig.history() h
UNION ALL SELECT 'revision ' || r::text FROM cmig.revision r
UNION ALL SELECT 'version ' || v::text FROM cmig.version v
UNION ALL SELECT 'journal ' || j::text FROM cmig.journal j
UNION ALL SELECT 'progress ' || p::text FROM cmig.progress p
UNION ALL SELECT 'backfill ' || regexp_replace(b::text, ',[^,]*$', '') FROM cmig.backfill_run b
UNION ALL SELECT 'sequence ' || last_value || is_called FROM cmig.backfill_run_id_seq
UNION ALL SELECT 'check ' || severity || ' ' || object || ' ' || problem FROM cmig.check() ORDER BY 1};

#
# A database in which only some of the chain's revisions are applied
#
my @chain = chain_files('second_brain');
my $odd = revision_file('odd-é', '003_add_full_name_to_users',
	"COMMENT ON TABLE users IS E'back\\\\slash \\ttab \\u2603';\r\n-- \\restrict \\. \\N\n"
	  . "DO \$x\$ BEGIN PERFORM 'it''s'; END \$x\$;", '');
make_db('shop');
sql('shop', 'CREATE EXTENSION pg_cmig');
is(load_files($node, 'shop', $owner, @chain), join("\n", map { /([^\/]*)\.sql$/ && "$1|added" } @chain),
	'the owner loads the files');
sql('shop', load_sql($odd));
sql('shop', "SELECT cmig.upgrade('004'); SELECT cmig.downgrade('-1'); SELECT cmig.upgrade('odd-é')");
sql('shop', "SELECT cmig.stamp('003')");
sql('shop', q{INSERT INTO cmig.secret VALUES ('audit', 'k');
	INSERT INTO users (email, hashed_password) VALUES ('ada@example.org', 'x');
	INSERT INTO notes (user_id, title, content) SELECT id, 'Milk', '' FROM users});
sql('shop', q{CALL cmig.backfill('users', $$first_name = 'Ada'$$, 'first_name IS NULL')});
my $shop_state = sql('shop', $state);
like($shop_state, qr/^backfill \(1,/m, 'a backfill has left its row');
like($shop_state, qr/^current \(003_add_full_name_to_users,/m, 'the database is at 003');
my $columns = q{SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'};
my $shop_columns = sql('shop', $columns);

# is_same(DATABASE, NAME): compares the database with the original
sub is_same
{
	my ($db, $name, $user) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(sql($db, $state, $user), $shop_state, "$name: current, history, revisions, and journal are the same");
	is(sql($db, $columns, $user), $shop_columns, "$name: the tables exist");
}

#
# A complete dump: the plain format, restored by the owner into a second
# database
#
my $full = dump_db('full.sql', 'shop');
unlike(text_of($full), qr/^(GRANT|REVOKE)/m, 'no GRANT or REVOKE that only repeats the extension');
make_db('whole');
restore_sql('restore', 'whole', $full);
is_same('whole', 'full dump');
is_text(dump_db('again.sql', 'whole'), $full, 'dump, restore, dump: the same text');
is(load_files($node, 'whole', $owner, @chain),
	join("\n", map { /([^\/]*)\.sql$/ && "$1|unchanged" } @chain), 'load reports all files as unchanged');
is(sql('whole', load_sql($odd)), 'odd-é|unchanged', 'load reports unusual texts as unchanged, too');
my $last = sql('whole', 'SELECT max(id) FROM cmig.journal');
is(sql('whole', "SELECT revision FROM cmig.upgrade('004')"), '004_add_email_verified_column_to_users',
	'the next upgrade runs');
is(sql('whole', 'SELECT max(id) FROM cmig.journal'), $last + 1, 'the journal row of the upgrade has the next number');
is(sql('whole', 'SELECT count(*) FROM cmig.secret'), 0, 'cmig.secret is not dumped');
like(sql('whole', 'SELECT problem FROM cmig.check()'), qr/no dump contains cmig.secret/, 'check reports that');

#
# The archive formats
#
my $custom = dump_db('shop.dump', 'shop', '-Fc');
make_db('custom');
pg_restore('pg_restore', 'custom', $custom, '-U', $owner);
is_same('custom', '-Fc');
make_db('tarred');
pg_restore('pg_restore', 'tarred', dump_db('shop.tar', 'shop', '-Ft'), '-U', $owner);
is_same('tarred', '-Ft');
my $directory = dump_db('shop.dir', 'shop', '-Fd', '-j2');
make_db('directory');
pg_restore('pg_restore -j2', 'directory', $directory, '-U', $owner, '-j2');
is_same('directory', '-Fd -j2');

# restored over an existing database
sql('custom', "SELECT cmig.stamp('heads'); DELETE FROM cmig.revision WHERE revision = 'odd-é'");
pg_restore('pg_restore --clean', 'custom', $custom, '-U', $owner, '--clean', '--if-exists');
is_same('custom', '--clean over an existing database');

# restored for another owner
make_db('moved', $other);
pg_restore('pg_restore --no-owner', 'moved', $custom, '-U', $other, '--no-owner');
is_same('moved', '--no-owner', $other);
is(sql('moved', "SELECT count(*) FROM cmig.upgrade('heads')", $other), 3, 'the new owner can upgrade');

# restored by a superuser: the extension belongs to the role that creates it
make_db('by_superuser');
pg_restore('pg_restore by a superuser', 'by_superuser', $custom);
fails_with($node, 'by_superuser', 'SELECT * FROM cmig.current()', '42501',
	'permission denied for schema cmig', 'the owner is shut out', $owner);
my $super = getpwuid($<);
my $row = "SELECT object FROM cmig.check() WHERE fix LIKE '%grant_access%'";
is(sql('by_superuser', $row, $super), "role $owner", 'check reports that');
sql('by_superuser', sql('by_superuser', "SELECT fix FROM cmig.check() WHERE object = 'role $owner'", $super), $super);
is(sql('by_superuser', $row), '', 'the fix gives the owner access');
is_same('by_superuser', 'by a superuser, after the fix');
make_db('by_role');
pg_restore('pg_restore --role', 'by_role', $custom, "--role=$owner");
is_same('by_role', 'by a superuser with --role');

#
# -s: the schema without the rows
#
my $schema = dump_db('schema.sql', 'shop', '-s');
make_db('schema_only');
restore_sql('restore of -s', 'schema_only', $schema);
is(sql('schema_only', $columns), $shop_columns, '-s: the tables exist');
is(sql('schema_only', 'SELECT (SELECT count(*) FROM cmig.revision) + (SELECT count(*) FROM cmig.version)
	+ (SELECT count(*) FROM cmig.journal)'), 0, '-s: no revision, no version row, no journal');
like(sql('shop', 'SELECT problem FROM cmig.check()'), qr/pg_dump -s leaves out the rows/, 'check reports that');

# run the command in the hint
load_files($node, 'schema_only', $owner, @chain);
sql('schema_only', load_sql($odd));
fails_with($node, 'schema_only', "SELECT cmig.upgrade('head')", 'MG003', 'head', 'it has two heads', $owner);
fails_with($node, 'schema_only', "SELECT cmig.upgrade('heads')", '42P07', 'already exists',
	'upgrade before stamp: the tables already exist', $owner);
is(sql('schema_only', "SELECT cmig.stamp('003')"), '003_add_full_name_to_users', 'load and stamp');
is(sql('schema_only', "SELECT c::text FROM cmig.current() c"), sql('shop', "SELECT c::text FROM cmig.current() c"),
	'after load and stamp, the revisions are those of the first database');
is(sql('schema_only', "SELECT count(*) FROM cmig.upgrade('heads')"), 3, 'after load and stamp, the upgrade continues');

# -s and --data-only together are a complete dump
my $rows = dump_db('rows.sql', 'shop', '--data-only');
make_db('in_two');
restore_sql('restore of -s', 'in_two', $schema);
restore_sql('restore of --data-only', 'in_two', $rows);
is_same('in_two', '-s and --data-only');

#
# One schema at a time
#
my $nothing = dump_db('cmig.sql', 'shop', '-n', 'cmig');
unlike(text_of($nothing), qr/^(CREATE|COPY|ALTER)/m, '-n cmig: the dump is empty, because the schema belongs to the extension');

my $tables = dump_db('tables.sql', 'shop', '-t', 'cmig.*');
make_db('rows');
sql('rows', 'CREATE EXTENSION pg_cmig');
restore_sql("restore of -t 'cmig.*'", 'rows', $tables);
is(sql('rows', $state), $shop_state, "-t 'cmig.*': all of pg_cmig's rows");
is(sql('rows', $columns), 0, "-t 'cmig.*': none of the tables");

my $public = dump_db('public.sql', 'shop', '-n', 'public');
unlike(text_of($public), qr/cmig/, '-n public: nothing of pg_cmig');
make_db('public_only');
sql('public_only', 'DROP SCHEMA public', getpwuid($<) . '');
restore_sql('restore of -n public', 'public_only', $public);
is(sql('public_only', $columns), $shop_columns, '-n public: the tables exist');
sql('public_only', 'CREATE EXTENSION pg_cmig');
load_files($node, 'public_only', $owner, @chain);
is(sql('public_only', "SELECT cmig.stamp('003')"), '003_add_full_name_to_users',
	'CREATE EXTENSION, load, stamp');

my $both = dump_db('public_and_cmig.sql', 'shop', '-n', 'public', '-e', 'pg_cmig');
make_db('public_and_cmig');
sql('public_and_cmig', 'DROP SCHEMA public', getpwuid($<) . '');
restore_sql('restore of -n public -e pg_cmig', 'public_and_cmig', $both);
is_same('public_and_cmig', '-n public -e pg_cmig');

#
# A stepwise run that was interrupted is resumed in the copy.  pg_dump leaves out the
# invalid index that the failed statement has left behind.
#
make_db('half');
sql('half', 'CREATE EXTENSION pg_cmig');
sql('half', load_sql("-- revision: 001\n-- transactional: false\n-- cmig:upgrade\nCREATE TABLE item (code text);\n"
	  . "INSERT INTO item VALUES ('a'), ('a');\nCREATE UNIQUE INDEX CONCURRENTLY item_code ON item (code);\n"));
fails_with($node, 'half', "CALL cmig.upgrade_stepwise('head')", '23505', 'could not create unique index',
	'a stepwise run stops', $owner);
my $half = sql('half', $state);
like($half, qr/^progress/m, 'the interrupted run has left its progress');
my $half_dump = dump_db('half.sql', 'half');
make_db('half_copy');
restore_sql('restore of the half', 'half_copy', $half_dump);
is(sql('half_copy', $state), $half, 'the copy has its progress');
sql('half_copy', q{DELETE FROM item WHERE ctid = (SELECT min(ctid) FROM item)});
sql('half_copy', "CALL cmig.upgrade_stepwise('head')");
is(sql('half_copy', "SELECT count(*) FROM item JOIN pg_index ON indrelid = 'item'::regclass AND indisvalid"), 1,
	'the run is resumed: the rows exist once, and the index is valid');
is(sql('half_copy', 'SELECT revision FROM cmig.current()'), '001', 'the database is at head');

#
# A dump restored over a live database that has changed since, as in an
# emergency.  Rows of the dump conflict with existing rows, and sequences are
# set back.
#
make_db('live');
sql('live', 'CREATE EXTENSION pg_cmig; CREATE TABLE item (id int PRIMARY KEY, n int); INSERT INTO item VALUES (1, 0)');
sql('live', load_sql(revision_file('001', '', 'ALTER TABLE item ADD name text;', 'ALTER TABLE item DROP name;'),
		revision_file('002', '001', 'ALTER TABLE item ADD price int;', 'ALTER TABLE item DROP price;')));
sql('live', "SELECT cmig.upgrade('001'); CALL cmig.backfill('item', 'n = n + 1')");
my %live = map { my $option = $_ =~ /clean/ ? '--clean' : ''; $_ => dump_db("live.$_", 'live',
		/sql/ ? ($option ? ($option, '--if-exists') : ()) : '-Fc') } qw(sql clean.sql dump);
sql('live', 'SELECT cmig.upgrade()');
sql('live', "SELECT cmig.downgrade('-1'); SELECT cmig.upgrade(); CALL cmig.downgrade_stepwise('-1'); CALL cmig.upgrade_stepwise();"
	  . " CALL cmig.backfill('item', 'n = n + 1')") foreach 1 .. 5;

# restore_live(DATABASE, FILE, OPTION...): continues after errors, as psql does
# when a user runs it
sub restore_live
{
	my ($db, $file, @options) = @_;
	my @to = ('-h', $node->host, '-p', $node->port, '-U', $owner, '-d', $db);
	my ($out, $err) = ('', '');

	sql('postgres', "CREATE DATABASE $db TEMPLATE live");
	sql($db, 'CREATE VIEW applied AS SELECT revision FROM cmig.version') if $db =~ /kept/;
	IPC::Run::run($file =~ /sql$/ ? [ 'psql', '-Xq', @to, '-f', $file ] : [ 'pg_restore', @to, @options, $file ],
		'<', \undef, '>', \$out, '2>', \$err);
	return $err;
}

foreach my $case ([ 'live_psql', 'sql' ], [ 'live_psql_kept', 'clean.sql' ], [ 'live_restore', 'dump' ],
	[ 'live_restore_kept', 'dump', '--clean', '--if-exists' ])
{
	my ($db, $form, @options) = @$case;
	my $what = join ' ', $form =~ /sql/ ? 'psql <' : 'pg_restore', $form, @options, 'over a live database';

	like(restore_live($db, $live{$form}, @options), qr/duplicate key/, "$what: rows conflict with existing rows");
	like(sql($db, 'SELECT problem FROM cmig.check()'), qr/it has a version row, although a revision above it has one, too/, 'check reports that');
	my $before = sql($db, 'SELECT max(id) FROM cmig.journal');
	cmp_ok($before, '>', 20, 'the journal has kept its rows');
	is(sql($db, "SELECT cmig.stamp('002', purge => true)"), '002', 'stamp with purge');
	sql($db, 'ALTER TABLE item ADD price int') if @options || $form =~ /clean/;
	is(sql($db, "SELECT revision FROM cmig.downgrade('-1')"), '002', 'downgrade');
	is(sql($db, 'SELECT revision FROM cmig.upgrade()'), '002', 'upgrade');
	sql($db, "CALL cmig.downgrade_stepwise('base'); CALL cmig.upgrade_stepwise()");
	sql($db, "SELECT cmig.repair('001'); SELECT cmig.stamp('base', purge => true); SELECT cmig.stamp('002')");
	sql($db, "CALL cmig.backfill('item', 'n = n + 1')");
	is(sql($db, "SELECT string_agg(direction, ' ' ORDER BY id) FROM cmig.journal WHERE id > $before"),
		'stamp downgrade upgrade downgrade downgrade upgrade upgrade repair stamp stamp stamp stamp', 'each has a journal row, in order');
	is(sql($db, 'SELECT count(*) FROM cmig.backfill_run'), 7, 'a backfill has a row of its own');
	is(sql($db, "SELECT count(*) FROM cmig.check() WHERE severity <> 'notice'"), 0, 'check finds nothing');
}

# if no later revision has created objects that get in the way, --clean results
# in the dumped database
foreach my $case ([ 'live_psql_clean', 'clean.sql' ], [ 'live_restore_clean', 'dump', '--clean', '--if-exists' ])
{
	my ($db, $form, @options) = @$case;

	is(restore_live($db, $live{$form}, @options), '', "$db: no error");
	is(sql($db, 'SELECT revision FROM cmig.current()'), '001', 'the database is at the revision of the dump');
	is(sql($db, "SELECT revision FROM cmig.upgrade()"), '002', 'upgrade');
	is(sql($db, "SELECT string_agg(id || ' ' || revision, ', ' ORDER BY id) FROM cmig.journal"), '1 001, 2 002', 'the journal continues');
}

# A copy made with CREATE DATABASE ... TEMPLATE
sql('postgres', 'CREATE DATABASE copied TEMPLATE shop');
is_same('copied', 'CREATE DATABASE ... TEMPLATE');

#
# DROP EXTENSION: the rows of pg_cmig are dropped, and the objects that
# revisions created remain
#
sql('copied', 'CREATE VIEW applied AS SELECT revision FROM cmig.version');
fails_with($node, 'copied', 'DROP EXTENSION pg_cmig', '2BP01', 'view applied depends on table cmig.version',
	'DROP EXTENSION names what depends on it', $owner);
sql('copied', 'DROP VIEW applied; DROP EXTENSION pg_cmig');
is(sql('copied', $columns), $shop_columns, 'DROP EXTENSION: the tables remain');
is(sql('copied', "SELECT count(*) FROM pg_namespace WHERE nspname = 'cmig'"), 0, 'DROP EXTENSION: schema cmig is dropped');
sql('copied', 'CREATE EXTENSION pg_cmig');
is(sql('copied', 'SELECT count(*) FROM cmig.revision'), 0, 'the copy has all revisions');
load_files($node, 'copied', $owner, @chain);
sql('copied', "SELECT cmig.stamp('003')");
is(sql('copied', "SELECT count(*) FROM cmig.upgrade('heads')"), 2, 'after load and stamp, the revisions are as before');

#
# pg_upgrade, which creates the members of an extension one by one
#
my $new = new_node('upgraded', 'max_locks_per_transaction = 256');
my $bin = $ENV{PG_CONFIG} // 'pg_config';
chomp($bin = `$bin --bindir`);
sql('by_role', 'DROP EXTENSION pg_cmig');
$node->stop;
chdir $dir or die $!;
my ($out, $err) = ('', '');
ok(IPC::Run::run([ 'pg_upgrade', '-b', $bin, '-B', $bin, '-d', $node->data_dir, '-D', $new->data_dir,
			'-p', $node->port, '-P', $new->port, '-s', $node->host ],
		'<', \undef, '>', \$out, '2>', \$err), 'pg_upgrade') or diag("$out\n$err");
$new->start;
$node = $new;
is_same('shop', 'pg_upgrade');
is(sql('shop', 'SELECT count(*) FROM cmig.secret'), 1, 'pg_upgrade keeps cmig.secret');
is(sql('shop', "SELECT count(*) FROM cmig.upgrade('heads')"), 3, 'upgrade works after pg_upgrade');

$new->stop;
done_testing();
