# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2034,SC2154
#
# managed.bash
#	  What databases without the extension have in place of functions in C: preflight, and a
#	  policy on DDL.  Sourced by cmig.

# Prints a script that keeps a policy on DDL in the database, as cmig.set_ddl_policy does.
verb_ddl_script()
{
	local file=${here%/*}/share/cmig/ddl_policy.sql

	case ${arguments[0]} in
		log | deny) sed "s/'POLICY'/'${arguments[0]}'/" "$file" ;;
		allow) grep '^DROP EVENT TRIGGER' "$file" ;;
		*) fail 2 'the policy must be log, deny, or allow' ;;
	esac
}

# Prints a script that keeps an audit log of the table, as cmig.enable_audit does.
verb_audit_script()
{
	argument table
	begin; add_plain
	call "SELECT cmig.audit_script(:'table')"
	run
}

# engine_preflight TARGET: makes cmig.preflight return, in the engine, what it would return in
# the database.  It collects facts about the plan, in the copy, and passes them to the SQL
# function cmig.preflight_rows.  The query of that function runs in the database, with the
# objects that have the same names there, and their sizes.
engine_preflight()
{
	local query facts found

	query=$(engine_user=$ENGINE_ROLE engine_psql -d "$engine_database" <<-'END'
		WITH past AS (
			SELECT r.revision, (
					SELECT string_agg(m[1], ' ') FROM regexp_matches(r.upgrade_sql,
						'\m(CREATE\s+(?:UNIQUE\s+)?INDEX|REINDEX|ALTER\s+TABLE|UPDATE|cmig[.]backfill)\M', 'gi') m)
					AS words, j.elapsed
			FROM cmig.revision r LEFT JOIN cmig.journal j ON j.revision = r.revision AND j.direction = 'upgrade'
				AND j.outcome = 'done')
		SELECT replace(replace(replace(regexp_replace(regexp_replace(prosrc,
			'\mcmig\.(revision|journal|backfill_progress|backfill_run)\M', 'cmig_\1', 'g'), '^\s*WITH',
			'WITH cmig_revision AS (
				SELECT DISTINCT * FROM jsonb_to_recordset($past) AS r (revision text, upgrade_sql text)),
			cmig_journal AS (SELECT *, ''upgrade'' AS direction, ''done'' AS outcome
				FROM jsonb_to_recordset($past) AS j (revision text, elapsed interval)),
			cmig_backfill_progress (id, target, state, percent, rows, active) AS (
				SELECT 0, '''', '''', 0, 0::bigint, interval ''0'' WHERE false),
			cmig_backfill_run (id, target_id) AS (SELECT 0, '''' WHERE false),'), '$1', 'p.facts'), '$2', 'p.at'),
			'$past', quote_literal((SELECT coalesce(jsonb_agg(jsonb_build_object('revision', revision, 'upgrade_sql',
				words, 'elapsed', elapsed)), '[]') FROM past WHERE words IS NOT NULL)))
		FROM pg_proc WHERE oid = 'cmig.preflight_rows'::regproc;
	END
	) && replace_rows "SELECT '', '', jsonb_agg(f || coalesce(to_jsonb(a), '{}') ORDER BY n)::text, ''
		FROM jsonb_array_elements(\$1) WITH ORDINALITY AS e (f, n)
		LEFT JOIN LATERAL (SELECT i.type, i.object_names, i.object_args, o.identity
			FROM (SELECT CASE f ->> 'kind' WHEN 'need' THEN (f ->> 'class')::oid ELSE 'pg_class'::regclass END AS class,
				(f ->> 'object')::oid AS object) t, pg_identify_object_as_address(class, object, 0) i,
				pg_identify_object(class, object, 0) o) a
		ON f ->> 'kind' IN ('lock', 'work', 'change', 'need')
		WHERE f ->> 'kind' NOT IN ('free', 'run', 'partial', 'library')" ||
		fail 2 'the engine cannot be used'
	begin
	add_plain
	called "SELECT value FROM cmig.preflight($1);"
	end_transaction ROLLBACK
	facts=$(run) || return
	script='' transaction=''
	found=$(ask_target engine_preflight role "$ENGINE_ROLE" facts "$facts" query "$query") ||
		fail 3 'the state of the database cannot be read'
	replace_rows "SELECT s.* FROM jsonb_to_recordset(convert_from(decode('$(base64 <<<"$found" | tr -d '\n')',
		'base64'), 'UTF8')::jsonb) AS s (item text, severity text, value text, hint text)" ||
		fail 2 'the engine cannot be used'
}

# replace_rows QUERY: replaces cmig.preflight_rows in the engine
replace_rows()
{
	engine_psql -d "$engine_database" <<-END
		CREATE OR REPLACE FUNCTION cmig.preflight_rows(facts jsonb, at timestamptz,
			OUT item text, OUT severity text, OUT value text, OUT hint text)
		RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS \$rows\$$1\$rows\$;
	END
}
