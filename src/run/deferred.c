/*
 * deferred.c
 *	  Fires a script's deferred triggers, and restores constraint modes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/role.h"
#include "base/settings.h"
#include "run/deferred.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Record a table that may have deferred trigger events. */
static void
note_table(CmigDeferred *deferred, Oid table)
{
	MemoryContext caller = MemoryContextSwitchTo(deferred->context);

	deferred->tables = list_append_unique_oid(deferred->tables, table);
	MemoryContextSwitchTo(caller);
}

/*
 * Can a change to a table with these triggers queue a deferred trigger event?
 */
static bool
has_deferrable_trigger(const TriggerDesc *triggers)
{
	if (triggers == NULL)
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgdeferrable)
			return true;
	}
	return false;
}

/* Record those of a query's result relations that have deferrable triggers. */
static void
note_result_relations(CmigDeferred *deferred, List *relations)
{
	ListCell   *cell;

	foreach(cell, relations)
	{
		ResultRelInfo *info = lfirst(cell);

		if (has_deferrable_trigger(info->ri_TrigDesc))
			note_table(deferred, RelationGetRelid(info->ri_RelationDesc));
	}
}

void
cmig_deferred_note_query(CmigDeferred *deferred, const QueryDesc *query)
{
	if (query->estate == NULL)
		return;
	note_result_relations(deferred, query->estate->es_opened_result_relations);
	note_result_relations(deferred, query->estate->es_tuple_routing_result_relations);
	note_result_relations(deferred, query->estate->es_trig_target_relations);
}

void
cmig_deferred_note_copy(CmigDeferred *deferred, const CopyStmt *copy)
{
	Oid			relation = RangeVarGetRelid(copy->relation, NoLock, true);
	List	   *relations;
	ListCell   *cell;

	if (!OidIsValid(relation))
		return;
	relations = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE ?
		find_all_inheritors(relation, NoLock, NULL) : list_make1_oid(relation);
	foreach(cell, relations)
	{
		note_table(deferred, lfirst_oid(cell));
	}
	list_free(relations);
}

/*
 * Add the deferrable constraints named in a SET CONSTRAINTS statement to
 * *result.  As in PostgreSQL, an unqualified name refers to the first schema
 * in search_path that has a constraint with this name.
 */
static void
collect_named(List *names, List **result)
{
	Relation	relation = table_open(ConstraintRelationId, AccessShareLock);
	ListCell   *cell;

	foreach(cell, names)
	{
		RangeVar   *name = lfirst(cell);
		List	   *schemas;
		ListCell   *schema;
		bool		found = false;

		schemas = name->schemaname != NULL ?
			list_make1_oid(get_namespace_oid(name->schemaname, true)) :
			fetch_search_path(true);
		foreach(schema, schemas)
		{
			ScanKeyData keys[2];
			SysScanDesc scan;
			HeapTuple	tuple;

			ScanKeyInit(&keys[0], Anum_pg_constraint_conname,
						BTEqualStrategyNumber, F_NAMEEQ,
						CStringGetDatum(name->relname));
			ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace,
						BTEqualStrategyNumber, F_OIDEQ,
						ObjectIdGetDatum(lfirst_oid(schema)));
			scan = systable_beginscan(relation, ConstraintNameNspIndexId, true,
									  NULL, 2, keys);
			while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			{
				Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

				found = true;
				if (form->condeferrable)
					*result = list_append_unique_oid(*result, form->oid);
			}
			systable_endscan(scan);
			if (found)
				break;
		}
		list_free(schemas);
	}
	table_close(relation, AccessShareLock);
}

/* Returns all deferrable constraints in the database. */
static List *
list_deferrable(void)
{
	Relation	relation = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *result = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->condeferrable)
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * Perform SET CONSTRAINTS for constraints given by OID.  "deferred" is the
 * mode to set.  Constraints that no longer exist are skipped.  If only_default
 * is true, the mode is set only for constraints that are INITIALLY DEFERRED
 * (default_deferred is true) or INITIALLY IMMEDIATE (default_deferred is
 * false).
 */
static void
set_mode(List *constraints, bool deferred, bool only_default, bool default_deferred)
{
	ConstraintsSetStmt *set = makeNode(ConstraintsSetStmt);
	ListCell   *cell;

	set->deferred = deferred;
	foreach(cell, constraints)
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_constraint form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_constraint) GETSTRUCT(tuple);
		if (!only_default || form->condeferred == default_deferred)
			set->constraints =
				lappend(set->constraints,
						makeRangeVar(get_namespace_name(form->connamespace),
									 pstrdup(NameStr(form->conname)), -1));
		ReleaseSysCache(tuple);
	}
	if (set->constraints != NIL)
		AfterTriggerSetState(set);
}

/*
 * Returns the deferrable constraints of a table, except for those in "known".
 */
static List *
new_constraints(Oid table, List *known)
{
	Relation	relation = try_relation_open(table, AccessShareLock);
	List	   *result = NIL;

	if (relation == NULL)
		return NIL;
	for (int i = 0; relation->trigdesc != NULL && i < relation->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &relation->trigdesc->triggers[i];

		if (trigger->tgdeferrable && OidIsValid(trigger->tgconstraint) &&
			!list_member_oid(known, trigger->tgconstraint))
			result = list_append_unique_oid(result, trigger->tgconstraint);
	}
	relation_close(relation, NoLock);
	return result;
}

/*
 * Raise an error if firing the constraint "fired" by name would also fire
 * triggers on another role's table.  This is the case if the constraint
 * "other" has the same name and schema, and its table has pending events and a
 * different owner.
 */
static void
refuse_namesake(const CmigDeferred *deferred, Form_pg_constraint fired, Form_pg_constraint other)
{
	if (other->oid == fired->oid || !other->condeferrable || !OidIsValid(other->conrelid) ||
		list_member_oid(deferred->tables, other->conrelid) ||
		!AfterTriggerPendingOnRel(other->conrelid) ||
		cmig_role_owner_of(other->conrelid) == cmig_role_owner_of(fired->conrelid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("constraint \"%s\" on table \"%s\" cannot be checked now",
					NameStr(fired->conname), get_rel_name(fired->conrelid)),
			 errdetail("This would also check the constraint with the same name on table \"%s\", whose deferred triggers would run with the privileges of role \"%s\".",
					   get_rel_name(other->conrelid), GetUserNameFromId(GetUserId(), false)),
			 errhint("Call the function at the beginning of a transaction.")));
}

/*
 * Raise an error if firing the constraints would also fire triggers on another
 * role's table.  PostgreSQL fires the triggers of all constraints with a given
 * name and schema as the current user.  In a SECURITY DEFINER function,
 * triggers on the caller's tables would therefore run with the privileges of
 * the function's owner.
 */
static void
refuse_namesakes(const CmigDeferred *deferred, List *constraints)
{
	Relation	relation = table_open(ConstraintRelationId, AccessShareLock);
	ListCell   *cell;

	foreach(cell, constraints)
	{
		HeapTuple	fired = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_constraint form;
		ScanKeyData keys[2];
		SysScanDesc scan;
		HeapTuple	tuple;

		if (!HeapTupleIsValid(fired))
			continue;
		form = (Form_pg_constraint) GETSTRUCT(fired);
		ScanKeyInit(&keys[0], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ,
					NameGetDatum(&form->conname));
		ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(form->connamespace));
		scan = systable_beginscan(relation, ConstraintNameNspIndexId, true, NULL, 2, keys);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			refuse_namesake(deferred, form, (Form_pg_constraint) GETSTRUCT(tuple));
		systable_endscan(scan);
		ReleaseSysCache(fired);
	}
	table_close(relation, AccessShareLock);
}

void
cmig_deferred_fire(CmigDeferred *deferred)
{
	List	   *fired = NIL;
	List	   *round;

	/*
	 * repeat this until no events are pending, because a trigger may queue
	 * more deferred events when it fires
	 */
	do
	{
		ListCell   *cell;

		round = NIL;
		foreach(cell, deferred->tables)
		{
			if (AfterTriggerPendingOnRel(lfirst_oid(cell)))
				round = list_concat_unique_oid(round,
											   new_constraints(lfirst_oid(cell), fired));
		}
		if (round != NIL)
		{
			if (cmig_settings_in_definer_function())
				refuse_namesakes(deferred, round);
			set_mode(round, false, false, false);
			CommandCounterIncrement();
			fired = list_concat(fired, round);
		}
	} while (round != NIL);

	/*
	 * Restore the default mode of the constraints whose mode the script has
	 * set, and of the constraints that have been fired.  If the script has
	 * not set any mode, the constraints that have been fired were deferred by
	 * the caller or by default, so defer them again.
	 */
	set_mode(fired, true, deferred->set_some, true);
	if (deferred->set_some)
	{
		List	   *set = deferred->set_all ? list_deferrable() : deferred->constraints;

		set_mode(set, true, true, true);
		set_mode(set, false, true, false);
	}
}

bool
cmig_deferred_set_constraints(CmigDeferred *deferred, const ConstraintsSetStmt *set)
{
	MemoryContext caller = MemoryContextSwitchTo(deferred->context);
	bool		done = false;

	deferred->set_some = true;
	if (set->constraints != NIL)
		collect_named(set->constraints, &deferred->constraints);
	else
	{
		deferred->set_all = true;
		if (!set->deferred)
		{
			set_mode(list_deferrable(), false, false, false);
			done = true;
		}
	}
	MemoryContextSwitchTo(caller);
	return done;
}
