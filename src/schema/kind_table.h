/*
 * kind_table.h
 *	  What columns and constraints give to the statement that makes their table.
 *
 * Pure.
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

/* Are both tables typed, by the same type? */
extern bool cmig_table_keeps_type(const CmigObject *from, const CmigObject *to);

/*
 * The statement that adds or removes the NOT NULL of a typed table's column,
 * or NULL if it has none.
 */
extern struct CmigDdl *cmig_column_not_null(const CmigObject *column, bool add);

/* The printed definition of a constraint. */
extern const char *cmig_constraint_text(const CmigObject *constraint);

/* "name type DEFAULT ... NOT NULL" */
extern void cmig_column_definition(StringInfo buf, const CmigObject *column);

/*
 * Change a column to the type that replaces another type of the same name; the
 * replaced type has a temporary name during the change.
 */
extern struct CmigDdl *cmig_column_retype(const CmigObject *column, const CmigObject *from,
										  const CmigObject *to, const char *away);

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
