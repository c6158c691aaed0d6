# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
#
# typed.bash
#	  Translates the SQL in the server's hints into cmig commands.  Sourced by cmig.

# function;command;one word for each argument of the function: a dot if it is an
# argument of the command, the name of an option, or a dash if it is left out.
# Functions that are not listed have the name and arguments of a verb.
CALLS='upgrade_stepwise;upgrade --stepwise;.
downgrade_stepwise;downgrade --stepwise;.
create_revision;revision;message - -
draft;revision;message
autogenerate;revision --autogenerate;message -
merge;merge;. message
baseline;baseline;message rev-id
squash;squash;. message
load;load;-
upgrade_scopes;upgrade;scopes . max-failures
create_scope;create-scope;. . copy-of
drop_scope;drop-scope;.
import_state;import --state;. history-table'

# known_call FUNCTION: sets COMMAND and POSITIONS to the fields of CALLS; fails if no
# verb calls the function
known_call()
{
	local line name

	while IFS= read -r line; do
		[[ $line == "$1;"* ]] || continue
		fields "$line" name COMMAND POSITIONS
		return
	done <<<"$CALLS"
	COMMAND=${1//_/-} POSITIONS='. .'
	verb_field "$COMMAND" 0
}

# typed_value VALUE: prints the value, quoted for a shell if necessary.  Placeholders
# such as <schema>.<table> are not quoted, because users replace them.
typed_value()
{
	local placeholder='<(revision|schema|table|column|role|scope|label|tag|name|value|tool|format|file|a|b)>'
	local part="($placeholder|[A-Za-z0-9_:+-]*)"

	[[ $1 =~ ^$part([.@]$part)*$ && -n $1 ]] && printf '%s' "$1" || printf "'%s'" "$1"
}

# typed_call FUNCTION ARGUMENTS: sets CALLED to the command that does the same; fails
# if there is none
typed_call()
{
	local rest=$2 name value list options
	local -a positions
	local argument="^(([a-z_]+) => )?('([^']*)'|<[^<>]*>|[+-]?[0-9]+|true|NULL|ARRAY\\[('[^']*'(, )?)+\\])(, |\$)(.*)\$"
	local element="^'([^']*)'(, )?(.*)\$"

	known_call "$1" || return
	read -r -a positions <<<"$POSITIONS"
	CALLED="cmig $COMMAND"
	options=" $(verb_field "${COMMAND%% *}" 2) "
	while [ -n "$rest" ]; do
		[[ $rest =~ $argument ]] || return
		name=${BASH_REMATCH[2]//_/-} value=${BASH_REMATCH[3]} rest=${BASH_REMATCH[8]} list=''
		case $value in
			\'*) value=${BASH_REMATCH[4]} ;;
			NULL) [ "$1" = throttle ] || return; value=off ;;
			ARRAY*)
				list=${value#ARRAY[} value=''
				while [[ $list =~ $element ]]; do
					list=${BASH_REMATCH[3]}
					value+=" $(typed_value "${BASH_REMATCH[1]}")"
				done
				value=${value# } list=1 ;;
		esac
		if [ -z "$name" ]; then
			name=${positions[0]-}
			positions=(${positions[@]+"${positions[@]:1}"})
		elif [ "$name" = confirm ]; then
			[ "$1" != abandon_partial ] || CALLED+=' --yes'
			[ "$1" != expand ] || CALLED+=' --confirm'
			[[ $value != *', losing data' ]] || CALLED+=' --lose-data'
			continue
		elif [[ $options != *" $name "* ]]; then
			return 1
		fi
		case $name in
			'') return 1 ;;
			-) continue ;;
			message) [[ $value =~ ^\<[a-z\ ]*\>$ ]] && CALLED+=" -m \"$value\"" || CALLED+=" -m $(typed_value "$value")" ;;
			.) [[ $list ]] && CALLED+=" $value" || CALLED+=" $(typed_value "$value")" ;;
			*) CALLED+=" --$name"; [ "$value" = true ] || CALLED+=" $(typed_value "$value")" ;;
		esac
	done
	# the hint's statement would be run with the session's cmig.scope
	if [ -n "$in_scope" ] && [[ $CALLED != 'cmig '*scope* ]]; then
		CALLED+=" --scope $(typed_value "$option_scope")"
	fi
}

# typed_options TEXT: sets TYPED to the text, with options in place of arguments such
# as accept_changes => true
typed_options()
{
	local rest=$1 tail='' all name argument value after
	local pattern="^(.*[^A-Za-z_])?(([a-z_]+) => (true|'([^']*)'|ARRAY\\['([^']*)'\\]))(|[^'].*)\$"
	local placeholder='^\{"(.*)": "(.*)"\}$'

	all=" $(cut -d ';' -f 3 <<<"$VERBS" | tr '\n' ' ') "
	while [[ $rest =~ $pattern ]]; do
		rest=${BASH_REMATCH[1]} argument=${BASH_REMATCH[2]} name=${BASH_REMATCH[3]//_/-} value=${BASH_REMATCH[5]}${BASH_REMATCH[6]} after=${BASH_REMATCH[7]}
		if [[ $name == placeholders && $value =~ $placeholder ]]; then
			argument="-x ${BASH_REMATCH[1]}=${BASH_REMATCH[2]}"
		elif [[ $all == *" $name "* && ! $rest =~ cmig\.[a-z_]+\([^\)]*$ ]]; then
			argument="--$name${value:+ $(typed_value "${value//[\{\}]/}")}"
		fi
		tail=$argument$after$tail
	done
	TYPED=$rest$tail
}

# typed_scope TEXT: sets TYPED to the text, with --scope in place of SET and RESET
# cmig.scope
typed_scope()
{
	local rest=$1
	local command="^(.*)SET cmig\\.scope = ('[^' ]*'); (cmig [^;]*)(.*)\$"
	local setting="^(.*)SET cmig\\.scope = ('[^' ]*')(|[^'].*)\$"

	[[ ! $rest =~ $command ]] || rest="${BASH_REMATCH[1]}${BASH_REMATCH[3]} --scope $(typed_value "${BASH_REMATCH[2]//[\']/}")${BASH_REMATCH[4]}"
	[[ ! $rest =~ $setting ]] || rest="${BASH_REMATCH[1]}--scope $(typed_value "${BASH_REMATCH[2]//[\']/}")${BASH_REMATCH[3]}"
	rest=${rest/RESET cmig.scope; cmig /cmig }
	rest=${rest/#HINT:  RESET cmig.scope/HINT:  Leave out --scope}
	TYPED=${rest/RESET cmig.scope/leave out --scope}
}

# typed TEXT: sets TYPED to the text, with commands and options in place of function
# calls, arguments, and a SET of a cmig setting
typed()
{
	local rest=$1 tail='' before after name arguments in_scope=''
	local call='^(.*[^A-Za-z_.])?cmig\.([a-z_]+)(\(([^()]*)\))?(.*)$'
	local setting="^(.*)SET (cmig\\.|cmig_var\\.)([A-Za-z_][A-Za-z0-9_]*) = ('[^' ]*'|[a-z0-9]+)(|[^'].*)\$"
	local statement='^(.*[^A-Za-z_])?(SELECT [a-z_*, ]+ FROM |SELECT |CALL )$'
	local clause='(SELECT|FROM|JOIN|CALL) $'
	local comment='^(((HINT:  )|.*[:;] )?cmig [a-z-]+[^;]*) -- (.*)$'

	rest=${rest/repeat the CALL/repeat the command}
	rest=${rest/SELECT revision, created_by FROM cmig.plan(\'upgrade\', \'heads\')/cmig plan -v}
	rest=${rest/SELECT DISTINCT revision FROM cmig.progress/cmig status}
	rest=${rest/SELECT jsonb_agg(s) FROM cmig.stats_export() s/cmig stats-export}
	rest=${rest/SELECT \* FROM cmig.backfill_progress/cmig status}
	rest=${rest/use max_failures/use --max-failures}
	rest=${rest/load with accept_changes => true/cmig load --accept-changes}
	rest=${rest/eave out copy_of/eave out --copy-of}
	rest=${rest/ OR pending IS DISTINCT FROM 0/}
	rest=${rest/cmig.scopes() WHERE failed IS NOT NULL/cmig.scopes()}
	rest=${rest/cmig.scopes() OR pending IS DISTINCT FROM 0/cmig.scopes()}
	rest=${rest/BEGIN; SET LOCAL cmig.protect = off; SELECT ...; COMMIT/add -x cmig.protect=off}
	rest=${rest/SET cmig.protect = off first, and RESET cmig.protect afterward./add -x cmig.protect=off}
	TYPED=$rest
	[[ $1 == *cmig.* || $1 == *cmig_var.* || $1 == *' => '* ]] || return 0
	! given scope || [[ $1 == *cmig.scope[\ \;]* ]] || in_scope=1
	while [[ $rest =~ $call ]]; do
		before=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} arguments=${BASH_REMATCH[4]} after=${BASH_REMATCH[5]}
		rest=${rest%"$after"}
		# tables, and calls within a larger query, remain SQL
		if [[ (! $before =~ $clause || $before =~ $statement) && $name != revision && $after != ' LIMIT '* && $after != ' WHERE '* && $after != [A-Za-z_\(:]* ]] && typed_call "$name" "$arguments"; then
			rest=$before
			[[ ! $rest =~ $statement ]] || rest=${BASH_REMATCH[1]}
			tail=$CALLED$after$tail
		else
			tail=${rest#"$before"}$after$tail
			rest=$before
		fi
	done
	rest=$rest$tail
	typed_scope "$rest"
	rest=$TYPED
	# a setting of the database or a role remains SQL
	tail=''
	[[ ! $rest =~ ^(.*)(ALTER\ (DATABASE|ROLE)\ .*)$ ]] || rest=${BASH_REMATCH[1]} tail=${BASH_REMATCH[2]}
	if [[ $rest =~ $setting ]]; then
		name=${BASH_REMATCH[2]}${BASH_REMATCH[3]}
		before=${BASH_REMATCH[1]} after=${BASH_REMATCH[5]}
		# a whole statement becomes a whole command
		[[ -n ${before##*: } && -n ${before##*:  } ]] || { [ "$verb" = downgrade ] && before+='cmig downgrade ' || before+='cmig upgrade '; }
		rest="$before-x ${name#cmig_var.}=$(typed_value "${BASH_REMATCH[4]//\'/}")$after"
	fi
	typed_options "$rest$tail"
	# the comment after a command, which may be pasted
	while [[ $TYPED =~ $comment ]]; do TYPED="${BASH_REMATCH[1]} # ${BASH_REMATCH[4]}"; done
}
