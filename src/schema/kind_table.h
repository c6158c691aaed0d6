/*
 * kind_table.h
 *	  What columns and constraints contribute to the statement that creates
 *	  their table. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_TABLE_H
#define CMIG_KIND_TABLE_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "schema/object.h"

struct CmigAlter;
struct CmigDdl;
struct CmigImage;

/*
 * An expression for a query that converts a text[] of options to "a='b',
 * c='d'".
 */
#define CMIG_OPTIONS_SQL(array) \
	"(SELECT string_agg(quote_ident(split_part(o, '=', 1)) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', '" \
	" ORDER BY i) FROM unnest(" array ") WITH ORDINALITY AS u (o, i) WHERE o !~ '^pg_attver=')"

/* The qualified name of the index to which an index is attached. */
#define CMIG_ATTACHED_SQL(oid) \
	"(SELECT format('%I.%I', hn.nspname, hc.relname) FROM pg_inherits h JOIN pg_class hc ON hc.oid = h.inhparent" \
	" JOIN pg_namespace hn ON hn.oid = hc.relnamespace WHERE h.inhrelid = " oid ")"

/* An expression for a query: how SQL names the storage of a column. */
#define CMIG_STORAGE_SQL(value) "CASE " value " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'" \
	" WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END"

/*
 * Is the table a partition, whose columns are those of the partitioned table?
 */
extern bool cmig_table_is_partition(const CmigObject *table);

/*
 * Is a column part of the table's partition key, so that its type cannot
 * change?
 */
extern bool cmig_table_is_key(const CmigObject *table, const char *column);

/*
 * Does the table inherit the object from a table that is its parent in both
 * images?
 */
extern bool cmig_table_keeps_inheriting(const struct CmigImage *from, const struct CmigImage *to,
										const CmigObject *object);

/*
 * Is the table partitioned?  Then many operations are not available
 * concurrently.
 */
extern bool cmig_table_is_partitioned(const CmigObject *table);

/* The composite type of a typed table, or NULL. */
extern const char *cmig_table_type(const CmigObject *table);

/*
 * Add NOT OF to the first statements, and OF to the last ones, of a table that
 * is typed.
 */
extern void cmig_table_untype(struct CmigAlter *alter);

/* Are both tables typed, by the same type? */
extern bool cmig_table_keeps_type(const CmigObject *from, const CmigObject *to);

/* The parent table's column from which this column is inherited, or NULL. */
extern const CmigObject *cmig_column_parent(const CmigObject *column);

extern bool cmig_column_is_not_null(const CmigObject *column);

/*
 * A column may be added or dropped together with the parent's column, or with
 * an attribute of the table's type. Returns the statements, a list of CmigDdl,
 * for properties that differ from theirs: NOT NULL, or no default.
 */
extern List *cmig_column_deviations(const CmigObject *column, bool add);

/* The partitioned table to which a partition is attached. */
extern const char *cmig_partition_of(const CmigObject *partition);

/* The printed definition of a constraint. */
extern const char *cmig_constraint_text(const CmigObject *constraint);

/*
 * The qualified name of the partitioned table's index to which an index, or
 * the index of a constraint, is attached, or NULL.
 */
extern const char *cmig_index_parent(const CmigObject *object);

extern const char *cmig_constraint_attached(const CmigObject *constraint);

/*
 * Is it the invalid index of a partitioned table that only some of the
 * partitions have?
 */
extern bool cmig_index_is_partial(const CmigObject *index);

/* The printed definition of an index or a constraint. */
extern const char *cmig_index_definition(const CmigObject *object);

/*
 * Three functions for forced row security: does the table have it, does this
 * statement change it, and remove it from the table's properties.
 */
extern bool cmig_table_is_forced(const CmigObject *table);
extern bool cmig_table_is_force_statement(const struct CmigDdl *ddl);
extern void cmig_table_set_unforced(CmigObject *table);

/* "name type DEFAULT ... NOT NULL" */
extern void cmig_column_definition(StringInfo buf, const CmigObject *column);

/*
 * Change a column to the type that replaces another type of the same name; the
 * replaced type has a temporary name during the change.
 */
extern struct CmigDdl *cmig_column_retype(const CmigObject *column, const CmigObject *from,
										  const CmigObject *to, const char *away);

/*
 * The statement that changes a column to text, or to the default collation,
 * while its type or collation is dropped; the undo changes it back.
 */
extern struct CmigDdl *cmig_column_detour(const CmigObject *column, bool collation);

/* The printed type of a column. */
extern const char *cmig_column_type(const CmigObject *column);

/* "CONSTRAINT name CHECK (...)" */
extern void cmig_constraint_definition(StringInfo buf, const CmigObject *constraint);

/*
 * Add SET and RESET for the options "a='b', c='d'" of the object that the
 * reference names.
 */
extern void cmig_options_alter(struct CmigAlter *alter, int property,
							   const char *reference, const char *prefix);

#endif							/* CMIG_KIND_TABLE_H */
