/*
 * audit_arguments.c
 *	  The arguments of enable_audit() and similar functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_arguments.h"
#include "audit/audit_columns.h"
#include "audit/audit_layout.h"
#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

/* Returns a text[] argument as a List of CmigAuditName. */
static List *
names_argument(FunctionCallInfo fcinfo, int n, const char *what)
{
	CmigNames  *texts = cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), what, NULL);
	List	   *names = NIL;

	for (int i = 0; i < texts->count; i++)
	{
		CmigAuditName *name = palloc0(sizeof(CmigAuditName));

		name->name = texts->names[i];

		/*
		 * Reject duplicates: one of the two names may be mistyped, and then
		 * the column that was meant would stay visible.
		 */
		if (cmig_audit_options_has(names, name->name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("name \"%s\" is listed twice in %s", name->name, what)));
		names = lappend(names, name);
	}
	return names;
}

/*
 * Returns the index in "words" of the word in argument n.  "words" ends with
 * NULL.  Raises an error if the word is not in "words".  "what" is the
 * argument's name, for the message.
 */
static int
word_argument(FunctionCallInfo fcinfo, int n, const char *what, const char *const *words)
{
	char	   *word = text_to_cstring(PG_GETARG_TEXT_PP(n));
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; words[i]; i++)
	{
		if (pg_strcasecmp(words[i], word) == 0)
			return i;
		appendStringInfo(&list, "%s'%s'", i > 0 ? ", " : "", words[i]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for %s: \"%s\"", what, word),
			 errhint("Valid values are %s.", list.data)));
	return 0;
}

static const char *const image_words[] = {"row", "changes", NULL};
static const char *const level_words[] = {"auto", "row", "statement", NULL};
static const char *const oversize_words[] = {"error", "truncate", NULL};
static const char *const operation_words[] = {"insert", "update", "delete", "truncate", NULL};

/* Returns argument n as a set of operations. */
static int
operations_argument(FunctionCallInfo fcinfo, int n)
{
	int			operations = 0;
	ListCell   *lc;

	foreach(lc, names_argument(fcinfo, n, "operations"))
	{
		CmigAuditName *name = lfirst(lc);
		int			i;

		for (i = 0; operation_words[i]; i++)
			if (pg_strcasecmp(operation_words[i], name->name) == 0)
				break;
		if (operation_words[i] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized operation \"%s\"", name->name),
					 errhint("Valid operations are insert, update, delete, and truncate.")));
		operations |= 1 << i;
	}
	if (operations == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operations must not be empty"),
				 errhint("Specify at least one of insert, update, delete, and truncate. To turn off auditing, call cmig.disable_audit()")));
	return operations;
}

void
cmig_audit_arguments_read(FunctionCallInfo fcinfo, int n, CmigAuditOptions *options)
{
	if (!PG_ARGISNULL(n))
	{
		options->exclude = names_argument(fcinfo, n, "exclude");
		if (options->exclude)
			options->include = NIL;
	}
	if (!PG_ARGISNULL(n + 1))
	{
		options->include = names_argument(fcinfo, n + 1, "include");
		if (options->include && !PG_ARGISNULL(n) && options->exclude)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("include and exclude cannot be combined"),
					 errhint("Specify include to log only the listed columns, or exclude to log all other columns.")));
		if (options->include)
			options->exclude = NIL;
	}
	if (!PG_ARGISNULL(n + 2))
		options->redact = names_argument(fcinfo, n + 2, "redact");
	if (!PG_ARGISNULL(n + 3))
		options->hash = names_argument(fcinfo, n + 3, "hash");
	if (!PG_ARGISNULL(n + 4))
		options->changes_only = word_argument(fcinfo, n + 4, "image", image_words) == 1;
	if (!PG_ARGISNULL(n + 5))
		options->operations = operations_argument(fcinfo, n + 5);
	if (!PG_ARGISNULL(n + 6))
		options->skip_unchanged = PG_GETARG_BOOL(n + 6);
	if (!PG_ARGISNULL(n + 7))
	{
		options->query_length = PG_GETARG_INT32(n + 7);
		if (options->query_length < 0 || options->query_length > 1024 * 1024)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("query_length must be between 0 and 1048576 bytes")));
	}
	if (!PG_ARGISNULL(n + 8))
		options->level = word_argument(fcinfo, n + 8, "level", level_words);
	if (!PG_ARGISNULL(n + 9))
		options->replicated = PG_GETARG_BOOL(n + 9);
	if (!PG_ARGISNULL(n + 10))
		options->truncate = word_argument(fcinfo, n + 10, "oversize", oversize_words) == 1;

	if (options->replicated && options->level == CMIG_AUDIT_LEVEL_STATEMENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("replicated changes cannot be logged at statement level"),
				 errdetail("The server fires only row triggers when it applies replicated changes."),
				 errhint("Use level => 'auto' or level => 'row'")));
}

/*
 * Returns the column whose name is most similar to a mistyped name, or NULL if
 * no name is similar.
 */
static const char *
nearest_column(Relation relation, const char *name)
{
	TupleDesc	desc = RelationGetDescr(relation);
	const char *nearest = NULL;
	int			length = strlen(name);
	int			best = Min(3, length / 2);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const char *candidate = NameStr(attribute->attname);
		int			distance;

		if (attribute->attisdropped || length >= NAMEDATALEN)
			continue;
		distance = varstr_levenshtein_less_equal(name, length, candidate, strlen(candidate),
												 1, 1, 1, best, true);
		if (distance < best || (distance == best && nearest == NULL))
		{
			nearest = candidate;
			best = distance;
		}
	}
	return nearest;
}

/* Raise an error for a listed column that the table does not have. */
static void
refuse_unknown(const char *name, const char *what, Relation relation)
{
	const char *nearest = nearest_column(relation, name);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist",
					name, RelationGetRelationName(relation)),
			 errdetail("It is listed in %s.", what),
			 nearest ? errhint("Did you mean \"%s\"?", nearest) : 0));
}

/*
 * Look up the numbers of the columns in a list.  The columns must exist.  If
 * the option hides columns, they must not be part of the key.
 */
static void
check_names(List *names, const char *what, Relation relation, const List *key, bool hides)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);
		ListCell   *k;

		name->attnum = get_attnum(RelationGetRelid(relation), name->name);
		if (name->attnum <= 0)
			refuse_unknown(name->name, what, relation);
		foreach(k, key)
		{
			if (hides && strcmp(lfirst(k), name->name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("column \"%s\" is part of the key of table \"%s\" and cannot be hidden",
								name->name, RelationGetRelationName(relation)),
						 errdetail("The key identifies the rows in the log.")));
		}
	}
}

/* Raise an error for a column that is in both lists. */
static void
check_disjoint(List *names, const char *what, List *others, const char *other_what)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (cmig_audit_options_has(others, name->name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" is listed in both %s and %s",
							name->name, what, other_what),
					 errhint("Remove the column from one of the two lists. A list that is not specified stays unchanged. To empty a list, specify '{}'.")));
	}
}

void
cmig_audit_arguments_check(CmigAuditOptions *options, Relation relation)
{
	List	   *key = cmig_audit_layout_key(relation);

	check_names(options->include, "include", relation, NIL, false);
	check_names(options->exclude, "exclude", relation, key, true);
	check_names(options->redact, "redact", relation, key, true);
	check_names(options->hash, "hash", relation, key, true);
	check_disjoint(options->exclude, "exclude", options->redact, "redact");
	check_disjoint(options->exclude, "exclude", options->hash, "hash");
	check_disjoint(options->redact, "redact", options->hash, "hash");
	cmig_audit_columns_anchor(options, RelationGetRelid(relation));
}

/*
 * Returns those of the names that are columns of the table, and adds them to
 * *met.
 */
static List *
present_names(List *names, Relation relation, List **met)
{
	List	   *present = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (get_attnum(RelationGetRelid(relation), name->name) <= 0)
			continue;
		present = lappend(present, name);
		if (!cmig_audit_options_has(*met, name->name))
			*met = lappend(*met, name);
	}
	return present;
}

void
cmig_audit_arguments_fit(CmigAuditOptions *options, Relation relation, List **met)
{
	options->exclude = present_names(options->exclude, relation, met);
	options->redact = present_names(options->redact, relation, met);
	options->hash = present_names(options->hash, relation, met);
}

void
cmig_audit_arguments_require_met(FunctionCallInfo fcinfo, int n, List *met, const char *schema)
{
	CmigAuditOptions *options = cmig_audit_options_default();
	List	   *names;
	ListCell   *lc;

	cmig_audit_arguments_read(fcinfo, n, options);
	names = list_concat(list_concat(list_copy(options->exclude), options->redact), options->hash);
	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (!cmig_audit_options_has(met, name->name))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("no table in schema \"%s\" has a column \"%s\"", schema, name->name),
					 errdetail("The call excludes, redacts, or hashes that column.")));
	}
}
