# Copyright (c) 2026, the pg_cmig developers

# pg_upgrade, pg_dump, and CREATE DATABASE … TEMPLATE while a revision is expanded, or while its expansion
# has been interrupted: OIDs, attribute numbers, and addresses of functions differ afterwards, and both
# builds go on to write, until the copy is contracted or abandoned like the original.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# server(NAME): a cluster that pg_upgrade can read or write
sub server
{
	my $server = PostgreSQL::Test::Cluster->new($_[0]);

	$server->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$server->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\njit = off\n");
	return $server;
}

my $node = server('before');
$node->start;

my $base = <<'END_SQL';
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE gone (x int);
CREATE TABLE person (gone text, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, age text, m mood DEFAULT 'ok', code int UNIQUE);
ALTER TABLE person DROP gone;
DROP TABLE gone;
CREATE TABLE part (id int, k int, v int NOT NULL, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE part0 (gone int, v int NOT NULL, k int NOT NULL, id int NOT NULL);
ALTER TABLE part0 DROP gone;
ALTER TABLE part ATTACH PARTITION part0 FOR VALUES IN (0);
CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
CREATE INDEX part_v ON part (v);
CREATE TABLE item (id serial PRIMARY KEY, code int REFERENCES person (code), note text);
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
CREATE FUNCTION names() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT name FROM person';
CREATE VIEW adult AS SELECT id, name FROM person WHERE age::int >= 18;
CREATE POLICY mine ON item USING (true);
GRANT SELECT, INSERT, UPDATE ON person TO app;
END_SQL
my $change = <<'END_SQL';
ALTER TABLE person ADD COLUMN first text NOT NULL CHECK (first <> '');
-- cmig:up person.first = split_part(name, ' ', 1)
ALTER TABLE person ADD COLUMN last text;
-- cmig:up person.last = split_part(name, ' ', 2)
DROP VIEW adult;
ALTER TABLE person DROP COLUMN name CASCADE;
-- cmig:down person.name = first || ' ' || last
ALTER TABLE person ALTER COLUMN age TYPE int USING age::int;
CREATE VIEW adult AS SELECT id, first, last FROM person WHERE age >= 18;
ALTER TYPE mood RENAME VALUE 'sad' TO 'down';
ALTER TABLE person ALTER COLUMN code TYPE bigint;
ALTER TABLE item ALTER COLUMN code TYPE bigint;
ALTER TABLE part ALTER COLUMN v TYPE bigint USING twice(v);
-- cmig:down part.v = v / 2
CREATE TABLE tag (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int REFERENCES item, label text);
CREATE INDEX person_last ON person (last) WHERE age > 1;
CREATE OR REPLACE FUNCTION names() RETURNS SETOF text LANGUAGE sql STABLE SET search_path = public AS 'SELECT first FROM person';
END_SQL

# make(DATABASE): a database with rows, in which nothing is expanded
sub make
{
	my ($db) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	query($node, $db, 'CREATE EXTENSION pg_cmig;' . load_sql(revision_file('001', '', $base, 'SELECT 1')) . "
SELECT cmig.create_revision('change', \$c\$$change\$c\$, NULL, revision => '002', expand => true);
SELECT cmig.upgrade('001');
INSERT INTO person (name, age, m, code) SELECT 'F' || g || ' L' || g, g * 10, CASE g % 2 WHEN 0 THEN 'sad' ELSE 'ok' END::mood, g FROM generate_series(1, 6) g;
INSERT INTO part SELECT g, g % 2, g FROM generate_series(1, 6) g; INSERT INTO item (code, note) SELECT g, 'n' FROM generate_series(1, 3) g");
}

$node->safe_psql('postgres', 'CREATE ROLE app');
make($_) for 'expanded', 'begun', 'upgraded';

my $both = q{
INSERT INTO person (name, age, m, code) VALUES ('Old One', '70', 'sad', 70); UPDATE person SET age = '21' WHERE name = 'F1 L1'; INSERT INTO part VALUES (70, 0, 7); UPDATE part SET v = 8 WHERE id = 2;
INSERT INTO item (code, note) VALUES (70, 'old')};
my $new = q{SET search_path = public_002, public;
INSERT INTO person (first, last, age, m, code) VALUES ('New', 'Two', 80, 'down', 80); UPDATE person SET last = 'X' WHERE first = 'F2'; INSERT INTO part VALUES (80, 1, 16); UPDATE part SET v = 18 WHERE id = 3;
INSERT INTO item (code, note) VALUES (80, 'new'); INSERT INTO tag (item, label) VALUES (1, 'a')};
my $after = q{
INSERT INTO person (first, last, age, m, code) VALUES ('Old', 'One', 70, 'down', 70); UPDATE person SET age = 21 WHERE first = 'F1'; INSERT INTO part VALUES (70, 0, 14); UPDATE part SET v = 16 WHERE id = 2;
INSERT INTO item (code, note) VALUES (70, 'old');} . $new =~ s/^.*\n//r;
my $rows = q{SELECT p::text FROM (SELECT id, first, last, age, m, code FROM person ORDER BY id) p; SELECT p::text FROM (SELECT id, k, v FROM part ORDER BY id) p; SELECT i::text FROM (SELECT id, code, note FROM item ORDER BY id) i;
SELECT t::text FROM tag t; SELECT names() ORDER BY 1; SELECT a::text FROM (SELECT id, first, last FROM adult ORDER BY id) a};
my $old_rows = q{SELECT p::text FROM (SELECT id, name, age, m, code FROM person ORDER BY id) p; SELECT p::text FROM (SELECT id, k, v FROM part ORDER BY id) p; SELECT i::text FROM (SELECT id, code, note FROM item ORDER BY id) i};

# what an upgrade and the same writes make of it
query($node, 'upgraded', "SELECT cmig.upgrade(); $after");
my $expected = query($node, 'upgraded', $rows);

$node->safe_psql('expanded', 'CALL cmig.expand(confirm => true)');
# an expansion that ends midway, by a trigger that fails after the first steps
query($node, 'begun', q{CREATE TABLE stop (n int); CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 5 AND EXISTS (SELECT FROM public.stop) AND EXISTS (SELECT FROM cmig.expansion_step WHERE done) THEN RAISE 'stop'; END IF; RETURN NEW; END $$});
query($node, 'begun', 'CREATE TRIGGER stop BEFORE UPDATE ON part FOR EACH ROW EXECUTE FUNCTION stop(); ALTER TABLE part ENABLE ALWAYS TRIGGER stop; INSERT INTO stop VALUES (1)');
$node->psql('begun', 'CALL cmig.expand(confirm => true)', stderr => \my $stopped);
like($stopped, qr/ERROR: .*stop/, 'an expansion is interrupted');
is(query($node, 'begun', 'SELECT state FROM cmig.expansion_run'), 'expanding', 'midway');
query($node, 'expanded', $both);

# settled(DATABASE, WHAT): the copy is as the original was
sub settled
{
	my ($db, $what) = @_;

	is(query($node, $db, q{SELECT severity, object, problem FROM cmig.check() WHERE severity <> 'notice'}), '', "$what: cmig.check finds nothing");
	query($node, 'postgres', "CREATE DATABASE abandoned TEMPLATE $db");
	query($node, $db, $new);
	query($node, $db, 'CALL cmig.contract()');
	is(query($node, $db, $rows), $expected, "$what: contracted, with what both builds have written");
	is(query($node, $db, q{SELECT relname FROM pg_class WHERE relname ~ 'cmig_' AND relnamespace = 'public'::regnamespace UNION ALL SELECT attname FROM pg_attribute WHERE attname ~ '^cmig_' AND attrelid::regclass::text !~ 'cmig' UNION ALL SELECT problem FROM cmig.check() WHERE severity = 'error'}), '', "$what: nothing of the expansion remains");
	is(query($node, $db, "SELECT kind, object FROM cmig.drift() WHERE object !~ 'stop'"), '', "$what: the schema is that of the revisions");
	my $was = query($node, 'abandoned', $old_rows);
	query($node, 'abandoned', 'CALL cmig.abandon()');
	is(query($node, 'abandoned', $old_rows), $was, "$what: abandoned, with what the old build has written");
	is(query($node, 'abandoned', "SELECT kind, object FROM cmig.drift() WHERE object !~ 'stop'"), '', 'and nothing of it remains');
	query($node, 'postgres', 'DROP DATABASE abandoned');
}

# resumed(WHAT): the interrupted expansion goes on in the copy
sub resumed
{
	my ($what) = @_;

	query($node, 'begun', 'DELETE FROM stop');
	query($node, 'begun', 'CALL cmig.expand(confirm => true)');
	query($node, 'begun', $both);
	query($node, 'begun', 'DROP TRIGGER stop ON part; DROP FUNCTION stop; DROP TABLE stop');
	settled('begun', "$what, interrupted");
}

my $dir = PostgreSQL::Test::Utils::tempdir();
command_ok([ 'pg_dump', '-Fc', '-f', "$dir/$_.dump", '-d', $node->connstr($_) ], "pg_dump of $_") for 'expanded', 'begun';
$node->stop;
chdir $dir;

my ($old, $bin) = ($node, $node->config_data('--bindir'));
$node = server('after');
command_ok([ 'pg_upgrade', '-d', $old->data_dir, '-D', $node->data_dir, '-b', $bin, '-B', $bin, '-s', $node->host, '-p', $old->port, '-P', $node->port ], 'pg_upgrade');
$node->start;
settled('expanded', 'pg_upgrade');
resumed('pg_upgrade');
foreach my $db ('expanded', 'begun')
{
	query($node, 'postgres', "DROP DATABASE $db");
	query($node, 'postgres', "CREATE DATABASE $db");
	command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr($db), "$dir/$db.dump" ], "pg_restore of $db");
}
settled('expanded', 'pg_restore');
resumed('pg_restore');
$node->stop;
done_testing();
