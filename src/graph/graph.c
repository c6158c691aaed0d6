/*
 * graph.c
 *	  Revisions as a graph: nodes, edges, defects, and walks.
 *
 * Nodes are numbered from 0 to count - 1 in the byte order of their ids, so
 * that nothing derived from the graph depends on the order of table rows.  A
 * graph with defects can be built and displayed, but a function that runs,
 * creates, or loads revisions must call cmig_graph_require_sound() first.
 *
 * All edges are node numbers in a few flat arrays, and no function recurses:
 * each walk keeps its stack in allocated memory.  So the depth of the graph is
 * limited by memory, not by the C stack.  Except for suggesting names,
 * everything takes time linear in the number of nodes and edges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/errors.h"
#include "graph/graph.h"

/* The maximum number of similar names that an error suggests. */
#define MAX_SIMILAR 3

#define DIGITS "0123456789"

/*
 * Does "candidate" begin with the same number as "name", which consists of
 * digits?  For example, 3 is similar to 003 and 003_invoices.
 */
static bool
has_number(const char *candidate, const char *name)
{
	int			digits = strspn(candidate, DIGITS);

	if (digits == 0 || isalpha((unsigned char) candidate[digits]))
		return false;
	for (; digits > 1 && *candidate == '0'; digits--)
		candidate++;
	while (*name == '0' && name[1])
		name++;
	return strlen(name) == digits && strncmp(candidate, name, digits) == 0;
}

/*
 * Does "candidate" begin with "name", ignoring case and the kind of separator?
 */
static bool
begins_alike(const char *candidate, const char *name)
{
	for (; *name; name++, candidate++)
	{
		if (*candidate == '\0' ||
			(pg_tolower((unsigned char) *name) != pg_tolower((unsigned char) *candidate) &&
			 (strchr("_-. ", *name) == NULL || strchr("_-. ", *candidate) == NULL)))
			return false;
	}
	return true;
}

/*
 * Returns the distance between "candidate" and "name", the name that was
 * typed.  A result above "limit" means that the two are not similar.  The most
 * common mistakes have distance 0: a number without leading zeros, different
 * case or separators, or only a part of an id.  A file name instead of an id
 * has distance 1.
 */
static int
find_distance(const char *name, int length, const char *candidate, int limit)
{
	int			candidate_length = strlen(candidate);

	if (candidate_length == 0 || candidate_length > CMIG_MAX_ID_LENGTH)
		return limit + 1;
	if (strspn(name, DIGITS) == length)
	{
		if (has_number(candidate, name))
			return 0;

		/*
		 * a number is not similar to another number, which probably refers to
		 * a different revision
		 */
		if (strspn(candidate, DIGITS) == candidate_length)
			return limit + 1;
	}
	if (pg_strcasecmp(name, candidate) == 0 ||
		(length >= 3 && (strstr(candidate, name) != NULL || begins_alike(candidate, name))))
		return 0;
	if (candidate_length >= 3 && strncmp(name, candidate, candidate_length) == 0 &&
		strchr("_-. ", name[candidate_length]) != NULL)
		return 1;
	return varstr_levenshtein_less_equal(name, length, candidate, candidate_length,
										 1, 1, 1, limit, true);
}

char *
cmig_graph_suggest(const CmigGraph *graph, const char *name, int except)
{
	int			length = strlen(name);
	int			best = Max(1, length / 3);	/* the shortest distance so far */
	const char *nearest[MAX_SIMILAR];	/* names at that distance */
	int			count = 0;
	StringInfoData text;

	/*
	 * do not search graphs that are larger than anyone would write manually,
	 * because the search would be slow
	 */
	if (graph->count > 10000 || length == 0 || length > CMIG_MAX_ID_LENGTH)
		return NULL;
	for (int i = 0; i < graph->count; i++)
	{
		const CmigRevision *revision = graph->nodes[i].revision;

		for (int j = -1; i != except && j < revision->labels.count; j++)
		{
			const char *candidate = j < 0 ? revision->id : revision->labels.names[j];
			int			distance = find_distance(name, length, candidate, best);

			if (distance > best)
				continue;
			if (distance < best)
				count = 0;
			best = distance;
			if (count < MAX_SIMILAR)
				nearest[count++] = candidate;
		}
	}
	if (count == 0)
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s\"%s\"", i == 0 ? "" : i == count - 1 ? " or " : ", ",
						 nearest[i]);
	return text.data;
}

/* An entry of the hash table of names: an id or a label. */
typedef struct NameEntry
{
	const char *name;			/* key */
	int			node;
	bool		is_label;
	uint32		hash;
	char		status;
} NameEntry;

#define SH_PREFIX cmig_name
#define SH_ELEMENT_TYPE NameEntry
#define SH_KEY_TYPE const char *
#define SH_KEY name
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static const char *const reserved_names[] = {"head", "heads", "base", "current"};

char *
cmig_graph_check_name(const char *name)
{
	if (name[0] == '\0')
		return pstrdup("is empty");
	if (strlen(name) > CMIG_MAX_ID_LENGTH)
		return psprintf("is longer than %d bytes", CMIG_MAX_ID_LENGTH);
	for (int i = 0; i < lengthof(reserved_names); i++)
	{
		const char *rest = name + strlen(reserved_names[i]);

		if (strncmp(name, reserved_names[i], rest - name) != 0)
			continue;
		if (*rest == '\0')
			return pstrdup("is a reserved word");

		/*
		 * Names that do not begin with a reserved word, such as 2026-11-20,
		 * may end with a hyphen and a number, because a name that matches
		 * exactly takes precedence over the interpretation as steps.
		 */
		if (*rest == '-' && rest[1] != '\0' && strspn(rest + 1, DIGITS) == strlen(rest + 1))
			return pstrdup("looks like a relative revision");
	}
	if (name[0] == '-')
		return pstrdup("begins with a hyphen");
	for (const char *c = name; *c; c += pg_mblen(c))
	{
		unsigned char byte = (unsigned char) *c;

		if (byte <= ' ' || byte == 0x7f)
			return pstrdup("contains white space or a control character");
		if (strchr("@:+,;{}\"'", *c) != NULL)
			return *c == '"' ? pstrdup("contains a double quote")
				: psprintf("contains the character \"%c\"", *c);

		/*
		 * in UTF-8, reject white space and control characters such as U+0085,
		 * U+00A0, and U+2028
		 */
		if (GetDatabaseEncoding() == PG_UTF8 && byte >= 0x80)
		{
			pg_wchar	code = utf8_to_unicode((const unsigned char *) c);

			if ((code >= 0x80 && code <= 0xa0) || code == 0x1680 ||
				(code >= 0x2000 && code <= 0x200f) ||
				(code >= 0x2028 && code <= 0x202f) ||
				code == 0x205f || code == 0x2060 || code == 0x3000 || code == 0xfeff)
				return pstrdup("contains white space or a control character");
		}
	}
	return NULL;
}

bool
cmig_graph_lists(const CmigNames *names, const char *name)
{
	for (int i = 0; i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
			return true;
	return false;
}

/*
 * Building
 */

/*
 * Record a defect of a revision.  The format and its arguments describe the
 * problem, without a period at the end; "fix" is a sentence that says how to
 * fix it.
 */
static void
pg_attribute_printf(4, 5)
add_defect(CmigGraph *graph, const char *revision, const char *fix,
		   const char *format,...)
{
	CmigDefect *defect = palloc(sizeof(CmigDefect));
	va_list		args;

	va_start(args, format);
	defect->problem = cmig_text_format(format, args);
	va_end(args);
	defect->revision = revision;
	defect->fix = fix;
	graph->defects = lappend(graph->defects, defect);
}

int
cmig_graph_find_name(const CmigGraph *graph, const char *name)
{
	NameEntry  *entry = cmig_name_lookup(graph->names, name);

	if (entry)
		return entry->node;
	foreach_int(number, graph->replacing)
	{
		const CmigNames *old = &graph->nodes[number].revision->replaces;

		if (strcmp(old->names[old->count - 1], name) == 0)
			return number;
	}
	return -1;
}

int
cmig_graph_find_id(const CmigGraph *graph, const char *id)
{
	NameEntry  *entry = cmig_name_lookup(graph->names, id);

	return entry && !entry->is_label ? entry->node : -1;
}

/* A qsort comparator for pointers to revisions. */
static int
compare_ids(const void *a, const void *b)
{
	return strcmp((*(const CmigRevision *const *) a)->id,
				  (*(const CmigRevision *const *) b)->id);
}

/*
 * Number the revisions in the byte order of their ids, and enter the ids in
 * the hash table of names.
 */
static void
enter_ids(CmigGraph *graph, const CmigRevision *revisions, int count)
{
	const CmigRevision **sorted = palloc_extended(sizeof(CmigRevision *) * (Size) Max(count, 1),
												  MCXT_ALLOC_HUGE);
	bool		found;

	for (int i = 0; i < count; i++)
		sorted[i] = &revisions[i];
	qsort(sorted, count, sizeof(CmigRevision *), compare_ids);

	graph->count = count;
	graph->nodes = palloc_extended(sizeof(CmigNode) * (Size) Max(count, 1),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	graph->names = cmig_name_create(CurrentMemoryContext, Max(count, 16), NULL);

	for (int i = 0; i < count; i++)
	{
		const char *id = sorted[i]->id;
		char	   *bad = cmig_graph_check_name(id);
		NameEntry  *entry;

		graph->nodes[i].revision = sorted[i];
		if (bad)
			add_defect(graph, id, "Give the revision another id.",
					   "its id %s", bad);
		entry = cmig_name_insert(graph->names, id, &found);
		if (found)
			add_defect(graph, id,
					   "Delete one of the rows, and make column \"revision\" the primary key of cmig.revision again.",
					   "two rows have this id");
		entry->node = i;
		entry->is_label = false;
	}
	pfree(sorted);
}

/*
 * Enter the labels in the hash table of names.  Call this after all ids are
 * entered, because an id takes precedence over a label.
 */
static void
enter_labels(CmigGraph *graph)
{
	bool		found;

	for (int i = 0; i < graph->count; i++)
	{
		const CmigRevision *revision = graph->nodes[i].revision;

		if (revision->malformed)
			add_defect(graph, revision->id,
					   "Make down_revision, depends_on, and branch_labels one-dimensional arrays without nulls.",
					   "one of its arrays contains NULL or has more than one dimension");
		for (int j = 0; j < revision->labels.count; j++)
		{
			const char *label = revision->labels.names[j];
			char	   *bad = cmig_graph_check_name(label);
			NameEntry  *entry;

			if (bad)
				add_defect(graph, revision->id, "Give the branch another label.",
						   "its branch label \"%s\" %s", label, bad);
			entry = cmig_name_insert(graph->names, label, &found);
			if (!found)
			{
				entry->node = i;
				entry->is_label = true;
			}
			else if (!entry->is_label)
				add_defect(graph, revision->id, "Give the branch another label.",
						   "its branch label \"%s\" is the id of a revision", label);
			else if (entry->node != i)
				add_defect(graph, revision->id, "Use each branch label only once.",
						   "its branch label \"%s\" is already used by revision \"%s\"",
						   label, cmig_graph_id(graph, entry->node));
		}
	}
}

/*
 * Find the nodes that a revision names in down_revision or, if "depends" is
 * true, in depends_on, and store them in *edges without duplicates.  The array
 * of nodes begins at *pool, which is moved past the array.  last_seen[i] ==
 * mark means that node i has already been stored.  Adds defects for names that
 * are not valid.
 */
static void
resolve_edges(CmigGraph *graph, int node, const CmigNames *names, bool depends,
			  CmigEdges *edges, int **pool, int *last_seen, int mark)
{
	const char *id = cmig_graph_id(graph, node);

	edges->count = 0;
	edges->nodes = *pool;
	for (int i = 0; i < names->count; i++)
	{
		const char *name = names->names[i];
		NameEntry  *entry = cmig_name_lookup(graph->names, name);

		if (entry && entry->is_label && !depends)
			add_defect(graph, id,
					   psprintf("Write \"%s\" instead.", cmig_graph_id(graph, entry->node)),
					   "its down_revision \"%s\" is a branch label, not an id", name);
		else if (entry == NULL)
		{
			/*
			 * A suggestion requires comparing the name with all names, so
			 * search for one only for defects that an error will list.
			 */
			char	   *near = list_length(graph->defects) < CMIG_LISTING_MAX
			? cmig_graph_suggest(graph, name, node) : NULL;

			add_defect(graph, id,
					   near ? psprintf("Did you mean %s? Otherwise load the missing revision.",
									   near)
					   : psprintf("Load revision \"%s\", or correct the reference.", name),
					   depends ? "its depends_on \"%s\" is not present"
					   : "its down_revision \"%s\" is not present", name);
		}
		else if (entry->node == node)
			add_defect(graph, id, "Remove the reference.",
					   depends ? "it depends on itself" : "it is its own down_revision");
		else if (last_seen[entry->node] != mark)
		{
			last_seen[entry->node] = mark;
			edges->nodes[edges->count++] = entry->node;
		}
	}
	*pool += edges->count;
}

/*
 * Derive "children" from "parents" or, if "depends" is true, "dependents" from
 * "depends", for all nodes.
 */
static void
reverse_edges(CmigGraph *graph, bool depends)
{
	int		   *pool;
	Size		total = 0;

	for (int i = 0; i < graph->count; i++)
	{
		CmigEdges  *down = depends ? &graph->nodes[i].depends : &graph->nodes[i].parents;

		for (int j = 0; j < down->count; j++)
		{
			CmigNode   *other = &graph->nodes[down->nodes[j]];

			(depends ? &other->dependents : &other->children)->count++;
		}
		total += down->count;
	}
	if (total == 0)
		return;

	pool = palloc_extended(sizeof(int) * total, MCXT_ALLOC_HUGE);
	for (int i = 0; i < graph->count; i++)
	{
		CmigEdges  *up = depends ? &graph->nodes[i].dependents : &graph->nodes[i].children;

		up->nodes = pool;
		pool += up->count;
		up->count = 0;
	}
	for (int i = 0; i < graph->count; i++)
	{
		CmigEdges  *down = depends ? &graph->nodes[i].depends : &graph->nodes[i].parents;

		for (int j = 0; j < down->count; j++)
		{
			CmigNode   *other = &graph->nodes[down->nodes[j]];
			CmigEdges  *up = depends ? &other->dependents : &other->children;

			up->nodes[up->count++] = i;
		}
	}
}

/*
 * Add a defect for the cycle of these nodes, beginning with the smallest one.
 */
static void
report_cycle(CmigGraph *graph, const int *cycle, int length, bool over_depends)
{
	CmigListing names;
	bool		replaces = false;
	int			first = 0;

	for (int i = 1; i < length; i++)
		if (cycle[i] < cycle[first])
			first = i;
	cmig_listing_init(&names, CMIG_LISTING_QUOTED);
	for (int i = 0; i < length; i++)
	{
		int			node = cycle[(first + i) % length];

		cmig_listing_add(&names, cmig_graph_id(graph, node));
		replaces |= graph->nodes[node].revision->replaces.count > 0;
	}

	/*
	 * References to replaced revisions lead to the revision that replaces
	 * them, so its "replaces" can also be the cause of the cycle.
	 */
	add_defect(graph, cmig_graph_id(graph, cycle[first]),
			   psprintf("Correct the %s of one of them.",
						over_depends ? (replaces ? "down_revision, depends_on, or replaces" :
										"down_revision or depends_on")
						: replaces ? "down_revision or replaces" : "down_revision"),
			   over_depends ? "revisions %s form a cycle through depends_on"
			   : "revisions %s form a cycle", cmig_listing_text(&names));
}

/*
 * Add defects for cycles of down_revision edges or, if over_depends is true,
 * of down_revision and depends_on edges.  Cycles that share a node with a
 * reported one are left out.
 */
static void
find_cycles(CmigGraph *graph, bool over_depends)
{
	Size		size = Max(graph->count, 1);
	int		   *path = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE);
	int		   *next_edge = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	char	   *state = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	enum
	{
		UNSEEN, ON_PATH, REPORTED, DONE
	};

	for (int start = 0; start < graph->count; start++)
	{
		int			depth = 0;

		if (state[start] == UNSEEN)
		{
			path[depth++] = start;
			state[start] = ON_PATH;
		}
		while (depth > 0)
		{
			int			node = path[depth - 1];
			int			other = cmig_graph_edge_down(&graph->nodes[node], next_edge[node]++,
													 over_depends);
			int			first = depth - 1;

			if (other < 0)
			{
				state[node] = DONE;
				depth--;
			}
			else if (state[other] == UNSEEN)
			{
				path[depth++] = other;
				state[other] = ON_PATH;
			}
			else if (state[other] == ON_PATH)
			{
				/* the path from "other" to here is a cycle */
				while (path[first] != other && state[path[first]] == ON_PATH)
					first--;
				if (state[path[first]] != ON_PATH)
					continue;
				report_cycle(graph, path + first, depth - first, over_depends);
				for (int i = first; i < depth; i++)
					state[path[i]] = REPORTED;
			}
		}
	}
	pfree(path);
	pfree(next_edge);
	pfree(state);
}

CmigGraph *
cmig_graph_build(const CmigRevision *revisions, int count)
{
	CmigGraph  *graph = palloc0(sizeof(CmigGraph));
	int		   *last_seen;
	int		   *pool;
	Size		edges = 0;
	int			defects;

	enter_ids(graph, revisions, count);
	enter_labels(graph);
	for (int i = 0; i < graph->count; i++)
		if (graph->nodes[i].revision->replaces.count > 0)
			graph->replacing = lappend_int(graph->replacing, i);

	last_seen = palloc_extended(sizeof(int) * (Size) Max(count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		last_seen[i] = -1;
		edges += revisions[i].parents.count + revisions[i].depends.count;
	}
	pool = palloc_extended(sizeof(int) * Max(edges, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		CmigNode   *node = &graph->nodes[i];

		/*
		 * both calls pass the same mark, i, so that a parent is not added as
		 * a dependency, too
		 */
		resolve_edges(graph, i, &node->revision->parents, false,
					  &node->parents, &pool, last_seen, i);
		resolve_edges(graph, i, &node->revision->depends, true,
					  &node->depends, &pool, last_seen, i);
	}
	pfree(last_seen);

	reverse_edges(graph, false);
	reverse_edges(graph, true);

	defects = list_length(graph->defects);
	find_cycles(graph, false);
	if (list_length(graph->defects) == defects)
		find_cycles(graph, true);
	return graph;
}

char *
cmig_graph_ids_text(const CmigGraph *graph, const int *nodes, int count)
{
	CmigListing ids;

	cmig_listing_init(&ids, CMIG_LISTING_PLAIN);
	for (int i = 0; i < count; i++)
		cmig_listing_add(&ids, cmig_graph_id(graph, nodes[i]));
	return cmig_listing_text(&ids);
}

void
cmig_graph_require_sound(const CmigGraph *graph)
{
	CmigListing detail;
	const CmigDefect *first;

	if (graph->defects == NIL)
		return;

	first = linitial(graph->defects);
	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach_ptr(const CmigDefect, defect, graph->defects)
		cmig_listing_add_format(&detail, "Revision \"%s\": %s.",
								defect->revision, defect->problem);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BROKEN_GRAPH),
			 errmsg("the revision graph is broken"),
			 errdetail("%s", cmig_listing_text(&detail)),
			 list_length(graph->defects) == 1
			 ? errhint("%s", first->fix)
			 : cmig_hint("`SELECT * FROM cmig.check()` lists each problem with its fix.")));
}

/*
 * Sets of nodes, and walks
 */

CmigMarks *
cmig_graph_marks(const CmigGraph *graph)
{
	CmigMarks  *marks = palloc(sizeof(CmigMarks));

	marks->count = 0;
	marks->set = palloc_extended(Max(graph->count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return marks;
}

bool
cmig_graph_mark(CmigMarks *marks, int node)
{
	if (marks->set[node])
		return false;
	marks->set[node] = true;
	marks->count++;
	return true;
}

/* Mark the nodes that can be reached from marked nodes, upward or downward. */
static void
spread(const CmigGraph *graph, CmigMarks *marks, bool up, bool over_depends)
{
	int		   *stack = palloc_extended(sizeof(int) * (Size) Max(graph->count, 1), MCXT_ALLOC_HUGE);
	int			depth = 0;

	for (int i = 0; i < graph->count; i++)
		if (marks->set[i])
			stack[depth++] = i;
	while (depth > 0)
	{
		const CmigNode *node = &graph->nodes[stack[--depth]];
		int			other;

		for (int k = 0; (other = up ? cmig_graph_edge_up(node, k, over_depends)
						 : cmig_graph_edge_down(node, k, over_depends)) >= 0; k++)
			if (cmig_graph_mark(marks, other))
				stack[depth++] = other;
	}
	pfree(stack);
}

void
cmig_graph_mark_ancestors(const CmigGraph *graph, CmigMarks *marks, bool over_depends)
{
	spread(graph, marks, false, over_depends);
}

void
cmig_graph_mark_descendants(const CmigGraph *graph, CmigMarks *marks, bool over_depends)
{
	spread(graph, marks, true, over_depends);
}

bool
cmig_graph_is_topmost(const CmigGraph *graph, const CmigMarks *marks, int node)
{
	int			other;

	for (int k = 0; (other = cmig_graph_edge_up(&graph->nodes[node], k, true)) >= 0; k++)
		if (marks->set[other])
			return false;
	return true;
}

/*
 * Walks depth-first from the topmost marked nodes, so that branches are not
 * interleaved.
 */
int *
cmig_graph_order(const CmigGraph *graph, const CmigMarks *marks, int *count)
{
	Size		size = Max(graph->count, 1);
	int		   *order = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE);
	int		   *stack = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE);
	int		   *next_edge = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE);
	bool	   *visited = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int			done = 0;

	/*
	 * Pass 0 starts at the topmost marked nodes.  Pass 1 starts at nodes that
	 * pass 0 did not reach, which are on or below cycles.
	 */
	for (int pass = 0; pass < 2; pass++)
	{
		for (int start = 0; start < graph->count; start++)
		{
			int			depth = 0;

			if (!marks->set[start] || visited[start])
				continue;
			if (pass == 0 && !cmig_graph_is_topmost(graph, marks, start))
				continue;

			visited[start] = true;
			next_edge[start] = 0;
			stack[depth++] = start;
			while (depth > 0)
			{
				int			node = stack[depth - 1];
				int			other = cmig_graph_edge_down(&graph->nodes[node], next_edge[node]++,
														 true);

				if (other < 0)
				{
					order[done++] = node;
					depth--;
				}
				else if (marks->set[other] && !visited[other])
				{
					visited[other] = true;
					next_edge[other] = 0;
					stack[depth++] = other;
				}
			}
		}
	}
	pfree(stack);
	pfree(next_edge);
	pfree(visited);

	*count = done;
	return order;
}

static inline bool
is_fork(const CmigNode *node)
{
	return node->children.count + node->dependents.count > 1;
}

/*
 * Consecutive revisions without labels share one list, so only merges and
 * revisions with labels need memory for lists.
 */
CmigShownLabels *
cmig_graph_shown_labels(const CmigGraph *graph)
{
	CmigShownLabels *shown = palloc(sizeof(CmigShownLabels));
	Size		size = sizeof(List *) * (Size) Max(graph->count, 1);
	CmigMarks	all = {graph->count, NULL};
	int		   *order;
	int			count;

	shown->inherited = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	shown->carried = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	all.set = palloc_extended(Max(graph->count, 1), MCXT_ALLOC_HUGE);
	memset(all.set, true, graph->count);
	order = cmig_graph_order(graph, &all, &count);

	/* for each node, collect its labels and those of its ancestors */
	for (int i = 0; i < count; i++)
	{
		const CmigNode *node = &graph->nodes[order[i]];
		List	   *labels = NIL;

		for (int j = 0; j < node->revision->labels.count; j++)
			labels = lappend(labels, node->revision->labels.names[j]);
		for (int j = 0; j < node->parents.count; j++)
		{
			List	   *below = shown->inherited[node->parents.nodes[j]];

			if (labels == NIL)
				labels = below;
			else if (labels != below && below != NIL)

				/*
				 * labels are unique in a sound graph, so comparing pointers
				 * is sufficient
				 */
				labels = list_concat_unique_ptr(list_copy(labels), below);
		}
		shown->inherited[order[i]] = labels;
	}

	/*
	 * for each node, collect the labels of its descendants up to the next
	 * fork or merge
	 */
	for (int i = count - 1; i >= 0 && graph->defects == NIL; i--)
	{
		const CmigNode *node = &graph->nodes[order[i]];
		const CmigNode *child;

		if (is_fork(node) || node->children.count != 1 || node->parents.count > 1)
			continue;
		child = &graph->nodes[node->children.nodes[0]];
		if (is_fork(child) || child->parents.count > 1)
			continue;
		shown->carried[order[i]] = shown->carried[node->children.nodes[0]];
		if (child->revision->labels.count > 0)
		{
			List	   *labels = NIL;

			for (int j = 0; j < child->revision->labels.count; j++)
				labels = lappend(labels, child->revision->labels.names[j]);
			shown->carried[order[i]] =
				list_concat(labels, shown->carried[node->children.nodes[0]]);
		}
	}
	pfree(all.set);
	pfree(order);
	return shown;
}

List *
cmig_graph_labels(const CmigShownLabels *shown, int node)
{
	return list_concat_copy(shown->inherited[node], shown->carried[node]);
}

/*
 * Trees
 *
 * Two revisions belong to the same tree if they are connected by down_revision
 * edges.  A scope, which is a schema for one tenant, applies each tree
 * separately: an upgrade to a revision does not apply the revision's
 * dependencies in other trees.  These must already be applied, usually in the
 * database.
 */

/* Returns the node that represents the tree of a node. */
static int
find_tree(int *trees, int node)
{
	while (trees[node] != node)
	{
		trees[node] = trees[trees[node]];
		node = trees[node];
	}
	return node;
}

int *
cmig_trees_find(const CmigGraph *graph)
{
	int		   *trees = palloc_extended(sizeof(int) * Max((Size) graph->count, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < graph->count; i++)
		trees[i] = i;
	for (int i = 0; i < graph->count; i++)
	{
		const CmigEdges *parents = &graph->nodes[i].parents;

		for (int j = 0; j < parents->count; j++)
			trees[find_tree(trees, i)] = find_tree(trees, parents->nodes[j]);
	}
	for (int i = 0; i < graph->count; i++)
		trees[i] = find_tree(trees, i);
	return trees;
}

/*
 * Remove a node's edges to other trees.  If "outside" is not NULL, store the
 * removed edges in *outside.
 */
static void
cut(const CmigGraph *graph, int node, CmigEdges *edges, CmigEdges *outside)
{
	int			kept = 0;

	for (int i = 0; i < edges->count; i++)
	{
		int			other = edges->nodes[i];

		if (cmig_trees_same(graph, node, other))
			edges->nodes[kept++] = other;
		else if (outside != NULL)
		{
			if (outside->nodes == NULL)
				outside->nodes = palloc(sizeof(int) * edges->count);
			outside->nodes[outside->count++] = other;
		}
	}
	edges->count = kept;
}

void
cmig_trees_separate(CmigGraph *graph)
{
	graph->trees = cmig_trees_find(graph);
	graph->outside = palloc_extended(sizeof(CmigEdges) * Max((Size) graph->count, 1),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < graph->count; i++)
	{
		cut(graph, i, &graph->nodes[i].depends, &graph->outside[i]);
		cut(graph, i, &graph->nodes[i].dependents, NULL);
	}
}

/*
 * Repeatable revisions, which run after an upgrade to the heads
 *
 * They are not part of the graph: walks, targets, heads, and version rows do
 * not include them.  They are stored after the graph's nodes, starting at
 * graph->count, so that a plan's steps can refer to them like other nodes.
 */

/*
 * Returns the index of the revision with this id, or -1 if there is none.  The
 * array is sorted by id.
 */
static int
find_sorted(const CmigRevision *const *sorted, int count, const char *id)
{
	int			low = 0;
	int			high = count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			result = strcmp(id, sorted[middle]->id);

		if (result == 0)
			return middle;
		if (result < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/*
 * Add a defect for each problem of a repeatable revision that loading would
 * have rejected.  Only rows that were written manually have such problems.
 */
static void
check_repeatable(CmigGraph *graph, const CmigRevision *const *sorted, int count,
				 const CmigRevision *revision)
{
	char	   *bad = cmig_graph_check_name(revision->id);

	if (bad)
		add_defect(graph, revision->id, "Give the revision another id.", "its id %s", bad);
	if (revision->malformed)
		add_defect(graph, revision->id,
				   "Make depends_on and placeholders one-dimensional arrays without nulls.",
				   "one of its arrays contains NULL or has more than one dimension");
	if (revision->parents.count + revision->labels.count + revision->replaces.count > 0)
		add_defect(graph, revision->id,
				   "Make down_revision, branch_labels, and replaces empty.",
				   "it is repeatable, but has a down_revision, a branch label, or a replaced revision");
	for (int i = 0; i < revision->depends.count; i++)
	{
		const char *name = revision->depends.names[i];

		if (strcmp(name, revision->id) == 0)
			add_defect(graph, revision->id, "Remove the reference.", "it depends on itself");
		else if (find_sorted(sorted, count, name) < 0 && cmig_graph_find_name(graph, name) < 0)
			add_defect(graph, revision->id,
					   psprintf("Load revision \"%s\", or correct the reference.", name),
					   "its depends_on \"%s\" is not present", name);
	}
}

/*
 * Does revision i depend on a repeatable revision that does not have its
 * position in the order yet?
 */
static bool
must_wait(const CmigRevision *const *sorted, int count, const bool *placed, int i)
{
	const CmigNames *depends = &sorted[i]->depends;

	for (int j = 0; j < depends->count; j++)
	{
		int			other = find_sorted(sorted, count, depends->names[j]);

		if (other >= 0 && other != i && !placed[other])
			return true;
	}
	return false;
}

void
cmig_repeatables_add(CmigGraph *graph, const CmigRevision *revisions, int count)
{
	const CmigRevision **sorted;
	bool	   *placed;

	if (count <= 0)
		return;
	sorted = palloc(sizeof(CmigRevision *) * count);
	for (int i = 0; i < count; i++)
		sorted[i] = &revisions[i];
	qsort(sorted, count, sizeof(CmigRevision *), compare_ids);
	graph->nodes = repalloc_huge(graph->nodes, sizeof(CmigNode) * (Size) (graph->count + count));
	memset(&graph->nodes[graph->count], 0, sizeof(CmigNode) * count);
	graph->repeatable_count = count;
	for (int i = 0; i < count; i++)
		check_repeatable(graph, sorted, count, sorted[i]);

	/* store them in the order in which they run */
	placed = palloc0(sizeof(bool) * count);
	for (int i = 0; i < count; i++)
	{
		int			next = 0;

		while (next < count && (placed[next] || must_wait(sorted, count, placed, next)))
			next++;
		if (next == count)
		{
			for (next = 0; placed[next]; next++)
				;
			add_defect(graph, sorted[next]->id, "Remove a name from depends_on.",
					   "it depends on repeatable revisions that depend on it");
		}
		placed[next] = true;
		graph->nodes[graph->count + i].revision = sorted[next];
	}
	pfree(placed);
	pfree(sorted);
}

int
cmig_repeatables_find(const CmigGraph *graph, const char *id)
{
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
		if (strcmp(cmig_graph_id(graph, i), id) == 0)
			return i;
	return -1;
}

int
cmig_repeatables_find_any(const CmigGraph *graph, const char *id)
{
	int			node = cmig_graph_find_id(graph, id);

	return node >= 0 ? node : cmig_repeatables_find(graph, id);
}
