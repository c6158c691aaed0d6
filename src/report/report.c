/*
 * report.c
 *	  The functions that only look: current, heads, branches, history, show,
 *	  status, check.
 *
 * They work on a broken graph too, so that its defects can be found, and
 * beside version rows that name unknown revisions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/settings.h"
#include "graph/graph_walk.h"
#include "graph/plan.h"
#include "graph/target.h"
#include "parse/script.h"
#include "parse/text_check.h"
#include "report/access_check.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "run/session.h"
#include "tables/catalog.h"
#include "tables/journal.h"
#include "tables/progress.h"

#define MAX_LISTED 8

PG_FUNCTION_INFO_V1(cmig_current);
PG_FUNCTION_INFO_V1(cmig_heads);
PG_FUNCTION_INFO_V1(cmig_branches);
PG_FUNCTION_INFO_V1(cmig_history);
PG_FUNCTION_INFO_V1(cmig_show);
PG_FUNCTION_INFO_V1(cmig_status);
PG_FUNCTION_INFO_V1(cmig_check);

typedef struct View
{
	CmigGraph  *graph;
	CmigApplied *applied;
	bool	   *is_row;			/* the node has a version row */
} View;

static View
read_view(void)
{
	View		view;
	CmigRevisionSet *set = cmig_catalog_read_revisions(true);
	ListCell   *lc;

	view.graph = cmig_graph_build(set->revisions, set->count);
	view.applied = cmig_target_applied(view.graph, cmig_catalog_read_version());
	view.is_row = palloc0(Max(view.graph->count, 1));
	foreach(lc, view.applied->nodes)
	{
		view.is_row[lfirst_int(lc)] = true;
	}
	return view;
}

/*
 * Building rows
 */

static void
put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Datum
list_datum(List *names)
{
	CmigNames	array = {0};
	ListCell   *lc;

	array.names = palloc(sizeof(char *) * (list_length(names) + 1));
	foreach(lc, names)
	{
		array.names[array.count++] = lfirst(lc);
	}
	return cmig_catalog_names_datum(&array);
}

static Datum
edges_datum(const CmigGraph *graph, const CmigEdges *edges)
{
	List	   *names = NIL;

	for (int i = 0; i < edges->count; i++)
		names = lappend(names, (void *) cmig_graph_id(graph, edges->nodes[i]));
	return list_datum(names);
}

/* Up to most ids of an array of nodes, then " and N more". */
static char *
nodes_text(const CmigGraph *graph, const int *nodes, int count, int most)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
	{
		if (i == most)
		{
			appendStringInfo(&text, " and %d more", count - most);
			break;
		}
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", cmig_graph_id(graph, nodes[i]));
	}
	return text.data;
}

static char *
names_text(const CmigNames *names)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < names->count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names->names[i]);
	return text.data;
}

/*
 * Lists
 */

Datum
cmig_current(PG_FUNCTION_ARGS)
{
	CmigNames  *rows;
	View		view;
	CmigShownLabels *labels;

	InitMaterializedSRF(fcinfo, 0);
	rows = cmig_catalog_read_version();

	view = read_view();
	labels = cmig_graph_shown_labels(view.graph);
	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(view.graph, rows->names[i]);
		Datum		values[5] = {0};
		bool		nulls[5] = {0};

		values[0] = CStringGetTextDatum(rows->names[i]);
		values[1] = BoolGetDatum(node >= 0 && cmig_graph_is_head(view.graph, node));
		values[2] = BoolGetDatum(node >= 0);
		values[3] = list_datum(node >= 0 ? cmig_graph_labels(labels, node) : NIL);
		if (node >= 0)
			values[4] = CStringGetTextDatum(view.graph->nodes[node].revision->message);
		else
			nulls[4] = true;
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_heads(PG_FUNCTION_ARGS)
{
	View		view;
	CmigShownLabels *labels;

	InitMaterializedSRF(fcinfo, 0);
	view = read_view();
	labels = cmig_graph_shown_labels(view.graph);
	for (int i = 0; i < view.graph->count; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {0};

		if (!cmig_graph_is_head(view.graph, i))
			continue;
		values[0] = CStringGetTextDatum(cmig_graph_id(view.graph, i));
		values[1] = list_datum(cmig_graph_labels(labels, i));
		values[2] = BoolGetDatum(view.is_row[i]);
		values[3] = BoolGetDatum(cmig_graph_is_effective_head(view.graph, i));
		values[4] = CStringGetTextDatum(view.graph->nodes[i].revision->message);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_branches(PG_FUNCTION_ARGS)
{
	View		view;
	CmigShownLabels *labels;

	InitMaterializedSRF(fcinfo, 0);
	view = read_view();
	labels = cmig_graph_shown_labels(view.graph);
	for (int i = 0; i < view.graph->count; i++)
	{
		const CmigNode *node = &view.graph->nodes[i];
		Datum		values[4];
		bool		nulls[4] = {0};

		if (node->children.count < 2)
			continue;
		values[0] = CStringGetTextDatum(node->revision->id);
		values[1] = list_datum(cmig_graph_labels(labels, i));
		values[2] = edges_datum(view.graph, &node->children);
		values[3] = CStringGetTextDatum(node->revision->message);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_history(PG_FUNCTION_ARGS)
{
	View		view;
	CmigMarks  *range;
	CmigShownLabels *labels;
	int		   *order;
	int			count;
	MemoryContext context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	view = read_view();
	range = cmig_target_range(view.graph, view.applied,
							  cmig_argument_text(fcinfo, 0));
	labels = cmig_graph_shown_labels(view.graph);
	order = cmig_graph_order(view.graph, range, &count);

	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig history row",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = count - 1; i >= 0; i--)
	{
		const CmigNode *node = &view.graph->nodes[order[i]];
		Datum		values[10];
		bool		nulls[10] = {0};

		values[0] = CStringGetTextDatum(node->revision->id);
		values[1] = cmig_catalog_names_datum(&node->revision->parents);
		values[2] = cmig_catalog_names_datum(&node->revision->depends);
		values[3] = list_datum(cmig_graph_labels(labels, order[i]));
		values[4] = BoolGetDatum(node->children.count == 0);
		values[5] = BoolGetDatum(view.is_row[order[i]]);
		values[6] = BoolGetDatum(node->children.count > 1);
		values[7] = BoolGetDatum(node->parents.count > 1);
		values[8] = BoolGetDatum(view.applied->applied->set[order[i]]);
		values[9] = CStringGetTextDatum(node->revision->message);
		put_row(fcinfo, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * One revision
 */

static void
put_field(FunctionCallInfo fcinfo, const char *field, const char *value)
{
	Datum		values[2];
	bool		nulls[2] = {false, value == NULL};

	values[0] = CStringGetTextDatum(field);
	values[1] = value ? CStringGetTextDatum(value) : (Datum) 0;
	put_row(fcinfo, values, nulls);
}

static const char *
yes_no(bool value)
{
	return value ? "yes" : "no";
}

static void
show_revision(FunctionCallInfo fcinfo, const View *view, const CmigShownLabels *labels, int n)
{
	const CmigNode *node = &view->graph->nodes[n];
	CmigRevisionText *text = cmig_catalog_read_text(node->revision->id);
	StringInfoData shown;
	ListCell   *lc;

	if (text == NULL)
		return;					/* deleted meanwhile */
	initStringInfo(&shown);
	foreach(lc, cmig_graph_labels(labels, n))
	{
		appendStringInfo(&shown, "%s%s", shown.len > 0 ? ", " : "", (char *) lfirst(lc));
	}

	put_field(fcinfo, "revision", node->revision->id);
	put_field(fcinfo, "down_revision", names_text(&node->revision->parents));
	put_field(fcinfo, "depends_on", names_text(&node->revision->depends));
	put_field(fcinfo, "branch_labels", shown.data);
	put_field(fcinfo, "branches_into",
			  nodes_text(view->graph, node->children.nodes, node->children.count, MAX_LISTED));
	put_field(fcinfo, "message", text->edges.message);
	put_field(fcinfo, "description", text->description);
	put_field(fcinfo, "transactional", yes_no(text->edges.transactional));
	put_field(fcinfo, "reversible", yes_no(text->downgrade_sql != NULL));
	put_field(fcinfo, "applied", yes_no(view->applied->applied->set[n]));
	put_field(fcinfo, "head", yes_no(node->children.count == 0));
	put_field(fcinfo, "created_at",
			  text->has_created_at ? timestamptz_to_str(text->created_at) : NULL);
	put_field(fcinfo, "created_by", text->edges.created_by);
	put_field(fcinfo, "upgrade_sql", text->upgrade_sql);
	put_field(fcinfo, "downgrade_sql", text->downgrade_sql);
	put_field(fcinfo, "verify_sql", text->verify_sql);
}

Datum
cmig_show(PG_FUNCTION_ARGS)
{
	View		view;
	char	   *target;
	List	   *nodes;
	CmigShownLabels *labels;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	target = cmig_argument_text(fcinfo, 0);
	if (target == NULL || target[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 target ? errmsg("the target must not be empty")
				 : errmsg("the target must not be null"),
				 errhint("Say head, heads, current, a branch label, or an id: SELECT * FROM cmig.show('head')")));
	view = read_view();
	if (target && strcmp(target, "current") == 0)
		nodes = view.applied->nodes;
	else
		nodes = cmig_target_absolute(view.graph, target);
	labels = cmig_graph_shown_labels(view.graph);
	foreach(lc, nodes)
	{
		show_revision(fcinfo, &view, labels, lfirst_int(lc));
	}
	return (Datum) 0;
}

/*
 * Health
 */

typedef struct Problem
{
	const char *severity;		/* error, warning, notice */
	const char *object;
	const char *problem;
	const char *fix;
} Problem;

static List *
add_problem(List *problems, const char *severity, const char *object,
			const char *text, const char *fix)
{
	Problem    *problem = palloc(sizeof(Problem));

	problem->severity = severity;
	problem->object = object;
	problem->problem = text;
	problem->fix = fix;
	return lappend(problems, problem);
}

/* What the texts show: one that is no longer what was run, one that cannot run. */
typedef struct TextCheck
{
	const View *view;
	List	   *problems;
	MemoryContext context;		/* where problems live */
} TextCheck;

/* Is the text of an applied revision what was run? */
static void
compare_with_journal(const CmigRevisionText *text, TextCheck *check)
{
	char	   *recorded = cmig_journal_checksum(text->edges.id);
	MemoryContext old;

	if (recorded == NULL ||
		strcmp(recorded, cmig_script_checksum(text->upgrade_sql, text->edges.transactional)) == 0)
		return;

	old = MemoryContextSwitchTo(check->context);
	check->problems =
		add_problem(check->problems, "warning", pstrdup(text->edges.id),
					"its upgrade text or transactional flag is not what was applied here",
					psprintf("Load the text that was applied, or accept this one: SELECT cmig.repair(%s)",
							 quote_literal_cstr(text->edges.id)));
	MemoryContextSwitchTo(old);
}

/* Can one of its scripts run?  NULL: there is none. */
static void
check_script(const CmigRevisionText *text, const char *what, const char *sql,
			 const char *severity, TextCheck *check)
{
	MemoryContext old;
	CmigTextProblem *problem;

	if (sql == NULL)
		return;
	problem = cmig_text_check(what, sql, text->edges.transactional,
							  !cmig_runner_concurrent_ddl());
	if (problem == NULL)
		return;
	old = MemoryContextSwitchTo(check->context);
	check->problems = add_problem(check->problems, severity, pstrdup(text->edges.id),
								  pstrdup(problem->problem), pstrdup(problem->fix));
	MemoryContextSwitchTo(old);
}

static void
check_text(const CmigRevisionText *text, void *arg)
{
	TextCheck  *check = arg;
	int			node = cmig_graph_find_id(check->view->graph, text->edges.id);

	CHECK_FOR_INTERRUPTS();
	if (node < 0)
		return;
	if (check->view->applied->applied->set[node])
		compare_with_journal(text, check);
	else
	{
		check_script(text, "upgrade", text->upgrade_sql, "error", check);
		check_script(text, "verify", text->verify_sql, "error", check);
	}
	check_script(text, "downgrade", text->downgrade_sql, "warning", check);
}

/* Look at all texts, as the settings with which scripts start would have them read. */
static List *
add_text_problems(const View *view, List *problems)
{
	TextCheck	check = {view, problems, CurrentMemoryContext};
	int			guc_level = cmig_session_read_quietly();

	cmig_settings_override("standard_conforming_strings", "on");
	cmig_catalog_each_text(check_text, &check);
	AtEOXact_GUC(false, guc_level);
	return check.problems;
}

/*
 * with_texts: also look at the texts, which reads them all.
 */
static List *
find_problems(const View *view, bool with_texts)
{
	List	   *problems = NIL;
	ListCell   *lc;
	int			heads = 0;

	foreach(lc, view->graph->defects)
	{
		const CmigDefect *defect = lfirst(lc);

		problems = add_problem(problems, "error", defect->revision,
							   defect->problem, defect->fix);
	}
	foreach(lc, view->applied->unknown)
	{
		problems = add_problem(problems, "error", lfirst(lc),
							   "cmig.version names it, but cmig.revision does not hold it",
							   "Load the missing revision, or record where the database is: SELECT cmig.stamp('<revision>', purge => true)");
	}

	/* only a row written by hand; the second mention counts for nothing */
	for (int i = 0; i < view->graph->count; i++)
	{
		const CmigRevision *revision = view->graph->nodes[i].revision;
		const CmigNames *lists[] = {&revision->parents, &revision->depends, &revision->labels};
		const char *const columns[] = {"down_revision", "depends_on", "branch_labels"};

		for (int j = 0; j < lengthof(lists); j++)
		{
			const char *repeated = cmig_graph_find_repeated(lists[j]);

			if (repeated)
				problems = add_problem(problems, "warning", revision->id,
									   psprintf("its %s names \"%s\" twice", columns[j], repeated),
									   "Name it once, or write the other one that is meant.");
		}
	}

	/* a row below another row */
	foreach(lc, view->applied->nodes)
	{
		const CmigNode *node = &view->graph->nodes[lfirst_int(lc)];
		bool		named = false;

		for (int i = 0; i < node->children.count && !named; i++)
			named = view->applied->applied->set[node->children.nodes[i]];
		for (int i = 0; i < node->dependents.count && !named; i++)
			named = view->applied->applied->set[node->dependents.nodes[i]];
		if (named && view->graph->defects == NIL)
			problems = add_problem(problems, "error", node->revision->id,
								   "it has a version row although another row is above it",
								   "Record where the database really is: SELECT cmig.stamp('<revision>', purge => true)");
	}

	for (int i = 0; i < view->graph->count; i++)
		if (cmig_graph_is_effective_head(view->graph, i))
			heads++;
	if (heads > 1 && view->graph->defects == NIL)
	{
		bool		labelled = true;
		CmigShownLabels *labels = cmig_graph_shown_labels(view->graph);

		for (int i = 0; i < view->graph->count; i++)
			if (cmig_graph_is_effective_head(view->graph, i) && cmig_graph_labels(labels, i) == NIL)
				labelled = false;
		if (!labelled)
			problems = add_problem(problems, "warning", "heads",
								   psprintf("there are %d heads, so upgrade to head is ambiguous", heads),
								   "SELECT cmig.merge('heads', '<message>') joins them; SELECT * FROM cmig.heads() lists them.");
	}

	if (with_texts)
	{
		foreach(lc, cmig_access_findings())
		{
			CmigAccessFinding *finding = lfirst(lc);

			problems = add_problem(problems, finding->severity, finding->object,
								   finding->problem, finding->fix);
		}
		problems = add_text_problems(view, problems);
		problems = add_problem(problems, "notice", "pg_dump",
							   "pg_dump -s leaves out the rows of cmig.revision, cmig.version and cmig.journal; no dump holds cmig.secret",
							   "Dump with data, or load the revisions and stamp after restoring a schema.");
	}
	return problems;
}

Datum
cmig_check(PG_FUNCTION_ARGS)
{
	View		view;
	List	   *problems;
	ListCell   *lc;
	int			errors = 0;
	StringInfoData detail;

	InitMaterializedSRF(fcinfo, 0);
	view = read_view();
	problems = find_problems(&view, true);

	initStringInfo(&detail);
	foreach(lc, problems)
	{
		Problem    *problem = lfirst(lc);
		Datum		values[4];
		bool		nulls[4] = {0};

		if (strcmp(problem->severity, "error") == 0 && errors++ < 20)
			appendStringInfo(&detail, "%s%s: %s.", errors > 1 ? "\n" : "",
							 problem->object, problem->problem);
		values[0] = CStringGetTextDatum(problem->severity);
		values[1] = CStringGetTextDatum(problem->object);
		values[2] = CStringGetTextDatum(problem->problem);
		values[3] = CStringGetTextDatum(problem->fix);
		put_row(fcinfo, values, nulls);
	}
	if (errors > 0 && !PG_ARGISNULL(0) && PG_GETARG_BOOL(0))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BROKEN_GRAPH),
				 errmsg_plural("the catalog has %d problem", "the catalog has %d problems",
							   errors, errors),
				 errdetail("%s", detail.data),
				 errhint("SELECT * FROM cmig.check() lists each problem with its fix.")));
	return (Datum) 0;
}

/*
 * Status
 */

static void
put_status(FunctionCallInfo fcinfo, const char *item, const char *value, const char *hint)
{
	Datum		values[3];
	bool		nulls[3] = {false, value == NULL, hint == NULL};

	values[0] = CStringGetTextDatum(item);
	values[1] = value ? CStringGetTextDatum(value) : (Datum) 0;
	values[2] = hint ? CStringGetTextDatum(hint) : (Datum) 0;
	put_row(fcinfo, values, nulls);
}

/* The roles that wrote the revisions of a plan, each once. */
static char *
authors_text(const CmigGraph *graph, const CmigPlan *plan)
{
	StringInfoData text;
	List	   *authors = NIL;

	initStringInfo(&text);
	for (int i = 0; i < plan->count; i++)
	{
		char	   *author = graph->nodes[plan->steps[i].node].revision->created_by;
		ListCell   *lc;

		if (author == NULL)
			continue;
		foreach(lc, authors)
		{
			if (strcmp(lfirst(lc), author) == 0)
				break;
		}
		if (lc == NULL)
		{
			authors = lappend(authors, author);
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", author);
		}
	}
	return text.data;
}

/* A step that is half done is to be finished first, which has its own row. */
static bool
may_go_up(bool stepwise)
{
	List	   *rows = cmig_progress_read();

	return rows == NIL ||
		(stepwise && ((CmigProgressRow *) llast(rows))->direction == CMIG_UPGRADE);
}

static void
put_pending(FunctionCallInfo fcinfo, const View *view, int heads)
{
	List	   *targets = NIL;
	CmigPlan   *pending;
	int		   *nodes;
	const char *stepwise = NULL;	/* the first that cmig.upgrade refuses */

	for (int i = 0; i < view->graph->count; i++)
		if (cmig_graph_is_effective_head(view->graph, i))
			targets = lappend_int(targets, i);
	pending = cmig_plan_upgrade(view->graph, view->applied, targets);
	if (pending->count == 0)
	{
		put_status(fcinfo, "pending", "none", NULL);
		return;
	}
	nodes = palloc(sizeof(int) * pending->count);
	for (int i = 0; i < pending->count; i++)
	{
		nodes[i] = pending->steps[i].node;
		if (stepwise == NULL && !view->graph->nodes[nodes[i]].revision->transactional)
			stepwise = cmig_graph_id(view->graph, nodes[i]);
	}
	put_status(fcinfo, "pending",
			   psprintf("%d: %s", pending->count,
						nodes_text(view->graph, nodes, pending->count, MAX_LISTED)),
			   view->applied->unknown || !may_go_up(stepwise != NULL) ? NULL
			   : psprintf(stepwise ? "CALL cmig.upgrade_stepwise('%s')" : "SELECT * FROM cmig.upgrade('%s')",
						  heads > 1 ? "heads" : "head"));
	put_status(fcinfo, "pending written by", authors_text(view->graph, pending),
			   "SELECT revision, created_by FROM cmig.plan('upgrade', 'heads')");
	if (stepwise)
		put_status(fcinfo, "not transactional", stepwise,
				   "In tests and fresh installs, SET cmig.concurrent_ddl = off lets cmig.upgrade run it");
}

/*
 * Is the step of a journal row still to be done?  Otherwise its failure is
 * history: the database has got there, or away from there, in another way.
 */
static bool
is_still_to_do(const View *view, const CmigJournalEntry *entry)
{
	int			node = cmig_graph_find_id(view->graph, entry->revision);

	return node >= 0 &&
		view->applied->applied->set[node] == (strcmp(entry->direction, "downgrade") == 0);
}

/*
 * What stepwise runs do or have left.  Only a run that is alive holds the run
 * lock, so a row that says running without it is one that was cut off.
 */
static void
put_stepwise(FunctionCallInfo fcinfo, const View *view)
{
	CmigJournalEntry last;
	int			runner = cmig_run_lock_holder();
	bool		any = cmig_journal_last(&last) &&
	(runner != 0 || is_still_to_do(view, &last));
	List	   *rows = cmig_progress_read();
	CmigProgressRow *row = rows != NIL ? llast(rows) : NULL;
	const char *obstacle;

	if (any && RecoveryInProgress() && strcmp(last.outcome, "running") == 0)
	{
		put_status(fcinfo, "begun", psprintf("%s of %s", last.direction, last.revision),
				   "Only the primary knows whether that run is alive: SELECT * FROM cmig.status() there");
		return;
	}
	if (any && strcmp(last.outcome, "running") == 0)
		put_status(fcinfo, runner != 0 ? "running" : "interrupted",
				   runner != 0 ?
				   psprintf("%s of %s, by process %d", last.direction, last.revision, runner) :
				   psprintf("%s of %s", last.direction, last.revision),
				   runner != 0 ?
				   psprintf("SELECT * FROM pg_stat_activity WHERE pid = %d", runner) :
				   psprintf("CALL cmig.%s_stepwise(...) again", last.direction));
	else if (any && strcmp(last.outcome, "failed") == 0)
		put_status(fcinfo, "failed",
				   last.statement != 0 ?
				   psprintf("%s of %s, statement %d: %s", last.direction, last.revision,
							last.statement, last.message ? last.message : "") :
				   psprintf("%s of %s: %s", last.direction, last.revision,
							last.message ? last.message : ""),
				   psprintf("Fix the cause, then CALL cmig.%s_stepwise(...) again", last.direction));
	if (row == NULL || runner != 0)
		return;

	obstacle = cmig_progress_obstacle(row);
	put_status(fcinfo, "half done",
			   psprintf("%s of %s: statement %d is %s, none after it is complete",
						cmig_progress_direction(row->direction), row->revision, row->statement,
						row->state == CMIG_PROGRESS_DONE ? "done" :
						row->state == CMIG_PROGRESS_IN_DOUBT ? "in doubt" : "to be finished"),
			   obstacle ? obstacle :
			   row->state == CMIG_PROGRESS_IN_DOUBT ?
			   psprintf("Look how far it came, then CALL cmig.%s_stepwise(..., in_doubt => 'done') or 'again'",
						cmig_progress_direction(row->direction)) :
			   psprintf("CALL cmig.%s_stepwise(...) goes on with it", cmig_progress_direction(row->direction)));
}

/* That somebody has rights which no level gives; check() says who. */
static void
put_access(FunctionCallInfo fcinfo)
{
	ListCell   *lc;
	bool		any = false;

	foreach(lc, cmig_access_findings())
	{
		any |= strcmp(((CmigAccessFinding *) lfirst(lc))->severity, "warning") == 0;
	}
	if (any)
		put_status(fcinfo, "access", "somebody has rights that cmig.grant_access did not give",
				   "SELECT * FROM cmig.check() WHERE object ~ '^role |^PUBLIC'");
}

Datum
cmig_status(PG_FUNCTION_ARGS)
{
	View		view;
	List	   *problems;
	ListCell   *lc;
	int			heads = 0;
	int		   *head_nodes;
	char	   *current;

	InitMaterializedSRF(fcinfo, 0);
	view = read_view();
	head_nodes = palloc(sizeof(int) * Max(view.graph->count, 1));
	for (int i = 0; i < view.graph->count; i++)
		if (cmig_graph_is_head(view.graph, i))
			head_nodes[heads++] = i;

	put_status(fcinfo, "database", get_database_name(MyDatabaseId), NULL);
	current = names_text(view.applied->rows);
	if (view.applied->rows->count == 0)
		put_status(fcinfo, "current", "base",
				   view.graph->count == 0 ? NULL
				   : "If the schema is there already: SELECT cmig.stamp('<revision>')");
	else
		put_status(fcinfo, "current", current, NULL);
	put_status(fcinfo, "revisions",
			   psprintf("%d, %d applied", view.graph->count, view.applied->applied->count),
			   view.graph->count == 0 ? "SELECT * FROM cmig.load(...), or cmig.create_revision(...)" : NULL);
	if (heads > 0)
		put_status(fcinfo, heads == 1 ? "head" : "heads",
				   nodes_text(view.graph, head_nodes, heads, MAX_LISTED),
				   heads > 1 && view.graph->defects == NIL
				   ? "SELECT cmig.merge('heads', '<message>') joins them" : NULL);
	if (view.graph->defects == NIL)
		put_pending(fcinfo, &view, heads);

	put_stepwise(fcinfo, &view);
	problems = find_problems(&view, false);
	if (problems == NIL)
		put_status(fcinfo, "problems", "none in the graph",
				   view.graph->count == 0 ? NULL
				   : "SELECT * FROM cmig.check() also reads the scripts and compares them with what was run");
	foreach(lc, problems)
	{
		Problem    *problem = lfirst(lc);

		put_status(fcinfo, problem->severity,
				   psprintf("%s: %s", problem->object, problem->problem), problem->fix);
	}
	put_access(fcinfo);
	if (cmig_settings_protect() != CMIG_PROTECT_OFF)
		put_status(fcinfo, "protected",
				   cmig_settings_protect() == CMIG_PROTECT_ON
				   ? "on: every downgrade is refused"
				   : "base: reset, downgrade to base, purge and prune are refused",
				   cmig_settings_may_unprotect() ? "BEGIN; SET LOCAL cmig.protect = off; SELECT ...; COMMIT" : NULL);
	return (Datum) 0;
}
