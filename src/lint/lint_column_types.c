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

#include "base/listing.h"
#include "lint/lint_integers.h"
#include "lint/lint_model.h"
#include "lint/lint_rules.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"

/*
 * A callback that returns true if a rule applies to a column added or altered
 * by a statement.
 */
typedef bool (*ColumnTest) (CmigLint *lint, const ColumnDef *column);

/* A search for the columns of one statement to which a rule applies. */
typedef struct Columns
{
	CmigLint   *lint;
	ColumnTest	applies;
	bool		of_ids;			/* true if the rule applies only to columns
								 * that may contain generated ids */
	List	   *constraints;	/* the statement's table constraints */
	CmigListing names;
} Columns;

/* Add a column if the rule applies to it. */
static void
judge_column(Columns *columns, const ColumnDef *column, const char *name)
{
	if (columns->applies(columns->lint, column) &&
		!(columns->of_ids && cmig_lint_integers_suffice(columns->lint, column, name, columns->constraints)))
		cmig_listing_add(&columns->names, quote_identifier(name));
}

/* Check the columns of CREATE TABLE. */
static void
judge_created(Columns *columns, CreateStmt *create)
{
	ListCell   *lc;

	if (create->relation->relpersistence == RELPERSISTENCE_TEMP)
		return;
	if (create->if_not_exists && cmig_lint_state_find(columns->lint, create->relation, true))
		return;
	columns->constraints = NIL;
	foreach(lc, create->tableElts)
	{
		if (IsA(lfirst(lc), Constraint))
			columns->constraints = lappend(columns->constraints, lfirst(lc));
	}
	foreach(lc, create->tableElts)
	{
		ColumnDef  *column = lfirst(lc);

		if (IsA(column, ColumnDef) && column->typeName)
			judge_column(columns, column, column->colname);
	}
}

/* Check the columns that ALTER TABLE adds, and those whose type it changes. */
static void
judge_altered(Columns *columns, AlterTableStmt *alter)
{
	const CmigLintTable *table = columns->lint->target;
	ListCell   *lc;

	if (alter->objtype != OBJECT_TABLE && alter->objtype != OBJECT_FOREIGN_TABLE)
		return;
	if (table == NULL || table->temporary)
		return;
	columns->constraints = NIL;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddConstraint)
			columns->constraints = lappend(columns->constraints, command->def);
	}
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		ColumnDef  *column = (ColumnDef *) command->def;

		if (command->subtype == AT_AddColumn)
		{
			if (!command->missing_ok || cmig_lint_model_column(table, column->colname) == NULL)
				judge_column(columns, column, column->colname);
		}
		else if (command->subtype == AT_AlterColumnType)
			judge_column(columns, column, command->name);
	}
}

/* Check the columns in a CREATE or ALTER statement. */
static void
judge_columns(Columns *columns, Node *node)
{
	ListCell   *lc;

	if (IsA(node, CreateStmt) || IsA(node, CreateForeignTableStmt))
		judge_created(columns, (CreateStmt *) node);
	else if (IsA(node, AlterTableStmt))
		judge_altered(columns, (AlterTableStmt *) node);
	else if (IsA(node, CreateSchemaStmt))
	{
		foreach(lc, ((CreateSchemaStmt *) node)->schemaElts)
		{
			judge_columns(columns, lfirst(lc));
		}
	}
}

/*
 * Report all columns of a statement to which a rule applies, in one finding.
 * "one" is the message for a single column, and "several" is the message for
 * several columns.
 */
static void
report(Columns *columns, Node *node, const char *one, const char *several)
{
	cmig_listing_init(&columns->names, CMIG_LISTING_PLAIN);
	judge_columns(columns, node);
	if (columns->names.count == 1)
		cmig_lint_report(columns->lint, NULL, "column %s %s", cmig_listing_text(&columns->names), one);
	else if (columns->names.count > 1)
		cmig_lint_report(columns->lint, NULL, "columns %s %s", cmig_listing_text(&columns->names), several);
}

/* Like report(), but initializes the search with the callback "applies". */
static void
report_columns(CmigLint *lint, Node *node, ColumnTest applies, const char *one, const char *several)
{
	Columns		columns = {.lint = lint,.applies = applies};

	report(&columns, node, one, several);
}

/*
 * Like report_columns(), but only for columns that may contain generated ids.
 */
static void
report_ids(CmigLint *lint, Node *node, ColumnTest applies, const char *one, const char *several)
{
	Columns		columns = {.lint = lint,.applies = applies,.of_ids = true};

	report(&columns, node, one, several);
}

static bool
is_padded(CmigLint *lint, const ColumnDef *column)
{
	/* only bpchar with a length is blank-padded */
	return cmig_lint_types_is(lint, column->typeName, BPCHAROID) && column->typeName->typmods != NIL;
}

static bool
is_limited(CmigLint *lint, const ColumnDef *column)
{
	return cmig_lint_types_is(lint, column->typeName, VARCHAROID) && column->typeName->typmods != NIL;
}

static bool
is_int(CmigLint *lint, const ColumnDef *column)
{
	return cmig_lint_types_is(lint, column->typeName, INT4OID) ||
		cmig_lint_types_serial(column->typeName) == CMIG_LINT_SERIAL;
}

/*
 * Is this a schema-qualified type called "serial"?  A reader might mistake it
 * for PostgreSQL's serial, even if it is a user-defined type.
 */
static bool
reads_as_serial(CmigLint *lint, const ColumnDef *column)
{
	const TypeName *type = column->typeName;

	return list_length(type->names) > 1 && strcmp(strVal(llast(type->names)), "serial") == 0 &&
		!is_int(lint, column);
}

static bool
is_smallint(CmigLint *lint, const ColumnDef *column)
{
	return cmig_lint_types_is(lint, column->typeName, INT2OID) ||
		cmig_lint_types_serial(column->typeName) == CMIG_LINT_SMALLSERIAL;
}

static bool
is_serial(CmigLint *lint, const ColumnDef *column)
{
	return cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL;
}

static bool
is_timestamp(CmigLint *lint, const ColumnDef *column)
{
	return cmig_lint_types_is(lint, column->typeName, TIMESTAMPOID);
}

static bool
is_json(CmigLint *lint, const ColumnDef *column)
{
	return cmig_lint_types_is(lint, column->typeName, JSONOID);
}

/* Implements the rule ban-char-field. */
static void
prefer_no_char(CmigLint *lint, Node *node)
{
	report_columns(lint, node, is_padded,
				   "is padded with blanks; use text",
				   "are padded with blanks; use text");
}

/* Implements the rule prefer-text-field. */
static void
prefer_text(CmigLint *lint, Node *node)
{
	report_columns(lint, node, is_limited,
				   "has a length limit, which is hard to change; use text, with a CHECK constraint if needed",
				   "have length limits, which are hard to change; use text, with CHECK constraints if needed");
}

/* Implements the rule prefer-bigint-over-int. */
static void
prefer_bigint_over_int(CmigLint *lint, Node *node)
{
	report_ids(lint, node, is_int,
			   "overflows at 2147483647; use bigint",
			   "overflow at 2147483647; use bigint");
	report_columns(lint, node, reads_as_serial,
				   "has a type whose name suggests a 32-bit integer; use bigint, or rename the type",
				   "have a type whose name suggests a 32-bit integer; use bigint, or rename the type");
}

/* Implements the rule prefer-bigint-over-smallint. */
static void
prefer_bigint_over_smallint(CmigLint *lint, Node *node)
{
	report_ids(lint, node, is_smallint,
			   "overflows at 32767; use bigint",
			   "overflow at 32767; use bigint");
}

/* Implements the rule prefer-identity. */
static void
prefer_identity(CmigLint *lint, Node *node)
{
	report_columns(lint, node, is_serial,
				   "has a sequence with separate privileges; use GENERATED ... AS IDENTITY",
				   "have sequences with separate privileges; use GENERATED ... AS IDENTITY");
}

/* Implements the rule prefer-timestamp-tz. */
static void
prefer_timestamptz(CmigLint *lint, Node *node)
{
	report_columns(lint, node, is_timestamp,
				   "has no time zone; use timestamptz",
				   "have no time zone; use timestamptz");
}

/* Implements the rule prefer-jsonb-over-json. */
static void
prefer_jsonb(CmigLint *lint, Node *node)
{
	report_columns(lint, node, is_json,
				   "of type json cannot be compared, so DISTINCT, GROUP BY, and UNION fail; use jsonb",
				   "of type json cannot be compared, so DISTINCT, GROUP BY, and UNION fail; use jsonb");
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
