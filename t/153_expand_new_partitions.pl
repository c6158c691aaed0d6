# Copyright (c) 2026, the pg_cmig developers

# Tests partitions that come and go while a revision is expanded: those that are created
# before the indexes are built, dropped before theirs is attached, and detached and attached
# again; and children by inheritance.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('partitions');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE other');
my $db = 'd0';

# subject(CHANGE): a database with a partitioned table, and a revision
sub subject
{
	my ($change) = @_;

	$db++;
	new_database($node, $db);
	query($node, $db, "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT generate_series(1, 100);
		CREATE TABLE t (id int, k text, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
		CREATE TABLE t_a PARTITION OF t FOR VALUES IN ('a'); CREATE TABLE t_b PARTITION OF t FOR VALUES IN ('b');
		CREATE TABLE t_d PARTITION OF t FOR VALUES IN ('d');
		INSERT INTO t VALUES (1, 'a', '10'), (2, 'b', '20'), (3, 'd', '30');
		SELECT cmig.create_revision('c', \$\$$change\$\$, NULL, revision => '2', expand => true)");
}

my $valid = q{SELECT string_agg(concat_ws(' ', indexrelid::regclass, indrelid::regclass), ', ' ORDER BY indrelid::regclass::text) FROM pg_index
	WHERE NOT indisvalid OR indrelid IN (SELECT inhrelid FROM pg_inherits) AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)};
my $vk = q{SELECT string_agg(indrelid::regclass::text, ' ' ORDER BY indrelid::regclass::text) FROM pg_index
	WHERE indexrelid IN (SELECT relid FROM pg_partition_tree('t_vk'))};

# created after the plan, before the indexes are built
foreach my $keys (0, 1)
{
	subject('ALTER TABLE t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON t (v, k) WHERE v > 0; ALTER TABLE t ADD CONSTRAINT t_fk FOREIGN KEY (v) REFERENCES r'
		. ($keys ? '; ALTER TABLE t ALTER id TYPE bigint; ALTER TABLE t ADD CONSTRAINT t_vku UNIQUE (v, k); ALTER TABLE r ADD v int, ADD k text, ADD FOREIGN KEY (v, k) REFERENCES t (v, k)' : ''));
	my $open = $node->background_psql($db);
	$open->query_safe('BEGIN; SELECT FROM t WHERE id = 2 FOR UPDATE');
	my $run = start_psql($node, $db, q{CALL cmig.expand()});
	wait_until_blocked($node);
	# the columns of these are in another order
	$open->query_safe(q{CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e'); ALTER TABLE t_e OWNER TO other;
		CREATE TABLE t_f (LIKE t INCLUDING DEFAULTS) PARTITION BY RANGE (k);
		CREATE TABLE t_f1 PARTITION OF t_f FOR VALUES FROM ('f') TO ('fa');
		CREATE TABLE t_f2 (gone int, LIKE t INCLUDING DEFAULTS); ALTER TABLE t_f2 DROP gone;
		ALTER TABLE t_f ATTACH PARTITION t_f2 FOR VALUES FROM ('fa') TO ('g'); ALTER TABLE t ATTACH PARTITION t_f FOR VALUES IN ('f', 'fb');
		INSERT INTO t VALUES (1, 'e', '50'), (2, 'e', '51'), (1, 'f', '50'), (2, 'fb', '51')});
	$open->query_safe('COMMIT');
	$open->quit;
	is(finish_psql($run), 0, "new partitions, keys $keys: expanded") or diag($run->{err});
	is(query($node, $db, $valid), '', 'the indexes are valid, and attached');
	fails_with($node, $db, "INSERT INTO t VALUES (3, 'e', '50')", '23505', 'duplicate key', 'a duplicate in a new partition is refused');
	fails_with($node, $db, "INSERT INTO t VALUES (3, 'f', '5000')", '23503|23514', '', 'so is a row without one in the referenced table');
	query($node, $db, "CALL cmig.expand('2')") if $keys == 0;
	query($node, $db, 'CALL cmig.contract()');
	is(query($node, $db, $valid), '', 'contracted: the indexes are valid, and attached');
	is(query($node, $db, $vk), 't t_a t_b t_d t_e t_f t_f1 t_f2', 'each partition has one');
	query($node, $db, "INSERT INTO t (id, k, v) VALUES (9, 'a', 10) ON CONFLICT (v, k) WHERE v > 0 DO NOTHING");
	is(query($node, $db, q{SELECT string_agg(concat_ws(' ', k, v), ', ' ORDER BY k, v) FROM t}), 'a 10, b 20, d 30, e 50, e 51, f 50, fb 51', 'rows are as written');
	is(query($node, $db, "SELECT count(*) FROM pg_class WHERE relname LIKE '%cmig%' AND relnamespace = 'public'::regnamespace"), '0', 'no name remains');
}

# dropped before its index is attached
subject('ALTER TABLE t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON t (v, k)');
query($node, $db, "INSERT INTO t VALUES (4, 'd', '30')");
fails_with($node, $db, 'CALL cmig.expand()', '23505', 'could not create unique index', 'a duplicate');
query($node, $db, 'DROP TABLE t_d');
query($node, $db, 'CALL cmig.expand()');
is(query($node, $db, $valid), '', 'after DROP TABLE: the index is valid');
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, $vk), 't t_a t_b', 'after DROP TABLE: contracted');

# dropped later; another table has an index with the name
subject('ALTER TABLE t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON t (v, k)');
query($node, $db, 'CALL cmig.expand()');
query($node, $db, 'DROP TABLE t_d; CREATE INDEX cmig_new_t_d_v_k_idx ON r (id)');
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, $vk), 't t_a t_b', 'an index of another table has the name: contracted');
is(query($node, $db, q{SELECT to_regclass('cmig_new_t_d_v_k_idx'), to_regclass('t_a_v_k_idx')}), 'cmig_new_t_d_v_k_idx|t_a_v_k_idx', 'that one keeps it');

# dropped, or exchanged, and created again
subject('ALTER TABLE t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON t (v, k)');
query($node, $db, "COMMENT ON COLUMN t.v IS 'the value'; ALTER TABLE t ALTER v SET (n_distinct = 7); CALL cmig.expand()");
query($node, $db, q{DROP TABLE t_d; CREATE TABLE t_d PARTITION OF t FOR VALUES IN ('d'); INSERT INTO t VALUES (3, 'd', '30');
	CREATE TABLE t_e (LIKE t INCLUDING DEFAULTS INCLUDING COMMENTS); ALTER TABLE t ATTACH PARTITION t_e FOR VALUES IN ('e'); CALL cmig.expand('2')});
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, $valid), '', 'a partition that was created again: contracted');
is(query($node, $db, $vk), 't t_a t_b t_d t_e', 'each partition has an index');

# an index of a partition that has no partitions any more, and belongs to another role
$db++;
$node->safe_psql('postgres', "CREATE DATABASE $db; CREATE ROLE own; GRANT CREATE ON DATABASE $db TO own");
query($node, $db, q{CREATE EXTENSION pg_cmig; CREATE SCHEMA s AUTHORIZATION own; SELECT FROM cmig.grant_access('own', 'migrator'); SELECT FROM cmig.grant_access('own', 'author'); SET ROLE own;
	CREATE TABLE s.t (id int, k text, v text) PARTITION BY LIST (k); CREATE TABLE s.t_a PARTITION OF s.t FOR VALUES IN ('a'); INSERT INTO s.t VALUES (1, 'a', '10'), (2, 'a', '10');
	CREATE TABLE s.t_f PARTITION OF s.t FOR VALUES IN ('f') PARTITION BY LIST (k); CREATE TABLE s.t_f1 PARTITION OF s.t_f DEFAULT;
	SELECT cmig.create_revision('c', 'ALTER TABLE s.t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON s.t (v, k)', NULL, revision => '2', expand => true)});
fails_with($node, $db, 'SET ROLE own; CALL cmig.expand()', '23505', 'could not create unique index', 'a duplicate');
query($node, $db, 'ALTER TABLE s.t_f OWNER TO other; CREATE UNIQUE INDEX cmig_new_t_f_v_k_idx ON ONLY s.t_f (cmig_new_v, k);
	ALTER INDEX s.cmig_new_t_vk ATTACH PARTITION s.cmig_new_t_f_v_k_idx; DROP TABLE s.t_f1; DELETE FROM s.t WHERE id = 2');
fails_with($node, $db, 'SET ROLE own; CALL cmig.expand()', '42501', 'must be owner of table t_f', 'it is not said to be valid');
query($node, $db, 'GRANT other TO own; SET ROLE own; CALL cmig.expand()');
is(query($node, $db, q{SELECT bool_and(indisvalid) FROM pg_index}), 't', 'unless the role has the privileges of its owner');

# an index of a partition that cannot be used
subject('ALTER TABLE t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON t (v, k)');
query($node, $db, 'CALL cmig.expand()');
query($node, $db, q{UPDATE pg_index SET indisvalid = false WHERE indrelid IN ('t'::regclass, 't_a'::regclass) AND indexrelid::regclass::text ~ 'v_?k'});
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'index public\.cmig_new_t_a\w* of table public\.t_a is not valid.*REINDEX INDEX CONCURRENTLY public\.cmig_new_t_a', 'an invalid index: refused');
query($node, $db, query($node, $db, q{SELECT 'REINDEX INDEX CONCURRENTLY ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid AND indrelid = 't_a'::regclass}));
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, $valid), '', 'after REINDEX: contracted');

# detached, updated, and attached again
subject('ALTER TABLE t ALTER v TYPE int USING v::int');
query($node, $db, 'CALL cmig.expand()');
query($node, $db, q{ALTER TABLE t DETACH PARTITION t_b; UPDATE t_b SET v = '2000' WHERE id = 2; INSERT INTO t_b (id, k, v) VALUES (5, 'b', '40');
	ALTER TABLE t ATTACH PARTITION t_b FOR VALUES IN ('b')});
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'partition public\.t_b was attached while revision "2" is expanded.*creates its triggers again', 'attached again: refused');
query($node, $db, "CALL cmig.expand('2')");
query($node, $db, "UPDATE t_b SET cmig_state = 'old' WHERE id = 2");
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, q{SELECT string_agg(v::text, ' ' ORDER BY v) FROM t WHERE k = 'b'}), '40 2000', 'what the hint says keeps the rows');

# also a table that is created in the transaction, unless it is created as a partition
subject('ALTER TABLE t ALTER v TYPE int USING v::int');
query($node, $db, 'CALL cmig.expand()');
query($node, $db, q{BEGIN; CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e') PARTITION BY LIST (k); CREATE TABLE t_e1 PARTITION OF t_e DEFAULT; COMMIT;
	INSERT INTO t VALUES (1, 'e', '60')});
query($node, $db, q{BEGIN; CREATE TABLE t_g (LIKE t INCLUDING DEFAULTS); INSERT INTO t_g SELECT id, 'g', v, cmig_state, cmig_new_v FROM t_d; UPDATE t_g SET v = '70';
	ALTER TABLE t ATTACH PARTITION t_g FOR VALUES IN ('g'); COMMIT});
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'partition public\\.t_g was attached while revision "2" is expanded', 'attached in the same transaction: refused');
query($node, $db, "CALL cmig.expand('2'); UPDATE t_g SET cmig_state = 'old'");
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, q{SELECT string_agg(v::text, ' ' ORDER BY v) FROM t WHERE k > 'd'}), '60 70', 'what the hint says keeps the rows');

# a trigger that was disabled in the transaction that created the partition
subject('ALTER TABLE t ALTER v TYPE int USING v::int');
query($node, $db, 'CALL cmig.expand()');
query($node, $db, q{BEGIN; CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e'); ALTER TABLE t_e DISABLE TRIGGER ALL; INSERT INTO t_e SELECT id, 'e', v, cmig_state, cmig_new_v FROM t_d;
	UPDATE t_e SET v = '2000'; ALTER TABLE t_e ENABLE ALWAYS TRIGGER "~cmig_write", ENABLE ALWAYS TRIGGER "!cmig_begin"; COMMIT});
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'trigger "~cmig_write" of table public\.t_e was dropped, disabled, or altered', 'disabled in the transaction that creates the partition: refused');
query($node, $db, "CALL cmig.expand('2'); UPDATE t_e SET cmig_state = 'old'");
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, q{SELECT string_agg(v::text, ' ' ORDER BY v) FROM t WHERE k = 'e'}), '2000', 'what the hint says keeps the rows');

# what is rolled back overwrites the command identifiers of the catalogs' rows
foreach my $case (
	[ q{BEGIN; CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e'); ALTER TABLE t_e DISABLE TRIGGER ALL; INSERT INTO t_e SELECT id, 'e', v, cmig_state, cmig_new_v FROM t_d; UPDATE t_e SET v = '2000';
		ALTER TABLE t_e ENABLE ALWAYS TRIGGER "~cmig_write", ENABLE ALWAYS TRIGGER "!cmig_begin"; COMMIT}, 'ALTER TABLE t_e DISABLE TRIGGER ALL', 'dropped, disabled, or altered' ],
	[ q{BEGIN; CREATE TABLE t_e (LIKE t INCLUDING DEFAULTS); INSERT INTO t_e SELECT id, 'e', v, cmig_state, cmig_new_v FROM t_d; UPDATE t_e SET v = '2000'; ALTER TABLE t ATTACH PARTITION t_e FOR VALUES IN ('e'); COMMIT},
		'ALTER TABLE t_e ALTER k SET STATISTICS 10', 'was attached' ],
	[ q{CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e'); INSERT INTO t SELECT id, 'e', '2000' FROM t_d},
		'SAVEPOINT a; CREATE TABLE x (); DROP TABLE x; CREATE TABLE x (); DROP TABLE x; ALTER TABLE t_e DISABLE TRIGGER ALL; ALTER TABLE t_e ALTER k SET STATISTICS 10', undef ])
{
	my ($made, $rolled_back, $error) = @$case;

	subject('ALTER TABLE t ALTER v TYPE int USING v::int');
	query($node, $db, 'CALL cmig.expand()');
	query($node, $db, $made);
	query($node, $db, "BEGIN; $rolled_back; ROLLBACK");
	fails_with($node, $db, 'CALL cmig.contract()', '55000', $error, "$rolled_back, rolled back: refused") if $error;
	query($node, $db, "CALL cmig.expand('2'); UPDATE t_e SET cmig_state = 'old'") if $error;
	query($node, $db, 'CALL cmig.contract()');
	is(query($node, $db, q{SELECT string_agg(v::text, ' ' ORDER BY v) FROM t WHERE k = 'e'}), '2000', "$rolled_back, rolled back: no row is lost");
}

# a child
$db++;
$node->safe_psql('postgres', "CREATE DATABASE $db");
query($node, $db, q{CREATE EXTENSION pg_cmig; CREATE TABLE p (id int, v text); SELECT cmig.create_revision('c', 'ALTER TABLE p ALTER v TYPE int USING v::int', NULL, revision => '2', expand => true)});
query($node, $db, 'CALL cmig.expand()');
query($node, $db, q{CREATE TABLE child () INHERITS (p); INSERT INTO child VALUES (1, '1')});
fails_with($node, $db, $_, '55000', 'table public\.child inherits from table public\.p, which.*ALTER TABLE public\.child NO INHERIT public\.p', "a child: $_") foreach 'CALL cmig.contract()', q{CALL cmig.expand('2')};
query($node, $db, 'ALTER TABLE child NO INHERIT p');
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, q{SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'p'::regclass AND attname = 'v'}), 'integer', 'without it: contracted');

# what a partition has of its own
foreach my $case (
	[ q{CREATE TABLE t_e PARTITION OF t (v DEFAULT '7') FOR VALUES IN ('e')}, 'ALTER TABLE t_e ALTER v DROP DEFAULT', 'column v of table public\\.t_e was changed \(default\)' ],
	[ q{CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e'); ALTER TABLE t_e ALTER v SET NOT NULL}, 'DROP TABLE t_e', 'column v of table public\\.t_e was changed \(NOT NULL\)' ],
	[ q{CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e'); COMMENT ON COLUMN t_e.v IS 'x'}, 'COMMENT ON COLUMN t_e.v IS NULL', 'column v of table public\\.t_e was changed \(comment\)' ],
	[ q{CREATE TABLE t_e PARTITION OF t FOR VALUES IN ('e'); GRANT SELECT (v) ON t_e TO other}, 'REVOKE SELECT (v) ON t_e FROM other', 'column v of table public\\.t_e was changed \(privileges\)' ],
	[ 'GRANT SELECT (v) ON t_b TO other', 'REVOKE SELECT (v) ON t_b FROM other', 'column v of table public\\.t_b \(options, privileges\) was changed \(privileges\)' ],
	[ 'REVOKE SELECT (v) ON t_a FROM other', 'GRANT SELECT (v) ON t_a TO other', 'column v of table public\\.t_a \(options, privileges\) was changed' ],
	[ 'ALTER TABLE t_a ALTER v SET (n_distinct = 5)', 'ALTER TABLE t_a ALTER v RESET (n_distinct)', 'column v of table public\\.t_a \(options, privileges\) was changed \(options\)' ],
	[ 'ALTER TABLE t_a ALTER v SET STATISTICS 7', 'ALTER TABLE t_a ALTER v SET STATISTICS -1', 'column v of table public\\.t_a \(options, privileges\) was changed \(statistics target\)' ])
{
	my ($change, $undo, $message) = @$case;

	if ($change =~ /DEFAULT/)
	{
		subject('ALTER TABLE t ALTER v TYPE varchar(9)');
		query($node, $db, 'GRANT SELECT (v) ON t_a TO other; CREATE TABLE t_f PARTITION OF t FOR VALUES IN ($$f$$); CALL cmig.expand()');
	}
	query($node, $db, $change);
	like(query($node, $db, q{SELECT string_agg(object, ',') FROM cmig.check() WHERE problem LIKE '%the contraction would lose that'}), qr{^@{[ $message =~ s/ was changed.*//r ]}$}, "$change: reported");
	fails_with($node, $db, 'CALL cmig.contract()', '55000', $message, "$change: refused");
	my (undef, undef, $error) = $node->psql($db, 'CALL cmig.contract()');
	my ($hint) = $error =~ /HINT:  (ALTER|COMMENT|REVOKE)(.*); CALL cmig\.contract/ ? "$1$2" : undef;
	is(defined $hint, $change !~ /^REVOKE/, "$change: the hint has a statement that undoes it, unless privileges were revoked");
	query($node, $db, $hint // $undo);
	is(query($node, $db, q{SELECT count(*) FROM cmig.check() WHERE problem LIKE '%the contraction would lose that'}), '0', "$change: undone");
	query($node, $db, 'DROP TABLE IF EXISTS t_e');
}
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, q{SELECT attacl FROM pg_attribute WHERE attrelid = 't_a'::regclass AND attname = 'v'}), '{other=r/postgres}', 'privileges of a partition are as before');

# a partition that is being detached, a foreign table, and one of another role
subject('ALTER TABLE t ALTER v TYPE int USING v::int');
query($node, $db, q{ALTER TABLE t DROP CONSTRAINT t_pkey; UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 't_b'::regclass});
my $detaching = 'partition public\.t_b is being detached from table public\.t.*ALTER TABLE public\.t DETACH PARTITION public\.t_b FINALIZE';
fails_with($node, $db, 'CALL cmig.expand()', '55000', $detaching, 'being detached: not expanded');
query($node, $db, q{UPDATE pg_inherits SET inhdetachpending = false});
query($node, $db, 'CALL cmig.expand()');
query($node, $db, q{UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 't_b'::regclass});
fails_with($node, $db, 'CALL cmig.contract()', '55000', $detaching, 'being detached: not contracted');
query($node, $db, q{INSERT INTO t_b (id, k, v) VALUES (6, 'b', '60'); UPDATE t_b SET v = '61' WHERE id = 6; INSERT INTO public_2.t (id, k, v) VALUES (7, 'a', 70)});
is(query($node, $db, q{SELECT string_agg(concat_ws(' ', id, v, cmig_new_v), ', ' ORDER BY id) FROM (SELECT id, v, cmig_new_v FROM t_b UNION SELECT id, v, cmig_new_v FROM t) t WHERE id > 5}), '6 61 61, 7 70 70', 'it is written meanwhile');
query($node, $db, q{UPDATE pg_inherits SET inhdetachpending = false; CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER "~z" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION late(); UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 't_b'::regclass});
fails_with($node, $db, q{INSERT INTO t_b (id, k, v) VALUES (8, 'b', '80')}, '55000', 'trigger "~z".*of expanded table "t_b" fires', 'also if a trigger has a name that is refused');
query($node, $db, q{UPDATE pg_inherits SET inhdetachpending = false; DROP TRIGGER "~z" ON t; DELETE FROM t WHERE id > 5});
query($node, $db, q{CREATE TABLE t_c PARTITION OF t FOR VALUES IN ('c') PARTITION BY RANGE (id); CREATE TABLE t_c1 PARTITION OF t_c DEFAULT; ALTER TABLE t_c ALTER v SET DEFAULT '8'});
is(query($node, $db, q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t; UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 't_c'::regclass;
	INSERT INTO public_2.t (id, k, v) VALUES (9, 'c', 90); SELECT concat_ws(' ', v, cmig_new_v) FROM t_c1; ROLLBACK}) =~ s/^\n+//r, '90 90', 'a transaction that began before writes it through the view');
query($node, $db, 'DROP TABLE t_c');
query($node, $db, q{CREATE FOREIGN DATA WRAPPER none; CREATE SERVER none FOREIGN DATA WRAPPER none; CREATE FOREIGN TABLE t_e PARTITION OF t FOR VALUES IN ('e') SERVER none});
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'rows of partition public\.t_e may not be transformed.*is a foreign table', 'a foreign table: not contracted');
query($node, $db, 'DROP FOREIGN TABLE t_e');
query($node, $db, 'CALL cmig.contract()');
subject('ALTER TABLE t ALTER v TYPE int USING v::int');
query($node, $db, q{ALTER TABLE t OWNER TO other; ALTER TABLE t_a OWNER TO other; ALTER SCHEMA public OWNER TO other; ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC; SELECT cmig.grant_access('other', 'migrator'); GRANT CREATE ON DATABASE } . "$db TO other");
fails_with($node, $db, 'SET ROLE other; CALL cmig.expand()', '0A000', 'table public\.t_b cannot be expanded.*It belongs to role postgres', 'a partition of another role: not expanded');

done_testing();
