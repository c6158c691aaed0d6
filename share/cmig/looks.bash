# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2153,SC2154,SC2034
#
# looks.bash
#	  The verbs that only show something, or that control a running backfill.  Sourced by cmig.

# the result columns that describe the state and the branch of a revision
STATE="pg_catalog.concat_ws(', ', CASE WHEN is_current THEN 'current' WHEN applied THEN 'applied' END,
	CASE WHEN is_head THEN 'head' END, CASE WHEN down_revision IS NULL THEN 'repeatable' END,
	CASE WHEN is_branchpoint THEN 'branchpoint' END, CASE WHEN is_mergepoint THEN 'mergepoint' END) AS state"
CURRENT_STATE="pg_catalog.concat_ws(', ', CASE WHEN is_head THEN 'head' END,
	CASE WHEN NOT known THEN 'not known' END) AS state"
BRANCH="pg_catalog.array_to_string(branch_labels, ', ') AS branch, message"
# a failed or unfinished run has its message in the column of the revision
LOGGED="pg_catalog.concat_ws(E'\\n', revision,
	CASE WHEN what OPERATOR(pg_catalog.~) 'fail|running|partial|end|expand' THEN message END) AS revision"

# Verbs that show the rows of one SQL function.  The fields are: the verb; its
# argument's default; the call, in which % stands for the verb's options; the columns to show,
# = for the lines of the server's screen, or + for them, but a table with -v; what makes the exit
# status 1: "rows" if there are any, "error" if one has this severity, or the argument of found();
# and, if the last column is a message that is shortened, the names of the others.  A verb
# after ! does not use the files.
LOOKS="history;base:heads;cmig.history(:'argument');revision, ${STATE//$newline/ }, message;;revision state
heads;;cmig.heads();revision, CASE WHEN is_current THEN 'current' END AS state, $BRANCH;;revision state branch
branches;;cmig.branches();revision, pg_catalog.array_to_string(children, E'\\n') AS children, message;;revision children
lint;heads;cmig.lint(:'argument'%);=;error
preflight;head;cmig.preflight(:'argument');=;error
locate;;cmig.locate(%);=;
show;;cmig.show(:'argument');+;
round-trip;;cmig.round_trip(:'argument');+;rows
verify;current;cmig.verify(:'argument');*;cmig.verify(:'argument') WHERE NOT ok
!current;;cmig.current();revision, ${CURRENT_STATE//$newline/ }, $BRANCH;;revision state branch
!scopes;;cmig.scopes();scope, pg_catalog.array_to_string(current, ', ') AS current, pending, failed;
!log;;cmig.log();at, what, ${LOGGED//$newline/ }, role, elapsed;
!pause;;cmig.pause(:'argument');*;
!resume-run;;cmig.resume_run(:'argument');*;"

# Sets NONE to what the verb shows in place of an empty table.
none()
{
	case $verb in
		history | heads) NONE='no revisions' ;;
		branches) NONE='no branches' ;;
		current) NONE='at base' ;;
		scopes) NONE='no scopes' ;;
		drift | scope-drift) NONE='no drift' ;;
		diff) NONE='no differences' ;;
		lint) NONE='no findings' ;;
		round-trip) NONE='no problems' ;;
		log) NONE='nothing was run' ;;
		verify) NONE='nothing to verify' ;;
		pause | resume-run | throttle) NONE='no backfills' ;;
		expansion) given verbose && NONE='nothing is expanded' || NONE='' ;;
		*) NONE='' ;;
	esac
}

# shortened NAME...: prints an SQL expression for the column "message", shortened so
# that a row with these other columns fits
shortened()
{
	local name width=$((columns - 2 - 3 * $#))

	for name; do
		width+=" OPERATOR(pg_catalog.-) GREATEST(${#name},
	coalesce(pg_catalog.max((SELECT pg_catalog.max(pg_catalog.length(l))
	FROM pg_catalog.regexp_split_to_table($name, E'\n') l)) OVER (), 0))"
	done
	short_text message "GREATEST(20, $width)"
}

# short_text COLUMN WIDTH: prints an SQL expression for the column, shortened to the width
short_text()
{
	printf '%s' "CASE WHEN pg_catalog.length($1) OPERATOR(pg_catalog.>) $2
	THEN pg_catalog.concat(pg_catalog.left($1, $2 OPERATOR(pg_catalog.-) 3), '...') ELSE $1 END AS $1"
}

# rows CALL [COLUMNS [NAMES]]: shows a function's rows as a table, with -v all columns
rows()
{
	local sent="SELECT ${2:-*} FROM $1"

	# shellcheck disable=SC2086	# words
	[ -z "${3:-}" ] || sent="SELECT ${3// /, }, $(shortened $3) FROM ($sent) shown"
	! given verbose || { add '\x on'; sent="SELECT * FROM $1"; }
	call "SELECT * FROM $1" "$sent;"
	mark_none
}

# Adds statements that mark that the preceding statement returned no rows, for table().
mark_none() { when ":'cmig_rows' = '0'"; add "\\echo 'cmig: none'$newline\\endif"; }

# Copies a table from standard input to standard output.  If it is empty, prints NONE
# instead.
table()
{
	local text

	none
	text=$(cat; echo x)
	if [[ -n $NONE && $text == *"cmig: none$newline"x ]]; then
		given sql && text=x || text=$NONE${newline}x
	fi
	if [[ $text == *"cmig: none$newline"x ]]; then text=${text%"cmig: none$newline"x}; else text=${text%x}; fi
	printf '%s' "$text" | page
}

# found "CALL WHERE CONDITION": makes the exit status 1 if this query has a row
found()
{
	add 'SET LOCAL client_min_messages = error;'
	called "SELECT EXISTS (SELECT FROM $1) AS cmig_found \\gset"
	found_if ":'cmig_found'::boolean"
}

# Makes the exit status 1 if the preceding statement returned rows.
found_rows() { found_if ":'cmig_rows' <> '0'"; }

# found_if CONDITION: makes the exit status 1 if the SQL condition is true
# shellcheck disable=SC2153	# MARK is set in session.bash
found_if() { when "$1"; add "\\warn 'cmig: found $MARK'$newline\\endif"; }

# the call that look() performs before it shows rows
required=''

# look CALL COLUMNS [FOUND [NAMES]]: shows a function's rows, after the files were loaded.  The
# arguments are as in LOOKS.  The function VERB_more can add statements that show more lines.
look()
{
	local shows=items

	[[ $2 == '=' || $2 == + ]] && { [ "$2" = '=' ] || ! given verbose; } || shows=table
	find_files; begin; begin_look
	[ -z "$required" ] || perform "$required"
	if [ $shows = items ]; then lines "$1" "$verb"; else rows "$1" "${2/#+/*}" "${4:-}"; fi
	case ${3:-} in
		'') ;;
		rows) found_rows ;;
		error) found_if "pg_catalog.jsonb_path_exists(:'cmig_items', '\$[*] ? (@.severity == \"error\")')" ;;
		*) found "$3" ;;
	esac
	[ $shows = table ] || ! declare -F "${verb}_more" >/dev/null || "${verb}_more"
	end_look
	run $shows
}

# argument NAME [DEFAULT]: sets a psql variable to the first argument.  An empty
# argument, such as "$unset" in a script, does not become the default.
argument() { variable "$1" "${arguments[0]-${2:-}}"; }

# Runs a verb that is in the table LOOKS.
look_up()
{
	local default call shown found others stored=''

	line_of "$verb" "$LOOKS" || { line_of "!$verb" "$LOOKS"; stored=1; }
	fields "$LINE" default call shown found others
	[[ $call != *:\'argument\'* ]] || argument argument "$default"
	parameters
	call=${call/"%"/"$PARAMETERS"}
	call=${call/"(, "/(}
	[ "$verb" != verify ] || [ -z "$engine_database" ] || { engine_verify; return; }
	[ "$verb" != preflight ] || [ -z "$engine_database" ] || engine_preflight ":'argument'" || return
	[ -n "$stored" ] || { look "$call" "$shown" "$found" "$others"; return; }
	begin; rows "$call" "$shown" "$others"
	[ "$found" != rows ] || found_rows
	run table
}

# Reads triples of name, text, and hint from standard input, and shows them as lines.
# Wraps text between words, but not statements, so that they can be pasted.  A hint that says what
# to do has a mark; a dry run and an expansion show a name that repeats once; the hints of show
# are scripts.
items()
{
	# the others also work if no file can be written
	if [ "$verb" = show ]; then from_file show_items; else show_items; fi
}

show_items()
{
	local name text hint line last='' mark='' once='' raw=''

	case $verb in
		status | check | lint | preflight | locate | scope-drift) mark='-> ' ;;
		upgrade | downgrade | dry-run | expansion) once=1 ;;
		show) raw=1 ;;
	esac
	while IFS= read -r -d '' name && IFS= read -r -d '' text && IFS= read -r -d '' hint; do
		visible "$name"; name=$VISIBLE
		[ -z "$once" ] || { [ "$name" != "$last" ] || VISIBLE=''; last=$name; name=$VISIBLE; }
		visible "$text"
		printf '%s\t%s\n' "$name" "$VISIBLE"
		[ -n "$hint" ] || continue
		while IFS= read -r line; do
			visible "$line"
			printf '\t%s%s\t1%s\n' "$mark" "$VISIBLE" "$raw"
		done <<<"$hint"
	done | LC_ALL=C awk -v columns="$columns" -F '\t' '
		# characters, not bytes
		function width(s) { gsub(/[\200-\277]/, "", s); return length(s) }
		{
			name[NR] = $1; text[NR] = $2; hint[NR] = $3
			if (width($1) < 36 && width($1) + 1 > indent) indent = width($1) + 1
		}
		END {
			if (indent < 20) indent = 20
			for (n = 1; n <= NR; n++) {
				line = name[n] == "" ? "" : name[n] " "
				line = line sprintf("%*s", indent - width(line), "")
				if (hint[n] == 11) {
					print text[n] == "" ? "" : "    " text[n]
					continue
				}
				whole = text[n] ~ /^-> ([A-Z]+ ([A-Z* ]|cmig\.)|cmig )/
				if (hint[n] && text[n] !~ /^->/) line = line "   "
				count = split(text[n], words, " ")
				comment = ""
				for (i = 1; i <= count; i++) {
					# a comment after a command can be on lines of its own
					if (words[i] == "#") comment = "# "
					# and so can a command at the end of a sentence
					apart = i > 1 && words[i] == "cmig" && words[i - 1] ~ /:$/
					for (k = i; apart && k <= count; k++) apart += width(words[k]) + 1
					if (apart && width(line) + apart > columns && !comment) {
						print line
						line = sprintf("%*s", indent + 3, "") words[i]
						whole = 1
						continue
					}
					if (words[i] == "#")
						full = indent + width(text[n]) > columns
					else
						full = (!whole || comment) && words[i - 1] != "cmig" && width(line " " words[i]) > columns
					if (i > 1 && full) {
						print line
						line = sprintf("%*s", indent + (hint[n] ? 3 : 0), "") (words[i] == "#" ? "" : comment) words[i]
					} else
						line = line (i > 1 ? " " : "") words[i]
				}
				sub(/ +$/, "", line)
				print line
			}
		}' | page
}

# screen NAME ROWS [EXPRESSION]: adds statements that show the rows that kept() has kept as
# lines of the server's screen with this name.  The extension of version 1.1 has no screens.
screen()
{
	add "SELECT pg_catalog.to_regprocedure('cmig.screen(text,jsonb)') IS NOT NULL AS cmig_screens \\gset
\\if :cmig_screens"
	called "SELECT ${3:-*} FROM cmig.screen('$1', :'cmig_$2');"
	add "\\else
\\warn 'HINT:  For the lines of this version of cmig: ALTER EXTENSION pg_cmig UPDATE'
SELECT key, value, '' FROM pg_catalog.jsonb_array_elements(:'cmig_$2') AS r (r), pg_catalog.jsonb_each_text(r);
\\set cmig_rows :ROW_COUNT
\\endif"
}

# lines CALL SCREEN: adds statements whose output items() shows.  If rows_of is set, these rows are
# shown in place of those of the call.
rows_of=''
lines()
{
	shown "SELECT * FROM $1"
	kept items "${rows_of:-$1}"
	add_file_format
	screen "$2" items
	none
	[ -z "$NONE" ] || add "SELECT '$NONE', '', '' WHERE :'cmig_rows' = '0';"
	add_plain
}

verb_workload_check()
{
	local check="cmig.workload_check(:'argument'" queries stats

	argument argument head
	if given queries; then
		read_text queries "$option_queries"
		variable queries "$queries"
		check+=", ARRAY[:'queries']"
	fi
	if given workload; then
		variable workload "$option_workload"
		check+=", workload => :'workload'"
	fi
	if given stats; then
		read_text stats "$option_stats"
		[[ $stats == \[*\] ]] || fail 2 "$option_stats is not what cmig stats-export has printed"
		variable stats "$stats"
		check+=", stats => :'stats'"
	fi
	check+=')'
	find_files; begin; begin_look
	keep items "$check"
	! given queries || need "pg_catalog.jsonb_array_length(:'cmig_items') OPERATOR(pg_catalog.>) 0" \
		"'the file has no queries'" \
		"'A statement ends at a semicolon, such as: SELECT name FROM person WHERE id = \$1;'" invalid_parameter_value
	# a query breaks, or none of those that have a plan was judged
	found_if "pg_catalog.jsonb_path_exists(:'cmig_items', '\$[*] ? (@.verdict == \"breaks\")')
	OR pg_catalog.jsonb_path_exists(:'cmig_items', '\$[*] ? (@.sqlstate != \"0A000\")')
	AND NOT pg_catalog.jsonb_path_exists(:'cmig_items', '\$[*] ? (@.verdict != \"not_judged\")')"
	if given json; then
		add_plain
		add "SELECT pg_catalog.jsonb_pretty(:'cmig_items'::jsonb);"
		run
		return
	fi
	add_file_format
	screen workload-check items
	add "SELECT 'no query changes', '', '' WHERE :'cmig_rows' = '0';"
	add_plain
	end_look
	run items
}

# The comments before the queries are what cmig.workload_check reads.  A role of level
# monitor cannot see the queries.
verb_workload_save()
{
	argument name
	begin; add_plain
	perform "cmig.workload_save(:'name')"
	when "pg_catalog.has_table_privilege('cmig.workload', 'SELECT')"
	add "SELECT pg_catalog.concat('-- calls: ', calls, ', role: ' || pg_catalog.translate(role, E'\r\n', ''),
	E'\n', query, CASE WHEN pg_catalog.strpos(query, '--') > 0 THEN E'\n' END, E';\n')
FROM cmig.workload WHERE name = :'name' ORDER BY number;$newline\\endif"
	run
}

# A row has a line, so that a new file can be compared with an old one.
verb_stats_export()
{
	local export='cmig.stats_export()'

	! given values || export='cmig.stats_export(true)'
	begin; add_plain
	kept stats "$export"
	add "SELECT pg_catalog.concat('[',
	pg_catalog.string_agg(pg_catalog.jsonb_strip_nulls(s)::text, E',\n' ORDER BY n), ']')
FROM pg_catalog.jsonb_array_elements(:'cmig_stats'::jsonb) WITH ORDINALITY AS e (s, n);"
	run
}

# An upgrade by a role that cannot load the files fails.
preflight_more()
{
	! given no-load && [ ${#files[@]} -gt 0 ] || return 0
	add '\if :cmig_stored'
	add_file_format
	add "SELECT 'privilege', pg_catalog.concat('error: role ', pg_catalog.quote_ident(current_user),
		' cannot load the files: only what the database has was checked'),
	pg_catalog.format('SELECT * FROM cmig.grant_access(%L, %L)', current_user, 'author')
WHERE NOT pg_catalog.current_setting('transaction_read_only')::boolean;
SELECT :ROW_COUNT AS cmig_rows \\gset"
	add_plain
	found_rows
	add '\endif'
}

# missing_item ITEM: adds statements that return items about cmig_missing and cmig_kept
missing_item()
{
	add_file_format
	add "SELECT '$1', $MISSING, $MISSING_HINT $FROM_MISSING;
SELECT '$1', ${MISSING// pending,/ applied,}, $KEPT_HINT ${FROM_MISSING/cmig_missing/cmig_kept};"
}

# An upgrade is not proposed if it would run a revision that has no file.
verb_status()
{
	local status='cmig.status()' activity=''

	if [ -n "$engine_database" ]; then
		# these are about the engine, or about what the run in progress repeats
		status+=" WHERE item OPERATOR(pg_catalog.<>) ALL (ARRAY['pending written by', 'failed runs'"
		[ "$engine_running" = f ] || status+=", 'failed', 'interrupted'"
		status+='])'
		variable activity "$engine_activity"
		activity=" UNION ALL SELECT * FROM pg_catalog.jsonb_to_recordset(:'activity'::pg_catalog.jsonb)
	AS activity (item pg_catalog.text, value pg_catalog.text, hint pg_catalog.text)"
	fi
	rows_of="(SELECT item, value, CASE WHEN item OPERATOR(pg_catalog.<>) 'pending'
	OR :'cmig_missing' OPERATOR(pg_catalog.=) '{}' THEN hint END AS hint FROM $status$activity) status"
	look "$status" =
}

status_more() { missing_item 'no file'; }

verb_check()
{
	local check='cmig.check()' worst=0 status

	if given ci; then
		unset option_ci
		for verb in check lint round-trip; do
			printf '== %s ==\n' "$verb"
			names=() values=()
			dispatch
			status=$?
			[ $status -le $worst ] || worst=$status
			# an error, such as files that cannot be loaded, which all would report
			[ $status -lt 3 ] || break
		done
		return $worst
	fi
	! given rehearse || check='cmig.check(rehearse => true)'
	# without the schema, cmig.lint takes all tables for large
	[ -z "$engine_database" ] || [ -n "$copied" ] || check="(SELECT severity, object,
	CASE WHEN object OPERATOR(pg_catalog.=) 'lint' THEN
		pg_catalog.concat(problem, '; the tables were not read, and count as large') ELSE problem END AS problem,
	CASE WHEN object OPERATOR(pg_catalog.=) 'lint' THEN pg_catalog.concat(fix, ' --no-facts') ELSE fix END AS fix
FROM $check) c"
	# these are about the engine
	[ -z "$engine_database" ] || check+=" WHERE object OPERATOR(pg_catalog.!~) '^(role |pg_dump$)'"
	look "$check" = error
}

# Reports pending and applied revisions that have no file, and files that psql would run.  If
# there is a target, compares the schema with it.
check_more()
{
	local unguarded

	missing_item warning
	[ ${#files[@]} -eq 0 ] ||
		unguarded=$(printf '%s\0' "${files[@]}" | xargs -0 grep -LE '^\\echo .* \\quit[[:space:]]*$' --)
	if [ -n "${unguarded:-}" ]; then
		variable unguarded "$(sed -n '4s/.*/.../; 1,4p' <<<"$unguarded" | paste -sd , - | sed 's/,/, /g')"
		variable guard '\echo Use "cmig upgrade" to run this file. \quit'
		add "SELECT 'notice', 'psql -f would run upgrade and downgrade of ' || :'unguarded' ||
	'; put this line after the header', :'guard';"
	fi
	given target || return 0
	add_plain
	target_sql
	parameters rehearse
	add '\set ON_ERROR_STOP off'
	perform "cmig.require_schema(:'target_sql'$PARAMETERS)"
	add "\\if :cmig_error${newline}\\warn 'cmig: found $MARK'${newline}\\endif${newline}\\set ON_ERROR_STOP on"
}

verb_graph()
{
	argument range "${option_rev_range:-base:heads}"
	variable format "${option_format:-text}"
	find_files; begin; begin_look; add_plain
	if [ "${option_format:-text}" = text ] && ! given verbose; then
		shown "SELECT * FROM cmig.graph(:'range', :'format')"
		called "SELECT $(short_text line "$columns") FROM cmig.graph(:'range', :'format');"
	else
		call "SELECT * FROM cmig.graph(:'range', :'format')"
	fi
	end_look
	run page
}

# The following verbs of the table LOOKS also have an option.
verb_history() { default_argument rev-range; look_up; }
verb_heads()
{
	! given resolve-dependencies || LOOKS=${LOOKS/cmig.heads()/cmig.heads() WHERE is_effective}
	look_up
}

# With -v, shows the journal, because cmig.log cuts messages.
verb_log()
{
	local limit='' journal

	[[ ${option_limit:=20} =~ ^[0-9]{1,9}$ ]] || fail 2 '--limit must be a number'
	[ "$((10#$option_limit))" -eq 0 ] || limit=" LIMIT $((10#$option_limit))"
	LOOKS=${LOOKS/cmig.log()/"cmig.log()$limit"}
	given verbose || { look_up; return; }
	begin
	journal="SELECT * FROM cmig.journal WHERE scope = coalesce(current_setting('cmig.scope', true), '') "
	journal+="ORDER BY id DESC$limit"
	shown "$journal"
	add "\\x on$newline$journal;$newline\\set cmig_rows :ROW_COUNT"
	mark_none
	run table
}

# A revision is a head only if no file follows it.  But the files are not required.
verb_current()
{
	! given check-heads || required='cmig.require()'
	[ ! -d "${folders[0]}" ] && [ -z "$required" ] || LOOKS=${LOOKS/!current;/current;}
	look_up
}

verb_round_trip() { [ ${#arguments[@]} -gt 0 ] || LOOKS=${LOOKS/round_trip(:\'argument\')/round_trip()}; look_up; }

# differences CALL SCREEN: shows differences as lines, or with -v as a table
differences()
{
	if given verbose; then rows "$1"; else lines "$1" "$2"; fi
	found_rows
	[ -z "$reference" ] || end_transaction ROLLBACK
	if given verbose; then run table; else run items; fi
}

verb_scope_drift() { begin; differences 'cmig.scope_drift()' scope-drift; }

verb_expansion()
{
	begin
	if given verbose; then rows 'cmig.expansion()'; run table; return; fi
	lines 'cmig.expansion()' expansion
	kept state "cmig.expansion_run
	WHERE scope OPERATOR(pg_catalog.=) coalesce(pg_catalog.current_setting('cmig.scope', true), '')"
	add_file_format
	screen 'expansion state' state
	add "SELECT 'nothing is expanded', '', '' WHERE :'cmig_rows' = '0';"
	run items
}

verb_throttle()
{
	[[ ${arguments[1]} =~ ^([0-9]{1,9}|off)$ ]] || fail 2 'the limit must be a number of rows per second, or off'
	argument what
	begin
	rows "cmig.throttle(:'what', ${arguments[1]/off/NULL})"
	run table
}

# default_argument OPTION: uses the option's value if the verb has no argument
default_argument() { [ ${#arguments[@]} -gt 0 ] || ! given "$1" || arguments=("$(option "$1")"); }

# Sets DIRECTION and TARGET from the arguments.
direction()
{
	DIRECTION=upgrade
	case ${arguments[0]:-} in upgrade | downgrade) DIRECTION=${arguments[0]}; arguments=("${arguments[@]:1}") ;; esac
	[ ${#arguments[@]} -gt 0 ] || [ "$DIRECTION" = downgrade ] || arguments=(head)
	[ ${#arguments[@]} -eq 1 ] || refuse_arguments 'requires one revision'
	targets "${arguments[0]}"
}

verb_plan() { direction; look "cmig.plan('$DIRECTION', $TARGET)" +; }

# Adds statements that show what an upgrade loses or blocks.
plan_more()
{
	[ "$DIRECTION" = upgrade ] || return 0
	shown "SELECT * FROM cmig.lint($TARGET)"
	kept hazards "cmig.lint($TARGET) WHERE severity OPERATOR(pg_catalog.=) 'error'"
	add_file_format
	screen hazards hazards
	add_plain
}

verb_script() { direction; show_script; }

verb_dry_run() { direction; show_dry_run; }

verb_require() { argument target heads; begin; perform "cmig.require(:'target')"; run; }

# Begins a transaction, which is to be rolled back, and upgrades a new schema, "reference", to
# the revisions of the scope.  It is empty if the scope is at base.
reference=''
begin_reference()
{
	if [ -n "${PARAMETERS:-}" ] || given sql; then
		fail 2 'drift --scope has no other options' "In SQL: SELECT * FROM cmig.diff_schemas('<schema>', '<schema>')"
	fi
	reference=cmig_reference$fed
	variable tenant "$option_scope"
	variable reference "$reference"
	unset option_scope
	begin
	add "SELECT coalesce(pg_catalog.array_agg(revision ORDER BY revision), '{}') AS cmig_at FROM cmig.scope_version
WHERE scope OPERATOR(pg_catalog.=) :'tenant' \\gset
SELECT pg_catalog.set_config('cmig.concurrent_ddl', 'off', true) AS cmig_setting \\gset
SET LOCAL client_min_messages = warning;"
	called "SELECT pg_catalog.count(*) AS cmig_created FROM cmig.create_scope(:'reference', 'base') \\gset"
	when ":'cmig_at' <> '{}'"
	add "SELECT pg_catalog.set_config('cmig.scope', :'reference', true) AS cmig_setting \\gset"
	called "SELECT pg_catalog.count(*) AS cmig_created FROM cmig.upgrade(:'cmig_at'::pg_catalog.text[]) \\gset"
	add "SELECT pg_catalog.set_config('cmig.scope', '', true) AS cmig_setting \\gset$newline\\endif"
}

# Runs diff or drift.
verb_difference()
{
	local function screen=$verb

	parameters
	if [ "$verb" = diff ]; then
		target_sql
		function="cmig.diff(:'target_sql'$PARAMETERS)"
	else
		function="cmig.drift(raise => false$PARAMETERS)"
	fi
	if [ "$verb" = drift ] && given scope; then
		begin_reference
		function="cmig.diff_schemas(:'tenant', :'reference')"
		screen='drift --scope'
	else
		begin
	fi
	if ! given sql; then
		differences "$function" "$screen"
		return
	fi
	add_plain
	rows "$function" "pg_catalog.concat(upgrade_sql, ';')"
	found_rows
	run table
}

verb_report()
{
	local file=${arguments[0]:-} text

	begin
	add_plain
	call 'SELECT cmig.report()'
	if [ -z "$file" ]; then run; return; fi
	text=$(run) || return
	follow file "$file"
	if [ -e "$file" ] && { [ ! -f "$file" ] || [ -L "$file" ]; }; then
		# such as a pipe
		{ printf '%s\n' "$text" >"$file"; } 2>/dev/null
	else
		[ -d "$(dirname -- "$file")" ] && write_file "$file" "$text$newline"
	fi || fail 2 "${arguments[0]} cannot be written"
}

# Checks the value of --timeout, by default 60, which counts from when cmig began.
check_timeout()
{
	[[ ${option_timeout:=60} =~ ^[0-9]{1,9}$ ]] || fail 2 '--timeout must be a number of seconds'
	option_timeout=$((10#$option_timeout))
}

verb_wait()
{
	local output

	check_timeout
	[ ${#arguments[@]} -eq 0 ] || argument target
	while :; do
		add 'SELECT 1 AS cmig_up \gset'
		[ ${#arguments[@]} -eq 0 ] || { begin; perform "cmig.require(:'target')"; }
		output=$(run 2>&1) && return 0
		script=''
		[ -z "$interrupted" ] || return 130
		[ $SECONDS -lt "$option_timeout" ] || break
		sleep 1
		[ -z "$engine_database" ] || { read_target again; store_state; }
	done
	say "$output"
	fail 4 'the database was not ready in time'
}
