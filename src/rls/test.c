/*
 * test.c
 *	  cmig.rls_test: what a role can do with the rows of others.
 *
 * The table may belong to another role, and the caller may be a superuser, who
 * may see its rows.  Therefore, no statement on the table runs with the
 * caller's privileges.  Attempts run as the tested role, in a subtransaction
 * and a security-restricted operation, with the context set, row_security on,
 * and the caller's search_path, on which triggers may depend.  Anything that
 * would take effect later in the session is refused, and all changes are rolled
 * back before the caller's privileges are restored.
 *
 * What the caller may know about the rows is read by direct table access, and
 * only values of built-in types are compared and printed, by built-in
 * functions.  No cast, operator, policy, rule, or view that belongs to the
 * owner can interfere, not even after the table's triggers have run.
 *
 * UPDATE and DELETE are tried first without WHERE, because WHERE requires the
 * privilege SELECT.  With WHERE, the policies for SELECT apply as well, and
 * may hide rows that the policies for UPDATE and DELETE would let through.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/internal.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(cmig_rls_test);
PG_FUNCTION_INFO_V1(cmig_rls_test_matrix);

/* One key of the table. */
typedef struct Key
{
	char	   *what;			/* kind of key: "user", "tenant", or "key" */
	char	   *name;			/* the column's name */
	char	   *type;			/* SQL name of the base type, qualified */
	Oid			base_type;
	bool		generated;		/* or an identity */
	bool		stored;			/* a virtual generated column cannot be read
								 * without executing its expression */
	char	   *value;			/* the value in the context; NULL: none */
	List	   *members;		/* of Const *: the values that match the
								 * context */
	char	   *mine;			/* SQL condition: the row matches the context */
} Key;

/* A test of what a role can do to a table in a context. */
typedef struct Test
{
	FunctionCallInfo fcinfo;
	CmigRlsTable *table;		/* as it was when it was locked */
	Oid			role;
	char	   *user;			/* the user in the context; NULL: none */
	char	   *tenant;
	bool		readable;		/* may the caller see every row? */
	List	   *keys;			/* of Key */
	char	   *condition;		/* SQL condition: every key matches the
								 * context */
	char	   *shared;			/* SQL condition: the row is shared by
								 * everybody */
	bool		possible;		/* can any row match the context? */
	int64		own_rows;
} Test;

/* A statement to try, and what to read from its result. */
typedef struct Attempt
{
	const char *sql;
	Oid			relation;		/* that it reads; InvalidOid: the table */
	Oid			type;			/* of row_value; InvalidOid: none */
	Datum		row_value;		/* $1 */
	CmigRowCallback row;		/* callback for each result row; NULL: store
								 * the row's numbers in counts */
	void	   *arg;
	const Key  *key;			/* if not NULL: before the rollback, count the
								 * rows that have "value" in this key */
	const char *value;
} Attempt;

/*
 * The kind of outcome.  PostgreSQL checks policies before constraints, so a
 * row that violates a unique or foreign key constraint has passed row-level
 * security.
 */
typedef enum OutcomeKind
{
	DONE,
	REFUSED,					/* stopped by a policy */
	CONSTRAINT,					/* stopped by a constraint, after the policies */
	FAILED						/* stopped by anything else */
} OutcomeKind;

typedef struct Outcome
{
	OutcomeKind kind;
	int64		counts[3];		/* the numbers in the result row */
	int64		rows;
	int64		strange;		/* number of rows with the attempt's "value"
								 * in its key; -1 if unknown */
	char	   *message;		/* for the user; NULL: none */
} Outcome;

/*
 * Reading rows
 */

/*
 * Visit all rows of the table and its children, including uncommitted rows of
 * this transaction, until the visitor returns false.  If the caller may not see
 * every row, there are none.  Returns true if the caller may know all rows.
 */
static bool
visit_rows(const Test *test, CmigRowVisitor visit, void *arg)
{
	bool		known;

	if (!test->readable)
		return false;
	CommandCounterIncrement();
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	known = cmig_rows_visit(test->table->relid, visit, arg);
	PopActiveSnapshot();
	return known;
}

/*
 * Returns a column of the row, which may be one of a child table.  Raises an
 * error if the attempt has renamed the column or changed its type.
 */
static Datum
row_column(Relation relation, TupleTableSlot *slot, const char *name, Oid type, bool *isnull,
		   Form_pg_attribute *column)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(relation), name);
	Oid			there = InvalidOid;

	if (attnum > 0)
	{
		*column = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
		there = (*column)->atttypid;
	}
	if (there != type && getBaseType(there) != type)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" was renamed or replaced during the test",
						name, RelationGetRelationName(relation))));
	return slot_getattr(slot, attnum, isnull);
}

/*
 * Compare two values with the built-in comparison function.  A key's base type
 * is always a built-in type.
 */
static int
compare(const Key *key, Oid collation, Datum a, Datum b)
{
	TypeCacheEntry *type = lookup_type_cache(key->base_type, TYPECACHE_CMP_PROC_FINFO);

	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, collation, a, b));
}

/* What is looked for in the rows' values of a key, which may be NULL. */
typedef struct KeySearch
{
	const Key  *key;
	Const	   *wanted;
	int64		count;			/* rows with the wanted value; all if no key */
	Datum		least;			/* the smallest value that is not a member */
	bool		found;
} KeySearch;

static bool
search_row(Relation relation, TupleTableSlot *slot, void *arg)
{
	KeySearch  *search = arg;
	const Key  *key = search->key;
	Form_pg_attribute column = NULL;
	bool		isnull;
	Datum		value;

	if (key == NULL)
	{
		search->count++;
		return true;
	}
	value = row_column(relation, slot, key->name, key->base_type, &isnull, &column);
	if (search->wanted)
		search->count += !isnull &&
			compare(key, column->attcollation, value, search->wanted->constvalue) == 0;
	if (isnull || search->wanted ||
		(search->found && compare(key, column->attcollation, value, search->least) >= 0))
		return true;
	foreach_ptr(Const, member, key->members)
	{
		if (compare(key, column->attcollation, value, member->constvalue) == 0)
			return true;
	}
	search->least = column->attlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) :
		datumCopy(value, column->attbyval, column->attlen);
	search->found = true;
	return true;
}

/*
 * Returns the number of rows or, if "key" is not NULL, the number of rows that
 * have "value" in this key.  Returns -1 if the caller is not allowed to know
 * the number.
 */
static int64
count_rows(const Test *test, const Key *key, const char *value)
{
	KeySearch	search = {key};

	if (key && !key->stored)
		return -1;
	search.wanted = key ? cmig_rls_sample_const(key->base_type, value) : NULL;
	return visit_rows(test, search_row, &search) ? search.count : -1;
}

/*
 * Returns a key value that does not match the context: the smallest one in an
 * existing row or, if there is none, an invented value.
 */
static char *
other_value(const Test *test, const Key *key)
{
	KeySearch	search = {key};

	if (key->stored)
		(void) visit_rows(test, search_row, &search);
	if (search.found)
	{
		Const		least = {.consttype = key->base_type,.constvalue = search.least};

		return cmig_rls_sample_text(&least);
	}
	if (key->base_type == UUIDOID)
		return "00000000-dead-beef-0000-000000000000";
	if (key->base_type == TEXTOID || key->base_type == VARCHAROID)
		return "somebody-else";
	return key->value && strcmp(key->value, "32001") == 0 ? "32002" : "32001";
}

/*
 * Attempts
 */

/* Does the table still have its owner, kind, and name? */
static bool
is_same(const CmigRlsTable *table)
{
	Oid			namespace = get_namespace_oid(table->nspname, true);

	return get_rel_relkind(table->relid) == table->relkind &&
		cmig_role_owner_of(table->relid) == table->owner &&
		OidIsValid(namespace) && get_relname_relid(table->relname, namespace) == table->relid;
}

/* Callback that stores the numbers in a result row in the outcome's counts. */
static void
take_counts(const CmigRow *row, void *arg)
{
	Outcome    *outcome = arg;

	for (int i = 0; i < row->desc->natts && i < lengthof(outcome->counts); i++)
		outcome->counts[i] = cmig_query_int64(row, i + 1, 0);
}

/* An attempt, and what is known about it after the subtransaction. */
typedef struct Trial
{
	const Test *test;
	const Attempt *attempt;
	Outcome		outcome;
	bool		prepared;		/* was the statement itself started? */
	bool		same;			/* was the table not renamed or replaced? */
} Trial;

/*
 * Subtransaction callback: set the context, switch to the tested role, and run
 * the attempt.
 */
static void
run_trial(void *arg)
{
	Trial	   *trial = arg;
	const Test *test = trial->test;
	const Attempt *attempt = trial->attempt;
	Outcome    *outcome = &trial->outcome;
	CmigQuery  *query;
	Oid			type = attempt->type;
	Datum		value = attempt->row_value;
	const char *settings[][2] = {{"row_security", "on"}, {CMIG_RLS_USER_SETTING, test->user},
	{CMIG_RLS_TENANT_SETTING, test->tenant}};
	CmigRole	former;

	for (int i = 0; i < lengthof(settings); i++)
		cmig_settings_set(settings[i][0], settings[i][1] ? settings[i][1] : "", PGC_SUSET,
						  GUC_ACTION_LOCAL);
	cmig_role_look_up_as(&former, test->role);

	/*
	 * Make all constraints immediate.  A deferred trigger cannot be queued in
	 * a security-restricted operation, because the trigger would fire after
	 * the operation.
	 */
	AfterTriggerSetState(makeNode(ConstraintsSetStmt));
	trial->prepared = true;
	if (!is_same(test->table))
		return;
	query = cmig_query_make(attempt->sql,
							list_make1_oid(OidIsValid(attempt->relation) ? attempt->relation :
										   test->table->relid),
							OidIsValid(attempt->type), &type);
	query->users_text = true;
	outcome->rows = (int64) cmig_query_once(query, &value,
											attempt->row ? attempt->row : take_counts,
											attempt->row ? attempt->arg : outcome);
	CommandCounterIncrement();
	trial->same = is_same(test->table);
	if (trial->same && attempt->key)
		outcome->strange = count_rows(test, attempt->key, attempt->value);
}

/*
 * Run the statement as the role and roll it back.  An error that the attempted
 * change did not cause, such as a query cancel, is rethrown.
 */
static Outcome
try(const Test *test, const Attempt *attempt)
{
	Trial		trial = {test, attempt, {DONE,.strange = -1}};
	ErrorData  *error = cmig_subtransaction_rehearse(run_trial, &trial);
	int			sqlstate = error ? error->sqlerrcode : 0;

	if (error == NULL)
	{
		if (!trial.same)
		{
			trial.outcome.kind = FAILED;
			trial.outcome.message = "The table was renamed or replaced during the test.";
		}
		return trial.outcome;
	}
	memset(&trial.outcome, 0, sizeof(Outcome));
	trial.outcome.kind = FAILED;
	trial.outcome.message = pstrdup(error->message);
	if (sqlstate == ERRCODE_QUERY_CANCELED || sqlstate == ERRCODE_READ_ONLY_SQL_TRANSACTION ||
		sqlstate == ERRCODE_OUT_OF_MEMORY || sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED || sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE)
		ReThrowError(error);

	/*
	 * in a partitioned table, a violated check may also be a missing
	 * partition, which is reported before the policies are checked
	 */
	if (ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		!(sqlstate == ERRCODE_CHECK_VIOLATION &&
		  (test->table->relkind == RELKIND_PARTITIONED_TABLE || test->table->partition)))
		trial.outcome.kind = CONSTRAINT;

	/*
	 * the SQLSTATE alone does not tell, because it is the same for a missing
	 * privilege
	 */
	if (sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE && error->funcname &&
		strcmp(error->funcname, "ExecWithCheckOptions") == 0)
	{
		trial.outcome.kind = REFUSED;
		trial.outcome.message = NULL;
	}

	/*
	 * An error before the statement is started says nothing about the
	 * policies: it comes from a deferred trigger event that one of the
	 * caller's statements has queued.
	 */
	if (!trial.prepared)
		trial.outcome.kind = FAILED;
	return trial.outcome;
}

static Outcome
try_sql(const Test *test, const char *sql)
{
	Attempt		attempt = {.sql = sql};

	return try(test, &attempt);
}

/*
 * Try to insert or update rows so that they belong to another user or tenant.
 * A trigger may change the rows' keys back to the keys in the context, so the
 * table is searched afterward for rows with the other user's or tenant's key.
 */
static Outcome
intrude(const Test *test, const Attempt *attempt)
{
	int64		before = count_rows(test, attempt->key, attempt->value);
	Outcome		outcome = try(test, attempt);

	if (outcome.kind == DONE && outcome.rows > 0 &&
		before >= 0 && outcome.strange >= 0 && outcome.strange <= before)
	{
		outcome.kind = REFUSED;
		outcome.message = "A trigger changed the keys of the rows to those of the context.";
	}
	return outcome;
}

/*
 * A copy of a row.  The values are passed in binary form, not as text or json.
 * Therefore, no cast, input function, or output function that belongs to the
 * table's owner can see them, except in the attempted INSERT itself.
 */
typedef struct Copy
{
	List	   *columns;		/* rows of copied_columns */
	Oid			type;			/* the table's row type */
	Relation	relation;
	Datum		row;			/* 0: none */
} Copy;

/*
 * The columns to which an INSERT can give values, with SQL for a new value if
 * the column belongs to a unique index, or else null.  Columns whose values are generated are
 * left out.  $1 is the table, and $2 contains its key columns.
 */
static CmigQuery copied_columns = {
	"SELECT a.attname::text,"
	" CASE WHEN a.attname::text = ANY ($2::text[]) OR u.attnum IS NULL THEN NULL"
	"  WHEN a.atttypid = 'uuid'::regtype THEN 'pg_catalog.gen_random_uuid()'"
	"  WHEN a.atttypid IN ('int8'::regtype, 'int4'::regtype) THEN '(pg_catalog.random() OPERATOR(pg_catalog.*) 1000000000)::integer'"
	"  WHEN a.atttypid = 'int2'::regtype THEN '(pg_catalog.random() OPERATOR(pg_catalog.*) 32000)::smallint'"
	"  WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype) THEN"
	"   CASE WHEN a.atttypmod > 4"
	" THEN format('pg_catalog.left(pg_catalog.md5(pg_catalog.random()::pg_catalog.text), %s)', a.atttypmod - 4)"
	"   ELSE 'pg_catalog.md5(pg_catalog.random()::pg_catalog.text)' END END"
	" FROM pg_attribute a LEFT JOIN LATERAL (SELECT a.attnum FROM pg_index x"
	"   WHERE x.indrelid = a.attrelid AND x.indisunique AND (a.attnum = ANY (x.indkey::int2[])"
	"    OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
	" AND d.objid = x.indexrelid"
	"     AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid"
	" AND d.refobjsubid = a.attnum))"
	"   AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = a.attrelid"
	" AND f.contype = 'f'"
	"    AND a.attnum = ANY (f.conkey)) LIMIT 1) u ON true"
	" WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
	" AND NOT (a.attidentity <> '' OR (u.attnum IS NOT NULL AND a.atthasdef"
	" AND NOT a.attname::text = ANY ($2::text[])))"
	" ORDER BY a.attnum",
	{OIDOID, TEXTOID}
};

/* Callback that copies a row, which is kept when the attempt is rolled back. */
static void
take_row(const CmigRow *row, void *arg)
{
	Copy	   *copy = arg;

	copy->row = PointerGetDatum(PG_DETOAST_DATUM_COPY(cmig_query_datum(row, 1, copy->type,
																	   NULL)));
}

/* Copy the first row that is visited, as a row of the table itself. */
static bool
copy_row(Relation relation, TupleTableSlot *slot, void *arg)
{
	Copy	   *copy = arg;
	TupleConversionMap *map = convert_tuples_by_name(RelationGetDescr(relation),
													 RelationGetDescr(copy->relation));
	HeapTuple	row = ExecCopySlotHeapTuple(slot);

	copy->row = heap_copy_tuple_as_datum(map ? execute_attr_map_tuple(row, map) : row,
										 RelationGetDescr(copy->relation));
	return false;
}

/*
 * Read a row to copy: a row of its own if the role sees one, which is read with
 * its privileges and policies, or else any row that the caller may see.
 * Returns NULL if there is no row to copy.
 */
static Copy *
read_copy(const Test *test)
{
	Copy	   *copy = palloc0(sizeof(Copy));
	List	   *names = NIL;

	foreach_ptr(Key, key, test->keys)
		names = lappend(names, key->name);
	copy->type = get_rel_type_id(test->table->relid);
	copy->columns = cmig_query_list(&copied_columns, test->table->relid,
									cmig_rls_array_text(names));
	if (copy->columns != NIL && test->own_rows > 0)
	{
		Attempt		attempt = {.row = take_row,.arg = copy};

		attempt.sql = psprintf("SELECT t.*::%s FROM %s t WHERE %s LIMIT 1", test->table->name,
							   test->table->name, test->condition);
		if (try(test, &attempt).kind == DONE && copy->row)
			return copy;
	}
	copy->row = (Datum) 0;
	copy->relation = cmig_query_open(test->table->relid, AccessShareLock);
	(void) visit_rows(test, copy_row, copy);
	relation_close(copy->relation, NoLock);
	return copy->row ? copy : NULL;
}

/*
 * Returns a statement that inserts a copy of the row.  The keys in the copy
 * match the context, except that the key "strange" has the value "other".
 */
static Attempt
insert_copy(const Test *test, const Copy *copy, const Key *strange, const char *other)
{
	Attempt		attempt = {.key = strange,.value = other};
	StringInfoData columns;
	StringInfoData values;

	attempt.type = copy->type;
	attempt.row_value = copy->row;
	initStringInfo(&columns);
	initStringInfo(&values);
	foreach_ptr(CmigValue, row, copy->columns)
	{
		const char *column = row[0];
		const char *made = row[1];
		const char *comma = columns.len ? ", " : "";
		const char *value = NULL;
		const Key  *key = NULL;

		foreach_ptr(const Key, each, test->keys)
		{
			if (key == NULL && strcmp(each->name, column) == 0)
				key = each;
		}
		if (key)
			value = key == strange ? other : key->value;
		appendStringInfo(&columns, "%s%s", comma, quote_identifier(column));
		appendStringInfo(&values, "%s%s", comma,
						 value ? psprintf("%s::%s", quote_literal_cstr(value), key->type) :
						 made ? made : psprintf("($1).%s", quote_identifier(column)));
	}
	attempt.sql = psprintf("INSERT INTO %s (%s) SELECT %s", test->table->name, columns.data,
						   values.data);
	return attempt;
}

/*
 * Keys
 */

/* Add a key: a column that tells who owns a row. */
static Key *
add_key(Test *test, char *what, const char *name, char *value)
{
	CmigRlsColumn *column = cmig_rls_key_column(test->table, name,
												strcmp(what, "key") == 0 ?
												"user_column or tenant_column" :
												psprintf("%s_column", what));
	Key		   *key = palloc0(sizeof(Key));
	AttrNumber	attnum = get_attnum(test->table->relid, name);
	Relation	relation;

	key->what = what;
	key->name = column->name;
	key->generated = column->generated != NULL;
	key->base_type = getBaseType(atooid(column->type_oid));
	relation = cmig_query_open(test->table->relid, AccessShareLock);
	key->stored = cmig_virtual_column_compat(relation, attnum) == NULL;
	relation_close(relation, NoLock);
	key->type = psprintf("pg_catalog.%s",
						 key->base_type == UUIDOID ? "uuid" : key->base_type == INT8OID ? "int8" :
						 key->base_type == INT4OID ? "int4" : key->base_type == INT2OID ? "int2" :
						 "text");
	key->value = value;
	test->keys = lappend(test->keys, key);
	if (value)
	{
		/* raises an error if the value is not valid for the key's type */
		key->members = list_make1(cmig_rls_sample_const(key->base_type, value));
		key->mine = psprintf("t.%s OPERATOR(pg_catalog.=) %s::%s", quote_identifier(name),
							 quote_literal_cstr(value), key->type);
	}
	return key;
}

/*
 * Callback that adds a value from the membership table to the key's members.
 */
static void
take_member(const CmigRow *row, void *arg)
{
	Key		   *key = arg;
	char	   *text = cmig_query_text_or_null(row, 1);

	if (text)
		key->members = lappend(key->members, cmig_rls_sample_const(key->base_type, text));
}

/*
 * Add the key that is looked up in the membership table.  The name of that
 * table comes from a comment that the owner of the table under test may have
 * written, so the membership table is read as the tested role.
 */
static void
add_membership(Test *test)
{
	CmigRlsSetup *setup = test->table->setup;
	Key		   *key = add_key(test, "key", setup->key_column, NULL);
	RangeVar   *name =
	makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(setup->via)));
	Oid			via = RangeVarGetRelid(name, NoLock, true);
	Attempt		attempt = {.relation = via,.row = take_member,.arg = key};
	char	   *members;

	if (!OidIsValid(via))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("membership table %s of table %s does not exist", setup->via,
						test->table->name),
				 errhint("Call cmig.enable_rls again, and specify the current membership table as via.")));
	if (test->user == NULL)
		return;
	members = psprintf("FROM %s m WHERE m.%s::pg_catalog.text OPERATOR(pg_catalog.=) %s",
					   cmig_query_relation_name(via), quote_identifier(setup->via_user),
					   quote_literal_cstr(test->user));
	key->mine = psprintf("t.%s OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT m.%s %s))",
						 quote_identifier(key->name), quote_identifier(setup->via_key), members);
	attempt.sql = psprintf("SELECT DISTINCT m.%s::pg_catalog.text %s",
						   quote_identifier(setup->via_key), members);
	(void) try(test, &attempt);
}

/*
 * Find the table's keys and their values in the context.  The key columns are
 * given as arguments.  For a NULL argument, the column given to
 * cmig.enable_rls or the column with the usual name is used; '' means none.
 * Raises an error if there is no key.
 */
static void
find_keys(Test *test)
{
	const CmigRlsSetup *setup = test->table->setup;
	const char *user = cmig_argument_text(test->fcinfo, 4);
	const char *tenant = cmig_argument_text(test->fcinfo, 5);
	StringInfoData condition;
	StringInfoData shared;

	if (tenant == NULL)
		tenant = setup ? setup->tenant_column : cmig_rls_find(test->table->columns, "tenant_id") ?
			"tenant_id" : NULL;
	if (user == NULL)
		user = setup ? setup->user_column : cmig_rls_find(test->table->columns, "user_id") ?
			"user_id" : NULL;
	if (tenant && tenant[0])
		(void) add_key(test, "tenant", tenant, test->tenant);
	if (user && user[0])
		(void) add_key(test, "user", user, test->user);
	if (setup && setup->via && (tenant == NULL || strcmp(tenant, setup->key_column) != 0))
		add_membership(test);
	if (test->keys == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("could not determine the key column of table %s", test->table->name),
				 errhint("Specify the table's key column in the argument user_column or tenant_column.")));

	/* a row is shared if each key is null or matches the context */
	initStringInfo(&condition);
	initStringInfo(&shared);
	test->possible = true;
	foreach_ptr(Key, key, test->keys)
	{
		const char *mine = key->mine ? key->mine : "false";
		const char *and = condition.len ? " AND " : "";

		test->possible &= key->mine != NULL;
		appendStringInfo(&condition, "%s%s", and, mine);
		appendStringInfo(&shared, "%s(t.%s IS NULL OR %s)", and, quote_identifier(key->name), mine);
	}
	test->condition = condition.data;
	test->shared = setup && setup->shared ? shared.data : "false";
}

/* Add a row to the result.  Negative counts become null. */
static void
report(Test *test, const char *what, int64 visible, int64 own, int64 foreign_rows,
	   const char *verdict, const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) test->fcinfo->resultinfo;
	const char *texts[8] = {test->user, test->tenant, what, NULL, NULL, NULL, verdict, detail};
	int64		counts[3] = {visible, own, foreign_rows};

	for (int i = 0; i < lengthof(counts); i++)
		if (counts[i] >= 0)
			texts[3 + i] = psprintf(INT64_FORMAT, counts[i]);
	cmig_result_add_strings(result, lengthof(texts), texts);
}

/*
 * Returns true if the role has the privilege on the table or on a column;
 * otherwise, reports that.
 */
static bool
has_privilege(Test *test, AclMode mode, const char *what, int64 visible)
{
	if (cmig_rls_may(test->table->relid, test->role, mode))
		return true;
	report(test, what, visible, 0, 0, "ok",
		   psprintf("The role does not have the %s privilege.", what));
	return false;
}

/* Test what the role sees. */
static void
test_select(Test *test)
{
	Outcome		seen;
	char	   *detail = NULL;
	char	   *verdict = "ok";

	if (!has_privilege(test, ACL_SELECT, "SELECT", 0))
		return;
	seen = try_sql(test,
				   psprintf("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE %s),"
							" pg_catalog.count(*) FILTER (WHERE (%s) IS NOT TRUE"
							" AND (%s) IS NOT TRUE) FROM %s t",
							test->condition, test->condition, test->shared, test->table->name));
	if (seen.kind != DONE)
	{
		report(test, "SELECT", -1, -1, -1, "not tested", seen.message);
		return;
	}
	test->own_rows = seen.counts[1];
	if (seen.counts[2] > 0 && test->table->setup && test->table->setup->public_read)
		detail = "Every row may be read because of public_read.";
	else if (seen.counts[2] > 0)
	{
		verdict = "LEAK";
		detail = psprintf("The role sees %lld foreign %s.", (long long) seen.counts[2],
						  seen.counts[2] == 1 ? "row" : "rows");
	}
	else if (count_rows(test, NULL, NULL) <= seen.counts[0])
	{
		verdict = "not tested";
		detail = "The caller sees no foreign rows in the table, so there is nothing to test.";
	}
	report(test, "SELECT", seen.counts[0], seen.counts[1], seen.counts[2], verdict, detail);
}

/* Report whether a row that belongs to another tenant could be written. */
static void
report_intrusion(Test *test, const char *what, Outcome outcome, bool none_possible)
{
	if (outcome.kind == DONE && outcome.rows > 0)
		report(test, what, -1, -1, outcome.rows, "LEAK", "The command was not rejected.");
	else if (outcome.kind == DONE)
		report(test, what, -1, -1, 0, none_possible ? "not tested" : "ok",
			   none_possible ? "The role has no row of its own to move." :
			   "No row can be changed.");
	else if (outcome.kind == REFUSED)
		report(test, what, -1, -1, 0, "ok", outcome.message);
	else if (outcome.kind == CONSTRAINT)
		report(test, what, -1, -1, -1, "LEAK",
			   psprintf("Only a constraint prevented the command: %s.", outcome.message));
	else
		report(test, what, -1, -1, -1, "not tested", outcome.message);
}

/* Test INSERT of rows that belong to the context and of rows that do not. */
static void
test_insert(Test *test)
{
	Copy	   *copy;
	Attempt		attempt;
	Outcome		outcome;

	if (!has_privilege(test, ACL_INSERT, "INSERT", -1))
		return;
	copy = read_copy(test);
	if (copy == NULL)
	{
		report(test, "INSERT", -1, -1, -1, "not tested", "There is no row to copy.");
		return;
	}
	attempt = insert_copy(test, copy, NULL, NULL);
	outcome = try(test, &attempt);
	if (!test->possible)
	{
		report_intrusion(test, "INSERT", outcome, false);
		return;
	}
	if (outcome.kind == DONE)
		report(test, "INSERT", -1, outcome.rows, 0, "ok", NULL);
	else if (outcome.kind == REFUSED)
		report(test, "INSERT", -1, 0, 0, "refused", "A policy rejects the role's own row.");
	else
		report(test, "INSERT", -1, -1, -1, "not tested", outcome.message);

	foreach_ptr(Key, key, test->keys)
	{
		attempt = insert_copy(test, copy, key, other_value(test, key));
		report_intrusion(test, psprintf("INSERT for another %s", key->what),
						 intrude(test, &attempt), false);
	}
}

/*
 * Report how many rows a command reaches, and whether this is more than
 * "allowed".
 */
static void
report_reach(Test *test, const char *what, Outcome outcome, int64 allowed)
{
	int64		foreign_rows = outcome.rows > allowed ? outcome.rows - allowed : 0;

	if (outcome.kind == DONE)
		report(test, what, outcome.rows, outcome.rows - foreign_rows, foreign_rows,
			   foreign_rows ? "LEAK" : "ok",
			   foreign_rows ? psprintf("The command reaches %lld foreign %s.",
									   (long long) foreign_rows,
									   foreign_rows == 1 ? "row" : "rows") : NULL);
	else if (outcome.kind == REFUSED)
		report(test, what, 0, 0, 0, "ok", "A policy rejects the new row.");
	else
		report(test, what, -1, -1, -1, "not tested", outcome.message);
}

/*
 * Try to give rows to another user or tenant.  An UPDATE of all rows does not
 * need the privilege SELECT, so the policies for SELECT do not apply to it.
 * However, the UPDATE fails if a policy refuses a single row, so an UPDATE of
 * only the role's own rows is tried as well.
 */
static Outcome
move(Test *test, const Key *key)
{
	char	   *other = other_value(test, key);
	Attempt		attempt = {.key = key,.value = other};
	Outcome		outcome;
	Outcome		own;

	attempt.sql = psprintf("UPDATE %s AS t SET %s = %s::%s", test->table->name,
						   quote_identifier(key->name), quote_literal_cstr(other), key->type);
	outcome = intrude(test, &attempt);
	if (outcome.kind != REFUSED && outcome.kind != FAILED)
		return outcome;
	attempt.sql = psprintf("%s WHERE %s", attempt.sql, test->condition);
	own = intrude(test, &attempt);
	return own.kind == CONSTRAINT || outcome.kind == FAILED ||
		(own.kind == DONE && own.rows > 0) ? own : outcome;
}

/*
 * Test which rows UPDATE reaches, and whether UPDATE can give rows to another
 * user or tenant.
 */
static void
test_update(Test *test)
{
	Key		   *first = linitial(test->keys);
	char	   *any = NULL;
	Outcome		outcome = {FAILED,.message = "There is no column to set."};

	if (!has_privilege(test, ACL_UPDATE, "UPDATE", -1))
		return;
	foreach_ptr(CmigRlsColumn, column, test->table->columns)
	{
		if (any == NULL && !column->generated)
			any = pstrdup(quote_identifier(column->name));
	}

	/*
	 * first try to take over rows that do not belong to the context, with an
	 * UPDATE that does not require SELECT
	 */
	if (first->value && !first->generated)
		outcome = try_sql(test,
						  psprintf("UPDATE %s SET %s = %s::%s", test->table->name,
								   quote_identifier(first->name),
								   quote_literal_cstr(first->value), first->type));
	if ((outcome.kind == CONSTRAINT || outcome.kind == FAILED) && any)
		outcome = try_sql(test, psprintf("UPDATE %s SET %s = %s", test->table->name, any, any));
	report_reach(test, "UPDATE", outcome, test->own_rows);

	foreach_ptr(Key, key, test->possible ? test->keys : NIL)
	{
		char	   *what = psprintf("move to another %s", key->what);

		if (key->generated)
			report(test, what, -1, -1, -1, "not tested", "The key is generated.");
		else
			report_intrusion(test, what, move(test, key), test->own_rows == 0);
	}
}

/* Test which rows DELETE reaches. */
static void
test_delete(Test *test)
{
	Outcome		outcome;
	Outcome		foreign;

	if (!has_privilege(test, ACL_DELETE, "DELETE", -1))
		return;
	outcome = try_sql(test, psprintf("DELETE FROM %s", test->table->name));
	if (outcome.kind != CONSTRAINT)
	{
		report_reach(test, "DELETE", outcome, test->own_rows);
		return;
	}

	/*
	 * If a foreign key prevents the deletion, find out at least whether rows
	 * that do not belong to the context are reached.
	 */
	foreign = try_sql(test,
					  psprintf("DELETE FROM %s AS t WHERE (%s) IS NOT TRUE", test->table->name,
							   test->condition));
	if (foreign.kind == DONE && foreign.rows > 0)
		report_reach(test, "DELETE", foreign, 0);
	else
		report(test, "DELETE", -1, -1, foreign.kind == DONE ? 0 : -1,
			   foreign.kind == CONSTRAINT ? "LEAK" : "not tested", outcome.message);
}

/*
 * The SQL functions
 */

/*
 * Read the table and role arguments.  Raises an error unless the caller can
 * SET ROLE to the role.
 */
static CmigRlsTable *
begin_test(FunctionCallInfo fcinfo, Oid *role)
{
	Oid			relid;
	char	   *name;

	InitMaterializedSRF(fcinfo, 0);
	cmig_argument_require(fcinfo, PG_ARGISNULL(0) ? 0 : 1, "the table and the role",
						  "SELECT * FROM cmig.rls_test('table', 'role', '<user>', '<tenant>')");
	relid = PG_GETARG_OID(0);
	name = NameStr(*PG_GETARG_NAME(1));
	cmig_rls_table_require(relid);
	*role = get_role_oid(name, true);
	if (!OidIsValid(*role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", name),
				 errhint("Name the role that the application connects as.")));
	if (superuser_arg(*role))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role \"%s\" is a superuser", name),
				 errdetail("Policies do not apply to a superuser, and the table's triggers would run with its privileges."),
				 errhint("Name the role that the application connects as.")));
	if (!is_member_of_role(GetUserId(), *role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as role \"%s\"", name),
				 errdetail("The test runs with the privileges of that role."),
				 errhint("Run the test as a superuser or as a member of %s. Do not make the table's owner a member, because the policies would then apply to the owner as well.",
						 quote_identifier(name))));
	LockRelationOid(relid, AccessShareLock);
	return cmig_rls_table_read(relid);
}

/*
 * The elements of a list of users or tenants.  A text may be an array literal
 * without a cast.  An empty element is null.
 */
static CmigQuery read_contexts = {
	"SELECT nullif(e, '') FROM unnest(CASE WHEN $1 LIKE '{%' THEN $1::text[] WHEN $1 IS NOT NULL"
	" THEN ARRAY[$1] END)"
	" WITH ORDINALITY u(e, n) ORDER BY n", {TEXTOID}
};

static List *
contexts_argument(FunctionCallInfo fcinfo, int n, bool is_array)
{
	return cmig_query_list(&read_contexts, PG_ARGISNULL(n) ? NULL :
						   is_array ? OidOutputFunctionCall(F_ARRAY_OUT, PG_GETARG_DATUM(n)) :
						   text_to_cstring(PG_GETARG_TEXT_PP(n)));
}

/* Run all tests for each context. */
static Datum
test_contexts(FunctionCallInfo fcinfo, bool is_array)
{
	Oid			role;
	CmigRlsTable *table = begin_test(fcinfo, &role);
	List	   *users = contexts_argument(fcinfo, 2, is_array);
	List	   *tenants = contexts_argument(fcinfo, 3, is_array);

	if (table->by_citus)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.rls_test cannot be used for table %s", table->name),
				 errdetail("Citus manages the table. The tests would run without its rows, which are in shards."),
				 errhint("In a transaction, SET ROLE, call cmig.set_context, and query the table.")));
	if (users && tenants && list_length(users) != list_length(tenants))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lists of users and tenants must have the same length"),
				 errdetail("There are %d users and %d tenants.", list_length(users),
						   list_length(tenants)),
				 errhint("The n-th user is tested with the n-th tenant: '{u1,u2}', '{t1,t2}'.")));
	/* if no context is given, test without one */
	for (int i = 0; i < Max(Max(list_length(users), list_length(tenants)), 1); i++)
	{
		Test		test = {.fcinfo = fcinfo,.table = table,.role = role};

		test.user = users ? *(char **) list_nth(users, i) : NULL;
		test.tenant = tenants ? *(char **) list_nth(tenants, i) : NULL;

		/*
		 * The owner may see every row, because the owner could disable the
		 * policies with ALTER TABLE.  Other roles may if they have the
		 * privilege SELECT and no policy applies to them.
		 */
		test.readable = cmig_owns_compat(RelationRelationId, table->relid, GetUserId()) ||
			(pg_class_aclcheck(table->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
			 check_enable_rls(table->relid, InvalidOid, true) != RLS_ENABLED);
		find_keys(&test);
		test_select(&test);
		test_insert(&test);
		test_update(&test);
		test_delete(&test);
	}
	return (Datum) 0;
}

CMIG_READER(cmig_rls_test)
{
	return test_contexts(fcinfo, false);
}

CMIG_READER(cmig_rls_test_matrix)
{
	return test_contexts(fcinfo, true);
}
