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

/* Can the function be called with this number of arguments? */
static bool
takes_arguments(Form_pg_proc form, int count)
{
	if (OidIsValid(form->provariadic))
		return count >= form->pronargs - 1 - form->pronargdefaults;
	return count <= form->pronargs && count >= form->pronargs - form->pronargdefaults;
}

/*
 * Is the function in the given schema or, if "schema" is NULL, in search_path?
 */
static bool
is_visible(CmigLint *lint, Form_pg_proc form, const char *schema)
{
	const char *actual;

	if (form->pronamespace == PG_CATALOG_NAMESPACE)
		return schema == NULL || strcmp(schema, "pg_catalog") == 0;
	if (!lint->reads_facts)
		return false;
	actual = get_namespace_name(form->pronamespace);
	if (actual == NULL)
		return false;
	if (schema)
		return strcmp(actual, schema) == 0;
	return cmig_text_list_has(lint->session.path, actual);
}

/*
 * Does the call run a volatile function?  If several functions match, returns
 * true only if all of them are volatile.  An unknown function counts as
 * volatile.
 */
static bool
calls_volatile(CmigLint *lint, FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));
	const char *schema = list_length(call->funcname) > 1 ?
	strVal(list_nth(call->funcname, list_length(call->funcname) - 2)) : NULL;
	CmigLintFunction *created = cmig_lint_objects_function(lint, name, false);
	CatCList   *functions;
	bool		found = false;
	bool		all_volatile = true;

	if (created && !created->is_dropped)
		return created->is_volatile;
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		if (!is_visible(lint, form, schema) || !takes_arguments(form, list_length(call->args)))
			continue;
		found = true;
		if (form->provolatile != PROVOLATILE_VOLATILE)
			all_volatile = false;
	}
	ReleaseSysCacheList(functions);
	return !found || all_volatile;
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

/* Does the expression compare the column with a constant? */
static bool
is_comparison(A_Expr *expression, const char *name)
{
	static const char *const operators[] = {"<", "<=", "=", ">=", ">"};
	const char *operator = strVal(llast(expression->name));

	switch (expression->kind)
	{
		case AEXPR_BETWEEN:
		case AEXPR_BETWEEN_SYM:
			return is_column(expression->lexpr, name) && is_constant(expression->rexpr);
		case AEXPR_OP:
		case AEXPR_OP_ANY:
		case AEXPR_IN:
			break;
		default:
			return false;
	}
	for (int i = 0; i < lengthof(operators); i++)
	{
		if (strcmp(operator, operators[i]) == 0)
			return (is_column(expression->lexpr, name) && is_constant(expression->rexpr)) ||
				(is_column(expression->rexpr, name) && is_constant(expression->lexpr));
	}
	return false;
}

/*
 * Does the condition compare the column with a constant?  If AND combines
 * several conditions, it is enough that one of them does.
 */
static bool
limits_column(Node *condition, const char *name)
{
	ListCell   *lc;

	if (condition != NULL && IsA(condition, A_Expr))
		return is_comparison((A_Expr *) condition, name);
	if (condition == NULL || !IsA(condition, BoolExpr) || ((BoolExpr *) condition)->boolop != AND_EXPR)
		return false;
	foreach(lc, ((BoolExpr *) condition)->args)
	{
		if (limits_column(lfirst(lc), name))
			return true;
	}
	return false;
}

/* Returns the number of bytes of an integer type, or 0 for other types. */
static int
width(Oid type)
{
	return type == INT2OID ? 2 : type == INT4OID ? 4 : 0;
}

/*
 * Returns the name of the only column of a table's primary key.  Returns NULL
 * if the key has several columns or does not exist.
 */
static const char *
key_column(const CmigLintTable *table)
{
	ListCell   *lc;

	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->type == CONSTRAINT_PRIMARY)
			return list_length(constraint->columns) == 1 ? linitial(constraint->columns) : NULL;
	}
	return NULL;
}

/*
 * Does a foreign key with a single column reference an integer column whose
 * width is at most "limit" bytes?
 */
static bool
references_narrow(CmigLint *lint, Constraint *constraint, int limit)
{
	CmigLintTable *table = cmig_lint_state_find(lint, constraint->pktable, true);
	const char *name;
	CmigLintColumn *column;

	if (table == NULL)
		return false;
	cmig_lint_state_load(lint, table);
	name = constraint->pk_attrs == NIL ? key_column(table) : strVal(linitial(constraint->pk_attrs));
	column = name == NULL ? NULL : cmig_lint_model_column(table, name);
	return column != NULL && width(column->type) > 0 && width(column->type) <= limit;
}

/* Is the constraint a foreign key whose only column is "name"? */
static bool
is_key_of(Constraint *constraint, const char *name)
{
	if (constraint->contype != CONSTR_FOREIGN)
		return false;
	return constraint->fk_attrs == NIL ||
		(list_length(constraint->fk_attrs) == 1 && strcmp(strVal(linitial(constraint->fk_attrs)), name) == 0);
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

		if (constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_IDENTITY)
		{
			if (constraint->keys == NIL || (list_length(constraint->keys) == 1 && strcmp(strVal(linitial(constraint->keys)), name) == 0))
				return false;
		}
		else if (constraint->contype == CONSTR_CHECK)
			limited |= limits_column(constraint->raw_expr, name);
		else if (is_key_of(constraint, name))
			limited |= references_narrow(lint, constraint, width(type));
	}
	return limited;
}
