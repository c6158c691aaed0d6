# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# completion.bash
#	  Prints the code that completes cmig commands in bash, and the manual page, for
#	  make install and packages.  Sourced by cmig.

# the tools that import converts
TOOLS='alembic dbmate diesel django drizzle flyway golang-migrate goose graphile-migrate liquibase node-pg-migrate'
TOOLS+=' prisma rails refinery sqitch sqlx supabase yoyo'

# Bash completes verbs, the verb's options, the ids of revisions in the files, and a
# few option values.  Everything else is completed as a file name.
verb_completion()
{
	local name value rest valued=''

	while IFS=';' read -r name value rest; do [ -z "$value" ] || valued+=" --$name"; done <<<"$OPTIONS"
	printf '_cmig_verbs=%q\n_cmig_common=%q\n_cmig_valued=%q\n' "$VERBS" "$COMMON" " -m -r -d -U -c -n -x -j -t$valued "
	printf "_cmig_tools='%s'\n" "$TOOLS"
	cat <<'END'
_cmig_revisions()
{
	echo head heads base current
	"${COMP_WORDS[0]}" folders 2>/dev/null | while IFS= read -r folder; do
		find "$folder" -name '*.sql' -exec sed -n 's/^-- *revision: *\([A-Za-z0-9_.-]*\)[[:space:]]*$/\1/p' {} + \
			2>/dev/null
	done
}

_cmig()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' name arguments options
	local candidates='' i

	[ "$word" != = ] || word=''
	[ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
			-*)
				[[ $_cmig_valued == *" ${COMP_WORDS[i]} "* ]] || continue
				[ "${COMP_WORDS[i + 1]}" != = ] || ((i++))
				((i++)) ;;
			*) verb=${COMP_WORDS[i]}; break ;;
		esac
	done
	while IFS=';' read -r name arguments options _; do [ "$name" != "$verb" ] || break; done <<<"$_cmig_verbs"
	case $previous in
		--color) candidates='always auto never' ;;
		--head | --depends-on | --rev-range | -r) candidates=$(_cmig_revisions) ;;
		-*) if [[ $_cmig_valued == *" $previous "* ]]; then COMPREPLY=(); return; fi ;;
	esac
	if [ -n "$candidates" ]; then
		:
	elif [[ $word == -* ]]; then
		options="$_cmig_common $options"
		candidates=--${options// / --}
	elif [ -z "$verb" ] || [[ $arguments == *VERB* ]]; then
		candidates=$(cut -s -d ';' -f 1 <<<"$_cmig_verbs")
	else
		[[ $arguments != *upgrade* ]] || candidates='upgrade downgrade'
		[[ $arguments != *TOOL* ]] || candidates=$_cmig_tools
		[[ $arguments != *TOOL* || " ${COMP_WORDS[*]} " != *' --state '* ]] || candidates+=' engine'
		[[ $arguments != *REV* && $arguments != *RANGE* ]] || candidates+=" $(_cmig_revisions)"
	fi
	COMPREPLY=($(compgen -W "$candidates" -- "$word"))
}
complete -o default -F _cmig cmig
END
}

# roff TEXT: prints the text so that troff shows it as it is
roff() { local text=${1//"$backslash"/"${backslash}e"}; printf '%s' "${text//-/"$backslash-"}"; }

verb_manual()
{
	local name value arguments has purpose option

	cat <<END
.TH CMIG 1 "" "pg_cmig $VERSION" "pg_cmig"
.SH NAME
cmig, cmig\-import\-alembic \- schema migrations inside PostgreSQL
.SH SYNOPSIS
.B cmig
[\fIOPTION\fR]... \fIVERB\fR [\fIARGUMENT\fR]...
.br
.B cmig\-import\-alembic
[\fB\-c\fR \fIalembic.ini\fR] [\fIOPTION\fR]...
.SH DESCRIPTION
.B cmig
has the verbs and options of Alembic for databases with the extension pg_cmig.  Revisions are SQL files.
Each verb calls an SQL function through
.BR psql (1);
.B \-v
prints the call.
.B cmig help
followed by the name of a verb or of an SQL function describes it.
.PP
.B cmig\-import\-alembic
writes the revisions of an Alembic project as revision files.
It calls each upgrade and downgrade function as
.B alembic upgrade \-\-sql
does, and uses the project's own Alembic and SQLAlchemy, so activate the project's environment first.
Its option
.B \-\-help
lists its options.
.SH EXAMPLES
.nf
export PGDATABASE=shop
cmig init
cmig revision \-m "Create accounts"
cmig upgrade
cmig downgrade \-1
.fi
.SH VERBS
END
	while IFS=';' read -r name arguments has purpose; do
		[ -n "$purpose" ] || { printf '.SS %s\n' "$name"; continue; }
		printf '.TP\n\\fB%s\\fR %s\n%s\n' "$(roff "$name")" "$(roff "$arguments")" "$(roff "$purpose")"
		[ -z "$has" ] || { printf '.br\n'; for option in $has; do roff "--$option "; done; echo; }
	done <<<"$VERBS"
	printf '.SH OPTIONS\nAll verbs have these options: %s\n' "$(for name in $COMMON; do roff "--$name "; done)"
	while IFS=';' read -r name value purpose; do
		printf '.TP\n\\fB%s\\fR %s\n%s\n' "$(roff "--$name")" "\\fI$(roff "$value")\\fR" "$(roff "$purpose")"
	done <<<"$OPTIONS"
	printf '.SH EXIT STATUS\n.nf\n'
	sed -n '/^# Exit status:/,/^$/s/^#.\{15\}//p' "$here/cmig"
	cat <<'END'
.fi
.SH ENVIRONMENT
.TP
.BR DATABASE_URL ", " PGDATABASE ", " PGHOST ...
the database, as for
.BR psql (1)
.TP
.B CMIG_CONFIG
the configuration file, instead of cmig.conf in the current folder
.TP
.B CMIG_PSQL
the command that runs psql, such as
.B docker compose exec \-T db psql \-U postgres
.TP
.B PYTHON
the Python interpreter for cmig import django, by default python3
.TP
.B NO_COLOR
no colors
.SH FILES
.TP
.B cmig.conf
settings, as lines
.I key = value
.TP
.B .env
variables for the connection, read with
.B \-\-env
.SH SEE ALSO
.BR psql (1),
doc/command-line.md and doc/alembic.md in the sources, or in /usr/share/doc/cmig
END
}
