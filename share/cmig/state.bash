# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2034,SC2154
#
# state.bash
#	  The state in the schema cmig_engine: how it is written by verbs that run nothing, taken
#	  over from other tools, and moved to the extension and back.  Sourced by cmig.

# The file of each revision that is applied according to the journal j, as it was when it ran,
# and the id of its row.
RAN_FILES="(SELECT f.* FROM (SELECT DISTINCT ON (revision) * FROM ONLY cmig_engine.journal
		WHERE outcome OPERATOR(pg_catalog.=) 'done'
		AND direction OPERATOR(pg_catalog.~) '^(upgrade|downgrade|stamp|repair)\$'
		ORDER BY revision, id DESC) j
	CROSS JOIN LATERAL (SELECT id, file FROM ONLY cmig_engine.journal i
		WHERE i.revision OPERATOR(pg_catalog.=) j.revision AND i.file IS NOT NULL ORDER BY i.id DESC LIMIT 1) f
	WHERE j.direction OPERATOR(pg_catalog.<>) 'downgrade'
		AND coalesce(j.message OPERATOR(pg_catalog.<>) 'no longer recorded as applied', true))"
RAN_TEXT="SELECT pg_catalog.string_agg(file, E'\\n' ORDER BY id) FROM $RAN_FILES r"

# Stores the revisions as they were when they ran, for verbs that only look, if the files cannot
# be loaded.
restore_files() { restore true; }

# Stores those that have no file.
restore_missing()
{
	restore "NOT EXISTS (SELECT FROM cmig.revision r
	WHERE pg_catalog.starts_with(f, pg_catalog.concat('-- revision: ', r.revision, E'\\n')))"
}

# restore CONDITION: stores the revisions as they were when they ran, if the SQL condition is true
# for their text f.  Sets RESTORED to lines with their names.  Fails if they cannot be loaded.
restore()
{
	local text

	script='' transaction='' RESTORED=''
	[ "$engine_format" = "$ENGINE_FORMAT" ] &&
		text=$(target_access='' ask_target - <<<"$LOCK_STATE \\; $CHECK_STATE;
			SELECT jsonb_agg(file ORDER BY id) FROM $RAN_FILES r \\; COMMIT;") &&
		[ -n "$text" ] || return 0
	variable ran "$text"
	begin
	add_plain
	called "SELECT revision FROM cmig.load((SELECT pg_catalog.string_agg(f, E'\\n' ORDER BY n)
	FROM pg_catalog.jsonb_array_elements_text(:'ran') WITH ORDINALITY AS ran (f, n) WHERE $1));"
	RESTORED=$(run 2>/dev/null) || { RESTORED='' script='' transaction=''; return 1; }
	script='' transaction=''
}

# record_text: adds statements that return a script, which records in the database the
# revisions that are current in the engine.  It fails if others are recorded there than before, or
# if there is progress that was not read: any role can have the lock of runs meanwhile.
record_text()
{
	variable state "$engine_state"
	# the script of a stamp may run at any time
	if [ "$verb" = stamp ] && given sql; then variable cmig_guard false; else variable cmig_guard true; fi
	add 'SET LOCAL client_min_messages = warning;'
	called "SELECT cmig.script('downgrade', 'base:base', version_table => 'cmig_engine.version');"
	kept files 'cmig.export()' 'content text'
	variable cmig_checked "$PINNED$newline$LOCK_WRITES;$newline$CHECK_STATE;$newline"
	add "SELECT pg_catalog.concat(E'$READ_COMMITTED;\n', :'cmig_checked',
	E'LOCK TABLE ONLY cmig_engine.version IN EXCLUSIVE MODE;\n',
	CASE WHEN :'cmig_guard' THEN pg_catalog.format(E'DO %L;\n', pg_catalog.format('BEGIN
	IF ARRAY(SELECT version_num::pg_catalog.text COLLATE pg_catalog.\"C\" FROM ONLY cmig_engine.version ORDER BY 1)
		OPERATOR(pg_catalog.<>) %L::pg_catalog.text[]
		OR EXISTS (SELECT FROM ONLY cmig_engine.progress) OPERATOR(pg_catalog.<>) %L::pg_catalog.bool THEN
		RAISE SQLSTATE ''MG025'' USING MESSAGE = ''the state of the database has changed'',
			HINT = ''Repeat the command.'';
	END IF;
END', ARRAY(SELECT v COLLATE \"C\" FROM pg_catalog.jsonb_array_elements_text(
	nullif(:'state'::jsonb -> 'version', 'null')) v ORDER BY 1),
	nullif(:'state'::jsonb -> 'progress', 'null') IS NOT NULL)) END,
	E'DELETE FROM ONLY cmig_engine.version;\n', :'cmig_forget',
	pg_catalog.string_agg(pg_catalog.format(E'INSERT INTO cmig_engine.version VALUES (%L);\n', revision), ''),
	(SELECT pg_catalog.string_agg(pg_catalog.format(
		E'INSERT INTO cmig_engine.journal (id, revision, direction, outcome,'
		' started_at, elapsed, role, session_role, message, checksum, file)\n'
		'SELECT coalesce(pg_catalog.max(id), 0) OPERATOR(pg_catalog.+) 1, %L, %L, %L, pg_catalog.clock_timestamp(), %L,'
		' CURRENT_USER, SESSION_USER, %L, %L, %L FROM ONLY cmig_engine.journal;\n',
		revision, direction, outcome, elapsed, message, checksum, (SELECT content FROM $KEPT WHERE checksum IS NOT NULL
			AND pg_catalog.starts_with(content, pg_catalog.concat('-- revision: ', revision, E'\n')))), '' ORDER BY id)
	FROM cmig.journal WHERE id > coalesce((SELECT pg_catalog.max((j ->> 'id')::bigint)
		FROM pg_catalog.jsonb_array_elements(nullif(:'state'::jsonb -> 'journal', 'null')) j), 0)),
	E'COMMIT;\n') FROM cmig.version;"
	end_transaction ROLLBACK
}

# engine_record [quiet]: records in the database the revisions that are current in the engine
engine_record()
{
	local text

	given sql || require_writable
	variable cmig_forget "$([ "$verb" != stamp ] || echo 'DELETE FROM ONLY cmig_engine.progress;')$newline"
	record_text
	text=$(run) || return
	script='' transaction=''
	! given sql || { printf '%s\n' "$text"; return; }
	given quiet || [ -n "${1:-}" ] || text+=$newline$(target_place)
	run_on_target "\\o /dev/null$newline$text"
}

# copy_table TABLE: copies a table, whose name is quoted, with its rows, which psql must not read:
# it would run code of the table's owner.  The table may already be there, without rows.
copy_table()
{
	local dump rows

	find_programs pg_dump
	[ "$engine_version" -ge "$engine_major" ] || fail 2 "$verb requires pg_dump of PostgreSQL $engine_major" \
		"On Debian: apt install postgresql-client-$engine_major"
	find_copy_limit
	dump=$(on_target "$engine/pg_dump" ${service[@]+"${service[@]}"} "--lock-wait-timeout=$COPY_LIMIT" \
		--section=pre-data --section=data --no-owner --no-privileges -t "$1") ||
		fail 3 "the table $1 cannot be read"
	require_restricted "$dump"
	# a trigger could change the rows in the copy
	engine_psql -d "$engine_database" -v name="$1" -o /dev/null <<-'END' || fail 2 'the engine cannot be used'
		SET client_min_messages = warning;
		SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', oid::regclass)
		FROM pg_class WHERE oid = to_regclass(:'name') AND relkind IN ('r', 'p') \gexec
		SELECT format('CREATE SCHEMA IF NOT EXISTS %I', (parse_ident(:'name'))[1]) \gexec
		SELECT format('GRANT CREATE, USAGE ON SCHEMA %I TO %I', (parse_ident(:'name'))[1], :'copier')
		WHERE to_regclass(:'name') IS NULL \gexec
	END
	rows=$(awk '/^COPY .* FROM stdin;$/ { copied = 1; next } /^\\\.$/ { copied = 0 } copied { rows++ }
		END { print rows + 0 }' < <(printf '%s\n' "$dump"))
	# the planner, too, evaluates code of the owner, so whoever writes in the copy must not count the rows
	dump=$({ of_dump "$dump"; of_variables name "$1"; echo 'SELECT count(*) FROM :name;'; } |
		engine_user=$ENGINE_COPIER engine_psql -d "$engine_database" -v ON_ERROR_STOP=0 2>/dev/null)
	[[ $dump == *"$MARK"* ]] || fail 3 "the copy of the table $1 ended before its end" 'Repeat the command.'
	# no state must be taken for an empty one
	[[ $dump == *"$MARK$newline$rows" ]] || fail 3 "the rows of the table $1 could not be copied into the engine"
	engine_psql -d "$engine_database" -v name="$1" -o /dev/null <<-'END' || fail 2 'the engine cannot be used'
		SELECT format('GRANT USAGE ON SCHEMA %I TO %I', (parse_ident(:'name'))[1], :'role'),
			format('GRANT SELECT ON %s TO %I', :'name', :'role') \gexec
	END
}

# Copies the tables of other tools, after the schema was copied.
copy_tool_tables()
{
	local name

	while IFS= read -r name; do [ -z "$name" ] || copy_table "$name"; done < <(
		engine_user=$ENGINE_ROLE engine_psql -d "$engine_database" <<-'END'
			SET search_path = public; -- for this call alone: see called()
			SELECT coalesce(pg_catalog.jsonb_agg(history_table::pg_catalog.oid::pg_catalog.text), '[]') AS tables
			FROM cmig.import_tools() \gset
			SET search_path = pg_catalog, pg_temp;
			SELECT format('%I.%I', n.nspname, c.relname) FROM jsonb_array_elements_text(:'tables') id
			JOIN pg_class c ON c.oid = id::oid JOIN pg_namespace n ON n.oid = c.relnamespace;
		END
	)
	! given history-table || case $option_history_table in
		*.*) copy_table "$option_history_table" ;;
		*) copy_table "public.$option_history_table" ;;
	esac
}

# Begins with the state that Alembic or a generated script has recorded, if the database has no
# other.  What changes the database records it first: see adopt.
taken_over=''
take_over()
{
	local tool=alembic applied

	[ "$engine_format" = alembic_version ] || tool=engine
	copy_table "public.$engine_format"
	variable tool "$tool"
	variable table "public.$engine_format"
	begin
	add 'SET LOCAL client_min_messages = error;'
	kept state "cmig.import_state(:'tool', :'table')" 'applied text' 'revision text'
	add_plain
	add "SELECT pg_catalog.string_agg(applied, ', ' ORDER BY applied),
	pg_catalog.string_agg(applied, ' ' ORDER BY applied) FILTER (WHERE revision IS NULL) FROM $KEPT;"
	applied=$(run) || exit
	script='' transaction=''
	[ "$applied" != '|' ] || return 0
	visible "$applied"
	applied=${VISIBLE%|*} VISIBLE=${VISIBLE##*|}
	if [ -n "$VISIBLE" ]; then
		case $verb in
			upgrade | downgrade | script)
				fail 3 "$engine_format is at $VISIBLE, which has no file in ${folders[*]}" \
					"cmig import alembic converts the files of Alembic. To begin with another: cmig stamp <revision>" ;;
		esac
		warning "$engine_format is at $VISIBLE, which has no file in ${folders[*]}" "cmig stamp <revision>"
	else
		taken_over=1
		given quiet || say "begins with the state in $engine_format: $applied"
	fi
}

# Records in the database the state that was taken over.
adopt()
{
	[ -n "$taken_over" ] || return 0
	begin
	add_plain
	engine_record quiet || return
	taken_over=''
	! given sql || return 0
	read_target again
	store_state
}

# Do the tables of the state belong to roles whose code could do anything anyway, as in read_target?
TRUSTED="NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
	pg_catalog.pg_database d, pg_catalog.pg_roles r
	WHERE d.datname = pg_catalog.current_database() AND n.nspname = 'cmig_engine'
	AND c.relname ~ '^(version|journal|progress|format)\$' AND (r.oid = n.nspowner OR r.oid = c.relowner)
	AND NOT (r.rolsuper OR r.oid = d.datdba OR r.rolname = current_user OR r.rolname = 'pg_database_owner'))"

# the tables of the state, as an array in SQL
STATE_TABLES="'{format,journal,progress,version}'"

# A query for those of which this session has a lock, which keeps their names
LOCKED_TABLES="SELECT c.relname FROM pg_namespace s JOIN pg_class c ON c.relnamespace = s.oid JOIN pg_locks l
	ON l.relation = c.oid WHERE s.nspname = 'cmig_engine' AND c.relkind = 'r' AND l.pid = pg_backend_pid()
	AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"

# A query for a table that is missing next to cmig_engine.version, in the columns of engine_shape.sql; as
# src/move/psql_engine.c creates it, or has created it before the format had a number
MISSING_TABLE="SELECT format('table cmig_engine.%I is missing', tab), format(
	'Restore it from a backup. If that cannot be, without its rows: CREATE TABLE cmig_engine.%1\$I (%2\$s%3\$s); '
	'ALTER TABLE cmig_engine.%1\$I OWNER TO %4\$I%5\$s', tab, columns, CASE WHEN has_number THEN later END,
	pg_get_userbyid(v.relowner),
	CASE tab WHEN 'format' THEN '; INSERT INTO cmig_engine.format VALUES ($ENGINE_FORMAT)' END)
FROM pg_namespace n JOIN pg_class v ON v.relnamespace = n.oid AND v.relname = 'version',
	LATERAL (SELECT EXISTS (SELECT FROM pg_class f LEFT JOIN pg_attribute a ON a.attrelid = f.oid AND NOT attisdropped
		WHERE f.relnamespace = n.oid AND (f.relname = 'format' OR f.relname = 'journal' AND attname = 'file'
			OR f.relname = 'progress' AND attname = 'objects')) AS has_number) f,
	(VALUES ('journal', 'id bigint PRIMARY KEY, revision text, direction text NOT NULL, outcome text NOT NULL, '
		'started_at timestamptz NOT NULL, role name NOT NULL, session_role name NOT NULL, application_name text, '
		'client_address inet, transaction_id xid8, checksum text, search_path text',
		', elapsed interval, sqlstate text, message text, statement integer, file text'),
	('progress', 'revision text, direction text, checksum text NOT NULL, statement integer, done boolean NOT NULL, '
		'PRIMARY KEY (revision, direction, statement)', ', objects oid[]'),
	('format', 'number integer NOT NULL', '')) AS d (tab, columns, later)
WHERE n.nspname = 'cmig_engine' AND (has_number OR tab <> 'format')
	AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = tab)"

# use_holder: sets HOLDER to a text in SQL that says who has a lock
use_holder()
{
	HOLDER=$(<"${here%/*}/share/cmig/engine_holder.sql")
}

# use_shape: sets SHAPE to a query for what is wrong with the tables of the state, CHECK_STATE to a statement
# that raises an error unless they exist, and are what pg_cmig creates, LOCK_WRITES to one that keeps them so
# while they are written, and LOCK_STATE to one for a transaction that is only reading, and then is READ ONLY, but
# did not begin so.
#
# ACCESS SHARE keeps nobody from creating an index or statistics, which the planner evaluates.  Where the role
# has code of others to fear, it also locks the catalogs of these.  What changes them does not
# keep its lock until its transaction ends, so this does not wait for others' transactions.  In a
# database with default_transaction_read_only, the row of the schema cannot be locked, but its catalog can.
use_shape()
{
	local begin end

	[ -z "${SHAPE-}" ] || return 0
	SHAPE=$(<"${here%/*}/share/cmig/engine_shape.sql")
	SHAPE=${SHAPE//cmig_schema/"'cmig_engine'"}
	SHAPE="(${SHAPE//cmig_names/"CAST($STATE_TABLES AS name[])"}) UNION ALL ($MISSING_TABLE) LIMIT 1"
	begin="DECLARE
	cmig_schema CONSTANT name := 'cmig_engine';
	cmig_names CONSTANT name[] := $STATE_TABLES;
	cmig_mode text := 'SHARE UPDATE EXCLUSIVE';
	cmig_timeout CONSTANT text := current_setting('lock_timeout');
	cmig_role CONSTANT text := current_setting('role');
	cmig_locked name[];
	cmig_id oid;
	cmig_item record;
	cmig_hint text;
BEGIN"
	use_holder
	end=$(<"${here%/*}/share/cmig/engine_lock.sql")
	end=${end//cmig_holder/"$HOLDER"}
	LOCK_WRITES="DO \$cmig_lock\$
$begin
$end
END
\$cmig_lock\$"
	LOCK_STATE="DO \$cmig_lock\$
$begin
	cmig_mode := 'ACCESS SHARE';
	IF NOT pg_is_in_recovery() AND (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
		PERFORM set_config('lock_timeout', '2s', true), set_config('role', 'none', true);
		BEGIN
			LOCK TABLE pg_catalog.pg_index, pg_catalog.pg_statistic_ext IN SHARE MODE;
			IF current_setting('transaction_read_only') = 'on' THEN
				LOCK TABLE pg_catalog.pg_namespace IN SHARE MODE;
			END IF;
		EXCEPTION WHEN lock_not_available THEN
			RAISE lock_not_available USING MESSAGE = 'another session is changing indexes, statistics, or schemas',
				HINT = concat('Wait until it has ended.', (
					SELECT format(' Or end process %s: SELECT pg_terminate_backend(%s)', $HOLDER, a.pid)
					FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid
					WHERE l.granted AND relname IN ('pg_index', 'pg_statistic_ext', 'pg_namespace')
						AND l.database = a.datid AND l.mode ~ 'Exclusive' ORDER BY xact_start LIMIT 1));
		END;
		PERFORM set_config('role', cmig_role, true);
	END IF;
	-- while catalogs are locked, nothing waits for long
	BEGIN
$end
	EXCEPTION WHEN lock_not_available THEN
		GET STACKED DIAGNOSTICS cmig_hint = PG_EXCEPTION_HINT;
		IF cmig_hint <> '' THEN
			RAISE;
		END IF;
		RAISE lock_not_available USING MESSAGE = 'another session locks a table of schema cmig_engine',
			HINT = concat('Wait until it has ended.', (
				SELECT format(' Or end process %s: SELECT pg_terminate_backend(%s)', $HOLDER, a.pid)
				FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid
				WHERE l.granted AND relnamespace = to_regnamespace('cmig_engine') AND l.database = a.datid
					AND l.mode = 'AccessExclusiveLock' ORDER BY xact_start LIMIT 1));
	END;
	PERFORM set_config('lock_timeout', cmig_timeout, true);
	-- a lock of a row is written
	PERFORM set_config('synchronous_commit', 'off', true), set_config('transaction_read_only', 'on', true);
END
\$cmig_lock\$"
	CHECK_STATE="DO \$cmig_check\$
DECLARE
	defect record;
BEGIN
	IF NOT $TRUSTED THEN
		RAISE insufficient_privilege USING MESSAGE = 'schema cmig_engine or one of its tables belongs to another role',
			HINT = 'Connect as that role, or as the owner of the database.';
	END IF;
	SELECT * INTO defect FROM ($SHAPE) q;
	IF defect.what IS NOT NULL THEN
		RAISE insufficient_privilege USING MESSAGE = defect.what, HINT = defect.repair;
	END IF;
	-- what is missing now could be a view when it is read, and could have become one since the shape was read
	SELECT n INTO defect FROM unnest(CAST($STATE_TABLES AS name[])) n WHERE n NOT IN ($LOCKED_TABLES)
	ORDER BY 1 LIMIT 1;
	IF FOUND THEN
		RAISE undefined_table USING MESSAGE = format('table cmig_engine.%I is missing', defect.n),
			HINT = 'cmig locate finds the revision; then: cmig stamp <revision>';
	END IF;
END
\$cmig_check\$"
}

# begin_state: begins, and sets the psql variables cmig_known and cmig_formatted: does the
# database have tables of an engine, and a table with the number of their format?
begin_state()
{
	local begin_command=$READ_COMMITTED

	use_shape
	begin
	add "$LOCK_WRITES;"
	need "$TRUSTED" "'schema cmig_engine or one of its tables belongs to another role'" \
		"'Connect as that role, or as the owner of the database.'" insufficient_privilege
	need false what repair insufficient_privilege "($SHAPE) defect"
	add "SELECT count(DISTINCT relname) FILTER (WHERE relname <> 'format') = 3 AS cmig_known,
	count(*) FILTER (WHERE relname = 'format') > 0 AS cmig_formatted FROM ($LOCKED_TABLES) l \\gset"
}

# Takes over, in a database that has got the extension, all that cmig has recorded with an engine.
# The tables remain, but an engine does not use them any more.
import_engine()
{
	local number

	find_files
	begin_state
	need ":'cmig_known'" "'the database has no state of an engine'" \
		"'For the table of generated scripts: cmig import engine --state --history-table public.cmig_version'"
	add "\\set cmig_format 1
\\if :cmig_formatted
SELECT coalesce(pg_catalog.max(number), 0) AS cmig_format FROM ONLY cmig_engine.format \\gset
\\endif
LOCK TABLE ONLY cmig_engine.version IN EXCLUSIVE MODE;"
	need ":'cmig_format' <> '0'" \
		"'the extension has already taken over the state in schema cmig_engine'" "'cmig status'"
	need ":'cmig_format'::pg_catalog.int4 <= $ENGINE_FORMAT" \
		"'schema cmig_engine has format ' || :'cmig_format' || ', of a newer version of pg_cmig'" \
		"'ALTER EXTENSION pg_cmig UPDATE'"
	need "NOT EXISTS (SELECT FROM cmig.version)" "'the extension has already run revisions in this database'" \
		"'cmig current; and to begin again: cmig stamp base'"
	need "pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('pg_cmig cmig_engine.version', 0))" \
		"'a run with an engine is in progress'" "'Wait until it has finished.'" lock_not_available
	need false "pg_catalog.format('the %s of revision %I was interrupted', direction, revision)" \
		"pg_catalog.format('Complete it with the engine first: DROP EXTENSION pg_cmig; then: cmig %s %s --engine local',
	direction, CASE direction WHEN 'upgrade' THEN revision ELSE '-1' END)" '' \
		'(SELECT * FROM ONLY cmig_engine.progress LIMIT 1) p'
	add "\\if :cmig_formatted
SELECT coalesce(($RAN_TEXT), '') AS cmig_ran \\gset"
	# a journal that was lost has no files
	when ":'cmig_ran' <> ''"
	called "SELECT pg_catalog.count(*) AS cmig_restored FROM cmig.load(:'cmig_ran') \\gset"
	add "\\endif
UPDATE ONLY cmig_engine.format SET number = 0;
\\else
CREATE TABLE cmig_engine.format (number integer NOT NULL);
INSERT INTO cmig_engine.format VALUES (0);
ALTER TABLE cmig_engine.journal ADD elapsed interval, ADD sqlstate text, ADD message text, ADD statement integer,
	ADD file text, ALTER revision DROP NOT NULL;
ALTER TABLE cmig_engine.progress ADD objects oid[];
\\endif
SELECT EXISTS (SELECT FROM ONLY cmig_engine.version WHERE version_num NOT IN (SELECT revision FROM cmig.revision))
	AS cmig_unknown \\gset
\\if :cmig_unknown"
	load_files
	add "\\endif
INSERT INTO cmig.version SELECT version_num FROM ONLY cmig_engine.version;
INSERT INTO cmig.journal ($JOURNAL_COLUMNS)
SELECT id + (SELECT coalesce(pg_catalog.max(id), 0) FROM cmig.journal WHERE scope = '')${JOURNAL_COLUMNS#id}
FROM ONLY cmig_engine.journal;"
	add "SELECT v.version_num AS applied, r.revision,
	CASE WHEN r.revision IS NULL THEN 'no such revision is loaded' END AS note
FROM ONLY cmig_engine.version v LEFT JOIN cmig.revision r ON r.revision = v.version_num ORDER BY 1;"
	found_if 'EXISTS (SELECT FROM ONLY cmig_engine.version
	WHERE version_num NOT IN (SELECT revision FROM cmig.revision))'
	end_transaction COMMIT
	run
}

# Makes, in a database with the extension, the tables from which an engine goes on.
export_engine()
{
	begin_state
	need "NOT EXISTS (SELECT FROM cmig.scope_version)" "'scopes need the extension'" "'cmig scopes'"
	need "NOT EXISTS (SELECT FROM cmig.expansion_run)" "'a revision is expanded, which needs the extension'" \
		"'cmig contract, or cmig abandon'"
	need false "pg_catalog.format('the %s of revision %I was interrupted', direction, revision)" \
		"'Complete it first: cmig status'" '' "(SELECT revision, direction FROM cmig.progress
	UNION ALL SELECT revision, direction FROM cmig.journal WHERE outcome = 'running' LIMIT 1) p"
	add "SET LOCAL client_min_messages = warning;
\\if :cmig_formatted
UPDATE ONLY cmig_engine.format SET number = $ENGINE_FORMAT WHERE number = 0;
\\endif"
	called "SELECT cmig.script('downgrade', 'base:base', version_table => 'cmig_engine.version') AS cmig_tables \\gset"
	# without a transaction of its own
	add "SELECT pg_catalog.regexp_replace(:'cmig_tables', '^($READ_COMMITTED.*|COMMIT;)\$', '', 'gn') \\gexec"
	kept files 'cmig.export()' 'content text'
	add "DELETE FROM ONLY cmig_engine.version;
DELETE FROM ONLY cmig_engine.journal;
DELETE FROM ONLY cmig_engine.progress;
INSERT INTO cmig_engine.version SELECT revision FROM cmig.version;
INSERT INTO cmig_engine.journal ($JOURNAL_COLUMNS, file)
SELECT $JOURNAL_COLUMNS, CASE WHEN j.id = pg_catalog.max(j.id)
		FILTER (WHERE outcome = 'done' AND checksum IS NOT NULL) OVER (PARTITION BY revision)
	THEN (SELECT content FROM $KEPT WHERE pg_catalog.starts_with(content,
		pg_catalog.concat('-- revision: ', j.revision, E'\n'))) END FROM cmig.journal j;"
	end_transaction COMMIT
	add_place
	run || return
	say 'HINT:  Then: DROP EXTENSION pg_cmig, and the line "engine = local" in cmig.conf'
}
