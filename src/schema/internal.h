/*
 * internal.h
 *	  What the modules of src/schema share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCHEMA_INTERNAL_H
#define CMIG_SCHEMA_INTERNAL_H

#include "postgres.h"

#include "schema/schema.h"

/* in image_read.c */

/* Returns the number of objects that are not the same in both images. */
extern int	cmig_image_distance(const CmigImage *image, const CmigImage *other);

/* Returns a list of CmigInitialGrants: those of new objects. */
extern List *cmig_initial_grants_read(void);

/* in shadow.c */

/* A live schema, and the empty schema that temporarily has its name. */
#define CMIG_AWAY_PREFIX "cmig_away_"	/* of the names of live schemas */

typedef struct CmigShadowSchema
{
	const char *name;
	Oid			live;			/* its OID does not change; InvalidOid if
								 * there is none */
	Oid			shadow;			/* the empty schema */
	bool		created;		/* by a CREATE SCHEMA of the target? */
	bool		given;			/* does it count although it is empty? */
} CmigShadowSchema;

/* Everything that is hidden while a target runs. */
typedef struct CmigShadow
{
	const CmigManaged *managed; /* the schemas passed to cmig_shadow_run() */
	int			count;
	CmigShadowSchema *schemas;	/* existing schemas that the caller owns,
								 * sorted by name; also public if it does not
								 * exist */
	List	   *extensions;		/* list of CmigExtension */
	ArrayType  *live;			/* an oid[]: the schemas that existed before */
	List	   *hidden;			/* list of CmigHidden: what has no schema */
	SubTransactionId begun;		/* what was created since is not live */
	TransactionId xid;			/* of the shadow's subtransaction */
} CmigShadow;

/*
 * A task runs in the shadow, in the caller's memory context, so that its
 * results outlive the shadow.  An error in it is raised again after the
 * rollback.
 */
typedef void (*CmigShadowTask) (CmigShadow *shadow, void *arg);

/*
 * Run a task in a shadow of the managed schemas.  "caller" is the SQL function
 * for error messages, such as "cmig.diff()".  Raises error 42501 if a schema
 * was named explicitly and the current user does not own it; other schemas
 * that the user does not own are left as they are.  Raises error 25006 in a
 * read-only transaction and on a standby.  Shadows cannot be nested.
 */
extern PGDLLEXPORT void cmig_shadow_run(const CmigManaged *managed, const char *caller,
										CmigShadowTask task, void *arg);

/*
 * Run a task, whose shadow argument is NULL, while the live schema "schema" is
 * called "name", and a schema with this name has a temporary one.  Definitions
 * deparsed from "schema" then contain "name".  The task must not run the
 * caller's SQL, because the caller need not own either schema.
 */
extern PGDLLEXPORT void cmig_shadow_rename(Oid schema, const char *name, const char *caller,
										   CmigShadowTask task, void *arg);

/* Does an image that is read now contain no live objects? */
extern bool cmig_shadow_hides_live(void);

/*
 * Returns the managed schemas that exist in the target.  Call this after the
 * target's SQL.  Schemas that the target neither created nor filled are left
 * out, except for public if it is live.
 */
extern PGDLLEXPORT CmigManaged *cmig_shadow_schemas(CmigShadow *shadow);

/* Returns the managed schemas that exist. */
extern CmigManaged *cmig_shadow_managed(CmigShadow *shadow);
extern CmigShadowSchema *cmig_shadow_find(CmigShadow *shadow, const char *name);

/*
 * Does the schema contain anything, apart from extension members?  If
 * "by_members" is true, members of extensions that the target has created count.
 */
extern bool cmig_shadow_is_in_use(Oid schema, bool by_members);

/* Has the target neither created the schema nor put anything into it? */
extern bool cmig_shadow_is_unused(const CmigShadowSchema *schema);

/* Was the schema created neither by the shadow nor by the target? */
extern bool cmig_shadow_is_live_schema(const CmigShadow *shadow, Oid schema);

/* Returns a copy of "managed" with one more schema. */
extern const CmigManaged *cmig_managed_with(const CmigManaged *managed, char *name, Oid oid);

/* Raise error 42501, with "detail", for an existing schema of another role. */
extern void cmig_managed_require_owned(const CmigManaged *managed, const char *detail);

/* Raise error 3F000 if one of the schemas does not exist. */
extern void cmig_managed_require_exist(const CmigManaged *managed);

/* Returns the schemas' names, or NULL if all schemas are compared. */
extern CmigNames *cmig_managed_names(const CmigManaged *managed);

/* Is this one of pg_cmig's own schemas, cmig or cmig_audit? */
extern bool cmig_managed_is_own_name(const char *schema);

/* Is it one of them, or of the server's?  Neither is ever compared. */
extern bool cmig_managed_is_reserved_name(const char *schema);

/* in shadow_catalogs.c */

/* An installed extension. */
typedef struct CmigExtension
{
	Oid			oid;
	char	   *name;
	Oid			schema;			/* its schema outside of the shadow */
	bool		declared;		/* true if the target has created it */
} CmigExtension;

/* An object without a schema that exists outside of the shadow. */
typedef struct CmigHidden
{
	Oid			catalog;
	Oid			object;
	char	   *name;			/* NULL for casts and transforms */
	char	   *identity;
	Oid			owner;			/* the bootstrap superuser if it has none */
	HeapTuple	row;			/* of a cast */
} CmigHidden;

/* The prefix of the temporary names that hide objects. */
#define CMIG_SHADOW_HIDDEN "cmig_hidden_"

extern char *cmig_shadow_hidden_name(Oid object);

/* The row with this OID: set a column, also of type "name", or delete it. */
extern void cmig_shadow_rows_set(Oid catalog, Oid object, AttrNumber column, Datum value);
extern void cmig_shadow_rows_rename(Oid catalog, Oid object, AttrNumber column, const char *name);
extern void cmig_shadow_rows_delete(Oid catalog, Oid object);

/* Returns the schema of an object, or InvalidOid if there is no such object. */
extern Oid	cmig_shadow_rows_schema(Oid catalog, Oid object);

/*
 * Hide the objects that have no schema and do not belong to an extension, and return them
 * as a list of CmigHidden; unless "all" is true, hide only publications and event triggers.
 * Only the names of servers, foreign-data wrappers, languages, and access methods are hidden,
 * because objects in other schemas still use them.  All event triggers are hidden, even
 * those of extensions, because they must not fire.
 */
extern List *cmig_shadow_global_hide(bool all);
extern void cmig_shadow_global_show(const CmigHidden *hidden);
extern const CmigHidden *cmig_shadow_global_find(const List *hidden, ObjectType type, Node *object);

extern void cmig_shadow_catalogs_init(void);

/*
 * Prepare to hide this shadow's live schemas from the target's queries, or
 * stop hiding them if "shadow" is NULL.  Discards cached plans that contain
 * conditions, and leaves the hook switched off.
 */
extern void cmig_shadow_catalogs_watch(const CmigShadow *shadow);

/*
 * Switch the hook on while the target's SQL runs, and off while pg_cmig reads
 * the catalogs itself.  Returns the former state.
 */
extern bool cmig_shadow_catalogs_filter(bool on);

/* in distribution.c */

extern void cmig_distribution_record_init(void);

/* Start or stop recording, if Citus is loaded and installed. */
extern void cmig_distribution_record_watch(bool on);

/* Remove all records: before a shadow hides the extension citus, and after. */
extern void cmig_distribution_record_reset(bool begins);

/* Record a new schema, if the session's settings make it a distributed one. */
extern void cmig_distribution_record_schema(Oid schema);

/* A partition is about to be detached, and stays distributed as it is. */
extern void cmig_distribution_record_detach(Oid partition);

/* Has a function of Citus been called, even if it has been rolled back? */
extern bool cmig_distribution_record_any(void);

/*
 * Add an object for each distributed table and schema.  "schemas" is an oid[].
 * Call this when the image contains all other objects and dependencies, before
 * cmig_image_finish().
 */
extern void cmig_image_read_distribution(CmigImage *image, Datum schemas);

/* in target_run.c */

/* A part of the target that was not executed, and is not in the catalogs. */
typedef struct CmigTargetNote
{
	const char *kind;			/* as in result rows: "role", "owner" ... */
	char	   *object;			/* the name as written in the target */
	char	   *reason;			/* text for the "hazard" column */
	int			line;
	char	   *role;			/* the intended owner, or NULL */
} CmigTargetNote;

/* The result of running a target's SQL. */
typedef struct CmigTarget
{
	List	   *notes;			/* list of CmigTargetNote, in the order of the
								 * statements */
	List	   *renames;		/* list of char *: "table public.a -> b",
								 * "column public.b.x -> y", from -- @renamed
								 * comments; the table is named as in the
								 * target */
	List	   *elsewhere;		/* list of char *: schemas that are not
								 * compared, and whose statements were left
								 * out */
} CmigTarget;

/* A target whose SQL is running. */
typedef struct CmigTargetState
{
	CmigShadow *shadow;
	CmigTarget *target;
	MemoryContext context;		/* memory context of the result */
	SubTransactionId subtransaction;	/* the shadow's subtransaction */
	int			line;			/* the line of the current statement */
	CmigListing left_out;		/* statements left out because they are not
								 * about a compared schema */
	List	   *missing;		/* objects that could not be created */
	char		distrusts;		/* these are as in CmigOutsideWatch */
	bool		strict;
	bool		owners;			/* do copies have the owners of the live
								 * objects? */
	bool		exact;			/* does what cannot be run raise an error? */
	bool		code;			/* if so: is the statement called by code? */
	bool		passed_over;	/* was the last statement not run, although it
								 * can run code? */
} CmigTargetState;

/* A repeatable revision's script, to be run after the target's SQL. */
typedef struct CmigTargetScript
{
	const char *revision;
	const char *sql;
} CmigTargetScript;

/* Initialize the state in the current memory context, in the shadow. */
extern void cmig_target_begin(CmigTargetState *state, CmigShadow *shadow);

/*
 * Call "statements" in a session state of its own, which has the search_path
 * "path", unless it is NULL, and the settings in an array of names and values
 * that ends with NULL.  The utility statements are processed for the target.
 */
extern void cmig_target_in_session(CmigTargetState *state, CmigScriptRun *run, const char *path,
								   const char *const *settings,
								   void (*statements) (CmigScriptRun *run, void *arg), void *arg);

/*
 * In a task: run the target's SQL, and then "scripts", a list of
 * CmigTargetScript.  A script that fails is skipped, with a NOTICE unless the
 * target has already created its objects.  Session state is restored; the
 * objects that the SQL creates exist until the shadow ends.  An error names
 * the line and the statement.
 */
extern PGDLLEXPORT CmigTarget *cmig_target_run(CmigShadow *shadow, const char *sql, List *scripts);

/*
 * For replay: run one statement, unless it changes rows of live tables.  Call
 * this in cmig_target_in_session().
 */
extern void cmig_target_execute(CmigTargetState *state, const CmigStatement *statement);

/* in target_statement.c */

/* Returns the object's name as it is written in the statement. */
extern char *cmig_target_subject_name(const CmigSubject *subject);

/* Returns the object's schema, which for a schema is itself, or NULL. */
extern char *cmig_target_subject_schema(const CmigSubject *subject);

/* Returns the name that a statement gives to a schema, which it creates or renames, or NULL. */
extern char *cmig_target_created_schema(const Node *statement);

/* Returns the word for an object type in result rows, such as "table". */
extern const char *cmig_target_object_kind(ObjectType type);

/* Note, with copies of the arguments, that a statement was not executed. */
extern CmigTargetNote *cmig_target_note(CmigTargetState *state, const char *kind, const char *object,
										const char *reason);

/*
 * Record an object that the target names but does not create, so that later
 * statements about it are ignored.  Adds a note unless "reason" is NULL; it is
 * NULL if the object is another role's live object.
 */
extern void cmig_target_note_missing(CmigTargetState *state, ObjectType type,
									 const char *name, const char *reason);

/* Record a statement that is left out: its name, such as "CREATE DATABASE". */
extern void cmig_target_leave_out(CmigTargetState *state, const char *what);

/*
 * Is the statement about a role, a database, a tablespace, a large object,
 * or the server?  If so, its effect is not visible in a schema.
 */
extern bool cmig_target_is_shared(Node *node);

/*
 * Is the statement about an object in a live schema?  If so, it must not be
 * run, and is recorded for a NOTICE.
 */
extern bool cmig_target_is_elsewhere(CmigTargetState *state, Node *statement);

/*
 * Returns the statement that PostgreSQL must run, which may be a changed copy,
 * or NULL if there is none.  Adds notes about what is left out.
 */
extern Node *cmig_target_adapt(CmigTargetState *state, Node *statement);

/* in target_text.c */

/* A target's SQL without the parts that only psql understands. */
typedef struct CmigTargetText
{
	char	   *sql;			/* the SQL, with blanks for removed parts, so
								 * that lines and offsets do not change */
	int			commands;		/* number of removed psql commands */
	int			copies;			/* number of removed COPY ... FROM STDIN, with
								 * their data */
	int			first_line;		/* line of the first part that was removed */
	List	   *comments;		/* the comments that give former names */
} CmigTargetText;

/*
 * Remove what has no effect on the schema when psql runs the SQL: commands
 * such as \restrict, \set, and \connect, and COPY blocks.  A command that could
 * have an effect, such as \i, is kept, so that running the SQL raises an error.
 */
extern CmigTargetText *cmig_target_text_read(const char *sql);

/*
 * Add to the target's renames those that comments in and around a statement
 * request.  The statement has been run; "raw" is a copy of its parse tree,
 * because running it changes the tree.
 */
extern void cmig_target_text_renames(CmigTargetState *state, const CmigTargetText *text,
									 const CmigStatement *statement, const RawStmt *raw);

/* in target_extension.c */

/* Move the extensions' members to the empty schemas, and hide the names. */
extern void cmig_shadow_extension_hide(CmigShadow *shadow);

/* Move an extension (InvalidOid: all) and its members to another schema. */
extern void cmig_shadow_extension_move(Oid extension, Oid from, Oid to);

/* Move an object, and what belongs to it, to another schema. */
extern void cmig_shadow_object_move(Oid catalog, Oid object, Oid to);

/* Returns the extension's current schema according to pg_extension. */
extern Oid	cmig_shadow_extension_schema(Oid extension);

/* Process a statement about an installed extension; false: PostgreSQL must. */
extern bool cmig_target_extension_run(CmigTargetState *state, Node *statement);

/*
 * Call these before and after PostgreSQL creates an extension that is not
 * installed.  In between, the extensions that the target has not created are
 * visible, because PostgreSQL looks up required extensions by name.
 */
extern void cmig_target_extension_begin(CmigTargetState *state);
extern void cmig_target_extension_end(CmigTargetState *state, const char *name);

/*
 * Process CREATE SCHEMA, or the renaming of a schema, to the name of one that the shadow has
 * created, before and after PostgreSQL runs it.  The first one returns true if there is nothing
 * left to do.
 */
extern bool cmig_target_schema_create(CmigTargetState *state, Node *statement);
extern void cmig_target_schema_created(CmigTargetState *state, Node *statement);

/*
 * Process DROP SCHEMA.  Extension members are first moved out of the schema,
 * because PostgreSQL would otherwise drop the extension, including its live
 * objects.  Returns the statement without live schemas, or NULL if no schema
 * is left.
 */
extern Node *cmig_target_schema_drop(CmigTargetState *state, Node *statement);

/*
 * When the target has ended, find out which extensions it created and which
 * schemas exist.  If the target uses an extension that it does not create,
 * shows the extension, and issues a NOTICE if the extension's schema is compared.
 */
extern void cmig_target_extension_settle(CmigTargetState *state);

/* in keep.c */

extern void cmig_keep(const CmigImage *from, CmigImage *to, const bool *wanted);
extern void cmig_keep_unknown(const CmigImage *from, CmigImage *to);
extern void cmig_keep_distribution(const CmigImage *from, CmigImage *to);
extern const CmigObject *cmig_keep_missing(const CmigObject *object, const CmigImage *to);
extern void cmig_keep_places(const CmigImage *from, CmigImage *to);
extern void cmig_keep_partitions(CmigImage *image, const CmigImage *target, const char *creates);

/*
 * Remove the excluded objects from both images, and remove rows about excluded objects
 * that no image contains.
 */
extern void cmig_exclude(const List *patterns, CmigImage *from, CmigImage *to);
extern bool cmig_keep_is_about(const char *kind, const char *name, const CmigObject *object);

/* Remove the objects that cmig_expansion_objects() has returned. */
extern void cmig_exclude_expansions(CmigImage *image, const List *rows);

extern List *cmig_exclude_rows(const List *patterns, List *lines, const CmigImage *from,
							   const CmigImage *to);

/* in match.c */

/* Does the change create an object, even if only after dropping it? */
static inline bool
cmig_change_creates(const CmigChange *change)
{
	return change->action == CMIG_CREATE || change->action == CMIG_AGAIN;
}

/* Does the change drop an object, even if only to create it again? */
static inline bool
cmig_change_drops(const CmigChange *change)
{
	return change->action == CMIG_DROP || change->action == CMIG_AGAIN;
}

/* Does the upgrade (or the downgrade, if "old" is true) create the object? */
static inline bool
cmig_change_makes(const CmigChange *change, bool old)
{
	return old ? cmig_change_drops(change) : cmig_change_creates(change);
}

/* Mark a change as unsupported. */
static inline void
cmig_change_refuse(CmigChange *change, char *reason)
{
	change->action = CMIG_UNSUPPORTED;
	change->alter = (CmigAlter)
	{
		.unsupported = reason
	};
}

/* Returns the new object, or the old one if there is no new one. */
static inline CmigObject *
cmig_change_object(const CmigChange *change)
{
	return change->to ? change->to : change->from;
}

/* Returns the new image, or the old one. */
static inline const CmigImage *
cmig_image_of(const CmigDifference *difference, bool old)
{
	return old ? difference->from : difference->to;
}

extern void cmig_serial_mark(CmigDifference *difference);
extern void cmig_match_objects(CmigDifference *difference);
extern void cmig_match_attached(CmigDifference *difference);
extern void cmig_match_detached(CmigDifference *difference);

/* in family.c */

extern const CmigObject *cmig_children_parent(const CmigImage *image, const CmigObject *object);
extern bool cmig_children_is_attached(const CmigChange *change);
extern void cmig_children_keep(CmigDifference *difference);
extern bool cmig_children_added_later(const CmigImage *image, const CmigObject *object);
extern void cmig_family_exclude(CmigDifference *difference);

/* in attached.c */

/* Returns the index with this qualified name, or its constraint, or NULL. */
extern const CmigObject *cmig_attached_find(const CmigImage *image, const char *name);

/* Returns the parent index to which the object's index is attached, or NULL. */
extern const CmigObject *cmig_attached_parent(const CmigImage *image, const CmigObject *object);

/* Is it a partition's index or key that only one image has, attached to one that stays? */
extern bool cmig_attached_joins(const CmigDifference *difference, const CmigChange *change);

/* Is it dropped with an index above it that some partitions lack, and that is dropped first? */
extern bool cmig_attached_goes(const CmigDifference *difference, const CmigObject *object,
							   bool old);

/* Does the upgrade leave the old index (or NULL) that is dropped, as only attachments differ? */
extern bool cmig_attached_stays(const CmigDifference *difference, const CmigObject *from);
extern void cmig_attached_complete(const CmigDifference *difference, const CmigObject *object,
								   List *ddl, bool old);
extern void cmig_equivalents_renew(CmigDifference *difference);
extern void cmig_equivalents_unfold(CmigDifference *difference);
extern void cmig_equivalents_sort(const CmigDifference *difference);

/* in propagate.c */

extern CmigChange *cmig_change_whole(CmigChange *change);
extern void cmig_populate_check(CmigDifference *difference);
extern void cmig_change_keep(CmigChange *change, char *reason);
extern void cmig_foreign_refuse(CmigDifference *difference);
extern void cmig_propagate(CmigDifference *difference);
extern bool cmig_change_lets_go(const CmigChange *change, const CmigChange *dependent);
extern void cmig_parts_find(CmigDifference *difference);
extern void cmig_colocation_settle(const CmigImage *from, const CmigImage *to);
extern void cmig_colocation_renew_keys(CmigDifference *difference);

/* in compare.c */

/* Mark a change as unsupported, and those that need the object if it is new. */
extern void cmig_compare_refuse(CmigDifference *difference, CmigChange *change, char *reason);

/* Tell which new columns are not at their position in the target. */
extern void cmig_column_order_tell(const CmigDifference *difference);

/* in order.c */

/* The step of a change that a node stands for. */
typedef enum CmigNodeType
{
	CMIG_NODE_AWAY,				/* the old object is renamed */
	CMIG_NODE_DROP,
	CMIG_NODE_PART,				/* NO INHERIT for tables that are no longer
								 * parents */
	CMIG_NODE_JOIN,				/* INHERIT for new parents, once the table has
								 * all of their columns */
	CMIG_NODE_ALTER,
	CMIG_NODE_CREATE,
	CMIG_NODE_UNSUPPORTED
} CmigNodeType;

/* When a node comes, unless it must come after another. */
typedef enum CmigNodeStage
{
	CMIG_STAGE_EARLY,			/* drops or renames an old object */
	CMIG_STAGE_USUAL,
	CMIG_STAGE_LATE,			/* drops what could fill a column */
	CMIG_STAGE_FINAL			/* of a kind with the flag FINAL, such as
								 * default privileges, which apply to objects
								 * that a downgrade creates again */
} CmigNodeStage;

/* A node: a step of a change. */
typedef struct CmigOrderNode
{
	CmigNodeType type;
	CmigChange *change;
	int			place;			/* position before nodes are grouped */
	int			transaction;	/* the same number for the nodes of a stepwise
								 * revision that must run in one transaction;
								 * 0 for other nodes */
	bool		needs;			/* what it creates or drops cannot exist
								 * outside of the transaction, beside the rest */
	CmigNodeStage stage;		/* by which nodes are sorted first */
} CmigOrderNode;

/* The numbers of a change's nodes: the one that ..., or -1. */
typedef struct CmigOrderSteps
{
	int			first;			/* drops or alters the object */
	int			last;			/* creates or alters it */
	int			part;			/* removes parents (NO INHERIT) */
	int			join;			/* adds parents (INHERIT) */
	int			away;			/* renames the old object */
} CmigOrderSteps;

/*
 * Returns an array of *count nodes, in order.  To break cycles, this may
 * change the fields "separate" and "folded" of some objects.
 */
extern CmigOrderNode *cmig_order(CmigDifference *difference, int *count);

/* in commits.c */

typedef struct CmigOrder CmigOrder;

/* Requires that the node "before" come before "node"; -1 stands for no node. */
typedef void (*CmigCommitAdd) (CmigOrder *order, int node, int before);

/*
 * Add edges to the nodes of a stepwise revision.  Those that must run in one
 * transaction then require each other.
 */
extern void cmig_commit_join(const CmigDifference *difference, const CmigOrderNode *nodes,
							 int count, CmigCommitAdd add, CmigOrder *order);

/*
 * Returns a text that is the same for changes that must run in one transaction
 * of a stepwise revision, unless nothing is dropped or altered, or NULL.
 */
extern char *cmig_commit_guard(const CmigChange *change);

/*
 * Must the new constraint or index be created before the old one is dropped,
 * because both demand the same kind of thing of the same columns?  Either one
 * may be a column that loses or gets the constraints of a domain.
 */
extern bool cmig_commit_succeeds(const CmigObject *old, const CmigObject *new);

/* Is the column NOT NULL in one version, and its type a domain that is NOT NULL in the other one? */
extern bool cmig_commit_trades_not_null(const CmigObject *old, const CmigObject *new);

/*
 * Returns the concurrent form of a single statement, or the statement itself if
 * there is no such form.  The object must belong to a live table.
 */
extern char *cmig_commit_sql(const CmigObject *object, CmigOnline online, char *sql);

/*
 * Returns the statement "sql", SET NOT NULL, with a temporary check constraint,
 * so that it does not scan the table.
 */
extern char *cmig_commit_not_null(const CmigObject *column, const char *sql);

/* The statements that create a constraint or an index in a transaction. */
typedef struct CmigSwap
{
	char	   *before;			/* NULL, or what runs before the transaction */
	char	   *sql;
	char	   *after;			/* NULL, or what runs after the transaction */
} CmigSwap;

/*
 * Returns what replaces the statement of "ddl", so that what takes long is not in
 * the transaction.  "beside": the object can be created before the transaction,
 * under another name.
 */
extern CmigSwap cmig_commit_swap(const CmigObject *object, const CmigDdl *ddl, bool beside);

/* in deparse.c */

/* A statement for a row whose change is made with another row's statement. */
#define CMIG_NO_STATEMENT "DO $$BEGIN /* changed with another statement */ END$$"

/*
 * Returns the statements that complete an object that is created together with
 * another object: its owner, privileges, and comments, and for a column, the
 * properties in which it differs from the parent's column.
 */
extern List *cmig_completion(const CmigObject *object, const CmigDiffOptions *options);

/*
 * Set the fields "family" and "rank" of each table that is created or dropped.
 * "family" is the first table, by name, among the table itself and the tables
 * whose CREATE TABLE statements reference it, directly or through other
 * tables.  "rank" is its position among the tables in the same family: a
 * referenced table comes before the tables that reference it.
 */
extern void cmig_families_rank(CmigDifference *difference);

/* Like cmig_object_compare(), but tables are compared by "family" and "rank". */
extern int	cmig_families_compare(const CmigObject *a, const CmigObject *b);

/* in annotate.c */

/* A role's default privileges for new objects of one type in a schema. */
typedef struct CmigInitialGrants
{
	const char *role;			/* unquoted */
	const char *schema;			/* quoted; NULL: for all schemas that have no
								 * entry of their own */
	char		type;			/* as in pg_default_acl */
	List	   *grants;			/* list of CmigGrant */
} CmigInitialGrants;

/*
 * Each returns a list of CmigDdl: the statements that set the owner,
 * privileges, and comments of a new object; those that change them; and those
 * that remove the privileges and the comment of an identity column's sequence,
 * to be run before it is dropped or re-created.
 */
extern List *cmig_annotate_create(const CmigObject *object, const CmigDiffOptions *options);
extern List *cmig_annotate_alter(const CmigObject *from, const CmigObject *to,
								 const CmigDiffOptions *options);
extern List *cmig_annotate_sequence_gone(const CmigObject *from, const CmigObject *to,
										 const CmigDiffOptions *options);

/* Does the first statement of cmig_annotate_create() set the owner? */
extern bool cmig_annotate_sets_owner(const CmigObject *object, const CmigDiffOptions *options);

/* Copy to "to" what the options exclude from the comparison. */
extern void cmig_annotate_keep(const CmigObject *from, CmigObject *to, const CmigDiffOptions *options);

/* in replace.c */

/* The dependents of each object in an image. */
typedef struct CmigDependents
{
	int		   *start;			/* for each object, by its index: the position
								 * of its first dependent in "objects"; one
								 * additional element at the end */
	CmigObject **objects;
} CmigDependents;

/* Replace the types that cannot be altered because columns use them. */
extern void cmig_replace_used(CmigDifference *difference, const CmigDependents *dependents);

/*
 * Does a column contain values of the type, possibly within a composite type,
 * a domain, or a range?
 */
extern bool cmig_replace_is_stored(const CmigImage *image, const CmigObject *type);

/*
 * If the dependent is a column whose type is dropped, and a type of another
 * kind is created with the same name, returns the new type, or else NULL.
 */
extern const CmigObject *cmig_replace_successor(const CmigChange *change,
												const CmigChange *dependent);

/*
 * Change an object that depends on a replaced type.  Returns the change whose
 * dependents must be examined next, or NULL if the type cannot be replaced.
 */
extern CmigChange *cmig_replace_dependent(CmigDifference *difference, CmigChange *change,
										  CmigChange *dependent);

/*
 * If the dependent is a column that changes from a replaced type to another
 * replaced type, or from a dropped type to a type of another kind with the
 * same name, keep the old type under a temporary name until the column has
 * changed.
 */
extern void cmig_replace_trade(const CmigDifference *difference, CmigChange *change,
							   CmigChange *dependent);

/*
 * Like cmig_replace_dependent(), but for a type or collation that cannot exist
 * twice.  While it is re-created, columns use another type or collation.
 */
extern CmigChange *cmig_replace_detour(CmigChange *change, CmigChange *dependent);

/*
 * Like cmig_replace_detour(), but for a dropped range type whose multirange
 * type has a name that a new range type needs; or else returns NULL.
 */
extern CmigChange *cmig_replace_multirange(const CmigDifference *difference, CmigChange *change,
										   CmigChange *dependent);

/*
 * Complete the old type's description in change->away: copy its children, and
 * replace the names of other old types with their temporary names.
 */
extern void cmig_replace_finish(const CmigChange *change);

/* in rehearsal.c */

/* Two images, of which copies are compared. */
typedef struct CmigDiffCopies
{
	CmigImage  *from;
	CmigImage  *to;
} CmigDiffCopies;

/* A line whose statements failed. */
typedef struct CmigDiffFailure
{
	const CmigDiffLine *line;
	bool		upgrade;
	ErrorData  *error;
} CmigDiffFailure;

/*
 * Run lines in the shadow, each in a subtransaction.  Returns a list of
 * CmigDiffFailure.  "checks" tells whether bodies of functions are checked; PL/pgSQL
 * never frees what it compiles for that.
 */
extern List *cmig_rehearsal_run(CmigTargetState *state, const List *lines, bool upgrade,
								bool checks, const char *path);


/*
 * If the option "prove" is set, run the lines of a difference in the shadow, the
 * downgrade and then the upgrade, on copies of what they concern.  Returns the
 * lines, with those added that are missing to get from one image to the other,
 * and with an unsupported line for each object that differs nevertheless.
 */
extern List *cmig_rehearsal_prove(const CmigManaged *managed, const char *function,
								  const CmigDiffCopies *copies,
								  const CmigDifference *difference, const List *renames, List *lines);

/* Add a hazard to lines, not rehearsed, that may change what inherits from a table. */
extern List *cmig_rehearsal_warn(List *lines);

/* in weaker.c */

/* Does one object guard less than another one, which it replaces? */
typedef enum CmigWeaker
{
	CMIG_WEAKER_OTHER,			/* it guards something else */
	CMIG_WEAKER_NOT,
	CMIG_WEAKER_UNKNOWN,		/* this cannot be decided */
	CMIG_WEAKER_YES,
	CMIG_WEAKER_ALL				/* it admits all rows */
} CmigWeaker;

/*
 * The condition of a CHECK, or of a policy; the columns of a key.  Names are not
 * part of it, so that it can be compared if something is renamed.
 */
typedef struct CmigCondition
{
	Node	   *check;			/* of rows that are written */
	Node	   *visible;		/* of other rows */
	List	   *roles;			/* list of Oid; 0: all roles */
	char		command;
	bool		restrictive;
	List	   *columns;		/* list of int */
	Oid			references;		/* the table that a foreign key references */
	List	   *referenced;		/* its columns */
} CmigCondition;

/* Returns NULL if the object has no condition. */
extern CmigCondition *cmig_condition_read(const CmigObject *object);

extern bool cmig_condition_same(const CmigCondition *a, const CmigCondition *b);

/* Compare constraints, unique indexes, or triggers, with their conditions. */
extern CmigWeaker cmig_weaker(const CmigObject *old, const CmigCondition *former,
							  const CmigObject *new, const CmigCondition *latter);

/*
 * Compare the policies of a table, lists of CmigCondition: are more rows
 * admitted to the role, or to all roles if that is 0, where "policy" applies, or
 * "former", which was the same policy?  "former" may be NULL.
 */
extern CmigWeaker cmig_weaker_policies(const List *old, const List *new, Oid role,
									   const CmigCondition *former, const CmigCondition *policy);

/* in copies.c */

/* Choose the object.  Returns false if it was already chosen. */
extern bool cmig_copies_add(bool *chosen, const CmigObject *object);

/*
 * Choose also the parts of the chosen objects, and what they need.  The foreign
 * keys of tables that are not touched are left out, since they would lead from
 * table to table.  Returns true if this adds objects.
 */
extern bool cmig_copies_complete(const CmigImage *image, bool *chosen, const bool *touched);

/*
 * In the shadow, create the copies, as the role of scripts.  If not all objects
 * are copied, "state" keeps on distrusting what the copies call.
 */
extern void cmig_copies_make(CmigCopies *copies, CmigTargetState *state, const char *path);

/* Returns the image of the live objects that are copied. */
extern const CmigImage *cmig_copies_image(const CmigCopies *copies);

/* in copies_state.c */

/*
 * The copies.  Reading an image takes time, so that after a statement, only the
 * catalog rows of the objects are looked at, and only those objects are read again
 * with whose rows something has changed.  A run with a CmigEffectsLook compares
 * nothing, so its image is empty.
 */
typedef struct CmigCopiesState
{
	MemoryContext context;
	MemoryContext texts;		/* of the objects' properties; other states
								 * may have the same one */
	CmigImage  *image;
	bool		stale;			/* has the current script added something that
								 * was not read? */
	/* by the object's index */
	uint64	   *rows;			/* what matters in its catalog row; 0: gone */
	Oid		   *files;			/* a table's file */
	CmigCondition **conditions; /* or NULL */
} CmigCopiesState;

/*
 * Returns a value that differs if the object's catalog row has changed in a way
 * that can make it weaker, or changes its name, or 0 if there is no such row.
 */
extern uint64 cmig_copies_row(const CmigObject *object);

extern Oid	cmig_copies_file(const CmigObject *object);

extern CmigCopiesState cmig_copies_read(CmigShadow *shadow, MemoryContext context, bool empty);

/*
 * Returns the state after "before".  "rows" are those of now, and the marked objects,
 * which are not parts of others, have changed or are gone.
 */
extern CmigCopiesState cmig_copies_update(CmigShadow *shadow, MemoryContext context,
										  const CmigCopiesState *before, const uint64 *rows,
										  bool *marked);

/* Returns the object in another state: the same one, or one with its name. */
extern const CmigObject *cmig_copies_counterpart(const CmigCopiesState *state, const CmigObject *object);

/* Mark the objects that the states have with other rows, or parts with other rows. */
extern bool *cmig_copies_changed(const CmigCopiesState *old, const CmigCopiesState *new);

/* in rename.c */

extern CmigImage *cmig_rename_read(const CmigManaged *managed, CmigImage *from, CmigImage *to,
								   const List *renames, const List *comments, bool here,
								   bool replayed, List **lines);
extern void cmig_rename_tell(const CmigDifference *difference);

/* in hazard.c */

extern bool cmig_hazard_is_volatile(const char *expression);
extern void cmig_hazard_set(CmigDiffLine *line);
extern void cmig_hazard_move(CmigDiffLine *whole, CmigDiffLine *line);
extern void cmig_body_check(CmigImage *image, const CmigImage *other);
extern void cmig_body_check_changed(CmigDifference *difference);

/* in others.c */

extern void cmig_tool_table_keep(const CmigImage *live, CmigImage *other);
extern void cmig_extension_check_updates(const CmigDifference *difference);
extern List *cmig_extension_created(const CmigSituation *now);
extern void cmig_extension_tell_kept(List *names);
extern void cmig_extension_keep(const CmigImage *live, CmigImage *target);

/* Objects that need what the database lacks, read in a shadow and marked after it. */
extern List *cmig_lacking_read(CmigShadow *shadow);
extern void cmig_lacking_mark(const CmigImage *from, CmigImage *image, const List *uses);

/* Other roles' objects, and objects outside of the compared schemas. */
extern void cmig_others_mark(CmigImage *image);
extern List *cmig_others_settle(const CmigImage *live, CmigImage *target, List *notes,
								const CmigDiffOptions *options);
extern void cmig_others_tell(const CmigDifference *difference);
extern CmigDifference *cmig_outside_compare(CmigImage *from, CmigImage *to,
											const CmigDiffOptions *options, bool live);

/* Which tables are audited, and how, as jsonb. */
extern char *cmig_audited_read(void);
extern void cmig_audited_compare(const char *live, const char *revisions, List **lines);

/* in diff.c */

/* Returns cmig.diff_time_zone, for statements that will run. */
extern char *cmig_diff_time_zone(void);

/*
 * Returns the schemas in argument n: a text[], or text that is one name or an
 * array literal.  SQL null means all schemas.
 */
extern CmigManaged *cmig_diff_schemas_argument(FunctionCallInfo fcinfo, int n);

/* Read the arguments owners, privileges, and comments from argument n on. */
extern void cmig_diff_annotations(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options);

/* Returns the renames in argument n, a list of char *. */
extern List *cmig_diff_renames(FunctionCallInfo fcinfo, int n);

/*
 * Read the arguments compare, owners, privileges, comments, renames, and
 * concurrently from argument n on.  If compare is "models", privileges are not
 * compared.
 */
extern void cmig_diff_arguments(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options);

/* Read the argument exclude, which functions of version 1.1 do not have. */
extern void cmig_diff_exclude_argument(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options);

/*
 * Report a named schema that exists in neither image, so that its name is
 * probably mistyped.  "where" completes the message.
 */
extern void cmig_diff_check_schemas(const CmigManaged *managed, const CmigImage *from, const CmigImage *to,
									int level, const char *where);

/* Append a line for an unsupported change. */
/* Adds a line for each security label of an object in the schemas. */
extern void cmig_diff_lines_add_labels(const CmigManaged *managed, List **lines);
extern void cmig_diff_line_add_unsupported(List **lines, const char *kind,
										   const char *object, const char *reason);

/*
 * Each returns a list of CmigDiffLine: the statements that change the managed
 * schemas into those that target_sql creates; the same, from the schemas that
 * the revisions create, so that the database need not be up to date; and the
 * difference between what two sets of revisions create.  "function" is used in
 * error messages, for example "cmig.diff()".  They raise the errors of
 * cmig_shadow_run() and of target_sql, and MG014 if a script cannot be
 * replayed.
 */
extern List *cmig_diff_run(const CmigManaged *managed, const char *target_sql,
						   const CmigDiffOptions *options, const char *function);
extern List *cmig_diff_run_replay(const CmigReplayPlan *plan, const CmigManaged *managed,
								  const char *target_sql,
								  const CmigDiffOptions *options, const char *function);
extern List *cmig_diff_run_between(const CmigReplayPlan *from, const CmigReplayPlan *to,
								   const CmigManaged *managed,
								   const CmigDiffOptions *options, const char *function);

/*
 * Put the lines into the caller's materialized result.  A line whose upgrade
 * has several statements becomes several rows.
 */
extern void cmig_diff_put(FunctionCallInfo fcinfo, const List *lines);

/*
 * Returns the difference between an empty database and these schemas, which
 * must exist, with or without the tables of other migration tools.
 */
extern CmigDifference *cmig_whole_difference(const CmigManaged *managed, const CmigDiffOptions *options,
											 bool with_tools);

/* in replay.c */

/*
 * A function that runs a statement of a script, with cmig_target_execute().  From
 * now on, the statements of upgrades that are replayed run with it.
 */
typedef void (*CmigReplayStatement) (CmigTargetState *state, const CmigStatement *statement, void *arg);
extern void cmig_replay_statements_run(CmigReplay *replay, CmigReplayStatement run, void *arg);
extern CmigTargetState *cmig_replay_target(CmigReplay *replay);

/* The result of replaying a whole plan. */
typedef struct CmigReplayed
{
	CmigImage  *image;
	const CmigTarget *target;
	List	   *assumed;		/* list of char *: see cmig_replay_image() */
	CmigNames	given;			/* schemas with objects, not created */
	List	   *initial;		/* list of CmigInitialGrants, at the end */
	char	   *audited;		/* see cmig_audited_read() */
} CmigReplayed;

/*
 * A function that may change the catalogs before the shadow ends.  Returns the
 * image to use, which may be "image" itself.
 */
typedef CmigImage *(*CmigReplayFinish) (const CmigManaged *managed, CmigImage *image, void *arg);

/*
 * Replay a plan, and read the image of the schemas that it creates.  If
 * "assume" is true, the image includes installed extensions that no script has
 * created.  "finish" may be NULL.  If "owned" is true, raises error 42501 if the
 * caller does not own one of the schemas.
 */
extern CmigReplayed *cmig_replay_read(const CmigReplayPlan *plan, const CmigNames *schemas, bool owned,
									  const char *caller, bool assume, CmigReplayFinish finish, void *arg);

/*
 * Read what the scripts have created up to now, in the task of a replay.  The
 * image includes installed extensions that no script has created.
 */
extern CmigReplayed *cmig_replay_state(CmigReplay *replay, CmigReplayFinish finish, void *arg);

/* Raise error 42501 if scripts were left out because of another role's schema. */
extern void cmig_replayed_require_owned(const CmigReplayed *replayed);

/*
 * Do the work in a subtransaction that is rolled back, in the task of a replay.
 * Returns NULL or the error.
 */
extern ErrorData *cmig_replay_rehearse(CmigReplay *replay, CmigSubtransactionWork work, void *arg);

/* in drift.c */

/*
 * A comparison of the live schema with the schema that the revisions create:
 * its arguments and both images.
 */
typedef struct CmigDrift
{
	const char *function;		/* the SQL function's name, for messages */
	CmigManaged *managed;
	const CmigNames *schemas;	/* NULL if all schemas are compared */
	CmigDiffOptions options;
	bool		adopts;			/* true if drift_adopt() will be called */
	bool		all_partitions; /* also those that no revision creates? */
	char	   *captured;		/* NULL, or a revision to be stamped first */
	List	   *lines;			/* the result, a list of CmigDiffLine */
	List	   *renames;		/* list of CmigDiffLine: renames and moves */
	CmigImage  *live;
	char	   *audited;		/* the audited live tables, see
								 * cmig_audited_read() */
	CmigReplayed *replayed;
	List	   *created;		/* list of char *: the extensions that applied
								 * revisions have created */
	const char *left_out;		/* NULL, or the names of other roles' schemas,
								 * for a message */
} CmigDrift;

/* Read the live schema.  Afterwards, set "replayed". */
extern void cmig_drift_begin(CmigDrift *drift, const CmigSituation *now);

/*
 * List, in a NOTICE, the schemas that are not compared because other roles own
 * them.  Schemas that have a row in the result are omitted.
 */
extern void cmig_drift_tell_left_out(CmigDrift *drift);

/*
 * Returns the statements that make the live schema match the revisions.  Changes
 * both images.
 */
extern List *cmig_drift_repair(CmigDrift *drift);

/* in squash.c */
extern bool cmig_squash_may_write(const char *schema, const char *name);

/* in stages.c */

/*
 * Returns the lines of the change "all" in stages, rehearsed.  "copies": its
 * images before they were compared.  "live": the old one is of the database.
 */
extern List *cmig_stages_lines(const CmigManaged *managed, const char *function,
							   const CmigDifference *all, const CmigDiffCopies *copies,
							   bool live, const List *renames);

/* in section.c */
/* Append a one-line comment.  Line breaks and comment markers in it are replaced. */
extern void cmig_section_comment(StringInfo text, const char *comment);

/* Append a line's statements, with a comment above them unless "bare" is true. */
extern void cmig_section_line(StringInfo, const CmigDiffLine *, bool upgrade, bool in_block, bool bare);

/* Returns "table public.a: reason" for an unsupported change. */
extern char *cmig_section_unsupported(const CmigDiffLine *line);

/* Returns a section.  In a stepwise revision, a transaction's lines become a single statement. */
extern char *cmig_section_layout(const List *lines, bool upgrade, bool stepwise);

/* Returns the line at "index" and those of its transaction that follow. */
extern List *cmig_section_next(const List *lines, int index);

/* Returns a DO statement that runs the lines, in order; "bare": without what only files need. */
extern char *cmig_section_block(const List *lines, bool upgrade, bool bare);

/* in generate.c */

/* A statement that the user must resolve before the file can be loaded. */
typedef struct CmigUnresolved
{
	char	   *place;			/* describes the statement and says where it
								 * is from */
	char	   *sql;
} CmigUnresolved;

/* The revision to generate, and the statements that the user must resolve. */
typedef struct CmigGenerate
{
	CmigDraft	draft;
	List	   *unresolved;		/* list of CmigUnresolved *; only if "store"
								 * is false */
	bool		store;			/* true if the revision is also stored, as by
								 * cmig.load */
} CmigGenerate;

/*
 * Read the arguments revision, head, splice, branch_label, depends_on, and
 * file_template, starting at argument n; argument 0 is the message.
 */
extern void cmig_generate_arguments(FunctionCallInfo fcinfo, int n, CmigGenerate *generate);

/*
 * Check the new revision and fill in its id, edges, and file name.  If it is to
 * be stored, first take the run lock; "function" is for error messages.
 */
extern void cmig_generate_prepare(CmigGenerate *generate, const char *function);

/*
 * Put the row for the lines into the caller's materialized result, and store
 * the revision if requested.  WARNINGs list unsupported changes and unresolved
 * statements.
 */
extern void cmig_generate_put(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines);

/* in copy.c */

/* Replace the schema's name in the definitions of the image's functions. */
extern void cmig_own_name_replace_all(CmigImage *image, Oid schema, const char *old, const char *new);

#endif							/* CMIG_SCHEMA_INTERNAL_H */
