# Copyright (c) 2026, the pg_cmig developers

# For each kind of change: what both builds write while it is expanded, and that the
# schema and the rows after a contraction are those of an upgrade, and that the dump
# after cmig.abandon is the one from before.  Also, what is refused before anything runs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $long = 'a' x 54;

# name, schema before, change, what both builds write, the rows of t that the old and
# the new build then see
my @kinds = (
	[ 'unique', q{CREATE TABLE t (id int PRIMARY KEY, mail text); INSERT INTO t VALUES (1, 'A'), (2, NULL);},
		"ALTER TABLE t ADD UNIQUE (mail);\n-- cmig:up t.mail = coalesce(lower(mail), 'none' || id)",
		q{INSERT INTO t VALUES (3, NULL); INSERT INTO n.t (id, mail) VALUES (4, 'X');},
		'1|A 2| 3| 4|X', '1|a 2|none2 3|none3 4|X' ],
	[ 'foreign key', q{CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE t (id int PRIMARY KEY, p int); INSERT INTO t VALUES (1, 1), (2, 9);},
		"ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p;\n-- cmig:up t.p = CASE WHEN p < 5 THEN p END",
		q{INSERT INTO t VALUES (3, 9); INSERT INTO n.t (id, p) VALUES (4, 1);},
		'1|1 2|9 3|9 4|1', '1|1 2| 3| 4|1' ],
	[ 'NOT NULL dropped, CHECK dropped', q{CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL CHECK (a <> 'x'));},
		"ALTER TABLE t ALTER a DROP NOT NULL, DROP CONSTRAINT t_a_check;\n-- cmig:down t.a = coalesce(nullif(a, 'x'), '?')",
		q{INSERT INTO t VALUES (1, 'y'); INSERT INTO n.t (id) VALUES (2); INSERT INTO n.t (id, a) VALUES (3, 'x');},
		'1|y 2|? 3|?', '1|y 2| 3|x' ],
	[ 'type of a key that its own table refers to', q{CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t); INSERT INTO t VALUES (1, NULL), (2, 1);},
		'ALTER TABLE t ALTER id TYPE bigint, ALTER up TYPE bigint;',
		q{INSERT INTO t VALUES (3, 2); INSERT INTO n.t (id, up) VALUES (4, 3);},
		'1| 2|1 3|2 4|3', '1| 2|1 3|2 4|3' ],
	[ 'SET DEFAULT of a new column without a default', q{CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1), (2); CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1);},
		"ALTER TABLE t ADD b int REFERENCES p ON DELETE SET DEFAULT;\n-- cmig:up t.b = a",
		q{INSERT INTO n.t (id, b) VALUES (2, 2); DELETE FROM p WHERE id = 2;},
		'1|1 2|', '1|1|1 2||' ],
	[ 'type of a key alone, with actions', q{CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL);
		INSERT INTO p VALUES (1), (2); INSERT INTO t VALUES (1, 1), (2, 2);},
		'ALTER TABLE p ALTER id TYPE bigint;',
		q{UPDATE p SET id = 11 WHERE id = 1; DELETE FROM p WHERE id = 2; UPDATE n.p SET id = 12 WHERE id = 11;},
		'1|12 2|', undef ],
	[ 'key of two columns', q{CREATE TABLE p (x int, y int, PRIMARY KEY (x, y)); INSERT INTO p VALUES (1, 1);
		CREATE TABLE t (id int PRIMARY KEY, x int, y int, FOREIGN KEY (x, y) REFERENCES p); INSERT INTO t VALUES (1, 1, 1);},
		'ALTER TABLE t DROP CONSTRAINT t_x_y_fkey; ALTER TABLE p ALTER x TYPE bigint; ALTER TABLE t ALTER x TYPE bigint, ADD FOREIGN KEY (x, y) REFERENCES p;',
		q{INSERT INTO n.p VALUES (2, 2); INSERT INTO n.t (id, x, y) VALUES (2, 2, 2); INSERT INTO t VALUES (3, 2, 2);},
		'1|1|1 2|2|2 3|2|2', '1|1|1 2|2|2 3|2|2' ],
	[ 'owners and privileges, of new objects and of others', q{CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int); CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE e AS ENUM ('a');},
		q{ALTER TABLE t ADD z int; ALTER TABLE u OWNER TO pg_monitor; ALTER FUNCTION g() OWNER TO pg_monitor; ALTER TYPE e OWNER TO pg_monitor;
		CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO pg_monitor; GRANT EXECUTE ON FUNCTION f() TO pg_signal_backend;
		CREATE FUNCTION h() RETURNS int LANGUAGE sql RETURN 2; ALTER FUNCTION h() OWNER TO pg_monitor; CREATE VIEW v AS SELECT id FROM t; ALTER VIEW v OWNER TO pg_monitor;
		CREATE TABLE fresh (id int); ALTER TABLE fresh OWNER TO pg_monitor; CREATE DOMAIN d AS int; ALTER DOMAIN d OWNER TO pg_monitor; CREATE SEQUENCE s; ALTER SEQUENCE s OWNER TO pg_monitor; GRANT USAGE ON SEQUENCE s TO pg_signal_backend;},
		q{INSERT INTO t VALUES (1); DO $$BEGIN ASSERT pg_has_role('pg_monitor', proowner, 'MEMBER') AND has_function_privilege('pg_signal_backend', 'f()', 'EXECUTE') AND proacl IS NOT NULL FROM pg_proc WHERE proname = 'f'; END$$;}, '1', '1|' ],
	[ 'tables dropped and created', q{CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE gone (id int); INSERT INTO t VALUES (1);},
		'DROP TABLE gone; CREATE TABLE fresh (id serial PRIMARY KEY, t int REFERENCES t); CREATE INDEX ON fresh (t);',
		q{INSERT INTO fresh (t) VALUES (1);}, '1', undef ],
	[ 'a new table that refers to a key whose type changes', q{CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z');},
		'ALTER TABLE t ALTER id TYPE bigint; CREATE TABLE fresh (id int PRIMARY KEY, t bigint REFERENCES t ON UPDATE CASCADE ON DELETE CASCADE, o int REFERENCES fresh);',
		q{INSERT INTO fresh VALUES (1, 1, 1), (2, 2, 1), (3, 3, 1); UPDATE t SET id = 10 WHERE id = 1; UPDATE n.t SET id = 20 WHERE id = 2; DELETE FROM t WHERE id = 3; INSERT INTO n.t SELECT string_agg(t, ' ' ORDER BY t), 30 FROM (SELECT t::text FROM fresh) f;},
		'10|x 20|y 30|10 20', 'x|10 y|20 10 20|30' ],
	[ 'enum with another value', q{CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (id int PRIMARY KEY, m mood DEFAULT 'ok'); INSERT INTO t VALUES (1, 'sad'), (2, 'ok');},
		"CREATE TYPE mood2 AS ENUM ('blue', 'ok');
		ALTER TABLE t ALTER m DROP DEFAULT, ALTER m TYPE mood2 USING CASE m WHEN 'sad' THEN 'blue'::mood2 ELSE 'ok' END, ALTER m SET DEFAULT 'ok';
		-- cmig:down t.m = CASE m WHEN 'blue' THEN 'sad'::mood ELSE 'ok' END
		DROP TYPE mood;",
		q{INSERT INTO t (id, m) VALUES (3, 'sad'); INSERT INTO n.t (id, m) VALUES (4, 'blue'); INSERT INTO n.t (id) VALUES (5);},
		'1|sad 2|ok 3|sad 4|sad 5|ok', '1|blue 2|ok 3|blue 4|blue 5|ok' ],
	[ 'enum replaced, its values renamed and removed', q{CREATE TYPE mood AS ENUM ('sad', 'meh', 'ok'); CREATE TABLE t (id int PRIMARY KEY, m mood DEFAULT 'ok' CHECK (m <> 'meh' OR id > 0)); INSERT INTO t VALUES (1, 'sad'), (2, 'ok'), (3, 'meh');
		CREATE TYPE kind AS ENUM ('a', 'b'); ALTER TABLE t ADD k kind NOT NULL DEFAULT 'a'; CREATE INDEX ON t (k) WHERE k <> 'b'; CREATE VIEW v AS SELECT k FROM t;},
		"ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM ('blue', 'ok'); COMMENT ON TYPE mood IS 'new';
		ALTER TABLE t DROP CONSTRAINT t_check, ALTER m DROP DEFAULT, ALTER m TYPE mood USING CASE m WHEN 'sad'::mood_old THEN 'blue'::mood ELSE 'ok' END, ALTER m SET DEFAULT 'ok';
		-- cmig:down t.m = CASE m::text WHEN 'blue' THEN 'sad' ELSE m::text END
		DROP TYPE mood_old; DROP VIEW v; CREATE TYPE kind2 AS ENUM ('b', 'a', 'c'); ALTER TABLE t ALTER k DROP DEFAULT; DROP INDEX t_k_idx; ALTER TABLE t ALTER k TYPE kind2 USING coalesce(k::text::kind2, 'c'), ALTER k SET DEFAULT 'c';
		CREATE INDEX ON t (k) WHERE k <> 'b'; DROP TYPE kind; ALTER TYPE kind2 RENAME TO kind; CREATE VIEW v AS SELECT k, 'b'::kind AS b FROM t;
		-- cmig:down t.k = nullif(k, 'c')::text\n",
		q{INSERT INTO t (id, m) VALUES (4, 'meh'); INSERT INTO n.t (id, m, k) VALUES (5, 'blue', 'b'); UPDATE t SET m = 'sad' WHERE id = 2; SET search_path = public_042, public; UPDATE n.t SET m = 'blue'::mood, k = (SELECT max(k)::text::kind FROM v WHERE k < 'c') WHERE id = 1; RESET search_path;},
		'1|sad|a 2|sad|a 3|meh|a 4|meh|a 5|sad|b', '1|blue|a 2|blue|a 3|ok|a 4|ok|a 5|blue|b' ],
	[ 'ALTER TYPE ... RENAME VALUE', q{CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (id int PRIMARY KEY, m mood NOT NULL DEFAULT 'sad'); INSERT INTO t VALUES (1, 'sad'), (2, 'ok'); CREATE TABLE u (id int, m mood UNIQUE);
		CREATE VIEW v AS SELECT m FROM t; CREATE FUNCTION f(m mood) RETURNS text LANGUAGE sql AS 'SELECT m::text';},
		"DROP VIEW v; DROP FUNCTION f(mood); ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE mood ADD VALUE 'wow' AFTER 'blue';
		CREATE VIEW v AS SELECT m FROM t; CREATE FUNCTION f(m mood) RETURNS text LANGUAGE sql AS 'SELECT m::text'",
		q{INSERT INTO t VALUES (3); INSERT INTO n.t (id) VALUES (4); INSERT INTO t VALUES (5, 'ok'); UPDATE n.t SET m = n.f('blue')::n.mood WHERE id = 2; INSERT INTO n.u SELECT 1, max(m) FROM n.v;},
		'1|sad 2|sad 3|sad 4|sad 5|ok', '1|blue 2|blue 3|blue 4|blue 5|ok' ],
	[ 'from JSON to a column', q{CREATE TABLE t (id int PRIMARY KEY, doc jsonb NOT NULL DEFAULT '{}'); INSERT INTO t VALUES (1, '{"a": "x"}');},
		"ALTER TABLE t ADD a text;\n-- cmig:up t.a = doc->>'a'\nALTER TABLE t DROP doc;\n-- cmig:down t.doc = jsonb_build_object('a', a)",
		q{INSERT INTO t VALUES (2, '{"a": "y"}'); INSERT INTO n.t (id, a) VALUES (3, 'z'); UPDATE t SET doc = '{"a": "xx"}' WHERE id = 1;},
		'1|{"a": "xx"} 2|{"a": "y"} 3|{"a": "z"}', '1|xx 2|y 3|z' ],
	[ 'columns with defaults', q{CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);},
		"ALTER TABLE t ADD a text, ADD b int NOT NULL DEFAULT 5, ADD d int DEFAULT 1, ADD e date DEFAULT '2020-01-01';\nCREATE INDEX ON t (b);",
		q{INSERT INTO t VALUES (2); INSERT INTO n.t (id, a) VALUES (3, 'z'); INSERT INTO n.t (id, d) VALUES (4, NULL);},
		'1 2 3 4', '1||5|1|2020-01-01 2||5|1|2020-01-01 3|z|5|1|2020-01-01 4||5||2020-01-01' ],
	[ 'a column alone', q{CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);},
		'ALTER TABLE t ADD a text;', q{INSERT INTO t VALUES (2); INSERT INTO n.t (id, a) VALUES (3, 'z');},
		'1 2 3', '1| 2| 3|z' ],
	[ 'dropped columns', q{CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'q', b text NOT NULL); INSERT INTO t VALUES (1, 'a', 'b');},
		"ALTER TABLE t DROP a, DROP b;\n-- cmig:down t.b = 'b' || id",
		q{INSERT INTO t VALUES (2, 'x', 'y'); INSERT INTO n.t (id) VALUES (3); UPDATE n.t SET id = 10 WHERE id = 1;},
		'2|x|y 3|q|b3 10|a|b10', '2 3 10' ],
	[ 'dropped columns that the old build does not name', q{CREATE TABLE t (id int PRIMARY KEY, a text, c text DEFAULT 'cd', d text NOT NULL DEFAULT 'dd'); GRANT ALL ON t TO writer; INSERT INTO t VALUES (1, 'a', 'x', 'y');},
		"ALTER TABLE t DROP c, DROP d;\n-- cmig:down t.c = 'down ' || a\n-- cmig:down t.d = 'D'",
		"SET ROLE writer; INSERT INTO t (id, a) VALUES (2, 'o'); INSERT INTO t VALUES (3, 'o', 'c', DEFAULT), (4, 'o', NULL, 'd'); INSERT INTO t (id, a) SELECT 5, 'o';
			INSERT INTO n.t (id, a) VALUES (6, 'n'), (7, DEFAULT); INSERT INTO n.t SELECT 8, 'n' ORDER BY 1; INSERT INTO t (id) VALUES (2) ON CONFLICT (id) DO UPDATE SET c = 'keep', a = 'p';
			INSERT INTO n.t (id, a) VALUES (5, 'q') ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a; UPDATE n.t SET a = 'u' WHERE id = 3;
			WITH x AS (INSERT INTO n.t (id, a) VALUES (9, 'v') RETURNING id) INSERT INTO t (id, a) SELECT id + 1, 'w' FROM x; DELETE FROM n.t WHERE id = 1;
			COPY t (id, a) FROM stdin;\n11\tx\n\\.\nRESET ROLE;",
		'2|p|keep|dd 3|u|down u|dd 4|o||d 5|q|down q|dd 6|n|down n|D 7|||D 8|n|down n|D 9|v|down v|D 10|w|cd|dd 11|x|cd|dd',
		'2|p 3|u 4|o 5|q 6|n 7| 8|n 9|v 10|w 11|x' ],
	[ 'exclusion constraints and a rule', q{CREATE TABLE t (id int PRIMARY KEY, a text, r int4range, EXCLUDE USING gist (r WITH &&) WHERE (a > ''), EXCLUDE (lower(a) WITH =)); INSERT INTO t VALUES (1, 'a', '[1,2]');
		CREATE RULE r AS ON DELETE TO t DO ALSO UPDATE t SET a = a || '-' WHERE id = OLD.id + 1;},
		'ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME r TO s; ALTER TABLE t ADD n int NOT NULL DEFAULT 3;',
		q{INSERT INTO t VALUES (2, 'b', '[2,3]') ON CONFLICT DO NOTHING; INSERT INTO n.t (id, c, s) VALUES (3, 'A', '[7,8]') ON CONFLICT DO NOTHING; INSERT INTO n.t (id, c, s) VALUES (2, 'B', '[3,5]'), (4, 'd', NULL); DELETE FROM n.t WHERE id = 1;},
		'2|B-|[3,6) 4|d|', '2|B-|[3,6)|3 4|d||3' ],
	[ 'a rule on a table without expressions', q{CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE l (a text); CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO l VALUES (NEW.a);
		CREATE RULE s AS ON UPDATE TO t DO ALSO INSERT INTO l VALUES (NEW.a);},
		'ALTER TABLE t RENAME a TO c;', q{INSERT INTO t VALUES (1, 'a'); INSERT INTO n.t VALUES (2, 'b'); UPDATE n.t SET c = 'd' WHERE id = 2; INSERT INTO t SELECT 3, string_agg(a, '' ORDER BY a) FROM l;},
		'1|a 2|d 3|abd', '1|a 2|d 3|abd' ],
	[ 'exchanged names', q{CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b');},
		'ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME c TO b;',
		q{INSERT INTO n.t (id, a, b) VALUES (2, 'A', 'B');}, '1|a|b 2|B|A', '1|a|b 2|B|A' ],
	[ 'names of an index and a constraint', q{CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE); CREATE INDEX i ON t (a);},
		'ALTER TABLE t RENAME a TO c; ALTER INDEX i RENAME TO j; ALTER TABLE t RENAME CONSTRAINT t_a_key TO t_c_key;', '', '', '' ],
	[ 'row security', q{CREATE TABLE t (id int PRIMARY KEY, a text, owner name DEFAULT current_user); ALTER TABLE t ENABLE ROW LEVEL SECURITY;
		CREATE POLICY p ON t USING (owner = current_user); GRANT ALL ON t TO writer; INSERT INTO t VALUES (1, 'x', 'other');},
		'ALTER TABLE t RENAME a TO c; ALTER TABLE t ADD n int NOT NULL DEFAULT 3; CREATE POLICY q ON t FOR SELECT USING (n > 3);',
		q{SET ROLE writer; INSERT INTO n.t (id, c) SELECT 2, count(*) FROM n.t; INSERT INTO t (id, a) SELECT 3, count(*) FROM t; RESET ROLE;},
		'1|x|other 2|0|writer 3|1|writer', '1|x|other|3 2|0|writer|3 3|1|writer|3' ],
	[ 'forced row security, and a foreign key', q{CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x');
		CREATE TABLE u (id serial, t int REFERENCES t);},
		'ALTER TABLE t ADD p int NOT NULL DEFAULT 1 REFERENCES p; ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (p > 0); CREATE INDEX ON t (p);
		ALTER TABLE u RENAME TO v; ALTER TABLE v FORCE ROW LEVEL SECURITY;',
		q{INSERT INTO t VALUES (2, 'y'); INSERT INTO n.t (id, a) VALUES (3, 'z');}, '1|x 2|y 3|z', '1|x|1 2|y|1 3|z|1' ],
	[ 'a foreign key to a table with forced row security', q{CREATE TABLE p (id int PRIMARY KEY); ALTER TABLE p ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; INSERT INTO p VALUES (1);
		CREATE TABLE t (id int PRIMARY KEY);}, 'ALTER TABLE t ADD p int REFERENCES p;', q{INSERT INTO t VALUES (1); INSERT INTO n.t VALUES (2, 1);}, '1 2', '1| 2|1' ],
	[ 'a trigger of the user', q{CREATE TABLE t (id int PRIMARY KEY, a text, n int DEFAULT 0);
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n = NEW.n + 1; NEW.a = NEW.a || ''!''; RETURN NEW; END';
		CREATE TRIGGER zz BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO t VALUES (1, 'x');},
		"ALTER TABLE t ADD b text;\n-- cmig:up t.b = a",
		q{INSERT INTO t VALUES (2, 'z'); INSERT INTO n.t (id, a) VALUES (3, 'z');}, '1|x!|1 2|z!|1 3|z!|1', undef ],
	[ 'triggers, policies, and a materialized view that read a replaced column', q{CREATE TABLE t (id int PRIMARY KEY, a text, n int DEFAULT 0); INSERT INTO t VALUES (1, 'x', 0), (2, NULL, 0);
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n = 7; RETURN NEW; END'; CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a = 'y') EXECUTE FUNCTION f(); COMMENT ON TRIGGER g ON t IS 'seven';
		CREATE TRIGGER off AFTER INSERT ON t FOR EACH ROW WHEN (NEW.a > '') EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER off, ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (a <> 'hidden'); CREATE TABLE u (a text);
		CREATE POLICY p ON u USING (EXISTS (SELECT FROM t WHERE t.a = u.a)); CREATE MATERIALIZED VIEW m AS SELECT id, a FROM t; CREATE UNIQUE INDEX ON m (id); COMMENT ON COLUMN m.a IS 'a'; GRANT SELECT ON m TO writer;},
		"ALTER TABLE t ALTER a SET NOT NULL;\n-- cmig:up t.a = coalesce(a, 'none')",
		q{UPDATE t SET a = 'y' WHERE id = 1; INSERT INTO n.t (id, a) SELECT 3, max(a) FROM n.m;}, '1|y|7 2||0 3|x|0', '1|7|y 2|0|none 3|0|x' ],
	[ 'several changes of a column', q{CREATE TABLE t (id int PRIMARY KEY, a text);},
		'ALTER TABLE t RENAME a TO b; ALTER TABLE t ALTER b TYPE int USING coalesce(b::int, 0); ALTER TABLE t ALTER b SET DEFAULT 5, ALTER b SET NOT NULL;',
		q{INSERT INTO t VALUES (2, '3'), (4, NULL); INSERT INTO n.t (id) VALUES (3);}, '2|3 3|5 4|', '2|3 3|5 4|0' ],
	[ 'a table without a key', q{CREATE TABLE t (id int, a text); INSERT INTO t VALUES (1, 'x'), (1, 'x');},
		'ALTER TABLE t ALTER a TYPE varchar(20);', q{INSERT INTO t VALUES (2, 'z');}, '1|x 1|x 2|z', '1|x 1|x 2|z' ],
	[ 'statistics, storage, replica identity', q{CREATE TABLE t (id int NOT NULL UNIQUE, a int, b int); ALTER TABLE t REPLICA IDENTITY USING INDEX t_id_key; CREATE STATISTICS s ON a, b FROM t; ALTER TABLE t ALTER b SET STATISTICS 30, ALTER b SET (n_distinct = 5);},
		'DROP STATISTICS s; ALTER TABLE t ALTER a TYPE bigint, ALTER id TYPE bigint, ALTER b TYPE bigint, ALTER b SET STATISTICS -1, ALTER b RESET (n_distinct); CREATE STATISTICS s ON a, b FROM t; ALTER TABLE t ALTER a SET STATISTICS 50;', '', '', '' ],
	[ 'deferrable, operator class, order, INCLUDE, predicate', q{CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b varchar(9));
		CREATE INDEX ON t (b varchar_pattern_ops DESC NULLS LAST, lower(b)) INCLUDE (id) WITH (fillfactor = 70) WHERE b <> '';},
		'ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE varchar(10);', '', '', '' ],
	[ 'another schema', q{CREATE SCHEMA s2; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1);},
		'ALTER TABLE t SET SCHEMA s2; ALTER TABLE s2.t RENAME a TO b;', q{INSERT INTO s2_042.t VALUES (2, 2);}, '1|1 2|2', undef ],
	[ 'views that read a dropped column', q{CREATE TABLE t (id int PRIMARY KEY, a int); CREATE MATERIALIZED VIEW m AS SELECT a FROM t; CREATE VIEW v AS SELECT a FROM t;},
		'DROP MATERIALIZED VIEW m; DROP VIEW v; ALTER TABLE t DROP a;', '', '', '' ],
	[ 'views', q{CREATE TABLE t (id int PRIMARY KEY, a text, z int); CREATE VIEW v AS SELECT id, a FROM t; CREATE VIEW w WITH (security_barrier) AS SELECT z FROM t;
		GRANT SELECT ON v TO writer; INSERT INTO t VALUES (1, 'x', 3); CREATE TABLE r (a text); GRANT INSERT ON r TO writer;},
		"DROP VIEW v; ALTER TABLE t ALTER a TYPE varchar(20), ADD n int DEFAULT 4; ALTER TABLE t RENAME z TO y; CREATE VIEW v AS SELECT id, upper(a) AS a FROM t;
		CREATE VIEW nv WITH (security_invoker) AS SELECT n FROM t; COMMENT ON VIEW nv IS 'new'; GRANT SELECT ON v TO writer;",
		q{SET ROLE writer; INSERT INTO r SELECT a FROM v; INSERT INTO r SELECT a FROM n.v; RESET ROLE;}, '1|x|3', '1|3|x|4' ],
	[ 'functions, and views of views', q{CREATE TABLE t_other (i int); CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y');
		CREATE VIEW v AS SELECT id, a FROM t; CREATE VIEW w AS SELECT a FROM v; CREATE VIEW u AS SELECT id FROM t WHERE id > 0; CREATE VIEW uu AS SELECT id FROM u;
		CREATE FUNCTION f(i int) RETURNS text LANGUAGE sql AS 'SELECT a FROM t WHERE id = i'; CREATE FUNCTION res() RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE FUNCTION g() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM t; END;
		CREATE FUNCTION gone() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT max(a) FROM t; END;
		CREATE FUNCTION s() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS 'BEGIN RETURN (SELECT max(a) FROM t); END';
		REVOKE ALL ON FUNCTION s() FROM PUBLIC; GRANT EXECUTE ON FUNCTION s() TO writer; CREATE MATERIALIZED VIEW m AS SELECT a FROM t; GRANT SELECT, UPDATE ON t TO writer; GRANT SELECT ON uu TO writer;},
		"DROP VIEW w, v; DROP FUNCTION gone(), res(); DROP MATERIALIZED VIEW m; ALTER TABLE t ADD c text;\n-- cmig:up t.c = upper(a)
		CREATE OR REPLACE FUNCTION f(i int) RETURNS text LANGUAGE sql AS 'SELECT c FROM t WHERE id = i'; CREATE OR REPLACE VIEW u AS SELECT id FROM t WHERE id > 1;
		CREATE OR REPLACE FUNCTION g() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(c) + 40 FROM t; END;
		CREATE OR REPLACE FUNCTION s() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS 'BEGIN RETURN (SELECT max(c) FROM t); END';
		CREATE FUNCTION res() RETURNS text LANGUAGE sql AS 'SELECT min(c) FROM t'; ALTER TABLE t DROP a;\n-- cmig:down t.a = lower(c)
		CREATE VIEW v AS SELECT id, c FROM t; CREATE VIEW w AS SELECT f(id) AS f FROM v; CREATE MATERIALIZED VIEW m AS SELECT c FROM t; CREATE UNIQUE INDEX ON m (c);
		CREATE FUNCTION h() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT max(f) FROM w; END; GRANT SELECT ON w TO writer;
		CREATE PROCEDURE p(i int, INOUT o text) LANGUAGE plpgsql SET search_path = public AS 'BEGIN o = (SELECT max(c) FROM t); END'; CREATE FUNCTION q() RETURNS text LANGUAGE sql AS 'SELECT max(c) FROM t'; CREATE FUNCTION z() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.t_other';",
		q{SET ROLE writer; UPDATE t SET b = concat_ws(' ', f(1), res(), g(), s(), gone(), (SELECT count(*) FROM uu)) WHERE id = 1;
		SET search_path = public_042, public; UPDATE t SET b = concat_ws(' ', f(1), res(), g(), s(), h(), q()) WHERE id = 2; RESET ROLE;
		UPDATE t SET b = b || ' ' || concat_ws(' ', (SELECT max(c) FROM m), (SELECT max(f) FROM w), (SELECT count(*) FROM uu)) WHERE id = 2;
		DO 'DECLARE o text; BEGIN CALL p(1, o); UPDATE t SET b = b || o WHERE id = 2; END'; RESET search_path;},
		'1|x|x 1 2 y y 2 2|y|X X 42 Y Y Y Y Y 1Y', '1|x 1 2 y y 2|X 2|X X 42 Y Y Y Y Y 1Y|Y' ],
	[ 'a partitioned table', q{CREATE TABLE t (id int, k int NOT NULL, a text, r text, d int NOT NULL, n text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
		CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 (n text, junk int, d int NOT NULL, a text, id int NOT NULL, k int NOT NULL, r text); ALTER TABLE t2 DROP junk;
		ALTER TABLE t ATTACH PARTITION t2 FOR VALUES IN (2); CREATE TABLE t3 PARTITION OF t FOR VALUES IN (3, 33) PARTITION BY LIST (k); CREATE TABLE t33 PARTITION OF t3 FOR VALUES IN (33); CREATE INDEX ON t (n);
		INSERT INTO t VALUES (1, 1, 'Aa', 'r', 7, 'xxx'), (2, 2, 'Aa', 'r', 7, 'xxx'), (3, 33, 'Aa', 'r', 7, NULL), (4, 33, 'Aa', 'r', 7, NULL);},
		"ALTER TABLE t RENAME r TO s; ALTER TABLE t ALTER n TYPE int USING length(n);\n-- cmig:down t.n = repeat('x', n)\nALTER TABLE t ADD b text NOT NULL;\n-- cmig:up t.b = upper(a)
		ALTER TABLE t DROP a, DROP d;\n-- cmig:down t.a = lower(b)\n-- cmig:down t.d = id\nCREATE INDEX ON t (b, s); ALTER TABLE t ADD CHECK (b <> 'NO');",
		q{CREATE TABLE t5 PARTITION OF t FOR VALUES IN (5); INSERT INTO t2 (id, k, a, d) VALUES (10, 2, 'Direct', 1); INSERT INTO t (id, k, a, d) VALUES (11, 33, 'Via', 1), (12, 2, 'Via', 1), (13, 5, 'Five', 5);
		INSERT INTO n.t (id, k, b, s, n) VALUES (20, 1, 'NEW', 's', 2), (21, 2, 'NEW', 's', 2), (22, 33, 'NEW', 's', 2); UPDATE t2 SET a = 'Upd' WHERE id = 10; UPDATE n.t SET b = 'UPD' WHERE id = 11;
		UPDATE t SET k = 2 WHERE id = 1; UPDATE n.t SET k = 1 WHERE id = 2; UPDATE t SET k = 2, a = 'Moved' WHERE id = 3; UPDATE n.t SET k = 2, b = 'MOVED' WHERE id = 4;
		INSERT INTO t (id, k, d) VALUES (12, 2, 1) ON CONFLICT (id, k) DO UPDATE SET a = 'Conf'; INSERT INTO n.t (id, k, b) VALUES (21, 2, 'x') ON CONFLICT (id, k) DO UPDATE SET b = 'CONF';
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a = ''By''; RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON t33 FOR EACH ROW EXECUTE FUNCTION f();
		UPDATE n.t SET k = 33 WHERE id = 20; DROP TRIGGER g ON t33; DROP FUNCTION f(); DELETE FROM t5; DROP TABLE t5;},
		'1|2|Aa|r|7|xxx 2|1|Aa|r|7|xxx 3|2|Moved|r|7| 4|2|moved|r|7| 10|2|Upd||1| 11|33|upd||1| 12|2|Conf||1| 20|33|By|s|20|xx 21|2|conf|s|21|xx 22|33|new|s|22|xx',
		'1|2|r|3|AA 2|1|r|3|AA 3|2|r||MOVED 4|2|r||MOVED 10|2|||UPD 11|33|||UPD 12|2|||CONF 20|33|s|2|BY 21|2|s|2|CONF 22|33|s|2|NEW' ],
	[ 'keys of partitioned tables', q{CREATE TABLE p (id int, k int, n text, PRIMARY KEY (id, k) INCLUDE (n)) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY LIST (k); CREATE TABLE p22 PARTITION OF p2 DEFAULT;
		CREATE TABLE t (id int PRIMARY KEY, p int, k int, up int REFERENCES t, FOREIGN KEY (p, k) REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL, UNIQUE (id, up) DEFERRABLE INITIALLY DEFERRED) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (100); CREATE UNIQUE INDEX u ON t (p, id);
		INSERT INTO p SELECT i, k FROM generate_series(1, 6) i, generate_series(1, 2) k; INSERT INTO t VALUES (1, 1, 1, NULL), (2, 2, 2, 1), (3, 3, 2, 2), (4, 4, 1, 3);},
		'ALTER TABLE p ALTER id TYPE bigint; ALTER TABLE t ALTER p TYPE bigint; ALTER TABLE t ALTER up TYPE smallint USING up::smallint;',
		q{INSERT INTO t VALUES (5, 5, 1, 1); INSERT INTO n.t (id, p, k, up) VALUES (6, 6, 2, 1); UPDATE p SET id = 11 WHERE id = 1; UPDATE n.p SET id = 12 WHERE id = 2; DELETE FROM p WHERE id = 3; DELETE FROM n.p WHERE id = 4;},
		'1|11|1| 2|12|2|1 3|||2 4|||3 5|5|1|1 6|6|2|1', '1|1|11| 2|2|12|1 3|||2 4|||3 5|1|5|1 6|2|6|1' ],
	[ 'collation', q{CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x');},
		'ALTER TABLE t ALTER a TYPE text COLLATE "C"; CREATE INDEX ON t (a);', q{INSERT INTO t VALUES (2, 'y');}, '1|x 2|y', '1|x 2|y' ],
	[ 'bigserial', q{CREATE TABLE t (id int); INSERT INTO t VALUES (1);},
		'ALTER TABLE t ADD n bigserial;', q{INSERT INTO t VALUES (2); INSERT INTO n.t (id) VALUES (3);}, '1 2 3', '1|1 2|2 3|3' ],
	[ 'identity column, generated columns that are read', q{CREATE TABLE t (id int PRIMARY KEY, a text, g text GENERATED ALWAYS AS (upper(a)) STORED); INSERT INTO t VALUES (1, 'x'); GRANT INSERT, SELECT, UPDATE ON t TO writer;},
		"ALTER TABLE t ADD n int GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5); ALTER TABLE t ADD b text;\n-- cmig:up t.b = g || '!'\nALTER TABLE t DROP g, DROP a;\n-- cmig:down t.a = lower(rtrim(b, '!'))",
		q{SET ROLE writer; INSERT INTO t VALUES (2, 'y'); INSERT INTO n.t (id, b) VALUES (3, 'Z!'); UPDATE t SET a = 'xx' WHERE id = 1; RESET ROLE;}, '1|xx|XX 2|y|Y 3|z|Z', '1|10|XX! 2|15|Y! 3|20|Z!' ],
	[ 'array', q{CREATE TABLE t (id int PRIMARY KEY, tags text); INSERT INTO t VALUES (1, 'a,b');},
		"ALTER TABLE t ALTER tags TYPE text[] USING string_to_array(tags, ',');\n-- cmig:down t.tags = array_to_string(tags, ',')\nCREATE INDEX ON t USING gin (tags);",
		q{INSERT INTO t VALUES (2, 'c,d'); INSERT INTO n.t (id, tags) VALUES (3, '{e,f}');}, '1|a,b 2|c,d 3|e,f', '1|{a,b} 2|{c,d} 3|{e,f}' ],
	[ 'an enum that a new table has', q{CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, m mood); INSERT INTO t VALUES (1, 'a');},
		"ALTER TYPE mood ADD VALUE 'c'; CREATE TABLE u (m mood UNIQUE DEFAULT 'b', n mood[]);\nALTER TABLE t ADD b text;",
		q{INSERT INTO u VALUES ('c', '{c}'); INSERT INTO n.t (id, m) VALUES (2, 'b'); UPDATE t SET m = 'b' WHERE id = 1;}, '1|b 2|b', '1|b| 2|b|' ],
	[ 'long names of partitions and tables', qq{CREATE TABLE ${long}1 (id int, a int) PARTITION BY LIST (id); CREATE TABLE ${long}_20261123 PARTITION OF ${long}1 FOR VALUES IN (1);
		CREATE TABLE ${long}_20261124 PARTITION OF ${long}1 FOR VALUES IN (2); CREATE TABLE ${long}2 (id int, a int);},
		"ALTER TABLE ${long}1 ALTER a TYPE bigint; ALTER TABLE ${long}2 ALTER a TYPE bigint; CREATE INDEX ON ${long}1 (a);", '' ],
);

my @refused = (
	[ 'CREATE TABLE t (id int PRIMARY KEY, a text)', 'ALTER TABLE t ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 1000), ADD b int', 'column public.t.id cannot be expanded\nDETAIL:  Its sequence would have to continue' ],
	[ 'CREATE TABLE t (id int, a text) PARTITION BY LIST (id)', 'ALTER TABLE t RENAME a TO b; CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1)', 'partition public.t1 cannot be expanded' ],
	[ 'CREATE TABLE t (id int, a text) PARTITION BY LIST (id); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1)', "ALTER TABLE t ALTER id SET NOT NULL;\n-- cmig:up t.id = coalesce(id, 0)",
		'column public.t.id cannot be expanded\nDETAIL:  It is part of a partition key' ],
	[ 'CREATE TABLE t (id int, a text); CREATE TABLE t1 () INHERITS (t)', 'ALTER TABLE t ALTER a TYPE varchar(20)', 'table public.t cannot be expanded' ],
	[ 'CREATE TABLE t (id int, a text) PARTITION BY LIST (id); CREATE TABLE t1 (id int, a text)', 'ALTER TABLE t ATTACH PARTITION t1 FOR VALUES IN (1); ALTER TABLE t ALTER a TYPE varchar(20)', 'table public.t1 cannot be expanded' ],
	[ 'CREATE TABLE t (id int, a text)', "ALTER TABLE t ADD b text;\n-- cmig:up t.b = row_to_json(t.*)->>'a'", 'the expression reads all columns of a row' ],
	[ 'CREATE TABLE t (id int, a int, CHECK (t IS NOT NULL))', 'ALTER TABLE t ALTER a TYPE bigint', 
		'statements may fail while revision "042" is expanded\nDETAIL:  table constraint t_check on public.t reads all columns of public.t' ],
	[ 'CREATE TABLE t (id int, a int UNIQUE DEFERRABLE, b int UNIQUE)', 'ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE bigint',
		'statements may fail while revision "042" is expanded\nDETAIL:  constraint t_a_key on public.t checks each row at once, and cannot be deferred\nHINT:  Let no statement rely on a deferred check until the revision is contracted. To go on: CALL' ],
	[ 'CREATE TABLE t (id int, a text)', 'ALTER TABLE t ADD g text GENERATED ALWAYS AS (lower(a)) STORED', 'column public.t.g cannot be expanded' ],
	[ "CREATE TABLE t (id int, a text); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
		"ALTER TABLE t RENAME a TO b; CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", 'function public.f\(\) cannot be expanded' ],
	[ "CREATE TABLE t (id int, a text); CREATE FUNCTION f(text) RETURNS text LANGUAGE sql AS 'SELECT lower(\$1)'",
		"CREATE OR REPLACE FUNCTION f(text) RETURNS text LANGUAGE sql AS 'SELECT upper(\$1)'; ALTER TABLE t ADD b text;\n-- cmig:up t.b = 'x' || f(a)", 'the expression calls a function that the revision changes' ],
	[ "CREATE TABLE t (id int, a text); CREATE FUNCTION f(text) RETURNS text LANGUAGE sql AS 'SELECT lower(\$1)'; CREATE FUNCTION g(text) RETURNS text LANGUAGE sql AS 'SELECT F(\$1)'; CREATE FUNCTION h(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN g(\$1); END'",
		"CREATE OR REPLACE FUNCTION f(text) RETURNS text LANGUAGE sql AS 'SELECT upper(\$1)'; ALTER TABLE t ADD b text;\n-- cmig:up t.b = 'x' || h(a)", 'the expression calls a function that the revision changes, or that may call one' ],
	[ "CREATE TYPE c AS (x int); CREATE FUNCTION f(int) RETURNS c IMMUTABLE LANGUAGE sql AS 'SELECT ROW(\$1)::c'; CREATE CAST (int AS c) WITH FUNCTION f(int) AS ASSIGNMENT; CREATE TABLE t (id int, a int)",
		"CREATE OR REPLACE FUNCTION f(int) RETURNS c IMMUTABLE LANGUAGE sql AS 'SELECT ROW(\$1 + 1)::c'; ALTER TABLE t ALTER a TYPE c USING a;\n-- cmig:down t.a = (a).x", 'the expression calls a function that the revision changes' ],
	[ "CREATE TABLE t (id int, a text); CREATE FUNCTION f(r t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"ALTER TABLE t RENAME a TO b; CREATE OR REPLACE FUNCTION f(r t) RETURNS int LANGUAGE sql AS 'SELECT 2'", 'function public.f\(r public.t\) cannot be expanded\nDETAIL:  An argument or its result has the row type of table public.t' ],
	[ "CREATE TABLE t (id int, a text)", "ALTER TABLE t RENAME a TO b; CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT b FROM public.t'",
		'function public.f\(\) cannot be expanded\nDETAIL:  Its body contains "public.t"' ],
	[ "CREATE TABLE t (id int, a text); CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()",
		'CREATE OR REPLACE VIEW v AS SELECT a FROM t WHERE id > 1', 'view public.v cannot be expanded' ],
	[ "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE t (m mood); CREATE VIEW v AS SELECT m FROM t", "ALTER TYPE mood RENAME VALUE 'a' TO 'c'", 'the change cannot be expanded\nDETAIL:  A statement fails that would be run: cannot change data type of view column' ],
	[ 'CREATE TABLE "T" (id int)', 'ALTER TABLE "T" ADD "B" text NOT NULL', 'column T.B needs a line "-- cmig:up"\nDETAIL:  .*\nHINT:  -- cmig:up "T"\."B" = <expression>' ],
	[ 'CREATE TABLE t (id int, "B" int)', 'ALTER TABLE t ALTER "B" TYPE text', 'the expression cannot be converted to type integer\nHINT:  -- cmig:down t\."B" = "B"::integer\n' ],
	[ 'CREATE TABLE t (id int)', 'DROP TABLE t; CREATE TABLE t (id int, a int)', 'table public.t cannot be expanded\nDETAIL:  The revision gives its name to another object' ],
	[ 'CREATE TABLE t (id int, a text)', 'ALTER TABLE t RENAME TO people; CREATE VIEW t AS SELECT a FROM people', 'table public.t cannot be expanded\nDETAIL:  The revision gives its name to another object' ],
	[ 'CREATE TABLE t (id int)', 'ALTER TABLE t ADD b text NOT NULL', 'column t.b needs a line "-- cmig:up"' ],
	[ 'CREATE TABLE t (id int, a text)', "ALTER TABLE t DROP a;\n-- cmig:down t.b = 'x'", 'invalid line "-- cmig:down" in revision 042, line 2 of its upgrade script\nDETAIL:  There is no column t.b before the revision.\nHINT:' ],
	[ 'CREATE TABLE t (id int, a text)', "ALTER TABLE t ADD b text;\n-- cmig:up t.b = a\nALTER TABLE t RENAME b TO c", 'invalid line "-- cmig:up" in revision 042, line 2 of its upgrade script\nDETAIL:  There is no column t.b after the revision.\nHINT:' ],
	[ 'CREATE TABLE t (id int, a text) PARTITION BY LIST (id); CREATE TABLE t1 PARTITION OF t DEFAULT', "ALTER TABLE t ADD b text;\n-- cmig:up t1.b = a", 'invalid line "-- cmig:up"' ],
	[ 'CREATE TABLE t (id int, a text)', "ALTER TABLE t ADD b text;\n-- cmig:up t.b = aa", 'revision "042" cannot be replayed\n(?s:.*)DETAIL:  column "aa" does not exist.\nHINT:  Correct the statement, or the line "-- cmig:up"' ],
	[ 'CREATE TABLE t (id int, a text)', "ALTER TABLE t RENAME a TO b;\n-- cmig:downgrade\n-- revision: 043\n-- down_revision: 042\n-- message: x\n-- cmig:upgrade\nCREATE TABLE u ()",
		q{revision "043" cannot be expanded\nDETAIL: .*\nHINT:  Expand those before it: CALL cmig.expand\('042'\)} ],
	[ 'CREATE TABLE t (id int, a text NOT NULL)', 'ALTER TABLE t DROP a', 'column t.a needs a line "-- cmig:down"' ],
	[ 'CREATE TABLE t (id int, a text)', 'ALTER TABLE t ALTER a SET NOT NULL', 'column t.a needs a line "-- cmig:up"' ],
	[ 'CREATE TABLE t (id int, a text NOT NULL)', 'ALTER TABLE t ALTER a DROP NOT NULL', 'column t.a needs a line "-- cmig:down"' ],
	[ 'CREATE TABLE t (id int, a text); CREATE TABLE u (id int, b text)', "ALTER TABLE t ADD b text;\n-- cmig:up t.b = (SELECT u.b FROM u WHERE u.id = t.id)", 'the expression contains a subquery' ],
	[ 'CREATE TABLE t (r int4range, EXCLUDE USING gist (r WITH &&))', "ALTER TABLE t ALTER r TYPE int8range USING int8range(lower(r), upper(r));\n-- cmig:down t.r = int4range(lower(r)::int, upper(r)::int)", 'constraint "t_r_excl" of table public.t cannot be expanded' ],
	[ 'CREATE TABLE t (id int, a text, r int4range, CONSTRAINT e EXCLUDE USING gist (r WITH &&) WHERE (a > $$$$))', 'ALTER TABLE t ALTER a TYPE varchar', 'constraint "e" of table public.t cannot be expanded\nDETAIL:  An exclusion' ],
	[ 'CREATE TABLE t (id int, a text)', 'ALTER TABLE t ADD CONSTRAINT e EXCLUDE (a WITH =)', 'constraint "e" of table public.t cannot be expanded\nDETAIL:  An exclusion' ],
	[ 'CREATE TABLE t (id int, a text); CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY n', 'ALTER TABLE t ALTER a TYPE varchar', 'table public.t cannot be expanded because of rule r\n' ],
	[ 'CREATE TABLE t (id int, a text); CREATE RULE r AS ON UPDATE TO t DO ALSO NOTIFY n', 'ALTER TABLE t ALTER a TYPE varchar', 'table public.t cannot be expanded because of rule r\n' ],
	[ 'CREATE TABLE t (id int, a int)', 'ALTER TABLE t ADD CHECK (a > 0)', 'constraint "t_a_check" of table public.t cannot be expanded' ],
	[ 'CREATE TABLE t (id int, a int)', 'CREATE UNIQUE INDEX i ON t (a)', 'index "i" of table public.t cannot be expanded' ],
	[ 'CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (id int, a int NOT NULL)', 'ALTER TABLE t ALTER a TYPE d', 'column public.t.a cannot be expanded' ],
	[ 'CREATE DOMAIN d AS int CHECK (value > 0); CREATE DOMAIN e AS d; CREATE TABLE t (id int)', 'ALTER TABLE t ADD a e', 'column public.t.a cannot be expanded\nDETAIL:  Its type is a domain with constraints' ],
	[ 'CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (id int, a int)', "ALTER TABLE t ADD b int DEFAULT 1 REFERENCES u ON DELETE SET DEFAULT;\n-- cmig:up t.b = a",
		'constraint "t_b_fkey" of table public.t cannot be expanded\nDETAIL:  SET DEFAULT' ],
	[ 'CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (id int, a int DEFAULT 2 REFERENCES u ON DELETE SET DEFAULT)', 'ALTER TABLE u ALTER id TYPE bigint; ALTER TABLE t ALTER a TYPE bigint, ALTER a SET DEFAULT 3',
		'constraint "t_a_fkey" of table public.t cannot be expanded\nDETAIL:  SET DEFAULT' ],
	[ 'CREATE TABLE t (id int, a int); ALTER TABLE t REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE t (id)', "ALTER TABLE t ADD b int;\n-- cmig:up t.b = a", 'cannot update table "t"' ],
	[ 'CREATE TABLE t (id int, a int); CREATE PUBLICATION p FOR TABLE t (id, a)', "ALTER TABLE t ADD b int;\n-- cmig:up t.b = a", 'cannot update table "t" because it does not have a replica identity' ],
	[ 'CREATE TABLE t (id int, a int); CREATE PUBLICATION p FOR TABLE t', 'ALTER TABLE t ADD b int', 'table public.t cannot be expanded because of publication "p"' ],
	[ 'CREATE TABLE t (id int, a int)', 'ALTER TABLE t RENAME a TO b; UPDATE t SET b = 1', 'statement 2 \(line 1\) of revision "042" cannot be expanded' ],
);

# a provider of security labels
my $library = build_library('hooks');

my $node = new_node('expand_kinds', 'autovacuum = off', 'jit = off', "shared_preload_libraries = 'pg_stat_statements'", "session_preload_libraries = '$library'", 'pg_stat_statements.track_utility = on');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE writer');
$node->safe_psql('postgres', 'CREATE DATABASE model');
$node->safe_psql('model', 'CREATE EXTENSION pg_cmig');
my $number = 0;

# statements that load both revisions, and apply the first one
sub revisions
{
	my ($before, $change) = @_;

	return "SELECT FROM cmig.load(\$c\$
-- revision: 001
-- message: start
-- cmig:upgrade
$before
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- message: change
-- expand: true
-- cmig:upgrade
$change
-- cmig:downgrade
\$c\$, prune => true); SELECT FROM cmig.upgrade('001');";
}

# a new database with these revisions
sub database
{
	my $name = 'd' . ++$number;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE model");
	$node->safe_psql($name, revisions(@_));
	return $name;
}

sub without_keys { return $_[0] =~ s/^\\(un)?restrict .*\n//gmr }

sub dump_of
{
	my ($name) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'pg_dump', '-d', $node->connstr($name), '--exclude-schema=cmig' ], '>', \$out, '2>', \$err) or die $err;
	return without_keys($out);
}

# prints the schema
my $schema = q{SELECT * FROM cmig.schema_sql(owners => true) \g |sed 's/,$//' | sort};

# sets the statements that read all tables after an upgrade, with the columns in the order
# of their names, and those with which the new build reads them during an expansion
my $tables = q{
SELECT coalesce(string_agg(format('SELECT %s FROM %I.%I ORDER BY 1, 2', columns, schema, name), ';' ORDER BY schema, name), 'SELECT') AS reads,
	coalesce(string_agg(format('SELECT %s FROM %s%I ORDER BY 1, 2', columns, CASE schema WHEN 's2' THEN 's2_042.' END, name), ';' ORDER BY schema, name), 'SELECT') AS expanded_reads
	FROM (SELECT relnamespace::regnamespace::name AS schema, relname AS name, string_agg(quote_ident(attname), ', ' ORDER BY attname) AS columns
		FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace::regnamespace::text IN ('public', 's2')
		AND attnum > 0 AND NOT attisdropped GROUP BY c.oid HAVING count(*) > 1) t \gset
};
my $by_new = 'SET search_path = public_042, public; :expanded_reads; RESET search_path;';
my $next = "\\echo [,]\n";

sub rows_of { return $node->safe_psql($_[0], "SELECT $_[2] FROM $_[1] t ORDER BY id") =~ s/\n/ /gr }

# All kinds run in one session, and so do the refused changes: in a new database, most of
# the time went into what a session reads first.
my $empty = q{RESET ALL; RESET ROLE; SELECT FROM cmig.downgrade('base');
DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS s2 CASCADE; DROP PUBLICATION IF EXISTS p;
CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC;
VACUUM pg_depend, pg_class, pg_attribute, pg_type, pg_index, pg_constraint, pg_attrdef, pg_trigger, pg_rewrite, pg_proc, pg_namespace, pg_description, pg_init_privs, pg_shdepend;
};
my $end = "\\echo []\n\\warn []\n";

# Runs scripts in one session of a new database.  For each, calls a function with what it
# printed between lines with [], and with the errors.
sub run_all
{
	my ($name, $scripts, $check) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE model");
	my (undef, $out, $err) = $node->psql($name, join($end, map { "$empty$_\n" } @$scripts), on_error_stop => 0);
	my @printed = map { [ map { s/^\n|\n$//gr } split /^\[,\]$/m, $_, -1 ] } split /^\[\]$/m, "\n$out", -1;
	my @errors = split /^\[\]$/m, $err, -1;
	$check->($_, $printed[$_] // [], $errors[$_] // '') foreach 0 .. $#$scripts;
}

my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my $dump = '\! pg_dump -h ' . $node->host . ' -p ' . $node->port . " -d kinds --exclude-schema=cmig -f $tmp/";
my @scripts;

foreach my $kind (@kinds)
{
	my (undef, $before, $change, $writes, undef, $new) = @$kind;
	my $rows = $writes ne '' && defined $new ? 'SELECT t.* FROM %s t ORDER BY id;' : '';
	my $n = @scripts;
	my $expand = sprintf 'CALL cmig.expand(%s);', $before =~ /UNIQUE.*DEFERRABLE/ ? 'confirm => true' : '';

	push @scripts, join "\n", revisions($before, $change), "${dump}before$n", 'BEGIN;', 'SELECT FROM cmig.upgrade();', $tables, $schema, $next, ':reads;', 'ROLLBACK;', $next,
	  q{SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute WHERE attrelid = to_regclass('t') AND attnum > 0 \gset},
	  "$expand CALL cmig.abandon();", "${dump}after$n", $expand, $by_new, $next,
	  $writes =~ s/\bn\./public_042./gr, $writes eq '' ? '' : 'SELECT :columns FROM public.t t ORDER BY id;', $next, $rows =~ s/%s/public_042.t/r, $next, $by_new, $next,
	  'CALL cmig.contract();', $schema, $next, ':reads;', $next, $rows =~ s/%s/public.t/r, $next, 'SELECT count(*) FROM cmig.drift();',
	  q{SELECT string_agg(format('%s.%s', attrelid::regclass, attname), ' ') FROM pg_attribute WHERE attname ~ 'cmig_new_';};
}
run_all('kinds', \@scripts, sub {
	my ($n, $printed, $errors) = @_;
	my ($what, undef, undef, $writes, $old, $new) = @{ $kinds[$n] };
	my ($schema_upgraded, $upgraded, $expanded, $by_old, $by_new, $written, $schema_contracted, $contracted, $after, $drift, $left) = @$printed;

	is(join('', $errors =~ /ERROR:.*/g), '', "$what: no error");
	is(without_keys(slurp_file("$tmp/after$n")), without_keys(slurp_file("$tmp/before$n")), "$what: abandoned");
	is($expanded, $upgraded, "$what: the new build sees the rows of an upgrade");
	is($schema_contracted, $schema_upgraded, "$what: contracted");
	is($contracted, $written, "$what: the contraction changes no row");
	is("$drift$left", '0', "$what: no drift, no column's name left");
	return if $writes eq '';
	is($by_old =~ s/\n/ /gr, $old, "$what: what the old build sees");
	is($by_new =~ s/\n/ /gr, $new, "$what: what the new build sees") if defined $new;
	is($after =~ s/\n/ /gr, $new, "$what: what the new build sees afterwards") if defined $new;
});

run_all('refused', [ map { revisions("$_->[0];", "$_->[1]\n;") . "\nCALL cmig.expand();\nSELECT count(*) FROM cmig.expansion_run;" } @refused ], sub {
	my ($n, $printed, $errors) = @_;
	my $message = $refused[$n][2];

	like($errors, qr/ERROR:  $message/, "refused: $message");
	is($printed->[0], '0', 'nothing has run');
});

# interrupted before the last of what belongs to no table
{
	my $name = database('CREATE TABLE t (id int PRIMARY KEY, a text);', 'ALTER TABLE t RENAME a TO b; CREATE TABLE fresh (id int UNIQUE, t int REFERENCES t); CREATE TYPE ty AS (i int);
		CREATE FUNCTION fu(ty) RETURNS int LANGUAGE sql RETURN 1; CREATE FUNCTION fu(text) RETURNS text LANGUAGE sql AS $$SELECT b FROM t$$; CREATE VIEW v AS SELECT b FROM t;');
	my $dump = dump_of($name);

	$node->safe_psql($name, "CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS \$\$BEGIN IF to_regclass('public_042.v') IS NOT NULL THEN RAISE 'stopped'; END IF; END\$\$;
		CREATE EVENT TRIGGER stop ON ddl_command_end EXECUTE FUNCTION stop()");
	like(($node->psql($name, 'CALL cmig.expand()'))[2], qr/ERROR:  stopped/, 'interrupted');
	$node->safe_psql($name, 'DROP EVENT TRIGGER stop; DROP FUNCTION stop(); CALL cmig.abandon()');
	is(dump_of($name), $dump, 'interrupted: abandoned');
	$node->safe_psql($name, 'CALL cmig.expand()');
	is($node->safe_psql($name, 'SELECT object FROM cmig.drift()'), '', 'what it creates is no drift');
	$node->safe_psql($name, 'CALL cmig.abandon()');
	is(dump_of($name), $dump, 'abandoned again');
}

# a function that is new in the revision exists
{
	my $name = database('CREATE TABLE t (id int, a text);', "ALTER TABLE t RENAME a TO b; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");

	$node->safe_psql($name, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 7'");
	like(($node->psql($name, 'CALL cmig.expand()'))[2], qr/DETAIL:  function "f" already exists with same argument types/, 'a function exists');
	is($node->safe_psql($name, 'SELECT f()'), '7', 'a function exists: it stays');
}

# a partition that is attached without the defaults of its parent
{
	my $name = database('CREATE TABLE u (a text PRIMARY KEY); CREATE TABLE t (id int, a text REFERENCES u, UNIQUE (id, a)) PARTITION BY LIST (id); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE INDEX ON t (a);',
		'ALTER TABLE u ALTER a TYPE varchar(9); ALTER TABLE t ALTER a TYPE varchar(9); CREATE MATERIALIZED VIEW m AS SELECT a FROM t');

	$node->safe_psql($name, 'CALL cmig.expand()');
	# as if each had ended before it was noted
	$node->safe_psql($name, "UPDATE cmig.expansion_step SET done = false WHERE phase = 'build'; UPDATE cmig.expansion_run SET state = 'expanding'");
	$node->safe_psql($name, 'CALL cmig.expand()');
	$node->safe_psql($name, "CREATE TABLE t2 (LIKE t INCLUDING DEFAULTS); INSERT INTO u VALUES ('x'); INSERT INTO t2 (id, a) VALUES (2, 'x'); ALTER TABLE t ATTACH PARTITION t2 FOR VALUES IN (2);
		CREATE TABLE t3 (LIKE t); ALTER TABLE t ATTACH PARTITION t3 FOR VALUES IN (3)");
	like(($node->psql($name, "INSERT INTO t3 VALUES (3, 'x')"))[2], qr/ERROR:  hidden columns of relation "t3" do not have their defaults/, 'attached: written');
	like(($node->psql($name, 'CALL cmig.contract()'))[2], qr/ERROR:  rows of partition public.t3 may not be transformed/, 'attached: contracted');
	$node->safe_psql($name, 'ALTER TABLE t DETACH PARTITION t3; DROP TABLE t3');
	like(($node->psql($name, 'CALL cmig.contract()'))[2], qr/ERROR:  partition public.t2 was attached/, 'attached: its rows');
	$node->safe_psql($name, "CALL cmig.expand('042')");
	$node->safe_psql($name, 'UPDATE t SET a = a; CALL cmig.contract()');
	is($node->safe_psql($name, 'SELECT * FROM t'), '2|x', 'attached: transformed');
}

# what has to be changed in a publication can be pasted: all columns remain published, and the contraction asks for a resync
my %published = (
	'DROP a' => [ 'FOR TABLE t WHERE (id > 0), u', 'FOR ALL TABLES', q{FOR TABLES IN SCHEMA public, s2 WITH (publish = 'insert, delete')} ],
	'ALTER id TYPE bigint' => [ 'FOR TABLE t (id), u', 'FOR ALL TABLES', q{FOR TABLE t WITH (publish = 'insert')} ]);
foreach my $change (sort keys %published)
{
	foreach my $publication (@{ $published{$change} })
	{
		my $name = database("CREATE SCHEMA s2; CREATE TABLE s2.v (id int); CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE u (id int);", "ALTER TABLE t $change;");
		my $published = sub { return $node->safe_psql($name, q{SELECT tablename, attnames, rowfilter, pubinsert, pubupdate FROM pg_publication_tables JOIN pg_publication USING (pubname) ORDER BY 1}) };

		$node->safe_psql($name, "SET client_min_messages = error; CREATE PUBLICATION p $publication; INSERT INTO t VALUES (1, 1)");
		my $before = $published->();
		my ($hint) = ($node->psql($name, 'CALL cmig.expand()'))[2] =~ /^HINT:  ((?:ALTER|BEGIN).*)/m;
		$node->safe_psql($name, "SET client_min_messages = error; $hint") if defined $hint;
		like($hint // 'BEGIN; ; COMMIT', qr/^BEGIN; .* COMMIT$/, "$change, $publication: in one transaction");
		is($published->(), $before, "$change, $publication: the same is published afterwards");
		is(($node->psql($name, 'CALL cmig.expand(); UPDATE t SET id = 2; UPDATE public_042.t SET id = 3; DELETE FROM t', on_error_stop => 1))[0], 0, "$change, $publication: expanded then");
		($hint) = ($node->psql($name, 'CALL cmig.contract()'))[2] =~ /^HINT:  In this order: here, (ALTER PUBLICATION p DROP TABLE public.t); SELECT /m;
		is($node->safe_psql($name, 'SELECT state FROM cmig.expansion_run'), 'expanded', "$change, $publication: nothing was contracted");
		is(($node->psql($name, "$hint; CALL cmig.contract()", on_error_stop => 1))[0], 0, "$change, $publication: contracted then");
	}
}

# whatever a table, a view, and a function have that no revision has given them, is after a
# contraction what it is after an upgrade
{
	my @revisions = (<<'END_SQL', <<'END_CHANGE');
CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, s serial, a int, b text);
CREATE MATERIALIZED VIEW m AS SELECT id, a FROM t;
CREATE VIEW v AS SELECT id, b FROM t;
CREATE VIEW kept AS SELECT b FROM t;
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT SELECT ON v, m TO granted;
END_SQL
DROP MATERIALIZED VIEW m;
DROP VIEW v;
ALTER TABLE t ALTER id TYPE bigint, ALTER s TYPE bigint, ALTER a TYPE bigint;
ALTER TABLE t RENAME b TO c;
CREATE MATERIALIZED VIEW m AS SELECT id, a FROM t;
CREATE VIEW v AS SELECT id, c FROM t;
DROP FUNCTION f(int);
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE OR REPLACE VIEW kept AS SELECT c AS b, length(c) AS n FROM t;
COMMENT ON COLUMN t.a IS 'big';
GRANT SELECT ON m TO other;
END_CHANGE
	my $by_hand = 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO byschema; ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO bydefault; GRANT SELECT ON m, v, kept TO other; GRANT SELECT (a), UPDATE (a) ON t TO granted; GRANT USAGE ON SEQUENCE t_id_seq, t_s_seq TO granted;'
	  . 'GRANT EXECUTE ON FUNCTION f(int) TO granted; REVOKE EXECUTE ON FUNCTION f(int) FROM PUBLIC; ALTER TABLE t ALTER a SET STATISTICS 7, ALTER a SET (n_distinct = 3);'
	  . 'ALTER VIEW kept OWNER TO granted; GRANT CREATE ON SCHEMA public TO granted;'
	  . q{COMMENT ON COLUMN t.id IS 'a'; COMMENT ON CONSTRAINT t_pkey ON t IS 'b'; COMMENT ON INDEX t_pkey IS 'c'; ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey; ALTER TABLE t CLUSTER ON t_pkey;}
	  . q{ALTER TABLE t ALTER id SET INCREMENT BY 10; COMMENT ON COLUMN t.b IS 'd'; ALTER TABLE t ALTER b SET STORAGE EXTERNAL, ADD byhand int DEFAULT 7; CREATE INDEX hand ON t (a, b) WHERE s > 0;}
	  . q{SECURITY LABEL FOR mask ON COLUMN t.id IS 'id'; SECURITY LABEL FOR mask ON COLUMN t.a IS 'a'; SECURITY LABEL FOR mask ON COLUMN t.b IS 'b'; SECURITY LABEL FOR mask ON TABLE t IS 't'; SECURITY LABEL FOR mask ON VIEW kept IS 'v';};

	$node->safe_psql('postgres', 'CREATE ROLE granted; CREATE ROLE other; CREATE ROLE byschema; CREATE ROLE bydefault');
	my ($upgraded, $contracted) = map { database(@revisions) } 1, 2;
	$node->safe_psql($_, $by_hand) foreach $upgraded, $contracted;
	$node->safe_psql($upgraded, 'SELECT FROM cmig.upgrade()');
	# also what is granted meanwhile
	$node->safe_psql($contracted, 'CALL cmig.expand(confirm => true)');
	is($node->safe_psql($contracted, "SELECT string_agg(label, ' ' ORDER BY label) FROM pg_seclabels WHERE objname LIKE '%.cmig%'"), 'a id', 'a hidden column has the labels of the one that it replaces');
	$node->safe_psql($contracted, q{SECURITY LABEL FOR mask ON COLUMN t.s IS 'late'; SECURITY LABEL FOR mask ON COLUMN t.a IS 'new'; SECURITY LABEL FOR mask ON COLUMN t.id IS NULL; GRANT UPDATE (a) ON t TO other; REVOKE UPDATE (a) ON t FROM granted; GRANT SELECT ON SEQUENCE t_id_seq TO other});
	# each CALL hides what is masked meanwhile
	is($node->safe_psql($contracted, q{SELECT count(*) FROM cmig.check() WHERE problem LIKE 'its privileges or security labels%'}), '5', 'what differs is reported');
	$node->safe_psql($contracted, 'CALL cmig.expand()');
	is($node->safe_psql($contracted, "SELECT string_agg(label, ' ' ORDER BY label) FROM pg_seclabels WHERE objname LIKE '%.cmig%'"), 'late new', 'and changed by a CALL');
	$node->safe_psql($contracted, 'CALL cmig.contract()');
	$node->safe_psql($upgraded, q{SECURITY LABEL FOR mask ON COLUMN t.s IS 'late'; SECURITY LABEL FOR mask ON COLUMN t.a IS 'new'; SECURITY LABEL FOR mask ON COLUMN t.id IS NULL; GRANT UPDATE (a) ON t TO other; REVOKE UPDATE (a) ON t FROM granted; GRANT SELECT ON SEQUENCE t_id_seq TO other});
	# replaced columns stand last
	my ($got, $expected) = map { join "\n", sort map { s/,$//r } grep { !/^COPY / } split /\n/, dump_of($_) } $contracted, $upgraded;
	is($got, $expected, 'owners, privileges, and settings by hand are those after an upgrade');

}

# what reads all columns, or uses what a view does not take, must be confirmed
{
	my $name = database('CREATE TABLE t (id serial PRIMARY KEY, a int); CREATE TABLE u (id int); CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);',
		'ALTER TABLE t ADD b int; ALTER TABLE p ADD b int;');
	my $found = sub {
		my (undef, undef, $err) = $node->psql($name, 'CALL cmig.expand()', @_);
		return $err =~ /^DETAIL:  (.*?)\nHINT/ms ? join("\n", sort split /\n/, $1) : $err;
	};

	$node->safe_psql($name, 'CREATE EXTENSION pg_stat_statements; SELECT FROM pg_stat_statements_reset()');
	# none of these is affected
	$node->safe_psql($name, $_) foreach 'SELECT count(*) FROM t', 'SELECT id FROM t WHERE EXISTS (SELECT * FROM t)', 'SELECT u.* FROM u, t', 'WITH t AS (SELECT 1) SELECT * FROM t',
		'SELECT id FROM (SELECT * FROM t) s', 'COPY t (id, a) TO STDOUT', 'INSERT INTO t (a) VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING id', 'TRUNCATE u',
		'SELECT id, a AS b, max(id) FROM t GROUP BY id, b', 'SELECT t.id, a + 1 FROM t GROUP BY 1, a', 'SELECT u.tableoid, t.id FROM t, u', 'WITH t AS (SELECT u.id, u.xmin FROM u) SELECT xmin FROM t', 'SELECT a FROM t GROUP BY GROUPING SETS (a)', 'SELECT * FROM s2.t'
		=~ s/.*/CREATE SCHEMA s2; CREATE TABLE s2.t (id int); $&/r;
	is(($node->psql($name, 'CALL cmig.expand()'))[0], 0, 'no statement is found');
	$node->safe_psql($name, 'CALL cmig.abandon()');
	$node->psql($name, $_) foreach 'PREPARE p AS SELECT * FROM t WHERE a = $1; EXECUTE p (1)', 'SELECT t.* FROM t, u', 'SELECT x FROM t x', 'SELECT * FROM p1', 'INSERT INTO t (a) VALUES (1) RETURNING *',
		'WITH x AS (SELECT * FROM public.t) SELECT * FROM u NATURAL JOIN (SELECT * FROM x) y', 'COPY t TO STDOUT', 'TRUNCATE t', q{SELECT pg_get_serial_sequence('t', 'id')},
		'INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING', 'UPDATE t SET a = 2 FROM u WHERE u.id = t.id RETURNING t.*',
		'SELECT x.id, x.a, count(*) FROM t x, u GROUP BY x.id', 'SELECT id FROM u WHERE EXISTS (SELECT t.* FROM t GROUP BY id)', 'SELECT id FROM u WHERE (id, id) IN (SELECT * FROM t)', 'SELECT id FROM t TABLESAMPLE system (1)', 'INSERT INTO t (a) VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING xmax = 0', 'DELETE FROM t USING u WHERE t.ctid IS NULL', 'UPDATE t SET a = 1 WHERE id = 0 RETURNING xmin',
		'BEGIN; DECLARE c CURSOR FOR SELECT id FROM t; FETCH c; UPDATE t SET a = 1 WHERE CURRENT OF c; ROLLBACK';
	is($found->(), <<'END' =~ s/\n\z//r, 'statements are found');
statement "COPY t TO STDOUT" has COPY without a list of columns for public.t
statement "DELETE FROM t USING u WHERE t.ctid IS NULL" reads ctid, which a view does not have, of public.t
statement "INSERT INTO t (a) VALUES ($1) ON CONFLICT (id) DO NOTHING RETURNING xmax = $2" reads xmax, which a view does not have, of public.t
statement "INSERT INTO t (a) VALUES ($1) RETURNING *" reads all columns of public.t
statement "INSERT INTO t VALUES ($1) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING" has ON CONFLICT ON CONSTRAINT, which a view does not take, for public.t
statement "PREPARE p AS SELECT * FROM t WHERE a = $1" reads all columns of public.t
statement "SELECT * FROM p1" reads all columns of public.p1
statement "SELECT id FROM t TABLESAMPLE system ($1)" has TABLESAMPLE, which a view does not take, for public.t
statement "SELECT id FROM u WHERE (id, id) IN (SELECT * FROM t)" reads all columns of public.t
statement "SELECT id FROM u WHERE EXISTS (SELECT t.* FROM t GROUP BY id)" has GROUP BY of a primary key, which a view does not have, for public.t
statement "SELECT pg_get_serial_sequence($1, $2)" has pg_get_serial_sequence, which finds no sequence of a view
statement "SELECT t.* FROM t, u" reads all columns of public.t
statement "SELECT x FROM t x" reads all columns of public.t
statement "SELECT x.id, x.a, count(*) FROM t x, u GROUP BY x.id" has GROUP BY of a primary key, which a view does not have, for public.t
statement "TRUNCATE t" has TRUNCATE, which a view does not take, for public.t
statement "UPDATE t SET a = $1 FROM u WHERE u.id = t.id RETURNING t.*" reads all columns of public.t
statement "UPDATE t SET a = $1 WHERE CURRENT OF c" has WHERE CURRENT OF, which a view does not take, for public.t
statement "UPDATE t SET a = $1 WHERE id = $2 RETURNING xmin" reads xmin, which a view does not have, of public.t
statement "WITH x AS (SELECT * FROM public.t) SELECT * FROM u NATURAL JOIN (SELECT * FROM x) y" reads all columns of public.t
END
	is($node->safe_psql($name, 'SELECT count(*) FROM cmig.expansion_run'), '0', 'nothing has run before that is confirmed');
	$node->safe_psql($name, 'CALL cmig.expand(confirm => true)');
	is($node->safe_psql($name, 'SELECT count(*) FROM cmig.expansion_run'), '1', 'confirmed');
	$node->safe_psql($name, 'CALL cmig.abandon()');
	$node->safe_psql($name, 'DROP SCHEMA s2 CASCADE; CREATE ROLE pat LOGIN; GRANT CREATE ON DATABASE ' . $name . ' TO pat; GRANT ALL ON SCHEMA public TO pat; ALTER TABLE t OWNER TO pat; ALTER TABLE u OWNER TO pat; ALTER TABLE p OWNER TO pat; ALTER TABLE p1 OWNER TO pat; ALTER SCHEMA public OWNER TO pat');
	$node->safe_psql($name, q{SELECT FROM cmig.grant_access('pat', 'migrator')});
	like($found->(extra_params => [ '-U', 'pat' ]), qr/NOTICE:  statements of the builds were not searched: .*GRANT pg_read_all_stats TO pat\n/, 'statements of other roles');
}

# restored(FROM, TO, OPTION...): dumps a database, and returns the errors of restoring it.
sub restored
{
	my ($from, $to, @options) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$to.sql";
	my ($out, $errors) = ('', '');

	$node->safe_psql('postgres', "CREATE DATABASE $to");
	IPC::Run::run([ 'pg_dump', '-d', $node->connstr($from), '-f', $file, @options ], '2>', \$errors) or die $errors;
	IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($to), '-f', $file ], '>', \$out, '2>', \$errors);
	return $errors;
}

# dumped and restored while it is expanded
{
	my $from = database('CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL); INSERT INTO t VALUES (1, $$A$$);',
		"ALTER TABLE t ADD full_name text NOT NULL;\n-- cmig:up t.full_name = name || '!'\nALTER TABLE t DROP name;\n-- cmig:down t.name = rtrim(full_name, '!')\n");

	$node->safe_psql($from, 'CALL cmig.expand()');
	is(restored($from, 'restored'), '', 'restored while it is expanded');
	$node->safe_psql('restored', q{INSERT INTO public.t (id, name) VALUES (2, 'B'); INSERT INTO public_042.t (id, full_name) VALUES (3, 'C!!')});
	is(rows_of('restored', 'public.t', 'id, name'), '1|A 2|B 3|C', 'restored: the old build');
	is(rows_of('restored', 'public_042.t', '*'), '1|A! 2|B! 3|C!!', 'restored: the new build');
	# as a hint says
	$node->safe_psql('restored', q{UPDATE cmig.expansion_step SET done = true WHERE phase = 'prepare'});
	$node->safe_psql('restored', 'CALL cmig.contract()');
	is(rows_of('restored', 'public.t', '*'), '1|A! 2|B! 3|C!!', 'restored: contracted');

	# where it was expanded, a trigger that was disabled, or created again, is seen, whatever the steps are
	foreach my $alter ('ALTER TABLE t DISABLE TRIGGER "!cmig_begin"; ALTER TABLE t ENABLE ALWAYS TRIGGER "!cmig_begin"', 'ALTER TABLE t DISABLE TRIGGER "~cmig_write"; ALTER TABLE t ENABLE ALWAYS TRIGGER "~cmig_write"',
		map { 'BEGIN; DROP TRIGGER "' . $_ . '" ON t; ' . $node->safe_psql($from, "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = '$_'") . qq{; ALTER TABLE t ENABLE ALWAYS TRIGGER "$_"; COMMIT} } '!cmig_begin', '~cmig_write')
	{
		my ($name) = $alter =~ /"(.*?)"/;

		$node->safe_psql($from, "$alter; UPDATE cmig.expansion_step SET role = DEFAULT");
		like(($node->psql($from, 'CALL cmig.contract()'))[2], qr/ERROR:  trigger "$name" of table public.t was dropped, disabled, or altered/, $alter);
		$node->safe_psql($from, 'CALL cmig.expand()');
	}

	# without data: nothing says that it is expanded, and its triggers would refuse writes
	is(restored($from, 'empty', '--schema-only'), '', 'restored without data');
	$node->safe_psql('empty', $node->safe_psql($from, q{SELECT format('INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES (%L, %L, %L);', revision, down_revision, upgrade_sql) FROM cmig.revision ORDER BY 1}));
	like(($node->psql('empty', $_))[2], qr/ERROR:  schema public_042 belongs to an expansion that is not recorded/, "$_ of a copy without data") foreach "SELECT cmig.stamp('001')", 'SELECT FROM cmig.upgrade()', 'CALL cmig.expand()';
	is($node->safe_psql('empty', q{SELECT count(*) FROM cmig.status() WHERE item = 'error'}), '2', 'status of a copy without data');
	$node->safe_psql('empty', $_) foreach split /\n/, $node->safe_psql('empty', q{SELECT fix FROM cmig.check() WHERE severity = 'error'});
	is($node->safe_psql('empty', q{SELECT cmig.stamp('001'); INSERT INTO t VALUES (1, 'A'); SELECT count(*) FROM cmig.drift()}), "001\n0", 'without what the expansion has created, it is the old version');
}

# roles: an owner who is no superuser, scripts that run as another role, and one that
# does not own the schema
$node->safe_psql('postgres', 'CREATE ROLE ann LOGIN; CREATE ROLE ddl; GRANT ddl TO ann; CREATE DATABASE shop OWNER ann');
my $revisions = "SELECT FROM cmig.load(\$c\$
-- revision: 001
-- message: start
-- cmig:upgrade
CREATE TABLE t (id int PRIMARY KEY, a text);
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- message: change
-- expand: true
-- cmig:upgrade
ALTER TABLE t ALTER a TYPE int USING a::int;
-- cmig:downgrade
\$c\$)";
my @as_ann = (extra_params => [ '-U', 'ann' ]);
$node->safe_psql('shop', "CREATE EXTENSION pg_cmig; $revisions; SELECT FROM cmig.upgrade('001'); INSERT INTO t VALUES (1, '1')", @as_ann);
$node->safe_psql('shop', $_, @as_ann) foreach 'CALL cmig.expand()', 'CALL cmig.abandon()', 'CALL cmig.expand()';
$node->safe_psql('shop', 'GRANT INSERT, SELECT ON public_042.t TO writer; GRANT INSERT, SELECT ON t TO writer');
$node->safe_psql('shop', q{SET ROLE writer; INSERT INTO t VALUES (2, '2'); INSERT INTO public_042.t VALUES (3, 3)});
is($node->safe_psql('shop', 'SELECT count(DISTINCT last_old_write) FROM cmig.expansion()', @as_ann), '1', 'an owner: the write is noticed');
is(restored('shop', 'other', '--no-owner', '--no-privileges'), '', 'restored with another owner');
my (undef, undef, $refused) = $node->psql('other', 'CALL cmig.abandon()');
like($refused, qr/were stored by role "ann".*HINT: .* as after a restore with another owner: UPDATE/s, 'the statements of another owner are refused');
$node->safe_psql('other', $1) if $refused =~ /owner: (UPDATE.*)/;
$node->safe_psql('other', 'CALL cmig.abandon()');
is($node->safe_psql('other', q{SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped}), 'id a',
	'restored with another owner: abandoned');
$node->safe_psql('shop', 'CALL cmig.contract()', @as_ann);
is($node->safe_psql('shop', 'SELECT string_agg(id || a::text, $$ $$ ORDER BY id) FROM t', @as_ann), '11 22 33', 'an owner: contracted');

$node->safe_psql('postgres', 'CREATE DATABASE roles');
$node->safe_psql('roles', "CREATE EXTENSION pg_cmig; GRANT ALL ON SCHEMA public TO ddl; GRANT CREATE ON DATABASE roles TO ddl; $revisions;
	SELECT FROM cmig.grant_access('ddl', 'migrator') a, cmig.grant_access('ann', 'migrator') b; ALTER DATABASE roles SET cmig.role = 'ddl'");
$node->safe_psql('roles', "SELECT FROM cmig.upgrade('001')", @as_ann);
like(($node->psql('roles', 'CALL cmig.expand()', @as_ann))[2], qr/ERROR:  schema "public", in which revisions create objects, belongs to another role/, 'the schema belongs to another role');
$node->safe_psql('roles', 'ALTER SCHEMA public OWNER TO ddl');
$node->safe_psql('roles', $_, @as_ann) foreach 'CALL cmig.expand()', 'CALL cmig.contract()';
is($node->safe_psql('roles', 'SELECT revision FROM cmig.current()', @as_ann), '042', 'scripts run as another role');

# the owner of a type creates casts while a table is expanded: nobody who writes it runs their
# functions, and they do not change what is stored
$node->safe_psql('postgres', 'CREATE ROLE mall; CREATE DATABASE casts');
$node->safe_psql('casts', "CREATE EXTENSION pg_cmig; CREATE SCHEMA lib; GRANT CREATE, USAGE ON SCHEMA lib TO mall; SET ROLE mall; CREATE TYPE lib.e AS ENUM ('a', 'b'); RESET ROLE;
	CREATE FUNCTION seven(lib.e) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 7'; CREATE CAST (lib.e AS bigint) WITH FUNCTION seven(lib.e)");
$node->safe_psql('casts', revisions('CREATE TABLE t (id int PRIMARY KEY, v lib.e, w lib.e); CREATE TABLE p (id int PRIMARY KEY, v lib.e) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT;',
		"ALTER TABLE t ADD u text;\n-- cmig:up t.u = v::text\nALTER TABLE t ADD n bigint;\n-- cmig:up t.n = v::bigint\nALTER TABLE t ALTER w TYPE text;\n-- cmig:up t.w = w::text\n-- cmig:down t.w = w::lib.e\nALTER TABLE p ALTER v TYPE text;\n-- cmig:up p.v = v::text\n-- cmig:down p.v = v::lib.e\nCREATE POLICY q ON t USING (v::text <> 'x');"));
$node->safe_psql('casts', "CALL cmig.expand(); SELECT FROM cmig.grant_access('mall', 'migrator')");
# as a migrator, it could make the stored steps newer than the casts
$node->safe_psql('casts', q{SET ROLE mall;
	CREATE FUNCTION lib.f(lib.e) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN 'run by ' || current_user; END$$;
	CREATE CAST (lib.e AS text) WITH FUNCTION lib.f(lib.e) AS ASSIGNMENT;
	CREATE FUNCTION lib.g(text) RETURNS lib.e LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN 'b'; END$$;
	CREATE CAST (text AS lib.e) WITH FUNCTION lib.g(text) AS ASSIGNMENT;
	UPDATE cmig.expansion_step SET done = done WHERE done; UPDATE cmig.expansion_step SET done = done WHERE NOT done});
like(($node->psql('casts', 'SET ROLE mall; DROP CAST (lib.e AS bigint)'))[2], qr/ERROR:  cannot drop cast from lib\.e to bigint because other objects depend on it/, 'a cast that is used cannot be dropped');
$node->safe_psql('casts', q{INSERT INTO public.t (id, v, w) VALUES (1, 'a', 'a'); INSERT INTO public.p VALUES (1, 'a');
	INSERT INTO public_042.t (id, v, w) VALUES (2, 'a', 'a'); INSERT INTO public_042.p VALUES (2, 'a')});
is(rows_of('casts', 'public_042.t', 'id, v, w, u, n'), '1|a|a|a|7 2|a|a||', 'a cast of later is not run');
is(rows_of('casts', 'public.t', 'id, w'), '1|a 2|a', 'nor for the old build');
is(rows_of('casts', $_, 'id, v'), '1|a 2|a', "nor in a partition: $_") foreach 'public.p', 'public_042.p';
# statements that are run later would find them
like(($node->psql('casts', 'CALL cmig.contract()'))[2], qr/ERROR:  a stored statement .* would use function lib\.f\(lib\.e\) of role mall, with which it was not tried/, 'nor by the statements of a contraction');
# the function could also be one that is built in, and calls itself by this cast; all is as old as after a restore
$node->safe_psql('casts', 'DROP CAST (lib.e AS text); SET ROLE mall; CREATE CAST (lib.e AS text) WITH FUNCTION quote_literal(anyelement) AS ASSIGNMENT; RESET ROLE;
	INSERT INTO public.t (id, v, w) VALUES (3, $$a$$, $$a$$); GRANT USAGE ON SCHEMA public_042 TO mall; UPDATE cmig.expansion_step SET done = done');
like(($node->psql('casts', 'CALL cmig.contract()'))[2], qr/ERROR:  a stored statement .* could use cast \(lib\.e AS text\) of role mall/, 'whatever its function is');
$node->safe_psql('casts', 'DELETE FROM public.t WHERE id = 3; DROP CAST (lib.e AS text); DROP CAST (text AS lib.e); CALL cmig.contract()');
is(rows_of('casts', 't', 'id, v, w, u, n'), '1|a|a|a|7 2|a|a||', 'nor at the contraction');

# a cast that only the contraction uses: without it, what it stores would be converted through text
$node->safe_psql('casts', q{CREATE FUNCTION of_text(text) RETURNS lib.e LANGUAGE sql IMMUTABLE AS $$SELECT 'b'::lib.e$$; CREATE CAST (text AS lib.e) WITH FUNCTION of_text(text);
	SELECT cmig.create_revision('policy', $$ALTER TABLE t ALTER id TYPE bigint; CREATE POLICY p ON t USING (v = (w::text || '')::lib.e)$$, revision => '043', expand => true)});
$node->safe_psql('casts', 'CALL cmig.expand(); DROP CAST (text AS lib.e)');
like(($node->psql('casts', 'CALL cmig.contract()'))[2], qr/ERROR:  cast \(text AS lib\.e\) was dropped since revision "043" was expanded/, 'contract needs the casts that it was planned with');
$node->safe_psql('casts', 'CALL cmig.abandon(); CREATE CAST (text AS lib.e) WITH FUNCTION of_text(text); CALL cmig.expand(); CALL cmig.contract()');
is(rows_of('casts', 'pg_policy', 'pg_get_expr(polqual, polrelid) AS id'), q{((v)::text <> 'x'::text) (v = ((w || ''::text))::lib.e)}, 'and stores the same with them');

# what the triggers call is what was found at cmig.expand: an operator that is printed without its name, and
# a function or an operator in whose place another role could create one that fits a call better, are refused
$node->safe_psql('postgres', 'CREATE DATABASE exact');
$node->safe_psql('exact', q{CREATE EXTENSION pg_cmig; CREATE EXTENSION citext; CREATE SCHEMA lib; GRANT USAGE ON SCHEMA lib TO mall;
	CREATE FUNCTION lib.poly(anyelement) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'any'$$;
	CREATE FUNCTION lib.optional(int, text DEFAULT '') RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'optional'$$;
	CREATE FUNCTION lib.many(VARIADIC int[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'many'$$;
	CREATE FUNCTION lib.both(anycompatible, anycompatible) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'both'$$;
	CREATE OPERATOR lib.### (FUNCTION = lib.both, LEFTARG = anycompatible, RIGHTARG = anycompatible)});
$node->safe_psql('exact', revisions('CREATE TABLE t (id int PRIMARY KEY, c citext, n citext);', 'SELECT 1;'));
my @calls = (
	[ qr/lib\.poly\(anyelement\)/, "ALTER TABLE t ADD x text;\n-- cmig:up t.x = lib.poly(id)" ],
	[ qr/lib\.optional\(integer,text\)/, "ALTER TABLE t ALTER n TYPE text;\n-- cmig:down t.n = lib.optional(id)" ],
	[ qr/lib\.###\(anycompatible,anycompatible\)/, "ALTER TABLE t ADD x text;\n-- cmig:up t.x = id OPERATOR(lib.###) id" ],
	[ qr/lib\.many\(integer\[\]\)/, 'ALTER TABLE t ADD x text DEFAULT lib.many(1, 2)' ],
	[ qr/lib\.many\(integer\[\]\)/, "ALTER TABLE t ALTER c SET DEFAULT lib.many(1, 2), ADD x int" ],
	[ qr/lib\.poly\(anyelement\)/, "CREATE INDEX ON t (lib.poly(id))" ],
	[ qr/lib\.poly\(anyelement\)/, "ALTER TABLE t ADD x int; CREATE STATISTICS s ON (lib.poly(id)), (lib.poly(n)) FROM t" ],
	[ qr/lib\.poly\(anyelement\)/, "ALTER TABLE t ADD x int; CREATE DOMAIN d AS text DEFAULT lib.poly(1)" ],
	[ qr/lib\.poly\(anyelement\)/, "CREATE VIEW v AS SELECT lib.poly(id) FROM t; ALTER TABLE t ADD x int" ]);
my $expand_exact = sub {
	my ($change) = @_;

	$node->safe_psql('exact', "SELECT cmig.remove_revision('042'); SELECT cmig.create_revision('change', \$c\$$change\$c\$, revision => '042', expand => true)");
	return ($node->psql('exact', 'CALL cmig.expand()'))[2];
};
$node->safe_psql('exact', 'GRANT CREATE ON SCHEMA lib TO mall');
like($expand_exact->($_->[1]), qr/ERROR:  another function could be called instead of $_->[0] while.*HINT:  REVOKE CREATE ON SCHEMA lib FROM mall/s, "not exact: $_->[1]") foreach @calls;
like($expand_exact->("ALTER TABLE t ADD x text;\n-- cmig:up t.x = $_"), qr/ERROR:  the expression would not call the same operators/, "unnamed: $_")
  foreach "CASE c WHEN 'a' THEN 'b' ELSE 'c' END", "nullif(c, 'a')::text", "(c IS DISTINCT FROM 'a')::text";
like($expand_exact->("ALTER TABLE t ADD CHECK (c IS DISTINCT FROM 'a');\n-- cmig:up t.c = c || 'x'"), qr/ERROR:  the expression would not call the same operators/, 'unnamed in a check');
like(($node->psql('exact', "SELECT FROM cmig.grant_access('mall', 'migrator'); SET SESSION AUTHORIZATION mall; CALL cmig.expand()"))[2],
	qr/ERROR:  schema "public", in which revisions create objects, belongs to another role/, 'a role that does not own the schema');
$node->safe_psql('exact', 'REVOKE CREATE ON SCHEMA lib FROM mall; INSERT INTO t VALUES (1, $$ABC$$)');
unlike($expand_exact->("ALTER TABLE t ADD x text;\n-- cmig:up t.x = CASE WHEN c = 'abc' THEN lib.poly(id) || lib.optional(id) END"), qr/ERROR/, 'trusted schema');
is(rows_of('exact', 'public_042.t', 'id, x'), '1|anyoptional', 'an operator with a name is that of the type');

# labels are not compared, which is said wherever they would be lost
$node->safe_psql('postgres', 'CREATE DATABASE labeled');
$node->safe_psql('labeled', q{
CREATE EXTENSION pg_cmig;
CREATE SCHEMA s; CREATE TABLE s.t (id int, mail text); CREATE VIEW s.v AS SELECT id FROM s.t;
SECURITY LABEL FOR mask ON COLUMN s.t.mail IS 'it''s';
SECURITY LABEL FOR mask ON VIEW s.v IS E'a\nb';
});
my $lost = "mask for table column s.t.mail|security labels are not compared, and go with what is dropped: SECURITY LABEL FOR mask ON COLUMN s.t.mail IS 'it''s'";
is($node->safe_psql('labeled', "SELECT object, hazard FROM cmig.diff('CREATE SCHEMA s; CREATE TABLE s.t (id int, mail text); CREATE VIEW s.v AS SELECT id, 1 AS one, mail FROM s.t', schemas => '{s}') WHERE kind = 'security label'"),
	"$lost\nmask for view s.v|security labels are not compared, and go with what is dropped", 'diff');
is($node->safe_psql('labeled', "SELECT count(*) FROM cmig.diff('', schemas => '{public}') WHERE kind = 'security label'"), '0', 'of other schemas');
my $equal = q{'CREATE SCHEMA s; CREATE TABLE s.t (id int, mail text); CREATE VIEW s.v AS SELECT id FROM s.t', schemas => '{s}'};
is($node->safe_psql('labeled', "SELECT cmig.require_schema($equal); SELECT count(*) FROM cmig.diff($equal)"), "\n0", 'they are no difference');
like($node->safe_psql('labeled', "SELECT cmig.schema_sql('{s}')"), qr/^-- unsupported: security label mask for view s[.]v$/m, 'schema_sql');
like($node->safe_psql('labeled', "SELECT content FROM cmig.baseline('b', schemas => '{s}')"), qr/^-- unsupported: security label mask for table column s[.]t[.]mail: .*'it''s'$/m, 'baseline');
$node->safe_psql('labeled', q{SELECT FROM cmig.create_scope('one', 'base'); CREATE TABLE one.t (id int, "odd one" text); CREATE TYPE one.mood AS ENUM ('a');
	CREATE FUNCTION one.f(one.mood, int, one.mood) RETURNS int LANGUAGE sql AS 'SELECT 1'; SET cmig.scope = 'one'; SELECT cmig.stamp('head');
	SECURITY LABEL FOR mask ON TABLE one.t IS 'x'; SECURITY LABEL FOR mask ON COLUMN one.t."odd one" IS 'y'; SECURITY LABEL FOR mask ON FUNCTION one.f(one.mood, int, one.mood) IS 'f';
	SECURITY LABEL FOR mask ON TYPE one.mood IS 'm'; SECURITY LABEL FOR mask ON SCHEMA one IS 's'});
foreach my $two ('two', '"odd ""two"')
{
	my $labels = q{SELECT string_agg(concat(objtype, ' ', objname, ' ', label), ', ' ORDER BY 1) FROM pg_seclabels WHERE objnamespace = 'one'::regnamespace OR objname = 'one'};
	my ($hint) = ($node->psql('labeled', q{SELECT FROM cmig.create_scope((parse_ident('} . $two . q{'))[1], copy_of => 'one')}))[2] =~
		/NOTICE:  security labels of scope "one" were not copied\nHINT:  (.*)/;

	like($hint, qr/^SECURITY LABEL FOR mask ON FUNCTION .*; SECURITY LABEL FOR mask ON TYPE /, "create_scope: $two");
	$node->safe_psql('labeled', $hint);
	is($node->safe_psql('labeled', $labels =~ s/'one'/'$two'/r =~ s/'one'/(parse_ident('$two'))[1]/r) =~ s/\Q$two\E/one/gr, $node->safe_psql('labeled', $labels), 'the hint copies them');
}
$node->safe_psql('labeled', q{DO $$ BEGIN FOR i IN 1..12 LOOP EXECUTE format('CREATE TABLE one.u%s (); SECURITY LABEL FOR mask ON TABLE one.u%1$s IS %L', i, 'x'); END LOOP; END $$});
like(($node->psql('labeled', "SELECT FROM cmig.create_scope('three', copy_of => 'one')"))[2], qr/HINT:  (?:SECURITY LABEL [^;]*; ){10}and 7 more: SELECT .* 'one'::regnamespace$/m, 'the first ones');

done_testing();
