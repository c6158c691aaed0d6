/*
 * step_texts.c
 *	  Reads the scripts of a plan's steps, a few at a time.
 *
 * One query fetches the scripts of up to READ_STEPS steps.  These are kept
 * until the next query, except for scripts that do not fit into READ_BYTES,
 * which are read individually when their steps are reached.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/pack.h"
#include "graph/repeatables.h"
#include "move/step_texts.h"
#include "run/placeholder_values.h"
#include "tables/catalog.h"

#include "utils/memutils.h"

/* The maximum number of scripts read at a time, and of bytes kept. */
#define READ_STEPS 200
#define READ_BYTES ((Size) 1024 * 1024)
/* The maximum number of bytes kept by cmig_step_texts_read_small(). */
#define SMALL_BYTES (8 * 1024 * 1024)

/* Fill in *step from the stored script of the revision "id". */
static void
fill_step(CmigRunStep *step, const CmigPlan *plan, const char *id, bool repeatable,
		  const CmigStoredScript *script)
{
	memset(step, 0, sizeof(*step));
	step->revision = id;
	step->direction = plan->direction;
	step->target = plan->target;
	step->stored_sql = script->sql;
	step->sql = cmig_placeholder_values_insert(script->sql, &script->placeholders, id,
											   cmig_direction_name(plan->direction));
	step->verify_sql = cmig_placeholder_values_insert(script->verify_sql, &script->placeholders, id, "verify");
	step->precondition_sql = cmig_placeholder_values_insert(script->precondition_sql, &script->placeholders,
															id, "precondition");
	step->transactional = script->transactional;
	step->repeatable = repeatable;
}

/*
 * Raise error MG006 if the step reverts a revision that has no downgrade
 * script.
 */
static void
require_reversible(const CmigRunStep *step)
{
	if (step->sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_IRREVERSIBLE),
				 errmsg("revision \"%s\" cannot be reverted", step->revision),
				 errdetail("It has no downgrade script."),
				 errhint("Downgrade to \"%s\" or above, add a downgrade section to the revision and load it, or restore a backup.",
						 step->revision)));
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
cmig_step_texts_fetch(const CmigGraph *graph, const CmigPlan *plan, int node)
{
	const char *id = cmig_graph_id(graph, node);
	CmigStoredScript *script = cmig_catalog_read_script(id, plan->direction);
	CmigRunStep *step;

	if (script == NULL)
		cmig_step_texts_deleted(id);
	step = palloc(sizeof(CmigRunStep));
	fill_step(step, plan, id, cmig_repeatables_is(graph, node), script);
	require_reversible(step);
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
	int		   *place;			/* indexed by node: number of the node's step,
								 * or -1 */
	CmigPack	small_pack;
};

CmigStepTexts *
cmig_step_texts_make(const CmigGraph *graph, const CmigPlan *plan)
{
	CmigStepTexts *texts = palloc0(sizeof(CmigStepTexts));

	texts->graph = graph;
	texts->plan = plan;
	texts->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig texts",
										   ALLOCSET_DEFAULT_SIZES);
	return texts;
}

/* Copy a string, which may be NULL, to the memory of the pack. */
static const char *
copy_text(CmigPack *pack, const char *text)
{
	return text ? cmig_pack_string(pack, text, strlen(text)) : NULL;
}

/* Replace a step's scripts with copies in the memory of the pack. */
static void
keep_texts(CmigRunStep *step, CmigPack *pack)
{
	bool		replaced = step->sql != step->stored_sql;

	step->sql = copy_text(pack, step->sql);
	step->stored_sql = replaced ? copy_text(pack, step->stored_sql) : step->sql;
	step->verify_sql = copy_text(pack, step->verify_sql);
	step->precondition_sql = copy_text(pack, step->precondition_sql);
}

/* Callback: keep the script of a step that the current query returns. */
static void
keep_script(const char *revision, CmigStoredScript *script, void *arg)
{
	CmigStepTexts *texts = arg;
	const CmigPlanStep *steps = &texts->plan->steps[texts->first];
	int			node = cmig_repeatables_find_any(texts->graph, revision);
	MemoryContext old;
	int			i = 0;

	while (i < texts->count && steps[i].node != node)
		i++;
	if (i == texts->count)
		return;
	old = MemoryContextSwitchTo(texts->context);
	fill_step(&texts->steps[i], texts->plan, cmig_graph_id(texts->graph, node),
			  cmig_repeatables_is(texts->graph, node), script);
	keep_texts(&texts->steps[i], &texts->pack);
	texts->kept++;
	MemoryContextSwitchTo(old);
}

/*
 * Callback for each script that is small enough to be read in advance: keep it
 * if it belongs to a step of the plan.
 */
static void
keep_small(const char *revision, CmigStoredScript *script, void *arg)
{
	CmigStepTexts *texts = arg;
	int			node = cmig_repeatables_find_any(texts->graph, revision);
	MemoryContext old;
	CmigRunStep *step;

	if (node < 0 || texts->place[node] < 0)
		return;
	old = MemoryContextSwitchTo(GetMemoryChunkContext(texts));
	step = cmig_pack_alloc(&texts->small_pack, sizeof(CmigRunStep));
	fill_step(step, texts->plan, cmig_graph_id(texts->graph, node),
			  cmig_repeatables_is(texts->graph, node), script);
	keep_texts(step, &texts->small_pack);
	texts->small[texts->place[node]] = step;
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
	texts->place = palloc_extended(sizeof(int) * (Size) count, MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		texts->place[i] = -1;
	for (int i = 0; i < plan->count; i++)
		texts->place[plan->steps[i].node] = i;
	cmig_catalog_each_small_script(SMALL_BYTES / plan->count, plan->direction,
								   keep_small, texts);
	pfree(texts->place);
	texts->place = NULL;
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
	const CmigRunStep *step;

	if (texts->small && texts->small[number])
	{
		require_reversible(texts->small[number]);
		return texts->small[number];
	}
	if (number < texts->first || number >= texts->first + texts->count ||
		texts->steps[number - texts->first].revision == NULL)
		read_texts(texts, number);
	step = &texts->steps[number - texts->first];
	if (step->revision == NULL)
		cmig_step_texts_deleted(cmig_graph_id(texts->graph, texts->plan->steps[number].node));
	require_reversible(step);
	return step;
}
