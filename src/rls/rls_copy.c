/*
 * rls_copy.c
 *	  Copies a row, so that rls_test can try to INSERT the copy.
 *
 * The values are passed in binary form, not as text or json.  Therefore, no
 * cast, input function, or output function that belongs to the table's owner
 * can see them, except in the attempted INSERT itself.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "rls/rls_copy.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

/*
 * The columns to which an INSERT can give values, with SQL for a new value if
 * the column belongs to a unique index.  Columns whose values are generated are
 * left out.  $1 is the table, and $2 contains its key columns.
 */
static CmigQuery copied_columns = {
	"SELECT a.attname::text, a.atttypid,"
	" CASE WHEN a.attname::text = ANY ($2) OR u.attnum IS NULL THEN NULL"
	"  WHEN a.atttypid = 'uuid'::regtype THEN 'pg_catalog.gen_random_uuid()'"
	"  WHEN a.atttypid IN ('int8'::regtype, 'int4'::regtype) THEN '(pg_catalog.random() OPERATOR(pg_catalog.*) 1000000000)::integer'"
	"  WHEN a.atttypid = 'int2'::regtype THEN '(pg_catalog.random() OPERATOR(pg_catalog.*) 32000)::smallint'"
	"  WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype) THEN"
	"   CASE WHEN a.atttypmod > 4 THEN format('pg_catalog.left(pg_catalog.md5(pg_catalog.random()::pg_catalog.text), %s)', a.atttypmod - 4)"
	"   ELSE 'pg_catalog.md5(pg_catalog.random()::pg_catalog.text)' END END"
	" FROM pg_attribute a LEFT JOIN LATERAL (SELECT a.attnum FROM pg_index x"
	"   WHERE x.indrelid = a.attrelid AND x.indisunique AND (a.attnum = ANY (x.indkey::int2[])"
	"    OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid"
	"     AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum))"
	"   AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = a.attrelid AND f.contype = 'f'"
	"    AND a.attnum = ANY (f.conkey)) LIMIT 1) u ON true"
	" WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
	" AND NOT (a.attidentity <> '' OR (u.attnum IS NOT NULL AND a.atthasdef AND NOT a.attname::text = ANY ($2)))"
	" ORDER BY a.attnum",
	2, {OIDOID, TEXTARRAYOID}
};

/*
 * Callback that adds the column in a row of the query copied_columns to the
 * copy.
 */
static void
take_column(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsCopy *copy = arg;
	int			n = list_length(copy->columns);
	bool		isnull;

	copy->types[n] = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	copy->columns = lappend(copy->columns, cmig_query_text(desc, row, 1));
	copy->made = lappend(copy->made, cmig_query_text(desc, row, 3));
}

/*
 * Set the copy's columns to the columns for which an INSERT can give values.
 */
static void
read_columns(CmigRlsCopy *copy, const CmigRlsAs *as, List *keys)
{
	Datum		values[2];
	Datum	   *names = palloc(sizeof(Datum) * list_length(keys));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, keys)
	{
		names[count++] = CStringGetTextDatum(((CmigRlsKey *) lfirst(lc))->name);
	}
	values[0] = ObjectIdGetDatum(RelationGetRelid(as->rows.relation));
	values[1] = PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
	cmig_query_each(&copied_columns, values, NULL, take_column, copy);
}

/*
 * Callback that copies a row's values.  The copy is kept when the attempt to
 * read the row is rolled back.
 */
static void
take_row(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsCopy *copy = arg;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Datum		value = cmig_query_datum(desc, row, i + 1, &copy->nulls[i]);

		Assert(column->atttypid == copy->types[i]);
		if (!copy->nulls[i])
			copy->values[i] = column->attlen == -1 ?
				PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) :
				datumCopy(value, column->attbyval, column->attlen);
	}
}

/*
 * Copy a row that satisfies the condition "own".  The row is read with the
 * tested role's privileges and policies.  Returns false if the role sees no
 * such row.
 */
static bool
read_own(CmigRlsCopy *copy, const CmigRlsAs *as, const char *name, const char *own)
{
	CmigRlsAttempt attempt = {.row = take_row,.arg = copy};
	CmigRlsOutcome outcome;
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, copy->columns)
	{
		appendStringInfo(&sql, "%s t.%s", sql.len ? "," : "SELECT", quote_identifier(lfirst(lc)));
	}
	appendStringInfo(&sql, " FROM %s t WHERE %s LIMIT 1", name, own);
	attempt.sql = sql.data;
	outcome = cmig_rls_try(as, &attempt);
	return outcome.kind == CMIG_RLS_DONE && outcome.rows == 1;
}

CmigRlsCopy *
cmig_rls_copy_read(const CmigRlsAs *as, const char *name, List *keys, const char *own)
{
	CmigRlsCopy *copy = palloc0(sizeof(CmigRlsCopy));
	int			natts = RelationGetNumberOfAttributes(as->rows.relation);

	copy->types = palloc0(sizeof(Oid) * natts);
	copy->values = palloc0(sizeof(Datum) * natts);
	copy->nulls = palloc0(sizeof(bool) * natts);
	read_columns(copy, as, keys);
	if (copy->columns != NIL && own && read_own(copy, as, name, own))
		return copy;
	return cmig_rls_rows_first(&as->rows, copy->columns, copy->types, copy->values,
							   copy->nulls) ? copy : NULL;
}

/*
 * Returns the value to insert into a column of the copy, or NULL to keep the
 * original value.  The value is "other" for the key "strange", and the value
 * in the context for any other key.  Sets *found to the column's key.
 */
static const char *
value_of_key(List *keys, const char *column, const CmigRlsKey *strange, const char *other,
			 const CmigRlsKey **found)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		CmigRlsKey *key = lfirst(lc);

		*found = key;
		if (strcmp(key->name, column) == 0)
			return key == strange ? other : key->value;
	}
	return NULL;
}

CmigRlsAttempt
cmig_rls_copy_insert(const CmigRlsCopy *copy, const char *name, List *keys,
					 const CmigRlsKey *strange, const char *other)
{
	CmigRlsAttempt attempt = {.key = strange,.value = other};
	int			count = list_length(copy->columns);
	StringInfoData columns;
	StringInfoData values;

	attempt.types = palloc(sizeof(Oid) * Max(count, 1));
	attempt.values = palloc(sizeof(Datum) * Max(count, 1));
	attempt.nulls = palloc(count + 1);
	initStringInfo(&columns);
	initStringInfo(&values);
	for (int i = 0; i < count; i++)
	{
		const char *column = list_nth(copy->columns, i);
		const char *made = list_nth(copy->made, i);
		const CmigRlsKey *key = NULL;
		const char *value = value_of_key(keys, column, strange, other, &key);

		appendStringInfo(&columns, "%s%s", i ? ", " : "", quote_identifier(column));
		appendStringInfoString(&values, i ? ", " : "");
		if (value)
			appendStringInfo(&values, "%s::%s", quote_literal_cstr(value), key->type);
		else if (made)
			appendStringInfoString(&values, made);
		else
		{
			attempt.types[attempt.nargs] = copy->types[i];
			attempt.values[attempt.nargs] = copy->values[i];
			attempt.nulls[attempt.nargs] = copy->nulls[i] ? 'n' : ' ';
			appendStringInfo(&values, "$%d", ++attempt.nargs);
		}
	}
	attempt.nulls[attempt.nargs] = '\0';
	attempt.sql = psprintf("INSERT INTO %s (%s) SELECT %s", name, columns.data, values.data);
	return attempt;
}
