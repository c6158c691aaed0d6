/*
 * row.c
 *	  Rows as jsonb.
 *
 * Converts rows to jsonb with the same result as to_jsonb(row), but faster.
 *
 * A CmigAuditShape specifies which columns of a table are shown, and how.  A
 * change is encoded column by column into pieces, from which the images are
 * assembled, so that a value that did not change is read and encoded only once
 * for both images.
 *
 * The binary format of a flat jsonb object is written directly.  The columns
 * are kept in the order of jsonb's keys, so nothing is sorted and no tree is
 * built.  If to_jsonb() does more than print the values of a column's type, it
 * is called for the values of this column, and its result is embedded.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "audit/internal.h"
#include "store/store.h"

/*
 * The text that replaces a hidden value.  For a hashed value, ":" and the hash
 * are inserted before the closing bracket.
 */
#define CMIG_AUDIT_REDACTED "[redacted]"

/*
 * A value smaller than this does not become too large for jsonb, whatever its
 * type.
 */
#define MAY_GROW_TOO_LARGE (256 * 1024)

/*
 * Pin settings so that values are printed as with the default settings.
 * Otherwise, a session's settings could round values, or log them in a form
 * that is read back as a different value.  "names" tells whether a value can
 * be the name of an object, or be printed by a user's function.  Readers of keys
 * and images, and writers of keys that contain types that could contain a timestamptz,
 * also pin the time zone ("utc").  Returns the level for AtEOXact_GUC(), or 0
 * if nothing had to be set.
 */
int
cmig_audit_row_pin(bool utc, bool names)
{
	int			guc_level;

	if (!utc && !names && DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES &&
		extra_float_digits >= 1 && bytea_output == BYTEA_OUTPUT_HEX)
		return 0;
	guc_level = NewGUCNestLevel();
	if (utc || names)
		cmig_settings_pin_search_path();
	if (quote_all_identifiers)
		cmig_settings_override("quote_all_identifiers", "off");
	if (DateStyle != USE_ISO_DATES)
		cmig_settings_override("datestyle", "ISO");
	if (IntervalStyle != INTSTYLE_POSTGRES)
		cmig_settings_override("intervalstyle", "postgres");
	if (extra_float_digits < 1)
		cmig_settings_override("extra_float_digits", "1");
	if (bytea_output != BYTEA_OUTPUT_HEX)
		cmig_settings_override("bytea_output", "hex");
	if (utc)
		cmig_settings_override("timezone", "UTC");
	return guc_level;
}

static CmigAuditKind
kind_of_type(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return CMIG_AUDIT_BOOL;
		case INT2OID:
			return CMIG_AUDIT_INT2;
		case INT4OID:
			return CMIG_AUDIT_INT4;
		case INT8OID:
			return CMIG_AUDIT_INT8;
		case NUMERICOID:
			return CMIG_AUDIT_NUMERIC;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return CMIG_AUDIT_TEXT;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return CMIG_AUDIT_DATETIME;
		case JSONBOID:
			return CMIG_AUDIT_JSONB;
		case UUIDOID:
		case BYTEAOID:
		case INETOID:
		case CIDROID:
		case TIMEOID:
		case TIMETZOID:
		case INTERVALOID:
			return CMIG_AUDIT_OUTPUT;
		default:
			return CMIG_AUDIT_GENERAL;
	}
}

/* Compare columns by the order of keys in jsonb. */
static int
compare_columns(const void *a, const void *b)
{
	const CmigAuditColumn *left = a;
	const CmigAuditColumn *right = b;

	if (left->name_len != right->name_len)
		return left->name_len < right->name_len ? -1 : 1;
	return memcmp(left->name, right->name, left->name_len);
}

/*
 * Returns the numbers of the columns that an expansion has added to the table,
 * as a List of int.  Only the arguments of its trigger tell: the table's owner
 * can choose names and defaults, but not create that trigger.
 */
List *
cmig_audit_row_hidden(Relation relation)
{
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	List	   *numbers = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		char	   *name = get_func_name(trigger->tgfoid);

		if (name == NULL || strcmp(name, "expansion_write") != 0 ||
			get_func_namespace(trigger->tgfoid) != get_namespace_oid("cmig", true))
			continue;
		for (int n = 0; n + 1 < trigger->tgnargs; n += n == 0 ? 3 : 4)
		{
			AttrNumber	number = get_attnum(RelationGetRelid(relation),
											trigger->tgargs[n == 0 ? 0 : n + 1]);

			if (number > 0 && (n == 0 || strchr(CMIG_RULES_HIDDEN, trigger->tgargs[n][0]) != NULL))
				numbers = lappend_int(numbers, number);
		}
	}
	return numbers;
}

/*
 * Determine how each column is written to the log, in the current memory
 * context.  Without a key, the whole row is the key.
 */
void
cmig_audit_row_shape(CmigAuditShape *shape, const CmigAuditOptions *options,
					 bool only_included, Relation relation, List *key)
{
	TupleDesc	desc = RelationGetDescr(relation);
	bool		keyed = false;

	shape->truncate = options->truncate;
	shape->owner = relation->rd_rel->relowner;
	shape->hidden = cmig_audit_row_hidden(relation);
	shape->columns = palloc0(sizeof(CmigAuditColumn) * Max(1, desc->natts));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		CmigAuditColumn *column = &shape->columns[shape->count];
		const char *name = NameStr(attribute->attname);
		Oid			function;
		bool		varlena;

		column->in_key = cmig_text_list_has(key, name);
		column->hide = cmig_audit_options_has(options->hash, name) ? CMIG_AUDIT_HASH :
			cmig_audit_options_has(options->redact, name) ? CMIG_AUDIT_REDACT : CMIG_AUDIT_SHOW;
		if (attribute->attisdropped || list_member_int(shape->hidden, i + 1) ||
			cmig_audit_options_has(options->exclude, name) ||
			(only_included && !column->in_key && column->hide == CMIG_AUDIT_SHOW &&
			 !cmig_audit_options_has(options->include, name)))
			continue;

		column->attno = attribute->attnum - 1;
		column->name = pstrdup(NameStr(attribute->attname));
		column->name_len = strlen(column->name);
		column->name_text = CStringGetTextDatum(column->name);
		column->typlen = attribute->attlen;
		column->byval = attribute->attbyval;
		column->type = getBaseType(attribute->atttypid);
		column->kind = kind_of_type(column->type);

		if (column->hide == CMIG_AUDIT_HASH)
		{
			getTypeOutputInfo(attribute->atttypid, &function, &varlena);
			fmgr_info(function, &column->plain_output);
		}
		if (column->kind == CMIG_AUDIT_OUTPUT)
		{
			getTypeOutputInfo(column->type, &function, &varlena);
			fmgr_info(function, &column->output);
		}
		else if (column->kind == CMIG_AUDIT_GENERAL)
		{
			Node	   *argument = (Node *) makeNullConst(attribute->atttypid, -1,
														  attribute->attcollation);
			Oid			element = get_element_type(column->type);

			column->calls_out = column->type >= FirstNormalObjectId ||
				element >= FirstNormalObjectId;
			fmgr_info(F_TO_JSONB, &column->output);
			fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(argument),
													 InvalidOid, attribute->attcollation,
													 COERCE_EXPLICIT_CALL),
							   &column->output);
		}
		keyed |= column->in_key;
		shape->names |= column->kind == CMIG_AUDIT_GENERAL;
		shape->count++;
	}
	qsort(shape->columns, shape->count, sizeof(CmigAuditColumn), compare_columns);
	shape->key = palloc0(sizeof(bool) * Max(1, shape->count));
	for (int i = 0; i < shape->count; i++)
	{
		CmigAuditColumn *column = &shape->columns[i];

		column->in_key |= !keyed;
		shape->key[i] = column->in_key;
		shape->zoned_key |= column->in_key && column->kind == CMIG_AUDIT_DATETIME &&
			column->type == TIMESTAMPTZOID;
		/* to_jsonb() and output functions use the session's time zone */
		shape->utc |= (column->in_key || column->hide == CMIG_AUDIT_HASH) &&
			column->kind == CMIG_AUDIT_GENERAL &&
			(OidIsValid(get_element_type(column->type)) ||
			 strchr("crm", get_typtype(column->type)) != NULL);
	}
}

static void
put_string(CmigAuditPiece *piece, const char *data, Size len)
{
	piece->type = JENTRY_ISSTRING;
	piece->data = data;
	piece->len = len;
}

static void
put_cstring(CmigAuditPiece *piece, const char *data)
{
	put_string(piece, data, strlen(data));
}

/*
 * Encode a numeric value.  JSON has no NaN and no infinity, so these become
 * strings.
 */
static void
put_numeric(CmigAuditPiece *piece, Numeric value)
{
	if (numeric_is_nan(value) || numeric_is_inf(value))
	{
		put_cstring(piece, DatumGetCString(DirectFunctionCall1(numeric_out,
															   NumericGetDatum(value))));
		return;
	}
	piece->type = JENTRY_ISNUMERIC;
	piece->data = (const char *) value;
	piece->len = VARSIZE_ANY(value);
	piece->aligned = true;
}

static void
put_jsonb(CmigAuditPiece *piece, Jsonb *value)
{
	JsonbValue	scalar;

	if (!JB_ROOT_IS_SCALAR(value))
	{
		piece->type = JENTRY_ISCONTAINER;
		piece->data = VARDATA(value);
		piece->len = VARSIZE(value) - VARHDRSZ;
		piece->aligned = true;
		return;
	}
	JsonbExtractScalar(&value->root, &scalar);
	switch (scalar.type)
	{
		case jbvNull:
			piece->type = JENTRY_ISNULL;
			break;
		case jbvBool:
			piece->type = scalar.val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
			break;
		case jbvNumeric:
			put_numeric(piece, scalar.val.numeric);
			break;
		default:
			put_string(piece, scalar.val.string.val, scalar.val.string.len);
			break;
	}
}

/* Encode a hashed value: its HMAC, in brackets. */
static void
put_hash(CmigAuditPiece *piece, const CmigAuditShape *shape, CmigAuditColumn *column,
		 Datum value)
{
	char	   *text;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char		hex[PG_SHA256_DIGEST_LENGTH * 2 + 1];
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);

	/* use UTC, so that the hash does not depend on the time zone */
	if (column->type == TIMESTAMPTZOID)
	{
		int			utc = 0;

		text = JsonEncodeDateTime(NULL, value, TIMESTAMPTZOID, &utc);
	}
	else
		text = OutputFunctionCall(&column->plain_output, value);
	if (hmac == NULL ||
		pg_hmac_init(hmac, (const uint8 *) shape->hash_key, shape->hash_key_len) < 0 ||
		pg_hmac_update(hmac, (const uint8 *) text, strlen(text)) < 0 ||
		pg_hmac_final(hmac, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute the hash of a column");
	pg_hmac_free(hmac);
	hex_encode((const char *) digest, sizeof(digest), hex);
	hex[sizeof(hex) - 1] = '\0';
	put_cstring(piece, psprintf("[redacted:%s]", hex));
}

/* Replace a value that is too large for jsonb, or raise an error. */
static void
put_too_large(CmigAuditPiece *piece, const CmigAuditShape *shape,
			  const CmigAuditColumn *column, Size len)
{
	if (!shape->truncate)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a value of column \"%s\" is too large for the audit log", column->name),
				 len > JENTRY_OFFLENMASK ?
				 errdetail("The value is %zu bytes long, but jsonb can hold at most %d bytes for a row.",
						   len, JENTRY_OFFLENMASK) :
				 errdetail("The value is %zu bytes long and does not fit into jsonb, which can hold at most %d bytes for a row.",
						   len, JENTRY_OFFLENMASK),
				 errhint("Exclude the column, or replace values that are too large: cmig.enable_audit(<table>, oversize => 'truncate')")));
	piece->aligned = false;
	put_cstring(piece, psprintf("[truncated: %zu bytes]", len));
}

/*
 * Returns the role that runs the code of a type: the table's owner, unless that
 * code could find objects of others, since names without a schema can also mean
 * those in the session's temporary schema.
 */
Oid
cmig_audit_row_role(Oid type, Oid owner)
{
	return cmig_role_meets_temporary(owner) ? CMIG_ROLE_NOBODY : cmig_type_role(type, owner);
}

/* A value that is converted by to_jsonb(), and the result. */
typedef struct Conversion
{
	const CmigAuditShape *shape;
	CmigAuditColumn *column;
	Datum		value;
	Jsonb	   *result;
} Conversion;

/*
 * Convert a value with to_jsonb().  This may call a cast to json, which must
 * not run with the privileges of the role that changes the row.  If the type
 * does not belong to the table's owner, the cast must not run with the owner's
 * privileges, either.
 */
static void
convert(void *arg)
{
	Conversion *conversion = arg;
	CmigAuditColumn *column = conversion->column;
	CmigRole	saved;
	Datum		result;

	if (column->calls_out)
		cmig_role_act_as(&saved, cmig_audit_row_role(column->type, conversion->shape->owner));
	result = FunctionCall1(&column->output, conversion->value);
	if (column->calls_out)
		cmig_role_return(&saved);
	conversion->result = DatumGetJsonbP(result);
}

/*
 * Returns the result of to_jsonb() for a value, or NULL if that is too large.
 * A value of many bytes, such as an array of numbers, is converted in a
 * subtransaction, because this may fail.
 */
static Jsonb *
general_value(const CmigAuditShape *shape, CmigAuditColumn *column, Datum value, Size len)
{
	Conversion	conversion = {shape, column, value};
	ErrorData  *error;

	if (len < MAY_GROW_TOO_LARGE)
	{
		convert(&conversion);
		return conversion.result;
	}
	error = cmig_subtransaction_try(convert, &conversion);
	if (error == NULL)
		return conversion.result;
	if (error->sqlerrcode != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
		!cmig_error_is_from(error, ERRCODE_INTERNAL_ERROR, "mcxt.c"))
		ReThrowError(error);
	FreeErrorData(error);
	return NULL;
}

/*
 * Encode a value that is neither null nor hidden.  If the value is a varlena,
 * "len" is its length in bytes.
 */
static void
put_value(CmigAuditPiece *piece, const CmigAuditShape *shape, CmigAuditColumn *column,
		  Datum value, Size len)
{
	Jsonb	   *jsonb;
	text	   *t;

	switch (column->kind)
	{
		case CMIG_AUDIT_BOOL:
			piece->type = DatumGetBool(value) ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
			break;
		case CMIG_AUDIT_INT2:
			put_numeric(piece, int64_to_numeric(DatumGetInt16(value)));
			break;
		case CMIG_AUDIT_INT4:
			put_numeric(piece, int64_to_numeric(DatumGetInt32(value)));
			break;
		case CMIG_AUDIT_INT8:
			put_numeric(piece, int64_to_numeric(DatumGetInt64(value)));
			break;
		case CMIG_AUDIT_NUMERIC:
			put_numeric(piece, DatumGetNumeric(value));
			break;
		case CMIG_AUDIT_TEXT:
			t = DatumGetTextPP(value);
			put_string(piece, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
			break;
		case CMIG_AUDIT_DATETIME:
			put_cstring(piece, JsonEncodeDateTime(NULL, value, column->type, NULL));
			break;
		case CMIG_AUDIT_JSONB:
			put_jsonb(piece, DatumGetJsonbP(value));
			break;
		case CMIG_AUDIT_OUTPUT:
			put_cstring(piece, OutputFunctionCall(&column->output, value));
			break;
		case CMIG_AUDIT_GENERAL:
			jsonb = general_value(shape, column, value, len);
			if (jsonb)
				put_jsonb(piece, jsonb);
			else
				put_too_large(piece, shape, column, len);
			break;
	}
}

/* Encode one column's value into *piece. */
void
cmig_audit_row_encode(const CmigAuditShape *shape, CmigAuditColumn *column,
					  Datum value, bool isnull, CmigAuditPiece *piece)
{
	Size		len = 0;

	piece->len = 0;
	piece->data = NULL;
	piece->aligned = false;

	if (isnull)
	{
		piece->type = JENTRY_ISNULL;
		return;
	}
	if (column->hide == CMIG_AUDIT_REDACT)
	{
		put_cstring(piece, CMIG_AUDIT_REDACTED);
		return;
	}
	if (column->hide == CMIG_AUDIT_HASH)
	{
		put_hash(piece, shape, column, value);
		return;
	}

	/* do not detoast a value that is too long for jsonb */
	if (column->typlen == -1 && column->kind != CMIG_AUDIT_NUMERIC)
	{
		len = toast_raw_datum_size(value) - VARHDRSZ;
		if (len > JENTRY_OFFLENMASK ||
			(column->type == BYTEAOID && len > JENTRY_OFFLENMASK / 2))
		{
			put_too_large(piece, shape, column, len);
			return;
		}
	}
	put_value(piece, shape, column, value, len);
	if (piece->len > JENTRY_OFFLENMASK)
		put_too_large(piece, shape, column, piece->len);
}

/* Encode a timestamptz in UTC, regardless of the session's time zone. */
void
cmig_audit_row_encode_utc(Datum value, CmigAuditPiece *piece)
{
	int			utc = 0;

	put_cstring(piece, JsonEncodeDateTime(NULL, value, TIMESTAMPTZOID, &utc));
}

/*
 * Returns true if "a" and "b" are the same value of the column.  TOAST values
 * are fetched only if this cannot be decided without them.
 */
bool
cmig_audit_row_same(const CmigAuditColumn *column, Datum a, bool a_null,
					Datum b, bool b_null)
{
	if (a_null || b_null)
		return a_null == b_null;
	if (column->byval)
		return a == b;
	if (a == b)
		return true;
	if (column->typlen == -1)
	{
		struct varlena *left = (struct varlena *) DatumGetPointer(a);
		struct varlena *right = (struct varlena *) DatumGetPointer(b);

		/*
		 * the values are the same if their bytes are equal, for example if
		 * both are references to the same TOAST value
		 */
		if (VARSIZE_ANY(left) == VARSIZE_ANY(right) &&
			memcmp(left, right, VARSIZE_ANY(left)) == 0)
			return true;
	}
	return datum_image_eq(a, b, column->byval, column->typlen);
}

/*
 * Returns a copy of the pieces in which the largest values are replaced until
 * the chosen pieces (all pieces if "chosen" is NULL) fit into one jsonb
 * object.
 */
static CmigAuditPiece *
fit(const CmigAuditShape *shape, const CmigAuditPiece *pieces, const bool *chosen)
{
	CmigAuditPiece *fitting = palloc(sizeof(CmigAuditPiece) * shape->count);

	memcpy(fitting, pieces, sizeof(CmigAuditPiece) * shape->count);
	for (;;)
	{
		Size		total = 0;
		int			largest = -1;

		for (int i = 0; i < shape->count; i++)
		{
			if (chosen && !chosen[i])
				continue;
			total += fitting[i].len + shape->columns[i].name_len + 3;
			if (largest < 0 || fitting[i].len > fitting[largest].len)
				largest = i;
		}
		if (total <= JENTRY_OFFLENMASK)
			return fitting;
		put_too_large(&fitting[largest], shape, &shape->columns[largest],
					  fitting[largest].len);
	}
}

/*
 * A jsonb object that is being written, its next entry, and the end of its
 * data.
 */
typedef struct ImageWriter
{
	char	   *object;
	JEntry	   *entry;
	char	   *start;			/* start of the data */
	char	   *end;
	int			count;			/* number of entries so far */
} ImageWriter;

/*
 * Write the entry for the data that has been appended since "from".  Every
 * JB_OFFSET_STRIDE-th entry contains the offset of the data's end, and the
 * other entries contain the data's length.
 */
static inline void
write_entry(ImageWriter *writer, uint32 type, const char *from)
{
	if (writer->count % JB_OFFSET_STRIDE == 0)
		*writer->entry++ = type | JENTRY_HAS_OFF | (uint32) (writer->end - writer->start);
	else
		*writer->entry++ = type | (uint32) (writer->end - from);
	writer->count++;
}

/*
 * Assemble the jsonb object of the columns for which chosen[i] is true, or of
 * all columns if "chosen" is NULL.
 */
Jsonb *
cmig_audit_row_image(const CmigAuditShape *shape, const CmigAuditPiece *pieces,
					 const bool *chosen)
{
	ImageWriter writer = {0};
	int			count = 0;
	Size		size = 0;
	Size		keys = 0;
	Jsonb	   *jsonb;

	for (int i = 0; i < shape->count; i++)
	{
		if (chosen && !chosen[i])
			continue;
		count++;
		keys += shape->columns[i].name_len;
		size += pieces[i].len + (pieces[i].aligned ? 3 : 0);
	}
	if (keys + size > JENTRY_OFFLENMASK)
	{
		if (!shape->truncate)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a row is too large for the audit log"),
					 errdetail("Its image would exceed the limit of %d bytes for a jsonb value.",
							   JENTRY_OFFLENMASK),
					 errhint("Exclude large columns, or replace their values: cmig.enable_audit(<table>, oversize => 'truncate')")));
		return cmig_audit_row_image(shape, fit(shape, pieces, chosen), chosen);
	}

	jsonb = palloc(VARHDRSZ + sizeof(uint32) + sizeof(JEntry) * 2 * count + keys + size);
	jsonb->root.header = count | JB_FOBJECT;
	writer.object = (char *) jsonb;
	writer.entry = jsonb->root.children;
	writer.start = writer.end = (char *) (writer.entry + 2 * count);
	for (int i = 0; i < shape->count; i++)
	{
		const CmigAuditColumn *column = &shape->columns[i];

		if (chosen && !chosen[i])
			continue;
		memcpy(writer.end, column->name, column->name_len);
		writer.end += column->name_len;
		write_entry(&writer, JENTRY_ISSTRING, writer.end - column->name_len);
	}
	for (int i = 0; i < shape->count; i++)
	{
		const CmigAuditPiece *piece = &pieces[i];
		char	   *from = writer.end;

		if (chosen && !chosen[i])
			continue;
		while (piece->aligned && (writer.end - writer.object) % sizeof(int32) != 0)
			*writer.end++ = '\0';
		if (piece->len > 0)
			memcpy(writer.end, piece->data, piece->len);
		writer.end += piece->len;
		write_entry(&writer, piece->type, from);
	}
	SET_VARSIZE(jsonb, writer.end - writer.object);
	return jsonb;
}
