/*
 * lint_facts.h
 *	  Reads facts about the live database's relations for cmig.lint.
 *
 * Only catalogs and file sizes are read.  No relation lock is kept, nothing
 * waits for a lock, and no user-defined code is called.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_FACTS_H
#define CMIG_LINT_FACTS_H

#include "postgres.h"
#include "lint/lint_model.h"

/* Returns a relation's OID, or InvalidOid if the relation does not exist. */
extern Oid	cmig_lint_facts_find(const char *schema, const char *name);

/*
 * Returns a description of a relation in the current memory context, with empty
 * lists.  Returns NULL if the relation does not exist.
 */
extern CmigLintTable *cmig_lint_facts_read(Oid relation);

/* Fill in the lists of a table: its columns, constraints, and indexes. */
extern void cmig_lint_facts_load(CmigLintTable *table);

/* Does any role have default privileges in the database? */
extern bool cmig_lint_facts_has_default_privileges(void);

/*
 * Returns GRANT commands, separated by semicolons, that copy a relation's
 * privileges to the relation called "name".  The owner's privileges are left
 * out.
 */
extern char *cmig_lint_facts_grants(Oid relation, const char *name);

#endif							/* CMIG_LINT_FACTS_H */
