/*
 * target_utility.c
 *	  Processes a target's utility statements before PostgreSQL runs them.
 *
 * Statements are processed in a ProcessUtility hook, which PostgreSQL also
 * calls for statements in DO blocks; these often create roles and extensions.
 * The hook sees a statement's parse tree before analysis.  It never changes
 * the tree itself, only copies of it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/subtransaction.h"
#include "run/outside.h"
#include "run/running.h"
#include "run/session.h"
#include "shadow/distribution_record.h"
#include "shadow/shadow_catalogs.h"
#include "shadow/target_constraint.h"
#include "shadow/target_extension.h"
#include "shadow/target_filter.h"
#include "shadow/target_missing.h"
#include "shadow/target_object.h"
#include "shadow/target_role.h"
#include "shadow/target_utility.h"

#include "catalog/namespace.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* One call of the hook. */
typedef struct Call
{
	PlannedStmt *statement;
	const char *query;
	bool		read_only;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *dest;
	QueryCompletion *completion;
} Call;

static CmigTargetState *watched = NULL;
static CmigOutsideWatch functions;
static const CmigOutsideWatch *former_functions = NULL;
static ProcessUtility_hook_type next_ProcessUtility = NULL;

/* Pass the statement to the next hook or to PostgreSQL. */
static void
run(const Call *call)
{
	bool		former = cmig_shadow_catalogs_filter(watched != NULL && !creating_extension);

	if (next_ProcessUtility)
		next_ProcessUtility(call->statement, call->query, call->read_only, call->context,
							call->params, call->environment, call->dest, call->completion);
	else
		standard_ProcessUtility(call->statement, call->query, call->read_only, call->context,
								call->params, call->environment, call->dest, call->completion);
	(void) cmig_shadow_catalogs_filter(former);
}

/* Replace the statement's parse tree. */
static void
replace(Call *call, Node *node)
{
	PlannedStmt *copy = makeNode(PlannedStmt);

	*copy = *call->statement;
	copy->utilityStmt = node;
	call->statement = copy;
}

/*
 * Run a statement.  For a publication, suppress the warning about wal_level,
 * which does not affect a schema.
 */
static void
run_without_warning(const Call *call)
{
	int			guc_level;

	if (!IsA(call->statement->utilityStmt, CreatePublicationStmt))
	{
		run(call);
		return;
	}
	guc_level = cmig_session_read_quietly();
	run(call);
	AtEOXact_GUC(false, guc_level);
}

/*
 * Refused statements
 */

/* Returns the word for the current SQL in messages: "target" or "replay". */
static const char *
place(void)
{
	return cmig_running_is_replaying() ? "replay" : "target";
}

/*
 * Raise an error for DROP OWNED and REASSIGN OWNED, which would change live
 * objects.
 */
static void
refuse(Node *node)
{
	if (!IsA(node, DropOwnedStmt) && !IsA(node, ReassignOwnedStmt))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not allowed in a %s", GetCommandTagName(CreateCommandTag(node)), place()),
			 errdetail("It would change existing objects in the database.")));
}

/* Raise an error for something that a rollback would not undo. */
static void
refuse_outside(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot run the statement in a %s: %s", place(), reason),
			 errhint("Leave the statement out of the target if it does not change the schema.")));
}

/*
 * Raise an error for a statement that uses a cursor of the caller or an
 * untrusted language.  Other statements with effects that a rollback does not
 * undo are left out, or are harmless: LOAD, reading a file, and reading the
 * tables of another server.
 */
static void
refuse_statement(const CmigTargetState *state, Node *node)
{
	const char *reason = NULL;

	if (IsA(node, DoStmt) || IsA(node, ClosePortalStmt) || IsA(node, FetchStmt))
		reason = cmig_outside_of_statement(node, state->subtransaction);
	if (reason != NULL)
		refuse_outside(reason);
}

void
cmig_target_utility_watch(CmigTargetState *state)
{
	functions = (CmigOutsideWatch)
	{
		.refuse = refuse_outside,.restores_locks = true,.skips_setval = true,
			.mark = state ? state->shadow->xid : InvalidTransactionId
	};
	if (state != NULL && watched == NULL)
		former_functions = cmig_outside_watch(&functions);
	else if (state == NULL && watched != NULL)
		(void) cmig_outside_watch(former_functions);
	watched = state;
	(void) cmig_distribution_record_watch(state != NULL);
	cmig_shadow_catalogs_watch(state ? state->shadow : NULL);
}

/* Subtransaction callback: run a statement that may fail. */
static void
work(void *arg)
{
	const Call *call = arg;
	Node	   *node = call->statement->utilityStmt;

	if (!IsA(node, CreateExtensionStmt))
	{
		run_without_warning(call);
		return;
	}
	cmig_target_extension_begin(watched);
	run(call);
	cmig_target_extension_end(watched, ((CreateExtensionStmt *) node)->extname);
}

/* Run a statement that may fail.  If it does, add a note. */
static void
try(CmigTargetState *state, Call *call)
{
	Node	   *node = call->statement->utilityStmt;
	ErrorData  *error = cmig_subtransaction_try(work, call);
	ObjectType	type;
	char	   *name;

	if (error == NULL)
		return;
	if (!cmig_target_missing_explains(error, node))
		ReThrowError(error);
	name = cmig_target_missing_made(node, &type);
	cmig_target_note_missing(state, type, name, error->message);
	FreeErrorData(error);
}

/*
 * The hook
 */

/* Does the ALTER TABLE only drop constraints, partitions, and defaults? */
static bool
only_drops(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype != AT_DropConstraint && command->subtype != AT_DetachPartition &&
			!(command->subtype == AT_ColumnDefault && command->def == NULL))
			return false;
	}
	return true;
}

/*
 * A target often drops what it is about to create, as pg_dump --clean does.
 * Add IF EXISTS to such statements, so that missing objects are skipped with a
 * notice.  In a revision, a missing object remains an error.
 */
static Node *
skip_missing(Node *node)
{
	if (IsA(node, DropStmt) && !((DropStmt *) node)->missing_ok)
	{
		node = copyObject(node);
		((DropStmt *) node)->missing_ok = true;
	}
	else if (IsA(node, AlterTableStmt) && !((AlterTableStmt *) node)->missing_ok && only_drops((AlterTableStmt *) node))
	{
		node = copyObject(node);
		((AlterTableStmt *) node)->missing_ok = true;
	}
	return node;
}

/* Record a new schema, in case it is a distributed schema of Citus. */
static void
record_schema(const CreateSchemaStmt *create)
{
	const char *name = create->schemaname != NULL ? create->schemaname : get_rolespec_name(create->authrole);

	cmig_distribution_record_schema(get_namespace_oid(name, true));
}

/*
 * If the statement detaches a partition, record the partition's distribution.
 */
static void
record_detached(const AlterTableStmt *alter)
{
	ListCell   *cell;

	if (!IsA(alter, AlterTableStmt))
		return;
	foreach(cell, alter->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_DetachPartition)
			cmig_distribution_record_detach(RangeVarGetRelid(((PartitionCmd *) command->def)->name, NoLock, true));
	}
}

/* Returns the statement that PostgreSQL must run, or NULL if there is none. */
static Node *
adapt(CmigTargetState *state, Node *node)
{
	if (cmig_target_filter_leaves_out(state, node))
		return NULL;
	refuse(node);
	refuse_statement(state, node);
	cmig_target_missing_refuse_name(state, node);
	if (cmig_target_missing_is_about(state, node) || cmig_target_filter_subscription(state, node) ||
		cmig_target_missing_show(state, node))
		return NULL;
	if (IsA(node, DropStmt) && ((DropStmt *) node)->removeType == OBJECT_SCHEMA)
		return cmig_target_schema_drop(state, node);
	node = cmig_target_filter_grants(state, node);
	if (node == NULL || cmig_target_filter_is_elsewhere(state, node))
		return NULL;
	if (!superuser() && cmig_target_filter_is_grant_on_member((GrantStmt *) node))
		return NULL;
	if (!cmig_running_is_replaying())
		node = skip_missing(node);
	node = cmig_target_role_adapt(state, node);
	if (node == NULL || cmig_target_extension_run(state, node))
		return NULL;
	if (IsA(node, CreateSchemaStmt) && cmig_target_schema_create(state, node))
	{
		record_schema((CreateSchemaStmt *) node);
		return NULL;
	}
	return cmig_target_constraint_adapt(node);
}

/* The ProcessUtility hook. */
static void
see_utility(PlannedStmt *statement, const char *query, bool read_only,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Call		call = {statement, query, read_only, context, params, environment, dest, completion};
	Node	   *node;
	bool		former;

	/* leave the statements in an extension's script unchanged */
	if (watched == NULL || creating_extension)
	{
		run(&call);
		return;
	}

	former = cmig_shadow_catalogs_filter(false);
	node = adapt(watched, statement->utilityStmt);
	if (node == NULL)
	{
		(void) cmig_shadow_catalogs_filter(former);
		return;
	}
	if (node != statement->utilityStmt)
		replace(&call, node);
	record_detached((AlterTableStmt *) node);
	if (cmig_target_missing_may_be(node))
		try(watched, &call);
	else
		run_without_warning(&call);
	if (IsA(node, CreateSchemaStmt))
	{
		cmig_target_schema_created(watched, node);
		record_schema((CreateSchemaStmt *) node);
	}
	(void) cmig_shadow_catalogs_filter(former);
}

void
cmig_target_utility_init(void)
{
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = see_utility;
}
