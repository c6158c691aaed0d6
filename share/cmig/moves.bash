# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# moves.bash
#	  The verbs that upgrade, downgrade, reset, or stamp a database.  They load the
#	  files, plan, ask for confirmation, and run.  Sourced by cmig.

# Fails if the options contradict each other.
check_options()
{
	! given one-transaction || ! given stepwise || fail 2 '--one-transaction cannot be used with --stepwise'
	! given one-transaction || ! given in-doubt || fail 2 '--in-doubt requires --stepwise'
	! given sql || ! given dry-run || fail 2 '--sql cannot be used with --dry-run'
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

# Adds statements that store the files and return records (see read_records): what
# was added or changed, and the revisions whose files are gone.
add_load()
{
	[ ${#files[@]} -gt 0 ] || return 0
	call "SELECT * FROM cmig.load(:'files')" "SELECT pg_catalog.array_agg(revision) AS cmig_loaded, pg_catalog.array_agg(action) AS cmig_actions FROM cmig.load(:'files') \\gset
SELECT 'action', action, CASE WHEN pg_catalog.count(*) > 10 THEN pg_catalog.count(*)::text || ' revisions' ELSE pg_catalog.string_agg(revision, ', ' ORDER BY number) END
FROM ROWS FROM (pg_catalog.unnest(:'cmig_loaded'::text[]), pg_catalog.unnest(:'cmig_actions'::text[])) WITH ORDINALITY AS loaded (revision, action, number)
WHERE action <> 'unchanged' GROUP BY action;
WITH RECURSIVE other AS MATERIALIZED (SELECT h.revision, h.down_revision, h.applied FROM cmig.history() h WHERE h.revision <> ALL (:'cmig_loaded'::text[])),
gone AS (SELECT o.* FROM other o WHERE o.down_revision && :'cmig_loaded'::text[] OR EXISTS (SELECT FROM cmig.revision r
	WHERE r.revision = ANY (:'cmig_loaded'::text[]) AND o.revision = ANY (r.down_revision))
UNION SELECT o.* FROM gone g, other o WHERE o.revision = ANY (g.down_revision) OR g.revision = ANY (o.down_revision))
SELECT 'gone', CASE WHEN applied THEN 'applied' ELSE 'pending' END, revision FROM gone ORDER BY 2, 3;"
}

# add_plan DIRECTION TARGET: adds a statement that returns a plan as records: its
# steps, its checksum, and whether it needs a stepwise run
add_plan()
{
	call "SELECT * FROM cmig.plan('$1', $2)" "WITH plan AS MATERIALIZED (SELECT * FROM cmig.plan('$1', $2))
SELECT 'step', revision, message FROM plan
UNION ALL SELECT DISTINCT 'stepwise', '', '' FROM plan WHERE NOT transactional
UNION ALL SELECT DISTINCT 'checksum', '', plan_checksum FROM plan;"
}

# add_hazards TARGET...: adds statements that return what an upgrade would lose or
# block as records.  Syntax errors are left out; the upgrade itself reports them.
add_hazards()
{
	local target

	! given yes || return 0
	for target in "$@"; do
		call "SELECT * FROM cmig.lint($target)" "SELECT 'hazard', revision, message FROM cmig.lint($target) WHERE severity = 'error' AND rule <> 'syntax-error';"
	done
}

# Reads records from standard input: triples of kind, revision, and text.  Shows them,
# and sets steps, stepwise, checksum, hazards, and place.  Returns the exit status in the
# last record.
steps=0 stepwise='' checksum='' hazards=0 place=''
read_records()
{
	local kind revision text status=130 gone=0 left=0 hint

	while IFS= read -r -d '' kind && IFS= read -r -d '' revision && IFS= read -r -d '' text; do
		visible "$text"
		text=$VISIBLE
		case $kind in
			action) given quiet || say "$revision: $text" ;;
			gone)
				gone=$((gone + 1)) hint=''
				if [ "$revision" = pending ]; then
					[ "$left" -gt 0 ] || hint="${newline}HINT:  To remove pending revisions that have no file: cmig load --prune"
					left=$((left + 1))
				fi
				[ "$gone" -gt 10 ] || say "${yellow}WARNING:  revision $text is $revision, but there is no file for it$plain$hint" ;;
			step)
				steps=$((steps + 1))
				[ ${#text} -le 70 ] || text=${text:0:67}...
				[ -z "$ask" ] || [ "$steps" -gt 20 ] || say "  $revision${text:+, $text}" ;;
			stepwise) stepwise=1 ;;
			place) place=$text ;;
			checksum) checksum=$text ;;
			hazard) hazards=$((hazards + 1)); say "${yellow}HAZARD:  $revision: $text$plain" ;;
			pid) psql_started "$text" ;;
			status) status=$revision ;;
		esac
	done
	[ "$gone" -le 10 ] || say "${yellow}WARNING:  $((gone - 10)) more revisions are stored, but there are no files for them$plain"
	return "$status"
}

# Runs a script that returns records, and reads them.  Ends cmig after an error.
look_ahead()
{
	local status text=$script pid_record='pid\0\0%s\0'

	script=''
	trap_signals terminate
	read_records < <(exec 4>&1; send "$text" cat; printf 'status\0%s\0\0' $?)
	status=$?
	psql_ended
	[ -z "$interrupted" ] || exit 130
	[ $status -eq 0 ] || exit $status
}

# Adds a statement that returns the database and the scope, for a question, as a record.
add_question() { add "SELECT 'place', '', pg_catalog.concat_ws(', scope ', pg_catalog.current_database(), NULLIF(pg_catalog.current_setting('cmig.scope', true), ''));"; }

# Adds a statement that prints the last line of a move: the current revisions.
add_place()
{
	local where='pg_catalog.current_database()'

	! given scope || where+=" || ', scope ' || :'scope'"
	add_plain
	given quiet || add "SELECT 'database ' || $where || ' is at ' || coalesce(pg_catalog.string_agg(revision, ', ' ORDER BY revision), 'base') FROM cmig.current();"
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

	[ "$1" = upgrade ] || ask=1
	[ ! -t 2 ] || given yes || ask=1
	begin; add_file_format; add_load; add_plan "$1" "$TARGET"
	[ "$1" = downgrade ] || add_hazards "${TARGETS[@]}"
	look_ahead
	files=()
	[ "$steps" -gt 0 ] || return 0
	if [ "$1" = downgrade ]; then
		confirm "downgrade $(count_of "$steps" revision)?"
	elif [ "$hazards" -gt 0 ]; then
		confirm "upgrade $(count_of "$steps" revision), with $(count_of "$hazards" hazard)?"
	else
		checksum=''
	fi
	! given yes || checksum=''
	! given plan-checksum || checksum=$option_plan_checksum
	[ -z "$checksum" ] || { variable checksum "$checksum"; options=", plan_checksum => :'checksum'"; }
	begin; choose_move "$1" "$TARGET" "$options"; add_place
	run
}

# choose_move FUNCTION ARGUMENTS OPTIONS: adds the call of a function or, if the plan
# has steps that cannot run in a transaction, of its stepwise procedure
choose_move()
{
	local options=$3

	! given one-transaction || stepwise=''
	! given stepwise || stepwise=1
	if [ -n "$stepwise" ]; then
		! given in-doubt || { variable in_doubt "$option_in_doubt"; options+=", in_doubt => :'in_doubt'"; }
		call "CALL cmig.$1_stepwise($2$options)"
	else
		call "SELECT * FROM cmig.$1($2$options)" "SELECT pg_catalog.count(*) AS cmig_moved FROM cmig.$1($2$options) \\gset"
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
		upgrade_scopes
	elif given max-failures; then
		fail 2 '--max-failures requires --scopes'
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

# Runs upgrade --scopes.  The revisions are linted in the scope with the most pending
# revisions, if there is one.
upgrade_scopes()
{
	local name options=''

	for name in scope sql dry-run stepwise one-transaction in-doubt plan-checksum; do
		! given "$name" || fail 2 "--$name cannot be used with --scopes"
	done
	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'scopes can have only one target'
	[[ ${option_max_failures:=0} =~ ^[0-9]{1,9}$ ]] || fail 2 '--max-failures must be a number'
	[ "$option_max_failures" = 0 ] || options=", max_failures => $option_max_failures"
	find_files; begin; variable scopes "$option_scopes"; add_file_format; add_load
	if ! given yes; then
		add "SELECT pg_catalog.set_config('cmig.scope', coalesce((SELECT scope FROM cmig.scopes() WHERE scope LIKE :'scopes' AND pending > 0
	ORDER BY pending DESC, scope LIMIT 1), ''), false) AS cmig_linted \\gset
SELECT :'cmig_linted' <> '' AS cmig_found \\gset
\\if :cmig_found"
		add_hazards "${TARGETS[@]}"
		add '\endif'
	fi
	look_ahead
	files=()
	[ "$hazards" -eq 0 ] || confirm "upgrade all schemas like $option_scopes, with $(count_of "$hazards" hazard)?"
	begin; variable scopes "$option_scopes"
	call "CALL cmig.upgrade_scopes(:'scopes', $TARGET$options)"
	[ -z "$options" ] || found "cmig.scopes() WHERE scope LIKE :'scopes' AND failed IS NOT NULL"
	run
}

verb_create_scope()
{
	local options=''

	argument schema
	variable target "${arguments[1]:-head}"
	find_files; begin; add_file_format; add_load
	look_ahead
	files=()
	begin
	if given copy-of; then
		variable copy_of "$option_copy_of"
		options=", copy_of => :'copy_of'"
	fi
	rows "cmig.create_scope(:'schema', :'target'$options)"
	run
}

verb_drop_scope()
{
	argument schema
	begin; add_file_format; add_question
	look_ahead
	confirm "drop the schema ${arguments[0]} of the database $place, and everything in it?"
	begin; perform "cmig.drop_scope(:'schema', confirm => :'schema')"
	run
}

show_script()
{
	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'a script can have only one target'
	parameters
	find_files; begin; begin_load; add_plain
	call "SELECT cmig.script('$DIRECTION', $TARGET$PARAMETERS)"
	add 'ROLLBACK;'
	run
}

# The exit status is 1 if a statement that was tried failed.  A setting records this,
# because a second query would run everything again.
show_dry_run()
{
	local listed='revision, statement, line, command, rows, locks, rewrites'
	local failed="error IS NOT NULL AND error NOT LIKE 'not tried:%' AND error NOT LIKE '%An earlier statement was not tried.'"
	local call="cmig.dry_run('$DIRECTION', $TARGET)"

	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'a dry run can have only one target'
	find_files; begin; begin_load
	if given verbose; then
		add '\x auto'
		listed='step, revision, statement, line, command, rows, elapsed, locks, rewrites, scans, wal_bytes'
	fi
	call "SELECT * FROM $call" "SELECT $listed, CASE WHEN $failed AND pg_catalog.set_config('cmig_var.failed', 't', true) = 't' THEN error ELSE error END AS error FROM $call;"
	found_if "coalesce(pg_catalog.current_setting('cmig_var.failed', true), '') = 't'"
	add 'ROLLBACK;'
	run page
}

verb_stamp()
{
	targets "${arguments[@]}"
	parameters
	find_files; begin
	if given sql; then
		begin_load
		add_plain
		add "SELECT 'BEGIN;' \\g${newline}SELECT 'DELETE FROM cmig.version;' \\g"
		call "SELECT * FROM cmig.stamp($TARGET$PARAMETERS)" "SELECT pg_catalog.format('INSERT INTO cmig.version VALUES (%L);', revision) FROM cmig.stamp($TARGET$PARAMETERS);"
		add "SELECT 'COMMIT;' \\g${newline}ROLLBACK;"
	else
		add_file_format; add_load
		look_ahead
		files=()
		begin
		call "SELECT * FROM cmig.stamp($TARGET$PARAMETERS)" "SELECT pg_catalog.count(*) AS cmig_stamped FROM cmig.stamp($TARGET$PARAMETERS) \\gset"
		add_place
	fi
	run
}


verb_reset()
{
	check_options
	find_files; begin; add_file_format; add_load; add_question
	add "SELECT DISTINCT 'stepwise', '', '' FROM cmig.revision WHERE NOT transactional;"
	look_ahead
	files=()
	confirm "revert all revisions of the database $place, losing their data, and upgrade again?"
	begin; choose_move reset ":'DBNAME'" ''; add_place
	run
}
