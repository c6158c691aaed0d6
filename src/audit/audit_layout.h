/*
 * audit_layout.h
 *	  What audited tables are and were called, and their columns.
 *
 * cmig_audit.layout has a row for each state of an audited table's names: its
 * schema, name, oid, the numbers of its columns by name, the columns of its
 * key, and its owner.  It is written when a change is logged under names that are not
 * the last recorded ones.  With it old entries stay readable.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_LAYOUT_H
#define CMIG_AUDIT_LAYOUT_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

typedef struct CmigAuditLayout
{
	TimestampTz recorded_at;
	Oid			relation;
	char	   *schema_name;
	char	   *table_name;
	Jsonb	   *columns;		/* names and numbers */
	List	   *key_columns;	/* of char *; NIL when the row is the key */
	List	   *key_kinds;		/* of char *, for each of them; NIL where they
								 * are not known */
	char	   *owner;			/* NULL where they are not known */
	char	   *database;		/* in which relation is an oid */
} CmigAuditLayout;

/* This database, also told apart from one of another server. */
extern char *cmig_audit_layout_database(void);

/*
 * Are the numbers of a layout's columns those of a relation?  The oid alone
 * says nothing after a dump was restored in another database.
 */
extern bool cmig_audit_layout_is_of(const CmigAuditLayout *layout, Oid relation,
									const char *database);

/* The columns that tell a table's rows apart: of char *, NIL if there are none. */
extern List *cmig_audit_layout_key(Relation relation);

/*
 * What the values of a relation's columns are in jsonb: "number", "boolean",
 * "string" if it is plain text, and else the name of the type.  Values of
 * types of one kind look alike.
 */
extern List *cmig_audit_layout_kinds(Relation relation, List *columns);

/*
 * Record the layout of relation as table_id's, unless it is the last one
 * recorded.  Runs as the log's owner.  Raises an error when the id belongs
 * to another table: one that still exists, or one that is gone and was not
 * the caller's table restored from a dump.
 */
extern void cmig_audit_layout_record(int32 table_id, Relation relation, Oid log_owner);

/* All layouts of a table, the oldest first. */
extern List *cmig_audit_layout_read(int32 table_id);

/*
 * The id under which a table is or was audited, 0 if it never was: by its
 * oid and its name, or its owner in this database; for tables that are gone by
 * the name alone (the last that had it).
 */
extern int32 cmig_audit_layout_find(Oid relation, const char *schema_name,
									const char *table_name);

/* A new id. */
extern int32 cmig_audit_layout_new_id(void);

#endif							/* CMIG_AUDIT_LAYOUT_H */
