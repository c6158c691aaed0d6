# Copyright (c) 2026, the pg_cmig developers

# Tests that a contraction records only the revisions that were expanded, whatever somebody
# who may write the version rows has made of them meanwhile, and rows of statements that
# insert all columns of a table, with the hidden ones, and update it, or whose triggers set columns.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_rows');
my $db = 'd0';

sql('postgres', 'CREATE ROLE mig');

# subject(): a database with an expanded revision, the third one
sub subject
{
	$db++;
	new_database($node, $db);
	sql($db, q{SELECT cmig.grant_access('mig', 'migrator'); SELECT cmig.create_revision('a', 'CREATE TABLE t (id int PRIMARY KEY, v int)', NULL, revision => '1'),
		cmig.create_revision('b', 'CREATE TABLE u ()', NULL, revision => '2'); SELECT FROM cmig.upgrade(); SELECT
		cmig.create_revision('c', 'ALTER TABLE t ALTER v TYPE bigint', NULL, revision => '3', expand => true); INSERT INTO t VALUES (1, 2)});
	sql($db, 'CALL cmig.expand()');
}
my $records = q{SELECT string_agg(concat(direction, ' ', revision), ', ' ORDER BY id) FROM cmig.journal WHERE direction <> 'expand'};

foreach my $case (
	[ q{UPDATE cmig.version SET revision = '1'}, '"2", "3"', q{UPDATE cmig.version SET revision = '2'} ],
	[ 'DELETE FROM cmig.version', '"1", "2", "3"', q{INSERT INTO cmig.version VALUES ('2')} ],
	[ q{UPDATE cmig.version SET revision = '3'}, 'none', q{UPDATE cmig.version SET revision = '2'} ])
{
	my ($change, $pending, $back) = @$case;

	subject();
	sql($db, "SET ROLE mig; $change");
	my $out = tried($db, '\set VERBOSITY verbose' . "\nCALL cmig.contract()");
	like($out, qr/ERROR:  55000: the expansion of revision "3" does not have the revisions that are pending\nDETAIL:  .* Now pending: \Q$pending\E\./, "refused after $change");
	is(sql($db, $records), 'upgrade 1, upgrade 2', 'nothing is recorded');
	is(sql($db, 'SELECT state FROM cmig.expansion_run'), 'expanded', 'and nothing has begun');
	sql($db, $back);
	sql($db, 'CALL cmig.contract()');
	is(sql($db, "$records; SELECT * FROM cmig.version"), "upgrade 1, upgrade 2, upgrade 3\n3", 'with the rows that were there, it is contracted');
}

# the other way that the hint names
subject();
sql($db, 'DELETE FROM cmig.version');
sql($db, 'CALL cmig.abandon()');
sql($db, q{SELECT cmig.stamp('2')});
sql($db, 'CALL cmig.expand()');
sql($db, 'CALL cmig.contract()');
is(sql($db, "$records; SELECT * FROM t"), "upgrade 1, upgrade 2, abandon 3, stamp 1, stamp 2, upgrade 3\n1|2", 'or it is abandoned, and expanded again');

# A statement of the old build that inserts whole rows, of the table itself, and updates
# those that are there, has updated the old version.
$db = 'whole';
new_database($node, $db);
sql($db, q{CREATE TABLE p (id int PRIMARY KEY, n int, v text); CREATE TABLE q (id int, n int, v text, k int DEFAULT 0, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE q0 PARTITION OF q FOR VALUES IN (0);
	INSERT INTO p SELECT g, g FROM generate_series(1, 5) g; INSERT INTO q SELECT g, g FROM generate_series(1, 5) g});
sql($db, q{SELECT cmig.create_revision('a', $c$ALTER TABLE p ALTER n TYPE bigint;
-- cmig:up p.n = n * 10
-- cmig:down p.n = n / 10
ALTER TABLE p ADD w text;
-- cmig:up p.w = v || '!'
ALTER TABLE q ALTER n TYPE bigint;
-- cmig:up q.n = n * 10
-- cmig:down q.n = n / 10$c$, NULL, revision => '1', expand => true)});
sql($db, 'CALL cmig.expand()');
foreach my $table (qw(p q))
{
	my $key = $table eq 'p' ? '(id)' : '(id, k)';
	my $rows = "SELECT string_agg(concat(o.id, ':', o.n, '/', n.n), ' ' ORDER BY o.id) FROM public.$table o JOIN public_1.$table n USING (id)";
	my $whole = "INSERT INTO $table SELECT * FROM $table z WHERE z.id = 2 ON CONFLICT $key DO UPDATE SET";

	sql($db, "$whole n = EXCLUDED.n + 5");
	is(sql($db, $rows), '1:1/10 2:7/70 3:3/30 4:4/40 5:5/50', "$table: whole rows of the table in ON CONFLICT");
	sql($db, "$whole n = EXCLUDED.n + 5, cmig_new_n = EXCLUDED.cmig_new_n");
	is(sql($db, $rows), '1:1/10 2:12/120 3:3/30 4:4/40 5:5/50', "$table: also if the hidden columns are named");
	sql($db, "WITH d AS (DELETE FROM $table WHERE id = 1 RETURNING *) INSERT INTO $table SELECT * FROM d; INSERT INTO $table SELECT * FROM $table ON CONFLICT DO NOTHING");
	sql($db, "SET search_path = public_1, public; INSERT INTO $table SELECT * FROM $table z WHERE z.id IN (2, 3) ON CONFLICT $key DO UPDATE SET n = EXCLUDED.n + 100; INSERT INTO $table (id, n) VALUES (4, 900) ON CONFLICT $key DO UPDATE SET n = EXCLUDED.n");
	is(sql($db, $rows), '1:1/10 2:22/220 3:13/130 4:90/900 5:5/50', "$table: likewise through the view, which updates the new version");
}
sql($db, q{INSERT INTO p SELECT * FROM p z WHERE z.id = 2 ON CONFLICT (id) DO UPDATE SET v = 'x'});
is(sql($db, 'SELECT v, w FROM public_1.p WHERE id = 2'), 'x|x!', 'what is computed without a way back');
sql($db, 'CALL cmig.contract()');
is(sql($db, q{SELECT string_agg(n::text, ' ' ORDER BY id) FROM p}), '10 220 130 900 50', 'and after the contraction');

# Rows that a statement of the old build takes out and inserts again, with all their columns, are
# as before, also those that could not be transformed, or have no such old version
foreach my $case ([ '', '' ], [ 'PARTITION BY LIST (k)', '' ], [ '', 'CREATE TRIGGER f BEFORE INSERT ON r FOR EACH ROW EXECUTE FUNCTION f()' ])
{
	$db++;
	new_database($node, $db);
	sql($db, "CREATE TABLE r (id int, k int DEFAULT 0, age text, m int NOT NULL, PRIMARY KEY (id, k)) $case->[0];" . ($case->[0] && 'CREATE TABLE r0 PARTITION OF r DEFAULT'));
	sql($db, q{INSERT INTO r VALUES (1, 0, '036', 1), (2, 0, 'old', 2), (3, 0, NULL, 3), (4, 0, '4', 4), (5, 0, '5', 5), (6, 0, '6', -6)});
	sql($db, q{SELECT cmig.create_revision('r', $c$ALTER TABLE r ALTER age TYPE int USING age::int;
ALTER TABLE r ADD z int;
-- cmig:up r.z = m * 2
ALTER TABLE r ALTER m TYPE bigint;
-- cmig:up r.m = 100 / (m - 2)
-- cmig:down r.m = 100 / m + 2
ALTER TABLE r ADD CHECK (m > -5) NOT VALID$c$, NULL, revision => '1', expand => true)});
	sql($db, 'CALL cmig.expand()');
	sql($db, q{UPDATE public_1.r SET z = 77, age = 55 WHERE id = 5; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'});
	sql($db, $case->[1]);
	my $rows = q{SELECT string_agg(r::text, ', ' ORDER BY id) FROM r};
	my $before = sql($db, $rows);
	like($before, qr/\(1,0,036,1,[^,]*,36,-100,2\), \(2,0,old,2,[^,]*,,,4\), .*\(5,0,55,5,,55,33,77\)/, "@$case: rows of each kind");
	sql($db, 'WITH d AS (DELETE FROM r RETURNING *) INSERT INTO r SELECT * FROM d');
	is(sql($db, $rows), $before, 'as before');
	sql($db, q{WITH d AS (DELETE FROM r RETURNING *) INSERT INTO r SELECT id, k, CASE id WHEN 1 THEN 'one' WHEN 2 THEN '22' WHEN 5 THEN '5' ELSE age END, CASE id WHEN 4 THEN 12 ELSE m END, cmig_state, CASE id WHEN 3 THEN 33 ELSE cmig_new_age END, cmig_new_m, cmig_new_z FROM d});
	is(sql($db, q{SELECT string_agg(concat(id, ' ', o.age, '/', n.age, ' ', o.m, '/', n.m, ' ', z), ', ' ORDER BY id) FROM r o JOIN public_1.r n USING (id)}), '1 one/ 1/-100 2, 2 22/22 2/ 4, 3 / 3/100 6, 4 4/4 12/10 24, 5 5/5 5/33 77, 6 6/6 -6/-12 -12', 'what it has changed is transformed');
	is(sql($db, q{SELECT string_agg(concat(id, ' ', left(cmig_state, 9)), ', ' ORDER BY id) FROM r WHERE cmig_state IS NOT NULL}), '1 age: 22P0, 2 m: 22012:, 6 violates ', 'and what cannot be is noted');
}

# A trigger of the user that sets a column which is replaced, in writes of the new build, too
foreach my $by ('', 'PARTITION BY LIST (k)')
{
	$db++;
	new_database($node, $db);
	sql($db, "CREATE TABLE e (id int, k int DEFAULT 1, edition int NOT NULL DEFAULT 0, mail text, note text, PRIMARY KEY (id, k)) $by");
	sql($db, 'CREATE TABLE e1 PARTITION OF e FOR VALUES IN (1); CREATE TABLE e2 (note text, id int NOT NULL, k int NOT NULL, edition int NOT NULL DEFAULT 0, mail text); ALTER TABLE e ATTACH PARTITION e2 DEFAULT') if $by;
	sql($db, q{CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.note = 'x' THEN NEW.edition := OLD.edition; END IF; NEW.edition := OLD.edition + 1; SELECT lower(NEW.mail) INTO NEW.mail; RETURN NEW; END$$;
		CREATE TRIGGER counts BEFORE UPDATE ON e FOR EACH ROW EXECUTE FUNCTION counts(); INSERT INTO e SELECT i, i % 2, 0, 'A' || i FROM generate_series(1, 4) i});
	sql($db, q{SELECT cmig.create_revision('a', $c$ALTER TABLE e ALTER edition TYPE bigint; ALTER TABLE e ALTER mail TYPE varchar(90);
		ALTER TABLE e ADD next int;
		-- cmig:up e.next = edition + 1$c$, NULL, revision => '1', expand => true)});
	sql($db, 'CALL cmig.expand()');
	my $rows = sub { sql($db, "SELECT string_agg(concat(id, ' ', edition, ' ', mail" . ($_[0] ? ", ' ', next" : '') . "), ', ' ORDER BY id) FROM " . ($_[0] ? 'public_1.e' : 'e')) };
	sql($db, q{SET search_path = public_1; UPDATE e SET note = 'x' WHERE id < 4; UPDATE e SET note = 'y', k = 3 - k WHERE id = 2; INSERT INTO e (id, k) VALUES (3, 1) ON CONFLICT (id, k) DO UPDATE SET note = 'z'});
	is($rows->(), '1 1 a1, 2 2 a2, 3 2 a3, 4 0 A4', "$by: it counts what the new build updates");
	is($rows->(1), '1 1 a1 1, 2 2 a2 1, 3 2 a3 1, 4 0 A4 1', 'in both versions');
	sql($db, q{SET search_path = public_1; UPDATE e SET edition = 7, mail = mail WHERE id = 1; UPDATE e SET edition = edition, mail = 'B3' WHERE id = 3});
	is($rows->(), '1 2 a1, 2 2 a2, 3 3 b3, 4 0 A4', 'also if the new build sets the column');
	is($rows->(1), '1 2 a1 1, 2 2 a2 1, 3 3 b3 1, 4 0 A4 1', 'in both versions, and no other column');
	sql($db, 'UPDATE e SET note = NULL');
	is($rows->(1), '1 3 a1 4, 2 3 a2 4, 3 4 b3 5, 4 1 a4 2', 'a write of the old build');
	sql($db, 'CALL cmig.contract()');
	is($rows->(), '1 3 a1, 2 3 a2, 3 4 b3, 4 1 a4', 'after the contraction');
}

# The new version has columns that nothing computes
$db = 'uncomputed';
new_database($node, $db);
sql($db, q{CREATE TABLE u (id int PRIMARY KEY, name text); INSERT INTO u VALUES (1, 'Ada'), (2, 'Bob')});
sql($db, q{SELECT cmig.create_revision('u', $c$ALTER TABLE u ADD nick text;
ALTER TABLE u ADD level int NOT NULL DEFAULT 3;
ALTER TABLE u DROP name;
-- cmig:down u.name = coalesce(nick, '?') || level$c$, NULL, revision => '1', expand => true)});
sql($db, 'CALL cmig.expand()');
sql($db, q{INSERT INTO public_1.u VALUES (3, 'nick', 4); WITH d AS (DELETE FROM u RETURNING *) INSERT INTO u SELECT * FROM d});
is(sql($db, q{SELECT string_agg(name, ', ' ORDER BY id) FROM u}), 'Ada, Bob, nick4', 'what the old build has written remains, although the new version does not have it');

# Some are not filled yet
foreach my $case ([ '', '' ], [ 'PARTITION BY LIST (k)', '' ], [ '', 'CREATE TRIGGER f BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION f()' ])
{
	$db++;
	new_database($node, $db);
	sql($db, "CREATE TABLE w (id int, k int DEFAULT 0, n int DEFAULT 1, v text DEFAULT 'v1', x text DEFAULT 'x', PRIMARY KEY (id, k)) $case->[0];" . ($case->[0] && q{CREATE TABLE w0 (x text, v text DEFAULT 'z', n int, k int NOT NULL, id int NOT NULL); ALTER TABLE w ATTACH PARTITION w0 DEFAULT}));
	sql($db, q{INSERT INTO w SELECT i, 0, i, 'v' || i, 'x' FROM generate_series(1, 3) i});
	sql($db, load_sql(revision_file('1', '', <<'END_SQL', '') =~ s/(-- message)/-- expand: strict\n$1/r));
ALTER TABLE w ALTER n TYPE bigint;
-- cmig:up w.n = 10 / (n - 3)
-- cmig:down w.n = n
ALTER TABLE w ALTER v TYPE varchar(9);
ALTER TABLE w ADD z int;
ALTER TABLE w DROP x;
-- cmig:down w.x = 'new'
END_SQL
	like(tried($db, 'CALL cmig.expand()'), qr/ERROR:  division by zero/, "@$case: rows cannot be filled");
	sql($db, q{CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; } . $case->[1]);
	is(sql($db, q{SELECT count(*) FROM w WHERE cmig_state = 'todo'}), '3', 'none is filled');
	sql($db, q{WITH d AS (DELETE FROM w WHERE id < 3 RETURNING *) INSERT INTO w SELECT * FROM d});
	sql($db, q{UPDATE w SET n = 4 WHERE id = 3});
	sql($db, 'CALL cmig.expand()');
	sql($db, q{INSERT INTO public_1.w VALUES (4, 0, NULL, NULL, NULL)});
	is(sql($db, q{SELECT string_agg(concat_ws(' ', o.id, o.n, o.v, o.x, n.n, n.v), ', ' ORDER BY id) FROM w o JOIN public_1.w n USING (id)}), '1 1 v1 x -5 v1, 2 2 v2 x -10 v2, 3 4 v3 x 10 v3, 4 new', 'they are as before, and the new build is told from that');
}

# Which version an INSERT is for is told by the view that it names, not by what it gives
foreach my $by ('', 'PARTITION BY LIST (k)')
{
	$db++;
	new_database($node, $db);
	sql($db, "CREATE TABLE s (id int, k int DEFAULT 1, n int, v text DEFAULT 'v', PRIMARY KEY (id, k)) $by;" . ($by && q{CREATE TABLE s1 (v text, n int, k int NOT NULL, id int NOT NULL); ALTER TABLE s ATTACH PARTITION s1 DEFAULT}));
	sql($db, q{SELECT cmig.create_revision('s', $c$ALTER TABLE s ALTER n TYPE bigint;
-- cmig:up s.n = n * 10
-- cmig:down s.n = n / 10
ALTER TABLE s ALTER v TYPE varchar(9)$c$, NULL, revision => '1', expand => true)});
	sql($db, 'CALL cmig.expand()');
	fails_with($node, $db, "INSERT INTO s (id, n, v, cmig_new_n, cmig_new_v) VALUES (7, $_)", '428C9', 'column "cmig_new_n" of relation "s', "$by: hidden columns: $_")
		foreach q{5, 'v', 60, 'x'}, q{6, 'v', 60, NULL}, q{NULL, 'w', 60, 'x'}, q{NULL, NULL, 60, 'x'}, q{DEFAULT, DEFAULT, 60, 'x'};
	sql($db, q{INSERT INTO s (id, n, v, cmig_new_n, cmig_new_v) VALUES (1, 5, 'a', NULL, NULL); INSERT INTO public_1.s (id, n, v) VALUES (2, NULL, NULL), (3, 70, 'b')});
	sql($db, q{INSERT INTO s (id, n, v, cmig_state, cmig_new_n, cmig_new_v) VALUES (4, 5, 'c', 'todo', NULL, NULL); INSERT INTO public_1.s (id, n, v) VALUES (5, NULL, NULL), (6, 70, 'd')});
	# its copy has the same defaults; a view of the view, a rule, a function, and a prepared statement
	sql($db, q{CREATE TABLE c (LIKE s INCLUDING ALL); CREATE VIEW above AS SELECT id, n, v FROM public_1.s WHERE id > 0;
		CREATE FUNCTION f(int) RETURNS SETOF int LANGUAGE sql AS 'INSERT INTO public_1.s (id) VALUES ($1) RETURNING id';
		CREATE TABLE notes (id int); CREATE RULE notes AS ON INSERT TO notes DO ALSO INSERT INTO public_1.s (id, n) VALUES (NEW.id, 75)});
	sql($db, q{WITH c AS (INSERT INTO c (id, n) VALUES (7, 1) RETURNING id) INSERT INTO public_1.s (id, n, v) SELECT id, NULL, NULL FROM c});
	sql($db, q{INSERT INTO above (id) VALUES (8); SELECT f(9); INSERT INTO notes VALUES (10)});
	sql($db, q{PREPARE p AS INSERT INTO public_1.s (id, n, v) VALUES ($1, $2, NULL); EXECUTE p(11, NULL); ALTER TABLE s ALTER n SET DEFAULT 3; EXECUTE p(12, NULL); ALTER TABLE s ALTER n SET DEFAULT 4; EXECUTE p(13, 81)});
	is(sql($db, q{SELECT string_agg(concat(id, ' ', o.n, '/', n.n, ' ', o.v, '/', n.v), ', ' ORDER BY id) FROM s o JOIN public_1.s n USING (id)}),
		'1 5/50 a/a, 2 / /, 3 7/70 b/b, 4 5/50 c/c, 5 / /, 6 7/70 d/d, 7 / /, 8 / v/v, 9 / v/v, 10 7/75 v/v, 11 / /, 12 / /, 13 8/81 /', "$by: both versions");
	# a view that only has the name of the table in the version's view is another one
	sql($db, q{CREATE VIEW mine AS SELECT id, n, cmig_new_n FROM s cmig_version});
	fails_with($node, $db, 'INSERT INTO mine VALUES (20, 1, 20)', '428C9', 'column "cmig_new_n" of relation "s', "$by: a view that pretends");
	my $both = 'WITH o AS (INSERT INTO s (id, n) VALUES (21, 1)) INSERT INTO public_1.s (id, n) VALUES (22, 30)';
	is(sql($db, "$both; SELECT string_agg(concat(o.n, '/', n.n), ' ' ORDER BY id) FROM s o JOIN public_1.s n USING (id) WHERE id > 20"), '1/10 3/30', 'both in one statement');
	sql($db, 'WITH o AS (INSERT INTO public_1.s (id, n) VALUES (23, 30), (24, 40) RETURNING id) INSERT INTO s (id, n) SELECT id + 10, 1 FROM o');
	is(sql($db, q{SELECT string_agg(concat(o.n, '/', n.n), ' ' ORDER BY id) FROM s o JOIN public_1.s n USING (id) WHERE id > 22}), '3/30 4/40 1/10 1/10', 'one within the other');
	sql($db, q{ALTER TABLE s ALTER cmig_state SET DEFAULT 'todo'});
	fails_with($node, $db, 'INSERT INTO s (id) VALUES (30)', '55000', 'do not have their defaults', "$by: a default that does not tell if an INSERT has a whole row");
	sql($db, 'ALTER TABLE s ALTER n DROP DEFAULT');
	like(tried($db, 'CALL cmig.contract()'), qr/ERROR:  default of column cmig_state of table/, 'is needed');
}

# A default that fails is no obstacle to statements that do not take it, and a prepared INSERT keeps that of a domain
$db++;
new_database($node, $db);
sql($db, q{CREATE DOMAIN five AS int DEFAULT 5; CREATE DOMAIN bare AS int; CREATE TABLE f (id int PRIMARY KEY, n int DEFAULT 1 / 0, f five, g bare);
	INSERT INTO f (id, n) VALUES (1, 2)});
sql($db, q{SELECT cmig.create_revision('f', 'ALTER TABLE f ALTER n TYPE bigint, ALTER f TYPE bigint, ALTER g TYPE bigint', NULL, revision => '1', expand => true)});
sql($db, 'CALL cmig.expand(); INSERT INTO f VALUES (2, 3, 4, 5); UPDATE f SET n = n + 1; UPDATE public_1.f SET f = f + 1');
sql($db, join '; ', q{ALTER TABLE f ALTER n DROP DEFAULT; PREPARE p AS INSERT INTO public_1.f (id, n) VALUES ($1, 2); EXECUTE p(3)},
	q{ALTER DOMAIN five SET DEFAULT 6; EXECUTE p(4)}, q{ALTER DOMAIN five DROP DEFAULT; EXECUTE p(5)},
	q{DEALLOCATE p; ALTER DOMAIN bare SET DEFAULT 7; PREPARE p AS INSERT INTO public_1.f (id, n) VALUES ($1, 2); EXECUTE p(6)},
	q{ALTER DOMAIN bare DROP DEFAULT; EXECUTE p(7)});
is(sql($db, q{SELECT string_agg(concat_ws(' ', n.id, o.n, n.n), ', ' ORDER BY id) FROM f o JOIN public_1.f n USING (id)}), '1 3 3, 2 4 4, ' . join(', ', map { "$_ 2 2" } 3 .. 7), 'writes of both builds');

# Rows that are copied or replicated with both versions: what a trigger sets in one of them is in both
foreach my $by ('', 'PARTITION BY LIST (k)')
{
	$db++;
	new_database($node, $db);
	sql($db, "CREATE TABLE b (id int, k int DEFAULT 1, n int, v text, PRIMARY KEY (id, k)) $by;" . ($by && 'CREATE TABLE b1 PARTITION OF b FOR VALUES IN (1); CREATE TABLE b2 PARTITION OF b DEFAULT'));
	sql($db, q{SELECT cmig.create_revision('b', $c$ALTER TABLE b ALTER n TYPE bigint;
-- cmig:up b.n = n * 10
-- cmig:down b.n = n / 10
ALTER TABLE b ALTER v TYPE int USING v::int$c$, NULL, revision => '1', expand => true)});
	sql($db, 'CALL cmig.expand()');
	sql($db, q{CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id % 2 = 1 THEN NEW.n := NEW.n + 1; END IF; RETURN NEW; END';
		CREATE TRIGGER f BEFORE INSERT OR UPDATE ON b FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE b ENABLE ALWAYS TRIGGER f});
	my $rows = q{SELECT string_agg(concat(o.id, ' ', o.n, '/', n.n, ' ', o.v, '/', n.v), ', ' ORDER BY id) FROM b o JOIN public_1.b n USING (id)};
	sql($db, join "\n", 'COPY b (id, k, n, v, cmig_state, cmig_new_n, cmig_new_v) FROM STDIN;', map({ join "\t", @$_ } [ 1, 1, 1, '01', '\N', 10, 1 ], [ 2, 1, 2, '02', '\N', 25, 2 ], [ 3, 1, 3, 'x', 'v: 22P02', 30, '\N' ]), "\\.\n");
	is(sql($db, $rows), '1 2/20 01/1, 2 2/25 02/2, 3 4/40 x/', "$by: COPY");
	is(sql($db, 'SELECT count(*) FROM b WHERE cmig_state IS NOT NULL'), '1', 'and the reason why one could not be transformed');
	sql($db, q{SET session_replication_role = replica; UPDATE b SET n = 5, cmig_new_n = 50, v = '5', cmig_new_v = 5; INSERT INTO b (id, k, n, v, cmig_state, cmig_new_n, cmig_new_v) VALUES (4, 1, 4, '4', NULL, 45, 4), (5, 1, 4, '4', NULL, 45, 4)});
	is(sql($db, $rows), '1 6/60 5/5, 2 5/50 5/5, 3 6/60 5/5, 4 4/45 4/4, 5 5/50 4/4', 'replication');
	sql($db, q{SET session_replication_role = replica; UPDATE b SET k = 2, cmig_new_n = 46, v = '04' WHERE id > 3});
	is(sql($db, $rows), '1 6/60 5/5, 2 5/50 5/5, 3 6/60 5/5, 4 4/46 04/4, 5 7/70 04/4', 'also if rows move') if $by;
}

# One that the new build inserts, and that a trigger of a user completes
$db = 'completed';
new_database($node, $db);
sql($db, q{CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL, v text); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.v := coalesce(NEW.v, concat('by ', NEW.n)); IF NEW.id = 2 THEN NEW.n := 3; END IF; RETURN NEW; END$$;
	CREATE TRIGGER f BEFORE INSERT OR UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f()});
sql($db, q{SELECT cmig.create_revision('c', $c$ALTER TABLE c ALTER n TYPE bigint;
-- cmig:up c.n = n * 10
-- cmig:down c.n = nullif(n, 0) / 10
ALTER TABLE c ALTER v TYPE varchar(9)$c$, NULL, revision => '1', expand => true)});
sql($db, 'CALL cmig.expand()');
like(tried($db, '\set VERBOSITY verbose' . "\nINSERT INTO public_1.c (id, n) VALUES (1, 0)"), qr/ERROR:  23502: column "n" of the old version would be null\n/, 'it is no value of the old version');
like(tried($db, q{INSERT INTO public_1.c (id, n, v) VALUES (1, 70, 'x'); UPDATE public_1.c SET n = 0}), qr/ERROR:  column "n" of the old version would be null\n/, 'nor in an update');
sql($db, 'INSERT INTO public_1.c (id, n) VALUES (2, 0), (3, 50)');
is(sql($db, q{SELECT string_agg(concat(id, ' ', o.n, '/', n.n, ' ', o.v, '/', n.v), ', ' ORDER BY id) FROM c o JOIN public_1.c n USING (id) WHERE id > 1}), '2 3/30 by /by , 3 5/50 by 5/by 5', 'the trigger sees the columns of the old version, and completes them');
sql($db, q{UPDATE c SET n = 8, cmig_new_n = 33, cmig_state = 'new' WHERE id = 3});
is(sql($db, q{SELECT concat(o.n, '/', n.n) FROM c o JOIN public_1.c n USING (id) WHERE id = 3}), '3/33', 'a statement that says that the new version is right');

# One that moves to another partition, where a trigger of a user fires for the INSERT
$db = 'moved';
new_database($node, $db);
sql($db, q{CREATE TABLE m (id int, k int, n int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1); CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2); INSERT INTO m VALUES (1, 1, 1);
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.n := NEW.n + 10; RETURN NEW; END$$; CREATE TRIGGER f BEFORE INSERT ON m FOR EACH ROW EXECUTE FUNCTION f()});
sql($db, q{SELECT cmig.create_revision('c', $c$ALTER TABLE m ALTER n TYPE bigint; ALTER TABLE m ADD z int;
-- cmig:up m.z = n * 2$c$, NULL, revision => '1', expand => true)});
sql($db, 'CALL cmig.expand()');
sql($db, 'UPDATE public_1.m SET k = 2, z = 5');
is(sql($db, 'SELECT o.n, n.n, z FROM m o JOIN public_1.m n USING (id)'), '11|11|5', 'the new build moves a row, and sets a column that is computed from it');
sql($db, 'UPDATE m SET k = 1');
is(sql($db, 'SELECT o.n, n.n, z FROM m o JOIN public_1.m n USING (id)'), '21|21|42', 'the old build moves it');

# Triggers that return OLD, another row, or nothing, or whose condition writes another expanded table
$db = 'returned';
new_database($node, $db);
sql($db, q{CREATE TABLE r (id int PRIMARY KEY, k int, n int, name text); CREATE TABLE l (id serial PRIMARY KEY, n int);
	CREATE FUNCTION logs(i int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO l (n) VALUES (i); RETURN true; END$$;
	CREATE FUNCTION returns() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
		IF NEW.k = 1 THEN RETURN OLD; END IF;
		IF NEW.k = 2 THEN NEW := OLD; NEW.n := 3; END IF;
		IF NEW.k = 3 THEN SELECT * INTO NEW FROM r WHERE id = 2; NEW.id := 3; END IF;
		IF NEW.k = 4 THEN RETURN NULL; END IF;
		RETURN NEW; END$$;
	CREATE TRIGGER a BEFORE INSERT OR UPDATE ON r FOR EACH ROW WHEN (NEW.k = 5 AND logs(NEW.id)) EXECUTE FUNCTION returns();
	CREATE TRIGGER b BEFORE INSERT OR UPDATE ON r FOR EACH ROW EXECUTE FUNCTION returns()});
sql($db, q{SELECT cmig.create_revision('r', $c$ALTER TABLE r ALTER n TYPE bigint;
-- cmig:up r.n = n * 10
-- cmig:down r.n = n / 10
ALTER TABLE r ADD f text, ADD l text;
-- cmig:up r.f = split_part(name, ' ', 1)
-- cmig:up r.l = split_part(name, ' ', 2)
ALTER TABLE r DROP name;
-- cmig:down r.name = f || ' ' || l
ALTER TABLE l ALTER n TYPE bigint;
-- cmig:up l.n = n * 10
-- cmig:down l.n = n / 10$c$, NULL, revision => '1', expand => true)});
sql($db, 'CALL cmig.expand()');
my $returned = q{SELECT string_agg(concat_ws('|', o.id, o.k, o.n, n.n, name, f, l), ', ' ORDER BY o.id) FROM r o JOIN public_1.r n USING (id)};
my $second = '2|9|8|86|D E F|D E|F';
sql($db, q{INSERT INTO public_1.r (id, k, n, f, l) VALUES (1, 9, 75, 'A B', 'C'), (2, 9, 86, 'D E', 'F')});
sql($db, q{UPDATE public_1.r SET k = 1, n = 990, f = 'X' WHERE id = 1; UPDATE r SET k = 1, n = 99, name = 'X' WHERE id = 1});
is(sql($db, $returned), "1|9|7|75|A B C|A B|C, $second", 'a trigger that returns OLD leaves the row as it is, in both versions');
sql($db, q{UPDATE public_1.r SET k = 2, n = 35 WHERE id = 1});
is(sql($db, $returned), "1|9|3|30|A B C|A B|C, $second", 'it sets a column of OLD, to what it was shown');
sql($db, q{UPDATE public_1.r SET k = 2, n = 990 WHERE id = 1});
sql($db, q{INSERT INTO public_1.r (id, k, n, f, l) VALUES (9, 3, 1, '', '')});
is(sql($db, $returned), "1|9|3|30|A B C|A B|C, $second, 3|9|8|86|D E F|D E|F", 'another row');
sql($db, q{DELETE FROM r WHERE id = 3; INSERT INTO r (id, k) VALUES (9, 3)});
is(sql($db, $returned), "1|9|3|30|A B C|A B|C, $second, 3|9|8|80|D E F|D|E", 'also for the old build');
sql($db, q{DELETE FROM r WHERE id = 3; INSERT INTO r (id, k, n, name) VALUES (4, 5, 7, 'G H'); INSERT INTO public_1.r (id, k, n, f, l) VALUES (5, 5, 77, 'I', 'J')});
is(sql($db, $returned), "1|9|3|30|A B C|A B|C, $second, 4|5|7|70|G H|G|H, 5|5|7|77|I J|I|J", 'a condition of a trigger that writes');
is(sql($db, q{SELECT string_agg(concat(o.n, '/', n.n), ' ' ORDER BY id) FROM l o JOIN public_1.l n USING (id)}), '4/40 5/50', 'has written both versions');

# as it was expanded before the first trigger fired for UPDATE
sql($db, q{DROP TRIGGER "!cmig_begin" ON r; CREATE TRIGGER "!cmig_begin" BEFORE INSERT ON r FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin('public_1.cmig_old_r'); ALTER TABLE r ENABLE ALWAYS TRIGGER "!cmig_begin"});
sql($db, q{WITH i AS (INSERT INTO public_1.r (id, k, n, f, l) SELECT g, 4, 175, repeat('A B', 100), 'C' FROM generate_series(10, 20) g RETURNING id)
	UPDATE r SET k = 9, name = repeat('xy', id * 300) || ' z' WHERE (SELECT count(*) FROM i) = 0});
is(sql($db, q{SELECT string_agg(concat_ws(' ', id, n, length(f), l), ', ' ORDER BY id) FROM public_1.r}), '1 30 600 z, 2 86 1200 z, 4 70 2400 z, 5 77 3000 z', 'a row that a trigger has refused does not count for the next one');

$node->stop;
done_testing();
