# Copyright (c) 2026, the pg_cmig developers

# pgaudit refuses a statement that seems to come from the client while another one runs, that is,
# until its memory is freed; version 1.7.0 also while a CALL runs.  What need not commit runs as in a
# function there; the error about the rest says what to do.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('pgaudit');
$node->start;
my $library = build_library('hooks');
my $db = 'pgaudit';
new_database($node, $db);
query($node, $db, qq{CREATE FUNCTION watch_calls(bool) RETURNS void LANGUAGE c AS '$library';
	CREATE TABLE note (id int PRIMARY KEY, body text, parent int);
	SELECT cmig.create_revision('Plain statements', \$\$ALTER TABLE note ADD COLUMN length int; COMMENT ON TABLE note IS 'n'; CREATE INDEX ON note (body);
		UPDATE note SET length = 1; CREATE VIEW notes AS SELECT * FROM note; DROP VIEW notes\$\$, '', revision => '001', transactional => false);
	SELECT cmig.create_revision('Others', 'CREATE INDEX CONCURRENTLY note_parent ON note (parent)', 'DROP INDEX note_parent', revision => '002', transactional => false);});
my $watched = 'SELECT watch_calls(true);';


query($node, $db, "$watched CALL cmig.upgrade_stepwise('001')");
is(query($node, $db, q{SELECT revision FROM cmig.current()}), '001', 'statements that need not commit run as in a function');

foreach my $case (
	[ q{CALL cmig.upgrade_stepwise('002')}, 'a stepwise run' ],
	[ q{CALL cmig.add_unique('note', 'body')}, 'a recipe' ])
{
	my ($call, $name) = @$case;

	fails_with($node, $db, "$watched $call", '55000',
		q{this version of pgaudit does not let a procedure run a statement outside of a transaction.*HINT:  Update pgaudit to 1\.7\.1, 16\.1, 17\.1, or later\. Or turn it off for this session, as a role that may: SET pgaudit\.log = 'none'\.},
		"$name: the error says what to do");
}
is(query($node, $db, "$watched SELECT watch_calls(NULL); CALL cmig.upgrade_stepwise('002'); SELECT revision FROM cmig.current()"), "\n\n002", 'it continues without pgaudit');

query($node, $db, q{SELECT cmig.create_revision('Both versions', E'ALTER TABLE note ADD COLUMN title text;\n-- cmig:up note.title = body\nCREATE INDEX ON note (title)', 'ALTER TABLE note DROP COLUMN title', revision => '003', expand => true);
	SELECT cmig.create_revision('A statement that fails', 'DELETE FROM note; CREATE UNIQUE INDEX CONCURRENTLY note_length ON note (length); DROP INDEX CONCURRENTLY note_length', '', revision => '004', transactional => false);
	INSERT INTO note (id, body, length) VALUES (1, 'a', 1), (2, 'b', 1)});
my $new = 'SELECT watch_calls(false);';
is(query($node, $db, "$new CALL cmig.expand('003'); CALL cmig.contract(); SELECT revision FROM cmig.current()"), "\n003", 'expand and contract, with pgaudit 1.7.1');
query($node, $db, q{CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NOT EXISTS (SELECT FROM note) THEN INSERT INTO note (id, length) VALUES (1, 1), (2, 1); END IF; RETURN NULL; END $$;
	CREATE TRIGGER again AFTER DELETE ON note FOR EACH STATEMENT EXECUTE FUNCTION again()});
my ($code, $out, $err) = $node->psql($db, "$new CALL cmig.upgrade_stepwise('004'); DELETE FROM note WHERE id = 2; CALL cmig.upgrade_stepwise('004'); SELECT revision FROM cmig.current()", on_error_stop => 0);
like($err, qr/could not create unique index "note_length"/, 'the error of a statement');
like($out, qr/^004$/m, 'the statement runs again in the same session') or diag $err;

$node->stop;
done_testing();
