/*
 * checksum.c
 *	  Computes SHA-256 checksums.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/checksum.h"

#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Raise an error if a step of the computation failed. */
static void
require_success(int status)
{
	if (status < 0)
		elog(ERROR, "could not compute a SHA-256 checksum");
}

pg_cryptohash_ctx *
cmig_checksum_start(void)
{
	pg_cryptohash_ctx *checksum = pg_cryptohash_create(PG_SHA256);

	require_success(checksum != NULL ? pg_cryptohash_init(checksum) : -1);
	return checksum;
}

void
cmig_checksum_add(pg_cryptohash_ctx *checksum, const char *bytes, Size count)
{
	require_success(pg_cryptohash_update(checksum, (const uint8 *) bytes, count));
}

char *
cmig_checksum_finish(pg_cryptohash_ctx *checksum)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *result = palloc0(CMIG_CHECKSUM_DIGITS + 1);

	StaticAssertStmt(CMIG_CHECKSUM_DIGITS == 2 * PG_SHA256_DIGEST_LENGTH,
					 "a byte is two hexadecimal digits");
	require_success(pg_cryptohash_final(checksum, digest, sizeof(digest)));
	pg_cryptohash_free(checksum);
	(void) hex_encode((const char *) digest, sizeof(digest), result);
	return result;
}
