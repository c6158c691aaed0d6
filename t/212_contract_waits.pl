# Copyright (c) 2026, the pg_cmig developers

# What a transaction has done that cmig.contract() waits for counts, whatever the isolation level
# of the session that contracts is.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('contract_waits');
my $db = 'd0';

sql('postgres', 'CREATE DATABASE original');
sql('original', q{CREATE EXTENSION pg_cmig;
	SELECT cmig.create_revision('a', 'CREATE TABLE t (id int PRIMARY KEY, a text)', revision => '1'); SELECT FROM cmig.upgrade();
	INSERT INTO t VALUES (1, '1');
	SELECT cmig.create_revision('b', 'ALTER TABLE t ALTER a TYPE int USING a::int;
-- cmig:down t.a = a::text',
		revision => '2', expand => true)});

# waits(LEVEL, SQL, ERROR): a transaction with these statements ends while the contraction waits for it
sub waits
{
	my ($level, $change, $error) = @_;
	my $name = "$level: " . substr($change, 0, 60);

	$db++;
	sql('postgres', "CREATE DATABASE $db TEMPLATE original");
	sql($db, 'CALL cmig.expand()');
	my $holder = $node->background_psql($db);
	$holder->query_safe("BEGIN; $change");
	my $run = start_psql($node, $db,
		"SET default_transaction_isolation = '$level'; SET deadlock_timeout = '1000s'; CALL cmig.contract()");
	wait_until_blocked($node);
	$holder->query_safe('COMMIT');
	$holder->quit;
	finish_psql($run);
	like($run->{err}, $error, $name);
	return;
}

foreach my $level ('read committed', 'repeatable read', 'serializable')
{
	waits($level, "INSERT INTO t VALUES (2, 'x')", qr/ERROR:  55000: 1 row of table public.t could not be transformed/);
	waits($level, "UPDATE t SET a = 'x'", qr/ERROR:  55000: 1 row of table public.t could not be transformed/);
	waits($level, "ALTER TABLE t DISABLE TRIGGER ALL; UPDATE t SET a = '5'", qr/ERROR:  55000: trigger "~cmig_write" of table public.t was/);
	waits($level, 'CREATE INDEX i ON t (a)', qr/ERROR:  55000: changes of columns .* would be lost/);
	waits($level, "COMMENT ON COLUMN t.a IS 'c'", qr/ERROR:  55000: changes of columns .* would be lost/);
	waits($level, 'CREATE VIEW v AS SELECT a FROM t', qr/ERROR:  2BP01: other objects depend on what the contraction/);
	waits($level, 'ALTER TABLE t ALTER a SET STATISTICS 77', qr/^(?!.*ERROR)/s);
	is(sql($db, q{SELECT attstattarget FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'}), 77, 'what was set is kept');
	waits($level, "INSERT INTO t VALUES (2, '2')", qr/^(?!.*ERROR)/s);
	is(sql($db, q{SELECT string_agg(a::text, ' ' ORDER BY id) FROM t}), '1 2', 'a row that was transformed');
}

done_testing();
