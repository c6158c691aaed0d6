/*
 * backfill_resume.c
 *	  Finds the backfill that a CALL resumes, and checks that it can be
 *	  resumed.
 *
 * The rows of cmig.backfill_run are read and written as the caller, which may
 * not be the role that runs the script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/role.h"
#include "online/backfill_resume.h"
#include "online/backfill_sql.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* The arguments of refuse_unfinished(). */
typedef struct Search
{
	const CmigBackfillTarget *target;
	const CmigBackfillIdentity *identity;
	bool		one_transaction;
} Search;

/* Returns the names, separated by commas. */
static char *
listed(char **names, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names[i]);
	return text.data;
}

/*
 * Callback that raises an error if the unfinished backfill "other" has updated
 * rows that the new backfill would update again.  The user must decide how to
 * proceed.
 */
static void
refuse_unfinished(const CmigBackfillUnfinished *other, void *arg)
{
	const Search *search = arg;
	const CmigBackfillIdentity *this = search->identity;
	bool		resumable = this->where_sql == NULL && strcmp(this->target, other->target) == 0 &&
	(this->revision == NULL || this->statement == other->statement);
	char	   *resume;

	if (this->revision == NULL &&
		(!resumable || !cmig_backfill_target_sets_same(search->target, other->set_sql)))
		return;
	if (search->one_transaction)
		resume = "To continue with the other rows, SET cmig.concurrent_ddl = on and repeat the CALL.";
	else if (resumable)
		resume = psprintf("To continue after these rows with this set_sql: UPDATE cmig.backfill_run SET set_sql = %s WHERE id = %lld, then repeat the CALL%s.",
						  quote_literal_cstr(this->set_sql), (long long) other->id,
						  this->revision ? ", or load the original text" : "");
	else
		resume = "To continue with the other rows, load the original text and repeat the CALL.";
	ereport(ERROR,
			(errcode(this->revision ? ERRCODE_CMIG_CHANGED_REVISION :
					 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 this->revision ?
			 errmsg("a backfill of revision \"%s\" is partially applied", this->revision) :
			 errmsg("a backfill of table %s is partially applied", other->target),
			 this->revision ?
			 errdetail("Statement %d has already updated %lld rows. This CALL would update them again. The earlier backfill used SET %s.",
					   other->statement, (long long) other->rows, other->set_sql) :
			 errdetail("It has already updated %lld rows. This CALL would update them again. The earlier backfill used SET %s.",
					   (long long) other->rows, other->set_sql),
			 errhint("%s To start over instead: DELETE FROM cmig.backfill_run WHERE id = %lld",
					 resume, (long long) other->id)));
}

/* Does the array contain the name? */
static bool
has_name(char **names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/*
 * Raise an error if partitions have both been added and dropped since the
 * backfill began, because a partition may have been renamed.  In a walk by key,
 * only the names of partitions show which partitions are done.
 */
static void
require_same_parts(const CmigBackfillTarget *target, const CmigBackfillRun *run)
{
	const CmigNames *begun = &run->parts;
	int			count = target->count;
	char	  **now = palloc(sizeof(char *) * Max(count, 1));
	char	  **added = palloc(sizeof(char *) * Max(count, 1));
	char	  **gone = palloc(sizeof(char *) * Max(begun->count, 1));
	int			nadded = 0;
	int			ngone = 0;

	if (begun->count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		now[i] = target->parts[i].name;
		if (!has_name(begun->names, begun->count, now[i]))
			added[nadded++] = now[i];
	}
	for (int i = 0; i < begun->count; i++)
	{
		if (!has_name(now, count, begun->names[i]))
			gone[ngone++] = begun->names[i];
	}
	if (nadded > 0 && ngone > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the partitions of table %s have changed during its backfill", target->name),
				 errdetail("Removed since the start: %s. Added: %s. If a partition was renamed, pg_cmig cannot tell whether its rows have been backfilled.",
						   listed(gone, ngone), listed(added, nadded)),
				 errhint("Rename the partition back and repeat the CALL. If no partition was renamed: UPDATE cmig.backfill_run SET parts = NULL WHERE id = %lld, then repeat the CALL.",
						 (long long) run->id)));
}

bool
cmig_backfill_resume_find(const CmigBackfillTarget *target,
						  const CmigBackfillIdentity *identity, Oid caller,
						  CmigBackfillRun *run)
{
	Search		search = {target, identity, false};
	bool		found;
	CmigRole	saved;

	cmig_role_act_as_caller(&saved, caller);
	found = cmig_backfill_run_find(identity, run);
	cmig_backfill_run_each_unfinished(identity, run->id, refuse_unfinished, &search);
	if (found && !run->done)
	{
		require_same_parts(target, run);
		ereport(NOTICE,
				(errmsg("resuming the backfill of %s after %lld rows",
						target->name, (long long) run->rows)));
	}
	else if (!found)
	{
		run->method = target->by_key ? "key" : "ctid";
		run->pass = 1;
		run->total = cmig_backfill_sql_work(target);
		if (target->by_key && target->count > 1)
		{
			run->parts.names = palloc(sizeof(char *) * target->count);
			for (int i = 0; i < target->count; i++)
				run->parts.names[run->parts.count++] = target->parts[i].name;
		}
		cmig_backfill_run_replace(identity);
		cmig_backfill_run_insert(identity, run);
	}
	run->parts.count = 0;
	cmig_role_return(&saved);
	return found;
}

void
cmig_backfill_resume_refuse(const CmigBackfillTarget *target,
							const CmigBackfillIdentity *identity, Oid caller)
{
	Search		search = {target, identity, true};
	CmigRole	saved;

	cmig_role_act_as_caller(&saved, caller);
	cmig_backfill_run_each_unfinished(identity, 0, refuse_unfinished, &search);
	cmig_role_return(&saved);
}

void
cmig_backfill_resume_require_key(const CmigBackfillRun *run, const CmigBackfillPart *part)
{
	char	   *begun = listed(run->key.names, run->key.count);
	char	   *now = listed(part->key.columns, part->key.count);

	if (run->key.count != part->key.count || strcmp(begun, now) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key of table %s has changed during its backfill", part->name),
				 errdetail("Rows were updated in the order of key (%s). For key (%s), it is unknown which rows are done.",
						   begun, now),
				 errhint("Restore the original key and repeat the CALL. To start over instead: DELETE FROM cmig.backfill_run WHERE id = %lld",
						 (long long) run->id)));
}
