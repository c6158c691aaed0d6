/*
 * added.c
 *	  Constraints that a CALL has added, and that a later statement of it validates.
 *
 * VALIDATE CONSTRAINT evaluates what has the name, with the privileges of the caller.
 * Between two transactions of a CALL, the owner of the table or domain can put another
 * constraint there.  So what the CALL has added, in whatever way, is known by its OID,
 * and with the names under which it was left, for each open subtransaction.  What the
 * CALL has not added is validated only while all that it has added is still there.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "move/internal.h"

/* A constraint that the CALL has added, as a subtransaction has left it. */
typedef struct Added
{
	Oid			constraint;
	Oid			object;			/* the table or domain */
	bool		domain;
	SubTransactionId since;		/* or invalid: left by an earlier transaction */
	bool		fresh;			/* added by the current transaction */
	bool		dropped;		/* in the current transaction */
	bool		gone;			/* will not exist after its commit */
	NameData	name;			/* where it was left */
	NameData	relation;
	NameData	schema;
	struct Added *before;		/* what the end of the subtransaction brings
								 * back, or NULL */
} Added;

/* What a utility statement does. */
typedef struct Seen
{
	List	   *created;		/* constraints */
	List	   *rebuilt;		/* those that it has dropped before */
	List	   *renamed;		/* what it has renamed or moved: OIDs */
	bool		renames;		/* is it one that renames or moves? */
} Seen;

static List *added = NIL;		/* list of Added, in TopMemoryContext */
static TimestampTz added_call;	/* when the client's statement began */
static Seen *seen = NULL;		/* of the current utility statement */

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

bool
cmig_added_validates(const Node *stmt)
{
	return constraints_named(stmt) != NIL;
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

/* Keep other sessions from renaming the schema of an object until the end of the transaction. */
static void
hold_schema(Oid class, Oid object)
{
	const ObjectAddress address = {.classId = class,.objectId = object};

	for (;;)
	{
		Oid			schema = get_object_namespace(&address);

		if (schema == PG_CATALOG_NAMESPACE ||
			(cmig_query_hold_row(NamespaceRelationId, NamespaceOidIndexId, schema) &&
			 get_object_namespace(&address) == schema))
			break;
		CHECK_FOR_INTERRUPTS();
		AcceptInvalidationMessages();
	}
}

/*
 * PostgreSQL checks a foreign key by a query, in which the referenced table, the
 * operators, and their types have names.
 */
static void
hold_referenced(HeapTuple row)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(CONSTROID, row, Anum_pg_constraint_conpfeqop, &isnull);
	ArrayType  *operators = isnull ? NULL : DatumGetArrayTypeP(value);
	int			count = operators ? ArrayGetNItems(ARR_NDIM(operators), ARR_DIMS(operators)) : 0;

	for (int i = 0; i < count; i++)
	{
		Oid			operator = ((Oid *) ARR_DATA_PTR(operators))[i];
		Oid			left;
		Oid			right;

		op_input_types(operator, &left, &right);
		hold_schema(OperatorRelationId, operator);
		hold_schema(TypeRelationId, left);
		hold_schema(TypeRelationId, right);
	}
	while (!cmig_query_try_hold(((Form_pg_constraint) GETSTRUCT(row))->confrelid, RowShareLock))
		CHECK_FOR_INTERRUPTS();
	AcceptInvalidationMessages();
}

/*
 * PostgreSQL has compared these constraints: when one is added to the table, as trees,
 * but when a table is attached, as texts.
 */
static void
require_inherited(Oid table, const char *name, Oid constraint)
{
	List	   *called = called_by(constraint);

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

void
cmig_added_hold(Oid table, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(table, name, true);
	HeapTuple	row = SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(row))
		return;
	form = (Form_pg_constraint) GETSTRUCT(row);
	if (form->contype == CONSTRAINT_FOREIGN)
		hold_referenced(row);
	if (form->contype == CONSTRAINT_CHECK && !form->connoinherit)
		require_inherited(table, name, constraint);
	heap_freetuple(row);
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

/* Is it still there?  Only the transaction itself can have dropped what it has added. */
static bool
is_where_left(const Added *part)
{
	Added		now;

	if (!find_constraint(part->constraint, &now))
		return part->fresh || part->dropped;
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

/* Lock what the statement names in the domain: nothing else keeps other sessions from renaming it. */
static bool
hold_domain(Oid domain, const Named *named)
{
	HeapTuple	type = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	Oid			constraint = constraint_of(named, domain);
	Oid			schema;

	if (!HeapTupleIsValid(type))
		return false;
	schema = ((Form_pg_type) GETSTRUCT(type))->typnamespace;
	ReleaseSysCache(type);
	return cmig_query_hold_row(NamespaceRelationId, NamespaceOidIndexId, schema) &&
		cmig_query_hold_row(TypeRelationId, TypeOidIndexId, domain) &&
		(!OidIsValid(constraint) ||
		 cmig_query_hold_row(ConstraintRelationId, ConstraintOidIndexId, constraint));
}

/*
 * Returns what the statement stands for.  It and its constraints keep these names until
 * the end of the transaction, unless they belong to a role without the caller's
 * privileges, for which the statement will fail.
 */
static Oid
hold_object(const Node *stmt, const Named *named)
{
	Oid			class = named->domain ? TypeRelationId : RelationRelationId;

	for (;;)
	{
		Oid			object = object_of(named);
		Oid			constraint;
		bool		held;

		if (!OidIsValid(object) || !cmig_owns_compat(class, object, GetUserId()))
			return object;
		constraint = constraint_of(named, object);
		held = named->domain ? hold_domain(object, named) :
			cmig_query_try_hold(object, AlterTableGetLockLevel(((const AlterTableStmt *) stmt)->cmds));
		AcceptInvalidationMessages();
		if (held && object_of(named) == object && constraint_of(named, object) == constraint)
			return object;
		CHECK_FOR_INTERRUPTS();
	}
}

/* A name without a schema stands for what was found. */
static void
qualify(Node *stmt, Oid object)
{
	const Added part = {.object = object,.domain = IsA(stmt, AlterDomainStmt)};
	NameData	name;
	NameData	schema;

	if (!find_names(&part, &name, &schema))
		return;
	if (part.domain)
		((AlterDomainStmt *) stmt)->typeName =
			list_make2(makeString(pstrdup(NameStr(schema))), makeString(pstrdup(NameStr(name))));
	else
		((AlterTableStmt *) stmt)->relation->schemaname = pstrdup(NameStr(schema));
}

/*
 * Raise an error if the statement would validate what was put in the place of an added
 * constraint.  Returns the statement.
 */
static PlannedStmt *
require_added(PlannedStmt *statement)
{
	Node	   *stmt = statement->utilityStmt;
	const List *names = constraints_named(stmt);
	Oid			object = hold_object(stmt, linitial(names));

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
			cmig_added_hold(object, named->name);
	}
	qualify(stmt, object);
	return statement;
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
			cmig_added_hold(object, named->name);
		return;
	}
	if (!find_names(&part, &relation, &schema))
		namestrcpy(&relation, named->relation->relname);
	raise_replaced(named->name, named->domain, *NameStr(schema) ? NameStr(schema) : NULL,
				   NameStr(relation));
}

/* Keep what the end of this subtransaction brings back. */
static void
begin_change(Added *part)
{
	Added	   *before;

	if (part->since == GetCurrentSubTransactionId())
		return;
	before = MemoryContextAlloc(TopMemoryContext, sizeof(Added));
	*before = *part;
	part->before = before;
	part->since = GetCurrentSubTransactionId();
}

/*
 * Object access hook: note what a statement creates, drops, and renames.  A constraint
 * that another session has renamed remains missing, whatever drops it.
 */
static void
see_object(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (is_active() && seen != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		if (access == OAT_POST_CREATE && class == ConstraintRelationId)
		{
			if (arg != NULL && ((ObjectAccessPostCreate *) arg)->is_internal)
				seen->rebuilt = lappend_oid(seen->rebuilt, object);
			else
				seen->created = lappend_oid(seen->created, object);
		}
		if (access == OAT_POST_ALTER && seen->renames)
			seen->renamed = lappend_oid(seen->renamed, object);
		MemoryContextSwitchTo(old);
	}
	foreach_ptr(Added, part, is_active() && access == OAT_DROP && class == ConstraintRelationId ? added : NIL)
	{
		if (part->constraint != object || part->dropped || !is_where_left(part))
			continue;
		begin_change(part);
		part->dropped = true;
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
		now.since = GetCurrentSubTransactionId();
		old = MemoryContextSwitchTo(TopMemoryContext);
		added = lappend(added, memcpy(palloc(sizeof(Added)), &now, sizeof(Added)));
		MemoryContextSwitchTo(old);
	}
}

/*
 * Take over what the statement has created or renamed, while it is locked.  Of a table
 * or schema that was renamed, the names of its constraints are not: another session
 * could have changed them before.
 */
static void
note_added(const Seen *now_seen)
{
	const List *renamed = now_seen->renamed;
	Added		now;

	if (now_seen->created != NIL || now_seen->rebuilt != NIL || renamed != NIL)
		CommandCounterIncrement();
	add_created(now_seen->created, true);
	add_created(now_seen->rebuilt, false);
	foreach_ptr(Added, part, renamed == NIL ? NIL : added)
	{
		bool		itself = list_member_oid(renamed, part->constraint);
		bool		object = list_member_oid(renamed, part->object);

		if (!find_constraint(part->constraint, &now))
			continue;
		object |= list_member_oid(renamed, get_namespace_oid(NameStr(now.schema), true));
		if (!itself && !object)
			continue;
		begin_change(part);
		if (itself)
			part->name = now.name;
		if (list_member_oid(renamed, part->object))
			part->relation = now.relation;
		if (object)
			part->schema = now.schema;
	}
}

static void
end_statement(Seen *now, Seen *outer)
{
	seen = outer;
	list_free(now->created);
	list_free(now->rebuilt);
	list_free(now->renamed);
}

static void
watch_utility(ProcessUtility_hook_type next, PlannedStmt *statement, const char *query,
			  bool read_only, ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	const Node *node = statement->utilityStmt;
	Seen	   *const outer = seen;
	Seen		now = {.renames = IsA(node, RenameStmt) || IsA(node, AlterObjectSchemaStmt)};

	PG_TRY();
	{
		seen = &now;
		next(statement, query, read_only, context, params, environment, dest, completion);
		note_added(&now);
	}
	PG_CATCH();
	{
		end_statement(&now, outer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_statement(&now, outer);
}

/* ProcessUtility hook: see the statements of a CALL, and what its functions run. */
static void
see_utility(PlannedStmt *statement, const char *query, bool read_only,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	ProcessUtility_hook_type next = next_ProcessUtility ? next_ProcessUtility : standard_ProcessUtility;

	if (is_active() && added != NIL && constraints_named(statement->utilityStmt) != NIL)
		statement = require_added(copyObject(statement));
	if (is_active())
		watch_utility(next, statement, query, read_only, context, params, environment, dest, completion);
	else
		next(statement, query, read_only, context, params, environment, dest, completion);
}

static void
free_added(Added *part)
{
	while (part != NULL)
	{
		Added	   *before = part->before;

		pfree(part);
		part = before;
	}
}

/* What is there before a subtransaction is there after it has failed. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg)
{
	ListCell   *cell;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	foreach(cell, added)
	{
		Added	   *part = lfirst(cell);
		Added	   *before = part->before;

		if (part->since != sub)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
		{
			part->since = parent;
			if (before == NULL || before->since != parent)
				continue;
			part->before = before->before;
		}
		else if (before != NULL)
			*part = *before;
		else
		{
			added = foreach_delete_current(added, cell);
			before = part;
		}
		pfree(before);
	}
}

/* Transaction callback: forget what was not added after all, and what was dropped. */
static void
end_transaction(XactEvent event, void *arg)
{
	ListCell   *cell;

	if (event != XACT_EVENT_ABORT && event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_COMMIT)
		return;
	foreach(cell, added)
	{
		Added	   *part = lfirst(cell);
		Added		now;

		if (event == XACT_EVENT_PRE_COMMIT)
			part->gone = (part->fresh || part->dropped) && !find_constraint(part->constraint, &now);
		else if (event == XACT_EVENT_COMMIT ? part->gone : part->fresh)
		{
			added = foreach_delete_current(added, cell);
			free_added(part);
		}
		else
		{
			const Added *first = part;

			while (event == XACT_EVENT_ABORT && first->before != NULL)
				first = first->before;
			part->name = first->name;
			part->relation = first->relation;
			part->schema = first->schema;
			free_added(part->before);
			part->before = NULL;
			part->since = InvalidSubTransactionId;
			part->fresh = part->dropped = part->gone = false;
		}
	}
}

void
cmig_added_begin(void)
{
	if (is_active())
		return;
	foreach_ptr(Added, part, added)
		free_added(part);
	list_free(added);
	added = NIL;
	seen = NULL;
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
	RegisterSubXactCallback(end_subtransaction, NULL);
}
