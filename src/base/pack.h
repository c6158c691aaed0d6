/*
 * pack.h
 *	  Allocates many small pieces of memory that are freed together.
 *
 * A piece has no header, so thousands of ids and scripts take half the memory
 * that individual palloc calls would need.  A piece cannot be freed by itself;
 * it is freed with the memory context in which it was allocated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PACK_H
#define CMIG_PACK_H

#include "postgres.h"

/* The state of an allocator.  Initialize it with zeros. */
typedef struct CmigPack
{
	char	   *next;			/* free memory of the current block */
	Size		left;			/* number of bytes at "next" */
} CmigPack;

/* Returns memory that is aligned like palloc's.  The memory is not zeroed. */
extern void *cmig_pack_alloc(CmigPack *pack, Size size);

/* Returns a NUL-terminated copy of the first "length" bytes of "text". */
extern char *cmig_pack_string(CmigPack *pack, const char *text, Size length);

#endif							/* CMIG_PACK_H */
