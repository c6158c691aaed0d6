# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034
#
# looks.bash
#	  The verbs that only show something, or that control a running backfill.  Sourced by cmig.

# the result columns that describe the state and the branch of a revision
STATE="pg_catalog.concat_ws(', ', CASE WHEN is_current THEN 'current' WHEN applied THEN 'applied' END, CASE WHEN is_head THEN 'head' END,
	CASE WHEN down_revision IS NULL THEN 'repeatable' END, CASE WHEN is_branchpoint THEN 'branchpoint' END, CASE WHEN is_mergepoint THEN 'mergepoint' END) AS state"
BRANCH="pg_catalog.array_to_string(branch_labels, ', ') AS branch, message"

# Verbs that show the rows of one SQL function.  The fields are: the verb; its
# argument's default; the call; the columns to show; and the argument of found() for
# an exit status of 1, or "rows" if any row causes it.  A verb in capitals does not
# use the files.
LOOKS="history;base:heads;cmig.history(:'argument');revision, pg_catalog.array_to_string(down_revision, ', ') AS down_revision, ${STATE//$newline/ }, $BRANCH;
heads;;cmig.heads();revision, CASE WHEN is_current THEN 'current' END AS state, $BRANCH;
branches;;cmig.branches();revision, pg_catalog.array_to_string(children, ', ') AS children, $BRANCH;
show;;cmig.show(:'argument');*;
verify;current;cmig.verify(:'argument');*;cmig.verify(:'argument') WHERE NOT ok
round-trip;;cmig.round_trip(:'argument');revision, problem, kind, object, message;rows
CURRENT;;cmig.current();revision, pg_catalog.concat_ws(', ', CASE WHEN is_head THEN 'head' END, CASE WHEN NOT known THEN 'not known' END) AS state, $BRANCH;
SCOPES;;cmig.scopes();scope, pg_catalog.array_to_string(current, ', ') AS current, pending, failed;
SCOPE-DRIFT;;cmig.scope_drift();scope, reference, object, upgrade_sql;rows
LOG;;cmig.log();*;
PAUSE;;cmig.pause(:'argument');*;
RESUME-RUN;;cmig.resume_run(:'argument');*;"

# rows CALL [COLUMNS]: shows a function's rows as a table, with -v all columns
rows()
{
	if given verbose; then
		add '\x auto'
		call "SELECT * FROM $1"
	else
		call "SELECT * FROM $1" "SELECT ${2:-*} FROM $1;"
	fi
}

# found "CALL WHERE CONDITION": makes the exit status 1 if this query has a row
found()
{
	add 'SET client_min_messages = error;'
	called "SELECT EXISTS (SELECT FROM $1) AS cmig_found \\gset"
	found_if ":'cmig_found'::boolean"
}

# Makes the exit status 1 if the preceding statement returned rows.
found_rows() { found_if ':cmig_rows > 0'; }

found_if() { add "SELECT $1 AS cmig_found \\gset${newline}\\if :cmig_found${newline}\\warn 'cmig: found'${newline}\\endif"; }

# the call that look() performs before it shows rows
required=''

# look CALL [COLUMNS] [FOUND]: shows a function's rows, after the files were loaded.
# FOUND is the argument of found(), or "rows" to call found_rows().
look()
{
	find_files; begin; begin_look
	[ -z "$required" ] || perform "$required"
	rows "$1" "${2:-*}"
	case ${3:-} in
		'') ;;
		rows) found_rows ;;
		*) found "$3" ;;
	esac
	end_look
	run page
}

# argument NAME [DEFAULT]: sets a psql variable to the first argument.  An empty
# argument, such as "$unset" in a script, does not become the default.
argument() { variable "$1" "${arguments[0]-${2:-}}"; }

# Runs a verb that is in the table LOOKS.
look_up()
{
	local line name default call shown found

	while IFS= read -r line; do
		fields "$line" name default call shown found
		[ "$(tr '[:upper:]' '[:lower:]' <<<"$name")" = "$verb" ] || continue
		[[ $call != *:\'argument\'* ]] || argument argument "$default"
		if [ "$name" = "$verb" ]; then
			look "$call" "$shown" "$found"
		else
			begin; rows "$call" "$shown"
			[ "$found" != rows ] || found_rows
			run page
		fi
		return
	done <<<"$LOOKS"
}

# Reads triples of name, text, and hint from standard input, and shows them as lines.
# Wraps text between words, but not statements, so that they can be pasted.
items()
{
	local name text hint line

	while IFS= read -r -d '' name && IFS= read -r -d '' text && IFS= read -r -d '' hint; do
		visible "$name"; name=$VISIBLE
		visible "$text"
		printf '%s\t%s\n' "$name" "$VISIBLE"
		[ -n "$hint" ] || continue
		while IFS= read -r line; do
			typed "$line"
			visible "$TYPED"
			printf '\t-> %s\n' "$VISIBLE"
		done <<<"$hint"
	done | awk -v columns="$columns" -F '\t' '
		{
			line = sprintf("%-*s", 20, $1 == "" ? "" : $1 " ")
			count = split($2, words, " ")
			whole = $2 ~ /^-> ([A-Z]+ [A-Z* ]|cmig )/
			for (i = 1; i <= count; i++) {
				if (i > 1 && !whole && length(line " " words[i]) > columns) {
					print line
					line = sprintf("%*s", $1 == "" ? 23 : 20, "") words[i]
				} else
					line = line (i > 1 ? " " : "") words[i]
			}
			print line
		}' | page
}

# look_items CALL COLUMNS [FOUND [COMMAND...]]: does the same as look, but shows lines
# instead of a table.  The command can add statements to the script.
look_items()
{
	find_files; begin; begin_look; add_file_format
	call "SELECT * FROM $1" "SELECT $2 FROM $1;"
	add_plain
	[ -z "${3:-}" ] || found "$3"
	"${@:4}"
	end_look
	run items
}

# in_file SECTION LINE: sets IN_FILE to an SQL expression for the name of the file of the
# revision in the column "revision" and the line in it, or for NULL; LINE and SECTION, which
# is 1 for the upgrade, 2 for the downgrade, and 3 for the verify script, are expressions.
# In version 1.1, cmig.revision does not have these columns.
in_file()
{
	IN_FILE="(SELECT pg_catalog.concat(f.name, ':', f.first OPERATOR(pg_catalog.+) $2 OPERATOR(pg_catalog.-) 1) FROM (SELECT r.revision AS id,
	(SELECT file_name FROM (SELECT r.*) s) AS name, (SELECT file_lines[$1] FROM (SELECT r.*) s) AS first
	FROM cmig.revision r, (SELECT NULL::text AS file_name, NULL::integer[] AS file_lines) old) f WHERE f.id OPERATOR(pg_catalog.=) revision AND f.first OPERATOR(pg_catalog.>) 0)"
}

verb_locate()
{
	parameters
	look_items "cmig.locate(${PARAMETERS#, })" "revision, pg_catalog.concat(NULLIF(differences, 0), CASE differences WHEN 0 THEN 'no differences' WHEN 1 THEN ' difference' ELSE ' differences' END, '; ' || pg_catalog.replace(examples, E'\\n', ', ')), hint"
}

verb_lint()
{
	local lint="cmig.lint(:'argument')"

	argument argument heads
	! given no-facts || lint="cmig.lint(:'argument', facts => false)"
	in_file 1 line
	look_items "$lint" "revision, pg_catalog.concat_ws(': ', coalesce($IN_FILE, CASE WHEN line IS NOT NULL THEN pg_catalog.concat('line ', line) END), severity, pg_catalog.concat(message, ' (', rule, ')')), safe_rewrite" "$lint WHERE severity OPERATOR(pg_catalog.=) 'error'"
}

verb_preflight()
{
	argument argument head
	look_items "cmig.preflight(:'argument')" "item, pg_catalog.concat(severity, ': ', value), hint" "cmig.preflight(:'argument') WHERE severity OPERATOR(pg_catalog.=) 'error'" preflight_more
}

# An upgrade by a role that cannot load the files fails.
preflight_more()
{
	! given no-load && [ ${#files[@]} -gt 0 ] || return 0
	add '\if :cmig_stored'
	add_file_format
	add "SELECT 'privilege', pg_catalog.concat('error: role ', pg_catalog.quote_ident(current_user), ' cannot load the files: only what the database has was checked'),
	pg_catalog.format('SELECT * FROM cmig.grant_access(%L, %L)', current_user, 'author') WHERE NOT pg_catalog.current_setting('transaction_read_only')::boolean;
SELECT :ROW_COUNT AS cmig_rows \\gset"
	add_plain
	found_rows
	add '\endif'
}

# missing_item ITEM: adds a statement that returns an item about cmig_missing
missing_item() { add_file_format; add "SELECT '$1', $MISSING, $MISSING_HINT FROM (SELECT :'cmig_missing'::text[] AS m) missing WHERE m <> '{}';"; }

# An upgrade is not proposed if it would run a revision that has no file.
verb_status() { look_items 'cmig.status()' "item, value, CASE WHEN item OPERATOR(pg_catalog.<>) 'pending' OR :'cmig_missing' OPERATOR(pg_catalog.=) '{}' THEN hint END" '' missing_item 'no file'; }

verb_check() { look_items 'cmig.check()' "severity, pg_catalog.concat_ws(': ', object, problem), fix" "cmig.check() WHERE severity OPERATOR(pg_catalog.=) 'error'" check_more; }

# Reports pending revisions that have no file.  If there is a target, compares the schema
# with it.
check_more()
{
	missing_item warning
	given target || return 0
	add_plain
	target_sql
	parameters
	add '\set ON_ERROR_STOP off'
	perform "cmig.require_schema(:'target_sql'$PARAMETERS)"
	add "\\if :cmig_error${newline}\\warn 'cmig: found'${newline}\\endif${newline}\\set ON_ERROR_STOP on"
}

verb_graph()
{
	argument range "${option_rev_range:-base:heads}"
	variable format "${option_format:-text}"
	find_files; begin; begin_look; add_plain
	if [ "${option_format:-text}" = text ]; then
		call "SELECT * FROM cmig.graph(:'range', :'format')" \
			"SELECT CASE WHEN pg_catalog.length(line) OPERATOR(pg_catalog.>) $columns THEN pg_catalog.concat(pg_catalog.left(line, $((columns - 3))), '...') ELSE line END FROM cmig.graph(:'range', :'format');"
	else
		call "SELECT * FROM cmig.graph(:'range', :'format')"
	fi
	end_look
	run page
}

# The following verbs of the table LOOKS also have an option.
verb_history() { default_argument rev-range; look_up; }
verb_heads() { if given resolve-dependencies; then LOOKS=${LOOKS/cmig.heads()/cmig.heads() WHERE is_effective}; fi; look_up; }
# --check-heads compares with the files, which may contain a new head.
verb_current() { ! given check-heads || { LOOKS=${LOOKS/CURRENT;/current;} required='cmig.require()'; }; look_up; }

verb_round_trip() { [ ${#arguments[@]} -gt 0 ] || LOOKS=${LOOKS/"cmig.round_trip(:'argument')"/"cmig.round_trip()"}; look_up; }

verb_throttle()
{
	[[ ${arguments[1]} =~ ^([0-9]{1,9}|off)$ ]] || fail 2 'the limit must be a number of rows per second, or off'
	argument what
	variable rate "${arguments[1]}"
	begin
	rows "cmig.throttle(:'what', nullif(:'rate', 'off')::integer)"
	run page
}

# default_argument OPTION: uses the option's value if the verb has no argument
default_argument() { [ ${#arguments[@]} -gt 0 ] || ! given "$1" || arguments=("$(option "$1")"); }

# Sets DIRECTION and TARGET from the arguments.
direction()
{
	DIRECTION=upgrade
	case ${arguments[0]:-} in upgrade | downgrade) DIRECTION=${arguments[0]}; arguments=("${arguments[@]:1}") ;; esac
	[ ${#arguments[@]} -eq 1 ] || { [ ${#arguments[@]} -eq 0 ] && [ "$DIRECTION" = upgrade ] && arguments=(head); } || { usage_of "$verb"; exit 2; }
	targets "${arguments[0]}"
}

verb_plan()
{
	direction
	look "cmig.plan('$DIRECTION', $TARGET)" 'step, revision, transactional, irreversible, message, locks'
}

verb_script() { direction; show_script; }

verb_dry_run() { direction; show_dry_run; }

verb_require() { argument target heads; begin; perform "cmig.require(:'target')"; run; }

# Runs diff or drift.
verb_difference()
{
	local function shown='action, kind, object, change, hazard'

	parameters
	if [ "$verb" = diff ]; then
		target_sql
		function="cmig.diff(:'target_sql'$PARAMETERS)"
	else
		function="cmig.drift(raise => false$PARAMETERS)"
	fi
	begin
	if given sql; then
		add_plain
		shown="pg_catalog.concat(upgrade_sql, ';')"
	fi
	rows "$function" "$shown"
	found_rows
	run page
}

verb_report()
{
	local file=${arguments[0]:-} text

	begin
	add_plain
	call 'SELECT cmig.report()'
	if [ -z "$file" ]; then run; return; fi
	text=$(run) || return
	{ printf '%s\n' "$text" >"$file"; } 2>/dev/null || fail 2 "$file cannot be written"
}

verb_wait()
{
	local end output

	[[ ${option_timeout:=60} =~ ^[0-9]{1,9}$ ]] || fail 2 '--timeout must be a number of seconds'
	end=$((SECONDS + 10#$option_timeout))
	[ ${#arguments[@]} -eq 0 ] || argument target
	while :; do
		add 'SELECT 1 AS cmig_up \gset'
		[ ${#arguments[@]} -eq 0 ] || { begin; perform "cmig.require(:'target')"; }
		output=$(run 2>&1) && return 0
		script=''
		[ -z "$interrupted" ] || return 130
		[ $SECONDS -lt $end ] || break
		sleep 1
	done
	say "$output"
	fail 4 'the database was not ready in time'
}
