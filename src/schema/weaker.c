/*
 * weaker.c
 *	  Does what guards the rows of a table guard less than before?
 *
 * The planner's prover compares conditions: one that implies the former one guards
 * as much, and one that the former one implies, but not conversely, guards less.
 * The expressions come from the catalogs, so they stay comparable if columns are
 * renamed.  The prover evaluates only operators of btree operator classes, which
 * only superusers can create, with constants.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Conditions.
 * ----------------------------------------------------------------
 */

/* Returns a column of a catalog row as an expression, or NULL. */
static Node *
expression(Relation catalog, HeapTuple row, int column)
{
	bool		null;
	Datum		value = cmig_getattr_compat(row, column, RelationGetDescr(catalog), &null);

	return null ? NULL : stringToNode(TextDatumGetCString(value));
}

/* Returns an array of column numbers as a list. */
static List *
columns(Relation catalog, HeapTuple row, int column)
{
	bool		null;
	Datum		value = cmig_getattr_compat(row, column, RelationGetDescr(catalog), &null);
	List	   *numbers = NIL;

	for (int i = 0; !null && i < ARR_DIMS(DatumGetArrayTypeP(value))[0]; i++)
		numbers = lappend_int(numbers, ((int16 *) ARR_DATA_PTR(DatumGetArrayTypeP(value)))[i]);
	return numbers;
}

CmigCondition *
cmig_condition_read(const CmigObject *object)
{
	const Oid	oid = object->address.object;
	CmigCondition *condition = palloc0(sizeof(CmigCondition));
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	if (object->kind != &cmig_kind_policy && object->kind != &cmig_kind_domain_constraint &&
		(cmig_constraint_type(object) == '\0' || cmig_constraint_type(object) == 'x'))
		return NULL;
	catalog = table_open(object->kind == &cmig_kind_policy ? PolicyRelationId :
						 ConstraintRelationId, AccessShareLock);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	scan = systable_beginscan(catalog,
							  object->kind == &cmig_kind_policy ? PolicyOidIndexId :
							  ConstraintOidIndexId, true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row) && object->kind == &cmig_kind_policy)
	{
		const Form_pg_policy form = (Form_pg_policy) GETSTRUCT(row);
		bool		null;
		ArrayType  *roles = DatumGetArrayTypeP(cmig_getattr_compat(row, Anum_pg_policy_polroles,
																   RelationGetDescr(catalog),
																   &null));

		for (int i = 0; i < ARR_DIMS(roles)[0]; i++)
			condition->roles = lappend_oid(condition->roles, ((Oid *) ARR_DATA_PTR(roles))[i]);
		condition->command = form->polcmd;
		condition->restrictive = !form->polpermissive;
		condition->visible = expression(catalog, row, Anum_pg_policy_polqual);
		condition->check = expression(catalog, row, Anum_pg_policy_polwithcheck);
		if (condition->check == NULL)
			condition->check = condition->visible;
	}
	else if (HeapTupleIsValid(row))
	{
		condition->check = expression(catalog, row, Anum_pg_constraint_conbin);
		condition->columns = columns(catalog, row, Anum_pg_constraint_conkey);
		condition->references = ((Form_pg_constraint) GETSTRUCT(row))->confrelid;
		condition->referenced = columns(catalog, row, Anum_pg_constraint_confkey);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return condition;
}

bool
cmig_condition_same(const CmigCondition *a, const CmigCondition *b)
{
	return equal(a->check, b->check) && equal(a->visible, b->visible) &&
		equal(a->roles, b->roles) &&
		a->command == b->command && a->restrictive == b->restrictive;
}

/* Is the condition true, whatever the row is? */
static bool
is_always_true(const Node *node)
{
	const BoolExpr *expr = (const BoolExpr *) node;

	if (IsA(node, Const))
		return !((const Const *) node)->constisnull &&
			DatumGetBool(((const Const *) node)->constvalue);
	if (!IsA(node, BoolExpr) || expr->boolop == NOT_EXPR)
		return false;
	foreach_ptr(const Node, argument, expr->args)
	{
		if (is_always_true(argument) == (expr->boolop == OR_EXPR))
			return expr->boolop == OR_EXPR;
	}
	return expr->boolop == AND_EXPR;
}

/*
 * Returns what follows for the rows if the condition "new" replaces "old".  For
 * a CHECK ("null_passes"), NULL counts as true.
 */
static CmigWeaker
compare_conditions(Node *old, List *new, bool null_passes)
{
	if (is_always_true(old) || predicate_implied_by(list_make1(old), new, null_passes))
		return CMIG_WEAKER_NOT;
	foreach_ptr(Node, each, new)
	{
		if (!is_always_true(each) &&
			!predicate_implied_by(list_make1(each), list_make1(old), null_passes))
			return CMIG_WEAKER_UNKNOWN;
	}
	return CMIG_WEAKER_YES;
}

/* ----------------------------------------------------------------
 * Constraints, indexes, and triggers.
 * ----------------------------------------------------------------
 */

/* Returns the parse tree of a definition that belongs to a table. */
static Node *
parse(const char *prefix, const char *definition)
{
	Node	   *statement = cmig_raw_parse_one(psprintf("%s%s", prefix, definition))->stmt;

	if (IsA(statement, AlterTableStmt))
		return linitial_node(AlterTableCmd, ((AlterTableStmt *) statement)->cmds)->def;
	return statement;
}

/* What makes rows unique. */
typedef struct UniqueKey
{
	List	   *keys;			/* list of String or expressions, and more */
	Node	   *where;
	bool		nulls_not_distinct;
	bool		deferrable;
} UniqueKey;

static UniqueKey
unique_of(const CmigObject *object)
{
	UniqueKey	unique = {0};

	if (object->kind != &cmig_kind_index)
	{
		const Constraint *constraint = castNode(Constraint,
												parse("ALTER TABLE t ADD ",
													  object->values[CMIG_DEFINITION]));

		unique.keys = constraint->keys;
		unique.deferrable = constraint->deferrable;
		unique.nulls_not_distinct = constraint->nulls_not_distinct;
	}
	else
	{
		const IndexStmt *index = castNode(IndexStmt, parse("", object->values[CMIG_DEFINITION]));

		foreach_node(IndexElem, element, index->indexParams)
		{
			element->ordering = SORTBY_DEFAULT;
			element->nulls_ordering = SORTBY_NULLS_DEFAULT;
			if (element->name != NULL && element->collation == NIL && element->opclass == NIL)
				unique.keys = lappend(unique.keys, makeString(element->name));
			else
				unique.keys = lappend(unique.keys, element);
		}
		unique.where = index->whereClause;
		unique.nulls_not_distinct = index->nulls_not_distinct;
	}
	return unique;
}

static CmigWeaker
compare_unique(const CmigObject *old, const CmigCondition *former, const CmigObject *new,
			   const CmigCondition *latter)
{
	const UniqueKey a = unique_of(old);
	const UniqueKey b = unique_of(new);
	const bool	numbers = former != NULL && latter != NULL;
	List	   *added = numbers ? list_difference_int(latter->columns, former->columns) :
	list_difference(b.keys, a.keys);
	List	   *removed = numbers ? list_difference_int(former->columns, latter->columns) :
	list_difference(a.keys, b.keys);

	if (added != NIL)
		return removed == NIL ? CMIG_WEAKER_YES : CMIG_WEAKER_UNKNOWN;
	if ((b.where != NULL && a.where == NULL) || (b.deferrable && !a.deferrable) ||
		(a.nulls_not_distinct && !b.nulls_not_distinct))
		return CMIG_WEAKER_YES;
	return b.where != NULL && !equal(a.where, b.where) ? CMIG_WEAKER_UNKNOWN : CMIG_WEAKER_NOT;
}

static bool
refuses(char action)
{
	return action == FKCONSTR_ACTION_NOACTION || action == FKCONSTR_ACTION_RESTRICT;
}

static CmigWeaker
compare_foreign_keys(const CmigObject *old, const CmigCondition *former, const CmigObject *new,
					 const CmigCondition *latter)
{
	const Constraint *a = castNode(Constraint,
								   parse("ALTER TABLE t ADD ", old->values[CMIG_DEFINITION]));
	const Constraint *b = castNode(Constraint,
								   parse("ALTER TABLE t ADD ", new->values[CMIG_DEFINITION]));

	if (former->references != latter->references || !equal(former->columns, latter->columns) ||
		!equal(former->referenced, latter->referenced))
		return CMIG_WEAKER_UNKNOWN;
	return (a->fk_matchtype == FKCONSTR_MATCH_FULL && b->fk_matchtype != FKCONSTR_MATCH_FULL) ||
		(refuses(a->fk_del_action) && !refuses(b->fk_del_action)) ||
		(refuses(a->fk_upd_action) && !refuses(b->fk_upd_action)) ? CMIG_WEAKER_YES :
		CMIG_WEAKER_NOT;
}

static CmigWeaker
compare_triggers(const CmigObject *old, const CmigObject *new)
{
	const CreateTrigStmt *a = (CreateTrigStmt *) parse("", old->values[CMIG_DEFINITION]);
	const CreateTrigStmt *b = (CreateTrigStmt *) parse("", new->values[CMIG_DEFINITION]);

	if (!IsA(a, CreateTrigStmt) || !IsA(b, CreateTrigStmt))
		return CMIG_WEAKER_NOT;
	return (a->events & ~b->events) != 0 || (a->whenClause == NULL && b->whenClause != NULL) ||
		(a->columns == NIL && b->columns != NIL) ? CMIG_WEAKER_YES : CMIG_WEAKER_NOT;
}

static bool
is_unique(const CmigObject *object)
{
	const char	type = cmig_constraint_type(object);

	return type == 'p' || type == 'u' || (type == '\0' && cmig_index_is_unique(object));
}

CmigWeaker
cmig_weaker(const CmigObject *old, const CmigCondition *former, const CmigObject *new,
			const CmigCondition *latter)
{
	const char	type = cmig_constraint_type(old);

	if (old->kind == &cmig_kind_domain_constraint ? new->kind == old->kind : type == 'c' &&
		cmig_constraint_type(new) == 'c')
	{
		if (strcmp(old->values[CMIG_DEFINITION], new->values[CMIG_DEFINITION]) == 0)
			return CMIG_WEAKER_NOT;
		if (type == 'c' &&
			castNode(Constraint,
					 parse("ALTER TABLE t ADD ", new->values[CMIG_DEFINITION]))->is_no_inherit &&
			!castNode(Constraint,
					  parse("ALTER TABLE t ADD ", old->values[CMIG_DEFINITION]))->is_no_inherit)
			return CMIG_WEAKER_YES;
		return former->check == NULL || latter->check == NULL ? CMIG_WEAKER_UNKNOWN :
			compare_conditions(former->check, list_make1(latter->check), true);
	}
	if (is_unique(old) && is_unique(new))
		return compare_unique(old, former, new, latter);
	if (is_unique(old) || old->kind != new->kind || type != cmig_constraint_type(new))
		return CMIG_WEAKER_OTHER;
	if (old->kind == &cmig_kind_trigger)
		return compare_triggers(old, new);
	if (type == 'f')
		return compare_foreign_keys(old, former, new, latter);
	if (type == 'x')
		return strcmp(old->values[CMIG_DEFINITION], new->values[CMIG_DEFINITION]) == 0 ?
			CMIG_WEAKER_NOT : CMIG_WEAKER_UNKNOWN;
	return CMIG_WEAKER_OTHER;
}

/* ----------------------------------------------------------------
 * Policies.
 * ----------------------------------------------------------------
 */

/* What a role does with rows. */
static const struct
{
	char		command;
	bool		checks;			/* rows that it writes */
}			accesses[] = {
	{ACL_SELECT_CHR, false}, {ACL_INSERT_CHR, true}, {ACL_UPDATE_CHR, false},
	{ACL_UPDATE_CHR, true}, {ACL_DELETE_CHR, false}
};

static bool
applies(const CmigCondition *policy, Oid role, int access)
{
	if (policy->command != '*' && policy->command != accesses[access].command)
		return false;
	foreach_oid(each, policy->roles)
	{
		if (!OidIsValid(each) || (OidIsValid(role) && has_privs_of_role(role, each)))
			return true;
	}
	return false;
}

static Node *
admits(const CmigCondition *policy, int access)
{
	Node	   *condition = accesses[access].checks ? policy->check : policy->visible;

	return condition ? condition : makeBoolConst(true, false);
}

/*
 * Returns which rows the policies admit, as a list of conditions that all must
 * hold, or NIL if they admit none.
 */
static List *
admitted(const List *policies, Oid role, int access)
{
	List	   *permissive = NIL;
	List	   *conditions = NIL;

	foreach_ptr(const CmigCondition, policy, policies)
	{
		if (!applies(policy, role, access))
			continue;
		if (policy->restrictive)
			conditions = lappend(conditions, admits(policy, access));
		else
			permissive = lappend(permissive, admits(policy, access));
	}
	if (permissive == NIL)
		return NIL;
	return lcons(list_length(permissive) == 1 ? linitial(permissive) :
				 makeBoolExpr(OR_EXPR, permissive, -1), conditions);
}

static Node *
all_of(List *conditions)
{
	return list_length(conditions) == 1 ? linitial(conditions) :
		(Node *) makeBoolExpr(AND_EXPR, conditions, -1);
}

CmigWeaker
cmig_weaker_policies(const List *old, const List *new, Oid role, const CmigCondition *former,
					 const CmigCondition *policy)
{
	CmigWeaker	result = CMIG_WEAKER_NOT;

	for (int i = 0; i < lengthof(accesses); i++)
	{
		List	   *before = admitted(old, role, i);
		List	   *after = admitted(new, role, i);
		CmigWeaker	weaker;

		if (after == NIL ||
			!(applies(policy, role, i) || (former != NULL && applies(former, role, i))))
			continue;
		weaker = before == NIL ? CMIG_WEAKER_YES : compare_conditions(all_of(before), after, false);
		if (weaker != CMIG_WEAKER_NOT && !policy->restrictive && is_always_true(admits(policy, i)))
			return CMIG_WEAKER_ALL;
		/* the first policy that admits rows to a role is what RLS is for */
		if (before == NIL && former == NULL)
			continue;
		if (weaker == CMIG_WEAKER_YES ||
			(weaker == CMIG_WEAKER_UNKNOWN && result == CMIG_WEAKER_NOT))
			result = weaker;
	}
	return result;
}
