# Copyright (c) 2026, the pg_cmig developers

# Runs the same commands with the same files for a database without the extension, and for
# one that has it, and compares their exit status, their output, and their errors.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('engine_verbs', "shared_preload_libraries = 'pg_stat_statements'");

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN; GRANT pg_read_all_stats TO regress_owner');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
for my $name ('far', 'near')
{
	$node->safe_psql('postgres', "CREATE DATABASE $name OWNER regress_owner");
	$node->safe_psql($name, 'CREATE EXTENSION pg_stat_statements');
}
$node->safe_psql('near', "CREATE EXTENSION pg_cmig; SELECT cmig.grant_access('regress_owner', 'owner')");
$ENV{EDITOR} = 'true';
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', PostgreSQL::Test::Utils::tempdir_short());
engine_stays();
for my $name ('far', 'near')
{
	mkdir "$dir/$name";
	mkdir "$dir/$name/migrations";
	append_to_file("$dir/$name/cmig.conf", "folder = migrations\n" . ($name eq 'far' ? "engine = local\n" : ''));
}

# what may differ, and why
my @allowed = (
	# the names of the databases
	[ qr/"?\b(far|near)\b"?/, 'DATABASE' ],
	# when something ran, and how long it took
	[ qr/\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d)?/, 'TIME' ], [ qr/\b\d\d:\d\d:\d\d(\.\d+)?|\b[\d.]+ m?s\b/, '' ], [ qr/ +elapsed *$| +\| *$|^-+(\+-+)+$/m, '' ],
	# the copy of a table has its pages, but no TOAST table, and no file
	[ qr/\b[\d.]+\s+(kB|bytes|GB)|free: not known/, 'SIZE' ], [ qr/free: SIZE/, 'SIZE' ],
	# what upgrade tells of loading the files, and of a limit that cmig.set_option() could store
	[ qr/^(added|replaced): .*\n|^no lock_timeout is set.*\nHINT: .*\n +(SELECT|in cmig).*\n/m, '' ], [ qr/(-> | +)# for all runs, in cmig.conf:\n *(-> | +)lock_timeout = \S+|(-> | +)SELECT cmig.set_option\('cmig.lock_timeout', '\S+'\) -- for all runs/, '' ],
	# when a revision was stored: in an engine, when it ran
	[ qr/^(created_at|pending written by) .*\n( +-> cmig plan upgrade heads -v\n)?/m, '' ], [ qr/^-\[ RECORD \d+ \].*/m, '' ],
	# the extension itself
	[ qr/^failed runs .*\n.*\n|^notice +pg_dump: .*\n.*\n.*\n.*\n|^drift +\d.*\n/m, '' ],
	# how often the queries of pg_stat_statements were called, which roles called them, and one that cannot be judged
	[ qr/, \d calls?|^not_judged.*pg_stat_statements_reset.*\n.*\n|^queries of other roles .*\n/m, '' ],
	# an extension of a role of which the own one is not a member counts as one of the service
	[ qr/^an extension that no applied.*\nHINT: .*\n|^objects that belong to other roles are left.*\nDETAIL:  extension pg_stat.*\n/m, '' ],
	# a script tells which step failed
	[ qr/^CONTEXT:  (upgrade|downgrade|PL\/pgSQL function inline_code_block).*\n|^upgrade 001 -> 002\n(?=ERROR)/m, '' ],
	# where lines are wrapped
	[ qr/\n {19,}|  +/, ' ' ],
	# the copy has no rows, for which a precondition could ask, and nothing is loaded into an engine
	[ qr/(line \d+: )?precondition(: SELECT, 1 row ACCESS SHARE on public\.person, SIZE| not tried: the copy of the schema has no rows) /, '' ],
	[ qr/delete their files, and load with --prune/, 'delete their files' ],
	# the table with the current revisions
	[ qr/cmig_engine\.version/, 'cmig.version' ]);

sub in { my ($name, $code) = @_; chdir "$dir/$name" or die; local $ENV{PGDATABASE} = $name; return $code->($name); }
# runs SQL in both databases
sub sql { $node->safe_psql($_, $_[0], extra_params => [ '-U', $_[1] // 'regress_owner' ]) for 'far', 'near'; }
# writes a revision, or another file, for both
sub revision { my @arguments = @_; in($_, sub { write_revision(@arguments) }) for 'far', 'near'; }
sub file { my ($path, $text) = @_; for my $name ('far', 'near') { unlink "$dir/$name/$path"; append_to_file("$dir/$name/$path", $text); } }
# the schema and rows of a database
sub dump_of
{
	my $out;

	IPC::Run::run([ 'pg_dump', '-U', $superuser, '-x', '-N', 'cmig*', '-d', $_[0] ], '>', \$out) or die;
	return join("\n", sort grep { !/^(--|\\(un)?restrict|.*EXTENSION|$)/ } split(/\n/, $out));
}
# same(STATUS, PATTERN, ARGUMENT...): runs cmig for both databases; each must exit with the
# status, and output the same, in which the pattern is found
sub same
{
	my ($status, $pattern, @arguments) = @_;
	my %result;

	for my $name ('far', 'near')
	{
		my @result = in($name, sub { cmig(@arguments) });
		for my $text (@result[1, 2]) { $text =~ s/$_->[0]/$_->[1]/g for @allowed; }
		$result{$name} = "status $result[0]\n$result[1]----\n$result[2]";
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($result{far}, $result{near}, "cmig @arguments: the same");
	like($result{near}, qr/^status $status\n.*(?:$pattern)/s, "cmig @arguments");
}

# a graph with two heads, a precondition, placeholders, verify sections, and a repeatable revision
revision('001', '', "-- message: The table\n-- placeholders: tbl\n-- branch_labels: main",
	"CREATE TABLE \${tbl} (id int PRIMARY KEY, name text, n int);\n-- cmig:verify\nSELECT count(*) = 0 FROM person WHERE n < 0;", 'DROP TABLE person CASCADE;');
revision('002', '001', "-- precondition: SELECT count(*) < 3 FROM person", "ALTER TABLE person ADD mail text;", 'ALTER TABLE person DROP mail;');
revision('003', '001', '-- transactional: false', 'CREATE INDEX CONCURRENTLY person_n ON person (n);', 'DROP INDEX CONCURRENTLY person_n;');
file('migrations/totals.sql', "-- revision: totals\n-- repeatable: true\n\n-- cmig:upgrade\nCREATE OR REPLACE VIEW totals AS SELECT count(*) AS n FROM person;\n");
same(0, 'base', 'current');
same(0, 'pending +4: 001, 002, 003, totals', 'status');
same(0, '002.*003', 'heads');
same(0, '001 .*002.*003', 'branches');
same(0, 'totals .*repeatable', 'graph');
same(0, 'flowchart', 'graph', '--format', 'mermaid');
same(0, '001 .*branchpoint', 'history');
same(0, 'message +\| The table', 'history', '-v');
same(0, 'placeholders +tbl', 'show', '001');
same(0, 'warning +001: placeholder "tbl".*no value', 'check');
same(3, 'has no value', 'check', '--ci');
same(3, 'ERROR: +placeholder "tbl" of revision "001" has no value', 'plan', 'upgrade', '001');
same(3, 'ERROR: +placeholder "tbl" of revision "001" has no value', 'upgrade', '001', '-y');
same(0, 'is at 001', 'upgrade', '001', '-y', '-x', 'tbl=person');
same(0, 'nothing to upgrade', 'upgrade', '001', '-y');
# the value that sessions of the role have
sql(q{DO $$BEGIN EXECUTE format('ALTER ROLE regress_owner IN DATABASE %I SET cmig_var.tbl = person', current_database()); END$$}, $superuser);
sql('INSERT INTO person VALUES (1, $$a$$), (2, $$b$$), (3, $$c$$)');
same(3, 'multiple head', 'plan');
same(3, 'multiple head', 'upgrade', '-y');
same(3, 'ERROR: +the precondition of revision "002" is not met', 'upgrade', 'heads', '-y');
sql('DELETE FROM person WHERE id = 3; ANALYZE person');
same(0, 'ACCESS EXCLUSIVE on public\.person', 'dry-run', 'heads');
same(0, '002 .*ALTER TABLE', 'lint', 'heads');
same(0, 'lock_timeout', 'preflight', 'heads');
same(0, 'no problems', 'round-trip');
same(0, 'is at 002, 003', 'upgrade', 'heads', '-y');
same(0, 'repeatable +1, 0 to run', 'status');
same(0, '002.*003', 'current');
same(0, '', 'current', '--check-heads');
same(0, 'upgrade.*totals.*003.*002.*001', 'log');
in('far', sub { gives(0, '(upgrade [^\n]* \d\d:\d\d:\d\d(\.\d+)?\s+[^\n]*){4}', '', 'log') });
same(0, 'author +\| regress_owner', 'history', '-v');
# what the verify sections find now
same(0, '001 .*\| t', 'verify');
sql('INSERT INTO person VALUES (7, NULL, -1)');
same(1, '001 .*\| f .*Statement 1 of verify_sql returned the row.*line \d+ of file "migrations/001\.sql"', 'verify');
same(1, 'ok +\| f', 'verify', '001', '-v');
{
	# errors that are caught and reported
	local $ENV{PGOPTIONS} = '-c exit_on_error=on';
	same(1, '001 .*\| f .*Statement 1 of verify_sql returned the row', 'verify');
	same(3, 'locate revision', 'verify', 'nothing');
}
same(3, 'locate revision', 'verify', 'nothing');
sql('DELETE FROM person WHERE id = 7');
same(0, '004_both', 'merge', '-m', 'Both', '--rev-id', '004');
same(0, 'is at 004', 'upgrade', '-y');
file('migrations/totals.sql', "-- revision: totals\n-- repeatable: true\n\n-- cmig:upgrade\nCREATE OR REPLACE VIEW totals AS SELECT count(*) AS n, max(id) AS most FROM person;\n");
same(0, 'repeatable +1, 1 to run', 'status');
same(0, 'ACCESS SHARE on public\.person', 'plan');
same(0, 'repeatable totals', 'upgrade', '-y');
same(0, 'totals.*applied, repeatable', 'history');
same(0, '', 'require', '004');
same(3, 'repeatable', 'require', 'totals');
same(0, '', 'wait', '004');
same(4, 'cannot be located|locate.*not ready in time', 'wait', 'nothing', '--timeout', '1');
same(0, 'repeatable', 'show', 'totals');
same(0, 'no drift', 'drift');
same(0, '004 +no differences', 'locate');
sql('ALTER TABLE person ADD by_hand int');
same(1, 'by_hand: was created; data loss', 'drift');
same(1, 'DROP COLUMN by_hand', 'drift', '--sql');
same(0, '004 +1 difference', 'locate');
for my $name ('far', 'near') { in($name, sub { is((cmig(@$_))[0], 0, "$name: cmig @$_") for [ 'capture', '-m', 'By hand', '--rev-id', '005' ], [ 'upgrade', '-y' ] }); }
same(0, 'no drift', 'drift');
file('target.sql', "CREATE TABLE person (id int PRIMARY KEY, name varchar(20), n int, mail text, by_hand int, more text);\nCREATE INDEX person_n ON person (n);\nCREATE VIEW totals AS SELECT count(*) AS n, max(id) AS most FROM person;\n");
same(1, 'name: text -> varchar.*table rewrite, may fail on existing rows: public\.person \(SIZE, about 2 rows\)', 'diff', '--target', 'target.sql');
same(1, 'varchar', 'check', '--target', 'target.sql');
same(0, '006_more.*table rewrite', 'revision', '--autogenerate', '--target', 'target.sql', '-m', 'More', '--rev-id', '006');
# lint and round-trip know the tables, and the extensions that no revision has created
sql('CREATE VIEW by_hand AS SELECT name FROM person');
same(1, '== lint ==.*006 .*by_hand.*== round-trip ==\nno problems', 'check', '--ci');
in('far', sub { gives(0, 'cmig\.lint finds [^;]*; the tables were not read,\s+and\s+count\s+as\s+large\n +-> cmig lint heads --no-facts\n', '', 'check') });
in('far', sub { gives(1, '006 .*error: .*', '', 'lint', 'heads', '--no-facts') });
sql('DROP VIEW by_hand');
same(0, 'removed 006', 'remove', '006', '-y');
same(0, '006_more.*table rewrite', 'revision', '--autogenerate', '--target', 'target.sql', '-m', 'More', '--rev-id', '006');
same(0, '', 'edit', '006');
# the queries that the application has run
sql('SELECT pg_stat_statements_reset()', $superuser);
sql('SELECT upper(name) FROM person WHERE id = 1');
write_revision_drop($_) for 'far', 'near';
sub write_revision_drop { my ($name) = @_; in($name, sub { append_to_file('migrations/007.sql', "-- revision: 007\n-- down_revision: 006\n-- cmig:upgrade\nALTER TABLE person DROP name CASCADE;\n-- cmig:downgrade\nALTER TABLE person ADD name varchar(20);\n") }); }
same(1, 'breaks.*upper', 'workload-check');
same(0, 'removed 007', 'remove', '007', '-y');
same(0, 'is at 006', 'upgrade', '--preflight', '-y');
same(0, '', 'check', '--target', 'target.sql');
same(3, 'is applied', 'remove', '006', '-y');
same(5, 'not confirmed', 'downgrade', '-1');
same(0, 'is at 005', 'downgrade', '-1', '-y');
same(0, 'is at 006', 'upgrade', '-y', '--one-transaction');
same(0, 'is at 005', 'stamp', '005');
same(0, 'is at 006', 'stamp', '006');
same(3, 'locate revision', 'stamp', 'nothing');
same(0, 'exported/006_more\.sql', 'export', '--to', 'exported');
# what was applied becomes one revision
same(0, 's1_all\.sql', 'squash', '004:006', '-m', 'All', '--rev-id', 's1');
same(0, 'is at s1', 'upgrade', '-y');
same(0, 's1 .*current, head', 'history');
same(0, 's1', 'current');
same(0, 'is at 001', 'downgrade', '001', '-y');
same(0, 'is at s1', 'upgrade', '-y');
same(0, 'no drift', 'drift');
same(0, 'current +s1', 'status');
same(3, 'already applied', 'baseline', '-m', 'All', '--rev-id', 'b1', '--branch-label', 'again');
same(5, 'not confirmed: revert all revisions', 'reset');
in('far', sub { gives(3, '', 'a reset is not allowed in database far', 'reset', '-y', '-x', 'cmig.protect=on') });
same(0, 'is at s1', 'reset', '-y');
same(0, 'upgrade.*downgrade', 'log', '--limit', '7');
same(0, 'is at s1', 'reset', '-y', '--stepwise');
same(0, 'is at base', 'downgrade', 'base', '-y');
same(0, 'base', 'current');
is(dump_of('far'), dump_of('near'), 'the schema is the same at the end');

$node->stop;
done_testing();
