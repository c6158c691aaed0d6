/*
 * lint_facts.h
 *	  What the live database tells cmig.lint about its relations.
 *
 * Only the catalogs and the sizes of files are read. No relation stays locked,
 * nothing waits for a lock, and no user-defined code runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_FACTS_H
#define CMIG_LINT_FACTS_H

#include "postgres.h"
#include "inspect/lint_model.h"

/* The OID of a relation, or InvalidOid. */
extern Oid	cmig_lint_facts_find(const char *schema, const char *name);

/*
 * A relation, without the lists, in the current memory context; NULL if it
 * does not exist, or no longer does.
 */
extern CmigLintTable *cmig_lint_facts_read(Oid relation);

/* Fill its lists. */
extern void cmig_lint_facts_load(CmigLintTable *table);

/* The table of an index. */
extern Oid	cmig_lint_facts_index_table(Oid index);

/* The OIDs of the other tables that have foreign keys to these tables. */
extern List *cmig_lint_facts_referencing(List *tables);

/* The OIDs of the tables in a schema, or with InvalidOid, in the database. */
extern List *cmig_lint_facts_tables_in(Oid schema);

/* The OIDs of the tables that have columns of a type or of its array type. */
extern List *cmig_lint_facts_tables_with_type(Oid type);

/* Does any table have a column whose type is the relation's row type? */
extern bool cmig_lint_facts_type_is_used(Oid relation);

/* Does anybody have default privileges in the database? */
extern bool cmig_lint_facts_has_default_privileges(void);

/*
 * GRANT commands, separated by semicolons, that copy the privileges on a
 * relation, except for its owner's, to a relation of another name.
 */
extern char *cmig_lint_facts_grants(Oid relation, const char *name);

/*
 * The OIDs of a table and of all tables from which it inherits or of which it
 * is a partition.
 */
extern List *cmig_lint_facts_ancestors(Oid table);

/* The columns of a partition key, as far as they are columns: char *. */
extern List *cmig_lint_facts_partition_key(Oid table);

/* The partitions of a table, without theirs: OIDs, in no order that matters. */
extern List *cmig_lint_facts_partitions(Oid table);

/* The default partition of a table, or InvalidOid. */
extern Oid	cmig_lint_facts_default_partition(Oid table);

#endif							/* CMIG_LINT_FACTS_H */
