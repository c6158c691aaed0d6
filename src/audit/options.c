/*
 * options.c
 *	  A table's audit options.
 *
 * The options are stored in the arguments of a table's triggers, so that
 * pg_dump includes them.  The first argument is the table's permanent id, and
 * the second argument contains the options as the text of a jsonb.  The options
 * contain the name and the number of each column; layout.c explains which of
 * the two counts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "audit/internal.h"

#define ALL_OPERATIONS 15
#define MAX_QUERY_LENGTH (1024 * 1024)

/* How the value of an option is written. */
typedef enum Kind
{
	WORD,						/* an int: the index of a word */
	WORDS,						/* an int: a bit for each word */
	FLAG,						/* an int: 0 or 1 */
	NUMBER,						/* an int */
	NAMES						/* a List of CmigAuditName */
} Kind;

/*
 * The options, in the order in which they are written.  "argument" is the place
 * among the option arguments of the SQL functions.
 */
static const struct
{
	const char *name;
	int			argument;
	Kind		kind;
	size_t		offset;
	int			initial;		/* the default, which is not written */
	const char *words[5];
}			table[] = {
	{"level", 8, WORD, offsetof(CmigAuditOptions, level), -1, {"auto", "row", "statement"}},
	{"include", 1, NAMES, offsetof(CmigAuditOptions, include)},
	{"exclude", 0, NAMES, offsetof(CmigAuditOptions, exclude)},
	{"redact", 2, NAMES, offsetof(CmigAuditOptions, redact)},
	{"hash", 3, NAMES, offsetof(CmigAuditOptions, hash)},
	{"image", 4, WORD, offsetof(CmigAuditOptions, changes_only), 0, {"row", "changes"}},
	{"operations", 5, WORDS, offsetof(CmigAuditOptions, operations), ALL_OPERATIONS,
	{"insert", "update", "delete", "truncate"}},
	{"skip_unchanged", 6, FLAG, offsetof(CmigAuditOptions, skip_unchanged), true},
	{"query_length", 7, NUMBER, offsetof(CmigAuditOptions, query_length), 0},
	{"replicated", 9, FLAG, offsetof(CmigAuditOptions, replicated), false},
	{"oversize", 10, WORD, offsetof(CmigAuditOptions, truncate), 0, {"error", "truncate"}}
};

/* The field of an option: an int or, if its kind is NAMES, a List pointer. */
static void *
field_of(const CmigAuditOptions *options, int i)
{
	return (char *) options + table[i].offset;
}

/* Returns the index of an option's word, or -1. */
static int
word_of(int i, const char *text, int len)
{
	for (int w = 0; table[i].words[w]; w++)
		if (strlen(table[i].words[w]) == len && pg_strncasecmp(table[i].words[w], text, len) == 0)
			return w;
	return -1;
}

CmigAuditOptions *
cmig_audit_options_default(void)
{
	CmigAuditOptions *options = palloc0(sizeof(CmigAuditOptions));

	options->operations = ALL_OPERATIONS;
	options->skip_unchanged = true;
	return options;
}

bool
cmig_audit_options_has(const List *names, const char *column)
{
	foreach_ptr(CmigAuditName, each, names)
	{
		if (strcmp(each->name, column) == 0)
			return true;
	}
	return false;
}

/*
 * Reading and writing a trigger's arguments
 */

pg_noreturn static void raise_malformed(void);

static void
raise_malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("could not parse the arguments of an audit trigger"),
			 errhint("Audit triggers must be created by cmig.enable_audit(). Call cmig.disable_audit() and then cmig.enable_audit() for the table.")));
}

/* Returns a JSON number from 0 to "most".  Raises an error for other values. */
static int
number_of(const JsonbValue *value, int most)
{
	Datum		number = value->type == jbvNumeric ? NumericGetDatum(value->val.numeric) :
	(Datum) 0;

	if (value->type != jbvNumeric ||
		!DatumGetBool(DirectFunctionCall2(numeric_ge, number,
										  NumericGetDatum(int64_to_numeric(0)))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_le, number,
										  NumericGetDatum(int64_to_numeric(most)))))
		raise_malformed();
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, number));
}

int32
cmig_audit_options_id(const char *argument)
{
	int64		id = 0;

	for (const char *p = argument; *p; p++)
	{
		if (*p < '0' || *p > '9')
			return 0;
		id = id * 10 + (*p - '0');

		/*
		 * The id is the upper half of row_hash.  The hashes that belong to
		 * one id end where those of the next id begin, so the largest int32
		 * is not allowed as an id.
		 */
		if (id >= PG_INT32_MAX)
			return 0;
	}
	return (int32) id;
}

/*
 * Set an option from the elements of a JSON object or array: column numbers by
 * name, or words.
 */
static void
parse_elements(CmigAuditOptions *options, int i, JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	CmigAuditName *name = NULL;

	if (value->type != jbvBinary)
		raise_malformed();
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (table[i].kind == WORDS)
		{
			if (token == WJB_ELEM && v.type == jbvString &&
				word_of(i, v.val.string.val, v.val.string.len) >= 0)
				*(int *) field_of(options,
								  i) |= 1 << word_of(i, v.val.string.val, v.val.string.len);
		}
		else if (token == WJB_KEY)
		{
			name = palloc0(sizeof(CmigAuditName));
			name->name = pnstrdup(v.val.string.val, v.val.string.len);
			*(List **) field_of(options, i) = lappend(*(List **) field_of(options, i), name);
		}
		else if (token == WJB_VALUE && name)
			name->attnum = number_of(&v, MaxHeapAttributeNumber);
		else if (token == WJB_BEGIN_ARRAY)
			raise_malformed();
	}
}

/* Parse a trigger's arguments.  Raises an error if they are malformed. */
CmigAuditOptions *
cmig_audit_options_parse(int nargs, char **args)
{
	CmigAuditOptions *options = cmig_audit_options_default();
	Jsonb	   *json;
	JsonbValue *value;

	options->table_id = nargs == 2 ? cmig_audit_options_id(args[0]) : 0;
	if (options->table_id == 0)
		raise_malformed();
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(args[1])));
	if (!JB_ROOT_IS_OBJECT(json))
		raise_malformed();
	value = getKeyJsonValueFromContainer(&json->root, "anchor", strlen("anchor"), NULL);
	if (value && value->type == jbvString)
		options->anchor = pnstrdup(value->val.string.val, value->val.string.len);
	for (int i = 0; i < lengthof(table); i++)
	{
		value = getKeyJsonValueFromContainer(&json->root, table[i].name, strlen(table[i].name),
											 NULL);
		if (value == NULL)
			continue;
		if (table[i].kind == NAMES || table[i].kind == WORDS)
		{
			if (table[i].kind == WORDS)
				*(int *) field_of(options, i) = 0;
			parse_elements(options, i, value);
		}
		else if (table[i].kind == WORD && value->type == jbvString)
			*(int *) field_of(options,
							  i) = Max(0, word_of(i, value->val.string.val, value->val.string.len));
		else if (table[i].kind == FLAG && value->type == jbvBool)
			*(int *) field_of(options, i) = value->val.boolean;
		else if (table[i].kind == NUMBER)
			*(int *) field_of(options, i) = number_of(value, PG_INT32_MAX);
	}
	return options;
}

/*
 * Returns the options as text.  If "numbers" is true, the text is a trigger's
 * second argument.  Otherwise, it is for display or for a script, and has lists
 * of names without numbers.
 */
char *
cmig_audit_options_text(const CmigAuditOptions *options, bool numbers)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(table); i++)
	{
		int			number = table[i].kind == NAMES ? 0 : *(int *) field_of(options, i);
		List	   *names = table[i].kind == NAMES ? *(List **) field_of(options, i) : NIL;
		const char *separator = "";

		if (numbers && strcmp(table[i].name, "include") == 0 && options->anchor &&
			cmig_audit_options_columns(options))
			appendStringInfo(&text, ", \"anchor\": \"%s\"", options->anchor);
		if (table[i].kind == NAMES ? names == NIL : number == table[i].initial)
			continue;
		appendStringInfo(&text, "%s\"%s\": ", i == 0 ? "{" : ", ", table[i].name);
		switch (table[i].kind)
		{
			case WORD:
				appendStringInfo(&text, "\"%s\"", table[i].words[number]);
				break;
			case FLAG:
				appendStringInfoString(&text, number ? "true" : "false");
				break;
			case NUMBER:
				appendStringInfo(&text, "%d", number);
				break;
			case WORDS:
				appendStringInfoChar(&text, '[');
				for (int w = 0; table[i].words[w]; w++)
				{
					if ((number & (1 << w)) == 0)
						continue;
					appendStringInfo(&text, "%s\"%s\"", separator, table[i].words[w]);
					separator = ", ";
				}
				appendStringInfoChar(&text, ']');
				break;
			case NAMES:
				appendStringInfoChar(&text, numbers ? '{' : '[');
				foreach_ptr(CmigAuditName, each, names)
				{
					appendStringInfoString(&text, separator);
					escape_json(&text, each->name);
					if (numbers)
						appendStringInfo(&text, ": %d", each->attnum);
					separator = ", ";
				}
				appendStringInfoChar(&text, numbers ? '}' : ']');
				break;
		}
	}
	appendStringInfoChar(&text, '}');
	return text.data;
}

/* Returns the number of columns in all lists. */
int
cmig_audit_options_columns(const CmigAuditOptions *options)
{
	return list_length(options->include) + list_length(options->exclude) +
		list_length(options->redact) + list_length(options->hash);
}

Oid
cmig_audit_trigger_root(Oid relation, Oid trigger)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);

	while (OidIsValid(trigger))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(trigger));
		scan = systable_beginscan(catalog, TriggerOidIndexId, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		trigger = InvalidOid;
		if (HeapTupleIsValid(tuple))
		{
			relation = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
			trigger = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
		}
		systable_endscan(scan);
	}
	table_close(catalog, AccessShareLock);
	return relation;
}

/*
 * The arguments of enable_audit() and similar functions
 */

/*
 * Returns a text[] argument as a List of CmigAuditName.  Rejects duplicates:
 * one of the two names may be mistyped, and then the column that was meant
 * would stay visible.
 */
static List *
names_argument(FunctionCallInfo fcinfo, int n, const char *what)
{
	CmigNames  *texts = cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), what, NULL);
	const char *repeated = cmig_names_repeated(texts);
	List	   *names = NIL;

	if (repeated != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name \"%s\" is listed twice in %s", repeated, what)));
	for (int i = 0; i < texts->count; i++)
	{
		CmigAuditName *name = palloc0(sizeof(CmigAuditName));

		name->name = texts->names[i];
		names = lappend(names, name);
	}
	return names;
}

static int
word_argument(FunctionCallInfo fcinfo, int n, int i)
{
	char	   *word = text_to_cstring(PG_GETARG_TEXT_PP(n));
	int			found = word_of(i, word, strlen(word));
	StringInfoData list;

	initStringInfo(&list);
	for (int w = 0; table[i].words[w]; w++)
		appendStringInfo(&list, "%s'%s'", w > 0 ? ", " : "", table[i].words[w]);
	if (found < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for %s: \"%s\"", table[i].name, word),
				 errhint("Valid values are %s.", list.data)));
	return found;
}

static int
operations_argument(FunctionCallInfo fcinfo, int n, int i)
{
	int			operations = 0;

	foreach_ptr(CmigAuditName, name, names_argument(fcinfo, n, table[i].name))
	{
		int			word = word_of(i, name->name, strlen(name->name));

		if (word < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized operation \"%s\"", name->name),
					 errhint("Valid operations are insert, update, delete, and truncate.")));
		operations |= 1 << word;
	}
	if (operations == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operations must not be empty"),
				 errhint("Specify at least one of insert, update, delete, and truncate. To turn off auditing, call cmig.disable_audit()")));
	return operations;
}

/*
 * Set the options whose arguments are not null.  The first option is argument
 * "first".
 */
void
cmig_audit_options_read(FunctionCallInfo fcinfo, int first, CmigAuditOptions *options)
{
	bool		excludes;
	bool		includes;

	for (int i = 0; i < lengthof(table); i++)
	{
		int			n = first + table[i].argument;

		if (PG_ARGISNULL(n))
			continue;
		switch (table[i].kind)
		{
			case NAMES:
				*(List **) field_of(options, i) = names_argument(fcinfo, n, table[i].name);
				break;
			case WORD:
				*(int *) field_of(options, i) = word_argument(fcinfo, n, i);
				break;
			case WORDS:
				*(int *) field_of(options, i) = operations_argument(fcinfo, n, i);
				break;
			case FLAG:
				*(int *) field_of(options, i) = PG_GETARG_BOOL(n);
				break;
			case NUMBER:
				*(int *) field_of(options, i) = PG_GETARG_INT32(n);
				break;
		}
	}
	if (options->query_length < 0 || options->query_length > MAX_QUERY_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("query_length must be between 0 and %d bytes", MAX_QUERY_LENGTH)));
	excludes = !PG_ARGISNULL(first) && options->exclude;
	includes = !PG_ARGISNULL(first + 1) && options->include;
	if (includes && excludes)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("include and exclude cannot be combined"),
				 errhint("Specify include to log only the listed columns, or exclude to log all other columns.")));
	if (excludes)
		options->include = NIL;
	if (includes)
		options->exclude = NIL;
	if (options->replicated && options->level == CMIG_AUDIT_LEVEL_STATEMENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("replicated changes cannot be logged at statement level"),
				 errdetail("The server fires only row triggers when it applies replicated changes."),
				 errhint("Use level => 'auto' or level => 'row'")));
}

/* Raise an error for a name that is not a column of the relation. */
static void
raise_no_column(Relation relation, const char *name, const char *list)
{
	TupleDesc	desc = RelationGetDescr(relation);
	const char *nearest = NULL;
	int			length = strlen(name);
	int			best = Min(3, length / 2) + 1;

	for (int i = 0; i < desc->natts && length < NAMEDATALEN; i++)
	{
		const char *candidate = NameStr(TupleDescAttr(desc, i)->attname);
		int			distance = TupleDescAttr(desc, i)->attisdropped ? best :
		varstr_levenshtein_less_equal(name, length, candidate, strlen(candidate),
									  1, 1, 1, best, true);

		if (distance < best)
		{
			nearest = candidate;
			best = distance;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist",
					name, RelationGetRelationName(relation)),
			 errdetail("It is listed in %s.", list),
			 nearest ? errhint("Did you mean \"%s\"?", nearest) : 0));
}

/*
 * Check that all columns exist, that no column is hidden by more than one
 * list, and that no key column is hidden.  Sets the columns' numbers and the
 * anchor.
 */
void
cmig_audit_options_check(CmigAuditOptions *options, Relation relation)
{
	List	   *key = cmig_audit_layout_key(relation, NULL);

	for (int i = 0; i < lengthof(table); i++)
	{
		List	   *names = table[i].kind == NAMES ? *(List **) field_of(options, i) : NIL;
		bool		hides = names != options->include;

		foreach_ptr(CmigAuditName, name, names)
		{
			name->attnum = get_attnum(RelationGetRelid(relation), name->name);
			if (name->attnum <= 0)
				raise_no_column(relation, name->name, table[i].name);
			if (hides && cmig_text_list_has(key, name->name))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("column \"%s\" is part of the key of table \"%s\" and cannot be hidden",
								name->name, RelationGetRelationName(relation)),
						 errdetail("The key identifies the rows in the log.")));
			for (int other = i + 1; hides && other < lengthof(table); other++)
				if (table[other].kind == NAMES &&
					cmig_audit_options_has(*(List **) field_of(options, other), name->name))
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("column \"%s\" is listed in both %s and %s",
									name->name, table[i].name, table[other].name),
							 errhint("Remove the column from one of the two lists. A list that is not specified stays unchanged. To empty a list, specify '{}'.")));
		}
	}
	cmig_audit_columns_anchor(options, RelationGetRelid(relation));
}

/*
 * For a call that audits several tables at once: leave out the columns to hide
 * that this table does not have, and add the others to *met, a List of char *.
 */
void
cmig_audit_options_fit(CmigAuditOptions *options, Relation relation, List **met)
{
	List	  **hiding[] = {&options->exclude, &options->redact, &options->hash};

	for (int i = 0; i < lengthof(hiding); i++)
	{
		ListCell   *lc;

		foreach(lc, *hiding[i])
		{
			char	   *name = ((CmigAuditName *) lfirst(lc))->name;

			if (get_attnum(RelationGetRelid(relation), name) <= 0)
				*hiding[i] = foreach_delete_current(*hiding[i], lc);
			else if (!cmig_text_list_has(*met, name))
				*met = lappend(*met, name);
		}
	}
}
