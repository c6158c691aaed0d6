# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2153,SC2154,SC2034
#
# options.bash
#	  Reads the command line and cmig.conf, and sets verb, arguments, and a variable
#	  option_NAME for each option.  Sourced by cmig.

# Sets ALLOWED to the names of the options that the verb allows.  Until the verb is known,
# these are the options of all verbs.
allowed()
{
	if [ -z "$verb" ]; then
		FIELD=$(cut -s -d ';' -f 3 <<<"$VERBS" | tr '\n' ' ')
	else
		verb_field "$verb" 2 || FIELD=''
	fi
	ALLOWED="$COMMON $FIELD"
}

# long_name OPTION: sets NAME to the full name of an option, without dashes.  A long
# option can be abbreviated, as in Alembic.
long_name()
{
	local name found=''

	case $1 in
		-m) NAME=message ;; -r) NAME=rev-range ;; -i) NAME=indicate-current ;; -v) NAME=verbose ;;
		-y) NAME=yes ;; -q) NAME=quiet ;; -d) NAME=database ;; -U) NAME=username ;; -c) NAME=config ;;
		-n) NAME='name' ;; -x) NAME=x ;; -j) NAME='jobs' ;; -h | -\?) NAME=help ;; -V) NAME=version ;;
		-t) NAME=template ;; --revision) NAME=rev-id ;;
		--?*)
			NAME=${1#--}
			NAME=${NAME//_/-}
			line_of "$NAME" "$OPTIONS" && [[ -z $verb || " $COMMON " == *" $NAME "* ]] && return
			allowed
			for name in $ALLOWED; do
				[ "$name" != "$NAME" ] || return 0
				[[ $name != "$NAME"* || " $found " == *" $name "* ]] || found+=" $name"
			done
			case $found in
				'') ;;
				' '*' '*) fail 2 "option $1 is ambiguous: ${found// / --}" ;;
				*) NAME=${found# } ;;
			esac ;;
		*) fail 2 "unknown option $1" 'cmig help lists the options' ;;
	esac
}

# Reads the command line into option_*, verb, and arguments.
parse()
{
	local word value

	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
			--) [ $# -eq 0 ] || { [ -n "$verb" ] || { verb=$1; shift; }; arguments+=("$@"); }; break ;;
			--*) long_name "${word%%=*}" ;;
			-[0-9]*) arguments+=("$word"); continue ;;	# a relative revision
			-?*) long_name "${word:0:2}" ;;
			*)
				if [ "$verb" = import ] && [ "$word" = alembic ] && ! given state && [[ " $* " != *' --state '* ]]; then
					arguments+=("$word" "$@")	# its options are those of cmig-import-alembic
					break
				fi
				if [ -n "$verb" ]; then arguments+=("$word"); else verb=${word//_/-}; fi
				continue ;;
		esac
		value=1
		if is_valued "$NAME"; then
			case $word in
				--*=*) value=${word#*=} ;;
				-[!-]?*) value=${word:2} ;;
				*) [ $# -gt 0 ] || fail 2 "option $word requires a value"; value=$1; shift ;;
			esac
		elif [[ $word == --*=* ]]; then
			[ "$NAME" = env ] || fail 2 "option ${word%%=*} does not take a value"
			value=${word#*=}
		elif [[ $word == -[!-]?* ]]; then
			set -- "-${word:2}" "$@"	# -vi is -v -i
		elif [ "$NAME" = env ]; then
			value=.env
		fi
		keep_option "$NAME" "$value"
	done
	[ -z "$verb" ] || check_command
}

# Fails if the verb does not exist, does not have one of the options, or requires a
# different number of arguments.
check_command()
{
	local word name words least=0 most=0

	if ! verb_field "$verb" 0; then
		near_verb "$verb"
		fail 2 "unknown verb \"$verb\"" "${NEAR:+$NEAR }cmig help lists the verbs"
	fi
	allowed
	words=" $ALLOWED "
	for name in ${passed[@]+"${passed[@]}"}; do
		[[ $words != *" $name "* ]] || continue
		# shellcheck disable=SC2086	# words
		near "$name" $words
		fail 2 "$verb has no option --$name" "${NEAR:+${NEAR/mean /mean --} }cmig help $verb lists its options"
	done
	[ "$verb ${arguments[0]:-}" != 'import alembic' ] && ! given help || return 0
	verb_field "$verb" 1
	for word in $FIELD; do
		[[ $word == \[* ]] || least=$((least + 1))
		[[ $word == *...* ]] && most=999 || most=$((most + 1))
	done
	[ ${#arguments[@]} -lt $least ] || [ ${#arguments[@]} -gt $most ] || return 0
	[ ${#arguments[@]} -ge $least ] || refuse_arguments "requires $FIELD"
	refuse_arguments "has too many arguments: ${arguments[*]}"
}

# refuse_arguments PROBLEM: fails because there are too few or too many arguments
refuse_arguments()
{
	local words hint='' called=$verb${DIRECTION:+ $DIRECTION}

	verb_field "$verb" 1
	words="cmig $verb $FIELD"
	if [ "$verb" = revision ]; then
		hint="cmig revision -m '${arguments[*]//"$apostrophe"/"$apostrophe$backslash$apostrophe$apostrophe"}'$newline"
	elif [[ $called == *downgrade* ]]; then
		hint="To revert the last revision: cmig $called -1. To revert all: cmig $called base$newline"
	fi
	fail 2 "$called $1" "${hint}usage: ${words% } [OPTION...]; the options: cmig help $verb"
}

# Fails if an option on the command line would be ignored: see TOGETHER and APART.
check_together()
{
	local of_verbs options others name other

	while IFS=';' read -r of_verbs options others; do
		[[ " $of_verbs " == *" $verb "* || $of_verbs == all ]] || continue
		for name in $options; do
			typed "$name" || continue
			for other in $others; do ! given "$other" || continue 2; done
			fail 2 "--$name requires --${others// / or --}"
		done
	done <<<"$TOGETHER"
	while IFS=';' read -r of_verbs options others; do
		[[ " $of_verbs " == *" $verb "* ]] || continue
		for name in $options; do
			for other in $others; do
				! typed "$name" || ! typed "$other" || fail 2 "--$name cannot be used with --$other"
			done
		done
	done <<<"$APART"
	[[ ${option_jobs:-4} =~ ^[1-9][0-9]*$ ]] || fail 2 '--jobs must be a number from 1 on'
	case $verb,${#arguments[@]} in
		history,1 | graph,1) ! given rev-range || fail 2 "$verb cannot have both --rev-range and an argument" ;;
	esac
}

# keep_option NAME VALUE: stores an option in option_NAME, and also in an array if it
# can be repeated
keep_option()
{
	[[ $1 =~ ^[a-z-]+$ ]] || fail 2 "unknown option" "cmig help lists the options"
	passed+=("$1")
	case $1 in
		folder) if [[ $2 == -* ]]; then folders+=("./$2"); else folders+=("$2"); fi ;;
		x) settings+=("$2") ;;
		tag) settings+=("tag=$2") ;;
		depends-on) depends+=("$2") ;;
		renames) renames+=("$2") ;;
	esac
	printf -v "option_${1//-/_}" '%s' "$2"
}

# default_option NAME VALUE: sets an option, unless it was given
default_option() { given "$1" || printf -v "option_${1//-/_}" '%s' "$2"; }

# trim NAME TEXT: sets a variable to the text without spaces around it
trim()
{
	local trimmed=$2

	trimmed=${trimmed#"${trimmed%%[![:space:]]*}"}
	printf -v "$1" '%s' "${trimmed%"${trimmed##*[![:space:]]}"}"
}

KEYS='folder, file_template, target, schemas, compare, exclude, lint_ignore, lock_timeout, protect, database_url, env, '
KEYS+='databases, jobs, version_table, and engine'

# Reads cmig.conf, which has lines of the form "key = value".  Lines below [name] are
# used only with --name.
read_config()
{
	local config line key value section='' sections='' has_folder=${folders[0]+1} directory

	# shellcheck disable=SC2154
	config=${option_config-${CMIG_CONFIG:-cmig.conf}}
	if [ ! -e "$config" ]; then
		! given config && ! given name && [ -z "${CMIG_CONFIG:-}" ] || fail 2 "$config does not exist"
		return 0
	fi
	[ -f "$config" ] && [ -r "$config" ] || fail 2 "$config cannot be read"
	directory=$(dirname -- "$config")
	[ "$directory" = . ] && directory='' || directory=$directory/
	while IFS= read -r line || [ -n "$line" ]; do
		trim line "$line"
		case $line in
			'' | '#'* | ';'*) continue ;;
			\[*\]) section=${line#[}; section=${section%]}; sections+="[$section]"; continue ;;
			*=*) trim key "${line%%=*}"; trim value "${line#*=}" ;;
			*) fail 2 "$config: \"$line\" is not \"key = value\"" ;;
		esac
		[ -z "$section" ] || [ "$section" = "$(option name)" ] || continue
		case $key in
			folder)
				[ -n "$value" ] || fail 2 "$config: folder has no value"
				[ -z "$has_folder" ] || continue
				[[ $value == /* ]] || value=$directory$value
				[[ $value != -* ]] || value=./$value
				folders+=("$value") ;;
			database_url | env | file_template | target | schemas | compare | exclude | lint_ignore | lock_timeout | \
				protect | databases | version_table | jobs | engine)
				case $key in
					env) [[ $value == /* ]] || value=$directory$value ;;
					protect)
						[[ $value == @(|[oO][fF][fF]|[oO][nN]|[bB][aA][sS][eE]|[fF]alse|[tT]rue) ]] ||
							fail 2 "$config: protect must be off, base, or on; it is \"$value\"" ;;
					target) [[ $value == /* ]] || [ ! -f "$directory$value" ] || value=$directory$value ;;
				esac
				# lines below a section come later, so they replace the defaults
				printf -v "config_$key" '%s' "$value" ;;
			*) fail 2 "$config: unknown key \"$key\"" "Keys are $KEYS." ;;
		esac
	done < <(unmarked "$config")
	! given name || [[ $sections == *"[$option_name]"* ]] || fail 2 "$config has no line [$option_name]"
	for key in file_template target schemas compare exclude databases version_table jobs env engine; do
		value=config_$key
		[ -z "${!value+set}" ] || default_option "${key//_/-}" "${!value}"
	done
	# -x comes later, and replaces these
	case $verb in
		upgrade | downgrade | reset | expand | contract | abandon | abandon-partial | create-scope | drop-scope | \
			check | lint | preflight)
			default_setting lock_timeout "${config_lock_timeout:-}" ;;
	esac
	case $verb in downgrade | reset) default_setting protect "${config_protect:-}" ;; esac
	case $verb in lint | upgrade | reset) default_setting lint_ignore "${config_lint_ignore:-}" ;; esac
}

# default_setting NAME VALUE: sets a setting of pg_cmig, unless the value is empty
default_setting() { [ -z "$2" ] || settings=("cmig.$1=$2" ${settings[@]+"${settings[@]}"}); }
