/*
 * order.h
 *	  In which order the changes between two images can be made.
 *
 * Pure.  A change that drops and makes again is two nodes.  What depends on
 * something is dropped before it and made after it; where that is a cycle, what
 * was to be part of a statement is made by one of its own.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_H
#define CMIG_ORDER_H

#include "postgres.h"
#include "schema/compare.h"

typedef enum CmigNodeType
{
	CMIG_NODE_AWAY,				/* the old one gets another name */
	CMIG_NODE_DROP,
	CMIG_NODE_ALTER,
	CMIG_NODE_CREATE,
	CMIG_NODE_UNSUPPORTED
} CmigNodeType;

typedef struct CmigNode
{
	CmigNodeType type;
	CmigChange *change;
} CmigNode;

/* An array of *count nodes in order; sets folded of the objects. */
extern CmigNode *cmig_order(CmigDifference *difference, int *count);

#endif							/* CMIG_ORDER_H */
