# Copyright (c) 2026, the pg_cmig developers

# What an application can do at each commit: $LOOK creates pg_temp.look(STATE), which tries
# the statements in the table "probe" as regress_app and notes what stands in the schema
# "shop", and the query $GAPS returns the states in which that is otherwise than in the
# first and in the last state.

package CommitGaps;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw($LOOK $GAPS quoted);

# What an application sees: a row of "seen" for each of its statements, and one for each
# object that stands.  A statement has the result "ok: VALUE" or an SQLSTATE.
our $LOOK = <<'SQL';
SET client_min_messages = error;
SET search_path = shop, pg_temp;
CREATE TEMP TABLE probe (sql text);
CREATE TEMP TABLE seen (state int, what text, result text);
CREATE FUNCTION pg_temp.look(state int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	tried text;
	value text;
BEGIN
	DELETE FROM pg_temp.seen WHERE seen.state = look.state;
	FOR tried IN SELECT sql FROM pg_temp.probe LOOP
		value := NULL;
		BEGIN
			SET LOCAL ROLE regress_app;
			IF tried ~ 'SELECT|RETURNING' THEN
				EXECUTE tried INTO value;
			ELSE
				EXECUTE tried;
			END IF;
			SET CONSTRAINTS ALL IMMEDIATE;
			RAISE EXCEPTION SQLSTATE 'UUUUU';
		EXCEPTION WHEN OTHERS THEN
			value := CASE SQLSTATE WHEN 'UUUUU' THEN 'ok: ' || coalesce(value, '') ELSE SQLSTATE END;
		END;
		INSERT INTO pg_temp.seen VALUES (state, tried, value);
	END LOOP;
	INSERT INTO pg_temp.seen
		SELECT state, n, 'ok: ' FROM (
			SELECT relname || CASE WHEN indisvalid = false THEN ' invalid' ELSE '' END FROM pg_class LEFT JOIN pg_index ON indexrelid = oid WHERE relnamespace = 'shop'::regnamespace
			UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE connamespace = 'shop'::regnamespace
			UNION ALL SELECT 'policy ' || polname FROM pg_policy
			UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'
			UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'shop'::regnamespace
			UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'shop'::regnamespace AND typtype IN ('e', 'd')
			UNION ALL SELECT 'publication ' || pubname FROM pg_publication) s(n) GROUP BY n;
END $$;
SQL

# The gaps: a state between in which something succeeds or fails, or stands, otherwise
# than in the first and in the last state.  If these have the same value, so has it.
our $GAPS = <<'SQL';
SELECT DISTINCT ON (b.what) s.state || ': ' || b.what || ' -> ' || coalesce(m.result, 'absent')
FROM seen b JOIN seen e ON e.what = b.what AND b.state = 0 AND e.state = (SELECT max(state) FROM seen)
	CROSS JOIN (SELECT DISTINCT state FROM seen) s
	LEFT JOIN seen m ON m.what = b.what AND m.state = s.state
WHERE (b.result LIKE 'ok%') = (e.result LIKE 'ok%')
	AND ((coalesce(m.result, '') LIKE 'ok%') <> (b.result LIKE 'ok%') OR (m.result LIKE 'ok%' AND m.result <> b.result AND b.result = e.result))
ORDER BY b.what, s.state;
SQL

sub quoted
{
	my ($text) = @_;

	return '$quoted$' . $text . '$quoted$';
}

1;
