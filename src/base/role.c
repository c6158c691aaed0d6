/*
 * role.c
 *	  Switches to another role temporarily.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "base/role.h"

/* Switch to the role, with additional security context flags. */
static void
become(CmigRole *saved, Oid role, int flags)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->read_only = XactReadOnly;
	SetUserIdAndSecContext(role, saved->context | SECURITY_LOCAL_USERID_CHANGE | flags);
}

void
cmig_role_act_as(CmigRole *saved, Oid role)
{
	become(saved, role, SECURITY_RESTRICTED_OPERATION);
}

void
cmig_role_act_as_owner(CmigRole *saved, Oid role)
{
	become(saved, role, SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
}

/*
 * XactReadOnly is set directly because, after the first query, the server does
 * not allow a SET command to return to read-write mode.  If the transaction or
 * a subtransaction fails, the server restores XactReadOnly.
 */
void
cmig_role_read_as(CmigRole *saved, Oid role)
{
	cmig_role_act_as(saved, role);
	XactReadOnly = true;
}

void
cmig_role_act_as_caller(CmigRole *saved, Oid caller)
{
	become(saved, caller, 0);
}

void
cmig_role_return(const CmigRole *saved)
{
	SetUserIdAndSecContext(saved->user, saved->context);
	XactReadOnly = saved->read_only;
}

Oid
cmig_role_owner_of(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

Oid
cmig_role_owner_of_database(Oid database)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
		ReleaseSysCache(tuple);
	}
	return owner;
}

Oid
cmig_role_owner_of_schema(Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}
