/*
 * shadow_probe.c
 *	  Functions that let tests examine a shadow.
 *
 * The extension's SQL script does not declare these functions; tests declare
 * them as superuser.
 *
 * cmig_shadow_probe(target text, probe text, schemas text[]) RETURNS SETOF
 * text runs the target's SQL in a shadow of the schemas.  It returns the
 * managed schemas, the notes about the target, and the first column of the
 * query "probe", which is run in the shadow.
 *
 * cmig_shadow_probe_rename(schema text, name text, probe text) runs the query
 * while the schema has the given name.
 *
 * cmig_replay_probe(plan text, probe text) replays a plan ('applied', 'all',
 * or a revision's id), and returns the first column of the query.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/query.h"
#include "graph/target.h"
#include "move/move.h"
#include "schema/replay.h"
#include "shadow/shadow.h"
#include "shadow/target.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(cmig_shadow_probe);
PG_FUNCTION_INFO_V1(cmig_shadow_probe_rename);
PG_FUNCTION_INFO_V1(cmig_replay_probe);

/* A query to be run while a target exists. */
typedef struct Probe
{
	ReturnSetInfo *result;
	char	   *target;
	char	   *query;
} Probe;

static void
put(Probe *probe, const char *text)
{
	Datum		value;
	bool		isnull = text == NULL;

	value = isnull ? (Datum) 0 : CStringGetTextDatum(text);
	tuplestore_putvalues(probe->result->setResult, probe->result->setDesc, &value, &isnull);
}

static void
put_row(TupleDesc desc, HeapTuple row, void *arg)
{
	put(arg, cmig_query_text(desc, row, 1));
}

static void
run_probe(CmigShadow *shadow, void *arg)
{
	Probe	   *probe = arg;
	CmigTarget *target = NULL;
	CmigManaged *managed;
	ListCell   *cell;

	if (probe->target != NULL)
		target = cmig_target_run(shadow, probe->target);
	if (shadow != NULL)
	{
		managed = cmig_shadow_schemas(shadow);
		for (int i = 0; i < managed->count; i++)
			put(probe, psprintf("schema %s%s", managed->schemas[i].name,
								!OidIsValid(managed->schemas[i].oid) ? ", missing" :
								managed->schemas[i].owned ? "" : ", of another role"));
	}
	if (target != NULL)
	{
		foreach(cell, target->notes)
		{
			CmigTargetNote *note = lfirst(cell);

			put(probe, psprintf("%s %s, line %d: %s", note->kind, note->object,
								note->line, note->reason));
		}
		foreach(cell, target->renames)
		{
			put(probe, psprintf("rename %s", (char *) lfirst(cell)));
		}
	}
	if (probe->query != NULL)
		(void) cmig_query_once(psprintf("SELECT x::text FROM (%s) AS p(x)", probe->query), 0, NULL, NULL, NULL, true, put_row, probe);
}

Datum
cmig_shadow_probe(PG_FUNCTION_ARGS)
{
	Probe		probe = {0};
	CmigNames  *names = NULL;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	probe.result = (ReturnSetInfo *) fcinfo->resultinfo;
	probe.target = cmig_argument_text(fcinfo, 0);
	probe.query = cmig_argument_text(fcinfo, 1);
	if (!PG_ARGISNULL(2))
		names = cmig_argument_names(PG_GETARG_ARRAYTYPE_P(2), "the list of schemas", NULL);
	cmig_shadow_run(cmig_managed_schemas(names), "shadow_probe()", run_probe, &probe);
	return (Datum) 0;
}

Datum
cmig_shadow_probe_rename(PG_FUNCTION_ARGS)
{
	Probe		probe = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	probe.result = (ReturnSetInfo *) fcinfo->resultinfo;
	probe.query = cmig_argument_text(fcinfo, 2);
	cmig_shadow_rename(get_namespace_oid(cmig_argument_text(fcinfo, 0), false),
					   cmig_argument_text(fcinfo, 1), "shadow_probe_rename()",
					   run_probe, &probe);
	return (Datum) 0;
}

/* A query to be run after a replay. */
typedef struct ReplayProbe
{
	Probe	   *probe;
	CmigReplayPlan *plan;
} ReplayProbe;

static void
replay_probe(CmigReplay *replay, void *arg)
{
	ReplayProbe *replayed = arg;

	cmig_replay_whole(replay, replayed->plan);
	run_probe(NULL, replayed->probe);
}

Datum
cmig_replay_probe(PG_FUNCTION_ARGS)
{
	Probe		probe = {0};
	ReplayProbe replayed = {&probe};
	char	   *plan = cmig_argument_text(fcinfo, 0);
	CmigSituation now = cmig_move_read(false);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	probe.result = (ReturnSetInfo *) fcinfo->resultinfo;
	probe.query = cmig_argument_text(fcinfo, 1);
	replayed.plan = strcmp(plan, "applied") == 0 ? cmig_replay_plan_applied(&now) :
		strcmp(plan, "all") == 0 ? cmig_replay_plan_all(&now) :
		cmig_replay_plan_nodes(now.graph, cmig_target_absolute(now.graph, plan));
	cmig_replay_run(now.graph, "replay_probe()", replay_probe, &replayed);
	return (Datum) 0;
}
