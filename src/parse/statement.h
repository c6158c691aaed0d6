/*
 * statement.h
 *	  Classifies statements for the runner, by their parse trees alone.
 *
 * Pure: no catalog access.  What depends on the kind of a relation (REINDEX and
 * CLUSTER of partitioned tables) is left to the runner, and what cannot be known
 * before it runs (a procedure that commits) to the server.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STATEMENT_H
#define CMIG_STATEMENT_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "parse/lexer.h"

/* Where a statement can run. */
typedef enum CmigStatementClass
{
	CMIG_STATEMENT_PLAIN,		/* runs in a transaction */
	CMIG_STATEMENT_TRANSACTION, /* BEGIN, COMMIT, SAVEPOINT ...: refused */
	CMIG_STATEMENT_CLIENT_COPY, /* COPY ... FROM STDIN, TO STDOUT: refused */
	CMIG_STATEMENT_DISCARD_ALL, /* refused */
	CMIG_STATEMENT_CONCURRENTLY,	/* has CONCURRENTLY; with
									 * cmig.concurrent_ddl = off it can run in
									 * a transaction */
	CMIG_STATEMENT_OWN_PROCEDURE,	/* CALL cmig.backfill and the like; the
									 * same holds */
	CMIG_STATEMENT_TOP_LEVEL	/* VACUUM, CREATE DATABASE ...: only stepwise */
} CmigStatementClass;

/*
 * The Boolean value of one of a statement's options, or the last argument if it
 * is not given.
 */
extern bool cmig_statement_option(const List *options, const char *name, bool otherwise);

/* Is the option given, with whatever value? */
extern bool cmig_statement_has_option(const List *options, const char *name);

/*
 * Classify a statement.  *reason, a static text, is its name for messages, such
 * as "CREATE INDEX CONCURRENTLY" or "VACUUM".
 */
extern CmigStatementClass cmig_statement_classify(const RawStmt *raw, const char **reason);

/*
 * Raise 0A000 for a statement that no script may contain: TRANSACTION,
 * CLIENT_COPY, DISCARD_ALL.
 */
extern void cmig_statement_refuse(const RawStmt *raw);

/*
 * "CALL cmig.backfill" or the like if the statement calls a procedure with the
 * name of one of ours that commit, else NULL.  Unless *qualified, it may be a
 * procedure in another schema.
 */
extern const char *cmig_statement_own_procedure(const RawStmt *raw, bool *qualified);

/*
 * Is it an index statement or a DETACH with CONCURRENTLY, of one relation or
 * many?  Such a statement waits for the end of other transactions.
 */
extern bool cmig_statement_is_concurrent(const RawStmt *raw);

/*
 * Does the statement set standard_conforming_strings, so that the rest of the
 * script can be read only after it was executed?
 */
extern bool cmig_statement_changes_strings(const RawStmt *raw);

/*
 * A copy of the parse tree without CONCURRENTLY.  Only for
 * CMIG_STATEMENT_CONCURRENTLY.
 */
extern RawStmt *cmig_statement_without_concurrently(const RawStmt *raw);

/*
 * Is it a SELECT of nothing but set_config() calls with constant arguments that
 * set for the session?  Returns the function names as written, each a list, for
 * the caller to look up; NIL if it is not.
 */
extern List *cmig_statement_set_config_names(const RawStmt *raw);

/*
 * Does it create something that cannot outlive the session, such as a temporary
 * table or a cursor, or write to it?  *names (of char *) has what the script has
 * created so far; it is added to.
 */
extern bool cmig_statement_is_temporary(const RawStmt *raw, List **names);

/*
 * May the text contain a statement that is not PLAIN?  Only looks at words: a
 * "yes" can be wrong, a "no" cannot.
 */
extern bool cmig_statement_may_need_top_level(const char *source);

/*
 * The same for a caller that reads the tokens anyway.  It starts with *scan as
 * {true, false} and passes each token that is not a comment.
 */
typedef struct CmigTopLevelScan
{
	bool		at_start;		/* of a statement */
	bool		after_verb;		/* after CREATE, ALTER, ... */
} CmigTopLevelScan;

extern bool cmig_statement_scan(CmigTopLevelScan *scan, const CmigLexer *lexer);

#endif							/* CMIG_STATEMENT_H */
