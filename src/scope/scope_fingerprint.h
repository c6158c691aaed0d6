/*
 * scope_fingerprint.h
 *	  Fingerprints of schemas, which are read quickly.
 *
 * A fingerprint is a hash of the rows that describe a schema in the system
 * catalogs.  If two schemas have the same fingerprint, they have the same
 * objects with the same properties, apart from the schema's name.  Two schemas
 * that have different fingerprints can be equal, too: for example, a dropped
 * column makes a difference.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_FINGERPRINT_H
#define CMIG_SCOPE_FINGERPRINT_H

#include "postgres.h"
#include "scope/scope_row.h"

typedef struct CmigFingerprint
{
	bool		is_known;		/* false if the schema contains objects that
								 * are not supported here */
	uint64		sum[2];
} CmigFingerprint;

/* What is needed to compute fingerprints. */
typedef struct CmigFingerprints CmigFingerprints;

/*
 * Call cmig_scope_fingerprint_begin() before computing fingerprints, and
 * cmig_scope_fingerprint_end() afterwards.  The options must stay valid.
 */
extern CmigFingerprints *cmig_scope_fingerprint_begin(const CmigScopeOptions *options);
extern void cmig_scope_fingerprint_end(CmigFingerprints *fingerprints);

/*
 * Returns the fingerprint of the schema with this name.  Changes of the current
 * transaction are seen after CommandCounterIncrement().
 */
extern CmigFingerprint cmig_scope_fingerprint(CmigFingerprints *fingerprints, const char *schema);

/* Are both known and the same? */
extern bool cmig_scope_fingerprint_same(const CmigFingerprint *a, const CmigFingerprint *b);

#endif							/* CMIG_SCOPE_FINGERPRINT_H */
