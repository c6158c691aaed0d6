/*
 * target.c
 *	  Targets: from what the user typed to revisions.
 *
 * A node is identified by its number in the graph; -1 stands for "base", the
 * state before the first revision.  The grammar is Alembic's
 * (doc/reference/identifiers.md).  An identifier is interpreted as an exact
 * id if possible, otherwise as an exact label, otherwise as a relative
 * identifier, and otherwise as the beginning of an id or label.  What a target
 * means for each command depends on the revisions that are applied according
 * to the version rows.  The functions raise errors MG001 to MG004 and 22023.
 *
 * The rules are the same as in Alembic's revision map
 * (alembic/script/revision.py), with three differences.  Text after a relative
 * number, as in +2x, is an error instead of being ignored.  Ids may contain
 * '-', because a name that matches exactly takes precedence over a relative
 * identifier.  An error is raised where Alembic would guess, or destroy more
 * than was requested.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/errors.h"
#include "graph/graph.h"

/* The allowed forms of a target, for the hint if it is missing. */
#define ABSOLUTE_FORMS "head, heads, base, a branch label, or an id"
#define UPGRADE_FORMS "head, heads, an id, or a relative revision such as '+1'"
#define DOWNGRADE_FORMS "an id to go back to, a relative revision such as '-1', or base to revert all revisions"

/* Maximum length of a target in bytes; valid targets are much shorter. */
#define MAX_TARGET_LENGTH 1000

/*
 * The maximum number of steps in a relative identifier.  Larger numbers are
 * reduced to this maximum, because no graph is that deep.
 */
#define MAX_STEPS 1000000000

static const char *const symbols[] = {"head", "heads", "base"};

/* Words that other tools use for symbols such as head. */
static const struct
{
	const char *word;
	const char *symbol;
}			synonyms[] = {
	{"latest", "head"}, {"last", "head"}, {"newest", "head"}, {"tip", "head"}, {"top", "head"},
	{"all", "heads"}, {"zero", "base"}, {"0", "base"}, {"root", "base"}, {"none", "base"},
	{"previous", "-1"}, {"prev", "-1"}, {"next", "+1"}
};

/* The parts of an identifier, label@symbol+steps.  Missing parts are NULL. */
typedef struct CmigIdentifier
{
	const char *text;			/* as typed */
	char	   *label;
	char	   *symbol;			/* an id or label, the beginning of one, or
								 * head, heads, base, or current */
	bool		relative;		/* does the identifier have steps? */
	int			steps;			/* negative for steps down */
	const char *steps_text;		/* the steps as typed, such as "+2" */
} CmigIdentifier;

/*
 * Errors
 */

/*
 * Does the name consist of the word with two neighboring letters swapped, as
 * in "haed"?
 */
static bool
has_swapped_letters(const char *name, const char *word)
{
	int			i = 0;

	while (name[i] != '\0' && name[i] == word[i])
		i++;
	return name[i] != '\0' && name[i + 1] != '\0' && word[i] != '\0' &&
		name[i] == word[i + 1] && name[i + 1] == word[i] &&
		strcmp(name + i + 2, word + i + 2) == 0;
}

/*
 * Raise error MG001 for a name that does not exist, with a hint that considers
 * common mistakes.
 */
pg_noreturn static void
not_found(const CmigGraph *graph, const char *name)
{
	char	   *near = cmig_graph_suggest(graph, name, -1);
	int			length = strlen(name);
	bool		is_base = false;

	for (int i = 0; i < lengthof(symbols); i++)
		if (pg_strcasecmp(name, symbols[i]) == 0 ||
			(near == NULL && length >= 3 && length <= 6 &&
			 (has_swapped_letters(name, symbols[i]) ||
			  varstr_levenshtein_less_equal(name, length, symbols[i], strlen(symbols[i]),
											1, 1, 1, 1, true) <= 1)))
			near = psprintf("\"%s\"", symbols[i]);
	for (int i = 0; i < lengthof(synonyms) && near == NULL; i++)
		if (pg_strcasecmp(name, synonyms[i].word) == 0)
		{
			near = psprintf("\"%s\"", synonyms[i].symbol);
			is_base = strcmp(synonyms[i].symbol, "base") == 0;
		}

	for (int node = 0; node < graph->count; node++)
		if (cmig_graph_lists(&graph->nodes[node].revision->replaces, name))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
					 errmsg("can't locate revision identified by \"%s\"", name),
					 errdetail("Revision \"%s\" replaces it and others.",
							   cmig_graph_id(graph, node)),
					 errhint("Specify \"%s\", or a revision before or after it.",
							 cmig_graph_id(graph, node))));
	if (cmig_repeatables_find(graph, name) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("repeatable revision \"%s\" has no position in the revision graph", name),
				 errdetail("It runs after an upgrade to the heads if its script has changed."),
				 cmig_hint("`SELECT * FROM cmig.plan('upgrade', 'heads')` shows what would run.")));
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
			 strchr(name, '"') ? errmsg("can't locate revision identified by %s", name)
			 : errmsg("can't locate revision identified by \"%s\"", name),
			 strcmp(name, "current") == 0
			 ? cmig_hint("Only `cmig.history`, `cmig.show`, `cmig.export`, and ranges in `cmig.script` accept \"current\".")
			 : strstr(name, "..") != NULL
			 ? cmig_hint("Ranges, written as from:to, are accepted by `cmig.history`, `cmig.export`, and `cmig.script`.")
			 : strchr(name, ',') != NULL
			 ? errhint("One revision is expected. Functions that accept several take an array: ARRAY['<revision>', ...].")
			 : strncmp(name, "-r", 2) == 0 || strncmp(name, "--r", 3) == 0
			 ? cmig_hint("Pass only the range: `SELECT * FROM cmig.history('<from>:<to>')`")
			 : strncmp(name, "--", 2) == 0
			 ? cmig_hint("Alembic's options are arguments or functions in pg_cmig, such as `purge => true` for --purge, or `cmig.script` for --sql.")
			 : strchr(name, '+') != NULL || name[0] == '-'
			 ? errhint("A relative revision is a plus or minus sign and a number, optionally after a name: '+1', 'head-2', '<label>@+1'.")
			 : is_base ? errhint("\"base\" is the state before the first revision, which only a downgrade can reach.")
			 : (name[0] == '"' || name[0] == '\'') && length > 2 && name[length - 1] == name[0]
			 ? errhint("Remove the inner quotes: '%s'", pnstrdup(name + 1, length - 2))
			 : near ? cmig_hint("Did you mean %s? `SELECT * FROM cmig.history()` lists the revisions.", near)
			 : graph->count == 0 ?
			 cmig_hint("There are no revisions yet. Load files, or create one with `cmig.create_revision`.")
			 : cmig_hint("`SELECT * FROM cmig.history()` lists the revisions that are loaded.")));
}

char *
cmig_identifier_list(const CmigGraph *graph, List *nodes)
{
	CmigListing listing;

	cmig_listing_init(&listing, CMIG_LISTING_QUOTED);
	foreach_int(node, nodes)
		cmig_listing_add(&listing, cmig_graph_id(graph, node));
	return cmig_listing_text(&listing);
}

/* Raise error MG003, because a head is ambiguous. */
pg_noreturn static void
refuse_multiple_heads(const CmigGraph *graph, List *heads, const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
			 errmsg("multiple head revisions are present for given argument \"%s\"", argument),
			 errdetail("The heads are %s.", cmig_identifier_list(graph, heads)),
			 cmig_hint("Specify one head by its id or as <label>@head, or specify \"heads\" for all of them. To merge them: `SELECT cmig.merge('heads', '<message>')`")));
}

pg_noreturn static void
not_valid(const CmigIdentifier *id, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("relative revision %s is not a valid target", id->text),
			 errdetail("%s", detail),
			 cmig_hint("%s", hint)));
}

pg_noreturn static void
not_downgradable(const char *target, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("destination %s is not a valid downgrade target from current head(s)", target),
			 errdetail("%s", detail),
			 cmig_hint("%s", hint)));
}

/* Raise an error because a relative identifier leads nowhere. */
pg_noreturn static void
no_migrations(const CmigIdentifier *id, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("relative revision %s didn't produce %s migrations",
					id->steps_text, id->steps_text + 1),
			 errdetail("%s", detail),
			 cmig_hint("%s", hint)));
}

pg_noreturn static void
walked_too_far(const CmigIdentifier *id)
{
	no_migrations(id, id->symbol || id->label
				  ? psprintf("\"%s\" goes beyond the end of the graph.", id->text)
				  : "There are not enough revisions in that direction.",
				  "`SELECT * FROM cmig.history()` lists the revisions.");
}

/*
 * Parsing identifiers
 */

/*
 * Parse the steps of a relative identifier: [symbol]+N or [symbol]-N.  Returns
 * false if "rest" has neither form.
 */
static bool
parse_steps(const char *rest, CmigIdentifier *id)
{
	const char *sign = strrchr(rest, '+');
	int64		steps = 0;

	if (strrchr(rest, '-') > sign)
		sign = strrchr(rest, '-');
	if (sign == NULL || sign[1] == '\0' ||
		strspn(sign + 1, "0123456789") != strlen(sign + 1))
		return false;

	for (const char *c = sign + 1; *c && steps < MAX_STEPS; c++)
		steps = steps * 10 + (*c - '0');
	steps = Min(steps, MAX_STEPS);
	id->relative = true;
	id->steps = *sign == '-' ? -(int) steps : (int) steps;
	id->steps_text = sign;
	if (sign > rest)
		id->symbol = pnstrdup(rest, sign - rest);
	return true;
}

/*
 * Parse a target.  Raises error 22023 if the target is NULL, empty, or not an
 * identifier.  "forms" lists the allowed forms of a target for the hint.
 */
static void
parse_identifier(const CmigGraph *graph, const char *target, const char *forms,
				 CmigIdentifier *id)
{
	const char *rest = target;
	const char *at;

	memset(id, 0, sizeof(*id));
	if (!cmig_text_is_given(target))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 target ? errmsg("the target must not be empty")
				 : errmsg("the target must not be null"),
				 errhint("Specify %s.", forms)));

	if (strlen(target) > MAX_TARGET_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target is too long"),
				 errdetail("It has %zu bytes; an id or a label has at most %d.",
						   strlen(target), CMIG_MAX_ID_LENGTH),
				 cmig_hint("`SELECT * FROM cmig.history()` lists the revisions.")));

	id->text = target;
	if (cmig_graph_find_name(graph, target) >= 0)
	{
		id->symbol = pstrdup(target);
		return;
	}
	if (strchr(target, ':') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is a range, but one revision is expected", target),
				 cmig_hint("Ranges such as base:heads are accepted by `cmig.history`, `cmig.export`, and `cmig.script`.")));

	at = strchr(target, '@');
	if (at != NULL)
	{
		id->label = pnstrdup(target, at - target);
		rest = at + 1;
		if (at == target || *rest == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a revision identifier", target),
					 errhint("Write <label>@<revision>, such as billing@head.")));
	}

	if (cmig_graph_find_name(graph, rest) < 0 && parse_steps(rest, id))
		return;
	id->symbol = pstrdup(rest);
}

/*
 * Looking up names
 */

static bool
is_symbol(const char *name)
{
	for (int i = 0; i < lengthof(symbols); i++)
		if (strcmp(name, symbols[i]) == 0)
			return true;
	return false;
}

/*
 * Returns the node whose id or label begins with "name" and is longer than 3
 * characters, or -1 if there is none.  Raises error MG002 if there are several.  If "within" is not NULL,
 * the node must be in that set.
 */
static int
find_partial(const CmigGraph *graph, const char *name, const CmigMarks *within)
{
	Size		length = strlen(name);
	List	   *found = NIL;

	for (int i = 0; i < graph->count; i++)
	{
		const CmigRevision *revision = graph->nodes[i].revision;

		for (int j = -1; j < revision->labels.count; j++)
		{
			const char *candidate = j < 0 ? revision->id : revision->labels.names[j];

			if ((within == NULL || within->set[i]) &&
				strncmp(candidate, name, length) == 0 && pg_mbstrlen(candidate) > 3)
				found = lappend_int(found, i);
		}
	}
	if (list_length(found) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_AMBIGUOUS_REVISION),
				 errmsg("revision identifier \"%s\" is ambiguous", name),
				 errdetail("It matches %s.", cmig_identifier_list(graph, found)),
				 errhint("Specify more characters of the id.")));
	return found ? linitial_int(found) : -1;
}

/*
 * Returns the node that identifies a branch.  "label" is a label or id, or the
 * beginning of one.
 */
static int
find_branch(const CmigGraph *graph, const char *label)
{
	int			node = cmig_graph_find_name(graph, label);

	if (node < 0 && !is_symbol(label))
		node = find_partial(graph, label, NULL);
	if (node < 0)
	{
		char	   *near = cmig_graph_suggest(graph, label, -1);

		ereport(ERROR,
				(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
				 errmsg("can't locate branch or revision identified by \"%s\"", label),
				 near ? errhint("Did you mean %s?", near)
				 : cmig_hint("`SELECT * FROM cmig.heads()` lists the branch labels.")));
	}
	return node;
}

/*
 * Returns a node's lineage: its ancestors, its descendants, and the node
 * itself.  Adds it to the set "to" instead, if that is not NULL.
 */
static CmigMarks *
lineage_of(const CmigGraph *graph, int node, bool over_depends, CmigMarks *to)
{
	CmigMarks  *down = cmig_graph_marks(graph);
	CmigMarks  *up = cmig_graph_marks(graph);

	cmig_graph_mark(down, node);
	cmig_graph_mark(up, node);
	cmig_graph_mark_ancestors(graph, down, over_depends);
	cmig_graph_mark_descendants(graph, up, over_depends);
	if (to == NULL)
		to = cmig_graph_marks(graph);
	for (int i = 0; i < graph->count; i++)
		if (up->set[i] || down->set[i])
			cmig_graph_mark(to, i);
	return to;
}

/*
 * Returns a branch's lineage over down_revision, or NULL if "label" is NULL.
 */
static CmigMarks *
branch_lineage(const CmigGraph *graph, const char *label)
{
	return label ? lineage_of(graph, find_branch(graph, label), false, NULL) : NULL;
}

List *
cmig_identifier_heads(const CmigGraph *graph, const CmigMarks *lineage, bool effective)
{
	List	   *heads = NIL;

	for (int i = 0; i < graph->count; i++)
		if ((effective ? cmig_graph_is_effective_head(graph, i)
			 : cmig_graph_is_head(graph, i)) &&
			(lineage == NULL || lineage->set[i]))
			heads = lappend_int(heads, i);
	return heads;
}

/* Returns the bases of a lineage, or of the whole graph. */
static List *
find_bases(const CmigGraph *graph, const CmigMarks *lineage)
{
	List	   *bases = NIL;

	for (int i = 0; i < graph->count; i++)
		if (graph->nodes[i].parents.count == 0 && (lineage == NULL || lineage->set[i]))
			bases = lappend_int(bases, i);
	return bases;
}

/*
 * Returns the nodes to which label@symbol refers, or NIL for base.  If "label"
 * is not NULL, the nodes must be in the lineage of that branch.
 */
static List *
find_absolute(const CmigGraph *graph, const CmigIdentifier *id, const char *label)
{
	const char *symbol = id->symbol;
	CmigMarks  *lineage;
	List	   *heads;
	int			node;

	if (strcmp(symbol, "heads") == 0)
		return cmig_identifier_heads(graph, branch_lineage(graph, label), label == NULL);
	lineage = branch_lineage(graph, label);
	if (strcmp(symbol, "head") == 0)
	{
		heads = cmig_identifier_heads(graph, lineage, false);
		if (list_length(heads) > 1)
			refuse_multiple_heads(graph, heads, id->text);
		return heads;
	}
	if (strcmp(symbol, "base") == 0)
		return NIL;

	node = cmig_graph_find_name(graph, symbol);
	if (node < 0)
		node = find_partial(graph, symbol, lineage);
	if (node < 0)
		not_found(graph, symbol);
	if (lineage && !lineage->set[node])
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("revision \"%s\" is not a member of branch \"%s\"",
						cmig_graph_id(graph, node), label),
				 errhint("Leave out \"%s@\", or specify a revision of that branch.", label)));
	return list_make1_int(node);
}

/*
 * Returns the single node to which label@symbol refers, or -1 for base.
 * Raises error MG003 if it refers to several nodes.
 */
static int
find_one(const CmigGraph *graph, const CmigIdentifier *id, const char *label)
{
	List	   *found = find_absolute(graph, id, label);

	if (list_length(found) > 1)
		refuse_multiple_heads(graph, found, id->text);
	return found ? linitial_int(found) : -1;
}

List *
cmig_identifier_edges(const CmigEdges *edges, const CmigMarks *within)
{
	List	   *nodes = NIL;

	for (int i = 0; i < edges->count; i++)
		if (within == NULL || within->set[edges->nodes[i]])
			nodes = lappend_int(nodes, edges->nodes[i]);
	return nodes;
}

/*
 * Walk an identifier's steps up or down from the node "start" (-1 for base),
 * and return the node at the end.  A step up from base leads to one of the
 * lineage's bases, and a step down from a node without parents leads to base.
 * If the graph ends before the last step, the walk stops there if "clip" is
 * true, and raises error MG004 otherwise.
 */
static int
walk(const CmigGraph *graph, const CmigIdentifier *id, int start,
	 const CmigMarks *lineage, bool clip)
{
	int			node = start;

	if (start < 0 && id->steps == 0 && !clip)
		not_valid(id, "It does not move away from base.", "Use base.");
	for (int i = 0; i < abs(id->steps); i++)
	{
		List	   *choices = NIL;

		if (id->steps > 0)
			choices = node < 0 ? find_bases(graph, lineage)
				: cmig_identifier_edges(&graph->nodes[node].children, lineage);
		else if (node >= 0)
		{
			choices = cmig_identifier_edges(&graph->nodes[node].parents, NULL);
			if (choices == NIL)
			{
				node = -1;
				continue;
			}
		}
		if (choices == NIL && clip)
			return node;
		if (choices == NIL)
			walked_too_far(id);
		if (list_length(choices) > 1)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_INVALID_TARGET),
					 errmsg("ambiguous walk: \"%s\" can go several ways", id->text),
					 errdetail(node < 0 ? "From %s it can go to %s." :
							   "From \"%s\" it can go to %s.",
							   node < 0 ? "base" : cmig_graph_id(graph, node),
							   cmig_identifier_list(graph, choices)),
					 id->steps < 0 ? cmig_hint("`SELECT * FROM cmig.downgrade(%s)` -- or another parent: %s",
											   quote_literal_cstr(cmig_graph_id(graph, linitial_int(choices))),
											   cmig_identifier_list(graph,
																	list_copy_tail(choices, 1))) :
					 id->label ? errhint("Specify the revision to go to.")
					 : errhint("Specify the revision, or a branch: <label>@%s.", id->text)));
		node = linitial_int(choices);
		list_free(choices);
	}
	return node;
}

/*
 * Append the nodes in "from" to "to", except for nodes in the set "seen", and
 * add the appended nodes to "seen".
 */
static List *
append_unique(List *to, List *from, CmigMarks *seen)
{
	foreach_int(number, from)
	{
		if (cmig_graph_mark(seen, number))
			to = lappend_int(to, number);
	}
	return to;
}

List *
cmig_target_absolute(const CmigGraph *graph, const char *target)
{
	CmigIdentifier id;

	parse_identifier(graph, target, ABSOLUTE_FORMS, &id);
	if (id.relative)
		not_valid(&id, "An absolute identifier is required.",
				  psprintf("`SELECT * FROM cmig.plan('%s', '%s')` shows where it leads.",
						   cmig_direction_name(id.steps < 0 ? CMIG_DOWNGRADE : CMIG_UPGRADE),
						   id.text));
	return find_absolute(graph, &id, id.label);
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

List *
cmig_target_list(const CmigGraph *graph, const CmigNames *targets, bool over_depends)
{
	CmigMarks  *seen = cmig_graph_marks(graph);
	List	   *nodes = NIL;

	for (int i = 0; i < targets->count; i++)
	{
		CmigIdentifier id;

		parse_identifier(graph, targets->names[i], ABSOLUTE_FORMS, &id);
		if (id.relative)
			not_valid(&id, "A list of targets can contain only absolute identifiers.",
					  "Specify the revisions, or move one branch at a time.");
		nodes = append_unique(nodes, find_absolute(graph, &id, id.label), seen);
	}
	refuse_overlap(graph, nodes, over_depends);
	return nodes;
}

/*
 * Upgrade
 */

/*
 * Returns the applied revisions of a lineage that have no applied child.  For
 * an upgrade, dependents count as children, but only those in the lineage.
 */
static List *
applied_tips(const CmigGraph *graph, const CmigApplied *applied, const CmigMarks *lineage,
			 bool upgrade)
{
	List	   *tips = NIL;

	for (int i = 0; i < graph->count; i++)
	{
		bool		tip = applied->applied->set[i] && lineage->set[i];
		int			other;

		for (int k = 0; tip && (other = cmig_graph_edge_up(&graph->nodes[i], k, upgrade)) >= 0; k++)
			tip = !applied->applied->set[other] || (upgrade && !lineage->set[other]);
		if (tip)
			tips = lappend_int(tips, i);
	}
	return tips;
}

/* Returns the version rows in a lineage, or all if "lineage" is NULL. */
static List *
rows_within(const CmigApplied *applied, const CmigMarks *lineage)
{
	List	   *rows = NIL;

	foreach_int(node, applied->nodes)
	{
		if (lineage == NULL || lineage->set[node])
			rows = lappend_int(rows, node);
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
	List	   *starts;

	if (lineage == NULL && applied->rows->count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
				 errmsg("upgrade target \"%s\" is ambiguous with multiple current revisions",
						id->text),
				 applied->nodes == NIL ?
				 errdetail("None of the current revisions is in cmig.revision.") :
				 errdetail("The current revisions are %s%s.",
						   cmig_identifier_list(graph, applied->nodes),
						   applied->unknown ? " and unknown ones" : ""),
				 errhint("Specify a branch, as in <label>@%s, or the revision to reach.",
						 id->text)));
	cmig_applied_require_known(graph, applied);
	starts = rows_within(applied, lineage);
	if (starts == NIL && lineage != NULL)
		starts = applied_tips(graph, applied, lineage, true);
	if (list_length(starts) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
				 errmsg("upgrade target \"%s\" is ambiguous with multiple current revisions",
						id->text),
				 errdetail("The applied revisions on that branch are %s.",
						   cmig_identifier_list(graph, starts)),
				 errhint("Specify the revision to reach.")));
	return starts ? linitial_int(starts) : -1;
}

/* Returns the node to which a relative target of an upgrade leads. */
static int
find_relative_upgrade(const CmigGraph *graph, const CmigApplied *applied, const CmigIdentifier *id)
{
	CmigMarks  *lineage = NULL;
	int			node;

	if (id->symbol == NULL && id->steps <= 0)
		not_valid(id, "An upgrade must go up by at least one step.",
				  "Use a target such as '+1', or `cmig.downgrade`.");
	if (id->steps > 0)
		lineage = branch_lineage(graph, id->label);
	node = id->symbol == NULL ? find_upgrade_start(graph, applied, id, lineage)
		: find_one(graph, id, id->steps > 0 ? NULL : id->label);
	node = walk(graph, id, node, lineage, false);
	if (node < 0)
		walked_too_far(id);
	return node;
}

List *
cmig_target_upgrade(const CmigGraph *graph, const CmigApplied *applied,
					const CmigNames *targets)
{
	CmigIdentifier id;

	if (targets->count == 1)
	{
		parse_identifier(graph, targets->names[0], UPGRADE_FORMS, &id);
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

	foreach_int(node, applied->nodes)
	{
		if (revision == NULL || revision->parents.count != 1)
			revision = graph->nodes[node].revision;
	}
	label = revision->labels.count ? revision->labels.names[0] : revision->id;

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
			 errmsg("downgrade target \"%s\" is ambiguous with multiple current heads", id->text),
			 errdetail("The current revisions are %s.",
					   cmig_identifier_list(graph, applied->nodes)),
			 revision->parents.count == 1
			 ? errhint("Specify the branch, such as '%s@%s', or the revision to go back to, such as '%s'.",
					   label, id->text, revision->parents.names[0])
			 : errhint("Specify the branch, such as '%s@%s', or the revision to go back to.",
					   label, id->text)));
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
			no_migrations(id, "Nothing is applied.",
						  "`SELECT * FROM cmig.current()` shows the current revisions.");
		cmig_applied_require_known(graph, applied);
		if (list_length(applied->nodes) > 1)
			raise_ambiguous_downgrade(graph, applied, id);
		return linitial_int(applied->nodes);
	}

	lineage = branch_lineage(graph, id->label);
	cmig_applied_require_known(graph, applied);
	starts = rows_within(applied, lineage);

	/*
	 * If no version row is in the lineage, the branch may be applied as a
	 * dependency.  If so, start at its applied heads.
	 */
	if (starts == NIL)
		starts = applied_tips(graph, applied, lineage, false);
	if (starts == NIL)
		no_migrations(id, psprintf("No revision of branch \"%s\" is applied.", id->label),
					  "`SELECT * FROM cmig.current()` shows what is applied.");
	if (list_length(starts) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("downgrade target \"%s\" is ambiguous with multiple current heads",
						id->text),
				 errdetail("The applied revisions on that branch are %s.",
						   cmig_identifier_list(graph, starts)),
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
	List	   *all = node < 0 ? find_bases(graph, NULL)
	: cmig_identifier_edges(&graph->nodes[node].children, NULL);
	CmigMarks  *ancestors;
	List	   *roots = NIL;

	if (branch < 0 || list_length(all) < 2)
		return all;

	ancestors = cmig_graph_marks(graph);
	cmig_graph_mark(ancestors, branch);
	cmig_graph_mark_ancestors(graph, ancestors, false);
	foreach_int(number, all)
	{
		if (ancestors->set[number])
			roots = lappend_int(roots, number);
	}
	if (roots == NIL)
		not_downgradable(text,
						 psprintf("None of the branches that start at \"%s\" leads to \"%s\".",
								  node < 0 ? "base" : cmig_graph_id(graph, node),
								  cmig_graph_id(graph, branch)),
						 "`SELECT * FROM cmig.branches()` shows where branches start.");
	return roots;
}

CmigDowngradeTarget *
cmig_target_downgrade(const CmigGraph *graph, const CmigApplied *applied, const char *target)
{
	CmigDowngradeTarget *result = palloc0(sizeof(CmigDowngradeTarget));
	CmigIdentifier id;
	int			branch = -1;

	parse_identifier(graph, target, DOWNGRADE_FORMS, &id);
	result->text = target;

	if (!id.relative)
	{
		/*
		 * in a downgrade, label@head means the head of the whole graph, which
		 * must be a member of the branch
		 */
		bool		symbolic = strcmp(id.symbol, "head") == 0 || strcmp(id.symbol, "heads") == 0;

		if (id.label)
			branch = find_branch(graph, id.label);
		result->node = find_one(graph, &id, symbolic ? NULL : id.label);
		if (symbolic && result->node < 0)
			return result;		/* there are no revisions */
		if (symbolic && branch >= 0 && !lineage_of(graph, branch, false, NULL)->set[result->node])
			not_downgradable(target,
							 psprintf("The head is not a member of branch \"%s\".", id.label),
							 "Specify a revision of that branch.");
	}
	else if (id.symbol == NULL)
	{
		int			start;

		if (id.steps >= 0)
			not_valid(&id, "A downgrade must go down by at least one step.",
					  "Use a target such as '-1', or `cmig.upgrade`.");
		start = find_downgrade_start(graph, applied, &id);
		result->node = walk(graph, &id, start, NULL, false);
		branch = id.label ? find_branch(graph, id.label) : start;
	}
	else
	{
		bool		up = id.steps >= 0;
		CmigMarks  *lineage = up ? branch_lineage(graph, id.label) : NULL;
		int			start = find_one(graph, &id, up ? NULL : id.label);

		result->node = walk(graph, &id, start, lineage, false);
		if (id.label)
			branch = find_branch(graph, id.label);

		/*
		 * If the target id-N is base, only the branch of "start" is reverted,
		 * not the whole graph.
		 */
		if (result->node < 0 && start >= 0 && !applied->applied->set[start])
			not_downgradable(target,
							 psprintf("Revision \"%s\" is not applied.",
									  cmig_graph_id(graph, start)),
							 "`SELECT * FROM cmig.current()` shows what is applied.");
		if (result->node < 0 && branch < 0)
			branch = start;
	}

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

	if (id->symbol != NULL || id->steps >= 0 || applied->rows->count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
				 errmsg("can't locate revision identified by \"%s\"", id->text),
				 errdetail("A relative revision cannot be stamped."),
				 cmig_hint("Specify the revision that the schema matches. `SELECT * FROM cmig.history()` lists the revisions.")));
	foreach_int(number, cmig_identifier_heads(graph, branch_lineage(graph, id->label), true))
	{
		int			node = walk(graph, id, number, NULL, false);

		if (node < 0)
			walked_too_far(id);
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

		parse_identifier(graph, targets->names[i], ABSOLUTE_FORMS, &id);
		if (id.relative)
			found = find_relative_stamp(graph, applied, &id);
		else
			found = find_absolute(graph, &id, id.label);
		if (found == NIL)
		{
			result->base = true;
			if (id.label == NULL)
				all_bases = true;
			else
				result->base_lineage = lineage_of(graph, find_branch(graph, id.label), true,
												  result->base_lineage);
		}
		result->nodes = append_unique(result->nodes, found, seen);
	}
	if (all_bases)
		result->base_lineage = NULL;
	refuse_overlap(graph, result->nodes, true);
	return result;
}

/*
 * Ranges, as in cmig.history and cmig.export
 */

/* The allowed forms of a range, for the hint if an end is missing. */
#define RANGE_FORMS "from:to, such as base:heads or current:head"

/* Returns the nodes to which one end of a range refers, or NIL for base. */
static List *
find_range_end(const CmigGraph *graph, const CmigApplied *applied, const char *text)
{
	CmigIdentifier id;
	List	   *found;
	CmigMarks  *lineage;

	parse_identifier(graph, text, RANGE_FORMS, &id);
	lineage = branch_lineage(graph, id.label);
	if (id.symbol == NULL || strcmp(id.symbol, "current") == 0)
	{
		/*
		 * ignore version rows of unknown revisions, so that cmig.history
		 * still works
		 */
		found = rows_within(applied, lineage);
		if (id.relative && list_length(found) > 1)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
					 errmsg("relative revision \"%s\" is ambiguous with multiple current heads",
							text),
					 errdetail("The current revisions are %s.", cmig_identifier_list(graph, found)),
					 errhint("Specify a revision, or a branch: <label>@%s.", id.steps_text)));
	}
	else
		found = find_absolute(graph, &id, id.label);

	if (id.relative)
	{
		int			node;

		if (list_length(found) > 1)
			refuse_multiple_heads(graph, found, id.text);
		node = walk(graph, &id, found ? linitial_int(found) : -1, lineage, true);
		found = node < 0 ? NIL : list_make1_int(node);
	}
	return found;
}

CmigMarks *
cmig_target_range(const CmigGraph *graph, const CmigApplied *applied, const char *range)
{
	CmigMarks  *upper = cmig_graph_marks(graph);
	CmigMarks  *within = NULL;
	CmigMarks  *result;
	const char *from = range;
	const char *to = range;
	const char *colon;
	List	   *from_nodes;

	if (!cmig_text_is_given(range))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the range must not be %s", range ? "empty" : "null"),
				 errhint("Use from:to, such as base:heads or current:head.")));
	colon = strchr(range, ':');
	if (colon != NULL)
	{
		from = colon == range ? "base" : pnstrdup(range, colon - range);
		to = colon[1] == '\0' ? "heads" : colon + 1;
		if (strchr(colon + 1, ':') != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a range", range),
					 errhint("A range has the form from:to, such as base:heads or current:head.")));
	}
	from_nodes = find_range_end(graph, applied, from);
	(void) append_unique(NIL, find_range_end(graph, applied, to), upper);

	/*
	 * without ":", the range consists only of the revisions to which the
	 * identifier refers
	 */
	if (colon == NULL)
		return upper;
	cmig_graph_mark_ancestors(graph, upper, true);

	/*
	 * revisions on a cycle are not below any head, but must be included, so
	 * that users can see and fix them
	 */
	if (graph->defects != NIL && strcmp(to, "heads") == 0)
		for (int i = 0; i < graph->count; i++)
			cmig_graph_mark(upper, i);
	if (from_nodes != NIL)
	{
		within = cmig_graph_marks(graph);
		(void) append_unique(NIL, from_nodes, within);
		cmig_graph_mark_descendants(graph, within, true);
	}
	else if (strchr(from, '@') != NULL)
		within = branch_lineage(graph, pnstrdup(from, strchr(from, '@') - from));
	else
		return upper;

	result = cmig_graph_marks(graph);
	for (int i = 0; i < graph->count; i++)
		if (upper->set[i] && within->set[i])
			cmig_graph_mark(result, i);
	if (from_nodes != NIL && result->count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("revision \"%s\" is not an ancestor of revision \"%s\"", from, to),
				 errhint("A range goes from the older to the newer revision.")));
	return result;
}
