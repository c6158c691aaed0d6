/*
 * statement.h
 *	  What a statement is to the runner, judged by its parse tree alone.
 *
 * Pure: no catalog access, so what depends on the kind of a relation (REINDEX
 * and CLUSTER of partitioned tables) is left to the runner, and what nobody
 * can know (a procedure that commits) to the server.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STATEMENT_H
#define CMIG_STATEMENT_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "parse/lexer.h"

typedef enum CmigStatementClass
{
	CMIG_STATEMENT_PLAIN,		/* runs in a transaction */
	CMIG_STATEMENT_TRANSACTION, /* BEGIN, COMMIT, SAVEPOINT ...: refused */
	CMIG_STATEMENT_CLIENT_COPY, /* COPY ... FROM STDIN, TO STDOUT: refused */
	CMIG_STATEMENT_DISCARD_ALL, /* refused */
	CMIG_STATEMENT_CONCURRENTLY,	/* an index statement CONCURRENTLY, which
									 * off mode can run in a transaction */
	CMIG_STATEMENT_OWN_PROCEDURE,	/* CALL cmig.backfill and the like, which
									 * off mode can run in a transaction */
	CMIG_STATEMENT_TOP_LEVEL	/* VACUUM, CREATE DATABASE ...: only stepwise */
} CmigStatementClass;

/*
 * Classify.  *reason (static text) says what it is in user's terms, for
 * example "CREATE INDEX CONCURRENTLY" or "VACUUM".
 */
extern CmigStatementClass cmig_statement_classify(const RawStmt *raw, const char **reason);

/*
 * Raise what no script may hold, wherever it runs: TRANSACTION, CLIENT_COPY,
 * DISCARD_ALL.
 */
extern void cmig_statement_refuse(const RawStmt *raw);

/*
 * What the statement calls, "CALL cmig.backfill", if it names one of cmig's own
 * procedures that commit; else NULL.  Without a schema another one may bear
 * that name.
 */
extern const char *cmig_statement_own_procedure(const RawStmt *raw, bool *qualified);

/*
 * Is it an index statement or a DETACH with CONCURRENTLY, in whatever scope?
 * It waits for the end of other transactions.
 */
extern bool cmig_statement_is_concurrent(const RawStmt *raw);

/*
 * Does the statement set standard_conforming_strings, so that the rest of the
 * script can be read only after it was executed?
 */
extern bool cmig_statement_changes_strings(const RawStmt *raw);

/*
 * Take CONCURRENTLY off the parse tree (a copy is returned; the original is
 * not changed).  Only for CMIG_STATEMENT_CONCURRENTLY.
 */
extern RawStmt *cmig_statement_without_concurrently(const RawStmt *raw);

/*
 * Is it a SELECT of nothing but set_config() with constant arguments, for the
 * session?  Returns the names by which it is called, each a list, for the
 * caller to look up, or NIL.
 */
extern List *cmig_statement_set_config_names(const RawStmt *raw);

/*
 * Does it make something that lasts as long as the session at most, or write
 * to such a thing?  names (of char *) holds what was made so far and grows.
 */
extern bool cmig_statement_is_temporary(const RawStmt *raw, List **names);

/*
 * Might the text hold a statement that is not PLAIN?  A quick look at its
 * words, never wrong with "no".
 */
extern bool cmig_statement_may_need_top_level(const char *source);

/*
 * The same for who reads the tokens anyway: *scan starts as {true, false}, and
 * each token that is no comment is handed over.
 */
typedef struct CmigTopLevelScan
{
	bool		at_start;		/* of a statement */
	bool		after_verb;
} CmigTopLevelScan;

extern bool cmig_statement_scan(CmigTopLevelScan *scan, const CmigLexer *lexer);

#endif							/* CMIG_STATEMENT_H */
