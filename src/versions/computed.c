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
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
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
	int			ran;			/* of these, those that are not skipped */
	Oid			role;			/* with which the script begins */
	Oid			relation;		/* the table that it alters */
	List	   *adding;			/* of CmigAdded *: it adds these columns */
	List	   *names;			/* their names */
	ErrorData  *failed;			/* why an expression could not be read */
} Watch;

/* An expression of a statement, before it runs. */
typedef struct Noting
{
	Watch	   *watch;
	Oid			table;
	const Node *expr;
	List	   *called;			/* of CmigCalled * */
} Noting;

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

/* Returns the name of a schema, of that of the version the one that it is of. */
static const char *
schema_of(const CmigPlanning *p, Oid schema)
{
	const char *name = cmig_query_schema_name(schema);

	foreach_ptr(const char, real, p->result->schemas)
	{
		if (strcmp(name, cmig_version_schema_name(p->result->revision, real)) == 0)
			return real;
	}
	return name;
}

/* Returns the name of a function, which is the same in both versions. */
static const char *
name_of(const CmigPlanning *p, Oid function)
{
	Oid		   *types;
	int			count;
	StringInfoData name;
	const char *unqualified = get_func_name(function);

	if (unqualified == NULL)
		cmig_query_raise_changed(psprintf("The function with OID %u was dropped.", function));
	initStringInfo(&name);
	appendStringInfo(&name, "%s(", quote_qualified_identifier(schema_of(p, get_func_namespace(function)), unqualified));
	(void) get_func_signature(function, &types, &count);
	for (int i = 0; i < count; i++)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(types[i]));
		Form_pg_type type;

		if (!HeapTupleIsValid(tuple))
			cmig_query_raise_changed(psprintf("The type with OID %u was dropped.", types[i]));
		type = (Form_pg_type) GETSTRUCT(tuple);
		appendStringInfo(&name, "%s%s", i > 0 ? ", " : "",
						 quote_qualified_identifier(schema_of(p, type->typnamespace), NameStr(type->typname)));
		ReleaseSysCache(tuple);
	}
	appendStringInfoChar(&name, ')');
	return name.data;
}

/* Returns all that is defined of a function but its name and privileges, or "". */
static const char *
definition_of(Oid function)
{
	Relation	procedures = table_open(ProcedureRelationId, AccessShareLock);
	TupleDesc	columns = RelationGetDescr(procedures);
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	StringInfoData result;

	initStringInfo(&result);
	for (int i = 1; i <= columns->natts && HeapTupleIsValid(tuple); i++)
	{
		bool		is_null;
		Datum		value = SysCacheGetAttr(PROCOID, tuple, i, &is_null);
		Oid			output;
		bool		varlena;

		if (is_null || i == Anum_pg_proc_proname || i == Anum_pg_proc_pronamespace || i == Anum_pg_proc_proacl)
			continue;
		getTypeOutputInfo(TupleDescAttr(columns, i - 1)->atttypid, &output, &varlena);
		appendStringInfo(&result, "%d: %s\n", i, OidOutputFunctionCall(output, value));
	}
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	table_close(procedures, AccessShareLock);
	return result.data;
}

bool
cmig_versions_note_function(Oid function, void *functions)
{
	if (function >= FirstNormalObjectId)
		*(List **) functions = lappend_oid(*(List **) functions, function);
	return false;
}

/* Walker: note the functions that are called, but those of casts, which no script changes. */
static bool
note_functions(Node *node, void *functions)
{
	bool		cast;

	if (node == NULL)
		return false;
	cast = IsA(node, CoerceViaIO) ||
		(IsA(node, FuncExpr) && (((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CAST ||
								 ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST));
	if (!cast)
		(void) check_functions_in_node(node, cmig_versions_note_function, functions);
	return expression_tree_walker(node, note_functions, functions);
}

List *
cmig_versions_called(const CmigPlanning *p, Node *expr)
{
	List	   *functions = NIL;
	List	   *result = NIL;

	(void) note_functions(expr, &functions);
	foreach_oid(function, functions)
	{
		CmigCalled *called = palloc0(sizeof(CmigCalled));

		called->function = function;
		called->name = name_of(p, function);
		called->definition = definition_of(function);
		result = lappend(result, called);
	}
	return result;
}

void
cmig_versions_require_called(const CmigPlanning *p)
{
	foreach_ptr(const CmigCalled, called, p->called)
	{
		if (strcmp(called->definition, definition_of(called->function)) != 0)
			cmig_versions_refuse(psprintf("column %s", called->column),
								 psprintf("Function %s, with which it is computed, changes afterward.", called->name));
	}
}

/* Subtransaction callback: note which functions the expression calls. */
static void
note_called(void *arg)
{
	Noting	   *noting = arg;
	Relation	relation = table_open(noting->table, AccessShareLock);
	ParseState *pstate = make_parsestate(NULL);
	MemoryContext caller;
	Node	   *expr;

	addNSItemToQuery(pstate,
					 addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true),
					 false, true, true);
	expr = transformExpr(pstate, copyObject(unconstify(Node *, noting->expr)), EXPR_KIND_OTHER);
	caller = MemoryContextSwitchTo(noting->watch->context);
	noting->called = cmig_versions_called(noting->watch->p, expr);
	MemoryContextSwitchTo(caller);
	free_parsestate(pstate);
	table_close(relation, AccessShareLock);
}

/*
 * Returns the functions that the expression calls.  If it cannot be read, the statement
 * fails, and says why.
 */
static List *
called_by(Watch *watch, Oid table, const Node *expr)
{
	Noting		noting = {watch, table, expr};
	ErrorData  *error = expr ? cmig_subtransaction_rehearse(note_called, &noting) : NULL;

	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	watch->failed = error ? error : watch->failed;
	return noting.called;
}

/* What a volatile function does besides is done when the rows are filled, and not before. */
static void
note_volatile(CmigPlanning *p, const List *called)
{
	foreach_ptr(const CmigCalled, each, called)
		p->untried |= func_volatile(each->function) == PROVOLATILE_VOLATILE;
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
	List	   *called;

	if (number <= 0)
		return;
	called = called_by(watch, table, expr);
	note_volatile(watch->p, called);
	caller = MemoryContextSwitchTo(watch->context);
	computed = palloc(sizeof(CmigComputed));
	computed->table = psprintf("%u", table);
	computed->number = psprintf("%d", number);
	computed->name = psprintf("%s.%s", quote_identifier(relation->relname),
							  quote_identifier(column));
	foreach_ptr(CmigCalled, each, called)
		each->column = computed->name;
	computed->called = called;
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

/* Note that labels of an enum get other names. */
static void
note_relabeled(Watch *watch, const List *name)
{
	MemoryContext caller = MemoryContextSwitchTo(watch->context);
	CmigRelabeled *relabeled = palloc(sizeof(CmigRelabeled));

	relabeled->type = LookupTypeNameOid(NULL, makeTypeNameFromNameList(unconstify(List *, name)), true);
	relabeled->statement = watch->statement;
	watch->p->relabeled = lappend(watch->p->relabeled, relabeled);
	MemoryContextSwitchTo(caller);
}

/* Note a foreign table that the statement updates as a part of another table. */
static void
note_foreign(Watch *watch, const RangeVar *relation)
{
	Oid			table = relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
	char	   *names;

	watch->p->foreign = NULL;
	if (!OidIsValid(table) || !relation->inh)
		return;
	foreach_oid(part, cmig_inheritors(table, RowExclusiveLock))
	{
		if (part == table || get_rel_relkind(part) != RELKIND_FOREIGN_TABLE)
			continue;
		names = psprintf("foreign table %s as part of table %s", cmig_query_name(part),
						 cmig_query_name(table));
		watch->p->foreign = MemoryContextStrdup(watch->context, names);
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
	const Node *stmt = statement ? statement->raw->stmt : NULL;
	MemoryContext caller;
	ListCell   *a;
	ListCell   *n;

	if (stmt == NULL)
		return;
	if (watch->p->paths == NIL)
	{
		watch->role = GetUserId();
		note_path(watch, 0);
	}
	if (!after)
	{
		watch->failed = NULL;
		watch->statement++;
		watch->adding = watch->names = NIL;
		if (IsA(stmt, AlterTableStmt) && ((const AlterTableStmt *) stmt)->objtype == OBJECT_TABLE)
			note_alteration(watch, statement, (const AlterTableStmt *) stmt);
		foreach_node(ResTarget, target, IsA(stmt, UpdateStmt) ? ((const UpdateStmt *) stmt)->targetList : NIL)
			note_computed(watch, statement, ((const UpdateStmt *) stmt)->relation, target->name,
						  target->val, NULL);
		note_foreign(watch, IsA(stmt, UpdateStmt) ? ((const UpdateStmt *) stmt)->relation : NULL);
		if (IsA(stmt, AlterEnumStmt) && ((const AlterEnumStmt *) stmt)->oldVal != NULL)
			note_relabeled(watch, ((const AlterEnumStmt *) stmt)->typeName);
		return;
	}
	watch->ran++;
	if (watch->failed != NULL)
		ReThrowError(watch->failed);
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
		{
			added->value = stored_default(added->table, added->number);
			if (added->value[0] == '{')
				added->called = cmig_versions_called(watch->p, stringToNode(added->value));
			note_volatile(watch->p, added->called);
		}
		watch->p->added = lappend(watch->p->added, added);
	}
	MemoryContextSwitchTo(caller);
}

void
cmig_versions_replay(CmigPlanning *p, int revision)
{
	Watch		watch = {.p = p,.context = CurrentMemoryContext};

	p->computed = p->added = p->relabeled = p->paths = NIL;
	cmig_replay_watch(p->replay, watch_statement, &watch);
	cmig_replay_nodes(p->replay, &p->plan->steps[revision - 1].node, 1, CMIG_UPGRADE, NULL);
	cmig_replay_watch(p->replay, NULL, NULL);
	p->untried |= watch.ran < watch.statement;
	foreach_ptr(CmigAdded, added, p->added)
	{
		/* has it been dropped? */
		if (OidIsValid(get_atttype(added->table, added->number)) && added->value != NULL &&
			strcmp(added->value, stored_default(added->table, added->number)) != 0)
			added->value = NULL;
	}
}
