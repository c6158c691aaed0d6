/*
 * rls_sample.h
 *	  Values that the rows of one tenant and of others have, for trying policies.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_SAMPLE_H
#define CMIG_RLS_SAMPLE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/* What the texts of the samples look like, so that they can be cast. */
typedef enum CmigRlsForm
{
	CMIG_RLS_FORM_TEXT,
	CMIG_RLS_FORM_NUMBER,
	CMIG_RLS_FORM_UUID
} CmigRlsForm;

/* Whose value: the context's own, or that of a stranger by number. */
#define CMIG_RLS_OWN (-1)
#define CMIG_RLS_STRANGERS 3	/* enough for comparisons */
#define CMIG_RLS_MANY_STRANGERS 600 /* for prefixes, remainders, hashes of a
									 * byte */

/* Does a column of that name tell whose a row is? */

/* Does only the server's own code handle values of the type? */
extern bool cmig_rls_sample_is_builtin(Oid type);

/* A value of a type, or NULL when there is none for the type. */
extern Const *cmig_rls_sample(Oid type, CmigRlsForm form, int whose);

/* A document of type json or jsonb that has something at each of the paths. */
extern Const *cmig_rls_sample_document(Oid type, CmigRlsForm form, int whose, List *paths);

/* A text as a value of a built-in type; it must be valid for the type. */
extern Const *cmig_rls_sample_const(Oid type, const char *text);
extern Const *cmig_rls_sample_null(Oid type);

/* The value as another type's, or NULL when it does not look like one. */
extern Const *cmig_rls_sample_cast(Oid type, const Const *value);

/* NULL for null */
extern char *cmig_rls_sample_text(const Const *value);

#endif							/* CMIG_RLS_SAMPLE_H */
