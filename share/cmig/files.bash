# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2094
#
# files.bash
#	  Revision files: which there are, how they reach the server, and how new ones
#	  are written; sourced by cmig.

# add_file FILE: to files
add_file()
{
	[ -f "$1" ] && [ -r "$1" ] || fail 2 "$1 cannot be read"
	[[ $1 != *[[:cntrl:]]* ]] || fail 2 "the name of the file $(printf %q "$1") contains a control character"
	files+=("$1")
}

# add_files FOLDER LEVELS: as many levels of folders as the template makes
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

# Sets files to the revision files of the folders.
find_files()
{
	local folder slashes=${option_file_template-}

	files=()
	! given no-load || return 0
	slashes=${slashes//[!\/]/}
	for folder in "${folders[@]}"; do
		[ -d "$folder" ] || fail 2 "the folder $folder does not exist" "cmig init creates it; with --no-load, no files are needed"
		[ -r "$folder" ] && [ -x "$folder" ] || fail 2 "the folder $folder cannot be read"
		add_files "$folder" ${#slashes}
	done
	check_files
}

# Fails if a file has bytes that psql would drop
check_files()
{
	local file

	[ ${#files[@]} -gt 0 ] || { say "cmig: no revision files in ${folders[*]}"; return 0; }
	[ "$(printf '%s\0' "${files[@]}" | xargs -0 cat -- | LC_ALL=C tr -dc '\0' | wc -c)" -gt 0 ] || return 0
	for file in "${files[@]}"; do
		LC_ALL=C tr -d '\0' <"$file" | cmp -s - "$file" || fail 2 "$file contains a zero byte"
	done
}

# All files as one variable, each after a line with its name.  Their text can be
# larger than what a command line takes, so it never is an argument.
files_variable()
{
	printf "\\\\set files '"
	printf '%s\0' "${files[@]}" | LC_ALL=C xargs -0 awk '
		function put(line) { gsub(/\\/, "&&", line); gsub(/\047/, "&&", line); printf "%s\\n", line }
		BEGIN {
			for (i = 1; i < ARGC; i++) {
				put("==> " ARGV[i] " <==")
				while ((status = (getline line < ARGV[i])) > 0) put(line)
				if (status < 0) exit 1
				close(ARGV[i])
			}
		}' || printf "'\n\\warn 'cmig: a file cannot be read'\nSELECT 1 / 0;\n\\\\set x '"
	printf "'\n"
}

# begin_load: loads the files, in a transaction that is rolled back
begin_load()
{
	add 'BEGIN;'
	[ ${#files[@]} -eq 0 ] ||
		call "SELECT * FROM cmig.load(:'files')" "SELECT pg_catalog.count(*) AS cmig_loaded FROM cmig.load(:'files') \\gset"
}

# begin_look: the same, but what only looks goes on with what is stored if the
# files cannot be loaded
begin_look()
{
	[ ${#files[@]} -gt 0 ] || return 0
	add "SELECT pg_catalog.current_setting('transaction_read_only')::boolean OR NOT pg_catalog.has_table_privilege('cmig.revision', 'INSERT') AS cmig_stored \\gset
\\if :cmig_stored
\\else
BEGIN;
SET LOCAL cmig.lock_timeout = '2s';
SAVEPOINT files;
\\set ON_ERROR_STOP off
SELECT pg_catalog.count(*) AS cmig_loaded FROM cmig.load(:'files') \\gset
\\set cmig_failed :ERROR
\\set ON_ERROR_STOP on
\\if :cmig_failed
ROLLBACK TO files;
\\endif
\\endif"
}

end_look()
{
	[ ${#files[@]} -gt 0 ] || return 0
	add "\\if :cmig_stored
\\else
ROLLBACK;
\\if :cmig_failed"
	need false "'the files could not be loaded; this is what the database has'" 'cmig load'
	add "\\endif
\\endif"
}

# checked_name NAME: fails unless a name from the database stays below the folder
checked_name()
{
	case /$1/ in
		//* | */../* | */./* | *[[:cntrl:]]*) fail 2 "the database returned an invalid file name: $(printf %q "$1")" ;;
	esac
}

# write_files FOLDER: writes the triples of name, text, and note on the standard
# input, and prints their paths.  Changes no file, unless with --force.
write_files()
{
	local folder=$1 name content note path status=0

	while IFS= read -r -d '' name && IFS= read -r -d '' content && IFS= read -r -d '' note; do
		visible "$note"
		[ -z "$note" ] || say "$yellow$name: $VISIBLE$plain"
		[ -n "$content" ] || continue
		checked_name "$name"
		path=$folder/$name
		if [ -L "$path" ]; then
			say "cmig: $path is a symbolic link"
			status=2
			continue
		fi
		if [ -e "$path" ] && ! given force; then
			printf '%s' "$content" | cmp -s - "$path" && continue
			say "cmig: $path already exists"
			status=2
			continue
		fi
		if mkdir -p -- "$(dirname -- "$path")" && printf '%s' "$content" >"$path"; then
			printf '%s\n' "$path"
		else
			status=2
		fi
	done
	return $status
}

# The next statement gives rows of name, content, and note for write_files.
add_file_format() { add "\\pset format unaligned${newline}\\pset tuples_only on${newline}\\pset fieldsep_zero on${newline}\\pset recordsep_zero on"; }

# Output as plain lines
add_plain() { add "\\pset format unaligned${newline}\\pset tuples_only on"; }

# The folder for new files
new_folder()
{
	local folder

	folder=$(option version-path) || folder=$(option to) || folder=${folders[0]}
	printf '%s' "$folder"
}

