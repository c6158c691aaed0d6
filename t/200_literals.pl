# Copyright (c) 2026, the pg_cmig developers

# Tests that looking up the names of an expression, or in the body of a function, runs no code of another role, which the
# conversion of a literal does: the owner of a table can create the trigger of an expansion by hand, with any arguments, and
# with dependencies as if they had been recorded.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('literals');

new_database($node, 'literals');
sql('literals', q{CREATE ROLE owns; CREATE ROLE writes; SELECT cmig.grant_access('owns', 'migrator'); GRANT CREATE, USAGE ON SCHEMA public TO owns;
SET ROLE owns;
CREATE FUNCTION checks(v text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'called as %', current_user; IF current_user = 'owns' THEN RAISE insufficient_privilege; END IF; RETURN true; END$$;
CREATE DOMAIN d AS text CHECK (checks(VALUE)); CREATE TYPE c AS (v d); CREATE TYPE e AS ENUM ('x');
CREATE TABLE t (n int, v d[], w c, cmig_state text DEFAULT cmig.expansion_mark('todo'::text), cmig_new_n text DEFAULT cmig.expansion_mark(NULL::text));
GRANT ALL ON t TO writes;
RESET ROLE;
CREATE DOMAIN s AS text CHECK (checks(VALUE)); CREATE TYPE r AS RANGE (subtype = s)});

foreach my $text (
	q{(('{x}'::pg_catalog.unknown)::public.d[])[1]},
	q{(('(x)'::pg_catalog.unknown)::public.c)::pg_catalog.text},
	q{('{x}'::public.s[])[1]},
	q{pg_catalog.lower('[a,b]'::public.r)},
	q{(WITH RECURSIVE q(x) AS (SELECT 1 UNION ALL SELECT x FROM q) CYCLE x SET y TO public.c '(x)' DEFAULT public.c '(y)' USING p SELECT x::pg_catalog.text FROM q LIMIT 1)})
{
	foreach my $when ('', q{WHEN (NEW.v IS DISTINCT FROM ARRAY[NEW.n::text]::d[] AND NEW.w IS DISTINCT FROM ROW(NEW.n::text)::c AND checks(NULL) IS NOT NULL)})
	{
		my $out = tried('literals', qq{SET ROLE owns; DROP TRIGGER IF EXISTS "~cmig_write" ON t;
CREATE TRIGGER "~cmig_write" BEFORE INSERT OR UPDATE OF n ON t FOR EACH ROW $when EXECUTE FUNCTION cmig.expansion_write('cmig_state', '', '', 'u', 'cmig_new_n', 'n', \$a\$$text\$a\$);
SET ROLE writes; INSERT INTO t (n) VALUES (1)});

		unlike($out, qr/called as (?!owns|writes)/, "$text $when: no code of a role");
		like($out, qr/called as|ERROR/, 'it was evaluated');
	}
}

# in the body of a function, also in a clause whose literals are not those of an expression
my $body = q{WITH RECURSIVE q(x) AS (SELECT 1 UNION ALL SELECT x FROM q) CYCLE x SET y TO public.%1$s '%2$s' DEFAULT public.%1$s '%3$s' USING p SELECT y::text FROM q};
sql('literals', sprintf("SET check_function_bodies = off; CREATE SCHEMA b; CREATE FUNCTION b.c() RETURNS SETOF text LANGUAGE sql AS \$\$$body\$\$", 'c', '(x)', '(y)'));
sql('literals', sprintf("ALTER TYPE e ADD VALUE 'y'; CREATE FUNCTION b.e() RETURNS SETOF text LANGUAGE sql AS \$\$$body\$\$", 'e', 'x', 'y'));
my $out = tried('literals', q{SELECT downgrade_sql FROM cmig.diff('', schemas => '{b}')});
unlike($out, qr/called as/, 'a body is analyzed without code of a role');
like($out, qr/^SET check_function_bodies = off;\nCREATE OR REPLACE FUNCTION b.c/m, 'and created without');
like($out, qr/^CREATE OR REPLACE FUNCTION b.e\(\)(?s:.)*y'/m, 'literals of an enum are converted');

done_testing();
