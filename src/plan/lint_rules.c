/*
 * lint_rules.c
 *	  Lint: rules about names, enums, and transactions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "parse/parse.h"
#include "plan/lint.h"
#include "run/run.h"

/* ----------------------------------------------------------------
 * cmig.lint rules about privileges and row-level security that are lost
 * when a table or view is replaced by a new one with the same name.
 * ----------------------------------------------------------------
 */

/*
 * If the statement creates or renames a relation, sets *name to the new name.
 * If a live relation had this name before, returns that live relation;
 * otherwise, returns NULL.
 */
static CmigLintTable *
find_original(CmigLint *lint, Node *node, RangeVar *name)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			*name = *((CreateStmt *) node)->relation;
			break;
		case T_CreateTableAsStmt:
			*name = *((CreateTableAsStmt *) node)->into->rel;
			break;
		case T_ViewStmt:
			*name = *((ViewStmt *) node)->view;
			break;
		case T_RenameStmt:
			if (lint->target == NULL || ((RenameStmt *) node)->relation == NULL ||
				(((RenameStmt *) node)->renameType != OBJECT_TABLE && ((RenameStmt *) node)->renameType != OBJECT_VIEW &&
				 ((RenameStmt *) node)->renameType != OBJECT_MATVIEW))
				return NULL;
			*name = *((RenameStmt *) node)->relation;
			name->schemaname = (char *) lint->target->schema;
			name->relname = ((RenameStmt *) node)->newname;
			break;
		default:
			return NULL;
	}
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return NULL;
	return cmig_lint_state_original(lint, name);
}

/*
 * Callback at the end of the plan: does the new relation still lack row-level
 * security?
 */
static bool
lacks_security(CmigLint *lint, const CmigLintDeferred *replaced)
{
	CmigLintTable *table = cmig_lint_state_find(lint, replaced->name, true);

	return table && table != replaced->table && !table->row_security;
}

/* Implements the rule row-security-lost. */
static void
check_security(CmigLint *lint, Node *node)
{
	RangeVar	name;
	CmigLintTable *original;
	CmigLintFinding *finding;
	ListCell   *lc;

	if (IsA(node, AlterTableStmt))
	{
		if (!cmig_lint_model_is_shared(lint->target) || !lint->target->row_security)
			return;
		foreach(lc, ((AlterTableStmt *) node)->cmds)
		{
			if (lfirst_node(AlterTableCmd, lc)->subtype == AT_DisableRowSecurity)
				cmig_lint_report(lint, NULL, "DISABLE ROW LEVEL SECURITY shows all rows of %s to every role with privileges on it",
								 cmig_lint_text_name(lint->target));
		}
		return;
	}
	if (IsA(node, ViewStmt))
		return;
	original = find_original(lint, node, &name);
	if (original == NULL || !original->row_security)
		return;
	finding = cmig_lint_report(lint, NULL, "the old table %s has row-level security, but the new one does not",
							   cmig_lint_text_range_var(&name));
	cmig_lint_report_later(lint, finding, true, lacks_security, original, &name, NULL);
}

/*
 * Callback at the end of the plan: have no privileges been granted on the new
 * relation?
 */
static bool
lacks_privileges(CmigLint *lint, const CmigLintDeferred *replaced)
{
	CmigLintTable *table = cmig_lint_state_find(lint, replaced->name, true);

	return table && table != replaced->table && !table->has_grants;
}

/* Implements the rule privileges-lost. */
static void
check_privileges(CmigLint *lint, Node *node)
{
	RangeVar	name;
	CmigLintTable *original = find_original(lint, node, &name);
	char	   *grants;
	CmigLintFinding *finding;

	grants = original ? cmig_lint_facts_grants(original->oid, cmig_lint_text_range_var(&name)) : NULL;
	if (grants == NULL || cmig_lint_facts_has_default_privileges())
		return;
	finding = cmig_lint_report(lint, psprintf("%s;\n%s", lint->statement->text, grants),
							   "privileges on the old relation %s are not granted on the new one",
							   cmig_lint_text_range_var(&name));
	cmig_lint_report_later(lint, finding, true, lacks_privileges, original, &name, NULL);
}

/* ----------------------------------------------------------------
 * cmig.lint rules about enums.
 * ----------------------------------------------------------------
 */

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
	CmigLintType *type = cmig_lint_objects_type(lint, names, false);

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
	const		CmigLintNewValue *found;	/* the new value found, or NULL */
} Search;

/* Returns the new value with this text, or NULL. */
static const CmigLintNewValue *
new_value(const CmigLint *lint, const char *value)
{
	ListCell   *lc;

	foreach(lc, lint->session.values)
	{
		if (strcmp(((CmigLintNewValue *) lfirst(lc))->value, value) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/*
 * Might the column have the type "type"?  Returns true if the column is
 * unknown.
 */
static bool
may_have_type(Search *search, const CmigLintColumn *column, const CmigLintType *type)
{
	Oid			oid;

	if (column == NULL)
		return true;
	if (!OidIsValid(column->type))
		return column->type_name == NULL || strcmp(column->type_name, type->name) == 0;
	oid = cmig_lint_types_oid(search->lint,
							  makeTypeNameFromNameList(list_make2(makeString(pstrdup(type->schema)), makeString(pstrdup(type->name)))));
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
	const		CmigLintNewValue *new;

	if (node == NULL || !IsA(node, A_Const) || ((A_Const *) node)->isnull ||
		!IsA(&((A_Const *) node)->val, String))
		return;
	new = new_value(search->lint, strVal(&((A_Const *) node)->val));
	if (new && may_have_type(search, column, new->type))
		search->found = new;
}

/*
 * Check the constants on the right side of a comparison if its left side is a
 * column.
 */
static void
look_at_comparison(Search *search, Node *left, Node *right)
{
	CmigLintColumn *column;
	ListCell   *lc;

	if (left == NULL || !IsA(left, ColumnRef) || !IsA(llast(((ColumnRef *) left)->fields), String) || right == NULL)
		return;
	column = find_column(search, strVal(llast(((ColumnRef *) left)->fields)));
	foreach(lc, IsA(right, List) ? (List *) right : list_make1(right))
		look_at_constant(search, lfirst(lc), column);
}

/*
 * Check whether a cast converts a constant to an enum value added in the same
 * transaction.
 */
static void
look_at_cast(Search *search, TypeCast *cast)
{
	A_Const    *constant = (A_Const *) cast->arg;
	const		CmigLintNewValue *new;

	if (!IsA(constant, A_Const) || constant->isnull || !IsA(&constant->val, String))
		return;
	new = new_value(search->lint, strVal(&constant->val));
	if (new && strcmp(strVal(llast(cast->typeName->names)), new->type->name) == 0)
		search->found = new;
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

	if (node == NULL || search->found)
		return search->found != NULL;
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
	return search->found != NULL || raw_expression_tree_walker(node, walk, search);
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

/* Implements the rule ban-new-enum-value-use-in-transaction. */
static void
check_use(CmigLint *lint, Node *node)
{
	Search		search = {lint};
	ListCell   *lc;

	if (!cmig_lint_session_in_transaction(lint) || lint->session.values == NIL)
		return;
	if (lint->target)
		search.tables = list_make1(lint->target);
	foreach(lc, cmig_lint_uses_of(node, NULL))
	{
		CmigLintTable *table = cmig_lint_state_find(lint, lfirst(lc), false);

		if (table)
			search.tables = lappend(search.tables, table);
	}
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
			if (cmig_lint_uses_of(node, NULL) != NIL)
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
	if (search.found == NULL)
		return;
	if (search.found->revision != lint->revision && search.found->revision != NULL)
		cmig_lint_report(lint, NULL, "the new value %s of %s, which revision %s adds, cannot be used in the same transaction; cmig.upgrade_stepwise commits after each revision",
						 quote_literal_cstr(search.found->value), quote_identifier(search.found->type->name),
						 search.found->revision);
	else
		cmig_lint_report(lint, NULL, "the new value %s of %s cannot be used before the transaction that adds it commits",
						 quote_literal_cstr(search.found->value), quote_identifier(search.found->type->name));
}

/* ----------------------------------------------------------------
 * cmig.lint rules about names and about code that cmig.lint cannot read.
 * ----------------------------------------------------------------
 */

/* Implements the rule identifier-too-long. */
static void
check_long(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_source_long_names(lint->statement->text))
	{
		const char *name = lfirst(lc);

		cmig_lint_report(lint, NULL, "the name is truncated to %d bytes: \"%.*s\"", NAMEDATALEN - 1,
						 pg_mbcliplen(name, strlen(name), NAMEDATALEN - 1), name);
	}
}

/*
 * require-table-schema
 */

/*
 * Append a relation's name if the name is unqualified and the relation is not
 * temporary.
 */
static void
add_name(CmigLint *lint, StringInfo text, const RangeVar *name)
{
	CmigLintTable *table;

	if (name == NULL || name->schemaname || name->relpersistence == RELPERSISTENCE_TEMP)
		return;
	table = cmig_lint_state_find(lint, name, true);
	if (table == NULL || !table->temporary)
		appendStringInfo(text, "%s%s", text->len > 0 ? ", " : "", quote_identifier(name->relname));
}

/* Append the unqualified relation names in a list of nodes. */
static void
add_names(CmigLint *lint, StringInfo text, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		Node	   *node = lfirst(lc);

		if (IsA(node, RangeVar))
			add_name(lint, text, (RangeVar *) node);
		else if (IsA(node, VacuumRelation))
			add_name(lint, text, ((VacuumRelation *) node)->relation);
		else if (IsA(node, List))
		{
			List	   *parts = (List *) node;
			RangeVar	name = {.type = T_RangeVar,.relpersistence = RELPERSISTENCE_PERMANENT};

			name.relname = strVal(llast(parts));
			if (list_length(parts) == 1)
				add_name(lint, text, &name);
		}
		else if (IsA(node, ColumnDef))
			add_names(lint, text, ((ColumnDef *) node)->constraints);
		else if (IsA(node, Constraint))
			add_name(lint, text, ((Constraint *) node)->pktable);
		else if (IsA(node, AlterTableCmd) && ((AlterTableCmd *) node)->def &&
				 (IsA(((AlterTableCmd *) node)->def, ColumnDef) || IsA(((AlterTableCmd *) node)->def, Constraint)))
			add_names(lint, text, list_make1(((AlterTableCmd *) node)->def));
	}
}

/* Append the unqualified relation names in a statement. */
static void
add_statement(CmigLint *lint, StringInfo text, Node *node)
{
	add_names(lint, text, cmig_lint_uses_of(node, NULL));
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			add_name(lint, text, ((CreateStmt *) node)->relation);
			add_names(lint, text, ((CreateStmt *) node)->tableElts);
			add_names(lint, text, ((CreateStmt *) node)->inhRelations);
			break;
		case T_AlterTableStmt:
			add_name(lint, text, ((AlterTableStmt *) node)->relation);
			add_names(lint, text, ((AlterTableStmt *) node)->cmds);
			break;
		case T_CreateTableAsStmt:
			add_name(lint, text, ((CreateTableAsStmt *) node)->into->rel);
			break;
		case T_IndexStmt:
			add_name(lint, text, ((IndexStmt *) node)->relation);
			break;
		case T_ViewStmt:
			add_name(lint, text, ((ViewStmt *) node)->view);
			break;
		case T_RenameStmt:
			add_name(lint, text, ((RenameStmt *) node)->relation);
			break;
		case T_DropStmt:
			if (((DropStmt *) node)->removeType == OBJECT_TABLE || ((DropStmt *) node)->removeType == OBJECT_VIEW ||
				((DropStmt *) node)->removeType == OBJECT_MATVIEW)
				add_names(lint, text, ((DropStmt *) node)->objects);
			break;
		case T_TruncateStmt:
			add_names(lint, text, ((TruncateStmt *) node)->relations);
			break;
		case T_LockStmt:
			add_names(lint, text, ((LockStmt *) node)->relations);
			break;
		case T_VacuumStmt:
			add_names(lint, text, ((VacuumStmt *) node)->rels);
			break;
		case T_ClusterStmt:
			add_name(lint, text, ((ClusterStmt *) node)->relation);
			break;
		case T_CreateTrigStmt:
			add_name(lint, text, ((CreateTrigStmt *) node)->relation);
			break;
		case T_CreatePolicyStmt:
			add_name(lint, text, ((CreatePolicyStmt *) node)->table);
			break;
		case T_RefreshMatViewStmt:
			add_name(lint, text, ((RefreshMatViewStmt *) node)->relation);
			break;
		default:
			break;
	}
}

/* Implements the rule require-table-schema. */
static void
check_schema(CmigLint *lint, Node *node)
{
	StringInfoData text;

	initStringInfo(&text);
	add_statement(lint, &text, node);
	if (text.len > 0)
		cmig_lint_report(lint, NULL, "unqualified table names depend on search_path: %s", text.data);
}

/*
 * unchecked-dynamic-sql
 */

/* Implements the rule unchecked-dynamic-sql. */
static void
check_dynamic(CmigLint *lint, Node *node)
{
	bool		qualified;

	if (cmig_statement_own_procedure(lint->statement->raw, &qualified) && qualified)
		return;
	cmig_lint_report(lint, NULL, "lint cannot analyze %s; cmig.dry_run shows its effects",
					 IsA(node, DoStmt) ? "DO" : "CALL");
}

/*
 * ban-duplicate-column-assignments
 */

/*
 * Report the first name that occurs twice in a list of ResTarget or ColumnDef.
 */
static void
report_duplicate(CmigLint *lint, List *elements)
{
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, elements)
	{
		Node	   *node = lfirst(lc);
		const char *name;

		/* skip array elements and fields, which may be assigned separately */
		if (IsA(node, ResTarget) && ((ResTarget *) node)->indirection == NIL)
			name = ((ResTarget *) node)->name;
		else if (IsA(node, ColumnDef))
			name = ((ColumnDef *) node)->colname;
		else
			continue;
		if (name && cmig_text_list_has(seen, name))
		{
			cmig_lint_report(lint, NULL, "column %s is specified more than once", quote_identifier(name));
			return;
		}
		seen = lappend(seen, (char *) name);
	}
}

/*
 * raw_expression_tree_walker callback: report columns that are assigned twice.
 */
static bool
walk_assignments(Node *node, void *context)
{
	CmigLint   *lint = context;

	if (node == NULL)
		return false;
	if (IsA(node, UpdateStmt))
		report_duplicate(lint, ((UpdateStmt *) node)->targetList);
	else if (IsA(node, InsertStmt))
		report_duplicate(lint, ((InsertStmt *) node)->cols);
	else if (IsA(node, OnConflictClause))
		report_duplicate(lint, ((OnConflictClause *) node)->targetList);
	else if (IsA(node, MergeWhenClause))
		report_duplicate(lint, ((MergeWhenClause *) node)->targetList);
	return raw_expression_tree_walker(node, walk_assignments, lint);
}

/* Implements the rule ban-duplicate-column-assignments. */
static void
check_duplicates(CmigLint *lint, Node *node)
{
	List	   *columns = NIL;
	ListCell   *lc;

	if (IsA(node, CreateStmt))
		report_duplicate(lint, ((CreateStmt *) node)->tableElts);
	else if (IsA(node, AlterTableStmt))
	{
		foreach(lc, ((AlterTableStmt *) node)->cmds)
		{
			AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

			if (command->subtype == AT_AddColumn && !command->missing_ok)
				columns = lappend(columns, command->def);
		}
		report_duplicate(lint, columns);
	}
	else
		(void) walk_assignments(node, lint);
}

/* ----------------------------------------------------------------
 * cmig.lint rules about transactions, timeouts, and locks held in
 * transactions.
 * ----------------------------------------------------------------
 */

/*
 * Transaction control
 */

/* Implements the rule transaction-nesting. */
static void
check_nesting(CmigLint *lint, Node *node)
{
	TransactionStmt *statement = (TransactionStmt *) node;
	bool		begins = statement->kind == TRANS_STMT_BEGIN || statement->kind == TRANS_STMT_START;
	const char *name;
	RawStmt		raw = {.type = T_RawStmt,.stmt = node};

	/*
	 * a nontransactional script may begin a block if no block is open, and
	 * end a block if one is open
	 */
	if (!lint->transactional && begins != (lint->session.in_block != 0))
		return;
	(void) cmig_statement_classify(&raw, &name);
	cmig_lint_report(lint, NULL, "%s is not allowed in a script: the session that runs the revision controls the transaction",
					 name);
}

/*
 * Callback at the end of the revision: is the transaction block that the
 * reported statement began still open?
 */
static bool
is_open(CmigLint *lint, const CmigLintDeferred *began)
{
	return lint->session.in_block == began->since;
}

/* Implements the rule ban-uncommitted-transaction. */
static void
check_uncommitted(CmigLint *lint, Node *node)
{
	TransactionStmt *statement = (TransactionStmt *) node;
	CmigLintFinding *finding;

	if ((statement->kind != TRANS_STMT_BEGIN && statement->kind != TRANS_STMT_START) ||
		lint->session.in_block)
		return;
	finding = cmig_lint_report(lint, NULL, "the script does not end the transaction that begins here");
	cmig_lint_report_later(lint, finding, false, is_open, NULL, NULL, NULL);
}

/*
 * Statements that cannot run in a transaction
 */

/* Implements the rule ban-concurrent-index-creation-in-transaction. */
static void
check_concurrent_index(CmigLint *lint, Node *node)
{
	if (((IndexStmt *) node)->concurrent && cmig_lint_session_in_transaction(lint) && cmig_running_concurrent_ddl() &&
		cmig_lint_state_concurrently_failure(lint, node, false) == NULL)
		cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s", lint->statement->text),
						 "CREATE INDEX CONCURRENTLY fails inside a transaction");
}

/*
 * If a statement fails in a transaction because its relation is partitioned,
 * returns the statement's name.  Otherwise, returns NULL.
 */
static const char *
partitioned_name(CmigLint *lint, Node *node)
{
	CmigLintTable *table;

	if (IsA(node, ReindexStmt) && ((ReindexStmt *) node)->relation)
		table = cmig_lint_state_find(lint, ((ReindexStmt *) node)->relation, false);
	else if (IsA(node, ClusterStmt) && ((ClusterStmt *) node)->relation)
		table = cmig_lint_state_find(lint, ((ClusterStmt *) node)->relation, false);
	else
		return NULL;
	if (table == NULL || (table->kind != RELKIND_PARTITIONED_TABLE && table->kind != RELKIND_PARTITIONED_INDEX))
		return NULL;
	return IsA(node, ReindexStmt) ? "REINDEX of a partitioned table" : "CLUSTER of a partitioned table";
}

/* Implements the rule ban-non-transactional-statement. */
static void
check_top_level(CmigLint *lint, Node *node)
{
	const char *name;

	if (!cmig_lint_session_in_transaction(lint) || IsA(node, IndexStmt) ||
		cmig_lint_state_concurrently_failure(lint, node, false))
		return;
	switch (cmig_statement_classify(lint->statement->raw, &name))
	{
		case CMIG_STATEMENT_CONCURRENTLY:
		case CMIG_STATEMENT_OWN_PROCEDURE:
			if (!cmig_running_concurrent_ddl())
				return;
			break;
		case CMIG_STATEMENT_TOP_LEVEL:
			break;
		default:
			name = partitioned_name(lint, node);
			if (name == NULL)
				return;
			break;
	}
	cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s", lint->statement->text),
					 "%s fails inside a transaction", name);
}

/*
 * prefer-robust-stmts
 */

/*
 * Callback at the end of the revision: does the script have any other
 * statements, which might fail?
 */
static bool
has_others(CmigLint *lint, const CmigLintDeferred *deferred)
{
	return lint->statements > 1;
}

/*
 * Report a statement that lacks IF [NOT] EXISTS.  The suggested fix inserts the
 * string in "clause" after the word in "after".
 */
static void
report_robust(CmigLint *lint, const char *after, const char *clause)
{
	CmigLintFinding *finding;

	finding = cmig_lint_report(lint, cmig_lint_source_insert(lint->statement->text, after, clause),
							   "the script does not run in a single transaction; with %s, this statement can run again if a later one fails", clause);
	cmig_lint_report_later(lint, finding, false, has_others, NULL, NULL, NULL);
}

/* Report an ALTER TABLE with an action that could have IF [NOT] EXISTS. */
static void
check_robust_alter(CmigLint *lint, AlterTableStmt *alter)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->missing_ok)
			continue;
		if (command->subtype == AT_AddColumn)
			report_robust(lint, cmig_lint_source_has(lint->statement->text, "column") ? "column" : "add", "IF NOT EXISTS");
		else if (command->subtype == AT_DropColumn)
			report_robust(lint, cmig_lint_source_has(lint->statement->text, "column") ? "column" : "drop", "IF EXISTS");
		else if (command->subtype == AT_DropConstraint)
			report_robust(lint, "constraint", "IF EXISTS");
		else
			continue;
		return;
	}
}

/*
 * Returns the word that precedes the object's name in a DROP statement.
 * Returns NULL if the rule does not apply to this type of object.
 */
static const char *
drop_word(const DropStmt *drop)
{
	switch (drop->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
			return "table";
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			return "view";
		case OBJECT_INDEX:
			return drop->concurrent ? "concurrently" : "index";
		case OBJECT_SEQUENCE:
			return "sequence";
		case OBJECT_SCHEMA:
			return "schema";
		case OBJECT_TYPE:
			return "type";
		case OBJECT_DOMAIN:
			return "domain";
		case OBJECT_FUNCTION:
			return "function";
		case OBJECT_PROCEDURE:
			return "procedure";
		case OBJECT_TRIGGER:
			return "trigger";
		case OBJECT_POLICY:
			return "policy";
		case OBJECT_EXTENSION:
			return "extension";
		default:
			return NULL;
	}
}

/* Report a CREATE or ALTER TYPE statement that could have IF NOT EXISTS. */
static void
check_robust_create(CmigLint *lint, Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			if (!((CreateStmt *) node)->if_not_exists &&
				((CreateStmt *) node)->relation->relpersistence != RELPERSISTENCE_TEMP)
				report_robust(lint, "table", "IF NOT EXISTS");
			break;
		case T_CreateTableAsStmt:
			if (!((CreateTableAsStmt *) node)->if_not_exists &&
				((CreateTableAsStmt *) node)->into->rel->relpersistence != RELPERSISTENCE_TEMP &&
				!cmig_lint_source_has(lint->statement->text, "into"))
				report_robust(lint, ((CreateTableAsStmt *) node)->objtype == OBJECT_MATVIEW ? "view" : "table",
							  "IF NOT EXISTS");
			break;
		case T_IndexStmt:
			if (!((IndexStmt *) node)->if_not_exists && ((IndexStmt *) node)->idxname)
				report_robust(lint, ((IndexStmt *) node)->concurrent ? "concurrently" : "index", "IF NOT EXISTS");
			break;
		case T_CreateSeqStmt:
			if (!((CreateSeqStmt *) node)->if_not_exists)
				report_robust(lint, "sequence", "IF NOT EXISTS");
			break;
		case T_CreateSchemaStmt:
			if (!((CreateSchemaStmt *) node)->if_not_exists && ((CreateSchemaStmt *) node)->schemaElts == NIL)
				report_robust(lint, "schema", "IF NOT EXISTS");
			break;
		case T_CreateExtensionStmt:
			if (!((CreateExtensionStmt *) node)->if_not_exists)
				report_robust(lint, "extension", "IF NOT EXISTS");
			break;
		case T_AlterEnumStmt:
			if (!((AlterEnumStmt *) node)->skipIfNewValExists && ((AlterEnumStmt *) node)->oldVal == NULL)
				report_robust(lint, "value", "IF NOT EXISTS");
			break;
		default:
			break;
	}
}

/* Implements the rule prefer-robust-stmts. */
static void
check_robust(CmigLint *lint, Node *node)
{
	if (cmig_lint_session_in_transaction(lint))
		return;
	if (IsA(node, AlterTableStmt))
		check_robust_alter(lint, (AlterTableStmt *) node);
	else if (IsA(node, DropStmt))
	{
		DropStmt   *drop = (DropStmt *) node;

		if (!drop->missing_ok && drop_word(drop))
			report_robust(lint, drop_word(drop), "IF EXISTS");
	}
	else
		check_robust_create(lint, node);
}

/*
 * Timeouts
 */

/* Report a missing timeout at the first statement that takes a lock. */
static void
check_timeout(CmigLint *lint, CmigLintTimeout timeout, const char *fix, const char *message)
{
	CmigLintLock *lock;

	if (lint->locks == NIL || lint->session.timeouts[timeout] ||
		lint->session.reported[timeout])
		return;
	lock = linitial(lint->locks);
	cmig_lint_report(lint, psprintf("%s;\n%s", fix, lint->statement->text), message,
					 cmig_lint_text_name(lock->table));
	lint->session.reported[timeout] = true;
}

/* Implements the rule require-lock-timeout. */
static void
check_lock_timeout(CmigLint *lint, Node *node)
{
	check_timeout(lint, CMIG_LINT_LOCK_TIMEOUT, "SET lock_timeout = '2s'",
				  "the statement may wait for its lock on %s without a limit, and blocks later statements while it waits");
}

/* Implements the rule require-statement-timeout. */
static void
check_statement_timeout(CmigLint *lint, Node *node)
{
	check_timeout(lint, CMIG_LINT_STATEMENT_TIMEOUT, "SET statement_timeout = '1min'",
				  "the statement may hold its lock on %s for an unlimited time");
}

/*
 * statement-after-access-exclusive
 */

/*
 * Do the findings so far show that the statement scans or rewrites a large
 * table?
 */
static bool
is_slow(CmigLint *lint)
{
	static const char *const slow[] = {
		"require-concurrent-index-creation", "require-concurrent-reindex", "constraint-missing-not-valid",
		"adding-foreign-key-constraint", "adding-field-with-default", "adding-auto-incrementing-field",
		"adding-not-nullable-field", "adding-serial-primary-key-field", "primary-key-sets-not-null",
		"disallowed-unique-constraint", "adding-exclusion-constraint", "changing-column-type", "rewriting-table", "attaching-partition"
	};

	for (int i = list_length(lint->findings) - 1; i >= 0; i--)
	{
		CmigLintFinding *finding = list_nth(lint->findings, i);

		if (finding->statement != lint->statement->number || finding->revision != lint->revision)
			break;
		for (int j = 0; j < lengthof(slow); j++)
		{
			if (strcmp(slow[j], finding->rule->name) == 0)
				return true;
		}
	}
	return false;
}

/* Does the statement read or write a relation that existed before the plan? */
static bool
uses_shared(CmigLint *lint, Node *statement)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_uses_of(statement, NULL))
	{
		if (cmig_lint_model_is_shared(cmig_lint_state_find(lint, lfirst(lc), false)))
			return true;
	}
	return false;
}

/* Does the statement validate a constraint of a large table? */
static bool
is_validate(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	if (!IsA(node, AlterTableStmt) || !cmig_lint_model_is_large(lint->target))
		return false;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_ValidateConstraint)
			return true;
	}
	return false;
}

/*
 * Returns another table on which the statement takes a lock that blocks
 * writes.  Returns NULL if there is none.  Tables on which this revision
 * already holds an AccessExclusiveLock are skipped.
 */
static CmigLintTable *
other_locked(CmigLint *lint, const CmigLintTable *held)
{
	ListCell   *lc;

	foreach(lc, lint->locks)
	{
		CmigLintLock *lock = lfirst(lc);

		if (lock->table != held && lock->mode >= ShareLock &&
			(lock->table->in_revision != lint->revision_number || lock->table->locked_at == 0))
			return lock->table;
	}
	return NULL;
}

/* Implements the rule statement-after-access-exclusive. */
static void
check_after_exclusive(CmigLint *lint, Node *node)
{
	CmigLintTable *held = lint->session.held;
	int			number = lint->session.held_since;

	if (held == NULL || !cmig_lint_session_in_transaction(lint))
		return;
	if (!IsA(node, DoStmt) && !IsA(node, CallStmt) && !uses_shared(lint, node) &&
		!is_validate(lint, node) && !is_slow(lint))
	{
		CmigLintTable *other = other_locked(lint, held);

		/*
		 * if several statements only wait for a lock, report only the first
		 * of them
		 */
		if (lint->session.wait_reported || other == NULL)
			return;
		lint->session.wait_reported = true;
		cmig_lint_report(lint, NULL, "%s, locked against reads and writes by statement %d, stays locked while this statement waits for its lock on %s",
						 cmig_lint_text_name(held), number, cmig_lint_text_name(other));
		return;
	}
	cmig_lint_report(lint, NULL, "%s, locked against reads and writes by statement %d, stays locked while this statement runs",
					 cmig_lint_text_name(held), number);
}

/*
 * backfill-with-schema-change
 */

/* Implements the rule backfill-with-schema-change. */
static void
check_backfill(CmigLint *lint, Node *node)
{
	List	   *updated;
	List	   *seen = NIL;
	ListCell   *lc;

	(void) cmig_lint_uses_of(node, &updated);
	foreach(lc, cmig_lint_session_in_transaction(lint) ? updated : NIL)
	{
		CmigLintTable *table = cmig_lint_state_find(lint, lfirst(lc), false);

		if (table == NULL || list_member_ptr(seen, table))
			continue;
		seen = lappend(seen, table);
		if (cmig_lint_model_is_large(table) && table->in_revision == lint->revision_number && table->locked_at > 0)
			cmig_lint_report(lint, NULL, "UPDATE of %s runs in the transaction that altered the table in statement %d, and the table stays locked meanwhile; use cmig.backfill in a later revision",
							 cmig_lint_text_table(table), table->locked_at);
	}
}

/* The last ones use the findings of the other rules. */
const CmigLintRule cmig_lint_others[] = {
	{"row-security-lost", CMIG_LINT_ERROR, false, check_security,
	{T_CreateStmt, T_CreateTableAsStmt, T_RenameStmt, T_AlterTableStmt}},
	{"privileges-lost", CMIG_LINT_WARNING, false, check_privileges,
	{T_CreateStmt, T_CreateTableAsStmt, T_RenameStmt, T_ViewStmt}},
	{"prefer-lookup-table-over-enum", CMIG_LINT_NOTICE, false, check_create, {T_CreateEnumStmt}},
	{"require-enum-value-ordering", CMIG_LINT_NOTICE, false, check_ordering, {T_AlterEnumStmt}},
	{"renaming-enum-value", CMIG_LINT_WARNING, false, check_rename, {T_AlterEnumStmt}},
	{"ban-new-enum-value-use-in-transaction", CMIG_LINT_ERROR, false, check_use},
	{"require-table-schema", CMIG_LINT_NOTICE, true, check_schema},
	{"identifier-too-long", CMIG_LINT_WARNING, false, check_long},
	{"ban-duplicate-column-assignments", CMIG_LINT_ERROR, false, check_duplicates,
	{T_UpdateStmt, T_InsertStmt, T_MergeStmt, T_SelectStmt, T_CreateStmt, T_AlterTableStmt}},
	{"unchecked-dynamic-sql", CMIG_LINT_NOTICE, false, check_dynamic, {T_DoStmt, T_CallStmt}},
	{"transaction-nesting", CMIG_LINT_ERROR, false, check_nesting, {T_TransactionStmt}},
	{"ban-uncommitted-transaction", CMIG_LINT_ERROR, false, check_uncommitted, {T_TransactionStmt}},
	{"ban-concurrent-index-creation-in-transaction", CMIG_LINT_ERROR, false, check_concurrent_index, {T_IndexStmt}},
	{"ban-non-transactional-statement", CMIG_LINT_ERROR, false, check_top_level},
	{"prefer-robust-stmts", CMIG_LINT_NOTICE, false, check_robust},
	{"require-lock-timeout", CMIG_LINT_NOTICE, false, check_lock_timeout},
	{"require-statement-timeout", CMIG_LINT_NOTICE, false, check_statement_timeout},
	{"statement-after-access-exclusive", CMIG_LINT_WARNING, false, check_after_exclusive},
	{"backfill-with-schema-change", CMIG_LINT_WARNING, false, check_backfill,
	{T_UpdateStmt, T_InsertStmt, T_DeleteStmt, T_SelectStmt, T_MergeStmt}},
	{NULL}
};
