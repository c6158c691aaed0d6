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

# Runs the verb in each database, in up to --jobs databases at a time.  Prints the
# output for each database, and then a table with the results.
in_databases()
{
	local text name directory number=0 status worst=0 jobs=${option_jobs:-4}
	local -a databases=()

	[[ $jobs =~ ^[1-9][0-9]*$ ]] || fail 2 '--jobs must be a number from 1 on'
	text=$(database_names) || exit
	script=''
	while IFS= read -r name; do name=$(trim "$name"); [ -z "$name" ] || databases+=("$name"); done <<<"$text"
	[ ${#databases[@]} -gt 0 ] || { say 'cmig: no database'; return 0; }
	directory=$(mktemp -d) || fail 2 'a temporary folder cannot be created'
	for name in "${databases[@]}"; do
		[ -z "$interrupted" ] || break
		(
			export PGDATABASE=$name
			option_database=$name
			(find_psql; dispatch)
			echo $? >"$directory/$number.status"
		) >"$directory/$number" 2>&1 </dev/null &
		number=$((number + 1))
		[ $((number % jobs)) -ne 0 ] || wait
	done
	# psql has received the interrupt, too
	wait
	[ -z "$interrupted" ] || wait
	number=0
	for name in "${databases[@]}"; do
		printf '== %s ==\n' "$name"
		[ ! -e "$directory/$number" ] || cat "$directory/$number"
		number=$((number + 1))
	done
	number=0
	printf '\n%-40s %s\n' database status
	for name in "${databases[@]}"; do
		status=$(cat "$directory/$number.status" 2>/dev/null) || status=130
		[ -z "$interrupted" ] || [ "$status" -eq 0 ] || status=130
		printf '%-40s %s\n' "$name" "$([ "$status" -eq 0 ] && echo 'done' || echo "failed ($status)")"
		[ "$status" -le "$worst" ] || worst=$status
		number=$((number + 1))
	done
	rm -rf "$directory"
	return "$worst"
}

