# Copyright (c) 2026, the pg_cmig developers

# Tests what cmig shows: the width of its lines, the positions in its messages, its
# hints, and what psql shows if a revision file is passed to it by mistake.

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
my $node = new_node('cmig_screen');

$node->start;
delete @ENV{qw(DATABASE_URL CMIG_CONFIG CMIG_PSQL PAGER LESS NO_COLOR)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
query($node, 'postgres', 'CREATE DATABASE template_cmig');
query($node, 'template_cmig', 'CREATE EXTENSION pg_cmig');

# project(NAME): creates a folder, which becomes the current one, and a database with
# the extension
sub project
{
	my ($name) = @_;

	query($node, 'postgres', qq{CREATE DATABASE "$name" TEMPLATE template_cmig});
	mkdir "$dir/$name";
	mkdir "$dir/$name/migrations";
	chdir "$dir/$name" or die;
	$ENV{PGDATABASE} = $name;
}

sub add_file
{
	my ($name, @rest) = @_;

	append_to_file("migrations/$name.sql", revision_file($name =~ s/_.*//r, @rest));
}

# quote(TEXT): returns the text as an SQL string
sub quote { return 'E' . "'" . ($_[0] =~ s/[\'\\]/\\$&/gr) . "'" }

# --- files that are passed to psql by mistake --------------------------------

# Whatever writes a file, psql stops before it runs anything.
project('guard');
append_to_file('schema.sql', 'CREATE TABLE account (id int PRIMARY KEY); CREATE TABLE piped (id int);');
query($node, 'guard', 'CREATE TABLE account (id int PRIMARY KEY)');

# stops(VERB, ARGUMENT...): runs the verb, which writes a file, and passes that to psql
sub stops
{
	my ($verb, @arguments) = @_;
	my ($status, $output, $errors) = cmig($verb, @arguments);
	my ($file) = $output =~ /^(\S+\.sql)$/m or diag $output, $errors;

	edit($file, 'CREATE TABLE piped (id int);', 'DROP TABLE account;') if $verb !~ /baseline|export/;
	foreach my $command ("psql -X -f '$file'", "psql -X -v ON_ERROR_STOP=1 <'$file'", "cat '$file' '$file' | psql -X -1")
	{
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'bash', '-c', $command ], '<', \undef, '>', \$out, '2>', \$err);
		is("$out$err", qq{Use "cmig upgrade" to run this file.\n}, "psql stops: @_: $command");
	}
	is(query($node, 'guard', q{SELECT concat_ws(' ', to_regclass('account'), to_regclass('piped'))}), 'account', "nothing was run: $verb");
	gives(0, 'unchanged|added', '', 'load', $file);
	return $file;
}

my $first = stops('baseline', '-m', 'one', '--rev-id', '001');
gives(0, 'guard is at 001', '', 'stamp', 'head');
unlink stops('revision', '-m', 'two');
cmig('load', '--prune');
unlink stops('revision', '--autogenerate', '--target', 'schema.sql', '-m', 'three');
cmig('load', '--prune');
query($node, 'guard', 'ALTER TABLE account ADD by_hand int');
unlink stops('capture', '-m', 'four');
cmig('load', '--prune');
mkdir 'exported';
stops('export', '001', '--to', 'exported');

# check names a file without the line, and prints the line
gives(0, '^(?!.*psql)', '^$', 'check');
append_to_file('migrations/by_hand.sql', "-- revision: by_hand\n-- down_revision: 001\n\n-- cmig:upgrade\nSELECT 1;\n");
gives(0, '\nnotice +psql -f would run upgrade and downgrade of migrations/by_hand\.sql; put this line\s+after the header\n +-> \\\echo Use "cmig upgrade" to run this file\. \\\quit\n', '^$', 'check');
unlink 'migrations/by_hand.sql';
cmig('load', '--prune');

# the file of an older version, which differs only in this line, is not in the way
my $text = slurp_file($first);
unlink $first;
append_to_file($first, $text =~ s/^\\echo .*\n//mr);
gives(0, '^$', '^$', 'export', '001');

# --- messages ----------------------------------------------------------------

gives(0, '\n  round-trip      \[REV\]                     test .*\n  abandon-partial REV                       list', '', 'help');
gives(0, '', 'WARNING:  no revision contains the name given with -x: typo\n', 'upgrade', '-x', 'typo=1');
gives(0, '', '^nothing to upgrade', 'upgrade', '-x', 'account=1', '--tag', 'x');
gives(0, 'no backfills', '^the limit of all backfills, 1 rows per second, applies\nHINT:  To lift all limits: cmig throttle all off\n', 'throttle', 'account', '5')
  if (cmig('throttle', 'all', '1'))[0] == 0;
query($node, 'guard', 'CREATE ROLE somebody LOGIN; REVOKE CREATE ON DATABASE postgres FROM PUBLIC');
query($node, 'postgres', 'CREATE DATABASE empty');
gives(3, '^$', '^ERROR:  permission denied to create extension "pg_cmig"\nHINT:  As a superuser or the owner of the database: GRANT CREATE ON DATABASE empty TO somebody\n$', 'ensure-version', '-U', 'somebody', '-d', 'empty');
gives(3, '^cmig.conf\n$', '^ERROR:  permission denied to create database\nHINT:  As a superuser: ALTER ROLE somebody CREATEDB\n$', 'init', '--create-database', '-U', 'somebody', '-d', 'new');

gives(2, '^$', q{\ncmig revision -m 'it''s new'\n} =~ s/''/'\\\\''/r, 'revision', "it's new");
query($node, 'guard', q{SELECT count(*) FROM cmig.grant_access('somebody', 'migrator')});
my $who = 'role postgres, which owns the extension, or as a superuser: SELECT \* FROM cmig\.grant_access';
gives(3, '^$', "ERROR:  permission denied for function load\nHINT:  To run what is stored: cmig upgrade --no-load\\. "
	  . "To load files, as $who\\('somebody', 'author'\\)\$", 'upgrade', '-U', 'somebody');
gives(3, '^$', "ERROR:  permission denied for function merge\nHINT:  As $who\\('somebody', 'author'\\)\$", 'merge', 'heads', '-m', 'm', '--no-load', '-U', 'somebody');
query($node, 'guard', q{CREATE ROLE nobody LOGIN; SELECT count(*) FROM cmig.grant_access('nobody', 'reader')});
gives(3, '^$', "ERROR:  permission denied for function drift\nHINT:  As $who\\('nobody', 'migrator'\\)\$", 'drift', '-U', 'nobody');
gives(3, '^$', "ERROR:  permission denied for procedure expand\nHINT:  As $who\\('nobody', 'migrator'\\)\$", 'expand', '--no-load', '-U', 'nobody');
query($node, 'guard', q{CREATE ROLE writer LOGIN; SELECT count(*) FROM cmig.grant_access('writer', 'author')});
my ($authors) = slurp_file("$CmigNode::top/share/cmig/session.bash") =~ /^AUTHORS='(.*)'$/m;
is(query($node, 'guard', q{SELECT string_agg(DISTINCT proname::text, ' ' ORDER BY proname::text) FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace
	AND has_function_privilege('writer', oid, 'EXECUTE') AND NOT has_function_privilege('somebody', oid, 'EXECUTE')}), $authors, 'the functions of authors');
{
	local $ENV{PGOPTIONS} = '-c statement_timeout=1ms';
	gives(3, '^$', "statement timeout\nHINT:  To run it without statement_timeout: export PGOPTIONS='-c statement_timeout=0'\n", 'drift');
	gives(3, '^$', "statement timeout\n(?!HINT)", 'check', '--rehearse');
}
# a function of a script is not one of pg_cmig
query($node, 'guard', q{CREATE FUNCTION public.of_script() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION of_script FROM PUBLIC;
	SELECT FROM cmig.create_revision('x', 'SELECT public.of_script()', '', revision => 'of_script')});
gives(3, '^$', 'ERROR:  permission denied for function of_script\n(?!.*grant_access)', 'upgrade', 'of_script', '--no-load', '-y', '-U', 'somebody');
query($node, 'guard', q{SELECT cmig.remove_revision('of_script')});

# --- positions ---------------------------------------------------------------

# Messages name the file and the line in it.
my $file = 'migrations/001_place.sql';

sub place
{
	my ($upgrade, $downgrade, $verify) = @_;

	unlink $file;
	append_to_file($file, "-- revision: 001\n-- message: Where\n\\echo x \\quit\n\n-- cmig:upgrade\n\nBEGIN;\n\n$upgrade\nCOMMIT;\n\n-- cmig:downgrade\n$downgrade\n-- cmig:verify\n\n$verify\n");
}

project('places');
place("CREATE TABLE a (id int);\nSELECT 1,\n  (oops);", "DROP TABLE a;", 'SELECT true;');
gives(3, '', 'ERROR:  column "oops" does not exist.*\npg_cmig|CONTEXT:  pg_cmig: upgrade of 001, statement 2, line 11 of file "migrations/001_place.sql"', 'upgrade', '-y');
place("CREATE TABLE a (id int);\n  oops;", "DROP TABLE a;\n\nVACUUM;", "\nSELECT (1;");
gives(1, 'statement 2, line 10 of file\s+"migrations/001_place.sql": syntax.*statement 1, line 20 of file.*statement 2, line 16 of file', '', 'check');
gives(1, '\n001 +migrations/001_place.sql:10: error: syntax error', '', 'lint');
place("CREATE TABLE a (id bigint);", '', 'SELECT true;');
gives(0, '^001 +migrations/001_place.sql: warning: the downgrade section is empty', '', 'lint');
place("CREATE TABLE a (id int);", "DROP TABLE a;\n\nDROP TABLE b;", "\nSELECT 1 / 0\n  FROM pg_class;");
gives(3, '', 'division by zero.*verify of 001, statement 1, line 19 of file "migrations/001_place.sql"', 'upgrade', '-y');
place("CREATE TABLE a (id int);", "DROP TABLE a;\n\nDROP TABLE b;", "SELECT true;");
gives(0, 'is at 001', '', 'upgrade', '-y');
gives(3, '', 'table "b" does not exist.*downgrade of 001, statement 2, line 15 of file "migrations/001_place.sql"', 'downgrade', '-1', '-y');

# a line more changes nothing but the positions, which even a load with nothing to do stores
append_to_file('more', slurp_file($file) =~ s/^-- message.*\n/$&--\n/mr);
rename 'more', $file;
gives(0, '001.*unchanged', '', 'load');
is(query($node, 'places', "SELECT concat_ws(' ', file_name, file_lines) FROM cmig.revision"), "$file {10,14,19}", 'the positions are new');
gives(3, '', 'statement 2, line 16 of file', 'downgrade', '-1', '-y', '--no-load');

# the same text without the name of a file keeps the position; another text has none
query($node, 'places', q{SELECT cmig.load($1)} =~ s/\$1/quote(slurp_file($file))/er);
is(query($node, 'places', "SELECT file_name FROM cmig.revision"), $file, 'the same text');
query($node, 'places', q{SELECT cmig.load($1)} =~ s/\$1/quote(slurp_file($file) =~ s{TABLE b}{TABLE c}r)/er);
is(query($node, 'places', "SELECT coalesce(file_name, 'none') FROM cmig.revision"), 'none', 'another text');
gives(3, '', 'statement 2, line 3$', 'downgrade', '-1', '-y', '--no-load');

# an author stores positions, too; nothing waits for a session that has locked the row
query($node, 'places', q{CREATE ROLE author LOGIN; SELECT count(*) FROM cmig.grant_access('author', 'author')});
gives(0, 'replaced', '', 'load', '-U', 'author');
is(query($node, 'places', "SELECT file_name FROM cmig.revision"), $file, 'an author');
my $session = $node->background_psql('places');
$session->query_safe("BEGIN; SELECT FROM cmig.revision FOR UPDATE");
rename $file, 'migrations/001_other.sql';
gives(0, 'unchanged', '^$', 'load');
is(query($node, 'places', "SELECT file_name FROM cmig.revision"), $file, 'a locked row');
$session->query_safe("COMMIT; BEGIN; LOCK cmig.revision IN SHARE MODE");
gives(0, 'unchanged', '^$', 'load');
is(query($node, 'places', "SELECT file_name FROM cmig.revision"), $file, 'a locked table');
$session->query_safe("COMMIT");
$session->quit;
gives(0, 'unchanged', '^$', 'load');
is(query($node, 'places', "SELECT file_name FROM cmig.revision"), 'migrations/001_other.sql', 'no lock');

# --- width -------------------------------------------------------------------

# Every verb fits into 100 columns if names have 30 characters.  Statements, which are
# pasted, are not wrapped.
my @ids = map { sprintf '%03d_customer_order_positions_%s', $_, chr(96 + $_) } 1 .. 3;
my $message = 'Add the columns of the new order process to the table of positions, and more';

sub fits
{
	my (@result) = cmig(@_);
	my @long = grep { length > 100 && !/^ *-> |^    [A-Z]+ [A-Z]+ / } map { split /\n/ } @result[ 1, 2 ];

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(join("\n", @long), '', "cmig @_ fits") or diag $result[1], $result[2];
	return $result[1] . $result[2];
}

project('customer_order_process_databas');
$ENV{PGOPTIONS} = '-c lc_messages=C';
query($node, $ENV{PGDATABASE}, 'CREATE ROLE customer_order_migrations_role SUPERUSER LOGIN');
local $ENV{PGUSER} = 'customer_order_migrations_role';
foreach my $number (0 .. 2)
{
	my ($name, $id, $column) = ('customer_order_positions_table', $ids[$number], "customer_billing_address_line$number");
	my $down = $number > 0 ? $ids[ $number - 1 ] : '';
	append_to_file("migrations/$id.sql", "-- revision: $id\n-- down_revision: $down\n-- message: $message\n"
		  . ($number == 0 ? "-- branch_labels: customer_order_branch_of_labels\n" : '') . ($number == 2 ? "-- transactional: false\n" : '') . "\n-- cmig:upgrade\n"
		  . ($number == 0 ? "CREATE TABLE $name (customer_order_position_number int);\n" : "ALTER TABLE $name ADD COLUMN $column text NOT NULL DEFAULT '';\n")
		  . ($number == 2 ? "CREATE INDEX CONCURRENTLY customer_order_positions_index ON $name ($column);\n" : '')
		  . "\n-- cmig:downgrade\n" . ($number == 0 ? "DROP TABLE $name;\n" : "ALTER TABLE $name DROP COLUMN $column;\n") . "-- cmig:verify\nSELECT true;\n");
}
like(fits('current'), qr/^at base$/, 'at base');
like(fits('log'), qr/^nothing was run$/, 'an empty log');
like(fits('scopes'), qr/^no scopes$/, 'no scopes');
like(fits('throttle', 'all', '5'), qr/^no backfills$/m, 'no backfills');
like(fits('branches'), qr/^no branches$/, 'no branches');
like(fits('history', '--no-load'), qr/^no revisions$/, 'no revisions');
fits('plan');
fits('dry-run');
fits('lint');
fits('check');
like(fits('upgrade', '-y'), qr/(?:(?!$ids[0]).)*upgrade base -> $ids[0](?:(?!upgrade base).)*$/s, 'each step is listed once');
like(fits('show', $ids[2]), qr/^    ALTER TABLE customer_order_positions_table [^\n]*;$/m, 'statements can be pasted');
fits(@$_) foreach ['history'], ['heads'], ['current'], ['log'], ['status'], ['verify'], [ 'plan', 'downgrade', 'base' ], ['graph'], ['check'];
like(fits('drift'), qr/^no drift$/m, 'no drift');
append_to_file('target.sql', 'CREATE TABLE customer_order_positions_table (customer_order_position_number int);');
fits('diff', '--target', 'target.sql');
fits('diff', '--target', 'target.sql', '--sql');
like(fits($_), qr/^nothing to upgrade: database "customer_order_process_databas" is at $ids[2]$/, "nothing to $_") foreach qw(plan dry-run upgrade);
like(fits('lint', 'head'), qr/^no findings$/, 'nothing to lint');
query($node, $ENV{PGDATABASE}, 'ALTER TABLE customer_order_positions_table ADD customer_shipping_address_line text');
fits('drift');
query($node, $ENV{PGDATABASE}, 'ALTER TABLE customer_order_positions_table DROP customer_shipping_address_line');
is(scalar(() = fits('log', '--limit', '2') =~ /upgrade|drift/g), 2, 'a limit of the log');
append_to_file('migrations/004.sql', "-- revision: 004\n-- down_revision: $ids[2]\n\n-- cmig:upgrade\nALTER TABLE customer_order_positions_table DROP customer_billing_address_line1;\n");
like(fits('plan'), qr/^1 004 +IRREVERSIBLE\n( +ACCESS [^\n]*\n)+004 +HAZARD: DROP COLUMN .*\(ban-drop-column\)$/ms, 'hazards of a plan');
unlink 'migrations/004.sql';
cmig('load', '--prune');
gives(2, '^$', '--limit must be a number', 'log', '--limit', 'x');
unlike(fits('downgrade', '-1', '-y'), qr/$ids[2].*downgrade $ids[2]/s, 'each step is listed once');
fits('downgrade', '-1');
fits('require', 'heads');

# --- two versions ------------------------------------------------------------

{
	my $table = 'customer_order_positions_table';

	project('customer_order_versions_databas');
	append_to_file("migrations/$ids[0].sql", revision_file($ids[0], '', "CREATE TABLE $table (customer_order_position_number int PRIMARY KEY, customer_billing_address_line text);\nCREATE TABLE kundengr\xc3\xb6\xc3\x9fe (id int PRIMARY KEY);", "DROP TABLE $table, kundengr\xc3\xb6\xc3\x9fe;"));
	append_to_file("migrations/$ids[1].sql", revision_file($ids[1], $ids[0], "ALTER TABLE kundengr\xc3\xb6\xc3\x9fe ALTER id TYPE bigint;\nALTER TABLE $table ALTER customer_billing_address_line TYPE int USING customer_billing_address_line::int;", '') =~ s/^(-- message: .*)/$1\n-- expand: true/mr);
	like(fits('expansion'), qr/^nothing is expanded$/, 'nothing is expanded');
	like(fits('contract'), qr/^ERROR:  no revision is expanded\nHINT:  cmig expand head$/m, 'nothing to contract');
	like(fits('abandon', '-y'), qr/^ERROR:  no revision is expanded\n/m, 'nothing to abandon');
	like(fits('contract', '--scopes', 'nosuch%', '--max-failures', '3', '-y'), qr/^scopes: 0 done, 0 failed, 0 left to other sessions$/m, 'contracted in scopes');
	gives(2, '^$', '--max-failures requires --scopes', 'expand', '--max-failures', '3');
	fits('upgrade', $ids[0]);
	query($node, $ENV{PGDATABASE}, "INSERT INTO $table VALUES (1, '1'), (2, 'two'); CREATE FUNCTION reader_of_order_positions() RETURNS SETOF $table LANGUAGE sql AS 'SELECT * FROM $table'");
	like((cmig('plan'))[1], qr/can be expanded$/m, 'the plan');
	like(fits('preflight'), qr/expand +warning: function public.reader_of_order_positions\(\).*-> cmig expand head --confirm/s, 'preflight lists what would break');
	like((cmig('expand'))[2], qr/ERROR:  statements may fail while revision "$ids[1]" is expanded\n.*cmig expand $ids[1] --confirm$/ms, 'what would break must be confirmed');
	like((cmig('expand', '--confirm'))[2], qr/is expanded: the new build connects with/, 'confirmed');
	my $umlauts = fits('expansion');
	like($umlauts, qr/^"kundengr\xc3\xb6\xc3\x9fe" {18}change id/m, 'a name with umlauts is not too short');
	like($umlauts, qr/^$table +change customer_billing_address_line, 1 rows filled, 0 left, 1 failed\n.*invalid input.*to see the\s+rows:\s+SELECT\s+\*\s+FROM\s+public.$table\s+WHERE\s+cmig_state\s+IS\s+NOT\s+NULL\n.*^state .*When no old build runs any more:\s+cmig contract\s+# or, to undo it: cmig abandon$/ms, 'how far it is');
	fits('expansion', '-v');
	my $status = fits('status');
	like($status, qr/^expanded +$ids[1], expanded, 0 rows left, 1 failed;.*cmig contract\s+# or, to undo it: cmig abandon$/ms, 'the status');
	unlike($status, qr/cmig (upgrade|expand)/, 'the status does not offer an upgrade');
	my $preflight = fits('preflight');
	like($preflight, qr/expanded +notice: .*cmig contract/s, 'preflight while it is expanded');
	unlike($preflight, qr/cmig expand/, 'preflight does not offer to expand it again');
	like(fits('graph'), qr/^% $ids[1].*expanded/m, 'the graph');
	like((cmig('report'))[1], qr/>expanded</, 'the report');
	like(fits('log'), qr/\| expand \| 002_customer.*ended.*begun/s, 'the log');
	gives(5, '^$', "^cmig: not confirmed: give the tables the shape of revision $ids[1]\\?", 'contract');
	gives(3, '^$', 'ERROR:  1 row of table .* could not be transformed', 'contract', '-y');
	gives(5, '^$', '^cmig: not confirmed: remove the new version', 'abandon');
	like(fits('abandon', '-y'), qr/^database \S+ is at $ids[0]\n.*is abandoned: the tables are as before$/m, 'abandoned');
	query($node, $ENV{PGDATABASE}, "UPDATE $table SET customer_billing_address_line = 2; DROP FUNCTION reader_of_order_positions()");
	is(query($node, $ENV{PGDATABASE}, q{SELECT string_agg(name || coalesce(labels ->> 'state', '') || value, ' ' ORDER BY name) FROM cmig.metrics WHERE name ~ 'expansion_st'}), '', 'no metrics');
	cmig('expand');
	is(query($node, $ENV{PGDATABASE}, q{SELECT string_agg(concat_ws(' ', name, labels ->> 'state', value), ', ' ORDER BY name) FROM cmig.metrics WHERE name ~ 'expansion_st'}),
		'pg_cmig_expansion_state expanded 1, pg_cmig_expansion_steps_to_do 0', 'metrics');
	like(fits('contract', '-y'), qr/^database \S+ is at $ids[1]\n.*is contracted and applied$/m, 'contracted');
	is(query($node, $ENV{PGDATABASE}, q{SELECT string_agg(concat_ws(' ', direction, message), ', ' ORDER BY id) FROM cmig.journal}),
		'upgrade, expand begun, expand ended, abandon, expand begun, expand ended, upgrade contracted', 'the journal');
}

# --- scripts -----------------------------------------------------------------

# A script that starts from this database runs in it; one for a range does not.  A review
# contains only the statements.
project('scripted');
add_file("00$_", $_ > 1 ? '001' : '', "CREATE TABLE t$_ (id int);", "DROP TABLE t$_;") foreach 1, 2;
my $review = (cmig('upgrade', '--statements-only'))[1];
is($review, "-- pg_cmig: the statements of 2 revisions, to read, not to run\n\n-- step 1 of 2: upgrade base -> 001, make 001\nCREATE TABLE t1 (id int);\n\n-- step 2 of 2: upgrade 001 -> 002, make 002\nCREATE TABLE t2 (id int);\n\n", 'a review') or diag($review);
gives(2, '', 'cannot be used with --version-table', 'upgrade', '--statements-only', '--version-table', 'x');
append_to_file('up.sql', (cmig('upgrade', '--sql'))[1]);
is($node->psql('scripted', slurp_file('up.sql')), 0, 'the script runs in this database');
gives(0, '\n 002 ', '^$', 'current');
gives(0, '^nothing to upgrade|^$', '', 'upgrade');
like((cmig('upgrade', 'base:head', '--sql'))[1], qr/version table public\.cmig_version\n/, 'a range is for another database');
query($node, 'postgres', 'CREATE DATABASE bare');
my (undef, undef, $errors) = $node->psql('bare', slurp_file('up.sql'));
like($errors, qr/version table cmig\.version does not exist\nHINT:  This database does not have pg_cmig\./, 'a database without the extension');

$node->stop;
done_testing();
