/*
 * write.c
 *	  The triggers that keep both versions of a table the same.
 *
 * While a table is expanded, it has two triggers.  cmig.expansion_begin, whose
 * name sorts first, takes note of which version a row was for (origin.c), and
 * if there are triggers of users, which see the old version, computes its columns
 * for them.  cmig.expansion_write, whose name sorts last, computes the columns of
 * the other version, and transforms what the triggers between them have set.
 *
 * What cmig.expansion_write computes is in its arguments (transform.c).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/partition.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "replication/logicalworker.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "versions/internal.h"

PG_FUNCTION_INFO_V1(cmig_expansion_view);
PG_FUNCTION_INFO_V1(cmig_expansion_write);

/* Does a statement fill rows?  Without a subtransaction for each, so that what fails is an error? */
static bool filling_rows = false;
static bool strict_fill = false;

/* The old build writes: note the time, at most once a second. */
static void
note_old_build(const CmigWriter *writer)
{
	static TimestampTz noted = 0;
	static Oid	noted_in = InvalidOid;
	TimestampTz now = GetCurrentTimestamp();
	CmigRole	saved;
	Oid			owner;

	if (!OidIsValid(writer->sequence) || (noted_in == writer->sequence && now - noted < USECS_PER_SEC))
		return;
	noted = now;
	noted_in = writer->sequence;
	/* it may have been dropped since the statement began */
	LockRelationOid(writer->sequence, RowExclusiveLock);
	owner = cmig_role_owner_of(writer->sequence);
	if (!OidIsValid(owner))
		return;
	cmig_role_act_as(&saved, owner);
	(void) DirectFunctionCall2(setval_oid, ObjectIdGetDatum(writer->sequence),
							   Int64GetDatum(now +
											 USECS_PER_SEC * SECS_PER_DAY * (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)));
	cmig_role_return(&saved);
}

/* An updated row of a partition may go on to another one. */
static void
note_written(CmigWriting *statement, FunctionCallInfo fcinfo, HeapTuple tuple)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

	if (statement->written != NULL)
		heap_freetuple(statement->written);
	statement->written = heap_copytuple(tuple);
	MemoryContextSwitchTo(old);
	cmig_versions_origin(fcinfo->flinfo->fn_mcxt)->source = statement;
}

/* Can a row with the rules of one partition be compared with one of another? */
static bool
is_comparable(const CmigWriter *a, const CmigWriter *b)
{
	bool		same = a->count == b->count;

	for (int i = 0; same && i < a->count; i++)
	{
		const CmigWriterRule *one = &a->rules[i];
		const CmigWriterRule *two = &b->rules[i];

		same = one->kind == two->kind && (one->column == 0) == (two->column == 0) &&
			(one->column == 0 ||
			 TupleDescAttr(a->desc,
						   one->column - 1)->atttypid == TupleDescAttr(b->desc,
																	   two->column - 1)->atttypid);
	}
	return same;
}

/*
 * Is the row the one that was just updated in another partition?  An INSERT can
 * only pretend that with the same values.
 */
static bool
is_moved(CmigWriting *statement, TupleTableSlot *in, CmigWriting *source)
{
	bool		same = source->slot->tts_tableOid != statement->slot->tts_tableOid &&
	is_comparable(&source->writer, &statement->writer);

	if (same)
		ExecStoreHeapTuple(source->written, source->moved, false);
	for (int i = 0; same && i < statement->writer.count; i++)
	{
		const CmigWriterRule *rule = &statement->writer.rules[i];
		bool		null1;
		bool		null2;
		Datum		value1;
		Datum		value2;

		if (rule->column == 0)
			continue;
		value1 = slot_getattr(source->moved, source->writer.rules[i].column, &null1);
		value2 = slot_getattr(in, rule->column, &null2);
		same = null1 == null2 && (null1 || datum_image_eq(value1, value2, rule->by_value, rule->length));
	}
	return same;
}

/*
 * A statement of the table must not set a hidden column, or the row would have
 * values that the policies and constraints of its own version did not see.  An
 * INSERT that names the state, too, has a whole row of the table: the old version
 * counts, where it is not what the new one is transformed to.  A NULL is not told
 * from their default.
 */
static void
require_shown(const CmigWriting *statement, const TriggerData *data)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);

	for (int i = 0; i < statement->writer.count; i++)
	{
		const CmigWriterRule *rule = &statement->writer.rules[i];

		if (bms_is_member(rule->bit, statement->writer.hidden) &&
			(update ? bms_is_member(rule->bit, data->tg_updatedcols) &&
			 cmig_versions_has_changed(rule->bit, data->tg_trigslot, data->tg_newslot) :
			 !slot_attisnull(data->tg_trigslot, rule->column)))
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("column \"%s\" of relation \"%s\" can only be %s through the new version",
							NameStr(TupleDescAttr(RelationGetDescr(data->tg_relation),
												  rule->column - 1)->attname), statement->relation,
							update ? "updated" : "inserted"),
					 errdetail("Two versions of the table exist, and it is column \"%s\" of the new one.", rule->label),
					 !update ? errhint("INSERT INTO the view.") :
					 errhint("UPDATE the view, or, if only the new version of a row is right: UPDATE ... SET %s = '" CMIG_STATE_NEW "'", CMIG_STATE_COLUMN)));
	}
}

/* What a write says about the versions of its row. */
typedef struct Said
{
	bool		update;
	TupleTableSlot *in;
	TupleTableSlot *before;		/* NULL for a new row */
	TupleTableSlot *shown;		/* what the triggers of users saw, or NULL */
	bool		old_build;		/* is it a write of the old build? */
	bool		new_build;
	bool		whole;			/* does the old build insert all columns? */
	bool		given;			/* by COPY or replication: it is not
								 * transformed */
	bool		replicated;		/* has a replicated update moved the row? */
	uint8		marked;			/* CMIG_MARK_..., for an INSERT */
	bool		todo;			/* is the new version still to be filled? */
	bool		told_old;		/* the old version is correct */
	bool		told_new;
	bool		copied;			/* by COPY or replication, with all columns */
	bool		touched;		/* is the row to be transformed? */
} Said;

/*
 * Does a foreign key set columns that only the old version has, beside others?  The key of
 * the new version, which has the others too, does not find the row then.
 */
static bool
sets_some_replaced(const CmigWriter *writer, const Bitmapset *updated)
{
	Bitmapset  *replaced = NULL;

	for (int i = 0; i < writer->count; i++)
		if (writer->rules[i].kind == CMIG_RULE_DOWN)
			replaced = bms_add_member(replaced, writer->rules[i].bit);
	return bms_overlap(updated, replaced) && !bms_is_subset(updated, replaced);
}

static void
read_update(const CmigWriting *statement, FunctionCallInfo fcinfo, const TriggerData *data, Said *said)
{
	const CmigWriter *writer = &statement->writer;
	bool		filled;
	bool		viewed;
	bool		cascades = cmig_versions_is_cascade(data, &viewed);
	bool		names_hidden = bms_overlap(data->tg_updatedcols, writer->hidden);

	(void) slot_getattr(said->before, writer->state, &filled);
	said->todo = !filled;

	/*
	 * what a foreign key cascades is for the version that has its column, or
	 * through which the referenced row is written if both have it
	 */
	said->new_build = cmig_versions_is_viewed(fcinfo) ||
		(cascades && (names_hidden ||
					  (viewed && !sets_some_replaced(writer, data->tg_updatedcols))));
	/* the statement says which version of the row is correct */
	said->touched = bms_is_member(writer->state - FirstLowInvalidHeapAttributeNumber,
								  data->tg_updatedcols);
	if (said->touched)
	{
		said->told_old = cmig_versions_has_state(said->in, writer->state, CMIG_STATE_OLD);
		said->told_new = !said->told_old &&
			(cmig_versions_has_state(said->in, writer->state, CMIG_STATE_NEW) ||
			 cmig_versions_is_new_row(writer, said->before));
	}
	said->old_build = !said->new_build && !cascades &&
		!(said->touched && bms_membership(data->tg_updatedcols) == BMS_SINGLETON);
	said->copied = names_hidden && !said->new_build && cmig_versions_is_copied();
	if (names_hidden && !said->new_build && !said->copied && !said->told_old && !said->told_new)
		require_shown(statement, data);
	said->touched |= said->new_build && bms_overlap(data->tg_updatedcols, writer->computed);
}

static bool
has_hidden_values(const CmigWriter *writer, TupleTableSlot *slot)
{
	bool		result = false;

	for (int i = 0; i < writer->count; i++)
		result |= bms_is_member(writer->rules[i].bit, writer->hidden) &&
			!slot_attisnull(slot, writer->rules[i].column);
	return result;
}

/* Does the old build insert the row, without values of the new version? */
static bool
is_inserted_by_old(const CmigWriter *writer, FunctionCallInfo fcinfo, const TriggerData *data,
				   uint8 marks)
{
	bool		has_hidden = has_hidden_values(writer, data->tg_trigslot);

	if (cmig_versions_is_viewed(fcinfo))
		return false;
	/* a whole row may not have been filled yet */
	return (marks & CMIG_MARK_STATE) != 0 ? !has_hidden || !cmig_versions_is_copied() :
		!has_hidden && cmig_versions_has_state(data->tg_trigslot, writer->state, "todo");
}

static void
read_insert(CmigWriting *statement, FunctionCallInfo fcinfo, const TriggerData *data, Said *said)
{
	const CmigWriter *writer = &statement->writer;
	CmigOrigin *row = cmig_versions_origin(fcinfo->flinfo->fn_mcxt);
	bool		is_new_state = cmig_versions_has_state(said->in, writer->state, CMIG_STATE_NEW) ||
	cmig_versions_has_state(said->in, writer->state, "todo");

	/* only the first trigger knows, if there is one */
	if (row->relation != RelationGetRelid(data->tg_relation))
		row->checked = false;
	else
	{
		said->marked = row->marks;
		if (row->moved != NULL)
			said->before = ExecStoreHeapTuple(row->moved, statement->moved, false);
		if (said->before != NULL && !is_moved(statement, said->before, row->source))
			said->before = NULL;
	}
	said->update = said->before != NULL;
	if (!row->checked)
		row->old_build = !said->update && is_inserted_by_old(writer, fcinfo, data, said->marked);

	/*
	 * A replicated INSERT evaluates the defaults.  A replicated UPDATE that
	 * moves a row to another partition deletes and inserts it, with what it
	 * does not set.
	 */
	said->replicated = !said->update && (said->marked & CMIG_MARK_STATE) == 0 &&
		IsLogicalWorker() && data->tg_relation->rd_rel->relispartition;
	said->old_build = row->old_build;
	said->new_build = said->update ? row->source->new_build : !said->old_build;

	/* what triggers of users have set since is not of the statement */
	if (!row->checked && said->old_build && !cmig_versions_is_copied())
		require_shown(statement, data);
	row->checked = true;

	/*
	 * a row of the table itself: an INSERT into the view does not give the
	 * state
	 */
	said->whole = said->new_build && !said->update && !is_new_state;
	said->given = said->new_build && !is_new_state && !said->replicated &&
		cmig_versions_is_copied();
	/* the state has its default */
	said->touched = !said->update && !said->given;
}

/* The row that triggers of users have set columns in: what they saw, or OLD if they returned that. */
static TupleTableSlot *
row_set(const Said *said, const CmigWriter *writer, const CmigWriterRule *down, Bitmapset **hidden)
{
	*hidden = bms_intersect(down->reads, writer->hidden);
	return said->before != NULL && cmig_versions_any_changed(*hidden, said->shown, said->in) &&
		!cmig_versions_any_changed(*hidden, said->before, said->in) ? said->before : said->shown;
}

/*
 * Has a trigger of a user, which sees the old version, set a column that this one
 * replaces?  Each of the two is computed from the other one.  A trigger that returns
 * another row has set both.
 */
static bool
is_set_by_trigger(const Said *said, const CmigWriter *writer, const CmigWriterRule *rule)
{
	for (int i = 0; i < writer->count; i++)
	{
		const CmigWriterRule *down = &writer->rules[i];
		Bitmapset  *hidden;
		TupleTableSlot *from;

		if (down->kind != CMIG_RULE_DOWN || !bms_is_member(rule->bit, down->reads) ||
			!bms_is_member(down->bit, rule->reads))
			continue;
		from = row_set(said, writer, down, &hidden);
		if (cmig_versions_has_changed(down->bit, from, said->in) &&
			!cmig_versions_any_changed(hidden, from, said->in))
			return true;
	}
	return false;
}

/* Returns whether a rule is to compute its column: a version's own columns are what a statement of it says. */
static bool
is_due(const Said *said, const TriggerData *data, const CmigWriter *writer, const CmigWriterRule *rule)
{
	bool		named = bms_is_member(rule->bit, data->tg_updatedcols);
	Bitmapset  *hidden;
	TupleTableSlot *from = rule->kind == CMIG_RULE_DOWN && said->shown != NULL ?
	row_set(said, writer, rule, &hidden) : NULL;

	if (said->given && said->shown == NULL)
		return false;
	if (from != NULL)
		return cmig_versions_any_changed(rule->reads, from, said->in) &&
			!cmig_versions_has_changed(rule->bit, from, said->in);
	if (rule->kind == CMIG_RULE_DOWN)
		return !said->update ? said->new_build && !said->whole :
			said->told_new ||
			(said->new_build && !said->told_old && cmig_versions_any_changed(rule->reads, said->before, said->in));
	if (rule->kind != CMIG_RULE_UP)
		return false;
	if (said->shown != NULL && is_set_by_trigger(said, writer, rule))
		return true;
	if (said->whole)
		return slot_attisnull(said->in, rule->column) &&
			(rule->required || (said->shown != NULL && !rule->inverted && !slot_attisnull(said->in, writer->state)));
	if (!said->update)
		return said->old_build ||
			(said->shown == NULL && rule->takes_default && (said->marked & CMIG_MARK_VIEW) != 0 &&
			 slot_attisnull(said->in, rule->column));
	return said->told_old ||
		(!said->told_new && !((said->new_build || said->copied) && named) &&
		 (said->todo || (!said->new_build && cmig_versions_any_changed(rule->reads, said->before, said->in))));
}

/* Decides what is computed for the row. */
static void
decide(CmigWriting *statement, const TriggerData *data, Said *said)
{
	const CmigWriter *writer = &statement->writer;

	statement->update = said->update;
	statement->whole = said->whole && !said->given && said->shown == NULL;
	statement->replicated = said->replicated;
	statement->new_build = said->new_build && !said->whole;
	for (int i = 0; i < writer->count; i++)
	{
		const CmigWriterRule *rule = &writer->rules[i];
		bool		due = statement->due[i] = is_due(said, data, writer, rule);

		/*
		 * Who writes all columns back as they were has not said that NULL is
		 * right, so the reason remains while there is one.
		 */
		statement->unsettled[i] = !due && rule->kind == CMIG_RULE_UP && !rule->required &&
			slot_attisnull(said->in, rule->column) &&
			(said->whole ? !slot_attisnull(said->in, writer->state) && (!said->given || said->shown != NULL) :
			 said->todo && !said->told_new && !cmig_versions_has_changed(rule->bit, said->before, said->in));
		said->touched |= due || statement->unsettled[i] ||
			(said->update && rule->kind == CMIG_RULE_CHECK &&
			 cmig_versions_any_changed(rule->reads, said->before, said->in));
	}
}

/* Returns the row, transformed. */
static HeapTuple
form_row(CmigWriting *statement, const TriggerData *data, const Said *said, HeapTuple tuple)
{
	HeapTuple	result;

	ExecClearTuple(statement->slot);
	cmig_versions_transform(statement, said->in, strict_fill);
	result = heap_form_tuple(RelationGetDescr(data->tg_relation), statement->slot->tts_values,
							 statement->slot->tts_isnull);
	result->t_data->t_ctid = tuple->t_data->t_ctid;
	result->t_self = tuple->t_self;
	result->t_tableOid = tuple->t_tableOid;
	return result;
}

/* Reads the row that is written, and returns it. */
static HeapTuple
read_row(CmigWriting *statement, FunctionCallInfo fcinfo, const TriggerData *data, Said *said)
{
	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		said->in = data->tg_trigslot;
		read_insert(statement, fcinfo, data, said);
		return data->tg_trigtuple;
	}
	*said = (Said)
	{
		.update = true,.in = data->tg_newslot,.before = data->tg_trigslot
	};
	read_update(statement, fcinfo, data, said);
	return data->tg_newtuple;
}

HeapTuple
cmig_versions_show(FunctionCallInfo fcinfo, CmigWriting *statement, CmigOrigin *row)
{
	const TriggerData *data = (TriggerData *) fcinfo->context;
	Said		said = {0};
	HeapTuple	tuple = read_row(statement, fcinfo, data, &said);

	if (!said.new_build && !said.told_new && !said.copied)
		return NULL;
	statement->shows = true;
	ResetExprContext(statement->econtext);
	decide(statement, data, &said);
	row->shown = said.touched ? form_row(statement, data, &said, tuple) : heap_copytuple(tuple);
	return said.touched ? row->shown : NULL;
}

/* Raise an error instead of a write through a view of the new version that is not the table's. */
static void
refuse_view(FunctionCallInfo fcinfo)
{
	const TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(data->tg_event) ||
		data->tg_trigger->tgnargs < 2)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view %s cannot be written before cmig.contract",
					cmig_query_relation_name(RelationGetRelid(data->tg_relation))),
			 errdetail("Two versions of table %s exist, and the write would count as one of the old version.",
					   data->tg_trigger->tgargs[0]),
			 errhint("Write through the view %s.", data->tg_trigger->tgargs[1])));
}

Datum
cmig_expansion_write(PG_FUNCTION_ARGS)
{
	TriggerData *data;
	bool		update;
	CmigWriting *statement = fcinfo->flinfo->fn_extra;
	HeapTuple	tuple;
	CmigOrigin *row;
	Said		said = {0};

	refuse_view(fcinfo);
	data = cmig_versions_require_trigger(fcinfo, "cmig.expansion_write()");
	update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	if (statement == NULL)
		statement = fcinfo->flinfo->fn_extra = cmig_versions_statement(data->tg_relation,
																	   data->tg_trigger,
																	   NULL, fcinfo->flinfo->fn_mcxt);
	ResetExprContext(statement->econtext);
	tuple = statement->writer.count > 0 ? read_row(statement, fcinfo, data, &said) : NULL;
	if (tuple == NULL)
		return PointerGetDatum(update ? data->tg_newtuple : data->tg_trigtuple);
	row = cmig_versions_origin(fcinfo->flinfo->fn_mcxt);
	ExecClearTuple(statement->shown);
	if (row->relation == RelationGetRelid(data->tg_relation) && row->shown != NULL)
		said.shown = ExecStoreHeapTuple(row->shown, statement->shown, false);
	row->relation = InvalidOid;
	decide(statement, data, &said);
	/* the time of day takes a while */
	if ((said.old_build || (said.whole && !said.given)) && !filling_rows && statement->rows++ % 64 == 0)
		note_old_build(&statement->writer);
	if (said.touched || said.todo)
		tuple = form_row(statement, data, &said, tuple);
	if (data->tg_relation->rd_rel->relispartition && update)
		note_written(statement, fcinfo, tuple);
	return PointerGetDatum(tuple);
}

/* ----------------------------------------------------------------
 * Filling rows
 * ----------------------------------------------------------------
 */

static ExecutorStart_hook_type next_ExecutorStart;

/* The projection of an UPDATE that fills rows. */
typedef struct Filling
{
	ProjectionInfo projection;
	Relation	relation;
	const Trigger *trigger;
	CmigWriting *statement;		/* or NULL before the first row */
} Filling;

/* Instead of the UPDATE's SET list: the next row, transformed. */
static Datum
fill_row(ExprState *state, ExprContext *econtext, bool *null)
{
	Filling    *filling = (Filling *) ((char *) state - offsetof(Filling, projection.pi_state));
	CmigWriting *statement = filling->statement;

	if (statement == NULL)
	{
		statement = cmig_versions_statement(filling->relation, filling->trigger, state->resultslot,
											econtext->ecxt_per_query_memory);
		statement->update = true;
		filling->statement = statement;
	}
	ResetExprContext(econtext);
	ResetExprContext(statement->econtext);
	statement->new_build = cmig_versions_is_new_row(&statement->writer, econtext->ecxt_scantuple);
	for (int i = 0; i < statement->writer.count; i++)
		statement->due[i] = statement->writer.rules[i].kind == (statement->new_build ?
																CMIG_RULE_DOWN : CMIG_RULE_UP);
	cmig_versions_transform(statement, econtext->ecxt_scantuple, strict_fill);
	/* "null" is NULL for projections, from PostgreSQL 18 on */
	return (Datum) 0;
}

/*
 * An UPDATE that fills rows of an expanded table fires none of the user's
 * triggers, except for those that are enabled as ALWAYS.  This is how it is
 * told from others that run meanwhile: it sets the state alone.  Foreign keys
 * are still checked, and code that the UPDATE calls finds all triggers.
 *
 * Before a trigger, the executor locks the row, which takes as long as the rest
 * of the UPDATE.  So if no trigger has to see the row before it is written, what
 * ours would do is done when the new row is formed.  If another session has
 * changed the row meanwhile, the executor forms it again.
 */
static void
hide_triggers(EState *estate, int eflags)
{
	foreach_ptr(ResultRelInfo, table, estate->es_opened_result_relations)
	{
		Relation	relation = table->ri_RelationDesc;
		TriggerDesc *triggers = table->ri_TrigDesc; /* a copy */
		Bitmapset  *set = ExecGetUpdatedCols(table, estate);
		Trigger    *ours = NULL;
		bool		others = false;
		int			column = 0;
		Filling    *filling;

		if (!bms_is_empty(ExecGetInsertedCols(table, estate)) ||
			!bms_get_singleton_member(set, &column) ||
			column + FirstLowInvalidHeapAttributeNumber != get_attnum(RelationGetRelid(relation),
																	  CMIG_STATE_COLUMN))
			continue;
		for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
			if (cmig_versions_is_writer(&triggers->triggers[i]))
				ours = &triggers->triggers[i];
		/* who may replace a trigger may not enable it as ALWAYS */
		if (ours == NULL || ours->tgenabled != TRIGGER_FIRES_ALWAYS)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("trigger \"%s\" of table %s was dropped, disabled, or replaced", CMIG_EXPANSION_WRITE,
							quote_qualified_identifier(cmig_query_schema_name(RelationGetNamespace(relation)), RelationGetRelationName(relation))),
					 errdetail("Its rows cannot be filled without it."),
					 cmig_hint("`CALL cmig.expand()` creates it again.")));
		for (int i = 0; i < triggers->numtriggers; i++)
		{
			Trigger    *trigger = &triggers->triggers[i];

			if (!trigger->tgisinternal && trigger->tgenabled != TRIGGER_FIRES_ALWAYS)
				trigger->tgenabled = TRIGGER_DISABLED;
			else
				others |= !cmig_versions_is_ours(trigger) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
					TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_UPDATE(trigger->tgtype);
		}
		if (others || table->ri_projectNewInfoValid || (eflags & EXEC_FLAG_EXPLAIN_ONLY))
			continue;
		triggers->trig_update_before_row = false;
		filling = MemoryContextAllocZero(estate->es_query_cxt, sizeof(Filling));
		filling->relation = relation;
		filling->trigger = ours;
		table->ri_oldTupleSlot = table_slot_create(relation, &estate->es_tupleTable);
		table->ri_newTupleSlot = table_slot_create(relation, &estate->es_tupleTable);
		filling->projection.type = T_ProjectionInfo;
		filling->projection.pi_exprContext = CreateExprContext(estate);
		filling->projection.pi_state.type = T_ExprState;
		filling->projection.pi_state.resultslot = table->ri_newTupleSlot;
		filling->projection.pi_state.evalfunc = fill_row;
		table->ri_projectNew = &filling->projection;
		table->ri_projectNewInfoValid = true;
	}
}

static void
start_execution(QueryDesc *query, int eflags)
{
	if (next_ExecutorStart)
		next_ExecutorStart(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	cmig_versions_note_targets(query);
	if (filling_rows)
		hide_triggers(query->estate, eflags);
}

static void
install_hook(void)
{
	static bool hooked = false;

	if (hooked)
		return;
	next_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = start_execution;
	hooked = true;
}

/*
 * The condition of a view.  As it is constant, it is evaluated when a statement
 * that uses the view is planned, before the statement is executed.
 */
Datum
cmig_expansion_view(PG_FUNCTION_ARGS)
{
	install_hook();
	PG_RETURN_BOOL(true);
}

void
cmig_versions_fill(bool fills, bool strict)
{
	filling_rows = fills;
	strict_fill = strict;
	install_hook();
}
