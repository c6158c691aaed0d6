/*
 * rls_variant.h
 *	  Texts that a function of an expression may make equal.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_VARIANT_H
#define CMIG_RLS_VARIANT_H

#include "postgres.h"
#include "rls/rls_hints.h"

/* Keys for the context besides the usual one, of char *: what functions make of it. */
extern List *cmig_rls_variant_owns(const CmigRlsHints *hints, const char *own);

/*
 * Other keys that a function of the expression may take for the own one, of
 * char *; few: without those that come of single characters.
 */
extern List *cmig_rls_variant_strangers(const CmigRlsHints *hints, const char *own, bool few);

#endif							/* CMIG_RLS_VARIANT_H */
