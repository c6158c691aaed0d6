/*
 * audit_image.h
 *	  Rows of a table, made of the images that the log holds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_IMAGE_H
#define CMIG_AUDIT_IMAGE_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

typedef struct CmigAuditImages
{
	Oid			relation;
	Oid			owner;			/* of the table */
	List	   *key_columns;	/* of char *, as they are called now */
	TimestampTz at;				/* the time that was asked for */
	MemoryContext context;		/* holds what outlives a row */
	FmgrInfo	populate;		/* jsonb_populate_record() for its type */
	Datum		image;			/* that a row is being made of, else 0 */
} CmigAuditImages;

/* Fill in what is needed for a table; it lives in the current context. */
extern void cmig_audit_image_init(CmigAuditImages *images, Oid relation, Oid owner,
								  List *key_columns, TimestampTz at);

/* A row of an image, as the table's owner would make it. */
extern Datum cmig_audit_image_row(CmigAuditImages *images, Datum image);

/*
 * Call work, which makes rows.  When an image does not fit the table's columns
 * as they are now, the error tells of which row and column.
 */
extern void cmig_audit_image_explain(CmigAuditImages *images, void (*work) (void *arg),
									 void *arg);

#endif							/* CMIG_AUDIT_IMAGE_H */
