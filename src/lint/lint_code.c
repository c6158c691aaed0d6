/*
 * lint_code.c
 *	  Finds the code in the live database that uses a table or a column.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/catalog_rows.h"
#include "lint/lint_body.h"
#include "lint/lint_code.h"
#include "parse/lexer.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Returns a copy of the catalog row with this OID, or NULL if there is none. */
static HeapTuple
fetch_row(Relation catalog, Oid index, AttrNumber oid_column, Oid oid)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, oid_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	scan = systable_beginscan(catalog, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	return tuple;
}

/*
 * Set dependent->relation to the view or table to which the rewrite rule "rule"
 * belongs.
 */
static void
read_rule(CmigLintDependent *dependent, Oid rule)
{
	Relation	rules = table_open(RewriteRelationId, AccessShareLock);
	HeapTuple	tuple = fetch_row(rules, RewriteOidIndexId, Anum_pg_rewrite_oid, rule);

	dependent->kind = CMIG_LINT_VIEW;
	if (tuple)
		dependent->relation = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
	table_close(rules, AccessShareLock);
}

static void
read_policy(CmigLintDependent *dependent, Oid policy)
{
	Relation	policies = table_open(PolicyRelationId, AccessShareLock);
	HeapTuple	tuple = fetch_row(policies, PolicyOidIndexId, Anum_pg_policy_oid, policy);

	dependent->kind = CMIG_LINT_POLICY;
	if (tuple)
	{
		dependent->relation = ((Form_pg_policy) GETSTRUCT(tuple))->polrelid;
		dependent->name = pstrdup(NameStr(((Form_pg_policy) GETSTRUCT(tuple))->polname));
	}
	table_close(policies, AccessShareLock);
}

static void
read_constraint(CmigLintDependent *dependent, Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));

	dependent->kind = CMIG_LINT_FOREIGN_KEY;
	if (!HeapTupleIsValid(tuple))
		return;
	if (((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN)
	{
		dependent->relation = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid;
		dependent->name = pstrdup(NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname));
	}
	ReleaseSysCache(tuple);
}

CmigLintDependent *
cmig_lint_code_dependent(const ObjectAddress *object)
{
	CmigLintDependent *result = palloc0(sizeof(CmigLintDependent));

	switch (object->classId)
	{
		case RewriteRelationId:
			read_rule(result, object->objectId);
			break;
		case PolicyRelationId:
			read_policy(result, object->objectId);
			break;
		case ConstraintRelationId:
			read_constraint(result, object->objectId);
			break;
		case ProcedureRelationId:
			result->kind = CMIG_LINT_FUNCTION;
			result->name = get_func_name(object->objectId);
			return result;
		default:
			return NULL;
	}
	return OidIsValid(result->relation) ? result : NULL;
}

/*
 * Returns the dependent object in a pg_depend row.  Returns NULL if the object
 * is not relevant.
 */
static CmigLintDependent *
read_dependent(Oid table, Form_pg_depend form)
{
	ObjectAddress object = {form->classid, form->objid, form->objsubid};
	CmigLintDependent *result = cmig_lint_code_dependent(&object);

	/* skip objects that belong to the table, except for policies */
	if (result == NULL || (result->relation == table && result->kind != CMIG_LINT_POLICY))
		return NULL;
	if (result->kind == CMIG_LINT_VIEW)
		ObjectAddressSet(object, RelationRelationId, result->relation);
	result->description = getObjectDescription(&object, true);
	return result->description ? result : NULL;
}

/* Is the description in the list? */
static bool
is_listed(List *dependents, const char *description)
{
	ListCell   *lc;

	foreach(lc, dependents)
	{
		if (strcmp(((CmigLintDependent *) lfirst(lc))->description, description) == 0)
			return true;
	}
	return false;
}

/* A search for the objects that depend on a table or a column. */
typedef struct DependentSearch
{
	Oid			table;
	AttrNumber	column;			/* 0: the table and all of its columns */
	List	   *found;			/* of CmigLintDependent */
} DependentSearch;

/* Add the dependent object in a pg_depend row, unless it is already listed. */
static void
add_dependent(HeapTuple row, void *arg)
{
	DependentSearch *search = arg;
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);
	CmigLintDependent *dependent;

	if (search->column != 0 && form->refobjsubid != search->column)
		return;
	dependent = read_dependent(search->table, form);
	/* skip the table's own policies, which are dropped with the table */
	if (dependent && search->column == 0 && dependent->relation == search->table)
		return;
	if (dependent && !is_listed(search->found, dependent->description))
		search->found = lappend(search->found, dependent);
}

List *
cmig_lint_code_dependents(Oid table, AttrNumber column)
{
	DependentSearch search = {table, column, NIL};

	cmig_catalog_rows_referring(RelationRelationId, table, add_dependent, &search);
	return search.found;
}

/*
 * Returns the column described by a pg_depend row, or NULL if the row does not
 * describe a column of a table or a composite type.
 */
static CmigLintDependent *
read_column(Form_pg_depend form, Oid type)
{
	ObjectAddress object = {form->classid, form->objid, form->objsubid};
	char		kind = form->classid == RelationRelationId && form->objsubid != 0 ? get_rel_relkind(form->objid) : 0;
	CmigLintDependent *result;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE &&
		kind != RELKIND_COMPOSITE_TYPE)
		return NULL;
	result = palloc0(sizeof(CmigLintDependent));
	result->kind = CMIG_LINT_COLUMN;
	result->relation = form->objid;
	result->column = form->objsubid;
	result->type = type;
	result->description = getObjectDescription(&object, true);
	return result->description ? result : NULL;
}

/* A search for the columns of a type. */
typedef struct ColumnSearch
{
	Oid			type;
	List	   *found;			/* of CmigLintDependent */
} ColumnSearch;

/* Add the column in a pg_depend row. */
static void
add_column(HeapTuple row, void *arg)
{
	ColumnSearch *search = arg;
	CmigLintDependent *column = read_column((Form_pg_depend) GETSTRUCT(row), search->type);

	if (column != NULL)
		search->found = lappend(search->found, column);
}

List *
cmig_lint_code_columns(Oid type)
{
	ColumnSearch search = {type, NIL};
	Oid			array = get_array_type(type);

	cmig_catalog_rows_referring(TypeRelationId, type, add_column, &search);
	search.type = array;
	if (OidIsValid(array))
		cmig_catalog_rows_referring(TypeRelationId, array, add_column, &search);
	return search.found;
}

/* Is this a user-defined function with a string body? */
static bool
has_text(Form_pg_proc form, HeapTuple tuple, Oid plpgsql)
{
	return form->oid >= FirstNormalObjectId &&
		(form->prolang == SQLlanguageId || form->prolang == plpgsql) &&
		heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL) &&
		!OidIsValid(getExtensionOfObject(ProcedureRelationId, form->oid));
}

/* list_sort comparator: by name, so that messages are stable. */
static int
compare_bodies(const ListCell *a, const ListCell *b)
{
	const CmigLintBody *first = lfirst(a);
	const CmigLintBody *second = lfirst(b);
	int			order = strcmp(first->name, second->name);

	return order ? order : (first->oid > second->oid) - (first->oid < second->oid);
}

List *
cmig_lint_code_bodies(void)
{
	Relation	functions = table_open(ProcedureRelationId, AccessShareLock);
	Oid			plpgsql = get_language_oid("plpgsql", true);
	List	   *result = NIL;
	SysScanDesc scan = systable_beginscan(functions, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
		CmigLintBody *body;
		Datum		values[Natts_pg_proc];
		bool		nulls[Natts_pg_proc];

		if (!has_text(form, tuple, plpgsql))
			continue;
		heap_deform_tuple(tuple, RelationGetDescr(functions), values, nulls);
		if (nulls[Anum_pg_proc_prosrc - 1])
			continue;
		body = palloc(sizeof(CmigLintBody));
		body->oid = form->oid;
		body->name = pstrdup(NameStr(form->proname));
		body->source = TextDatumGetCString(values[Anum_pg_proc_prosrc - 1]);
		result = lappend(result, body);
	}
	systable_endscan(scan);
	table_close(functions, AccessShareLock);
	list_sort(result, compare_bodies);
	return result;
}

List *
cmig_lint_code_trigger_functions(Oid table)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = list_append_unique_oid(result, ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid);
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return result;
}

char *
cmig_lint_code_function_name(Oid function)
{
	return format_procedure(function);
}

/* Is the current token the identifier "word"? */
static bool
is_name(const CmigLexer *lexer, const char *word)
{
	int			length = lexer->next - lexer->start;

	if (lexer->type == CMIG_TOKEN_WORD)
		return length == strlen(word) &&
			strcmp(downcase_identifier(lexer->start, length, false, false), word) == 0;
	return lexer->type == CMIG_TOKEN_QUOTED && length == strlen(word) + 2 &&
		strncmp(lexer->start + 1, word, length - 2) == 0;
}

/*
 * Implements cmig_lint_code_names().  "level" is the level of nested strings,
 * starting at 0.
 */
static bool
names(const char *source, const char *word, int level)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, source);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_name(&lexer, word))
			return true;
		/* also search strings, which may contain dynamic SQL */
		if (level < CMIG_LINT_MAX_NESTING &&
			(lexer.type == CMIG_TOKEN_STRING || lexer.type == CMIG_TOKEN_DOLLAR) &&
			lexer.next - lexer.start >= strlen(word) + 2)
		{
			char	   *text = pnstrdup(lexer.start + 1, lexer.next - lexer.start - 2);

			if (names(text, word, level + 1))
				return true;
			pfree(text);
		}
	}
	return false;
}

bool
cmig_lint_code_names(const char *source, const char *word)
{
	return names(source, word, 0);
}
