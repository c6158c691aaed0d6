/*
 * placeholder_values.c
 *	  Replaces placeholders with their values, which are settings named
 *	  cmig_var.NAME.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/settings.h"
#include "parse/substitute.h"
#include "run/placeholder_values.h"


/*
 * The argument of read_value(): the script whose placeholders are being
 * replaced.
 */
typedef struct Script
{
	const char *revision;
	const char *what;
	bool		require;		/* must all placeholders have a value? */
	const char *missing;		/* first placeholder without a value, or NULL */
} Script;

/*
 * CmigSubstituteValue callback.  Returns NULL for an empty setting, because a
 * custom setting that was set with SET LOCAL becomes empty, not unset, when
 * the transaction ends.
 */
static const char *
read_value(const char *name, bool literal, void *arg)
{
	Script	   *script = arg;
	const char *value = cmig_settings_custom(psprintf("cmig_var.%s", name));

	if (value != NULL && *value != '\0')
		return value;
	if (script->require)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("placeholder \"%s\" of revision \"%s\" has no value", name, script->revision),
				 errdetail("Its %s script contains ${%s}, which stands for %s.", script->what, name,
						   literal ? "a string" : "an identifier"),
				 cmig_settings_in_definer_function() ?
				 errhint("In a SECURITY DEFINER function, only a value that the function's owner sets there is used: PERFORM set_config('cmig_var.%s', '<value>', true)", name) :
				 errhint("SET cmig_var.%s = '<value>'", name)));
	if (script->missing == NULL)
		script->missing = pstrdup(name);
	return NULL;
}

const char *
cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
							   const char *revision, const char *what)
{
	Script		arg = {.revision = revision,.what = what,.require = true};

	return cmig_substitute_script(script, declarations, revision, what, read_value, &arg);
}

const char *
cmig_placeholder_values_try(const char *script, const CmigNames *declarations,
							const char *revision, const char *what, const char **missing)
{
	Script		arg = {.revision = revision,.what = what};

	script = cmig_substitute_script(script, declarations, revision, what, read_value, &arg);
	*missing = arg.missing;
	return script;
}
