# Copyright (c) 2026, the pg_cmig developers

# Tests that the right columns are hidden in copies of a database.  After a restore,
# columns have other numbers, and the triggers' arguments contain older names.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('audit_columns');
$node->start;
my $dumps = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', 'CREATE DATABASE origin');
$node->safe_psql('origin', q{
SET client_min_messages = error;
CREATE EXTENSION pg_cmig;
-- other numbers in a copy
CREATE TABLE plain (gone text, id integer PRIMARY KEY, gone2 text, name text, card text, pin text, note text);
ALTER TABLE plain DROP gone, DROP gone2;
SELECT cmig.enable_audit('plain', redact => '{card}', hash => '{pin}', exclude => '{note}');
INSERT INTO plain VALUES (1, 'Ann', 'secret', 'secret', 'secret');
-- renamed, and written under the new names
CREATE TABLE renamed (LIKE plain INCLUDING ALL);
SELECT cmig.enable_audit('renamed', redact => '{card}', hash => '{pin}', exclude => '{note}');
ALTER TABLE renamed RENAME card TO pan;
ALTER TABLE renamed DROP name;
INSERT INTO renamed VALUES (1, 'secret', 'secret', 'secret');
-- names exchanged, and written since
CREATE TABLE swapped (LIKE plain INCLUDING ALL);
SELECT cmig.enable_audit('swapped', redact => '{card}');
INSERT INTO swapped (id, name, card) VALUES (1, 'Ann', 'secret');
ALTER TABLE swapped RENAME card TO x;
ALTER TABLE swapped RENAME name TO card;
ALTER TABLE swapped RENAME x TO name;
INSERT INTO swapped (id, name, card) VALUES (2, 'secret', 'Ann');
-- exchanged, and not written: nobody can tell in a copy
CREATE TABLE swapped_last (LIKE plain INCLUDING ALL);
SELECT cmig.enable_audit('swapped_last', redact => '{card}');
INSERT INTO swapped_last (id, name, card) VALUES (1, 'Ann', 'secret');
ALTER TABLE swapped_last RENAME card TO x;
ALTER TABLE swapped_last RENAME name TO card;
ALTER TABLE swapped_last RENAME x TO name;
-- added later columns do not matter
CREATE TABLE added (LIKE plain INCLUDING ALL);
SELECT cmig.enable_audit('added', redact => '{card}');
ALTER TABLE added ADD y text;
-- partitions with columns in another order, and a child whose columns a dump reorders
CREATE TABLE parted (id integer, old text, card text, name text) PARTITION BY RANGE (id);
ALTER TABLE parted DROP old;
CREATE TABLE parted_1 (name text, z text, card text, id integer);
ALTER TABLE parted_1 DROP z;
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES FROM (0) TO (100);
SELECT cmig.enable_audit('parted', redact => '{card}');
ALTER TABLE parted RENAME card TO pan;
INSERT INTO parted VALUES (1, 'secret', 'Ann');
CREATE TABLE parent (id integer PRIMARY KEY);
CREATE TABLE child (own text, PRIMARY KEY (id)) INHERITS (parent);
ALTER TABLE parent ADD card text;
SELECT cmig.enable_audit('parent', redact => '{card}');
INSERT INTO child VALUES (1, 'o', 'secret');
});

# Inserts a row with secrets into a table, and returns 'ok' or the error.
sub insert
{
	my ($db, $table, $columns, $values) = @_;
	my ($out, $err);
	my $result = $node->psql($db, "INSERT INTO $table ($columns) VALUES ($values)", stderr => \$err, stdout => \$out);
	return 'ok' if $result == 0;
	return ($err =~ /ERROR:  (.*)/)[0];
}

sub leaks
{
	my ($db) = @_;
	return $node->safe_psql($db, q{SELECT count(*) FROM cmig_audit.log l WHERE l::text LIKE '%secret%'});
}

sub copy
{
	my ($db, @options) = @_;
	my $sql = "$dumps/$db.sql";
	command_ok([ 'pg_dump', '-f', $sql, @options, $node->connstr('origin') ], "dump @options");
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $sql, $node->connstr($db) ], 'restored');
	# a dump does not contain the key for hashed columns
	$node->safe_psql($db, q{INSERT INTO cmig.secret VALUES ('audit', 'another key')});
}

is(leaks('origin'), 0, 'no hidden value is in the log');
copy('copy');
for my $round (1 .. 2)
{
	my $id = 10 * $round;
	is(insert('copy', 'plain', 'id, name, card, pin, note', "$id, 'Ann', 'secret', 'secret', 'secret'"), 'ok', "round $round: columns with unchanged names");
	is(insert('copy', 'renamed', 'id, pan, pin, note', "$id, 'secret', 'secret', 'secret'"), 'ok', 'renamed columns after others were dropped');
	is(insert('copy', 'swapped', 'id, name, card', "$id, 'secret', 'Ann'"), 'ok', 'columns that exchanged their names');
	is($node->safe_psql('copy', qq{SELECT new_row->>'name', new_row->>'card' FROM cmig_audit.log WHERE table_name = 'swapped' AND row_key->>'id' = '$id'}),
		'[redacted]|Ann', 'the right one is hidden');
	is(insert('copy', 'added', 'id, card, y', "$id, 'secret', 'y'"), 'ok', 'columns added last');
	is(insert('copy', 'parted', 'id, pan, name', "$id, 'secret', 'Ann'"), 'ok', 'partitions');
	is(insert('copy', 'parted_1', 'id, pan, name', "$id + 1, 'secret', 'Ann'"), 'ok', 'a partition itself');
	is(insert('copy', 'child', 'id, own, card', "$id, 'o', 'secret'"), 'ok', 'an inheritance child');
	is(insert('copy', 'swapped_last', 'id, name, card', "$id, 'secret', 'Ann'"),
		'cannot tell which column of table "swapped_last" is meant by "card" in its audit options', 'changes are refused if the column is not known');
	is(leaks('copy'), 0, 'no hidden value is in the log of the copy');
	# in the copy, options follow their columns as in the original
	$node->safe_psql('copy', q{ALTER TABLE plain RENAME card TO x; ALTER TABLE plain RENAME name TO card; ALTER TABLE plain RENAME x TO name;
		ALTER TABLE plain RENAME card TO x; ALTER TABLE plain RENAME name TO card; ALTER TABLE plain RENAME x TO name;}) if $round == 1;
}
$node->safe_psql('copy', q{ALTER TABLE plain RENAME card TO pan; ALTER TABLE swapped RENAME name TO x});
is(insert('copy', 'plain', 'id, name, pan', "30, 'Ann', 'secret'"), 'ok', 'renamed in the copy');
is(insert('copy', 'swapped', 'id, x, card', "30, 'secret', 'Ann'"), 'ok', 'renamed in the copy again');
$node->safe_psql('copy', 'ALTER TABLE plain DROP pan; ALTER TABLE plain ADD pan text');
is(insert('copy', 'plain', 'id, name, pan', "31, 'Ann', 'secret'"), 'hidden column "card" of audited table "plain" was dropped', 'dropped in the copy');
is(leaks('copy'), 0, 'no hidden value is in the log');
is( $node->safe_psql('copy', q{SELECT target, problem FROM cmig.audit_status() WHERE problem IS NOT NULL ORDER BY 1}),
	join("\n", 'public.plain|rows cannot be written until cmig.enable_audit is called to correct the column lists: card (dropped)',
		'public.swapped_last|rows cannot be written until cmig.enable_audit is called to correct the column lists: card (unknown)'),
	'audit_status reports both');
$node->safe_psql('copy', q{SELECT cmig.enable_audit('swapped_last', redact => '{name}'); SELECT cmig.enable_audit('plain', redact => '{pan}')});
is(insert('copy', 'swapped_last', 'id, name, card', "32, 'secret', 'Ann'"), 'ok', 'confirmed');
is(insert('copy', 'plain', 'id, name, pan', "32, 'Ann', 'secret'"), 'ok', 'confirmed');
is(leaks('copy'), 0, 'no hidden value is in the log');

# a copy of the copy, and a copy without the log's rows
command_ok([ 'pg_dump', '-f', "$dumps/second.sql", $node->connstr('copy') ], 'dump of the copy');
$node->safe_psql('postgres', 'CREATE DATABASE second');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$dumps/second.sql", $node->connstr('second') ], 'restored');
$node->safe_psql('second', q{INSERT INTO cmig.secret VALUES ('audit', 'another key')});
is(insert('second', 'plain', 'id, name, pan', "40, 'Ann', 'secret'"), 'ok', 'a copy of a copy');
is(insert('second', 'swapped', 'id, x, card', "40, 'secret', 'Ann'"), 'ok', 'a copy of a copy, with names of the copy');
is(insert('second', 'renamed', 'id, pan, pin, note', "40, 'secret', 'secret', 'secret'"), 'ok', 'a copy of a copy, with names of the original');
is(leaks('second'), 0, 'no hidden value is in the log');
copy('empty', '--schema-only');
is(insert('empty', 'plain', 'id, name, card, pin, note', "1, 'Ann', 'secret', 'secret', 'secret'"), 'ok', 'without the log: unchanged names');
like(insert('empty', 'swapped', 'id, name, card', "1, 'secret', 'Ann'"), qr/cannot tell which column/, 'without the log: changed names');
like(insert('empty', 'renamed', 'id, pan', "1, 'secret'"), qr/cannot tell which column/, 'without the log: dropped columns');
is(insert('empty', 'added', 'id, card, y', "1, 'secret', 'y'"), 'ok', 'without the log: added columns');
$node->safe_psql('empty', 'ALTER TABLE plain RENAME card TO pan');
is(insert('empty', 'plain', 'id, name, pan', "2, 'Ann', 'secret'"), 'ok', 'renames are followed from then on');
is(leaks('empty'), 0, 'no hidden value is in the log');

# a database copied by files has the column numbers of the original
$node->safe_psql('postgres', 'CREATE DATABASE template_copy TEMPLATE origin');
is(insert('template_copy', 'renamed', 'id, pan, pin, note', "50, 'secret', 'secret', 'secret'"), 'ok', 'CREATE DATABASE ... TEMPLATE');
is(leaks('template_copy'), 0, 'no hidden value is in the log');

# pg_upgrade keeps oids and column numbers, although the database is a new one
$CmigNode::copies = 0;
my $upgraded = new_node('audit_columns_upgraded');
my $bin = $node->config_data('--bindir');
$node->stop;
chdir PostgreSQL::Test::Utils::tempdir;
command_ok([ 'pg_upgrade', '-d', $node->data_dir, '-D', $upgraded->data_dir, '-b', $bin, '-B', $bin,
		'-s', $node->host, '-p', $node->port, '-P', $upgraded->port ], 'pg_upgrade');
$upgraded->start;
$node = $upgraded;
$node->safe_psql('origin', q{INSERT INTO cmig.secret VALUES ('audit', 'another key') ON CONFLICT DO NOTHING});
is(insert('origin', 'plain', 'id, name, card, pin, note', "60, 'Ann', 'secret', 'secret', 'secret'"), 'ok', 'pg_upgrade: columns with unchanged names');
is(insert('origin', 'renamed', 'id, pan, pin, note', "60, 'secret', 'secret', 'secret'"), 'ok', 'pg_upgrade: renamed columns');
is(insert('origin', 'swapped', 'id, name, card', "60, 'secret', 'Ann'"), 'ok', 'pg_upgrade: columns that exchanged their names');
is(insert('origin', 'parted', 'id, pan, name', "60, 'secret', 'Ann'"), 'ok', 'partitions');
is(insert('origin', 'child', 'id, own, card', "60, 'o', 'secret'"), 'ok', 'children');
like(insert('origin', 'swapped_last', 'id, name, card', "60, 'secret', 'Ann'"), qr/cannot tell which column/, 'changes are refused if the column is not known');
is(leaks('origin'), 0, 'no hidden value is in the log');

done_testing();
