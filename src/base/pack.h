/*
 * pack.h
 *	  Many small pieces of memory that live as long as one another.
 *
 * Pure.  A piece costs its size and no header, so that thousands of ids and
 * scripts take half of what a palloc for each would.  Pieces cannot be freed
 * alone; they go with the memory context that was current at their making.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PACK_H
#define CMIG_PACK_H

#include "postgres.h"

/* To begin with, all zero. */
typedef struct CmigPack
{
	char	   *next;
	Size		left;
} CmigPack;

/* Aligned as palloc does, not zeroed. */
extern void *cmig_pack_alloc(CmigPack *pack, Size size);

/* A copy of so many bytes with a NUL behind them. */
extern char *cmig_pack_string(CmigPack *pack, const char *text, Size length);

#endif							/* CMIG_PACK_H */
