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
 * Returns keys, other than "own", that the context can contain, as a List of
 * char *.  They are derived from "own", the tenant's usual key, and from the
 * arguments of functions in the expression.
 */
extern List *cmig_rls_variant_owns(const CmigRlsHints *hints, const char *own);

/*
 * Returns keys of strangers (other tenants), as a List of char *, that a
 * function in the expression may map to the same value as "own", the tenant's
 * key.  If "few" is true, variants with arbitrary single characters are left
 * out.
 */
extern List *cmig_rls_variant_strangers(const CmigRlsHints *hints, const char *own, bool few);

#endif							/* CMIG_RLS_VARIANT_H */
