/*
 * concurrent.c
 *	  Statements that do not block concurrent reads and writes.
 *
 * The statements follow the recipes in src/online.  Statements that have no
 * concurrent form, such as those for partitioned tables, are not changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/concurrent.h"
#include "kinds/kind_constraint.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

#include "commands/defrem.h"

static bool
ends_with(const char *text, const char *end)
{
	size_t		length = strlen(text);

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/*
 * Insert CONCURRENTLY after CREATE [UNIQUE] INDEX, DROP INDEX, or REINDEX
 * INDEX.
 */
static char *
index_sql(char *sql)
{
	static const char *const words[] = {"CREATE INDEX ", "CREATE UNIQUE INDEX ", "DROP INDEX ", "REINDEX INDEX "};

	for (int i = 0; i < lengthof(words); i++)
		if (strncmp(sql, words[i], strlen(words[i])) == 0)
			return psprintf("%sCONCURRENTLY %s", words[i], sql + strlen(words[i]));
	return sql;
}

/*
 * Build statements that create the index first, and then the constraint with
 * USING INDEX.  Returns NULL if the definition has an unknown form.
 */
static char *
key_sql(const CmigObject *constraint, const char *definition)
{
	const char *table = constraint->parent->identity;
	const char *name = pstrdup(cmig_quote(constraint->name));
	const char *columns = strchr(definition, '('),
			   *end;
	const char *include = strstr(definition, ") INCLUDE (");
	const char *word = *definition == 'P' ? "PRIMARY KEY" : "UNIQUE";
	bool		quoted = false;

	if (columns == NULL)
		return NULL;
	for (end = include ? include + strlen(") INCLUDE (") : columns + 1; *end != '\0' && (quoted || *end != ')'); end++)
		if (*end == '"')
			quoted = !quoted;
	if (*end == '\0')
		return NULL;
	return psprintf("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %s%s%s;\nALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s",
					name, table, pnstrdup(columns, end + 1 - columns),
					strstr(definition, "NULLS NOT DISTINCT") ? " NULLS NOT DISTINCT" : "",
					cmig_constraint_parameters(constraint), table, name, word, name, end + 1);
}

/*
 * Returns the concurrent form of a statement that adds the constraint, or
 * the statement itself if there is no such form.
 */
static char *
constraint_sql(const CmigObject *constraint, char *sql)
{
	const char *table = constraint->parent->identity;
	const char *definition = cmig_constraint_text(constraint);
	const char *name = cmig_quote(constraint->name);

	if (strstr(sql, " ADD CONSTRAINT ") == NULL || ends_with(definition, " NOT VALID"))
		return sql;
	if (strncmp(definition, "UNIQUE ", 7) == 0 || strncmp(definition, "PRIMARY KEY ", 12) == 0)
	{
		char	   *key = key_sql(constraint, definition);

		return key ? key : sql;
	}
	if (strncmp(definition, "CHECK ", 6) != 0 && strncmp(definition, "FOREIGN KEY ", 12) != 0)
		return sql;
	return psprintf("%s NOT VALID;\nALTER TABLE %s VALIDATE CONSTRAINT %s", sql, table, name);
}

/*
 * Build SET NOT NULL with a temporary check constraint, so that SET NOT NULL
 * does not scan the table.  The check constraint's name differs from the one
 * that PostgreSQL would choose for the NOT NULL constraint.
 */
static char *
not_null_sql(const CmigObject *column, char *sql)
{
	const char *table = column->parent->identity;
	const char *name = cmig_quote(makeObjectName("cmig", column->name, "not_null"));

	if (!ends_with(sql, " SET NOT NULL"))
		return sql;
	name = pstrdup(name);
	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;\n"
					"ALTER TABLE %s VALIDATE CONSTRAINT %s;\n%s;\nALTER TABLE %s DROP CONSTRAINT %s",
					table, name, cmig_quote(column->name), table, name, sql, table, name);
}

char *
cmig_concurrent_sql(const CmigObject *object, char *sql)
{
	const CmigObject *table = object->parent;

	if (sql == NULL || table == NULL || table->kind != &cmig_kind_table)
		return sql;
	if (object->kind == &cmig_kind_column)
		return not_null_sql(object, sql);
	if (cmig_table_is_partitioned(table))
		return sql;
	if (object->kind == &cmig_kind_index)
		return index_sql(sql);
	if (object->kind == &cmig_kind_constraint || object->kind == &cmig_kind_foreign_key)
		return constraint_sql(object, sql);
	return sql;
}

void
cmig_concurrent_change(const CmigObject *object, List *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl)
	{
		CmigDdl    *entry = lfirst(cell);
		char	   *sql = entry->sql;
		char	   *undo = entry->undo;

		entry->sql = cmig_concurrent_sql(object, sql);
		entry->undo = cmig_concurrent_sql(object, undo);
		entry->stepwise = entry->sql != sql || entry->undo != undo;
		if (entry->sql != sql)
			entry->hazards &= ~CMIG_HAZARD_BLOCKS;
	}
}
