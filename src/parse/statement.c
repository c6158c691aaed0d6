/*
 * statement.c
 *	  Statements: what they are, and whether a script can contain them.
 *
 * Statements are classified by their parse trees alone, without access to the catalogs.  The runner handles statements
 * whose class depends on the kind of a relation, such as REINDEX and CLUSTER of
 * partitioned tables.  The server handles what cannot be known before a
 * statement runs, such as whether a procedure commits.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "parse/parse.h"

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

bool
cmig_statement_option(const List *options, const char *name, bool otherwise)
{
	foreach_node(DefElem, option, options)
	{
		if (strcmp(option->defname, name) == 0)
			return defGetBoolean(option);
	}
	return otherwise;
}

/* Is the option given, with any value? */
static bool
statement_has_option(const List *options, const char *name)
{
	foreach_node(DefElem, option, options)
	{
		if (strcmp(option->defname, name) == 0)
			return true;
	}
	return false;
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
 * Does SET turn standard_conforming_strings off?  Scripts are read with "on".
 */
static bool
changes_strings(const VariableSetStmt *set)
{
	bool		standard;

	return set->kind == VAR_SET_VALUE &&
		pg_strcasecmp(set->name, "standard_conforming_strings") == 0 &&
		!(parse_bool(ExtractSetVariableArgs((VariableSetStmt *) set), &standard) && standard);
}

/* Does one of a function's options do so? */
static bool
has_changed_strings(const List *options)
{
	foreach_node(DefElem, option, options)
	{
		if (strcmp(option->defname, "set") == 0 &&
			changes_strings(castNode(VariableSetStmt, option->arg)))
			return true;
	}
	return false;
}

PartitionCmd *
cmig_statement_detach_concurrently(const AlterTableStmt *statement)
{
	foreach_node(AlterTableCmd, command, statement->cmds)
	{
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
		return cmig_statement_option(((const ReindexStmt *) raw->stmt)->params, "concurrently",
									 false);
	return cmig_statement_classify(raw, &reason) == CMIG_STATEMENT_CONCURRENTLY;
}

/*
 * Does the statement set an isolation level that a transaction in progress cannot
 * get?
 */
static bool
changes_isolation(const VariableSetStmt *set)
{
	if (set->kind != VAR_SET_MULTI || strcmp(set->name, "TRANSACTION") != 0)
		return false;
	foreach_node(DefElem, option, set->args)
	{
		if (strcmp(option->defname, "transaction_isolation") == 0 &&
			strcmp(strVal(&castNode(A_Const, option->arg)->val), "read committed") != 0)
			return true;
	}
	return false;
}

static CmigStatementClass
classify_set(const VariableSetStmt *set, const char **reason)
{
	bool		isolation = changes_isolation(set);
	bool		strings = !isolation && changes_strings(set);

	*reason = isolation ? "SET TRANSACTION ISOLATION LEVEL" :
		strings ? "SET standard_conforming_strings = off" :
		"a statement that runs in a transaction";
	return isolation ? CMIG_STATEMENT_TRANSACTION : strings ? CMIG_STATEMENT_STRINGS :
		CMIG_STATEMENT_PLAIN;
}

CmigStatementClass
cmig_statement_classify(const RawStmt *raw, const char **reason)
{
	static const char *const transactions[] = {
		[TRANS_STMT_BEGIN] = "BEGIN",
		[TRANS_STMT_START] = "START TRANSACTION",
		[TRANS_STMT_COMMIT] = "COMMIT",
		[TRANS_STMT_ROLLBACK] = "ROLLBACK",
		[TRANS_STMT_SAVEPOINT] = "SAVEPOINT",
		[TRANS_STMT_RELEASE] = "RELEASE SAVEPOINT",
		[TRANS_STMT_ROLLBACK_TO] = "ROLLBACK TO SAVEPOINT",
		[TRANS_STMT_PREPARE] = "PREPARE TRANSACTION",
		[TRANS_STMT_COMMIT_PREPARED] = "COMMIT PREPARED",
		[TRANS_STMT_ROLLBACK_PREPARED] = "ROLLBACK PREPARED"
	};
	const Node *node = raw->stmt;
	const CopyStmt *copy = (const CopyStmt *) node;
	const char *top_level = NULL;
	const char *concurrent = NULL;
	bool		qualified;

	switch (nodeTag(node))
	{
		case T_TransactionStmt:
			*reason = transactions[((const TransactionStmt *) node)->kind];
			return CMIG_STATEMENT_TRANSACTION;

		case T_CopyStmt:
			if (copy->filename != NULL || copy->is_program)
				break;
			*reason = copy->is_from ? "COPY FROM STDIN" : "COPY TO STDOUT";
			return CMIG_STATEMENT_CLIENT_COPY;

		case T_DiscardStmt:
			if (((const DiscardStmt *) node)->target != DISCARD_ALL)
				break;
			*reason = "DISCARD ALL";
			return CMIG_STATEMENT_DISCARD_ALL;

		case T_VariableSetStmt:
			return classify_set((const VariableSetStmt *) node, reason);
		case T_CreateFunctionStmt:
		case T_AlterFunctionStmt:
			if (!has_changed_strings(IsA(node, CreateFunctionStmt) ?
									 ((const CreateFunctionStmt *) node)->options :
									 ((const AlterFunctionStmt *) node)->actions))
				break;
			*reason = "a function with SET standard_conforming_strings = off";
			return CMIG_STATEMENT_STRINGS;

		case T_CallStmt:
			*reason = cmig_statement_own_procedure(raw, &qualified);
			if (*reason != NULL && qualified)
				return CMIG_STATEMENT_OWN_PROCEDURE;
			break;

		case T_ReindexStmt:
			return classify_reindex((const ReindexStmt *) node, reason);
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
			return classify_subscription(node, reason);

		case T_IndexStmt:
			if (((const IndexStmt *) node)->concurrent)
				concurrent = "CREATE INDEX CONCURRENTLY";
			break;
		case T_DropStmt:
			if (((const DropStmt *) node)->concurrent)
				concurrent = "DROP INDEX CONCURRENTLY";
			break;
		case T_AlterTableStmt:
			if (cmig_statement_detach_concurrently((const AlterTableStmt *) node))
				concurrent = "ALTER TABLE ... DETACH PARTITION CONCURRENTLY";
			break;

		case T_VacuumStmt:
			if (((const VacuumStmt *) node)->is_vacuumcmd)
				top_level = "VACUUM";
			break;
		case T_ClusterStmt:
			if (statement_has_option(((const ClusterStmt *) node)->params, "concurrently"))
				top_level = "REPACK (CONCURRENTLY)";
			else if (cmig_clustered_compat((const ClusterStmt *) node) == NULL)
				top_level = cmig_is_repack_compat((const ClusterStmt *) node) ?
					"REPACK without a table" : "CLUSTER without a table";
			break;
		case T_AlterDatabaseStmt:
			if (statement_has_option(((const AlterDatabaseStmt *) node)->options, "tablespace"))
				top_level = "ALTER DATABASE ... SET TABLESPACE";
			break;
		default:
			if (cmig_statement_flags(node) & CMIG_STATEMENT_ALONE)
				top_level = CreateCommandName((Node *) node);
			break;
	}
	*reason = concurrent ? concurrent : top_level ? top_level :
		"a statement that runs in a transaction";
	return concurrent ? CMIG_STATEMENT_CONCURRENTLY :
		top_level ? CMIG_STATEMENT_TOP_LEVEL : CMIG_STATEMENT_PLAIN;
}

void
cmig_statement_refuse(const RawStmt *raw)
{
	const char *reason;
	const char *detail;
	const char *hint;

	switch (cmig_statement_classify(raw, &reason))
	{
		case CMIG_STATEMENT_TRANSACTION:
			detail = "The session that runs the revision controls the transaction.";
			hint = strstr(reason, "ISOLATION") ?
				"Leave it out. To keep rows from changing, begin with LOCK TABLE, such as LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE."
				: strstr(reason, "SAVEPOINT") ?
				"Remove it. Put statements that may fail into a DO block with an EXCEPTION clause."
				: "Remove it. For a commit between two statements, put them into two revisions, and run these stepwise.";
			break;
		case CMIG_STATEMENT_CLIENT_COPY:
			detail = "The script runs in the server and has no client to copy from or to.";
			hint = "Use INSERT, or COPY with a file on the server.";
			break;
		case CMIG_STATEMENT_STRINGS:
			detail = "Scripts are read and run with standard_conforming_strings = on.";
			hint = CMIG_STRINGS_FIX;
			break;
		case CMIG_STATEMENT_DISCARD_ALL:
			detail = "It would discard the state of the caller's session.";
			hint = "Remove it. Session state that the script leaves behind is cleared when the script ends.";
			break;
		default:
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not allowed in a revision's script", reason),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
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

		while ((detach = cmig_statement_detach_concurrently((AlterTableStmt *) node)) != NULL)
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

/* Would set_config() treat this last argument as false? */
static bool
is_false(A_Const *is_local)
{
	bool		value;

	return is_local->isnull || (IsA(&is_local->val, Boolean) && !boolVal(&is_local->val)) ||
		(IsA(&is_local->val, String) && parse_bool(strVal(&is_local->val), &value) && !value);
}

List *
cmig_statement_set_config_names(const RawStmt *raw)
{
	const SelectStmt *select = (const SelectStmt *) raw->stmt;
	List	   *names = NIL;

	if (!IsA(select, SelectStmt) || select->op != SETOP_NONE || select->distinctClause != NIL ||
		select->intoClause != NULL || select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL || select->windowClause != NIL ||
		select->valuesLists != NIL || select->sortClause != NIL || select->limitOffset != NULL ||
		select->limitCount != NULL || select->lockingClause != NIL || select->withClause != NULL)
		return NIL;
	foreach_node(ResTarget, target, select->targetList)
	{
		const FuncCall *call = (const FuncCall *) target->val;
		A_Const    *is_local;

		if (!IsA(call, FuncCall) || strcmp(strVal(llast(call->funcname)), "set_config") != 0 ||
			list_length(call->args) != 3 || call->agg_order != NIL || call->agg_filter != NULL ||
			call->over != NULL || call->agg_star || call->agg_distinct || call->func_variadic ||
			constant_of(linitial(call->args)) == NULL || constant_of(lsecond(call->args)) == NULL)
			return NIL;

		is_local = constant_of(llast(call->args));
		if (is_local == NULL || !is_false(is_local))
			return NIL;
		names = lappend(names, call->funcname);
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
temporary_name(Node *node)
{
	const RangeVar *relation = NULL;
	CmigSubject subject;
	List	   *name;

	if (IsA(node, PrepareStmt))
		return ((const PrepareStmt *) node)->name;
	if (IsA(node, DeclareCursorStmt))
		return ((const DeclareCursorStmt *) node)->portalname;
	if (IsA(node, SelectStmt) && ((const SelectStmt *) node)->intoClause != NULL)
		relation = ((const SelectStmt *) node)->intoClause->rel;
	else if (cmig_statement_subject(node, &subject) && (subject.flags & CMIG_STATEMENT_CREATES))
	{
		name = (List *) subject.object;
		if (IsA(name, RangeVar))
			relation = (const RangeVar *) name;
		else if (IsA(name, List) && list_length(name) == 2 && IsA(linitial(name), String) &&
				 strcmp(strVal(linitial(name)), "pg_temp") == 0)
			return strVal(lsecond(name));
	}
	return relation != NULL && is_temporary_name(relation) ? relation->relname : NULL;
}

/*
 * Returns the relation that a statement writes to or alters.  Returns NULL if
 * there is none.
 */
static const RangeVar *
written_relation(Node *node)
{
	CmigSubject subject;

	return cmig_statement_subject(node, &subject) && !(subject.flags & CMIG_STATEMENT_CREATES) &&
		subject.object != NULL &&
		IsA(subject.object, RangeVar) ? (const RangeVar *) subject.object : NULL;
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

/* Remove the name from the list, and add it if it "holds". */
static void
follow(List **names, const char *name, bool holds)
{
	foreach_ptr(char, other, list_copy(*names))
	{
		if (strcmp(other, name) == 0)
			*names = list_delete_ptr(*names, other);
	}
	if (holds)
		*names = lappend(*names, pstrdup(name));
}

/* What cmig_statement_follow_session() does for a SET or RESET. */
static void
follow_set(const VariableSetStmt *set, List **names)
{
	A_Const    *value = set->kind == VAR_SET_VALUE ? constant_of(linitial(set->args)) : NULL;
	bool		holds = set->kind != VAR_RESET && set->kind != VAR_SET_DEFAULT;

	if (set->kind == VAR_RESET_ALL)
	{
		/* not the role */
		foreach_ptr(char, name, list_copy(*names))
		{
			if (strcmp(name, "role") != 0 && strcmp(name, "session_authorization") != 0)
				follow(names, name, false);
		}
		return;
	}
	if (strcmp(set->name, "role") == 0 && value && !value->isnull && IsA(&value->val, String) &&
		strcmp(strVal(&value->val), "none") == 0)
		holds = false;
	if (set->kind != VAR_SET_MULTI || strcmp(set->name, "SESSION CHARACTERISTICS") == 0)
		follow(names, set->name, holds);
}

/* Returns what messages call a temporary object of this kind. */
static char *
temporary_title(ObjectType type, const char *name)
{
	const char *kind = type == OBJECT_VIEW ? "view" : type == OBJECT_SEQUENCE ? "sequence" :
	type == OBJECT_FUNCTION || type == OBJECT_ROUTINE ? "function" :
	type == OBJECT_PROCEDURE ? "procedure" : type == OBJECT_AGGREGATE ? "aggregate" :
	type == OBJECT_DOMAIN ? "domain" : type == OBJECT_TYPE ? "type" : "table";

	return psprintf("temporary %s %s", kind, name);
}

/* What cmig_statement_follow_session() does for a DROP. */
static void
follow_drop(const DropStmt *drop, List **objects)
{
	foreach_ptr(Node, object, drop->objects)
	{
		const List *name = IsA(object, List) ? (const List *) object :
		IsA(object, ObjectWithArgs) ? ((const ObjectWithArgs *) object)->objname :
		IsA(object, TypeName) ? ((const TypeName *) object)->names : NIL;

		if (name != NIL)
			follow(objects, temporary_title(drop->removeType, strVal(llast(name))), false);
	}
}

void
cmig_statement_follow_session(const RawStmt *raw, bool local, List **settings, List **objects)
{
	const Node *node = raw->stmt;
	const char *object = temporary_name(raw->stmt);
	CmigSubject subject;

	if (IsA(node, VariableSetStmt) && (local || !((const VariableSetStmt *) node)->is_local))
		follow_set((const VariableSetStmt *) node, settings);
	foreach_node(ResTarget, target,
				 IsA(node, SelectStmt) ? ((const SelectStmt *) node)->targetList : NIL)
	{
		const FuncCall *call = (const FuncCall *) target->val;
		A_Const    *name;
		A_Const    *is_local;

		if (!IsA(call, FuncCall) || strcmp(strVal(llast(call->funcname)), "set_config") != 0 ||
			list_length(call->args) != 3)
			continue;
		name = constant_of(linitial(call->args));
		is_local = constant_of(llast(call->args));
		if (name && !name->isnull && IsA(&name->val, String) &&
			(local || !is_local || is_false(is_local)))
			follow(settings, strVal(&name->val), true);
	}
	if (IsA(node, DropStmt))
		follow_drop((const DropStmt *) node, objects);
	else if (object && !IsA(node, PrepareStmt) && !IsA(node, DeclareCursorStmt))
	{
		const IntoClause *into = IsA(node, CreateTableAsStmt) ? ((const CreateTableAsStmt *) node)->into :
		NULL;

		if ((IsA(node, CreateStmt) ? ((const CreateStmt *) node)->oncommit : into ? into->onCommit :
			 ONCOMMIT_NOOP) != ONCOMMIT_DROP)
		{
			bool		known = !IsA(node, SelectStmt) &&
			cmig_statement_subject(raw->stmt, &subject);

			follow(objects, temporary_title(known ? subject.type : OBJECT_TABLE, object), true);
		}
	}
}

bool
cmig_statement_may_need_top_level(const char *source)
{
	static const char *const first_words[] = {
		"abort", "begin", "call", "cluster", "commit", "copy", "discard", "end",
		"reindex", "release", "rollback", "savepoint", "start", "vacuum", NULL
	};
	static const char *const verbs[] = {"alter", "create", "drop", "prepare", NULL};
	static const char *const objects[] = {
		"database", "subscription", "system", "tablespace", "transaction", NULL
	};
	bool		at_start = true;	/* is the next token the first one of a
									 * statement? */
	bool		after_verb = false; /* was the last token a verb at the start? */
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, source);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		bool		word = lexer.type == CMIG_TOKEN_WORD;

		if (lexer.unterminated || cmig_lexer_is_char(&lexer, '\\') ||
			(word && at_start && cmig_lexer_is_any_word(&lexer, first_words)) ||
			(word && after_verb && cmig_lexer_is_any_word(&lexer, objects)) ||
			(word && cmig_lexer_is_word(&lexer, "concurrently")))
			return true;
		after_verb = word && at_start && cmig_lexer_is_any_word(&lexer, verbs);

		/*
		 * Every semicolon counts as the end of a statement.  This can cause a
		 * false positive, but not a false negative.
		 */
		at_start = cmig_lexer_is_char(&lexer, ';');
	}
	return false;
}

/*
 * Changes of rows
 */

/* A tree walker that returns true if a part of the query may change rows. */
static bool
find_writer(Node *node, void *may_write)
{
	List	   *names;

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
			names = ((FuncCall *) node)->funcname;
			if (((CmigMayWrite) may_write) (list_length(names) > 1 ?
											strVal(list_nth(names, list_length(names) - 2)) : NULL,
											strVal(llast(names))))
				return true;
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, find_writer, may_write);
}

const char *
cmig_row_change_command(const RawStmt *raw, CmigMayWrite may_write)
{
	Node	   *stmt = raw->stmt;
	const char *command;
	const char *procedure;
	bool		qualified;

	switch (nodeTag(stmt))
	{
		case T_TruncateStmt:
			return "TRUNCATE";
		case T_CallStmt:
			/* of pg_cmig's procedures, only cmig.backfill may change rows */
			procedure = cmig_statement_own_procedure(raw, &qualified);
			return procedure != NULL && strstr(procedure, "backfill") == NULL ? NULL : "CALL";
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) stmt)->objtype == OBJECT_TABLE &&
				!((CreateTableAsStmt *) stmt)->into->skipData ? "CREATE TABLE AS" : NULL;
		case T_AlterSeqStmt:
			return statement_has_option(((AlterSeqStmt *) stmt)->options, "restart") ?
				"ALTER SEQUENCE" : NULL;
		case T_AlterTableStmt:
			foreach_node(AlterTableCmd, cmd, ((AlterTableStmt *) stmt)->cmds)
			{
				if (cmd->subtype == AT_SetIdentity &&
					statement_has_option((List *) cmd->def, "restart"))
					return "ALTER TABLE";
			}
			return NULL;
		case T_CopyStmt:
			if (((CopyStmt *) stmt)->is_from)
				return "COPY";
			command = "COPY";
			break;
		case T_SelectStmt:
			command = "SELECT";
			break;
		case T_DeclareCursorStmt:
			command = "DECLARE";
			break;
		case T_PrepareStmt:
			command = "PREPARE";
			break;
		case T_ExplainStmt:
			if (!cmig_statement_option(((ExplainStmt *) stmt)->options, "analyze", false))
				return NULL;
			command = "EXPLAIN ANALYZE";
			break;
		default:
			return cmig_statement_flags(stmt) & CMIG_STATEMENT_WRITE ? CreateCommandName(stmt) :
				NULL;
	}
	return find_writer(IsA(stmt, SelectStmt) ? stmt : cmig_statement_query(stmt),
					   (void *) may_write) ? command : NULL;
}

/*
 * Checking a script's text alone
 *
 * A parser error is caught without a subtransaction, because the
 * parser acquires no resources other than memory.  Errors that were not caused
 * by the text, such as a cancellation, are rethrown.
 */

static CmigTextProblem *
make_problem(char *problem, const char *fix)
{
	CmigTextProblem *result = palloc(sizeof(CmigTextProblem));

	result->problem = problem;
	result->fix = fix;
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
			pg_fallthrough;
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
		case CMIG_STATEMENT_STRINGS:
			fix = CMIG_STRINGS_FIX;
			break;
		case CMIG_STATEMENT_DISCARD_ALL:
			fix = "Remove it.";
			break;
	}
	return make_problem(psprintf("its %s script cannot run: statement %d, line %d: %s %s", what,
								 statement->number, statement->line, reason, refusal), fix);
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
	const RangeVar *table = (cmig_statement_flags(stmt) & CMIG_STATEMENT_ROWS) ?
	written_relation(stmt) : NULL;
	const char *name;

	if (IsA(stmt, DropStmt) && ((DropStmt *) stmt)->removeType == OBJECT_TABLE)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		foreach_ptr(List, object, ((DropStmt *) stmt)->objects)
		{
			*dropped = lappend(*dropped, NameListToString(object));
		}
		MemoryContextSwitchTo(old);
	}
	else if (table == NULL && !IsA(stmt, DropStmt) && !IsA(stmt, AlterTableStmt))
		*dropped = NIL;
	if (table == NULL)
		return NULL;
	name = table->schemaname ? psprintf("%s.%s", table->schemaname, table->relname) :
		table->relname;
	foreach_ptr(char, each, *dropped)
	{
		if (strcmp(each, name) == 0)
			return make_problem(psprintf("its downgrade script cannot run: statement %d, line %d writes to table \"%s\", which an earlier statement drops",
										 statement->number, statement->line, name),
								"If you joined several files with cat, load the files with their names instead, using awk as in README.md.");
	}
	return NULL;
}

CmigTextProblem *
cmig_text_check(const char *what, const char *sql, bool transactional, bool off_mode,
				CmigRefuses refuses)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(sql);
	CmigStatement statement = {0};
	CmigTextProblem *volatile problem = NULL;
	ErrorData  *error;
	bool		down = strcmp(what, "downgrade") == 0;
	List	   *dropped = NIL;
	const char *refusal;
	const char *fix;

	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		while (cmig_script_next(script, &statement))
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(caller);
			problem = find_refusal(what, &statement, transactional, off_mode);
			if (problem == NULL && refuses && (refusal = refuses(&statement, &fix)) != NULL)
				problem = make_problem(psprintf("its %s script cannot run: statement %d, line %d %s", what,
												statement.number, statement.line, refusal), fix);
			if (problem == NULL && down)
				problem = find_write_to_dropped(&statement, &dropped, caller);
			MemoryContextSwitchTo(context);
			if (problem != NULL)
				break;
			MemoryContextReset(context);
			statement.text = NULL;
		}
		MemoryContextSwitchTo(caller);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = cmig_script_error_take();
		problem = make_problem(psprintf("its %s script cannot run: statement %d, line %d: %s", what,
										statement.number, cmig_script_error_line(&statement, error),
										error->message),
							   error->hint ? error->hint : "Correct the script and load it again.");
	}
	PG_END_TRY();

	cmig_script_close(script);
	MemoryContextDelete(context);
	return problem;
}
