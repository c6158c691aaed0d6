/*
 * lint_names.c
 *	  cmig.lint rules about names and about code that cmig.lint cannot read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_rules.h"
#include "lint/lint_source.h"
#include "lint/lint_state.h"
#include "lint/lint_uses.h"
#include "parse/statement.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/builtins.h"

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
	table = cmig_lint_state_peek(lint, name);
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
	add_names(lint, text, cmig_lint_uses_of(node));
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

const CmigLintRule cmig_lint_names[] = {
	{"require-table-schema", CMIG_LINT_NOTICE, true, check_schema},
	{"identifier-too-long", CMIG_LINT_WARNING, false, check_long},
	{"ban-duplicate-column-assignments", CMIG_LINT_ERROR, false, check_duplicates,
	{T_UpdateStmt, T_InsertStmt, T_MergeStmt, T_SelectStmt, T_CreateStmt, T_AlterTableStmt}},
	{"unchecked-dynamic-sql", CMIG_LINT_NOTICE, false, check_dynamic, {T_DoStmt, T_CallStmt}},
	{NULL}
};
