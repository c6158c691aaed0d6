/*
 * target.c
 *	  Targets: from what the user typed to revisions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "base/base.h"
#include "base/compat.h"
#include "base/errors.h"
#include "graph/internal.h"

/* ----------------------------------------------------------------
 * Resolves the targets of upgrade, downgrade, and stamp.
 *
 * The functions raise errors MG001 to MG004.
 *
 * identifier.c parses identifiers and looks them up.  This file determines
 * what a target means for each command, given the revisions that are applied.
 * target.c does this for the ranges in cmig.history and cmig.export.
 * ----------------------------------------------------------------
 */

/* The allowed forms of a target, for the hint if it is missing. */
#define ABSOLUTE_FORMS "head, heads, base, a branch label, or an id"
#define UPGRADE_FORMS "head, heads, an id, or a relative revision such as '+1'"
#define DOWNGRADE_FORMS "an id to go back to, a relative revision such as '-1', or base to revert all revisions"

/*
 * Absolute targets
 */

/*
 * Append the nodes in "from" to "to", except for nodes in the set "seen", and
 * add the appended nodes to "seen".
 */
static List *
append_unique(const CmigGraph *graph, List *to, List *from, CmigMarks *seen)
{
	ListCell   *lc;

	foreach(lc, from)
	{
		if (cmig_graph_mark(seen, lfirst_int(lc)))
			to = lappend_int(to, lfirst_int(lc));
	}
	return to;
}

List *
cmig_target_absolute(const CmigGraph *graph, const char *target)
{
	CmigIdentifier id;

	cmig_identifier_parse(graph, target, ABSOLUTE_FORMS, &id);
	if (id.relative)
		cmig_identifier_not_valid(&id, "An absolute identifier is required.",
								  psprintf("SELECT * FROM cmig.plan('%s', '%s') shows where it leads.",
										   cmig_direction_name(id.steps < 0 ? CMIG_DOWNGRADE : CMIG_UPGRADE), id.text));
	return cmig_identifier_absolute(graph, id.label, id.symbol, id.text);
}

/* Raise an error if one of the targets is an ancestor of another one. */
static void
refuse_overlap(const CmigGraph *graph, List *targets, bool over_depends)
{
	int			above = -1;
	int			overlap = cmig_applied_overlap(graph, targets, over_depends, &above);

	if (overlap >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("requested revision \"%s\" overlaps with other requested revisions \"%s\"",
						cmig_graph_id(graph, above), cmig_graph_id(graph, overlap)),
				 errdetail("\"%s\" is an ancestor of \"%s\".",
						   cmig_graph_id(graph, overlap), cmig_graph_id(graph, above)),
				 errhint("Leave out \"%s\"; the other revision includes it.",
						 cmig_graph_id(graph, overlap))));
}

/* Returns the nodes that absolute identifiers name, without duplicates. */
static List *
find_list(const CmigGraph *graph, const CmigNames *targets)
{
	CmigMarks  *seen = cmig_graph_marks(graph);
	List	   *nodes = NIL;

	for (int i = 0; i < targets->count; i++)
	{
		CmigIdentifier id;

		cmig_identifier_parse(graph, targets->names[i], ABSOLUTE_FORMS, &id);
		if (id.relative)
			cmig_identifier_not_valid(&id, "A list of targets can contain only absolute identifiers.",
									  "Specify the revisions, or move one branch at a time.");
		nodes = append_unique(graph, nodes,
							  cmig_identifier_absolute(graph, id.label, id.symbol, id.text), seen);
	}
	return nodes;
}

List *
cmig_target_list(const CmigGraph *graph, const CmigNames *targets, bool over_depends)
{
	List	   *nodes = find_list(graph, targets);

	refuse_overlap(graph, nodes, over_depends);
	return nodes;
}

/*
 * Upgrade
 */

/*
 * Returns the topmost applied revisions of a lineage, which have no applied
 * children or dependents in the lineage.
 */
static List *
applied_tips_within(const CmigGraph *graph, const CmigApplied *applied, const CmigMarks *lineage)
{
	List	   *tips = NIL;

	for (int i = 0; i < graph->count; i++)
	{
		bool		tip = applied->applied->set[i] && lineage->set[i];
		int			other;

		for (int k = 0; tip && (other = cmig_graph_edge_up(&graph->nodes[i], k, true)) >= 0; k++)
			tip = !(applied->applied->set[other] && lineage->set[other]);
		if (tip)
			tips = lappend_int(tips, i);
	}
	return tips;
}

/* Returns the version rows in a lineage. */
static List *
applied_rows_within(const CmigApplied *applied, const CmigMarks *lineage)
{
	List	   *rows = NIL;
	ListCell   *lc;

	foreach(lc, applied->nodes)
	{
		if (lineage->set[lfirst_int(lc)])
			rows = lappend_int(rows, lfirst_int(lc));
	}
	return rows;
}

/*
 * Returns the node from which the steps of +N are counted, or -1 for base.
 * Without a lineage, this is the current revision.  With a lineage, it is the
 * lineage's version row or, if there is none, the topmost applied revision of
 * the lineage.  Raises error MG003 if there are several, and MG001 if a
 * version row names an unknown revision.
 */
static int
find_upgrade_start(const CmigGraph *graph, const CmigApplied *applied,
				   const CmigIdentifier *id, const CmigMarks *lineage)
{
	List	   *starts = NIL;

	if (lineage == NULL)
	{
		if (applied->rows->count > 1)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
					 errmsg("upgrade target \"%s\" is ambiguous with multiple current revisions", id->text),
					 applied->nodes == NIL ?
					 errdetail("None of the current revisions is in cmig.revision.") :
					 errdetail("The current revisions are %s%s.", cmig_identifier_list(graph, applied->nodes),
							   applied->unknown ? " and unknown ones" : ""),
					 errhint("Specify a branch, as in <label>@%s, or the revision to reach.", id->text)));
		cmig_applied_require_known(graph, applied);
		starts = applied->nodes;
	}
	else
	{
		cmig_applied_require_known(graph, applied);
		starts = applied_rows_within(applied, lineage);

		/*
		 * if no version row is in the lineage, start at the lineage's topmost
		 * applied revisions
		 */
		if (starts == NIL)
			starts = applied_tips_within(graph, applied, lineage);
		if (list_length(starts) > 1)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
					 errmsg("upgrade target \"%s\" is ambiguous with multiple current revisions", id->text),
					 errdetail("The applied revisions on that branch are %s.", cmig_identifier_list(graph, starts)),
					 errhint("Specify the revision to reach.")));
	}
	return starts ? linitial_int(starts) : -1;
}

/* Returns the node to which a relative target of an upgrade leads. */
static int
find_relative_upgrade(const CmigGraph *graph, const CmigApplied *applied, const CmigIdentifier *id)
{
	CmigMarks  *lineage;
	int			node;

	if (id->symbol == NULL)
	{
		if (id->steps <= 0)
			cmig_identifier_not_valid(id, "An upgrade must go up by at least one step.",
									  "Use a target such as '+1', or cmig.downgrade.");
		lineage = cmig_identifier_lineage(graph, id->label);
		return cmig_identifier_walk_up(graph, id,
									   find_upgrade_start(graph, applied, id, lineage),
									   id->steps, lineage, false);
	}
	if (id->steps > 0)
	{
		lineage = cmig_identifier_lineage(graph, id->label);
		return cmig_identifier_walk_up(graph, id, cmig_identifier_one(graph, NULL, id->symbol, id->text),
									   id->steps, lineage, false);
	}
	node = cmig_identifier_walk_down(graph, id, cmig_identifier_one(graph, id->label, id->symbol, id->text),
									 -id->steps, false);
	if (node < 0)
		cmig_identifier_walked_too_far(id);
	return node;
}

List *
cmig_target_upgrade(const CmigGraph *graph, const CmigApplied *applied,
					const CmigNames *targets)
{
	CmigIdentifier id;

	if (targets->count == 1)
	{
		cmig_identifier_parse(graph, targets->names[0], UPGRADE_FORMS, &id);
		if (id.relative)
			return list_make1_int(find_relative_upgrade(graph, applied, &id));
	}
	return cmig_target_list(graph, targets, true);
}

/*
 * Downgrade
 */

/*
 * Raise error MG003 for an ambiguous -N.  The hint shows a branch for which -N
 * works.  If possible, this is a branch whose current revision is not a merge,
 * because -1 is ambiguous at a merge, too.
 */
pg_noreturn static void
raise_ambiguous_downgrade(const CmigGraph *graph, const CmigApplied *applied,
						  const CmigIdentifier *id)
{
	const CmigRevision *revision = NULL;
	const char *label;
	ListCell   *lc;

	foreach(lc, applied->nodes)
	{
		if (revision == NULL || revision->parents.count != 1)
			revision = graph->nodes[lfirst_int(lc)].revision;
	}
	label = revision->labels.count ? revision->labels.names[0] : revision->id;

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
			 errmsg("downgrade target \"%s\" is ambiguous with multiple current heads", id->text),
			 errdetail("The current revisions are %s.", cmig_identifier_list(graph, applied->nodes)),
			 revision->parents.count == 1
			 ? errhint("Specify the branch, such as '%s@%s', or the revision to go back to, such as '%s'.",
					   label, id->text, revision->parents.names[0])
			 : errhint("Specify the branch, such as '%s@%s', or the revision to go back to.",
					   label, id->text)));
}

/* Returns the applied revisions in a lineage that have no applied child. */
static List *
applied_branch_heads(const CmigGraph *graph, const CmigApplied *applied, const CmigMarks *lineage)
{
	List	   *heads = NIL;

	for (int i = 0; i < graph->count; i++)
	{
		const CmigNode *node = &graph->nodes[i];
		bool		head = applied->applied->set[i] && lineage->set[i];

		for (int j = 0; head && j < node->children.count; j++)
			head = !applied->applied->set[node->children.nodes[j]];
		if (head)
			heads = lappend_int(heads, i);
	}
	return heads;
}

/* Returns the node from which the steps of -N or label@-N are counted. */
static int
find_downgrade_start(const CmigGraph *graph, const CmigApplied *applied, const CmigIdentifier *id)
{
	CmigMarks  *lineage;
	List	   *starts;

	if (id->label == NULL)
	{
		if (applied->rows->count == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_INVALID_TARGET),
					 errmsg("relative revision %s didn't produce %s migrations",
							id->steps_text, id->steps_text + 1),
					 errdetail("Nothing is applied."),
					 errhint("SELECT * FROM cmig.current() shows the current revisions.")));
		cmig_applied_require_known(graph, applied);
		if (list_length(applied->nodes) > 1)
			raise_ambiguous_downgrade(graph, applied, id);
		return linitial_int(applied->nodes);
	}

	lineage = cmig_identifier_lineage(graph, id->label);
	cmig_applied_require_known(graph, applied);
	starts = applied_rows_within(applied, lineage);

	/*
	 * If no version row is in the lineage, the branch may be applied as a
	 * dependency.  If so, start at its applied heads.
	 */
	if (starts == NIL)
		starts = applied_branch_heads(graph, applied, lineage);
	if (starts == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("relative revision %s didn't produce %s migrations",
						id->steps_text, id->steps_text + 1),
				 errdetail("No revision of branch \"%s\" is applied.", id->label),
				 errhint("SELECT * FROM cmig.current() shows what is applied.")));
	if (list_length(starts) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("downgrade target \"%s\" is ambiguous with multiple current heads", id->text),
				 errdetail("The applied revisions on that branch are %s.", cmig_identifier_list(graph, starts)),
				 errhint("Specify the revision to go back to.")));
	return linitial_int(starts);
}

/*
 * Returns the roots of a downgrade to "node": the revisions directly above it,
 * or all bases if "node" is -1.  If there are several and "branch" is not -1,
 * returns only the roots that are the node "branch" or its ancestors.
 */
static List *
find_roots(const CmigGraph *graph, int node, int branch, const char *text)
{
	List	   *all = node < 0 ? cmig_identifier_bases(graph)
	: cmig_identifier_edges(&graph->nodes[node].children, NULL);
	CmigMarks  *ancestors;
	List	   *roots = NIL;
	ListCell   *lc;

	if (branch < 0 || list_length(all) < 2)
		return all;

	ancestors = cmig_graph_marks(graph);
	cmig_graph_mark(ancestors, branch);
	cmig_graph_mark_ancestors(graph, ancestors, false);
	foreach(lc, all)
	{
		if (ancestors->set[lfirst_int(lc)])
			roots = lappend_int(roots, lfirst_int(lc));
	}
	if (roots == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("destination %s is not a valid downgrade target from current head(s)", text),
				 errdetail("None of the branches that start at \"%s\" leads to \"%s\".",
						   node < 0 ? "base" : cmig_graph_id(graph, node),
						   cmig_graph_id(graph, branch)),
				 errhint("SELECT * FROM cmig.branches() shows where branches start.")));
	return roots;
}

/*
 * Resolve an absolute target of a downgrade, and set *branch to the branch to
 * which the downgrade is limited, if any.  Returns false if the target is a
 * head but there are no revisions, so that there is nothing to revert.
 */
static bool
find_named_downgrade(const CmigGraph *graph, const CmigIdentifier *id,
					 CmigDowngradeTarget *result, int *branch)
{
	/*
	 * in a downgrade, label@head means the head of the whole graph, which
	 * must be a member of the branch
	 */
	bool		symbolic = strcmp(id->symbol, "head") == 0 || strcmp(id->symbol, "heads") == 0;

	if (id->label)
		*branch = cmig_identifier_branch(graph, id->label);
	result->node = cmig_identifier_one(graph, symbolic ? NULL : id->label, id->symbol, id->text);
	result->to_base = result->node < 0 && *branch < 0 && strcmp(id->symbol, "base") == 0;
	if (symbolic && result->node < 0)
		return false;
	if (symbolic && *branch >= 0 &&
		!cmig_graph_lineage(graph, *branch, false)->set[result->node])
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("destination %s is not a valid downgrade target from current head(s)", result->text),
				 errdetail("The head is not a member of branch \"%s\".", id->label),
				 errhint("Specify a revision of that branch.")));
	return true;
}

/* Resolve the target id-N of a downgrade: N steps below the revision "id". */
static void
find_downgrade_below(const CmigGraph *graph, const CmigApplied *applied, const CmigIdentifier *id,
					 CmigDowngradeTarget *result, int *branch)
{
	int			start = cmig_identifier_one(graph, id->label, id->symbol, id->text);

	result->node = cmig_identifier_walk_down(graph, id, start, -id->steps, false);
	if (id->label)
		*branch = cmig_identifier_branch(graph, id->label);
	if (result->node >= 0)
		return;

	/*
	 * The target is base, but only the branch of "start" is reverted, not the
	 * whole graph.
	 */
	if (start >= 0 && !applied->applied->set[start])
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("destination %s is not a valid downgrade target from current head(s)", result->text),
				 errdetail("Revision \"%s\" is not applied.", cmig_graph_id(graph, start)),
				 errhint("SELECT * FROM cmig.current() shows what is applied.")));
	if (*branch < 0)
		*branch = start;
}

CmigDowngradeTarget *
cmig_target_downgrade(const CmigGraph *graph, const CmigApplied *applied, const char *target)
{
	CmigDowngradeTarget *result = palloc0(sizeof(CmigDowngradeTarget));
	CmigIdentifier id;
	int			branch = -1;

	cmig_identifier_parse(graph, target, DOWNGRADE_FORMS, &id);
	result->text = target;

	if (!id.relative)
	{
		if (!find_named_downgrade(graph, &id, result, &branch))
			return result;
	}
	else if (id.symbol == NULL)
	{
		int			start;

		if (id.steps >= 0)
			cmig_identifier_not_valid(&id, "A downgrade must go down by at least one step.",
									  "Use a target such as '-1', or cmig.upgrade.");
		start = find_downgrade_start(graph, applied, &id);
		result->node = cmig_identifier_walk_down(graph, &id, start, -id.steps, false);
		branch = id.label ? cmig_identifier_branch(graph, id.label) : start;
	}
	else if (id.steps >= 0)
	{
		result->node = cmig_identifier_walk_up(graph, &id, cmig_identifier_one(graph, NULL, id.symbol, id.text),
											   id.steps, cmig_identifier_lineage(graph, id.label), false);
		if (id.label)
			branch = cmig_identifier_branch(graph, id.label);
	}
	else
		find_downgrade_below(graph, applied, &id, result, &branch);

	result->roots = find_roots(graph, result->node, branch, target);
	return result;
}

/*
 * Stamp
 */

/*
 * Returns the nodes for a relative identifier in a stamp.  If nothing is
 * applied, -N and label@-N count down from the heads, as in Alembic.  Any
 * other relative identifier is an error.
 */
static List *
find_relative_stamp(const CmigGraph *graph, const CmigApplied *applied, const CmigIdentifier *id)
{
	List	   *nodes = NIL;
	ListCell   *lc;

	if (id->symbol != NULL || id->steps >= 0 || applied->rows->count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
				 errmsg("can't locate revision identified by \"%s\"", id->text),
				 errdetail("A relative revision cannot be stamped."),
				 errhint("Specify the revision that the schema matches. SELECT * FROM cmig.history() lists the revisions.")));
	foreach(lc, cmig_identifier_heads(graph, cmig_identifier_lineage(graph, id->label), true))
	{
		int			node = cmig_identifier_walk_down(graph, id, lfirst_int(lc), -id->steps, false);

		if (node < 0)
			cmig_identifier_walked_too_far(id);
		nodes = lappend_int(nodes, node);
	}
	return nodes;
}

CmigStampTarget *
cmig_target_stamp(const CmigGraph *graph, const CmigApplied *applied, const CmigNames *targets)
{
	CmigStampTarget *result = palloc0(sizeof(CmigStampTarget));
	CmigMarks  *seen = cmig_graph_marks(graph);
	bool		all_bases = false;

	for (int i = 0; i < targets->count; i++)
	{
		CmigIdentifier id;
		List	   *found;

		cmig_identifier_parse(graph, targets->names[i], ABSOLUTE_FORMS, &id);
		if (id.relative)
			found = find_relative_stamp(graph, applied, &id);
		else
			found = cmig_identifier_absolute(graph, id.label, id.symbol, id.text);
		if (found == NIL)
		{
			result->base = true;
			if (id.label == NULL)
				all_bases = true;
			else
			{
				CmigMarks  *lineage = cmig_graph_lineage(graph, cmig_identifier_branch(graph, id.label), true);

				if (result->base_lineage == NULL)
					result->base_lineage = lineage;
				else
					for (int j = 0; j < graph->count; j++)
						if (lineage->set[j])
							cmig_graph_mark(result->base_lineage, j);
			}
		}
		result->nodes = append_unique(graph, result->nodes, found, seen);
	}
	if (all_bases)
		result->base_lineage = NULL;
	refuse_overlap(graph, result->nodes, true);
	return result;
}

/* ----------------------------------------------------------------
 * Resolves ranges, as in cmig.history and cmig.export, to revisions.
 *
 * The function raises errors MG001 to MG004 and 22023.
 * ----------------------------------------------------------------
 */

/* The allowed forms of a range, for the hint if an end is missing. */
#define RANGE_FORMS "from:to, such as base:heads or current:head"

/*
 * Returns the nodes to which one end of a range refers.  If the end does not
 * refer to any node, sets *base to true.
 */
static List *
find_range_end(const CmigGraph *graph, const CmigApplied *applied, const char *text, bool *base)
{
	CmigIdentifier id;
	List	   *found;
	List	   *nodes = NIL;
	ListCell   *lc;
	CmigMarks  *lineage;

	*base = false;
	cmig_identifier_parse(graph, text, RANGE_FORMS, &id);
	lineage = cmig_identifier_lineage(graph, id.label);
	if (id.symbol == NULL || strcmp(id.symbol, "current") == 0)
	{
		/*
		 * ignore version rows of unknown revisions, so that cmig.history
		 * still works
		 */
		found = NIL;
		foreach(lc, applied->nodes)
		{
			if (lineage == NULL || lineage->set[lfirst_int(lc)])
				found = lappend_int(found, lfirst_int(lc));
		}
		if (id.relative && list_length(found) > 1)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
					 errmsg("relative revision \"%s\" is ambiguous with multiple current heads", text),
					 errdetail("The current revisions are %s.", cmig_identifier_list(graph, found)),
					 errhint("Specify a revision, or a branch: <label>@%s.", id.steps_text)));
	}
	else
		found = cmig_identifier_absolute(graph, id.label, id.symbol, id.text);

	if (id.relative)
	{
		if (list_length(found) > 1)
			cmig_identifier_multiple_heads(graph, found, id.text);
		found = list_make1_int(found ? linitial_int(found) : -1);
		linitial_int(found) = id.steps >= 0
			? cmig_identifier_walk_up(graph, &id, linitial_int(found), id.steps, lineage, true)
			: cmig_identifier_walk_down(graph, &id, linitial_int(found), -id.steps, true);
	}
	foreach(lc, found)
	{
		if (lfirst_int(lc) >= 0)
			nodes = lappend_int(nodes, lfirst_int(lc));
	}
	*base = (nodes == NIL);
	return nodes;
}

/*
 * Split a range into its two ends.  If the range contains no colon, the whole
 * range is used for both ends.
 */
static void
split_range(const char *range, const char **from, const char **to)
{
	const char *colon;

	if (range == NULL || range[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the range must not be %s", range ? "empty" : "null"),
				 errhint("Use from:to, such as base:heads or current:head.")));
	colon = strchr(range, ':');
	if (colon != NULL && strchr(colon + 1, ':') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a range", range),
				 errhint("A range has the form from:to, such as base:heads or current:head.")));

	if (colon == NULL)
		*from = *to = range;
	else
	{
		*from = colon == range ? "base" : pnstrdup(range, colon - range);
		*to = colon[1] == '\0' ? "heads" : colon + 1;
	}
}

/* Returns the nodes in a list as a set. */
static CmigMarks *
marks_of(const CmigGraph *graph, const List *nodes)
{
	CmigMarks  *marks = cmig_graph_marks(graph);
	ListCell   *lc;

	foreach(lc, nodes)
	{
		cmig_graph_mark(marks, lfirst_int(lc));
	}
	return marks;
}

/* Returns the nodes that are in both sets. */
static CmigMarks *
intersect(const CmigGraph *graph, const CmigMarks *a, const CmigMarks *b)
{
	CmigMarks  *both = cmig_graph_marks(graph);

	for (int i = 0; i < graph->count; i++)
		if (a->set[i] && b->set[i])
			cmig_graph_mark(both, i);
	return both;
}

CmigMarks *
cmig_target_range(const CmigGraph *graph, const CmigApplied *applied, const char *range)
{
	CmigMarks  *upper;
	CmigMarks  *lower;
	CmigMarks  *result;
	const char *from;
	const char *to;
	List	   *from_nodes;
	bool		from_base;
	bool		to_base;

	split_range(range, &from, &to);
	from_nodes = find_range_end(graph, applied, from, &from_base);
	upper = marks_of(graph, find_range_end(graph, applied, to, &to_base));

	/*
	 * without ":", the range consists only of the revisions to which the
	 * identifier refers
	 */
	if (from == range && to == range)
		return upper;
	cmig_graph_mark_ancestors(graph, upper, true);

	/*
	 * revisions on a cycle are not below any head, but must be included, so
	 * that users can see and fix them
	 */
	if (graph->defects != NIL && strcmp(to, "heads") == 0)
		for (int i = 0; i < graph->count; i++)
			cmig_graph_mark(upper, i);
	if (from_base)
	{
		const char *at = strchr(from, '@');

		return at == NULL ? upper :
			intersect(graph, upper,
					  cmig_identifier_lineage(graph, pnstrdup(from, at - from)));
	}

	lower = marks_of(graph, from_nodes);
	cmig_graph_mark_descendants(graph, lower, true);
	result = intersect(graph, upper, lower);
	if (result->count == 0 && (from_nodes != NIL || !to_base))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("revision \"%s\" is not an ancestor of revision \"%s\"", from, to),
				 errhint("A range goes from the older to the newer revision.")));
	return result;
}
