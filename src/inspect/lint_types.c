/*
 * lint_types.c
 *	  Types, and the functions in an expression, as cmig.lint looks them up.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text_list.h"
#include "inspect/lint_objects.h"
#include "inspect/lint_session.h"
#include "inspect/lint_state.h"
#include "inspect/lint_types.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

CmigLintSerial
cmig_lint_types_serial(const TypeName *type)
{
	const char *name;

	if (list_length(type->names) != 1 || type->setof || type->arrayBounds != NIL)
		return CMIG_LINT_NOT_SERIAL;
	name = strVal(linitial(type->names));
	if (strcmp(name, "smallserial") == 0 || strcmp(name, "serial2") == 0)
		return CMIG_LINT_SMALLSERIAL;
	if (strcmp(name, "serial") == 0 || strcmp(name, "serial4") == 0)
		return CMIG_LINT_SERIAL;
	if (strcmp(name, "bigserial") == 0 || strcmp(name, "serial8") == 0)
		return CMIG_LINT_BIGSERIAL;
	return CMIG_LINT_NOT_SERIAL;
}

/* Look up a type in one schema. */
static Oid
find_in_schema(const char *schema, const char *name)
{
	Oid			namespace = get_namespace_oid(schema, true);

	return OidIsValid(namespace) ?
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
						ObjectIdGetDatum(namespace)) : InvalidOid;
}

/* Look up a type without its modifier and array bounds. */
static Oid
find_base(CmigLint *lint, List *names)
{
	const char *name = strVal(llast(names));
	Oid			type;
	ListCell   *lc;

	if (list_length(names) > 1)
	{
		const char *schema = strVal(list_nth(names, list_length(names) - 2));

		if (!lint->reads_facts && strcmp(schema, "pg_catalog") != 0)
			return InvalidOid;
		return find_in_schema(schema, name);
	}
	type = find_in_schema("pg_catalog", name);
	if (!lint->reads_facts)
		return type;
	foreach(lc, cmig_lint_session_path(lint))
	{
		if (OidIsValid(type))
			break;
		type = find_in_schema(lfirst(lc), name);
	}
	return type;
}

/* Release what a resource owner still holds, and delete it. */
static void
release(ResourceOwner owner, bool success)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, success, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, success, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, success, false);
	ResourceOwnerDelete(owner);
}

/*
 * The modifier of a built-in type, or -1 if it is not valid. Functions for
 * modifiers only read their argument, so their errors can be caught without a
 * subtransaction, but the catalog row that is in use must be released.
 */
static int32
find_typmod(const TypeName *type, Oid oid)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner caller = CurrentResourceOwner;
	ResourceOwner owner;
	volatile int32 result = -1;
	TypeName	base = *type;
	Oid			same;
	int32		typmod;

	if (type->typmods == NIL)
		return type->typemod;
	if (oid >= FirstNormalObjectId)
		return -1;
	base.names = list_make2(makeString("pg_catalog"), llast(type->names));
	base.arrayBounds = NIL;
	owner = ResourceOwnerCreate(caller, "pg_cmig type modifier");
	CurrentResourceOwner = owner;
	PG_TRY();
	{
		typenameTypeIdAndMod(NULL, &base, &same, &typmod);
		result = typmod;
		CurrentResourceOwner = caller;
		release(owner, true);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		CurrentResourceOwner = caller;
		release(owner, false);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) &&
			ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

void
cmig_lint_types_find(CmigLint *lint, const TypeName *type, Oid *oid, int32 *typmod, const char **new_name)
{
	CmigLintType *entry;

	*oid = InvalidOid;
	*typmod = -1;
	*new_name = NULL;
	switch (cmig_lint_types_serial(type))
	{
		case CMIG_LINT_SMALLSERIAL:
			*oid = INT2OID;
			return;
		case CMIG_LINT_SERIAL:
			*oid = INT4OID;
			return;
		case CMIG_LINT_BIGSERIAL:
			*oid = INT8OID;
			return;
		case CMIG_LINT_NOT_SERIAL:
			break;
	}
	if (type->names == NIL || type->pct_type)
		return;
	entry = cmig_lint_objects_type(lint, type->names);
	if (entry && entry->is_new)
	{
		*new_name = entry->name;
		return;
	}
	*oid = find_base(lint, type->names);
	if (!OidIsValid(*oid))
		return;
	*typmod = find_typmod(type, *oid);
	if (type->arrayBounds != NIL)
		*oid = get_array_type(*oid);
}

bool
cmig_lint_types_is(CmigLint *lint, const TypeName *type, Oid oid)
{
	const char *name;

	if (type->names == NIL || type->pct_type)
		return false;
	/* the grammar turns int into int4 */
	if (list_length(type->names) > 2 ||
		(list_length(type->names) == 2 && strcmp(strVal(linitial(type->names)), "pg_catalog") != 0))
		return false;
	name = strVal(llast(type->names));
	switch (oid)
	{
		case INT2OID:
			return strcmp(name, "int2") == 0;
		case INT4OID:
			return strcmp(name, "int4") == 0;
		case BPCHAROID:
			return strcmp(name, "bpchar") == 0;
		case VARCHAROID:
			return strcmp(name, "varchar") == 0;
		case TIMESTAMPOID:
			return strcmp(name, "timestamp") == 0;
		case JSONOID:
			return strcmp(name, "json") == 0;
		default:
			return find_base(lint, type->names) == oid;
	}
}

bool
cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names) : NULL;
	Oid			oid;
	int32		typmod;
	const char *new_name;

	if (entry && entry->has_constraint)
		return true;
	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	return OidIsValid(oid) && get_typtype(oid) == TYPTYPE_DOMAIN && DomainHasConstraints(oid);
}

bool
cmig_lint_types_has_default(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names) : NULL;
	Oid			oid;
	int32		typmod;
	const char *new_name;

	if (entry && entry->is_new)
		return entry->has_default;
	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	return OidIsValid(oid) && get_typdefault(oid) != NULL;
}

bool
cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;

	if (!alter->skipIfNewValExists)
		return false;
	cmig_lint_types_find(lint, makeTypeNameFromNameList(alter->typeName), &oid, &typmod, &new_name);
	return OidIsValid(oid) && strlen(alter->newVal) < NAMEDATALEN &&
		SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(oid), CStringGetDatum(alter->newVal));
}

char *
cmig_lint_types_name(CmigLint *lint, const TypeName *type)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;

	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	if (OidIsValid(oid) && cmig_lint_types_serial(type) == CMIG_LINT_NOT_SERIAL)
		return format_type_with_typemod(oid, typmod);
	return TypeNameToString(type);
}

/*
 * Volatile functions
 */

/* Can the function be called with this number of arguments? */
static bool
takes_arguments(Form_pg_proc form, int count)
{
	if (OidIsValid(form->provariadic))
		return count >= form->pronargs - 1 - form->pronargdefaults;
	return count <= form->pronargs && count >= form->pronargs - form->pronargdefaults;
}

/* Is the function in a schema in which the name is looked up? */
static bool
is_visible(CmigLint *lint, Form_pg_proc form, const char *schema)
{
	const char *actual;

	if (form->pronamespace == PG_CATALOG_NAMESPACE)
		return schema == NULL || strcmp(schema, "pg_catalog") == 0;
	if (!lint->reads_facts)
		return false;
	actual = get_namespace_name(form->pronamespace);
	if (actual == NULL)
		return false;
	if (schema)
		return strcmp(actual, schema) == 0;
	return cmig_text_list_has(cmig_lint_session_path(lint), actual);
}

/*
 * Is the called function volatile? A function that is not found is considered
 * volatile.
 */
static bool
calls_volatile(CmigLint *lint, FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));
	const char *schema = list_length(call->funcname) > 1 ?
	strVal(list_nth(call->funcname, list_length(call->funcname) - 2)) : NULL;
	CmigLintFunction *created = cmig_lint_objects_function(lint, name);
	CatCList   *functions;
	bool		found = false;
	bool		all_volatile = true;

	if (created && !created->is_dropped)
		return created->is_volatile;
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		if (!is_visible(lint, form, schema) || !takes_arguments(form, list_length(call->args)))
			continue;
		found = true;
		if (form->provolatile != PROVOLATILE_VOLATILE)
			all_volatile = false;
	}
	ReleaseSysCacheList(functions);
	return !found || all_volatile;
}

/* The walker's argument. */
typedef struct VolatileSearch
{
	CmigLint   *lint;
	const char *found;
} VolatileSearch;

/* Look for a call of a volatile function, as a raw_expression_tree_walker(). */
static bool
find_volatile(Node *node, void *context)
{
	VolatileSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && calls_volatile(search->lint, (FuncCall *) node))
	{
		search->found = strVal(llast(((FuncCall *) node)->funcname));
		return true;
	}
	return raw_expression_tree_walker(node, find_volatile, search);
}

const char *
cmig_lint_types_volatile_function(CmigLint *lint, Node *expression)
{
	VolatileSearch search = {lint, NULL};

	(void) find_volatile(expression, &search);
	return search.found;
}

/*
 * Changes of a column's type
 */

/* Does the expression contain a user-defined cast? */
static bool
has_foreign_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstNormalObjectId)
		return true;
	return expression_tree_walker(node, has_foreign_function, context);
}

/*
 * The analyzed USING expression if it consists of the column in casts that
 * exist; otherwise NULL.
 */
static Node *
convert(CmigLint *lint, const CmigLintColumn *column, Node *using)
{
	Node	   *from;
	Oid			type;
	int32		typmod;
	const char *new_name;

	if (using == NULL || IsA(using, ColumnRef))
	{
		if (using && (!IsA(llast(((ColumnRef *) using)->fields), String) ||
					  strcmp(strVal(llast(((ColumnRef *) using)->fields)), column->name) != 0))
			return NULL;
		return (Node *) makeVar(1, Max(column->attnum, 1), column->type, column->typmod, column->collation, 0);
	}
	if (!IsA(using, TypeCast))
		return NULL;
	from = convert(lint, column, ((TypeCast *) using)->arg);
	cmig_lint_types_find(lint, ((TypeCast *) using)->typeName, &type, &typmod, &new_name);
	if (from == NULL || !OidIsValid(type))
		return NULL;
	return coerce_to_target_type(NULL, from, exprType(from), type, typmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
}

/*
 * Does converting a timestamp depend on the time zone that the script has set?
 */
static bool
time_zone_matters(CmigLint *lint)
{
	const char *name = cmig_lint_session_time_zone(lint);
	pg_tz	   *zone;
	long		offset;

	if (name == NULL)
		return TimestampTimestampTzRequiresRewrite();
	zone = pg_tzset(name);
	return zone == NULL || !pg_get_timezone_offset(zone, &offset) || offset != 0;
}

/* Must the server compute new values? The same test as in ALTER TABLE. */
static bool
needs_rewrite(CmigLint *lint, Node *expression)
{
	for (;;)
	{
		if (IsA(expression, Var))
			return false;
		else if (IsA(expression, RelabelType))
			expression = (Node *) ((RelabelType *) expression)->arg;
		else if (IsA(expression, CoerceToDomain))
		{
			CoerceToDomain *domain = (CoerceToDomain *) expression;

			if (DomainHasConstraints(domain->resulttype))
				return true;
			expression = (Node *) domain->arg;
		}
		else if (IsA(expression, FuncExpr))
		{
			FuncExpr   *call = (FuncExpr *) expression;

			if ((call->funcid != F_TIMESTAMPTZ_TIMESTAMP && call->funcid != F_TIMESTAMP_TIMESTAMPTZ) ||
				time_zone_matters(lint))
				return true;
			expression = linitial(call->args);
		}
		else
			return true;
	}
}

/* Can an index be kept with the new type? */
static bool
keeps_index(const CmigLintIndex *index, const CmigLintColumn *column, Oid type, Oid collation)
{
	Oid			old_class;

	if (index->has_expression || collation != column->collation)
		return false;
	if (type == column->type || !OidIsValid(index->method))
		return true;
	old_class = GetDefaultOpClass(column->type, index->method);
	return OidIsValid(old_class) && old_class == GetDefaultOpClass(type, index->method) &&
		!IsPolymorphicType(get_opclass_input_type(old_class));
}

CmigLintChange
cmig_lint_types_change(CmigLint *lint, CmigLintTable *table, const CmigLintColumn *column, const ColumnDef *to)
{
	Oid			type;
	int32		typmod;
	const char *new_name;
	Node	   *expression;
	Oid			collation;
	ListCell   *lc;

	cmig_lint_types_find(lint, to->typeName, &type, &typmod, &new_name);
	if (column == NULL || !OidIsValid(column->type) || !OidIsValid(type))
		return CMIG_LINT_CHANGE_REWRITE;
	expression = convert(lint, column, to->raw_default);
	if (expression)
		expression = coerce_to_target_type(NULL, expression, exprType(expression), type, typmod,
										   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expression == NULL || has_foreign_function(expression, NULL) ||
		needs_rewrite(lint, (Node *) expression_planner((Expr *) expression)))
		return CMIG_LINT_CHANGE_REWRITE;

	collation = get_typcollation(type);
	if (to->collClause && OidIsValid(collation))
		collation = get_collation_oid(to->collClause->collname, true);
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->type == CONSTRAINT_CHECK && constraint->validated &&
			cmig_text_list_has(constraint->columns, column->name))
			return CMIG_LINT_CHANGE_SCAN;
	}
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		if ((cmig_text_list_has(index->keys, column->name) ||
			 cmig_text_list_has(index->uses, column->name)) &&
			!keeps_index(index, column, type, collation))
			return CMIG_LINT_CHANGE_INDEX;
	}
	return CMIG_LINT_CHANGE_NOTHING;
}
