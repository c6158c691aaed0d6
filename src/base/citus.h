/*
 * citus.h
 *	  Reads the metadata of Citus, which distributes tables across servers.
 *
 * To the server, a table that Citus manages looks like an empty ordinary table.
 * Its rows are in shards, which are tables on the workers or the coordinator.
 * A shard can have copies (placements) on several nodes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CITUS_H
#define CMIG_CITUS_H

#include "postgres.h"
#include "nodes/nodes.h"

/*
 * Does Citus manage the table?  It manages distributed tables, reference
 * tables, tables in distributed schemas, and local tables in its metadata.
 */
extern bool cmig_citus_manages(Oid relation);

/*
 * Is Citus installed in this database, in a version that has distributed
 * schemas?  If so, its metadata can be read.
 */
extern bool cmig_citus_is_installed(void);

/*
 * Does the table have a shard with copies on several nodes?  If so, a row's
 * ctid is different in each copy.
 */
extern bool cmig_citus_has_copies(Oid relation);

/* Returns the number of the table's shards. */
extern int	cmig_citus_shards(Oid relation);

/*
 * Return the number of blocks of the table's largest shard, and the estimated
 * number of rows in all shards.  The estimate is 0 if there are no statistics.
 * The shards are queried in separate transactions.  cmig_citus_blocks() raises
 * an error if a shard cannot be read.
 */
extern double cmig_citus_blocks(Oid relation);
extern double cmig_citus_rows(Oid relation);

/*
 * Does a query with a boolean result return true on all workers?  An error on a
 * worker counts as false.
 */
extern bool cmig_citus_workers_agree(const char *sql);

/* Is the session connected to a worker? */
extern bool cmig_citus_is_worker(void);

/*
 * If Citus opened this session on behalf of another session on the same
 * server, returns the process ID of that session; otherwise 0.  The process ID
 * is read from application_name, which users can set.
 */
extern int	cmig_citus_parent(void);

/*
 * Raise error 0A000 if the session is connected to a worker.  The names and
 * states of revisions are on the coordinator only.
 */
extern void cmig_citus_require_coordinator(const char *command);

/*
 * Issue a WARNING if the session is connected to a worker, at most once per
 * statement.  Read-only functions call this if they find no revisions or
 * scopes.
 */
extern void cmig_citus_warn_worker(void);

/*
 * If the session is connected to a worker, returns a palloc'd hint that says
 * where the coordinator is; otherwise, returns NULL.
 */
extern char *cmig_citus_worker_hint(void);

/*
 * Keep Citus from running DDL on the workers until the current GUC nest level
 * ends.  Does nothing without Citus.
 */
extern void cmig_citus_keep_local(void);

/*
 * Set a setting, until the end of the transaction, on the workers that the
 * transaction uses now or later.  Does nothing without Citus.
 */
extern void cmig_citus_propagate_setting(const char *name, const char *value);

/*
 * Does the statement only change how Citus stores a table, as a call of
 * create_distributed_table() does?
 */
extern bool cmig_citus_is_distribution(const Node *statement);

/*
 * Like cmig_citus_is_distribution(), but returns true only if schema diffs
 * show the change.
 */
extern bool cmig_citus_distributes_table(const Node *statement);

/*
 * Make the current transaction commit on all nodes or on none.  Without this,
 * Citus commits changes of a single shard before the coordinator's own changes,
 * so after a crash in between, only the changes of the shard would be kept.
 * Returns false if Citus does not allow two-phase commit.  If Citus is not
 * installed, does nothing and returns true.
 */
extern bool cmig_citus_use_two_phases(void);

/*
 * Must the statement run at top level?  This is true if the statement might
 * create a table in a distributed schema or move one there, because Citus
 * distributes such a table only if the statement runs at top level.
 */
extern bool cmig_citus_wants_toplevel(const Node *statement);

#endif							/* CMIG_CITUS_H */
