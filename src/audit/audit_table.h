/*
 * audit_table.h
 *	  Caches information about the tables whose audit triggers have fired.
 *
 * The information is built from the trigger's arguments and the table when the
 * trigger first fires, and again after the table, its schema, or a cast has
 * changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_TABLE_H
#define CMIG_AUDIT_TABLE_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "audit/audit_row.h"
#include "audit/audit_virtual.h"
#include "commands/trigger.h"

/* The information that a trigger needs about its table. */
typedef struct CmigAuditTable
{
	MemoryContext context;		/* memory context of everything in this struct */
	bool		valid;			/* if false, the next call rebuilds the
								 * information */
	int			busy;			/* number of calls that are using the
								 * information */
	bool		recorded;		/* is the table's layout in cmig_audit.layout? */
	bool		skip_logged;	/* has this transaction logged an entry SKIP
								 * for the table? */
	Oid			relation;
	Oid			root;			/* for a partition, the audited ancestor;
								 * otherwise the table itself */
	CmigAuditOptions *options;
	CmigAuditShape shape;
	CmigAuditVirtual virtuals;
	bool	   *key;			/* which columns of the shape belong to the
								 * key */
	bool		whole_row_key;
	bool		zoned_key;		/* is a key column a timestamptz? */
	Datum		schema_name;
	Datum		table_name;
} CmigAuditTable;

/* Register the callbacks. */
extern void cmig_audit_table_init(void);

/*
 * Returns the information about the table of a firing trigger.  While the
 * result's field "busy" is greater than 0, the result's memory is kept until
 * the end of the transaction, even if the information is rebuilt.
 */
extern CmigAuditTable *cmig_audit_table_get(TriggerData *trigger_data, Oid extension_owner);

/*
 * Returns a palloc'd copy of the secret key with which the values of hashed
 * columns are hashed, or NULL if there is no such key.
 */
extern bytea *cmig_audit_table_hash_key(Oid extension_owner);

#endif							/* CMIG_AUDIT_TABLE_H */
