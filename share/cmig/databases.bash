# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034
#
# databases.bash
#	  Runs a verb in several databases in parallel.  Sourced by cmig.

# Prints the database names in --databases, which is a list (a,b,c) or a query.
database_names()
{
	if [[ $option_databases =~ ^[[:space:]]*([Ss][Ee][Ll][Ee][Cc][Tt]|[Ww][Ii][Tt][Hh])[[:space:]] ]]; then
		add_plain
		variable databases_query "$option_databases"
		add "SELECT :'databases_query' \\gexec"
		run
	else
		tr ',' '\n' <<<"$option_databases"
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

	for number in "${!databases[@]}"; do
		[ ! -e "$1/stop" ] || break
		(set -o noclobber; : >"$1/$number.taken") 2>/dev/null || continue
		name=${databases[number]}
		(
			export PGDATABASE=$name
			option_database=$name
			(find_psql; dispatch)
			echo $? >"$1/$number.status"
		) >"$1/$number" 2>&1 </dev/null
	done
}

# Runs the verb in each database, in up to --jobs databases at a time.  Prints the
# output for each database, and then a table with the results.
in_databases()
{
	local text name directory number status worst=0 jobs=${option_jobs:-4}
	local -a databases=()

	[[ $jobs =~ ^[1-9][0-9]*$ ]] || fail 2 '--jobs must be a number from 1 on'
	text=$(database_names) || exit
	script=''
	while IFS= read -r name; do name=$(trim "$name"); [ -z "$name" ] || databases+=("$name"); done <<<"$text"
	[ ${#databases[@]} -gt 0 ] || { say 'cmig: no database'; return 0; }
	directory=$(mktemp -d) || fail 2 'a temporary folder cannot be created'
	[ "$jobs" -le ${#databases[@]} ] || jobs=${#databases[@]}
	for ((number = 0; number < jobs; number++)); do worker "$directory" & done
	wait
	# psql has received the interrupt, too
	[ -z "$interrupted" ] || { : >"$directory/stop"; wait; }
	for number in "${!databases[@]}"; do
		printf '== %s ==\n' "${databases[number]}"
		[ ! -e "$directory/$number" ] || cat "$directory/$number"
	done
	printf '\n%-40s %s\n' database status
	for number in "${!databases[@]}"; do
		status=$(cat "$directory/$number.status" 2>/dev/null) || status=130
		[ -z "$interrupted" ] || [ "$status" -eq 0 ] || status=130
		printf '%-40s %s\n' "${databases[number]}" "$([ "$status" -eq 0 ] && echo 'done' || { printf 'failed (%s)' "$status"; [ ! -e "$directory/$number" ] || reason "$directory/$number"; })"
		[ "$status" -le "$worst" ] || worst=$status
	done
	rm -rf "$directory"
	return "$worst"
}
