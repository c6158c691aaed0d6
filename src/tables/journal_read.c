/*
 * journal_read.c
 *	  Reads cmig.journal.
 *
 * Only rows of the current scope are read, except by the queries for
 * checksums.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "run/scope.h"
#include "run/session.h"
#include "tables/catalog.h"
#include "tables/journal_read.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define OF_SCRIPT \
	" WHERE revision::text = $1 AND outcome::text = 'done'" \
	" AND direction::text IN ('upgrade', 'stamp', 'repair') AND checksum::text IS NOT NULL"

/*
 * A query for the last checksum of a revision in a scope.  A repair in the
 * database counts for all scopes.  Rows of different scopes are ordered by
 * time, because their ids do not show the order.
 */
static CmigQuery checksum_query = {
	.sql = "SELECT checksum::text FROM cmig.journal" OF_SCRIPT
	" AND (scope::text = $2 OR (scope::text = '' AND direction::text = 'repair'))"
	" ORDER BY CASE WHEN $2 <> '' THEN started_at::timestamptz END DESC NULLS LAST, id::bigint DESC LIMIT 1",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID}
};

/* A query for the last checksum of a revision in any scope. */
static CmigQuery any_checksum_query = {
	.sql = "SELECT checksum::text FROM cmig.journal" OF_SCRIPT
	" ORDER BY started_at::timestamptz DESC, id::bigint DESC LIMIT 1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/*
 * A query for the checksum of a repeatable revision's last run, and for
 * whether a downgrade has been run since then.
 */
static CmigQuery repeatable_query = {
	.sql = "SELECT r.checksum, EXISTS (SELECT FROM cmig.journal d WHERE d.id::bigint > r.id"
	" AND d.scope::text = $2 AND d.direction::text = 'downgrade' AND d.outcome::text = 'done')"
	" FROM (SELECT j.id::bigint, j.checksum::text FROM cmig.journal j"
	" WHERE j.revision::text = $1 AND j.outcome::text = 'done' AND j.scope::text = $2"
	" AND j.direction::text IN ('upgrade', 'repair') AND j.checksum::text IS NOT NULL"
	" ORDER BY j.id::bigint DESC LIMIT 1) r",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID}
};

static CmigQuery last_query = {
	.sql = "SELECT coalesce(revision::text, ''), coalesce(direction::text, ''),"
	" coalesce(outcome::text, ''), sqlstate::text, message::text, statement::integer"
	" FROM cmig.journal WHERE direction::text NOT IN ('repair', 'drift') AND scope::text = $1"
	" ORDER BY id::bigint DESC LIMIT 1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery listing_query = {
	.sql = "SELECT revision::text, coalesce(direction::text, ''), coalesce(outcome::text, ''),"
	" coalesce(role::text, ''), sqlstate::text, message::text,"
	" date_trunc('second', started_at::timestamptz), date_trunc('milliseconds', elapsed::interval)"
	" FROM cmig.journal WHERE scope::text = $1 ORDER BY id::bigint DESC",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery widths_query = {
	.sql = "SELECT max(char_length(revision::text)), max(char_length(role::text)) FROM cmig.journal"
	" WHERE scope::text = $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery applied_query = {
	.sql = "SELECT DISTINCT ON (revision) revision::text,"
	" date_trunc('second', started_at::timestamptz + coalesce(elapsed::interval, '0'))"
	" FROM cmig.journal WHERE outcome::text = 'done' AND direction::text IN ('upgrade', 'stamp')"
	" AND scope::text = $1 ORDER BY revision, id DESC",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery last_drift_query = {
	.sql = "SELECT CASE WHEN isfinite(j.started_at::timestamptz)"
	" THEN extract(epoch FROM clock_timestamp() - j.started_at::timestamptz)::float8 ELSE 0 END,"
	" coalesce(j.message::text, ''), EXISTS (SELECT FROM cmig.journal n"
	" WHERE n.id > j.id AND n.scope::text = j.scope::text AND n.direction::text NOT IN ('drift', 'repair'))"
	" FROM cmig.journal j WHERE j.revision IS NULL AND j.direction::text = 'drift'"
	" AND j.scope::text = $1 ORDER BY j.id DESC LIMIT 1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery captured_query = {
	.sql = "SELECT DISTINCT revision::text, checksum::text FROM cmig.journal"
	" WHERE revision::text = ANY ($1) AND direction::text = 'drift' AND checksum IS NOT NULL"
	" AND role::text = $2 AND scope::text = ''",
	.nargs = 2,
	.argtypes = {TEXTARRAYOID, TEXTOID}
};

static CmigQuery paths_query = {
	.sql = "SELECT p.revision, p.search_path, p.role FROM ("
	" SELECT DISTINCT ON (j.revision::text) j.revision::text, j.search_path::text, j.role::text"
	"  FROM cmig.journal j WHERE j.direction::text = 'upgrade' AND j.outcome::text = 'done' AND j.revision IS NOT NULL"
	"  AND j.scope::text = $3"
	"  ORDER BY j.revision::text, j.id::bigint DESC) p"
	" WHERE p.search_path <> $1 OR (p.search_path ~ '[$]user' AND p.role <> $2)",
	.nargs = 3,.argtypes = {TEXTOID, TEXTOID, TEXTOID}
};

/* Returns the name of the current scope as a query argument. */
static Datum
own_scope(void)
{
	return CStringGetTextDatum(cmig_scope_current());
}

/*
 * Run a query whose only argument is the current scope, and call the callback
 * for each row.  Returns the number of rows.
 */
static uint64
each_of_scope(CmigQuery *query, CmigRowCallback callback, void *arg)
{
	Datum		values[1] = {own_scope()};

	return cmig_query_each(query, values, NULL, callback, arg);
}

/* The callback passed to cmig_journal_read_paths(), and its argument. */
typedef struct PathReader
{
	CmigJournalPathCallback callback;
	void	   *arg;
} PathReader;

static void
read_path(TupleDesc desc, HeapTuple row, void *arg)
{
	const PathReader *reader = arg;

	reader->callback(cmig_query_text(desc, row, 1), cmig_query_text(desc, row, 2),
					 cmig_query_text(desc, row, 3), reader->arg);
}

void
cmig_journal_read_paths(const char *search_path, const char *role,
						CmigJournalPathCallback callback, void *arg)
{
	Datum		values[3] = {CStringGetTextDatum(search_path), CStringGetTextDatum(role), own_scope()};
	PathReader	reader = {callback, arg};

	cmig_query_each(&paths_query, values, NULL, read_path, &reader);
}

char *
cmig_journal_read_checksum(const char *revision)
{
	Datum		values[2] = {CStringGetTextDatum(revision), own_scope()};
	char	   *checksum = NULL;

	cmig_query_each(&checksum_query, values, NULL, cmig_query_keep_text, &checksum);
	if (checksum == NULL)
		cmig_query_each(&any_checksum_query, values, NULL, cmig_query_keep_text, &checksum);
	return checksum;
}

/*
 * Row callback of repeatable_query: store the row in a CmigJournalRepeatable.
 */
static void
keep_repeatable(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalRepeatable *last = arg;

	last->checksum = cmig_query_text(desc, row, 1);
	last->reverted = cmig_query_bool(desc, row, 2, false);
}

CmigJournalRepeatable
cmig_journal_read_repeatable(const char *revision)
{
	Datum		values[2] = {CStringGetTextDatum(revision), own_scope()};
	CmigJournalRepeatable last = {0};

	cmig_query_each(&repeatable_query, values, NULL, keep_repeatable, &last);
	return last;
}

/* Row callback of last_query: store the row in a CmigJournalEntry. */
static void
keep_last(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalEntry *entry = arg;

	entry->revision = cmig_query_text(desc, row, 1);
	entry->direction = cmig_query_text(desc, row, 2);
	entry->outcome = cmig_query_text(desc, row, 3);
	entry->sqlstate = cmig_query_text(desc, row, 4);
	entry->message = cmig_query_text(desc, row, 5);
	entry->statement = cmig_query_int32(desc, row, 6, 0);
}

bool
cmig_journal_read_last(CmigJournalEntry *entry)
{
	memset(entry, 0, sizeof(*entry));
	return each_of_scope(&last_query, keep_last, entry) > 0;
}

/* Row callback of last_drift_query: store the row in a CmigJournalDrift. */
static void
keep_drift(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalDrift *drift = arg;

	drift->seconds = cmig_query_float8(desc, row, 1, 0);
	drift->message = cmig_query_text(desc, row, 2);
	drift->is_past = cmig_query_bool(desc, row, 3, false);
}

bool
cmig_journal_read_last_drift(CmigJournalDrift *drift)
{
	memset(drift, 0, sizeof(*drift));
	return each_of_scope(&last_drift_query, keep_drift, drift) > 0;
}

char *
cmig_journal_read_ago(double seconds)
{
	static const struct
	{
		int			length;
		const char *name;
	}			units[] = {
		{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}
	};
	int			i = 0;
	long		count;

	while (i < lengthof(units) - 1 && seconds < units[i].length)
		i++;
	count = Max((long) (seconds / units[i].length), 0);
	return psprintf("%ld %s%s ago", count, units[i].name, count == 1 ? "" : "s");
}

/*
 * A caller's callback, which has one of two types, and the callback's
 * argument.
 */
typedef struct Shower
{
	CmigJournalShow show;
	CmigJournalApplied applied;
	void	   *arg;
} Shower;

/* Row callback of listing_query: pass the row on to the caller's callback. */
static void
show_row(TupleDesc desc, HeapTuple row, void *arg)
{
	const Shower *shower = arg;
	CmigJournalShown shown = {0};
	bool		isnull;
	Datum		value;

	shown.revision = cmig_query_text(desc, row, 1);
	shown.direction = cmig_query_text(desc, row, 2);
	shown.outcome = cmig_query_text(desc, row, 3);
	shown.role = cmig_query_text(desc, row, 4);
	shown.sqlstate = cmig_query_text(desc, row, 5);
	shown.message = cmig_query_text(desc, row, 6);
	shown.started_at = DatumGetTimestampTz(cmig_query_datum(desc, row, 7, &isnull));
	shown.has_started_at = !isnull;
	value = cmig_query_datum(desc, row, 8, &isnull);
	shown.elapsed = isnull ? NULL : DatumGetIntervalP(value);
	shower->show(&shown, shower->arg);
}

void
cmig_journal_read_each(CmigJournalShow callback, void *arg)
{
	Shower		shower = {.show = callback,.arg = arg};

	each_of_scope(&listing_query, show_row, &shower);
}

/* Row callback of widths_query: store the row in a CmigJournalWidths. */
static void
keep_widths(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalWidths *widths = arg;

	widths->revision = cmig_query_int32(desc, row, 1, 0);
	widths->role = cmig_query_int32(desc, row, 2, 0);
}

CmigJournalWidths
cmig_journal_read_widths(void)
{
	CmigJournalWidths widths = {0};

	each_of_scope(&widths_query, keep_widths, &widths);
	return widths;
}

/* Row callback of applied_query: pass the row on to the caller's callback. */
static void
show_applied(TupleDesc desc, HeapTuple row, void *arg)
{
	const Shower *shower = arg;
	char	   *revision = cmig_query_text(desc, row, 1);
	bool		isnull;
	Datum		at = cmig_query_datum(desc, row, 2, &isnull);

	if (revision && !isnull)
		shower->applied(revision, DatumGetTimestampTz(at), shower->arg);
	if (revision)
		pfree(revision);
}

void
cmig_journal_read_each_applied(CmigJournalApplied callback, void *arg)
{
	Shower		shower = {.applied = callback,.arg = arg};

	each_of_scope(&applied_query, show_applied, &shower);
}

/*
 * The callback passed to cmig_journal_read_each_captured(), and its argument.
 */
typedef struct Captured
{
	CmigJournalCaptured callback;
	void	   *arg;
} Captured;

/* Row callback of captured_query: pass the row on to the caller's callback. */
static void
pass_captured(TupleDesc desc, HeapTuple row, void *arg)
{
	const Captured *captured = arg;

	captured->callback(cmig_query_text(desc, row, 1), cmig_query_text(desc, row, 2), captured->arg);
}

void
cmig_journal_read_each_captured(const CmigNames *revisions, CmigJournalCaptured callback, void *arg)
{
	Captured	captured = {callback, arg};
	Datum		values[2] = {cmig_catalog_names_datum(revisions), CStringGetTextDatum(cmig_session_role())};

	cmig_query_each(&captured_query, values, NULL, pass_captured, &captured);
}
