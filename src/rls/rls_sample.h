/*
 * rls_sample.h
 *	  Sample values for trying policies: keys of one tenant and of other
 *	  tenants (strangers).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_SAMPLE_H
#define CMIG_RLS_SAMPLE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/* The form of a sample value's text, which must be valid for the key's type. */
typedef enum CmigRlsForm
{
	CMIG_RLS_FORM_TEXT,
	CMIG_RLS_FORM_NUMBER,
	CMIG_RLS_FORM_UUID
} CmigRlsForm;

/*
 * The owner of a sample value: CMIG_RLS_OWN for the tenant, or the number of a
 * stranger (another tenant).
 */
#define CMIG_RLS_OWN (-1)
#define CMIG_RLS_STRANGERS 3	/* number of strangers; sufficient for
								 * comparisons */
#define CMIG_RLS_MANY_STRANGERS 600 /* number of strangers; sufficient for
									 * prefixes, remainders, and one-byte
									 * hashes */

/* Returns true if only built-in code handles values of the type. */
extern bool cmig_rls_sample_is_builtin(Oid type);

/* Returns a sample value of the type, or NULL if there is none. */
extern Const *cmig_rls_sample(Oid type, CmigRlsForm form, int whose);

/* Returns a json or jsonb document that has a value at each of the paths. */
extern Const *cmig_rls_sample_document(Oid type, CmigRlsForm form, int whose, List *paths);

/*
 * cmig_rls_sample_const() returns a value of a built-in type, given as text
 * that is valid for the type.  cmig_rls_sample_null() returns a null of the
 * type.
 */
extern Const *cmig_rls_sample_const(Oid type, const char *text);
extern Const *cmig_rls_sample_null(Oid type);

/*
 * Returns "value" converted to another type, or NULL if its text is not valid
 * for that type.
 */
extern Const *cmig_rls_sample_cast(Oid type, const Const *value);

/* Returns the text of "value", or NULL if it is null. */
extern char *cmig_rls_sample_text(const Const *value);

#endif							/* CMIG_RLS_SAMPLE_H */
