/*
 * audit_image.h
 *	  Making rows of a table from images in the log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_IMAGE_H
#define CMIG_AUDIT_IMAGE_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

/* What is needed to make rows of a table. */
typedef struct CmigAuditImages
{
	Oid			relation;
	Oid			owner;			/* of the table */
	List	   *key_columns;	/* of char *, with their present names */
	TimestampTz at;				/* the rows are as of this time */
	MemoryContext context;		/* memory context for data that outlives a row */
	FmgrInfo	populate;		/* jsonb_populate_record() for its type */
	Datum		image;			/* seq of the entry that is being read, or 0 */
} CmigAuditImages;

/* Fill in what is needed for a table, in the current memory context. */
extern void cmig_audit_image_init(CmigAuditImages *images, Oid relation, Oid owner,
								  List *key_columns, TimestampTz at);

/* Make a row from an image, with the privileges of the table's owner. */
extern Datum cmig_audit_image_row(CmigAuditImages *images, Datum image);

/*
 * Call work, which makes rows.  If an image does not fit the present columns of
 * the table, the error names the row and the column.
 */
extern void cmig_audit_image_explain(CmigAuditImages *images, void (*work) (void *arg),
									 void *arg);

#endif							/* CMIG_AUDIT_IMAGE_H */
