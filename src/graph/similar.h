/*
 * similar.h
 *	  Finds names that are similar to a mistyped one, for "Did you mean ...?".
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SIMILAR_H
#define CMIG_SIMILAR_H

#include "postgres.h"

/* The maximum number of similar names that an error suggests. */
#define CMIG_MAX_SIMILAR 3

/* A search for names that are similar to a given one. */
typedef struct CmigSimilar
{
	const char *name;			/* the mistyped name */
	int			length;
	int			best;			/* the shortest distance so far */
	int			count;
	const char *nearest[CMIG_MAX_SIMILAR];	/* names at distance "best" */
} CmigSimilar;

/*
 * Begin a search.  Returns false if the name cannot be similar to any other.
 */
extern bool cmig_similar_begin(CmigSimilar *similar, const char *name);

/* Consider a candidate.  The string must outlive the search. */
extern void cmig_similar_add(CmigSimilar *similar, const char *candidate);

/*
 * Returns the closest candidates: "a", "b" or "c".  Returns NULL if none is
 * similar.
 */
extern char *cmig_similar_text(const CmigSimilar *similar);

#endif							/* CMIG_SIMILAR_H */
