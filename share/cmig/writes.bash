# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2153,SC2154,SC2034
#
# writes.bash
#	  The verbs that write revision files or load them.  Sourced by cmig.

# parameters [OPTION...]: sets PARAMETERS to the SQL arguments for the verb's options,
# in the form ", name => value".  Leaves out the named options, and the option
# file-template, whose argument is put into TEMPLATE.
parameters()
{
	local name value

	PARAMETERS='' TEMPLATE=''
	verb_field "$verb" 2
	for name in $FIELD file-template; do
		given "$name" && [[ " $* " != *" $name "* ]] || continue
		value=:\'given_${name//-/_}\'
		case $name in
			message | rev-id | head | branch-label | version-table | history-table | file-template | precondition | \
				schemas | compare | exclude | source | copy-of)
				variable "given_${name//-/_}" "$(option "$name")" ;;
			splice | expand | purge | prune | accept-changes | transaction-per-revision | owners | concurrently | \
				stages | probe | rehearse | confirm)
				value=true ;;
			no-transaction) name=transactional value=false ;;
			no-facts) name=facts value=false ;;
			depends-on) list depends "${depends[@]}"; value=$LIST ;;
			renames) list renames "${renames[@]}"; value=$LIST ;;
			*) continue ;;
		esac
		case $name in
			schemas | exclude) value="pg_catalog.regexp_split_to_array($value, E'\\\\s*,\\\\s*')" ;;
			rev-id) name=revision ;;
			file-template) TEMPLATE=", file_template => $value"; continue ;;
			precondition) name=precondition_sql ;;
		esac
		PARAMETERS+=", ${name//-/_} => $value"
	done
}

# as_user COMMAND...: runs a command of the user, for whom the database is not the one in the engine
as_user() { if [ -z "$engine_database" ]; then "$@"; else on_target "$@"; fi; }

# Sets the psql variable target_sql to the content of the file named by --target, or
# to the output of that command.  No shell is used: the command is split at spaces.
target_sql()
{
	local -a words
	local text

	given target ||
		fail 2 "$verb requires a target schema" 'Use --target FILE, or add a line "target = COMMAND" to cmig.conf.'
	# bash would drop a zero byte; the one in its place is not valid UTF-8
	if [ -f "$option_target" ] || [ -c "$option_target" ]; then
		text=$(set -o pipefail; { cat -- "$option_target" && echo x; } | LC_ALL=C tr '\0' '\377') ||
			fail 2 "$option_target cannot be read"
	else
		read -r -a words <<<"$option_target"
		# not a builtin, or a function of cmig
		words[0]=$(type -P -- "${words[0]:-}") || fail 2 "there is no file or command for the target: $option_target"
		text=$(set -o pipefail; { as_user "${words[@]}" && echo x; } | LC_ALL=C tr '\0' '\377') ||
			fail 2 "the target command failed: $option_target"
	fi
	printf '%s' "$text" | is_utf8 || {
		[ ! -f "$option_target" ] || ! is_utf8 <"$option_target" || fail 2 "$option_target contains a zero byte"
		fail 2 "the target schema is not valid UTF-8: $option_target" \
			"$([ ! -f "$option_target" ] || iconv_hint "$option_target")"
	}
	text=${text%x}
	without_mark "$text"
	variable target_sql "$UNMARKED"
}

# Runs a script that returns files, and writes them or, with --sql, prints them.
finish_files()
{
	local folder

	folder=$(new_folder)
	if given sql; then run; else run write_files "$folder"; fi
}

# returned_files CALL [NOTE]: adds statements that call a function and return its files, unless
# one of them would follow a revision that has no file: then the files could not be loaded
# into another database.  NOTE is the column with notes.
returned_files()
{
	local note=${2-}

	keep files "$1" 'file_name text' 'content text' ${note:+"$note text"}
	[ "$note" != hazards ] || ! given expand || add_expand_headers
	require_files "(SELECT DISTINCT parent AS revision, parent AS n
	FROM (SELECT pg_catalog.split_part(content, E'\\n-- cmig:', 1) FROM $KEPT) h (header),
	pg_catalog.regexp_matches(header, '^-- (?:down_revision|depends_on): *(\S.*)\$', 'ng') m,
	pg_catalog.regexp_split_to_table(m[1], ', *') parent
	WHERE parent <> ALL (:'cmig_loaded'::text[])
	AND NOT EXISTS (SELECT FROM $KEPT WHERE content LIKE pg_catalog.concat('-- revision: ', parent, E'\\n%'))) p" \
		'to be followed' "$KEPT_HINT"
	# there is no file without the record in the journal that says that it was captured
	[ "$verb" != capture ] || { end_transaction COMMIT; begin_transaction "$level"; }
	if given sql; then
		add_plain
		add "SELECT content FROM $KEPT ORDER BY n;"
	else
		add_file_format
		add "SELECT file_name, content, ${note:-''} FROM $KEPT ORDER BY n;"
	fi
}

# Adds the header expand to those of the kept files that could break a build that is still
# running: these are the ones for which lint prefers it.
add_expand_headers()
{
	local files=$KEPT

	add "SELECT pg_catalog.string_agg(content, E'\\n') AS cmig_contents FROM $files \\gset"
	called "SELECT pg_catalog.count(*) AS cmig_tried FROM cmig.load(:'cmig_contents') \\gset"
	kept findings "cmig.lint('heads', facts => false)" 'revision text' 'rule text'
	KEPT="(SELECT file_name, CASE WHEN breaks
		THEN pg_catalog.regexp_replace(content, E'(\\n-- transactional: \\\\w+)', E'\\\\1\\n-- expand: true')
		ELSE content END AS content,
	pg_catalog.concat_ws('; ', hazards, CASE WHEN breaks
		THEN 'header expand: cmig expand asks for the lines -- cmig:up that are missing'
		ELSE 'no header expand: an old build can run beside it without' END) AS hazards, n
	FROM (SELECT *, EXISTS (SELECT FROM $KEPT WHERE rule = 'prefer-expand'
		AND content LIKE pg_catalog.concat('-- revision: ', revision, E'\\n%')) AS breaks FROM $files) f) AS files"
}

# new_file CALL [NOTE]: calls a function that returns files, and writes them.  Only what
# cmig.capture records in the journal is kept in the database: see returned_files().
new_file()
{
	[ "$verb" = import ] || find_files
	begin; begin_load
	[ "$verb" != baseline ] || typed schemas || typed branch-label || given scope || require_first
	# the new file must not follow a revision that has no file
	[ ${#files[@]} -eq 0 ] || { given head && ! given autogenerate; } || require_followed
	returned_files "$1" "${2-}"
	end_transaction ROLLBACK
	finish_files
}

# Adds a statement that raises an error if the files have a first revision that is not applied.
require_first()
{
	need false "'there is already a first revision: \"' || revision || '\"'" \
		"'To record it as applied in a database that has its schema: cmig stamp ' || $WORD ||
	'. If the baseline is for another application in this database, name its schemas with --schemas.'" '' \
		"(SELECT pg_catalog.min(revision) AS revision, pg_catalog.min(revision) AS r FROM cmig.revision
	WHERE revision = ANY (:'cmig_loaded'::pg_catalog.text[]) AND down_revision = '{}'
	HAVING pg_catalog.count(*) > 0 AND NOT EXISTS (SELECT FROM cmig.version)) first"
}

verb_init()
{
	local folder directory text written='' config url='# database_url = postgresql:///shop' env='# env = .env'
	local engine='# engine = local' databases='# databases = shop, shop_test' new=''

	! given create-database || given databases || [ -n "${PGDATABASE:-}" ] ||
		fail 2 '--create-database requires the name of the database' 'cmig init --create-database -d NAME'
	config=$(option config) || config=${CMIG_CONFIG:-cmig.conf}
	folder=${arguments[0]:-${folders[0]}} directory=$(dirname -- "$config")
	if [ ! -e "$config" ] && [ "$directory" != . ] && [[ $folder != /* ]]; then
		# the file names it from its own folder
		folder=${folder#"$directory"/}
		if [ -d "$folder" ] && [ ! -d "$directory/$folder" ]; then folder=$PWD/$folder; fi
		written=$folder
		[[ $folder = /* ]] || folder=$directory/$folder
	fi
	: "${written:=$folder}"
	[[ -e $config || ( $written != *$newline* && $written != [[:space:]]* && $written != *[[:space:]] ) ]] ||
		fail 2 "the name of the folder $(printf %q "$written") cannot be written into $config" 'Choose another one.'
	mkdir -p -- "$folder" || fail 2 "the folder $folder cannot be created"
	if [ ! -e "$config" ]; then
		[[ ! $(option database) =~ ^[A-Za-z0-9_-]+$ ]] || url="database_url = postgresql:///$option_database"
		! given env || [[ $config == */* ]] || env="env = $option_env"
		! given engine || engine="engine = $option_engine"
		! given databases || [[ $option_databases == *$newline* ]] || databases="databases = $option_databases"
		printf -v text '%s\n' "folder = $written" '# file_template = %(rev)s_%(slug)s' '# target = schema.sql' \
			'# schemas = public' '# compare = models' '# exclude = partman.*, public.job_*' \
			"$env" "$url" "$databases" "$engine"
		write_file "$config" "$text" || fail 2 "$config cannot be written"
		printf '%s\n' "$config"
		new=1
	elif typed databases && [ -n "$option_databases" ] && [ "$option_databases" != "${config_databases-}" ]; then
		say "$config has other databases than --databases${newline}HINT:  In $config: databases = $option_databases"
	fi
	if [ -z "$new" ] && [ ${#arguments[@]} -gt 0 ]; then
		for directory in "${folders[@]}"; do [ ! "$folder" -ef "$directory" ] || written=''; done
		[ -z "$written" ] || say "$config has another folder than $folder${newline}HINT:  In $config: folder = $folder"
	fi
	! given template && ! given package || say 'cmig: revisions are SQL files; --template and --package have no effect'
	if given engine; then
		given create-database || return 0
		unset option_engine CREATE
	fi
	verb=ensure-version
	if given databases; then in_databases database; return; fi
	verb_ensure_version || return
	[ -z "$new" ] || given sql || tell_tools
}

# Creates the database, if it does not exist.
create_database()
{
	variable database "$PGDATABASE"
	begin_transaction warning
	need "EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = current_user AND (rolcreatedb OR rolsuper))
	OR EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = :'database')" \
		"'permission denied to create database'" \
		"pg_catalog.format('As a superuser: ALTER ROLE %I CREATEDB', current_user)" insufficient_privilege
	end_transaction COMMIT
	add "SELECT pg_catalog.format('CREATE DATABASE %I', :'database')
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) :'database') \\gexec"
	local -a chosen=(${chosen[@]+"${chosen[@]}"} PGDATABASE=postgres) psql=() service=()
	find_psql
	PGDATABASE=postgres run
}

create_extension()
{
	begin_transaction warning
	need "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
	OR EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_cmig')" \
		"'permission denied to create extension \"pg_cmig\"'" \
		"pg_catalog.format('As a superuser or the owner of the database: GRANT CREATE ON DATABASE %I TO %I',
	pg_catalog.current_database(), current_user)" insufficient_privilege
	call "$CREATE"
	need_access
	add_place
	run
}

CREATE='CREATE EXTENSION IF NOT EXISTS pg_cmig'
verb_ensure_version()
{
	if given sql; then
		printf '%s;\n' "$CREATE"
	else
		! given create-database || create_database || return
		[ -z "${CREATE-}" ] || create_extension
	fi
}

verb_revision()
{
	local name

	[ -n "$(option message)" ] || fail 2 'a revision requires a message' 'cmig revision -m "what it does"'
	if given autogenerate; then
		for name in no-transaction precondition; do
			! given "$name" ||
				fail 2 "--$name cannot be used with --autogenerate" 'write it into the new file: cmig help draft'
		done
		for name in stages concurrently; do
			! given expand || ! given "$name" || fail 2 "--expand cannot be used with --$name" \
				'--expand is for one revision that cmig expand runs; --stages and --concurrently are for cmig upgrade.'
		done
		target_sql
		parameters expand
		new_file "cmig.autogenerate(target_sql => :'target_sql'$PARAMETERS$TEMPLATE)" hazards
	else
		# what cmig.conf says about comparisons
		# shellcheck disable=SC2086	# names
		parameters $DIFFERENCES source stages
		new_file "cmig.draft(${PARAMETERS#, }$TEMPLATE)"
	fi
}

verb_merge()
{
	[ ${#arguments[@]} -gt 0 ] || arguments=(heads)
	targets "${arguments[@]}"
	parameters
	find_files; begin; begin_load
	require_followed
	call "SELECT cmig.merge($TARGET$PARAMETERS)" "SELECT cmig.merge($TARGET$PARAMETERS) AS cmig_merged \\gset"
	returned_files "cmig.export(:'cmig_merged'::pg_catalog.text$TEMPLATE)"
	end_transaction ROLLBACK
	finish_files
}

# Runs capture, baseline, or squash.
verb_generated()
{
	default_option message "$verb"
	parameters
	if [ "$verb" = squash ]; then
		argument range
		PARAMETERS=", range => :'range'$PARAMETERS"
	fi
	# until it is recorded, a file in a folder of revisions would be pending, and an upgrade would run it
	[ "$verb" != capture ] || [ -z "$engine_database" ] || ! is_loaded_from "$(new_folder)" ||
		{ temporary GENERATED; later=$GENERATED/later; }
	new_file "cmig.$verb(${PARAMETERS#, }$TEMPLATE)" hazards || return
	[ -z "$later" ] || [ ! -d "$later" ] || engine_capture || return
	[ "$verb" != baseline ] ||
		say 'HINT:  To record the revision as applied in a database that has this schema: cmig stamp head'
}

verb_load()
{
	local file

	parameters
	if [ ${#arguments[@]} -gt 0 ]; then
		for file in "${arguments[@]}"; do add_file "$file"; done
		check_files
	else
		find_files
	fi
	[ ${#files[@]} -gt 0 ] || return 0
	begin
	rows "cmig.load(:'files'$PARAMETERS)"
	run || return
	{ [ -n "$engine_database" ] && given accept-changes; } || return 0
	begin
	add_plain
	engine_record quiet
}

verb_export()
{
	local revisions=''

	if given state; then
		[ "${arguments[*]}" = engine ] || fail 2 'export --state requires an argument' 'cmig export engine --state'
		export_engine
		return
	fi
	parameters
	revisions="revision => NULL::pg_catalog.text$TEMPLATE"
	[ ${#arguments[@]} -eq 0 ] || { list revision "${arguments[@]}"; revisions="revisions => $LIST$TEMPLATE"; }
	begin; add_file_format
	call "SELECT * FROM cmig.export($revisions)" "SELECT file_name, content, '' FROM cmig.export($revisions);"
	finish_files
}

# find_file: sets FILE to the file of the revision REVISION, if any
# shellcheck disable=SC2016	# code of awk
find_file()
{
	FILE=$([ ${#files[@]} -eq 0 ] || printf '%s\0' "${files[@]}" | REVISION=$REVISION LC_ALL=C xargs -0 awk '
		/^-- *revision: */ {
			sub(/^-- *revision: */, "")
			sub(/[ \t\r]+$/, "")
			if ($0 == ENVIRON["REVISION"]) print FILENAME
			nextfile
		}' | head -n 1)
}

# target_file: sets REVISION to the revision that the argument names, and FILE to its file, if any.
# The name of a revision that has a file is known although a file cannot be loaded.
target_file()
{
	find_files
	REVISION=${arguments[0]}
	find_file
	[ -z "$FILE" ] || return 0
	argument target
	begin; begin_load; add_plain
	# repeatable revisions have no place in the graph
	shown "SELECT * FROM cmig.resolve(:'target')"
	called "SELECT coalesce(
	(SELECT revision FROM cmig.revision WHERE revision OPERATOR(pg_catalog.=) :'target'),
	(SELECT revision FROM cmig.resolve(:'target') LIMIT 1));"
	end_transaction ROLLBACK
	REVISION=$(run) || return
	script=''
	find_file
}

verb_edit()
{
	local editor=${VISUAL:-${EDITOR:-vi}} status

	target_file || return
	[ -n "$FILE" ] || fail 2 "there is no file for revision $REVISION" "cmig export $(printf %q "$REVISION")"
	# as in psql, the shell reads the command, which can have options and quotes
	LC_CTYPE=$user_encoding sh -c "$editor \"\$@\"" sh "$FILE"
	status=$?
	[ $status -eq 0 ] || fail 2 "the editor $(printf %q "$editor") has failed with exit status $status" \
		'To use another one, for example: export VISUAL=vi'
}

# Deletes the file after the database has deleted the revision, which it refuses if the revision is applied.
verb_remove()
{
	target_file || return
	variable revision "$REVISION"
	begin; begin_load
	perform "cmig.remove_revision(:'revision')"
	confirm "delete ${FILE:-revision $REVISION, which has no file}?"
	run || return
	[ -z "$FILE" ] || rm -f -- "$FILE" || fail 2 "$FILE cannot be deleted"
	say "removed $REVISION"
}

# Converts an Alembic project with cmig-import-alembic.
import_alembic()
{
	local converter argument=${arguments[1]--} output=1

	[[ $argument == -* ]] || fail 2 "the folder of Alembic's migrations is in alembic.ini: $(printf %q "$argument")" \
		"For an alembic.ini that is elsewhere: cmig import alembic -c $(printf %q "${argument%/}/alembic.ini")"
	converter=$here/cmig-import-alembic
	[ -x "$converter" ] || converter=cmig-import-alembic
	for argument in "${arguments[@]:1}"; do
		case $argument in -o* | --output* | --to | --to=* | --stdout | --take-over) output='' ;; esac
	done
	[ -z "$output" ] || arguments+=(-o "${folders[0]}")
	exec "$converter" "${arguments[@]:1}"
}

# Imports the state of another tool.  The exit status is 1 if a migration is not recorded
# because no revision has its name, or because the tool did not finish it.
import_state()
{
	local after=keep status

	if typed version-table; then
		after=$option_version_table
		[ "${arguments[0]}" = alembic ] ||
			fail 2 "--version-table cannot be used with ${arguments[0]}" 'Rename or drop its table by hand.'
		[[ $after =~ ^(keep|rename|drop)$ ]] || fail 2 '--version-table must be keep, rename, or drop' \
			'To name the table of Alembic, use --history-table.'
	fi
	if [ -n "$engine_database" ]; then
		[ "$after" = keep ] || fail 2 "--version-table $after requires the extension in the database" \
			'First record the state without this option. Then by hand: '\
'ALTER TABLE alembic_version RENAME TO alembic_version_old'
	elif [ "${arguments[0]}" = engine ] && ! given history-table; then
		import_engine
		return
	fi
	parameters version-table
	find_files; begin_ahead; end_ahead
	begin_again
	[ "$after" = keep ] || begin_table
	keep state "cmig.import_state(:'tool'$PARAMETERS)" 'applied text' 'revision text' 'note text'
	add "SELECT applied, revision, note FROM $KEPT;"
	found_if "EXISTS (SELECT FROM $KEPT WHERE revision IS NULL OR note LIKE '%did not finish it')"
	if [ "$after" = keep ]; then end_transaction COMMIT; else end_table "$after"; fi
	[ -n "$engine_database" ] || { run; return; }
	run
	status=$?
	[ $status -le 1 ] || return $status
	# an empty state would be in the place of the one that the tool has recorded
	[ $status -eq 0 ] || [ "$engine_format" != alembic_version ] || [ -n "$(engine_user=$ENGINE_ROLE engine_psql \
		-d "$engine_database" -c 'SELECT 1 FROM cmig.version')" ] ||
		fail 1 'nothing was recorded, and the table was left as it is'
	script='' transaction=''
	begin
	add_plain
	engine_record || return
	return $status
}

# Locks the table of Alembic.
begin_table()
{
	local table="'alembic_version'"

	! given history-table || table=":'given_history_table'"
	called "SELECT pg_catalog.to_regclass($table)::pg_catalog.oid AS cmig_table,
	pg_catalog.to_regclass($table) IS NOT NULL AS cmig_exists \\gset"
	add "\\if :cmig_exists
SELECT relname AS cmig_table_name FROM pg_catalog.pg_class WHERE oid = :'cmig_table'::pg_catalog.oid \\gset
SELECT pg_catalog.format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', :'cmig_table'::pg_catalog.regclass) \\gexec
\\endif"
}

# end_table ACTION: renames or drops the table of Alembic, and commits.  If something
# was not recorded, rolls back.
end_table()
{
	local statement="pg_catalog.format('ALTER TABLE %s RENAME TO %I', :'cmig_table'::pg_catalog.regclass,
	pg_catalog.left(:'cmig_table_name', 59) || '_old')"

	[ "$1" = rename ] || statement="pg_catalog.format('DROP TABLE %s', :'cmig_table'::pg_catalog.regclass)"
	transaction=''
	add "\\if :cmig_found
ROLLBACK;
\\warn 'cmig: nothing was recorded, and the table was left as it is'
\\else
SELECT $statement \\gexec
COMMIT;
\\endif"
}

# Converts the migrations of a Django project with import_django.py.  The order in which
# Django creates what it has in sets depends on the hash seed.
import_django()
{
	local folder=${arguments[1]:-.} python=${PYTHON:-python3}

	[ -f "$folder/manage.py" ] ||
		fail 2 "$folder/manage.py does not exist" 'cmig import django FOLDER, with the folder of manage.py'
	temporary GENERATED
	CMIG_IMPORT_CODE=$(dirname -- "$here")/share/cmig/import_django.py CMIG_IMPORT_RESULT=$GENERATED/files \
		PYTHONHASHSEED=0 "$python" -B "$folder/manage.py" shell -v 0 \
		-c 'import os; path = os.environ["CMIG_IMPORT_CODE"]; exec(compile(open(path).read(), path, "exec"))' \
		>&2 </dev/null && [ -f "$GENERATED/files" ] || fail 2 "the migrations in $folder cannot be converted" \
		'Activate the environment of the project first, so that python3 finds Django and a PostgreSQL driver.'
	write_files "$(new_folder)" <"$GENERATED/files"
}

# keep_rollbacks SCRIPT: Liquibase ends at the last change set that has no rollback, whose text is removed
# from the script.  What precedes it is the rollback of those that follow it in the change log.
keep_rollbacks()
{
	local hint kept='' last=''

	hint=$(grep -m 1 '^Unexpected error' -- "$GENERATED/messages") ||
		hint='Liquibase cannot generate the rollback'
	last=$(sed -n 's/^-- Rolling Back ChangeSet: //p' "$1" 2>/dev/null | tail -n 1)
	if [ -z "$last" ]; then
		rm -f -- "$1"
		say "cmig: no downgrade sections: $hint"
		return
	fi
	kept=$(awk '/^-- Rolling Back ChangeSet: / { printf "%s", text; text = "" }
		{ text = text $0 "\n" }' "$1" && echo x) &&
		printf '%s' "${kept%x}" >"$1" || fail 2 'no temporary file can be written'
	visible "$last"
	say "cmig: no downgrade sections for $VISIBLE and the change sets before it: $hint"
}

# with_preconditions FILE: prints the change sets of a change log in XML or YAML that have preconditions, as
# "author.id", on one line
# shellcheck disable=SC2016	# code of awk
with_preconditions()
{
	LC_ALL=C awk '
		function value(name, quote) {
			if (match($0, "[ \t\r\n]" name "[ \t\r\n]*=[ \t\r\n]*[\"\047]") == 0) return ""
			quote = substr($0, RSTART + RLENGTH - 1, 1)
			return substr($0, RSTART + RLENGTH, index(substr($0, RSTART + RLENGTH), quote) - 1)
		}
		function plain(text) {
			sub(/^[^:]*:[ \t]*/, "", text); sub(/[ \t\r]+$/, "", text)
			return text ~ /^".*"$|^\047.*\047$/ ? substr(text, 2, length(text) - 2) : text
		}
		function tell() {
			if (has && id != "") printf "%s%s", told++ ? ", " : "", author "." id
			has = 0; id = author = ""
		}
		BEGIN { yaml = ARGV[1] ~ /\.ya?ml$/; RS = yaml ? "\n" : "<" }
		!yaml && /^([a-z]+:)?changeSet[ \t\r\n]/ { tell(); id = value("id"); author = value("author") }
		yaml && /^[ \t]*-[ \t]*changeSet:/ { tell(); inside = 1 }
		yaml && inside && id == "" && /^[ \t]*(-[ \t]*)?id:/ { id = plain($0) }
		yaml && inside && author == "" && /^[ \t]*(-[ \t]*)?author:/ { author = plain($0) }
		(yaml ? inside : id != "") && /^[ \t]*([a-z]+:)?(-[ \t]*)?preConditions/ { has = 1 }
		END { tell() }' "$1"
}

# name_preconditions FOLDER SCRIPT: names the change sets with preconditions in those change logs below the
# folder that are in the script.  Liquibase prints them as if each was true, also <dbms type="mysql"/>.
name_preconditions()
{
	local file sets
	local -a found=()

	while IFS= read -r file; do
		grep -qi 'preconditions' -- "$1/$file" 2>/dev/null || continue
		sets=$(cd -- "$1" && with_preconditions "./$file" 2>/dev/null)
		visible "$file${sets:+: $sets}"
		found+=("$VISIBLE")
	done < <(sed -n 's/^-- Changeset \(.*\)::[^:]*::.*/\1/p' "$2" | LC_ALL=C sort -u)
	[ ${#found[@]} -eq 0 ] || {
		say 'cmig: preconditions were not tested; delete what they exclude in the revisions of'
		printf '  %s\n' "${found[@]}" >&2
	}
}

# Lets Liquibase write the SQL of a change log in XML, YAML, or JSON into the temporary
# folder GENERATED.
generate_liquibase()
{
	local log=$1 program=liquibase folder word offline='offline:postgresql' hint
	local found_by='Liquibase finds files of the project by the variable LIQUIBASE_SEARCH_PATH, and classes by '

	found_by+=LIQUIBASE_CLASSPATH.

	# npm's package has no command of this name
	for word in node_modules/liquibase/dist/liquibase/liquibase node_modules/.bin/liquibase; do
		[ ! -x "$word" ] || program=$PWD/$word
	done
	hint="On a machine with both: liquibase --changeLogFile=$(printf %q "$log") --url=$offline "
	hint+='--outputFile=FOLDER/changes.sql updateSQL; then here: cmig import liquibase FOLDER'
	command -v "$program" >/dev/null && command -v java >/dev/null ||
		fail 2 "$log is not SQL, and Liquibase, which can convert it, is not installed, or Java is not" "$hint"
	temporary GENERATED
	folder=$(dirname -- "$log") log=${log##*/}
	# for short runs, optimizing code takes longer than running it
	local -x JAVA_OPTS=${JAVA_OPTS:--XX:TieredStopAtLevel=1 -XX:+UseSerialGC}
	for word in updateSQL futureRollbackSQL; do
		until (cd -- "$folder" && "$program" --changeLogFile="$log" --outputFile="$GENERATED/$word.sql" \
			--url="$offline?outputLiquibaseSql=none&changeLogFile=$GENERATED/$word.csv" \
			"$word" ${settings[@]+"${settings[@]/#/-D}"}) >"$GENERATED/messages" 2>&1; do
			if [ "$word" = futureRollbackSQL ]; then
				keep_rollbacks "$GENERATED/$word.sql"
				break
			fi
			rm -f -- "$GENERATED/$word".*
			[ -f "$GENERATED/first_messages" ] || mv -- "$GENERATED/messages" "$GENERATED/first_messages"
			# change logs name others by their place below a folder such as src/main/resources
			{ [[ $folder != . && $folder != / ]] && grep -q 'not found' -- "$GENERATED/first_messages"; } || {
				cat -- "$GENERATED/first_messages" >&2
				fail 2 "Liquibase cannot convert ${arguments[1]}" "$found_by"
			}
			log=${folder##*/}/$log folder=$(dirname -- "$folder")
		done
	done
	name_preconditions "$folder" "$GENERATED/updateSQL.sql"
	rm -f -- "$GENERATED"/*.csv "$GENERATED"/*messages
}

# the database in which node-pg-migrate runs dry
import_database=''

end_import()
{
	if [ -n "$engine_database" ]; then
		drop_copy "$import_database"
		end_engine
	else
		"${psql[@]}" -d "$(conninfo postgres)" -c "DROP DATABASE IF EXISTS $import_database WITH (FORCE)"
	fi
}

# node_pg_migrate DIRECTION FOLDER: appends what its dry run prints to the script in the file
# GENERATED/<migration>.sql, without the commands about its own table and transaction.  The SQL of a
# migration can contain a line like those of the tool, which counts only if it names a file of the
# folder that was not named before, or the migration itself.
# shellcheck disable=SC2016	# code of awk
node_pg_migrate()
{
	local status=0

	PGUSER=${PGUSER:-$(id -un)} DATABASE_URL=postgres:///$import_database "$program" "$1" 99999 --dry-run --verbose \
		-m "$2" >"$GENERATED/printed" 2>"$GENERATED/messages" </dev/null || status=1
	find "$2" -maxdepth 1 -type f | sed 's/.*\///; s/\.[^.]*$//' >"$GENERATED/known"
	awk -v folder="$GENERATED" -v title="$([ "$1" = up ] && echo Up || echo Down)" '
		function finish() {
			if (file) {
				sub(/^COMMIT;\n/, "", text)
				printf "-- %s Migration\n%s", title, text >>file
				close(file)
			}
			file = ""
		}
		FILENAME != ARGV[2] { known[$0] = 1; next }
		/^### MIGRATION .* \((UP|DOWN)\) ###$/ {
			marked = $0
			sub(/^### MIGRATION /, "", marked)
			sub(/ \((UP|DOWN)\) ###$/, "", marked)
			if (marked in known) {
				delete known[marked]
				finish()
				name = marked
				file = folder "/" name ".sql"
				text = ""
				print name
				next
			}
		}
		/^(INSERT INTO|DELETE FROM) "[^"]*"\."[^"]*" (\(name, run_on\) VALUES \(|WHERE name=)\047/ &&
			index($0, "\047" name "\047") { finish(); next }
		{ text = text $0 "\n" }
		END { finish() }' "$GENERATED/known" "$GENERATED/printed" >"$GENERATED/names"
	return $status
}

# Lets node-pg-migrate print the SQL of its migrations in JavaScript and TypeScript, in an
# empty database, and writes it as migrations in SQL into the folder GENERATED.  A migration
# whose downgrade it cannot print gets none.
# shellcheck disable=SC2016	# psql's variables
generate_node_pg_migrate()
{
	local program=node-pg-migrate name folder=$1 file

	[ -x node_modules/.bin/node-pg-migrate ] && program=node_modules/.bin/node-pg-migrate
	command -v "$program" >/dev/null || return 1
	temporary GENERATED
	import_database=cmig_import_$$
	if [ -n "$engine_database" ]; then
		import_database=${engine_database/%?????/00000}
		engine_psql -c "CREATE DATABASE $import_database TEMPLATE template0 OWNER $ENGINE_ROLE"
	else
		"${psql[@]}" -d "$(conninfo postgres)" -c "CREATE DATABASE $import_database TEMPLATE template0"
	fi ||
		fail 2 'no empty database can be created' \
			'node-pg-migrate prints the SQL of migrations in JavaScript only with one.'
	at_end=end_import
	node_pg_migrate up "$folder" || {
		cat -- "$GENERATED/messages" >&2
		fail 2 "node-pg-migrate cannot print the SQL of the migrations in $folder"
	}
	sed "s/'/''/g; s/.*/INSERT INTO pgmigrations (name, run_on) VALUES ('&', now());/" "$GENERATED/names" |
		"${psql[@]}" -d "$(conninfo "$import_database")"
	# the dry run ends at the first migration that it cannot revert
	until node_pg_migrate down "$folder"; do
		# not by an argument, whose length is limited
		name=$({ printf '\\set names %s\n' "$(quoted "$(cat -- "$GENERATED/names")")"; cat <<-'END'; } |
			WITH printed AS (
				DELETE FROM pgmigrations WHERE name = ANY (string_to_array(:'names', E'\n')) RETURNING name)
			SELECT name FROM pgmigrations WHERE name NOT IN (SELECT name FROM printed) ORDER BY id DESC LIMIT 1;
		END
			"${psql[@]}" -d "$(conninfo "$import_database")" -At)
		[ -n "$name" ] || break
		say "cmig: no downgrade section: $name: $(grep -m 1 -o 'Error: .*' -- "$GENERATED/messages")"
		"${psql[@]}" -d "$(conninfo "$import_database")" -v name="$name" \
			<<<"DELETE FROM pgmigrations WHERE name = :'name'"
	done
	rm -f -- "$GENERATED/printed" "$GENERATED/known" "$GENERATED/names" "$GENERATED/messages"
	for file in "$folder"/*.sql; do
		[ ! -f "$file" ] || cp -- "$file" "$GENERATED/"
	done
}

# name_tests PATTERN...: sets NAME_TESTS to tests of find that match names or, if there is a slash in
# the pattern, paths
name_tests()
{
	local pattern

	NAME_TESTS=(-false)
	for pattern; do
		if [[ $pattern == */* ]]; then NAME_TESTS+=(-o -path "$pattern"); else NAME_TESTS+=(-o -name "$pattern"); fi
	done
}

# Prints the files below the current folder that could be migrations or settings of a
# migration tool, and their first lines, as files_variable does; not revision files.  Links are
# followed, except to folders where the files are found anyway, and to those that contain the current one, but
# not those in folders that they lead to, which could lead anywhere.
# shellcheck disable=SC2016	# code of awk
possible_files()
{
	local link folder current
	local -a links=() skipped=(\( -name '.?*' -o -name node_modules -o -name vendor -o -name venv -o -name target
		-o -name dist -o -name build -o -path '*/src/test' \) -prune)

	current=$(pwd -P)
	while IFS= read -r -d '' link; do
		folder=none
		[ ! -d "$link" ] || folder=$(cd -P -- "$link" 2>/dev/null && pwd)
		[[ $folder == "$current"/* || $current/ == "${folder%/}"/* ]] || links+=("$link")
	done < <(find . -maxdepth 16 "${skipped[@]}" -o -type l -print0)
	name_tests '*.sql' '*.up.*' '*[Mm]igrat*.toml' '*.plan' atlas.sum _journal.json snapshot.json \
		'phinx.*' 'knexfile.*' 'mikro-orm.config.*' '*hange[Ll]og*.json' '*.xml' '*.yaml' '*.yml' './*migrat*.py' \
		'*/versions/*.py' './*migrat*.[cm][jt]s' './*migrat*.[jt]s' './*migrat*.go' './*migrat*.rs' \
		'./*migrat*.java' './*migrat*.kt' '[RV]*__*.java' '[RV]*__*.kt' '*/db/migrate/*.rb'
	NAME_TESTS=(-type f -size -2000k \( "${NAME_TESTS[@]}" \) ! -name $'*\n*' -print0)
	{
		find . -maxdepth 16 "${skipped[@]}" -o "${NAME_TESTS[@]}"
		[ ${#links[@]} -eq 0 ] || find -H "${links[@]}" -maxdepth 16 "${skipped[@]}" -o "${NAME_TESTS[@]}"
	} 2>/dev/null | LC_ALL=C sort -z | head -z -n 3000 |
		LC_ALL=C xargs -0 -r awk '/^-- revision: / && FNR == 1 { nextfile }
			FNR == 1 { print "==> " substr(FILENAME, 3) " <==" }
			FNR <= 60 { print substr($0, 1, 300) }' | tr -d '\0' | iconv -c -f UTF-8 -t UTF-8
}

# the files of the variable found_files
FOUND="pg_catalog.regexp_split_to_table(:'found_files', '(^|\n)==> ')"
FOUND_TOOLS="cmig.import_tools((SELECT pg_catalog.array_agg(pg_catalog.split_part(f, ' <==', 1)) FROM $FOUND f),
	(SELECT pg_catalog.array_agg(pg_catalog.substr(f, pg_catalog.strpos(f, E'\n') OPERATOR(pg_catalog.+) 1))
	FROM $FOUND f))"

# Names the tools that have files in the folder, or a table in the database.
tell_tools()
{
	script='' transaction=''
	variable found_files "$(possible_files)"
	begin
	called "SELECT pg_catalog.string_agg(DISTINCT tool, ', ') AS cmig_tools,
	count(*) OPERATOR(pg_catalog.>) 0 AS cmig_some
FROM $FOUND_TOOLS WHERE found_file IS NOT NULL OR history_table IS NOT NULL \\gset"
	add "\\if :cmig_some
\\warn 'cmig: files or a table like those of other migration tools were found:' :'cmig_tools'
\\warn 'HINT:  cmig import shows the commands that take over from them.'
\\endif"
	end_transaction ROLLBACK
	run
}

# Shows which tools the files and the database are of, and the commands that take over
# from them.
find_tools()
{
	local folder

	variable found_files "$(possible_files)"
	folder=$(new_folder)
	variable new_folder "$folder"
	folder=$(find . -maxdepth 3 -name manage.py -exec dirname {} \; | LC_ALL=C sort | sed -n '1s/^\.\/*//p')
	variable django_folder "$folder"
	# the files of the tool stay where they are
	variable other_folder "$([ -e cmig ] && printf revisions || printf cmig)"
	begin
	kept tools "(SELECT *, :'new_folder' AS new_folder, :'other_folder' AS other_folder,
	:'django_folder' AS django_folder
FROM $FOUND_TOOLS
ORDER BY history_table IS NULL, tool, found_file) known"
	add_plain
	screen import tools "pg_catalog.concat(item, ': ', value,
	pg_catalog.regexp_replace(E'\\n' OPERATOR(pg_catalog.||) hint, E'\\n', E'\\n  ', 'g'))"
	add "SELECT 'no files and no table of another migration tool were found; for a database that has a schema: ' ||
	'cmig baseline' WHERE :'cmig_rows' = '0';"
	end_transaction ROLLBACK
	run
}

# plain_json FILE: prints JSON without comments, and without lines
# shellcheck disable=SC2016	# code of awk
plain_json()
{
	LC_ALL=C awk '{ text = text $0 " \n" }
		END {
			while (match(text, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\/[^\n]*|\/\*/)) {
				token = substr(text, RSTART, RLENGTH)
				printf "%s", substr(text, 1, RSTART - 1)
				text = substr(text, RSTART + RLENGTH)
				if (token == "/*") text = index(text, "*/") ? substr(text, index(text, "*/") + 2) : ""
				else if (token !~ /^\/\//) printf "%s", token
			}
			printf "%s", text
		}' <"$1" | tr -s '[:space:]' ' '
}

# Adds the placeholders in the .gmrc of graphile-migrate, which is JSON with comments, except
# those that -x sets.  !ENV stands for the variable in the environment.  Says what else of it
# graphile-migrate uses when it runs migrations.
read_gmrc()
{
	local file name value setting text path

	for file in "$1"/{.gmrc,.gmrc.js,.gmrc.cjs,../.gmrc,../.gmrc.js,../.gmrc.cjs} .gmrc{,.js,.cjs}; do
		[ ! -f "$file" ] || break
	done
	[ -f "$file" ] || return 0
	[[ $file == *.gmrc ]] || { say "cmig: $file is left out, because it is JavaScript"; return 0; }
	text=$(plain_json "$file")
	while IFS= read -r value; do
		name=${value%%\"*} value=${value#*\"}
		value=${value#*\"} value=${value%\"}
		for setting in ${settings[@]+"${settings[@]}"}; do
			[[ $setting != "$name="* ]] || continue 2
		done
		if [ "$value" = '!ENV' ]; then
			[ -n "${!name+x}" ] ||
				fail 2 "the placeholder :$name in $file is the variable $name of the environment, which is not set" \
				"Set the variable, or cmig import graphile-migrate $(printf %q "$1") -x $name=<value>"
			value=${!name}
		fi
		settings+=("$name=$value")
	done < <(grep -oE '":[A-Z][0-9A-Z_]*"[[:space:]]*:[[:space:]]*"[^"\\]*"' <<<"$text" | sed 's/^"://')
	if [[ $text =~ pgSettings[\"\']?[[:space:]]*:[[:space:]]*\{([^\}]*[^\}[:space:]][^\}]*)\} ]]; then
		setting=${BASH_REMATCH[1]}
		visible "$setting"
		say "cmig: pgSettings in $file is left out: {$VISIBLE}"
		[[ ! $setting =~ search_path\"[[:space:]]*:[[:space:]]*\"(([^\"\\]|\\.)*)\" ]] || {
			path=${BASH_REMATCH[1]//\\\"/\"}
			visible "SELECT cmig.set_option('cmig.search_path', '${path//"$apostrophe"/"$apostrophe$apostrophe"}')"
			say "HINT:  For all runs: $VISIBLE"
		}
	fi
	for name in beforeReset afterReset beforeAllMigrations afterAllMigrations; do
		[[ ! $text =~ ${name}[\"\']?[[:space:]]*:[[:space:]]*(\[[[:space:]]*[^][:space:]]|[\"\'\{]) ]] ||
			say "cmig: $name in $file is left out; run what it names by other means"
	done
}

RAILS_HINT='First set config.active_record.schema_format = :sql in config/application.rb, and run bin/rails '
RAILS_HINT+='db:schema:dump; then cmig import rails db'

# Fails if there is no tool of the name.
require_tool()
{
	begin
	called "SELECT count(*) AS cmig_none FROM cmig.import_files(:'tool', '{}', '{}') \\gset"
	run || exit
}

# require_folders FOLDER: fails if it, or a folder in it, cannot be read: some migrations would be missing
require_folders()
{
	local unread

	# shellcheck disable=SC2016	# code of sh
	unread=$(find -L "$1" \( -name node_modules -o -name '.?*' \) ! -path "$1" -prune -o -type d -print0 2>/dev/null |
		xargs -0 sh -c 'for folder; do
			[ -r "$folder" ] && [ -x "$folder" ] || { printf %s "$folder"; exit 255; }
		done' sh 2>/dev/null)
	[ -z "$unread" ] || fail 2 "the folder $(printf %q "$unread") cannot be read"
}

# find_classes FOLDER: sets class_folders to the folders of classes that have the same place on the class path
# as a folder of resources.  Flyway may find other classes, too, because a setting can name their folder, and
# frameworks pass what they find: those are named, unless one that is read has the same name.
find_classes()
{
	local place=${1%/}/ file
	local -a left_out=()

	[[ $place == /* ]] || place=./$place
	[[ $place == */resources/* ]] || return 0
	for file in java kotlin; do
		file=${place/\/resources\///$file/}
		[ ! -d "$file" ] || class_folders+=("${file#./}")
	done
	while IFS= read -r -d '' file; do
		[ -n "$(find -L "$1" ${class_folders[@]+"${class_folders[@]}"} -name "${file##*/}" 2>/dev/null)" ] ||
			left_out+=("$(printf %q "${file#./}")")
	done < <(find "${place%%/resources/*}"/{java,kotlin} -type f \
		\( -name '[BRUV]*__*.java' -o -name '[BRUV]*__*.kt' \) -print0 2>/dev/null | LC_ALL=C sort -z)
	[ ${#left_out[@]} -eq 0 ] || say "cmig: migrations in other folders are left out: ${left_out[*]}
HINT:  If Flyway runs them in this database, repeat the import with --force after:" \
		"cp ${left_out[*]} $(printf %q "$1")"
}

verb_import()
{
	local folder file files_in='' text number=0 placeholders='' setting import_names='' import_texts=''
	local -a class_folders=()

	if [ ${#arguments[@]} -eq 0 ]; then
		! given state || fail 2 'import --state requires TOOL' 'cmig import shows which tools were used here'
		find_tools
		return
	fi
	if ! given state; then
		case ${arguments[0]} in
			alembic) import_alembic ;;
			django) import_django; return ;;
		esac
	fi
	argument tool
	if given state; then import_state; return; fi
	folder=${arguments[1]:-.}
	if [ "${arguments[0]}" = liquibase ] && [ -f "$folder" ] && [[ $folder != *.sql ]]; then
		generate_liquibase "$folder"
		folder=$GENERATED
	fi
	# a change log of Liquibase in SQL
	if [ "${arguments[0]}" = liquibase ] && [ -f "$folder" ]; then
		files_in=$(dirname -- "$folder")/${folder##*/} folder=$(dirname -- "$folder")
	fi
	[ -d "$folder" ] || {
		require_tool
		fail 2 "the $([ "${arguments[0]}" != liquibase ] || echo 'file or ')folder $folder does not exist"
	}
	[ -n "$files_in" ] || require_folders "$folder"
	case ${arguments[0]} in
		node-pg-migrate)
			name_tests '[0-9]*.[cm][jt]s' '[0-9]*.[jt]s'
			[ -n "$(find "$folder" -maxdepth 1 \( "${NAME_TESTS[@]}" \))" ] && generate_node_pg_migrate "$folder" &&
				folder=$GENERATED ;;
		rails)
			[ -n "$(find "$folder" -maxdepth 2 -name '*structure.sql')" ] ||
				fail 2 "there is no structure.sql in $folder" "$RAILS_HINT" ;;
		graphile-migrate) read_gmrc "$folder" ;;
		flyway) find_classes "$folder" ;;
	esac
	name_tests '*.sql' '*.conf' '*.toml' '*.plan' '*.json' '*.py' '*.js' '*.go' '*.rs' '*.java' '*.kt' '*.ts' '*.rb' \
		'*.xml' '*.yaml' '*.yml' '*.SQL' '*.up.*' '*.down.*' \
		'[RUV]*__*.sh' '[RUV]*__*.bash' '[RUV]*__*.ps1' '[RUV]*__*.bat' '[RUV]*__*.cmd' # of Flyway
	while IFS= read -r -d '' file; do
		# files of pg_cmig, and the large ones in which drizzle-kit keeps its metadata
		[[ ${file##*/} != cmig.conf && $file != */meta/*_snapshot.json ]] || continue
		add_file "$file"
		IFS= read -r -d '' text <"$file"
		# not a comment of another tool's file
		if [[ $text == '-- revision: '* &&
			$text == *"$newline"@(-- cmig:|-- down_revision:|-- message:|"\echo Use \"cmig")* ]]; then
			unset 'files[${#files[@]}-1]'
			continue
		fi
		number=${#files[@]}
		variable "file_name$number" "${file#"$folder"/}"
		without_mark "$text"
		variable "file_text$number" "$UNMARKED"
		import_names+=", :'file_name$number'" import_texts+=", :'file_text$number'"
	done < <(find -L "${files_in:-$folder}" ${class_folders[@]+"${class_folders[@]}"} \
		\( -name '.*' -o -path '*src/test' \) ! -path "$folder" -prune -o -name node_modules -prune -o ! -type d \
		\( "${NAME_TESTS[@]}" \) -print0 2>/dev/null | LC_ALL=C sort -z)
	if [ "$number" -eq 0 ]; then
		require_tool
		fail 2 "there are no files to convert in $folder"
	fi
	check_files
	files=()
	for setting in ${settings[@]+"${settings[@]}"}; do
		number=$((number + 1))
		variable "placeholder$number" "${setting%%=*}"
		variable "replacement$number" "${setting#*=}"
		placeholders+=", :'placeholder$number', :'replacement$number'"
	done
	settings=()
	[ -z "$placeholders" ] || placeholders=", pg_catalog.jsonb_build_object(${placeholders#, })"
	text=${arguments[0]//"$apostrophe"/"$apostrophe$apostrophe"}
	! given verbose || say "SELECT * FROM cmig.import_files('$text', file_names, contents$placeholders);"
	unset option_verbose
	begin; add_file_format
	called "SELECT file_name, content, note
FROM cmig.import_files(:'tool', ARRAY[${import_names#, }], ARRAY[${import_texts#, }]$placeholders);"
	finish_files
}

