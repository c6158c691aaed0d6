# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# moves.bash
#	  The verbs that upgrade, downgrade, reset, or stamp a database.  Sourced by cmig.
#
# They use two sessions.  The first one loads the files, plans, and rolls back.  After
# the confirmation, the second one loads the files again and runs: in one transaction, or,
# before a stepwise run, committed.  So whatever ends cmig before the confirmation, no
# revision is stored that the user has not accepted.

# Sets what options mean for others.
check_options()
{
	! given statements-only || option_sql=1
	! given check-workload || settings=(cmig.workload_policy=error ${settings[@]+"${settings[@]}"})
}

# confirm QUESTION: exits with status 5 unless the answer is yes
confirm()
{
	local answer

	! given yes || return 0
	[ -t 0 ] && [ -t 2 ] || fail 5 "not confirmed: $1" 'Without a terminal, add --yes (-y).'
	trap 'say; exit 130' INT
	trap 'say; exit 143' TERM
	trap 'exit 129' HUP
	printf '%s' "$1 [y/N] " >&2
	read_line answer || say
	trap 'interrupted=1' INT
	[[ $answer == [yY]* ]] || fail 5 'nothing was changed'
}

# Begins the first session: a transaction that loads the files and returns records (see
# read_records) about what was added or changed, and about revisions without a file.
begin_ahead()
{
	local number name

	begin; add_file_format; begin_load
	[ ${#files[@]} -eq 0 ] || add "SELECT 'action', action, CASE WHEN pg_catalog.count(*) > 10
	THEN pg_catalog.count(*)::text || ' revisions' ELSE pg_catalog.string_agg(revision, ', ' ORDER BY n) END
FROM ROWS FROM (pg_catalog.unnest(:'cmig_loaded'::text[]), pg_catalog.unnest(:'cmig_actions'::text[]))
	WITH ORDINALITY AS loaded (revision, action, n)
WHERE action <> 'unchanged' GROUP BY action;"
	given no-load || { of_array kept; add "SELECT 'gone', '', revision FROM $OF_ARRAY ORDER BY 3;"; }
	for number in ${settings[@]+"${!settings[@]}"}; do
		[[ ${settings[number]%%=*} != @(tag|*.*) ]] || continue
		name="pg_catalog.substr(:'setting_name$((number + 1))', 10)"
		add "SELECT 'missing', 'no revision contains the name given with -x: ' || $name,
	'A script reads it as \${' || $name || '}, or with current_setting(''cmig_var.' || $name || ''')'
WHERE NOT EXISTS (SELECT FROM cmig.revision r WHERE pg_catalog.strpos(r::text, $name) > 0);"
	done
}

# end_ahead: ends the first session, and shows what it has found
end_ahead() { end_transaction ROLLBACK; look_ahead; }

# wrapped TEXT: prints the text, wrapped between words
wrapped() { fold -s -w "$columns" <<<"${1%"$newline"}" | sed 's/ *$//'; }

# Shows what was loaded.
say_loaded() { wrapped "$loaded" >&2; }

# Begins the second session: a transaction, in which the files are loaded again.
begin_again()
{
	[ -z "$loaded" ] || given quiet || say_loaded
	begin
	add 'SET LOCAL client_min_messages = error;'
	load_files
	add "SET LOCAL client_min_messages = $level;"
}

# add_plan DIRECTION TARGET: adds statements that return a plan as records: its steps,
# its checksum, and whether it needs a stepwise run
add_plan()
{
	[ "$1" = downgrade ] || require_heads
	shown "SELECT * FROM cmig.plan('$1', $2)"
	keep_plan "$1" "$2"
	[ "$1" = downgrade ] || require_planned
	add "SELECT 'missing', $MISSING, $MISSING_HINT $FROM_MISSING;
SELECT 'step', revision, message FROM $PLAN
UNION ALL SELECT DISTINCT 'stepwise', '', '' FROM $PLAN WHERE NOT transactional
UNION ALL SELECT DISTINCT 'checksum', '', plan_checksum FROM $PLAN;"
}

# keep_plan DIRECTION TARGET: keeps a plan, which the FROM item PLAN reads
keep_plan()
{
	kept plan "cmig.plan('$1', $2)" 'step integer' 'revision text' 'message text' 'transactional boolean' \
		'plan_checksum text'
	PLAN=$KEPT
}

# Adds a statement that raises an error if a target means all heads, but a head has no file.
require_heads()
{
	[[ " ${arguments[*]-} " =~ [\ @]heads?\  ]] || return 0
	of_array missing
	require_files "$OF_ARRAY"
}

# Adds a statement that raises an error if the plan, an upgrade, has a step without a file.
require_planned()
{
	require_files "(SELECT revision, -step AS n FROM $PLAN WHERE revision <> ALL (:'cmig_loaded'::text[])) steps"
}

# check_plan TARGET: adds statements that raise an error if an upgrade would run a revision
# that has no file
check_plan()
{
	! given no-load || return 0
	when "EXISTS (SELECT FROM cmig.revision WHERE revision <> ALL (:'cmig_loaded'::text[]))"
	add 'SET LOCAL client_min_messages = error;'
	keep_plan upgrade "$1"
	require_planned
	add "SET LOCAL client_min_messages = $level;$newline\\endif"
}

# Adds a statement that returns a record if the verb would wait for locks without limit.
add_limit()
{
	local forever="SELECT cmig.set_option(''cmig.lock_timeout'', ''5s'')"

	if [ -n "$engine_database" ]; then
		[ "$engine_limit" = 0 ] || return 0
		forever='in cmig.conf: lock_timeout = 5s'
	fi
	add "SELECT 'limit',
	'no lock_timeout is set: statements wait for locks without limit, and other sessions behind them', '$forever'
WHERE pg_catalog.current_setting('lock_timeout') = '0'
AND coalesce(pg_catalog.current_setting('cmig.lock_timeout', true), '0') = '0';"
}

# add_hazards TARGET...: adds statements that return what an upgrade would lose or
# block as records.  Errors that stop the upgrade before it runs anything are left out.
add_hazards()
{
	local target facts=''

	! given yes || return 0
	# an engine that has no copy of the tables
	[ -z "$engine_database" ] || [ -n "$copied" ] || facts=', facts => false'
	for target in "$@"; do
		keep hazards "cmig.lint($target$facts)" 'revision text' 'message text' 'severity text' 'rule text'
		add "SELECT 'hazard', revision, message FROM $KEPT
WHERE severity = 'error' AND rule !~ '^(syntax-error|transaction-nesting|requires-extension)\$';"
	done
}

# Shows the hazards of an upgrade that has steps, with an engine: as lint, in a copy of the schema, if
# there can be one.
engine_hazards()
{
	[ -n "$copied" ] || ! can_copy || { copied=1; copy_schema 1 && use_options || copied=''; }
	begin
	add_file_format
	add_hazards_and_limit
	end_ahead
}

add_hazards_and_limit() { add_hazards "${TARGETS[@]}"; given preflight || add_limit; }

# add_preflight TARGET...: adds statements that return what cmig.preflight warns about,
# and its hints, as records
add_preflight()
{
	local target

	given preflight || return 0
	for target in "$@"; do
		keep preflight "cmig.preflight($target)" 'item text' 'severity text' 'value text' 'hint text'
		add "SELECT v.kind, severity, v.text FROM $KEPT,
	LATERAL (VALUES (1, 'preflight', pg_catalog.concat(item, ': ', value)), (2, 'hint', hint)) v (number, kind, text)
WHERE severity <> 'notice' AND v.text IS NOT NULL ORDER BY n, v.number;"
	done
}

# Reads records from standard input: triples of kind, revision, and text.  Shows them,
# and sets steps, listed (lines for the first steps), stepwise, checksum, hazards, stops,
# place, and loaded, which describes what was loaded.  Returns the exit status in the last
# record.
steps=0 listed='' stepwise='' checksum='' hazards=0 stops=0 place='' loaded=''
read_records()
{
	local kind revision text line status=130 gone=0

	while IFS= read -r -d '' kind && IFS= read -r -d '' revision && IFS= read -r -d '' text; do
		[ "$kind" = hint ] || { visible "$text"; text=$VISIBLE; }
		case $kind in
			action) loaded+="$revision: $text$newline" ;;
			gone)
				gone=$((gone + 1))
				[ "$gone" -gt 10 ] || warning "revision \"$text\" is applied, but there is no file for it" ;;
			missing) visible "$revision"; warning "$VISIBLE" "$text" ;;
			limit)
				given quiet || say "$revision${newline}HINT:  To set a limit: cmig $verb -x cmig.lock_timeout=5s," \
					"or, for all runs:${newline}       $text" ;;
			step)
				steps=$((steps + 1))
				given verbose || [ ${#text} -le 70 ] || text=${text:0:67}...
				line="  $revision${text:+, $text}"
				given verbose || [ ${#line} -le "$columns" ] || line=${line:0:columns-3}...
				[ "$steps" -gt 20 ] || listed+=$line$newline ;;
			stepwise) stepwise=1 ;;
			place) place=$text ;;
			checksum) checksum=$text ;;
			preflight)
				[ "$revision" != error ] || stops=$((stops + 1))
				say "$yellow$(wrapped "$([ "$revision" = error ] && echo ERROR || echo WARNING):  $text")$plain" ;;
			hint)
				line='HINT:  '
				while IFS= read -r text; do visible "$text"; say "$line$VISIBLE"; line='       '; done <<<"$text" ;;
			hazard) hazards=$((hazards + 1)); say "$yellow$(wrapped "HAZARD:  $revision: $text")$plain" ;;
			pid) psql_started "$text" ;;
			status) status=$revision ;;
		esac
	done
	[ "$gone" -le 10 ] || warning "$((gone - 10)) more revisions are stored, but there are no files for them"
	return "$status"
}

# Runs a script that returns records, and reads them.  Ends cmig after an error.
look_ahead()
{
	local status text pid_record='pid\0\0%s\0'

	[ -z "$transaction" ] || end_transaction COMMIT
	text=$script script=''
	trap_signals terminate
	read_records < <(exec 4>&1; send "$text" cat; printf 'status\0%s\0\0' $?)
	status=$?
	psql_ended
	[ -z "$interrupted" ] || exit 130
	[ $status -eq 0 ] || exit $status
}

# The name of the database as an SQL expression.
CURRENT_DATABASE='pg_catalog.current_database()'

# Adds a statement that returns the database and the scope, for a question, as a record.
add_question()
{
	add "SELECT 'place', '', pg_catalog.concat_ws(', scope ', $CURRENT_DATABASE,
	NULLIF(pg_catalog.current_setting('cmig.scope', true), ''));"
}

# Adds a statement that prints the last line of a move: the current revisions.
prints_place=''
add_place()
{
	local where=$CURRENT_DATABASE

	[ -n "$transaction" ] || { begin_transaction "$level"; set_settings true; }
	! given scope || where+=" || ', scope ' || :'scope'"
	add_plain
	given quiet && return
	prints_place=1
	kept current 'cmig.current()' 'revision text'
	add "SELECT 'database ' || $where || ' is at ' ||
	coalesce(pg_catalog.string_agg(revision, ', ' ORDER BY revision), 'base') FROM $KEPT;"
}

# count_of NUMBER NOUN: prints, for example, "1 revision" or "2 revisions"
count_of()
{
	printf '%s %s' "$1" "$2"
	[ "$1" -eq 1 ] || printf s
}

# move DIRECTION: loads the files, plans, asks for confirmation, and upgrades or
# downgrades to TARGET
move()
{
	local options=''

	if [ -n "$engine_database" ] && given preflight; then
		[ ${#TARGETS[@]} -eq 1 ] || fail 2 'with an engine, --preflight can have only one target'
		engine_preflight "$TARGET" || return
	fi
	begin_ahead
	add_plan "$1" "$TARGET"
	when ":'cmig_plan' = '[]'"
	add "COMMIT;$newline\\else"
	if [ "$1" = upgrade ]; then
		add_preflight "${TARGETS[@]}"
		[ -n "$engine_database" ] && ! given yes || add_hazards_and_limit
	fi
	end_transaction ROLLBACK
	add '\endif'
	look_ahead
	[ "$steps" -gt 0 ] || { [ -z "$loaded" ] || given quiet || say_loaded; return 0; }
	[ -z "$engine_database" ] || [ "$1" = downgrade ] || given yes || engine_hazards
	[ "$stops" -eq 0 ] || fail 1 "preflight finds $(count_of "$stops" error); nothing was changed" 'cmig preflight'
	if ! given yes && { [ "$1" = downgrade ] || [ "$hazards" -gt 0 ]; }; then
		printf '%s' "$listed" >&2
		[ "$steps" -le 20 ] || say "  and $((steps - 20)) more"
	fi
	if [ "$1" = downgrade ]; then
		confirm "downgrade $(count_of "$steps" revision)?"
	elif [ "$hazards" -gt 0 ]; then
		confirm "upgrade $(count_of "$steps" revision), with $(count_of "$hazards" hazard)?"
	else
		checksum=''
	fi
	! given yes || checksum=''
	! given plan-checksum || checksum=$option_plan_checksum
	[ -z "$engine_database" ] || { engine_move "$1" "$TARGET"; return; }
	[ -z "$checksum" ] || { variable checksum "$checksum"; options=", plan_checksum => :'checksum'"; }
	begin_again; choose_move "$1" "$TARGET" "$options"; add_place
	run
}

# choose_move FUNCTION ARGUMENTS OPTIONS: adds the call of a function or, if the plan
# has steps that cannot run in a transaction, of its stepwise procedure.  Revisions that
# another session has stored in the meantime are refused, too.
choose_move()
{
	local options=$3

	! given one-transaction || stepwise=''
	! given stepwise || stepwise=1
	if [ -n "$stepwise" ]; then
		! given in-doubt || { variable in_doubt "$option_in_doubt"; options+=", in_doubt => :'in_doubt'"; }
		[ "$1" != upgrade ] || check_plan "$2"
		procedure "CALL cmig.$1_stepwise($2$options)"
	else
		keep moved "cmig.$1($2$options)" 'step integer' 'revision text'
		[ "$1" != upgrade ] || { PLAN=$KEPT; require_planned; }
		end_transaction COMMIT
	fi
}

# targets WORD...: sets TARGET to an SQL expression for all targets, and the array
# TARGETS to an expression for each one
TARGET='' TARGETS=()
targets()
{
	local number

	if [ $# -eq 1 ]; then
		variable target "$1"
		TARGET=":'target'" TARGETS=(":'target'")
	else
		list target "$@"
		TARGET=$LIST TARGETS=()
		for ((number = 1; number <= $#; number++)); do TARGETS+=(":'target$number'"); done
	fi
}

# Runs upgrade or downgrade.
verb_move()
{
	check_options
	[ "$verb" = downgrade ] || [ ${#arguments[@]} -gt 0 ] || arguments=(head)
	targets "${arguments[@]}"
	if given scopes; then
		run_scopes
	elif given sql; then
		DIRECTION=$verb
		show_script
	elif given dry-run; then
		DIRECTION=$verb
		show_dry_run
	else
		find_files
		move "$verb"
	fi
}

# Adds statements that raise an error if no schema matches, or if one of the schemas has
# not applied a revision that the upgrade would run, but that has no file.  Schemas with
# the same version rows are alike.
require_scope_files()
{
	local range="'base:heads'"

	require_match
	! given no-load || return 0
	[[ ${arguments[0]} == *+* || ${arguments[0]} =~ (^|@)heads?$ ]] || range="'base:', $TARGET"
	when ":'cmig_missing' <> '{}' OR :'cmig_kept' <> '{}'"
	add "SELECT coalesce(pg_catalog.array_agg(scope), '{}') AS cmig_scopes
FROM (SELECT DISTINCT ON (v.rows) n.nspname::text AS scope FROM (SELECT nspname FROM $MATCHING) n
	LEFT JOIN (SELECT scope::text, pg_catalog.array_agg(revision::text ORDER BY revision::text) AS rows
		FROM cmig.scope_version GROUP BY 1) v ON v.scope = n.nspname::text) d \\gset"
	called "SELECT coalesce(pg_catalog.array_agg(DISTINCT h.revision), '{}') AS cmig_pending
FROM (SELECT pg_catalog.set_config('cmig.scope', scope, true) AS scope
	FROM pg_catalog.unnest(:'cmig_scopes'::pg_catalog.text[]) AS u (scope) OFFSET 0) s
CROSS JOIN LATERAL cmig.history(pg_catalog.concat($range,
	CASE WHEN s.scope OPERATOR(pg_catalog.=) '' THEN s.scope END)) h
WHERE NOT h.applied \\gset"
	of_array pending
	require_files "$OF_ARRAY WHERE revision = ANY (:'cmig_missing'::text[]) OR revision = ANY (:'cmig_kept'::text[])"
	add '\endif'
}

# Runs upgrade or downgrade --scopes: in one session, or with --jobs or --stepwise in several, in which
# each scope is a run of its own.  The revisions of an upgrade are linted in the scope with the most
# pending revisions, if there is one.
run_scopes()
{
	local name options='' limit='' several=''

	! given stepwise && ! typed jobs || several=1
	for name in scope sql dry-run one-transaction plan-checksum $([ -n "$several" ] || echo in-doubt); do
		exclude "$name" scopes
	done
	! typed databases || fail 2 '--scopes cannot be used with --scope or --databases'
	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'scopes can have only one target'
	check_first
	[[ -z $several || -z ${option_first+set} || ${arguments[0]##*@} != [-+]* ]] ||
		fail 2 "--first cannot be used with the relative target ${arguments[0]}" \
			'The next call would begin with the same schemas again.'
	[ "$option_max_failures" = 0 ] || options=", max_failures => $option_max_failures"
	! given first || limit=", first => $option_first"
	begin_with
	! given begin-with || limit+=", begin_with => $BEGIN_WITH"
	variable scopes "$option_scopes"
	find_files; begin_ahead
	if [ "$verb" = downgrade ]; then
		add_question
		require_match
	else
		require_scope_files
	fi
	if [ "$verb" = upgrade ] && ! given yes; then
		kept scopes 'cmig.scopes()' 'scope text' 'pending integer'
		add "SELECT pg_catalog.set_config('cmig.scope', coalesce((SELECT scope FROM $KEPT
	WHERE scope LIKE :'scopes' AND pending > 0 ORDER BY pending DESC, scope LIMIT 1), ''), true) AS cmig_linted \\gset"
		when ":'cmig_linted' <> ''"
		add_hazards "${TARGETS[@]}"
		add '\endif'
	fi
	[ -n "$several" ] || [ "$verb" = downgrade ] || add_limit
	[ -z "$several" ] || add_longest_plan
	end_ahead
	[ "$verb" = upgrade ] ||
		confirm "downgrade the schemas like $option_scopes of the database $place to ${arguments[0]}?"
	[ "$hazards" -eq 0 ] || confirm "upgrade all schemas like $option_scopes, with $(count_of "$hazards" hazard)?"
	if [ -n "$several" ]; then
		! given stepwise || stepwise=1
		[ -z "$loaded" ] || given quiet || say_loaded
		in_databases scope
		return
	fi
	begin_again
	procedure "CALL cmig.${verb}_scopes(:'scopes', $TARGET$options$limit)"
	[ -z "$options" ] || found "cmig.scopes() WHERE scope OPERATOR(pg_catalog.~~) :'scopes' AND failed IS NOT NULL"
	run
}

# Adds statements that return as a record whether the longest of the plans needs a stepwise run.
add_longest_plan()
{
	local order=''

	[ "$verb" = downgrade ] || order='DESC NULLS FIRST'
	kept scopes 'cmig.scopes()' 'scope text' 'pending integer'
	name=$KEPT
	kept names "cmig.plan_scopes('$verb', $TARGET, :'scopes', $BEGIN_WITH)" 'plan_scopes text'
	add "SELECT pg_catalog.set_config('cmig.scope', coalesce((SELECT plan_scopes FROM $KEPT LEFT JOIN $name
	ON scope = plan_scopes ORDER BY pending $order, names.n LIMIT 1), ''), true) AS cmig_planned \\gset"
	when ":'cmig_planned' <> ''"
	keep_plan "$verb" "$TARGET"
	add "SELECT DISTINCT 'stepwise', '', '' FROM $PLAN WHERE NOT transactional;"
	[ "$verb" = downgrade ] || add_limit
	add '\endif'
}

verb_create_scope()
{
	argument schema
	variable target "${arguments[1]:-head}"
	parameters
	find_files; begin_ahead; end_ahead
	begin_again
	keep created "cmig.create_scope(:'schema', :'target'$PARAMETERS)" 'revision text' 'message text'
	# the new schema is rolled back if a revision has no file
	require_files "(SELECT revision, -n AS n FROM $KEPT WHERE revision <> ALL (:'cmig_loaded'::text[])) c"
	end_transaction COMMIT
	add "SELECT $KEPT_COLUMNS FROM $KEPT;"
	run
}

verb_rename_scope()
{
	argument schema
	variable new_name "${arguments[1]}"
	begin; perform "cmig.rename_scope(:'schema', :'new_name')"
	run
}

verb_drop_scope()
{
	argument schema
	[ -n "${arguments[0]}" ] || fail 2 'drop-scope requires the name of a schema'
	begin; add_file_format; add_question; look_ahead
	confirm "drop the schema ${arguments[0]} of the database $place, and everything in it?"
	begin; perform "cmig.drop_scope(:'schema', confirm => :'schema')"
	run
}

show_script()
{
	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'a script can have only one target'
	# a script that starts from this database is for this database
	if [ -n "$engine_database" ]; then
		default_option version-table cmig_engine.version
	elif [[ ${arguments[0]} != *:* || ${arguments[0]} == current:* ]]; then
		default_option version-table cmig.version
	fi
	! given statements-only || unset option_version_table
	parameters
	! given stepwise || PARAMETERS+=', transaction_per_revision => true'
	! given statements-only || PARAMETERS+=', version_table => NULL'
	find_files
	if [ -n "$engine_database" ] && [[ ${arguments[0]} != *:* ]]; then
		option_sql=1
		{ given statements-only || adopt; } && add_recording "$DIRECTION" "$TARGET" || return
	fi
	begin; begin_load
	[ -z "$engine_database" ] || require_same_kind
	[ "$DIRECTION" = downgrade ] || require_script
	add_plain
	call "SELECT cmig.script('$DIRECTION', $TARGET$PARAMETERS)"
	end_transaction ROLLBACK
	run
}

# Adds statements that raise an error if a script would upgrade pending revisions without
# a file.  The target can be a range.
require_script()
{
	if [[ ${arguments[0]} == *:* ]]; then
		when ":'cmig_missing' <> '{}'"
		kept history "cmig.history($TARGET)" 'revision text'
		require_files "$KEPT WHERE revision = ANY (:'cmig_missing'::text[])"
		add '\endif'
	else
		require_heads
		check_plan "$TARGET"
	fi
}

# The exit status is 1 if a statement that was tried failed.
show_dry_run()
{
	local call="cmig.dry_run('$DIRECTION', $TARGET)" command=items

	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'a dry run can have only one target'
	find_files
	begin; begin_load
	[ "$DIRECTION" = downgrade ] || require_script
	if given verbose; then
		command=page
		add '\x on'
		keep items "$call" 'step integer' 'revision text' 'statement integer' 'line integer' 'command text' \
			'rows bigint' 'elapsed interval' 'locks text' 'rewrites text' 'scans text' 'wal_bytes bigint' 'error text'
		add "SELECT ${KEPT_COLUMNS//,/, } FROM $KEPT;"
	else
		lines "$call" "dry-run $DIRECTION"
	fi
	found_if "pg_catalog.jsonb_path_exists(:'cmig_items',
	'\$[*].error ? (@ like_regex \"^.\" && !(@ like_regex \"^not tried:|An earlier statement was not tried[.]\$\"))')"
	end_transaction ROLLBACK
	run $command
}

# Adds a statement that raises an error if a pending revision without a file was recorded
# as applied.
require_stamped()
{
	kept history 'cmig.history()' 'revision text' 'applied boolean'
	require_files "$KEPT WHERE applied AND revision = ANY (:'cmig_missing'::text[])"
}

verb_stamp()
{
	local stamp

	targets "${arguments[@]}"
	parameters
	stamp="cmig.stamp($TARGET$PARAMETERS)"
	find_files
	if given sql && [ -z "$engine_database" ]; then
		begin; begin_load
		add_plain
		keep stamped "$stamp" 'revision text'
		add "SELECT pg_catalog.concat(E'BEGIN;\\nDELETE FROM cmig.version;\\n',
	pg_catalog.string_agg(pg_catalog.format(E'INSERT INTO cmig.version VALUES (%L);\\n', revision), ''), 'COMMIT;')
	AS cmig_script FROM $KEPT \\gset"
		require_stamped
		add "SELECT :'cmig_script';"
		end_transaction ROLLBACK
	else
		# with --scopes, the files have been loaded
		[ -n "$fed" ] || { begin_ahead; end_ahead; }
		[ -z "$engine_database" ] || { engine_stamp; return; }
		begin_again
		find_missing
		keep stamped "$stamp" 'revision text'
		require_stamped
		end_transaction COMMIT
		add_place
	fi
	run
}

# Adds a statement that raises an error if a reset would run a revision that is applied,
# but that has no file.
require_applied()
{
	given no-load && return
	kept history 'cmig.history()' 'revision text' 'applied boolean'
	require_files "$KEPT WHERE applied AND revision <> ALL (:'cmig_loaded'::text[])" 'to be run again' \
		"'Restore the file, or add its folder with --folder. To run what is stored: cmig reset --no-load'"
}

verb_reset()
{
	check_options
	find_files; begin_ahead; add_question
	check_plan "'heads'"
	require_applied
	add "SELECT DISTINCT 'stepwise', '', '' FROM cmig.revision WHERE NOT transactional;"
	end_ahead
	confirm "revert all revisions of the database $place, losing their data, and upgrade again?"
	[ -z "$engine_database" ] || { engine_move reset "'heads'"; return; }
	begin_again; require_applied; choose_move reset ":'DBNAME'" ''; add_place
	run
}

# Sets SCOPES to the arguments for --scopes and --max-failures.
scopes_argument()
{
	SCOPES=''
	if given scopes; then
		exclude scope scopes
		check_first
		variable scopes "$option_scopes"
		SCOPES=", scopes => :'scopes', max_failures => $option_max_failures"
	fi
}

# Loads the files as a stepwise upgrade does, and expands.
verb_expand()
{
	[ ${#arguments[@]} -gt 0 ] || arguments=(head)
	targets "${arguments[@]}"
	parameters
	scopes_argument
	find_files; begin_ahead
	require_heads
	add_limit
	end_ahead
	begin_again
	check_plan "$TARGET"
	procedure "CALL cmig.expand($TARGET$SCOPES$PARAMETERS)"
	run
}

# end_expansion QUESTION: asks about the revision that is expanded, and ends the expansion
end_expansion()
{
	scopes_argument
	begin; add_file_format
	given yes || given scopes || add "SELECT 'place', '', revision FROM cmig.expansion_run
WHERE scope OPERATOR(pg_catalog.=) coalesce(pg_catalog.current_setting('cmig.scope', true), '');"
	end_ahead
	! given scopes || place="of the scopes '$option_scopes'"
	[ -z "$place" ] || confirm "${1//%/$place}"
	begin
	procedure "CALL cmig.$verb(${SCOPES#, })"
	given scopes || add_place
	run
}

verb_contract()
{
	end_expansion 'give the tables the shape of revision %? Builds for the old shape fail afterwards: '\
'cmig expansion shows if they run.'
}

verb_abandon() { end_expansion 'remove the new version of revision %? Builds for the new shape fail afterwards.'; }

verb_abandon_partial()
{
	local confirmed=''

	argument revision
	if given yes; then
		variable confirmed "${arguments[0]}$(! given lose-data || echo ', losing data')"
		confirmed=", confirm => :'confirmed'"
	fi
	begin
	procedure "CALL cmig.abandon_partial(:'revision'$confirmed)"
	! given yes || add_place
	run
}
