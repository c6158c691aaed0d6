/*
 * internal.h
 *	  What the modules of src/versions share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VERSIONS_INTERNAL_H
#define CMIG_VERSIONS_INTERNAL_H

#include "postgres.h"

#include "catalog/objectaddress.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parser/parse_node.h"
#include "lib/ilist.h"
#include "utils/relcache.h"

#include "base/base.h"
#include "graph/graph.h"
#include "kinds/kinds.h"
#include "move/move.h"
#include "parse/parse.h"
#include "schema/schema.h"
#include "store/store.h"

/* in origin.c */

#define CMIG_MARK_VIEW	1		/* the view's column takes the table's default */
#define CMIG_MARK_STATE	2		/* the INSERT does not name the state */

/* An expression of the trigger that is fired last. */
typedef struct CmigWriterRule
{
	char		kind;			/* one of the CMIG_RULE_... */
	AttrNumber	column;			/* the column that it computes, or 0 */
	int			bit;			/* and its member in sets of columns */
	char	   *label;			/* name of the column or constraint */
	bool		required;		/* the column must not be null */
	bool		takes_default;	/* the old default applies if unnamed */
	Expr	   *expr;
	Bitmapset  *reads;			/* columns, from FirstLowInvalid... */
	bool		inverted;		/* is another column computed from it? */
	bool		safe;			/* it cannot fail */
	bool		plain;			/* an error leaves nothing to be cleaned up */
	bool		by_value;
	int16		length;
	ExprState  *state;			/* for one statement, or NULL */
} CmigWriterRule;

/* That trigger of a table, compiled. */
typedef struct CmigWriter
{
	Oid			trigger;		/* the key of the hash table */
	bool		valid;
	struct CmigWriterUsers *users;
	TupleDesc	desc;
	AttrNumber	state;			/* the column that says what is to be done */
	Oid			sequence;		/* notes when the old build wrote, or invalid */
	bool		strict;			/* a failing "up" fails the write */
	int			count;
	CmigWriterRule *rules;
	Bitmapset  *hidden;			/* columns that only the new version writes */
	Bitmapset  *computed;		/* those that have an expression */
} CmigWriter;

/* What one statement needs that writes an expanded table. */
typedef struct CmigWriting
{
	CmigWriter	writer;			/* a copy, with states of its own */
	MemoryContextCallback end;
	ExprContext *econtext;
	TupleTableSlot *slot;
	TupleTableSlot *moved;		/* a row that arrives from another partition */
	TupleTableSlot *shown;		/* a row as the triggers of users saw it */
	uint64		rows;			/* of the old build */
	const char *relation;

	HeapTuple	written;		/* the last updated row of a partition */

	/* the row that is transformed */
	bool	   *due;			/* for each rule */
	bool	   *unsettled;		/* is it set to the NULL that it had, in a row
								 * that could not be transformed? */
	bool		update;
	bool		new_build;
	bool		shows;			/* are the triggers of users still to come? */
	bool		whole;			/* a row of the table that is inserted again */
	bool		replicated;		/* ... by a replicated update that moves it */
	bool		careful;		/* each rule that may fail in a subtransaction */
	char	   *failure;		/* why it cannot be transformed, or NULL */
} CmigWriting;

/*
 * The row of a statement whose triggers fire.  If an update may have moved it from
 * another partition, "moved" is the row that arrives, and "source" is the
 * statement's trigger that has updated one there.
 */
typedef struct CmigOrigin
{
	MemoryContextCallback end;	/* of the statement */
	dlist_node	node;
	MemoryContext context;		/* of the statement */
	Oid			relation;		/* InvalidOid if the first trigger did not
								 * fire */
	uint8		marks;
	ExecProcNodeMtd run;		/* what PostgreSQL runs its writes with */
	bool		viewed;			/* is it writing a version's view? */
	List	   *tables;			/* OIDs: those that it writes through views */
	bool		checked;		/* does the statement set no hidden column? */
	bool		old_build;		/* is it an INSERT of the old build? */
	HeapTuple	moved;
	HeapTuple	shown;			/* as the triggers of users see it, or NULL */
	CmigWriting *source;
} CmigOrigin;

/*
 * Returns what is noted for a statement, until its context is reset.  What fires
 * or is called meanwhile, such as the condition of a trigger, is another statement.
 */
extern CmigOrigin *cmig_versions_origin(MemoryContext context);

extern TriggerData *cmig_versions_require_trigger(FunctionCallInfo fcinfo, const char *name);

/*
 * Is the row updated by the action of a foreign key of the table?  Such an action runs as
 * the table's owner, and sets columns of that key only.  InNoForceRLSOperation() is also
 * true of what triggers run during the action of another table's key.  "viewed": does a
 * statement write the referenced table through the view of its new version?
 */
extern bool cmig_versions_is_cascade(const TriggerData *data, bool *viewed);

/*
 * Returns the table at the top of whose partitions the relation is, or the relation, if
 * it is no partition, or one that is being detached: it has no ancestors then.
 */
extern Oid	cmig_versions_root_of(Relation relation);

/*
 * Returns the sequence that notes when the old build wrote, which is written with its
 * owner's privileges, or InvalidOid if the owner of the table whose trigger this is does
 * not have these.
 */
extern Oid	cmig_versions_sequence_of(Relation relation, const Trigger *trigger);

/* Does another server or a dump say what the columns of both versions are? */
extern bool cmig_versions_is_copied(void);

/* Is this the trigger that computes the columns of the other version; is it one of the two? */
extern bool cmig_versions_is_writer(const Trigger *trigger);
extern bool cmig_versions_is_ours(const Trigger *trigger);

/* Raise an error unless it is the last, and the first is "!cmig_begin", of those that change rows. */
extern void cmig_versions_require_order(Relation relation, const Trigger *trigger);

/*
 * Raise an error unless the column has its default: that of the state tells if an INSERT
 * names it.
 */
extern void cmig_versions_require_marked(Relation relation, AttrNumber number);

/* Does the state of the row have this value? */
extern bool cmig_versions_has_state(TupleTableSlot *slot, AttrNumber number, const char *state);

/* Take note of what a statement that starts will write through a view. */
extern void cmig_versions_note_targets(const QueryDesc *query);

/* Is this row written through the view?  The trigger is one of ours. */
extern bool cmig_versions_is_viewed(FunctionCallInfo fcinfo);

/* The alias of the real table in the views of filled tables. */
#define CMIG_VERSION_ALIAS "cmig_version"

/* in transform.c and write.c, which are in the library for applications' sessions */

/*
 * Returns what the statement needs that "context" belongs to, and whose last trigger this is.
 * Rows are formed in the slot, or in one of its own.
 */
extern CmigWriting *cmig_versions_statement(Relation relation, const Trigger *trigger,
											TupleTableSlot *slot, MemoryContext context);

/* Has the statement changed the column, or one of these, from FirstLowInvalid...? */
extern bool cmig_versions_has_changed(int column, TupleTableSlot *before, TupleTableSlot *after);
extern bool cmig_versions_any_changed(const Bitmapset *columns, TupleTableSlot *before,
									  TupleTableSlot *after);

/*
 * Is it a row that the new build inserted while the triggers were disabled?  Its
 * state has the default.
 */
extern bool cmig_versions_is_new_row(const CmigWriter *writer, TupleTableSlot *slot);

/*
 * Transform the row into the statement's slot, which is empty.  What an old
 * build writes must not fail, unless "strict".  As a subtransaction takes time,
 * there is none for plain expressions, and one for all others, and only if that
 * fails, one for each rule.
 */
extern void cmig_versions_transform(CmigWriting *statement, TupleTableSlot *in, bool strict);

/*
 * If the new build writes the row, computes the columns of the old version for the
 * triggers of users, and returns that, which it also notes in "row"; otherwise NULL.
 */
extern HeapTuple cmig_versions_show(FunctionCallInfo fcinfo, CmigWriting *statement,
									CmigOrigin *row);

/* A statement of the table that sets one of these says which version of the row is correct. */
#define CMIG_STATE_NEW "new"
#define CMIG_STATE_OLD "old"

/* How the names of sequences begin that note when the old build wrote. */
#define CMIG_OLD_PREFIX "cmig_old"

/*
 * Begin or end to fill rows, in which the user's triggers do not fire.  If
 * "strict", a row has no subtransaction: what fails is an error.
 */
extern PGDLLEXPORT void cmig_versions_fill(bool fills, bool strict);

/*
 * Make the trigger of a table depend on what its expressions use: PostgreSQL
 * sees text only.
 */
extern PGDLLEXPORT void cmig_versions_record_dependencies(Oid table);

/* in shape.c: tables before and after a revision */

/* A column, an index, or a constraint, as read from the catalogs. */
typedef struct CmigShapeColumn
{
	char	   *table;			/* OID */
	char	   *number;
	char	   *name;
	char	   *type;
	char	   *collation;		/* NULL for the type's default */
	char	   *not_null;		/* t or f */
	char	   *value;			/* default or generation expression, or NULL */
	char	   *identity;		/* a, d, or "" */
	char	   *generated;		/* s, v, or "" */
	char	   *comment;
	char	   *sequence;		/* an identity's or owned sequence, or NULL */
	char	   *constrained;	/* t: a domain with constraints, d: with a
								 * default */
	char	   *options;		/* of the sequence, or NULL */
	char	   *partitions;		/* t: in a partition key */
	char	   *sequence_oid;	/* of the sequence, or NULL */
} CmigShapeColumn;

typedef struct CmigShapePart
{
	char	   *oid;
	char	   *table;
	char	   *name;
	char	   *kind;			/* contype, or i for an index */
	char	   *definition;		/* of a constraint, or NULL */
	char	   *index;			/* of an index, or a constraint's index: what
								 * follows the table in CREATE INDEX, or NULL */
	char	   *unique;			/* UNIQUE, with a space, if the index is */
	char	   *columns;		/* numbers of the columns, separated by spaces */
	char	   *valid;
	char	   *deferrable;		/* the clause, after a space */
	char	   *references;		/* the table to which a foreign key refers */
	char	   *sets_default;	/* does a foreign key? */
	char	   *partitions;		/* JSON: the indexes of partitions, or NULL */
} CmigShapePart;

typedef struct CmigShapeTable
{
	char	   *oid;
	char	   *schema;
	char	   *name;
	char	   *qualified;
	char	   *kind;			/* relkind */
	char	   *inherits;		/* p: a partition; t: it has another parent, a
								 * child, or a foreign table as a partition */
	char	   *comment;
	List	   *columns;		/* of CmigShapeColumn *, in order */
	List	   *parts;			/* of CmigShapePart *, indexes and checks
								 * before foreign keys */
} CmigShapeTable;

typedef struct CmigShapeEnum
{
	char	   *oid;
	char	   *schema;
	char	   *name;
	char	   *qualified;
	char	   *labels;			/* quoted, in order */
	char	   *numbers;		/* JSON: OIDs of the labels, which stay the
								 * same when a label is renamed */
} CmigShapeEnum;

/* Returns a List of CmigShapeEnum: the enums of the image. */
extern List *cmig_shape_enums(const CmigImage *image);

/* A view, materialized or not, or a function: it reads tables. */
typedef struct CmigShapeReader
{
	char	   *key;			/* c or p, for its catalog, and the OID */
	char	   *kind;			/* as in ALTER: VIEW, MATERIALIZED VIEW, or
								 * ROUTINE */
	char	   *schema;
	char	   *signature;		/* the quoted name, with arguments */
	char	   *definition;		/* the statement that creates it */
	char	   *comment;
	char	   *body;			/* a function's, if it is a string, or NULL */
	char	   *path;			/* a function's search_path, or NULL */
	char	   *types;			/* OIDs of the tables whose row types are its
								 * arguments or its result, between blanks */
	char	   *trigger;		/* t: a trigger function */
	char	   *unfit;			/* why no version can have one, or NULL */
	char	   *reads;			/* keys of other readers, each between blanks */
	/* found later */
	struct CmigShapeReader *old;	/* of the old version, or NULL */
	struct CmigShapeReader *version;	/* as it is in the version's schema */
	List	   *written;		/* of char *: tables that are written through
								 * a view or by a body of the version */
	List	   *indexes;		/* of CmigValue *: statements */
	List	   *privileges;		/* likewise, of one that was created */
	struct CmigExpansionStep *created;	/* the step that creates it */
} CmigShapeReader;

/*
 * Returns a List of CmigShapeReader, those of the image; one that reads another
 * stands after it.
 */
extern List *cmig_shape_readers(const CmigImage *image);

/*
 * Returns a List of char *, the qualified names of the tables, the partitioned ones of
 * partitions, into which an existing view or parsed body inserts, or which it updates.
 */
extern List *cmig_shape_reader_written(const CmigShapeReader *reader);

/* Returns the reader in the image, or NULL. */
extern const CmigObject *cmig_shape_reader_object(const CmigShapeReader *reader,
												  const CmigImage *image);

/* Returns the qualified name of the reader in a schema. */
extern char *cmig_shape_reader_name(const CmigShapeReader *reader, const char *schema);

/*
 * Raise an error unless what keeps values beside tables is the same under the same name
 * in both images, which are read in the same shadow: an expansion finds it by its name.
 */
extern void cmig_shape_require_same(const CmigImage *before, const CmigImage *after);

/* Returns a List of CmigShapeTable: the tables of the image. */
extern List *cmig_shape_read(const CmigImage *image);

extern CmigShapeTable *cmig_shape_table(const List *shape, const char *oid);
extern CmigShapeColumn *cmig_shape_column(const CmigShapeTable *table, const char *number);
extern CmigShapeColumn *cmig_shape_column_named(const CmigShapeTable *table, const char *name);

/* in bound.c */

/*
 * Keep the schema of a relation from being renamed until the end of the
 * transaction, so that statements find by its name what was found before.  Returns
 * InvalidOid if there is no such relation.
 */
extern Oid	cmig_versions_hold(const char *name);

/* Returns the relation with a name that is stored with its schema, as it is committed now. */
extern Oid	cmig_versions_relation_named(const char *name);

/*
 * The stored statements run with the caller's privileges, so a role that has these
 * must have stored them.  A migrator can write the rows, but not the role.
 */
extern void cmig_versions_require_role(const CmigExpansion *expansion, const char *name);

/* Returns a row for cmig.check() if this is an error for each role that can call the procedures. */
extern List *cmig_versions_role_problems(const CmigExpansion *expansion);

/* The same for the row of the expansion, which remains as it is until the end of the transaction. */
extern void cmig_versions_hold_run(const CmigExpansion *expansion, Oid caller);

/*
 * Raise an error if the expansion is not the one whose statements were read, or if a
 * cast that the statement, or those of a transaction, use was dropped.  The tables
 * that a single statement names must be those of the expansion, and remain them.
 */
extern void cmig_versions_require_bound(const CmigExpansion *expansion, Oid caller,
										const List *relations, const Node *stmt);

/*
 * Keep what was planned: the table with this name must be the one of which the
 * statements were tried on a copy, and belong to no other expansion.  Locks it.
 */
extern void cmig_versions_require_place(const CmigExpansion *expansion, Oid caller,
										const char *relation, LOCKMODE lock);

/*
 * Run stored statements, whose names mean what they meant in the plan.  What they
 * would call otherwise is an error before it is called, and what they use otherwise,
 * before the transaction ends; unless it "commits", as CREATE INDEX CONCURRENTLY, for
 * which cmig_versions_bind_index() looks up the names before it runs.  With "stmt", it is
 * the only statement, and what only other tables would call need not be known.
 */
extern void cmig_versions_run_bound(const CmigExpansion *expansion, Oid caller,
									const Node *stmt, void (*run) (void *arg), void *arg, bool commits);

/*
 * Raise an error if a constraint is not the one that its stored statement adds.  If
 * "stmt" is not NULL, look at the one that it validates, with the table locked:
 * VALIDATE CONSTRAINT evaluates what has the name.
 */
extern void cmig_versions_require_constraints(const CmigExpansion *expansion, Oid caller,
											  const List *steps, const Node *stmt);

/*
 * Replace the names of types in a stored statement by their OIDs, and raise an error
 * if they are not those of the plan, before anything of them is evaluated.
 */
extern void cmig_versions_bind_types(const CmigExpansion *expansion, Oid caller, Node *stmt);
extern RawStmt *cmig_versions_bind_index(const CmigExpansion *expansion, Oid caller,
										 RawStmt *raw, const char *sql);

/* in abandoned.c */

/*
 * Returns true if a stored statement of an abandonment would drop what the expansion has
 * not created, and reports that; or if one of a contraction would rename an index of
 * another table.  The steps are rows of cmig.expansion_step.
 */
extern bool cmig_versions_leaves(const CmigExpansion *expansion, Oid caller, const List *steps,
								 const char *relation, const Node *stmt);

/* Is the table with this name the one that is expanded? */
extern bool cmig_versions_has_table(const CmigExpansion *expansion, Oid caller,
									const char *relation);

/*
 * Returns the relation with a name in a stored statement, or InvalidOid, also for a reader
 * who may not use the schema.
 */
extern Oid	cmig_versions_relation(const RangeVar *range);

/*
 * Returns what the statement drops, or the table of which it drops a "part"; an object
 * without an OID if there is none, or if it is not "ours", as for the function above.
 */
extern ObjectAddress cmig_versions_dropped(const CmigExpansion *expansion, const List *steps,
										   const char *relation, const Node *stmt,
										   bool ours, bool *part);

/* in blocked.c */

/* The query for the steps of an expansion, as rows; its condition follows. */
#define CMIG_STEPS \
	"SELECT position, phase, relation, statement, done IS TRUE," \
	" coalesce(bool_or(done) FILTER (WHERE phase = 'prepare') OVER (PARTITION BY relation), true)" \
	" FROM cmig.expansion_step s WHERE "

/*
 * Raise an error if others have built on what the statements of the phase drop, or have
 * taken the names that they need; or return that as rows for cmig.check().
 */
extern void cmig_versions_require_unblocked(const CmigExpansion *expansion, const List *steps,
											const char *phase);
extern List *cmig_versions_blocked_problems(const CmigExpansion *expansion);

/* in refused.c */

/*
 * Returns the steps, as rows, after verifying that all of them are as they were planned
 * and tried and, if "roles", that only roles with the caller's privileges have stored
 * them.  Other roles can insert and delete rows at any time, so what is verified is
 * read with the same snapshot.
 */
extern List *cmig_versions_read_steps(const CmigExpansion *expansion, bool roles);

/* Returns what cmig.contract() would refuse before its first statement, as rows for cmig.check(). */
extern List *cmig_versions_refused_problems(const CmigExpansion *expansion);

/* in noted.c */

/*
 * Returns why writes of the old build in the table, or in a partition, are not noted, or
 * NULL; and rows for cmig.check().
 */
extern char *cmig_versions_unnoted(const CmigExpansion *expansion, const char *relation);
extern List *cmig_versions_unnoted_problems(const CmigExpansion *expansion);

/*
 * Returns the statements, as rows, that give the sequences the owners that the tables
 * have now, as far as the role can do that.
 */
extern List *cmig_versions_note_again(const CmigExpansion *expansion, const char *role);

/* in compile.c */

/*
 * In the caller's level of settings, sets what the text of a printed expression
 * depends on: names and constants mean the same in every session.
 */
extern void cmig_versions_pin_settings(void);

/* Returns the parse tree of an expression; raises a syntax error. */
extern Node *cmig_versions_expression(const char *text);

/*
 * Compile an argument of the trigger: the expression as PostgreSQL has printed
 * it.  Its dependencies are recorded as those of the trigger, or, unless "record"
 * is true, it may only call what was recorded.
 */
extern Expr *cmig_versions_compile(Relation relation, const char *text, Oid type, int32 typmod,
								   Oid trigger, bool record);

/*
 * Can evaluating the expression fail?  Or, if "plainly", other than in a function of
 * PostgreSQL that only computes a value?
 */
extern bool cmig_versions_may_fail(Expr *expr, bool plainly);

/*
 * A walker: adds the functions, operators, and types that a user has created, and that
 * the expression uses, to a List of ObjectAddress *.
 */
extern bool cmig_versions_find_objects(Node *node, List **found);

/* Raise an error: cmig.expand() has not written the trigger's arguments. */
pg_noreturn extern void cmig_versions_refuse_arguments(void);

/* in expression.c */

/*
 * Returns the search_path of scripts, but pg_catalog, so that it comes first:
 * the statements of an expansion do not qualify what they use of it.
 */
extern char *cmig_versions_path(void);

/* How the names in an expression are to be understood. */
typedef struct CmigVersionNames
{
	const struct CmigPlanning *planning;
	const struct CmigVersionTable *table;
	int			level;			/* the shape whose names are used */
	bool		up;
	const char *path;			/* as in CmigVersionRule */
	bool		other_role;		/* likewise, also of one that it reads */
	List	   *read;			/* of char *: what the columns that it has
								 * read call */
} CmigVersionNames;

struct CmigVersionRule;

/* Sets the search_path with which an expression with such names is read. */
extern void cmig_versions_set_path(const CmigVersionNames *names, const char *path);

/*
 * Returns the expression as PostgreSQL prints it, with qualified names and the
 * names of the real table's columns, converted to the type of the column.
 * "what" is for messages, such as "cmig:up person.first_name".
 */
extern char *cmig_versions_print(Oid relation, const struct CmigVersionRule *rule,
								 const char *column, CmigVersionNames *names, const char *what);

/*
 * Raise an error if the triggers, which look up names in pg_catalog only, would
 * call other operators in this condition of a table than its statement does.
 */
extern void cmig_versions_require_pinned(Oid relation, const char *text);

/* in expansion_plan.c */

/* When a statement of an expansion runs. */
#define CMIG_PHASE_PREPARE	"prepare"	/* in a transaction with those of the
										 * same table */
#define CMIG_PHASE_FILL		"fill"	/* a CALL of cmig.backfill */
#define CMIG_PHASE_BUILD	"build" /* alone */
#define CMIG_PHASE_CHECK	"check" /* alone, when it is contracted */
#define CMIG_PHASE_CONTRACT "contract"	/* in one transaction */
#define CMIG_PHASE_ABANDON	"abandon"	/* in one transaction */
#define CMIG_PHASE_SHADOW	"shadow"	/* only in the shadow */

/* A statement of an expansion, in the order of execution. */
typedef struct CmigExpansionStep
{
	const char *phase;
	char	   *relation;		/* the real table, qualified */
	char	   *sql;
	const char *sequence;		/* the one that it creates, which gets the
								 * table's owner, or NULL */
} CmigExpansionStep;

/* An expansion that was planned. */
typedef struct CmigExpansionPlan
{
	char	   *revision;		/* the last one; the name of the version */
	CmigNames	revisions;
	List	   *schemas;		/* of char *: the schemas with a version */
	CmigNames	viewed;			/* the real tables with a view */
	CmigNames	hidden;			/* of these, the ones with hidden columns */
	List	   *immediate;		/* of char **: keys that cannot be deferred
								 * before the contraction, and that this is so */
	List	   *steps;			/* of CmigExpansionStep * */
	List	   *columns;		/* of char **: relation, name of the new
								 * version, kind, column, hidden column, up,
								 * down */
} CmigExpansionPlan;

/* A column of the new shape. */
typedef struct CmigVersionColumn
{
	CmigShapeColumn *a;			/* in the old shape; NULL if it is new */
	CmigShapeColumn *b;			/* in the new shape; NULL if it is dropped */
	char	   *hidden;			/* NULL for a column of both versions */
	const struct CmigVersionRule *up;	/* or NULL */
	const struct CmigVersionRule *down;
	char	   *up_text;		/* as printed */
	char	   *down_text;
	bool		takes_default;
} CmigVersionColumn;

/* A table that is in both shapes, and differs. */
typedef struct CmigVersionTable
{
	CmigShapeTable *a;
	CmigShapeTable *b;
	CmigShapeTable *h;			/* new, with the names of the old shape */
	List	   *columns;		/* of CmigVersionColumn *, in the order of the
								 * view */
	List	   *dropped;		/* of CmigVersionColumn * */
	List	   *build;			/* of CmigShapePart *, of h */
	List	   *drop;			/* of CmigShapePart *, of a */
	List	   *renamed;		/* of CmigShapePart *: pairs of a and h whose
								 * names differ */
	char	   *family;			/* the names of its copied descendants */
	bool		viewed;			/* does the version have a view of it? */
	bool		filled;			/* does it have expressions? */
	bool		inverse;		/* has the version no column of its own? */
	bool		hides;			/* does the table have hidden columns? */
	char	   *view;			/* the view, qualified */
	char	   *sequence;		/* notes when the old build wrote */
	CmigExpansionStep *created; /* the step that creates it */
} CmigVersionTable;

/* An enum that has other labels, or was replaced, under its name. */
typedef struct CmigVersionEnum
{
	const CmigShapeEnum *a;
	const CmigShapeEnum *b;
	char	   *name;			/* in the version's schema, qualified */
	char	   *up;				/* WHEN ... for labels that were renamed, or
								 * NULL */
	char	   *down;
} CmigVersionEnum;

/* A planning in progress. */
typedef struct CmigPlanning
{
	const CmigSituation *now;
	const CmigPlan *plan;
	CmigReplay *replay;
	CmigManaged *managed;
	Snapshot	begun;			/* before the objects were copied */
	CmigCopies *copies;			/* of the live objects */
	CmigExpansionPlan *result;
	List	   *texts;			/* of CmigRevisionText * */
	int			revisions;		/* how many are pending */
	List	  **shapes;			/* of CmigShapeTable *: before, and after each */
	List	   *old_enums;		/* of CmigShapeEnum * */
	List	   *enums;			/* of CmigVersionEnum * */
	List	   *old_readers;	/* of CmigShapeReader * */
	List	   *readers;		/* likewise: new and changed ones, which the
								 * version has */
	List	   *computed;		/* of CmigComputed *: of the last one replayed */
	List	   *added;			/* of CmigAdded *: likewise */
	List	   *relabeled;		/* of CmigRelabeled *: likewise */
	List	   *called;			/* of CmigCalled *: what computes rows */
	List	   *paths;			/* of CmigPathFrom *: likewise */
	List	   *rules;			/* of CmigVersionRule *, in their order */
	bool		strict;
	bool		untried;		/* must it not be tried with rows? */
	const char *foreign;		/* a foreign table that the replayed statement
								 * updates, or NULL */
	CmigImage  *before;
	CmigImage  *after;
	List	   *h;
	List	   *tables;			/* of CmigVersionTable * */
	List	   *changes;		/* of CmigDiffLine * */
	List	   *created;		/* likewise: the new objects */
	List	   *abandon;		/* of CmigExpansionStep * */
	List	   *release;		/* of char *: what must be first then */
	const char *script;			/* of run_script() */
	CommandId	since;			/* the first one after the copies */
	CmigImage  *live;			/* what was copied */
	List	   *replaceable;	/* of CmigValue *: rows of
								 * cmig_versions_replaceable() that the steps
								 * add */
} CmigPlanning;

/* In a restored database, record again what the triggers depend on. */
extern void cmig_versions_record_again(const CmigExpansion *expansion, Oid caller);

/*
 * in live.c: returns rows for triggers and rules that a table must not have while it is
 * expanded: their names, the reason, what to do, and the table or partition
 */
extern List *cmig_versions_obstacles(const char *relation);

/*
 * In visible.c: raise an error if row-level security hides rows of the table, or of one
 * of its partitions, from the role.  The second function raises it if it is why a
 * statement of the revisions failed on copies: they have the policies, and no up line of
 * a column can run where it is subject to them.  It adds what to do to any other error.
 */
extern void cmig_versions_require_rows(const char *relation, const char *role);
extern void cmig_versions_explain_replay(const CmigPlanning *p, ErrorData *error);

/* in live.c: what was not copied, or not as it is, as the end of a detail, or "" */
extern char *cmig_versions_differences(const CmigPlanning *p);

/* If something was not: raise an error if the role lacks a privilege for what the objects use. */
extern void cmig_versions_require_grants(const CmigPlanning *p);

/* in bound.c: add what the statements that ran in the shadow use to the plan */
extern void cmig_versions_note_bound(CmigPlanning *p);

/* Raise an error if a table is no longer the one that was copied; its name stays. */
extern void cmig_versions_hold_copied(CmigPlanning *p);

/* Raise an error if a table of the plan belongs to another expansion. */
extern void cmig_versions_require_free(const CmigExpansionPlan *plan);

/* Raise 0A000: "what" cannot be expanded, and "why" is a sentence. */
pg_noreturn extern void cmig_versions_refuse(const char *what, const char *why);

/* Raise 22023: a line "-- cmig:up" or "-- cmig:down" about the column is missing. */
pg_noreturn extern void cmig_versions_ask(const char *kind, const CmigShapeTable *table,
										  const char *column, const char *why);

/* Where steps are added: their phase, and the real table or "". */
typedef struct CmigStepGroup
{
	CmigPlanning *p;
	const char *phase;
	const char *relation;
} CmigStepGroup;

/* Add a step, and return it; or one for the first column of each row of a query. */
extern CmigExpansionStep *cmig_versions_add(const CmigStepGroup *at,
											const char *format,...) pg_attribute_printf(2, 3);
extern void cmig_versions_add_rows(const CmigStepGroup *at, const List *rows);

/* Returns the quoted name of the version's schema for a schema. */
extern const char *cmig_versions_schema(const CmigPlanning *p, const char *schema);

/* Raises 0A000 for what cannot be expanded, and 22023 for what is missing. */
extern CmigExpansionPlan *cmig_expansion_plan(const CmigSituation *now, const CmigPlan *plan);

extern List *cmig_versions_renames(const List *columns, const char *relation, bool back);

/*
 * Run statements in the shadow, or steps from number "from" on, of one phase or of all.
 * If they fail, "what" is refused.
 */
extern void cmig_versions_try_script(CmigPlanning *p, const char *script, const char *what);
extern void cmig_versions_try_steps(CmigPlanning *p, int from, const char *phase);

/* in samples.c */

/* Refuse the revision if rows of the tables would have other values than in an upgrade. */
extern void cmig_versions_compare_rows(CmigPlanning *p);

/* in replicated.c */

/*
 * Raise an error if subscribers would get the hidden columns, or if a subscription
 * could not find the rows that it writes.  What subscribers have is replicated until
 * the contraction, also the columns that it replaces.
 */
extern void cmig_versions_require_unreplicated(CmigPlanning *p);

/* Raise an error if subscribers would lack what replaces a published column. */
extern void cmig_versions_require_resync(const CmigExpansion *expansion);

/*
 * Returns how to contract although this member of a publication, as the server describes
 * it, has a column that the contraction drops, or NULL if it has none.
 */
extern char *cmig_versions_resync_fix(const CmigExpansion *expansion, const char *object);
extern List *cmig_versions_replication_problems(const CmigExpansion *expansion);

/* in live.c */

/* Parts of statements about the privilege g. */
#define GRANTEE "CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END"
#define GRANT_OPTION "CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"

/* Returns the plan, without repeatable revisions: they run in the first upgrade after the contraction. */
extern CmigPlan *cmig_versions_plan_upgrade(const CmigSituation *now, const char *target);

/*
 * Likewise, for an expansion that is to be recorded.  Raises an error if these are not
 * its revisions: others would be recorded as if they had run.
 */
extern CmigPlan *cmig_versions_plan_expanded(const CmigSituation *now,
											 const CmigExpansion *expansion);

/*
 * Returns rows: functions and operators that the types of their arguments do not
 * tell from others with the same name, with the schema, the owner, and a key of what
 * depends on them; and casts, with an empty schema.
 */
extern List *cmig_versions_replaceable(void);

/* Call cmig_versions_fill() and cmig_versions_record_dependencies(). */
extern void cmig_versions_set_filling(Oid table, bool strict);
extern void cmig_versions_set_dependencies(Oid table);

/*
 * Returns the statements that give a reader in a schema of the version the
 * privileges and the owner of the real one, as rows of a query.
 */
extern List *cmig_versions_reader_privileges(const CmigShapeReader *real, const char *name,
											 const char *schema);

/* The same for a type, without the owner. */
extern List *cmig_versions_type_privileges(const char *real, const char *name);

/*
 * Add the steps that give a column of a relation the privileges that a column of
 * the real table has.
 */
extern void cmig_versions_add_column_privileges(const CmigStepGroup *at, const char *column,
												const char *relation, const char *name);

/* Add the steps that give a sequence the owner of the table, if it has another. */
extern void cmig_versions_add_owner(const CmigStepGroup *at, const char *sequence);

/* Returns the qualified names of the table and all its descendants, as they are or were. */
extern char *cmig_versions_family(const char *relation, Snapshot snapshot);

/*
 * Raise an error if a live table is not the same as its copy, or if something
 * would be in the way; add the privileges of the live tables.
 */
extern void cmig_versions_add_live(CmigPlanning *p);

/*
 * Raise an error if statements of the builds may fail, unless that is confirmed:
 * before anything runs.
 */
extern void cmig_versions_require_confirmed(const CmigExpansionPlan *plan);

/*
 * A checksum of the texts of revisions.  cmig.expansion_run.checksum is
 * "<that of the steps>-<this>".
 */
#define TEXTS_CHECKSUM(revisions) \
	"SELECT md5(string_agg(format('%s %s %s', v.revision, v.upgrade_sql, v.verify_sql), chr(10) ORDER BY v.revision COLLATE \"C\"))" \
	" FROM cmig.revision v WHERE v.revision = ANY (" revisions ")"

/*
 * Store the steps of the expansion whose row was just stored, and their checksum.
 * Only the owner of that row's table can store it, because a checksum that is right
 * tells planned statements from those that a migrator has written.
 */
extern void cmig_versions_store_steps(const List *steps);

/*
 * Raise an error if the texts are not those that were expanded: a contraction
 * records them as applied.
 */
extern void cmig_versions_require_texts(const CmigExpansion *expansion);

/*
 * The rows of an expanded table that have a state: their number, whether some of
 * them are still to be filled, and the least state.  They are found by the index
 * of these rows, if there is one, without a query.
 */
typedef struct CmigRowsLeft
{
	int64		count;
	bool		todo;
	char	   *least;
} CmigRowsLeft;

extern CmigRowsLeft cmig_versions_rows_left(const char *relation);

/* Raise an error if a trigger or default that keeps the rows the same was changed. */
extern void cmig_versions_require_triggers(const CmigExpansion *expansion, const List *steps,
										   const char *relation, const char *scopes);

/* Raise an error if rows of the old build could not be transformed. */
extern void cmig_versions_require_transformed(const CmigExpansion *expansion, const List *steps,
											  const List *relations, const char *scopes);

/* in changed.c */

/*
 * Raise an error if a table, trigger, or schema of the expansion was renamed or
 * dropped.  With "back", returns a statement that restores a name, after adding
 * what undoes it, or NULL if there is none, and what was dropped does not matter.
 * A table is found again by its trigger, or as the one that the version's view reads,
 * which others can create on tables of other roles: it must have the view's owner.
 */
extern char *cmig_versions_require_tables(const CmigExpansion *expansion, List **back);

/*
 * Returns the name of a trigger that was dropped, disabled, or altered, and of
 * its table, or NULL.  The steps are rows of cmig.expansion_step.  In a restored database, what was done is not known.
 */
extern char **cmig_versions_broken_trigger(const CmigExpansion *expansion, const List *steps,
										   const char *relation);

/*
 * Returns the columns of the version's views, and raises an error if a table
 * does not have them after the contraction.
 */
extern char *cmig_versions_shape(const CmigExpansion *expansion);
extern void cmig_versions_require_shape(const char *shape);

/*
 * Returns the statement that renames an index or constraint of the table, whose
 * OID is given, that still has a name with CMIG_HIDDEN_PREFIX, or NULL.
 */
extern char *cmig_versions_left_name(const char *table);

/*
 * Returns the statement that gives its name again to the index or constraint of
 * the table that a stored statement has created, or NULL if it was not renamed.
 */
extern char *cmig_versions_former_name(const RangeVar *table, const char *name, const char *sql);

/*
 * Returns what was granted or set by hand, on objects that are replaced, and
 * keeps its effect in an upgrade: a List of char **, the statement, and NULL or the
 * sequence that must exist before it runs.
 */
extern List *cmig_versions_kept(const CmigExpansion *expansion);

/*
 * The audit log's record of a table, before it is contracted, has the hidden
 * columns, so that a reader can follow a column to the one that replaces it.
 * What is computed from a column whose values are not logged is not logged,
 * either.  Returns the table's OID, or NULL if it is not audited.  The second function is for afterward.
 */
extern char *cmig_versions_audit_before(const CmigExpansion *expansion, const char *relation);
extern void cmig_versions_audit_after(const char *oid);

/* The kind of such a row that names a live view or function, and that of the version. */
#define READER "reader"
#define ENUM "enum"
/* And of one that names a column to which the revision gives another default. */
#define OTHER_DEFAULT "default"

/*
 * Returns the statements, as rows, that give what the version has the privileges of
 * what it replaces, whose names cannot change until the end of the transaction.
 */
extern List *cmig_versions_privileges(const CmigExpansion *expansion);

/*
 * Returns rows in the form of CmigExpansionPlan.columns: what is known of the columns
 * that are replaced, so that the second function can raise an error for what was
 * changed since, and would be lost in a contraction, but not in an upgrade.  What was
 * changed since "begun", before the objects were copied, is error 40001.
 */
extern List *cmig_versions_properties(const List *columns, Snapshot begun);
extern void cmig_versions_require_unchanged(const CmigExpansion *expansion);

/* Raise an error if something of an expansion that was abandoned remains. */
extern void cmig_versions_require_gone(const CmigExpansion *expansion);

/* in computed.c */

/*
 * A function that an expression calls.
 */
typedef struct CmigCalled
{
	Oid			function;
	const char *name;			/* with its schema and arguments */
	const char *definition;
	const char *column;			/* which is computed with it */
} CmigCalled;

/*
 * A statement of a script that computes a column for the rows that exist: a change of
 * its type, or the UPDATE that a line "-- cmig:up" becomes.
 */
typedef struct CmigComputed
{
	const char *table;			/* OID */
	const char *number;
	const char *name;			/* of the table and the column, when it ran */
	Node	   *expr;			/* NULL: the column, as an assignment converts
								 * it */
	const char *path;			/* search_path when it ran */
	bool		other_role;		/* had the script set another role? */
	List	   *called;			/* of CmigCalled *: what it called when it ran */
	int			statement;		/* counted from 1 */
	int			line;			/* of the script */
} CmigComputed;

/* A column that a script has added, and whose default rows that exist have got. */
typedef struct CmigAdded
{
	Oid			table;
	AttrNumber	number;
	const char *value;			/* as stored; NULL if it has changed since
								 * then */
	bool		other_role;		/* as above */
	List	   *called;			/* as above */
} CmigAdded;

/* A statement of a script that gives a label of an enum another name. */
typedef struct CmigRelabeled
{
	Oid			type;
	int			statement;
} CmigRelabeled;

/* The search_path of a script from a line on. */
typedef struct CmigPathFrom
{
	int			line;
	const char *path;
} CmigPathFrom;

/* Returns the search_path that holds at a line of the script that was replayed last. */
extern const char *cmig_versions_path_at(const CmigPlanning *p, int line);

/*
 * A column in such an expression is a ColumnRef of these fields: its name, for messages, its
 * number, and whether it is read as the revision has left it, and not as it was before.  If
 * another Boolean follows, it is read as it was before, with the labels that its enum has got.
 */
#define CMIG_REF_FIELDS(name, number) \
	list_make3(makeString(name), makeInteger(number), makeBoolean(false))

/* Does the reference have the number of a column? */
extern bool cmig_versions_is_numbered(const ColumnRef *ref);

/* A check for check_functions_in_node: add what is not built in to a List of OIDs. */
extern bool cmig_versions_note_function(Oid function, void *functions);

/* Returns a List of CmigCalled *: the functions that an analyzed expression calls. */
extern List *cmig_versions_called(const CmigPlanning *p, Node *expr);

/* Raise an error if functions with which rows are computed have changed since. */
extern void cmig_versions_require_called(const CmigPlanning *p);

/* Replay a pending revision, counted from 1, and note what its statements compute. */
extern void cmig_versions_replay(CmigPlanning *p, int revision);

/* in rules.c */

/* What a revision says about a column. */
typedef struct CmigVersionRule
{
	int			revision;		/* counted from 1 */
	const char *table;			/* OID */
	const char *number;
	bool		up;
	Node	   *expr;
	const char *path;			/* search_path, or NULL for that of scripts */
	const CmigComputed *computed;	/* or NULL: what was noted when it ran */
	bool		other_role;		/* had the script set another role? */
	const char *type;			/* of the column that it computes */
	const char *collation;		/* as in CmigShapeColumn */
} CmigVersionRule;

/*
 * Raise an error if the script has statements with an effect that no comparison of
 * definitions shows: an expansion and its contraction would leave it out.
 */
extern void cmig_versions_require_definitions(const CmigRevisionText *text);

/* Add the rules of a revision, whose shape has been read. */
extern void cmig_versions_add_rules(CmigPlanning *p, int revision, const CmigRevisionText *text);

/*
 * Returns the last "up" of a column up to a revision, or the first "down" after
 * it, or NULL.
 */
extern const CmigVersionRule *cmig_versions_rule(const CmigPlanning *p, const char *table,
												 const char *number, bool up, int level);

/*
 * Raise an error if the analyzed expression calls other functions than when its statement
 * ran.  "names" has what the columns that it reads call, and then all that it calls.
 */
extern void cmig_versions_require_calls(const CmigVersionRule *rule, Node *expr, CmigVersionNames *names);

/* Returns what a column in an expression stands for. */
extern Node *cmig_versions_value(ParseState *pstate, const ColumnRef *ref, CmigVersionNames *names);

/* in statements.c: each adds steps of one phase, or of one group */

/*
 * What an interrupted statement has left is removed; is it complete?  Somebody may
 * have dropped what it has created.  Of others, "done" is the answer.  "next" is the
 * statement after it, or NULL.  What a partition lacks that does not exist is complete;
 * if the step's table, "relation", is not found, that is an error.
 */
extern bool cmig_versions_is_complete(const CmigExpansion *expansion, Oid caller,
									  const RawStmt *raw, const char *relation,
									  const Node *next, bool done);

/* Is this the name of the table of a step, and not of a partition of it? */
extern bool cmig_versions_is_table(const RangeVar *range, const char *relation);

/*
 * Returns a List of OIDs, those of the sequences that end with the contraction,
 * because an identity column gets another one, which continues after their values.
 */
extern List *cmig_versions_sequences(const CmigExpansion *expansion, Oid caller);

/*
 * Returns the name of a partition's index that the revisions do not create, as
 * PostgreSQL would choose it if it is short.
 */
extern char *cmig_versions_partition_index(const char *partition, const char *relation,
										   const char *name);

extern void cmig_versions_add_columns(CmigPlanning *p, const CmigVersionTable *table);
extern void cmig_versions_add_view(CmigPlanning *p, CmigVersionTable *table);
extern void cmig_versions_add_triggers(CmigPlanning *p, CmigVersionTable *table);
extern void cmig_versions_add_builds(CmigPlanning *p, const CmigVersionTable *table);
extern void cmig_versions_add_checks(CmigPlanning *p, const CmigVersionTable *table);
extern void cmig_versions_add_abandon(CmigPlanning *p);
extern void cmig_versions_add_contract(CmigPlanning *p);

extern void cmig_versions_add_constraint(const CmigStepGroup *at, const char *table,
										 const char *name, const char *definition);
extern void cmig_versions_add_unchecked(CmigPlanning *p, const char *phase);
extern void cmig_versions_add_readers(CmigPlanning *p);

/* in partitions.c */

/*
 * Returns the next statement that the index of a partitioned table, which the step
 * creates, lacks: for a partition that has appeared since it was planned.  Returns NULL
 * for other steps, and if there is none; then the index is valid.  Sets *sql and *relation,
 * the partition.
 */
extern RawStmt *cmig_versions_lacking(const RawStmt *step, const char **sql, char **relation);

/*
 * Returns the error of the first step whose index or constraint is missing or not valid,
 * or NULL: of the phase "build", and, with "checks", of "check".  Others can drop one, or
 * rename the table, while the next one is built.  Takes the lock on each table.  Sets
 * *hint to a statement, or to NULL if repeating the CALL builds it.  The second function
 * raises the error, for a contraction or an expansion.
 */
extern char *cmig_versions_unbuilt(const List *steps, bool checks, LOCKMODE lock,
								   const char **hint);
extern void cmig_versions_require_built(const CmigExpansion *expansion, const List *steps,
										bool contract);

/*
 * Raise an error if an index of a column that is replaced is not valid: it would be built
 * for the new version, and could fail then.  Called in the shadow, before that is planned.
 */
extern void cmig_versions_require_indexes(const CmigPlanning *p);

/*
 * Raise an error if one of the tables has partitions that are being detached, or children
 * that are not partitions.
 */
extern void cmig_versions_require_partitions(const List *relations, const char *revision);

#endif							/* CMIG_VERSIONS_INTERNAL_H */
