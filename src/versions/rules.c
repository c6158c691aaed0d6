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

/* Do the options of a sequence set its next number? */
static bool
restarts(const List *options)
{
	foreach_node(DefElem, option, options)
	{
		if (strcmp(option->defname, "restart") == 0)
			return true;
	}
	return false;
}

/* Is all that the statement does a part of a definition? */
static bool
is_definition(const Node *stmt)
{
	if ((cmig_statement_flags(stmt) & (CMIG_STATEMENT_ROWS | CMIG_STATEMENT_UPKEEP)) ||
		IsA(stmt, RefreshMatViewStmt) || IsA(stmt, ClusterStmt) || IsA(stmt, NotifyStmt) ||
		(IsA(stmt, AlterSeqStmt) && restarts(((const AlterSeqStmt *) stmt)->options)))
		return false;
	if (IsA(stmt, AlterTableStmt))
	{
		foreach_node(AlterTableCmd, cmd, ((const AlterTableStmt *) stmt)->cmds)
		{
			if (cmd->subtype == AT_SetIdentity && restarts((List *) cmd->def))
				return false;
		}
	}
	return true;
}

void
cmig_versions_require_definitions(const CmigRevisionText *text)
{
	CmigScriptReader *script = cmig_script_open(text->upgrade_sql);
	CmigStatement statement = {0};

	while (cmig_script_next(script, &statement))
	{
		bool		rows = cmig_statement_flags(statement.raw->stmt) & CMIG_STATEMENT_ROWS;

		if (!is_definition(statement.raw->stmt))
			cmig_versions_refuse(psprintf("statement %d (line %d) of revision \"%s\"",
										  statement.number,
										  statement.line + Max(text->file_lines[0] - 1, 0),
										  text->edges.id),
								 rows ? "Only definitions can be expanded; this statement may change rows." :
								 "Only definitions can be expanded; this statement does something else.");
	}
	cmig_script_close(script);
}

/* Is this the relation's name before or after the revision? */
static bool
is_named(const RangeVar *relation, const CmigShapeTable *table)
{
	return table != NULL && strcmp(relation->relname, table->name) == 0 &&
		(relation->schemaname == NULL || strcmp(relation->schemaname, table->schema) == 0);
}

/* Is it the column itself, even if converted? */
static bool
is_conversion(Node *node, const char *column)
{
	while (node != NULL && IsA(node, TypeCast))
		node = ((TypeCast *) node)->arg;
	return node != NULL && IsA(node, ColumnRef) &&
		IsA(llast(((ColumnRef *) node)->fields), String) &&
		strcmp(strVal(llast(((ColumnRef *) node)->fields)), column) == 0;
}

/*
 * What a script computes for rows that exist: the USING of a change of type, and a
 * default that a new column gets after it was added, which they do not have.
 */
typedef struct Computed
{
	const RangeVar *relation;
	const char *column;
	Node	   *using;			/* NULL: a default */
	int			line;
	int			uses;			/* the tables that it may be about */
}			Computed;

static List *
computed_by(const CmigPlanning *p, int revision, const CmigRevisionText *text)
{
	CmigScriptReader *script = cmig_script_open(text->upgrade_sql);
	CmigStatement statement = {0};
	List	   *result = NIL;

	while (cmig_script_next(script, &statement))
	{
		AlterTableStmt *alter = (AlterTableStmt *) statement.raw->stmt;

		if (!IsA(alter, AlterTableStmt) || alter->objtype != OBJECT_TABLE)
			continue;
		foreach_node(AlterTableCmd, cmd, alter->cmds)
		{
			Node	   *using = cmd->subtype == AT_AlterColumnType ?
			castNode(ColumnDef, cmd->def)->raw_default : NULL;
			Computed   *computed;

			if (using == NULL && cmd->subtype != AT_ColumnDefault)
				continue;
			computed = palloc0(sizeof(Computed));
			computed->relation = copyObject(alter->relation);
			computed->column = pstrdup(cmd->name);
			computed->using = copyObject(using);
			computed->line = statement.line;
			foreach_ptr(const CmigShapeTable, after, p->shapes[revision])
			{
				const CmigShapeTable *before = cmig_shape_table(p->shapes[revision - 1],
																after->oid);

				computed->uses += before != NULL &&
					(is_named(computed->relation, before) || is_named(computed->relation, after)) &&
					(cmig_shape_column_named(before, cmd->name) ||
					 cmig_shape_column_named(after, cmd->name));
			}
			result = lappend(result, computed);
		}
	}
	cmig_script_close(script);
	return result;
}

pg_noreturn static void
refuse_using(const Computed * computed, const CmigRevisionText *text, const char *why)
{
	cmig_versions_refuse(psprintf("USING of column %s.%s (line %d) in revision \"%s\"",
								  quote_identifier(computed->relation->relname),
								  quote_identifier(computed->column),
								  computed->line + Max(text->file_lines[0] - 1, 0),
								  text->edges.id), why);
}

/*
 * Returns the USING of the column's type change, or NULL.  Names change their meaning
 * within a script, so it is an error if it is not certain what a row gets.
 */
static Node *
find_using(const CmigRevisionText *text, const List *computed,
		   const CmigShapeTable *before, const CmigShapeTable *after,
		   const CmigShapeColumn *a, const CmigShapeColumn *b, bool retyped, bool told)
{
	const		Computed *found = NULL;
	const char *why = NULL;

	foreach_ptr(const Computed, each, computed)
	{
		const CmigShapeColumn *old = cmig_shape_column_named(before, each->column);
		const CmigShapeColumn *new = cmig_shape_column_named(after, each->column);

		if ((!is_named(each->relation, before) && !is_named(each->relation, after)) ||
			((old == NULL || old != a) && new != b) || (a != NULL && each->using == NULL))
			continue;
		if (old != NULL && new != NULL && strcmp(old->number, new->number) != 0)
			why = "The name is that of two columns in this revision.";
		else if (each->using == NULL)
			why = "Its default changes after it is added: tell what existing rows have.";
		else if (found != NULL)
			why = "The revision computes the column more than once.";
		else if (each->uses > 1)
			why = "There are several tables with this name.";
		else if (!retyped && !is_conversion(each->using, each->column))
			why = "The type of the column remains, or the revision adds it.";
		found = each;
	}
	if (why != NULL && found->using != NULL)
		refuse_using(found, text, why);
	if (why != NULL && !told)
		cmig_versions_ask("up", after, b->name, why);
	return found ? found->using : NULL;
}

/* Walker: does an expression read a column that the script has computed before the line? */
typedef struct Reading
{
	const CmigShapeTable *before;
	const List *computed;
	int			line;
} Reading;

static bool
reads_computed(Node *node, void *context)
{
	const Reading *reading = context;

	if (node == NULL)
		return false;
	if (!IsA(node, ColumnRef) || !IsA(llast(((ColumnRef *) node)->fields), String))
		return raw_expression_tree_walker(node, reads_computed, context);
	foreach_ptr(const Computed, each, reading->computed)
	{
		if (each->using != NULL && each->line < reading->line &&
			is_named(each->relation, reading->before) &&
			!is_conversion(each->using, each->column) &&
			strcmp(each->column, strVal(llast(((ColumnRef *) node)->fields))) == 0)
			return true;
	}
	return false;
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
add_table_rules(CmigPlanning *p, int revision, const List *computed, const List *lines,
				const CmigShapeTable *before, const CmigShapeTable *after)
{
	const CmigRevisionText *text = list_nth(p->texts, revision - 1);

	foreach_ptr(const CmigShapeColumn, b, after->columns)
	{
		const CmigShapeColumn *a = cmig_shape_column(before, b->number);
		const CmigExpandLine *up = find_line(lines, before, after, b->name, true);
		const CmigExpandLine *down = a ? find_line(lines, before, after, a->name, false) : NULL;
		bool		retyped = a != NULL &&
		(!cmig_text_same(a->type, b->type) || !cmig_text_same(a->collation, b->collation));
		Node	   *using = find_using(text, computed, before, after, a, b, retyped, up != NULL);
		Reading		reading = {before, computed, up ? up->line : 0};

		if (up != NULL && reads_computed(cmig_versions_expression(up->up), &reading))
			cmig_expand_refuse_line(text, up->line, true,
									"The expression reads a column that the revision has computed before.",
									"Move the line before the statement with USING, or divide the revision.");
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

/* Raise an error if the script computes a column that has another name before and after it. */
static void
require_found(const CmigPlanning *p, int revision, const CmigRevisionText *text,
			  const List *computed)
{
	foreach_ptr(const Computed, each, computed)
	{
		bool		found = each->using == NULL || each->uses > 0;

		for (int level = revision - 1; level <= revision; level++)
		{
			/*
			 * of a table that is dropped or new, or a column that is dropped,
			 * nothing is computed
			 */
			foreach_ptr(const CmigShapeTable, table, p->shapes[level])
			{
				const CmigShapeTable *other = cmig_shape_table(p->shapes[2 * revision - 1 - level],
															   table->oid);
				const CmigShapeColumn *column = cmig_shape_column_named(table, each->column);

				found |= is_named(each->relation, table) &&
					(other == NULL || (column != NULL &&
									   cmig_shape_column(other, column->number) == NULL));
			}
		}
		if (!found)
			refuse_using(each, text,
						 "The names are those of the table and the column neither before nor after the revision.");
	}
}

void
cmig_versions_add_rules(CmigPlanning *p, int revision, const CmigRevisionText *text)
{
	List	   *lines = cmig_expand_lines(text);
	List	   *computed = computed_by(p, revision, text);

	foreach_ptr(const CmigExpandLine, line, lines)
		require_column(p, revision, text, line);

	foreach_ptr(const CmigShapeTable, after, p->shapes[revision])
	{
		const CmigShapeTable *before = cmig_shape_table(p->shapes[revision - 1], after->oid);

		if (before != NULL)
			add_table_rules(p, revision, computed, lines, before, after);
	}
	require_found(p, revision, text, computed);
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
