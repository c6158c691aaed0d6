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

#include "nodes/nodeFuncs.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"

#include "versions/internal.h"

/* Returns the line about the column, or NULL. */
static const CmigExpandLine *
find_line(const List *lines, const CmigShapeTable *a, const CmigShapeTable *b, const char *column,
		  bool up)
{
	foreach_ptr(const CmigExpandLine, line, lines)
	{
		if ((line->up != NULL) == up && strcmp(line->column, column) == 0 &&
			(cmig_expand_is_relation(line, a->schema, a->name) ||
			 cmig_expand_is_relation(line, b->schema, b->name)))
			return line;
	}
	return NULL;
}

/* Returns the USING of the column's type change in the script, or NULL. */
static Node *
find_using(const CmigRevisionText *text, const CmigShapeTable *before, const CmigShapeTable *after,
		   const CmigShapeColumn *a, const CmigShapeColumn *b)
{
	CmigScriptReader *script = cmig_script_open(text->upgrade_sql);
	CmigStatement statement = {0};
	Node	   *found = NULL;

	while (cmig_script_next(script, &statement))
	{
		AlterTableStmt *alter = (AlterTableStmt *) statement.raw->stmt;

		if (!IsA(alter, AlterTableStmt) || alter->objtype != OBJECT_TABLE ||
			(strcmp(alter->relation->relname, before->name) != 0 &&
			 strcmp(alter->relation->relname, after->name) != 0))
			continue;
		foreach_node(AlterTableCmd, cmd, alter->cmds)
		{
			if (cmd->subtype == AT_AlterColumnType &&
				castNode(ColumnDef, cmd->def)->raw_default != NULL &&
				(strcmp(cmd->name, a->name) == 0 || strcmp(cmd->name, b->name) == 0))
				found = copyObject(castNode(ColumnDef, cmd->def)->raw_default);
		}
	}
	cmig_script_close(script);
	return found;
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

		if (renamed == NULL && strcmp(a, psprintf("%s[]", e->a->qualified)) == 0 &&
			strcmp(b, psprintf("%s[]", e->name)) == 0)
			return cmig_versions_expression(psprintf("%s::text[]", name));
		if (strcmp(a, e->a->qualified) == 0 && strcmp(b, e->name) == 0)
			return cmig_versions_expression(renamed ?
											psprintf("CASE %s::text %s ELSE %s::text END", name,
													 renamed, name) :
											psprintf("%s::text", name));
	}
	return cmig_versions_expression(name);
}

/* What an expression's names of types mean. */
typedef struct TypeNames
{
	const CmigPlanning *planning;
	const CmigRevisionText *text;
} TypeNames;

/*
 * Walker: the script gives the old or the new enum another name for some time.
 * The former still is in its schema, and the latter in the version's.
 */
static bool
name_types(Node *node, void *context)
{
	const TypeNames *names = context;
	TypeName   *type = (TypeName *) node;
	CmigScriptReader *script;
	CmigStatement statement = {0};

	if (node == NULL)
		return false;
	if (!IsA(node, TypeName) || type->names == NIL)
		return raw_expression_tree_walker(node, name_types, context);
	script = cmig_script_open(names->text->upgrade_sql);
	while (cmig_script_next(script, &statement))
	{
		const RenameStmt *rename = (RenameStmt *) statement.raw->stmt;

		foreach_ptr(const CmigVersionEnum, e, IsA(rename, RenameStmt) &&
					rename->renameType == OBJECT_TYPE ? names->planning->enums : NIL)
		{
			const char *before = strVal(llast(castNode(List, rename->object)));
			const char *name = strVal(llast(type->names));
			bool		old = strcmp(name, rename->newname) == 0 && strcmp(before, e->a->name) == 0;
			bool		new = strcmp(name, before) == 0 && strcmp(rename->newname, e->b->name) == 0;

			if (old != new)
				type->names = list_make2(makeString(old ? e->a->schema :
													cmig_version_schema_name(names->planning->result->revision, e->b->schema)),
										 makeString(e->b->name));
		}
	}
	cmig_script_close(script);
	return false;
}

static void
add_rule(CmigPlanning *p, int revision, const CmigShapeTable *table, const char *number, bool up,
		 const char *type, Node *expr)
{
	TypeNames	names = {p, list_nth(p->texts, revision - 1)};
	CmigVersionRule *rule = palloc(sizeof(CmigVersionRule));

	rule->revision = revision;
	rule->table = table->oid;
	rule->number = number;
	rule->up = up;
	rule->type = type;
	rule->expr = expr;
	if (p->enums != NIL)
		(void) name_types(expr, &names);
	p->rules = lappend(p->rules, rule);
}

/* Add the rules of a revision for the columns of a table. */
static void
add_table_rules(CmigPlanning *p, int revision, const CmigRevisionText *text, const List *lines,
				const CmigShapeTable *before, const CmigShapeTable *after)
{
	foreach_ptr(const CmigShapeColumn, b, after->columns)
	{
		const CmigShapeColumn *a = cmig_shape_column(before, b->number);
		const CmigExpandLine *up = find_line(lines, before, after, b->name, true);
		const CmigExpandLine *down = a ? find_line(lines, before, after, a->name, false) : NULL;
		bool		retyped = a != NULL &&
		(!cmig_text_same(a->type, b->type) || !cmig_text_same(a->collation, b->collation));
		Node	   *using = retyped ? find_using(text, before, after, a, b) : NULL;

		if (up != NULL)
			add_rule(p, revision, after, b->number, true, b->type,
					 cmig_versions_expression(up->up));
		else if (retyped || down != NULL)
			add_rule(p, revision, after, b->number, true, b->type,
					 using ? using : conversion(p, a, b, true));
		else if (a == NULL && b->value != NULL && !b->generated[0])
			add_rule(p, revision, after, b->number, true, b->type,
					 cmig_versions_expression(b->value));
		if (down != NULL)
			add_rule(p, revision, after, b->number, false, a->type,
					 cmig_versions_expression(down->down));
		else if (a != NULL && (retyped || up != NULL))
			add_rule(p, revision, after, b->number, false, a->type, conversion(p, b, a, false));
	}
	foreach_ptr(const CmigShapeColumn, a, before->columns)
	{
		const CmigExpandLine *down = find_line(lines, before, after, a->name, false);

		if (down != NULL && cmig_shape_column(after, a->number) == NULL)
			add_rule(p, revision, before, a->number, false, a->type,
					 cmig_versions_expression(down->down));
	}
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
	List	   *lines = cmig_expand_lines(text);

	foreach_ptr(const CmigExpandLine, line, lines)
		require_column(p, revision, text, line);

	foreach_ptr(const CmigShapeTable, after, p->shapes[revision])
	{
		const CmigShapeTable *before = cmig_shape_table(p->shapes[revision - 1], after->oid);

		if (before != NULL)
			add_table_rules(p, revision, text, lines, before, after);
	}
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

/* Returns the column with this name at a level, or NULL. */
static const CmigShapeColumn *
column_of(const CmigPlanning *p, const CmigVersionTable *table, int level, const char *name)
{
	const CmigShapeTable *shape = cmig_shape_table(p->shapes[level], table->b->oid);

	return shape ? cmig_shape_column_named(shape, name) : NULL;
}

Node *
cmig_versions_value(ParseState *pstate, const char *name, int location, CmigVersionNames *names)
{
	const CmigPlanning *p = names->planning;
	const CmigVersionTable *table = names->table;
	const CmigShapeColumn *named = column_of(p, table, names->level, name);
	const char *number;
	const CmigVersionRule *rule;
	TypeCast   *cast;
	Node	   *result;
	int			level = names->level;

	/* in a script, USING may name a column that was renamed before */
	if (named == NULL && names->up && level < p->revisions)
		named = column_of(p, table, level + 1, name);
	/* a generated column has no value yet when a row is written */
	if (named != NULL && named->generated[0])
	{
		cast = castNode(TypeCast, cmig_versions_expression(psprintf("NULL::%s", named->type)));
		cast->arg = cmig_versions_expression(named->value);
		return transformExpr(pstate, (Node *) cast, EXPR_KIND_OTHER);
	}
	number = named ? named->number : NULL;
	rule = number ? cmig_versions_rule(p, table->b->oid, number, names->up, level) : NULL;
	if (rule != NULL)
	{
		cast = castNode(TypeCast, cmig_versions_expression(psprintf("NULL::%s", rule->type)));
		cast->arg = copyObject(rule->expr);
		names->level = names->up ? rule->revision - 1 : rule->revision;
		result = transformExpr(pstate, (Node *) cast, EXPR_KIND_OTHER);
		names->level = level;
		return result;
	}
	foreach_ptr(const CmigVersionColumn, column, number ? table->columns : NIL)
	{
		if (strcmp(column->b->number, number) == 0 && (!names->up || column->a != NULL))
			return colNameToVar(pstate, names->up ||
								column->hidden == NULL ? column->a->name : column->hidden, false,
								location);
	}
	foreach_ptr(const CmigVersionColumn, column, number && names->up ? table->dropped : NIL)
	{
		if (strcmp(column->a->number, number) == 0)
			return colNameToVar(pstate, column->a->name, false, location);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" does not exist in the %s version of table %s", name,
					names->up ? "old" : "new", table->b->qualified)));
}
