/*
 * internal.h
 *	  What the modules of src/kinds share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KINDS_INTERNAL_H
#define CMIG_KINDS_INTERNAL_H

#include "kinds/kinds.h"

/* in kinds.c */

#define CMIG_PROPERTIES(list) .properties = list, .nproperties = lengthof(list)

/*
 * Returns a text for an object.  {x} stands for the property x of the object,
 * or for its {identity}, its {name}, quoted, or {unquoted}, its {word}, its
 * {reference}, the identity of its {parent}, or the reference {on} the parent.
 * A part in brackets is left out if something in it is NULL; {?x} stands for
 * nothing, and {x|y} for y if x is NULL.
 */
extern char *cmig_kind_text(const char *text, const CmigObject *object);

extern List *cmig_kind_create(const CmigObject *object);
extern List *cmig_kind_complete(const CmigObject *object, List *ddl,
								void (*finish) (CmigAlter *alter));
extern void cmig_kind_alter(CmigAlter *alter);
extern void cmig_alter_both(CmigAlter *alter, void (*function) (CmigAlter *alter));
extern bool cmig_alter_differs(const CmigAlter *alter, int property);
extern CmigDdl *cmig_alter_add(CmigAlter *alter, int part, char *sql);
extern CmigDdl *cmig_alter_action(CmigAlter *alter, int part, char *action);
extern CmigDdl *cmig_alter_property(CmigAlter *alter, int property);
extern char *cmig_options_change(const char *from, const char *to);

/*
 * Returns "ALTER TABLE t ALTER COLUMN c action", with ONLY if "only" is true.
 */
extern char *cmig_kind_column_sql(const CmigObject *column, bool only, const char *action);

/*
 * SQL expression that converts a text[] of options to "a='b', c='d'".
 * "prefix", an SQL literal, is added to the name of each option.
 */
#define CMIG_OPTIONS_SQL(prefix, array) \
	"(SELECT string_agg(" prefix " || quote_ident(split_part(o, '=', 1)) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', '" \
	" ORDER BY i) FROM unnest(" array ") WITH ORDINALITY AS u (o, i))"

/*
 * SQL expression for the options of foreign-data wrappers: "name 'value', other 'value'", sorted by name.
 * SQL null if there are none.
 */
#define CMIG_FDW_OPTIONS_SQL(column) \
	"(SELECT string_agg(format('%I %L', v.option_name, v.option_value), ', ' ORDER BY v.option_name)" \
	" FROM pg_options_to_table(" column ") v)"

/* in column_type.c */

/*
 * Does PostgreSQL need USING to convert a column?  If not, it converts
 * indexes, defaults, and constraints along with the column.
 */
extern bool cmig_using_needed(const char *using_from, const char *to);

/* Add the statement that changes the type, with its hazards. */
extern void cmig_column_type_alter(CmigAlter *alter);

/*
 * SQL expression that converts a storage code, such as attstorage in
 * pg_attribute, to the word used in SET STORAGE.
 */
#define CMIG_STORAGE_SQL(value) "CASE " value " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'" \
	" WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END"

/* in type.c */

/*
 * Returns an expression that converts a column's value to the type named
 * "type", either through text or attribute by attribute.
 */
extern char *cmig_type_convert(const char *column, const CmigObject *from, const CmigObject *to,
							   const char *type);

/* in sequence.c */

/* The values that a sequence can return. */
typedef struct CmigSequenceRange
{
	int64		start;
	int64		low;
	int64		high;
	int64		increment;
	bool		down;			/* true if the sequence counts down */
} CmigSequenceRange;

/* The values of a sequence with these settings, or none, and this printed type. */
extern CmigSequenceRange cmig_sequence_range(const char *settings, const char *type);

/*
 * Returns PostgreSQL's default for MINVALUE or, if "maximum" is true, for
 * MAXVALUE.
 */
extern int64 cmig_sequence_range_limit(const char *type, bool down, bool maximum);

extern void cmig_sequence_settings(StringInfo buf, const char *old, const char *new,
								   const char *word, const char *type);

/* Does cmig_sequence_range_alter() restart the sequence, or do its statements to revert it? */
extern bool cmig_sequence_range_restarts(const CmigSequenceRange *from,
										 const CmigSequenceRange *to);

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
extern char *cmig_sequence_range_alter(const char *alter, const char *sequence,
									   const CmigSequenceRange *from,
									   const CmigSequenceRange *to, const CmigObject *column);

/*
 * Returns a query that makes a sequence that has not returned values continue
 * after those that an integer column already contains.  "sequence" is an
 * expression.
 */
extern char *cmig_sequence_range_continue(const char *sequence, const CmigSequenceRange *range,
										  const CmigObject *column);

/*
 * Do the values of a new column come from a sequence that ends before one of
 * type integer, so that a table can have more rows?
 */
extern bool cmig_sequence_is_short(const CmigObject *column);

/*
 * SQL for the sequence "s", a row of pg_sequence: the default limits of its
 * type as the row "l"; the options that differ from PostgreSQL's defaults, as
 * arguments of concat_ws(); and its settings (see sequence.c).
 */
#define CMIG_SEQUENCE_LIMITS_SQL \
	" CROSS JOIN LATERAL (SELECT CASE s.seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 ELSE -9223372036854775808 END AS low," \
	"  CASE s.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS high) l"
#define CMIG_SEQUENCE_MINIMUM_SQL "CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE l.low END THEN 'MINVALUE ' || s.seqmin END"
#define CMIG_SEQUENCE_MAXIMUM_SQL "CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN l.high ELSE -1 END THEN 'MAXVALUE ' || s.seqmax END"
#define CMIG_SEQUENCE_CLAUSE_SQL \
	"  CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN 'START WITH ' || s.seqstart END," \
	"  CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement END," \
	CMIG_SEQUENCE_MINIMUM_SQL "," CMIG_SEQUENCE_MAXIMUM_SQL "," \
	"  CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END," \
	"  CASE WHEN s.seqcycle THEN 'CYCLE' END"
#define CMIG_SEQUENCE_SETTINGS_SQL \
	"concat_ws(E'\n', 'INCREMENT BY ' || s.seqincrement," \
	"  coalesce(" CMIG_SEQUENCE_MINIMUM_SQL ", 'NO MINVALUE'), coalesce(" CMIG_SEQUENCE_MAXIMUM_SQL ", 'NO MAXVALUE')," \
	"  'START WITH ' || s.seqstart, 'CACHE ' || s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END)"

#endif							/* CMIG_KINDS_INTERNAL_H */
