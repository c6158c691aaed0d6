/*
 * audit_types.c
 *	  Protects against casts of user-defined types when values are converted to
 *	  jsonb.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_types.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* The types in $1 and all of their components. */
#define USED_TYPES \
	"WITH RECURSIVE used(type) AS (SELECT pg_catalog.unnest($1) UNION" \
	"  SELECT i.type FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.type, LATERAL (" \
	"   VALUES (t.typelem), (t.typbasetype)" \
	"   UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a" \
	"    WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) i(type) WHERE i.type <> 0)"

/*
 * The composite types among USED_TYPES, and the types for which another role
 * can create a cast.  to_jsonb() does not look for casts of domains and
 * arrays.
 */
static CmigQuery changeable = {
	USED_TYPES
	" SELECT t.typrelid, r.oid IS NOT NULL FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.type"
	" LEFT JOIN pg_catalog.pg_roles r ON r.oid = t.typowner AND t.typtype IN ('e', 'r', 'm')"
	"  AND NOT r.rolsuper AND r.rolname <> current_user"
	" WHERE t.typrelid <> 0 OR r.oid IS NOT NULL ORDER BY 1",
	1, {OIDARRAYOID}
};

/*
 * A function that belongs to another role and casts one of the types to json.
 */
static CmigQuery foreign_casts = {
	USED_TYPES
	" SELECT p.oid::regprocedure::text FROM pg_catalog.pg_cast c JOIN used u ON u.type = c.castsource"
	" JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc"
	" JOIN pg_catalog.pg_roles r ON r.oid = p.proowner"
	" WHERE c.casttarget = 'json'::regtype AND NOT r.rolsuper AND r.rolname <> current_user"
	" ORDER BY 1 LIMIT 1",
	1, {OIDARRAYOID}
};

/* Types in use that other roles can change. */
typedef struct Changeable
{
	List	   *composites;		/* of Oid: the pg_class entries of composite
								 * types */
	bool		castable;		/* does another role own one of the types? */
} Changeable;

/* Callback that collects a type whose behavior another role could change. */
static void
collect_changeable(TupleDesc desc, HeapTuple row, void *arg)
{
	Changeable *found = arg;
	bool		isnull;
	Oid			composite = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));

	if (OidIsValid(composite))
		found->composites = lappend_oid(found->composites, composite);
	found->castable |= cmig_query_bool(desc, row, 2, false);
}

/*
 * Lock composite types, so that ALTER TYPE cannot add an attribute whose type
 * has a cast to json.  The types may have changed before they were locked, so
 * look again until no more types are found.  Returns true if another role owns
 * one of the types.
 */
static bool
lock_composites(Datum *types)
{
	List	   *locked = NIL;

	for (;;)
	{
		Changeable	found = {0};
		List	   *missing;
		ListCell   *lc;

		cmig_query_each(&changeable, types, NULL, collect_changeable, &found);
		missing = list_difference_oid(found.composites, locked);
		if (missing == NIL)
			return found.castable;
		foreach(lc, missing)
		{
			LockRelationOid(lfirst_oid(lc), AccessShareLock);
		}
		locked = list_concat(locked, missing);
	}
}

bool
cmig_audit_types_hold(List *types)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(1, list_length(types)));
	Datum		values[1];
	char	   *function = NULL;
	int			count = 0;
	bool		held;
	ListCell   *lc;

	foreach(lc, types)
	{
		/* skip built-in types, for which only superusers can create casts */
		if (lfirst_oid(lc) >= FirstNormalObjectId)
			elements[count++] = ObjectIdGetDatum(lfirst_oid(lc));
	}
	if (count == 0)
		return false;
	values[0] = PointerGetDatum(construct_array(elements, count, OIDOID, sizeof(Oid), true,
												TYPALIGN_INT));

	/*
	 * CREATE CAST waits for the lock on pg_cast.  On a standby, this lock
	 * cannot be taken, and a cast that is created on the primary cannot be
	 * prevented.
	 */
	held = lock_composites(values) && !RecoveryInProgress();
	if (held)
		LockRelationOid(CastRelationId, ShareLock);
	cmig_query_each(&foreign_casts, values, NULL, cmig_query_keep_text, &function);
	if (function)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a cast to json calls function %s, which belongs to another role", function),
				 errdetail("Reading the rows would run the function with your privileges."),
				 errhint("Run the query as the role that owns the function.")));
	return held;
}

void
cmig_audit_types_release(bool held)
{
	if (held)
		UnlockRelationOid(CastRelationId, ShareLock);
}
