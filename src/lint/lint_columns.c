/*
 * lint_columns.c
 *	  Lint: rules about columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_proc.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "pgtime.h"
#include "utils/fmgroids.h"

#include "lint/internal.h"

/*
 * Builds the statements that a fix suggests in place of an ALTER TABLE.
 *
 * The fixes are composed of pieces of the statement's original text.
 */

char *
cmig_lint_fix_action(CmigLint *lint, int action)
{
	CmigLintPiece *piece = list_nth(cmig_lint_source_actions(lint), action);

	return pnstrdup(lint->statement->text + piece->from, piece->to - piece->from);
}

char *
cmig_lint_fix_replace(CmigLint *lint, int action, const char *replacement)
{
	const char *text = lint->statement->text;
	List	   *pieces = cmig_lint_source_actions(lint);
	StringInfoData result;
	bool		any = false;

	initStringInfo(&result);
	for (int i = 0; i < list_length(pieces); i++)
	{
		CmigLintPiece *piece = list_nth(pieces, i);

		if (i == action && replacement == NULL)
			continue;
		if (any)
			appendStringInfoString(&result, ", ");
		else
			appendBinaryStringInfo(&result, text, ((CmigLintPiece *) linitial(pieces))->from);
		any = true;
		if (i == action)
			appendStringInfoString(&result, replacement);
		else
			appendBinaryStringInfo(&result, text + piece->from, piece->to - piece->from);
	}
	if (any)
		appendStringInfoString(&result, ";\n");
	return result.data;
}

/*
 * Returns the offset at which a clause ends.  A clause ends where the next
 * clause starts or the action ends.  Attributes such as DEFERRABLE belong to the
 * preceding clause.
 */
static int
clause_end(CmigLint *lint, const ColumnDef *column, const Constraint *clause)
{
	int			end = cmig_lint_source_end(lint->statement->text, clause->location);

	foreach_node(Constraint, other, column->constraints)
	{
		if (other->contype != CONSTR_ATTR_DEFERRABLE &&
			other->contype != CONSTR_ATTR_NOT_DEFERRABLE &&
			other->contype != CONSTR_ATTR_DEFERRED && other->contype != CONSTR_ATTR_IMMEDIATE &&
			other->location > clause->location)
			end = Min(end, other->location);
	}
	if (column->collClause && column->collClause->location > clause->location)
		end = Min(end, column->collClause->location);
	return end;
}

char *
cmig_lint_fix_clause(CmigLint *lint, const ColumnDef *column, const Constraint *clause)
{
	const char *text = lint->statement->text;
	int			end = clause_end(lint, column, clause);

	while (end > clause->location && strchr(" \t\r\n", text[end - 1]))
		end--;
	return pnstrdup(text + clause->location, end - clause->location);
}

char *
cmig_lint_fix_without(CmigLint *lint, int action, const ColumnDef *column, List *clauses)
{
	CmigLintPiece *piece = list_nth(cmig_lint_source_actions(lint), action);
	char	   *result = cmig_lint_fix_action(lint, action);
	int			length;

	foreach_ptr(Constraint, clause, clauses)
	{
		int			end = clause_end(lint, column, clause);

		memset(result + clause->location - piece->from, '\x01',
			   Min(end, piece->to) - clause->location);
	}
	length = 0;
	for (int i = 0; result[i]; i++)
		if (result[i] != '\x01')
			result[length++] = result[i];
	while (length > 0 && strchr(" \t\r\n", result[length - 1]))
		length--;
	result[length] = '\0';
	return result;
}

/*
 * Finds volatile functions in a script's expressions.
 *
 * Functions are looked up in the catalogs but never called.
 */

/*
 * Does the call run a volatile function?  If several functions match, returns
 * true only if all of them are volatile.  An unknown function counts as
 * volatile.
 */
static bool
calls_volatile(CmigLint *lint, FuncCall *call)
{
	int			count = list_length(call->args);
	CmigLintFunction *created = cmig_lint_objects_function(lint, strVal(llast(call->funcname)),
														   false);

	if (created && created->created_at > 0)
		return created->is_volatile;
	foreach_ptr(const FormData_pg_proc, form, cmig_call_functions(lint, call->funcname))
	{
		bool		variadic = OidIsValid(form->provariadic);

		if (form->provolatile != PROVOLATILE_VOLATILE &&
			count >= form->pronargs - form->pronargdefaults - variadic &&
			(variadic || count <= form->pronargs))
			return false;
	}
	return true;
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

/* Returns the name of a volatile function that an expression calls, or NULL. */
static const char *
volatile_function(CmigLint *lint, Node *expression)
{
	VolatileSearch search = {lint, NULL};

	(void) find_volatile(expression, &search);
	return search.found;
}

/*
 * cmig.lint rules about columns of existing tables.
 */

/* Returns the constraint of this type in the column definition, or NULL. */
static Constraint *
find_constraint(const ColumnDef *column, ConstrType type)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		if (lfirst_node(Constraint, lc)->contype == type)
			return lfirst(lc);
	}
	return NULL;
}

/* Returns the default of a new column, or NULL if it has none that is not null. */
static Node *
default_of(const ColumnDef *column)
{
	Constraint *constraint = find_constraint(column, CONSTR_DEFAULT);

	return constraint && !cmig_lint_is_null(constraint->raw_expr) ? constraint->raw_expr : NULL;
}

/*
 * Does ALTER TABLE affect a large table?  With ONLY, child tables do not count.
 */
static bool
alters_large(CmigLint *lint, Node *node)
{
	return ((AlterTableStmt *) node)->relation->inh ?
		cmig_lint_model_is_large(lint->target) : cmig_lint_model_is_large_itself(lint->target);
}

/* Does the action add a column to a large table? */
static bool
adds_to_large(CmigLint *lint, AlterTableCmd *command)
{
	return alters_large(lint, lint->statement->raw->stmt) &&
		!(command->missing_ok &&
		  cmig_lint_model_column(lint->target, ((ColumnDef *) command->def)->colname) != NULL);
}

char *
cmig_lint_fix_not_null(const CmigLint *lint, const char *column)
{
	return psprintf("CALL cmig.add_not_null(%s, %s)",
					quote_literal_cstr(cmig_lint_text_qualified(lint->target)),
					quote_literal_cstr(column));
}

/*
 * Returns a fix that adds the column without its default and without NOT NULL,
 * sets the default for new rows, fills existing rows in batches, and then adds
 * NOT NULL.
 */
static char *
default_fix(CmigLint *lint, const ColumnDef *column, int number)
{
	Constraint *clause = find_constraint(column, CONSTR_DEFAULT);
	Constraint *not_null = find_constraint(column, CONSTR_NOTNULL);
	char	   *table = cmig_lint_text_qualified(lint->target);
	const char *name = quote_identifier(column->colname);
	char	   *text = cmig_lint_fix_clause(lint, column, clause);
	List	   *clauses = list_make1(clause);
	char	   *alter;

	if (not_null)
		clauses = lappend(clauses, not_null);
	alter = psprintf("%s, ALTER COLUMN %s SET %s",
					 cmig_lint_fix_without(lint, number, column, clauses), name, text);
	text += strlen("DEFAULT");
	return psprintf(CMIG_LINT_STEPWISE "%sCALL cmig.backfill(%s, %s, %s)%s",
					cmig_lint_fix_replace(lint, number, alter), quote_literal_cstr(table),
					quote_literal_cstr(psprintf("%s = %s", name, text + strspn(text, " \t\r\n"))),
					quote_literal_cstr(psprintf("%s IS NULL", name)),
					not_null ? psprintf(";\n%s", cmig_lint_fix_not_null(lint, column->colname)) :
					"");
}

bool
cmig_lint_column_rewrites(CmigLint *lint, const ColumnDef *column)
{
	Constraint *generated = find_constraint(column, CONSTR_GENERATED);
	Node	   *expression = default_of(column);

	return (generated && cmig_is_stored_compat(generated)) ||
		find_constraint(column, CONSTR_IDENTITY) ||
		cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL ||
		cmig_lint_types_is_constrained_domain(lint, column->typeName) ||
		(expression && volatile_function(lint, expression));
}

/* Implements the rule adding-field-with-default. */
static void
check_default(CmigLint *lint, AlterTableCmd *command, int number)
{
	const ColumnDef *column = (ColumnDef *) command->def;
	Node	   *expression = default_of(column);
	Constraint *generated = find_constraint(column, CONSTR_GENERATED);
	const char *function;

	if (!adds_to_large(lint, command))
		return;
	if (generated && cmig_is_stored_compat(generated))
	{
		cmig_lint_report(lint, NULL,
						 "adding the stored generated column %s rewrites %s under an AccessExclusiveLock",
						 quote_identifier(column->colname), cmig_lint_text_table(lint->target));
		return;
	}
	if (expression == NULL || (function = volatile_function(lint, expression)) == NULL)
		return;
	cmig_lint_report(lint, default_fix(lint, column, number),
					 "the default of column %s calls the volatile function %s(), which rewrites %s under an AccessExclusiveLock",
					 quote_identifier(column->colname), function,
					 cmig_lint_text_table(lint->target));
}

/* Implements the rule adding-auto-incrementing-field. */
static void
check_auto_increment(CmigLint *lint, AlterTableCmd *command, int number)
{
	const ColumnDef *column = (ColumnDef *) command->def;
	bool		serial = cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL;

	if (adds_to_large(lint, command) && (serial || find_constraint(column, CONSTR_IDENTITY)))
		cmig_lint_report(lint, NULL,
						 "adding the %s column %s rewrites %s under an AccessExclusiveLock",
						 serial ? "serial" : "identity", quote_identifier(column->colname),
						 cmig_lint_text_table(lint->target));
}

/* Will existing rows have a non-null value in the new column? */
static bool
has_value(CmigLint *lint, const ColumnDef *column)
{
	return default_of(column) || find_constraint(column, CONSTR_GENERATED) ||
		find_constraint(column, CONSTR_IDENTITY) ||
		cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL ||
		cmig_lint_types_has_default(lint, column->typeName);
}

/* Implements the rule adding-required-field. */
static void
check_required(CmigLint *lint, AlterTableCmd *command, int number)
{
	const ColumnDef *column = (ColumnDef *) command->def;
	Constraint *not_null = find_constraint(column, CONSTR_NOTNULL);
	char	   *fix = NULL;

	if (!adds_to_large(lint, command) ||
		(!not_null && !find_constraint(column, CONSTR_PRIMARY)) || has_value(lint, column))
		return;
	if (not_null)
		fix = psprintf(CMIG_LINT_STEPWISE "%s"
					   "-- fill the column in all rows, for example with cmig.backfill, then:\n"
					   "%s",
					   cmig_lint_fix_replace(lint, number,
											 cmig_lint_fix_without(lint, number, column,
																   list_make1(not_null))),
					   cmig_lint_fix_not_null(lint, column->colname));
	cmig_lint_report(lint, fix,
					 "adding the NOT NULL column %s without a default fails%s %s has rows",
					 quote_identifier(column->colname),
					 lint->target->bytes < 0 ? " if" : ", because",
					 cmig_lint_text_table(lint->target));
}

/* Implements the rule adding-not-nullable-field. */
static void
check_set_not_null(CmigLint *lint, AlterTableCmd *command, int number)
{
	CmigLintColumn *column = cmig_lint_model_column(lint->target, command->name);

	if (!alters_large(lint, lint->statement->raw->stmt) || (column && column->not_null) ||
		cmig_lint_model_proves_not_null(lint->target, command->name,
										(AlterTableStmt *) lint->statement->raw->stmt))
		return;
	cmig_lint_report(lint,
					 psprintf(CMIG_LINT_STEPWISE "%s%s", cmig_lint_fix_replace(lint, number, NULL),
							  cmig_lint_fix_not_null(lint, command->name)),
					 "SET NOT NULL scans %s under an AccessExclusiveLock, because no valid CHECK (%s IS NOT NULL) makes the scan unnecessary",
					 cmig_lint_text_table(lint->target), quote_identifier(command->name));
}

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

/*
 * If a USING expression consists only of the column and known casts, returns
 * the analyzed expression.  Otherwise, returns NULL.
 */
static Node *
convert(CmigLint *lint, const CmigLintColumn *column, Node *using)
{
	Node	   *from;
	CmigLintMeaning type;

	if (using == NULL || is_column(using, column->name))
		return (Node *) makeVar(1, Max(column->attnum, 1), column->type, column->typmod,
								column->collation, 0);
	if (!IsA(using, TypeCast))
		return NULL;
	from = convert(lint, column, ((TypeCast *) using)->arg);
	type = cmig_lint_types_find(lint, ((TypeCast *) using)->typeName);
	if (from == NULL || !OidIsValid(type.oid))
		return NULL;
	return coerce_to_target_type(NULL, from, exprType(from), type.oid, type.typmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
}

/*
 * expression_tree_walker callback: can evaluating or simplifying the
 * expression run other roles' code, that is, a user-defined function or the
 * constraints of a domain?
 */
static bool
runs_code(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstNormalObjectId)
		return true;
	if (IsA(node, CoerceToDomain) && cmig_domain_is_checked(((CoerceToDomain *) node)->resulttype))
		return true;
	return expression_tree_walker(node, runs_code, nothing);
}

/*
 * Does ALTER COLUMN TYPE rewrite the table if it converts the values with this
 * analyzed expression, or if the expression is NULL?  "zone_matters" is true if
 * conversions between timestamp and timestamptz change values.  An expression
 * that can run other roles' code counts as a rewrite: it is not simplified, which
 * would call the immutable functions in it.
 */
static bool
conversion_rewrites(Node *value, bool zone_matters)
{
	if (value == NULL || runs_code(value, NULL))
		return true;
	value = (Node *) expression_planner((Expr *) value);
	for (;;)
	{
		FuncExpr   *call = (FuncExpr *) value;

		if (IsA(value, Var))
			return false;
		else if (IsA(value, RelabelType))
			value = (Node *) ((RelabelType *) value)->arg;
		else if (IsA(value, CoerceToDomain))
			value = (Node *) ((CoerceToDomain *) value)->arg;
		else if (IsA(value, FuncExpr) && !zone_matters &&
				 (call->funcid == F_TIMESTAMPTZ_TIMESTAMP ||
				  call->funcid == F_TIMESTAMP_TIMESTAMPTZ))
			value = linitial(call->args);
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

bool
cmig_lint_type_rewrites(CmigLint *lint, const CmigLintColumn *column, const ColumnDef *to)
{
	const char *zone_name = lint->session.time_zone;
	pg_tz	   *zone = zone_name ? pg_tzset(zone_name) : NULL;
	long		offset;
	bool		zone_matters = zone_name ? zone == NULL || !pg_get_timezone_offset(zone, &offset) ||
	offset != 0 :
	TimestampTimestampTzRequiresRewrite();
	CmigLintMeaning type = cmig_lint_types_find(lint, to->typeName);
	Node	   *expression;

	if (column == NULL || !OidIsValid(column->type) || !OidIsValid(type.oid))
		return true;
	expression = convert(lint, column, to->raw_default);
	if (expression)
		expression = coerce_to_target_type(NULL, expression, exprType(expression), type.oid,
										   type.typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST,
										   -1);
	return conversion_rewrites(expression, zone_matters);
}

/* Returns what changing a column's type does to the table; NULL: it is fast. */
static const char *
type_change(CmigLint *lint, const CmigLintColumn *column, const ColumnDef *to)
{
	Oid			type = cmig_lint_types_find(lint, to->typeName).oid;
	Oid			collation;

	if (cmig_lint_type_rewrites(lint, column, to))
		return "rewrites";
	collation = get_typcollation(type);

	/*
	 * ignore a collation name with more than two parts, for which the
	 * statement itself will raise an error
	 */
	if (to->collClause && OidIsValid(collation) && list_length(to->collClause->collname) <= 2)
		collation = get_collation_oid(to->collClause->collname, true);
	foreach_ptr(CmigLintConstraint, constraint, lint->target->constraints)
	{
		if (constraint->type == CONSTRAINT_CHECK && constraint->validated &&
			cmig_text_list_has(constraint->columns, column->name))
			return "checks a CHECK constraint again for all rows of";
	}
	foreach_ptr(CmigLintIndex, index, lint->target->indexes)
	{
		if ((cmig_text_list_has(index->keys, column->name) ||
			 cmig_text_list_has(index->uses, column->name)) &&
			!keeps_index(index, column, type, collation))
			return "rebuilds an index of";
	}
	return NULL;
}

/* Returns what a conversion changes in the values, or 0; a cast names "to" if it is explicit. */
static int
losses(const CmigLintMeaning *from, const CmigLintMeaning *to, bool is_explicit)
{
	const CmigLintMeaning *types[] = {from, to};
	char	   *names[2];

	for (int i = 0; i < lengthof(types); i++)
	{
		int			qualified = types[i]->oid >= FirstNormalObjectId ? FORMAT_TYPE_FORCE_QUALIFY :
		0;

		names[i] = format_type_extended(types[i]->oid, types[i]->typmod,
										FORMAT_TYPE_TYPEMOD_GIVEN | qualified);
	}
	return cmig_values_lost(names[0], names[1], is_explicit);
}

/* Returns the same as a text, or NULL. */
static const char *
lost_by(const CmigLint *lint, const CmigLintMeaning *from, const CmigLintMeaning *to,
		bool is_explicit)
{
	int			loss = losses(from, to, is_explicit);

	if (lint->session.time_zone || !TimestampTimestampTzRequiresRewrite())
		loss &= ~CMIG_LOSS_ZONE;
	if (loss & CMIG_LOSS_ZONE)
		return psprintf("%s; a USING clause with AT TIME ZONE does not",
						cmig_loss_text(CMIG_LOSS_ZONE));
	return loss != 0 ? cmig_loss_text(loss) : NULL;
}

/* Returns the meaning of a type or, if it is a domain, of its base type. */
static CmigLintMeaning
base_of(CmigLint *lint, const TypeName *name)
{
	CmigLintMeaning type = cmig_lint_types_find(lint, name);

	if (OidIsValid(type.oid))
		type.oid = getBaseTypeAndTypmod(type.oid, &type.typmod);
	return type;
}

/*
 * Sets *result to the type of a USING expression that consists only of the column
 * and casts to known types.  Returns what it changes in the values, or NULL.
 */
static const char *
lost_by_using(CmigLint *lint, const CmigLintColumn *column, Node *using, CmigLintMeaning *result)
{
	const char *lost;
	CmigLintMeaning from;

	*result = (CmigLintMeaning)
	{
		InvalidOid
	};
	if (using == NULL || is_column(using, column->name))
	{
		result->typmod = column->typmod;
		result->oid = getBaseTypeAndTypmod(column->type, &result->typmod);
		return NULL;
	}
	if (!IsA(using, TypeCast))
		return NULL;
	lost = lost_by_using(lint, column, ((TypeCast *) using)->arg, &from);
	if (!OidIsValid(from.oid))
		return NULL;
	*result = base_of(lint, ((TypeCast *) using)->typeName);
	return lost || !OidIsValid(result->oid) ? lost : lost_by(lint, &from, result, true);
}

const char *
cmig_lint_values_lost(CmigLint *lint, const char *from, const char *to)
{
	CmigLintMeaning types[2];
	int			loss;

	types[0] = base_of(lint, linitial_node(TypeName, cmig_raw_parse(from, RAW_PARSE_TYPE_NAME)));
	types[1] = base_of(lint, linitial_node(TypeName, cmig_raw_parse(to, RAW_PARSE_TYPE_NAME)));
	if (!OidIsValid(types[0].oid) || !OidIsValid(types[1].oid))
		return NULL;
	/* USING may name a zone */
	loss = losses(&types[0], &types[1], false) & ~CMIG_LOSS_ZONE;
	return loss != 0 ? cmig_loss_text(loss) : NULL;
}

/* Implements the rule changing-values. */
static void
check_values(CmigLint *lint, AlterTableCmd *command, int number)
{
	ColumnDef  *to = (ColumnDef *) command->def;
	CmigLintColumn *column = cmig_lint_model_is_large(lint->target) ?
	cmig_lint_model_column(lint->target, command->name) : NULL;
	CmigLintMeaning from;
	CmigLintMeaning new;
	const char *lost;

	if (column == NULL || column->is_new || !OidIsValid(column->type))
		return;
	lost = lost_by_using(lint, column, to->raw_default, &from);
	new = base_of(lint, to->typeName);
	if (!OidIsValid(from.oid) || !OidIsValid(new.oid))
		return;
	if (lost == NULL)
		lost = lost_by(lint, &from, &new, false);
	if (lost != NULL)
		cmig_lint_report(lint, NULL, "changing the type of column %s of %s to %s %s",
						 quote_identifier(command->name), cmig_lint_text_table(lint->target),
						 cmig_lint_types_name(lint, to->typeName), lost);
}

/* Implements the rule changing-column-type. */
static void
check_type(CmigLint *lint, AlterTableCmd *command, int number)
{
	ColumnDef  *to = (ColumnDef *) command->def;
	const char *does = cmig_lint_model_is_large(lint->target) ?
	type_change(lint, cmig_lint_model_column(lint->target, command->name), to) : NULL;

	if (does)
		cmig_lint_report(lint, NULL,
						 "the new type %s of column %s %s %s under an AccessExclusiveLock; add a new column, fill it in batches, and swap the columns",
						 cmig_lint_types_name(lint, to->typeName), quote_identifier(command->name),
						 does,
						 cmig_lint_text_table(lint->target))->rewrites = strcmp(does, "rewrites") == 0;
}

/* Implements the rule ban-drop-column. */
static void
check_dropped(CmigLint *lint, AlterTableCmd *command, int number)
{
	CmigLintColumn *column = cmig_lint_model_column(lint->target, command->name);

	if (!cmig_lint_model_is_shared(lint->target) || (column && column->is_new) ||
		(column == NULL && command->missing_ok && !lint->target->partial) ||
		(lint->target->kind == RELKIND_COMPOSITE_TYPE &&
		 !cmig_lint_catalog_type_is_used(lint->target->oid)))
		return;
	cmig_lint_report(lint, NULL,
					 "DROP COLUMN %s deletes data of %s and breaks clients that use it; first release a version that does not use it",
					 quote_identifier(command->name), cmig_lint_text_table(lint->target));
}

/* Implements the rule ban-drop-not-null. */
static void
check_nullable(CmigLint *lint, AlterTableCmd *command, int number)
{
	CmigLintColumn *column = cmig_lint_model_column(lint->target, command->name);

	if (!cmig_lint_model_is_shared(lint->target) ||
		(column && (column->is_new || !column->not_null)))
		return;
	cmig_lint_report(lint, NULL,
					 "DROP NOT NULL allows NULL in column %s of %s, which clients may not expect",
					 quote_identifier(command->name), cmig_lint_text_name(lint->target));
}

/* Implements the rule renaming-column. */
static void
check_rename(CmigLint *lint, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;
	CmigLintColumn *column;

	if ((rename->renameType != OBJECT_COLUMN && rename->renameType != OBJECT_ATTRIBUTE) ||
		!cmig_lint_model_is_shared(lint->target))
		return;
	if (lint->target->kind == RELKIND_COMPOSITE_TYPE &&
		!cmig_lint_catalog_type_is_used(lint->target->oid))
		return;
	column = cmig_lint_model_column(lint->target, rename->subname);
	if (column && column->is_new)
		return;
	cmig_lint_report(lint, NULL,
					 "renaming column %s of %s breaks clients that use it; add a column %s, fill both, and drop the old one later",
					 quote_identifier(rename->subname), cmig_lint_text_name(lint->target),
					 quote_identifier(rename->newname));
}

/*
 * cmig.lint rules about column types.
 *
 * The rules apply only to columns of nontemporary tables, not to other uses of
 * a type.
 */

/* Is the expression a constant, or a list of constants? */
static bool
is_constant(Node *node)
{
	if (node != NULL && IsA(node, A_ArrayExpr))
		node = (Node *) ((A_ArrayExpr *) node)->elements;
	if (node == NULL || !IsA(node, List))
		return cmig_lint_expression_constant(node) != NULL;
	foreach_ptr(Node, element, (List *) node)
	{
		if (cmig_lint_expression_constant(element) == NULL)
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

	if (condition == NULL)
		return false;
	if (IsA(condition, BoolExpr) && ((BoolExpr *) condition)->boolop == AND_EXPR)
	{
		foreach_ptr(Node, arg, ((BoolExpr *) condition)->args)
			result |= limits_column(arg, name);
		return result;
	}
	if (!IsA(condition, A_Expr))
		return false;
	if (expression->kind == AEXPR_BETWEEN || expression->kind == AEXPR_BETWEEN_SYM)
		return is_column(expression->lexpr, name) && is_constant(expression->rexpr);
	if (expression->kind != AEXPR_OP && expression->kind != AEXPR_OP_ANY &&
		expression->kind != AEXPR_IN)
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
	List	   *keys = table ? cmig_lint_model_referenced(lint, table, constraint) : NIL;
	CmigLintColumn *column = list_length(keys) == 1 ?
	cmig_lint_model_column(table, linitial(keys)) : NULL;

	return column != NULL &&
		(column->type == INT2OID || (column->type == INT4OID && type == INT4OID)) &&
		(type == INT2OID || type == INT4OID);
}

/*
 * Can an integer column in CREATE TABLE or ALTER TABLE keep its type?  It can
 * if a CHECK constraint compares the column with a constant, because such a
 * column contains a quantity rather than generated ids.  It also can if the
 * column references a column whose type is not larger.  "constraints" is a List
 * of Constraint * with the statement's table constraints.
 */
static bool
integers_suffice(CmigLint *lint, const ColumnDef *column, const char *name, List *constraints)
{
	Oid			type;
	bool		limited = false;

	if (cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL)
		return false;
	type = cmig_lint_types_find(lint, column->typeName).oid;
	foreach_node(Constraint, constraint, list_concat_copy(column->constraints, constraints))
	{
		List	   *keys = constraint->contype == CONSTR_FOREIGN ? constraint->fk_attrs :
		constraint->keys;
		bool		only = keys == NIL ||
		(list_length(keys) == 1 && strcmp(strVal(linitial(keys)), name) == 0);

		if (only && (constraint->contype == CONSTR_PRIMARY ||
					 constraint->contype == CONSTR_IDENTITY))
			return false;
		if (constraint->contype == CONSTR_CHECK)
			limited |= limits_column(constraint->raw_expr, name);
		else if (only && constraint->contype == CONSTR_FOREIGN)
			limited |= references_narrow(lint, constraint, type);
	}
	return limited;
}

/*
 * Is this a schema-qualified type called "serial"?  A reader might mistake it
 * for PostgreSQL's serial, even if it is a user-defined type.
 */
static bool
reads_as_serial(const TypeName *type)
{
	return list_length(type->names) > 1 && strcmp(strVal(llast(type->names)), "serial") == 0;
}

/* Is this the built-in type with this internal name, or an array of it? */
static bool
is_type(const TypeName *type, const char *name)
{
	/* the grammar converts names such as int to internal names such as int4 */
	return type->names != NIL && !type->pct_type && strcmp(strVal(llast(type->names)), name) == 0 &&
		(list_length(type->names) == 1 ||
		 (list_length(type->names) == 2 &&
		  strcmp(strVal(linitial(type->names)), "pg_catalog") == 0));
}

/* Is this a serial type, which creates a sequence? */
static bool
is_serial(const TypeName *type)
{
	return cmig_lint_types_serial(type) != CMIG_LINT_NOT_SERIAL;
}

/*
 * The columns to which the rules apply, by type, and the messages for one and
 * for several columns.
 */
typedef struct Preference
{
	const char *rule;
	const char *type;			/* a built-in type, or NULL */
	bool		with_length;	/* true if the type must have a length */
	CmigLintSerial serial;		/* if set, the rule applies only to columns
								 * that may contain generated ids */
	bool		(*test) (const TypeName *type); /* used in place of "type" */
	const char *one;
	const char *several;
} Preference;

static const Preference preferences[] = {
	/* only bpchar with a length is blank-padded */
	{"ban-char-field", "bpchar", true, CMIG_LINT_NOT_SERIAL, NULL,
		"is padded with blanks; use text",
	"are padded with blanks; use text"},
	{"prefer-text-field", "varchar", true, CMIG_LINT_NOT_SERIAL, NULL,
		"has a length limit, which is hard to change; use text, with a CHECK constraint if needed",
	"have length limits, which are hard to change; use text, with CHECK constraints if needed"},
	{"prefer-bigint-over-int", "int4", false, CMIG_LINT_SERIAL, NULL,
		"overflows at 2147483647; use bigint",
	"overflow at 2147483647; use bigint"},
	{"prefer-bigint-over-int", NULL, false, CMIG_LINT_NOT_SERIAL, reads_as_serial,
		"has a type whose name suggests a 32-bit integer; use bigint, or rename the type",
	"have a type whose name suggests a 32-bit integer; use bigint, or rename the type"},
	{"prefer-bigint-over-smallint", "int2", false, CMIG_LINT_SMALLSERIAL, NULL,
		"overflows at 32767; use bigint",
	"overflow at 32767; use bigint"},
	{"prefer-identity", NULL, false, CMIG_LINT_NOT_SERIAL, is_serial,
		"has a sequence with separate privileges; use GENERATED ... AS IDENTITY",
	"have sequences with separate privileges; use GENERATED ... AS IDENTITY"},
	{"prefer-timestamp-tz", "timestamp", false, CMIG_LINT_NOT_SERIAL, NULL,
		"has no time zone; use timestamptz",
	"have no time zone; use timestamptz"},
	{"prefer-jsonb-over-json", "json", false, CMIG_LINT_NOT_SERIAL, NULL,
		"of type json cannot be compared, so DISTINCT, GROUP BY, and UNION fail; use jsonb",
	"of type json cannot be compared, so DISTINCT, GROUP BY, and UNION fail; use jsonb"},
};

/* A search for the columns of one statement to which a rule applies. */
typedef struct Columns
{
	CmigLint   *lint;
	const Preference *preference;
	List	   *constraints;	/* the statement's table constraints */
	CmigListing names;
} Columns;

/* Add a column if the rule applies to it. */
static void
judge_column(Columns *columns, const ColumnDef *column, const char *name)
{
	const Preference *preference = columns->preference;
	const TypeName *type = column->typeName;
	bool		of_ids = preference->serial != CMIG_LINT_NOT_SERIAL;

	if (preference->test ? preference->test(type) :
		(is_type(type, preference->type) &&
		 (!preference->with_length || type->typmods != NIL)) ||
		(of_ids && cmig_lint_types_serial(type) == preference->serial))
	{
		if (!of_ids || !integers_suffice(columns->lint, column, name, columns->constraints))
			cmig_listing_add(&columns->names, quote_identifier(name));
	}
}

/*
 * Check the columns that CREATE TABLE or ALTER TABLE adds, and those whose type
 * ALTER TABLE changes.
 */
static void
judge_columns(Columns *columns, Node *node)
{
	CreateStmt *create = (CreateStmt *) node;
	AlterTableStmt *alter = (AlterTableStmt *) node;
	const CmigLintTable *table = columns->lint->target;
	List	   *elements = NIL; /* of ColumnDef or AlterTableCmd */

	if (IsA(node, AlterTableStmt))
	{
		if ((alter->objtype == OBJECT_TABLE || alter->objtype == OBJECT_FOREIGN_TABLE) && table &&
			!table->temporary)
			elements = alter->cmds;
	}
	else if (IsA(node, CreateSchemaStmt))
	{
		foreach_ptr(Node, element, ((CreateSchemaStmt *) node)->schemaElts)
			judge_columns(columns, element);
	}
	else if ((IsA(node, CreateStmt) || IsA(node, CreateForeignTableStmt)) &&
			 create->relation->relpersistence != RELPERSISTENCE_TEMP &&
			 !(create->if_not_exists &&
			   cmig_lint_state_find(columns->lint, create->relation, true)))
		elements = create->tableElts;
	columns->constraints = NIL;
	foreach_ptr(AlterTableCmd, command, elements)
	{
		if (IsA(command, Constraint))
			columns->constraints = lappend(columns->constraints, command);
		else if (IsA(command, AlterTableCmd) && command->subtype == AT_AddConstraint)
			columns->constraints = lappend(columns->constraints, command->def);
	}
	foreach_ptr(AlterTableCmd, command, elements)
	{
		ColumnDef  *column = IsA(command, AlterTableCmd) ? (ColumnDef *) command->def :
		(ColumnDef *) command;

		if (column == NULL || !IsA(column, ColumnDef) || column->typeName == NULL)
			continue;
		if (!IsA(command, AlterTableCmd) ||
			(command->subtype == AT_AddColumn &&
			 !(command->missing_ok && cmig_lint_model_column(table, column->colname))))
			judge_column(columns, column, column->colname);
		else if (command->subtype == AT_AlterColumnType)
			judge_column(columns, column, command->name);
	}
}

/* Implements the rules about column types: report all columns in one finding. */
static void
check_preference(CmigLint *lint, Node *node)
{
	for (int i = 0; i < lengthof(preferences); i++)
	{
		Columns		columns = {.lint = lint,.preference = &preferences[i]};

		if (strcmp(preferences[i].rule, lint->rule->name) != 0)
			continue;
		cmig_listing_init(&columns.names, CMIG_LISTING_PLAIN);
		judge_columns(&columns, node);
		if (columns.names.count == 1)
			cmig_lint_report(lint, NULL, "column %s %s", cmig_listing_text(&columns.names),
							 preferences[i].one);
		else if (columns.names.count > 1)
			cmig_lint_report(lint, NULL, "columns %s %s", cmig_listing_text(&columns.names),
							 preferences[i].several);
	}
}

#define TAGS {T_CreateStmt, T_AlterTableStmt, T_CreateForeignTableStmt, T_CreateSchemaStmt}

const CmigLintRule cmig_lint_columns[] = {
	{"adding-field-with-default", CMIG_LINT_ERROR,
		CMIG_LINT_SLOW | CMIG_LINT_REWRITES | CMIG_LINT_EXPAND, NULL, {T_AlterTableStmt},
	AT_AddColumn, check_default},
	{"adding-auto-incrementing-field", CMIG_LINT_ERROR,
		CMIG_LINT_SLOW | CMIG_LINT_REWRITES | CMIG_LINT_EXPAND, NULL, {T_AlterTableStmt},
	AT_AddColumn, check_auto_increment},
	{"adding-required-field", CMIG_LINT_ERROR, CMIG_LINT_EXPAND, NULL, {T_AlterTableStmt},
	AT_AddColumn, check_required},
	{"adding-not-nullable-field", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_EXPAND, NULL,
	{T_AlterTableStmt}, AT_SetNotNull, check_set_not_null},
	{"changing-column-type", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_EXPAND, NULL,
	{T_AlterTableStmt}, AT_AlterColumnType, check_type},
	{"changing-values", CMIG_LINT_ERROR, 0, NULL, {T_AlterTableStmt}, AT_AlterColumnType,
	check_values},
	{"renaming-column", CMIG_LINT_WARNING, CMIG_LINT_EXPAND, check_rename, {T_RenameStmt}},
	{"ban-drop-column", CMIG_LINT_ERROR, CMIG_LINT_EXPAND, NULL, {T_AlterTableStmt}, AT_DropColumn,
	check_dropped},
	{"ban-drop-not-null", CMIG_LINT_WARNING, CMIG_LINT_EXPAND, NULL, {T_AlterTableStmt},
	AT_DropNotNull, check_nullable},
	{"ban-char-field", CMIG_LINT_NOTICE, 0, check_preference, TAGS},
	{"prefer-text-field", CMIG_LINT_NOTICE, 0, check_preference, TAGS},
	{"prefer-bigint-over-int", CMIG_LINT_NOTICE, 0, check_preference, TAGS},
	{"prefer-bigint-over-smallint", CMIG_LINT_NOTICE, 0, check_preference, TAGS},
	{"prefer-identity", CMIG_LINT_NOTICE, 0, check_preference, TAGS},
	{"prefer-timestamp-tz", CMIG_LINT_NOTICE, 0, check_preference, TAGS},
	{"prefer-jsonb-over-json", CMIG_LINT_NOTICE, 0, check_preference, TAGS},
	{NULL}
};
