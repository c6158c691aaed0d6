/*
 * listing.h
 *	  Formats lists for messages.
 *
 * Copyright (c) 2026, the pg_cmig developers
 *
 * Only the first items are written; the rest are counted: "a, b and 3 more".
 */
#ifndef CMIG_LISTING_H
#define CMIG_LISTING_H

#include "postgres.h"
#include "lib/stringinfo.h"

/* The maximum number of items that are written.  The rest are only counted. */
#define CMIG_LISTING_MAX 10

/* The format of a list. */
typedef enum CmigListingStyle
{
	CMIG_LISTING_PLAIN,			/* a, b and 3 more */
	CMIG_LISTING_QUOTED,		/* "a", "b" and 3 more */
	CMIG_LISTING_LINES			/* one item on each line, and "And 3 more." on
								 * the last one */
} CmigListingStyle;

/* A list that is being built. */
typedef struct CmigListing
{
	CmigListingStyle style;
	int			count;			/* number of items added */
	StringInfoData text;
} CmigListing;

extern void cmig_listing_init(CmigListing *listing, CmigListingStyle style);
extern void cmig_listing_add(CmigListing *listing, const char *item);

/* Add an item, formatted as by printf.  The format must include any quotes. */
extern void cmig_listing_add_format(CmigListing *listing, const char *format,...) pg_attribute_printf(2, 3);

/* Returns the whole list, palloc'd.  Call this once, after the last item. */
extern char *cmig_listing_text(CmigListing *listing);

#endif							/* CMIG_LISTING_H */
