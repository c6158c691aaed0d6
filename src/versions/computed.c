/*
 * computed.c
 *	  What a revision computes for the rows that exist.
 *
 * Names change their meaning within a script.  So its statements are watched
 * while they run in the shadow, where the lines "-- cmig:up" already are what
 * an upgrade runs: a USING, or an UPDATE.  Before each of them, the catalogs
 * tell which columns and types its names stand for.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "versions/internal.h"

/* A script that is watched. */
typedef struct Watch
{
	CmigPlanning *p;
	MemoryContext context;		/* the planning's */
	int			statement;		/* counted from 1 */
	Oid			role;			/* with which the script begins */
	Oid			relation;		/* the table that it alters */
	List	   *adding;			/* of CmigAdded *: it adds these columns */
	List	   *names;			/* their names */
} Watch;

bool
cmig_versions_is_numbered(const ColumnRef *ref)
{
	return IsA(llast(ref->fields), Boolean);
}

/* Returns the search_path, with the schemas that it stands for. */
static char *
current_path(void)
{
	StringInfoData path;

	initStringInfo(&path);
	foreach_oid(schema, fetch_search_path(false))
	{
		const char *name = get_namespace_name(schema);

		if (name != NULL)
			appendStringInfo(&path, "%s%s", path.len > 0 ? ", " : "", quote_identifier(name));
	}
	return path.data;
}

/* Walker: note which columns of the table, and which types, the names stand for. */
static bool
bind_names(Node *node, void *table)
{
	const Oid	relation = *(Oid *) table;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
	{
		ColumnRef  *ref = (ColumnRef *) node;
		int			length = list_length(ref->fields);
		char	   *name = strVal(llast(ref->fields));
		AttrNumber	number = get_attnum(relation, name);

		if (number > 0 &&
			(length < 2 || strcmp(strVal(list_nth(ref->fields, length - 2)), get_rel_name(relation)) == 0) &&
			(length < 3 || strcmp(strVal(list_nth(ref->fields, length - 3)),
								  get_namespace_name(get_rel_namespace(relation))) == 0))
			ref->fields = CMIG_REF_FIELDS(name, number);
	}
	else if (IsA(node, TypeName) && ((TypeName *) node)->names != NIL && !((TypeName *) node)->pct_type)
	{
		TypeName   *type = (TypeName *) node;
		TypeName   *element = copyObject(type);
		Type		tuple;

		element->arrayBounds = NIL;
		tuple = LookupTypeName(NULL, element, NULL, true);
		/* beside the names, it has no effect */
		type->typeOid = tuple ? typeTypeId(tuple) : InvalidOid;
		if (tuple != NULL)
			ReleaseSysCache(tuple);
	}
	return raw_expression_tree_walker(node, bind_names, table);
}

/* Is it the column itself, with its own type?  "type" is the one that it gets, or NULL. */
static bool
is_column(const Node *expr, Oid relation, AttrNumber number, const TypeName *type)
{
	Oid			own[3];
	int32		own_typmod;
	int32		typmod;
	Oid			oid;

	if (type != NULL && IsA(expr, TypeCast) && equal(((TypeCast *) expr)->typeName->names, type->names) &&
		equal(((TypeCast *) expr)->typeName->typmods, type->typmods) &&
		equal(((TypeCast *) expr)->typeName->arrayBounds, type->arrayBounds))
	{
		get_atttypetypmodcoll(relation, number, &own[0], &own_typmod, &own[1]);
		typenameTypeIdAndMod(NULL, type, &oid, &typmod);
		if (oid == own[0] && typmod == own_typmod)
			expr = ((TypeCast *) expr)->arg;
	}
	return IsA(expr, ColumnRef) && cmig_versions_is_numbered((ColumnRef *) expr) &&
		intVal(lsecond(((ColumnRef *) expr)->fields)) == number;
}

/* Note that the statement computes a column. */
static void
note_computed(Watch *watch, const CmigStatement *statement, const RangeVar *relation,
			  const char *column, const Node *expr, const TypeName *type)
{
	Oid			table = RangeVarGetRelid(relation, NoLock, true);
	AttrNumber	number = OidIsValid(table) ? get_attnum(table, column) : InvalidAttrNumber;
	MemoryContext caller;
	CmigComputed *computed;

	if (number <= 0)
		return;
	caller = MemoryContextSwitchTo(watch->context);
	computed = palloc(sizeof(CmigComputed));
	computed->table = psprintf("%u", table);
	computed->number = psprintf("%d", number);
	computed->name = psprintf("%s.%s", quote_identifier(relation->relname),
							  quote_identifier(column));
	computed->expr = copyObject(unconstify(Node *, expr));
	(void) bind_names(computed->expr, &table);
	if (computed->expr != NULL && is_column(computed->expr, table, number, type))
		computed->expr = NULL;
	computed->path = current_path();
	computed->other_role = GetUserId() != watch->role;
	computed->statement = watch->statement;
	computed->line = statement->line;
	watch->p->computed = lappend(watch->p->computed, computed);
	MemoryContextSwitchTo(caller);
}

/* Returns the default that a column has, as it is stored. */
static const char *
stored_default(Oid table, AttrNumber number)
{
	Relation	relation = table_open(table, AccessShareLock);
	TupleDesc	columns = RelationGetDescr(relation);
	const TupleConstr *constraints = columns->constr;
	Form_pg_attribute column = TupleDescAttr(columns, number - 1);
	Node	   *domain = column->atthasdef ? NULL : get_typdefault(column->atttypid);
	const char *result = column->attidentity ? "identity" : domain ? nodeToString(domain) : "";

	for (int i = 0; constraints != NULL && i < constraints->num_defval; i++)
		if (constraints->defval[i].adnum == number)
			result = pstrdup(constraints->defval[i].adbin);
	table_close(relation, NoLock);
	return result;
}

/* Does the statement also change the default of the column that it adds? */
static bool
changes_default(const AlterTableStmt *stmt, const char *column)
{
	foreach_node(AlterTableCmd, cmd, stmt->cmds)
	{
		if ((cmd->subtype == AT_ColumnDefault || cmd->subtype == AT_AddIdentity) &&
			strcmp(cmd->name, column) == 0)
			return true;
	}
	return false;
}

/* Before an ALTER TABLE. */
static void
note_alteration(Watch *watch, const CmigStatement *statement, const AlterTableStmt *stmt)
{
	watch->relation = RangeVarGetRelid(stmt->relation, NoLock, true);
	foreach_node(AlterTableCmd, cmd, OidIsValid(watch->relation) ? stmt->cmds : NIL)
	{
		const ColumnDef *column = (const ColumnDef *) cmd->def;

		if (cmd->subtype == AT_AlterColumnType)
			note_computed(watch, statement, stmt->relation, cmd->name, column->raw_default,
						  column->typeName);
		else if (cmd->subtype == AT_AddColumn)
		{
			MemoryContext caller = MemoryContextSwitchTo(watch->context);
			CmigAdded  *added = palloc0(sizeof(CmigAdded));

			added->table = watch->relation;
			added->other_role = GetUserId() != watch->role;
			added->number = get_attnum(watch->relation, column->colname);
			added->value = changes_default(stmt, column->colname) ? NULL : "";
			watch->adding = lappend(watch->adding, added);
			watch->names = lappend(watch->names, pstrdup(column->colname));
			MemoryContextSwitchTo(caller);
		}
	}
}

/* Note the search_path that holds from a line of the script on. */
static void
note_path(Watch *watch, int line)
{
	MemoryContext caller = MemoryContextSwitchTo(watch->context);
	CmigPathFrom *from = palloc(sizeof(CmigPathFrom));

	from->line = line;
	from->path = current_path();
	watch->p->paths = lappend(watch->p->paths, from);
	MemoryContextSwitchTo(caller);
}

const char *
cmig_versions_path_at(const CmigPlanning *p, int line)
{
	const char *path = NULL;

	foreach_ptr(const CmigPathFrom, from, p->paths)
	{
		if (path == NULL || from->line < line)
			path = from->path;
	}
	return path;
}

/* A CmigReplayWatch. */
static void
watch_statement(const CmigStatement *statement, bool after, void *arg)
{
	Watch	   *watch = arg;
	const Node *stmt = statement->raw->stmt;
	MemoryContext caller;
	ListCell   *a;
	ListCell   *n;

	if (watch->p->paths == NIL)
	{
		watch->role = GetUserId();
		note_path(watch, 0);
	}
	if (!after)
	{
		watch->statement++;
		watch->adding = watch->names = NIL;
		if (IsA(stmt, AlterTableStmt) && ((const AlterTableStmt *) stmt)->objtype == OBJECT_TABLE)
			note_alteration(watch, statement, (const AlterTableStmt *) stmt);
		foreach_node(ResTarget, target, IsA(stmt, UpdateStmt) ? ((const UpdateStmt *) stmt)->targetList : NIL)
			note_computed(watch, statement, ((const UpdateStmt *) stmt)->relation, target->name,
						  target->val, NULL);
		return;
	}
	note_path(watch, statement->line);
	caller = MemoryContextSwitchTo(watch->context);
	forboth(a, watch->adding, n, watch->names)
	{
		CmigAdded  *added = lfirst(a);
		AttrNumber	before = added->number;

		/*
		 * IF NOT EXISTS may have found it, unless the statement has dropped
		 * that one
		 */
		added->number = get_attnum(added->table, lfirst(n));
		if (added->number == InvalidAttrNumber || added->number == before)
			continue;
		if (added->value != NULL)
			added->value = stored_default(added->table, added->number);
		watch->p->added = lappend(watch->p->added, added);
	}
	MemoryContextSwitchTo(caller);
}

void
cmig_versions_replay(CmigPlanning *p, int revision)
{
	Watch		watch = {.p = p,.context = CurrentMemoryContext};

	p->computed = p->added = p->paths = NIL;
	cmig_replay_watch(p->replay, watch_statement, &watch);
	cmig_replay_nodes(p->replay, &p->plan->steps[revision - 1].node, 1, CMIG_UPGRADE, NULL);
	cmig_replay_watch(p->replay, NULL, NULL);
	foreach_ptr(CmigAdded, added, p->added)
	{
		/* has it been dropped? */
		if (get_attname(added->table, added->number, true) != NULL && added->value != NULL &&
			strcmp(added->value, stored_default(added->table, added->number)) != 0)
			added->value = NULL;
	}
}
