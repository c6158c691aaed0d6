/*
 * replaces.c
 *	  Resolves revisions that replace others.
 *
 * A revision with "replaces" does what several older revisions do together.
 * The revision named last in "replaces" comes last in the graph: if it is
 * applied, all of the older ones are.  The older revisions count, and the new
 * one is ignored, while only some of the older ones are applied or one of them
 * is partially applied.  Otherwise, the new revision counts, and the older
 * ones are ignored.  A reference to an ignored revision is treated as a
 * reference to a revision that counts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "graph/graph.h"

/* The state for resolving the revisions that replace others. */
typedef struct Resolve
{
	int			count;			/* number of revisions */
	const CmigPlace *place;
	CmigGraph  *graph;			/* graph of all revisions, including ignored
								 * ones */
	CmigNames	applied;		/* names of the applied revisions, sorted */
	bool	   *hidden;			/* indexed by node: is the revision ignored? */
	char	  **stands_for;		/* indexed by node: if the revision is
								 * ignored, name of the revision to use in its
								 * place; otherwise NULL */
	List	   *aliases;		/* of ShortName *, for names without a node */
} Resolve;

/*
 * A replaced revision that is not loaded, and the revision that is used in its
 * place.
 */
typedef struct ShortName
{
	const char *name;
	char	   *means;
} ShortName;

bool
cmig_replaces_any(const CmigRevision *revisions, int count)
{
	for (int i = 0; i < count; i++)
		if (revisions[i].replaces.count > 0)
			return true;
	return false;
}

/*
 * Initialize the state: build the graph of all revisions, and collect the names
 * of applied ones: the version rows, all revisions that are applied according
 * to them, and the names in the down_revision and depends_on of these
 * revisions, including names of revisions that are not loaded.
 */
static void
init(Resolve *resolve, const CmigRevision *revisions, int count, const CmigPlace *place)
{
	CmigApplied *applied;
	CmigNames  *names = &resolve->applied;
	int			size = place->rows->count;

	memset(resolve, 0, sizeof(Resolve));
	resolve->count = count;
	resolve->place = place;
	resolve->graph = cmig_graph_build(revisions, count);
	resolve->hidden = palloc0(sizeof(bool) * Max(count, 1));
	resolve->stands_for = palloc0(sizeof(char *) * Max(count, 1));

	applied = cmig_applied_find(resolve->graph, place->rows);
	for (int i = 0; i < count; i++)
		size += 1 + revisions[i].parents.count + revisions[i].depends.count;
	names->names = palloc_extended(sizeof(char *) * (Size) Max(size, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < place->rows->count; i++)
		names->names[names->count++] = place->rows->names[i];
	for (int node = 0; node < resolve->graph->count; node++)
	{
		const CmigRevision *revision = resolve->graph->nodes[node].revision;

		if (!applied->applied->set[node])
			continue;
		names->names[names->count++] = revision->id;
		for (int i = 0; i < revision->parents.count; i++)
			names->names[names->count++] = revision->parents.names[i];
		for (int i = 0; i < revision->depends.count; i++)
			names->names[names->count++] = revision->depends.names[i];
	}
	if (names->count > 0)
		cmig_names_sort(names);
}

static bool
is_applied(const Resolve *resolve, const char *name)
{
	return resolve->applied.count > 0 && cmig_names_has(&resolve->applied, name);
}

/* Returns the state of the revisions that this revision replaces. */
static CmigReplacesState
state_of(const Resolve *resolve, const CmigRevision *revision)
{
	const CmigNames *old = &revision->replaces;
	bool		any = false,
				begun = false,
				row = false;

	if (is_applied(resolve, revision->id))
		return CMIG_REPLACES_ALL;
	for (int i = 0; i < old->count; i++)
	{
		any |= is_applied(resolve, old->names[i]);
		begun |= cmig_graph_lists(resolve->place->begun, old->names[i]);
		row |= cmig_graph_lists(resolve->place->rows, old->names[i]);
	}
	if (!any && !begun)
		return CMIG_REPLACES_NONE;
	if (begun || !is_applied(resolve, old->names[old->count - 1]))
		return CMIG_REPLACES_SOME;
	return row ? CMIG_REPLACES_TURN : CMIG_REPLACES_ALL;
}

CmigReplacesState
cmig_replaces_state(const CmigRevision *revisions, int count, const CmigPlace *place,
					const CmigRevision *revision)
{
	Resolve		resolve;

	init(&resolve, revisions, count, place);
	return state_of(&resolve, revision);
}

/*
 * Record that the revision "name" is ignored, and that references to it are
 * treated as references to the revision "means".
 */
static void
set_meaning(Resolve *resolve, const char *name, char *means)
{
	int			node = cmig_graph_find_id(resolve->graph, name);
	ShortName  *alias;

	if (node >= 0)
	{
		resolve->hidden[node] = true;
		resolve->stands_for[node] = means;
		return;
	}
	alias = palloc(sizeof(ShortName));
	alias->name = name;
	alias->means = means;
	resolve->aliases = lappend(resolve->aliases, alias);
}

/*
 * Returns true if "name", an element of revision->replaces, is not loaded and
 * is not replaced by a loaded revision in revision->replaces.
 */
static bool
is_missing(const CmigGraph *graph, const CmigRevision *revision, const char *name)
{
	if (cmig_graph_find_id(graph, name) >= 0)
		return false;
	for (int i = 0; i < revision->replaces.count; i++)
	{
		int			node = cmig_graph_find_id(graph, revision->replaces.names[i]);

		if (node >= 0 && cmig_graph_lists(&graph->nodes[node].revision->replaces, name))
			return false;
	}
	return true;
}

CmigNames *
cmig_replaces_missing(const CmigRevision *revisions, int count, const CmigRevision *revision)
{
	CmigGraph  *graph = cmig_graph_build(revisions, count);
	CmigNames  *missing = palloc0(sizeof(CmigNames));

	missing->names = palloc(sizeof(char *) * Max(revision->replaces.count, 1));
	for (int i = 0; i < revision->replaces.count; i++)
		if (is_missing(graph, revision, revision->replaces.names[i]))
			missing->names[missing->count++] = revision->replaces.names[i];
	return missing;
}

/*
 * Returns the revisions that replace others, in an order in which each one
 * comes after those that it replaces.  The order does not depend on the order
 * of rows.  Sets *replacing to their number, and "cyclic", if it is not NULL,
 * to two revisions that replace each other, perhaps through others.
 */
static const CmigRevision **
order_replacing(const CmigRevision *revisions, int count, int *replacing,
				const CmigRevision **cyclic)
{
	CmigRevision *copies = palloc0(sizeof(CmigRevision) * Max(count, 1));
	const CmigRevision **originals = palloc(sizeof(CmigRevision *) * Max(count, 1));
	const CmigRevision **ordered = palloc(sizeof(CmigRevision *) * Max(count, 1));
	int		   *place = palloc(sizeof(int) * Max(count, 1));
	CmigGraph  *graph;
	CmigMarks  *all;
	int		   *order;

	*replacing = 0;
	for (int i = 0; i < count; i++)
	{
		if (revisions[i].replaces.count == 0)
			continue;
		copies[*replacing].id = revisions[i].id;
		copies[*replacing].parents = revisions[i].replaces;
		originals[(*replacing)++] = &revisions[i];
	}
	graph = cmig_graph_build(copies, *replacing);
	all = cmig_graph_marks(graph);
	for (int i = 0; i < graph->count; i++)
		cmig_graph_mark(all, i);
	order = cmig_graph_order(graph, all, replacing);
	for (int i = 0; i < *replacing; i++)
	{
		ordered[i] = originals[graph->nodes[order[i]].revision - copies];
		place[order[i]] = i;
	}
	for (int i = 0; cyclic != NULL && i < *replacing; i++)
	{
		const CmigEdges *old = &graph->nodes[i].parents;

		for (int j = 0; j < old->count && cyclic[0] == NULL; j++)
			if (place[old->nodes[j]] > place[i])
			{
				cyclic[0] = ordered[place[i]];
				cyclic[1] = ordered[place[old->nodes[j]]];
			}
	}
	return ordered;
}

/*
 * For all revisions that replace others, decide whether they count, or whether
 * the revisions that they replace count.
 */
static void
decide_all(Resolve *resolve, const CmigRevision *revisions)
{
	int			count;
	const CmigRevision **ordered = order_replacing(revisions, resolve->count, &count, NULL);

	for (int i = 0; i < count; i++)
	{
		const CmigRevision *revision = ordered[i];
		const CmigNames *old = &revision->replaces;
		CmigReplacesState state = state_of(resolve, revision);
		bool		old_counts = state == CMIG_REPLACES_SOME || state == CMIG_REPLACES_TURN;

		/*
		 * The older revisions can count only if those that are missing are
		 * applied and have no version row.
		 */
		for (int j = 0; old_counts && j < old->count; j++)
			old_counts = !is_missing(resolve->graph, revision, old->names[j]) ||
				(is_applied(resolve, old->names[j]) &&
				 !cmig_graph_lists(resolve->place->rows, old->names[j]));
		if (old_counts)
			set_meaning(resolve, revision->id, old->names[old->count - 1]);
		else
			for (int j = 0; j < old->count; j++)
				if (strcmp(old->names[j], revision->id) != 0)
					set_meaning(resolve, old->names[j], revision->id);
	}
}

/*
 * Returns the name of the revision to use in place of "name", as set_meaning()
 * has recorded, or "name" itself if nothing is recorded.  The name found can
 * again be that of an ignored revision, so this is repeated.  Terminates even
 * if there is a cycle.
 */
static char *
meaning(const Resolve *resolve, char *name)
{
	for (int i = 0; i < resolve->count; i++)
	{
		int			node = cmig_graph_find_id(resolve->graph, name);
		char	   *next = node >= 0 ? resolve->stands_for[node] : NULL;

		foreach_ptr(const ShortName, alias, node < 0 ? resolve->aliases : NIL)
		{
			if (next == NULL && strcmp(alias->name, name) == 0)
				next = alias->means;
		}
		if (next == NULL || strcmp(next, name) == 0)
			break;
		name = next;
	}
	return name;
}

/*
 * In a list of a revision's references, such as its down_revision, replace the
 * names of ignored revisions.  Remove the duplicates that result, and any
 * references to the revision itself.
 */
static void
rename_references(const Resolve *resolve, const CmigRevision *revision, CmigNames *names)
{
	char	  **renamed = NULL;
	int			count = 0;

	for (int i = 0; i < names->count; i++)
		if (strcmp(meaning(resolve, names->names[i]), names->names[i]) != 0)
			renamed = palloc(sizeof(char *) * names->count);
	if (renamed == NULL)
		return;
	for (int i = 0; i < names->count; i++)
	{
		char	   *name = meaning(resolve, names->names[i]);
		bool		again = strcmp(name, revision->id) == 0;

		for (int j = 0; j < count; j++)
			again |= strcmp(renamed[j], name) == 0;
		if (!again)
			renamed[count++] = name;
	}
	names->names = renamed;
	names->count = count;
}

int
cmig_replaces_resolve(CmigRevision *revisions, int count, const CmigPlace *place)
{
	Resolve		resolve;
	bool	   *counts;
	int			left = 0;

	if (!cmig_replaces_any(revisions, count))
		return count;
	init(&resolve, revisions, count, place);
	decide_all(&resolve, revisions);
	counts = palloc(sizeof(bool) * count);
	for (int i = 0; i < count; i++)
	{
		int			node = cmig_graph_find_id(resolve.graph, revisions[i].id);

		counts[i] = node < 0 || !resolve.hidden[node];
		rename_references(&resolve, &revisions[i], &revisions[i].parents);
		rename_references(&resolve, &revisions[i], &revisions[i].depends);
	}
	for (int i = 0; i < count; i++)
		if (counts[i])
			revisions[left++] = revisions[i];
	return left;
}

/* A name, and a revision that replaces it. */
typedef struct Replaced
{
	const char *name;
	const CmigRevision *by;
} Replaced;

/*
 * A qsort comparator by name.  For the same name, the revision with the
 * longest "replaces" list comes last.
 */
static int
compare_replaced(const void *a, const void *b)
{
	const Replaced *one = a;
	const Replaced *other = b;
	int			result = strcmp(one->name, other->name);

	if (result == 0 && one->by->replaces.count != other->by->replaces.count)
		result = one->by->replaces.count < other->by->replaces.count ? -1 : 1;
	return result != 0 ? result : strcmp(one->by->id, other->by->id);
}

static void
report_unsound(const CmigRevision *one, const CmigRevision *other, const char *name)
{
	if (one == other)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BROKEN_GRAPH),
				 errmsg("revision \"%s\" replaces itself", one->id),
				 errhint("Remove the id from its \"replaces\" line, or give the revision another id.")));
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BROKEN_GRAPH),
			 name == NULL ? errmsg("revisions \"%s\" and \"%s\" replace each other", one->id,
								   other->id) :
			 errmsg("revisions \"%s\" and \"%s\" both replace \"%s\"", one->id, other->id, name),
			 name == NULL ? errhint("Correct the \"replaces\" line of one of them.") :
			 errhint("Load only one of them, or let one of them also replace the other.")));
}

void
cmig_replaces_require_sound(const CmigRevision *revisions, int count)
{
	const CmigRevision *cyclic[2] = {NULL};
	Replaced   *all;
	int			total = 0,
				n = 0;

	for (int i = 0; i < count; i++)
		total += revisions[i].replaces.count;
	all = palloc(sizeof(Replaced) * Max(total, 1));
	for (int i = 0; i < count; i++)
		for (int j = 0; j < revisions[i].replaces.count; j++)
		{
			all[n].name = revisions[i].replaces.names[j];
			all[n++].by = &revisions[i];
			if (strcmp(revisions[i].replaces.names[j], revisions[i].id) == 0)
				report_unsound(&revisions[i], &revisions[i], NULL);
		}
	qsort(all, n, sizeof(Replaced), compare_replaced);
	for (int i = 1; i < n; i++)
	{
		const CmigRevision *one = all[i - 1].by,
				   *other = all[i].by;

		if (strcmp(all[i - 1].name, all[i].name) == 0 &&
			!cmig_graph_lists(&one->replaces, other->id) &&
			!cmig_graph_lists(&other->replaces, one->id))
			report_unsound(one, other, all[i].name);
	}
	(void) order_replacing(revisions, count, &total, cyclic);
	if (cyclic[0] != NULL)
		report_unsound(cyclic[0], cyclic[1], NULL);
	pfree(all);
}
