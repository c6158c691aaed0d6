/*
 * move.c
 *	  What all moves along the graph have in common.
 *
 * Reads the situation, plans, refuses what is protected, fetches a step's
 * script and carries it out in the current transaction.  SELECT cmig.upgrade
 * and CALL cmig.upgrade_stepwise differ in where they commit, not in this.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/pack.h"
#include "base/settings.h"
#include "move/move.h"
#include "parse/script.h"
#include "tables/journal.h"
#include "tables/progress.h"

#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* How many steps' texts are read at a time, and how much of them is kept. */
#define READ_STEPS 200
#define READ_BYTES ((Size) 1024 * 1024)
/* How many revisions a message names. */
#define MAX_NAMED 5
/* How much is read at once where memory matters less than time. */
#define SMALL_BYTES (8 * 1024 * 1024)

/*
 * Starting
 */

/* Read the graph and what is applied. */
CmigSituation
cmig_move_read(bool with_details)
{
	CmigSituation now;
	CmigRevisionSet *set = cmig_catalog_read_revisions(with_details);

	now.graph = cmig_graph_build(set->revisions, set->count);
	cmig_graph_require_sound(now.graph);
	now.applied = cmig_target_applied(now.graph, cmig_catalog_read_version());
	return now;
}

/*
 * Protection
 */

/*
 * Refuse to take revisions back where cmig.protect says so.  everything: the
 * move goes down to base.
 */
void
cmig_move_require_unprotected(const CmigSituation *now, const CmigPlan *plan, bool everything,
							  const char *what, bool commits)
{
	StringInfoData lost;

	if (plan->count == 0 || cmig_settings_protect() == CMIG_PROTECT_OFF ||
		(cmig_settings_protect() == CMIG_PROTECT_BASE && !everything))
		return;

	initStringInfo(&lost);
	for (int i = 0; i < plan->count && i < MAX_NAMED; i++)
		appendStringInfo(&lost, "%s\"%s\"", i > 0 ? ", " : "",
						 cmig_graph_id(now->graph, plan->steps[i].node));
	if (plan->count > MAX_NAMED)
		appendStringInfo(&lost, " and %d more", plan->count - MAX_NAMED);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PROTECTED),
			 errmsg("%s is not allowed in database \"%s\"", what,
					get_database_name(MyDatabaseId)),
			 errdetail("cmig.protect is %s; reverting %s would lose the data in what was created there.",
					   cmig_settings_protect_name(), lost.data),
			 errhint("%s", cmig_settings_unprotect_hint(commits))));
}

/*
 * Carrying out a plan
 */

/* "a, b" of the nodes below a revision, "base" if there are none. */
static char *
parents_text(const CmigGraph *graph, int node)
{
	const CmigEdges *parents = &graph->nodes[node].parents;
	StringInfoData text;

	if (parents->count == 0)
		return pstrdup("base");
	initStringInfo(&text);
	for (int i = 0; i < parents->count; i++)
	{
		if (i == MAX_NAMED)
		{
			appendStringInfo(&text, " and %d more", parents->count - i);
			break;
		}
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
						 cmig_graph_id(graph, parents->nodes[i]));
	}
	return text.data;
}

void
cmig_move_report(const CmigSituation *now, const CmigPlan *plan, int node)
{
	const CmigRevision *revision = now->graph->nodes[node].revision;
	const char *comma = revision->message[0] ? ", " : "";

	if (plan->direction == CMIG_UPGRADE)
		ereport(NOTICE,
				(errmsg("upgrade %s -> %s%s%s", parents_text(now->graph, node),
						revision->id, comma, revision->message)));
	else
		ereport(NOTICE,
				(errmsg("downgrade %s -> %s%s%s", revision->id,
						parents_text(now->graph, node), comma, revision->message)));
}

void
cmig_move_report_nothing(const CmigGraph *graph, const CmigNames *rows, const char *verb)
{
	StringInfoData current;

	if (graph->count == 0)
	{
		ereport(NOTICE,
				(errmsg("no revision is loaded in database \"%s\"",
						get_database_name(MyDatabaseId)),
				 errhint("cmig.load stores the text of revision files, cmig.create_revision a single one.")));
		return;
	}
	initStringInfo(&current);
	for (int i = 0; i < rows->count && i < MAX_NAMED; i++)
		appendStringInfo(&current, "%s%s", i > 0 ? ", " : "", rows->names[i]);
	if (rows->count > MAX_NAMED)
		appendStringInfo(&current, " and %d more", rows->count - MAX_NAMED);
	ereport(NOTICE,
			(errmsg("nothing to %s: database \"%s\" is at %s", verb,
					get_database_name(MyDatabaseId), rows->count == 0 ? "base" : current.data)));
}

static void
fill_step(CmigRunStep *step, const CmigPlan *plan, const char *id,
		  const CmigStoredScript *script)
{
	memset(step, 0, sizeof(*step));
	step->revision = id;
	step->direction = plan->direction;
	step->sql = script->sql;
	step->verify_sql = script->verify_sql;
	step->transactional = script->transactional;
}

static void
require_reversible(const CmigRunStep *step)
{
	if (step->sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_IRREVERSIBLE),
				 errmsg("revision \"%s\" cannot be taken back", step->revision),
				 errdetail("It has no downgrade script."),
				 errhint("Downgrade to \"%s\" or above, give the revision a downgrade section and load it, or restore a backup.",
						 step->revision)));
}

static void
revision_deleted(const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("revision \"%s\" was deleted during the run", id),
			 errhint("A script must not change cmig.revision.")));
}

CmigRunStep *
cmig_move_fetch(const CmigSituation *now, const CmigPlan *plan, int node)
{
	const char *id = cmig_graph_id(now->graph, node);
	CmigStoredScript *script = cmig_catalog_read_script(id, plan->direction);
	CmigRunStep *step;

	if (script == NULL)
		revision_deleted(id);
	step = palloc(sizeof(CmigRunStep));
	fill_step(step, plan, id, script);
	require_reversible(step);
	return step;
}

/*
 * Reading and checking
 */

struct CmigStepTexts
{
	const CmigSituation *now;
	const CmigPlan *plan;
	int			first;			/* the steps that were read last */
	int			count;
	int			kept;			/* of which so many were small enough */
	CmigRunStep steps[READ_STEPS];	/* their texts; no revision: not kept */
	MemoryContext context;		/* where the texts live */
	CmigPack	pack;

	/* small ones that were read before, or NULL */
	CmigRunStep **small;
	int		   *place;			/* of each node: its step, or -1 */
	CmigPack	small_pack;
};

CmigStepTexts *
cmig_move_texts(const CmigSituation *now, const CmigPlan *plan)
{
	CmigStepTexts *texts = palloc0(sizeof(CmigStepTexts));

	texts->now = now;
	texts->plan = plan;
	texts->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig texts",
										   ALLOCSET_DEFAULT_SIZES);
	return texts;
}

static const char *
copy_text(CmigPack *pack, const char *text)
{
	return text ? cmig_pack_string(pack, text, strlen(text)) : NULL;
}

static void
keep_script(const char *revision, CmigStoredScript *script, void *arg)
{
	CmigStepTexts *texts = arg;
	const CmigPlanStep *steps = &texts->plan->steps[texts->first];
	int			node = cmig_graph_find_id(texts->now->graph, revision);
	MemoryContext old;
	int			i = 0;

	while (i < texts->count && steps[i].node != node)
		i++;
	if (i == texts->count)
		return;
	old = MemoryContextSwitchTo(texts->context);
	fill_step(&texts->steps[i], texts->plan, cmig_graph_id(texts->now->graph, node), script);
	texts->steps[i].sql = copy_text(&texts->pack, script->sql);
	texts->steps[i].verify_sql = copy_text(&texts->pack, script->verify_sql);
	texts->kept++;
	MemoryContextSwitchTo(old);
}

static void
keep_small(const char *revision, CmigStoredScript *script, void *arg)
{
	CmigStepTexts *texts = arg;
	int			node = cmig_graph_find_id(texts->now->graph, revision);
	MemoryContext old;
	CmigRunStep *step;

	if (node < 0 || texts->place[node] < 0)
		return;
	old = MemoryContextSwitchTo(GetMemoryChunkContext(texts));
	step = cmig_pack_alloc(&texts->small_pack, sizeof(CmigRunStep));
	fill_step(step, texts->plan, cmig_graph_id(texts->now->graph, node), script);
	step->sql = copy_text(&texts->small_pack, script->sql);
	step->verify_sql = copy_text(&texts->small_pack, script->verify_sql);
	texts->small[texts->place[node]] = step;
	MemoryContextSwitchTo(old);
}

void
cmig_move_read_small_texts(CmigStepTexts *texts)
{
	const CmigPlan *plan = texts->plan;
	int			count = texts->now->graph->count;

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

/* Read the texts of some steps from first on. */
static void
read_texts(CmigStepTexts *texts, int first)
{
	char	   *names[READ_STEPS];
	CmigNames	ids = {0, names};
	MemoryContext old;

	/* where few of those before were small enough, no more are asked for */
	texts->count = Min(texts->count == 0 ? READ_STEPS : Min(2 * texts->kept + 1, READ_STEPS),
					   texts->plan->count - first);
	texts->first = first;
	texts->kept = 0;
	memset(texts->steps, 0, sizeof(texts->steps));
	memset(&texts->pack, 0, sizeof(texts->pack));
	MemoryContextReset(texts->context);

	for (int i = 0; i < texts->count; i++)
		names[ids.count++] = cmig_graph_id(texts->now->graph,
										   texts->plan->steps[first + i].node);
	old = MemoryContextSwitchTo(texts->context);
	cmig_catalog_each_script(&ids, texts->plan->direction, READ_BYTES, keep_script, texts);
	MemoryContextSwitchTo(old);
}

const CmigRunStep *
cmig_move_text(CmigStepTexts *texts, int number)
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
		revision_deleted(cmig_graph_id(texts->now->graph, texts->plan->steps[number].node));
	require_reversible(step);
	return step;
}

void
cmig_move_check(CmigStepTexts *texts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (texts->plan->count > 0)
		cmig_progress_require_none();
	for (int i = 0; i < texts->plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cmig_runner_check(cmig_move_text(texts, i));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
cmig_move_rows(const CmigSituation *now, const CmigPlanStep *step)
{
	if (step->removed.count == 1 && step->added.count == 1)
	{
		cmig_catalog_replace_version(cmig_graph_id(now->graph, step->removed.nodes[0]),
									 cmig_graph_id(now->graph, step->added.nodes[0]));
		return;
	}
	for (int i = 0; i < step->removed.count; i++)
		cmig_catalog_delete_version(cmig_graph_id(now->graph, step->removed.nodes[i]));
	for (int i = 0; i < step->added.count; i++)
		cmig_catalog_insert_version(cmig_graph_id(now->graph, step->added.nodes[i]));
}

/*
 * The version rows as they must be
 */

CmigExpectedRows *
cmig_move_expect_rows(const CmigSituation *now)
{
	CmigExpectedRows *expected = palloc(sizeof(CmigExpectedRows));
	ListCell   *lc;

	expected->set = palloc_extended(Max(now->graph->count, 1),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	foreach(lc, now->applied->nodes)
	{
		expected->set[lfirst_int(lc)] = true;
	}
	expected->count = list_length(now->applied->nodes);
	return expected;
}

void
cmig_move_expect_step(CmigExpectedRows *expected, const CmigPlanStep *step)
{
	for (int i = 0; i < step->removed.count; i++)
		expected->set[step->removed.nodes[i]] = false;
	for (int i = 0; i < step->added.count; i++)
		expected->set[step->added.nodes[i]] = true;
	expected->count += step->added.count - step->removed.count;
}

static void
version_changed(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cmig.version was changed during the run"),
			 errdetail("%s", detail),
			 errhint("Only cmig.upgrade, cmig.downgrade and cmig.stamp should write cmig.version; %s", hint)));
}

static bool
has_node(const CmigEdges *change, int node)
{
	for (int i = 0; i < change->count; i++)
	{
		if (change->nodes[i] == node)
			return true;
	}
	return false;
}

/* Must there be a row of the node?  step has moved the rows already, or is NULL. */
static bool
is_expected(const CmigExpectedRows *expected, const CmigPlanStep *step, int node)
{
	if (step != NULL && has_node(&step->added, node))
		return true;
	return expected->set[node] && !(step != NULL && has_node(&step->removed, node));
}

/* Which of the expected rows is not among these? */
static const char *
missing_row(const CmigGraph *graph, const CmigExpectedRows *expected, const CmigPlanStep *step,
			const CmigNames *rows)
{
	for (int i = 0; i < graph->count; i++)
	{
		bool		found = !is_expected(expected, step, i);

		for (int j = 0; j < rows->count && !found; j++)
			found = strcmp(rows->names[j], cmig_graph_id(graph, i)) == 0;
		if (!found)
			return cmig_graph_id(graph, i);
	}
	return "";
}

void
cmig_move_require_expected(const CmigSituation *now, const CmigExpectedRows *expected,
						   const CmigPlanStep *step, const char *hint)
{
	CmigNames  *rows = cmig_catalog_read_version();
	int			count = expected->count;

	if (step != NULL)
		count += step->added.count - step->removed.count;

	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(now->graph, rows->names[i]);

		if (node < 0 || !is_expected(expected, step, node))
			version_changed(psprintf("It has a row \"%s\", which no step has made.",
									 rows->names[i]), hint);
	}
	if (rows->count != count)
		version_changed(psprintf("The row of revision \"%s\" is gone.",
								 missing_row(now->graph, expected, step, rows)), hint);
}

void
cmig_move_require_rows(const CmigSituation *now, const CmigPlan *plan)
{
	CmigExpectedRows *expected;
	char	   *unknown;

	if (plan->count == 0)
		return;
	expected = cmig_move_expect_rows(now);
	for (int i = 0; i < plan->count; i++)
		cmig_move_expect_step(expected, &plan->steps[i]);
	cmig_move_require_expected(now, expected, NULL, "a script must not.");
	unknown = cmig_catalog_unknown_version();
	if (unknown != NULL)
		revision_deleted(unknown);
	pfree(expected->set);
	pfree(expected);
}

void
cmig_move_run_step(const CmigSituation *now, const CmigPlan *plan, const CmigPlanStep *step,
				   const CmigRunStep *run, CmigJournalEntry *entry)
{
	memset(entry, 0, sizeof(*entry));
	cmig_move_report(now, plan, step->node);
	entry->revision = run->revision;
	entry->direction = plan->direction == CMIG_UPGRADE ? "upgrade" : "downgrade";
	entry->outcome = "done";
	entry->started_at = GetCurrentTimestamp();
	cmig_runner_run(run);
	cmig_move_rows(now, step);
	entry->finished_at = GetCurrentTimestamp();
	if (plan->direction == CMIG_UPGRADE)
		entry->checksum = cmig_script_checksum(run->sql, run->transactional);
}

CmigPlan *
cmig_move_plan_upgrade(const CmigSituation *now, const CmigNames *targets)
{
	List	   *nodes;

	cmig_target_require_sound_rows(now->graph, now->applied, true);
	nodes = cmig_target_upgrade(now->graph, now->applied, targets);
	cmig_target_require_known_rows(now->graph, now->applied);
	return cmig_plan_upgrade(now->graph, now->applied, nodes);
}

CmigPlan *
cmig_move_plan_downgrade(const CmigSituation *now, const char *target, CmigDowngradeTarget **resolved)
{
	/* a row for a mere dependency is no obstacle; the plan takes it away */
	cmig_target_require_sound_rows(now->graph, now->applied, false);
	*resolved = cmig_target_downgrade(now->graph, now->applied, target);
	cmig_target_require_known_rows(now->graph, now->applied);
	return cmig_plan_downgrade(now->graph, now->applied, *resolved);
}
