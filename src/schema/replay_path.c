/*
 * replay_path.c
 *	  The search_path with which revisions have run in this database.
 *
 * A replay by a role with another search_path must create the same objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "run/session.h"
#include "schema/replay_path.h"
#include "tables/journal.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

/* A revision and its path. */
typedef struct PathEntry
{
	const char *revision;		/* the key */
	const char *path;
} PathEntry;

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
 * The path with the role in place of "$user", or NULL if it is not a list.  A
 * path without names is the empty list, which is written as "".
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

/* A CmigJournalPathCallback */
static void
keep_path(const char *revision, const char *path, const char *role, void *arg)
{
	HTAB	  **paths = arg;
	char	   *resolved = resolve_user(path, role);
	PathEntry  *entry;
	bool		found;

	if (resolved == NULL)
		return;
	if (*paths == NULL)
		*paths = make_table();
	entry = hash_search(*paths, &revision, HASH_ENTER, &found);
	entry->path = resolved;
}

HTAB *
cmig_replay_path_read(void)
{
	HTAB	   *paths = NULL;

	cmig_journal_other_paths(cmig_session_search_path(), cmig_session_role(), keep_path, &paths);
	return paths;
}

const char *
cmig_replay_path_find(HTAB *paths, const char *revision)
{
	PathEntry  *entry = paths == NULL ? NULL : hash_search(paths, &revision, HASH_FIND, NULL);

	return entry == NULL ? NULL : entry->path;
}
