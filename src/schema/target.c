/*
 * target.c
 *	  Running a target in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "tcop/cmdtag.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "run/run.h"
#include "schema/shadow.h"

/* ----------------------------------------------------------------
 * Handles objects that a target needs, but that the current user cannot
 * create, and objects that belong to another role.
 * ----------------------------------------------------------------
 */

/*
 * If the statement creates an object that has no schema, or that only
 * superusers can create, returns the object's name and sets *type.  Otherwise
 * returns NULL.
 */
static char *
target_missing_made(Node *node, ObjectType *type)
{
	switch (nodeTag(node))
	{
		case T_CreateExtensionStmt:
			*type = OBJECT_EXTENSION;
			return ((CreateExtensionStmt *) node)->extname;
		case T_CreateEventTrigStmt:
			*type = OBJECT_EVENT_TRIGGER;
			return ((CreateEventTrigStmt *) node)->trigname;
		case T_CreateFdwStmt:
			*type = OBJECT_FDW;
			return ((CreateFdwStmt *) node)->fdwname;
		case T_CreateForeignServerStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((CreateForeignServerStmt *) node)->servername;
		case T_CreateAmStmt:
			*type = OBJECT_ACCESS_METHOD;
			return ((CreateAmStmt *) node)->amname;
		case T_CreatePLangStmt:
			*type = OBJECT_LANGUAGE;
			return ((CreatePLangStmt *) node)->plname;
		case T_CreatePublicationStmt:
			*type = OBJECT_PUBLICATION;
			return ((CreatePublicationStmt *) node)->pubname;
		case T_CreateSubscriptionStmt:
			*type = OBJECT_SUBSCRIPTION;
			return ((CreateSubscriptionStmt *) node)->subname;
		case T_CreateCastStmt:
			*type = OBJECT_CAST;
			return cmig_target_object_name(OBJECT_CAST,
										   (Node *) list_make2(((CreateCastStmt *) node)->sourcetype,
															   ((CreateCastStmt *) node)->targettype));
		case T_CreateTransformStmt:
			*type = OBJECT_TRANSFORM;
			return psprintf("for %s language %s",
							TypeNameToString(((CreateTransformStmt *) node)->type_name),
							((CreateTransformStmt *) node)->lang);
		case T_CreateOpClassStmt:
			*type = OBJECT_OPCLASS;
			return NameListToQuotedString(((CreateOpClassStmt *) node)->opclassname);
		case T_CreateOpFamilyStmt:
			*type = OBJECT_OPFAMILY;
			return NameListToQuotedString(((CreateOpFamilyStmt *) node)->opfamilyname);
		case T_DefineStmt:
			*type = ((DefineStmt *) node)->kind;
			return NameListToQuotedString(((DefineStmt *) node)->defnames);
		case T_CreateFunctionStmt:
			*type = ((CreateFunctionStmt *) node)->is_procedure ? OBJECT_PROCEDURE : OBJECT_FUNCTION;
			return NameListToQuotedString(((CreateFunctionStmt *) node)->funcname);
		default:
			return NULL;
	}
}

/*
 * Returns the name of the object that a statement alters.  Sets *type.
 * Returns NULL if the statement alters no object.
 */
static char *
changed_name(Node *node, ObjectType *type)
{
	switch (nodeTag(node))
	{
		case T_CommentStmt:
			*type = ((CommentStmt *) node)->objtype;
			return cmig_target_object_name(*type, ((CommentStmt *) node)->object);
		case T_SecLabelStmt:
			*type = ((SecLabelStmt *) node)->objtype;
			return cmig_target_object_name(*type, ((SecLabelStmt *) node)->object);
		case T_AlterOwnerStmt:
			*type = ((AlterOwnerStmt *) node)->objectType;
			return cmig_target_object_name(*type, ((AlterOwnerStmt *) node)->object);
		case T_GrantStmt:
			*type = ((GrantStmt *) node)->objtype;
			return ((GrantStmt *) node)->objects == NIL ? NULL :
				cmig_target_object_name(*type, linitial(((GrantStmt *) node)->objects));
		case T_DropStmt:
			*type = ((DropStmt *) node)->removeType;
			return cmig_target_object_name(*type, linitial(((DropStmt *) node)->objects));
		case T_AlterEventTrigStmt:
			*type = OBJECT_EVENT_TRIGGER;
			return ((AlterEventTrigStmt *) node)->trigname;
		case T_AlterPublicationStmt:
			*type = OBJECT_PUBLICATION;
			return ((AlterPublicationStmt *) node)->pubname;
		case T_AlterSubscriptionStmt:
			*type = OBJECT_SUBSCRIPTION;
			return ((AlterSubscriptionStmt *) node)->subname;
		case T_DropSubscriptionStmt:
			*type = OBJECT_SUBSCRIPTION;
			return ((DropSubscriptionStmt *) node)->subname;
		case T_AlterFdwStmt:
			*type = OBJECT_FDW;
			return ((AlterFdwStmt *) node)->fdwname;
		case T_AlterForeignServerStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((AlterForeignServerStmt *) node)->servername;
		case T_CreateUserMappingStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((CreateUserMappingStmt *) node)->servername;
		case T_CreateForeignTableStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((CreateForeignTableStmt *) node)->servername;
		case T_AlterExtensionStmt:
			*type = OBJECT_EXTENSION;
			return ((AlterExtensionStmt *) node)->extname;
		default:
			return NULL;
	}
}

/*
 * Does the statement alter an object that was recorded as missing or as owned
 * by another role?  If so, the statement must be ignored.
 */
static bool
target_missing_is_about(CmigTargetState *state, Node *node)
{
	ObjectType	type;
	char	   *name = state->missing == NIL ? NULL : changed_name(node, &type);
	const CmigTargetMissing *missing = name == NULL ? NULL :
	cmig_target_find_missing(state, type, name);

	if (missing == NULL)
		return false;
	if (!IsA(node, CreateForeignTableStmt))
		return true;
	if (missing->is_shown)
		return false;
	cmig_target_note_missing(state, OBJECT_FOREIGN_TABLE,
							 cmig_target_object_name(OBJECT_FOREIGN_TABLE,
													 (Node *) ((CreateForeignTableStmt *) node)->base.relation),
							 psprintf("server \"%s\" does not exist", name));
	return true;
}

/*
 * Returns the hidden object with this name if it belongs to another role.
 * Otherwise returns NULL.
 */
static const CmigHidden *
find_others(const CmigTargetState *state, Oid catalog, const char *name)
{
	const CmigHidden *hidden = cmig_shadow_global_find(state->shadow->hidden, catalog, name);

	return hidden == NULL || has_privs_of_role(GetUserId(), hidden->owner) ? NULL : hidden;
}

/*
 * A target must not create an object with the name of another role's object: a
 * function that runs with that role's privileges would use the new object.  If
 * the statement would do this, make the existing object visible instead, and
 * return true.
 */
static bool
target_missing_show(CmigTargetState *state, Node *node)
{
	ObjectType	type;
	char	   *name;
	Oid			catalog;
	const CmigHidden *hidden;

	switch (nodeTag(node))
	{
		case T_CreateForeignServerStmt:
			catalog = ForeignServerRelationId;
			break;
		case T_CreateFdwStmt:
			catalog = ForeignDataWrapperRelationId;
			break;
		case T_CreatePLangStmt:
			catalog = LanguageRelationId;
			break;
		case T_CreateAmStmt:
			catalog = AccessMethodRelationId;
			break;
		default:
			return false;
	}
	name = target_missing_made(node, &type);
	hidden = find_others(state, catalog, name);
	if (hidden == NULL)
		return false;
	cmig_shadow_global_show(hidden);
	cmig_target_add_shown(state, type, name);
	return true;
}

/*
 * Can every role that has CREATE on the schema create the function?  Languages
 * other than SQL and PL/pgSQL may require more privileges, and LEAKPROOF
 * requires a superuser.
 */
static bool
is_in_common_language(const CreateFunctionStmt *create)
{
	ListCell   *cell;

	foreach(cell, create->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "leakproof") == 0)
			return false;
		if (strcmp(option->defname, "language") == 0 &&
			pg_strcasecmp(defGetString(option), "sql") != 0 &&
			pg_strcasecmp(defGetString(option), "plpgsql") != 0)
			return false;
	}
	return true;
}

/* Could the statement fail because only other roles can create the object? */
static bool
target_missing_may_be(Node *node)
{
	ObjectType	type;

	if (IsA(node, CreateExtensionStmt))
		return true;
	if (superuser())
		return false;
	if (IsA(node, CreateFunctionStmt))
		return !is_in_common_language((CreateFunctionStmt *) node);
	return target_missing_made(node, &type) != NULL;
}

/*
 * Does the error mean that a privilege is missing, or that the server does not
 * support something?
 */
static bool
target_missing_explains(const ErrorData *error, Node *node)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return true;
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_UNDEFINED_FILE:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_INVALID_PARAMETER_VALUE:
			return IsA(node, CreateExtensionStmt);
		default:
			return false;
	}
}

/* ----------------------------------------------------------------
 * Processes a target's utility statements before PostgreSQL runs them.
 *
 * Statements are processed in a ProcessUtility hook, which PostgreSQL also
 * calls for statements in DO blocks; these often create roles and extensions.
 * The hook sees a statement's parse tree before analysis.  It never changes
 * the tree itself, only copies of it.
 * ----------------------------------------------------------------
 */

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
			 errmsg("%s is not allowed in a %s", GetCommandTagName(CreateCommandTag(node)),
					cmig_running_is_replaying() ? "replay" : "target"),
			 errdetail("It would change existing objects in the database.")));
}

/* Raise an error for something that a rollback would not undo. */
static void
refuse_outside(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot run the statement in a %s: %s", cmig_running_is_replaying() ? "replay" :
					"target", reason),
			 errhint("Leave the statement out of the target if it does not change the schema.")));
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
	if (!target_missing_explains(error, node))
		ReThrowError(error);
	name = target_missing_made(node, &type);
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

/* Returns the statement that PostgreSQL must run, or NULL if there is none. */
static Node *
adapt(CmigTargetState *state, Node *node)
{
	const char *reason;
	const RenameStmt *rename;

	if (cmig_target_filter_leaves_out(state, node))
		return NULL;
	refuse(node);

	/*
	 * Raise an error for a statement that uses a cursor of the caller or an
	 * untrusted language.  Other statements with effects that a rollback does
	 * not undo are left out, or are harmless: LOAD and reading a file.
	 */
	reason = NULL;
	if (IsA(node, DoStmt) || IsA(node, ClosePortalStmt) || IsA(node, FetchStmt))
		reason = cmig_outside_of_statement(node, state->subtransaction);
	if (reason != NULL)
		refuse_outside(reason);

	/*
	 * if a statement gives a server the name of a hidden server that belongs
	 * to another role, raise PostgreSQL's error for a name that is in use
	 */
	rename = (const RenameStmt *) node;
	if (IsA(node, RenameStmt) && rename->renameType == OBJECT_FOREIGN_SERVER &&
		find_others(state, ForeignServerRelationId, rename->newname) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("server \"%s\" already exists", rename->newname)));
	if (target_missing_is_about(state, node) || cmig_target_filter_subscription(state, node) ||
		target_missing_show(state, node))
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
	const AlterTableStmt *alter;
	ListCell   *cell;

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
	{
		PlannedStmt *copy = makeNode(PlannedStmt);

		/* replace the statement's parse tree */
		*copy = *call.statement;
		copy->utilityStmt = node;
		call.statement = copy;
	}

	/*
	 * if the statement detaches a partition, record the partition's
	 * distribution
	 */
	alter = (AlterTableStmt *) node;
	if (IsA(alter, AlterTableStmt))
	{
		foreach(cell, alter->cmds)
		{
			const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

			if (command->subtype == AT_DetachPartition)
				cmig_distribution_record_detach(RangeVarGetRelid(((PartitionCmd *) command->def)->name, NoLock, true));
		}
	}
	if (target_missing_may_be(node))
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

/* ----------------------------------------------------------------
 * Runs the target's SQL, which creates its schema, in the shadow.
 *
 * A target is SQL that creates the schema that the database should have, for
 * example the output of pg_dump --schema-only.
 *
 * The SQL is the caller's code and runs with the caller's privileges, like a
 * revision's script.
 * ----------------------------------------------------------------
 */

void
cmig_target_init(void)
{
	/* register the hook */
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = see_utility;
	cmig_distribution_record_init();
	cmig_shadow_catalogs_init();
}

/*
 * Renames
 */

/*
 * Returns the name of the schema in which a statement has created an object.
 * Returns NULL for CREATE SCHEMA, and if the object is not found.
 */
static char *
made_name(const RawStmt *raw, RangeVar *relation, List *names)
{
	Oid			oid;

	if (IsA(raw->stmt, CreateSchemaStmt))
		return NULL;
	if (relation != NULL)
	{
		oid = RangeVarGetRelid(relation, NoLock, true);
		return !OidIsValid(oid) ? NULL : get_namespace_name(get_rel_namespace(oid));
	}
	if (list_length(names) > 1)
		return strVal(list_nth(names, list_length(names) - 2));
	names = fetch_search_path(false);
	return names == NIL ? NULL : get_namespace_name(linitial_oid(names));
}

/*
 * Read the @renamed comments before, in, and after a statement that has been
 * run.  "raw" is a copy of the statement's parse tree, because running a
 * statement changes its tree.
 */
static void
collect_renames(CmigTargetState *state, CmigTargetText *text, const CmigStatement *statement,
				const RawStmt *raw)
{
	ListCell   *cell;

	foreach(cell, text->comments)
	{
		CmigTargetComment *comment = lfirst(cell);
		const char *kind;
		RangeVar   *relation;
		List	   *names;
		char	   *part;
		char	   *schema;
		const char *name;
		StringInfoData rename;

		if (!cmig_target_text_renamed(comment, raw, statement->offset,
									  strlen(statement->text), &kind, &relation, &names, &part))
			continue;
		schema = made_name(raw, relation, names);
		if (IsA(raw->stmt, CreateSchemaStmt))
			name = ((CreateSchemaStmt *) raw->stmt)->schemaname;
		else if (IsA(raw->stmt, IndexStmt))
			name = ((IndexStmt *) raw->stmt)->idxname;
		else
			name = relation != NULL ? relation->relname : strVal(llast(names));
		if (name == NULL)
			continue;

		MemoryContextSwitchTo(state->context);
		initStringInfo(&rename);
		appendStringInfo(&rename, "%s ", kind);
		if (schema != NULL)
			appendStringInfo(&rename, "%s.", quote_identifier(schema));
		if (part != NULL)
			appendStringInfo(&rename, "%s.", quote_identifier(name));
		appendStringInfo(&rename, "%s -> ", quote_identifier(comment->from));
		appendStringInfoString(&rename, quote_identifier(part != NULL ? part : name));
		state->target->renames = lappend(state->target->renames, rename.data);
	}
}

/* Statements that do not pass through the utility hook */

/*
 * Is this a command such as BEGIN or COMMIT?  Such commands are ignored,
 * because all of the SQL runs in one transaction anyway.  Raises an error for
 * transaction commands that cannot be ignored.
 */
static bool
is_frame(const RawStmt *raw)
{
	const char *name;

	if (!IsA(raw->stmt, TransactionStmt))
		return false;
	switch (((TransactionStmt *) raw->stmt)->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_SAVEPOINT:
		case TRANS_STMT_RELEASE:
			return true;
		default:
			break;
	}
	(void) cmig_statement_classify(raw, &name);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not allowed in a target", name),
			 errdetail("All of the target's statements run in one transaction."),
			 errhint("Remove the command, and the statements that it rolls back.")));
}

/*
 * Is this a SELECT setval(...), as pg_dump writes it to set a sequence's
 * current value?
 */
static bool
is_setval(const RawStmt *raw)
{
	const SelectStmt *select = (const SelectStmt *) raw->stmt;
	const ResTarget *column;

	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->fromClause != NIL)
		return false;
	column = linitial_node(ResTarget, select->targetList);
	return IsA(column->val, FuncCall) &&
		strcmp(strVal(llast(((FuncCall *) column->val)->funcname)), "setval") == 0;
}

/*
 * Does the statement change rows of live tables?  If so, it must not be run.
 */
static bool
changes_live_rows(CmigTargetState *state, const RawStmt *raw)
{
	switch (nodeTag(raw->stmt))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return cmig_target_filter_is_elsewhere(state, raw->stmt);
		default:
			return false;
	}
}

void
cmig_target_execute(CmigTargetState *state, const CmigStatement *statement)
{
	RawStmt    *raw = statement->raw;
	const char *reason;

	/*
	 * a table of Citus shows whether the database has its functions, because
	 * the extension itself is hidden in the shadow
	 */
	if (cmig_citus_is_distribution(raw->stmt) &&
		!OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE)))
		return;
	if (is_frame(raw) || is_setval(raw) || changes_live_rows(state, raw))
		return;
	if (cmig_statement_classify(raw, &reason) == CMIG_STATEMENT_CONCURRENTLY)
		raw = cmig_statement_without_concurrently(raw);
	(void) cmig_shadow_catalogs_filter(true);
	cmig_execute_statement(raw, statement->text, None_Receiver);
	(void) cmig_shadow_catalogs_filter(false);
}

/*
 * Running the target's statements
 */

/* Run the target's statements one after another. */
static void
run_statements(CmigTargetState *state, CmigScriptRun *run, CmigTargetText *text)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(text->sql);

	MemoryContextSwitchTo(context);
	for (;;)
	{
		cmig_run_limit_check();
		CHECK_FOR_INTERRUPTS();
		cmig_lock_wait_forget();
		if (!cmig_script_next(script, &run->statement))
			break;
		state->line = run->statement.line;
		if (text->comments == NIL)
			cmig_target_execute(state, &run->statement);
		else
		{
			RawStmt    *raw = copyObject(run->statement.raw);

			cmig_target_execute(state, &run->statement);
			collect_renames(state, text, &run->statement, raw);
		}
		MemoryContextSwitchTo(context);

		run->statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	cmig_script_close(script);
	MemoryContextDelete(context);
}

/* A repeatable revision's script, and the state that is needed to run it. */
typedef struct ScriptWork
{
	CmigTargetState *state;
	const CmigTargetScript *script;
	CmigSession session;
} ScriptWork;

/*
 * Subtransaction callback: run the script.  Restores the session state if the
 * script fails.
 */
static void
try_script(void *arg)
{
	ScriptWork *work = arg;

	PG_TRY();
	{
		CmigRunStep step = {.revision = work->script->revision};
		CmigScriptRun run = {.step = &step,.verb = "replay"};
		CmigTargetText text = {.sql = unconstify(char *, work->script->sql)};
		ErrorContextCallback callback;

		/* run the script in its own session state */
		callback.callback = cmig_script_run_describe_error;
		callback.arg = &run;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		cmig_session_enter(&work->session);
		cmig_settings_override("check_function_bodies", "off");
		cmig_target_utility_watch(work->state);
		run_statements(work->state, &run, &text);
		cmig_session_leave(&work->session);
		cmig_target_utility_watch(NULL);
		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		cmig_target_utility_watch(NULL);
		cmig_session_abandon(&work->session);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * Run the target's SQL, and then the scripts of repeatable revisions.  The
 * session's state is saved before and restored afterwards.
 */
static void
run_text(CmigTargetState *state, CmigSession *session, const char *sql, List *scripts)
{
	static const CmigRunStep step = {.revision = "the target"};
	CmigScriptRun run = {.step = &step,.verb = "SQL"};
	CmigTargetText *text = cmig_target_text_read(sql);
	ErrorContextCallback callback;
	ListCell   *lc;

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	run.phase = "before its first statement";
	/* issue a NOTICE about psql commands and COPY blocks that are left out */
	if (text->commands + text->copies > 0)
		ereport(NOTICE,
				(errmsg("psql commands and COPY blocks in the target were ignored"),
				 errdetail("Backslash commands: %d. COPY blocks: %d. The first one is on line %d of the target.",
						   text->commands, text->copies, text->first_line)));
	cmig_session_enter(session);

	/*
	 * turn row_security on, so that a materialized view can read a table with
	 * forced row security
	 */
	cmig_settings_override("row_security", "on");
	cmig_target_utility_watch(state);
	run.phase = NULL;
	run_statements(state, &run, text);
	run.phase = "after its last statement";
	cmig_session_leave(session);
	cmig_target_utility_watch(NULL);
	run.phase = NULL;
	error_context_stack = callback.previous;
	/* run the scripts of repeatable revisions after the target */
	foreach(lc, scripts)
	{
		ScriptWork	work = {.state = state,.script = lfirst(lc)};
		ErrorData  *error = cmig_subtransaction_try(try_script, &work);

		if (error != NULL)
		{
			/*
			 * Issue a NOTICE about a script that failed, unless its objects
			 * already exist.  Raises the error again if the script has not
			 * caused it.
			 */
			if (cmig_subtransaction_must_rethrow(error))
				ReThrowError(error);
			switch (error->sqlerrcode)
			{
				case ERRCODE_DUPLICATE_TABLE:
				case ERRCODE_DUPLICATE_OBJECT:
				case ERRCODE_DUPLICATE_FUNCTION:
				case ERRCODE_DUPLICATE_SCHEMA:
					continue;
				default:
					ereport(NOTICE,
							(errmsg("repeatable revision \"%s\" cannot run after the target",
									work.script->revision),
							 errdetail("Its script failed: %s.", error->message),
							 errhint("The objects that the revision creates are treated as missing from the target. If the target is correct, correct the script.")));
			}
		}
	}
	error_context_stack = &callback;
	run.phase = "after its last statement";
	cmig_target_extension_settle(state);
	cmig_target_tell_left_out(state);

	error_context_stack = callback.previous;
}

CmigTarget *
cmig_target_run(CmigShadow *shadow, const char *sql)
{
	return cmig_target_run_with(shadow, sql, NIL);
}

CmigTarget *
cmig_target_run_with(CmigShadow *shadow, const char *sql, List *scripts)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigTargetState state = {.shadow = shadow,.context = caller};
	CmigSession session = {0};

	state.target = palloc0(sizeof(CmigTarget));
	state.subtransaction = GetCurrentSubTransactionId();
	PG_TRY();
	{
		run_text(&state, &session, sql, scripts);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		cmig_target_utility_watch(NULL);
		cmig_session_abandon(&session);
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		/* set hints for errors that have a special meaning in a target */
		switch (error->sqlerrcode)
		{
			case ERRCODE_OUT_OF_MEMORY:
				if (error->message != NULL && strcmp(error->message, "out of shared memory") == 0)
					error->hint = "The transaction needs a lock for each table of the target. Increase max_locks_per_transaction.";
				break;
			case ERRCODE_UNDEFINED_TABLE:
				if (error->hint == NULL)
					error->hint = "The target's SQL starts with empty schemas, and must create the whole schema. To start from the current schema, use the output of: SELECT cmig.schema_sql()";
				break;
			default:
				break;
		}
		ReThrowError(error);
	}
	PG_END_TRY();
	state.target->elsewhere = state.elsewhere;
	return state.target;
}
