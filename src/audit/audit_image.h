/*
 * audit_image.h
 *	  Converts row images in the log (the jsonb values in old_row and
 *	  new_row) to rows of a table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_IMAGE_H
#define CMIG_AUDIT_IMAGE_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

/* The information that is needed to convert images to a table's rows. */
typedef struct CmigAuditImages
{
	Oid			relation;
	Oid			role;			/* the role that runs the types' code */
	List	   *key_columns;	/* of char *: the current names of the key
								 * columns */
	TimestampTz at;				/* the time as of which rows are requested */
	MemoryContext context;		/* memory context for data that outlives a row */
	FmgrInfo	populate;		/* jsonb_populate_record() for the table's row
								 * type */
	Datum		image;			/* the image that is being converted, or 0 */
} CmigAuditImages;

/* Initialize *images for a table, in the current memory context. */
extern void cmig_audit_image_init(CmigAuditImages *images, Oid relation, Oid owner,
								  List *key_columns, TimestampTz at);

/* Convert an image to a row, without the caller's privileges. */
extern Datum cmig_audit_image_row(CmigAuditImages *images, Datum image);

/*
 * Call work(arg), which converts images to rows.  If an image does not fit the
 * table's current columns, the error names the row and the column.
 */
extern void cmig_audit_image_explain(CmigAuditImages *images, void (*work) (void *arg),
									 void *arg);

#endif							/* CMIG_AUDIT_IMAGE_H */
