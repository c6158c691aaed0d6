/*
 * abandoned.c
 *	  What an abandonment leaves, because the expansion has not created it.
 *
 * The stored statements drop what was planned by its name.  Meanwhile, somebody may
 * have dropped it, and somebody else have created another object with that name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "versions/internal.h"

/* What a statement drops, or the table of which it drops a part. */
typedef struct Target
{
	ObjectAddress object;		/* the object is invalid if there is none */
	bool		part;
	bool		may_miss;		/* the statement takes no notice then */
} Target;

Oid
cmig_versions_relation(const RangeVar *range)
{
	return range->schemaname == NULL ? RangeVarGetRelid(range, NoLock, true) :
		get_relname_relid(range->relname, get_namespace_oid(range->schemaname, true));
}

/* Returns the relation with a name, or an invalid one. */
static ObjectAddress
find_relation(List *names)
{
	ObjectAddress object = {RelationRelationId};

	object.objectId = cmig_versions_relation(makeRangeVarFromNameList(names));
	return object;
}

/* Returns false if the statement drops nothing. */
static bool
find_target(const Node *stmt, Target *target)
{
	const DropStmt *drop = (const DropStmt *) stmt;
	const AlterTableStmt *alter = (const AlterTableStmt *) stmt;
	ObjectAddress *object = &target->object;
	Node	   *name;

	if (IsA(stmt, AlterTableStmt))
	{
		object->classId = RelationRelationId;
		object->objectId = cmig_versions_relation(alter->relation);
		target->part = true;
		return true;
	}
	if (!IsA(stmt, DropStmt))
		return false;
	name = linitial(drop->objects);
	target->may_miss = drop->missing_ok;
	switch (drop->removeType)
	{
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			*object = find_relation(castNode(List, name));
			return true;
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TRIGGER:
			*object = find_relation(list_truncate(list_copy(castNode(List, name)),
												  list_length((List *) name) - 1));
			target->part = true;
			return true;
		case OBJECT_DOMAIN:
		case OBJECT_TYPE:
			object->classId = TypeRelationId;
			object->objectId = LookupTypeNameOid(NULL, castNode(TypeName, name), true);
			return true;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			object->classId = ProcedureRelationId;
			object->objectId = LookupFuncWithArgs(drop->removeType,
												  castNode(ObjectWithArgs, name), true);
			return true;
		case OBJECT_SCHEMA:
			object->classId = NamespaceRelationId;
			object->objectId = get_namespace_oid(strVal(name), true);
			return true;
		case OBJECT_EXTENSION:
			object->classId = ExtensionRelationId;
			object->objectId = get_extension_oid(strVal(name), true);
			return true;
		default:
			return false;
	}
}

/*
 * The SQL condition: the owner of object $2 in the row r is a role that could have
 * stored the expansion, as whose the plan was tried, that the plan knows as the
 * owner, or to which its statements give what they create.
 */
#define TRUSTED(owner) \
	"(EXISTS (SELECT FROM pg_roles o WHERE o.rolname = r.role" \
	"  AND pg_has_role(" owner ", o.oid, 'USAGE'))" \
	" OR EXISTS (SELECT FROM jsonb_array_elements(r.columns) c WHERE c->>2 = 'bound'" \
	"  AND c->>4 = pg_get_userbyid(" owner ") AND c->>3 IN ('', concat('relation ', $2::regclass)," \
	"  concat('type ', $2::regtype), concat('domain ', $2::regtype)," \
	"  concat('function ', $2::regprocedure)))" \
	" OR EXISTS (SELECT FROM cmig.expansion_step x, unnest(ARRAY['OWNER TO', 'AUTHORIZATION']) w," \
	"  concat(' ', w, ' ', quote_ident(pg_get_userbyid(" owner "))) e" \
	"  WHERE x.scope = r.scope AND x.phase = 'prepare' AND right(x.statement, length(e)) = e))"

#define SAME_DATABASE "EXISTS (SELECT FROM jsonb_array_elements(r.columns) c WHERE c->>9 = $3)"

/* Is it the table that is expanded? */
static bool
is_expanded(const CmigExpansion *expansion, Oid table)
{
	static CmigQuery query = {
		"SELECT FROM cmig.expansion_run r, pg_class k WHERE r.scope = $1 AND k.oid = $2"
		" AND (EXISTS (SELECT FROM jsonb_array_elements(r.columns) c"
		" WHERE c->>9 = $3 AND c->>10 = k.oid::text) OR " TRUSTED("k.relowner") ")",
		{TEXTOID, OIDOID, TEXTOID}
	};

	return cmig_query_do(&query, expansion->scope, table, cmig_versions_database()) > 0;
}

/*
 * Is it an object that a step has created?  Nothing changes the row by which a
 * relation depends on its schema, and that of the step, in which it is marked as done,
 * unless the steps were updated by hand.  In another database, only owners are known.
 */
static bool
is_created(const CmigExpansion *expansion, const ObjectAddress *object)
{
	static CmigQuery query = {
		"SELECT FROM cmig.expansion_run r, LATERAL (SELECT relowner FROM pg_class"
		" WHERE oid = $2 AND $4 = 'pg_class'::regclass"
		"  UNION ALL SELECT typowner FROM pg_type WHERE oid = $2 AND $4 = 'pg_type'::regclass"
		"  UNION ALL SELECT proowner FROM pg_proc WHERE oid = $2 AND $4 = 'pg_proc'::regclass"
		"  UNION ALL SELECT nspowner FROM pg_namespace WHERE oid = $2"
		"   AND $4 = 'pg_namespace'::regclass"
		"  UNION ALL SELECT extowner FROM pg_extension WHERE oid = $2"
		"   AND $4 = 'pg_extension'::regclass) k (owner)"
		" WHERE r.scope = $1 AND coalesce((SELECT CASE WHEN bool_or(d.xmin = s.xmin) THEN true"
		"   WHEN age(d.xmin) < max(age(s.xmin)) THEN false END"
		"  FROM pg_depend d, cmig.expansion_step s"
		"  WHERE $4 = 'pg_class'::regclass AND d.classid = $4 AND d.objid = $2 AND d.objsubid = 0"
		"   AND d.refclassid = 'pg_namespace'::regclass AND s.scope = r.scope"
		"   AND s.phase = 'prepare' AND s.relation = '' AND s.done AND " SAME_DATABASE
		"  GROUP BY d.xmin), " TRUSTED("k.owner") ")", {TEXTOID, OIDOID, TEXTOID, OIDOID}
	};

	return cmig_query_do(&query, expansion->scope, object->objectId, cmig_versions_database(),
						 object->classId) > 0;
}

/* Does the index belong to the table or a partition, or to the table for which it was built? */
static bool
is_of_table(const List *steps, const char *relation, Oid index, Oid table)
{
	static CmigQuery query = {"SELECT " CMIG_RELATION_NAMED("$1"), {TEXTOID}};
	char	   *oid = cmig_query_value(&query, relation);

	List	   *ancestors = get_rel_relispartition(table) ? get_partition_ancestors(table) : NIL;

	if (oid != NULL && (atooid(oid) == table || list_member_oid(ancestors, atooid(oid))))
		return true;
	foreach_ptr(CmigValue, step, steps)
	{
		const IndexStmt *build = strcmp(step[1], CMIG_PHASE_BUILD) == 0 ?
		(IndexStmt *) cmig_raw_parse_one(step[3])->stmt : NULL;

		if (build != NULL && IsA(build, IndexStmt) &&
			cmig_text_same(build->idxname, get_rel_name(index)) &&
			RangeVarGetRelid(build->relation, NoLock, true) == table)
			return true;
	}
	return false;
}

/* Is the object, or the table of which a part is dropped, the expansion's? */
static bool
is_ours(const CmigExpansion *expansion, const List *steps, const char *relation,
		const Target *target, bool index)
{
	static CmigQuery version = {
		"SELECT " CMIG_VERSION_OWNER " FROM cmig.expansion_run r, unnest(r.schemas) s, pg_namespace n"
		" WHERE r.scope = $1 AND n.oid = $2 AND n.nspname::text = cmig.version_schema(r.revision, s)",
		{TEXTOID, OIDOID}
	};
	ObjectAddress object = target->object;
	Oid			schema = object.classId == NamespaceRelationId ? object.objectId :
	object.classId == ExtensionRelationId ? InvalidOid : get_object_namespace(&object);
	char	   *known = cmig_query_value(&version, expansion->scope, schema);

	/* who owns the schema decides what is in it */
	if (known != NULL)
		return *known == 't';
	if (index)
	{
		object.objectId = IndexGetRelation(target->object.objectId, true);
		if (!OidIsValid(object.objectId) ||
			(*relation && !is_of_table(steps, relation, target->object.objectId, object.objectId)))
			return false;
	}
	if (!*relation)
		return is_created(expansion, &object);
	return is_expanded(expansion, object.objectId);
}

/* Report what is left, once in a transaction. */
static void
report_left(const CmigExpansion *expansion, const ObjectAddress *object)
{
	static CmigQuery query = {
		"SELECT concat(type, ' ', identity) FROM pg_identify_object($1, $2, 0)", {OIDOID, OIDOID}
	};
	static List *reported = NIL;
	static TransactionId reported_in = InvalidTransactionId;
	TransactionId now = GetCurrentTransactionId();
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	if (reported_in != now)
		reported = NIL;
	reported_in = now;
	if (!list_member_oid(reported, object->objectId))
		ereport(WARNING,
				(errmsg("%s is not dropped",
						cmig_query_value(&query, object->classId, object->objectId)),
				 errdetail("The expansion of revision \"%s\" has not created it: it only has a name that the expansion uses.",
						   expansion->revision)));
	reported = list_append_unique_oid(reported, object->objectId);
	MemoryContextSwitchTo(old);
}

ObjectAddress
cmig_versions_dropped(const CmigExpansion *expansion, const List *steps, const char *relation,
					  const Node *stmt, bool ours, bool *part)
{
	Target		target = {0};
	bool		index = IsA(stmt, DropStmt) && ((DropStmt *) stmt)->removeType == OBJECT_INDEX;

	if (!find_target(stmt, &target) ||
		(ours && OidIsValid(target.object.objectId) &&
		 !is_ours(expansion, steps, relation, &target, index)))
		target.object.objectId = InvalidOid;
	*part = target.part && OidIsValid(target.object.objectId);
	return target.object;
}

/*
 * Does the statement rename an index, but not one of the table for which it was built,
 * or of a partition that was detached, which keeps what it has?
 */
static bool
renames_other(const List *steps, const char *relation, const RenameStmt *stmt, Oid caller)
{
	Oid			index = InvalidOid;
	Oid			table;
	CmigRole	saved;
	bool		ours;

	if (stmt->renameType == OBJECT_INDEX && stmt->missing_ok)
		index = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (!OidIsValid(index))
		return false;
	table = IndexGetRelation(index, true);
	if (!OidIsValid(table) || !get_rel_relispartition(table))
		return true;
	cmig_role_act_as_caller(&saved, caller);
	ours = is_of_table(steps, relation, index, table);
	cmig_role_return(&saved);
	if (!ours)
		return true;
	/* the name stands for it until it has another one */
	LockRelationOid(index, ShareUpdateExclusiveLock);
	if (RangeVarGetRelid(stmt->relation, NoLock, true) != index)
		cmig_query_raise_changed("What the expansion has created was replaced.");
	return false;
}

bool
cmig_versions_leaves(const CmigExpansion *expansion, Oid caller, const List *steps,
					 const char *relation, const Node *stmt)
{
	Target		target = {0};
	Target		again = {0};
	bool		index = IsA(stmt, DropStmt) && ((DropStmt *) stmt)->removeType == OBJECT_INDEX;
	bool		leaves;
	CmigRole	saved;

	if (IsA(stmt, RenameStmt))
		return renames_other(steps, relation, (const RenameStmt *) stmt, caller);
	if (strcmp(expansion->state, "abandoning") != 0 || !find_target(stmt, &target))
		return false;
	if (!OidIsValid(target.object.objectId))
		return !target.may_miss;
	cmig_role_act_as_caller(&saved, caller);
	leaves = !is_ours(expansion, steps, relation, &target, index);
	/* a new table is dropped by another statement, which tells it */
	if (leaves && (*relation || (!target.part && !index)))
		report_left(expansion, &target.object);
	cmig_role_return(&saved);
	if (leaves || target.object.classId != RelationRelationId)
		return leaves;
	/* the name stands for it until it is dropped */
	if (index)
		LockRelationOid(IndexGetRelation(target.object.objectId, false), AccessExclusiveLock);
	LockRelationOid(target.object.objectId, AccessExclusiveLock);
	(void) find_target(stmt, &again);
	if (again.object.objectId != target.object.objectId)
		cmig_query_raise_changed("What the expansion has created was replaced.");
	return false;
}

bool
cmig_versions_has_table(const CmigExpansion *expansion, Oid caller, const char *relation)
{
	static CmigQuery query = {"SELECT " CMIG_RELATION_NAMED("$1"), {TEXTOID}};
	CmigRole	saved;
	char	   *table;
	bool		ours;

	cmig_role_act_as_caller(&saved, caller);
	table = cmig_query_value(&query, relation);
	ours = table != NULL && is_expanded(expansion, atooid(table));
	cmig_role_return(&saved);
	return ours;
}
