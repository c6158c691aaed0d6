/*
 * statement.c
 *	  Classifies statements for the runner.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "parse/lexer.h"
#include "parse/statement.h"

#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "nodes/value.h"
#include "parser/parser.h"
#include "utils/builtins.h"

bool
cmig_statement_option(const List *options, const char *name, bool otherwise)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return defGetBoolean(option);
	}
	return otherwise;
}

bool
cmig_statement_has_option(const List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return true;
	}
	return false;
}

/* Returns the name of a transaction statement for messages. */
static const char *
transaction_name(const TransactionStmt *statement)
{
	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
			return "BEGIN";
		case TRANS_STMT_START:
			return "START TRANSACTION";
		case TRANS_STMT_COMMIT:
			return "COMMIT";
		case TRANS_STMT_ROLLBACK:
			return "ROLLBACK";
		case TRANS_STMT_SAVEPOINT:
			return "SAVEPOINT";
		case TRANS_STMT_RELEASE:
			return "RELEASE SAVEPOINT";
		case TRANS_STMT_ROLLBACK_TO:
			return "ROLLBACK TO SAVEPOINT";
		case TRANS_STMT_PREPARE:
			return "PREPARE TRANSACTION";
		case TRANS_STMT_COMMIT_PREPARED:
			return "COMMIT PREPARED";
		case TRANS_STMT_ROLLBACK_PREPARED:
			return "ROLLBACK PREPARED";
	}
	return "transaction control";
}

static CmigStatementClass
classify_reindex(const ReindexStmt *statement, const char **reason)
{
	switch (statement->kind)
	{
		case REINDEX_OBJECT_SCHEMA:
			*reason = "REINDEX SCHEMA";
			return CMIG_STATEMENT_TOP_LEVEL;
		case REINDEX_OBJECT_SYSTEM:
			*reason = "REINDEX SYSTEM";
			return CMIG_STATEMENT_TOP_LEVEL;
		case REINDEX_OBJECT_DATABASE:
			*reason = "REINDEX DATABASE";
			return CMIG_STATEMENT_TOP_LEVEL;
		case REINDEX_OBJECT_INDEX:
		case REINDEX_OBJECT_TABLE:
			break;
	}
	if (cmig_statement_option(statement->params, "concurrently", false))
	{
		*reason = statement->kind == REINDEX_OBJECT_INDEX ?
			"REINDEX INDEX CONCURRENTLY" : "REINDEX TABLE CONCURRENTLY";
		return CMIG_STATEMENT_CONCURRENTLY;
	}
	*reason = "REINDEX";
	return CMIG_STATEMENT_PLAIN;
}

/*
 * Classify CREATE or ALTER SUBSCRIPTION.  Checks that depend on an existing
 * slot are left to the server.
 */
static CmigStatementClass
classify_subscription(const Node *node, const char **reason)
{
	if (IsA(node, CreateSubscriptionStmt))
	{
		List	   *options = ((const CreateSubscriptionStmt *) node)->options;

		*reason = "CREATE SUBSCRIPTION that creates a slot";
		if (cmig_statement_option(options, "connect", true) &&
			cmig_statement_option(options, "create_slot", true))
			return CMIG_STATEMENT_TOP_LEVEL;
	}
	else
	{
		const AlterSubscriptionStmt *alter = (const AlterSubscriptionStmt *) node;

		switch (alter->kind)
		{
			case ALTER_SUBSCRIPTION_REFRESH:
				*reason = "ALTER SUBSCRIPTION ... REFRESH PUBLICATION";
				return CMIG_STATEMENT_TOP_LEVEL;
			case ALTER_SUBSCRIPTION_SET_PUBLICATION:
			case ALTER_SUBSCRIPTION_ADD_PUBLICATION:
			case ALTER_SUBSCRIPTION_DROP_PUBLICATION:
				*reason = "ALTER SUBSCRIPTION with refresh";
				if (cmig_statement_option(alter->options, "refresh", true))
					return CMIG_STATEMENT_TOP_LEVEL;
				break;
			case ALTER_SUBSCRIPTION_OPTIONS:

				/*
				 * on servers that support these options, setting them alters
				 * the replication slot
				 */
				*reason = "ALTER SUBSCRIPTION ... SET (failover or two_phase)";
				if (cmig_statement_has_option(alter->options, "failover") ||
					cmig_statement_has_option(alter->options, "two_phase"))
					return CMIG_STATEMENT_TOP_LEVEL;
				break;
			default:
				break;
		}
	}
	*reason = "SUBSCRIPTION";
	return CMIG_STATEMENT_PLAIN;
}

/*
 * Returns the first DETACH PARTITION ... CONCURRENTLY action, or NULL if there
 * is none.
 */
static PartitionCmd *
find_detach_concurrently(const AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_DetachPartition &&
			castNode(PartitionCmd, command->def)->concurrent)
			return (PartitionCmd *) command->def;
	}
	return NULL;
}

const char *
cmig_statement_own_procedure(const RawStmt *raw, bool *qualified)
{
	static const char *const procedures[] = {
		"CALL cmig.backfill", "CALL cmig.add_not_null", "CALL cmig.add_foreign_key",
		"CALL cmig.add_check", "CALL cmig.add_unique"
	};
	List	   *name;

	if (!IsA(raw->stmt, CallStmt))
		return NULL;
	name = ((const CallStmt *) raw->stmt)->funccall->funcname;
	*qualified = list_length(name) > 1;
	if (*qualified && strcmp(strVal(list_nth(name, list_length(name) - 2)), "cmig") != 0)
		return NULL;
	for (int i = 0; i < lengthof(procedures); i++)
	{
		if (strcmp(procedures[i] + strlen("CALL cmig."), strVal(llast(name))) == 0)
			return procedures[i];
	}
	return NULL;
}

bool
cmig_statement_is_concurrent(const RawStmt *raw)
{
	const char *reason;

	if (IsA(raw->stmt, ReindexStmt))
		return cmig_statement_option(((const ReindexStmt *) raw->stmt)->params, "concurrently", false);
	return cmig_statement_classify(raw, &reason) == CMIG_STATEMENT_CONCURRENTLY;
}

/*
 * Returns the name of a statement with CONCURRENTLY, other than REINDEX.
 * Returns NULL for any other statement.
 */
static const char *
concurrent_name(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_IndexStmt:
			return ((const IndexStmt *) node)->concurrent ? "CREATE INDEX CONCURRENTLY" : NULL;
		case T_DropStmt:
			return ((const DropStmt *) node)->concurrent ? "DROP INDEX CONCURRENTLY" : NULL;
		case T_AlterTableStmt:
			return find_detach_concurrently((const AlterTableStmt *) node) ?
				"ALTER TABLE ... DETACH PARTITION CONCURRENTLY" : NULL;
		default:
			return NULL;
	}
}

/*
 * Returns the name of a statement that cannot run inside a transaction block.
 * Returns NULL for any other statement.
 */
static const char *
top_level_name(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_VacuumStmt:
			return ((const VacuumStmt *) node)->is_vacuumcmd ? "VACUUM" : NULL;
		case T_ClusterStmt:
			return ((const ClusterStmt *) node)->relation == NULL ? "CLUSTER without a table" : NULL;
		case T_CreatedbStmt:
			return "CREATE DATABASE";
		case T_DropdbStmt:
			return "DROP DATABASE";
		case T_AlterDatabaseStmt:
			return cmig_statement_has_option(((const AlterDatabaseStmt *) node)->options, "tablespace") ?
				"ALTER DATABASE ... SET TABLESPACE" : NULL;
		case T_CreateTableSpaceStmt:
			return "CREATE TABLESPACE";
		case T_DropTableSpaceStmt:
			return "DROP TABLESPACE";
		case T_AlterSystemStmt:
			return "ALTER SYSTEM";
		default:
			return NULL;
	}
}

CmigStatementClass
cmig_statement_classify(const RawStmt *raw, const char **reason)
{
	const Node *node = raw->stmt;
	bool		qualified;

	switch (nodeTag(node))
	{
		case T_TransactionStmt:
			*reason = transaction_name((const TransactionStmt *) node);
			return CMIG_STATEMENT_TRANSACTION;

		case T_CopyStmt:
			if (((const CopyStmt *) node)->filename != NULL || ((const CopyStmt *) node)->is_program)
				break;
			*reason = ((const CopyStmt *) node)->is_from ? "COPY FROM STDIN" : "COPY TO STDOUT";
			return CMIG_STATEMENT_CLIENT_COPY;

		case T_DiscardStmt:
			if (((const DiscardStmt *) node)->target != DISCARD_ALL)
				break;
			*reason = "DISCARD ALL";
			return CMIG_STATEMENT_DISCARD_ALL;

		case T_ReindexStmt:
			return classify_reindex((const ReindexStmt *) node, reason);

		case T_CallStmt:
			*reason = cmig_statement_own_procedure(raw, &qualified);
			if (*reason != NULL && qualified)
				return CMIG_STATEMENT_OWN_PROCEDURE;
			break;

		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
			return classify_subscription(node, reason);

		default:
			if ((*reason = concurrent_name(node)) != NULL)
				return CMIG_STATEMENT_CONCURRENTLY;
			if ((*reason = top_level_name(node)) != NULL)
				return CMIG_STATEMENT_TOP_LEVEL;
			break;
	}
	*reason = "a statement that runs in a transaction";
	return CMIG_STATEMENT_PLAIN;
}

void
cmig_statement_refuse(const RawStmt *raw)
{
	const char *reason;

	switch (cmig_statement_classify(raw, &reason))
	{
		case CMIG_STATEMENT_TRANSACTION:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s is not allowed in a revision's script", reason),
					 errdetail("The session that runs the revision controls the transaction."),
					 errhint("Remove it. Put statements that may fail into a DO block with an EXCEPTION clause.")));
			break;

		case CMIG_STATEMENT_CLIENT_COPY:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s is not allowed in a revision's script", reason),
					 errdetail("The script runs in the server and has no client to copy from or to."),
					 errhint("Use INSERT, or COPY with a file on the server.")));
			break;

		case CMIG_STATEMENT_DISCARD_ALL:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s is not allowed in a revision's script", reason),
					 errdetail("It would discard the state of the caller's session."),
					 errhint("Remove it. Session state that the script leaves behind is cleared when the script ends.")));
			break;

		default:
			break;
	}
}

bool
cmig_statement_changes_strings(const RawStmt *raw)
{
	const VariableSetStmt *set = (const VariableSetStmt *) raw->stmt;

	return IsA(set, VariableSetStmt) &&
		(set->kind == VAR_RESET_ALL ||
		 (set->name && pg_strcasecmp(set->name, "standard_conforming_strings") == 0));
}

RawStmt *
cmig_statement_without_concurrently(const RawStmt *raw)
{
	RawStmt    *copy = (RawStmt *) copyObjectImpl(raw);
	Node	   *node = copy->stmt;

	if (IsA(node, IndexStmt))
		((IndexStmt *) node)->concurrent = false;
	else if (IsA(node, DropStmt))
		((DropStmt *) node)->concurrent = false;
	else if (IsA(node, ReindexStmt))
	{
		ReindexStmt *reindex = (ReindexStmt *) node;
		ListCell   *lc;

		foreach(lc, reindex->params)
		{
			if (strcmp(lfirst_node(DefElem, lc)->defname, "concurrently") == 0)
				reindex->params = foreach_delete_current(reindex->params, lc);
		}
	}
	else if (IsA(node, AlterTableStmt))
	{
		PartitionCmd *detach;

		while ((detach = find_detach_concurrently((AlterTableStmt *) node)) != NULL)
			detach->concurrent = false;
	}
	else
		elog(ERROR, "no CONCURRENTLY in node type %d", (int) nodeTag(node));
	return copy;
}

/*
 * Objects that end with the session
 */

/*
 * Returns the constant that remains after casts are removed from the node.
 * Returns NULL if the rest is not a constant.
 */
static A_Const *
constant_of(Node *node)
{
	while (IsA(node, TypeCast))
		node = ((TypeCast *) node)->arg;
	return IsA(node, A_Const) ? (A_Const *) node : NULL;
}

/* Would set_config() treat its argument is_local as false? */
static bool
is_for_session(A_Const *is_local)
{
	bool		value;

	if (is_local->isnull)
		return true;
	switch (nodeTag(&is_local->val))
	{
		case T_Boolean:
			return !boolVal(&is_local->val);
		case T_String:
			return parse_bool(strVal(&is_local->val), &value) && !value;
		default:
			return false;
	}
}

/*
 * Is the node a set_config() call with constant arguments that sets a value for
 * the session?
 */
static bool
is_set_config_call(const Node *node)
{
	const FuncCall *call = (const FuncCall *) node;
	ListCell   *lc;

	if (!IsA(call, FuncCall) || strcmp(strVal(llast(call->funcname)), "set_config") != 0 ||
		list_length(call->args) != 3 || call->agg_order != NIL || call->agg_filter != NULL ||
		call->over != NULL || call->agg_star || call->agg_distinct || call->func_variadic)
		return false;
	foreach(lc, call->args)
	{
		if (constant_of(lfirst(lc)) == NULL)
			return false;
	}
	return is_for_session(constant_of(llast(call->args)));
}

List *
cmig_statement_set_config_names(const RawStmt *raw)
{
	const SelectStmt *select = (const SelectStmt *) raw->stmt;
	List	   *names = NIL;
	ListCell   *lc;

	if (!IsA(select, SelectStmt) || select->op != SETOP_NONE || select->distinctClause != NIL ||
		select->intoClause != NULL || select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL || select->windowClause != NIL ||
		select->valuesLists != NIL || select->sortClause != NIL || select->limitOffset != NULL ||
		select->limitCount != NULL || select->lockingClause != NIL || select->withClause != NULL)
		return NIL;
	foreach(lc, select->targetList)
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);

		if (!is_set_config_call(target->val))
			return NIL;
		names = lappend(names, ((const FuncCall *) target->val)->funcname);
	}
	return names;
}

/* Is the relation declared as temporary or qualified with pg_temp? */
static bool
is_temporary_name(const RangeVar *relation)
{
	return relation->relpersistence == RELPERSISTENCE_TEMP ||
		(relation->schemaname != NULL && strcmp(relation->schemaname, "pg_temp") == 0);
}

/*
 * If the statement creates a session-local object, returns the object's name;
 * otherwise, returns NULL.
 */
static const char *
temporary_name(const Node *node)
{
	const RangeVar *relation = NULL;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
			relation = ((const CreateStmt *) node)->relation;
			break;
		case T_CreateTableAsStmt:
			relation = ((const CreateTableAsStmt *) node)->into->rel;
			break;
		case T_SelectStmt:
			if (((const SelectStmt *) node)->intoClause != NULL)
				relation = ((const SelectStmt *) node)->intoClause->rel;
			break;
		case T_ViewStmt:
			relation = ((const ViewStmt *) node)->view;
			break;
		case T_CreateSeqStmt:
			relation = ((const CreateSeqStmt *) node)->sequence;
			break;
		case T_CreateFunctionStmt:
			{
				List	   *name = ((const CreateFunctionStmt *) node)->funcname;

				if (list_length(name) == 2 && strcmp(strVal(linitial(name)), "pg_temp") == 0)
					return strVal(lsecond(name));
				break;
			}
		case T_PrepareStmt:
			return ((const PrepareStmt *) node)->name;
		case T_DeclareCursorStmt:
			return ((const DeclareCursorStmt *) node)->portalname;
		default:
			break;
	}
	return relation != NULL && is_temporary_name(relation) ? relation->relname : NULL;
}

/*
 * Returns the relation that a statement writes to or alters.  Returns NULL if
 * there is none.
 */
static const RangeVar *
written_relation(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_InsertStmt:
			return ((const InsertStmt *) node)->relation;
		case T_UpdateStmt:
			return ((const UpdateStmt *) node)->relation;
		case T_DeleteStmt:
			return ((const DeleteStmt *) node)->relation;
		case T_MergeStmt:
			return ((const MergeStmt *) node)->relation;
		case T_CopyStmt:
			return ((const CopyStmt *) node)->is_from ? ((const CopyStmt *) node)->relation : NULL;
		case T_AlterTableStmt:
			return ((const AlterTableStmt *) node)->relation;
		case T_IndexStmt:
			return ((const IndexStmt *) node)->relation;
		default:
			return NULL;
	}
}

bool
cmig_statement_is_temporary(const RawStmt *raw, List **names)
{
	const char *name = temporary_name(raw->stmt);
	const RangeVar *written = written_relation(raw->stmt);

	if (name != NULL)
	{
		*names = lappend(*names, pstrdup(name));
		return true;
	}
	if (written == NULL || (written->schemaname != NULL && !is_temporary_name(written)))
		return false;
	return cmig_text_list_has(*names, written->relname);
}

bool
cmig_statement_scan(CmigTopLevelScan *scan, const CmigLexer *lexer)
{
	static const char *const first_words[] = {
		"abort", "begin", "call", "cluster", "commit", "copy", "discard", "end",
		"reindex", "release", "rollback", "savepoint", "start", "vacuum", NULL
	};
	static const char *const verbs[] = {"alter", "create", "drop", "prepare", NULL};
	static const char *const objects[] = {
		"database", "subscription", "system", "tablespace", "transaction", NULL
	};

	if (lexer->type == CMIG_TOKEN_WORD)
	{
		if ((scan->at_start && cmig_lexer_is_any_word(lexer, first_words)) ||
			(scan->after_verb && cmig_lexer_is_any_word(lexer, objects)) ||
			cmig_lexer_is_word(lexer, "concurrently"))
			return true;
		scan->after_verb = scan->at_start && cmig_lexer_is_any_word(lexer, verbs);
		scan->at_start = false;
		return false;
	}

	/*
	 * Every semicolon counts as the end of a statement.  This can cause a
	 * false positive, but not a false negative.
	 */
	scan->after_verb = false;
	scan->at_start = cmig_lexer_is_char(lexer, ';');
	return lexer->unterminated || cmig_lexer_is_char(lexer, '\\');
}

bool
cmig_statement_may_need_top_level(const char *source)
{
	static const char *const anywhere[] = {"concurrently", NULL};
	CmigTopLevelScan scan = {true, false};
	CmigLexer	lexer;
	CmigLexerPass pass;

	cmig_lexer_init(&lexer, source);
	cmig_lexer_pass_init(&pass, anywhere);
	lexer.standard_conforming_strings = standard_conforming_strings;
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (cmig_statement_scan(&scan, &lexer))
			return true;
		if (!scan.at_start && !scan.after_verb)
			cmig_lexer_pass(&pass, &lexer);
	}
	return false;
}
