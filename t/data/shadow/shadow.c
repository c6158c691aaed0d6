/*
 * shadow.c
 *	  Functions that let tests examine a shadow.  Each returns the first column of
 *	  the query "probe", which may be null.
 *
 * shadow_probe(target text, probe text, schemas text[]) RETURNS SETOF text runs
 * the target's SQL in a shadow of the schemas.  It first returns the managed
 * schemas and the notes about the target.  The query runs in the shadow.
 *
 * shadow_probe_rename(schema text, name text, probe text) runs the query while
 * the schema has the given name.
 *
 * replay_probe(plan text, probe text) replays a plan ('applied', 'all', or a
 * revision's id).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "schema/internal.h"

/* A function of pg_cmig, which is marked PGDLLEXPORT. */
#define CMIG(function) \
	((__typeof__(&(function))) load_external_function("$libdir/pg_cmig", #function, true, NULL))

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(shadow_probe);
PG_FUNCTION_INFO_V1(shadow_probe_rename);
PG_FUNCTION_INFO_V1(replay_probe);

/* A query to be run while a target exists, or after a replay. */
typedef struct Probe
{
	ReturnSetInfo *result;
	char	   *target;
	char	   *query;
	CmigReplayPlan *plan;
} Probe;

/* base/base.h makes PG_ARGISNULL() and PG_GETARG_...() call a function of pg_cmig. */
static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return fcinfo->args[n].isnull ? NULL : TextDatumGetCString(fcinfo->args[n].value);
}

static void
put(Probe *probe, const char *text)
{
	Datum		value = CStringGetTextDatum(text);
	bool		null = false;

	tuplestore_putvalues(probe->result->setResult, probe->result->setDesc, &value, &null);
}

static void
run_query(Probe *probe)
{
	char	   *sql = psprintf("SELECT x::text FROM (%s) AS p(x)", probe->query);
	int			level = NewGUCNestLevel();

	SPI_connect();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "the probe is not a query");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *text = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		put(probe, text != NULL ? text : "");
	}
	SPI_finish();
	AtEOXact_GUC(false, level);
}

static void
run_probe(CmigShadow *shadow, void *arg)
{
	Probe	   *probe = arg;
	CmigTarget *target = probe->target == NULL ? NULL : CMIG(cmig_target_run) (shadow, probe->target, NIL);
	CmigManaged *managed = shadow == NULL ? NULL : CMIG(cmig_shadow_schemas) (shadow);

	for (int i = 0; managed != NULL && i < managed->count; i++)
		put(probe, psprintf("schema %s%s", managed->schemas[i].name,
							!OidIsValid(managed->schemas[i].oid) ? ", missing" :
							managed->schemas[i].owned ? "" : ", of another role"));
	foreach_ptr(CmigTargetNote, note, target ? target->notes : NIL)
		put(probe, psprintf("%s %s, line %d: %s", note->kind, note->object, note->line, note->reason));
	foreach_ptr(char, each, target ? target->renames : NIL)
		put(probe, psprintf("rename %s", each));
	if (probe->query != NULL)
		run_query(probe);
}

static void
run_replay(CmigReplay *replay, void *arg)
{
	CMIG(cmig_replay_plan_run) (replay, ((Probe *) arg)->plan);
	run_probe(NULL, arg);
}

static Probe
begin(FunctionCallInfo fcinfo, int query)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	return (Probe)
	{
		.result = (ReturnSetInfo *) fcinfo->resultinfo,.query = text_argument(fcinfo, query)
	};
}

Datum
shadow_probe(PG_FUNCTION_ARGS)
{
	Probe		probe = begin(fcinfo, 1);
	CmigNames  *names = NULL;

	probe.target = text_argument(fcinfo, 0);
	if (!fcinfo->args[2].isnull)
		names = CMIG(cmig_argument_names) (DatumGetArrayTypeP(fcinfo->args[2].value),
										   "the list of schemas", NULL);
	CMIG(cmig_shadow_run) (CMIG(cmig_managed_schemas) (names), "shadow_probe()", run_probe, &probe);
	return (Datum) 0;
}

Datum
shadow_probe_rename(PG_FUNCTION_ARGS)
{
	Probe		probe = begin(fcinfo, 2);

	CMIG(cmig_shadow_rename) (get_namespace_oid(text_argument(fcinfo, 0), false),
							  text_argument(fcinfo, 1), "shadow_probe_rename()", run_probe, &probe);
	return (Datum) 0;
}

Datum
replay_probe(PG_FUNCTION_ARGS)
{
	Probe		probe = begin(fcinfo, 1);
	char	   *plan = text_argument(fcinfo, 0);
	CmigSituation now = CMIG(cmig_move_read) (false);

	probe.plan = strcmp(plan, "applied") == 0 ? CMIG(cmig_replay_plan_applied) (&now) :
		strcmp(plan, "all") == 0 ? CMIG(cmig_replay_plan_all) (&now) :
		CMIG(cmig_replay_plan_nodes) (now.graph, CMIG(cmig_target_absolute) (now.graph, plan));
	CMIG(cmig_replay_run) (now.graph, "replay_probe()", run_replay, &probe);
	return (Datum) 0;
}
