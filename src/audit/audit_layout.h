/*
 * audit_layout.h
 *	  Records the present and former names of audited tables and their columns.
 *
 * cmig_audit.layout has a row for each state of an audited table: its schema,
 * name, OID, and owner, its column numbers by name, and its key columns.  A
 * row is added when a change is logged and the state differs from the last one
 * recorded, so that old entries can still be read after a rename.
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
	Jsonb	   *columns;		/* object: column numbers by name */
	List	   *key_columns;	/* of char *; NIL if the whole row is the key */
	List	   *key_kinds;		/* of char *: the kind of each key column's
								 * type; NIL if unknown */
	char	   *owner;			/* the owner's name; NULL if unknown */
	char	   *database;		/* identifies the database to which the OID
								 * belongs; NULL if unknown */
} CmigAuditLayout;

/* Returns an identifier of this database that no other database has. */
extern char *cmig_audit_layout_database(void);

/*
 * Returns true if a layout's column numbers belong to this relation.
 * "database" identifies the current database: the OID alone is not sufficient,
 * because a dump may have been restored in another database.
 */
extern bool cmig_audit_layout_is_of(const CmigAuditLayout *layout, Oid relation,
									const char *database);

/*
 * Returns the columns that identify a table's rows, as a List of char *, or
 * NIL if there are none.
 */
extern List *cmig_audit_layout_key(Relation relation);

/*
 * Returns the kind of value that each column has in jsonb: "number", "boolean",
 * "string" (for text, uuid, enums, and similar types), or else the type's name.
 * If two types are of the same kind, values that are equal have equal jsonb
 * values.
 */
extern List *cmig_audit_layout_kinds(Relation relation, List *columns);

/*
 * Record a relation's layout under table_id, unless it is the last one
 * recorded.  Runs as the log's owner.  Raises an error if the id belongs to
 * another table that still exists, or to a dropped table whose id the relation
 * is not allowed to use.
 */
extern void cmig_audit_layout_record(int32 table_id, Relation relation, Oid log_owner);

/* Returns all layouts of a table, oldest first. */
extern List *cmig_audit_layout_read(int32 table_id);

/*
 * Returns the id under which a table is or was audited, or 0 if it never was.
 * An existing relation is found by its OID together with its name, or together
 * with its owner and this database.  If "relation" is InvalidOid, the last
 * table that had the name is found.
 */
extern int32 cmig_audit_layout_find(Oid relation, const char *schema_name,
									const char *table_name);

/* Returns an id that has not been used. */
extern int32 cmig_audit_layout_new_id(void);

#endif							/* CMIG_AUDIT_LAYOUT_H */
