/*
 * lint_types.c
 *	  Looks up types for cmig.lint.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "inspect/domain.h"
#include "lint/lint_objects.h"
#include "lint/lint_session.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

CmigLintSerial
cmig_lint_types_serial(const TypeName *type)
{
	const char *name;

	if (list_length(type->names) != 1 || type->setof || type->arrayBounds != NIL)
		return CMIG_LINT_NOT_SERIAL;
	name = strVal(linitial(type->names));
	if (strcmp(name, "smallserial") == 0 || strcmp(name, "serial2") == 0)
		return CMIG_LINT_SMALLSERIAL;
	if (strcmp(name, "serial") == 0 || strcmp(name, "serial4") == 0)
		return CMIG_LINT_SERIAL;
	if (strcmp(name, "bigserial") == 0 || strcmp(name, "serial8") == 0)
		return CMIG_LINT_BIGSERIAL;
	return CMIG_LINT_NOT_SERIAL;
}

/* Find a type in one schema. */
static Oid
find_in_schema(const char *schema, const char *name)
{
	Oid			namespace = get_namespace_oid(schema, true);

	return OidIsValid(namespace) ?
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
						ObjectIdGetDatum(namespace)) : InvalidOid;
}

/* Find a type, ignoring its modifier and array bounds. */
static Oid
find_base(CmigLint *lint, List *names)
{
	const char *name = strVal(llast(names));
	Oid			type;
	ListCell   *lc;

	if (list_length(names) > 1)
	{
		const char *schema = strVal(list_nth(names, list_length(names) - 2));

		if (!lint->reads_facts && strcmp(schema, "pg_catalog") != 0)
			return InvalidOid;
		return find_in_schema(schema, name);
	}
	type = find_in_schema("pg_catalog", name);
	if (!lint->reads_facts)
		return type;
	foreach(lc, cmig_lint_session_path(lint))
	{
		if (OidIsValid(type))
			break;
		type = find_in_schema(lfirst(lc), name);
	}
	return type;
}

/* Release a resource owner's resources, and delete it. */
static void
release(ResourceOwner owner, bool success)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, success, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, success, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, success, false);
	ResourceOwnerDelete(owner);
}

/*
 * Returns the type modifier of a built-in type, or -1 if the modifier is not
 * valid.
 *
 * Type modifier functions only read their argument, so their errors can be
 * caught without a subtransaction.  If an error occurs, the resource owner
 * releases the catalog row that is in use.
 */
static int32
find_typmod(const TypeName *type, Oid oid)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner caller = CurrentResourceOwner;
	ResourceOwner owner;
	volatile int32 result = -1;
	TypeName	base = *type;
	Oid			same;
	int32		typmod;

	if (type->typmods == NIL)
		return type->typemod;
	if (oid >= FirstNormalObjectId)
		return -1;
	base.names = list_make2(makeString("pg_catalog"), llast(type->names));
	base.arrayBounds = NIL;
	owner = ResourceOwnerCreate(caller, "pg_cmig type modifier");
	CurrentResourceOwner = owner;
	PG_TRY();
	{
		typenameTypeIdAndMod(NULL, &base, &same, &typmod);
		result = typmod;
		CurrentResourceOwner = caller;
		release(owner, true);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		CurrentResourceOwner = caller;
		release(owner, false);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) &&
			ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

void
cmig_lint_types_find(CmigLint *lint, const TypeName *type, Oid *oid, int32 *typmod, const char **new_name)
{
	CmigLintType *entry;

	*oid = InvalidOid;
	*typmod = -1;
	*new_name = NULL;
	switch (cmig_lint_types_serial(type))
	{
		case CMIG_LINT_SMALLSERIAL:
			*oid = INT2OID;
			return;
		case CMIG_LINT_SERIAL:
			*oid = INT4OID;
			return;
		case CMIG_LINT_BIGSERIAL:
			*oid = INT8OID;
			return;
		case CMIG_LINT_NOT_SERIAL:
			break;
	}
	if (type->names == NIL || type->pct_type)
		return;
	entry = cmig_lint_objects_type(lint, type->names);
	if (entry && entry->is_new)
	{
		*new_name = entry->name;
		return;
	}
	*oid = find_base(lint, type->names);
	if (!OidIsValid(*oid))
		return;
	*typmod = find_typmod(type, *oid);
	if (type->arrayBounds != NIL)
		*oid = get_array_type(*oid);
}

bool
cmig_lint_types_is(CmigLint *lint, const TypeName *type, Oid oid)
{
	const char *name;

	if (type->names == NIL || type->pct_type)
		return false;

	/*
	 * compare internal names such as int4, to which the grammar converts
	 * names such as int
	 */
	if (list_length(type->names) > 2 ||
		(list_length(type->names) == 2 && strcmp(strVal(linitial(type->names)), "pg_catalog") != 0))
		return false;
	name = strVal(llast(type->names));
	switch (oid)
	{
		case INT2OID:
			return strcmp(name, "int2") == 0;
		case INT4OID:
			return strcmp(name, "int4") == 0;
		case BPCHAROID:
			return strcmp(name, "bpchar") == 0;
		case VARCHAROID:
			return strcmp(name, "varchar") == 0;
		case TIMESTAMPOID:
			return strcmp(name, "timestamp") == 0;
		case JSONOID:
			return strcmp(name, "json") == 0;
		default:
			return find_base(lint, type->names) == oid;
	}
}

bool
cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names) : NULL;
	Oid			oid;
	int32		typmod;
	const char *new_name;

	if (entry && entry->has_constraint)
		return true;
	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	return OidIsValid(oid) && cmig_domain_is_checked(oid);
}

/* Does the type have a default value? */
static bool
has_default(Oid type)
{
	HeapTuple	row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		result;

	if (!HeapTupleIsValid(row))
		return false;
	result = !heap_attisnull(row, Anum_pg_type_typdefault, NULL);
	ReleaseSysCache(row);
	return result;
}

bool
cmig_lint_types_has_default(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names) : NULL;
	Oid			oid;
	int32		typmod;
	const char *new_name;

	if (entry && entry->is_new)
		return entry->has_default;
	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	return OidIsValid(oid) && has_default(oid);
}

bool
cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;

	if (!alter->skipIfNewValExists)
		return false;
	cmig_lint_types_find(lint, makeTypeNameFromNameList(alter->typeName), &oid, &typmod, &new_name);
	return OidIsValid(oid) && strlen(alter->newVal) < NAMEDATALEN &&
		SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(oid), CStringGetDatum(alter->newVal));
}

char *
cmig_lint_types_name(CmigLint *lint, const TypeName *type)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;

	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	if (OidIsValid(oid) && cmig_lint_types_serial(type) == CMIG_LINT_NOT_SERIAL)
		return format_type_with_typemod(oid, typmod);
	return TypeNameToString(type);
}
