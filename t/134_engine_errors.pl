# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: what a run that fails says and records, and how to go
# on or to give up.  The hints are for cmig, and nothing speaks of what only the engine has.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('engine_errors');

sub rows { return $node->safe_psql('shop', $_[0]); }

my $journal = "SELECT revision, direction, outcome, sqlstate, message, statement FROM cmig_engine.journal ORDER BY id DESC LIMIT 1";

write_revision('001', '', '', 'CREATE TABLE item (id int);', 'DROP TABLE item;');
gives(0, 'at 001', '', 'upgrade', '-y');

# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# the statement and its place, also after a comment and in a string with quotes
write_revision('002', '001', '', <<'END_SQL', 'DROP TABLE part;');
CREATE TABLE part (note text DEFAULT 'it''s \a
COMMIT;
');

-- a comment
SELECT *
FROM nowhere;
INSERT INTO item VALUES (1);
END_SQL
my $place = 'CONTEXT:  pg_cmig: upgrade of 002, statement 2, line %d of file "migrations/002.sql"';
my $line = 1 + (() = (split /^SELECT \*/m, slurp_file('migrations/002.sql'))[0] =~ /\n/g);
gives(3, '', qr/ERROR:  relation "nowhere" does not exist\n\Q@{[sprintf $place, $line]}\E\n/, 'upgrade', '-y');
is(rows('SELECT count(*) FROM cmig_engine.journal'), '1', 'a transaction that was rolled back leaves nothing');
gives(3, '', qr/\Q@{[sprintf $place, $line]}\E/, 'upgrade', '-y', '--stepwise');
is(rows($journal), '002|upgrade|failed|42P01|relation "nowhere" does not exist|2', 'a stepwise run records the failure');
gives(0, 'failed +upgrade of 002, statement 2: relation "nowhere" does not exist\n +-> Fix the cause, then cmig upgrade', '', 'status');

# what exists already, with the hints that the extension gives
$node->safe_psql('shop', 'CREATE TABLE part (); CREATE VIEW shown AS SELECT 1', extra_params => [ '-U', 'regress_owner' ]);
write_revision('002', '001', '', 'CREATE TABLE part ();', 'DROP TABLE part;');
gives(3, '', 'statement 1, line \d+ .*\nHINT:  Compare the database with what cmig show 002 prints\..*: cmig stamp 002\n', 'upgrade', '-y');
write_revision('002', '001', '', "SELECT 1;\nCREATE TABLE part ();", 'DROP TABLE part;');
gives(3, '', 'statement 2, line \d+ [^\n]*\n$', 'upgrade', '-y');
write_revision('002', '001', '', 'DROP TABLE part;', '-- nothing');
append_to_file('migrations/shown.sql', "-- revision: shown\n-- message: shown\n-- repeatable: true\n\n-- cmig:upgrade\nCREATE VIEW shown AS SELECT 2;\n");
gives(3, '', 'HINT:  The script runs again whenever it changes: write CREATE OR REPLACE', 'upgrade', '-y');
unlink 'migrations/shown.sql' or die $!;
$node->safe_psql('shop', 'DROP VIEW shown; DROP TABLE part');

# so does what is found before it runs
for ([ 'upgrade', "SELECT 1;\nSELEC 1;", '', '' ], [ 'verify', 'SELECT 1;', "-- cmig:verify\nSELECT 1;\nSELEC 1;", '' ], [ 'precondition', '', '', '-- precondition: SELEC 1' ])
{
	my ($part, $sql, $verify, $header) = @$_;

	write_revision('002', '001', $header, "$sql\n$verify", '');
	$line = 1 + (() = (split /SELEC 1/, slurp_file('migrations/002.sql'))[0] =~ /\n/g);
	gives(3, '', qr/syntax error at or near "SELEC"\n.*CONTEXT:  pg_cmig: $part of 002, @{[$header ? 'statement 1, line 1' : "statement 2, line $line of file"]}/s, 'upgrade', '-y');
}

# outside of a transaction
write_revision('002', '001', "-- transactional: false\n", <<'END_SQL', 'DROP TABLE part;');
CREATE TABLE part (id int);
CREATE INDEX CONCURRENTLY item_id ON item (id);
SELECT coalesce(max(id)::text, 'a value')::int FROM part;
END_SQL
gives(3, '', 'ERROR:  invalid input syntax for type integer: "a value"\nCONTEXT:  pg_cmig: upgrade of 002, statement 3, line \d+ of file', 'upgrade', '-y');
is(rows($journal), '002|upgrade|failed|22P02|invalid input syntax for type integer: ...|3', 'so does a revision that is not transactional, without the value');
gives(0, '(?s)failed +upgrade of 002, statement 3: invalid input syntax for type integer: \.\.\.\n.*partially applied +upgrade of 002: statement 2 is done.*cmig upgrade --stepwise 002\s+# or manually revert its statements, then cmig stamp', '^$', 'status');
gives(0, 'upgrade failed \| 002', 'partially applied: a run was interrupted\nHINT:  cmig status\n', 'log');
# the file has changed: it must not run from its first statement
my $stopped = slurp_file('migrations/002.sql');
write_revision('002', '001', '', "CREATE TABLE more (id int);", 'DROP TABLE more;');
gives(3, '', 'ERROR:  revision "002" is partially applied, and would run again from its first statement\nHINT:  Restore the header "transactional: false"', 'upgrade', '-y');
is(rows("SELECT to_regclass('more')"), '', 'nothing has run');
unlink 'migrations/002.sql';
append_to_file('migrations/002.sql', $stopped);
gives(3, '', 'ERROR:  the upgrade of revision "002" is partially applied\nDETAIL: .*; cmig_engine.progress shows the statements that have run.\nHINT:  cmig upgrade --stepwise 002 finishes the upgrade. Or manually revert', 'downgrade', '-y', '-1');

# the same if the revisions run in the engine first
write_revision('003', '002', '', "CREATE TABLE third (id int, owner name);\nSELECT cmig.enable_rls('third', 'owner');", 'SELECT 1;');
gives(3, '', 'HINT:  cmig upgrade --stepwise 002 finishes the upgrade. Or manually revert', 'downgrade', '-y', '-1');

# a file in which what has run is another; what has failed can be corrected
rename 'migrations/003.sql', '003.sql' or die;
foreach my $case ([ 2, 'CREATE INDEX', 'CREATE UNIQUE INDEX' ], [ 1, 'CREATE TABLE part', "CREATE TABLE first ();\nCREATE TABLE part" ], [ 2, 'CREATE INDEX[^;]*;\n', '' ])
{
	my ($statement, $old, $new) = @$case;

	unlink 'migrations/002.sql';
	append_to_file('migrations/002.sql', $stopped =~ s/$old/$new/r);
	gives(3, '', "ERROR:  statement $statement of revision \"002\" has changed since it ran\n(CONTEXT:[^\n]*\n)?HINT:  Restore its text. Later statements may differ. Or revert", 'upgrade', '-y');
}
is(rows(q{SELECT string_agg(statement || ' ' || done, ',' ORDER BY statement) FROM cmig_engine.progress}), '1 true,2 true', 'nothing was run');
my $corrected = $stopped =~ s/SELECT coalesce.*?;/CREATE INDEX CONCURRENTLY part_id ON part (nope);\nSELECT 2;/r;
unlink 'migrations/002.sql';
append_to_file('migrations/002.sql', $corrected =~ s/CREATE INDEX/-- a comment does not count\n$&/r);
gives(3, '', 'column "nope" does not exist\nCONTEXT:  pg_cmig: upgrade of 002, statement 3,', 'upgrade', '-y');
# a corrected statement does not count as done because of what it had not found before
rows('CREATE INDEX other ON part (id)');
unlink 'migrations/002.sql';
append_to_file('migrations/002.sql', $corrected =~ s/CREATE INDEX CONCURRENTLY part_id.*?;/DROP INDEX CONCURRENTLY other;/r);
gives(0, 'at 002', '', 'upgrade', '-y');
is(rows(q{SELECT to_regclass('item_id') IS NOT NULL, to_regclass('other') IS NULL, count(*) FROM cmig_engine.progress}), 't|t|0', 'the rest was run');
# the same where the other object of the statement was there
gives(0, 'at 001', '', 'downgrade', '-y', '001');
rows('CREATE TABLE part (id int UNIQUE); CREATE INDEX other ON part (id); DROP INDEX item_id');
unlink 'migrations/002.sql';
append_to_file('migrations/002.sql', $stopped =~ s/CREATE TABLE.*?\n(?=-- cmig:downgrade)/DROP INDEX CONCURRENTLY part_id_key;\n/sr);
gives(3, '', 'cannot drop index part_id_key because', 'upgrade', '-y');
unlink 'migrations/002.sql';
append_to_file('migrations/002.sql', $stopped =~ s/CREATE TABLE.*?\n(?=-- cmig:downgrade)/DROP INDEX CONCURRENTLY other;\n/sr);
gives(0, 'at 002', '', 'upgrade', '-y');
is(rows(q{SELECT to_regclass('part_id_key') IS NOT NULL, to_regclass('other') IS NULL}), 't|t', 'the corrected statement was run');
gives(0, 'at 001', '', 'downgrade', '-y', '001');
# one that then runs in a transaction runs once; another index of the column is not that of the statement
rows('CREATE TABLE part (id int); INSERT INTO part VALUES (1), (1); CREATE INDEX other ON part (id)');
my $updated = "UPDATE part SET id = id + 1;\n";
foreach my $case (
	[ 3, 'could not create unique index', 'CREATE UNIQUE INDEX CONCURRENTLY ON part (id);' ], [ 3, 'division by zero', $updated . 'SELECT 1 / 0;' ],
	[ 3, '"nope" does not exist', $updated . 'CREATE INDEX CONCURRENTLY ON part USING hash (nope);' ],
	[ 0, '', $updated . 'CREATE INDEX CONCURRENTLY ON part USING hash (id);' ])
{
	my ($status, $error, $sql) = @$case;

	unlink 'migrations/002.sql';
	append_to_file('migrations/002.sql', $stopped =~ s/CREATE TABLE.*?\n(?=-- cmig:downgrade)/$sql\n/sr);
	gives($status, '', $error, 'upgrade', '-y');
	# what the error about the next one would name
	rows('DROP INDEX part_id_idx') if $sql =~ /UNIQUE/;
}
is(rows(q{SELECT max(id), to_regclass('part_id_idx') IS NOT NULL FROM part}), '2|t', 'each ran once');
gives(0, 'at 001', '', 'downgrade', '-y', '001');
unlink 'migrations/002.sql';
append_to_file('migrations/002.sql', $stopped);
gives(3, '', 'invalid input syntax', 'upgrade', '-y');

# giving up
rename '003.sql', 'migrations/003.sql' or die;
rows('DROP INDEX item_id; DROP TABLE part');
gives(0, 'at 001', 'discarding the progress of the upgrade of revision "002"\nDETAIL:  A stepwise run did not finish', 'stamp', '001');
is(rows('SELECT count(*) FROM cmig_engine.progress'), '0', 'the progress is gone');
gives(0, '\A(?!.*partially applied)', '^$', 'status');

# roles of the engine are no candidates for policies
write_revision('002', '001', '', "CREATE TABLE part AS SELECT i AS id FROM generate_series(1, 20000) i;\nCREATE INDEX part_id ON part (id);", 'DROP TABLE part;');
gives(3, '', 'DETAIL:  No role other than the owner has privileges there.\n', 'upgrade', '-y');
unlink 'migrations/003.sql';
gives(0, 'at 002', '', 'upgrade', '-y');

# what is applied, and how the files differ from it
write_revision('001', '', '', 'CREATE TABLE item (id bigint);', 'DROP TABLE item;');
my $changed = 'applied revision "001" has changed\nDETAIL: .*is now "CREATE TABLE item \(id bigint\);"; when it ran';
gives(3, '', "$changed.*\nHINT: .*--accept-changes.*\nERROR:  the files could not be loaded; this is what the database has\n\$", 'status');
gives(3, '', $changed, 'load');
gives(0, '001 +\| replaced\n +002 +\| unchanged', '', 'load', '--accept-changes');
rename 'migrations/002.sql', 'second';
gives(0, 'no file +revision "002" is applied, but there is no file for it', '', 'status');
rename 'second', 'migrations/002.sql';
gives(0, 'cmig_engine.version already says so', '', 'locate');

# what needs the extension
gives(2, '', '^cmig: --expand requires the extension in the database\n', 'revision', '--autogenerate', '--expand', '-m', 'x');

# a view that the script creates
write_revision('003', '002', '', "CREATE OR REPLACE VIEW shown AS SELECT 1 AS a, nope.b FROM nope;\nALTER TABLE IF EXISTS gone ADD z int;\nALTER TABLE missed ADD z int;", '-- nothing');
gives(0, '(?s)^(?!.*(?:shown|gone) does not exist).*missed does not exist, 003 needs it.*nope does not exist', '', 'preflight');


# the copy of the schema waits for locks as long as the session would
cmig('drift', '-x', 'cmig.lock_timeout=1234ms');
like(slurp_file($node->logfile), qr/SET statement_timeout = '?1234ms/, 'pg_dump has the limit');

# runs in the database
write_revision('003', '002', '', 'CREATE INDEX ON part (id, id);', '-- nothing');
gives(0, 'time of past runs +notice: 003: revisions with CREATE INDEX took up to [0-9:.]+ here \(journal,\s+\d runs\)', '', 'preflight');

close $users;
$node->stop;
done_testing();
