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

/* Does anybody have default privileges in the database? */
extern bool cmig_lint_facts_has_default_privileges(void);

/*
 * GRANT commands, separated by semicolons, that copy the privileges on a
 * relation, except for its owner's, to a relation of another name.
 */
extern char *cmig_lint_facts_grants(Oid relation, const char *name);

#endif							/* CMIG_LINT_FACTS_H */
