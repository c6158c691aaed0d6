/*
 * lint_rules.c
 *	  Lists all cmig.lint rules.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_ignore.h"
#include "lint/lint_rules.h"

const CmigLintRule cmig_lint_rules_syntax_error = {
	"syntax-error", CMIG_LINT_ERROR, false, NULL
};

const CmigLintRule cmig_lint_rules_unused_ignore = {
	"unused-ignore", CMIG_LINT_NOTICE, false, NULL
};

static const CmigLintRule *const subjects[] = {
	cmig_lint_indexes,
	cmig_lint_columns,
	cmig_lint_column_types,
	cmig_lint_constraints,
	cmig_lint_foreign_keys,
	cmig_lint_domains,
	cmig_lint_tables,
	cmig_lint_partitions,
	cmig_lint_distribution,
	cmig_lint_dependents,
	cmig_lint_replaced,
	cmig_lint_enums,
	cmig_lint_names,
	cmig_lint_transactions,		/* last, because these rules use the findings
								 * of the other rules */
};

void
cmig_lint_rules_each(CmigLintRuleCallback callback, void *arg)
{
	for (int i = 0; i < lengthof(subjects); i++)
	{
		for (const CmigLintRule *rule = subjects[i]; rule->name; rule++)
			callback(rule, arg);
	}
	callback(&cmig_lint_rules_syntax_error, arg);
	callback(&cmig_lint_rules_unused_ignore, arg);
}

/* Argument of compare_name(): the name to search for, and the result. */
typedef struct NameSearch
{
	const char *name;
	bool		found;
} NameSearch;

/* Callback: compare a rule's name with the name to search for. */
static void
compare_name(const CmigLintRule *rule, void *arg)
{
	NameSearch *search = arg;

	search->found |= cmig_lint_ignore_is(search->name, rule->name);
}

bool
cmig_lint_rules_exists(const char *name)
{
	NameSearch	search = {name, false};

	cmig_lint_rules_each(compare_name, &search);
	return search.found;
}
