/*
 * rls_candidate.h
 *	  Chooses the values to try in a column when a policy's expression is
 *	  evaluated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_CANDIDATE_H
#define CMIG_RLS_CANDIDATE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_trial_context.h"

/*
 * A value to try in a column.  "level" is how serious it is if rows of other
 * tenants with this value are visible.  "ordinary" is true if ordinary rows
 * have this value.
 */
typedef struct CmigRlsCandidate
{
	Const	   *value;
	CmigRlsLeakLevel level;
	bool		ordinary;
} CmigRlsCandidate;

/* Append a value to a list of CmigRlsCandidate. */
extern List *cmig_rls_candidate_add(List *candidates, Const *value, CmigRlsLeakLevel level, bool ordinary);

/*
 * Returns an ordinary value of the input's type, with which the expression
 * does not compare the column.  "whose" is CMIG_RLS_OWN for the tenant, or the
 * number of a stranger (another tenant).
 */
extern Const *cmig_rls_candidate_usual(const CmigRlsInput *input, int whose);

/*
 * Returns an empty array or an unbounded range as text, or NULL if the type is
 * neither an array nor a range type.
 */
extern const char *cmig_rls_candidate_boundless(Oid type);

/*
 * Returns the values (CmigRlsCandidate) to try in a column that is not a key.
 * "whose" is CMIG_RLS_OWN for a row of the tenant, or the number of a stranger
 * (another tenant).
 */
extern List *cmig_rls_candidates(const CmigRlsInput *input, int whose);

#endif							/* CMIG_RLS_CANDIDATE_H */
