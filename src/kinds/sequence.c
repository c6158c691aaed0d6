/*
 * sequence.c
 *	  Sequences.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * The values that a sequence can return, before and after a change.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

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

/* Returns the first value of the range. */
static int64
first_value(const CmigSequenceRange *range)
{
	return range->down ? range->high : range->low;
}

/*
 * Does a change of the range, or the undo of the change, restart the sequence?
 */
static bool
sequence_range_restarts(const CmigSequenceRange *from, const CmigSequenceRange *to)
{
	return must_restart(from, to) || must_restart(to, from);
}

/*
 * Returns a statement that makes a sequence continue after the column's values
 * in the range.  The statement has no effect if the sequence is already past
 * these values.
 */
static char *
resume(const char *sequence, const CmigSequenceRange *range, const CmigObject *column)
{
	const char *name = cmig_quote(column->name),
			   *last = range->down ? "min" : "max";

	return psprintf("SELECT pg_catalog.setval(%s, pg_catalog.%s(%s)) FROM %s WHERE %s BETWEEN " INT64_FORMAT " AND " INT64_FORMAT
					" HAVING pg_catalog.%s(%s) %s (SELECT last_value FROM %s)",
					cmig_literal(sequence), last, name, column->parent->identity, name, range->low, range->high,
					last, name, range->down ? "<=" : ">=", sequence);
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
				first = first_value(to);
	StringInfoData sql;

	initStringInfo(&sql);
	if (to->down ? begin > first : begin < first)
	{
		begin = first;
		appendStringInfo(&sql, "%s;\n", set_value(sequence, begin, psprintf("last_value %c " INT64_FORMAT, to->down ? '>' : '<', begin)));
	}
	appendStringInfoString(&sql, alter);
	if (begin != to->start)
		appendStringInfo(&sql, ";\n%s", set_value(sequence, to->start, psprintf("last_value = " INT64_FORMAT " AND NOT is_called", begin)));
	return sql.data;
}

char *
cmig_sequence_range_alter(const char *alter, const char *sequence, const CmigSequenceRange *from,
						  const CmigSequenceRange *to, const CmigObject *column)
{
	char	   *sql = must_restart(from, to) ? psprintf("%s RESTART", alter) :
	continue_range(alter, sequence, from, to);

	return column != NULL && sequence_range_restarts(from, to) ?
		psprintf("%s;\n%s", sql, resume(sequence, to, column)) : sql;
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
	START,
	INCREMENT,
	MINIMUM,
	MAXIMUM,
	CACHE,
	CYCLE
};

static const CmigProperty properties[] = {
	[PERSISTENCE] = {"persistence", CMIG_PROPERTY_OPTIONAL},
	[TYPE] = {"type", CMIG_PROPERTY_OPTIONAL},
	[START] = {"start", CMIG_PROPERTY_OPTIONAL},
	[INCREMENT] = {"increment", CMIG_PROPERTY_OPTIONAL},
	[MINIMUM] = {"minimum", CMIG_PROPERTY_OPTIONAL},
	[MAXIMUM] = {"maximum", CMIG_PROPERTY_OPTIONAL},
	[CACHE] = {"cache", CMIG_PROPERTY_OPTIONAL},
	[CYCLE] = {"cycle", CMIG_PROPERTY_OPTIONAL},
};

/* Query for the sequences.  A property is NULL if it has its default value. */
static const char sequence_sql[] =
"SELECT 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text, false,"
" CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,"
" CASE WHEN s.seqtypid <> 20 THEN format_type(s.seqtypid, NULL) END,"
" CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN s.seqstart::text END,"
" CASE WHEN s.seqincrement <> 1 THEN s.seqincrement::text END,"
" CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE l.low END THEN s.seqmin::text END,"
" CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN l.high ELSE -1 END THEN s.seqmax::text END,"
" CASE WHEN s.seqcache <> 1 THEN s.seqcache::text END, CASE WHEN s.seqcycle THEN 't' END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid"
" CROSS JOIN LATERAL (SELECT CASE s.seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 ELSE -9223372036854775808 END AS low,"
"  CASE s.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS high) l"
" WHERE c.relnamespace = ANY ($1) AND c.relkind = 'S'"
" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
"  AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i')";

/* Returns the start value of the sequence, or PostgreSQL's default for it. */
static const char *
start_of(const CmigObject *sequence)
{
	char	   *const *values = sequence->values;

	if (values[START])
		return values[START];
	if (values[INCREMENT] == NULL || *values[INCREMENT] != '-')
		return values[MINIMUM] ? values[MINIMUM] : "1";
	return values[MAXIMUM] ? values[MAXIMUM] : "-1";
}

/* Does the sequence count down? */
static bool
is_descending(const CmigObject *sequence)
{
	return sequence->values[INCREMENT] != NULL && *sequence->values[INCREMENT] == '-';
}

/* Returns the value of MINVALUE or MAXVALUE. */
static int64
limit_of(const CmigObject *sequence, bool maximum)
{
	const char *value = sequence->values[maximum ? MAXIMUM : MINIMUM];
	const char *type = sequence->values[TYPE];

	return value ? strtoll(value, NULL, 10) :
		cmig_sequence_range_limit(type ? type : "bigint", is_descending(sequence), maximum);
}

/*
 * Append MINVALUE or MAXVALUE for ALTER SEQUENCE.  If the direction and the
 * type both change, append the limit itself, because NO MINVALUE and NO
 * MAXVALUE can then have a different meaning.
 */
static void
append_limit(StringInfo sql, const CmigAlter *alter, const CmigObject *to, bool maximum)
{
	const char *word = maximum ? "MAXVALUE" : "MINVALUE";
	bool		turns = is_descending(alter->from) != is_descending(alter->to);

	if (to->values[maximum ? MAXIMUM : MINIMUM] || (turns && cmig_alter_differs(alter, TYPE)))
		appendStringInfo(sql, " %s " INT64_FORMAT, word, limit_of(to, maximum));
	else
		appendStringInfo(sql, " NO %s", word);
}

static CmigSequenceRange
range_of(const CmigObject *sequence)
{
	CmigSequenceRange range;

	range.start = strtoll(start_of(sequence), NULL, 10);
	range.low = limit_of(sequence, false);
	range.high = limit_of(sequence, true);
	range.down = is_descending(sequence);
	return range;
}

/* Does any of the properties from "first" to "last" differ? */
static bool
any_differs(const CmigAlter *alter, int first, int last)
{
	for (int i = first; i <= last; i++)
		if (cmig_alter_differs(alter, i))
			return true;
	return false;
}

/* Returns the sequence's OWNED BY as an object, or NULL. */
static const CmigObject *
owner_of(const CmigObject *sequence)
{
	const CmigObject *child = sequence->child;

	while (child != NULL && child->kind != &cmig_kind_sequence_owner)
		child = child->sibling;
	return child;
}

static bool
is_integer_type(const char *type)
{
	return strcmp(type, "integer") == 0 || strcmp(type, "bigint") == 0 || strcmp(type, "smallint") == 0;
}

static bool
is_integer(const CmigObject *column)
{
	return is_integer_type(column->values[CMIG_COLUMN_TYPE]);
}

/* Is the column's type an integer type or a domain over one? */
static bool
holds_integers(const CmigObject *column)
{
	if (is_integer(column))
		return true;
	for (int i = 0; i < column->ndepends; i++)
		if (column->depends[i]->kind == &cmig_kind_domain && is_integer_type(column->depends[i]->values[CMIG_DOMAIN_BASE]))
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
	const CmigObject *owner = owner_of(to);
	const CmigObject *old = owner_of(from);

	if (owner == NULL || old == NULL || !cmig_text_same(old->values[0], owner->values[0]))
		return NULL;
	for (int i = 0; i < owner->ndepends; i++)
	{
		const CmigObject *column = owner->depends[i];

		if (column->kind == &cmig_kind_column && is_integer(column))
			return column;
	}
	return NULL;
}

/* Returns the statement that changes the sequence. */
static char *
alter_to(const CmigAlter *alter, const CmigObject *from, const CmigObject *to)
{
	char	   *const *values = to->values;
	CmigSequenceRange old = range_of(from),
				new = range_of(to);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER SEQUENCE %s", to->identity);
	if (cmig_alter_differs(alter, TYPE))
		appendStringInfo(&sql, " AS %s", values[TYPE] ? values[TYPE] : "bigint");
	if (cmig_alter_differs(alter, INCREMENT))
		appendStringInfo(&sql, " INCREMENT BY %s", values[INCREMENT] ? values[INCREMENT] : "1");
	if (any_differs(alter, TYPE, MAXIMUM))
	{
		append_limit(&sql, alter, to, false);
		append_limit(&sql, alter, to, true);
		appendStringInfo(&sql, " START WITH %s", start_of(to));
	}
	if (cmig_alter_differs(alter, CACHE))
		appendStringInfo(&sql, " CACHE %s", values[CACHE] ? values[CACHE] : "1");
	if (cmig_alter_differs(alter, CYCLE))
		appendStringInfoString(&sql, values[CYCLE] ? " CYCLE" : " NO CYCLE");
	return cmig_sequence_range_alter(sql.data, to->identity, &old, &new, owning_column(from, to));
}

/*
 * Returns the hazard if the change or its undo restarts the sequence, and no
 * column shows which values are in use.  Otherwise returns NULL.
 */
static char *
restart_hazard(const CmigObject *from, const CmigObject *to)
{
	CmigSequenceRange old = range_of(from),
				new = range_of(to);

	return sequence_range_restarts(&old, &new) && owning_column(from, to) == NULL ?
		pstrdup("the upgrade or the downgrade restarts the sequence, which can then return used values again") : NULL;
}

static void
alter_sequence(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, PERSISTENCE))
		cmig_alter_action(alter, alter->to->values[PERSISTENCE] ? "SET UNLOGGED" : "SET LOGGED",
						  alter->to->values[PERSISTENCE] ? "SET LOGGED" : "SET UNLOGGED");
	if (any_differs(alter, TYPE, CYCLE))
		cmig_alter_add_hazard(alter, alter_to(alter, alter->from, alter->to), alter_to(alter, alter->to, alter->from),
							  restart_hazard(alter->from, alter->to));
}

CmigKind	cmig_kind_sequence = {
	.name = "sequence",.word = "SEQUENCE",.default_type = 'S',
	.flags = CMIG_KIND_MODEL | CMIG_KIND_RELATION,
	CMIG_PROPERTIES(properties),
	.sql = sequence_sql,
	.creates = "CREATE [{persistence} ]SEQUENCE {identity}[ AS {type}][ START WITH {start}][ INCREMENT BY {increment}]"
	"[ MINVALUE {minimum}][ MAXVALUE {maximum}][ CACHE {cache}][{?cycle} CYCLE]",.alter = alter_sequence
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
" FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace"
" JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid"
" WHERE s.relnamespace = ANY ($1) AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
" AND d.deptype = 'a' AND d.refobjsubid > 0";

static const char owner_depends[] =
"SELECT 'pg_class'::regclass::oid, d.objid, -1, d.refclassid, d.refobjid, d.refobjsubid"
" FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
" WHERE s.relnamespace = ANY ($1) AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
" AND d.deptype = 'a' AND d.refobjsubid > 0";

const char *
cmig_sequence_owner_column(const CmigObject *owner)
{
	return owner->kind == &cmig_kind_sequence_owner ? owner->values[0] : NULL;
}

/*
 * Returns the statement that sets a new sequence to continue after the largest
 * value in its column, or NULL if the sequence has options or the column does
 * not contain integers.
 */
char *
cmig_sequence_continue(const CmigObject *owner, const CmigObject *column)
{
	const CmigObject *sequence = owner->parent;

	for (int i = START; i <= MAXIMUM; i++)
		if (sequence->values[i] != NULL)
			return NULL;
	for (int i = 0; i < owner->ndepends; i++)
		if (owner->depends[i]->kind == &cmig_kind_column && !holds_integers(owner->depends[i]))
			return NULL;
	return psprintf("SELECT pg_catalog.setval(%s, greatest(max(%s), 0) + 1, false) FROM %s",
					cmig_literal(sequence->identity), cmig_quote(column->name), column->parent->identity);
}

CmigKind	cmig_kind_sequence_owner = {
	.name = "owner of a sequence",.word = "SEQUENCE",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DISPOSABLE | CMIG_KIND_LAST,
	CMIG_PROPERTIES(owner_properties),
	.sql = owner_sql,.depends = owner_depends,
	.creates = "ALTER SEQUENCE {identity} OWNED BY {owned by}",.drops = "ALTER SEQUENCE {identity} OWNED BY NONE"
};
