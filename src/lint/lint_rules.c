/*
 * lint_rules.c
 *	  Lint: rules about names, enums, and transactions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "tcop/utility.h"

#include "lint/internal.h"

/*
 * cmig.lint rules about privileges and row-level security that are lost
 * when a table or view is replaced by a new one with the same name.
 */

/*
 * If the statement creates or renames a relation, sets *name to the new name.
 * If a live relation had this name before, returns that live relation;
 * otherwise, returns NULL.
 */
static CmigLintTable *
find_original(CmigLint *lint, Node *node, RangeVar *name)
{
	CmigSubject subject;

	if (!cmig_statement_subject(node, &subject) || subject.object == NULL ||
		!IsA(subject.object, RangeVar) ||
		(subject.type != OBJECT_TABLE && subject.type != OBJECT_VIEW &&
		 subject.type != OBJECT_MATVIEW))
		return NULL;
	*name = *(RangeVar *) subject.object;
	if (IsA(node, RenameStmt) && lint->target != NULL)
	{
		name->schemaname = (char *) lint->target->schema;
		name->relname = ((RenameStmt *) node)->newname;
	}
	else if (!(subject.flags & CMIG_STATEMENT_CREATES))
		return NULL;
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return NULL;
	return cmig_lint_state_original(lint, name);
}

/*
 * Callback at the end of the plan: does the new relation still lack row-level
 * security or, for privileges-lost, privileges?
 */
static bool
is_still_lost(CmigLint *lint, const CmigLintDeferred *replaced)
{
	CmigLintTable *table = cmig_lint_state_find(lint, replaced->name, true);

	return table && table != replaced->table &&
		!(strcmp(replaced->finding->rule->name, "privileges-lost") == 0 ? table->has_grants :
		  table->row_security);
}

/* Implements the rule row-security-lost for a new table. */
static void
check_security(CmigLint *lint, Node *node)
{
	RangeVar	name;
	CmigLintTable *original = find_original(lint, node, &name);

	if (original && original->row_security)
		cmig_lint_report_later(lint,
							   cmig_lint_report(lint, NULL,
												"the old table %s has row-level security, but the new one does not",
												cmig_lint_text_range_var(&name)),
							   true, is_still_lost, original, &name, NULL);
}

/* Implements the rule row-security-lost for ALTER TABLE. */
static void
check_disable(CmigLint *lint, AlterTableCmd *command, int number)
{
	if (cmig_lint_model_is_shared(lint->target) && lint->target->row_security)
		cmig_lint_report(lint, NULL,
						 "DISABLE ROW LEVEL SECURITY shows all rows of %s to every role with privileges on it",
						 cmig_lint_text_name(lint->target));
}

/* Implements the rule privileges-lost. */
static void
check_privileges(CmigLint *lint, Node *node)
{
	static CmigQuery defaults =
	{.sql = "SELECT FROM pg_default_acl WHERE defaclobjtype = 'r' LIMIT 1"};
	RangeVar	name;
	CmigLintTable *original = find_original(lint, node, &name);
	char	   *text = original ? cmig_lint_text_range_var(&name) : NULL;
	char	   *grants = original ? cmig_lint_facts_grants(original->oid, text) : NULL;

	if (grants && cmig_query_run(&defaults, NULL, NULL) == 0)
		cmig_lint_report_later(lint,
							   cmig_lint_report(lint,
												psprintf("%s;\n%s", lint->statement->text, grants),
												"privileges on the old relation %s are not granted on the new one", text),
							   true, is_still_lost, original, &name, NULL);
}

/*
 * cmig.lint rules about enums.
 */

/* Implements the rule prefer-lookup-table-over-enum. */
static void
check_create(CmigLint *lint, Node *node)
{
	cmig_lint_report(lint, NULL,
					 "values of enum %s can be added, but not removed; a lookup table with a foreign key has no such limit",
					 NameListToQuotedString(((CreateEnumStmt *) node)->typeName));
}

/* Implements the rule require-enum-value-ordering. */
static void
check_ordering(CmigLint *lint, Node *node)
{
	AlterEnumStmt *alter = (AlterEnumStmt *) node;

	if (alter->oldVal || alter->newValNeighbor || cmig_lint_types_is_new(lint, alter->typeName) ||
		cmig_lint_types_has_value(lint, alter))
		return;
	cmig_lint_report(lint, NULL,
					 "value %s sorts after all other values of %s; specify its position with BEFORE or AFTER",
					 quote_literal_cstr(alter->newVal), NameListToQuotedString(alter->typeName));
}

/* Implements the rule renaming-enum-value. */
static void
check_rename(CmigLint *lint, Node *node)
{
	AlterEnumStmt *alter = (AlterEnumStmt *) node;

	if (alter->oldVal && !cmig_lint_types_is_new(lint, alter->typeName))
		cmig_lint_report(lint, NULL,
						 "renaming value %s of %s breaks clients that use it; add the new value, change the rows, and leave the old one",
						 quote_literal_cstr(alter->oldVal),
						 NameListToQuotedString(alter->typeName));
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
	const CmigLintNewValue *found;	/* the new value found, or NULL */
} Search;

/* Might the column, which may be unknown, have the type? */
static bool
may_have_type(Search *search, const CmigLintColumn *column, const CmigLintType *type)
{
	Oid			oid;

	if (column == NULL)
		return true;
	if (!OidIsValid(column->type))
		return column->type_name == NULL || strcmp(column->type_name, type->name) == 0;
	oid = cmig_lint_types_find(search->lint,
							   makeTypeNameFromNameList(list_make2(makeString(pstrdup(type->schema)),
																   makeString(pstrdup(type->name))))).oid;
	if (!OidIsValid(oid))
		return get_typtype(column->type) == TYPTYPE_ENUM;
	return getBaseType(column->type) == oid || get_element_type(column->type) == oid;
}

/* Returns the column with this name in one of the statement's tables, or NULL. */
static CmigLintColumn *
find_column(Search *search, const char *name)
{
	foreach_ptr(CmigLintTable, table, search->tables)
	{
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
 * constant is assigned to a column, compared with a column, or cast to "type".
 */
static void
look_at_constant(Search *search, Node *node, const CmigLintColumn *column, const TypeName *type)
{
	A_Const    *constant = (A_Const *) node;

	if (node == NULL || !IsA(node, A_Const) || !IsA(&constant->val, String))
		return;
	foreach_ptr(const CmigLintNewValue, new, search->lint->session.values)
	{
		if (strcmp(new->value, strVal(&constant->val)) != 0)
			continue;
		if (type ? strcmp(strVal(llast(type->names)), new->type->name) == 0 :
			may_have_type(search, column, new->type))
			search->found = new;
		return;
	}
}

/*
 * Check the constants on the right side of a comparison if its left side is a
 * column.
 */
static void
look_at_comparison(Search *search, Node *left, Node *right)
{
	CmigLintColumn *column;

	if (left == NULL || !IsA(left, ColumnRef) ||
		!IsA(llast(((ColumnRef *) left)->fields), String) || right == NULL)
		return;
	column = find_column(search, strVal(llast(((ColumnRef *) left)->fields)));
	foreach_ptr(Node, node, IsA(right, List) ? (List *) right : list_make1(right))
		look_at_constant(search, node, column, NULL);
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
			look_at_constant(search, ((TypeCast *) node)->arg, NULL, ((TypeCast *) node)->typeName);
			break;
		case T_UpdateStmt:
			foreach_node(ResTarget, target, ((UpdateStmt *) node)->targetList)
				look_at_constant(search, target->val, find_column(search, target->name), NULL);
			break;
		case T_CaseWhen:
			look_at_constant(search, (Node *) ((CaseWhen *) node)->result, NULL, NULL);
			break;
		case T_InsertStmt:
			{
				InsertStmt *insert = (InsertStmt *) node;
				SelectStmt *source = (SelectStmt *) insert->selectStmt;
				CmigLintTable *table = cmig_lint_state_find(search->lint, insert->relation, false);

				if (table)
					cmig_lint_state_load(search->lint, table);
				foreach(lc, source ? source->valuesLists : NIL)
				{
					i = 0;
					foreach_ptr(Node, element, lfirst(lc))
					{
						CmigLintColumn *column = NULL;

						if (table && insert->cols == NIL)
							column = i < list_length(table->columns) ? list_nth(table->columns, i) :
								NULL;
						else if (table && i < list_length(insert->cols))
							column = cmig_lint_model_column(table,
															list_nth_node(ResTarget, insert->cols,
																		  i)->name);
						look_at_constant(search, element, column, NULL);
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

/* Search the defaults and constraints in CREATE TABLE or ALTER TABLE. */
static void
look_at_definitions(Search *search, Node *node)
{
	foreach_ptr(const CmigLintAdded, added, cmig_lint_added(search->lint, node))
	{
		Node	   *expression = added->constraint->raw_expr;
		bool		is_default = added->constraint->contype == CONSTR_DEFAULT;

		/* the columns of a typed table have no types here */
		if (is_default && added->column->typeName)
		{
			CmigLintMeaning type = cmig_lint_types_find(search->lint, added->column->typeName);
			CmigLintColumn column = {.type = type.oid,.type_name = type.new_name};

			look_at_constant(search, expression, &column, NULL);
		}
		else if (is_default)
			look_at_constant(search, expression, NULL, NULL);
		(void) walk(expression, search);
	}
	foreach_node(AlterTableCmd, command,
				 IsA(node, AlterTableStmt) ? ((AlterTableStmt *) node)->cmds : NIL)
	{
		if (command->subtype != AT_ColumnDefault)
			continue;
		look_at_constant(search, command->def, find_column(search, command->name), NULL);
		(void) walk(command->def, search);
	}
}

/* Implements the rule ban-new-enum-value-use-in-transaction. */
static void
check_use(CmigLint *lint, Node *node)
{
	Search		search = {lint};

	if (!cmig_lint_session_in_transaction(lint) || lint->session.values == NIL)
		return;
	if (lint->target)
		search.tables = list_make1(lint->target);
	foreach_ptr(RangeVar, relation, cmig_lint_uses_of(node))
	{
		CmigLintTable *table = cmig_lint_state_find(lint, relation, false);

		if (table)
			search.tables = lappend(search.tables, table);
	}
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
		case T_CreateStmt:
			look_at_definitions(&search, node);
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
		default:
			if (cmig_statement_flags(node) & CMIG_STATEMENT_QUERY)
				(void) walk(node, &search);
			break;
	}
	if (search.found == NULL)
		return;
	if (search.found->revision != lint->revision && search.found->revision != NULL)
		cmig_lint_report(lint, NULL,
						 "the new value %s of %s, which revision %s adds, cannot be used in the same transaction; cmig.upgrade_stepwise commits after each revision",
						 quote_literal_cstr(search.found->value),
						 quote_identifier(search.found->type->name),
						 search.found->revision);
	else
		cmig_lint_report(lint, NULL,
						 "the new value %s of %s cannot be used before the transaction that adds it commits",
						 quote_literal_cstr(search.found->value),
						 quote_identifier(search.found->type->name));
}

/*
 * cmig.lint rules about names and about code that cmig.lint cannot read.
 */

/* Implements the rule identifier-too-long. */
static void
check_long(CmigLint *lint, Node *node)
{
	foreach_ptr(const char, name, cmig_lint_source_long_names(lint->statement->text))
		cmig_lint_report(lint, NULL, "the name is truncated to %d bytes: \"%.*s\"", NAMEDATALEN - 1,
						 pg_mbcliplen(name, strlen(name), NAMEDATALEN - 1), name);
}

/* Implements the rule require-table-schema. */
static void
check_schema(CmigLint *lint, Node *node)
{
	List	   *names = NIL;

	foreach_ptr(const CmigLock, lock, cmig_statement_locks(node))
	{
		CmigLintTable *table;

		/* an index belongs to the schema of its table */
		if (lock->relation == NULL || lock->relation->schemaname ||
			lock->relation->relpersistence == RELPERSISTENCE_TEMP ||
			(lock->object && IsA(lock->object, IndexStmt)) ||
			(IsA(node, DropStmt) && lock->type == OBJECT_INDEX))
			continue;
		table = cmig_lint_state_find(lint, lock->relation, true);
		if ((table == NULL || !table->temporary) &&
			!cmig_text_list_has(names, lock->relation->relname))
			names = lappend(names, lock->relation->relname);
	}
	if (names != NIL)
		cmig_lint_report(lint, NULL, "unqualified table names depend on search_path: %s",
						 cmig_text_join(names, quote_identifier));
}

/*
 * Is something that exists dropped with something else from now on?  Returns with
 * what, or NULL.
 */
static const char *
find_holder(CmigLint *lint, Node *node)
{
	if (IsA(node, AlterExtensionContentsStmt))
		return ((AlterExtensionContentsStmt *) node)->action > 0 ? "the extension" : NULL;
	if (IsA(node, AlterTableStmt))
	{
		foreach_node(AlterTableCmd, command, ((AlterTableStmt *) node)->cmds)
		{
			if (command->subtype == AT_AddOf &&
				cmig_lint_model_is_shared(cmig_lint_state_find(lint,
															   ((AlterTableStmt *) node)->relation,
															   true)))
				return "the type";
		}
		return NULL;
	}
	foreach_node(DefElem, option, IsA(node, AlterSeqStmt) ? ((AlterSeqStmt *) node)->options : NIL)
	{
		List	   *names = strcmp(option->defname, "owned_by") == 0 ? (List *) option->arg : NIL;

		/* OWNED BY NONE has one name */
		if (list_length(names) > 1 &&
			cmig_lint_model_is_shared(cmig_lint_state_find(lint, ((AlterSeqStmt *) node)->sequence,
														   true)) &&
			!cmig_lint_model_is_shared(cmig_lint_state_find_if(lint,
															   cmig_locks_owner((Node *) names),
															   true)))
			return "the column";
	}
	return NULL;
}

/* Implements the rule unchecked-dynamic-sql. */
static void
check_dynamic(CmigLint *lint, Node *node)
{
	const char *holder = find_holder(lint, node);
	bool		qualified;

	if (holder != NULL)
		cmig_lint_report(lint, NULL,
						 "what belongs to %s from now on is dropped with it, which lint cannot follow; cmig.lint(rehearse => true) can", holder);
	if (!(IsA(node, DoStmt) || IsA(node, CallStmt)) || !lint->runs_code ||
		(cmig_statement_own_procedure(lint->statement->raw, &qualified) && qualified))
		return;
	cmig_lint_report(lint, NULL, "lint cannot analyze %s; cmig.dry_run shows its effects",
					 IsA(node, DoStmt) ? "DO" : "CALL");
}

/* Report the first name that occurs twice in a list of ResTarget or ColumnDef. */
static void
report_duplicate(CmigLint *lint, List *elements)
{
	List	   *seen = NIL;

	foreach_ptr(Node, node, elements)
	{
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
			cmig_lint_report(lint, NULL, "column %s is specified more than once",
							 quote_identifier(name));
			return;
		}
		seen = lappend(seen, (char *) name);
	}
}

/* raw_expression_tree_walker callback: report columns that are assigned twice. */
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

	if (IsA(node, CreateStmt))
		report_duplicate(lint, ((CreateStmt *) node)->tableElts);
	else if (IsA(node, AlterTableStmt))
	{
		foreach_node(AlterTableCmd, command, ((AlterTableStmt *) node)->cmds)
		{
			if (command->subtype == AT_AddColumn && !command->missing_ok)
				columns = lappend(columns, command->def);
		}
		report_duplicate(lint, columns);
	}
	else
		(void) walk_assignments(node, lint);
}

/*
 * cmig.lint rules about transactions, timeouts, and locks held in
 * transactions.
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
	cmig_lint_report(lint, NULL,
					 "%s is not allowed in a script: the session that runs the revision controls the transaction",
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
	finding = cmig_lint_report(lint, NULL,
							   "the script does not end the transaction that begins here");
	cmig_lint_report_later(lint, finding, false, is_open, NULL, NULL, NULL);
}

/*
 * Statements that cannot run in a transaction
 */

/* Implements the rule ban-concurrent-index-creation-in-transaction. */
static void
check_concurrent_index(CmigLint *lint, Node *node)
{
	if (((IndexStmt *) node)->concurrent && cmig_lint_session_in_transaction(lint) &&
		cmig_running_concurrent_ddl() &&
		cmig_lint_state_concurrently_failure(lint, node, false) == NULL)
		cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s", lint->statement->text),
						 "CREATE INDEX CONCURRENTLY fails inside a transaction");
}

/* Implements the rule ban-non-transactional-statement. */
static void
check_top_level(CmigLint *lint, Node *node)
{
	const char *name;
	RangeVar   *relation = IsA(node, ReindexStmt) ? ((ReindexStmt *) node)->relation :
	IsA(node, ClusterStmt) ? cmig_clustered_compat((ClusterStmt *) node) : NULL;
	CmigLintTable *table;

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
			table = relation ? cmig_lint_state_find(lint, relation, false) : NULL;
			if (table == NULL ||
				(table->kind != RELKIND_PARTITIONED_TABLE &&
				 table->kind != RELKIND_PARTITIONED_INDEX))
				return;
			name = IsA(node, ReindexStmt) ? "REINDEX of a partitioned table" :
				"CLUSTER of a partitioned table";
			break;
	}
	cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s", lint->statement->text),
					 "%s fails inside a transaction", name);
}

/* Implements the rule requires-extension. */
static void
check_extension(CmigLint *lint, Node *node)
{
	const char *fix;
	const char *refusal = cmig_settings_engine() ? cmig_record_refusal(lint->statement, &fix) : NULL;

	if (refusal != NULL)
		cmig_lint_report(lint, NULL, "the statement %s", refusal);
}

/*
 * Callback at the end of the revision: does the script have any other
 * statements, which might fail?
 */
static bool
has_others(CmigLint *lint, const CmigLintDeferred *deferred)
{
	return lint->statements > 1;
}

/* Returns the last word of the statement's command tag, in lower case. */
static char *
last_word(Node *node)
{
	char	   *tag = pstrdup(CreateCommandName(node));
	char	   *space = strrchr(tag, ' ');

	for (char *p = tag; *p; p++)
		*p = pg_ascii_tolower(*p);
	return space ? space + 1 : tag;
}

/*
 * Implements the rule prefer-robust-stmts: finds the word after which the
 * statement could have IF [NOT] EXISTS.
 */
static void
check_robust(CmigLint *lint, Node *node)
{
	const char *text = lint->statement->text;
	const char *clause = IsA(node, DropStmt) ? "IF EXISTS" : "IF NOT EXISTS";
	const char *word = last_word(node);
	bool		robust = true;
	CreateTableAsStmt *create_as = (CreateTableAsStmt *) node;

	if (cmig_lint_session_in_transaction(lint))
		return;
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			foreach_node(AlterTableCmd, command, ((AlterTableStmt *) node)->cmds)
			{
				bool		adds = command->subtype == AT_AddColumn;

				if (command->missing_ok || !robust ||
					(!adds && command->subtype != AT_DropColumn &&
					 command->subtype != AT_DropConstraint))
					continue;
				robust = false;
				clause = adds ? "IF NOT EXISTS" : "IF EXISTS";
				word = command->subtype == AT_DropConstraint ? "constraint" :
					cmig_lint_source_has(text, "column") ? "column" : adds ? "add" : "drop";
			}
			break;
		case T_DropStmt:
			robust = ((DropStmt *) node)->missing_ok;
			if (((DropStmt *) node)->concurrent)
				word = "concurrently";
			break;
		case T_CreateStmt:
			robust = ((CreateStmt *) node)->if_not_exists ||
				((CreateStmt *) node)->relation->relpersistence == RELPERSISTENCE_TEMP;
			break;
		case T_CreateTableAsStmt:
			word = create_as->objtype == OBJECT_MATVIEW ? "view" : "table";
			robust = create_as->if_not_exists ||
				create_as->into->rel->relpersistence == RELPERSISTENCE_TEMP ||
				cmig_lint_source_has(text, "into");
			break;
		case T_IndexStmt:
			robust = ((IndexStmt *) node)->if_not_exists || ((IndexStmt *) node)->idxname == NULL;
			if (((IndexStmt *) node)->concurrent)
				word = "concurrently";
			break;
		case T_CreateSeqStmt:
			robust = ((CreateSeqStmt *) node)->if_not_exists;
			break;
		case T_CreateSchemaStmt:
			robust = ((CreateSchemaStmt *) node)->if_not_exists ||
				((CreateSchemaStmt *) node)->schemaElts != NIL;
			break;
		case T_CreateExtensionStmt:
			robust = ((CreateExtensionStmt *) node)->if_not_exists;
			break;
		case T_AlterEnumStmt:
			word = "value";
			robust = ((AlterEnumStmt *) node)->skipIfNewValExists ||
				((AlterEnumStmt *) node)->oldVal;
			break;
		default:
			break;
	}
	if (!robust)
		cmig_lint_report_later(lint,
							   cmig_lint_report(lint,
												cmig_lint_source_insert(text, word,
																		psprintf(" %s", clause)),
												"the script does not run in a single transaction; with %s, this statement can run again if a later one fails", clause),
							   false, has_others, NULL, NULL, NULL);
}

/*
 * Implements the rules require-lock-timeout and require-statement-timeout:
 * report a missing timeout at the first statement that takes a lock.
 */
static void
check_timeout(CmigLint *lint, Node *node)
{
	static const struct
	{
		const char *rule;
		const char *fix;
		const char *does;
	}			timeouts[] =	/* by CmigLintTimeout */

	{
		{"require-lock-timeout", "SET lock_timeout = '2s'",
		"may wait for its lock on %s without a limit, and blocks later statements while it waits"},
		{"require-statement-timeout", "SET statement_timeout = '1min'",
		"may hold its lock on %s for an unlimited time"},
	};
	int			i = strcmp(lint->rule->name, timeouts[0].rule) == 0 ? CMIG_LINT_LOCK_TIMEOUT :
	CMIG_LINT_STATEMENT_TIMEOUT;

	if (lint->locks == NIL || lint->session.timeouts[i] || lint->session.reported[i])
		return;
	cmig_lint_report(lint, psprintf("%s;\n%s", timeouts[i].fix, lint->statement->text),
					 "the statement %s",
					 psprintf(timeouts[i].does,
							  cmig_lint_text_name(((CmigLintLock *) linitial(lint->locks))->table)));
	lint->session.reported[i] = true;
}

/* Do the findings so far say that the statement scans or rewrites a table? */
static bool
is_slow(CmigLint *lint)
{
	for (int i = list_length(lint->findings) - 1; i >= 0; i--)
	{
		CmigLintFinding *finding = list_nth(lint->findings, i);

		if (finding->statement != lint->statement->number || finding->revision != lint->revision)
			break;
		if (finding->rule->flags & CMIG_LINT_SLOW)
			return true;
	}
	return false;
}

/*
 * Implements the rule statement-after-access-exclusive.  If several statements
 * only wait for a lock, only the first of them is reported.
 */
static void
check_after_exclusive(CmigLint *lint, Node *node)
{
	CmigLintSession *session = &lint->session;
	bool		runs = IsA(node, DoStmt) || IsA(node, CallStmt) || is_slow(lint);
	CmigLintTable *other = NULL;
	ListCell   *lc;

	if (session->held == NULL || !cmig_lint_session_in_transaction(lint))
		return;
	foreach_ptr(RangeVar, name, cmig_lint_uses_of(node))
		runs |= cmig_lint_model_is_shared(cmig_lint_state_find(lint, name, false));
	foreach(lc, IsA(node, AlterTableStmt) &&
			cmig_lint_model_is_large(lint->target) ? ((AlterTableStmt *) node)->cmds : NIL)
		runs |= lfirst_node(AlterTableCmd, lc)->subtype == AT_ValidateConstraint;

	/* another table that this revision has not locked against reads already */
	foreach_ptr(CmigLintLock, lock, lint->locks)
	{
		if (other == NULL && lock->table != session->held && lock->mode >= ShareLock &&
			(lock->table->in_revision != lint->revision_number || lock->table->locked_at == 0))
			other = lock->table;
	}
	if (runs)
		cmig_lint_report(lint, NULL,
						 "%s, locked against reads and writes by statement %d, stays locked while this statement runs",
						 cmig_lint_text_name(session->held), session->held_since);
	else if (other && !session->wait_reported)
	{
		session->wait_reported = true;

		cmig_lint_report(lint, NULL,
						 "%s, locked against reads and writes by statement %d, stays locked while this statement waits for its lock on %s",
						 cmig_lint_text_name(session->held), session->held_since,
						 cmig_lint_text_name(other));
	}
}

/* Implements the rule backfill-with-schema-change. */
static void
check_backfill(CmigLint *lint, Node *node)
{
	List	   *seen = NIL;

	foreach_ptr(const CmigLock, lock,
				cmig_lint_session_in_transaction(lint) ? cmig_statement_locks(node) : NIL)
	{
		CmigLintTable *table = lock->action == CMIG_LOCK_TAKE && lock->object &&
		IsA(lock->object, UpdateStmt) ? cmig_lint_state_find(lint, lock->relation, false) : NULL;

		if (table == NULL || list_member_ptr(seen, table))
			continue;
		seen = lappend(seen, table);
		if (cmig_lint_model_is_large(table) && table->in_revision == lint->revision_number &&
			table->locked_at > 0)
			cmig_lint_report(lint, NULL,
							 "UPDATE of %s runs in the transaction that altered the table in statement %d, and the table stays locked meanwhile; use cmig.backfill in a later revision",
							 cmig_lint_text_table(table), table->locked_at);
	}
}

/* The last ones use the findings of the other rules. */
const CmigLintRule cmig_lint_others[] = {
	{"row-security-lost", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_security,
	{T_CreateStmt, T_CreateTableAsStmt, T_RenameStmt}},
	{"row-security-lost", CMIG_LINT_ERROR, CMIG_LINT_CALLED, NULL, {T_AlterTableStmt},
	AT_DisableRowSecurity, check_disable},
	{"privileges-lost", CMIG_LINT_WARNING, CMIG_LINT_FACTS, check_privileges,
	{T_CreateStmt, T_CreateTableAsStmt, T_RenameStmt, T_ViewStmt}},
	{"prefer-lookup-table-over-enum", CMIG_LINT_NOTICE, 0, check_create, {T_CreateEnumStmt}},
	{"require-enum-value-ordering", CMIG_LINT_NOTICE, 0, check_ordering, {T_AlterEnumStmt}},
	{"renaming-enum-value", CMIG_LINT_WARNING, CMIG_LINT_EXPAND, check_rename, {T_AlterEnumStmt}},
	{"ban-new-enum-value-use-in-transaction", CMIG_LINT_ERROR, 0, check_use},
	{"require-table-schema", CMIG_LINT_NOTICE, CMIG_LINT_OPT_IN, check_schema},
	{"identifier-too-long", CMIG_LINT_WARNING, 0, check_long},
	{"ban-duplicate-column-assignments", CMIG_LINT_ERROR, 0, check_duplicates,
	{T_UpdateStmt, T_InsertStmt, T_MergeStmt, T_SelectStmt, T_CreateStmt, T_AlterTableStmt}},
	{"unchecked-dynamic-sql", CMIG_LINT_NOTICE, 0, check_dynamic,
	{T_DoStmt, T_CallStmt, T_AlterExtensionContentsStmt, T_AlterTableStmt, T_AlterSeqStmt}},
	{"transaction-nesting", CMIG_LINT_ERROR, 0, check_nesting, {T_TransactionStmt}},
	{"ban-uncommitted-transaction", CMIG_LINT_ERROR, 0, check_uncommitted, {T_TransactionStmt}},
	{"ban-concurrent-index-creation-in-transaction", CMIG_LINT_ERROR, 0, check_concurrent_index,
	{T_IndexStmt}},
	{"ban-non-transactional-statement", CMIG_LINT_ERROR, 0, check_top_level},
	{"requires-extension", CMIG_LINT_ERROR, 0, check_extension},
	{"prefer-robust-stmts", CMIG_LINT_NOTICE, 0, check_robust},
	{"require-lock-timeout", CMIG_LINT_NOTICE, 0, check_timeout},
	{"require-statement-timeout", CMIG_LINT_NOTICE, 0, check_timeout},
	{"statement-after-access-exclusive", CMIG_LINT_WARNING, CMIG_LINT_FILL, check_after_exclusive},
	{"backfill-with-schema-change", CMIG_LINT_WARNING, CMIG_LINT_FILL, check_backfill,
	{T_UpdateStmt, T_InsertStmt, T_DeleteStmt, T_SelectStmt, T_MergeStmt}},
	{NULL}
};
