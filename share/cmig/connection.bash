# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# connection.bash
#	  Sets libpq's environment variables from options, .env, and database URLs, and
#	  determines the command that runs psql.  Sourced by cmig.

# read_env FILE: exports the connection settings in the file's lines NAME=VALUE,
# except those that the environment already has.  Does not execute the file.
read_env()
{
	local line name value

	[ -f "$1" ] && [ -r "$1" ] || fail 2 "$1 cannot be read"
	# shellcheck disable=SC2094	# only read
	LC_ALL=C tr -d '\0' <"$1" | cmp -s - "$1" || fail 2 "$1 contains a zero byte"	# such as UTF-16
	while IFS= read -r line || [ -n "$line" ]; do
		trim line "${line%$'\r'}"
		line=${line#export }
		[[ $line =~ ^([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=(.*)$ ]] || continue
		name=${BASH_REMATCH[1]}
		trim value "${BASH_REMATCH[2]}"
		case $value in
			\"*\"*) value=${value#\"}; value=${value%%\"*} ;;
			\'*\'*) value=${value#\'}; value=${value%%\'*} ;;
			*) trim value "${value%%[[:space:]]#*}" ;;
		esac
		case $name in
			DATABASE_URL | PG[A-Z]*) ;;
			POSTGRES_USER | DATABASE_USER) name=PGUSER ;;
			POSTGRES_PASSWORD | DATABASE_PASSWORD) name=PGPASSWORD ;;
			POSTGRES_SERVER | POSTGRES_HOST | DATABASE_HOST) name=PGHOST ;;
			POSTGRES_PORT | DATABASE_PORT) name=PGPORT ;;
			POSTGRES_DB | DATABASE_NAME) name=PGDATABASE ;;
			*) continue ;;
		esac
		[ -n "${!name+set}" ] || export "$name=$value"
	done < <(unmarked "$1")
}

# percent_decode TEXT: prints the text with its %XX sequences decoded; fails if one
# is not valid
percent_decode()
{
	local text=${1//"$backslash"/"$backslash$backslash"}

	[[ ! $1 =~ %([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$) ]] || return 1
	printf '%b' "${text//%/"${backslash}x"}"
}

# NAME=VALUE of what options, a URL, and DATABASE_URL name: see find_psql()
chosen=()
choose() { export "$1=$2"; chosen+=("$1=$2"); }

# conninfo DATABASE: prints a connection string with what was chosen, except passwords, and the
# database, unless that is empty
conninfo()
{
	local variable keyword value

	for variable in ${chosen[@]+"${chosen[@]}"} ${1:+"PGDATABASE=$1"}; do
		value=${variable#*=} variable=${variable%%=*}
		case $variable in
			PGPASSWORD | PGSERVICE) continue ;;
			PGDATABASE) keyword=dbname ;;
			PGAPPNAME) keyword=application_name ;;
			PGCONNECT_TIMEOUT) keyword=connect_timeout ;;
			PGTARGETSESSIONATTRS) keyword=target_session_attrs ;;
			PGCHANNELBINDING) keyword=channel_binding ;;
			PGREQUIREAUTH) keyword=require_auth ;;
			PGLOADBALANCEHOSTS) keyword=load_balance_hosts ;;
			PGSSLMINPROTOCOLVERSION) keyword=ssl_min_protocol_version ;;
			PGSSLMAXPROTOCOLVERSION) keyword=ssl_max_protocol_version ;;
			*) keyword=$(LC_ALL=C tr '[:upper:]' '[:lower:]' <<<"${variable#PG}") ;;
		esac
		value=${value//"$backslash"/"$backslash$backslash"}
		printf "%s='%s' " "$keyword" "${value//"$apostrophe"/"$backslash$apostrophe"}"
	done
}

# set_variable NAME VALUE: exports the variable with the percent-decoded value.  Does
# nothing if the value is empty.  A value from the URL in cmig.conf does not replace
# a variable that the environment already has.
set_variable()
{
	local value

	[ -n "$2" ] || return 0
	[ -z "$of_config" ] || [ -z "${!1+set}" ] || return 0
	value=$(percent_decode "$2") ||
		fail 2 'the database URL has a percent sign that is not followed by two hexadecimal digits'
	if [ -n "$of_config" ]; then export "$1=$value"; else choose "$1" "$value"; fi
}

# connect_url URL: exports the parts of a URL that begins with postgresql://,
# postgres://, or postgresql+driver:// as environment variables.  The URL is not
# passed to psql, because its password would appear in the process title.
connect_url()
{
	local rest=${1#*://} authority parameters='' pair name hosts='' ports='' host

	[[ $1 =~ ^postgres(ql)?(\+[a-z0-9_]+)?:// ]] || fail 2 "the database URL does not begin with postgresql://"
	rest=${rest%%#*}
	[[ $rest != *\?* ]] || { parameters=${rest#*\?}; rest=${rest%%\?*}; }
	authority=${rest%%/*}
	[[ $rest != */* ]] || set_variable PGDATABASE "${rest#*/}"
	if [[ $authority == *@* ]]; then
		name=${authority%@*} authority=${authority##*@}
		set_variable PGUSER "${name%%:*}"
		[[ $name != *:* ]] || set_variable PGPASSWORD "${name#*:}"
	fi
	while [ -n "$authority" ]; do
		host=${authority%%,*}
		[[ $authority == *,* ]] && authority=${authority#*,} || authority=''
		if [[ $host =~ ^\[(.*)\](:([0-9]+))?$ ]]; then
			hosts+=,${BASH_REMATCH[1]} ports+=,${BASH_REMATCH[3]}
		else
			hosts+=,${host%%:*}
			[[ $host == *:* ]] && ports+=,${host##*:} || ports+=,
		fi
	done
	set_variable PGHOST "${hosts#,}"
	[[ $ports =~ ^,*$ ]] || set_variable PGPORT "${ports#,}"
	while [ -n "$parameters" ]; do
		pair=${parameters%%&*}
		[[ $parameters == *\&* ]] && parameters=${parameters#*&} || parameters=''
		url_parameter "${pair%%=*}" "${pair#*=}"
	done
}

# url_parameter NAME VALUE: exports a parameter of the URL.  Ignores parameters that are meant for a
# driver, and those of libpq that have no variable, none of which says whom to trust.
url_parameter()
{
	case $1 in
		user | password | host | hostaddr | port | options | service | passfile | sslmode | sslcert | sslkey | \
		sslrootcert | sslcrl | sslcrldir | sslsni | sslcertmode | sslnegotiation | gssencmode | gsslib | \
		gssdelegation | krbsrvname | requirepeer)
			[ "$1" != sslcertmode ] || require_psql 16 "$1"
			set_variable "PG$(LC_ALL=C tr '[:lower:]' '[:upper:]' <<<"$1")" "$2" ;;
		dbname) set_variable PGDATABASE "$2" ;;
		connect_timeout) set_variable PGCONNECT_TIMEOUT "$2" ;;
		application_name) set_variable PGAPPNAME "$2" ;;
		target_session_attrs) set_variable PGTARGETSESSIONATTRS "$2" ;;
		channel_binding) set_variable PGCHANNELBINDING "$2" ;;
		require_auth) require_psql 16 "$1"; set_variable PGREQUIREAUTH "$2" ;;
		ssl_min_protocol_version) set_variable PGSSLMINPROTOCOLVERSION "$2" ;;
		ssl_max_protocol_version) set_variable PGSSLMAXPROTOCOLVERSION "$2" ;;
		load_balance_hosts) set_variable PGLOADBALANCEHOSTS "$2" ;;
		ssl | requiressl)
			case $2 in
				true | True | 1) set_variable PGSSLMODE require ;;
				false | False | 0) ;;
				*) set_variable PGSSLMODE "$2" ;;
			esac ;;
		*) ! given verbose || say "-- parameter $1 of the URL has no effect in cmig" ;;
	esac
}

# require_psql VERSION PARAMETER: fails if psql is older, whose libpq would ignore the variable of a parameter
require_psql()
{
	[ -z "${CMIG_PSQL:-}" ] || return 0
	[[ $(psql --version 2>/dev/null) =~ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$1" ] ||
		fail 2 "parameter $2 of the database URL requires psql $1 or newer"
}

# is_conninfo TEXT: is it a connection string such as "service=shop", and not a name?
is_conninfo()
{
	local keywords='service|host|hostaddr|port|dbname|user|password|options|passfile|ssl[a-z_]*|channel_binding'

	keywords+='|require_auth'
	[[ $1 =~ ^[[:space:]]*($keywords|application_name|target_session_attrs)[[:space:]]*= ]]
}

# connect_conninfo TEXT: exports the parts of a connection string.  PGDATABASE cannot contain one.
connect_conninfo()
{
	local rest=$1 value
	local text="'([^'\\]|\\\\.)*'|([^'\\[:space:]]|\\\\.)*"
	local pattern="^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*($text)([[:space:]].*|)\$"

	while [[ $rest == *[![:space:]]* ]]; do
		[[ $rest =~ $pattern ]] || fail 2 'the connection string is not valid' \
			"Its form is -d \"host=... dbname=...\"; a value with spaces is between apostrophes."
		value=${BASH_REMATCH[2]} rest=${BASH_REMATCH[5]}
		[[ $value != \'* ]] || { value=${value#\'}; value=${value%\'}; }
		value=$(sed 's/\\\(.\)/\1/g; s/%/%25/g' <<<"$value")
		url_parameter "${BASH_REMATCH[1]}" "$value"
	done
}

# read_line NAME: reads a line from standard input into the variable; fails at the end
# of the input.  If a signal arrives just before read begins to wait, the trap runs only
# after read has returned.  Therefore, it waits for one second at a time.  (Older
# versions of bash do not tell a timeout from the end of the input.)
read_line()
{
	local -a timeout=(-t 1)
	local read_part='' read_so_far='' read_status

	[ "${BASH_VERSINFO[0]}" -ge 4 ] || timeout=()
	until IFS= read -r ${timeout[@]+"${timeout[@]}"} read_part; do
		read_status=$?
		# the time can be over in the middle of a line
		read_so_far+=$read_part
		printf -v "$1" '%s' "$read_so_far"
		[ $read_status -gt 128 ] || return 1
		[ -z "$terminated" ] || [ -z "$psql_pid" ] || terminate "$terminated"
	done
	printf -v "$1" '%s' "$read_so_far$read_part"
}

# Reads the password from the terminal, which does not show it, into PGPASSWORD.  A
# process without a trap reads it, so that Ctrl-C ends the question at any moment.
ask_password()
{
	local saved password

	saved=$(stty -g 2>/dev/null </dev/tty) || fail 2 'there is no terminal to read the password from'
	trap 'interrupted=1' TERM HUP
	stty -echo </dev/tty
	password=$(trap - INT TERM HUP; printf 'Password: ' >&2; IFS= read -r line </dev/tty && printf '%s' "$line")
	stty "$saved" </dev/tty
	trap - TERM HUP
	say
	[ -z "$interrupted" ] || exit 130
	[ -n "$password" ] || fail 2 'no password was typed'
	export PGPASSWORD=$password
}

# Exports the connection settings.  Options take precedence over the environment,
# then .env, then cmig.conf.
DATABASE_OPTION=''
connection()
{
	local database url of_config=''

	! given env || read_env "$(option env)"
	url=${DATABASE_URL:-}
	database=${option_database-}
	if [[ $database == *://* ]]; then
		[[ $database == *://*:*@* || $database == *password=* ]] || DATABASE_OPTION=" -d $(printf %q "$database")"
		url=$database database=''
	elif is_conninfo "$database"; then
		[[ $database == *password* ]] || DATABASE_OPTION=" -d $(printf %q "$database")"
		connect_conninfo "$database"
		database=''
	fi
	[ -n "$url" ] || { url=${config_database_url:-} of_config=1; }
	[ -z "$url" ] || connect_url "$url"
	[ -z "$database" ] || { choose PGDATABASE "$database"; printf -v DATABASE_OPTION ' -d %q' "$database"; }
	! given username || choose PGUSER "$option_username"
	! given host || choose PGHOST "$option_host"
	! given port || choose PGPORT "$option_port"
	! given password || ask_password
	[ "$verb" = import ] || unset DATABASE_URL
	export PGAPPNAME=${PGAPPNAME:-cmig} PGCONNECT_TIMEOUT=${PGCONNECT_TIMEOUT:-10}
}

# Fails if psql has failed because it is too old.  Only then does cmig need to know its version.
check_psql()
{
	local version

	[ -z "${CMIG_PSQL:-}" ] || return 0
	version=$(psql --version 2>&1) || fail 4 "psql cannot be run: $version"
	[[ $version =~ ([0-9]+)[^0-9] ]] && [ "${BASH_REMATCH[1]}" -ge 11 ] ||
		fail 4 "psql 11 or newer is required; this is $version"
}

# Sets psql to the command that runs psql, and its arguments.  CMIG_PSQL can be, for
# example, "docker compose exec -T db psql -U postgres".  A psql in a container
# does not see this shell's environment, so the database is passed as an argument.  In libpq,
# the file of a service takes precedence over variables, and only arguments over it: the array "service"
# has those of what was chosen.
psql=() service=()
find_psql()
{
	local database

	service=()
	read -r -a psql <<<"${CMIG_PSQL:-psql}"
	command -v -- "${psql[0]}" >/dev/null ||
		fail 4 "${psql[0]} is not installed" 'On Debian: apt install postgresql-client'
	if [ -n "${CMIG_PSQL:-}" ] && [ -n "${option_database-}" ]; then
		database=${PGDATABASE//"$backslash"/"$backslash$backslash"}
		psql+=(-d "dbname='${database//"$apostrophe"/"$backslash$apostrophe"}'")
	elif [ -z "${CMIG_PSQL:-}" ] && [ -n "${PGSERVICE:-}" ] && [ ${#chosen[@]} -gt 0 ]; then
		service=(-d "$(conninfo '')")
		psql+=("${service[@]}")
	fi
	psql+=(-X -q -v ON_ERROR_STOP=1)
	# without a terminal, turn off the password prompt, for which psql would read
	# the first line of the script
	{ : </dev/tty; } 2>/dev/null || psql+=(-w)
}

