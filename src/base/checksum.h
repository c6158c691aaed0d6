/*
 * checksum.h
 *	  Computes SHA-256 checksums.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHECKSUM_H
#define CMIG_CHECKSUM_H

#include "postgres.h"
#include "common/cryptohash.h"

/* The number of hexadecimal digits in a checksum. */
#define CMIG_CHECKSUM_DIGITS 64

/*
 * Start a checksum.  The state is freed by cmig_checksum_finish() or, after an
 * error, at the end of the transaction.
 */
extern pg_cryptohash_ctx *cmig_checksum_start(void);

/* Add bytes to a checksum. */
extern void cmig_checksum_add(pg_cryptohash_ctx *checksum, const char *bytes, Size count);

/* Returns the checksum as hexadecimal digits. */
extern char *cmig_checksum_finish(pg_cryptohash_ctx *checksum);

#endif							/* CMIG_CHECKSUM_H */
