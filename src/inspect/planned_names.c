/*
 * planned_names.c
 *	  Looks up relation names as they are after the statements of a plan that
 *	  have been read so far.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "inspect/planned_names.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

/* The schema of the temporary relations that a script creates. */
#define TEMPORARY "pg_temp"

/* A change to what a relation name refers to. */
typedef struct Change
{
	char	   *schema;			/* NULL if the name was unqualified and there
								 * was no schema to create it in; TEMPORARY
								 * for a temporary relation */
	Oid			oid;			/* OID of the relation; InvalidOid if the plan
								 * has created or dropped it */
	bool		gone;
} Change;

/* The changes to the same relation name in all schemas. */
typedef struct Entry
{
	char		name[NAMEDATALEN];	/* hash key */
	List	   *changes;		/* of Change *, latest first */
} Entry;

/* The names that statements have created, dropped, or changed. */
struct CmigPlannedNames
{
	MemoryContext context;
	HTAB	   *entries;		/* of Entry; NULL if there are none */
	List	   *temporary;		/* of char *: names of temporary relations */
	List	   *schemas;		/* of char *: schemas that the plan creates */
};

CmigPlannedNames *
cmig_planned_names_start(void)
{
	CmigPlannedNames *names = palloc0(sizeof(CmigPlannedNames));

	names->context = CurrentMemoryContext;
	return names;
}

/*
 * search_path
 */

/* Returns the existing schemas in search_path, as a List of char *. */
static List *
existing_path(bool implicit)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, fetch_search_path(implicit))
	{
		char	   *name = get_namespace_name(lfirst_oid(lc));

		if (name != NULL)
			result = lappend(result, name);
	}
	return result;
}

/*
 * Returns the schemas in search_path, including those that the plan creates.
 * "implicit" says whether to include pg_catalog.
 */
static List *
current_path(const CmigPlannedNames *names, bool implicit)
{
	List	   *existing = existing_path(implicit);
	List	   *result = NIL;
	List	   *path;
	ListCell   *lc;

	if (names->schemas == NIL || !SplitIdentifierString(pstrdup(namespace_search_path), ',', &path))
		return existing;
	foreach(lc, path)
	{
		char	   *name = lfirst(lc);

		if (strcmp(name, "$user") == 0)
			name = GetUserNameFromId(GetUserId(), false);
		if (cmig_text_list_has(names->schemas, name) || cmig_text_list_has(existing, name))
			result = lappend(result, name);
	}
	return list_concat(result, existing);
}

/*
 * Returns the schema in which a relation with an unqualified name is created.
 * Returns NULL if there is none.
 */
static char *
creation_schema(const CmigPlannedNames *names)
{
	List	   *path = current_path(names, false);

	return path == NIL ? NULL : linitial(path);
}

/*
 * Changes
 */

/* Is this the schema TEMPORARY? */
static bool
is_temporary(const char *schema)
{
	return schema != NULL && strcmp(schema, TEMPORARY) == 0;
}

/*
 * Returns the latest change to what the entry's name refers to in a schema.
 * Returns NULL if there is none.
 */
static const Change *
find_in(const Entry *entry, const char *schema)
{
	ListCell   *lc;

	foreach(lc, entry->changes)
	{
		const Change *change = lfirst(lc);

		if (change->schema != NULL && strcmp(change->schema, schema) == 0)
			return change;
	}
	return NULL;
}

/* Look up a name in a schema as if the plan had made no changes. */
static Oid
existing_relation(const char *schema, const char *name)
{
	Oid			oid = get_namespace_oid(schema, true);

	return OidIsValid(oid) ? get_relname_relid(name, oid) : InvalidOid;
}

/* Returns what a name refers to after a change. */
static CmigPlannedName
changed_name(const Change *change)
{
	CmigPlannedName result = {
		.oid = change->oid,
		.is_new = !OidIsValid(change->oid) && !change->gone,
		.is_temporary = is_temporary(change->schema),
		.schema = change->schema
	};

	return result;
}

/*
 * Look up an unqualified name.  A temporary relation hides other relations.  If
 * the plan has removed the name from one schema, it may still exist in a schema
 * later in search_path.
 */
static CmigPlannedName
find_unqualified(const CmigPlannedNames *names, const Entry *entry)
{
	CmigPlannedName result = {.oid = InvalidOid};
	const Change *change = find_in(entry, TEMPORARY);
	ListCell   *lc;

	if (change != NULL && !change->gone)
		return changed_name(change);
	foreach(lc, current_path(names, true))
	{
		const char *schema = lfirst(lc);
		Oid			oid;

		change = find_in(entry, schema);
		if (change != NULL)
		{
			if (!change->gone)
				return changed_name(change);
			if (result.schema == NULL)
				result = changed_name(change);
			continue;
		}
		oid = existing_relation(schema, entry->name);
		if (OidIsValid(oid))
			return (CmigPlannedName)
		{
			.oid = oid
		};
	}
	return result;
}

CmigPlannedName
cmig_planned_names_find(const CmigPlannedNames *names, const RangeVar *relation)
{
	const Entry *entry = names->entries == NULL ? NULL :
	hash_search(names->entries, relation->relname, HASH_FIND, NULL);
	const Change *change = NULL;
	CmigPlannedName result = {.schema = relation->schemaname};

	if (relation->schemaname == NULL && entry != NULL)
		return find_unqualified(names, entry);
	if (entry != NULL)
		change = find_in(entry, relation->schemaname);
	if (change != NULL)
		return changed_name(change);
	if (relation->schemaname == NULL)
		result.oid = RelnameGetRelid(relation->relname);
	else
		result.oid = existing_relation(relation->schemaname, relation->relname);
	return result;
}

/* Returns an empty hash table of entries. */
static HTAB *
make_entries(MemoryContext context)
{
	HASHCTL		control = {.keysize = NAMEDATALEN,.entrysize = sizeof(Entry),.hcxt = context};

	return hash_create("pg_cmig planned names", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* Record what a name refers to after the current statement. */
static void
change(CmigPlannedNames *names, const char *schema, const char *name, Oid oid, bool gone)
{
	MemoryContext old = MemoryContextSwitchTo(names->context);
	Change	   *latest = palloc(sizeof(Change));
	bool		found;
	Entry	   *entry;

	if (names->entries == NULL)
		names->entries = make_entries(names->context);
	entry = hash_search(names->entries, name, HASH_ENTER, &found);
	if (!found)
		entry->changes = NIL;
	latest->schema = schema != NULL ? pstrdup(schema) : NULL;
	latest->oid = oid;
	latest->gone = gone;
	entry->changes = lcons(latest, entry->changes);
	if (is_temporary(schema))
		names->temporary = lappend(names->temporary, pstrdup(name));
	MemoryContextSwitchTo(old);
}

/* Returns the schema of a relation that has been found. */
static char *
schema_of(const CmigPlannedName *found)
{
	return OidIsValid(found->oid) ? get_namespace_name(get_rel_namespace(found->oid)) : found->schema;
}

void
cmig_planned_names_create(CmigPlannedNames *names, const RangeVar *relation)
{
	const char *schema = relation->schemaname;
	RangeVar	qualified = *relation;

	if (relation->relpersistence == RELPERSISTENCE_TEMP || is_temporary(schema))
	{
		change(names, TEMPORARY, relation->relname, InvalidOid, false);
		return;
	}
	if (schema == NULL)
		schema = creation_schema(names);
	qualified.schemaname = unconstify(char *, schema);
	if (schema == NULL || !OidIsValid(cmig_planned_names_find(names, &qualified).oid))
		change(names, schema, relation->relname, InvalidOid, false);
}

void
cmig_planned_names_create_schema(CmigPlannedNames *names, const char *schema)
{
	MemoryContext old = MemoryContextSwitchTo(names->context);

	names->schemas = lappend(names->schemas, pstrdup(schema));
	MemoryContextSwitchTo(old);
}

void
cmig_planned_names_drop(CmigPlannedNames *names, const RangeVar *relation)
{
	CmigPlannedName found = cmig_planned_names_find(names, relation);

	if (OidIsValid(found.oid) || found.is_new)
		change(names, schema_of(&found), relation->relname, InvalidOid, true);
}

void
cmig_planned_names_rename(CmigPlannedNames *names, const RangeVar *relation,
						  const char *new_name, bool to_schema)
{
	CmigPlannedName found = cmig_planned_names_find(names, relation);
	char	   *schema = schema_of(&found);

	if (!OidIsValid(found.oid) && !found.is_new)
		return;
	change(names, schema, relation->relname, InvalidOid, true);
	if (to_schema)
		change(names, new_name, relation->relname, found.oid, false);
	else
		change(names, schema, new_name, found.oid, false);
}

void
cmig_planned_names_end_script(CmigPlannedNames *names)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, names->temporary)
	{
		Entry	   *entry = hash_search(names->entries, lfirst(lc), HASH_FIND, NULL);

		foreach(lc2, entry->changes)
		{
			if (is_temporary(((const Change *) lfirst(lc2))->schema))
				entry->changes = foreach_delete_current(entry->changes, lc2);
		}
	}
	names->temporary = NIL;
}
