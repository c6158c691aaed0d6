/*
 * internal.h
 *	  What the modules of src/scope share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_INTERNAL_H
#define CMIG_SCOPE_INTERNAL_H

#include "postgres.h"

#include "access/htup.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/compat.h"
#include "scope/scope.h"

/* in list.c */

/*
 * Returns a List of CmigScopeItem *: the existing schemas that match a LIKE
 * pattern and can be scopes, sorted by name in byte order.  Only name, rows,
 * and exists are set.
 */
extern List *cmig_scope_list_matching(const char *pattern);

/*
 * Returns a List of CmigScopeItem *: all scopes in which a run has ever been
 * started, sorted by name in byte order.
 */
extern List *cmig_scope_list_tried(void);

/* A callback for cmig_scope_list_in(). */
typedef void (*CmigScopeWork) (void *arg);

/* Call work(arg) while the given scope is the current one. */
extern void cmig_scope_list_in(const char *scope, CmigScopeWork work, void *arg);

/*
 * A cache for a number that depends only on a scope's version rows, such as
 * the number of its pending revisions.  Most scopes have the same version
 * rows, so the number is computed only once for all of them.
 */
typedef struct CmigScopeCache CmigScopeCache;

/* Returns an empty cache, allocated in the current memory context. */
extern CmigScopeCache *cmig_scope_list_cache(void);

/*
 * Returns a pointer to the number for the given version rows.  Sets *found to
 * false if the number is not in the cache yet; in that case, the caller must
 * store it through the pointer.
 */
extern int *cmig_scope_list_result(CmigScopeCache *cache, const char *rows, bool *found);

/* in upgrade.c */

/* The arguments and results of upgrading a scope. */
typedef struct CmigScopeRun
{
	const char *target;
	bool		quiet;			/* are the steps run without a NOTICE for
								 * each? */
	bool		begins;			/* see CmigRunPlan */
	void		(*report) (CmigDirection direction, const CmigRevision *revision, void *arg);	/* see CmigRunPlan */
	void	   *arg;

	/* The following fields are set by the run. */
	int			steps;			/* number of steps that were run */
	char	   *revision;		/* revision that was running when an error
								 * occurred, or NULL */
} CmigScopeRun;

/*
 * Upgrade the current scope to run->target.  The caller must hold the scope's
 * run lock.  Memory is allocated in the current context.
 */
extern void cmig_scope_run(CmigScopeRun *run);

/* in store/revisions.c */

/*
 * A system catalog and the index for scanning it.  A comment says how rows are
 * found, unless they are found by their own OID or by the object that they
 * describe.
 */
typedef enum CmigScopeCatalogId
{
	CMIG_OF_SCHEMA,				/* pg_depend: what depends on an object */
	CMIG_DEPENDS,				/* pg_depend: what an object depends on */
	CMIG_NAMESPACE,
	CMIG_CLASS,
	CMIG_ATTRIBUTE,				/* by relation, without system columns */
	CMIG_INDEX,					/* by table */
	CMIG_CONSTRAINT,			/* by relation */
	CMIG_DOMAIN_CONSTRAINT,		/* by domain */
	CMIG_ATTRDEF,				/* by relation */
	CMIG_TRIGGER,				/* by relation */
	CMIG_REWRITE,				/* by relation */
	CMIG_POLICY,				/* by relation */
	CMIG_SEQUENCE,
	CMIG_INHERITS,				/* by child */
	CMIG_PARTITIONED,
	CMIG_TYPE,
	CMIG_ENUM,					/* by type */
	CMIG_PROC,
	CMIG_AGGREGATE,
	CMIG_STATISTIC_EXT,
	CMIG_DESCRIPTION,			/* by object */
	CMIG_SCOPE_CATALOGS
} CmigScopeCatalogId;

/* How a column of a catalog is compared. */
typedef enum CmigScopeColumn
{
	CMIG_COLUMN_COMPARED,
	CMIG_COLUMN_IGNORED,
	CMIG_COLUMN_OWNER,
	CMIG_COLUMN_PRIVILEGES
} CmigScopeColumn;

/* A system catalog that has been opened for scans. */
typedef struct CmigScopeCatalog
{
	Relation	table;
	Relation	index;
	AttrNumber	keys[2];		/* leading columns of the index; the second
								 * one can be 0 */
	CmigScopeColumn *columns;	/* how each column is compared; indexed by
								 * column number - 1 */
} CmigScopeCatalog;

/*
 * Open all catalogs in CmigScopeCatalogId, or close them.  The end of the
 * transaction also closes them.
 */
extern CmigScopeCatalog *cmig_scope_catalog_open(void);
extern void cmig_scope_catalog_close(CmigScopeCatalog *catalogs);

/* A callback for the rows of a scan. */
typedef void (*CmigScopeCatalogCallback) (CmigScopeCatalogId id, HeapTuple row, void *arg);

/*
 * Call the callback for each row of a catalog in which the first key column is
 * "first" and the second one is "second".  The second key column is ignored if
 * "second" is InvalidOid.
 */
extern void cmig_scope_catalog_each(const CmigScopeCatalog *catalogs, CmigScopeCatalogId id,
									Oid first, Oid second, CmigScopeCatalogCallback callback, void *arg);

/* The OIDs of the objects in a schema, and hashes of their names. */
typedef struct CmigScopeNames
{
	const char *schema;			/* schema name, quoted if necessary */
	HTAB	   *table;
} CmigScopeNames;

/*
 * Record the name of an object in the schema.  "kind" distinguishes objects of
 * different types that have the same name.  If the object belongs to another
 * object, "owner" is the hash of that object's name; otherwise, "owner" is 0.
 */
extern void cmig_scope_name_add(CmigScopeNames *names, Oid object, const char *kind, uint64 owner, const char *name);

/*
 * Returns the hash of the name that was recorded for an object, or the OID of
 * the object if there is none, because it is not in the schema.
 */
extern uint64 cmig_scope_name_of(const CmigScopeNames *names, Oid object);

/*
 * Append a string, which can be NULL, to a buffer that will be hashed.
 * "schema" is the quoted name of the schema; it is replaced wherever it is an
 * identifier in the string.  Different sequences of strings result in
 * different buffers.
 */
extern void cmig_scope_name_append(StringInfo buf, const char *schema, const char *text);

/* Optional properties: those that are true are compared. */
typedef struct CmigScopeOptions
{
	bool		owners;
	bool		privileges;
	bool		comments;
} CmigScopeOptions;

/* The state for hashing the rows of a schema. */
typedef struct CmigScopeRows
{
	const CmigScopeOptions *options;
	const CmigScopeCatalog *catalogs;
	CmigScopeNames names;
	StringInfoData text;		/* string to be hashed for the current row */
	bool		is_unknown;		/* true if a value cannot be hashed */
	uint64		sum[2];			/* hash of all rows added so far */
} CmigScopeRows;

/*
 * Start without any rows.  Memory is allocated in the current context.  The
 * caller must have set the fields "options" and "catalogs".
 */
extern void cmig_scope_row_begin(CmigScopeRows *rows, const char *schema);

/*
 * Add a row of the catalog "id" to the hash.  "owner" is the owner of the
 * object that the row describes, and "prefix" identifies this object if the
 * row does not.  Returns a hash of the row.
 */
extern uint64 cmig_scope_row_add(CmigScopeRows *rows, CmigScopeCatalogId id, HeapTuple row, Oid owner, uint64 prefix);

/* Add an object's storage parameters, given as a text[] value, to the hash. */
extern void cmig_scope_row_add_options(CmigScopeRows *rows, Oid object, Datum options);

/* in fingerprint.c */

typedef struct CmigFingerprint
{
	bool		is_known;		/* false if the schema contains objects that
								 * are not supported by this module */
	uint64		sum[2];
} CmigFingerprint;

/* The state for computing fingerprints. */
typedef struct CmigFingerprints CmigFingerprints;

/*
 * Call cmig_scope_fingerprint_begin() before computing fingerprints, and
 * cmig_scope_fingerprint_end() afterward.  *options must remain valid in
 * between.
 */
extern CmigFingerprints *cmig_scope_fingerprint_begin(const CmigScopeOptions *options);
extern void cmig_scope_fingerprint_end(CmigFingerprints *fingerprints);

/*
 * Returns the fingerprint of the schema with this name.  To include changes by
 * the current transaction, call CommandCounterIncrement() first.
 */
extern CmigFingerprint cmig_scope_fingerprint(CmigFingerprints *fingerprints, const char *schema);

/* Are both fingerprints known, and are they the same? */
extern bool cmig_scope_fingerprint_same(const CmigFingerprint *a, const CmigFingerprint *b);

#endif							/* CMIG_SCOPE_INTERNAL_H */
