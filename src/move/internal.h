/*
 * internal.h
 *	  What the modules of src/move share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MOVE_INTERNAL_H
#define CMIG_MOVE_INTERNAL_H

#include "postgres.h"

#include "move/move.h"
#include "store/store.h"

/* in step_texts.c */

/* Raise error 55000 because the row of the revision "id" has been deleted. */
pg_noreturn extern void cmig_step_texts_deleted(const char *id);

/* in move.c */

/*
 * Returns a text about the step for this node, such as "upgrade 001 -> 002,
 * message".
 */
extern char *cmig_move_title(const CmigGraph *graph, CmigDirection direction, int node);

/* What a plan does, such as "upgrade of 001 to 003 (3 revisions)". */
extern char *cmig_move_describe(const CmigGraph *graph, const CmigPlan *plan);

/* Log the end of a run that failed in step "index", or before them if -1. */
extern void cmig_move_log_failure(int sqlstate, const CmigGraph *graph, const CmigPlan *plan,
								  int index);

/* Report in a NOTICE that the step for this node is about to run. */
extern void cmig_move_report(const CmigSituation *now, const CmigPlan *plan, int node);

/*
 * Before anything is changed, detect everything that would stop a run in a
 * single transaction, such as a nontransactional revision.
 */
extern void cmig_move_check(CmigStepTexts *texts, const CmigPlan *plan);

/*
 * The version rows that should exist at a point of a run: first those that
 * exist before the first step, and then with the changes of each step.
 */
extern CmigMarks *cmig_move_expect_rows(const CmigSituation *now);
extern void cmig_move_expect_step(CmigMarks *expected, const CmigEdges *removed,
								  const CmigEdges *added);

/*
 * Raises error 55000 if the version rows are not the expected ones.  "hint" is
 * the end of a sentence about who is allowed to change version rows.
 */
extern void cmig_move_require_expected(const CmigSituation *now, const CmigMarks *expected,
									   const char *hint);

/*
 * Run the script of a step in the current transaction, and update the version
 * rows.  Sets *entry to the journal row of the step, allocated in the current
 * memory context; the caller writes it.
 */
extern void cmig_move_run_step(const CmigSituation *now, const CmigPlan *plan,
							   const CmigPlanStep *step, const CmigRunStep *run,
							   CmigJournalEntry *entry);

/*
 * Call this when a run begins.  Creates the first restore point, and reports
 * the names of both restore points in a NOTICE.  Returns a string for the
 * journal, allocated in the current memory context, or NULL if
 * cmig.restore_point is off.  Raises error 42501 if the user lacks the
 * privilege to create a restore point.
 */
extern char *cmig_restore_point_before(void);

/*
 * Call this when a run is complete.  The run's second restore point is created
 * after the current transaction has committed.  A transaction may contain
 * several runs.
 */
extern void cmig_restore_point_after_commit(void);

/* in resume.c */

/*
 * Returns the information to store before a statement begins, as members of a
 * JSON object, such as '"index": "x", "existed": false', or ''.  May complete
 * the parse tree with an index name.  Call this in a transaction with a
 * snapshot.
 */
extern char *cmig_resume_prepare(RawStmt *raw);

/* How to proceed with an interrupted statement. */
typedef enum CmigResumeVerdict
{
	CMIG_RESUME_DONE,			/* do nothing, because the statement is done */
	CMIG_RESUME_AGAIN,			/* run the statement, possibly again */
	CMIG_RESUME_FINISH			/* run the statement in *finish, which
								 * completes the interrupted one */
} CmigResumeVerdict;

/*
 * Determine from the catalogs how to proceed with an interrupted statement.
 * "detail" is the stored JSON object with the members that
 * cmig_resume_prepare() returned.  May complete the parse tree with the stored
 * index name.  The indexes in *leftovers (of CmigLeftover *) must be removed
 * before the statement is run again.  Call this in a transaction with a
 * snapshot.
 */
extern CmigResumeVerdict cmig_resume_judge(RawStmt *raw, const char *detail,
										   List **leftovers, char **finish);

/* in nontransactional.c */

/*
 * How to handle a statement in doubt: one that had committed at least part of
 * its work when it was interrupted, so that it is unknown whether it
 * completed.
 */
typedef enum CmigInDoubt
{
	CMIG_IN_DOUBT_STOP,			/* raise error MG012 */
	CMIG_IN_DOUBT_DONE,			/* treat the statement as done */
	CMIG_IN_DOUBT_AGAIN			/* run the statement again */
} CmigInDoubt;

/*
 * Run the statements of a step's script that earlier calls have not run, and
 * commit each one.  On return and after an error, the session's settings,
 * role, temporary objects, prepared statements, and cursors are restored.
 * *in_doubt applies only to the first statement in doubt.  The current memory
 * context must be below PortalContext.
 */
extern void cmig_nontransactional_run(const CmigRunStep *step, CmigInDoubt *in_doubt);

/*
 * An operator in a statement of the psql script that no revision contains.  The
 * statement runs with the search_path of the session, which could find another
 * role's operator, even if pg_catalog is first.  For the same reason, functions
 * and the type text are qualified, and IN, NULLIF, and IS DISTINCT FROM are not
 * used.
 */
#define OP(name) "OPERATOR(pg_catalog." name ")"

/*
 * With this, each transaction of a script begins that locks, and then checks what it
 * has locked: in another isolation level, which the database's setting can choose, the
 * check would not see what was committed while the lock was waited for.
 */
#define CMIG_PSQL_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"

/* in psql_table.c */

/* The variables of the statements that cmig_psql_table_check() returns. */
#define CMIG_TABLE_VARIABLES \
	"\tcmig_path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');\n" \
	"\tcmig_mode CONSTANT pg_catalog.text := 'SHARE UPDATE EXCLUSIVE';\n" \
	"\tcmig_schema pg_catalog.name; cmig_names pg_catalog.name[]; cmig_locked pg_catalog.name[];\n" \
	"\tcmig_id pg_catalog.oid; cmig_item pg_catalog.record;\n"

/*
 * Returns statements for a DO that raise 42501 unless the role that runs the script
 * can use the table, or, if it is NULL, the tables of the engine: nothing in them is
 * code of others.  Until the transaction ends, their names are those of the tables
 * that were checked.
 *
 * If the schema is NULL, it is found in search_path, once: after the statements, that
 * contains only this schema, so that a table without a schema is the one that was
 * checked.  CMIG_TABLE_RESTORE makes it what it was.
 */
extern char *cmig_psql_table_check(const char *schema, const char *table);
#define CMIG_TABLE_RESTORE "\tPERFORM pg_catalog.set_config('search_path', cmig_path, true);\n"

/*
 * Append statements that change a table without a schema.  It is the table that the
 * transaction has locked after such a check: the script of a revision, which ran in
 * between, may have changed search_path, and any role that can create tables in a
 * schema of it could have put another table before this one.
 */
extern void cmig_psql_table_append_changes(StringInfo out, const char *table, const char *changes);

/*
 * Append a query, in the message of the statement with which the script ends, that
 * stores a DO with the check in psql's variable cmig_check, for several transactions.
 */
extern void cmig_psql_table_store_check(StringInfo out, const char *check);

/* Append statements that raise 22001 if the column cannot hold that many characters. */
extern void cmig_psql_table_append_width(StringInfo body, const char *table, const char *column,
										 int longest);

/* in psql_added.c */

/* Could a step of the plan validate constraints? */
extern bool cmig_psql_added_may_validate(const CmigGraph *graph, const CmigPlan *plan);

/*
 * Append what a script of several transactions needs if it could: before the first one; at
 * the beginning of each one, with what ends that; and with what psql notes at its end, as
 * columns after a comma, or as a query.
 */
extern void cmig_psql_added_begin(StringInfo out);
extern void cmig_psql_added_require(StringInfo out, const char *end);
extern const char *cmig_psql_added_columns(void);
extern void cmig_psql_added_note(StringInfo out);

/*
 * The same around a statement of a step that records nothing, and is not in a transaction: if
 * it can be in one, it is.
 */
extern void cmig_psql_added_begin_statement(StringInfo out, const CmigStatement *statement);
extern void cmig_psql_added_end_statement(StringInfo out, const CmigStatement *statement);

/* in psql_engine.c */

/* The tables in the schema of the engine: see doc/managed.md. */
#define CMIG_ENGINE_VERSION "cmig_engine.version"
#define CMIG_ENGINE_JOURNAL "cmig_engine.journal"
#define CMIG_ENGINE_PROGRESS "cmig_engine.progress"
#define CMIG_ENGINE_FORMAT "cmig_engine.format"

/*
 * The number of their format, which changes if the tables do; share/cmig/engine.bash
 * knows it, too.  The row has 0 while the extension has the state.
 */
#define CMIG_ENGINE_FORMAT_NUMBER "2"

/* Append the statements that create schema cmig_engine, or say who can. */
extern void cmig_engine_append_schema(StringInfo body);

/* Append statements that create the journal and the progress. */
extern void cmig_engine_append_tables(StringInfo body);

/*
 * Append statements that raise an error if these tables cannot be trusted, give
 * older ones the current format, and raise an error if theirs is newer, or, unless
 * "revision" is NULL, if another step than this one was interrupted.
 */
extern void cmig_engine_append_check(StringInfo body, const char *revision, const char *direction);

/*
 * Append a statement that changes the row of a version table if it still contains
 * the revision that this one replaces.
 */
extern void cmig_engine_append_replaced(StringInfo body, const char *table, const char *column,
										const CmigRevision *revision);

/*
 * Append a statement that takes the advisory lock of a run, whose key is an
 * expression, for the session or, if the scope is "xact_", for the transaction.
 */
extern void cmig_engine_append_lock(StringInfo body, const char *key, const char *scope);
extern void cmig_engine_append_session_lock(StringInfo out, const char *key);

/*
 * Append a statement that raises an error unless the session holds that lock.  A
 * connection pool may have changed the session.
 */
extern void cmig_engine_append_owner_check(StringInfo body, const char *key);

/*
 * The file of the revision for the journal, as a literal after a comma, or NULL if
 * there is none, or unless cmig runs the script.
 */
extern const char *cmig_engine_file(const char *revision);

/*
 * Append the statements, from cmig, with which the script's first transaction begins, if
 * there are any, after a SET of the limit.  They lock tables, and raise an error if somebody
 * has changed some.  What recorded functions have read in the copy is noted, to be compared
 * before their statements run.
 */
extern void cmig_engine_append_guard(StringInfo out, const char *limit);

/* Returns a condition that is added with OR: an interrupted run has left what is not known here, or nothing. */
extern const char *cmig_engine_other_progress(void);

/* Append a command that reports that a step begins. */
extern void cmig_engine_append_title(StringInfo out, const char *title);

/* Append a command that tells cmig, if it runs the script, which statement comes next. */
extern void cmig_engine_append_place(StringInfo out, const CmigRunStep *step, const char *verb,
									 const CmigStatement *statement);

/* A step of a revision that runs outside of a transaction. */
typedef struct CmigEngineStep CmigEngineStep;

/*
 * Append what records such a step: before its script "sql", around each statement,
 * and when the step is complete.  With "bound", each statement is bound as in
 * psql_added.c.
 */
extern CmigEngineStep *cmig_engine_begin_step(StringInfo out, const char *revision,
											  const char *direction, const char *sql,
											  const char *key, bool bound);

/* Can the statement run in a transaction with others, such as that which records it? */
extern bool cmig_engine_is_transactional(const CmigStatement *statement);

extern void cmig_engine_begin_statement(StringInfo out, const CmigEngineStep *step,
										const CmigStatement *statement);
extern void cmig_engine_end_statement(StringInfo out, const CmigEngineStep *step,
									  const CmigStatement *statement);

/*
 * Append the statements that a call of a function of pg_cmig has run (see
 * run/record.c), a List of char *, in place of the call, and what records them in the
 * progress.  "step" is NULL in a step that runs in a transaction.
 */
extern void cmig_engine_append_recorded(StringInfo out, const CmigEngineStep *step,
										const CmigStatement *statement,
										List *recorded, CmigPsqlFacts *facts);

extern void cmig_engine_end_step(StringInfo out, const char *revision, const char *direction);

/* in psql_verify.c */

/*
 * Append a DO statement that runs a query of a verify section or a precondition,
 * and raises an error if its result is not the expected one.
 */
extern void cmig_psql_append_query(StringInfo out, const char *revision,
								   const CmigStatement *statement, bool precondition);

/*
 * Append what is before and after verify sections that run on their own.  The
 * latter returns the rows of cmig.verify, and sets cmig_failed.
 */
extern void cmig_psql_section_open(StringInfo out);
extern void cmig_psql_section_close(StringInfo out);

/* Append the parts of the DO statement for a section: its begin, each statement, its end. */
extern void cmig_psql_section_begin(StringInfo body);
extern void cmig_psql_section_append(StringInfo body, const CmigRunStep *step,
									 const CmigStatement *statement, bool returns_rows);
extern void cmig_psql_section_end(StringInfo body, const char *revision);

#endif							/* CMIG_MOVE_INTERNAL_H */
