/*
 * lint_state.c
 *	  Lint: the relations and other objects of the plan so far.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "plan/lint.h"

/* ----------------------------------------------------------------
 * Tracks the types, functions, and schemas that the plan creates, changes,
 * or drops.
 * ----------------------------------------------------------------
 */

/* Hash key for relations and types, padded with zeros. */
typedef struct CmigLintKey
{
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];
} CmigLintKey;

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

/* Create a hash table in the memory context of the lint call. */
static HTAB *
make_table(CmigLint *lint, const char *name, Size key, Size entry)
{
	HASHCTL		control = {0};

	control.keysize = key;
	control.entrysize = entry;
	control.hcxt = lint->context;
	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Returns the hash key for a name. */
static CmigLintKey
make_key(const char *schema, const char *name)
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

/* Returns the schema in search_path in which new objects are created. */
static const char *
creation_schema(const CmigLint *lint)
{
	ListCell   *lc;

	foreach(lc, lint->session->path)
	{
		const char *name = lfirst(lc);

		/* skip schemas that do not exist, such as "$user" in most databases */
		if (cmig_lint_objects_is_new_schema((CmigLint *) lint, name) || list_length(lint->session->path) == 1 ||
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
	list_make1(strVal(list_nth(names, list_length(names) - 2))) : lint->session->path;
	ListCell   *lc;

	foreach(lc, schemas)
	{
		CmigLintKey key = make_key(lfirst(lc), strVal(llast(names)));
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
	schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : creation_schema(lint);
	key = make_key(schema, strVal(llast(names)));
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

/* ----------------------------------------------------------------
 * Determines which relations exist when a statement of the plan runs.
 *
 * A name is looked up first among the relations that earlier statements have
 * created, renamed, or dropped, and then in the live database.
 * ----------------------------------------------------------------
 */

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
};

void
cmig_lint_state_begin(CmigLint *lint, const char *search_path)
{
	CmigLintState *state = MemoryContextAllocZero(lint->context, sizeof(CmigLintState));
	CmigLintObjects *objects = MemoryContextAllocZero(lint->context, sizeof(CmigLintObjects));

	state->relations = make_table(lint, "pg_cmig lint relations", sizeof(CmigLintKey), sizeof(RelationEntry));
	state->oids = make_table(lint, "pg_cmig lint oids", sizeof(Oid), sizeof(OidEntry));
	objects->types = make_table(lint, "pg_cmig lint types", sizeof(CmigLintKey), sizeof(TypeEntry));
	objects->functions = make_table(lint, "pg_cmig lint functions", NAMEDATALEN, sizeof(FunctionEntry));
	objects->schemas = make_table(lint, "pg_cmig lint schemas", NAMEDATALEN, NAMEDATALEN);
	lint->state = state;
	lint->objects = objects;
	cmig_lint_session_begin(lint, search_path);
}

/* Returns the entry for a name.  Creates the entry if necessary. */
static RelationEntry *
enter_relation(CmigLint *lint, const char *schema, const char *name)
{
	CmigLintKey key = make_key(schema, name);
	bool		found;
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_ENTER, &found);

	if (!found)
		entry->table = entry->original = NULL;
	return entry;
}

/* Each relation is read at most once. */
CmigLintTable *
cmig_lint_state_find_oid(CmigLint *lint, Oid oid)
{
	bool		found;
	OidEntry   *entry = hash_search(lint->state->oids, &oid, HASH_ENTER, &found);
	CmigLintTable *table;
	MemoryContext old;

	if (found)
		return entry->table;
	entry->table = NULL;
	old = MemoryContextSwitchTo(lint->context);
	table = entry->table = cmig_lint_facts_read(oid);
	MemoryContextSwitchTo(old);
	if (table && (table->kind == RELKIND_INDEX || table->kind == RELKIND_PARTITIONED_INDEX))
		table->index_of = cmig_lint_state_find_oid(lint, IndexGetRelation(oid, true));
	return table;
}

/*
 * Find a relation in one schema.  Sets *gone to true if the plan has dropped or
 * renamed the relation; otherwise, *gone is not changed.
 */
static CmigLintTable *
find_in_schema(CmigLint *lint, const char *schema, const char *name, bool *gone)
{
	CmigLintKey key = make_key(schema, name);
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
	table = cmig_lint_state_find_oid(lint, oid);
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
	foreach(lc, lint->session->path)
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

CmigLintTable *
cmig_lint_state_find_names(CmigLint *lint, List *names, bool if_exists)
{
	RangeVar	name = {.type = T_RangeVar,.relpersistence = RELPERSISTENCE_PERMANENT};

	name.relname = strVal(llast(names));
	if (list_length(names) > 1)
		name.schemaname = strVal(list_nth(names, list_length(names) - 2));
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
	CmigLintKey key = make_key(name->schemaname ? name->schemaname : creation_schema(lint), name->relname);
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);

	return entry && entry->original && entry->table != entry->original ? entry->original : NULL;
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
		schema = table->temporary ? "pg_temp" : creation_schema(lint);
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
	CmigLintKey key = make_key(table->schema, table->name);
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
cmig_lint_state_grant_in_schema(CmigLint *lint, const char *schema)
{
	ListCell   *lc;

	foreach(lc, relations_in_schema(lint, schema))
		((CmigLintTable *) lfirst(lc))->has_grants = true;
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

bool
cmig_lint_state_is_gone(CmigLint *lint, Oid relation)
{
	CmigLintTable *table = cmig_lint_state_find_oid(lint, relation);
	CmigLintKey key;
	RelationEntry *entry;

	if (table == NULL)
		return true;
	key = make_key(table->schema, table->name);
	entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);
	return entry && entry->table != table;
}

bool
cmig_lint_state_exists(CmigLint *lint, const CmigLintTable *table)
{
	CmigLintKey key = make_key(table->schema, table->name);
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);

	return entry && entry->table == table;
}

bool
cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column)
{
	CmigLintTable *table = cmig_lint_state_find_oid(lint, relation);
	CmigLintKey key;
	RelationEntry *entry;

	if (table == NULL)
		return false;
	key = make_key(table->schema, name);
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
	if (lint->session->held == NULL)
	{
		lint->session->held = table;
		lint->session->held_since = lint->statement->number;
	}
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

/* ----------------------------------------------------------------
 * Finds the relations that queries read and write.
 * ----------------------------------------------------------------
 */

/* A search for a query's relations. */
typedef struct Search
{
	List	   *relations;		/* of RangeVar * */
	List	   *with;			/* of char *: names of WITH queries */
	List	   *updated;		/* of RangeVar *: targets of UPDATE */
} Search;

/* raw_expression_tree_walker callback: collect a query's relations. */
static bool
walk(Node *node, void *context)
{
	Search	   *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
		search->relations = lappend(search->relations, node);
	else if (IsA(node, CommonTableExpr))
		search->with = lappend(search->with, ((CommonTableExpr *) node)->ctename);
	else if (IsA(node, UpdateStmt))
		search->updated = lappend(search->updated, ((UpdateStmt *) node)->relation);
	return raw_expression_tree_walker(node, walk, search);
}

/* Returns the statement's query, or NULL if the statement has none. */
static Node *
query_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return statement;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->query;
		case T_ExplainStmt:
			return query_of(((ExplainStmt *) statement)->query);
		default:
			return NULL;
	}
}

/* Find the relations that a statement uses. */
static Search
search_in(Node *statement)
{
	Search		search = {0};
	Node	   *query = query_of(statement);

	/*
	 * skip EXECUTE and similar statements, which the walker does not support
	 */
	if (query && query_of(query))
		(void) walk(query, &search);
	if (IsA(statement, CopyStmt))
	{
		CopyStmt   *copy = (CopyStmt *) statement;

		if (copy->relation)
			search.relations = lappend(search.relations, copy->relation);
		if (copy->query && query_of(copy->query))
			(void) walk(copy->query, &search);
	}
	return search;
}

List *
cmig_lint_uses_of(Node *statement)
{
	Search		search = search_in(statement);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, search.relations)
	{
		RangeVar   *name = lfirst(lc);

		if (name->schemaname || !cmig_text_list_has(search.with, name->relname))
			result = lappend(result, name);
	}
	return result;
}

bool
cmig_lint_uses_shared(CmigLint *lint, Node *statement)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_uses_of(statement))
	{
		if (cmig_lint_model_is_shared(cmig_lint_state_find(lint, lfirst(lc), false)))
			return true;
	}
	return false;
}

List *
cmig_lint_uses_updated(CmigLint *lint, Node *statement)
{
	Search		search = search_in(statement);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, search.updated)
	{
		CmigLintTable *table = cmig_lint_state_find(lint, lfirst(lc), false);

		if (table)
			result = list_append_unique_ptr(result, table);
	}
	return result;
}
