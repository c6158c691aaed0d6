/*
 * lint_state.c
 *	  What exists when a statement of the plan runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/lint_code.h"
#include "inspect/lint_facts.h"
#include "inspect/lint_state.h"
#include "run/lock_wait.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

/* The key of relations and types; filled with zeros. */
typedef struct Key
{
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];
} Key;

/* A relation as it is at this place in the plan, by its name. */
typedef struct RelationEntry
{
	Key			key;
	CmigLintTable *table;		/* NULL if it was dropped */
	CmigLintTable *original;	/* the live one, or NULL */
} RelationEntry;

/* The same by the OID of a live relation. */
typedef struct OidEntry
{
	Oid			oid;
	CmigLintTable *table;
} OidEntry;

/* A type that the plan creates or changes. */
typedef struct TypeEntry
{
	Key			key;
	CmigLintType type;
} TypeEntry;

/* A function that the plan creates. */
typedef struct FunctionEntry
{
	char		name[NAMEDATALEN];
	CmigLintFunction function;
} FunctionEntry;

/* A value of an enumeration that the current transaction has added. */
typedef struct NewValue
{
	CmigLintType *type;
	const char *value;
} NewValue;

/* What exists, and which settings apply, when a statement runs. */
struct CmigLintState
{
	HTAB	   *relations;		/* RelationEntry */
	HTAB	   *oids;			/* OidEntry: live relations */
	HTAB	   *types;			/* TypeEntry */
	HTAB	   *functions;		/* FunctionEntry */
	HTAB	   *schemas;		/* names of new schemas */
	List	   *bodies;			/* CmigLintBody * */
	bool		bodies_read;
	int			statements;		/* of all revisions */

	/* what a script can set, and what it finds */
	List	   *path;			/* char * */
	List	   *default_path;
	bool		timeouts[2];	/* by CmigLintTimeout */
	bool		default_timeouts[2];
	const char *time_zone;
	List	   *values;			/* NewValue *: of the current transaction */
	int			in_block;		/* statement */
	bool		reported[2];	/* by CmigLintTimeout */
	bool		wait_reported;
	CmigLintTable *held;		/* with an AccessExclusiveLock */
	int			held_since;		/* statement */
};

/* A hash table in the call's context. */
static HTAB *
make_table(CmigLint *lint, const char *name, Size key, Size entry)
{
	HASHCTL		control = {0};

	control.keysize = key;
	control.entrysize = entry;
	control.hcxt = lint->context;
	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Does the session have a timeout that a script would find? */
static bool
session_has_timeout(const char *name)
{
	return atoi(GetConfigOption(name, false, false)) != 0;
}

/* The schemas in a text such as search_path. */
static List *
split_path(const char *text)
{
	List	   *names;
	List	   *result = NIL;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(text), ',', &names))
		return list_make1("public");
	foreach(lc, names)
	{
		const char *name = lfirst(lc);

		if (name[0] == '\0')
			continue;			/* SET search_path = '' */
		if (strcmp(name, "$user") == 0)
			name = GetUserNameFromId(GetUserId(), false);
		result = lappend(result, pstrdup(name));
	}
	return result;
}

void
cmig_lint_state_begin(CmigLint *lint, const char *search_path)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintState *state = palloc0(sizeof(CmigLintState));

	state->relations = make_table(lint, "pg_cmig lint relations", sizeof(Key), sizeof(RelationEntry));
	state->oids = make_table(lint, "pg_cmig lint oids", sizeof(Oid), sizeof(OidEntry));
	state->types = make_table(lint, "pg_cmig lint types", sizeof(Key), sizeof(TypeEntry));
	state->functions = make_table(lint, "pg_cmig lint functions", NAMEDATALEN, sizeof(FunctionEntry));
	state->schemas = make_table(lint, "pg_cmig lint schemas", NAMEDATALEN, NAMEDATALEN);
	state->default_path = split_path(search_path);
	state->default_timeouts[CMIG_LINT_LOCK_TIMEOUT] =
		session_has_timeout("lock_timeout") || cmig_lock_timeout != 0;
	state->default_timeouts[CMIG_LINT_STATEMENT_TIMEOUT] = session_has_timeout("statement_timeout");
	lint->state = state;
	MemoryContextSwitchTo(old);
}

void
cmig_lint_state_begin_revision(CmigLint *lint)
{
	CmigLintState *state = lint->state;

	lint->revision_number++;
	state->path = state->default_path;
	memcpy(state->timeouts, state->default_timeouts, sizeof(state->timeouts));
	state->time_zone = NULL;
	state->values = NIL;
	state->in_block = 0;
	state->held = NULL;
	memset(state->reported, 0, sizeof(state->reported));
	state->wait_reported = false;
}

static Key
make_key(const char *schema, const char *name)
{
	Key			key;

	memset(&key, 0, sizeof(key));
	strlcpy(key.schema, schema, NAMEDATALEN);
	strlcpy(key.name, name, NAMEDATALEN);
	return key;
}

static RelationEntry *
enter_relation(CmigLint *lint, const char *schema, const char *name)
{
	Key			key = make_key(schema, name);
	bool		found;
	RelationEntry *entry = hash_search(lint->state->relations, &key, HASH_ENTER, &found);

	if (!found)
		entry->table = entry->original = NULL;
	return entry;
}

/* The live relation with that OID, read once. */
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

		index->index_of = find_live(lint, cmig_lint_facts_index_table(oid));
	}
	return entry->table;
}

CmigLintTable *
cmig_lint_state_find_oid(CmigLint *lint, Oid oid)
{
	return find_live(lint, oid);
}

/* Look in one schema; *gone is set if the plan has dropped it there. */
static CmigLintTable *
find_in_schema(CmigLint *lint, const char *schema, const char *name, bool *gone)
{
	Key			key = make_key(schema, name);
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

/* The first schema of the path, where new objects go. */
static const char *
creation_schema(const CmigLint *lint)
{
	ListCell   *lc;

	foreach(lc, lint->state->path)
	{
		const char *name = lfirst(lc);

		/* "$user" rarely exists */
		if (cmig_lint_state_is_new_schema((CmigLint *) lint, name) || list_length(lint->state->path) == 1 ||
			!lint->reads_facts || OidIsValid(get_namespace_oid(name, true)))
		{
			if (lint->reads_facts || strcmp(name, GetUserNameFromId(GetUserId(), false)) != 0)
				return name;
		}
	}
	return "public";
}

static CmigLintTable *
find_anywhere(CmigLint *lint, const char *schema, const char *name, bool *gone)
{
	CmigLintTable *table;
	ListCell   *lc;

	if (schema)
		return find_in_schema(lint, schema, name, gone);
	table = find_in_schema(lint, "pg_temp", name, gone);
	foreach(lc, lint->state->path)
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
	table->empty = false;
	table->partial = true;
	return table;
}

/* A name as DROP has it, as a RangeVar. */
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
cmig_lint_state_find_names(CmigLint *lint, List *names, bool missing_ok)
{
	RangeVar	name;

	fill_range_var(&name, names);
	return cmig_lint_state_find(lint, &name, missing_ok);
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
	Key			key = make_key(name->schemaname ? name->schemaname : creation_schema(lint), name->relname);
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
		schema = table->temporary ? "pg_temp" : creation_schema(lint);
	table->schema = pstrdup(schema);
	table->name = pstrdup(name->relname);
	table->origin = CMIG_LINT_NEW;
	table->kind = kind;
	table->logged = name->relpersistence == RELPERSISTENCE_PERMANENT;
	table->loaded = true;
	table->empty = true;
	table->rows = -1;
	table->bytes = -1;
	enter_relation(lint, schema, name->relname)->table = table;
	MemoryContextSwitchTo(old);
	return table;
}

void
cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table)
{
	enter_relation(lint, table->schema, table->name)->table = NULL;
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

/*
 * Types
 */

CmigLintType *
cmig_lint_state_type(CmigLint *lint, List *names)
{
	List	   *schemas = list_length(names) > 1 ?
	list_make1(strVal(list_nth(names, list_length(names) - 2))) : lint->state->path;
	ListCell   *lc;

	foreach(lc, schemas)
	{
		Key			key = make_key(lfirst(lc), strVal(llast(names)));
		TypeEntry  *entry = hash_search(lint->state->types, &key, HASH_FIND, NULL);

		if (entry)
			return &entry->type;
	}
	return NULL;
}

CmigLintType *
cmig_lint_state_add_type(CmigLint *lint, List *names)
{
	MemoryContext old;
	const char *schema;
	Key			key;
	TypeEntry  *entry;
	CmigLintType *type = cmig_lint_state_type(lint, names);

	if (type)
		return type;
	schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : creation_schema(lint);
	key = make_key(schema, strVal(llast(names)));
	entry = hash_search(lint->state->types, &key, HASH_ENTER, NULL);
	old = MemoryContextSwitchTo(lint->context);
	memset(&entry->type, 0, sizeof(CmigLintType));
	entry->type.schema = pstrdup(schema);
	entry->type.name = pstrdup(strVal(llast(names)));
	MemoryContextSwitchTo(old);
	return &entry->type;
}

CmigLintType *
cmig_lint_state_new_value(CmigLint *lint, const char *value)
{
	ListCell   *lc;

	foreach(lc, lint->state->values)
	{
		NewValue   *new = lfirst(lc);

		if (strcmp(new->value, value) == 0)
			return new->type;
	}
	return NULL;
}

bool
cmig_lint_state_has_new_values(const CmigLint *lint)
{
	return lint->state->values != NIL;
}

void
cmig_lint_state_add_value(CmigLint *lint, CmigLintType *type, const char *value)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	NewValue   *new = palloc(sizeof(NewValue));

	new->type = type;
	new->value = pstrdup(value);
	lint->state->values = lappend(lint->state->values, new);
	MemoryContextSwitchTo(old);
}

/*
 * Schemas and functions
 */

bool
cmig_lint_state_is_new_schema(CmigLint *lint, const char *schema)
{
	NameData	key;

	namestrcpy(&key, schema);
	return hash_search(lint->state->schemas, &key, HASH_FIND, NULL) != NULL;
}

void
cmig_lint_state_add_schema(CmigLint *lint, const char *schema)
{
	NameData	key;

	namestrcpy(&key, schema);
	(void) hash_search(lint->state->schemas, &key, HASH_ENTER, NULL);
}

void
cmig_lint_state_rename_schema(CmigLint *lint, const char *from, const char *to)
{
	HASH_SEQ_STATUS scan;
	RelationEntry *entry;
	List	   *tables = NIL;
	ListCell   *lc;

	if (cmig_lint_state_is_new_schema(lint, from))
		cmig_lint_state_add_schema(lint, to);
	hash_seq_init(&scan, lint->state->relations);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->table && strcmp(entry->key.schema, from) == 0)
			tables = lappend(tables, entry->table);
	}
	foreach(lc, tables)
	{
		CmigLintTable *table = lfirst(lc);

		cmig_lint_state_rename(lint, table, to, table->name);
	}
}

CmigLintFunction *
cmig_lint_state_function(CmigLint *lint, const char *name)
{
	NameData	key;
	FunctionEntry *entry;

	namestrcpy(&key, name);
	entry = hash_search(lint->state->functions, &key, HASH_FIND, NULL);
	return entry ? &entry->function : NULL;
}

CmigLintFunction *
cmig_lint_state_add_function(CmigLint *lint, const char *name)
{
	NameData	key;
	FunctionEntry *entry;

	namestrcpy(&key, name);
	entry = hash_search(lint->state->functions, &key, HASH_ENTER, NULL);
	entry->function.name = MemoryContextStrdup(lint->context, name);
	return &entry->function;
}

void
cmig_lint_state_drop_function(CmigLint *lint, const char *name)
{
	CmigLintFunction *function = cmig_lint_state_add_function(lint, name);

	function->is_dropped = true;
	function->created_at = 0;
}

bool
cmig_lint_state_is_dropped_function(CmigLint *lint, const char *name)
{
	CmigLintFunction *function = cmig_lint_state_function(lint, name);

	return function && function->is_dropped;
}

List *
cmig_lint_state_bodies(CmigLint *lint)
{
	MemoryContext old;

	if (lint->state->bodies_read)
		return lint->state->bodies;
	old = MemoryContextSwitchTo(lint->context);
	lint->state->bodies = cmig_lint_code_bodies();
	lint->state->bodies_read = true;
	MemoryContextSwitchTo(old);
	return lint->state->bodies;
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
	Key			key;
	RelationEntry *entry;

	if (table == NULL)
		return true;
	key = make_key(table->schema, table->name);
	entry = hash_search(lint->state->relations, &key, HASH_FIND, NULL);
	return entry && entry->table != table;
}

bool
cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column)
{
	CmigLintTable *table = find_live(lint, relation);
	Key			key;
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
 * Settings
 */

void
cmig_lint_state_set_path(CmigLint *lint, List *schemas)
{
	lint->state->path = schemas ? schemas : lint->state->default_path;
}

List *
cmig_lint_state_path(const CmigLint *lint)
{
	return lint->state->path;
}

bool
cmig_lint_state_has_timeout(const CmigLint *lint, CmigLintTimeout timeout)
{
	return lint->state->timeouts[timeout];
}

const char *
cmig_lint_state_time_zone(const CmigLint *lint)
{
	return lint->state->time_zone;
}

/* Set a timeout; 0 in any unit turns it off. */
static void
set_timeout(CmigLintState *state, CmigLintTimeout timeout, const char *value)
{
	state->timeouts[timeout] = value ? strtod(value, NULL) != 0 : state->default_timeouts[timeout];
}

void
cmig_lint_state_set(CmigLint *lint, const char *name, const char *value)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintState *state = lint->state;

	if (pg_strcasecmp(name, "lock_timeout") == 0)
		set_timeout(state, CMIG_LINT_LOCK_TIMEOUT, value);
	else if (pg_strcasecmp(name, "statement_timeout") == 0)
		set_timeout(state, CMIG_LINT_STATEMENT_TIMEOUT, value);
	else if (pg_strcasecmp(name, "timezone") == 0)
		state->time_zone = value ? pstrdup(value) : NULL;
	else if (pg_strcasecmp(name, "search_path") == 0)
		state->path = value ? split_path(value) : state->default_path;
	MemoryContextSwitchTo(old);
}

int
cmig_lint_state_in_block(const CmigLint *lint)
{
	return lint->state->in_block;
}

bool
cmig_lint_state_in_transaction(const CmigLint *lint)
{
	return lint->transactional || lint->state->in_block > 0;
}

void
cmig_lint_state_set_block(CmigLint *lint, int statement)
{
	lint->state->in_block = statement;
	lint->state->held = NULL;
	lint->state->values = NIL;
}

bool
cmig_lint_state_is_reported(const CmigLint *lint, CmigLintTimeout timeout)
{
	return lint->state->reported[timeout];
}

void
cmig_lint_state_set_reported(CmigLint *lint, CmigLintTimeout timeout)
{
	lint->state->reported[timeout] = true;
}

bool
cmig_lint_state_is_wait_reported(const CmigLint *lint)
{
	return lint->state->wait_reported;
}

void
cmig_lint_state_set_wait_reported(CmigLint *lint)
{
	lint->state->wait_reported = true;
}

/*
 * What the current revision has done
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

CmigLintTable *
cmig_lint_state_held(const CmigLint *lint, int *statement)
{
	*statement = lint->state->held_since;
	return lint->state->held;
}

void
cmig_lint_state_hold(CmigLint *lint, CmigLintTable *table)
{
	cmig_lint_state_touch(lint, table);
	if (table->locked_at == 0)
		table->locked_at = lint->statement->number;
	if (lint->state->held)
		return;
	lint->state->held = table;
	lint->state->held_since = lint->statement->number;
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
