/*
 * lint_alter.c
 *	  Updates the lint state of a table after ALTER TABLE, and for the
 *	  elements of CREATE TABLE.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_alter.h"
#include "lint/lint_expression.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"

#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

/*
 * Constraints and indexes
 */

/* Join column names as PostgreSQL does in generated names. */
static char *
join_names(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
	{
		if (text.len > 0)
			appendStringInfoChar(&text, '_');
		appendStringInfoString(&text, lfirst(lc));
		if (text.len >= NAMEDATALEN)
			break;
	}
	return text.data;
}

/*
 * Does a constraint or an index of the table have this name?  Also returns true
 * if "names" contains the name.
 */
static bool
is_used(const CmigLintTable *table, const char *name, List *names)
{
	return cmig_text_list_has(names, name) ||
		(table != NULL && (cmig_lint_model_constraint(table, name) != NULL ||
						   cmig_lint_model_index(table, name) != NULL));
}

/*
 * Returns the part of the generated name of an unnamed constraint that consists
 * of column names.  Returns NULL if the generated name contains no column
 * names.
 */
static char *
columns_in_name(const Constraint *constraint, const char *column)
{
	List	   *columns;

	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
			return NULL;
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			columns = column ? list_make1((char *) column) : cmig_lint_model_names(constraint->keys);
			return columns ? join_names(columns) : NULL;
		case CONSTR_FOREIGN:
			columns = column ? list_make1((char *) column) : cmig_lint_model_names(constraint->fk_attrs);
			return join_names(columns);
		case CONSTR_NOTNULL:
			return unconstify(char *, column);
		default:
			columns = cmig_lint_expression_columns(constraint->raw_expr);
			return list_length(columns) == 1 ? linitial(columns) : NULL;
	}
}

/*
 * Returns the last part of the name that PostgreSQL generates for an unnamed
 * constraint, such as "fkey".
 */
static const char *
label_in_name(const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
			return "pkey";
		case CONSTR_UNIQUE:
			return "key";
		case CONSTR_EXCLUSION:
			return "excl";
		case CONSTR_FOREIGN:
			return "fkey";
		case CONSTR_NOTNULL:
			return "not_null";
		default:
			return "check";
	}
}

char *
cmig_lint_alter_constraint_name(const CmigLintTable *table, const char *table_name,
								const Constraint *constraint, const char *column,
								List *earlier)
{
	const char *label = label_in_name(constraint);
	char	   *columns;
	char	   *name;
	int			number = 0;

	if (constraint->conname)
		return pstrdup(constraint->conname);
	columns = columns_in_name(constraint, column);
	name = makeObjectName(table_name, columns, label);
	while (is_used(table, name, earlier))
		name = makeObjectName(table_name, columns, psprintf("%s%d", label, ++number));
	return name;
}

/* Returns the pg_constraint.contype value for a type of constraint. */
static char
constraint_type(ConstrType type)
{
	switch (type)
	{
		case CONSTR_PRIMARY:
			return CONSTRAINT_PRIMARY;
		case CONSTR_UNIQUE:
			return CONSTRAINT_UNIQUE;
		case CONSTR_EXCLUSION:
			return CONSTRAINT_EXCLUSION;
		case CONSTR_FOREIGN:
			return CONSTRAINT_FOREIGN;
		default:
			return CONSTRAINT_CHECK;
	}
}

/* Mark the columns as NOT NULL. */
static void
set_not_null(CmigLintTable *table, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		CmigLintColumn *column = cmig_lint_model_column(table, lfirst(lc));

		if (column)
			column->not_null = true;
	}
}

/* Record the index of a new PRIMARY KEY, UNIQUE, or EXCLUDE constraint. */
static void
add_constraint_index(CmigLintTable *table, const char *name, const Constraint *constraint, List *columns)
{
	CmigLintIndex *index;

	if (constraint->indexname)
	{
		index = cmig_lint_model_index(table, constraint->indexname);
		if (index)
			index->name = name;
		if (index && constraint->contype == CONSTR_PRIMARY)
			set_not_null(table, index->keys);
		return;
	}
	index = palloc0(sizeof(CmigLintIndex));
	index->name = name;
	index->is_new = true;
	index->unique = constraint->contype != CONSTR_EXCLUSION;
	index->usable = constraint->contype != CONSTR_EXCLUSION;
	index->method = BTREE_AM_OID;
	index->keys = columns;
	table->indexes = lappend(table->indexes, index);
	if (constraint->contype == CONSTR_PRIMARY)
		set_not_null(table, columns);
}

void
cmig_lint_alter_add_constraint(CmigLint *lint, CmigLintTable *table, const Constraint *constraint, const char *column)
{
	CmigLintConstraint *added;

	switch (constraint->contype)
	{
		case CONSTR_NOTNULL:
			if (column)
				set_not_null(table, list_make1((char *) column));
			else if (!constraint->skip_validation)
				set_not_null(table, cmig_lint_model_names(constraint->keys));
			return;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
		case CONSTR_CHECK:
		case CONSTR_FOREIGN:
			break;
		default:
			return;
	}
	added = palloc0(sizeof(CmigLintConstraint));
	added->name = cmig_lint_alter_constraint_name(table, table->name, constraint, column, NIL);
	added->type = constraint_type(constraint->contype);
	added->validated = !constraint->skip_validation;
	added->added_in = lint->revision_number;
	if (constraint->contype == CONSTR_CHECK)
	{
		added->columns = cmig_lint_expression_columns(constraint->raw_expr);
		added->proves_not_null = cmig_lint_model_not_null_columns(constraint->raw_expr);
	}
	else if (constraint->contype == CONSTR_FOREIGN)
		added->columns = column ? list_make1(pstrdup(column)) : cmig_lint_model_names(constraint->fk_attrs);
	else
	{
		added->columns = column ? list_make1(pstrdup(column)) : cmig_lint_model_names(constraint->keys);
		add_constraint_index(table, added->name, constraint, added->columns);
	}
	table->constraints = lappend(table->constraints, added);
}

/*
 * Columns
 */

/* Returns the type of a column declared with a serial type. */
static Oid
serial_type(const TypeName *type)
{
	switch (cmig_lint_types_serial(type))
	{
		case CMIG_LINT_SMALLSERIAL:
			return INT2OID;
		case CMIG_LINT_SERIAL:
			return INT4OID;
		default:
			return INT8OID;
	}
}

void
cmig_lint_alter_add_column(CmigLint *lint, CmigLintTable *table, const ColumnDef *definition)
{
	CmigLintColumn *column = palloc0(sizeof(CmigLintColumn));
	ListCell   *lc;

	column->name = pstrdup(definition->colname);
	column->is_new = true;
	if (definition->typeName)
		cmig_lint_types_find(lint, definition->typeName, &column->type, &column->typmod, &column->type_name);
	column->collation = get_typcollation(column->type);
	column->not_null = definition->is_not_null;
	if (definition->typeName && cmig_lint_types_serial(definition->typeName) != CMIG_LINT_NOT_SERIAL)
	{
		column->type = serial_type(definition->typeName);
		column->not_null = column->has_default = true;
	}
	table->columns = lappend(table->columns, column);
	foreach(lc, definition->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_IDENTITY)
			column->not_null = column->has_default = true;
		else if (constraint->contype == CONSTR_DEFAULT || constraint->contype == CONSTR_GENERATED)
			column->has_default = true;
		else
			cmig_lint_alter_add_constraint(lint, table, constraint, column->name);
	}
}

void
cmig_lint_alter_drop_column(CmigLintTable *table, const char *name)
{
	CmigLintColumn *column = cmig_lint_model_column(table, name);
	ListCell   *lc;

	if (column == NULL)
		return;
	table->columns = list_delete_ptr(table->columns, column);
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		if (cmig_text_list_has(index->keys, name) || cmig_text_list_has(index->uses, name))
			table->indexes = foreach_delete_current(table->indexes, lc);
	}
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (cmig_text_list_has(constraint->columns, name))
			table->constraints = foreach_delete_current(table->constraints, lc);
	}
}

/* Replace the name "from" in a list with the name "to". */
static void
rename_in(List *names, const char *from, const char *to)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), from) == 0)
			lfirst(lc) = (char *) to;
	}
}

void
cmig_lint_alter_rename_column(CmigLintTable *table, const char *from, const char *to)
{
	CmigLintColumn *column = cmig_lint_model_column(table, from);
	ListCell   *lc;

	if (column)
		column->name = to;
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		rename_in(index->keys, from, to);
		rename_in(index->uses, from, to);
	}
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		rename_in(constraint->columns, from, to);
		rename_in(constraint->proves_not_null, from, to);
	}
}

/*
 * ALTER TABLE
 */

/* Update the lint state of a column after ALTER COLUMN TYPE. */
static void
change_type(CmigLint *lint, CmigLintColumn *column, const ColumnDef *definition)
{
	cmig_lint_types_find(lint, definition->typeName, &column->type, &column->typmod, &column->type_name);
	column->collation = get_typcollation(column->type);
}

void
cmig_lint_alter_drop_constraint(CmigLintTable *table, const char *name)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(table, name);
	CmigLintIndex *index = cmig_lint_model_index(table, name);

	if (constraint)
		table->constraints = list_delete_ptr(table->constraints, constraint);
	if (constraint && constraint->type != CONSTRAINT_CHECK && constraint->type != CONSTRAINT_FOREIGN && index)
		table->indexes = list_delete_ptr(table->indexes, index);
}

/* Update the lint state of a table after VALIDATE CONSTRAINT. */
static void
validate_constraint(CmigLintTable *table, const char *name)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(table, name);

	if (constraint)
		constraint->validated = true;
}

/* Update the lint state of a table after one action of ALTER TABLE. */
static void
apply_action(CmigLint *lint, CmigLintTable *table, AlterTableCmd *command)
{
	CmigLintColumn *column = command->name ? cmig_lint_model_column(table, command->name) : NULL;

	switch (command->subtype)
	{
		case AT_AddColumn:
			if (cmig_lint_model_column(table, ((ColumnDef *) command->def)->colname) == NULL)
				cmig_lint_alter_add_column(lint, table, (ColumnDef *) command->def);
			break;
		case AT_DropColumn:
			cmig_lint_alter_drop_column(table, command->name);
			break;
		case AT_AlterColumnType:
			if (column)
				change_type(lint, column, (ColumnDef *) command->def);
			break;
		case AT_SetNotNull:
			set_not_null(table, list_make1(command->name));
			break;
		case AT_DropNotNull:
			if (column)
				column->not_null = false;
			break;
		case AT_ColumnDefault:
			if (column)
				column->has_default = command->def != NULL;
			break;
		case AT_AddConstraint:
			cmig_lint_alter_add_constraint(lint, table, (Constraint *) command->def, NULL);
			break;
		case AT_DropConstraint:
			cmig_lint_alter_drop_constraint(table, command->name);
			break;
		case AT_ValidateConstraint:
			validate_constraint(table, command->name);
			break;
		case AT_SetLogged:
		case AT_SetUnLogged:
			table->logged = command->subtype == AT_SetLogged;
			break;
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
			table->row_security = command->subtype == AT_EnableRowSecurity;
			break;
		case AT_DetachPartition:
			table->repartitioned = true;
			break;
		case AT_AttachPartition:
			table->repartitioned = true;
			if (((PartitionCmd *) command->def)->bound && ((PartitionCmd *) command->def)->bound->is_default)
				table->has_default_partition = true;
			break;
		default:
			break;
	}
}

/*
 * Remember an ALTER TABLE statement, because the next ALTER TABLE of the same
 * table might be combined with it.
 */
static void
note_alter(CmigLint *lint, AlterTableStmt *statement)
{
	CmigLintTable *table = lint->target;

	cmig_lint_state_touch(lint, table);
	table->altered_at = cmig_lint_state_is_combinable(statement) ? lint->statement->number : 0;
	table->altered_text = table->altered_at ? pstrdup(lint->statement->text) : NULL;
}

void
cmig_lint_alter_table(CmigLint *lint, AlterTableStmt *statement)
{
	ListCell   *lc;

	if (lint->target == NULL)
		return;
	cmig_lint_state_load(lint, lint->target);
	note_alter(lint, statement);
	foreach(lc, statement->cmds)
	{
		apply_action(lint, lint->target, lfirst_node(AlterTableCmd, lc));
	}
}
