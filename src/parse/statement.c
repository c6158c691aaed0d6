/*
 * statement.c
 *	  Statements: what they are, and whether a script can contain them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "parse/internal.h"

/* ----------------------------------------------------------------
 * Calls the server's parser, but rejects text that takes very long to
 * parse.
 *
 * No other module calls raw_parser().
 * ----------------------------------------------------------------
 */

/*
 * At each operator and each start of a comment, the server's scanner looks at
 * all operator characters that follow without a gap.  Therefore, a long run of
 * such characters takes quadratic time.
 */
#define OPERATOR_CHARACTERS "~!@#^&|`?+-*/%<>="
#define MIN_RUN 64				/* shorter runs may be missed */
#define MAX_LOOKS 10000000		/* how many characters the scanner may look at */

/*
 * A quick estimate.  Assumes that an operator or comment starts at each
 * character of a run, and returns true if the scanner would then exceed
 * MAX_LOOKS.
 */
static bool
may_take_long(const char *text)
{
	size_t		length = strlen(text);
	uint64		looks = 0;

	for (size_t i = 0; i < length; i += MIN_RUN)
	{
		size_t		first = i;
		size_t		run;

		if (strchr(OPERATOR_CHARACTERS, text[i]) == NULL)
			continue;
		while (first > 0 && strchr(OPERATOR_CHARACTERS, text[first - 1]))
			first--;
		run = strspn(text + first, OPERATOR_CHARACTERS);
		looks += (uint64) run * run;
		i = Max(i, first + run);
	}
	return looks > MAX_LOOKS;
}

/*
 * Returns the number of operator characters, starting at "at", that the scanner
 * looks at.  *run_end is the end of the last run of such characters that was
 * found.  The caller keeps this value between calls.
 */
static uint64
count_looks(const char *at, const char **run_end)
{
	if (at >= *run_end)
		*run_end = at + strspn(at, OPERATOR_CHARACTERS);
	return *run_end - at;
}

/*
 * Count exactly how many characters the scanner would look at.  Raise an error
 * at the token at which the count exceeds MAX_LOOKS.
 */
static void
refuse_long_runs(const char *text)
{
	CmigLexer	lexer;
	const char *run_end = text;
	uint64		looks = 0;

	cmig_lexer_init(&lexer, text);
	lexer.standard_conforming_strings = standard_conforming_strings;
	while (looks <= MAX_LOOKS && cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		if (lexer.type == CMIG_TOKEN_OPERATOR)
			looks += count_looks(lexer.start, &run_end);
		else if (lexer.type == CMIG_TOKEN_BLOCK_COMMENT)
			for (const char *at = lexer.start; (at = strstr(at, "/*")) != NULL && at < lexer.next; at += 2)
				looks += count_looks(at, &run_end);
	}
	if (looks > MAX_LOOKS)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("too many comments or operators without a space between them"),
				 errhint("Put spaces between comments and between operators, and end each comment with */."),
				 errposition(pg_mbstrlen_with_len(text, lexer.start - text) + 1)));
}

List *
cmig_raw_parse(const char *text, RawParseMode mode)
{
	if (may_take_long(text))
		refuse_long_runs(text);
	return raw_parser(text, mode);
}

RawStmt *
cmig_raw_parse_one(const char *text)
{
	return linitial_node(RawStmt, cmig_raw_parse(text, RAW_PARSE_DEFAULT));
}

/* A tree walker that sets string constants to NULL. */
static bool
blank_string(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, A_Const) && IsA(&((A_Const *) node)->val, String))
		((A_Const *) node)->isnull = true;
	return raw_expression_tree_walker(node, blank_string, context);
}

void
cmig_raw_parse_blank_strings(Node *raw)
{
	(void) blank_string(raw, NULL);
}

/* ----------------------------------------------------------------
 * Classifies statements for the runner by their parse trees alone.
 *
 * This module does not access the catalogs.  The runner handles statements
 * whose class depends on the kind of a relation, such as REINDEX and CLUSTER of
 * partitioned tables.  The server handles what cannot be known before a
 * statement runs, such as whether a procedure commits.
 *
 * 	  Classifies statements for the runner.
 * ----------------------------------------------------------------
 */

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

/* Is the option given, with any value? */
static bool
statement_has_option(const List *options, const char *name)
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
				if (statement_has_option(alter->options, "failover") ||
					statement_has_option(alter->options, "two_phase"))
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
			return statement_has_option(((const AlterDatabaseStmt *) node)->options, "tablespace") ?
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

/* ----------------------------------------------------------------
 * Finds out from a statement's parse tree whether the statement may
 * change rows.
 *
 * 	  Finds out whether a statement may change rows.
 * ----------------------------------------------------------------
 */

/*
 * Returns "CALL" if the called procedure may change rows; otherwise NULL.  Of
 * pg_cmig's procedures, only cmig.backfill may change rows.
 */
static const char *
call_command(const RawStmt *raw)
{
	bool		qualified;
	const char *procedure = cmig_statement_own_procedure(raw, &qualified);

	return procedure != NULL && strstr(procedure, "backfill") == NULL ? NULL : "CALL";
}

/*
 * Queries
 */

/* Can the called function change rows? */
static bool
calls_writer(const FuncCall *call, CmigMayWrite may_write)
{
	List	   *names = call->funcname;

	return may_write(list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : NULL,
					 strVal(llast(names)));
}

/* A tree walker that returns true if a part of the query may change rows. */
static bool
find_writer(Node *node, void *may_write)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return true;
		case T_SelectStmt:
			if (((SelectStmt *) node)->intoClause != NULL)
				return true;
			break;
		case T_FuncCall:
			if (calls_writer((FuncCall *) node, (CmigMayWrite) may_write))
				return true;
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, find_writer, may_write);
}

/*
 * Returns "command" if the query may change rows; otherwise NULL.  "query" may
 * be NULL.
 */
static const char *
query_command(Node *query, CmigMayWrite may_write, const char *command)
{
	return find_writer(query, (void *) may_write) ? command : NULL;
}

/*
 * Returns "EXPLAIN ANALYZE" if the statement may change rows; otherwise NULL.
 */
static const char *
explain_command(const ExplainStmt *explain, CmigMayWrite may_write)
{
	return cmig_statement_option(explain->options, "analyze", false) ?
		query_command(explain->query, may_write, "EXPLAIN ANALYZE") : NULL;
}

/*
 * Sequences
 */

/*
 * Returns "ALTER TABLE" if the statement restarts an identity column; otherwise
 * NULL.
 */
static const char *
alter_table_command(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_SetIdentity && statement_has_option((List *) cmd->def, "restart"))
			return "ALTER TABLE";
	}
	return NULL;
}

const char *
cmig_row_change_command(const RawStmt *raw, CmigMayWrite may_write)
{
	Node	   *stmt = raw->stmt;

	switch (nodeTag(stmt))
	{
		case T_InsertStmt:
			return "INSERT";
		case T_UpdateStmt:
			return "UPDATE";
		case T_DeleteStmt:
			return "DELETE";
		case T_MergeStmt:
			return "MERGE";
		case T_TruncateStmt:
			return "TRUNCATE";
		case T_CopyStmt:
			return ((CopyStmt *) stmt)->is_from ? "COPY" :
				query_command(((CopyStmt *) stmt)->query, may_write, "COPY");
		case T_SelectStmt:
			return query_command(stmt, may_write, "SELECT");
		case T_DeclareCursorStmt:
			return query_command(((DeclareCursorStmt *) stmt)->query, may_write, "DECLARE");
		case T_PrepareStmt:
			return query_command(((PrepareStmt *) stmt)->query, may_write, "PREPARE");
		case T_ExplainStmt:
			return explain_command((ExplainStmt *) stmt, may_write);
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) stmt)->objtype == OBJECT_TABLE ? "CREATE TABLE AS" : NULL;
		case T_RefreshMatViewStmt:
			return "REFRESH MATERIALIZED VIEW";
		case T_AlterSeqStmt:
			return statement_has_option(((AlterSeqStmt *) stmt)->options, "restart") ? "ALTER SEQUENCE" : NULL;
		case T_AlterTableStmt:
			return alter_table_command((AlterTableStmt *) stmt);
		case T_DoStmt:
			return "DO";
		case T_CallStmt:
			return call_command(raw);
		case T_ExecuteStmt:
			return "EXECUTE";
		default:
			return NULL;
	}
}

/* ----------------------------------------------------------------
 * Checks whether a script can run by examining its text alone.
 *
 * This module uses the server's parser, but does not access the catalogs.
 * standard_conforming_strings must have the value that it will have when the
 * script runs.
 *
 * A parser error is caught without a subtransaction, because the parser
 * acquires no resources other than memory.  Errors that were not caused by the
 * text, such as a cancellation, are rethrown.
 * ----------------------------------------------------------------
 */

/*
 * Convert the caught error to a problem that names the statement's number and
 * the line.
 */
static CmigTextProblem *
describe_error(const char *what, const CmigStatement *statement, const ErrorData *error)
{
	CmigTextProblem *result = palloc(sizeof(CmigTextProblem));

	result->problem = psprintf("its %s script cannot run: statement %d, line %d: %s", what,
							   statement->number, cmig_script_error_line(statement, error), error->message);
	result->fix = error->hint ? error->hint : "Correct the script and load it again.";
	return result;
}

/*
 * Returns a problem if the runner would reject the statement; otherwise,
 * returns NULL.
 */
static CmigTextProblem *
find_refusal(const char *what, const CmigStatement *statement, bool transactional,
			 bool off_mode)
{
	CmigTextProblem *result;
	const char *reason;
	const char *refusal = "is not allowed in a revision's script";
	const char *fix = NULL;

	switch (cmig_statement_classify(statement->raw, &reason))
	{
		case CMIG_STATEMENT_PLAIN:
			return NULL;
		case CMIG_STATEMENT_CONCURRENTLY:
		case CMIG_STATEMENT_OWN_PROCEDURE:
			if (off_mode)
				return NULL;
			/* FALLTHROUGH */
		case CMIG_STATEMENT_TOP_LEVEL:
			if (!transactional)
				return NULL;
			refusal = "cannot run inside a transaction";
			fix = "Set \"transactional: false\" in the revision.";
			break;
		case CMIG_STATEMENT_TRANSACTION:
			fix = "Remove it: the session that runs the revision controls the transaction.";
			break;
		case CMIG_STATEMENT_CLIENT_COPY:
			fix = "Use INSERT, or COPY with a file on the server.";
			break;
		case CMIG_STATEMENT_DISCARD_ALL:
			fix = "Remove it.";
			break;
	}
	result = palloc(sizeof(CmigTextProblem));
	result->problem = psprintf("its %s script cannot run: statement %d, line %d: %s %s", what,
							   statement->number, statement->line, reason, refusal);
	result->fix = fix;
	return result;
}

/*
 * Returns the table whose rows a statement writes.  Returns NULL if there is
 * none.
 */
static const RangeVar *
written_table(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_InsertStmt:
			return ((InsertStmt *) stmt)->relation;
		case T_UpdateStmt:
			return ((UpdateStmt *) stmt)->relation;
		case T_DeleteStmt:
			return ((DeleteStmt *) stmt)->relation;
		case T_CopyStmt:
			return ((CopyStmt *) stmt)->is_from ? ((CopyStmt *) stmt)->relation : NULL;
		default:
			return NULL;
	}
}

/*
 * Returns a problem if a downgrade writes to a table that it has dropped;
 * otherwise, returns NULL.  A downgrade may do so, for example, if the cat
 * command has appended a file without a header to a revision file.  *dropped is
 * the list of the dropped tables' names as written in the script, allocated in
 * the given context.  The list is emptied at each statement that may create a
 * table.
 */
static CmigTextProblem *
find_write_to_dropped(const CmigStatement *statement, List **dropped, MemoryContext context)
{
	Node	   *stmt = statement->raw->stmt;
	const RangeVar *table = written_table(stmt);
	CmigTextProblem *result;
	const char *name;
	ListCell   *lc;

	if (IsA(stmt, DropStmt) && ((DropStmt *) stmt)->removeType == OBJECT_TABLE)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		foreach(lc, ((DropStmt *) stmt)->objects)
		{
			*dropped = lappend(*dropped, NameListToString(lfirst(lc)));
		}
		MemoryContextSwitchTo(old);
	}
	else if (table == NULL && !IsA(stmt, DropStmt) && !IsA(stmt, AlterTableStmt))
		*dropped = NIL;
	if (table == NULL)
		return NULL;
	name = table->schemaname ? psprintf("%s.%s", table->schemaname, table->relname) : table->relname;
	foreach(lc, *dropped)
	{
		if (strcmp(lfirst(lc), name) != 0)
			continue;
		result = palloc(sizeof(CmigTextProblem));
		result->problem = psprintf("its downgrade script cannot run: statement %d, line %d writes to table \"%s\", which an earlier statement drops",
								   statement->number, statement->line, name);
		result->fix = "If you joined several files with cat, load the files with their names instead, using awk as in README.md.";
		return result;
	}
	return NULL;
}

CmigTextProblem *
cmig_text_check(const char *what, const char *sql, bool transactional, bool off_mode)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(sql);
	CmigStatement statement = {0};
	CmigTextProblem *volatile problem = NULL;
	bool		down = strcmp(what, "downgrade") == 0;
	List	   *dropped = NIL;

	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		while (cmig_script_next(script, &statement))
		{
			bool		last = cmig_statement_changes_strings(statement.raw);

			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(caller);
			problem = find_refusal(what, &statement, transactional, off_mode);
			if (problem == NULL && down)
				problem = find_write_to_dropped(&statement, &dropped, caller);
			MemoryContextSwitchTo(context);
			if (problem != NULL || last)
				break;
			MemoryContextReset(context);
			statement.text = NULL;
		}
		MemoryContextSwitchTo(caller);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		problem = describe_error(what, &statement, cmig_script_error_take());
	}
	PG_END_TRY();

	cmig_script_close(script);
	MemoryContextDelete(context);
	return problem;
}
