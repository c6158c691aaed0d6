/*
 * transform.c
 *	  Computes the columns of one version of a row from those of the other.
 *
 * The rules are the arguments of the trigger cmig.expansion_write, which contain
 * qualified names only.  A session compiles them once for each table.  The
 * expressions run with the privileges of the writer, as the body of any trigger
 * that the table's owner creates.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_type.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/expandeddatum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "versions/internal.h"

/* Who uses what was compiled: the session, and statements that are running. */
typedef struct CmigWriterUsers
{
	MemoryContext context;
	int			count;
} CmigWriterUsers;

/* A longer reason why a row cannot be transformed is cut off. */
#define MAX_FAILURE 1000

static HTAB *writers;
static uint64 invalidations = 0;

/* Memory context callback, among others */
static void
release(void *arg)
{
	CmigWriterUsers *users = arg;

	if (--users->count == 0)
		MemoryContextDelete(users->context);
}

/* What a cached expression depends on may have changed. */
static void
invalidate(Datum arg, int cache, uint32 hash)
{
	HASH_SEQ_STATUS status;
	CmigWriter *writer;

	invalidations++;
	hash_seq_init(&status, writers);
	while ((writer = hash_seq_search(&status)) != NULL)
		writer->valid = false;
}

static void
invalidate_relation(Datum arg, Oid relation)
{
	invalidate(arg, 0, 0);
}

static void
start(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(CmigWriter)};

	if (writers != NULL)
		return;
	writers = hash_create("pg_cmig expanded tables", 16, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, invalidate, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, invalidate, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, invalidate, (Datum) 0);
}

static AttrNumber
column_number(Relation relation, const char *name)
{
	AttrNumber	number = get_attnum(RelationGetRelid(relation), name);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
						RelationGetRelationName(relation)),
				 errdetail("The table is expanded, so that two versions of it exist."),
				 cmig_hint("`CALL cmig.abandon()`")));
	return number;
}

/* Error context callback. */
static void
describe_error(void *arg)
{
	const CmigWriterRule *rule = arg;

	errposition(0);
	if (geterrcode() == ERRCODE_UNDEFINED_COLUMN)
		cmig_hint("A column of the table was renamed or dropped while it is expanded. `SELECT * FROM cmig.check()` has the statement that undoes it.");
	errcontext("pg_cmig: column \"%s\" of the %s version", rule->label, rule->kind == CMIG_RULE_DOWN ? "old" : "new");
}

/*
 * Read the trigger's arguments: the state column, flags, the sequence that
 * notes when the old build wrote, and for each rule its
 * kind and flags, column, label, and expression.
 */
static void
read_arguments(CmigWriter *writer, Relation relation, const Trigger *trigger, bool record)
{
	TupleDesc	desc = RelationGetDescr(relation);
	int			level = NewGUCNestLevel();

	if (trigger->tgnargs < 3 || trigger->tgnargs % 4 != 3)
		cmig_versions_refuse_arguments();
	cmig_versions_pin_settings();
	writer->state = column_number(relation, trigger->tgargs[0]);
	if (TupleDescAttr(desc, writer->state - 1)->atttypid != TEXTOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" does not have type text",
						trigger->tgargs[0], RelationGetRelationName(relation)),
				 cmig_hint("`CALL cmig.abandon()`")));
	writer->strict = strchr(trigger->tgargs[1], 's') != NULL;
	writer->sequence = cmig_versions_sequence_of(relation, trigger);
	writer->rules = palloc0(sizeof(CmigWriterRule) * trigger->tgnargs);
	for (int i = 3; i + 3 < trigger->tgnargs; i += 4)
	{
		CmigWriterRule *rule = &writer->rules[writer->count++];
		ErrorContextCallback callback = {error_context_stack, describe_error, rule};
		Oid			type = BOOLOID;
		int32		typmod = -1;
		int			n = -1;

		rule->kind = trigger->tgargs[i][0];
		rule->required = strchr(trigger->tgargs[i], '!') != NULL;
		rule->takes_default = strchr(trigger->tgargs[i], 'd') != NULL;
		rule->label = pstrdup(trigger->tgargs[i + 2]);
		if (rule->kind != CMIG_RULE_CHECK)
		{
			Form_pg_attribute attribute;

			rule->column = column_number(relation, trigger->tgargs[i + 1]);
			rule->bit = rule->column - FirstLowInvalidHeapAttributeNumber;
			attribute = TupleDescAttr(desc, rule->column - 1);
			type = attribute->atttypid;
			typmod = attribute->atttypmod;
			rule->by_value = attribute->attbyval;
			rule->length = attribute->attlen;
			if (!record)
			{
				cmig_versions_require_marked(relation, writer->state);
				if (rule->kind != CMIG_RULE_DOWN)
					cmig_versions_require_marked(relation, rule->column);
			}
			if (rule->kind != CMIG_RULE_DOWN)
				writer->hidden = bms_add_member(writer->hidden, rule->bit);
			if (rule->kind == CMIG_RULE_UP)
				writer->computed = bms_add_member(writer->computed, rule->bit);
		}
		error_context_stack = &callback;
		rule->expr = cmig_versions_compile(relation, trigger->tgargs[i + 3], type, typmod, trigger->tgoid, record);
		error_context_stack = callback.previous;
		pull_varattnos((Node *) rule->expr, 1, &rule->reads);
		rule->safe = !cmig_versions_may_fail(rule->expr, false);
		rule->plain = !cmig_versions_may_fail(rule->expr, true);
		/* the whole row */
		if (bms_is_member(-FirstLowInvalidHeapAttributeNumber, rule->reads))
			while ((n = n + 1) < desc->natts)
				rule->reads = bms_add_member(rule->reads, n + 1 - FirstLowInvalidHeapAttributeNumber);
	}
	for (int i = 0; i < writer->count; i++)
		for (int j = 0; j < writer->count; j++)
			writer->rules[i].inverted |= writer->rules[j].kind == CMIG_RULE_DOWN &&
				bms_is_member(writer->rules[i].bit, writer->rules[j].reads);
	AtEOXact_GUC(false, level);
}

void
cmig_versions_record_dependencies(Oid table)
{
	Relation	relation = table_open(table, AccessShareLock);
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	ObjectAddress state = {RelationRelationId, table, get_attnum(table, CMIG_STATE_COLUMN)};
	CmigWriter	writer;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		ObjectAddress dependent = {TriggerRelationId, trigger->tgoid, 0};

		if (cmig_versions_is_writer(trigger))
			read_arguments(memset(&writer, 0, sizeof(CmigWriter)), relation, trigger, true);
		else if (strcmp(trigger->tgname, CMIG_EXPANSION_BEGIN) != 0)
			continue;
		recordDependencyOn(&dependent, &state, DEPENDENCY_NORMAL);
	}
	table_close(relation, NoLock);
}

/* Returns the compiled trigger, which the session keeps. */
static CmigWriter *
find_writer(Relation relation, const Trigger *trigger)
{
	bool		found;
	CmigWriter *writer;
	CmigWriter	new = {trigger->tgoid};
	uint64		before = invalidations;
	MemoryContext context;
	MemoryContext old;

	start();
	writer = hash_search(writers, &trigger->tgoid, HASH_FIND, NULL);
	if (writer != NULL && writer->valid)
		return writer;
	context = AllocSetContextCreate(CurTransactionContext, "pg_cmig expanded table",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	new.users = palloc(sizeof(CmigWriterUsers));
	new.users->context = context;
	new.users->count = 1;
	new.desc = CreateTupleDescCopy(RelationGetDescr(relation));
	read_arguments(&new, relation, trigger, false);
	MemoryContextSwitchTo(old);

	/*
	 * Constant expressions were evaluated, which may have run this trigger,
	 * too.  A statement that is running may still use what is replaced.
	 */
	writer = hash_search(writers, &trigger->tgoid, HASH_ENTER, &found);
	if (found)
		release(writer->users);
	MemoryContextSetParent(context, TopMemoryContext);
	/* an invalidation while it is compiled must not be lost */
	new.valid = before == invalidations;
	*writer = new;
	return writer;
}

CmigWriting *
cmig_versions_statement(Relation relation, const Trigger *trigger, TupleTableSlot *slot,
						MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	CmigWriting *statement = palloc0(sizeof(CmigWriting));

	cmig_versions_require_order(relation, trigger);
	statement->writer = *find_writer(relation, trigger);
	statement->writer.users->count++;
	statement->end.func = release;
	statement->end.arg = statement->writer.users;
	MemoryContextRegisterResetCallback(context, &statement->end);
	statement->writer.rules = memcpy(palloc(sizeof(CmigWriterRule) * Max(statement->writer.count, 1)),
									 statement->writer.rules, sizeof(CmigWriterRule) * statement->writer.count);
	statement->econtext = CreateStandaloneExprContext();
	statement->slot = slot ? slot : MakeSingleTupleTableSlot(statement->writer.desc, &TTSOpsVirtual);
	statement->slot->tts_tableOid = RelationGetRelid(relation);
	statement->econtext->ecxt_scantuple = statement->slot;
	statement->moved = MakeSingleTupleTableSlot(statement->writer.desc, &TTSOpsHeapTuple);
	statement->shown = MakeSingleTupleTableSlot(statement->writer.desc, &TTSOpsHeapTuple);
	statement->due = palloc(sizeof(bool) * Max(statement->writer.count, 1));
	statement->unsettled = palloc0(sizeof(bool) * Max(statement->writer.count, 1));
	statement->relation = RelationGetRelationName(relation);
	MemoryContextSwitchTo(old);
	return statement;
}

bool
cmig_versions_is_new_row(const CmigWriter *writer, TupleTableSlot *slot)
{
	bool		has_values = false;

	for (int i = 0; i < writer->count; i++)
		has_values |= writer->rules[i].kind == CMIG_RULE_UP &&
			!slot_attisnull(slot, writer->rules[i].column);
	return has_values && cmig_versions_has_state(slot, writer->state, "todo");
}

bool
cmig_versions_has_changed(int column, TupleTableSlot *before, TupleTableSlot *after)
{
	AttrNumber	number = column + FirstLowInvalidHeapAttributeNumber;
	Form_pg_attribute attribute;
	bool		null1;
	bool		null2;
	Datum		value1;
	Datum		value2;

	if (number <= 0)
		return false;
	attribute = TupleDescAttr(before->tts_tupleDescriptor, number - 1);
	value1 = slot_getattr(before, number, &null1);
	value2 = slot_getattr(after, number, &null2);
	/* a large value that the statement does not set need not be read */
	if (attribute->attlen == -1 && !null1 && !null2 &&
		VARATT_IS_EXTERNAL(DatumGetPointer(value1)) &&
		VARATT_IS_EXTERNAL(DatumGetPointer(value2)) &&
		VARSIZE_EXTERNAL(DatumGetPointer(value1)) == VARSIZE_EXTERNAL(DatumGetPointer(value2)) &&
		memcmp(DatumGetPointer(value1), DatumGetPointer(value2),
			   VARSIZE_EXTERNAL(DatumGetPointer(value1))) == 0)
		return false;
	return null1 != null2 ||
		(!null1 && !datum_image_eq(value1, value2, attribute->attbyval, attribute->attlen));
}

bool
cmig_versions_any_changed(const Bitmapset *columns, TupleTableSlot *before, TupleTableSlot *after)
{
	int			column = -1;

	while ((column = bms_next_member(columns, column)) >= 0)
		if (cmig_versions_has_changed(column, before, after))
			return true;
	return false;
}

/* An expression that is evaluated in a subtransaction. */
typedef struct Evaluation
{
	CmigWriting *statement;
	CmigWriterRule *rule;
	Datum		value;
	bool		null;
} Evaluation;

static void
evaluate(void *arg)
{
	Evaluation *e = arg;
	const ExprContext *econtext = e->statement->econtext;

	if (e->rule->state == NULL)
	{
		/*
		 * only if it is needed, and where its errors are caught: the writer
		 * may not be allowed to execute its functions
		 */
		MemoryContext context = AllocSetContextCreate(econtext->ecxt_per_tuple_memory,
													  "pg_cmig expression", ALLOCSET_SMALL_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		e->rule->state = ExecInitExpr(e->rule->expr, NULL);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(context, econtext->ecxt_per_query_memory);
	}
	e->value = ExecEvalExprSwitchContext(e->rule->state, e->statement->econtext, &e->null);
}

/*
 * Is the row not to blame?  An expression that writes the table may call itself
 * without end, and would be evaluated again at each depth.
 */
static bool
is_beyond_the_row(const ErrorData *error)
{
	return cmig_subtransaction_must_rethrow(error) || error->sqlerrcode == ERRCODE_STATEMENT_TOO_COMPLEX;
}

/* The expression of a column that must not be null is: returns the reason, if an error is forgiven. */
static char *
refuse_null(const CmigWriterRule *rule, bool forgiving)
{
	if (forgiving)
		return psprintf("%s: null value", rule->label);
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 rule->kind == CMIG_RULE_DOWN ?
			 errmsg("column \"%s\" of the old version would be null", rule->label) :
			 errmsg("null value in column \"%s\" of the new version violates not-null constraint",
					rule->label),
			 errdetail("Two versions of the table exist, and its expression is null for this row.")));
}

/*
 * Evaluate the rule for the row in the slot.  Returns NULL, or a text that says
 * why the old build's row cannot be transformed.
 */
static char *
apply(CmigWriting *statement, CmigWriterRule *rule, bool forgiving)
{
	Evaluation	e = {statement, rule};
	ErrorContextCallback callback = {error_context_stack, describe_error, rule};
	TupleTableSlot *slot = statement->slot;

	if (forgiving && !rule->safe && statement->careful)
	{
		ErrorData  *error = cmig_subtransaction_try(evaluate, &e);

		if (error != NULL && is_beyond_the_row(error))
			ReThrowError(error);
		if (error != NULL)
		{
			if (rule->column > 0)
				slot->tts_isnull[rule->column - 1] = true;
			return psprintf("%s: %s: %.*s", rule->label, unpack_sql_state(error->sqlerrcode),
							pg_mbcliplen(error->message, strlen(error->message), MAX_FAILURE),
							error->message);
		}
	}
	else
	{
		error_context_stack = &callback;
		evaluate(&e);
		error_context_stack = callback.previous;
	}
	if (rule->kind == CMIG_RULE_CHECK && (e.null || DatumGetBool(e.value)))
		return NULL;
	if (rule->kind == CMIG_RULE_CHECK && forgiving)
		return psprintf("violates check constraint \"%s\"", rule->label);
	if (rule->kind == CMIG_RULE_CHECK)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("new row violates check constraint \"%s\" of the new version", rule->label)));
	/* another expression that reads it must not change it */
	slot->tts_values[rule->column - 1] = MakeExpandedObjectReadOnly(e.value, e.null, rule->length);
	slot->tts_isnull[rule->column - 1] = e.null;
	return e.null && rule->required && !statement->shows ? refuse_null(rule, forgiving) : NULL;
}

/* A new row of the new version, or an updated one: are there nulls? */
static void
require_values(const CmigWriting *statement)
{
	for (int i = 0; i < statement->writer.count; i++)
	{
		const CmigWriterRule *rule = &statement->writer.rules[i];

		if (rule->kind == CMIG_RULE_UP && rule->required &&
			statement->slot->tts_isnull[rule->column - 1])
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("null value in column \"%s\" of relation \"%s\" violates not-null constraint",
							rule->label, statement->relation)));
	}
}

/*
 * Compute the columns of the new version, and check its constraints.  May run
 * in a subtransaction.
 */
static void
transform(void *arg)
{
	CmigWriting *statement = arg;
	CmigWriter *writer = &statement->writer;

	statement->failure = NULL;
	for (int i = 0; i < writer->count; i++)
	{
		char	   *reason;

		if (!(statement->due[i] || statement->unsettled[i]) || writer->rules[i].kind != CMIG_RULE_UP)
			continue;
		reason = apply(statement, &writer->rules[i], !writer->strict &&
					   (statement->update || !statement->new_build));
		statement->failure = statement->failure ? statement->failure : reason;
		if (statement->unsettled[i] && !statement->due[i])
			statement->slot->tts_isnull[writer->rules[i].column - 1] = true;
	}
	if (statement->shows)
		return;
	if (statement->new_build && !statement->failure)
		require_values(statement);
	for (int i = 0; i < writer->count && !statement->failure; i++)
		if (writer->rules[i].kind == CMIG_RULE_CHECK)
			statement->failure = apply(statement, &writer->rules[i], !writer->strict &&
									   !statement->new_build);
}

/* As cmig_subtransaction_try(), for what leaves nothing to be cleaned up. */
static ErrorData *
try_plainly(CmigSubtransactionWork work, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		work(arg);
	}
	PG_CATCH();
	{
		error = cmig_error_take(context);
	}
	PG_END_TRY();
	return error;
}

/* Does the rule compute another value than the one that the row in the slot has, or fail? */
static bool
computes_other(CmigWriting *statement, CmigWriterRule *rule, bool *fails)
{
	TupleTableSlot *slot = statement->slot;
	int			n = rule->column - 1;
	Datum		value = slot->tts_values[n];
	bool		null = slot->tts_isnull[n];
	bool		same;

	*fails = apply(statement, rule, true) != NULL;
	same = null == slot->tts_isnull[n] &&
		(null || datum_image_eq(value, slot->tts_values[n], rule->by_value, rule->length));
	slot->tts_values[n] = value;
	slot->tts_isnull[n] = null;
	return !same;
}

/*
 * The old build inserts a row of the table, with all its columns: it has changed those
 * of its version that are neither what the new version is transformed to nor what that is
 * transformed from, so that is computed again.  What could not be transformed is NULL.
 * If a column has no way back, nothing tells whether what it is computed from was changed,
 * or the column was: a publisher changes the former.
 */
static void
find_changed(CmigWriting *statement)
{
	CmigWriter *writer = &statement->writer;
	bool		has_reason = !statement->slot->tts_isnull[writer->state - 1];
	bool		fails;
	Bitmapset  *differing = bms_copy(writer->hidden);
	Bitmapset  *changed = NULL;
	Bitmapset  *reverted = NULL;	/* what the way back reads */

	statement->careful = true;
	for (int i = 0; i < writer->count; i++)
	{
		CmigWriterRule *rule = &writer->rules[i];
		bool		other;

		if (rule->kind != CMIG_RULE_UP && rule->kind != CMIG_RULE_NONE)
			continue;
		other = computes_other(statement, rule, &fails);
		if (!other && !fails)
			differing = bms_del_member(differing, rule->bit);
		if (rule->kind == CMIG_RULE_UP && has_reason && statement->slot->tts_isnull[rule->column - 1])
			statement->due[i] |= other && !rule->inverted;
	}
	for (int i = 0; i < writer->count; i++)
	{
		CmigWriterRule *rule = &writer->rules[i];

		if (rule->kind == CMIG_RULE_DOWN)
			reverted = bms_add_members(reverted, rule->reads);
		if (rule->kind == CMIG_RULE_DOWN && bms_overlap(rule->reads, differing) &&
			computes_other(statement, rule, &fails))
			changed = bms_add_member(changed, rule->bit);
	}
	for (int i = 0; i < writer->count; i++)
	{
		const CmigWriterRule *rule = &writer->rules[i];

		statement->due[i] |= rule->kind == CMIG_RULE_UP &&
			(bms_overlap(rule->reads, changed) ||
			 (statement->replicated && bms_is_member(rule->bit, differing) &&
			  !bms_is_member(rule->bit, reverted)));
	}
}

/*
 * Can a rule fail that is to be applied?  Then, "plain" says whether that leaves
 * nothing to be cleaned up.
 */
static bool
may_fail(const CmigWriting *statement, bool *plain)
{
	bool		result = false;

	*plain = true;
	for (int i = 0; i < statement->writer.count; i++)
	{
		const CmigWriterRule *rule = &statement->writer.rules[i];

		if (rule->safe || (rule->kind == CMIG_RULE_CHECK ? statement->new_build :
						   rule->kind != CMIG_RULE_UP || !(statement->due[i] || statement->unsettled[i])))
			continue;
		result = true;
		*plain &= rule->plain;
	}
	return result;
}

void
cmig_versions_transform(CmigWriting *statement, TupleTableSlot *in, bool strict)
{
	CmigWriter *writer = &statement->writer;
	TupleTableSlot *slot = statement->slot;
	bool		plain;

	slot_getallattrs(in);
	memcpy(slot->tts_values, in->tts_values, sizeof(Datum) * in->tts_nvalid);
	memcpy(slot->tts_isnull, in->tts_isnull, sizeof(bool) * in->tts_nvalid);
	ExecStoreVirtualTuple(slot);
	if (statement->whole)
		find_changed(statement);
	statement->careful = false;
	if (!strict && !writer->strict && (statement->update || !statement->new_build) &&
		may_fail(statement, &plain))
	{
		ErrorData  *error = plain ? try_plainly(transform, statement) :
		cmig_subtransaction_try(transform, statement);

		if (error != NULL && is_beyond_the_row(error))
			ReThrowError(error);
		statement->careful = error != NULL;
	}
	else
		transform(statement);
	if (statement->careful)
		transform(statement);
	for (int i = 0; i < writer->count; i++)
	{
		CmigWriterRule *rule = &writer->rules[i];

		if (rule->kind != CMIG_RULE_DOWN)
			continue;
		if (statement->due[i])
			(void) apply(statement, rule, false);
		else if (rule->required && !TTS_EMPTY(statement->shown) && slot->tts_isnull[rule->column - 1])
			(void) refuse_null(rule, false);
	}
	/* only of these is the reason needed later */
	if (statement->shows && !(statement->whole && statement->failure != NULL))
		return;
	slot->tts_isnull[writer->state - 1] = statement->failure == NULL;
	if (statement->failure != NULL)
		slot->tts_values[writer->state - 1] =
			CStringGetTextDatum(cmig_text_one_line(statement->failure));
}
