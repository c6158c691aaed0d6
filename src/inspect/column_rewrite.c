/*
 * column_rewrite.c
 *	  Decides whether adding a column or changing a column's type requires a
 *	  table rewrite.
 *
 * An expression that calls a user-defined function, or that converts to a
 * domain with constraints, is analyzed but not simplified, because
 * simplification would call the immutable functions in the expression.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/subtransaction.h"
#include "inspect/column_rewrite.h"
#include "inspect/domain.h"
#include "parse/raw_parse.h"

#include "catalog/pg_attribute.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/*
 * Types
 */

/*
 * Does the function convert between timestamp and timestamptz without changing
 * any values?  The answer depends on the time zone.
 */
static bool
is_same_instant(const FuncExpr *call)
{
	return (call->funcid == F_TIMESTAMPTZ_TIMESTAMP || call->funcid == F_TIMESTAMP_TIMESTAMPTZ) &&
		!TimestampTimestampTzRequiresRewrite();
}

/*
 * Does ALTER COLUMN TYPE rewrite the table if it converts values with this
 * expression?
 */
static bool
expression_rewrites(Node *node)
{
	for (;;)
	{
		if (IsA(node, Var))
			return false;
		else if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceToDomain))
		{
			if (cmig_domain_is_checked(((CoerceToDomain *) node)->resulttype))
				return true;
			node = (Node *) ((CoerceToDomain *) node)->arg;
		}
		else if (IsA(node, FuncExpr) && is_same_instant((FuncExpr *) node))
			node = linitial(((FuncExpr *) node)->args);
		else
			return true;
	}
}

bool
cmig_column_type_rewrites(Oid table, const char *column, const TypeName *type, bool converts)
{
	AttrNumber	attnum = get_attnum(table, column);
	Oid			old_type;
	int32		old_typmod;
	Oid			collation;
	int32		typmod;
	Type		new_type;
	Oid			new_oid;
	Node	   *value;

	if (converts || attnum == InvalidAttrNumber)
		return true;
	new_type = LookupTypeName(NULL, type, &typmod, true);
	if (new_type == NULL)
		return true;
	new_oid = typeTypeId(new_type);
	ReleaseSysCache(new_type);
	get_atttypetypmodcoll(table, attnum, &old_type, &old_typmod, &collation);
	value = (Node *) makeVar(1, attnum, old_type, old_typmod, collation, 0);
	value = coerce_to_target_type(NULL, value, old_type, new_oid, typmod,
								  COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	return value == NULL || cmig_domain_runs_code(value) ||
		expression_rewrites((Node *) expression_planner((Expr *) value));
}

/*
 * New columns
 */

/* Is the type serial or one of its variants, which create a sequence? */
static bool
is_serial(const TypeName *type)
{
	static const char *const names[] = {
		"smallserial", "serial2", "serial", "serial4", "bigserial", "serial8"
	};

	if (list_length(type->names) != 1)
		return false;
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(strVal(linitial(type->names)), names[i]) == 0)
			return true;
	}
	return false;
}

/* Is the type a domain with constraints? */
static bool
is_checked_domain(const TypeName *name)
{
	Type		type = LookupTypeName(NULL, name, NULL, true);
	bool		result;

	if (type == NULL)
		return false;
	result = cmig_domain_is_checked(typeTypeId(type));
	ReleaseSysCache(type);
	return result;
}

/* A column default to analyze. */
typedef struct Default
{
	Node	   *raw;
	bool		is_volatile;
} Default;

/* Callback: determine whether a default is volatile. */
static void
analyze_default(void *arg)
{
	Default    *value = arg;
	Node	   *raw = copyObject(value->raw);
	Node	   *expression;

	cmig_raw_parse_blank_strings(raw);
	expression = transformExpr(make_parsestate(NULL), raw, EXPR_KIND_COLUMN_DEFAULT);
	value->is_volatile = contain_volatile_functions(expression);
}

/*
 * Must the default be computed for each row?  A default counts as volatile if
 * it cannot be analyzed, for example because it calls a function that an
 * earlier statement will create.
 */
static bool
is_volatile_default(Node *raw)
{
	Default    *value = palloc0(sizeof(Default));
	ErrorData  *error;

	value->raw = raw;
	value->is_volatile = true;
	error = cmig_subtransaction_rehearse(analyze_default, value);
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return value->is_volatile;
}

/*
 * Returns the default expression of a new column, or NULL if there is none.
 * Sets *computed to true if the column is an identity column or a stored
 * generated column.
 */
static Node *
find_default(const ColumnDef *column, bool *computed)
{
	Node	   *found = column->raw_default;
	ListCell   *lc;

	*computed = false;
	foreach(lc, column->constraints)
	{
		const Constraint *constraint = lfirst(lc);

		if (!IsA(constraint, Constraint))
			continue;
		if (constraint->contype == CONSTR_DEFAULT)
			found = constraint->raw_expr;
		else if (constraint->contype == CONSTR_IDENTITY ||
				 (constraint->contype == CONSTR_GENERATED && cmig_is_stored_compat(constraint)))
			*computed = true;
	}
	return found;
}

bool
cmig_column_rewrites(const ColumnDef *column)
{
	bool		computed;
	Node	   *value = find_default(column, &computed);

	return computed || is_serial(column->typeName) || is_checked_domain(column->typeName) ||
		(value != NULL && is_volatile_default(value));
}
