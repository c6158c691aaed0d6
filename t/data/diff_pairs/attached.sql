-- Indexes of partitions that are attached to indexes of partitioned tables
-- pair: parameters of a constraint whose copy in the partition has another name
-- a:
CREATE TABLE m (a integer NOT NULL) PARTITION BY LIST (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (12);
ALTER TABLE m ADD CONSTRAINT m_u UNIQUE (a) WITH (fillfactor = 47);
COMMENT ON CONSTRAINT m_1_a_key ON m_1 IS 'kept';
-- b:
CREATE TABLE m (a integer NOT NULL) PARTITION BY LIST (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (12);
ALTER TABLE m ADD CONSTRAINT m_u UNIQUE (a);
COMMENT ON CONSTRAINT m_1_a_key ON m_1 IS 'kept';
-- pair: a name moves from the index that goes to the one that stays
-- a:
CREATE TABLE m (a text, b bigint NOT NULL) PARTITION BY HASH (b);
CREATE INDEX m_x ON ONLY m (a DESC, b);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 8, REMAINDER 4) PARTITION BY LIST (b);
CREATE INDEX m_y ON m (a, b DESC NULLS LAST);
-- b:
CREATE TABLE m (a text, b bigint NOT NULL) PARTITION BY HASH (b);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 8, REMAINDER 4) PARTITION BY LIST (b);
CREATE INDEX m_x ON ONLY m (a DESC, b);
CREATE INDEX m_y ON m (a, b DESC NULLS LAST);
-- pair: names of two levels are exchanged
-- a:
CREATE TABLE m (a integer NOT NULL, b integer) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (a);
CREATE TABLE m_11 PARTITION OF m_1 FOR VALUES FROM (20) TO (30) PARTITION BY RANGE (a);
ALTER TABLE m ADD CONSTRAINT m_u UNIQUE (a);
-- b:
CREATE TABLE m (a integer NOT NULL, b integer) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (a);
ALTER TABLE m ADD CONSTRAINT m_w UNIQUE NULLS NOT DISTINCT (a);
CREATE TABLE m_11 PARTITION OF m_1 FOR VALUES FROM (20) TO (30) PARTITION BY RANGE (a);
ALTER TABLE m ADD CONSTRAINT m_u UNIQUE (a);
-- pair: names of primary keys that are cut off are exchanged
-- a:
CREATE TABLE m (a integer NOT NULL) PARTITION BY LIST (a);
CREATE TABLE a_rather_long_name_that_is_longer_than_any_name_ought_to_be_a1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE a_rather_long_name_that_is_longer_than_any_name_ought_to_be_a2 PARTITION OF m FOR VALUES IN (2);
ALTER TABLE m ADD PRIMARY KEY (a);
-- b:
CREATE TABLE m (a integer NOT NULL PRIMARY KEY) PARTITION BY LIST (a);
CREATE TABLE a_rather_long_name_that_is_longer_than_any_name_ought_to_be_a2 PARTITION OF m FOR VALUES IN (2);
CREATE TABLE a_rather_long_name_that_is_longer_than_any_name_ought_to_be_a1 PARTITION OF m FOR VALUES IN (1);
-- pair: two constraints on the same columns, and a third one
-- a:
CREATE TABLE m (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (70) TO (MAXVALUE) PARTITION BY HASH (a);
CREATE TABLE m_11 PARTITION OF m_1 FOR VALUES WITH (MODULUS 8, REMAINDER 7);
ALTER TABLE m ADD CONSTRAINT m_u UNIQUE (a) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE m ADD CONSTRAINT m_v UNIQUE NULLS NOT DISTINCT (a) WITH (fillfactor = 71);
-- b:
CREATE TABLE m (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (70) TO (MAXVALUE) PARTITION BY HASH (a);
CREATE TABLE m_11 PARTITION OF m_1 FOR VALUES WITH (MODULUS 8, REMAINDER 7);
ALTER TABLE m ADD CONSTRAINT m_v UNIQUE NULLS NOT DISTINCT (a) WITH (fillfactor = 71);
ALTER TABLE m ADD CONSTRAINT m_w UNIQUE (a);
ALTER TABLE m ADD CONSTRAINT m_u UNIQUE (a) DEFERRABLE INITIALLY DEFERRED;
-- pair: a name of the index that goes is that of another one in the target
-- a:
CREATE TABLE m (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE m_1 PARTITION OF m DEFAULT;
CREATE INDEX m_x ON m USING brin (a) WHERE a > 3;
CREATE INDEX m_y ON m (a DESC);
-- b:
CREATE TABLE m (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE INDEX m_y ON m (a DESC);
CREATE TABLE m_1 PARTITION OF m DEFAULT;
CREATE INDEX m_z ON m USING brin (a) WHERE a > 3;
-- pair: an attached index has another order than that of the partitioned table
-- a:
CREATE TABLE m (a integer NOT NULL) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE INDEX m_1_own ON m_1 (a);
CREATE INDEX m_x ON m (a DESC NULLS LAST);
-- b:
CREATE TABLE m (a integer NOT NULL) PARTITION BY HASH (a);
CREATE INDEX m_x ON m (a DESC NULLS LAST);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 8, REMAINDER 2);
-- pair: an index of the partition beside the one that is new with the parent's
CREATE TABLE m (a integer NOT NULL, b integer) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 8, REMAINDER 2);
-- a:
CREATE INDEX m_1_own ON m_1 (b);
-- b:
CREATE INDEX m_x ON m (b);
CREATE INDEX m_1_own ON m_1 (b);
-- pair: statistics targets of an index and of those attached to it
-- a:
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX m_x ON m (length(b));
ALTER INDEX m_x ALTER COLUMN 1 SET STATISTICS 100;
ALTER INDEX m_2_length_idx ALTER COLUMN 1 SET STATISTICS 7;
-- b:
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX m_x ON m (length(b));
ALTER INDEX m_1_length_idx ALTER COLUMN 1 SET STATISTICS 50;
-- pair: statistics targets of a new index
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- a:
-- b:
CREATE INDEX m_x ON m (length(b));
ALTER INDEX m_x ALTER COLUMN 1 SET STATISTICS 100;
ALTER INDEX m_2_length_idx ALTER COLUMN 1 SET STATISTICS 7;
-- pair: primary key of the partitioned table only, attached later
-- a:
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- b:
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE ONLY m ADD CONSTRAINT m_p PRIMARY KEY (a);
ALTER TABLE m_1 ADD CONSTRAINT m_1_p PRIMARY KEY (a);
ALTER TABLE m_2 ADD CONSTRAINT m_2_p PRIMARY KEY (a) WITH (fillfactor = 50);
ALTER INDEX m_p ATTACH PARTITION m_1_p;
ALTER INDEX m_p ATTACH PARTITION m_2_p;
-- pair: primary key of the partitioned table only, attached in one partition
-- a:
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- b:
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE ONLY m ADD CONSTRAINT m_p PRIMARY KEY (a);
ALTER TABLE m_1 ADD CONSTRAINT m_1_p PRIMARY KEY (a);
ALTER INDEX m_p ATTACH PARTITION m_1_p;
-- pair: exclusion constraints on the same columns of a new table
-- a:
-- b:
CREATE TABLE m (a text NOT NULL);
ALTER TABLE m ADD CONSTRAINT m_x EXCLUDE USING btree (a WITH =);
ALTER TABLE m ADD CONSTRAINT m_y EXCLUDE USING btree (a WITH =);
-- pair: NOT NULL of a parent whose child has a primary key
-- a:
CREATE TABLE p (a text);
CREATE TABLE c (b integer) INHERITS (p);
CREATE TABLE d () INHERITS (p);
ALTER TABLE c ADD PRIMARY KEY (a);
-- b:
CREATE TABLE p (a text NOT NULL);
CREATE TABLE c (b integer) INHERITS (p);
CREATE TABLE d () INHERITS (p);
ALTER TABLE c ADD PRIMARY KEY (a);
-- pair: attributes of a composite type in another order
-- a:
CREATE TYPE t AS (a integer, b text);
-- b:
CREATE TYPE t AS (b text, a integer, c date);
-- pair: an index that no partition has
CREATE SCHEMA s;
-- a:
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE INDEX m_x ON ONLY m (b);
-- b:
-- pair: an index of a partition that becomes part of the partitioned table's
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX m_x ON ONLY m (b);
CREATE INDEX m_1_x ON m_1 (b);
CREATE INDEX m_2_x ON m_2 (b);
-- a:
-- b:
ALTER INDEX m_x ATTACH PARTITION m_1_x;
ALTER INDEX m_x ATTACH PARTITION m_2_x;
-- pair: constraint of the partitioned table only, one partition with the usual name
CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY HASH (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- a:
-- b:
ALTER TABLE ONLY m ADD UNIQUE (a);
ALTER TABLE m_1 ADD UNIQUE (a);
ALTER INDEX m_a_key ATTACH PARTITION m_1_a_key;
-- pair: partition's constraint attached to a plain unique index
-- a:
CREATE TABLE m (a integer, b text) PARTITION BY RANGE (a);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (10);
ALTER TABLE m1 ADD CONSTRAINT m1_u UNIQUE (a);
CREATE UNIQUE INDEX m_i ON m (a);
-- b:
CREATE TABLE m (a integer, b text) PARTITION BY RANGE (a);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (10);
-- pair: constraint of a sub-partition attached to plain unique indexes
-- a:
CREATE TABLE m (a integer, b text) PARTITION BY RANGE (a);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (10) PARTITION BY RANGE (a);
CREATE TABLE m11 PARTITION OF m1 FOR VALUES FROM (1) TO (10);
-- b:
CREATE TABLE m (a integer, b text) PARTITION BY RANGE (a);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (10) PARTITION BY RANGE (a);
CREATE TABLE m11 PARTITION OF m1 FOR VALUES FROM (1) TO (10);
ALTER TABLE m11 ADD CONSTRAINT m11_u UNIQUE (a);
COMMENT ON CONSTRAINT m11_u ON m11 IS 'attached';
CREATE UNIQUE INDEX m_i ON m (a);
-- pair: partition with two equivalent keys moves to another table
-- a:
CREATE TABLE p (orders integer) PARTITION BY LIST (orders);
CREATE TABLE c PARTITION OF p FOR VALUES IN (61, 62);
ALTER TABLE p ADD CONSTRAINT k UNIQUE (orders) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE p ADD CONSTRAINT a PRIMARY KEY (orders);
-- b:
CREATE TABLE q (orders integer) PARTITION BY LIST (orders);
CREATE TABLE c PARTITION OF q FOR VALUES IN (61, 62);
ALTER TABLE q ADD CONSTRAINT k UNIQUE (orders) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE q ADD CONSTRAINT a PRIMARY KEY (orders);
-- pair: new partition with indexes that differ in their sort order and parameters
-- a:
CREATE TABLE m (a integer, b text) PARTITION BY LIST (a);
CREATE INDEX z ON m (b DESC);
CREATE INDEX y ON m (b NULLS FIRST) WITH (fillfactor = 50);
CREATE INDEX x ON m (b);
-- b:
CREATE TABLE m (a integer, b text) PARTITION BY LIST (a);
CREATE INDEX z ON m (b DESC);
CREATE INDEX y ON m (b NULLS FIRST) WITH (fillfactor = 50);
CREATE INDEX x ON m (b);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
-- pair: partition with indexes that differ in their sort order moves to another table
-- a:
CREATE TABLE m (a integer, b text) PARTITION BY LIST (a);
CREATE INDEX z ON m (b DESC);
CREATE INDEX y ON m (b);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
-- b:
CREATE TABLE n (a integer, b text) PARTITION BY LIST (a);
CREATE INDEX x ON n (b);
CREATE INDEX w ON n (b DESC);
CREATE TABLE m1 PARTITION OF n FOR VALUES IN (1);
-- pair: equal keys on three levels of partitions
-- a:
CREATE SCHEMA app;
-- b:
CREATE SCHEMA app;
CREATE TABLE app.t (note bigint NOT NULL) PARTITION BY HASH (note);
CREATE TABLE app.w (note bigint NOT NULL) PARTITION BY RANGE (note);
ALTER TABLE app.t ATTACH PARTITION app.w FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE app.x PARTITION OF app.w DEFAULT;
ALTER TABLE app.t ADD CONSTRAINT a_r UNIQUE (note);
ALTER TABLE app.t ADD CONSTRAINT key_9 UNIQUE (note);
ALTER TABLE app.t ADD CONSTRAINT key_55 UNIQUE (note);
-- pair: partition with an index of its own that equals an attached one
-- a:
CREATE TABLE t (a int) PARTITION BY LIST (a);
CREATE INDEX i ON t USING hash (a);
CREATE TABLE p PARTITION OF t DEFAULT;
CREATE INDEX "b first" ON p USING hash (a);
-- b:
CREATE TABLE t (a int) PARTITION BY LIST (a);
CREATE INDEX i ON t USING hash (a);
