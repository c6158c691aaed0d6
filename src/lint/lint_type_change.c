/*
 * lint_type_change.c
 *	  Determines how a column type change affects the table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "inspect/domain.h"
#include "lint/lint_session.h"
#include "lint/lint_type_change.h"
#include "lint/lint_types.h"

#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "pgtime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/*
 * If a USING expression consists only of the column and known casts, returns
 * the analyzed expression.  Otherwise, returns NULL.
 */
static Node *
convert(CmigLint *lint, const CmigLintColumn *column, Node *using)
{
	Node	   *from;
	Oid			type;
	int32		typmod;
	const char *new_name;

	if (using == NULL || IsA(using, ColumnRef))
	{
		if (using && (!IsA(llast(((ColumnRef *) using)->fields), String) ||
					  strcmp(strVal(llast(((ColumnRef *) using)->fields)), column->name) != 0))
			return NULL;
		return (Node *) makeVar(1, Max(column->attnum, 1), column->type, column->typmod, column->collation, 0);
	}
	if (!IsA(using, TypeCast))
		return NULL;
	from = convert(lint, column, ((TypeCast *) using)->arg);
	cmig_lint_types_find(lint, ((TypeCast *) using)->typeName, &type, &typmod, &new_name);
	if (from == NULL || !OidIsValid(type))
		return NULL;
	return coerce_to_target_type(NULL, from, exprType(from), type, typmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
}

/*
 * Does the script's time zone affect conversions between timestamp and
 * timestamptz?
 */
static bool
time_zone_matters(CmigLint *lint)
{
	const char *name = cmig_lint_session_time_zone(lint);
	pg_tz	   *zone;
	long		offset;

	if (name == NULL)
		return TimestampTimestampTzRequiresRewrite();
	zone = pg_tzset(name);
	return zone == NULL || !pg_get_timezone_offset(zone, &offset) || offset != 0;
}

/*
 * Does converting a column's values with this expression require a table
 * rewrite?  ALTER TABLE performs the same test.
 */
static bool
needs_rewrite(CmigLint *lint, Node *expression)
{
	for (;;)
	{
		if (IsA(expression, Var))
			return false;
		else if (IsA(expression, RelabelType))
			expression = (Node *) ((RelabelType *) expression)->arg;
		else if (IsA(expression, CoerceToDomain))
		{
			CoerceToDomain *domain = (CoerceToDomain *) expression;

			if (cmig_domain_is_checked(domain->resulttype))
				return true;
			expression = (Node *) domain->arg;
		}
		else if (IsA(expression, FuncExpr))
		{
			FuncExpr   *call = (FuncExpr *) expression;

			if ((call->funcid != F_TIMESTAMPTZ_TIMESTAMP && call->funcid != F_TIMESTAMP_TIMESTAMPTZ) ||
				time_zone_matters(lint))
				return true;
			expression = linitial(call->args);
		}
		else
			return true;
	}
}

/* Can the index be kept when the column changes to the new type? */
static bool
keeps_index(const CmigLintIndex *index, const CmigLintColumn *column, Oid type, Oid collation)
{
	Oid			old_class;

	if (index->has_expression || collation != column->collation)
		return false;
	if (type == column->type || !OidIsValid(index->method))
		return true;
	old_class = GetDefaultOpClass(column->type, index->method);
	return OidIsValid(old_class) && old_class == GetDefaultOpClass(type, index->method) &&
		!IsPolymorphicType(get_opclass_input_type(old_class));
}

CmigLintChange
cmig_lint_type_change(CmigLint *lint, CmigLintTable *table, const CmigLintColumn *column, const ColumnDef *to)
{
	Oid			type;
	int32		typmod;
	const char *new_name;
	Node	   *expression;
	Oid			collation;
	ListCell   *lc;

	cmig_lint_types_find(lint, to->typeName, &type, &typmod, &new_name);
	if (column == NULL || !OidIsValid(column->type) || !OidIsValid(type))
		return CMIG_LINT_CHANGE_REWRITE;
	expression = convert(lint, column, to->raw_default);
	if (expression)
		expression = coerce_to_target_type(NULL, expression, exprType(expression), type, typmod,
										   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expression == NULL || cmig_domain_runs_code(expression) ||
		needs_rewrite(lint, (Node *) expression_planner((Expr *) expression)))
		return CMIG_LINT_CHANGE_REWRITE;

	collation = get_typcollation(type);

	/*
	 * ignore a collation name with more than two parts, for which the
	 * statement itself will raise an error
	 */
	if (to->collClause && OidIsValid(collation) && list_length(to->collClause->collname) <= 2)
		collation = get_collation_oid(to->collClause->collname, true);
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->type == CONSTRAINT_CHECK && constraint->validated &&
			cmig_text_list_has(constraint->columns, column->name))
			return CMIG_LINT_CHANGE_SCAN;
	}
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		if ((cmig_text_list_has(index->keys, column->name) ||
			 cmig_text_list_has(index->uses, column->name)) &&
			!keeps_index(index, column, type, collation))
			return CMIG_LINT_CHANGE_INDEX;
	}
	return CMIG_LINT_CHANGE_NOTHING;
}
