/*
 * sequence.c
 *	  Sequences.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * The settings of a sequence, and the values that it can return.
 *
 * Settings are the options that ALTER SEQUENCE can set, one per line, in a
 * form that does not depend on the type: see CMIG_SEQUENCE_SETTINGS_SQL.
 * ----------------------------------------------------------------
 */

/* The settings of a sequence that has none of its own. */
#define DEFAULT_SETTINGS "INCREMENT BY 1\nNO MINVALUE\nNO MAXVALUE\nSTART WITH 1\nCACHE 1\nNO CYCLE"

/* Returns the next line of *list, or NULL, and advances *list past it. */
static char *
next_line(const char **list)
{
	const char *start = *list;
	size_t		length = strcspn(start, "\n");

	if (length == 0)
		return NULL;
	*list = start + length + (start[length] != '\0');
	return pnstrdup(start, length);
}

/* Does a sequence with these settings count down? */
static bool
counts_down(const char *settings)
{
	return strncmp(settings, "INCREMENT BY -", strlen("INCREMENT BY -")) == 0;
}

int64
cmig_sequence_range_limit(const char *type, bool down, bool maximum)
{
	if (down == maximum)
		return maximum ? -1 : 1;
	if (strcmp(type, "smallint") == 0)
		return maximum ? PG_INT16_MAX : PG_INT16_MIN;
	if (strcmp(type, "integer") == 0)
		return maximum ? PG_INT32_MAX : PG_INT32_MIN;
	return maximum ? PG_INT64_MAX : PG_INT64_MIN;
}

CmigSequenceRange
cmig_sequence_range(const char *settings, const char *type)
{
	CmigSequenceRange range = {0};
	char	   *line;

	settings = settings ? settings : DEFAULT_SETTINGS;
	range.down = counts_down(settings);
	range.low = cmig_sequence_range_limit(type, range.down, false);
	range.high = cmig_sequence_range_limit(type, range.down, true);
	while ((line = next_line(&settings)) != NULL)
	{
		int64	   *value = strncmp(line, "MINVALUE ", 9) == 0 ? &range.low :
		strncmp(line, "MAXVALUE ", 9) == 0 ? &range.high :
		strncmp(line, "START WITH ", 11) == 0 ? &range.start :
		strncmp(line, "INCREMENT BY ", 13) == 0 ? &range.increment : NULL;

		if (value != NULL)
			*value = strtoll(line + strcspn(line, "-0123456789"), NULL, 10);
	}
	return range;
}

/*
 * Append the settings that differ, each after "word".  The limits are also set
 * if the sequence changes between ascending and descending, because their
 * defaults depend on the direction.  If the type changes, too, to "type", NO
 * MINVALUE and NO MAXVALUE can have a different meaning, so the limits
 * themselves are set.
 */
void
cmig_sequence_settings(StringInfo buf, const char *old, const char *new, const char *word,
					   const char *type)
{
	const bool	turns = counts_down(old) != counts_down(new);
	const bool	down = counts_down(new);
	char	   *a,
			   *b;

	while ((a = next_line(&old)) != NULL && (b = next_line(&new)) != NULL)
	{
		if (strcmp(a, b) == 0 && !(turns && (*b == 'M' || cmig_text_begins(b, "NO M"))))
			continue;
		if (turns && type != NULL && strncmp(b, "NO M", 4) == 0)
			b = psprintf("%s " INT64_FORMAT, b + strlen("NO "),
						 cmig_sequence_range_limit(type, down, b[4] == 'A'));
		appendStringInfo(buf, "%s %s", word, b);
	}
}

/*
 * Does the change restart the sequence?  This is the case if the direction
 * changes, if the new range has no value in common with the old one, or if the
 * old start value is past the end of the new range.
 */
static bool
must_restart(const CmigSequenceRange *from, const CmigSequenceRange *to)
{
	if (from->down != to->down || from->high < to->low || from->low > to->high)
		return true;
	return to->down ? from->start < to->low : from->start > to->high;
}

/*
 * Does a change of the range, or the undo of the change, restart the sequence?
 */
bool
cmig_sequence_range_restarts(const CmigSequenceRange *from, const CmigSequenceRange *to)
{
	return must_restart(from, to) || must_restart(to, from);
}

/*
 * Returns a statement that sets the sequence's next value if "condition"
 * holds.
 */
static char *
set_value(const char *sequence, int64 value, const char *condition)
{
	return psprintf("SELECT pg_catalog.setval(%s, " INT64_FORMAT ", false) FROM %s WHERE %s",
					cmig_literal(sequence), value, sequence, condition);
}

/*
 * Returns the statements that change the range without restarting the
 * sequence.
 */
static char *
continue_range(const char *alter, const char *sequence,
			   const CmigSequenceRange *from, const CmigSequenceRange *to)
{
	int64		begin = from->start,
				first = to->down ? to->high : to->low;
	StringInfoData sql;

	initStringInfo(&sql);
	if (to->down ? begin > first : begin < first)
	{
		begin = first;
		appendStringInfo(&sql, "%s;\n",
						 set_value(sequence, begin,
								   psprintf("last_value %c " INT64_FORMAT, to->down ? '>' : '<',
											begin)));
	}
	appendStringInfoString(&sql, alter);
	if (begin != to->start)
		appendStringInfo(&sql, ";\n%s",
						 set_value(sequence, to->start,
								   psprintf("last_value = " INT64_FORMAT " AND NOT is_called",
											begin)));
	return sql.data;
}

/*
 * Returns a query that sets a sequence to the last one of its values that is
 * not past those that the column has from "first" on.  It does nothing if the
 * column has none.
 */
static char *
continue_from(const char *sequence, const CmigSequenceRange *range, int64 first,
			  const CmigObject *column)
{
	const char *name = cmig_quote(column->name);
	char	   *last = psprintf("pg_catalog.%s(%s)", range->down ? "min" : "max", name),
			   *value = last;

	if (range->increment != 1 && range->increment != -1)
		value = psprintf("%s - (%s::bigint - " INT64_FORMAT ") %% " INT64_FORMAT, last, last,
						 range->start, range->increment);
	return psprintf("SELECT pg_catalog.setval(%s, %s) FROM %s WHERE %s BETWEEN " INT64_FORMAT
					" AND " INT64_FORMAT, sequence, value, column->parent->identity, name,
					range->down ? range->low : first, range->down ? first : range->high);
}

char *
cmig_sequence_range_continue(const char *sequence, const CmigSequenceRange *range,
							 const CmigObject *column)
{
	return continue_from(sequence, range, range->start, column);
}

char *
cmig_sequence_range_alter(const char *alter, const char *sequence, const CmigSequenceRange *from,
						  const CmigSequenceRange *to, const CmigObject *column)
{
	char	   *sql = must_restart(from, to) ? psprintf("%s RESTART", alter) :
	continue_range(alter, sequence, from, to);

	if (column == NULL || !cmig_sequence_range_restarts(from, to))
		return sql;

	/*
	 * continue after the column's values in the range; this has no effect if
	 * the sequence is already past them
	 */
	return psprintf("%s;\n%s HAVING pg_catalog.%s(%s) %s (SELECT last_value FROM %s)", sql,
					continue_from(cmig_literal(sequence), to, to->down ? to->high : to->low, column),
					to->down ? "min" : "max", cmig_quote(column->name), to->down ? "<=" : ">=",
					sequence);
}

/* ----------------------------------------------------------------
 * Sequences, and the columns that own them.
 *
 * An identity column's sequence is part of the column.
 * ----------------------------------------------------------------
 */

enum
{
	PERSISTENCE,
	TYPE,
	CLAUSE,
	SETTINGS
};

static const CmigProperty properties[] = {
	[PERSISTENCE] = {"persistence", CMIG_PROPERTY_OPTIONAL, "SET UNLOGGED", "SET LOGGED"},
	[TYPE] = {"type", CMIG_PROPERTY_OPTIONAL},
	[CLAUSE] = {"clause", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[SETTINGS] = {"settings", CMIG_PROPERTY_OPTIONAL},
};

/* Query for the sequences.  A property is NULL if it has its default value. */
static const char sequence_sql[] =
"SELECT 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text, false,"
" CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,"
" CASE WHEN s.seqtypid <> 20 THEN format_type(s.seqtypid, NULL) END,"
" nullif(concat_ws(' '," CMIG_SEQUENCE_CLAUSE_SQL "), ''),"
" nullif(" CMIG_SEQUENCE_SETTINGS_SQL ", '" DEFAULT_SETTINGS "')"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_sequence s ON s.seqrelid = c.oid"
CMIG_SEQUENCE_LIMITS_SQL
" WHERE @c.relnamespace AND c.relkind = 'S'"
" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
" AND d.objid = c.oid"
"  AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i')";

static const char *
settings_of(const CmigObject *sequence)
{
	return sequence->values[SETTINGS] ? sequence->values[SETTINGS] : DEFAULT_SETTINGS;
}

static const char *
type_of(const CmigObject *sequence)
{
	return sequence->values[TYPE] ? sequence->values[TYPE] : "bigint";
}

static CmigSequenceRange
range_of(const CmigObject *sequence)
{
	return cmig_sequence_range(sequence->values[SETTINGS], type_of(sequence));
}

bool
cmig_sequence_is_short(const CmigObject *column)
{
	const CmigObject *value = cmig_object_child(column, &cmig_kind_default, NULL);
	CmigSequenceRange range = {.high = PG_INT64_MAX};

	if (column->values[CMIG_COLUMN_IDENTITY] != NULL)
		range = cmig_sequence_range(column->values[CMIG_COLUMN_SEQUENCE_SETTINGS],
									column->values[CMIG_COLUMN_TYPE]);
	for (int i = 0; value != NULL && i < value->ndepends; i++)
		if (value->depends[i]->kind == &cmig_kind_sequence)
			range = range_of(value->depends[i]);
	return range.down ? range.low > PG_INT32_MIN : range.high < PG_INT32_MAX;
}

static bool
is_integer_type(const char *type)
{
	return strcmp(type, "integer") == 0 || strcmp(type, "bigint") == 0 ||
		strcmp(type, "smallint") == 0;
}

/* Is the column's type an integer type or a domain over one? */
static bool
holds_integers(const CmigObject *column)
{
	if (is_integer_type(column->values[CMIG_COLUMN_TYPE]))
		return true;
	for (int i = 0; i < column->ndepends; i++)
		if (column->depends[i]->kind == &cmig_kind_domain &&
			is_integer_type(column->depends[i]->values[CMIG_DOMAIN_BASE]))
			return true;
	return false;
}

/*
 * Returns the integer column that owns the sequence both before and after the
 * change, or NULL if there is none.
 */
static const CmigObject *
owning_column(const CmigObject *from, const CmigObject *to)
{
	const CmigObject *owner = cmig_object_child(to, &cmig_kind_sequence_owner, NULL);
	const CmigObject *old = cmig_object_child(from, &cmig_kind_sequence_owner, NULL);

	if (owner == NULL || old == NULL || !cmig_text_same(old->values[0], owner->values[0]))
		return NULL;
	for (int i = 0; i < owner->ndepends; i++)
	{
		const CmigObject *column = owner->depends[i];

		if (column->kind == &cmig_kind_column && is_integer_type(column->values[CMIG_COLUMN_TYPE]))
			return column;
	}
	return NULL;
}

/*
 * A change or its undo may restart the sequence.  This is a hazard if no
 * column shows which values are in use.
 */
static void
alter_sequence(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to,
			   *column = owning_column(from, to);
	CmigSequenceRange old = range_of(from),
				new = range_of(to);
	bool		retypes = cmig_alter_differs(alter, TYPE);
	StringInfoData sql;
	CmigDdl    *ddl;

	cmig_alter_property(alter, PERSISTENCE);
	if (!retypes && !cmig_alter_differs(alter, SETTINGS))
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER SEQUENCE %s", to->identity);
	if (retypes)
		appendStringInfo(&sql, " AS %s", type_of(to));
	cmig_sequence_settings(&sql, settings_of(from), settings_of(to), "",
						   retypes ? type_of(to) : NULL);
	ddl = cmig_alter_add(alter, SETTINGS,
						 cmig_sequence_range_alter(sql.data, to->identity, &old, &new, column));
	if (column == NULL && cmig_sequence_range_restarts(&old, &new))
		ddl->hazard = "the upgrade or the downgrade restarts the sequence, which can then return used values again";
}

CmigKind	cmig_kind_sequence = {
	.name = "sequence",.word = "SEQUENCE",.default_type = 'S',
	.flags = CMIG_KIND_MODEL | CMIG_KIND_RELATION,
	CMIG_PROPERTIES(properties),
	.sql = sequence_sql,
	.creates = "CREATE [{persistence} ]SEQUENCE {identity}[ AS {type}][ {clause}]",.alter =
	alter_sequence
};

/*
 * OWNED BY
 */

static const CmigProperty owner_properties[] = {
	{"owned by", 0, "OWNED BY {}"},
};

static const char owner_sql[] =
"SELECT 'pg_class'::regclass::oid, s.oid, -1, 'pg_class'::regclass::oid, s.oid, 0,"
" s.relname::text, format('%I.%I', sn.nspname, s.relname), NULL::text, false,"
" format('%I.%I.%I', n.nspname, c.relname, a.attname)"
" FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
" JOIN pg_namespace sn ON sn.oid = s.relnamespace"
" JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid"
" WHERE @s.relnamespace AND d.classid = 'pg_class'::regclass"
" AND d.refclassid = 'pg_class'::regclass"
" AND d.deptype = 'a' AND d.refobjsubid > 0";

static const char owner_depends[] =
"SELECT 'pg_class'::regclass::oid, d.objid, -1, d.refclassid, d.refobjid, d.refobjsubid"
" FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
" WHERE @s.relnamespace AND d.classid = 'pg_class'::regclass"
" AND d.refclassid = 'pg_class'::regclass"
" AND d.deptype = 'a' AND d.refobjsubid > 0";

/*
 * Returns the statement that makes a new sequence continue after the values in
 * its column, or NULL if the column does not contain integers.
 */
char *
cmig_sequence_continue(const CmigObject *owner, const CmigObject *column)
{
	const CmigSequenceRange range = range_of(owner->parent);

	for (int i = 0; i < owner->ndepends; i++)
		if (owner->depends[i]->kind == &cmig_kind_column && !holds_integers(owner->depends[i]))
			return NULL;
	return cmig_sequence_range_continue(cmig_literal(owner->parent->identity), &range, column);
}

CmigKind	cmig_kind_sequence_owner = {
	.name = "owner of a sequence",.word = "SEQUENCE",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DISPOSABLE | CMIG_KIND_LAST,
	CMIG_PROPERTIES(owner_properties),
	.sql = owner_sql,.depends = owner_depends,
	.creates = "ALTER SEQUENCE {identity} OWNED BY {owned by}",.drops =
	"ALTER SEQUENCE {identity} OWNED BY NONE"
};
