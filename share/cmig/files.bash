# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2094,SC2034
#
# files.bash
#	  Finds revision files, sends them to the server, and writes new ones.  Sourced
#	  by cmig.

# add_file FILE: adds a revision file to the array "files"
add_file()
{
	[ -f "$1" ] && [ -r "$1" ] || fail 2 "$1 cannot be read"
	[[ $1 != *[[:cntrl:]]* ]] || fail 2 "the name of the file $(printf %q "$1") contains a control character"
	files+=("$1")
}

# add_files FOLDER LEVELS: adds the revision files in a folder and in LEVELS levels
# of subfolders.  LEVELS is the number of slashes in the file template.
add_files()
{
	local file

	for file in "$1"/*; do
		if [[ $file == *.sql && ! -d $file ]]; then
			add_file "$file"
		elif [ "$2" -gt 0 ] && [ -d "$file" ]; then
			add_files "$file" $(($2 - 1))
		fi
	done
}

# Prints where the nearest cmig.conf is, if it is only in a folder above the current one.
parent_config()
{
	local folder=$PWD

	[ ! -e cmig.conf ] && ! given config && [ -z "${CMIG_CONFIG:-}" ] || return
	until [ -e "$folder/cmig.conf" ]; do
		[ -n "$folder" ] || return
		folder=${folder%/*}
	done
	printf 'cmig.conf is in %q: run cmig there' "$folder"
}

# Prints a hint with another folder that has revision files.
other_folder()
{
	local folder config=${option_config-${CMIG_CONFIG:-cmig.conf}}

	folder=$(find . -maxdepth 4 \( -name '.?*' -o -name node_modules \) -prune -o -path './*/*.sql' -type f \
		-exec grep -l '^-- revision: ' -- {} + 2>/dev/null | LC_ALL=C sort | sed -n '1{ s/^\.\///; s/\/[^/]*$//; p; }')
	[ -n "$folder" ] || return
	visible "$folder"
	if is_loaded_from "$folder"; then
		printf 'HINT:  To read %s, too, in %s: file_template = %%(year)d/%%(rev)s_%%(slug)s' "$VISIBLE" "$config"
	else
		printf 'HINT:  Revision files are in %s: --folder %q or, in %s: folder = %s' \
			"$VISIBLE" "$VISIBLE" "$config" "$VISIBLE"
	fi
}

# Fails if a folder of revisions does not exist, or cannot be read.
check_folders()
{
	local folder

	for folder in "${folders[@]}"; do
		[ -d "$folder" ] || fail 2 "the folder $folder does not exist" "$(parent_config || other_folder ||
			echo 'cmig init creates it; with --no-load, no files are needed')"
		[ -r "$folder" ] && [ -x "$folder" ] || fail 2 "the folder $folder cannot be read"
	done
}

# Sets the array "files" to all revision files in the folders of revisions.
find_files()
{
	local folder slashes=${option_file_template-}

	# those of the first scope
	[ -z "$fed" ] || return 0
	files=()
	! given no-load || return 0
	slashes=${slashes//[!\/]/}
	check_folders
	for folder in "${folders[@]}"; do add_files "$folder" ${#slashes}; done
	check_files
}

# Copies standard input to standard output; fails if it is not valid UTF-8.  Reads all of it, because
# otherwise the command that writes it would report a broken pipe if SIGPIPE is ignored.
copy_utf8()
{
	command -v iconv >/dev/null || { cat; return; }
	iconv -f UTF-8 -t UTF-8 2>/dev/null || { cat >/dev/null; return 1; }
}

# Succeeds if standard input is valid UTF-8.
is_utf8() { copy_utf8 >/dev/null; }

# is_ascii TEXT: succeeds if the text, which is then valid UTF-8, has only ASCII characters
is_ascii() { local LC_ALL=C; [[ $1 != *[![:ascii:]]* ]]; }

# The patterns of # and % are tried at each character, and in UTF-8, each try looks at all of the text: a
# text of a megabyte takes minutes. So a text of any length is cut at places that are compared first.

# without_mark TEXT: sets UNMARKED to the text without a byte order mark at its beginning
without_mark()
{
	# as in quote()
	local LC_ALL=C

	UNMARKED=$1
	[ "${1:0:3}" != $'\xef\xbb\xbf' ] || UNMARKED=${1:3}
}

# unmarked FILE: prints the file without a byte order mark at its beginning
unmarked() { LC_ALL=C sed $'1s/^\xef\xbb\xbf//' -- "$1"; }

# read_text VARIABLE FILE: sets the variable to the text of a file that an option names
read_text()
{
	local text

	{ [ -r "$2" ] && [ ! -d "$2" ]; } || fail 2 "$2 cannot be read"
	is_utf8 <"$2" || fail 2 "$2 is not valid UTF-8"
	LC_ALL=C tr -d '\0' <"$2" | cmp -s - "$2" || fail 2 "$2 contains a zero byte"
	text=$(cat -- "$2")
	without_mark "$text"
	printf -v "$1" '%s' "$UNMARKED"
}

# Prints how to convert a file that is not UTF-8.
iconv_hint()
{
	local encoding=LATIN1

	case $(head -c 2 -- "$1" | od -An -tx1) in *'ff fe' | *'fe ff') encoding=UTF-16 ;; esac
	printf '%s' "To convert it, for example: iconv -f $encoding -t UTF-8 FILE"
}

told_empty=''	# was it said that there are no files?

# Says that there are no files, and where there are some.  If the folders have others, such as those of a tool with a
# folder for each migration, upgrade and load fail.
tell_empty()
{
	local hint others

	# the first revision is written into an empty folder
	[ -z "$told_empty" ] && [[ $verb != @(revision|baseline) ]] || return 0
	told_empty=1
	others=$(find "${folders[@]}" -mindepth 2 -maxdepth 2 -name '*.sql' 2>/dev/null | head -n 1)
	hint=$(other_folder) || hint=${others:+'HINT:  cmig import shows how to convert those of other tools.'}
	say "cmig: no revision files in ${folders[*]}${others:+, but SQL files in subfolders}${hint:+$newline$hint}"
	[ -z "$others" ] || [[ $verb != @(upgrade|load) ]] || exit 2
}

# with_files COMMAND...: runs the command with the files as its last arguments, several times if they are too long
# for one
with_files()
{
	local all=${files[*]}

	if [ ${#all} -le 30000 ]; then "$@" "${files[@]}"; else printf '%s\0' "${files[@]}" | xargs -0 "$@"; fi
}

checked=''	# the files that check_files has read

# Fails if a revision file or its name is not valid UTF-8, or contains zero bytes,
# which psql would drop.
check_files()
{
	local file zeros list

	[ ${#files[@]} -gt 0 ] || { tell_empty; return; }
	printf -v list '%s\n' "${files[@]}"
	[ "$checked" != "$list" ] || return 0
	checked=$list
	zeros=$({ printf '%s' "$list"; with_files cat --; } | copy_utf8 | LC_ALL=C tr -dc '\0' | wc -c) ||
		for file in "${files[@]}"; do
			printf '%s' "$file" | is_utf8 || fail 2 "the name of the file $(printf %q "$file") is not valid UTF-8"
			is_utf8 <"$file" || fail 2 "$file is not valid UTF-8" "$(iconv_hint "$file")"
		done
	[ "$zeros" -eq 0 ] || require_no_zeros
}

# Fails if one of the files contains a zero byte.
require_no_zeros()
{
	local file zeros

	zeros=$(with_files cat -- | LC_ALL=C tr -dc '\0' | wc -c)
	[ "$zeros" -gt 0 ] || return 0
	for file in "${files[@]}"; do
		LC_ALL=C tr -d '\0' <"$file" | cmp -s - "$file" || fail 2 "$file contains a zero byte"
	done
}

# Prints the command that sets the psql variable "files" to the text of all files,
# each one after a line with its name.  The text is never a command-line argument,
# because it can exceed the length limit.
files_variable()
{
	local file large failed=''
	local -a small=()

	# shellcheck disable=SC2016	# of the other shell
	large=$(with_files sh -c 'exec find -L "$@" -prune -size +2000k' sh 2>/dev/null)
	printf "\\\\set files '"
	for file in "${files[@]}"; do
		[[ -n $large && $newline$large$newline == *"$newline$file$newline"* ]] || { small+=("$file"); continue; }
		[ ${#small[@]} -eq 0 ] || put_files "${small[@]}" || failed=1
		put_large "$file" || failed=1
		small=()
	done
	[ ${#small[@]} -eq 0 ] || put_files "${small[@]}" || failed=1
	[ -z "$failed" ] || printf "'\n\\warn 'cmig: a file cannot be read'\nSELECT 1 / 0;\n\\\\set x '"
	printf "'\n"
}

# put_files FILE...: prints the files for files_variable
put_files()
{
	local -a files=("$@")

	LC_ALL=C with_files awk '
		function put(line) { gsub(/\\/, "&&", line); gsub(/\047/, "&&", line); printf "%s\\n", line }
		BEGIN {
			for (i = 1; i < ARGC; i++) {
				put("==> " ARGV[i] " <==")
				for (n = 1; (status = (getline line < ARGV[i])) > 0; n++) {
					# not all encodings have this mark
					if (n == 1) sub(/^\357\273\277/, "", line)
					put(line)
				}
				if (status < 0) exit 1
				close(ARGV[i])
			}
		}'
}

# put_large FILE: prints the same, but needs a process for each file.  Some versions of awk take quadratic time
# for a long line, such as a literal.
put_large()
{
	[ -r "$1" ] || return
	{ printf '==> %s <==\n' "$1"; cat -- "$1"; [ -z "$(tail -c 1 -- "$1")" ] || echo; } |
		LC_ALL=C sed -e $'2s/^\xef\xbb\xbf//' -e 's/\\/&&/g' -e "s/'/&&/g" -e 's/$/\\n/' | tr -d '\n'
}

# The files are authoritative: what is stored and pending, but has no file, must not
# run.  load_files, find_missing, and require_files are the only ones that decide this.

# the message about the revisions in the array m, the hint, and from where m is; and how a
# command has the revision r
MISSING="CASE pg_catalog.cardinality(m) WHEN 1 THEN 'revision ' ELSE 'revisions ' END ||
	'\"' || pg_catalog.array_to_string(m[1:10], '\", \"') ||
	CASE WHEN pg_catalog.cardinality(m) > 10 THEN '\", and ' || pg_catalog.cardinality(m) - 10 || ' more'
	ELSE '\"' END ||
	CASE pg_catalog.cardinality(m) WHEN 1 THEN ' is pending, but there is no file for it'
	ELSE ' are pending, but there are no files for them' END"
WORD="CASE WHEN r ~ '^[A-Za-z0-9_.:+-]+\$' THEN r ELSE pg_catalog.quote_literal(r) END"
MISSING_HINT="'Restore the file, or add its folder with --folder. If it is no longer wanted: ' ||
	(SELECT pg_catalog.string_agg('cmig remove ' || $WORD, '; ' ORDER BY n)
	FROM pg_catalog.unnest(m) WITH ORDINALITY AS u (r, n))"
KEPT_HINT="'Restore the file, or add its folder with --folder. To write it from the database: cmig export' ||
	CASE WHEN pg_catalog.cardinality(m) > 10 THEN '' ELSE (SELECT pg_catalog.string_agg(' ' || $WORD, '' ORDER BY n)
	FROM pg_catalog.unnest(m) WITH ORDINALITY AS u (r, n)) END"
FROM_MISSING="FROM (SELECT :'cmig_missing'::pg_catalog.text[] AS m) missing WHERE m <> '{}'"

# load_files [show]: adds the statement that loads the files, which -v shows.  The
# array cmig_loaded is then a list of their revisions.
load_files()
{
	local call="SELECT * FROM cmig.load(:'files')"

	add '\set cmig_loaded {}'
	[ ${#files[@]} -gt 0 ] || return 0
	[ -z "${1:-}" ] || ! given verbose || say "$call;"
	called "SELECT coalesce(pg_catalog.array_agg(revision), '{}') AS cmig_loaded,
	pg_catalog.array_agg(action) AS cmig_actions FROM ($call) l \\gset"
}

# Adds a query that sets two arrays: cmig_missing, the pending revisions without a file,
# and cmig_kept, the applied ones.  Revisions that are not connected with those in the
# files are left out, because they belong to another application, except for repeatable
# ones, which every upgrade to the heads runs.  cmig status, which proposes such an
# upgrade, names all pending ones, as the upgrade does.  The newest come first.
find_missing()
{
	local all=false

	[ "$verb" != status ] || all=true
	add "\\set cmig_missing {}$newline\\set cmig_kept {}"
	! given no-load || return 0
	kept history 'cmig.history()' 'revision text' 'down_revision text[]' 'applied boolean'
	add "WITH RECURSIVE other AS MATERIALIZED (SELECT * FROM $KEPT WHERE revision <> ALL (:'cmig_loaded'::text[])),
gone AS (SELECT o.* FROM other o WHERE (($all OR :'cmig_loaded' = '{}' OR o.down_revision IS NULL) AND NOT o.applied)
	OR o.down_revision && :'cmig_loaded'::text[]
	OR EXISTS (SELECT FROM cmig.revision r
		WHERE r.revision = ANY (:'cmig_loaded'::text[]) AND o.revision = ANY (r.down_revision))
UNION SELECT o.* FROM gone g, other o WHERE o.revision = ANY (g.down_revision) OR g.revision = ANY (o.down_revision))
SELECT coalesce(pg_catalog.array_agg(revision ORDER BY n) FILTER (WHERE NOT applied), '{}') AS cmig_missing,
	coalesce(pg_catalog.array_agg(revision ORDER BY n) FILTER (WHERE applied AND :'cmig_loaded' <> '{}'), '{}')
	AS cmig_kept FROM gone \\gset"
}

# of_array NAME: sets OF_ARRAY to a FROM item for the array in a psql variable, with the columns
# revision and n
of_array() { OF_ARRAY="pg_catalog.unnest(:'cmig_$1'::pg_catalog.text[]) WITH ORDINALITY AS $1 (revision, n)"; }

# require_files ROWS [STATE [HINT]]: adds a statement that raises an error if there are rows, which
# are a FROM clause with the columns revision and n.  The revisions are pending, or in the state.
require_files()
{
	! given no-load || return 0
	need false "${MISSING// pending,/ ${2:-pending},}" "${3:-$MISSING_HINT}" '' \
		"(SELECT pg_catalog.array_agg(revision ORDER BY n) AS m FROM $1 HAVING pg_catalog.count(*) > 0) missing"
}

# Adds a statement that raises an error if a new file would follow a revision without a
# file.  No revision follows a repeatable one.
require_followed()
{
	of_array missing
	require_files "$OF_ARRAY JOIN cmig.revision USING (revision) WHERE NOT repeatable"
}

# Loads the files.  The caller rolls back.
begin_load() { load_files show; find_missing; }

# Loads the files for a verb that only shows something.  If they cannot be loaded,
# the verb shows what is stored in the database.  end_look rolls back the load.
begin_look()
{
	local busy=''

	add "\\set cmig_missing {}$newline\\set cmig_kept {}"
	! given no-load || return 0
	if [ ${#files[@]} -eq 0 ]; then
		load_files
		find_missing
		warn_missing
		return
	fi
	# while a run is in progress, status does not wait for it
	if [ "$verb" = status ]; then
		called "SELECT EXISTS (SELECT FROM cmig.status() WHERE item OPERATOR(pg_catalog.=) 'running')
	AS cmig_busy \\gset"
		busy=" OR :'cmig_busy'::pg_catalog.bool"
	fi
	add "SELECT pg_catalog.current_setting('transaction_read_only')::boolean
	OR NOT pg_catalog.has_any_column_privilege('cmig.revision', 'INSERT')$busy AS cmig_stored \\gset
\\if :cmig_stored
\\else
SELECT pg_catalog.current_setting('lock_timeout') AS cmig_lock_timeout,
	coalesce(pg_catalog.current_setting('cmig.lock_timeout', true), '0') AS cmig_lock_limit \\gset
SET LOCAL cmig.lock_timeout = '2s';
SET LOCAL lock_timeout = '2s';
SAVEPOINT files;
\\set ON_ERROR_STOP off
"
	load_files
	add "\\set ON_ERROR_STOP on
\\if :cmig_error
ROLLBACK TO files;
\\warn 'cmig: not loaded $MARK'
\\else"
	find_missing
	warn_missing
	add "\\endif
SET LOCAL lock_timeout = :'cmig_lock_timeout';
SET LOCAL cmig.lock_timeout = :'cmig_lock_limit';
\\endif"
}

# Adds statements that warn about cmig_missing.  status and check return rows instead.
warn_missing()
{
	case $verb in status | check) return ;; esac
	when ":'cmig_missing' <> '{}'"
	add "SELECT 'WARNING:  ' || $MISSING || E'\\nHINT:  ' || $MISSING_HINT AS cmig_warning $FROM_MISSING \\gset
\\warn :cmig_warning
\\endif"
}

end_look()
{
	[ ${#files[@]} -gt 0 ] || return 0
	add "\\if :cmig_stored
COMMIT;
\\else"
	end_transaction ROLLBACK
	add '\endif'
}

# checked_name NAME: fails if a file name that the database returned could refer to
# a file outside of the folder
checked_name()
{
	case /$1/ in
		//* | */../* | */./* | *[[:cntrl:]]*) fail 2 "the database returned an invalid file name: $(printf %q "$1")" ;;
	esac
}

# same_text FILE TEXT: succeeds if the file has exactly the text
same_text() { local old=''; IFS= read -r -d '' old 2>/dev/null <"$1"; [ "$old" = "$2" ]; }

# same_file FILE CONTENT: succeeds if the file has the content, except for the line at
# which psql stops
same_file()
{
	local guard='/^\\echo .* \\quit$/d'

	same_text "$1" "$2" || printf '%s' "$2" | sed "$guard" | cmp -s - <(sed "$guard" "$1")
}

UNWRITTEN='has not been written as SQL'

# with_completed FILE CONTENT: prints the content with the sections that somebody has
# completed in the file: those that the content lacks, or that say that they have to be
# written, and those in which more than the statement that says so was written
with_completed()
{
	LC_ALL=C awk -v unwritten="$UNWRITTEN" '
		# is there more in a section than its marker and the statement of the import?
		function begun(section,    lines, count, i, rest) {
			count = split(section, lines, "\n")
			for (i = 2; i <= count; i++)
				if (lines[i] !~ /^(DO [$]cmig[0-9]*[$]|BEGIN|END|[$]cmig[0-9]*[$];|[ \t\r]*)$/ &&
					lines[i] !~ /^\t(RAISE EXCEPTION USING ERRCODE|\tMESSAGE|\tDETAIL|\tHINT) = .*[,;]$/)
					rest = 1
			return rest
		}
		FNR == 1 { part = "header"; file++ }
		/^-- cmig:(upgrade|downgrade|verify)[ \t]*$/ { part = $2 }
		{ text[file, part] = text[file, part] $0 "\n" }
		END {
			count = split("header cmig:upgrade cmig:downgrade cmig:verify", parts, " ")
			for (i = 1; i <= count; i++) {
				old = text[1, parts[i]]; new = text[2, parts[i]]
				completed = index(old, unwritten) ? begun(old) : old != "" && (new == "" || index(new, unwritten))
				printf "%s", (i > 1 && completed ? old : new)
			}
		}' "$1" <(printf '%s' "$2")
}

# Prints the ids in the headers of the revision files.
# shellcheck disable=SC2016	# code of awk
known_ids()
{
	(unset option_no_load; find_files
	[ ${#files[@]} -eq 0 ] || printf '%s\0' "${files[@]}" | LC_ALL=C xargs -0 awk \
		'/^-- *revision: */ { sub(/^-- *revision: */, ""); sub(/[ \t\r]+$/, ""); print }') 2>/dev/null
}

# is_loaded_from FOLDER: would files in the folder be loaded?
is_loaded_from()
{
	local folder

	for folder in "${folders[@]}"; do
		[[ $1 != "$folder" ]] && { [ ! -d "$1" ] || [ ! -d "$folder" ] ||
			[[ $(cd -- "$1" && pwd -P)/ != "$(cd -- "$folder" && pwd -P)"/* ]]; } || return 0
	done
	return 1
}

# write_file PATH TEXT: writes the text into a file, which has either all of it or what it had before: a signal, or
# a full disk, leaves no part of a revision.  The file keeps its mode.  Removes what a killed call has left.
write_file()
{
	local folder=${1%/*} new old

	[[ $1 == */* ]] || folder=.
	new=${folder:-/}/.cmig-$$-$RANDOM
	{
		for old in "${folder:-/}"/.cmig-[0-9]*-[0-9]*; do
			[ ! -f "$old" ] || [ -z "$(find "$old" -mmin +1)" ] || rm -f -- "$old"
		done
		{ [ -d "${folder:-/}" ] || mkdir -p -- "${folder:-/}"; } && [ ! -d "$1" ] &&
			{ [ ! -e "$1" ] || [ -w "$1" ]; } && (set -C; : >"$new") &&
			{ [ ! -e "$1" ] || cp -p -- "$1" "$new"; } && printf '%s' "$2" >"$new" && mv -f -- "$new" "$1" && return
		rm -f -- "$new"
		return 1
	} 2>/dev/null
}

# the folder into which write_files() writes in place of that of revisions, and prints no paths: see verb_generated()
later=''

# Ends the command unless the folders have the files that were loaded: one that another cmig capture has written
# contains the same changes.
require_same_files()
{
	local -a loaded=(${files[@]+"${files[@]}"})

	find_files
	[ "${loaded[*]-}" = "${files[*]-}" ] ||
		fail 3 'the files in the folders have changed in the meantime; no file was written' 'Repeat the command.'
}

# say_note NAME NOTE: prints the lines of a note about a file as one, without -v at most ten of them
say_note()
{
	local text='' line number=0

	while IFS= read -r line; do
		[ $((number++)) -ge 10 ] && ! given verbose || text+="${text:+; }$line"
	done <<<"$2"
	[ $number -le 10 ] || given verbose || text+="; and $((number - 10)) more"
	visible "$text"
	say "$yellow$1: $VISIBLE$plain"
}

# Reads fields from standard input, and appends them to fields.
read_fields()
{
	local field

	while IFS= read -r -d '' field; do fields+=("$field"); done
}

# write_files FOLDER: reads triples of name, content, and note from standard input,
# writes the files, and prints their paths.  Writes nothing through a symbolic link, which
# may come from a repository of others.  Overwrites files only with --force, and an
# import then keeps the sections that somebody has completed.  Exports only revisions that have
# no file, unless a folder is named from which no files are loaded.  Reads
# everything first: messages() has then printed psql's messages.
write_files()
{
	local folder=$1 name content note path part link number
	local known='' status=0 unwritten=0 converted=0 lost='' exists=''
	local -a fields=()

	from_file read_fields
	[ "$verb" != capture ] || require_same_files
	# a second file of a revision could not be loaded
	[ "$verb" != export ] || ! is_loaded_from "$folder" || known=$(known_ids)
	for ((number = 0; number + 2 < ${#fields[@]}; number += 3)); do
		name=${fields[number]} content=${fields[number + 1]} note=${fields[number + 2]}
		path=$folder/$name part=$name link=''
		while [ ! -L "$folder/$part" ] && [[ $part == */* ]]; do part=${part%/*}; done
		[ ! -L "$folder/$part" ] || link=$folder/$part
		if [ "$verb" = import ] && [ -n "$content" ] && [ -f "$path" ] && [ -z "$link" ]; then
			same_text "$path" "$content" || {
				content=$(with_completed "$path" "$content" && echo x) || fail 2 "$path cannot be read"
				content=${content%x}
			}
			[[ $note != *'to be written: '* || $content == *"$UNWRITTEN"* ]] || note=''
		fi
		[ -z "$note" ] || say_note "$name" "$note"
		[[ $note != *'to be written: '* ]] || unwritten=$((unwritten + 1))
		[ -n "$content" ] || continue
		converted=$((converted + 1))
		checked_name "$name"
		if [ -n "$link" ]; then
			say "cmig: $link is a symbolic link"
			status=2
			continue
		fi
		if [ ! -e "$path" ] && [[ -n $known && $content =~ ^'-- revision: '([^$newline]*) ]] &&
			[[ $newline$known$newline == *"$newline${BASH_REMATCH[1]}$newline"* ]]; then
			[ ${#arguments[@]} -eq 0 ] || say "cmig: there is already a file for revision ${BASH_REMATCH[1]}"
			continue
		fi
		if [ -e "$path" ] && ! given force; then
			same_file "$path" "$content" && continue
			say "cmig: $path already exists"
			status=2 exists=1
			continue
		fi
		if write_file "${later:-$folder}/$name" "$content"; then
			[ -n "$later" ] || out '%s\n' "$path"
		else
			say "cmig: ${later:-$folder}/$name cannot be written"
			status=2
		fi
	done
	case ${exists:+$verb} in
		import) say 'HINT:  --force overwrites files, except for sections that were to be written by hand.' ;;
		export) say 'HINT:  --force overwrites files.' ;;
	esac
	[ -z "$lost" ] || (output_lost) || status=$?
	if [ "$verb" = import ] && [ $converted -eq 0 ] && [ ${#fields[@]} -gt 0 ]; then
		say "cmig: nothing was converted: none of these is a migration of ${arguments[0]}"
		return 1
	fi
	[ $unwritten -eq 0 ] || say "cmig: to be written by hand: $unwritten of the files; see the notes above"
	[ $unwritten -eq 0 ] || [ $status != 0 ] || status=3
	return $status
}

# Sets the output format for a statement whose rows write_files or another function
# reads: columns and rows end with zero bytes.
add_file_format()
{
	add_plain
	add "\\pset fieldsep_zero on${newline}\\pset recordsep_zero on"
}

# Sets the output format to plain lines, without a header.
add_plain() { add "\\pset format unaligned${newline}\\pset tuples_only on"; }

# Prints the folder for new files.
new_folder()
{
	local folder

	folder=$(option version-path) || folder=$(option to) || folder=${folders[0]}
	printf '%s' "$folder"
}

