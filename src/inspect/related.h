/*
 * related.h
 *	  Relations that are locked together with another one, by the catalogs.
 *
 * All results are lists of OIDs.  No lock on a user's relation is taken.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RELATED_H
#define CMIG_RELATED_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* The relation and all that inherit from it, on all levels. */
extern List *cmig_related_children(Oid relation);

/* The indexes of a table. */
extern List *cmig_related_indexes(Oid table);

/* The sequences that belong to its columns. */
extern List *cmig_related_sequences(Oid table);

/* The sequence of an identity column. */
extern List *cmig_related_identity(Oid table, const char *column);

/* Does the table have this access method, or with NULL, the default one? */
extern bool cmig_related_has_method(Oid table, const char *method);

/* The tables of a publication that it names. */
extern List *cmig_related_published(const char *publication);

/* The table of an index, InvalidOid if it is not one. */
extern Oid	cmig_related_table(Oid index);

/* The table of which it is a partition, and that table's default partition. */
extern List *cmig_related_parent(Oid partition);

/* Its default partition. */
extern List *cmig_related_default(Oid table);

/* What a view reads, also through other views. */
extern List *cmig_related_viewed(Oid view);

/* The tables and all that have foreign keys to them, directly or not. */
extern List *cmig_related_referencing(List *tables);

/* The tables to which it has foreign keys. */
extern List *cmig_related_referenced(Oid table);

/* The tables that have columns of a type. */
extern List *cmig_related_with_type(Oid type);

/* What a change of a column's type locks besides the table. */
extern List *cmig_related_retyped(Oid table, const char *column, const TypeName *type, bool converts);

/* The table that a foreign key refers to, if the constraint is one. */
extern List *cmig_related_validated(Oid table, const char *constraint);

#endif							/* CMIG_RELATED_H */
