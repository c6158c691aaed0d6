/*
 * repair.c
 *	  Repairs and removes single revisions: cmig.repair, cmig.remove_revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "graph/graph.h"
#include "store/internal.h"

PG_FUNCTION_INFO_V1(cmig_repair);
PG_FUNCTION_INFO_V1(cmig_remove_revision);

/*
 * Returns the node of the revision to which an argument of the SQL function
 * refers.  Raises an error if it refers to no revision or more than one.
 */
static int
find_revision(const CmigGraph *graph, const char *revision, const char *function)
{
	List	   *nodes;

	if (revision == NULL || revision[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 revision ? errmsg("the revision must not be empty")
				 : errmsg("the revision must not be null"),
				 errhint("Specify one revision. SELECT * FROM cmig.history() lists the revisions.")));
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
	CmigStoredScript *script;
	CmigJournalEntry entry = {.direction = "repair"};
	int			node;

	cmig_change_begin("cmig.repair()");
	set = cmig_active_read(false);
	graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(graph, set->repeatables, set->repeatable_count);
	node = find_revision(graph, cmig_argument_text(fcinfo, 0), "cmig.repair");
	entry.revision = cmig_graph_id(graph, node);
	if (!cmig_repeatables_is(graph, node) && !cmig_applied_find(graph, cmig_version_rows_read())->applied->set[node])
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is not applied", entry.revision),
				 errdetail("There is nothing to repair, because the script can be changed until the revision is applied."),
				 errhint("Load the new script.")));
	script = cmig_catalog_read_script(entry.revision, CMIG_UPGRADE);
	if (script == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" was deleted in the meantime", entry.revision),
				 errdetail("Its row in cmig.revision no longer exists."),
				 errhint("Load it again.")));
	entry.checksum = cmig_repeatable_checksum(script->sql, script->transactional, cmig_repeatables_is(graph, node));
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

/* Is the name in the list, which need not be sorted? */
static bool
names_contain(const CmigNames *names, const char *name)
{
	for (int i = 0; i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
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
		return cmig_replaces_state(set->revisions, set->count, cmig_active_place(), &set->revisions[i]) != CMIG_REPLACES_ALL;
	}
	return false;
}

/*
 * Raise an error because the revision is applied in the database or in a
 * scope.
 */
static void
refuse_applied(const char *id, bool in_scope)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("revision \"%s\" cannot be removed because it is applied", id),
			 in_scope ? errdetail("It is applied in at least one scope.") :
			 errdetail("Without it, the database could no longer be downgraded."),
			 in_scope ? errhint("To see in which scopes: SELECT * FROM cmig.scopes()") :
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

	if (id == NULL || !has_id(set, id) || (has_id(cmig_active_read(false), id) && !has_replaced(set, id)))
		return false;
	for (int i = 0; i < set->count; i++)
	{
		const CmigNames *old = &set->revisions[i].replaces;

		if (names_contain(old, id) && cmig_active_needed_in_scopes(old))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("revision \"%s\" cannot be removed because scopes need it", id),
					 errdetail("Not all scopes have applied all revisions that \"%s\" replaces.",
							   set->revisions[i].id),
					 errhint("Upgrade the scopes first. SELECT * FROM cmig.scopes() shows their revisions.")));
	}
	if (cmig_names_has(cmig_version_rows_of_scopes(), id))
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
		cmig_change_end_revisions(guc_level);
		PG_RETURN_VOID();
	}
	set = cmig_active_read(false);
	graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(graph, set->repeatables, set->repeatable_count);
	node = find_revision(graph, cmig_argument_text(fcinfo, 0), "cmig.remove_revision");
	id = cmig_graph_id(graph, node);

	if (!cmig_repeatables_is(graph, node) && cmig_applied_find(graph, cmig_version_rows_everywhere())->applied->set[node])
		refuse_applied(id, !cmig_applied_find(graph, cmig_version_rows_database())->applied->set[node]);
	begun = cmig_progress_of(cmig_progress_everywhere(), id);
	if (begun)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("revision \"%s\" cannot be removed because it is partially applied", id),
				 errdetail("A stepwise run started the revision but did not finish it."),
				 errhint("%s) continues the run; cmig.status() shows its progress.",
						 cmig_progress_call(begun->scope, id, begun->direction))));
	needing = list_concat(cmig_identifier_edges(&graph->nodes[node].children, NULL),
						  cmig_identifier_edges(&graph->nodes[node].dependents, NULL));
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
		if (names_contain(&graph->nodes[i].revision->depends, id))
			needing = lappend_int(needing, i);
	if (needing != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("revision \"%s\" cannot be removed because other revisions need it", id),
				 errdetail("It is named in down_revision or depends_on of %s.",
						   cmig_identifier_list(graph, needing)),
				 errhint("Remove those revisions first, or load them with other parents.")));
	cmig_revision_rows_delete(id);
	cmig_change_end_revisions(guc_level);
	PG_RETURN_VOID();
}
