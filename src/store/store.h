/*
 * store.h
 *	  What src/store provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STORE_H
#define CMIG_STORE_H

#include "postgres.h"

#include "nodes/execnodes.h"

#include "graph/graph.h"
#include "parse/parse.h"

/* in file.c */

/* The parts of a revision file. */
typedef enum CmigSection
{
	CMIG_SECTION_HEADER,
	CMIG_SECTION_UPGRADE,
	CMIG_SECTION_DOWNGRADE,
	CMIG_SECTION_VERIFY
} CmigSection;

#define CMIG_SECTION_COUNT 4

extern const char *const cmig_marker_sections[CMIG_SECTION_COUNT];

/* Is the current token "-- cmig:replay skip", alone on its line? */
extern bool cmig_marker_is_replay_skip(const CmigLexer *lexer, const char *end);

/* Returns a copy of the text without white space at either end. */
extern char *cmig_marker_trimmed(const char *start, const char *end);

/*
 * Parse YYYY-MM-DD[ HH:MM[:SS[.ffffff]]][zone], whatever the session's
 * settings are.  The zone is Z, UTC, or an offset; the default is UTC.
 */
extern bool cmig_marker_parse_date(const char *date, TimestampTz *result);

/* in format.c */

/*
 * Returns a section's text without surrounding blank lines, without an outer
 * BEGIN ... COMMIT and, if "crlf" is true, with LF in place of CRLF.  *line is
 * changed from the line of "start" to the first line of the result; "line" may
 * be NULL.
 */
extern char *cmig_section_text_read(const char *start, const char *end,
									CmigSection section, bool crlf, int *line);

/* Replace every CRLF with LF, in place. */
extern void cmig_section_text_drop_carriage_returns(char *text);

/* Would the current token, a comment, be taken for a marker or a header? */
extern bool cmig_section_text_is_mark(const CmigLexer *lexer, CmigSection section,
									  bool after_statement);

/*
 * The reason why the text would be truncated or rejected as this section, with
 * its line, or NULL.
 */
extern const char *cmig_section_text_find_problem(const char *text, CmigSection section,
												  int *line);

/*
 * Write the quotes of a generated text, which can be names and values of anybody,
 * so that none contains the first line of a file, which would be rejected.
 */
extern char *cmig_section_text_escape(char *text);

/*
 * Bring a revision's texts into the form that they have after they are written
 * to a file and read again.  Texts that have it already are not copied.
 */
extern void cmig_revision_canonicalize(CmigRevisionText *revision);

/*
 * The revision file from which the same canonical texts can be read.  Raises
 * error MG013, with the line if a section or the description is the reason.
 */
extern char *cmig_revision_format(const CmigRevisionText *revision);

/* in file_name.c */

#define CMIG_FILE_NAME_TEMPLATE "%(rev)s_%(slug)s"

/*
 * Returns a revision's file name, which ends in .sql.  Raises error 22023 for an
 * invalid template and for a name that is not a path below the current folder.
 */
extern char *cmig_file_name_make(const char *template, const CmigRevisionText *revision);

/* in revisions.c */

/*
 * A set of revisions with their edges and, if requested, the details that are
 * shown in listings.  Repeatable revisions are in a separate array, because
 * they are not part of the graph.
 */
typedef struct CmigRevisionSet
{
	int			count;
	CmigRevision *revisions;
	int			repeatable_count;
	CmigRevision *repeatables;
	bool		settled;		/* set by cmig_active_read(): would
								 * cmig_active_settle() change nothing? */
} CmigRevisionSet;

/*
 * All stored revisions; without details only their edges, which is faster.  To
 * read those that count (see graph/graph.h), use cmig_active_read().
 */
extern CmigRevisionSet *cmig_catalog_read_revisions(bool with_details);

/* Returns NULL if the revision does not exist. */
extern CmigRevisionText *cmig_catalog_read_text(const char *revision);

extern bool cmig_catalog_has_preconditions(void);

/*
 * Callbacks get the scripts of several revisions for one direction, in any
 * order, in a memory context that is reset after each call; other fields of the
 * revision are not set.  cmig_catalog_each_script() always passes the scripts
 * of the first revision in the list, others only if they fit into most_bytes
 * together with those that were passed before; each_small_script() passes all
 * scripts that have at most most_bytes.
 */
typedef void (*CmigRevisionTextCallback) (const CmigRevisionText *text, void *arg);

extern void cmig_catalog_each_script(const CmigNames *revisions, CmigDirection direction,
									 Size most_bytes, CmigRevisionTextCallback callback, void *arg);

extern void cmig_catalog_each_small_script(int most_bytes, CmigDirection direction,
										   CmigRevisionTextCallback callback, void *arg);

/* The stored revisions with these ids, or all if it is NULL, ordered by id. */
extern void cmig_catalog_each_text(const CmigNames *ids, CmigRevisionTextCallback callback,
								   void *arg);

/* Likewise, in any order, only with the id, message, and creation time. */
extern void cmig_catalog_each_name(CmigRevisionTextCallback callback, void *arg);

extern void cmig_revision_rows_insert(const CmigRevisionText *revision);

/* in version.c */

/*
 * Return the version rows of the current scope, which must exist, or other
 * ones, in byte order and without duplicates.
 */
typedef enum CmigVersionRows
{
	CMIG_ROWS_OF_DATABASE,
	CMIG_ROWS_OF_SCOPES,		/* of all scopes */
	CMIG_ROWS_EVERYWHERE,		/* both */
	CMIG_ROWS_TRIED				/* revisions that a run has ever applied or
								 * tried to apply in a scope whose schema
								 * exists; an empty string stands for a run
								 * that failed before its first revision */
} CmigVersionRows;

extern CmigNames *cmig_version_rows_read(void);
extern CmigNames *cmig_version_rows_of(CmigVersionRows which);

/* Returns the name of the table with the version rows of the current scope. */
extern const char *cmig_version_rows_table(void);

/* Returns a version row whose revision is not stored, or NULL. */
extern char *cmig_version_rows_unknown(void);

/*
 * Change the version rows of the current scope.  Raise error 55000 if the row
 * to delete is missing or the row to insert exists: a script or another
 * session has changed the table during the run.
 */
extern void cmig_version_rows_delete(const char *revision);
extern void cmig_version_rows_insert(const char *revision);
extern void cmig_version_rows_replace(const char *from, const char *to);
extern void cmig_version_rows_clear(void);

/*
 * Raise error 40001 unless the snapshot of the transaction shows the latest
 * version rows and revisions, and what is expanded or partially applied.  Call
 * this after acquiring the run lock, or before comparing what the tables of pg_cmig
 * contain with the catalogs, which are read as they are now.
 */
extern void cmig_version_rows_check_snapshot(void);

/* in journal.c */

/*
 * A row of the journal, without the columns that are derived from the session,
 * such as "role".
 */
typedef struct CmigJournalEntry
{
	const char *revision;		/* id; NULL for a drift check, unless
								 * cmig.capture has turned the drift into a
								 * revision */
	const char *direction;		/* upgrade, downgrade, stamp, repair, drift,
								 * expand, abandon */
	const char *outcome;		/* "done"; for a stepwise run, also "running"
								 * or "failed" */
	TimestampTz started_at;
	TimestampTz finished_at;	/* stored in "elapsed" as the time since
								 * started_at */
	const char *checksum;		/* checksum of the script that ran, or NULL */
	const char *sqlstate;		/* SQLSTATE of a failure, or NULL */
	const char *message;
	int			statement;
} CmigJournalEntry;

/*
 * Write a row, and return its id.  All functions that write rows need the run
 * lock, because the id is the greatest one plus one.  The default outcome is
 * "done"; if started_at is zero, the step took no time.  A step of a run that
 * commits begins with a row "running", whose outcome cmig_journal_finish()
 * sets; cmig_journal_interrupted() fails the rows that no session will finish.
 */
extern int64 cmig_journal_write(const CmigJournalEntry *entry);

/* The message of a stamp that removes a revision; cmig.log tells it apart. */
#define CMIG_JOURNAL_REMOVED "no longer recorded as applied"
extern void cmig_journal_finish(int64 id, const CmigJournalEntry *entry);
extern void cmig_journal_interrupted(void);

/* Make the rows of a scope, which no longer exists, rows of the current scope. */
extern void cmig_journal_take(const char *scope);

/*
 * A batch of rows for several steps of a transaction, in their order, without
 * sqlstate and statement.  The checksum is copied; other strings must remain
 * valid until cmig_journal_end().
 */
typedef struct CmigJournalBatch CmigJournalBatch;

extern CmigJournalBatch *cmig_journal_batch(void);
extern void cmig_journal_add(CmigJournalBatch *batch, const CmigJournalEntry *entry);
extern void cmig_journal_end(CmigJournalBatch *batch);

/* Is there a step that is running or was interrupted? */
extern bool cmig_journal_has_running(void);

/* the message of a drift check that finds no differences */
#define CMIG_JOURNAL_NO_DRIFT "no drift"

/*
 * The greatest id if too few ids follow it, so that new rows have smaller ones
 * and it remains the last row; otherwise 0.
 */
extern int64 cmig_journal_out_of_order(void);

/*
 * The checksum of an applied revision's script according to its last upgrade,
 * stamp, or repair; NULL if there was none in this database.
 */
extern char *cmig_journal_read_checksum(const char *revision);

/*
 * A row (revision, search_path, role) for each revision last upgraded with
 * another search_path or, if that contains "$user", by another role.
 */
extern List *cmig_journal_read_paths(const char *search_path, const char *role);

/*
 * The revision, direction, outcome, message, and statement of the last step.
 */
extern bool cmig_journal_read_last(CmigJournalEntry *entry);

/* The last drift check. */
typedef struct CmigJournalDrift
{
	const char *ago;			/* "3 hours ago" */
	const char *message;		/* result of the check, such as "no drift" */
	bool		is_past;		/* have revisions been run since the check? */
} CmigJournalDrift;

extern bool cmig_journal_read_last_drift(CmigJournalDrift *drift);

/*
 * A row (revision, checksum) for each of the revisions that cmig.capture has
 * generated here, if scripts ran as the same role.
 */
extern List *cmig_journal_read_captured(const CmigNames *revisions);

/*
 * Returns the revision that another transaction has captured since this one
 * began or since the snapshot was taken, if it is not loaded, or NULL.
 */
extern const char *cmig_journal_captured_meanwhile(Snapshot snapshot);

/* Returns a string such as "3 hours ago". */
extern char *cmig_journal_ago(double seconds);

/* A row of the journal, as it is shown. */
typedef struct CmigJournalShown
{
	const char *revision;		/* NULL for a drift check */
	const char *direction;
	const char *outcome;
	const char *role;
	const char *message;		/* with the SQLSTATE; can be NULL */
	const char *started_at;		/* can be NULL */
	const char *elapsed;		/* "1.2 s"; can be NULL */
	const char *count;			/* number of rows of the journal */
} CmigJournalShown;

/* Returns the last rows of the journal, the last one first, but at most "most". */
extern List *cmig_journal_read_rows(int most);

/* Return the rows of cmig.log. */
extern void cmig_journal_return_log(ReturnSetInfo *result);

/*
 * Call the callback for each revision that an upgrade has applied or a stamp
 * has recorded, with the id and the time at which the last such step finished.
 */
extern void cmig_journal_each_applied(CmigRowCallback callback, void *arg);

/* in progress.c */

/* The states of a row in cmig.progress. */
typedef enum CmigProgressState
{
	CMIG_PROGRESS_RUNNING,
	CMIG_PROGRESS_IN_DOUBT,
	CMIG_PROGRESS_DONE
} CmigProgressState;

/* A row of cmig.progress. */
typedef struct CmigProgressRow
{
	char	   *revision;
	const char *scope;
	CmigDirection direction;
	int			statement;
	CmigProgressState state;
	char	   *detail;			/* the column "detail", a JSON object */
	char	   *checksum;		/* checksum of the statement, from "detail" */
	bool		abandoned;		/* has cmig.abandon_partial() begun to revert
								 * it? */
} CmigProgressRow;

/* The rows of the current scope, by revision, direction, and statement. */
extern List *cmig_progress_read(void);

/* The row of a statement or, if it is 0, any row of the revision; or NULL. */
extern CmigProgressRow *cmig_progress_find(List *rows, const char *revision,
										   CmigDirection direction, int statement);

/* The revisions that the current scope has begun, possibly repeated. */
extern CmigNames *cmig_progress_begun(void);

/* Insert or update a row.  If "detail" is NULL, it does not change. */
extern void cmig_progress_write(const char *revision, CmigDirection direction,
								int statement, CmigProgressState state,
								const char *detail);

/* Record that a step is being reverted, so that no run continues it. */
extern void cmig_progress_abandon(const char *revision, CmigDirection direction);

/*
 * Delete the row of a statement, of a step if it is 0, or of the current scope
 * if "revision" is NULL.  Were there any?
 */
extern bool cmig_progress_clear(const char *revision, CmigDirection direction,
								int statement);

/*
 * For messages: the CALL that finishes a step, without the closing
 * parenthesis, in its scope; how far the step of a row got; and the CALL or
 * what must be done first.
 */
extern char *cmig_progress_call(const char *scope, const char *revision, CmigDirection direction,
								const char *more);
extern char *cmig_progress_place(const CmigProgressRow *row);
extern const char *cmig_progress_next(const CmigProgressRow *row);

/*
 * Raise error 55000 if any revision is partially applied or reverted, because
 * other runs then cannot know the state of the schema.  If "revision" is given,
 * its move in this direction may be.
 */
extern void cmig_progress_require_none(const char *revision, CmigDirection direction);

/* in revisions.c */

/* The state of a repeatable revision in the current scope. */
typedef enum CmigRepeatableState
{
	CMIG_REPEATABLE_NEW,		/* the revision has never been run */
	CMIG_REPEATABLE_CHANGED,	/* the script that was run last differs from
								 * the stored one */
	CMIG_REPEATABLE_REVERTED,	/* a downgrade was run after its last run */
	CMIG_REPEATABLE_CURRENT
} CmigRepeatableState;

extern CmigRepeatableState cmig_repeatable_state(const CmigGraph *graph, int node);

/* The script of a repeatable revision that was run last. */
typedef struct CmigRepeatableRun
{
	int			node;
	char	   *sql;			/* NULL stands for the stored script */
	CmigNames	placeholders;	/* declarations of placeholders in the script */
	bool		reverted;		/* has a downgrade been run since then? */
} CmigRepeatableRun;

/*
 * The scripts that were run last, in the order in which the revisions run,
 * except for those that are no longer stored.
 */
extern List *cmig_repeatable_runs(const CmigGraph *graph);

/*
 * If all revisions are applied after the plan, add the repeatable revisions
 * that have to run, or all of them.
 */
extern void cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied,
									CmigPlan *plan, bool all);

/* the checksum of an upgrade script in the journal */
extern char *cmig_repeatable_checksum(const char *sql, bool transactional, bool repeatable);

/* in progress.c */

/* Returns the state of the current scope, which decides what counts. */
extern CmigPlace *cmig_active_place(void);

/* Only the revisions that count. */
extern CmigRevisionSet *cmig_active_read(bool with_details);

/* Returns true if cmig_active_settle() would not change any version row. */
extern bool cmig_active_is_settled(void);

/*
 * In a schema's scope, separate the trees of the graph (see graph/graph.h),
 * and return the revisions that are applied in the database; otherwise NULL.
 */
extern CmigMarks *cmig_active_separate(CmigGraph *graph);

/*
 * By node: does the revision belong to the scopes, because a run in one of
 * them has started its tree, and nothing of that is applied in the database?
 */
extern bool *cmig_upgrade_of_scopes(const CmigGraph *graph);

/*
 * What to type, for a hint, to upgrade the current place to "target" or, if
 * that is NULL, to "nodes" (of int), with repeatable ones.  "stepwise": they
 * need that for another reason than being nontransactional.  Of the database,
 * what belongs to the scopes is upgraded there.
 */
extern char *cmig_upgrade_call(const CmigGraph *graph, const List *nodes, const char *target,
							   bool stepwise);

/*
 * If all revisions that another one replaces are applied, give that one their
 * version row, and record it as a stamp.  Needs the run lock.  Does nothing if
 * the current role must not change version rows.
 */
extern void cmig_active_settle(void);

/* in version.c */

/*
 * Is there nothing for the function to change?  "decide" looks at the state
 * without the run lock and returns true if that is so.  If it returns false or
 * raises an error, or if the transaction's snapshot does not show the latest
 * state, the caller must take the run lock and decide again.  "revisions" is
 * true if the revisions are to be changed, which belong to the database and
 * not to a scope.  What "decide" allocates is freed unless it returns true.
 *
 * An answer without the lock is safe because everything that "decide" reads
 * comes from a single snapshot, and because nothing is written.  The call has
 * the same result as a call that took the lock when the snapshot was taken,
 * found nothing to do, and committed at once: runs that the snapshot does not
 * show come after it.  A run in progress commits a step's version rows
 * together with the step, so the snapshot never shows half of a step, except
 * for a nontransactional one, which cmig.progress records.
 */
typedef bool (*CmigChangeLook) (void *arg);

extern bool cmig_change_is_unneeded(const char *function, bool revisions,
									CmigChangeLook decide, void *arg);

/*
 * Call this before changing pg_cmig's tables.  Takes the run lock until the
 * end of the transaction, starts cmig.run_timeout, and settles.  Raises error
 * 55000 within a script, and 40001 if the snapshot is not the latest.
 */
extern void cmig_change_begin(const char *function);

/*
 * Likewise, for writing revisions: makes the database the current scope, until
 * AtEOXact_GUC() with the result, and waits for runs in all scopes.
 */
extern int	cmig_change_begin_revisions(const char *function);

/* in progress.c */

/* The values that identify a backfill. */
typedef struct CmigBackfillIdentity
{
	Oid			table;
	const char *target;			/* its name, qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* condition of the rows to update, or NULL */
	bool		by_key;			/* is the table read in the order of a key
								 * instead of block by block? */
	const char *revision;		/* NULL if the backfill is not part of a
								 * revision */
	const char *direction;
	int			statement;
} CmigBackfillIdentity;

typedef struct CmigBackfillRun
{
	int64		id;				/* 0 if there is no row yet */
	Oid			table;			/* the backfill's, whose row is written */
	char	   *target;			/* the name in the row that was found */
	bool		unknown;		/* was that row written in another database? */
	bool		done;
	char	   *method;
	int			pass;
	char	   *relation;		/* the table or partition that is being
								 * updated, or NULL */
	CmigNames	key;			/* quoted columns of the key in whose order
								 * "relation" is read; empty if it is read
								 * block by block */
	CmigNames	place;			/* where the next batch starts: a block
								 * number, or the last key that was processed;
								 * empty before the first batch by key */
	CmigNames	bound;			/* where the pass over "relation" ends: a
								 * block number, or the greatest key */
	CmigNames	parts;			/* if a partitioned table is read by key: its
								 * partitions when the backfill began;
								 * otherwise empty */
	char	   *part_ids;		/* their OIDs, separated by colons, or NULL if
								 * they are not known */
	double		total;
	double		passed;
	int64		rows;
	int64		rows_of_pass;
	int64		batches;
	int64		unchanged;		/* number of rows in this pass that matched
								 * but were not updated; not stored */
	bool		added;			/* is "relation" not in "parts"?  not stored */
} CmigBackfillRun;

/*
 * Find the row of a backfill that can be resumed.  A finished backfill is found
 * only if it is part of a step that has not ended.  If the table has another name
 * now, the row gets it.
 */
extern bool cmig_backfill_run_find(const CmigBackfillIdentity *identity,
								   CmigBackfillRun *run);

/*
 * Insert the row of a new backfill and set run->id; update the row, and add
 * active_us to the time spent; delete the row.
 */
extern void cmig_backfill_run_insert(const CmigBackfillIdentity *identity,
									 CmigBackfillRun *run);
extern void cmig_backfill_run_update(const CmigBackfillRun *run, int64 active_us);
extern void cmig_backfill_run_remove(const CmigBackfillRun *run);

/*
 * An unfinished backfill that has updated rows and has no where_sql.  Such a
 * backfill must not be started again, because it would update those rows a
 * second time.
 */
typedef struct CmigBackfillUnfinished
{
	char	   *id;
	char	   *target;
	char	   *set_sql;
	char	   *statement;		/* number of the statement, or 0 */
	char	   *rows;
	char	   *table;			/* "same", "gone" (dropped), or "other" */
} CmigBackfillUnfinished;

/*
 * Those of the same step or, without a revision, of the same table, except
 * own_id.  If that is 0, raises an error if the table was dropped and another one
 * has its name.
 */
extern List *cmig_backfill_run_unfinished(const CmigBackfillIdentity *identity, int64 own_id);

/* Delete the unfinished ones of an earlier version of the statement. */
extern void cmig_backfill_run_replace(const CmigBackfillIdentity *identity);

/*
 * Call this at the end of a step, or with NULL for all steps in the scope: the
 * rows remain, but the backfills start again with the step.  Were there any?
 */
extern bool cmig_backfill_run_settle(const char *revision, const char *direction);

/*
 * Note in the row how many rows the backfill will change, unless it is -1, and
 * its last error, or that there is none.  Does nothing before version 1.2.
 */
extern void cmig_backfill_run_note(const CmigBackfillRun *run, double rows_total,
								   const char *error);

/* An expansion that was abandoned: delete the rows of backfills that fill its state. */
extern void cmig_backfill_run_forget_state(const char *scope);

/*
 * Store a value for cmig.metrics, in addition to those with the same name and
 * labels, or instead of them.  "labels" is a JSON object.  Does nothing if the
 * transaction is read-only, or if the role may not write there.
 */
extern void cmig_measured_note(const char *name, const char *labels, double value, bool replace);

/* What a row of cmig.run_control is about. */
typedef struct CmigControlTarget
{
	const char *kind;			/* "all", "revision", or "relation" */
	const char *name;			/* "all", an id, or a qualified name */
} CmigControlTarget;

/* What the rows say about a backfill. */
typedef struct CmigControl
{
	char	   *paused_by;		/* the name in one of the rows that pause it,
								 * or NULL */
	int			max_rows_per_second;	/* 0: no limit */
} CmigControl;

/* Is there a revision with this id, or an unfinished backfill of one? */
extern bool cmig_control_is_revision(const char *id);

/*
 * Write the row: pause, set the limit, or lift it if it is 0.  To resume, or to
 * lift a limit, "all" means all rows.  Was anything resumed?  Which limit of all
 * backfills is stricter?
 */
extern void cmig_control_pause(const CmigControlTarget *target);
extern bool cmig_control_resume(const CmigControlTarget *target);
extern int	cmig_control_throttle(const CmigControlTarget *target, int max_rows_per_second);

/* Delete the row, unless another session is changing it. */
extern void cmig_control_forget(const char *kind, const char *name);

/* Return the unfinished backfills that the row is about; how many? */
extern int64 cmig_control_return(const CmigControlTarget *target, ReturnSetInfo *result);

extern CmigControl cmig_control_read(const CmigBackfillIdentity *identity);

/* in access.c */

extern List *cmig_access_levels(void);

/*
 * Returns the GRANT or REVOKE statements for an access level.  "role" is a
 * quoted name or PUBLIC.  Raises error 22023 if the level does not exist.
 */
extern List *cmig_access_statements(bool grant, const char *role, const char *level);

/*
 * Wait until no other transaction is about to grant or revoke access to pg_cmig, or
 * to record that a role needs it.
 */
extern void cmig_access_lock(void);

/*
 * May a role grant access to pg_cmig?  Run statements from this
 * module, or raise error 42501 if the current role may not.
 */
extern bool cmig_access_may_grant(Oid role);
extern void cmig_access_run(List *statements);

/* in load.c */

/* Called after new revisions have been stored; may record them as applied. */
extern void (*cmig_load_at_end) (const CmigRevisionText *const *added, int count);

/* in edit.c */

/* A revision to be created. */
typedef struct CmigNewRevision
{
	CmigRevisionText text;		/* id is NULL if it is to be generated;
								 * create_prepare() sets the edges */
	const char *head;			/* the revision to follow: "head", "base", or
								 * any other identifier */
	bool		splice;			/* is the revision allowed to follow one that
								 * is not a head? */
	bool		placed;			/* are the edges in "text" already set, so
								 * that head, splice, label, and depends are
								 * ignored? */
	char	   *label;			/* branch label, or NULL */
	CmigNames  *depends;		/* identifiers of dependencies, or NULL */
} CmigNewRevision;

/* A revision file to be returned to the user. */
typedef struct CmigDraft
{
	CmigNewRevision new;
	const char *template;		/* file name template */
	char	   *file_name;		/* set by cmig_draft_prepare() */
} CmigDraft;

/*
 * Read the SQL arguments revision, head, splice, branch_label, and depends_on
 * from n on; check the revision and set its id, edges, creation time, and file
 * name; return the contents.  Scripts can be set between the last two calls.
 */
extern void cmig_draft_arguments(FunctionCallInfo fcinfo, int n, CmigDraft *draft);
extern void cmig_draft_prepare(CmigDraft *draft);
extern char *cmig_draft_content(CmigDraft *draft);

/* in expansion.c */

/* Returns a text that is another one after the database was restored from a dump. */
extern char *cmig_versions_database(void);

/* A revision whose old and new version exist side by side. */
typedef struct CmigExpansion
{
	char	   *revision;
	char	   *state;			/* expanding, expanded, contracting; or, only
								 * in the CALL, abandoning */
	char	   *scope;
	char	   *search_path;	/* of the new build */
	CmigNames  *revisions;
} CmigExpansion;

/* The names of the two triggers, which sort before and after all others. */
#define CMIG_EXPANSION_BEGIN "!cmig_begin"
#define CMIG_EXPANSION_WRITE "~cmig_write"

/* The hidden column that says what is to be done with a row. */
#define CMIG_STATE_COLUMN "cmig_state"

#define CMIG_HIDDEN_PREFIX "cmig_new_"

/*
 * The kinds of rules, the first character of an argument of the trigger that
 * sorts last.  The rules of the last two are about a hidden column.
 */
#define CMIG_RULE_DOWN	'w'
#define CMIG_RULE_CHECK 'c'
#define CMIG_RULE_UP	'u'
#define CMIG_RULE_NONE	'n'		/* nothing computes the column */
#define CMIG_RULES_HIDDEN "un"

/* Comments, which pg_dump keeps, and so does a rename. */
#define CMIG_VERSION_COMMENT "new version of schema %s while revision %s is expanded"
#define CMIG_STATE_COMMENT "state of the row while a revision is expanded"

/*
 * SQL conditions.  Anyone can give a schema of his own any comment, and a free name, so
 * it is the expansion's only if its owner is that of schema s, whose version it is, or
 * has the privileges of the role that stored the expansion r, and if the statement that
 * creates it has run.  n is the row of pg_namespace.
 */
#define CMIG_VERSION_OWNER \
	"(EXISTS (SELECT FROM pg_roles o WHERE o.rolname = r.role AND pg_has_role(n.nspowner, o.oid, 'USAGE'))" \
	" OR EXISTS (SELECT FROM pg_namespace b WHERE b.nspname::text = s AND b.nspowner = n.nspowner))"
#define CMIG_VERSION_NAMED \
	"n.nspname::text = cmig.version_schema(r.revision, s) AND " CMIG_VERSION_OWNER
#define CMIG_VERSION_RENAMED \
	"to_regnamespace(quote_ident(cmig.version_schema(r.revision, s))) IS NULL" \
	" AND obj_description(n.oid, 'pg_namespace') = format('" CMIG_VERSION_COMMENT "', s, r.revision) AND " CMIG_VERSION_OWNER
#define CMIG_VERSION_CREATED \
	"EXISTS (SELECT FROM cmig.expansion_step x WHERE x.scope = r.scope AND x.phase = 'prepare' AND x.relation = '' AND x.done)"

/* Before ALTER EXTENSION ... UPDATE, there is no table cmig.expansion_run. */
extern bool cmig_expansion_is_known(void);

/* Returns NULL if nothing is expanded in the current scope. */
extern CmigExpansion *cmig_expansion_read(void);

/*
 * Returns rows for the schemas of all expansions: the scope, the schema, and the
 * schema with its version.
 */
extern List *cmig_expansion_schemas(void);

/*
 * Returns rows for what all expansions have created in the live schema: the
 * three parts of its address, or as a text its kind, a colon, and its identity.
 */
extern List *cmig_expansion_objects(void);

/*
 * Returns what expansions without a row have created in the current scope, in
 * the form of rows of cmig.check().  The second function raises 55000 if there is any.
 */
extern List *cmig_expansion_orphans(void);
extern void cmig_expansion_require_known(void);

/* The table whose rows cmig.expand fills with cmig.backfill, or InvalidOid. */
extern Oid	cmig_expansion_fills;

/* Raise an error if somebody else fills hidden columns of an expansion. */
extern void cmig_expansion_require_unhidden(Oid relation, const List *columns);

/* Returns the real tables, a List of char *, in the order of their names. */
extern List *cmig_expansion_relations(const CmigExpansion *expansion);

/*
 * Raise error 55000 if one of the tables belongs to the expansion of another scope, or
 * of the database: a table belongs to one.  With "plan", no other session is planning
 * until the end of the transaction.
 */
extern void cmig_expansion_require_free(const CmigNames *tables, bool plan);

/*
 * Returns the statements, a List of char **, that give hidden columns the names
 * again under which the expansion has created them.
 */
extern List *cmig_expansion_renames(const CmigExpansion *expansion);

/*
 * Returns the statements that drop the schema of an expansion of the current scope, but
 * nothing of others, or NULL if there is none with its name and comment.
 */
extern char *cmig_expansion_drop_version(const CmigExpansion *expansion);

/* Delete the rows of the current scope. */
extern void cmig_expansion_forget(void);

/*
 * Returns the schema of the function pg_stat_statements(), quoted, "t" if it is preloaded,
 * "t" if the caller may call it, its OID, that of pg_stat_statements_info(), and the GRANTs that are missing; or NULL.  *unusable is NULL, or
 * why it cannot be called.
 */
extern char **cmig_statements_function(char **unusable);

/* A hint if the extension is missing, which only a superuser can create. */
extern const char *cmig_statements_create(void);

/* Returns since when pg_stat_statements has counted, in seconds, and how often it has discarded entries; or NULL. */
extern char **cmig_statements_info(void);

/* Remember the counters of pg_stat_statements: calls are counted from now on. */
extern void cmig_expansion_count(const CmigExpansion *expansion);

/* What is known about calls since cmig_expansion_count(). */
typedef struct CmigExpansionCount
{
	const char *calls;			/* the counters as they were, a JSON object by
								 * "<role's OID>/<queryid>"; NULL if unknown */
	char	   *since;			/* since when calls are counted */
	double		days;			/* and how long that is */
	char	   *why;			/* why calls may be missing; or NULL */
} CmigExpansionCount;

extern CmigExpansionCount cmig_expansion_counted(const CmigExpansion *expansion);

/*
 * Returns what may break while the relations have hidden columns and views of a
 * new version, a List of char *[2]: the place, and a sentence.  "with_hidden"
 * are those that get hidden columns.  *unseen is why statements could not be
 * searched, or NULL.
 */
extern List *cmig_expansion_readers(const CmigNames *changed, const CmigNames *with_hidden,
									char **unseen);

/* Raise error 55000 if the revision, whose script would change, is expanded. */
extern void cmig_expansion_keep(const char *revision);

/* Raise error 55000: while it is expanded, "what" is not possible. */
pg_noreturn extern void cmig_expansion_refuse(const CmigExpansion *expansion, const char *what);

#endif							/* CMIG_STORE_H */
