# Copyright (c) 2026, the pg_cmig developers

# Tests that auditing does not make the peak memory of a session grow with the number
# of rows that a statement changes, or with the number of statements and transactions.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

plan skip_all => 'the most memory a process took is read from /proc' unless -r '/proc/self/status';

my $node = new_node('memory', "shared_buffers = '16MB'", "work_mem = '1MB'", 'jit = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE TABLE plain (id integer PRIMARY KEY, v integer, t text, a integer[]);
CREATE TABLE s (LIKE plain INCLUDING ALL);
CREATE TABLE c (LIKE plain INCLUDING ALL);
CREATE TABLE r (LIKE plain INCLUDING ALL);
SELECT cmig.enable_audit('s');
SELECT cmig.enable_audit('c', image => 'changes');
SELECT cmig.enable_audit('r', level => 'row');
});

# Returns the maximum memory of the session, in kB, after statements that change the
# given numbers of rows.
sub peak
{
	my ($table, $rows) = @_;
	return $node->safe_psql('postgres', qq{
INSERT INTO $table SELECT i, 0, 'text ' || i, ARRAY[i, i] FROM generate_series(1, $rows) i;
UPDATE $table SET v = v + 1;
DELETE FROM $table;
SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\\s+(\\d+)'))[1];
});
}
my %few = map { $_ => peak($_, 5000) } qw(plain s c r);
my %many = map { $_ => peak($_, 150000) } qw(plain s c r);
# The server stores a record of each row for which a trigger is going to fire, and 16 MB
# are shared buffers.
my %allowed = (s => 6 * 1024, c => 6 * 1024, r => 6 * 1024 + 150000 * 3 * 32 / 1024);
for my $table (qw(s c r))
{
	my $more = ($many{$table} - $few{$table}) - ($many{plain} - $few{plain});
	cmp_ok($more, '<', $allowed{$table}, "$table: statements with many rows take no more memory");
	note "$table: $few{$table} kB, with thirty times as many rows $many{$table} kB; not audited $few{plain} kB, $many{plain} kB";
}

# many small transactions, whose statements change few rows
$node->safe_psql('postgres', q{INSERT INTO s SELECT i, 0 FROM generate_series(1, 10) i; INSERT INTO r SELECT i, 0 FROM generate_series(1, 10) i});
my ($first, $last) = split /\n/, $node->safe_psql('postgres', q{
CREATE FUNCTION held() RETURNS bigint LANGUAGE sql AS 'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
CREATE PROCEDURE small(n integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		UPDATE s SET v = v + 1 WHERE id = i % 10;
		UPDATE r SET v = v + 1 WHERE id = i % 10;
		IF i % 3 = 0 THEN COMMIT; ELSIF i % 50 = 1 THEN ROLLBACK; END IF;
	END LOOP;
END $$;
CALL small(1000);
SELECT held();
CALL small(5000);
SELECT held();
});
cmp_ok($last - $first, '<', 200 * 1024, 'many transactions take no more memory');
# one transaction with many statements: the order of the last 65,536 entries is kept in
# memory
($first, $last) = split /\n/, $node->safe_psql('postgres', q{
CREATE FUNCTION held_by_us() RETURNS bigint LANGUAGE sql AS $$SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts WHERE name = 'TopMemoryContext' OR name LIKE 'pg_cmig%'$$;
BEGIN;
DO 'BEGIN FOR i IN 1 .. 100 LOOP INSERT INTO r VALUES (1000 + i, 0); END LOOP; END';
SELECT held_by_us();
DO 'BEGIN FOR i IN 1 .. 100000 LOOP INSERT INTO r VALUES (1000000 + i, 0); END LOOP; END';
SELECT held_by_us();
COMMIT;
});
cmp_ok($last - $first, '<', 1536 * 1024, 'many statements of one transaction take no more memory, except for a bounded list');
is($node->safe_psql('postgres', q{SELECT count(*), bool_and(seq = id) FROM cmig_audit.log WHERE table_name = 'r' AND (row_key->>'id')::integer > 1000000}),
	'100000|t', 'all statements are logged in order');
$node->stop;
done_testing();
