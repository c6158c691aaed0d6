/*
 * audit_row.h
 *	  Converts rows to jsonb with the same result as to_jsonb(row), but faster.
 *
 * A CmigAuditShape specifies which columns of a table are shown, and how.  A
 * change is encoded column by column into pieces, from which the images are
 * assembled, so that a value that did not change is read and encoded only once
 * for both images.
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

/*
 * The text that replaces a hidden value.  For a hashed value, ":" and the hash
 * are inserted before the closing bracket.
 */
#define CMIG_AUDIT_REDACTED "[redacted]"

/* How the log shows a column. */
typedef enum CmigAuditHide
{
	CMIG_AUDIT_SHOW,
	CMIG_AUDIT_REDACT,			/* show CMIG_AUDIT_REDACTED instead */
	CMIG_AUDIT_HASH				/* show the HMAC-SHA-256 of the value's text */
} CmigAuditHide;

/* How the values of a column are encoded. */
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
	CMIG_AUDIT_OUTPUT,			/* built-in types that become a string */
	CMIG_AUDIT_GENERAL			/* converted by to_jsonb() itself */
} CmigAuditKind;

/* A column, and how its values are encoded. */
typedef struct CmigAuditColumn
{
	const char *name;
	int			name_len;
	Datum		name_text;		/* the name as a text datum */
	int			attno;			/* zero-based index into the slot's values */
	Oid			type;			/* base type */
	int16		typlen;
	bool		byval;
	CmigAuditKind kind;
	CmigAuditHide hide;
	bool		in_key;
	bool		calls_out;		/* may the type have a cast to json? */
	FmgrInfo	output;			/* output function or to_jsonb */
	FmgrInfo	plain_output;	/* for hashed columns: the type's output
								 * function */
} CmigAuditColumn;

/* The columns of a table that are logged. */
typedef struct CmigAuditShape
{
	int			count;
	CmigAuditColumn *columns;	/* in the order of jsonb's keys */
	bool		truncate;		/* replace values that are too large, instead
								 * of raising an error? */
	const char *hash_key;		/* the secret key for hashed columns */
	int			hash_key_len;
	Oid			owner;			/* the table's owner; see cmig_type_role() for
								 * the role that runs casts to json */
} CmigAuditShape;

/* An encoded value: its JEntry type and its bytes. */
typedef struct CmigAuditPiece
{
	uint32		type;
	const char *data;
	Size		len;
	bool		aligned;		/* must the value start at a multiple of 4? */
	bool		done;
} CmigAuditPiece;

/*
 * Pin settings so that values are printed as with the default settings.
 * Otherwise, a session's settings could round values, or log them in a form
 * that is read back as a different value.  Returns the level for
 * AtEOXact_GUC(), or 0 if nothing had to be set.
 */
extern int	cmig_audit_row_pin_output(void);

/* Pin settings for reading keys and images, with times in UTC. */
extern int	cmig_audit_row_pin_reader(void);

/*
 * Fill in everything about a column except hide and in_key, in the current
 * memory context.
 */
extern void cmig_audit_row_column(CmigAuditColumn *column, Form_pg_attribute attribute);

/* Sort the columns into jsonb's order of keys. */
extern void cmig_audit_row_sort(CmigAuditShape *shape);

/* Encode one column's value into *piece. */
extern void cmig_audit_row_encode(const CmigAuditShape *shape, CmigAuditColumn *column,
								  Datum value, bool isnull, CmigAuditPiece *piece);

/* Encode a timestamptz in UTC, regardless of the session's time zone. */
extern void cmig_audit_row_encode_utc(Datum value, CmigAuditPiece *piece);

/*
 * Returns true if "a" and "b" are the same value of the column.  TOAST values
 * are fetched only if this cannot be decided without them.
 */
extern bool cmig_audit_row_same(const CmigAuditColumn *column, Datum a, bool a_null,
								Datum b, bool b_null);

/*
 * Assemble the jsonb object of the columns for which chosen[i] is true, or of
 * all columns if "chosen" is NULL.
 */
extern Jsonb *cmig_audit_row_image(const CmigAuditShape *shape,
								   const CmigAuditPiece *pieces, const bool *chosen);

#endif							/* CMIG_AUDIT_ROW_H */
