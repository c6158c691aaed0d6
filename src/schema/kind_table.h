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

/* Options in SQL, "a='b', c='d'", of a text[] expression in a query. */
#define CMIG_OPTIONS_SQL(array) \
	"(SELECT string_agg(quote_ident(split_part(o, '=', 1)) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', '" \
	" ORDER BY i) FROM unnest(" array ") WITH ORDINALITY AS u (o, i) WHERE o !~ '^pg_attver=')"

/* Does the table exist only as part of another, which has its columns? */
extern bool cmig_table_is_partition(const CmigObject *table);

/* Is a column part of the table's partition key, so that its type stays? */
extern bool cmig_table_is_key(const CmigObject *table, const char *column);

/*
 * Is what a table inherited, or will inherit, from a table that is its parent
 * in both images?
 */
struct CmigImage;
extern bool cmig_table_keeps_inheriting(const struct CmigImage *from, const struct CmigImage *to,
										const CmigObject *object);

/* Has it partitions, so that much cannot be done concurrently? */
extern bool cmig_table_is_partitioned(const CmigObject *table);

/* The printed definition of a constraint. */
extern const char *cmig_constraint_text(const CmigObject *constraint);

/* "name type DEFAULT ... NOT NULL" */
extern void cmig_column_definition(StringInfo buf, const CmigObject *column);

/*
 * Let a column have the type that replaces one of the same name, which is
 * called otherwise meanwhile.
 */
struct CmigDdl;
extern struct CmigDdl *cmig_column_retype(const CmigObject *column, const CmigObject *from,
										  const CmigObject *to, const char *away);

/* The printed type of a column. */
extern const char *cmig_column_type(const CmigObject *column);

/* "CONSTRAINT name CHECK (...)" */
extern void cmig_constraint_definition(StringInfo buf, const CmigObject *constraint);

/* Change "a='b', c='d'" of what reference names: SET and RESET. */
struct CmigAlter;
extern void cmig_options_alter(struct CmigAlter *alter, int property,
							   const char *reference, const char *prefix);

#endif							/* CMIG_KIND_TABLE_H */
