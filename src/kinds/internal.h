/*
 * internal.h
 *	  What the modules of src/kinds share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KINDS_INTERNAL_H
#define CMIG_KINDS_INTERNAL_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "kinds/kinds.h"

/* in column_type.c */

/*
 * cmig_using_append() appends " USING ..." for ALTER COLUMN ... TYPE, unless
 * PostgreSQL converts the values without it.  If cmig_using_needed() returns
 * false, PostgreSQL converts indexes, defaults, and constraints along with the
 * column.
 */
extern bool cmig_using_needed(const char *using_from, const char *to);

/* in image.c */

/* Flags that control how the values of a property are compared. */
#define CMIG_PROPERTY_LIST			0x04	/* the values are lists such as
											 * "a, b", whose order does not
											 * matter */
#define CMIG_PROPERTY_CAREFUL		0x08	/* alter() examines it even if the
											 * values are equal */

/* Flags of a kind.  They describe each object of the kind. */
#define CMIG_KIND_ON_PARENT		0x0008	/* its SQL name is "x ON parent" */

#define CMIG_PROPERTIES(list) .properties = list, .nproperties = lengthof(list)

/*
 * Returns a text for an object.  {x} stands for the property x of the object,
 * or for its {identity}, its {name}, quoted, or {unquoted}, its {word}, its
 * {reference}, the identity of its {parent}, or the reference {on} the parent.
 * A part in brackets is left out if something in it is NULL; {?x} stands for
 * nothing, and {x|y} for y if x is NULL.
 */
extern char *cmig_kind_text(const char *text, const CmigObject *object);

/*
 * The functions create() and alter() of kinds that have none: they follow the
 * texts of the kind and the actions of its properties.
 */
extern List *cmig_kind_create(const CmigObject *object);
extern void cmig_kind_alter(CmigAlter *alter);

/* Does the property differ between alter->from and alter->to? */
extern bool cmig_alter_differs(const CmigAlter *alter, int property);

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

/*
 * Append the statements for properties that the object's CREATE statement
 * cannot set.  The kind's function alter() generates them, as if it altered an
 * object whose properties have their default values.
 */
extern List *cmig_kind_complete(const CmigObject *object, List *ddl,
								void (*alter) (CmigAlter *alter));

/* in type.c */

/*
 * Returns an expression that converts a column's value to the type named
 * "type", either through text or attribute by attribute.
 */
extern char *cmig_type_convert(const char *column, const CmigObject *from, const CmigObject *to, const char *type);

/* in sequence.c */

/* The values that a sequence can return. */
typedef struct CmigSequenceRange
{
	int64		start;
	int64		low;
	int64		high;
	bool		down;			/* true if the sequence counts down */
} CmigSequenceRange;

/*
 * Returns PostgreSQL's default for MINVALUE or, if "maximum" is true, for
 * MAXVALUE.  "type" is the printed type of the sequence.
 */
extern int64 cmig_sequence_range_limit(const char *type, bool down, bool maximum);

/*
 * Returns SQL that changes the range of a sequence.  The SQL works whether or
 * not the sequence has already returned values.  A used sequence continues.
 * It is restarted only if its direction changes, or if the new range contains
 * no value that the sequence may have returned.  An unused sequence begins
 * with the new start value.
 *
 * "alter" is ALTER SEQUENCE or ALTER COLUMN, and "sequence" is the name of the
 * sequence.  "column" is the integer column that owns the sequence, or NULL.
 * If the change or its undo restarts the sequence, the SQL makes the sequence
 * skip the values that the column already contains.
 */
extern char *cmig_sequence_range_alter(const char *alter, const char *sequence, const CmigSequenceRange *from,
									   const CmigSequenceRange *to, const CmigObject *column);

/* in other.c */

/*
 * Returns the clause that changes one list of options to another: "ADD a 'x',
 * SET b 'y', DROP c".
 */
extern char *cmig_options_change(const char *from, const char *to);

/* in kinds.c */

/* SQL expression that converts a text[] of options to "a='b', c='d'". */
#define CMIG_OPTIONS_SQL(array) \
	"(SELECT string_agg(quote_ident(split_part(o, '=', 1)) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', '" \
	" ORDER BY i) FROM unnest(" array ") WITH ORDINALITY AS u (o, i) WHERE o !~ '^pg_attver=')"

/* Add a prefix to the name of each option. */
extern char *cmig_options_prefixed(const char *options, const char *prefix);

/*
 * Add the statement that changes the options, if they differ.  "reference"
 * names the object; "prefix" is added to the name of each option.
 */
extern void cmig_options_alter(CmigAlter *alter, int property,
							   const char *reference, const char *prefix);

/* in column_type.c */

/* Add the statement that changes the type, with its hazards. */
extern void cmig_column_type_alter(CmigAlter *alter);

/* in column.c */

/*
 * SQL expression that converts a storage code, such as attstorage in
 * pg_attribute, to the word used in SET STORAGE.
 */
#define CMIG_STORAGE_SQL(value) "CASE " value " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'" \
	" WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END"

#endif							/* CMIG_KINDS_INTERNAL_H */
