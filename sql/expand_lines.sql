--
-- The header "expand" and the lines -- cmig:up and -- cmig:down: files, rows, errors
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SELECT * FROM cmig.load($x$
-- revision: 001
-- message: People
-- create_date: 2026-01-01 00:00:00+00
-- cmig:upgrade
CREATE TABLE person (id int PRIMARY KEY, name text);
-- cmig:downgrade
DROP TABLE person;

-- revision: 002
-- down_revision: 001
-- message: First names
-- expand: on
-- create_date: 2026-01-02 00:00:00+00
-- cmig:upgrade
ALTER TABLE person ADD COLUMN first_name text NOT NULL;
-- cmig:up person.first_name = split_part(name, ' ', 1)
ALTER TABLE person DROP COLUMN name;
  -- cmig:down	"public".Person."name"=(first_name) || '!' -- what is left
$x$);
\set ECHO all
SELECT content FROM cmig.export('002');
SELECT field, value FROM cmig.show('002') WHERE field IN ('transactional', 'expand', 'upgrade_sql');
SELECT count(*) FROM cmig.show('001') WHERE field = 'expand';
-- what is written can be read
SELECT * FROM cmig.load((SELECT string_agg(content, E'\n' ORDER BY file_name) FROM cmig.export()));
-- a change of the header or of a line is one, and a line counts in the checksum
SELECT * FROM cmig.load((SELECT replace(content, 'expand: true', 'expand: Strict') FROM cmig.export('002')));
SELECT revision, expand FROM cmig.revision ORDER BY 1;
SELECT * FROM cmig.load((SELECT replace(content, 'expand: strict', 'expand: false') FROM cmig.export('002')));
SELECT * FROM cmig.load((SELECT replace(regexp_replace(content, '-- cmig:(up|down)\s[^\n]*', '', 'g'), 'expand: strict', 'expand: no') FROM cmig.export('002')));
SELECT content ~ 'expand' AS has_header FROM cmig.export('002');

-- the lines, unlike other comments, count in the checksum of an applied revision
INSERT INTO cmig.version VALUES ('001');
SELECT cmig.create_revision('Ages', E'ALTER TABLE person ADD age int;\n-- cmig:up person.age = 1', revision => '00a', head => '001', splice => true, expand => true);
SELECT cmig.stamp('00a');
SELECT action FROM cmig.load((SELECT replace(content, '-- cmig:up person', E'-- years\n--   cmig:up\tPERSON') FROM cmig.export('00a')));
\set VERBOSITY sqlstate
SELECT * FROM cmig.load((SELECT replace(content, 'age = 1', 'age = 2') FROM cmig.export('00a')));
SELECT cmig.stamp('base');
SELECT cmig.remove_revision('00a');

-- in a call
SELECT cmig.create_revision('Emails', $$ALTER TABLE person ADD email text;
-- cmig:up person.email = 'none'$$, revision => '003', expand => true);
SELECT cmig.create_revision('Emails', 'SELECT 1', revision => '004', expand => 'strict');
SELECT cmig.create_revision('Emails', revision => '005', expand => false);
SELECT cmig.create_revision('Emails', revision => '006', expand => NULL);
SELECT content ~ '-- expand: strict' AS has_header FROM cmig.draft('x', '007', expand => 'strict');
SELECT revision, expand FROM cmig.revision ORDER BY 1;
\set VERBOSITY default
SELECT cmig.create_revision('x', revision => '008', expand => 'maybe');
SELECT cmig.draft('x', revision => '008', expand => 2);
\set ECHO none
SELECT cmig.create_revision('x', $$ALTER TABLE person ADD email text;
-- cmig:up person.email = 'none'$$, revision => '008');

-- what is wrong in a file is reported with its line
CREATE FUNCTION load_line(line text, header text DEFAULT '-- expand: true', section text DEFAULT 'upgrade') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	d text;
	h text;
BEGIN
	PERFORM cmig.load(E'==> 008.sql <==\n-- revision: 008\n-- down_revision: 006\n' || header || E'\n-- cmig:' || section
		|| E'\n\nALTER TABLE person\n  ADD email text;\n' || line || E'\n');
	RETURN 'loaded';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', sqlstate || ': ' || sqlerrm, d, h);
END $$;
SELECT l AS line, load_line(l) FROM unnest(ARRAY[
	'-- cmig:up', '-- cmig:up person.email', '-- cmig:up person.email = ', '-- cmig:up email = 1', '-- cmig:up a.b.c.d = 1',
	'-- cmig:up person.* = 1', '-- cmig:up order.email = 1', '-- cmig:up person.email := 1', '-- cmig:up person.email = (1',
	'-- cmig:up person.email = 1) FROM (SELECT 2', '-- cmig:up person.email = 1;', '-- cmig:up person.email = ''x',
	'-- cmig:up person.email = 1, 2', '-- cmig:up person.email = ${x}', '-- cmig:up person.email = $$x', '-- cmig:down person.email = 1 +',
	'SELECT 1; -- cmig:up person.email = 1', E'SELECT\n-- cmig:up person.email = 1\n1;',
	E'-- cmig:up person.email = 1\n-- cmig:up public.person.email = 2',
	'-- cmig:Up person.email = 1', '-- cmig: up person.email = 1', '-- cmig:updown person.email = 1', '-- cmig:up: person.email = 1']) l;
\set ECHO all
SELECT load_line('-- cmig:up person.email = 1', '-- expand: false');
SELECT load_line('-- cmig:down person.email = 1', '-- message: x');
SELECT load_line('', '-- expand: maybe');
SELECT load_line('', '-- expands: true');
SELECT load_line('-- cmig:up person.email = 1', section => 'downgrade');
SELECT load_line('-- cmig:down person.email = 1', section => 'verify');
SELECT * FROM cmig.load(E'-- revision: r\n-- repeatable: true\n-- expand: true\n-- cmig:upgrade\nSELECT 1');
-- two lines about one column, one in each direction; names in quotes; what is in strings is not a line
SELECT load_line($q$-- cmig:up "My Table"."A ""b""" = E'\\\'' || $y$-- x$y$
-- cmig:down "My Table"."A ""b""" = U&"d\0061t" + (1)
SELECT '
-- cmig:up
';$q$);
SELECT field, value FROM cmig.show('008') WHERE field IN ('expand', 'upgrade_sql');

DROP FUNCTION load_line;
DROP EXTENSION pg_cmig;
