# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# moves.bash
#	  The verbs that move a database: load, plan, ask, run; sourced by cmig.

# confirm QUESTION: yes, or the exit status 5
confirm()
{
	local answer

	! given yes || return 0
	[ -t 0 ] && [ -t 2 ] || fail 5 "not confirmed: $1" 'Without a terminal, add --yes (-y).'
	IFS= read -r -p "$1 [y/N] " answer
	[[ $answer == [yY]* ]] || fail 5 'nothing was changed'
}

# add_load: stores the files, says what is new, and warns of applied files
# that are gone, as records
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
SELECT 'gone', '', revision FROM gone WHERE applied ORDER BY 3;"
}

# add_plan DIRECTION TARGET: its steps as records, and what the move needs
add_plan()
{
	call "SELECT * FROM cmig.plan('$1', $2)" "WITH plan AS MATERIALIZED (SELECT * FROM cmig.plan('$1', $2))
SELECT 'step', revision, message FROM plan
UNION ALL SELECT DISTINCT 'stepwise', '', '' FROM plan WHERE NOT transactional
UNION ALL SELECT DISTINCT 'checksum', '', plan_checksum FROM plan;"
}

# add_hazards TARGET...: what an upgrade would lose or block, as records; a script that
# cannot be parsed fails by itself
add_hazards()
{
	local target

	! given yes || return 0
	for target in "$@"; do
		call "SELECT * FROM cmig.lint($target)" "SELECT 'hazard', revision, message FROM cmig.lint($target) WHERE severity = 'error' AND rule <> 'syntax-error';"
	done
}

# Reads records of kind, revision, and text, and shows them.  Sets steps, stepwise,
# checksum, and hazards; returns the exit status in the last record.
steps=0 stepwise='' checksum='' hazards=0
read_records()
{
	local kind revision text status=130

	while IFS= read -r -d '' kind && IFS= read -r -d '' revision && IFS= read -r -d '' text; do
		visible "$text"
		text=$VISIBLE
		case $kind in
			action) given quiet || say "$revision: $text" ;;
			gone) say "${yellow}WARNING:  revision $text is applied, but there is no file for it$plain" ;;
			step)
				steps=$((steps + 1))
				[ -z "$ask" ] || [ "$steps" -gt 20 ] || say "  $revision${text:+, $text}" ;;
			stepwise) stepwise=1 ;;
			checksum) checksum=$text ;;
			hazard) hazards=$((hazards + 1)); say "${yellow}HAZARD:  $revision: $text$plain" ;;
			status) status=$revision ;;
		esac
	done
	return "$status"
}

# look_ahead: runs the script, whose output is records; ends cmig after an error
look_ahead()
{
	local status

	read_records < <(run; printf 'status\0%s\0\0' $?)
	status=$?
	script=''	# the process above has run it
	[ -z "$interrupted" ] || exit 130
	[ $status -eq 0 ] || exit $status
}

# The last line of a move: where the database is now
add_place()
{
	add_plain
	given quiet || add "SELECT 'database ' || pg_catalog.current_database() || ' is at ' || coalesce(pg_catalog.string_agg(revision, ', ' ORDER BY revision), 'base') FROM cmig.current();"
}

# count_of NUMBER NOUN: "1 revision", "2 revisions"
count_of()
{
	printf '%s %s' "$1" "$2"
	[ "$1" -eq 1 ] || printf s
}

# move DIRECTION: loads, plans, asks, and moves to TARGET
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

# choose_move FUNCTION ARGUMENTS OPTIONS: in one transaction, unless the plan has
# steps that cannot run in one
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

# targets WORD...: as one SQL expression, TARGET, and each alone, TARGETS
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

# upgrade and downgrade
verb_move()
{
	[ "$verb" = downgrade ] || [ ${#arguments[@]} -gt 0 ] || arguments=(head)
	targets "${arguments[@]}"
	if given sql; then
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

show_script()
{
	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'a script can have only one target'
	parameters
	find_files; begin; begin_load; add_plain
	call "SELECT cmig.script('$DIRECTION', $TARGET$PARAMETERS)"
	add 'ROLLBACK;'
	run
}

show_dry_run()
{
	[ ${#TARGETS[@]} -eq 1 ] || fail 2 'a dry run can have only one target'
	find_files; begin; begin_load
	rows "cmig.dry_run('$DIRECTION', $TARGET)" 'revision, statement, line, command, rows, locks, rewrites, error'
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
	find_files; begin; add_file_format; add_load
	add "SELECT DISTINCT 'stepwise', '', '' FROM cmig.revision WHERE NOT transactional;"
	look_ahead
	files=()
	confirm "revert all revisions of the database ${PGDATABASE:-}, losing their data, and upgrade again?"
	begin; choose_move reset ":'DBNAME'" ''; add_place
	run
}

