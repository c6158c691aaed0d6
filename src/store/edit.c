/*
 * edit.c
 *	  New, repaired, and removed revisions: cmig.create_revision, cmig.merge,
 *	  cmig.draft, cmig.repair, cmig.remove_revision.
 *
 * The rules for new revisions are the same as for the commands "alembic
 * revision" and "alembic merge".  A new revision follows the head or a given
 * revision.  If the given revision is not a head, the argument splice must be
 * true.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/errors.h"
#include "store/internal.h"

PG_FUNCTION_INFO_V1(cmig_create_revision_1_2);
PG_FUNCTION_INFO_V1(cmig_merge);
PG_FUNCTION_INFO_V1(cmig_merge_array);
PG_FUNCTION_INFO_V1(cmig_draft_1_2);
PG_FUNCTION_INFO_V1(cmig_repair);
PG_FUNCTION_INFO_V1(cmig_remove_revision);

#define GENERATED_ID_BYTES 6

/* Returns the graph of the revisions that count, and sets *set to them. */
static CmigGraph *
read_graph(CmigRevisionSet **set)
{
	CmigGraph  *graph;

	*set = cmig_active_read(false);
	graph = cmig_graph_build((*set)->revisions, (*set)->count);
	cmig_repeatables_add(graph, (*set)->repeatables, (*set)->repeatable_count);
	return graph;
}

/*
 * Raise an error unless the string is a valid name.  "kind" says what kind of
 * name it is, for the message, and "advice" is appended to the hint.
 */
static void
require_valid_name(const char *kind, const char *name, const char *advice)
{
	char	   *bad = cmig_graph_check_name(name);

	if (bad)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 strchr(name, '"') ?
				 errmsg("%s %s %s", kind, cmig_text_shortened(name, CMIG_MAX_ID_LENGTH / 2),
						bad)
				 : errmsg("%s \"%s\" %s", kind, cmig_text_shortened(name, CMIG_MAX_ID_LENGTH / 2),
						  bad),
				 errhint("Use letters, digits, _, and -, at most %d bytes%s.",
						 CMIG_MAX_ID_LENGTH, advice)));
}

/*
 * Returns the new revision's id.  If "id" is NULL, generates one, 12 random
 * hex digits; otherwise checks and returns it.
 */
static char *
check_id(const CmigGraph *graph, const char *id)
{
	unsigned char bytes[GENERATED_ID_BYTES];
	char	   *generated;

	if (id != NULL)
	{
		require_valid_name("revision id", id, "; leave out the id to have one generated");
		if (cmig_graph_find_name(graph, id) >= 0 || cmig_repeatables_find(graph, id) >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 cmig_repeatables_find_any(graph, id) >= 0
					 ? errmsg("revision \"%s\" already exists", id)
					 : errmsg("\"%s\" is already a branch label", id),
					 errhint("Choose another id, or leave it out to have one generated.")));
		return pstrdup(id);
	}
	generated = palloc(2 * GENERATED_ID_BYTES + 1);
	do
	{
		if (!pg_strong_random(bytes, sizeof(bytes)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random values")));
		for (int i = 0; i < GENERATED_ID_BYTES; i++)
			snprintf(generated + 2 * i, 3, "%02x", bytes[i]);
	} while (cmig_graph_find_name(graph, generated) >= 0);
	return generated;
}

/*
 * Set the new revision's parents.  Raises an error if a parent is not a head
 * and "splice" is false, because a new branch would start at that parent.
 */
static void
set_parents(const CmigGraph *graph, CmigRevision *edges, List *parents, bool splice)
{
	edges->parents.names = palloc(sizeof(char *) * (list_length(parents) + 1));
	foreach_int(parent, parents)
	{
		if (!splice && !cmig_graph_is_head(graph, parent))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_INVALID_TARGET),
					 errmsg("revision \"%s\" is not a head revision",
							cmig_graph_id(graph, parent)),
					 cmig_hint("Use `splice => true` to start a new branch from it.")));
		edges->parents.names[edges->parents.count++] = pstrdup(cmig_graph_id(graph, parent));
	}
}

/* Check the new revision's branch label and set it, if one was given. */
static void
set_label(const CmigGraph *graph, CmigRevision *edges, char *label)
{
	if (label == NULL)
		return;
	require_valid_name("branch label", label, "");
	if (cmig_graph_find_name(graph, label) >= 0 || strcmp(label, edges->id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("\"%s\" is already the name of a revision or branch", label),
				 errhint("Give the branch another label.")));
	edges->labels = *cmig_argument_one(label);
}

/*
 * Raise an error if adding the new revision would cause a defect in the graph.
 */
static void
require_sound_with(const CmigRevisionSet *set, const CmigRevision *edges)
{
	CmigRevision *all = palloc(sizeof(CmigRevision) * ((Size) set->count + 1));

	memcpy(all, set->revisions, sizeof(CmigRevision) * (Size) set->count);
	all[set->count] = *edges;
	cmig_graph_require_sound(cmig_graph_build(all, set->count + 1));
}

/*
 * Raise an error if the message is too long for a line of a listing, or if it
 * has line breaks.
 */
static void
require_short_line(const char *message)
{
	if (strpbrk(message, "\r\n") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the message must be one line"),
				 errhint("Put longer text into the description of the revision file.")));
	if (pg_mbstrlen(message) > CMIG_MAX_MESSAGE_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the message must not be longer than %d characters",
						CMIG_MAX_MESSAGE_LENGTH),
				 errhint("Put longer text into the description of the revision file.")));
}

/* Check and set a new revision's id, parents, label, and dependencies. */
static void
place(const CmigGraph *graph, CmigNewRevision *new)
{
	CmigRevision *edges = &new->text.edges;
	List	   *parents;
	const char *repeated;

	if (new->head == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the head must not be null"),
				 errhint("Omit the argument to build on the head, specify the revision to build on, or use base to start a new tree.")));
	parents = cmig_target_absolute(graph, new->head);
	set_parents(graph, edges, parents, new->splice);
	edges->id = check_id(graph, edges->id);
	set_label(graph, edges, new->label);
	if (new->depends)
	{
		edges->depends = *new->depends;
		/* an exact id or label is stored as it is, anything else as an id */
		for (int i = 0; i < edges->depends.count; i++)
		{
			char	   *name = edges->depends.names[i];
			List	   *found;

			if (cmig_graph_find_name(graph, name) >= 0)
				continue;
			found = cmig_target_absolute(graph, name);
			if (list_length(found) != 1)
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_INVALID_TARGET),
						 errmsg("dependency \"%s\" does not identify a single revision", name),
						 errhint("Specify a revision or a branch label.")));
			edges->depends.names[i] = pstrdup(cmig_graph_id(graph, linitial_int(found)));
		}
		repeated = cmig_names_repeated(&edges->depends);
		if (repeated)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("depends_on lists \"%s\" twice", repeated),
					 errhint("List it only once.")));
	}
}

/*
 * Check a new revision against the stored revisions, and fill in its id and
 * edges.  Does not store the new revision.
 */
static void
create_prepare(CmigNewRevision *new)
{
	CmigRevisionSet *set;
	CmigGraph  *graph = read_graph(&set);
	CmigRevisionText *text = &new->text;
	CmigRevision *edges = &text->edges;

	cmig_graph_require_sound(graph);
	if (edges->message == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the message must not be null"),
				 errhint("Describe in one line what the revision does.")));
	require_short_line(edges->message);
	if (text->precondition_sql)
	{
		text->precondition_sql = cmig_marker_trimmed(text->precondition_sql,
													 text->precondition_sql +
													 strlen(text->precondition_sql));
		if (strpbrk(text->precondition_sql, "\r\n") != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the precondition must be one line"),
					 errhint("It is written on one line in the header of the revision file. Put a longer query into a function.")));
		if (*text->precondition_sql == '\0')
			text->precondition_sql = NULL;
	}
	text->upgrade_sql = cmig_script_strip_transactions(text->upgrade_sql ? text->upgrade_sql : "",
													   false);
	if (text->downgrade_sql)
		text->downgrade_sql = cmig_script_strip_transactions(text->downgrade_sql, false);

	if (new->placed)
	{
		edges->id = check_id(graph, edges->id);
		return;
	}
	place(graph, new);
	require_sound_with(set, edges);
}

/* Returns NULL for false, "true", or "strict". */
static char *
expand_argument(FunctionCallInfo fcinfo, int n)
{
	const char *value = cmig_argument_any(fcinfo, n);
	char	   *expand = NULL;

	if (value != NULL && !cmig_expand_header(value, &expand))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value \"%s\" for expand", value),
				 cmig_hint("Use `expand => true`, expand => false, or `expand => 'strict'`")));
	return expand;
}

Datum
cmig_create_revision_1_2(PG_FUNCTION_ARGS)
{
	CmigNewRevision new = {0};
	int			guc_level;

	new.text.edges.message = cmig_argument_text(fcinfo, 0);
	new.text.upgrade_sql = cmig_argument_text(fcinfo, 1);
	new.text.downgrade_sql = cmig_argument_text(fcinfo, 2);
	new.text.verify_sql = cmig_argument_text(fcinfo, 3);
	new.text.edges.id = cmig_argument_text(fcinfo, 4);
	new.head = cmig_argument_text(fcinfo, 5);
	new.splice = cmig_argument_bool(fcinfo, 6, false);
	new.label = cmig_argument_text(fcinfo, 7);
	if (!PG_ARGISNULL(8))
		new.depends = cmig_argument_list(fcinfo, 8, "dependencies");
	new.text.edges.transactional = cmig_argument_bool(fcinfo, 9, true);
	new.text.precondition_sql = cmig_argument_text(fcinfo, 10);
	new.text.expand = expand_argument(fcinfo, 11);

	guc_level = cmig_change_begin_revisions("cmig.create_revision()");
	create_prepare(&new);
	cmig_expand_require_header(&new.text);
	cmig_revision_rows_insert(&new.text);
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_TEXT_P(cstring_to_text(new.text.edges.id));
}

/* Create a merge from the arguments of cmig.merge, and return its id. */
static Datum
merge(FunctionCallInfo fcinfo, const CmigNames *revisions)
{
	char	   *message = cmig_argument_text(fcinfo, 1);
	char	   *id = cmig_argument_text(fcinfo, 2);
	bool		splice = cmig_argument_bool(fcinfo, 3, false);
	char	   *label = cmig_argument_text(fcinfo, 4);
	int			guc_level = cmig_change_begin_revisions("cmig.merge()");
	CmigRevisionSet *set;
	CmigGraph  *graph = read_graph(&set);
	CmigRevisionText text = {.upgrade_sql = "",.downgrade_sql = ""};
	List	   *parents;

	cmig_graph_require_sound(graph);
	if (revisions->names[0] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the revisions must not be null"),
				 cmig_hint("Use `cmig.merge('heads', '<message>')`, or `cmig.merge(ARRAY['<revision>', '<revision>'], '<message>')`")));

	/*
	 * For a merge, "heads" includes heads on which other revisions depend,
	 * because heads can be merged even if one depends on another.
	 */
	if (revisions->count == 1 && strcmp(revisions->names[0], "heads") == 0)
		parents = cmig_identifier_heads(graph, NULL, false);
	else
	{
		CmigMarks  *seen = cmig_graph_marks(graph);

		parents = cmig_target_list(graph, revisions, false);
		for (int i = 0; i < revisions->count; i++)
			foreach_int(node, cmig_target_absolute(graph, revisions->names[i]))
		{
			if (!cmig_graph_mark(seen, node))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_INVALID_TARGET),
						 errmsg("duplicate head revisions are specified"),
						 errdetail("\"%s\" is specified twice.",
								   cmig_graph_id(graph, node)),
						 cmig_hint("Specify each revision only once; `SELECT * FROM cmig.heads()` lists the heads.")));
		}
	}
	if (list_length(parents) < 2)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("there is nothing to merge"),
				 parents == NIL ? errdetail("The identifiers do not refer to any revision.")
				 : errdetail("The identifiers refer only to \"%s\".",
							 cmig_graph_id(graph, linitial_int(parents))),
				 cmig_hint("Use `cmig.merge('heads', '<message>')`, or `cmig.merge(ARRAY['<revision>', '<revision>'], '<message>')`; `SELECT * FROM cmig.heads()` lists the heads.")));
	set_parents(graph, &text.edges, parents, splice);

	text.edges.id = check_id(graph, id);
	set_label(graph, &text.edges, label);
	text.edges.transactional = true;
	if (message)
		require_short_line(message);
	else if (list_length(parents) == 2)
		message = psprintf("merge %s and %s", text.edges.parents.names[0],
						   text.edges.parents.names[1]);
	else
		message = psprintf("merge %s", cmig_listing_names(&text.edges.parents, CMIG_LISTING_PLAIN));
	text.edges.message = message;
	require_sound_with(set, &text.edges);
	cmig_revision_rows_insert(&text);
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_TEXT_P(cstring_to_text(text.edges.id));
}

Datum
cmig_merge(PG_FUNCTION_ARGS)
{
	return merge(fcinfo, cmig_argument_target(fcinfo, 0));
}

Datum
cmig_merge_array(PG_FUNCTION_ARGS)
{
	return merge(fcinfo, cmig_argument_revisions(fcinfo, 0));
}

void
cmig_draft_arguments(FunctionCallInfo fcinfo, int n, CmigDraft *draft)
{
	CmigNewRevision *new = &draft->new;

	new->text.edges.id = cmig_argument_text(fcinfo, n);
	new->head = cmig_argument_text(fcinfo, n + 1);
	new->splice = cmig_argument_bool(fcinfo, n + 2, false);
	new->label = cmig_argument_text(fcinfo, n + 3);
	if (!PG_ARGISNULL(n + 4))
		new->depends = cmig_argument_list(fcinfo, n + 4, "dependencies");
}

void
cmig_draft_prepare(CmigDraft *draft)
{
	CmigRevisionText *text = &draft->new.text;
	CmigFileNames names;

	if (text->description == NULL)
		text->description = "";
	if (text->upgrade_sql == NULL)
		text->upgrade_sql = "";
	/* round down to whole seconds, as in a manually written header */
	text->edges.created_at = GetCurrentTransactionStartTimestamp();
	text->edges.created_at -= text->edges.created_at % USECS_PER_SEC;
	text->edges.has_created_at = true;

	create_prepare(&draft->new);
	cmig_revision_canonicalize(text);
	draft->file_name = cmig_file_name_make(draft->template, text);
	cmig_file_names_init(&names, draft->template);
	cmig_catalog_each_name(cmig_file_names_add, &names);
	cmig_file_names_add(text, &names);
	cmig_file_names_require_distinct(&names);
}

char *
cmig_draft_content(CmigDraft *draft)
{
	cmig_revision_canonicalize(&draft->new.text);
	return cmig_revision_format(&draft->new.text);
}

Datum
cmig_draft_1_2(PG_FUNCTION_ARGS)
{
	CmigDraft	draft = {0};
	Datum		values[2];
	bool		nulls[2] = {false, false};

	draft.new.text.edges.message = cmig_argument_text(fcinfo, 0);
	cmig_draft_arguments(fcinfo, 1, &draft);
	draft.new.text.edges.transactional = cmig_argument_bool(fcinfo, 6, true);
	draft.template = cmig_argument_text(fcinfo, 7);
	draft.new.text.precondition_sql = cmig_argument_text(fcinfo, 8);
	draft.new.text.expand = expand_argument(fcinfo, 9);
	/* what is left out is generated from the lines -- cmig:down */
	draft.new.text.downgrade_sql = draft.new.text.expand ? NULL : "";

	cmig_draft_prepare(&draft);
	values[0] = CStringGetTextDatum(draft.file_name);
	values[1] = CStringGetTextDatum(cmig_draft_content(&draft));
	return cmig_result_row(fcinfo, lengthof(values), values, nulls);
}

/*
 * Returns the node of the revision to which an argument of the SQL function
 * refers.  Raises an error if it refers to no revision or more than one.
 */
static int
find_revision(const CmigGraph *graph, const char *revision, const char *function)
{
	List	   *nodes;

	if (!cmig_text_is_given(revision))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 revision ? errmsg("the revision must not be empty")
				 : errmsg("the revision must not be null"),
				 cmig_hint("Specify one revision. `SELECT * FROM cmig.history()` lists the revisions.")));
	if (cmig_repeatables_find_any(graph, revision) >= 0)
		return cmig_repeatables_find_any(graph, revision);
	nodes = cmig_target_absolute(graph, revision);
	if (list_length(nodes) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" does not identify a single revision", revision),
				 nodes == NIL ? errdetail("It does not refer to any revision.") :
				 errdetail("It refers to %s.", cmig_identifier_list(graph, nodes)),
				 errhint("%s takes one revision at a time.", function)));
	return linitial_int(nodes);
}

Datum
cmig_repair(PG_FUNCTION_ARGS)
{
	CmigRevisionSet *set;
	CmigGraph  *graph;
	CmigRevisionText *script;
	CmigJournalEntry entry = {.direction = "repair"};
	int			node;

	cmig_change_begin("cmig.repair()");
	graph = read_graph(&set);
	node = find_revision(graph, cmig_argument_text(fcinfo, 0), "cmig.repair");
	entry.revision = cmig_graph_id(graph, node);
	if (!cmig_repeatables_is(graph, node) &&
		!cmig_applied_find(graph, cmig_version_rows_read())->applied->set[node])
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is not applied", entry.revision),
				 errdetail("There is nothing to repair, because the script can be changed until the revision is applied."),
				 errhint("Load the new script.")));
	script = cmig_catalog_read_text(entry.revision);
	if (script == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" was deleted in the meantime", entry.revision),
				 errdetail("Its row in cmig.revision no longer exists."),
				 errhint("Load it again.")));
	entry.checksum = cmig_repeatable_checksum(script->upgrade_sql, script->edges.transactional,
											  cmig_repeatables_is(graph, node));
	cmig_journal_write(&entry);
	PG_RETURN_VOID();
}

static bool
has_id(const CmigRevisionSet *set, const char *id)
{
	for (int i = 0; i < set->count; i++)
		if (strcmp(set->revisions[i].id, id) == 0)
			return true;
	return false;
}

/*
 * Does the revision replace others that are all stored, and does it not count
 * as applied?  If such a revision is removed, the ones that it replaces count
 * again.
 */
static bool
has_replaced(const CmigRevisionSet *set, const char *id)
{
	for (int i = 0; i < set->count; i++)
	{
		const CmigNames *old = &set->revisions[i].replaces;

		if (old->count == 0 || strcmp(set->revisions[i].id, id) != 0)
			continue;
		for (int j = 0; j < old->count; j++)
			if (!has_id(set, old->names[j]))
				return false;
		return cmig_replaces_state(set->revisions, set->count, cmig_active_place(),
								   &set->revisions[i]) != CMIG_REPLACES_ALL;
	}
	return false;
}

/*
 * Raise an error because the revision is applied in the database or a scope.
 */
static void
refuse_applied(const char *id, bool in_scope)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("revision \"%s\" cannot be removed because it is applied", id),
			 in_scope ? errdetail("It is applied in at least one scope.") :
			 errdetail("Without it, the database could no longer be downgraded."),
			 in_scope ? cmig_hint("To see in which scopes: `SELECT * FROM cmig.scopes()`") :
			 errhint("Downgrade below it first.")));
}

/*
 * Remove the revision if it is ignored because another revision replaces it,
 * or if the revisions that it replaces count once it is removed.  Otherwise
 * returns false without doing anything.
 */
static bool
remove_inactive(const char *id)
{
	const CmigRevisionSet *set = cmig_catalog_read_revisions(false);

	if (id == NULL || !has_id(set, id) ||
		(has_id(cmig_active_read(false), id) && !has_replaced(set, id)))
		return false;
	for (int i = 0; i < set->count; i++)
	{
		const CmigNames *old = &set->revisions[i].replaces;

		if (cmig_graph_lists(old, id) && cmig_active_needed_in_scopes(old))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("revision \"%s\" cannot be removed because scopes need it", id),
					 errdetail("Not all scopes have applied all revisions that \"%s\" replaces.",
							   set->revisions[i].id),
					 cmig_hint("Upgrade the scopes first. `SELECT * FROM cmig.scopes()` shows their revisions.")));
	}
	if (cmig_names_has(cmig_version_rows_of(CMIG_ROWS_OF_SCOPES), id))
		refuse_applied(id, true);
	cmig_revision_rows_delete(id);
	return true;
}

Datum
cmig_remove_revision(PG_FUNCTION_ARGS)
{
	CmigRevisionSet *set;
	CmigGraph  *graph;
	const char *id;
	int			node;
	CmigProgressRow *begun;
	List	   *needing;
	int			guc_level = cmig_change_begin_revisions("cmig.remove_revision()");

	if (remove_inactive(cmig_argument_text(fcinfo, 0)))
	{
		AtEOXact_GUC(false, guc_level);
		PG_RETURN_VOID();
	}
	graph = read_graph(&set);
	node = find_revision(graph, cmig_argument_text(fcinfo, 0), "cmig.remove_revision");
	id = cmig_graph_id(graph, node);

	if (!cmig_repeatables_is(graph, node) &&
		cmig_applied_find(graph, cmig_version_rows_of(CMIG_ROWS_EVERYWHERE))->applied->set[node])
		refuse_applied(id,
					   !cmig_applied_find(graph,
										  cmig_version_rows_of(CMIG_ROWS_OF_DATABASE))->applied->set[node]);
	cmig_expansion_keep(id);
	begun = cmig_progress_find(cmig_progress_everywhere(), id, CMIG_UPGRADE, 0);
	if (begun)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("revision \"%s\" cannot be removed because it is partially applied", id),
				 errdetail("A stepwise run started the revision but did not finish it."),
				 cmig_hint("%s continues the run%s; `cmig.status()` shows its progress.",
						   cmig_progress_call(begun->scope, id, begun->direction, ""),
						   *begun->scope ? "" :
						   psprintf("; `CALL cmig.abandon_partial(%s)` lists what reverts it",
									quote_literal_cstr(id)))));
	needing = list_concat(cmig_identifier_edges(&graph->nodes[node].children, NULL),
						  cmig_identifier_edges(&graph->nodes[node].dependents, NULL));
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
		if (cmig_graph_lists(&graph->nodes[i].revision->depends, id))
			needing = lappend_int(needing, i);
	if (needing != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("revision \"%s\" cannot be removed because other revisions need it", id),
				 errdetail("It is named in down_revision or depends_on of %s.",
						   cmig_identifier_list(graph, needing)),
				 errhint("Remove those revisions first, or load them with other parents.")));
	cmig_revision_rows_delete(id);
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_VOID();
}
