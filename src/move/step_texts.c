/*
 * step_texts.c
 *	  What a move runs: its arguments, the texts of its steps, its checksum.
 *
 * The scripts of a plan's steps are read a few at a time, so that those of a
 * long plan need no more memory than those of a short one.  One query fetches
 * the scripts of up to READ_STEPS steps.  These are kept until the next query,
 * except for scripts that do not fit into READ_BYTES, which are read
 * individually when their steps are reached.
 *
 * A plan's checksum covers its revisions, their order, and their texts.  The
 * first 32 hexadecimal digits cover the whole plan.  If it has up to 100 steps,
 * they are followed by a hyphen and by six digits for each step, so that an
 * error can say which steps have changed.  (cmig.plan returns the checksum in
 * each row.)
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "move/internal.h"

/*
 * Arguments
 *
 * Invalid ones raise error 22023.  For likely mistakes, the hint shows the call
 * that was probably intended.
 */

/*
 * The highest number of steps that is accepted.  A higher number is assumed to
 * be a revision id that begins with a date or time.
 */
#define MAX_STEPS 9999999

char *
cmig_move_argument_steps(FunctionCallInfo fcinfo, CmigDirection direction, bool stepwise)
{
	int64		steps = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	bool		up = direction == CMIG_UPGRADE;
	const char *verb = cmig_direction_name(direction);
	const char *call = stepwise ? "CALL " : "";
	const char *suffix = stepwise ? "_stepwise" : "";

	/* an id that is written without quotes? */
	if (steps > MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a revision must be text, not a number"),
				 cmig_hint("`%scmig.%s%s('" INT64_FORMAT "')`", stepwise ? call : "SELECT * FROM ",
						   verb, suffix, steps)));
	if (up ? steps <= 0 : steps >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an integer passed to %s is a number of steps and must be %s",
						verb, up ? "positive" : "negative"),
				 cmig_hint("To specify a revision, quote it: `%scmig.%s%s('005')`; use `%scmig.downgrade%s(-1)` to %s.",
						   call, verb, suffix, call, suffix,
						   up ? "go down" : "revert one revision")));
	return psprintf("%s" INT64_FORMAT, up ? "+" : "", steps);
}

void
cmig_move_argument_require_target(const char *target, const char *call)
{
	if (target == NULL || strcmp(target, "previous") == 0 ||
		strcmp(target, "prev") == 0 || strcmp(target, "last") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 target ? errmsg("\"%s\" is not a downgrade target", target)
				 : errmsg("downgrade requires a target"),
				 cmig_hint("`%s('-1')` reverts the last revision. Specify a revision to go down to, or base to revert all.",
						   call)));
}

void
cmig_move_argument_require_confirmation(FunctionCallInfo fcinfo,
										const char *call)
{
	char	   *confirm = cmig_argument_text(fcinfo, 0);
	char	   *database = get_database_name(MyDatabaseId);

	if (confirm == NULL || strcmp(confirm, database) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reset must be confirmed with the name of the database"),
				 errdetail("It reverts all revisions, which destroys the data in the objects that they created, and then applies them again."),
				 cmig_hint("Use `%s(confirm => %s)`", call,
						   quote_literal_cstr(database))));
}

/*
 * Scripts
 */

/* The maximum number of scripts read at a time, and of bytes kept. */
#define READ_STEPS 200
#define READ_BYTES ((Size) 1024 * 1024)

/* The maximum number of bytes kept by cmig_step_texts_read_small(). */
#define SMALL_BYTES (32 * 1024 * 1024)

char	   *(*cmig_downgrade_generate) (const char *revision) = NULL;

/* Is the revision that the step reverts one of the database's heads before the plan runs? */
static bool
reverts_head(const CmigPlan *plan, int number)
{
	for (int i = 0; i < number; i++)
		for (int j = 0; j < plan->steps[i].added.count; j++)
			if (plan->steps[i].added.nodes[j] == plan->steps[number].node)
				return false;
	return true;
}

/*
 * If the step reverts a revision that has no downgrade script, generate one, in
 * memory of the given context, or raise error MG006.
 */
static const CmigRunStep *
require_reversible(CmigRunStep *step, const CmigPlan *plan, int number, MemoryContext context)
{
	if (step->sql == NULL && step->expand && !cmig_running.replaying)
	{
		char	   *sql = cmig_downgrade_generate(step->revision);

		if (sql != NULL)
		{
			step->stored_sql = MemoryContextStrdup(context, sql);
			step->sql = MemoryContextStrdup(context, cmig_expand_fill(sql, step->revision, true));
		}
		step->file_name = NULL;
	}
	if (step->sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_IRREVERSIBLE),
				 errmsg("revision \"%s\" cannot be reverted", step->revision),
				 errdetail("It has no downgrade script."),
				 reverts_head(plan, number) ?
				 errhint("Add a downgrade section to the revision and load it, or restore a backup.") :
				 errhint("Downgrade to \"%s\" or above, add a downgrade section to the revision and load it, or restore a backup.",
						 step->revision)));
	return step;
}

static char *step_digits(const CmigRunStep *step, int digits);

/*
 * Raise error MG016 if the texts of a step are not those that were first read
 * for the plan: what runs is what was checked, whoever changes the revision in
 * between.
 */
static void
require_same(CmigPlanStep *planned, const CmigRunStep *step)
{
	char	   *digits = step_digits(step, 16);
	uint64		hash = strtoull(digits, NULL, 16);

	if (planned->text != 0 && planned->text != hash)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_PLAN_CHANGED),
				 errmsg("the text of revision \"%s\" was changed during the run", step->revision)));
	planned->text = hash;
	pfree(digits);
}

/* Fill in *step from the stored script of the revision of a plan's step. */
static void
fill_step(CmigRunStep *step, const CmigPlan *plan, const CmigGraph *graph, int number,
		  const CmigRevisionText *script)
{
	bool		up = plan->direction == CMIG_UPGRADE;
	int			node = plan->steps[number].node;
	const char *id = cmig_graph_id(graph, node);

	memset(step, 0, sizeof(*step));
	step->revision = id;
	step->direction = plan->direction;
	step->target = plan->target;
	step->stored_sql = up ? script->upgrade_sql : script->downgrade_sql;
	step->sql = cmig_placeholder_values_insert(step->stored_sql, &script->placeholders, id,
											   cmig_direction_name(plan->direction), NULL);
	step->verify_sql = cmig_placeholder_values_insert(up &&
													  !cmig_record_is_on() ? script->verify_sql :
													  NULL, &script->placeholders, id, "verify",
													  NULL);
	step->precondition_sql = cmig_placeholder_values_insert(up &&
															!cmig_record_is_on() ?
															script->precondition_sql : NULL,
															&script->placeholders,
															id, "precondition", NULL);
	step->file_name = script->file_name;
	step->file_lines[0] = script->file_lines[up ? 0 : 1];
	step->file_lines[1] = script->file_lines[2];
	step->transactional = script->edges.transactional;
	step->repeatable = cmig_repeatables_is(graph, node);
	step->base = !step->repeatable && graph->nodes[node].parents.count == 0;
	step->expand = script->expand != NULL;
	require_same(&plan->steps[number], step);
}

void
cmig_step_texts_deleted(const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("revision \"%s\" was deleted during the run", id),
			 errhint("Do not delete revisions during a run.")));
}

CmigRunStep *
cmig_step_texts_fetch(const CmigGraph *graph, const CmigPlan *plan, int number)
{
	const char *id = cmig_graph_id(graph, plan->steps[number].node);
	CmigRevisionText *script = cmig_catalog_read_text(id);
	CmigRunStep *step;

	if (script == NULL)
		cmig_step_texts_deleted(id);
	step = palloc(sizeof(CmigRunStep));
	fill_step(step, plan, graph, number, script);
	(void) require_reversible(step, plan, number, CurrentMemoryContext);
	return step;
}

/* The scripts of a plan, of which only some are in memory at a time. */
struct CmigStepTexts
{
	const CmigGraph *graph;
	const CmigPlan *plan;
	int			first;			/* number of the first step whose script was
								 * requested by the last query */
	int			count;
	int			kept;			/* number of scripts of the last query that
								 * were small enough to keep */
	CmigRunStep steps[READ_STEPS];	/* steps starting at "first"; "revision"
									 * is NULL if the script was not kept */
	MemoryContext context;		/* memory context of the scripts of the last
								 * query */
	CmigPack	pack;

	/*
	 * indexed by step: small scripts that were read in advance; NULL if none
	 * were
	 */
	CmigRunStep **small;
	bool		reading_small;
	CmigPack	small_pack;
	int		   *place;			/* indexed by node: number of the node's step,
								 * or -1 */
};

CmigStepTexts *
cmig_step_texts_make(const CmigGraph *graph, const CmigPlan *plan)
{
	CmigStepTexts *texts = palloc0(sizeof(CmigStepTexts));
	int			count = graph->count + graph->repeatable_count;

	texts->place = palloc_extended(sizeof(int) * Max((Size) count, 1), MCXT_ALLOC_HUGE);
	memset(texts->place, 0xff, sizeof(int) * (Size) count); /* -1 */
	for (int i = 0; i < plan->count; i++)
		texts->place[plan->steps[i].node] = i;
	texts->graph = graph;
	texts->plan = plan;
	texts->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig texts",
										   ALLOCSET_DEFAULT_SIZES);
	return texts;
}

/* Replace a step's scripts with copies in the memory of the pack. */
static void
keep_texts(CmigRunStep *step, CmigPack *pack)
{
	bool		replaced = step->sql != step->stored_sql;
	const char **texts[] = {&step->sql, &step->stored_sql, &step->verify_sql,
	&step->precondition_sql, &step->file_name};

	for (int i = 0; i < lengthof(texts); i++)
		if (*texts[i] != NULL && (replaced || texts[i] != &step->stored_sql))
			*texts[i] = cmig_pack_string(pack, *texts[i], strlen(*texts[i]));
	if (!replaced)
		step->stored_sql = step->sql;
}

/*
 * Callback: keep the script of a step that the current query returns, in
 * memory of the query or, if the script was read in advance, of the plan.
 */
static void
keep_script(const CmigRevisionText *script, void *arg)
{
	CmigStepTexts *texts = arg;
	int			node = cmig_repeatables_find_any(texts->graph, script->edges.id);
	int			number = node < 0 ? -1 : texts->place[node];
	bool		small = texts->reading_small;
	CmigPack   *pack = small ? &texts->small_pack : &texts->pack;
	MemoryContext old;
	CmigRunStep *step;

	if (number < 0 || (!small && (number < texts->first || number >= texts->first + texts->count)))
		return;
	old = MemoryContextSwitchTo(small ? GetMemoryChunkContext(texts) : texts->context);
	if (small)
		step = texts->small[number] = cmig_pack_alloc(pack, sizeof(CmigRunStep));
	else
	{
		step = &texts->steps[number - texts->first];
		texts->kept++;
	}
	fill_step(step, texts->plan, texts->graph, number, script);
	keep_texts(step, pack);
	MemoryContextSwitchTo(old);
}

void
cmig_step_texts_read_small(CmigStepTexts *texts)
{
	const CmigPlan *plan = texts->plan;
	int			count = texts->graph->count + texts->graph->repeatable_count;

	if (plan->count <= READ_STEPS || plan->count < count / 2)
		return;
	texts->small = palloc_extended(sizeof(CmigRunStep *) * (Size) plan->count,
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	texts->reading_small = true;
	cmig_catalog_each_small_script(SMALL_BYTES / plan->count, plan->direction,
								   keep_script, texts);
	texts->reading_small = false;
}

/*
 * Read the scripts of up to READ_STEPS steps, starting with step number
 * "first".
 */
static void
read_texts(CmigStepTexts *texts, int first)
{
	char	   *names[READ_STEPS];
	CmigNames	ids = {0, names};
	MemoryContext old;

	/*
	 * if only a few scripts of the last query were small enough to keep,
	 * request fewer this time
	 */
	texts->count = Min(texts->count == 0 ? READ_STEPS : Min(2 * texts->kept + 1, READ_STEPS),
					   texts->plan->count - first);
	texts->first = first;
	texts->kept = 0;
	memset(texts->steps, 0, sizeof(texts->steps));
	memset(&texts->pack, 0, sizeof(texts->pack));
	MemoryContextReset(texts->context);

	for (int i = 0; i < texts->count; i++)
		names[ids.count++] = cmig_graph_id(texts->graph,
										   texts->plan->steps[first + i].node);
	old = MemoryContextSwitchTo(texts->context);
	cmig_catalog_each_script(&ids, texts->plan->direction, READ_BYTES, keep_script, texts);
	MemoryContextSwitchTo(old);
}

const CmigRunStep *
cmig_step_texts_get(CmigStepTexts *texts, int number)
{
	CmigRunStep *step;

	if (texts->small && texts->small[number])
		return require_reversible(texts->small[number], texts->plan, number,
								  GetMemoryChunkContext(texts));
	if (number < texts->first || number >= texts->first + texts->count ||
		texts->steps[number - texts->first].revision == NULL)
		read_texts(texts, number);
	step = &texts->steps[number - texts->first];
	if (step->revision == NULL)
		cmig_step_texts_deleted(cmig_graph_id(texts->graph, texts->plan->steps[number].node));
	return require_reversible(step, texts->plan, number, texts->context);
}

/*
 * Checksums
 */

/*
 * The numbers of hexadecimal digits that a plan's checksum contains for the
 * whole plan, for the id of each step's revision, and for the texts of each
 * step.
 */
#define WHOLE_DIGITS 32
#define ID_DIGITS 4
#define TEXT_DIGITS 2
#define STEP_DIGITS (ID_DIGITS + TEXT_DIGITS)

/* The maximum number of steps that a plan with digits for each step has. */
#define PLAN_CHECKSUM_MAX_STEPS 100

/*
 * Returns the first "digits" hexadecimal digits of a hash of the texts, which
 * may be NULL.
 */
static char *
digits_of(const char *const *texts, int count, int digits)
{
	pg_cryptohash_ctx *checksum = cmig_checksum_start();
	char	   *result;

	for (int i = 0; i < count; i++)
	{
		char		length[32];
		ssize_t		bytes = texts[i] != NULL ? (ssize_t) strlen(texts[i]) : -1;

		snprintf(length, sizeof(length), "%zd:", bytes);
		cmig_checksum_add(checksum, length, strlen(length));
		if (texts[i] != NULL)
			cmig_checksum_add(checksum, texts[i], bytes);
	}
	result = cmig_checksum_finish(checksum);
	result[digits] = '\0';
	return result;
}

/*
 * Returns the first "digits" hexadecimal digits of a hash of a step's
 * direction, transactional flag, and texts.
 */
static char *
step_digits(const CmigRunStep *step, int digits)
{
	const char *texts[] = {
		cmig_direction_name(step->direction), step->transactional ? "t" : "f", step->sql,
		step->verify_sql, step->precondition_sql
	};

	/* without a precondition, the hash covers only the first four texts */
	return digits_of(texts, lengthof(texts) - (step->precondition_sql == NULL), digits);
}

char *
cmig_plan_checksum(const CmigSituation *now, const CmigPlan *plan, CmigStepTexts *texts,
				   CmigStepVisit visit, void *arg)
{
	const char **parts = palloc(sizeof(char *) * (2 * (Size) plan->count + 1));
	StringInfoData steps;

	initStringInfo(&steps);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRevision *revision = now->graph->nodes[plan->steps[i].node].revision;
		char	   *text;

		CHECK_FOR_INTERRUPTS();
		/* zeros if the step would revert a revision without a script */
		if (plan->direction == CMIG_DOWNGRADE && revision->irreversible)
			text = pstrdup("0000000000000000000000000000000000000000000000000000000000000000");
		else
		{
			const CmigRunStep *step = cmig_step_texts_get(texts, i);

			text = step_digits(step, CMIG_CHECKSUM_DIGITS);
			if (visit)
				visit(step, i, arg);
		}
		parts[2 * i] = revision->id;
		parts[2 * i + 1] = text;
		if (plan->count <= PLAN_CHECKSUM_MAX_STEPS)
			appendStringInfo(&steps, "%s%.*s", digits_of(&parts[2 * i], 1, ID_DIGITS), TEXT_DIGITS,
							 text);
	}
	return psprintf("%s-%s", digits_of(parts, 2 * plan->count, WHOLE_DIGITS), steps.data);
}

/* Differences between a checksum and the current plan */

/*
 * Returns the number of the step whose id has the same digits as that of
 * "step", or -1 if there is none.
 */
static int
find_step(const char *steps, int count, const char *step)
{
	for (int i = 0; i < count; i++)
		if (strncmp(steps + i * STEP_DIGITS, step, ID_DIGITS) == 0)
			return i;
	return -1;
}

/*
 * Returns a sentence about a revision that was in the plan with the given
 * checksum but is not in the current plan.  "digits" are the digits for the
 * revision's id.
 */
static char *
describe_missing(const CmigSituation *now, const char *digits)
{
	int			found = -1;

	for (int i = 0; i < now->graph->count + now->graph->repeatable_count; i++)
	{
		const char *id = cmig_graph_id(now->graph, i);

		if (strncmp(digits_of(&id, 1, ID_DIGITS), digits, ID_DIGITS) != 0)
			continue;
		/* do not name a revision if the digits represent more than one */
		if (found >= 0)
			return pstrdup("A revision that was in the plan is no longer in it.");
		found = i;
	}
	if (found < 0)
		return pstrdup("A revision that was in the plan no longer exists.");
	return psprintf("Revision \"%s\" was in the plan, but is %s.", cmig_graph_id(now->graph, found),
					!cmig_repeatables_is(now->graph, found) &&
					now->applied->applied->set[found] ? "already applied" : "no longer in it");
}

/*
 * Returns a list of the differences between two plans.  "given" contains the
 * digits for the steps in the checksum that the caller passed, and "present"
 * contains those in the current plan's checksum.
 */
static char *
describe_changes(const CmigSituation *now, const CmigPlan *plan, const char *given,
				 const char *present)
{
	int			given_count = strlen(given) / STEP_DIGITS;
	int			count = strlen(present) / STEP_DIGITS;
	CmigListing changes;

	if (given_count == 0 || plan->count > PLAN_CHECKSUM_MAX_STEPS)
		return psprintf("The checksum of a plan with more than %d steps does not say which ones have changed.", PLAN_CHECKSUM_MAX_STEPS);
	cmig_listing_init(&changes, CMIG_LISTING_LINES);
	for (int i = 0; i < given_count; i++)
		if (find_step(present, count, given + i * STEP_DIGITS) < 0)
			cmig_listing_add(&changes, describe_missing(now, given + i * STEP_DIGITS));
	for (int i = 0; i < count; i++)
	{
		const char *step = present + i * STEP_DIGITS;
		int			before = find_step(given, given_count, step);
		const char *id = cmig_graph_id(now->graph, plan->steps[i].node);

		if (before < 0)
			cmig_listing_add_format(&changes, "Revision \"%s\" was not in the plan.", id);
		else if (strncmp(step, given + before * STEP_DIGITS, STEP_DIGITS) != 0)
			cmig_listing_add_format(&changes, "The text of revision \"%s\" has changed.", id);
	}
	if (changes.count == 0)
		cmig_listing_add(&changes, "The order of the steps has changed.");
	return cmig_listing_text(&changes);
}

char *
cmig_plan_checksum_argument(FunctionCallInfo fcinfo, int n, const char *hint)
{
	static const char *const hexadecimal = "0123456789abcdef";
	char	   *checksum = cmig_argument_text(fcinfo, n);
	Size		length;			/* of the digits for the steps */

	if (checksum == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the checksum of the plan must not be null"),
				 errhint("SELECT plan_checksum FROM cmig.plan() LIMIT 1")));
	length = strlen(checksum) - Min(strlen(checksum), WHOLE_DIGITS + 1);
	if (strspn(checksum, hexadecimal) != WHOLE_DIGITS || checksum[WHOLE_DIGITS] != '-' ||
		strspn(checksum + WHOLE_DIGITS + 1, hexadecimal) != length ||
		length > PLAN_CHECKSUM_MAX_STEPS * STEP_DIGITS || length % STEP_DIGITS != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%.*s\" is not the checksum of a plan",
						pg_mbcliplen(checksum, strlen(checksum), WHOLE_DIGITS + 1), checksum),
				 errdetail("cmig.plan and cmig.dry_run show the checksum of a plan."),
				 cmig_hint("%s", hint ? hint : "SELECT plan_checksum FROM cmig.plan() LIMIT 1")));
	return checksum;
}

void
cmig_plan_checksum_require(const char *checksum, const CmigSituation *now, const CmigPlan *plan)
{
	char	   *present;

	if (checksum == NULL)
		return;
	present = cmig_plan_checksum(now, plan, cmig_step_texts_make(now->graph, plan), NULL, NULL);
	if (strcmp(present, checksum) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PLAN_CHANGED),
			 errmsg("the plan has changed since it was shown"),
			 errdetail("%s", describe_changes(now, plan, checksum + WHOLE_DIGITS + 1,
											  present + WHOLE_DIGITS + 1)),
			 cmig_hint("`SELECT * FROM cmig.plan('%s', %s)`", cmig_direction_name(plan->direction),
					   plan->target)));
}

/*
 * Running a plan in the current transaction
 */

void		(*cmig_before_upgrade) (const CmigSituation *now, const CmigPlan *plan,
									CmigBeforeUpgrade kind) = NULL;

void
cmig_run_plan(CmigRunPlan *run)
{
	const CmigPlan *plan = run->plan;
	volatile bool started = false;
	CmigStepTexts *texts;
	CmigJournalBatch *journal;
	const char *volatile restore_point = NULL;
	MemoryContext context;
	MemoryContext old;

	run->index = -1;
	if (plan->count == 0)
		return;
	cmig_last_failure_begin(plan->direction, cmig_graph_id(run->now->graph, plan->steps[0].node));
	PG_TRY();
	{
		if (plan->direction == CMIG_UPGRADE)
			cmig_before_upgrade(run->now, plan, CMIG_BEFORE_STEPS);
		cmig_log_run_start(cmig_move_describe(run->now->graph, plan), false);
		started = true;
		texts = cmig_step_texts_make(run->now->graph, plan);
		journal = cmig_journal_batch();
		cmig_move_check(texts, plan);
		if (run->begins)
			restore_point = cmig_restore_point_before();
		context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		for (run->index = 0; run->index < plan->count; run->index++)
		{
			const CmigPlanStep *step = &plan->steps[run->index];
			const CmigRevision *revision = run->now->graph->nodes[step->node].revision;
			const CmigRunStep *script;
			CmigJournalEntry entry;

			CHECK_FOR_INTERRUPTS();
			cmig_last_failure_begin(plan->direction, revision->id);
			script = cmig_step_texts_get(texts, run->index);
			cmig_move_run_step(run->now, plan, step, script, &entry);
			entry.message = run->index == 0 ? restore_point : NULL;
			cmig_journal_add(journal, &entry);
			if (run->report)
				run->report(plan->direction, revision, run->arg);
			MemoryContextReset(context);
		}
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		cmig_move_require_rows(run->now, plan);
		if (plan->unrelated)
			cmig_move_require_unrelated();
		cmig_journal_end(journal);
		if (run->begins)
			cmig_restore_point_after_commit();
	}
	PG_CATCH();
	{
		cmig_last_failure_record(started ? cmig_running.statement : 0);
		cmig_move_log_failure(geterrcode(), run->now->graph, plan, run->index);
		PG_RE_THROW();
	}
	PG_END_TRY();
	cmig_last_failure_forget();
	cmig_log_run_end(false, "ok");
}

/*
 * Pending revisions, which are not applied yet
 */

void
cmig_pending_require(const CmigSituation *now, const List *nodes, const char *target)
{
	CmigPlan   *pending = cmig_plan_upgrade(now->graph, now->applied, unconstify(List *, nodes));
	CmigListing ids;
	List	   *due = NIL;

	cmig_version_rows_check_snapshot();
	cmig_repeatable_add_due(now->graph, now->applied, pending, now->elsewhere);
	if (!now->elsewhere && cmig_move_is_expanded(now, pending))
		pending->count = 0;
	if (pending->count == 0)
		return;
	cmig_listing_init(&ids, CMIG_LISTING_QUOTED);
	for (int i = 0; i < pending->count; i++)
	{
		cmig_listing_add(&ids, cmig_graph_id(now->graph, pending->steps[i].node));
		due = lappend_int(due, pending->steps[i].node);
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
			 errmsg("target database is not up to date"),
			 errdetail_plural("%d revision is pending: %s.", "%d revisions are pending: %s.",
							  pending->count, pending->count, cmig_listing_text(&ids)),
	/* first show it, because it may be a revision that was given up */
			 cmig_hint("`SELECT * FROM cmig.plan('upgrade', %s)` -- shows what would run; then: %s",
					   quote_literal_cstr(target),
					   cmig_upgrade_call(now->graph, due, target, false))));
}

void
cmig_pending_require_heads(const CmigSituation *now)
{
	cmig_applied_require_known(now->graph, now->applied);
	cmig_applied_require_sound(now->graph, now->applied, true);
	if (now->graph->count + now->graph->repeatable_count > 0)
		cmig_pending_require(now, cmig_target_absolute(now->graph, "heads"), "heads");
}

/* The arguments of an upgrade. */
typedef struct Upgrade
{
	const CmigNames *targets;
	const char *checksum;
	bool		stepwise;
	bool		busy;			/* was a run in a transaction in progress
								 * before the look? */
} Upgrade;

/* A CmigChangeLook callback: is there nothing to upgrade? */
static bool
is_unneeded(void *arg)
{
	const Upgrade *upgrade = arg;
	const CmigNames *targets = upgrade->targets;
	CmigSituation now = cmig_move_read(false);
	CmigPlan   *plan = cmig_move_plan_upgrade(&now, targets);
	List	   *rows;

	if (plan->count > 0 || !now.settled)
		return false;

	/* a downgrade that is partially applied may revert what counts as applied */
	rows = cmig_progress_read();
	foreach_ptr(CmigProgressRow, row, rows)
	{
		if (row->direction == CMIG_DOWNGRADE)
			return false;
	}

	/*
	 * a stepwise run also settles what an interrupted run has left behind,
	 * but not what a run in progress has written
	 */
	if (upgrade->stepwise && (rows != NIL || cmig_journal_has_running()) &&
		cmig_run_lock_holder() == 0)
		return false;

	/*
	 * what a target other than an id stands for, such as head, depends on the
	 * revisions that are stored
	 */
	for (int i = 0; upgrade->busy && i < targets->count; i++)
		if (targets->names[i] == NULL || cmig_graph_find_id(now.graph, targets->names[i]) < 0)
			return false;
	cmig_plan_checksum_require(upgrade->checksum, &now, plan);
	cmig_move_report_nothing(now.graph, now.applied->rows, "upgrade");
	return true;
}

bool
cmig_pending_none(const char *function, const CmigNames *targets, const char *checksum,
				  bool stepwise)
{
	Upgrade		upgrade = {.targets = targets,.checksum = checksum,.stepwise = stepwise};
	TransactionId prepared;

	upgrade.busy = cmig_run_lock_transaction_holder(&prepared) != 0 ||
		TransactionIdIsValid(prepared);
	return cmig_change_is_unneeded(function, false, is_unneeded, &upgrade);
}
