-- pair: body changed
-- a:
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS $$ SELECT a + 1 $$;
-- b:
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS $$ SELECT a + 2; -- it's '$1' $$;
-- pair: overloads
-- a:
CREATE FUNCTION f(integer) RETURNS text LANGUAGE sql AS $$ SELECT 'i' $$;
CREATE FUNCTION f(text) RETURNS text LANGUAGE sql AS $$ SELECT 't' $$;
-- b:
CREATE FUNCTION f(text) RETURNS text LANGUAGE sql AS $$ SELECT 'T' $$;
CREATE FUNCTION f(text, integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$ SELECT 'ti' $$;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT '' $$;
-- pair: return type changed
-- a:
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
CREATE VIEW v AS SELECT f() AS x;
-- b:
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT 1::bigint $$;
CREATE VIEW v AS SELECT f() AS x;
-- pair: names of arguments changed
-- a:
CREATE FUNCTION f(a integer, b text DEFAULT 'x') RETURNS text LANGUAGE sql AS $$ SELECT b $$;
-- b:
CREATE FUNCTION f(n integer, b text DEFAULT 'y') RETURNS text LANGUAGE sql AS $$ SELECT b $$;
-- pair: default of an argument removed
-- a:
CREATE FUNCTION f(a integer DEFAULT 1) RETURNS integer LANGUAGE sql AS $$ SELECT a $$;
-- b:
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS $$ SELECT a $$;
-- pair: attributes
-- a:
CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql AS $$ SELECT 1 $$;
-- b:
CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql STABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL SAFE COST 7 ROWS 3 SET search_path = pg_catalog, "My Schema" SET work_mem = '10MB' AS $$ SELECT 1 $$;
-- pair: table and OUT arguments
-- a:
CREATE FUNCTION f(OUT a integer, OUT b text) LANGUAGE sql AS $$ SELECT 1, 'x' $$;
CREATE FUNCTION g() RETURNS TABLE (a integer) LANGUAGE sql AS $$ SELECT 1 $$;
-- b:
CREATE FUNCTION f(OUT a integer, OUT c text) LANGUAGE sql AS $$ SELECT 1, 'x' $$;
CREATE FUNCTION g() RETURNS TABLE (a integer, b text) LANGUAGE sql AS $$ SELECT 1, 'x' $$;
-- pair: BEGIN ATOMIC
-- a:
CREATE TABLE t (a integer, b text);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
-- b:
CREATE TABLE t (a integer, b text);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(b) FROM t WHERE a > 1; END;
CREATE FUNCTION g(x integer) RETURNS bigint LANGUAGE sql RETURN f() + x;
-- pair: procedure
-- a:
CREATE PROCEDURE p(a integer) LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE FUNCTION becomes() RETURNS void LANGUAGE sql AS '';
-- b:
CREATE PROCEDURE p(a integer, INOUT b text DEFAULT 'x') LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE PROCEDURE becomes() LANGUAGE sql AS '';
-- pair: function on a new table
-- a:
-- b:
CREATE TABLE t (a integer);
CREATE FUNCTION rows() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
CREATE FUNCTION of(t) RETURNS integer LANGUAGE sql AS 'SELECT $1.a';
CREATE VIEW v AS SELECT (r).a FROM rows() r;
-- pair: body names what is made later
SET check_function_bodies = off;
-- a:
-- b:
CREATE FUNCTION zebra() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.zoo';
CREATE TABLE zoo (a bigint DEFAULT zebra());
-- pair: function with a table's row type that changes
-- a:
CREATE TABLE t (a integer, b text);
CREATE FUNCTION f(r t) RETURNS text LANGUAGE sql AS 'SELECT r.b';
-- b:
CREATE TABLE t (a bigint, b text, c date);
CREATE FUNCTION f(r t) RETURNS text LANGUAGE sql AS 'SELECT r.b';
-- pair: variadic, window, polymorphic
-- a:
CREATE FUNCTION f(VARIADIC n integer[]) RETURNS integer LANGUAGE sql AS 'SELECT n[1]';
-- b:
CREATE FUNCTION f(VARIADIC n text[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g(anyelement, anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION w() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
-- pair: grants, comment, owner
CREATE FUNCTION f(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
-- a:
COMMENT ON FUNCTION f IS 'one';
-- b:
REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
GRANT EXECUTE ON FUNCTION f TO regress_diff_a WITH GRANT OPTION;
COMMENT ON FUNCTION f IS 'two';
ALTER FUNCTION f OWNER TO regress_diff_b;
-- pair: aggregates
-- a:
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE AGGREGATE gone(integer) (SFUNC = int4pl, STYPE = integer);
-- b:
CREATE FUNCTION cat(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT concat($1, $2) $$;
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', PARALLEL = SAFE, COMBINEFUNC = int4pl);
CREATE AGGREGATE all_of(text) (SFUNC = cat, STYPE = text);
CREATE AGGREGATE rank_of(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE TABLE t (a text);
CREATE VIEW v AS SELECT all_of(a) AS a FROM t;
COMMENT ON AGGREGATE all_of(text) IS 'all';
-- pair: operators and casts
-- a:
CREATE FUNCTION lt(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
-- b:
CREATE FUNCTION lt(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
CREATE OPERATOR <<< (FUNCTION = lt, LEFTARG = text, RIGHTARG = text, COMMUTATOR = >>>, RESTRICT = scalarltsel);
CREATE OPERATOR >>> (FUNCTION = lt, LEFTARG = text, RIGHTARG = text, COMMUTATOR = <<<);
CREATE OPERATOR ~~> (FUNCTION = length, RIGHTARG = text);
CREATE TYPE mood AS ENUM ('a');
CREATE FUNCTION mood_to_int(mood) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (mood AS integer) WITH FUNCTION mood_to_int(mood) AS ASSIGNMENT;
COMMENT ON OPERATOR <<< (text, text) IS 'less';
-- pair: operator class and family
-- a:
CREATE OPERATOR FAMILY fam USING btree;
-- b:
CREATE FUNCTION rcmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp($2, $1)';
CREATE OPERATOR FAMILY fam USING btree;
CREATE OPERATOR CLASS rev FOR TYPE integer USING btree FAMILY fam AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 rcmp(integer, integer);
CREATE TABLE t (a integer);
CREATE INDEX i ON t (a rev);
-- pair: function body uses a column that goes, and then one that comes
-- a:
CREATE TABLE t (x integer, y integer);
CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql AS 'SELECT x FROM t';
CREATE FUNCTION g() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT x FROM t; END;
-- b:
CREATE TABLE t (y integer, z integer);
CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql AS 'SELECT z FROM t';
CREATE FUNCTION g() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT z FROM t; END;
-- pair: functions that return rows of a table that gets and loses columns
-- a:
CREATE TABLE item (id integer, name text, gone integer);
CREATE FUNCTION f() RETURNS SETOF item LANGUAGE sql BEGIN ATOMIC SELECT id, name, gone FROM item; END;
CREATE FUNCTION g(i integer) RETURNS item LANGUAGE sql STABLE AS 'SELECT id, name, gone FROM item WHERE id = i';
CREATE FUNCTION h(i integer) RETURNS item LANGUAGE sql STABLE AS 'SELECT * FROM item WHERE id = i';
CREATE VIEW v AS SELECT (g(1)).id;
GRANT EXECUTE ON FUNCTION g TO regress_diff_a;
-- b:
CREATE TABLE item (id integer, name text, price numeric, tax numeric);
CREATE FUNCTION f() RETURNS SETOF item LANGUAGE sql BEGIN ATOMIC SELECT id, name, price, tax FROM item; END;
CREATE FUNCTION g(i integer) RETURNS item LANGUAGE sql STABLE AS 'SELECT id, name, price, 0.0 FROM item WHERE id = i';
CREATE FUNCTION h(i integer) RETURNS item LANGUAGE sql STABLE AS 'SELECT * FROM item WHERE id = i';
CREATE VIEW v AS SELECT (g(1)).id;
GRANT EXECUTE ON FUNCTION g TO regress_diff_a;
-- pair: function that returns a composite type that gets an attribute
-- a:
CREATE TYPE c AS (a integer, b text);
CREATE FUNCTION f() RETURNS c LANGUAGE sql AS 'SELECT 1, ''x''::text';
-- b:
CREATE TYPE c AS (a integer, b text, d date);
CREATE FUNCTION f() RETURNS c LANGUAGE sql AS 'SELECT 1, ''x''::text, current_date';
-- pair: function uses a label that an enum loses, in a column of its table
-- a:
CREATE TYPE st AS ENUM ('a', 'gone', 'b');
CREATE TABLE t (id integer, s st);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t WHERE s = ''gone''';
CREATE FUNCTION g() RETURNS text LANGUAGE sql AS 'SELECT ''gone''::st::text';
-- b:
CREATE TYPE st AS ENUM ('b', 'a', 'c');
CREATE TABLE t (id integer, s st);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t WHERE s = ''c''';
CREATE FUNCTION g() RETURNS text LANGUAGE sql AS 'SELECT ''c''::st::text';
-- pair: function compares a column that gets another type
-- a:
CREATE TABLE t (id text, at text);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t WHERE id || at = ''x''';
-- b:
CREATE TABLE t (id integer, at date);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t WHERE id + 1 = 5 AND at + 1 > current_date';
-- pair: function uses a column of a view that loses it, and another function that goes
-- a:
CREATE TABLE t (a integer, b integer);
CREATE VIEW v AS SELECT a, b AS old FROM t;
CREATE FUNCTION helper(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql AS 'SELECT helper(old) FROM v';
-- b:
CREATE TABLE t (a integer, b integer);
CREATE VIEW v AS SELECT a, b AS new FROM t;
CREATE FUNCTION helper(bigint) RETURNS integer LANGUAGE sql AS 'SELECT $1::integer';
CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql AS 'SELECT helper(new::bigint) FROM v';
-- pair: procedures and functions of the standard with a table that is replaced by a view
-- a:
CREATE TABLE t (a integer, b text);
CREATE PROCEDURE p(x integer) BEGIN ATOMIC DELETE FROM t WHERE a = x; INSERT INTO t VALUES (x, 'p'); END;
CREATE FUNCTION f(x integer) RETURNS text RETURN (SELECT b FROM t WHERE a = x);
CREATE FUNCTION g() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
-- b:
CREATE TABLE base (a bigint, b text, c date);
CREATE VIEW t AS SELECT a, b FROM base;
CREATE PROCEDURE p(x integer) BEGIN ATOMIC DELETE FROM base WHERE a = x; INSERT INTO t VALUES (x, 'q'); END;
CREATE FUNCTION f(x integer) RETURNS text RETURN (SELECT b FROM t WHERE a = x);
CREATE FUNCTION g() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
-- pair: aggregates and the defaults of FINALFUNC_MODIFY
-- a:
CREATE FUNCTION ff(internal, VARIADIC "any") RETURNS bigint LANGUAGE internal AS 'hypothetical_rank_final';
CREATE FUNCTION fi(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
-- b:
CREATE FUNCTION ff(internal, VARIADIC "any") RETURNS bigint LANGUAGE internal AS 'hypothetical_rank_final';
CREATE FUNCTION fi(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE a1(int ORDER BY int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC = fi, FINALFUNC_MODIFY = shareable);
CREATE AGGREGATE a2(int ORDER BY int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC = fi);
CREATE AGGREGATE a3(int ORDER BY int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC = fi, FINALFUNC_MODIFY = read_only);
CREATE AGGREGATE a4(int) (SFUNC = int4pl, STYPE = int, FINALFUNC = int4abs, FINALFUNC_MODIFY = read_write, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int, MFINALFUNC = int4abs, MFINALFUNC_MODIFY = shareable);
CREATE AGGREGATE a5(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = ff, FINALFUNC_EXTRA, HYPOTHETICAL);
-- pair: overload with a default goes, a default calls the other one
-- a:
CREATE FUNCTION f(a integer, b integer DEFAULT 1) RETURNS integer IMMUTABLE RETURN 1;
CREATE TABLE t (id integer PRIMARY KEY, n integer DEFAULT f(1));
-- b:
CREATE FUNCTION f(a integer) RETURNS integer IMMUTABLE RETURN 1;
CREATE TABLE t (id integer PRIMARY KEY, n integer DEFAULT f(1));
