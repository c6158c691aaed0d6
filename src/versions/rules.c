/*
 * rules.c
 *	  What each revision says about columns, and how several revisions compose.
 *
 * Columns keep their numbers, so a rule is about a column in the shape before
 * a revision or after it.  An "up" reads columns of the shape before its
 * revision; one of these that an earlier pending revision has made or changed
 * is replaced with that revision's "up", and so on, until only columns of the
 * real table are left.  A "down" is followed in the other direction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "versions/internal.h"

/* A line "-- cmig:down", and the table that it is about. */
typedef struct Down
{
	const CmigExpandLine *line;
	const CmigShapeTable *table;	/* before the revision; NULL: none */
} Down;

/* Returns the line about a column of the table, or NULL. */
static const CmigExpandLine *
find_down(const List *downs, const CmigShapeTable *before, const char *column)
{
	foreach_ptr(const Down, down, downs)
	{
		if (down->table == before && strcmp(down->line->column, column) == 0)
			return down->line;
	}
	return NULL;
}

/* Does an image show all that is defined of objects of this type? */
static bool
is_pictured(ObjectType type)
{
	switch (type)
	{
		case OBJECT_ACCESS_METHOD:
		case OBJECT_AGGREGATE:
		case OBJECT_ATTRIBUTE:
		case OBJECT_CAST:
		case OBJECT_COLLATION:
		case OBJECT_COLUMN:
		case OBJECT_CONVERSION:
		case OBJECT_DOMAIN:
		case OBJECT_DOMCONSTRAINT:
		case OBJECT_EVENT_TRIGGER:
		case OBJECT_FDW:
		case OBJECT_FOREIGN_SERVER:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_FUNCTION:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_OPCLASS:
		case OBJECT_OPERATOR:
		case OBJECT_OPFAMILY:
		case OBJECT_POLICY:
		case OBJECT_PROCEDURE:
		case OBJECT_PUBLICATION:
		case OBJECT_ROUTINE:
		case OBJECT_RULE:
		case OBJECT_SCHEMA:
		case OBJECT_SEQUENCE:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TABLE:
		case OBJECT_TRANSFORM:
		case OBJECT_TRIGGER:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_TSDICTIONARY:
		case OBJECT_TSPARSER:
		case OBJECT_TSTEMPLATE:
		case OBJECT_TYPE:
		case OBJECT_VIEW:
			return true;
		default:
			return false;
	}
}

/* Does the setting leave what expressions mean as it is?  The search_path is noted. */
static bool
keeps_values(const VariableSetStmt *stmt)
{
	static const char *const names[] = {
		"search_path", "lock_timeout", "statement_timeout", "transaction_timeout",
		"idle_in_transaction_session_timeout", "deadlock_timeout", "client_min_messages",
		"client_encoding", "standard_conforming_strings", "check_function_bodies", "xmloption",
		"row_security", "default_tablespace", "default_table_access_method",
		"default_toast_compression", "work_mem", "maintenance_work_mem",
		"max_parallel_maintenance_workers", "max_parallel_workers_per_gather",
		"synchronous_commit", "role", "session_authorization"
	};

	if (stmt->kind == VAR_SET_MULTI || stmt->kind == VAR_RESET_ALL ||
		pg_strncasecmp(stmt->name, "cmig.", 5) == 0 || pg_strncasecmp(stmt->name, "log_", 4) == 0)
		return true;
	for (int i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(stmt->name, names[i]) == 0)
			return true;
	return false;
}

/*
 * Does an image show all that the statement does, or does it end with the session?
 * Then a comparison of two images finds it, and either expands it or refuses it.  A
 * kind of which this is not known is refused.
 */
static bool
is_definition(const RawStmt *raw)
{
	CmigSubject subject;

	switch (nodeTag(raw->stmt))
	{
		case T_VariableShowStmt:
		case T_ConstraintsSetStmt:
		case T_LockStmt:
		case T_LoadStmt:
			return true;
		case T_VariableSetStmt:
			return keeps_values((VariableSetStmt *) raw->stmt);
		default:
			return (cmig_statement_flags(raw->stmt) & CMIG_STATEMENT_DEFINES) &&
				(!cmig_statement_subject(raw->stmt, &subject) || is_pictured(subject.type)) &&
				cmig_row_change_command(raw, NULL) == NULL;
	}
}

void
cmig_versions_require_definitions(const CmigRevisionText *text)
{
	CmigScriptReader *script = cmig_script_open(text->upgrade_sql);
	CmigStatement statement = {0};

	while (cmig_script_next(script, &statement))
	{
		bool		rows = IsA(statement.raw->stmt, CreateTableAsStmt) ||
		(cmig_statement_flags(statement.raw->stmt) & CMIG_STATEMENT_ROWS);

		if (!is_definition(statement.raw))
			cmig_versions_refuse(psprintf("statement %d (line %d) of revision \"%s\"",
										  statement.number,
										  statement.line + Max(text->file_lines[0] - 1, 0),
										  text->edges.id),
								 rows ? "Only definitions can be expanded; this statement may change rows." :
								 IsA(statement.raw->stmt, VariableSetStmt) ? "What expressions mean may depend on the setting, which both versions would need." :
								 "Only definitions can be expanded; this statement does something else.");
	}
	cmig_script_close(script);
}

/* Refuse what a revision computes. */
pg_noreturn static void
refuse_computed(const CmigPlanning *p, int revision, const CmigComputed *computed, const char *why)
{
	const CmigRevisionText *text = list_nth(p->texts, revision - 1);

	cmig_versions_refuse(psprintf("column %s (line %d) in revision \"%s\"", computed->name,
								  computed->line + Max(text->file_lines[0] - 1, 0),
								  text->edges.id), why);
}

/*
 * Returns the statement that computes a column last, or NULL, of those before a
 * statement, or those from it on.
 */
static const CmigComputed *
last_computed(const CmigPlanning *p, const char *table, const char *number, int statement,
			  bool before)
{
	const CmigComputed *found = NULL;

	foreach_ptr(const CmigComputed, each, p->computed)
	{
		if ((each->statement < statement) == before && strcmp(each->table, table) == 0 &&
			(number == NULL || strcmp(each->number, number) == 0))
			found = each;
	}
	return found;
}

/*
 * Do labels of the enum, which is a column's type or that of its elements, or that of a
 * literal, get other names before a statement, or from it on?
 */
static bool
is_relabeled(const CmigPlanning *p, const char *column_type, Oid type, int statement, bool before)
{
	foreach_ptr(const CmigRelabeled, relabeled, p->relabeled)
	{
		if ((relabeled->statement < statement) != before)
			continue;
		if (relabeled->type == type)
			return true;
		foreach_ptr(const CmigShapeEnum, e, column_type ? p->old_enums : NIL)
		{
			if (strtoul(e->oid, NULL, 10) == relabeled->type && cmig_text_begins(column_type, e->qualified) &&
				(column_type[strlen(e->qualified)] == '\0' || column_type[strlen(e->qualified)] == '['))
				return true;
		}
	}
	return false;
}

/*
 * Is a column, when the statement that computes it runs, what it was before the revision,
 * but for the names of labels, which are those that its enum has in the end?
 */
static bool
is_only_relabeled(const CmigPlanning *p, const CmigComputed *computed,
				  const CmigShapeColumn *before, const CmigShapeColumn *after)
{
	if (before == NULL || after == NULL || before->generated[0] ||
		last_computed(p, computed->table, computed->number, computed->statement, true) != NULL ||
		last_computed(p, computed->table, computed->number, computed->statement,
					  false) != computed ||
		is_relabeled(p, before->type, InvalidOid, computed->statement, false))
		return false;
	foreach_ptr(const CmigVersionEnum, e, p->enums)
	{
		if (strcmp(e->a->oid, e->b->oid) == 0 &&
			((strcmp(before->type, e->a->qualified) == 0 && strcmp(after->type, e->name) == 0) ||
			 (strcmp(before->type, psprintf("%s[]", e->a->qualified)) == 0 &&
			  strcmp(after->type, psprintf("%s[]", e->name)) == 0)))
			return true;
	}
	return false;
}

/* An expression that is told from which state of the columns it is computed. */
typedef struct Reading
{
	const CmigPlanning *planning;
	const CmigComputed *computed;
	int			revision;
} Reading;

/*
 * Walker: a column is read as it was before the revision, or as it is after it, and
 * must not have had a third value when the statement ran.
 */
static bool
tell_states(Node *node, void *context)
{
	const Reading *reading = context;
	const CmigPlanning *p = reading->planning;
	const CmigComputed *computed = reading->computed;
	ColumnRef  *ref = (ColumnRef *) node;
	const CmigShapeTable *before = cmig_shape_table(p->shapes[reading->revision - 1],
													computed->table);
	const CmigShapeTable *after = cmig_shape_table(p->shapes[reading->revision], computed->table);
	const CmigShapeColumn *column;
	const char *number;
	const char *type;
	bool		changed;

	if (node == NULL)
		return false;
	if (IsA(node, TypeName) &&
		is_relabeled(p, NULL, ((TypeName *) node)->typeOid, computed->statement, false))
		refuse_computed(p, reading->revision, computed, "It names an enum whose labels the revision renames below.");
	if (!IsA(node, ColumnRef) || !cmig_versions_is_numbered(ref))
		return raw_expression_tree_walker(node, tell_states, context);
	number = psprintf("%d", intVal(lsecond(ref->fields)));
	column = cmig_shape_column(before, number);
	type = column ? column->type : cmig_shape_column(after, number) ? cmig_shape_column(after, number)->type : NULL;
	/* a generated column is computed with any other one */
	changed = column == NULL || is_relabeled(p, type, InvalidOid, computed->statement, true) ||
		last_computed(p, computed->table, column->generated[0] ? NULL : number, computed->statement,
					  true) != NULL;
	if (changed && strcmp(number, computed->number) == 0 &&
		is_only_relabeled(p, computed, column, cmig_shape_column(after, number)))
	{
		ref->fields = lappend(CMIG_REF_FIELDS(strVal(linitial(ref->fields)),
											  intVal(lsecond(ref->fields))),
							  makeBoolean(true));
		return false;
	}
	if (changed &&
		((column != NULL && column->generated[0]) || cmig_shape_column(after, number) == NULL ||
		 is_relabeled(p, type, InvalidOid, computed->statement, false) ||
		 last_computed(p, computed->table, number, computed->statement, false) != NULL))
		refuse_computed(p, reading->revision, computed,
						strcmp(number, computed->number) == 0 ?
						"The revision computes the column more than once." :
						psprintf("It reads column %s, whose value is neither that before the revision nor that after it.",
								 quote_identifier(strVal(linitial(ref->fields)))));
	ref->fields = list_make3(linitial(ref->fields), lsecond(ref->fields), makeBoolean(changed));
	return false;
}

/*
 * Returns the statement that computes a column of the table, if its expression says
 * what the rows have, or NULL if they keep what they have, converted to its type.
 */
static const CmigComputed *
find_computed(CmigPlanning *p, int revision, const CmigShapeTable *before,
			  const CmigShapeTable *after, const char *number)
{
	const CmigShapeColumn *a = cmig_shape_column(before, number);
	const CmigComputed *last = last_computed(p, after->oid, number, 0, false);
	Reading		reading = {p, last, revision};

	if (last == NULL)
		return NULL;
	if (last->expr == NULL &&
		(last_computed(p, after->oid, number, last->statement, true) != NULL ||
		 (a != NULL && is_relabeled(p, a->type, InvalidOid, last->statement, true) &&
		  !is_only_relabeled(p, last, a, cmig_shape_column(after, number)))))
		refuse_computed(p, revision, last, "The revision computes the column more than once.");
	p->called = list_concat(p->called, last->called);
	(void) tell_states(last->expr, &reading);
	return last->expr != NULL ? last : NULL;
}

/*
 * Raise an error if a new column has another default than the one that rows have got.
 * Returns true if another role has added it.
 */
static bool
require_default(CmigPlanning *p, const CmigShapeTable *table, const CmigShapeColumn *column)
{
	bool		other_role = false;

	foreach_ptr(const CmigAdded, added, p->added)
	{
		if (strcmp(table->oid, psprintf("%u", added->table)) != 0 ||
			strcmp(column->number, psprintf("%d", added->number)) != 0)
			continue;
		if (added->value == NULL)
			cmig_versions_ask("up", table, column->name,
							  "Its default changes after it is added: tell what existing rows have.");
		other_role = added->other_role;
		foreach_ptr(CmigCalled, called, added->called)
			called->column = psprintf("%s.%s", quote_identifier(table->name), quote_identifier(column->name));
		p->called = list_concat(p->called, added->called);
	}
	return other_role;
}

/*
 * Returns the expression for an array whose labels get other names.  If one gets the name
 * that another one had, all have longer names meanwhile than a label can have.
 */
static const char *
renamed_array(const char *column, const CmigShapeEnum *from, const CmigShapeEnum *to)
{
	static CmigQuery query = {
		.sql = "WITH r AS (SELECT a.value AS a, b.value AS b,"
		"   repeat('-', 64) || row_number() OVER (ORDER BY a.value) AS other"
		"  FROM json_each_text($1::json) a JOIN json_each_text($2::json) b USING (key)"
		"  WHERE a.value <> b.value),"
		" s AS (SELECT 1 AS pass, a AS x, b AS y FROM r"
		"  WHERE NOT EXISTS (SELECT FROM r JOIN r o ON r.a = o.b)"
		"  UNION ALL"
		"  SELECT n, CASE n WHEN 1 THEN a ELSE other END, CASE n WHEN 1 THEN other ELSE b END"
		"  FROM r, generate_series(1, 2) n WHERE EXISTS (SELECT FROM r JOIN r o ON r.a = o.b))"
		" SELECT concat(repeat('pg_catalog.array_replace(', count(*)::int), $3, '::text[]',"
		"  string_agg(format(', %L, %L)', x, y), '' ORDER BY pass, x)) FROM s",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};

	return cmig_query_value(&query, from->numbers, to->numbers, column);
}

/*
 * Returns the expression that converts a column from one type to another, as an
 * assignment does, or by the labels of an enum.
 */
static Node *
conversion(const CmigPlanning *p, const CmigShapeColumn *from, const CmigShapeColumn *to, bool up)
{
	const char *name = quote_identifier(from->name);

	foreach_ptr(const CmigVersionEnum, e, p->enums)
	{
		const char *renamed = up ? e->up : e->down;
		const char *a = up ? from->type : to->type;
		const char *b = up ? to->type : from->type;

		if (strcmp(a, psprintf("%s[]", e->a->qualified)) == 0 &&
			strcmp(b, psprintf("%s[]", e->name)) == 0)
			return cmig_versions_expression(renamed_array(name, up ? e->a : e->b,
														  up ? e->b : e->a));
		if (strcmp(a, e->a->qualified) == 0 && strcmp(b, e->name) == 0)
			return cmig_versions_expression(renamed ?
											psprintf("CASE %s::text %s ELSE %s::text END", name,
													 renamed, name) :
											psprintf("%s::text", name));
	}
	return cmig_versions_expression(name);
}

/*
 * Walker: an enum of which both versions have one is the former, in its schema, or the
 * latter, in the version's, whatever its name was when the statement ran.
 */
static bool
name_types(Node *node, void *planning)
{
	const CmigPlanning *p = planning;
	TypeName   *type = (TypeName *) node;

	if (node == NULL)
		return false;
	foreach_ptr(const CmigVersionEnum, e, IsA(node, TypeName) ? p->enums : NIL)
	{
		bool		old = type->typeOid == strtoul(e->a->oid, NULL, 10);
		bool		new = type->typeOid == strtoul(e->b->oid, NULL, 10);

		if (old != new)
			type->names = list_make2(makeString(old ? e->a->schema :
												cmig_version_schema_name(p->result->revision, e->b->schema)),
									 makeString(e->b->name));
	}
	return raw_expression_tree_walker(node, name_types, planning);
}

static CmigVersionRule *
add_rule(CmigPlanning *p, int revision, const CmigShapeTable *table, bool up,
		 const CmigShapeColumn *column, Node *expr, const char *path)
{
	CmigVersionRule *rule = palloc0(sizeof(CmigVersionRule));

	rule->revision = revision;
	rule->table = table->oid;
	rule->number = column->number;
	rule->up = up;
	rule->type = column->type;
	rule->collation = column->collation;
	rule->expr = expr;
	rule->path = path;
	(void) name_types(expr, p);
	p->rules = lappend(p->rules, rule);
	return rule;
}

/* Add the rules of a revision for the columns of a table. */
static void
add_table_rules(CmigPlanning *p, int revision, const List *downs, const CmigShapeTable *before,
				const CmigShapeTable *after)
{
	foreach_ptr(const CmigShapeColumn, b, after->columns)
	{
		const CmigShapeColumn *a = cmig_shape_column(before, b->number);
		const CmigExpandLine *down = a ? find_down(downs, before, a->name) : NULL;
		bool		retyped = a != NULL &&
		(!cmig_text_same(a->type, b->type) || !cmig_text_same(a->collation, b->collation));
		const CmigComputed *up = find_computed(p, revision, before, after, b->number);
		bool		other_role = false;

		if (up != NULL)
		{
			CmigVersionRule *rule = add_rule(p, revision, after, true, b, up->expr, up->path);

			rule->other_role = up->other_role;
			rule->computed = up;
		}
		else if (retyped || down != NULL)
			add_rule(p, revision, after, true, b, conversion(p, a, b, true), NULL);
		else if (a == NULL)
			other_role = require_default(p, after, b);
		if (a == NULL && up == NULL && b->value != NULL && !b->generated[0])
			add_rule(p, revision, after, true, b,
					 cmig_versions_expression(b->value), NULL)->other_role = other_role;
		if (down != NULL)
			add_rule(p, revision, after, false, a,
					 cmig_versions_expression(down->down), cmig_versions_path_at(p, down->line));
		else if (a != NULL && (retyped || up != NULL))
			add_rule(p, revision, after, false, a, conversion(p, b, a, false), NULL);
	}
	foreach_ptr(const CmigShapeColumn, a, before->columns)
	{
		const CmigExpandLine *down = find_down(downs, before, a->name);

		if (down != NULL && cmig_shape_column(after, a->number) == NULL)
			add_rule(p, revision, before, false, a,
					 cmig_versions_expression(down->down), cmig_versions_path_at(p, down->line));
	}
}

/* Does the revision compute or replace the column, or drop it? */
static bool
is_changed(CmigPlanning *p, const CmigShapeTable *before, const CmigShapeTable *after,
		   const char *name)
{
	const CmigShapeColumn *a = cmig_shape_column_named(before, name);
	const CmigShapeColumn *b = a == NULL ? NULL : cmig_shape_column(after, a->number);

	return a != NULL && (b == NULL || !cmig_text_same(a->type, b->type) ||
						 !cmig_text_same(a->collation, b->collation) ||
						 last_computed(p, after->oid, a->number, 0, false) != NULL);
}

/*
 * Returns the line with its table.  Without a schema, tables of that name whose column the revision
 * changes come first: others may be those of scopes.  Raises an error if there are several.
 */
static Down *
find_table(CmigPlanning *p, int revision, const CmigRevisionText *text, const CmigExpandLine *line)
{
	Down	   *down = palloc0(sizeof(Down));
	bool		changed = false;
	bool		several = false;

	down->line = line;
	foreach_ptr(const CmigShapeTable, table, p->shapes[revision - 1])
	{
		const CmigShapeTable *after = cmig_shape_table(p->shapes[revision], table->oid);
		bool		changes;

		if (after == NULL || *table->inherits == 'p' ||
			(!cmig_expand_is_relation(line, table->schema, table->name) &&
			 !cmig_expand_is_relation(line, after->schema, after->name)))
			continue;
		changes = is_changed(p, table, after, line->column);
		several = changes == changed ? down->table != NULL : changed && several;
		if (changes || !changed)
			down->table = table;
		changed |= changes;
	}
	if (several)
		cmig_expand_refuse_line(text, line->line, false,
								"There are several tables with this name.",
								"Write it with its schema.");
	return down;
}

/* Raise an error if a line is about no column of its version. */
static void
require_column(const CmigPlanning *p, int revision, const CmigRevisionText *text,
			   const CmigExpandLine *line)
{
	bool		up = line->up != NULL;

	foreach_ptr(const CmigShapeTable, table, p->shapes[up ? revision : revision - 1])
	{
		const CmigShapeTable *other = cmig_shape_table(p->shapes[up ? revision - 1 : revision],
													   table->oid);

		if (*table->inherits != 'p' && cmig_shape_column_named(table, line->column) != NULL &&
			(cmig_expand_is_relation(line, table->schema, table->name) ||
			 (other != NULL && cmig_expand_is_relation(line, other->schema, other->name))))
			return;
	}
	cmig_expand_refuse_line(text, line->line, up,
							psprintf("There is no column %s.%s %s the revision.",
									 quote_identifier(line->relation),
									 quote_identifier(line->column),
									 up ? "after" : "before"),
							psprintf("The line computes a column of the %s version: use its name, and that of the table, not of a partition, %s the revision.",
									 up ? "new" : "old", up ? "after" : "before"));
}

void
cmig_versions_add_rules(CmigPlanning *p, int revision, const CmigRevisionText *text)
{
	List	   *downs = NIL;

	foreach_ptr(const CmigExpandLine, line, cmig_expand_lines(text))
	{
		require_column(p, revision, text, line);
		if (line->down != NULL)
			downs = lappend(downs, find_table(p, revision, text, line));
	}

	foreach_ptr(const CmigShapeTable, after, p->shapes[revision])
	{
		const CmigShapeTable *before = cmig_shape_table(p->shapes[revision - 1], after->oid);

		if (before != NULL)
			add_table_rules(p, revision, downs, before, after);
	}
	cmig_versions_require_called(p);
}

const CmigVersionRule *
cmig_versions_rule(const CmigPlanning *p, const char *table, const char *number, bool up, int level)
{
	const CmigVersionRule *found = NULL;

	foreach_ptr(const CmigVersionRule, rule, p->rules)
	{
		if (rule->up != up || strcmp(rule->table, table) != 0 || strcmp(rule->number, number) != 0)
			continue;
		/* the last one of an "up", the first one of a "down" */
		if (up ? rule->revision <= level : rule->revision > level && found == NULL)
			found = rule;
	}
	return found;
}

/* Returns the column that is meant at a level, or NULL. */
static const CmigShapeColumn *
column_of(const CmigPlanning *p, const CmigVersionTable *table, int level, const ColumnRef *ref)
{
	const CmigShapeTable *shape = cmig_shape_table(p->shapes[level], table->b->oid);

	if (shape == NULL)
		return NULL;
	return cmig_versions_is_numbered(ref) ?
		cmig_shape_column(shape, psprintf("%d", intVal(lsecond(ref->fields)))) :
		cmig_shape_column_named(shape, strVal(llast(ref->fields)));
}

/* Returns what the rule computes, with the names of a level, as the column has it. */
static Node *
value_at(ParseState *pstate, const CmigVersionRule *rule, int level, CmigVersionNames *names)
{
	CmigVersionNames caller = *names;
	TypeCast   *cast = castNode(TypeCast, cmig_versions_expression(psprintf("NULL::%s", rule->type)));
	int			settings = NewGUCNestLevel();
	Oid			collation;
	Node	   *result;

	cast->arg = copyObject(rule->expr);
	names->level = level;
	names->path = rule->path;
	names->read = NIL;
	cmig_versions_set_path(names, rule->path);
	result = transformExpr(pstate, (Node *) cast, EXPR_KIND_OTHER);
	cmig_versions_require_calls(rule, result, names);
	AtEOXact_GUC(false, settings);
	caller.other_role |= names->other_role;
	caller.read = list_concat(caller.read, names->read);
	*names = caller;

	/* it has the collation of the column, and not the one of the expression */
	assign_expr_collations(pstate, result);
	collation = rule->collation == NULL ? get_typcollation(exprType(result)) :
		get_collation_oid(textToQualifiedNameList(cstring_to_text(rule->collation)), false);
	if (OidIsValid(collation) && exprCollation(result) != collation)
	{
		CollateExpr *collate = makeNode(CollateExpr);

		collate->arg = (Expr *) result;
		collate->collOid = collation;
		collate->location = -1;
		result = (Node *) collate;
	}
	return result;
}

Node *
cmig_versions_value(ParseState *pstate, const ColumnRef *ref, CmigVersionNames *names)
{
	const CmigPlanning *p = names->planning;
	const CmigVersionTable *table = names->table;
	int			level = names->level +
	(cmig_versions_is_numbered(ref) && boolVal(lthird(ref->fields)) ? 1 : 0);
	const CmigShapeColumn *named = column_of(p, table, level, ref);
	const char *number = named ? named->number : NULL;
	const CmigVersionRule *rule;
	CmigVersionRule own = {0};

	if (named != NULL)
	{
		own.type = named->type;
		own.collation = named->collation;
	}
	if (named != NULL && list_length(ref->fields) == 4)
	{
		const CmigShapeTable *shape = cmig_shape_table(p->shapes[level + 1], table->b->oid);
		const CmigShapeColumn *after = cmig_shape_column(shape, number);

		own.expr = conversion(p, named, after, true);
		own.type = after->type;
		own.collation = after->collation;
		return value_at(pstate, &own, level, names);
	}
	/* a generated column has no value yet when a row is written */
	if (named != NULL && named->generated[0])
	{
		own.expr = cmig_versions_expression(named->value);
		own.path = names->path;
		return value_at(pstate, &own, level, names);
	}
	rule = number ? cmig_versions_rule(p, table->b->oid, number, names->up, level) : NULL;
	names->other_role |= rule != NULL && rule->other_role;
	if (rule != NULL)
		return value_at(pstate, rule, names->up ? rule->revision - 1 : rule->revision, names);
	foreach_ptr(const CmigVersionColumn, column, number ? table->columns : NIL)
	{
		if (strcmp(column->b->number, number) != 0)
			continue;
		if (!names->up || column->a != NULL)
			return colNameToVar(pstate, names->up ||
								column->hidden == NULL ? column->a->name : column->hidden, false,
								ref->location);
		/* rows have no value in a new column without a default */
		own.expr = cmig_versions_expression("NULL");
		return value_at(pstate, &own, level, names);
	}
	foreach_ptr(const CmigVersionColumn, column, number && names->up ? table->dropped : NIL)
	{
		if (strcmp(column->a->number, number) == 0)
			return colNameToVar(pstate, column->a->name, false, ref->location);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" does not exist in the %s version of table %s",
					strVal(cmig_versions_is_numbered(ref) ? linitial(ref->fields) : llast(ref->fields)),
					names->up ? "old" : "new", table->b->qualified)));
}
