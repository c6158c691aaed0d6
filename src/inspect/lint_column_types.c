/*
 * lint_column_types.c
 *	  cmig.lint rules about column types.
 *
 * The rules apply only to columns of nontemporary tables, not to other uses of
 * a type.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/lint_model.h"
#include "inspect/lint_rules.h"
#include "inspect/lint_state.h"
#include "inspect/lint_types.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"

/* Callback for each column that a statement adds or whose type it changes. */
typedef void (*ColumnCheck) (CmigLint *lint, const ColumnDef *column, const char *name);

/* Call check for each column of CREATE TABLE. */
static void
each_created(CmigLint *lint, CreateStmt *create, ColumnCheck check)
{
	ListCell   *lc;

	if (create->relation->relpersistence == RELPERSISTENCE_TEMP)
		return;
	if (create->if_not_exists && cmig_lint_state_find(lint, create->relation, true))
		return;
	foreach(lc, create->tableElts)
	{
		ColumnDef  *column = lfirst(lc);

		if (IsA(column, ColumnDef) && column->typeName)
			check(lint, column, column->colname);
	}
}

/*
 * Call check for each column that ALTER TABLE adds or whose type it changes.
 */
static void
each_altered(CmigLint *lint, AlterTableStmt *alter, ColumnCheck check)
{
	ListCell   *lc;

	if (alter->objtype != OBJECT_TABLE && alter->objtype != OBJECT_FOREIGN_TABLE)
		return;
	if (lint->target == NULL || lint->target->temporary)
		return;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		ColumnDef  *column = (ColumnDef *) command->def;

		if (command->subtype == AT_AddColumn)
		{
			if (!command->missing_ok || cmig_lint_model_column(lint->target, column->colname) == NULL)
				check(lint, column, column->colname);
		}
		else if (command->subtype == AT_AlterColumnType)
			check(lint, column, command->name);
	}
}

/* Call check for each column in a CREATE or ALTER statement. */
static void
each_column(CmigLint *lint, Node *node, ColumnCheck check)
{
	ListCell   *lc;

	if (IsA(node, CreateStmt) || IsA(node, CreateForeignTableStmt))
		each_created(lint, (CreateStmt *) node, check);
	else if (IsA(node, AlterTableStmt))
		each_altered(lint, (AlterTableStmt *) node, check);
	else if (IsA(node, CreateSchemaStmt))
	{
		foreach(lc, ((CreateSchemaStmt *) node)->schemaElts)
		{
			each_column(lint, lfirst(lc), check);
		}
	}
}

static void
check_char(CmigLint *lint, const ColumnDef *column, const char *name)
{
	/* bpchar without a length is not blank-padded */
	if (cmig_lint_types_is(lint, column->typeName, BPCHAROID) && column->typeName->typmods != NIL)
		cmig_lint_report(lint, NULL, "column %s of type %s is padded with blanks; use text",
						 quote_identifier(name), cmig_lint_types_name(lint, column->typeName));
}

static void
check_varchar(CmigLint *lint, const ColumnDef *column, const char *name)
{
	if (cmig_lint_types_is(lint, column->typeName, VARCHAROID) && column->typeName->typmods != NIL)
		cmig_lint_report(lint, NULL, "the limit of column %s of type %s is hard to change; use text, with a CHECK if needed",
						 quote_identifier(name), cmig_lint_types_name(lint, column->typeName));
}

/*
 * Is the type a schema-qualified "serial"? Even a user-defined type with this
 * name looks like PostgreSQL's serial.
 */
static bool
reads_as_serial(const TypeName *type)
{
	return list_length(type->names) > 1 && strcmp(strVal(llast(type->names)), "serial") == 0;
}

static void
check_int(CmigLint *lint, const ColumnDef *column, const char *name)
{
	if (cmig_lint_types_is(lint, column->typeName, INT4OID) ||
		cmig_lint_types_serial(column->typeName) == CMIG_LINT_SERIAL)
		cmig_lint_report(lint, NULL, "column %s has 32 bits and overflows at 2147483647; use bigint",
						 quote_identifier(name));
	else if (reads_as_serial(column->typeName))
		cmig_lint_report(lint, NULL, "the type %s of column %s reads as a number of 32 bits; use bigint, or another name",
						 TypeNameToString(column->typeName), quote_identifier(name));
}

static void
check_smallint(CmigLint *lint, const ColumnDef *column, const char *name)
{
	if (cmig_lint_types_is(lint, column->typeName, INT2OID) ||
		cmig_lint_types_serial(column->typeName) == CMIG_LINT_SMALLSERIAL)
		cmig_lint_report(lint, NULL, "column %s has 16 bits and overflows at 32767; use bigint",
						 quote_identifier(name));
}

static void
check_serial(CmigLint *lint, const ColumnDef *column, const char *name)
{
	if (cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL)
		cmig_lint_report(lint, NULL, "the sequence of column %s is an object with privileges of its own; use GENERATED ... AS IDENTITY",
						 quote_identifier(name));
}

static void
check_timestamp(CmigLint *lint, const ColumnDef *column, const char *name)
{
	if (cmig_lint_types_is(lint, column->typeName, TIMESTAMPOID))
		cmig_lint_report(lint, NULL, "column %s has no time zone; use timestamptz", quote_identifier(name));
}

static void
check_json(CmigLint *lint, const ColumnDef *column, const char *name)
{
	if (cmig_lint_types_is(lint, column->typeName, JSONOID))
		cmig_lint_report(lint, NULL, "column %s of type json cannot be compared, so DISTINCT, GROUP BY, and UNION fail; use jsonb",
						 quote_identifier(name));
}

/* Implements the rule ban-char-field. */
static void
prefer_no_char(CmigLint *lint, Node *node)
{
	each_column(lint, node, check_char);
}

/* Implements the rule prefer-text-field. */
static void
prefer_text(CmigLint *lint, Node *node)
{
	each_column(lint, node, check_varchar);
}

/* Implements the rule prefer-bigint-over-int. */
static void
prefer_bigint_over_int(CmigLint *lint, Node *node)
{
	each_column(lint, node, check_int);
}

/* Implements the rule prefer-bigint-over-smallint. */
static void
prefer_bigint_over_smallint(CmigLint *lint, Node *node)
{
	each_column(lint, node, check_smallint);
}

/* Implements the rule prefer-identity. */
static void
prefer_identity(CmigLint *lint, Node *node)
{
	each_column(lint, node, check_serial);
}

/* Implements the rule prefer-timestamp-tz. */
static void
prefer_timestamptz(CmigLint *lint, Node *node)
{
	each_column(lint, node, check_timestamp);
}

/* Implements the rule prefer-jsonb-over-json. */
static void
prefer_jsonb(CmigLint *lint, Node *node)
{
	each_column(lint, node, check_json);
}

#define TAGS {T_CreateStmt, T_AlterTableStmt, T_CreateForeignTableStmt, T_CreateSchemaStmt}

const CmigLintRule cmig_lint_column_types[] = {
	{"ban-char-field", CMIG_LINT_NOTICE, false, prefer_no_char, TAGS},
	{"prefer-text-field", CMIG_LINT_NOTICE, false, prefer_text, TAGS},
	{"prefer-bigint-over-int", CMIG_LINT_NOTICE, false, prefer_bigint_over_int, TAGS},
	{"prefer-bigint-over-smallint", CMIG_LINT_NOTICE, false, prefer_bigint_over_smallint, TAGS},
	{"prefer-identity", CMIG_LINT_NOTICE, false, prefer_identity, TAGS},
	{"prefer-timestamp-tz", CMIG_LINT_NOTICE, false, prefer_timestamptz, TAGS},
	{"prefer-jsonb-over-json", CMIG_LINT_NOTICE, false, prefer_jsonb, TAGS},
	{NULL}
};
