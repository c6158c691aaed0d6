/*
 * rls_variant.h
 *	  Generates strings that functions in an expression may map to the same
 *	  value.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_VARIANT_H
#define CMIG_RLS_VARIANT_H

#include "postgres.h"
#include "rls/rls_hints.h"

/*
 * Returns other keys that the context can contain, as a List of char *.  They
 * are derived from the tenant's usual key and the functions' arguments.
 */
extern List *cmig_rls_variant_owns(const CmigRlsHints *hints, const char *own);

/*
 * Returns keys of strangers, as a List of char *, that a function in the
 * expression may map to the same value as the tenant's key.  If "few" is true,
 * variants with arbitrary single characters are left out.
 */
extern List *cmig_rls_variant_strangers(const CmigRlsHints *hints, const char *own, bool few);

#endif							/* CMIG_RLS_VARIANT_H */
