/*
 * options.c
 *	  A table's audit options, and its columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

/* ----------------------------------------------------------------
 * Reads and writes the audit options in the arguments of a table's
 * triggers.
 *
 * The first argument is the table's permanent id, and the second argument
 * contains the options as the text of a jsonb, so that pg_dump includes both.
 * The options contain the name and the number of each column; audit.h
 * explains which of the two counts.
 * ----------------------------------------------------------------
 */

/* Operations, as bits. */
#define CMIG_AUDIT_ALL		15

static const char *const operation_names[] = {"insert", "update", "delete", "truncate"};

CmigAuditOptions *
cmig_audit_options_default(void)
{
	CmigAuditOptions *options = palloc0(sizeof(CmigAuditOptions));

	options->operations = CMIG_AUDIT_ALL;
	options->skip_unchanged = true;
	return options;
}

pg_noreturn static void raise_malformed(void);

static void
raise_malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("could not parse the arguments of an audit trigger"),
			 errhint("Audit triggers must be created by cmig.enable_audit(). Call cmig.disable_audit() and then cmig.enable_audit() for the table.")));
}

static JsonbValue *
member(Jsonb *json, const char *key)
{
	return getKeyJsonValueFromContainer(&json->root, key, strlen(key), NULL);
}

/*
 * Returns a JSON number from 0 to "most", or 0 if "value" is NULL.  Raises an
 * error for any other value.
 */
static int
number_of(const JsonbValue *value, int most)
{
	Datum		number;

	if (value == NULL)
		return 0;
	if (value->type != jbvNumeric)
		raise_malformed();
	number = NumericGetDatum(value->val.numeric);
	if (!DatumGetBool(DirectFunctionCall2(numeric_ge, number, NumericGetDatum(int64_to_numeric(0)))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_le, number, NumericGetDatum(int64_to_numeric(most)))))
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

static bool
is_string(const JsonbValue *value, const char *text)
{
	return value && value->type == jbvString &&
		value->val.string.len == strlen(text) &&
		memcmp(value->val.string.val, text, value->val.string.len) == 0;
}

/*
 * Convert a JSON object, which contains column numbers by name, to a list of
 * CmigAuditName.
 */
static List *
names_of(JsonbValue *value)
{
	List	   *names = NIL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	CmigAuditName *name = NULL;

	if (value == NULL)
		return NIL;
	if (value->type != jbvBinary)
		raise_malformed();
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			name = palloc0(sizeof(CmigAuditName));
			name->name = pnstrdup(v.val.string.val, v.val.string.len);
			names = lappend(names, name);
		}
		else if (token == WJB_VALUE && name)
			name->attnum = number_of(&v, MaxHeapAttributeNumber);
		else if (token == WJB_BEGIN_ARRAY || token == WJB_ELEM)
			raise_malformed();
	}
	return names;
}

CmigAuditOptions *
cmig_audit_options_parse(int nargs, char **args)
{
	CmigAuditOptions *options = cmig_audit_options_default();
	Jsonb	   *json;
	JsonbValue *value;

	if (nargs != 2)
		raise_malformed();
	options->table_id = cmig_audit_options_id(args[0]);
	if (options->table_id == 0)
		raise_malformed();
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(args[1])));
	if (!JB_ROOT_IS_OBJECT(json))
		raise_malformed();

	value = member(json, "anchor");
	if (value && value->type == jbvString)
		options->anchor = pnstrdup(value->val.string.val, value->val.string.len);
	options->include = names_of(member(json, "include"));
	options->only_included = options->include != NIL;
	options->exclude = names_of(member(json, "exclude"));
	options->redact = names_of(member(json, "redact"));
	options->hash = names_of(member(json, "hash"));
	options->changes_only = is_string(member(json, "image"), "changes");
	options->truncate = is_string(member(json, "oversize"), "truncate");
	options->query_length = number_of(member(json, "query_length"), PG_INT32_MAX);
	value = member(json, "skip_unchanged");
	options->skip_unchanged = !(value && value->type == jbvBool && !value->val.boolean);
	value = member(json, "replicated");
	options->replicated = value && value->type == jbvBool && value->val.boolean;
	value = member(json, "level");
	options->level = is_string(value, "row") ? CMIG_AUDIT_LEVEL_ROW :
		is_string(value, "statement") ? CMIG_AUDIT_LEVEL_STATEMENT : CMIG_AUDIT_LEVEL_AUTO;
	value = member(json, "operations");
	if (value)
	{
		options->operations = 0;
		for (int i = 0; i < lengthof(operation_names); i++)
		{
			JsonbValue	wanted;

			wanted.type = jbvString;
			wanted.val.string.val = (char *) operation_names[i];
			wanted.val.string.len = strlen(operation_names[i]);
			if (value->type == jbvBinary &&
				findJsonbValueFromContainer(value->val.binary.data, JB_FARRAY, &wanted))
				options->operations |= 1 << i;
		}
	}
	return options;
}

/*
 * Append a list of columns as {"name": number, ...} or, for display, as
 * ["name", ...].
 */
static void
append_names(StringInfo text, const char *key, const List *names, bool numbers)
{
	ListCell   *lc;
	bool		first = true;

	if (names == NIL)
		return;
	appendStringInfo(text, ", \"%s\": %c", key, numbers ? '{' : '[');
	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (!first)
			appendStringInfoString(text, ", ");
		escape_json(text, name->name);
		if (numbers)
			appendStringInfo(text, ": %d", name->attnum);
		first = false;
	}
	appendStringInfoChar(text, numbers ? '}' : ']');
}

char *
cmig_audit_options_text(const CmigAuditOptions *options, bool numbers)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "{\"level\": \"%s\"",
					 options->level == CMIG_AUDIT_LEVEL_ROW ? "row" :
					 options->level == CMIG_AUDIT_LEVEL_STATEMENT ? "statement" : "auto");
	if (options->anchor &&
		(options->include || options->exclude || options->redact || options->hash))
		appendStringInfo(&text, ", \"anchor\": \"%s\"", options->anchor);
	append_names(&text, "include", options->include, numbers);
	append_names(&text, "exclude", options->exclude, numbers);
	append_names(&text, "redact", options->redact, numbers);
	append_names(&text, "hash", options->hash, numbers);
	if (options->changes_only)
		appendStringInfoString(&text, ", \"image\": \"changes\"");
	if (options->operations != CMIG_AUDIT_ALL)
	{
		bool		first = true;

		appendStringInfoString(&text, ", \"operations\": [");
		for (int i = 0; i < lengthof(operation_names); i++)
		{
			if ((options->operations & (1 << i)) == 0)
				continue;
			appendStringInfo(&text, "%s\"%s\"", first ? "" : ", ", operation_names[i]);
			first = false;
		}
		appendStringInfoChar(&text, ']');
	}
	if (!options->skip_unchanged)
		appendStringInfoString(&text, ", \"skip_unchanged\": false");
	if (options->query_length > 0)
		appendStringInfo(&text, ", \"query_length\": %d", options->query_length);
	if (options->replicated)
		appendStringInfoString(&text, ", \"replicated\": true");
	if (options->truncate)
		appendStringInfoString(&text, ", \"oversize\": \"truncate\"");
	appendStringInfoChar(&text, '}');
	return text.data;
}

bool
cmig_audit_options_has(const List *names, const char *column)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(((CmigAuditName *) lfirst(lc))->name, column) == 0)
			return true;
	}
	return false;
}

Oid
cmig_audit_options_root(Oid relation, Oid trigger)
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
		if (HeapTupleIsValid(tuple))
		{
			Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

			relation = form->tgrelid;
			trigger = form->tgparentid;
		}
		else
			trigger = InvalidOid;
		systable_endscan(scan);
	}
	table_close(catalog, AccessShareLock);
	return relation;
}

/* ----------------------------------------------------------------
 * Finds the columns to which the names in a table's audit options now
 * refer.
 *
 * Options contain the name and number of each column, and the anchor, which
 * identifies the database and table to which the numbers belong.  In that
 * table, the number identifies the column, even if the column was renamed.  In
 * a copy that was restored from a dump, columns have other numbers (because
 * dropped columns are missing), and names can be newer than those in the
 * trigger's arguments, which ALTER TABLE does not change.  In a copy, the
 * column is therefore traced through cmig_audit.layout, in which each state of
 * the table's columns is recorded when the table is written to.  From one
 * state of a table to the next, the column keeps its number.  From the last
 * state of the original table to the first state of the copy, the column keeps
 * its position, provided that all columns up to this position have the same
 * names.  If the dump does not contain the log, the anchor's checksum of these
 * names serves the same purpose.
 *
 * If a column cannot be found in this way, the trigger raises an error instead
 * of guessing.
 * ----------------------------------------------------------------
 */

/* The columns that a table had at some time, in their order. */
typedef struct State
{
	const char *database;
	Oid			relation;
	bool		merged;			/* is it an inheritance child, whose columns
								 * can have another order in a dump? */
	int			count;
	AttrNumber *numbers;
	char	  **names;
} State;

/* Results of follow() that are not column numbers. */
#define COLUMN_GONE 0
#define COLUMN_UNKNOWN (-1)

static int
place_of(const State *state, AttrNumber number)
{
	for (int i = 0; i < state->count; i++)
	{
		if (state->numbers[i] == number)
			return i;
	}
	return -1;
}

static int
place_of_name(const State *state, const char *name)
{
	for (int i = 0; i < state->count; i++)
	{
		if (strcmp(state->names[i], name) == 0)
			return i;
	}
	return -1;
}

static State *
make_state(const char *database, Oid relation, int most)
{
	State	   *state = palloc0(sizeof(State));

	state->database = database;
	state->relation = relation;
	state->numbers = palloc(sizeof(AttrNumber) * Max(1, most));
	state->names = palloc(sizeof(char *) * Max(1, most));
	return state;
}

/* Returns the columns that the table has now.  Needs no lock on the table. */
static State *
live_state(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	State	   *state;
	int			natts;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	state = make_state(cmig_audit_layout_database(), relation, natts);
	state->merged = !((Form_pg_class) GETSTRUCT(tuple))->relispartition && has_superclass(relation);
	ReleaseSysCache(tuple);
	for (AttrNumber n = 1; n <= natts; n++)
	{
		HeapTuple	column = SearchSysCacheAttNum(relation, n);

		if (!HeapTupleIsValid(column))
			continue;
		state->numbers[state->count] = n;
		state->names[state->count++] = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(column))->attname));
		ReleaseSysCache(column);
	}
	return state;
}

/*
 * Returns the columns that a table had in a layout, that is, in one of its
 * recorded states.  "merged" is stored in the result.
 */
static State *
layout_state(const CmigAuditLayout *layout, bool merged)
{
	State	   *state = make_state(layout->database, layout->relation, JB_ROOT_COUNT(layout->columns));
	JsonbIterator *it = JsonbIteratorInit(&layout->columns->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	char	   *name = NULL;

	state->merged = merged;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		int			number;
		int			i;

		if (token == WJB_KEY)
			name = pnstrdup(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE)
			continue;
		number = DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(v.val.numeric)));
		for (i = state->count++; i > 0 && state->numbers[i - 1] > number; i--)
		{
			state->numbers[i] = state->numbers[i - 1];
			state->names[i] = state->names[i - 1];
		}
		state->numbers[i] = number;
		state->names[i] = name;
	}
	return state;
}

/*
 * An anchor is <database>/<oid>/<count>/<checksum>, with the checksum of the
 * names of the first <count> columns.
 */

/* Returns a checksum of the names of the first "count" columns. */
static uint64
checksum(const State *state, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendBinaryStringInfo(&text, state->names[i], strlen(state->names[i]) + 1);
	return DatumGetUInt64(hash_any_extended((unsigned char *) text.data, text.len, 0));
}

/*
 * Returns the first half of an anchor, <database>/<oid>, which identifies the
 * table.
 */
static char *
anchor_table(const char *database, Oid relation)
{
	return psprintf("%s/%u/", database ? database : "?", relation);
}

/*
 * Returns true if the options were set for this table, or false if this table
 * is a copy of the table for which they were set.
 */
static bool
is_anchored_in(const CmigAuditOptions *options, const char *database, Oid relation)
{
	char	   *table = anchor_table(database, relation);

	return options->anchor && strncmp(options->anchor, table, strlen(table)) == 0;
}

/*
 * Returns true if a copy's columns still have the names that they had when the
 * anchor was set.
 */
static bool
is_anchored_copy(const CmigAuditOptions *options, const State *state)
{
	char	   *p = options->anchor ? strrchr(options->anchor, '/') : NULL;
	int			count;

	if (p == NULL)
		return false;
	while (p > options->anchor && p[-1] != '/')
		p--;
	count = atoi(p);
	return count > 0 && count <= state->count &&
		strcmp(p, psprintf("%d/" UINT64_FORMAT, count, checksum(state, count))) == 0;
}

void
cmig_audit_columns_anchor(CmigAuditOptions *options, Oid relation)
{
	State	   *state = live_state(relation);
	List	   *names = list_concat(list_concat_copy(options->include, options->exclude),
									list_concat_copy(options->redact, options->hash));
	ListCell   *lc;
	int			count = 0;

	foreach(lc, names)
	{
		count = Max(count, place_of(state, ((CmigAuditName *) lfirst(lc))->attnum) + 1);
	}
	options->anchor = psprintf("%s%d/" UINT64_FORMAT, anchor_table(state->database, relation),
							   count, checksum(state, count));
}

/*
 * Following a column
 */

/* Are both states of the same table in the same database? */
static bool
is_same_table(const State *a, const State *b)
{
	return a->relation == b->relation && a->database && b->database &&
		strcmp(a->database, b->database) == 0;
}

/*
 * Returns COLUMN_GONE, COLUMN_UNKNOWN, or a column's number in a later state.
 */
static int
follow(const State *from, const State *to, AttrNumber number)
{
	int			place = place_of(from, number);

	if (place < 0)
		return COLUMN_GONE;
	if (is_same_table(from, to))
		return place_of(to, number) < 0 ? COLUMN_GONE : number;
	if (to->merged)
	{
		for (int i = 0; i < from->count; i++)
			if (place_of_name(to, from->names[i]) < 0)
				return COLUMN_UNKNOWN;
		return to->numbers[place_of_name(to, from->names[place])];
	}
	if (place >= to->count)
		return COLUMN_UNKNOWN;
	for (int i = 0; i <= place; i++)
		if (strcmp(from->names[i], to->names[i]) != 0)
			return COLUMN_UNKNOWN;
	return to->numbers[place];
}

/*
 * Returns the table's states, beginning with the one to which the options'
 * column numbers belong and ending with the current one.  If the first state
 * is unknown, *by_name is set to true, and columns must be found by their
 * names in the first state of the list.
 */
static List *
states_of(const CmigAuditOptions *options, Oid relation, Oid extension_owner, bool *by_name)
{
	State	   *live = live_state(relation);
	List	   *states = NIL;
	List	   *layouts;
	CmigRole	saved;
	ListCell   *lc;

	*by_name = false;
	if (is_anchored_in(options, live->database, relation))
		return list_make2(live, live);

	cmig_role_act_as_owner(&saved, cmig_audit_log_require(extension_owner));
	layouts = cmig_audit_layout_read(options->table_id);
	cmig_role_return(&saved);
	*by_name = true;
	foreach(lc, layouts)
	{
		CmigAuditLayout *layout = lfirst(lc);

		if (is_anchored_in(options, layout->database, layout->relation))
		{
			*by_name = false;
			states = NIL;
		}
		states = lappend(states, layout_state(layout, live->merged));
	}
	return lappend(states, live);
}

/*
 * Returns COLUMN_GONE, COLUMN_UNKNOWN, or the current number of a column that
 * is listed in the options.
 */
static int
number_now(const CmigAuditOptions *options, const CmigAuditName *name, List *states, bool by_name)
{
	int			number = name->attnum;

	if (by_name)
	{
		State	   *first = linitial(states);

		if (!is_anchored_copy(options, first) || place_of_name(first, name->name) < 0)
			return COLUMN_UNKNOWN;
		number = first->numbers[place_of_name(first, name->name)];
	}
	for (int i = 0; i + 1 < list_length(states) && number > 0; i++)
		number = follow(list_nth(states, i), list_nth(states, i + 1), number);
	return number;
}

static char *
table_literal(Oid relation)
{
	return quote_literal_cstr(cmig_query_relation_name(relation));
}

/*
 * Resolve one list of columns.  A dropped column in the include list is not an
 * error, because no other column is logged in its place.
 */
static List *
resolve_list(CmigAuditOptions *options, List *names, const char *what, Oid relation,
			 List *states, bool by_name, CmigAuditColumnsUse use)
{
	const State *live = llast(states);
	List	   *resolved = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);
		int			number;

		if (use == CMIG_AUDIT_CONFIRMING && name->attnum == 0)
		{
			resolved = lappend(resolved, name);
			continue;
		}
		number = number_now(options, name, states, by_name);
		if (number == COLUMN_UNKNOWN && use != CMIG_AUDIT_READING)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot tell which column of table \"%s\" is meant by \"%s\" in its audit options",
							get_rel_name(relation), name->name),
					 errdetail("The table was restored as a copy, and its columns were renamed or dropped after the options were set."),
					 errhint("Use the current names of the columns: SELECT * FROM cmig.enable_audit(%s, %s => '{...}')",
							 table_literal(relation), what)));
		if (number == COLUMN_GONE && use == CMIG_AUDIT_WRITING && names != options->include)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("hidden column \"%s\" of audited table \"%s\" was dropped",
							name->name, get_rel_name(relation)),
					 errdetail("The column had this name when the audit options were set. To prevent a replacement column from being logged in clear text, no rows can be written until you confirm the options."),
					 errhint("List the columns to hide in a call of cmig.enable_audit(%s, ...). To keep the other options as they are: SELECT * FROM cmig.enable_audit(%s)",
							 table_literal(relation), table_literal(relation))));
		if (number <= 0 && use != CMIG_AUDIT_WRITING && place_of_name(live, name->name) >= 0)
			number = live->numbers[place_of_name(live, name->name)];
		if (number <= 0)
		{
			if (use == CMIG_AUDIT_CONFIRMING)
				ereport(WARNING,
						(errmsg("column \"%s\" of table \"%s\" was dropped and is no longer listed in %s",
								name->name, get_rel_name(relation), what)));
			continue;
		}
		name->attnum = number;
		name->name = live->names[place_of(live, number)];
		resolved = lappend(resolved, name);
	}
	return resolved;
}

void
cmig_audit_columns_resolve(CmigAuditOptions *options, Oid relation, Oid extension_owner,
						   CmigAuditColumnsUse use)
{
	List	   *states;
	bool		by_name;
	List	   *include;

	if (!options->include && !options->exclude && !options->redact && !options->hash)
		return;
	states = states_of(options, relation, extension_owner, &by_name);
	include = resolve_list(options, options->include, "include", relation, states, by_name, use);
	options->exclude = resolve_list(options, options->exclude, "exclude", relation, states, by_name, use);
	options->redact = resolve_list(options, options->redact, "redact", relation, states, by_name, use);
	options->hash = resolve_list(options, options->hash, "hash", relation, states, by_name, use);

	/*
	 * raise an error if no column is left, because an empty include list
	 * would mean all columns
	 */
	if (options->include && include == NIL && use == CMIG_AUDIT_CONFIRMING)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("all columns to include in the audit of table \"%s\" were dropped",
						get_rel_name(relation)),
				 errhint("List other columns in include, or log all columns: SELECT * FROM cmig.enable_audit(%s, include => '{}')",
						 table_literal(relation))));
	options->include = include;
}

/*
 * Append the names of those columns of an option that were dropped or cannot be
 * found.
 */
static void
append_problems(StringInfo text, const CmigAuditOptions *options, const List *names,
				List *states, bool by_name)
{
	const ListCell *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);
		int			number = number_now(options, name, states, by_name);

		if (number > 0 || (number == COLUMN_GONE && names == options->include))
			continue;
		appendStringInfo(text, "%s%s %s", text->len > 0 ? ", " : "", quote_identifier(name->name),
						 number == COLUMN_GONE ? "(dropped)" : "(unknown)");
	}
}

char *
cmig_audit_columns_problem(const CmigAuditOptions *options, Oid relation, Oid extension_owner)
{
	StringInfoData text;
	List	   *states;
	bool		by_name;

	if (!options->include && !options->exclude && !options->redact && !options->hash)
		return NULL;
	states = states_of(options, relation, extension_owner, &by_name);
	initStringInfo(&text);
	append_problems(&text, options, options->include, states, by_name);
	append_problems(&text, options, options->exclude, states, by_name);
	append_problems(&text, options, options->redact, states, by_name);
	append_problems(&text, options, options->hash, states, by_name);
	if (text.len == 0)
		return NULL;
	return psprintf("rows cannot be written until cmig.enable_audit is called to correct the column lists: %s", text.data);
}
