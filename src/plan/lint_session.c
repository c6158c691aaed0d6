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
#include "storage/proc.h"
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
		LockTimeout != 0 || cmig_lock_timeout != 0;
	session->default_timeouts[CMIG_LINT_STATEMENT_TIMEOUT] = StatementTimeout != 0;
	lint->session = session;
	MemoryContextSwitchTo(old);
}

void
cmig_lint_session_begin_revision(CmigLint *lint)
{
	CmigLintSession *session = lint->session;

	lint->revision_number++;
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

bool
cmig_lint_session_in_transaction(const CmigLint *lint)
{
	return lint->transactional || lint->session->in_block > 0;
}

void
cmig_lint_session_apply_transaction(CmigLint *lint, TransactionStmt *statement)
{
	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			lint->session->in_block = lint->statement->number;
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			lint->session->in_block = 0;
			break;
		default:
			return;
	}
	lint->session->held = NULL;
	lint->session->values = NIL;
}

const		CmigLintNewValue *
cmig_lint_session_new_value(const CmigLint *lint, const char *value)
{
	ListCell   *lc;

	foreach(lc, lint->session->values)
	{
		if (strcmp(((CmigLintNewValue *) lfirst(lc))->value, value) == 0)
			return lfirst(lc);
	}
	return NULL;
}

void
cmig_lint_session_add_value(CmigLint *lint, struct CmigLintType *type, const char *value)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintNewValue *new = palloc(sizeof(CmigLintNewValue));

	new->type = type;
	new->value = pstrdup(value);
	new->revision = lint->revision;
	lint->session->values = lappend(lint->session->values, new);
	MemoryContextSwitchTo(old);
}

/* ----------------------------------------------------------------
 * Determines a statement's locks on relations that existed before the
 * plan, according to the statement's parse tree.
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
	Oid			oid = cmig_lint_types_oid(lint, castNode(TypeName, lock->object));
	ListCell   *lc;

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
