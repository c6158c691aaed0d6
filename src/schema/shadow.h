/*
 * shadow.h
 *	  What the modules of the shadow and of targets share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCHEMA_SHADOW_H
#define CMIG_SCHEMA_SHADOW_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "parse/parse.h"
#include "run/run.h"
#include "schema/schema.h"

/* in shadow.c */

/* Returns a copy of "managed" with one more schema. */
extern const CmigManaged *cmig_managed_with(const CmigManaged *managed, char *name, Oid oid);

/*
 * Raise error 42501 if the caller does not own one of the existing schemas,
 * with "detail".
 */
extern void cmig_managed_require_owned(const CmigManaged *managed, const char *detail);

/* Raise error 3F000 if one of the schemas does not exist. */
extern void cmig_managed_require_exist(const CmigManaged *managed);

/* Returns the schemas' names, or NULL if all schemas are compared. */
extern CmigNames *cmig_managed_names(const CmigManaged *managed);

/* Is this one of pg_cmig's own schemas, cmig or cmig_audit? */
extern bool cmig_managed_is_own_name(const char *schema);

/* in shadow_catalogs.c */

/* Set a column of the row with this OID. */
extern void cmig_shadow_rows_set(Oid catalog, Oid object, AttrNumber column, Datum value);

/* Set a column whose data type is "name". */
extern void cmig_shadow_rows_rename(Oid catalog, Oid object, AttrNumber column, const char *name);

/* Returns the schema of an object, or InvalidOid if there is no such object. */
extern Oid	cmig_shadow_rows_schema(Oid catalog, Oid object);

/*
 * Delete all rows of a catalog, or the row with this OID.  Dependent objects
 * stay.
 */
extern void cmig_shadow_rows_delete(Oid catalog, Oid object);

/* The prefix of the temporary names that hide objects. */
#define CMIG_SHADOW_HIDDEN "cmig_hidden_"

extern char *cmig_shadow_hidden_name(Oid object);

/* An installed extension. */
typedef struct CmigExtension
{
	Oid			oid;
	char	   *name;
	Oid			schema;			/* the extension's schema outside the shadow */
	bool		declared;		/* true if the target's SQL has a CREATE
								 * EXTENSION for it */
} CmigExtension;

/* A hidden object without a schema. */
typedef struct CmigHidden
{
	Oid			catalog;
	Oid			object;
	char	   *name;			/* NULL for casts and transforms */
	Oid			owner;			/* the bootstrap superuser if the object has
								 * no owner */
} CmigHidden;

/*
 * Hide the objects that do not belong to an extension: delete publications,
 * casts, transforms, and default privileges.  Hide only the names of servers,
 * foreign-data wrappers, languages, and access methods, because objects in
 * other schemas still use them.  Also hide all event triggers, even those of
 * extensions, because they must not fire.
 */
extern List *cmig_shadow_global_hide(void);

/* Restore the name of a hidden object whose row exists. */
extern void cmig_shadow_global_show(const CmigHidden *hidden);

/* Returns the hidden object with this name, or NULL if there is none. */
extern const CmigHidden *cmig_shadow_global_find(const List *hidden, Oid catalog, const char *name);

/* in distribution.c */

/* Register the hook that replaces the functions of Citus. */
extern void cmig_distribution_record_init(void);

/*
 * Start or stop recording.  Does nothing unless Citus is loaded and installed.
 * Returns the former state.
 */
extern bool cmig_distribution_record_watch(bool on);

/*
 * Remove all records.  cmig_distribution_record_begin() is called when a
 * shadow begins, before it hides the extension citus, and
 * cmig_distribution_record_forget() when the shadow ends.
 */
extern void cmig_distribution_record_begin(void);
extern void cmig_distribution_record_forget(void);

/*
 * Record a schema that the target has created, if the session's settings make
 * it a distributed schema.
 */
extern void cmig_distribution_record_schema(Oid schema);

/*
 * Record that a partition is about to be detached.  The partition stays
 * distributed in the same way as its partitioned table.
 */
extern void cmig_distribution_record_detach(Oid partition);

/*
 * Has any replaced Citus function been called since
 * cmig_distribution_record_forget(), even if the call's effect has been
 * reverted?
 */
extern bool cmig_distribution_record_any(void);

/* in shadow.c */

/* A live schema, and the empty schema that temporarily has its name. */
typedef struct CmigShadowSchema
{
	char	   *name;
	char	   *away;			/* the live schema's temporary name */
	Oid			live;			/* the live schema, whose OID does not change;
								 * InvalidOid if there is none */
	Oid			shadow;			/* the empty schema with the live schema's
								 * name */
	bool		created;		/* true if the target has a CREATE SCHEMA for
								 * it */
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
	ArrayType  *live;			/* an oid[]: the schemas that existed before
								 * the shadow, sorted by OID */
	List	   *hidden;			/* list of CmigHidden: objects without a
								 * schema */
	Datum		sequences;		/* an oid[]: all sequences that existed before
								 * the shadow */
	TransactionId xid;			/* of the shadow's subtransaction */
} CmigShadow;

/*
 * A task: a function that cmig_shadow_run() calls in the shadow.  It runs in
 * the caller's memory context, so that its results outlive the shadow.  An
 * error that it raises is raised again after the rollback.
 */
typedef void (*CmigShadowTask) (CmigShadow *shadow, void *arg);

/*
 * Run a task in a shadow of the managed schemas.  For error messages, "caller"
 * is the name of the SQL function, such as "cmig.diff()".  Raises error 42501
 * if a schema was named explicitly and the current user does not own it.
 * Other schemas that the user does not own are left as they are.  Raises error
 * 25006 in a read-only transaction and on a standby.  Shadows cannot be
 * nested.
 */
extern void cmig_shadow_run(const CmigManaged *managed, const char *caller,
							CmigShadowTask task, void *arg);

/*
 * Run a task while the live schema "schema" is called "name".  Another schema
 * that has this name is given a temporary name.  Definitions deparsed from
 * "schema" then contain "name".  The task's shadow argument is NULL.  The task
 * must not run the caller's SQL, because the caller need not own either
 * schema.
 */
extern void cmig_shadow_rename(Oid schema, const char *name, const char *caller,
							   CmigShadowTask task, void *arg);

/*
 * Returns the managed schemas that exist in the target.  Call this in a task,
 * after the target's SQL.  Schemas that the target neither created nor filled
 * are left out, except for public if it is live.
 */
extern CmigManaged *cmig_shadow_schemas(CmigShadow *shadow);

/*
 * Return the managed schema with this name, or with this OID in the shadow.
 * Return NULL if there is no such schema.
 */
extern CmigShadowSchema *cmig_shadow_find(CmigShadow *shadow, const char *name);

/*
 * Does the schema contain anything, apart from extension members?  If
 * "by_members" is true, the members of extensions that the target has created
 * count, too.
 */
extern bool cmig_shadow_is_in_use(Oid schema, bool by_members);

/* Has the target neither created the schema nor put anything into it? */
extern bool cmig_shadow_is_unused(const CmigShadowSchema *schema);

/*
 * Is the schema live, that is, created neither by the shadow nor by the
 * target?  A relation is live if its schema is live, or if it is an extension
 * member.
 */
extern bool cmig_shadow_is_live_schema(const CmigShadow *shadow, Oid schema);

/* in shadow_catalogs.c */

/* Register the hook. */
extern void cmig_shadow_catalogs_init(void);

/*
 * Prepare to hide this shadow's live schemas from the target's queries, or
 * stop hiding them if "shadow" is NULL.  Either call discards cached plans
 * that contain conditions, and leaves the hook switched off.
 */
extern void cmig_shadow_catalogs_watch(const CmigShadow *shadow);

/*
 * Switch the hook on while the target's SQL runs, and off while pg_cmig reads
 * the catalogs itself.  Returns the former state.
 */
extern bool cmig_shadow_catalogs_filter(bool on);

/*
 * A note: a part of the target that could not be executed, and is therefore
 * missing from the catalogs.  "kind" is the word for the part in result rows
 * ("role", "event trigger", "owner", "privilege" ...), and "object" is the
 * name as written in the target.
 */
typedef struct CmigTargetNote
{
	const char *kind;
	char	   *object;
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
								 * compared; statements about them were left
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
} CmigTargetState;

/* Flags of a statement's subject */
#define CMIG_SUBJECT_CREATES 1	/* the statement creates it */
#define CMIG_SUBJECT_RENAMABLE 2	/* a comment can give its former name */
#define CMIG_SUBJECT_PRIVILEGED 4	/* not every role can create it */

/* What a statement creates, or is about. */
typedef struct CmigTargetSubject
{
	int			flags;			/* CMIG_SUBJECT_... */
	ObjectType	type;
	Node	   *object;			/* the object's name as in the parse tree: a
								 * RangeVar, a String, a List of String ...;
								 * or NULL.  For an index, its table. */
}			CmigTargetSubject;

/* in target_statement.c */

extern bool cmig_target_subject(Node *statement, CmigTargetSubject * subject);

/* Returns the object's name as it is written in the statement. */
extern char *cmig_target_subject_name(const CmigTargetSubject * subject);

/*
 * Returns the object's schema, or NULL if it has none or is not found.  The
 * schema of a schema is itself.
 */
extern char *cmig_target_subject_schema(const CmigTargetSubject * subject);

/* Returns the name of the schema that a CREATE SCHEMA creates. */
extern char *cmig_target_created_schema(const Node *statement);

/* Returns the word for an object type in result rows, such as "table". */
extern const char *cmig_target_object_kind(ObjectType type);

/*
 * Add a note that the target's statement about this object was not executed,
 * and return the note.  All arguments are copied.
 */
extern CmigTargetNote *cmig_target_note(CmigTargetState *state, const char *kind, const char *object,
										const char *reason);

/*
 * Record an object that the target names but does not create, so that later
 * statements about it are ignored.  Adds a note unless "reason" is NULL; it is
 * NULL if the object is another role's live object.
 */
extern void cmig_target_note_missing(CmigTargetState *state, ObjectType type,
									 const char *name, const char *reason);

/*
 * Record a statement that is left out.  "what" is its name, such as "CREATE
 * DATABASE".
 */
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
 * Remove the parts that have no effect on the schema when psql runs the SQL:
 * commands such as \restrict, \set, and \connect, and COPY blocks.  A command
 * that could have an effect, such as \i, is kept, so that running the SQL
 * raises an error.  Also removes a byte order mark, and carriage returns if the
 * first line ends with CRLF.
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

/*
 * Move an extension, or all extensions if "extension" is InvalidOid, and their
 * members from one schema to another.
 */
extern void cmig_shadow_extension_move(Oid extension, Oid from, Oid to);

/* Returns the extension's current schema according to pg_extension. */
extern Oid	cmig_shadow_extension_schema(Oid extension);

/*
 * Process a statement about an installed extension.  Returns true if it has
 * been processed, or false if PostgreSQL must run it.
 */
extern bool cmig_target_extension_run(CmigTargetState *state, Node *statement);

/*
 * Call these before and after PostgreSQL creates an extension that is not
 * installed.  In between, the extensions that the target has not created are
 * visible, because PostgreSQL looks up required extensions by name.
 */
extern void cmig_target_extension_begin(CmigTargetState *state);
extern void cmig_target_extension_end(CmigTargetState *state, const char *name);

/*
 * Process CREATE SCHEMA for a schema that the shadow has created.  Call the
 * first function before PostgreSQL runs the statement; it returns true if
 * there is nothing left to do.  Call the second function after the statement
 * has run.
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
 * Call this when the target has ended, to find out which extensions it created
 * and which schemas exist.  If the target uses an extension that it does not
 * create, shows the extension, and issues a NOTICE.
 */
extern void cmig_target_extension_settle(CmigTargetState *state);

/* in target.c */

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

/* A repeatable revision's script, to be run after the target's SQL. */
typedef struct CmigTargetScript
{
	const char *revision;
	const char *sql;
} CmigTargetScript;

/*
 * Run the target's SQL, and then "scripts", a list of CmigTargetScript.  A
 * script that fails is skipped, with a NOTICE unless the target's SQL has
 * already created the script's objects.  Call this in a task of cmig_shadow_run().  Settings,
 * the role, and other session state are restored afterwards; the objects
 * that the SQL creates exist until the shadow ends.  An error names the line
 * and the statement.  The result is allocated in the current memory context.
 */
extern CmigTarget *cmig_target_run(CmigShadow *shadow, const char *sql, List *scripts);

/*
 * For replay: run one statement, unless it changes rows of live tables or sets
 * a sequence's value.  Call this in cmig_target_in_session().
 */
extern void cmig_target_execute(CmigTargetState *state, const CmigStatement *statement);

/* in distribution.c */

/*
 * Add an object for each table and schema that Citus distributes, or that the
 * target in a shadow distributes.  "schemas" is an oid[].  Call this when the
 * image contains all other objects and their dependencies, before
 * cmig_image_finish().
 */
extern void cmig_image_read_distribution(CmigImage *image, Datum schemas);

#endif							/* CMIG_SCHEMA_SHADOW_H */
