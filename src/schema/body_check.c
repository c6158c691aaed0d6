/*
 * body_check.c
 *	  Finds the functions that CREATE FUNCTION would reject.
 *
 * The language's validator decides, as in CREATE FUNCTION.  It runs as the
 * function's owner, in a security-restricted operation and in a subtransaction
 * that is rolled back.
 *
 * Analyzing a body can run other code: a literal of a domain type, for
 * example, runs the domain's checks.  The type's owner, and the caller, who
 * chooses search_path, must not be able to run code as the function's owner in
 * this way.  Therefore, two groups of functions are not checked, and count as
 * rejected: functions whose owner's privileges the caller lacks, and functions
 * whose bodies contain literals of types that is_safe() rejects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/role.h"
#include "base/safe_parse.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "kinds/kinds.h"
#include "parse/raw_parse.h"
#include "run/outside.h"
#include "schema/body_check.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * Is the function written in C?  Only superusers can create C functions, so
 * they are safe to call.  A validator in another language could run arbitrary
 * code.
 */
static bool
is_in_c(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language;

	if (!HeapTupleIsValid(row))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(row))->prolang;
	ReleaseSysCache(row);
	return language == INTERNALlanguageId || language == ClanguageId;
}

/*
 * Returns the validator of the function's language, or InvalidOid if the body
 * is already parsed or the validator is not written in C.
 */
static Oid
find_validator(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function)),
				language;
	Oid			validator = InvalidOid;
	bool		parsed;

	if (!HeapTupleIsValid(row))
		return InvalidOid;
	(void) SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosqlbody, &parsed);
	parsed = !parsed;
	language = SearchSysCache1(LANGOID, ObjectIdGetDatum(((Form_pg_proc) GETSTRUCT(row))->prolang));
	if (HeapTupleIsValid(language))
	{
		if (!parsed)
			validator = ((Form_pg_language) GETSTRUCT(language))->lanvalidator;
		ReleaseSysCache(language);
	}
	ReleaseSysCache(row);
	return OidIsValid(validator) && is_in_c(validator) ? validator : InvalidOid;
}

/*
 * Does the type's input function run only C code?  For a domain or a composite
 * type, it can also run check expressions.
 */
static bool
is_safe(Oid type)
{
	Oid			element = get_element_type(type);

	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
			return !OidIsValid(element) || is_safe(element);
		case TYPTYPE_ENUM:
			return true;
		case TYPTYPE_RANGE:
			return is_safe(get_range_subtype(type));
		case TYPTYPE_MULTIRANGE:
			return is_safe(get_multirange_range(type));
		default:
			return false;
	}
}

/* Is an argument polymorphic, so that the validator only parses the body? */
static bool
is_polymorphic(Form_pg_proc form)
{
	for (int i = 0; i < form->pronargs; i++)
		if (IsPolymorphicType(form->proargtypes.values[i]))
			return true;
	return false;
}

/*
 * Raise an error if analyzing the body of an SQL function could run the code of
 * a type's owner.
 */
static void
refuse_unsafe(HeapTuple row)
{
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &isnull);
	char	   *body;
	ListCell   *lc;

	if (isnull || is_polymorphic((Form_pg_proc) GETSTRUCT(row)))
		return;
	body = TextDatumGetCString(source);
	foreach(lc, cmig_raw_parse(body, RAW_PARSE_DEFAULT))
	{
		RawStmt    *raw = lfirst_node(RawStmt, lc);

		if (analyze_requires_snapshot(raw))
			(void) cmig_safe_parse(raw, body, row, NULL, is_safe);
	}
}

/*
 * Call the validator as the function's owner, with the settings of the
 * function's SET clauses.  Rolling back the subtransaction restores the role
 * and the settings.
 */
static void
validate(void *arg)
{
	Oid			function = *(Oid *) arg;
	Oid			validator = find_validator(function);
	CmigRole	role;
	HeapTuple	row;
	Datum		settings;
	bool		isnull;

	if (!OidIsValid(validator))
		return;
	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	cmig_role_read_as(&role, ((Form_pg_proc) GETSTRUCT(row))->proowner);
	settings = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_proconfig, &isnull);
	if (!isnull)
		ProcessGUCArray(DatumGetArrayTypePCopy(settings), superuser() ? PGC_SUSET : PGC_USERSET,
						PGC_S_SESSION, GUC_ACTION_SAVE);
	if (validator == F_FMGR_SQL_VALIDATOR)
		refuse_unsafe(row);
	ReleaseSysCache(row);
	/* do not use what the session compiled before the names changed */
	cmig_outside_mark(function, GetCurrentTransactionId());
	OidFunctionCall1(validator, ObjectIdGetDatum(function));
}

/* Does the current user have the privileges of the function's owner? */
static bool
may_act_as_owner(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result;

	if (!HeapTupleIsValid(row))
		return false;
	result = has_privs_of_role(GetUserId(), ((Form_pg_proc) GETSTRUCT(row))->proowner);
	ReleaseSysCache(row);
	return result;
}

/*
 * Set the field "unchecked" if the object is a function whose body the
 * validator rejects or must not examine.
 */
static void
check(CmigObject *function)
{
	Oid			oid = function->address.object;
	ErrorData  *error;

	if (function->kind != &cmig_kind_function)
		return;
	if (!may_act_as_owner(oid))
	{
		function->unchecked = true;
		return;
	}
	error = cmig_subtransaction_rehearse(validate, &oid);
	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
		ReThrowError(error);
	FreeErrorData(error);
	function->unchecked = true;
}

/* Does the image contain the same function with the same definition? */
static bool
has_same(const CmigImage *image, const CmigObject *function)
{
	const CmigObject *other = cmig_image_lookup(image, function->kind, function->identity);

	return other != NULL && strcmp(other->values[0], function->values[0]) == 0;
}

void
cmig_body_check(CmigImage *image, const CmigImage *other)
{
	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind == &cmig_kind_function &&
			(other == NULL || !has_same(other, image->objects[i])))
			check(image->objects[i]);
}

void
cmig_body_check_changed(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->from != NULL && change->from->kind == &cmig_kind_function && change->action != CMIG_NO_CHANGE)
			check(change->from);
		if (change->action == CMIG_AGAIN && change->from->unchecked)
			change->to->unchecked = true;
	}
}
