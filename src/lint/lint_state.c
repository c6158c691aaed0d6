/*
 * lint_state.c
 *	  Determines which relations exist when a statement of the plan runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_catalog.h"
#include "lint/lint_facts.h"
#include "lint/lint_objects.h"
#include "lint/lint_session.h"
#include "lint/lint_state.h"

#include "catalog/pg_class.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/*
 * A name, and the relation that has this name at the current point of the plan.
 */
typedef struct RelationEntry
{
	CmigLintKey key;
	CmigLintTable *table;		/* NULL if the relation was dropped or renamed */
	CmigLintTable *original;	/* the live relation that had this name before
								 * the plan, or NULL */
} RelationEntry;

/* A live relation that has been read. */
typedef struct OidEntry
{
	Oid			oid;
	CmigLintTable *table;
} OidEntry;

struct CmigLintState
{
	HTAB	   *relations;		/* of RelationEntry */
	HTAB	   *oids;			/* of OidEntry: live relations */
	int			statements;		/* number of statements in all revisions */
};

void
cmig_lint_state_begin(CmigLint *lint, const char *search_path)
{
	CmigLintState *state = MemoryContextAllocZero(lint->context, sizeof(CmigLintState));

	state->relations = cmig_lint_objects_table(lint, "pg_cmig lint relations", sizeof(CmigLintKey), sizeof(RelationEntry));
	state->oids = cmig_lint_objects_table(lint, "pg_cmig lint oids", sizeof(Oid), sizeof(OidEntry));
	lint->state = state;
	cmig_lint_session_begin(lint, search_path);
	cmig_lint_objects_begin(lint);
}

void
cmig_lint_state_begin_revision(CmigLint *lint)
{
	lint->revision_number++;
	cmig_lint_session_begin_revision(lint);
}

/* Returns the entry for a name.  Creates the entry if necessary. */
static RelationEntry *
enter_relation(CmigLint *lint, const char *schema, const char *name)
{
	CmigLintKey key = cmig_lint_objects_key(schema, name);
	bool		found;
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_ENTER, &found);

	if (!found)
		entry->table = entry->original = NULL;
	return entry;
}

/*
 * Returns the live relation with this OID, or NULL if there is none.  Each
 * relation is read at most once.
 */
static CmigLintTable *
find_live(CmigLint *lint, Oid oid)
{
	bool		found;
	OidEntry   *entry = hash_search(lint->state->oids, &oid, HASH_ENTER, &found);
	MemoryContext old;

	if (found)
		return entry->table;
	entry->table = NULL;
	old = MemoryContextSwitchTo(lint->context);
	entry->table = cmig_lint_facts_read(oid);
	MemoryContextSwitchTo(old);
	if (entry->table && (entry->table->kind == RELKIND_INDEX || entry->table->kind == RELKIND_PARTITIONED_INDEX))
	{
		CmigLintTable *index = entry->table;

		index->index_of = find_live(lint, cmig_lint_catalog_index_table(oid));
	}
	return entry->table;
}

CmigLintTable *
cmig_lint_state_find_oid(CmigLint *lint, Oid oid)
{
	return find_live(lint, oid);
}

/*
 * Find a relation in one schema.  Sets *gone to true if the plan has dropped or
 * renamed the relation; otherwise, *gone is not changed.
 */
static CmigLintTable *
find_in_schema(CmigLint *lint, const char *schema, const char *name, bool *gone)
{
	CmigLintKey key = cmig_lint_objects_key(schema, name);
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);
	Oid			oid;
	CmigLintTable *table;

	if (entry)
	{
		*gone |= entry->table == NULL;
		return entry->table;
	}
	if (!lint->reads_facts)
		return NULL;
	oid = cmig_lint_facts_find(schema, name);
	if (!OidIsValid(oid))
		return NULL;
	table = find_live(lint, oid);
	if (table)
	{
		RelationEntry *entered = enter_relation(lint, schema, name);

		entered->table = entered->original = table;
	}
	return table;
}

/*
 * Find a relation in the given schema, or in search_path if "schema" is NULL.
 * Sets *gone as find_in_schema() does.
 */
static CmigLintTable *
find_anywhere(CmigLint *lint, const char *schema, const char *name, bool *gone)
{
	CmigLintTable *table;
	ListCell   *lc;

	if (schema)
		return find_in_schema(lint, schema, name, gone);
	table = find_in_schema(lint, "pg_temp", name, gone);
	foreach(lc, cmig_lint_session_path(lint))
	{
		if (table)
			break;
		table = find_in_schema(lint, lfirst(lc), name, gone);
	}
	return table;
}

CmigLintTable *
cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok)
{
	bool		gone = false;
	CmigLintTable *table = find_anywhere(lint, name->schemaname, name->relname, &gone);

	if (table || gone || missing_ok)
		return table;
	table = cmig_lint_state_add(lint, name, 0);
	table->origin = CMIG_LINT_UNKNOWN;
	table->logged = true;
	table->empty = table->empty_itself = false;
	table->partial = true;
	return table;
}

CmigLintTable *
cmig_lint_state_find_if(CmigLint *lint, const RangeVar *name, bool if_exists)
{
	return cmig_lint_state_find(lint, name, if_exists && lint->reads_facts);
}

/* Convert a name in a DROP statement to a RangeVar. */
static void
fill_range_var(RangeVar *result, List *names)
{
	memset(result, 0, sizeof(RangeVar));
	result->type = T_RangeVar;
	result->relname = strVal(llast(names));
	result->relpersistence = RELPERSISTENCE_PERMANENT;
	if (list_length(names) > 1)
		result->schemaname = strVal(list_nth(names, list_length(names) - 2));
}

CmigLintTable *
cmig_lint_state_find_names(CmigLint *lint, List *names, bool if_exists)
{
	RangeVar	name;

	fill_range_var(&name, names);
	return cmig_lint_state_find_if(lint, &name, if_exists);
}

CmigLintTable *
cmig_lint_state_peek(CmigLint *lint, const RangeVar *name)
{
	bool		gone = false;

	return find_anywhere(lint, name->schemaname, name->relname, &gone);
}

CmigLintTable *
cmig_lint_state_original(CmigLint *lint, const RangeVar *name)
{
	CmigLintKey key = cmig_lint_objects_key(name->schemaname ? name->schemaname : cmig_lint_objects_creation_schema(lint), name->relname);
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);

	return entry && entry->original && entry->table != entry->original ? entry->original : NULL;
}

void
cmig_lint_state_grant_in_schema(CmigLint *lint, const char *schema)
{
	HASH_SEQ_STATUS scan;
	RelationEntry *entry;

	hash_seq_init(&scan, lint->state->relations);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->table && strcmp(entry->key.schema, schema) == 0)
			entry->table->has_grants = true;
	}
}

void
cmig_lint_state_load(CmigLint *lint, CmigLintTable *table)
{
	MemoryContext old;

	if (table->loaded)
		return;
	table->loaded = true;
	if (!OidIsValid(table->oid))
		return;
	old = MemoryContextSwitchTo(lint->context);
	cmig_lint_facts_load(table);
	MemoryContextSwitchTo(old);
}

CmigLintTable *
cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintTable *table = palloc0(sizeof(CmigLintTable));
	const char *schema = name->schemaname;

	table->temporary = name->relpersistence == RELPERSISTENCE_TEMP ||
		(schema && strcmp(schema, "pg_temp") == 0);
	if (schema == NULL)
		schema = table->temporary ? "pg_temp" : cmig_lint_objects_creation_schema(lint);
	table->schema = pstrdup(schema);
	table->name = pstrdup(name->relname);
	table->origin = CMIG_LINT_NEW;
	table->kind = kind;
	table->logged = name->relpersistence == RELPERSISTENCE_PERMANENT;
	table->loaded = true;
	table->empty = table->empty_itself = true;
	table->rows = -1;
	table->bytes = -1;
	enter_relation(lint, schema, name->relname)->table = table;
	MemoryContextSwitchTo(old);
	return table;
}

void
cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table)
{
	CmigLintKey key = cmig_lint_objects_key(table->schema, table->name);
	bool		found;
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_ENTER, &found);

	/* a new entry must also contain the live relation that had this name */
	if (!found)
		entry->original = table->origin == CMIG_LINT_LIVE ? table : NULL;
	entry->table = NULL;
}

/* Returns those relations in the schema that have been looked up or created. */
static List *
relations_in_schema(CmigLint *lint, const char *schema)
{
	HASH_SEQ_STATUS scan;
	RelationEntry *entry;
	List	   *tables = NIL;

	hash_seq_init(&scan, lint->state->relations);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->table && strcmp(entry->key.schema, schema) == 0)
			tables = lappend(tables, entry->table);
	}
	return tables;
}

void
cmig_lint_state_remove_schema(CmigLint *lint, const char *schema)
{
	ListCell   *lc;

	foreach(lc, relations_in_schema(lint, schema))
		cmig_lint_state_remove(lint, lfirst(lc));
}

void
cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table, const char *schema, const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);

	cmig_lint_state_remove(lint, table);
	table->schema = pstrdup(schema);
	table->name = pstrdup(name);
	enter_relation(lint, table->schema, table->name)->table = table;
	MemoryContextSwitchTo(old);
}

void
cmig_lint_state_rename_schema(CmigLint *lint, const char *from, const char *to)
{
	ListCell   *lc;

	if (cmig_lint_objects_is_new_schema(lint, from))
		cmig_lint_objects_add_schema(lint, to);
	foreach(lc, relations_in_schema(lint, from))
	{
		CmigLintTable *table = lfirst(lc);

		cmig_lint_state_rename(lint, table, to, table->name);
	}
}

int
cmig_lint_state_statements(const CmigLint *lint)
{
	return lint->state->statements;
}

void
cmig_lint_state_count(CmigLint *lint)
{
	lint->state->statements++;
}

bool
cmig_lint_state_is_gone(CmigLint *lint, Oid relation)
{
	CmigLintTable *table = find_live(lint, relation);
	CmigLintKey key;
	RelationEntry *entry;

	if (table == NULL)
		return true;
	key = cmig_lint_objects_key(table->schema, table->name);
	entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);
	return entry && entry->table != table;
}

bool
cmig_lint_state_exists(CmigLint *lint, const CmigLintTable *table)
{
	CmigLintKey key = cmig_lint_objects_key(table->schema, table->name);
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);

	return entry && entry->table == table;
}

bool
cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column)
{
	CmigLintTable *table = find_live(lint, relation);
	CmigLintKey key;
	RelationEntry *entry;

	if (table == NULL)
		return false;
	key = cmig_lint_objects_key(table->schema, name);
	entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);
	if (entry && entry->table)
		table = entry->table;
	else if (column == NULL)
		return false;
	return column == NULL || cmig_lint_model_column(table, column) != NULL;
}

/*
 * Changes in the current revision
 */

void
cmig_lint_state_touch(CmigLint *lint, CmigLintTable *table)
{
	if (table->in_revision == lint->revision_number)
		return;
	table->in_revision = lint->revision_number;
	table->altered_at = 0;
	table->altered_text = NULL;
	table->locked_at = 0;
}

void
cmig_lint_state_hold(CmigLint *lint, CmigLintTable *table)
{
	cmig_lint_state_touch(lint, table);
	if (table->locked_at == 0)
		table->locked_at = lint->statement->number;
	cmig_lint_session_hold(lint, table, lint->statement->number);
}

bool
cmig_lint_state_is_combinable(const AlterTableStmt *alter)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, lc)->subtype;

		if (type == AT_ValidateConstraint || type == AT_AttachPartition || type == AT_DetachPartition)
			return false;
	}
	return true;
}
