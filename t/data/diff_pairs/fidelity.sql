-- pair: table inherits from another parent with the same columns
-- a:
CREATE TABLE old_parent (a integer, CONSTRAINT positive CHECK (a > 0));
CREATE TABLE c (b text) INHERITS (old_parent);
-- b:
CREATE TABLE new_parent (a integer, CONSTRAINT positive CHECK (a > 0));
CREATE TABLE c (b text) INHERITS (new_parent);
-- pair: primary key and unique constraint with the same columns
-- a:
-- b:
CREATE TABLE t (a integer, b integer, CONSTRAINT t_unique UNIQUE (a, b), CONSTRAINT t_key PRIMARY KEY (a, b));
ALTER TABLE t ADD CONSTRAINT t_other UNIQUE (a, b);
-- pair: storage parameters of constraints of partitioned tables
-- a:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY RANGE (a);
ALTER TABLE m ADD CONSTRAINT m_key UNIQUE (a) WITH (fillfactor = 81);
CREATE TABLE s (a bigint NOT NULL, r int4range, CONSTRAINT s_key UNIQUE (a) INCLUDE (r) WITH (fillfactor = 80) DEFERRABLE,
	CONSTRAINT s_x EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 70) WHERE (a > 0));
-- b:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY RANGE (a);
ALTER TABLE m ADD CONSTRAINT m_key UNIQUE (a) WITH (fillfactor = 82);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (MINVALUE) TO (20) PARTITION BY HASH (a);
CREATE TABLE s (a bigint NOT NULL, r int4range, CONSTRAINT s_key UNIQUE (a) INCLUDE (r) DEFERRABLE,
	CONSTRAINT s_x EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 60) WHERE (a > 0));
CREATE TABLE u (a bigint NOT NULL, r int4range, CONSTRAINT u_key UNIQUE (a) INCLUDE (r) WITH (fillfactor = 80) DEFERRABLE,
	CONSTRAINT u_x EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 70) WHERE (a > 0));
-- pair: objects and default privileges come together, in a kept and in a new schema
-- a:
CREATE SCHEMA s;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO regress_diff_a;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO regress_diff_b;
CREATE FUNCTION s.gone() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TABLE s.gone_too (a integer);
-- b:
CREATE SCHEMA s;
CREATE SCHEMA n;
ALTER DEFAULT PRIVILEGES IN SCHEMA n GRANT ALL ON TABLES TO regress_diff_a;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO regress_diff_b;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO regress_diff_b;
CREATE TABLE n.t (a serial);
CREATE TABLE s.t (a serial);
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
-- pair: schema with default privileges and objects is dropped
-- a:
CREATE SCHEMA s;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT, INSERT ON TABLES TO regress_diff_a, regress_diff_b WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT USAGE ON TYPES TO regress_diff_a;
CREATE TABLE s.t (a integer);
CREATE TABLE s.u (a integer);
REVOKE ALL ON s.u FROM regress_diff_a;
CREATE TYPE s.e AS ENUM ('a');
-- b:
-- pair: indexes of a partition have swapped names
-- a:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY LIST (a);
CREATE INDEX one ON m USING brin (a);
CREATE INDEX two ON m (a);
ALTER TABLE m ADD CONSTRAINT u UNIQUE (a);
ALTER TABLE m ADD CONSTRAINT v UNIQUE (a) DEFERRABLE;
CREATE TABLE m_1 PARTITION OF m DEFAULT;
-- b:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY LIST (a);
CREATE TABLE m_1 PARTITION OF m DEFAULT;
ALTER TABLE m ADD CONSTRAINT v UNIQUE (a) DEFERRABLE;
ALTER TABLE m ADD CONSTRAINT u UNIQUE (a);
CREATE INDEX two ON m (a);
CREATE INDEX one ON m USING brin (a);
-- pair: new indexes of partitioned tables with names of their own in partitions
-- a:
CREATE TABLE m (a bigint NOT NULL, b text) PARTITION BY LIST (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m_2 PARTITION OF m FOR VALUES IN (2) PARTITION BY RANGE (b);
CREATE TABLE m_2_a PARTITION OF m_2 DEFAULT;
CREATE INDEX gone ON ONLY m (a);
CREATE INDEX gone_1 ON m_1 (a);
CREATE INDEX gone_2 ON m_2 (a);
ALTER INDEX gone ATTACH PARTITION gone_1;
ALTER INDEX gone ATTACH PARTITION gone_2;
-- b:
CREATE TABLE m (a bigint NOT NULL, b text) PARTITION BY LIST (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m_2 PARTITION OF m FOR VALUES IN (2) PARTITION BY RANGE (b);
CREATE TABLE m_2_a PARTITION OF m_2 DEFAULT;
CREATE INDEX i ON ONLY m (b);
CREATE INDEX special ON m_1 (b);
CREATE INDEX i_2 ON ONLY m_2 (b);
CREATE INDEX "i 2 a" ON m_2_a (b);
ALTER INDEX i_2 ATTACH PARTITION "i 2 a";
ALTER INDEX i ATTACH PARTITION special;
ALTER INDEX i ATTACH PARTITION i_2;
COMMENT ON INDEX special IS 'of the first partition';
CREATE INDEX plain ON m (a, b);
ALTER TABLE ONLY m ADD CONSTRAINT k UNIQUE (a, b);
ALTER TABLE ONLY m_1 ADD CONSTRAINT k_1 UNIQUE (a, b);
ALTER TABLE m_2 ADD CONSTRAINT k_2 UNIQUE (a, b);
ALTER INDEX k ATTACH PARTITION k_1;
ALTER INDEX k ATTACH PARTITION k_2;
-- pair: inherited column with a comment of its own in the child
-- a:
CREATE TABLE p (a integer);
CREATE TABLE c () INHERITS (p);
-- b:
CREATE TABLE p (a integer, b text);
CREATE TABLE c () INHERITS (p);
COMMENT ON COLUMN c.b IS 'of the child';
GRANT SELECT (b) ON c TO regress_diff_a;
-- pair: generated columns in partitions
-- a:
CREATE TABLE p (a boolean, k text NOT NULL, g bigint GENERATED ALWAYS AS (CASE WHEN a THEN 1 ELSE 2 END) STORED) PARTITION BY HASH (k);
CREATE TABLE q PARTITION OF p FOR VALUES WITH (MODULUS 8, REMAINDER 1) PARTITION BY RANGE (k);
CREATE TABLE r PARTITION OF q FOR VALUES FROM ('k6') TO ('k7');
CREATE INDEX r_g ON r (g);
CREATE VIEW v AS SELECT g FROM r;
-- b:
CREATE TABLE n (a boolean, k text NOT NULL, g bigint GENERATED ALWAYS AS (CASE WHEN a THEN 1 ELSE 2 END) STORED) PARTITION BY HASH (k);
CREATE TABLE q PARTITION OF n FOR VALUES WITH (MODULUS 8, REMAINDER 1) PARTITION BY RANGE (k);
CREATE TABLE r PARTITION OF q FOR VALUES FROM ('k6') TO ('k7');
CREATE INDEX r_g ON r (g);
CREATE VIEW v AS SELECT g FROM r;
-- pair: generated columns in partitions and children are computed otherwise
-- a:
CREATE TABLE p (a boolean, k text NOT NULL, g bigint GENERATED ALWAYS AS (CASE WHEN a THEN 1 ELSE 2 END) STORED) PARTITION BY HASH (k);
CREATE TABLE q PARTITION OF p FOR VALUES WITH (MODULUS 8, REMAINDER 1) PARTITION BY RANGE (k);
CREATE TABLE r PARTITION OF q FOR VALUES FROM ('k6') TO ('k7');
CREATE INDEX r_g ON r (g);
CREATE VIEW v AS SELECT g FROM r;
CREATE TABLE s (a integer, g integer GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE t (b integer) INHERITS (s);
CREATE INDEX t_g ON t (g);
-- b:
CREATE TABLE p (a boolean, k text NOT NULL, g bigint GENERATED ALWAYS AS (CASE WHEN a THEN 1 ELSE 3 END) STORED) PARTITION BY HASH (k);
CREATE TABLE q PARTITION OF p FOR VALUES WITH (MODULUS 8, REMAINDER 1) PARTITION BY RANGE (k);
CREATE TABLE r PARTITION OF q FOR VALUES FROM ('k6') TO ('k7');
CREATE INDEX r_g ON r (g);
CREATE VIEW v AS SELECT g FROM r;
CREATE TABLE s (a integer, g integer GENERATED ALWAYS AS (a + 2) STORED);
CREATE TABLE t (b integer) INHERITS (s);
CREATE INDEX t_g ON t (g);
-- pair: partition key changes, and partitions become tables
-- a:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY HASH (a);
CREATE TABLE m_1 (a bigint NOT NULL);
ALTER TABLE m ATTACH PARTITION m_1 FOR VALUES WITH (MODULUS 8, REMAINDER 4);
-- b:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY LIST (a);
CREATE TABLE m_1 (a bigint NOT NULL);
-- pair: schema of an extension goes with it
-- a:
CREATE SCHEMA s;
CREATE EXTENSION hstore SCHEMA s;
-- b:
-- pair: columns of children that are not quite like the parent's
-- a:
CREATE TABLE m (a bigint NOT NULL, gone text DEFAULT 'x') PARTITION BY LIST (a);
CREATE TABLE m_1 (a bigint NOT NULL, gone text NOT NULL);
ALTER TABLE m ATTACH PARTITION m_1 FOR VALUES IN (1);
CREATE TABLE p (a integer);
CREATE TABLE c () INHERITS (p);
-- b:
CREATE TABLE m (a bigint NOT NULL, new text DEFAULT 'y') PARTITION BY LIST (a);
CREATE TABLE m_1 (a bigint NOT NULL, new text);
ALTER TABLE m ATTACH PARTITION m_1 FOR VALUES IN (1);
CREATE TABLE p (a integer, b integer DEFAULT 1);
CREATE TABLE c () INHERITS (p);
ALTER TABLE c ALTER b SET NOT NULL, ALTER b SET DEFAULT 2;
COMMENT ON COLUMN c.b IS 'two';
-- pair: generated column before the column that it needs; sequence changes type and direction
-- a:
CREATE TABLE t (x text);
CREATE SEQUENCE s AS integer INCREMENT -1;
CREATE SEQUENCE u;
CREATE TABLE m (k text NOT NULL, c varchar(20) NOT NULL) PARTITION BY LIST (k);
CREATE TABLE m_1 PARTITION OF m DEFAULT;
-- b:
CREATE TABLE t (x text, g integer GENERATED ALWAYS AS (a + 1) STORED, a integer);
CREATE SEQUENCE s AS smallint;
CREATE SEQUENCE u AS integer INCREMENT -1;
CREATE TABLE m (k text NOT NULL, c boolean GENERATED ALWAYS AS (k IS NULL) STORED NOT NULL) PARTITION BY LIST (k);
CREATE TABLE m_1 PARTITION OF m DEFAULT;
-- pair: partition without defaults moves to another table
-- a:
CREATE TABLE m (k text NOT NULL) PARTITION BY LIST (k);
CREATE TABLE p PARTITION OF m DEFAULT;
CREATE TABLE n (k text NOT NULL, d date DEFAULT 'infinity') PARTITION BY RANGE (k);
-- b:
CREATE TABLE n (k text NOT NULL, d date DEFAULT 'infinity') PARTITION BY RANGE (k);
CREATE TABLE p (d date, k text NOT NULL);
ALTER TABLE n ATTACH PARTITION p FOR VALUES FROM ('a') TO ('b');
-- pair: new parent has a constraint with the name of the former one's
-- a:
CREATE TABLE old_parent (a integer, b text, CONSTRAINT key_of PRIMARY KEY (a));
CREATE TABLE c () INHERITS (old_parent);
-- b:
CREATE TABLE new_parent (a integer, b text, CONSTRAINT key_of PRIMARY KEY (a));
CREATE TABLE c () INHERITS (new_parent);
-- pair: parent moves to another schema and gets NOT NULL
-- a:
CREATE SCHEMA s;
CREATE TABLE p (a date);
CREATE TABLE c (b integer, gone integer) INHERITS (p);
-- b:
CREATE SCHEMA s;
CREATE TABLE s.p (a date PRIMARY KEY);
CREATE TABLE c (b integer) INHERITS (s.p);
