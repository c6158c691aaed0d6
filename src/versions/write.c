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
 * What cmig.expansion_write does is in its arguments, which contain qualified
 * names only.  The expressions run with the privileges of the writer, as the
 * body of any trigger that the table's owner creates.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/expandeddatum.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "versions/internal.h"

PG_FUNCTION_INFO_V1(cmig_expansion_view);
PG_FUNCTION_INFO_V1(cmig_expansion_write);

/* Does a statement fill rows?  Without a subtransaction for each, so that what fails is an error? */
static bool filling_rows = false;
static bool strict_fill = false;

/* An expression of the trigger. */
typedef struct Rule
{
	char		kind;			/* one of the CMIG_RULE_... */
	AttrNumber	column;			/* the column that it computes, or 0 */
	char	   *label;			/* name of the column or constraint */
	bool		required;		/* the column must not be null */
	bool		takes_default;	/* the old default applies if unnamed */
	Expr	   *expr;
	Bitmapset  *reads;			/* columns, from FirstLowInvalid... */
	bool		safe;			/* it cannot fail */
	bool		plain;			/* an error leaves nothing to be cleaned up */
	bool		by_value;
	int16		length;
	ExprState  *state;			/* for one statement, or NULL */
} Rule;

/* Who uses what was compiled: the session, and statements that are running. */
typedef struct Users
{
	MemoryContext context;
	int			count;
} Users;

/* The trigger of a table, compiled. */
typedef struct Writer
{
	Oid			trigger;		/* the key of the hash table */
	bool		valid;
	Users	   *users;
	TupleDesc	desc;
	AttrNumber	state;			/* the column that says what is to be done */
	Oid			sequence;		/* notes when the old build wrote, or invalid */
	bool		strict;			/* a failing "up" fails the write */
	bool		inverse;		/* no new column: state tells who inserts */
	int			count;
	Rule	   *rules;
	Bitmapset  *hidden;			/* columns that only the new version writes */
	Bitmapset  *computed;		/* those that have an expression */
	Bitmapset  *replaced;		/* of the old version, with an expression */
} Writer;

/* What one statement needs. */
typedef struct Statement
{
	Writer		writer;			/* a copy, with states of its own */
	MemoryContextCallback end;
	ExprContext *econtext;
	TupleTableSlot *slot;
	TupleTableSlot *moved;		/* a row that arrives from another partition */
	TupleTableSlot *shown;		/* a row as the triggers of users saw it */
	uint64		rows;			/* of the old build */
	const char *relation;

	bool		inserts;		/* has inserted: updates are ON CONFLICT */
	bool		inserts_new;	/* the last row was of the new version */
	HeapTuple	written;		/* the last updated row of a partition */

	/* the row that is transformed */
	bool	   *due;			/* for each rule */
	bool	   *unsettled;		/* is it set to the NULL that it had, in a row
								 * that could not be transformed? */
	bool		update;
	bool		new_build;
	bool		shows;			/* are the triggers of users still to come? */
	bool		whole;			/* a row of the table that is inserted again */
	bool		careful;		/* each rule that may fail in a subtransaction */
	char	   *failure;		/* why it cannot be transformed, or NULL */
} Statement;

/* A longer reason why a row cannot be transformed is cut off. */
#define MAX_FAILURE 1000

static HTAB *writers;
static uint64 invalidations = 0;

/* Memory context callback, among others */
static void
release(void *arg)
{
	Users	   *users = arg;

	if (--users->count == 0)
		MemoryContextDelete(users->context);
}

/* What a cached expression depends on may have changed. */
static void
invalidate(Datum arg, int cache, uint32 hash)
{
	HASH_SEQ_STATUS status;
	Writer	   *writer;

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
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Writer)};

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

/* The old build writes: note the time, at most once a second. */
static void
note_old_build(const Writer *writer)
{
	static TimestampTz noted = 0;
	static Oid	noted_in = InvalidOid;
	TimestampTz now = GetCurrentTimestamp();
	CmigRole	saved;

	if (!OidIsValid(writer->sequence) || (noted_in == writer->sequence && now - noted < USECS_PER_SEC))
		return;
	noted = now;
	noted_in = writer->sequence;
	cmig_role_act_as(&saved, cmig_role_owner_of(writer->sequence));
	(void) DirectFunctionCall2(setval_oid, ObjectIdGetDatum(writer->sequence),
							   Int64GetDatum(now +
											 USECS_PER_SEC * SECS_PER_DAY * (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)));
	cmig_role_return(&saved);
}

/* Error context callback. */
static void
describe_error(void *arg)
{
	const Rule *rule = arg;

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
read_arguments(Writer *writer, Relation relation, const Trigger *trigger, bool record)
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
	writer->inverse = strchr(trigger->tgargs[1], 'i') != NULL;
	writer->sequence = cmig_versions_sequence_of(relation, trigger->tgargs[2]);
	writer->rules = palloc0(sizeof(Rule) * trigger->tgnargs);
	for (int i = 3; i + 3 < trigger->tgnargs; i += 4)
	{
		Rule	   *rule = &writer->rules[writer->count++];
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
			int			number;

			rule->column = column_number(relation, trigger->tgargs[i + 1]);
			number = rule->column - FirstLowInvalidHeapAttributeNumber;
			attribute = TupleDescAttr(desc, rule->column - 1);
			type = attribute->atttypid;
			typmod = attribute->atttypmod;
			rule->by_value = attribute->attbyval;
			rule->length = attribute->attlen;
			if (!record)
			{
				cmig_versions_require_marked(relation, writer->state, false);
				if (rule->kind != CMIG_RULE_DOWN)
					cmig_versions_require_marked(relation, rule->column, true);
			}
			if (rule->kind != CMIG_RULE_DOWN)
				writer->hidden = bms_add_member(writer->hidden, number);
			else
				writer->replaced = bms_add_member(writer->replaced, number);
			if (rule->kind == CMIG_RULE_UP)
				writer->computed = bms_add_member(writer->computed, number);
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
	AtEOXact_GUC(false, level);
}

void
cmig_versions_record_dependencies(Oid table)
{
	Relation	relation = table_open(table, AccessShareLock);
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	ObjectAddress state = {RelationRelationId, table, get_attnum(table, CMIG_STATE_COLUMN)};
	Writer		writer;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		ObjectAddress dependent = {TriggerRelationId, trigger->tgoid, 0};

		if (cmig_versions_is_writer(trigger))
			read_arguments(memset(&writer, 0, sizeof(Writer)), relation, trigger, true);
		else if (strcmp(trigger->tgname, CMIG_EXPANSION_BEGIN) != 0)
			continue;
		recordDependencyOn(&dependent, &state, DEPENDENCY_NORMAL);
	}
	table_close(relation, NoLock);
}

/* Returns the compiled trigger, which the session keeps. */
static Writer *
find_writer(Relation relation, const Trigger *trigger)
{
	bool		found;
	Writer	   *writer;
	Writer		new = {trigger->tgoid};
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
	new.users = palloc(sizeof(Users));
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

struct Statement *
cmig_versions_statement(Relation relation, const Trigger *trigger, TupleTableSlot *slot,
						MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Statement  *statement = palloc0(sizeof(Statement));

	cmig_versions_require_order(relation, trigger);
	statement->writer = *find_writer(relation, trigger);
	statement->writer.users->count++;
	statement->end.func = release;
	statement->end.arg = statement->writer.users;
	MemoryContextRegisterResetCallback(context, &statement->end);
	statement->writer.rules = memcpy(palloc(sizeof(Rule) * Max(statement->writer.count, 1)),
									 statement->writer.rules, sizeof(Rule) * statement->writer.count);
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

/*
 * Is it a row that the new build inserted while the triggers were disabled?  Its
 * state has the default.
 */
static bool
is_new(const Writer *writer, TupleTableSlot *slot)
{
	bool		has_values = false;

	for (int i = 0; i < writer->count; i++)
		has_values |= writer->rules[i].kind == CMIG_RULE_UP &&
			!slot_attisnull(slot, writer->rules[i].column);
	return has_values && cmig_versions_has_state(slot, writer->state, "todo");
}

/* An expression that is evaluated in a subtransaction. */
typedef struct Evaluation
{
	Statement  *statement;
	Rule	   *rule;
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
refuse_null(const Rule *rule, bool forgiving)
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
apply(Statement *statement, Rule *rule, bool forgiving)
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
require_values(const Statement *statement)
{
	for (int i = 0; i < statement->writer.count; i++)
	{
		const Rule *rule = &statement->writer.rules[i];

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
	Statement  *statement = arg;
	Writer	   *writer = &statement->writer;

	statement->failure = NULL;
	for (int i = 0; i < writer->count; i++)
	{
		char	   *reason;

		if (!(statement->due[i] || statement->unsettled[i]) || writer->rules[i].kind != CMIG_RULE_UP)
			continue;
		reason = apply(statement, &writer->rules[i], !writer->strict &&
					   (statement->update || !statement->new_build));
		statement->failure = statement->failure ? statement->failure : reason;
		if (statement->unsettled[i])
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

/*
 * Which hidden columns of the row in the slot are not what its old version is transformed
 * to?  What those of an older one could not be transformed to is NULL, so it is no other.
 */
static Bitmapset *
find_differing(Statement *statement)
{
	TupleTableSlot *slot = statement->slot;
	Bitmapset  *result = bms_copy(statement->writer.hidden);

	statement->careful = true;
	for (int i = 0; i < statement->writer.count; i++)
	{
		Rule	   *rule = &statement->writer.rules[i];
		int			n = rule->column - 1;
		Datum		value;
		bool		null;

		if (rule->kind != CMIG_RULE_UP)
			continue;
		value = slot->tts_values[n];
		null = slot->tts_isnull[n];
		(void) apply(statement, rule, true);
		if (null == slot->tts_isnull[n] &&
			(null || datum_image_eq(value, slot->tts_values[n], rule->by_value, rule->length)))
			result = bms_del_member(result, rule->column - FirstLowInvalidHeapAttributeNumber);
		slot->tts_values[n] = value;
		slot->tts_isnull[n] = null;
	}
	return result;
}

/*
 * Transform the row into the statement's slot, which is empty.  What an old
 * build writes must not fail, so "forgive".  As a subtransaction takes time,
 * there is none for plain expressions, and one for all others, and only if that
 * fails, one for each rule.
 */
static void
transform_row(Statement *statement, TupleTableSlot *in, bool forgive, bool plain)
{
	Writer	   *writer = &statement->writer;
	TupleTableSlot *slot = statement->slot;
	Bitmapset  *differing;

	slot_getallattrs(in);
	memcpy(slot->tts_values, in->tts_values, sizeof(Datum) * in->tts_nvalid);
	memcpy(slot->tts_isnull, in->tts_isnull, sizeof(bool) * in->tts_nvalid);
	ExecStoreVirtualTuple(slot);
	statement->careful = false;
	if (forgive && !strict_fill)
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
	differing = statement->whole ? find_differing(statement) : NULL;
	for (int i = 0; i < writer->count; i++)
	{
		Rule	   *rule = &writer->rules[i];

		if (rule->kind != CMIG_RULE_DOWN)
			continue;
		if (statement->due[i] && (!statement->whole || bms_overlap(rule->reads, differing)))
			(void) apply(statement, rule, false);
		else if (rule->required && !TTS_EMPTY(statement->shown) && slot->tts_isnull[rule->column - 1])
			(void) refuse_null(rule, false);
	}
	if (statement->shows)
		return;
	slot->tts_isnull[writer->state - 1] = statement->failure == NULL;
	if (statement->failure != NULL)
		slot->tts_values[writer->state - 1] =
			CStringGetTextDatum(cmig_text_one_line(statement->failure));
}

/* An updated row of a partition may go on to another one. */
static void
note_written(Statement *statement, FunctionCallInfo fcinfo, HeapTuple tuple)
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
is_comparable(const Writer *a, const Writer *b)
{
	bool		same = a->count == b->count;

	for (int i = 0; same && i < a->count; i++)
	{
		const Rule *one = &a->rules[i];
		const Rule *two = &b->rules[i];

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
is_moved(Statement *statement, TupleTableSlot *in, Statement *source)
{
	bool		same = source->slot->tts_tableOid != statement->slot->tts_tableOid &&
	is_comparable(&source->writer, &statement->writer);

	if (same)
		ExecStoreHeapTuple(source->written, source->moved, false);
	for (int i = 0; same && i < statement->writer.count; i++)
	{
		const Rule *rule = &statement->writer.rules[i];
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
 * INSERT is not told to be one if it names all of them, and then the columns of
 * the old version are computed from them, as for the view.  A NULL is not told
 * from their default.
 */
static void
require_shown(const Statement *statement, const TriggerData *data)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);

	for (int i = 0; i < statement->writer.count; i++)
	{
		const Rule *rule = &statement->writer.rules[i];
		int			column = rule->column - FirstLowInvalidHeapAttributeNumber;

		if (bms_is_member(column, statement->writer.hidden) &&
			(update ? bms_is_member(column, data->tg_updatedcols) &&
			 cmig_versions_has_changed(column, data->tg_trigslot, data->tg_newslot) :
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
	uint8		marked;			/* CMIG_MARK_..., for an INSERT */
	bool		todo;			/* is the new version still to be filled? */
	bool		told_old;		/* the old version is correct */
	bool		told_new;
	bool		copied;			/* by COPY or replication, with all columns */
	bool		touched;		/* is the row to be transformed? */
	bool		risky;			/* can that fail? */
	bool		plain;			/* without anything to be cleaned up then? */
} Said;

static void
read_update(const Statement *statement, FunctionCallInfo fcinfo, const TriggerData *data, Said *said)
{
	const Writer *writer = &statement->writer;
	bool		filled;
	bool		cascades = cmig_versions_is_cascade(data);
	bool		names_hidden = bms_overlap(data->tg_updatedcols, writer->hidden);

	(void) slot_getattr(said->before, writer->state, &filled);
	said->todo = !filled;
	/* what a foreign key cascades is for the version that has its column */
	said->new_build = fcinfo->flinfo->fn_expr != NULL ||
		(!statement->inserts ? cascades && names_hidden : statement->inserts_new &&
		 !bms_overlap(data->tg_updatedcols, writer->replaced));
	/* the statement says which version of the row is correct */
	said->touched = bms_is_member(writer->state - FirstLowInvalidHeapAttributeNumber,
								  data->tg_updatedcols);
	if (said->touched)
	{
		said->told_old = cmig_versions_has_state(said->in, writer->state, CMIG_STATE_OLD);
		said->told_new = !said->told_old &&
			(cmig_versions_has_state(said->in, writer->state, CMIG_STATE_NEW) ||
			 is_new(writer, said->before));
	}
	said->old_build = !said->new_build && !cascades &&
		!(said->touched && bms_membership(data->tg_updatedcols) == BMS_SINGLETON);
	said->copied = names_hidden && !said->new_build && cmig_versions_is_copied();
	if (names_hidden && !said->new_build && !said->copied && !said->told_old && !said->told_new)
		require_shown(statement, data);
	said->touched |= said->new_build && bms_overlap(data->tg_updatedcols, writer->computed);
}

static void
read_insert(Statement *statement, FunctionCallInfo fcinfo, const TriggerData *data, Said *said)
{
	const Writer *writer = &statement->writer;
	CmigOrigin *row = cmig_versions_origin(fcinfo->flinfo->fn_mcxt);
	bool		is_new_state = cmig_versions_has_state(said->in, writer->state, CMIG_STATE_NEW);

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
	said->old_build = !said->update &&
		((said->marked & CMIG_MARK_TABLE) != 0 || (writer->inverse && !is_new_state));
	said->new_build = said->update ? row->source->new_build : !said->old_build;
	/* what triggers of users have set since is not of the statement */
	if (said->old_build && !row->checked && !cmig_versions_is_copied())
		require_shown(statement, data);
	row->checked = true;
	/* the view does not show the state */
	is_new_state |= cmig_versions_has_state(said->in, writer->state, "todo");
	/* a row of the table itself: the view does not have all columns */
	said->whole = said->new_build && !said->update && !is_new_state;
	said->given = said->new_build && !is_new_state && cmig_versions_is_copied();
	statement->inserts |= !said->update;
	statement->inserts_new = said->new_build && is_new_state;
	/* the state has its default */
	said->touched = !said->update && !said->given;
}

/* The row that triggers of users have set columns in: what they saw, or OLD if they returned that. */
static TupleTableSlot *
row_set(const Said *said, const Writer *writer, const Rule *down, Bitmapset **hidden)
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
is_set_by_trigger(const Said *said, const Writer *writer, const Rule *rule)
{
	int			column = rule->column - FirstLowInvalidHeapAttributeNumber;

	for (int i = 0; i < writer->count; i++)
	{
		const Rule *down = &writer->rules[i];
		int			replaced = down->column - FirstLowInvalidHeapAttributeNumber;
		Bitmapset  *hidden;
		TupleTableSlot *from;

		if (down->kind != CMIG_RULE_DOWN || !bms_is_member(column, down->reads) ||
			!bms_is_member(replaced, rule->reads))
			continue;
		from = row_set(said, writer, down, &hidden);
		if (cmig_versions_has_changed(replaced, from, said->in) &&
			!cmig_versions_any_changed(hidden, from, said->in))
			return true;
	}
	return false;
}

/* Returns whether a rule is to compute its column: a version's own columns are what a statement of it says. */
static bool
is_due(const Said *said, const TriggerData *data, const Writer *writer, const Rule *rule)
{
	int			column = rule->column - FirstLowInvalidHeapAttributeNumber;
	bool		named = bms_is_member(column, data->tg_updatedcols);
	Bitmapset  *hidden;
	TupleTableSlot *from = rule->kind == CMIG_RULE_DOWN && said->shown != NULL ?
	row_set(said, writer, rule, &hidden) : NULL;

	if (said->given && said->shown == NULL)
		return false;
	if (from != NULL)
		return cmig_versions_any_changed(rule->reads, from, said->in) &&
			!cmig_versions_has_changed(column, from, said->in);
	if (rule->kind == CMIG_RULE_DOWN)
		return !said->update ? said->new_build :
			said->told_new ||
			(said->new_build && !said->told_old && cmig_versions_any_changed(rule->reads, said->before, said->in));
	if (rule->kind != CMIG_RULE_UP)
		return false;
	if (said->shown != NULL && is_set_by_trigger(said, writer, rule))
		return true;
	if (said->whole)
		return slot_attisnull(said->in, rule->column) &&
			(rule->required || !slot_attisnull(said->in, writer->state));
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
decide(Statement *statement, const TriggerData *data, Said *said)
{
	statement->update = said->update;
	statement->whole = said->whole;
	statement->new_build = said->new_build && !said->whole;
	said->plain = true;
	for (int i = 0; i < statement->writer.count; i++)
	{
		const Rule *rule = &statement->writer.rules[i];
		bool		due = statement->due[i] = is_due(said, data, &statement->writer, rule);

		/*
		 * Who writes all columns back as they were has not said that NULL is
		 * right, so the reason remains while there is one.
		 */
		statement->unsettled[i] = said->todo && !due && !said->told_new && rule->kind == CMIG_RULE_UP &&
			!rule->required && slot_attisnull(said->in, rule->column) &&
			!cmig_versions_has_changed(rule->column - FirstLowInvalidHeapAttributeNumber, said->before, said->in);
		if (!rule->safe && (rule->kind == CMIG_RULE_CHECK ? !statement->new_build :
							(due || statement->unsettled[i]) && rule->kind == CMIG_RULE_UP))
		{
			said->risky = true;
			said->plain &= rule->plain;
		}
		said->touched |= due ||
			(said->update && rule->kind == CMIG_RULE_CHECK &&
			 cmig_versions_any_changed(rule->reads, said->before, said->in));
	}
}

/* Returns the row, transformed. */
static HeapTuple
form_row(Statement *statement, const TriggerData *data, const Said *said, HeapTuple tuple)
{
	HeapTuple	result;

	ExecClearTuple(statement->slot);
	transform_row(statement, said->in, said->risky && !statement->writer.strict &&
				  (said->update || !statement->new_build), said->plain);
	result = heap_form_tuple(RelationGetDescr(data->tg_relation), statement->slot->tts_values,
							 statement->slot->tts_isnull);
	result->t_data->t_ctid = tuple->t_data->t_ctid;
	result->t_self = tuple->t_self;
	result->t_tableOid = tuple->t_tableOid;
	return result;
}

/* Reads the row that is written, and returns it. */
static HeapTuple
read_row(Statement *statement, FunctionCallInfo fcinfo, const TriggerData *data, Said *said)
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
cmig_versions_show(FunctionCallInfo fcinfo, struct Statement *statement, CmigOrigin *row)
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

Datum
cmig_expansion_write(PG_FUNCTION_ARGS)
{
	TriggerData *data = cmig_versions_require_trigger(fcinfo, "cmig.expansion_write()");
	bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	Statement  *statement = fcinfo->flinfo->fn_extra;
	HeapTuple	tuple;
	CmigOrigin *row;
	Said		said = {0};

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
	Statement  *statement;		/* or NULL before the first row */
	bool		risky;
	bool		plain;
} Filling;

/* Instead of the UPDATE's SET list: the next row, transformed. */
static Datum
fill_row(ExprState *state, ExprContext *econtext, bool *null)
{
	Filling    *filling = (Filling *) ((char *) state - offsetof(Filling, projection.pi_state));
	Statement  *statement = filling->statement;

	if (statement == NULL)
	{
		statement = cmig_versions_statement(filling->relation, filling->trigger, state->resultslot,
											econtext->ecxt_per_query_memory);
		statement->update = true;
		filling->plain = true;
		for (int i = 0; i < statement->writer.count; i++)
		{
			const Rule *rule = &statement->writer.rules[i];

			if (rule->safe || rule->kind == CMIG_RULE_DOWN)
				continue;
			filling->risky = !statement->writer.strict;
			filling->plain &= rule->plain;
		}
		filling->statement = statement;
	}
	ResetExprContext(econtext);
	ResetExprContext(statement->econtext);
	statement->new_build = is_new(&statement->writer, econtext->ecxt_scantuple);
	for (int i = 0; i < statement->writer.count; i++)
		statement->due[i] = statement->writer.rules[i].kind == (statement->new_build ?
																CMIG_RULE_DOWN : CMIG_RULE_UP);
	transform_row(statement, econtext->ecxt_scantuple, filling->risky, filling->plain);
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
							quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)), RelationGetRelationName(relation))),
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
	ListCell   *cell;

	if (next_ExecutorStart)
		next_ExecutorStart(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	foreach(cell, query->estate->es_opened_result_relations)
		cmig_versions_note_target(query->estate, lfirst(cell));
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
