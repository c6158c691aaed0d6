/*
 * check.c
 *	  Implements cmig.check, which finds defects in revisions and version
 *	  rows, and checks privileges.
 *
 * The functions here must work with any kind of defect in the graph, because
 * they report the defects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "adopt/tool_match.h"
#include "audit/audit_status.h"
#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/listing.h"
#include "base/settings.h"
#include "graph/graph_walk.h"
#include "graph/repeatables.h"
#include "graph/replaces.h"
#include "lint/lint_policy.h"
#include "lint/lint_rules.h"
#include "report/access_check.h"
#include "report/check.h"
#include "report/problem.h"
#include "report/publication_check.h"
#include "report/script_check.h"
#include "run/run_lock.h"
#include "run/scope.h"
#include "run/session.h"
#include "scope/scope_list.h"
#include "tables/active.h"
#include "tables/catalog.h"
#include "tables/journal.h"
#include "tables/journal_read.h"
#include "tables/progress.h"
#include "tables/repeatable.h"
#include "tables/version_rows.h"

PG_FUNCTION_INFO_V1(cmig_check);

/*
 * Report scopes whose schemas were dropped without cmig.drop_scope, and version
 * rows written by hand for a schema that cannot be a scope.
 */
static List *
add_gone_scopes(List *problems)
{
	ListCell   *lc;

	if (cmig_scope_is_set())
		return problems;
	foreach(lc, cmig_scope_list_gone())
	{
		CmigScopeItem *item = lfirst(lc);
		char	   *scope = quote_literal_cstr(item->name);
		bool		possible = item->name[0] != '\0' && cmig_scope_reserved(item->name) == NULL;

		problems = cmig_problem_add(problems, "warning", psprintf("scope %s", quote_identifier(item->name)),
									possible ? "its schema does not exist, but its version rows do; revisions that are applied in it cannot be removed"
									: "a schema with this name cannot be a scope, but version rows name it; revisions that are applied in it cannot be removed",
									possible ? psprintf("SELECT cmig.drop_scope(%s, confirm => %s)", scope, scope)
									: psprintf("DELETE FROM cmig.scope_version WHERE scope = %s", scope));
	}
	return problems;
}

/*
 * Report that new journal rows will have lower ids than an existing row, if the
 * greatest id is not followed by enough ids.
 */
static List *
add_journal_problems(List *problems)
{
	int64		id = cmig_journal_out_of_order();

	if (id == 0)
		return problems;
	return cmig_problem_add(problems, "warning", "cmig.journal",
							psprintf("a row has id " INT64_FORMAT ", which is so high that newer rows have lower ids", id),
							psprintf("DELETE FROM cmig.journal WHERE id = " INT64_FORMAT "%s", id, cmig_scope_condition()));
}

/*
 * Report the drift found by the last search, unless revisions have run since
 * that search.
 */
static List *
add_drift_problem(List *problems)
{
	CmigJournalDrift drift;

	if (!cmig_journal_read_last_drift(&drift) || drift.is_past ||
		strncmp(drift.message, CMIG_JOURNAL_NO_DRIFT, strlen(CMIG_JOURNAL_NO_DRIFT)) == 0)
		return problems;
	return cmig_problem_add(problems, "warning", "schema",
							psprintf("it differed from the revisions when last compared, %s: %s", cmig_journal_read_ago(drift.seconds), drift.message),
							"SELECT * FROM cmig.drift() -- fix each difference with its upgrade_sql, or as its hazard says if upgrade_sql is null");
}

/*
 * Report a step that a stepwise run left partially applied.  The current step
 * of a run in progress is not reported.
 */
static List *
add_progress_problem(List *problems)
{
	List	   *rows = cmig_progress_read();
	CmigProgressRow *row;

	if (rows == NIL || cmig_run_lock_holder() != 0)
		return problems;
	row = llast(rows);
	return cmig_problem_add(problems, "warning", row->revision,
							psprintf("its %s is partially applied: %s", cmig_direction_name(row->direction),
									 cmig_progress_place(row)),
							cmig_progress_next(row));
}

/* Report a defect of the audit log. */
static List *
add_audit_problem(List *problems)
{
	bool		refused;
	CmigAuditLogFault *fault = cmig_audit_status_fault(&refused);

	if (fault == NULL)
		return problems;
	return cmig_problem_add(problems, refused ? "error" : "warning", "cmig_audit",
							refused ? psprintf("audited tables cannot be written: %s", fault->problem) :
							fault->problem,
							fault->fix);
}

/*
 * Returns the first migration that another tool has applied but pg_cmig has not
 * recorded.  Returns NULL if there is none.
 */
static char *
applied_elsewhere(const CmigView *view, const CmigToolMatches *matches)
{
	for (int i = 0; i < list_length(matches->applied); i++)
	{
		const CmigToolApplied *row = list_nth(matches->applied, i);
		int			node = matches->nodes[i];

		if (row->failed || row->repeatable || cmig_repeatables_is(matches->graph, node))
			continue;
		if (node >= 0)
			node = cmig_graph_find_name(view->graph, cmig_graph_id(matches->graph, node));
		if (node < 0 || !view->applied->applied->set[node])
			return row->name;
	}
	return NULL;
}

/*
 * Report the table in which another tool records migrations, and whether the
 * tool still seems to be in use.
 */
static List *
add_tool_problem(const CmigView *view, const CmigTool *tool, Oid table, List *problems)
{
	CmigToolMatches *matches = cmig_tool_match(tool, cmig_tool_state_read(tool, table));
	char	   *elsewhere = applied_elsewhere(view, matches);
	char	   *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));

	if (elsewhere)
		return cmig_problem_add(problems, "warning", name,
								psprintf("another migration tool is still in use: it has applied \"%s\", but pg_cmig has not", elsewhere),
								psprintf("SELECT * FROM cmig.import_state(%s) -- imports its state; after that, use only one of the two tools", quote_literal_cstr(tool->name)));
	return cmig_problem_add(problems, "notice", name,
							"the table of another migration tool still exists; all migrations recorded in it are known to pg_cmig",
							psprintf("ALTER TABLE %s RENAME TO %s -- stops the other tool", name, quote_identifier(psprintf("%.58s_old", get_rel_name(table)))));
}

/*
 * Report the tables in which other tools record migrations, if the caller can
 * read them.  If no revision is loaded, nothing is reported.
 */
static List *
add_tool_problems(const CmigView *view, List *problems)
{
	int			count;
	const CmigTool *tools = cmig_tool_all(&count);
	List	   *seen = NIL;

	for (int i = 0; i < count && view->graph->count > 0; i++)
	{
		Oid			table = cmig_tool_state_table(&tools[i]);

		if (!OidIsValid(table) || list_member_oid(seen, table) || cmig_tool_state_refusal(&tools[i], table) != NULL)
			continue;
		seen = lappend_oid(seen, table);
		problems = add_tool_problem(view, &tools[i], table, problems);
	}
	return problems;
}

/*
 * Report names that a revision lists twice.  Only manually written rows of
 * cmig.revision can contain such names.  The second occurrence has no effect.
 */
static List *
add_repeated_names(const CmigView *view, List *problems)
{
	for (int i = 0; i < view->graph->count; i++)
	{
		const CmigRevision *revision = view->graph->nodes[i].revision;
		const CmigNames *lists[] = {&revision->parents, &revision->depends, &revision->labels};
		const char *const columns[] = {"down_revision", "depends_on", "branch_labels"};

		for (int j = 0; j < lengthof(lists); j++)
		{
			const char *repeated = cmig_graph_find_repeated(lists[j]);

			if (repeated)
				problems = cmig_problem_add(problems, "warning", revision->id,
											psprintf("its %s names \"%s\" twice", columns[j], repeated),
											"Remove the duplicate, or replace it with the name that was intended.");
		}
	}
	return problems;
}

/*
 * Returns the elements of "names" that are ids of stored revisions, separated
 * by commas.  Returns NULL if there are none.
 */
static char *
stored_names(const CmigRevisionSet *set, const CmigNames *names)
{
	CmigListing listing;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	for (int i = 0; i < names->count; i++)
		for (int j = 0; j < set->count; j++)
			if (strcmp(set->revisions[j].id, names->names[i]) == 0)
				cmig_listing_add(&listing, names->names[i]);
	return listing.count > 0 ? cmig_listing_text(&listing) : NULL;
}

/*
 * Is one of the revisions in "names" partially applied, or pending and
 * nontransactional?
 */
static bool
needs_stepwise(const CmigView *view, const CmigPlace *place, const CmigNames *names)
{
	for (int i = 0; i < names->count; i++)
	{
		int			node = cmig_graph_find_id(view->graph, names->names[i]);

		for (int j = 0; j < place->begun->count; j++)
			if (strcmp(place->begun->names[j], names->names[i]) == 0)
				return true;
		if (node >= 0 && !view->applied->applied->set[node] && !view->graph->nodes[node].revision->transactional)
			return true;
	}
	return false;
}

/*
 * Report a revision that is not used yet, because only some of the revisions
 * that it replaces are applied.  "stored" lists the replaced revisions that are
 * stored.  The problem is an error if replaced revisions that must still be
 * applied are not loaded, unless the graph has no defects and leaves out the
 * new revision.  Otherwise, it is a notice.
 */
static List *
add_waiting(const CmigView *view, List *problems, const CmigRevisionSet *set, const CmigPlace *place,
			const CmigRevision *revision, const char *stored)
{
	const CmigNames *old = &revision->replaces;
	const CmigNames *missing = cmig_replaces_missing(set->revisions, set->count, revision);
	char	   *upgrade = psprintf(needs_stepwise(view, place, old) ? "CALL cmig.upgrade_stepwise(%s)" : "SELECT * FROM cmig.upgrade(%s)",
								   quote_literal_cstr(old->names[old->count - 1]));
	CmigListing listing;

	if (missing->count == 0 || (view->graph->defects == NIL && cmig_graph_find_id(view->graph, revision->id) < 0))
		return cmig_problem_add(problems, "notice", revision->id,
								psprintf("it is not used until all revisions that it replaces are applied: %s", stored), upgrade);
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	for (int i = 0; i < missing->count; i++)
		cmig_listing_add(&listing, missing->names[i]);
	return cmig_problem_add(problems, "error", revision->id,
							psprintf("only some of the revisions that it replaces are applied, and files of replaced revisions are not loaded: %s",
									 cmig_listing_text(&listing)),
							psprintf("Load these files, then %s -- or, if the schema already has everything in %s: SELECT cmig.stamp(%s, purge => true)",
									 upgrade, revision->id, quote_literal_cstr(revision->id)));
}

/*
 * Report each revision that replaces others, if the others are still stored or
 * if some of them must still be applied.
 */
static List *
add_replaced(const CmigView *view, List *problems)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	const CmigPlace *place = cmig_replaces_any(set->revisions, set->count) ? cmig_active_place() : NULL;

	for (int i = 0; place != NULL && i < set->count; i++)
	{
		const CmigRevision *revision = &set->revisions[i];
		const CmigNames *old = &revision->replaces;
		char	   *stored = stored_names(set, old);

		if (old->count > 0 && cmig_replaces_state(set->revisions, set->count, place, revision) == CMIG_REPLACES_SOME)
			problems = add_waiting(view, problems, set, place, revision, stored);
		else if (stored != NULL)
			problems = cmig_problem_add(problems, "notice", revision->id,
										psprintf("the revisions that it replaces are no longer needed in this database: %s", stored),
										"When no database needs these revisions, delete their files, and load with prune => true");
	}
	return problems;
}

/* Does a revision of the graph replace the revision called "name"? */
static bool
is_replaced(const CmigGraph *graph, const char *name)
{
	for (int node = 0; node < graph->count; node++)
	{
		const CmigNames *old = &graph->nodes[node].revision->replaces;

		for (int i = 0; i < old->count; i++)
			if (strcmp(old->names[i], name) == 0)
				return true;
	}
	return false;
}

/* Report version rows of revisions that are below another applied revision. */
static List *
add_row_problems(const CmigView *view, List *problems)
{
	ListCell   *lc;

	foreach(lc, view->applied->nodes)
	{
		const CmigNode *node = &view->graph->nodes[lfirst_int(lc)];
		bool		named = false;

		for (int i = 0; i < node->children.count && !named; i++)
			named = view->applied->applied->set[node->children.nodes[i]];
		for (int i = 0; i < node->dependents.count && !named; i++)
			named = view->applied->applied->set[node->dependents.nodes[i]];
		if (named && view->graph->defects == NIL)
			problems = cmig_problem_add(problems, "error", node->revision->id,
										"it has a version row, although a revision above it has one, too",
										"SELECT cmig.stamp('<revision>', purge => true) -- records where the database really is");
	}
	return problems;
}

/* Report multiple heads, unless every head has a branch label. */
static List *
add_head_problem(const CmigView *view, List *problems)
{
	int			heads = 0;

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
			problems = cmig_problem_add(problems, "warning", "heads",
										psprintf("there are %d heads, so the target \"head\" is ambiguous", heads),
										"SELECT cmig.merge('heads', '<message>') -- SELECT * FROM cmig.heads() lists them");
	}
	return problems;
}

/*
 * Report repeatable revisions that the next upgrade will run.  If other
 * revisions are pending, nothing is reported.
 */
static List *
add_repeatable_problems(const CmigView *view, List *problems)
{
	static const char *const texts[] = {
		[CMIG_REPEATABLE_NEW] = "it has not run yet",
		[CMIG_REPEATABLE_CHANGED] = "its script has changed since it last ran",
		[CMIG_REPEATABLE_REVERTED] = "a downgrade has run since it last ran"
	};
	const CmigGraph *graph = view->graph;

	if (view->applied->applied->count < graph->count)
		return problems;
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
	{
		CmigRepeatableState state = cmig_repeatable_state(graph, i);

		if (state != CMIG_REPEATABLE_CURRENT)
			problems = cmig_problem_add(problems, "notice", cmig_graph_id(graph, i), texts[state],
										"SELECT * FROM cmig.upgrade('heads')");
	}
	return problems;
}

/* Returns a count of findings, such as "2 errors". */
static char *
count_text(int count, const char *what)
{
	return psprintf("%d %s%s", count, what, count == 1 ? "" : "s");
}

/* Report the warnings and errors that cmig.lint finds in pending upgrades. */
static List *
add_lint_problem(const CmigView *view, List *problems)
{
	CmigSituation now = {.graph = view->graph,.applied = view->applied};
	bool		stops = cmig_lint_policy_is_error();
	CmigPlan   *pending = cmig_view_pending(view);
	int			counts[CMIG_LINT_ERROR + 1] = {0};
	int			errors;
	int			warnings;
	ListCell   *lc;

	foreach(lc, cmig_lint_policy_examine(&now, pending, stops)->findings)
	{
		CmigLintFinding *finding = lfirst(lc);

		/* skip syntax errors, which script_check.c reports */
		if (!finding->dropped && finding->rule != &cmig_lint_rules_syntax_error)
			counts[finding->rule->severity]++;
	}
	errors = counts[CMIG_LINT_ERROR];
	warnings = counts[CMIG_LINT_WARNING];
	if (errors + warnings == 0)
		return problems;
	return cmig_problem_add(problems, stops && errors > 0 ? "error" : "notice", "lint",
							psprintf("cmig.lint finds %s%s%s in pending revisions%s",
									 errors > 0 ? count_text(errors, "error") : "",
									 errors > 0 && warnings > 0 ? " and " : "",
									 warnings > 0 ? count_text(warnings, "warning") : "",
									 stops && errors > 0 ? ", and cmig.lint_policy is error" : ""),
							"SELECT * FROM cmig.lint('heads')");
}

/*
 * Report publications and subscriptions that contain pg_cmig's tables.  The
 * user may intend this if the subscriber is to replace this server.
 */
static List *
add_publication_problems(List *problems)
{
	ListCell   *lc;

	foreach(lc, cmig_publication_findings())
	{
		const		CmigPublicationFinding *finding = lfirst(lc);

		problems = finding->is_subscription ?
			cmig_problem_add(problems, "warning", finding->object,
							 "it writes to the tables of pg_cmig; it stops with a duplicate key in cmig.journal if revisions also run in this database, and does not replicate their DDL",
							 "Unless this server is to replace the publisher, subscribe to a publication FOR TABLES IN SCHEMA or FOR TABLE.") :
			cmig_problem_add(problems, "notice", finding->object,
							 "it publishes the tables of pg_cmig; a subscriber with revisions of its own stops at the next run in this database",
							 "Unless the subscriber is to replace this server, use a publication FOR TABLES IN SCHEMA or FOR TABLE.");
	}
	return problems;
}

/*
 * On a worker of a Citus cluster, add a problem: the revisions are on the
 * coordinator.
 */
static List *
add_worker_problem(const CmigView *view, List *problems)
{
	char	   *hint = view->graph->count == 0 ? cmig_citus_worker_hint() : NULL;

	if (hint != NULL)
		problems = cmig_problem_add(problems, "error", get_database_name(MyDatabaseId),
									"it is on a Citus worker; the revisions and their state are on the coordinator", hint);
	return problems;
}

List *
cmig_check_problems(const CmigView *view, bool with_texts)
{
	List	   *problems = NIL;
	bool		has_gaps;
	ListCell   *lc;

	problems = add_worker_problem(view, problems);
	foreach(lc, view->graph->defects)
	{
		const CmigDefect *defect = lfirst(lc);

		problems = cmig_problem_add(problems, "error", defect->revision,
									defect->problem, defect->fix);
	}
	foreach(lc, view->applied->unknown)
	{
		/* skip replaced revisions, which add_replaced() reports */
		if (view->graph->defects == NIL && is_replaced(view->graph, lfirst(lc)))
			continue;
		problems = cmig_problem_add(problems, "error", lfirst(lc),
									"it is in cmig.version but not in cmig.revision",
									"SELECT cmig.stamp('<revision>', purge => true) -- records where the database is; or load the missing revision");
	}
	problems = add_repeated_names(view, problems);
	problems = add_row_problems(view, problems);
	problems = add_replaced(view, problems);
	problems = add_head_problem(view, problems);

	if (with_texts)
	{
		problems = add_repeatable_problems(view, problems);
		foreach(lc, cmig_access_findings())
		{
			CmigAccessFinding *finding = lfirst(lc);

			problems = cmig_problem_add(problems, finding->severity, finding->object,
										finding->problem, finding->fix);
		}
		problems = add_publication_problems(problems);
		problems = add_progress_problem(problems);
		problems = add_journal_problems(problems);
		problems = add_gone_scopes(problems);
		problems = add_drift_problem(problems);
		problems = add_audit_problem(problems);
		problems = add_tool_problems(view, problems);
		problems = cmig_script_check_add_problems(view, problems, &has_gaps);
		if (!has_gaps && view->graph->defects == NIL && view->applied->unknown == NIL)
			problems = add_lint_problem(view, problems);
		problems = cmig_problem_add(problems, "notice", "pg_dump",
									"pg_dump -s leaves out the rows of cmig.revision, cmig.version, and cmig.journal; no dump contains cmig.secret",
									"Dump the data, too, or load and stamp the revisions after you restore a schema.");
	}
	return problems;
}

Datum
cmig_check(PG_FUNCTION_ARGS)
{
	CmigView	view;
	List	   *problems;
	ListCell   *lc;
	int			errors = 0;
	StringInfoData detail;

	InitMaterializedSRF(fcinfo, 0);
	view = cmig_view_read();
	problems = cmig_check_problems(&view, true);

	initStringInfo(&detail);
	foreach(lc, problems)
	{
		CmigProblem *problem = lfirst(lc);
		Datum		values[4];
		bool		nulls[4] = {0};

		if (strcmp(problem->severity, "error") == 0 && errors++ < 20)
			appendStringInfo(&detail, "%s%s: %s.", errors > 1 ? "\n" : "",
							 problem->object, problem->problem);
		values[0] = CStringGetTextDatum(problem->severity);
		values[1] = CStringGetTextDatum(problem->object);
		values[2] = CStringGetTextDatum(problem->problem);
		values[3] = CStringGetTextDatum(problem->fix);
		cmig_view_put_row(fcinfo, values, nulls);
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
