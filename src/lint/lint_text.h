/*
 * lint_text.h
 *	  Formats names for messages and fixes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_TEXT_H
#define CMIG_LINT_TEXT_H

#include "postgres.h"
#include "lint/lint_model.h"
#include "nodes/parsenodes.h"

/*
 * Returns a relation's name for messages, quoted as in SQL and without the
 * schema public.
 */
extern char *cmig_lint_text_name(const CmigLintTable *table);

/*
 * Returns a relation's name with its size, as in "t (about 300 rows, 24 kB, 2
 * indexes)".
 */
extern char *cmig_lint_text_table(const CmigLintTable *table);

/* Returns a relation's qualified and quoted name. */
extern char *cmig_lint_text_qualified(const CmigLintTable *table);

/*
 * Returns a relation's name, qualified only if it is qualified in the
 * statement, and quoted if necessary.
 */
extern char *cmig_lint_text_range_var(const RangeVar *name);

/* Returns quoted names, separated by commas. */
extern char *cmig_lint_text_names(List *names);

#endif							/* CMIG_LINT_TEXT_H */
