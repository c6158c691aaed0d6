/*
 * column_identity.h
 *	  A column's identity: its clause, its sequence, and how they change.
 *
 * kind_column.c reads the identity together with the column's other
 * properties.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLUMN_IDENTITY_H
#define CMIG_COLUMN_IDENTITY_H

#include "postgres.h"
#include "kinds/kind.h"

/*
 * A column's identity.  The strings are NULL if the column has no identity.
 * The strings that describe the sequence are also NULL for a partition that
 * shares the partitioned table's sequence.
 */
typedef struct CmigColumnIdentity
{
	const CmigObject *column;
	const char *type;			/* the column's type */
	const char *generated;		/* ALWAYS or BY DEFAULT */
	const char *options;		/* the options in the clause of CREATE TABLE */
	const char *sequence;		/* qualified name of the sequence */
	const char *name;			/* unqualified name of the sequence */
	const char *persistence;	/* LOGGED, UNLOGGED, or NULL if the sequence
								 * has the table's persistence */
	const char *settings;		/* the options that ALTER COLUMN can set, one
								 * per line */
} CmigColumnIdentity;

/*
 * The end of a subquery that reads the sequence of the identity column "a" of
 * the table "c".
 */
#define CMIG_COLUMN_IDENTITY_FROM_SQL \
	" FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_class sc ON sc.oid = s.seqrelid" \
	" JOIN pg_namespace sn ON sn.oid = sc.relnamespace" \
	" CROSS JOIN LATERAL (SELECT CASE s.seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 ELSE -9223372036854775808 END AS low," \
	"  CASE s.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS high) l" \
	" WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum" \
	" AND d.classid = 'pg_class'::regclass AND d.deptype = 'i')"

/*
 * The identity options that differ from PostgreSQL's defaults for an
 * identity column of this type.
 */
#define CMIG_COLUMN_IDENTITY_OPTIONS_SQL \
	"(SELECT concat_ws(' '," \
	"  CASE WHEN sc.relname <> c.relname || '_' || a.attname || '_seq' OR sc.relnamespace <> c.relnamespace" \
	"   THEN format('SEQUENCE NAME %I.%I', sn.nspname, sc.relname) END," \
	"  CASE WHEN sc.relpersistence <> c.relpersistence THEN CASE sc.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END END," \
	"  CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN 'START WITH ' || s.seqstart END," \
	"  CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement END," \
	"  CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE l.low END THEN 'MINVALUE ' || s.seqmin END," \
	"  CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN l.high ELSE -1 END THEN 'MAXVALUE ' || s.seqmax END," \
	"  CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END," \
	"  CASE WHEN s.seqcycle THEN 'CYCLE' END)" \
	CMIG_COLUMN_IDENTITY_FROM_SQL

/*
 * The options that ALTER COLUMN can set, one per line, in a form that does
 * not depend on the type.
 */
#define CMIG_COLUMN_IDENTITY_SETTINGS_SQL \
	"(SELECT concat_ws(E'\n'," \
	"  'INCREMENT BY ' || s.seqincrement," \
	"  CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE l.low END THEN 'MINVALUE ' || s.seqmin ELSE 'NO MINVALUE' END," \
	"  CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN l.high ELSE -1 END THEN 'MAXVALUE ' || s.seqmax ELSE 'NO MAXVALUE' END," \
	"  'START WITH ' || s.seqstart," \
	"  'CACHE ' || s.seqcache," \
	"  CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END)" \
	CMIG_COLUMN_IDENTITY_FROM_SQL

/* Append "GENERATED ... AS IDENTITY", with the sequence options. */
extern void cmig_column_identity_append(StringInfo buf, const CmigColumnIdentity *identity);

/*
 * Returns the statement that adds, changes, or drops the identity.  The
 * sequence of a new identity column continues after the existing values,
 * unless the sequence has options.  "name" is the name that the sequence has
 * when the statement runs.
 */
extern char *cmig_column_identity_sql(const CmigColumnIdentity *from, const CmigColumnIdentity *to, const char *name);

/*
 * For a sequence that is kept, add the statements that change its name and, if
 * "persistence" is true, its persistence.
 */
extern void cmig_column_identity_alter(CmigAlter *alter, const CmigColumnIdentity *from,
									   const CmigColumnIdentity *to, bool persistence);

/*
 * Returns the statement that sets the persistence of the sequence, or NULL if
 * it has the same persistence as the table.
 */
extern char *cmig_column_identity_persistence(const CmigColumnIdentity *identity);

#endif							/* CMIG_COLUMN_IDENTITY_H */
