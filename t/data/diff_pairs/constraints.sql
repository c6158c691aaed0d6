-- pair: primary key added
-- a:
CREATE TABLE t (a integer, b integer);
-- b:
CREATE TABLE t (a integer, b integer, PRIMARY KEY (a, b));
-- pair: primary key dropped
-- a:
CREATE TABLE t (a integer PRIMARY KEY);
-- b:
CREATE TABLE t (a integer);
-- pair: primary key moved
-- a:
CREATE TABLE t (a integer PRIMARY KEY, b integer NOT NULL);
CREATE TABLE c (a integer REFERENCES t);
-- b:
CREATE TABLE t (a integer NOT NULL UNIQUE, b integer PRIMARY KEY);
CREATE TABLE c (a integer REFERENCES t (a));
-- pair: unique with include, deferrable, nulls
-- a:
CREATE TABLE t (a integer, b integer, c integer, CONSTRAINT u1 UNIQUE (a), CONSTRAINT u2 UNIQUE (b), CONSTRAINT u3 UNIQUE (c));
-- b:
CREATE TABLE t (a integer, b integer, c integer, CONSTRAINT u1 UNIQUE (a) INCLUDE (c), CONSTRAINT u2 UNIQUE (b) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT u3 UNIQUE NULLS NOT DISTINCT (c));
-- pair: unique constraint becomes a unique index
-- a:
CREATE TABLE t (a integer CONSTRAINT t_a UNIQUE);
-- b:
CREATE TABLE t (a integer);
CREATE UNIQUE INDEX t_a ON t (a);
-- pair: check changed
-- a:
CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0), b text CONSTRAINT d CHECK (b IN ('x', 'y')), v varchar(3) CONSTRAINT e CHECK (v IN ('k', 'l')));
-- b:
CREATE TABLE t (a integer CONSTRAINT c CHECK (a >= 0), b text CONSTRAINT d CHECK (b IN ('x', 'y', 'z')), v varchar(3) CONSTRAINT e CHECK (v IN ('k', 'l')));
-- pair: same check, written in another way
-- expect: no rows
-- a:
CREATE TABLE t (v varchar(9), n integer, CONSTRAINT c CHECK (v IN ('a', 'b')), CONSTRAINT d CHECK (n BETWEEN 1 AND 5));
-- b:
CREATE TABLE t (v varchar(9), n integer);
ALTER TABLE t ADD CONSTRAINT c CHECK (((v)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])));
ALTER TABLE t ADD CONSTRAINT d CHECK (((n >= 1) AND (n <= 5)));
-- pair: validated
-- a:
CREATE TABLE t (a integer);
CREATE TABLE p (a integer PRIMARY KEY);
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p NOT VALID;
-- b:
CREATE TABLE t (a integer);
CREATE TABLE p (a integer PRIMARY KEY);
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p;
-- pair: no inherit
-- a:
CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0));
CREATE TABLE u () INHERITS (t);
-- b:
CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0) NO INHERIT);
CREATE TABLE u () INHERITS (t);
-- pair: mutual foreign keys
-- a:
-- b:
CREATE TABLE a (id integer PRIMARY KEY, b_id integer);
CREATE TABLE b (id integer PRIMARY KEY, a_id integer REFERENCES a);
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b;
-- pair: mutual foreign keys dropped
-- a:
CREATE TABLE a (id integer PRIMARY KEY, b_id integer);
CREATE TABLE b (id integer PRIMARY KEY, a_id integer REFERENCES a);
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b;
-- b:
-- pair: foreign key to the table itself
-- a:
CREATE TABLE tree (id integer PRIMARY KEY, parent integer);
-- b:
CREATE TABLE tree (id integer PRIMARY KEY, parent integer REFERENCES tree ON DELETE CASCADE);
-- pair: actions of foreign keys
-- a:
CREATE TABLE p (x integer, y integer, PRIMARY KEY (x, y));
CREATE TABLE c (x integer, y integer, CONSTRAINT f FOREIGN KEY (x, y) REFERENCES p);
-- b:
CREATE TABLE p (x integer, y integer, PRIMARY KEY (x, y));
CREATE TABLE c (x integer, y integer, CONSTRAINT f FOREIGN KEY (x, y) REFERENCES p MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
-- pair: set null of some columns
-- a:
CREATE TABLE p (x integer, y integer, PRIMARY KEY (x, y));
CREATE TABLE c (x integer, y integer, CONSTRAINT f FOREIGN KEY (x, y) REFERENCES p ON DELETE SET NULL);
-- b:
CREATE TABLE p (x integer, y integer, PRIMARY KEY (x, y));
CREATE TABLE c (x integer, y integer, CONSTRAINT f FOREIGN KEY (x, y) REFERENCES p ON DELETE SET NULL (y));
-- pair: only deferrable changes
-- a:
CREATE TABLE p (x integer PRIMARY KEY);
CREATE TABLE c (x integer CONSTRAINT f REFERENCES p);
-- b:
CREATE TABLE p (x integer PRIMARY KEY);
CREATE TABLE c (x integer CONSTRAINT f REFERENCES p DEFERRABLE);
-- pair: foreign key to a unique index
-- a:
CREATE TABLE p (x integer);
CREATE UNIQUE INDEX p_x ON p (x);
CREATE TABLE c (x integer);
-- b:
CREATE TABLE p (x integer);
CREATE UNIQUE INDEX p_x ON p (x);
CREATE TABLE c (x integer REFERENCES p (x));
-- pair: exclusion
-- a:
CREATE TABLE booking (room integer, during tstzrange);
-- b:
CREATE TABLE booking (room integer, during tstzrange, CONSTRAINT free EXCLUDE USING gist (during WITH &&) WHERE (room > 0));
-- pair: exclusion with an extension's operator
CREATE EXTENSION btree_gist;
-- a:
CREATE TABLE booking (room integer, during tstzrange, CONSTRAINT free EXCLUDE USING gist (room WITH =, during WITH &&));
-- b:
CREATE TABLE booking (room integer, during tstzrange, CONSTRAINT free EXCLUDE USING gist (room WITH =, during WITH &&) DEFERRABLE);
-- pair: comments on constraints
-- a:
CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0) CONSTRAINT k PRIMARY KEY);
COMMENT ON CONSTRAINT c ON t IS 'positive';
-- b:
CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0) CONSTRAINT k PRIMARY KEY);
COMMENT ON CONSTRAINT k ON t IS 'the key';
-- pair: names of constraints swapped
-- a:
CREATE TABLE t (a integer CONSTRAINT x CHECK (a > 0), b integer CONSTRAINT y CHECK (b > 0));
-- b:
CREATE TABLE t (a integer CONSTRAINT y CHECK (a > 0), b integer CONSTRAINT x CHECK (b > 0));
-- pair: check by a function that is made with it
-- a:
CREATE TABLE t (a integer);
-- b:
CREATE FUNCTION positive(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE TABLE t (a integer CHECK (positive(a)));
-- pair: check by a function of its own table
-- a:
CREATE TABLE t (a integer);
-- b:
CREATE TABLE t (a integer);
CREATE FUNCTION good(r t) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT r.a > 0';
ALTER TABLE t ADD CONSTRAINT c CHECK (good(t));
-- pair: function under a check changed
-- a:
CREATE FUNCTION positive(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n > 0';
CREATE TABLE t (a integer CHECK (positive(a)));
-- b:
CREATE FUNCTION positive(m integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT m > 0';
CREATE TABLE t (a integer CHECK (positive(a)));
-- pair: constraints with comments are validated
-- a:
CREATE TABLE p (a integer PRIMARY KEY);
CREATE TABLE t (a integer, b integer);
ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID, ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES p NOT VALID;
COMMENT ON CONSTRAINT k ON t IS 'positive';
COMMENT ON CONSTRAINT f ON t IS 'key';
-- b:
CREATE TABLE p (a integer PRIMARY KEY);
CREATE TABLE t (a integer, b integer);
ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0), ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES p;
COMMENT ON CONSTRAINT k ON t IS 'valid';
COMMENT ON CONSTRAINT f ON t IS 'key';
-- pair: comment of a constraint that is validated in a child
-- a:
CREATE TABLE p (a integer);
CREATE TABLE c () INHERITS (p);
ALTER TABLE p ADD CONSTRAINT k CHECK (a > 0) NOT VALID;
COMMENT ON CONSTRAINT k ON p IS 'parent';
COMMENT ON CONSTRAINT k ON c IS 'child';
-- b:
CREATE TABLE p (a integer);
CREATE TABLE c () INHERITS (p);
ALTER TABLE p ADD CONSTRAINT k CHECK (a > 0) NOT VALID;
ALTER TABLE c VALIDATE CONSTRAINT k;
COMMENT ON CONSTRAINT k ON p IS 'parent';
COMMENT ON CONSTRAINT k ON c IS 'child';
-- pair: statistics of columns in another order
-- a:
CREATE TABLE t (a integer, "b c" integer);
CREATE STATISTICS s ON a, "b c", (a + 1) FROM t;
-- b:
CREATE TABLE t (d integer, "b c" integer, a integer);
CREATE STATISTICS s ON "b c", a, (a + 1) FROM t;
CREATE STATISTICS u ON d, a FROM t;
-- pair: two equal unique constraints of a table that is dropped
-- a:
CREATE TABLE t (a text NOT NULL, CONSTRAINT x UNIQUE (a)) PARTITION BY LIST (a);
ALTER TABLE t ADD CONSTRAINT y UNIQUE (a);
COMMENT ON CONSTRAINT y ON t IS 'y';
CREATE TABLE u (a text NOT NULL, b text, CONSTRAINT x2 UNIQUE (a));
ALTER TABLE u ADD CONSTRAINT y2 UNIQUE (a), ADD CONSTRAINT z2 PRIMARY KEY (a), ADD CONSTRAINT z3 UNIQUE (a) INCLUDE (b), ADD CONSTRAINT z4 UNIQUE (a) DEFERRABLE,
	ADD CONSTRAINT z5 UNIQUE (a) WITH (fillfactor = 50);
-- b:
