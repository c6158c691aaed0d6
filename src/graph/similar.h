/*
 * similar.h
 *	  Names that are similar to a mistyped one, for "Did you mean ...?". Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SIMILAR_H
#define CMIG_SIMILAR_H

#include "postgres.h"

/* The number of similar names that an error suggests. */
#define CMIG_MAX_SIMILAR 3

/* The search for names that are close to one. */
typedef struct CmigSimilar
{
	const char *name;			/* the mistyped one */
	int			length;
	int			best;			/* the shortest distance so far */
	int			count;
	const char *nearest[CMIG_MAX_SIMILAR];	/* those at that distance */
} CmigSimilar;

/* Begin the search; returns false if nothing can be similar to the name. */
extern bool cmig_similar_begin(CmigSimilar *similar, const char *name);

/* Consider a candidate, which must live until the end of the search. */
extern void cmig_similar_add(CmigSimilar *similar, const char *candidate);

/* The nearest candidates, quoted: "a", "b" or "c"; NULL if none is near. */
extern char *cmig_similar_text(const CmigSimilar *similar);

#endif							/* CMIG_SIMILAR_H */
