/*
 * effects.c
 *	  What the statements of revisions do, as seen by running them on copies.
 *
 * In the shadow, copies of the live objects are created, and then the scripts
 * run, as in a replay.  After each statement, the image of the copies shows what
 * is gone or has become weaker.  The copies are empty, so an error that rows can
 * cause, or that a function raises, says nothing.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pgstat_internal.h"

#include "base/errors.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Compares the copies before and after a statement.
 * ----------------------------------------------------------------
 */

/* A run of scripts. */
typedef struct EffectsRun
{
	const CmigGraph *graph;
	const int  *nodes;
	int			count;
	CmigEffects *result;
	CmigCopies *copies;
	const List *scripts;		/* list of char * */
	bool		all;			/* see cmig_effects_read() */
	const char *setting;		/* see cmig_run_limit_tighten() */
	int			limit;
	const CmigEffectsLook *look;	/* or NULL */
	MemoryContext context;		/* of the result */

	CmigTargetState *state;		/* while the scripts run */
	const CmigStatement *statement;
	int			step;			/* the current script, counted from 0 */
	CmigCopiesState first;		/* before the first script, */
	CmigCopiesState opening;	/* before the current script, */
	CmigCopiesState before;		/* and before the current statement */
	List	   *emptied;		/* list of Oid: tables that it has emptied */
	List	   *pending;		/* list of CmigEffect: of the current script */
	bool		code;			/* does the statement run functions? */
	int64		scans;			/* of tables, before the statement */
	bool		scanned;		/* did code scan tables, which are empty? */
	CmigCopiedTable *copied;	/* for one who looks at the copies */
	int			ncopied;
	bool		wrote;			/* has the statement changed a catalog? */
	bool		unsure;			/* has a statement not run that may be right? */
	bool		stopped;		/* has a statement failed? */
} EffectsRun;

/* Free the memory of a state, except for what others use. */
static void
state_free(const EffectsRun *run, const CmigCopiesState *state, const CmigCopiesState *next)
{
	const CmigCopiesState *const used[] = {&run->first, &run->opening, next};
	bool		keeps_context = false;
	bool		keeps_texts = false;

	for (int i = 0; i < lengthof(used); i++)
	{
		keeps_context |= state->context == used[i]->context;
		keeps_texts |= state->texts == used[i]->texts;
	}
	if (state->context != state->texts && !keeps_context)
		MemoryContextDelete(state->context);
	if (!keeps_texts)
		MemoryContextDelete(state->texts);
}

static CmigEffect *
add_effect(EffectsRun *run, List **effects, CmigEffectType type, const CmigObject *object,
		   const char *what)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	CmigEffect *effect = palloc0(sizeof(CmigEffect));

	effect->type = type;
	effect->step = run->step;
	effect->statement = run->statement ? run->statement->number : 0;
	effect->what = pstrdup(what);
	effect->doubtful = run->unsure || run->scanned;
	if (object != NULL)
	{
		const CmigObject *root = cmig_object_root(unconstify(CmigObject *, object));

		effect->kind = object->kind;
		effect->name = pstrdup(object->name);
		effect->object = pstrdup(object->identity);
		effect->root = pstrdup(root->identity);
		effect->root_address = root->address;
		effect->address = object->address;
	}
	*effects = lappend(*effects, effect);
	MemoryContextSwitchTo(caller);
	return effect;
}

/* Add what roles could do with the old object but cannot do with the new one. */
static void
compare_grants(EffectsRun *run, List **effects, const CmigObject *old, const CmigObject *new)
{
	foreach_ptr(const CmigGrant, grant, old->grants)
	{
		bool		kept = !grant->granted ||
		(grant->grantee && new->owner &&
		 strcmp(grant->grantee, quote_identifier(new->owner)) == 0);
		bool		denied = grant->granted || grant->grantee == NULL ||
		strcmp(grant->grantee, "PUBLIC") != 0;

		foreach_ptr(const CmigGrant, other, new->grants)
		{
			denied |= !other->granted && cmig_text_same(grant->grantee, other->grantee) &&
				cmig_text_same(grant->privilege, other->privilege);
			kept |= other->granted && cmig_text_same(grant->grantee, other->grantee) &&
				cmig_text_same(grant->privilege, other->privilege);
		}
		/* a new object has what the former one has revoked */
		if (!denied)
			add_effect(run, effects, CMIG_EFFECT_WEAKER, old,
					   psprintf("grants %s to PUBLIC", grant->privilege));
		if (!kept)
			add_effect(run, effects, CMIG_EFFECT_REVOKED, old,
					   psprintf("no longer grants %s to %s", grant->privilege,
								grant->grantee ? grant->grantee : "its owner"));
	}
	foreach_ptr(const CmigGrant, grant, new->grants)
	{
		bool		known = !grant->granted || grant->grantee == NULL ||
		strcmp(grant->grantee, "PUBLIC") != 0;

		foreach_ptr(const CmigGrant, other, old->grants)
			known |= cmig_text_same(grant->grantee, other->grantee) &&
			cmig_text_same(grant->privilege, other->privilege);
		if (!known)
			add_effect(run, effects, CMIG_EFFECT_SHARED, old,
					   psprintf("grants %s to PUBLIC", grant->privilege));
	}
}

static const CmigObject *
schema_of(const CmigObject *object)
{
	for (int i = 0; i < object->ndepends; i++)
		if (object->depends[i]->kind == &cmig_kind_schema)
			return object->depends[i];
	return NULL;
}

/* Add that an object has another name or schema, or that a column's values were converted. */
static void
compare_use(EffectsRun *run, List **effects, const CmigObject *old, const CmigObject *new,
			const CmigCopiesState *after)
{
	const bool	column = old->kind == &cmig_kind_column || old->kind == &cmig_kind_attribute;
	const CmigObject *schema = schema_of(old);

	if (column && !cmig_text_same(old->values[CMIG_COLUMN_TYPE], new->values[CMIG_COLUMN_TYPE]))
		add_effect(run, effects, CMIG_EFFECT_RETYPED, old, new->values[CMIG_COLUMN_TYPE])->former =
			MemoryContextStrdup(run->context, old->values[CMIG_COLUMN_TYPE]);
	if (!column && old->kind != &cmig_kind_schema && old->kind != &cmig_kind_function &&
		(old->parent != NULL || (old->kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) == 0))
		return;
	if (strcmp(old->name, new->name) != 0)
		add_effect(run, effects, CMIG_EFFECT_RENAMED, old, "is renamed");
	else if (schema != NULL && cmig_copies_counterpart(after, schema) != schema_of(new))
		add_effect(run, effects, CMIG_EFFECT_RENAMED, old, "moves to another schema");
}

/* Does a member of a publication, or a publication, publish less than before? */
static const char *
published_less(const CmigObject *old, const CmigObject *new)
{
	static const char *const actions[] = {"insert", "update", "delete", "truncate"};

	if (old->kind != &cmig_kind_publication)
		return old->values[CMIG_MEMBER_PART][0] == '\0' &&
			new->values[CMIG_MEMBER_PART][0] != '\0' ?
			"is no longer published with all columns and rows" : NULL;
	if (old->values[CMIG_PUBLICATION_ALL_TABLES] && !new->values[CMIG_PUBLICATION_ALL_TABLES])
		return "no longer publishes all tables";
	for (int i = 0; i < lengthof(actions); i++)
		if (cmig_text_has_word(old->values[CMIG_PUBLICATION_PUBLISH], actions[i]) &&
			!cmig_text_has_word(new->values[CMIG_PUBLICATION_PUBLISH], actions[i]))
			return psprintf("no longer publishes %s", actions[i]);
	return NULL;
}

/* Returns the end of the next column in a view's columns. */
static const char *
column_end(const char *text)
{
	bool		quoted = false;
	int			depth = 0;

	for (; *text != '\0' && (quoted || depth > 0 || *text != ','); text++)
	{
		if (*text == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += (*text == '(') - (*text == ')');
	}
	return text;
}

/* Add which columns of a view are gone. */
static void
compare_columns(EffectsRun *run, List **effects, const CmigObject *old, const CmigObject *new)
{
	const char *columns = old->values[CMIG_VIEW_COLUMNS];

	while (columns != NULL && *columns != '\0')
	{
		const char *end = column_end(columns);
		const char *name = *columns == '"' ? columns + 1 : columns;
		int			length = strcspn(name, *columns == '"' ? "\"" : " ") + 2 * (name - columns);
		const char *other = new->values[CMIG_VIEW_COLUMNS];

		while (other != NULL && strncmp(other, columns, length) != 0)
		{
			other = column_end(other);
			other = *other == '\0' ? NULL : other + strlen(", ");
		}
		if (other == NULL)
			add_effect(run, effects, CMIG_EFFECT_NARROWED, old,
					   psprintf("no longer has column %s", pnstrdup(columns, length)));
		columns = *end == '\0' ? end : end + strlen(", ");
	}
}

/* Is a function's privileged code run, and with the caller's search_path? */
static void
read_function(const CmigObject *function, bool *definer, bool *pinned)
{
	/* the definition may lack a body */
	const CreateFunctionStmt *tree = castNode(CreateFunctionStmt,
											  cmig_raw_parse_one(psprintf("%s\nRETURN NULL",
																		  function->values[CMIG_DEFINITION]))->stmt);

	*definer = *pinned = false;
	foreach_node(DefElem, option, tree->options)
	{
		if (strcmp(option->defname, "security") == 0)
			*definer = boolVal(option->arg);
		else if (strcmp(option->defname, "set") == 0)
			*pinned |= strcmp(((VariableSetStmt *) option->arg)->name, "search_path") == 0;
	}
}

static void
compare_functions(EffectsRun *run, List **effects, const CmigObject *old, const CmigObject *new)
{
	bool		definer,
				was_definer,
				pinned,
				was_pinned;

	if (strcmp(old->values[CMIG_DEFINITION], new->values[CMIG_DEFINITION]) == 0)
		return;
	read_function(old, &was_definer, &was_pinned);
	read_function(new, &definer, &pinned);
	if (definer && !was_definer)
		add_effect(run, effects, CMIG_EFFECT_WEAKER, old, "runs with the privileges of its owner");
	else if (definer && was_pinned && !pinned)
		add_effect(run, effects, CMIG_EFFECT_WEAKER, old,
				   "runs with the search_path of its caller, but the privileges of its owner");
}

/* Add that an object that guards rows is replaced by one that guards less. */
static void
add_weaker(EffectsRun *run, List **effects, CmigWeaker weaker, const CmigObject *old,
		   const CmigObject *new)
{
	const char *by = old->kind == new->kind &&
	strcmp(old->name, new->name) == 0 ? NULL : psprintf("%s %s", new->kind->name, new->name);

	if (weaker == CMIG_WEAKER_YES)
		add_effect(run, effects, CMIG_EFFECT_WEAKER, old,
				   by ? psprintf("is replaced by %s, which guards less", by) :
				   "guards less than before");
	else if (weaker == CMIG_WEAKER_UNKNOWN)
		add_effect(run, effects, CMIG_EFFECT_UNCLEAR, old,
				   by ? psprintf("is replaced by %s; it cannot be decided whether this guards less",
								 by) :
				   "is changed; it cannot be decided whether it guards less");
}

/* Does a column that the object uses have another type? */
static bool
is_retyped(const CmigObject *object, const CmigCopiesState *after)
{
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *column = object->depends[i];
		const CmigObject *other = column->kind == &cmig_kind_column ?
		cmig_copies_counterpart(after, column) : NULL;

		if (other != NULL &&
			!cmig_text_same(column->values[CMIG_COLUMN_TYPE], other->values[CMIG_COLUMN_TYPE]))
			return true;
	}
	return false;
}

/*
 * Is what is gone replaced by other objects of its table?  If these guard less,
 * add this.
 */
static bool
is_succeeded(EffectsRun *run, List **effects, const CmigObject *old, const CmigCopiesState *before,
			 const CmigCopiesState *after)
{
	const CmigObject *parent = old->parent ? cmig_copies_counterpart(after, old->parent) : NULL;
	const CmigObject *best = NULL;
	CmigWeaker	weaker = CMIG_WEAKER_OTHER;

	for (const CmigObject *child = parent ? parent->child :
		 NULL; child != NULL; child = child->sibling)
	{
		CmigWeaker	each = cmig_weaker(old, before->conditions[old->index], child,
									   after->conditions[child->index]);

		/* what was already there may guard as much, but replaces nothing */
		if (each == CMIG_WEAKER_OTHER ||
			(each != CMIG_WEAKER_NOT && cmig_copies_counterpart(before, child) != NULL) ||
			(best != NULL && weaker <= each))
			continue;
		weaker = each;
		best = child;
	}
	if (best != NULL)
		add_weaker(run, effects, weaker, old, best);
	return best != NULL;
}

/* Returns the conditions of a table's policies. */
static List *
policies_of_table(const CmigCopiesState *state, const CmigObject *table)
{
	List	   *policies = NIL;

	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_policy && state->rows[child->index] != 0)
			policies = lappend(policies, state->conditions[child->index]);
	return policies;
}

/* Add how a table's policies admit more rows to the roles that they name. */
static void
compare_policies(EffectsRun *run, List **effects, const CmigObject *old,
				 const CmigCopiesState *before, const CmigObject *new, const CmigCopiesState *after)
{
	List	   *former = policies_of_table(before, old);
	List	   *latter = policies_of_table(after, new);
	List	   *roles = list_make1_oid(InvalidOid);

	foreach_ptr(const CmigCondition, policy, list_concat_copy(former, latter))
		roles = list_concat_unique_oid(roles, policy->roles);
	for (const CmigObject *policy = new->child; policy != NULL; policy = policy->sibling)
	{
		const CmigObject *same = policy->kind == &cmig_kind_policy ?
		cmig_copies_counterpart(before, policy) : NULL;
		const CmigObject *shown = same ? same : policy;
		CmigWeaker	worst = CMIG_WEAKER_OTHER;
		Oid			whose = InvalidOid;

		if (policy->kind != &cmig_kind_policy || after->rows[policy->index] == 0 ||
			(same != NULL &&
			 cmig_condition_same(before->conditions[same->index],
								 after->conditions[policy->index])))
			continue;
		foreach_oid(role, roles)
		{
			CmigWeaker	weaker = cmig_weaker_policies(former, latter, role,
													  same ? before->conditions[same->index] : NULL,
													  after->conditions[policy->index]);

			if (weaker > worst)
			{
				whose = role;
				worst = weaker;
			}
		}
		if (worst == CMIG_WEAKER_ALL)
			add_effect(run, effects, CMIG_EFFECT_EXPOSED, shown, "is true for all rows");
		else if (worst == CMIG_WEAKER_YES)
			add_effect(run, effects, CMIG_EFFECT_WEAKER, shown,
					   psprintf("admits more rows%s%s", OidIsValid(whose) ? " to role " : "",
								OidIsValid(whose) ? GetUserNameFromId(whose, false) : ""));
		else if (worst == CMIG_WEAKER_UNKNOWN)
			add_effect(run, effects, CMIG_EFFECT_UNCLEAR, shown,
					   "is changed; it cannot be decided whether it admits more rows");
	}
}

/* Can a subscriber find the row that was updated or deleted? */
static bool
identifies_rows(const CmigObject *table)
{
	bool		has_key = false;

	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		if (child->kind == &cmig_kind_replica_identity)
			return strcmp(child->values[CMIG_DEFINITION], "NOTHING") != 0;
		has_key |= cmig_constraint_type(child) == 'p';
	}
	return has_key;
}

/* Add that rules discard rows of a table that were stored before. */
static void
compare_rules(EffectsRun *run, List **effects, const CmigObject *old, const CmigCopiesState *before,
			  const CmigObject *new)
{
	static const char *const commands[] =
	{[CMD_SELECT] = "SELECT",[CMD_UPDATE] = "UPDATE",[CMD_INSERT] = "INSERT",[CMD_DELETE] = "DELETE"};

	for (const CmigObject *rule = new->child; rule != NULL; rule = rule->sibling)
	{
		const RuleStmt *tree;
		const CmigObject *same;

		if (rule->kind != &cmig_kind_rule)
			continue;
		same = cmig_copies_counterpart(before, rule);
		tree = castNode(RuleStmt, cmig_raw_parse_one(rule->values[CMIG_DEFINITION])->stmt);
		if (tree->instead && tree->actions == NIL &&
			(same == NULL ||
			 strcmp(same->values[CMIG_DEFINITION], rule->values[CMIG_DEFINITION]) != 0))
			add_effect(run, effects, CMIG_EFFECT_WEAKER, old,
					   psprintf("discards %s of %s, because of rule %s",
								tree->whereClause ? "some rows" : "the rows", commands[tree->event],
								rule->name));
	}
}

/* Is what is left of an object that both images have weaker? */
static void
compare_object(EffectsRun *run, List **effects, const CmigObject *old, const CmigObject *new)
{
	const char *what = NULL;

	if (old->kind == &cmig_kind_table)
	{
		if (old->values[CMIG_TABLE_ROW_SECURITY] && !new->values[CMIG_TABLE_ROW_SECURITY])
			add_effect(run, effects, CMIG_EFFECT_EXPOSED, old, "no longer has row security");
		else if (old->values[CMIG_TABLE_FORCE_ROW_SECURITY] &&
				 !new->values[CMIG_TABLE_FORCE_ROW_SECURITY])
			add_effect(run, effects, CMIG_EFFECT_EXPOSED, old,
					   "no longer applies row security to its owner");
		if ((cmig_object_child(old, &cmig_kind_replica_identity, NULL) != NULL ||
			 cmig_object_child(new, &cmig_kind_replica_identity, NULL) != NULL) &&
			identifies_rows(old) && !identifies_rows(new))
			what = "has no replica identity, so that UPDATE and DELETE fail if it is published";
	}
	else if (old->kind == &cmig_kind_column || old->kind == &cmig_kind_domain)
	{
		int			property = old->kind == &cmig_kind_column ? CMIG_COLUMN_NOT_NULL :
		CMIG_DOMAIN_NOT_NULL;

		if (old->values[property] && !new->values[property])
			add_effect(run, effects, CMIG_EFFECT_NULLABLE, old, "accepts NULL");
		if (old->kind == &cmig_kind_domain)
			what = old->values[CMIG_DOMAIN_DEFAULT] &&
				!new->values[CMIG_DOMAIN_DEFAULT] ? "has no default" : NULL;
		else if (old->values[CMIG_COLUMN_GENERATED] && !new->values[CMIG_COLUMN_GENERATED])
			what = "is no longer computed";
		else if (old->values[CMIG_COLUMN_IDENTITY] && !new->values[CMIG_COLUMN_IDENTITY] &&
				 cmig_object_child(new, &cmig_kind_default, NULL) == NULL)
			what = "is no longer an identity column";
	}
	else if (old->kind == &cmig_kind_trigger || old->kind == &cmig_kind_rule ||
			 old->kind == &cmig_kind_event_trigger)
	{
		if (!cmig_text_same(old->values[1], new->values[1]) && new->values[1] != NULL &&
			strcmp(new->values[1], "ENABLE ALWAYS") != 0)
			what = strcmp(new->values[1], "DISABLE") == 0 ? "is disabled" : "runs only on replicas";
	}
	else if (old->kind == &cmig_kind_constraint || old->kind == &cmig_kind_foreign_key)
	{
		if (!cmig_is_not_valid(old->values[CMIG_DEFINITION]) &&
			cmig_is_not_valid(new->values[CMIG_DEFINITION]))
			what = "is not valid";
	}
	else if (old->kind == &cmig_kind_index)
	{
		if (cmig_index_is_unique(old) && !cmig_index_is_unique(new))
			what = "is not unique";
	}
	else if (old->kind == &cmig_kind_publication || old->kind == &cmig_kind_publication_table)
		what = published_less(old, new);
	else if (old->kind == &cmig_kind_view)
	{
		const char *options = old->values[CMIG_VIEW_OPTIONS];

		if (options && (cmig_text_has_word(options, "security_barrier") ||
						cmig_text_has_word(options, "security_invoker")) &&
			!cmig_text_same(options, new->values[CMIG_VIEW_OPTIONS]))
			add_effect(run, effects, CMIG_EFFECT_EXPOSED, old,
					   psprintf("loses the options %s", options));
	}
	if (old->kind == &cmig_kind_view || old->kind == &cmig_kind_materialized_view)
		compare_columns(run, effects, old, new);
	else if (old->kind == &cmig_kind_function)
		compare_functions(run, effects, old, new);
	if (what != NULL)
		add_effect(run, effects, CMIG_EFFECT_WEAKER, old, what);
	if (old->owner && new->owner && strcmp(old->owner, new->owner) != 0)
		add_effect(run, effects, CMIG_EFFECT_SHARED, old,
				   psprintf("belongs to role %s", new->owner));
	compare_grants(run, effects, old, new);
}

/* Do objects that both states have guard less? */
static void
compare_guards(EffectsRun *run, List **effects, const CmigObject *old,
			   const CmigCopiesState *before, const CmigObject *new, const CmigCopiesState *after)
{
	CmigWeaker	weaker;

	if (old->kind == &cmig_kind_table)
		compare_rules(run, effects, old, before, new);
	if (old->kind == &cmig_kind_table && old->values[CMIG_TABLE_ROW_SECURITY] &&
		new->values[CMIG_TABLE_ROW_SECURITY])
		compare_policies(run, effects, old, before, new, after);
	/* with the same address, only names can differ, unless it is a trigger */
	else if (!old->inherited &&
			 (old->kind == &cmig_kind_trigger ||
			  memcmp(&old->address, &new->address, sizeof(CmigAddress)) != 0))
	{
		weaker = cmig_weaker(old, before->conditions[old->index], new,
							 after->conditions[new->index]);
		if (weaker != CMIG_WEAKER_UNKNOWN || !is_retyped(old, after))
			add_weaker(run, effects, weaker, old, new);
	}
}

/*
 * Does the loss of the object follow from that of another one, which is told: of
 * its table, or of a column of the same table?
 */
static bool
goes_along(const CmigObject *object, const CmigCopiesState *after)
{
	if (object->inherited ||
		(object->parent != NULL && cmig_copies_counterpart(after, object->parent) == NULL))
		return true;
	for (int i = 0; i < object->ndepends && object->parent != NULL &&
		 object->kind != &cmig_kind_policy && object->kind != &cmig_kind_trigger; i++)
		if (object->depends[i]->parent == object->parent &&
			cmig_copies_counterpart(after, object->depends[i]) == NULL)
			return true;
	/* a sequence that belongs to a column */
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		for (int i = 0; i < child->ndepends && child->kind == &cmig_kind_sequence_owner; i++)
			if (cmig_copies_counterpart(after, child->depends[i]) == NULL)
				return true;
	return object->kind == &cmig_kind_sequence_owner || object->kind == &cmig_kind_toast ||
		object->kind == &cmig_kind_replica_identity;
}

/* Does the object's table get another object of its kind? */
static bool
is_replaced(const CmigObject *object, const CmigCopiesState *before, const CmigCopiesState *after)
{
	const CmigObject *parent = object->parent ? cmig_copies_counterpart(after, object->parent) :
	NULL;

	if (object->kind == &cmig_kind_column || object->kind == &cmig_kind_constraint ||
		object->kind == &cmig_kind_foreign_key ||
		object->kind == &cmig_kind_publication_table ||
		object->kind == &cmig_kind_publication_schema)
		return false;
	for (const CmigObject *child = parent ? parent->child :
		 NULL; child != NULL; child = child->sibling)
		if (child->kind == object->kind && cmig_copies_counterpart(before, child) == NULL)
			return true;
	return false;
}

/*
 * Find out from the catalog rows what a statement has changed or dropped.  Marks the
 * objects that these are parts of, and returns false if the rows do not show enough,
 * because something has changed, or because what is gone may have been created again.
 */
static bool
look_at_rows(const EffectsRun *run, CmigCopiesState *after, bool *marked)
{
	const CmigCopiesState *before = &run->before;
	int			count = before->image->count;
	bool		enough = true;

	after->rows = MemoryContextAlloc(before->context, sizeof(uint64) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		after->rows[i] = before->rows[i] == 0 ? 0 : cmig_copies_row(before->image->objects[i]);
		enough &= after->rows[i] == 0 || after->rows[i] == before->rows[i];
		if (after->rows[i] != before->rows[i])
			marked[cmig_object_root(before->image->objects[i])->index] = true;
	}
	for (int i = 0; i < count; i++)
	{
		const CmigObject *object = before->image->objects[i];

		if (after->rows[i] == 0 && before->rows[i] != 0 && object->parent != NULL &&
			object->kind != &cmig_kind_column)
			enough &= goes_along(object, after);
	}
	return enough;
}

/* Add to "effects" what is gone or weaker after a statement. */
static void
compare_states(EffectsRun *run, List **effects, const CmigCopiesState *old,
			   const CmigCopiesState *new)
{
	bool	   *changed = cmig_copies_changed(old, new);

	for (int i = 0; i < old->image->count; i++)
	{
		const CmigObject *object = old->image->objects[i];
		const CmigObject *left;

		/* what the scripts have created is theirs */
		if (old->rows[i] == 0 || !changed[cmig_object_root(old->image->objects[i])->index] ||
			cmig_copies_counterpart(&run->first, object) == NULL)
			continue;
		left = cmig_copies_counterpart(new, object);
		if (left != NULL)
		{
			compare_object(run, effects, object, left);
			compare_guards(run, effects, object, old, left, new);
			/* an object of the same name does not have the rows */
			if (memcmp(&left->address, &object->address, sizeof(CmigAddress)) == 0)
				compare_use(run, effects, object, left, new);
			else if (((object->kind->flags & CMIG_KIND_DATA) != 0 ||
					  object->kind == &cmig_kind_sequence) &&
					 (object->parent == NULL ||
					  cmig_image_find_exactly(new->image, object->parent->address) != NULL))
				add_effect(run, effects, CMIG_EFFECT_GONE, object, "");
		}
		else if (!goes_along(object, new) && !is_succeeded(run, effects, object, old, new) &&
				 !is_replaced(object, old, new))
		{
			add_effect(run, effects, CMIG_EFFECT_GONE, object, "");
			if (cmig_index_is_unique(object))
				add_effect(run, effects, CMIG_EFFECT_WEAKER, object, "no longer keeps rows unique");
		}
	}
}

/* Add the tables that the statement has rewritten or emptied. */
static void
compare_files(EffectsRun *run)
{
	for (int i = 0; i < run->before.image->count; i++)
	{
		const CmigObject *object = run->before.image->objects[i];
		Oid			file = cmig_copies_file(object);

		if (!OidIsValid(file) || file == run->before.files[i])
			continue;
		run->before.files[i] = file;
		if (cmig_copies_counterpart(&run->first, object) == NULL)
			continue;
		add_effect(run, &run->result->effects,
				   list_member_oid(run->emptied, object->address.object) ? CMIG_EFFECT_EMPTIED :
				   CMIG_EFFECT_REWRITTEN, object, "");
	}
}

/* ----------------------------------------------------------------
 * Runs the statements.
 * ----------------------------------------------------------------
 */

/* Add the strong locks of a statement on objects that existed before the scripts. */
static void
add_locks(EffectsRun *run)
{
	foreach_ptr(const CmigHeldLock, lock, cmig_locks_held())
	{
		CmigAddress address = {RelationRelationId, lock->relation, 0};
		const CmigObject *object = cmig_image_find_exactly(run->before.image, address);

		if (!lock->of_transaction && lock->mode >= ShareUpdateExclusiveLock && object != NULL &&
			cmig_copies_counterpart(&run->first, object) != NULL)
			add_effect(run, &run->result->effects, CMIG_EFFECT_LOCKED, object,
					   "")->mode = lock->mode;
	}
}

/* Returns how often tables were scanned in this transaction. */
static int64
count_scans(const EffectsRun *run)
{
	int64		scans = 0;

	/* one who looks at the copies needs no image of them */
	for (int i = 0; i < run->ncopied; i++)
	{
		PgStat_TableStatus *status = find_tabstat_entry(run->copied[i].copy);

		if (status != NULL)
			scans += cmig_counted_scans_compat(status);
	}
	for (int i = 0; i < run->before.image->count; i++)
	{
		const CmigObject *object = run->before.image->objects[i];
		PgStat_TableStatus *status = object->kind == &cmig_kind_table ?
		find_tabstat_entry(object->address.object) : NULL;

		if (status != NULL)
			scans += cmig_counted_scans_compat(status);
	}
	return scans;
}

/* In the statement's subtransaction: record what only shows there. */
static void
note_traces(EffectsRun *run)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);

	run->wrote = TransactionIdIsValid(GetCurrentTransactionIdIfAny());
	run->emptied = NIL;
	for (int i = 0; run->wrote && i < run->before.image->count; i++)
	{
		const CmigObject *object = run->before.image->objects[i];
		const PgStat_EntryRef *entry = object->kind == &cmig_kind_table ?
		pgstat_fetch_pending_entry(PGSTAT_KIND_RELATION, MyDatabaseId, object->address.object) :
		NULL;
		const PgStat_TableStatus *status = entry ? entry->pending : NULL;

		if (status != NULL && status->trans != NULL &&
			status->trans->nest_level >= GetCurrentTransactionNestLevel() &&
			status->trans->truncdropped)
			run->emptied = lappend_oid(run->emptied, object->address.object);
	}
	MemoryContextSwitchTo(caller);
}

/* Subtransaction callback: run the current statement. */
static void
run_statement(void *arg)
{
	EffectsRun *run = arg;

	cmig_target_execute(run->state, run->statement);
	note_traces(run);
	if (run->code)
		add_locks(run);
}

/* Does the statement do nothing but call functions of pg_cmig? */
static bool
is_own_call(Node *statement)
{
	const SelectStmt *select = (const SelectStmt *) statement;

	if (!IsA(statement, SelectStmt) || select->op != SETOP_NONE || select->fromClause != NIL)
		return false;
	foreach_node(ResTarget, target, select->targetList)
	{
		const FuncCall *call = (const FuncCall *) target->val;

		if (!IsA(call, FuncCall) || list_length(call->funcname) != 2 ||
			strcmp(strVal(linitial(call->funcname)), "cmig") != 0)
			return false;
	}
	return select->targetList != NIL;
}

/*
 * Is the error about the statement itself, so that it neither depends on rows nor
 * was raised by a function that the statement calls?
 */
static bool
is_of_statement(const EffectsRun *run, const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	if (category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_FEATURE_NOT_SUPPORTED)
		return false;
	if (error->internalquery != NULL && strcmp(error->internalquery, run->statement->text) != 0)
		return false;
	return !run->code || error->cursorpos > 0 || error->internalpos > 0;
}

/* Would the statement fail with this error in the live schema, too? */
static bool
is_certain(const EffectsRun *run, const ErrorData *error)
{
	Node	   *statement = run->statement->raw->stmt;
	const bool	of_extension = strcmp(error->filename, "extension.c") == 0 ||
	strcmp(error->filename, "target_extension.c") == 0;

	/* a trigger may use tables that were not copied */
	if (run->unsure ||
		((cmig_statement_flags(statement) & CMIG_STATEMENT_QUERY) && !IsA(statement, SelectStmt) &&
		 !is_of_statement(run, error)))
		return false;
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
			return error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE;
		case ERRCODE_INVALID_SCHEMA_NAME:
		case ERRCODE_DEPENDENT_PRIVILEGE_DESCRIPTORS_STILL_EXIST:
			return true;
		case ERRCODE_FEATURE_NOT_SUPPORTED:

			/*
			 * neither what a replay refuses, nor what a function raises, but
			 * what the server does not do with tables
			 */
			return run->code ? strcmp(error->filename, "tablecmds.c") == 0 ||
				of_extension : strncmp(error->filename, "target", 6) != 0;
		case ERRCODE_DATA_EXCEPTION:
			return !run->code || of_extension ||
				(error->sqlerrcode == ERRCODE_INVALID_PARAMETER_VALUE && is_own_call(statement));
		default:
			return of_extension || error->sqlerrcode == ERRCODE_ACTIVE_SQL_TRANSACTION ||
				(error->sqlerrcode == ERRCODE_INVALID_TRANSACTION_TERMINATION &&
				 run->graph->nodes[run->nodes[run->step]].revision->transactional);
	}
}

/*
 * Is this a statement that can neither drop nor weaken what exists, so that
 * nothing needs to be compared?
 */
static bool
only_adds(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			foreach_node(AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
			{
				if (command->subtype != AT_AddColumn && command->subtype != AT_AddConstraint &&
					command->subtype != AT_SetNotNull &&
					command->subtype != AT_ValidateConstraint &&
					command->subtype != AT_EnableRowSecurity)
					return false;
			}
			return true;
		case T_GrantStmt:
			return ((GrantStmt *) statement)->is_grant;
		case T_CreatePolicyStmt:
			return !((CreatePolicyStmt *) statement)->permissive;
		default:
			return (cmig_statement_flags(statement) & CMIG_STATEMENT_ADDS) != 0;
	}
}

/* A CmigReplayStatement: run a statement, and see what it does. */
static void
try_statement(CmigTargetState *state, const CmigStatement *statement, void *arg)
{
	EffectsRun *run = arg;
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *error;
	CmigEffect *effect;
	CmigCopiesState after;
	bool	   *marked;
	bool		adds;

	/* what would be in schemas of other roles does not run */
	run->unsure |= state->target->elsewhere != NIL;
	if (run->stopped)
		return;
	run->state = state;
	run->statement = statement;
	/* running the statement changes its tree */
	state->code = run->code =
		(cmig_statement_flags(statement->raw->stmt) & CMIG_STATEMENT_CODE) != 0;
	adds = only_adds(statement->raw->stmt);
	run->scanned = false;
	run->scans = run->code ? count_scans(run) : 0;
	error = cmig_subtransaction_try(run_statement, run);
	(void) cmig_shadow_catalogs_filter(false);
	if (error != NULL)
	{
		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		run->stopped = is_certain(run, error);
		effect = add_effect(run, &run->result->effects,
							run->stopped ? CMIG_EFFECT_FAILS : CMIG_EFFECT_UNKNOWN, NULL,
							psprintf("%s (%s)", error->message,
									 unpack_sql_state(error->sqlerrcode)));
		effect->doubtful |= !is_of_statement(run, error);
		effect->line = error->internalquery == NULL ||
			strcmp(error->internalquery, statement->text) == 0 ?
			cmig_script_error_line(statement, error) : statement->line;
		run->unsure = true;
		return;
	}
	run->scanned = run->code && count_scans(run) > run->scans;
	if (run->scanned && run->look != NULL &&
		(IsA(statement->raw->stmt, DoStmt) || IsA(statement->raw->stmt, CallStmt) ||
		 IsA(statement->raw->stmt, SelectStmt)))
		add_effect(run, &run->result->effects, CMIG_EFFECT_UNKNOWN, NULL,
				   "what it does may depend on rows, which the copies do not have");
	if (!run->wrote)
		return;
	if (run->look != NULL && run->look->after != NULL)
		run->look->after(run->step, statement, run->look->arg);
	compare_files(run);
	after = run->before;
	run->before.stale = after.stale |= adds;
	if (adds)
		return;
	marked = palloc0(Max(after.image->count, 1));
	if (look_at_rows(run, &after, marked))
		after.stale = true;
	else
		after = cmig_copies_update(run->state->shadow, run->context, &run->before, after.rows,
								   marked);
	MemoryContextSwitchTo(caller);
	compare_states(run, &run->pending, &run->before, &after);
	state_free(run, &run->before, &after);
	run->before = after;
}

static bool
is_same_effect(const CmigEffect *a, const CmigEffect *b)
{
	return a->type == b->type && memcmp(&a->address, &b->address, sizeof(CmigAddress)) == 0 &&
		strcmp(a->what, b->what) == 0;
}

static bool
loses_rows(const CmigEffect *effect)
{
	return effect->type == CMIG_EFFECT_GONE && (effect->kind->flags & CMIG_KIND_DATA) != 0;
}

/*
 * Returns those of the effects of the whole script that no single statement has:
 * what one has dropped, another one has created again, but weaker.  They are told
 * at the last statement that has dropped or changed a part of the same object.
 */
static List *
changed_together(const EffectsRun *run, const List *remaining)
{
	List	   *result = NIL;

	foreach_ptr(CmigEffect, effect, remaining)
	{
		bool		known = effect->type == CMIG_EFFECT_GONE;

		foreach_ptr(const CmigEffect, pending, run->pending)
		{
			known |= is_same_effect(effect, pending);
			if (strcmp(effect->root, pending->root) == 0)
				effect->statement = pending->statement;
		}
		effect->combined = true;
		if (!known && effect->statement > 0)
			result = lappend(result, effect);
	}
	return result;
}

/* Read the objects again that have changed, as statements that only add were not looked at. */
static void
read_pending(EffectsRun *run)
{
	const CmigImage *image = run->before.image;
	bool	   *marked = palloc0(Max(image->count, 1));
	CmigCopiesState state;

	foreach_ptr(const CmigEffect, effect, run->pending)
	{
		const CmigObject *root = cmig_image_find_exactly(image, effect->root_address);

		if (root != NULL)
			marked[root->index] = true;
	}
	state = cmig_copies_update(run->state->shadow, run->context, &run->before, run->before.rows,
							   marked);
	state_free(run, &run->before, &state);
	run->before = state;
}

/*
 * At the end of a script, keep those effects that remain, and the loss of
 * rows.
 */
static void
finish_script(EffectsRun *run)
{
	List	   *remaining = NIL;
	List	   *kept = NIL;
	CmigCopiesState former;
	bool		doubtful = false;

	foreach_ptr(const CmigEffect, effect, run->pending)
		doubtful |= !loses_rows(effect);
	if (doubtful)
	{
		if (run->before.stale)
			read_pending(run);
		compare_states(run, &remaining, &run->opening, &run->before);
	}
	foreach_ptr(CmigEffect, effect, run->pending)
	{
		bool		remains = loses_rows(effect);
		bool		told = false;

		foreach_ptr(const CmigEffect, other, remaining)
			remains |= is_same_effect(effect, other);
		foreach_ptr(const CmigEffect, earlier, kept)
			told |= is_same_effect(effect, earlier);
		if (remains && !told)
			kept = lappend(kept, effect);
	}
	kept = list_concat(kept, changed_together(run, remaining));
	run->result->effects = list_concat(run->result->effects, kept);
	run->pending = NIL;
	former = run->opening;
	run->before.stale = false;
	run->opening = run->before;
	state_free(run, &former, &run->before);
}

static void
leave_out(EffectsRun *run, const char *what)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);

	if (!cmig_text_list_has(run->result->left_out, what))
		run->result->left_out = lappend(run->result->left_out, pstrdup(what));
	run->unsure = true;
	MemoryContextSwitchTo(caller);
}

/* Let the caller know which table each copy stands for. */
static void
show_copies(EffectsRun *run)
{
	const CmigShadow *shadow = run->state->shadow;
	const CmigImage *image = cmig_copies_image(run->copies);
	CmigCopiedTable *tables = palloc(sizeof(CmigCopiedTable) * Max(image->count, 1));
	List	   *schemas = NIL;
	int			count = 0;

	for (int i = 0; i < shadow->count; i++)
		if (OidIsValid(shadow->schemas[i].shadow))
			schemas = lappend_oid(schemas, shadow->schemas[i].shadow);
	for (int i = 0; i < image->count; i++)
	{
		Oid			live = image->objects[i]->address.object;
		Oid			schema = InvalidOid;
		char		kind = image->objects[i]->address.catalog == RelationRelationId &&
		image->objects[i]->address.sub == 0 ? get_rel_relkind(live) : 0;

		if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
			kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
			continue;
		for (int j = 0; j < shadow->count; j++)
			if (shadow->schemas[j].live == get_rel_namespace(live))
				schema = shadow->schemas[j].shadow;
		tables[count].live = live;
		tables[count].copy = OidIsValid(schema) ? get_relname_relid(get_rel_name(live), schema) :
			InvalidOid;
		count += OidIsValid(tables[count].copy);
	}
	run->copied = tables;
	run->ncopied = count;
	run->look->begin(tables, count, schemas, run->look->arg);
}

/* A CmigReplayTask: create the copies, and run the scripts. */
static void
run_scripts(CmigReplay *replay, void *arg)
{
	EffectsRun *run = arg;
	MemoryContext caller = MemoryContextSwitchTo(run->context);

	cmig_run_limit_tighten(run->setting, run->limit);
	run->state = cmig_replay_target(replay);
	cmig_copies_make(run->copies, run->state, NULL);
	foreach_ptr(const char, reason, cmig_copies_reasons(run->copies, false))
		leave_out(run, reason);
	run->stopped = run->all && run->unsure;
	run->state->exact = true;
	if (!run->stopped)
		run->first = run->opening = run->before = cmig_copies_read(run->state->shadow, run->context,
																   run->look != NULL);
	if (run->look != NULL && !run->stopped)
		show_copies(run);
	cmig_replay_statements_run(replay, try_statement, run);
	for (run->step = 0; run->step < run->count && !run->stopped; run->step++)
	{
		cmig_replay_nodes(replay, &run->nodes[run->step], 1, CMIG_UPGRADE, NULL);
		run->statement = NULL;
		finish_script(run);
	}
	foreach_ptr(char, schema, run->state->target->elsewhere)
		leave_out(run, psprintf("schema %s: it belongs to another role", quote_identifier(schema)));
	if (run->look != NULL && run->look->end != NULL && !run->stopped)
		run->look->end(run->look->arg);
	MemoryContextSwitchTo(caller);
}

/*
 * Does the server have room for the locks?  If all of them were used, other
 * sessions would fail, too.
 */
static bool
has_room(int locks)
{
	return locks < (int64) max_locks_per_xact * (MaxBackends + max_prepared_xacts) / 2;
}

/* Subtransaction callback: run the scripts in a shadow. */
static void
run_shadow(void *arg)
{
	EffectsRun *run = arg;
	int			locks;

	cmig_settings_count();
	run->copies = cmig_copies_plan(cmig_managed_of_revisions(), false, run->scripts,
								   run->look ? run->look->texts : NIL,
								   run->look ? run->look->live : NULL);
	locks = cmig_copies_locks(run->copies);
	if (!has_room(locks))
	{
		run->result->not_run =
			psprintf("the copies need about %d locks; increase max_locks_per_transaction", locks);
		return;
	}
	/* statements that a comment exempts from replays may change something */
	foreach_ptr(const char, sql, run->scripts)
		run->unsure |= cmig_marker_may_be_in(sql, "cmig:replay");
	if (run->look == NULL && cmig_expansion_objects() != NIL)
		leave_out(run, "what an expansion has created");
	cmig_replay_run(run->graph, run->result->caller, run_scripts, run);
}

CmigEffects *
cmig_effects_read(const CmigGraph *graph, const int *nodes, int count, const List *scripts,
				  bool all, const char *caller, const char *setting, int limit,
				  const CmigEffectsLook *look)
{
	CmigEffects *result = palloc0(sizeof(CmigEffects));
	EffectsRun	run =
	{.graph = graph,.nodes = nodes,.count = count,.result = result,.scripts = scripts,.all = all,.setting = setting,.limit = limit,.look = look,
	.context = CurrentMemoryContext};
	int			level = cmig_session_read_quietly();
	CmigRunLimit former = cmig_run_limit_read();
	bool		passed;
	ErrorData  *error;

	cmig_running_require_idle(caller);
	result->caller = caller;
	error = cmig_subtransaction_rehearse(run_shadow, &run);
	passed = cmig_run_limit_passed();
	cmig_run_limit_restore(&former);
	/* scripts that look at the activity of sessions have read it */
	pgstat_clear_snapshot();
	AtEOXact_GUC(false, level);
	if (error == NULL)
		return result;
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION && !passed)
		ReThrowError(error);
	/* the server says which limit only if a callback is asked */
	result->not_run = passed &&
		error->sqlerrcode == ERRCODE_QUERY_CANCELED ?
		psprintf("canceling the run due to %s", setting) : error->message;
	if (error->sqlerrcode == ERRCODE_CMIG_NOT_REPLAYABLE && error->detail != NULL)
		result->not_run = pnstrdup(error->detail, strcspn(error->detail, "\n"));
	return result;
}
