/*
 * schema.h
 *	  What src/schema provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCHEMA_H
#define CMIG_SCHEMA_H

#include "postgres.h"

#include "kinds/kinds.h"
#include "move/move.h"
#include "store/store.h"

/* in shadow.c */

/* A schema that is compared. */
typedef struct CmigManagedSchema
{
	char	   *name;			/* first, as they are sorted by it */
	Oid			oid;			/* InvalidOid if the schema does not exist */
	bool		owned;			/* true if the current user owns the schema,
								 * or is a member of the role that owns it */
} CmigManagedSchema;

/* The schemas that are compared. */
typedef struct CmigManaged
{
	bool		all;			/* true if all schemas are compared, including
								 * those that the target creates */
	int			count;
	CmigManagedSchema *schemas; /* sorted by name, bytewise */
} CmigManaged;

/*
 * Returns the named schemas, whether or not they exist.  If "names" is NULL,
 * returns all schemas in the database, without those of the system, of
 * extensions, and of pg_cmig.  Raises error 22023 if one of these is named.
 * In a shadow, leaves out what other sessions have created meanwhile.
 */
extern PGDLLEXPORT CmigManaged *cmig_managed_schemas(const CmigNames *names);

/* Returns the schemas of the revisions: in a scope, only the scope's. */
extern CmigManaged *cmig_managed_of_revisions(void);

/* Returns the schema that a shadow has another one for, or InvalidOid. */
extern Oid	cmig_managed_live(const CmigManaged *managed, const char *name);

/* in target_statement.c */

/* Like cmig_statement_subject(), but tells the name of each schema. */
extern bool cmig_target_subject(Node *statement, CmigSubject *subject);

/* in target_run.c */

/* Register the hook that processes the target's utility statements. */
extern void cmig_target_init(void);

/* in annotate.c */

/* The options of cmig.diff and similar functions. */
typedef struct CmigDiffOptions
{
	bool		models;			/* compare only objects that ORMs can define */
	bool		owners;
	bool		privileges;
	bool		comments;
	bool		concurrently;	/* generate concurrent statements, for a
								 * stepwise revision */
	bool		no_late;		/* replace enums instead of using ALTER TYPE
								 * ... ADD VALUE */
	bool		all_owners;		/* set the owner even if it is "role" */
	bool		sorted;			/* sort privileges, instead of keeping the
								 * order in which they were granted */
	bool		stages;			/* number the lines' stages; see stages.c */
	bool		prove;			/* rehearse the lines; see rehearsal.c */
	bool		by_hand;		/* describe changes in the opposite direction:
								 * what was done to the old image */
	bool		need_schemas;	/* raise an error for a schema that exists in
								 * neither image, and add rows for other
								 * roles' schemas, instead of messages */
	bool		settled;		/* the caller could not add renames */
	bool		unchecked;		/* the lines run while check_function_bodies
								 * is off */
	List	   *renames;		/* list of char *: renames as written by the
								 * caller */
	List	  **renames_replayed;	/* or those that a watch of the replay
									 * finds */
	List	   *exclude;		/* list of CmigPattern: objects that are left
								 * as they are */
	const char *role;			/* the owner of new objects, unquoted */
	const char *time_zone;		/* see CmigAlter */
	List	   *converted;		/* list of CmigExpandLine: columns of the new
								 * image that get another USING */
	List	   *initial;		/* list of CmigInitialGrants */
	List	   *scripts;		/* list of CmigTargetScript: scripts to run
								 * after the target's SQL */
} CmigDiffOptions;

/* in match.c */

/* What happens to an object between the old and the new image. */
typedef enum CmigAction
{
	CMIG_NO_CHANGE,
	CMIG_CREATE,
	CMIG_ALTER,
	CMIG_DROP,
	CMIG_AGAIN,					/* dropped and created again */
	CMIG_UNSUPPORTED
} CmigAction;

/*
 * The change of one object: the object in both images, and the statements that
 * turn the old version into the new one.
 */
typedef struct CmigChange
{
	CmigAction	action;
	CmigObject *from;			/* NULL: the object is new */
	CmigObject *to;				/* NULL: the object is dropped */
	CmigAlter	alter;			/* how the old object becomes the new one, or
								 * why the action is CMIG_UNSUPPORTED */
	bool		differs;		/* false if only a change of another object
								 * affects the object */
	char	   *irreversible;	/* NULL, or a hazard: why the old object
								 * cannot be restored */
	char	   *question;		/* NULL, or a comment for the user: the change
								 * may be a rename */
	List	   *left;			/* if only some descendants of a table lose a
								 * column: the changes (CmigChange *) of their
								 * columns, which are dropped by separate
								 * statements */
	bool		only;			/* the column is dropped with ALTER TABLE
								 * ONLY, because some children keep it */
	bool		untyped;		/* a typed table that is an ordinary table
								 * while its type is replaced */
	bool		swaps_type;		/* a column that changes its type while the
								 * old type has a temporary name */
	CmigObject *away;			/* the old object under its temporary name, if
								 * the new object is created before the old
								 * one is dropped */
	struct CmigChange *part_of; /* the change whose statement also performs
								 * this change, or NULL; see README.md */
	List	   *also_drops;		/* changes of objects that this change's DROP
								 * statement also drops; see README.md */
	bool		empties;		/* creates a materialized view without data,
								 * and the view is new or had data */
	struct CmigChange *dropped_by;	/* NULL, or for a function or the
									 * definition of a base type: the change
									 * of the type, whose DROP TYPE drops it */
	bool		undone_with_type;	/* a base type's function that is also
									 * dropped when the type's creation is
									 * reverted */
	struct CmigOrderSteps *steps;	/* its nodes, while the order is found;
									 * see order.c */
} CmigChange;

/* Is nothing done, because nothing differs or the change is not supported? */
static inline bool
cmig_change_stays(const CmigChange *change)
{
	return change->action == CMIG_NO_CHANGE || change->action == CMIG_UNSUPPORTED;
}

/*
 * Two images and a change for each object in either of them, which is its
 * field "change".  An image is part of one difference at a time.
 */
typedef struct CmigDifference
{
	const CmigImage *from;
	const CmigImage *to;
	const CmigDiffOptions *options;
	int			count;
	CmigChange *changes;
} CmigDifference;

/* in keep.c */

/* Raise error 22023 for a pattern that cannot match anything. */
extern void cmig_exclude_check(const List *patterns);

/* in compare.c */

extern CmigDifference *cmig_compare(CmigImage *from, CmigImage *to,
									const CmigDiffOptions *options);

/* in deparse.c */

/*
 * A row of a difference, as in the result of cmig.diff.  "subject" and the
 * objects that it leads to exist as long as the image.
 */
typedef struct CmigDiffLine
{
	const char *action;			/* create, alter, drop, rename, unsupported */
	const char *kind;
	const char *object;
	const char *upgrade;		/* NULL for an unsupported change */
	const char *downgrade;		/* also NULL if it cannot be reverted */
	const char *hazard;			/* NULL, or the hazard, with the table's size */
	const char *change;			/* NULL, or what differs: "integer -> bigint" */
	const CmigObject *subject;	/* the object; NULL for a part of the target
								 * that could not be executed */
	bool		stepwise;		/* true if the statement has a concurrent
								 * form, for a stepwise revision */
	int			transaction;	/* consecutive lines with the same number
								 * other than 0 must run in one transaction */
	bool		again;			/* true if the object is dropped and created
								 * again */
	bool		incidental;		/* true if the object is the same in both
								 * images, or if another line shows its change */
	bool		filtered;		/* true if row security applies to the rows of
								 * the materialized view */
	int			stage;			/* 1 to 3 if the options ask for stages */
	const char *note;			/* NULL, or lines of a comment for above
								 * "upgrade", which may be empty */
	const char *staged;			/* NULL, or what a revision contains instead
								 * of "upgrade" if the live table has rows */
	const char *staged_undo;	/* like "staged", but for "downgrade" */
	bool		staged_stepwise;	/* "stepwise" of the staged statements */
	int			undo_hazards;	/* CMIG_HAZARD_... flags of downgrade */
	const CmigDdl *ddl;			/* NULL, or the statement, for hazards that
								 * depend on rows; only until the line is
								 * added */
	const CmigObject *live;		/* the object's live table, or NULL */

	/* set by cmig_diff_line_add() */
	bool		grants;			/* true for GRANT */
	int			hazards;		/* CMIG_HAZARD_... flags of upgrade */
	char	   *general_hazard; /* NULL, or the hazard for a table of any size */
	char	   *undo_hazard;	/* like general_hazard, but for downgrade */
	char	   *table;			/* the name of the object's table */
	char	   *size;			/* NULL, or the size of the live table, which
								 * has rows */
	char	   *group;			/* the table (or other object without a
								 * parent) that the object belongs to */
	bool		joinable;		/* true for ALTER TABLE statements with one
								 * action, to which another one's can be added */
	bool		has_others;		/* true if the statement also makes the
								 * changes of the next lines that are "within"
								 * it */
	bool		within;			/* true if the statement does nothing */
} CmigDiffLine;

/* Returns the lines of the difference, a list of CmigDiffLine. */
extern List *cmig_deparse(CmigDifference *difference);

/* in image_read.c */

/*
 * Returns true if both images contain the same objects with the same
 * properties.  Even if the result is false, cmig_compare(), which takes
 * longer, might find no difference.
 */
extern bool cmig_image_same(const CmigImage *a, const CmigImage *b);

/*
 * Returns an image of those schemas that exist, allocated in the current
 * memory context.  If all schemas are compared, it includes objects without a
 * schema.  Extension members are left out.
 */
extern CmigImage *cmig_image_read(const CmigManaged *managed);

/*
 * Returns an image of the objects with these OIDs, and of those without a schema;
 * or, without OIDs, of all.  What needs an object that is neither in the image nor
 * a member of an extension is marked as partial.
 */
extern CmigImage *cmig_image_read_part(const CmigManaged *managed, const List *objects);

/* Above this number of OIDs, reading all objects is faster. */
#define CMIG_IMAGE_PART 1000

/* Returns the OIDs of the schemas that exist, as an oid[]. */
extern Datum cmig_managed_oids(const CmigManaged *managed);

/* in replay.c */

/*
 * A watch of a replay.  It is called before each statement of a script, also if that
 * is not replayed, and after each one that is; and after the last one, with NULL,
 * while the session is still the script's.
 */
typedef void (*CmigReplayWatch) (const CmigStatement *statement, bool after, void *arg);

/* The revisions to replay, parents before children. */
typedef struct CmigReplayPlan
{
	const CmigGraph *graph;
	int			count;
	int		   *nodes;
	List	   *runs;			/* list of CmigRepeatableRun *: scripts of
								 * repeatable revisions, to be run after the
								 * nodes */
	CmigReplayWatch watch;		/* of the last node's script; or NULL */
	void	   *watch_arg;
	const CmigNames *given;		/* schemas that count even if they are empty;
								 * or NULL */
} CmigReplayPlan;

/*
 * Returns a plan of the applied revisions, followed by the repeatable
 * revisions, each with the script that was last run.  Raises error MG001 if a
 * version row names an unknown revision.
 */
extern PGDLLEXPORT CmigReplayPlan *cmig_replay_plan_applied(const CmigSituation *now);

/*
 * Returns a plan of all revisions, and of all repeatable revisions with their
 * current scripts.
 */
extern PGDLLEXPORT CmigReplayPlan *cmig_replay_plan_all(const CmigSituation *now);

/*
 * Returns a plan of these nodes (a list of int) and their ancestors,
 * including ancestors through depends_on.
 */
extern PGDLLEXPORT CmigReplayPlan *cmig_replay_plan_nodes(const CmigGraph *graph, List *nodes);

/* A replay in progress. */
typedef struct CmigReplay CmigReplay;

/*
 * The task of a replay.  It runs in the shadow, and calls the functions below.
 */
typedef void (*CmigReplayTask) (CmigReplay *replay, void *arg);

/*
 * Run a task in a shadow of all schemas.  For error messages, "caller" is the
 * name of the SQL function, such as "cmig.drift()".  Memory allocated in the
 * current memory context remains valid after the shadow has ended.  Raises the
 * same errors as cmig_shadow_run().
 */
extern PGDLLEXPORT void cmig_replay_run(const CmigGraph *graph, const char *caller,
										CmigReplayTask task, void *arg);

/*
 * The objects of those of the schemas that the caller owns, to be copied into a
 * shadow: all of them, or else those that the scripts and queries (lists of char *)
 * concern.  Call this before the shadow.  "live" may be NULL unless all are copied;
 * or *live is the image to choose from, which is read if it is NULL, for the next call
 * with some of these scripts and queries.
 */
typedef struct CmigCopies CmigCopies;
extern CmigCopies *cmig_copies_plan(const CmigManaged *managed, bool whole, const List *scripts,
									const List *queries, CmigImage **live);

/*
 * In the task of a replay, create the copies.  Some may fail.  The search_path,
 * in which pg_catalog comes first, is for the bodies of functions.
 */
extern void cmig_replay_copies(CmigReplay *replay, CmigCopies *copies, const char *path);

/* Find out which copies, given their image, differ from the objects. */
extern void cmig_copies_check(CmigCopies *copies, const CmigImage *image);

/*
 * Returns why the copy of the object failed, or differs, or NULL; and all reasons, or, if
 * objects were not copied because of their owners, only these "causes" of the rest.
 */
extern const char *cmig_copies_difference(const CmigCopies *copies, const CmigObject *object);
extern List *cmig_copies_reasons(const CmigCopies *copies, bool causes);

/*
 * If a copy failed because of privileges, returns statements that grant what the session's role
 * needs to create objects with these schemas, types, and foreign keys; or NULL.
 */
extern char *cmig_copies_grants(const CmigCopies *copies);

/* Returns about how many locks the copies take. */
extern int	cmig_copies_locks(const CmigCopies *copies);

/* Run a whole plan, in the task of a replay. */
extern PGDLLEXPORT void cmig_replay_plan_run(CmigReplay *replay, const CmigReplayPlan *plan);

/*
 * Run the scripts of these nodes, in order and in one direction.  If
 * "repeatable" is not NULL, it is the only node, and may have another script.
 *
 * Raises error MG014 if a script cannot be replayed: the detail is PostgreSQL's
 * message, the hint says what to do, and the context names the statement and
 * line.  Errors that the script has not caused, such as a cancellation or a
 * lock timeout, are raised unchanged.  Raises error MG006 if there is no
 * downgrade script.
 */
extern void cmig_replay_nodes(CmigReplay *replay, const int *nodes, int count,
							  CmigDirection direction, const CmigRepeatableRun *repeatable);

/* From now on, until "watch" is NULL, it is called. */
extern void cmig_replay_watch(CmigReplay *replay, CmigReplayWatch watch, void *arg);

/*
 * Read an image of the current contents of all schemas in the shadow.  This may
 * be called more than once.  The image includes installed extensions that no
 * script has created, and their names are added to *assumed.
 */
extern CmigImage *cmig_replay_image(CmigReplay *replay, List **assumed);

/*
 * Raise error 42501 if the scripts up to now have used a schema that belongs to
 * another role, which no image contains.
 */
extern void cmig_replay_require_owned(CmigReplay *replay);

/*
 * Returns the lines, a List of CmigDiffLine, that turn one image of a replay
 * into another one, with privileges and comments.
 */
extern List *cmig_replay_compare(CmigImage *from, CmigImage *to);

/*
 * Returns the revision whose script could not be replayed, or NULL if there is
 * none.  This is for callers that have caught error MG014.
 */
extern const char *cmig_replay_failed(void);

/* The SQLSTATE of the statement that failed when error MG014 was last raised. */
extern int	cmig_replay_failed_code(void);

/* in rehearsal.c */

/*
 * Does a role other than the caller, and not a superuser, own any of the objects?
 * Then its functions and queries must not run with the caller's privileges.
 */
extern bool cmig_rehearsal_others_own(const CmigImage *image);

/* in effects.c */

/* What a statement does. */
typedef enum CmigEffectType
{
	CMIG_EFFECT_FAILS,			/* it fails */
	CMIG_EFFECT_UNKNOWN,		/* it fails on empty tables, or here */
	CMIG_EFFECT_GONE,			/* the object no longer exists */
	CMIG_EFFECT_RENAMED,		/* it has another name or schema */
	CMIG_EFFECT_RETYPED,		/* the column's values were converted to the
								 * type "what" */
	CMIG_EFFECT_WEAKER,			/* it protects less */
	CMIG_EFFECT_UNCLEAR,		/* it may protect less */
	CMIG_EFFECT_NARROWED,		/* clients find less */
	CMIG_EFFECT_SHARED,			/* another owner, or all roles, may use it */
	CMIG_EFFECT_EXPOSED,		/* more rows are visible */
	CMIG_EFFECT_NULLABLE,		/* the column or domain accepts NULL */
	CMIG_EFFECT_REVOKED,		/* roles have fewer privileges */
	CMIG_EFFECT_REWRITTEN,		/* the table has a new file */
	CMIG_EFFECT_EMPTIED,		/* the table was truncated */
	CMIG_EFFECT_LOCKED			/* by code: the relation was locked */
} CmigEffectType;

/* An effect of a statement on an object that existed before the scripts. */
typedef struct CmigEffect
{
	CmigEffectType type;
	int			step;			/* the script, counted from 0 */
	int			statement;		/* counted from 1 */
	char	   *what;			/* the error, or how the object changes; may
								 * be empty */
	char	   *former;			/* for CMIG_EFFECT_RETYPED: the type before */
	const CmigKind *kind;		/* NULL if the statement failed */
	char	   *name;			/* unquoted */
	char	   *object;			/* qualified and quoted, as before the
								 * statement */
	char	   *root;			/* the object that it is a part of, or itself */
	CmigAddress address;		/* of the copy */
	CmigAddress root_address;
	LOCKMODE	mode;			/* for CMIG_EFFECT_LOCKED */
	int			line;			/* for CMIG_EFFECT_FAILS and _UNKNOWN: of the
								 * script */
	bool		doubtful;		/* can it depend on rows, or on what was not
								 * copied or run? */
	bool		combined;		/* only together with later statements */
} CmigEffect;

typedef struct CmigEffects
{
	const char *caller;			/* the SQL function, such as "cmig.lint()" */
	List	   *effects;		/* list of CmigEffect */
	List	   *left_out;		/* list of char *: what could not be copied or
								 * run, and why */
	char	   *not_run;		/* NULL, or why not all statements were run */
} CmigEffects;

/*
 * Run the upgrade scripts of these nodes on empty copies of the live objects that
 * they concern, and take everything back.  "scripts" is a list of char *, their
 * texts.  Nothing runs after a statement that fails, nor after "limit"
 * milliseconds, unless it is 0, according to "setting".  If "all" is true, nothing
 * runs unless everything can be copied.
 */
/* A table or materialized view, and its copy in the shadow. */
typedef struct CmigCopiedTable
{
	Oid			live;
	Oid			copy;
} CmigCopiedTable;

/* Looks at the copies while the scripts run.  Functions may be NULL. */
typedef struct CmigEffectsLook
{
	const List *texts;			/* what these name is copied, too */
	CmigImage **live;			/* see cmig_copies_plan() */
	void	   *arg;

	/*
	 * before the first script; the last list has the OIDs of the copies'
	 * schemas
	 */
	void		(*begin) (const CmigCopiedTable *tables, int count, const List *schemas, void *arg);
	void		(*after) (int step, const CmigStatement *statement, void *arg);
	void		(*end) (void *arg);
} CmigEffectsLook;

/* "look" may be NULL. */
extern CmigEffects *cmig_effects_read(const CmigGraph *graph, const int *nodes, int count,
									  const List *scripts,
									  bool all, const char *caller, const char *setting, int limit,
									  const CmigEffectsLook *look);

/* in diff.c */

extern void cmig_diff_init(void);

/* Append a line, with its hazards, to *lines. */
extern void cmig_diff_line_add(const CmigDiffLine *row, List **lines);

/* Append the lines of the difference, with their hazards, to *lines. */
/* SQL: the statement that sets the label l on an object of the type i.type. */
#define CMIG_LABEL_STATEMENT(object) \
	"format('SECURITY LABEL FOR %I ON %s %s IS %L', l.provider," \
	" upper(regexp_replace(i.type, '.* column$', 'column')), " object ", l.label)"

extern void cmig_diff_lines(CmigDifference *difference, List **lines);

/*
 * Returns a list with only one line for each object that differs.  Further
 * lines for the same object are left out, and so are lines for objects that
 * are the same in both images but must be dropped and re-created.
 */
extern List *cmig_diff_line_objects(const List *lines);

/*
 * Returns the line's action, or "alter" if the object is dropped and
 * re-created.
 */
extern const char *cmig_diff_line_action(const CmigDiffLine *line);

/* in section.c */

/*
 * Returns the statements of generated SQL, a list of char *, without
 * semicolons.  If "in_block" is true, they are rewritten for PL/pgSQL: a query
 * becomes PERFORM, and a function with a body of SQL is created by EXECUTE.
 */
extern List *cmig_section_statements(const char *sql, bool in_block);

/* in copy.c */

/*
 * Returns the text with the schema name "old" replaced with "new" where it
 * qualifies an object that exists in the schema, and in the search_path that a
 * function sets.  Returns "text" itself if there is nothing to replace.
 */
extern char *cmig_own_name_replace(char *text, Oid schema, const char *old, const char *new);

/*
 * Returns the statements, a list of CmigDiffLine, that create everything that
 * the schema "from" contains, except rows, in an empty schema called "name".
 * A schema with this name need not exist.  The statements are the same as
 * those that cmig.diff_schemas returns by default.  For error messages,
 * "caller" is the name of the SQL function.
 */
extern List *cmig_schema_copy(const char *from, char *name, const char *caller);

/* in downgrade.c */

/*
 * Returns the downgrade script of a revision with the header "expand": the
 * difference between what it and what the revisions below it create, with the
 * lines "-- cmig:down" as lines "-- cmig:up".  Raises error MG006 if rows would be lost.
 */
extern char *cmig_generate_downgrade(const char *revision);

/* in drift.c */

/*
 * A function for the hook cmig_load_at_end.  Stamps each new revision that
 * cmig.capture wrote in this database, if its parents are applied, if stamping
 * it leaves no drift, and if scripts run as the same role as they did in
 * cmig.capture.  Otherwise, issues a NOTICE.
 */
extern void cmig_captured_loaded(const CmigRevisionText *const *added, int count);

#endif							/* CMIG_SCHEMA_H */
