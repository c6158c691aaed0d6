/*
 * filled.c
 *	  The UPDATE that a line "-- cmig:up" has become must compute every row.
 *
 * A statement below can drop the column that the expression reads.  Therefore, a
 * row that a rule, row-level security, or a trigger leaves out is an error, as it
 * is for an expansion.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/execdesc.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "run/internal.h"

void
cmig_filled_require_queries(const UpdateStmt *update, const List *queries)
{
	static CmigQuery rule = {
		"SELECT quote_ident(rulename) FROM pg_rewrite"
		" WHERE ev_class = $1 AND ev_type = '2' AND ev_enabled <> 'D' ORDER BY 1 LIMIT 1",
		{OIDOID}
	};
	Oid			table = RangeVarGetRelid(update->relation, NoLock, true);
	const Query *query = list_length(queries) == 1 ? linitial_node(Query, queries) : NULL;
	char	   *name;

	if (!OidIsValid(table))
		return;
	if (query == NULL || query->commandType != CMD_UPDATE || query->jointree->quals != NULL ||
		rt_fetch(query->resultRelation, query->rtable)->relid != table)
	{
		char	   *found = cmig_query_value(&rule, table);

		name = cmig_query_relation_name(table);
		if (found != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("rows of table %s cannot be filled because of rule %s", name, found),
					 errdetail("The rule changes the UPDATE that computes a column of all rows."),
					 errhint("Write a trigger that does the same, and DROP RULE %s ON %s", found,
							 name)));
	}
	if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
	{
		name = cmig_query_relation_name(table);
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row-level security hides rows of table %s that are to be filled", name),
				 errdetail("Role \"%s\" is subject to its policies.",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Before the run, as the owner: ALTER TABLE %s NO FORCE ROW LEVEL SECURITY",
						 name)));
	}
}

/* Returns a trigger that can leave out rows of the relation, or NULL if none can. */
static const Trigger *
find_omitting(const ResultRelInfo *relation, bool *redundant)
{
	const TriggerDesc *triggers = relation->ri_TrigDesc;
	char		here = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
	TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN;
	const Trigger *found = NULL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE,
								  TRIGGER_TYPE_UPDATE) ||
			(trigger->tgenabled != TRIGGER_FIRES_ALWAYS && trigger->tgenabled != here))
			continue;
		if (trigger->tgfoid == F_SUPPRESS_REDUNDANT_UPDATES_TRIGGER)
			*redundant = true;
		else if (found == NULL)
			found = trigger;
	}
	return found;
}

void
cmig_filled_require_rows(const QueryDesc *query)
{
	const ModifyTableState *update = (const ModifyTableState *) query->planstate;
	const		Instrumentation *read;
	Relation	table;
	double		missing;
	const ResultRelInfo *relation = NULL;
	const Trigger *trigger = NULL;
	bool		redundant = false;
	char	   *name;

	if (!IsA(update, ModifyTableState) || outerPlanState(update)->instrument == NULL)
		return;
	/* without such a lock, others can have deleted the rows meanwhile */
	table = update->rootResultRelInfo->ri_RelationDesc;
	if (!CheckRelationLockedByMe(table, ShareLock, true))
		return;
	read = outerPlanState(update)->instrument;
	missing = read->ntuples + read->tuplecount - query->estate->es_processed;
	if (missing <= 0)
		return;
	for (int i = 0; i < update->mt_nrels; i++)
	{
		const Trigger *found = find_omitting(&update->resultRelInfo[i], &redundant);

		if (trigger == NULL && found != NULL)
		{
			trigger = found;
			relation = &update->resultRelInfo[i];
		}
	}
	if (trigger == NULL || redundant)
		return;
	name = cmig_query_relation_name(RelationGetRelid(relation->ri_RelationDesc));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a trigger has kept %.0f of the rows of table %s from being filled", missing,
					cmig_query_relation_name(RelationGetRelid(table))),
			 errdetail("A trigger BEFORE UPDATE, such as %s, has returned NULL for them.",
					   quote_identifier(trigger->tgname)),
			 errhint("Let it return NEW, or before the run: ALTER TABLE %s DISABLE TRIGGER %s", name,
					 quote_identifier(trigger->tgname))));
}
