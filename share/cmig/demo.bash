# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2154,SC2034
#
# demo.bash
#	  The verb demo, which shows cmig at work in a database of its own.  Sourced by cmig.

# step TEXT [COMMAND...]: shows the text, the command, and what it prints
step()
{
	local word shown=''

	[ -z "$1" ] || printf '\n-- %s\n\n' "$1"
	shift
	[ $# -gt 0 ] || return 0
	for word; do
		case $word in
			*"$apostrophe"*) shown+=" \"$word\"" ;;
			*[!A-Za-z0-9_./-]*) shown+=" '$word'" ;;
			*) shown+=" $word" ;;
		esac
	done
	printf '$%s\n' "$shown"
	[ "$1" != cmig ] || set -- "$here/cmig" "${@:2}"
	"$@" 2>&1 </dev/null
}

# written NAME: writes standard input to the file, and shows it
written() { cat >"$1"; step '' cat "$1"; }

# The server is the local engine, which ends when no cmig uses it; the database and the folder
# are dropped at the end.
verb_demo()
{
	local demo_folder status=0

	unset_libpq
	# no version is preferred
	engine_major=1
	at_end=end_engine
	start_engine
	engine_database=cmig_demo_$$
	engine_psql <<<"${leftovers}CREATE DATABASE $engine_database;" || fail 2 'the demo cannot create a database'
	exec 8>&-
	temporary demo_folder
	cd -- "$demo_folder" || return
	export PGHOST=$engine_folder PGPORT=5432 PGUSER=$ENGINE_SUPERUSER PGDATABASE=$engine_database
	export PGOPTIONS='-c cmig.lock_timeout=5s'
	unset DATABASE_URL CMIG_CONFIG CMIG_PSQL
	{
		step 'A project: cmig.conf, a folder for revisions, and the extension in the database.' cmig init
		step 'A revision is an SQL file. This one is written by hand.' \
			cmig revision -m 'Create accounts' --rev-id 001 --file-template '%(rev)s'
		written migrations/001.sql <<-'END'
			-- revision: 001
			-- message: Create accounts

			-- cmig:upgrade
			CREATE TABLE account (id bigint PRIMARY KEY, name text);
			INSERT INTO account VALUES (1, 'Ada');

			-- cmig:downgrade
			DROP TABLE account;
		END
		step 'An upgrade loads the files, and runs what is pending.' cmig upgrade
		step 'The next one is written by cmig: the difference between the database and the target.'
		written schema.sql <<-'END'
			CREATE TABLE account (id bigint PRIMARY KEY, name text, email text NOT NULL);
		END
		step '' cmig revision --autogenerate -m 'Add e-mail addresses' --rev-id 002 --file-template '%(rev)s' \
			--target schema.sql
		step '' cat migrations/002.sql
		step 'Account 1 has no address, so the upgrade fails, and nothing of it stays.' cmig upgrade -y && status=1
		step '' cmig current
		step 'Complete the file.' sed -i "s/^-- \(UPDATE .* = \)\.\.\./\1'unknown'/" migrations/002.sql
		step 'Look before the run: what locks, blocks, or loses data; and does each downgrade revert its upgrade?' \
			cmig check --ci || status=1
		step '' cmig upgrade -y || status=1
		step 'Back, and where the database is then.' cmig downgrade -1 -y || status=1
		step '' cmig status
		step '' cmig graph
		step 'What was run, by whom.' cmig log
	}
	printf '\n%s\n' 'The database of this demo is gone now. In your own one: cmig init -d NAME. All verbs: cmig help.'
	return $status
}
