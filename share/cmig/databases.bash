# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# databases.bash
#	  Runs a verb in several databases or scopes in parallel.  Sourced by cmig.

# is_query TEXT: is it a query, not a list of names?
is_query() { [[ $1 =~ ^[[:space:]]*([Ss][Ee][Ll][Ee][Cc][Tt]|[Ww][Ii][Tt][Hh])[[:space:]] ]]; }

# names_in LIST: prints the names in a list (a,b,c), or the rows of a query, each with a zero byte
# at its end, because a name can contain a line break
names_in()
{
	local name

	if is_query "$1"; then
		add_file_format
		variable names_query "$1"
		add "SELECT :'names_query' \\gexec"
		run
	else
		while IFS= read -r -d , name || [ -n "$name" ]; do trim name "$name"; printf '%s\0' "$name"; done <<<"$1"
	fi
}

# Prints the names of the databases in --databases.
database_names() { names_in "$option_databases"; }

# Sets BEGIN_WITH to an SQL array of the scopes in --begin-with.
begin_with()
{
	local name
	local -a found=()

	BEGIN_WITH='NULL::pg_catalog.text[]'
	given begin-with || return 0
	while IFS= read -r -d '' name; do [ -z "$name" ] || found+=("$name"); done < <(names_in "$option_begin_with")
	[ ${#found[@]} -gt 0 ] || fail 2 '--begin-with requires names of schemas, or a query that returns some'
	list begin_with "${found[@]}"
	BEGIN_WITH=$LIST
}

# what --scopes matches
MATCHING="pg_catalog.pg_namespace WHERE nspname LIKE :'scopes'
	AND nspname !~ '^(pg_.*|information_schema|public|cmig|cmig_audit|[\$]user)\$'"

# Adds a statement that raises an error if no schema matches.
require_match()
{
	need "EXISTS (SELECT FROM $MATCHING)" "'no schema that can be a scope matches \"' || :'scopes' || '\"'" \
		"E'Specify a LIKE pattern, such as tenant\\\\_%.'"
}

# Prints the names of the schemas like --scopes, in the same way, after the number of those that
# have nothing to run.  For a run, stores the files first.
scope_names()
{
	begin_with
	case $verb in upgrade | downgrade | stamp) find_files ;; esac
	begin; add_file_format
	[ ${#files[@]} -eq 0 ] || perform "pg_catalog.count(*) FROM cmig.load(:'files')"
	variable scopes "$option_scopes"
	require_match
	if [ "$verb" = upgrade ] || [ "$verb" = downgrade ]; then
		variable target "${arguments[0]}"
		kept scopes "cmig.plan_scopes('$verb', :'target', :'scopes', $BEGIN_WITH)" 'plan_scopes text'
		add "SELECT pg_catalog.count(*) - (SELECT pg_catalog.count(*) FROM $KEPT) FROM $MATCHING;
SELECT plan_scopes FROM $KEPT ORDER BY n;"
	else
		add "SELECT 0;
SELECT nspname FROM $MATCHING ORDER BY pg_catalog.array_position($BEGIN_WITH, nspname::text), nspname;"
	fi
	run
}

# Is the verb run in each scope on its own?
is_for_each_scope() { given scopes && [[ $verb == @(lint|plan|dry-run|preflight|stamp|verify|drift) ]]; }

# Checks the values of --max-failures, by default 0, and --first.
check_first()
{
	[[ ${option_max_failures:=0} =~ ^[0-9]{1,9}$ ]] || fail 2 '--max-failures must be a number'
	[[ ${option_first:-1} =~ ^[1-9][0-9]{0,8}$ ]] || fail 2 '--first must be a number from 1 on'
}

# failures DIRECTORY: prints how many runs have failed
failures() { cat "$1"/*.status 2>/dev/null | grep -vcE '^(0|left)$'; }

# reason FILE: prints ": " and the first error in the output of a verb
reason()
{
	local line

	while IFS= read -r line; do
		line=${line#"$red"}
		case $line in
			ERROR:* | FATAL:* | 'cmig: '*)
				line=${line#*: } line=${line#connection to server *: *: } line=${line%"$plain"}
				printf ': %s' "${line# }"
				return ;;
		esac
	done <"$1"
}

# worker DIRECTORY: runs the verb in each database or scope that no other worker has taken
worker()
{
	local number name

	trap '' TERM HUP
	# Ctrl-C comes to all processes
	trap ': >"$workers/stop"' INT
	for number in "${!databases[@]}"; do
		[ ! -e "$1/stop" ] && [ "$number" -lt "$most" ] || break
		(set -o noclobber; : >"$1/$number.taken") 2>/dev/null || continue
		name=${databases[number]}
		(
			trap '' INT
			pid_file=$1/$number.pid
			if [ "$kind" = scope ]; then
				option_scope=$name
				unset option_scopes option_first option_begin_with option_max_failures option_jobs
			else
				choose PGDATABASE "$name"
				option_database=$name
				DATABASE_OPTION=" -d $(printf %q "$name")"
			fi
			# no subshell has the trap of its shell
			(temporaries=() at_end=''; trap end EXIT; find_psql; ! given engine || begin_engine; dispatch)
			echo $? >"$1/$number.status"
		) >"$1/$number" 2>&1 </dev/null
		check_failures "$1"
	done
}

# check_failures DIRECTORY: tells the workers to stop after too many failures
check_failures()
{
	[ "$most_failures" = all ] || [ "$(failures "$1")" -le "$most_failures" ] || : >"$1/stop"
}

# scope_worker DIRECTORY NUMBER: runs the verb in scopes that no other worker has taken, in one session,
# or in another one if an error has ended that
scope_worker()
{
	local session=$1/session$2 number=-1 status

	trap '' TERM HUP
	trap ': >"$workers/stop"' INT
	while take_scope; do
		rm -f -- "$session"
		mkfifo -- "$session" && exec 6<>"$session" || return
		pid_file=$session.pid run_in_scopes >>"$1/$number" 2>&1 </dev/null
		status=$?
		exec 6>&-
		read -r number <"$session.last"
		[ -e "$1/$number.status" ] || printf '%s\n' "$status" >"$1/$number.status"
		: >>"$1/$number.split"
		check_failures "$1"
	done
}

# Takes the next scope that no other worker has taken.  Sets number, and fails if there is none, or if
# the workers must stop.
take_scope()
{
	[ ! -e "$workers/stop" ] || return
	while [ $((number += 1)) -lt ${#databases[@]} ] && [ "$number" -lt "$most" ]; do
		set -o noclobber
		if { : >"$workers/$number.taken"; } 2>/dev/null; then
			set +o noclobber
			echo "$number" >"$session.last"
			return
		fi
		set +o noclobber
	done
	return 1
}

# Runs the verb in one session in the scope that was taken, and then in others.
run_in_scopes()
{
	local options='' feed=feed_scopes fed=''

	script='' names=() values=()
	if [ "$verbed" = 'done' ]; then
		run split_scopes
		return
	fi
	variable target "${arguments[0]}"
	if [ -n "$stepwise" ]; then
		! given in-doubt || { variable in_doubt "$option_in_doubt"; options=", in_doubt => :'in_doubt'"; }
		option_scope=${databases[number]}
	fi
	begin
	outside
	add "\\if :cmig_direct${newline}SET client_min_messages = notice;$newline\\endif"
	run
}

# Prints the commands for the scope that was taken, and for the next ones when messages() has written the
# status of the last one, to which lines that no message of the database can forge tell it to.
feed_scopes()
{
	local status look='' look_status='' look_errors=''

	# Ctrl-C comes to all processes
	trap ': >"$workers/stop"' INT
	while :; do
		printf '%s\n' "\\warn 'cmig: scope $number begins $MARK'"
		if if [ "$verbed" = 'done' ]; then feed_look; else feed_move; fi; then
			printf '%s\n' "\\warn 'cmig: scope $number ends $MARK'"
			read -r status <&6
			[ "$status" != end ] || return
		fi
		take_scope || return
	done
}

# Prints the CALL for a scope.
feed_move()
{
	local name=${databases[number]}

	if [ -z "$stepwise" ]; then
		name=${name//"$backslash"/"$backslash$backslash"} name=${name//%/"$backslash%"}
		name=${name//_/"${backslash}_"}
	fi
	quote "$name"
	printf '%s\n' "\\set scope $QUOTED"
	if [ -n "$stepwise" ]; then
		printf '%s\n' "SELECT pg_catalog.set_config('cmig.scope', :'scope', false) AS cmig_setting \\gset" \
			"CALL cmig.${verb}_stepwise(:'target'$options);"
	else
		printf '%s\n' "CALL cmig.${verb}_scopes(:'scope', :'target');"
	fi
}

# Prints the script of a verb that looks, which run() would run if it were called for this scope only.
# The verb is called once, for a scope and a number in whose place the others are put.
feed_look()
{
	local name=${databases[number]} text

	if [ -z "$look_status" ]; then
		fed=$MARK.number
		look=$(
			option_scope=$MARK.scope
			unset option_scopes option_first option_begin_with option_max_failures option_jobs
			dispatch 2>"$session.look"
		)
		look_status=$?
		IFS= read -r -d '' look_errors <"$session.look"
	fi
	text=${look_errors//"$MARK.scope"/"${name//"$apostrophe"/"$apostrophe$apostrophe"}"}
	printf '%s' "${text//"$fed"/"$number"}" >>"$workers/$number"
	if [ $look_status -ne 0 ]; then
		printf '%s\n' $look_status >"$workers/$number.status"
		return 1
	fi
	quote "$name"
	QUOTED=${QUOTED#"$apostrophe"} QUOTED=${QUOTED%"$apostrophe"}
	text=${look//"$MARK.scope"/"$QUOTED"}
	printf '%s\n' "${text//"$fed"/"$number"}"
}

# feed_script COMMAND: prints the script, in the state in which a new psql would run it, and marks for
# split_scopes()
feed_script()
{
	formats
	printf '%s\n' '\pset tuples_only off' '\pset expanded off' "\\pset fieldsep '|'" '\pset recordsep '"'\\n'"
	set_names
	printf '%s\n' "\\echo '$MARK $fed $1'" "$script" "\\echo '$MARK - -'"
}

# Writes the output of each scope into a file, after the command that shows it.
split_scopes()
{
	local text line rest='' is_field number='' command=''
	local -a fields=()

	while IFS= read -r -d '' text && is_field=1 || { is_field=''; [ -n "$text" ]; }; do
		while [[ $text == *"$MARK "* ]]; do
			rest=${text%%"$MARK "*} text=${text#*"$MARK "}
			line=${text%%"$newline"*} text=${text#*"$newline"}
			write_output
			number=${line%% *} command=${line##* } fields=() rest=''
		done
		if [ -n "$is_field" ]; then fields+=("$text"); else rest=$text; fi
	done
	write_output
}

# Writes the output of the current scope of split_scopes().
write_output()
{
	[ "${number:--}" != - ] || return 0
	{
		[ ${#fields[@]} -eq 0 ] || printf '%s\0' "${fields[@]}"
		printf '%s' "$rest"
	} | "$command" >"$workers/$number.out"
	: >"$workers/$number.split"
}

# first_ones TITLE SEPARATOR ITEM...: prints the first ten items, and how many more there are
first_ones()
{
	local title=$1 separator=$2 item text='' number=0

	shift 2
	for item; do
		[ $((number += 1)) -le 10 ] || break
		visible "$item"
		text+=${text:+$separator}$VISIBLE
	done
	[ $# -eq 0 ] || out '%s%s%s\n' "$title" "$text" "$([ $# -le 10 ] || printf ' and %d more' $(($# - 10)))"
}

# Prints the outputs of the verb that have not been shown, in order, up to one that has not ended.
show_outputs()
{
	while [ "$shown" -lt ${#databases[@]} ] && [ -e "$workers/$shown.status" ] &&
		{ [ -z "$splits" ] || [ -e "$workers/$shown.split" ]; }; do show_output $((shown++)); done
}

# show_output NUMBER: prints the output of the verb in a database or scope
show_output()
{
	[ -e "$workers/$1" ] || return 0
	visible "${databases[$1]}"
	# the procedure's messages name the scope
	[ "$verbed" != 'done' ] && [ -z "$stepwise" ] || out '== %s ==\n' "$VISIBLE"
	show_file "$workers/$1"
	[ ! -e "$workers/$1.out" ] || show_file "$workers/$1.out"
}

# show_file FILE: prints the file, which has no zero bytes, without another process
show_file()
{
	local text

	IFS= read -r -d '' text <"$1"
	out '%s' "$text"
}

# Prints what is left of the outputs, and then a table with the results or, for scopes, a page as
# that of cmig.upgrade_scopes.  Sets worst to the highest exit status.  That is 1 if the verb has
# found something, or if no more scopes have failed than --max-failures allows.
show_results()
{
	local name status state number page left_to='not looked at' target='up to date'
	local -a succeeded=() found=() failed=() left=()

	for ((number = shown; number < ${#databases[@]}; number++)); do show_output "$number"; done
	[ "$kind" = scope ] || out '\n%-40s %s\n' "$kind" status
	for number in "${!databases[@]}"; do
		name=${databases[number]}
		{ read -r status <"$workers/$number.status"; } 2>/dev/null || status=130
		[ -e "$workers/$number.taken" ] || status=left
		[ -z "$interrupted" ] || [[ $status == @(0|left) ]] || status=130
		[ "$status" = left ] || [ "$status" -le "$worst" ] || worst=$status
		[ "$status" != 1 ] || [[ $verb == @(upgrade|downgrade|import) ]] || status=found
		case $status in
			0) succeeded+=("$name") state='done' ;;
			found) found+=("$name") state='findings (1)' ;;
			left) left+=("$name") state='not run' ;;
			*)
				state="failed ($status)"
				[ ! -e "$workers/$number" ] || state+=$(reason "$workers/$number")
				failed+=("$name ${state#failed }") ;;
		esac
		visible "$name"
		[ "$kind" = scope ] ||
			out '%s%*s %s\n' "$VISIBLE" $((${#VISIBLE} < 40 ? 40 - ${#VISIBLE} : 0)) '' "$state"
	done
	[ -z "$interrupted" ] || worst=130
	[ "$kind" = scope ] || return 0
	page="scopes: ${#succeeded[@]} $verbed"
	case $verb in
		upgrade | downgrade)
			left_to='left to the next call'
			[ "$verb" = upgrade ] || target='at the target'
			page+=", $current already $target"
			[ ${#failed[@]} -eq 0 ] || [ ${#failed[@]} -gt "$most_failures" ] || [ -n "$interrupted" ] || worst=1 ;;
		*) [ ${#found[@]} -eq 0 ] || page+=", ${#found[@]} with findings" ;;
	esac
	page+=", ${#failed[@]} failed"
	[ ${#left[@]} -eq 0 ] || page+=", ${#left[@]} $left_to"
	out '\n%s\n' "$page"
	[ $((${#found[@]} + ${#failed[@]} + ${#left[@]})) -eq 0 ] ||
		first_ones "$verbed: " ', ' ${succeeded[@]+"${succeeded[@]}"}
	first_ones 'with findings: ' ', ' ${found[@]+"${found[@]}"}
	first_ones 'failed: ' "${newline}failed: " ${failed[@]+"${failed[@]}"}
	first_ones "${left_to%% to *}: " ', ' ${left[@]+"${left[@]}"}
}

# in_databases KIND: runs the verb in each database or scope, in up to --jobs of them at a time, and
# shows the results.  A run in scopes ends after --max-failures.
in_databases()
{
	local name directory workers='' number status worst=0 jobs=${option_jobs:-4} kind=$1 most_failures=all
	local most=999999999 verbed='done' shown=0 current='' splits='' lost=''
	local -a databases=()

	if [ "$kind" = scope ]; then
		! given scope && ! typed databases || fail 2 '--scopes cannot be used with --scope or --databases'
		check_first
		most=${option_first:-$most}
		case $verb in
			upgrade | downgrade) most_failures=$option_max_failures verbed=${verb}d ;;
			*) splits=1 ;;
		esac
	fi
	[ "$kind" = scope ] || [[ $option_databases == *[!,[:space:]]* ]] ||
		fail 2 '--databases requires names of databases, or a query' "cmig ${verb/ensure-version/init} --databases a,b,c
cmig ${verb/ensure-version/init} --databases \"SELECT datname FROM pg_database WHERE datname LIKE 'shop%'\""
	temporary directory
	"${kind}_names" >"$directory/names"
	status=$?
	script='' names=() values=() files=()
	[ "$kind" = database ] || case $verb in upgrade | downgrade | stamp) option_no_load=1 ;; esac
	{
		[ "$kind" = database ] || IFS= read -r -d '' current
		while IFS= read -r -d '' name; do [ -z "$name" ] || databases+=("$name"); done
	} <"$directory/names"
	if [ $status -ne 0 ] || [ ${#databases[@]} -eq 0 ]; then
		rm -rf "$directory"
		[ $status -ne 0 ] || if [ "$kind" = scope ]; then
			say "nothing to $verb"
		else
			say 'cmig: the query returns no database'
		fi
		return $status
	fi
	[ "$jobs" -le ${#databases[@]} ] || jobs=${#databases[@]}
	workers=$directory
	[ -z "$splits" ] || [[ $verb == @(drift|stamp) ]] || find_files
	trap_signals terminate
	for ((number = 0; number < jobs; number++)); do
		if [ "$kind" = database ]; then
			worker "$directory" &
		else
			scope_worker "$directory" "$number" &
		fi
	done
	while [ -n "$(jobs -pr)" ]; do
		# after Ctrl-C, which psql has received, too, wait for the workers to end
		[ -z "$interrupted" ] || : >"$directory/stop"
		show_outputs
		sleep 0.1
	done
	wait
	show_results
	rm -rf "$directory"
	[ -z "$lost" ] || (output_lost) || [ $? -le "$worst" ] || worst=2
	return "$worst"
}
