/*
 * lint_dependents.c
 *	  cmig.lint rules about dropping, renaming, or changing something that
 *	  views, policies, or functions use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "base/text_list.h"
#include "lint/lint_body.h"
#include "lint/lint_cascade.h"
#include "lint/lint_code.h"
#include "lint/lint_objects.h"
#include "lint/lint_rules.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"
#include "lint/lint_types.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/*
 * dependent-objects
 */

/*
 * Does the list contain the relation with this OID?  Returns false for
 * InvalidOid.
 */
static bool
is_among(Oid relation, List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
		if (OidIsValid(relation) && ((CmigLintTable *) lfirst(lc))->oid == relation)
		return true;
	return false;
}

/*
 * Add to the listing the objects that depend on any part of a live relation or,
 * if "column" is not 0, on that column.  Objects dropped by the plan or by the
 * current statement are left out.  If "type_change" is true, foreign keys are
 * left out, because a type change re-creates them.
 */
static void
add_live(CmigLint *lint, CmigListing *listing, Oid relation, AttrNumber column, bool type_change, List *dropped)
{
	ListCell   *lc;

	if (!OidIsValid(relation))
		return;
	foreach(lc, cmig_lint_code_dependents(relation, column))
	{
		CmigLintDependent *dependent = lfirst(lc);

		if (!(type_change && dependent->kind == CMIG_LINT_FOREIGN_KEY) &&
			!cmig_lint_cascade_is_free(lint, dependent) && !is_among(dependent->relation, dropped))
			cmig_listing_add(listing, dependent->description);
	}
}

/*
 * Returns the objects that depend on a relation or, if "name" is not NULL, on
 * its column "name", as a list for a message.  Returns NULL if there are none.
 * Relations in "dropped" are left out, because the same statement drops them.
 */
static char *
all_dependents(CmigLint *lint, const CmigLintTable *table, const char *name, bool type_change, List *dropped)
{
	CmigListing listing;
	CmigLintColumn *column = name ? cmig_lint_model_column(table, name) : NULL;
	ListCell   *lc;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	if (name == NULL || (column && column->attnum != 0))
		add_live(lint, &listing, table->oid, column ? column->attnum : 0, type_change, dropped);
	foreach(lc, cmig_lint_cascade_views(lint, table, name, false))
	{
		CmigLintTable *view = lfirst(lc);

		if (!list_member_ptr(dropped, view))
			cmig_listing_add_format(&listing, "%s %s", view->kind == RELKIND_MATVIEW ? "materialized view" : "view",
									quote_identifier(view->name));
	}
	return listing.count > 0 ? cmig_listing_text(&listing) : NULL;
}

/* Report how a DROP affects the objects that depend on the dropped object. */
static void
report_dropped(CmigLint *lint, const char *object, const char *dependents, DropBehavior behavior)
{
	if (dependents == NULL)
		return;
	if (behavior == DROP_CASCADE)
		cmig_lint_report(lint, NULL, "CASCADE also drops what depends on %s: %s", object, dependents);
	else
		cmig_lint_report(lint, NULL, "dropping %s fails, because it is used by %s", object, dependents);
}

/* Does an earlier action of the same ALTER TABLE drop the foreign key? */
static bool
is_dropped_before(CmigLint *lint, const CmigLintDependent *key, List *dropped)
{
	return key->relation == lint->target->oid && key->name && cmig_text_list_has(dropped, key->name);
}

/*
 * Returns the foreign keys that depend on a constraint of a live table, as a
 * list for a message.  Returns NULL if there are none.  "dropped" contains the
 * names of the constraints that the statement has already dropped.
 */
static char *
users_of_constraint(CmigLint *lint, const char *name, List *dropped)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(lint->target, name);
	Oid			oid = constraint && constraint->added_in == 0 && OidIsValid(lint->target->oid) ?
	get_relation_constraint_oid(lint->target->oid, name, true) : InvalidOid;
	CmigListing listing;
	ListCell   *lc;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach(lc, OidIsValid(oid) ? cmig_lint_code_dependents(get_constraint_index(oid), 0) : NIL)
	{
		CmigLintDependent *key = lfirst(lc);

		if (!cmig_lint_cascade_is_free(lint, key) && !is_dropped_before(lint, key, dropped))
			cmig_listing_add(&listing, key->description);
	}
	return listing.count > 0 ? cmig_listing_text(&listing) : NULL;
}

/* Check ALTER TABLE for the rule dependent-objects. */
static void
check_altered(CmigLint *lint, AlterTableStmt *alter)
{
	List	   *dropped = NIL;
	ListCell   *lc;

	foreach(lc, lint->target ? alter->cmds : NIL)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		bool		drops = command->subtype == AT_DropColumn;
		char	   *dependents;

		if (command->subtype == AT_DropConstraint)
		{
			report_dropped(lint, psprintf("constraint %s", quote_identifier(command->name)),
						   users_of_constraint(lint, command->name, dropped), command->behavior);
			dropped = lappend(dropped, command->name);
		}
		if (!drops && command->subtype != AT_AlterColumnType)
			continue;
		dependents = all_dependents(lint, lint->target, command->name, !drops, NIL);
		if (dependents == NULL)
			continue;
		if (drops)
			report_dropped(lint, psprintf("column %s", quote_identifier(command->name)), dependents, command->behavior);
		else
			cmig_lint_report(lint, NULL, "changing the type of column %s fails, because it is used by %s",
							 quote_identifier(command->name), dependents);
	}
}

/* Check DROP TABLE, DROP VIEW, and DROP MATERIALIZED VIEW. */
static void
check_dropped(CmigLint *lint, DropStmt *drop)
{
	List	   *dropped = NIL;
	ListCell   *lc;

	if (drop->removeType != OBJECT_TABLE && drop->removeType != OBJECT_VIEW &&
		drop->removeType != OBJECT_MATVIEW)
		return;
	foreach(lc, drop->objects)
	{
		CmigLintTable *table = cmig_lint_state_find_names(lint, lfirst(lc), drop->missing_ok);

		if (table)
			dropped = lappend(dropped, table);
	}
	foreach(lc, dropped)
	{
		char	   *dependents = all_dependents(lint, lfirst(lc), NULL, false, dropped);

		if (dependents != NULL)
			report_dropped(lint, cmig_lint_text_name(lfirst(lc)), dependents, drop->behavior);
	}
}

/*
 * Returns the columns that have a live type, as a list for a message.  Returns
 * NULL if there are none.  Columns that the plan has dropped or changed are
 * left out.
 */
static char *
columns_of_type(CmigLint *lint, const TypeName *name)
{
	CmigListing listing;
	Oid			type;
	int32		typmod;
	const char *new_name;
	ListCell   *lc;

	cmig_lint_types_find(lint, name, &type, &typmod, &new_name);
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach(lc, lint->reads_facts && new_name == NULL && OidIsValid(type) ? cmig_lint_code_columns(type) : NIL)
	{
		CmigLintDependent *column = lfirst(lc);

		if (!cmig_lint_cascade_is_free(lint, column))
			cmig_listing_add(&listing, column->description);
	}
	return listing.count > 0 ? cmig_listing_text(&listing) : NULL;
}

/* Check DROP TYPE and DROP DOMAIN. */
static void
check_dropped_types(CmigLint *lint, DropStmt *drop)
{
	ListCell   *lc;

	foreach(lc, drop->objects)
	{
		TypeName   *name = lfirst_node(TypeName, lc);

		report_dropped(lint, psprintf("%s %s", drop->removeType == OBJECT_DOMAIN ? "domain" : "type", NameListToQuotedString(name->names)),
					   columns_of_type(lint, name), drop->behavior);
	}
}

/*
 * Check DROP EXTENSION, DROP FUNCTION, and similar statements with CASCADE,
 * which can drop columns, tables, and views.
 */
static void
check_dropped_others(CmigLint *lint, DropStmt *drop)
{
	ListCell   *lc;

	foreach(lc, drop->behavior == DROP_CASCADE ? drop->objects : NIL)
	{
		CmigListing listing;
		char	   *object;

		cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
		object = cmig_lint_cascade_describe(lint, drop->removeType, lfirst(lc), &listing);
		if (object != NULL && listing.count > 0)
			report_dropped(lint, object, cmig_listing_text(&listing), DROP_CASCADE);
	}
}

/* Implements the rule dependent-objects. */
static void
check_dependents(CmigLint *lint, Node *node)
{
	if (!IsA(node, DropStmt))
	{
		check_altered(lint, (AlterTableStmt *) node);
		return;
	}
	switch (((DropStmt *) node)->removeType)
	{
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			check_dropped_types(lint, (DropStmt *) node);
			break;
		case OBJECT_EXTENSION:
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
		case OBJECT_OPERATOR:
		case OBJECT_COLLATION:
		case OBJECT_FOREIGN_SERVER:
		case OBJECT_FDW:
			check_dropped_others(lint, (DropStmt *) node);
			break;
		default:
			check_dropped(lint, (DropStmt *) node);
			break;
	}
}

/*
 * code-uses-dropped
 */

/* A table or column that the plan has dropped or renamed. */
typedef struct Missing
{
	CmigLintName name;
	Oid			oid;			/* OID of the table */
	int			since;			/* number of the statement that dropped or
								 * renamed the table or column */
	CmigLintFinding *finding;
} Missing;

/* Does the function's body use the table or column? */
static bool
uses(const Missing *missing, const char *source, Oid function)
{
	const CmigLintName *name = &missing->name;
	bool		is_trigger;

	if (name->column && !cmig_lint_code_names(source, name->column))
		return false;
	is_trigger = name->column && OidIsValid(missing->oid) && OidIsValid(function) &&
		list_member_oid(cmig_lint_code_trigger_functions(missing->oid), function);
	return cmig_lint_body_uses(source, name, is_trigger);
}

/*
 * Returns the functions that still use the table or column at the end of the
 * plan, as a list for a message.  Returns NULL if there are none.
 */
static char *
users_of(CmigLint *lint, const Missing *missing)
{
	CmigListing listing;
	ListCell   *lc;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach(lc, cmig_lint_objects_bodies(lint))
	{
		CmigLintBody *body = lfirst(lc);
		CmigLintFunction *replaced = cmig_lint_objects_function(lint, body->name);

		if ((replaced == NULL || replaced->created_at < missing->since) &&
			!cmig_lint_objects_is_dropped_function(lint, body->name) &&
			uses(missing, body->source, body->oid))
			cmig_listing_add(&listing, cmig_lint_code_function_name(body->oid));
	}
	return listing.count > 0 ? cmig_listing_text(&listing) : NULL;
}

/*
 * Callback at the end of the plan: do functions still use the dropped or
 * renamed object?  If so, adds these functions to the finding's message.
 */
static bool
is_still_used(CmigLint *lint, void *arg)
{
	Missing    *missing = arg;
	char	   *users;

	/*
	 * report nothing if the plan has re-created the table or column, or has
	 * renamed it back
	 */
	if (cmig_lint_state_has(lint, missing->oid, missing->name.table, missing->name.column))
		return false;
	users = users_of(lint, missing);
	if (users == NULL)
		return false;
	missing->finding->message = psprintf("%s: %s", missing->finding->message, users);
	return true;
}

/*
 * Record that a table or, if "column" is not NULL, a column no longer exists
 * under its name.  "what" is "dropped" or "renamed".
 */
static void
note_missing(CmigLint *lint, const CmigLintTable *table, const char *column, const char *what)
{
	MemoryContext old;
	Missing    *missing;
	CmigLintFinding *finding;

	if (table == NULL || table->origin != CMIG_LINT_LIVE || !lint->reads_facts)
		return;
	if (column)
		finding = cmig_lint_report(lint, NULL, "column %s of %s is %s, but functions still use it",
								   quote_identifier(column), cmig_lint_text_name(table), what);
	else
		finding = cmig_lint_report(lint, NULL, "%s is %s, but functions still use it",
								   cmig_lint_text_name(table), what);
	old = MemoryContextSwitchTo(lint->context);
	missing = palloc0(sizeof(Missing));
	missing->name.schema = pstrdup(table->schema);
	missing->name.table = pstrdup(table->name);
	missing->oid = table->oid;
	missing->name.column = column ? pstrdup(column) : NULL;
	missing->since = cmig_lint_state_statements(lint);
	missing->finding = finding;
	MemoryContextSwitchTo(old);
	cmig_lint_report_later(lint, finding, true, is_still_used, missing);
}

/* Does the table in the live database have this column? */
static bool
is_live_column(const CmigLintTable *table, const char *name)
{
	CmigLintColumn *column = cmig_lint_model_column(table, name);

	return column && !column->is_new;
}

/* Implements the rule code-uses-dropped. */
static void
check_code(CmigLint *lint, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;
	ListCell   *lc;

	if (IsA(node, DropStmt))
	{
		DropStmt   *drop = (DropStmt *) node;

		if (drop->removeType != OBJECT_TABLE && drop->removeType != OBJECT_VIEW)
			return;
		foreach(lc, drop->objects)
		{
			note_missing(lint, cmig_lint_state_find_names(lint, lfirst(lc), true), NULL, "dropped");
		}
	}
	else if (lint->target == NULL)
		return;
	else if (IsA(node, RenameStmt))
	{
		if (rename->renameType == OBJECT_COLUMN && is_live_column(lint->target, rename->subname))
			note_missing(lint, lint->target, rename->subname, "renamed");
		else if (rename->renameType == OBJECT_TABLE || rename->renameType == OBJECT_VIEW)
			note_missing(lint, lint->target, NULL, "renamed");
	}
	else
	{
		foreach(lc, ((AlterTableStmt *) node)->cmds)
		{
			AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

			if (command->subtype == AT_DropColumn && is_live_column(lint->target, command->name))
				note_missing(lint, lint->target, command->name, "dropped");
		}
	}
}

const CmigLintRule cmig_lint_dependents[] = {
	{"dependent-objects", CMIG_LINT_ERROR, false, check_dependents, {T_AlterTableStmt, T_DropStmt}},
	{"code-uses-dropped", CMIG_LINT_WARNING, false, check_code, {T_AlterTableStmt, T_RenameStmt, T_DropStmt}},
	{NULL}
};
