# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2034,SC2153,SC2154
#
# engine.bash
#	  Databases without the extension: another server, the engine, has it and generates the
#	  scripts that psql runs in the database.  Sourced by cmig.
#
# Each call of cmig creates a database of its own in the engine, copies into it what the
# database's schema cmig_engine contains, and for verbs that look at the schema also the
# schema, and drops it at the end.  So the database has all that lasts.

# The verbs that need only the state, and those that need the schema, too.
ENGINE_VERBS=' branches check current downgrade edit export graph heads history import load log merge plan remove '
ENGINE_VERBS+='require reset revision script show stamp status upgrade verify wait '
ENGINE_SCHEMA_VERBS=' audit-script baseline capture diff drift dry-run lint locate preflight round-trip squash '
ENGINE_SCHEMA_VERBS+='workload-check '

# The options that need the extension in the database.
ENGINE_REFUSED='scope scopes in-doubt check-workload probe expand'

# The superuser of a local engine, the role that does all that a verb does, and the one that
# copies schemas.  Code of the database's roles runs while its schema is copied, so that role
# can become none of the others, and can use nothing that remains.
ENGINE_SUPERUSER=cmig_engine_superuser ENGINE_ROLE=cmig_engine_owner ENGINE_COPIER=cmig_engine_copier

# a pattern for these, and for roles that no user has created
OWN_ROLES='^(pg_|cmig_engine_(secret|creator|owner|copier|superuser)$)'

# The format of the tables in cmig_engine (see src/move/internal.h), and those of the database: a
# number, or the name of another tool's table, or nothing.
ENGINE_FORMAT=2
engine_format=''

engine='' engine_folder='' engine_database='' engine_major='' engine_target=''
engine_limit='' engine_protect='' engine_messages=C engine_settings='' engine_names='' engine_running=''
engine_activity=[]
engine_password='' copier_password='' engine_unwritable=''
engine_environment=() target_environment=() target_psql=() as_server=() locked=0

# What "cmig help engine" shows; doc/managed.md has the same table.
engine_help()
{
	local refused=--${ENGINE_REFUSED// /, --} verbs=${ENGINE_VERBS% } schema_verbs=${ENGINE_SCHEMA_VERBS% }

	printf '%s\n' 'usage: cmig --engine WHERE VERB, or "engine = WHERE" in cmig.conf' \
		'For a database without the extension.  WHERE is local, or the URL of a server that has pg_cmig.' '' \
		"With the state of the database:${verbs// /, }" '' \
		"With a copy of its schema, without rows:${schema_verbs// /, }, revision --autogenerate, "\
'check --ci, check --target' '' \
		'In revisions, as the statements that they run, each call alone in its statement: '\
'cmig.enable_rls, enable_rls_schema, disable_rls, add_not_null, add_check, add_foreign_key, add_unique, '\
'backfill with where_sql' '' \
		'Without a database: ddl-script, folders, list-templates, demo, help' '' \
		"Not without the extension in the database: the other verbs and functions, $refused" | sed 's/:, /: /' |
			fold -s -w "$columns"
}

# Extensions in C whose functions reach outside of the database: their members are stubs, too,
# as those of all extensions with a foreign-data wrapper, or with an untrusted language, such
# as plproxy.
ENGINE_STUBS='^(dblink|adminpack|http|pg_net|pg_cron|aws_.*|azure_.*|pg_cmig)$'

# The settings that change what literals mean; where scripts run, each has its value at login.
ENGINE_SETTINGS="'array_nulls', 'bytea_output', 'datestyle', 'default_text_search_config', 'extra_float_digits',
	'gin_fuzzy_search_limit', 'intervalstyle',
	'quote_all_identifiers', 'timezone', 'timezone_abbreviations', 'transform_null_equals', 'xmlbinary', 'xmloption'"

# A query: what is stored for the database in the engine
ENGINE_STORED="SELECT coalesce((SELECT setconfig::pg_catalog.text FROM pg_catalog.pg_db_role_setting
	WHERE setrole = 0
		AND setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())), '')"

# A query for the process that has the lock of runs, or NULL
RUNNER="SELECT min(l.pid) AS pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
	WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
		AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('pg_cmig cmig_engine.version', 0)"

# A condition on a row n of pg_namespace: is it a schema of the service, in which the role
# owns nothing?
FOREIGN_SCHEMA="(n.nspname !~ '^(pg_|information_schema\$|cmig_engine(_ddl)?\$|public\$)'
	AND NOT pg_has_role(n.nspowner, 'USAGE')
	AND NOT EXISTS (SELECT FROM pg_class o WHERE o.relnamespace = n.oid AND pg_has_role(o.relowner, 'USAGE')))"

# A query for the tables of the database and what belongs to them: a JSON object with a value
# for each one that is another after each change, but not after TRUNCATE or VACUUM, which an
# application may run again and again.
SEEN_TABLES="SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM (
	SELECT t.oid::regclass::text AS name,
		hashtextextended(string_agg(concat_ws(' ', x.*), ',' ORDER BY x.kind, x.id), 0) AS value
	FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace JOIN (
		SELECT oid AS of, 'c' AS kind, oid::bigint AS id, md5((to_jsonb(c) - '{relfilenode,reltoastrelid,relpages,
			reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relhasindex,relhasrules,relhastriggers,
			relhassubclass}'::text[])::text) AS value
		FROM pg_class c WHERE relkind IN ('r', 'p')
		UNION ALL SELECT attrelid, 'a', attnum, xmin::text FROM pg_attribute
		UNION ALL SELECT conrelid, 'r', oid::bigint, xmin::text FROM pg_constraint
		UNION ALL SELECT indrelid, 'i', indexrelid::bigint, xmin::text FROM pg_index
		UNION ALL SELECT inhrelid, 'h', inhparent::bigint, xmin::text FROM pg_inherits
		UNION ALL SELECT polrelid, 'p', oid::bigint, xmin::text FROM pg_policy
		UNION ALL SELECT tgrelid, 't', oid::bigint, xmin::text FROM pg_trigger) x ON x.of = t.oid
	WHERE t.relkind IN ('r', 'p') AND t.relpersistence <> 't'
		AND n.nspname !~ '^(pg_|information_schema\$|cmig_engine(_ddl)?\$)' AND NOT $FOREIGN_SCHEMA
	GROUP BY t.oid) seen"

# Unsets the variables of libpq.
# shellcheck disable=SC2086	# names
unset_libpq() { unset ${!PG@}; }

# begin_engine: uses the engine for the verb
begin_engine()
{
	local name looks=''

	[[ $option_engine = local || $option_engine =~ ^postgres(ql)?(\+[a-z0-9_]+)?:// ]] ||
		fail 2 "engine must be local, or a URL that begins with postgresql://; it is \"${option_engine//:*@/:...@}\"" \
			'Leave it out if the database has the extension.'
	case $verb,${arguments[0]-} in init,* | import,alembic | import,django) given state || return 0 ;; esac
	if [ "$verb" = import ] && { given state || [ ${#arguments[@]} -eq 0 ]; }; then
		[ "${arguments[0]-}" != engine ] || typed history-table ||
			fail 2 'import engine --state is for a database with the extension' \
				'Remove the line "engine" from cmig.conf.'
		looks=1
	elif [[ $ENGINE_SCHEMA_VERBS == *" $verb "* ]] || given autogenerate || given dry-run || given preflight ||
		{ [ "$verb" = check ] && { given target || given ci; }; }; then
		looks=1
	elif [[ "$ENGINE_VERBS help " != *" $verb "* ]]; then
		fail 2 "$verb requires the extension in the database" 'cmig help engine lists what an engine can do'
	fi
	! given no-facts || looks=''
	[ "$verb" = lint ] || ENGINE_REFUSED+=' rehearse'
	for name in $ENGINE_REFUSED; do
		! given "$name" || fail 2 "--$name requires the extension in the database" \
			'cmig help engine lists what an engine can do'
	done
	! given state || [ "$verb" != export ] || fail 2 'export engine --state is for a database with the extension' \
		'Remove the line "engine" from cmig.conf.'
	at_end=end_engine
	target_psql=("${psql[@]}")
	[ "$verb" != wait ] || check_timeout
	for name in "${!PG@}"; do target_environment+=("$name=${!name}"); done
	while [ "$verb" = wait ] && [ $SECONDS -lt "$option_timeout" ] &&
		! on_target "${target_psql[@]}" -c '' >/dev/null 2>&1; do sleep 1; done
	# converting files, and help, need no database
	if [[ $verb == @(import|help) ]] && [ -z "$looks" ]; then engine_major=-1 engine_state='{}'; else read_target; fi
	if [ "$option_engine" = local ]; then start_engine; else find_engine; fi
	# with the sizes of the tables, if that can be
	[ "$verb" != plan ] || ! can_copy || looks=1
	case $verb in
		upgrade | downgrade | reset | script | verify)
			[ "$engine_version" -ge "$engine_major" ] ||
				fail 2 "$verb requires an engine of PostgreSQL $engine_major, the version of the database, or later" ;;
	esac
	create_copy "$looks"
}

# on_target COMMAND...: runs a command that connects to the database
on_target() { in_environment ${target_environment[@]+"${target_environment[@]}"} -- "$@"; }

# in_environment NAME=VALUE... -- COMMAND...: runs a command with these variables, and no other
# one of libpq.  The encoding, which the owner of the database could set, decides where psql sees
# the end of a string: one in which an apostrophe can be a part of a character would have
# psql run commands that are in a name.  A psql in a container needs \encoding in the script.
in_environment()
{
	# bash reports on its own standard error that the command was killed
	{
		(
			unset_libpq
			while [ "$1" != -- ]; do export "${1?}"; shift; done
			shift
			export PGCLIENTENCODING=UTF8
			exec "$@" 2>&5 5>&-
		)
	} 5>&2 2>/dev/null
}

# ask_target FILE|- [VARIABLE VALUE]...: prints what share/cmig/FILE.sql, or standard input, finds in the
# database.  All that cmig itself runs there begins here, which make check-layers enforces: in a
# transaction in which a name without a schema is one of pg_catalog, whatever search_path and isolation
# level the database has.  The text ends the transaction.
ask_target()
{
	local file=${here%/*}/share/cmig/$1.sql

	[ "$1" != - ] || file=-
	{
		of_variables "${@:2}"
		printf '%s \\;\n' "$READ_COMMITTED $target_access" "${PINNED%;}"
		cat -- "$file"
	} 2>/dev/null | on_target "${target_psql[@]}" -At
}
target_access='READ ONLY'

# of_file NAME [VARIABLE VALUE]...: prints share/cmig/NAME.sql, after what sets psql's variables
of_file()
{
	of_variables "${@:2}"
	cat -- "${here%/*}/share/cmig/$1.sql"
}

# of_variables [VARIABLE VALUE]...: prints what sets psql's variables
of_variables()
{
	printf '\\encoding UTF8\n'
	while [ $# -gt 0 ]; do quote "$2"; printf '\\set %s %s\n' "$1" "$QUOTED"; shift 2; done
}

# read_target [again]: reads the state of the database: its major version, its name, and a
# JSON object, and warns about it, unless it is read again.  Only tables of roles that could do
# anything anyway are read, because the owner of a table can add code that runs when somebody
# reads it.
read_target()
{
	local lines name other installed lacks errors status
	local -a doubt=()

	temporary errors file
	# no round trip of their own for the placeholders that the files name
	[ $# -gt 0 ] || engine_names=$(find "${folders[@]}" -name '*.sql' -exec awk '/^-- placeholders:/ {
		count = split($0, name, /[^a-z0-9_]+/)
		for (i = 1; i <= count; i++) if (name[i] != "" && !seen[name[i]]++) print name[i] }' {} + 2>/dev/null)
	use_shape
	lines=$(target_access='' ask_target engine_state lock "$LOCK_STATE" shape "$SHAPE" runner "$RUNNER" \
		own "$OWN_ROLES" again "$([ $# -eq 0 ] && echo false || echo true)" names "$engine_names" 2>"$errors")
	status=$?
	while IFS= read -r name; do
		LINE=$name
		[[ $name != 'psql: error: '* ]] || connection_error "$name"
		say "$LINE"
	done <"$errors"
	[ $status -lt 128 ] || say "cmig: psql was ended by signal $((status - 128))"
	[ $status -eq 0 ] || exit 4
	read -r engine_major installed engine_running lacks <<<"${lines%%"$newline"*}"
	lines=${lines#*"$newline"}
	read -r engine_messages engine_limit engine_protect <<<"${lines%%"$newline"*}"
	lines=${lines#*"$newline"}
	for name in role search_path; do
		[[ " ${settings[*]-}" == *" cmig.$name="* ]] || default_setting "$name" "${lines%%"$newline"*}"
		lines=${lines#*"$newline"}
	done
	engine_target=${lines%%"$newline"*} other='' engine_activity='' engine_state=''
	# not by a pattern, which would take quadratic time for the last line, the state
	while IFS= read -r name; do
		other=$engine_activity engine_activity=$engine_state engine_state=$name
	done < <(printf '%s\n' "${lines#*"$newline"}")
	[ "$installed" != t ] || fail 2 'the database has the extension, so it needs no engine' \
		'Remove the line "engine" from cmig.conf.'
	visible "${lacks#* }"
	case $lacks in
		misshapen*)
			visible "${lacks#*$'\x1f'}"
			other=$VISIBLE
			name=${lacks#* }
			visible "${name%%$'\x1f'*}"
			fail 3 "$VISIBLE" "$other" ;;
		refused*) fail 3 'schema cmig_engine or one of its tables belongs to another role' "$VISIBLE" ;;
		unreadable*) fail 3 'the role may not read the tables in schema cmig_engine' "$VISIBLE" ;;
		unwritable*) engine_unwritable=$VISIBLE ;;
		unknown) doubt=('the table cmig_engine.version is missing' \
			'cmig locate finds the revision; then: cmig stamp <revision>') ;;
	esac
	[ "$engine_major" -ge 15 ] || fail 2 "the database has PostgreSQL $engine_major; 15 or later is required"
	case $other in
		'' | "$ENGINE_FORMAT" | *_version) ;;
		*_version\ *)
			visible "${other#* }"
			name="ALTER TABLE public.${other%% *} OWNER TO CURRENT_USER"
			doubt=("the table ${other%% *} is not trusted, because it belongs to role $VISIBLE"
				"If it has the state of this database, as a superuser: $name. If not: cmig stamp base")
			other='' ;;
		0) fail 3 'the extension has taken over the state in schema cmig_engine' \
			'With the extension: cmig export engine --state. '\
"Without it, the state is that of then: INSERT INTO cmig_engine.format VALUES ($ENGINE_FORMAT). "\
'After that, cmig locate finds the revision; then: cmig stamp <revision>' ;;
		*) [ "$other" -lt "$ENGINE_FORMAT" ] || fail 3 \
			"schema cmig_engine has format $other, of a newer version of pg_cmig than $VERSION" \
				'Update pg_cmig and cmig.' ;;
	esac
	engine_format=$other
	[ $# -eq 0 ] || return 0
	# no run begins at base where anything says that this may be wrong
	[ ${#doubt[@]} -eq 0 ] || case $verb in
		upgrade | downgrade | reset | script) fail 3 "${doubt[@]}" ;;
		stamp) ;;
		*) warning "${doubt[@]}" ;;
	esac
	[[ $verb != @(stamp|status) ]] || return 0
	if [ "$engine_running" != t ] && [[ $engine_state =~ \"progress\":\ \[\{[^}]*\"revision\":\ \"([^\"]*)\" ]]; then
		visible "${BASH_REMATCH[1]}"
		warning "revision $VISIBLE is partially applied: a run was interrupted" \
			'cmig status'
	fi
}

# Fails if the role can only read the state.
require_writable()
{
	[ -z "$engine_unwritable" ] ||
		fail 3 'the role may not change the tables in schema cmig_engine' "$engine_unwritable"
}

# find_programs PROGRAM: sets engine to the folder of the program, of the database's major
# version if there is one, and engine_version to its major version, or to 0.  Each program is
# looked for once, because it takes long to ask a server for its version.
find_programs()
{
	local folder version newest=0 found=found_$1 installed=''

	if [ -n "${!found-}" ]; then
		engine=${!found#* } engine_version=${!found%% *}
		return
	fi
	for folder in "$here" pg_config PATH /usr/lib/postgresql/*/bin; do
		case $folder in
			pg_config)
				installed=$(pg_config --bindir --version 2>/dev/null) || continue
				folder=${installed%%"$newline"*} ;;
			PATH) folder=$(command -v -- "$1") && folder=${folder%/*} || continue ;;
		esac
		[ -x "$folder/$1" ] && { [ "$1" != postgres ] || [ -x "$folder/initdb" ]; } || continue
		# pg_config is the fastest of the programs to start
		version=${installed#"$folder$newline"}
		[ "$version" != "$installed" ] || version=$("$folder/$1" --version)
		[[ $version =~ \ ([0-9]+) ]] && version=${BASH_REMATCH[1]} || continue
		[ "$version" -eq "$engine_major" ] || [ "$version" -gt "$newest" ] || continue
		engine=$folder newest=$version
		[ "$version" -ne "$engine_major" ] || break
	done
	engine_version=$newest
	printf -v "$found" '%s' "$newest $engine"
}

# Uses the server that the option names.  Databases that killed runs have left there are
# dropped after a day.
find_engine()
{
	local name lines

	# the last line shows that the URL is valid
	while IFS= read -r -d '' name; do engine_environment+=("$name"); done < <(
		unset_libpq
		of_config='' PGCONNECT_TIMEOUT=10
		connect_url "$option_engine"
		[ -z "${PGSERVICE:-}" ] || fail 2 'the URL of an engine cannot name a service' \
			'The file of the service would choose the role of each session. Write the host into the URL.'
		for name in "${!PG@}"; do printf '%s=%s\0' "$name" "${!name}"; done)
	[ ${#engine_environment[@]} -gt 0 ] || exit 2
	lines=$(engine_psql <<-'END'
		SELECT current_setting('server_version_num')::integer / 10000 AS major, rolsuper AS super,
			EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'pg_cmig'
				AND version = :'version') AS known FROM pg_roles WHERE rolname = current_user \gset
		\echo :major :super :known
		\if :super
		\set ON_ERROR_STOP off
		SET statement_timeout = '10s'; -- see drop_copy()
		SELECT format('DROP DATABASE IF EXISTS %I', datname) FROM pg_database d WHERE datname ~ '^cmig_copy_[0-9]+$'
			AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = d.oid)
			AND (pg_stat_file(format('base/%s/PG_VERSION', d.oid), true)).modification < now() - interval '1 day' \gexec
		\endif
	END
	) || fail 4 'the engine cannot be reached'
	read -r engine_version name lines <<<"$lines"
	[ "$name" = t ] || fail 2 'the role of the engine is not a superuser' \
		'Use a server that is there only for this, because cmig creates databases and roles in it: doc/managed.md'
	[ "$lines" = t ] || fail 2 "the engine does not have pg_cmig $VERSION, the version of this cmig" \
		'Install it there: README.md'
}

# last_error LOG: prints the last error in a log of the server, for a message
last_error() { grep -hoE '(FATAL|PANIC|error): .*' -- "$1" 2>/dev/null | tail -n 1 | sed 's/^[^:]*: */: /'; }

# low_limit HINT: prints a hint about the limits of this shell that are lower than what a server can need, or else
# the other hint
low_limit()
{
	local limit value low='' raise=''

	for limit in f:100000 v:1000000 d:1000000 n:256 s:1024 u:100 t:100000; do
		value=$(ulimit "-${limit%:*}" 2>/dev/null)
		[[ ! $value =~ ^[0-9]+$ ]] || [ "$value" -ge "${limit#*:}" ] || {
			low+=" -${limit%:*} $value"
			raise+=" -${limit%:*} unlimited"
		}
	done
	if [ -z "$low" ]; then printf '%s' "$1"; else
		printf '%s' "The limits of this shell are low: ulimit$low. To raise them: ulimit${raise/-n unlimited/-n 1024}"
	fi
}

# Is the disk of a local engine full?  Its log could not be written then, either, and initdb removes what it has
# written before it ends.
is_full()
{
	local free

	! tail -n 20 -- "$engine_folder/log" 2>/dev/null | grep -q 'No space left on device' || return 0
	free=$(df -Pk -- "$engine_folder" 2>/dev/null | awk 'NR == 2 { print $4 }')
	[[ ! $free =~ ^[0-9]+$ ]] || [ "$free" -ge 65536 ] || return 0
	# shellcheck disable=SC2016	# of the other shell
	! ${as_server[@]+"${as_server[@]}"} sh -c 'head -c 1000000 /dev/zero >"$1/probe"; status=$?; rm -f -- "$1/probe"
		exit $status' sh "$engine_folder" 2>/dev/null
}

# engine_unusable MESSAGE: ends cmig with the reason, if it is known, and with what can be typed
engine_unusable()
{
	local reason hint

	reason=$(last_error "$engine_folder/log")
	hint=$(low_limit '')
	[ -z "$hint" ] || fail 2 "$1$reason" "$hint"
	! is_full || fail 2 "$1: $engine_folder cannot be written, or its disk is full" \
		'Free space there, or set XDG_CACHE_HOME to another folder.'
	fail 2 "$1${reason:-: the folder $engine_folder may be damaged}" \
		"Its messages are in $engine_folder/log. Nothing that lasts is there: rm -r $(printf %q "$engine_folder")"
}

# Removes the lock files of a local engine that was killed, or of before a restart of the machine,
# if another process has its id now: the server would take that for a running one.
remove_stale()
{
	local pid word words=''

	read -r pid 2>/dev/null <"$engine_folder/data/postmaster.pid" && kill -0 "$pid" 2>/dev/null || return 0
	{ IFS= read -r -d '' word <"/proc/$pid/cmdline" || word=; } 2>/dev/null
	if [ -n "$word" ]; then
		while IFS= read -r -d '' word; do words+=" $word"; done <"/proc/$pid/cmdline"
	else
		words=$(ps -o args= -p "$pid" 2>/dev/null)
	fi
	[[ $words == *"$engine_folder/data"* ]] ||
		${as_server[@]+"${as_server[@]}"} rm -f -- "$engine_folder/data/postmaster.pid" "$engine_folder"/.s.PGSQL.*
}

# Does the local server run?  Its lock file is not that of another process; see remove_stale.
is_started()
{
	local pid

	read -r pid <"$engine_folder/data/postmaster.pid" && kill -0 "$pid"
} 2>/dev/null

# protect FOLDER: makes the folder, which must be one of the current user, unreadable for others
protect() { [ -O "$1" ] && [ ! -h "$1" ] && chmod go-rwx -- "$1"; }

# Starts the local server, unless another cmig has done so.  It runs as long as a process has
# a shared lock on the file "users", and ends after that, even if cmig was killed.
start_engine()
{
	local cache=${XDG_CACHE_HOME:-} log folder state started='' tries=0

	# a relative path does not count, says the specification of XDG
	[[ $cache = /* ]] || cache=${HOME:-/nonexistent}/.cache

	find_programs postgres
	[ "$engine_version" -gt 0 ] || fail 2 'engine = local requires a PostgreSQL server with pg_cmig on this machine' \
		"$(low_limit 'Install the server and the extension: README.md')"
	command -v flock >/dev/null && command -v setsid >/dev/null ||
		fail 2 'engine = local requires flock and setsid' 'On Debian: apt install util-linux'
	if [ "$EUID" -eq 0 ]; then
		id postgres >/dev/null 2>&1 || fail 2 'the engine cannot run as root' 'Run cmig as another user.'
		as_server=(runuser -u postgres --) cache=/var/cache
	fi
	engine_folder=$cache/cmig/engine-$engine_version
	[ ${#engine_folder} -lt 85 ] || fail 2 "the name of the folder $engine_folder is too long for a socket" \
		'Set XDG_CACHE_HOME to a shorter one.'
	[[ $engine_folder != *,* ]] ||
		fail 2 "the name of the folder $engine_folder contains a comma" \
		'Set XDG_CACHE_HOME to another one: to libpq, a comma separates hosts.'
	# pg_ctl puts the name into a command of a shell
	[[ $engine_folder != *[\"\$\`\\$newline]* ]] ||
		fail 2 "the name of the folder $(printf %q "$engine_folder") contains a special character of the shell" \
		'Set XDG_CACHE_HOME to another one.'
	{ [ -d "$cache/cmig" ] || mkdir -p -- "$cache/cmig"; } &&
		{ [ ${#as_server[@]} -eq 0 ] || chown -h postgres: "$cache/cmig"; } &&
		{ [ -d "$engine_folder" ] || ${as_server[@]+"${as_server[@]}"} mkdir -p -m 700 -- "$engine_folder"; } ||
			fail 2 "the folder $engine_folder cannot be created" 'Set XDG_CACHE_HOME to a folder of your own.'
	# where others can write, such as in /tmp, they could have made it, with a server of theirs
	for folder in "$cache/cmig" "$engine_folder"; do
		if [ ${#as_server[@]} -eq 0 ]; then
			protect "$folder"
		else
			"${as_server[@]}" bash -c "$(declare -f protect); protect \"\$1\"" bash "$folder"
		fi ||
			fail 2 "the folder $folder belongs to another user, or is a symbolic link" \
				'Remove it, or set XDG_CACHE_HOME to a folder of your own.'
	done
	log=$engine_folder/log
	engine_environment=("PGHOST=$engine_folder" PGPORT=5432 "PGUSER=$ENGINE_SUPERUSER" PGDATABASE=postgres)
	# as root, nothing is opened for writing in the folder of another user, who could put links there
	if [ ${#as_server[@]} -eq 0 ]; then
		exec 7>>"$engine_folder/users" 8>>"$engine_folder/start"
	else
		{ [ -e "$engine_folder/users" ] && [ -e "$engine_folder/start" ] ||
			"${as_server[@]}" touch -- "$engine_folder/users" "$engine_folder/start"; } &&
			exec 7<"$engine_folder/users" 8<"$engine_folder/start"
	fi || engine_unusable 'the engine cannot be started'
	flock 8
	flock -s 7
	remove_stale
	# stop it when no process has the lock any more, also if this one is killed before the server has
	# started, which pg_ctl waits for; what stops it must not have the lock
	(
		exec 3>&- 4>&- 5>&- 7>&- 8>&- >/dev/null 2>&1 </dev/null
		trap '' INT HUP TERM
		exec setsid ${as_server[@]+"${as_server[@]}"} flock "$engine_folder/users" \
			"$engine/pg_ctl" -s -m immediate -D "$engine_folder/data" stop
	) &
	disown
	# what initdb has left, if it was killed, may look like a server
	if [ ! -f "$engine_folder/complete" ] || ! is_started; then
		[ -f "$engine_folder/data/PG_VERSION" ] && [ -f "$engine_folder/complete" ] || {
			${as_server[@]+"${as_server[@]}"} rm -rf -- "$engine_folder/data" "$engine_folder/complete"
			# shellcheck disable=SC2016	# of the other shell
			in_environment -- ${as_server[@]+"${as_server[@]}"} sh -c 'exec "$@" >/dev/null 2>"$0"' "$log" \
				"$engine/initdb" -D "$engine_folder/data" -U \
				"$ENGINE_SUPERUSER" -A trust -E UTF8 --no-locale -N 7>&- &&
				${as_server[@]+"${as_server[@]}"} touch "$engine_folder/complete" ||
				engine_unusable 'initdb failed'
		}
		${as_server[@]+"${as_server[@]}"} rm -f -- "$log" 2>/dev/null
		# its options are a part of a command of a shell, and therefore in one line
		(
			trap '' INT
			# other processes of its user can read the environment of the server
			unset DATABASE_URL PGPASSWORD
			in_environment -- ${as_server[@]+"${as_server[@]}"} "$engine/pg_ctl" -s -w -D "$engine_folder/data" \
				-l "$log" -o \
				"-c port=5432 -c listen_addresses= -c unix_socket_directories=.. -c fsync=off -c autovacuum=off \
-c max_connections=50 -c shared_buffers=32MB -c max_locks_per_transaction=1024 -c jit=off \
-c wal_level=minimal -c max_wal_senders=0 -c unix_socket_permissions=0700 7>&-" \
				start >/dev/null 2>&1 </dev/null 8>&-
		) || is_started || engine_unusable 'the engine cannot be started'
		started=1
	fi
	# another cmig, which was killed, may have just begun to start it
	until { state=$(<"$engine_folder/data/postmaster.pid"); } 2>/dev/null
		[[ ${state##*"$newline"} == ready* ]] || [ $((tries++)) -ge 300 ]; do sleep 0.2; done
	# what killed runs have left is dropped before another cmig can create a database: the file "start"
	# remains locked until then
	leftovers=''
	[ -z "$started" ] || leftovers="SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
WHERE datname ~ '^cmig_(copy|demo)_[0-9]+\$' \\gexec$newline"
	[ -n "$leftovers" ] || exec 8>&-
}

# engine_psql OPTION...: runs psql in the engine, as its superuser or engine_user.  No object of
# the database's roles can hide a function of PostgreSQL there.
engine_psql()
{
	local password=$engine_password
	local -a as=()

	[ "${engine_user:-}" != "$ENGINE_COPIER" ] || password=$copier_password
	[ -z "${engine_user:-}" ] || as=("PGUSER=$engine_user" "PGPASSWORD=$password")
	in_environment "${engine_environment[@]}" ${as[@]+"${as[@]}"} PGAPPNAME=cmig LC_MESSAGES=C \
		'PGOPTIONS=-c search_path=pg_catalog,pg_temp' -- psql -X -q -At -w -v ON_ERROR_STOP=1 \
		-v role="$ENGINE_ROLE" -v copier="$ENGINE_COPIER" -v version="$VERSION" "$@" 7>&- 8>&-
}

# Can the schema be copied?
can_copy()
{
	local engine=$engine engine_version=$engine_version

	[ "$engine_version" -eq "$engine_major" ] || return
	find_programs pg_dump
	[ "$engine_version" -eq "$engine_major" ]
}

# create_copy LOOKS: creates the database in the engine, and uses it in place of the target
copied='' leftovers=''
create_copy()
{
	local name is_known=1 strategy=wal_log

	# without fsync, copying files takes less time
	[ "$option_engine" != local ] || strategy=file_copy
	# several workers can have the same $$
	printf -v engine_database 'cmig_copy_%010d%05d%05d' "${BASHPID:-$$}" $RANDOM $RANDOM
	name=$({ printf '%s' "$leftovers"
		of_file engine_create database "$engine_database" strategy "$strategy" state "$engine_state"
		printf '%s\n' '\connect :"database"' 'SET SESSION AUTHORIZATION :role;' "$STORE_STATE"; } | engine_psql) || {
		[ -z "$name" ] || fail 2 'the engine cannot use the state of the database'
		[ -z "$engine_folder" ] || ! is_full ||
			engine_unusable 'the engine cannot create a database with the extension pg_cmig'
		fail 2 'the engine cannot create a database with the extension pg_cmig' \
			"${engine_folder:+$(low_limit "Its messages are in $engine_folder/log")}"
	}
	exec 8>&-
	leftovers=''
	read -r engine_password copier_password <<<"$name"
	engine_settings='' copied=$1
	[ -z "$1" ] || copy_schema "$([ "$verb" != plan ] || echo 1)" || copied=''
	[ "$verb" != import ] || [ -z "$1" ] || copy_tool_tables
	[ "$verb" != workload-check ] || read_workload
	unset_libpq
	chosen=()
	for name in "${engine_environment[@]}"; do export "${name?}"; done
	export PGUSER=$ENGINE_ROLE PGPASSWORD=$engine_password PGDATABASE=$engine_database PGAPPNAME=cmig
	use_options
	psql=(psql -X -q -w -v ON_ERROR_STOP=1)
	hints=engine
	variable cmig_database "$engine_target"
	CURRENT_DATABASE=":'cmig_database'"
	# to compare the files with what ran
	[ "$verb" != load ] || restore_files
	if [ -d "${folders[0]}" ] && [[ $verb != @(load|import|help) ]]; then
		find_files
		begin; load_files
		# the verb itself tells what is wrong with the files or the options
		if given no-load; then
			restore_files || is_known=''
		elif [[ $engine_format != *_version || $verb == stamp ]] && complete_copy 1; then
			return
		elif script='' transaction=''; begin; load_files; ! run 2>/dev/null; then
			restore_files
			is_known=''
		fi
		[[ $engine_format != *_version || $verb == stamp ]] || take_over
		complete_copy "$is_known" || fail 2 'the engine cannot be used'
	fi
}

# The statements that set who has stored each revision, and when: who has run it in the database, or, as if
# that had the extension, who looks at it now.  They print whether a current revision has no file, and then
# the names and values of placeholders.
COMPLETE="UPDATE cmig.revision r SET created_by = coalesce(j.role, (:'state'::jsonb ->> 'role')::name),
	created_at = least(r.created_at, j.started_at)
FROM cmig.revision o LEFT JOIN LATERAL (SELECT role, started_at FROM cmig.journal
	WHERE revision = o.revision AND outcome = 'done' AND direction IN ('upgrade', 'stamp', 'repair')
	ORDER BY id DESC LIMIT 1) j ON true
WHERE o.revision = r.revision;
SELECT EXISTS (SELECT FROM cmig.version v WHERE NOT EXISTS (
	SELECT FROM cmig.revision r WHERE r.revision = v.revision OR v.revision = ANY (r.replaces)));
SELECT jsonb_agg(DISTINCT name) FROM cmig.revision, unnest(placeholders) p, split_part(p, ' ', 1) name
WHERE name <> ALL (string_to_array(:'names', E'\\n'));
SELECT string_agg(format(' -c cmig_var.%s=%s', key, regexp_replace(value, '([\\\\\\s])', '\\\\\\1', 'g')), '')
FROM jsonb_each_text(:'state'::jsonb -> 'vars');"

# complete_copy KNOWN: completes the revisions, at the end of the script, if that is in a transaction.  Looks
# for current revisions without a file, if KNOWN is not empty.  Sets the values of placeholders that sessions
# in the database have, for example by ALTER ROLE: the state has those that the files name; revisions that
# have no files can have others.
complete_copy()
{
	local lines unknown others status number=${#names[@]}

	if [ -n "$transaction" ]; then
		variable state "$engine_state"
		variable names "$engine_names"
		add_plain
		add "$COMPLETE"
		lines=$(run 2>/dev/null)
		status=$?
		script='' transaction=''
		unset "names[number]" "values[number]" "names[number + 1]" "values[number + 1]"
	else
		# without the settings of the command line, which can be wrong
		lines=$({ of_variables state "$engine_state" names "$engine_names"; printf '%s\n' "$COMPLETE"; } |
			engine_user=$ENGINE_ROLE engine_psql -d "$engine_database")
		status=$?
	fi
	[ $status -eq 0 ] || return
	{ IFS= read -r unknown; IFS= read -r others; IFS= read -r -d '' engine_vars; } < <(printf '%s\n' "$lines")
	engine_vars=${engine_vars%"$newline"}
	if [ -n "$1" ] && [ "$unknown" = t ]; then
		find_unknown
		complete_copy '' || fail 2 'the engine cannot be used'
	elif [ -z "$others" ]; then
		use_options
	else
		read_placeholders "$others"
	fi
}

# read_placeholders NAMES: adds the values of the placeholders in a JSON array
read_placeholders()
{
	local others=$1 vars

	vars=$(ask_target - others "$others" <<-'END'
		SELECT coalesce(jsonb_object_agg(n, current_setting('cmig_var.' || n)), '{}')
		FROM jsonb_array_elements_text(:'others') n WHERE current_setting('cmig_var.' || n, true) IS NOT NULL \; COMMIT;
	END
	) || exit 4
	engine_vars=$({ of_variables state "$engine_state" vars "$vars"; cat <<-'END'; } | engine_psql
		SELECT string_agg(format(' -c cmig_var.%s=%s', key, regexp_replace(value, '([\\\s])', '\\\1', 'g')), '')
		FROM jsonb_each_text((:'state'::jsonb -> 'vars') || :'vars');
	END
	) || fail 2 'the engine cannot be used'
	use_options
}

# create_again [LOOKS]: creates the database in the engine again
create_again() { drop_copy "$engine_database"; create_copy "$1"; }

# drop_copy NAME: drops a database in the engine.  The server waits until no process can have one of its files
# open, and code that another copy calls can keep a process from ever telling that: then it is dropped later.
drop_copy()
{
	engine_psql -c "SET statement_timeout = '$COPY_TIMEOUT'" -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" \
		>/dev/null 2>&1
}

# Fails, or only warns if the verb does not need the files, if the database is at a revision
# that has no file here: somebody else has upgraded it.  What has run is then stored in the engine.
find_unknown()
{
	local unknown name lost='' hint='Get the newest files, for example with git pull. If the file is lost: '

	unknown=$(unknown_versions) && [ -n "$unknown" ] || return 0
	visible "$unknown"
	unknown="the database is at a revision that has no file in ${folders[*]}: $VISIBLE"
	restore_missing
	if [ -n "$(unknown_versions)" ]; then
		lost=1
		hint+='cmig stamp <revision> --purge'
	else
		hint+='cmig export'
		while IFS= read -r name; do hint+=" $(printf %q "$name")"; done <<<"$RESTORED"
	fi
	if { [[ $verb == @(upgrade|downgrade|reset|verify|drift|dry-run|round-trip|capture|revision) ]] && ! given sql; } ||
		{ [ -n "$lost" ] && [[ $verb == @(lint|plan|preflight|workload-check) ]]; }; then
		fail 3 "$unknown" "$hint"
	elif [[ $verb != @(stamp|export) ]]; then
		say "${yellow}WARNING:  $unknown$plain${newline}HINT:  $hint"
	fi
}

# Prints the current revisions of the database that are not stored in the engine.
unknown_versions()
{
	engine_psql -d "$engine_database" <<-'END'
		SELECT string_agg(concat(v.revision, ', applied by ' || quote_ident(j.role) || ' at ' ||
			date_trunc('second', j.started_at)), '; ' ORDER BY v.revision)
		FROM cmig.version v LEFT JOIN LATERAL (
			SELECT * FROM cmig.journal j WHERE j.revision = v.revision ORDER BY id DESC LIMIT 1) j ON true
		WHERE NOT EXISTS (SELECT FROM cmig.revision r WHERE r.revision = v.revision OR v.revision = ANY (r.replaces));
	END
}

# The columns that cmig.journal and cmig_engine.journal have.
JOURNAL_COLUMNS='id, revision, direction, outcome, started_at, elapsed, role, session_role,
	application_name, client_address, transaction_id, checksum, search_path, sqlstate, message, statement'

# The statements that store the state of the database, which is in the variable "state".
STORE_STATE="DELETE FROM cmig.version;
DELETE FROM cmig.journal;
DELETE FROM cmig.progress;
INSERT INTO cmig.progress (revision, direction, statement, state)
SELECT revision, direction, statement, CASE WHEN done THEN 'done' ELSE 'running' END
FROM pg_catalog.jsonb_to_recordset(nullif(:'state'::jsonb -> 'progress', 'null')) AS p (revision text, direction text,
	statement integer, done boolean);
INSERT INTO cmig.version SELECT pg_catalog.jsonb_array_elements_text(nullif(:'state'::jsonb -> 'version', 'null'));
INSERT INTO cmig.journal ($JOURNAL_COLUMNS)
SELECT $JOURNAL_COLUMNS
FROM pg_catalog.jsonb_populate_recordset(NULL::cmig.journal, nullif(:'state'::jsonb -> 'journal', 'null'));"

# Stores the state of the database in the engine.
store_state()
{
	printf '\\set state %s\n%s\n' "$(quoted "$engine_state")" "$STORE_STATE" |
		engine_user=$ENGINE_ROLE engine_psql -d "$engine_database" ||
		fail 2 'the engine cannot use the state of the database'
}

# add_recording MOVE TARGET: if the steps call functions of pg_cmig, copies the schema of the
# database, and adds statements that run the steps there, so that cmig.script then knows what
# these functions run.  Sets recording to 1, and guard to statements that raise an error if a
# table of the database is no longer as it was copied.
recording='' guard=''
CALLS="'cmig\"?\\s*[.]\\s*\"?[a-z_]+\"?\\s*[(]'"
add_recording()
{
	local calls target

	recording='' guard=''
	[ ${#files[@]} -eq 0 ] || grep -qE 'cmig"? *[.] *"?[a-z]' "${files[@]}" || return 0
	begin
	# the run itself says if there is nothing to do
	add "SET LOCAL client_min_messages = error;"
	add_plain
	if [ "$1" = reset ]; then
		called "SELECT pg_catalog.count(*) FROM cmig.revision r
WHERE pg_catalog.concat_ws(E'\n', r.upgrade_sql, r.downgrade_sql) OPERATOR(pg_catalog.~*) $CALLS;"
	else
		called "SELECT pg_catalog.count(*) FROM cmig.plan('$1', $2) p
JOIN cmig.revision r ON r.revision OPERATOR(pg_catalog.=) p.revision
WHERE r.$1_sql OPERATOR(pg_catalog.~*) $CALLS;"
	fi
	end_transaction ROLLBACK
	calls=$(run) || return
	script='' transaction=''
	[[ ! $calls =~ ^0?$ ]] || return 0
	# preflight has changed the copy, and time has passed since then
	[ -z "$copied" ] || create_again '' || return
	recording=1
	copy_schema
	use_options
	variable state "$engine_state"
	# a session that begins looks at its settings
	recording=''
	begin
	recording=1
	add "SELECT ($SEEN_TABLES) AS cmig_before \\gset"
	end_transaction COMMIT
	add 'SET client_min_messages = warning; SET cmig_client.record = on; SET cmig_client.hints = engine;'
	set_settings false
	# require_unprotected looks at it
	add 'SET cmig.protect = off;'
	if [ "$1" = reset ]; then target=":'DBNAME'"; else target=$2; fi
	script+="CALL cmig.$1_stepwise($target);$newline"
	begin_transaction warning
	# the script would name the role
	variable guard "$guard"
	add "SET cmig_client.record = off; SET cmig.role = '';$newline$STORE_STATE
SELECT set_config('cmig_client.guard', concat(
	format(E'SELECT pg_catalog.set_config(''cmig_client.changed'', %L, true) AS cmig_changed \\\\gset\n',
		coalesce(array_agg(name), '{}')), :'guard'), false) AS cmig_guard
FROM jsonb_each(:'cmig_before'::jsonb) o (name, value) LEFT JOIN jsonb_each(($SEEN_TABLES)) n (name, value) USING (name)
WHERE o.value IS DISTINCT FROM n.value \\gset"
	end_transaction COMMIT
}

# copy_schema [OPTIONAL]: copies the schema of the database.  Fails if it cannot, or, if OPTIONAL is not empty and
# somebody locks a table, warns and returns 1.
copy_schema()
{
	local dump facts lines sizes seen="SELECT ''" extensions stubs names name pattern version setting unread=0
	# nor schemas with the names of the roles of the engine, which "$user" could mean there
	local -a options=(-s -N cmig_engine -N cmig_engine_ddl -N 'cmig_engine_(secret|creator|owner|copier|superuser)')

	find_copy_limit
	# where rows would be is not compared: the engine has no such tablespaces
	options+=("--lock-wait-timeout=$COPY_LIMIT" --no-tablespaces)

	[ "$engine_version" -eq "$engine_major" ] || fail 2 \
		"$verb requires an engine of PostgreSQL $engine_major, the version of the database" \
		"$([ "$verb" != lint ] || echo 'cmig lint --no-facts')"
	version=$engine_version
	find_programs pg_dump
	[ "$engine_version" -eq "$version" ] || fail 2 "$verb requires pg_dump of PostgreSQL $version" \
		"On Debian: apt install postgresql-client-$version"
	extensions=$({ of_file engine_roles state "$engine_state" database "$engine_database"
		printf '%s\n' "SELECT coalesce(jsonb_agg(name), '[]') FROM pg_available_extensions
			WHERE name !~ '$ENGINE_STUBS';" '\restrict x'; } | engine_psql) || {
		[ -n "$extensions" ] || fail 2 'the engine cannot create the roles of the database'
		fail 2 'the engine cannot be used' \
			'psql must have the command \restrict: version 15.14, 16.10, 17.6, or newer'
	}
	[ -z "$recording" ] || seen=$SEEN_TABLES
	# pg_dump cannot skip what the role may not read, such as tables of the service
	facts=$(ask_target engine_facts available "$extensions" foreign_schema "$FOREIGN_SCHEMA" \
		settings "$ENGINE_SETTINGS" before "SET LOCAL lock_timeout = '$COPY_LIMIT' \\;" seen "$seen") ||
		{ schema_unreadable "${1-}"; return 1; }
	{ IFS= read -r seen; IFS= read -r sizes; IFS= read -r extensions; IFS= read -r stubs; names=$(cat); } < <(
		printf '%s\n' "$facts")
	[ -z "$recording" ] || make_guard "$seen"
	while IFS= read -r name; do
		[ -n "$name" ] || continue
		# a line break is not in the lines, and a pattern for any character would leave out another table, too
		pattern=${name%|*|*}
		pattern=${pattern//$'\x1f'b/"$newline"}
		options+=("-${name##*|}" "${pattern//$'\x1f'a/$'\x1f'}")
		[[ $name == *'|t|'? ]] || { [ $((unread++)) -lt 5 ] && visible "${name%|*|*}" &&
			say "${yellow}WARNING:  not copied into the engine: $VISIBLE, which the role cannot read$plain"; }
	done < <(printf '%s\n' "$names")
	[ "$unread" -le 5 ] || say \
		"${yellow}WARNING:  not copied into the engine: $((unread - 5)) more tables that the role cannot read$plain"
	[ "$unread" -eq 0 ] || [[ $verb != @(capture|locate) ]] || copied_in_part
	require_short "$names" "${options[@]}"
	dump=$(on_target "$engine/pg_dump" ${service[@]+"${service[@]}"} "${options[@]}") ||
		{ schema_unreadable "${1-}"; return 1; }
	require_restricted "$dump"
	copy_extensions || fail 2 'the engine cannot use the copy'
	of_dump "$dump" |
		engine_user=$ENGINE_COPIER engine_psql -d "$engine_database" -v ON_ERROR_STOP=0 -v VERBOSITY=verbose \
			-v ECHO=errors -f - -o /dev/null 2>&1 | copied_messages
	case ${PIPESTATUS[2]},$verb in
		0,*) ;;
		1,capture | 1,locate) copied_in_part ;;
		1,*) ;;
		*)
			# what cannot be canceled has lost its connection: see src/run/copied.c
			visible "$(engine_psql -c "SELECT left(query, 200) FROM pg_stat_activity
				WHERE datname = '$engine_database' AND usename = '$ENGINE_COPIER' AND state = 'active'" 2>/dev/null)"
			[ -z "$VISIBLE" ] || say "${yellow}WARNING:  not copied into the engine: $VISIBLE ($COPY_TIMEOUT)$plain"
			fail 3 'the copy of the schema ended before its end' \
			"Repeat the command. If a message above names a function, drop it first.$(
			[ -z "$engine_folder" ] || echo " Messages of the engine: $engine_folder/log")" ;;
	esac
	# the code of the dump, as the owner, could set what a session of the superuser begins with; and code
	# of another database could change the settings of this one: see begin()
	lines=$({ { of_variables database "$engine_database"
		printf '%s\n' 'ALTER DATABASE :"database" RESET ALL;' '\connect :"database"' "SET lc_messages = 'C';"
		of_file engine_copied extensions "$extensions" sizes "$sizes"
		printf '%s\n' '\set ON_ERROR_STOP off' \
			"SELECT format('ALTER DATABASE %I SET %I = %L', current_database(), s.key, s.value)
FROM jsonb_each_text(:'extensions'::jsonb -> 'settings') s WHERE lower(s.key) IN ($ENGINE_SETTINGS) \\gexec" \
			'\set ON_ERROR_STOP on' "$ENGINE_STORED;" "\\echo $MARK" \
			"SELECT string_agg('-c ' || name || '=' || regexp_replace(value, '(\\\\|\\s)', '\\\\\1', 'g'), ' '
	ORDER BY name DESC)
FROM (VALUES ('search_path', :'extensions'::jsonb ->> 'path'), ('cmig.role',
	:'extensions'::jsonb ->> 'role')) AS v (name, value) WHERE value <> '';" "\\echo $MARK"; } |
		engine_psql -v VERBOSITY=verbose -f - 2>&1 >&9 9>&- | copied_messages 9>&-
		exit "${PIPESTATUS[1]}"; } 9>&1) || fail 2 'the engine cannot use the copy'
	engine_settings=${lines%%"$newline$MARK$newline"*}
	engine_options=${lines#*"$newline$MARK$newline"}
	engine_options=${engine_options%"$MARK"} engine_options=${engine_options%"$newline"}
	name=''
	for setting in ${settings[@]+"${settings[@]}"}; do [[ $setting != cmig.role=* ]] || name=${setting#*=}; done
	printf '\\set extensions %s\n\\set script_role %s\n%s;\n' "$(quoted "$extensions")" "$(quoted "$name")" \
		"SELECT cmig.grant_access(rolname, 'migrator') FROM pg_catalog.pg_roles
WHERE rolname OPERATOR(pg_catalog.=) ANY (
	ARRAY[:'script_role', :'extensions'::pg_catalog.jsonb OPERATOR(pg_catalog.->>) 'role'])" |
		engine_user=$ENGINE_ROLE engine_psql -d "$engine_database" -o /dev/null || fail 2 'the engine cannot be used'
}

# require_short NAMES ARGUMENT...: fails if the arguments of pg_dump are too long for the system, because of the
# names of the relations that pg_dump cannot read
require_short()
{
	local schema limit role

	limit=$(getconf ARG_MAX 2>/dev/null)
	[ "$(printf '%s12345678 ' "${@:2}" | wc -c)" -gt $((${limit:-131072} / 2)) ] || return 0
	# that with most of them
	read -r _ schema <<<"$(sed -n 's/"|[tf]|T$/"/p' <<<"$1" | sed -E 's/^("([^"]|"")*").*/\1/' | sort | uniq -c |
		sort -rn | head -n 1)"
	visible "$schema"
	role=$({ of_variables state "$engine_state"; echo "SELECT quote_ident(:'state'::jsonb ->> 'role')"; } | engine_psql)
	fail 3 "the role cannot read $(grep -c '|T$' <<<"$1") tables and sequences, too many to be left out of the copy" \
		"Most are in schema $VISIBLE. As their owner: GRANT SELECT ON ALL TABLES IN SCHEMA $VISIBLE TO $role"
}

# Fails, because a part of the schema is missing in the copy.
copied_in_part()
{
	local hint='recorded as dropped. Write this revision by hand: cmig revision -m <message>'

	[ "$verb" != locate ] || hint='taken for not applied. Compare by hand, and then: cmig stamp <revision>'
	fail 3 'the schema of the database could not be copied into the engine as a whole' \
		"What is missing there would be $hint"
}

# find_copy_limit: sets COPY_LIMIT to how long a copy waits for a lock: each role can lock tables of its
# own, so there is a limit if the user has set none
find_copy_limit()
{
	local setting limit=$engine_limit

	for setting in ${settings[@]+"${settings[@]}"}; do
		case $setting in cmig.lock_timeout=* | lock_timeout=*) limit=${setting#*=} ;; esac
	done
	COPY_LIMIT=5s
	[[ ! $limit =~ ^0*[1-9][0-9]{0,8}\ *(ms|s|min|h)?$ ]] || COPY_LIMIT=${limit// /}
}

# lock_holder: prints who keeps a copy waiting for a table, or queues for it, and how to end that
lock_holder()
{
	use_holder
	ask_target - 2>/dev/null <<-END
		SELECT concat('Process ', $HOLDER, ' locks ', relation::regclass,
			'. Wait until it has ended. Or end it: SELECT pg_terminate_backend(', pid, ')')
		FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = relation
		WHERE mode = 'AccessExclusiveLock' AND database = datid AND relkind IN ('r', 'p', 'm', 'i')
			AND datname = current_database() AND relnamespace::regnamespace::text !~ '^(pg_|information_schema\$)'
		ORDER BY l.granted DESC, xact_start, relation LIMIT 1 \;
		COMMIT;
	END
}

# schema_unreadable [OPTIONAL]: fails, as copy_schema() says.  In a database with the encoding SQL_ASCII, names can
# have any bytes: says which are not UTF-8, and how to rename them.
schema_unreadable()
{
	local names

	visible "$(lock_holder)"
	if [ -n "$VISIBLE" ]; then
		[ -n "$1" ] || fail 3 'the schema of the database cannot be read' "$VISIBLE"
		warning 'hazards and sizes are not shown, because the schema of the database cannot be read' "$VISIBLE"
		return
	fi
	set --
	names=$(ask_target - 2>/dev/null <<'END'
SELECT format('DO %L -- %s', format('BEGIN EXECUTE (%s); END', query), bytes)
FROM (
	SELECT format('SELECT format(''ALTER TABLE %%s RENAME TO relation_%s'', %1$s::regclass)', oid), relname
	FROM pg_class WHERE relkind <> 'c'
	UNION ALL
	SELECT format('SELECT format(''ALTER TABLE %%s RENAME COLUMN %%I TO column_%s'', attrelid::regclass, attname)'
		' FROM pg_attribute WHERE attrelid = %s AND attnum = %1$s', attnum, attrelid), attname
	FROM pg_attribute JOIN pg_class c ON c.oid = attrelid AND relkind IN ('r', 'v', 'm', 'f', 'p') WHERE attnum > 0
	UNION ALL
	SELECT format('SELECT format(''ALTER ROUTINE %%s RENAME TO routine_%s'', %1$s::regprocedure)', oid), proname
	FROM pg_proc) o (query, name), encode(convert_to(name::text, 'SQL_ASCII'), 'hex') hex (hex),
	encode(convert_to(name::text, 'SQL_ASCII'), 'escape') escape (bytes)
WHERE current_setting('server_encoding') = 'SQL_ASCII'
	AND hex !~ '^([0-7].|(c[2-9a-f]|d.)[89ab].|e.([89ab].){2}|f[0-4]([89ab].){3})*$'
ORDER BY 1 LIMIT 10
END
	)
	[ -z "$names" ] || set -- "HINT:  These names are not UTF-8, as all must be to be copied. To rename them:
$names"
	fail 3 'the schema of the database cannot be read' \
		"${1-If somebody has changed it meanwhile, which an error above would say, repeat the command.}"
}

# require_restricted DUMP: fails if an old pg_dump has written it.  That writes names with line breaks into
# comments, so that a line of a name would be a statement, which runs as the role that copies.
require_restricted()
{
	[[ ${1:0:100} == "--$newline-- PostgreSQL database dump$newline--$newline$newline\\restrict "* ]] ||
		fail 2 'pg_dump is too old: it writes names with line breaks so that they become statements' \
			'Update it: pg_dump must be of version 15.14, 16.10, 17.6, or newer'
}

# of_dump DUMP: prints a dump, in which psql runs no command of its own, whatever wrote it.
# A psql that cannot do this reads nothing.  Nor must psql take a part
# of an array, such as a[1:version], for a variable; what has a name such as "ERROR", which psql sets
# again and again, is not copied, and named.  What is loaded ends with a mark, which is printed: a session
# can end before that.
of_dump()
{
	local key=$copier_password limit="SET statement_timeout = '$COPY_TIMEOUT';"

	begin_copy
	printf '\\unset %s\n' role copier version name DBNAME ENCODING HOST PORT USER PROMPT1 PROMPT2 PROMPT3 HISTFILE \
		SERVICE VERSION VERSION_NAME VERSION_NUM SERVER_VERSION_NAME SERVER_VERSION_NUM
	printf '%s\n' '\set ON_ERROR_STOP on' "\\restrict $key" "\\unrestrict $key" '\set ON_ERROR_STOP off' \
		"\\restrict $key" "${1/SET statement_timeout = 0;/$limit}" "\\unrestrict $key" "\\echo $MARK"
}

# begin_copy: prints what ends a session of the role that copies, unless the engine lets code of users only
# read there: see src/run/copied.c
begin_copy()
{
	printf '%s\n' 'SET row_security = off;' \
		"SELECT current_setting('cmig_client.copies', true) = 'guarded' AS guarded \\gset" \
		'\if :guarded' '\else' '\quit' '\endif' '\unset guarded'
}

# code in an index or a domain of another role must not keep a statement of the copy from ending
COPY_TIMEOUT=10s

# make_guard TABLES: sets guard for the result of SEEN_TABLES.  The first transaction of the script
# runs it: it locks the tables that the run changes, whose names are in the setting cmig_client.changed,
# against other changes, and then compares all tables.
make_guard()
{
	guard="\\set ON_ERROR_STOP on
\\set cmig_seen $(quoted "$1")
SET LOCAL search_path = pg_catalog, pg_temp;
SELECT set_config('cmig_client.seen', :'cmig_seen', true) AS cmig_seen \\gset
DO \$cmig_guard\$
DECLARE
	names text := (SELECT string_agg(name, ', ') FROM unnest(current_setting('cmig_client.changed')::text[]) name
		WHERE to_regclass(name) IS NOT NULL AND has_table_privilege(name, 'UPDATE, DELETE, TRUNCATE'));
BEGIN
	IF names <> '' THEN
		EXECUTE concat('LOCK TABLE ', names, ' IN SHARE UPDATE EXCLUSIVE MODE');
	END IF;
	SELECT string_agg(name, ', ') INTO names FROM (SELECT name
		FROM jsonb_each(current_setting('cmig_client.seen')::jsonb) o (name, value)
		FULL JOIN jsonb_each(($SEEN_TABLES)) n (name, value) USING (name)
		WHERE o.value IS DISTINCT FROM n.value ORDER BY name LIMIT 10) changed;
	IF names <> '' THEN
		RAISE SQLSTATE 'MG025' USING
			MESSAGE = 'the schema of the database has changed since it was copied into the engine',
			DETAIL = 'What functions of pg_cmig would run is no longer known. Changed: ' || names,
			HINT = 'Repeat the command.';
	END IF;
END
\$cmig_guard\$;
SET LOCAL search_path TO DEFAULT;
"
}

# Creates the extensions of the database in the engine, as the superuser that a service has:
# for those that the engine does not have, what their members look like.  Then lets all roles create
# objects in the schemas.
copy_extensions()
{
	local creators="SELECT format('GRANT CREATE ON SCHEMA %I TO cmig_engine_creator', nspname) FROM pg_namespace
		WHERE nspname !~ '^(pg_|information_schema\$|cmig)' \\gexec
ALTER DEFAULT PRIVILEGES FOR ROLE :\"copier\" GRANT CREATE ON SCHEMAS TO cmig_engine_creator;"
	local lines

	{ of_file engine_extensions extensions "$extensions"
		[ "$stubs" != '[]' ] || printf '%s\n' '\set ON_ERROR_STOP on' "$creators"; } |
		engine_psql -d "$engine_database" -v VERBOSITY=verbose -f - 2>&1 | copied_messages
	[ "${PIPESTATUS[1]}" -eq 0 ] || return
	[ "$stubs" != '[]' ] || return 0
	lines=$({ begin_copy; printf '\\set ON_ERROR_STOP off\n\\set stubs %s\nSET check_function_bodies = off;\n' \
		"$(quoted "$stubs")"; echo "SELECT sql FROM jsonb_array_elements_text(:'stubs') AS s (sql) \\gexec"
		printf '\\echo %s\n' "$MARK"; } | engine_user=$ENGINE_COPIER engine_psql -d "$engine_database" 2>/dev/null)
	[[ $lines == *"$MARK" ]] || return
	{ of_file engine_members extensions "$extensions"; printf '%s\n' "$creators"; } |
		engine_psql -d "$engine_database" -o /dev/null
}

# Gives the sessions in the engine the search_path that those of the database have.  Scripts
# run as the same role, if it is not a superuser, who would not be one in the engine.
engine_options='' engine_vars=''
use_options() { [ -z "$engine_options$engine_vars" ] || export PGOPTIONS=$engine_options$engine_vars; }

# The functions of the server that reject what a service has done as a superuser: event triggers, and
# schemas that exist already.
EXPECTED='CreateEventTrigger|AlterEventTrigger|AlterEventTriggerOwner|get_event_trigger_oid|NamespaceCreate'

# Shows what could not be copied, except what is expected.  Returns 1 if there is anything, or 2 if the mark of
# of_dump() is missing.  The sessions have messages in English.
copied_messages()
{
	local line error='' rest='' place reason count=0 complete=''

	# The lines of a message follow its first one.  The database's code can raise any error, but then
	# there is a CONTEXT, and no function of the server in its LOCATION, and each of its texts is one
	# line: see src/run/copied.c.
	while IFS= read -r line || { line=psql:; [ -n "$error" ]; }; do
		[ "$line" != "$MARK" ] || { complete=1; continue; }
		[[ ! $line =~ ^psql:[^\ ]*:\ (STATEMENT:\ \ .*) ]] || line=${BASH_REMATCH[1]}
		[[ $line == psql:* ]] || { rest+=$newline$line; continue; }
		place=${rest%%"$newline"STATEMENT:*} place=${place##*"$newline"}
		if [ -n "$error" ] &&
			[[ $rest == *"$newline"CONTEXT:* || $place != 'LOCATION:  '@($EXPECTED),* ]]; then
			count=$((count + 1))
			visible "${error#*: }"
			# its message does not name the object
			[[ $error != @(57014|53200|53400):* || $rest != *"$newline"STATEMENT:* ]] || {
				reason=${error#*: } place=${rest#*"$newline"STATEMENT:  }
				[[ $error != 57014:* ]] || reason=$COPY_TIMEOUT
				visible "${place:0:200} ($reason)"; }
			[ $count -gt 5 ] || say "${yellow}WARNING:  not copied into the engine: $VISIBLE$plain"
		fi
		# a session ends with this warning of src/run/copied.c before a FATAL
		[[ $line =~ (ERROR|FATAL):\ \ (.*) || $line =~ (WARNING):\ \ (57014:.*) ]] &&
			error=${BASH_REMATCH[2]} || error=''
		rest=''
	done
	[ $count -le 5 ] || say "${yellow}WARNING:  not copied into the engine: $((count - 5)) more$plain"
	[ -n "$complete" ] || return 2
	[ $count -eq 0 ]
}

# Drops the database in the engine.
end_engine()
{
	end_watch
	say_kept
	[ -z "$engine_database" ] || drop_copy "$engine_database"
	engine_database=''
}

# Connects psql with the database.
use_target()
{
	local name

	unset_libpq
	for name in ${target_environment[@]+"${target_environment[@]}"} PGCLIENTENCODING=UTF8; do export "${name?}"; done
	psql=("${target_psql[@]}" -f "$on_target")
}

# place_in_script LINE: sets step to the step to which a line of the script "text" belongs, which
# comes after the lines of prelude(), place to where its statement is, and commits to 1 if each
# statement of the step is committed
place_in_script()
{
	local lines

	lines=$({ prelude; printf '%s' "$text"; } | tail -n +$((first_line + 1)) |
		awk -v last="$(($1 - first_line))" 'NR > last { next }
		/^-- step / { sub(/^[^:]*: /, ""); step = $0; place = commits = "" }
		/^\\if :cmig_done$/ { commits = 1 }
		NR < last && /^COMMIT;$/ { place = "" }
		/^\\set cmig_place / { place = substr($0, 18, length($0) - 18) }
		END { gsub(/\047\047/, "\047", place); gsub(/\\\\/, "\\", place); print commits; print place; print step }')
	{ IFS= read -r commits; IFS= read -r place; IFS= read -r step; } <<<"$lines"
	visible "${place:+pg_cmig: }${place:-$step}"
	place=${VISIBLE:+CONTEXT:  $VISIBLE}
}

# hint_of_duplicate: adds the hint for an object that already exists to place, as runner.c does
hint_of_duplicate()
{
	local id

	case $step in
		repeatable\ *)
			place+="${newline}HINT:  The script runs again whenever it changes: write CREATE OR REPLACE, or put "
			place+='DROP ... IF EXISTS before the statement.' ;;
		upgrade\ *)
			[[ $place =~ ^CONTEXT:\ \ pg_cmig:\ upgrade\ of\ (.*),\ statement\ 1,\ line\  ]] || return 0
			id=$(printf %q "${BASH_REMATCH[1]}")
			place+="${newline}HINT:  "
			[[ $step != 'upgrade base -> '* ]] ||
				place+='If the version rows were lost, cmig locate finds the revision that has the schema. '
			place+="Compare the database with what cmig show $id prints. If the database already has everything in "
			place+="this revision, record the revision as applied without running it: cmig stamp $id" ;;
	esac
}

# run_on_target SCRIPT: runs a script in the database, and returns cmig's exit status.  Sets
# locked to 1 if the script could not get a lock, to 2 if the state of the database is no longer
# that of the script, to 3 if another run is in progress, or else to 0.
run_on_target()
{
	local status tries

	script=$1 transaction='' on_target=-
	temporary watch
	# messages begin with the name of the file, which no message of the database can contain, or, where
	# there is no such file, with a line that it cannot guess
	if [ -n "${CMIG_PSQL:-}" ] || [ ! -e /dev/stdin ] || ! ln -s /dev/stdin "$watch/script"; then
		first_line=$((RANDOM * 32 + RANDOM % 32))
		last_line=$({ prelude; printf '%s\n' "$1"; } | wc -l)
	else
		on_target=$watch/script
	fi
	# psql runs the beginning of a statement that is at the end of its input, so all of the script is in a
	# file before psql begins: a pipe would end anywhere if cmig was killed
	{ prelude; printf '%s' "$1"; } 2>/dev/null >"$watch/text" || fail 2 'a temporary file cannot be written'
	[ "$engine_limit" = 0 ] && [[ $1 != *lock_timeout* ]] || {
		watch_run 7>&- 8>&- & disown
		for ((tries = 0; tries < 40; tries++)); do [ ! -s "$watch/blockers" ] || break; sleep 0.05; done
	}
	run
	status=$?
	on_target='' first_line=0 last_line=1000000000
	[ $status -eq 0 ] || [ ! -e "$watch/failed" ]
	locked=$?
	[ $status -eq 0 ] || [ ! -s "$watch/failed" ] || locked=$(cat -- "$watch/failed")
	failed_at='' holder='' unfinished=''
	[ ! -s "$watch/error" ] || failed_at=$(cat -- "$watch/error")
	[ ! -e "$watch/unfinished" ] ||
		unfinished='HINT:  What is complete remains. After fixing the cause, repeat the command: it continues '\
'with this statement.'
	[ ! -s "$watch/holder" ] || holder=$newline$(cat -- "$watch/holder")
	end_watch
	return $status
}

# interrupted_on_target: records that a run ends because of a signal
interrupted_on_target()
{
	[ ! -s "$watch/error" ] || failed_at=$(cat -- "$watch/error")
	record_failure
}

# record_failure: if the script runs several transactions, adds the error to the journal of the
# database, as a stepwise run with the extension does.  What cannot be recorded is only shown.
# A data exception quotes values of rows, which are not recorded.
record_failure()
{
	local code place message

	{ IFS= read -r code; IFS= read -r place; IFS= read -r message; } <<<"$failed_at"
	place=${place#CONTEXT:  pg_cmig: }
	[[ $place =~ ^(upgrade|downgrade|verify)\ of\ ([^ ]+),\ statement\ ([0-9]+), ]] &&
		[[ $per_revision = true || $text == *'\set AUTOCOMMIT on'* ]] || return 0
	target_access='READ WRITE' ask_target - revision "${BASH_REMATCH[2]}" statement "${BASH_REMATCH[3]}" \
		direction "$([ "${BASH_REMATCH[1]}" = downgrade ] && echo downgrade || echo upgrade)" \
		code "$code" message "$message" >/dev/null 2>&1 <<-END
		SET LOCAL lock_timeout = '1s';
		$LOCK_WRITES;
		$CHECK_STATE;
		LOCK TABLE ONLY cmig_engine.version IN EXCLUSIVE MODE;
		INSERT INTO cmig_engine.journal (id, revision, direction, outcome, started_at, role, session_role, sqlstate,
			message, statement)
		SELECT coalesce(max(id), 0) + 1, :'revision', :'direction', 'failed', clock_timestamp(), CURRENT_USER,
			SESSION_USER, :'code',
			CASE WHEN :'code' LIKE '22%' THEN regexp_replace(:'message', '("|[^ -~]).*', '...') ELSE :'message' END,
			:statement FROM ONLY cmig_engine.journal;
		COMMIT;
	END
}

# Asks the database who blocks the run, which has an advisory lock, as long as the folder
# watch exists.  All in one transaction, for which a connection pool has a connection of its
# own: it must not get that of the run between two of the run's transactions.  The output of
# cmig ends with cmig, not with this.
watch=''
watch_run()
{
	local -a target_psql=("${target_psql[@]}" -w)

	local question silent=''

	question=$(cat -- "${here%/*}/share/cmig/engine_blockers.sql") || return
	# what a read with a timeout waits for, which needs no process, as sleep does
	[ "${BASH_VERSINFO[0]}" -lt 4 ] || ! exec 9<> <(:) || silent=1
	# until cmig has written down what failed; who has ended the session before that has not ended the watch
	while is_watched; do
		{ printf '; \\echo\n'
		while is_watched; do
			printf '%s\n' "$question" || break
			pause 0.1
		done; } | ask_target - >>"$watch/blockers" 2>/dev/null
		pause 0.2
	done
	rm -rf -- "$watch"
} >/dev/null 2>&1

# pause SECONDS: waits, in watch_run
pause() { if [ -n "$silent" ]; then read -r -t "$1" <&9; else sleep "$1"; fi; }

# Is the run that watch_run watches in progress?  If cmig was killed, kill -0 still finds it until its
# parent, which may wait for the end of its output, has asked for its status.
is_watched()
{
	local state=''

	[ -d "$watch" ] && kill -0 $$ || return
	read -r state <"/proc/$$/stat"
	[[ $state != *') Z '* ]]
}

# what BLOCKER is if another run is in progress, for which this one waits
RUNNING=''

# blocked SQLSTATE ERROR: notes that the run could not get a lock, or that another run is in progress
# or was faster, and sets BLOCKER to RUNNING, or to a line about the session that blocked it, if that
# is known
blocked()
{
	BLOCKER=''
	[ -n "$watch" ] || return 0
	[ ! -e "$watch/failed" ] || rm -f -- "$watch/failed"
	case $1 in
		MG025)
			echo 2 >"$watch/failed"
			[[ $2 != *'the database is in a different state' ]] || BLOCKER=$RUNNING
			return ;;
		55P03)
			[[ $2 != *'another session is running a generated script'* ]] || {
				[ -z "$RUNNING" ] || echo 3 >"$watch/failed"
				BLOCKER=$RUNNING
				return
			} ;;
		40P01) ;;
		*) return 0 ;;
	esac
	: >"$watch/failed"
	visible "$(tail -n 1 "$watch/blockers" 2>/dev/null)"
	[ -z "$VISIBLE" ] || BLOCKER="${newline}DETAIL:  $VISIBLE"
}

end_watch()
{
	[ -z "$watch" ] || rm -rf -- "$watch"
	watch=''
}

# target_place: prints the end of a script that runs in the database: it prints its state as cmig's last line.
target_place()
{
	printf '%s\n' '\o' '\pset format unaligned' '\pset tuples_only on' \
		"$READ_COMMITTED \\;" "${PINNED%;} \\;" "$LOCK_STATE \\;" "$CHECK_STATE;" \
		"SELECT concat('database ', current_database(), ' is at ',
	coalesce((SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM ONLY cmig_engine.version), 'base')) \\;" \
		'COMMIT;'
}

# require_unprotected MOVE TARGET: adds statements that raise an error if cmig.protect does not allow
# the downgrade or reset
require_unprotected()
{
	local protect=$engine_protect setting plan kept=''

	plan="SELECT p.revision FROM cmig.plan('downgrade', $([ "$1" = reset ] && echo "'base'" || printf %s "$2")) p"

	for setting in ${settings[@]+"${settings[@]}"}; do
		[[ $setting != cmig.protect=* ]] || protect=${setting#*=}
	done
	# as the server takes its values
	case $(LC_ALL=C tr '[:upper:]' '[:lower:]' <<<"$protect") in
		'' | off | false) return ;;
		base) kept=" OR EXISTS (SELECT FROM cmig.history() h
	WHERE h.applied AND h.revision OPERATOR(pg_catalog.<>) ALL (ARRAY($plan)))" ;;
	esac
	called "SELECT NOT EXISTS ($plan)$kept AS cmig_allowed \\gset"
	need ":'cmig_allowed'" "'a $1 is not allowed in database ' || pg_catalog.quote_ident(:'cmig_database')" \
		"'It would destroy the data in what the upgrade created. To allow it for this run: -x cmig.protect=off'" MG011
}

# Adds a statement that raises an error if a revision that is partially applied is, or counts as,
# transactional now: its script would run again from its first statement.
require_same_kind()
{
	need false "'revision \"' || revision || '\" is partially applied, and would run again from its first statement'" \
		"'Restore the header \"transactional: false\", without cmig.concurrent_ddl = off, and repeat the command. ' ||
	'Or revert by hand what has run, then: cmig stamp <revision>'" '' "(SELECT revision FROM cmig.progress
	WHERE revision IN (SELECT revision FROM cmig.revision
		WHERE transactional OR pg_catalog.current_setting('cmig.concurrent_ddl', true) = 'off') LIMIT 1) p"
}

# Has a revision that is partially applied been read?  Its run may be in progress.
is_interrupted() { [[ $engine_state =~ \"progress\":\ \[\{ ]]; }

# waits until no run is in progress, or until what it does is complete
wait_for_run()
{
	given quiet || say 'another run has completed a part of a revision; waiting until it has ended'
	while [ "$engine_running" = t ] && is_interrupted; do
		sleep 1
		[ -z "$interrupted" ] || return 130
		read_target again
	done
}

# is_repeatable MOVE: does the call mean the same after another run, or a part of it?
is_repeatable() { [ -z "$checksum" ] && [[ $1 != reset && ${arguments[*]} != *[+-][0-9]* ]]; }

# Is the state, but for what another run is doing, which is left out when the state is first read, that
# which the engine has?  Progress is the last key.
is_stored() { [ "${engine_state%, \"progress\": *}" = "${stored%, \"progress\": *}" ]; }

# Prints the messages of the engine about a script, which are kept until it is certain that the script
# is not generated again.
kept=''
say_kept()
{
	[ ! -s "$kept" ] || cat -- "$kept" >&2
	kept=''
}

# engine_move MOVE TARGET: generates the script of an upgrade, downgrade, or reset, and runs it.
# If it cannot get a lock, it is run again from where it has come, as a stepwise upgrade with
# the extension does.
engine_move()
{
	local text per_revision=false status attempt name state stored=$engine_state retries=10 pause=200 told last_told=''

	! given one-transaction || stepwise=''
	! given stepwise || stepwise=1
	[ -z "$stepwise" ] || per_revision=true
	for name in ${settings[@]+"${settings[@]}"}; do [[ ! $name =~ ^cmig\.lock_retries=([0-9]{1,5})$ ]] ||
		retries=${BASH_REMATCH[1]}; done
	require_writable
	adopt || return
	for ((attempt = 1; ; attempt++)); do
		add_recording "$1" "$2" || return
		begin_again
		loaded=''
		require_same_kind
		[ "$1" = downgrade ] || check_plan "$2"
		[ "$1" != reset ] || require_applied
		[ "$1" = upgrade ] || require_unprotected "$1" "$2"
		if [ -n "$checksum" ]; then
			variable checksum "$checksum"
			called "SELECT pg_catalog.min(plan_checksum) AS cmig_checksum FROM cmig.plan('$1', $2) \\gset"
			need ":'cmig_checksum' = :'checksum'" "'the plan has changed'" "'cmig plan'"
		fi
		add_plain
		add 'SET LOCAL cmig_client.files = on;'
		called "SELECT cmig.script('$1', $2, version_table => 'cmig_engine.version',
	transaction_per_revision => $per_revision);"
		end_transaction ROLLBACK
		temporary kept file
		text=$(run 2>"$kept") || {
			status=$? state=$engine_state
			[ -z "$recording" ] || read_target again
			# what was copied was not at the state that had been read, because of another run
			if [ "$state" != "$engine_state" ] && is_repeatable "$1" && [ "$attempt" -le "$retries" ]; then
				given quiet || say 'another run has changed the state of the database; trying again'
				rm -f -- "$kept"
				kept='' script='' transaction='' stored=$engine_state
				create_again '' && continue
			fi
			# what seems to be partially applied is what another run is doing
			if [ "$engine_running" = t ] && is_interrupted; then
				rm -f -- "$kept"
				kept='' script='' transaction='' attempt=0
				wait_for_run || return
				last_told=''
				is_interrupted || is_repeatable "$1" ||
					{ failed_at='the database is in a different state'; tell_moved; return 3; }
				stored=$engine_state
				create_again '' || return
				continue
			fi
			say_kept
			[ -z "$recording" ] || say 'nothing was changed; the revisions were run in the engine first, on a copy of '\
'the schema without rows, because some call functions of pg_cmig'
			return $status
		}
		say_kept
		given quiet || text+=$newline$(target_place)
		RUNNING='running'
		run_on_target "\\o /dev/null$newline$text" && return
		status=$? RUNNING=''
		{ [ "$locked" -gt 0 ] && [ "$attempt" -le $((locked == 3 ? 3 : retries)) ]; } ||
			{ record_failure; tell_moved end; [ -z "$unfinished" ] || say "$unfinished"; return $status; }
		case $locked${guard:+ guarded},$failed_at in
			3*)
				told="another run is in progress in this database; waiting until it has ended$holder"
				pause=500 ;;
			2,* | *'the database is in a different state'*)
				told='another run has changed the state of the database; trying again' ;;
			*) told="attempt $attempt of $((retries + 1)); trying again in $pause ms" ;;
		esac
		given quiet || [ "$told" = "$last_told" ] || say "$told"
		last_told=$told
		sleep "$((pause / 1000)).$((pause % 1000 / 100))"
		[ -z "$interrupted" ] || return 130
		pause=$((pause < 15000 ? 2 * pause : 30000)) state=$engine_state
		read_target again
		# any code can raise the error about another run
		[ "$locked" -ne 3 ] || { [ "$engine_running" = f ] && [ "$state" = "$engine_state" ]; } || attempt=0
		# nothing is done: the other run is still in the middle of a revision
		[ "$engine_running" != t ] || ! is_stored || engine_state=$stored
		# the copy of the schema is no longer one
		[ -z "$recording" ] || create_again '' || return
		if [ "$stored" = "$engine_state" ]; then
			[ "$locked" -ne 2 ] || [ -n "$guard" ] || { tell_moved; return $status; }
			continue
		fi
		# a part is done, so the plan and a relative target mean something else; or the other run has ended within
		# a revision, which the engine says
		is_repeatable "$1" || is_stored || { tell_moved; return $status; }
		stored=$engine_state
		store_state
	done
}

# tell_moved [END]: says what blocked() has kept back: that another run was faster, or, at the end, the
# error that it has the lock
tell_moved()
{
	local text=${failed_at#*"$newline"} place

	place=${text%"$newline"*}
	if [ "$locked" -eq 3 ] && [ $# -gt 0 ]; then
		say "${red}ERROR:  ${text##*"$newline"}$plain${place:+$newline$place}"
	elif [ "$locked" -eq 3 ] || [[ $failed_at == *'the database is in a different state'* ]]; then
		say "${red}ERROR:  another run has changed the state of the database$plain${newline}HINT:  Repeat the command."
	fi
}

# engine_verify: runs the verify sections in the database
engine_verify()
{
	local text

	find_files; begin; begin_look; add_plain
	shown "SELECT * FROM cmig.verify(:'argument')"
	called "SELECT cmig.script('verify', :'argument', version_table => 'cmig_engine.version');"
	end_look
	text=$(run) || return
	script='' transaction=''
	[ -n "$text" ] || { none; printf '%s\n' "$NONE"; return; }
	! given verbose || text="\\x on$newline$text"
	run_on_target "$text
\\if :cmig_failed
\\warn 'cmig: found $MARK'
\\endif"
}

# engine_stamp: records what cmig.stamp() has recorded in the engine
engine_stamp()
{
	begin_again
	find_missing
	add_plain
	called "SELECT pg_catalog.count(*) AS cmig_stamped FROM cmig.stamp($TARGET$PARAMETERS) \\gset"
	require_stamped
	# an empty state would be in the place of that in the table
	[[ $engine_format != *_version || ${arguments[*]} = base ]] ||
		need 'EXISTS (SELECT FROM cmig.revision)' "'no revisions are loaded, so the state in $engine_format remains'" \
			"'First import or create the revision files.'"
	engine_record
}

# Records in the database the revision that cmig.capture() has written, which is in the folder "later", and only
# then puts its file beside the others: if it fails, there is none, and if it is interrupted in between, cmig
# export writes it.
engine_capture()
{
	local file path text

	file=$(find "$later" -type f) path=$(new_folder)/${file#"$later"/}
	record_capture "$file" || return
	IFS= read -r -d '' text <"$file"
	write_file "$path" "$text" || fail 2 "$path cannot be written" \
		"When it can, to write the revision, if it is recorded as applied: cmig export $(
		sed -n '1s/^-- revision: *//p' "$file")"
	printf '%s\n' "$path"
}

# record_capture FILE: records a captured revision.  cmig.load() recognizes the file, and records it as applied, in
# the engine, unless the schema could not be compared.
record_capture()
{
	local changed status hint='HINT:  Nothing was recorded, and no file was written. Repeat the command.'

	find_files
	files+=("$1")
	begin
	add_plain
	load_files
	variable state "$engine_state"
	called "SELECT pg_catalog.count(*) FROM cmig.version
WHERE NOT coalesce(:'state'::pg_catalog.jsonb OPERATOR(pg_catalog.->) 'version' OPERATOR(pg_catalog.?) revision,
	false);"
	temporary kept file
	changed=$(run 2>"$kept") || { status=$?; say_kept; [ $status -ne 3 ] || say "$hint"; return $status; }
	script='' transaction=''
	[ "${changed##*"$newline"}" != 0 ] || { say_kept; return 0; }
	begin
	add_plain
	engine_record || {
		status=$?
		rm -f -- "$kept"
		kept=''
		[ $status -ne 3 ] || say "$hint"
		return $status
	}
	say_kept
}

# Sets the option --stats to what cmig.stats_export() would return in the database, and the
# option --queries to the queries that pg_stat_statements has counted there.
read_workload()
{
	local text lock

	temporary STATS
	if ! given stats; then
		text=$(engine_user=$ENGINE_ROLE engine_psql -d "$engine_database" -c "SELECT format('
			SET LOCAL jit = off; SET LOCAL datestyle = ''ISO''; SET LOCAL intervalstyle = iso_8601;
			SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = hex;
			SELECT /* cmig_stats */ concat(''['', string_agg(jsonb_strip_nulls(to_jsonb(s))::text, E'',\n''), '']'')
			FROM (SELECT true AS with_values) p, LATERAL (%s) s (%s); COMMIT;',
			prosrc, array_to_string(proargnames[2:], ', '))
		FROM pg_proc WHERE oid = 'cmig.stats_export'::regproc") || fail 2 'the engine cannot be used'
		ask_target - >"$STATS/stats" <<<"$text" || fail 3 'the statistics of the database cannot be read'
		option_stats=$STATS/stats
	fi
	if ! given queries; then
		# a lock as that of the schema of the state, but of no tables
		lock=${LOCK_STATE/"'cmig_engine'"/"(SELECT nspname FROM pg_namespace n
		JOIN pg_extension ON extnamespace = n.oid WHERE extname = 'pg_stat_statements')"}
		target_access='' ask_target engine_queries lock "${lock/"$STATE_TABLES"/"'{}'"}" >"$STATS/read" ||
			fail 3 'pg_stat_statements of the database cannot be read'
		{ IFS= read -r text; cat >"$STATS/queries"; } <"$STATS/read"
		[ "$text" = TRUE ] ||
			fail 2 'the database does not have pg_stat_statements' 'cmig workload-check --queries FILE'
		option_queries=$STATS/queries
	fi
}
