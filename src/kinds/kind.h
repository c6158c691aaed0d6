/*
 * kind.h
 *	  Kinds of objects: how each is read, created, altered, and dropped.
 *
 * Each kind_*.c contains one family of kinds, and kinds.c lists all of them in
 * the order in which they are read: a parent's kind comes before the kinds of
 * its children.  README.md describes how to add a kind.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_H
#define CMIG_KIND_H

#include "postgres.h"
#include "kinds/object.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* A statement, and the statement that reverts it. */
typedef struct CmigDdl
{
	char	   *sql;			/* without a final semicolon */
	char	   *undo;
	char	   *hazard;			/* NULL, or a hazard that does not depend on
								 * the table's rows */
	int			hazards;		/* CMIG_HAZARD_... flags that apply if the
								 * table has rows */
	int			undo_hazards;	/* CMIG_HAZARD_... flags of "undo" */
	const char *old_type;		/* NULL, or for CMIG_HAZARD_REWRITE: the table
								 * is not rewritten if this type is
								 * binary-coercible to new_type */
	const char *new_type;		/* see old_type */
	const char *expression;		/* NULL, or for CMIG_HAZARD_REWRITE: the table
								 * is not rewritten if this expression is not
								 * volatile */
	bool		stepwise;		/* true if the statement was replaced with its
								 * concurrent form, for a stepwise revision */
} CmigDdl;

/* Hazards: the effects that a statement can have on its table. */
#define CMIG_HAZARD_REWRITE		0x01	/* rewrites the table */
#define CMIG_HAZARD_SCAN		0x02	/* scans the table */
#define CMIG_HAZARD_BLOCKS		0x04	/* blocks writes while an index is
										 * built */
#define CMIG_HAZARD_MAY_FAIL	0x08	/* fails if existing rows violate the
										 * constraint */
#define CMIG_HAZARD_INVALID		0x10	/* rebuilds an index that is invalid */
#define CMIG_HAZARD_MOVES		0x20	/* moves the rows to other servers */

/* Flags that are used only for "undo"; a statement itself has a "hazard". */
#define CMIG_HAZARD_UNPROTECTS	0x40	/* disables row security */
#define CMIG_HAZARD_POLICY		0x80	/* drops a policy */

/* Flags that control how the values of a property are compared. */
#define CMIG_PROPERTY_EXPRESSION	0x01	/* the values are printed
											 * expressions */
#define CMIG_PROPERTY_SILENT		0x02	/* not compared, only used to
											 * generate SQL */
#define CMIG_PROPERTY_LIST			0x04	/* the values are lists such as
											 * "a, b", whose order does not
											 * matter */
#define CMIG_PROPERTY_CAREFUL		0x08	/* alter() examines it even if the
											 * values are equal */
#define CMIG_PROPERTY_NO_MODEL		0x10	/* ORMs cannot define the
											 * property: if only models are
											 * compared, a default value in
											 * the target means that the
											 * property does not change */

/* A property of a kind: its name and how its values are compared. */
typedef struct CmigProperty
{
	const char *name;
	int			flags;
} CmigProperty;

/*
 * The difference between two versions of an object that exists in both images.
 * A kind's alter() adds statements here, or requests that the object be
 * dropped and re-created.
 */
typedef struct CmigAlter
{
	const CmigObject *from;
	const CmigObject *to;
	List	   *ddl;			/* list of CmigDdl */
	List	   *first;			/* run before columns and constraints of the
								 * object and its parents are dropped */
	List	   *last;			/* run after columns and constraints of the
								 * object and its parents are added */
	bool		again;			/* true if the object must be dropped and
								 * re-created */
	bool		disturbs;		/* true if objects that refer to this one must
								 * be dropped before the change and re-created
								 * afterwards */
	bool		recasts;		/* true if "disturbs" also applies to indexes,
								 * defaults, and constraints
								 * (CMIG_KIND_RECAST) */
	bool		late;			/* true if the change runs after all others,
								 * and is reverted by re-creating the object */
	char	   *unsupported;	/* the reason why the change is not supported */
} CmigAlter;

/* Flags of a kind.  They describe each object of the kind. */
#define CMIG_KIND_MODEL			0x0001	/* ORMs can define the object */
#define CMIG_KIND_DISPOSABLE	0x0002	/* can be dropped and re-created when
										 * an object that it depends on
										 * changes */
#define CMIG_KIND_FOLDS			0x0004	/* part of the parent's CREATE
										 * statement if both are new
										 * ("folded") */
#define CMIG_KIND_ON_PARENT		0x0008	/* its SQL name is "x ON parent" */
#define CMIG_KIND_DISTURBED		0x0010	/* refers to columns, and must be
										 * dropped while the type of one of
										 * them changes */
#define CMIG_KIND_DATA			0x0020	/* dropping the object loses data */
#define CMIG_KIND_RELATION		0x0040	/* shares the namespace of relations */
#define CMIG_KIND_TYPE			0x0080	/* shares the namespace of types */
#define CMIG_KIND_LAST			0x0100	/* sorted by its own kind, not next to
										 * its parent */
#define CMIG_KIND_NO_OWNER_SQL	0x0200	/* has no ALTER ... OWNER TO */
#define CMIG_KIND_GONE_WITH_PARENT 0x0400	/* dropped by the parent's DROP
											 * statement */
#define CMIG_KIND_RECAST		0x0800	/* must be dropped while the type of a
										 * column changes to one without a
										 * suitable cast */
#define CMIG_KIND_GLOBAL		0x1000	/* has no schema; not compared if the
										 * caller names schemas */

#define CMIG_KIND_FINAL			0x2000	/* changed after everything else, even
										 * if it is dropped */

/* Everything that distinguishes one kind of object from others. */
typedef struct CmigKind
{
	const char *name;			/* as in the result column "kind", for example
								 * "foreign key" */
	const char *word;			/* SQL keyword, for example "CONSTRAINT" */
	const char *grant_word;		/* keyword in GRANT ... ON; NULL: the same as
								 * "word" */
	char		default_type;	/* object type in pg_default_acl; 0: none */
	int			flags;
	int			nproperties;
	const CmigProperty *properties;

	/*
	 * A catalog query for all objects of the kind.  $1 is an array of schema
	 * OIDs.  The query's columns are the address (oid, oid, integer), the
	 * parent's address (the same types, or NULLs), name, identity, owner
	 * (text), whether the object is inherited (boolean), and the properties
	 * (text).  NULL if another module reads the objects.
	 */
	const char *sql;

	/*
	 * A query for dependencies that are not in pg_depend, or NULL.  Each row
	 * has two addresses: the object, and the object that it depends on.
	 */
	const char *depends;

	/*
	 * A query like "depends", for pairs of objects that do not depend on each
	 * other.  The only requirement is that the second object is created
	 * before the first one, and dropped after it.
	 */
	const char *follows;

	/*
	 * Returns the statements that create the object.  The first one creates
	 * it; the others complete it.
	 */
	List	   *(*create) (const CmigObject *object);

	/*
	 * Appends the object's part of the parent's CREATE statement, if the
	 * object is folded.  May be NULL.
	 */
	void		(*define) (StringInfo buf, const CmigObject *object);

	/*
	 * Returns the statement that drops the object.  If this function is NULL,
	 * the statement is "DROP word identity".
	 */
	char	   *(*drop) (const CmigObject *object);

	/*
	 * Adds the statements that alter the object.  If this function is NULL,
	 * the object is dropped and re-created.
	 */
	void		(*alter) (CmigAlter *alter);

	/*
	 * Returns the object's name as in COMMENT ON and similar commands.  If
	 * this function is NULL, the name is "word identity".
	 */
	char	   *(*reference) (const CmigObject *object);

	/*
	 * Can this object be dropped and re-created, although its kind lacks the
	 * flag DISPOSABLE?
	 */
	bool		(*is_disposable) (const CmigObject *object);

	/*
	 * Returns the qualified name of the index, the identity sequence, or the
	 * multirange type that belongs to the object.  Returns NULL if there is
	 * none.
	 */
	const char *(*index_name) (const CmigObject *object);

	/*
	 * For a kind with the flag FOLDS: can the parent's CREATE statement
	 * include this object?
	 */
	bool		(*folds) (const CmigObject *object);

	int			place;			/* position in kinds.c, starting at 1 */
} CmigKind;

/*
 * When an object of this kind is re-created, the new object is created while
 * the old one still exists, so that columns can change from the old object to
 * the new one.
 */
#define CMIG_KIND_SWAPS			0x4000

/*
 * While an object of this kind is re-created, columns that use it have type
 * text or the default collation.
 */
#define CMIG_KIND_DETOUR		0x8000

#define CMIG_PROPERTIES(list) .properties = list, .nproperties = lengthof(list)

/*
 * Returns a new object whose properties have their default values, in the
 * current memory context.
 */
extern CmigObject *cmig_object_new(const CmigKind *kind, const char *name,
								   const char *identity);

/*
 * Returns a copy of an object.  The copy shares the object's values and lists.
 */
extern CmigObject *cmig_object_copy(const CmigObject *object);

/* Set a property, without changing objects that share the object's values. */
extern void cmig_object_set(CmigObject *object, int property, char *value);

/*
 * Returns the SQL name of an object: "TABLE public.a", "CONSTRAINT c ON
 * public.a".
 */
extern char *cmig_kind_reference(const CmigObject *object);

/* Returns the statement that drops an object. */
extern char *cmig_kind_drop(const CmigObject *object);

/* Are two values of a property the same? */
extern bool cmig_kind_same_value(const CmigProperty *property, const char *a, const char *b);

/* Does the property differ between alter->from and alter->to? */
extern bool cmig_alter_differs(const CmigAlter *alter, int property);

/*
 * Add hazards, which apply if the table has rows, to the last statement of
 * the list.  Returns this statement.
 */
extern CmigDdl *cmig_ddl_hazards(List *ddl, int hazards);

/* Add a statement and its undo to alter->ddl.  The strings are not copied. */
extern void cmig_alter_add(CmigAlter *alter, char *sql, char *undo);

/*
 * Like cmig_alter_add(), but with the description of a hazard, which may be
 * NULL.
 */
extern void cmig_alter_add_hazard(CmigAlter *alter, char *sql, char *undo, char *hazard);

/*
 * Add to alter->ddl the statement "ALTER word identity action", with "ALTER
 * word identity undo" as its undo.
 */
extern void cmig_alter_action(CmigAlter *alter, const char *action, const char *undo);

/*
 * Add "ALTER word identity action value" to alter->ddl if a property differs.
 * If its value is NULL, "fallback" is used instead.
 */
extern void cmig_alter_value(CmigAlter *alter, int property, const char *action,
							 const char *fallback);

/*
 * Returns "ALTER TABLE t ALTER COLUMN c action", with ONLY if "only" is true.
 */
extern char *cmig_kind_column_sql(const CmigObject *column, bool only, const char *action);

extern List *cmig_ddl_append(List *ddl, char *sql, char *undo);

/*
 * Append the statements for properties that the object's CREATE statement
 * cannot set.  The kind's function alter() generates them, as if it altered an
 * object whose properties have their default values.
 */
extern List *cmig_kind_complete(const CmigObject *object, List *ddl,
								void (*alter) (CmigAlter *alter));

/* Quote an identifier or a literal.  The result may be the argument itself. */
extern const char *cmig_quote(const char *identifier);
extern char *cmig_literal(const char *text);

#endif							/* CMIG_KIND_H */
