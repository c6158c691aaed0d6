/*
 * related.h
 *	  Finds relations that are locked together with another relation, according
 *	  to the catalogs.
 *
 * All results are lists of OIDs.  No locks are taken on user relations.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RELATED_H
#define CMIG_RELATED_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* Returns the relation and all its descendants (children or partitions). */
extern List *cmig_related_children(Oid relation);

/* Returns the relation and its direct children. */
extern List *cmig_related_direct_children(Oid relation);

/* Returns the tables of a composite type, given the type's relation. */
extern List *cmig_related_typed(Oid type_relation);

/* Returns the table's indexes. */
extern List *cmig_related_indexes(Oid table);

/* Returns the sequences owned by the table's columns. */
extern List *cmig_related_sequences(Oid table);

/* Returns the sequence of an identity column. */
extern List *cmig_related_identity(Oid table, const char *column);

/*
 * Does the table have the access method "method"?  NULL means the default
 * method.
 */
extern bool cmig_related_has_method(Oid table, const char *method);

/* A callback for an object owned by a role. */
typedef void (*CmigRelatedOwned) (const ObjectAddress *object, void *arg);

/*
 * Call the callback for each object in this database that is owned by the role.
 */
extern void cmig_related_owned(Oid role, CmigRelatedOwned callback, void *arg);

/*
 * Returns the tables whose policies name the role.  DROP OWNED changes these
 * policies.
 */
extern List *cmig_related_policed(Oid role);

/* Returns the tables listed in a publication. */
extern List *cmig_related_published(const char *publication);

/* Returns the index's table, or InvalidOid if the relation is not an index. */
extern Oid	cmig_related_table(Oid index);

/* Returns a partition's parent and the parent's default partition. */
extern List *cmig_related_parent(Oid partition);

/* Returns the table's default partition. */
extern List *cmig_related_default(Oid table);

/* Returns the relations that a view reads, directly or through other views. */
extern List *cmig_related_viewed(Oid view);

/*
 * Returns the given tables and all tables that have foreign keys to them,
 * directly or indirectly.
 */
extern List *cmig_related_referencing(List *tables);

/* Returns the tables that have foreign keys to the table. */
extern List *cmig_related_keys(Oid table);

/* Returns the tables that the table's foreign keys reference. */
extern List *cmig_related_referenced(Oid table);

/* Returns the tables that have columns of the type. */
extern List *cmig_related_with_type(Oid type);

/*
 * Returns the relations that are locked when a column's type changes, except
 * for the table itself.  "converts" is true if the statement has a USING
 * clause.
 */
extern List *cmig_related_retyped(Oid table, const char *column, const TypeName *type, bool converts);

/*
 * If the constraint is a foreign key, returns a list of the table that it
 * references.  Otherwise, returns NIL.
 */
extern List *cmig_related_validated(Oid table, const char *constraint);

#endif							/* CMIG_RELATED_H */
