# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
#
# completion.bash
#	  Prints the code that completes cmig commands in bash.  Sourced by cmig.

# Bash completes verbs, the verb's options, the ids of revisions in the files, and a
# few option values.  Everything else is completed as a file name.
verb_completion()
{
	local name value rest valued=''

	while IFS=';' read -r name value rest; do [ -z "$value" ] || valued+=" --$name"; done <<<"$OPTIONS"
	printf '_cmig_verbs=%q\n_cmig_common=%q\n_cmig_valued=%q\n' "$VERBS" "$COMMON" " -m -r -d -U -c -n -x -j -t$valued "
	cat <<'END'
_cmig_revisions()
{
	echo head heads base current
	"${COMP_WORDS[0]}" folders 2>/dev/null | while IFS= read -r folder; do
		find "$folder" -name '*.sql' -exec sed -n 's/^-- *revision: *\([A-Za-z0-9_.-]*\)[[:space:]]*$/\1/p' {} + 2>/dev/null
	done
}

_cmig()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' name arguments options candidates='' i

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
		candidates=$(cut -d ';' -f 1 <<<"$_cmig_verbs")
	else
		[[ $arguments != *upgrade* ]] || candidates='upgrade downgrade'
		[[ $arguments != *TOOL* ]] || candidates='alembic dbmate diesel drizzle flyway golang-migrate goose graphile-migrate liquibase node-pg-migrate prisma rails refinery sqitch sqlx supabase yoyo'
		[[ $arguments != *REV* && $arguments != *RANGE* ]] || candidates+=" $(_cmig_revisions)"
	fi
	COMPREPLY=($(compgen -W "$candidates" -- "$word"))
}
complete -o default -F _cmig cmig
END
}
