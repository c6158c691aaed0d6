-- pair: nothing changed
CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL);
-- a:
-- b:
-- pair: first table in an empty database
-- a:
-- b:
CREATE TABLE author (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, born date CHECK (born > '1000-01-01'));
-- pair: back to an empty database
-- a:
CREATE TABLE author (id serial PRIMARY KEY, name varchar(100) DEFAULT 'nobody');
CREATE INDEX ON author (lower(name));
-- b:
-- pair: table replaced by another
-- a:
CREATE TABLE old_one (id integer PRIMARY KEY);
-- b:
CREATE TABLE new_one (id integer PRIMARY KEY);
-- pair: two tables swap their names
-- a:
CREATE TABLE x (a integer);
CREATE TABLE y (b text);
-- b:
CREATE TABLE y (a integer);
CREATE TABLE x (b text);
-- pair: table becomes a view
CREATE TABLE base (id integer, flag boolean);
-- a:
CREATE TABLE active (id integer);
-- b:
CREATE VIEW active AS SELECT id FROM base WHERE flag;
-- pair: same table in two schemas
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.t (a integer);
-- a:
CREATE TABLE two.t (a integer);
-- b:
CREATE TABLE two.t (a integer, b integer);
ALTER TABLE one.t ADD c integer;
-- pair: table moves to another schema
CREATE SCHEMA archive;
-- a:
CREATE TABLE entry (id integer PRIMARY KEY);
-- b:
CREATE TABLE archive.entry (id integer PRIMARY KEY);
-- pair: schema with everything in it goes
-- a:
CREATE SCHEMA legacy;
CREATE TYPE legacy.kind AS ENUM ('a', 'b');
CREATE TABLE legacy.t (k legacy.kind, id serial);
CREATE VIEW legacy.v AS SELECT k FROM legacy.t;
-- b:
-- pair: unlogged and back
-- a:
CREATE UNLOGGED TABLE cache (k text PRIMARY KEY, v text);
CREATE TABLE kept (k text PRIMARY KEY);
-- b:
CREATE TABLE cache (k text PRIMARY KEY, v text);
CREATE UNLOGGED TABLE kept (k text PRIMARY KEY);
-- pair: unlogged with a sequence
-- a:
CREATE TABLE q (id bigint GENERATED ALWAYS AS IDENTITY, s serial);
-- b:
CREATE UNLOGGED TABLE q (id bigint GENERATED ALWAYS AS IDENTITY, s serial);
-- pair: storage parameters
-- a:
CREATE TABLE hot (a integer) WITH (fillfactor = 70, autovacuum_enabled = false);
CREATE TABLE plain (a text);
-- b:
CREATE TABLE hot (a integer) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
CREATE TABLE plain (a text) WITH (toast.autovacuum_enabled = false, toast_tuple_target = 4096);
-- pair: replica identity
CREATE TABLE r1 (a integer NOT NULL);
CREATE TABLE r2 (a integer NOT NULL);
CREATE UNIQUE INDEX r2_a ON r2 (a);
CREATE TABLE r3 (a integer NOT NULL);
CREATE UNIQUE INDEX r3_a ON r3 (a);
-- a:
ALTER TABLE r1 REPLICA IDENTITY FULL;
ALTER TABLE r3 REPLICA IDENTITY USING INDEX r3_a;
-- b:
ALTER TABLE r1 REPLICA IDENTITY NOTHING;
ALTER TABLE r2 REPLICA IDENTITY USING INDEX r2_a;
-- pair: replica identity index dropped, and another one
-- a:
CREATE TABLE r (a integer PRIMARY KEY, b integer NOT NULL);
CREATE UNIQUE INDEX r_b ON r (b);
ALTER TABLE r REPLICA IDENTITY USING INDEX r_b;
CREATE TABLE s (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX s_a ON s (a);
CREATE UNIQUE INDEX s_b ON s (b);
ALTER TABLE s REPLICA IDENTITY USING INDEX s_b;
CREATE TABLE f (a integer NOT NULL UNIQUE);
ALTER TABLE f REPLICA IDENTITY FULL;
-- b:
CREATE TABLE r (a integer PRIMARY KEY, b integer NOT NULL);
CREATE TABLE s (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX s_a ON s (a);
CREATE UNIQUE INDEX s_b ON s (b);
ALTER TABLE s REPLICA IDENTITY USING INDEX s_a;
CREATE TABLE f (a integer NOT NULL UNIQUE);
ALTER TABLE f REPLICA IDENTITY USING INDEX f_a_key;
-- pair: replica identity index made again
-- a:
CREATE TABLE r (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX r_key ON r (a);
ALTER TABLE r REPLICA IDENTITY USING INDEX r_key;
-- b:
CREATE TABLE r (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX r_key ON r (a, b);
ALTER TABLE r REPLICA IDENTITY USING INDEX r_key;
-- pair: clustered on another index
CREATE TABLE c (a integer, b integer);
CREATE INDEX c_a ON c (a);
CREATE INDEX c_b ON c (b);
-- a:
ALTER TABLE c CLUSTER ON c_a;
-- b:
ALTER TABLE c CLUSTER ON c_b;
-- pair: row level security switched
CREATE TABLE s1 (a integer);
CREATE TABLE s2 (a integer);
-- a:
ALTER TABLE s1 ENABLE ROW LEVEL SECURITY;
-- b:
ALTER TABLE s2 ENABLE ROW LEVEL SECURITY;
ALTER TABLE s2 FORCE ROW LEVEL SECURITY;
-- pair: access method
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
-- a:
CREATE TABLE am (a integer);
-- b:
CREATE TABLE am (a integer) USING heap2;
-- pair: table without columns
-- a:
CREATE TABLE empty ();
-- b:
CREATE TABLE empty (a integer);
-- pair: table loses its last column
-- a:
CREATE TABLE empty (a integer);
-- b:
CREATE TABLE empty ();
-- pair: comments
-- a:
CREATE TABLE t (a integer, b integer);
COMMENT ON TABLE t IS 'one';
COMMENT ON COLUMN t.a IS 'first';
-- b:
CREATE TABLE t (a integer, b integer);
COMMENT ON TABLE t IS 'it''s "two"; $$ %';
COMMENT ON COLUMN t.b IS E'two\nlines';
-- pair: inheritance made
-- a:
CREATE TABLE p (a integer, b text DEFAULT 'x');
CREATE TABLE c (a integer, b text, own date);
-- b:
CREATE TABLE p (a integer, b text DEFAULT 'x');
CREATE TABLE c (a integer, b text, own date) INHERITS (p);
-- pair: inheritance ended
-- a:
CREATE TABLE p (a integer NOT NULL CHECK (a > 0));
CREATE TABLE c (own date) INHERITS (p);
-- b:
CREATE TABLE p (a integer NOT NULL CHECK (a > 0));
CREATE TABLE c (a integer NOT NULL, own date, CONSTRAINT p_a_check CHECK (a > 0));
-- pair: column added to a parent
-- a:
CREATE TABLE p (a integer);
CREATE TABLE c (own date) INHERITS (p);
CREATE TABLE g () INHERITS (c);
-- b:
CREATE TABLE p (a integer, b text NOT NULL DEFAULT '');
CREATE TABLE c (own date) INHERITS (p);
CREATE TABLE g () INHERITS (c);
-- pair: column of a parent that a child has too
-- a:
CREATE TABLE p (a integer);
CREATE TABLE c (a integer DEFAULT 1, own date) INHERITS (p);
-- b:
CREATE TABLE p (a bigint);
CREATE TABLE c (a bigint DEFAULT 2, own date) INHERITS (p);
-- pair: two parents
-- a:
CREATE TABLE p1 (a integer);
CREATE TABLE p2 (b integer);
CREATE TABLE c () INHERITS (p1);
-- b:
CREATE TABLE p1 (a integer);
CREATE TABLE p2 (b integer);
CREATE TABLE c () INHERITS (p1, p2);
-- pair: typed table
CREATE TYPE person AS (name text, born date);
-- a:
CREATE TABLE people OF person;
-- b:
CREATE TABLE people OF person (name NOT NULL DEFAULT 'x', PRIMARY KEY (name));
-- pair: typed table and its type get a column
-- a:
CREATE TYPE person AS (name text, born date);
CREATE TABLE people OF person;
-- b:
CREATE TYPE person AS (name text, born date, note text);
CREATE TABLE people OF person;
-- pair: hostile names
-- a:
CREATE SCHEMA "My ""Schema""";
CREATE TABLE "My ""Schema"""."select" ("from" integer, "it's" text, "100%" text, "a.b" integer, "größe" integer);
CREATE INDEX "in;dex" ON "My ""Schema"""."select" ("it's");
-- b:
CREATE SCHEMA "My ""Schema""";
CREATE TABLE "My ""Schema"""."select" ("from" bigint, "it's" varchar(5) DEFAULT '%s', "100%" text NOT NULL, "$1" integer, "größe" integer CHECK ("größe" > 0));
CREATE INDEX "in;dex" ON "My ""Schema"""."select" ("it's", "100%");
-- pair: names that are truncated alike
-- a:
CREATE TABLE a_very_long_name_of_a_table_that_has_sixty_three_characters_1 (another_quite_long_name_of_a_column_in_a_table_with_long_names integer UNIQUE);
-- b:
CREATE TABLE a_very_long_name_of_a_table_that_has_sixty_three_characters_1 (another_quite_long_name_of_a_column_in_a_table_with_long_names integer UNIQUE, x serial UNIQUE);
CREATE TABLE a_very_long_name_of_a_table_that_has_sixty_three_characters_2 (another_quite_long_name_of_a_column_in_a_table_with_long_names serial UNIQUE);
