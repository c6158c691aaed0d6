/*
 * statement.h
 *	  Classifies statements for the runner by their parse trees alone.
 *
 * This module does not access the catalogs.  The runner handles statements
 * whose class depends on the kind of a relation, such as REINDEX and CLUSTER of
 * partitioned tables.  The server handles what cannot be known before a
 * statement runs, such as whether a procedure commits.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STATEMENT_H
#define CMIG_STATEMENT_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "parse/lexer.h"

/* Classes of statements, according to where a statement can run. */
typedef enum CmigStatementClass
{
	CMIG_STATEMENT_PLAIN,		/* runs in a transaction */
	CMIG_STATEMENT_TRANSACTION, /* BEGIN, COMMIT, SAVEPOINT ...: not allowed */
	CMIG_STATEMENT_CLIENT_COPY, /* COPY FROM STDIN, TO STDOUT: not allowed */
	CMIG_STATEMENT_DISCARD_ALL, /* not allowed */
	CMIG_STATEMENT_CONCURRENTLY,	/* has CONCURRENTLY; can run in a
									 * transaction only if cmig.concurrent_ddl
									 * is off */
	CMIG_STATEMENT_OWN_PROCEDURE,	/* CALL cmig.backfill and the like; can
									 * run in a transaction only if
									 * cmig.concurrent_ddl is off */
	CMIG_STATEMENT_TOP_LEVEL	/* VACUUM, CREATE DATABASE ...: only in a
								 * nontransactional revision */
} CmigStatementClass;

/*
 * Returns the Boolean value of one of a statement's options, or "otherwise" if
 * the option is not given.
 */
extern bool cmig_statement_option(const List *options, const char *name, bool otherwise);

/* Is the option given, with any value? */
extern bool cmig_statement_has_option(const List *options, const char *name);

/*
 * Classify a statement.  Sets *reason to a static string that names the
 * statement in messages, such as "CREATE INDEX CONCURRENTLY" or "VACUUM".
 */
extern CmigStatementClass cmig_statement_classify(const RawStmt *raw, const char **reason);

/*
 * Raise 0A000 if the statement is one that no script may contain (TRANSACTION,
 * CLIENT_COPY, or DISCARD_ALL).
 */
extern void cmig_statement_refuse(const RawStmt *raw);

/*
 * If the statement calls a procedure with the same name as one of pg_cmig's
 * procedures that commit, returns a string such as "CALL cmig.backfill";
 * otherwise, returns NULL.  Sets *qualified to false if the call does not name
 * the schema, so the procedure may be in another schema.
 */
extern const char *cmig_statement_own_procedure(const RawStmt *raw, bool *qualified);

/*
 * Is the statement an index command or a DETACH with CONCURRENTLY, for one or
 * more relations?  Such a statement waits for other transactions to end.
 */
extern bool cmig_statement_is_concurrent(const RawStmt *raw);

/*
 * Does the statement set or reset standard_conforming_strings?  If so, the rest
 * of the script can be split correctly only after the statement has run.
 */
extern bool cmig_statement_changes_strings(const RawStmt *raw);

/*
 * Returns a copy of the parse tree without CONCURRENTLY.  Call this only for a
 * statement with CONCURRENTLY.
 */
extern RawStmt *cmig_statement_without_concurrently(const RawStmt *raw);

/*
 * Returns the function names in a SELECT that consists only of set_config()
 * calls with constant arguments that set values for the session.  Each name is
 * a list, as written in the call, for the caller to look up.  Returns NIL for
 * any other statement.
 */
extern List *cmig_statement_set_config_names(const RawStmt *raw);

/*
 * Does the statement create, or write to, an object that cannot outlive the
 * session, such as a temporary table or a cursor?  *names is a List of char *
 * that contains the names of such objects created by the script so far.  This
 * function adds to the list.
 */
extern bool cmig_statement_is_temporary(const RawStmt *raw, List **names);

/*
 * Returns true if the script may contain a statement that is not
 * CMIG_STATEMENT_PLAIN.  Only the words in the script are examined, so there
 * can be false positives, but no false negatives.
 */
extern bool cmig_statement_may_need_top_level(const char *source);

/*
 * The state of cmig_statement_scan(), which gives the same answer as
 * cmig_statement_may_need_top_level() to a caller that reads the tokens
 * itself.  The caller initializes the state with {true, false} and passes each
 * token that is not a comment.
 */
typedef struct CmigTopLevelScan
{
	bool		at_start;		/* is the next token the first one of a
								 * statement? */
	bool		after_verb;		/* was the last token CREATE, ALTER, DROP, or
								 * PREPARE at the start of a statement? */
} CmigTopLevelScan;

extern bool cmig_statement_scan(CmigTopLevelScan *scan, const CmigLexer *lexer);

#endif							/* CMIG_STATEMENT_H */
