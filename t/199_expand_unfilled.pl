# Copyright (c) 2026, the pg_cmig developers

# Random statements of the old build write a table before and after the backfill of its
# expansion, also rows with all columns of the table, copies of it, and rows that move to other
# partitions.  Each must leave the same rows in a database where the table is not expanded, and
# a contraction there the same ones as an upgrade here.
#
# CMIG_STATEMENTS is the number of statements in each of CMIG_ROUNDS, and CMIG_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Test::More;

my $statements = $ENV{CMIG_STATEMENTS} || 80;
my $rounds = $ENV{CMIG_ROUNDS} || 6;
my $seed = $ENV{CMIG_SEED} // 20261130;
srand($seed);
note("CMIG_SEED=$seed");

my $node = expand_node('expand_unfilled', "timezone = 'UTC'");
my $copied = PostgreSQL::Test::Utils::tempdir() . '/copied';

sub pick { return $_[ int rand @_ ] }
sub upto { return 1 + int rand $_[0] }
sub value { return upto(9) }
sub text { return pick('NULL', q{'v'}, q{'a'}, q{''}, q{'b c'}) }
sub rows { return pick('id = ' . upto(40), 'id % ' . upto(5) . ' = 0 AND id > 0', 'k = ' . upto(4) . ' AND id > 0', 'n = ' . value() . ' AND id > 0') }

my @statements = (
	sub {
		my %given = (k => upto(4), n => value(), v => text(), d => upto(5));
		my @columns = grep { rand() < 0.6 } sort keys %given;

		return 'INSERT INTO t (' . join(', ', 'id', @columns) . ') VALUES (' . join(', ', upto(60), @given{@columns}) . ') ON CONFLICT '
		  . pick('DO NOTHING', '(id, k) DO UPDATE SET n = EXCLUDED.n', '(id, k) DO UPDATE SET v = EXCLUDED.v, d = EXCLUDED.d');
	},
	(sub { return 'UPDATE t SET ' . join(', ', (shuffle('n = ' . value(), 'v = ' . text(), 'd = ' . upto(5)))[ 0 .. int rand 3 ]) . ' WHERE ' . rows() }) x 2,
	sub { return 'UPDATE t SET k = ' . upto(4) . pick('', ', n = 3', q{, v = 'moved'}) . ' WHERE id = ' . upto(40) },
	sub { return 'WITH d AS (DELETE FROM t WHERE ' . rows() . ' RETURNING *) INSERT INTO t SELECT * FROM d' },
	sub {
		return 'DO $$DECLARE r t; BEGIN FOR r IN SELECT * FROM t WHERE ' . rows() . ' ORDER BY id, k LOOP DELETE FROM t WHERE id = r.id AND k = r.k; r.'
		  . pick('n := ' . value(), 'v := ' . text(), 'd := ' . upto(5), 'n := r.n') . '; INSERT INTO t VALUES (r.*); END LOOP; END$$';
	},
	sub { my $saved = 'saved' . upto(2); return "DROP TABLE IF EXISTS $saved; CREATE TABLE $saved AS SELECT * FROM t WHERE id > 0" },
	sub {
		my $saved = 'saved' . upto(2);

		return "DO \$\$BEGIN IF to_regclass('$saved') IS NOT NULL THEN DELETE FROM t WHERE id > 0; INSERT INTO t TABLE $saved; UPDATE t SET d = NULL WHERE d NOT IN (SELECT p FROM parent); END IF; END\$\$";
	},
	sub { return 'MERGE INTO t USING (SELECT ' . upto(40) . ' AS id, ' . upto(4) . ' AS k) s ON t.id = s.id AND t.k = s.k WHEN MATCHED THEN UPDATE SET n = ' . value() . ' WHEN NOT MATCHED THEN INSERT (id, k, v) VALUES (s.id, s.k, ' . text() . ')' },
	sub { return 'UPDATE parent SET p = p + 10 WHERE p = ' . upto(3) . '; UPDATE parent SET p = p - 10 WHERE p > 10' },
	sub { return 'INSERT INTO t SELECT * FROM t x WHERE ' . rows() . ' ON CONFLICT (id, k) DO UPDATE SET n = EXCLUDED.n % 9 + 1' },
	sub { return 'DELETE FROM t WHERE id = ' . upto(40) },
	sub { return 'DO $$BEGIN UPDATE t SET n = ' . value() . ' WHERE ' . rows() . '; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END$$' },
	sub { return 'COPY (SELECT id + 100, k, n, v FROM t WHERE id = ' . upto(20) . ") TO '$copied'; COPY t (id, k, n, v) FROM '$copied'" },
	sub {
		return 'SET session_replication_role = replica; UPDATE t SET n = ' . value() . ' WHERE id = ' . upto(40) . '; INSERT INTO t (id, k, n) VALUES (' . join(', ', 40 + upto(20), upto(4), value()) . ') ON CONFLICT DO NOTHING; RESET session_replication_role';
	});

my @partitions = ('', 'PARTITION BY HASH (k); CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t2 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)',
	'PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 (d int, w text, v text, n int NOT NULL, k int NOT NULL, id int NOT NULL); ALTER TABLE t2 DROP COLUMN w; ALTER TABLE t ATTACH PARTITION t2 FOR VALUES IN (2); CREATE TABLE t3 PARTITION OF t DEFAULT');
my $trigger = q{CREATE TRIGGER f BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()};

sub contents { return q{SELECT concat_ws(' ', } . join(', ', map { "coalesce($_\::text, 'null')" } @_) . ') FROM t WHERE id > 0 ORDER BY id, k' }

# both(): runs the statements in both databases, and compares what each leaves
sub both
{
	my ($what, @sql) = @_;
	my $script = "SET client_min_messages = error;\n" . join '', map { "\\echo ;$_\n" . "$sql[$_];\n\\echo :SQLSTATE\n" . contents(qw(id k n v d)) . ";\n" } 0 .. $#sql;
	my @left = map { [ split /^;\d+\n/m, ($node->psql($_, $script, on_error_stop => 0))[1] ] } qw(expanded plain);

	foreach my $n (0 .. $#sql)
	{
		next if $left[0][ $n + 1 ] eq $left[1][ $n + 1 ];
		fail("$what: statement $n");
		diag("$sql[$n]\nexpanded:\n$left[0][$n + 1]\nplain:\n$left[1][$n + 1]");
		return;
	}
	pass("$what: each statement leaves the same rows");
}

foreach my $round (0 .. $rounds - 1)
{
	my $by = $partitions[ $round % 3 ];
	my $triggers = $round % 2;
	my @sql = map { pick(@statements)->() } 1 .. $statements;
	my $what = join ' ', "round $round", $by =~ /^(\w+ \w+ \w+)/, $triggers ? 'triggers' : ();

	foreach my $database (qw(expanded plain))
	{
		sql('postgres', "DROP DATABASE IF EXISTS $database");
		new_database($node, $database);
		sql($database, qq{CREATE TABLE parent (p int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 5);
			CREATE TABLE t (id int, k int DEFAULT 1, n int NOT NULL DEFAULT 1, v text DEFAULT 'v', d int DEFAULT 2 REFERENCES parent ON UPDATE CASCADE, PRIMARY KEY (id, k)) $by;
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN
				IF NEW.n = 7 THEN NEW.n := 8; END IF;
				IF TG_OP = 'UPDATE' AND NEW.n = 9 THEN NEW.v := OLD.v; END IF;
				IF NEW.id % 5 = 4 THEN NEW.v := concat(left(NEW.v, 3), TG_OP); END IF;
				RETURN NEW;
			END\$\$;
			INSERT INTO t SELECT i, i % 4, 1 + i % 9, 'v' || i, 1 + i % 5 FROM generate_series(1, 30) i;
			INSERT INTO t (id, k) SELECT i, i % 4 FROM generate_series(31, 40) i; INSERT INTO t VALUES (-1, 1, 100, 'x', NULL)});
		sql($database, $trigger) if $triggers;
		sql($database, q{SELECT cmig.create_revision('c', $c$ALTER TABLE t ALTER n TYPE bigint USING 1000 / (n - 100);
-- cmig:down t.n = n
ALTER TABLE t ALTER v TYPE varchar(90) USING coalesce(v, 'none') || n;
-- cmig:down t.v = v
ALTER TABLE t ADD z int;
-- cmig:up t.z = n * 2 + k
ALTER TABLE t DROP d;
-- cmig:down t.d = NULL$c$, NULL, revision => '1', expand => 'strict')});
	}
	like(tried('expanded', 'CALL cmig.expand()'), qr/ERROR:  division by zero/, "$what: a row that cannot be transformed");
	both("$what, before the backfill", splice @sql, 0, $statements / 2);
	sql($_, 'DELETE FROM t WHERE id < 0') foreach qw(expanded plain);
	sql('expanded', 'CALL cmig.expand()');
	both("$what, after it", @sql);
	if ($round % 4 == 3)
	{
		sql('expanded', 'CALL cmig.abandon()');
		is(sql('expanded', 'TABLE t ORDER BY id, k'), sql('plain', 'TABLE t ORDER BY id, k'), "$what: abandoned, the table is as the other one");
		next;
	}
	sql('expanded', 'CALL cmig.contract()');
	# the statements that the upgrade makes of the lines "-- cmig:up" fire the user's triggers
	sql('plain', ($triggers ? 'ALTER TABLE t DISABLE TRIGGER f; ' : '') . q{SELECT FROM cmig.upgrade('head')});
	is(sql('expanded', contents(qw(id k n v z))), sql('plain', contents(qw(id k n v z))), "$what: contracted, the rows are as after an upgrade");
}

done_testing();
