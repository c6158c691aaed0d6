/*
 * rls_variant.h
 *	  Texts that functions in an expression may map to the same value.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_VARIANT_H
#define CMIG_RLS_VARIANT_H

#include "postgres.h"
#include "rls/rls_hints.h"

/*
 * Keys for the context besides the usual one, of char *: the results of the
 * functions for it.
 */
extern List *cmig_rls_variant_owns(const CmigRlsHints *hints, const char *own);

/*
 * Strangers' keys that a function in the expression may map to the same value
 * as the tenant's key, of char *.  few: without variants that differ by single
 * characters.
 */
extern List *cmig_rls_variant_strangers(const CmigRlsHints *hints, const char *own, bool few);

#endif							/* CMIG_RLS_VARIANT_H */
