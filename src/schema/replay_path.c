/*
 * replay_path.c
 *	  Finds the search_path with which revisions ran in this database.
 *
 * A replay by a role with another search_path must create the same objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/query.h"
#include "base/text_list.h"
#include "run/session.h"
#include "schema/replay_path.h"
#include "tables/journal_read.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/varlena.h"

/* A revision and its search_path. */
typedef struct PathEntry
{
	const char *revision;		/* the hash key */
	const char *path;
} PathEntry;

/* The search_paths with which revisions ran. */
struct CmigReplayPaths
{
	HTAB	   *paths;			/* hash table of PathEntry */
	char	   *own;			/* the session's search_path */
	List	   *unsafe;			/* schemas in which other roles can create
								 * objects, as C strings */
};

static uint32
hash_revision(const void *key, Size size)
{
	const char *revision = *(const char *const *) key;

	return string_hash(revision, strlen(revision) + 1);
}

static int
compare_revisions(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static HTAB *
make_table(void)
{
	HASHCTL		info = {
		.keysize = sizeof(char *),.entrysize = sizeof(PathEntry),
		.hash = hash_revision,.match = compare_revisions,.hcxt = CurrentMemoryContext
	};

	return hash_create("pg_cmig search_path", 64, &info,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/*
 * Returns a search_path with the role in place of "$user", or NULL if the
 * search_path is not a valid list.  An empty search_path is returned as a pair
 * of double quotes.
 */
static char *
resolve_user(const char *path, const char *role)
{
	StringInfoData result;
	List	   *names;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(path), ',', &names))
		return NULL;
	initStringInfo(&result);
	foreach(cell, names)
	{
		const char *name = lfirst(cell);

		appendStringInfo(&result, "%s%s", result.len > 0 ? ", " : "",
						 quote_identifier(role != NULL && strcmp(name, "$user") == 0 ? role : name));
	}
	return result.len > 0 ? result.data : pstrdup("\"\"");
}

/* A CmigJournalPathCallback: record the path with which the revision ran. */
static void
keep_path(const char *revision, const char *path, const char *role, void *arg)
{
	CmigReplayPaths **paths = arg;
	char	   *resolved = resolve_user(path, role);
	PathEntry  *entry;
	bool		found;

	if (resolved == NULL)
		return;
	if (*paths == NULL)
	{
		*paths = palloc0(sizeof(CmigReplayPaths));
		(*paths)->paths = make_table();
	}
	entry = hash_search((*paths)->paths, &revision, HASH_ENTER, &found);
	entry->path = resolved;
}

/* Row callback: add a name to a list. */
static void
add_name(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **names = arg;

	*names = lappend(*names, cmig_query_text(desc, row, 1));
}

/*
 * Returns the schemas in which any role other than the current role and
 * superusers can create objects.  Temporary schemas count, too: they belong to
 * the bootstrap superuser, but the objects in them do not.
 */
static List *
find_unsafe(void)
{
	static CmigQuery query = {
		.sql = "SELECT n.nspname::text FROM pg_namespace n WHERE n.nspname ~ '^pg_(toast_)?temp_'"
		" OR EXISTS (SELECT FROM (SELECT n.nspowner AS oid UNION ALL"
		"  SELECT a.grantee FROM aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE') g"
		"  LEFT JOIN pg_roles r ON r.oid = g.oid"
		"  WHERE r.rolsuper IS NOT TRUE AND r.rolname IS DISTINCT FROM current_user)"
	};
	List	   *names = NIL;

	cmig_query_each(&query, NULL, NULL, add_name, &names);
	return names;
}

CmigReplayPaths *
cmig_replay_path_read(void)
{
	CmigReplayPaths *paths = NULL;
	char	   *role = cmig_session_role();

	cmig_journal_read_paths(cmig_session_search_path(), role, keep_path, &paths);
	if (paths != NULL)
	{
		paths->own = resolve_user(cmig_session_search_path(), role);
		paths->unsafe = find_unsafe();
	}
	return paths;
}

/*
 * Raise an error if the revision's search_path contains a schema in which
 * another role could create objects.  Schemas in the shadow or in the
 * session's search_path are accepted.
 */
static void
require_safe(const CmigReplayPaths *paths, CmigShadow *shadow, const PathEntry *entry)
{
	List	   *names;
	List	   *own = NIL;
	ListCell   *cell;

	(void) SplitIdentifierString(pstrdup(entry->path), ',', &names);
	if (paths->own != NULL)
		(void) SplitIdentifierString(pstrdup(paths->own), ',', &own);
	foreach(cell, names)
	{
		const char *name = lfirst(cell);

		if (!cmig_text_list_has(paths->unsafe, name) || cmig_text_list_has(own, name) ||
			cmig_shadow_find(shadow, name) != NULL)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NOT_REPLAYABLE),
				 errmsg("revision \"%s\" cannot be replayed", entry->revision),
				 errdetail("According to cmig.journal, it ran with search_path %s. Other roles can create objects in schema \"%s\", which the current role does not own.",
						   entry->path, name),
				 errhint("If that search_path is correct, call the function as a role that owns the schema. Otherwise, correct it in the last row of the upgrade in cmig.journal.")));
	}
}

const char *
cmig_replay_path_find(const CmigReplayPaths *paths, CmigShadow *shadow, const char *revision)
{
	PathEntry  *entry = paths == NULL ? NULL : hash_search(paths->paths, &revision, HASH_FIND, NULL);

	if (entry == NULL)
		return NULL;
	require_safe(paths, shadow, entry);
	return entry->path;
}
