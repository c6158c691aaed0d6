/*
 * column_identity.c
 *	  The identity of a column: its clause, its sequence, and how they change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/column_identity.h"
#include "kinds/kind_table.h"
#include "kinds/sequence_range.h"

void
cmig_column_identity_append(StringInfo buf, const CmigColumnIdentity *identity)
{
	const char *options = identity->options;

	appendStringInfo(buf, "GENERATED %s AS IDENTITY", identity->generated);
	if (options != NULL && *options != '\0')
		appendStringInfo(buf, " (%s)", options);
}

/* Returns the next line of *list, or NULL, and advances *list past it. */
static char *
next_line(const char **list)
{
	const char *start = *list;
	size_t		length;

	if (start == NULL || *start == '\0')
		return NULL;
	length = strcspn(start, "\n");
	*list = start + length + (start[length] != '\0');
	return pnstrdup(start, length);
}

/* Does a sequence with these settings count down? */
static bool
counts_down(const char *settings)
{
	return strncmp(settings, "INCREMENT BY -", strlen("INCREMENT BY -")) == 0;
}

/*
 * Returns the number after "word" in the settings, or "value" if the settings
 * do not contain the word.
 */
static int64
setting(const char *settings, const char *word, int64 value)
{
	char	   *line;

	while ((line = next_line(&settings)) != NULL)
		if (strncmp(line, word, strlen(word)) == 0)
			return strtoll(line + strlen(word), NULL, 10);
	return value;
}

static CmigSequenceRange
identity_range(const CmigColumnIdentity *identity)
{
	const char *settings = identity->settings;
	const char *type = identity->type;
	CmigSequenceRange range;

	range.down = counts_down(settings);
	range.low = setting(settings, "MINVALUE ", cmig_sequence_range_limit(type, range.down, false));
	range.high = setting(settings, "MAXVALUE ", cmig_sequence_range_limit(type, range.down, true));
	range.start = setting(settings, "START WITH ", range.down ? range.high : range.low);
	return range;
}

/*
 * Append SET for each identity option that differs.  The limits are also set
 * if the sequence changes between ascending and descending, because their
 * defaults depend on the direction.
 */
static void
append_settings(StringInfo buf, const CmigColumnIdentity *from, const CmigColumnIdentity *to)
{
	const char *old = from->settings,
			   *new = to->settings;
	bool		turns;
	char	   *a,
			   *b;

	if (old == NULL || new == NULL)
		return;
	turns = counts_down(old) != counts_down(new);
	while ((a = next_line(&old)) != NULL && (b = next_line(&new)) != NULL)
		if (strcmp(a, b) != 0 || (turns && strstr(b, "VALUE") != NULL))
			appendStringInfo(buf, "%sSET %s", buf->len > 0 ? " " : "", b);
}

/*
 * Returns the ALTER COLUMN action that adds, changes, or drops the identity,
 * or NULL if no option changes.
 */
static char *
identity_action(const CmigColumnIdentity *from, const CmigColumnIdentity *to)
{
	StringInfoData buf;

	if (to->generated == NULL)
		return "DROP IDENTITY";
	initStringInfo(&buf);
	if (from->generated == NULL)
	{
		appendStringInfoString(&buf, "ADD ");
		cmig_column_identity_append(&buf, to);
		return buf.data;
	}
	if (strcmp(from->generated, to->generated) != 0)
		appendStringInfo(&buf, "SET GENERATED %s", to->generated);
	append_settings(&buf, from, to);
	return buf.len > 0 ? buf.data : NULL;
}

/*
 * Returns the qualified name of the column's sequence, whose current
 * unqualified name is "name".
 */
static char *
sequence_identity(const CmigColumnIdentity *identity, const char *name)
{
	const char *sequence = identity->sequence;
	size_t		length = strlen(sequence) - strlen(cmig_quote(identity->name));

	return psprintf("%s%s", pnstrdup(sequence, length), cmig_quote(name));
}

/*
 * Returns the statement that changes a column's identity.  "name" is the
 * current unqualified name of the column's sequence.
 */
static char *
identity_alter(const CmigColumnIdentity *from, const CmigColumnIdentity *to, const char *name)
{
	char	   *sql = cmig_kind_column_sql(to->column, false, identity_action(from, to));
	CmigSequenceRange old,
				new;

	if (from->sequence == NULL || to->sequence == NULL)
		return sql;
	old = identity_range(from);
	new = identity_range(to);
	return cmig_sequence_range_alter(sql, sequence_identity(to, name), &old, &new, to->column);
}

char *
cmig_column_identity_sql(const CmigColumnIdentity *from, const CmigColumnIdentity *to, const char *name)
{
	const char *options = to->options;

	if (from->generated != NULL && to->generated != NULL)
		return identity_alter(from, to, name);
	if (to->generated == NULL || (options != NULL && *options != '\0'))
		return cmig_kind_column_sql(to->column, false, identity_action(from, to));
	return psprintf("%s;\nSELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%s, %s), greatest(max(%s), 0) + 1, false) FROM %s",
					cmig_kind_column_sql(to->column, false, identity_action(from, to)), cmig_literal(to->column->parent->identity),
					cmig_literal(to->column->name), cmig_quote(to->column->name), to->column->parent->identity);
}

/*
 * Returns ALTER SEQUENCE for the column's sequence, whose current unqualified
 * name is "name".
 */
static char *
sequence_sql(const CmigColumnIdentity *identity, const char *name, const char *action)
{
	return psprintf("ALTER SEQUENCE %s %s", sequence_identity(identity, name), action);
}

/*
 * Returns the action SET LOGGED or SET UNLOGGED that gives the sequence its
 * persistence.  If identity->persistence is NULL, this is the table's
 * persistence.
 */
static const char *
set_persistence(const CmigColumnIdentity *identity)
{
	const char *persistence = identity->persistence;

	if (persistence == NULL)
		persistence = cmig_table_is_unlogged(identity->column->parent) ? "UNLOGGED" : "LOGGED";
	return psprintf("SET %s", persistence);
}

char *
cmig_column_identity_persistence(const CmigColumnIdentity *identity)
{
	if (identity->persistence == NULL)
		return NULL;
	return sequence_sql(identity, identity->name, set_persistence(identity));
}

void
cmig_column_identity_alter(CmigAlter *alter, const CmigColumnIdentity *from, const CmigColumnIdentity *to, bool persistence)
{
	const char *old = from->name,
			   *new = to->name;

	if (old == NULL || new == NULL)
		return;
	if (strcmp(old, new) != 0)
		cmig_alter_add(alter, sequence_sql(to, old, psprintf("RENAME TO %s", cmig_quote(new))),
					   sequence_sql(to, new, psprintf("RENAME TO %s", cmig_quote(old))));
	if (persistence)
		cmig_alter_add(alter, sequence_sql(to, new, set_persistence(to)),
					   sequence_sql(to, new, set_persistence(from)));
}
