/*
 * listing.c
 *	  Formats lists for messages.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"

void
cmig_listing_init(CmigListing *listing, CmigListingStyle style)
{
	listing->style = style;
	listing->count = 0;
	initStringInfo(&listing->text);
}

/*
 * Count an item.  If the caller must write the item, writes the separator and
 * returns true.
 */
static bool
start_item(CmigListing *listing)
{
	if (listing->count++ >= CMIG_LISTING_MAX)
		return false;
	if (listing->count > 1)
		appendStringInfoString(&listing->text,
							   listing->style == CMIG_LISTING_LINES ? "\n" : ", ");
	return true;
}

void
cmig_listing_add(CmigListing *listing, const char *item)
{
	if (start_item(listing))
		appendStringInfo(&listing->text,
						 listing->style == CMIG_LISTING_QUOTED ? "\"%s\"" : "%s", item);
}

void
cmig_listing_add_format(CmigListing *listing, const char *format,...)
{
	if (!start_item(listing))
		return;
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&listing->text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&listing->text, needed);
	}
}

char *
cmig_listing_text(CmigListing *listing)
{
	int			left = listing->count - CMIG_LISTING_MAX;

	if (left > 0)
		appendStringInfo(&listing->text,
						 listing->style == CMIG_LISTING_LINES ? "\nAnd %d more." : " and %d more", left);
	return listing->text.data;
}
