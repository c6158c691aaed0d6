# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# session.bash
#	  Builds a psql script and runs it: variables, calls, messages, and the exit
#	  status.  Sourced by cmig.

# what psql reads, if the script runs in a database without the extension: see run_on_target
on_target=''
# the lines of its script
first_line=0 last_line=1000000000
# the function that prints what follows the script: see run_in_scopes(); and whether it calls a verb
feed='' fed=''

# quoted TEXT: prints the text, quoted as an argument of \set
quoted() { quote "$1"; printf '%s' "$QUOTED"; }

# quote TEXT: sets QUOTED to the text, quoted as an argument of \set
quote()
{
	# a variable of the same line would be made before the locale is changed
	local LC_ALL=C
	local text=${1//"$backslash"/"$backslash$backslash"}

	text=${text//"$apostrophe"/"$apostrophe$apostrophe"}
	text=${text//"$newline"/"${backslash}n"}
	QUOTED="'${text//$'\r'/"${backslash}r"}'"
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

# add TEXT: adds statements or psql commands, but no call of a function of the schema cmig.
# Such a function may run or replay revisions, so it needs the session's search_path, which
# only called() and procedure() give it.
add()
{
	[[ $* != *cmig.*\(* ]] || ! calls_function "$*" || fail 70 "a statement does not go through called(): $*"
	script+="$*$newline"
}

# calls_function TEXT: succeeds if the text calls a function of the schema cmig outside of
# string constants
calls_function()
{
	local rest=$1

	while [ -n "$rest" ]; do
		[[ ! ${rest%%"$apostrophe"*} =~ (^|[^A-Za-z0-9_])cmig\.[a-z_]+\( ]] || return 0
		[[ $rest == *"$apostrophe"*"$apostrophe"* ]] || return 1
		rest=${rest#*"$apostrophe"} rest=${rest#*"$apostrophe"}
	done
	return 1
}

# All statements run in transactions, and all settings are local to them: a pool in
# transaction mode gives the server connection to another client afterward.  Only
# procedure() runs a statement outside.

# With this, each transaction begins that locks, and then checks what it has locked: in another isolation
# level, which the database's setting can choose, the check would not see what was committed meanwhile.
READ_COMMITTED='BEGIN ISOLATION LEVEL READ COMMITTED'

# Whether the script is in a transaction, and for whom the server writes hints: see cmig_hint_text().
transaction='' hints=shell

# begin_transaction LEVEL: begins a transaction, and sets the level of messages and
# search_path.  The latter keeps cmig's own statements from calling functions and operators
# of others, which search_path could find, even if pg_catalog is first.  Only calls of cmig's
# functions, which called() adds, use the session's search_path.  In these statements, each
# operator and function must be qualified; what else reads the result uses kept().  If the role
# may, also sets the language of the server's messages, whose severities messages() reads.  With
# exit_on_error, errors that the functions catch and report would end the session.  The statements
# that follow have patterns with backslashes, which all sessions must read in the same way.
begin_command=BEGIN
begin_transaction()
{
	transaction=1
	add "$begin_command \\; SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = $1;${newline}SET LOCAL cmig_client.hints = $hints;
\\if :{?cmig_path}
\\else
SELECT pg_catalog.current_setting('search_path') AS cmig_path, pg_catalog.has_parameter_privilege('lc_messages', 'SET')
	AND pg_catalog.current_setting('lc_messages') OPERATOR(pg_catalog.!~*) '^(C|POSIX|en)?([_.].*)?\$'
	AS cmig_translated \\gset
\\endif
\\if :cmig_translated
SET LOCAL lc_messages = 'C';
\\endif
SET LOCAL exit_on_error = off;
$PINNED"
}
PINNED='SET LOCAL search_path = pg_catalog, pg_temp;'

# end_transaction COMMAND: ends the transaction, with COMMIT or ROLLBACK
end_transaction() { transaction=''; add "$1;"; }

# called STATEMENT: adds a statement that uses the session's search_path.  Its row count
# and failure are then in cmig_rows and cmig_error.
called()
{
	add "SELECT pg_catalog.set_config('search_path', :'cmig_path', true) AS cmig_called \\gset"
	script+="$1$newline"
	add "\\set cmig_rows :ROW_COUNT
\\set cmig_error :ERROR
\\if :ERROR
\\else
$PINNED
\\endif"
}

# kept NAME CALL [COLUMN...]: calls a function and keeps its rows, or these columns of them, in
# the psql variable cmig_NAME, as JSON.  Sets KEPT to a subquery with the alias NAME that returns
# the columns in this order, in statements with the pinned search_path, and KEPT_COLUMNS to their
# names.  A column is a name and a type.
kept()
{
	local name=$1 call=$2 types

	shift 2
	printf -v types ', %s' "$@"
	printf -v KEPT_COLUMNS ', %s' "${@%% *}"
	[ $# -gt 0 ] && KEPT_COLUMNS=${KEPT_COLUMNS#, } || KEPT_COLUMNS='*'
	called "SELECT coalesce(pg_catalog.jsonb_agg(kept), '[]') AS cmig_$name
FROM (SELECT $KEPT_COLUMNS FROM $call) kept \\gset"
	KEPT="ROWS FROM (pg_catalog.jsonb_to_recordset(:'cmig_$name') AS (${types#, }))
	WITH ORDINALITY AS $name ($KEPT_COLUMNS, n)"
}

# shown STATEMENT: prints the statement if -v is given
shown()
{
	local shown=$1 number value

	given verbose || return 0
	for number in ${names[@]+"${!names[@]}"}; do
		value=${values[number]//"$apostrophe"/"$apostrophe$apostrophe"}
		shown=${shown//":'${names[number]}'"/"'$value'"}
	done
	say "$shown;"
}

# call STATEMENT [SENT]: adds a statement to the script, and prints it if -v is given.
# SENT is added in place of the printed statement; it may select other columns, or
# store the result in psql variables.
call() { shown "$1"; called "${2:-$1;}"; }

# outside: commits, for what follows outside of a transaction.  There, only a session that does not go
# through a pool can have settings, because with a pool, each statement may use another server
# connection.  A pool sets application_name with SET.
outside()
{
	add "SELECT source = 'client' AS cmig_direct FROM pg_catalog.pg_settings WHERE name = 'application_name' \\gset"
	if given scope || [[ " ${settings[*]-}" =~ \ (cmig\.lint_ignore=)?[^\ ] && -z ${BASH_REMATCH[1]} ]]; then
		need ":'cmig_direct'" "'a stepwise run through a connection pool cannot have settings'" \
			"'Connect to the server without the pool. Or set them with ALTER ROLE or ALTER DATABASE, and leave out ' ||
	'-x and --scope.'"
	fi
	end_transaction COMMIT
	add "\\if :cmig_direct${newline}SET client_min_messages = $level;${newline}SET cmig_client.hints = $hints;"
	add 'SET exit_on_error = off;'
	add "\\if :cmig_translated${newline}SET lc_messages = 'C';$newline\\endif"
	set_settings false
	add '\endif'
}

# procedure CALL: calls a procedure outside of a transaction
procedure()
{
	outside
	shown "$1"
	script+="$1;$newline"
	begin_transaction "$level"
	set_settings true
}

# when CONDITION: adds \if with an SQL condition, which the variable cmig_found keeps.  The caller
# adds \endif.
when() { add "SELECT $1 AS cmig_found \\gset$newline\\if :cmig_found"; }

# keep NAME CALL [COLUMN...]: does the same as kept, and prints the call if -v is given
keep() { shown "SELECT * FROM $2"; kept "$@"; }

# perform CALL: adds the call of a function without showing its result
perform() { call "SELECT $1" "SELECT $1 AS cmig_done \\gset"; }

# need CONDITION MESSAGE HINT [ERRCODE [ROW]]: adds a statement that raises an error unless
# the SQL condition is true.  The message and the hint are SQL expressions; they and the
# condition can use the columns of a row, if there is one.
need()
{
	add '\set SHOW_CONTEXT never'
	add "SELECT pg_catalog.format('DO %L',
	pg_catalog.format('BEGIN RAISE EXCEPTION USING ERRCODE = %L, MESSAGE = %L, HINT = %L; END',
		'${4:-object_not_in_prerequisite_state}', $2, $3)) ${5:+FROM $5} WHERE NOT ($1) \\gexec"
	add '\set SHOW_CONTEXT errors'
}

# Adds a statement that raises an error if the role may not use the extension.
need_access()
{
	# after a restore, the extension belongs to the role that has restored it
	need "pg_catalog.has_schema_privilege('cmig', 'USAGE')" "'permission denied for schema cmig'" \
		"pg_catalog.format(CASE WHEN owns THEN 'The extension belongs to role %I, as after a restore by that role. ' ||
		'As that role, or as a superuser: SELECT * FROM cmig.grant_access(%L, ''owner'')'
	ELSE 'As role %I, which owns the extension, or as a superuser: ' ||
		'SELECT * FROM cmig.grant_access(%L, ''reader'') -- or author, or migrator' END, owner, current_user)" \
		insufficient_privilege \
		"(SELECT pg_catalog.pg_get_userbyid(e.extowner) AS owner, pg_catalog.pg_has_role(d.datdba, 'USAGE') AS owns
	FROM pg_catalog.pg_extension e, pg_catalog.pg_database d
	WHERE e.extname = 'pg_cmig' AND d.datname = pg_catalog.current_database()) e"
}

# Adds the statements with which every session begins.
begin()
{
	local setting number=0 name

	begin_transaction "$level"
	# later, recorded code has run in the same session; before pg_cmig's library is loaded, its
	# settings are not in pg_settings
	[ -z "$engine_database" ] || [ -n "$recording" ] || {
		called 'SELECT pg_catalog.count(*) AS cmig_loaded FROM cmig.current() \gset'
		variable cmig_stored "$engine_settings"
		need "NOT EXISTS (SELECT FROM pg_catalog.pg_settings WHERE source IN ('database', 'user', 'database user')
	AND pg_catalog.lower(name) NOT IN ($ENGINE_SETTINGS)) AND ($ENGINE_STORED) = :'cmig_stored'" \
			"'code of a database has changed settings of the engine'" "'Repeat the command.'"
	}
	need "EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_cmig')" \
		"'database \"' || pg_catalog.current_database() || '\" does not have the extension pg_cmig'" \
		"'cmig init creates it there; where it cannot be installed: cmig init --engine local. ' ||
		'To use another database, set PGDATABASE, or add -d NAME.'"
	need_access
	# load pg_cmig's library first, because PostgreSQL accepts any value for its
	# settings until then
	if given scope || [[ " ${settings[*]-}" == *' cmig.'* ]]; then
		called 'SELECT pg_catalog.count(*) AS cmig_loaded FROM cmig.current() \gset'
	fi
	! given scope || { variable scope "$option_scope"; shown "SET cmig.scope = :'scope'"; }
	for setting in ${settings[@]+"${settings[@]}"}; do
		[[ $setting == *=* ]] || setting+='='
		number=$((number + 1)) name=${setting%%=*}
		[[ $name == *.* ]] || name=cmig_var.$name
		variable "setting_name$number" "$name"
		variable "setting_value$number" "${setting#*=}"
		shown "SELECT pg_catalog.set_config(:'setting_name$number', :'setting_value$number', false)"
	done
	set_settings true
}

# set_settings LOCAL: adds statements that set what --scope and -x say
set_settings()
{
	local number

	! given scope || add "SELECT pg_catalog.set_config('cmig.scope', :'scope', $1) AS cmig_setting \\gset"
	for ((number = 1; number <= ${#settings[@]}; number++)); do
		add "SELECT pg_catalog.set_config(:'setting_name$number', :'setting_value$number', $1) AS cmig_setting \\gset"
	done
}

# Prints psql commands that set the output format.
formats()
{
	printf '%s\n' '\encoding UTF8' '\pset pager off' '\pset footer off' '\pset format wrapped' "\\pset columns $columns"
}

# Prints psql commands that set the variables.
set_names()
{
	local number

	for number in ${names[@]+"${!names[@]}"}; do
		quote "${values[number]}"
		printf '\\set %s %s\n' "${names[number]}" "$QUOTED"
	done
}

# Prints psql commands that set the output format and the variables.
prelude()
{
	# for messages()
	[ "$first_line" -eq 0 ] || head -c "$first_line" /dev/zero | tr '\0' '\n'
	formats
	! given raiseerr && [ -z "$on_target" ] || printf '%s\n' '\set VERBOSITY verbose'
	# how the server calls its messages
	[ -z "$on_target" ] || [[ $engine_messages == @(C|C.*|POSIX|[eE]n*) ]] || printf '%s\n' \
		'SET client_min_messages = notice;' 'DO $$ BEGIN' \
		"RAISE NOTICE '$MARK NOTICE'; RAISE WARNING '$MARK WARNING'; RAISE INFO '$MARK INFO';" \
		'END $$;' 'RESET client_min_messages;'
	set_names
	[ ${#files[@]} -eq 0 ] || files_variable
}

# what no message of the database can forge
MARK=$RANDOM$RANDOM$RANDOM

# connection_error TEXT: sets LINE to psql's error about its connection, with a hint if the database does
# not exist
connection_error()
{
	visible "${1#psql: error: }"
	LINE="cmig: $VISIBLE"
	[[ $1 != *'database "'*'" does not exist' ]] || {
		LINE+="${newline}HINT:  To create it: cmig init --create-database$DATABASE_OPTION"
		! typed engine || [ "$option_engine" != local ] || LINE+=' --engine local'
	}
}

# denied ERROR: sets LINE to a hint for an error of pg_cmig's own statements: a function that the role may not
# execute, or a limit of time.  It is empty if the error can be about one of a script, such as a function with
# another name.
denied()
{
	local name=${1##* }

	LINE=''
	if [[ $1 == *' canceling statement due to statement timeout' ]]; then
		[[ $verb == @(upgrade|downgrade|reset|expand|contract|abandon|abandon-partial) ||
			$verb == @(verify|dry-run|round-trip|create-scope) ]] || given rehearse ||
			LINE="HINT:  To run it without statement_timeout: export PGOPTIONS='-c statement_timeout=0'"
	elif [[ $1 =~ ' permission denied for '(function|procedure)' ' ]]; then
		visible "$(printf '%s\n' "$MAY_EXECUTE" | "${psql[@]}" -At -w -v name="$name" -v writes="$AUTHORS" 2>&1)"
		[[ $VISIBLE == 'As role '* ]] || return 0
		LINE="HINT:  $VISIBLE"
		[ "$name" != load ] ||
			LINE="HINT:  To run what is stored: cmig $verb --no-load. To load files, a${VISIBLE#A}"
	fi
}

# the functions that only the levels "author" and "owner" have
AUTHORS='baseline create_revision load load_directory merge remove_revision'
MAY_EXECUTE="SELECT pg_catalog.format('As role %I, which owns the extension, or as a superuser: '
	'SELECT * FROM cmig.grant_access(%L, %s', pg_catalog.pg_get_userbyid(extowner), current_user,
	CASE WHEN :'name' OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(:'writes', ' ')) THEN '''author'')'
		WHEN pg_catalog.bool_or(allowed AND proname OPERATOR(pg_catalog.=) 'status') THEN '''migrator'')'
		ELSE '''reader'') -- or author, or migrator' END)
FROM (SELECT e.extowner, p.proname, pg_catalog.has_function_privilege(p.oid, 'EXECUTE') AS allowed
	FROM pg_catalog.pg_extension e, pg_catalog.pg_proc p
	WHERE e.extname OPERATOR(pg_catalog.=) 'pg_cmig'
		AND p.pronamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('cmig')) f
GROUP BY extowner
HAVING pg_catalog.bool_and(NOT allowed) FILTER (WHERE proname OPERATOR(pg_catalog.=) :'name');"

# unrepresentable ERROR: if the error names a character that is in one of the files, which then goes to a database
# whose encoding does not have it, prints a hint with the first place
unrepresentable()
{
	local character file

	[[ $1 =~ (0x[0-9a-f][0-9a-f] ?)+ ]] || return
	character=${BASH_REMATCH[0]// /}
	printf -v character '%b' "${character//0x/"${backslash}x"}"
	file=$(printf '%s\0' ${files[@]+"${files[@]}"} | LC_ALL=C xargs -0 grep -lF -e "$character" -- | head -n 1)
	[ -n "$file" ] || return
	visible "$character, which is in line $(
		LC_ALL=C grep -nF -m 1 -e "$character" -- "$file" | cut -d : -f 1) of \"$file\""
	printf 'HINT:  The encoding of the database does not have the character %s. Replace it, or use a %s.' "$VISIBLE" \
		'database with the encoding UTF8'
}

# Reads psql's messages from standard input and prints them: notices without their
# prefix, errors in color.  A line without the prefix can be a part of a message of the database.
# Returns 1 if found() reported something, or 3 if the files of a verb that looks could not be loaded.
messages()
{
	local line place step code word words='' status=0 hint='' dropped='' told='' begun source='<stdin>'
	local taken_by_other='' own='' commits=''

	[ "$on_target" != "$watch/script" ] || source=${watch##*/}/script
	# who does not read the messages must not end what runs
	trap '' INT PIPE
	while IFS= read -r line || [ -n "$line" ]; do
		visible "$line"
		line=$VISIBLE place='' step='' begun=''
		if [[ $line == psql:*"$source":* && ${line#psql:*"$source":} =~ ^([0-9]{1,9}):\ (.*) ]] &&
			((10#${BASH_REMATCH[1]} > first_line && 10#${BASH_REMATCH[1]} <= last_line)); then
			line=${BASH_REMATCH[2]} begun=1
			place_in_script "${BASH_REMATCH[1]}"
		fi
		code=''
		if [ -n "$on_target" ] && [ -n "$begun" ] && [[ $line =~ ^([^ :]+:\ \ )([0-9A-Z]{5}):\ (.*) ]]; then
			code=${BASH_REMATCH[2]} word=${BASH_REMATCH[1]}
			case ${BASH_REMATCH[3]} in "$MARK "*) words+="$word${line##* }$newline"; continue ;; esac
			# another word than those is an error
			[ -z "$words" ] || case $newline$words in
				*"$newline$word"*) word=${words#*"$word"}; word="${word%%"$newline"*}:  " ;;
				*) word='ERROR:  ' ;;
			esac
			given raiseerr && line=$word$code:\ ${BASH_REMATCH[3]} || line=$word${BASH_REMATCH[3]}
		fi
		[[ -z $on_target || ! $line =~ ^(LOCATION|[A-Z]+\ NAME):\ \  ]] || given raiseerr || continue
		# the block is one of the script, and not of a file
		[[ -z $own || $line != 'CONTEXT:  PL/pgSQL function inline_code_block line '*' at RAISE' ]] || continue
		# a pooled session may not have the level of messages
		case $line in
			NOTICE:\ \ * | INFO:\ \ *) told=1; ! given quiet || dropped=1 ;;
			DETAIL:* | HINT:* | CONTEXT:*) ;;
			*) dropped='' told='' ;;
		esac
		# the page of a procedure that has run one scope
		[ -z "$feed" ] || [[ $line != NOTICE:\ \ scopes:* ]] || {
			[[ $line != *', 1 left to other sessions'* ]] || taken_by_other=left
			dropped=1
		}
		# who has the lock of a run
		[[ -z $dropped || -z $watch || $line != DETAIL:* ]] || printf '%s\n' "$line" >"$watch/holder"
		[ -z "$dropped" ] || continue
		case $line in
			"cmig: found $MARK") [ $status -ne 0 ] || status=1; continue ;;
			# see feed_scopes()
			'cmig: scope '*" begins $MARK") step=${line#cmig: scope }; exec 2>>"$workers/${step%% *}"; continue ;;
			'cmig: scope '*" ends $MARK")
				step=${line#cmig: scope }
				printf '%s\n' "${taken_by_other:-$status}" >"$workers/${step%% *}.status"
				status=0 taken_by_other=''
				echo next >&6
				continue ;;
			"cmig: not loaded $MARK")
				status=3
				line="ERROR:  the files could not be loaded; this is what the database has"
				[ -n "$engine_database" ] || line+="${newline}HINT:  cmig load" ;;
			# the files can have the revision that was not found
			HINT:*'no revisions yet'*) [ $status -ne 3 ] || continue; hint=1 ;;
			HINT:*) hint=1; [ -z "$watch" ] || rm -f -- "$watch/unfinished" ;;
			[A-Z]*:\ \ *) hint='' ;;
		esac
		case $line in
			'NOTICE:  '* | 'INFO:  '*)
				line=${line#*:  }
				given verbose || [[ ${#line} -le $columns || $line != @(up|down)grade\ *\ -\>\ * ]] ||
					line=${line:0:columns-3}... ;;
			'psql: error: '*) connection_error "$line"; line=$LINE ;;
			ERROR:*' during recovery')
				line="$red$line$plain${newline}HINT:  This server is a standby, which can only be read. "
				line+='Connect to the primary, for example with ?target_session_attrs=primary in the URL.' ;;
			ERROR:*' in a read-only transaction')
				line="$red$line$plain${newline}HINT:  On a standby, connect to the primary, for example with "
				line+='?target_session_attrs=primary in the URL. To write although default_transaction_read_only '
				line+="is on: export PGOPTIONS='-c default_transaction_read_only=off'" ;;
			ERROR:* | FATAL:*)
				[ -n "$begun" ] || BLOCKER=''
				[[ $code != @(42P06|42P07|42701|42710|42723) ]] || hint_of_duplicate
				[[ $code != 55P04 ]] || place+="${newline}HINT:  Use the value in a later revision, and $(
					[ "${per_revision:-}" = true ] && echo transactional: false in this one ||
						echo cmig upgrade --stepwise, which commits after each revision)."
				[[ $line != *' has no equivalent in encoding '* ]] || ! word=$(unrepresentable "$line") ||
					place+=${place:+$newline}$word
				[ -n "$on_target" ] || {
					denied "$line"
					place+=${LINE:+${place:+$newline}$LINE}
				}
				[ -z "$begun" ] || blocked "$code" "$line"
				[[ -n $on_target && ($place != 'CONTEXT:  pg_cmig: '* || $code == MG009) ]] && own=1 || own=''
				[ -z "$watch" ] || [ -z "$begun" ] || {
					printf '%s\n' "$code" "${place%%"$newline"*}" "${line#*:  }" >"$watch/error"
					[ -z "$commits" ] || [[ $place == *HINT:* ]] || : >"$watch/unfinished"
				}
				# DETAIL and HINT go, too
				[ -z "$RUNNING" ] || [ "$BLOCKER" != "$RUNNING" ] || { dropped=1; continue; }
				line=$red$line$plain$BLOCKER${place:+$newline$place} ;;
			WARNING:*) line=$yellow$line$plain ;;
			# the last statement can have been COMMIT
			*'connection to server was lost') [ -n "$on_target" ] || line+="${newline}HINT:  cmig status" ;;
		esac
		# in hints, a command remains on one line
		[ -z "$told" ] || [ -n "$hint" ] || [ ${#line} -le "$columns" ] || line=$(wrapped "$line")
		printf '%s\n' "$line" >&2
	done
	[ -z "$feed" ] || echo end >&6
	return $status
}

# Runs psql, after printing its process id to file descriptor 4.  psql ignores SIGTERM
# and SIGHUP, which can be sent to all processes of cmig: cmig cancels its statement.
# Without that, the server would continue to run it.
run_psql()
{
	# shellcheck disable=SC2059	# a format
	printf "$pid_record" "${BASHPID:-$(exec sh -c 'echo $PPID')}" >&4
	trap - INT
	trap '' TERM HUP
	[ -z "$on_target" ] || use_target
	# of libpq, for messages(); and another encoding may be none of the server's, so that it refuses the connection
	export LC_MESSAGES=C PGCLIENTENCODING=UTF8
	exec "${psql[@]}" 4>&- 6>&-
}

# send TEXT COMMAND...: runs the text, or what run_on_target() has written, in one psql session, pipes the
# output through the command, and returns cmig's exit status
send()
{
	local text=$1 paged=''
	local -a states

	shift
	[ ! -t 1 ] || paged=1
	trap '' INT TERM HUP
	{
		# bash reports on its own standard error that psql was killed, or does not read all
		if [ -n "$on_target" ]; then
			exec <"$watch/text"
			rm -f -- "$watch/text"
			run_psql 2>&1 >&3 3>&- 5>&- | messages 2>&5 3>&- 4>&- 5>&-
			states=(0 "${PIPESTATUS[@]}")
		else
			{ prelude; printf '%s' "$text"; $feed; } | run_psql 2>&1 >&3 3>&- 5>&- | messages 2>&5 3>&- 4>&- 5>&-
			states=("${PIPESTATUS[@]}")
		fi
		case ${states[1]} in
			0) exit "${states[2]}" ;;
			3) check_psql 2>&5; exit 3 ;;
			130) exit 130 ;;
			141) [ -n "$paged" ] || exit 141; exit 0 ;;	# the user quit the pager
			129 | 13[1-9] | 14[0-9])
				say "cmig: psql was ended by signal $((states[1] - 128));" \
					"the server may still be running its statement${newline}HINT:  cmig status" 2>&5
				exit 4 ;;
			*) check_psql 2>&5; exit 4 ;;
		esac
	} 5>&2 2>/dev/null 3>&1 | "$@" 4>&-
	states=("${PIPESTATUS[@]}")
	[ "${states[0]}" -eq 0 ] || return "${states[0]}"
	[ "${states[1]}" -eq 141 ] || return "${states[1]}"
}

# The process id of a running psql; and how run_psql prints it.
psql_pid='' pid_record='%s\n'

# psql_started PID: records the process id of psql, for cancel_psql
psql_started()
{
	psql_pid=$1
	[ -z "${pid_file:-}" ] || printf '%s\n' "$1" >"$pid_file"
}

psql_ended()
{
	psql_pid=''
	[ -z "${pid_file:-}" ] || rm -f "$pid_file"
}

# cancel_psql [SIGNAL]: cancels the statements that this process and its workers run;
# fails if there are none
cancel_psql()
{
	local file pid status=1

	for file in '' ${workers:+"$workers"/*.pid}; do
		pid=$psql_pid
		[ -z "$file" ] || { read -r pid <"$file"; } 2>/dev/null || pid=''
		[ -z "$pid" ] || ! kill -"${1:-INT}" "$pid" 2>/dev/null || status=0
	done
	return $status
}

# terminate STATUS: cancels what is running, and ends cmig, after a signal
terminate()
{
	local turn line

	trap '' INT TERM HUP
	[ -z "${workers:-}" ] || : >"$workers/stop"
	# psql ignores an interrupt between two statements
	for turn in 1 2 3 4 5 6 7 8 9 10; do
		cancel_psql || [ -n "$(jobs -pr)" ] || break	# the jobs are workers
		[ "$turn" -lt 10 ] || cancel_psql KILL
		sleep 0.5
	done
	[ -z "$psql_pid" ] || read -r -t 2 line <&4	# send has printed the messages
	[ -z "$on_target" ] || interrupted_on_target
	if [ -n "${workers:-}" ]; then
		interrupted=1
		(show_results)
		rm -rf "$workers"
	fi
	exit "$1"
} 2>/dev/null

# trap_signals COMMAND: calls the command if cmig receives SIGTERM or SIGHUP.  A worker
# leaves this to its parent.  Within a read that has a timeout, the command must be
# short: when the time is over, bash leaves it.
trap_signals()
{
	[ -z "${pid_file:-}" ] || return 0
	# shellcheck disable=SC2064	# expanded now
	trap "$1 143" TERM
	# shellcheck disable=SC2064
	trap "$1 129" HUP
}

# note_signal STATUS: makes read_line call terminate
terminated=''
note_signal() { terminated=$1; }

# output_lost: ends the process, because standard output could not be written: its reader has ended, or a disk
# is full.  The commands that write would report that themselves, bash with a line of this program.
output_lost()
{
	[ ! -p /dev/stdout ] || exit 141
	fail 2 'the output cannot be written'
}

# out FORMAT TEXT...: prints the text.  Sets the caller's variable "lost" if it cannot be written.
# shellcheck disable=SC2059	# a format
out() { printf "$@" 2>/dev/null || lost=1; }

# Copies standard input to standard output.  If a disk is full, reads the rest, because psql would otherwise
# fail, too.
write_out()
{
	cat 2>/dev/null && return
	[ $? -ne 141 ] || exit 141
	[ -p /dev/stdout ] || cat >/dev/null
	output_lost
}

# Copies standard input to standard output when it has ended: send() has then printed
# all messages.
copy_at_end()
{
	local text

	text=$(cat; printf .)
	printf %s "${text%.}" | write_out
}

# print_only COMMAND...: runs a command that only prints, and ends cmig
print_only() { "$@" 2>/dev/null | write_out; exit "${PIPESTATUS[1]}"; }

# run [COMMAND...]: runs the script in one psql session, and returns cmig's exit
# status.  If a command is given, the output is piped through it.  This process only
# waits, because bash handles signals after a command in the foreground has ended.
run()
{
	local text line=130

	[ -z "$transaction" ] || end_transaction COMMIT
	[ -z "$fed" ] || { feed_script "${1:-write_out}"; return; }
	text=$script script=''
	[ $# -gt 0 ] || set -- ${prints_place:+copy_at_end}
	[ $# -gt 0 ] || set -- write_out
	[ "${BASH_VERSINFO[0]}" -ge 4 ] && trap_signals note_signal || trap_signals terminate
	exec 5>&1
	exec 4< <(exec 4>&1 1>&5 5>&-; send "$text" "$@"; printf '%s\n' $? >&4)
	exec 5>&-
	read_line line <&4
	psql_started "$line"
	read_line line <&4 || line=130
	[ -z "$terminated" ] || terminate "$terminated"
	trap_signals terminate
	psql_ended
	exec 4<&-
	[ -z "$interrupted" ] || return 130
	return "$line"
}

# Copies standard input to standard output, on a terminal through a pager.
page()
{
	local -a words

	read -r -a words <<<"${PAGER:-less}"
	# less would ask whether to go on if the type of the terminal is not known
	if [ -t 1 ] && ! given no-pager && [ "${PAGER:-${TERM:-dumb}}" != dumb ] &&
		command -v "${words[0]:-}" >/dev/null; then
		LESS=${LESS:-FRX} "${words[@]}"
	elif [ "${GITHUB_ACTIONS:-}" = true ] && ! given sql; then
		no_commands
	else
		write_out
	fi
}

