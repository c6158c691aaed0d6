/*
 * samples.c
 *	  What an upgrade and the expansion make of some rows.
 *
 * The rules of an expansion follow from parse trees and catalogs.  Whether its
 * rows have the values that an upgrade would give them, the server tells: some
 * rows of each table are put into the copies, once for the scripts, and once
 * for the statements of the expansion and its triggers.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/heaptoast.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "versions/internal.h"

#define SAMPLE_ROWS		100		/* of a table or partition, at most */
#define SAMPLE_BLOCKS	20		/* that are read of it */
#define SAMPLE_TABLES	100		/* that are read, with partitions */
#define SAMPLE_VALUE	100000	/* longer ones are left out, in bytes */
#define SAMPLE_BYTES	1000000 /* of a table or partition, not compressed */
#define SAMPLE_TOTAL	20000000	/* of all; the values exist several times */
#define SAMPLE_EACH		16		/* what each value counts, besides its length */

#define SHOWN_LENGTH	200		/* of a value, in a message */

/* Rows of a live table, or of a partition. */
typedef struct Sample
{
	char	   *schema;
	char	   *name;
	TupleDesc	desc;
	List	   *rows;			/* of HeapTuple */
} Sample;

/* A comparison in progress. */
typedef struct Samples
{
	CmigPlanning *p;
	List	   *samples;		/* of Sample * */
	int			left;			/* of SAMPLE_TOTAL */
	bool		replicated;		/* some table has replica triggers */
	MemoryContext context;
	List	  **upgraded;		/* for each table of the plan, char ** */
	List	  **expanded;
} Samples;

/* ----------------------------------------------------------------
 * Live rows
 * ----------------------------------------------------------------
 */

/*
 * Returns a copy of the row without pointers to other tables, or NULL if it is too long.
 * "left" is the number of bytes that may still be used.
 */
static HeapTuple
copy_row(TupleTableSlot *slot, TupleDesc desc, int *left)
{
	Size		size = (Size) desc->natts * SAMPLE_EACH;
	HeapTuple	row;

	slot_getallattrs(slot);
	for (int i = 0; i < desc->natts; i++)
	{
		Size		value = slot->tts_isnull[i] || TupleDescAttr(desc, i)->attlen != -1 ? 0 :
		toast_raw_datum_size(slot->tts_values[i]);

		size += value;
		if (value > SAMPLE_VALUE || size > *left)
			return NULL;
	}
	*left -= size;
	row = ExecCopySlotHeapTuple(slot);
	return HeapTupleHasExternal(row) ? toast_flatten_tuple(row, desc) : row;
}

/* Can its rows be read by blocks?  Not every access method can. */
static bool
has_rows(Relation relation)
{
	return relation->rd_rel->relkind == RELKIND_RELATION &&
		relation->rd_tableam->scan_set_tidrange != NULL;
}

/* Begin to scan these blocks of the table. */
static TableScanDesc
scan_blocks(Relation relation, Snapshot snapshot, BlockNumber from, BlockNumber to)
{
	ItemPointerData first;
	ItemPointerData last;

	ItemPointerSet(&first, from, FirstOffsetNumber);
	ItemPointerSet(&last, to, MaxOffsetNumber);
	return cmig_beginscan_tidrange_compat(relation, snapshot, &first, &last);
}

/* Returns rows from blocks that are spread over the table. */
static List *
read_rows(Relation relation, Snapshot snapshot, int *left)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(relation);
	int			read = Min(blocks, SAMPLE_BLOCKS);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	List	   *rows = NIL;

	for (int i = 0; i < read; i++)
	{
		BlockNumber block = (uint64) i * blocks / read;
		TableScanDesc scan = scan_blocks(relation, snapshot, block, block);
		int			count = SAMPLE_ROWS / read;

		while (count-- > 0 && table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
		{
			HeapTuple	row = copy_row(slot, RelationGetDescr(relation), left);

			if (row != NULL)
				rows = lappend(rows, row);
		}
		table_endscan(scan);
		CHECK_FOR_INTERRUPTS();
	}
	ExecDropSingleTupleTableSlot(slot);
	return rows;
}

/* Does the table have triggers that fire for replicated rows only? */
static bool
has_replica_triggers(const TriggerDesc *triggers)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgenabled == TRIGGER_FIRES_ON_REPLICA)
			return true;
	}
	return false;
}

/* Add rows of a live table that the caller can read, and that no other session has locked. */
static void
add_sample(Samples *samples, Oid table)
{
	Sample	   *sample = palloc(sizeof(Sample));
	int			left = Min(samples->left, SAMPLE_BYTES);
	int			before = left;
	Relation	relation;

	if (list_length(samples->samples) >= SAMPLE_TABLES ||
		!ConditionalLockRelationOid(table, AccessShareLock))
		return;
	relation = try_relation_open(table, NoLock);
	if (relation == NULL)
		return;
	samples->replicated |= has_replica_triggers(CopyTriggerDesc(relation->trigdesc));
	if (has_rows(relation) && pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(table, InvalidOid, true) != RLS_ENABLED)
	{
		sample->schema = get_namespace_name(RelationGetNamespace(relation));
		sample->name = pstrdup(RelationGetRelationName(relation));
		sample->desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
		sample->rows = read_rows(relation, samples->p->begun, &left);
		samples->left -= before - left;
		if (sample->rows != NIL)
			samples->samples = lappend(samples->samples, sample);
	}
	relation_close(relation, NoLock);
}

/* Returns the table that has the name now, which is another one in the shadow. */
static Oid
relation_of(const char *schema, const char *name)
{
	Oid			oid = get_namespace_oid(schema, true);

	return OidIsValid(oid) ? get_relname_relid(name, oid) : InvalidOid;
}

/* Returns the table, or it and its partitions, which the plan does not have. */
static List *
family_of(const CmigShapeTable *table)
{
	Oid			oid = relation_of(table->schema, table->name);

	if (!OidIsValid(oid))
		return NIL;
	return table->kind[0] == 'p' ? cmig_inheritors(oid, NoLock) : list_make1_oid(oid);
}

/* ----------------------------------------------------------------
 * Rows of the copies
 * ----------------------------------------------------------------
 */

/* Returns a value as the column of the copy has it, whose type may be a copy, too. */
static Datum
convert(Datum value, Form_pg_attribute from, Form_pg_attribute to)
{
	Oid			output;
	Oid			input;
	Oid			parameter;
	bool		varlena;

	if (from->atttypid == to->atttypid)
		return value;
	getTypeOutputInfo(from->atttypid, &output, &varlena);
	getTypeInputInfo(to->atttypid, &input, &parameter);
	return OidInputFunctionCall(input, OidOutputFunctionCall(output, value), parameter, to->atttypmod);
}

/* Store the row in the slot of the copy. */
static void
store_row(const Sample *sample, HeapTuple row, Relation relation, TupleTableSlot *slot)
{
	TupleDesc	columns = RelationGetDescr(relation);

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, columns->natts);
	for (int i = 0; i < sample->desc->natts; i++)
	{
		Form_pg_attribute from = TupleDescAttr(sample->desc, i);
		AttrNumber	to = from->attisdropped ? InvalidAttrNumber :
		get_attnum(RelationGetRelid(relation), NameStr(from->attname));
		bool		is_null;
		Datum		value = cmig_getattr_compat(row, i + 1, sample->desc, &is_null);

		if (to <= 0 || is_null || TupleDescAttr(columns, to - 1)->attgenerated)
			continue;
		slot->tts_isnull[to - 1] = false;
		slot->tts_values[to - 1] = convert(value, from, TupleDescAttr(columns, to - 1));
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * Let no statement check the foreign keys of the copy again, because the rows
 * that the sampled ones reference are not all there.  Those of partitions
 * cannot be NOT VALID.
 */
static void
set_keys_unchecked(Relation relation)
{
	Relation	constraints = table_open(ConstraintRelationId, RowExclusiveLock);

	foreach_ptr(const ForeignKeyCacheInfo, key, copyObject(RelationGetFKeyList(relation)))
	{
		HeapTuple	tuple = SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(key->conoid));
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (!OidIsValid(form->conparentid) && form->convalidated)
		{
			form->convalidated = false;
			CatalogTupleUpdate(constraints, &tuple->t_self, tuple);
		}
		heap_freetuple(tuple);
	}
	table_close(constraints, RowExclusiveLock);
}

/* Insert the rows into the copy, without triggers. */
static void
put_rows(const Sample *sample)
{
	Oid			table = relation_of(sample->schema, sample->name);
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot;
	bool		generated;

	if (!OidIsValid(table))
		return;
	relation = table_open(table, RowExclusiveLock);
	generated = RelationGetDescr(relation)->constr &&
		RelationGetDescr(relation)->constr->has_generated_stored;
	estate = CreateExecutorState();
	result = makeNode(ResultRelInfo);
	InitResultRelInfo(result, relation, 0, NULL, 0);
	result->ri_TrigDesc = NULL;
	ExecOpenIndices(result, false);
	slot = table_slot_create(relation, NULL);
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach_ptr(HeapTupleData, row, sample->rows)
	{
		MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

		store_row(sample, row, relation, slot);
		/* a check that is not valid does not hold for all rows that are there */
		if (generated)
			ExecComputeStoredGenerated(result, estate, slot, CMD_INSERT);
		simple_table_tuple_insert(relation, slot);
		if (result->ri_NumIndices > 0)
			(void) cmig_insert_index_tuples_compat(result, slot, estate);
		MemoryContextSwitchTo(caller);
		ResetPerTupleExprContext(estate);
	}
	PopActiveSnapshot();
	ExecCloseIndices(result);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	set_keys_unchecked(relation);
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

/* Returns the text; of a long one, as some are much longer than values, its beginning and a checksum. */
static char *
short_text(char *text)
{
	pg_cryptohash_ctx *checksum;
	int			length = strlen(text);

	if (length <= SHOWN_LENGTH)
		return text;
	checksum = cmig_checksum_start();
	cmig_checksum_add(checksum, text, length);
	text[pg_mbcliplen(text, length, SHOWN_LENGTH)] = '\0';
	return psprintf("%s (%s)", text, cmig_checksum_finish(checksum));
}

/* Returns the text of a value, which is allocated in the context. */
static char *
value_text(Datum value, Oid type, MemoryContext context)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(type, &output, &varlena);
	return MemoryContextStrdup(context,
							   psprintf("'%s'", short_text(OidOutputFunctionCall(output, value))));
}

/* Returns the row's values of the plan's columns as texts. */
static char **
row_texts(const CmigVersionTable *table, TupleTableSlot *slot, bool expanded,
		  MemoryContext scratch)
{
	MemoryContext context = CurrentMemoryContext;
	TupleDesc	columns = slot->tts_tupleDescriptor;
	char	  **row = palloc0(sizeof(char *) * list_length(table->columns));
	int			i = 0;

	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		const char *real = column->hidden ? column->hidden : column->a->name;
		AttrNumber	number = get_attnum(slot->tts_tableOid, expanded ? real : column->b->name);
		bool		is_null;
		Datum		value;

		if (number <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column %s of table %s is gone after the rows were put there",
							quote_identifier(expanded ? real : column->b->name),
							table->b->qualified)));
		value = slot_getattr(slot, number, &is_null);
		MemoryContextSwitchTo(scratch);
		row[i++] = is_null ? "" : value_text(value, TupleDescAttr(columns, number - 1)->atttypid,
											 context);
		MemoryContextSwitchTo(context);
		MemoryContextReset(scratch);
	}
	return row;
}

/* Returns the rows that the table, and its partitions, have in the shadow. */
static List *
read_texts(const CmigVersionTable *table, bool expanded)
{
	List	   *texts = NIL;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "cmig sample",
												  ALLOCSET_DEFAULT_SIZES);

	PushActiveSnapshot(cmig_latest_snapshot());
	foreach_oid(oid, family_of(expanded ? table->a : table->b))
	{
		Relation	relation = table_open(oid, AccessShareLock);
		TupleTableSlot *slot = table_slot_create(relation, NULL);

		if (has_rows(relation))
		{
			TableScanDesc scan = scan_blocks(relation, GetActiveSnapshot(), 0, MaxBlockNumber);

			while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
				texts = lappend(texts, row_texts(table, slot, expanded, scratch));
			table_endscan(scan);
		}
		ExecDropSingleTupleTableSlot(slot);
		table_close(relation, AccessShareLock);
	}
	PopActiveSnapshot();
	MemoryContextDelete(scratch);
	return texts;
}

/* Read the rows of all tables. */
static List **
read_all(const Samples *samples, bool expanded)
{
	const List *tables = samples->p->tables;
	MemoryContext caller = MemoryContextSwitchTo(samples->context);
	List	  **result = palloc0(sizeof(List *) * list_length(tables));

	for (int i = 0; i < list_length(tables); i++)
	{
		const CmigVersionTable *table = list_nth(tables, i);

		/*
		 * what triggers write into other tables is written once for each
		 * UPDATE
		 */
		if (table->hides)
			result[i] = read_texts(table, expanded);
	}
	MemoryContextSwitchTo(caller);
	return result;
}

/* ----------------------------------------------------------------
 * The comparison
 * ----------------------------------------------------------------
 */

/* Is the value of the column another one each time that it is computed?  Tells the expanded table. */
static bool
is_volatile(const CmigVersionTable *table, const CmigVersionColumn *column)
{
	Oid			oid = relation_of(table->a->schema, table->a->name);
	int			level;
	Relation	relation;
	ParseState *pstate;
	bool		result;

	if (column->hidden == NULL || column->up_text == NULL)
		return column->b->identity[0] || column->b->sequence != NULL;
	level = NewGUCNestLevel();
	relation = table_open(oid, AccessShareLock);
	pstate = make_parsestate(NULL);
	cmig_versions_pin_settings();
	addNSItemToQuery(pstate,
					 addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true),
					 false, true, true);
	result = contain_volatile_functions(transformExpr(pstate, cmig_versions_expression(column->up_text),
													  EXPR_KIND_OTHER));
	AtEOXact_GUC(false, level);
	free_parsestate(pstate);
	table_close(relation, NoLock);
	return result;
}

/* Returns the row's values that are "compared", as one text. */
static char *
row_text(const CmigValue *row, int columns, const bool *compared)
{
	StringInfoData text;
	char	   *result;

	initStringInfo(&text);
	for (int i = 0; i < columns; i++)
	{
		if (compared[i])
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", row[i][0] ? row[i] : "NULL");
	}
	result = pstrdup(short_text(text.data));
	pfree(text.data);
	return result;
}

/* Returns the values of a column, or of all that are "compared", in order. */
static List *
sorted_values(const List *rows, int columns, int column, const bool *compared)
{
	List	   *result = NIL;

	foreach_ptr(const CmigValue, row, rows)
		result = lappend(result, column < 0 ? row_text(row, columns, compared) :
						 row[column][0] ? row[column] : "NULL");
	cmig_text_list_sort(result);
	return result;
}

/* Returns the value as a message shows it. */
static char *
clip(const char *value)
{
	int			length = pg_mbcliplen(value, strlen(value), SHOWN_LENGTH);

	return psprintf("%.*s%s", length, value, value[length] ? "..." : "");
}

/* Refuse the revision if the rows differ. */
static void
compare_table(const CmigVersionTable *table, const List *upgraded, const List *expanded)
{
	int			columns = list_length(table->columns);
	bool	   *compared = palloc(sizeof(bool) * columns);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig values", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < columns; i++)
		compared[i] = !is_volatile(table, list_nth(table->columns, i));
	MemoryContextSwitchTo(context);
	for (int i = 0; i <= columns; i++)
	{
		int			number = i < columns ? i : -1;
		List	   *a = sorted_values(upgraded, columns, number, compared);
		List	   *b = sorted_values(expanded, columns, number, compared);
		const CmigVersionColumn *column = i < columns ? list_nth(table->columns, i) : NULL;
		const char *what = psprintf(column ? "column %s.%s" : "table %s", table->b->qualified,
									column ? quote_identifier(column->b->name) : "");
		int			at = 0;

		if (column != NULL && !compared[i])
			continue;
		while (at < Min(list_length(a), list_length(b)) &&
			   strcmp(list_nth(a, at), list_nth(b, at)) == 0)
			at++;
		if (at < Max(list_length(a), list_length(b)))
			cmig_versions_refuse(what,
								 list_length(a) != list_length(b) ?
								 psprintf("The expansion would have %d rows where the upgrade has %d.",
										  list_length(b), list_length(a)) :
								 psprintf("A row that is there would have another value in the expansion, %s, than in the upgrade, %s.",
										  clip(list_nth(b, at)), clip(list_nth(a, at))));
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Subtransaction callback: put the rows into the copies, and upgrade. */
static void
upgrade_rows(void *arg)
{
	Samples    *samples = arg;
	CmigPlanning *p = samples->p;

	foreach_ptr(const Sample, sample, samples->samples)
		put_rows(sample);
	for (int i = 0; i < p->revisions; i++)
		cmig_replay_nodes(p->replay, &p->plan->steps[i].node, 1, CMIG_UPGRADE, NULL);
	samples->upgraded = read_all(samples, false);
}

/* Subtransaction callback: put the rows into the copies, expand, and fill. */
static void
expand_rows(void *arg)
{
	Samples    *samples = arg;
	CmigPlanning *p = samples->p;

	foreach_ptr(const Sample, sample, samples->samples)
		put_rows(sample);
	cmig_versions_try_steps(p, 0, CMIG_PHASE_PREPARE);
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		Oid			oid = relation_of(table->a->schema, table->a->name);

		if (!table->filled)
			continue;
		cmig_versions_set_dependencies(oid);
		cmig_versions_set_filling(oid, false);
		cmig_versions_try_script(p, psprintf("UPDATE %s SET " CMIG_STATE_COLUMN " = NULL WHERE " CMIG_STATE_COLUMN " = 'todo'", table->a->qualified),
								 psprintf("table %s", table->a->qualified));
		cmig_versions_set_filling(InvalidOid, false);
	}
	samples->expanded = read_all(samples, true);
	for (int i = 0; i < list_length(p->tables); i++)
		compare_table(list_nth(p->tables, i), samples->upgraded[i], samples->expanded[i]);
}

/* A CmigReplayTask: compare what becomes of the rows. */
static void
compare_rows(CmigReplay *replay, void *arg)
{
	Samples    *samples = arg;
	CmigPlanning *p = samples->p;
	int			level = NewGUCNestLevel();
	ErrorData  *error;

	p->replay = replay;
	cmig_replay_copies(replay, p->copies, cmig_versions_path());
	CommandCounterIncrement();
	/* neither the user's triggers nor those of foreign keys fire */
	cmig_settings_set("session_replication_role", "replica", PGC_SUSET, GUC_ACTION_SAVE);
	error = cmig_subtransaction_rehearse(upgrade_rows, samples);
	if (error == NULL)
	{
		error = cmig_subtransaction_rehearse(expand_rows, samples);
		cmig_versions_set_filling(InvalidOid, false);
		/* the detail has values of rows, which are not stored */
		if (error != NULL && !cmig_subtransaction_must_rethrow(error))
			error->detail_log = pstrdup("Rows that are there would not become what they become in an upgrade.");
		if (error != NULL)
			ReThrowError(error);
	}
	else if (cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	else
		ereport(NOTICE,
				(errmsg("what the revision computes was not tried with rows"),
				 errdetail("With rows in the copies of the tables, there is an error: %s",
						   error->detail ? error->detail : error->message)));
	AtEOXact_GUC(false, level);
}

void
cmig_versions_compare_rows(CmigPlanning *p)
{
	Samples		samples = {.p = p,.left = SAMPLE_TOTAL,.context = CurrentMemoryContext};

	if (p->untried || cmig_rehearsal_others_own(p->live))
		return;
	/* those that are computed come first; expressions may read the others */
	for (int computed = 1; computed >= 0; computed--)
	{
		foreach_ptr(const CmigVersionTable, table, p->tables)
		{
			foreach_oid(oid, table->hides == computed ? family_of(table->a) : NIL)
				add_sample(&samples, oid);
		}

		/*
		 * the triggers would fire while the rows are tried, and not in an
		 * upgrade
		 */
		if (samples.samples == NIL || samples.replicated)
			return;
	}
	cmig_replay_run(p->now->graph, "cmig.expand()", compare_rows, &samples);
}
