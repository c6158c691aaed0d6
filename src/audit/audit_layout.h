/*
 * audit_layout.h
 *	  The names that audited tables and their columns have and had.
 *
 * cmig_audit.layout has a row for each state of an audited table: its schema,
 * name, oid, owner, the numbers of its columns by name, and the columns of its
 * key.  A row is added when a change is logged and the state differs from the
 * last one recorded.  So old entries can still be read after a rename.
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

/* One state of a table. */
typedef struct CmigAuditLayout
{
	TimestampTz recorded_at;	/* when this state was first seen */
	Oid			relation;
	char	   *schema_name;
	char	   *table_name;
	Jsonb	   *columns;		/* object of numbers by name */
	List	   *key_columns;	/* of char *; NIL if the whole row is the key */
	List	   *key_kinds;		/* of char *: the kind of each key column's
								 * type; NIL if they are not known */
	char	   *owner;			/* the owner's name; NULL if it is not known */
	char	   *database;		/* the database in which the table has this
								 * oid; NULL if it is not known */
} CmigAuditLayout;

/* An identifier of this database, which no other database has. */
extern char *cmig_audit_layout_database(void);

/*
 * Do the column numbers of a layout belong to this relation?  The oid alone is
 * not enough, because a dump may have been restored in another database.
 */
extern bool cmig_audit_layout_is_of(const CmigAuditLayout *layout, Oid relation,
									const char *database);

/* The columns that identify a table's rows: of char *, NIL if there are none. */
extern List *cmig_audit_layout_key(Relation relation);

/*
 * What the values of columns are in jsonb: "number", "boolean", "string" for
 * types whose text does not depend on the type, or else the name of the type.
 * If types are of one kind, equal values are equal in jsonb.
 */
extern List *cmig_audit_layout_kinds(Relation relation, List *columns);

/*
 * Record the layout of a relation under table_id, unless it is the last one
 * recorded.  Runs as the log's owner.  Raises an error if the id belongs to
 * another table: one that still exists, or one that was dropped and of which
 * this one is not a restored copy.
 */
extern void cmig_audit_layout_record(int32 table_id, Relation relation, Oid log_owner);

/* All layouts of a table, with the oldest first. */
extern List *cmig_audit_layout_read(int32 table_id);

/*
 * The id under which a table is or was audited, 0 if it never was.  A relation
 * that exists is found by its oid together with its name, or with its owner and
 * this database; with InvalidOid, the last table that had the name is found.
 */
extern int32 cmig_audit_layout_find(Oid relation, const char *schema_name,
									const char *table_name);

/* A new id. */
extern int32 cmig_audit_layout_new_id(void);

#endif							/* CMIG_AUDIT_LAYOUT_H */
