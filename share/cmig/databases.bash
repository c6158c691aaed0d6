# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# databases.bash
#	  Runs a verb in several databases in parallel.  Sourced by cmig.

# Prints the database names in --databases, which is a list (a,b,c) or a query, each
# with a zero byte at its end, because a name can contain a line break.
database_names()
{
	local name

	if [[ $option_databases =~ ^[[:space:]]*([Ss][Ee][Ll][Ee][Cc][Tt]|[Ww][Ii][Tt][Hh])[[:space:]] ]]; then
		add_file_format
		variable databases_query "$option_databases"
		add "SELECT :'databases_query' \\gexec"
		run
	else
		while IFS= read -r -d , name || [ -n "$name" ]; do printf '%s\0' "$(trim "$name")"; done <<<"$option_databases"
	fi
}

# reason FILE: prints ": " and the first error in the output of a verb
reason()
{
	local line

	while IFS= read -r line; do
		line=${line#"$red"}
		case $line in
			ERROR:* | FATAL:* | 'cmig: '*) line=${line#*: }; line=${line#connection to server *: *: }; line=${line%"$plain"}; printf ': %s' "${line# }"; return ;;
		esac
	done <"$1"
}

# worker DIRECTORY: runs the verb in each database that no other worker has taken
worker()
{
	local number name

	trap '' TERM HUP
	for number in "${!databases[@]}"; do
		[ ! -e "$1/stop" ] || break
		(set -o noclobber; : >"$1/$number.taken") 2>/dev/null || continue
		name=${databases[number]}
		(
			export PGDATABASE=$name
			pid_file=$1/$number.pid
			option_database=$name
			DATABASE_OPTION=" -d $(printf %q "$name")"
			(find_psql; dispatch)
			echo $? >"$1/$number.status"
		) >"$1/$number" 2>&1 </dev/null
		# stop after Ctrl-C, which this process itself ignores
		! grep -q '^ERROR:  canceling statement due to user request$' "$1/$number" || break
	done
}

# Runs the verb in each database, in up to --jobs databases at a time.  Prints the
# output for each database, and then a table with the results.
in_databases()
{
	local name directory workers='' number status worst=0 jobs=${option_jobs:-4}
	local -a databases=()

	[[ $jobs =~ ^[1-9][0-9]*$ ]] || fail 2 '--jobs must be a number from 1 on'
	[[ $option_databases == *[!,[:space:]]* ]] ||
		fail 2 '--databases requires names of databases, or a query' "cmig $verb --databases a,b,c${newline}cmig $verb --databases \"SELECT datname FROM pg_database WHERE datname LIKE 'shop%'\""
	directory=$(mktemp -d) || fail 2 'a temporary folder cannot be created'
	database_names >"$directory/names"
	status=$?
	script=''
	while IFS= read -r -d '' name; do [ -z "$name" ] || databases+=("$name"); done <"$directory/names"
	if [ $status -ne 0 ] || [ ${#databases[@]} -eq 0 ]; then
		rm -rf "$directory"
		[ $status -ne 0 ] || say 'cmig: the query returns no database'
		return $status
	fi
	[ "$jobs" -le ${#databases[@]} ] || jobs=${#databases[@]}
	workers=$directory
	trap_signals terminate
	for ((number = 0; number < jobs; number++)); do worker "$directory" & done
	wait
	# after Ctrl-C, which psql has received, too, wait for the workers to end
	[ -z "$interrupted" ] || { : >"$directory/stop"; wait; }
	for number in "${!databases[@]}"; do
		visible "${databases[number]}"
		printf '== %s ==\n' "$VISIBLE"
		[ ! -e "$directory/$number" ] || cat "$directory/$number"
	done
	printf '\n%-40s %s\n' database status
	for number in "${!databases[@]}"; do
		status=$(cat "$directory/$number.status" 2>/dev/null) || status=130
		[ -z "$interrupted" ] || [ "$status" -eq 0 ] || status=130
		visible "${databases[number]}"
		printf '%s%*s %s\n' "$VISIBLE" $((${#VISIBLE} < 40 ? 40 - ${#VISIBLE} : 0)) '' "$([ "$status" -eq 0 ] && echo 'done' || { printf 'failed (%s)' "$status"; [ ! -e "$directory/$number" ] || reason "$directory/$number"; })"
		[ "$status" -le "$worst" ] || worst=$status
	done
	rm -rf "$directory"
	return "$worst"
}
