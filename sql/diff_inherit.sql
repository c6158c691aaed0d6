--
-- cmig.diff: inheritance, indexes that only the partitioned table has, and base types
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/diff_judge.psql'
\i :include
CREATE SCHEMA shop;
SET search_path = shop;
\set ECHO all

-- a new parent is inherited once the table has the parent's columns and constraints
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int, CHECK (x > 0)); CREATE TABLE c (y int)$$,
	$$CREATE TABLE p (x int, CHECK (x > 0)); CREATE TABLE c (y int, x int) INHERITS (p)$$);
SELECT * FROM pg_temp.judge($$CREATE TABLE c (y int)$$, $$CREATE TABLE p (x int); CREATE TABLE c (y int) INHERITS (p)$$);
-- the parent gets a column at the same time, and another parent remains
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int); CREATE TABLE q (z int); CREATE TABLE c (y int) INHERITS (q)$$,
	$$CREATE TABLE p (x int, w int); CREATE TABLE q (z int, v int); CREATE TABLE c (y int) INHERITS (q, p)$$);
-- columns and constraints of a parent that is no longer inherited are dropped, or kept
CREATE TABLE p (x int, CHECK (x > 0)); CREATE TABLE c (y int) INHERITS (p);
SELECT step, upgrade_sql, downgrade_sql, hazard FROM cmig.diff($$CREATE TABLE shop.p (x int, CHECK (x > 0)); CREATE TABLE shop.c (y int)$$, '{shop}');
SELECT step, upgrade_sql, downgrade_sql, hazard FROM cmig.diff($$CREATE TABLE shop.c (x int, y int)$$, '{shop}');
DROP TABLE c, p;

-- a grandchild keeps a column
CREATE TABLE p (x int, y int); CREATE TABLE c () INHERITS (p); CREATE TABLE g () INHERITS (c); CREATE TABLE d () INHERITS (p);
SELECT step, upgrade_sql, downgrade_sql FROM cmig.diff($$CREATE TABLE shop.p (x int); CREATE TABLE shop.c () INHERITS (shop.p); CREATE TABLE shop.g (y int) INHERITS (shop.c); CREATE TABLE shop.d () INHERITS (shop.p)$$, '{shop}');
\set ECHO none
DROP TABLE g, d, c, p;
-- storage and compression of children when the parent's column changes its type
SELECT * FROM pg_temp.judge($$CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE p (x e[] COMPRESSION pglz, y varchar(9)); CREATE TABLE c () INHERITS (p); CREATE TABLE g () INHERITS (c);
	ALTER TABLE p ALTER x SET STORAGE external; ALTER TABLE ONLY c ALTER x SET STORAGE main; ALTER TABLE g ALTER y SET COMPRESSION pglz$$,
	$$CREATE TYPE e AS ENUM ('a', 'c'); CREATE TABLE p (x e[] COMPRESSION pglz, y text); CREATE TABLE c () INHERITS (p); CREATE TABLE g () INHERITS (c);
	ALTER TABLE p ALTER x SET STORAGE external; ALTER TABLE ONLY c ALTER x SET STORAGE main; ALTER TABLE c ALTER y SET STORAGE external$$);
\set ECHO all

-- a constraint that is not valid is added to children together with the parent's, even if it has a comment there
SELECT * FROM pg_temp.judge('', $$CREATE TABLE p (x int); CREATE TABLE c (y int) INHERITS (p); CREATE TABLE g () INHERITS (c);
	ALTER TABLE p ADD CONSTRAINT k CHECK (x > 0) NOT VALID; COMMENT ON CONSTRAINT k ON c IS 'inherited'$$);
-- and validated in some of them
SELECT * FROM pg_temp.judge('', $$CREATE TABLE p (x int); CREATE TABLE c (y int) INHERITS (p); CREATE TABLE d () INHERITS (p);
	ALTER TABLE p ADD CONSTRAINT k CHECK (x > 0) NOT VALID; ALTER TABLE d VALIDATE CONSTRAINT k$$);
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int); CREATE TABLE c (y int) INHERITS (p); ALTER TABLE p ADD CONSTRAINT k CHECK (x > 0) NOT VALID;
	COMMENT ON CONSTRAINT k ON c IS 'inherited'$$, '');

-- columns of children that stay NOT NULL while the parent's changes
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int, y int); CREATE TABLE c (PRIMARY KEY (x)) INHERITS (p); CREATE TABLE g () INHERITS (c)$$,
	$$CREATE TABLE p (x int NOT NULL, y int); CREATE TABLE c (PRIMARY KEY (x)) INHERITS (p); CREATE TABLE g () INHERITS (c)$$);
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int NOT NULL); CREATE TABLE c () INHERITS (p); CREATE TABLE d () INHERITS (p)$$,
	$$CREATE TABLE p (x int); CREATE TABLE c () INHERITS (p); CREATE TABLE d () INHERITS (p); ALTER TABLE c ALTER x SET NOT NULL$$);

-- or are in the primary key of only a partition
\set ECHO none
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
	ALTER TABLE p1 ADD PRIMARY KEY (x); INSERT INTO p VALUES (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)$$,
	$$CREATE TABLE p (x int NOT NULL) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
	ALTER TABLE p1 ADD PRIMARY KEY (x); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)$$);
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int NOT NULL, y int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (y); CREATE TABLE p11 PARTITION OF p1 DEFAULT;
	ALTER TABLE p11 ADD PRIMARY KEY (x); COMMENT ON CONSTRAINT p11_pkey ON p11 IS 'kept'; ALTER TABLE p11 CLUSTER ON p11_pkey$$,
	$$CREATE TABLE p (x int, y int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (y); CREATE TABLE p11 PARTITION OF p1 DEFAULT;
	ALTER TABLE p11 ADD PRIMARY KEY (x); COMMENT ON CONSTRAINT p11_pkey ON p11 IS 'kept'; ALTER TABLE p11 CLUSTER ON p11_pkey$$);
\set ECHO all
-- in one transaction
CREATE TABLE p (x int NOT NULL) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p DEFAULT; ALTER TABLE p1 ADD PRIMARY KEY (x);
SELECT upgrade_sql, downgrade_sql FROM cmig.diff('CREATE TABLE shop.p (x int) PARTITION BY LIST (x); CREATE TABLE shop.p1 PARTITION OF shop.p DEFAULT; ALTER TABLE shop.p1 ADD PRIMARY KEY (x)', '{shop}', concurrently => true);
DROP TABLE p;

-- an index of only the partitioned table
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int) PARTITION BY RANGE (x); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2)$$,
	$$CREATE TABLE p (x int) PARTITION BY RANGE (x); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2); CREATE INDEX i ON ONLY p (x)$$);
SELECT * FROM pg_temp.judge($$CREATE TABLE p (x int) PARTITION BY RANGE (x); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2); CREATE INDEX i ON ONLY p (x)$$,
	$$CREATE TABLE p (x int) PARTITION BY RANGE (x); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2); CREATE INDEX i ON p (x)$$);
SELECT * FROM pg_temp.judge('', $$CREATE TABLE p (x int) PARTITION BY RANGE (x); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2);
	CREATE INDEX i ON ONLY p (x); CREATE INDEX i1 ON p1 (x)$$);

-- a comment on a constraint's index
SELECT * FROM pg_temp.judge('', $$CREATE TABLE t (a int PRIMARY KEY); COMMENT ON INDEX t_pkey IS 'on index'; COMMENT ON CONSTRAINT t_pkey ON t IS 'on constraint'$$);
SELECT * FROM pg_temp.judge($$CREATE TABLE t (a int PRIMARY KEY); COMMENT ON INDEX t_pkey IS 'old'$$,
	$$CREATE TABLE t (a bigint PRIMARY KEY, b int UNIQUE); COMMENT ON INDEX t_pkey IS 'new'; COMMENT ON INDEX t_b_key IS 'of b'$$);

-- checks of domains that columns have in arrays and composite types
SELECT * FROM pg_temp.judge($$CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE t (a d[]); INSERT INTO t VALUES ('{1,2}')$$,
	$$CREATE DOMAIN d AS int CHECK (VALUE < 9); CREATE TABLE t (a d[])$$);
SELECT * FROM pg_temp.judge($$CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TYPE c AS (a d); CREATE TABLE t (a c); INSERT INTO t VALUES (ROW(1))$$,
	$$CREATE DOMAIN d AS int NOT NULL CHECK (VALUE > 0); CREATE TYPE c AS (a d); CREATE TABLE t (a c)$$);
-- a domain that only the table's own columns have is altered
SELECT * FROM pg_temp.judge($$CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE t (a d)$$,
	$$CREATE DOMAIN d AS int CHECK (VALUE > 1); CREATE TABLE t (a d)$$);

-- base types are equal only if all of their properties are
CREATE TYPE b;
CREATE FUNCTION b_in(cstring) RETURNS b LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION b_out(b) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff($$CREATE TYPE shop.b;
	CREATE FUNCTION shop.b_in(cstring) RETURNS shop.b LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
	CREATE FUNCTION shop.b_out(shop.b) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
	CREATE TYPE shop.b (INPUT = shop.b_in, OUTPUT = shop.b_out, LIKE = int4)$$, '{shop}');
CREATE TYPE b (INPUT = b_in, OUTPUT = b_out, LIKE = int4);
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff($$CREATE TYPE shop.b;
	CREATE FUNCTION shop.b_in(cstring) RETURNS shop.b LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
	CREATE FUNCTION shop.b_out(shop.b) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
	CREATE TYPE shop.b (INPUT = shop.b_in, OUTPUT = shop.b_out, LIKE = int4)$$, '{shop}');
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff($$CREATE TYPE shop.b;
	CREATE FUNCTION shop.b_in(cstring) RETURNS shop.b LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
	CREATE FUNCTION shop.b_out(shop.b) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
	CREATE TYPE shop.b (INPUT = shop.b_in, OUTPUT = shop.b_out, LIKE = int4, DELIMITER = ';')$$, '{shop}');

-- partitions of a table whose partitions the target does not create are left alone, with all that belongs to them
\set ECHO none
SET client_min_messages = error;
DROP SCHEMA shop CASCADE;
CREATE SCHEMA shop;
CREATE TABLE m (id bigint, at date NOT NULL, v int DEFAULT 1, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE INDEX m_v ON m (v);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY HASH (id);
CREATE TABLE m_2_0 PARTITION OF m_2 FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE m_2_1 PARTITION OF m_2 FOR VALUES WITH (modulus 2, remainder 1);
CREATE SEQUENCE m_1_seq OWNED BY m_1.v;
ALTER TABLE m_1 ADD CHECK (v > 0), ALTER v SET DEFAULT nextval('m_1_seq'), ENABLE ROW LEVEL SECURITY;
CREATE INDEX m_1_own ON m_1 (id, v);
CREATE POLICY own ON m_1 USING (v > 1);
CREATE STATISTICS m_1_s ON id, v FROM m_1;
CREATE TRIGGER own BEFORE UPDATE ON m_1 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
GRANT SELECT ON m_1 TO PUBLIC;
COMMENT ON TABLE m_1 IS 'January';
CREATE TABLE r (id bigint, at date);
SET client_min_messages = notice;
\set m 'CREATE TABLE shop.r (id bigint, at date); CREATE TABLE shop.m (id bigint, at date NOT NULL, v int DEFAULT 1, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE INDEX m_v ON shop.m (v);'
\set ECHO all
SELECT * FROM cmig.diff(:'m', '{shop}');
SELECT * FROM cmig.diff(:'m', '{shop}', compare => 'models');
SELECT cmig.require_schema(:'m', '{shop}');
SELECT content FROM cmig.autogenerate('Nothing', :'m', schemas => '{shop}');
-- what the partitions need remains
\set ECHO none
CREATE SCHEMA more;
CREATE TABLE more.m_3 PARTITION OF m FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE FUNCTION more.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER f BEFORE INSERT ON m_1 FOR EACH ROW EXECUTE FUNCTION more.f();
\set ECHO all
SELECT * FROM cmig.diff(:'m', '{shop,more}');
\set ECHO none
DROP TRIGGER f ON m_1;
DROP TABLE more.m_3;
DROP FUNCTION more.f;
DROP SCHEMA more;
-- the partitioned table itself changes
\set changed 'CREATE TABLE shop.r (id bigint, at date); CREATE TABLE shop.m (id bigint, at date NOT NULL, v int DEFAULT 2 NOT NULL, w text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE INDEX m_w ON shop.m (w); ALTER TABLE shop.r ADD FOREIGN KEY (id, at) REFERENCES shop.m;'
\set ECHO all
SELECT upgrade_sql FROM cmig.diff(:'changed', '{shop}');
SELECT upgrade_sql FROM cmig.diff(:'changed', '{shop}') \gexec
SELECT cmig.require_schema(:'changed', '{shop}');
SELECT upgrade_sql FROM cmig.diff(:'m', '{shop}') \gexec
-- what depends on a partition's column prevents a change of its type, unless it is dropped
SELECT action, object, hazard FROM cmig.diff(replace(:'m', 'v int', 'v bigint'), '{shop}') WHERE action = 'unsupported';
DROP POLICY own ON m_1;
DROP TRIGGER own ON m_1;
CREATE VIEW of_part AS SELECT v FROM m_2_1;
SELECT action, object, hazard FROM cmig.diff(replace(:'m', 'v int', 'v bigint'), '{shop}', compare => 'models') WHERE action = 'unsupported';
SELECT action, object FROM cmig.diff(replace(:'m', 'v int', 'v bigint'), '{shop}') WHERE action IN ('drop', 'unsupported') OR kind = 'column';
DROP VIEW of_part;
-- the target creates partitions, has the name of one, or lacks the table; another key
SELECT action, kind, object, hazard FROM cmig.diff(:'m' || 'CREATE TABLE shop.m_2 PARTITION OF shop.m FOR VALUES FROM (''2026-02-01'') TO (''2026-03-01'') PARTITION BY HASH (id)', '{shop}');
SELECT action, kind, object FROM cmig.diff(:'m' || 'CREATE TABLE shop.m_2 (id bigint NOT NULL, at date NOT NULL, v int DEFAULT 1)', '{shop}') WHERE object !~ 'm_2\w';
SELECT action, kind, object FROM cmig.diff('CREATE TABLE shop.r (id bigint, at date)', '{shop}');
SELECT action, kind, object FROM cmig.diff(replace(:'m', 'RANGE', 'LIST'), '{shop}');
-- two existing schemas are compared with all partitions
\set ECHO none
CREATE SCHEMA copy;
CREATE TABLE copy.r (id bigint, at date);
CREATE TABLE copy.m (id bigint, at date NOT NULL, v int DEFAULT 1, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE INDEX m_v ON copy.m (v);
\set ECHO all
SELECT action, kind, object FROM cmig.diff_schemas('shop', 'copy');

-- a default that changes in the same way in all children: one statement
DROP TABLE m, r;
\set p 'CREATE TABLE shop.d (id int, a int DEFAULT 1, b int, c int DEFAULT 1, e int DEFAULT 1) PARTITION BY RANGE (id); CREATE TABLE shop.d1 PARTITION OF shop.d FOR VALUES FROM (0) TO (1); CREATE TABLE shop.d2 PARTITION OF shop.d FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (id); CREATE TABLE shop.d21 PARTITION OF shop.d2 DEFAULT;'
:p
\set q 'CREATE TABLE shop.d (id int, a int DEFAULT 2, b int DEFAULT 3, c int, e int DEFAULT 2) PARTITION BY RANGE (id); CREATE TABLE shop.d1 PARTITION OF shop.d FOR VALUES FROM (0) TO (1); CREATE TABLE shop.d2 PARTITION OF shop.d FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (id); CREATE TABLE shop.d21 PARTITION OF shop.d2 DEFAULT; ALTER TABLE shop.d1 ALTER e SET DEFAULT 5;'
SELECT action, object, upgrade_sql, downgrade_sql FROM cmig.diff(:'q', '{shop}');
SELECT string_agg(upgrade_sql, ';' ORDER BY step) AS up, string_agg(downgrade_sql, ';' ORDER BY step DESC) AS down FROM cmig.diff(:'q', '{shop}') \gset
:up;
SELECT count(*) FROM cmig.diff(:'q', '{shop}');
:down;
SELECT count(*) FROM cmig.diff(:'p', '{shop}');
-- a partition that is not compared, or is attached by the same difference, keeps its default
CREATE SCHEMA copy2;
ALTER TABLE d1 SET SCHEMA copy2;
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE shop.d (id int, a int DEFAULT 2, b int, c int DEFAULT 1, e int DEFAULT 1) PARTITION BY RANGE (id); CREATE TABLE shop.d2 PARTITION OF shop.d FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (id); CREATE TABLE shop.d21 PARTITION OF shop.d2 DEFAULT;', '{shop}');
ALTER TABLE copy2.d1 SET SCHEMA shop;
DROP SCHEMA copy2;
ALTER TABLE d DETACH PARTITION d1;
SELECT upgrade_sql FROM cmig.diff(replace(:'p', 'a int DEFAULT 1', 'a int DEFAULT 2'), '{shop}');
DROP TABLE d, d1;
-- ATTACH PARTITION takes the first index that fits, which must not be the partition's own key
SELECT * FROM pg_temp.judge('', $$CREATE TABLE p (a int NOT NULL, b int NOT NULL, UNIQUE (a, b)) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p (PRIMARY KEY (a, b)) FOR VALUES IN (1)$$);
-- a new key of a partition is attached to the partitioned table's, which stays; one that is gone was part of it
\set ECHO none
CREATE TABLE p (a int NOT NULL, b int) PARTITION BY LIST (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
ALTER TABLE ONLY p ADD CONSTRAINT p_key UNIQUE (a, b);
SELECT $$CREATE TABLE shop.p (a int NOT NULL, b int) PARTITION BY LIST (a); CREATE TABLE shop.p1 PARTITION OF shop.p FOR VALUES IN (1); CREATE TABLE shop.p2 PARTITION OF shop.p FOR VALUES IN (2);
	ALTER TABLE ONLY shop.p ADD CONSTRAINT p_key UNIQUE (a, b)$$ AS without \gset
SELECT :'without' || '; ALTER TABLE shop.p1 ADD CONSTRAINT k UNIQUE (a, b); ALTER INDEX shop.p_key ATTACH PARTITION shop.k' AS with \gset
\set ECHO all
SELECT action, upgrade_sql, downgrade_sql, hazard FROM cmig.diff(:'with', '{shop}');
\set ECHO none
SELECT upgrade_sql AS sql FROM cmig.diff(:'with', '{shop}') \gexec
\set ECHO all
SELECT count(*) FROM cmig.diff(:'with', '{shop}');
SELECT action, upgrade_sql, downgrade_sql, hazard FROM cmig.diff(:'without', '{shop}');
DROP TABLE p;

-- children that inherit from several tables
SET client_min_messages = warning;
SELECT * FROM pg_temp.judge($$CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c () INHERITS (a, b); CREATE TABLE g () INHERITS (a)$$,
	$$CREATE TABLE a (x int DEFAULT 1); CREATE TABLE b (x int); CREATE TABLE c (x int DEFAULT 1) INHERITS (a, b); CREATE TABLE g () INHERITS (a)$$);

-- what is not rehearsed says so, because DROP NOT NULL also affects the partition that keeps it
CREATE TABLE p (x int, y int NOT NULL) PARTITION BY LIST (x);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT string_agg(upgrade_sql, E';\n') ~ E'^ALTER TABLE shop.p ALTER COLUMN y DROP NOT NULL;\nALTER TABLE shop.p1 ALTER COLUMN y SET NOT NULL$' AS keeps, string_agg(downgrade_sql, ';') ~ '^ALTER TABLE shop.p ALTER COLUMN y SET NOT NULL' AS reverts, max(hazard) AS hazard
FROM cmig.diff('CREATE TABLE p (x int, y int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p (y NOT NULL) FOR VALUES IN (1)', '{shop}');
SELECT max(hazard) AS hazard FROM cmig.diff('CREATE TABLE p (x int, y int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p (y NOT NULL) FOR VALUES IN (1)', '{shop}', prove => false);
-- from PostgreSQL 18 on, one line drops and sets it; the transactions of a stepwise revision do not take it for SET NOT NULL alone
SELECT string_agg(upgrade_sql, E';\n') ~ E'^ALTER TABLE shop.p ALTER COLUMN y DROP NOT NULL;\nALTER TABLE shop.p1 ALTER COLUMN y SET NOT NULL$' AS keeps
FROM cmig.diff('CREATE TABLE p (x int, y int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p (y NOT NULL) FOR VALUES IN (1)', '{shop}', concurrently => true);

\set ECHO none
SET client_min_messages = error;
DROP SCHEMA copy CASCADE;
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_cmig;
