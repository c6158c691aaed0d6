/*
 * pack.h
 *	  Many small pieces of memory that are freed together.
 *
 * Pure.  A piece has no header, so thousands of ids and scripts take half the
 * memory that a palloc for each would.  A piece cannot be freed by itself, but
 * only with the memory context in which it was allocated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PACK_H
#define CMIG_PACK_H

#include "postgres.h"

/* Initialized with zeros. */
typedef struct CmigPack
{
	char	   *next;			/* free memory of the current block */
	Size		left;			/* its size */
} CmigPack;

/* Aligned as palloc does, not zeroed. */
extern void *cmig_pack_alloc(CmigPack *pack, Size size);

/* A NUL-terminated copy of length bytes. */
extern char *cmig_pack_string(CmigPack *pack, const char *text, Size length);

#endif							/* CMIG_PACK_H */
