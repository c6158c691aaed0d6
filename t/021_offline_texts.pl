# Copyright (c) 2026, the pg_cmig developers

# Tests cmig.script with scripts that psql could misread, and the errors that its
# result raises when it is run.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $files = 0;
my $node = new_node('texts');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_other; GRANT CREATE ON DATABASE postgres TO regress_other');

# Writes the result of cmig.script to a file, as psql would.
sub script_file
{
	my ($db, $arguments) = @_;
	my $file = "$dir/" . ++$files . '.sql';
	my ($out, $err);

	$node->psql($db, "SET client_min_messages = error; SELECT cmig.script($arguments)",
		stdout => \$out, stderr => \$err, on_error_die => 1);
	append_to_file($file, "$out\n");
	return $file;
}

# run_file(DATABASE, FILE, OPTION...): runs the file, and returns psql's exit status
# and messages
sub run_file
{
	my ($db, $file, @options) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-Xq', '-o', '/dev/null', '-v', 'VERBOSITY=verbose', @options,
			'-d', $node->connstr($db), '-f', $file ],
		'<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $err);
}

sub dump_of
{
	my ($db) = @_;
	my ($out, $err);

	IPC::Run::run([ 'pg_dump', '--inserts', '-N', 'cmig', '-T', '*cmig_version', $node->connstr($db) ],
		'<', \undef, '>', \$out, '2>', \$err)
	  or die $err;
	return join '', map { "$_\n" }
	  grep { !/^(--|$|\\(un)?restrict)/ && !/EXTENSION (IF NOT EXISTS )?pg_cmig/ } split /\n/, $out;
}

my $next = 0;
sub new_db
{
	my $db = 'db' . ++$next;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	return $db;
}

# make_author(SCRIPT...): creates a database with a revision for each script, each of
# which follows the previous one
sub make_author
{
	my $db = new_db();
	my $number = 0;

	query($node, $db, 'CREATE EXTENSION pg_cmig');
	for my $text (@_)
	{
		$number++;
		query($node, $db,
			"SELECT cmig.create_revision('r', \$hostile_text\$$text\$hostile_text\$, '', revision => 'r$number')");
	}
	return $db;
}

#
# Texts
#
my $style = (string_styles($node))[-1];
my @hostile = (
	['a comment at the end, without newline', "CREATE TABLE a (x int[], n int) -- end"],
	['no semicolon at the end', "INSERT INTO a VALUES ('{1,2,3}', 2);\nUPDATE a SET n = 3"],
	['array slices that look like variables',
		"CREATE TABLE b AS SELECT x[1:n] AS one, x[n :n] AS two, x[1:'2'::int] AS three, n::text AS four FROM a"],
	['backslashes in quotes and comments',
		"-- \\q\n/*\n\\q\n*/ INSERT INTO a VALUES ('{}', length('\n\\q\n'));\nCOMMENT ON TABLE a IS \$q\$\n\\! false\n\\q\$q\$;"],
	['semicolons in quotes', "COMMENT ON TABLE b IS ';''; \" -- /*'; COMMENT ON COLUMN b.one IS E'\\';'"],
	['several commands in a rule', "CREATE RULE r AS ON INSERT TO b DO ALSO (UPDATE a SET n = 1; UPDATE a SET n = 3;);"],
	['a body that psql would cut', "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS \"end\"; SELECT 2 AS end; SELECT CASE WHEN true THEN 3 END; END; CREATE FUNCTION \"F\"() RETURNS int BEGIN ATOMIC; SELECT 1; END"],
	['a function called begin', "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION begin() IS 'x';\nCREATE TABLE begin (\"case\" int);"],
	['strings in the old style', "SELECT set_config('standard_conforming_strings', '$style', false);\nCREATE TABLE c AS SELECT 'a\\' AS x; -- ' AS x;\nSET standard_conforming_strings = on;\nINSERT INTO c VALUES ('\\');"],
	['and then in the new style', "INSERT INTO c VALUES ('\\'), (U&'\\0041'), ('é')"],
	['backslashes in plain strings', "CREATE TABLE s AS SELECT 'a\\' AS a, N'\\b' AS b, text'\\''c' AS c, U&'\\00e9' AS d, U&'!00e9\\' UESCAPE '!' AS e, E'\\'f' AS f"],
	['strings that continue', "INSERT INTO s VALUES ('a'\n'\\b', N'c\\' -- d\n -- e\n'f', E'\\x4'\n'1', E'\\1'\n'01', U&'\\00' -- h\r'e9', E'i'\n'\\'j');"],
	['bits that continue', "CREATE TABLE u AS SELECT B'01'\n'10' AS b, X'1'\n'F' AS x"],
	['strings in the old style that continue', "DO 'BEGIN SET standard_conforming_strings = $style; END'; INSERT INTO s VALUES ('a\\'\n'b', 'c'\n'\\x4'\n'1', 'd'\n'e')"],
	['another encoding', "SET client_encoding = 'LATIN1'; CREATE TABLE w AS SELECT 'é' AS \"é\"; -- é\n/* é */ INSERT INTO w VALUES (\$é\$é\$é\$)"],
	['another encoding, parsed', "SET client_encoding = 'LATIN1'; SET standard_conforming_strings = on; INSERT INTO w VALUES (E'\\'é'); -- é"],
	['settings and roles end with the script', "SET search_path = pg_catalog; SET ROLE regress_other; SET DateStyle = 'German'; SET SESSION AUTHORIZATION regress_other"],
	['so the next sees none of them', "CREATE TABLE d AS SELECT current_user AS u, current_setting('search_path') AS p, current_setting('datestyle') AS s"],
	['temporary objects', "CREATE TEMP TABLE t (x int); CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; PREPARE p AS SELECT 1; DECLARE k CURSOR FOR SELECT 1"],
	['and the same again', "CREATE TEMP TABLE t (x int); PREPARE p AS SELECT 1; DECLARE k CURSOR FOR SELECT 1; DO \$\$BEGIN CREATE TEMP TABLE u (); END\$\$"],
	['not left behind', "CREATE TABLE e AS SELECT to_regclass('pg_temp.t') IS NULL AND to_regclass('u') IS NULL AS gone"],
	['deferred keys', "CREATE TABLE g (id int PRIMARY KEY, other int REFERENCES g DEFERRABLE INITIALLY DEFERRED, third int REFERENCES g DEFERRABLE); INSERT INTO g VALUES (1, 2), (2, 1)"],
	['fired before the next', "ALTER TABLE g ADD x int; INSERT INTO g VALUES (3, 4), (4, 3)"],
	['row security', "CREATE TABLE h (x int); ALTER TABLE h ENABLE ROW LEVEL SECURITY; CREATE TABLE i AS SELECT current_setting('row_security') AS r"],
	['dollar quotes', "DO \$cmig\$BEGIN PERFORM 1; END\$cmig\$; DO \$cmig1\$BEGIN PERFORM \$cmig\$x\$cmig\$; END\$cmig1\$;"],
	['nothing at all', ''],
	['comments alone', "-- nothing\n/* here */"],
	['statements that are empty', ";; CREATE TABLE j ();;"],
);
my $author = make_author(map { $_->[1] } @hostile);

query($node, $author, q{UPDATE cmig.revision SET message = E'two\nlines\n\\q' WHERE revision = 'r2'});
my %file = (
	one => script_file($author, q{'upgrade', 'head'}),
	each => script_file($author, q{'upgrade', 'head', transaction_per_revision => true}));
query($node, $author, 'SELECT count(*) FROM cmig.upgrade()');
for my $kind (sort keys %file)
{
	my $db = new_db();
	my ($status, $err) = run_file($db, $file{$kind}, '-v', 'ON_ERROR_STOP=1', '-v', 'n=evil', '-v', '2=evil');

	is("$status$err", '0', "hostile texts, $kind") or diag $err;
	is(dump_of($db), dump_of($author), "hostile texts, $kind: the same dump as cmig.upgrade");

	local $ENV{PGOPTIONS} = "-c standard_conforming_strings=$style";
	$db = new_db();
	($status, $err) = run_file($db, $file{$kind}, '-v', 'ON_ERROR_STOP=1');
	is("$status$err", '0', "hostile texts in a session of the old style, $kind") or diag $err;
	delete $ENV{PGOPTIONS};
	is(dump_of($db), dump_of($author), "hostile texts in a session of the old style, $kind: the same dump");
}

# A list of statements in one message, as clients other than psql send it.  The
# server parses all of it before a statement can change how strings or the
# encoding are interpreted.
{
	my $author = make_author(map { $_->[1] } grep { $_->[0] !~ /encoding/ } @hostile);
	my $file = script_file($author, q{'upgrade', 'head'});
	my $db = new_db();

	query($node, $author, 'SELECT count(*) FROM cmig.upgrade()');

	local $ENV{CMIG_DSN} = $node->connstr($db);
	my ($out, $err);
	IPC::Run::run([ -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3', '-c', <<'END_PY', $file ],
import os, sys, psycopg2
connection = psycopg2.connect(os.environ["CMIG_DSN"])
connection.autocommit = True
connection.cursor().execute(open(sys.argv[1], encoding="utf-8").read())
END_PY
		'<', \undef, '>', \$out, '2>', \$err);
	is($err, '', 'a text without statements outside of transactions is plain SQL');
	is(dump_of($db), dump_of($author), 'a text without statements has the same result');
}

# ids of revisions
{
	my $db = new_db();

	query($node, $db, 'CREATE EXTENSION pg_cmig');
	query($node, $db,
		"SELECT * FROM cmig.load(E'-- revision: \$cmig\$\\n\\n-- revision: a\\\\b\\n-- down_revision: \$cmig\$\\n-- revision: %s-é\\n-- down_revision: a\\\\b')");
	my $file = script_file($db, q{'upgrade', 'heads', transaction_per_revision => true});
	my $plain = new_db();
	my ($status, $err) = run_file($plain, $file, '-v', 'ON_ERROR_STOP=1');
	is("$status$err", '0', 'ids with dollars, backslashes and percent signs');
	is(query($node, $plain, 'SELECT version_num FROM public.cmig_version'), '%s-é', 'the unusual ids are recorded');
}

#
# Scripts that raise an error when they are run
#
my $simple = make_author('CREATE TABLE one ()', 'CREATE TABLE two ()', 'CREATE TABLE three ()');

# nothing is run after an error, even without ON_ERROR_STOP
{
	my $db = new_db();
	my ($status, $err) = run_file($db, script_file($simple, q{'upgrade', 'r1:head', transaction_per_revision => true}));

	like($err, qr/version table public.cmig_version does not exist/, 'no version table');
	is(query($node, $db, 'SELECT count(*) FROM pg_class WHERE relnamespace = 2200'), '0', 'nothing was run');

	query($node, $db, 'CREATE TABLE two ()');
	($status, $err) = run_file($db, script_file($simple, q{'upgrade', 'base:head', transaction_per_revision => true}));
	like($err, qr/relation "two" already exists.*starts from r2, but the database is in a different state/s,
		'after an error in one revision, the next one is refused');
	is(query($node, $db, "SELECT string_agg(version_num, ' '), to_regclass('three') IS NULL FROM cmig_version"),
		'r1|t', 'committed revisions remain');
}

# Alembic's version column is 32 characters wide
{
	my $long = new_db();
	my $db = new_db();
	my ($status, $err);

	query($node, $long, 'CREATE EXTENSION pg_cmig');
	query($node, $long, "SELECT cmig.create_revision('long', 'CREATE TABLE one ()', revision => repeat('x', 33))");
	query($node, $db, 'CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)');
	($status, $err) = run_file($db, script_file($long, q{'upgrade', 'head', 'alembic_version'}), '-v', 'ON_ERROR_STOP=1');
	like($err, qr/ERROR:  22001: column version_num of table alembic_version is too narrow.*The column can hold 32 characters, but the longest revision ID has 33\./s,
		'an id that is too long is refused');
	is(query($node, $db, "SELECT to_regclass('one') IS NULL"), 't', 'the refusal comes before anything is run');

	# a domain is as wide as its base type
	query($node, $db, 'DROP TABLE alembic_version');
	query($node, $db, 'CREATE DOMAIN short AS varchar(32); CREATE DOMAIN id AS short CHECK (VALUE ~ $$^x$$)');
	query($node, $db, 'CREATE TABLE alembic_version (version_num id PRIMARY KEY)');
	($status, $err) = run_file($db, script_file($long, q{'upgrade', 'head', 'alembic_version'}), '-v', 'ON_ERROR_STOP=1');
	like($err, qr/ERROR:  22001: column version_num of table alembic_version is too narrow.*The column can hold 32 characters, but the longest revision ID has 33\./s,
		'an id that is too long for a domain is refused');
	query($node, $db, 'DROP TABLE alembic_version');
	query($node, $db, 'CREATE DOMAIN any_id AS text CHECK (VALUE ~ $$^x$$); CREATE TABLE alembic_version (version_num any_id PRIMARY KEY)');
	($status, $err) = run_file($db, script_file($long, q{'upgrade', 'head', 'alembic_version'}), '-v', 'ON_ERROR_STOP=1');
	is($err, '', 'a domain over text is wide enough');
}

# scripts that call pg_cmig's functions
{
	my $calling = make_author('CREATE TABLE one (a int)', "DO \$\$BEGIN PERFORM count(*) FROM cmig.current(); END\$\$",
		'SELECT "cmig" . /* here */ heads ()', "COMMENT ON TABLE one IS 'cmig.current()'; SET cmig.protect = off; -- cmig.heads()");
	my $db = new_db();
	my ($out, $err);

	$node->psql($calling, q{SELECT cmig.script('upgrade', 'head')}, stdout => \$out, stderr => \$err);
	like($err, qr/WARNING:  revisions "r2", "r3" call functions of pg_cmig/, 'a warning names the revisions');
	($out, $err) = run_file($db, script_file($calling, q{'upgrade', 'head'}), '-v', 'ON_ERROR_STOP=1');
	like($err, qr/ERROR:  42704: extension "pg_cmig" is not installed in this database.*called by "r2", "r3"/s, 'the text checks for the extension');
	is(query($node, $db, 'SELECT count(*) FROM pg_class WHERE relnamespace = 2200'), '0', 'nothing was run before the check');
	query($node, $db, 'CREATE EXTENSION pg_cmig');
	($out, $err) = run_file($db, script_file($calling, q{'upgrade', 'head'}), '-v', 'ON_ERROR_STOP=1');
	is($err, '', 'the text runs where the extension is installed');

	# a script can be run in the database in which it was generated if it updates
	# cmig.version
	my $made_here = make_author('CREATE TABLE one (a int)', 'CREATE TABLE two ()');
	($out, $err) = run_file($made_here, script_file($made_here, q{'upgrade', 'head'}), '-v', 'ON_ERROR_STOP=1');
	like($err, qr/ERROR:  55000: pg_cmig manages the version rows of this database.*HINT:  Use cmig.upgrade, or generate the script with version_table => 'cmig.version'$/ms,
		'a text for another version table is refused in the database where it was generated');
	is(query($node, $made_here, "SELECT to_regclass('one'), to_regclass('cmig_version')"), '|', 'nothing was run before the check');
	($out, $err) = run_file($made_here, script_file($made_here, q{'upgrade', 'head', 'cmig.version', true}), '-v', 'ON_ERROR_STOP=1');
	is($err, '', 'a text for cmig.version runs');
	my $run = make_author('CREATE TABLE one (a int)', 'CREATE TABLE two ()');
	query($node, $run, 'SELECT count(*) FROM cmig.upgrade()');
	for my $looks ('SELECT revision FROM cmig.version', 'SELECT id, revision, direction, outcome, role, checksum, search_path FROM cmig.journal ORDER BY id',
		'SELECT count(*) FROM cmig.check()', 'SELECT count(*) FROM cmig.upgrade()')
	{
		is(query($node, $made_here, $looks), query($node, $run, $looks), "the text has the same effect as cmig.upgrade: $looks");
	}

	# cmig.version can be the version table
	my $own = make_author('CREATE TABLE one (a int)');
	($out, $err) = run_file($own, script_file($own, q{'upgrade', 'head', 'cmig.version'}), '-v', 'ON_ERROR_STOP=1');
	is($err, '', 'cmig.version as the version table');
	is(query($node, $own, 'SELECT revision FROM cmig.current()'), 'r1', 'cmig.version has the row');
}

# verify_sql in the script
for my $case (
	['true', 'SELECT true', ''],
	['false', 'SELECT 1, false, true', 'failed its verification'],
	['null', 'SELECT NULL::boolean', 'failed its verification'],
	['a null of another type before', 'SELECT NULL::text, true', ''],
	['the same and false', 'SELECT NULL::text, false', 'failed its verification'],
	['two columns of one name', 'SELECT 1 AS a, true AS a, false AS a -- end', ''],
	['no row', 'SELECT false WHERE false', ''],
	['one row of several', 'SELECT x > 1 FROM generate_series(1, 2) x', 'failed its verification'],
	['an error', 'SELECT 1/0', 'division by zero'],
	['not a query', "DO 'BEGIN ASSERT false; END'", 'assertion failed'],
	['several statements', "CREATE TEMP TABLE t (); SELECT true; SELECT 2 > 3;", 'Statement 3'])
{
	my ($name, $verify, $error) = @$case;
	my $db = make_author('CREATE TABLE one ()');
	my $plain = new_db();
	my ($status, $err, $out);

	query($node, $db, "UPDATE cmig.revision SET verify_sql = \$v\$$verify\$v\$");
	($status, $err) = run_file($plain, script_file($db, q{'upgrade', 'head'}), '-v', 'ON_ERROR_STOP=1');
	like($err, $error ? qr/$error/ : qr/^$/, "verify_sql, $name");
	is(query($node, $plain, "SELECT to_regclass('one') IS NULL"), $error ? 't' : 'f', "verify_sql, $name: the revision");
	$status = $node->psql($db, 'SELECT * FROM cmig.upgrade()', stderr => \$out);
	is($status ? 'fails' : 'works', $error ? 'fails' : 'works', "verify_sql, $name: as cmig.upgrade");
}

# nontransactional revisions
{
	my $db = make_author('CREATE TABLE one (a int)', 'CREATE INDEX CONCURRENTLY i ON one (a); VACUUM one', 'CREATE TABLE two ()');
	my $plain = new_db();
	my $file;
	my ($status, $err);

	fails_with($node, $db, q{SELECT cmig.script('upgrade', 'head')}, 'MG007', 'CREATE INDEX CONCURRENTLY cannot run inside a transaction',
		'a statement that cannot run in a transaction is refused in a transactional revision');
	query($node, $db, "UPDATE cmig.revision SET transactional = false, verify_sql = 'SELECT indisvalid FROM pg_index WHERE indexrelid = ''i''::regclass' WHERE revision = 'r2'");
	$file = script_file($db, q{'upgrade', 'head'});
	($status, $err) = run_file($plain, $file, '-v', 'AUTOCOMMIT=off');
	is("$status$err", '0', 'a revision outside of transactions');
	is(query($node, $plain, "SELECT version_num, to_regclass('two') FROM cmig_version"), 'r3|two', 'the revision is recorded');

	# psql stops at an error even without ON_ERROR_STOP
	$plain = new_db();
	query($node, $plain, 'CREATE TABLE i ()');
	($status, $err) = run_file($plain, $file);
	is($status, 3, 'an error outside of transactions stops psql');
	is(query($node, $plain, "SELECT version_num, to_regclass('two') IS NULL FROM cmig_version"), 'r1|t', 'psql stops at the statement with the error');

	# while another session runs such a script, the script raises an error
	$plain = new_db();
	my $holder = $node->background_psql($plain);
	$holder->query_safe(q{SELECT pg_advisory_lock(hashtextextended('pg_cmig public.cmig_version', 0))});
	($status, $err) = run_file($plain, $file);
	like($err, qr/ERROR:  55P03: another session is running a generated script in this database/, 'one at a time');
	$holder->quit;
}

# if two sessions run the script at the same time, the second one waits, and then has
# nothing to do
{
	my $db = make_author('CREATE TABLE one ()', 'SELECT pg_advisory_lock(1)');
	my $plain = new_db();
	my $file = script_file($db, q{'upgrade', 'head'});
	my ($err1, $err2) = ('', '');

	query($node, $plain, 'CREATE TABLE cmig_version (version_num text PRIMARY KEY)');
	my $gate = $node->background_psql($plain);
	$gate->query_safe('SELECT pg_advisory_lock(1)');
	my @command = ('psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($plain), '-f', $file);
	my $locks = "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'cmig_version'::regclass AND mode = 'ExclusiveLock'";
	my $first = IPC::Run::start(\@command, '<', \undef, '2>', \$err1);
	$node->poll_query_until($plain, "$locks AND granted") or die $err1;
	my $second = IPC::Run::start(\@command, '<', \undef, '2>', \$err2);
	$node->poll_query_until($plain, "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = '$plain' AND wait_event_type = 'Lock'");
	$gate->quit;
	$first->finish;
	$second->finish;
	is($err1, '', 'two at once: the first one runs');
	like($err2, qr/starts from base.*cmig_version contains r2\./s, 'two at once: the second one is refused');
}

# deferred events, by a role that cannot see all of the database's constraints
{
	my $db = make_author('CREATE TABLE g (id int PRIMARY KEY, other int REFERENCES g DEFERRABLE INITIALLY DEFERRED); INSERT INTO g VALUES (1, 2), (2, 1)',
		'ALTER TABLE g ADD x int', 'INSERT INTO g VALUES (3, 4)');
	my $plain = new_db();
	my ($status, $err);

	query($node, $plain, 'CREATE SCHEMA hidden; CREATE TABLE hidden.t (x int, CONSTRAINT "c;--" UNIQUE (x) DEFERRABLE); CREATE TABLE u (x int CHECK (x > 0), CONSTRAINT u_x_check2 UNIQUE (x) DEFERRABLE); GRANT CREATE ON SCHEMA public TO regress_other');
	$node->psql($db, q{SET cmig.role = regress_other; SELECT cmig.script('upgrade', 'r2')}, stdout => \my $out);
	append_to_file("$dir/deferred_role.sql", $out);
	query($node, $plain, 'CREATE TABLE cmig_version (version_num text PRIMARY KEY); GRANT ALL ON cmig_version TO regress_other');
	($status, $err) = run_file($plain, "$dir/deferred_role.sql", '-v', 'ON_ERROR_STOP=1');
	is("$status$err", '0', 'deferred events of constraints that the role can see');
	($status, $err) = run_file($plain, script_file($db, q{'upgrade', 'r2:r3'}), '-v', 'ON_ERROR_STOP=1');
	like($err, qr/ERROR:  23503: .*violates foreign key constraint "g_other_fkey"/, 'deferred events are checked before the commit');
	is(query($node, $plain, 'SELECT version_num FROM cmig_version'), 'r2', 'nothing is recorded after the failure');
}

# cmig.role and cmig.search_path
{
	my $db = make_author('CREATE TABLE one AS SELECT current_user AS u');
	my $plain = new_db();

	query($node, $db, q{SELECT 1});
	my ($out, $err);
	$node->psql($db, q{SET cmig.role = regress_other; SET cmig.search_path = '"My schema", pg_temp'; SELECT cmig.script('upgrade', 'head')}, stdout => \$out);
	append_to_file("$dir/role.sql", $out);
	query($node, $plain, 'CREATE SCHEMA "My schema" AUTHORIZATION regress_other');
	(undef, $err) = run_file($plain, "$dir/role.sql", '-v', 'ON_ERROR_STOP=1');
	is($err, '', 'cmig.role and cmig.search_path');
	is(query($node, $plain, 'SELECT u FROM "My schema".one'), 'regress_other', 'cmig.role and cmig.search_path apply to the scripts');
}

# preconditions are checked by the script itself, before each step
foreach my $transactional ('true', 'false')
{
	my $db = make_author('CREATE TABLE one (id int)');
	my %answers = (
		'SELECT count(*) = 1 FROM one' => 1, 'SELECT count(*) = 2 FROM one' => 0, 'SELECT NULL::boolean' => 0, 'SELECT true, true' => 0,
		'SELECT true FROM generate_series(1, 2)' => 0, 'SELECT true WHERE false' => 0, 'SELECT 1' => 0, q{SELECT E'\\\\i $$' = 'x' OR true -- :x} => 1);

	query($node, $db, q{SELECT cmig.create_revision('two', 'INSERT INTO one VALUES (1)', 'SELECT 1', revision => 't2'), cmig.create_revision('three', 'CREATE TABLE three (id int)', 'DROP TABLE three', revision => 't3')});
	foreach my $sql (sort keys %answers)
	{
		my $plain = new_db();

		query($node, $db, "UPDATE cmig.revision SET transactional = $transactional, precondition_sql = \$sql\$$sql\$sql\$ WHERE revision = 't3'");
		my ($status, $err) = run_file($plain, script_file($db, q{'upgrade', 'base:head', transaction_per_revision => true}), '-v', 'ON_ERROR_STOP=1');
		is($status, $answers{$sql} ? 0 : 3, "transactional $transactional, precondition: $sql") or diag($err);
		like($err, qr/ERROR:  55000: the precondition of revision "t3" is not met\nDETAIL:  The precondition is: \Q$sql\E\nHINT:  The precondition must return one row/, '... which is named') if !$answers{$sql};
		is(query($node, $plain, q{SELECT to_regclass('three') IS NOT NULL}), $answers{$sql} ? 't' : 'f', '... and the step has run or not');
	}
	query($node, $db, q{UPDATE cmig.revision SET precondition_sql = 'DELETE FROM one' WHERE revision = 't3'});
	my $refused;
	$node->psql($db, q{SELECT cmig.script('upgrade', 'base:head')}, stderr => \$refused);
	like($refused, qr/the precondition of revision "t3" is not a single SELECT/, 'what is not a SELECT is refused');
	query($node, $db, q{UPDATE cmig.revision SET precondition_sql = 'SELECT false', downgrade_sql = '' WHERE revision = 't3'});
	unlike(query($node, $db, q{SELECT cmig.script('downgrade', 'head:t2')}), qr/precondition/, 'a downgrade has none');
}

$node->stop;
done_testing();
