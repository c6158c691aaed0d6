/*
 * pack.c
 *	  Allocates many small pieces of memory that are freed together.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/pack.h"

#include "utils/memutils.h"

#define BLOCK_SIZE ((Size) 32 * 1024)

void *
cmig_pack_alloc(CmigPack *pack, Size size)
{
	void	   *piece;

	size = MAXALIGN(size);
	if (size > BLOCK_SIZE / 8)
		return palloc_extended(size, MCXT_ALLOC_HUGE);
	if (size > pack->left)
	{
		pack->next = palloc(BLOCK_SIZE);
		pack->left = BLOCK_SIZE;
	}
	piece = pack->next;
	pack->next += size;
	pack->left -= size;
	return piece;
}

char *
cmig_pack_string(CmigPack *pack, const char *text, Size length)
{
	char	   *copy = cmig_pack_alloc(pack, length + 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}
