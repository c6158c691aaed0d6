/*
 * commits.c
 *	  What each commit of a stepwise revision leaves.
 *
 * The statements of a stepwise revision are committed one by one, while
 * applications use the database.  At each commit, what both schemas have is
 * there, and no key, constraint, policy, privilege, trigger, or the like guards
 * less than in both.
 *
 * Therefore, the statements that drop and create such an object run in one
 * transaction; cmig_order() finds them.  Building an index and checking the
 * rows, which can take long, come before that transaction, under another name,
 * or else after it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Which changes run in one transaction.
 * ----------------------------------------------------------------
 */

/* Does the change grant or revoke privileges, or alter row security? */
static bool
alters_access(const CmigChange *change)
{
	foreach_ptr(const CmigDdl, entry, change->alter.ddl)
	{
		if (entry->part == CMIG_PART_GRANT || entry->part == CMIG_PART_REVOKE ||
			(change->to->kind == &cmig_kind_table &&
			 (entry->part == CMIG_TABLE_ROW_SECURITY ||
			  entry->part == CMIG_TABLE_FORCE_ROW_SECURITY)))
			return true;
	}
	return false;
}

/* Is the object new, or gone, together with what it belongs to? */
static bool
is_whole(const CmigObject *object)
{
	const CmigChange *root = cmig_object_root(unconstify(CmigObject *, object))->change;

	return root->from == NULL || root->to == NULL;
}

/* Does the column become an identity column, or is it no longer one? */
static bool
changes_identity(const CmigObject *column)
{
	const CmigChange *change = column->kind == &cmig_kind_column ? column->change : NULL;

	return change != NULL && change->from != NULL && change->to != NULL &&
		(change->from->values[CMIG_COLUMN_IDENTITY] != NULL) != (change->to->values[CMIG_COLUMN_IDENTITY] != NULL);
}

/*
 * Returns such a column if the object is that column, its default, or the owner
 * of the sequence that its default uses.
 */
static const CmigObject *
generated(const CmigObject *object)
{
	if (object->kind == &cmig_kind_default)
		object = object->parent;
	for (int i = 0; i < object->ndepends && object->kind == &cmig_kind_sequence_owner; i++)
		if (changes_identity(object->depends[i]))
			return object->depends[i];
	return changes_identity(object) ? object : NULL;
}

char *
cmig_commit_guard(const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	const CmigObject *root = cmig_object_root(unconstify(CmigObject *, object));
	const CmigObject *link = object->kind == &cmig_kind_partition ? object :
	cmig_table_is(object) && change->to == NULL ?
	cmig_object_child(object, &cmig_kind_partition, NULL) : NULL;

	/* a partition may take the rows of another one */
	if (link != NULL)
		return psprintf("partitions %s", link->values[CMIG_PARTITION_OF]);

	/* an overload can make a call ambiguous, or take it over */
	if ((object->kind == &cmig_kind_function || object->kind == &cmig_kind_aggregate) &&
		change->action != CMIG_ALTER)
		return psprintf("function %s", pnstrdup(object->identity, strcspn(object->identity, "(")));
	if (generated(object) != NULL)
		return psprintf("value %s", generated(object)->identity);
	if (is_whole(object))
		return NULL;
	if (object->kind == &cmig_kind_policy ||
		(change->action == CMIG_ALTER && alters_access(change)))
		return psprintf("access %s", root->identity);
	if (object->kind == &cmig_kind_trigger || object->kind == &cmig_kind_publication ||
		object->kind == &cmig_kind_publication_table ||
		object->kind == &cmig_kind_publication_schema)
		return psprintf("%s %s", object->kind == &cmig_kind_trigger ? "triggers" : "publication",
						root->identity);
	if (cmig_constraint_type(object) == 'p')
		return psprintf("key %s", root->identity);
	return NULL;
}

/* What a constraint or an index demands of rows. */
typedef enum Demand
{
	NOTHING,
	UNIQUENESS,
	REFERENCE,
	CONDITION
} Demand;

static Demand
demand_of(const CmigObject *object)
{
	switch (cmig_constraint_type(object))
	{
		case 'f':
			return REFERENCE;
		case 'c':
			return CONDITION;
		case '\0':
			return cmig_index_is_unique(object) ? UNIQUENESS : NOTHING;
		default:
			return UNIQUENESS;
	}
}

/* Is it a column that no longer is NOT NULL? */
static bool
loses_not_null(const CmigObject *old)
{
	const CmigChange *change = old->kind == &cmig_kind_column ? old->change : NULL;

	return change != NULL && change->from != NULL && change->to != NULL &&
		change->from->values[CMIG_COLUMN_NOT_NULL] != NULL &&
		change->to->values[CMIG_COLUMN_NOT_NULL] == NULL;
}

/* Is the column's type a domain, whose constraints the column has, too? */
static bool
has_domain(const CmigObject *column)
{
	for (int i = 0; i < column->ndepends; i++)
		if (column->depends[i]->kind == &cmig_kind_domain)
			return true;
	return false;
}

/* Does the column's type change from a domain to another type, or the other way round? */
static bool
changes_domain(const CmigObject *column, bool gains)
{
	const CmigChange *change = column->kind == &cmig_kind_column ? column->change : NULL;

	return change != NULL && change->from != NULL && change->to != NULL &&
		has_domain(change->from) != gains && has_domain(change->to) == gains;
}

/* Does the column's type, a domain, refuse NULL? */
static bool
refuses_null(const CmigObject *object)
{
	for (int i = 0; i < object->ndepends; i++)
		if (object->depends[i]->kind == &cmig_kind_domain &&
			(object->depends[i]->values[CMIG_DOMAIN_NOT_NULL] != NULL ||
			 refuses_null(object->depends[i])))
			return true;
	return false;
}

bool
cmig_commit_trades_not_null(const CmigObject *old, const CmigObject *new)
{
	const bool	before = old->values[CMIG_COLUMN_NOT_NULL] != NULL,
				after = new->values[CMIG_COLUMN_NOT_NULL] != NULL;

	return before ? !after && refuses_null(new) : after && refuses_null(old);
}

/* Does the object depend on the column, in either image? */
static bool
uses_column(const CmigObject *object, const CmigObject *column)
{
	for (int i = 0; i < object->ndepends; i++)
		if (object->depends[i]->kind == column->kind &&
			strcmp(object->depends[i]->identity, column->identity) == 0)
			return true;
	return false;
}

bool
cmig_commit_succeeds(const CmigObject *old, const CmigObject *new)
{
	if (changes_domain(new, true))
		return demand_of(old) == CONDITION && uses_column(old, new);
	if ((loses_not_null(old) || changes_domain(old, false)) && demand_of(new) == CONDITION &&
		uses_column(new, old))
		return true;
	if (demand_of(old) == NOTHING || demand_of(old) != demand_of(new))
		return false;
	for (int i = 0; i < old->ndepends; i++)
		if (old->depends[i]->kind == &cmig_kind_column && uses_column(new, old->depends[i]))
			return true;
	return false;
}

/* What cmig_commit_join() joins. */
typedef struct Joining
{
	const CmigDifference *difference;
	const CmigOrderNode *nodes;
	int			count;
	CmigCommitAdd add;
	CmigOrder  *order;
} Joining;

/* Make two nodes run in one transaction. */
static void
join(const Joining *joining, int node, int other)
{
	joining->add(joining->order, node, other);
	joining->add(joining->order, other, node);
}

/* A node, and what its change guards; see cmig_commit_guard(). */
typedef struct Guard
{
	const char *name;			/* first, as they are sorted by it */
	int			node;
} Guard;

/* Make the nodes that guard the same thing run in one transaction. */
static void
join_guards(const Joining *joining)
{
	Guard	   *guards = palloc(sizeof(Guard) * (joining->count + 1));
	int			count = 0;

	for (int i = 0; i < joining->count; i++)
	{
		char	   *name = joining->nodes[i].type == CMIG_NODE_UNSUPPORTED ? NULL :
		cmig_commit_guard(joining->nodes[i].change);

		if (name != NULL)
			guards[count++] = (Guard)
		{
			name, i
		};
	}
	qsort(guards, count, sizeof(Guard), pg_qsort_strcmp);
	for (int i = 0, end; i < count; i = end)
	{
		bool		drops = false;

		for (end = i; end < count && strcmp(guards[end].name, guards[i].name) == 0; end++)
			drops |= joining->nodes[guards[end].node].type != CMIG_NODE_CREATE ||
				joining->nodes[guards[end].node].change->to->kind == &cmig_kind_policy;
		for (int j = i + 1; j < end && drops; j++)
			join(joining, guards[j - 1].node, guards[j].node);
	}
}

/*
 * A stepwise revision commits after each statement, but an object that exists
 * before and after it must exist at each commit.  Therefore, join the nodes
 * that drop the object and create it again.
 */
static void
join_again(const Joining *joining)
{
	for (int i = 0; i < joining->difference->count; i++)
	{
		const CmigChange *change = &joining->difference->changes[i];
		const CmigObject *object = change->to;
		const CmigKind *other = object == NULL ? NULL : object->kind == &cmig_kind_view ?
		&cmig_kind_materialized_view :
		object->kind == &cmig_kind_materialized_view ? &cmig_kind_view : NULL;
		const CmigObject *old = change->action == CMIG_AGAIN ? change->from :
		other && change->action == CMIG_CREATE ?
		cmig_image_lookup(joining->difference->from, other, object->identity) : NULL;
		int			drop = old &&
		change->steps->last >= 0 ? old->change->steps->first : -1;

		if (change->steps->part >= 0 && change->steps->join >= 0)
			join(joining, change->steps->part, change->steps->join);
		if (drop < 0 || joining->nodes[drop].type != CMIG_NODE_DROP ||
			joining->nodes[change->steps->last].type != CMIG_NODE_CREATE)
			continue;
		join(joining, drop, change->steps->last);
		join(joining, drop, change->steps->away);
	}
}

/* Join a column that is NOT NULL in one version with the domain that is it in the other one. */
static void
join_not_null(const Joining *joining)
{
	for (int i = 0; i < joining->count; i++)
	{
		const CmigChange *change = joining->nodes[i].change;
		const CmigObject *column = joining->nodes[i].type == CMIG_NODE_ALTER ? change->from : NULL;

		if (column == NULL || column->kind != &cmig_kind_column ||
			!cmig_commit_trades_not_null(column, change->to))
			continue;
		for (int j = 0; j < column->ndepends; j++)
			if (column->depends[j]->kind == &cmig_kind_domain &&
				column->depends[j]->change->action == CMIG_ALTER)
				join(joining, i, column->depends[j]->change->steps->last);
	}
}

/*
 * Drop a constraint, a unique index, NOT NULL, or a domain as the type of a
 * column after the creation of those that demand the same of their table.
 * Partitions get the new ones when they are attached, so the old ones must be
 * gone by then.
 */
static void
join_successors(const Joining *joining)
{
	for (int i = 0; i < joining->count; i++)
	{
		const CmigObject *old = joining->nodes[i].type != CMIG_NODE_CREATE ?
		joining->nodes[i].change->from : NULL;
		const CmigObject *table = old != NULL && old->parent != NULL &&
		old->parent->kind == &cmig_kind_table ? old->parent->change->to : NULL;

		for (const CmigObject *new = table ? table->child : NULL; new != NULL; new = new->sibling)
		{
			if ((new->change->from != NULL && new->kind != &cmig_kind_column &&
				 (new->change->action != CMIG_AGAIN || old->kind != &cmig_kind_column)) ||
				new->change->steps->last < 0 ||
				!cmig_commit_succeeds(old, new))
				continue;
			joining->add(joining->order, i, new->change->steps->last);
			if (table->values[CMIG_TABLE_IS_PARTITION] != NULL ||
				table->values[CMIG_TABLE_PARTITION_KEY] != NULL)
				joining->add(joining->order, new->change->steps->last, i);
		}
	}
}

void
cmig_commit_join(const CmigDifference *difference, const CmigOrderNode *nodes,
				 int count, CmigCommitAdd add, CmigOrder *order)
{
	const Joining joining = {difference, nodes, count, add, order};

	join_again(&joining);
	join_guards(&joining);
	join_successors(&joining);
	join_not_null(&joining);
}

/* ----------------------------------------------------------------
 * Statements that do not block concurrent reads and writes.
 *
 * The statements follow the recipes in src/online.  Statements that have no
 * concurrent form, such as those for partitioned tables, are not changed.
 * ----------------------------------------------------------------
 */

/*
 * Returns statements that create the index first, and then the constraint with
 * USING INDEX.
 */
static List *
key_sql(const CmigObject *constraint, const char *index)
{
	const char *table = constraint->parent->identity;
	const char *word = cmig_constraint_type(constraint) == 'p' ? "PRIMARY KEY" : "UNIQUE";
	const char *name = pstrdup(cmig_quote(constraint->name));
	const char *rest;
	const char *columns = cmig_constraint_columns(constraint, &rest);

	return list_make2(psprintf("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %s%s%s", index, table,
							   columns,
							   cmig_text_begins(constraint->values[CMIG_DEFINITION],
												"UNIQUE NULLS NOT DISTINCT ") ?
							   " NULLS NOT DISTINCT" : "", cmig_constraint_parameters(constraint)),
					  psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s", table, name,
							   word, index, rest));
}

/*
 * Returns the one or two statements that create an index or a valid constraint
 * without blocking, or an empty list if there are none.  "name" is that of the
 * index, or of the check constraint or foreign key.
 */
static List *
creation(const CmigObject *object, const char *name)
{
	const char *table = object->parent->identity;

	switch (cmig_constraint_type(object))
	{
		case '\0':
			return list_make1(cmig_index_create(object, name, true));
		case 'u':
		case 'p':
			return key_sql(object, name);
		case 'x':
			return NIL;
		default:
			return list_make2(psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID", table, name,
									   object->values[CMIG_DEFINITION]),
							  psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", table, name));
	}
}

char *
cmig_commit_not_null(const CmigObject *column, const char *sql)
{
	const char *table = column->parent->identity;

	/* not the name that PostgreSQL would choose for the constraint */
	const char *name = pstrdup(cmig_quote(makeObjectName("cmig", column->name, "not_null")));

	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;\n"
					"ALTER TABLE %s VALIDATE CONSTRAINT %s;\n%s;\nALTER TABLE %s DROP CONSTRAINT %s",
					table, name, cmig_quote(column->name), table, name, sql, table, name);
}

/* Is it a part of a table that is not partitioned? */
static bool
is_of_table(const CmigObject *object)
{
	return object->parent != NULL && object->parent->kind == &cmig_kind_table &&
		object->parent->values[CMIG_TABLE_PARTITION_KEY] == NULL;
}

char *
cmig_commit_sql(const CmigObject *object, CmigOnline online, char *sql)
{
	List	   *statements;

	if (sql == NULL || object->parent == NULL || object->parent->kind != &cmig_kind_table)
		return sql;
	if (online == CMIG_ONLINE_NOT_NULL)
		return cmig_commit_not_null(object, sql);
	if (online == CMIG_ONLINE_NONE || !is_of_table(object))
		return sql;
	if (online != CMIG_ONLINE_CREATE)
		return psprintf("%s INDEX CONCURRENTLY %s",
						online == CMIG_ONLINE_DROP ? "DROP" : "REINDEX", object->identity);
	statements = creation(object, pstrdup(cmig_quote(object->name)));
	return statements == NIL ? sql : list_length(statements) == 1 ? linitial(statements) :
		psprintf("%s;\n%s", (char *) linitial(statements), (char *) lsecond(statements));
}

/* Does the table have neither parents nor children? */
static bool
is_alone(const CmigObject *table)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column && child->values[CMIG_COLUMN_CHILDREN] != NULL)
			return false;
	return table->values[CMIG_TABLE_INHERITS] == NULL;
}

CmigSwap
cmig_commit_swap(const CmigObject *object, const CmigDdl *ddl, bool beside)
{
	const char *own = pstrdup(cmig_quote(object->name));
	const char *name = pstrdup(cmig_quote(makeObjectName("cmig", object->name, "new")));
	CmigSwap	swap = {NULL, ddl->sql, NULL};
	bool		validates = object->kind == &cmig_kind_foreign_key ||
	demand_of(object) == CONDITION;
	List	   *statements = ddl->online == CMIG_ONLINE_CREATE && is_of_table(object) &&
	!object->inherited ? creation(object, name) : NIL;

	if (statements == NIL || (!validates && !beside))
		return swap;
	if (object->kind == &cmig_kind_index)
	{
		swap.before = linitial(statements);
		swap.sql = psprintf("ALTER INDEX %s%s RENAME TO %s",
							pnstrdup(object->identity, strlen(object->identity) - strlen(own)),
							name, own);
	}
	else if (!validates)
	{
		swap.before = linitial(statements);
		swap.sql = lsecond(statements);
	}
	else if (beside && is_alone(object->parent))
	{
		swap.before = psprintf("%s;\n%s", (char *) linitial(statements),
							   (char *) lsecond(statements));
		swap.sql = psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", object->parent->identity,
							name, own);
	}
	else
	{
		statements = creation(object, own);
		swap.sql = linitial(statements);
		swap.after = lsecond(statements);
	}
	return swap;
}
