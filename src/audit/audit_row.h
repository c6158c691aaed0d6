/*
 * audit_row.h
 *	  Rows as jsonb, exactly as to_jsonb(row) has them but cheaper.
 *
 * A CmigAuditShape says which columns of a table are shown and how.  A change
 * is encoded column by column into pieces; images are put together from the
 * pieces, so that a value that did not change is read and encoded once for
 * both images.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_ROW_H
#define CMIG_AUDIT_ROW_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* What stands for a value that is hidden; a hash adds ":" and 64 hex digits. */
#define CMIG_AUDIT_REDACTED "[redacted]"

typedef enum CmigAuditHide
{
	CMIG_AUDIT_SHOW,
	CMIG_AUDIT_REDACT,			/* a constant */
	CMIG_AUDIT_HASH				/* HMAC-SHA-256 of the value as text */
} CmigAuditHide;

typedef enum CmigAuditKind
{
	CMIG_AUDIT_BOOL,
	CMIG_AUDIT_INT2,
	CMIG_AUDIT_INT4,
	CMIG_AUDIT_INT8,
	CMIG_AUDIT_NUMERIC,
	CMIG_AUDIT_TEXT,
	CMIG_AUDIT_UUID,
	CMIG_AUDIT_DATETIME,
	CMIG_AUDIT_JSONB,
	CMIG_AUDIT_OUTPUT,			/* built-in types shown as a string */
	CMIG_AUDIT_GENERAL			/* to_jsonb() itself */
} CmigAuditKind;

typedef struct CmigAuditColumn
{
	const char *name;
	int			name_len;
	Datum		name_text;		/* the same as text */
	int			attno;			/* index into the slot's values, from 0 */
	Oid			type;			/* base type */
	int16		typlen;
	bool		byval;
	CmigAuditKind kind;
	CmigAuditHide hide;
	bool		in_key;
	bool		calls_out;		/* its type may bring a cast to json along */
	FmgrInfo	output;			/* output function or to_jsonb */
	FmgrInfo	plain_output;	/* of hashed columns: the type's own */
} CmigAuditColumn;

typedef struct CmigAuditShape
{
	int			count;
	CmigAuditColumn *columns;	/* in the order of jsonb's keys */
	bool		truncate;		/* mark values that are too large, or fail? */
	const char *hash_key;		/* of hashed columns */
	int			hash_key_len;
	Oid			owner;			/* of the table: runs casts to json */
} CmigAuditShape;

/* An encoded value: its JEntry type and its bytes. */
typedef struct CmigAuditPiece
{
	uint32		type;
	const char *data;
	Size		len;
	bool		aligned;		/* needs to start at a multiple of 4 */
	bool		done;
} CmigAuditPiece;

/*
 * Values are printed as under the server's own settings, whatever those of
 * the session are: who writes a table could else have them logged rounded, or
 * so that they are read back as others.  Returns the level for
 * AtEOXact_GUC(), 0 when nothing had to be set.
 */
extern int	cmig_audit_row_pin_output(void);

/* The same for those who read keys and images, which are in UTC for them. */
extern int	cmig_audit_row_pin_reader(void);

/* Fill in kind, functions and sizes of a column; memory is the current. */
extern void cmig_audit_row_column(CmigAuditColumn *column, Form_pg_attribute attribute);

/* Sort the columns into jsonb's order of keys. */
extern void cmig_audit_row_sort(CmigAuditShape *shape);

/* Encode one column's value into piece. */
extern void cmig_audit_row_encode(const CmigAuditShape *shape, CmigAuditColumn *column,
								  Datum value, bool isnull, CmigAuditPiece *piece);

/* Encode a timestamptz in UTC, whatever the session's time zone is. */
extern void cmig_audit_row_encode_utc(Datum value, CmigAuditPiece *piece);

/* Is the value of the column the same?  Reads no TOAST where it need not. */
extern bool cmig_audit_row_same(const CmigAuditColumn *column, Datum a, bool a_null,
								Datum b, bool b_null);

/*
 * The object of the columns for which chosen[i] holds (all if chosen is
 * NULL), from their pieces.
 */
extern Jsonb *cmig_audit_row_image(const CmigAuditShape *shape,
								   const CmigAuditPiece *pieces, const bool *chosen);

#endif							/* CMIG_AUDIT_ROW_H */
