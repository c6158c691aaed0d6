/*
 * lint_objects.c
 *	  Tracks the types, functions, and schemas that the plan creates, changes,
 *	  or drops.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_code.h"
#include "lint/lint_objects.h"
#include "lint/lint_session.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* A type that the plan creates or changes. */
typedef struct TypeEntry
{
	CmigLintKey key;
	CmigLintType type;
} TypeEntry;

/* A function that the plan creates or drops. */
typedef struct FunctionEntry
{
	char		name[NAMEDATALEN];
	CmigLintFunction function;
} FunctionEntry;

/* A policy of a live table, dropped or changed by the plan. */
typedef struct Policy
{
	Oid			table;
	char	   *name;
} Policy;

struct CmigLintObjects
{
	HTAB	   *types;			/* of TypeEntry */
	HTAB	   *functions;		/* of FunctionEntry */
	HTAB	   *schemas;		/* names of new schemas */
	List	   *bodies;			/* of CmigLintBody *: live functions */
	bool		bodies_read;
	List	   *policies;		/* of Policy *: dropped or changed policies */
};

HTAB *
cmig_lint_objects_table(CmigLint *lint, const char *name, Size key, Size entry)
{
	HASHCTL		control = {0};

	control.keysize = key;
	control.entrysize = entry;
	control.hcxt = lint->context;
	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
cmig_lint_objects_begin(CmigLint *lint)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintObjects *objects = palloc0(sizeof(CmigLintObjects));

	objects->types = cmig_lint_objects_table(lint, "pg_cmig lint types", sizeof(CmigLintKey), sizeof(TypeEntry));
	objects->functions = cmig_lint_objects_table(lint, "pg_cmig lint functions", NAMEDATALEN, sizeof(FunctionEntry));
	objects->schemas = cmig_lint_objects_table(lint, "pg_cmig lint schemas", NAMEDATALEN, NAMEDATALEN);
	lint->objects = objects;
	MemoryContextSwitchTo(old);
}

/* Returns an object's hash key. */
CmigLintKey
cmig_lint_objects_key(const char *schema, const char *name)
{
	CmigLintKey key;

	memset(&key, 0, sizeof(key));
	strlcpy(key.schema, schema, NAMEDATALEN);
	strlcpy(key.name, name, NAMEDATALEN);
	return key;
}

/*
 * Schemas
 */

bool
cmig_lint_objects_is_new_schema(CmigLint *lint, const char *schema)
{
	NameData	key;

	namestrcpy(&key, schema);
	return hash_search(lint->objects->schemas, &key, HASH_FIND, NULL) != NULL;
}

void
cmig_lint_objects_add_schema(CmigLint *lint, const char *schema)
{
	NameData	key;

	namestrcpy(&key, schema);
	(void) hash_search(lint->objects->schemas, &key, HASH_ENTER, NULL);
}

const char *
cmig_lint_objects_creation_schema(const CmigLint *lint)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_session_path(lint))
	{
		const char *name = lfirst(lc);

		/* skip schemas that do not exist, such as "$user" in most databases */
		if (cmig_lint_objects_is_new_schema((CmigLint *) lint, name) || list_length(cmig_lint_session_path(lint)) == 1 ||
			!lint->reads_facts || OidIsValid(get_namespace_oid(name, true)))
		{
			if (lint->reads_facts || strcmp(name, GetUserNameFromId(GetUserId(), false)) != 0)
				return name;
		}
	}
	return "public";
}

/*
 * Types
 */

CmigLintType *
cmig_lint_objects_type(CmigLint *lint, List *names)
{
	List	   *schemas = list_length(names) > 1 ?
	list_make1(strVal(list_nth(names, list_length(names) - 2))) : cmig_lint_session_path(lint);
	ListCell   *lc;

	foreach(lc, schemas)
	{
		CmigLintKey key = cmig_lint_objects_key(lfirst(lc), strVal(llast(names)));
		TypeEntry  *entry = hash_search(lint->objects->types, &key, HASH_FIND, NULL);

		if (entry)
			return &entry->type;
	}
	return NULL;
}

CmigLintType *
cmig_lint_objects_add_type(CmigLint *lint, List *names)
{
	MemoryContext old;
	const char *schema;
	CmigLintKey key;
	TypeEntry  *entry;
	CmigLintType *type = cmig_lint_objects_type(lint, names);

	if (type)
		return type;
	schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : cmig_lint_objects_creation_schema(lint);
	key = cmig_lint_objects_key(schema, strVal(llast(names)));
	entry = hash_search(lint->objects->types, &key, HASH_ENTER, NULL);
	old = MemoryContextSwitchTo(lint->context);
	memset(&entry->type, 0, sizeof(CmigLintType));
	entry->type.schema = pstrdup(schema);
	entry->type.name = pstrdup(strVal(llast(names)));
	MemoryContextSwitchTo(old);
	return &entry->type;
}

/*
 * Functions
 */

CmigLintFunction *
cmig_lint_objects_function(CmigLint *lint, const char *name)
{
	NameData	key;
	FunctionEntry *entry;

	namestrcpy(&key, name);
	entry = hash_search(lint->objects->functions, &key, HASH_FIND, NULL);
	return entry ? &entry->function : NULL;
}

CmigLintFunction *
cmig_lint_objects_add_function(CmigLint *lint, const char *name)
{
	NameData	key;
	FunctionEntry *entry;

	namestrcpy(&key, name);
	entry = hash_search(lint->objects->functions, &key, HASH_ENTER, NULL);
	entry->function.name = MemoryContextStrdup(lint->context, name);
	return &entry->function;
}

void
cmig_lint_objects_drop_function(CmigLint *lint, const char *name)
{
	CmigLintFunction *function = cmig_lint_objects_add_function(lint, name);

	function->is_dropped = true;
	function->created_at = 0;
}

bool
cmig_lint_objects_is_dropped_function(CmigLint *lint, const char *name)
{
	CmigLintFunction *function = cmig_lint_objects_function(lint, name);

	return function && function->is_dropped;
}

List *
cmig_lint_objects_bodies(CmigLint *lint)
{
	MemoryContext old;

	if (lint->objects->bodies_read)
		return lint->objects->bodies;
	old = MemoryContextSwitchTo(lint->context);
	lint->objects->bodies = cmig_lint_code_bodies();
	lint->objects->bodies_read = true;
	MemoryContextSwitchTo(old);
	return lint->objects->bodies;
}

/*
 * Policies
 */

void
cmig_lint_objects_change_policy(CmigLint *lint, Oid table, const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	Policy	   *policy = palloc(sizeof(Policy));

	policy->table = table;
	policy->name = pstrdup(name);
	lint->objects->policies = lappend(lint->objects->policies, policy);
	MemoryContextSwitchTo(old);
}

bool
cmig_lint_objects_is_policy_changed(CmigLint *lint, Oid table, const char *name)
{
	ListCell   *lc;

	foreach(lc, lint->objects->policies)
	{
		const Policy *policy = lfirst(lc);

		if (policy->table == table && strcmp(policy->name, name) == 0)
			return true;
	}
	return false;
}
