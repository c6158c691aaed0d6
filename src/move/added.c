/*
 * added.c
 *	  Constraints that a CALL has added, and that a later statement of it validates.
 *
 * VALIDATE CONSTRAINT evaluates what has the name, with the privileges of the caller.
 * Between two transactions of a CALL, the owner of the table or domain can put another
 * constraint there.  So what the CALL has added, in whatever way, is known by its OID,
 * and with the names under which it was left.  What the CALL has not added is validated
 * only while all that it has added is still there.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "move/internal.h"

/* A constraint that the CALL has added. */
typedef struct Added
{
	Oid			constraint;
	Oid			object;			/* the table or domain */
	bool		domain;
	bool		fresh;			/* by the current transaction */
	bool		dropped;		/* in the current transaction */
	NameData	name;			/* where it was left */
	NameData	relation;
	NameData	schema;
} Added;

static List *added = NIL;		/* list of Added, in TopMemoryContext */
static TimestampTz added_call;	/* when the client's statement began */
static List *created = NIL;		/* constraints of the current utility
								 * statement */
static List *rebuilt = NIL;		/* those that it has dropped before */
static List *renamed = NIL;		/* what it has renamed or moved: OIDs */
static bool renames;			/* is it one that renames or moves? */

static object_access_hook_type next_object_access = NULL;
static ProcessUtility_hook_type next_ProcessUtility = NULL;

/* A constraint that a statement names. */
typedef struct Named
{
	const RangeVar *relation;	/* of the table, or with the name of the
								 * domain */
	bool		domain;
	const char *name;			/* of the constraint */
} Named;

static bool
is_active(void)
{
	return added_call != 0 && added_call == GetCurrentStatementStartTimestamp();
}

static List *
add_named(List *list, const RangeVar *relation, bool domain, const char *name)
{
	Named	   *named = palloc(sizeof(Named));

	named->relation = relation;
	named->domain = domain;
	named->name = name;
	return lappend(list, named);
}

/* Returns the constraints that the statement validates, as a list of Named. */
static List *
constraints_named(const Node *stmt)
{
	List	   *list = NIL;

	if (IsA(stmt, AlterDomainStmt))
	{
		const AlterDomainStmt *alter = (const AlterDomainStmt *) stmt;

		if (alter->subtype == 'V' && list_length(alter->typeName) <= 3)
			list = add_named(list, makeRangeVarFromNameList(alter->typeName), true, alter->name);
	}
	if (IsA(stmt, AlterTableStmt))
	{
		const AlterTableStmt *alter = (const AlterTableStmt *) stmt;

		foreach_node(AlterTableCmd, command, alter->cmds)
		{
			if (command->subtype == AT_ValidateConstraint)
				list = add_named(list, alter->relation, false, command->name);
		}
	}
	return list;
}

static Oid
object_of(const Named *named)
{
	const RangeVar *relation = named->relation;
	List	   *names = list_make1(makeString(relation->relname));

	if (!named->domain)
		return RangeVarGetRelid(relation, NoLock, true);
	if (relation->schemaname)
		names = lcons(makeString(relation->schemaname), names);
	return LookupTypeNameOid(NULL, makeTypeNameFromNameList(names), true);
}

static Oid
constraint_of(const Named *named, Oid object)
{
	if (!OidIsValid(object))
		return InvalidOid;
	return named->domain ? get_domain_constraint_oid(object, named->name, true) :
		get_relation_constraint_oid(object, named->name, true);
}

Oid
cmig_added_validated(const Node *stmt, Oid *object)
{
	const List *named = constraints_named(stmt);

	*object = InvalidOid;
	if (list_length(named) != 1)
		return InvalidOid;
	*object = object_of(linitial(named));
	return constraint_of(linitial(named), *object);
}

Node *
cmig_added_condition(Oid constraint)
{
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Node	   *condition = NULL;
	bool		isnull;
	Datum		stored;

	if (!HeapTupleIsValid(row))
		return NULL;
	stored = SysCacheGetAttr(CONSTROID, row, Anum_pg_constraint_conbin, &isnull);
	if (!isnull)
		condition = stringToNode(TextDatumGetCString(stored));
	ReleaseSysCache(row);
	return condition;
}

static List *
called_by(Oid constraint)
{
	return cmig_expression_called(cmig_added_condition(constraint));
}

/*
 * PostgreSQL has compared these constraints: when one is added to the table, as trees,
 * but when a table is attached, as texts.
 */
void
cmig_added_require_inherited(Oid table, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(table, name, true);
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		inherited = false;
	List	   *called;

	if (HeapTupleIsValid(row))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(row);

		inherited = form->contype == CONSTRAINT_CHECK && !form->connoinherit;
		ReleaseSysCache(row);
	}
	if (!inherited)
		return;
	called = called_by(constraint);
	foreach_oid(child, cmig_inheritors(table, ShareUpdateExclusiveLock))
	{
		Oid			there = get_relation_constraint_oid(child, name, true);

		if (there == constraint || !OidIsValid(there) || equal(called_by(there), called))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("constraint \"%s\" of table %s has other operators or functions than that of table %s, from which it inherits",
						name, cmig_query_table_name(child), cmig_query_table_name(table)),
				 cmig_hint("ALTER TABLE %s DROP CONSTRAINT %s; then add the right one, and repeat the `CALL`",
						   cmig_query_table_name(table), quote_identifier(name))));
	}
}

/* Find the names of a table or domain.  Returns false if it does not exist. */
static bool
find_names(const Added *part, NameData *relation, NameData *schema)
{
	HeapTuple	type = part->domain ? SearchSysCache1(TYPEOID, ObjectIdGetDatum(part->object)) : NULL;
	const char *name = part->domain ? NULL : get_rel_name(part->object);
	Oid			namespace = part->domain ? InvalidOid : get_rel_namespace(part->object);

	if (HeapTupleIsValid(type))
	{
		name = pstrdup(NameStr(((Form_pg_type) GETSTRUCT(type))->typname));
		namespace = ((Form_pg_type) GETSTRUCT(type))->typnamespace;
		ReleaseSysCache(type);
	}
	namestrcpy(relation, name ? name : "");
	name = name ? get_namespace_name(namespace) : NULL;
	namestrcpy(schema, name ? name : "");
	return name != NULL;
}

/*
 * Find the name of a constraint, and what it belongs to.  Returns false if it does not
 * exist, or if it is one of an index, or a trigger, which cannot be validated.
 */
static bool
find_constraint(Oid constraint, Added *part)
{
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	bool		validates;

	if (!HeapTupleIsValid(row))
		return false;
	form = (Form_pg_constraint) GETSTRUCT(row);
	memset(part, 0, sizeof(Added));
	part->constraint = constraint;
	part->domain = OidIsValid(form->contypid);
	part->object = part->domain ? form->contypid : form->conrelid;
	namestrcpy(&part->name, NameStr(form->conname));
	validates = strchr("pxut", form->contype) == NULL;
	ReleaseSysCache(row);
	return validates && OidIsValid(part->object) && find_names(part, &part->relation, &part->schema);
}

/* Is it still there?  Only the transaction itself can have undone what it has added. */
static bool
is_where_left(const Added *part)
{
	Added		now;

	if (!find_constraint(part->constraint, &now))
		return part->fresh;
	return strcmp(NameStr(now.name), NameStr(part->name)) == 0 &&
		strcmp(NameStr(now.relation), NameStr(part->relation)) == 0 &&
		strcmp(NameStr(now.schema), NameStr(part->schema)) == 0;
}

/* Does a name without a schema stand for another object, of an earlier schema in search_path? */
static bool
is_hidden(const Added *part, const Named *named, Oid object)
{
	return part->object != object && named->relation->schemaname == NULL &&
		strcmp(named->relation->relname, NameStr(part->relation)) == 0 &&
		strcmp(named->name, NameStr(part->name)) == 0 &&
		list_member_oid(fetch_search_path(false), get_namespace_oid(NameStr(part->schema), true));
}

pg_noreturn static void
raise_replaced(const char *name, bool domain, const char *schema, const char *relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("constraint \"%s\" of %s %s was replaced or dropped during the CALL", name,
					domain ? "domain" : "table", quote_qualified_identifier(schema, relation)),
			 errhint("Drop the constraint that has the name now, or rename it, add the right one, and repeat the CALL.")));
}

/* Returns what the statement, which names constraints of it, stands for, locked if it is a table. */
static Oid
hold_object(const Node *stmt, const Named *named)
{
	Oid			object = object_of(named);

	if (named->domain || !OidIsValid(object) ||
		!cmig_owns_compat(RelationRelationId, object, GetUserId()))
		return object;
	cmig_query_hold(object, AlterTableGetLockLevel(((const AlterTableStmt *) stmt)->cmds));
	if (object_of(named) != object)
		cmig_query_raise_changed(psprintf("Table %s was replaced.", named->relation->relname));
	return object;
}

/* Raise an error if the statement would validate what was put in the place of an added constraint. */
static void
require_added(const Node *stmt)
{
	const List *names = added == NIL ? NIL : constraints_named(stmt);
	Oid			object = names == NIL ? InvalidOid : hold_object(stmt, linitial(names));

	foreach_ptr(const Named, named, names)
	{
		Oid			constraint = constraint_of(named, object);
		bool		known = false;

		foreach_ptr(const Added, part, added)
			known |= part->constraint == constraint;
		foreach_ptr(const Added, part, known ? NIL : added)
		{
			if (is_hidden(part, named, object) || !is_where_left(part))
				raise_replaced(NameStr(part->name), part->domain, NameStr(part->schema),
							   NameStr(part->relation));
		}
		if (known && !named->domain && cmig_owns_compat(RelationRelationId, object, GetUserId()))
			cmig_added_require_inherited(object, named->name);
	}
}

void
cmig_added_require(const Node *stmt, Oid object, Oid constraint)
{
	const Named *named = linitial(constraints_named(stmt));
	const Added part = {.object = object,.domain = named->domain};
	NameData	relation;
	NameData	schema;

	if (hold_object(stmt, named) == object && constraint_of(named, object) == constraint)
	{
		if (!named->domain)
			cmig_added_require_inherited(object, named->name);
		return;
	}
	if (!find_names(&part, &relation, &schema))
		namestrcpy(&relation, named->relation->relname);
	raise_replaced(named->name, named->domain, *NameStr(schema) ? NameStr(schema) : NULL,
				   NameStr(relation));
}

/*
 * Object access hook: note what a statement creates, drops, and renames.  A constraint
 * that another session has renamed remains missing, whatever drops it.
 */
static void
see_object(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (is_active())
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		if (access == OAT_POST_CREATE && class == ConstraintRelationId)
		{
			if (arg != NULL && ((ObjectAccessPostCreate *) arg)->is_internal)
				rebuilt = lappend_oid(rebuilt, object);
			else
				created = lappend_oid(created, object);
		}
		if (access == OAT_POST_ALTER && renames)
			renamed = lappend_oid(renamed, object);
		MemoryContextSwitchTo(old);
		foreach_ptr(Added, part, access == OAT_DROP && class == ConstraintRelationId ? added : NIL)
			part->dropped |= part->constraint == object && is_where_left(part);
	}
	if (next_object_access)
		next_object_access(access, class, object, sub, arg);
}

/* Has the statement dropped an added constraint, to create it again? */
static bool
was_added(const Added *now)
{
	foreach_ptr(const Added, part, added)
	{
		if (part->dropped && part->object == now->object &&
			strcmp(NameStr(part->name), NameStr(now->name)) == 0)
			return true;
	}
	return false;
}

/* Take over the constraints, those that were there before only if they had been added. */
static void
add_created(const List *constraints, bool all)
{
	foreach_oid(constraint, constraints)
	{
		MemoryContext old;
		Added		now;

		if (!find_constraint(constraint, &now) || !(all || was_added(&now)))
			continue;
		now.fresh = true;
		old = MemoryContextSwitchTo(TopMemoryContext);
		added = lappend(added, memcpy(palloc(sizeof(Added)), &now, sizeof(Added)));
		MemoryContextSwitchTo(old);
	}
}

/* What the statement has created or renamed was taken over, or undone. */
static void
forget_statement(void)
{
	list_free(created);
	list_free(rebuilt);
	list_free(renamed);
	created = NIL;
	rebuilt = NIL;
	renamed = NIL;
}

/*
 * Take over what the statement has created or renamed, while it is locked.  Of a table
 * or schema that was renamed, the names of its constraints are not: another session
 * could have changed them before.
 */
static void
note_added(void)
{
	Added		now;

	if (created != NIL || rebuilt != NIL || renamed != NIL)
		CommandCounterIncrement();
	add_created(created, true);
	add_created(rebuilt, false);
	foreach_ptr(Added, part, renamed == NIL ? NIL : added)
	{
		if (!find_constraint(part->constraint, &now))
			continue;
		if (list_member_oid(renamed, part->constraint))
			part->name = now.name;
		if (list_member_oid(renamed, part->object))
			part->relation = now.relation;
		if (list_member_oid(renamed, part->object) ||
			list_member_oid(renamed, get_namespace_oid(NameStr(now.schema), true)))
			part->schema = now.schema;
	}
	forget_statement();
}

/* ProcessUtility hook: see the statements of a CALL, and what its functions run. */
static void
see_utility(PlannedStmt *statement, const char *query, bool read_only,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	const Node *node = statement->utilityStmt;
	bool		outer = renames;

	if (is_active())
	{
		require_added(node);
		renames = IsA(node, RenameStmt) || IsA(node, AlterObjectSchemaStmt);
	}
	if (next_ProcessUtility)
		next_ProcessUtility(statement, query, read_only, context, params, environment, dest,
							completion);
	else
		standard_ProcessUtility(statement, query, read_only, context, params, environment, dest,
								completion);
	if (is_active())
	{
		note_added();
		renames = outer;
	}
}

/* Transaction callback: forget what was not added after all, and what was dropped. */
static void
end_transaction(XactEvent event, void *arg)
{
	ListCell   *cell;

	if (event == XACT_EVENT_ABORT)
		forget_statement();
	else if (event != XACT_EVENT_PRE_COMMIT)
		return;
	foreach(cell, added)
	{
		Added	   *part = lfirst(cell);
		Added		now;

		if (event == XACT_EVENT_ABORT ? part->fresh :
			(part->fresh || part->dropped) && !find_constraint(part->constraint, &now))
		{
			added = foreach_delete_current(added, cell);
			pfree(part);
		}
		else
			part->fresh = part->dropped = false;
	}
}

void
cmig_added_begin(void)
{
	if (is_active())
		return;
	list_free_deep(added);
	added = NIL;
	renames = false;
	added_call = GetCurrentStatementStartTimestamp();
}

void
cmig_added_init(void)
{
	next_object_access = object_access_hook;
	object_access_hook = see_object;
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = see_utility;
	RegisterXactCallback(end_transaction, NULL);
}
