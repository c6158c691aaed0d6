/*
 * as_of.c
 *	  cmig.audit_as_of: a table as it was at a given time.
 *
 * The changes that were logged after the given time are undone, the newest
 * first, as history.c reads them.  A row that has no entry after that time has
 * not changed since, so it is read from the table itself.  Therefore, no
 * entries from before that time are needed, rows that are older than the audit
 * are correct, and columns that were added since have the values that
 * PostgreSQL gave them.
 *
 * For each key in these entries, there is a list of the rows that have the key
 * at the point that has been reached.  At first, this is the row that the table
 * contains now, if it does, which is read last.  Undoing a change removes the
 * row that the change left behind, and adds the row that it found.  If the
 * entry contains only the changed columns, their old values are put into the
 * removed row.  Within a transaction, several rows can have the same deferrable
 * key; the images then tell which of them has been changed.
 *
 * Usually, entries contain the whole old row and keys are not deferrable.  Then
 * the oldest entry of a key alone tells which row had the key, so the entries
 * are read without sorting them.
 *
 * A table without a key is a multiset: equal rows are counted.
 *
 * An entry for TRUNCATE does not contain the rows that it removed.  Rows that
 * are older than the audit would be missing, so times before a TRUNCATE are
 * refused.
 *
 * The function runs with the caller's privileges, so the table must not change
 * between a check and the query.  Such changes by other sessions are prevented
 * by locks on the table, by row_key.c, and by the check in base/query.c that the
 * name still refers to the table.  The owner's code runs in this session in a
 * read-only transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/string.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/internal.h"
#include "store/store.h"

PG_FUNCTION_INFO_V1(cmig_audit_as_of);

/* A row that had a key. */
typedef struct OldRow
{
	bool		live;			/* is it the row that the table contains now? */
	bool		lost;			/* is the row not in the log? */
	Jsonb	   *image;			/* the row; if "live" is true, only the values
								 * that differ from the table's row, or NULL */
} OldRow;

/* The rows that had a key. */
typedef struct OldKey
{
	Jsonb	   *key;			/* hash key */
	List	   *rows;			/* of OldRow */
	CmigAuditPlace place;		/* of the oldest entry that was undone */
	int64		surplus;		/* for a table without a key: how many more of
								 * the equal rows there were than now */
} OldKey;

/* One call of audit_as_of(). */
typedef struct AsOf
{
	CmigAuditTarget *target;
	TimestampTz at;
	int64		low;			/* the range of row_hash in the table's
								 * entries, */
	int64		high;			/* from low up to high - 1 */
	char	   *type;			/* the table's quoted name */
	Oid			row_type;
	char	   *table;			/* the same, with ONLY for a plain table */
	char	   *live_key;		/* SQL for the key of a row of the table */
	Jsonb	   *key;			/* the only wanted key; NULL: all */
	ArrayType  *hashes;			/* row_hash of each form of the key */
	ArrayType  *hidden;			/* columns to leave out; NULL: none */
	bool		deferrable;		/* can rows share a key within a transaction? */
	bool		sorted;			/* are the entries read from newest to oldest? */
	bool		partial;		/* does an entry lack the whole old row? */
	HTAB	   *keys;			/* of OldKey */
	ReturnSetInfo *result;
	Oid			role;			/* the role that runs the types' code */
	FmgrInfo	populate;		/* jsonb_populate_record() for the row type */
	Datum		image;			/* the image that is being converted, or 0, */
	Datum		row;			/* and the row to which it was converted */
	MemoryContext context;		/* memory context of the keys and rows */
	MemoryContext row_context;	/* reset for each row */
} AsOf;

/*
 * Keys
 */

static uint32
hash_key(const void *key, Size size)
{
	return DatumGetUInt32(DirectFunctionCall1(jsonb_hash, JsonbPGetDatum(*(Jsonb *const *) key)));
}

static int
compare_keys(const void *a, const void *b, Size size)
{
	return compareJsonbContainers(&(*(Jsonb *const *) a)->root, &(*(Jsonb *const *) b)->root);
}

/* Returns an object without the hidden columns. */
static Jsonb *
shown(const AsOf *as_of, Jsonb *image)
{
	return as_of->hidden == NULL ? image :
		DatumGetJsonbP(DirectFunctionCall2(jsonb_delete_array, JsonbPGetDatum(image),
										   PointerGetDatum(as_of->hidden)));
}

/*
 * Returns the key of an entry, with the columns' current names.  If it is
 * found for the first time, the table's row has it.
 */
static OldKey *
key_of(AsOf *as_of, const CmigAuditEntry *entry, int column)
{
	Jsonb	   *key = cmig_audit_target_image(as_of->target,
											  DatumGetJsonbP(entry->values[column]), entry->at);
	OldKey	   *found;
	bool		known;

	if (as_of->target->key_columns == NIL)
		key = shown(as_of, key);
	found = hash_search(as_of->keys, &key, HASH_ENTER, &known);
	if (!known)
	{
		MemoryContext old = MemoryContextSwitchTo(as_of->context);
		OldRow	   *row = palloc0(sizeof(OldRow));

		found->key = DatumGetJsonbPCopy(JsonbPGetDatum(key));
		row->live = true;
		found->rows = list_make1(row);
		found->place.seq = PG_INT64_MAX;
		found->surplus = 0;
		MemoryContextSwitchTo(old);
	}
	return found;
}

/* Raise an error for an entry that lacks the old or the new row. */
static void
raise_lost(const AsOf *as_of, Jsonb *key)
{
	char	   *text = JsonbToCString(NULL, &key->root, VARSIZE(key));

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot reconstruct a row of table \"%s\" as of the given time",
					as_of->target->name),
			 errdetail("A log entry for the row with key %s does not contain the row as it was before or after the change.", text),
			 errhint("Use a time after that entry. To see what was logged: SELECT * FROM cmig.audit_history(%s, %s)",
					 quote_literal_cstr(as_of->type), quote_literal_cstr(text))));
}

/*
 * Undoing changes
 */

/*
 * Remove and return the row that a change left behind, or NULL if there is
 * none.  Columns that both images contain must be equal; NULL is an unknown
 * image.  Rows whose images are known come first.
 */
static OldRow *
remove_row(AsOf *as_of, OldKey *key, Jsonb *image)
{
	OldRow	   *found = NULL;

	if (!as_of->deferrable)
	{
		found = key->rows ? linitial(key->rows) : NULL;
		key->rows = NIL;
		return found;
	}
	foreach_ptr(OldRow, row, key->rows)
	{
		Datum		a = JsonbPGetDatum(row->image);
		Datum		b = JsonbPGetDatum(image);

		if ((image == NULL || row->image == NULL ||
			 DatumGetBool(DirectFunctionCall2(jsonb_eq, DirectFunctionCall2(jsonb_concat, a, b),
											  DirectFunctionCall2(jsonb_concat, b, a)))) &&
			(found == NULL || (found->live && !row->live)))
			found = row;
	}
	if (found == NULL && key->rows)
		found = linitial(key->rows);
	key->rows = list_delete_ptr(key->rows, found);
	return found;
}

/*
 * Returns true if the entry is to be undone for this key.  Without sorting,
 * entries that are newer than one that was undone are skipped.
 */
static bool
is_older(const AsOf *as_of, OldKey *key, const CmigAuditEntry *entry)
{
	if (!as_of->sorted && cmig_audit_place_compare(&key->place, &entry->place) < 0)
		return false;
	key->place = entry->place;
	return true;
}

/*
 * Add the row that a change found.  "row" is the row that the change left
 * behind, or NULL.
 */
static void
add_row(AsOf *as_of, OldKey *key, OldRow *row, const CmigAuditEntry *entry)
{
	bool		lost = entry->nulls[CMIG_ENTRY_OLD_ROW];
	Jsonb	   *image = lost ? NULL :
	cmig_audit_target_image(as_of->target, DatumGetJsonbP(entry->values[CMIG_ENTRY_OLD_ROW]),
							entry->at);
	bool		whole = !lost && cmig_audit_entry_is_whole(entry, CMIG_ENTRY_OLD_ROW);
	MemoryContext old;

	if (!lost && !whole && row && row->image)
		image = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(row->image),
												   JsonbPGetDatum(image)));
	as_of->partial |= !whole;
	old = MemoryContextSwitchTo(as_of->context);
	if (row == NULL)
	{
		row = palloc0(sizeof(OldRow));
		row->lost = true;
	}
	row->lost = !whole && (lost || row->lost);
	row->live &= !whole;
	if (!lost)
	{
		if (row->image)
			pfree(row->image);
		row->image = DatumGetJsonbPCopy(JsonbPGetDatum(image));
	}
	key->rows = lappend(as_of->deferrable ? key->rows : NIL, row);
	MemoryContextSwitchTo(old);
}

/* Query callback: undo the change of an entry. */
static void
undo(const CmigRow *tuple, void *arg)
{
	AsOf	   *as_of = arg;
	MemoryContext old;
	CmigAuditEntry entry;
	OldKey	   *key;
	OldRow	   *row = NULL;
	bool		inserted;
	bool		deleted;
	bool		moved;
	bool		older;

	/* the entries will be read again */
	if (as_of->partial && !as_of->sorted)
		return;
	old = MemoryContextSwitchTo(as_of->row_context);
	cmig_audit_entry_read(&entry, tuple);
	inserted = cmig_audit_entry_is(&entry, "INSERT");
	deleted = cmig_audit_entry_is(&entry, "DELETE");
	moved = !entry.nulls[CMIG_ENTRY_OLD_KEY];
	key = key_of(as_of, &entry, CMIG_ENTRY_ROW_KEY);
	if (as_of->target->key_columns == NIL)
	{
		if (!deleted && (inserted || moved))
			key->surplus--;
		if (moved)
			key_of(as_of, &entry, CMIG_ENTRY_OLD_KEY)->surplus++;
		else if (deleted)
			key->surplus++;
	}
	else
	{
		Jsonb	   *image = NULL;

		older = is_older(as_of, key, &entry);
		if (!deleted && older)
		{
			if (as_of->deferrable && !entry.nulls[CMIG_ENTRY_NEW_ROW])
				image = cmig_audit_target_image(as_of->target,
												DatumGetJsonbP(entry.values[CMIG_ENTRY_NEW_ROW]),
												entry.at);
			row = remove_row(as_of, key, image);
		}
		if (moved)
		{
			key = key_of(as_of, &entry, CMIG_ENTRY_OLD_KEY);
			older = is_older(as_of, key, &entry);
		}
		if (!inserted && older)
			add_row(as_of, key, row, &entry);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(as_of->row_context);
}

/*
 * The entries of a table after a time.  The new row is needed only for a
 * deferrable key ($5).
 */
#define ENTRIES_AFTER \
	"SELECT " CMIG_ENTRY_COLUMNS_WITH("NULL", "CASE WHEN $5 THEN l.new_row END") " FROM cmig_audit.log l" \
	" WHERE l.row_hash >= $1 AND l.row_hash < $2 AND l.row_key IS NOT NULL AND l.clock_at > $3" \
	" AND ($4 IS NULL OR l.row_hash = ANY ($4) OR l.old_hash = ANY ($4))"

static CmigQuery entries_after = {
	ENTRIES_AFTER, {INT8OID, INT8OID, TIMESTAMPTZOID, INT8ARRAYOID, BOOLOID}
};

static CmigQuery sorted_entries_after = {
	ENTRIES_AFTER " ORDER BY l.seq DESC, l.command_id DESC, l.id DESC",
	{INT8OID, INT8OID, TIMESTAMPTZOID, INT8ARRAYOID, BOOLOID}
};

/*
 * Images
 *
 * The conversion of an image to a row calls code of the columns' types (input
 * functions, domain checks).  The table's owner has chosen the types, so this
 * code runs as that role.
 *
 * After ALTER COLUMN TYPE, a column may no longer accept a value.
 * PostgreSQL's error names neither the column nor the row.  Therefore, if
 * there is an error, each column is tried in a subtransaction afterward.
 */

/* Maximum length of a value in an error message, in bytes. */
#define SHOWN_LENGTH 100

/* Convert the image of the AsOf "arg" to a row of the table. */
static void
populate(void *arg)
{
	LOCAL_FCINFO(fcinfo, 2);
	AsOf	   *as_of = arg;
	CmigRole	saved;

	InitFunctionCallInfoData(*fcinfo, &as_of->populate, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].isnull = true;
	fcinfo->args[1].value = as_of->image;
	fcinfo->args[1].isnull = false;
	cmig_role_read_as(&saved, as_of->role);
	as_of->row = FunctionCallInvoke(fcinfo);
	cmig_role_return(&saved);
}

/* Returns true if the error could have been caused by a value. */
static bool
is_of_value(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

/*
 * If a column does not accept its value in the image, raise an error that names
 * the row and the column.  A column is found by converting its value alone,
 * which must fail in the same way.
 */
static void
explain(AsOf *as_of, ErrorData *error)
{
	static CmigQuery describe = {
		"SELECT $1::jsonb -> $2, (SELECT jsonb_object_agg(k, $1::jsonb -> k) FROM unnest($3) k"
		" WHERE $1::jsonb ?& $3)", {TEXTOID, TEXTOID, TEXTARRAYOID}
	};
	Jsonb	   *image = DatumGetJsonbP(as_of->image);

	/* the search_path of queries, with which the message was written */
	cmig_settings_pin_search_path();
	foreach_ptr(char, column, as_of->target->now->names)
	{
		JsonbValue *member = getKeyJsonValueFromContainer(&image->root, column, strlen(column),
														  NULL);
		CmigJsonbStateCompat state = {0};
		ErrorData  *refused;
		char	  **row;		/* the value and the key */
		char	   *value;

		if (member == NULL)
			continue;
		cmig_audit_put_member(&state, column, member);
		as_of->image = JsonbPGetDatum(JsonbValueToJsonb(cmig_push_jsonb_compat(&state, WJB_END_OBJECT, NULL)));
		refused = cmig_subtransaction_rehearse(populate, as_of);
		if (refused && !is_of_value(refused))
			ReThrowError(refused);
		if (refused == NULL || refused->sqlerrcode != error->sqlerrcode)
			continue;
		row = cmig_query_row(&describe, JsonbToCString(NULL, &image->root, VARSIZE(image)), column,
							 cmig_audit_names(as_of->target->key_columns));
		value = row[0];
		if (strlen(value) > SHOWN_LENGTH)
			value = psprintf("%s...",
							 pnstrdup(value, pg_mbcliplen(value, strlen(value), SHOWN_LENGTH)));
		ereport(ERROR,
				(errcode(error->sqlerrcode),
				 errmsg("column \"%s\" of table \"%s\" does not accept a logged value: %s",
						column, as_of->target->name, refused->message),
				 row[1] ? errdetail("As of %s, the log contains the value %s in the row with key %s.",
									timestamptz_to_str(as_of->at), value, row[1]) :
				 errdetail("As of %s, the log contains the value %s in a row.",
						   timestamptz_to_str(as_of->at), value),
				 row[1] ? errhint("To see the row as it was logged: SELECT * FROM cmig.audit_history(%s, %s)",
								  quote_literal_cstr(as_of->type), quote_literal_cstr(row[1])) :
				 errhint("Look the row up in cmig_audit.log, or use a time after the column's type was changed.")));
	}
}

/*
 * Returning rows
 */

/* Add a row, which is a composite datum, to the function's result. */
static void
put_row(AsOf *as_of, Datum value)
{
	/* DatumGetHeapTupleHeader() is another symbol in newer minor releases */
	HeapTupleHeader header = (HeapTupleHeader) PG_DETOAST_DATUM(value);
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	tuplestore_puttuple(as_of->result->setResult, &tuple);
}

static void
put_image(AsOf *as_of, Jsonb *image)
{
	image = shown(as_of, image);
	/* the log's owner may have changed the image in any way */
	if (!JB_ROOT_IS_OBJECT(image))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("an entry of the audit log was changed after pg_cmig wrote it"),
				 errdetail("It contains a row image that is not a JSON object.")));
	as_of->image = JsonbPGetDatum(image);
	populate(as_of);
	as_of->image = (Datum) 0;
	put_row(as_of, as_of->row);
}

/*
 * Query callback: return a row of the table, unless it has changed.  The
 * columns are the row, its key, and the row as JSON.
 */
static void
put_live(const CmigRow *tuple, void *arg)
{
	AsOf	   *as_of = arg;
	MemoryContext old = MemoryContextSwitchTo(as_of->row_context);
	Datum		value = cmig_query_datum(tuple, 1, as_of->row_type, NULL);

	/* a copy, which outlives the query's rows if an error is to be explained */
	Jsonb	   *key = DatumGetJsonbPCopy(cmig_query_datum(tuple, 2, JSONBOID, NULL));
	OldKey	   *found;

	if (as_of->target->key_columns == NIL)
		key = shown(as_of, key);
	found = hash_search(as_of->keys, &key, HASH_FIND, NULL);
	if (as_of->target->key_columns == NIL)
	{
		if (found && found->surplus < 0)
			found->surplus++;
		else
			put_image(as_of, key);
	}
	else if (found == NULL)
		put_row(as_of, value);
	else
	{
		foreach_ptr(OldRow, row, found->rows)
		{
			if (!row->live)
				continue;
			if (row->lost)
				raise_lost(as_of, key);
			if (row->image == NULL)
				put_row(as_of, value);
			else
				put_image(as_of, DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
																	cmig_query_datum(tuple, 3, JSONBOID, NULL),
																	JsonbPGetDatum(row->image))));
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(as_of->row_context);
}

/* Return the rows of a key that are not in the table now. */
static void
put_gone(AsOf *as_of, const OldKey *key)
{
	MemoryContext old = MemoryContextSwitchTo(as_of->row_context);

	if (key->surplus < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot reconstruct table \"%s\" as of the given time",
						as_of->target->name),
				 errdetail("The table has no key. According to the log, a change resulted in the row %s, which the table does not contain.",
						   JsonbToCString(NULL, &key->key->root, VARSIZE(key->key))),
				 errhint("If the type of a column was changed, use a time after that change.")));
	for (int64 i = 0; i < key->surplus; i++)
		put_image(as_of, key->key);
	if (as_of->target->key_columns)
	{
		foreach_ptr(OldRow, row, key->rows)
		{
			if (row->live)
				continue;
			if (row->lost)
				raise_lost(as_of, key->key);
			put_image(as_of, row->image);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(as_of->row_context);
}

/* The row as JSON; an alias without .* could be the name of a column. */
#define LIVE_ROW "pg_catalog.to_jsonb(cmig_live.*)"

/* Undo the changes after the given time, and return the rows. */
static void
put_all_rows(void *arg)
{
	AsOf	   *as_of = arg;
	Datum		values[5] = {Int64GetDatum(as_of->low), Int64GetDatum(as_of->high),
		TimestampTzGetDatum(as_of->at), PointerGetDatum(as_of->hashes),
	BoolGetDatum(as_of->deferrable)};
	static const Oid argtypes[] = {JSONBOID};
	CmigQuery  *live;
	HASHCTL		control = {0};
	HASH_SEQ_STATUS status;
	OldKey	   *key;

	as_of->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig old rows",
										   ALLOCSET_DEFAULT_SIZES);
	control.keysize = sizeof(Jsonb *);
	control.entrysize = sizeof(OldKey);
	control.hash = hash_key;
	control.match = compare_keys;
	control.hcxt = as_of->context;
	do
	{
		MemoryContextReset(as_of->context);
		as_of->sorted = as_of->deferrable || as_of->partial;
		as_of->partial = false;
		as_of->keys = hash_create("pg_cmig old keys", 256, &control,
								  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
		cmig_query_each(as_of->sorted ? &sorted_entries_after : &entries_after, values,
						as_of->hashes ? NULL : "   n ", undo, as_of);
	} while (as_of->partial && !as_of->sorted);

	/* the rows' JSON is expensive, so it is read only if entries need it */
	live = cmig_query_make(psprintf("SELECT cmig_live.*::%s, %s, %s FROM %s cmig_live WHERE $1 IS NULL OR %s = $1",
									as_of->type, as_of->live_key,
									as_of->partial ? LIVE_ROW : "NULL::jsonb",
									as_of->table, as_of->live_key),
						   list_make1_oid(as_of->target->relation), 1, argtypes);
	live->children = true;
	values[0] = PointerGetDatum(as_of->key);
	cmig_query_each(live, values, as_of->key ? NULL : "n", put_live, as_of);
	hash_seq_init(&status, as_of->keys);
	while ((key = hash_seq_search(&status)) != NULL)
	{
		if (as_of->key == NULL || compare_keys(&key->key, &as_of->key, 0) == 0)
			put_gone(as_of, key);
	}
}

/*
 * The SQL expression for the key of a row of the table, as the trigger writes
 * it.
 */
static CmigQuery live_key = {
	"SELECT 'pg_catalog.jsonb_build_object(' || string_agg(format('%L::text, cmig_live.%I', c.c, c.c), ', ' ORDER BY c.n) || ')'"
	" FROM unnest($1) WITH ORDINALITY c(c, n)",
	{TEXTARRAYOID}
};

/*
 * Raise an error for a partition whose changes are logged as changes of the
 * partitioned table.
 */
static void
refuse_partition(Relation relation)
{
	TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	Oid			trigger = InvalidOid;
	Oid			root;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgisclone &&
			cmig_audit_layout_trigger(&triggers->triggers[i]))
			trigger = triggers->triggers[i].tgoid;
	}
	if (!OidIsValid(trigger))
		return;
	root = cmig_audit_trigger_root(RelationGetRelid(relation), trigger);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("partition \"%s\" is audited through its partitioned table",
					RelationGetRelationName(relation)),
			 errhint("Query the partitioned table with a condition on its partition key: SELECT * FROM cmig.audit_as_of(NULL::%s, <time>)",
					 cmig_query_relation_name(root))));
}

/* Returns the table whose row type is the type of the first argument. */
static Oid
table_of_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relation = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;

	if (!OidIsValid(relation) ||
		(get_rel_relkind(relation) != RELKIND_RELATION &&
		 get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the first argument must have the row type of a table"),
				 errhint("SELECT * FROM cmig.audit_as_of(NULL::<table>, <time>)")));
	return relation;
}

/*
 * Former layouts
 *
 * The table's older log entries have its former layouts.  These functions find
 * out which columns must be left out, and whether the rows can be identified at
 * all.
 */

static CmigQuery entries_between = {
	"SELECT 'yes' FROM cmig_audit.log l WHERE l.row_hash >= $1 AND l.row_hash < $2"
	" AND l.row_key IS NOT NULL AND l.clock_at > $3 AND l.clock_at < $4 AND ($5 IS NULL"
	" OR l.row_key ? $5) LIMIT 1",
	{INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID}
};

/*
 * Does the log contain row entries after the time with this layout and, unless it
 * is NULL, this column as a part of the key?
 */
static bool
has_entries(const AsOf *as_of, int layout, const char *column)
{
	List	   *layouts = as_of->target->layouts;
	TimestampTz from = ((CmigAuditLayout *) list_nth(layouts, layout))->recorded_at;
	TimestampTz to = layout + 1 < list_length(layouts) ?
	((CmigAuditLayout *) list_nth(layouts, layout + 1))->recorded_at : DT_NOEND;

	return to > as_of->at &&
		cmig_query_value(&entries_between, as_of->low, as_of->high,
						 layout > 0 ? Max(as_of->at, from - 1) : as_of->at, to, column) != NULL;
}

/*
 * Returns a list of columns for messages, with their types if these are known.
 */
static char *
columns_text(List *names, List *kinds)
{
	StringInfoData text;

	if (names == NIL)
		return "the whole row";
	initStringInfo(&text);
	for (int i = 0; i < list_length(names); i++)
	{
		appendStringInfo(&text, "%s%s", i == 0 ? "" : ", ", quote_identifier(list_nth(names, i)));
		if (i < list_length(kinds))
			appendStringInfo(&text, " (%s)", (char *) list_nth(kinds, i));
	}
	return text.data;
}

/*
 * Are the kinds of two keys the same?  Older versions recorded a type without its
 * schema if that was in search_path.
 */
static bool
same_kinds(List *then, List *now)
{
	ListCell   *lt,
			   *ln;

	if (list_length(then) != list_length(now))
		return false;
	forboth(lt, then, ln, now)
	{
		const char *last = lfirst(lt);
		const char *full = lfirst(ln);

		if (strcmp(last, full) != 0 && !pg_str_endswith(full, psprintf(".%s", last)))
			return false;
	}
	return true;
}

/*
 * Raise an error if entries after the time have a key that does not consist of
 * the columns of the table's current key, or whose values are of another kind.
 * It would not be known to which rows such entries belong.
 */
static void
check_keys(const AsOf *as_of)
{
	CmigAuditTarget *target = as_of->target;

	for (int i = 0; i < list_length(target->layouts); i++)
	{
		CmigAuditLayout *layout = list_nth(target->layouts, i);
		List	   *kinds;
		bool		same = cmig_audit_key_then(target, i, &kinds) != NIL ||
		(target->key_columns == NIL && layout->key_columns == NIL);

		if ((same && (kinds == NIL || list_length(kinds) != list_length(target->key_kinds) ||
					  same_kinds(kinds, target->key_kinds))) ||
			!has_entries(as_of, i, NULL))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the key of table \"%s\" has changed since the given time", target->name),
				 errdetail("At that time, rows were identified by %s. Now, they are identified by %s.",
						   columns_text(layout->key_columns, same ? layout->key_kinds : NIL),
						   columns_text(target->key_columns, same ? target->key_kinds : NIL)),
				 errhint("Use a time after the change, or look the rows up in cmig_audit.log.")));
	}
}

/*
 * Find the columns to leave out: those whose values are not in the log.
 * Without a key, a table's rows are identified by all of their values, except
 * for the values of columns that were added after the oldest row entry that
 * follows the time.  Raises an error if a hidden column has become part of the
 * key.
 */
static void
find_hidden(AsOf *as_of, Relation relation)
{
	CmigAuditTarget *target = as_of->target;
	TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	CmigAuditOptions *options = NULL;
	List	   *hidden = NIL;
	ListCell   *lc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgnargs == 2 && cmig_audit_layout_trigger(trigger))
			options = cmig_audit_options_parse(trigger->tgnargs, trigger->tgargs);
	}
	if (options)
	{
		List	   *names;

		as_of->partial = options->changes_only;
		cmig_audit_columns_resolve(options, target->relation, cmig_audit_log_extension_owner(),
								   CMIG_AUDIT_READING, NULL);
		names = list_concat(list_concat_copy(options->redact, options->hash), options->exclude);
		foreach_ptr(CmigAuditName, each, names)
		{
			char	   *name = each->name;

			if (cmig_text_list_has(target->key_columns, name))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("key column \"%s\" of table \"%s\" is hidden in the log",
								name, target->name),
						 errdetail("Without this column, log entries cannot be matched to rows."),
						 errhint("Call cmig.enable_audit() with redact, hash, and exclude lists that omit the column, and use a time after that call.")));
			if (target->key_columns == NIL || !cmig_audit_options_has(options->exclude, name))
				hidden = lappend(hidden, name);
		}
	}
	for (int i = 0; target->key_columns == NIL && i < list_length(target->layouts); i++)
	{
		const CmigAuditLayout *layout = list_nth(target->layouts, i);
		List	   *had = NIL;

		if (!has_entries(as_of, i, NULL))
			continue;
		foreach(lc, cmig_audit_target_names(target, i))
		{
			const char *then = list_nth(layout->names, foreach_current_index(lc));

			/* those of an expansion, and excluded ones, are not in entries */
			if (lfirst(lc) && has_entries(as_of, i, then))
				had = lappend(had, lfirst(lc));
		}
		foreach_ptr(char, text, target->now->names)
		{
			if (!cmig_text_list_has(had, text))
				hidden = lappend(hidden, text);
		}
	}
	if (hidden)
		as_of->hidden = DatumGetArrayTypeP(cmig_names_datum(cmig_audit_names(hidden)));
}

/* The time of the last TRUNCATE after a time. */
static CmigQuery truncate_after = {
	"SELECT max(l.clock_at)::text FROM cmig_audit.log l"
	" WHERE l.row_hash = $1 AND l.operation = 'TRUNCATE' AND l.clock_at > $2",
	{INT8OID, TIMESTAMPTZOID}
};

/* Returns a row if a table has a deferrable primary key. */
static CmigQuery deferrable_key = {
	"SELECT 1 FROM pg_index i WHERE i.indrelid = $1 AND i.indisprimary"
	" AND NOT i.indimmediate", {OIDOID}
};

/* Read only the row that has one of these keys, unless there are none. */
static void
choose_rows(AsOf *as_of, List *keys)
{
	Datum	   *hashes = palloc(sizeof(Datum) * list_length(keys));

	if (keys == NIL)
		return;
	for (int i = 0; i < list_length(keys); i++)
		hashes[i] = Int64GetDatum(cmig_audit_log_row_hash(as_of->target->table_id,
														  JsonbPGetDatum(list_nth(keys, i))));
	as_of->hashes = construct_array(hashes, list_length(keys), INT8OID, 8, FLOAT8PASSBYVAL,
									TYPALIGN_DOUBLE);
	as_of->key = linitial(keys);
}

Datum
cmig_audit_as_of(PG_FUNCTION_ARGS)
{
	AsOf		as_of = {0};
	CmigAuditTarget *target;
	Relation	relation;
	List	   *types = NIL;
	ErrorData  *error;
	Oid			oid;
	bool		held;
	int			guc_level;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the time must not be null"),
				 errhint("SELECT * FROM cmig.audit_as_of(NULL::<table>, now() - interval '1 day')")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	cmig_audit_reader_begin();

	/*
	 * Lock the table until the end of the transaction, so that no other
	 * session can rename or alter the table, or replace it with a view, which
	 * would be read with the caller's privileges.  Then check that the table
	 * was not dropped or replaced before it was locked.
	 */
	oid = table_of_argument(fcinfo);
	LockRelationOid(oid, AccessShareLock);
	if (table_of_argument(fcinfo) != oid)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", oid)));
	as_of.target = target = cmig_audit_target_of(oid);
	as_of.at = PG_GETARG_TIMESTAMPTZ(1);
	as_of.result = (ReturnSetInfo *) fcinfo->resultinfo;

	as_of.live_key = target->key_columns == NIL ? LIVE_ROW :
		cmig_query_value(&live_key, cmig_audit_names(target->key_columns));
	as_of.low = (int64) target->table_id << 32;
	as_of.high = ((int64) target->table_id + 1) << 32;
	check_keys(&as_of);
	if (PG_NARGS() > 2)
		choose_rows(&as_of, cmig_audit_key_argument(fcinfo, 2, target));
	if (cmig_query_value(&truncate_after, as_of.low, as_of.at))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" was truncated after the given time", target->name),
				 errdetail("The log does not contain the rows that TRUNCATE removed."),
				 errhint("Use a time after the TRUNCATE. To see what was logged for a row: SELECT * FROM cmig.audit_history(%s, '<key>')",
						 quote_literal_cstr(cmig_query_relation_name(oid)))));

	/*
	 * read the names again, because the schema may have been renamed while
	 * the key was read
	 */
	relation = cmig_query_open(oid, AccessShareLock);
	refuse_partition(relation);
	as_of.type = quote_qualified_identifier(cmig_query_schema_name(RelationGetNamespace(relation)),
											RelationGetRelationName(relation));
	as_of.table = relation->rd_rel->relkind == RELKIND_RELATION ?
		psprintf("ONLY %s", as_of.type) : as_of.type;
	as_of.deferrable = cmig_query_do(&deferrable_key, oid) > 0;
	find_hidden(&as_of, relation);
	as_of.row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig row",
											  ALLOCSET_DEFAULT_SIZES);
	as_of.row_type = get_rel_type_id(oid);
	as_of.role = cmig_audit_row_role(as_of.row_type, relation->rd_rel->relowner);
	types = list_make2(makeNullConst(as_of.row_type, -1, InvalidOid),
					   makeNullConst(JSONBOID, -1, InvalidOid));
	fmgr_info(F_JSONB_POPULATE_RECORD, &as_of.populate);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD, as_of.row_type, types,
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &as_of.populate);
	types = NIL;

	/*
	 * prevent changes to the types of all columns, because the queries call
	 * to_jsonb() for keys and rows with the caller's privileges
	 */
	for (int i = 0; i < RelationGetDescr(relation)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);

		if (!attribute->attisdropped)
			types = list_append_unique_oid(types, attribute->atttypid);
	}
	held = cmig_audit_types_hold(types);
	table_close(relation, AccessShareLock);

	guc_level = cmig_audit_row_pin(true, true);
	/* turn off JIT compilation, which would take longer than it saves */
	cmig_settings_override("jit", "off");
	error = cmig_subtransaction_try(put_all_rows, &as_of);
	if (error && as_of.image != (Datum) 0 && is_of_value(error))
		explain(&as_of, error);
	if (error)
		ReThrowError(error);
	AtEOXact_GUC(false, guc_level);
	cmig_audit_types_release(held);
	return (Datum) 0;
}
