/*
 * lint_enums.c
 *	  cmig.lint rules about enums.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_objects.h"
#include "lint/lint_rules.h"
#include "lint/lint_session.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"
#include "lint/lint_uses.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Implements the rule prefer-lookup-table-over-enum. */
static void
check_create(CmigLint *lint, Node *node)
{
	cmig_lint_report(lint, NULL, "values of enum %s can be added, but not removed; a lookup table with a foreign key has no such limit",
					 NameListToQuotedString(((CreateEnumStmt *) node)->typeName));
}

/* Does the plan create the type? */
static bool
is_new(CmigLint *lint, List *names)
{
	CmigLintType *type = cmig_lint_objects_type(lint, names);

	return type && type->is_new;
}

/* Implements the rule require-enum-value-ordering. */
static void
check_ordering(CmigLint *lint, Node *node)
{
	AlterEnumStmt *alter = (AlterEnumStmt *) node;

	if (alter->oldVal || alter->newValNeighbor || is_new(lint, alter->typeName) || cmig_lint_types_has_value(lint, alter))
		return;
	cmig_lint_report(lint, NULL, "value %s sorts after all other values of %s; specify its position with BEFORE or AFTER",
					 quote_literal_cstr(alter->newVal), NameListToQuotedString(alter->typeName));
}

/* Implements the rule renaming-enum-value. */
static void
check_rename(CmigLint *lint, Node *node)
{
	AlterEnumStmt *alter = (AlterEnumStmt *) node;

	if (alter->oldVal && !is_new(lint, alter->typeName))
		cmig_lint_report(lint, NULL, "renaming value %s of %s breaks clients that use it; add the new value, change the rows, and leave the old one",
						 quote_literal_cstr(alter->oldVal), NameListToQuotedString(alter->typeName));
}

/*
 * ban-new-enum-value-use-in-transaction
 *
 * A constant counts as a use of the new value if it is cast to the enum, if it
 * is assigned to a column that may have the enum type, or if it is compared
 * with such a column.
 */

/* State of the search for a new enum value in a statement. */
typedef struct Search
{
	CmigLint   *lint;
	List	   *tables;			/* of CmigLintTable *: tables in the statement */
	const char *value;			/* the new value found, or NULL */
	const CmigLintType *type;
} Search;

/*
 * Might the column have the type "type"?  Returns true if the column is
 * unknown.
 */
static bool
may_have_type(Search *search, const CmigLintColumn *column, const CmigLintType *type)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;

	if (column == NULL)
		return true;
	if (!OidIsValid(column->type))
		return column->type_name == NULL || strcmp(column->type_name, type->name) == 0;
	cmig_lint_types_find(search->lint,
						 makeTypeNameFromNameList(list_make2(makeString(pstrdup(type->schema)), makeString(pstrdup(type->name)))),
						 &oid, &typmod, &new_name);
	if (!OidIsValid(oid))
		return get_typtype(column->type) == TYPTYPE_ENUM;
	return getBaseType(column->type) == oid || get_element_type(column->type) == oid;
}

/*
 * Returns the column called "name" in one of the statement's tables.  Returns
 * NULL if no table has such a column.
 */
static CmigLintColumn *
find_column(Search *search, const char *name)
{
	ListCell   *lc;

	foreach(lc, search->tables)
	{
		CmigLintTable *table = lfirst(lc);
		CmigLintColumn *column;

		cmig_lint_state_load(search->lint, table);
		column = cmig_lint_model_column(table, name);
		if (column)
			return column;
	}
	return NULL;
}

/*
 * Check whether a constant is an enum value added in the same transaction.  The
 * constant is assigned to a column or compared with a column.
 */
static void
look_at_constant(Search *search, Node *node, const CmigLintColumn *column)
{
	const char *text;
	const CmigLintType *type;

	if (node == NULL || !IsA(node, A_Const) || ((A_Const *) node)->isnull ||
		!IsA(&((A_Const *) node)->val, String))
		return;
	text = strVal(&((A_Const *) node)->val);
	type = cmig_lint_session_new_value(search->lint, text);
	if (type && may_have_type(search, column, type))
	{
		search->value = text;
		search->type = type;
	}
}

/*
 * Returns the column to which an operand refers, or NULL if the column is not
 * known.  Sets *is_column to true if the operand is a column reference.
 */
static CmigLintColumn *
operand_column(Search *search, Node *operand, bool *is_column)
{
	*is_column = operand && IsA(operand, ColumnRef) && IsA(llast(((ColumnRef *) operand)->fields), String);
	return *is_column ? find_column(search, strVal(llast(((ColumnRef *) operand)->fields))) : NULL;
}

/*
 * Check the constants on the right side of a comparison if its left side is a
 * column.
 */
static void
look_at_comparison(Search *search, Node *left, Node *right)
{
	bool		is_column;
	CmigLintColumn *column = operand_column(search, left, &is_column);
	ListCell   *lc;

	if (!is_column || right == NULL)
		return;
	if (IsA(right, List))
	{
		foreach(lc, (List *) right)
		{
			look_at_constant(search, lfirst(lc), column);
		}
	}
	else
		look_at_constant(search, right, column);
}

/*
 * Check whether a cast converts a constant to an enum value added in the same
 * transaction.
 */
static void
look_at_cast(Search *search, TypeCast *cast)
{
	const CmigLintType *type;
	const char *text;

	if (!IsA(cast->arg, A_Const) || ((A_Const *) cast->arg)->isnull ||
		!IsA(&((A_Const *) cast->arg)->val, String))
		return;
	text = strVal(&((A_Const *) cast->arg)->val);
	type = cmig_lint_session_new_value(search->lint, text);
	if (type && strcmp(strVal(llast(cast->typeName->names)), type->name) == 0)
	{
		search->value = text;
		search->type = type;
	}
}

/*
 * raw_expression_tree_walker callback: search for the use of an enum value
 * added in the same transaction.
 */
static bool
walk(Node *node, void *context)
{
	Search	   *search = context;
	ListCell   *lc;
	int			i = 0;

	if (node == NULL || search->value)
		return search->value != NULL;
	switch (nodeTag(node))
	{
		case T_A_Expr:
			look_at_comparison(search, ((A_Expr *) node)->lexpr, ((A_Expr *) node)->rexpr);
			look_at_comparison(search, ((A_Expr *) node)->rexpr, ((A_Expr *) node)->lexpr);
			break;
		case T_TypeCast:
			look_at_cast(search, (TypeCast *) node);
			break;
		case T_UpdateStmt:
			foreach(lc, ((UpdateStmt *) node)->targetList)
			{
				ResTarget  *target = lfirst_node(ResTarget, lc);

				look_at_constant(search, target->val, find_column(search, target->name));
			}
			break;
		case T_CaseWhen:
			look_at_constant(search, (Node *) ((CaseWhen *) node)->result, NULL);
			break;
		case T_InsertStmt:
			{
				InsertStmt *insert = (InsertStmt *) node;
				SelectStmt *source = (SelectStmt *) insert->selectStmt;
				CmigLintTable *table = cmig_lint_state_find(search->lint, insert->relation, false);
				ListCell   *lc2;

				if (table)
					cmig_lint_state_load(search->lint, table);
				foreach(lc, source ? source->valuesLists : NIL)
				{
					i = 0;
					foreach(lc2, lfirst(lc))
					{
						CmigLintColumn *column = NULL;

						if (table && insert->cols == NIL)
							column = i < list_length(table->columns) ? list_nth(table->columns, i) : NULL;
						else if (table && i < list_length(insert->cols))
							column = cmig_lint_model_column(table, list_nth_node(ResTarget, insert->cols, i)->name);
						look_at_constant(search, lfirst(lc2), column);
						i++;
					}
				}
				break;
			}
		default:
			break;
	}
	return search->value != NULL || raw_expression_tree_walker(node, walk, search);
}

/* Search a column's default and its other expressions. */
static void
look_at_column(Search *search, ColumnDef *definition)
{
	CmigLintColumn column = {0};
	ListCell   *lc;

	column.name = definition->colname;
	cmig_lint_types_find(search->lint, definition->typeName, &column.type, &column.typmod, &column.type_name);
	foreach(lc, definition->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_DEFAULT)
			look_at_constant(search, constraint->raw_expr, &column);
		(void) walk(constraint->raw_expr, search);
	}
}

/* Search the elements of CREATE TABLE or the actions of ALTER TABLE. */
static void
look_at_definitions(Search *search, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		Node	   *node = lfirst(lc);
		AlterTableCmd *command = (AlterTableCmd *) node;

		if (IsA(node, ColumnDef))
			look_at_column(search, (ColumnDef *) node);
		else if (IsA(node, Constraint))
			(void) walk(((Constraint *) node)->raw_expr, search);
		else if (!IsA(node, AlterTableCmd) || command->def == NULL)
			continue;
		else if (command->subtype == AT_ColumnDefault)
		{
			look_at_constant(search, command->def, find_column(search, command->name));
			(void) walk(command->def, search);
		}
		else if (command->subtype == AT_AddColumn || command->subtype == AT_AddConstraint)
			look_at_definitions(search, list_make1(command->def));
	}
}

/* Collect the tables that a statement uses. */
static void
find_tables(Search *search, Node *node)
{
	ListCell   *lc;

	if (search->lint->target)
		search->tables = list_make1(search->lint->target);
	foreach(lc, cmig_lint_uses_of(node))
	{
		CmigLintTable *table = cmig_lint_state_find(search->lint, lfirst(lc), false);

		if (table)
			search->tables = lappend(search->tables, table);
	}
}

/* Implements the rule ban-new-enum-value-use-in-transaction. */
static void
check_use(CmigLint *lint, Node *node)
{
	Search		search = {lint};

	if (!cmig_lint_session_in_transaction(lint) || !cmig_lint_session_has_new_values(lint))
		return;
	find_tables(&search, node);
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			look_at_definitions(&search, ((AlterTableStmt *) node)->cmds);
			break;
		case T_CreateStmt:
			look_at_definitions(&search, ((CreateStmt *) node)->tableElts);
			break;
		case T_IndexStmt:
			(void) walk(((IndexStmt *) node)->whereClause, &search);
			break;
		case T_ViewStmt:
			(void) walk(((ViewStmt *) node)->query, &search);
			break;
		case T_CreateTableAsStmt:
			if (cmig_lint_uses_of(node) != NIL)
				(void) walk(((CreateTableAsStmt *) node)->query, &search);
			break;
		case T_CreatePolicyStmt:
			(void) walk(((CreatePolicyStmt *) node)->qual, &search);
			(void) walk(((CreatePolicyStmt *) node)->with_check, &search);
			break;
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			(void) walk(node, &search);
			break;
		default:
			break;
	}
	if (search.value && cmig_lint_session_added_by(lint, search.value))
		cmig_lint_report(lint, NULL, "the new value %s of %s, which revision %s adds, cannot be used in the same transaction; cmig.upgrade_stepwise commits after each revision",
						 quote_literal_cstr(search.value), quote_identifier(search.type->name),
						 cmig_lint_session_added_by(lint, search.value));
	else if (search.value)
		cmig_lint_report(lint, NULL, "the new value %s of %s cannot be used before the transaction that adds it commits",
						 quote_literal_cstr(search.value), quote_identifier(search.type->name));
}

const CmigLintRule cmig_lint_enums[] = {
	{"prefer-lookup-table-over-enum", CMIG_LINT_NOTICE, false, check_create, {T_CreateEnumStmt}},
	{"require-enum-value-ordering", CMIG_LINT_NOTICE, false, check_ordering, {T_AlterEnumStmt}},
	{"renaming-enum-value", CMIG_LINT_WARNING, false, check_rename, {T_AlterEnumStmt}},
	{"ban-new-enum-value-use-in-transaction", CMIG_LINT_ERROR, false, check_use},
	{NULL}
};
