-- pair: range partitioned table from nothing
-- a:
-- b:
CREATE TABLE log (at timestamptz NOT NULL, note text, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE log_2025 PARTITION OF log FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
CREATE TABLE log_rest PARTITION OF log DEFAULT;
CREATE INDEX ON log (note);
-- pair: partition added and one gone
-- a:
CREATE TABLE m (n integer, v text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM (10) TO (20);
CREATE INDEX ON m (v);
-- b:
CREATE TABLE m (n integer, v text) PARTITION BY RANGE (n);
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM (10) TO (20);
CREATE TABLE m_3 PARTITION OF m FOR VALUES FROM (20) TO (MAXVALUE);
CREATE INDEX ON m (v);
-- pair: partition detached
-- a:
CREATE TABLE m (n integer, v text) PARTITION BY LIST (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1, NULL);
-- b:
CREATE TABLE m (n integer, v text) PARTITION BY LIST (n);
CREATE TABLE m_1 (n integer, v text);
-- pair: partition attached
-- a:
CREATE TABLE m (n integer NOT NULL, v text) PARTITION BY HASH (n);
CREATE TABLE m_0 (v text, n integer NOT NULL);
-- b:
CREATE TABLE m (n integer NOT NULL, v text) PARTITION BY HASH (n);
CREATE TABLE m_0 (v text, n integer NOT NULL);
ALTER TABLE m ATTACH PARTITION m_0 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
-- pair: bounds changed
-- a:
CREATE TABLE m (n integer) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM (10) TO (20);
-- b:
CREATE TABLE m (n integer) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (15);
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM (15) TO (20);
-- pair: bounds of two partitions swapped
-- a:
CREATE TABLE m (n text) PARTITION BY LIST (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN ('a');
CREATE TABLE m_2 PARTITION OF m FOR VALUES IN ('b', 'c');
-- b:
CREATE TABLE m (n text) PARTITION BY LIST (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN ('b', 'c');
CREATE TABLE m_2 PARTITION OF m FOR VALUES IN ('a');
-- pair: sub-partitions
-- a:
CREATE TABLE m (n integer, k text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- b:
CREATE TABLE m (n integer, k text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10) PARTITION BY LIST (k);
CREATE TABLE m_1_a PARTITION OF m_1 FOR VALUES IN ('a');
CREATE TABLE m_1_z PARTITION OF m_1 DEFAULT;
-- pair: partition key by expression
-- a:
CREATE TABLE e (a text, b integer) PARTITION BY LIST (lower(a));
CREATE TABLE e_x PARTITION OF e FOR VALUES IN ('x');
-- b:
CREATE TABLE e (a text, b integer, c date) PARTITION BY LIST (lower(a));
CREATE TABLE e_x PARTITION OF e FOR VALUES IN ('x', 'y');
-- pair: table becomes partitioned
-- a:
CREATE TABLE big (id bigint NOT NULL, at date NOT NULL);
-- b:
CREATE TABLE big (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE big_1 PARTITION OF big FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
-- pair: column of a partitioned table
-- a:
CREATE TABLE m (n integer, v varchar(10) DEFAULT 'x', gone date) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- b:
CREATE TABLE m (n integer, v text DEFAULT 'y' NOT NULL, added integer DEFAULT 1) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- pair: index and key of a partitioned table
-- a:
CREATE TABLE m (n integer NOT NULL, v text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
CREATE INDEX m_v ON m (v);
-- b:
CREATE TABLE m (n integer NOT NULL, v text, PRIMARY KEY (n)) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
CREATE INDEX m_v ON m (v DESC);
-- pair: index of one partition only
CREATE TABLE m (n integer, v text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- a:
-- b:
CREATE INDEX m_1_v ON m_1 (v);
-- pair: index on ONLY the parent
CREATE TABLE m (n integer, v text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- a:
-- b:
CREATE INDEX m_v ON ONLY m (v);
-- pair: foreign keys of partitioned tables
CREATE TABLE m (n integer PRIMARY KEY) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
CREATE TABLE other (n integer, x integer PRIMARY KEY);
-- a:
ALTER TABLE other ADD CONSTRAINT o FOREIGN KEY (n) REFERENCES m;
-- b:
ALTER TABLE m ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES other (x);
-- pair: trigger of a partitioned table
CREATE TABLE m (n integer PRIMARY KEY) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
-- a:
CREATE TRIGGER t AFTER INSERT ON m FOR EACH ROW EXECUTE FUNCTION f();
-- b:
CREATE TRIGGER t AFTER INSERT OR UPDATE ON m FOR EACH ROW EXECUTE FUNCTION f();
ALTER TABLE m_1 DISABLE TRIGGER t;
-- pair: partition with a default of its own
CREATE TABLE m (n integer, v text DEFAULT 'x') PARTITION BY RANGE (n);
-- a:
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- b:
CREATE TABLE m_1 PARTITION OF m (v DEFAULT 'own', CONSTRAINT c CHECK (n < 9)) FOR VALUES FROM (1) TO (10);
-- pair: partition in another schema
CREATE SCHEMA parts;
CREATE TABLE m (n integer) PARTITION BY RANGE (n);
-- a:
CREATE TABLE parts.m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- b:
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- pair: partitioned table with identity
-- a:
CREATE TABLE m (n bigint NOT NULL) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- b:
CREATE TABLE m (n bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
