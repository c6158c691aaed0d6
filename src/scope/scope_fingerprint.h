/*
 * scope_fingerprint.h
 *	  Computes fingerprints of schemas, which takes little time.
 *
 * A fingerprint is a hash of the rows that describe a schema in the system
 * catalogs.  Two schemas that have the same fingerprint have the same objects
 * with the same properties, apart from the schema's name.  Two schemas that
 * have different fingerprints might also be equal: for example, a dropped
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
								 * are not supported by this module */
	uint64		sum[2];
} CmigFingerprint;

/* The state for computing fingerprints. */
typedef struct CmigFingerprints CmigFingerprints;

/*
 * Call cmig_scope_fingerprint_begin() before computing fingerprints, and
 * cmig_scope_fingerprint_end() afterward.  *options must remain valid in
 * between.
 */
extern CmigFingerprints *cmig_scope_fingerprint_begin(const CmigScopeOptions *options);
extern void cmig_scope_fingerprint_end(CmigFingerprints *fingerprints);

/*
 * Returns the fingerprint of the schema with this name.  To include changes by
 * the current transaction, call CommandCounterIncrement() first.
 */
extern CmigFingerprint cmig_scope_fingerprint(CmigFingerprints *fingerprints, const char *schema);

/* Are both fingerprints known, and are they the same? */
extern bool cmig_scope_fingerprint_same(const CmigFingerprint *a, const CmigFingerprint *b);

#endif							/* CMIG_SCOPE_FINGERPRINT_H */
