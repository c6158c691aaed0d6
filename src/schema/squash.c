/*
 * squash.c
 *	  cmig.squash: replaces several consecutive revisions with one.
 *
 * The revisions are replayed in the shadow, and the difference between the
 * schemas before and after them becomes the new revision's script.
 * Statements that change rows, roles, or databases cannot be found this way.
 * They are put at the end, each below a marker that cmig.load rejects, so
 * that the user must decide what to do with them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "tcop/utility.h"

#include "base/errors.h"
#include "schema/internal.h"

PG_FUNCTION_INFO_V1(cmig_squash);

#define RANGE_HINT \
	"Specify the first and the last revision: `SELECT * FROM cmig.squash('<from>:<to>', '<message>')`"

/* The revisions to be squashed. */
typedef struct Squash
{
	const CmigGraph *graph;
	const CmigMarks *marks;
	int			count;
	int		   *nodes;			/* parents first */
	int			tip;			/* the revision on top of the others */
	List	   *before;			/* list of int: revisions outside the range,
								 * on which the range builds */
	List	   *depends;		/* the revisions in "before" that are named
								 * only in depends_on */
} Squash;

/*
 * Returns a revision that builds on the node and is in the range, if "inside"
 * is true, or else one that is neither in the range nor in "except"; -1 if
 * there is none.
 */
static int
find_above(const Squash *squash, int node, bool inside, const CmigMarks *except)
{
	const CmigNode *n = &squash->graph->nodes[node];

	for (int k = 0, above; (above = cmig_graph_edge_up(n, k, true)) >= 0; k++)
		if (inside ? squash->marks->set[above] : !squash->marks->set[above] && !except->set[above])
			return above;
	return -1;
}

/* Add the nodes in "edges" that are not in the range. */
static List *
add_outside(const Squash *squash, List *nodes, const CmigEdges *edges)
{
	for (int i = 0; i < edges->count; i++)
		if (!squash->marks->set[edges->nodes[i]])
			nodes = list_append_unique_int(nodes, edges->nodes[i]);
	return nodes;
}

/*
 * Returns the nodes that are neither in "except" nor ancestors of other
 * nodes in either list.
 */
static List *
without_implied(const Squash *squash, List *nodes, const List *except)
{
	CmigMarks  *below = cmig_graph_marks(squash->graph);
	List	   *result = NIL;

	foreach_int(number, list_concat_copy(nodes, except))
	{
		const CmigNode *node = &squash->graph->nodes[number];

		for (int k = 0, under; (under = cmig_graph_edge_down(node, k, true)) >= 0; k++)
			(void) cmig_graph_mark(below, under);
	}
	cmig_graph_mark_ancestors(squash->graph, below, true);
	foreach_int(each, nodes)
	{
		if (!below->set[each] && !list_member_int(except, each))
			result = lappend_int(result, each);
	}
	return result;
}

static CmigNames
names_of(const Squash *squash, List *nodes)
{
	CmigNames	names = {0, palloc(sizeof(char *) * (list_length(nodes) + 1))};

	foreach_int(node, nodes)
		names.names[names.count++] = cmig_graph_id(squash->graph, node);
	return names;
}

/* Find the revisions on which the new revision builds. */
static void
find_before(Squash *squash, CmigRevision *edges)
{
	List	   *parents = NIL,
			   *depends = NIL;

	for (int i = 0; i < squash->count; i++)
	{
		parents = add_outside(squash, parents, &squash->graph->nodes[squash->nodes[i]].parents);
		depends = add_outside(squash, depends, &squash->graph->nodes[squash->nodes[i]].depends);
	}
	parents = without_implied(squash, parents, NIL);
	squash->depends = without_implied(squash, depends, parents);
	squash->before = list_concat_copy(parents, squash->depends);

	edges->parents = names_of(squash, parents);
	edges->depends = names_of(squash, squash->depends);
}

static void
add_names(CmigNames *names, const CmigNames *more)
{
	names->names = names->names == NULL ? palloc(sizeof(char *) * (more->count + 1)) :
		repalloc(names->names, sizeof(char *) * (names->count + more->count + 1));
	for (int i = 0; i < more->count; i++)
		names->names[names->count++] = more->names[i];
}

static void
find_revisions(Squash *squash, const char *range, CmigRevision *edges)
{
	CmigSituation now = cmig_move_read(true);
	CmigMarks  *above_tip;

	if (range == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the range must not be null"), cmig_hint(RANGE_HINT)));
	squash->graph = now.graph;
	squash->marks = cmig_target_range(now.graph, now.applied, range);
	squash->nodes = cmig_graph_order(now.graph, squash->marks, &squash->count);
	if (squash->count < 2)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("the range has fewer than two revisions"), cmig_hint(RANGE_HINT)));

	/*
	 * Find the revision on top of the range.  Raises an error if there is
	 * more than one.
	 */
	squash->tip = -1;
	for (int i = 0; i < squash->count; i++)
	{
		int			node = squash->nodes[i];

		if (find_above(squash, node, true, NULL) >= 0)
			continue;
		if (squash->tip >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
					 errmsg("the range ends with several revisions"),
					 errdetail("No revision in the range follows \"%s\" or \"%s\".",
							   cmig_graph_id(squash->graph, squash->tip),
							   cmig_graph_id(squash->graph, node)),
					 errhint("Squash one branch at a time, or end the range with a merge.")));
		squash->tip = node;
	}

	/*
	 * raise an error if a revision outside the range builds on a revision
	 * inside the range that is not the tip
	 */
	above_tip = cmig_graph_marks(squash->graph);
	(void) cmig_graph_mark(above_tip, squash->tip);
	cmig_graph_mark_descendants(squash->graph, above_tip, true);
	for (int j = 0; j < squash->count; j++)
	{
		int			node = squash->nodes[j],
					above = find_above(squash, node, false, above_tip);

		if (above >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_INVALID_TARGET),
					 errmsg("revision \"%s\" builds on \"%s\", which is inside the range",
							cmig_graph_id(squash->graph, above),
							cmig_graph_id(squash->graph, node)),
					 errhint("End the range with \"%s\", or include \"%s\" in it.",
							 cmig_graph_id(squash->graph, node),
							 cmig_graph_id(squash->graph, above))));
	}
	find_before(squash, edges);
	/* set the new revision's labels and the ids that it replaces */
	for (int i = 0; i < squash->count; i++)
	{
		const CmigRevision *revision = squash->graph->nodes[squash->nodes[i]].revision;
		char	   *name = revision->id;
		CmigNames	id = {1, &name};

		add_names(&edges->labels, &revision->labels);
		add_names(&edges->replaces, &revision->replaces);
		add_names(&edges->replaces, &id);
	}
}

/*
 * A CmigMayWrite callback.  A function may write if it is volatile, unless it
 * is one of the functions of PostgreSQL and pg_cmig listed below, which do
 * not change rows.  A function that does not exist in this database may
 * write.
 */
bool
cmig_squash_may_write(const char *schema, const char *name)
{
	static CmigQuery query = {
		.sql = "SELECT coalesce(bool_and(CASE n.nspname"
		"  WHEN 'pg_catalog' THEN p.provolatile <> 'v' OR p.proname ~ '^(clock_timestamp|timeofday|random|random_normal|setseed"
		"|gen_random_uuid|uuidv[47]|set_config|currval|lastval|pg_sleep.*|pg_notify|txid_.*|pg_current_xact_id.*"
		"|pg_(try_)?advisory_.*|pg_.*_size|pg_stat_.*|pg_is_.*|pg_(cancel|terminate)_backend)$'"
		"  WHEN 'cmig' THEN p.proname ~ '^((enable|disable)_rls(_schema)?|rls_.*|(set|clear)_context|allow_ddl"
		"|(current|require)_(user|tenant)_id|context)$' OR p.provolatile <> 'v'"
		"  ELSE p.provolatile <> 'v' END), false)::text"
		" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
		" WHERE p.proname = $1 AND n.nspname = coalesce($2, n.nspname)",
		.argtypes = {TEXTOID, TEXTOID}
	};

	return strcmp(cmig_query_value(&query, name, schema), "true") != 0;
}

/*
 * Add the statement to the list if it may have an effect that is not visible
 * in the schema.  What the script sets above it is not kept, but named.
 */
static void
add_statement(List **statements, const CmigRevisionText *script, const CmigStatement *statement,
			  StringInfo sets)
{
	char	   *place = psprintf("revision %s, line %d%s", script->edges.id,
								 statement->line + Max(script->file_lines[0] - 1, 0),
								 script->file_lines[0] > 0 && script->file_name ?
								 psprintf(" of file \"%s\"", script->file_name) : "");
	CmigUnresolved *unresolved;
	const char *command = cmig_row_change_command(statement->raw, cmig_squash_may_write);

	if (cmig_citus_is_distribution(statement->raw->stmt, true))
		return;
	if (IsA(statement->raw->stmt, VariableSetStmt) ||
		cmig_statement_set_config_names(statement->raw) != NIL)
	{
		appendStringInfo(sets, "%s%s", sets->len > 0 ? "; " : "", statement->text);
		return;
	}
	if (command != NULL)
		place = psprintf("%s of %s, may change rows", command, place);
	else if (cmig_target_is_shared(statement->raw->stmt))
		place = psprintf("%s of %s, does not change a schema",
						 GetCommandTagName(CreateCommandTag(statement->raw->stmt)), place);
	else
		return;
	if (sets->len > 0)
		place = psprintf("%s, below: %s", place, sets->data);
	unresolved = palloc(sizeof(CmigUnresolved));
	unresolved->place = place;
	unresolved->sql = pstrdup(statement->text);
	*statements = lappend(*statements, unresolved);
}

CMIG_READER(cmig_squash)
{
	CmigGenerate generate = {0};
	CmigNewRevision *new = &generate.draft.new;
	CmigDiffOptions options = {0};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 4);
	Squash		squash = {0};
	CmigReplayPlan *from,
			   *to;
	List	   *lines;
	CmigListing filled;

	cmig_scope_refuse("cmig.squash()", "`RESET cmig.scope`");
	InitMaterializedSRF(fcinfo, 0);
	new->text.edges.message = cmig_argument_text(fcinfo, 1);
	new->text.edges.id = cmig_argument_text(fcinfo, 2);
	new->placed = true;
	generate.draft.template = cmig_argument_text(fcinfo, 3);
	cmig_diff_annotations(fcinfo, 5, &options);
	options.renames = cmig_diff_renames(fcinfo, 8);
	options.need_schemas = true;
	options.prove = true;

	find_revisions(&squash, cmig_argument_text(fcinfo, 0), &new->text.edges);
	cmig_generate_prepare(&generate, "cmig.squash()");
	from = cmig_replay_plan_nodes(squash.graph, squash.before);
	to = cmig_replay_plan_nodes(squash.graph, lappend_int(list_copy(squash.before), squash.tip));

	/*
	 * a schema that only revisions before the range need, but do not create,
	 * stays
	 */
	if (squash.before != NIL)
		to->given = &cmig_replay_read(from, cmig_managed_names(managed), false, "cmig.squash()",
									  false, NULL, NULL)->given;
	lines = cmig_diff_run_between(from, to, managed, &options, "cmig.squash()");

	/*
	 * the statements in the range that may have effects that are not visible
	 * in the schema
	 */
	cmig_listing_init(&filled, CMIG_LISTING_QUOTED);
	for (int i = 0; i < squash.count; i++)
	{
		const char *id = cmig_graph_id(squash.graph, squash.nodes[i]);
		CmigRevisionText *script = cmig_catalog_read_text(id);
		CmigScriptReader *reader;
		CmigStatement statement;
		StringInfoData sets;

		if (script == NULL)
			continue;
		if (script->placeholders.count > 0)
			cmig_listing_add(&filled, id);
		reader = cmig_script_open(cmig_placeholder_values_insert(script->upgrade_sql,
																 &script->placeholders, id,
																 "upgrade", NULL));
		initStringInfo(&sets);
		while (cmig_script_next(reader, &statement))
			add_statement(&generate.unresolved, script, &statement, &sets);
		cmig_script_close(reader);
	}

	/*
	 * Issue a WARNING if revisions of the range have placeholders: the
	 * squashed revision contains their values.
	 */
	if (filled.count > 0)
		ereport(WARNING,
				(errmsg("the revision contains the values that placeholders have in this session"),
				 errdetail("Revisions of the range that have placeholders: %s.",
						   cmig_listing_text(&filled)),
				 errhint("If the values differ between databases, write the placeholders into the file again, and declare them in its header.")));
	cmig_generate_put(fcinfo, &generate, lines);
	return (Datum) 0;
}
