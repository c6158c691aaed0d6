/*
 * lint_transactions.c
 *	  cmig.lint rules about transactions, timeouts, and locks held in
 *	  transactions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_facts.h"
#include "lint/lint_fix.h"
#include "lint/lint_locks.h"
#include "lint/lint_rules.h"
#include "lint/lint_session.h"
#include "lint/lint_source.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"
#include "lint/lint_uses.h"
#include "parse/statement.h"
#include "run/running.h"

#include "catalog/pg_class.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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
	if (!lint->transactional && begins != (cmig_lint_session_in_block(lint) != 0))
		return;
	(void) cmig_statement_classify(&raw, &name);
	cmig_lint_report(lint, NULL, "%s is not allowed in a script: the session that runs the revision controls the transaction",
					 name);
}

/*
 * Callback at the end of the revision: is the transaction block that the
 * reported statement began still open?
 */
static bool
is_open(CmigLint *lint, void *arg)
{
	return cmig_lint_session_in_block(lint) == *(int *) arg;
}

/* Implements the rule ban-uncommitted-transaction. */
static void
check_uncommitted(CmigLint *lint, Node *node)
{
	TransactionStmt *statement = (TransactionStmt *) node;
	CmigLintFinding *finding;
	int		   *began;

	if ((statement->kind != TRANS_STMT_BEGIN && statement->kind != TRANS_STMT_START) ||
		cmig_lint_session_in_block(lint))
		return;
	finding = cmig_lint_report(lint, NULL, "the script does not end the transaction that begins here");
	began = MemoryContextAlloc(lint->context, sizeof(int));
	*began = lint->statement->number;
	cmig_lint_report_later(lint, finding, false, is_open, began);
}

/*
 * Statements that cannot run in a transaction
 */

/* Implements the rule ban-concurrent-index-creation-in-transaction. */
static void
check_concurrent_index(CmigLint *lint, Node *node)
{
	if (((IndexStmt *) node)->concurrent && cmig_lint_session_in_transaction(lint) && cmig_running_concurrent_ddl() &&
		cmig_lint_indexes_refuse_concurrently(lint, node) == NULL)
		cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s", lint->statement->text),
						 "CREATE INDEX CONCURRENTLY fails inside a transaction");
}

/*
 * If a statement fails in a transaction because its relation is partitioned,
 * returns the statement's name.  Otherwise, returns NULL.
 */
static const char *
partitioned_name(CmigLint *lint, Node *node)
{
	CmigLintTable *table;

	if (IsA(node, ReindexStmt) && ((ReindexStmt *) node)->relation)
		table = cmig_lint_state_find(lint, ((ReindexStmt *) node)->relation, false);
	else if (IsA(node, ClusterStmt) && ((ClusterStmt *) node)->relation)
		table = cmig_lint_state_find(lint, ((ClusterStmt *) node)->relation, false);
	else
		return NULL;
	if (table == NULL || (table->kind != RELKIND_PARTITIONED_TABLE && table->kind != RELKIND_PARTITIONED_INDEX))
		return NULL;
	return IsA(node, ReindexStmt) ? "REINDEX of a partitioned table" : "CLUSTER of a partitioned table";
}

/* Implements the rule ban-non-transactional-statement. */
static void
check_top_level(CmigLint *lint, Node *node)
{
	const char *name;

	if (!cmig_lint_session_in_transaction(lint) || IsA(node, IndexStmt) ||
		cmig_lint_indexes_refuse_concurrently(lint, node))
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
			name = partitioned_name(lint, node);
			if (name == NULL)
				return;
			break;
	}
	cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s", lint->statement->text),
					 "%s fails inside a transaction", name);
}

/*
 * prefer-robust-stmts
 */

/*
 * Callback at the end of the revision: does the script have any other
 * statements, which might fail?
 */
static bool
has_others(CmigLint *lint, void *arg)
{
	return lint->statements > 1;
}

/*
 * Report a statement that lacks IF [NOT] EXISTS.  The suggested fix inserts the
 * string in "clause" after the word in "after".
 */
static void
report_robust(CmigLint *lint, const char *after, const char *clause)
{
	CmigLintFinding *finding;

	finding = cmig_lint_report(lint, cmig_lint_source_insert(lint->statement->text, after, clause),
							   "the script does not run in a single transaction; with %s, this statement can run again if a later one fails", clause);
	cmig_lint_report_later(lint, finding, false, has_others, NULL);
}

/* Report an ALTER TABLE with an action that could have IF [NOT] EXISTS. */
static void
check_robust_alter(CmigLint *lint, AlterTableStmt *alter)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->missing_ok)
			continue;
		if (command->subtype == AT_AddColumn)
			report_robust(lint, cmig_lint_source_has(lint->statement->text, "column") ? "column" : "add", "IF NOT EXISTS");
		else if (command->subtype == AT_DropColumn)
			report_robust(lint, cmig_lint_source_has(lint->statement->text, "column") ? "column" : "drop", "IF EXISTS");
		else if (command->subtype == AT_DropConstraint)
			report_robust(lint, "constraint", "IF EXISTS");
		else
			continue;
		return;
	}
}

/*
 * Returns the word that precedes the object's name in a DROP statement.
 * Returns NULL if the rule does not apply to this type of object.
 */
static const char *
drop_word(const DropStmt *drop)
{
	switch (drop->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
			return "table";
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			return "view";
		case OBJECT_INDEX:
			return drop->concurrent ? "concurrently" : "index";
		case OBJECT_SEQUENCE:
			return "sequence";
		case OBJECT_SCHEMA:
			return "schema";
		case OBJECT_TYPE:
			return "type";
		case OBJECT_DOMAIN:
			return "domain";
		case OBJECT_FUNCTION:
			return "function";
		case OBJECT_PROCEDURE:
			return "procedure";
		case OBJECT_TRIGGER:
			return "trigger";
		case OBJECT_POLICY:
			return "policy";
		case OBJECT_EXTENSION:
			return "extension";
		default:
			return NULL;
	}
}

/* Report a CREATE or ALTER TYPE statement that could have IF NOT EXISTS. */
static void
check_robust_create(CmigLint *lint, Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			if (!((CreateStmt *) node)->if_not_exists &&
				((CreateStmt *) node)->relation->relpersistence != RELPERSISTENCE_TEMP)
				report_robust(lint, "table", "IF NOT EXISTS");
			break;
		case T_CreateTableAsStmt:
			if (!((CreateTableAsStmt *) node)->if_not_exists &&
				((CreateTableAsStmt *) node)->into->rel->relpersistence != RELPERSISTENCE_TEMP &&
				!cmig_lint_source_has(lint->statement->text, "into"))
				report_robust(lint, ((CreateTableAsStmt *) node)->objtype == OBJECT_MATVIEW ? "view" : "table",
							  "IF NOT EXISTS");
			break;
		case T_IndexStmt:
			if (!((IndexStmt *) node)->if_not_exists && ((IndexStmt *) node)->idxname)
				report_robust(lint, ((IndexStmt *) node)->concurrent ? "concurrently" : "index", "IF NOT EXISTS");
			break;
		case T_CreateSeqStmt:
			if (!((CreateSeqStmt *) node)->if_not_exists)
				report_robust(lint, "sequence", "IF NOT EXISTS");
			break;
		case T_CreateSchemaStmt:
			if (!((CreateSchemaStmt *) node)->if_not_exists && ((CreateSchemaStmt *) node)->schemaElts == NIL)
				report_robust(lint, "schema", "IF NOT EXISTS");
			break;
		case T_CreateExtensionStmt:
			if (!((CreateExtensionStmt *) node)->if_not_exists)
				report_robust(lint, "extension", "IF NOT EXISTS");
			break;
		case T_AlterEnumStmt:
			if (!((AlterEnumStmt *) node)->skipIfNewValExists && ((AlterEnumStmt *) node)->oldVal == NULL)
				report_robust(lint, "value", "IF NOT EXISTS");
			break;
		default:
			break;
	}
}

/* Implements the rule prefer-robust-stmts. */
static void
check_robust(CmigLint *lint, Node *node)
{
	if (cmig_lint_session_in_transaction(lint))
		return;
	if (IsA(node, AlterTableStmt))
		check_robust_alter(lint, (AlterTableStmt *) node);
	else if (IsA(node, DropStmt))
	{
		DropStmt   *drop = (DropStmt *) node;

		if (!drop->missing_ok && drop_word(drop))
			report_robust(lint, drop_word(drop), "IF EXISTS");
	}
	else
		check_robust_create(lint, node);
}

/*
 * Timeouts
 */

/* Report a missing timeout at the first statement that takes a lock. */
static void
check_timeout(CmigLint *lint, CmigLintTimeout timeout, const char *fix, const char *message)
{
	CmigLintLock *lock;

	if (lint->locks == NIL || cmig_lint_session_has_timeout(lint, timeout) ||
		cmig_lint_session_is_reported(lint, timeout))
		return;
	lock = linitial(lint->locks);
	cmig_lint_report(lint, psprintf("%s;\n%s", fix, lint->statement->text), message,
					 cmig_lint_text_name(lock->table));
	cmig_lint_session_set_reported(lint, timeout);
}

/* Implements the rule require-lock-timeout. */
static void
check_lock_timeout(CmigLint *lint, Node *node)
{
	check_timeout(lint, CMIG_LINT_LOCK_TIMEOUT, "SET lock_timeout = '2s'",
				  "the statement may wait for its lock on %s without a limit, and blocks later statements while it waits");
}

/* Implements the rule require-statement-timeout. */
static void
check_statement_timeout(CmigLint *lint, Node *node)
{
	check_timeout(lint, CMIG_LINT_STATEMENT_TIMEOUT, "SET statement_timeout = '1min'",
				  "the statement may hold its lock on %s for an unlimited time");
}

/*
 * statement-after-access-exclusive
 */

/*
 * Do the findings so far show that the statement scans or rewrites a large
 * table?
 */
static bool
is_slow(CmigLint *lint)
{
	static const char *const slow[] = {
		"require-concurrent-index-creation", "require-concurrent-reindex", "constraint-missing-not-valid",
		"adding-foreign-key-constraint", "adding-field-with-default", "adding-auto-incrementing-field",
		"adding-not-nullable-field", "adding-serial-primary-key-field", "primary-key-sets-not-null",
		"disallowed-unique-constraint", "adding-exclusion-constraint", "changing-column-type", "rewriting-table", "attaching-partition"
	};

	for (int i = list_length(lint->findings) - 1; i >= 0; i--)
	{
		CmigLintFinding *finding = list_nth(lint->findings, i);

		if (finding->statement != lint->statement->number || finding->revision != lint->revision)
			break;
		for (int j = 0; j < lengthof(slow); j++)
		{
			if (strcmp(slow[j], finding->rule->name) == 0)
				return true;
		}
	}
	return false;
}

/* Does the statement validate a constraint of a large table? */
static bool
is_validate(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	if (!IsA(node, AlterTableStmt) || !cmig_lint_model_is_large(lint->target))
		return false;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_ValidateConstraint)
			return true;
	}
	return false;
}

/*
 * Returns another table on which the statement takes a lock that blocks
 * writes.  Returns NULL if there is none.  Tables on which this revision
 * already holds an AccessExclusiveLock are skipped.
 */
static CmigLintTable *
other_locked(CmigLint *lint, const CmigLintTable *held)
{
	ListCell   *lc;

	foreach(lc, lint->locks)
	{
		CmigLintLock *lock = lfirst(lc);

		if (lock->table != held && lock->mode >= ShareLock &&
			(lock->table->in_revision != lint->revision_number || lock->table->locked_at == 0))
			return lock->table;
	}
	return NULL;
}

/* Implements the rule statement-after-access-exclusive. */
static void
check_after_exclusive(CmigLint *lint, Node *node)
{
	int			number;
	CmigLintTable *held = cmig_lint_session_held(lint, &number);

	if (held == NULL || !cmig_lint_session_in_transaction(lint))
		return;
	if (!IsA(node, DoStmt) && !IsA(node, CallStmt) && !cmig_lint_uses_shared(lint, node) &&
		!is_validate(lint, node) && !is_slow(lint))
	{
		CmigLintTable *other = other_locked(lint, held);

		/*
		 * if several statements only wait for a lock, report only the first
		 * of them
		 */
		if (cmig_lint_session_is_wait_reported(lint) || other == NULL)
			return;
		cmig_lint_session_set_wait_reported(lint);
		cmig_lint_report(lint, NULL, "%s, locked against reads and writes by statement %d, stays locked while this statement waits for its lock on %s",
						 cmig_lint_text_name(held), number, cmig_lint_text_name(other));
		return;
	}
	cmig_lint_report(lint, NULL, "%s, locked against reads and writes by statement %d, stays locked while this statement runs",
					 cmig_lint_text_name(held), number);
}

/*
 * backfill-with-schema-change
 */

/* Implements the rule backfill-with-schema-change. */
static void
check_backfill(CmigLint *lint, Node *node)
{
	List	   *updated = cmig_lint_uses_updated(lint, node);
	ListCell   *lc;

	if (!cmig_lint_session_in_transaction(lint))
		return;
	foreach(lc, updated)
	{
		CmigLintTable *table = lfirst(lc);

		if (cmig_lint_model_is_large(table) && table->in_revision == lint->revision_number && table->locked_at > 0)
			cmig_lint_report(lint, NULL, "UPDATE of %s runs in the transaction that altered the table in statement %d, and the table stays locked meanwhile; use cmig.backfill in a later revision",
							 cmig_lint_text_table(table), table->locked_at);
	}
}

const CmigLintRule cmig_lint_transactions[] = {
	{"transaction-nesting", CMIG_LINT_ERROR, false, check_nesting, {T_TransactionStmt}},
	{"ban-uncommitted-transaction", CMIG_LINT_ERROR, false, check_uncommitted, {T_TransactionStmt}},
	{"ban-concurrent-index-creation-in-transaction", CMIG_LINT_ERROR, false, check_concurrent_index, {T_IndexStmt}},
	{"ban-non-transactional-statement", CMIG_LINT_ERROR, false, check_top_level},
	{"prefer-robust-stmts", CMIG_LINT_NOTICE, false, check_robust},
	{"require-lock-timeout", CMIG_LINT_NOTICE, false, check_lock_timeout},
	{"require-statement-timeout", CMIG_LINT_NOTICE, false, check_statement_timeout},
	{"statement-after-access-exclusive", CMIG_LINT_WARNING, false, check_after_exclusive},
	{"backfill-with-schema-change", CMIG_LINT_WARNING, false, check_backfill,
	{T_UpdateStmt, T_InsertStmt, T_DeleteStmt, T_SelectStmt, T_MergeStmt}},
	{NULL}
};
