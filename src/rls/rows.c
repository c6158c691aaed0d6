/*
 * rows.c
 *	  The rows that cmig.rls_test tries: it makes them, writes them, and looks
 *	  at what the role sees.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/internal.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * The caller of cmig.rls_test may see these rows, but the table belongs to
 * another role.  Therefore, no statement is run with the caller's privileges:
 * the rows are read by direct table access, and only values of built-in types
 * are compared and printed, by built-in functions.  No cast, operator, policy,
 * rule, or view that belongs to the owner can interfere, not even after the
 * table's triggers have run.
 */

/*
 * A function that is called for each row of the table under test or of one of
 * its child tables.  Returns false to end the scan.
 */
typedef bool (*Visitor) (Relation relation, TupleTableSlot *slot, void *arg);

/*
 * Returns true if the caller may see every row of the table.  The owner always
 * may, because the owner could disable the policies with ALTER TABLE.  Other
 * roles may if they have the privilege SELECT and no policy applies to them.
 */
static bool
may_read(Oid relid)
{
	return cmig_owns_relation_compat(relid, GetUserId()) ||
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		 check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED);
}

void
cmig_rls_rows_open(CmigRlsRows *rows, Oid relid)
{
	rows->relation = table_open(relid, AccessShareLock);
	rows->nspname = cmig_query_schema_name(RelationGetNamespace(rows->relation));
	rows->relname = pstrdup(RelationGetRelationName(rows->relation));
	rows->relkind = rows->relation->rd_rel->relkind;
	rows->owner = rows->relation->rd_rel->relowner;
	rows->readable = may_read(relid);
}

void
cmig_rls_rows_close(CmigRlsRows *rows)
{
	table_close(rows->relation, NoLock);
}

/*
 * Returns true if the table still has the owner, kind, and name that it had
 * when it was opened.
 */
static bool
rows_same(const CmigRlsRows *rows)
{
	Oid			relid = RelationGetRelid(rows->relation);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			namespace = get_namespace_oid(rows->nspname, true);
	bool		same = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		same = form->relkind == rows->relkind && form->relowner == rows->owner;
		ReleaseSysCache(tuple);
	}
	return same && OidIsValid(namespace) && get_relname_relid(rows->relname, namespace) == relid;
}

/*
 * Reading rows
 */

/*
 * Call the visitor for each row of one relation until *going is false.
 * Returns false if the relation's rows are not stored on this server.
 */
static bool
visit_relation(Oid relid, Visitor visit, void *arg, bool *going)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	bool		known = true;

	if (!cmig_local_rows_here(relid))
		known = false;
	else if (relation->rd_rel->relkind == RELKIND_RELATION)
	{
		TupleTableSlot *slot = table_slot_create(relation, NULL);
		TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);

		while (*going && table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			*going = visit(relation, slot, arg);
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
	}
	else
		known = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	relation_close(relation, NoLock);
	return known;
}

/*
 * Call the visitor for all rows of the table and its children, including
 * uncommitted rows of this transaction.  Returns false if some rows cannot be
 * read.
 */
static bool
visit_all(const CmigRlsRows *rows, Visitor visit, void *arg)
{
	bool		known = rows->readable;
	bool		going = true;
	ListCell   *lc;

	if (!known)
		return false;
	CommandCounterIncrement();
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	foreach(lc, find_all_inheritors(RelationGetRelid(rows->relation), AccessShareLock, NULL))
	{
		if (going)
			known &= visit_relation(lfirst_oid(lc), visit, arg, &going);
	}
	PopActiveSnapshot();
	return known;
}

/*
 * Returns the attribute number of a column in the table or in a child.  Raises
 * an error if the attempt (see rls_try.h) has renamed the column or changed
 * its type.
 */
static AttrNumber
column_of(Relation relation, const char *name, Oid type)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(relation), name);
	Oid			there = attnum > 0 ?
	TupleDescAttr(RelationGetDescr(relation), attnum - 1)->atttypid : InvalidOid;

	if (there != type && getBaseType(there) != type)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" was renamed or replaced during the test",
						name, RelationGetRelationName(relation))));
	return attnum;
}

/*
 * Keys
 */

Datum *
cmig_rls_rows_datum(const CmigRlsKey *key, const char *text)
{
	Datum	   *datum = palloc(sizeof(Datum));
	int64		number;

	switch (key->base_type)
	{
		case UUIDOID:
			*datum = DirectFunctionCall1(uuid_in, CStringGetDatum(text));
			break;
		case TEXTOID:
		case VARCHAROID:
			*datum = CStringGetTextDatum(text);
			break;
		default:
			number = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text)));
			if (key->base_type == INT2OID && (number < PG_INT16_MIN || number > PG_INT16_MAX))
				return NULL;
			if (key->base_type == INT4OID && (number < PG_INT32_MIN || number > PG_INT32_MAX))
				return NULL;
			*datum = key->base_type == INT2OID ? Int16GetDatum((int16) number) :
				key->base_type == INT4OID ? Int32GetDatum((int32) number) : Int64GetDatum(number);
			break;
	}
	return datum;
}

/*
 * Returns true if the key is stored.  A virtual generated column cannot be
 * read without executing its expression.
 */
static bool
is_stored(const CmigRlsRows *rows, const CmigRlsKey *key)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rows->relation), key->name);

	return attnum <= 0 || cmig_virtual_column_compat(rows->relation, attnum) == NULL;
}

/* The arguments and results of a search. */
typedef struct Search
{
	const CmigRlsKey *key;		/* NULL: any row */
	Datum	   *value;			/* the key's value */
	MemoryContext context;		/* memory context of the result */
	int64		count;
	Datum		least;
	bool		found;
} Search;

/*
 * Compare two values with the built-in comparison function.  A key's base type
 * is always a built-in type.
 */
static int
compare(const Search *search, Relation relation, AttrNumber attnum, Datum a, Datum b)
{
	TypeCacheEntry *type = lookup_type_cache(search->key->base_type, TYPECACHE_CMP_PROC_FINFO);

	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo,
										   TupleDescAttr(RelationGetDescr(relation), attnum - 1)->attcollation,
										   a, b));
}

/* A visitor that counts rows. */
static bool
count_row(Relation relation, TupleTableSlot *slot, void *arg)
{
	Search	   *search = arg;
	AttrNumber	attnum;
	bool		isnull;
	Datum		value;

	if (search->key == NULL)
	{
		search->count++;
		return true;
	}
	attnum = column_of(relation, search->key->name, search->key->base_type);
	value = slot_getattr(slot, attnum, &isnull);
	if (!isnull && search->value &&
		compare(search, relation, attnum, value, *search->value) == 0)
		search->count++;
	return true;
}

int64
cmig_rls_rows_count(const CmigRlsRows *rows, const CmigRlsKey *key, const char *value)
{
	Search		search = {.key = key};

	if (key && !is_stored(rows, key))
		return -1;
	if (key)
		search.value = cmig_rls_rows_datum(key, value);
	return visit_all(rows, count_row, &search) ? search.count : -1;
}

/* A visitor that keeps the smallest key that does not match the context. */
static bool
keep_least_strange(Relation relation, TupleTableSlot *slot, void *arg)
{
	Search	   *search = arg;
	AttrNumber	attnum = column_of(relation, search->key->name, search->key->base_type);
	bool		isnull;
	Datum		value = slot_getattr(slot, attnum, &isnull);
	MemoryContext old;
	ListCell   *lc;

	if (isnull)
		return true;
	foreach(lc, search->key->members)
	{
		if (compare(search, relation, attnum, value, *(Datum *) lfirst(lc)) == 0)
			return true;
	}
	if (search->found && compare(search, relation, attnum, value, search->least) >= 0)
		return true;
	old = MemoryContextSwitchTo(search->context);
	search->least = datumCopy(value, get_typbyval(search->key->base_type),
							  get_typlen(search->key->base_type));
	if (get_typlen(search->key->base_type) == -1)
		search->least = PointerGetDatum(PG_DETOAST_DATUM(search->least));
	search->found = true;
	MemoryContextSwitchTo(old);
	return true;
}

char *
cmig_rls_rows_strange(const CmigRlsRows *rows, const CmigRlsKey *key)
{
	Search		search = {.key = key,.context = CurrentMemoryContext};
	Oid			output;
	bool		varlena;

	if (is_stored(rows, key))
		(void) visit_all(rows, keep_least_strange, &search);
	if (!search.found)
		return NULL;
	getTypeOutputInfo(key->base_type, &output, &varlena);
	return OidOutputFunctionCall(output, search.least);
}

/*
 * A row to copy
 */

/* The destination of a copied row. */
typedef struct Copy
{
	List	   *columns;
	const Oid  *types;
	Datum	   *values;
	bool	   *nulls;
	bool		found;
} Copy;

/* A visitor that copies the first row, and then stops. */
static bool
copy_row(Relation relation, TupleTableSlot *slot, void *arg)
{
	Copy	   *copy = arg;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, copy->columns)
	{
		AttrNumber	attnum = column_of(relation, lfirst(lc), copy->types[i]);
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
		Datum		value = slot_getattr(slot, attnum, &copy->nulls[i]);

		if (!copy->nulls[i])
			copy->values[i] = column->attlen == -1 ?
				PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) :
				datumCopy(value, column->attbyval, column->attlen);
		i++;
	}
	copy->found = true;
	return false;
}

/*
 * Copy the given columns (a List of char *) of an arbitrary row.  Returns
 * false if there is no row or the caller is not allowed to read the table.
 */
static bool
rows_first(const CmigRlsRows *rows, List *columns, const Oid *types,
		   Datum *values, bool *nulls)
{
	Copy		copy = {columns, types, values, nulls, false};

	(void) visit_all(rows, copy_row, &copy);
	return copy.found;
}

/*
 * The statement runs in a subtransaction and a security-restricted operation,
 * with the context set, row_security on, and the caller's search_path, on
 * which triggers may depend.  Code that belongs to other roles (policies,
 * triggers, types) runs there with the tested role's privileges and never with
 * the caller's.  Anything that would take effect later in the session is
 * refused, and all changes are rolled back before the caller's privileges are
 * restored.
 */

/* Callback that stores the numbers in a result row in the outcome's counts. */
static void
take_counts(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsOutcome *outcome = arg;
	bool		isnull;

	for (int i = 0; i < desc->natts && i < lengthof(outcome->counts); i++)
		outcome->counts[i] = DatumGetInt64(cmig_query_datum(desc, row, i + 1, &isnull));
}

/* Set a setting until the end of the subtransaction. */
static void
set_local(const char *name, const char *value)
{
	cmig_settings_set(name, value ? value : "", PGC_SUSET, GUC_ACTION_LOCAL);
}

/*
 * Returns true if a policy stopped the statement.  The SQLSTATE alone does not
 * tell, because it is the same for a missing privilege.
 */
static bool
stopped_by_policy(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && error->funcname &&
		strcmp(error->funcname, "ExecWithCheckOptions") == 0;
}

/*
 * Convert an error to an outcome.  An error that the attempted change did not
 * cause, such as a query cancel, is rethrown.
 */
static CmigRlsOutcome
classify(const CmigRlsAs *as, ErrorData *error)
{
	CmigRlsOutcome outcome = {CMIG_RLS_FAILED};

	switch (error->sqlerrcode)
	{
			/* rethrow errors that do not concern the row */
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
		case ERRCODE_OUT_OF_MEMORY:
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			ReThrowError(error);
			break;
		case ERRCODE_UNIQUE_VIOLATION:
		case ERRCODE_FOREIGN_KEY_VIOLATION:
		case ERRCODE_NOT_NULL_VIOLATION:
		case ERRCODE_EXCLUSION_VIOLATION:
			outcome.kind = CMIG_RLS_CONSTRAINT;
			break;
		case ERRCODE_CHECK_VIOLATION:

			/*
			 * in a partitioned table, the error may also be about a missing
			 * partition, which is reported before the policies are checked
			 */
			outcome.kind = as->partitioned ? CMIG_RLS_FAILED : CMIG_RLS_CONSTRAINT;
			break;
		default:
			if (stopped_by_policy(error))
				outcome.kind = CMIG_RLS_REFUSED;
			break;
	}
	outcome.message = pstrdup(error->message);
	return outcome;
}

/*
 * Make all constraints immediate.  A deferred trigger cannot be queued in a
 * security-restricted operation, because the trigger would fire after the
 * operation.
 */
static void
make_constraints_immediate(void)
{
	ConstraintsSetStmt *all = makeNode(ConstraintsSetStmt);

	AfterTriggerSetState(all);
}

/*
 * Run the statement as the role.  Returns false if the statement has renamed
 * or replaced the table under test.
 */
static bool
run_attempt(const CmigRlsAs *as, const CmigRlsAttempt *attempt, CmigRlsOutcome *outcome)
{
	if (!rows_same(&as->rows))
		return false;
	outcome->rows = (int64) cmig_query_once(attempt->sql, attempt->nargs, attempt->types,
											attempt->values, attempt->nulls, false,
											attempt->row ? attempt->row : take_counts,
											attempt->row ? attempt->arg : outcome);
	CommandCounterIncrement();
	if (!rows_same(&as->rows))
		return false;
	if (attempt->key)
		outcome->strange = cmig_rls_rows_count(&as->rows, attempt->key, attempt->value);
	return true;
}

/* An attempt, and what is known about it after the subtransaction. */
typedef struct Trial
{
	const CmigRlsAs *as;
	const CmigRlsAttempt *attempt;
	CmigRlsOutcome outcome;
	bool		prepared;		/* true if the statement itself was started */
	bool		same;			/* true if the table was not renamed or
								 * replaced */
} Trial;

/*
 * Subtransaction callback: set the context, switch to the tested role, and run
 * the attempt.
 */
static void
run_trial(void *arg)
{
	Trial	   *trial = arg;
	const CmigRlsAs *as = trial->as;
	CmigRole	former;

	set_local("row_security", "on");
	set_local(CMIG_RLS_USER_SETTING, as->user);
	set_local(CMIG_RLS_TENANT_SETTING, as->tenant);
	cmig_role_act_as(&former, as->role);
	make_constraints_immediate();
	trial->prepared = true;
	trial->same = run_attempt(as, trial->attempt, &trial->outcome);
}

CmigRlsOutcome
cmig_rls_try(const CmigRlsAs *as, const CmigRlsAttempt *attempt)
{
	Trial		trial = {as, attempt, {CMIG_RLS_DONE,.strange = -1}};
	ErrorData  *error = cmig_subtransaction_rehearse(run_trial, &trial);

	if (error)
		trial.outcome = classify(as, error);

	/*
	 * An error before the statement is started says nothing about the
	 * policies: it comes from a deferred trigger event that one of the
	 * caller's statements has queued.
	 */
	if (error ? !trial.prepared : !trial.same)
		trial.outcome.kind = CMIG_RLS_FAILED;
	if (error == NULL && !trial.same)
		trial.outcome.message = "The table was renamed or replaced during the test.";
	return trial.outcome;
}

/*
 * The values are passed in binary form, not as text or json.  Therefore, no
 * cast, input function, or output function that belongs to the table's owner
 * can see them, except in the attempted INSERT itself.
 */

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
	return rows_first(&as->rows, copy->columns, copy->types, copy->values,
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
