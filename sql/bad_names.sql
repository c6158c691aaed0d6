--
-- Invalid ids, labels, and targets of all kinds, in every function that takes one: each call
-- raises one clear error, and changes nothing
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = error;
SELECT count(*) FROM cmig.load($cmig_load$
-- revision: 0010
-- branch_labels: one
-- cmig:downgrade
-- revision: 0020
-- down_revision: 0010
-- cmig:downgrade
-- revision: 0021
-- down_revision: 0010
-- cmig:downgrade
-- revision: 0100
-- branch_labels: other
-- cmig:downgrade
$cmig_load$);
\set ECHO all
SELECT count(*) FROM cmig.upgrade('0020');
\set ECHO none
CREATE TABLE bad (n serial, name text);
INSERT INTO bad (name) VALUES
	(NULL), (''), (' '), ('nothing'), ('00'), ('0010 '), ('a b'), (E'a\nb'), (E'\t'), ('a,b'), ('a;b'), ('"0010"'), ('''0010'''), ('{'), ('{0010'),
	('{0010,0020}'), ('@'), ('@head'), ('one@'), ('nothing@head'), ('one@nothing'), ('one@other@head'), ('other@0010'), ('head@'), ('heads@head'),
	('+'), ('-'), ('+x'), ('+1x'), ('+0'), ('+99'), ('-99'), ('0010+99'), ('0010-99'), ('one@-99'), ('99999999999999999999'), ('+99999999999999999999'),
	(':'), ('::'), ('0010:'), (':0010'), ('0010:0020:0021'), ('nothing:0020'), ('0010:nothing'), ('0021:0020'), ('current'), ('HEAD'), ('previous'),
	(repeat('x', 129)), (repeat('x', 100000)), (E'\u202e0010'), (E'\ue000'), ('0010/../..'), ('$1'), ('%s'), ('%(rev)s'), ('0010'' OR true --'), ('\'), (E'\\0010');
CREATE TABLE calls (n serial, call text);
INSERT INTO calls (call) VALUES
	('cmig.upgrade($1::text)'), ('cmig.downgrade($1::text)'), ('cmig.stamp($1::text)'), ('cmig.plan(''upgrade'', $1::text)'), ('cmig.plan(''downgrade'', $1::text)'),
	('cmig.plan($1, ''head'')'), ('cmig.resolve($1)'), ('cmig.require($1)'), ('cmig.show($1)'), ('cmig.history($1)'),
	('cmig.export($1)'), ('cmig.export(ARRAY[$1])'), ('cmig.export(''0010'', $1)'),
	('cmig.script(''upgrade'', $1)'), ('cmig.script(''downgrade'', $1)'), ('cmig.script($1, ''0020'')'), ('cmig.script(''upgrade'', ''0020'', $1)'),
	('cmig.repair($1)'), ('cmig.remove_revision($1)'),
	('cmig.draft(''m'', $1, ''0020'')'), ('cmig.draft(''m'', ''new'', $1)'), ('cmig.draft(''m'', ''new'', ''0020'', branch_label => $1)'),
	('cmig.draft(''m'', ''new'', ''0020'', depends_on => ARRAY[$1])'), ('cmig.draft(''m'', ''new'', ''0020'', file_template => $1)'), ('cmig.draft($1, ''new'', ''0020'')'),
	('cmig.create_revision(''m'', '''', revision => $1, head => ''0020'')'), ('cmig.create_revision(''m'', '''', head => $1)'),
	('cmig.create_revision(''m'', '''', head => ''0020'', branch_label => $1)'), ('cmig.create_revision(''m'', '''', head => ''0020'', depends_on => ARRAY[$1])'),
	('cmig.merge($1::text)'), ('cmig.merge(ARRAY[$1, ''0020''])'), ('cmig.merge(''{0020,0021}''::text[], ''m'', revision => $1)'),
	('cmig.load(''-- revision: '' || $1)'), ('cmig.load(''-- revision: new'' || E''\n-- down_revision: '' || $1)'),
	('cmig.load(''-- revision: new'' || E''\n-- depends_on: '' || $1)'), ('cmig.load(''-- revision: new'' || E''\n-- branch_labels: '' || $1)'),
	('cmig.grant_access(left($1, 63)::name, ''reader'')'), ('cmig.grant_access(current_user, $1)'), ('cmig.revoke_access(left($1, 63)::name)');
CREATE FUNCTION state() RETURNS text LANGUAGE sql AS $$
SELECT md5(concat((SELECT string_agg(r::text, '|' ORDER BY revision) FROM cmig.revision r),
				(SELECT string_agg(v::text, '|' ORDER BY revision) FROM cmig.version v),
				(SELECT count(*) FROM cmig.journal), (SELECT nspacl FROM pg_namespace WHERE nspname = 'cmig')))
$$;
-- the result of a call: its error, or "works"; everything is rolled back
CREATE FUNCTION try(call text, name text, OUT result text, OUT message text) LANGUAGE plpgsql AS $$
DECLARE
	before text := state();
BEGIN
	BEGIN
		EXECUTE format('SELECT %s', call) USING name;
		RAISE SQLSTATE 'OK000';
	EXCEPTION
		WHEN SQLSTATE 'OK000' THEN result := 'works';
		WHEN OTHERS THEN result := SQLSTATE; message := SQLERRM;
	END;
	IF state() <> before THEN
		RAISE 'changed by % of %', call, name;
	END IF;
END
$$;
CREATE TABLE outcome AS
SELECT c.n AS call_number, c.call, b.n AS bad_number, b.name, t.*
FROM calls c, bad b, LATERAL try(c.call, b.name) t;
\set ECHO all
-- no unexpected error; for each call, the possible errors
SELECT call, string_agg(DISTINCT result, ' ' ORDER BY result) AS outcomes
FROM outcome GROUP BY call_number, call ORDER BY call_number;
-- the messages: no internals, no empty ones, no long input in full
SELECT call, left(name, 20) AS name, message FROM outcome
WHERE message IS NULL AND result <> 'works' OR message ~* 'cache lookup|null value in column|internal|unexpected|out of memory' OR message = '';
SELECT call, left(name, 20) AS name, length(message) FROM outcome WHERE length(message) > 2000 AND length(name) > 1000
ORDER BY call_number, bad_number;
-- valid calls that look odd
SELECT left(name, 20) AS name, string_agg(call, '; ' ORDER BY call_number) AS works
FROM outcome WHERE result = 'works' AND call ~ 'upgrade\(|downgrade\(|stamp|plan\(.u|export\(.1|repair|remove' GROUP BY bad_number, name ORDER BY bad_number;
\set ECHO none
DROP TABLE bad, calls, outcome;
DROP FUNCTION try, state;
DROP EXTENSION pg_cmig;
