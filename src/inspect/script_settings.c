/*
 * script_settings.c
 *	  Applies a script's changes to search_path and TimeZone while the script
 *	  is read without being run.  These settings affect what names and types
 *	  in the script mean.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/script_settings.h"

#include "nodes/parsenodes.h"
#include "utils/guc.h"

/* Is this one of the settings that this module tracks? */
static bool
is_followed(const char *name)
{
	return pg_strcasecmp(name, "search_path") == 0 || pg_strcasecmp(name, "timezone") == 0;
}

/*
 * Set a setting if this module tracks it.  If "value" is NULL, the setting's
 * default is used.  An invalid value is ignored, because the script's statement
 * will fail when it is run.
 */
static void
follow(const char *name, const char *value)
{
	if (is_followed(name))
		(void) set_config_option(name, value != NULL ? value : GetConfigOptionResetString(name),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG5, false);
}

/* Apply the change made by SET or RESET. */
static void
follow_set(VariableSetStmt *set)
{
	switch (set->kind)
	{
		case VAR_SET_VALUE:
			if (is_followed(set->name))
				follow(set->name, ExtractSetVariableArgs(set));
			break;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
			follow(set->name, NULL);
			break;
		case VAR_RESET_ALL:
			follow("search_path", NULL);
			follow("timezone", NULL);
			break;
		default:
			break;
	}
}

/* Returns the value of a string constant.  Returns NULL for any other node. */
static const char *
string_constant(Node *node)
{
	return IsA(node, A_Const) && !((A_Const *) node)->isnull && IsA(&((A_Const *) node)->val, String) ?
		strVal(&((A_Const *) node)->val) : NULL;
}

FuncCall *
cmig_script_settings_call(const ResTarget *target)
{
	FuncCall   *call = (FuncCall *) target->val;

	return call != NULL && IsA(call, FuncCall) && list_length(call->args) == 3 &&
		strcmp(strVal(llast(call->funcname)), "set_config") == 0 ? call : NULL;
}

/* Apply the change made by SELECT set_config('name', 'value', is_local). */
static void
follow_set_config(const SelectStmt *select)
{
	ListCell   *lc;

	foreach(lc, select->targetList)
	{
		FuncCall   *call = cmig_script_settings_call(lfirst_node(ResTarget, lc));
		const char *name;
		const char *value;

		if (call == NULL)
			continue;
		name = string_constant(linitial(call->args));
		value = string_constant(lsecond(call->args));
		if (name != NULL && value != NULL)
			follow(name, value);
	}
}

void
cmig_script_settings_follow(Node *statement)
{
	if (IsA(statement, VariableSetStmt))
		follow_set((VariableSetStmt *) statement);
	else if (IsA(statement, SelectStmt))
		follow_set_config((SelectStmt *) statement);
}
