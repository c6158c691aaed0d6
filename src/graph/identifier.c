/*
 * identifier.c
 *	  Revisions as the user types them, and the applied ones.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "base/errors.h"
#include "graph/internal.h"

/* ----------------------------------------------------------------
 * Parses the revision identifiers that users type, and looks them up.
 *
 * A node is identified by its number in the graph; -1 stands for "base", the
 * state before the first revision.  The grammar is Alembic's
 * (doc/reference.md, "Identifiers").  An identifier is interpreted as an exact
 * id if possible, otherwise as an exact label, otherwise as a relative
 * identifier, and otherwise as the beginning of an id or label.  The functions
 * raise errors MG001 to MG004 and 22023.
 *
 * The rules are the same as in Alembic's revision map
 * (alembic/script/revision.py), with three differences.  Text after a relative
 * number, as in +2x, is an error instead of being ignored.  Ids may contain
 * '-', because a name that matches exactly takes precedence over a relative
 * identifier.  An error is raised where Alembic would guess, or destroy more
 * than was requested.
 * ----------------------------------------------------------------
 */

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
	{"all", "heads"}, {"zero", "base"}, {"0", "base"}, {"root", "base"}, {"none", "base"}
};

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

/* Returns a node that replaces the revision "name", or -1 if there is none. */
static int
find_replacing(const CmigGraph *graph, const char *name)
{
	for (int node = 0; node < graph->count; node++)
	{
		const CmigNames *old = &graph->nodes[node].revision->replaces;

		for (int i = 0; i < old->count; i++)
			if (strcmp(old->names[i], name) == 0)
				return node;
	}
	return -1;
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
	int			replacing;
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

	replacing = find_replacing(graph, name);
	if (replacing >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
				 errmsg("can't locate revision identified by \"%s\"", name),
				 errdetail("Revision \"%s\" replaces it and others.", cmig_graph_id(graph, replacing)),
				 errhint("Specify \"%s\", or a revision before or after it.", cmig_graph_id(graph, replacing))));
	if (cmig_repeatables_find(graph, name) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("repeatable revision \"%s\" has no position in the revision graph", name),
				 errdetail("It runs after an upgrade to the heads if its script has changed."),
				 errhint("SELECT * FROM cmig.plan('upgrade', 'heads') shows what would run.")));
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
			 strchr(name, '"') ? errmsg("can't locate revision identified by %s", name)
			 : errmsg("can't locate revision identified by \"%s\"", name),
			 strcmp(name, "current") == 0
			 ? errhint("Only cmig.history, cmig.show, cmig.export, and ranges in cmig.script accept \"current\".")
			 : strstr(name, "..") != NULL
			 ? errhint("Ranges, written as from:to, are accepted by cmig.history, cmig.export, and cmig.script.")
			 : strchr(name, ',') != NULL
			 ? errhint("One revision is expected. Functions that accept several take an array: ARRAY['<revision>', ...].")
			 : strncmp(name, "-r", 2) == 0 || strncmp(name, "--r", 3) == 0
			 ? errhint("Pass only the range: SELECT * FROM cmig.history('<from>:<to>')")
			 : strncmp(name, "--", 2) == 0
			 ? errhint("Alembic's options are arguments or functions in pg_cmig, such as purge => true for --purge, or cmig.script for --sql.")
			 : strchr(name, '+') != NULL || name[0] == '-'
			 ? errhint("A relative revision is a plus or minus sign and a number, optionally after a name: '+1', 'head-2', '<label>@+1'.")
			 : is_base ? errhint("\"base\" is the state before the first revision, which only a downgrade can reach.")
			 : (name[0] == '"' || name[0] == '\'') && length > 2 && name[length - 1] == name[0]
			 ? errhint("Remove the inner quotes: '%s'", pnstrdup(name + 1, length - 2))
			 : near ? errhint("Did you mean %s? SELECT * FROM cmig.history() lists the revisions.", near)
			 : graph->count == 0 ? errhint("There are no revisions yet. Load some with cmig.load, or create one with cmig.create_revision.")
			 : errhint("SELECT * FROM cmig.history() lists the revisions; cmig.load stores missing ones.")));
}

char *
cmig_identifier_list(const CmigGraph *graph, List *nodes)
{
	CmigListing listing;
	ListCell   *lc;

	cmig_listing_init(&listing, CMIG_LISTING_QUOTED);
	foreach(lc, nodes)
	{
		cmig_listing_add(&listing, cmig_graph_id(graph, lfirst_int(lc)));
	}
	return cmig_listing_text(&listing);
}

void
cmig_identifier_multiple_heads(const CmigGraph *graph, List *heads, const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
			 errmsg("multiple head revisions are present for given argument \"%s\"", argument),
			 errdetail("The heads are %s.", cmig_identifier_list(graph, heads)),
			 errhint("Specify one head by its id or as <label>@head, or specify \"heads\" for all of them. To merge them: SELECT cmig.merge('heads', '<message>')")));
}

void
cmig_identifier_walked_too_far(const CmigIdentifier *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("relative revision %s didn't produce %s migrations",
					id->steps_text, id->steps_text + 1),
			 id->symbol || id->label
			 ? errdetail("\"%s\" goes beyond the end of the graph.", id->text)
			 : errdetail("There are not enough revisions in that direction."),
			 errhint("SELECT * FROM cmig.history() lists the revisions.")));
}

/*
 * Raise error MG004 because a step from the node "at" (-1 for base) could lead
 * to any node in "choices".
 */
pg_noreturn static void
ambiguous_walk(const CmigGraph *graph, const CmigIdentifier *id, List *choices, int at)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("ambiguous walk: \"%s\" can go several ways", id->text),
			 at < 0
			 ? errdetail("From base it can go to %s.", cmig_identifier_list(graph, choices))
			 : errdetail("From \"%s\" it can go to %s.", cmig_graph_id(graph, at),
						 cmig_identifier_list(graph, choices)),
			 id->steps < 0 ? errhint("Specify the revision to go to.")
			 : id->label ? errhint("Specify the revision to go to.")
			 : errhint("Specify the revision, or a branch: <label>@%s.", id->text)));
}

void
cmig_identifier_not_valid(const CmigIdentifier *id, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("relative revision %s is not a valid target", id->text),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
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

void
cmig_identifier_parse(const CmigGraph *graph, const char *target, const char *forms,
					  CmigIdentifier *id)
{
	const char *rest = target;
	const char *at;

	memset(id, 0, sizeof(*id));
	if (target == NULL || target[0] == '\0')
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
				 errhint("SELECT * FROM cmig.history() lists the revisions.")));

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
				 errhint("Ranges such as base:heads are accepted by cmig.history, cmig.export, and cmig.script.")));

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
 * Returns the node whose id or label begins with "name", or -1 if there is
 * none.  Raises error MG002 if there are several.  If "within" is not NULL,
 * the node must be in that set.
 */
static int
find_partial(const CmigGraph *graph, const char *name, const CmigMarks *within)
{
	List	   *found = NIL;
	ListCell   *lc;

	foreach(lc, cmig_graph_find_prefix(graph, name))
	{
		if (within == NULL || within->set[lfirst_int(lc)])
			found = lappend_int(found, lfirst_int(lc));
	}

	if (list_length(found) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_AMBIGUOUS_REVISION),
				 errmsg("revision identifier \"%s\" is ambiguous", name),
				 errdetail("It matches %s.", cmig_identifier_list(graph, found)),
				 errhint("Specify more characters of the id.")));
	return found ? linitial_int(found) : -1;
}

int
cmig_identifier_branch(const CmigGraph *graph, const char *label)
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
				 : errhint("SELECT * FROM cmig.heads() lists the branch labels.")));
	}
	return node;
}

CmigMarks *
cmig_identifier_lineage(const CmigGraph *graph, const char *label)
{
	return label ? cmig_graph_lineage(graph, cmig_identifier_branch(graph, label), false) : NULL;
}

/*
 * Returns the node to which "symbol" refers.  "symbol" is an id, a label, or
 * the beginning of one.  If "label" is not NULL, the node must be in the
 * lineage of that branch.
 */
static int
find_revision(const CmigGraph *graph, const char *label, const char *symbol)
{
	CmigMarks  *lineage = cmig_identifier_lineage(graph, label);
	int			node = cmig_graph_find_name(graph, symbol);

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
	return node;
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

List *
cmig_identifier_bases(const CmigGraph *graph)
{
	List	   *bases = NIL;

	for (int i = 0; i < graph->count; i++)
		if (cmig_graph_is_base(graph, i))
			bases = lappend_int(bases, i);
	return bases;
}

List *
cmig_identifier_absolute(const CmigGraph *graph, const char *label, const char *symbol, const char *text)
{
	List	   *heads;

	if (strcmp(symbol, "heads") == 0)
		return label ? cmig_identifier_heads(graph, cmig_identifier_lineage(graph, label), false)
			: cmig_identifier_heads(graph, NULL, true);
	if (strcmp(symbol, "head") == 0)
	{
		heads = cmig_identifier_heads(graph, cmig_identifier_lineage(graph, label), false);
		if (list_length(heads) > 1)
			cmig_identifier_multiple_heads(graph, heads, text);
		return heads;
	}
	if (strcmp(symbol, "base") == 0)
	{
		if (label)
			(void) cmig_identifier_branch(graph, label);
		return NIL;
	}
	return list_make1_int(find_revision(graph, label, symbol));
}

int
cmig_identifier_one(const CmigGraph *graph, const char *label, const char *symbol, const char *text)
{
	List	   *found = cmig_identifier_absolute(graph, label, symbol, text);

	if (list_length(found) > 1)
		cmig_identifier_multiple_heads(graph, found, text);
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
 * Relative identifiers
 */

int
cmig_identifier_walk_up(const CmigGraph *graph, const CmigIdentifier *id, int start, int steps,
						const CmigMarks *lineage, bool clip)
{
	int			node = start;

	if (start < 0 && steps == 0 && !clip)
		cmig_identifier_not_valid(id, "It does not move away from base.", "Use base.");
	for (int i = 0; i < steps; i++)
	{
		List	   *choices;

		if (node >= 0)
			choices = cmig_identifier_edges(&graph->nodes[node].children, lineage);
		else
		{
			ListCell   *lc;

			choices = NIL;
			foreach(lc, cmig_identifier_bases(graph))
			{
				if (lineage == NULL || lineage->set[lfirst_int(lc)])
					choices = lappend_int(choices, lfirst_int(lc));
			}
		}
		if (choices == NIL)
		{
			if (clip)
				return node;
			cmig_identifier_walked_too_far(id);
		}
		if (list_length(choices) > 1)
			ambiguous_walk(graph, id, choices, node);
		node = linitial_int(choices);
		list_free(choices);
	}
	return node;
}

int
cmig_identifier_walk_down(const CmigGraph *graph, const CmigIdentifier *id, int start, int steps, bool clip)
{
	int			node = start;

	if (start < 0 && steps == 0 && !clip)
		cmig_identifier_not_valid(id, "It does not move away from base.", "Use base.");
	for (int i = 0; i < steps; i++)
	{
		const CmigEdges *parents;

		if (node < 0)
		{
			if (clip)
				return node;
			cmig_identifier_walked_too_far(id);
		}
		parents = &graph->nodes[node].parents;
		if (parents->count > 1)
			ambiguous_walk(graph, id, cmig_identifier_edges(parents, NULL), node);
		node = parents->count == 0 ? -1 : parents->nodes[0];
	}
	return node;
}

/* ----------------------------------------------------------------
 * Determines which revisions are applied according to the version rows.
 *
 * This file also raises the errors for version rows that are not valid: rows
 * with unknown revisions, and rows that are ancestors of other rows.
 * ----------------------------------------------------------------
 */

CmigApplied *
cmig_applied_find(const CmigGraph *graph, const CmigNames *rows)
{
	CmigApplied *applied = palloc0(sizeof(CmigApplied));

	applied->rows = rows;
	applied->applied = cmig_graph_marks(graph);
	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(graph, rows->names[i]);

		if (node < 0)
			applied->unknown = lappend(applied->unknown, rows->names[i]);
		else
		{
			applied->nodes = lappend_int(applied->nodes, node);
			cmig_graph_mark(applied->applied, node);
		}
	}
	cmig_graph_mark_ancestors(graph, applied->applied, true);
	return applied;
}

/*
 * Raise an error if a loaded revision replaces "row", an unknown revision that
 * has a version row.  The loaded revision cannot replace "row" yet, because
 * only some of the revisions that it replaces are applied, and at least one is
 * not loaded.
 */
static void
refuse_replaced_row(const CmigGraph *graph, const char *row)
{
	for (int node = 0; node < graph->count; node++)
	{
		const CmigNames *old = &graph->nodes[node].revision->replaces;
		CmigListing list;
		bool		found = false;

		cmig_listing_init(&list, CMIG_LISTING_QUOTED);
		for (int i = 0; i < old->count; i++)
		{
			found |= strcmp(old->names[i], row) == 0;
			cmig_listing_add(&list, old->names[i]);
		}
		if (found)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
					 errmsg("revision \"%s\" cannot replace \"%s\" yet", cmig_graph_id(graph, node), row),
					 errdetail("It replaces %s. Some of these revisions are applied, and at least one is not loaded.", cmig_listing_text(&list)),
					 errhint("Load the files of the replaced revisions, and upgrade. The files are needed until all of these revisions are applied. If the schema already has everything in \"%s\": SELECT cmig.stamp(%s, purge => true)",
							 cmig_graph_id(graph, node), quote_literal_cstr(cmig_graph_id(graph, node)))));
	}
}

void
cmig_applied_require_known(const CmigGraph *graph, const CmigApplied *applied)
{
	const char *row;

	if (applied->unknown == NIL)
		return;
	row = linitial(applied->unknown);
	refuse_replaced_row(graph, row);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
			 errmsg("can't locate revision identified by \"%s\"", row),
			 errdetail("According to cmig.version it is applied, but it is not in cmig.revision."),
			 errhint("Load the missing revision, or record the revision that the schema matches: SELECT cmig.stamp('<revision>', purge => true)")));
}

int
cmig_applied_overlap(const CmigGraph *graph, List *nodes, bool over_depends, int *above)
{
	CmigMarks  *below = cmig_graph_marks(graph);
	ListCell   *lc;
	int			overlap = -1;

	if (list_length(nodes) < 2)
		return -1;
	foreach(lc, nodes)
	{
		const CmigNode *node = &graph->nodes[lfirst_int(lc)];

		for (int i = 0; i < node->parents.count; i++)
			cmig_graph_mark(below, node->parents.nodes[i]);
		for (int i = 0; over_depends && i < node->depends.count; i++)
			cmig_graph_mark(below, node->depends.nodes[i]);
	}
	cmig_graph_mark_ancestors(graph, below, over_depends);
	foreach(lc, nodes)
	{
		if (below->set[lfirst_int(lc)])
		{
			overlap = lfirst_int(lc);
			break;
		}
	}
	if (overlap >= 0)
	{
		CmigMarks  *over = cmig_graph_marks(graph);

		cmig_graph_mark(over, overlap);
		cmig_graph_mark_descendants(graph, over, over_depends);
		foreach(lc, nodes)
		{
			if (lfirst_int(lc) != overlap && over->set[lfirst_int(lc)])
				*above = lfirst_int(lc);
		}
	}
	return overlap;
}

/*
 * Returns the cmig.stamp() call that keeps the version rows in "rows", except
 * for those that are ancestors of others.  The call names each row to keep,
 * because a stamp with "purge" removes all other rows.
 */
static char *
stamp_call(const CmigGraph *graph, List *rows, bool over_depends)
{
	StringInfoData targets;
	int			above;
	int			overlap;

	rows = list_copy(rows);
	while ((overlap = cmig_applied_overlap(graph, rows, over_depends, &above)) >= 0)
		rows = list_delete_int(rows, overlap);
	if (list_length(rows) == 1)
		return psprintf("SELECT cmig.stamp('%s', purge => true)",
						cmig_graph_id(graph, linitial_int(rows)));
	initStringInfo(&targets);
	for (int i = 0; i < list_length(rows); i++)
		appendStringInfo(&targets, "%s'%s'", i > 0 ? ", " : "",
						 cmig_graph_id(graph, list_nth_int(rows, i)));
	return psprintf("SELECT cmig.stamp(ARRAY[%s], purge => true)", targets.data);
}

void
cmig_applied_require_sound(const CmigGraph *graph, const CmigApplied *applied,
						   bool over_depends)
{
	int			above = -1;
	int			overlap;

	/*
	 * if a row's revision is unknown, we cannot tell whether the row is an
	 * ancestor of another row
	 */
	if (applied->unknown != NIL)
		return;
	overlap = cmig_applied_overlap(graph, applied->nodes, over_depends, &above);
	if (overlap < 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("version row \"%s\" overlaps with version row \"%s\"",
					cmig_graph_id(graph, overlap), cmig_graph_id(graph, above)),
			 errdetail("\"%s\" is an ancestor of \"%s\", so cmig.version must not contain both. Restoring a dump into a database that is in use can cause this.",
					   cmig_graph_id(graph, overlap), cmig_graph_id(graph, above)),
			 errhint("Find out which of the two revisions the schema matches, and record that revision: %s",
					 stamp_call(graph, applied->nodes, over_depends))));
}
