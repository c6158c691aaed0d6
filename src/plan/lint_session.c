/*
 * lint_session.c
 *	  Lint: the settings and locks of the plan so far.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "storage/lockdefs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "plan/internal.h"
#include "plan/lint.h"
#include "run/run.h"

/* ----------------------------------------------------------------
 * Tracks the settings and the transaction state of a script.
 * ----------------------------------------------------------------
 */

/* An enum value that the current transaction has added. */
typedef struct NewValue
{
	struct CmigLintType *type;
	const char *value;
	const char *revision;		/* the revision that has added the value; NULL
								 * for cmig.lint_sql */
} NewValue;

struct CmigLintSession
{
	List	   *path;			/* of char * */
	List	   *default_path;
	bool		timeouts[2];	/* by CmigLintTimeout: true if the timeout is
								 * set */
	bool		default_timeouts[2];
	const char *time_zone;
	List	   *values;			/* of NewValue *: added by the current
								 * transaction */
	int			in_block;		/* number of the statement that began the
								 * transaction block; 0 outside of a block */
	bool		reported[2];	/* by CmigLintTimeout: true if it has been
								 * reported that the timeout is not set */
	bool		wait_reported;
	CmigLintTable *held;		/* first table that the transaction has locked
								 * with AccessExclusiveLock */
	int			held_since;		/* number of the statement that took the lock
								 * on "held" */
};

/* Is this timeout set in the session that calls cmig.lint? */
static bool
session_has_timeout(const char *name)
{
	return atoi(GetConfigOption(name, false, false)) != 0;
}

/* Returns the schemas in a search_path value. */
static List *
split_path(const char *text)
{
	List	   *names;
	List	   *result = NIL;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(text), ',', &names))
		return list_make1("public");
	foreach(lc, names)
	{
		const char *name = lfirst(lc);

		if (name[0] == '\0')
			continue;			/* SET search_path = '' */
		if (strcmp(name, "$user") == 0)
			name = GetUserNameFromId(GetUserId(), false);
		result = lappend(result, pstrdup(name));
	}
	return result;
}

void
cmig_lint_session_begin(CmigLint *lint, const char *search_path)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintSession *session = palloc0(sizeof(CmigLintSession));

	session->default_path = split_path(search_path);
	session->default_timeouts[CMIG_LINT_LOCK_TIMEOUT] =
		session_has_timeout("lock_timeout") || cmig_lock_timeout != 0;
	session->default_timeouts[CMIG_LINT_STATEMENT_TIMEOUT] = session_has_timeout("statement_timeout");
	lint->session = session;
	MemoryContextSwitchTo(old);
}

void
cmig_lint_session_begin_revision(CmigLint *lint)
{
	CmigLintSession *session = lint->session;

	session->path = session->default_path;
	memcpy(session->timeouts, session->default_timeouts, sizeof(session->timeouts));
	session->time_zone = NULL;
	if (!lint->one_transaction)
		session->values = NIL;
	session->in_block = 0;
	session->held = NULL;
	memset(session->reported, 0, sizeof(session->reported));
	session->wait_reported = false;
}

/*
 * Settings
 */

List *
cmig_lint_session_path(const CmigLint *lint)
{
	return lint->session->path;
}

bool
cmig_lint_session_has_timeout(const CmigLint *lint, CmigLintTimeout timeout)
{
	return lint->session->timeouts[timeout];
}

const char *
cmig_lint_session_time_zone(const CmigLint *lint)
{
	return lint->session->time_zone;
}

/* Set a timeout.  A value of 0 in any unit disables the timeout. */
static void
set_timeout(CmigLintSession *session, CmigLintTimeout timeout, const char *value)
{
	session->timeouts[timeout] = value ? strtod(value, NULL) != 0 : session->default_timeouts[timeout];
}

void
cmig_lint_session_set(CmigLint *lint, const char *name, const char *value)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintSession *session = lint->session;

	if (pg_strcasecmp(name, "lock_timeout") == 0)
		set_timeout(session, CMIG_LINT_LOCK_TIMEOUT, value);
	else if (pg_strcasecmp(name, "statement_timeout") == 0)
		set_timeout(session, CMIG_LINT_STATEMENT_TIMEOUT, value);
	else if (pg_strcasecmp(name, "timezone") == 0)
		session->time_zone = value ? pstrdup(value) : NULL;
	else if (pg_strcasecmp(name, "search_path") == 0)
		session->path = value ? split_path(value) : session->default_path;
	MemoryContextSwitchTo(old);
}

/*
 * Returns the values of a SET command as one string.  Returns "?" if one of the
 * values is not a constant.  For search_path, each value is quoted as a name.
 */
static char *
setting_text(const char *name, List *values)
{
	bool		is_path = pg_strcasecmp(name, "search_path") == 0;
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, values)
	{
		const char *value = cmig_lint_expression_constant(lfirst(lc));

		if (value == NULL)
			return "?";
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", is_path ? quote_identifier(value) : value);
	}
	return text.data;
}

void
cmig_lint_session_apply_set(CmigLint *lint, VariableSetStmt *statement)
{
	switch (statement->kind)
	{
		case VAR_SET_VALUE:
			cmig_lint_session_set(lint, statement->name, setting_text(statement->name, statement->args));
			break;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
			cmig_lint_session_set(lint, statement->name, NULL);
			break;
		case VAR_RESET_ALL:
			cmig_lint_session_set(lint, "lock_timeout", NULL);
			cmig_lint_session_set(lint, "statement_timeout", NULL);
			cmig_lint_session_set(lint, "timezone", NULL);
			cmig_lint_session_set(lint, "search_path", NULL);
			break;
		default:
			break;
	}
}

/*
 * Transactions
 */

int
cmig_lint_session_in_block(const CmigLint *lint)
{
	return lint->session->in_block;
}

bool
cmig_lint_session_in_transaction(const CmigLint *lint)
{
	return lint->transactional || lint->session->in_block > 0;
}

/*
 * Record the beginning or end of a transaction block.  "statement" is the
 * number of the statement that begins the block, or 0 at the end of a block.
 */
static void
set_block(CmigLint *lint, int statement)
{
	lint->session->in_block = statement;
	lint->session->held = NULL;
	lint->session->values = NIL;
}

void
cmig_lint_session_apply_transaction(CmigLint *lint, TransactionStmt *statement)
{
	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			set_block(lint, lint->statement->number);
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			set_block(lint, 0);
			break;
		default:
			break;
	}
}

CmigLintTable *
cmig_lint_session_held(const CmigLint *lint, int *statement)
{
	*statement = lint->session->held_since;
	return lint->session->held;
}

void
cmig_lint_session_hold(CmigLint *lint, CmigLintTable *table, int statement)
{
	if (lint->session->held)
		return;
	lint->session->held = table;
	lint->session->held_since = statement;
}

struct CmigLintType *
cmig_lint_session_new_value(CmigLint *lint, const char *value)
{
	ListCell   *lc;

	foreach(lc, lint->session->values)
	{
		NewValue   *new = lfirst(lc);

		if (strcmp(new->value, value) == 0)
			return new->type;
	}
	return NULL;
}

const char *
cmig_lint_session_added_by(const CmigLint *lint, const char *value)
{
	ListCell   *lc;

	foreach(lc, lint->session->values)
	{
		const NewValue *new = lfirst(lc);

		if (strcmp(new->value, value) == 0)
			return new->revision == lint->revision ? NULL : new->revision;
	}
	return NULL;
}

bool
cmig_lint_session_has_new_values(const CmigLint *lint)
{
	return lint->session->values != NIL;
}

void
cmig_lint_session_add_value(CmigLint *lint, struct CmigLintType *type, const char *value)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	NewValue   *new = palloc(sizeof(NewValue));

	new->type = type;
	new->value = pstrdup(value);
	new->revision = lint->revision;
	lint->session->values = lappend(lint->session->values, new);
	MemoryContextSwitchTo(old);
}

/*
 * Problems already reported
 */

bool
cmig_lint_session_is_reported(const CmigLint *lint, CmigLintTimeout timeout)
{
	return lint->session->reported[timeout];
}

void
cmig_lint_session_set_reported(CmigLint *lint, CmigLintTimeout timeout)
{
	lint->session->reported[timeout] = true;
}

bool
cmig_lint_session_is_wait_reported(const CmigLint *lint)
{
	return lint->session->wait_reported;
}

void
cmig_lint_session_set_wait_reported(CmigLint *lint)
{
	lint->session->wait_reported = true;
}

/* ----------------------------------------------------------------
 * Determines a statement's locks on relations that existed before the
 * plan, according to the statement's parse tree.
 *
 * 	  Determines a statement's locks on relations that existed before the
 * 	  plan.
 * ----------------------------------------------------------------
 */

/*
 * Add a lock on a relation.  If the list already contains such a lock, raises
 * its mode.
 */
static List *
add(List *locks, CmigLintTable *table, LOCKMODE mode, bool dropped)
{
	CmigLintLock *lock;
	ListCell   *lc;

	if (!cmig_lint_model_is_shared(table) || mode < ShareUpdateExclusiveLock)
		return locks;
	foreach(lc, locks)
	{
		lock = lfirst(lc);
		if (lock->table == table)
		{
			lock->mode = Max(lock->mode, mode);
			lock->dropped |= dropped;
			return locks;
		}
	}
	lock = palloc(sizeof(CmigLintLock));
	lock->table = table;
	lock->mode = mode;
	lock->dropped = dropped;
	return lappend(locks, lock);
}

/* Is the statement valid if its relation does not exist, as with IF EXISTS? */
static bool
may_be_missing(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			return ((AlterTableStmt *) node)->missing_ok;
		case T_DropStmt:
			return ((DropStmt *) node)->missing_ok;
		case T_RenameStmt:
			return ((RenameStmt *) node)->missing_ok;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) node)->missing_ok;
		case T_AlterSeqStmt:
			return ((AlterSeqStmt *) node)->missing_ok;
		case T_ViewStmt:
			return true;
		default:
			return false;
	}
}

/* Add locks on the tables that have columns of a domain. */
static List *
add_domain(List *locks, CmigLint *lint, const CmigLock *lock)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;
	ListCell   *lc;

	cmig_lint_types_find(lint, castNode(TypeName, lock->object), &oid, &typmod, &new_name);
	foreach(lc, OidIsValid(oid) ? cmig_lint_catalog_tables_with_type(oid) : NIL)
	{
		locks = add(locks, cmig_lint_state_find_oid(lint, lfirst_oid(lc)), lock->mode, false);
	}
	return locks;
}

List *
cmig_lint_locks_of(CmigLint *lint, Node *statement)
{
	bool		missing_ok = may_be_missing(statement);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, cmig_statement_locks(statement))
	{
		const CmigLock *lock = lfirst(lc);
		CmigLintTable *table;

		if (lock->action == CMIG_LOCK_DOMAIN)
			result = add_domain(result, lint, lock);
		if (lock->relation == NULL || lock->action == CMIG_LOCK_CREATE ||
			lock->action == CMIG_LOCK_UNKNOWN)
			continue;

		/*
		 * If a relation is not found and the lock on it is strong, add an
		 * unknown relation.
		 */
		table = lock->mode < ShareUpdateExclusiveLock ?
			cmig_lint_state_find(lint, lock->relation, true) :
			cmig_lint_state_find_if(lint, lock->relation, missing_ok);
		if (table && table->index_of && (lock->with & CMIG_LOCK_TABLE))
			result = add(result, table->index_of, lock->table_mode, false);
		else
			result = add(result, table, lock->mode, lock->action == CMIG_LOCK_DROP);
	}
	return result;
}
