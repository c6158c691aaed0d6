/*
 * lint_facts.h
 *	  What the live database tells cmig.lint about its relations.
 *
 * Only the catalogs are read, and the sizes of files.  No relation is locked
 * for longer than a moment, nothing waits for a lock, and no code of anybody
 * runs.
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
 * A relation, without the lists, in the current memory context; NULL if there
 * is none (any more).
 */
extern CmigLintTable *cmig_lint_facts_read(Oid relation);

/* Fill its lists. */
extern void cmig_lint_facts_load(CmigLintTable *table);

/* The table of an index. */
extern Oid	cmig_lint_facts_index_table(Oid index);

/* Tables with foreign keys to these tables that are not among them: OIDs. */
extern List *cmig_lint_facts_referencing(List *tables);

/* The tables of a schema, or, with InvalidOid, of the database: OIDs. */
extern List *cmig_lint_facts_tables_in(Oid schema);

/* The tables with columns of a type, or of arrays of it: OIDs. */
extern List *cmig_lint_facts_tables_with_type(Oid type);

/* Does a column of a table have the row type of a relation? */
extern bool cmig_lint_facts_type_is_used(Oid relation);

/* Does anybody have default privileges in the database? */
extern bool cmig_lint_facts_has_default_privileges(void);

/*
 * GRANT commands, separated by semicolons, that give a relation of another name
 * the privileges of others than the owner on this one.
 */
extern char *cmig_lint_facts_grants(Oid relation, const char *name);

/* A table and what it is a partition of or inherits from, upwards: OIDs. */
extern List *cmig_lint_facts_ancestors(Oid table);

#endif							/* CMIG_LINT_FACTS_H */
