/*
 * lint_code.c
 *	  Lint: what functions in the live catalogs do.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/base.h"
#include "parse/parse.h"
#include "plan/lint.h"

/* ----------------------------------------------------------------
 * Finds the code in the live database that uses a table or a column.
 *
 * PostgreSQL records the objects used by views and policies, but not the
 * objects used by a function whose body is a string.  Such function bodies are
 * searched for identifiers.
 * ----------------------------------------------------------------
 */

/* Row callback: add a dependent object to a list. */
static void
add_dependent(TupleDesc desc, HeapTuple row, void *found)
{
	CmigLintDependent *dependent = palloc0(sizeof(CmigLintDependent));
	bool		isnull;

	dependent->kind = cmig_query_int32(desc, row, 1, 0);
	dependent->relation = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	dependent->name = cmig_query_text_or_null(desc, row, 3);
	dependent->column = cmig_query_int32(desc, row, 4, 0);
	dependent->type = DatumGetObjectId(cmig_query_datum(desc, row, 5, &isnull));
	ObjectAddressSubSet(dependent->object, DatumGetObjectId(cmig_query_datum(desc, row, 6, &isnull)),
						DatumGetObjectId(cmig_query_datum(desc, row, 7, &isnull)), dependent->column);
	*(List **) found = lappend(*(List **) found, dependent);
}

/*
 * Returns the relevant objects that depend on the object (class, object, sub)
 * or, if "sub" is 0, on any part of it.  If "itself" is true, returns the object
 * itself.
 */
static List *
read_dependents(Oid class, Oid object, int sub, bool itself)
{
	/* the first column is a CmigLintDependentKind */
	static CmigQuery query = {
		.sql = "SELECT k.kind, k.relation, k.name, d.sub, d.type, k.class, k.object"
		" FROM (SELECT $1, $2, $3, 0::oid, 0 WHERE $4"
		"  UNION ALL SELECT classid, objid, objsubid, refobjid, min(refobjsubid) FROM pg_depend"
		"  WHERE NOT $4 AND refclassid = $1 AND refobjid = $2 AND ($3 = 0 OR refobjsubid = $3)"
		"  GROUP BY classid, objid, objsubid, refobjid) d(class, object, sub, type, of_column),"
		" LATERAL (SELECT 0, ev_class, NULL, 'pg_class'::regclass::oid, ev_class FROM pg_rewrite"
		"   WHERE d.class = 'pg_rewrite'::regclass AND oid = d.object"
		"  UNION ALL SELECT 1, polrelid, polname::text, d.class, d.object FROM pg_policy"
		"   WHERE d.class = 'pg_policy'::regclass AND oid = d.object"
		"  UNION ALL SELECT 2, 0, proname::text, d.class, d.object FROM pg_proc"
		"   WHERE d.class = 'pg_proc'::regclass AND oid = d.object"
		"  UNION ALL SELECT 3, conrelid, conname::text, d.class, d.object FROM pg_constraint"
		"   WHERE d.class = 'pg_constraint'::regclass AND oid = d.object AND contype = 'f'"
		"  UNION ALL SELECT 4, oid, NULL, d.class, d.object FROM pg_class"
		"   WHERE d.class = 'pg_class'::regclass AND oid = d.object AND d.sub <> 0 AND relkind IN ('r', 'p', 'f', 'c')"
		"    AND $1 = 'pg_type'::regclass"
		" ) k(kind, relation, name, class, object)"

		/*
		 * without what belongs to the table, except for policies that use the
		 * column
		 */
		" WHERE $4 OR $1 <> 'pg_class'::regclass OR k.relation <> $2 OR (k.kind = 1 AND $3 <> 0)"
		" ORDER BY d.of_column, d.object, d.sub",
		.nargs = 4,.argtypes = {OIDOID, OIDOID, INT4OID, BOOLOID}
	};
	Datum		values[] = {ObjectIdGetDatum(class), ObjectIdGetDatum(object), Int32GetDatum(sub), BoolGetDatum(itself)};
	List	   *result = NIL;
	ListCell   *lc;

	cmig_query_each(&query, values, NULL, add_dependent, &result);
	foreach(lc, itself ? NIL : result)
	{
		CmigLintDependent *dependent = lfirst(lc);

		/* here, because it depends on search_path */
		dependent->description = getObjectDescription(&dependent->object, true);
		if (dependent->description == NULL)
			result = foreach_delete_current(result, lc);
	}
	return result;
}

CmigLintDependent *
cmig_lint_code_dependent(const ObjectAddress *object)
{
	List	   *found = read_dependents(object->classId, object->objectId, 0, true);

	return found == NIL ? NULL : linitial(found);
}

List *
cmig_lint_code_dependents(Oid table, AttrNumber column)
{
	return read_dependents(RelationRelationId, table, column, false);
}

List *
cmig_lint_code_columns(Oid type)
{
	Oid			array = get_array_type(type);

	return list_concat(read_dependents(TypeRelationId, type, 0, false),
					   OidIsValid(array) ? read_dependents(TypeRelationId, array, 0, false) : NIL);
}

/* Row callback: add a function's body to a list. */
static void
add_body(TupleDesc desc, HeapTuple row, void *bodies)
{
	CmigLintBody *body = palloc(sizeof(CmigLintBody));
	bool		isnull;

	body->oid = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	body->name = cmig_query_text(desc, row, 2);
	body->source = cmig_query_text(desc, row, 3);
	*(List **) bodies = lappend(*(List **) bodies, body);
}

List *
cmig_lint_code_bodies(CmigLint *lint)
{
	static CmigQuery query = {
		.sql = "SELECT p.oid, p.proname::text, p.prosrc FROM pg_proc p"
		" JOIN pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')"
		" WHERE p.oid >= 16384 AND p.prosqlbody IS NULL AND p.prosrc IS NOT NULL"
		"  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
		"   AND d.objid = p.oid AND d.deptype = 'e')"
		" ORDER BY p.proname, p.oid"
	};
	MemoryContext old = MemoryContextSwitchTo(lint->context);

	if (lint->bodies == NIL)
		cmig_query_each(&query, NULL, NULL, add_body, &lint->bodies);
	MemoryContextSwitchTo(old);
	return lint->bodies;
}

List *
cmig_lint_code_trigger_functions(Oid table)
{
	static CmigQuery query = {
		.sql = "SELECT DISTINCT tgfoid FROM pg_trigger WHERE tgrelid = $1",
		.nargs = 1,.argtypes = {OIDOID}
	};
	Datum		value = ObjectIdGetDatum(table);
	List	   *result = NIL;

	cmig_query_each(&query, &value, NULL, cmig_query_keep_oid, &result);
	return result;
}

/* ----------------------------------------------------------------
 * Finds volatile functions in a script's expressions.
 *
 * Functions are looked up in the catalogs but never called.
 * ----------------------------------------------------------------
 */

/*
 * Does the call run a volatile function?  If several functions match, returns
 * true only if all of them are volatile.  An unknown function counts as
 * volatile.
 */
static bool
calls_volatile(CmigLint *lint, FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));
	int			parts = list_length(call->funcname);
	int			count = list_length(call->args);
	List	   *schemas = parts > 1 ? list_make1(strVal(list_nth(call->funcname, parts - 2))) :
	lcons("pg_catalog", list_copy(lint->session.path));
	CmigLintFunction *created = cmig_lint_objects_function(lint, name, false);
	CatCList   *functions;
	bool		other = false;

	if (created && !created->is_dropped)
		return created->is_volatile;
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);
		char	   *schema = lint->reads_facts || form->pronamespace == PG_CATALOG_NAMESPACE ?
		get_namespace_name(form->pronamespace) : NULL;
		bool		variadic = OidIsValid(form->provariadic);

		other |= schema && cmig_text_list_has(schemas, schema) && form->provolatile != PROVOLATILE_VOLATILE &&
			count >= form->pronargs - form->pronargdefaults - variadic && (variadic || count <= form->pronargs);
	}
	ReleaseSysCacheList(functions);
	return !other;
}

/* The argument of find_volatile(), and its result. */
typedef struct VolatileSearch
{
	CmigLint   *lint;
	const char *found;
} VolatileSearch;

/* raw_expression_tree_walker callback: find a call to a volatile function. */
static bool
find_volatile(Node *node, void *context)
{
	VolatileSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && calls_volatile(search->lint, (FuncCall *) node))
	{
		search->found = strVal(llast(((FuncCall *) node)->funcname));
		return true;
	}
	return raw_expression_tree_walker(node, find_volatile, search);
}

const char *
cmig_lint_volatile_function(CmigLint *lint, Node *expression)
{
	VolatileSearch search = {lint, NULL};

	(void) find_volatile(expression, &search);
	return search.found;
}

/* ----------------------------------------------------------------
 * Finds integer columns that do not need a larger type.
 * ----------------------------------------------------------------
 */

/* Is the expression the column itself? */
static bool
is_column(Node *node, const char *name)
{
	Node	   *last;

	if (node == NULL || !IsA(node, ColumnRef))
		return false;
	last = llast(((ColumnRef *) node)->fields);
	return IsA(last, String) && strcmp(strVal(last), name) == 0;
}

/* Is the expression a constant, or a list of constants? */
static bool
is_constant(Node *node)
{
	ListCell   *lc;

	if (node != NULL && IsA(node, A_ArrayExpr))
		node = (Node *) ((A_ArrayExpr *) node)->elements;
	if (node == NULL || !IsA(node, List))
		return cmig_lint_expression_constant(node) != NULL;
	foreach(lc, (List *) node)
	{
		if (cmig_lint_expression_constant(lfirst(lc)) == NULL)
			return false;
	}
	return true;
}

/*
 * Does the condition compare the column with a constant?  If AND combines
 * several conditions, it is enough that one of them does.
 */
static bool
limits_column(Node *condition, const char *name)
{
	static const char *const operators[] = {"<", "<=", "=", ">=", ">"};
	A_Expr	   *expression = (A_Expr *) condition;
	bool		result = false;
	ListCell   *lc;

	if (condition == NULL)
		return false;
	if (IsA(condition, BoolExpr) && ((BoolExpr *) condition)->boolop == AND_EXPR)
	{
		foreach(lc, ((BoolExpr *) condition)->args)
			result |= limits_column(lfirst(lc), name);
		return result;
	}
	if (!IsA(condition, A_Expr))
		return false;
	if (expression->kind == AEXPR_BETWEEN || expression->kind == AEXPR_BETWEEN_SYM)
		return is_column(expression->lexpr, name) && is_constant(expression->rexpr);
	if (expression->kind != AEXPR_OP && expression->kind != AEXPR_OP_ANY && expression->kind != AEXPR_IN)
		return false;
	for (int i = 0; i < lengthof(operators); i++)
		result |= strcmp(strVal(llast(expression->name)), operators[i]) == 0;
	return result && ((is_column(expression->lexpr, name) && is_constant(expression->rexpr)) ||
					  (is_column(expression->rexpr, name) && is_constant(expression->lexpr)));
}

/*
 * Does a foreign key with a single column reference an integer column that is
 * not wider than "type"?
 */
static bool
references_narrow(CmigLint *lint, Constraint *constraint, Oid type)
{
	CmigLintTable *table = cmig_lint_state_find(lint, constraint->pktable, true);
	const char *name = constraint->pk_attrs ? strVal(linitial(constraint->pk_attrs)) : NULL;
	CmigLintColumn *column;
	ListCell   *lc;

	if (table == NULL)
		return false;
	cmig_lint_state_load(lint, table);
	foreach(lc, constraint->pk_attrs ? NIL : table->constraints)
	{
		CmigLintConstraint *key = lfirst(lc);

		if (key->type == CONSTRAINT_PRIMARY && list_length(key->columns) == 1)
			name = linitial(key->columns);
	}
	column = name == NULL ? NULL : cmig_lint_model_column(table, name);
	return column != NULL && (column->type == INT2OID || (column->type == INT4OID && type == INT4OID)) &&
		(type == INT2OID || type == INT4OID);
}

bool
cmig_lint_integers_suffice(CmigLint *lint, const ColumnDef *column, const char *name, List *constraints)
{
	Oid			type;
	bool		limited = false;
	ListCell   *lc;

	if (cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL)
		return false;
	type = cmig_lint_types_oid(lint, column->typeName);
	foreach(lc, list_concat_copy(column->constraints, constraints))
	{
		Constraint *constraint = lfirst_node(Constraint, lc);
		List	   *keys = constraint->contype == CONSTR_FOREIGN ? constraint->fk_attrs : constraint->keys;
		bool		only = keys == NIL || (list_length(keys) == 1 && strcmp(strVal(linitial(keys)), name) == 0);

		if (only && (constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_IDENTITY))
			return false;
		if (constraint->contype == CONSTR_CHECK)
			limited |= limits_column(constraint->raw_expr, name);
		else if (only && constraint->contype == CONSTR_FOREIGN)
			limited |= references_narrow(lint, constraint, type);
	}
	return limited;
}
