-- cmig.lint, rule by rule: statements that the rule reports, and similar ones that it does not
-- report. Each finding is then suppressed by a comment. lint_fixes runs the fixes.
\pset format unaligned \pset footer off
\set ECHO none
SET client_min_messages = error;
CREATE EXTENSION pg_cmig;
SET lock_timeout = '2s';
SET statement_timeout = '1min';
SET timezone = 'UTC';
-- the tables here count as large
SET cmig.lint_small_table = 0;
CREATE TABLE city (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO city SELECT g, g FROM generate_series(1, 20) g;
CREATE DOMAIN positive AS bigint CHECK (VALUE > 0);
CREATE DOMAIN label AS text;
CREATE DOMAIN five AS bigint DEFAULT 5;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE point3 AS (x float8, y float8);
CREATE TYPE unused AS (x float8, y float8);
CREATE FUNCTION draw() RETURNS bigint LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN random(); END';
CREATE FUNCTION fixed() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION overloaded() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION overloaded(text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';
CREATE SEQUENCE counter;
CREATE TABLE big (id bigint PRIMARY KEY, name text, kind varchar(10), code varchar(5) COLLATE "C", n numeric(8, 2), at timestamp, city_id bigint, m mood,
	amount positive, tag label, filled text, doubtful text, pt point3, k int NOT NULL, "Odd name" text);
INSERT INTO big SELECT g, g, 'k', 'c', 1, now(), g % 20 + 1, 'sad', 1, 't', 'f', 'd', NULL, g, '' FROM generate_series(1, 300) g;
CREATE INDEX big_name ON big (name);
CREATE INDEX big_code ON big (code);
CREATE UNIQUE INDEX big_k ON big (k);
CREATE UNIQUE INDEX big_city ON big (city_id, id);
ALTER TABLE big ADD CONSTRAINT filled_there CHECK (filled IS NOT NULL), ADD CONSTRAINT doubtful_there CHECK (doubtful IS NOT NULL) NOT VALID,
	ADD CONSTRAINT n_positive CHECK (n > 0), ADD CONSTRAINT either CHECK (name IS NOT NULL OR n > 0), ADD CONSTRAINT city_there CHECK (city_id > 0) NOT VALID;
CREATE TABLE small (id bigint, name text, city_id bigint);
CREATE TABLE shard (id bigint NOT NULL, day date NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE shard_1 PARTITION OF shard FOR VALUES FROM (0) TO (100);
CREATE TABLE shard_2 PARTITION OF shard FOR VALUES FROM (100) TO (200);
INSERT INTO shard SELECT g, '2026-01-01' FROM generate_series(1, 150) g;
CREATE INDEX shard_day ON shard (day);
CREATE TABLE list (id bigint) PARTITION BY LIST (id);
CREATE TABLE list_1 PARTITION OF list FOR VALUES IN (1);
CREATE TABLE list_rest PARTITION OF list DEFAULT;
INSERT INTO list VALUES (1), (9);
CREATE TABLE loose (id bigint NOT NULL, day date NOT NULL);
INSERT INTO loose SELECT g, '2026-01-01' FROM generate_series(200, 250) g;
CREATE TABLE checked (id bigint NOT NULL, day date NOT NULL, CHECK (id >= 200 AND id < 300));
INSERT INTO checked SELECT * FROM loose;
CREATE TABLE parent (id bigint, name text);
CREATE TABLE child () INHERITS (parent);
INSERT INTO child SELECT g, g FROM generate_series(1, 10) g;
CREATE UNLOGGED TABLE scratch (id bigint);
INSERT INTO scratch VALUES (1);
CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM city;
CREATE MATERIALIZED VIEW empty_summary AS SELECT count(*) AS n FROM city WITH NO DATA;
CREATE TABLE visit (city_id bigint REFERENCES city, big_id bigint REFERENCES big);
CREATE VIEW names AS SELECT id, name FROM big;
CREATE SCHEMA shop;
CREATE TABLE shop.item (id bigint);
INSERT INTO shop.item VALUES (1);
CREATE SCHEMA bare;
CREATE VIEW names_of_names AS SELECT id FROM names;
CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER stamp BEFORE UPDATE ON city FOR EACH ROW EXECUTE FUNCTION stamped();
CREATE POLICY shown ON city USING (true);
CREATE POLICY floor ON city AS RESTRICTIVE USING (true);
CREATE FUNCTION named(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE ROLE regress_lint_app;
CREATE ROLE regress_lint_owner;
GRANT SELECT ON big TO regress_lint_app, regress_lint_owner;
CREATE SCHEMA owned AUTHORIZATION regress_lint_owner;
CREATE ROLE regress_lint_holder;
CREATE TABLE held (id bigint);
ALTER TABLE held OWNER TO regress_lint_holder;
ANALYZE;

CREATE TABLE lint_case (n int GENERATED ALWAYS AS IDENTITY, rule text, script text, at int[] DEFAULT '{}', transactional boolean DEFAULT true);
CREATE FUNCTION fires(rule text, script text, VARIADIC at int[]) RETURNS void LANGUAGE sql AS
	'INSERT INTO lint_case (rule, script, at) VALUES ($1, $2, $3)';
CREATE FUNCTION silent(rule text, VARIADIC scripts text[]) RETURNS void LANGUAGE sql AS
	'INSERT INTO lint_case (rule, script) SELECT $1, s FROM unnest($2) s';
CREATE FUNCTION fires_alone(rule text, script text, VARIADIC at int[]) RETURNS void LANGUAGE sql AS
	'INSERT INTO lint_case (rule, script, at, transactional) VALUES ($1, $2, $3, false)';
CREATE FUNCTION silent_alone(rule text, VARIADIC scripts text[]) RETURNS void LANGUAGE sql AS
	'INSERT INTO lint_case (rule, script, transactional) SELECT $1, s, false FROM unnest($2) s';
-- where a rule fires, one statement a line
CREATE FUNCTION found(rule text, script text, transactional boolean) RETURNS int[] LANGUAGE sql AS
	$$ SELECT coalesce(array_agg(DISTINCT l.statement ORDER BY l.statement), '{}') FROM cmig.lint_sql($2, $3) l WHERE l.rule = $1 $$;

\o /dev/null
-- indexes
SELECT fires('require-concurrent-index-creation', E'CREATE INDEX ON big (kind);\nCREATE UNIQUE INDEX x ON public.big (lower(name)) WHERE id > 5;\nCREATE INDEX ON shard (id);\nCREATE INDEX ON summary (n)', 1, 2, 3, 4),
	fires('require-concurrent-index-creation', E'ALTER TABLE big RENAME TO large;\nCREATE INDEX ON large (kind)', 2),
	fires('require-concurrent-index-creation', E'CREATE INDEX IF NOT EXISTS other ON big USING brin (id);\nDROP INDEX big_name;\nCREATE INDEX IF NOT EXISTS big_name ON big (name)', 1, 3),
	fires('require-concurrent-index-creation', 'CREATE INDEX ON nowhere (x)', 1),
	silent('require-concurrent-index-creation', 'CREATE INDEX ON small (name)', 'CREATE INDEX ON ONLY shard (id)', 'CREATE INDEX ON parent (id)', 'CREATE INDEX IF NOT EXISTS big_name ON big (name)',
		E'CREATE TABLE new AS SELECT * FROM big;\nCREATE INDEX ON new (id)', E'CREATE TEMP TABLE new (id bigint);\nCREATE INDEX ON new (id)', 'CREATE INDEX ON empty_summary (n)', E'TRUNCATE big;\nCREATE INDEX ON big (kind)',
		E'DROP TABLE big CASCADE;\nCREATE TABLE big (id bigint);\nCREATE INDEX ON big (id)', E'CREATE TABLE IF NOT EXISTS new (id bigint);\nCREATE INDEX ON new (id)'),
	fires('require-concurrent-index-creation', E'CREATE TABLE IF NOT EXISTS big (id bigint);\nCREATE INDEX ON big (kind)', 2),
	silent_alone('require-concurrent-index-creation', 'CREATE INDEX CONCURRENTLY ON big (kind)'),
	fires_alone('require-concurrent-index-creation', 'CREATE INDEX ON big (kind)', 1);
SELECT fires('require-concurrent-index-deletion', E'DROP INDEX big_name;\nDROP INDEX IF EXISTS public.big_code, nothing CASCADE', 1, 2),
	silent('require-concurrent-index-deletion', 'DROP INDEX IF EXISTS nothing', E'CREATE INDEX new ON big (kind);\nDROP INDEX new', E'CREATE TABLE new (id bigint);\nCREATE INDEX new_id ON new (id);\nDROP INDEX new_id', 'DROP INDEX shard_day', 'ALTER TABLE big DROP CONSTRAINT big_pkey CASCADE'),
	silent_alone('require-concurrent-index-deletion', 'DROP INDEX CONCURRENTLY big_name');
SELECT fires('require-concurrent-reindex', E'REINDEX TABLE big;\nREINDEX INDEX big_name;\nREINDEX (VERBOSE) TABLE public.big;\nREINDEX SCHEMA shop', 1, 2, 3, 4),
	silent('require-concurrent-reindex', 'REINDEX TABLE small', E'CREATE TABLE new (id bigint PRIMARY KEY);\nREINDEX TABLE new', 'REINDEX SCHEMA bare', E'CREATE SCHEMA new;\nREINDEX SCHEMA new'),
	silent_alone('require-concurrent-reindex', 'REINDEX TABLE CONCURRENTLY big', 'REINDEX (CONCURRENTLY) INDEX big_name', 'REINDEX (CONCURRENTLY true) INDEX big_name'),
	fires_alone('require-concurrent-reindex', 'REINDEX (CONCURRENTLY false) INDEX big_name', 1);
SELECT fires('ban-concurrently-on-partitioned-table', 'CREATE INDEX CONCURRENTLY x ON shard (id)', 1), silent('ban-concurrent-index-creation-in-transaction', 'CREATE INDEX CONCURRENTLY x ON shard (id)'),
	silent('ban-non-transactional-statement', 'DROP INDEX CONCURRENTLY shard_day', 'ALTER TABLE list DETACH PARTITION list_1 CONCURRENTLY'),
	fires_alone('ban-concurrently-on-partitioned-table', E'CREATE INDEX CONCURRENTLY IF NOT EXISTS shard_day ON shard (day);\nCREATE INDEX CONCURRENTLY x ON ONLY shard (id);\nDROP INDEX CONCURRENTLY shard_day;\nALTER TABLE list DETACH PARTITION list_1 CONCURRENTLY', 1, 2, 3, 4),
	fires_alone('ban-concurrently-on-partitioned-table', E'CREATE TABLE new (id bigint) PARTITION BY LIST (id);\nCREATE INDEX CONCURRENTLY new_id ON new (id);\nDROP INDEX CONCURRENTLY new_id', 2, 3),
	silent_alone('ban-concurrently-on-partitioned-table', 'CREATE INDEX CONCURRENTLY ON shard_1 (id)', 'CREATE INDEX CONCURRENTLY ON nowhere (id)', 'DROP INDEX CONCURRENTLY nothing', 'REINDEX INDEX CONCURRENTLY shard_day',
		'ALTER TABLE shard DETACH PARTITION shard_1 CONCURRENTLY', E'DROP TABLE list_rest;\nALTER TABLE list DETACH PARTITION list_1 CONCURRENTLY', E'ALTER TABLE list DETACH PARTITION list_rest;\nALTER TABLE list DETACH PARTITION list_1 CONCURRENTLY',
		E'DROP TABLE shard;\nCREATE TABLE shard (id bigint);\nCREATE INDEX CONCURRENTLY ON shard (id)');
SELECT fires('index-with-many-columns', E'CREATE INDEX ON big (id, name, kind, n);\nCREATE INDEX ON small (id, name, city_id, lower(name))', 1, 2),
	silent('index-with-many-columns', 'CREATE INDEX ON big (id, name, kind) INCLUDE (n, at)', 'CREATE UNIQUE INDEX ON big (id, name, kind, n)', E'CREATE TEMP TABLE t (a int, b int, c int, d int);\nCREATE INDEX ON t (a, b, c, d)');

-- columns
SELECT fires('adding-field-with-default', E'ALTER TABLE big ADD x uuid DEFAULT gen_random_uuid();\nALTER TABLE big ADD COLUMN y timestamptz NOT NULL DEFAULT clock_timestamp(), ADD z bigint;\nALTER TABLE big ADD u bigint GENERATED ALWAYS AS (id + 1) STORED', 1, 2, 3),
	fires('adding-field-with-default', E'ALTER TABLE big ADD x bigint DEFAULT draw();\nALTER TABLE big ADD y bigint DEFAULT fixed() + nextval(''counter'');\nALTER TABLE big ADD z text DEFAULT ''a'' || random()::text;\nALTER TABLE big ADD u bigint[] DEFAULT ARRAY[draw()];\nALTER TABLE big ADD v bigint DEFAULT CASE WHEN true THEN draw() END', 1, 2, 3, 4, 5),
	fires('adding-field-with-default', E'CREATE FUNCTION new() RETURNS bigint LANGUAGE sql AS ''SELECT 1'';\nALTER TABLE big ADD x bigint DEFAULT new();\nALTER TABLE parent ADD x bigint DEFAULT draw()', 2, 3),
	fires('adding-field-with-default', 'ALTER TABLE big ADD x bigint DEFAULT overloaded(''x'')', 1),
	silent('adding-field-with-default', 'ALTER TABLE big ADD x bigint DEFAULT 1', 'ALTER TABLE big ADD x timestamptz DEFAULT now()', 'ALTER TABLE big ADD x date DEFAULT current_date', 'ALTER TABLE big ADD x text DEFAULT current_user',
		'ALTER TABLE big ADD x bigint DEFAULT fixed()', 'ALTER TABLE big ADD x bigint DEFAULT overloaded()', 'ALTER TABLE big ADD x text DEFAULT upper(''a'') || lpad(''b'', 3)', 'ALTER TABLE big ADD x jsonb DEFAULT ''{}''', 'ALTER TABLE big ADD x interval DEFAULT ''1 day''::interval * 2',
		'ALTER TABLE big ADD x text DEFAULT NULL', 'ALTER TABLE small ADD x uuid DEFAULT gen_random_uuid()', 'ALTER TABLE big ADD IF NOT EXISTS kind uuid DEFAULT gen_random_uuid()', 'ALTER TABLE big ALTER name SET DEFAULT random()::text',
		'ALTER TABLE ONLY parent ADD x bigint DEFAULT draw()', E'CREATE TABLE new (id bigint);\nALTER TABLE new ADD x uuid DEFAULT gen_random_uuid()',
		E'CREATE FUNCTION new() RETURNS bigint LANGUAGE sql STABLE AS ''SELECT 1'';\nALTER TABLE big ADD x bigint DEFAULT new()', 'ALTER TABLE IF EXISTS nowhere ADD x uuid DEFAULT gen_random_uuid()');
SELECT fires('adding-auto-incrementing-field', E'ALTER TABLE big ADD x bigserial;\nALTER TABLE big ADD y bigint GENERATED ALWAYS AS IDENTITY;\nALTER TABLE big ADD COLUMN z smallserial UNIQUE', 1, 2, 3),
	silent('adding-auto-incrementing-field', 'ALTER TABLE small ADD x bigserial', E'CREATE TABLE new (id bigserial);\nALTER TABLE new ADD x bigserial', 'ALTER TABLE big ALTER k ADD GENERATED ALWAYS AS IDENTITY', 'ALTER TABLE big ADD x bigint');
SELECT fires('adding-required-field', E'ALTER TABLE big ADD x text NOT NULL;\nALTER TABLE big ADD y text DEFAULT NULL NOT NULL;\nALTER TABLE big ADD z bigint PRIMARY KEY', 1, 2, 3),
	silent('adding-required-field', 'ALTER TABLE big ADD x text NOT NULL DEFAULT ''''', 'ALTER TABLE small ADD x text NOT NULL', 'ALTER TABLE big ADD x bigserial NOT NULL', 'ALTER TABLE big ADD x five NOT NULL', 'ALTER TABLE big ADD x bigint NOT NULL GENERATED ALWAYS AS IDENTITY',
		'ALTER TABLE big ADD x bigint NOT NULL GENERATED ALWAYS AS (1) STORED', 'ALTER TABLE big ADD IF NOT EXISTS name text NOT NULL', 'ALTER TABLE big ADD x text NULL');
SELECT fires('adding-not-nullable-field', E'ALTER TABLE big ALTER name SET NOT NULL;\nALTER TABLE big ALTER COLUMN doubtful SET NOT NULL;\nALTER TABLE big ALTER filled SET NOT NULL, DROP CONSTRAINT filled_there;\nALTER TABLE parent ALTER name SET NOT NULL', 1, 2, 3, 4),
	fires('adding-not-nullable-field', E'ALTER TABLE big RENAME filled TO full_text;\nALTER TABLE big ALTER full_text SET NOT NULL;\nALTER TABLE big DROP CONSTRAINT n_positive;\nALTER TABLE big ALTER n SET NOT NULL', 4),
	silent('adding-not-nullable-field', 'ALTER TABLE big ALTER id SET NOT NULL', E'ALTER TABLE big ADD x bigint NOT NULL DEFAULT 1;\nALTER TABLE big ALTER x SET NOT NULL', 'ALTER TABLE big ALTER filled SET NOT NULL', 'ALTER TABLE small ALTER name SET NOT NULL', E'ALTER TABLE big VALIDATE CONSTRAINT doubtful_there;\nALTER TABLE big ALTER doubtful SET NOT NULL',
		'ALTER TABLE ONLY parent ALTER name SET NOT NULL', 'ALTER TABLE big ALTER k SET NOT NULL', E'TRUNCATE big;\nALTER TABLE big ALTER name SET NOT NULL');
SELECT fires('changing-column-type', E'ALTER TABLE big ALTER id TYPE numeric;\nALTER TABLE big ALTER kind TYPE varchar(5);\nALTER TABLE big ALTER n TYPE numeric(8, 3);\nALTER TABLE big ALTER n TYPE numeric(10, 2);\nALTER TABLE big ALTER code TYPE text COLLATE "en-x-icu";\nALTER TABLE big ALTER kind TYPE text USING lower(kind);\nALTER TABLE big ALTER k TYPE bigint;\nALTER TABLE big ALTER m TYPE text', 1, 2, 3, 4, 5, 6, 7, 8),
	silent('changing-column-type', 'ALTER TABLE big ALTER kind TYPE varchar(20)', 'ALTER TABLE big ALTER kind TYPE text', 'ALTER TABLE big ALTER kind TYPE text USING kind::text', 'ALTER TABLE big ALTER code TYPE varchar(9) COLLATE "C"', 'ALTER TABLE big ALTER at TYPE timestamptz',
		'ALTER TABLE small ALTER id TYPE numeric', 'ALTER TABLE small ALTER name TYPE varchar', 'ALTER TABLE big ALTER tag TYPE varchar', 'ALTER TABLE big ALTER tag TYPE text', 'ALTER TABLE big ALTER "Odd name" TYPE label', E'CREATE TABLE new (id bigint);\nALTER TABLE new ALTER id TYPE text');
CREATE TABLE measured (n numeric(10, 4), whole numeric(10, 0), f double precision, i bigint, tz timestamptz, t timestamp, day date, doc json, address inet, txt text);
INSERT INTO measured SELECT g FROM generate_series(1, 20) g;
SELECT fires('changing-values', E'ALTER TABLE measured ALTER n TYPE numeric(10, 2);\nALTER TABLE measured ALTER n TYPE integer;\nALTER TABLE measured ALTER f TYPE real;\nALTER TABLE measured ALTER i TYPE double precision;\nALTER TABLE measured ALTER tz TYPE date', 1, 2, 3, 4, 5),
	fires('changing-values', E'ALTER TABLE measured ALTER t TYPE timestamp(0);\nALTER TABLE measured ALTER t TYPE time;\nALTER TABLE measured ALTER doc TYPE jsonb;\nALTER TABLE measured ALTER address TYPE cidr;\nALTER TABLE measured ALTER txt TYPE varchar(5) USING txt::varchar(5)', 1, 2, 3, 4, 5),
	silent('changing-values', 'ALTER TABLE measured ALTER n TYPE numeric(12, 4)', 'ALTER TABLE measured ALTER n TYPE numeric', 'ALTER TABLE measured ALTER whole TYPE bigint', 'ALTER TABLE measured ALTER f TYPE numeric', 'ALTER TABLE measured ALTER i TYPE numeric(20)', 'ALTER TABLE measured ALTER day TYPE timestamp', 'ALTER TABLE measured ALTER t TYPE timestamptz',
		'ALTER TABLE measured ALTER tz TYPE date USING (tz AT TIME ZONE ''UTC'')::date', 'ALTER TABLE measured ALTER txt TYPE varchar(5)', 'ALTER TABLE measured ALTER doc TYPE text', 'ALTER TABLE small ALTER id TYPE real', 'ALTER TABLE measured ALTER n TYPE integer USING round(n)');
SELECT fires('renaming-column', E'ALTER TABLE big RENAME name TO title;\nALTER TABLE small RENAME COLUMN id TO key;\nALTER VIEW names RENAME name TO title;\nALTER TYPE point3 RENAME ATTRIBUTE x TO x1', 1, 2, 3, 4),
	silent('renaming-column', E'CREATE TABLE new (a bigint);\nALTER TABLE new RENAME a TO b', E'ALTER TABLE big ADD a bigint;\nALTER TABLE big RENAME a TO b', 'ALTER TABLE big RENAME CONSTRAINT either TO one_of', 'ALTER TYPE unused RENAME ATTRIBUTE x TO x1', 'ALTER TABLE IF EXISTS nowhere RENAME a TO b', 'ALTER INDEX big_name RENAME TO big_title');
SELECT fires('ban-drop-column', E'ALTER TABLE big DROP COLUMN kind;\nALTER TABLE small DROP name, DROP COLUMN IF EXISTS city_id;\nALTER TABLE IF EXISTS public.big DROP IF EXISTS n CASCADE', 1, 2, 3),
	silent('ban-drop-column', 'ALTER TABLE big DROP COLUMN IF EXISTS nothing', E'ALTER TABLE big ADD x bigint;\nALTER TABLE big DROP x', E'CREATE TABLE new (a bigint, b bigint);\nALTER TABLE new DROP a', 'ALTER TABLE big DROP CONSTRAINT either', 'ALTER TABLE big ALTER name DROP DEFAULT', 'ALTER TABLE IF EXISTS nowhere DROP x', 'ALTER TYPE unused DROP ATTRIBUTE y');
SELECT fires('ban-drop-not-null', E'ALTER TABLE big ALTER k DROP NOT NULL;\nALTER TABLE city ALTER COLUMN name DROP NOT NULL, ALTER name SET DEFAULT ''x''', 1, 2),
	silent('ban-drop-not-null', 'ALTER TABLE big ALTER name DROP NOT NULL', E'CREATE TABLE new (a bigint NOT NULL);\nALTER TABLE new ALTER a DROP NOT NULL', E'ALTER TABLE big ADD x bigint NOT NULL DEFAULT 1;\nALTER TABLE big ALTER x DROP NOT NULL', 'ALTER DOMAIN label DROP NOT NULL');
SELECT fires('ban-char-field', E'CREATE TABLE new (a char(3), b text);\nALTER TABLE small ADD c character(5);\nALTER TABLE small ALTER name TYPE char(5);\nCREATE TABLE other (a char)', 1, 2, 3, 4),
	silent('ban-char-field', 'CREATE TABLE new (a "char", b bpchar, c text)', 'CREATE TEMP TABLE new (a char(3))', 'CREATE TABLE IF NOT EXISTS big (a char(3))', 'SELECT ''a''::char(3)', 'CREATE FUNCTION f(char) RETURNS char LANGUAGE sql AS ''SELECT $1''', 'ALTER TABLE small ADD IF NOT EXISTS name char(3)');
SELECT fires('prefer-text-field', E'CREATE TABLE new (a varchar(3));\nALTER TABLE small ADD c character varying(5)[];\nALTER TABLE big ALTER kind TYPE varchar(30)', 1, 2, 3),
	silent('prefer-text-field', 'CREATE TABLE new (a varchar, b text)', 'CREATE TEMP TABLE new (a varchar(3))', 'SELECT name::varchar(3) FROM big', 'CREATE VIEW v AS SELECT name::varchar(3) FROM big');
SELECT fires('prefer-bigint-over-int', E'CREATE TABLE new (a int, b bigint);\nALTER TABLE small ADD c int4;\nALTER TABLE small ALTER id TYPE integer;\nCREATE TABLE other (id serial);\nCREATE SCHEMA s CREATE TABLE t (id int)', 1, 2, 3, 4, 5),
	silent('prefer-bigint-over-int', 'CREATE TABLE new (a bigint, b smallint, c numeric)', 'CREATE TEMP TABLE new (a int)', 'CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS ''SELECT 1''', 'CREATE DOMAIN d AS int', 'CREATE SEQUENCE s AS int', 'ALTER TABLE small ADD IF NOT EXISTS id int', 'CREATE TABLE new (LIKE big)');
SELECT fires('prefer-bigint-over-smallint', E'CREATE TABLE new (a smallint);\nALTER TABLE small ADD c int2 DEFAULT 1;\nCREATE TABLE other (id smallserial)', 1, 2, 3),
	silent('prefer-bigint-over-smallint', 'CREATE TABLE new (a bigint, b int)', 'CREATE TEMP TABLE new (a smallint)');
-- quantities, and references to columns of the same type
SELECT fires('prefer-bigint-over-int', E'CREATE TABLE p (id serial PRIMARY KEY);\nCREATE TABLE q (p int REFERENCES p);\nCREATE TABLE r (b int REFERENCES big (id));\nALTER TABLE small ADD p int, ADD FOREIGN KEY (p) REFERENCES p (id);\nCREATE TABLE s (id int PRIMARY KEY CHECK (id > 0));\nCREATE TABLE t (a int CHECK (a <> b), b bigint CHECK (b > 0))', 1, 3, 5, 6),
	silent('prefer-bigint-over-int', 'CREATE TABLE new (a int CHECK (a > 0), b int CHECK (b IN (1, 2)))', 'CREATE TABLE new (a int, b text, CHECK (b <> '''' AND 9 >= a))', 'ALTER TABLE small ADD c int CHECK (c BETWEEN -1 AND 1)');
SELECT fires('prefer-bigint-over-smallint', E'CREATE TABLE p (id bigint, n int UNIQUE);\nCREATE TABLE q (n smallint REFERENCES p (n))', 2),
	silent('prefer-bigint-over-smallint', 'CREATE TABLE new (a smallint CHECK (a BETWEEN 1 AND 10))');
SELECT fires('prefer-identity', E'CREATE TABLE new (a serial);\nALTER TABLE small ADD c bigserial;\nCREATE TABLE other (id serial8, b smallserial)', 1, 2, 3),
	silent('prefer-identity', 'CREATE TABLE new (a bigint GENERATED ALWAYS AS IDENTITY)', 'CREATE TABLE new (a bigint DEFAULT nextval(''counter''))', 'CREATE TEMP TABLE new (a serial)');
SELECT fires('prefer-timestamp-tz', E'CREATE TABLE new (a timestamp, b date);\nALTER TABLE small ADD c timestamp(3) without time zone;\nALTER TABLE small ALTER name TYPE timestamp USING now()', 1, 2, 3),
	silent('prefer-timestamp-tz', 'CREATE TABLE new (a timestamptz, b date, c time)', 'CREATE TEMP TABLE new (a timestamp)', 'ALTER TABLE big ALTER at TYPE timestamptz', 'SELECT now()::timestamp');
SELECT fires('prefer-jsonb-over-json', E'CREATE TABLE new (a json);\nALTER TABLE small ADD c json DEFAULT ''{}''', 1, 2),
	silent('prefer-jsonb-over-json', 'CREATE TABLE new (a jsonb)', 'SELECT ''{}''::json', 'CREATE TEMP TABLE new (a json)');

-- constraints
SELECT fires('constraint-missing-not-valid', E'ALTER TABLE big ADD CHECK (n > 0);\nALTER TABLE big ADD CONSTRAINT x CHECK (n > 1) NOT VALID, ADD y bigint;\nALTER TABLE big VALIDATE CONSTRAINT x;\nALTER TABLE big ADD z bigint CHECK (z > 0);\nALTER TABLE parent ADD CHECK (id > 0)', 1, 3, 4, 5),
	silent('constraint-missing-not-valid', 'ALTER TABLE big ADD CHECK (n > 0) NOT VALID', 'ALTER TABLE big VALIDATE CONSTRAINT doubtful_there', 'ALTER TABLE small ADD CHECK (id > 0)', E'CREATE TABLE new (a bigint);\nALTER TABLE new ADD CHECK (a > 0)', 'ALTER TABLE ONLY parent ADD CHECK (id > 0) NO INHERIT',
		E'CREATE TABLE new (id bigint, CHECK (id > 0))', 'ALTER TABLE big DROP CONSTRAINT either', 'ALTER TABLE big VALIDATE CONSTRAINT either'),
	silent_alone('constraint-missing-not-valid', E'ALTER TABLE big ADD CONSTRAINT x CHECK (n > 1) NOT VALID;\nALTER TABLE big VALIDATE CONSTRAINT x'),
	fires_alone('constraint-missing-not-valid', E'BEGIN;\nALTER TABLE big ADD CONSTRAINT x CHECK (n > 1) NOT VALID;\nALTER TABLE big VALIDATE CONSTRAINT x;\nCOMMIT', 3);
SELECT fires('adding-foreign-key-constraint', E'ALTER TABLE big ADD FOREIGN KEY (city_id) REFERENCES city;\nALTER TABLE big ADD x bigint DEFAULT 1 REFERENCES city (id);\nALTER TABLE big ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES city ON DELETE CASCADE, ADD y bigint', 1, 2, 3),
	silent('adding-foreign-key-constraint', 'ALTER TABLE big ADD FOREIGN KEY (city_id) REFERENCES city NOT VALID', 'ALTER TABLE big ADD x bigint REFERENCES city', 'ALTER TABLE small ADD FOREIGN KEY (city_id) REFERENCES city', 'CREATE TABLE new (id bigint REFERENCES big)', E'CREATE TABLE new (id bigint PRIMARY KEY);\nALTER TABLE small ADD FOREIGN KEY (city_id) REFERENCES new', 'ALTER TABLE parent ADD FOREIGN KEY (id) REFERENCES city');
SELECT fires('adding-serial-primary-key-field', E'ALTER TABLE loose ADD PRIMARY KEY (id);\nALTER TABLE loose ADD x bigserial PRIMARY KEY;\nALTER TABLE shard ADD CONSTRAINT pk PRIMARY KEY (id)', 1, 2, 3),
	silent('adding-serial-primary-key-field', 'ALTER TABLE small ADD PRIMARY KEY (id)', E'ALTER TABLE big DROP CONSTRAINT big_pkey CASCADE;\nALTER TABLE big ADD PRIMARY KEY USING INDEX big_k', 'CREATE TABLE new (id bigint PRIMARY KEY)', 'ALTER TABLE parent ADD PRIMARY KEY (id)');
SELECT fires('primary-key-sets-not-null', E'ALTER TABLE big DROP CONSTRAINT big_pkey CASCADE;\nALTER TABLE big ADD PRIMARY KEY USING INDEX big_city', 2),
	silent('primary-key-sets-not-null', E'ALTER TABLE big DROP CONSTRAINT big_pkey CASCADE;\nALTER TABLE big ADD PRIMARY KEY USING INDEX big_k', E'ALTER TABLE big ALTER city_id SET NOT NULL;\nALTER TABLE big DROP CONSTRAINT big_pkey CASCADE;\nALTER TABLE big ADD PRIMARY KEY USING INDEX big_city', 'ALTER TABLE big ADD UNIQUE USING INDEX big_city');
SELECT fires('disallowed-unique-constraint', E'ALTER TABLE big ADD UNIQUE (id, name);\nALTER TABLE big ADD x bigint UNIQUE;\nALTER TABLE big ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (k)', 1, 2, 3),
	silent('disallowed-unique-constraint', 'ALTER TABLE big ADD UNIQUE USING INDEX big_k', 'ALTER TABLE small ADD UNIQUE (id)', 'CREATE TABLE new (id bigint UNIQUE)', 'ALTER TABLE parent ADD UNIQUE (id)', 'ALTER TABLE big ADD IF NOT EXISTS name text UNIQUE');
SELECT fires('adding-exclusion-constraint', E'ALTER TABLE big ADD EXCLUDE USING gist (int8range(id, id + 1) WITH &&);\nALTER TABLE big ADD CONSTRAINT x EXCLUDE (k WITH =)', 1, 2),
	silent('adding-exclusion-constraint', 'ALTER TABLE small ADD EXCLUDE (id WITH =)', 'CREATE TABLE new (id bigint, EXCLUDE (id WITH =))');
SELECT fires('foreign-key-without-index', E'ALTER TABLE big ADD FOREIGN KEY (k, id) REFERENCES city NOT VALID;\nCREATE TABLE new (city_id bigint REFERENCES city);\nALTER TABLE small ADD FOREIGN KEY (city_id) REFERENCES city;\nALTER TABLE small ADD x bigint REFERENCES city', 1, 2, 3, 4),
	fires('foreign-key-without-index', E'CREATE TABLE new (a bigint, city_id bigint REFERENCES city);\nCREATE INDEX ON new (a, city_id);\nCREATE INDEX ON new (city_id) WHERE a > 0;\nCREATE INDEX ON new ((city_id + 1))', 1),
	silent('foreign-key-without-index', 'ALTER TABLE big ADD FOREIGN KEY (city_id) REFERENCES city NOT VALID', 'ALTER TABLE big ADD FOREIGN KEY (k) REFERENCES city NOT VALID', E'CREATE TABLE new (city_id bigint REFERENCES city);\nCREATE INDEX ON new (city_id, lower(''x''))', 'CREATE TABLE new (city_id bigint PRIMARY KEY REFERENCES city)',
		'CREATE TABLE new (city_id bigint REFERENCES city UNIQUE)', 'CREATE TEMP TABLE new (city_id bigint)', E'ALTER TABLE small ADD CONSTRAINT f FOREIGN KEY (city_id) REFERENCES city;\nALTER TABLE small DROP CONSTRAINT f', E'CREATE TABLE new (city_id bigint REFERENCES city);\nDROP TABLE new', 'CREATE TABLE new (a bigint, b bigint, PRIMARY KEY (b, a), FOREIGN KEY (a, b) REFERENCES city)', 'CREATE TABLE IF NOT EXISTS big (id bigint REFERENCES city)');
SELECT fires('ban-create-domain-with-constraint', E'CREATE DOMAIN d AS text CHECK (VALUE <> '''');\nCREATE DOMAIN e AS text NOT NULL', 1, 2),
	silent('ban-create-domain-with-constraint', 'CREATE DOMAIN d AS text', 'CREATE DOMAIN d AS text DEFAULT ''x'' NULL');
SELECT fires('ban-alter-domain-with-add-constraint', E'ALTER DOMAIN positive ADD CONSTRAINT x CHECK (VALUE < 1000);\nALTER DOMAIN label SET NOT NULL;\nALTER DOMAIN nowhere ADD CHECK (VALUE > 0)', 1, 2, 3),
	silent('ban-alter-domain-with-add-constraint', 'ALTER DOMAIN positive ADD CONSTRAINT x CHECK (VALUE < 1000) NOT VALID', 'ALTER DOMAIN five ADD CHECK (VALUE > 0)', 'ALTER DOMAIN label SET DEFAULT ''x''', 'ALTER DOMAIN label DROP NOT NULL', E'CREATE DOMAIN d AS text;\nALTER DOMAIN d ADD CHECK (VALUE <> '''')', 'ALTER DOMAIN positive DROP CONSTRAINT positive_check');

-- tables, schemas, databases
SELECT fires('ban-drop-table', E'DROP TABLE visit;\nDROP TABLE IF EXISTS public.small, nothing CASCADE;\nDROP SCHEMA shop CASCADE;\nDROP TABLE nowhere', 1, 2, 3, 4),
	silent('ban-drop-table', 'DROP TABLE IF EXISTS nothing', E'CREATE TABLE new (id bigint);\nDROP TABLE new', E'CREATE TEMP TABLE new (id bigint);\nDROP TABLE new', 'DROP VIEW names', 'DROP SCHEMA bare', 'DROP SCHEMA bare CASCADE', E'CREATE TABLE new (id bigint);\nALTER TABLE new RENAME TO newer;\nDROP TABLE newer', 'DROP INDEX big_name', 'DROP MATERIALIZED VIEW summary');
-- what became a part of something is lost with it, and a temporary table is not there any longer
SELECT fires('ban-drop-table', E'CREATE SCHEMA moved;\nALTER TABLE visit SET SCHEMA moved;\nDROP SCHEMA moved CASCADE', 3),
	fires('ban-drop-table', E'ALTER SCHEMA shop RENAME TO store;\nCREATE SCHEMA shop;\nDROP SCHEMA shop CASCADE;\nDROP SCHEMA store CASCADE', 4),
	fires('ban-drop-table', E'CREATE TABLE whole (LIKE small) PARTITION BY LIST (id);\nALTER TABLE whole ATTACH PARTITION small DEFAULT;\nALTER TABLE whole RENAME TO w;\nDROP TABLE w', 4),
	fires('ban-drop-table', E'CREATE TABLE parent (id bigint);\nALTER TABLE small INHERIT parent;\nCREATE SCHEMA moved;\nALTER TABLE parent SET SCHEMA moved;\nDROP SCHEMA moved CASCADE', 5),
	fires('ban-drop-table', E'CREATE TEMP TABLE visit (id bigint);\nDROP TABLE visit;\nCREATE TEMP TABLE visit (id bigint);\nDISCARD TEMP;\nDROP TABLE visit', 5),
	fires('ban-drop-table', E'DROP OWNED BY regress_lint_app, regress_lint_holder', 1),
	silent('ban-drop-table', 'DROP OWNED BY regress_lint_app', 'DROP OWNED BY regress_lint_nobody', E'CREATE SCHEMA moved;\nCREATE TABLE moved.new (id bigint);\nDROP SCHEMA moved CASCADE', E'CREATE TABLE whole (id bigint) PARTITION BY LIST (id);\nCREATE TABLE part (id bigint);\nALTER TABLE whole ATTACH PARTITION part DEFAULT;\nDROP TABLE whole', E'CREATE TEMP TABLE visit (id bigint);\nDISCARD PLANS;\nDROP TABLE visit');
SELECT fires_alone('ban-drop-database', E'DROP DATABASE other;\nDROP DATABASE IF EXISTS "Other" WITH (FORCE)', 1, 2), silent_alone('ban-drop-database', 'CREATE DATABASE other');
SELECT fires('ban-truncate-cascade', E'TRUNCATE city CASCADE;\nTRUNCATE TABLE city, small CASCADE', 1, 2),
	silent('ban-truncate-cascade', 'TRUNCATE small CASCADE', 'TRUNCATE visit', 'TRUNCATE city, big, visit CASCADE', E'CREATE TABLE new (id bigint);\nTRUNCATE new CASCADE', 'TRUNCATE shard CASCADE');
SELECT fires('renaming-table', E'ALTER TABLE big RENAME TO large;\nALTER TABLE small SET SCHEMA shop;\nALTER VIEW names RENAME TO labels;\nALTER MATERIALIZED VIEW summary RENAME TO totals', 1, 2, 3, 4),
	silent('renaming-table', E'CREATE TABLE new (id bigint);\nALTER TABLE new RENAME TO newer', 'ALTER INDEX big_name RENAME TO x', 'ALTER SEQUENCE counter RENAME TO x', 'ALTER FUNCTION draw() RENAME TO x', 'ALTER TYPE mood RENAME TO x', 'ALTER TABLE IF EXISTS nothing RENAME TO x', 'ALTER TABLE big RENAME CONSTRAINT either TO x', 'ALTER SEQUENCE counter SET SCHEMA shop');
SELECT fires('renaming-schema', 'ALTER SCHEMA shop RENAME TO store', 1), silent('renaming-schema', E'CREATE SCHEMA new;\nALTER SCHEMA new RENAME TO newer', 'ALTER SCHEMA shop OWNER TO CURRENT_USER');
SELECT fires('rewriting-table', E'ALTER TABLE big SET UNLOGGED;\nALTER TABLE scratch SET LOGGED;\nALTER TABLE big ADD x positive;\nREFRESH MATERIALIZED VIEW summary;\nCLUSTER big USING big_name;\nALTER TABLE big SET TABLESPACE other', 1, 2, 3, 4, 5, 6),
	fires_alone('rewriting-table', E'VACUUM FULL big;\nVACUUM (FULL, ANALYZE) small, big;\nCLUSTER', 1, 2, 3),
	silent('rewriting-table', 'ALTER TABLE big SET LOGGED', 'ALTER TABLE scratch SET UNLOGGED', 'ALTER TABLE big ADD x label', 'ALTER TABLE big ADD x five', 'ALTER TABLE small ADD x positive', 'REFRESH MATERIALIZED VIEW empty_summary', 'REFRESH MATERIALIZED VIEW CONCURRENTLY summary', 'REFRESH MATERIALIZED VIEW summary WITH NO DATA',
		'ALTER TABLE big SET TABLESPACE pg_default', 'ALTER TABLE big SET ACCESS METHOD heap', 'ALTER TABLE big SET (fillfactor = 70)', 'ALTER TABLE big CLUSTER ON big_name', 'ALTER TABLE small SET UNLOGGED', E'CREATE TABLE new (id bigint);\nALTER TABLE new SET UNLOGGED'),
	silent_alone('rewriting-table', 'VACUUM big', 'VACUUM (FULL false) big', 'VACUUM FULL small', 'ANALYZE big');
SELECT silent_alone('prefer-repack', 'VACUUM big', 'VACUUM FULL small');
SELECT fires('require-concurrent-partition-detach', 'ALTER TABLE shard DETACH PARTITION shard_1', 1),
	silent('require-concurrent-partition-detach', 'ALTER TABLE list DETACH PARTITION list_1', E'CREATE TABLE shard_3 PARTITION OF shard FOR VALUES FROM (300) TO (400);\nALTER TABLE shard DETACH PARTITION shard_3'),
	silent_alone('require-concurrent-partition-detach', 'ALTER TABLE shard DETACH PARTITION shard_1 CONCURRENTLY', 'ALTER TABLE shard DETACH PARTITION shard_1 FINALIZE');
SELECT fires('attaching-partition', E'ALTER TABLE shard ATTACH PARTITION loose FOR VALUES FROM (200) TO (300);\nCREATE TABLE list_2 (id bigint);\nALTER TABLE list ATTACH PARTITION list_2 FOR VALUES IN (2)', 1, 3),
	fires('attaching-partition', E'CREATE TABLE list_2 PARTITION OF list FOR VALUES IN (2);\nCREATE TABLE shard_3 PARTITION OF shard FOR VALUES FROM (300) TO (400)', 1),
	silent('attaching-partition', E'CREATE TABLE new (id bigint) PARTITION BY LIST (id);\nCREATE TABLE new_1 PARTITION OF new DEFAULT;\nCREATE TABLE new_2 PARTITION OF new FOR VALUES IN (2)', 'CREATE TABLE nothing_1 PARTITION OF nothing DEFAULT'),
	fires('attaching-partition', E'ALTER TABLE loose ADD CONSTRAINT c CHECK (id >= 200 AND id < 300) NOT VALID;\nALTER TABLE shard ATTACH PARTITION loose FOR VALUES FROM (200) TO (300)', 2),
	fires('attaching-partition', E'ALTER TABLE loose ADD CONSTRAINT c CHECK (day > ''2020-01-01'');\nALTER TABLE shard ATTACH PARTITION loose FOR VALUES FROM (200) TO (300)', 2),
	silent('attaching-partition', 'ALTER TABLE shard ATTACH PARTITION checked FOR VALUES FROM (200) TO (300)', E'CREATE TABLE shard_3 (LIKE shard);\nALTER TABLE shard ATTACH PARTITION shard_3 FOR VALUES FROM (200) TO (300)', E'CREATE TABLE new (id bigint) PARTITION BY LIST (id);\nALTER TABLE new ATTACH PARTITION small FOR VALUES IN (1)'),
	silent_alone('attaching-partition', E'ALTER TABLE loose ADD CONSTRAINT c CHECK (id >= 200 AND id < 300) NOT VALID;\nALTER TABLE loose VALIDATE CONSTRAINT c;\nALTER TABLE shard ATTACH PARTITION loose FOR VALUES FROM (200) TO (300)');
SELECT fires('prefer-single-alter-table', E'ALTER TABLE big ADD x bigint;\nALTER TABLE big ADD y bigint;\nALTER TABLE public.big ALTER name SET DEFAULT ''''', 2, 3),
	silent('prefer-single-alter-table', E'ALTER TABLE big ADD x bigint;\nALTER TABLE city ADD x bigint', E'ALTER TABLE big RENAME name TO x;\nALTER TABLE big RENAME kind TO y', E'ALTER TABLE big ADD CONSTRAINT c CHECK (n > 0) NOT VALID;\nALTER TABLE big VALIDATE CONSTRAINT c', E'CREATE TABLE new (id bigint);\nALTER TABLE new ADD x bigint;\nALTER TABLE new ADD y bigint',
		E'ALTER TABLE big ADD x bigint;\nUPDATE big SET x = 1;\nALTER TABLE big ALTER x SET NOT NULL', E'ALTER TABLE big ADD x bigint;\nDO $$BEGIN UPDATE big SET x = n; END$$;\nALTER TABLE big DROP n', E'ALTER TABLE big ADD x bigint;\nCREATE UNIQUE INDEX u ON big (x);\nALTER TABLE big ADD UNIQUE USING INDEX u'),
	silent_alone('prefer-single-alter-table', E'ALTER TABLE big ADD x bigint;\nALTER TABLE big ADD y bigint');

-- enumerations
SELECT fires('ban-new-enum-value-use-in-transaction', E'ALTER TYPE mood ADD VALUE ''calm'' AFTER ''sad'';\nUPDATE big SET m = ''calm'';\nSELECT ''calm''::mood;\nALTER TABLE big ALTER m SET DEFAULT ''calm''', 2, 3, 4),
	silent('ban-new-enum-value-use-in-transaction', E'ALTER TYPE mood ADD VALUE ''calm'' AFTER ''sad'';\nUPDATE big SET name = ''calm''', E'CREATE TYPE hue AS ENUM (''red'');\nCREATE TABLE new (h hue DEFAULT ''red'')', E'ALTER TYPE mood ADD VALUE ''calm'' AFTER ''sad'';\nUPDATE big SET m = ''glad'''),
	silent_alone('ban-new-enum-value-use-in-transaction', E'ALTER TYPE mood ADD VALUE ''calm'' AFTER ''sad'';\nUPDATE big SET m = ''calm''');
SELECT fires('renaming-enum-value', 'ALTER TYPE mood RENAME VALUE ''sad'' TO ''blue''', 1), silent('renaming-enum-value', E'CREATE TYPE hue AS ENUM (''red'');\nALTER TYPE hue RENAME VALUE ''red'' TO ''rose''', 'ALTER TYPE mood ADD VALUE ''calm'' BEFORE ''sad''');
SELECT fires('require-enum-value-ordering', E'ALTER TYPE mood ADD VALUE ''calm'';\nALTER TYPE mood ADD VALUE IF NOT EXISTS ''new''', 1, 2), silent('require-enum-value-ordering', 'ALTER TYPE mood ADD VALUE ''calm'' BEFORE ''sad''', 'ALTER TYPE mood ADD VALUE IF NOT EXISTS ''sad''', E'CREATE TYPE hue AS ENUM ();\nALTER TYPE hue ADD VALUE ''red''');
SELECT fires('prefer-lookup-table-over-enum', E'CREATE TYPE hue AS ENUM (''red'')', 1), silent('prefer-lookup-table-over-enum', 'CREATE TYPE hue AS (red bigint)', 'CREATE DOMAIN hue AS text', 'ALTER TYPE mood ADD VALUE ''calm'' BEFORE ''sad''');

-- transactions
SELECT fires('transaction-nesting', E'BEGIN;\nALTER TABLE big ADD x bigint;\nCOMMIT', 1, 3), fires('transaction-nesting', E'SAVEPOINT a;\nROLLBACK TO a;\nSTART TRANSACTION', 1, 2, 3),
	silent('transaction-nesting', 'ALTER TABLE big ADD x bigint', 'CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS ''BEGIN RETURN 1; END'''), silent_alone('transaction-nesting', E'BEGIN;\nALTER TABLE big ADD x bigint;\nCOMMIT'), fires_alone('transaction-nesting', E'COMMIT;\nBEGIN;\nBEGIN', 1, 3);
SELECT fires_alone('ban-uncommitted-transaction', E'BEGIN;\nALTER TABLE big ADD x bigint', 1), silent_alone('ban-uncommitted-transaction', E'BEGIN;\nALTER TABLE big ADD x bigint;\nCOMMIT', E'BEGIN;\nROLLBACK');
SELECT fires('ban-concurrent-index-creation-in-transaction', 'CREATE INDEX CONCURRENTLY ON big (kind)', 1), fires_alone('ban-concurrent-index-creation-in-transaction', E'BEGIN;\nCREATE INDEX CONCURRENTLY x ON big (kind);\nCOMMIT', 2), silent_alone('ban-concurrent-index-creation-in-transaction', 'CREATE INDEX CONCURRENTLY ON big (kind)');
SELECT fires('ban-non-transactional-statement', E'VACUUM big;\nDROP INDEX CONCURRENTLY big_name;\nREINDEX TABLE CONCURRENTLY big;\nALTER SYSTEM SET work_mem = 1000;\nCREATE DATABASE x;\nREINDEX TABLE shard;\nALTER TABLE shard DETACH PARTITION shard_1 CONCURRENTLY', 1, 2, 3, 4, 5, 6, 7),
	silent('ban-non-transactional-statement', 'ANALYZE big', 'REINDEX TABLE big', 'CREATE INDEX CONCURRENTLY ON big (kind)', 'ALTER DATABASE x SET work_mem = 1000'), silent_alone('ban-non-transactional-statement', 'VACUUM big', 'REINDEX TABLE shard');
SELECT fires('statement-after-access-exclusive', E'ALTER TABLE big ADD x bigint;\nSELECT count(*) FROM city;\nCREATE INDEX ON big (kind);\nALTER TABLE big VALIDATE CONSTRAINT doubtful_there', 2, 3, 4),
	silent('statement-after-access-exclusive', E'ALTER TABLE big ADD x bigint;\nCREATE TABLE new (id bigint);\nCOMMENT ON TABLE big IS ''x''', E'ALTER TABLE big VALIDATE CONSTRAINT doubtful_there;\nSELECT count(*) FROM city', E'CREATE TABLE new (id bigint);\nALTER TABLE new ADD x bigint;\nINSERT INTO new SELECT id, id FROM city', 'ALTER TABLE big ADD x bigint'),
	silent_alone('statement-after-access-exclusive', E'ALTER TABLE big ADD x bigint;\nSELECT count(*) FROM city');
SELECT fires('backfill-with-schema-change', E'ALTER TABLE big ADD x bigint;\nUPDATE big SET x = 1;\nWITH u AS (UPDATE big SET x = 2 RETURNING 1) SELECT * FROM u', 2, 3),
	silent('backfill-with-schema-change', 'UPDATE big SET name = name', E'UPDATE big SET name = name;\nALTER TABLE big ADD x bigint', E'ALTER TABLE big ADD x bigint;\nUPDATE city SET name = name', E'ALTER TABLE small ADD x bigint;\nUPDATE small SET x = 1'), silent_alone('backfill-with-schema-change', E'ALTER TABLE big ADD x bigint;\nUPDATE big SET x = 1');
SELECT fires('require-lock-timeout', E'SET lock_timeout = 0;\nCOMMENT ON COLUMN big.id IS ''x'';\nALTER TABLE big ADD x bigint;\nALTER TABLE city ADD x bigint', 2), fires('require-lock-timeout', E'SELECT set_config(''lock_timeout'', ''0'', true);\nDROP TABLE visit', 2),
	silent('require-lock-timeout', 'ALTER TABLE big ADD x bigint', E'SET LOCAL lock_timeout = ''0ms'';\nSET lock_timeout TO ''3s'';\nALTER TABLE big ADD x bigint', E'SET lock_timeout = 0;\nCREATE TABLE new (id bigint);\nALTER TABLE new ADD x bigint', E'SET lock_timeout = 0;\nSELECT * FROM big;\nUPDATE big SET name = name', E'SET lock_timeout = 0;\nSELECT set_config(''lock_timeout'', ''1s'', true);\nALTER TABLE big ADD x bigint', E'SET lock_timeout = 0;\nRESET lock_timeout;\nALTER TABLE big ADD x bigint');
SELECT fires('require-statement-timeout', E'SET statement_timeout = 0;\nALTER TABLE big ADD x bigint', 2), silent('require-statement-timeout', 'ALTER TABLE big ADD x bigint', E'SET statement_timeout = 0;\nSET LOCAL statement_timeout = 1000;\nALTER TABLE big ADD x bigint');
SELECT fires_alone('prefer-robust-stmts', E'CREATE TABLE new (id bigint);\nALTER TABLE big ADD x bigint;\nCREATE INDEX CONCURRENTLY i ON big (kind);\nDROP INDEX CONCURRENTLY big_name;\nCREATE TABLE made AS SELECT 1 AS n;\nCREATE TEMP TABLE held AS SELECT 1 AS n', 1, 2, 3, 4, 5),
	silent_alone('prefer-robust-stmts', E'CREATE TABLE IF NOT EXISTS new (id bigint);\nALTER TABLE big ADD IF NOT EXISTS x bigint;\nDROP INDEX CONCURRENTLY IF EXISTS big_name;\nALTER TABLE big ALTER name SET DEFAULT ''''', 'CREATE TABLE new (id bigint)', E'BEGIN;\nCREATE TABLE new (id bigint);\nCOMMIT'), silent('prefer-robust-stmts', E'CREATE TABLE new (id bigint);\nALTER TABLE big ADD x bigint');

-- names, and code that cannot be looked into
SELECT fires('ban-duplicate-column-assignments', E'UPDATE big SET n = 1, n = 2;\nINSERT INTO small (id, id) VALUES (1, 2);\nCREATE TABLE new (a bigint, a text);\nINSERT INTO city VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET name = 1, name = 2', 1, 2, 3, 4),
	silent('ban-duplicate-column-assignments', 'UPDATE big SET n = 1, name = 2', 'UPDATE big SET pt.x = 1, pt.y = 2', E'UPDATE big SET n = 1;\nUPDATE big SET n = 1', 'INSERT INTO small (id, name) SELECT id, id FROM big');
SELECT fires('identifier-too-long', 'CREATE TABLE ' || repeat('x', 64) || ' (id bigint)', 1), fires('identifier-too-long', 'SELECT 1 AS "' || repeat('ü', 32) || '"', 1),
	silent('identifier-too-long', 'CREATE TABLE ' || repeat('x', 63) || ' (id bigint)', 'SELECT ''' || repeat('x', 80) || '''', 'SELECT 1 -- ' || repeat('x', 80), 'SELECT 1 AS "' || repeat('ü', 31) || '"', 'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM ''' || repeat('x', 80) || '''; END $$');
SELECT fires('unchecked-dynamic-sql', E'DO $$BEGIN NULL; END$$;\nCALL p()', 1, 2),
	fires('unchecked-dynamic-sql', E'DO $$BEGIN UPDATE big SET n = 1 WHERE (id, n) = (1, 2); END$$;\nDO $$BEGIN RETURN QUERY SELECT 1 UNION (SELECT 2) OFFSET (1); END$$;\nDO $$BEGIN PERFORM 1 HAVING (true) LIMIT (1); END$$', 1, 2, 3),
	fires('unchecked-dynamic-sql', E'DO $$BEGIN PERFORM cmig.enable_rls(''big'', ''id'') FROM small; END$$;\nDO $$BEGIN PERFORM other(); END$$;\nDO $$BEGIN PERFORM cmig.enable_audit((SELECT ''big''::regclass)); END$$;\nDO $$BEGIN IF true THEN PERFORM cmig.enable_audit(''big''); END IF; END$$;\nDO $$BEGIN PERFORM cmig.upgrade(); END$$', 1, 2, 3, 4, 5),
	fires('unchecked-dynamic-sql', E'CREATE TYPE like_big AS (id bigint);\nALTER TABLE big OF like_big', 2), fires('unchecked-dynamic-sql', 'ALTER EXTENSION pg_cmig ADD TABLE big', 1),
	fires('unchecked-dynamic-sql', E'CREATE SEQUENCE own;\nCREATE TABLE later (n bigint);\nALTER SEQUENCE own OWNED BY later.n;\nALTER SEQUENCE counter OWNED BY later.n', 4),
	silent('unchecked-dynamic-sql', 'ALTER SEQUENCE counter OWNED BY NONE', 'ALTER SEQUENCE counter OWNED BY big.id', 'CREATE TABLE later (n bigint); CREATE TYPE like_later AS (n bigint); ALTER TABLE later OF like_later', 'ALTER EXTENSION pg_cmig DROP TABLE big'),
	silent('unchecked-dynamic-sql', 'CALL cmig.backfill(''big'', ''n = 1'')'), silent('unchecked-dynamic-sql', 'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS ''BEGIN NULL; END''', 'PREPARE x AS SELECT 1'), silent_alone('unchecked-dynamic-sql', 'CALL cmig.backfill(''big'', ''n = 1'')');
SELECT fires('syntax-error', E'SELECT 1;\nSELEC 1', 2), fires('syntax-error', E'ALTER SEQUENCE counter INCREMENT 2;\nSELECT 1 FROM f(''localhost'', :port)', 2), fires('syntax-error', 'CREATE TABLE x (', 1), silent('syntax-error', 'SELECT 1;', '', ';;', '-- nothing');
-- in calls of pg_cmig's functions
SELECT fires('require-concurrent-index-creation', E'SELECT cmig.enable_rls(''big'', tenant_column => ''kind'');\nSELECT FROM (SELECT cmig.enable_rls(''public.big'', ''code'', ''tag'')) s;\nSELECT cmig.enable_rls(target => ''big'', user_column => ''filled'')', 1, 2, 3),
	silent('require-concurrent-index-creation', 'SELECT cmig.enable_rls(''big'', ''kind'', create_index => false)', 'SELECT cmig.enable_rls(''big'', ''name'')', 'SELECT cmig.enable_rls(''small'', ''name'')', 'SELECT cmig.enable_audit(''big'')',
		E'CREATE TABLE new (id bigint, owner text);\nSELECT cmig.enable_rls(''new'', ''owner'')', 'SELECT cmig.enable_rls(oid, ''kind'') FROM pg_class', 'SELECT other.enable_rls(''big'', ''kind'')'),
	silent_alone('disallowed-unique-constraint', 'CALL cmig.add_unique(''big'', ''kind'')'), silent_alone('adding-not-nullable-field', E'CALL cmig.add_not_null(''big'', ''name'');\nALTER TABLE big ALTER name SET NOT NULL', 'CALL cmig.backfill(''big'', ''n = 1'')'),
	fires_alone('foreign-key-without-index', E'CALL cmig.add_foreign_key(''small'', ''city_id'', ''city'');\nCALL cmig.add_foreign_key(''big'', ''{k}'', ''city'')', 1),
	fires('row-security-lost', E'SELECT cmig.enable_rls(''big'', ''name'');\nSELECT cmig.disable_rls(''big'')', 2), silent('row-security-lost', 'SELECT cmig.disable_rls(''big'')');
-- rows and objects that are lost
SELECT fires('changing-all-rows', E'UPDATE big SET n = 1;\nDELETE FROM public.big;\nUPDATE big b SET n = 1 WHERE true;\nALTER TABLE big ADD x text;\nUPDATE big SET x = name WHERE x IS NULL;\nUPDATE nowhere SET a = 1;\nUPDATE shard SET day = now()', 1, 2, 3, 5, 6, 7),
	silent('changing-all-rows', 'UPDATE big SET n = 1 WHERE id < 10', 'DELETE FROM big WHERE n IS NULL', 'UPDATE small SET name = 1', E'CREATE TABLE new (a int);\nUPDATE new SET a = 1', E'ALTER TABLE big ADD x text DEFAULT 1;\nUPDATE big SET n = 1 WHERE x IS NULL', 'UPDATE names SET name = 1'),
	silent_alone('changing-all-rows', 'CALL cmig.backfill(''big'', ''n = 1'')');
SELECT fires('copying-all-rows', E'INSERT INTO small SELECT id, name, 1 FROM big;\nINSERT INTO small (id) SELECT b.id FROM city c JOIN big b ON b.id = c.id', 1, 2),
	silent('copying-all-rows', 'INSERT INTO big (id, k) VALUES (1, 2)', 'INSERT INTO small (id) SELECT id FROM big WHERE id < 10', 'INSERT INTO small (id) SELECT id FROM big LIMIT 10', 'INSERT INTO big SELECT * FROM small', 'INSERT INTO small (id) SELECT generate_series(1, 10)');
SELECT fires('truncating-table', E'TRUNCATE big;\nTRUNCATE small, shard CASCADE', 1, 2), silent('truncating-table', 'TRUNCATE small', E'CREATE TABLE new (a int);\nTRUNCATE new', E'CREATE TEMP TABLE new (a int);\nTRUNCATE new');
SELECT fires('restarting-sequence', E'ALTER SEQUENCE counter RESTART;\nALTER SEQUENCE IF EXISTS counter INCREMENT 2 RESTART WITH 5;\nALTER TABLE big ALTER k RESTART', 1, 2, 3),
	silent('restarting-sequence', 'ALTER SEQUENCE counter INCREMENT 2', E'CREATE SEQUENCE new;\nALTER SEQUENCE new RESTART', 'ALTER TABLE small ALTER id RESTART', E'CREATE TABLE new (a int GENERATED ALWAYS AS IDENTITY);\nALTER TABLE new ALTER a RESTART');
SELECT fires('ban-drop-view', E'DROP VIEW names;\nDROP MATERIALIZED VIEW IF EXISTS summary, empty_summary', 1, 2), silent('ban-drop-view', E'DROP VIEW names;\nCREATE VIEW names AS SELECT 1', 'DROP VIEW IF EXISTS nothing', E'CREATE VIEW v AS SELECT 1;\nDROP VIEW v', 'DROP TABLE IF EXISTS nothing');
SELECT fires('ban-drop-trigger', E'DROP TRIGGER stamp ON city', 1), silent('ban-drop-trigger', E'DROP TRIGGER stamp ON city;\nCREATE TRIGGER stamp BEFORE INSERT ON city EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'DROP TRIGGER IF EXISTS nothing ON city',
	E'CREATE TRIGGER new AFTER INSERT ON city EXECUTE FUNCTION suppress_redundant_updates_trigger();\nDROP TRIGGER new ON city', 'DROP POLICY shown ON city', 'DROP TRIGGER IF EXISTS a ON nothing');
SELECT fires('ban-drop-policy', 'DROP POLICY shown ON city', 1), silent('ban-drop-policy', E'DROP POLICY shown ON city;\nCREATE POLICY shown ON city USING (true)', 'DROP POLICY floor ON city', 'DROP POLICY IF EXISTS nothing ON city');
SELECT fires('row-security-lost', 'DROP POLICY floor ON city', 1), silent('row-security-lost', 'DROP POLICY shown ON city', E'DROP POLICY floor ON city;\nCREATE POLICY floor ON city AS RESTRICTIVE USING (true)');
SELECT fires('ban-drop-extension', 'DROP EXTENSION plpgsql CASCADE', 1), silent('ban-drop-extension', 'DROP EXTENSION IF EXISTS nothing', E'CREATE EXTENSION new;\nDROP EXTENSION new');
SELECT fires('dependent-objects', E'DROP VIEW names CASCADE;\nDROP FUNCTION stamped() CASCADE', 1, 2), silent('dependent-objects', E'DROP TRIGGER stamp ON city;\nDROP FUNCTION stamped() CASCADE', 'DROP EXTENSION pg_cmig', E'DROP VIEW names_of_names;\nDROP VIEW names CASCADE');
SELECT fires('revoking-privileges', E'REVOKE SELECT ON big FROM regress_lint_app;\nREVOKE ALL ON SCHEMA shop FROM regress_lint_app', 1, 2), silent('revoking-privileges', 'REVOKE SELECT ON big FROM PUBLIC', 'REVOKE SELECT ON city FROM regress_lint_app', 'REVOKE SELECT ON big FROM regress_lint_owner', 'REVOKE GRANT OPTION FOR SELECT ON big FROM regress_lint_app', 'GRANT SELECT ON big TO regress_lint_app', 'REVOKE SELECT ON big FROM nobody_known');
SELECT fires('swapping-tables', E'ALTER TABLE city RENAME TO city_old;\nALTER TABLE small RENAME TO city', 2), silent('swapping-tables', E'ALTER TABLE scratch RENAME TO scratch_old;\nALTER TABLE small RENAME TO scratch', 'ALTER TABLE small RENAME TO new', E'ALTER TABLE city RENAME TO x;\nALTER TABLE x RENAME TO city');
-- what fails
SELECT fires('changing-partition-key', E'ALTER TABLE shard ALTER id TYPE numeric;\nALTER TABLE shard DROP id;\nALTER TABLE shard_1 ALTER day TYPE text', 1, 2, 3), silent('changing-partition-key', 'ALTER TABLE shard ALTER day TYPE timestamptz', 'ALTER TABLE big ALTER id TYPE numeric', E'ALTER TABLE shard DETACH PARTITION shard_1;\nALTER TABLE shard_1 ALTER day TYPE text');
SELECT fires('incompatible-replace', E'CREATE OR REPLACE VIEW names AS SELECT name, id FROM big;\nCREATE OR REPLACE FUNCTION fixed() RETURNS text LANGUAGE sql AS ''SELECT 1'';\nCREATE OR REPLACE FUNCTION named(b int, a int DEFAULT 1) RETURNS int LANGUAGE sql AS ''SELECT 1'';\nCREATE OR REPLACE PROCEDURE named(a int) LANGUAGE sql AS ''SELECT 1''', 1, 2, 3), fires('incompatible-replace', 'CREATE OR REPLACE VIEW names AS SELECT id FROM big', 1), fires('incompatible-replace', 'CREATE OR REPLACE VIEW names AS SELECT id::text, name FROM big', 1),
	fires('incompatible-replace', E'CREATE OR REPLACE FUNCTION named(b int, a int DEFAULT 1) RETURNS int LANGUAGE sql AS ''SELECT 1''', 1), fires('incompatible-replace', E'CREATE OR REPLACE FUNCTION public.named(a int, b int) RETURNS integer LANGUAGE sql AS ''SELECT 1''', 1),
	fires('incompatible-replace', 'CREATE OR REPLACE FUNCTION named(a int, b int DEFAULT 2) RETURNS SETOF int LANGUAGE sql AS ''SELECT 1''', 1),
	silent('incompatible-replace', 'CREATE OR REPLACE VIEW names AS SELECT id, name, kind FROM big', 'CREATE OR REPLACE VIEW names AS SELECT * FROM big', 'CREATE OR REPLACE VIEW new AS SELECT 1', 'CREATE OR REPLACE VIEW names (id, name) AS VALUES (1, 2)', 'CREATE OR REPLACE FUNCTION fixed() RETURNS int8 LANGUAGE sql AS ''SELECT 1''', 'CREATE OR REPLACE FUNCTION fixed(int) RETURNS text LANGUAGE sql AS ''SELECT 1''',
		'CREATE OR REPLACE FUNCTION named(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql AS ''SELECT 1''', E'DROP FUNCTION fixed();\nCREATE OR REPLACE FUNCTION fixed() RETURNS text LANGUAGE sql AS ''SELECT 1''', E'DROP VIEW names;\nCREATE OR REPLACE VIEW names AS SELECT 1 AS a');
\o
\set ECHO all

-- no row: where a rule fires is where it should
SELECT n, rule, script, at AS expected, found(rule, script, transactional) AS found FROM lint_case
WHERE found(rule, script, transactional) IS DISTINCT FROM at ORDER BY n;

-- no row: the comment suppresses each finding, and all that it names is used
CREATE FUNCTION with_comments(rule text, script text, at int[], transactional boolean) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(CASE WHEN n = ANY (at) THEN '-- cmig:ignore ' || rule || E'\n' ELSE '' END || line, E'\n' ORDER BY n) FROM string_to_table(script, E'\n') WITH ORDINALITY s(line, n) $$;
SELECT l.*, script FROM (SELECT rule, with_comments(rule, script, at, transactional) AS script, transactional FROM lint_case WHERE at <> '{}' AND rule <> 'syntax-error') c,
	cmig.lint_sql(c.script, c.transactional) l WHERE l.rule IN (c.rule, 'unused-ignore');
SELECT rule, message FROM cmig.lint_sql(E'-- cmig:ignore ban-drop-table\nSELECT 1');

-- what users read: the first finding of each rule
SELECT DISTINCT ON (c.rule) l.severity, c.rule, regexp_replace(l.message, ' \([^()]*(bytes|kB)[^()]*\)', ' (size)', 'g') AS message
FROM lint_case c, cmig.lint_sql(c.script, c.transactional) l WHERE l.rule = c.rule AND c.at <> '{}' ORDER BY c.rule, c.n, l.statement;

-- which of them have a fix
SELECT DISTINCT l.rule FROM lint_case c, cmig.lint_sql(c.script, c.transactional) l WHERE l.rule = c.rule AND l.safe_rewrite IS NOT NULL ORDER BY 1;

-- without facts, tables that the script does not create are taken to be large
SELECT rule, count(*), count(*) FILTER (WHERE at <@ ARRAY(SELECT l.statement FROM cmig.lint_sql(script, transactional, facts => false) l WHERE l.rule = lint_case.rule)) AS without_facts
FROM lint_case WHERE at <> '{}' GROUP BY rule HAVING bool_or(NOT at <@ ARRAY(SELECT l.statement FROM cmig.lint_sql(script, transactional, facts => false) l WHERE l.rule = lint_case.rule)) ORDER BY rule;

-- functions of Citus; with facts, they are reported only if Citus is installed
SELECT statement, rule, message, safe_rewrite FROM cmig.lint_sql($$
SELECT /* create_distributed_table */ create_distributed_table('big', 'id');
SELECT pg_catalog.create_distributed_table(table_name => 'shop."Odd item"'::regclass, distribution_column => 'id', colocate_with => 'none');
SELECT create_distributed_table('one', NULL);
SELECT create_reference_table('city'), undistribute_table('"small'), undistribute_table('small');
SELECT alter_distributed_table('public.big', shard_count := 8);
CREATE TABLE new (id bigint);
SELECT create_distributed_table('new', 'id');
SELECT create_distributed_table(NULL, 'id'), create_distributed_table(), create_distributed_table('a.b.c.d', 'id'), other.create_reference_table('city'), create_reference_table('ci' || 'ty');
SELECT create_distributed_table_concurrently('big', 'id');
$$, facts => false) WHERE rule = 'distributing-table';
SELECT count(*) FROM cmig.lint_sql($$SELECT create_distributed_table('big', 'id')$$);
-- the same and others in sub-selects and INSERT; functions that move shards
SELECT statement, message FROM cmig.lint_sql($$
SELECT count(*) FROM (SELECT create_reference_table('city')) s;
SELECT FROM (SELECT create_distributed_table('big', 'id')) s;
INSERT INTO small (name) SELECT undistribute_table('big')::text;
SELECT alter_table_set_access_method('big', 'columnar'), isolate_tenant_to_new_shard('big', 5);
SELECT rebalance_table_shards(), citus_drain_node('a', 5432), citus_schema_distribute('shop');
$$, facts => false) WHERE rule = 'distributing-table';
-- what Citus refuses, in tables that it stores according to a fake catalog, or because of the plan; Citus is not installed
\set ECHO none
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass NOT NULL, partmethod "char" NOT NULL, partkey text, colocationid int, repmodel "char");
CREATE TABLE pg_catalog.pg_dist_schema (schemaid regnamespace NOT NULL);
CREATE FUNCTION pg_catalog.column_to_column_name(regclass, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
INSERT INTO pg_catalog.pg_dist_partition VALUES ('big', 'h', 'city_id', 1, 's'), ('loose', 'h', 'id', 1, 's'), ('city', 'n', NULL, 2, 't'), ('checked', 'n', NULL, 0, 's'), ('scratch', 'n', NULL, 3, 's');
INSERT INTO pg_catalog.pg_extension SELECT 99999, 'citus', extowner, extnamespace, false, '13.0' FROM pg_extension WHERE extname = 'plpgsql';
RESET allow_system_table_mods;
CREATE FUNCTION refused(script text) RETURNS TABLE (statement int, message text) LANGUAGE sql AS $x$ SELECT statement, message FROM cmig.lint_sql($1) WHERE rule = 'unsupported-by-citus' $x$;
SELECT * FROM refused($$
ALTER TABLE big ADD UNIQUE (id), ADD COLUMN x int UNIQUE;
CREATE UNIQUE INDEX ON big (k, lower(name));
CALL cmig.add_unique('big', 'k');
ALTER TABLE big ADD FOREIGN KEY (city_id) REFERENCES small (id);
ALTER TABLE big ADD y bigint REFERENCES loose (id), ADD FOREIGN KEY (city_id) REFERENCES checked (id);
ALTER TABLE small ADD FOREIGN KEY (id) REFERENCES loose (id), ADD FOREIGN KEY (city_id) REFERENCES loose (id);
ALTER TABLE city ADD FOREIGN KEY (id) REFERENCES big (id);
CREATE TRIGGER t BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION stamped();
CREATE TRIGGER t BEFORE UPDATE ON city FOR EACH ROW EXECUTE FUNCTION stamped();
UPDATE big SET name = '', city_id = 1 WHERE id = 1;
INSERT INTO big (id, k) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET city_id = 2;
CALL cmig.backfill('big', 'city_id = 1');
CREATE TABLE fresh (id bigint PRIMARY KEY, tenant bigint, UNIQUE (tenant, id));
SELECT create_distributed_table('fresh', 'tenant');
ALTER TABLE fresh ADD UNIQUE (id);
$$);
SELECT * FROM refused($$
ALTER TABLE big ADD UNIQUE (id, city_id), ADD FOREIGN KEY (city_id) REFERENCES city, ADD FOREIGN KEY (k, city_id) REFERENCES loose (day, id);
CREATE UNIQUE INDEX ON big (city_id, name);
CREATE INDEX ON big (name);
ALTER TABLE small ADD UNIQUE (id), ADD FOREIGN KEY (city_id) REFERENCES city, ADD FOREIGN KEY (city_id) REFERENCES checked (id);
ALTER TABLE city ADD FOREIGN KEY (id) REFERENCES small (id);
ALTER TABLE scratch ADD FOREIGN KEY (id) REFERENCES big (id);
CREATE TRIGGER t BEFORE UPDATE ON checked FOR EACH ROW EXECUTE FUNCTION stamped();
CREATE TRIGGER t BEFORE UPDATE ON small FOR EACH ROW EXECUTE FUNCTION stamped();
UPDATE big SET name = '' WHERE city_id = 1;
UPDATE small SET city_id = 1;
SELECT undistribute_table('big');
UPDATE big SET city_id = 1;
CREATE TABLE fresh (id bigint PRIMARY KEY);
SELECT create_reference_table('fresh');
ALTER TABLE fresh ADD n bigint UNIQUE;
$$);
SET citus.enable_unsafe_triggers = on;
\set ECHO all
SELECT * FROM refused('CREATE TRIGGER t BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION stamped()');
\set ECHO none
SET allow_system_table_mods = on;
DELETE FROM pg_catalog.pg_extension WHERE extname = 'citus';
DROP TABLE pg_catalog.pg_dist_partition, pg_catalog.pg_dist_schema;
DROP FUNCTION pg_catalog.column_to_column_name(regclass, text), refused;
RESET allow_system_table_mods;
\set ECHO all

-- the rule that is off by default
SET cmig.lint_include = 'require-table-schema';
SELECT script, found('require-table-schema', script, true) FROM unnest(ARRAY[E'CREATE TABLE new (id bigint REFERENCES city);\nALTER TABLE public.big ADD x bigint;\nSELECT * FROM public.big, city', E'CREATE TEMP TABLE new (id bigint);\nSELECT * FROM new;\nWITH q AS (SELECT 1) SELECT * FROM q', 'INSERT INTO public.small SELECT * FROM pg_catalog.generate_series(1, 2)']) script;
RESET cmig.lint_include;

-- values that depend on the time zone
SET timezone = 'Europe/Oslo';
SELECT statement, message FROM cmig.lint_sql('ALTER TABLE measured ALTER t TYPE timestamptz; ALTER TABLE measured ALTER tz TYPE timestamp; ALTER TABLE measured ALTER day TYPE timestamptz; ALTER TABLE measured ALTER t TYPE timestamptz USING t AT TIME ZONE ''UTC''') WHERE rule = 'changing-values';
SELECT statement, message FROM cmig.lint_sql('SET timezone = ''UTC''; ALTER TABLE measured ALTER t TYPE timestamptz') WHERE rule = 'changing-values';
\set ECHO none
SET timezone = 'UTC';
DROP TABLE measured;
DROP TABLE lint_case, visit, big, small, city, shard, list, loose, checked, parent, child, scratch, held CASCADE;
DROP FUNCTION fires, silent, fires_alone, silent_alone, found, with_comments, draw, fixed, overloaded(), overloaded(text);
DROP SEQUENCE counter;
DROP TYPE mood, point3, unused, positive, label, five;
DROP SCHEMA shop, bare, owned CASCADE;
DROP FUNCTION stamped, named;
DROP ROLE regress_lint_app, regress_lint_owner, regress_lint_holder;
DROP EXTENSION pg_cmig;
