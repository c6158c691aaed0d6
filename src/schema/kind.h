/*
 * kind.h
 *	  What a kind of object is: how it is read, made, altered, and dropped.
 *
 * Pure.  Each kind_*.c holds the kinds of one family; kinds.c has them all, in
 * the order in which they are read: a parent's kind before its children's.
 * How to add one is in README.md.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_H
#define CMIG_KIND_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "schema/object.h"

/* A statement, and the one that brings back what was before. */
typedef struct CmigDdl
{
	char	   *sql;			/* without a semicolon at its end */
	char	   *undo;
	char	   *hazard;			/* or NULL */
	int			hazards;		/* of CMIG_HAZARD_..., if the table has rows */
	const char *old_type;		/* with CMIG_HAZARD_REWRITE: unless values
								 * stay */
	const char *new_type;		/* as they are */
	const char *expression;		/* or unless it is not volatile */
} CmigDdl;

#define CMIG_HAZARD_REWRITE		0x01	/* writes all rows again */
#define CMIG_HAZARD_SCAN		0x02	/* reads all rows */
#define CMIG_HAZARD_BLOCKS		0x04	/* writes wait while an index is built */
#define CMIG_HAZARD_MAY_FAIL	0x08	/* existing rows may be wrong */

/* How a property is compared. */
#define CMIG_PROPERTY_EXPRESSION	0x01	/* as a printed expression */
#define CMIG_PROPERTY_SILENT		0x02	/* not at all: it is for the SQL */
#define CMIG_PROPERTY_LIST			0x04	/* a list "a, b" in any order */
#define CMIG_PROPERTY_CAREFUL		0x08	/* alter() looks at it even if
											 * equal */

typedef struct CmigProperty
{
	const char *name;
	int			flags;
} CmigProperty;

/*
 * The difference of an object that both images have.  alter() adds statements,
 * or asks for the object to be dropped and made again.
 */
typedef struct CmigAlter
{
	const CmigObject *from;
	const CmigObject *to;
	List	   *ddl;			/* of CmigDdl */
	List	   *first;			/* comes before what its children lose */
	List	   *last;			/* comes after what its children get */
	bool		again;			/* drop it and make it again */
	bool		disturbs;		/* what names it must be gone meanwhile */
	bool		recasts;		/* and so must indexes, defaults, constraints */
	bool		late;			/* it comes after all else, and making it
								 * again is what reverts it */
	char	   *unsupported;	/* the reason why nothing can be done */
} CmigAlter;

#define CMIG_KIND_MODEL			0x0001	/* ORMs know it */
#define CMIG_KIND_DISPOSABLE	0x0002	/* can be dropped and made again for
										 * the sake of what it depends on */
#define CMIG_KIND_FOLDS			0x0004	/* made by the parent's CREATE if both
										 * are new */
#define CMIG_KIND_ON_PARENT		0x0008	/* its name in SQL is "x ON parent" */
#define CMIG_KIND_DISTURBED		0x0010	/* must be gone while the type of a
										 * column that it names changes */
#define CMIG_KIND_DATA			0x0020	/* dropping it loses data */
#define CMIG_KIND_RELATION		0x0040	/* its name is one of a relation */
#define CMIG_KIND_TYPE			0x0080	/* its name is one of a type */
#define CMIG_KIND_LAST			0x0100	/* sorted by its own kind, not beside
										 * its parent */
#define CMIG_KIND_NO_OWNER_SQL	0x0200	/* no ALTER ... OWNER TO */
#define CMIG_KIND_GONE_WITH_PARENT 0x0400	/* the parent's DROP drops it */
#define CMIG_KIND_RECAST		0x0800	/* must be gone while the type of a
										 * column changes to one without cast */
#define CMIG_KIND_GLOBAL		0x1000	/* has no schema: not compared if
										 * schemas are named */

typedef struct CmigKind
{
	const char *name;			/* in the column kind: "foreign key" */
	const char *word;			/* in SQL: "CONSTRAINT" */
	const char *grant_word;		/* in GRANT ... ON; NULL: as word */
	int			flags;
	int			nproperties;
	const CmigProperty *properties;

	/*
	 * A query over the catalogs for all objects of the kind, $1: the oids of
	 * the schemas, an oid[].  Its columns: the address (oid, oid, integer),
	 * the parent's (oid, oid, integer, or NULLs), name, identity, owner
	 * (text), is it inherited (boolean), and the properties (text).
	 */
	const char *sql;

	/*
	 * Dependencies that pg_depend does not have, or NULL: two addresses a
	 * row, the object and what it needs.
	 */
	const char *depends;

	/*
	 * The same for what must only be made before, and dropped after, if it is
	 * made or dropped.
	 */
	const char *follows;

	/*
	 * Add the statements that make it; the first one makes it, others
	 * complete it.
	 */
	List	   *(*create) (const CmigObject *object);
	/* The statement that drops it; NULL: DROP word identity. */
	char	   *(*drop) (const CmigObject *object);
	/* Add what makes it different; NULL: it is dropped and made again. */
	void		(*alter) (CmigAlter *alter);
	/* What COMMENT ON and the like call it; NULL: word identity. */
	char	   *(*reference) (const CmigObject *object);

	/* Of a kind that is not disposable: is this object? */
	bool		(*is_disposable) (const CmigObject *object);
	/* The name, as an identity, of a relation that belongs to it, or NULL. */
	const char *(*index_name) (const CmigObject *object);
	/* Of a kind that folds: can this object? */
	bool		(*folds) (const CmigObject *object);

	int			place;			/* in kinds.c, from 1 */
} CmigKind;

/* Is made beside the old one, so that columns can change from one to the other. */
#define CMIG_KIND_SWAPS			0x4000

#define CMIG_PROPERTIES(list) .properties = list, .nproperties = lengthof(list)

/* A new object without values, in the current memory context. */
extern CmigObject *cmig_object_new(const CmigKind *kind, const char *name,
								   const char *identity);

/* How SQL names an object: "TABLE public.a", "CONSTRAINT c ON public.a". */
extern char *cmig_kind_reference(const CmigObject *object);

/* The statement that drops it. */
extern char *cmig_kind_drop(const CmigObject *object);

/* Are two values of a property the same? */
extern bool cmig_kind_same_value(const CmigProperty *property, const char *a, const char *b);

/* Does the property differ? */
extern bool cmig_alter_differs(const CmigAlter *alter, int property);

/* What the statement that was added last does to a table with rows. */
extern CmigDdl *cmig_ddl_hazards(List *ddl, int hazards);

/* Add a statement and its undo; both are freshly allocated. */
extern void cmig_alter_add(CmigAlter *alter, char *sql, char *undo);

/* The same with a hazard, or NULL. */
extern void cmig_alter_add_hazard(CmigAlter *alter, char *sql, char *undo, char *hazard);

/*
 * Add "ALTER word identity action" for a property that differs; the actions for
 * the new and the old value.
 */
extern void cmig_alter_action(CmigAlter *alter, const char *action, const char *undo);

extern List *cmig_ddl_append(List *ddl, char *sql, char *undo);

/*
 * The statements that complete an object whose CREATE could not say everything:
 * those that alter() has for one with default values.
 */
extern List *cmig_kind_complete(const CmigObject *object, List *ddl,
								void (*alter) (CmigAlter *alter));

/* An identifier and a literal, quoted; palloc'd or not. */
extern const char *cmig_quote(const char *identifier);
extern char *cmig_literal(const char *text);

#endif							/* CMIG_KIND_H */
