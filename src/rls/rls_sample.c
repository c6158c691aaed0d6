/*
 * rls_sample.c
 *	  Sample values for trying policies: keys of the tenant whose context is
 *	  set, and keys of other tenants, called strangers.
 *
 * A value has the same text in all types, as far as the types allow, so that a
 * key cast to text equals the setting that contains it.  A stranger's key is
 * similar to the tenant's: it is a little smaller or greater, has the same
 * beginning, end, or remainder, or matches it as a pattern.  An expression
 * that does not test for equality mistakes one of these keys for the tenant's.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_sample.h"

#include "access/transam.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define OWN_NUMBER 12
static const int strange_numbers[] = {5, 31, 129, 1, 2, 11, 13, 22, 120, 112, -12, 0, 1200, 76, 524, 1012};

/*
 * the tenant's key contains an underscore and a dot, which match any character
 * in patterns
 */
#define OWN_TEXT "b_2.x-7Q"
static const char *const strange_texts[] = {
	"a1", "c9", "b_2.x-7R", "bX2.x-7Q", "b_2Yx-7Q", "b_2.x-7QQ", "b_2.x-7", "B_2.X-7q", "zb_2.x-7Qz",
	" b_2.x-7Q", "b_2.x-7Q ", "X_2.x-7Q", "b", "Q", "b2.x7Q", "b2x7q", "b_", "b_2", "7Q"
};

#define OWN_UUID "2a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2a"
static const char *const strange_uuids[] = {
	"11111111-1111-4111-8111-111111111111", "f3f3f3f3-f3f3-4f3f-8f3f-f3f3f3f3f3f3",
	"2a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2b", "3a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2a"
};

/* Returns a number for the tenant or a stranger. */
static int
sample_number(int whose)
{
	return whose == CMIG_RLS_OWN ? OWN_NUMBER :
		whose < lengthof(strange_numbers) ? strange_numbers[whose] : 300 + whose;
}

/* Returns a UUID for the tenant or a stranger. */
static const char *
sample_uuid(int whose)
{
	return whose == CMIG_RLS_OWN ? OWN_UUID :
		whose < lengthof(strange_uuids) ? strange_uuids[whose] :
		psprintf("%02x%06x-0000-4000-8000-0000000000%02x", (whose * 37) & 255, whose * 7919, whose & 255);
}

/* Returns a key of the tenant or a stranger, in the given form. */
static const char *
sample_text(CmigRlsForm form, int whose)
{
	if (form == CMIG_RLS_FORM_UUID)
		return sample_uuid(whose);
	if (form == CMIG_RLS_FORM_NUMBER)
		return psprintf("%d", sample_number(whose));
	return whose == CMIG_RLS_OWN ? OWN_TEXT :
		whose < lengthof(strange_texts) ? strange_texts[whose] : psprintf("t%d", whose);
}

/*
 * Returns the distance between a sample value and the tenant's value: 0 for
 * the tenant itself, and alternating positive and negative numbers for
 * strangers, so that some samples are greater and others are smaller.
 */
static int
sample_distance(int whose)
{
	return whose == CMIG_RLS_OWN ? 0 : whose % 2 ? -(whose / 2 + 1) : whose / 2 + 1;
}

/* Returns a time of day for the tenant or a stranger. */
static const char *
sample_time(int whose)
{
	int			minutes = 12 * 60 + sample_distance(whose) % (12 * 60);

	return psprintf("%02d:%02d:00", minutes / 60, minutes % 60);
}

/*
 * Returns a range that contains only one value, or NULL if there is no sample
 * value of the subtype.
 */
static const char *
sample_range(Oid subtype, CmigRlsForm form, int whose)
{
	Const	   *bound = cmig_rls_sample(subtype, form, whose);

	return bound ? psprintf("[\"%s\",\"%s\"]", cmig_rls_sample_text(bound), cmig_rls_sample_text(bound)) : NULL;
}

/*
 * Compare enum labels by their order in the type, which differs from their
 * order in the syscache list.
 */
static int
compare_labels(const ListCell *a, const ListCell *b)
{
	float4		left = ((Form_pg_enum) GETSTRUCT((HeapTuple) lfirst(a)))->enumsortorder;
	float4		right = ((Form_pg_enum) GETSTRUCT((HeapTuple) lfirst(b)))->enumsortorder;

	return left < right ? -1 : left > right;
}

/*
 * Returns an enum label for the tenant or a stranger.  Strangers' labels sort
 * before and after the tenant's label.
 */
static const char *
sample_label(Oid type, int whose)
{
	CatCList   *cached = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	int			own = cached->n_members / 2;
	List	   *labels = NIL;
	const char *label = NULL;

	for (int i = 0; i < cached->n_members; i++)
		labels = lappend(labels, &cached->members[i]->tuple);
	list_sort(labels, compare_labels);
	if (labels != NIL)
	{
		int			n = whose == CMIG_RLS_OWN ? own : whose < own ? whose : whose + 1;
		HeapTuple	tuple = list_nth(labels, Min(n, list_length(labels) - 1));

		label = pstrdup(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
	}
	ReleaseSysCacheList(cached);
	return label;
}

bool
cmig_rls_sample_is_builtin(Oid type)
{
	Oid			element = get_element_type(type);
	char		kind = get_typtype(OidIsValid(element) ? element : type);

	if (type >= FirstUnpinnedObjectId)
		return kind == TYPTYPE_ENUM;

	/*
	 * leave out record and polymorphic types, which are built-in too, but
	 * whose values can contain values of any type
	 */
	return type == UNKNOWNOID || kind == TYPTYPE_BASE || kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE;
}

Const *
cmig_rls_sample_null(Oid type)
{
	return makeNullConst(type, -1, get_typcollation(type));
}

Const *
cmig_rls_sample_const(Oid type, const char *text)
{
	Oid			input;
	Oid			parameter;
	int16		length;
	bool		by_value;
	Datum		value;

	getTypeInputInfo(type, &input, &parameter);
	get_typlenbyval(type, &length, &by_value);
	value = OidInputFunctionCall(input, unconstify(char *, text), parameter, -1);
	return makeConst(type, -1, get_typcollation(type), length, value, false, by_value);
}

char *
cmig_rls_sample_text(const Const *value)
{
	Oid			output;
	bool		varlena;

	if (value->constisnull)
		return NULL;
	getTypeOutputInfo(value->consttype, &output, &varlena);
	return OidOutputFunctionCall(output, value->constvalue);
}

Const *
cmig_rls_sample_cast(Oid type, const Const *value)
{
	char	   *text;

	if (value->constisnull || !cmig_rls_sample_is_builtin(value->consttype))
		return NULL;
	text = cmig_rls_sample_text(value);
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:

			/*
			 * allow only short integers, which are valid for all of these
			 * types
			 */
			if (text[0] == '\0' || strlen(text) > 4 || strspn(text + (text[0] == '-'), "0123456789") != strlen(text + (text[0] == '-')) ||
				text[strlen(text) - 1] == '-')
				return NULL;
			break;
		case UUIDOID:
			if (strlen(text) != 36 || strspn(text, "0123456789abcdefABCDEF-") != 36)
				return NULL;
			break;
		default:
			return NULL;
	}
	return cmig_rls_sample_const(type, text);
}

/*
 * Returns an array with one element, or NULL if there is no sample value of the
 * element type.
 */
static Const *
sample_array(Oid type, Oid element, CmigRlsForm form, int whose)
{
	Const	   *value = cmig_rls_sample(element, form, whose);
	Datum		elements[1];
	int16		length;
	bool		by_value;
	char		align;

	if (value == NULL)
		return NULL;
	elements[0] = value->constvalue;
	get_typlenbyvalalign(element, &length, &by_value, &align);
	return makeConst(type, -1, get_typcollation(type), -1,
					 PointerGetDatum(construct_array(elements, 1, element, length, by_value, align)), false, false);
}

/* Returns a value of an enum or range type, or NULL for other types. */
static const char *
sample_of_kind(Oid type, CmigRlsForm form, int whose)
{
	if (get_typtype(type) == TYPTYPE_ENUM)
		return sample_label(type, whose);
	if (OidIsValid(get_range_subtype(type)))
		return sample_range(get_range_subtype(type), form, whose);
	return NULL;
}

/*
 * Returns a value for char(n).  The value does not end with a blank, because
 * comparisons of char(n) ignore trailing blanks.
 */
static const char *
sample_char(CmigRlsForm form, int whose)
{
	const char *text = sample_text(form, whose);

	return text[strlen(text) - 1] == ' ' ? sample_text(form, 0) : text;
}

/* Returns a sample value as text, or NULL if the type is not supported. */
static const char *
sample_as_text(Oid type, CmigRlsForm form, int whose)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case MONEYOID:
			return psprintf("%d", sample_number(whose));
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:

			/*
			 * stranger 2 has a fraction that truncation or rounding turns
			 * into the tenant's number
			 */
			return whose == 2 ? psprintf("%d.4", OWN_NUMBER) : psprintf("%d", sample_number(whose));
		case OIDOID:
			return psprintf("%d", abs(sample_number(whose)) + 1);
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
			return sample_text(form, whose);
		case BPCHAROID:
			return sample_char(form, whose);
		case UUIDOID:
			return sample_uuid(whose);
		case BOOLOID:
			return whose % 2 ? "true" : "false";
		case DATEOID:
			return psprintf("%d-06-15", 2021 + sample_distance(whose));
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return psprintf("2021-06-15 %s", sample_time(whose));
		case TIMEOID:
		case TIMETZOID:
			return sample_time(whose);
		case INTERVALOID:
			return psprintf("%d hours", 1000 + sample_distance(whose));
		case JSONOID:
		case JSONBOID:

			/*
			 * in JSON, the context's value is an array of keys, and a row's
			 * value is an object
			 */
			return psprintf(whose == CMIG_RLS_OWN ? "[\"%s\"]" : "{\"key\": \"%s\"}", sample_text(form, whose));
		case INETOID:
		case CIDROID:
			return psprintf("10.0.%d.%d", (whose + 2) / 256 % 256, (whose + 2) % 256);
		case MACADDROID:
			return psprintf("08:00:2b:01:%02x:%02x", (whose + 2) / 256 % 256, (whose + 2) % 256);
		case BYTEAOID:
			return psprintf("\\x%02x%02x", (whose + 2) % 256, (whose + 3) % 256);
		default:
			return sample_of_kind(type, form, whose);
	}
}

Const *
cmig_rls_sample(Oid type, CmigRlsForm form, int whose)
{
	Oid			element = get_element_type(type);
	const char *text;

	if (!cmig_rls_sample_is_builtin(type))
		return NULL;
	if (OidIsValid(element) && type != NAMEOID)
		return sample_array(type, element, form, whose);
	text = sample_as_text(type, form, whose);
	return text ? cmig_rls_sample_const(type, text) : NULL;
}

/*
 * Append a JSON object that has the value at the end of each path.  The first
 * "depth" names of the paths are skipped.
 */
static void
append_members(StringInfo text, const List *paths, int depth, const char *value)
{
	List	   *done = NIL;
	ListCell   *lc;
	ListCell   *other;

	appendStringInfoChar(text, '{');
	foreach(lc, paths)
	{
		List	   *path = lfirst(lc);
		List	   *below = NIL;

		if (list_length(path) <= depth || list_member(done, makeString(list_nth(path, depth))))
			continue;
		foreach(other, paths)
		{
			if (list_length(lfirst(other)) > depth + 1 && strcmp(list_nth(lfirst(other), depth), list_nth(path, depth)) == 0)
				below = lappend(below, lfirst(other));
		}
		if (done != NIL)
			appendStringInfoString(text, ", ");
		done = lappend(done, makeString(list_nth(path, depth)));
		escape_json(text, list_nth(path, depth));
		appendStringInfoString(text, ": ");
		if (below)
			append_members(text, below, depth + 1, value);
		else
			appendStringInfoString(text, value);
	}
	appendStringInfoChar(text, '}');
}

Const *
cmig_rls_sample_document(Oid type, CmigRlsForm form, int whose, List *paths)
{
	StringInfoData text;
	StringInfoData value;

	initStringInfo(&text);
	initStringInfo(&value);
	if (form == CMIG_RLS_FORM_NUMBER)
		appendStringInfoString(&value, sample_text(form, whose));
	else
		escape_json(&value, sample_text(form, whose));
	append_members(&text, paths, 0, value.data);
	return cmig_rls_sample_const(type, text.data);
}
