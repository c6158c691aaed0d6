/*
 * expression.c
 *	  The expressions of cmig:up and cmig:down: checked and printed.
 *
 * An expression is written with the names of one version.  It is stored as
 * PostgreSQL prints it, with qualified names of functions and the real names of
 * columns, so that the search_path of those who write does not matter.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/scansup.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "versions/internal.h"

char *
cmig_versions_path(void)
{
	StringInfoData path;
	List	   *names;

	initStringInfo(&path);
	foreach_ptr(const char, name,
				SplitIdentifierString(cmig_session_search_path(), ',', &names) ? names : NIL)
	{
		if (strcmp(name, "pg_catalog") != 0)
			appendStringInfo(&path, "%s%s", path.len > 0 ? ", " : "", quote_identifier(name));
	}
	return path.data;
}

/* A parser's hook: columns have the meaning that they have in a version. */
static Node *
find_column(ParseState *pstate, ColumnRef *ref)
{
	CmigVersionNames *names = pstate->p_ref_hook_state;
	Node	   *last = llast(ref->fields);

	if (IsA(last, A_Star))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the expression reads all columns of a row"),
				 errdetail("While two versions exist, there are hidden ones among them."),
				 errhint("Name the columns.")));
	if (cmig_versions_is_numbered(ref))
		return cmig_versions_value(pstate, ref, names);
	if (list_length(ref->fields) > 3 || !IsA(last, String))
		return NULL;
	if (list_length(ref->fields) > 1)
	{
		const char *schema = list_length(ref->fields) == 3 ? strVal(linitial(ref->fields)) : NULL;
		const char *table = strVal(list_nth(ref->fields, list_length(ref->fields) - 2));
		bool		own = false;

		for (int i = 0; i <= names->planning->revisions; i++)
		{
			const CmigShapeTable *shape = cmig_shape_table(names->planning->shapes[i],
														   names->table->b->oid);

			own |= shape != NULL && strcmp(shape->name, table) == 0 &&
				(schema == NULL || strcmp(shape->schema, schema) == 0);
		}
		if (!own)
			return NULL;
	}
	return cmig_versions_value(pstate, ref, names);
}

void
cmig_versions_set_path(const CmigVersionNames *names, const char *path)
{
	if (path == NULL)
		path = cmig_session_search_path();
	foreach_ptr(const CmigVersionEnum, e, names->up ? names->planning->enums : NIL)
		path = psprintf("%s%s%s", cmig_versions_schema(names->planning, e->b->schema),
						*path ? ", " : "", path);
	cmig_settings_override("search_path", path);
}

/* Error context callback. */
static void
describe_error(void *what)
{
	errposition(0);
	errcontext("pg_cmig: %s", (char *) what);
}

/* Returns the body of a function if it is a string, which nothing depends on, or NULL. */
static char *
text_body(Oid function)
{
	HeapTuple	tuple;
	Oid			language;
	char	   *result = NULL;
	bool		isnull;

	if (function < FirstNormalObjectId ||
		OidIsValid(getExtensionOfObject(ProcedureRelationId, function)))
		return NULL;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	if (language != ClanguageId && language != INTERNALlanguageId &&
		heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL))
		result = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));
	ReleaseSysCache(tuple);
	return result;
}

static bool may_change(Oid function, const CmigPlanning *p, List **seen);

/* The same of the functions with this name, in whatever schema. */
static bool
may_change_any(const char *name, const CmigPlanning *p, List **seen)
{
	CatCList   *functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	bool		found = false;

	for (int i = 0; i < functions->n_members && !found; i++)
	{
		HeapTuple	tuple = &functions->members[i]->tuple;

		found = may_change(((Form_pg_proc) GETSTRUCT(tuple))->oid, p, seen);
	}
	ReleaseSysCacheList(functions);
	return found;
}

/*
 * Does the revision change the function, or one that its body, or that of one which the
 * body names, contains the name of?
 */
static bool
may_change(Oid function, const CmigPlanning *p, List **seen)
{
	const char *key = psprintf("p%u", function);

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (list_member_oid(*seen, function))
		return false;
	*seen = lappend_oid(*seen, function);
	foreach_ptr(const CmigShapeReader, reader, p->readers)
	{
		if (reader->old != NULL &&
			(strcmp(reader->old->key, key) == 0 || strcmp(reader->key, key) == 0))
			return true;
	}
	for (const char *word = text_body(function); word != NULL && *word;)
	{
		const char *end = word;

		while (isalnum((unsigned char) *end) || *end == '_' || *end == '$' || IS_HIGHBIT_SET(*end))
			end++;
		if (end > word && end - word < NAMEDATALEN &&
			(may_change_any(pnstrdup(word, end - word), p, seen) ||
			 may_change_any(downcase_identifier(word, end - word, false, false), p, seen)))
			return true;
		word = Max(end, word + 1);
	}
	return false;
}

/* A check for check_functions_in_node. */
static bool
is_changed_function(Oid function, void *planning)
{
	List	   *seen = NIL;

	return may_change(function, planning, &seen);
}

/*
 * Can settings change what the function returns?  The text of an enum depends on its
 * labels.  Some output functions are declared as immutable, but read extra_float_digits or
 * bytea_output.
 */
static bool
depends_on_settings(Oid function, void *arg)
{
	static const Oid reads_settings[] = {
		F_FLOAT4OUT, F_FLOAT8OUT, F_BYTEAOUT, F_POINT_OUT, F_LSEG_OUT, F_PATH_OUT, F_BOX_OUT,
		F_POLY_OUT, F_LINE_OUT, F_CIRCLE_OUT
	};

	for (int i = 0; i < lengthof(reads_settings); i++)
	{
		if (function == reads_settings[i])
			return true;
	}
	return func_volatile(function) != PROVOLATILE_IMMUTABLE && function != F_ENUM_OUT &&
		function != F_ENUM_IN;
}

/* Add the OIDs of the functions that the expression calls to the list. */
static void
note_functions(Node *expr, List **functions)
{
	(void) cmig_expression_calls(expr, cmig_versions_note_function, functions);
}

/* Returns a List of OIDs: the functions that the expression about a row calls, in order. */
static List *
functions_of_text(Relation rel, const char *text)
{
	ParseState *pstate = make_parsestate(NULL);
	List	   *functions = NIL;

	addNSItemToQuery(pstate,
					 addRangeTableEntryForRelation(pstate, rel, AccessShareLock, NULL, false, true),
					 false, true, true);
	note_functions(transformExpr(pstate, cmig_versions_expression(text), EXPR_KIND_OTHER),
				   &functions);
	free_parsestate(pstate);
	return functions;
}

/*
 * PostgreSQL prints CASE, NULLIF, and IS DISTINCT FROM without the operator,
 * which those who write would look for in pg_catalog only, and find another one.
 */
static void
require_same_functions(const List *functions, Relation rel, const char *text)
{
	if (!equal(functions, functions_of_text(rel, text)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the expression would not call the same operators in each session"),
				 errdetail("An operator of a type that is not built in, such as citext, has no name in: %s",
						   text),
				 errhint("Write the comparison with the operator =, for example as CASE WHEN a = b, or cast the operands to a built-in type.")));
}

void
cmig_versions_require_pinned(Oid relation, const char *text)
{
	Relation	rel = table_open(relation, AccessShareLock);
	const char *path = cmig_versions_path();
	int			level = NewGUCNestLevel();
	List	   *functions;

	cmig_versions_pin_settings();
	cmig_settings_override("search_path", path);
	functions = functions_of_text(rel, text);
	cmig_versions_pin_settings();
	require_same_functions(functions, rel, text);
	AtEOXact_GUC(false, level);
	table_close(rel, NoLock);
}

/* Walker: raise an error if a whole row of a table is read that has hidden columns. */
static bool
require_no_row(Node *node, void *planning)
{
	const CmigPlanning *p = planning;

	if (node == NULL || (IsA(node, FieldSelect) && IsA(((FieldSelect *) node)->arg, Var)))
		return false;
	if (IsA(node, Var))
	{
		Oid			type = getBaseType(((Var *) node)->vartype);
		Oid			element = get_element_type(type);
		Oid			table = get_typ_typrelid(OidIsValid(element) ? element : type);

		foreach_ptr(const CmigVersionTable, each, OidIsValid(table) ? p->tables : NIL)
		{
			if (each->viewed && strtoul(each->a->oid, NULL, 10) == table)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("the expression reads a row of table %s, which the revision changes", each->a->qualified),
						 errhint("Name the columns of the row: (r).a, (r).b")));
		}
	}
	return expression_tree_walker(node, require_no_row, planning);
}

/* Raise an error if the expression reads a generated column of the table. */
static void
require_stored(Relation rel, Node *expr)
{
	Bitmapset  *reads = NULL;

	pull_varattnos(expr, 1, &reads);
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
		if (TupleDescAttr(RelationGetDescr(rel), i)->attgenerated != '\0' &&
			(bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, reads) ||
			 bms_is_member(-FirstLowInvalidHeapAttributeNumber, reads)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the expression reads column \"%s\", which is generated",
							NameStr(TupleDescAttr(RelationGetDescr(rel), i)->attname)),
					 errdetail("A generated column has no value yet when a row is written."),
					 errhint("Write its expression instead.")));
}

/* The owners of the functions that an expression calls. */
typedef struct Checked
{
	Oid			table_owner;
	Oid			row_type;
	List	   *owners;
} Checked;

/* check_functions_in_node() callback */
static bool
note_owner(Oid function, void *checked)
{
	List	  **owners = &((Checked *) checked)->owners;

	if (function >= FirstNormalObjectId)
		*owners = list_append_unique_oid(*owners, cmig_role_owner_in(ProcedureRelationId, function));
	return false;
}

static void require_checks(Oid type, Checked *checked);

static void
require_columns(TupleDesc desc, Checked *checked)
{
	for (int i = 0; desc != NULL && i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			require_checks(TupleDescAttr(desc, i)->atttypid, checked);
}

/*
 * Raise an error if a role, none of whose functions are called, could add a check to the
 * type, or a column whose type has one: it would have its function called by whoever
 * fills the rows or writes to the table.
 */
static void
require_checks(Oid type, Checked *checked)
{
	Oid			element = get_element_type(type);
	char		kind = get_typtype(type);
	Oid			owner;

	check_stack_depth();
	if (OidIsValid(element))
		require_checks(element, checked);
	if (kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE)
		require_checks(kind == TYPTYPE_RANGE ? get_range_subtype(type) : get_multirange_range(type), checked);
	if (type < FirstNormalObjectId || (kind != TYPTYPE_DOMAIN && kind != TYPTYPE_COMPOSITE))
		return;
	owner = cmig_role_owner_in(TypeRelationId, type);
	if (!list_member_oid(checked->owners, owner) &&
		(!OidIsValid(owner) || !has_privs_of_role(owner, checked->table_owner)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the expression uses type %s of another role", format_type_be(type)),
				 errdetail("Its owner could have a function called by whoever fills the rows, or writes to the table, by a check that is added meanwhile."),
				 cmig_hint("Write the expression without the type. As a superuser: ALTER TYPE %s OWNER TO %s",
						   format_type_be_qualified(type),
						   quote_identifier(GetUserNameFromId(checked->table_owner, false)))));
	if (kind == TYPTYPE_DOMAIN)
		require_checks(cmig_type_domain_base(type), checked);
	else
		require_columns(lookup_rowtype_tupdesc_copy(type, -1), checked);
}

/*
 * Walker: check the type of what a function of a user returns, and of rows, which
 * functions such as jsonb_populate_record() make.
 */
static bool
require_results(Node *node, void *checked)
{
	Oid			function = InvalidOid;
	Oid			type;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
		function = ((FuncExpr *) node)->funcid;
	if (IsA(node, OpExpr))
		function = ((OpExpr *) node)->opfuncid;
	type = OidIsValid(function) ? exprType(node) : InvalidOid;
	if (OidIsValid(type) && type != ((Checked *) checked)->row_type &&
		(function >= FirstNormalObjectId || type_is_rowtype(type)))
		require_checks(type, checked);
	if (type == RECORDOID)
		require_columns(get_expr_result_tupdesc(node, true), checked);
	return expression_tree_walker(node, require_results, checked);
}

/* Check the types of an expression about a row of the table. */
static void
require_types(Relation rel, Node *expr)
{
	Checked		checked = {.table_owner = rel->rd_rel->relowner,.row_type = rel->rd_rel->reltype};
	List	   *found = NIL;

	(void) cmig_expression_calls(expr, note_owner, &checked);
	(void) cmig_versions_find_objects(expr, &found);
	foreach_ptr(const ObjectAddress, object, found)
	{
		if (object->classId == TypeRelationId && object->objectId != checked.row_type)
			require_checks(object->objectId, &checked);
	}
	(void) require_results(expr, &checked);
}

/* Returns the names of the functions, as a text. */
static const char *
list_called(const List *names)
{
	StringInfoData result;

	initStringInfo(&result);
	foreach_ptr(const char, name, names)
		appendStringInfo(&result, "%s%s", result.len > 0 ? ", " : "", name);
	return result.len > 0 ? result.data : "none";
}

void
cmig_versions_require_calls(const CmigVersionRule *rule, Node *expr, CmigVersionNames *names)
{
	List	   *then = names->read;
	List	   *now = NIL;

	foreach_ptr(const CmigCalled, called, cmig_versions_called(names->planning, expr))
		now = lappend(now, unconstify(char *, called->name));
	names->read = list_copy(now);
	if (rule->computed == NULL)
		return;
	foreach_ptr(const CmigCalled, called, rule->computed->called)
		then = lappend(then, unconstify(char *, called->name));
	cmig_text_list_sort(then);
	cmig_text_list_sort(now);
	if (strcmp(list_called(then), list_called(now)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the expression would not call the functions that the revision calls"),
				 errdetail("The revision calls %s; the expansion would call %s.",
						   list_called(then), list_called(now)),
				 cmig_hint("Create and drop functions in a revision of their own, or apply this one with `cmig.upgrade`.")));
}

/* Returns the column that is the whole expression, quoted. */
static const char *
bare_name(const ColumnRef *bare)
{
	return quote_identifier(strVal(list_nth(bare->fields, cmig_versions_is_numbered(bare) ? 0 :
											list_length(bare->fields) - 1)));
}

static bool
is_time(Oid type)
{
	return type == TIMESTAMPOID || type == TIMESTAMPTZOID;
}

char *
cmig_versions_print(Oid relation, const CmigVersionRule *rule, const char *column,
					CmigVersionNames *names, const char *what)
{
	Node	   *expr = rule->expr;
	ParseState *pstate = make_parsestate(NULL);
	Relation	rel = table_open(relation, AccessShareLock);
	ErrorContextCallback callback = {error_context_stack, describe_error, unconstify(char *, what)};
	AttrNumber	number = get_attnum(relation, column);
	Oid			type = BOOLOID;
	Oid			given;
	bool		by_name;
	int32		typmod = -1;
	Oid			collation;
	int			level = NewGUCNestLevel();
	List	   *functions = NIL;
	const ColumnRef *bare = IsA(expr, ColumnRef) ? (ColumnRef *) expr : NULL;	/* only the column */
	char	   *result;

	get_atttypetypmodcoll(relation, number, &type, &typmod, &collation);
	names->path = rule->path;
	names->other_role = rule->other_role;
	names->read = NIL;
	error_context_stack = &callback;
	cmig_versions_set_path(names, names->path);
	addNSItemToQuery(pstate,
					 addRangeTableEntryForRelation(pstate, rel, AccessShareLock, NULL, false, true),
					 false, true, true);
	pstate->p_pre_columnref_hook = find_column;
	pstate->p_ref_hook_state = names;
	expr = transformExpr(pstate, copyObject(expr), EXPR_KIND_OTHER);
	cmig_versions_require_calls(rule, expr, names);
	if (pstate->p_hasSubLinks || pstate->p_hasAggs || pstate->p_hasWindowFuncs ||
		pstate->p_hasTargetSRFs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the expression contains %s",
						pstate->p_hasSubLinks ? "a subquery" : pstate->p_hasTargetSRFs ?
						"a function that returns a set" : "an aggregate or window function"),
				 pstate->p_hasSubLinks ?
				 errhint("Use only columns of the row. To move a column to another table, add it there, let the application write both, and drop the old one in a later revision.") :
				 errhint("Use only columns of the row.")));
	require_stored(rel, expr);
	(void) require_no_row(expr, unconstify(CmigPlanning *, names->planning));
	require_types(rel, expr);
	given = exprType(expr);
	by_name = type_is_enum(type) || (given == TEXTARRAYOID && type_is_enum(get_element_type(type)));
	if (!by_name)
		note_functions(expr, &functions);
	expr = coerce_to_target_type(pstate, expr, given, type, typmod,
								 by_name ? COERCION_EXPLICIT : COERCION_ASSIGNMENT,
								 by_name ? COERCE_EXPLICIT_CAST : COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the expression cannot be converted to type %s", format_type_be(type)),
				 bare == NULL ? errhint("Write a cast.") :
				 errhint("-- %s = %s%s::%s", what, bare_name(bare),
						 can_coerce_type(1, &given, &type, COERCION_EXPLICIT) ? "" : "::text",
						 format_type_be(type))));
	if (cmig_expression_calls(expr, is_changed_function,
							  unconstify(CmigPlanning *, names->planning)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the expression calls a function that the revision changes, or that may call one"),
				 errdetail("It would compute other values than in an upgrade."),
				 errhint("Change the function in a revision of its own.")));
	/* a conversion by assignment is not printed */
	if (by_name)
		note_functions(expr, &functions);
	if (names->other_role && functions != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the expression calls function %s, and the script has set another role",
						format_procedure(linitial_oid(functions))),
				 errdetail("The function would run as the role that expands the revision, and as those that write the table."),
				 cmig_hint("Apply the revision with `cmig.upgrade`, or load it without SET ROLE.")));
	assign_expr_collations(pstate, expr);
	if (bare && cmig_expression_calls(expr, depends_on_settings, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the conversion to type %s depends on settings of the session",
						format_type_be(type)),
				 errdetail("Sessions of the two builds, and the one that fills the rows, could have different settings, such as TimeZone or DateStyle."),
				 is_time(given) && is_time(type) ?
				 errhint("-- %s = %s AT TIME ZONE 'UTC'", what, bare_name(bare)) :
				 errhint("If all sessions have the same settings: -- %s = %s::%s", what,
						 bare_name(bare), format_type_be(type))));
	cmig_versions_pin_settings();
	result = TextDatumGetCString(OidFunctionCall2(F_PG_GET_EXPR_PG_NODE_TREE_OID,
												  CStringGetTextDatum(nodeToString(expr)),
												  ObjectIdGetDatum(relation)));
	require_same_functions(functions, rel, result);
	AtEOXact_GUC(false, level);
	error_context_stack = callback.previous;
	free_parsestate(pstate);
	table_close(rel, NoLock);
	return result;
}
