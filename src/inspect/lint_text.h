/*
 * lint_text.h
 *	  Phrases of messages, and statements of fixes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_TEXT_H
#define CMIG_LINT_TEXT_H

#include "postgres.h"
#include "inspect/lint_model.h"
#include "nodes/parsenodes.h"

/*
 * The name of a relation for messages, quoted as in SQL and without the schema
 * public.
 */
extern char *cmig_lint_text_name(const CmigLintTable *table);

/* The same with its size: t (about 300 rows, 24 kB, 2 indexes). */
extern char *cmig_lint_text_table(const CmigLintTable *table);

/* The name for SQL, qualified and quoted. */
extern char *cmig_lint_text_qualified(const CmigLintTable *table);

/* The name as in the statement, quoted if necessary. */
extern char *cmig_lint_text_range_var(const RangeVar *name);

/* Quoted names, separated by commas. */
extern char *cmig_lint_text_names(List *names);

#endif							/* CMIG_LINT_TEXT_H */
