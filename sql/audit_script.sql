--
-- The trigger of cmig.audit_script() runs with the privileges of its owner, so no code of a type's
-- owner may run in it.
--
\pset format unaligned \pset footer off
\set VERBOSITY default
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_audit_types;
CREATE SCHEMA types AUTHORIZATION regress_audit_types;
SET SESSION AUTHORIZATION regress_audit_types;
CREATE TYPE types.mood AS ENUM ('ok', 'bad');
CREATE FUNCTION types.mood_to_json(types.mood) RETURNS json LANGUAGE plpgsql
AS $$ BEGIN RAISE WARNING 'this must not run here'; RETURN '1'; END $$;
CREATE CAST (types.mood AS json) WITH FUNCTION types.mood_to_json(types.mood);
CREATE TABLE types.feeling (id int PRIMARY KEY, moods types.mood[]);
CREATE TABLE types.plain (id int PRIMARY KEY, n int);
RESET SESSION AUTHORIZATION;

SELECT cmig.audit_script('types.feeling') AS feeling, cmig.audit_script('types.plain') AS plain \gset
DROP EXTENSION pg_cmig CASCADE;
:feeling
:plain
SET SESSION AUTHORIZATION regress_audit_types;
INSERT INTO types.plain VALUES (1, 1);
\set ECHO all
\set VERBOSITY sqlstate
INSERT INTO types.feeling VALUES (1, '{ok}');
\set ECHO none
\set VERBOSITY default
DROP CAST (types.mood AS json);
INSERT INTO types.feeling VALUES (1, '{ok}');
RESET SESSION AUTHORIZATION;
\set ECHO all
SELECT operation, table_name, new_row FROM cmig_audit.log ORDER BY id;

-- columns to hide, and those of the key, are followed when they are renamed; a column that was
-- dropped is not replaced by another one of the same name
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE types.person (id int PRIMARY KEY, name text, card text, noise text, gone text);
CREATE TABLE types.known (id int PRIMARY KEY, name text, card text, noise text);
CREATE TABLE types.parted (noise text, id int PRIMARY KEY, card text) PARTITION BY LIST (id);
CREATE TABLE types.part (card text, id int NOT NULL, noise text);
ALTER TABLE types.parted ATTACH PARTITION types.part DEFAULT;
SELECT cmig.audit_script('types.person', redact => '{card}', exclude => '{noise}') AS person,
	cmig.audit_script('types.known', include => '{name}', redact => '{card}') AS known,
	cmig.audit_script('types.parted', redact => '{card}', exclude => '{noise}') AS parted \gset
DROP EXTENSION pg_cmig;
:person
:known
:parted
CREATE VIEW types.entries AS SELECT table_name, operation, row_key, new_row FROM cmig_audit.log WHERE id > (SELECT max(id) - 1 FROM cmig_audit.log);
ALTER TABLE types.person RENAME id TO number;
ALTER TABLE types.person RENAME card TO credit_card;
ALTER TABLE types.person RENAME noise TO card;
ALTER TABLE types.person DROP COLUMN gone;
INSERT INTO types.person VALUES (1, 'Miller', 'shown to nobody', 'excluded');
\set ECHO all
SELECT * FROM types.entries;
ALTER TABLE types.known ADD COLUMN added text;
INSERT INTO types.known VALUES (1, 'Miller', '4111', 'noise', 'added');
SELECT * FROM types.entries;
ALTER TABLE types.parted RENAME card TO credit_card;
INSERT INTO types.parted VALUES ('noise', 1, '4111');
SELECT * FROM types.entries;
ALTER TABLE types.person DROP COLUMN credit_card;
ALTER TABLE types.person ADD COLUMN credit_card text;
INSERT INTO types.person VALUES (2, 'Miller', 'excluded', '4111');
-- in a copy, in which columns have other numbers, the first columns must have the same names
\set ECHO none
CREATE TABLE types.copy (id int PRIMARY KEY, name text, card text, noise text, added text);
SELECT replace(pg_get_triggerdef(oid), ' ON types.known', ' ON types.copy') AS copied FROM pg_trigger WHERE tgrelid = 'types.known'::regclass AND tgname = 'cmig_audit_row' \gset
:copied;
INSERT INTO types.copy VALUES (1, 'Miller', '4111', 'noise', 'added');
\set ECHO all
SELECT * FROM types.entries;
ALTER TABLE types.copy RENAME card TO credit_card;
ALTER TABLE types.copy RENAME noise TO card;
INSERT INTO types.copy VALUES (2, 'Miller', '4111', 'noise', 'added');

DROP SCHEMA cmig_audit, types CASCADE;
DROP ROLE regress_audit_types;

--
-- The script's trigger and the trigger of pg_cmig write the same entries: the same random history of
-- two tables, for several options
--
\set ECHO none
SET TimeZone = 'UTC';
CREATE EXTENSION pg_cmig;
CREATE SCHEMA same;
CREATE TABLE same.options (name text, arguments text);
INSERT INTO same.options VALUES ('plain', ''), ('changes', ', image => ''changes'''), ('unchanged', ', skip_unchanged => false'),
	('hidden', ', redact => ''{t,j}'', exclude => ''{n}'''), ('listed', ', include => ''{n,d}'', redact => ''{f}'''),
	('keyless', ', redact => ''{t}'''), ('some', ', operations => ''{update,truncate}'', image => ''changes''');
CREATE PROCEDURE same.install() LANGUAGE plpgsql AS $$
DECLARE
	o record;
	s text;
BEGIN
	FOR o IN SELECT * FROM same.options LOOP
		FOREACH s IN ARRAY '{s,c}'::text[] LOOP
			EXECUTE format('CREATE TABLE same.%I (id integer, k text COLLATE "C", t text, n numeric, f float8, d timestamptz, b bytea, j jsonb, a integer[], u uuid, c char(3), i interval%s)',
				s || '_' || o.name, CASE WHEN o.name <> 'keyless' THEN ', PRIMARY KEY (k, id)' END);
		END LOOP;
		EXECUTE format('SELECT cmig.audit_script(%L%s)', 'same.s_' || o.name, o.arguments) INTO s;
		EXECUTE s;
		EXECUTE format('SELECT count(*) FROM cmig.enable_audit(%L, level => ''row''%s)', 'same.c_' || o.name, o.arguments);
	END LOOP;
END $$;
CALL same.install();
CREATE PROCEDURE same.history(name text, n integer) LANGUAGE plpgsql AS $$
DECLARE
	k integer;
	v text;
	statement text;
	tab text;
BEGIN
	FOR step IN 1 .. n LOOP
		k := (random() * 9)::integer;
		v := (random() * 1e6)::numeric(20, 4);
		statement := CASE (random() * 9)::integer
			WHEN 0 THEN format('INSERT INTO %%1$s SELECT g, %L, %L, %s, %s, timestamptz ''2026-01-01'' + %s * interval ''1 ms'', decode(md5(%L), ''hex''), jsonb_build_object(''x'', %s), ARRAY[%s, NULL], md5(%L)::uuid, ''a'', %s * interval ''1 s'''
				' FROM generate_series(%s, %s) g WHERE NOT EXISTS (SELECT FROM %%1$s x WHERE x.id = g AND x.k = %L)', k % 3, v, v, v, v, v, v, k, v, v, k, k + 3, k % 3)
			WHEN 1 THEN format('INSERT INTO %%1$s (id, k, f) SELECT %s, ''"'', %s WHERE NOT EXISTS (SELECT FROM %%1$s x WHERE x.id = %s AND x.k = ''"'')', k, (ARRAY['''NaN''', '1e300', '''-Infinity''', '0.1'])[1 + k % 4], k)
			WHEN 2 THEN format('DELETE FROM %%1$s WHERE id = %s', k)
			WHEN 3 THEN format('UPDATE %%1$s SET n = n + 1, t = NULL WHERE id < %s', k)
			WHEN 4 THEN format('UPDATE %%1$s SET t = t, j = j || ''{"y": [%s]}'' WHERE id > %s', v, k)
			WHEN 5 THEN 'UPDATE %1$s SET d = d, b = b'
			WHEN 6 THEN format('UPDATE %%1$s SET id = id + 100, c = ''%s'' WHERE k = ''%s'' AND id < 100', k, k % 3)
			WHEN 7 THEN format('UPDATE %%1$s SET t = repeat(md5(t), %s), a = a || %s WHERE id = %s', k * 30, k, k)
			WHEN 8 THEN CASE WHEN random() < 0.2 THEN 'TRUNCATE %1$s' ELSE 'UPDATE %1$s SET f = f * 2, u = NULL, i = i * 2, n = 1.0' END
			ELSE format('UPDATE %%1$s SET n = CASE WHEN n = 1 THEN 1.00 ELSE round(n, 1) END WHERE id %% 2 = %s', k % 2)
		END;
		BEGIN
			FOREACH tab IN ARRAY ARRAY['same.s_' || name, 'same.c_' || name] LOOP
				EXECUTE format(replace(statement, ' % 2', ' %% 2'), tab);
			END LOOP;
		EXCEPTION WHEN unique_violation THEN NULL;
		END;
	END LOOP;
END $$;
\set ECHO all
SELECT setseed(0.27);
\set ECHO none
DO $$ DECLARE o text; BEGIN FOR o IN SELECT name FROM same.options ORDER BY name LOOP CALL same.history(o, 90); END LOOP; END $$;
-- everything but the position, the time, and the table's id and name
CREATE VIEW same.entries AS SELECT substr(table_name, 3) AS name, left(table_name, 1) = 's' AS script,
	row_number() OVER (PARTITION BY table_name ORDER BY seq, command_id, id) AS n, operation, row_key::text, old_key::text,
	old_row::text, new_row::text, changed, row_hash & 4294967295 AS row_hash, old_hash & 4294967295 AS old_hash,
	transaction_id, transaction_at, backend_pid, schema_name, user_id, tenant_id, role, session_role, application_name,
	client_address, revision, reason, request_id, query FROM cmig_audit.log WHERE schema_name = 'same';
\set ECHO all
SELECT o.name, (SELECT count(DISTINCT e.operation) FROM same.entries e WHERE e.name = o.name) AS operations,
	(SELECT count(*) > 50 FROM same.entries e WHERE e.name = o.name) AS entries,
	(SELECT count(*) FROM (SELECT to_jsonb(a) - 'script' AS e FROM same.entries a WHERE a.name = o.name
		GROUP BY 1 HAVING count(*) <> 2) d) AS different
	FROM same.options o ORDER BY o.name;
\set ECHO none
RESET TimeZone;
SET client_min_messages = error;
DROP SCHEMA cmig_audit, same CASCADE;
DROP EXTENSION pg_cmig;
