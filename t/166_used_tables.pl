# Copyright (c) 2026, the pg_cmig developers

# Runs in transactions that use the tables in other ways: the error says what to do.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('used_tables', 'autovacuum = off');
$node->start;
query($node, 'postgres', 'CREATE EXTENSION pg_cmig;' . load_sql(revision_file('one', '', 'ALTER TABLE t ADD b int', 'ALTER TABLE t DROP b')));
query($node, 'postgres', q{CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nothing()});

sub error_of
{
	my ($sql) = @_;
	my $error = '';

	$node->psql('postgres', $sql, stderr => \$error);
	return $error;
}

my $cursor = 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH 1 FROM c;';
my $used = qr/being used by active queries.*\nHINT:  .*If a cursor on the table is open: CLOSE ALL;/;

like(error_of("$cursor SELECT * FROM cmig.upgrade()"), $used, 'a cursor');
like(query($node, 'postgres', "$cursor SELECT error FROM cmig.dry_run()"), qr/CLOSE ALL/, 'a cursor, dry run');
is(query($node, 'postgres', "$cursor CLOSE ALL; SELECT revision FROM cmig.upgrade(); ROLLBACK"), "1\none", 'what the hint says');
like(error_of('DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM t LOOP PERFORM * FROM cmig.upgrade(); END LOOP; END $$'), $used, 'a loop');
like(error_of('BEGIN; UPDATE t SET id = id; SELECT * FROM cmig.upgrade()'), qr/pending trigger events.*\nHINT:  If the script changed rows.*SET CONSTRAINTS ALL IMMEDIATE/, 'deferred triggers');
is(query($node, 'postgres', "$cursor SELECT count(*) > 0 FROM cmig.diff('CREATE TABLE t (id int PRIMARY KEY)'); FETCH 1 FROM c"), "1\nt\n2", 'a diff runs on copies');
done_testing();
