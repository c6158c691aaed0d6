-- Two versions at once in a database whose tables are older than its first revision: an expansion starts from the live schema, not from the history.
\pset format unaligned \pset footer off
\set ECHO none
CREATE ROLE regress_adopted_app;
CREATE ROLE regress_adopted_other;
CREATE ROLE regress_adopted_member IN ROLE regress_adopted_app;
\set SHOW_CONTEXT never
SET client_min_messages = warning;

CREATE SCHEMA shop AUTHORIZATION regress_adopted_app;
CREATE SCHEMA elsewhere AUTHORIZATION regress_adopted_other;
SET ROLE regress_adopted_app;
CREATE TYPE shop.state AS ENUM ('new', 'old');
CREATE DOMAIN shop.positive AS int CHECK (VALUE > 0);
CREATE FUNCTION shop.key(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lower($1); END';
CREATE TABLE shop.person (id int GENERATED ALWAYS AS IDENTITY (START 10) PRIMARY KEY, name text NOT NULL CHECK (name <> ''), state shop.state DEFAULT 'new', rank shop.positive,
	length int GENERATED ALWAYS AS (7 * 6) STORED);
CREATE UNIQUE INDEX person_key ON shop.person (shop.key(name));
CREATE INDEX person_state ON shop.person (state) WHERE rank IS NULL;
CREATE TABLE shop.visit (id serial, person int REFERENCES shop.person ON DELETE CASCADE, day date) PARTITION BY RANGE (day);
CREATE TABLE shop.visit_1 PARTITION OF shop.visit FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE shop.visit_2 PARTITION OF shop.visit DEFAULT;
CREATE INDEX ON shop.visit (person);
CREATE VIEW shop.ranks AS SELECT id, rank FROM shop.person;
CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.rank = coalesce(NEW.rank, 1); RETURN NEW; END';
CREATE TRIGGER stamp BEFORE INSERT ON shop.person FOR EACH ROW EXECUTE FUNCTION shop.stamp();
ALTER TABLE shop.person ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON shop.person USING (true);
GRANT SELECT, INSERT, UPDATE ON shop.person TO regress_adopted_other;
GRANT USAGE ON SCHEMA shop TO regress_adopted_other;
INSERT INTO shop.person (name) VALUES ('Ada Lovelace'), ('Alan Turing');
INSERT INTO shop.visit (person, day) VALUES (10, '2020-06-01'), (11, '2022-06-01');
RESET ROLE;

CREATE EXTENSION pg_cmig;
\set ECHO all
-- neither revision can be replayed; both are stamped
\set ECHO none
SELECT * FROM cmig.load($c$
-- revision: 001
-- message: once
-- cmig:upgrade
ALTER TABLE shop.person ADD COLUMN rank int;
DO $$BEGIN RAISE 'this needs rows'; END$$;
-- cmig:downgrade

-- revision: 042
-- down_revision: 001
-- message: full names
-- expand: true
-- cmig:upgrade
ALTER TABLE shop.person ADD COLUMN first text;
-- cmig:up shop.person.first = split_part(name, ' ', 1)
ALTER TABLE shop.person ADD COLUMN last text NOT NULL;
-- cmig:up shop.person.last = split_part(name, ' ', 2)
ALTER TABLE shop.person DROP COLUMN name;
-- cmig:down shop.person.name = first || ' ' || last
CREATE UNIQUE INDEX person_key ON shop.person (shop.key(first), shop.key(last));
ALTER TABLE shop.visit ALTER COLUMN person TYPE bigint;
ALTER TABLE shop.person RENAME COLUMN rank TO level;
-- cmig:downgrade
$c$);
\set ECHO all
SELECT cmig.stamp('001');
SELECT cmig.schema_sql('shop') AS before \gset
SELECT relname, relowner::regrole, relnatts FROM pg_class WHERE relnamespace = 'shop'::regnamespace ORDER BY 1;
CALL cmig.expand();
SET search_path = shop_042, shop;
SELECT id, first, last, level, state, length FROM person ORDER BY id;
SET ROLE regress_adopted_other;
INSERT INTO shop.person (name) VALUES ('Grace Hopper');
INSERT INTO person (first, last, level) VALUES ('Edsger', 'Dijkstra', 4);
INSERT INTO shop.person (name) VALUES ('EDSGER Dijkstra');
INSERT INTO person (first, last) VALUES ('Ada', 'LOVELACE');
UPDATE person SET last = 'King' WHERE first = 'Ada';
RESET ROLE;
SELECT id, name, rank FROM shop.person ORDER BY id;
RESET search_path;
-- abandoned, it is as it was; contracted, as after an upgrade
CALL cmig.abandon();
SELECT cmig.schema_sql('shop') = :'before' AS same;
CALL cmig.expand();
CALL cmig.contract();
\d shop.person
\d shop.visit_1
SELECT id, first, last, level FROM shop.person ORDER BY id;
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'shop'::regnamespace ORDER BY 1;
SELECT * FROM cmig.current();

-- a member of the owner's role: what belongs to another role is not changed, and its code is not run
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_adopted_app', current_database()); END$$;
\o /dev/null
SELECT cmig.grant_access('regress_adopted_app', 'migrator');
\o
\set ECHO none
CREATE SEQUENCE elsewhere.trap;
GRANT ALL ON SEQUENCE elsewhere.trap TO PUBLIC;
GRANT USAGE ON SCHEMA elsewhere TO PUBLIC;
CREATE FUNCTION shop.evil(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF current_user <> 'regress_adopted_other' THEN PERFORM nextval('elsewhere.trap'); END IF; RETURN $1; END$$;
CREATE TABLE shop.foreign (id int PRIMARY KEY, name text, note text);
CREATE INDEX foreign_evil ON shop.foreign (shop.evil(name));
CREATE DOMAIN shop.trapped AS text;
ALTER DOMAIN shop.trapped OWNER TO regress_adopted_other;
CREATE TABLE shop.evil_default (a shop.trapped[] DEFAULT '{x}'::shop.trapped[]);
ALTER DOMAIN shop.trapped ADD CHECK (nextval('elsewhere.trap') > 0) NOT VALID;
CREATE MATERIALIZED VIEW shop.evils AS SELECT shop.evil('x') WITH NO DATA;
ALTER FUNCTION shop.evil OWNER TO regress_adopted_other;
ALTER TABLE shop.foreign OWNER TO regress_adopted_other;
ALTER MATERIALIZED VIEW shop.evils OWNER TO regress_adopted_other;
SET ROLE regress_adopted_other;
REFRESH MATERIALIZED VIEW shop.evils;
RESET ROLE;
CREATE TABLE shop.mine (id int PRIMARY KEY, other int REFERENCES shop.foreign, name text);
ALTER TABLE shop.mine OWNER TO regress_adopted_app;
\set ECHO all
SELECT cmig.create_revision('mine', 'ALTER TABLE shop.mine ALTER name TYPE varchar(9)', revision => '043', expand => true);
SET SESSION AUTHORIZATION regress_adopted_member;
CALL cmig.expand('head');
CALL cmig.contract();
RESET SESSION AUTHORIZATION;
SELECT cmig.create_revision('foreign', 'ALTER TABLE shop.foreign ALTER id TYPE bigint', revision => '044', expand => true);
SET SESSION AUTHORIZATION regress_adopted_member;
CALL cmig.expand('head');
RESET SESSION AUTHORIZATION;
SELECT cmig.remove_revision('044');
SELECT cmig.create_revision('evil', $$CREATE INDEX mine_evil ON shop.mine (shop.evil(name)); ALTER TABLE shop.mine ALTER id TYPE bigint$$, revision => '044', expand => true);
SET SESSION AUTHORIZATION regress_adopted_member;
\set VERBOSITY sqlstate
CALL cmig.expand('head');
RESET SESSION AUTHORIZATION;
-- nor for a superuser
SELECT cmig.remove_revision('044');
SELECT cmig.create_revision('foreign', 'ALTER TABLE shop.foreign ALTER note TYPE varchar(9)', revision => '044', expand => true);
CALL cmig.expand('head');
CALL cmig.contract();
SELECT is_called FROM elsewhere.trap;

-- a partition in a schema of another role
CREATE TABLE elsewhere.visit_3 PARTITION OF shop.visit FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
ALTER TABLE elsewhere.visit_3 OWNER TO regress_adopted_other;
SELECT cmig.create_revision('visit', 'ALTER TABLE shop.visit ALTER id TYPE bigint', revision => '045', expand => true);
SET SESSION AUTHORIZATION regress_adopted_member;
CALL cmig.expand('head');
\set ECHO none
RESET SESSION AUTHORIZATION;

DROP SCHEMA shop, elsewhere CASCADE;
DROP EXTENSION pg_cmig;
DO $$BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_adopted_app', current_database()); END$$;
DROP ROLE regress_adopted_member, regress_adopted_app, regress_adopted_other;
