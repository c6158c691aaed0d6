/*
 * type_role.c
 *	  Determines which role may run the code of a type.
 *
 * A table's owner chose the types of its columns.  However, a type's owner can
 * add checks and casts to the type at any time, and other roles can cause the
 * server to run these checks and casts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/role.h"
#include "base/type_role.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static bool is_trusted(Oid type, Oid table_owner);

/* Does the type's owner have the privileges of the table's owner? */
static bool
belongs_to_trusted(Oid type, Oid table_owner)
{
	HeapTuple	row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		result;

	if (!HeapTupleIsValid(row))
		return false;
	result = has_privs_of_role(((Form_pg_type) GETSTRUCT(row))->typowner, table_owner);
	ReleaseSysCache(row);
	return result;
}

/* Is is_trusted() true for the types of all columns of a composite type? */
static bool
are_attributes_trusted(Oid type, Oid table_owner)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);
	bool		result = true;

	for (int i = 0; i < desc->natts && result; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		result = attribute->attisdropped || is_trusted(attribute->atttypid, table_owner);
	}
	FreeTupleDesc(desc);
	return result;
}

/*
 * Do the owners of the type, and of all types that it consists of, have the
 * privileges of the table's owner?
 */
static bool
is_trusted(Oid type, Oid table_owner)
{
	Oid			element = get_element_type(type);
	Oid			base = getBaseType(type);

	check_stack_depth();
	if (OidIsValid(element))
		return is_trusted(element, table_owner);
	if (type < FirstNormalObjectId && get_typtype(type) != TYPTYPE_COMPOSITE)
		return true;
	if (!belongs_to_trusted(type, table_owner))
		return false;
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return is_trusted(base, table_owner);
		case TYPTYPE_COMPOSITE:
			return are_attributes_trusted(type, table_owner);
		case TYPTYPE_RANGE:
			return is_trusted(get_range_subtype(type), table_owner);
		case TYPTYPE_MULTIRANGE:
			return is_trusted(get_multirange_range(type), table_owner);
		default:
			return true;
	}
}

Oid
cmig_type_role(Oid type, Oid table_owner)
{
	return is_trusted(type, table_owner) ? table_owner : CMIG_ROLE_NOBODY;
}
