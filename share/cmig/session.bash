# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# session.bash
#	  Builds a psql script and runs it: variables, calls, messages, and the exit
#	  status.  Sourced by cmig.

# quoted TEXT: prints the text, quoted as an argument of \set
quoted()
{
	local LC_ALL=C text=${1//"$backslash"/"$backslash$backslash"}

	text=${text//"$apostrophe"/"$apostrophe$apostrophe"}
	text=${text//"$newline"/"${backslash}n"}
	printf "'%s'" "${text//$'\r'/"${backslash}r"}"
}

# variable NAME VALUE: sets a psql variable, which statements use as :'NAME'
variable() { names+=("$1"); values+=("$2"); }

# list NAME VALUE...: sets a psql variable for each value, and LIST to an SQL array of
# these variables
list()
{
	local name=$1 number=0 value

	shift
	LIST=''
	for value in "$@"; do
		number=$((number + 1))
		variable "$name$number" "$value"
		LIST+=", :'$name$number'"
	done
	LIST="ARRAY[${LIST#, }]"
}

add() { script+="$*$newline"; }

# call STATEMENT [SENT]: adds a statement to the script, and prints it if -v is given.
# SENT is added in place of the printed statement; it may select other columns, or
# store the result in psql variables.
call()
{
	local shown=$1 number value

	if given verbose; then
		for number in ${names[@]+"${!names[@]}"}; do
			value=${values[number]//"$apostrophe"/"$apostrophe$apostrophe"}
			shown=${shown//":'${names[number]}'"/"'$value'"}
		done
		say "$shown;"
	fi
	add "${2:-$1;}"
}

# perform CALL: adds the call of a function without showing its result
perform() { call "SELECT $1" "SELECT $1 AS cmig_done \\gset"; }

# need CONDITION MESSAGE HINT: adds a statement that raises an error unless the SQL
# condition is true
need()
{
	add '\set SHOW_CONTEXT never'
	add "DO \$\$ BEGIN IF NOT ($1) THEN RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = $2, HINT = '$3'; END IF; END \$\$;"
	add '\set SHOW_CONTEXT errors'
}

# Adds the statements with which every session begins.
begin()
{
	local setting number=0 name

	add "SET client_min_messages = $(given quiet && echo warning || echo notice);"
	need "EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_cmig')" \
		"'database \"' || pg_catalog.current_database() || '\" does not have the extension pg_cmig'" 'cmig init creates it there. To use another database, set PGDATABASE, or add -d NAME.'
	# load pg_cmig's library first, because PostgreSQL accepts any value for its
	# settings until then
	if given scope || [[ " ${settings[*]-}" == *' cmig.'* ]]; then
		add 'SELECT pg_catalog.count(*) AS cmig_loaded FROM cmig.current() \gset'
	fi
	! given scope || { variable scope "$option_scope"; call "SET cmig.scope = :'scope'"; }
	for setting in ${settings[@]+"${settings[@]}"}; do
		[[ $setting == *=* ]] || setting+='='
		number=$((number + 1)) name=${setting%%=*}
		[[ $name == *.* ]] || name=cmig_var.$name
		variable "setting_name$number" "$name"
		variable "setting_value$number" "${setting#*=}"
		call "SELECT pg_catalog.set_config(:'setting_name$number', :'setting_value$number', false)" \
			"SELECT pg_catalog.set_config(:'setting_name$number', :'setting_value$number', false) AS cmig_setting \\gset"
	done
}

# Prints psql commands that set the output format and the variables.
prelude()
{
	local number

	printf '%s\n' '\encoding UTF8' '\pset pager off' '\pset footer off' '\pset format wrapped' "\\pset columns $columns"
	! given raiseerr || printf '%s\n' '\set VERBOSITY verbose'
	for number in ${names[@]+"${!names[@]}"}; do
		printf '\\set %s %s\n' "${names[number]}" "$(quoted "${values[number]}")"
	done
	[ ${#files[@]} -eq 0 ] || files_variable
}

# Reads psql's messages from standard input and prints them: notices without the
# prefix "NOTICE:", errors in color.  Returns 1 if found() reported something.
messages()
{
	local line status=0 hint=''

	trap '' INT
	while IFS= read -r line || [ -n "$line" ]; do
		visible "$line"
		line=$VISIBLE
		case $line in
			'cmig: found') status=1; continue ;;
			HINT:*) hint=1 ;;
			[A-Z]*:\ \ *) hint='' ;;
		esac
		[ -z "$hint" ] || { typed "$line"; line=$TYPED; }
		case $line in
			'NOTICE:  '*) line=${line#NOTICE:  } ;;
			'psql: error: '*'database "'*'" does not exist') line="cmig: ${line#psql: error: }${newline}HINT:  To create it: cmig init --create-database$DATABASE_OPTION" ;;
			'psql: error: '*) line="cmig: ${line#psql: error: }" ;;
			ERROR:*' during recovery') line="$red$line$plain${newline}HINT:  This server is a standby, which can only be read. Connect to the primary, for example with ?target_session_attrs=primary in the URL." ;;
			ERROR:* | FATAL:*) line=$red$line$plain ;;
			WARNING:*) line=$yellow$line$plain ;;
		esac
		printf '%s\n' "$line" >&2
	done
	return $status
}

# run [COMMAND...]: runs the script in one psql session, and returns cmig's exit
# status.  If a command is given, the output is piped through it.
run()
{
	local text=$script
	local -a states

	script=''
	[ $# -gt 0 ] || set -- cat
	{
		{ prelude; printf '%s' "$text"; } | "${psql[@]}" 2>&1 >&3 3>&- | messages 3>&-
		states=("${PIPESTATUS[@]}")
		case ${states[1]} in
			0) exit "${states[2]}" ;;
			3 | 130) exit "${states[1]}" ;;
			141) exit 0 ;;	# the user quit the pager
			*) exit 4 ;;
		esac
	} 3>&1 | "$@"
	states=("${PIPESTATUS[@]}")
	[ -z "$interrupted" ] || return 130
	[ "${states[0]}" -eq 0 ] || return "${states[0]}"
	[ "${states[1]}" -eq 141 ] || return "${states[1]}"
}

# Copies standard input to standard output, on a terminal through a pager.
page()
{
	local -a words

	read -r -a words <<<"${PAGER:-less}"
	if [ -t 1 ] && ! given no-pager && command -v "${words[0]:-}" >/dev/null; then
		LESS=${LESS:-FRX} "${words[@]}"
	else
		cat
	fi
}

