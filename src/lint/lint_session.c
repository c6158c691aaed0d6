/*
 * lint_session.c
 *	  Tracks the settings and the transaction state of a script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_expression.h"
#include "lint/lint_session.h"
#include "run/lock_wait.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

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
